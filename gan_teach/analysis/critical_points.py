"""Critical points of a game: all of a small game, and J across those that are not isolated.

A critical point is a zero of the two players' field v. A minimiser of |v|^2 started from many
points at once finds those near which any of them lies; nothing proves that none was missed, so use
many starts and look at ``hits``.

A GAN often has parameters that its loss does not see: rotations of a latent space, the spread of a
generator whose discriminator compares means. Along them J has eigenvalue zero at every tau, the
Schur complement is singular and there is no tau*, although the run may be perfectly well behaved.
`transverse` leaves these directions out, and the question has an answer again.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from gan_teach import _checks
from gan_teach.analysis.spectra import GameJacobian, jacobian, vector_field
from gan_teach.analysis.stability import one_jacobian
from gan_teach.analysis.timescale import CriticalPoint, classify, relative_zero, tau_star
from gan_teach.games import Batch, Game

_APART = 1e-4  # points closer than this are one
_SETTLED = 1e-8  # a Newton step this short, relative to 1 + |w|, ends the search


class Zero(NamedTuple):
    """A zero of the field: w (n,); J there; the kind of point and tau*; hits: how many starts ended
    there."""

    w: np.ndarray
    J: GameJacobian
    point: CriticalPoint
    tau_star: float
    hits: int


def critical_points(
    game: Game, starts: Any, *, batch: Batch | None = None, period: float | None = None
) -> list[Zero]:
    """Zeros of v reached from ``starts`` (S, n), w = (x, y) each, in ascending order of w.

    Damped Gauss-Newton (Levenberg-Marquardt) on |v|^2 / 2 for all starts in one batch, at most
    200 steps; starts that do not settle, or settle outside the box that the starts span, are
    dropped (a field that fades at infinity has no zero there). Points closer than 10^-4 are one.
    With ``period`` every coordinate is an angle, shifted into [-period / 2, period / 2).
    Zeros that are not isolated come back as the many points on them that were reached.

    The search is in float64, whatever the game's precision. Not for stacks; ``batch`` is needed for
    games with random losses, and is then held fixed. Raises ValueError for starts of the wrong
    shape.
    """
    w = torch.as_tensor(np.asarray(starts, dtype=np.float64))
    n = game.n_g + game.n_d
    if game.lead:
        raise ValueError("critical_points takes one game, not a stack: give it many starts.")
    if w.ndim != 2 or w.shape[1] != n or len(w) == 0:
        raise ValueError(f"starts must have shape (S, {n}), got {tuple(w.shape)}.")
    batch = game.draw(1, torch.Generator().manual_seed(0)) if batch is None else batch
    low, high = w.min(0).values.numpy(), w.max(0).values.numpy()
    w, settled = levenberg_marquardt(game, batch, w, steps=200)
    zeros = w.numpy()[settled]
    if period is not None:
        zeros = _wrapped(zeros, _checks.real("period", period, above=0.0), slack=1e-6)
    else:
        margin = _APART + 1e-9 * (high - low)
        zeros = zeros[((zeros >= low - margin) & (zeros <= high + margin)).all(axis=1)]
    points = []
    for zero, hits in _distinct(zeros, period):
        J = jacobian(game, batch, torch.from_numpy(zero))
        points.append(Zero(zero, J, classify(J), tau_star(J), hits))
    return points


def levenberg_marquardt(
    game: Game, batch: Batch, w: torch.Tensor, steps: int
) -> tuple[torch.Tensor, np.ndarray]:
    """(w, settled): w (S, n) after at most ``steps`` damped steps, each start with its own damping.

    The step solves (J^T J + damping I) s = -J^T v; a step that lowers |v| is taken and the damping
    divided by 10, one that does not is refused and the damping multiplied by 10. Starts that have
    settled are left out of the later steps, and polished by two Newton steps at the end.
    """
    w, damping = w.clone(), np.ones(len(w))
    v, J = _field_and_jacobian(game, batch, w)
    for _ in range(steps):
        (active,) = np.nonzero(~_settled(v, J, w.numpy()))
        if len(active) == 0:
            break
        transposed = J[active].swapaxes(1, 2)
        normal = transposed @ J[active] + damping[active, None, None] * np.eye(w.shape[1])
        step = np.linalg.solve(normal, -(transposed @ v[active, :, None]))[..., 0]
        tried = w[active] + torch.from_numpy(step)
        new_v, new_J = _field_and_jacobian(game, batch, tried)
        better = np.linalg.norm(new_v, axis=1) < np.linalg.norm(v[active], axis=1)  # not for NaN
        taken = active[better]
        w[taken], v[taken], J[taken] = tried[better], new_v[better], new_J[better]
        damping[active] = np.clip(damping[active] * np.where(better, 0.1, 10.0), 1e-15, 1e15)
    settled = _settled(v, J, w.numpy())
    for _ in range(2):
        w[settled] += torch.from_numpy(_newton(v[settled], J[settled]))
        v[settled], J[settled] = _field_and_jacobian(game, batch, w[settled])
    return w, settled


def _field_and_jacobian(game: Game, batch: Batch, w: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    v = vector_field(game, batch, w).cpu().numpy()
    return v, np.nan_to_num(jacobian(game, batch, w).matrix)


def _newton(v: np.ndarray, J: np.ndarray) -> np.ndarray:
    """The shortest Newton step, -J^+ v: (S, n)."""
    # Singular values at rounding size only are zeros: where a field fades J is small but regular.
    return -(np.linalg.pinv(J, rcond=1e-13) @ v[..., None])[..., 0]


def _settled(v: np.ndarray, J: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Whether a Newton step is negligible and would bring v to zero: (S,)."""
    newton = _newton(v, J)
    left = np.linalg.norm(v + (J @ newton[..., None])[..., 0], axis=1)
    short = np.linalg.norm(newton, axis=1) <= _SETTLED * (1 + np.linalg.norm(w, axis=1))
    return short & (left <= _SETTLED * (1 + np.linalg.norm(J, axis=(1, 2))))


def _wrapped(w: np.ndarray, period: float, slack: float = 0.0) -> np.ndarray:
    """Into [-period / 2, period / 2), a point within ``slack`` of the upper end counting as the
    lower."""
    return (w + period / 2 + slack) % period - period / 2 - slack


def _distinct(points: np.ndarray, period: float | None) -> Iterator[tuple[np.ndarray, int]]:
    """(point, how many lie close to it), in ascending order."""
    left = points[np.lexsort(np.round(points, 6).T[::-1])]
    while len(left):
        gap = left - left[0]
        if period is not None:
            gap = _wrapped(gap, period)
        same = np.linalg.norm(gap, axis=1) < _APART
        yield left[0], int(same.sum())
        left = left[~same]


class Transverse(NamedTuple):
    """J across the zero modes, and the zero modes themselves.

    J: the Jacobian on the remaining directions; pass it to `tau_star`, `classify`,
    `stable_intervals`. g_modes (n_g, k_g), d_modes (n_d, k_d): orthonormal directions of one player
    alone along which the field does not change.
    """

    J: GameJacobian
    g_modes: NDArray[np.float64]
    d_modes: NDArray[np.float64]


def transverse(J: Any, n_g: int | None = None, *, tol: float | None = None) -> Transverse:
    """J restricted to the directions across each player's own zero modes.

    ``J`` and ``n_g`` as in `timescale.timescale`. With N_g and N_d the null spaces of J's columns
    of G and of D (singular values below ``tol`` |J|, by default 1.5e-8 in float64) and orthonormal
    bases Q_g, Q_d of what is left, J' = Q^T J Q with Q = blockdiag(Q_g, Q_d). Since J N = 0 and Q
    does not mix the players, the eigenvalues of J_tau are those of J'_tau and a zero per mode, at
    every tau. Where the zero modes are tangents of a whole manifold of equilibria, the run
    converges to some point of it iff J'_tau is stable (normal hyperbolicity; Fenichel, 1971).

    A zero eigenvalue that both players must move for is no such mode: J' keeps it, and tau* stays
    infinite. Raises ValueError where a player has no direction left.
    """
    J = one_jacobian(J, n_g)
    matrix, n_g = J.matrix, J.n_g
    zero = float(relative_zero(matrix, tol) * np.linalg.norm(matrix, 2))
    g_modes, g_rest = _null_space(matrix[:, :n_g], zero)
    d_modes, d_rest = _null_space(matrix[:, n_g:], zero)
    for name, rest in (("G", g_rest), ("D", d_rest)):
        if rest.shape[1] == 0:
            raise ValueError(
                f"the field does not depend on {name}'s parameters here: nothing is left of J."
            )
    q = np.zeros((len(matrix), g_rest.shape[1] + d_rest.shape[1]))
    q[:n_g, : g_rest.shape[1]], q[n_g:, g_rest.shape[1] :] = g_rest, d_rest
    return Transverse(GameJacobian(q.T @ matrix @ q, g_rest.shape[1]), g_modes, d_modes)


def _null_space(
    columns: NDArray[np.float64], zero: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Orthonormal bases of the directions that ``columns`` sends to zero, and of the others."""
    _, singular, rows = np.linalg.svd(columns)
    seen = int((singular > zero).sum())
    return rows[seen:].T, rows[:seen].T

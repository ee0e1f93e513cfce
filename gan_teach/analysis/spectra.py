"""First and second derivatives of a game: vector field, Jacobian, Hessians and their eigenvalues.

Besides, what the leading eigenvalue of an update looks like in a run: a factor and a period.

Conventions: v(w) = (-grad_G L_G, -grad_D L_D), J = dv/dw; a stationary point is stable under
gradient flow iff max Re eig(J) < 0. Everything here takes a leading axis, so that all snapshots of
a run, or all members of an ensemble, are differentiated at once: row i of every Jacobian is one
backward pass.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from gan_teach import _checks
from gan_teach._devices import float64_device
from gan_teach.analysis.derivatives import check_deterministic, check_symmetric, exact
from gan_teach.games import Batch, Game, Losses
from gan_teach.games.base import flatten as flatten, shaped, split

Objective = str | Callable[[Losses], Tensor]

OBJECTIVES: dict[str, Callable[[Losses], Tensor]] = {
    "g": lambda losses: losses.g,
    "d": lambda losses: losses.d,
    "value": lambda losses: -losses.d,
}
"""What a Hessian may be of: a player's loss, or the value V = -L_D that D maximises."""

_CHUNK_ELEMENTS = 2**22  # numbers in the largest activation of one batched evaluation


@dataclass(frozen=True)
class GameJacobian:
    """J = dv/dw as a matrix (n, n), or (..., n, n), whose first ``n_g`` rows are the
    generator's."""

    matrix: NDArray[np.float64]
    n_g: int

    @property
    def n_d(self) -> int:
        return self.matrix.shape[-1] - self.n_g

    @property
    def gg(self) -> NDArray[np.float64]:
        """d v_G / d G, (n_g, n_g)."""
        return self.matrix[..., : self.n_g, : self.n_g]

    @property
    def gd(self) -> NDArray[np.float64]:
        """d v_G / d D, (n_g, n_d)."""
        return self.matrix[..., : self.n_g, self.n_g :]

    @property
    def dg(self) -> NDArray[np.float64]:
        """d v_D / d G, (n_d, n_g)."""
        return self.matrix[..., self.n_g :, : self.n_g]

    @property
    def dd(self) -> NDArray[np.float64]:
        """d v_D / d D, (n_d, n_d)."""
        return self.matrix[..., self.n_g :, self.n_g :]

    def at(self, tau: Any) -> NDArray[np.float64]:
        """J_tau = diag(1, tau) J: D learns ``tau`` times as fast as G (Fiez & Ratliff, 2021).

        (n, n) for one tau, (T, n, n) for an array (T,) of them.
        """
        _checks.real("tau", np.min(tau).item(), above=0.0)
        own = np.arange(self.matrix.shape[-1]) < self.n_g
        return np.where(own, 1.0, np.asarray(tau)[..., None])[..., None] * self.matrix


def vector_field(game: Game, batch: Batch, w: Tensor | None = None) -> Tensor:
    """v(w) = (-grad_G L_G, -grad_D L_D) at the current parameters, or at w: (n,) or (..., n)."""
    return differentiable_field(game, batch, w)[0].detach()


def jacobian(game: Game, batch: Batch, w: Tensor | None = None) -> GameJacobian:
    """The game's Jacobian J = dv/dw at the current parameters, or at w (n,) or (T, n).

    All four blocks, computed in the parameters' own precision, or in that of w: use float64 where
    eigenvalues near zero matter. Cost: n backward passes, each for all T points together.

    Batch normalisation in training mode is differentiated through the batch's statistics (torch
    raises RuntimeError where a gradient penalty of D would need their third derivatives), in
    evaluation mode the running ones are constants, as are a spectral norm's two vectors: there J is
    that of the network with these numbers fixed. No look moves them.

    Raises ValueError for dropout or a spectral norm in training mode, ArithmeticError where a
    player's own block, a Hessian, is not symmetric: then torch's derivatives are wrong.
    """
    field, point = differentiable_field(game, batch, w)
    J = GameJacobian(_rows(field, point), game.n_g)
    largest = np.abs(J.matrix).max((-1, -2))
    check_symmetric("G's own block of the Jacobian", J.gg, largest, point.dtype)
    check_symmetric("D's own block of the Jacobian", J.dd, largest, point.dtype)
    return J


def hessian(
    of: Objective, game: Game, batch: Batch, w: Tensor | None = None
) -> NDArray[np.float64]:
    """Hessian of one function of all parameters: (n, n) or (T, n, n), symmetric.

    ``of`` is "g", "d" (the player's loss), "value" (V = -L_D), or a function of ``Losses``. Raises
    as ``jacobian`` does.
    """
    if isinstance(of, str):
        of = OBJECTIVES[_checks.choice("of", of, OBJECTIVES)]
    point = _variable(game, w)
    value = of(_losses(game, batch, *split(game, point)))
    matrix = _rows(pullback(value.sum(), point, create_graph=True), point)
    check_symmetric("the Hessian", matrix, np.abs(matrix).max((-1, -2)), point.dtype)
    return 0.5 * (matrix + matrix.swapaxes(-1, -2))  # equal to rounding: made equal to the last bit


def _variable(game: Game, w: Tensor | None) -> Tensor:
    """w, or the current parameters, as the point to differentiate at."""
    check_deterministic(game)
    return (flatten(game) if w is None else w.to(game.device)).detach().requires_grad_()


def _losses(game: Game, batch: Batch, x: Tensor, y: Tensor) -> Losses:
    """Both losses at the players' vectors, in their precision, with all derivatives."""
    if batch is not None:  # games of functions need none
        batch = batch.map(lambda z: z.to(x.dtype) if z.is_floating_point() else z)
    with exact():
        return game.losses(batch, shaped(game, x, y))


def differentiable_field(
    game: Game, batch: Batch, w: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """(v, w): the field with its graph, and the point w (n,) or (..., n) that it hangs on."""
    point = _variable(game, w)
    players = split(game, point)
    # Each loss by its own player's part alone: the other half of the gradient would cost as much.
    losses = zip(_losses(game, batch, *players), players, strict=True)
    gradients = [pullback(loss.sum(), own, create_graph=True) for loss, own in losses]
    return -torch.cat(gradients, -1), point


def pullback(vector: Tensor, point: Tensor, along: Tensor | None = None, **options: bool) -> Tensor:
    """(d vector / d point)^T along, or the gradient of a scalar: one backward pass.

    ``vector`` and ``along`` (m,), ``point`` and the result (n,).
    """
    if not vector.requires_grad:  # it does not depend on the point at all
        return torch.zeros_like(point)
    return torch.autograd.grad(vector, point, along, materialize_grads=True, **options)[0]


def _rows(vector: Tensor, point: Tensor) -> NDArray[np.float64]:
    """d vector / d point, row by row; leading axes are independent points."""
    units = torch.eye(vector.shape[-1], dtype=vector.dtype, device=vector.device)
    rows = [pullback(vector, point, e.expand_as(vector), retain_graph=True) for e in units]
    return torch.stack(rows, -2).detach().cpu().numpy().astype(np.float64)


def spectrum(J: GameJacobian | ArrayLike, tau: float = 1.0) -> NDArray[np.complex128]:
    """Eigenvalues of diag(1, tau) J, sorted by descending real, then imaginary part: (n,) or (T,
    n).

    Points with a non-finite entry (a diverged run) give NaN. A plain matrix is taken as it is.
    """
    matrix = J.at(tau) if isinstance(J, GameJacobian) else np.asarray(J, dtype=np.float64)
    values = _eigen(np.linalg.eigvals, matrix, np.complex128)
    order = np.lexsort((-np.imag(values), -np.real(values)))
    return np.take_along_axis(values, order, -1)


def symmetric_spectrum(matrix: ArrayLike) -> NDArray[np.float64]:
    """Eigenvalues of a symmetric matrix (..., n, n), ascending; NaN where it is not finite."""
    return _eigen(np.linalg.eigvalsh, np.asarray(matrix, dtype=np.float64), np.float64)


def _eigen(solve: Callable, matrix: NDArray[np.float64], dtype: Any) -> NDArray[Any]:
    good = np.isfinite(matrix).all((-1, -2))
    values = np.full(matrix.shape[:-1], np.nan, dtype=dtype)
    values[good] = solve(matrix[good])
    return values


def spectra(
    game: Game, params: ArrayLike, batch: Batch, *, of: Objective | None = None
) -> NDArray[Any]:
    """Eigenvalues at all recorded snapshots, computed together.

    Parameters
    ----------
    params : (T, n), the ``probes.params()`` of a run; or (T, S, n) of an ensemble.
    batch : one batch for all snapshots (for an ensemble: its own, with the members' axis).
    of : None for the game's Jacobian (complex eigenvalues), else the objective whose Hessian is
        meant (real eigenvalues, ascending; see ``hessian``).

    Returns (T, n), or (T, S, n). Evaluated in float64; long runs are cut into chunks of bounded
    memory. Rows with NaN (a diverged run) stay NaN.
    """
    points = torch.as_tensor(
        np.asarray(params), dtype=torch.float64, device=float64_device(game.device)
    )
    batch = batch.map(
        lambda x: x.to(points.device, points.dtype if x.is_floating_point() else None)
    )
    width = max(points.shape[-1] ** 0.5, 1.0)  # rough size of an activation per sample
    samples = max(batch.real.numel(), *game.lead, 1)
    chunk = max(1, int(_CHUNK_ELEMENTS / (samples * width)))
    parts = [_spectra_at(game, rows, batch, of) for rows in points.split(chunk)]
    return np.concatenate(parts)


def _spectra_at(game: Game, points: Tensor, batch: Batch, of: Objective | None) -> NDArray[Any]:
    shape = points.shape
    if game.lead:  # (T, S, n) and a batch (S, ...): both become T*S independent points
        batch = batch.map(lambda x: x.expand(shape[0], *x.shape).flatten(0, 1))
        points = points.flatten(0, 1)
    if of is None:
        values = spectrum(jacobian(game, batch, points))
    else:
        values = symmetric_spectrum(hessian(of, game, batch, points))
    return values.reshape(shape)


class Definiteness(NamedTuple):
    """A plain word for a symmetric matrix, and the tolerance below which an eigenvalue is zero."""

    word: str
    tolerance: float


def definiteness(eigenvalues: ArrayLike, rtol: float = 1e-9) -> Definiteness:
    """Of eigenvalues (n,): "positive definite", "negative definite", "saddle" or "degenerate".

    An eigenvalue counts as zero below ``rtol`` times the largest magnitude. A saddle has
    eigenvalues of both signs, whatever else; without both, a zero eigenvalue makes the matrix
    degenerate. Raises ValueError for no eigenvalues or NaN.
    """
    values = _checks.finite(
        "eigenvalues", _checks.not_empty("eigenvalues", np.asarray(eigenvalues))
    )
    tolerance = _checks.real("rtol", rtol, least=0.0) * float(np.abs(values).max())
    up, down = bool((values > tolerance).any()), bool((values < -tolerance).any())
    if up and down:
        word = "saddle"
    elif bool((np.abs(values) <= tolerance).any()):
        word = "degenerate"
    else:
        word = "positive definite" if up else "negative definite"
    return Definiteness(word, tolerance)


def contraction(distance: Any, skip: float = 0.5) -> float:
    """Factor per step by which a distance (T,) shrinks (below 1) or grows (above 1).

    (d_last / d_first)^(1 / steps) over the records after the first ``skip`` of them, where the
    slowest eigenvalue of the update has outlived the others. Raises ValueError for fewer than two
    records and for distances that are not positive and finite there.
    """
    values = np.asarray(distance, dtype=float)
    tail = values[int(skip * len(values)) :] if values.ndim == 1 else values
    if tail.ndim != 1 or len(tail) < 2 or not (np.isfinite(tail).all() and (tail > 0).all()):
        raise ValueError(
            "distance must be (T,) and, after the skipped part, at least two positive finite "
            f"numbers; got shape {values.shape}. A run that diverged or arrived has no factor."
        )
    return float((tail[-1] / tail[0]) ** (1 / (len(tail) - 1)))


def turning_period(path: Any, center: Any = (0.0, 0.0), skip: float = 0.5) -> float:
    """Steps per turn of a path (T, 2) around ``center``, over the records after ``skip`` of them.

    2 pi / (mean change of the polar angle per step); inf for a path that does not turn. A turn by
    more than half a revolution per step cannot be told from one the other way round. Raises
    ValueError for other shapes and fewer than two records.
    """
    points = np.asarray(path, dtype=float)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"path must have shape (T, 2), got {points.shape}.")
    x, y = (points[int(skip * len(points)) :] - np.asarray(center, dtype=float)).T
    if len(x) < 2:
        raise ValueError(f"a turn needs at least two records after the skipped part, got {len(x)}.")
    angle = np.unwrap(np.arctan2(y, x))
    turned = abs(angle[-1] - angle[0]) / (len(angle) - 1)
    return float(2 * np.pi / turned) if turned > 0 else float("inf")

"""Regions of attraction: which starting point ends at which critical point, for each tau.

Local theory says which critical points attract (``tau_star``); only the map of basins says from how
far. A cell (a starting point at one tau) is no longer followed once its label is certain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from gan_teach import _checks
from gan_teach.analysis.flows.steps import one_step
from gan_teach.analysis.flows.trajectories import Problem, portions, pose
from gan_teach.games import FunctionGame

NONE, UNBOUNDED = -1, -2
_LOOK = 100  # steps between two looks at which cells are settled


@dataclass(frozen=True)
class Basins:
    """Where each starting point ended.

    labels (n_tau, ...): the index of the attractor, NONE (-1) or UNBOUNDED (-2); points
    (n_tau, ..., n): the last positions; ``steps`` taken, fewer than asked for if ``interrupted`` by
    Ctrl-C (labels then say where the cells were). ``engine`` and ``note`` as in ``Trajectories``.
    """

    labels: NDArray[np.int64]
    points: NDArray[np.float64]
    attractors: NDArray[np.float64]
    taus: NDArray[np.float64]
    steps: int
    engine: str
    note: str = ""
    interrupted: bool = False

    def shares(self) -> NDArray[np.float64]:
        """(n_tau, K + 2) share of the cells per attractor, then none, then unbounded."""
        kinds = [*range(len(self.attractors)), NONE, UNBOUNDED]
        flat = self.labels.reshape(len(self.labels), -1)
        return np.stack([(flat == kind).mean(1) for kind in kinds], axis=1)


def basins(
    game: FunctionGame,
    starts: ArrayLike,
    attractors: ArrayLike,
    taus: Any = 1.0,
    *,
    lr: float,
    steps: int,
    tol: float = 1e-3,
    bound: float = 1e6,
    rule: str = "alternating",
    first: str = "g",
    period: Any = None,
    progress: bool = False,
) -> Basins:
    """Label each starting point with the attractor within ``tol`` of which it is after ``steps``.

    Parameters
    ----------
    attractors : (K, n) critical points, all within ``tol`` of exact. They need not attract.
    tol : Euclidean distance, the short way round for angles; the nearest attractor counts.
    bound : a cell that is found farther than this from the origin (angles aside), or no longer
        finite, is unbounded and not followed any more. Cells are looked at every 100 steps.
    game, starts, taus, lr, steps, rule, first, period : as in ``trajectories``. The default rule
        is that of the published maps (Fiez & Ratliff, 2021).

    A cell so close to an attractor that it cannot get farther than ``tol`` from it any more is no
    longer followed: some quadratic norm falls at each step there (a Lyapunov function of the step).
    So labels are those of the full run, and attractors that repel or only circle drop no cell.

    Raises ValueError for arguments that do not fit together and for attractors that are no critical
    points, with the nearest one that Newton's method finds.
    """
    problem = pose(game, starts, taus, lr, steps, rule, first, period)
    tol, bound = _checks.real("tol", tol, above=0.0), _checks.real("bound", bound, above=0.0)
    ends = _attractors(attractors, len(problem.points))
    exact = torch.stack([_exact(problem, end, i, tol) for i, end in enumerate(ends)])
    reach = [tol - float((w - end).norm()) for w, end in zip(exact, ends, strict=True)]
    pairs = list(zip(exact, reach, strict=True))
    radius = torch.tensor(
        [[_settled(problem, w, tau, r) for tau in problem.taus] for w, r in pairs]
    )
    engine = problem.engine()
    points = problem.points.clone()
    follow = torch.arange(points.shape[1])
    tau_of = follow // (len(follow) // len(problem.taus))
    taken, interrupted = 0, False
    try:
        for count in portions(problem.steps, _LOOK, progress, "step"):
            here = points[:, follow]
            near = _distances(problem, here, exact) < radius[:, tau_of[follow]]
            follow = follow[~near.any(0) & ~_outside(problem, here, bound)]
            if not len(follow):
                taken = problem.steps
                break
            rates = problem.rates[:, follow]
            points[:, follow] = engine.path(points[:, follow], rates, count, 1)[0]
            taken += count
    except KeyboardInterrupt:
        interrupted = True
    labels = _labels(problem, points, ends, tol, bound)
    return Basins(
        labels.reshape(problem.shape).numpy(),
        problem.wrap(points).T.reshape(*problem.shape, -1).numpy(),
        ends.numpy(),
        problem.taus,
        taken,
        engine.name,
        engine.note,
        interrupted,
    )


def _distances(problem: Problem, points: Tensor, ends: Tensor) -> Tensor:
    """(K, cells)."""
    return torch.stack([_length(problem.wrap(points - end[:, None])) for end in ends])


def _length(points: Tensor) -> Tensor:
    """(cells,) Euclidean norms; ten times as fast as torch's norm over a first axis."""
    return points.square().sum(0).sqrt()


def _outside(problem: Problem, points: Tensor, bound: float) -> Tensor:
    """(cells,) whether a cell is beyond ``bound`` or not finite; angles are never far."""
    return ~(_length(problem.wrap(points)) <= bound)


def _labels(problem: Problem, points: Tensor, ends: Tensor, tol: float, bound: float) -> Tensor:
    nearest = _distances(problem, points, ends).nan_to_num(torch.inf).min(0)
    labels = torch.where(nearest.values < tol, nearest.indices, NONE)
    return torch.where(_outside(problem, points, bound), UNBOUNDED, labels)


def _attractors(attractors: ArrayLike, n: int) -> Tensor:
    ends = np.atleast_2d(np.array(attractors, dtype=np.float64))
    if ends.ndim != 2 or ends.shape[1] != n or not len(ends):
        raise ValueError(f"attractors must have shape (K, {n}), got {ends.shape}.")
    return torch.from_numpy(_checks.finite("attractors", ends))


def _exact(problem: Problem, end: Tensor, index: int, tol: float) -> Tensor:
    """The critical point at ``end`` by Newton's method; ValueError if there is none in reach."""

    def gradients(w: Tensor) -> Tensor:
        return w - one_step(problem.game, w, torch.ones_like(w[:1]).expand(2), "")

    point = end.clone()
    for _ in range(30):
        value, slope = gradients(point), torch.func.jacrev(gradients)(point)
        if not (value.isfinite().all() and slope.isfinite().all()):
            break
        move = torch.linalg.lstsq(slope, value[:, None], driver="gelsd").solution[:, 0]
        point = point - move
        if move.norm() <= 1e-14 * (1 + point.norm()):
            break
    if not (point - end).norm() < tol:
        near = (
            f"the nearest found is {_named(point)}" if point.isfinite().all() else "none was found"
        )
        raise ValueError(
            f"attractors[{index}] = {_named(end)} is no critical point to within tol = {tol:g}: "
            f"{near}. Give more digits, or find the point with the library first."
        )
    return point


def _named(point: Tensor) -> str:
    return "(" + ", ".join(f"{c:.6g}" for c in point.tolist()) + ")"


def _settled(problem: Problem, point: Tensor, tau: float, reach: float) -> float:
    """Radius around the critical ``point`` from which a cell never gets ``reach`` away; 0 if none.

    Let M be the derivative of the step, P = I + M^T P M and V(e) = e^T P e. A step takes e to M e
    plus at most h |e|^2 / 2, h bounding the second derivative, so that V falls as long as
    |P| (|M| h |e| + h^2 |e|^2 / 4) < 1, and then |e| never exceeds sqrt(cond P) times its first
    value. h is ten times what is found at ``point`` and at 2 n places ``reach`` away (or less far:
    the best of three distances counts).
    """
    from scipy.linalg import solve_discrete_lyapunov

    rates = problem.lr * torch.tensor([1.0, tau], dtype=torch.float64)
    derivative = torch.func.jacrev(lambda w: one_step(problem.game, w, rates, problem.order))
    m = derivative(point).numpy()
    if not np.isfinite(m).all() or np.abs(np.linalg.eigvals(m)).max() >= 1 - 1e-9:
        return 0.0
    sizes = np.linalg.eigvalsh(solve_discrete_lyapunov(m.T, np.eye(len(m))))
    excursion, largest = np.sqrt(sizes[-1] / sizes[0]), sizes[-1]
    reaches = reach * np.array([1.0, 0.1, 0.01])
    h = 10 * _curvature(derivative, point, reaches) + 1e-300
    if not np.isfinite(h).all():
        return 0.0
    falls = np.minimum(0.5 / (largest * (np.linalg.norm(m, 2) + 1) * h), 1 / h)
    return float(np.minimum(reaches, falls).max() / (2 * excursion))


def _curvature(
    derivative: Callable[[Tensor], Tensor], point: Tensor, reaches: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Largest second derivative of a step at ``point`` and around it, for each of ``reaches``."""
    eye = torch.eye(len(point), dtype=point.dtype)
    shifts = torch.cat([torch.zeros_like(eye[:1]), eye, -eye])
    points = point + torch.from_numpy(reaches)[:, None, None] * shifts
    second = torch.vmap(torch.func.jacrev(derivative))(points.flatten(0, 1)).flatten(1)
    return second.square().sum(1).sqrt().reshape(len(reaches), -1).max(1).values.numpy()

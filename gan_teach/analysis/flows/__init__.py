"""Trajectories and regions of attraction of a game given by functions, for whole grids at once.

``trajectories`` keeps the paths of tau-GDA, ``basins`` only where they end: local theory says which
critical points attract (``tau_star``), only the map of basins says from how far. Both take any
``FunctionGame``, any number of starting points and values of tau, and angles that wrap around;
derivatives are autograd's. How the steps are computed is chosen in ``engines``.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from gan_teach import _checks
from gan_teach.analysis.critical_points import levenberg_marquardt
from gan_teach.analysis.flows.engines import Engine, choose
from gan_teach.analysis.flows.steps import one_step
from gan_teach.analysis.spectra import vector_field
from gan_teach.games import FunctionGame

NONE, UNBOUNDED = -1, -2
_LARGEST = 2**31  # bytes of recorded points
_LOOK = 100  # steps between two looks at which cells are settled

Axis = tuple[float, float, int]
Planar = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True)
class Trajectories:
    """Recorded paths.

    points (T, n_tau, ..., n) at ``steps`` (T,), row 0 being the starting points; taus (n_tau,);
    ``engine`` that computed them.
    """

    points: NDArray[np.float64]
    steps: NDArray[np.int64]
    taus: NDArray[np.float64]
    engine: str

    def distance(self, point: ArrayLike, period: Any = None) -> NDArray[np.float64]:
        """(T, n_tau, ...) Euclidean distance to ``point`` (n,), the short way round for angles."""
        gap = torch.from_numpy(self.points - np.asarray(point, dtype=np.float64))[..., None]
        return np.linalg.norm(_wrapped(gap, _periods(period, gap.shape[-2]))[..., 0], axis=-1)


def trajectories(
    game: FunctionGame,
    starts: ArrayLike,
    taus: Any = 1.0,
    *,
    lr: float,
    steps: int,
    every: int = 1,
    rule: str = "simultaneous",
    first: str = "g",
    period: Any = None,
) -> Trajectories:
    """Paths of x <- x - lr grad_x f_g, y <- y - tau lr grad_y f_d (tau-GDA; Fiez & Ratliff, 2021).

    Parameters
    ----------
    game : a game of functions; its own starting point plays no part.
    starts : (..., n) starting points, G's coordinates first, in any array shape.
    taus : ratios of D's learning rate to G's, one number or (n_tau,).
    lr, steps, every : G's learning rate; the number of steps; every how many steps one is recorded
        (the last always is).
    rule, first : "simultaneous", or "alternating", where the player that is not ``first`` ("g", as
        in the published loops, or "d", as in `gt.alternating`) answers the new point of the other.
    period : of the angles among the coordinates, one number for all or (n,) with None for the rest;
        recorded angles lie in [-period / 2, period / 2).

    Derivatives are autograd's; how the steps are computed is chosen in ``flows.engines``. All in
    float64. Diverging paths turn infinite or NaN. Raises ValueError for arguments that do not fit
    together, for a wrong period, and for more than 2 GiB of points.
    """
    problem = Problem(game, starts, taus, lr, steps, rule, first, period)
    every = min(_checks.whole("every", every, least=1), problem.steps)
    records, rest = divmod(problem.steps, every)
    size = 8 * problem.points.numel() * (records + 2)
    if size > _LARGEST:
        raise ValueError(
            f"the recorded points would take {size / 2**30:.1f} GiB: record fewer of them with "
            f"every={-(-size // _LARGEST) * every} or more, or use basins, which keeps only where "
            "the paths end."
        )
    engine = problem.engine()
    pieces = [problem.points[None], engine.path(problem.points, problem.rates, every, records)]
    if rest:
        pieces.append(engine.path(pieces[-1][-1], problem.rates, rest, 1))
    rows = torch.cat(pieces)
    done = np.minimum(np.arange(len(rows)) * every, problem.steps)
    return Trajectories(problem.by_start(rows), done, problem.taus, engine.name)


@dataclass(frozen=True)
class Basins:
    """Where each starting point ended.

    labels (n_tau, ...): the index of the attractor, NONE (-1) or UNBOUNDED (-2); points
    (n_tau, ..., n): the last positions; ``engine`` that computed them.
    """

    labels: NDArray[np.int64]
    points: NDArray[np.float64]
    attractors: NDArray[np.float64]
    taus: NDArray[np.float64]
    engine: str

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
    problem = Problem(game, starts, taus, lr, steps, rule, first, period)
    tol, bound = _checks.real("tol", tol, above=0.0), _checks.real("bound", bound, above=0.0)
    ends, exact = _attractors(problem, attractors, tol)
    reach = (tol - (exact - ends).norm(dim=1)).tolist()
    radius = torch.tensor(
        [
            [_settled(problem, w, tau, r) for tau in problem.taus]
            for w, r in zip(exact, reach, strict=True)
        ]
    )
    engine = problem.engine()
    points = problem.points.clone()
    follow = torch.arange(points.shape[1])
    tau_of = follow // (len(follow) // len(problem.taus))
    for taken in range(0, problem.steps, _LOOK):
        here = points[:, follow]
        near = problem.distances(here, exact) < radius[:, tau_of[follow]]
        follow = follow[~near.any(0) & ~problem.outside(here, bound)]
        if not len(follow):
            break
        count = min(_LOOK, problem.steps - taken)
        points[:, follow] = engine.path(points[:, follow], problem.rates[:, follow], count, 1)[0]
    nearest = problem.distances(points, ends).nan_to_num(torch.inf).min(0)
    labels = torch.where(nearest.values < tol, nearest.indices, NONE)
    labels = torch.where(problem.outside(points, bound), UNBOUNDED, labels)
    labels = labels.reshape(problem.shape).numpy()
    return Basins(labels, problem.by_start(points), ends.numpy(), problem.taus, engine.name)


def grid(*axes: Axis) -> NDArray[np.float64]:
    """Starting points on a grid: ``grid((low, high, count), ...)``, an axis per coordinate.

    Two axes give shape (rows, columns, 2) as ``imshow(origin="lower")`` wants it: the first
    coordinate varies along columns, the second along rows. Both ends are included.
    """
    lines = [np.linspace(low, high, count) for low, high, count in axes]
    return np.stack(np.meshgrid(*lines, indexing="xy"), -1)


def planar_field(game: FunctionGame, x: Axis, y: Axis | None = None, tau: float = 1.0) -> Planar:
    """(X, Y, U, V), each (rows, columns): v = (-df_g/dx, -tau df_d/dy) on a grid.

    ``x`` and ``y`` are (low, high, count); ``y`` defaults to ``x``. For `plots.vector_field`.
    Raises ValueError for games of other than one number each.
    """
    if (game.n_g, game.n_d) != (1, 1):
        raise ValueError(
            f"planar_field is for games of one number each; this one has {game.n_g} and {game.n_d}."
        )
    tau = _checks.real("tau", tau, above=0.0)
    w = grid(x, x if y is None else y)
    v = vector_field(game, game.draw(), torch.from_numpy(w.reshape(-1, 2))).numpy()
    u, v = np.moveaxis(v.reshape(w.shape), -1, 0)
    return w[..., 0], w[..., 1], u, tau * v


class Problem:
    """What trajectories and basins have in common, checked; see there for the arguments.

    Cells are taus times starting points, tau first: ``shape`` (n_tau, ...). points (n, cells),
    rates of G and of D (2, cells); ``order`` as in ``steps.one_step``.
    """

    def __init__(
        self, game: FunctionGame, starts: ArrayLike, taus: Any, lr: float, steps: int, rule: str,
        first: str, period: Any,
    ) -> None:  # fmt: skip
        hint = "Wrap two functions as gt.FunctionGame(f_g, f_d, x, y)."
        self.game = _checks.instance("game", game, FunctionGame, hint)
        n = game.n_g + game.n_d
        array = np.asarray(starts, dtype=np.float64)
        if array.ndim == 0 or array.shape[-1] != n or array.size == 0:
            raise ValueError(
                f"starts must have shape (..., {n}), the {game.n_g} coordinates of G and then the "
                f"{game.n_d} of D; got {array.shape}."
            )
        _checks.finite("starts", array)
        self.lr = _checks.real("lr", lr, above=0.0)
        self.steps = _checks.whole("steps", steps, least=1)
        self.taus = np.array([_checks.real("taus", t, above=0.0) for t in np.atleast_1d(taus)])
        if not len(self.taus):
            raise ValueError("taus must hold at least one number, got an empty list.")
        _checks.choice("rule", rule, ("simultaneous", "alternating"))
        in_turn = {"g": "gd", "d": "dg"}[_checks.choice("first", first, ("g", "d"))]
        self.order = in_turn if rule == "alternating" else ""
        self.shape = (len(self.taus), *array.shape[:-1])
        self.points = torch.from_numpy(array.reshape(-1, n).T).repeat(1, len(self.taus))
        tau = torch.from_numpy(self.taus).repeat_interleave(array.size // n)
        self.rates = self.lr * torch.stack([torch.ones_like(tau), tau])
        self.period = _periods(period, n)
        self._check_period()

    def _check_period(self) -> None:
        """Raise ValueError unless the losses have the period that they are said to have."""
        points, empty = self._probes().mT, self.game.draw()
        for i in (~self.period[:, 0].isnan()).nonzero()[:, 0].tolist():
            turn = torch.zeros_like(points[0])
            turn[i] = self.period[i]
            v, again = (vector_field(self.game, empty, w) for w in (points, points + turn))
            if not torch.allclose(v, again, rtol=1e-6, atol=1e-9, equal_nan=True):
                raise ValueError(
                    f"period: the gradients of f_g and f_d do not repeat when coordinate {i} grows "
                    f"by {float(self.period[i]):g}. Give None for a coordinate that is no angle."
                )

    def _probes(self) -> Tensor:
        """(n, m) points to try things at: some of the starts, and random ones around them."""
        points = self.points
        some = points[:, :: max(1, points.shape[1] // 16)]
        rng = torch.Generator().manual_seed(0)
        noise = torch.randn(len(points), 16, generator=rng, dtype=torch.float64)
        spread = points.max(1, keepdim=True).values - points.min(1, keepdim=True).values
        return torch.cat([some, points.mean(1, keepdim=True) + (1.0 + spread / 2) * noise], 1)

    def engine(self) -> Engine:
        """The best engine for this many cells and steps."""
        return choose(self.game, self._probes(), self.order, self.points.shape[1], self.steps)

    def by_start(self, points: Tensor) -> NDArray[np.float64]:
        """(..., n, cells) with angles wrapped, in the starts' shape: (..., n_tau, ..., n)."""
        rows = _wrapped(points, self.period).mT
        return rows.reshape(*rows.shape[:-2], *self.shape, -1).numpy()

    def distances(self, points: Tensor, ends: Tensor) -> Tensor:
        """(K, cells) from each of ``ends`` (K, n)."""
        gaps = [_wrapped(points - end[:, None], self.period) for end in ends]
        return torch.stack([_length(gap) for gap in gaps])

    def outside(self, points: Tensor, bound: float) -> Tensor:
        """(cells,) whether a cell is beyond ``bound`` or not finite; angles are never far."""
        return ~(_length(_wrapped(points, self.period)) <= bound)


def _length(points: Tensor) -> Tensor:
    """(cells,) Euclidean norms; ten times as fast as torch's norm over a first axis."""
    return points.square().sum(0).sqrt()


def _periods(period: Any, n: int) -> Tensor:
    """(n, 1) periods, NaN for a coordinate that is no angle."""
    values = np.asarray(period, dtype=np.float64)  # None is NaN
    if values.shape not in ((), (n,)) or (values <= 0).any():
        raise ValueError(
            f"period must be one number or {n}, one per coordinate, all above 0; got {period!r}."
        )
    return torch.from_numpy(np.broadcast_to(values, n).copy())[:, None]


def _wrapped(points: Tensor, period: Tensor) -> Tensor:
    """Each angle of (..., n, cells) in [-period / 2, period / 2)."""
    if period.isnan().all():
        return points
    turned = points - period * (points / period + 0.5).floor()
    return torch.where(period.isnan(), points, turned)


def _attractors(problem: Problem, attractors: ArrayLike, tol: float) -> tuple[Tensor, Tensor]:
    """The attractors (K, n) as they were given, and to the last digit; ValueError if they are not
    critical."""
    n, ends = len(problem.points), np.atleast_2d(np.array(attractors, dtype=np.float64))
    if ends.ndim != 2 or ends.shape[1] != n or not len(ends):
        raise ValueError(f"attractors must have shape (K, {n}), got {ends.shape}.")
    ends = torch.from_numpy(_checks.finite("attractors", ends))
    game = problem.game
    exact, settled = levenberg_marquardt(game, game.draw(), ends, steps=50)
    for i, (end, point) in enumerate(zip(ends, exact, strict=True)):
        if not (settled[i] and (point - end).norm() < tol):
            near = f"the nearest found is {_named(point)}" if settled[i] else "none was found"
            raise ValueError(
                f"attractors[{i}] = {_named(end)} is no critical point to within tol = {tol:g}: "
                f"{near}. Give more digits, or find the point with the library first."
            )
    return ends, exact


def _named(point: Tensor) -> str:
    return "(" + ", ".join(f"{c:.6g}" for c in point.tolist()) + ")"


def _settled(problem: Problem, point: Tensor, tau: float, reach: float) -> float:
    """Radius around the critical ``point`` from which a cell never gets ``reach`` away; 0 if none.

    Let M be the derivative of the step, P = I + M^T P M and V(e) = e^T P e. A step takes e to M e
    plus at most h |e|^2 / 2, h bounding the second derivative, so that V falls as long as
    |P| (|M| h |e| + h^2 |e|^2 / 4) < 1, and then |e| never exceeds sqrt(cond P) times its first
    value. h is ten times what is found at ``point`` and at 2 n places ``reach`` away.
    """
    from scipy.linalg import solve_discrete_lyapunov

    rates = problem.lr * torch.tensor([1.0, tau], dtype=torch.float64)
    derivative = torch.func.jacrev(lambda w: one_step(problem.game, w, rates, problem.order))
    m, eye = derivative(point).numpy(), torch.eye(len(point), dtype=torch.float64)
    if not np.isfinite(m).all() or np.abs(np.linalg.eigvals(m)).max() >= 1 - 1e-9:
        return 0.0
    around = point + reach * torch.cat([0 * eye, eye, -eye])
    second = torch.vmap(torch.func.jacrev(derivative))(around).flatten(1)
    h = 10 * float(second.norm(dim=1).max())
    if not math.isfinite(h):
        return 0.0
    sizes = np.linalg.eigvalsh(solve_discrete_lyapunov(m.T, np.eye(len(m))))
    falls = min(0.5 / (sizes[-1] * (np.linalg.norm(m, 2) + 1)), 1.0) / (h + 1e-300)
    return min(reach, falls) / (2 * math.sqrt(sizes[-1] / sizes[0]))

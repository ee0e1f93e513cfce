"""Paths of tau-GDA from many starting points and for many values of tau in one batched run.

Also what ``basins`` shares with them: grids of starting points, cells, angles, argument checks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from gan_teach import _checks
from gan_teach._progress import progress_bar
from gan_teach.analysis.flows.engines import Engine, choose
from gan_teach.analysis.flows.steps import many_steps
from gan_teach.analysis.spectra import vector_field
from gan_teach.games import FunctionGame

_LARGEST = 2**31  # bytes of recorded points
_AT_ONCE = 2**22  # numbers recorded between two looks at the keyboard

Axis = tuple[float, float, int]
Planar = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


@dataclass(frozen=True)
class Trajectories:
    """Recorded paths.

    points (T, n_tau, ..., n) at ``steps`` (T,), row 0 being the starting points; taus (n_tau,);
    ``engine`` that computed them and ``note``, why it is not a faster one.
    ``interrupted``: Ctrl-C came before the last step; all rows that there are are valid.
    """

    points: NDArray[np.float64]
    steps: NDArray[np.int64]
    taus: NDArray[np.float64]
    engine: str
    note: str = ""
    interrupted: bool = False

    def distance(self, point: ArrayLike, period: Any = None) -> NDArray[np.float64]:
        """(T, n_tau, ...) Euclidean distance to ``point`` (n,), the short way round for angles."""
        gap = self.points - np.asarray(point, dtype=np.float64)
        turn = np.array(np.inf if period is None else period, dtype=np.float64)
        turn = np.where(np.isnan(turn), np.inf, turn)
        whole = np.where(np.isfinite(turn), turn, 0.0)
        return np.linalg.norm(gap - whole * np.rint(gap / turn), axis=-1)


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
    progress: bool = False,
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
    progress : show a bar.

    Derivatives are autograd's; how the steps are computed is chosen in ``flows.engines``. All in
    float64. Diverging paths turn infinite or NaN. Ctrl-C keeps what was recorded. Raises ValueError
    for arguments that do not fit together, for a wrong period, and for more than 2 GiB of points.
    """
    problem = pose(game, starts, taus, lr, steps, rule, first, period)
    every = min(_checks.whole("every", every, least=1), problem.steps)
    records, rest = divmod(problem.steps, every)
    _affordable(problem, records)
    engine = problem.engine()
    pieces = [problem.points[None]]
    interrupted = False
    per_piece = max(1, min(_AT_ONCE // problem.points.numel(), -(-records // 20)))
    try:
        for count in portions(records, per_piece, progress, "record"):
            pieces.append(engine.path(pieces[-1][-1], problem.rates, every, count))
        if rest:
            pieces.append(engine.path(pieces[-1][-1], problem.rates, rest, 1))
    except KeyboardInterrupt:
        interrupted = True
    rows = problem.wrap(torch.cat(pieces), dim=1).transpose(1, 2)  # (T, cells, n)
    done = np.minimum(np.arange(len(rows)) * every, problem.steps)
    points = rows.reshape(len(rows), *problem.shape, -1).numpy()
    return Trajectories(points, done, problem.taus, engine.name, engine.note, interrupted)


def _affordable(problem: Problem, records: int) -> None:
    size = 8 * problem.points.numel() * (records + 2)
    if size > _LARGEST:
        raise ValueError(
            f"the recorded points would take {size / 2**30:.1f} GiB: record fewer of them with "
            f"every={-(-size // _LARGEST) * (problem.steps // records)} or more, or use basins, "
            "which keeps only where the paths end."
        )


def grid(*axes: Axis) -> NDArray[np.float64]:
    """Starting points on a grid: ``grid((low, high, count), ...)``, an axis per coordinate.

    Two axes give shape (rows, columns, 2) as ``imshow(origin="lower")`` wants it: the first
    coordinate varies along columns, the second along rows. Both ends are included.
    """
    if not axes:
        raise ValueError("grid needs an axis (low, high, count) per coordinate.")
    lines = []
    for low, high, count in axes:
        low, high = _checks.real("low", low), _checks.real("high", high)
        lines.append(np.linspace(low, high, _checks.whole("count", count, least=1)))
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


@dataclass(frozen=True)
class Problem:
    """Checked arguments. Cells are taus times starting points, tau first: ``shape`` (n_tau, ...).

    points (n, cells), rates of G and of D (2, cells); ``order`` as in ``steps.one_step``.
    """

    game: FunctionGame
    shape: tuple[int, ...]
    taus: NDArray[np.float64]
    lr: float
    steps: int
    order: str
    period: Tensor
    points: Tensor
    rates: Tensor

    def engine(self) -> Engine:
        """The best engine for this many cells and steps."""
        probes = _probes(self.points)
        return choose(self.game, probes, self.order, self.points.shape[1], self.steps)

    def wrap(self, points: Tensor, dim: int = 0) -> Tensor:
        """Each angle in [-period / 2, period / 2); ``dim`` is the axis of coordinates."""
        period = self.period.view(-1, *[1] * (points.ndim - 1 - dim % points.ndim))
        turns = (points / period).add_(0.5).floor_().nan_to_num_(0.0, 0.0, 0.0)  # 0 for no angle
        return points - turns.mul_(torch.where(period.isfinite(), period, 0.0))


def pose(
    game: FunctionGame, starts: ArrayLike, taus: Any, lr: float, steps: int, rule: str, first: str,
    period: Any,
) -> Problem:  # fmt: skip
    """Check everything that trajectories and basins have in common; see there."""
    hint = "Wrap two functions as gt.FunctionGame(f_g, f_d, x, y)."
    game = _checks.instance("game", game, FunctionGame, hint)
    n = game.n_g + game.n_d
    plain = starts.detach().cpu().numpy() if isinstance(starts, Tensor) else starts
    array = np.array(plain, dtype=np.float64)
    if array.ndim == 0 or array.shape[-1] != n or array.size == 0:
        raise ValueError(
            f"starts must have shape (..., {n}), the {game.n_g} coordinates of G and then the "
            f"{game.n_d} of D; got {array.shape}."
        )
    _checks.finite("starts", array)
    lr = _checks.real("lr", lr, above=0.0)
    ratios = [_checks.real("taus", t, above=0.0) for t in np.atleast_1d(taus)]
    if not ratios:
        raise ValueError("taus must hold at least one number, got an empty list.")
    _checks.choice("rule", rule, ("simultaneous", "alternating"))
    in_turn = {"g": "gd", "d": "dg"}[_checks.choice("first", first, ("g", "d"))]
    points = torch.from_numpy(array.reshape(-1, n).T).repeat(1, len(ratios))
    tau = torch.tensor(ratios, dtype=torch.float64).repeat_interleave(array.size // n)
    problem = Problem(
        game, (len(ratios), *array.shape[:-1]), np.array(ratios), lr,
        _checks.whole("steps", steps, least=1),
        in_turn if rule == "alternating" else "", _periods(period, n), points,
        lr * torch.stack([torch.ones_like(tau), tau]),
    )  # fmt: skip
    _repeats(problem)
    return problem


def _periods(period: Any, n: int) -> Tensor:
    """(n,) periods, infinite for a coordinate that is no angle."""
    values = [period] * n if period is None or np.ndim(period) == 0 else list(period)
    if len(values) != n:
        raise ValueError(f"period must be one number or {n}, one per coordinate, got {period!r}.")
    values = [
        math.inf if p in (None, math.inf) else _checks.real("period", p, above=0.0) for p in values
    ]
    return torch.tensor(values, dtype=torch.float64)


def _repeats(problem: Problem) -> None:
    """Raise ValueError unless the losses have the period that they are said to have."""
    for i in problem.period.isfinite().nonzero()[:, 0].tolist():
        here = _probes(problem.points)
        there = here.clone()
        there[i] += problem.period[i]
        rates = torch.ones_like(here[:1]).expand(2, -1)
        moved = [many_steps(problem.game, w, rates, "") - w for w in (here, there)]
        if not torch.allclose(*moved, rtol=1e-6, atol=1e-9, equal_nan=True):
            raise ValueError(
                f"period: the gradients of f_g and f_d do not repeat when coordinate {i} grows by "
                f"{float(problem.period[i]):g}. Give None for a coordinate that is no angle."
            )


def _probes(points: Tensor) -> Tensor:
    """(n, m) points to try things at: some of the starts, and random ones around them."""
    some = points[:, :: max(1, points.shape[1] // 16)]
    rng = torch.Generator().manual_seed(0)
    noise = torch.randn(len(points), 16, generator=rng, dtype=torch.float64)
    spread = points.max(1, keepdim=True).values - points.min(1, keepdim=True).values
    return torch.cat([some, points.mean(1, keepdim=True) + (1.0 + spread / 2) * noise], 1)


def portions(total: int, most: int, progress: bool, unit: str) -> Iterator[int]:
    """``total`` in portions of at most ``most``, with a progress bar if asked for."""
    with progress_bar(total, unit, progress) as bar:
        for start in range(0, total, most):
            yield min(most, total - start)
            bar.update(min(most, total - start))

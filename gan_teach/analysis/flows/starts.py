"""What trajectories and basins share: grids of starting points, cells, angles, argument checks."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from gan_teach import _checks
from gan_teach.analysis.flows.engines import ENGINES, RULES, Engine, choose, gradient_step
from gan_teach.games import FunctionGame


def grid(*axes: tuple[float, float, int]) -> NDArray[np.float64]:
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


@dataclass(frozen=True)
class Problem:
    """Checked arguments. Cells are taus times starting points, tau first; points (n, cells)."""

    game: FunctionGame
    starts: NDArray[np.float64]
    taus: NDArray[np.float64]
    lr: float
    steps: int
    rule: str
    period: Tensor
    points: Tensor
    rates: Tensor

    @property
    def shape(self) -> tuple[int, ...]:
        """(n_tau, *shape of the starting points)."""
        return (len(self.taus), *self.starts.shape[:-1])

    def engine(self, engine: str) -> Engine:
        """The engine named, or the best one for this many cells and steps.

        Warns where the engine named cannot serve; "auto" says so in ``note`` alone.
        """
        _checks.choice("engine", engine, ENGINES)
        chosen = choose(
            self.game,
            _probes(self.points),
            rate_g=self.lr,
            rule=self.rule,
            engine=engine,
            cells=self.points.shape[1],
            steps=self.steps,
        )
        if chosen.note and engine != "auto":
            warnings.warn(chosen.note, stacklevel=3)  # at the call of trajectories or basins
        return chosen

    def wrap(self, points: Tensor, dim: int = 0) -> Tensor:
        """Each angle in [-period / 2, period / 2); ``dim`` is the axis of coordinates."""
        if not self.period.isfinite().any():
            return points
        period = self.period.view(-1, *[1] * (points.ndim - 1 - dim % points.ndim))
        turned = points - period * torch.floor(points / period + 0.5)
        return torch.where(period.isfinite(), turned, points)


def problem(
    game: FunctionGame, starts: ArrayLike, taus: Any, lr: float, steps: int, rule: str, period: Any
) -> Problem:
    """Check everything that trajectories and basins have in common; see there."""
    hint = "Wrap two functions as gt.FunctionGame(f_g, f_d, x, y)."
    game = _checks.instance("game", game, FunctionGame, hint)
    n = game.n_g + game.n_d
    plain = starts.detach().cpu().numpy() if isinstance(starts, Tensor) else starts
    given = np.array(plain, dtype=np.float64)
    if given.ndim == 0 or given.shape[-1] != n or given.size == 0:
        raise ValueError(
            f"starts must have shape (..., {n}), the {game.n_g} coordinates of G and then the "
            f"{game.n_d} of D; got {given.shape}."
        )
    _checks.finite("starts", given)
    lr = _checks.real("lr", lr, above=0.0)
    ratios = [_checks.real("taus", t, above=0.0) for t in np.atleast_1d(taus)]
    if not ratios:
        raise ValueError("taus must hold at least one number, got an empty list.")
    points = torch.from_numpy(given.reshape(-1, n).T).repeat(1, len(ratios))
    rates = lr * torch.tensor(ratios, dtype=torch.float64).repeat_interleave(given.size // n)
    checked = Problem(
        game, given, np.array(ratios), lr, _checks.whole("steps", steps, least=1),
        _checks.choice("rule", rule, RULES), _periods(period, n), points, rates,
    )  # fmt: skip
    _repeats(checked)
    return checked


def _periods(period: Any, n: int) -> Tensor:
    """(n,) periods, infinite for a coordinate that is no angle."""
    values = [period] * n if period is None or np.ndim(period) == 0 else list(period)
    if len(values) != n:
        raise ValueError(f"period must be one number or {n}, one per coordinate, got {period!r}.")
    values = [math.inf if p is None else p for p in values]
    for p in values:
        if p != math.inf:
            _checks.real("period", p, above=0.0)
    return torch.tensor(values, dtype=torch.float64)


def _repeats(given: Problem) -> None:
    """Raise ValueError unless the losses have the period that they are said to have."""
    turns = torch.where(given.period.isfinite(), given.period, 0.0)
    if not turns.any():
        return
    here = _probes(given.points)
    for i in turns.nonzero()[:, 0].tolist():
        there = here.clone()
        there[i] += turns[i]
        moved = [gradient_step(given.game, w, 1.0, 1.0, "simultaneous") - w for w in (here, there)]
        if not torch.allclose(*moved, rtol=1e-6, atol=1e-9, equal_nan=True):
            raise ValueError(
                f"period: the gradients of f_g and f_d do not repeat when coordinate {i} grows by "
                f"{float(turns[i]):g}. Give None for a coordinate that is no angle."
            )


def _probes(points: Tensor) -> Tensor:
    """(n, m) points to try things at: some of the starts, and random ones around them."""
    some = points[:, :: max(1, points.shape[1] // 16)]
    rng = torch.Generator().manual_seed(0)
    noise = torch.randn(len(points), 16, generator=rng, dtype=torch.float64)
    spread = points.max(1, keepdim=True).values - points.min(1, keepdim=True).values
    return torch.cat([some, points.mean(1, keepdim=True) + (1.0 + spread / 2) * noise], 1)


def pieces(total: int, most: int, progress: bool) -> Iterator[int]:
    """``total`` steps in pieces of at most ``most``, with a progress bar if asked for."""
    bar: Callable[[int], Any] = lambda _: None  # noqa: E731
    close: Callable[[], Any] = lambda: None  # noqa: E731
    if progress:
        from tqdm.auto import tqdm

        shown = tqdm(total=total, unit="step", mininterval=0.3)
        bar, close = shown.update, shown.close
    try:
        while total > 0:
            yield min(total, most)
            bar(min(total, most))
            total -= most
    finally:
        close()


def named(point: Tensor) -> str:
    """A point (n,) for a message."""
    return "(" + ", ".join(f"{c:.6g}" for c in point.tolist()) + ")"

"""Paths of tau-GDA from many starting points and for many values of tau in one batched run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from gan_teach import _checks
from gan_teach.analysis.flows.starts import Problem, pieces, problem
from gan_teach.games import FunctionGame

_LARGEST = 2**31  # bytes of recorded points
_AT_ONCE = 2**22  # numbers recorded between two looks at the keyboard


@dataclass(frozen=True)
class Trajectories:
    """Recorded paths.

    points (T, n_tau, ..., n) at ``steps`` (T,), row 0 being the starting points; taus (n_tau,);
    ``engine`` that computed them and ``note``, why it is not the one that was asked for.
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
    period: Any = None,
    engine: str = "auto",
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
    rule : "simultaneous", or "alternating", where G moves first and D answers G's new point.
    period : of the angles among the coordinates, one number for all or (n,) with None for the rest;
        recorded angles lie in [-period / 2, period / 2).
    engine : "auto", or one of "eager", "traced", "compiled", "scalar" (see ``flows.engines``).

    All in float64. Diverging paths turn infinite or NaN. Ctrl-C keeps what was recorded. Raises
    ValueError for arguments that do not fit together, for a wrong period, and for more than 2 GiB
    of points.
    """
    given = problem(game, starts, taus, lr, steps, rule, period)
    every = min(_checks.whole("every", every, least=1), given.steps)
    records, rest = divmod(given.steps, every)
    _affordable(given, records)
    chosen = given.engine(engine)
    kept = [given.points[None]]
    interrupted = False
    per_piece = max(1, min(_AT_ONCE // given.points.numel(), -(-records // 20)))
    with torch.no_grad():
        try:
            for count in pieces(records, per_piece, progress):
                kept.append(chosen.path(kept[-1][-1], given.rates, every, count))
            if rest:
                kept.append(chosen.path(kept[-1][-1], given.rates, rest, 1))
        except KeyboardInterrupt:
            interrupted = True
    rows = given.wrap(torch.cat(kept), dim=1).transpose(1, 2)  # (T, cells, n)
    done = np.minimum(np.arange(len(rows)) * every, given.steps)
    points = rows.reshape(len(rows), *given.shape, -1).numpy()
    return Trajectories(points, done, given.taus, chosen.name, chosen.note, interrupted)


def _affordable(given: Problem, records: int) -> None:
    size = 8 * given.points.numel() * (records + 2)
    if size > _LARGEST:
        raise ValueError(
            f"the recorded points would take {size / 2**30:.1f} GiB: record fewer of them with "
            f"every={-(-size // _LARGEST) * (given.steps // records)} or more, or use basins, "
            "which keeps only where the paths end."
        )

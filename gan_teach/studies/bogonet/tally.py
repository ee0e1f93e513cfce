"""From score curves to a table: averages of each algorithm, and who beats whom how often."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gan_teach import _checks
from gan_teach.history import History
from gan_teach.plots.text import Table
from gan_teach.studies.bogonet.runs import ALGORITHMS

CRITERIA = ("final", "best", "area")


class Duel(NamedTuple):
    """``first`` against ``second``: architectures won by each, and ties.

    interval : Wilson's 95 % interval for the chance that ``first`` wins an untied architecture.
    p : two-sided sign test of "both are as likely to win"; 1 where all are ties.
    """

    first: str
    second: str
    won: int
    lost: int
    tied: int
    interval: tuple[float, float]
    p: float


def values(history: History, criterion: str) -> NDArray[np.float64]:
    """(A, N): one number per algorithm and architecture out of the score curves (T, A, N).

    final : the last score. best : the highest. area : the area under the curve (trapezoids) divided
    by the number of steps, i.e. the mean score, on the same scale from 1 to 10.
    """
    _checks.choice("criterion", criterion, CRITERIA)
    scores = np.asarray(history["score"], dtype=float)
    if criterion == "final":
        return scores[-1]
    if criterion == "best":
        return scores.max(0)
    steps = history.steps.astype(float)
    widths = np.diff(steps)[:, None, None]
    return (widths * (scores[1:] + scores[:-1]) / 2).sum(0) / (steps[-1] - steps[0])


def wins(value: NDArray[np.float64]) -> NDArray[np.float64]:
    """(A,): architectures that each algorithm wins; of (A, N) values the highest in each column.

    Several highest ones share the point, so that the wins add up to N.
    """
    top = value == value.max(0)
    return (top / top.sum(0)).sum(1)


def duels(history: History, criterion: str = "final") -> list[Duel]:
    """Every pair of algorithms, architecture by architecture."""
    from scipy.stats import binomtest

    value = values(history, criterion)
    names = history.meta["study"]["algorithms"]
    found = []
    for i, k in combinations(range(len(names)), 2):
        won, lost = int((value[i] > value[k]).sum()), int((value[i] < value[k]).sum())
        interval, p = (0.0, 1.0), 1.0
        if won + lost:
            test = binomtest(won, won + lost)
            ends = test.proportion_ci(method="wilson")
            interval, p = (float(ends.low), float(ends.high)), float(test.pvalue)
        tied = value.shape[1] - won - lost
        found.append(Duel(names[i], names[k], won, lost, tied, interval, p))
    return found


def diverged(history: History) -> list[str]:
    """A line for each run that left the finite numbers: which, and when."""
    names = history.meta["study"]["algorithms"]
    return [
        f"architecture {history.static['seed'][n]}, {ALGORITHMS[names[a]].title}: step "
        f"{history.static['diverged'][a, n]}"
        for a, n in zip(*np.nonzero(history.static["diverged"] >= 0), strict=True)
    ]


def table(history: History) -> Table:
    """Averages of each algorithm over the architectures, and how many it won (ties split)."""
    final, best, area = (values(history, criterion) for criterion in CRITERIA)
    won = [wins(value) for value in (final, best, area)]
    rows = [
        [
            ALGORITHMS[name].title,
            f"{final[i].mean():.2f} ± {final[i].std():.2f}",
            f"{best[i].mean():.2f}",
            f"{area[i].mean():.2f} ± {area[i].std():.2f}",
            *(f"{by_criterion[i]:.4g}" for by_criterion in won),
            int((history.static["diverged"][i] >= 0).sum()),
        ]
        for i, name in enumerate(history.meta["study"]["algorithms"])
    ]
    caption = (
        f"{history.meta['architectures']} random architectures, "
        f"{history.meta['study']['budget']['steps']} generator steps each: Inception Score (real "
        f"digits: {history.meta['real_score']:.2f}), mean ± standard deviation over architectures, "
        "and architectures won"
    )
    columns = ["algorithm", "final", "best", "area", "won: final", "best", "area", "diverged"]
    return Table(columns, rows, caption=caption)


def duel_table(history: History, criteria: Iterable[str] = CRITERIA) -> Table:
    """Wins, ties, Wilson's interval and the sign test of every pair."""
    rows = [
        [
            criterion,
            f"{ALGORITHMS[d.first].title} - {ALGORITHMS[d.second].title}",
            f"{d.won} : {d.lost}",
            d.tied,
            f"{100 * d.interval[0]:.0f} to {100 * d.interval[1]:.0f} %",
            f"{d.p:.2g}",
        ]
        for criterion in criteria
        for d in duels(history, criterion)
    ]
    columns = ["by", "pair", "won", "tied", "first wins (95 %)", "sign test p"]
    return Table(columns, rows, caption="Architecture by architecture")

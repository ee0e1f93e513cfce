"""The ranges of a chart's axes while its curves grow: they change rarely, and then by leaps."""

from __future__ import annotations

import math

import numpy as np

from gan_teach.lab.frame import Chart
from gan_teach.plots._panel import limits

Range = tuple[float, float]


class Limits:
    """``xlim`` and ``ylim`` of one chart of a live run; ``fit`` widens them when it must."""

    def __init__(self) -> None:
        self.xlim: Range = (0.0, 0.0)
        self.ylim: Range = (0.0, 0.0)
        self._theory: object = None

    def fit(self, chart: Chart, step: int) -> bool:
        """Make room for the curves and levels at ``step``; whether a limit or level changed."""
        xlim = chart.xlim or (0.0, float(leap(step)))
        seen = np.concatenate([curve.xy[:, 1] for curve in chart.curves])
        held = [value for value, _ in chart.levels] + list(chart.band[:2] if chart.band else ())
        if chart.log:
            held = [math.log10(value) for value in held if value > 0]
        low, high = chart.ylim or limits(seen, held, chart.log)
        bottom, top = self.ylim
        theory = chart.levels, chart.band
        fresh = xlim != self.xlim or theory != self._theory
        if not fresh and bottom <= low and high <= top:
            return False
        if not fresh:  # a curve has outgrown its axis: leave it room, so that this stays rare
            low, high = _widened((min(low, bottom), max(high, top)), chart.log)
        self.xlim, self.ylim, self._theory = xlim, (low, high), theory
        return True


def leap(step: int) -> int:
    """The first of 100, 200, 500, 1000, ... that is not below ``step``: where a time axis ends."""
    decade = 100
    while True:
        for factor in (1, 2, 5):
            if step <= factor * decade:
                return factor * decade
        decade *= 10


def _widened(ylim: Range, log: bool) -> Range:
    """The limits with a quarter of their length more on either side."""
    low, high = map(math.log10, ylim) if log else ylim
    margin = 0.25 * (high - low)
    low, high = low - margin, high + margin
    return (10**low, 10**high) if log else (low, high)

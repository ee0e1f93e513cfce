"""Named curves over common points, for a comparison that is made on the spot."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from gan_teach.plots import style
from gan_teach.plots._panel import Level, draw_level, legend_below

_LEGEND_WIDTH = 70  # characters below a figure of the usual size


def compare(
    x: ArrayLike,
    curves: Mapping[str, ArrayLike],
    ax: Axes | None = None,
    *,
    xlabel: str = "game",
    ylabel: str = "",
    level: tuple[float, str] | None = None,
    mark: tuple[float, str] | None = None,
    log: bool = False,
) -> Axes:
    """Curves (m,) over the points ``x`` (m,), each with a color and a dash of its own.

    ``level`` = (value, name) adds what the theory predicts as a dashed horizontal line, ``mark`` a
    dotted vertical one. Raises ValueError when there is no curve, or one of another length than x,
    which it names.
    """
    points = np.asarray(x, dtype=float)
    if not curves:
        raise ValueError("curves is empty: give at least one name and its values.")
    ax = style.axes(ax)
    with style.use():
        for k, (name, values) in enumerate(curves.items()):
            y = np.asarray(values, dtype=float)
            if points.ndim != 1 or y.shape != points.shape:
                raise ValueError(
                    f"the curve {name!r} has shape {y.shape}, but x has {points.shape}: each curve "
                    "needs one value per point."
                )
            color, dash = (looks[k % len(looks)] for looks in (style.LINES, style.DASHES))
            ax.plot(points, y, color=color, linestyle=dash, linewidth=1.8, label=name)
        ax.set(xlabel=xlabel, ylabel=ylabel, yscale="log" if log else "linear")
        if level:
            draw_level(ax, Level(*level))
        if mark:
            ax.axvline(mark[0], color=style.THEORY, linestyle=":", linewidth=1.3)
            ax.annotate(
                mark[1], (mark[0], 1.0), xycoords=("data", "axes fraction"), xytext=(4, -2),
                textcoords="offset points", va="top", color=style.THEORY, fontsize=10,
            )  # fmt: skip
        longest = max(map(len, curves))
        legend_below(ax, cols=min(max(1, _LEGEND_WIDTH // longest), len(curves)))
    return ax

"""The phase diagram of a sweep: how often runs succeed, over two knobs."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from gan_teach.history import History
from gan_teach.plots import style
from gan_teach.plots.ensembles import wilson

_DARK = 0.5  # cells below this share are dark in cividis and get white text


def phase_diagram(
    history: History,
    success: ArrayLike,
    x: str,
    y: str,
    ax: Axes | None = None,
    *,
    title: str = "Share of runs that succeed",
) -> Axes:
    """Share of the successful members over two knobs: a cell for each pair of settings.

    ``history`` is what ``sweep`` returned, ``success`` says of each of its members, (M,), whether
    it succeeded; ``x`` and ``y`` name two of the knobs. A cell shows the share, its 95 % Wilson
    interval and the number of runs; members that differ in a third knob share a cell. Pairs that
    were not run stay empty. Raises ValueError for an unknown knob or another number of members.
    """
    columns, rows, won, runs = _cells(history, success, x, y)
    ax = style.axes(ax, (2.0 + 1.25 * len(columns), 1.6 + 0.75 * len(rows)))
    with style.use():
        share = np.divide(won, runs, where=runs > 0, out=np.full(won.shape, np.nan))
        image = ax.pcolormesh(
            np.arange(len(columns) + 1) - 0.5, np.arange(len(rows) + 1) - 0.5, share,
            cmap=style.FIELD, vmin=0, vmax=1, edgecolors="white", linewidth=1.5,
        )  # fmt: skip
        for j, i in np.argwhere(runs > 0):
            _annotate(ax, i, j, int(won[j, i]), int(runs[j, i]))
        ax.set_xticks(range(len(columns)), [_text(v) for v in columns])
        ax.set_yticks(range(len(rows)), [_text(v) for v in rows])
        ax.set(xlabel=x.replace("_", " "), ylabel=y.replace("_", " "))
        ax.set_title(title, loc="left")
        ax.grid(False)
        ax.tick_params(length=0)
        bar = ax.get_figure().colorbar(image, ax=ax)  # pyright: ignore
        bar.set_label("share, with the 95 % Wilson interval")
    return ax


def _cells(
    history: History, success: ArrayLike, x: str, y: str
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
    """Values along x and y, and (rows, columns) counts of successes and of runs."""
    for name in (x, y):
        if name not in history.static:
            known = ", ".join(history.meta.get("static_per_member", history.static)) or "none"
            raise ValueError(f"{name!r} is no knob of this sweep; there are: {known}.")
    along_x, along_y = history.static[x], history.static[y]
    good = np.asarray(success, dtype=bool)
    if good.shape != along_x.shape:
        raise ValueError(
            f"success must have one entry per member, shape {along_x.shape}, got {good.shape}."
        )
    columns, i = np.unique(along_x, return_inverse=True)
    rows, j = np.unique(along_y, return_inverse=True)
    won, runs = (np.zeros((len(rows), len(columns)), dtype=np.int64) for _ in range(2))
    np.add.at(runs, (j, i), 1)
    np.add.at(won, (j, i), good)
    return columns, rows, won, runs


def _annotate(ax: Axes, i: int, j: int, won: int, runs: int) -> None:
    low, high = wilson(won, runs)
    color = "white" if won / runs < _DARK else style.INK
    ax.text(i, j + 0.13, f"{won / runs:.0%}", ha="center", va="center", color=color, fontsize=12)
    text = f"{low:.0%} to {high:.0%}, n = {runs}"
    ax.text(i, j - 0.2, text, ha="center", va="center", color=color, fontsize=8)


def _text(value: Any) -> str:
    return f"{value:g}" if np.issubdtype(type(value), np.number) else str(value)

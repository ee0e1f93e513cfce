"""Algorithms over many architectures: their score curves, and two of them head to head."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from gan_teach.history import History
from gan_teach.plots import style


def score_curves(history: History, ax: Axes | None = None) -> Axes:
    """Mean score of each algorithm over the steps, with the middle half of the architectures.

    ``history["score"]`` is (T, A, N), algorithms by architectures; ``meta["titles"]`` names the
    algorithms and ``meta["real_score"]`` is what real data score. Raises ValueError for another
    shape.
    """
    score = np.asarray(history["score"], dtype=float)
    if score.ndim != 3:
        raise ValueError(f"score must have shape (T, algorithms, n), got {score.shape}.")
    ax = style.axes(ax)
    looks = zip(style.LINES, style.DASHES, style.HATCHES, strict=False)
    with style.use():
        for (color, dash, hatch), name, curves in zip(
            looks, history.meta["titles"], score.swapaxes(0, 1), strict=False
        ):
            low, high = np.quantile(curves, (0.25, 0.75), axis=1)
            band = {"color": color, "alpha": 0.15, "hatch": hatch, "linewidth": 0}
            ax.fill_between(history.steps, low, high, **band)
            ax.plot(history.steps, curves.mean(1), color=color, linestyle=dash, label=name)
        ax.axhline(history.meta["real_score"], color=style.THEORY, linestyle="--")
        ax.text(
            history.steps[-1], history.meta["real_score"] - 0.1, "real digits",
            ha="right", va="top", color=style.THEORY,
        )  # fmt: skip
        ax.set(xlabel="updates of the generator", ylabel="Inception Score", ylim=(0.8, None))
        ax.set_title(f"{score.shape[2]} architectures: mean and middle half")
        ax.legend(loc="center left")
    return ax


def head_to_head(
    first: ArrayLike, second: ArrayLike, names: tuple[str, str], ax: Axes | None = None
) -> Axes:
    """One point per architecture: score of ``first`` (N,) against that of ``second`` (N,).

    Filled circles where ``second`` wins, crosses where ``first`` does; the line is a tie. Raises
    ValueError for different shapes.
    """
    x, y = (np.asarray(values, dtype=float) for values in (first, second))
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"first and second must be (N,) of one length, got {x.shape}, {y.shape}.")
    ax = style.axes(ax, (4.6, 4.4))
    top = float(max(x.max(), y.max())) + 0.3
    groups = ((y > x, names[1], "o", style.LINES[1]), (x > y, names[0], "x", style.LINES[0]))
    with style.use():
        ax.plot([1, top], [1, top], color=style.THEORY, linestyle="--", linewidth=1)
        for chosen, name, marker, color in groups:
            label = f"{name} wins {int(chosen.sum())}"
            ax.scatter(x[chosen], y[chosen], marker=marker, color=color, s=28, label=label)
        ax.set(xlabel=names[0], ylabel=names[1], xlim=(0.9, top), ylim=(0.9, top), aspect="equal")
        ax.legend(loc="upper left")
    return ax

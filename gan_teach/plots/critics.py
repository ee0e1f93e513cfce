"""What several discriminators make of the plane: their scores, and how steep they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from gan_teach.plots import style

_SIZE = 2.3  # inches of one map
_TINY = 1e-3  # slopes below are drawn as this


def critics(
    scores: Mapping[str, ArrayLike],
    slopes: Mapping[str, ArrayLike],
    extent: tuple[float, float, float, float],
    *,
    real: ArrayLike | None = None,
    fake: Mapping[str, ArrayLike] | None = None,
    target: float | None = 1.0,
) -> Figure:
    """Maps of discriminators side by side: above D(x), below the slope |grad f(x)|, logarithmic.

    ``scores`` and ``slopes`` map the same names to (rows, cols) on ``extent`` = (left, right,
    bottom, top), row 0 at the bottom. ``real`` (k, 2) are drawn as points, ``fake`` maps names to
    generated points (n, 2), drawn as crosses; the line where the slope is ``target`` is dashed.
    Raises ValueError where the names differ.
    """
    if set(scores) != set(slopes) or not scores:
        raise ValueError(f"scores has {list(scores)}, but slopes has {list(slopes)}.")
    columns = list(scores)
    layout = [[(row, name) for name in columns] for row in ("score", "slope")]
    figure, axes = style.mosaic(layout, (_SIZE * len(columns) + 0.9, 2 * _SIZE + 0.5))
    steep = {k: np.maximum(np.asarray(v, dtype=float), _TINY) for k, v in slopes.items()}
    high = float(np.quantile(np.concatenate([v.ravel() for v in steep.values()]), 0.995))
    looks: dict[str, dict[str, Any]] = {
        "score": {"cmap": style.SIGNED, "vmin": 0.0, "vmax": 1.0, "alpha": 0.6},
        "slope": {"cmap": style.FIELD, "vmin": -2.0, "vmax": max(np.log10(high), 0.5)},
    }
    with style.use():
        for (row, name), ax in axes.items():
            values = np.asarray(scores[name]) if row == "score" else np.log10(steep[name])
            image = ax.imshow(values, origin="lower", extent=extent, **looks[row])
            _points(ax, row, real, None if fake is None else fake[name])
            if row == "slope" and target is not None:
                _target(ax, steep[name], extent, target)
            _frame(ax, extent, name if row == "score" else "")
            ax.label_outer()
            if name == columns[-1]:
                _scale(figure, image, axes[row, name], row)
    return figure


def _points(ax: Axes, row: str, real: ArrayLike | None, fake: ArrayLike | None) -> None:
    if real is not None:
        at = np.asarray(real, dtype=float)
        color = style.REAL if row == "score" else "white"
        ax.plot(*at.T, style.REAL_MARKER, color=color, markersize=2, alpha=0.6, markeredgewidth=0)
    if fake is not None and row == "score":
        at = np.asarray(fake, dtype=float)
        ax.plot(*at.T, style.FAKE_MARKER, color=style.FAKE, markersize=3.5, markeredgewidth=0.9)


def _target(ax: Axes, slope: NDArray[np.float64], extent: tuple[float, ...], target: float) -> None:
    left, right, bottom, top = extent
    if not slope.min() < target < slope.max():
        return
    x = np.linspace(left, right, slope.shape[1])
    y = np.linspace(bottom, top, slope.shape[0])
    ax.contour(x, y, slope, levels=[target], colors="white", linestyles="--", linewidths=1.1)


def _frame(ax: Axes, extent: tuple[float, ...], title: str) -> None:
    ax.set(xlim=extent[:2], ylim=extent[2:])
    ax.set_aspect("equal")
    ax.set_title(title, loc="left", fontsize=11)
    ax.grid(False)


def _scale(figure: Figure, image: Any, ax: Axes, row: str) -> None:
    bar = figure.colorbar(image, ax=ax, shrink=0.9, pad=0.03)
    if row == "score":
        bar.set_label("D(x)")
        bar.set_ticks([0, 0.5, 1], labels=["0", "1/2", "1"])
        return
    bar.set_label("slope |∇f|")
    ticks = [t for t in range(-2, 4) if image.norm.vmin <= t <= image.norm.vmax]
    bar.set_ticks(ticks, labels=[f"{10.0**t:g}" for t in ticks])

"""Samples of several generators side by side, and their scores against the noise of real data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from numpy.typing import ArrayLike, NDArray

from gan_teach.plots import style
from gan_teach.plots._panel import legend_below

MOST_POINTS = 1000  # of one panel: more only fill it
_GAP, _TICKS = 3.0, (3, 10, 100, 1000)  # linear up to here; ticks of the logarithmic part
_FARTHEST = 3000.0  # in half widths of a band: what lies beyond stands at the edge
_MARKERS = "XDs^vP*<>"


def clouds(
    samples: Mapping[str, ArrayLike],
    real: ArrayLike | None = None,
    *,
    notes: Mapping[str, str] | None = None,
    columns: int = 4,
) -> Figure:
    """A panel for each set of points (n, 2), all on the axes of the real ones.

    ``real`` (k, 2) lies beneath as pale filled circles and sets the limits; ``notes`` maps a name
    to a line below its title. A set named "real" is drawn as real points are. Rows that are not
    finite are left out. Raises ValueError for no sets, and for points that are not in the plane.
    """
    if not samples:
        raise ValueError("samples is empty: give at least one name and its points.")
    sets = {name: _points(name, values) for name, values in samples.items()}
    below = None if real is None else _points("real", real)
    ends = _square(np.concatenate(list(sets.values())) if below is None else below)
    columns = min(columns, len(sets))
    rows = math.ceil(len(sets) / columns)
    names: list[Any] = [*sets, *(f"empty {k}" for k in range(rows * columns - len(sets)))]
    layout = [names[row * columns : (row + 1) * columns] for row in range(rows)]
    figure, axes = style.mosaic(layout, (2.75 * columns, 3.1 * rows))
    with style.use():
        for name, ax in axes.items():
            if name not in sets:
                ax.set_axis_off()
                continue
            _cloud(ax, name, sets[name], below)
            ax.set(xlim=ends[0], ylim=ends[1], aspect="equal")
            note = (notes or {}).get(name, "")
            ax.set_title(f"{name}\n{note}" if notes else name, loc="left", fontsize=10.5)
    return figure


def _points(name: str, values: ArrayLike) -> NDArray[np.float64]:
    points = np.asarray(values, dtype=float)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"the set {name!r} must have shape (n, 2), got {points.shape}.")
    return points[np.isfinite(points).all(1)]


def _square(points: NDArray[np.float64]) -> list[tuple[float, float]]:
    low, high = points.min(0), points.max(0)
    margin = 0.08 * (high - low).max()
    return [(float(a - margin), float(b + margin)) for a, b in zip(low, high, strict=True)]


def _cloud(ax: Axes, name: str, points: NDArray[np.float64], below: Any) -> None:
    look: dict[str, Any] = {"linestyle": "none", "markeredgewidth": 0.0}
    if below is not None and name != "real":
        pale = {"color": style.REAL, "markersize": 3.5, "alpha": 0.3, "zorder": 1.5}
        ax.plot(*below[:MOST_POINTS].T, style.REAL_MARKER, **look, **pale)
    if name == "real":
        own = {"marker": style.REAL_MARKER, "color": style.REAL, "markersize": 3.5, "alpha": 0.6}
    else:
        own = {"marker": style.FAKE_MARKER, "color": style.FAKE, "markersize": 3.5}
        own["markeredgewidth"] = 0.8
    ax.plot(*points[:MOST_POINTS].T, **{**look, **own})
    ax.grid(False)


def noise_bands(
    bands: Mapping[str, tuple[float, float]],
    scores: Mapping[str, Mapping[str, ArrayLike]],
    ax: Axes | None = None,
    *,
    title: str = "",
) -> Axes:
    """Scores against the band of each metric: a row per metric, the band stretched to [-1, 1].

    ``bands`` maps a metric to (low, high), ``scores`` the name of a generator to {metric: one
    number, or several}. A score s stands at (s - middle) / half width, on an axis that is linear
    to 3 and logarithmic beyond. Where low = high, as for a count that real samples never miss, any
    other score stands at the edge, as do scores farther than 3000. Raises ValueError for an empty
    mapping and for a metric without a band.
    """
    unknown = sorted({m for found in scores.values() for m in found} - set(bands))
    if not bands or not scores or unknown:
        raise ValueError(
            "bands and scores need at least one entry, and each metric a band; got none for "
            f"{', '.join(unknown) or 'anything'}."
        )
    ax = style.axes(ax, (7.8, 1.3 + 0.36 * len(bands)))
    with style.use():
        gray: dict[str, Any] = {"color": style.PALETTE[8], "alpha": 0.25, "linewidth": 0}
        ax.axvspan(-1, 1, label="real against real", **gray)
        for k, (name, found) in enumerate(scores.items()):
            down = 0.6 * ((k + 0.5) / len(scores) - 0.5)  # so that equal scores stay apart
            _marks(ax, k, name, found, bands, down)
        _gauge(ax)
        ax.set_yticks(range(len(bands)), list(bands))
        ax.set(ylim=(len(bands) - 0.5, -0.5), xlabel="score, in half widths of the band")
        ax.grid(False, axis="x")
        ax.set_title(title, loc="left")
        legend_below(ax, cols=min(len(scores) + 1, 4))
    return ax


def _marks(ax: Axes, k: int, name: str, found: Any, bands: Any, down: float) -> None:
    """A marker for each score; several of one metric become small dots over the row's height."""
    x, y, rows = [], [], list(bands)
    for metric, values in found.items():
        at = _stretched(np.atleast_1d(np.asarray(values, dtype=float)), *bands[metric])
        spread = np.linspace(-0.28, 0.28, len(at)) if len(at) > 1 else down
        x.append(at)
        y.append(rows.index(metric) + np.broadcast_to(spread, at.shape))
    look: dict[str, Any] = {"markersize": 7.5, "markeredgecolor": "white", "zorder": 3}
    look |= {"marker": _MARKERS[k % len(_MARKERS)], "color": style.LINES[k % 6]}
    if max(map(len, x)) > 1:
        look = {"markersize": 3.0, "markeredgecolor": "none", "alpha": 0.35, "marker": "o"}
        look |= {"color": style.REAL, "zorder": 2}
    dots = {"linestyle": "none", "label": name, "clip_on": False}
    ax.plot(np.concatenate(x), np.concatenate(y), **dots, **look)


def _stretched(scores: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """Scores in half widths of the band around its middle; NaN stays NaN."""
    middle, half = (low + high) / 2, (high - low) / 2
    away = scores - middle
    if half == 0:
        return np.where(away == 0, 0.0, np.sign(away) * _FARTHEST)
    return np.clip(away / half, -_FARTHEST, _FARTHEST)


def _gauge(ax: Axes) -> None:
    ax.set_xscale("symlog", linthresh=_GAP, linscale=1.2)
    ax.set_xlim(-1.1 * _FARTHEST, 1.1 * _FARTHEST)
    ticks = [-1, 1, *_TICKS, *(-t for t in _TICKS)]
    ax.set_xticks(ticks, [f"{t:g}".replace("-", "−") for t in ticks])
    ax.xaxis.set_minor_locator(NullLocator())


def prd_curves(curves: Mapping[str, Any], ax: Axes | None = None) -> Axes:
    """Precision over recall for each ``metrics.PRD`` by its name; the corner (1, 1) is perfect."""
    ax = style.axes(ax, (5.4, 4.8))
    with style.use():
        for k, (name, curve) in enumerate(curves.items()):
            color, dash = style.LINES[k % 6], style.DASHES[k % 5]
            ax.plot(curve.recall, curve.precision, color=color, linestyle=dash, label=name)
        ax.set(xlabel="recall", ylabel="precision", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        ax.set_aspect("equal")
        legend_below(ax, cols=2)
    return ax

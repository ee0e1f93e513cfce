"""Real and generated samples: points in the plane over the discriminator, and on the line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import ArrayLike, NDArray

from gan_teach.history import History
from gan_teach.plots import _panel, style

MOST_POINTS = 2000  # more do not show more
_FEWER_POINTS = 1000  # in one of many small panels
_TINY = 1e-3  # slopes below are drawn as this
_SMALL_CROSSES = style.fake(markersize=3.5, markeredgewidth=0.8)


def samples(history: History, i: int = -1, ax: Axes | None = None) -> Axes:
    """Real points (filled circles) and generated points (crosses) in the plane, and D between them.

    Reads ``fake`` (T, n, 2), the constant ``real`` (k, 2) and, where they are there, ``modes``
    (K, 2) and the discriminator's probability ``d_field`` (T, rows, cols) on the constant
    ``field_extent`` = (left, right, bottom, top), row 0 at the bottom. Raises ValueError when
    ``fake`` is not made of points in the plane.
    """
    return _panel.plot(samples_panel, history, i, style.axes(ax, (6.2, 5.6)))


def samples_panel(ax: Axes, history: History) -> _panel.Draw:
    """The panel behind ``samples``."""
    hint = "Only points in the plane: draw those on the line with plots.picture."
    fake = _panel.shaped("fake", history["fake"], "(T, n, 2)", hint)[:, :MOST_POINTS]
    field: Any = None
    if "d_field" in history:  # pale, so that the points stay visible
        extent = history.static["field_extent"].tolist()
        field = _score_map(ax, history["d_field"][0], extent, alpha=0.45)
        _score_bar(ax, field)
    _real_points(ax, history, fake)
    look = style.fake(markersize=5, markeredgewidth=1.3, zorder=3)
    (crosses,) = ax.plot([], [], label="generated points G(z)", **look)
    title, hint = ax.set_title("", loc="left"), _panel.note(ax)
    bad = _panel.first_bad(fake)
    if bad is not None:
        hint.set_text(_panel.divergence_sentence(history, bad))
    if field is not None:
        crosses.set_path_effects([withStroke(linewidth=2.6, foreground="white")])
    ax.set_aspect("equal")
    ax.grid(False)
    _panel.legend_below(ax, cols=3, points=26)

    def draw(i: int) -> None:
        crosses.set_data(*fake[i].T)
        if field is not None:
            field.set_data(history["d_field"][i])
        title.set_text(_panel.heading(history, f"{_panel.unit(history)} {history.steps[i]}"))
        hint.set_visible(bad is not None and i >= bad)

    return draw


def _score_map(ax: Axes, score: ArrayLike, extent: Any, alpha: float) -> Any:
    look: style.Look = {"cmap": style.SIGNED, "vmin": 0.0, "vmax": 1.0, "alpha": alpha}
    image = ax.imshow(np.asarray(score), origin="lower", extent=extent, zorder=0, **look)
    ax.set(xlim=extent[:2], ylim=extent[2:])
    return image


def _score_bar(ax: Axes, image: Any) -> None:
    bar = style.figure_of(ax).colorbar(image, ax=ax, label="D(x)", shrink=0.85, pad=0.02)
    bar.set_ticks([0, 0.5, 1], labels=["0", "1/2", "1"])


def _real_points(ax: Axes, history: History, fake: NDArray[Any]) -> None:
    real = history.static.get("real", np.empty((0, 2)))[:MOST_POINTS]
    if "d_field" not in history:
        shown = real if len(real) else fake.reshape(-1, 2)
        ends = np.array([_panel.limits(column) for column in shown.T])
        half = 0.6 * np.ptp(ends, axis=1).max()
        x, y = ends.mean(axis=1)
        ax.set(xlim=(x - half, x + half), ylim=(y - half, y + half))
    ax.plot(*real.T, label="real points x", **style.real(markersize=4, alpha=0.6, zorder=2))
    if "modes" in history.static:
        look = style.ring(markersize=13, markeredgewidth=1.2, zorder=4)
        ax.plot(*history.static["modes"].T, label="modes", **look)


@style.use()
def densities(arrays: Mapping[str, ArrayLike], ax: Axes | None = None, *, title: str = "") -> Axes:
    """Smoothed densities of samples on the line, each name with a color and a dash of its own.

    Gaussian kernel estimates with Scott's bandwidth. The names "real" and "generated" get their
    usual colors. Entries that are not finite are left out; a set whose entries are all equal has no
    density and becomes a vertical line. Needs seaborn (the ``course`` extra).
    """
    try:
        import seaborn
    except ImportError:
        raise ImportError("densities needs seaborn: pip install 'gan-teach[course]'.") from None
    ax = style.axes(ax)
    usual = {"real": (style.REAL, "-"), "generated": (style.FAKE, style.DASHES[1])}
    for k, (name, values) in enumerate(arrays.items()):
        flat = np.ravel(values).astype(float)
        flat = flat[np.isfinite(flat)]
        color, dash = usual.get(name, style.look(k).values())
        look: style.Look = {"color": color, "linestyle": dash, "label": name}
        if flat.size > 1 and np.ptp(flat) > 1e-9 * np.abs(flat).max():
            seaborn.kdeplot(x=flat, ax=ax, fill=False, linewidth=2.0, **look)
        else:
            ax.axvline(flat[0] if flat.size else np.nan, **look)
    ax.set(xlabel="x", ylabel="density", title=title or "Densities")
    _panel.legend_below(ax, cols=4)
    return ax


@style.use()
def positions(
    history: History, clusters: Sequence[tuple[float, float]], *, ylim: tuple[float, float]
) -> Axes:
    """Where each generated point lies on the line over the steps, and the real clusters as bands.

    Reads ``fake`` (T, n); ``clusters`` are the bands' ends (low, high). A point that wanders from
    one band to the other is a step out of a collapse. Raises ValueError for points in the plane.
    """
    hint = "Only points on the line: draw those in the plane with plots.samples."
    fake = _panel.shaped("fake", history["fake"], "(T, n)", hint)
    ax = style.axes(None, (7.0, 3.6))
    bands = [ax.axhspan(*ends, **style.band(style.REAL, 0.28)) for ends in clusters]
    lines = ax.plot(history.steps, fake, color=style.FAKE, linewidth=0.6, alpha=0.5, zorder=2)
    bands[0].set_label("real clusters")
    lines[0].set_label("generated points, one line each")
    ax.set(xlabel=_panel.unit(history), ylabel="x", xlim=_panel.span(history), ylim=ylim)
    ax.set_title(_panel.heading(history, "the generated points"))
    _panel.legend_below(ax, cols=2)
    return ax


@style.use()
def clouds(
    samples: Mapping[str, ArrayLike],
    real: ArrayLike,
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
    below = _points("real", real)
    low, high = below.min(0), below.max(0)
    margin = 0.08 * (high - low).max()
    (left, bottom), (right, top) = low - margin, high + margin
    figure, axes = style.grid(list(sets), columns, (2.75, 3.1))
    for name, ax in axes.items():
        if name != "real":
            pale = style.real(markersize=3.5, alpha=0.3, zorder=1.5)
            ax.plot(*below[:_FEWER_POINTS].T, **pale)
        look = style.real(markersize=3.5, alpha=0.6) if name == "real" else _SMALL_CROSSES
        ax.plot(*sets[name][:_FEWER_POINTS].T, **look)
        ax.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")
        title = f"{name}\n{notes.get(name, '')}" if notes else name
        ax.set_title(title, loc="left", fontsize=10.5)
        ax.grid(False)
    return figure


def _points(name: str, values: ArrayLike) -> NDArray[np.float64]:
    points = _panel.shaped(f"the set {name!r}", values, "(n, 2)")
    return points[np.isfinite(points).all(1)]


@style.use()
def critics(
    scores: Mapping[str, ArrayLike],
    slopes: Mapping[str, ArrayLike],
    extent: tuple[float, float, float, float],
    *,
    real: ArrayLike,
    fake: Mapping[str, ArrayLike],
) -> Figure:
    """Maps of discriminators side by side: above D(x), below the slope |grad f(x)|, logarithmic.

    ``scores`` and ``slopes`` map the same names to (rows, cols) on ``extent`` = (left, right,
    bottom, top), row 0 at the bottom. ``real`` (k, 2) are drawn as points, ``fake`` maps names to
    generated points (n, 2), drawn as crosses; the line where the slope is 1 is dashed. Raises
    ValueError where the names differ.
    """
    if set(scores) != set(slopes) or not scores:
        raise ValueError(f"scores has {list(scores)}, but slopes has {list(slopes)}.")
    columns = list(scores)
    steep = {k: np.log10(np.maximum(slopes[k], _TINY)) for k in columns}
    high = max(np.quantile(list(steep.values()), 0.995), 0.5)
    layout = [[("D", name) for name in columns], [("slope", name) for name in columns]]
    figure, axes = style.mosaic(layout, (2.3 * len(columns) + 0.9, 5.1))
    dots = style.real(markersize=2, alpha=0.6)
    for name in columns:
        above, below = axes["D", name], axes["slope", name]
        score = _score_map(above, scores[name], extent, alpha=0.6)
        above.plot(*np.transpose(real), **dots)
        above.plot(*np.transpose(fake[name]), **_SMALL_CROSSES)
        above.set_title(name, loc="left", fontsize=11)
        look: style.Look = {"cmap": style.FIELD, "vmin": -2.0, "vmax": high}
        slope = below.imshow(steep[name], origin="lower", extent=extent, **look)
        below.plot(*np.transpose(real), **{**dots, "color": "white"})
        if steep[name].min() < 0 < steep[name].max():
            line: style.Look = {"colors": "white", "linestyles": "--", "linewidths": 1.1}
            below.contour(steep[name], levels=[0], extent=extent, **line)
        for ax in (above, below):
            ax.set(xlim=extent[:2], ylim=extent[2:], aspect="equal")
            ax.grid(False)
            ax.label_outer()
    _score_bar(above, score)
    bar = figure.colorbar(slope, ax=below, shrink=0.85, pad=0.02, label="slope |∇f|")
    ticks = [t for t in range(-2, 4) if t <= high]
    bar.set_ticks(ticks, labels=[f"{10.0**t:g}" for t in ticks])
    return figure

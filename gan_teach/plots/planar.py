"""Games with two parameters: the vector field, the paths in it, and the regions of attraction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import ArrayLike, NDArray

from gan_teach.history import History
from gan_teach.plots import _panel, style

Field = tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike]
Extent = tuple[float, float, float, float]
NAMES = ("x (player 1)", "y (player 2)")

# cividis without its palest yellow, which is lost on white paper
_SPEED = ListedColormap(colormaps[style.FIELD](np.linspace(0.0, 0.86, 256)))
# Light enough for dark hatching and of distinct lightness, so that they also survive gray printing.
_REGIONS = ("#3f90da", "#ffd58a", "#d9dbdf", "#d98c7e", "#92dadd", "#8e6aa8")


def break_jumps(path: ArrayLike, period: float | None) -> NDArray[np.float64]:
    """(T, 2) points with a row of NaN wherever a coordinate jumps by more than half its period.

    An angle that passes pi reappears at -pi; a line drawn through both would cross the whole torus.
    """
    points = _panel.shaped("a path", path, "(T, 2)")
    if period is None:
        return points
    with np.errstate(invalid="ignore"):
        jumps = (np.abs(np.diff(points, axis=0)) > period / 2).any(axis=1)
    return np.insert(points, np.flatnonzero(jumps) + 1, np.nan, axis=0)


@style.use()
def vector_field(
    field: Field | None,
    trajectories: Mapping[str, ArrayLike] | None = None,
    ax: Axes | None = None,
    *,
    names: tuple[str, str] = NAMES,
    equilibrium: ArrayLike = (),
    title: str = "",
) -> Axes:
    """Stream lines of a field, colored by speed, and paths that follow it (or fail to).

    ``field`` = (X, Y, U, V), each (rows, cols) on an even grid as ``numpy.meshgrid`` gives it.
    ``trajectories`` maps names to (T, 2) paths: a circle at the start, a star at the last finite
    point. ``equilibrium`` is (2,) or (k, 2) points, marked by rings.
    Raises ValueError for a path of another shape.
    """
    ax = style.axes(ax, (6.6, 5.2))
    paths = {k: _panel.shaped("a path", p, "(T, 2)") for k, p in (trajectories or {}).items()}
    if field is None:
        x, y = np.concatenate(list(paths.values())).T
        ax.set(xlim=_panel.limits(x), ylim=_panel.limits(y))
    else:
        speed = np.ma.masked_invalid(np.hypot(*np.asarray(field[2:], dtype=float)))
        lines = _streams(ax, field, color=speed, cmap=_SPEED, density=1.1, linewidth=1.1)
        bar = {"label": "speed |v|", "shrink": 0.85, "pad": 0.02}
        style.figure_of(ax).colorbar(lines, ax=ax, **bar)
    for k, (name, path) in enumerate(paths.items()):
        diverged = "" if _panel.first_bad(path) is None else " (diverged)"
        ax.plot(*path.T, color="white", linewidth=3.2, zorder=3.4)
        _path(ax, path, k, label=f"{name}{diverged}", linewidth=1.7)
    _rings(ax, equilibrium)
    _name_axes(ax, names, title)
    if ax.get_legend_handles_labels()[0]:
        _panel.legend_below(ax, cols=4)
    return ax


@style.use()
def portraits(
    fields: Mapping[str, Field],
    paths: Mapping[str, Mapping[str, ArrayLike] | ArrayLike],
    *,
    cols: int = 3,
    period: float | None = None,
    equilibrium: ArrayLike = (0.0, 0.0),
    names: tuple[str, str] = NAMES,
) -> Figure:
    """One small phase portrait per entry of ``fields``: stream lines in gray, paths in color.

    ``paths`` holds for the same names a (T, 2) path, or a mapping of several; a circle is a start,
    a star the end. ``equilibrium`` is (2,) or (k, 2) points, marked by rings. Paths may leave the
    frame, which the field sets. Raises ValueError where the names differ.
    """
    if set(fields) != set(paths):
        raise ValueError(f"fields has {list(fields)}, but paths has {list(paths)}.")
    figure, axes = style.grid(list(fields), cols, (3.1, 2.9))
    for name, ax in axes.items():
        look = {"density": 0.7, "linewidth": 0.7, "arrowsize": 0.8}
        _streams(ax, fields[name], color=style.PALETTE[3], **look)
        own = paths[name]
        for k, path in enumerate(own.values() if isinstance(own, Mapping) else [own]):
            _path(ax, break_jumps(path, period), k, linewidth=1.4)
        _rings(ax, equilibrium)
        _name_axes(ax, names, name)
        ax.label_outer()
    return figure


def _streams(ax: Axes, field: Field, **look: Any) -> Any:
    """Stream lines, left out where the field is not finite; the axes show its grid, no more."""
    x, y, u, v = np.ma.masked_invalid(np.asarray(field, dtype=float))
    ax.grid(False)
    lines = ax.streamplot(x[0].data, y[:, 0].data, u, v, **look).lines  # it wants vectors
    ax.set(xlim=(x.min(), x.max()), ylim=(y.min(), y.max()))
    return lines


def _path(ax: Axes, path: NDArray[Any], k: int, linewidth: float, label: str = "") -> None:
    """A line from a circle at its first to a star at its last finite point."""
    color, finite = style.LINES[(k + 1) % 6], path[np.isfinite(path).all(axis=1)]
    ax.plot(*path.T, **style.look(k, color=color, linewidth=linewidth, label=label, zorder=3.5))
    for point, marker, size in ((finite[:1], "o", 7), (finite[-1:], "*", 13)):
        edge: style.Look = {"markeredgecolor": "white", "markeredgewidth": 0.8}
        ax.plot(*point.T, marker, color=color, markersize=size, zorder=4, **edge)


def _rings(ax: Axes, equilibrium: ArrayLike) -> None:
    points = np.asarray(equilibrium, dtype=float).reshape(-1, 2)
    look = style.ring(markersize=11, markeredgewidth=1.6, zorder=3.9)
    if len(points):
        ax.plot(*points.T, label="equilibrium", clip_on=False, **look)


def _name_axes(ax: Axes, names: tuple[str, str], title: str) -> None:
    ax.set(xlabel=names[0], ylabel=names[1])
    ax.set_title(title, loc="left")


def path_panel() -> _panel.Panel:
    """A panel: record i is a whole path, ``history["path"][i]`` (T, 2), around the point (0, 0)."""

    def panel(ax: Axes, history: History) -> _panel.Draw:
        (line,) = ax.plot([], [], color=style.LINES[1], linewidth=1.6)
        (end,) = ax.plot([], [], "*", color=style.LINES[1], markersize=13, markeredgecolor="white")
        _rings(ax, (0.0, 0.0))
        _name_axes(ax, NAMES, _panel.heading(history, "path"))
        ax.set(xlim=(-2, 2), ylim=(-2, 2), aspect="equal")

        def draw(i: int) -> None:
            path = history["path"][i]
            line.set_data(*path.T)
            end.set_data(*path[-1:].T)

        return draw

    return panel


@style.use()
def regions(labels: Mapping[str, ArrayLike], extent: Extent, names: Mapping[int, str]) -> Figure:
    """Regions of attraction: which limit each starting point reaches; a map per entry, two a row.

    Each map is (rows, cols) of whole numbers, row 0 at the bottom, and ``names`` says what they
    mean; ``extent`` = (left, right, bottom, top). Every class has a color and a hatch. Raises
    ValueError for a label that has no name.
    """
    figure, axes = style.grid(list(labels), 2, (4.3, 3.6) if len(labels) > 1 else (6.0, 5.0))
    looks: list[style.Look] = [
        {"facecolor": _REGIONS[k % 6], "hatch": style.HATCHES[k % 6], "label": name}
        for k, name in enumerate(names.values())
    ]
    for title, ax in axes.items():
        _map(ax, _places(labels[title], names), extent, looks)
        _name_axes(ax, NAMES, title)
        ax.label_outer()
    handles = [Patch(edgecolor=style.INK, linewidth=0.8, **look) for look in looks]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(names), 4))
    return figure


def _places(labels: ArrayLike, names: Mapping[int, str]) -> NDArray[Any]:
    """Each label's place among the ``names``."""
    grid = np.asarray(labels)
    missing = sorted(set(np.unique(grid).tolist()) - set(names))
    if grid.ndim != 2 or missing:
        raise ValueError(
            "labels must be (rows, cols) whole numbers, each with a name; got shape "
            f"{grid.shape} and no name for {missing}."
        )
    return np.select([grid == label for label in names], range(len(names)))


def _map(ax: Axes, places: NDArray[Any], extent: Extent, looks: Sequence[style.Look]) -> None:
    """A color for each place and, where it has one, a hatch."""
    grid: style.Look = {"origin": "lower", "extent": extent}
    colors = ListedColormap([look["facecolor"] for look in looks])
    ax.imshow(places, colors, interpolation="nearest", vmin=-0.5, vmax=len(looks) - 0.5, **grid)
    ax.set_aspect("auto")
    for k, look in enumerate(looks):
        if look["hatch"] and (places == k).any():
            hatch = {"colors": "none", "hatches": [look["hatch"]]}
            area = ax.contourf(places == k, levels=[0.5, 1.5], **hatch, **grid)
            area.set(edgecolor=style.INK, linewidth=0)
    ax.grid(False)

"""Games with two parameters: the vector field, the paths, the distance left, and the basins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.patches import Patch
from numpy.typing import ArrayLike, NDArray

from gan_teach.history import History
from gan_teach.plots import style
from gan_teach.plots._panel import (
    Draw,
    Line,
    Panel,
    divergence_mark,
    first_bad,
    legend_below,
    limits,
    lines_panel,
    record_index,
)

# cividis without its palest yellow, which is lost on white paper
_SPEED = ListedColormap(colormaps[style.FIELD](np.linspace(0.0, 0.86, 256)))
Field = tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike]


def break_jumps(path: ArrayLike, period: float | Sequence[float] | None) -> NDArray[np.float64]:
    """(T, 2) points with a row of NaN wherever a coordinate jumps by more than half its period.

    An angle that passes pi reappears at -pi; a line drawn through both would cross the whole torus.
    """
    points = np.array(path, dtype=float)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"a path must have shape (T, 2), got {points.shape}.")
    if period is None:
        return points
    with np.errstate(invalid="ignore"):
        jumps = (np.abs(np.diff(points, axis=0)) > np.asarray(period) / 2).any(axis=1)
    return np.insert(points, np.flatnonzero(jumps) + 1, np.nan, axis=0)


def vector_field(
    field: Field | None,
    trajectories: Mapping[str, ArrayLike] | None = None,
    ax: Axes | None = None,
    *,
    period: float | Sequence[float] | None = None,
    names: tuple[str, str] = ("x (player 1)", "y (player 2)"),
    equilibrium: ArrayLike | None = None,
    title: str = "",
) -> Axes:
    """Stream lines of a field, colored by speed, and paths that follow it (or fail to).

    ``field`` = (X, Y, U, V), each (rows, cols) on an even grid as ``numpy.meshgrid`` gives it.
    ``trajectories`` maps names to (T, 2) paths: a circle at the start, a star at the last finite
    point. ``period`` (one number, or one per axis) says that the coordinates are angles, so that a
    path is broken where it wraps around. ``equilibrium`` is (2,) or (k, 2) points, marked by rings.
    """
    ax = style.axes(ax, (6.6, 5.2))
    paths = {k: break_jumps(p, period) for k, p in (trajectories or {}).items()}
    with style.use():
        if field is not None:
            _streams(ax, field)
        else:
            ends = [limits(np.concatenate([p[:, k] for p in paths.values()])) for k in (0, 1)]
            ax.set(xlim=ends[0], ylim=ends[1])
        for k, (name, path) in enumerate(paths.items()):
            _path(ax, name, path, k)
        if equilibrium is not None:
            _rings(ax, equilibrium)
        ax.set(xlabel=names[0], ylabel=names[1])
        ax.set_title(title, loc="left")
        if ax.get_legend_handles_labels()[0]:
            legend_below(ax, cols=4)
    return ax


def _streams(ax: Axes, field: Field) -> None:
    x, y, u, v = (np.asarray(part, dtype=float) for part in field)
    speed = np.hypot(u, v)
    bad = ~np.isfinite(speed)
    u, v, speed = (np.ma.masked_array(part, bad) for part in (u, v, speed))
    # streamplot wants the axes as vectors
    drawn = ax.streamplot(
        x[0], y[:, 0], u, v, color=speed, cmap=_SPEED, density=1.1, linewidth=1.1, arrowsize=1.1
    )
    figure = ax.get_figure()
    assert figure is not None
    figure.colorbar(drawn.lines, ax=ax, label="speed |v|", shrink=0.85, pad=0.02)
    ax.set(xlim=(x.min(), x.max()), ylim=(y.min(), y.max()))
    ax.grid(False)


def _path(ax: Axes, name: str, path: NDArray[np.float64], k: int) -> None:
    color = style.LINES[(k + 1) % 6]
    good = path[np.isfinite(path).all(axis=1)]
    bad = first_bad(path)
    label = name if bad is None else f"{name} (diverged)"
    halo = {"color": "white", "linewidth": 3.2, "zorder": 3.4}
    ax.plot(path[:, 0], path[:, 1], **halo)
    ax.plot(
        path[:, 0], path[:, 1], color=color, linestyle=style.DASHES[k % 5], linewidth=1.7,
        label=label, zorder=3.5,
    )  # fmt: skip
    for point, marker, size in ((good[:1], "o", 8), (good[-1:], "*", 14)):
        ax.plot(
            point[:, 0], point[:, 1], marker, color=color, markersize=size, zorder=4,
            markeredgecolor="white", markeredgewidth=0.9,
        )  # fmt: skip


def _rings(ax: Axes, equilibrium: ArrayLike) -> None:
    points = np.asarray(equilibrium, dtype=float).reshape(-1, 2)
    ax.plot(
        points[:, 0], points[:, 1], "o", markersize=12, markerfacecolor="none", zorder=3.9,
        markeredgecolor=style.INK, markeredgewidth=1.8, label="equilibrium", clip_on=False,
    )  # fmt: skip


def vector_field_panel(
    field: Field | None,
    key: str = "params",
    columns: tuple[int, int] = (0, 1),
    *,
    period: float | Sequence[float] | None = None,
    names: tuple[str, str] = ("x (player 1)", "y (player 2)"),
) -> Panel:
    """A panel: the field, and on it the path of two columns of ``history[key]`` up to record i."""

    def panel(ax: Axes, history: History) -> Draw:
        path = np.asarray(history[key], dtype=float)[:, list(columns)]
        vector_field(field, None if field else {"": path}, ax, names=names)
        for line in ax.lines if field is None else ():
            line.set_visible(False)
        look = {"color": style.LINES[1], "zorder": 3.5}
        (line,) = ax.plot([], [], **look)
        (head,) = ax.plot([], [], "o", markersize=8, markeredgecolor="white", **look)
        mark = divergence_mark(ax, history, {"": first_bad(path)}, line=False)

        def draw(i: int) -> list[Artist]:
            i = record_index(history, i)
            line.set_data(*break_jumps(path[: i + 1], period).T)
            head.set_data(path[i : i + 1, 0], path[i : i + 1, 1])
            return [line, head, *mark(i)]

        return draw

    return panel


def distance(
    histories: History | Mapping[str, ArrayLike], ax: Axes | None = None, *, title: str = ""
) -> Axes:
    """Distance to the equilibrium on a logarithmic axis, where linear convergence is straight.

    Reads ``distance`` (T,) of a History, or takes a mapping of names to (T,) arrays with one entry
    per step. A distance of exactly 0 has no logarithm and ends its curve.
    """
    if isinstance(histories, History):
        history, keys = histories, {"": "distance"}
    else:
        arrays = {name: np.asarray(values, dtype=float) for name, values in histories.items()}
        shapes = {array.shape for array in arrays.values()}
        if len(shapes) != 1 or len(next(iter(shapes))) != 1:
            raise ValueError(f"distances must be (T,) arrays of one length, got shapes {shapes}.")
        history = History(range(next(iter(shapes))[0]), arrays)
        keys = {name: name for name in arrays}
    lines = [
        Line(history[key], name, style.LINES[k % 6], style.DASHES[k % 5], "osD^v"[k % 5])
        for k, (name, key) in enumerate(keys.items())
    ]
    ax = style.axes(ax)
    heading = title or "Distance to the equilibrium"
    with style.use():
        lines_panel(ax, history, lines, ylabel="distance", title=heading, log=True)(-1)
    return ax


def basins(
    labels: ArrayLike,
    extent: tuple[float, float, float, float],
    names: Mapping[int, str],
    ax: Axes | None = None,
    *,
    axis_names: tuple[str, str] = ("x (player 1)", "y (player 2)"),
    title: str = "Where each starting point ends",
) -> Axes:
    """Regions of attraction: which limit each starting point of a grid reaches.

    ``labels`` (rows, cols) holds whole numbers, row 0 at the bottom; ``names`` says what each one
    means (share of the grid is added); ``extent`` = (left, right, bottom, top). Every class has a
    color and a hatch. Raises ValueError when a label has no name.
    """
    grid = np.asarray(labels)
    missing = sorted(set(np.unique(grid).tolist()) - set(names))
    if grid.ndim != 2 or missing:
        raise ValueError(
            "labels must be (rows, cols) whole numbers, each with a name; got shape "
            f"{grid.shape} and no name for {missing}."
        )
    ax = style.axes(ax, (7.4, 5.2))
    order = {label: k for k, label in enumerate(names)}
    index = np.vectorize(order.__getitem__, otypes=[int])(grid)
    colors = [_BASIN_COLORS[k % len(_BASIN_COLORS)] for k in range(len(order))]
    with style.use():
        norm = BoundaryNorm(np.arange(len(order) + 1) - 0.5, len(order))
        look = {"cmap": ListedColormap(colors), "norm": norm, "interpolation": "nearest"}
        ax.imshow(index, origin="lower", extent=extent, aspect="auto", **look)
        for k in range(1, len(order)):
            _hatch(ax, index == k, extent, style.HATCHES[k % len(style.HATCHES)])
        handles = [
            Patch(
                facecolor=colors[k], edgecolor=style.INK, linewidth=0.8,
                hatch=style.HATCHES[k % len(style.HATCHES)],
                label=f"{names[label]} ({np.mean(index == k):.0%})",
            )
            for label, k in order.items()
        ]  # fmt: skip
        ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.02, 1.0), borderaxespad=0)
        ax.set(xlabel=axis_names[0], ylabel=axis_names[1])
        ax.set_title(title, loc="left")
        ax.grid(False)
    return ax


# Light enough for dark hatching and of distinct lightness, so that they also survive gray printing.
_BASIN_COLORS = ("#3f90da", "#ffd58a", "#d9dbdf", "#d98c7e", "#92dadd", "#8e6aa8")


def _hatch(ax: Axes, mask: NDArray[np.bool_], extent: tuple[float, ...], hatch: str) -> None:
    if not hatch or not mask.any():
        return
    left, right, bottom, top = extent
    rows, cols = mask.shape
    x = np.clip(np.arange(-0.5, cols + 1), 0, cols) * (right - left) / cols + left
    y = np.clip(np.arange(-0.5, rows + 1), 0, rows) * (top - bottom) / rows + bottom
    padded = np.pad(mask, 1, mode="edge").astype(float)  # so that the hatch reaches the border
    filled = ax.contourf(x, y, padded, levels=[0.5, 1.5], colors="none", hatches=[hatch])
    filled.set_edgecolor(style.INK)
    filled.set_linewidth(0)

"""Many planar games side by side, and one of a family at a time under a slider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import ArrayLike

from gan_teach.history import History
from gan_teach.plots import style
from gan_teach.plots._panel import Draw, Panel, heading, record_index
from gan_teach.plots.planar import _BASIN_COLORS, Field, _hatch, break_jumps
from gan_teach.plots.spectra import _stable_region

_SMALL = (3.1, 2.9)  # inches of one of many portraits


def portraits(
    fields: Mapping[str, Field],
    paths: Mapping[str, Mapping[str, ArrayLike] | ArrayLike],
    *,
    cols: int = 3,
    period: float | None = None,
    equilibrium: ArrayLike = (0.0, 0.0),
    names: tuple[str, str] = ("x (player 1)", "y (player 2)"),
) -> Figure:
    """One small phase portrait per entry of ``fields``: stream lines in gray, paths in color.

    ``paths`` holds for the same names a (T, 2) path, or a mapping of several; a circle is a start,
    a star the end. ``equilibrium`` is (2,) or (k, 2) points, marked by rings. Paths may leave the
    frame, which the field sets. Raises ValueError where the names differ.
    """
    if set(fields) != set(paths):
        raise ValueError(f"fields has {list(fields)}, but paths has {list(paths)}.")
    figure, axes = _grid(list(fields), cols, _SMALL)
    rings = np.asarray(equilibrium, dtype=float).reshape(-1, 2)
    with style.use():
        for name, ax in axes.items():
            _portrait(ax, fields[name])
            own = paths[name]
            several = own if isinstance(own, Mapping) else {"": own}
            for k, path in enumerate(several.values()):
                _way(ax, break_jumps(path, period), k)
            ring: dict[str, Any] = {"markersize": 9, "fillstyle": "none", "clip_on": False}
            ax.plot(*rings.T, "o", color=style.INK, zorder=3.9, **ring)
            ax.set(xlabel=names[0], ylabel=names[1])
            ax.set_title(name, loc="left", fontsize=11)
            ax.label_outer()
    return figure


def _grid(names: list[str], cols: int, size: tuple[float, float]) -> tuple[Figure, dict[str, Axes]]:
    """Axes for each name, ``cols`` in a row; the last row is filled up with nothing."""
    rows = -(-len(names) // cols)
    filled: list[Any] = [*names, *["."] * (rows * cols - len(names))]
    layout = [filled[r * cols : (r + 1) * cols] for r in range(rows)]
    figure, axes = style.mosaic(layout, (size[0] * cols, size[1] * rows))
    if "." in axes:
        axes.pop(".").remove()
    return figure, axes


def _portrait(ax: Axes, field: Field) -> None:
    x, y, u, v = (np.asarray(part, dtype=float) for part in field)
    look: dict[str, Any] = {"density": 0.7, "linewidth": 0.7, "arrowsize": 0.8}
    ax.streamplot(x[0], y[:, 0], u, v, color=style.PALETTE[3], **look)
    ax.set(xlim=(x.min(), x.max()), ylim=(y.min(), y.max()))
    ax.grid(False)


def _way(ax: Axes, path: Any, k: int) -> None:
    color = style.LINES[(k + 1) % 6]
    ax.plot(*path.T, color=color, linestyle=style.DASHES[k % 5], linewidth=1.4, zorder=3.5)
    good = path[np.isfinite(path).all(axis=1)]
    for point, marker, size in ((good[:1], "o", 6), (good[-1:], "*", 12)):
        ax.plot(
            *point.T, marker, color=color, markersize=size, markeredgecolor="white",
            markeredgewidth=0.7, zorder=4,
        )  # fmt: skip


def path_panel(
    key: str = "path",
    *,
    reach: float = 2.0,
    names: tuple[str, str] = ("x (player 1)", "y (player 2)"),
) -> Panel:
    """A panel: record i is a whole path, ``history[key][i]`` (T, 2), around the point (0, 0)."""

    def panel(ax: Axes, history: History) -> Draw:
        (line,) = ax.plot([], [], color=style.LINES[1], linewidth=1.6)
        (end,) = ax.plot([], [], "*", color=style.LINES[1], markersize=13, markeredgecolor="white")
        ax.plot(0, 0, "o", color=style.INK, markersize=11, fillstyle="none")
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel=names[0], ylabel=names[1])
        ax.set_aspect("equal")
        ax.set_title(heading(history, "path"), loc="left")

        def draw(i: int) -> list[Artist]:
            path = np.asarray(history[key][record_index(history, i)], dtype=float)
            line.set_data(*path.T)
            end.set_data(*path[-1:].T)
            return [line, end]

        return draw

    return panel


def plane_panel(
    key: str = "eigenvalues",
    *,
    unit_disc: bool = False,
    title: str = "",
    view: tuple[float, float, float, float] | None = None,
) -> Panel:
    """A panel: record i's eigenvalues, ``history[key][i]`` (n,) complex, over those of all records.

    The stable region is shaded as in ``plane``; ``view`` = (left, right, bottom, top) shows a part.
    """

    def panel(ax: Axes, history: History) -> Draw:
        values = np.asarray(history[key], dtype=complex)
        _stable_region(ax, values[np.isfinite(values)], unit_disc)
        if view is not None:
            ax.set(xlim=view[:2], ylim=view[2:])
        ax.plot(np.real(values), np.imag(values), ".", color=style.PALETTE[3], markersize=4)
        (dots,) = ax.plot([], [], "o", color=style.LINES[2], markersize=9, markeredgecolor="white")
        ax.set(xlabel="real part", ylabel="imaginary part")
        ax.set_title(title or "Eigenvalues, stable where shaded", loc="left")

        def draw(i: int) -> list[Artist]:
            here = values[record_index(history, i)]
            dots.set_data(np.real(here), np.imag(here))
            return [dots]

        return draw

    return panel


def regions(
    labels: Mapping[str, ArrayLike],
    extent: tuple[float, float, float, float],
    names: Mapping[int, str],
    *,
    cols: int = 2,
    axis_names: tuple[str, str] = ("x (player 1)", "y (player 2)"),
) -> Figure:
    """Maps of regions of attraction side by side, one per entry, under one legend.

    Each map is (rows, columns) of whole numbers as in ``basins``; ``names`` says what they mean.
    Raises ValueError for a label that has no name.
    """
    figure, axes = _grid(list(labels), cols, (4.3, 3.6))
    with style.use():
        for title, ax in axes.items():
            index = _indices(labels[title], names)
            _map(ax, index, extent, len(names))
            for k in range(1, len(names)):
                _hatch(ax, index == k, extent, style.HATCHES[k % len(style.HATCHES)])
            ax.set(xlabel=axis_names[0], ylabel=axis_names[1])
            ax.set_title(title, loc="left")
            ax.label_outer()
        figure.legend(handles=_patches(names), loc="outside lower center", ncols=min(len(names), 4))
    return figure


def _indices(labels: ArrayLike, names: Mapping[int, str]) -> Any:
    """Labels as their places among ``names``."""
    grid = np.asarray(labels)
    missing = sorted(set(np.unique(grid).tolist()) - set(names))
    if missing:
        raise ValueError(f"every label needs a name; there is none for {missing}.")
    order = {label: k for k, label in enumerate(names)}
    return np.vectorize(order.__getitem__, otypes=[int])(grid)


def _map(ax: Axes, index: Any, extent: tuple[float, float, float, float], count: int) -> Any:
    colors = [_BASIN_COLORS[k % len(_BASIN_COLORS)] for k in range(count)]
    norm = BoundaryNorm(np.arange(count + 1) - 0.5, count)
    look: dict[str, Any] = {"cmap": ListedColormap(colors), "interpolation": "nearest"}
    ax.grid(False)
    return ax.imshow(index, origin="lower", extent=extent, aspect="auto", norm=norm, **look)


def _patches(names: Mapping[int, str]) -> list[Patch]:
    return [
        Patch(
            facecolor=_BASIN_COLORS[k % len(_BASIN_COLORS)], edgecolor=style.INK, linewidth=0.8,
            hatch=style.HATCHES[k % len(style.HATCHES)], label=name,
        )
        for k, name in enumerate(names.values())
    ]  # fmt: skip

"""Planes: the field, the paths and the basins of games with two parameters, and eigenvalues."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Patch
from numpy.typing import ArrayLike, NDArray

from gan_teach.history import History
from gan_teach.plots import _panel, style

Field = tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike]
Extent = tuple[float, float, float, float]
_FAR = -1e6  # beyond every limit of an axis
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
    trajectories: _panel.Curves | None = None,
    ax: Axes | None = None,
    *,
    names: tuple[str, str] = NAMES,
    equilibrium: ArrayLike = (),
    title: str = "",
) -> Axes:
    """Stream lines of a field, colored by speed, and paths that follow it (or fail to).

    ``field`` = (X, Y, U, V), each (rows, cols) on an even grid as ``numpy.meshgrid`` gives it.
    ``trajectories`` maps names to (T, 2) paths: a circle at the start, a star at the last finite
    point. Several have the colors that curves of these names have in ``compare``.
    ``equilibrium`` is (2,) or (k, 2) points, marked by rings.
    Raises ValueError for a path of another shape.
    """
    ax = style.axes(ax, (6.6, 5.2))
    paths = {_panel.fate(name, path): path for name, path in (trajectories or {}).items()}
    _portrait(ax, paths, equilibrium, names, title, first=int(len(paths) == 1))
    if field is None:
        x, y = np.concatenate(list(paths.values())).T
        ax.set(xlim=_panel.limits(x), ylim=_panel.limits(y))
    else:
        speed = np.ma.masked_invalid(np.hypot(*np.asarray(field[2:], dtype=float)))
        lines = _streams(ax, field, color=speed, cmap=_SPEED, density=1.1, linewidth=1.1)
        bar = {"label": "speed |v|", "shrink": 0.85, "pad": 0.02}
        style.figure_of(ax).colorbar(lines, ax=ax, **bar)
    if ax.get_legend_handles_labels()[0]:
        _panel.legend_below(ax, cols=4)
    return ax


@style.use()
def portraits(
    fields: Mapping[str, Field],
    paths: Mapping[str, _panel.Curves | ArrayLike],
    *,
    cols: int = 3,
    period: float | None = None,
    equilibrium: ArrayLike = (0.0, 0.0),
    names: tuple[str, str] = NAMES,
) -> Figure:
    """One small phase portrait per entry of ``fields``: stream lines in gray, paths in color.

    ``paths`` holds for the same names a (T, 2) path, or a mapping of several; a circle is a start,
    a star the end. ``equilibrium`` is (2,) or (k, 2) points, marked by rings. Paths may leave the
    frame, which the field sets. A coordinate with a ``period`` may jump by it.
    """
    figure, axes = style.grid(list(fields), cols, (3.1, 2.9))
    for name, ax in axes.items():
        own: Any = paths[name]
        several = own if isinstance(own, Mapping) else {"": own}
        broken = {key: break_jumps(path, period) for key, path in several.items()}
        _portrait(ax, broken, equilibrium, names, name)
        gray = {"color": style.PALETTE[3], "density": 0.7, "linewidth": 0.7, "arrowsize": 0.8}
        _streams(ax, fields[name], **gray)
        ax.label_outer()
    return figure


def _streams(ax: Axes, field: Field, **look: Any) -> Any:
    """Stream lines, left out where the field is not finite; the axes show its grid, no more."""
    x, y, u, v = np.ma.masked_invalid(np.asarray(field, dtype=float))
    ax.grid(False)
    lines = ax.streamplot(x[0].data, y[:, 0].data, u, v, **look).lines  # it wants vectors
    ax.set(xlim=(x.min(), x.max()), ylim=(y.min(), y.max()))
    return lines


def _portrait(
    ax: Axes, paths: _panel.Curves, equilibrium: ArrayLike, names: tuple[str, str], title: str,
    first: int = 1,
) -> None:  # fmt: skip
    """Lines from a circle at their first to a star at their last finite point, rings, names."""
    edge: style.Look = {"markeredgecolor": "white", "markeredgewidth": 0.8, "zorder": 4}
    for k, (name, values) in enumerate(paths.items()):
        path = _panel.shaped("a path", values, "(T, 2)")
        color, finite = style.LINES[(k + first) % 6], path[np.isfinite(path).all(axis=1)]
        look = style.look(k, color=color, label=name, zorder=3.5, path_effects=style.HALO)
        ax.plot(*path.T, linewidth=1.6, **look)
        ax.plot(*finite[:1].T, "o", color=color, markersize=7, **edge)
        ax.plot(*finite[-1:].T, "*", color=color, markersize=13, **edge)
    points = np.asarray(equilibrium, dtype=float).reshape(-1, 2)
    if len(points):
        look = style.ring(markersize=11, markeredgewidth=1.6, zorder=3.9)
        ax.plot(*points.T, label="equilibrium", clip_on=False, **look)
    ax.set(xlabel=names[0], ylabel=names[1], title=title)


def path_panel(names: tuple[str, str] = NAMES) -> _panel.Panel:
    """A panel: record i is a whole path, ``history["path"][i]`` (T, 2), around the point (0, 0);
    ``names`` of the axes."""

    def panel(ax: Axes, history: History) -> _panel.Draw:
        _portrait(ax, {}, (0.0, 0.0), names, _panel.heading(history, "path"))
        (line,) = ax.plot([], [], color=style.LINES[1], linewidth=1.6)
        (end,) = ax.plot([], [], "*", color=style.LINES[1], markersize=13, markeredgecolor="white")
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
    figure, axes = style.grid(list(labels), 2, (3.9, 3.6) if len(labels) > 1 else (6.0, 5.0))
    shared: style.Look = {"origin": "lower", "extent": extent}
    looks: list[style.Look] = [
        {"facecolor": _REGIONS[k % 6], "hatch": style.HATCHES[k % 6], "label": name}
        for k, name in enumerate(names.values())
    ]
    colors: style.Look = {"cmap": ListedColormap([look["facecolor"] for look in looks])}
    colors |= {"vmin": -0.5, "vmax": len(looks) - 0.5, "interpolation": "nearest"}
    for title, ax in axes.items():
        places = _places(labels[title], names)
        ax.imshow(places, aspect="equal", **colors, **shared)
        for k, look in enumerate(looks):
            if look["hatch"] and (places == k).any():
                hatch: style.Look = {"colors": "none", "hatches": [look["hatch"]], **shared}
                area = ax.contourf(places == k, levels=[0.5, 1.5], **hatch)
                area.set(edgecolor=style.INK, linewidth=0)
        ax.set(xlabel=NAMES[0], ylabel=NAMES[1], title=title)
        ax.grid(False)
        ax.label_outer()
    handles = [Patch(edgecolor=style.INK, linewidth=0.8, **look) for look in looks]
    figure.legend(handles=handles, loc="outside lower center", ncols=4)
    return figure


def _places(labels: ArrayLike, names: Mapping[int, str]) -> NDArray[Any]:
    """Each label's place among the ``names``."""
    grid = np.asarray(labels)
    places = np.select([grid == label for label in names], range(len(names)), -1)
    missing = np.unique(grid[places < 0]).tolist()
    if missing:
        raise ValueError(f"each label needs a name, but there is no name for {missing}.")
    return places


# -- eigenvalues ---------------------------------------------------------------------------------


@style.use()
def plane(eigs: _panel.Curves, *, unit_disc: bool = False, title: str = "Eigenvalues") -> Axes:
    """Complex eigenvalues, with the region in which an equilibrium is stable shaded.

    For the Jacobian J of v the region is Re < 0 (flow and small steps); with ``unit_disc=True``,
    for the eigenvalues of one update, 1 + lr J and its like, it is the inside of the unit circle.
    ``eigs`` maps names to arrays (n,), each with its marker. Values that are
    not finite are left out and counted beside the title.
    """
    arrays: dict[str, Any] = {k: np.ravel(e).astype(complex) for k, e in eigs.items()}
    values = np.concatenate(list(arrays.values()))
    ax = style.axes(None, (5.6, 5.0))
    _stable_region(ax, values, unit_disc, title)
    for k, (name, e) in enumerate(arrays.items()):
        ax.plot(e.real, e.imag, **style.marks(k, markersize=8, label=name, zorder=3))
    lost = np.count_nonzero(~np.isfinite(values))
    if lost:
        _panel.warn(ax, f"{lost} of {len(values)} not finite")
    _panel.legend_below(ax, cols=2)
    return ax


def plane_panel(
    *, view: tuple[float, float, float, float], unit_disc: bool = False, title: str = "Eigenvalues"
) -> _panel.Panel:
    """A panel: the eigenvalues ``history["eigenvalues"][i]`` (n,), over those of all records.

    The stable region is shaded as in ``plane``; ``view`` = (left, right, bottom, top) is shown.
    """

    def panel(ax: Axes, history: History) -> _panel.Draw:
        values: Any = history["eigenvalues"]
        _stable_region(ax, values.ravel(), unit_disc, title)
        ax.set(xlim=view[:2], ylim=view[2:])
        ax.plot(values.real, values.imag, ".", color=style.PALETTE[3], markersize=4)
        (dots,) = ax.plot([], [], "o", color=style.LINES[2], markersize=9, markeredgecolor="white")

        def draw(i: int) -> None:
            here = values[i]
            dots.set_data(here.real, here.imag)

        return draw

    return panel


def _stable_region(ax: Axes, values: NDArray[Any], unit_disc: bool, title: str) -> None:
    """Square limits around all eigenvalues, the axes through 0, and the shaded stable region."""
    ends = [0j, 1 + 1j, -1 - 1j] if unit_disc else [0j]
    corners: Any = np.append(ends, values[np.isfinite(values)])
    _panel.square(ax, [corners.real, corners.imag])
    look = style.band(style.PALETTE[9], 0.35, zorder=0.5)
    if unit_disc:
        ax.add_patch(Circle((0, 0), 1.0, label="stable: inside the unit circle", **look))
        ax.add_patch(Circle((0, 0), 1.0, fill=False, zorder=1.6, **style.PREDICTED))
    else:
        ax.axvspan(_FAR, 0, label="stable: real part < 0", **look)
    ax.axhline(0, **style.ZERO)
    ax.axvline(0, **style.ZERO)
    ax.set(xlabel="real part", ylabel="imaginary part", title=title)


@style.use()
def eigenvalue_sweep(
    taus: ArrayLike, eigs: ArrayLike, tau_star: float | None = None, *, title: str = ""
) -> Figure:
    """Real and imaginary parts of the eigenvalues over tau = lr_D / lr_G.

    ``taus`` is (T,), and ``eigs`` (T, n) complex with a branch in each column, as
    ``stability_sweep`` gives them. The side on which a real part is negative is shaded, and a
    finite ``tau_star`` marked: for every larger tau the equilibrium is stable (Fiez & Ratliff 2021,
    "Local convergence analysis of gradient descent ascent with finite timescale separation").
    Branches have dashes of their own; a conjugate pair, whose real parts coincide, shows as one
    dash over the other.
    """
    taus = np.asarray(taus, dtype=float)
    figure, axes = style.mosaic([["real part", "imaginary part"]], (10.5, 4.2))
    parts = [np.real(eigs), np.imag(eigs)]
    for (name, ax), values in zip(axes.items(), parts, strict=True):
        for k, branch in enumerate(values.T):
            # later branches are narrower: both of a pair are seen
            width = 3.4 - 2.0 * k / max(values.shape[1] - 1, 1)
            ax.plot(taus, branch, linewidth=width, label=f"branch {k + 1}", **style.look(k))
        ax.axhline(0, **style.ZERO)
        if tau_star is not None and np.isfinite(tau_star):
            ax.axvline(tau_star, label=f"τ* = {tau_star:.3g}", **style.PREDICTED)
        ax.set(xlabel="τ = learning rate of D / of G", ylabel=name, xlim=(taus.min(), taus.max()))
        ax.set(title="Rotation", ylim=ax.get_ylim())
    real = axes["real part"]
    real.set_title(title or "Stable where every real part is negative")
    real.axhspan(_FAR, 0, **style.band(style.PALETTE[9], 0.3, zorder=0.5))
    figure.legend(*real.get_legend_handles_labels(), loc="outside lower center", ncols=8)
    return figure

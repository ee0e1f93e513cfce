"""Real and generated samples on the line and in the plane, with the discriminator between them."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from gan_teach.history import History
from gan_teach.plots import _panel, style
from gan_teach.plots.curves import gradients_panel, objective_panel

LATENT_RAIL = -0.5  # the height at which latents are drawn; samples lie at 0
MOST_ARROWS = 40  # more hide each other
MOST_POINTS = 2000  # more do not show more
_FEWER_POINTS = 1000  # in one of many small panels
_TINY = 1e-3  # slopes below are drawn as this
_SMALL_CROSSES = style.fake(markersize=3.5, markeredgewidth=0.8)

# -- on the line -----------------------------------------------------------------------------------


def picture_panel(ax: Axes, history: History) -> _panel.Draw:
    """The tutorial's picture: latents, arrows, samples, the density, D and D*.

    On the lower rail the fixed latents z; an arrow takes each one to G(z) on the rail at 0
    (crosses), where the real points lie too (filled circles). Above them the true density, the
    discriminator D(x) and, dashed, the best answer to this generator, D*(x) = p(x) / (p(x) + q(x))
    (Goodfellow et al. 2014, Proposition 1). Reads ``fake``, ``d_grid``, ``d_star`` and the
    constants ``grid``, ``latent``, ``real``, ``real_density``; all but ``fake`` may be absent.
    """
    left, right = _view(history)
    ax.set(xlim=(left, right), ylim=(-0.64, 1.1), xlabel="x (upper rail) and z (lower rail)")
    ax.set_yticks([0, 0.5, 1], ["0", "1/2", "1"])
    ax.set_ylabel("D(x), density", y=0.69)
    ax.grid(False)
    _still(ax, history.static)
    move = _moving(ax, history)
    _panel.legend_below(ax, cols=3)
    title, note = ax.set_title("", loc="left"), _panel.note(ax, history, history["fake"])

    def draw(i: int) -> None:
        move(i)
        moment = _panel.moment(history, i)
        if "objective" in history and np.isfinite(history["objective"][i]):
            moment += f", V = {history['objective'][i]:.3f}".replace("-", "−")
        title.set_text(_panel.heading(history, moment))
        fake = history["fake"][i]
        outside = np.count_nonzero((fake < left) | (fake > right))
        text = f"{outside} of {fake.size} generated points lie outside the picture"
        note(i, text if outside else "")

    return draw


def _still(ax: Axes, static: Mapping[str, NDArray[Any]]) -> None:
    """What does not move: the two rails, the true density and the real points."""
    for height in (0.0, LATENT_RAIL):
        ax.axhline(height, color=style.INK, linewidth=0.8, zorder=1)
    if "real_density" in static:
        scale = max(1.0, float(np.max(static["real_density"])))  # D lives in [0, 1]
        label = "true density" if scale == 1 else f"true density / {scale:.2g}"
        grid, density = static["grid"], static["real_density"] / scale
        ax.fill_between(grid, density, **style.band(style.REAL, 0.16, zorder=1))
        ax.plot(grid, density, color=style.REAL, linewidth=1.4, label=label)
    if "real" in static:
        real = _few(static["real"].ravel())
        look = style.real(markersize=9, markeredgecolor="white", markeredgewidth=0.6, zorder=3)
        ax.plot(real, 0 * real, label="real points x", **look)


def _moving(ax: Axes, history: History) -> _panel.Draw:
    """The latents, the arrows from them to the generated points, and both answers of D."""
    fake = np.ma.masked_invalid(_few(history["fake"].reshape(len(history), -1)))
    arrows: Any = None
    if "latent" in history.static:
        latent = _few(history.static["latent"].ravel())
        low = np.full(len(latent), LATENT_RAIL)
        bars = {"color": style.LATENT, "markersize": 11, "markeredgewidth": 1.8, "zorder": 3}
        ax.plot(latent, low, style.LATENT_MARKER, label="latent points z", **bars)
        head = {"width": 0.0024, "headwidth": 6, "headlength": 9, "headaxislength": 8}
        units = {"angles": "xy", "scale_units": "xy", "scale": 1}
        look = {"color": style.LATENT, "alpha": 0.6, "zorder": 2}
        arrows = ax.quiver(latent, low, 0 * low, 0 * low, **units, **head, **look)
    look = style.fake(markersize=7, markeredgewidth=2.0, zorder=4)
    (crosses,) = ax.plot([], [], label="generated points G(z)", **look)
    best = style.PREDICTED | {"label": "best answer D*(x)", "linewidth": 1.5}
    answer = {"label": "discriminator D(x)", "color": style.DISCRIMINATOR, "linewidth": 2.2}
    looks = {"d_star": best, "d_grid": answer}
    curves = {key: ax.plot([], [], **look)[0] for key, look in looks.items() if key in history}

    def draw(i: int) -> None:
        crosses.set_data(fake[i], 0 * fake[i])
        if arrows is not None:
            arrows.set_UVC(fake[i] - arrows.X, -arrows.Y)
        for key, curve in curves.items():
            curve.set_data(history.static["grid"], history[key][i])

    return draw


def _view(history: History) -> tuple[float, float]:
    """The data's range, widened for generated points by at most its own width on either side."""
    constants = [
        history.static[k].ravel() for k in ("grid", "real", "latent") if k in history.static
    ]
    fake = history["fake"][np.isfinite(history["fake"])]
    base = np.concatenate(constants or [fake])
    low, high = float(base.min()), float(base.max())
    width = (high - low) or 1.0
    reach = np.clip(fake, low - width, high + width)
    left, right = np.quantile(reach, [0.02, 0.98]) if reach.size else (low, high)
    return min(low, left) - 0.02 * width, max(high, right) + 0.02 * width


def _few(points: NDArray[Any]) -> NDArray[Any]:
    """At most ``MOST_ARROWS`` entries of the last axis, evenly spread."""
    n = points.shape[-1]
    return points[..., np.unique(np.linspace(0, n - 1, min(n, MOST_ARROWS)).round().astype(int))]


@style.use()
def densities(arrays: Mapping[str, ArrayLike], ax: Axes | None = None, *, title: str = "") -> Axes:
    """Smoothed densities of samples on the line, each name with a color and a dash of its own.

    Gaussian kernel estimates with Scott's bandwidth. The names "real" and "generated" get their
    usual colors. Entries that are not finite are left out; a set whose entries are all equal has no
    density and becomes a vertical line. Needs seaborn (the ``course`` extra).
    """
    import seaborn

    ax = style.axes(ax)
    usual = {"real": {"color": style.REAL}, "generated": {"color": style.FAKE}}
    for k, (name, values) in enumerate(arrays.items()):
        flat = np.ravel(values).astype(float)
        flat = flat[np.isfinite(flat)]
        look = style.look(k, label=name, **usual.get(name, {}))
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


# -- in the plane ----------------------------------------------------------------------------------


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
    hint = "Only points in the plane: draw those on the line with plots.picture_panel."
    fake = _panel.shaped("fake", history["fake"], "(T, n, 2)", hint)[:, :MOST_POINTS]
    real = history.static.get("real", np.empty((0, 2)))[:MOST_POINTS]
    look = style.fake(markersize=5, markeredgewidth=1.3, zorder=3)
    field: Any = None
    if "d_field" in history:  # pale, so that the points stay visible
        field = _score_map(ax, history["d_field"][0], history.static["field_extent"], alpha=0.45)
        _score_bar(ax, field)
        look["path_effects"] = style.HALO
    else:
        shown = real if len(real) else fake.reshape(-1, 2)
        _panel.square(ax, [_panel.limits(column) for column in shown.T])
    ax.plot(*real.T, label="real points x", **style.real(markersize=4, alpha=0.6, zorder=2))
    if "modes" in history.static:
        ring = style.ring(markersize=13, markeredgewidth=1.2, zorder=4)
        ax.plot(*history.static["modes"].T, label="modes", **ring)
    (crosses,) = ax.plot([], [], label="generated points G(z)", **look)
    ax.set_aspect("equal")
    ax.grid(False)
    _panel.legend_below(ax, cols=3, points=26)
    title, note = ax.set_title("", loc="left"), _panel.note(ax, history, fake)

    def draw(i: int) -> None:
        crosses.set_data(*fake[i].T)
        if field is not None:
            field.set_data(history["d_field"][i])
        title.set_text(_panel.heading(history, _panel.moment(history, i)))
        note(i, _panel.left_out(ax, fake[i]))

    return draw


def _score_map(ax: Axes, score: ArrayLike, extent: Any, alpha: float) -> Any:
    look: style.Look = {"cmap": style.SIGNED, "vmin": 0.0, "vmax": 1.0, "alpha": alpha}
    image = ax.imshow(np.asarray(score), origin="lower", extent=extent, zorder=0, **look)
    ax.set(xlim=extent[:2], ylim=extent[2:])
    return image


def _score_bar(ax: Axes, image: Any) -> None:
    bar = style.figure_of(ax).colorbar(image, ax=ax, label="D(x)", shrink=0.85, pad=0.02)
    bar.set_ticks([0, 0.5, 1], labels=["0", "1/2", "1"])


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
    to a line below its title. A set named "real" is drawn as real points are. Raises ValueError
    for points that are not in the plane.
    """
    below = _panel.shaped("real", real, "(n, 2)")
    margin = 0.08 * np.ptp(below, axis=0).max()
    (left, bottom), (right, top) = below.min(0) - margin, below.max(0) + margin
    figure, axes = style.grid(list(samples), columns, (2.75, 3.1))
    for name, ax in axes.items():
        points = _panel.shaped(f"the set {name!r}", samples[name], "(n, 2)")[:_FEWER_POINTS]
        if name == "real":
            ax.plot(*points.T, **style.real(markersize=3.5, alpha=0.6))
        else:
            pale = style.real(markersize=3.5, alpha=0.3, zorder=1.5)
            ax.plot(*below[:_FEWER_POINTS].T, **pale)
            ax.plot(*points.T, **_SMALL_CROSSES)
        ax.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")
        title = [name, (notes or {}).get(name), _panel.left_out(ax, points)]
        ax.set_title("\n".join(filter(None, title)), fontsize=10.5)
        ax.grid(False)
    return figure


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
    generated points (n, 2), drawn as crosses; the line where the slope is 1 is dashed.
    """
    n, dots = len(scores), style.real(markersize=2, alpha=0.6)
    steep = {name: np.maximum(slopes[name], _TINY) for name in scores}
    norm = LogNorm(0.01, max(np.quantile(list(steep.values()), 0.995), 3.0))
    layout = [f"{row} {name}" for row in ("D", "slope") for name in scores]
    figure, axes = style.grid(layout, n, (2.3 + 0.9 / n, 2.55))
    for name in scores:
        above, below = axes[f"D {name}"], axes[f"slope {name}"]
        score = _score_map(above, scores[name], extent, alpha=0.6)
        above.plot(*np.transpose(real), **dots)
        above.plot(*np.transpose(fake[name]), **_SMALL_CROSSES)
        title = [name, _panel.left_out(above, np.asarray(fake[name]))]
        above.set_title("\n".join(filter(None, title)), fontsize=11)
        shown: style.Look = {"origin": "lower", "extent": extent}
        slope = below.imshow(steep[name], cmap=style.FIELD, norm=norm, **shown)
        below.plot(*np.transpose(real), **{**dots, "color": "white"})
        if steep[name].min() < 1 < steep[name].max():
            line: style.Look = {"colors": "white", "linestyles": "--", "linewidths": 1.1}
            below.contour(steep[name], levels=[1.0], extent=extent, **line)
    for ax in axes.values():
        ax.set(xlim=extent[:2], ylim=extent[2:], aspect="equal")
        ax.grid(False)
        ax.label_outer()
    _score_bar(above, score)
    figure.colorbar(slope, ax=below, shrink=0.85, pad=0.02, format="{x:g}", label="slope |∇f|")
    return figure


# -- a run at a glance -----------------------------------------------------------------------------


def summary(history: History, i: int = -1) -> Figure:
    """Four panels of one run: the picture, the objective and each player's gradient norm."""
    d, g = (partial(gradients_panel, player=name) for name in ("discriminator", "generator"))
    figure, draw = _panel.stage(history, (picture_panel, objective_panel, d, g))
    draw(i)
    return figure

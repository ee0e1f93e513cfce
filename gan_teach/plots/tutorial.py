"""Pictures of the one-dimensional tutorial: the two rails, and curves beside their theory."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from gan_teach.history import History
from gan_teach.plots import style
from gan_teach.plots._panel import (
    Draw,
    Level,
    Line,
    divergence_sentence,
    first_bad,
    heading,
    legend_below,
    lines_panel,
    note,
    plot,
    record_index,
    unit,
)
from gan_teach.plots._stage import stage

RAIL, LATENT_RAIL = 0.0, -0.5  # heights at which samples and latents are drawn
MOST_POINTS = 40  # more arrows than this hide each other


def picture(history: History, i: int = -1, ax: Axes | None = None) -> Axes:
    """The tutorial's picture of record ``i``: latents, arrows, samples, the density, D and D*.

    On the lower rail the fixed latents z; an arrow takes each one to G(z) on the rail at 0
    (crosses), where the real points lie too (filled circles). Above them the true density, the
    discriminator D(x) and, dashed, the best answer to this generator, D*(x) = p(x) / (p(x) + q(x))
    (Goodfellow et al. 2014, Proposition 1). Reads ``fake``, ``d_grid``, ``d_star`` and the
    constants ``grid``, ``latent``, ``real``, ``real_density``; all but ``fake`` may be absent.
    """
    return plot(picture_panel, history, i, style.axes(ax, (7.0, 4.6)))


def picture_panel(ax: Axes, history: History) -> Draw:
    """The panel behind ``picture``."""
    view = _view(history)
    _set_the_scene(ax, history, view)
    samples = _samples(ax, history)
    curves = _curves(ax, history)
    title, hint = ax.set_title("", loc="left"), note(ax)
    bad = first_bad(history["fake"])
    legend_below(ax, cols=3)

    def draw(i: int) -> list[Artist]:
        i = record_index(history, i)
        artists = samples(i)
        for curve, values in curves:
            curve.set_data(history.static["grid"], values[i])
            artists.append(curve)
        title.set_text(_title(history, i))
        text = _hint(history, i, view, bad)
        hint.set_text(text)
        hint.set_visible(bool(text))
        return [*artists, hint, title]

    return draw


def _set_the_scene(ax: Axes, history: History, view: tuple[float, float]) -> None:
    ax.set(xlim=view, ylim=(-0.64, 1.1), xlabel="x (upper rail) and z (lower rail)")
    ax.set_yticks([0, 0.5, 1], ["0", "1/2", "1"])
    ax.set_ylabel("D(x), density", y=0.69)
    ax.grid(False)
    for height in (RAIL, LATENT_RAIL):
        ax.axhline(height, color=style.INK, linewidth=0.8, zorder=1)
    if "real_density" in history.static:
        grid, density = history.static["grid"], history.static["real_density"]
        scale = max(1.0, float(np.max(density)))  # D lives in [0, 1]; a narrow density is shrunk
        label = "true density" if scale == 1 else f"true density / {scale:.2g}"
        ax.fill_between(grid, density / scale, color=style.REAL, alpha=0.16, linewidth=0, zorder=1)
        ax.plot(grid, density / scale, color=style.REAL, linewidth=1.4, label=label)
    if "real" in history.static:
        real = history.static["real"].ravel()
        real = real[_spread(len(real))]
        ax.plot(
            real, np.full(len(real), RAIL), style.REAL_MARKER, color=style.REAL, markersize=9,
            markeredgecolor="white", markeredgewidth=0.6, label="real points x", zorder=3,
        )  # fmt: skip


def _samples(ax: Axes, history: History) -> Draw:
    fake = history["fake"].reshape(len(history), -1)
    chosen = _spread(fake.shape[1])
    fake = np.ma.masked_invalid(fake[:, chosen])
    artists: list[Artist] = []
    arrows: Any = None
    if "latent" in history.static:
        latent = history.static["latent"].ravel()[chosen]
        (ticks,) = ax.plot(
            latent, np.full(len(latent), LATENT_RAIL), style.LATENT_MARKER, color=style.LATENT,
            markersize=11, markeredgewidth=1.8, label="latent points z", zorder=3,
        )  # fmt: skip
        arrows = ax.quiver(
            latent, np.full(len(latent), LATENT_RAIL), np.zeros(len(latent)), np.zeros(len(latent)),
            angles="xy", scale_units="xy", scale=1, color=style.LATENT, alpha=0.6, width=0.0024,
            headwidth=6, headlength=9, headaxislength=8, zorder=2,
        )  # fmt: skip
        artists = [arrows, ticks]
    (crosses,) = ax.plot(
        [], [], style.FAKE_MARKER, color=style.FAKE, markersize=7, markeredgewidth=2.0,
        label="generated points G(z)", zorder=4,
    )  # fmt: skip

    def draw(i: int) -> list[Artist]:
        crosses.set_data(fake[i], np.full(fake.shape[1], RAIL))
        if arrows is not None:
            up = np.full(fake.shape[1], RAIL - LATENT_RAIL)
            arrows.set_UVC(fake[i] - arrows.X, up)
        return [*artists, crosses]

    return draw


def _curves(ax: Axes, history: History) -> list[tuple[Any, NDArray[Any]]]:
    looks = {
        "d_star": ("best answer D*(x)", style.THEORY, (0, (5, 3)), 1.5),
        "d_grid": ("discriminator D(x)", style.DISCRIMINATOR, "-", 2.2),
    }
    return [
        (ax.plot([], [], color=c, linestyle=dash, linewidth=width, label=label)[0], history[key])
        for key, (label, c, dash, width) in looks.items()
        if key in history
    ]


def _view(history: History) -> tuple[float, float]:
    """The data's range, widened for generated points by at most its own width on either side."""
    names = [k for k in ("grid", "real", "latent") if k in history.static]
    constants = [history.static[k].ravel() for k in names]
    fake = history["fake"]
    fake = fake[np.isfinite(fake)]
    base = np.concatenate(constants) if constants else (fake if fake.size else np.array([0.0, 1.0]))
    low, high = float(base.min()), float(base.max())
    width = (high - low) or 1.0
    if fake.size:
        reach = np.clip(np.quantile(fake, [0.02, 0.98]), low - width, high + width)
        low, high = min(low, float(reach[0])), max(high, float(reach[1]))
    return low - 0.02 * width, high + 0.02 * width


def _title(history: History, i: int) -> str:
    text = f"{unit(history)} {history.steps[i]}"
    if "objective" in history and np.isfinite(history["objective"][i]):
        text += f", V = {history['objective'][i]:.3f}".replace("-", "−")
    return heading(history, text)


def _hint(history: History, i: int, view: tuple[float, float], bad: int | None) -> str:
    if bad is not None and i >= bad:
        return divergence_sentence(history, bad)
    fake = history["fake"][i]
    outside = int(((fake < view[0]) | (fake > view[1])).sum())
    return f"{outside} of {fake.size} generated points lie outside the picture" if outside else ""


def _spread(n: int) -> NDArray[np.int64]:
    """Indices of at most ``MOST_POINTS`` of n points, evenly spread."""
    return np.unique(np.linspace(0, n - 1, min(n, MOST_POINTS)).round().astype(np.int64))


def objective(history: History, i: int = -1, ax: Axes | None = None) -> Axes:
    """The objective V over the steps, beside its value at equilibrium, -2 log 2."""
    return plot(objective_panel, history, i, ax)


def objective_panel(ax: Axes, history: History) -> Draw:
    """V = E log D(x) + E log(1 - D(G(z))) beside -2 log 2 (Goodfellow et al. 2014, Theorem 1)."""
    line = Line(history["objective"], "objective V", style.LINES[0])
    levels = [Level(-2 * math.log(2), "−2 log 2")]
    return lines_panel(ax, history, [line], levels, ylabel="V", title="Objective")


def d_gradient_panel(ax: Axes, history: History) -> Draw:
    """Norm of the discriminator's gradient over the steps, logarithmic."""
    line = Line(history["d_grad"], "discriminator", style.DISCRIMINATOR)
    title = "Gradient of the discriminator"
    return lines_panel(ax, history, [line], ylabel="norm", title=title, log=True)


def g_gradient_panel(ax: Axes, history: History) -> Draw:
    """Norm of the generator's gradient over the steps, logarithmic."""
    line = Line(history["g_grad"], "generator", style.GENERATOR)
    title = "Gradient of the generator"
    return lines_panel(ax, history, [line], ylabel="norm", title=title, log=True)


def gradients(history: History, i: int = -1, ax: Axes | None = None) -> Axes:
    """Both players' gradient norms on one logarithmic axis."""
    return plot(gradients_panel, history, i, ax)


def gradients_panel(ax: Axes, history: History) -> Draw:
    """The panel behind ``gradients``."""
    lines = [
        Line(history["d_grad"], "discriminator", style.DISCRIMINATOR),
        Line(history["g_grad"], "generator", style.GENERATOR, style.DASHES[1], "s"),
    ]
    return lines_panel(ax, history, lines, ylabel="norm", title="Gradient norms", log=True)


def summary(history: History, i: int = -1) -> Figure:
    """Four panels of one run: the picture, the objective and each player's gradient norm."""
    panels = (picture_panel, objective_panel, d_gradient_panel, g_gradient_panel)
    figure, draw = stage(history, panels)
    draw(i)
    return figure

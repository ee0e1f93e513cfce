"""The picture of the one-dimensional tutorial: two rails, two curves, and the arrows between."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from gan_teach.history import History
from gan_teach.plots import _panel, style
from gan_teach.plots.curves import gradients_panel, objective_panel

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
    return _panel.plot(picture_panel, history, i, style.axes(ax, (7.0, 4.6)))


def picture_panel(ax: Axes, history: History) -> _panel.Draw:
    """The panel behind ``picture``."""
    view = _view(history)
    ax.set(xlim=view, ylim=(-0.64, 1.1), xlabel="x (upper rail) and z (lower rail)")
    ax.set_yticks([0, 0.5, 1], ["0", "1/2", "1"])
    ax.set_ylabel("D(x), density", y=0.69)
    ax.grid(False)
    _still(ax, history.static)
    move = _samples(ax, history)
    best = style.PREDICTED | {"label": "best answer D*(x)", "linewidth": 1.5}
    answer = {"label": "discriminator D(x)", "color": style.DISCRIMINATOR, "linewidth": 2.2}
    curves: dict[str, Any] = {}
    for key, look in {"d_star": best, "d_grid": answer}.items():
        if key in history:
            (curves[key],) = ax.plot([], [], **look)
    title, hint = ax.set_title("", loc="left"), _panel.note(ax)
    bad = _panel.first_bad(history["fake"])
    _panel.legend_below(ax, cols=3)

    def draw(i: int) -> None:
        move(i)
        for key, curve in curves.items():
            curve.set_data(history.static["grid"], history[key][i])
        title.set_text(_title(history, i))
        text = _outside(history, i, view)
        if bad is not None and i >= bad:
            text = _panel.divergence_sentence(history, bad)
        hint.set(text=text, visible=bool(text))

    return draw


def _still(ax: Axes, static: Any) -> None:
    """What does not move: the two rails, the true density and the real points."""
    for height in (RAIL, LATENT_RAIL):
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
        ax.plot(real, np.full(len(real), RAIL), label="real points x", **look)


def _samples(ax: Axes, history: History) -> _panel.Draw:
    fake = np.ma.masked_invalid(_few(history["fake"].reshape(len(history), -1)))
    arrows: Any = None
    if "latent" in history.static:
        latent = _few(history.static["latent"].ravel())
        low, up = np.full(len(latent), LATENT_RAIL), np.full(len(latent), RAIL - LATENT_RAIL)
        ax.plot(
            latent, low, style.LATENT_MARKER, color=style.LATENT, markersize=11,
            markeredgewidth=1.8, label="latent points z", zorder=3,
        )  # fmt: skip
        arrows = ax.quiver(
            latent, low, 0 * low, 0 * low, angles="xy", scale_units="xy", scale=1,
            color=style.LATENT, alpha=0.6, width=0.0024, headwidth=6, headlength=9,
            headaxislength=8, zorder=2,
        )  # fmt: skip
    look = style.fake(markersize=7, markeredgewidth=2.0, zorder=4)
    (crosses,) = ax.plot([], [], label="generated points G(z)", **look)

    def draw(i: int) -> None:
        crosses.set_data(fake[i], np.full(fake.shape[1], RAIL))
        if arrows is not None:
            arrows.set_UVC(fake[i] - arrows.X, up)

    return draw


def _view(history: History) -> tuple[float, float]:
    """The data's range, widened for generated points by at most its own width on either side."""
    constants = [history.static[k] for k in ("grid", "real", "latent") if k in history.static]
    fake = history["fake"][np.isfinite(history["fake"])]
    base = np.concatenate([np.ravel(part) for part in constants or [fake if fake.size else [0, 1]]])
    low, high = float(base.min()), float(base.max())
    width = (high - low) or 1.0
    if fake.size:
        reach = np.clip(np.quantile(fake, [0.02, 0.98]), low - width, high + width)
        low, high = min(low, float(reach[0])), max(high, float(reach[1]))
    return low - 0.02 * width, high + 0.02 * width


def _title(history: History, i: int) -> str:
    text = f"{_panel.unit(history)} {history.steps[i]}"
    if "objective" in history and np.isfinite(history["objective"][i]):
        text += f", V = {history['objective'][i]:.3f}".replace("-", "−")
    return _panel.heading(history, text)


def _outside(history: History, i: int, view: tuple[float, float]) -> str:
    fake = history["fake"][i]
    outside = int(((fake < view[0]) | (fake > view[1])).sum())
    return f"{outside} of {fake.size} generated points lie outside the picture" if outside else ""


def _few(points: NDArray[Any]) -> NDArray[Any]:
    """At most ``MOST_POINTS`` entries of the last axis, evenly spread."""
    n = points.shape[-1]
    return points[..., np.unique(np.linspace(0, n - 1, min(n, MOST_POINTS)).round().astype(int))]


def summary(history: History, i: int = -1) -> Figure:
    """Four panels of one run: the picture, the objective and each player's gradient norm."""
    d, g = (partial(gradients_panel, players=[name]) for name in ("discriminator", "generator"))
    panels = (picture_panel, objective_panel, d, g)
    figure, draw = _panel.stage(history, panels)
    draw(i)
    return figure

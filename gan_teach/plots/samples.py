"""Real and generated samples: points in the plane over the discriminator, and smooth densities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from numpy.typing import ArrayLike, NDArray

from gan_teach.history import History
from gan_teach.plots import style
from gan_teach.plots._panel import (
    Draw,
    divergence_sentence,
    first_bad,
    heading,
    legend_below,
    limits,
    note,
    plot,
    record_index,
    unit,
)

MOST_POINTS = 2000  # more do not show more


def samples(history: History, i: int = -1, ax: Axes | None = None) -> Axes:
    """Real points (filled circles) and generated points (crosses) in the plane, and D between them.

    Reads ``fake`` (T, n, 2), the constant ``real`` (k, 2) and, where they are there, ``modes``
    (K, 2) and the discriminator's probability ``d_field`` (T, rows, cols) on the constant
    ``field_extent`` = (left, right, bottom, top), row 0 at the bottom. Raises ValueError when
    ``fake`` is not made of points in the plane.
    """
    return plot(samples_panel, history, i, style.axes(ax, (6.2, 5.6)))


def samples_panel(ax: Axes, history: History) -> Draw:
    """The panel behind ``samples``."""
    fake = history["fake"]
    if fake.ndim != 3 or fake.shape[2] != 2:
        raise ValueError(
            f"fake must have shape (T, n, 2), points in the plane, got {fake.shape}. "
            "Draw points on the line with plots.picture."
        )
    fake = fake[:, :MOST_POINTS]
    field = _field(ax, history)
    real = _real_points(ax, history, fake)
    halo = [] if field is None else [withStroke(linewidth=2.6, foreground="white")]
    (crosses,) = ax.plot(
        [], [], style.FAKE_MARKER, color=style.FAKE, markersize=5, markeredgewidth=1.3,
        label="generated points G(z)", zorder=3, path_effects=halo,
    )  # fmt: skip
    title, hint = ax.set_title("", loc="left"), note(ax)
    bad = first_bad(fake)
    ax.set_aspect("equal")
    ax.grid(False)
    legend_below(ax, cols=3, points=26)

    def draw(i: int) -> list[Artist]:
        i = record_index(history, i)
        crosses.set_data(*fake[i].T)
        if field is not None:
            field.set_data(history["d_field"][i])
        title.set_text(heading(history, f"{unit(history)} {history.steps[i]}"))
        if bad is not None:
            hint.set_text(divergence_sentence(history, bad))
            hint.set_visible(i >= bad)
        moving = [crosses, hint, title]
        return moving if field is None else [field, *real, *moving]

    return draw


def _field(ax: Axes, history: History) -> Any:
    """The discriminator as an image; light where it is undecided, so that points stay visible."""
    if "d_field" not in history:
        return None
    look: dict[str, Any] = {"cmap": style.SIGNED, "vmin": 0.0, "vmax": 1.0, "alpha": 0.45}
    extent = tuple(history.static["field_extent"].tolist())
    image = ax.imshow(history["d_field"][0], origin="lower", extent=extent, zorder=0, **look)
    figure = ax.get_figure()
    assert figure is not None
    bar = figure.colorbar(image, ax=ax, shrink=0.8, pad=0.02, label="D(x)")
    bar.set_ticks([0, 0.5, 1], labels=["0", "1/2", "1"])
    return image


def _real_points(ax: Axes, history: History, fake: NDArray[Any]) -> list[Artist]:
    real = history.static.get("real", np.empty((0, 2)))[:MOST_POINTS]
    seen = real if len(real) else fake.reshape(-1, 2)
    low, high = (np.array(ends) for ends in zip(*(limits(seen[:, k]) for k in (0, 1)), strict=True))
    middle, half = (low + high) / 2, 0.6 * (high - low).max()
    if "d_field" in history:
        left, right, bottom, top = history.static["field_extent"]
        ax.set(xlim=(left, right), ylim=(bottom, top))
    else:
        ax.set_xlim(middle[0] - half, middle[0] + half)
        ax.set_ylim(middle[1] - half, middle[1] + half)
    artists: list[Artist] = []
    artists += ax.plot(
        real[:, 0], real[:, 1], style.REAL_MARKER, color=style.REAL, markersize=4, alpha=0.6,
        markeredgewidth=0, label="real points x", zorder=2,
    )  # fmt: skip
    if "modes" in history.static:
        modes = history.static["modes"]
        artists += ax.plot(
            modes[:, 0], modes[:, 1], "o", markersize=13, markerfacecolor="none", zorder=4,
            markeredgecolor=style.INK, markeredgewidth=1.2, label="modes",
        )  # fmt: skip
    return artists


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
    with style.use():
        for k, (name, values) in enumerate(arrays.items()):
            flat = np.asarray(values, dtype=float).ravel()
            flat = flat[np.isfinite(flat)]
            color, dash = usual.get(name, (style.LINES[k % 6], style.DASHES[k % 5]))
            if flat.size > 1 and np.ptp(flat) > 1e-9 * np.abs(flat).max():
                look: dict[str, Any] = {"color": color, "linestyle": dash, "linewidth": 2.0}
                seaborn.kdeplot(x=flat, ax=ax, fill=False, label=name, **look)
            else:
                ax.axvline(
                    flat[0] if flat.size else np.nan, color=color, linestyle=dash, label=name
                )
        ax.set(xlabel="x", ylabel="density")
        ax.set_title(title or "Densities", loc="left")
        legend_below(ax, cols=4)
    return ax

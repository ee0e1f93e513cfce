"""Images side by side: one array for a file, or an axes for a notebook."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from gan_teach import _checks
from gan_teach.history import History
from gan_teach.plots import _panel, style

_GAP = 2  # white pixels between images


def sheet(images: ArrayLike, columns: int | None = None, zoom: int = 1) -> NDArray[np.uint8]:
    """(height, width, 3) bytes: images (n, channels, h, w) in [-1, 1] in rows, white between them.

    Values beyond [-1, 1] are cut off; all images share one scale, so that contrast can be compared.
    uint8 are taken as they are, 0 to 255.
    ``columns`` is the root of n by default, ``zoom`` repeats each pixel. Raises ValueError for
    another shape or NaN.
    """
    x = np.asarray(images)
    if x.ndim != 4 or x.shape[1] not in (1, 3) or not len(x):
        raise ValueError(
            f"images must have shape (n, 1 or 3, height, width), got {x.shape}: grey or color "
            "images in [-1, 1], channels first."
        )
    _checks.finite("images", x, "Did the generator diverge?")
    n, _, height, width = x.shape
    across = min(n, _checks.whole("columns", columns or math.ceil(math.sqrt(n)), least=1))
    down = math.ceil(n / across)
    pixels = x if x.dtype == np.uint8 else np.rint((np.clip(x, -1, 1) + 1) * 127.5)
    tiles = np.full((down * across, height + _GAP, width + _GAP, 3), 255, np.uint8)
    tiles[:n, :height, :width] = pixels.transpose(0, 2, 3, 1)
    rows = tiles.reshape(down, across, *tiles.shape[1:]).swapaxes(1, 2)
    page = rows.reshape(down * (height + _GAP), -1, 3)[:-_GAP, :-_GAP]
    zoom = _checks.whole("zoom", zoom, least=1)
    return page.repeat(zoom, 0).repeat(zoom, 1)


def image_grid(
    images: ArrayLike, columns: int | None = None, title: str = "", ax: Axes | None = None
) -> Axes:
    """``sheet(images, columns)`` on an axes without ticks; raises ValueError as it does."""
    page = sheet(images, columns)
    ax = style.axes(ax, (6.0, 6.0 * len(page) / page.shape[1] + 0.3))
    _show(ax, page).set_title(title)
    return ax


@style.use()
def image_grids(sets: Mapping[str, ArrayLike], columns: int | None = None) -> Figure:
    """``image_grid`` of each set of images (n, channels, h, w), side by side under their names.

    Raises ValueError as ``sheet`` does.
    """
    pages = {name: sheet(images, columns) for name, images in sets.items()}
    tallest = max(len(page) / page.shape[1] for page in pages.values())
    figure, axes = style.grid(list(pages), len(pages), (3.2, 3.2 * tallest + 0.5))
    # wider than between the images of a set
    figure.get_layout_engine().set(wspace=0.06)  # pyright: ignore
    for name, page in pages.items():
        _show(axes[name], page).set_title(name)
    return figure


def _show(ax: Axes, page: NDArray[np.uint8]) -> Axes:
    ax.imshow(page, interpolation="nearest")
    ax.set_axis_off()
    return ax


def images_panel(ax: Axes, history: History) -> _panel.Draw:
    """A panel for ``animation``: the images ``history["images"]`` (T, n, channels, h, w)."""
    images = history["images"]
    if images.ndim != 5:
        raise ValueError(f"images must have shape (T, n, channels, h, w), got {images.shape}.")
    (picture,) = _show(ax, sheet(images[0])).images
    title = ax.set_title("", loc="left")

    def draw(i: int) -> None:
        picture.set_data(sheet(images[i]))
        title.set_text(_panel.heading(history, _panel.moment(history, i)))

    return draw

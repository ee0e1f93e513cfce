"""A grid of colored cells on axes, many times a second."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.artist import Artist, allow_rasterization
from numpy.typing import NDArray


class Tiles(Artist):
    """Colors (rows, columns, 3), row 0 at the bottom of ``extent`` = (left, right, bottom, top).

    The picture that ``imshow`` makes with ``interpolation="nearest"``, by looking up each pixel's
    cell instead of resampling, which takes as long as all other artists of the lab together. For
    linear axes and a raster backend.
    """

    def __init__(self, extent: tuple[float, float, float, float], zorder: float) -> None:
        super().__init__()
        self._extent = extent
        self._colors: NDArray[np.uint8] = np.empty((0, 0, 3), np.uint8)
        self.set_zorder(zorder)

    def set_data(self, colors: NDArray[np.uint8]) -> None:
        self._colors, self.stale = colors, True

    @allow_rasterization
    def draw(self, renderer: Any) -> None:
        if not self.get_visible() or not self._colors.size or self.axes is None:
            return
        left, right, bottom, top = self._extent
        ends = self.axes.transData.transform([(left, bottom), (right, top)])
        window = self.axes.get_window_extent(renderer)
        rows, columns, _ = self._colors.shape
        x, column = _cells(ends[0, 0], ends[1, 0], window.x0, window.x1, columns)
        y, row = _cells(ends[0, 1], ends[1, 1], window.y0, window.y1, rows)
        opaque = np.insert(self._colors, 3, 255, axis=2).view(np.uint32)[..., 0]
        pixels = opaque.take(column, axis=1).take(row, axis=0)
        gc = renderer.new_gc()
        renderer.draw_image(gc, x, y, pixels.view(np.uint8).reshape(*pixels.shape, 4))
        gc.restore()


def _cells(
    start: float, end: float, low: float, high: float, count: int
) -> tuple[int, NDArray[np.intp]]:
    """The first pixel of [start, end] within [low, high], and the cell of each one from there."""
    first, last = round(max(start, low)), round(min(end, high))
    middles = np.arange(first, max(first, last)) + 0.5
    cell = ((middles - start) * count / (end - start)).astype(np.intp)
    return first, cell.clip(0, count - 1)

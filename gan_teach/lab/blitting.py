"""A matplotlib figure as pixels, many times a second: what stands still is drawn once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from gan_teach.plots import style

Cell = tuple[float, float, float, float]  # left, bottom, width, height in shares of the figure


class Blitter:
    """Draws the ``moving`` artists of a figure over a stored background of all others.

    ``cells`` are the regions of the figure that each axes has for itself: when its ticks change,
    only that region of the background is drawn again.
    """

    def __init__(
        self, figure: Figure, cells: dict[Axes, Cell], moving: Sequence[Artist], dpi: int
    ) -> None:
        self._figure, self._cells = figure, cells
        self._moving = sorted(moving, key=lambda artist: artist.get_zorder())
        for artist in self._moving:
            artist.set_animated(True)  # left out of the background
        with style.use():
            figure.set_dpi(dpi)
            self._canvas = FigureCanvasAgg(figure)
            self._canvas.draw()
            self._store()

    def redraw(self, changed: Iterable[Axes]) -> None:
        """Draw the still parts of these axes again."""
        self._canvas.restore_region(self._background)
        with style.use():
            for ax in changed:
                left, bottom, width, height = self._cells[ax]
                paper = Rectangle((left, bottom), width, height, color="white", linewidth=0)
                paper.set_transform(self._figure.transFigure)
                paper.set_figure(self._figure)
                self._figure.draw_artist(paper)
                self._figure.draw_artist(ax)
            self._store()

    def pixels(self) -> NDArray[np.uint8]:
        """The figure as it stands: (height, width, 4), in memory that is drawn on again."""
        self._canvas.restore_region(self._background)
        for artist in self._moving:
            self._figure.draw_artist(artist)
        return np.asarray(self._canvas.buffer_rgba())

    def _store(self) -> None:
        self._background: Any = self._canvas.copy_from_bbox(self._figure.bbox)

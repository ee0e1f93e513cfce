"""From panels to pixels: draw what stands still once, and per frame only what moves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from gan_teach import plots
from gan_teach.history import History
from gan_teach.plots import style
from gan_teach.plots._panel import Draw, Panel
from gan_teach.plots._stage import stage


class Frames:
    """RGB pictures of single records.

    The layout is frozen after the first drawing, so that frames do not jitter, and the panels'
    moving artists are drawn over a stored background. A legend that overlaps its axes is drawn
    again on top of them, as in the full drawing.
    """

    def __init__(self, figure: Figure, draw: Draw, dpi: int) -> None:
        self._draw = draw
        self._figure = figure
        with style.use():
            figure.set_dpi(dpi)
            self._canvas = FigureCanvasAgg(figure)
            artists = draw(-1)
            style.settle(figure)
            figure.set_layout_engine("none")
            self._moving = _moving(figure, artists)
            for artist in self._moving:
                artist.set_animated(True)  # left out of the background
            self._canvas.draw()
            self._background: Any = self._canvas.copy_from_bbox(figure.bbox)

    def __getitem__(self, i: int) -> NDArray[np.uint8]:
        """Record ``i`` as (height, width, 3) bytes of its own."""
        with style.use():
            self._canvas.restore_region(self._background)
            self._draw(i)
            for artist in self._moving:
                self._figure.draw_artist(artist)
            return np.asarray(self._canvas.buffer_rgba())[..., :3].copy()


def _moving(figure: Figure, artists: Sequence[Artist]) -> list[Artist]:
    pairs = [(ax.get_legend(), ax.get_window_extent()) for ax in figure.axes]
    legends = [new for new, box in pairs if new and box.overlaps(new.get_window_extent())]
    return sorted([*dict.fromkeys(artists), *legends], key=lambda artist: artist.get_zorder())


def of(
    history: History,
    panels: Sequence[Panel] | None,
    figsize: tuple[float, float] | None,
    dpi: int,
) -> Frames:
    """The frames of ``panels``, or of those that suit what was recorded."""
    return Frames(*stage(history, panels or default_panels(history), figsize), dpi)


def default_panels(history: History) -> list[Panel]:
    """The panels whose numbers the history has. Raises ValueError when there are none."""
    known: dict[tuple[str, ...], Panel] = {
        ("fake",): plots.picture_panel,
        ("objective",): plots.objective_panel,
        ("d_grad", "g_grad"): plots.gradients_panel,
        ("eigenvalues",): plots.eigenvalues_panel,
    }
    found = [panel for keys, panel in known.items() if all(key in history for key in keys)]
    if not found:
        raise ValueError(
            "panels=None draws fake, objective, d_grad with g_grad, and eigenvalues, but the "
            f"history has only {', '.join(history.keys()) or 'nothing'}: pass the panels to draw."
        )
    return found

"""Cells looked up pixel by pixel, against matplotlib's own nearest-neighbour image."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from gan_teach.lab.tiles import Tiles

VIEW = (-2.0, 3.0, -1.0, 1.5)
COLORS = np.random.default_rng(0).integers(0, 256, (9, 14, 3), dtype=np.uint8)


def drawn(add) -> np.ndarray:
    figure = Figure(figsize=(3.2, 2.3), dpi=80)
    ax = figure.add_axes((0.1, 0.2, 0.85, 0.7))
    ax.set_axis_off()
    ax.set(xlim=VIEW[:2], ylim=VIEW[2:])
    add(ax)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba()).astype(int)


def image(extent):
    def add(ax):
        ax.imshow(COLORS, origin="lower", extent=extent, aspect="auto", interpolation="nearest")
        ax.set(xlim=VIEW[:2], ylim=VIEW[2:])

    return add


def tiles(extent, colors=COLORS):
    def add(ax):
        made = Tiles(extent, zorder=1)
        made.set_data(colors)
        ax.add_artist(made)

    return add


@pytest.mark.parametrize(
    "extent", [VIEW, (-1.0, 2.0, -0.5, 1.0), (-9.0, 4.0, -3.0, 2.5), (2.0, 9.0, -7.0, 0.0)],
    ids=["the view", "within it", "beyond it", "in a corner of it"],
)  # fmt: skip
def test_tiles_are_what_imshow_draws(extent):
    expected, got = drawn(image(extent)), drawn(tiles(extent))
    apart = np.abs(got - expected).max(-1) > 2
    assert apart.mean() < 0.02  # pixels that two cells share, or at the edge
    assert (expected != 255).mean() > 0.02  # there is something to see


def test_cells_outside_the_view_and_no_cells_draw_nothing():
    blank = drawn(lambda ax: None)
    np.testing.assert_array_equal(drawn(tiles((10.0, 11.0, 0.0, 1.0))), blank)
    np.testing.assert_array_equal(drawn(tiles(VIEW, np.empty((0, 0, 3), np.uint8))), blank)

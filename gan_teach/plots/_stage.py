"""Several panels in one figure."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.figure import Figure

from gan_teach.history import History
from gan_teach.plots import style
from gan_teach.plots._panel import Draw, Panel, record_index

ROWS = 3  # panels above one another in a column


def stage(
    history: History, panels: Sequence[Panel], figsize: tuple[float, float] | None = None
) -> tuple[Figure, Draw]:
    """A figure with one axes per panel and the function ``draw(i)`` that shows record ``i`` in all.

    One panel fills the figure, two stand side by side; of three and more, the first stands on the
    left at full height and the others are stacked beside it. ``draw`` updates artists and returns
    them. Raises ValueError for an empty list and TypeError for a panel that cannot be called.
    """
    if not panels or not len(history):
        raise ValueError(
            f"a figure needs panels and records; got {len(panels)} panels, {len(history)} records."
        )
    for panel in panels:
        if not callable(panel):
            raise TypeError(
                f"a panel must be a function (ax, history) -> draw, got {type(panel).__name__}: "
                "pass plots.picture_panel itself, without calling it."
            )
    layout, size, ratios = _layout(len(panels))
    figure, axes = style.mosaic(layout, figsize or size, ratios)
    with style.use():
        draws = [panel(axes[k], history) for k, panel in enumerate(panels)]

    def draw(i: int) -> list[Artist]:
        i = record_index(history, i)
        return [artist for each in draws for artist in each(i)]

    return figure, draw


def _layout(n: int) -> tuple[list[list[int]], tuple[float, float], list[float]]:
    """Rows of panel numbers, the figure's size in inches and the columns' relative widths."""
    if n <= 2:
        return [list(range(n))], (7.0 if n == 1 else 11.0, 4.6), [1.0] * n
    rows = min(n - 1, ROWS)
    columns = -(-(n - 1) // rows)
    last = n - 1
    layout = [[0, *(min(1 + c * rows + r, last) for c in range(columns))] for r in range(rows)]
    return layout, (6.5 + 4.5 * columns, 1.2 + 1.8 * rows), [1.35] + [1.0] * columns

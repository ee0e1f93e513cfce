"""A slider over values for which a figure is drawn: of core widgets, like the player."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gan_teach.plots import style

Drawing = Callable[[Any], Figure | Axes]


def chooser(
    draw: Drawing,
    values: Sequence[Any],
    *,
    label: str,
    describe: Callable[[Any], str] | None = None,
    start: Any = None,
    dpi: int = 80,
) -> Any:
    """A slider over ``values`` that shows ``draw(value)``, a figure: an ipywidgets box.

    Figures are drawn when they are first asked for and then kept. ``describe(value)`` is a sentence
    for the line below the picture, a live region for screen readers. The box's attributes
    ``slider``, ``image`` and ``caption`` are the widgets; ``slider.value = v`` shows v. Needs
    ipywidgets (the ``course`` extra). Raises ValueError for no values or an unknown start.
    """
    values = list(values)
    if not values:
        raise ValueError("values is empty: a slider needs something to choose from.")
    start = values[0] if start is None else start
    if start not in values:
        raise ValueError(f"start must be one of the values, got {start!r}.")
    try:
        import ipywidgets as widgets
    except ImportError:
        raise ImportError("chooser needs ipywidgets: pip install 'gan-teach[course]'.") from None
    options = [(f"{v:g}" if isinstance(v, (int, float)) else str(v), v) for v in values]
    slider = widgets.SelectionSlider(
        options=options, value=start, description=label,
        style={"description_width": "initial"}, layout={"width": "34em"},
    )  # fmt: skip
    image = widgets.Image(format="png", layout={"max_width": "100%"})
    caption = widgets.HTML()
    picture = lru_cache(maxsize=None)(lambda index: _picture(draw(values[index]), dpi))

    def show(_: Any = None) -> None:
        image.value = picture(slider.index)
        if describe is not None:
            caption.value = f'<p role="status">{html.escape(describe(slider.value))}</p>'

    slider.observe(show, names="value")
    show()
    box: Any = widgets.VBox([slider, image, caption])
    box.slider, box.image, box.caption = slider, image, caption
    return box


def _picture(drawing: Figure | Axes, dpi: int) -> bytes:
    figure = drawing.get_figure(root=True) if isinstance(drawing, Axes) else drawing
    if not isinstance(figure, Figure):
        raise TypeError(f"draw must return a figure or axes, got {type(drawing).__name__}.")
    return style.png(figure, dpi)

"""A player for notebooks, of core widgets only: no Output widget, no thread, no browser code."""

from __future__ import annotations

import html
import io
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from gan_teach import _checks
from gan_teach.history import History
from gan_teach.plots import _frames
from gan_teach.plots._narrate import narrate
from gan_teach.plots._panel import Panel, unit

CACHE = 256  # pictures that are kept, of about 50 kB each


def player(
    history: History,
    panels: Sequence[Panel] | None = None,
    *,
    fps: int = 12,
    figsize: tuple[float, float] | None = None,
    dpi: int = 80,
) -> Any:
    """Play, pause and scrub through a recorded run: an ipywidgets box.

    Its attributes ``play``, ``slider`` (index of the record), ``image`` and ``caption`` are the
    widgets; ``slider.value = k`` shows record k. The caption reads the record's numbers out and is
    a live region for screen readers while the player is paused. Needs ipywidgets (the ``course``
    extra); ``film_strip`` shows the same panels without it.
    """
    _checks.whole("fps", fps, least=1)
    try:
        import ipywidgets as widgets
    except ImportError:
        raise ImportError(
            "player needs ipywidgets: pip install 'gan-teach[course]', or use film_strip."
        ) from None
    pictures = _frames.of(history, panels, figsize, dpi)
    png = lru_cache(maxsize=CACHE)(lambda i: _png(pictures[i]))
    last = len(history) - 1
    stride = max(1, round(len(history) / 300))  # a long run still plays in about half a minute
    play = widgets.Play(value=0, min=0, max=last, step=stride, interval=round(1000 / fps))
    play.description = "Play"
    slider = widgets.IntSlider(
        value=0, min=0, max=last, description=f"Record (by {unit(history)})", readout=False,
        style={"description_width": "initial"}, layout={"width": "28em"},
    )  # fmt: skip
    image = widgets.Image(format="png", layout={"max_width": "100%"})
    caption = widgets.HTML()

    def show(_: Any = None) -> None:
        image.value = png(slider.value)
        role = "" if play.playing else ' role="status"'
        caption.value = f"<p{role}>{html.escape(narrate(history, slider.value))}</p>"

    widgets.jslink((play, "value"), (slider, "value"))
    slider.observe(show, names="value")
    show()
    box: Any = widgets.VBox([widgets.HBox([play, slider]), image, caption])
    box.play, box.slider, box.image, box.caption = play, slider, image, caption
    return box


def _png(rgb: Any) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()

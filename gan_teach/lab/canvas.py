"""The lab's own widgets: a canvas that draws frames and asks for the next one while it plays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from gan_teach.lab.frame import Frame
from gan_teach.lab.limits import Limits
from gan_teach.lab.packing import looks, pack

HERE = Path(__file__).parent
SOURCE = "\n".join(
    (HERE / name).read_text("utf-8") for name in ("canvas.js", "pen.js", "widget.js")
)
"""One module of JavaScript: a widget is served as one."""


class Canvas(anywidget.AnyWidget):
    """``frame`` holds the packed picture; the browser raises ``wanted`` when it wants the next.

    ``drawing`` comes from the browser: a count and strokes of [x, y] in data units. It is checked
    where it is used.
    """

    _esm = SOURCE
    frame = traitlets.Bytes().tag(sync=True)
    looks = traitlets.Dict().tag(sync=True)
    wanted = traitlets.Int(0).tag(sync=True)
    playing = traitlets.Bool(False).tag(sync=True)
    drawing = traitlets.Dict().tag(sync=True)


class Names(anywidget.AnyWidget):
    """Names the handles of the sliders in the element of class ``gan-teach-lab`` around it."""

    _esm = HERE / "names.js"


class CanvasScreen:
    """The canvas as a screen of the lab (see ``screens``)."""

    def __init__(
        self,
        count: Callable[[], None],
        paused: Callable[[Any], None],
        drawn: Callable[[Any], None],
    ) -> None:
        self.picture = Canvas(looks=looks())
        self.controls: list[Any] = []
        self.picture.observe(lambda _: count(), names="wanted")
        self.picture.observe(paused, names="playing")
        self.picture.observe(lambda change: drawn(change["new"].get("strokes")), names="drawing")
        self._limits: list[Limits] = []
        self._kind: object = None
        self._serial = 0

    @property
    def playing(self) -> bool:
        return self.picture.playing

    def stop(self) -> None:
        self.picture.playing = False

    def show(self, frame: Frame) -> None:
        kind = (frame.view, [chart.title for chart in frame.charts])
        if kind != self._kind:
            self._kind, self._limits = kind, [Limits() for _ in frame.charts]
        self._serial += 1  # so that the browser hears of every frame, equal ones too
        self.picture.frame = pack(frame, self._limits, self._serial)

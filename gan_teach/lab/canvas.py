"""The lab's own widget: a canvas that draws frames and asks for the next one while it plays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from gan_teach.lab.frame import Frame
from gan_teach.lab.limits import Limits
from gan_teach.lab.packing import looks, pack


class Canvas(anywidget.AnyWidget):
    """``frame`` holds the packed picture; the browser raises ``wanted`` when it wants the next."""

    _esm = Path(__file__).with_name("canvas.js")
    frame = traitlets.Bytes().tag(sync=True)
    looks = traitlets.Dict().tag(sync=True)
    wanted = traitlets.Int(0).tag(sync=True)
    playing = traitlets.Bool(False).tag(sync=True)


class CanvasScreen:
    """The canvas as a screen of the lab (see ``screens``)."""

    def __init__(self, count: Callable[[], None], paused: Callable[[Any], None]) -> None:
        self.picture = Canvas(looks=looks())
        self.controls: list[Any] = []
        self.picture.observe(lambda _: count(), names="wanted")
        self.picture.observe(paused, names="playing")
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

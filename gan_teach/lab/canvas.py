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


AHEAD = 8  # frames that the browser may ask for at a time


class Canvas(anywidget.AnyWidget):
    """``frame`` holds the packed picture; the browser raises ``wanted`` by as many as it wants.

    When it stops, ``shown`` is the step that it has on the screen, otherwise -1. ``drawing`` comes
    from the browser: a count and strokes of [x, y] in data units. Both are checked where they are
    used.
    """

    _esm = SOURCE
    frame = traitlets.Bytes().tag(sync=True)
    looks = traitlets.Dict().tag(sync=True)
    wanted = traitlets.Int(0).tag(sync=True, echo_update=False)  # the browser need not hear back
    playing = traitlets.Bool(False).tag(sync=True)
    shown = traitlets.Int(-1).tag(sync=True, echo_update=False)
    drawing = traitlets.Dict().tag(sync=True, echo_update=False)


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
        self._count = count
        self._answered = 0  # of the frames that are wanted
        self._passing = False  # a frame that is soon followed by another one
        self.picture.observe(self._wanted, names="wanted")
        self.picture.observe(paused, names="playing")
        self.picture.observe(lambda change: drawn(change["new"].get("strokes")), names="drawing")
        self._limits: list[Limits] = []
        self._kind: object = None
        self._serial = 0

    @property
    def playing(self) -> bool:
        return self.picture.playing

    @property
    def shown(self) -> int | None:
        step = self.picture.shown
        return None if self.playing or step < 0 else step

    def stop(self) -> None:
        self.picture.shown = -1
        self.picture.playing = False

    def show(self, frame: Frame) -> None:
        kind = (frame.view, [chart.title for chart in frame.charts])
        if kind != self._kind:
            self._kind, self._limits = kind, [Limits() for _ in frame.charts]
        self._serial += 1  # so that the browser hears of every frame, equal ones too
        self.picture.frame = pack(
            frame, self._limits, serial=self._serial, answered=self._answered,
            passing=self._passing and self.playing,
        )  # fmt: skip

    def _wanted(self, change: dict[str, Any]) -> None:
        """Make the frames that the browser asks for, as long as it plays."""
        self._passing = True
        try:
            for number in range(max(change["old"], change["new"] - AHEAD), change["new"]):
                self._answered = number + 1
                if self.playing:
                    self._count()
        finally:
            self._passing, self._answered = False, change["new"]

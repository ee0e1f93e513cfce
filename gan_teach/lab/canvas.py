"""The lab's own widgets: a canvas that draws frames and asks for the next one while it plays."""

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from gan_teach.lab.frame import Frame, looks, pack
from gan_teach.lab.session import alone

HERE = Path(__file__).parent
SOURCE = "\n".join(
    (HERE / name).read_text("utf-8") for name in ("canvas.js", "pen.js", "widget.js")
)
"""One module of JavaScript: a widget is served as one."""

AHEAD = 8  # frames that the browser may ask for at a time


class Names(anywidget.AnyWidget):
    """Makes the element of class ``gan-teach-lab`` around it fit for use without mouse or eyes."""

    _esm, _css = HERE / "names.js", HERE / "names.css"


class Canvas(anywidget.AnyWidget):
    """The panel's view (see ``panel.ImageView``) on a canvas, which also sends drawings.

    ``frame`` holds the packed picture; the browser raises ``wanted`` by as many as it wants. When
    it stops, ``shown`` is the step that it has on the screen, otherwise -1. ``drawing`` comes from
    the browser: a count and strokes of [x, y] in data units. All are checked where they are used.
    """

    _esm = SOURCE
    frame = traitlets.Bytes().tag(sync=True)
    looks = traitlets.Dict().tag(sync=True)
    wanted = traitlets.Int(0).tag(sync=True, echo_update=False)  # the browser need not hear back
    playing = traitlets.Bool(False).tag(sync=True)
    shown = traitlets.Int(-1).tag(sync=True, echo_update=False)
    graph = traitlets.Bool(False).tag(sync=True)  # whether its tab is open
    drawing = traitlets.Dict().tag(sync=True, echo_update=False)
    controls = ()

    def __init__(self, panel: Any) -> None:
        super().__init__(looks=looks())
        self.add_class("gan-teach-view")
        self._panel = panel
        self._answered = self._serial = 0  # of the frames that are wanted; of all
        self.observe(self._wanted, names="wanted")
        self.observe(panel.paused, names="playing")
        self.observe(panel.drawn, names="drawing")
        self.observe(panel.show, names="graph")

    def stop(self) -> None:
        self.shown = -1
        self.playing = False

    def show(self, frame: Frame, passing: bool) -> None:
        self._serial += 1  # so that the browser hears of every frame, equal ones too
        passing = passing and self.playing
        self.frame = pack(frame, serial=self._serial, answered=self._answered, passing=passing)

    @alone
    def _wanted(self, change: dict[str, Any]) -> None:
        """Make the frames that the browser asks for, as long as it plays."""
        first = max(change["old"], change["new"] - AHEAD) + 1
        try:
            for self._answered in range(first, change["new"] + 1):
                if self.playing:
                    self._panel.tick()
        except KeyboardInterrupt:  # between two ticks
            self._panel.interrupt()
            self._panel.tick()

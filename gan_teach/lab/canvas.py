"""The lab's own widgets: a canvas that draws frames and asks for the next one while it plays."""

import json
import struct
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets
from numpy.typing import NDArray

from gan_teach.lab.frame import CONTRAST, LOOKS, PAPERS, READABLE, Frame, ranges, seen, shades
from gan_teach.lab.session import alone
from gan_teach.plots import style

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
    drawing = traitlets.Dict().tag(sync=True, echo_update=False)
    controls = ()

    def __init__(self, panel: Any) -> None:
        super().__init__(looks=looks())
        self.add_class("gan-teach-view")
        self._panel = panel
        self._answered = self._serial = 0  # of the frames that are wanted; of all
        self._passing = False  # a frame that is soon followed by another one
        self.observe(self._wanted, names="wanted")
        self.observe(panel.paused, names="playing")
        self.observe(panel.drawn, names="drawing")

    def stop(self) -> None:
        self.shown = -1
        self.playing = False

    def show(self, frame: Frame) -> None:
        self._serial += 1  # so that the browser hears of every frame, equal ones too
        passing = self._passing and self.playing
        self.frame = pack(frame, serial=self._serial, answered=self._answered, passing=passing)

    @alone
    def _wanted(self, change: dict[str, Any]) -> None:
        """Make the frames that the browser asks for, as long as it plays."""
        self._passing = True
        first = max(change["old"], change["new"] - AHEAD) + 1
        try:
            for self._answered in range(first, change["new"] + 1):
                if self.playing:
                    self._panel.tick()
        except KeyboardInterrupt:  # between two ticks
            self._panel.interrupt()
            self._panel.tick()
        self._passing = False


def pack(frame: Frame, **facts: Any) -> bytes:
    """``frame`` as bytes: length of the header (4 bytes, little endian), header, float32 numbers.

    In the header, which is JSON, an array is {"at": index of its first number, "shape": ...}; the
    numbers begin at the first multiple of four bytes after it. ``facts`` join the header.
    """
    numbers: list[NDArray[np.float32]] = []

    def place(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            at = sum(part.size for part in numbers)
            numbers.append(np.ascontiguousarray(value, dtype="<f4").ravel())
            return {"at": at, "shape": value.shape}
        if hasattr(value, "_asdict"):
            own = {name: place(part) for name, part in value._asdict().items()}
            return {**own, "kind": type(value).__name__.lower()}
        if isinstance(value, tuple):
            return [place(part) for part in value]
        return value

    head = place(frame)
    head["layers"] = [{**place(layer), "name": name} for name, layer in frame.layers.items()]
    for chart, entry in zip(frame.charts, head["charts"], strict=True):
        xlim, ylim = ranges(chart, frame.step)
        entry |= {"xlim": xlim, "ylim": ylim, "steps": chart.xlim is None}
    text = json.dumps({**head, **facts}, allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    return struct.pack("<I", len(text)) + text + b"".join(part.tobytes() for part in numbers)


def looks() -> dict[str, Any]:
    """For a light and a dark page: colors, markers and dashes of every role, and the shades of a
    field from 0 to 1."""
    return {theme: _look(theme) for theme in PAPERS}


def _look(theme: str) -> dict[str, Any]:
    least = CONTRAST if theme == "light" else READABLE  # thin lines fade sooner on a dark page
    roles = {
        role: look._replace(color=seen(look.color, theme, least))._asdict()
        for role, look in LOOKS.items()
    }
    return {
        "roles": roles,
        "field": shades(theme).ravel().tolist(),
        "paper": PAPERS[theme],
        "ink": seen(style.INK, theme, 12.0),
        "theory": seen(style.THEORY, theme, READABLE),
        "alarm": seen(style.GENERATOR, theme, READABLE),
        "band": seen(style.THEORY, theme) + "30",
    }

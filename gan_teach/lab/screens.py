"""Where the picture appears and what pulls it: a canvas of our own, or core widgets.

A screen has a ``picture`` and ``controls`` to lay out, shows frames, and calls ``count`` each time
that the front end wants another one. ``playing`` says whether it goes on wanting them; ``shown`` is
the step at which a learner has stopped it, where frames were made ahead of what was shown.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, Protocol

from gan_teach import _checks
from gan_teach.lab.frame import Frame
from gan_teach.lab.picture import Picture

INTERVAL = 120  # milliseconds between two counts of Play
BURST = 3  # pictures that are made for one of them: at most 25 a second
VIEWS = ("auto", "canvas", "core", "still")
_ENDLESS = 2**31 - 1


class Screen(Protocol):
    """What the lab's panel asks of a screen."""

    picture: Any
    controls: list[Any]

    @property
    def playing(self) -> bool: ...

    @property
    def shown(self) -> int | None: ...

    def stop(self) -> None: ...

    def show(self, frame: Frame) -> None: ...


def has(package: str) -> bool:
    """Whether a package is installed."""
    return find_spec(package) is not None


def chosen_view() -> str:
    """The view that ``GAN_TEACH_VIEW`` names, else the best one for which there are packages.

    "canvas" needs anywidget, "core" ipywidgets alone, "still" nothing. Raises ValueError for
    another name and ImportError where a package is missing.
    """
    asked = os.environ.get("GAN_TEACH_VIEW") or "auto"
    view = _checks.choice("GAN_TEACH_VIEW", asked, VIEWS)
    there = {"canvas": has("anywidget"), "core": has("ipywidgets"), "still": True}
    if view == "auto":
        return next(name for name, possible in there.items() if possible)
    if not there[view]:
        raise ImportError(f"GAN_TEACH_VIEW={view} needs more: pip install 'gan-teach[course]'.")
    return view


def make_screen(
    view: str,
    count: Callable[[], None],
    paused: Callable[[Any], None],
    drawn: Callable[[Any], None],
) -> Screen:
    """The screen of that name. ``paused`` is called when it stops or starts to play, ``drawn`` with
    the strokes of a drawing, which only the canvas can be given."""
    if view == "core":
        return CoreScreen(count, paused)
    from gan_teach.lab.canvas import CanvasScreen

    return CanvasScreen(count, paused, drawn)


class CoreScreen:
    """Play and Image of ipywidgets: Play sends a count only when the last one is answered.

    A count is worth ``BURST`` pictures, since a notebook lays out its page for each message.
    """

    shown = None

    def __init__(self, count: Callable[[], None], paused: Callable[[Any], None]) -> None:
        import ipywidgets

        self._count = count
        self._drawing: Picture | None = None
        self.picture = ipywidgets.Image(format="png", layout={"max_width": "100%"})
        self.play = ipywidgets.Play(min=0, max=_ENDLESS, interval=INTERVAL, show_repeat=False)
        self.play.observe(self._counted, names="value")
        self.play.observe(paused, names="playing")
        # Play's own buttons are icons without names. This one acts on it within the browser, so
        # that pausing need not wait for a busy kernel.
        self.play.layout.display = "none"
        button = ipywidgets.ToggleButton(
            description="▶ Play", tooltip="Play or pause", layout={"width": "7em"}
        )
        button.add_class("gan-teach-play")
        button.observe(self._label, names="value")
        self._link = ipywidgets.jslink((button, "value"), (self.play, "playing"))
        self._button = button
        self.controls = [self.play, button]

    @property
    def playing(self) -> bool:
        return self.play.playing

    def stop(self) -> None:
        self.play.playing = False

    def _label(self, change: dict[str, Any]) -> None:
        self._button.description = "❚❚ Pause" if change["new"] else "▶ Play"

    def show(self, frame: Frame) -> None:
        last = self._drawing
        if last is None or not last.continues(frame):
            self._drawing = Picture(frame)
        elif not last.suits(frame):  # other layers over the same axes
            self._drawing = Picture(frame, limits=last.limits)
        assert self._drawing is not None
        kind = "jpeg" if self.playing else "png"
        with self.picture.hold_sync():
            self.picture.format, self.picture.value = kind, self._drawing.file(frame, kind)

    def _counted(self, change: dict[str, Any]) -> None:
        if change["new"] > change["old"]:  # the square button sets the count back to 0
            for _ in range(BURST if self.playing else 1):
                self._count()

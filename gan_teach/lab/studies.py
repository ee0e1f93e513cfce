"""What the lab offers beside its controls: doctor, twin, slow motion, morph and files to keep.

Each is a fold below the picture that works on the panel's session through ``Desk``.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Callable
from typing import Any, Protocol

from gan_teach.lab import rates
from gan_teach.lab.controls import ROW, WIDE, amount, button, fold
from gan_teach.lab.doctor import Diagnosis, diagnose, named, treat
from gan_teach.lab.export import FORMATS, code
from gan_teach.lab.frame import Frame
from gan_teach.lab.knobs import KNOBS
from gan_teach.lab.picture import Picture
from gan_teach.lab.session import Session
from gan_teach.lab.slow_motion import Scene, slow_motion
from gan_teach.lab.twin import Twin

KINDS = {"png": "image/png", "gif": "image/gif", "npz": "application/zip", "py": "text/x-python"}
LABELS = {"png": "Picture (PNG)", "gif": "Film (GIF)", "npz": "Numbers (NPZ)", "py": "Python code"}


class Desk(Protocol):
    """What the folds ask of the panel."""

    session: Session

    def attempt(self, action: Callable[[], str]) -> None: ...

    def pause(self) -> None: ...


def folds(desk: Desk) -> list[Any]:
    """The folds, closed."""
    return [study(desk).widget for study in (Doctor, TwinView, SlowMotion, Morph, Export)]


class Doctor:
    """Names what is wrong with the run, by which numbers, and tries the remedy from here."""

    def __init__(self, desk: Desk) -> None:
        import ipywidgets as w

        self._desk, self._found = desk, Diagnosis("too early", (), "")
        ask = button("Examine this run", "Look at its last rounds", self.examine)
        self.remedy = button("No remedy yet", "Turn this knob from here on", self.treat)
        self.remedy.disabled = True
        self.report = w.HTML()
        self.widget = fold("Ask the doctor", w.VBox([w.HBox([ask, self.remedy]), self.report]))

    def examine(self) -> None:
        self._desk.pause()
        self._found = found = diagnose(self._desk.session)
        rows = "".join(f"<li>{html.escape(str(item))}</li>" for item in found.evidence)
        tried = rates.of(found.name)
        self.report.value = (
            f'<div role="status"><p><b>{html.escape(found.name)}</b></p><ul>{rows}</ul>'
            f"<p>{html.escape(found.advice)}</p>{f'<p>{tried}</p>' if tried.runs else ''}</div>"
        )
        self.remedy.disabled = not found.remedy
        self.remedy.description = f"Try: {named(found.remedy)}" if found.remedy else "No remedy"

    def treat(self) -> None:
        def act() -> str:
            self._desk.session = treat(self._desk.session, self._found)
            return f"A branch of the run from here, with {named(self._found.remedy)}. Press Play."

        self._desk.attempt(act)
        self.remedy.disabled = True


class TwinView:
    """Two runs that differ in one knob, side by side."""

    def __init__(self, desk: Desk) -> None:
        import ipywidgets as w

        self._desk = desk
        self._twin: Twin | None = None
        names = [(spec.label, name) for name, spec in KNOBS.items() if spec.live]
        self.knob = w.Dropdown(
            options=names, value="d_steps", description="The knob", style=WIDE, layout=ROW
        )
        self.value = w.Text(value="5", description="Its value in the twin", style=WIDE, layout=ROW)
        start = button("Start a twin", "A second run from here with this knob turned", self.start)
        self.steps = [
            button(f"Both: {k} rounds", f"{k} rounds of both runs", lambda k=k: self.tick(k))
            for k in (10, 100)
        ]
        keep = button("Go on with the twin", "Show the second run above", self.keep)
        self.story, self.pictures = w.HTML(), w.HTML()
        for one in (*self.steps, keep):
            one.disabled = True
        self._later = (*self.steps, keep)
        rows = [self.knob, self.value, w.HBox([start, *self._later]), self.story, self.pictures]
        self.widget = fold("Compare with a twin", w.VBox(rows))

    def start(self) -> None:
        self._desk.pause()
        name = str(self.knob.value)

        def act() -> str:
            value = KNOBS[name].read(name, str(self.value.value).strip())
            self._twin = Twin(self._desk.session.branch(), **{name: value})
            return ""

        self._twin = None
        self._desk.attempt(act)
        self._show()

    def tick(self, k: int) -> None:
        twin = self._twin
        if twin is not None:
            self._desk.attempt(lambda: twin.tick(k) and "")
            self._show()

    def keep(self) -> None:
        twin = self._twin
        if twin is not None:
            self._desk.session = twin.second.branch()
            self._desk.attempt(lambda: "The twin is shown above now.")

    def _show(self) -> None:
        twin = self._twin
        for one in self._later:
            one.disabled = twin is None
        self.story.value = "" if twin is None else f'<p role="status">{html.escape(str(twin))}</p>'
        both = () if twin is None else (*twin.frames,)
        self.pictures.value = "".join(map(_shown, both))


class SlowMotion:
    """The next update in captioned scenes, one after the other."""

    def __init__(self, desk: Desk) -> None:
        import ipywidgets as w

        self._desk = desk
        self._scenes: list[Scene] = []
        self._at = 0
        begin = button("Tell the next round", "What one update does, step by step", self.begin)
        self.back = button("Scene before", "The scene before this one", lambda: self.go(-1))
        self.forth = button("Next scene", "The scene after this one", lambda: self.go(1))
        self.caption, self.picture = w.HTML(), w.HTML()
        rows = [w.HBox([begin, self.back, self.forth]), self.caption, self.picture]
        self.widget = fold("One round in slow motion", w.VBox(rows))
        self.go(0)

    def begin(self) -> None:
        self._desk.pause()
        self._scenes, self._at = slow_motion(self._desk.session), 0
        self.go(0)

    def go(self, step: int) -> None:
        last = len(self._scenes) - 1
        self._at = max(0, min(self._at + step, last))
        self.back.disabled, self.forth.disabled = self._at <= 0, self._at >= last
        if last < 0:
            return
        title, caption, frame = self._scenes[self._at]
        self.caption.value = (
            f'<p role="status"><b>{self._at + 1} of {last + 1}. {html.escape(title)}.</b> '
            f"{html.escape(caption)}</p>"
        )
        self.picture.value = _shown(frame)


class Morph:
    """The lattice of latents on its way to the samples, by a slider."""

    def __init__(self, desk: Desk) -> None:
        import ipywidgets as w

        self._desk = desk
        self.share = amount("Way from z to G(z)", 0.0, 1.0, 0.05, self.go)
        show = button("Show it here", "At the round that is shown above", self.show)
        self.picture = w.HTML()
        rows = [w.HBox([self.share.widget, show]), self.picture]
        self.widget = fold("From latents to samples", w.VBox(rows))

    def show(self) -> None:
        self.go(self.share.value.value)

    def go(self, share: float) -> None:
        self._desk.pause()
        self.picture.value = ""

        def act() -> str:
            self.picture.value = _shown(self._desk.session.morph(share))
            return ""

        self._desk.attempt(act)


class Export:
    """Files of the run so far, and its Python code."""

    def __init__(self, desk: Desk) -> None:
        import ipywidgets as w

        self._desk = desk
        makers = [
            button(
                LABELS[ending], "Make this file of the run so far", lambda e=ending: self.make(e)
            )
            for ending in FORMATS
        ]
        self.links, self.code = w.HTML(), w.Textarea(description="Python code", rows=5, style=WIDE)
        self.code.layout = {"width": "48em", "max_width": "100%"}
        self.widget = fold("Keep this run", w.VBox([w.HBox(makers), self.links, self.code]))

    def make(self, ending: str) -> None:
        self._desk.pause()
        session = self._desk.session
        name = f"{session.start.preset}-{session.step}.{ending}"
        data = base64.b64encode(FORMATS[ending](session)).decode()
        self.links.value = (
            f'<p role="status"><a download="{name}" href="data:{KINDS[ending]};base64,{data}">'
            f"Save {name}</a></p>"
        )
        self.code.value = code(session)


def _shown(frame: Frame) -> str:
    """A picture of ``frame`` that says in words what it shows."""
    data = base64.b64encode(Picture(frame).file(frame)).decode()
    text = html.escape(frame.narration, quote=True)
    return (
        f'<img src="data:image/png;base64,{data}" alt="{text}" style="max-width: 100%">'
        f"<p>{html.escape(frame.narration)}</p>"
    )

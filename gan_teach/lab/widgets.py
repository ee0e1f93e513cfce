"""What the lab is operated with: controls made of core widgets, and the folds below its picture.

Each control has a name, works from the keyboard, acts alone. What a learner does with it is sent to
``turn``. What the panel shows in it is no wish: a browser moves a slider that is set between two of
its marks to the nearest one and may send that back, so that sliders of knobs speak only when a
learner lets go of them.

The folds are what the lab offers beside them: the doctor, a twin, slow motion, the way from latents
to samples, and files to keep. A fold works on the panel's session; ``forget`` takes away what it
shows of a run that is left.
"""

import base64
import html
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ipywidgets as w

from gan_teach.lab.config import KNOBS, Knob, named
from gan_teach.lab.doctor import Diagnosis, diagnose, follow_up, rates, treat
from gan_teach.lab.frame import Frame
from gan_teach.lab.picture import FORMATS, code, exported, png
from gan_teach.lab.session import Twin, alone
from gan_teach.lab.slow_motion import Scene, slow_motion

WIDE, ROW = {"description_width": "11em"}, {"width": "25em"}
NAMELESS = {"description_width": "0"}
SHARE = Knob("Way from z to G(z)", 0, 1, slider=(0.0, 1.0, 0.05))


def told(text: str) -> str:
    """A sentence that screen readers read out; nothing for an empty one."""
    return f'<p role="status">{html.escape(text)}</p>' if text else ""


@dataclass(eq=False)
class Control:
    """A widget that shows a value and sends what a learner makes of it to ``turn``.

    ``value`` is the part that holds it: a list, or a box that holds it as text. A ``slider``
    beside a box may have no mark for it, and then stands at the nearest one.
    """

    widget: Any
    value: Any
    turn: Callable[[Any], Any]
    slider: Any = None
    _showing: bool = False

    def __post_init__(self) -> None:
        self.value.observe(self._changed, names="value")
        if self.slider is not None:
            self.slider.observe(self._slid, names="value")

    def show(self, value: Any, **ends: Any) -> None:
        """Stand at ``value``, which turns nothing; ``ends`` are the new bounds of the slider, or
        what a list offers now."""
        self._showing = True
        try:
            for name, own in ends.items():
                setattr(self.slider or self.value, name, own)
            self.value.value = self._text(value)
            if self.slider is not None:
                self.slider.value = value  # or the nearest end
        finally:
            self._showing = False

    def _text(self, value: Any) -> Any:
        if isinstance(value, float):
            return f"{value:.6g}"
        return str(value) if isinstance(self.value, w.Text) else value

    @alone
    def _changed(self, change: dict[str, Any]) -> None:
        if not self._showing:
            self.turn(change["new"])

    @alone
    def _slid(self, change: dict[str, Any]) -> None:
        if not self._showing:
            new = change["new"]
            self.value.value = f"{new:.3g}" if isinstance(new, float) else str(new)  # turns it


def control(knob: Knob, turn: Callable[[str], Any], live: bool = False) -> Control:
    """The knob as a list of its words, or as a box for numbers beside its slider, if it has one.

    The box holds the value and carries the name: browsers give the handle of a slider none, so it
    is the box that a screen reader finds. It sends text: what no number is can then be refused in
    words. A ``live`` slider, whose values all lie on marks, acts while it is moved.
    """
    if knob.choices:
        words = [(knob.shown(word), word) for word in knob.choices]
        listed = w.Dropdown(options=words, description=knob.label, style=WIDE, layout=ROW)
        return Control(listed, listed, turn)
    name = knob.heading
    look: Any = {"description": name, "style": WIDE, "layout": {"width": "18em"}}
    if knob.slider:  # beside which the name stands
        look = {"description": f"{name}, number", "style": NAMELESS, "layout": {"width": "6.5em"}}
    hint = f"Type {knob.accepts}, then press Enter"
    box = w.Text(tooltip=hint, continuous_update=False, **look)
    if not knob.slider:
        return Control(box, box, turn)
    low, high, step, *log = knob.slider
    kind = w.FloatLogSlider if log else w.IntSlider if knob.whole else w.FloatSlider
    slider = kind(min=low, max=high, step=step, description=name, readout=False,
                  continuous_update=live, style=WIDE, layout={"width": "20em"})  # fmt: skip
    if log:
        slider.add_class("gan-teach-log")  # names.js says its value, not its exponent
    return Control(w.HBox([slider, box]), box, turn, slider)


def button(label: str, tooltip: str, press: Callable[[], Any]) -> Any:
    """A button that calls ``press``."""
    made = w.Button(description=label, tooltip=tooltip, layout={"width": "auto"})
    made.on_click(alone(lambda _: press()))
    return made


def fold(title: str, *rows: Any) -> Any:
    """A button that shows and hides the rows below it; a keyboard reaches it like any button."""
    button = w.ToggleButton(description=f"▸ {title}", tooltip=title, layout={"width": "auto"})
    button.add_class("gan-teach-fold")  # names.js says whether it is open
    content = w.VBox(rows, layout={"display": "none"})

    def turn(change: dict[str, Any]) -> None:
        button.description = f"{'▾' if change['new'] else '▸'} {title}"
        content.layout.display = "" if change["new"] else "none"

    button.observe(turn, names="value")
    return w.VBox([button, content], layout={"align_items": "flex-start"})


# -- folds -----------------------------------------------------------------------------------------


class Doctor:
    """Names what is wrong with the run, by which numbers, and tries the remedy from here."""

    def __init__(self, panel: Any) -> None:
        self._panel = panel
        self._treated: tuple[Any, Diagnosis] | None = None  # the branch, and what it is to cure
        ask = button("Examine this run", "Look at its last rounds", self.examine)
        self.remedy = button("", "Turn this knob from here on", self.treat)
        self.report = w.HTML()
        self.widget = fold("Ask the doctor", w.HBox([ask, self.remedy]), self.report)
        self.forget()

    def forget(self) -> None:
        self._diagnosis, self.report.value = Diagnosis("too early", (), ""), ""
        self.remedy.disabled, self.remedy.description = True, "No remedy yet"

    def examine(self) -> None:
        self._panel.pause()
        self._diagnosis = says = diagnose(self._panel.session)
        rows = "".join(f"<li>{html.escape(str(item))}</li>" for item in says.evidence)
        branch, before = self._treated or (None, says)
        told = follow_up(before, says) if branch is self._panel.session else ""
        self.report.value = (
            f'<div role="status">{told and f"<p>{html.escape(told)}</p>"}'
            f"<p><b>{html.escape(says.name)}</b></p><ul>{rows}</ul>"
            f"<p>{html.escape(says.advice)}</p><p>{rates(says.name)}</p></div>"
        )
        self.remedy.disabled = not says.remedy
        self.remedy.description = f"Try: {named(says.remedy)}" if says.remedy else "No remedy"

    def treat(self) -> None:
        remedy = named(self._diagnosis.remedy)

        def act() -> str:
            here = self._panel.session.step
            branch = treat(self._panel.session, self._diagnosis)
            self._panel.session, self._treated = branch, (branch, self._diagnosis)
            where = "here" if branch.step == here else f"round {branch.step}"
            return f"A branch of the run from {where}, with {remedy}. Press Play."

        self._panel.attempt(act)
        self.remedy.disabled = True


class TwinView:
    """Two runs that differ in one knob, side by side."""

    def __init__(self, panel: Any) -> None:
        self._panel = panel
        names = [(spec.label, name) for name, spec in KNOBS.items() if spec.live]
        look: dict[str, Any] = {"style": WIDE, "layout": ROW}
        self.knob = w.Dropdown(options=names, value="d_steps", description="The knob", **look)
        self.value = w.Text(value="5", description="Its value in the twin", **look)
        start = button("Start a twin", "A second run from here with this knob turned", self.start)
        self.later = [
            button("Both: 10 rounds", "10 rounds of both runs", lambda: self.tick(10)),
            button("Both: 100 rounds", "100 rounds of both runs", lambda: self.tick(100)),
            button("Go on with the twin", "Show the second run above", self.keep),
        ]
        self.story, self.pictures = w.HTML(), w.HTML()
        buttons = w.HBox([start, *self.later])
        self.widget = fold("Compare with a twin", self.knob, self.value, buttons, self.story,
                           self.pictures)  # fmt: skip
        self.forget()

    def forget(self) -> None:
        self._twin: Any = None  # without one the later buttons cannot be pressed
        self._show()

    def start(self) -> None:
        self._panel.pause()
        self._twin, name = None, str(self.knob.value)

        def act() -> None:
            value = KNOBS[name].read(name, str(self.value.value).strip())
            self._twin = Twin(self._panel.session.branch(), **{name: value})

        self._panel.attempt(act)
        self._show()

    def tick(self, k: int) -> None:
        self._panel.attempt(lambda: self._twin.tick(k))
        self._show()

    def keep(self) -> None:
        self._panel.session = self._twin.second.branch()
        self._panel.attempt(lambda: "The twin is shown above now.")

    def _show(self) -> None:
        twin = self._twin
        for one in self.later:
            one.disabled = twin is None
        self.story.value = told(str(twin)) if twin else ""
        pictures = "".join(map(_shown, twin.frames if twin else ()))
        self.pictures.value = f'<div class="gan-teach-pair">{pictures}</div>' if twin else ""


class SlowMotion:
    """The next update in captioned scenes, one after the other."""

    def __init__(self, panel: Any) -> None:
        self._panel = panel
        begin = button("Tell the next round", "What one update does, step by step", self.begin)
        self.back = button("Scene before", "The scene before this one", lambda: self.go(-1))
        self.forth = button("Next scene", "The scene after this one", lambda: self.go(1))
        self.caption, self.picture = w.HTML(), w.HTML()
        buttons = w.HBox([begin, self.back, self.forth])
        self.widget = fold("Slow motion", buttons, self.caption, self.picture)
        self.forget()

    def forget(self) -> None:
        self._tell([])

    def begin(self) -> None:
        self._panel.pause()
        self._tell(slow_motion(self._panel.session))

    def _tell(self, scenes: list[Scene]) -> None:
        self._scenes, self._at = scenes, 0
        self.caption.value = self.picture.value = ""
        self.go(0)

    def go(self, step: int) -> None:
        last = len(self._scenes) - 1
        self._at = max(0, min(self._at + step, last))
        self.back.disabled, self.forth.disabled = self._at <= 0, self._at >= last
        if self._scenes:
            title, caption, frame = self._scenes[self._at]
            head, text = f"{self._at + 1} of {last + 1}. {title}.", html.escape(caption)
            self.caption.value = f'<p role="status"><b>{head}</b> {text}</p>'
            self.picture.value = _shown(frame)


class Morph:
    """The lattice of latents on its way to the samples, by a slider."""

    def __init__(self, panel: Any) -> None:
        self._panel = panel
        self.share = control(SHARE, self.go)
        self.share.show(0.0)
        here = button("Show it here", "At the round that is shown above",
                      lambda: self.go(self.share.value.value))  # fmt: skip
        self.picture = w.HTML()
        row = w.HBox([self.share.widget, here])
        self.widget = fold("From latents to samples", row, self.picture)

    def forget(self) -> None:
        self.picture.value = ""

    def go(self, text: str) -> None:
        self._panel.pause()
        self.forget()

        def act() -> None:
            share = SHARE.read("the way", text)
            self.share.show(share)
            self.picture.value = _shown(self._panel.session.morph(share))

        self._panel.attempt(act)


class Export:
    """Files of the run so far, and its Python code."""

    def __init__(self, panel: Any) -> None:
        self._panel = panel
        makers = [
            button(label, "Make this file of the run so far", lambda e=ending: self.make(e))
            for ending, (_, label) in FORMATS.items()
        ]
        self.links, self.code = w.HTML(), w.Textarea(description="Python code", rows=5, style=WIDE)
        self.code.layout = {"width": "48em", "max_width": "100%"}
        self.widget = fold("Keep this run", w.HBox(makers), self.links, self.code)

    def forget(self) -> None:
        self.links.value = self.code.value = ""

    def make(self, ending: str) -> None:
        self._panel.pause()
        session, self.links.value = self._panel.session, ""

        def act() -> None:
            name = f"{session.start.preset}-{session.step}.{ending}"
            data = _url(FORMATS[ending][0], exported(session, ending, self._panel.watch))
            link = f'<a download="{name}" href="{data}">Save {name}</a>'
            self.links.value = f'<p role="status">{link}</p>'
            self.code.value = code(session)

        self._panel.attempt(act)


FOLDS = (Doctor, TwinView, SlowMotion, Morph, Export)


def _url(kind: str, data: bytes) -> str:
    """Bytes as an address that holds them."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _shown(frame: Frame) -> str:
    """A picture of ``frame`` that says in words what it shows."""
    text = html.escape(frame.narration, quote=True)
    source = _url("image/png", png(frame))
    return f'<div><img src="{source}" alt="{text}" style="max-width: 100%"><p>{text}</p></div>'

"""The lab's controls around its picture, for every host that shows ipywidgets.

The front end pulls: a view asks for one tick and one picture, and for no other while that one is
being answered. So there is no timer and no queue in the kernel, and when Play stops, the run stands
still. Newer kernels answer messages of widgets in several threads: each of them acts alone.
"""

import html
import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import ipywidgets as w

from gan_teach.lab import own_data, widgets
from gan_teach.lab.config import DATA, KNOBS, MAX_STEPS, PRESETS, Knob, Replay, opening, outlook
from gan_teach.lab.frame import GRAPH, TELLS, Frame
from gan_teach.lab.interrupts import listen_for
from gan_teach.lab.picture import png
from gan_teach.lab.session import Session, alone
from gan_teach.lab.widgets import ROW, WIDE, Control, button, control, fold

WORDS_SECONDS = 0.5  # while it plays, words and controls follow the picture as often as this
SPEEDS = (1, 2, 5, 10, 20, 50, 100)
INTERVAL = 120  # milliseconds between two counts of Play among core widgets
ROUND = Knob("Go to round", 0, MAX_STEPS, whole=True, slider=(0, 1, 1))
PRESET = Knob("Preset", choices=tuple(PRESETS))
FIRST = {
    "line": ("d_steps", "g_steps", "lr", "d_lr", "noise", "loss", "seed"),
    "plane": ("d_steps", "g_steps", "lr", "tau", "loss", "penalty", "weight", "seed"),
    "dirac": ("rule", "lr", "tau", "noise", "loss", "penalty", "weight"),
    "images": ("d_steps", "g_steps", "lr", "tau", "loss", "penalty", "weight", "seed"),
}
"""The knobs of the chapters about each world, which stand beside its picture."""

THEMES = {
    "Steps and rates": ("rule", "d_steps", "g_steps", "optimizer", "lr", "d_lr", "tau", "batch"),
    "Loss and noise": ("loss", "smoothing", "noise", "noise_kind", "penalty", "weight"),
    "Data and networks": ("data", "width", "depth", "latent", "norm", "seed"),
}
"""The others by theme."""

BESIDE = "Beside the picture"
SHOWN = {**KNOBS, "d_lr": replace(KNOBS["lr"], label="Learning rate of D")}
"""The knobs of a run, and a second handle of tau."""


STYLE = f"<style>{Path(__file__).with_name('lab.css').read_text('utf-8')}</style>"


class ImageView(w.Image):
    """The picture where there is no canvas, with Play of ipywidgets, which sends a count only when
    the last one is answered.

    A view is a widget with ``controls`` beside it. It shows frames, of which ``passing`` ones are
    soon followed by another, calls the panel's ``tick`` each time that the front end wants another
    one, and ``paused`` when it stops or starts to play.
    ``playing`` says whether it goes on wanting them; ``shown`` is the step at which a learner has
    stopped it where frames were made ahead of what was shown, otherwise -1; ``graph`` whether it
    shows the game as a graph.
    """

    shown, graph = -1, False

    def __init__(self, panel: Any) -> None:
        super().__init__(format="png", layout={"max_width": "100%"})
        self._panel = panel
        self.play = w.Play(min=0, max=2**31 - 1, interval=INTERVAL, show_repeat=False)
        self.play.observe(self._counted, names="value")
        self.play.observe(panel.paused, names="playing")
        # Play's own buttons are icons without names. This one acts on it within the browser, so
        # that pausing need not wait for a busy kernel.
        self.play.layout.display = "none"
        button = w.ToggleButton(description="▶ Play", tooltip="Play or pause")
        button.layout = {"width": "7em"}
        button.add_class("gan-teach-play")
        button.observe(self._label, names="value")
        self._link = w.jslink((button, "value"), (self.play, "playing"))
        self.controls = (self.play, button)

    @property
    def playing(self) -> bool:
        return self.play.playing

    def stop(self) -> None:
        self.play.playing = False

    def show(self, frame: Frame, passing: bool) -> None:
        self.value = png(frame)

    def _label(self, change: dict[str, Any]) -> None:
        change["owner"].description = "❚❚ Pause" if change["new"] else "▶ Play"

    def _counted(self, change: dict[str, Any]) -> None:
        # The square button sets the count back to 0, and one may be on its way when it is stopped.
        if self.playing and change["new"] > change["old"]:
            self._panel.tick()


class Panel:
    """Controls and picture of one session; ``box`` is the widget to display.

    ``session`` is the run that is shown; ``knobs`` are its controls by name; ``view`` is "core" or
    "canvas", which needs anywidget.
    """

    def __init__(self, session: Session, view: str = "core") -> None:
        self.session, self._begun = session, session.start
        self._interrupted = False
        self._pace = 1.0  # updates that fit into one tick, as measured
        self._followed = -math.inf  # when the words and the controls were last set
        self._names: list[Any] = []
        self._boxes: dict[tuple[str, str], Control] = {}
        self._made = {name: self._make_knob(name, spec) for name, spec in SHOWN.items()
                      if name != "turn"}  # fmt: skip
        self.view = self._make_view(view)
        self.narration, self.message, self.legend = w.HTML(), w.HTML(), w.HTML()
        self.bar = w.IntProgress(description="Done", layout={"display": "none"}, style=WIDE)
        self._make_clock()
        self._make_replay()
        self.folds = [make(self) for make in widgets.FOLDS]
        self.box = _classed("lab", w.VBox(self._lay_out()))
        listen_for(self)
        self._furnish()
        self.show()

    def _make_view(self, view: str) -> Any:
        if find_spec("anywidget"):
            from gan_teach.lab import canvas

            self._names = [canvas.Names()]
            if view == "canvas":
                return canvas.Canvas(self)
        return ImageView(self)

    def _furnish(self) -> None:
        """Show the parts that this kind of game and these data have. Each is made once: a page
        keeps what it was ever sent."""
        config, frame = self.session.config, self.session.picture()
        self._furnished_for = (config.world, config.data)
        self.knobs = {name: knob for name, knob in self._made.items()
                      if config.world in SHOWN[name].worlds}  # fmt: skip
        choices = dict.fromkeys((*DATA[config.world], config.data))  # also a learner's own
        named = [(SHOWN["data"].shown(word), word) for word in choices]
        self.knobs["data"].show(config.data, options=named)
        titles = [part.title for part in (*frame.charts, frame.disc) if part]
        self.layers = {name: self._box(layer.label, name) for name, layer in frame.layers.items()}
        self.charts = {title: self._box(title, title) for title in titles}
        self._follow()  # a control that is shown before its value is set may send its default
        self._layers.children = [box.widget for box in self.layers.values()]
        self._charts.children = [box.widget for box in self.charts.values()]
        first = FIRST[config.world]
        for title, names in {BESIDE: first, **THEMES}.items():
            shown = [name for name in names if title == BESIDE or name not in first]
            self._columns[title].children = [self.knobs[name].widget for name in shown
                                             if name in self.knobs]  # fmt: skip
        self._drawing.layout.display = "" if config.world == "plane" else "none"

    # -- acting

    @alone
    def tick(self) -> None:
        """As many updates as the chosen speed asks for and a moment allows, then one picture.

        Pictures fall on multiples of the speed, so that most of them need no measurement of their
        own: the session keeps those of every few rounds.
        """
        k = self.speed.value - self.session.step % self.speed.value
        k = max(1, min(k, int(self._pace)))

        def go() -> None:
            before = time.perf_counter()
            self.session.go(k)
            seconds = max(time.perf_counter() - before, 1e-6)
            self._pace = min(k * self.session.tick_seconds / seconds, 2 * self._pace + 1)

        self.attempt(go, passing=True)

    def turn(self, **knobs: Any) -> None:
        """Turn knobs of the session and say what follows; a mistake is said as well."""
        self.attempt(lambda: self.session.set(**knobs))

    def load(self, text: str) -> None:
        """Show the run that a preset's name or a replay string stands for."""

        def replace() -> str:
            self.pause()
            wanted = Replay.parse(text)
            self.tell(f"Repeating {wanted.steps} rounds." if wanted.steps else "")
            self.session = Session(wanted)
            return f"Loaded {text}." if self.session.step else f"Started {text}."

        self.attempt(replace)

    @alone
    def paused(self, _: Any) -> None:
        """It stops or plays on. Updates that were made ahead of the screen are taken back, so that
        a learner finds the run as it was seen, but no knob is turned back."""
        if not self.view.playing and 0 <= self.view.shown < self.session.step:
            self.session.rewind(max(self.view.shown, self.session.since))
        self.show()

    def drawn(self, change: dict[str, Any]) -> None:
        """Start anew on what was drawn; it comes from the browser and is checked here."""
        strokes = change["new"].get("strokes")
        self.attempt(lambda: self.session.set(data=own_data.of_strokes(strokes, self._reach)))

    @alone
    def attempt(self, action: Callable[[], Any], passing: bool = False) -> None:
        """Act, show what came of it, and say the sentence that the action returns, or its error.

        A ``passing`` act is one of many in a row, as the ticks of a run that plays.
        """
        try:
            sentence = action()
        except (TypeError, ValueError) as error:
            self.pause()
            sentence = str(error)
        except KeyboardInterrupt:
            self._interrupted = True
        if self._interrupted:
            self._interrupted = False
            self.pause()
            here = self.session.step
            sentence = f"Interrupted: the run stands at round {here}. Press Play to go on."
        if isinstance(sentence, str) or not passing:  # what was said stays while it plays
            self.tell(sentence if isinstance(sentence, str) else "")
        self.show(passing=passing)

    def tell(self, sentence: str) -> None:
        """Say it below the picture, in place of what was said there."""
        self.message.value = widgets.told(sentence)

    def interrupt(self) -> None:
        """What plays stops at the next tick and says so. (This is called within any line of code,
        where nothing may be sent.)"""
        self._interrupted = self.view.playing or self.bar.layout.display != "none"

    def watch(self, items: Iterable[Any], total: int) -> Iterator[Any]:
        """``items`` beside a bar that says how many are done, as ``tqdm`` does; an interrupt ends
        it."""
        self.bar.max, self.bar.layout.display = total, ""
        try:
            for done, item in enumerate(items):
                self.bar.value, self.bar.description = done, f"{done} of {total} pictures"
                if self._interrupted:
                    raise KeyboardInterrupt
                yield item
        finally:
            self.bar.layout.display = "none"

    def pause(self) -> None:
        """Let the run stand still."""
        self.view.stop()

    # -- showing

    @alone
    def show(self, _: Any = None, passing: bool = False) -> None:
        """Draw the session as it stands, say the same in words, and set the controls to it."""
        config = self.session.config
        if self._furnished_for != (config.world, config.data):
            self._furnish()
        if self._begun is not self.session.start:  # a branch shares it
            self._begun = self.session.start
            for study in self.folds:
                study.forget()
        boxes = {**self.layers, **self.charts}
        hidden = {name for name, box in boxes.items() if not box.value.value}
        frame = self.session.picture(hidden if self.view.graph else {*hidden, GRAPH})
        self.view.show(frame, passing)
        self._reach = frame.view[1]  # of what a learner can draw in it
        # A page lays itself out anew for every word that changes, which takes longer than a tick.
        since = time.perf_counter() - self._followed
        if passing and self.view.playing and since < WORDS_SECONDS:
            return
        self._followed = time.perf_counter()
        role = "" if self.view.playing else ' role="status"'  # nobody can listen to 10 a second
        self.narration.value = f"<p{role}>{html.escape(frame.narration)}</p>"
        often = outlook(config) if self.session.since == 0 else ""
        paragraphs = (" ".join(TELLS[name] for name in frame.layers), often)
        self.legend.value = "".join(f"<p>{html.escape(text)}</p>" for text in paragraphs if text)
        self._follow()

    def _follow(self) -> None:
        """Set the controls to the session, of which none turns a knob meanwhile."""
        config, session = self.session.config, self.session
        values = {**vars(config), "d_lr": config.tau * config.lr}
        for name, knob in self.knobs.items():
            knob.show(values[name])
        for name in ("d_steps", "g_steps"):  # other rules know no numbers of steps
            steps = self.knobs[name]
            steps.value.disabled = steps.slider.disabled = config.rule != "alternating"
        self.preset.show(config.preset)
        self.moment.show(session.step, max=max(session.reached, 1))
        self.replay.value = session.replay

    # -- making the parts

    def _make_knob(self, name: str, spec: Knob) -> Control:
        return control(spec, partial(self._turn, name))

    def _turn(self, name: str, text: str) -> None:
        """Turn it to what was typed. tau is D's rate by G's: it is what a turned rate of D changes,
        and with one of G's it takes up the difference, so that D's stays."""

        def act() -> str:
            own = "D's learning rate" if name == "d_lr" else name
            config, value = self.session.config, SHOWN[name].read(own, text)
            knobs = {"tau" if name == "d_lr" else name: value}
            rates = {"lr": config.lr, "d_lr": config.tau * config.lr, name: value}
            if name in ("lr", "d_lr") and rates["lr"] > 0:
                knobs["tau"] = float(f"{rates['d_lr'] / rates['lr']:.12g}")
            return self.session.set(**knobs)

        self.attempt(act)

    def _go_to(self, text: str) -> None:
        self.attempt(lambda: self.session.rewind(ROUND.read("round", text)))

    def _box(self, label: str, name: str) -> Control:
        """A box that shows and hides a layer or chart, as the session's world begins."""
        if (label, name) not in self._boxes:
            box = w.Checkbox(description=label, indent=False, layout={"width": "15em"})
            self._boxes[label, name] = Control(box, box, self.show)
        self._boxes[label, name].show(name not in self.session.hidden)
        return self._boxes[label, name]

    def _make_clock(self) -> None:
        self.speed = w.SelectionSlider(
            options=SPEEDS, value=5, description="Rounds a picture", style=WIDE, layout=ROW
        )
        self.moment = control(ROUND, self._go_to, live=True)
        own = self._acting
        self.buttons = {
            "d": button("One D step", "One update of the discriminator", own("step_of", "d")),
            "g": button("One G step", "One update of the generator", own("step_of", "g")),
            "round": button("One round", "All D steps, then all G steps", own("tick")),
            "reset": button("Reset", "Back to the start, with these settings", own("reset")),
            "seed": button("Next seed", "The same settings with other random numbers",
                           lambda: self.turn(seed=self.session.config.seed + 1)),
        }  # fmt: skip

    def _acting(self, method: str, *values: Any) -> Callable[[], None]:
        """An attempt to call this method of the session that is shown then."""
        return lambda: self.attempt(lambda: getattr(self.session, method)(*values))

    def _make_replay(self) -> None:
        look: dict[str, Any] = {"style": WIDE, "layout": {"width": "auto", "flex": "1 1 36em"}}
        self.preset = control(PRESET, lambda name: self.load(str(opening(name))))
        self.replay = _classed("text", w.Text(description="This run", **look))
        self.wanted = w.Text(description="Load a run", placeholder="paste its text", **look)
        self.strokes = w.Textarea(description="Draw by text", rows=3, **look)
        self.strokes.placeholder = "a stroke a line, as\n0 0, 1 0.5\n-1 0, -1 1, -2 1"
        copies = [  # names.js copies; a link leads only to a page of the lab alone
            _classed("copy", w.Button(description="Copy the text")),
            _classed("link", w.Button(description="Copy a link")),
        ]
        load = button("Load", "Repeat the run of this text", lambda: self.load(self.wanted.value))
        self.wanted.on_msg(lambda _, sent, __: sent.get("event") == "submit" and load.click())
        draw = button("Use these strokes", "Start anew with data along them", lambda: self.attempt(
            lambda: self.session.set(data=own_data.of_text(self.strokes.value, self._reach))
        ))  # fmt: skip
        self._replay_rows = w.HBox([self.replay, *copies]), w.HBox([self.wanted, load])
        self._drawing = w.HBox([self.strokes, draw])

    def _lay_out(self) -> list[Any]:
        """The picture first, and beside it what is turned while one watches; the page's own style
        (lab.css) places them. All else is folded, each with its like."""
        wrapped = {"flex_flow": "row wrap"}
        self._layers, self._charts = (w.HBox(layout=wrapped) for _ in range(2))
        self._columns = {title: _classed("knobs", w.VBox()) for title in (BESIDE, *THEMES)}
        themes = {title: [self._columns[title]] for title in THEMES}
        themes["Data and networks"].append(self._drawing)
        knobs = [fold(title, *rows) for title, rows in themes.items()]
        knobs += [fold("Layers of the picture", self._layers)]
        knobs += [fold("Charts below it", self._charts)]
        studies = [study.widget for study in self.folds]
        studies += [fold("Repeat this run", *self._replay_rows)]
        buttons = w.HBox([*self.view.controls, *self.buttons.values()], layout=wrapped)
        clock = _classed("knobs", w.VBox([self.speed, self.preset.widget]))
        side = _classed("side", w.VBox([buttons, clock, self._columns[BESIDE]]))
        told = [self.narration, self.message, self.bar, self.legend]
        words = _classed("words", w.VBox([self.moment.widget, *told]))
        stage = _classed("stage", w.VBox([self.view, side, words]))
        rows = [_classed("folds", w.VBox(row)) for row in (studies, knobs)]
        return [stage, *rows, w.HTML(STYLE), *self._names]


def _classed(name: str, widget: Any) -> Any:
    """``widget``, which the page's style knows by that name."""
    widget.add_class(f"gan-teach-{name}")
    return widget

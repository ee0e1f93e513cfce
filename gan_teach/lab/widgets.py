"""The lab's controls around its picture, for every host that shows ipywidgets.

The front end pulls: a screen asks for one tick and one picture, and for no other while that one is
being answered. So there is no timer and no queue in the kernel, and when Play stops, the run stands
still. Newer kernels answer messages of widgets in several threads: whoever acts holds the lock.
"""

from __future__ import annotations

import html
import math
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from gan_teach.lab import controls, own_data, studies
from gan_teach.lab.config import PRESETS
from gan_teach.lab.controls import Control, button
from gan_teach.lab.knobs import DATA, KNOBS
from gan_teach.lab.replay import Replay
from gan_teach.lab.screens import has, make_screen
from gan_teach.lab.session import Session

TICK_SECONDS = 0.06  # of updates in one tick, at most
WORDS_SECONDS = 0.5  # while it plays, words and controls follow the picture as often as this
SPEEDS = (1, 2, 5, 10, 20, 50, 100)


class Panel:
    """Controls and picture of one session; ``box`` is the widget to display.

    ``session`` is the run that is shown; ``knobs`` are its controls by name; ``view`` is "core" or
    "canvas". Needs ipywidgets and, for the canvas, anywidget (the ``course`` extra).
    """

    def __init__(self, session: Session, view: str = "core") -> None:
        import ipywidgets

        self._w = ipywidgets
        self.session = session
        self._lock = threading.RLock()
        self._following = False  # the controls follow the session, not the learner
        self._pace = 1.0  # updates that fit into one tick, as measured
        self._followed = -math.inf  # when the words and the controls were last set
        self.screen = make_screen(view, self.tick, self._paused, self._drawn)
        self.narration, self.message = ipywidgets.HTML(), ipywidgets.HTML()
        self._make_clock()
        self._make_replay()
        self.box = ipywidgets.VBox()
        self.box.add_class("gan-teach-lab")
        self._names = self._make_names()
        self._studies = studies.folds(self)
        self._furnish()
        self.show()

    def _furnish(self) -> None:
        """Make the parts that depend on the kind of game and on the data."""
        config, frame = self.session.config, self.session.picture()
        self._furnished_for = (config.world, config.data)
        self.knobs = self._make_knobs(config.world)
        self.layers = {
            name: self._checkbox(layer.label, name not in self.session.hidden)
            for name, layer in frame.layers.items()
        }
        titles = [chart.title for chart in frame.charts]
        titles += [frame.disc.title] if frame.disc else []
        self.charts = {
            title: self._checkbox(title, title not in self.session.hidden) for title in titles
        }
        self._follow()  # a control that is shown before its value is set may send its default
        self.box.children = self._lay_out()

    # -- acting

    def tick(self) -> None:
        """As many updates as the chosen speed asks for and a moment allows, then one picture.

        Pictures fall on multiples of the speed, so that most of them need no measurement of their
        own: the session keeps those of every few rounds.
        """
        k = self.speed.value - self.session.step % self.speed.value
        k = max(1, min(k, int(self._pace)))

        def go() -> str:
            before = time.perf_counter()
            self.session.go(k)
            spent = max(time.perf_counter() - before, 1e-6)
            self._pace = min(k * TICK_SECONDS / spent, 2 * self._pace + 1)
            return ""

        self.attempt(go, passing=True)

    def turn(self, **knobs: Any) -> None:
        """Turn knobs of the session and say what follows; a mistake is said as well."""
        with self._lock:
            if not self._following:
                self.attempt(lambda: self.session.set(**knobs))

    def load(self, text: str) -> None:
        """Show the run that a preset's name or a replay string stands for."""
        self.screen.stop()

        def replace() -> str:
            self.session = Session(Replay.parse(text))
            return f"Loaded {text}." if self.session.step else f"Started {text}."

        self.attempt(replace)

    def _paused(self, _: Any) -> None:
        """It stops or plays on. Updates that were made ahead of the screen are taken back, so that
        a learner finds the run as it was seen, but no knob is turned back."""
        shown = self.screen.shown
        with self._lock:
            if shown is not None and shown < self.session.step:
                self.session.rewind(max(shown, self.session.since))
            self.show()

    def _drawn(self, strokes: Any) -> None:
        """Start anew on what was drawn; it comes from the browser and is checked here."""
        reach = self.session.picture().view[1]
        self.attempt(lambda: self.session.set(data=own_data.of_strokes(strokes, reach)))

    def _rewind(self, step: int) -> None:
        with self._lock:
            if not self._following:
                self.attempt(lambda: self.session.rewind(step) and "")

    def attempt(self, action: Callable[[], str], passing: bool = False) -> None:
        """Act, show what came of it, and say the sentence that the action returns, or its error.

        A ``passing`` act is one of many in a row, as the ticks of a run that plays.
        """
        with self._lock:
            try:
                self.say(action())
            except (TypeError, ValueError) as error:
                self.screen.stop()
                self.say(str(error))
            if not self._following:
                self._show(passing)

    def pause(self) -> None:
        """Let the run stand still."""
        self.screen.stop()

    # -- showing

    def show(self, _: Any = None) -> None:
        """Draw the session as it stands, say the same in words, and set the controls to it."""
        with self._lock:
            if not self._following:
                self._show()

    def _show(self, passing: bool = False) -> None:
        config = self.session.config
        if self._furnished_for != (config.world, config.data):
            self._furnish()
        boxes = {**self.layers, **self.charts}
        hidden = {name for name, box in boxes.items() if not box.value}
        frame = self.session.picture(hidden)
        self.screen.show(frame)
        # A page lays itself out anew for every word that changes, which takes longer than a tick.
        since = time.perf_counter() - self._followed
        if passing and self.screen.playing and since < WORDS_SECONDS:
            return
        self._followed = time.perf_counter()
        role = "" if self.screen.playing else ' role="status"'  # nobody can listen to 10 a second
        self.narration.value = f"<p{role}>{html.escape(frame.narration)}</p>"
        self._follow()

    def say(self, text: str) -> None:
        """Show a sentence below the picture; screen readers read it out."""
        self.message.value = f'<p role="status">{html.escape(text)}</p>' if text else ""

    def _follow(self) -> None:
        self._following = True
        try:
            config, session = self.session.config, self.session
            schedule = config.rule == "alternating"  # other rules know no numbers of steps
            for name, control in self.knobs.items():
                if name in ("d_steps", "g_steps"):
                    control.value.disabled = control.slider.disabled = not schedule
                control.show(config.tau * config.lr if name == "d_lr" else getattr(config, name))
            self.preset.show(config.preset)
            self.moment.slider.max = max(session.reached, 1)
            self.moment.show(session.step)
            self.replay.value = session.replay
        finally:
            self._following = False

    # -- making the parts

    def _make_knobs(self, world: str) -> dict[str, Control]:
        def knob(make: Callable[..., Control], name: str, *bounds: Any) -> Control:
            return make(KNOBS[name].label, *bounds, lambda value: self.turn(**{name: value}))

        made = {
            "d_steps": knob(controls.count, "d_steps", 50),
            "g_steps": knob(controls.count, "g_steps", 50),
            "lr": controls.rate("Learning rate of G", (-5, 1), self._turn_g_rate),
            "d_lr": controls.rate("Learning rate of D", (-5, 1), self._turn_d_rate),
            "tau": knob(controls.rate, "tau", (-3, 3)),
            "noise": knob(controls.amount, "noise", 0.0, 3.0, 0.05),
            "weight": knob(controls.rate, "weight", (-3, 2)),
            "smoothing": knob(controls.amount, "smoothing", 0.5, 1.0, 0.05),
        }
        for name, spec in KNOBS.items():
            if name in made or name == "turn" or spec.world not in ("", world):
                continue
            if spec.choices:
                turn = partial(self._turn_one, name)
                made[name] = controls.choice(spec.label, self._choices(name), turn, spec.shown)
            else:
                made[name] = knob(controls.typed, name, int(spec.low), int(spec.high))
        return made

    def _choices(self, name: str) -> tuple[str, ...]:
        config = self.session.config
        if name != "data":
            return KNOBS[name].choices
        own = () if config.data in DATA[config.world] else (config.data,)
        return (*DATA[config.world], *own)

    def _turn_one(self, name: str, value: Any) -> None:
        self.turn(**{name: value})

    def _turn_g_rate(self, value: float) -> None:
        """G's rate alone: D's stays, so tau takes up the difference."""
        config = self.session.config
        tau = config.tau * config.lr / value if value > 0 else config.tau
        self.turn(lr=value, tau=float(f"{tau:.12g}"))

    def _turn_d_rate(self, value: float) -> None:
        rate = self.session.config.lr
        self.turn(tau=float(f"{value / rate:.12g}") if rate > 0 else value)

    def _boxes(self, boxes: dict[str, Any]) -> Any:
        """In rows, as many of them beside each other as fit."""
        return self._w.HBox(list(boxes.values()), layout={"flex_flow": "row wrap"})

    def _checkbox(self, label: str, shown: bool) -> Any:
        box = self._w.Checkbox(value=shown, description=label, indent=False)
        box.layout = {"width": "15em"}
        box.observe(self.show, names="value")
        return box

    def _make_names(self) -> list[Any]:
        """Where custom widgets are possible, one that names the sliders' handles."""
        if not has("anywidget"):
            return []
        from gan_teach.lab.canvas import Names

        return [Names()]

    def _make_clock(self) -> None:
        w = self._w
        self.speed = w.SelectionSlider(
            options=SPEEDS, value=5, description="Rounds a picture", style=controls.WIDE,
            layout=controls.ROW,
        )  # fmt: skip
        self.moment = controls.count("Go to round", 1, self._rewind)
        self.buttons = {
            "d": button("One D step", "One update of the discriminator", self._alone("step_d")),
            "g": button("One G step", "One update of the generator", self._alone("step_g")),
            "round": button("One round", "All D steps, then all G steps", self._alone("tick")),
            "reset": button(
                "Reset", "Back to the start, with these settings", self._alone("reset")
            ),
        }

    def _alone(self, method: str) -> Callable[[], None]:
        return lambda: self.attempt(lambda: getattr(self.session, method)() and "")

    def _make_replay(self) -> None:
        w, wide = self._w, {"width": "36em"}
        self.preset = controls.choice("Preset", list(PRESETS), self._choose)
        self.replay = w.Text(description="This run", style=controls.WIDE, layout=wide)
        self.wanted = w.Text(description="Load a run", style=controls.WIDE, layout=wide)
        self.wanted.placeholder = "paste the text of a run"
        load = button("Load", "Repeat the run whose text stands here", self._load_wanted)
        self._replay_row = w.VBox([self.replay, w.HBox([self.wanted, load])])

    def _load_wanted(self) -> None:
        self.load(self.wanted.value)

    def _choose(self, name: str) -> None:
        with self._lock:
            if not self._following:
                self.load(name)

    def _lay_out(self) -> list[Any]:
        w, k = self._w, self.knobs
        rows = ("d_steps", "g_steps", "lr", "d_lr", "tau", "noise", "loss", "seed")
        more = [name for name in KNOBS if name in k and name not in rows]
        folds = [
            controls.fold("More settings", w.VBox([k[name].widget for name in more])),
            controls.fold("Layers of the picture", self._boxes(self.layers)),
            controls.fold("Charts beside it", self._boxes(self.charts)),
            controls.fold("Repeat this run", self._replay_row),
        ]
        buttons = w.HBox([*self.screen.controls, *self.buttons.values()])
        right = w.VBox([self.preset.widget, *(k[name].widget for name in rows)])
        left = w.VBox(
            [buttons, w.HBox([self.speed, self.moment.widget]), self.screen.picture, self.narration]
        )
        right.layout, left.layout = {"flex": "0 0 auto"}, {"flex": "1 1 36em", "min_width": "0"}
        main = w.HBox([left, right], layout={"flex_flow": "row wrap"})
        return [main, self.message, *folds, *self._studies, *self._names]

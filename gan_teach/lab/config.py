"""The settings of a live run, and the short string that repeats it.

A run is its first settings, the changes made on the way, each at a step, and the step it reached::

    noisy,seed=3,d_steps=20/120,d_steps=5/130,noise=0.5/500

is the preset ``noisy`` with two numbers changed, 5 instead of 20 D steps from step 120 on, less
noise from 130 on, and stands at step 500. Such a string is data: it is read by patterns, bounded in
length, and every value is checked as a function argument is. Nothing in it is evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from gan_teach import _checks, losses, optim, penalties
from gan_teach.experiments import EXPERIMENTS

MAX_LENGTH = 50_000  # characters of a replay string
MAX_CHANGES = 1_000  # steps at which something was changed
MAX_STEPS = 1_000_000

_WORD = re.compile(r"[a-z][a-z0-9_-]{0,39}", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,10}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?(e[+-]?[0-9]{1,3})?", re.ASCII)


@dataclass(frozen=True)
class Knob:
    """One setting: what it may be and how it is called beside its slider.

    Whole numbers and numbers lie between ``low`` and ``high``; a knob with ``choices`` is one of
    those words. ``live`` knobs change a run on its way, the others start it anew.
    """

    label: str
    low: float = 0
    high: float = 0
    choices: tuple[str, ...] = ()
    whole: bool = False
    live: bool = True

    def check(self, name: str, value: Any) -> Any:
        """``value`` as a plain int, float or str; raises TypeError or ValueError."""
        if self.choices:
            return str(_checks.choice(name, value, self.choices))
        if self.whole:
            value = _checks.whole(name, value, least=int(self.low))
            return int(_checks.real(name, value, most=self.high))
        return _checks.real(name, value, least=self.low, most=self.high)

    def read(self, name: str, text: str) -> Any:
        """The value that ``text`` stands for; raises ValueError."""
        if self.choices:
            return self.check(name, text)
        pattern = _WHOLE if self.whole else _NUMBER
        if not pattern.fullmatch(text):
            kind = "a whole number" if self.whole else "a number"
            raise ValueError(f"{name} must be {kind}, got {text[:40]!r}.")
        return self.check(name, int(text) if self.whole else float(text))


NAMES = tuple(EXPERIMENTS)  # of the presets

KNOBS: dict[str, Knob] = {
    "seed": Knob("Seed", 0, 2**31 - 1, whole=True, live=False),
    "d_steps": Knob("D steps a round", 0, 200, whole=True),
    "g_steps": Knob("G steps a round", 0, 200, whole=True),
    "turn": Knob("Who moves", choices=("both", "d", "g")),
    "lr": Knob("Learning rate of G", 0, 100),
    "tau": Knob("tau: rate of D / of G", 0, 1e6),
    "optimizer": Knob("Optimizer", choices=tuple(optim.OPTIMIZERS)),
    "loss": Knob("Loss", choices=tuple(losses.LOSSES)),
    "smoothing": Knob("D's target for real points", 0.01, 1),
    "noise": Knob("Instance noise", 0, 100),
    "noise_kind": Knob("Noise on real and fake", choices=("shared", "independent")),
    "penalty": Knob("Penalty", choices=("none", *penalties.PENALTIES)),
    "weight": Knob("Weight of the penalty", 0, 1e4),
    "batch": Knob("Batch size", 1, 4096, whole=True),
}
"""Every knob of the lab, in the order in which a string names them."""


@dataclass(frozen=True)
class Config:
    """All settings of a run. ``str(config)`` names the preset and what differs from it.

    lr is G's learning rate, tau * lr is D's. ``turn="d"`` makes each update one D step alone, "g"
    one G step. ``smoothing`` is D's target for real points, 1 for none. Raises TypeError or
    ValueError for settings out of their bounds or that do not go together.
    """

    preset: str = "normal"
    seed: int = 0
    d_steps: int = 1
    g_steps: int = 1
    turn: str = "both"
    lr: float = 0.1
    tau: float = 1.0
    optimizer: str = "sgd"
    loss: str = "saturating"
    smoothing: float = 1.0
    noise: float = 0.0
    noise_kind: str = "shared"
    penalty: str = "none"
    weight: float = 1.0
    batch: int = 10

    def __post_init__(self) -> None:
        _checks.choice("preset", self.preset, NAMES)
        for name, knob in KNOBS.items():
            object.__setattr__(self, name, knob.check(name, getattr(self, name)))
        losses.smoothed(losses.get(self.loss), self.smoothing)  # some losses have no labels

    def changed(self, **knobs: Any) -> Config:
        """The same settings with some changed. ValueError lists the knobs where one is unknown."""
        for name in knobs:
            _checks.choice("knob", name, KNOBS)
        return replace(self, **knobs)

    def differences(self, other: Config) -> dict[str, Any]:
        """{knob: own value} where ``other`` has another value."""
        return {k: getattr(self, k) for k in KNOBS if getattr(self, k) != getattr(other, k)}

    def __str__(self) -> str:
        return _segment(self.preset, self.differences(PRESETS[self.preset]))


def _presets() -> dict[str, Config]:
    shared = ("d_steps", "g_steps", "noise", "loss", "lr", "tau")
    return {
        name: Config(name, **{key: getattr(experiment, key) for key in shared})
        for name, experiment in EXPERIMENTS.items()
    }


PRESETS: dict[str, Config] = _presets()
"""The settings that each experiment of the course starts with."""


def preset(name: str, **knobs: Any) -> Config:
    """The settings of a preset, some changed. Raises ValueError listing the known names."""
    return PRESETS[_checks.choice("preset", name, PRESETS)].changed(**knobs)


@dataclass(frozen=True)
class Replay:
    """A run as data: first settings, {step: {knob: value}}, and the number of updates made.

    A change at step s acts from the update that leads from s to s + 1. Raises ValueError for steps
    or changes out of order, out of bounds, or of a knob that needs a new run.
    """

    start: Config
    changes: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    steps: int = 0

    def __post_init__(self) -> None:
        if len(self.changes) > MAX_CHANGES:
            raise ValueError(f"at most {MAX_CHANGES} changes fit into one run: start a new one.")
        config, before = self.start, -1
        for step, knobs in self.changes.items():
            if step <= before:
                raise ValueError(f"changes must be in order, but step {step} follows {before}.")
            fixed = [name for name in knobs if name not in KNOBS or not KNOBS[name].live]
            if fixed:
                raise ValueError(f"{fixed[0]} cannot be changed during a run (at step {step}).")
            config, before = config.changed(**knobs), step
        _checks.whole("steps", self.steps, least=max(before, 0))
        _checks.real("steps", self.steps, most=MAX_STEPS)

    def __str__(self) -> str:
        parts = [str(self.start)]
        parts += [_segment(str(step), knobs) for step, knobs in self.changes.items()]
        if self.steps > max(self.changes, default=0):
            parts.append(str(self.steps))
        return "/".join(parts)

    @classmethod
    def parse(cls, text: str) -> Replay:
        """The run that a string stands for. ValueError says what is wrong with any other string."""
        _checks.instance("replay string", text, str)
        if len(text) > MAX_LENGTH:
            raise ValueError(
                f"a replay string has at most {MAX_LENGTH} characters, got {len(text)}."
            )
        first, *rest = text.strip().split("/")
        name, knobs = _read(first)
        start = preset(name, **knobs)
        changes: dict[int, dict[str, Any]] = {}
        steps = 0
        for position, part in enumerate(rest):
            head, knobs = _read(part)
            if not _WHOLE.fullmatch(head) or int(head) < steps or int(head) in changes:
                raise ValueError(
                    f"step {head[:40]!r} must be a whole number above the one before it."
                )
            steps = int(head)
            if knobs:
                changes[steps] = knobs
            elif position < len(rest) - 1:
                raise ValueError(f"nothing is changed at step {steps}.")
        return cls(start, changes, steps)


def _segment(head: str, knobs: Mapping[str, Any]) -> str:
    return ",".join([head, *(f"{name}={value}" for name, value in knobs.items())])


def _read(segment: str) -> tuple[str, dict[str, Any]]:
    """("noisy", {"seed": 3}) from "noisy,seed=3"."""
    head, *pairs = segment.split(",")
    knobs: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not _WORD.fullmatch(name) or name in knobs:
            raise ValueError(f"expected knob=value, each knob once, got {pair[:60]!r}.")
        knobs[name] = KNOBS[_checks.choice("knob", name, KNOBS)].read(name, value)
    return head, knobs


def resolve(given: str | Config | Replay, **knobs: Any) -> Replay:
    """A preset's name, a replay string, settings or a replay, as a replay; knobs change its start.

    Raises TypeError or ValueError.
    """
    _checks.instance("config", given, (str, Config, Replay), "Pass a preset's name, as 'normal'.")
    if isinstance(given, Config):
        given = Replay(given)
    elif isinstance(given, str):
        given = Replay.parse(given)
    return replace(given, start=given.start.changed(**knobs))


def facts(config: Config) -> dict[str, Any]:
    """The settings as a plain dictionary, for a History's meta."""
    return asdict(config)

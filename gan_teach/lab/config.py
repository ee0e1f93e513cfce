"""The settings of a run in the lab, the presets that it starts from, and a run as a short text.

A run is its first settings, the changes made on the way, each at a step, and the step it reached::

    noisy,seed=3,d_steps=20,draws=2/120,d_steps=5/130,noise=0.5/500

is the preset ``noisy`` with two numbers changed, 5 instead of 20 D steps from step 120 on, less
noise from 130 on, and stands at step 500. ``draws`` is the version of what a seed and a step draw
(see ``streams.DRAWS``); settings alone, of which nothing is drawn yet, do without it. Such a text
is data: it is read by patterns, bounded in length, and every value is checked as a function
argument is. Nothing in it is evaluated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache, partial
from itertools import chain
from pathlib import Path
from typing import Any

from gan_teach import _checks, zoo
from gan_teach.dynamics import RULES, optim
from gan_teach.dynamics.streams import DRAWS
from gan_teach.games import losses, penalties
from gan_teach.lab import own_data
from gan_teach.zoo.experiments import EXPERIMENTS

TYPICAL = Path(__file__).with_name("typical.json")
"""What 200 runs of each preset came to, and which of them is the median (tutorial/_make)."""

MAX_LENGTH = 50_000  # characters of a run's text
MAX_CHANGES = 1_000  # steps at which something was changed
MAX_STEPS = 1_000_000

_WHOLE = re.compile(r"[0-9]{1,10}", re.ASCII)
_NUMBER = re.compile(r"([0-9]{1,20}\.?[0-9]{0,20}|\.[0-9]{1,20})([eE][+-]?[0-9]{1,3})?", re.ASCII)

OPTIMIZERS = {
    **optim.OPTIMIZERS,
    "adam0": partial(optim.Adam, betas=(0.0, 0.9)),
    "adam05": partial(optim.Adam, betas=(0.5, 0.999)),
}
"""The library's optimizers, and Adam without momentum and with half of the usual one, as published
GANs use it."""

WORDS = {
    "adam0": "Adam without momentum",
    "adam05": "Adam with momentum 0.5",
    "adam": "Adam",
    "sgd": "SGD",
    "momentum": "SGD with momentum",
}
"""What a menu or a sentence calls a value whose name in a text says too little."""

DATA = {
    "line": ("ten-points", "fresh-points"),
    "plane": tuple(own_data.SOURCES),
    "dirac": ("one-point",),
    "images": ("digits", "fifty-digits"),
}
"""The data sets of each world. A world is a kind of game with a picture of its own."""
NETWORKS = ("plane", "images")  # the worlds of games of networks


# -- the presets, as what differs from the defaults -----------------------------------------------

_PUBLISHED = {
    "lr": zoo.FIVE_GAUSSIANS.lr, "batch": zoo.FIVE_GAUSSIANS.batch_size, "optimizer": "adam0",
    "loss": "non_saturating", "noise_kind": "independent",
}  # fmt: skip
_POINT = {
    "data": "one-point", "rule": "simultaneous", "batch": 1, "noise_kind": "independent",
    "lr": zoo.DIRAC_LEARNING_RATE,
}  # fmt: skip
_R1 = {"penalty": "r1", "weight": 0.3}
_DIGITS = {
    "data": "digits", "width": 16, "latent": 8, "lr": 1e-3, "batch": 32, "optimizer": "adam05",
    "loss": "non_saturating", "noise_kind": "independent",
}  # fmt: skip
_CHANGES: dict[str, dict[str, dict[str, Any]]] = {
    "line": {
        name: {key: getattr(experiment, key)
               for key in ("d_steps", "g_steps", "noise", "loss", "lr", "tau")}
        for name, experiment in EXPERIMENTS.items()
    },
    "plane": {
        "five-gaussians": _PUBLISHED | {"data": "five-gaussians"},
        "rs-gan": _PUBLISHED | {"data": "five-gaussians", "loss": "relativistic"},
        "dragan": _PUBLISHED | {"data": "five-gaussians", "penalty": "dragan", "weight": 10.0},
        "eight-gaussians": _PUBLISHED | {"data": "eight-gaussians"},
        "grid-25": _PUBLISHED | {"data": "grid-25", "lr": 1e-3},
        "two-gaussians": _PUBLISHED | {"data": "two-gaussians"},
        "half-circles": _PUBLISHED | {"data": "half-circles", "lr": 1e-3, "smoothing": 0.9},
        "spirals": _PUBLISHED | {"data": "spirals", "lr": 1e-3},
    },
    "dirac": {
        "dirac": _POINT,
        "dirac-r1": _POINT | _R1,
        "timescale": _POINT | _R1 | {"lr": 0.05, "tau": 8.0},
    },
    "images": {
        "digits": _DIGITS,
        "digits-dragan": _DIGITS | {"norm": "none", "penalty": "dragan", "weight": 1.0},
    },
}  # fmt: skip
WORLD_OF = {name: world for world, presets in _CHANGES.items() for name in presets}
"""Every preset, and the kind of game it is."""


# -- settings -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Knob:
    """One setting: what it may be and how it is called beside its slider.

    Whole numbers and numbers lie between ``low`` and ``high``; a knob with ``choices`` is one of
    those words, and the data may be a learner's own. ``live`` knobs change a run on its way, the
    others start it anew. ``worlds`` are those that have the knob. ``slider`` has ends and a step,
    of powers of ten where a fourth entry is true.
    """

    label: str
    low: float = 0
    high: float = 0
    choices: tuple[str, ...] = ()
    whole: bool = False
    live: bool = True
    worlds: tuple[str, ...] = tuple(DATA)
    slider: tuple[Any, ...] = ()
    unit: str = ""

    @property
    def accepts(self) -> str:
        """What may be typed: "a whole number from 0 to 200"."""
        kind = "a whole number" if self.whole else "a number"
        return f"{kind} from {self.low:.12g} to {self.high:.12g}{self.unit and ', in '}{self.unit}"

    @property
    def heading(self) -> str:
        """Its name beside a box, with its unit."""
        return ", ".join(filter(None, (self.label, self.unit)))

    def check(self, name: str, value: Any) -> Any:
        """``value`` as a plain int, float or str; raises TypeError or ValueError."""
        if name == "data" and own_data.is_own(value):
            return own_data.check(value)
        if self.choices:
            return str(_checks.choice(name, value, self.choices))
        if self.whole:
            value = _checks.whole(name, value, least=int(self.low))
            return int(_checks.real(name, value, most=self.high))
        return _checks.real(name, value, least=self.low, most=self.high)

    def shown(self, value: Any) -> str:
        """A value as a menu or a sentence names it."""
        if isinstance(value, float):
            return f"{value:.4g}"
        word = str(value)
        if own_data.is_own(word):
            return own_data.label(word)
        return WORDS.get(word, word.replace("_", " "))

    def read(self, name: str, text: str) -> Any:
        """The value that ``text`` stands for; raises ValueError."""
        if self.choices:
            return self.check(name, text)
        pattern = _WHOLE if self.whole else _NUMBER
        if not pattern.fullmatch(text.strip()):
            raise ValueError(f"{name} must be {self.accepts}, got {text[:40]!r}.")
        return self.check(name, int(text) if self.whole else float(text))


def _setting(default: Any, label: str, low: float = 0, high: float = 0, **about: Any) -> Any:
    """A field of ``Config`` with its knob; its default says whether it is a whole number."""
    knob = Knob(label, low, high, whole=isinstance(default, int), **about)
    return field(default=default, metadata={"knob": knob})


@dataclass(frozen=True)
class Config:
    """All settings of a run. ``str(config)`` names the preset and what differs from it.

    lr is G's learning rate, tau * lr is D's. ``turn="d"`` makes each update one D step alone, "g"
    one G step. ``smoothing`` is D's target for real points, 1 for none. Raises TypeError or
    ValueError for settings out of their bounds or that do not go together.
    """

    preset: str = "normal"
    seed: int = _setting(0, "Seed", 0, 2**31 - 1, live=False)
    data: str = _setting("ten-points", "Data", choices=tuple(chain(*DATA.values())), live=False)
    width: int = _setting(128, "Units of a layer", 1, 512, live=False, worlds=NETWORKS)
    depth: int = _setting(2, "Hidden layers", 0, 5, live=False, worlds=("plane",))
    latent: int = _setting(2, "Latent dimensions", 1, 100, live=False, worlds=NETWORKS)
    norm: str = _setting("batch", "Norm of D", choices=("batch", "none"), live=False,
                         worlds=("images",))  # fmt: skip
    rule: str = _setting("alternating", "Update rule", choices=tuple(RULES))
    d_steps: int = _setting(1, "D steps a round", 0, 200, slider=(0, 50, 1))
    g_steps: int = _setting(1, "G steps a round", 0, 200, slider=(0, 50, 1))
    turn: str = _setting("both", "Who moves", choices=("both", "d", "g"))
    lr: float = _setting(0.1, "Learning rate of G", 0, 100, slider=(-5, 1, 0.05, True))
    tau: float = _setting(1.0, "tau: rate of D / of G", 0, 1e6, slider=(-3, 3, 0.05, True))
    optimizer: str = _setting("sgd", "Optimizer", choices=tuple(OPTIMIZERS))
    loss: str = _setting("saturating", "Loss", choices=tuple(losses.LOSSES))
    smoothing: float = _setting(1.0, "D's target for real points", 0.01, 1, slider=(0.5, 1.0, 0.05))
    noise: float = _setting(0.0, "Instance noise", 0, 100, slider=(0.0, 3.0, 0.05),
                            unit="units of x")  # fmt: skip
    noise_kind: str = _setting(
        "shared", "Noise on real and fake", choices=("shared", "independent")
    )
    penalty: str = _setting("none", "Penalty", choices=("none", *penalties.PENALTIES))
    weight: float = _setting(1.0, "Weight of the penalty", 0, 1e4, slider=(-3, 2, 0.05, True))
    batch: int = _setting(10, "Batch size", 1, 4096)

    def __post_init__(self) -> None:
        _checks.choice("preset", self.preset, WORLD_OF)
        for name, knob in KNOBS.items():
            object.__setattr__(self, name, knob.check(name, getattr(self, name)))
            foreign = self.world not in knob.worlds
            if foreign and getattr(self, name) != getattr(Config, name):
                raise ValueError(f"{name} has no meaning for {self.preset!r}, whose game is given.")
        if not own_data.is_own(self.data) or self.world != "plane":
            _checks.choice(f"data for {self.preset!r}", self.data, DATA[self.world])
        losses.smoothed(losses.get(self.loss), self.smoothing)  # some losses have no labels

    @property
    def world(self) -> str:
        """The kind of game: "line", "plane", "dirac" or "images"."""
        return WORLD_OF[self.preset]

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


KNOBS: dict[str, Knob] = {
    setting.name: setting.metadata["knob"] for setting in fields(Config) if setting.metadata
}
"""Every knob of the lab, in the order in which a text names them."""

PRESETS = {
    name: Config(name, **knobs) for presets in _CHANGES.values() for name, knobs in presets.items()
}
"""The settings that each experiment of the course starts with."""


def preset(name: str, **knobs: Any) -> Config:
    """The settings of a preset, some changed. Raises ValueError listing the known names."""
    return PRESETS[_checks.choice("preset", name, PRESETS)].changed(**knobs)


@cache
def typical(name: str) -> Mapping[str, Any]:
    """What runs of a preset came to: ``good`` of them did what is ``told`` within so many
    ``rounds``, and that of ``seed`` is the median (see tutorial/_make/typical.py)."""
    return json.loads(TYPICAL.read_text("utf-8"))[_checks.choice("preset", name, PRESETS)]


def opening(name: str) -> Config:
    """A preset with the seed of its median run, as the lab's menu opens it."""
    return preset(name, seed=typical(name)["seed"])


def outlook(config: Config) -> str:
    """How often runs of a preset do what they should; nothing for settings of one's own."""
    if config.changed(seed=0) != PRESETS[config.preset]:
        return ""
    own = typical(config.preset)
    return (
        f"In {len(own['ends'])} runs of this preset, {own['good']} {own['told']} after "
        f"{own['rounds']:,} rounds. Seed {own['seed']} is the median of them."
    )


def named(changes: Mapping[str, Any]) -> str:
    """ "Penalty r1, Instance noise 0.5": settings in words."""
    return ", ".join(f"{KNOBS[k].label} {KNOBS[k].shown(v)}" for k, v in changes.items())


# -- a run and its text ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Replay:
    """A run as data: first settings, {step: {knob: value}}, and the number of updates made.

    A change at step s acts from the update that leads from s to s + 1. ``draws`` is the version of
    the draws. Raises ValueError for steps and values out of bounds, for a knob that needs a new
    run, and for other draws than ``streams.DRAWS``, which cannot be repeated.
    """

    start: Config
    changes: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    steps: int = 0
    draws: int = DRAWS

    def __post_init__(self) -> None:
        if self.draws != DRAWS:
            raise ValueError(
                f"this run is of draws of version {self.draws}, and this gan_teach draws by "
                f"version {DRAWS}: it would be another run. Repeat it with the release that wrote "
                f"it, or write draws={DRAWS}, as in {self.start.preset},draws={DRAWS}/"
                f"{self.steps}, to see these settings with other draws."
            )
        _checks.real("changes of a run", len(self.changes), most=MAX_CHANGES, hint="Start anew.")
        config = self.start
        for step, knobs in self.changes.items():
            fixed = [name for name in knobs if name not in KNOBS or not KNOBS[name].live]
            if fixed:
                raise ValueError(f"{fixed[0]} cannot be changed during a run (at round {step}).")
            config = config.changed(**knobs)
        _checks.whole("steps", self.steps, least=max(self.changes, default=0))
        _checks.real("steps", self.steps, most=MAX_STEPS)

    def __str__(self) -> str:
        drawn = f",draws={self.draws}" if self.changes or self.steps else ""
        parts = [f"{self.start}{drawn}"]
        parts += [_segment(str(step), knobs) for step, knobs in self.changes.items()]
        if self.steps > max(self.changes, default=0):
            parts.append(str(self.steps))
        return "/".join(parts)

    @classmethod
    def parse(cls, text: str) -> Replay:
        """The run that a text stands for. ValueError says what is wrong with any other text."""
        _checks.instance("replay string", text, str)
        _checks.real("characters of a replay string", len(text), most=MAX_LENGTH)
        first, *rest = text.strip().split("/")
        name, knobs = _read(first)
        draws = knobs.pop("draws", 1 if rest else DRAWS)  # the first version was not written down
        start, steps = preset(name, **knobs), 0
        changes: dict[int, dict[str, Any]] = {}
        for part in rest:
            head, knobs = _read(part)
            if not _WHOLE.fullmatch(head) or int(head) < steps or int(head) in changes:
                raise ValueError(
                    f"round {head[:40]!r} must be a whole number above the one before it."
                )
            steps = int(head)
            if knobs:
                changes[steps] = knobs
        return cls(start, changes, steps, draws)

    @classmethod
    def of(cls, run: str | Config | Replay | None, **knobs: Any) -> Replay:
        """A preset's name, a run's text, settings or a replay, as a replay; knobs change its start.

        None is the preset "normal" or, for data of one's own, "five-gaussians" with these data.
        Raises TypeError or ValueError.
        """
        if run is None:
            run = "five-gaussians" if own_data.is_own(knobs.get("data", "")) else "normal"
        _checks.instance("config", run, (str, Config, cls), "Pass a preset's name, as 'normal'.")
        replay = cls(run) if isinstance(run, Config) else run
        if isinstance(replay, str):
            replay = cls.parse(replay)
        return replace(replay, start=replay.start.changed(**knobs))


def _segment(head: str, knobs: Mapping[str, Any]) -> str:
    """noisy,seed=3: a name or step and the knobs that are set there."""
    return ",".join([head, *(f"{name}={value}" for name, value in knobs.items())])


def _read(segment: str) -> tuple[str, dict[str, Any]]:
    """("noisy", {"seed": 3}) from "noisy,seed=3"."""
    head, *pairs = segment.split(",")
    known, knobs = {**KNOBS, "draws": Knob("Version of the draws", 1, 999, whole=True)}, {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or name in knobs:
            raise ValueError(f"expected knob=value, each knob once, got {pair[:60]!r}.")
        knobs[name] = known[_checks.choice("knob", name, known)].read(name, value)
    return head, knobs

"""A run as a short string that repeats it.

A run is its first settings, the changes made on the way, each at a step, and the step it reached::

    noisy,seed=3,d_steps=20,draws=2/120,d_steps=5/130,noise=0.5/500

is the preset ``noisy`` with two numbers changed, 5 instead of 20 D steps from step 120 on, less
noise from 130 on, and stands at step 500. ``draws`` is the version of what a seed and a step draw
(see ``streams.DRAWS``); settings alone, of which nothing is drawn yet, do without it. Such a string
is data: it is read by patterns, bounded in length, and every value is checked as a function
argument is. Nothing in it is evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gan_teach import _checks
from gan_teach.dynamics.streams import DRAWS
from gan_teach.lab import own_data
from gan_teach.lab.config import Config, preset
from gan_teach.lab.knobs import KNOBS

MAX_LENGTH = 50_000  # characters of a replay string
MAX_CHANGES = 1_000  # steps at which something was changed
MAX_STEPS = 1_000_000

_WORD = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_DRAWS = re.compile(r"(.*),draws=([0-9]{1,3})", re.ASCII | re.DOTALL)
_STEP = re.compile(r"[0-9]{1,10}", re.ASCII)


@dataclass(frozen=True)
class Replay:
    """A run as data: first settings, {step: {knob: value}}, and the number of updates made.

    A change at step s acts from the update that leads from s to s + 1. ``draws`` is the version of
    the draws. Raises ValueError for steps or changes out of order, out of bounds, or of a knob that
    needs a new run, and for other draws than ``streams.DRAWS``, which cannot be repeated.
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
        drawn = self.changes or self.steps
        parts = [f"{self.start},draws={self.draws}" if drawn else str(self.start)]
        parts += [segment(str(step), knobs) for step, knobs in self.changes.items()]
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
        version = _DRAWS.fullmatch(first)
        draws = 1 if rest else DRAWS  # the first version was not written down
        if version:
            first, draws = version[1], int(version[2])
        name, knobs = _read(first)
        start = preset(name, **knobs)
        changes: dict[int, dict[str, Any]] = {}
        steps = 0
        for position, part in enumerate(rest):
            head, knobs = _read(part)
            if not _STEP.fullmatch(head) or int(head) < steps or int(head) in changes:
                raise ValueError(
                    f"step {head[:40]!r} must be a whole number above the one before it."
                )
            steps = int(head)
            if knobs:
                changes[steps] = knobs
            elif position < len(rest) - 1:
                raise ValueError(f"nothing is changed at step {steps}.")
        return cls(start, changes, steps, draws)


def segment(head: str, knobs: Mapping[str, Any]) -> str:
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


def resolve(given: str | Config | Replay | None, **knobs: Any) -> Replay:
    """A preset's name, a replay string, settings or a replay, as a replay; knobs change its start.

    None is the preset "normal" or, for data of one's own, "five-gaussians" with these data. Raises
    TypeError or ValueError.
    """
    if given is None:
        given = "five-gaussians" if own_data.is_own(knobs.get("data", "")) else "normal"
    _checks.instance("config", given, (str, Config, Replay), "Pass a preset's name, as 'normal'.")
    if isinstance(given, Config):
        given = Replay(given)
    elif isinstance(given, str):
        given = Replay.parse(given)
    return replace(given, start=given.start.changed(**knobs))

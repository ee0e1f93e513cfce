"""What can be set in the lab, and between which bounds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import Any

from gan_teach import _checks
from gan_teach.dynamics import RULES, optim
from gan_teach.games import losses, penalties
from gan_teach.lab import own_data

_WHOLE = re.compile(r"[0-9]{1,10}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?(e[+-]?[0-9]{1,3})?", re.ASCII)

OPTIMIZERS = {**optim.OPTIMIZERS, "adam0": partial(optim.Adam, betas=(0.0, 0.9))}
"""The library's optimizers, and Adam without momentum as published GANs use it."""

DATA = {
    "line": ("ten-points", "fresh-points"),
    "plane": ("five-gaussians", "eight-gaussians", "grid-25", "two-gaussians", "half-circles",
              "spirals"),
    "dirac": ("one-point",),
}  # fmt: skip
"""The data sets of each world. A world is a kind of game with a picture of its own."""


@dataclass(frozen=True)
class Knob:
    """One setting: what it may be and how it is called beside its slider.

    Whole numbers and numbers lie between ``low`` and ``high``; a knob with ``choices`` is one of
    those words or, where ``own``, a learner's own data. ``live`` knobs change a run on its way, the
    others start it anew. ``world`` names the only world that has the knob, or is empty.
    """

    label: str
    low: float = 0
    high: float = 0
    choices: tuple[str, ...] = ()
    whole: bool = False
    live: bool = True
    world: str = ""
    own: bool = False

    def check(self, name: str, value: Any) -> Any:
        """``value`` as a plain int, float or str; raises TypeError or ValueError."""
        if self.own and own_data.is_own(value):
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
        return own_data.label(value) if self.own and own_data.is_own(value) else str(value)

    def read(self, name: str, text: str) -> Any:
        """The value that ``text`` stands for; raises ValueError."""
        if self.choices:
            return self.check(name, text)
        pattern = _WHOLE if self.whole else _NUMBER
        if not pattern.fullmatch(text):
            kind = "a whole number" if self.whole else "a number"
            raise ValueError(f"{name} must be {kind}, got {text[:40]!r}.")
        return self.check(name, int(text) if self.whole else float(text))


KNOBS: dict[str, Knob] = {
    "seed": Knob("Seed", 0, 2**31 - 1, whole=True, live=False),
    "data": Knob(
        "Data", choices=tuple(x for known in DATA.values() for x in known), live=False, own=True
    ),
    "width": Knob("Units of a layer", 1, 512, whole=True, live=False, world="plane"),
    "depth": Knob("Hidden layers", 0, 5, whole=True, live=False, world="plane"),
    "latent": Knob("Latent dimensions", 1, 100, whole=True, live=False, world="plane"),
    "rule": Knob("Update rule", choices=tuple(RULES)),
    "d_steps": Knob("D steps a round", 0, 200, whole=True),
    "g_steps": Knob("G steps a round", 0, 200, whole=True),
    "turn": Knob("Who moves", choices=("both", "d", "g")),
    "lr": Knob("Learning rate of G", 0, 100),
    "tau": Knob("tau: rate of D / of G", 0, 1e6),
    "optimizer": Knob("Optimizer", choices=tuple(OPTIMIZERS)),
    "loss": Knob("Loss", choices=tuple(losses.LOSSES)),
    "smoothing": Knob("D's target for real points", 0.01, 1),
    "noise": Knob("Instance noise", 0, 100),
    "noise_kind": Knob("Noise on real and fake", choices=("shared", "independent")),
    "penalty": Knob("Penalty", choices=("none", *penalties.PENALTIES)),
    "weight": Knob("Weight of the penalty", 0, 1e4),
    "batch": Knob("Batch size", 1, 4096, whole=True),
}
"""Every knob of the lab, in the order in which a string names them."""

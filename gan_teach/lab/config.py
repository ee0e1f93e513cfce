"""The settings of a run in the lab, and the presets that it starts from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from gan_teach import _checks, zoo
from gan_teach.games import losses
from gan_teach.lab import own_data
from gan_teach.lab.knobs import DATA, KNOBS
from gan_teach.zoo.experiments import EXPERIMENTS

WORLD_OF: dict[str, str] = {
    **dict.fromkeys(EXPERIMENTS, "line"),
    **dict.fromkeys(
        ("five-gaussians", "rs-gan", "dragan", "eight-gaussians", "grid-25", "two-gaussians",
         "half-circles", "spirals"), "plane",
    ),
    **dict.fromkeys(("dirac", "dirac-r1", "timescale"), "dirac"),
}  # fmt: skip
"""Every preset, and the kind of game it is."""


@dataclass(frozen=True)
class Config:
    """All settings of a run. ``str(config)`` names the preset and what differs from it.

    lr is G's learning rate, tau * lr is D's. ``turn="d"`` makes each update one D step alone, "g"
    one G step. ``smoothing`` is D's target for real points, 1 for none. Raises TypeError or
    ValueError for settings out of their bounds or that do not go together.
    """

    preset: str = "normal"
    seed: int = 0
    data: str = "ten-points"
    width: int = 128
    depth: int = 2
    latent: int = 2
    rule: str = "alternating"
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
        _checks.choice("preset", self.preset, WORLD_OF)
        for name, knob in KNOBS.items():
            object.__setattr__(self, name, knob.check(name, getattr(self, name)))
            foreign = knob.world not in ("", self.world)
            if foreign and getattr(self, name) != getattr(Config, name):
                raise ValueError(f"{name} has no meaning for {self.preset!r}, whose game is given.")
        if not own_data.is_own(self.data) or self.world != "plane":
            _checks.choice(f"data for {self.preset!r}", self.data, DATA[self.world])
        losses.smoothed(losses.get(self.loss), self.smoothing)  # some losses have no labels

    @property
    def world(self) -> str:
        """The kind of game: "line", "plane" or "dirac"."""
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
        return segment(self.preset, self.differences(PRESETS[self.preset]))


def segment(head: str, knobs: Mapping[str, Any]) -> str:
    """noisy,seed=3: a name or step and the knobs that are set there."""
    return ",".join([head, *(f"{name}={value}" for name, value in knobs.items())])


def _line_presets() -> dict[str, Config]:
    shared = ("d_steps", "g_steps", "noise", "loss", "lr", "tau")
    return {
        name: Config(name, **{key: getattr(experiment, key) for key in shared})
        for name, experiment in EXPERIMENTS.items()
    }


def _plane_presets() -> dict[str, Config]:
    published = zoo.FIVE_GAUSSIANS
    base: dict[str, Any] = {
        "lr": published.lr, "batch": published.batch_size, "optimizer": "adam0",
        "loss": "non_saturating", "noise_kind": "independent",
    }  # fmt: skip
    changes: dict[str, dict[str, Any]] = {
        "five-gaussians": {},
        "rs-gan": {"loss": "relativistic", "data": "five-gaussians"},
        "dragan": {"penalty": "dragan", "weight": 10.0, "data": "five-gaussians"},
        "eight-gaussians": {},
        "grid-25": {"lr": 1e-3},
        "two-gaussians": {},
        "half-circles": {"lr": 1e-3, "smoothing": 0.9},
        "spirals": {"lr": 1e-3},
    }
    return {name: Config(name, **{**base, "data": name, **own}) for name, own in changes.items()}


def _dirac_presets() -> dict[str, Config]:
    base: dict[str, Any] = {
        "data": "one-point", "rule": "simultaneous", "batch": 1, "noise_kind": "independent",
    }  # fmt: skip
    r1 = {**base, "penalty": "r1", "weight": 0.3}
    return {
        "dirac": Config("dirac", **base, lr=zoo.DIRAC_LEARNING_RATE),
        "dirac-r1": Config("dirac-r1", **r1, lr=zoo.DIRAC_LEARNING_RATE),
        "timescale": Config("timescale", **r1, lr=0.05, tau=8.0),
    }


PRESETS: dict[str, Config] = {**_line_presets(), **_plane_presets(), **_dirac_presets()}
"""The settings that each experiment of the course starts with."""


def preset(name: str, **knobs: Any) -> Config:
    """The settings of a preset, some changed. Raises ValueError listing the known names."""
    return PRESETS[_checks.choice("preset", name, PRESETS)].changed(**knobs)


def facts(config: Config) -> dict[str, Any]:
    """The settings as a plain dictionary, for a History's meta."""
    return asdict(config)

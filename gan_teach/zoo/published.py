"""Published image GANs and sweeps by name: ``published.toml`` holds their settings.

config = zoo.image_gan("cifar-rsgan-cnn", features=16, lr=1e-4)
run = config.train(config.game(images), steps=1000)
train_images(config, "runs/mine")            # of studies.image_runs: a folder that resumes
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from gan_teach import _checks
from gan_teach.zoo.images import ImageGAN, changed


class Grid(NamedTuple):
    """Runs that were published together: of each configuration, values of some settings."""

    summary: str
    parts: Mapping[str, Mapping[str, Sequence[Any]]]


def _configurations(tables: Mapping[str, dict[str, Any]]) -> dict[str, ImageGAN]:
    made: dict[str, ImageGAN] = {}
    for name, own in tables.items():
        base = own.pop("extends", None)
        make = ImageGAN if base is None else partial(replace, made[base])
        made[name] = make(name=name, **own)
    return made


_TABLES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))

GRIDS: Mapping[str, Grid] = {name: Grid(**own) for name, own in _TABLES.pop("grids").items()}
"""Published sweeps by the names that ``gan-teach sweep`` takes."""

IMAGE_GANS: Mapping[str, ImageGAN] = _configurations(_TABLES)
"""The published image experiments by the names that ``gan-teach train`` takes."""


def image_gan(name: str, /, **changes: Any) -> ImageGAN:
    """The published experiment of that name with ``changes``; ValueError for unknown names."""
    return changed(IMAGE_GANS[_checks.choice("NAME", name, IMAGE_GANS)], **changes)

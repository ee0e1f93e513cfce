"""Each kind of game by its name."""

from __future__ import annotations

from gan_teach.lab.config import Config
from gan_teach.lab.dirac import DiracWorld
from gan_teach.lab.line import LineWorld
from gan_teach.lab.plane import PlaneWorld
from gan_teach.lab.world import World

WORLDS: dict[str, type[World]] = {"line": LineWorld, "plane": PlaneWorld, "dirac": DiracWorld}


def world_of(config: Config) -> World:
    """The world in which ``config`` is played."""
    return WORLDS[config.world](config)

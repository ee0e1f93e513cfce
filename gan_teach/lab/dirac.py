"""The lab on the Dirac-GAN: two numbers, so that a run is a path in the plane."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gan_teach import zoo
from gan_teach.analysis import spectra
from gan_teach.dynamics.streams import generator
from gan_teach.games import GAN, Batch
from gan_teach.lab.config import Config
from gan_teach.lab.frame import Arrows, Chart, Layer, Lines, Points
from gan_teach.lab.world import Row, Rows, World, curve, dress, gradient_chart
from gan_teach.training import probes

REACH = 2.0  # of the picture, to every side
_PLACES = np.stack(np.meshgrid(*2 * [np.linspace(-REACH, REACH, 13)]), -1).reshape(-1, 2)
_SAMPLES = 200  # for the field and the eigenvalues, where noise makes them averages


class DiracWorld(World):
    """All data at 0, G(z) = theta, D's logit psi x (Mescheder et al., 2018, section 2)."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.axes = {
            "view": (-REACH, REACH, -REACH, REACH),
            "xlabel": "theta, where the generator puts its point",
            "ylabel": "psi, slope of the discriminator",
        }
        self.probes["params"] = probes.params()
        self._flow: tuple[Config, NDArray] | None = None

    def make(self, config: Config) -> GAN:
        return zoo.dirac_gan()

    def follow(self, row: Row, config: Config) -> Row:
        theta, psi = row["params"]
        return {"theta": theta, "psi": psi, "distance": np.hypot(theta, psi)}

    def static(self, last: Row) -> dict[str, Any]:
        return {"equilibrium": np.zeros(2)}

    def expectation(self, game: GAN, config: Config) -> Batch:
        return game.draw(_SAMPLES if config.noise else 1, generator(0))

    def equilibrium(self, batch: Batch, spread: float) -> Tensor:
        return torch.zeros(2, dtype=batch.real.dtype)

    def layers(self, rows: Rows, config: Config, hidden: Collection[str]) -> dict[str, Layer]:
        path = np.stack([row["params"] for row in rows.values()])
        flow = self._directions(config)
        return {
            "flow": Arrows(_PLACES, flow, "flow", "where both players push"),
            "path": Lines(path, "path", "path of the run"),
            "goal": Points(np.zeros((1, 2)), "goal", "equilibrium"),
            "here": Points(path[-1:], "here", "now"),
        }

    def charts(self, rows: Rows, config: Config, hidden: Collection[str]) -> tuple[Chart, ...]:
        numbers = curve(rows, "theta", "fake", "theta"), curve(rows, "psi", "discriminator", "psi")
        distance = curve(rows, "distance", "value", "distance")
        return (
            Chart("Both numbers", numbers, ((0.0, "0"),)),
            Chart("Distance to (0, 0)", (distance,), log=True),
            gradient_chart(rows),
        )

    def narrate(self, row: Row) -> str:
        theta, psi = row["params"]
        away = f"{row['distance']:.3g} from the equilibrium (0, 0)"
        return f"theta = {theta:.3f}, psi = {psi:.3f}, {away}"

    def note(self, row: Row) -> str:
        return "the path has left the picture" if np.abs(row["params"]).max() > REACH else ""

    def _directions(self, config: Config) -> NDArray:
        """v = (-dL_G/dtheta, -tau dL_D/dpsi) at places of a grid, longest arrow one grid step."""
        if self._flow is None or self._flow[0] != config:
            game = dress(self.make(config), config)
            batch = self.expectation(game, config)
            field = spectra.vector_field(game, batch, torch.as_tensor(_PLACES)).numpy()
            field = field * np.array([1.0, config.tau])
            longest = float(np.hypot(*field.T).max()) or 1.0
            self._flow = config, field * (2 * REACH / 12 / longest)
        return self._flow[1]

"""The lab on the Dirac-GAN: two numbers, so that a run is a path in the plane."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gan_teach import zoo
from gan_teach.analysis import spectra
from gan_teach.dynamics.streams import generator
from gan_teach.games import GAN
from gan_teach.history import History
from gan_teach.lab.config import Config
from gan_teach.lab.frame import Arrows, Chart, Frame, Lines, Points
from gan_teach.lab.steering import dress
from gan_teach.lab.world import Row, Rows, World, curve, gradient_chart, minus, update_disc
from gan_teach.training import State, probes

REACH = 2.0  # of the picture, to every side
_PLACES = np.stack(np.meshgrid(*2 * [np.linspace(-REACH, REACH, 13)]), -1).reshape(-1, 2)
_SAMPLES = 200  # for the field and the eigenvalues, where noise makes them averages


class DiracWorld(World):
    """All data at 0, G(z) = theta, D's logit psi x (Mescheder et al., 2018, section 2)."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._probes = {
            "params": probes.params(),
            "d_grad": probes.gradient_norm("d"),
            "g_grad": probes.gradient_norm("g"),
        }
        self._flow: tuple[Config, NDArray] | None = None

    def make(self, config: Config) -> GAN:
        return zoo.dirac_gan()

    def measure(self, state: State, config: Config) -> Row:
        row: Row = {name: probe(state).numpy().copy() for name, probe in self._probes.items()}
        theta, psi = row["params"]
        row["distance"] = np.hypot(theta, psi)
        row["theta"], row["psi"] = theta, psi
        return {**row, "config": config}

    def history(self, rows: Rows) -> History:
        last = next(reversed(rows.values()))
        arrays = {k: np.stack([row[k] for row in rows.values()]) for k in last if k != "config"}
        experiment = last["config"].preset
        meta = {"experiment": experiment, "title": experiment, "unit": self.unit}
        return History(list(rows), arrays, {"equilibrium": np.zeros(2)}, meta)

    def frame(
        self, state: State, rows: Rows, config: Config, hidden: Collection[str] = ()
    ) -> Frame:
        step, row = next(reversed(rows.items()))
        batch = self.game.draw(_SAMPLES if config.noise else 1, generator(0))
        numbers = curve(rows, "theta", "fake", "theta"), curve(rows, "psi", "discriminator", "psi")
        distance = curve(rows, "distance", "value", "distance")
        outside = np.abs(row["params"]).max() > REACH
        return Frame(
            step=step,
            title=self.name(step),
            narration=self._narration(step, row),
            view=(-REACH, REACH, -REACH, REACH),
            layers=self._layers(rows, config),
            charts=(
                Chart("Both numbers", numbers, ((0.0, "0"),)),
                Chart("Distance to (0, 0)", (distance,), log=True),
                gradient_chart(rows),
            ),
            disc=update_disc(self.game, config, batch),
            xlabel="theta, where the generator puts its point",
            ylabel="psi, slope of the discriminator",
            unit=self.unit,
            note="the path has left the picture" if outside else "",
        )

    def _layers(self, rows: Rows, config: Config) -> dict[str, Any]:
        path = np.stack([row["params"] for row in rows.values()])
        flow = self._directions(config)
        return {
            "flow": Arrows(_PLACES, flow, "flow", "where both players push"),
            "path": Lines(path, "path", "path of the run"),
            "goal": Points(np.zeros((1, 2)), "goal", "equilibrium"),
            "here": Points(path[-1:], "here", "now"),
        }

    def _directions(self, config: Config) -> NDArray:
        """v = (-dL_G/dtheta, -tau dL_D/dpsi) at places of a grid, longest arrow one grid step."""
        if self._flow is None or self._flow[0] != config:
            game = self.make(config)
            dress(game, config)
            batch = game.draw(_SAMPLES if config.noise else 1, generator(0))
            field = spectra.vector_field(game, batch, torch.as_tensor(_PLACES)).numpy()
            field = field * np.array([1.0, config.tau])
            longest = float(np.hypot(*field.T).max()) or 1.0
            self._flow = config, field * (2 * REACH / 12 / longest)
        return self._flow[1]

    def _narration(self, step: int, row: Row) -> str:
        theta, psi = row["params"]
        if not np.isfinite(row["params"]).all():
            return f"{self.name(step)}: the run has diverged. Reset or rewind it."
        return minus(
            f"{self.name(step)}: theta = {theta:.3f}, psi = {psi:.3f}, "
            f"{row['distance']:.3g} from the equilibrium (0, 0)."
        )

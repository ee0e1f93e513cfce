"""The lab on the line: the 1-D tutorial as a world that a session can run and show."""

from __future__ import annotations

import math
from collections.abc import Collection
from itertools import groupby
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gan_teach.analysis import spectra
from gan_teach.dynamics.streams import generator
from gan_teach.games import GAN, Batch
from gan_teach.history import History
from gan_teach.lab import world
from gan_teach.lab.config import Config
from gan_teach.lab.frame import Arrows, Chart, Layer, Lines, Points
from gan_teach.lab.world import Row, Rows, World
from gan_teach.training import probes
from gan_teach.zoo import line
from gan_teach.zoo.experiments import GRID, equilibrium_eigenvalues

VIEW = (float(GRID[0]), float(GRID[-1]), -0.64, 1.08)
RAIL, LATENT_RAIL = 0.0, -0.5  # heights of the samples and of the latents
DRAWN = line.BATCH_SIZE


class LineWorld(World):
    """The 1-D tutorial; rows have the keys of ``experiments.run``."""

    unit = "game"
    hidden = frozenset({world.HISTOGRAM})

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.axes = {
            "view": VIEW,
            "xlabel": "x (upper rail) and z (lower rail)",
            "yticks": ((0.0, "0"), (0.5, "1/2"), (1.0, "1")),
        }
        self.latent = line.LATENT.sample(DRAWN, generator(1))[:, 0].numpy()
        self.real = self.game.data.sample(DRAWN, generator(2))[:, 0].numpy()
        self.density = line.DATA.density(torch.as_tensor(GRID)[:, None]).numpy()
        self.probes |= {
            "params": probes.params(),
            "fake": probes.samples(DRAWN, seed=1),  # at the latents above
            "d_grid": probes.discriminator_on(torch.as_tensor(GRID)),
            "scores": probes.scores(200, seed=1),
        }

    def make(self, config: Config) -> GAN:
        return line.line_gan(config.seed, fresh_data=config.data == "fresh-points")

    def follow(self, row: Row, config: Config) -> Row:
        w, b = row["params"][:2]
        finite = math.isfinite(w) and math.isfinite(b)
        best = line.optimal_discriminator(GRID, w, b, config.noise) if finite else GRID * math.nan
        d_real, d_fake = row["scores"]
        return {"fake": row["fake"][:, 0], "d_star": best, "d_real": d_real, "d_fake": d_fake}

    def static(self, last: Row) -> dict[str, Any]:
        theory = equilibrium_eigenvalues(self.game, last["params"], last["config"].noise)
        return {
            "grid": GRID,
            "latent": self.latent,
            "real": self.real,
            "real_density": self.density,
            "eigenvalues_theory": theory,
        }

    def history(self, rows: Rows) -> History:
        self._add_eigenvalues(rows)
        return super().history(rows)

    def _add_eigenvalues(self, rows: Rows) -> None:
        """Of the Hessian of V, for all rows that lack them and were made under the same settings
        together."""
        fresh = [row for row in rows.values() if "eigenvalues" not in row]
        for config, group in groupby(fresh, key=lambda row: row["config"]):
            alike = list(group)
            game = world.dress(self.make(config), config)
            params = np.stack([row["params"] for row in alike])
            values = spectra.spectra(game, params, self.expectation(game, config), of="value")
            for row, own in zip(alike, values, strict=True):
                row |= {"eigenvalues": own, "objective": -row["d_loss"]}

    def expectation(self, game: GAN, config: Config) -> Batch:
        return line.expectation_batch(game)

    def equilibrium(self, batch: Batch, spread: float) -> Tensor:
        mean = float(batch.real.mean())
        return torch.tensor([spread, mean - spread / 2, 0.0, 0.0], dtype=batch.real.dtype)

    # -- the picture

    def layers(self, rows: Rows, config: Config, hidden: Collection[str]) -> dict[str, Layer]:
        row = next(reversed(rows.values()))
        fake = row["fake"]
        at = _at(self.latent, LATENT_RAIL)
        return {
            "density": Lines(_over(self.density), "density", "true density"),
            "d_star": Lines(_over(row["d_star"]), "theory", "best answer D*(x)"),
            "d": Lines(_over(row["d_grid"]), "discriminator", "discriminator D(x)"),
            "arrows": Arrows(at, _at(fake, RAIL) - at, "latent", "G takes z to G(z)"),
            "latent": Points(at, "latent", "latent points z"),
            "real": Points(_at(self.real, RAIL), "real", "real points x"),
            "fake": Points(_at(fake, RAIL), "fake", "generated points G(z)"),
        }

    def charts(self, rows: Rows, config: Config, hidden: Collection[str]) -> tuple[Chart, ...]:
        value = world.curve(rows, "d_loss", "value", "V", -1.0)
        charts = Chart("Objective V", (value,), _levels(config)), world.gradient_chart(rows)
        charts += (world.score_chart(rows, config),)
        if world.HISTOGRAM not in hidden:
            fake = next(reversed(rows.values()))["fake"]
            charts += (world.score_histogram(self.game, self.real[:, None], fake[:, None]),)
        return charts

    def narrate(self, row: Row) -> str:
        parts = [f"D(x) = {row['d_real']:.2f}", f"D(G(z)) = {row['d_fake']:.2f}"]
        if math.isfinite(row["d_loss"]):
            parts.insert(0, f"V = {-row['d_loss']:.3f}")
        fake, real = row["fake"], self.real
        parts.append(
            f"generated points with mean {fake.mean():.2f} and standard deviation {fake.std():.2f}"
            f" (real {real.mean():.2f} and {real.std():.2f})"
        )
        return ", ".join(parts)

    def note(self, row: Row) -> str:
        fake = row["fake"]
        outside = int(((fake < VIEW[0]) | (fake > VIEW[1])).sum())
        text = f"{outside} of {fake.size} generated points lie outside the picture"
        return text if outside else ""


def _at(x: NDArray, height: float) -> NDArray:
    return np.stack([x, np.full(len(x), height)], 1)


def _over(values: NDArray) -> NDArray:
    return np.stack([GRID, values], 1)


def _levels(config: Config) -> tuple[tuple[float, str], ...]:
    """V at the equilibrium with its name, where the loss fixes it."""
    loss, _ = world.loss_levels(config)
    if loss is None:
        return ()
    names_of = {2 * math.log(2): "−2 log 2", math.log(2): "−log 2"}
    names = [name for level, name in names_of.items() if abs(level - loss) < 1e-12]
    return ((-loss, names[0] if names else world.minus(f"{-loss:.3g}")),)

"""The lab on the line: the 1-D tutorial as a world that a session can run and show."""

from __future__ import annotations

import math
from collections.abc import Collection
from itertools import groupby
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gan_teach.analysis import spectra
from gan_teach.dynamics.streams import generator
from gan_teach.games import GAN
from gan_teach.history import History
from gan_teach.lab.config import Config
from gan_teach.lab.frame import Arrows, Chart, Frame, Lines, Points
from gan_teach.lab.steering import dress
from gan_teach.lab.world import (
    HISTOGRAM,
    Row,
    Rows,
    World,
    curve,
    gradient_chart,
    loss_levels,
    minus,
    score_chart,
    score_histogram,
    update_disc,
)
from gan_teach.training import State, probes
from gan_teach.zoo import line
from gan_teach.zoo.experiments import GRID, equilibrium_eigenvalues

VIEW = (float(GRID[0]), float(GRID[-1]), -0.64, 1.08)
RAIL, LATENT_RAIL = 0.0, -0.5  # heights of the samples and of the latents
DRAWN = line.BATCH_SIZE


class LineWorld(World):
    """The 1-D tutorial; rows have the keys of ``experiments.run``."""

    unit = "game"
    hidden = frozenset({HISTOGRAM})

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.latent = line.LATENT.sample(DRAWN, generator(1))[:, 0].numpy()
        self.real = self.game.data.sample(DRAWN, generator(2))[:, 0].numpy()
        self.density = line.DATA.density(torch.as_tensor(GRID)[:, None]).numpy()
        self._probes = {
            "params": probes.params(),
            "d_grad": probes.gradient_norm("d"),
            "g_grad": probes.gradient_norm("g"),
            "fake": probes.samples(DRAWN, seed=1),  # at the latents above
            "d_grid": probes.discriminator_on(torch.as_tensor(GRID)),
            "scores": probes.scores(200, seed=1),
        }

    def make(self, config: Config) -> GAN:
        return line.line_gan(config.seed, fresh_data=config.data == "fresh-points")

    def measure(self, state: State, config: Config) -> Row:
        row: Row = {name: probe(state).numpy().copy() for name, probe in self._probes.items()}
        w, b = row["params"][:2]
        row["fake"] = row["fake"][:, 0]
        row["d_star"] = (
            line.optimal_discriminator(GRID, w, b, config.noise)
            if math.isfinite(w) and math.isfinite(b)
            else np.full(len(GRID), np.nan)
        )
        row["d_real"], row["d_fake"] = row["scores"]
        return {**row, "config": config}

    def history(self, rows: Rows) -> History:
        self._add_eigenvalues(rows)
        last = next(reversed(rows.values()))
        arrays = {k: np.stack([row[k] for row in rows.values()]) for k in last if k != "config"}
        arrays["objective"] = -arrays["d_loss"]
        static = {
            "grid": GRID,
            "latent": self.latent,
            "real": self.real,
            "real_density": self.density,
            "eigenvalues_theory": equilibrium_eigenvalues(
                self.game, last["params"], last["config"].noise
            ),
        }
        experiment = last["config"].preset
        meta = {"experiment": experiment, "title": experiment, "unit": self.unit}
        return History(list(rows), arrays, static, meta)

    def _add_eigenvalues(self, rows: Rows) -> None:
        """Of the Hessian of V, for all rows that lack them and were made under the same settings
        together."""
        lacking = [row for row in rows.values() if "eigenvalues" not in row]
        for config, group in groupby(lacking, key=lambda row: row["config"]):
            alike = list(group)
            game = self.make(config)
            dress(game, config)
            params = np.stack([row["params"] for row in alike])
            batch = line.expectation_batch(game)
            for row, values in zip(
                alike, spectra.spectra(game, params, batch, of="value"), strict=True
            ):
                row["eigenvalues"] = values

    # -- the picture

    def frame(
        self, state: State, rows: Rows, config: Config, hidden: Collection[str] = ()
    ) -> Frame:
        step, row = next(reversed(rows.items()))
        value = curve(rows, "d_loss", "value", "V", -1.0)
        extra = ()
        if HISTOGRAM not in hidden:
            fake = row["fake"][:, None]
            extra = (score_histogram(self.game, self.real[:, None], fake, config),)
        return Frame(
            step=step,
            title=self.name(step),
            narration=self._narration(step, row),
            view=VIEW,
            layers=self._layers(row),
            charts=(
                Chart("Objective V", (value,), _levels(config)),
                gradient_chart(rows),
                score_chart(rows, config),
                *extra,
            ),
            disc=update_disc(self.game, config, line.expectation_batch(self.game)),
            xlabel="x (upper rail) and z (lower rail)",
            yticks=((0.0, "0"), (0.5, "1/2"), (1.0, "1")),
            unit=self.unit,
            note=_note(row["fake"]),
        )

    def _layers(self, row: Row) -> dict[str, Any]:
        fake = row["fake"]
        low = np.full(DRAWN, LATENT_RAIL)
        at = np.stack([self.latent, low], 1)
        up = np.stack([fake - self.latent, np.full(DRAWN, RAIL - LATENT_RAIL)], 1)
        return {
            "density": Lines(_over(self.density), "density", "true density"),
            "d_star": Lines(_over(row["d_star"]), "theory", "best answer D*(x)"),
            "d": Lines(_over(row["d_grid"]), "discriminator", "discriminator D(x)"),
            "arrows": Arrows(at, up, "latent", "G takes z to G(z)"),
            "latent": Points(at, "latent", "latent points z"),
            "real": Points(_on(self.real), "real", "real points x"),
            "fake": Points(_on(fake), "fake", "generated points G(z)"),
        }

    def _narration(self, step: int, row: Row) -> str:
        if not np.isfinite(row["params"]).all():
            return f"{self.name(step)}: the run has diverged. Reset or rewind it."
        parts = [f"D(x) = {row['d_real']:.2f}", f"D(G(z)) = {row['d_fake']:.2f}"]
        if math.isfinite(row["d_loss"]):
            parts.insert(0, f"V = {-row['d_loss']:.3f}")
        fake, real = row["fake"], self.real
        parts.append(
            f"generated points with mean {fake.mean():.2f} and standard deviation {fake.std():.2f}"
            f" (real {real.mean():.2f} and {real.std():.2f})"
        )
        return minus(f"{self.name(step)}: {', '.join(parts)}.")


def _on(x: NDArray) -> NDArray:
    return np.stack([x, np.full(len(x), RAIL)], 1)


def _note(fake: NDArray) -> str:
    if not np.isfinite(fake).all():
        return "the run has diverged"
    outside = int(((fake < VIEW[0]) | (fake > VIEW[1])).sum())
    return f"{outside} of {fake.size} generated points lie outside the picture" if outside else ""


def _over(values: NDArray) -> NDArray:
    return np.stack([GRID, values], 1)


def _levels(config: Config) -> tuple[tuple[float, str], ...]:
    """V at the equilibrium with its name, where the loss fixes it."""
    loss, _ = loss_levels(config)
    if loss is None:
        return ()
    known = {2 * math.log(2): "−2 log 2", math.log(2): "−log 2"}
    names = [name for level, name in known.items() if abs(level - loss) < 1e-12]
    return ((-loss, names[0] if names else minus(f"{-loss:.3g}")),)

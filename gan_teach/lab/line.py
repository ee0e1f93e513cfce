"""The lab on the line: the 1-D tutorial and the Dirac-GAN, games of four numbers and of two.

Beside the picture stand the eigenvalues of a round, taken as a linear map M near the present point
(see ``dynamics.linear``). Its leading pair of complex eigenvalues s foretells a turn in
2 pi / |arg s| rounds, in which the distance changes by the factor |s| ^ (rounds of a turn): below 1
the run spirals in, above 1 out, at 1 it circles for ever.
"""

import math
from abc import abstractmethod
from collections.abc import Collection, Mapping
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from gan_teach import zoo
from gan_teach.analysis import spectra
from gan_teach.dynamics.linear import rotation_period, step_spectrum
from gan_teach.dynamics.streams import generator
from gan_teach.games import GAN, Batch
from gan_teach.history import History
from gan_teach.lab import world
from gan_teach.lab.config import Config
from gan_teach.lab.frame import DISC, Arrows, Chart, Disc, Layer, Lines, Points
from gan_teach.lab.world import Row, Rows, Scores, World
from gan_teach.metrics import NoiseBand
from gan_teach.training import State, probes
from gan_teach.zoo import line
from gan_teach.zoo.experiments import GRID, SHOWN, constants, equilibrium_eigenvalues

VIEW = (float(GRID[0]), float(GRID[-1]), -0.64, 1.08)
RAIL, LATENT_RAIL = 0.0, -0.5  # heights of the samples and of the latents
SLOW = 1e4  # rounds: a turn that takes longer is none

REACH = 2.0  # of the Dirac-GAN's picture, to every side
_PLACES = np.stack(np.meshgrid(*2 * [np.linspace(-REACH, REACH, 13)]), -1).reshape(-1, 2)
_SAMPLES = 200  # for its field and eigenvalues, where noise makes them averages


class Forecast(NamedTuple):
    """``period`` rounds to a turn (inf: no turn), ``factor`` on the distance in one turn, and
    ``modulus``, the largest |s| among the eigenvalues of a round that turn (of all, if none)."""

    period: float
    factor: float
    modulus: float

    def __str__(self) -> str:
        if not math.isfinite(self.period):
            return f"largest |s| = {self.modulus:.4f}, no turn"
        return f"|s| = {self.modulus:.4f}, a turn in {self.period:.0f} rounds"


def foretold(values: NDArray[np.complex128]) -> Forecast:
    """What the leading pair of eigenvalues of a round foretells."""
    s = max((s for s in values if rotation_period(s) < SLOW), key=abs, default=None)
    if s is None:
        return Forecast(math.inf, 1.0, float(np.abs(values).max()))
    period, modulus = rotation_period(s), float(abs(s))
    beyond = period * math.log10(max(modulus, 1.0)) > 308  # more than a number holds
    return Forecast(period, math.inf if beyond else modulus**period, modulus)


class SmallWorld(World):
    """A game of so few numbers that a round is a matrix, with an equilibrium that is known."""

    @abstractmethod
    def expectation(self, game: GAN, config: Config) -> Batch:
        """A batch that stands for the expectation over all of them."""

    @abstractmethod
    def equilibrium(self, spread: float) -> NDArray:
        """Parameters of the equilibrium at which G's samples have this spread."""

    def round_spectrum(self, config: Config, at: NDArray | None = None) -> NDArray[np.complex128]:
        """The eigenvalues of one round around the present point, or another one. Exact for SGD.
        Empty where the gradients are not finite."""
        batch = self.expectation(self.game, config)
        point = None if at is None else torch.as_tensor(at).to(batch.real)
        jacobian = spectra.jacobian(self.game, batch, point)
        if not np.isfinite(jacobian.matrix).all() or config.lr == 0:
            return np.empty(0, dtype=complex)
        rule = world.update_rule(config.changed(turn="both"))
        return step_spectrum(rule, jacobian, config.lr, config.tau)

    def disc(self, config: Config) -> Disc:
        if config.optimizer != "sgd":  # the memory of others would be a part of it
            return Disc(DISC, np.empty((0, 2)), "only for plain SGD")
        values = self.round_spectrum(config)
        words = str(foretold(values)) if len(values) else ""
        return Disc(DISC, _over(values.real, values.imag), words)


class LineWorld(SmallWorld):
    """The 1-D tutorial; rows have the keys of ``experiments.run``."""

    def __init__(self, config: Config) -> None:
        game = line.line_gan(config.seed, fresh_data=config.data == "fresh-points")
        super().__init__(
            game, constants(game), view=VIEW, xlabel="x (upper rail) and z (lower rail)",
            yticks=((0.0, "0"), (0.5, "1/2"), (1.0, "1")),
        )  # fmt: skip
        self.probes |= {"params": probes.params(), **SHOWN}

    def measure(self, state: State, config: Config) -> Row:
        row = super().measure(state, config)
        w, b = row["params"][:2]
        finite = math.isfinite(w) and math.isfinite(b)
        best = line.optimal_discriminator(GRID, w, b, config.noise) if finite else GRID * math.nan
        row["d_real"], row["d_fake"] = row["scores"]
        row["objective"] = -row["d_loss"]
        return {**row, "fake": row["fake"][:, 0], "d_star": best}

    def scores(self, row: Row) -> Scores:
        """How far the means are apart: no more of the data is seen by a D that is a line."""
        w, b = row["params"][:2]
        real = self.expectation(self.game, row["config"]).real
        gap = abs(w / 2 + b - float(real.mean())) / float(real.std(correction=0))
        return {"distance of the means, in standard deviations": (gap, NoiseBand(0.0, 0.5))}

    def history(self, rows: Rows) -> History:
        """With V and the eigenvalues of its Hessian, found together for all rows that were made
        under the same settings."""
        for config, group in groupby(rows.values(), key=lambda row: row["config"]):
            alike = list(group)
            game = world.dress(LineWorld(config).game, config)
            params = np.stack([row["params"] for row in alike])
            values = spectra.spectra(game, params, self.expectation(game, config), of="value")
            for row, own in zip(alike, values, strict=True):
                row["eigenvalues"] = own
        last = world.newest(rows)
        theory = equilibrium_eigenvalues(self.game, last["params"], last["config"].noise)
        return super().history(rows).describe(static={"eigenvalues_theory": theory})

    def expectation(self, game: GAN, config: Config) -> Batch:
        return line.expectation_batch(game)

    def equilibrium(self, spread: float) -> NDArray:
        mean = float(line.expectation_batch(self.game).real.mean())
        return np.array([spread, mean - spread / 2, 0.0, 0.0])

    # -- the picture

    def layers(self, rows: Rows, config: Config, hidden: Collection[str]) -> dict[str, Layer]:
        row, static = world.newest(rows), self.static
        at, fake = _over(static["latent"], LATENT_RAIL), _over(row["fake"], RAIL)
        return {
            "density": Lines(_over(GRID, static["real_density"]), "density", "true density"),
            "d_star": Lines(_over(GRID, row["d_star"]), "theory", "best answer D*(x)"),
            "d": Lines(_over(GRID, row["d_grid"]), "discriminator", "discriminator D(x)"),
            "arrows": Arrows(at, fake - at, "latent", "G takes z to G(z)"),
            "latent": Points(at, "latent", "latent points z"),
            "real": Points(_over(static["real"], RAIL), "real", "real points x"),
            "fake": Points(fake, "fake", "generated points G(z)"),
        }

    def thumbnails(self, row: Row, layers: Mapping[str, Layer]) -> tuple[Mapping[str, Layer], ...]:
        parts = ["latent"], ["latent", "arrows", "fake"], ["real", "fake"], ["d_star", "d"]
        return world.chosen(layers, *parts)

    def charts(self, rows: Rows, config: Config, hidden: Collection[str]) -> list[Chart]:
        value, levels, unit = ("objective", "value", "V"), _levels(config), world.loss_unit(config)
        objective = world.chart("Objective V", rows, value, levels=levels, unit=unit)
        return [objective, world.gradient_chart(rows), world.score_chart(rows, config)]

    def words(self, row: Row) -> tuple[str, str]:
        fake, real = row["fake"], self.static["real"]
        value = f"V = {row['objective']:.3f}, " if math.isfinite(row["objective"]) else ""
        numbers = (
            f"{value}D(x) = {row['d_real']:.2f}, D(G(z)) = {row['d_fake']:.2f}, "
            f"generated points with mean {fake.mean():.2f} and standard deviation {fake.std():.2f} "
            f"(real {real.mean():.2f} and {real.std():.2f})"
        )
        outside = int(((fake < VIEW[0]) | (fake > VIEW[1])).sum())
        note = f"{outside} of {fake.size} generated points lie outside the picture"
        return numbers, note if outside else ""


def _over(x: NDArray, y: NDArray | float) -> NDArray:
    """The points (x, y)."""
    return np.stack(np.broadcast_arrays(x, y), 1)


def _levels(config: Config) -> tuple[tuple[float, str], ...]:
    """V at the equilibrium with its name, where the loss fixes it."""
    loss, _ = world.loss_levels(config)
    if loss is None:
        return ()
    for level, name in ((2 * math.log(2), "−2 log 2"), (math.log(2), "−log 2")):
        if abs(level - loss) < 1e-12:
            return ((-loss, name),)
    return ((-loss, world.minus(f"{-loss:.3g}")),)


# -- the Dirac-GAN --------------------------------------------------------------------------------


class DiracWorld(SmallWorld):
    """All data at 0, G(z) = theta, D's logit psi x (Mescheder et al., 2018, section 2)."""

    def __init__(self, config: Config) -> None:
        super().__init__(
            zoo.dirac_gan(), {"equilibrium": np.zeros(2)}, view=(-REACH, REACH, -REACH, REACH),
            xlabel="theta, where the generator puts its point",
            ylabel="psi, slope of the discriminator",
        )  # fmt: skip
        self.probes["params"] = probes.params()

    def measure(self, state: State, config: Config) -> Row:
        row = super().measure(state, config)
        theta, psi = row["params"]
        return {**row, "theta": theta, "psi": psi, "distance": np.hypot(theta, psi)}

    def scores(self, row: Row) -> Scores:
        return {"distance from the equilibrium": (row["distance"], NoiseBand(0.0, 0.1))}

    def expectation(self, game: GAN, config: Config) -> Batch:
        return game.draw(_SAMPLES if config.noise else 1, generator(0))

    def equilibrium(self, spread: float) -> NDArray:
        return np.zeros(2)

    def layers(self, rows: Rows, config: Config, hidden: Collection[str]) -> dict[str, Layer]:
        path = np.stack([row["params"] for row in rows.values()])
        return {
            "flow": Arrows(_PLACES, _directions(config), "flow", "where both players push"),
            "path": Lines(path, "path", "path of the run"),
            "goal": Points(np.zeros((1, 2)), "goal", "equilibrium"),
            "here": Points(path[-1:], "here", "now"),
        }

    def thumbnails(self, row: Row, layers: Mapping[str, Layer]) -> tuple[Mapping[str, Layer], ...]:
        """There is no z; D is its logit psi x over x."""
        theta, psi = row["params"]
        fake = {"fake": Points(np.array([[theta, 0.0]]), "fake", "G(z) = theta")}
        real = {"real": Points(np.zeros((1, 2)), "real", "x = 0")}
        ends = np.array([-REACH, REACH])
        logit = Lines(_over(ends, psi * ends), "discriminator", "D's logit psi x")
        return {}, fake, real | fake, {"d": logit}

    def charts(self, rows: Rows, config: Config, hidden: Collection[str]) -> list[Chart]:
        numbers = ("theta", "fake", "theta"), ("psi", "discriminator", "psi")
        return [
            world.chart("Both numbers", rows, *numbers, levels=((0.0, "0"),)),
            world.chart("Distance to (0, 0)", rows, ("distance", "value", "distance"), log=True),
            world.gradient_chart(rows),
        ]

    def words(self, row: Row) -> tuple[str, str]:
        theta, psi = row["params"]
        away = f"{row['distance']:.3g} from the equilibrium (0, 0)"
        outside = max(abs(theta), abs(psi)) > REACH
        note = "the path has left the picture" if outside else ""
        return f"theta = {theta:.3f}, psi = {psi:.3f}, {away}", note


@lru_cache(maxsize=2)
def _directions(config: Config) -> NDArray:
    """v = (-dL_G/dtheta, -tau dL_D/dpsi) at places of a grid, longest arrow one grid step."""
    own = DiracWorld(config)
    batch = own.expectation(world.dress(own.game, config), config)
    field = spectra.vector_field(own.game, batch, torch.as_tensor(_PLACES)).numpy()
    field = field * np.array([1.0, config.tau])
    longest = float(np.hypot(*field.T).max()) or 1.0
    return field * (2 * REACH / 12 / longest)

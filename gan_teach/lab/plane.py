"""The lab in the plane: real and generated points over the discriminator's field."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gan_teach import data, metrics
from gan_teach.dynamics.streams import generator, mix
from gan_teach.games import GAN
from gan_teach.history import History
from gan_teach.lab import own_data
from gan_teach.lab.config import Config
from gan_teach.lab.frame import Arrows, Chart, Disc, Field, Frame, Layer, Lines, Points
from gan_teach.lab.turning import obstacle, round_spectrum
from gan_teach.lab.world import (
    DISC,
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
    spiral,
)
from gan_teach.models import MLP, evaluating
from gan_teach.training import State, probes

SOURCES: dict[str, tuple[Callable[[], Any], float]] = {
    "five-gaussians": (data.ring, 1.7),
    "eight-gaussians": (lambda: data.ring(8, 2.0, 0.02), 3.0),
    "grid-25": (data.grid, 3.0),
    "two-gaussians": (data.two_gaussians, 2.0),
    "half-circles": (data.half_circles, 26.0),
    "spirals": (data.spirals, 3.0),
}
"""Each data set's name: how it is made, and how far its picture reaches to every side."""

DISTANCE = "Distance to the data"
DISC_EVERY = 50  # rounds from one set of eigenvalues to the next
SHOWN = 256  # points of each kind
PUSHED = 64  # of them with an arrow
CELLS = 48  # of the field, along each side
EDGE = 2.0  # of the lattice of latents


class PlaneWorld(World):
    """Two multilayer perceptrons and a distribution in the plane, with latents N(0, I)."""

    every = 5

    def __init__(self, config: Config) -> None:
        self.source, self.reach = _source(config.data)
        super().__init__(config)
        scored = hasattr(self.source, "locate")
        self.hidden = frozenset(
            {"best", "manifold", HISTOGRAM, DISC, *([DISTANCE] if scored else [])}
        )
        self._disc: tuple[Any, Disc] = None, Disc(DISC, np.empty((0, 2)))
        self.real = self.source.sample(SHOWN, generator(config.seed, 1)).numpy()
        self._cells = _cells(self.reach)
        self._lattice = _lattice(config.latent)
        self._latents = self.game.latent.sample(SHOWN, generator(1))  # those of the probe "fake"
        self._probes = {
            "d_grad": probes.gradient_norm("d"),
            "g_grad": probes.gradient_norm("g"),
            "fake": probes.samples(SHOWN, seed=1),
            "scores": probes.scores(SHOWN, seed=1),
        }

    def make(self, config: Config) -> GAN:
        width, seed = [config.width] * config.depth, config.seed
        return GAN(
            MLP(config.latent, 2, width=width, seed=mix(seed, 1)),
            MLP(2, 1, width=width, activation="leaky_relu", out_bias=False, seed=mix(seed, 2)),
            data=data.Points.drawn(self.source, 10_000, seed=mix(seed, 3)),
            latent=data.Normal(dim=config.latent),
        )

    def measure(self, state: State, config: Config) -> Row:
        row: Row = {name: probe(state).numpy().copy() for name, probe in self._probes.items()}
        row["d_real"], row["d_fake"] = row.pop("scores")
        report = self._report(row["fake"])
        row["covered"] = math.nan if report is None else report.covered / report.modes
        row["quality"] = math.nan if report is None else report.high_quality
        finite = bool(np.isfinite(row["fake"]).all())
        row["distance"] = metrics.sliced_wasserstein(row["fake"], self.real) if finite else math.nan
        told = "no modes to count" if report is None else str(report)
        return {**row, "config": config, "told": told}

    def _report(self, fake: NDArray) -> Any:
        scored = hasattr(self.source, "locate") and bool(np.isfinite(fake).all())
        return metrics.mode_report(fake, self.source) if scored else None

    def history(self, rows: Rows) -> History:
        last = next(reversed(rows.values()))
        kept = last.keys() - {"config", "told"}
        arrays = {k: np.stack([row[k] for row in rows.values()]) for k in last if k in kept}
        static = {"real": self.real}
        if hasattr(self.source, "modes"):
            static["modes"] = self.source.modes.numpy()
        experiment = last["config"].preset
        meta = {"experiment": experiment, "title": experiment, "unit": self.unit}
        return History(list(rows), arrays, static, meta)

    # -- the picture

    def frame(
        self, state: State, rows: Rows, config: Config, hidden: Collection[str] = ()
    ) -> Frame:
        step, row = next(reversed(rows.items()))
        reach, diverged = self.reach, not np.isfinite(row["fake"]).all()
        outside = int((np.abs(row["fake"]).max(1) > reach).sum())
        note = f"{outside} points lie outside" if outside else ""
        return Frame(
            step=step,
            title=self.name(step),
            narration=self._narration(step, row, diverged),
            view=(-reach, reach, -reach, reach),
            layers=self._layers(row, frozenset(hidden)),
            charts=self._charts(rows, config, hidden),
            disc=None if DISC in hidden else self._eigenvalues(state, config, diverged),
            xlabel="x₁",
            ylabel="x₂",
            unit=self.unit,
            note="the run has diverged" if diverged else note,
            drawable=True,
        )

    def _charts(self, rows: Rows, config: Config, hidden: Collection[str]) -> tuple[Chart, ...]:
        charts = self._losses(rows, config), gradient_chart(rows), score_chart(rows, config)
        if hasattr(self.source, "locate"):
            charts += (self._modes(rows),)
        if DISTANCE not in hidden:
            own = (curve(rows, "distance", "value", ""),)
            charts += (Chart(DISTANCE, own, band=self._real_distance, log=True),)
        if HISTOGRAM not in hidden:
            fake = next(reversed(rows.values()))["fake"]
            charts += (score_histogram(self.game, self.real, fake, config),)
        return charts

    def _eigenvalues(self, state: State, config: Config, diverged: bool) -> Disc:
        """Those of a round farthest from 1; found anew every so often, since it takes a while."""
        why = "" if diverged else obstacle(state, config)
        if diverged or why:
            return Disc(DISC, np.empty((0, 2)), why)
        moment = config, state.step // DISC_EVERY
        if self._disc[0] != moment:
            batch = self.game.draw(SHOWN, generator(config.seed, 7))
            values = round_spectrum(state, config, batch)
            xy = np.stack([values.real, values.imag], 1)
            text = f"{self.name(state.step)}: {spiral(values)}" if len(values) else ""
            self._disc = moment, Disc(DISC, xy, text)
        return self._disc[1]

    def _losses(self, rows: Rows, config: Config) -> Chart:
        d, g = loss_levels(config)
        levels = {"D": d, "G": g} if d != g else {"both": d}
        named = tuple((v, minus(f"{who}: {v:.3g}")) for who, v in levels.items() if v is not None)
        both = curve(rows, "d_loss", "discriminator", "of D"), curve(rows, "g_loss", "generator",
                                                                      "of G")  # fmt: skip
        return Chart("Losses", both, named)

    def _modes(self, rows: Rows) -> Chart:
        shares = (
            curve(rows, "covered", "real", "modes found"),
            curve(rows, "quality", "fake", "points on one"),
        )
        return Chart("Modes", shares, ylim=(-0.03, 1.13), band=self._real_quality)

    @cached_property
    def _real_quality(self) -> tuple[float, float, str]:
        """Where the share of points on a mode lies for real points."""
        band = metrics.mode_noise_bands(self.source, SHOWN)["high_quality"]
        return band.low, band.high, "real points"

    @cached_property
    def _real_distance(self) -> tuple[float, float, str]:
        """The distance from real to other real points."""
        band = metrics.noise_band(metrics.sliced_wasserstein, self.source, SHOWN)
        return band.low, band.high, "real points"

    def _layers(self, row: Row, hidden: frozenset[str]) -> dict[str, Any]:
        game, reach = self.game, self.reach
        extent = (-reach, reach, -reach, reach)
        fake = row["fake"]
        layers: dict[str, Any] = {}
        with torch.no_grad(), evaluating(game.generator, game.discriminator):
            if "field" not in hidden:
                d = torch.sigmoid(game.critic(self._cells)).reshape(CELLS, CELLS)
                layers["field"] = Field(d.numpy(), extent, "field", "discriminator D(x)")
            if "best" not in hidden:
                layers["best"] = Field(self._best(fake), extent, "field", "best answer D*(x)")
            if "manifold" not in hidden:
                warped = game.generate(self._lattice).numpy()
                layers["manifold"] = Lines(_broken(warped), "manifold", "lattice of z, after G")
        layers["real"] = Points(self.real, "real", "real points x")
        if hasattr(self.source, "modes"):
            layers["modes"] = Points(self.source.modes.numpy(), "mode", "modes")
        layers["fake"] = Points(fake, "fake", "generated points G(z)")
        if "push" not in hidden:
            push = self._push(fake[:PUSHED])
            layers["push"] = Arrows(fake[:PUSHED], push, "gradient", "how L_G pushes them")
        return layers

    def on_the_way(self, share: float) -> Mapping[str, Layer]:
        """Straight lines from latents to samples: (1 - share) c z + share G(z).

        Of z the first two coordinates are drawn (the second is 0 where there is none), and c makes
        the lattice fill the picture.
        """
        with torch.no_grad(), evaluating(self.game.generator):
            lattice, dots = (self._between(z, share) for z in (self._lattice, self._latents))
        return {
            "real": Points(self.real, "real", "real points x"),
            "manifold": Lines(_broken(lattice), "manifold", "lattice of z, on its way"),
            "fake": Points(dots, "fake", "latents z, on their way to G(z)"),
        }

    def _between(self, z: Tensor, share: float) -> NDArray:
        start = torch.zeros(len(z), 2)
        start[:, : z.shape[1]] = z[:, :2] * (0.9 * self.reach / EDGE)
        return torch.lerp(start, self.game.generate(z), share).numpy()

    def _push(self, fake: NDArray) -> NDArray:
        """-n dL_G/dx at each generated point x: where its own loss would move it.

        One scale for all times, so that a gradient that vanishes is seen to; long arrows are cut.
        """
        x = torch.as_tensor(fake).requires_grad_()
        real = torch.as_tensor(self.real[: len(fake)])
        with evaluating(self.game.discriminator):
            value = self.game.loss.g(self.game.critic(real), self.game.critic(x))
        (gradient,) = torch.autograd.grad(value, x)
        push = -len(fake) * gradient.numpy() * (0.1 * self.reach**2)
        longest = 0.25 * self.reach
        length = np.hypot(*push.T)[:, None]
        return push * np.minimum(1.0, longest / np.maximum(length, 1e-12))

    def _best(self, fake: NDArray) -> NDArray:
        """D* = p / (p + q) on the cells, p and q kernel estimates of one bandwidth from the points
        that are shown."""
        at, width = self._cells.double(), self.reach / 25
        p, q = (_log_density(at, torch.as_tensor(x), width) for x in (self.real, fake))
        return torch.sigmoid(p - q).reshape(CELLS, CELLS).numpy()

    def _narration(self, step: int, row: Row, diverged: bool) -> str:
        if diverged:
            return f"{self.name(step)}: the run has diverged. Reset or rewind it."
        parts = [f"D(x) = {row['d_real']:.2f}", f"D(G(z)) = {row['d_fake']:.2f}"]
        return minus(f"{self.name(step)}: {', '.join([*parts, row['told']])}.")


def _source(name: str) -> tuple[Any, float]:
    """The data set of that name or text, and how far its picture reaches."""
    if own_data.is_own(name):
        return own_data.source(name)
    make, reach = SOURCES[name]
    return make(), reach


def _cells(reach: float) -> Tensor:
    """Middles of the cells of the field, row by row from the bottom: (CELLS^2, 2)."""
    middles = reach * ((2 * torch.arange(CELLS) + 1) / CELLS - 1)
    rows, columns = torch.meshgrid(middles, middles, indexing="ij")
    return torch.stack([columns, rows], -1).reshape(-1, 2)


def _lattice(latent: int) -> Tensor:
    """Lines of a square lattice on [-EDGE, EDGE]^2 in the first two latent coordinates, others 0.

    (lines, points of a line, latent)
    """
    along, across = torch.linspace(-EDGE, EDGE, 41), torch.linspace(-EDGE, EDGE, 11)
    z = torch.zeros(22 if latent > 1 else 1, 41, latent)
    z[..., 0] = along
    if latent > 1:
        z[:11, :, 1] = across[:, None]
        z[11:, :, 0], z[11:, :, 1] = across[:, None], along
    return z.reshape(-1, latent)


def _broken(points: NDArray) -> NDArray:
    """Points of several lines of 41 with a row of NaN after each."""
    lines = points.reshape(-1, 41, 2)
    return np.pad(lines, ((0, 0), (0, 1), (0, 0)), constant_values=np.nan).reshape(-1, 2)


def _log_density(at: Tensor, points: Tensor, width: float) -> Tensor:
    """Log of the Gaussian kernel density of ``points`` at ``at`` (m, 2), up to a constant."""
    squared = torch.cdist(at, points.to(at)).square()
    return torch.logsumexp(-0.5 * squared / width**2, 1) - math.log(len(points))

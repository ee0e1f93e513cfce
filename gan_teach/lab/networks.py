"""The lab's games of networks: points in the plane, and handwritten digits.

In the plane real and generated points lie over the discriminator's field; digits are drawn by the
convolutional GAN of chapters 15 and 16.
"""

import math
from collections.abc import Collection, Mapping
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from gan_teach import data, metrics, zoo
from gan_teach._devices import one_thread
from gan_teach.dynamics.streams import generator, mix
from gan_teach.games import GAN
from gan_teach.lab import own_data
from gan_teach.lab.config import Config
from gan_teach.lab.frame import GRAPH, Arrows, Chart, Field, Layer, Lines, Points
from gan_teach.lab.world import SHARES, Row, Rows, Scores, World, chart, chosen, newest
from gan_teach.metrics import NoiseBand
from gan_teach.metrics.features.classifier import DIGITS_HELD_OUT, digit_classifier, split
from gan_teach.models import MLP, as_in_training, evaluating
from gan_teach.training import EMA, State, probes

DISTANCE = "Distance to the data"
FOUND, ON_MODES, UNEVEN = "modes covered", "share of high quality", "unevenness (reverse KL)"
SHOWN = 256  # points of each kind
PUSHED = 64  # of them with an arrow
CELLS = 48  # of the field, along each side
EDGE = 2.0  # of the lattice of latents

SIDE = 8  # of a sheet of digits, in pictures
PICTURES = SIDE**2
DECAY = 0.995  # of the average of G that is shown: about the last 200 rounds
MARGIN = 3  # pixels around each picture
CLASSES = 10
READABLE = "digits that can be read"
NOT_YET = "not readable yet"


class PlaneWorld(World):
    """Two multilayer perceptrons and a distribution in the plane, with latents N(0, I)."""

    every = 5
    place = "fake"

    def __init__(self, config: Config) -> None:
        source, reach = own_data.source(config.data)
        self._data, self.source, self.reach = config.data, source, reach
        self.real = source.sample(SHOWN, generator(config.seed, 1)).numpy()
        static = {"real": self.real}
        self.hidden = World.hidden | {"best", "manifold"}
        self._scored = hasattr(source, "modes")
        if self._scored:  # they then say more than a distance
            static["modes"] = source.modes.numpy()
            self.hidden |= {DISTANCE}
        super().__init__(
            _game(config, source), static, view=(-reach, reach, -reach, reach), xlabel="x₁",
            ylabel="x₂", drawable=True,
        )  # fmt: skip
        middles = reach * ((2 * torch.arange(CELLS) + 1) / CELLS - 1)
        self._cells = torch.cartesian_prod(middles, middles).flip(1)  # row by row from the bottom
        self._lattice = _lattice(config.latent)
        self._latents = self.game.latent.sample(SHOWN, generator(1))  # those of the probe "fake"
        self.probes |= {
            "fake": probes.samples(SHOWN, seed=1),
            "scores": probes.scores(SHOWN, seed=1),
        }

    def measure(self, state: State, config: Config) -> Row:
        row = super().measure(state, config)
        row["d_real"], row["d_fake"] = row.pop("scores")
        fake, finite = row["fake"], bool(np.isfinite(row["fake"]).all())
        report = metrics.mode_report(fake, self.source) if self._scored and finite else None
        return {
            **row,
            "covered": report.covered / report.modes if report else math.nan,
            "quality": report.high_quality if report else math.nan,
            "distance": metrics.sliced_wasserstein(fake, self.real) if finite else math.nan,
            "report": report,
        }

    def scores(self, row: Row) -> Scores:
        """Those of ``mode_report``, where the data have modes, or the distance to the data. As good
        is a score up to the perfect one that is not rare among samples of real points."""
        if not self._scored:
            band = distance_band(self._data)._replace(low=0.0)
            return {"distance to the data": (row["distance"], band)}
        found = row["report"].scores.values() if row["report"] else 3 * [math.nan]
        modes, quality, kl = _mode_bands(self._data).values()
        all_modes = modes._replace(high=len(self.static["modes"]))
        bands = all_modes, quality._replace(high=1.0), kl._replace(low=0.0)
        names = (FOUND, ON_MODES, UNEVEN)
        return dict(zip(names, zip(found, bands, strict=True), strict=True))

    # -- the picture

    def words(self, row: Row) -> tuple[str, str]:
        scores = f"D(x) = {row['d_real']:.2f}, D(G(z)) = {row['d_fake']:.2f}"
        outside = int((np.abs(row["fake"]).max(1) > self.reach).sum())
        beyond = {0: "", 1: "1 point lies outside"}.get(outside, f"{outside} points lie outside")
        return f"{scores}, {row['report'] or 'no modes to count'}", beyond

    def charts(self, rows: Rows, config: Config, hidden: Collection[str]) -> list[Chart]:
        charts = super().charts(rows, config, hidden)
        if self._scored:
            shares = ("covered", "real", "covered"), ("quality", "fake", "of high quality")
            band = (*_mode_bands(self._data)["high_quality"], "real points")
            charts += [chart("Modes", rows, *shares, band=band, **SHARES)]
        if DISTANCE not in hidden:
            distance, band = ("distance", "value", ""), (*distance_band(self._data), "real points")
            charts += [chart(DISTANCE, rows, distance, band=band, log=True, unit="units of x")]
        return charts

    def layers(self, rows: Rows, config: Config, hidden: Collection[str]) -> dict[str, Layer]:
        game, fake = self.game, newest(rows)["fake"]
        layers: dict[str, Layer] = {}
        with torch.no_grad(), evaluating(game.generator, game.discriminator):
            d = torch.sigmoid(game.critic(self._cells))
            layers["field"] = self._field(d, "discriminator D(x)")
            if "best" not in hidden:
                # p / (p + q), p and q kernel estimates from the points that are shown
                best = torch.sigmoid(self._real_density - self._density(fake))
                layers["best"] = self._field(best, "best answer D*(x)")
            if not {"manifold", GRAPH} <= {*hidden}:
                warped = _broken(game.generate(self._lattice))
                layers["manifold"] = Lines(warped, "manifold", "lattice of z, after G")
        layers["real"] = Points(self.real, "real", "real points x")
        if self._scored:
            layers["modes"] = Points(self.static["modes"], "mode", "modes")
        layers["fake"] = Points(fake, "fake", "generated points G(z)")
        shown = fake[:PUSHED]
        layers["push"] = Arrows(shown, self._push(shown), "gradient", "how L_G pushes them (root)")
        return layers

    def thumbnails(self, row: Row, layers: Mapping[str, Layer]) -> tuple[Mapping[str, Layer], ...]:
        z = {"latent": Points(self._in_view(self._latents).numpy(), "latent", "latents z")}
        return z, *chosen(layers, ["manifold"], ["real", "fake"], ["field"])

    def _in_view(self, z: Tensor) -> Tensor:
        """Latents in the picture, which their lattice fills: the first two coordinates, the second
        is 0 where there is none."""
        return 0.9 * self.reach / EDGE * pad(z, (0, 1))[:, :2]

    def _field(self, values: Tensor, label: str) -> Field:
        grid = values.reshape(CELLS, CELLS).numpy()
        return Field(grid, self.axes["view"], "field", label)

    def on_the_way(self, share: float) -> Mapping[str, Layer]:
        """Straight lines from latents to samples: (1 - share) c z + share G(z).

        Of z the first two coordinates are drawn, and c makes the lattice fill the picture.
        """
        with torch.no_grad(), evaluating(self.game.generator):
            lattice, dots = (
                torch.lerp(self._in_view(z), self.game.generate(z), share)
                for z in (self._lattice, self._latents)
            )
        return {
            "real": Points(self.real, "real", "real points x"),
            "manifold": Lines(_broken(lattice), "manifold", "lattice of z, on its way"),
            "fake": Points(dots.numpy(), "fake", "latents z, on their way to G(z)"),
        }

    def _push(self, fake: NDArray) -> NDArray:
        """-n dL_G/dx at each generated point x: where its own loss would move it.

        An arrow is as long as the root of the gradient's length, so that small gradients, as those
        of the first rounds, are seen as well. One scale for all times, so that a gradient that
        vanishes is seen to; long arrows are cut.
        """
        x = torch.as_tensor(fake).requires_grad_()
        real = torch.as_tensor(self.real[: len(fake)])
        with evaluating(self.game.discriminator):
            value = self.game.loss.g(self.game.critic(real), self.game.critic(x))
        (gradient,) = torch.autograd.grad(value, x)
        push = -len(fake) * self.reach * gradient.numpy()  # without a unit
        length = np.hypot(*push.T)[:, None]
        shown = self.reach * np.minimum(0.16 * np.sqrt(length), 0.25)
        return shown * push / np.maximum(length, 1e-12)

    @cached_property
    def _real_density(self) -> Tensor:
        return self._density(self.real)

    def _density(self, points: NDArray) -> Tensor:
        """Log of their Gaussian kernel density on the cells, up to a constant."""
        squared = torch.cdist(self._cells.double(), torch.as_tensor(points).double()).square()
        return torch.logsumexp(-0.5 * squared / (self.reach / 25) ** 2, 1) - math.log(len(points))


@lru_cache(maxsize=8)  # half a second, which each new run on the same data would take again
def _mode_bands(words: str) -> dict[str, NoiseBand]:
    """Where the scores of real points of these data lie."""
    return metrics.mode_noise_bands(own_data.source(words)[0], SHOWN)


@lru_cache(maxsize=8)
def distance_band(words: str) -> NoiseBand:
    """The distance from real to other real points of these data."""
    return metrics.noise_band(metrics.sliced_wasserstein, own_data.source(words)[0], SHOWN)


def _game(config: Config, source: Any) -> GAN:
    width, seed = [config.width] * config.depth, config.seed
    return GAN(
        MLP(config.latent, 2, width=width, seed=mix(seed, 1)),
        MLP(2, 1, width=width, activation="leaky_relu", out_bias=False, seed=mix(seed, 2)),
        data=data.Points.drawn(source, 10_000, seed=mix(seed, 3)),
        latent=data.Normal(dim=config.latent),
    )


def _lattice(latent: int) -> Tensor:
    """Lines of a square lattice on [-EDGE, EDGE]^2 in the first two latent coordinates, others 0.

    11 lines of 41 points along each of them, one line in one dimension: (points, latent).
    """
    along, across = torch.linspace(-EDGE, EDGE, 41), torch.linspace(-EDGE, EDGE, 11)
    if latent == 1:
        return along[:, None]
    lines = torch.cartesian_prod(across, along)
    both = torch.cat([lines.flip(1), lines])
    return pad(both, (0, latent - 2))


def _broken(points: Tensor) -> NDArray:
    """Points of several lines of 41 with a row of NaN after each."""
    lines = points.numpy().reshape(-1, 41, 2)
    return np.pad(lines, ((0, 0), (0, 1), (0, 0)), constant_values=np.nan).reshape(-1, 2)


# -- digits --------------------------------------------------------------------------------------


class ImageWorld(World):
    """The DCGAN of chapter 15, shown by an average of G at latents that stay the same.

    D answers as in training (``models.as_in_training``): of each of these pictures and, in its
    means, of as many real digits and of what G itself makes.
    """

    game: Any
    every = 10
    tick_seconds = 0.12
    place = "d_fake"

    def __init__(self, config: Config) -> None:
        images = data.small_mnist()
        if config.data == "fifty-digits":
            images = images[:: len(images) // 50]  # five of each
        networks = "dcgan" if config.norm == "batch" else "dcgan(norm=False)"
        setup = zoo.image_gan(
            "mnist-dcgan", features=config.width, latent=config.latent, networks=networks
        )
        game: Any = setup.game(images, config.seed)
        game.average = EMA(game.generator, decay=DECAY)  # a part of the state, as its networks are
        game.average.module.eval()
        self._latents = game.latent.sample(PICTURES, generator(1))
        self._real = images.sample(PICTURES, generator(config.seed, 1))
        super().__init__(game, {"real": self._real.numpy()}, view=(0.0, SIDE, 0.0, SIDE), xlabel="",
                         yticks=())  # fmt: skip
        self.probes["scores"] = probes.scores(PICTURES, seed=0)  # at the latents above

    def advance(self, state: Any) -> None:
        with one_thread():  # so that any process gets the same numbers
            super().advance(state)
        state.game.average()

    def measure(self, state: State, config: Config) -> Row:
        row, game = super().measure(state, config), self.game
        row["d_real"], row["d_fake"] = row.pop("scores")
        with torch.no_grad(), as_in_training(game.discriminator):
            shown = game.average.module(self._latents).nan_to_num(-1.0)
            says = torch.sigmoid(game.critic(shown)).numpy()
        grey = ((shown[:, 0] + 1) * 127.5).round().byte().numpy()
        readable, covered = _read(shown) if state.step else (np.nan, np.nan)
        return {**row, "images": grey, "says": says, "readable": readable, "covered": covered}

    def scores(self, row: Row) -> Scores:
        return {READABLE: (row["readable"], _real_digits())}

    # -- the picture

    def layers(self, rows: Rows, config: Config, hidden: Collection[str]) -> dict[str, Layer]:
        row = newest(rows)
        says, view = row["says"].reshape(SIDE, SIDE), self.axes["view"]
        return {
            "says": Field(says[::-1], view, "score", "frame: D's answer, 0 to 1"),
            "sheet": Field(_tiled(row["images"] / 255), view, "sheet",
                           f"{PICTURES} pictures by an average of G"),
            "bars": Lines(_bars(says), "discriminator", "D's answer, as wide as the picture for 1"),
        }  # fmt: skip

    def thumbnails(self, row: Row, layers: Mapping[str, Layer]) -> tuple[Mapping[str, Layer], ...]:
        z = {"latent": Points(SIDE / 2 + 1.5 * self._latents[:, :2].numpy(), "latent", "latents z")}
        grey, above = (self._real[: PICTURES // 2, 0].numpy() + 1) / 2, (0.0, SIDE, SIDE / 2, SIDE)
        real = {"real": Field(_tiled(grey), above, "sheet", "real digits x")}
        g, d = chosen(layers, ["sheet"], ["says", "bars"])
        return z, g, {**g, **real}, d

    def charts(self, rows: Rows, config: Config, hidden: Collection[str]) -> list[Chart]:
        shares = ("readable", "fake", "of the pictures"), ("covered", "real", "of the classes")
        band = _real_digits() if len(rows) > 1 else (0.0, 0.0)
        able = chart("Can be read", rows, *shares, band=(*band, "real digits"), **SHARES)
        return [*super().charts(rows, config, hidden), able]

    def words(self, row: Row) -> tuple[str, str]:
        answers = f"D(x) = {row['d_real']:.2f}, D(G(z)) = {row['d_fake']:.2f}"
        if np.isnan(row["readable"]):
            return f"{answers}, {NOT_YET}", ""
        able = f"{PICTURES * row['readable']:.0f} of {PICTURES} pictures can be read"
        real = f"of as many real digits about {PICTURES * _share_of_real():.0f}"
        classes = NOT_YET
        if np.isfinite(row["covered"]):
            classes = f"{CLASSES * row['covered']:.0f} of {CLASSES} classes among them"
        return f"{answers}, {able} ({real}): {classes}", ""


# -- which of them can be read -------------------------------------------------------------------


def _read(pictures: Tensor) -> tuple[float, float]:
    """The share of pictures that can be read, and that of the classes among these.

    The classifier names noise as well: NaN classes where fewer than a third as many can be read as
    of real digits.
    """
    names, able = digit_classifier().read(pictures)
    readable = float(able.mean())
    enough = readable >= _share_of_real() / 3
    return readable, len({*names[able]}) / CLASSES if enough else np.nan


@lru_cache(maxsize=1)
def _share_of_real() -> float:
    """The share of digits that can be read, of those from which the classifier has not learned."""
    _, held_out = split(data.small_mnist(), DIGITS_HELD_OUT)
    return float(digit_classifier().read(held_out.floats())[1].mean())


def _real_digits() -> NoiseBand:
    """Where the share lies for 99 of 100 sheets of real digits."""
    from scipy.stats import binom  # half a second, which the other worlds need not wait for

    low, high = binom.ppf([0.005, 0.995], PICTURES, _share_of_real()) / PICTURES
    return NoiseBand(float(low), float(high))


# -- a sheet of pictures -------------------------------------------------------------------------


def _tiled(grey: NDArray) -> NDArray:
    """Pictures (n, h, w) from 0 to 1 as rows of a field, the first one at the top left; NaN around
    each of them lets the ground be seen."""
    framed = np.pad(grey, ((0, 0), *2 * [(MARGIN, MARGIN)]), constant_values=np.nan)
    rows = framed.reshape(-1, SIDE, *framed.shape[1:]).transpose(0, 2, 1, 3)
    return rows.reshape(-1, SIDE * framed.shape[2])[::-1]


def _bars(says: NDArray) -> NDArray:
    """Under each picture a line from its left edge, as wide as the picture where D says 1."""
    cell = 28 + 2 * MARGIN
    row, column = np.divmod(np.arange(PICTURES), SIDE)
    y = SIDE - 1 - row + MARGIN / 2 / cell
    left = column + MARGIN / cell
    right = left + 28 / cell * says.ravel()
    ends = np.stack([left, right, np.full(PICTURES, np.nan)], 1)
    return np.stack([ends.ravel(), np.repeat(y, 3)], 1)

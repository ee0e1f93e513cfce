"""The lab on images: handwritten digits, drawn by the convolutional GAN of chapters 15 and 16."""

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gan_teach import zoo
from gan_teach._devices import one_thread
from gan_teach.data import small_mnist
from gan_teach.dynamics.streams import generator
from gan_teach.lab import world
from gan_teach.lab.config import Config
from gan_teach.lab.frame import Chart, Field, Layer, Lines, Points
from gan_teach.lab.world import Row, Rows, Scores, World
from gan_teach.metrics import NoiseBand
from gan_teach.metrics.features.classifier import DIGITS_HELD_OUT, digit_classifier, split
from gan_teach.models import as_in_training
from gan_teach.training import EMA, State, probes

SIDE = 8  # of the sheet, in pictures
SHOWN = SIDE**2
DECAY = 0.995  # of the average of G that is shown: about the last 200 rounds
MARGIN = 3  # pixels around each picture
CLASSES = 10
READABLE = "digits that can be read"
NOT_YET = "not readable yet"


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
        images = small_mnist()
        if config.data == "fifty-digits":
            images = images[:: len(images) // 50]  # five of each
        networks = "dcgan" if config.norm == "batch" else "dcgan(norm=False)"
        setup = zoo.image_gan(
            "mnist-dcgan", features=config.width, latent=config.latent, networks=networks
        )
        game: Any = setup.game(images, config.seed)
        game.average = EMA(game.generator, decay=DECAY)  # a part of the state, as its networks are
        game.average.module.eval()
        self._latents = game.latent.sample(SHOWN, generator(1))
        self._real = images.sample(SHOWN, generator(config.seed, 1))
        super().__init__(game, {"real": self._real.numpy()}, view=(0.0, SIDE, 0.0, SIDE), xlabel="",
                         yticks=())  # fmt: skip
        self.probes["scores"] = probes.scores(SHOWN, seed=0)  # at the latents above

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
        row = world.newest(rows)
        says, view = row["says"].reshape(SIDE, SIDE), self.axes["view"]
        return {
            "says": Field(says[::-1], view, "score", "frame: D's answer, 0 to 1"),
            "sheet": Field(_tiled(row["images"] / 255), view, "sheet",
                           f"{SHOWN} pictures by an average of G"),
            "bars": Lines(_bars(says), "discriminator", "D's answer, as wide as the picture for 1"),
        }  # fmt: skip

    def thumbnails(self, row: Row, layers: Mapping[str, Layer]) -> tuple[Mapping[str, Layer], ...]:
        z = {"latent": Points(SIDE / 2 + 1.5 * self._latents[:, :2].numpy(), "latent", "latents z")}
        grey, above = (self._real[: SHOWN // 2, 0].numpy() + 1) / 2, (0.0, SIDE, SIDE / 2, SIDE)
        real = {"real": Field(_tiled(grey), above, "sheet", "real digits x")}
        g, d = world.chosen(layers, ["sheet"], ["says", "bars"])
        return z, g, {**g, **real}, d

    def charts(self, rows: Rows, config: Config, hidden: Collection[str]) -> list[Chart]:
        shares = ("readable", "fake", "of the pictures"), ("covered", "real", "of the classes")
        band = _real_digits() if len(rows) > 1 else (0.0, 0.0)
        able = world.share_chart("Can be read", rows, shares, band, "real digits")
        return [*super().charts(rows, config, hidden), able]

    def words(self, row: Row) -> tuple[str, str]:
        answers = f"D(x) = {row['d_real']:.2f}, D(G(z)) = {row['d_fake']:.2f}"
        if np.isnan(row["readable"]):
            return f"{answers}, {NOT_YET}", ""
        able = f"{SHOWN * row['readable']:.0f} of {SHOWN} pictures can be read"
        real = f"of as many real digits about {SHOWN * _share_of_real():.0f}"
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
    _, held_out = split(small_mnist(), DIGITS_HELD_OUT)
    return float(digit_classifier().read(held_out.floats())[1].mean())


def _real_digits() -> NoiseBand:
    """Where the share lies for 99 of 100 sheets of real digits."""
    from scipy.stats import binom  # half a second, which the other worlds need not wait for

    low, high = binom.ppf([0.005, 0.995], SHOWN, _share_of_real()) / SHOWN
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
    row, column = np.divmod(np.arange(SHOWN), SIDE)
    y = SIDE - 1 - row + MARGIN / 2 / cell
    left = column + MARGIN / cell
    right = left + 28 / cell * says.ravel()
    ends = np.stack([left, right, np.full(SHOWN, np.nan)], 1)
    return np.stack([ends.ravel(), np.repeat(y, 3)], 1)

"""What a session needs to know about a kind of game, and what all kinds share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gan_teach import plots
from gan_teach.analysis import spectra
from gan_teach.dynamics.linear import rotation_period, step_spectrum
from gan_teach.games import GAN, Batch
from gan_teach.history import History
from gan_teach.lab.config import Config
from gan_teach.lab.frame import Chart, Curve, Disc, Frame, Layer
from gan_teach.lab.steering import update_rule
from gan_teach.models import evaluating
from gan_teach.training import State

Row = dict[str, Any]
Rows = dict[int, Row]
HISTOGRAM, _BINS = "Histogram of D", 20
DISC = "Eigenvalues of a round"
NOT_ZERO_IN_THE_FLAT = ("wgan_gp", "dragan")  # these penalties want a slope of one


class World(ABC):
    """A game with its picture. ``measure`` is what is kept of a moment (a row), ``frame`` the
    picture of the present one, ``history`` all rows as the course's experiments record them.
    """

    unit = "round"
    every = 1  # rows are kept at multiples of it
    hidden: frozenset[str] = frozenset()  # layers and charts not shown until asked for

    def __init__(self, config: Config) -> None:
        self.game: GAN = self.make(config)

    @abstractmethod
    def make(self, config: Config) -> GAN:
        """The game, without the loss, noise and penalty of ``config``."""

    @abstractmethod
    def measure(self, state: State, config: Config) -> Row:
        """Copies of what the run shows now, and ``config`` itself."""

    @abstractmethod
    def frame(
        self, state: State, rows: Rows, config: Config, hidden: Collection[str] = ()
    ) -> Frame:
        """The picture of the last of ``rows``; layers named in ``hidden`` need not be made."""

    @abstractmethod
    def history(self, rows: Rows) -> History:
        """The rows as a History that the plots of the course draw."""

    def on_the_way(self, share: float) -> Mapping[str, Layer]:
        """Layers in which latents have gone ``share`` of the way to their samples.

        ValueError where there are none in the plane.
        """
        raise ValueError(
            "latents and samples of this game do not lie in a plane: there is no lattice to follow."
        )

    def name(self, step: int) -> str:
        """ "Game 12"."""
        return f"{self.unit.capitalize()} {step}"


def curve(rows: Rows, key: str, role: str, label: str, sign: float = 1.0) -> Curve:
    """One number of each row over the steps."""
    values = np.array([row[key] for row in rows.values()], dtype=float)
    return Curve(np.stack([np.fromiter(rows, dtype=float), sign * values], 1), role, label)


def gradient_chart(rows: Rows) -> Chart:
    """The norms of both players' last gradients."""
    curves = curve(rows, "d_grad", "discriminator", "of D"), curve(rows, "g_grad", "generator",
                                                                    "of G")  # fmt: skip
    return Chart("Norm of the gradient", curves, log=True)


def score_chart(rows: Rows, config: Config) -> Chart:
    """What D says on average, beside its answer at the equilibrium."""
    score = plots.equilibrium_score(config.smoothing)
    level = (score, "1/2" if score == 0.5 else f"{score:.3g}")
    curves = curve(rows, "d_real", "real", "D(x)"), curve(rows, "d_fake", "fake", "D(G(z))")
    return Chart("Mean of D", curves, (level,), ylim=(-0.03, 1.03))


def score_histogram(game: GAN, real: NDArray, fake: NDArray, config: Config) -> Chart:
    """How often D gives which answer to the real and to the generated points (n, d) shown."""
    edges = np.linspace(0, 1, _BINS + 1)
    curves = []
    with torch.no_grad(), evaluating(game.discriminator):
        for x, role, label in ((real, "real", "real"), (fake, "fake", "fake")):
            scores = torch.sigmoid(game.critic(torch.as_tensor(x))).numpy()
            share = np.histogram(scores[np.isfinite(scores)], edges)[0] / len(scores)
            xy = np.stack([edges.repeat(2), np.pad(share.repeat(2), 1)], 1)
            curves.append(Curve(xy, role, label))
    return Chart(HISTOGRAM, tuple(curves), ((0.0, ""),), xlim=(0.0, 1.0),
                 xlabel="answer of D")  # fmt: skip


def loss_levels(config: Config) -> tuple[float | None, float | None]:
    """(L_D, L_G) at the equilibrium, None where nothing fixes them."""
    if config.penalty in NOT_ZERO_IN_THE_FLAT:
        return None, None
    return plots.equilibrium_losses(config.loss, config.smoothing)


def minus(text: str) -> str:
    """The text with minus signs for hyphens."""
    return text.replace("-", "−")


def update_disc(game: GAN, config: Config, batch: Batch) -> Disc:
    """The eigenvalues of one round, taken as a linear map around the present point.

    Exact for SGD; another optimizer's memory is no part of it, so the disc then stays empty.
    """
    empty = np.empty((0, 2))
    if config.optimizer != "sgd":
        return Disc(DISC, empty, "only for plain SGD")
    jacobian = spectra.jacobian(game, batch)
    if not np.isfinite(jacobian.matrix).all() or config.lr == 0:
        return Disc(DISC, empty, "")
    values = step_spectrum(update_rule(config), jacobian, config.lr, config.tau)
    xy = np.stack([values.real, values.imag], 1)
    return Disc(DISC, xy, spiral(values))


def spiral(values: np.ndarray) -> str:
    """What the leading pair of eigenvalues of a round foretells."""
    turning = [s for s in values if rotation_period(s) < 1e4]
    largest = float(np.abs(values).max())
    if not turning:
        return f"largest |s| = {largest:.4f}, no turn"
    lead = max(turning, key=abs)
    return f"|s| = {abs(lead):.4f}, a turn in {rotation_period(lead):.0f} rounds"

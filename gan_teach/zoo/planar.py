"""Published GANs on toy data, and how each was trained.

A function makes the game, the constant of its name holds the settings of its training:

    game = zoo.five_gaussians(seed=0, loss="relativistic")
    history = record(zoo.FIVE_GAUSSIANS.train(game, steps=2000), every=100, ...)

An ensemble trains the same way: ``zoo.TWO_CLUSTERS.train(stack([...]), seed=[0, 1, ...])``.
Sources: R. Sun, T. Fang and A. Schwing, "Towards a Better Global Loss Landscape of GANs" (2020),
and its code, github.com/AilsaF/RS-GAN; the half circles are assignment A5 of
github.com/aryashah2k/RTML.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from gan_teach import data
from gan_teach.dynamics import Rule, alternating
from gan_teach.dynamics.affine import AffineAlternating
from gan_teach.dynamics.optim import Adam
from gan_teach.dynamics.streams import mix
from gan_teach.games import GAN, Game, losses, penalties
from gan_teach.models import MLP
from gan_teach.training import Run, train

LOSSES = {"js": losses.non_saturating, "relativistic": losses.relativistic}
"""The two losses that Sun, Fang and Schwing compare; any other of ``games.losses`` fits too."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """How a published game was trained; ``rule()`` makes the update rule."""

    steps: int
    batch_size: int
    lr: float
    optimizer: Any
    rule: Callable[[], Rule]

    def arguments(self, **changes: Any) -> dict[str, Any]:
        """The keyword arguments of ``gan_teach.train``, with ``changes`` (None changes nothing)."""
        own = {**vars(self), "rule": self.rule()}
        return own | {name: value for name, value in changes.items() if value is not None}

    def train(self, game: Game, **changes: Any) -> Run:
        """``gan_teach.train(game, ...)`` with these settings, except for ``changes``."""
        return train(game, **self.arguments(**changes))


def _loss(loss: str | losses.Loss) -> losses.Loss:
    return losses.get("non_saturating" if loss == "js" else loss)


# -- the GAN on the line, for long ----------------------------------------------------------------

LINE_GAN = Training(
    steps=60_000,
    batch_size=10,
    lr=0.1,
    optimizer="sgd",
    rule=partial(AffineAlternating, 1, 50),
)
"""The tutorial's strong generator, 50 steps of G to one of D, for 60,000 rounds instead of 500."""

# -- two clusters on the line ---------------------------------------------------------------------

TWO_CLUSTERS = Training(
    steps=5000,
    batch_size=100,
    lr=1e-2,
    optimizer="momentum",
    rule=partial(alternating, 10, 10, redraw="none"),
)
"""5000 epochs of 10 D steps, then 10 G steps, on all hundred points; SGD with momentum 0.9."""


def two_clusters(seed: int = 0, loss: str | losses.Loss = "js") -> GAN:
    """A hundred points, alternately in [0, 0.3] and [4, 4.3], and a hundred latents of U(-5, 5).

    Both are drawn once, and point i is paired with latent i for ever, so that the fakes are a
    hundred points on a line that training moves. D has 141 parameters (two layers of ten sigmoid
    units), G 46 (two of five tanh units). js is the non-saturating loss; its discriminator's half
    is halved, as published, so that both losses have the value log 2 at the equilibrium. That also
    halves D's gradient, which decides how fast it arrives: "non_saturating" is the loss unhalved.
    """
    chosen = losses.scaled(losses.non_saturating, d=0.5) if loss == "js" else _loss(loss)
    return GAN(
        MLP(1, 1, width=5, activation="tanh", seed=mix(seed, 1)),
        MLP(1, 1, width=10, activation="sigmoid", seed=mix(seed, 2)),
        data=data.two_clusters().fixed(100, seed=mix(seed, 3)),
        latent=data.Fixed.drawn(data.Uniform(-5.0, 5.0), 100, seed=mix(seed, 4)),
        loss=chosen,
    )


# -- five Gaussians in the plane ------------------------------------------------------------------

adam = partial(Adam, betas=(0.0, 0.9))
"""Adam as the five Gaussians use it: beta_1 = 0, beta_2 = 0.9."""


class UnitOutputAdam(Adam):
    """The same Adam; after each step the last weight matrix is divided by its Euclidean norm.

    The published five Gaussians do so to the relativistic discriminator, and to no other.
    """

    def __init__(self, params: Sequence[Tensor], lr: float | Tensor) -> None:
        super().__init__(params, lr, betas=(0.0, 0.9))

    @torch.no_grad()
    def step(self, grads: Sequence[Tensor], active: Tensor | None = None) -> None:
        super().step(grads, active)
        output = self.params[-1]  # (1, width), or (S, 1, width)
        output /= output.norm(dim=(-2, -1), keepdim=True)


FIVE_GAUSSIANS = Training(
    steps=20_000,
    batch_size=128,
    lr=1e-4,
    optimizer=adam,
    rule=partial(alternating, redraw="none"),
)
"""20,000 steps of D and G in turn, both on one batch of 128; Adam.

Both losses train alike here. ``train(game, optimizer=(adam, UnitOutputAdam))`` adds what the
published script does to D for the relativistic loss only, and which confounds the comparison.
"""


def five_gaussians(
    seed: int = 0,
    loss: str | losses.Loss = "js",
    width: int = 128,
    penalties: Sequence[penalties.Penalty] | penalties.Penalty = (),
) -> GAN:
    """Five Gaussians of std sqrt(0.002) on the unit circle, 2000 points each; latents N(0, I_2).

    G 2-128-128-2 with ReLU (17,154 parameters), D 2-128-128-1 with LeakyReLU 0.2 and no output bias
    (17,024). The points are drawn once per seed. D* and the modes are those of ``data.ring()``.
    """
    return GAN(
        MLP(2, 2, width=width, seed=mix(seed, 1)),
        MLP(2, 1, width=width, activation="leaky_relu", out_bias=False, seed=mix(seed, 2)),
        data=data.Points.drawn(data.ring(), 10_000, seed=mix(seed, 3)),
        latent=data.Normal(dim=2),
        loss=_loss(loss),
        penalties=penalties,
    )


# -- the S of two half circles --------------------------------------------------------------------

HALF_CIRCLES = Training(
    steps=15_800,
    batch_size=128,
    lr=2e-4,
    optimizer=partial(Adam, betas=(0.5, 0.999)),
    rule=partial(alternating, redraw="none", d_every=2),
)
"""200 epochs of 79 batches; G moves at each of them, D at every second one; Adam."""


def half_circles(
    seed: int = 0,
    *,
    unit: float = 1.0,
    latent: int = 100,
    dropout: float = 0.3,
    smoothing: float = 0.9,
    loss: str | losses.Loss = "js",
    gamma: float = 0.0,
) -> GAN:
    """The course assignment as it was handed in: 10,000 points of an S, latents N(0, I_100).

    G 100-128-256-256-2 with LeakyReLU 0.2 (112,258 parameters), D 2-128-256-128-1 with dropout 0.3
    (66,433), D's target for real samples 0.9. The data are not normalized (std 7 and 12). D's score
    settles at 0.45, its loss at 1.376 and G's at 0.799. A perfect generator has these values, but
    so has every D that sees no difference: they say nothing of the samples.

    Everything but the seed changes the assignment. unit : lengths are divided by it. latent : its
    dimension. smoothing : D's target for real samples; 1 for losses of pairs, which have no labels.
    gamma : the weight of R1 and of R2, 0 for neither.
    """
    return GAN(
        MLP(latent, 2, width=(128, 256, 256), activation="leaky_relu", seed=mix(seed, 1)),
        MLP(
            2, 1, width=(128, 256, 128), activation="leaky_relu", dropout=dropout, seed=mix(seed, 2)
        ),
        data=data.Points.drawn(
            data.HalfCircles(10 / unit, 1 / unit, 10 / unit), 10_000, seed=mix(seed, 3)
        ),
        latent=data.Normal(dim=latent),
        loss=_loss(loss),
        penalties=(penalties.r1(gamma), penalties.r2(gamma)) if gamma else (),
        label_smoothing=smoothing,
    )


HALF_CIRCLES_IMPROVED = Training(
    steps=2000,
    batch_size=128,
    lr=3e-4,
    optimizer=partial(Adam, betas=(0.0, 0.99)),
    rule=alternating,
)
"""An eighth of the assignment's steps, D and G in turn. Look at an average of G (half-life 200).

Alone, G wanders round its equilibrium by several noise bands; its average does not.
"""

UNIT = 10.0
"""Lengths of ``half_circles_improved`` are the assignment's divided by this."""


def half_circles_improved(seed: int = 0, gamma: float = 0.1) -> GAN:
    """The same S and hidden layers, with what theory recommends: relativistic pairing, R1 and R2.

    The data are divided by ten, the latents are N(0, I_2), dropout and label smoothing are gone
    (the two blur D), and R1 + R2 make the equilibrium attract (Huang et al., "The GAN is dead;
    long live the GAN!", 2024, section 2). ``gamma`` is the weight of both. What each of these
    changes does is measured by ``gan-teach study half-circles-ablation``.
    """
    return half_circles(
        seed, unit=UNIT, latent=2, dropout=0.0, smoothing=1.0, loss="relativistic", gamma=gamma
    )

"""Small float64 games that several test files go through, one for each thing that is joined."""

# pyright: reportArgumentType=false, reportReturnType=false
# ``to`` gives back the very game, which its type does not say.

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from gan_teach import data, zoo
from gan_teach.games import GAN, FunctionGame, Game, corrupt, losses, penalties
from gan_teach.models import MLP, Affine1D, DiracDiscriminator, DiracGenerator

FUNCTIONS = {
    make.__name__: make
    for make in (
        *(zoo.dirac, zoo.quadratic, zoo.polynomial, zoo.polynomial_4d, zoo.torus),
        *(zoo.covariance, zoo.bilinear),
    )
}
"""Every published game of two functions: ``FUNCTIONS[name](...)`` makes one."""

PLANE = torch.randn(12, 2, generator=torch.Generator().manual_seed(5))


def rng(*seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed[0] if seed else 0)


def tutorial(seed: int = 0, **settings) -> GAN:
    """The 1-D tutorial: w z + b against sigmoid(a x + c), ten real samples drawn once."""
    real = data.Fixed.drawn(data.Normal(5, 1), 10)
    settings = {"loss": "saturating"} | settings
    game = GAN(Affine1D(seed=2 * seed), Affine1D(seed=2 * seed + 1), data=real,
               latent=data.Uniform(), **settings)  # fmt: skip
    return game.to(torch.float64)


def dirac(theta=1.0, psi=1.0, **settings) -> GAN:
    """The Dirac-GAN: generated mass at theta, real mass at 0, logit psi x."""
    generator, discriminator = DiracGenerator(theta), DiracDiscriminator(psi)
    dim = len(generator.theta)
    game = GAN(generator, discriminator, data=data.Fixed(torch.zeros(1, dim)),
               latent=data.Normal(), **settings)  # fmt: skip
    return game.to(torch.float64)


def plane(seed: int = 0, width: int = 5, **settings) -> GAN:
    """Smooth two-layer networks on points of the plane."""
    smooth = {"width": width, "depth": 1, "activation": "tanh"}
    game = GAN(MLP(2, 2, seed=10 * seed + 1, **smooth), MLP(2, 1, seed=10 * seed + 2, **smooth),
               data=data.Points(PLANE), latent=data.Normal(dim=2), **settings)  # fmt: skip
    return game.to(torch.float64)


class ToImage(nn.Sequential):
    """Layers of another library, and a forward method of its own: stacks only through vmap."""

    def __init__(self) -> None:
        super().__init__(nn.Linear(3, 16), nn.Tanh())

    def forward(self, x):
        return super().forward(x).view(-1, 1, 4, 4)


def image(seed: int = 0, **settings) -> GAN:
    """Convolutions on images of 1 x 4 x 4, in torch's own modules."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        d = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Softplus(), nn.Flatten(), nn.Linear(12, 1))
        generator = ToImage()
    pictures = data.Points(torch.rand(9, 1, 4, 4, generator=rng(3)) * 2 - 1)
    game = GAN(generator, d, data=pictures, latent=data.Normal(dim=3), **settings)
    return game.to(torch.float64)


def value(x, y):
    """A zero-sum function of players of unequal dimension, stationary at the origin."""
    coupling = x[0] * y[0] + 0.5 * x[1] * y[0]
    return coupling + 0.3 * x[0] * x[0] + 0.1 * x[1] * x[1] - 0.2 * y[0] * y[0]


def function(seed: int = 0) -> FunctionGame:
    start = torch.randn(3, generator=rng(seed), dtype=torch.float64)
    return FunctionGame(value, None, start[:2], start[2:])


def _blurred() -> corrupt.InstanceNoise:
    return corrupt.InstanceNoise(0.4, anneal=corrupt.linear_annealing(50))


GAMES: dict[str, Callable[[int], Game]] = {
    "tutorial": tutorial,
    "tutorial, blurred": lambda s: tutorial(s, corrupt=corrupt.InstanceNoise(1.0, shared=True)),
    "Dirac with R1": lambda s: dirac(1.0 + s, 0.5, penalties=penalties.r1(0.3)),
    "plane": plane,
    "plane, relativistic, R1 + R2": lambda s: plane(
        s, loss="relativistic", penalties=[penalties.r1(0.2), penalties.r2(0.2)]
    ),
    "plane, DRAGAN, blurred": lambda s: plane(s, penalties=penalties.dragan(), corrupt=_blurred()),
    "image, WGAN-GP": lambda s: image(s, loss="wasserstein", penalties=penalties.wgan_gp()),
    "function": function,
}

PENALTIES = [penalties.r1(0.7), penalties.r2(0.7), penalties.wgan_gp(0.7), penalties.dragan(0.7)]
LOSSES = list(losses.LOSSES.values())

"""Random generators and discriminators of three families, each pair a function of one seed.

Kodali et al. (2017) draw the generator and the discriminator of a game independently from families
of networks: fully connected, DCGAN-like, residual. The same here, narrow, for small square images;
every choice below is uniform and independent of the others. Which families take part is an argument
(the first two unless it is said), since it changes what a seed draws.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gan_teach import _checks
from gan_teach._devices import seeded
from gan_teach.dynamics.streams import mix
from gan_teach.models import ACTIVATIONS, INITS

FAMILIES = ("mlp", "conv")
DEPTHS = {"mlp": (1, 2, 3), "conv": (1, 2), "residual": (1, 2)}
WIDTHS = {"mlp": (32, 64, 128, 256), "conv": (8, 16), "residual": (8, 16)}
NONLINEARITIES = ("relu", "leaky_relu", "tanh", "elu")
INITIAL = ("default", "normal", "he", "xavier", "orthogonal")
LATENTS = (8, 16, 32, 64, 100)
# Batch normalisation of a discriminator makes the gradient at one sample depend on all others,
# against which a penalty per sample is not defined (Gulrajani et al., 2017, section 4).
NORMS = {"generator": ("none", "batch", "layer"), "discriminator": ("none", "layer")}

_OF_MAPS = {"none": nn.Identity, "batch": nn.BatchNorm2d, "layer": partial(nn.GroupNorm, 1)}
_NORMS: dict[str, dict[str, Callable[[int], nn.Module]]] = {
    "mlp": {"none": nn.Identity, "batch": nn.BatchNorm1d, "layer": nn.LayerNorm},
    "conv": _OF_MAPS,
    "residual": _OF_MAPS,
}


@dataclass(frozen=True)
class Network:
    """One network: ``depth`` hidden layers of ``width`` units, that many convolutions of ``width``
    channels with stride 2, or that many residual blocks of ``width`` channels, each beside a change
    of the side by 2."""

    family: str
    depth: int
    width: int
    activation: str
    norm: str
    init: str

    def __str__(self) -> str:
        hidden = f"{self.family} {self.depth} x {self.width}, {self.activation}"
        return f"{hidden}, norm {self.norm}, init {self.init}"


@dataclass(frozen=True)
class Architecture:
    """Generator, discriminator and latent dimension of one game, and the seed they come from."""

    seed: int
    latent: int
    generator: Network
    discriminator: Network

    def build(self, size: int) -> tuple[nn.Module, nn.Module]:
        """G: (n, latent) -> (n, 1, size, size) in (-1, 1), and D: images -> logits (n, 1).

        The same weights at every call. Raises ValueError unless size is even and at least 8.
        """
        if _checks.whole("size", size, least=8) % 2:
            raise ValueError(f"size must be even (it is halved and doubled), got {size}.")
        g = _built(self.generator, _generator, mix(self.seed, 1), size, self.latent)
        return g, _built(self.discriminator, _discriminator, mix(self.seed, 2), size)

    def __str__(self) -> str:
        return f"z {self.latent}; G {self.generator}; D {self.discriminator}"


def random_architecture(seed: int, families: Sequence[str] = FAMILIES) -> Architecture:
    """The architecture of that seed, both networks from these families ("mlp", "conv", "residual").

    Raises ValueError or TypeError for a bad seed and for another family, or for none.
    """
    if not families:
        raise ValueError(f"families must name at least one of {', '.join(DEPTHS)}.")
    for name in families:
        _checks.choice("families", name, tuple(DEPTHS))
    rng = np.random.default_rng(mix(_checks.whole("seed", seed), 0))

    def one_of(options: Any) -> Any:
        return options[int(rng.integers(len(options)))]

    def network(player: str) -> Network:
        family = one_of(families)
        return Network(
            family, one_of(DEPTHS[family]), one_of(WIDTHS[family]), one_of(NONLINEARITIES),
            one_of(NORMS[player]), one_of(INITIAL),
        )  # fmt: skip

    return Architecture(seed, one_of(LATENTS), network("generator"), network("discriminator"))


def _built(spec: Network, make: Callable[..., list[nn.Module]], seed: int, *sizes: int):
    with seeded(seed):  # torch's layers draw from its global generator
        module = nn.Sequential(*make(spec, *sizes))
    rng = torch.Generator().manual_seed(seed)
    for name, value in module.named_parameters() if spec.init != "default" else ():
        if name.endswith("bias"):
            nn.init.zeros_(value)
        elif value.ndim > 1:  # the weights of a norm stay 1
            INITS[spec.init](value, rng)
    return module


def _generator(spec: Network, size: int, latent: int) -> list[nn.Module]:
    w, sides = spec.width, _sides(spec, size)
    if spec.family == "mlp":
        image = nn.Unflatten(1, (1, size, size))
        return [*_dense(spec, latent), nn.Linear(w, size * size), image, nn.Tanh()]
    maps = nn.Unflatten(1, (w, sides[-1], sides[-1]))
    if spec.family == "residual":
        layers: list[nn.Module] = [nn.Linear(latent, w * sides[-1] ** 2), maps]
        for side in sides[-2::-1]:
            layers += [nn.Upsample(size=(side, side)), Residual(spec)]
        return [*layers, *_after(spec), nn.Conv2d(w, 1, 3, padding=1), nn.Tanh()]
    layers = [nn.Linear(latent, w * sides[-1] ** 2), maps, *_after(spec)]
    for before, after in pairwise(sides[:0:-1]):
        pad = after - (2 * before - 1)  # what the stride leaves open: 0 or 1
        up = nn.ConvTranspose2d(w, w, 3, stride=2, padding=1, output_padding=pad)
        layers += [up, *_after(spec)]
    # 4 x 4 with stride 2: every output pixel is reached by the same number of weights.
    return [*layers, nn.ConvTranspose2d(w, 1, 4, stride=2, padding=1), nn.Tanh()]


def _discriminator(spec: Network, size: int) -> list[nn.Module]:
    w, sides = spec.width, _sides(spec, size)
    if spec.family == "mlp":
        return [nn.Flatten(), *_dense(spec, size * size), nn.Linear(w, 1)]
    if spec.family == "residual":
        layers: list[nn.Module] = [nn.Conv2d(1, w, 3, padding=1)]
        for _ in sides[1:]:
            layers += [Residual(spec), nn.AvgPool2d(2, ceil_mode=True)]
        return [*layers, *_after(spec), nn.Flatten(), nn.Linear(w * sides[-1] ** 2, 1)]
    layers = [nn.Conv2d(1, w, 4, stride=2, padding=1), *_after(spec)]
    for _ in sides[2:]:
        layers += [nn.Conv2d(w, w, 3, stride=2, padding=1), *_after(spec)]
    return [*layers, nn.Flatten(), nn.Linear(w * sides[-1] ** 2, 1)]


class Residual(nn.Module):
    """x + conv(act(norm(conv(act(norm(x)))))), maps of one size (He et al., 2016, figure 4e)."""

    def __init__(self, spec: Network) -> None:
        super().__init__()

        def half() -> list[nn.Module]:
            return [*_after(spec), nn.Conv2d(spec.width, spec.width, 3, padding=1)]

        self.branch = nn.Sequential(*half(), *half())

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x)


def _sides(spec: Network, size: int) -> list[int]:
    """Side lengths of the maps from the image inwards, halved (rounded up) by each layer."""
    return [math.ceil(size / 2**k) for k in range(spec.depth + 1)]


def _dense(spec: Network, n_in: int) -> list[nn.Module]:
    sizes = [n_in, *[spec.width] * spec.depth]
    return [part for a, b in pairwise(sizes) for part in (nn.Linear(a, b), *_after(spec))]


def _after(spec: Network) -> list[nn.Module]:
    """Normalisation, then the activation."""
    return [_NORMS[spec.family][spec.norm](spec.width), ACTIVATIONS[spec.activation]()]

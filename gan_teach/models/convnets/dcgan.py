"""The fully connected GAN of MNIST, and DCGAN at 28, 32, 64 and other sizes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import nn

from gan_teach import _checks
from gan_teach._devices import seeded
from gan_teach.models.convnets._parts import Seed, check_channels, initialize, pyramid, up
from gan_teach.models.networks import MLP

ENDS = ("conv", "linear")


class VanillaGenerator(nn.Sequential):
    """Latents (n, latent) to images (n, *shape) by an MLP with LeakyReLU 0.2 and tanh.

    The defaults, 100-256-512-1024-784, have 1,486,352 parameters: assignment A5 of
    github.com/aryashah2k/RTML, after Goodfellow et al. (2014).
    """

    def __init__(
        self,
        shape: Sequence[int] = (1, 28, 28),
        latent: int = 100,
        width: Sequence[int] = (256, 512, 1024),
        *,
        seed: int = 0,
    ) -> None:
        super().__init__(
            MLP(
                latent, math.prod(shape), width=width, activation="leaky_relu",
                out_activation="tanh", seed=seed,
            ),
            nn.Unflatten(1, tuple(shape)),
        )  # fmt: skip


class VanillaDiscriminator(nn.Sequential):
    """Images (n, *shape) to logits (n, 1) by an MLP with LeakyReLU 0.2 and dropout.

    The defaults, 784-1024-512-256-1 with dropout 0.3, have 1,460,225 parameters (as above).
    """

    def __init__(
        self,
        shape: Sequence[int] = (1, 28, 28),
        width: Sequence[int] = (1024, 512, 256),
        dropout: float = 0.3,
        *,
        seed: int = 0,
    ) -> None:
        super().__init__(
            nn.Flatten(),
            MLP(
                math.prod(shape), 1, width=width, activation="leaky_relu", dropout=dropout,
                seed=seed,
            ),
        )  # fmt: skip


class DCGANGenerator(nn.Sequential):
    """Transposed convolutions 4 x 4 of stride 2 with batch norm and ReLU, tanh at the end.

    Radford et al. (2016). ``features`` channels at the last hidden map, twice as many at each
    smaller one. ``start="conv"`` opens with a transposed convolution, batch norm and ReLU as the
    paper does (size 64, features 64, latent 100: 3,576,704 parameters); ``"linear"`` with a linear
    layer alone (features 128: 12,672,768, the CIFAR-10 net of assignment A5).
    """

    def __init__(
        self,
        size: int = 64,
        channels: int = 3,
        features: int = 64,
        latent: int = 100,
        *,
        start: str = "conv",
        seed: int = 0,
    ) -> None:
        _checks.choice("start", start, ENDS)
        side, levels = pyramid(size)
        widths = [_checks.whole("features", features, least=1) << i for i in range(levels)][::-1]
        with seeded(seed):
            layers: list[nn.Module] = (
                [nn.Unflatten(1, (latent, 1, 1)), *up(latent, widths[0], side, 1, 0)]
                if start == "conv"
                else [Seed(latent, widths[0], side)]
            )
            for before, after in pairwise(widths):
                layers += up(before, after)
            last = nn.ConvTranspose2d(widths[-1], check_channels(channels), 4, 2, 1, bias=False)
            super().__init__(*layers, last, nn.Tanh())
            _initialize(self)


class DCGANDiscriminator(nn.Sequential):
    """Convolutions 4 x 4 of stride 2 with batch norm and LeakyReLU 0.2; logits (n, 1).

    Radford et al. (2016). ``features`` channels after the first convolution, which has no batch
    norm, twice as many after each further one. ``end="conv"`` closes with a convolution without
    bias (size 64, features 64: 2,765,568 parameters), ``"linear"`` with a linear layer (features
    128: 11,036,161). ``norm=False`` leaves batch norm out, which mixes the samples of a batch and
    so changes what a gradient penalty measures.
    """

    def __init__(
        self,
        size: int = 64,
        channels: int = 3,
        features: int = 64,
        *,
        end: str = "conv",
        norm: bool = True,
        seed: int = 0,
    ) -> None:
        _checks.choice("end", end, ENDS)
        side, levels = pyramid(size)
        widths = [_checks.whole("features", features, least=1) << i for i in range(levels)]
        with seeded(seed):
            layers: list[nn.Module] = []
            for i, after in enumerate(widths):
                before = widths[i - 1] if i else check_channels(channels)
                layers.append(nn.Conv2d(before, after, 4, 2, 1, bias=i > 0 and not norm))
                if i and norm:
                    layers.append(nn.BatchNorm2d(after))
                layers.append(nn.LeakyReLU(0.2, inplace=True))
            if end == "conv":
                layers += [nn.Conv2d(widths[-1], 1, side, 1, 0, bias=False), nn.Flatten()]
            else:
                layers += [nn.Flatten(), nn.Linear(widths[-1] * side * side, 1)]
            super().__init__(*layers)
            _initialize(self)


def _initialize(module: nn.Module) -> None:
    """Weights N(0, 0.02^2), batch norm's N(1, 0.02^2), its biases 0 (Radford et al., 2016)."""
    layers = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
    initialize(module, layers, lambda w: nn.init.normal_(w, 0.0, 0.02))
    initialize(module, (nn.BatchNorm2d,), lambda w: nn.init.normal_(w, 1.0, 0.02))

"""The CNN pair of RS-GAN: batch norm in the generator, spectral norm in the discriminator.

R. Sun, T. Fang, A. Schwing, "Towards a Better Global Loss Landscape of GANs" (2020), after Miyato
et al. (2018, table 3); 32 x 32 for CIFAR-10 and 48 x 48 for STL-10. ``features`` = 64 is the full
width; 32 is the half and 16 the quarter, with which the paper shows that pairing helps narrow nets.
"""

from __future__ import annotations

from itertools import pairwise

from torch import nn

from gan_teach import _checks
from gan_teach._devices import seeded
from gan_teach.models.convnets._parts import Seed, check_channels, initialize, spectral

_LEVELS = 3  # doublings, as published; other sizes change the first map


def first_side(size: int) -> int:
    """Side of the smallest map: 4 for images of 32, 6 for 48. ValueError for other than 8 * k."""
    side, rest = divmod(_checks.whole("size", size, least=8), 1 << _LEVELS)
    if rest:
        raise ValueError(f"size must be a multiple of 8 (published: 32 and 48), got {size}.")
    return side


class CNNGenerator(nn.Sequential):
    """Linear, three transposed convolutions with batch norm and ReLU, convolution 3 x 3, tanh.

    Parameters at features = 64, 32, 16: 3,812,355, 1,218,051 and 436,995 at 32 pixels; 5,133,315
    and (16) 767,235 at 48. Linear and plain convolution start Xavier-uniform, transposed ones as
    PyTorch makes them, as in the published code.
    """

    def __init__(
        self, size: int = 32, features: int = 64, latent: int = 128, channels: int = 3, *,
        seed: int = 0,
    ) -> None:  # fmt: skip
        side = first_side(size)
        f = _checks.whole("features", features, least=1)
        with seeded(seed):
            layers: list[nn.Module] = [Seed(latent, 8 * f, side)]
            for before, after in ((8 * f, 4 * f), (4 * f, 2 * f), (2 * f, f)):
                layers += [
                    nn.ConvTranspose2d(before, after, 4, 2, 1),
                    nn.BatchNorm2d(after),
                    nn.ReLU(inplace=True),
                ]
            layers += [nn.Conv2d(f, check_channels(channels), 3, 1, 1), nn.Tanh()]
            super().__init__(*layers)
            initialize(self, (nn.Linear, nn.Conv2d), nn.init.xavier_uniform_)


class CNNDiscriminator(nn.Sequential):
    """Seven convolutions and a linear layer without bias, all spectral-norm, LeakyReLU 0.1.

    3 x 3 of stride 1 and 4 x 4 of stride 2 in turn, F, F, 2F, 2F, 4F, 4F, 8F channels. Parameters
    at features = 64, 32, 16: 2,935,872, 736,800 and 185,616 at 32 pixels; 2,946,112 and (16)
    188,176 at 48. Orthogonal start.
    """

    def __init__(
        self, size: int = 32, features: int = 64, channels: int = 3, *, seed: int = 0
    ) -> None:
        side = first_side(size)
        f = _checks.whole("features", features, least=1)
        widths = [check_channels(channels), f, f, 2 * f, 2 * f, 4 * f, 4 * f, 8 * f]
        with seeded(seed):
            layers: list[nn.Module] = []
            for i, (before, after) in enumerate(pairwise(widths)):
                kernel, stride = ((3, 1), (4, 2))[i % 2]
                layers += [nn.Conv2d(before, after, kernel, stride, 1), nn.LeakyReLU(0.1)]
            layers += [nn.Flatten(), nn.Linear(8 * f * side * side, 1, bias=False)]
            super().__init__(*layers)
            normalize(self)


def normalize(module: nn.Module) -> None:
    """Orthogonal start and spectral norm for every convolution and linear layer."""
    layers = (nn.Conv2d, nn.Linear)
    initialize(module, layers, nn.init.orthogonal_)
    for part in list(module.modules()):
        if isinstance(part, layers):
            spectral(part)

"""The ResNet pair of RS-GAN at 32 and 48 pixels, with spectral norm in the discriminator.

R. Sun, T. Fang, A. Schwing, "Towards a Better Global Loss Landscape of GANs" (2020), after Miyato
et al. (2018, tables 4 and 5). At 32 pixels all blocks have the same width (256 in G, half of it in
D); at 48 the width halves from block to block. A bottleneck halves the hidden width of each block.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from gan_teach import _checks
from gan_teach._devices import seeded
from gan_teach.models.convnets._parts import Seed, check_channels, initialize
from gan_teach.models.convnets.sn import first_side, normalize


class UpBlock(nn.Module):
    """y = conv(relu(bn(conv(up(relu(bn(x))))))) + conv_1x1(up(x)), up doubling bilinearly."""

    def __init__(self, before: int, hidden: int, after: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(before), nn.BatchNorm2d(hidden)
        self.conv1 = nn.Conv2d(before, hidden, 3, 1, 1)
        self.conv2 = nn.Conv2d(hidden, after, 3, 1, 1)
        self.shortcut = nn.Conv2d(before, after, 1)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.conv1(_doubled(F.relu(self.norm1(x))))
        return self.conv2(F.relu(self.norm2(hidden))) + _doubled(self.shortcut(x))


class DownBlock(nn.Module):
    """y = pool(conv(act(conv(act(x))))) + pool(conv_1x1(x)), act = LeakyReLU 0.1.

    The first block of a discriminator sees pixels: it leaves out the activation before them.
    """

    def __init__(self, before: int, hidden: int, after: int, first: bool = False) -> None:
        super().__init__()
        self.first = first
        self.conv1 = nn.Conv2d(before, hidden, 3, 1, 1)
        self.conv2 = nn.Conv2d(hidden, after, 3, 1, 1)
        self.shortcut = nn.Conv2d(before, after, 1)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.conv1(x if self.first else _active(x))
        # A 1 x 1 convolution and a mean commute, and behind the mean it costs a quarter.
        return F.avg_pool2d(self.conv2(_active(hidden)), 2) + self.shortcut(F.avg_pool2d(x, 2))


class ResNetGenerator(nn.Sequential):
    """Linear, three up-blocks, batch norm, ReLU, convolution 1 x 1, tanh; Xavier-uniform start.

    Parameters: 32 pixels with features = 256, 128, 64: 4,270,595, 1,201,411 and 367,235; with
    bottleneck at 256 and 128: 2,499,971 and 758,467. 48 pixels with 64 and 16: 4,876,547 and
    751,427; with bottleneck at 64: 3,714,659.
    """

    def __init__(
        self, size: int = 32, features: int = 256, latent: int = 128, channels: int = 3, *,
        bottleneck: bool = False, seed: int = 0,
    ) -> None:  # fmt: skip
        side = first_side(size)
        f = _checks.whole("features", features, least=2)
        widths = [f, f, f, f] if _is_even(size) else [8 * f, 4 * f, 2 * f, f]
        with seeded(seed):
            blocks = [
                UpBlock(before, after // 2 if bottleneck else after, after)
                for before, after in pairwise(widths)
            ]
            last = nn.Conv2d(f, check_channels(channels), 1)
            ending = [nn.BatchNorm2d(f), nn.ReLU(inplace=True), last, nn.Tanh()]
            super().__init__(Seed(latent, widths[0], side), *blocks, *ending)
            initialize(self, (nn.Linear, nn.Conv2d), nn.init.xavier_uniform_)


class ResNetDiscriminator(nn.Sequential):
    """Four or five down-blocks, LeakyReLU 0.1, the sum over the map, a linear layer without bias.

    ``features`` is the generator's number, as published: at 32 pixels D is half as wide. All layers
    are spectral-norm, orthogonal start. Parameters: 32 pixels with features = 256, 128, 64:
    1,086,848, 273,088 and 68,960; with bottleneck at 256 and 128: 568,768 and 143,072. 48 pixels
    with 64 and 16: 10,141,440 and 635,328; with bottleneck at 64: 5,421,472.
    """

    def __init__(
        self, size: int = 32, features: int = 256, channels: int = 3, *,
        bottleneck: bool = False, seed: int = 0,
    ) -> None:  # fmt: skip
        first_side(_checks.whole("size", size, least=16))
        f = _checks.whole("features", features, least=2)
        widths = [f // 2] * 4 if _is_even(size) else [f, 2 * f, 4 * f, 8 * f, 16 * f]
        narrow = 2 if bottleneck else 1
        with seeded(seed):
            first = DownBlock(check_channels(channels), widths[0] // narrow, widths[0], first=True)
            blocks = [
                DownBlock(before, before // narrow, after) for before, after in pairwise(widths)
            ]
            head = nn.Linear(widths[-1], 1, bias=False)
            super().__init__(first, *blocks, _SumOfMap(), head)
            normalize(self)


class _SumOfMap(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return _active(x).sum((2, 3))


def _is_even(size: int) -> bool:
    """Whether the blocks have one width: up to 32 pixels (CIFAR-10), not beyond (STL-10)."""
    return size <= 32


def _active(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.1)


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear")

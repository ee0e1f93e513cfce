"""The ResNet pair without any normalization that Fiez & Ratliff train with R1.

T. Fiez, L. Ratliff, "Gradient Descent-Ascent Provably Converges to Strict Local Minmax Equilibria
with a Finite Timescale Separation" (2021), whose nets are those of Mescheder et al. (2018).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_teach import _checks
from gan_teach._devices import seeded
from gan_teach.models.convnets._parts import check_channels, pyramid

_MOST = 1024  # channels


class ResBlock(nn.Module):
    """y = shortcut(x) + 0.1 conv(act(conv(act(x)))), act = LeakyReLU 0.2; size is unchanged.

    The shortcut is the identity, or a convolution 1 x 1 without bias where the width changes.
    """

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        hidden = min(before, after)
        self.conv1 = nn.Conv2d(before, hidden, 3, 1, 1)
        self.conv2 = nn.Conv2d(hidden, after, 3, 1, 1)
        same = before == after
        self.shortcut = nn.Identity() if same else nn.Conv2d(before, after, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.shortcut(x) + 0.1 * self.conv2(_active(self.conv1(_active(x))))


class StableGenerator(nn.Module):
    """Linear, then blocks and nearest-neighbor doublings in turn, convolution 3 x 3, tanh.

    With the defaults (32 pixels, latent 256) 4,684,483 parameters. The published code counts one
    more: the embedding of its only class, which it divides by its own absolute value, so that it is
    the constant 1 that this linear layer sees as its last input.
    """

    def __init__(
        self, size: int = 32, features: int = 64, latent: int = 256, channels: int = 3, *,
        seed: int = 0,
    ) -> None:  # fmt: skip
        super().__init__()
        side, widths = _widths(size, features)
        widths = widths[::-1]
        with seeded(seed):
            self.linear = nn.Linear(latent + 1, widths[0] * side * side)
            self.blocks = nn.ModuleList(
                ResBlock(before, after)
                for before, after in zip(widths, [*widths[1:], widths[-1]], strict=True)
            )
            self.last = nn.Conv2d(widths[-1], check_channels(channels), 3, 1, 1)
        self.side = side

    def forward(self, z: Tensor) -> Tensor:
        label = torch.ones_like(z[:, :1])
        x = self.linear(torch.cat([z, label], 1)).unflatten(1, (-1, self.side, self.side))
        for i, block in enumerate(self.blocks):
            x = block(F.interpolate(x, scale_factor=2) if i else x)
        return torch.tanh(self.last(_active(x)))


class StableDiscriminator(nn.Sequential):
    """Convolution 3 x 3, then blocks and mean poolings in turn, LeakyReLU 0.2, linear; (n, 1).

    With the defaults (32 pixels) 2,579,649 parameters.
    """

    def __init__(
        self, size: int = 32, features: int = 64, channels: int = 3, *, seed: int = 0
    ) -> None:
        side, widths = _widths(size, features)
        with seeded(seed):
            layers: list[nn.Module] = [nn.Conv2d(check_channels(channels), widths[0], 3, 1, 1)]
            for i, (before, after) in enumerate(zip([widths[0], *widths], widths, strict=False)):
                if i:
                    layers.append(nn.AvgPool2d(3, 2, 1))
                layers.append(ResBlock(before, after))
            head = nn.Linear(widths[-1] * side * side, 1)
            super().__init__(*layers, nn.LeakyReLU(0.2), nn.Flatten(), head)


def _widths(size: int, features: int) -> tuple[int, Sequence[int]]:
    """Side of the smallest map, and the number of channels at each size from the largest map on."""
    side, levels = pyramid(size)
    f = _checks.whole("features", features, least=1)
    return side, [min(_MOST, f << i) for i in range(levels + 1)]


def _active(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.2)

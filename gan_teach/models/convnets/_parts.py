"""What the networks share: seeded construction, initial weights, sizes of a pyramid."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from gan_teach import _checks


def pyramid(size: int) -> tuple[int, int]:
    """(side of the smallest map, number of doublings up to ``size``): 28 = 7 * 4, 32 = 4 * 8.

    Raises ValueError for sizes that cannot be halved down to between 4 and 7.
    """
    start, levels = _checks.whole("size", size, least=8), 0
    while start > 7 and start % 2 == 0:
        start, levels = start // 2, levels + 1
    if start > 7:
        raise ValueError(
            f"size must be 4, 5, 6 or 7 doubled some times (such as 28, 32, 48, 64), got {size}."
        )
    return start, levels


def check_channels(channels: int) -> int:
    """1 for grey images, 3 for color."""
    if channels not in (1, 3):
        raise ValueError(f"channels must be 1 (grey) or 3 (color), got {channels!r}.")
    return channels


@torch.no_grad()
def initialize(module: nn.Module, kinds: tuple[type, ...], fill: Callable[[Tensor], object]):
    """``fill`` the weights of all layers of these kinds."""
    for part in module.modules():
        if isinstance(part, kinds):
            fill(part.weight)  # pyright: ignore[reportArgumentType]


def up(before: int, after: int, *size: int, bias: bool = False) -> list[nn.Module]:
    """Transposed convolution (kernel, stride, padding = ``size``), batch norm and ReLU."""
    conv = nn.ConvTranspose2d(before, after, *size or (4, 2, 1), bias=bias)
    return [conv, nn.BatchNorm2d(after), nn.ReLU(inplace=True)]


class Seed(nn.Sequential):
    """Latents (n, d) to maps (n, channels, side, side) by one linear layer."""

    def __init__(self, latent: int, channels: int, side: int) -> None:
        latent = _checks.whole("latent", latent, least=1)
        super().__init__(
            nn.Linear(latent, channels * side * side), nn.Unflatten(1, (channels, side, side))
        )

"""What the networks share: seeded construction, initial weights, sizes of a pyramid."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from gan_teach import _checks

Wrap = Callable[[nn.Module], nn.Module]


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


def dcgan_init(module: nn.Module) -> None:
    """Weights N(0, 0.02^2), batch norm's N(1, 0.02^2), its biases 0 (Radford et al., 2016)."""
    layers = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
    initialize(module, layers, lambda w: nn.init.normal_(w, 0.0, 0.02))
    initialize(module, (nn.BatchNorm2d,), lambda w: nn.init.normal_(w, 1.0, 0.02))


def spectral(layer: nn.Module) -> nn.Module:
    """The layer's weight divided by its largest singular value (Miyato et al., 2018, equation 8).

    The singular vectors are buffers that each forward pass in training mode brings nearer by one
    power iteration; they are part of a run's state and stand still in evaluation mode.
    """
    return parametrizations.spectral_norm(layer)


def plain(layer: nn.Module) -> nn.Module:
    """The layer as it is."""
    return layer


class Seed(nn.Sequential):
    """Latents (n, d) to maps (n, channels, side, side) by one linear layer."""

    def __init__(self, latent: int, channels: int, side: int) -> None:
        latent = _checks.whole("latent", latent, least=1)
        super().__init__(
            nn.Linear(latent, channels * side * side), nn.Unflatten(1, (channels, side, side))
        )

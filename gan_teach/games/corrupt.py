"""What D sees of real and generated samples alike: with noise, so that they always overlap, or
images changed at random, so that few of them are not learned by heart."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from gan_teach import _checks

Schedule = Callable[[int], float]


@lru_cache  # equal schedules are one object: an ensemble asks whether its members' agree
def linear_annealing(steps: int) -> Schedule:
    """Factor 1 - step / steps, and 0 from ``steps`` on."""
    _checks.whole("steps", steps, least=1)
    return lambda step: max(0.0, 1.0 - step / steps)


@dataclass
class InstanceNoise:
    """D sees x + std(step) eps and G(z) + std(step) eps', eps ~ N(0, I).

    Parameters
    ----------
    std : in units of the data; a tensor (S,) in an ensemble. May be changed while training.
    shared : the same eps on real sample i and fake sample i, as the 1-D tutorial's published code
        does. The theory asks for independent noise (Arjovsky & Bottou, 2017, theorem 3.2 and its
        corollary), the default.
    anneal : step -> factor on ``std``, for instance ``linear_annealing(1000)``; None keeps it.

    Raises ValueError for a negative std.
    """

    std: float | Tensor = 1.0
    shared: bool = False
    anneal: Schedule | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.std, Tensor):
            _checks.real("std", self.std, least=0.0)

    def draw(self, real: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Standard normal noise for a real and for a fake batch of this shape."""
        eps = torch.randn(real.shape, generator=rng, dtype=real.dtype)
        if self.shared:
            return eps, eps
        return eps, torch.randn(real.shape, generator=rng, dtype=real.dtype)

    def apply(self, x: Tensor, eps: Tensor, step: int) -> Tensor:
        """x + std(step) eps."""
        std = self.std * (self.anneal(step) if self.anneal else 1.0)
        if isinstance(std, Tensor):  # one per member; x may hold several snapshots of each
            std = std.to(x).repeat(len(x) // len(std)).view(-1, *[1] * (x.ndim - 1))
        return x + std * eps


AUGMENTATIONS = ("color", "translation", "cutout")


@dataclass
class DiffAugment:
    """D sees T(x) and T(G(z)), T a random change of each image, through which G's gradient passes.

    Zhao et al. (2020), equations 4 and 5: of the fakes too, in both players' losses, so that G need
    not learn to make changed images. Penalties are those of D at T(x). In this order, of ``kinds``:

    "color" : brightness x + U(-1/2, 1/2); saturation, each pixel's distance from the mean of its
    channels times U(0, 2); contrast, its distance from the image's mean times U(1/2, 3/2).
    "translation" : by up to an eighth of the size, filled with zeros (middle grey).
    "cutout" : zeros in a square of half the size, with its center anywhere.

    Raises ValueError for other kinds or none, and for samples that are no images.
    """

    kinds: Sequence[str] = AUGMENTATIONS

    def __post_init__(self) -> None:
        for kind in self.kinds or [""]:
            _checks.choice("augment", kind, AUGMENTATIONS)

    def draw(self, real: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Seven numbers in [0, 1) for each image, real and fake: (n, 7) twice."""
        if real.ndim < 4:
            raise ValueError(f"augment is for images, but a sample has shape {real.shape[1:]}.")
        n = len(real)
        return torch.rand(n, 7, generator=rng), torch.rand(n, 7, generator=rng)

    def apply(self, x: Tensor, u: Tensor, step: int) -> Tensor:
        """T(x) of images (..., channels, height, width) by the numbers u (..., 7)."""
        images, numbers = x.flatten(0, -4), u.to(x).flatten(0, -2).unbind(-1)
        if "color" in self.kinds:
            brightness, saturation, contrast = (v.view(-1, 1, 1, 1) for v in numbers[:3])
            images = images + (brightness - 0.5)
            images = _spread(images, 2 * saturation, (1,))
            images = _spread(images, contrast + 0.5, (1, 2, 3))
        if "translation" in self.kinds:
            for axis, v in ((2, numbers[3]), (3, numbers[4])):
                images = _shifted(images, axis, v)
        if "cutout" in self.kinds:
            square = _band(images, 2, numbers[5]) & _band(images, 3, numbers[6])
            images = images.masked_fill(square, 0.0)
        return images.view_as(x)


def _spread(x: Tensor, factor: Tensor, axes: tuple[int, ...]) -> Tensor:
    """The distances from the mean over the axes, times the factor."""
    mean = x.mean(axes, keepdim=True)
    return (x - mean) * factor + mean


def _places(x: Tensor, axis: int) -> Tensor:
    """0, 1, ... along that axis."""
    size = x.shape[axis]
    return torch.arange(size, device=x.device).view([size if k == axis else 1 for k in range(4)])


def _shifted(x: Tensor, axis: int, u: Tensor) -> Tensor:
    """Each image moved by a whole number of pixels, zeros where nothing was."""
    size = x.shape[axis]
    most = math.floor(size / 8 + 0.5)
    shift = (u * (2 * most + 1)).floor().long() - most
    source = _places(x, axis) + shift.view(-1, 1, 1, 1)
    taken = x.gather(axis, source.clamp(0, size - 1).expand_as(x))
    return taken.masked_fill((source < 0) | (source >= size), 0.0)


def _band(x: Tensor, axis: int, u: Tensor) -> Tensor:
    """Where along that axis the square lies that is cut out."""
    size = x.shape[axis]
    side = math.floor(size / 2 + 0.5)
    center = (u * (size + 1 - side % 2)).floor().view(-1, 1, 1, 1)
    first = center - side // 2
    return (_places(x, axis) >= first) & (_places(x, axis) < first + side)

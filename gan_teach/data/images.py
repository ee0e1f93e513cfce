"""Images as a data set: bytes in memory or in files, random batches of floats in [-1, 1].

Uint8 takes a quarter of the memory of floats, and picking rows by random indices needs no loader:
fifty thousand images of 32 x 32 are 150 MB. Whatever is random (which rows, flips, noise) comes
from the generator that ``sample`` is given, and is drawn by the same code for all of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from gan_teach import _checks
from gan_teach._identity import digest

LAYERS = 3  # of a stack
_CHUNK = 4096  # images that are resized at a time
_OVERSHOOT = 0.1  # of floats beyond their range, as bicubic scaling leaves at edges


class ImageSource(ABC):
    """Images that are drawn with replacement, wherever their bytes are kept.

    A subclass has a length, a ``shape`` (channels, height, width), the attributes ``name``,
    ``flip`` and ``dequantize`` of ``Images``, and reads bytes by their indices.
    """

    name: str
    shape: tuple[int, ...]
    dequantize: bool
    flip: bool

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def read(self, indices: Tensor) -> Tensor:
        """The images of these indices (n,), uint8 (n, channels, height, width)."""

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """``n`` random images (n, *shape), float32 in [-1, 1]."""
        return self._drawn(self.indices(n, rng), rng)

    def _drawn(self, indices: Tensor, rng: torch.Generator) -> Tensor:
        x = to_floats(self.read(indices))
        if self.flip:
            mirrored = torch.rand(len(x), 1, 1, 1, generator=rng) < 0.5
            x = torch.where(mirrored, x.flip(-1), x)
        if self.dequantize:
            x += torch.rand(x.shape, generator=rng) / 128
        return x

    def indices(self, n: int, rng: torch.Generator) -> Tensor:
        """Which images the next ``n`` are: the first numbers that are taken from the generator."""
        return torch.randint(len(self), (n,), generator=rng)

    def facts(self) -> dict[str, Any]:
        """Name, number and digest of the images: what they are, wherever they lie."""
        return {"name": self.name, "count": len(self), "digest": digest(self._content())[:16]}

    @abstractmethod
    def _content(self) -> Any:
        """What ``facts`` takes the digest of."""

    def check_batch(self, n: int) -> None:
        """Raises ValueError for a batch that holds more images than there are."""
        if n > len(self):
            raise ValueError(
                f"batch_size={n}, but {self.name} has only {len(self)} images: most of them would "
                f"be in each batch several times. Choose at most {len(self)}."
            )

    def __repr__(self) -> str:
        channels, height, width = self.shape
        kind = "grey" if channels == 1 else "colour"
        return (
            f"{type(self).__name__}({self.name}: {len(self)} {kind} images of {height} x {width})"
        )


@dataclass(frozen=True, eq=False, repr=False)
class Images(ImageSource):
    """A set of images of one shape, sampled with replacement.

    Parameters
    ----------
    pixels : uint8, or floats in [0, 1] or (where some are below -0.1) [-1, 1], of shape (n, height,
        width), (n, channels, height, width) or (n, height, width, channels) with 1 or 3 channels.
        Kept as uint8 (n, channels, height, width).
    labels : (n,) whole numbers, or None. classes : what they stand for.
    name : of the data set, for messages and titles.
    dequantize : add U(0, 1/128) to each pixel, one grey level, so that the distribution has a
        density (Theis et al., 2016; the noise of RS-GAN and of Fiez & Ratliff's image experiments).
    flip : mirror each drawn image with probability 1/2.

    Raises ValueError for no images, NaN, floats far beyond [-1, 1] (0-255 values must be uint8),
    other numbers of channels, images that are all constant, or labels that do not fit.
    """

    pixels: Tensor
    labels: Tensor | None = None
    classes: Sequence[str] = ()
    name: str = "images"
    dequantize: bool = False
    flip: bool = False

    def __post_init__(self) -> None:
        # The object is frozen for its users; here it is still being made.
        object.__setattr__(self, "pixels", to_bytes(self.pixels, self.name))
        if self.labels is not None:
            labels = torch.as_tensor(self.labels)
            if labels.shape != (len(self.pixels),) or labels.is_floating_point():
                raise ValueError(
                    f"labels must be {len(self.pixels)} whole numbers, one per image, got shape "
                    f"{tuple(labels.shape)} of {labels.dtype}."
                )
            object.__setattr__(self, "labels", labels.long())

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def shape(self) -> tuple[int, ...]:
        """(channels, height, width)."""
        return tuple(self.pixels.shape[1:])

    @property
    def targets(self) -> Tensor:
        """The labels. Raises ValueError where there are none."""
        if self.labels is None:
            raise ValueError(
                f"{self.name} has no labels: take a data set that has them, or a folder with one "
                "subfolder a class."
            )
        return self.labels

    def read(self, indices: Tensor) -> Tensor:
        """The images of these indices, uint8."""
        return self.pixels[indices]

    def _content(self) -> Any:
        return self.pixels, self.labels

    def __getitem__(self, rows: Any) -> Images:
        """The images of a slice, of a list of indices or of a mask, with their labels."""
        rows = [rows] if isinstance(rows, int) else rows
        labels = None if self.labels is None else self.labels[rows]
        return replace(self, pixels=self.pixels[rows], labels=labels)

    def of_classes(self, classes: Tensor, rng: torch.Generator) -> Tensor:
        """For each entry of ``classes`` (n,) a random image of that class, (n, *shape).

        What a conditional GAN draws: x from p(x | y). Raises ValueError where there are no labels,
        and for a class of which there is no image.
        """
        return self._drawn(self.indices_of(classes, rng), rng)

    def indices_of(self, classes: Tensor, rng: torch.Generator) -> Tensor:
        """Which images those are, (n,)."""
        counts = self.targets.bincount(minlength=int(classes.max()) + 1)
        if bool((empty := counts[classes] == 0).any()):
            raise ValueError(f"{self.name} holds no image of class {int(classes[empty][0])}.")
        of_their_class = (torch.rand(len(classes), generator=rng) * counts[classes]).long()
        first = counts.cumsum(0) - counts
        return _by_class(self.targets)[first[classes] + of_their_class]

    def class_counts(self) -> dict[str, int]:
        """How many images there are of each class, from 0 on, by its name or else its number.

        Raises ValueError where there are no labels.
        """
        names = [*self.classes, *map(str, range(len(self.classes), int(self.targets.max()) + 1))]
        return dict(zip(names, self.targets.bincount().tolist(), strict=False))

    def facts(self) -> dict[str, Any]:
        labelled = {} if self.labels is None else {"classes": self.class_counts()}
        return {**super().facts(), **labelled}

    def with_noise(self, dequantize: bool = True, flip: bool = False) -> Images:
        """The same images, drawn with these two kinds of randomness or without."""
        return replace(self, dequantize=dequantize, flip=flip)

    def in_balance(self) -> Images:
        """The same images, drawn so that each class comes as often. ValueError without labels."""
        _ = self.targets
        return _Balanced(**vars(self))

    def in_channels(self, channels: int) -> Images:
        """In grey (1), with the weights that Pillow has (BT.601), or in color (3)."""
        if check_channels(channels) == len(self.pixels[0]):
            return self
        if channels == 3:
            return replace(self, pixels=self.pixels.expand(-1, 3, -1, -1))
        weights = torch.tensor([0.299, 0.587, 0.114])[:, None, None]
        grey = [(weights * part).sum(1, keepdim=True) for part in self.pixels.split(_CHUNK)]
        return replace(self, pixels=torch.cat(grey).round().to(torch.uint8))

    def floats(self) -> Tensor:
        """All images, float32 in [-1, 1]."""
        return to_floats(self.pixels)

    def resized(self, size: int) -> Images:
        """Cut to the square in the middle and scaled to size x size pixels (antialiased)."""
        size = _checks.whole("size", size, least=1)
        if self.shape[1:] == (size, size):
            return self
        side = min(self.shape[1:])
        if side < max(self.shape[1:]):
            _checks.note(f"{self.name}: images are not square: the middle was cut out.")
        top, left = ((full - side) // 2 for full in self.shape[1:])
        square = self.pixels[:, :, top : top + side, left : left + side]
        parts = [_scaled(part, size) for part in square.split(_CHUNK)]
        return replace(self, pixels=torch.cat(parts))


@lru_cache(maxsize=2)
def _by_class(labels: Tensor) -> Tensor:
    """The order that sorts labels; a batch of every step asks for it."""
    return labels.argsort(stable=True)


class _Balanced(Images):
    """Images of which each class is drawn as often."""

    def indices(self, n: int, rng: torch.Generator) -> Tensor:
        there = self.targets.unique()
        return self.indices_of(there[torch.randint(len(there), (n,), generator=rng)], rng)


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
        indices = self.indices(n, rng)
        return to_floats(self.read(indices)), self.targets[indices]

    def class_counts(self) -> dict[str, int]:
        raise ValueError(f"{self.name} have three digits each, so no class to ask for.")

    def facts(self) -> dict[str, Any]:
        return ImageSource.facts(self)

    def indices(self, n: int, rng: torch.Generator) -> Tensor:
        """Three digits for each stack, (n, 3)."""
        return torch.randint(len(self), (n, LAYERS), generator=rng)

    def read(self, indices: Tensor) -> Tensor:
        """The stacks of these digits (n, 3), uint8."""
        return self.pixels[indices, 0]


def check_channels(channels: int) -> int:
    """1 for grey images, 3 for color; raises ValueError for other numbers."""
    if channels not in (1, 3):
        raise ValueError(f"channels must be 1 (grey) or 3 (color), got {channels!r}.")
    return channels


def to_floats(pixels: Tensor) -> Tensor:
    """Bytes 0..255 as float32 in [-1, 1]: x / 127.5 - 1."""
    return pixels.float().mul_(1 / 127.5).sub_(1)


def as_floats(images: Any, name: str = "images") -> Tensor:
    """Bytes, or floats in [-1, 1], as float32 (n, channels, height, width); NaN stays NaN."""
    x = _channels_first(_numbers(images, name), name)
    return x.float() if x.is_floating_point() else to_floats(x)


def to_bytes(images: Any, name: str = "images") -> Tensor:
    """Images as uint8 (n, channels, height, width); see ``Images`` for what is accepted."""
    x = _numbers(images, name)
    _checks.not_empty(name, x, "A data set needs at least one image.")
    x = _channels_first(x, name)
    if x.dtype != torch.uint8:
        x = _quantized(x, name)
    if bool((x.flatten(1) == x.flatten(1)[:, :1]).all()):
        raise ValueError(
            f"{name}: each of the {len(x)} images has one color throughout. Were they read, or "
            "scaled, in a way that lost their content?"
        )
    return x.contiguous()


def _numbers(images: Any, name: str) -> Tensor:
    """A tensor of bytes or floats on the CPU; black and white are 0 and 255.

    Raises ValueError for what is no numbers, and for whole ones beyond 0..255.
    """
    if isinstance(images, Tensor):
        images = images.detach().cpu()
        if images.dtype == torch.uint8:  # as it is: configurations share one tensor
            return images
        images = images.double() if images.dtype == torch.bfloat16 else images
    array = np.asarray(images)
    if array.dtype == bool:
        array = array.astype(np.uint8) * 255
    if array.dtype.kind not in "uif":
        raise ValueError(f"{name} must be numbers, bytes or floats, got {array.dtype}.")
    if array.dtype.kind in "ui" and array.dtype != np.uint8:
        if (beyond := array[(array < 0) | (array > 255)]).size:
            raise ValueError(f"{name} must lie in 0..255 as whole numbers, got {beyond[0]}.")
        array = array.astype(np.uint8)
    return torch.from_numpy(np.ascontiguousarray(array, array.dtype.newbyteorder("=")))


def _channels_first(x: Tensor, name: str) -> Tensor:
    if x.ndim == 3:
        return x[:, None]
    if x.ndim == 4 and x.shape[1] in (1, 3):
        return x
    if x.ndim == 4 and x.shape[-1] in (1, 3):
        return x.permute(0, 3, 1, 2)
    raise ValueError(
        f"{name} must have shape (n, height, width), (n, channels, height, width) or (n, height, "
        f"width, channels) with 1 or 3 channels, got {tuple(x.shape)}."
    )


def _quantized(x: Tensor, name: str) -> Tensor:
    """Floats in [0, 1] or in [-1, 1] as bytes, with the overshoot of an interpolation clipped."""
    _checks.finite(name, x, "Leave those images out, or read them again.")
    low, high = float(x.min()), float(x.max())
    if low < -1 - _OVERSHOOT or high > 1 + _OVERSHOOT:
        raise ValueError(
            f"{name} are floats from {low:g} to {high:g}; floats must lie in [0, 1] or [-1, 1]. "
            "Values of 0 to 255 are bytes: pass them as uint8."
        )
    least = 0.0 if low >= -_OVERSHOOT else -1.0
    if low < least or high > 1:
        _checks.note(
            f"{name}: floats from {low:g} to {high:g} were taken for [{least:g}, 1] and clipped."
        )
    unit = (x.clamp(least, 1) - least) / (1 - least)
    return (255 * unit).round().to(torch.uint8)


def _scaled(pixels: Tensor, size: int) -> Tensor:
    scaled = F.interpolate(pixels.float(), size=(size, size), mode="bilinear", antialias=True)
    return scaled.round_().clamp_(0, 255).to(torch.uint8)

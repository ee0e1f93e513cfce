"""Distributions on the real line and latent distributions.

Anything with ``sample(n, rng)`` and ``shape`` is a data set or a latent distribution; a ``density``
lets the course draw the optimal discriminator D* = p / (p + q) exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn.functional import one_hot
from torch.utils.data import Dataset

from gan_teach import _checks


@runtime_checkable
class Source(Protocol):
    """What a GAN draws its real samples and its latents from."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one sample."""
        ...

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """``n`` independent samples, shape (n, *shape); n may be those of many steps."""
        ...


@dataclass(frozen=True)
class Normal:
    """Independent normal coordinates: density prod_i exp(-(x_i - mean)^2 / 2 std^2) / (std sqrt(2
    pi)).

    ``Normal(5, 1)`` is the data of the 1-D tutorial, ``Normal(dim=100)`` the usual latent.
    Raises ValueError for std <= 0 or dim < 1.
    """

    mean: float = 0.0
    std: float = 1.0
    dim: int = 1

    def __post_init__(self) -> None:
        _checks.real("mean", self.mean)
        _checks.real("std", self.std, above=0.0)
        _checks.whole("dim", self.dim, least=1)

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.dim,)

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        return self.mean + self.std * torch.randn(n, self.dim, generator=rng)

    def density(self, x: Tensor) -> Tensor:
        """(m,) densities of x with shape (m, dim)."""
        z = (x - self.mean) / self.std
        return torch.exp(-0.5 * (z * z).sum(-1)) / (self.std * math.sqrt(2 * math.pi)) ** self.dim


@dataclass(frozen=True)
class Uniform:
    """Independent uniform coordinates on [low, high): density 1 / (high - low)^dim inside.

    Raises ValueError unless low < high.
    """

    low: float = 0.0
    high: float = 1.0
    dim: int = 1

    def __post_init__(self) -> None:
        _checks.real("low", self.low)
        _checks.real("high", self.high, above=self.low, hint="high must exceed low.")
        _checks.whole("dim", self.dim, least=1)

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.dim,)

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        return self.low + (self.high - self.low) * torch.rand(n, self.dim, generator=rng)

    def density(self, x: Tensor) -> Tensor:
        """(m,) densities of x with shape (m, dim)."""
        inside = ((x >= self.low) & (x <= self.high)).all(-1)
        return inside.to(x.dtype) / (self.high - self.low) ** self.dim


@dataclass(frozen=True, eq=False)
class Asked:
    """Latents of a conditional GAN: (z, y), noise beside the class that is asked for, as one-hot.

    Parameters
    ----------
    latent : distribution of z, shape (d,).
    labels : (m,) whole numbers from 0, a data set's: y is one of them at random, so that classes
        are asked for as often as they occur. ``torch.arange(k)`` asks for all alike.

    A sample has shape (d + classes,), Mirza & Osindero (2014), figure 1. Raises ValueError for
    latents that are no vectors and for labels that are no whole numbers from 0.
    """

    latent: Any
    labels: Tensor

    def __post_init__(self) -> None:
        labels = torch.as_tensor(self.labels)
        whole = labels.ndim == 1 and len(labels) > 0 and not labels.is_floating_point()
        if not whole or bool((labels < 0).any()):
            raise ValueError("labels must be a row of whole numbers from 0: the classes.")
        if len(self.latent.shape) != 1:
            raise ValueError(f"latent must draw vectors, but has shape {self.latent.shape}.")
        object.__setattr__(self, "labels", labels.long())

    @property
    def classes(self) -> int:
        """How many there are: one more than the largest label."""
        return int(self.labels.max()) + 1

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.latent.shape[0] + self.classes,)

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        z = self.latent.sample(n, rng)
        return self.ask(z, self.labels[torch.randint(len(self.labels), (n,), generator=rng)])

    def ask(self, z: Tensor, classes: Tensor | int) -> Tensor:
        """(z, y) for noise z (n, d) and the classes (n,) that are asked for, or one for all."""
        asked = torch.as_tensor(classes).expand(len(z))
        return torch.cat([z, one_hot(asked, self.classes).to(z)], 1)


def as_numbers(name: str, value: ArrayLike | Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """Tensor of at least one row of finite numbers; raises ValueError or TypeError."""
    try:
        numbers = torch.as_tensor(value, dtype=dtype)
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(f"{name} must be an array of numbers, got {value!r:.80}.") from None
    _checks.not_empty(name, numbers, hint="Give at least one row.")
    if numbers.is_floating_point():
        _checks.finite(name, numbers, hint="Clean the data first.")
    return numbers


def _rows(dataset: Any) -> Any:
    items = [dataset[i] for i in range(len(dataset))]
    rows = [item[0] if isinstance(item, tuple) else item for item in items]
    return torch.stack([torch.as_tensor(row) for row in rows]) if rows else rows


_THEORY = ("density", "modes", "mode_std", "mode_weights", "locate")


class Points:
    """A data set in memory, sampled with replacement: each draw is a uniformly random row.

    Random indexing replaces a data loader for anything that fits into memory. Given the ``source``
    that the points were drawn from, its density and its modes are kept for metrics and pictures.
    A map-style ``torch.utils.data.Dataset`` is read once, item by item; of a tuple such as (sample,
    label) it takes the sample.
    Raises TypeError for what is not numbers, ValueError for an empty set or NaN in it.
    """

    def __init__(
        self, points: ArrayLike | Tensor | Dataset[Any], source: Source | None = None
    ) -> None:
        numbers = as_numbers("points", _rows(points) if isinstance(points, Dataset) else points)
        self.points = numbers[:, None] if numbers.ndim == 1 else numbers
        for name in _THEORY:  # what is known of the distribution that the points come from
            if hasattr(source, name):
                setattr(self, name, getattr(source, name))

    @classmethod
    def drawn(cls, source: Source, n: int, seed: int = 0) -> Points:
        """``n`` points of ``source`` drawn once; its density and modes are kept for the theory."""
        _checks.whole("n", n, least=1)
        return cls(source.sample(n, torch.Generator().manual_seed(seed)), source)

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.points.shape[1:])

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """``n`` of the points, (n, *shape)."""
        return self.points[torch.randint(len(self.points), (n,), generator=rng)]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.points)} points of shape {self.shape})"


class Fixed(Points):
    """A finite set of points, handed out in order and from the first again when they run out.

    ``Fixed.drawn(Normal(5, 1), 10, seed=0)`` is the published 1-D tutorial: its ten real samples
    are drawn once, before training, so that the generator is compared with ten points for ever.
    ``Fixed(torch.zeros(1, 1))`` is the point mass of the Dirac-GAN.
    With the batch size equal to the number of points each step is a full-batch step. Where the
    points do not go evenly into what is drawn, it begins at a random one: each is drawn as often.
    """

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        count = len(self.points)
        first = torch.randint(count, (), generator=rng) if n % count else 0
        return self.points[(first + torch.arange(n)) % count]

"""Instance noise: what the discriminator sees is blurred, so that real and fake always overlap."""

from collections.abc import Callable
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

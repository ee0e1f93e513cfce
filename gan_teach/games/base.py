"""What every game has: a batch of randomness, two losses, two lists of parameters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

Params = tuple[Sequence[Tensor], Sequence[Tensor]]
"""Values for the generator's and the discriminator's parameters, in the order of ``Game``'s
lists."""


class Batch(NamedTuple):
    """All that is random in one evaluation of the losses, and the step it belongs to, which noise
    schedules read."""

    real: Tensor
    latent: Tensor
    noise_real: Tensor | None = None
    noise_fake: Tensor | None = None
    penalty_noise: tuple[tuple[Tensor, ...], ...] = ()
    step: int = 0

    def map(self, fn: Callable[[Tensor], Tensor]) -> Batch:
        """The batch with ``fn`` applied to each tensor."""
        tensors: Any = [None if x is None else fn(x) for x in self[:4]]
        noise = tuple(tuple(fn(x) for x in group) for group in self.penalty_noise)
        return Batch(*tensors, penalty_noise=noise, step=self.step)


class Losses(NamedTuple):
    """What each player minimises: scalars, or (S,) in an ensemble."""

    g: Tensor
    d: Tensor


class Game(ABC):
    """A differentiable game of a generator (player 1) and a discriminator (player 2)."""

    lead: tuple[int, ...] = ()
    d_terms: dict[str, Tensor] | None = None
    """Where a game whose D minimises a sum puts its terms, by name, as it evaluates the loss.

    A dictionary during an update of ``train``, which takes it into ``State.d_terms``; else None:
    losses are pure functions then.
    """

    @property
    @abstractmethod
    def g_params(self) -> list[Tensor]:
        """The generator's parameters."""

    @property
    @abstractmethod
    def d_params(self) -> list[Tensor]:
        """The discriminator's parameters."""

    @abstractmethod
    def draw(self, n: int, rng: Any) -> Batch:
        """``n`` samples of all that is random; ``rng`` is one torch.Generator, or S in an
        ensemble."""

    @abstractmethod
    def losses(self, batch: Batch, params: Params | None = None) -> Losses:
        """Both losses, at the current parameters or at others (which may have a leading axis)."""

    def loss_g(self, batch: Batch, fake: Tensor | None = None) -> Tensor:
        """The generator's loss alone; overridden where that is cheaper."""
        return self.losses(batch).g

    def loss_d(self, batch: Batch, fake: Tensor | None = None) -> Tensor:
        """The discriminator's loss alone; overridden where that is cheaper."""
        return self.losses(batch).d

    def fakes(self, batch: Batch) -> Tensor | None:
        """G's samples for the batch, if the game has any: a rule that evaluates several losses on
        one batch may hand them to ``loss_d`` and ``loss_g`` instead of having them made again."""
        return None

    def settings(self) -> dict[str, Any]:
        """What decides the losses beside the parameters, by name: a resumed run must agree."""
        return {"game": type(self)}

    def check_batch(self, n: int) -> None:
        """Raises ValueError for a batch size that the data cannot fill; a formula fills any."""
        del n

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """Shape of one real sample; (0,) for a game that draws none."""
        return (0,)

    def modules(self) -> dict[str, nn.Module]:
        """Modules whose buffers belong to the state of a run."""
        return {}

    @property
    def n_g(self) -> int:
        """Number of the generator's parameters (of one member)."""
        return self._count(self.g_params)

    @property
    def n_d(self) -> int:
        """Number of the discriminator's parameters (of one member)."""
        return self._count(self.d_params)

    def _count(self, params: list[Tensor]) -> int:
        return sum(p.numel() for p in params) // (self.lead[0] if self.lead else 1)

    def _first(self) -> Tensor:
        return next(iter(self.g_params or self.d_params))

    @property
    def dtype(self) -> torch.dtype:
        return self._first().dtype

    @property
    def device(self) -> torch.device:
        return self._first().device

    def to(self, *args: Any, **kwargs: Any) -> Game:
        """Move or cast the parameters in place, as ``nn.Module.to`` does; returns the game."""
        for module in self.modules().values():
            module.to(*args, **kwargs)
        return self


@contextmanager
def frozen(params: Sequence[Tensor]) -> Iterator[None]:
    """Within it the parameters are constants: same gradients, no graph through their network."""
    held = [p for p in params if p.requires_grad]
    for p in held:
        p.requires_grad_(False)
    try:
        yield
    finally:
        for p in held:
            p.requires_grad_(True)


def flatten(game: Game) -> Tensor:
    """The parameters as one vector (n,), or (S, n): the generator's, then the discriminator's."""
    axes = len(game.lead)
    return torch.cat([p.detach().flatten(axes) for p in (*game.g_params, *game.d_params)], -1)


def split(game: Game, w: Tensor) -> tuple[Tensor, ...]:
    """The generator's part (..., n_g) of a vector and the discriminator's (..., n_d)."""
    n = game.n_g + game.n_d
    if w.shape[-1] != n:
        raise ValueError(f"w has {w.shape[-1]} entries, but the game has {n} parameters.")
    return w.split([game.n_g, game.n_d], -1)


def shaped(game: Game, x: Tensor, y: Tensor) -> Params:
    """The players' vectors (..., n_g) and (..., n_d) as parameters, in views of them."""

    def views(own: Tensor, params: Sequence[Tensor]) -> list[Tensor]:
        shapes = [p.shape[len(game.lead) :] for p in params]
        pieces = zip(own.split([shape.numel() for shape in shapes], -1), shapes, strict=True)
        return [piece.reshape(*own.shape[:-1], *shape) for piece, shape in pieces]

    return views(x, game.g_params), views(y, game.d_params)

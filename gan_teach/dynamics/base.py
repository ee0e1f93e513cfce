"""What all update rules share: the interface, gradients, and looking elsewhere without moving."""

from __future__ import annotations

import copy
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from gan_teach import _checks
from gan_teach.dynamics.optim import Optimizers
from gan_teach.games import Batch, Game

DrawFn = Callable[..., Batch]
Seen = dict[str, Tensor]
Grads = tuple[Tensor, ...]


class Rule(ABC):
    """One step of training. State beyond the numbers (a previous gradient) is in ``state_dict``.

    A subclass names the attributes that it carries from step to step in ``memory``; each is None
    before the first step, then a list of tensors or a whole number. ``linear`` says that all it
    does with gradients is to hand them to the optimizers, taken at the loss times their ``scale``.
    """

    memory: tuple[str, ...] = ()
    linear = False

    @abstractmethod
    def __call__(self, game: Game, draw: DrawFn, optims: Optimizers) -> Seen:
        """Update both players once; returns {"g_loss": ..., "d_loss": ...}."""

    def reset(self) -> None:
        """Forget what earlier steps left behind; ``train`` calls it at the start of a run."""
        for name in self.memory:
            setattr(self, name, None)

    def state_dict(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.memory}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for name in self.memory:
            setattr(self, name, copy.deepcopy(state[name]))

    def __repr__(self) -> str:
        numbers = {k: v for k, v in vars(self).items() if k[0] != "_" and k not in self.memory}
        name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(self).__name__).lower()
        return f"{name}({', '.join(f'{k}={v!r}' for k, v in numbers.items())})"


class Wrapping(Rule):
    """A rule that takes the steps of ``inner`` and adds something of its own.

    Its state is the inner rule's with its own beside it, so that a run may be resumed without it.
    """

    def __init__(self, inner: Rule) -> None:
        self.inner = _checks.instance("inner", inner, Rule, "Build one with gt.alternating().")

    def reset(self) -> None:
        super().reset()
        self.inner.reset()

    def state_dict(self) -> dict[str, Any]:
        return {**self.inner.state_dict(), **super().state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.inner.load_state_dict(state)


def gradient(
    loss: Tensor, params: Sequence[Tensor], keep_graph: bool = False, differentiable: bool = False,
    scale: float = 1.0,
) -> Grads:  # fmt: skip
    """d loss / d params; the losses of an ensemble are summed, so members do not mix.

    ``differentiable`` makes the result one that can be differentiated again. A loss that does not
    depend on any parameter has gradient zero. The way back starts from ``scale * loss``, and what
    arrives is divided by ``scale``, which matters only to what half precision can hold.
    """
    if not loss.requires_grad:
        return tuple(torch.zeros_like(p) for p in params)
    total = loss.sum() if loss.ndim else loss
    grads = torch.autograd.grad(
        total if scale == 1.0 else scale * total,
        params,
        retain_graph=keep_graph or differentiable,
        create_graph=differentiable,
        allow_unused=True,
        materialize_grads=True,
    )
    return grads if scale == 1.0 else tuple(g / scale for g in grads)


def field(
    game: Game, batch: Batch, differentiable: bool = False, scale: float = 1.0
) -> tuple[Grads, Grads, Seen]:
    """(dL_G/dG, dL_D/dD) at the current point from one batch, and the losses."""
    losses = game.losses(batch)
    d_grads = gradient(losses.d, game.d_params, True, differentiable, scale)
    g_grads = gradient(losses.g, game.g_params, False, differentiable, scale)
    return g_grads, d_grads, {"g_loss": losses.g.detach(), "d_loss": losses.d.detach()}


def parameters(game: Game) -> list[Tensor]:
    """Both players' parameters, the generator's first."""
    return [*game.g_params, *game.d_params]


def split(game: Game, values: Sequence[Tensor]) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
    """Values in the order of ``parameters``, as the generator's and the discriminator's."""
    cut = len(game.g_params)
    return values[:cut], values[cut:]


def copies(values: Sequence[Tensor]) -> list[Tensor]:
    """Detached copies, not references: an optimizer or autograd may reuse the memory, and a
    "previous gradient" that is the present one turns optimistic into plain descent, unnoticed.
    """
    return [v.detach().clone() for v in values]


def like(values: Sequence[Tensor], params: Sequence[Tensor]) -> list[Tensor]:
    """Remembered values on the parameters' device, which a resumed run may have changed."""
    return [v.to(p) for v, p in zip(values, params, strict=True)]


@contextmanager
def excursion(game: Game, optims: Optimizers, keep_state: bool = False) -> Iterator[None]:
    """Steps taken inside are only for a look: parameters and optimizer states come back afterwards.

    ``keep_state`` brings back the parameters alone.
    """
    params = parameters(game)
    point = copies(params)
    state = None if keep_state else copy.deepcopy(optims.state_dict())
    try:
        yield
    finally:
        put(params, point)
        if state is not None:
            optims.load_state_dict(state)


@torch.no_grad()
def put(params: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    """params <- values, in place."""
    for p, v in zip(params, values, strict=True):
        p.copy_(v)

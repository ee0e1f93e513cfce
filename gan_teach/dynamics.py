"""Update rules: how one step of training moves the two players.

A rule is called as ``rule(game, draw, optims)`` and returns the losses it saw, detached. Its
numbers are plain attributes that may be changed between two steps (a slider does). The gradient of
a player's loss is taken with the other player frozen: same value, and no graph through the frozen
network.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from gan_teach import _checks
from gan_teach.games import Batch, Game, frozen
from gan_teach.optim import Optimizers

DrawFn = Callable[..., Batch]
Seen = dict[str, Tensor]


class Rule(ABC):
    """One step of training. State beyond the numbers (a previous gradient) is in ``state_dict``."""

    @abstractmethod
    def __call__(self, game: Game, draw: DrawFn, optims: Optimizers) -> Seen:
        """Update both players once; returns {"g_loss": ..., "d_loss": ...}."""

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        del state

    def __repr__(self) -> str:
        shown = ", ".join(f"{k}={v!r}" for k, v in vars(self).items() if not k.startswith("_"))
        return f"{type(self).__name__.lower()}({shown})"


def gradient(
    loss: Tensor, params: Sequence[Tensor], keep_graph: bool = False
) -> tuple[Tensor, ...]:
    """d loss / d params; the losses of an ensemble are summed, so members do not mix."""
    return torch.autograd.grad(
        loss.sum(), params, retain_graph=keep_graph, allow_unused=True, materialize_grads=True
    )


def field(game: Game, batch: Batch) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...], Seen]:
    """(dL_G/dG, dL_D/dD) at the current point from one batch, and the losses."""
    losses = game.losses(batch)
    d_grads = gradient(losses.d, game.d_params, keep_graph=True)
    g_grads = gradient(losses.g, game.g_params)
    return g_grads, d_grads, {"g_loss": losses.g.detach(), "d_loss": losses.d.detach()}


class Simultaneous(Rule):
    """w <- w - lr F(w): both gradients at the same point and batch, then both steps."""

    def __call__(self, game: Game, draw: DrawFn, optims: Optimizers) -> Seen:
        g_grads, d_grads, seen = field(game, draw())
        optims.step_d(d_grads)
        optims.step_g(g_grads)
        return seen


class Alternating(Rule):
    """``d_steps`` updates of D, then ``g_steps`` of G, each at the newest point.

    ``redraw="all"`` gives every inner update a batch of its own. ``redraw="latents"`` is the scheme
    of the 1-D tutorial: the D updates share one batch, real samples and noise serve the whole
    round, and only the latents are new for each G update.
    """

    def __init__(
        self, d_steps: int | Sequence[int] = 1, g_steps: int | Sequence[int] = 1,
        redraw: str = "all", d_every: int = 1,
    ) -> None:  # fmt: skip
        self.d_steps = _counts("d_steps", d_steps)
        self.g_steps = _counts("g_steps", g_steps)
        self.redraw = _checks.choice("redraw", redraw, ("all", "latents"))
        self.d_every = _checks.whole("d_every", d_every, least=1)

    def __call__(self, game: Game, draw: DrawFn, optims: Optimizers) -> Seen:
        seen: Seen = {}
        shared = draw("d", 0) if self.redraw == "latents" else None
        if draw.step % self.d_every == 0:  # pyright: ignore[reportFunctionMemberAccess]
            for i, active in _rounds(self.d_steps, game.lead):
                batch = shared or draw("d", i)
                with frozen(game.g_params):
                    loss = game.loss_d(batch)
                    grads = gradient(loss, game.d_params)
                optims.step_d(grads, active)
                seen["d_loss"] = loss.detach()
        for i, active in _rounds(self.g_steps, game.lead):
            batch = draw("g", i)
            if shared is not None:
                batch = replace(shared, latent=batch.latent)
            with frozen(game.d_params):
                loss = game.loss_g(batch)
                grads = gradient(loss, game.g_params)
            optims.step_g(grads, active)
            seen["g_loss"] = loss.detach()
        return seen


def _counts(name: str, value: int | Sequence[int]) -> int | list[int]:
    if isinstance(value, Sequence):
        return [_checks.whole(name, v) for v in value]
    return _checks.whole(name, value)


def _rounds(count: int | list[int], lead: tuple[int, ...]):
    """Inner update number and mask (None when every member takes part)."""
    if isinstance(count, int):
        yield from ((i, None) for i in range(count))
        return
    if lead != (len(count),):
        raise ValueError(
            f"{len(count)} step counts were given for an ensemble of {lead or 'one game'}."
        )
    counts = torch.tensor(count)
    for i in range(max(count)):
        active = counts > i
        yield i, None if bool(active.all()) else active


def simultaneous() -> Simultaneous:
    """Simultaneous gradient descent: w <- w - lr F(w), F = (dL_G/dG, dL_D/dD).

    On min-max xy its iterates grow by sqrt(1 + lr^2) a step (Mescheder et al., 2017).
    """
    return Simultaneous()


def alternating(
    d_steps: int | Sequence[int] = 1,
    g_steps: int | Sequence[int] = 1,
    redraw: str = "all",
    d_every: int = 1,
) -> Alternating:
    """Alternating gradient descent, ``d_steps`` : ``g_steps`` (Goodfellow et al., 2014, algorithm
    1).

    In an ensemble both numbers may be sequences, one entry per member. ``d_every=2`` lets D move on
    even steps only. Raises ValueError for negative counts.
    """
    return Alternating(d_steps, g_steps, redraw, d_every)

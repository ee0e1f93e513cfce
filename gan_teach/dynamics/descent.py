"""Descent rules: simultaneous, alternating, negative momentum, and weight clipping around a rule.

The gradient of a player's loss is taken with the other player frozen where only one of them moves:
same value, and no graph through the frozen network.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field as setting, replace

import torch
from torch import Tensor

from gan_teach import _checks
from gan_teach.dynamics.base import (
    DrawFn,
    Memory,
    Rule,
    Seen,
    UpdateRule,
    Wrapping,
    copies,
    field,
    gradient,
    memory_of,
)
from gan_teach.dynamics.optim import Optimizers, latest
from gan_teach.games.base import Game, frozen


@dataclass(repr=False, eq=False)
class Simultaneous(Rule):
    """Simultaneous gradient descent: w <- w - lr F(w), F = (dL_G/dG, dL_D/dD).

    Both gradients at the same point and batch, then both steps. On min-max xy its iterates grow by
    sqrt(1 + lr^2) a step (Mescheder et al., 2017).
    """

    linear = True

    def __call__(self, game: Game, draw: DrawFn, optims: Optimizers) -> Seen:
        g_grads, d_grads, seen = field(game, draw())
        optims.step(g_grads, d_grads)
        return seen


@dataclass(repr=False, eq=False)
class Alternating(Rule):
    """Alternating gradient descent: ``d_steps`` times w_D <- w_D - lr_D dL_D/dD, then ``g_steps``
    times w_G <- w_G - lr_G dL_G/dG, each at the newest point (Goodfellow et al., 2014, algorithm
    1).

    In an ensemble both numbers may be sequences, one entry per member. ``first`` is the player that
    begins a round: "d", as published, or "g". ``d_every=2`` lets D move on even steps only.

    ``redraw="all"`` gives every inner update a batch of its own. ``redraw="latents"`` is the scheme
    of the 1-D tutorial: the D updates share one batch, real samples and noise serve the whole
    round, and only the latents are new for each G update. ``redraw="none"`` uses one batch, latents
    included, in all updates of the round, and makes the samples that they share only once.

    Raises ValueError for negative counts and for other words.
    """

    d_steps: int | Sequence[int] = 1
    g_steps: int | Sequence[int] = 1
    redraw: str = "all"
    d_every: int = 1
    first: str = "d"
    linear = True

    def __post_init__(self) -> None:
        self.d_steps = _counts("d_steps", self.d_steps)
        self.g_steps = _counts("g_steps", self.g_steps)
        _checks.choice("first", self.first, ("d", "g"))
        _checks.choice("redraw", self.redraw, ("all", "latents", "none"))
        _checks.whole("d_every", self.d_every, least=1)

    def __call__(self, game: Game, draw: DrawFn, optims: Optimizers) -> Seen:
        seen: Seen = {}
        shared = None if self.redraw == "all" else draw("d", 0)
        fake = None  # G(z) of the shared batch, with a graph if G's first update can use it
        if shared is not None and (self.first == "d" or self.redraw == "none"):
            with torch.set_grad_enabled(self.redraw == "none"):
                fake = game.fakes(shared)

        def update_d() -> None:
            still = None if fake is None or self.first == "g" else fake.detach()  # G has not moved
            for i, active in _rounds(self.d_steps, game.lead):
                with frozen(optims.g.params):
                    loss = game.loss_d(shared or draw("d", i), still)
                    grads = gradient(loss, optims.d.params)
                optims.step_d(grads, active)
                seen["d_loss"] = latest(seen.get("d_loss"), loss.detach(), active)

        def update_g() -> None:
            for i, active in _rounds(self.g_steps, game.lead):
                batch = shared if shared and self.redraw == "none" else draw("g", i)
                if shared and self.redraw == "latents":
                    batch = replace(shared, latent=batch.latent)
                with frozen(optims.d.params):
                    loss = game.loss_g(batch, fake if self.redraw == "none" and i == 0 else None)
                    grads = gradient(loss, optims.g.params)
                optims.step_g(grads, active)
                seen["g_loss"] = latest(seen.get("g_loss"), loss.detach(), active)

        if self.first == "g":
            update_g()
        if draw.step % self.d_every == 0:
            update_d()
        if self.first == "d":
            update_g()
        return seen


@dataclass(repr=False, eq=False)
class NegativeMomentum(Rule):
    """Alternating descent, one step each, with momentum that pulls back (Gidel et al., 2019b).

    u <- beta u + grad, w <- w - eta u for D, then for G at D's new point (*Negative momentum for
    improved game dynamics*, section 4). rho is the largest root, in magnitude, of
    (s - 1)^2 (s - beta)^2 + eta^2 s^3 = 0: below 1 for a small eta and beta = -1/2. With ``beta=0``
    it is ``alternating()``.

    u goes to the optimizer as the gradient. Raises ValueError unless -1 < beta <= 1.
    """

    beta: float = -0.5

    def __post_init__(self) -> None:
        self.beta = _checks.real("beta", self.beta, above=-1.0, most=1.0)

    def __call__(self, game: Game, draw: DrawFn, optims: Optimizers, memory: Memory) -> Seen:
        with frozen(game.g_params):
            d_loss = game.loss_d(draw("d", 0))
            d_grads = gradient(d_loss, game.d_params)
        optims.step_d(self._velocity("d", d_grads, memory))
        with frozen(game.d_params):
            g_loss = game.loss_g(draw("g", 0))
            g_grads = gradient(g_loss, game.g_params)
        optims.step_g(self._velocity("g", g_grads, memory))
        return {"g_loss": g_loss.detach(), "d_loss": d_loss.detach()}

    def _velocity(self, player: str, grads: Sequence[Tensor], memory: Memory) -> list[Tensor]:
        past = memory.get(player) or [torch.zeros_like(g) for g in grads]
        velocity = [self.beta * u + g for u, g in zip(past, grads, strict=True)]
        memory[player] = copies(velocity)
        return velocity


@dataclass(repr=False, eq=False)
class WeightClipping(Wrapping):
    """Weight clipping: after each update of D, w_D <- clip(w_D, -bound, bound).

    Arjovsky et al. (2017, algorithm 1), who bound the critic's slope so. ``inner`` is
    ``alternating()`` unless given; for rules that move the players past the optimizers (optimistic,
    lookahead) D is clipped once more at the end. Raises ValueError unless bound > 0.
    """

    bound: float = 0.01
    inner: UpdateRule = setting(default_factory=Alternating)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.bound = _checks.real("bound", self.bound, above=0.0)

    def __call__(self, game: Game, draw: DrawFn, optims: Optimizers, memory: Memory) -> Seen:
        clipping = _Clipping(optims, self.bound)
        seen = self.inner(game, draw, clipping, *memory_of(self.inner, memory))
        _clip(game.d_params, self.bound)
        return seen


class _Clipping(Optimizers):
    """The optimizers behind ``outer``; each update of D ends within the bound."""

    def __init__(self, outer: Optimizers, bound: float) -> None:
        super().__init__(outer.g, outer.d)
        self.step_g = outer.step_g
        self._outer, self._bound = outer, bound

    def step_d(self, grads: Sequence[Tensor], active: Tensor | None = None) -> None:
        self._outer.step_d(grads, active)
        _clip(self.d.params, self._bound)


@torch.no_grad()
def _clip(params: Sequence[Tensor], bound: float) -> None:
    for p in params:
        p.clamp_(-bound, bound)


def _counts(name: str, value: int | Sequence[int]) -> int | list[int]:
    if isinstance(value, Sequence):
        return [_checks.whole(name, v) for v in value]
    return _checks.whole(name, value)


def _rounds(
    count: int | Sequence[int], lead: tuple[int, ...]
) -> Iterator[tuple[int, Tensor | None]]:
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


simultaneous = Simultaneous
alternating = Alternating
negative_momentum = NegativeMomentum
weight_clipping = WeightClipping

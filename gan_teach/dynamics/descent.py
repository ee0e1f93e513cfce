"""Descent rules: simultaneous, alternating, and alternating with negative momentum.

The gradient of a player's loss is taken with the other player frozen where only one of them moves:
same value, and no graph through the frozen network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

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
    parameters,
    split,
)
from gan_teach.dynamics.optim import Optimizers, latest
from gan_teach.games import Batch, Game, frozen


class Simultaneous(Rule):
    """w <- w - lr F(w): both gradients at the same point and batch, then both steps."""

    linear = True

    def __call__(self, game: Game, draw: DrawFn, optims: Optimizers) -> Seen:
        g_grads, d_grads, seen = field(game, draw())
        optims.step_d(d_grads)
        optims.step_g(g_grads)
        return seen


class Alternating(Rule):
    """``d_steps`` updates of D, then ``g_steps`` of G, each at the newest point.

    ``redraw="all"`` gives every inner update a batch of its own. ``redraw="latents"`` is the scheme
    of the 1-D tutorial: the D updates share one batch, real samples and noise serve the whole
    round, and only the latents are new for each G update. ``redraw="none"`` uses one batch, latents
    included, in all updates of the round, and makes the samples that they share only once.
    """

    linear = True

    def __init__(
        self, d_steps: int | Sequence[int] = 1, g_steps: int | Sequence[int] = 1,
        redraw: str = "all", d_every: int = 1,
    ) -> None:  # fmt: skip
        self.d_steps = _counts("d_steps", d_steps)
        self.g_steps = _counts("g_steps", g_steps)
        self.redraw = _checks.choice("redraw", redraw, ("all", "latents", "none"))
        self.d_every = _checks.whole("d_every", d_every, least=1)

    def __call__(self, game: Game, draw: DrawFn, optims: Optimizers) -> Seen:
        seen: Seen = {}
        shared = None if self.redraw == "all" else draw("d", 0)
        fake = None  # G(z) of the shared batch, with a graph if G's first update can use it
        if shared is not None:
            with torch.set_grad_enabled(self.redraw == "none"):
                fake = game.fakes(shared)
        if draw.step % self.d_every == 0:  # pyright: ignore[reportFunctionMemberAccess]
            self._step_d(game, draw, optims, seen, shared, fake)
        for i, active in _rounds(self.g_steps, game.lead):
            batch = draw("g", i) if shared is None or self.redraw != "none" else shared
            if shared is not None and self.redraw == "latents":
                batch = replace(shared, latent=batch.latent)
            with frozen(optims.d.params):
                loss = game.loss_g(batch, fake if self.redraw == "none" and i == 0 else None)
                grads = gradient(loss, optims.g.params)
            optims.step_g(grads, active)
            seen["g_loss"] = latest(seen.get("g_loss"), loss.detach(), active)
        return seen

    def _step_d(
        self, game: Game, draw: DrawFn, optims: Optimizers, seen: Seen,
        shared: Batch | None, fake: Tensor | None,
    ) -> None:  # fmt: skip
        # G stands still meanwhile, so its samples of a shared batch are constants.
        fake = None if fake is None else fake.detach()
        for i, active in _rounds(self.d_steps, game.lead):
            with frozen(optims.g.params):
                loss = game.loss_d(shared or draw("d", i), fake)
                grads = gradient(loss, optims.d.params)
            optims.step_d(grads, active)
            seen["d_loss"] = latest(seen.get("d_loss"), loss.detach(), active)


class NegativeMomentum(Rule):
    """Alternating; each player moves by u <- beta u + grad, w <- w - eta u."""

    def __init__(self, beta: float) -> None:
        self.beta = _checks.real("beta", beta, above=-1.0, most=1.0)

    def __call__(self, game: Game, draw: DrawFn, optims: Optimizers, memory: Memory) -> Seen:
        at_rest = [torch.zeros_like(p) for p in parameters(game)]
        g_past, d_past = split(game, memory.get("velocity", at_rest))
        with frozen(game.g_params):
            d_loss = game.loss_d(draw("d", 0))
            d_grads = gradient(d_loss, game.d_params)
        d_velocity = [self.beta * u + g for u, g in zip(d_past, d_grads, strict=True)]
        d_kept = copies(d_velocity)
        optims.step_d(d_velocity)
        with frozen(game.d_params):
            g_loss = game.loss_g(draw("g", 0))
            g_grads = gradient(g_loss, game.g_params)
        g_velocity = [self.beta * u + g for u, g in zip(g_past, g_grads, strict=True)]
        memory["velocity"] = [*copies(g_velocity), *d_kept]
        optims.step_g(g_velocity)
        return {"g_loss": g_loss.detach(), "d_loss": d_loss.detach()}


class WeightClipping(Wrapping):
    """Steps of ``inner``; after each update of D its parameters are cut to [-bound, bound].

    And once more at the end, for rules that move the players past the optimizers (optimistic,
    lookahead).
    """

    def __init__(self, bound: float, inner: UpdateRule) -> None:
        super().__init__(inner)
        self.bound = _checks.real("bound", bound, above=0.0)

    def __call__(self, game: Game, draw: DrawFn, optims: Optimizers, memory: Memory) -> Seen:
        clipping = _Clipping(optims, self.bound)
        seen = self.inner(game, draw, clipping, *memory_of(self.inner, memory))
        _clip(game.d_params, self.bound)
        return seen


class _Clipping(Optimizers):
    """The optimizers behind ``outer``; each update of D ends within the bound."""

    def __init__(self, outer: Optimizers, bound: float) -> None:
        super().__init__(outer.g, outer.d)
        self._outer, self._bound = outer, bound

    def step_g(self, grads: Sequence[Tensor], active: Tensor | None = None) -> None:
        self._outer.step_g(grads, active)

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


def negative_momentum(beta: float = -0.5) -> NegativeMomentum:
    """Alternating descent, one step each, with momentum that pulls back (Gidel et al., 2019b).

    u <- beta u + grad, w <- w - eta u for D, then for G at D's new point (*Negative momentum for
    improved game dynamics*, section 4). rho is the largest root, in magnitude, of
    (s - 1)^2 (s - beta)^2 + eta^2 s^3 = 0: below 1 for a small eta and beta = -1/2. With ``beta=0``
    it is ``alternating()``.

    u goes to the optimizer as the gradient. Raises ValueError unless -1 < beta <= 1.
    """
    return NegativeMomentum(beta)


def weight_clipping(bound: float = 0.01, inner: UpdateRule | None = None) -> WeightClipping:
    """Weight clipping: after each update of D, w_D <- clip(w_D, -bound, bound).

    Arjovsky et al. (2017, algorithm 1), who bound the critic's slope so. ``inner`` is
    ``alternating()`` unless given. Raises ValueError unless bound > 0.
    """
    return WeightClipping(bound, alternating() if inner is None else inner)

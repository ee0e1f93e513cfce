"""Rules that look ahead or back: extragradient, its past, optimistic, lookahead-minmax, Heun's.

An optimizer is a map (w, state, gradient) -> (w, state). Where a formula here has w - eta F, the
rule uses the map of the optimizer at hand; with SGD that is the formula as printed.
"""

from __future__ import annotations

from dataclasses import dataclass, field as setting

import torch

from gan_teach import _checks
from gan_teach.dynamics.base import (
    DrawFn,
    Grads,
    Memory,
    Rule,
    Seen,
    UpdateRule,
    Wrapping,
    copies,
    excursion,
    field,
    gradient,
    memory_of,
    parameters,
    put,
    split,
)
from gan_teach.dynamics.descent import Simultaneous
from gan_teach.dynamics.optim import SGD, Optimizers
from gan_teach.games.base import Batch, Game


@dataclass(repr=False, eq=False)
class Extragradient(Rule):
    """Extragradient: step to w' = w - eta F(w), come back, and step with the gradient found there.

    w <- w - eta F(w - eta F(w)) (Korpelevich, 1976; Gidel et al., 2019, section 3.2).
    rho = sqrt(1 - eta^2 + eta^4), below 1 for eta < 1. Two gradients a step.

    Both half-steps use one batch; ``redraw`` gives the second its own. The way to w' is a step of
    the optimizer whose state is put back with the parameters, so that Adam's averages hold one
    gradient per step, the one at w'. ``keep_state=True`` puts back the parameters only: both
    gradients enter the averages and count as steps, as in the published ExtraAdam (Gidel et al.,
    2019, algorithm 4).
    """

    redraw: bool = False
    keep_state: bool = False

    def __call__(self, game: Game, draw: DrawFn, optims: Optimizers) -> Seen:
        batch = draw("d", 0)
        g_here, d_here, seen = field(game, batch)
        with excursion(game, optims, self.keep_state):
            optims.g.step(g_here)
            optims.d.step(d_here)
            g_ahead, d_ahead, _ = field(game, draw("d", 1) if self.redraw else batch)
        optims.step(g_ahead, d_ahead)
        return seen


@dataclass(repr=False, eq=False)
class PastExtragradient(Rule):
    """Extragradient with the gradient of the last look-ahead: one gradient a step (Popov, 1980).

    w' = w - eta F(w'_previous); w <- w - eta F(w'). Its w' are the iterates of ``optimistic``.
    rho = sqrt((1 + sqrt(1 - 4 eta^2)) / 2) up to eta = 1/2; it diverges above 1 / sqrt(3).

    Before the first step the remembered gradient is zero, so w' = w there. The way to w' is a step
    of the optimizer that is put back, state included.
    """

    def __call__(self, game: Game, draw: DrawFn, optims: Optimizers, memory: Memory) -> Seen:
        with excursion(game, optims):
            if "previous" in memory:
                g_past, d_past = split(game, memory["previous"])
                optims.g.step(g_past)
                optims.d.step(d_past)
            g_ahead, d_ahead, seen = field(game, draw())
        memory["previous"] = copies([*g_ahead, *d_ahead])
        optims.step(g_ahead, d_ahead)
        return seen


@dataclass(repr=False, eq=False)
class Optimistic(Rule):
    """Optimistic gradient descent-ascent (OGDA, also called OMD).

    w <- w - 2 eta F(w) + eta F(w_previous) (Daskalakis et al., 2018, section 2).
    rho = sqrt((1 + sqrt(1 - 4 eta^2)) / 2) up to eta = 1/2; it diverges above 1 / sqrt(3).

    In general the optimizer's update u = -eta F counts twice and the previous one is taken back
    once, w <- w + 2 u - u_previous: with Adam this is Optimistic Adam (their algorithm 1). Before
    the first step the previous update is zero.
    """

    def __call__(self, game: Game, draw: DrawFn, optims: Optimizers, memory: Memory) -> Seen:
        params = parameters(game)
        g_grads, d_grads, seen = field(game, draw())
        before = copies(params)
        optims.step(g_grads, d_grads)
        with torch.no_grad():
            update = [p - b for p, b in zip(params, before, strict=True)]
            past = memory.get("previous", [0.0] * len(params))
            for p, u, u_past in zip(params, update, past, strict=True):
                p += u - u_past
        memory["previous"] = update
        return seen


@dataclass(repr=False, eq=False)
class Lookahead(Wrapping):
    """Lookahead-minmax: every ``k`` steps of the rule ``inner`` go back part of the way.

    slow <- slow + alpha (w - slow), w <- slow, for both players together (Chavdarova et al., 2021,
    algorithm 1). ``inner`` is ``simultaneous()`` unless given; its optimizer state is left alone.
    rho = |1 - alpha + alpha (1 + i eta)^k|^(1/k) around simultaneous steps: a large k eta diverges.
    Raises ValueError for k < 1 or alpha outside [0, 1].
    """

    inner: UpdateRule = setting(default_factory=Simultaneous)
    k: int = 5
    alpha: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        self.k = _checks.whole("k", self.k, least=1)
        self.alpha = _checks.real("alpha", self.alpha, least=0.0, most=1.0)

    def __call__(self, game: Game, draw: DrawFn, optims: Optimizers, memory: Memory) -> Seen:
        params = parameters(game)
        if not memory:
            memory.update(slow=copies(params), taken=0, inner={})
        seen = self.inner(game, draw, optims, *memory_of(self.inner, memory["inner"]))
        memory["taken"] += 1
        if memory["taken"] >= self.k:
            here = zip(memory["slow"], copies(params), strict=True)
            memory["slow"], memory["taken"] = [s.lerp(fast, self.alpha) for s, fast in here], 0
            put(params, memory["slow"])
        return seen


@dataclass(repr=False, eq=False)
class Heun(Rule):
    """Heun's method: w' = w - eta F(w), w <- w - eta (F(w) + F(w')) / 2 (RK2 of Qin et al., 2020,
    ODE-GAN).

    rho = sqrt(1 + eta^4 / 4): it diverges, but far more slowly than descent. Two gradients a step,
    from one batch unless ``redraw``. ``gradient_penalty`` adds its multiple of grad_D |dL_G/dG|^2
    at w to D's slope (lambda in their algorithm 1). Raises ValueError for a negative one.

    w' is reached along the flow, with each player's learning rate as the time step; the mean slope
    then goes to the optimizer as its gradient (with Adam the step is a smoothed one).
    """

    gradient_penalty: float = 0.0
    redraw: bool = False

    def __post_init__(self) -> None:
        _checks.real("gradient_penalty", self.gradient_penalty, least=0.0)

    def __call__(self, game: Game, draw: DrawFn, optims: Optimizers) -> Seen:
        batch = draw("d", 0)
        g_here, d_here, seen = field(game, batch)
        with excursion(game, optims, keep_state=True):
            SGD(optims.g.params, optims.g.lr).step(g_here)
            SGD(optims.d.params, optims.d.lr).step(d_here)
            g_ahead, d_ahead, _ = field(game, draw("d", 1) if self.redraw else batch)
        g_slope = [0.5 * a + 0.5 * b for a, b in zip(g_here, g_ahead, strict=True)]
        d_slope = [0.5 * a + 0.5 * b for a, b in zip(d_here, d_ahead, strict=True)]
        if self.gradient_penalty:
            extra = _penalty_gradient(game, batch)
            d_slope = [d + self.gradient_penalty * e for d, e in zip(d_slope, extra, strict=True)]
        optims.step(g_slope, d_slope)
        return seen


def _penalty_gradient(game: Game, batch: Batch) -> Grads:
    """grad_D |dL_G/dG|^2."""
    g_grads = gradient(game.loss_g(batch), game.g_params, differentiable=True)
    return gradient(sum((g * g).sum() for g in g_grads), game.d_params)  # pyright: ignore


extragradient = Extragradient
past_extragradient = PastExtragradient
optimistic = Optimistic
lookahead = Lookahead
heun = Heun

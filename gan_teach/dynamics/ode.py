"""Rules that follow the gradient flow dw/dt = -F(w) more closely than descent, Euler's method.

With tau, D's half of the flow runs tau times as fast. The points between two steps are reached
along the flow, with each player's learning rate as the time step; the weighted slope then goes to
the optimizer as its gradient (with SGD that is the Runge-Kutta step, with Adam a smoothed one).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor

from gan_teach import _checks
from gan_teach.dynamics.base import (
    DrawFn,
    Grads,
    Rule,
    Seen,
    excursion,
    field,
    gradient,
)
from gan_teach.dynamics.optim import SGD, Optimizers
from gan_teach.games import Batch, Game


class RungeKutta(Rule):
    """slope_i = F(w - eta offset_i slope_{i-1});  w <- w - eta sum_i weight_i slope_i.

    An explicit method in which each stage looks at the one before only; ``offsets[0]`` is 0.
    """

    offsets: ClassVar[tuple[float, ...]]
    weights: ClassVar[tuple[float, ...]]

    def __init__(self, gradient_penalty: float = 0.0, redraw: bool = False) -> None:
        self.gradient_penalty = _checks.real("gradient_penalty", gradient_penalty, least=0.0)
        self.redraw = redraw

    def __call__(self, game: Game, draw: DrawFn, optims: Optimizers) -> Seen:
        first = batch = draw("d", 0)
        stages: list[tuple[Grads, Grads]] = []
        seen: Seen = {}
        for i, offset in enumerate(self.offsets):
            with excursion(game, optims, keep_state=True):
                if i:
                    batch = draw("d", i) if self.redraw else first
                    for player, slope in zip((optims.g, optims.d), stages[-1], strict=True):
                        SGD(player.params, offset * player.lr).step(slope)
                g_slope, d_slope, losses = field(game, batch)
            stages.append((g_slope, d_slope))
            seen = seen or losses
        g_slope, d_slope = (self._mean(slopes) for slopes in zip(*stages, strict=True))
        if self.gradient_penalty:
            extra = _penalty_gradient(game, first)
            d_slope = [d + self.gradient_penalty * e for d, e in zip(d_slope, extra, strict=True)]
        optims.step_d(d_slope)
        optims.step_g(g_slope)
        return seen

    def _mean(self, slopes: Sequence[Grads]) -> list[Tensor]:
        """The weighted mean over the stages, of one player's slopes."""
        weighted = [
            [weight * s for s in slope] for weight, slope in zip(self.weights, slopes, strict=True)
        ]
        return [torch.stack(parts).sum(0) for parts in zip(*weighted, strict=True)]


class Heun(RungeKutta):
    """Order 2, two gradients a step."""

    offsets = (0.0, 1.0)
    weights = (1 / 2, 1 / 2)


class RK4(RungeKutta):
    """Order 4, four gradients a step."""

    offsets = (0.0, 1 / 2, 1 / 2, 1.0)
    weights = (1 / 6, 1 / 3, 1 / 3, 1 / 6)


def _penalty_gradient(game: Game, batch: Batch) -> Grads:
    """grad_D |dL_G/dG|^2."""
    g_grads = gradient(game.loss_g(batch), game.g_params, differentiable=True)
    return gradient(sum((g * g).sum() for g in g_grads), game.d_params)  # pyright: ignore


def heun(gradient_penalty: float = 0.0, redraw: bool = False) -> Heun:
    """Heun's method: the mean of F(w) and F(w - eta F(w)) (RK2 of Qin et al., 2020, ODE-GAN).

    rho = sqrt(1 + eta^4 / 4): it diverges, but far more slowly than descent. Two gradients a step,
    from one batch unless ``redraw``. ``gradient_penalty`` adds its multiple of grad_D |dL_G/dG|^2
    at w to D's slope (lambda in their algorithm 1). Raises ValueError for a negative one.
    """
    return Heun(gradient_penalty, redraw)


def rk4(gradient_penalty: float = 0.0, redraw: bool = False) -> RK4:
    """The classical Runge-Kutta method of order 4 on dw/dt = -F(w) (Qin et al., 2020, ODE-GAN).

    rho = sqrt(1 - eta^6 / 72 + eta^8 / 576): below 1 for eta < 2 sqrt(2). Four gradients a step,
    from one batch unless ``redraw``; ``gradient_penalty`` as in ``heun``.
    """
    return RK4(gradient_penalty, redraw)

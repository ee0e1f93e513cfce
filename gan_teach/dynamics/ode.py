"""A rule that follows the gradient flow dw/dt = -F(w) more closely than descent, Euler's method.

With tau, D's half of the flow runs tau times as fast.
"""

from __future__ import annotations

from dataclasses import dataclass

from gan_teach import _checks
from gan_teach.dynamics.base import DrawFn, Grads, Rule, Seen, excursion, field, gradient
from gan_teach.dynamics.optim import SGD, Optimizers
from gan_teach.games.base import Batch, Game


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


heun = Heun

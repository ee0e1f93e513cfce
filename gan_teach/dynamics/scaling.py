"""Loss scaling: gradients that fit into half precision.

Half precision (fp16) has 5 bits of exponent: what is below 6e-8 becomes zero, above 65504 infinite.
So the way back through a network starts from the loss times a large number, which its gradients are
divided by at the end, in single precision (Micikevicius et al., 2018, section 3.2).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gan_teach import _checks
from gan_teach.dynamics.base import DrawFn, Rule, Seen, Wrapping
from gan_teach.dynamics.descent import alternating
from gan_teach.dynamics.optim import Optimizers
from gan_teach.games import Game

_SMALLEST = 2.0**-14


class LossScaling(Wrapping):
    """Steps of ``inner`` with scaled losses; the scale follows what the gradients allow.

    A player whose gradient is not finite rests. After a step in which that happened the scale is
    halved, after ``growth_interval`` steps in a row without it is doubled (the behaviour of
    ``torch.amp.GradScaler`` with one scaler for two optimizers).
    """

    memory = ("loss_scale", "steps_since_overflow")

    def __init__(self, inner: Rule, scale: float, growth_interval: int) -> None:
        super().__init__(inner)
        if not inner.linear:
            raise ValueError(
                f"losses cannot be scaled in {inner!r}: half precision (fp16) works with "
                "alternating() and simultaneous()."
            )
        self._start = _checks.real("scale", scale, above=0.0)
        self.growth_interval = _checks.whole("growth_interval", growth_interval, least=1)
        self.reset()

    def __call__(self, game: Game, draw: DrawFn, optims: Optimizers) -> Seen:
        guarded = _Guarded(optims.g, optims.d)
        guarded.scale = self.loss_scale
        seen = self.inner(game, draw, guarded)
        optims.g_grads, optims.d_grads = guarded.g_grads, guarded.d_grads
        self._adapt(guarded.overflowed)
        return seen

    def _adapt(self, overflowed: bool) -> None:
        self.steps_since_overflow = 0 if overflowed else self.steps_since_overflow + 1
        if overflowed:
            self.loss_scale /= 2
        elif self.steps_since_overflow == self.growth_interval:
            self.loss_scale, self.steps_since_overflow = 2 * self.loss_scale, 0
        if self.loss_scale < _SMALLEST:
            raise FloatingPointError(
                "gradients are not finite in half precision (fp16), whatever the losses are "
                "scaled by: train in bf16 or in single precision, or lower the learning rate."
            )

    def reset(self) -> None:
        super().reset()
        self.loss_scale, self.steps_since_overflow = self._start, 0


class _Guarded(Optimizers):
    """The same optimizers, but a gradient that is not finite is noted and moves nothing."""

    overflowed = False

    def step_g(self, grads: Sequence[Tensor], active: Tensor | None = None) -> None:
        if self._finite(grads):
            super().step_g(grads, active)

    def step_d(self, grads: Sequence[Tensor], active: Tensor | None = None) -> None:
        if self._finite(grads):
            super().step_d(grads, active)

    def _finite(self, grads: Sequence[Tensor]) -> bool:
        # One number to wait for, however many tensors there are.
        finite = bool(torch.stack([g.abs().amax() for g in grads]).isfinite().all())
        self.overflowed |= not finite
        return finite


def loss_scaling(
    inner: Rule | None = None, scale: float = 2.0**16, growth_interval: int = 2000
) -> LossScaling:
    """The rule ``inner`` (by default ``alternating()``) with losses scaled for half precision.

    ``train`` does it by itself for a game with ``autocast="fp16"``; the scale is part of the
    checkpoint. Raises ValueError for a rule that is not linear in gradients, and while training
    FloatingPointError when no scale helps.
    """
    return LossScaling(alternating() if inner is None else inner, scale, growth_interval)

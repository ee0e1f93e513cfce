"""Alternating descent with the derivatives written out, for the GAN on the line.

Where G(z) = w z + b and D's logit is a x + c, a gradient is one product of a small matrix and a
vector, and autograd's bookkeeping takes nearly all of an update's time. This rule takes the same
steps as ``alternating(d_steps, g_steps, redraw="latents")`` without it, some ten times faster.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from gan_teach import _checks
from gan_teach.dynamics.base import DrawFn, Rule, Seen
from gan_teach.dynamics.optim import SGD, Optimizer, Optimizers, like
from gan_teach.games import GAN, Batch, Game, losses
from gan_teach.models import Affine1D


@dataclass(repr=False, eq=False)
class AffineAlternating(Rule):
    """``alternating(d_steps, g_steps, redraw="latents")`` for the GAN on the line, but faster.

    With n real x_i labelled y = 1 and n generated ones labelled y = 0, design matrix X = (x, 1) and
    logits f = X (a, c), D's loss is that of logistic regression and its gradient
    X^T (sigmoid(f) - y) / n. G's gradient is -a Z^T h / n with Z = (z, 1) and h = D(G(z)) for the
    saturating, 1 - D(G(z)) for the non-saturating loss (Goodfellow et al., 2014, section 3).

    Takes a GAN of two ``Affine1D`` (or an ensemble of such), one of these two losses, and SGD.
    Raises ValueError for negative counts and, at the first step, for other games or optimizers.
    """

    d_steps: int = 1
    g_steps: int = 1

    def __post_init__(self) -> None:
        self.d_steps = _checks.whole("d_steps", self.d_steps)
        self.g_steps = _checks.whole("g_steps", self.g_steps)

    @torch.no_grad()
    def __call__(self, game: Game, draw: DrawFn, optims: Optimizers) -> Seen:
        unwatched = type(optims) is Optimizers  # this rule writes past them, so nobody may listen
        if not (suits(game) and unwatched and _is_plain(optims.g) and _is_plain(optims.d)):
            raise ValueError(
                "this rule needs a GAN of two Affine1D without penalties, the saturating or the "
                "non-saturating loss, optimizer='sgd' and no weight clipping around it: use "
                "gt.alternating(...) instead."
            )
        assert isinstance(game, GAN)
        batch = draw("d", 0)
        seen: Seen = {}
        if self.d_steps:
            seen["d_loss"] = self._train_d(game, batch, optims)
        if self.g_steps:
            latents = [draw("g", i).latent for i in range(self.g_steps)]
            seen["g_loss"] = self._train_g(game, latents, batch, optims)
        return seen

    def _train_d(self, game: GAN, batch: Batch, optims: Optimizers) -> Tensor:
        real, fake = game.inputs_of_d(batch)
        n = real.shape[-2]
        design = _with_ones(torch.cat([real, fake], -2))
        label = torch.cat([torch.ones_like(real), torch.zeros_like(fake)], -2)
        transposed = design.mT / n
        point, rate = _coefficients(game.discriminator), _rate(optims.d, design)
        for _ in range(self.d_steps):
            logits = design @ point
            grad = transposed @ (torch.sigmoid(logits) - label)
            point = point - rate * grad
        optims.d_grads = _store(game.discriminator, point, grad)
        real_logits, fake_logits = logits[..., 0].split(n, -1)  # pyright: ignore
        return game.loss.d(real_logits, fake_logits)

    def _train_g(
        self, game: GAN, latents: list[Tensor], batch: Batch, optims: Optimizers
    ) -> Tensor:
        slope, offset = _coefficients(game.discriminator).split(1, -2)
        point, rate = _coefficients(game.generator), _rate(optims.g, slope)
        for z in latents:
            design = _with_ones(z)
            fake = game.inputs_of_d(batch, design @ point)[1]
            logits = slope * fake + offset
            push = torch.sigmoid(logits if game.loss == losses.saturating else -logits)
            grad = -slope * (design.mT @ push) / z.shape[-2]
            point = point - rate * grad
        optims.g_grads = _store(game.generator, point, grad)
        return game.loss.g(logits[..., 0], logits[..., 0])


def suits(game: Game) -> bool:
    """Whether ``AffineAlternating`` can train ``game``."""
    return (
        isinstance(game, GAN)
        and isinstance(game.generator, Affine1D)
        and isinstance(game.discriminator, Affine1D)
        and any(game.loss == loss for loss in (losses.saturating, losses.non_saturating))
        and not game.penalties
    )


def _is_plain(optimizer: Optimizer) -> bool:
    return isinstance(optimizer, SGD) and not optimizer.momentum


def _with_ones(x: Tensor) -> Tensor:
    """(..., n, 1) -> (..., n, 2): a column of ones for the constant term."""
    return torch.cat([x, torch.ones_like(x)], -1)


def _coefficients(module: torch.nn.Module) -> Tensor:
    """Slope and constant of an ``Affine1D`` as a column: (2, 1), or (S, 2, 1)."""
    weight, bias = module.parameters()
    return torch.cat([weight, bias.unsqueeze(-1)], -2)


def _store(module: torch.nn.Module, point: Tensor, grad: Tensor) -> tuple[Tensor, Tensor]:
    """Write the coefficients into the module; the gradient in the shapes of weight and bias."""
    weight, bias = module.parameters()
    weight.copy_(point[..., :1, :])
    bias.copy_(point[..., 1, :])
    return grad[..., :1, :], grad[..., 1, :]


def _rate(optimizer: Optimizer, x: Tensor) -> float | Tensor:
    """The learning rate: a number, or (S, 1, 1) where members have rates of their own."""
    return like(optimizer.lr, x) if isinstance(optimizer.lr, Tensor) else optimizer.lr


affine_alternating = AffineAlternating

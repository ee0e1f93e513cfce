"""Derivatives of a game that may be trusted: no random layers, no layers that torch gets wrong.

The Jacobian of a game is a second derivative of its losses; a gradient penalty holds one more. Most
of torch's layers can be trusted at that order, but not its normalisation layers. ``exact`` writes
``layer_norm``, ``batch_norm`` and ``instance_norm`` out, and the tests hold the Jacobian of games
with every kind of layer, with and without a penalty, against finite differences.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from gan_teach.games import Game
from gan_teach.models import iterates
from gan_teach.models.dropout import drops_units


def check_deterministic(game: Game) -> None:
    """Raises ValueError where a look at the game's networks is random, or changes the next look."""
    for name, module in game.modules().items():
        if drops_units(module):
            raise ValueError(
                f"{name} drops units at random: its loss is no function of its parameters and has "
                "no derivatives. Call its eval() first."
            )
        if any(part.training and iterates(part) for part in module.modules()):
            raise ValueError(
                f"{name} has a spectral norm in training mode: each look at it moves the vectors "
                "of its power iteration, so its loss is no function of its parameters alone. Call "
                "its eval() first."
            )


class exact(TorchFunctionMode):
    """Within it layers whose higher derivatives torch lacks are evaluated by their formulas.

    The values are the same to rounding. Put it around the losses that are to be differentiated more
    than twice; plain training, which needs two orders with a penalty, is right without it.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return (_FORMULAS.get(func) or func)(*args, **(kwargs or {}))


# The arguments of these three are those of torch.nn.functional.


def _layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5):
    """weight (x - mean) / sqrt(var + eps) + bias, over the last axes (Ba et al., 2016)."""
    mean, variance = _moments(input, list(range(-len(normalized_shape), 0)))
    return _affine((input - mean) * (variance + eps).rsqrt(), weight, bias)


def _batch_norm(
    input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1,
    eps=1e-5, *, together=(0,),
):  # fmt: skip
    """The same over all axes but the channels' (Ioffe & Szegedy, 2015, algorithm 1).

    ``together``: axes before the channels' over which the moments are taken, the samples' or none.
    """
    column = (-1,) + (1,) * (input.ndim - 2)  # channels, against (n, channels, ...)
    if training:
        mean, variance = _moments(input, [*together, *range(2, input.ndim)])
        _remember(running_mean, mean, momentum)
        count = input.numel() // mean.numel()
        _remember(running_var, variance * (count / (count - 1)), momentum)
    else:
        mean, variance = running_mean.reshape(column), running_var.reshape(column)
    weight, bias = (p if p is None else p.reshape(column) for p in (weight, bias))
    return _affine((input - mean) * (variance + eps).rsqrt(), weight, bias)


def _instance_norm(
    input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True,
    momentum=0.1, eps=1e-5,
):  # fmt: skip
    """The same over the axes behind the channels' (Ulyanov et al., 2016)."""
    rest = (running_mean, running_var, weight, bias, use_input_stats, momentum, eps)
    return _batch_norm(input, *rest, together=())


def _moments(x: Tensor, axes: list[int]) -> tuple[Tensor, Tensor]:
    mean = x.mean(axes, keepdim=True)
    return mean, (x - mean).square().mean(axes, keepdim=True)


def _remember(running: Tensor | None, now: Tensor, momentum: float) -> None:
    """running <- (1 - momentum) running + momentum now, averaged over samples where it has any."""
    if running is not None:
        now = now.detach().mean(0).reshape(running.shape)
        running.mul_(1 - momentum).add_(momentum * now)


def _affine(x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    x = x if weight is None else x * weight
    return x if bias is None else x + bias


_FORMULAS: dict[Any, Callable[..., Tensor]] = {
    F.layer_norm: _layer_norm, F.batch_norm: _batch_norm, F.instance_norm: _instance_norm,
}  # fmt: skip


def check_symmetric(
    name: str, block: np.ndarray, scale: np.ndarray, precision: torch.dtype
) -> None:
    """Raises ArithmeticError unless ``block`` (..., n, n), a Hessian, is symmetric to rounding.

    ``scale`` (...) is the largest entry that its numbers came from; half of the digits of
    ``precision`` must agree. Points with NaN are let pass: a run that diverged has no Hessian.
    """
    with np.errstate(invalid="ignore"):  # infinity less infinity
        gap = np.abs(block - block.swapaxes(-1, -2)).max((-1, -2), initial=0.0)
    allowed = torch.finfo(precision).eps ** 0.5 * scale
    if (gap > allowed).any():
        worst = float(np.nanmax(gap / scale))
        raise ArithmeticError(
            f"{name} is a matrix of second derivatives, but it is not symmetric: entries that must "
            f"be equal differ by {worst:.2g} of the largest. Torch's higher derivatives of one of "
            "the layers are wrong (nn.LayerNorm was one): write that layer out in elementary "
            "operations."
        )

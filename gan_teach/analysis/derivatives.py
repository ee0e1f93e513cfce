"""Derivatives of a game that may be trusted: no random layers, no layers that torch gets wrong.

The Jacobian of a game is a second derivative of its losses; a gradient penalty holds one more. Most
of torch's layers can be trusted at that order, but not layer normalisation, which ``exact`` writes
out. (Batch and instance normalisation by the batch's own statistics have no third derivatives in
torch, which says so.) The tests hold the Jacobian of games with every kind of layer, with and
without a penalty, against finite differences.
"""

from collections.abc import Sequence
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
    """Within it layer normalisation, whose higher derivatives torch has wrong, is its formula.

    The values are the same to rounding. Put it around the losses that are to be differentiated more
    than twice; plain training, which needs two orders with a penalty, is right without it.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return (_layer_norm if func is F.layer_norm else func)(*args, **(kwargs or {}))


def _layer_norm(
    input: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None,
    bias: Tensor | None = None, eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """weight (x - mean) / sqrt(var + eps) + bias, over the last axes (Ba et al., 2016)."""
    axes = list(range(-len(normalized_shape), 0))
    centered = input - input.mean(axes, keepdim=True)
    x = centered * (centered.square().mean(axes, keepdim=True) + eps).rsqrt()
    x = x if weight is None else x * weight
    return x if bias is None else x + bias


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

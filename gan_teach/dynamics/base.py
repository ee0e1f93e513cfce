"""What all update rules share: the interface, gradients, and looking elsewhere without moving."""

import copy
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from inspect import signature
from types import FunctionType
from typing import Any, Protocol

import torch
from torch import Tensor

from gan_teach import _checks
from gan_teach.dynamics.optim import Optimizers
from gan_teach.games.base import Batch, Game


class DrawFn(Protocol):
    """``draw(player, i)``: the batch of a player's inner update i at this ``step``."""

    step: int

    def __call__(self, player: str = "d", i: int = 0) -> Batch: ...


Seen = dict[str, Tensor]
Memory = dict[str, Any]
Grads = tuple[Tensor, ...]
UpdateRule = Callable[..., Any]
"""``rule(game, draw, optims)``, or ``rule(game, draw, optims, memory)`` for one that remembers."""


class Rule:
    """An update rule of this package: a dataclass whose fields are its numbers.

    Any function of the same arguments is a rule as well.
    """

    __call__: UpdateRule

    def __repr__(self) -> str:
        numbers = ", ".join(f"{key}={value!r}" for key, value in vars(self).items())
        return f"{name_of(self)}({numbers})"


class Wrapping(Rule):
    """A rule that takes the steps of ``inner`` and adds something of its own."""

    inner: UpdateRule

    def __post_init__(self) -> None:
        takes_memory("inner", self.inner)


def name_of(rule: Any) -> str:
    """A rule's name in messages and in its repr; ``Lookahead`` is called as ``lookahead``."""
    kind = rule if isinstance(rule, type) else type(rule)
    if issubclass(kind, Rule):
        return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__).lower()
    return getattr(rule, "__name__", kind.__name__)


def memory_of(rule: UpdateRule, memory: Memory) -> tuple[()] | tuple[Memory]:
    """What stands behind ``rule(game, draw, optims``: ``memory`` for a rule that remembers."""
    return (memory,) if takes_memory("rule", rule) else ()


def takes_memory(name: str, rule: Any) -> bool:
    """Whether ``rule`` is called with a memory. Raises TypeError for what cannot be a rule."""
    hint = "Build one with gt.alternating() or another rule."
    _checks.function(name, rule, "(game, draw, optims)", hint)
    function = type(rule).__call__ if isinstance(rule, Rule) else rule
    # Asked at every step, so only once of each function and class.
    look = _takes_memory if isinstance(function, FunctionType) else _takes_memory.__wrapped__
    return look(name, function)


@lru_cache(maxsize=128)
def _takes_memory(name: str, function: Callable[..., Any]) -> bool:
    try:
        parameters = [p for p in signature(function).parameters.values() if p.name != "self"]
    except ValueError as error:  # compiled code tells nobody
        raise TypeError(f"{name} must be a function of Python, got {function!r}.") from error
    places = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    needed = [p for p in places if p.default is p.empty]
    unfilled = any(p.kind is p.KEYWORD_ONLY and p.default is p.empty for p in parameters)
    if len(needed) not in (3, 4) or unfilled:
        hint = f" Did you mean {name_of(function)}()?" if not needed else ""
        raise TypeError(
            f"{name} must take (game, draw, optims), or (game, draw, optims, memory) if it "
            f"remembers, but {name_of(function)} takes ({', '.join(map(str, parameters))}).{hint}"
        )
    return len(needed) == 4 or (len(places) > 3 and places[3].name == "memory")


def checked_losses(rule: UpdateRule, seen: Any, game: Game, moved: Collection[str]) -> Seen:
    """What ``rule`` returned; of a learner's, detached tensors of the game's shape are made.

    ``moved``: the losses of players that were seen before, which a rule may leave out while they
    rest. Raises TypeError or ValueError with a sentence for anything but the losses.
    """
    while isinstance(rule, Wrapping):
        rule = rule.inner
    if isinstance(rule, Rule):
        return seen
    name = name_of(rule)
    wanted = 'a rule returns {"g_loss": ..., "d_loss": ...}, what each player\'s update saw'
    if not isinstance(seen, dict):
        raise TypeError(f"rule {name} returned {type(seen).__name__}: {wanted}.")
    missing = {"g_loss", "d_loss"} - set(seen) - set(moved)
    unknown = set(seen) - {"g_loss", "d_loss"}
    if missing or unknown:
        keys = ", ".join(map(repr, seen)) or "nothing"
        lacking = f", but not {' and '.join(sorted(missing))}" if missing else ""
        raise ValueError(f"rule {name} returned {keys}{lacking}: {wanted}.")
    size = f"one number for each of {game.lead[0]} members" if game.lead else "one number"
    losses = {key: torch.as_tensor(value).detach() for key, value in seen.items()}
    for key, value in losses.items():
        _checks.losses(f"rule {name}, as {key},", value, game.lead, size)
    return losses


def gradient(
    loss: Tensor, params: Sequence[Tensor], keep_graph: bool = False, differentiable: bool = False
) -> Grads:
    """d loss / d params, each of its parameter's shape.

    The losses of an ensemble (S,) are summed, so members do not mix.

    ``differentiable`` makes the result one that can be differentiated again. A loss that does not
    depend on any parameter has gradient zero.
    """
    if not loss.requires_grad:
        return tuple(torch.zeros_like(p) for p in params)
    return torch.autograd.grad(
        loss.sum() if loss.ndim else loss,
        params,
        retain_graph=keep_graph or differentiable,
        create_graph=differentiable,
        materialize_grads=True,
    )


def gradients(game: Game, batch: Batch, differentiable: bool = False) -> tuple[Grads, Grads, Seen]:
    """(dL_G/dG, dL_D/dD) at the current point from one batch, and the losses, detached.

    Each gradient has its parameter's shape, each loss is a scalar, of an ensemble (S,).
    """
    losses = game.losses(batch)
    d_grads = gradient(losses.d, game.d_params, True, differentiable)
    g_grads = gradient(losses.g, game.g_params, False, differentiable)
    return g_grads, d_grads, {"g_loss": losses.g.detach(), "d_loss": losses.d.detach()}


def parameters(game: Game) -> list[Tensor]:
    """Both players' parameters, the generator's first."""
    return [*game.g_params, *game.d_params]


def split(game: Game, values: Sequence[Tensor]) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
    """Values in the order of ``parameters``, as the generator's and the discriminator's."""
    cut = len(game.g_params)
    return values[:cut], values[cut:]


def copies(values: Sequence[Tensor]) -> list[Tensor]:
    """Detached copies, not references: an optimizer or autograd may reuse the memory, and a
    "previous gradient" that is the present one turns optimistic into plain descent, unnoticed.
    """
    return [v.detach().clone() for v in values]


@contextmanager
def excursion(game: Game, optims: Optimizers) -> Iterator[None]:
    """Steps taken inside are only for a look: parameters and optimizer states come back
    afterwards."""
    params = parameters(game)
    point, state = copies(params), copy.deepcopy(optims.state_dict())
    try:
        yield
    finally:
        put(params, point)
        optims.load_state_dict(state)


@torch.no_grad()
def put(params: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    """params <- values, in place."""
    for p, v in zip(params, values, strict=True):
        p.copy_(v)

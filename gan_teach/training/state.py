"""A run as it is now, and the updates that take it on."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from gan_teach._devices import one_thread
from gan_teach.dynamics.base import Memory, UpdateRule, checked_losses, memory_of
from gan_teach.dynamics.optim import Optimizers
from gan_teach.dynamics.streams import Stream, mix
from gan_teach.games.base import Game
from gan_teach.models.dropout import dropouts, masks_of
from gan_teach.training.schedules import Schedule

_CONVOLUTION = nn.modules.conv._ConvNd
_SMALL_WORK = 2**26  # multiply-adds of a forward pass up to which one thread is the fastest


@dataclass
class State:
    """A run as it is now. ``losses``: what each player's last update saw ({} before the first);
    ``d_terms``: what D's was the sum of, by name, where the game says so.

    ``memory`` is what the rule carries from step to step, {} at first. ``branches``: where the run
    was resumed with other settings, as name, step and changes.
    """

    step: int
    game: Game
    rule: UpdateRule
    optims: Optimizers
    stream: Stream
    losses: dict[str, Tensor] = field(default_factory=dict)
    d_terms: dict[str, Tensor] = field(default_factory=dict)
    memory: Memory = field(default_factory=dict)
    schedule: Schedule | None = None
    branches: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        # Looked up once: walking the modules at every step takes a tenth of a toy GAN's time.
        modules = self.game.modules().values()
        self._dropouts = [part for m in modules for part in dropouts(m)]
        self._convolves = any(isinstance(p, _CONVOLUTION) for m in modules for p in m.modules())
        self._rates = self.optims.g.lr, self.optims.d.lr

    @property
    def seed(self) -> int | Sequence[int]:
        return self.stream.seeds

    def threads(self) -> AbstractContextManager[None]:
        """One thread for toy networks, which a second one slows down several times.

        Set around each step, not around the run: runs may be interleaved, or left half way.
        """
        # A convolution uses each weight at many places, so that its work pays for more threads.
        if torch.get_num_threads() == 1 or self._convolves or self.game.device.type != "cpu":
            return nullcontext()
        params = sum(p.numel() for p in (*self.optims.g.params, *self.optims.d.params))
        small = params * self.stream.batch_size < _SMALL_WORK
        return one_thread() if small else nullcontext()


Probe = Callable[[State], Any]


class Run(Iterator[State]):
    """An iterator over states that knows how many there will be (for progress bars)."""

    def __init__(self, states: Iterator[State], total: int) -> None:
        self._states = states
        self.total = total

    def __iter__(self) -> Iterator[State]:
        return self._states

    def __next__(self) -> State:
        return next(self._states)


def updates(state: State, steps: float = math.inf) -> Iterator[State]:
    """The state as it is, then after each update in place, until ``steps`` are reached.

    All that is random in an update is a function of (seed, step).
    """
    yield state
    while state.step < steps:
        if state.schedule is not None:
            factor = state.schedule(state.step)
            state.optims.g.lr, state.optims.d.lr = (factor * rate for rate in state._rates)
        seeds = state.seed if isinstance(state.seed, Sequence) else [state.seed]
        masks = masks_of((mix(s, state.step) for s in seeds), state._dropouts, state.game.device)
        state.game.d_terms = {}
        with state.threads(), masks:
            draw, memory = state.stream.at(state.step), memory_of(state.rule, state.memory)
            seen = state.rule(state.game, draw, state.optims, *memory)
        # A player that rested keeps what it saw last.
        state.d_terms, state.game.d_terms = state.game.d_terms or state.d_terms, None
        seen = checked_losses(state.rule, seen, state.game, state.losses)
        state.losses = {**state.losses, **seen}  # a player that rested keeps its last loss
        state.step += 1
        yield state


def advance(state: State) -> State:
    """One update, in place."""
    run = updates(state)
    next(run)
    return next(run)

"""Randomness as a pure function of (seed, step), so that runs resume, rewind and branch exactly.

What a game of one batch size draws for an update is a function of the run's seed, the step, the
player and the number of the inner update alone. Within it real samples come first, then latents,
then noise and penalties (see ``GAN.draw``), so that another latent, noise or penalty leaves the
real samples alone. Members of an ensemble have a generator each and so draw what they would alone.

Calling a generator for ten numbers costs as much as for six hundred, and for each of 64 small GANs
more than their update. So where a real batch holds at most ``FEW`` numbers, those of ``BLOCK``
consecutive steps are drawn together: whether they are is the one thing that the batch's own size
decides, never the latent's, a noise's or a penalty's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from gan_teach.games import Batch, Game

DRAWS = 2
"""The version of what a seed and a step draw; it rises when they would draw something else.

Replay texts, checkpoints, sweeps and records carry it; files that do not say are of version 1.
"""

BLOCK = 64  # steps that are drawn together
FEW = 256  # real numbers of a batch up to which they are
_MASK = 2**64 - 1


def mix(*numbers: int) -> int:
    """A 63-bit seed from whole numbers; near-by inputs give unrelated outputs.

    The finaliser of SplitMix64 (Steele, Lea & Flood, 2014) after each number.
    """
    state = 0
    for number in numbers:
        state = (state + number + 0x9E3779B97F4A7C15) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        state ^= state >> 31
    return state >> 1


def generator(*numbers: int) -> torch.Generator:
    """A CPU generator seeded by whole numbers through ``mix``."""
    return torch.Generator().manual_seed(mix(*numbers))


class Stream:
    """The batches of a run: ``stream.at(step)`` gives the ``draw`` that an update rule calls.

    ``seeds`` is one whole number, or one for each member of an ensemble. ``batch_size`` may be
    changed between steps.
    """

    def __init__(self, game: Game, batch_size: int, seeds: int | Sequence[int]) -> None:
        self.game = game
        self.batch_size = batch_size
        self.seeds = seeds
        self._blocks: dict[tuple[int, int], tuple[int, Batch]] = {}

    def at(self, step: int) -> Draw:
        return Draw(self, step)

    def batch(self, step: int, stream: int) -> Batch:
        """The batch of that step and stream (a rule uses several, one per inner update)."""
        n = self.batch_size
        length = BLOCK if n * math.prod(self.game.sample_shape) <= FEW else 1
        number, offset = divmod(step, length)
        held, block = self._blocks.get((n, stream), (None, None))
        if block is None or held != number:
            block = self._draw(n * length, stream, number)
            self._blocks[n, stream] = number, block
        if length > 1:
            axis = len(self.game.lead)
            # A FunctionGame's batches are empty: nothing to cut.
            block = block.map(lambda x: x.narrow(axis, offset * n, n) if x.numel() else x)
        return block._replace(step=step)

    def forget(self) -> None:
        """Drop the batches at hand, after something that shapes them was changed in the game."""
        self._blocks.clear()

    def _draw(self, n: int, stream: int, block: int) -> Batch:
        if isinstance(self.seeds, int):
            return self.game.draw(n, generator(self.seeds, stream, block))
        return self.game.draw(n, [generator(s, stream, block) for s in self.seeds])


class Draw:
    """What a rule calls for its batches at one step: ``draw(player, i)`` for inner update i.

    The players have streams of their own, so that another number of D steps leaves G's draws alone.
    """

    __slots__ = ("_stream", "step")

    def __init__(self, stream: Stream, step: int) -> None:
        self._stream = stream
        self.step = step

    def __call__(self, player: str = "d", i: int = 0) -> Batch:
        if player not in ("g", "d"):
            raise ValueError(f"draw takes a player, 'g' or 'd', got {player!r}.")
        return self._stream.batch(self.step, 2 * i + (player == "g"))

"""Randomness as a pure function of (seed, step), so that runs resume, rewind and branch exactly.

Reseeding a generator costs as much as a whole step of a small GAN. So batches are drawn in blocks
of consecutive steps: block b holds the draws of steps b*B .. b*B + B - 1, from a generator seeded
by (seed, stream, b). Members of an ensemble have a generator each and so draw what they would
alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gan_teach.games import Batch, Game

_BLOCK_ELEMENTS = 2**14  # real and latent numbers held per member and stream
_LONGEST_BLOCK = 64
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
        self._blocks: dict[tuple, tuple[int, list[Batch]]] = {}
        self._lengths: dict[int, int] = {}

    def at(self, step: int) -> Draw:
        return Draw(self, step)

    def batch(self, step: int, stream: int) -> Batch:
        """The batch of that step and stream (a rule uses several, one per inner update)."""
        n = self.batch_size
        length = self._block_length(n)
        number, offset = divmod(step, length)
        held = self._blocks.get((n, stream))
        if held is None or held[0] != number:
            block = self._draw(n * length, stream, number).at(number * length)
            held = (number, _cut(block, len(self.game.lead), n, length))
            before = self._blocks.get((n, stream), (number - 1,))[0]
            self._blocks[n, stream] = held
            self._expect(n * length, stream, 2 * number - before)
        return held[1][offset]

    def forget(self) -> None:
        """Drop the blocks at hand, after something that shapes them was changed in the game."""
        self._blocks.clear()
        self._lengths.clear()

    def _draw(self, n: int, stream: int, block: int) -> Batch:
        if isinstance(self.seeds, int):
            return self.game.draw(n, generator(self.seeds, stream, block))
        return self.game.draw(n, [generator(s, stream, block) for s in self.seeds])

    def _expect(self, n: int, stream: int, block: int) -> None:
        """Tell data that can read ahead what they will be asked for, if the stride stays."""
        seed = self.seeds
        if isinstance(seed, int) and block >= 0:
            self.game.expect(n, lambda: generator(seed, stream, block))

    def _block_length(self, n: int) -> int:
        if n not in self._lengths:
            rng = generator(0)
            members = 1 if isinstance(self.seeds, int) else len(self.seeds)
            one = self.game.draw(1, rng if isinstance(self.seeds, int) else [rng] * members)
            # Only real and latent count, so that noise or penalties do not change what is drawn.
            each = max(1, (one.real.numel() + one.latent.numel()) // members)
            longest = max(1, min(_LONGEST_BLOCK, _BLOCK_ELEMENTS // (n * each)))
            self._lengths[n] = 1 << (longest.bit_length() - 1)
        return self._lengths[n]


def _cut(block: Batch, axis: int, n: int, length: int) -> list[Batch]:
    """The batches of ``length`` consecutive steps, as views of their block."""
    pieces: list[Sequence[Tensor]] = []

    def collect(x: Tensor) -> Tensor:
        # A FunctionGame's batches are empty: nothing to cut.
        pieces.append(x.split(n, axis) if x.numel() else [x] * length)
        return x

    block.map(collect)
    steps = zip(*pieces, strict=True)
    return [_filled(block, parts).at(block.step + i) for i, parts in enumerate(steps)]


def _filled(batch: Batch, tensors: Sequence[Tensor]) -> Batch:
    """``batch`` with its tensors replaced, in the order of ``Batch.map``."""
    waiting = iter(tensors)
    return batch.map(lambda _: next(waiting))


class Draw:
    """What a rule calls for its batches at one step: ``draw(player, i)`` for inner update i.

    The players have streams of their own, so that another number of D steps leaves G's draws alone.
    """

    __slots__ = ("_stream", "step")

    def __init__(self, stream: Stream, step: int) -> None:
        self._stream = stream
        self.step = step

    def __call__(self, player: str = "d", i: int = 0) -> Batch:
        return self._stream.batch(self.step, 2 * i + (player == "g"))

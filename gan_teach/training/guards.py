"""Ending a run at the step at which it breaks, with a sentence that says what broke.

In a toy game divergence is something to look at, so ``train`` goes on. A run of hours should stop.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from gan_teach.games import GAN
from gan_teach.training.state import Run, State

_READ_EVERY = 10
_PLAYERS = {"d": "discriminator", "g": "generator"}  # D moves first, so it is to blame first


class DivergedError(ArithmeticError):
    """A loss became NaN or infinite. ``step``, ``player`` ("g" or "d") and ``term`` say where."""

    def __init__(self, step: int, player: str, term: str, value: float, advice: str) -> None:
        self.step, self.player, self.term, self.value = step, player, term, value
        super().__init__(f"step {step}: the {_PLAYERS[player]}'s {term} is {value:g}. {advice}")


def stop_on_nan(run: Iterator[State], checkpoint: str | os.PathLike[str] | None = None) -> Run:
    """The same run, ended by ``DivergedError`` at the first loss that is NaN or infinite.

    The message names the step, the player and the term (the loss or one of the penalties). Stand it
    next to ``train``, so that no observer behind it sees or saves what is broken; ``checkpoint`` is
    the path that the message sends the reader back to, if there is such a file by then.

    On a GPU, where each look at a number waits for the whole step, the losses are read on every
    10th step only. Nothing else changes in the message, but observers see up to nine steps more:
    one that saves should call ``check_finite`` first.
    """

    def watched() -> Iterator[State]:
        unread: list[_Seen] = []
        for state in run:
            unread += _seen(state)
            if state.game.device.type == "cpu" or state.step % _READ_EVERY == 0:
                _check(unread, checkpoint)
                unread.clear()
            yield state
        _check(unread, checkpoint)

    return Run(watched(), getattr(run, "total", 0))


def check_finite(state: State, checkpoint: str | os.PathLike[str] | None = None) -> None:
    """Raises DivergedError if one of the losses that the players saw last is NaN or infinite."""
    _check(_seen(state), checkpoint)


class _Seen(NamedTuple):
    """What a player saw last at ``step``: the terms of its loss by name, then the loss itself."""

    step: int
    player: str
    terms: dict[str, Tensor]


def _seen(state: State) -> list[_Seen]:
    rows, game = [], state.game
    for player in _PLAYERS:
        loss = state.losses.get(f"{player}_loss")
        if loss is None:
            continue
        terms = state.d_terms if player == "d" else {}
        if player == "g" and isinstance(game, GAN):
            terms = {f"{game.loss.name} loss": loss}
        rows.append(_Seen(state.step, player, {**terms, "loss": loss}))
    return rows


def _check(rows: Sequence[_Seen], checkpoint: str | os.PathLike[str] | None) -> None:
    """One wait for the device, unless something is broken."""
    if not rows or bool(torch.stack([row.terms["loss"].isfinite().all() for row in rows]).all()):
        return
    advice = "Lower the learning rate or tau, or look at the penalty's weight."
    if checkpoint is not None and os.path.exists(checkpoint):
        advice = f"The last good checkpoint is {os.fspath(checkpoint)}. {advice}"
    row = next(row for row in rows if not bool(row.terms["loss"].isfinite().all()))
    for term, value in row.terms.items():
        broken = value[~value.isfinite()].flatten()
        if len(broken):
            raise DivergedError(row.step, row.player, term, float(broken[0]), advice)

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
from gan_teach.training.loop import Run, State

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
        unread: list[_Losses] = []
        for state in run:
            unread.append(_losses(state))
            if state.game.device.type == "cpu" or state.step % _READ_EVERY == 0:
                _check(unread, checkpoint)
                unread.clear()
            yield state
        _check(unread, checkpoint)

    return Run(watched(), getattr(run, "total", 0))


def check_finite(state: State, checkpoint: str | os.PathLike[str] | None = None) -> None:
    """Raises DivergedError if one of the losses that the players saw last is NaN or infinite."""
    _check([_losses(state)], checkpoint)


class _Losses(NamedTuple):
    """What the players saw last at ``step``: each one's loss, and what that is the sum of."""

    step: int
    losses: dict[str, Tensor]
    summands: dict[str, dict[str, Tensor]]


def _losses(state: State) -> _Losses:
    losses = {player: state.losses.get(f"{player}_loss") for player in _PLAYERS}
    seen = {player: loss for player, loss in losses.items() if loss is not None}
    return _Losses(state.step, seen, {player: _summands(state, player) for player in seen})


def _summands(state: State, player: str) -> dict[str, Tensor]:
    if not isinstance(state.game, GAN):
        return {}
    if player == "d":
        return state.game.d_terms
    return {f"{state.game.loss.name} loss": state.losses["g_loss"]}


def _check(steps: Sequence[_Losses], checkpoint: str | os.PathLike[str] | None) -> None:
    """One wait for the device, unless something is broken."""
    finite = [loss.isfinite().all() for seen in steps for loss in seen.losses.values()]
    if not finite or bool(torch.stack(finite).all()):
        return
    for seen in steps:
        for player, loss in seen.losses.items():
            if not _finite(loss):
                term, value = _broken_term(loss, seen.summands[player])
                raise DivergedError(seen.step, player, term, _first_bad(value), _advice(checkpoint))


def _broken_term(loss: Tensor, summands: dict[str, Tensor]) -> tuple[str, Tensor]:
    broken = ((name, value) for name, value in summands.items() if not _finite(value))
    return next(broken, ("loss", loss))


def _finite(value: Tensor) -> bool:
    return bool(value.isfinite().all())


def _first_bad(value: Tensor) -> float:
    return float(value[~torch.isfinite(value)].flatten()[0])


def _advice(checkpoint: str | os.PathLike[str] | None) -> str:
    advice = "Lower the learning rate or tau, or look at the penalty's weight."
    if checkpoint is not None and os.path.exists(checkpoint):
        return f"The last good checkpoint is {os.fspath(checkpoint)}. {advice}"
    return advice

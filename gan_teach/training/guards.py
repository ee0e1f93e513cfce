"""Ending a run at the step at which it breaks, with a sentence that says what broke.

In a toy game divergence is something to look at, so ``train`` goes on. A run of hours should stop.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from gan_teach.games import GAN
from gan_teach.training.state import Run, State

_READ_EVERY = 10
_Seen = tuple[int, dict[tuple[str, str], Tensor]]
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
            unread.append(_seen(state))
            if state.game.device.type == "cpu" or state.step % _READ_EVERY == 0:
                _check(unread, checkpoint)
                unread.clear()
            yield state
        _check(unread, checkpoint)

    return Run(watched(), getattr(run, "total", 0))


def check_finite(state: State, checkpoint: str | os.PathLike[str] | None = None) -> None:
    """Raises DivergedError if one of the losses that the players saw last is NaN or infinite."""
    _check([_seen(state)], checkpoint)


def _seen(state: State) -> _Seen:
    """The step, and by player and name what each saw last: the terms of its loss, then the loss."""
    seen = {("d", name): value for name, value in state.d_terms.items()}
    if "d_loss" in state.losses:
        seen["d", "loss"] = state.losses["d_loss"]
    if "g_loss" in state.losses:
        name = f"{state.game.loss.name} loss" if isinstance(state.game, GAN) else "loss"
        seen["g", name] = state.losses["g_loss"]
    return state.step, seen


def _check(rows: Sequence[_Seen], checkpoint: str | os.PathLike[str] | None) -> None:
    """One wait for the device, unless something is broken."""
    values = [value.isfinite().all() for _, seen in rows for value in seen.values()]
    if not values or bool(torch.stack(values).all()):
        return
    advice = "Lower the learning rate or tau, or look at the penalty's weight."
    if checkpoint is not None and os.path.exists(checkpoint):
        advice = f"The last good checkpoint is {os.fspath(checkpoint)}. {advice}"
    for step, seen in rows:
        for (player, term), value in seen.items():
            broken = value[~value.isfinite()].flatten()
            if len(broken):
                raise DivergedError(step, player, term, float(broken[0]), advice)

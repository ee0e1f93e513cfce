"""Ending a run at the step at which it breaks, with a sentence that says what broke.

In a toy game divergence is something to look at, so ``train`` goes on. A run of hours should stop.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from gan_teach.games import GAN
from gan_teach.training.loop import Run, State

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
    """

    def watched() -> Iterator[State]:
        for state in run:
            broken = _broken_term(state)
            if broken is not None:
                raise DivergedError(state.step, *broken, _advice(checkpoint))
            yield state

    return Run(watched(), getattr(run, "total", 0))


def _broken_term(state: State) -> tuple[str, str, float] | None:
    """(player, term, value) of the first loss that is not finite."""
    for player in _PLAYERS:
        loss = state.losses.get(f"{player}_loss")
        if loss is not None and not _finite(loss):
            for term, value in _terms(state, player).items():
                if not _finite(value):
                    return player, term, _first_bad(value)
            return player, "loss", _first_bad(loss)
    return None


def _terms(state: State, player: str) -> dict[str, Any]:
    """What the player's last loss was the sum of."""
    if not isinstance(state.game, GAN):
        return {}
    if player == "d":
        return state.game.d_terms
    return {f"{state.game.loss.name} loss": state.losses["g_loss"]}


def _finite(value: Tensor) -> bool:
    return bool(torch.isfinite(value).all())


def _first_bad(value: Tensor) -> float:
    return float(value[~torch.isfinite(value)].flatten()[0])


def _advice(checkpoint: str | os.PathLike[str] | None) -> str:
    advice = "Lower the learning rate or tau, or look at the penalty's weight."
    if checkpoint is not None and os.path.exists(checkpoint):
        return f"The last good checkpoint is {os.fspath(checkpoint)}. {advice}"
    return advice

"""Averages of a game's iterates, for any game: the uniform mean and the exponential one.

On min-max xy plain descent circles the equilibrium while the mean of its points goes there (for
alternating steps, whose orbits are bounded). ``EMA`` in ``training`` averages one module instead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from gan_teach import _checks
from gan_teach.games import Game
from gan_teach.training.loop import State


class Average:
    """Average of all parameters over the states it is shown, as an observer or as a probe.

    Without ``decay`` the uniform mean (Polyak & Juditsky, 1992): mean <- mean + (w - mean) / t, t
    the number of states seen. With ``decay``, or ``half_life`` in steps (decay = 2^(-1/half_life)),
    the exponential one (Yazici et al., 2019): mean <- decay mean + (1 - decay) w, from the first
    state on. States before step ``start`` are skipped; one that is shown again, as the first of a
    resumed run is, counts once.

    ``average(state)`` takes the state in and returns the mean as one vector (n,) or (S, n), NaN
    before ``start``: a probe for ``record``, a function for ``observe``. ``average.params``
    has the form that ``game.losses(batch, params)`` takes. Raises ValueError when both are given.
    """

    def __init__(
        self, *, decay: float | None = None, half_life: float | None = None, start: int = 0
    ) -> None:
        if decay is not None and half_life is not None:
            raise ValueError("give decay or half_life (in steps), not both.")
        if half_life is not None:
            decay = 2.0 ** (-1.0 / _checks.real("half_life", half_life, above=0.0))
        if decay is not None:
            _checks.real("decay", decay, least=0.0, most=1.0)
        self.decay = decay
        self.start = _checks.whole("start", start)
        self.count = 0
        self._last: int | None = None
        self._g: list[Tensor] = []
        self._d: list[Tensor] = []

    @torch.no_grad()
    def __call__(self, state: State) -> Tensor:
        game = state.game
        if state.step >= self.start and state.step != self._last:
            self._take(game)
            self._last = state.step
        axes = len(game.lead)
        if not self.count:
            return torch.full(
                (*game.lead, game.n_g + game.n_d), torch.nan, dtype=game.dtype, device=game.device
            )
        return torch.cat([mean.flatten(axes) for mean in (*self._g, *self._d)], -1)

    def _take(self, game: Game) -> None:
        now = (game.g_params, game.d_params)
        if not self.count:
            self._g, self._d = ([p.detach().clone() for p in params] for params in now)
        self.count += 1
        weight = 1 / self.count if self.decay is None else 1 - self.decay
        for means, params in zip((self._g, self._d), now, strict=True):
            for i, p in enumerate(params):
                means[i] = means[i].to(p).lerp(p.detach(), weight)

    @property
    def params(self) -> tuple[Sequence[Tensor], Sequence[Tensor]]:
        """The averaged (generator's, discriminator's) parameters; ValueError before any state."""
        if not self.count:
            raise ValueError("nothing was averaged yet: show it a state of a run first.")
        return self._g, self._d

    def state_dict(self) -> dict[str, Any]:
        return {"count": self.count, "last": self._last, "g": self._g, "d": self._d}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.count, self._last = state["count"], state["last"]
        self._g, self._d = ([p.clone() for p in state[player]] for player in ("g", "d"))

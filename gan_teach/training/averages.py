"""Averages of iterates: of one module (``EMA``), or of all parameters of any game (``Average``).

On min-max xy plain descent circles the equilibrium while the mean of its points goes there (for
alternating steps, whose orbits are bounded). A step that is shown again, as the first of a resumed
run is, counts once.
"""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from gan_teach import _checks
from gan_teach.games.base import flatten
from gan_teach.training.state import State


class EMA:
    """Exponential moving average of a module: w_ema <- decay w_ema + (1 - decay) w, buffers copied.

    Give ``decay`` or ``half_life`` (in steps: decay = 2^(-1/half_life)). The average is
    ``ema.module``; call the object with a state or let ``observe`` do it. Several may watch one run
    (Yazici et al., 2019). Buffers are those of the last weights: a batch norm's statistics do not
    fit a long average (chapter 18), for which ``image_runs.refresh`` collects others.
    Raises ValueError unless exactly one of the two is given.
    """

    def __init__(
        self, module: nn.Module, *, half_life: float | None = None, decay: float | None = None
    ) -> None:
        if (half_life is None) == (decay is None):
            raise ValueError("give either half_life (in steps) or decay, one of the two.")
        if half_life is not None:
            decay = 2.0 ** (-1.0 / _checks.real("half_life", half_life, above=0.0))
        self.decay = _checks.real("decay", decay, least=0.0, most=1.0)
        self._source = _checks.instance("module", module, nn.Module)
        self.module = copy.deepcopy(module).requires_grad_(False)
        self._last: int | None = None

    @torch.no_grad()
    def __call__(self, state: State | None = None) -> None:
        if state is not None and state.step == self._last:
            return
        self._last = state.step if state else self._last
        there = next((p.device for p in self._source.parameters()), None)
        if any(p.device != there for p in self.module.parameters()):  # the run has moved its game
            self.module.to(there)
        for mean, now in zip(self.module.parameters(), self._source.parameters(), strict=True):
            mean.lerp_(now, 1 - self.decay)
        for mean, now in zip(self.module.buffers(), self._source.buffers(), strict=True):
            mean.copy_(now)

    def state_dict(self) -> dict[str, Any]:
        return {"decay": self.decay, "last": self._last, "module": self.module.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.decay, self._last = state["decay"], state["last"]
        self.module.load_state_dict(state["module"])


class Average:
    """Mean of all parameters over the states it is shown (Polyak & Juditsky, 1992).

    mean <- mean + (w - mean) / t, t the number of states seen from step ``start`` on.
    ``average(state)`` takes the state in and returns the mean as one vector (n,) or (S, n), NaN
    before ``start``: a probe for ``record``, a function for ``observe``.
    """

    def __init__(self, *, start: int = 0) -> None:
        self.start = _checks.whole("start", start)
        self.count = 0
        self._last: int | None = None
        self._mean: Tensor | None = None

    @torch.no_grad()
    def __call__(self, state: State) -> Tensor:
        w = flatten(state.game)
        if state.step >= self.start and state.step != self._last:
            self.count, self._last = self.count + 1, state.step
            self._mean = w if self._mean is None else self._mean.to(w).lerp(w, 1 / self.count)
        return torch.full_like(w, torch.nan) if self._mean is None else self._mean

    def state_dict(self) -> dict[str, Any]:
        return {"count": self.count, "last": self._last, "mean": self._mean}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.count, self._last, self._mean = state["count"], state["last"], state["mean"]

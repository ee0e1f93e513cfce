"""Two runs side by side that differ in one knob, and the step at which they part."""

from __future__ import annotations

from typing import Any

import torch

from gan_teach import _checks
from gan_teach.analysis import spectra
from gan_teach.lab.frame import Frame
from gan_teach.lab.knobs import KNOBS
from gan_teach.lab.session import Session

TOLERANCE = 1e-3


class Twin:
    """``first`` is a run, ``second`` a branch of it with one knob turned, from the same step on.

    Both draw the same random numbers, so whatever differs is the knob's doing. ``parted`` is the
    first step at which any parameter differs by more than ``tolerance`` (in the parameters' own
    units), None until then. Raises ValueError unless exactly one knob is given, with another value
    than the run's, that can be turned during a run.
    """

    def __init__(self, first: Session, *, tolerance: float = TOLERANCE, **knob: Any) -> None:
        _checks.instance("first", first, Session)
        if len(knob) != 1:
            raise ValueError(f"twins differ in exactly one knob, got {', '.join(knob) or 'none'}.")
        (self.knob,) = knob
        _checks.choice("knob", self.knob, [name for name, spec in KNOBS.items() if spec.live])
        self.tolerance = _checks.real("tolerance", tolerance, least=0.0)
        self.first, self.second = first, first.branch()
        self.start = first.step
        self.second.set(**knob)
        if self.first.config == self.second.config:
            raise ValueError(f"{self.knob} is {getattr(first.config, self.knob)} in both runs.")
        self.parted: int | None = None

    @property
    def step(self) -> int:
        """Number of updates that both have made."""
        return self.first.step

    @property
    def distance(self) -> float:
        """The largest difference of a parameter, inf where only one of the runs is finite."""
        one, other = (spectra.flatten(s.state.game) for s in (self.first, self.second))
        gap = (one - other).abs().max()
        return float(torch.nan_to_num(gap, nan=float("inf")))

    @property
    def frames(self) -> tuple[Frame, Frame]:
        """The pictures of both."""
        return self.first.frame, self.second.frame

    def tick(self, k: int = 1) -> tuple[Frame, Frame]:
        """``k`` updates of both, and their pictures."""
        left = _checks.whole("k", k)
        while left and self.parted is None:
            self._go(1)
            left -= 1
            if self.distance > self.tolerance:
                self.parted = self.step
        self._go(left)
        return self.frames

    def _go(self, k: int) -> None:
        self.first.go(k)
        self.second.go(k)

    def __str__(self) -> str:
        one, other = (getattr(s.config, self.knob) for s in (self.first, self.second))
        names = f"{KNOBS[self.knob].label} {one} and {other}"
        if self.parted is None:
            return f"{names}: no parameter differs by more than {self.tolerance:g} yet."
        return f"{names}: apart by more than {self.tolerance:g} from step {self.parted} on."

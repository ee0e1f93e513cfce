"""What the checks share: a verdict in words, and the comparison of numbers and of functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Verdict:
    """Whether an answer is right, and the sentence that says why."""

    right: bool
    message: str

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        return f"{'Right' if self.right else 'Not yet'}: {self.message}"


OPEN = Verdict(False, "replace the ... by your answer and run the cell again.")


def number(
    given: Any,
    expected: float,
    why: str,
    *,
    atol: float,
    mistakes: Mapping[str, float] | None = None,
) -> Verdict:
    """Compare a number; ``mistakes`` maps an explanation to the value that this mistake gives."""
    if given is ... or given is None:
        return OPEN
    try:
        value = float(given)
    except (TypeError, ValueError):
        return Verdict(False, f"a number is wanted, not {given!r}.")
    if abs(value - expected) <= atol:
        return Verdict(True, why)
    for explanation, wrong in (mistakes or {}).items():
        if abs(value - wrong) <= atol:
            return Verdict(False, explanation)
    return Verdict(False, f"{value:g} is not within {atol:g} of the value that follows.")


def function(
    given: Any, expected: Callable[..., Any], points: list[tuple[float, ...]], why: str
) -> Verdict:
    """Compare a function with the right one at some points; names the first where they differ."""
    if given is ... or given is None:
        return OPEN
    if not callable(given):
        return Verdict(False, f"a function is wanted, not {given!r}.")
    for point in points:
        try:
            value = np.asarray(given(*map(np.float64, point)), dtype=float)
        except Exception as error:  # a learner's function may fail in any way
            return Verdict(False, f"at {point} it raised {type(error).__name__}: {error}")
        wanted = float(expected(*point))
        if value.shape != () or not abs(float(value) - wanted) <= 1e-6 * max(1.0, abs(wanted)):
            return Verdict(False, f"at {point} it gives {value}, but {wanted:.6g} is wanted.")
    return Verdict(True, why)

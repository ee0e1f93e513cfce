"""How an answer is judged: beside the right number or function, and beside known mistakes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


class Number:
    """A question whose answer is a number; ``check(answer, **settings)`` gives a `Verdict`.

    value: right within ``atol``; mistakes: pairs (value that a mistake gives, sentence about it).
    A value may be a function of the settings.
    """

    def __init__(
        self,
        question: str,
        value: float | Callable[..., float],
        why: str,
        *mistakes: tuple[float | Callable[..., float], str],
        atol: float = 2e-3,
    ) -> None:
        self.__doc__ = question
        self.why, self.atol = why, atol
        self.values = [(value, why), *mistakes]

    def __repr__(self) -> str:
        return str(self.__doc__)

    def __call__(self, answer: Any, **settings: float) -> Verdict:
        if answer is ... or answer is None:
            return OPEN
        try:
            number = float(answer)
        except (TypeError, ValueError):
            return Verdict(False, f"a number is wanted, not {answer!r}.")
        for value, sentence in self.values:
            value = value(**settings) if callable(value) else value
            if abs(number - value) <= self.atol:
                return Verdict(sentence is self.why, sentence)
        return Verdict(False, f"{number:g} is not within {self.atol:g} of the value that follows.")


class Function:
    """A question whose answer is a function; ``check(answer)`` gives a `Verdict`.

    function: the right one; points: arguments at which an answer has to agree with it, of which the
    first where it does not is named; mistakes: pairs (wrong function, sentence about it).
    """

    def __init__(
        self,
        question: str,
        function: Callable[..., float],
        points: Sequence[tuple[float, ...]],
        why: str,
        *mistakes: tuple[Callable[..., float], str],
    ) -> None:
        self.__doc__ = question
        self.function, self.points, self.why, self.mistakes = function, points, why, mistakes

    def __repr__(self) -> str:
        return str(self.__doc__)

    def __call__(self, answer: Any) -> Verdict:
        if answer is ... or answer is None:
            return OPEN
        if not callable(answer):
            return Verdict(False, f"a function is wanted, not {answer!r}.")
        values = []
        for point in self.points:
            try:
                values.append(np.asarray(answer(*map(np.float64, point)), dtype=float))
            except Exception as error:  # noqa: PERF203 - a learner's function may fail in any way
                return Verdict(False, f"at {point} it raised {type(error).__name__}: {error}")
        for wrong, sentence in self.mistakes:
            if all(map(_agree, values, [wrong(*point) for point in self.points])):
                return Verdict(False, sentence)
        for point, value in zip(self.points, values, strict=True):
            right = float(self.function(*point))
            if not _agree(value, right):
                return Verdict(False, f"at {point} it gives {value}, but {right:.6g} is wanted.")
        return Verdict(True, self.why)


def _agree(value: np.ndarray, right: float) -> bool:
    return value.shape == () and bool(abs(value - right) <= 1e-6 * max(1.0, abs(right)))

"""How an answer is judged: beside the right number or function, and beside known mistakes.

An exercise is a function under one of the classes below; its docstring is the question.

    @Number
    def check_scalar_tau_star() -> Values:
        "tau* of -J = [[-3, 4], [-4, 0.5]], one number per player."
        yield 6.0, "from tau = 6 on the trace -3 + 0.5 tau is positive."
        yield 1 / 6, "that is the reciprocal: solve -3 + 0.5 tau = 0 for tau."

What is yielded first is right; the others are mistakes, each with the sentence that it deserves.
``partial(Number, atol=0.5)`` is another tolerance.
"""

import copy
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import update_wrapper
from typing import Any

import numpy as np
import torch

from gan_teach import _checks

Values = Iterator[tuple[Any, str]]


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


def failed(error: Exception, where: str = "") -> Verdict:
    """Of a learner's function that raised: a blank that is not filled in yet is no mistake."""
    if re.search("(?i)ellipsis(?! was given| provided)", str(error)):  # those are einsum's words
        return OPEN
    return Verdict(False, f"{where}it raised {type(error).__name__}: {error}")


class Check:
    """A question; called with an answer it gives a `Verdict` and raises nothing.

    rule: says what is right; here, a function of the answer that gives the verdict. read: makes of
    what a learner typed what the rule takes; where it raises TypeError or ValueError, the learner
    is told what is ``wanted``.
    """

    def __init__(self, rule: Callable[..., Any], read: Callable[[Any], Any], wanted: str) -> None:
        update_wrapper(self, rule)
        self.rule, self.read, self.wanted = rule, read, wanted

    def __repr__(self) -> str:
        return str(self.__doc__)

    def __call__(self, answer: Any, *about: Any, **settings: float) -> Verdict:
        if answer is ... or answer is None:
            return OPEN
        try:
            answer = self.read(answer)
        except (TypeError, ValueError, OverflowError):
            return Verdict(False, f"{self.wanted}, not {_checks.shortened(answer)}.")
        return self.judge(answer, *about, **settings)

    def judge(self, answer: Any, *about: Any) -> Verdict:
        return self.rule(answer, *about)


class Choice(Check):
    """A question about a run whose answer is one of the ``options``.

    The rule is a function of the run; it gives the right option, and the numbers that decide.
    """

    def __init__(self, rule: Callable[..., tuple[str, str]], options: Sequence[str]) -> None:
        super().__init__(rule, str, "")
        self.options = options

    def judge(self, answer: str, *about: Any) -> Verdict:
        if answer not in self.options:
            return Verdict(False, f"one of {', '.join(self.options)} is wanted, not {answer!r}.")
        right, numbers = self.rule(*about)
        return Verdict(answer == right, numbers)


class Number(Check):
    """A question whose answer is a number, right within ``atol``.

    The rule is a function of what the chapter's run decides: ``check(answer, w=2.0)``, or of a run.
    """

    def __init__(
        self,
        rule: Callable[..., Values],
        atol: float = 2e-3,
        read: Callable[[Any], float] = float,
    ) -> None:
        super().__init__(rule, read, "a number is wanted")
        self.atol = atol

    def judge(self, answer: float, *about: Any, **settings: float) -> Verdict:
        rows = list(self.rule(*about, **settings))
        for place, (value, sentence) in enumerate(rows):
            if abs(answer - value) <= self.atol:
                return Verdict(place == 0, sentence)
        right, digits = rows[0][0], len(str(answer).partition(".")[2])
        if not np.isfinite(answer):
            return Verdict(False, f"a finite number is wanted, not {answer:g}.")
        if answer and round(right, digits) == answer:
            return Verdict(False, f"{answer:g} is right so far: one digit more, please.")
        return Verdict(False, f"{answer:g} is too {'small' if answer < right else 'large'}.")


class Function(Check):
    """A question whose answer is a function; the rule is a function of the same arguments.

    points: arguments (numbers, lists for arrays, arrays, tensors, functions) at which an answer has
    to agree with the rule, of which the first where it does not is named. A mistake is named if the
    answer makes it at all points. run: makes of an answer the function that is compared.
    """

    def __init__(
        self,
        rule: Callable[..., Values],
        points: Sequence[tuple[Any, ...]],
        run: Callable[[Any], Callable[..., Any]] = lambda answer: answer,
    ) -> None:
        super().__init__(rule, function, "a function is wanted")
        self.points, self.run = points, run

    def judge(self, answer: Callable[..., Any], *_: Any) -> Verdict:
        values = []
        for point in (*self.points, self.points[0]):
            try:
                values.append(_value(self.run(answer), point))
            except Exception as error:  # noqa: PERF203 - a learner's function may fail in any way
                return failed(error, f"{_at(point)} ")
        again = values.pop()
        if again.shape != values[0].shape or not np.allclose(again, values[0], equal_nan=True):
            return Verdict(False, "two calls with one input give two values: draw no noise in it.")
        rows = [list(self.rule(*_arguments(point))) for point in self.points]
        for place, column in enumerate(zip(*rows, strict=True)):
            if all(map(_agree, values, column)):
                return Verdict(place == 0, column[0][1])
        k = next(k for k, row in enumerate(rows) if not _agree(values[k], row[0]))
        told = _told(values[k], np.asarray(rows[k][0][0]))
        return Verdict(False, f"{_at(self.points[k])} it gives {told} is wanted.")


def pair(answer: Any) -> tuple[float, float]:
    """Two numbers, as `read` of a `Check`."""
    first, second = answer
    return float(first), float(second)


def random_cases(case: Callable[[np.random.Generator], tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Eight points for a `Function`, the same ones in every session."""
    return [case(np.random.default_rng(seed)) for seed in range(8)]


def by_parts(values: Any) -> np.ndarray:
    """Eigenvalues by their real parts, then by their imaginary ones, whatever rounding did."""
    values = np.asarray(values).astype(complex).ravel()
    return values[np.lexsort([values.imag.round(6), values.real.round(6)])]


def in_order(answer: Callable[..., Any]) -> Callable[..., np.ndarray]:
    """`run` of a `Function` whose values are eigenvalues, which count in any order."""
    return lambda *point: by_parts(answer(*point))


def function(answer: Any) -> Callable[..., Any]:
    if not callable(answer):
        raise TypeError
    return answer


def _arguments(point: Sequence[Any]) -> list[Any]:
    """Whole numbers, NumPy's numbers and arrays, and copies, into which an answer may write."""
    return [np.asarray(x)[()] if isinstance(x, (float, list)) else copy.deepcopy(x) for x in point]


def _value(answer: Callable[..., Any], point: Sequence[Any]) -> np.ndarray:
    """What a learner's function gives for NumPy's numbers or, if it wants those, for torch's."""
    try:
        value = answer(*_arguments(point))
    except (TypeError, AttributeError):  # such as tensor.log()
        try:
            value = answer(*map(torch.as_tensor, _arguments(point)))
        except Exception:
            value = None
        if value is None:  # what it said of NumPy's numbers is what a learner can mend
            raise
    number = np.asarray(_detached(value))
    return number if number.dtype.kind == "c" else number.astype(float)


def _detached(value: Any) -> Any:
    """Tensors as arrays, also those within lists: by autograd each entry may carry its graph."""
    if isinstance(value, torch.Tensor):
        return value.detach().numpy()
    return list(map(_detached, value)) if isinstance(value, list | tuple | Iterator) else value


def _at(point: Sequence[Any]) -> str:
    if not all(isinstance(x, (int, float, tuple)) for x in point):
        return "in a random case"
    return "at " + ", ".join(str(x) if isinstance(x, tuple) else f"{x:g}" for x in point)


def _told(value: np.ndarray, right: np.ndarray) -> str:
    """What is given, and what else: numbers, shapes, or the first entry that is off."""
    if value.shape != right.shape:
        kinds = [f"an array of shape {x.shape}" if x.shape else "a number" for x in (value, right)]
        return ", but ".join(kinds)
    if right.shape:
        place = tuple(np.argwhere(~_close(value, right))[0].tolist())
        return f"{value[place]:.6g} at {place}, but {right[place]:.6g}"
    return f"{value:.6g}, but {right:.6g}"


def _close(value: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.isclose(value, right, rtol=1e-6, atol=1e-6)


def _agree(value: np.ndarray, row: tuple[Any, str]) -> bool:
    return value.shape == np.shape(row[0]) and bool(np.all(_close(value, np.asarray(row[0]))))

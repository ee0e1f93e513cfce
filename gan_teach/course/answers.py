"""How an answer is judged: beside the right number or function, and beside known mistakes.

An exercise is a function under one of the classes below; its docstring is the question.

    @Number
    def check_target() -> Values:
        "The objective V when D = 1/2 everywhere."
        yield -2 * math.log(2), "V = log(1/2) + log(1/2) = -2 log 2."
        yield -math.log(2), "that is one of the two terms."

What is yielded first is right; the others are mistakes, each with the sentence that it deserves.
``partial(Number, atol=0.5)`` is another tolerance.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import update_wrapper
from typing import Any

import numpy as np
import torch

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

    def __call__(self, answer: Any, **settings: float) -> Verdict:
        if answer is ... or answer is None:
            return OPEN
        try:
            answer = self.read(answer)
        except (TypeError, ValueError):
            return Verdict(False, f"{self.wanted}, not {answer!r}.")
        return self.judge(answer, **settings)

    def judge(self, answer: Any) -> Verdict:
        return self.rule(answer)


class Number(Check):
    """A question whose answer is a number, right within ``atol``.

    The rule is a function of what the chapter's run decides: ``check(answer, w=2.0)``.
    """

    def __init__(self, rule: Callable[..., Values], atol: float = 2e-3) -> None:
        super().__init__(rule, float, "a number is wanted")
        self.atol = atol

    def judge(self, answer: float, **settings: float) -> Verdict:
        for place, (value, sentence) in enumerate(self.rule(**settings)):
            if abs(answer - value) <= self.atol:
                return Verdict(place == 0, sentence)
        return Verdict(False, f"{answer:g} is not within {self.atol:g} of the value that follows.")


class Function(Check):
    """A question whose answer is a function; the rule is a function of the same arguments.

    points: arguments (numbers, lists for arrays, tensors) at which an answer has to agree with it,
    of which the first where it does not is named. A mistake is named if the answer makes it at all
    points. The values are numbers or arrays.
    """

    def __init__(self, rule: Callable[..., Values], points: Sequence[tuple[Any, ...]]) -> None:
        super().__init__(rule, _callable, "a function is wanted")
        self.points = points

    def judge(self, answer: Callable[..., Any]) -> Verdict:
        values = []
        for point in self.points:
            try:
                values.append(_value(answer, point))
            except Exception as error:  # noqa: PERF203 - a learner's function may fail in any way
                if "ellipsis" in str(error):  # of a blank that is not filled in yet
                    return OPEN
                return Verdict(False, f"at {point} it raised {type(error).__name__}: {error}")
        right, *mistakes = zip(*(self.rule(*_numbers(p)) for p in self.points), strict=True)
        for mistake in mistakes:
            if all(map(_agree, values, mistake)):
                return Verdict(False, mistake[0][1])
        for point, value, row in zip(self.points, values, right, strict=True):
            if not _agree(value, row):
                wanted = np.array2string(np.asarray(row[0]), precision=6)
                return Verdict(False, f"at {point} it gives {value}, but {wanted} is wanted.")
        return Verdict(True, right[0][1])


class Code(Check):
    """A question whose answer is a function of arrays or tensors, run on random cases.

    cases: the arguments, of a generator. The rule is a function of the same arguments and yields as
    the other rules do, arrays or numbers. read: what is run, of what a learner typed.
    """

    def __init__(
        self,
        rule: Callable[..., Iterator[tuple[Any, str]]],
        cases: Callable[[np.random.Generator], tuple[Any, ...]],
        read: Callable[[Any], Callable[..., Any]] | None = None,
    ) -> None:
        super().__init__(rule, _callable, "a function is wanted")
        self.cases, self.run = cases, read or (lambda answer: answer)

    def judge(self, answer: Callable[..., Any]) -> Verdict:
        values, rows = [], []
        for seed in range(5):  # an answer may write into its arguments: the rule gets its own
            case, own = (self.cases(np.random.default_rng(seed)) for _ in range(2))
            try:
                value = self.run(answer)(*case)
                value = value.detach() if isinstance(value, torch.Tensor) else value
                values.append(np.asarray(value, dtype=float))
            except Exception as error:
                if "ellipsis" in str(error):
                    return OPEN
                return Verdict(False, f"it raised {type(error).__name__}: {error}")
            rows.append([(np.asarray(value), sentence) for value, sentence in self.rule(*own)])
        for place, column in enumerate(zip(*rows, strict=True)):
            if all(map(_close, values, column)):
                return Verdict(place == 0, column[0][1])
        k = next(k for k, row in enumerate(rows) if not _close(values[k], row[0]))
        first, right = (np.atleast_1d(a).flat[0] for a in (values[k], rows[k][0][0]))
        return Verdict(False, f"a random case gives {first:.6g}, where {right:.6g} is right.")


def _close(value: np.ndarray, row: tuple[np.ndarray, str]) -> bool:
    return value.shape == row[0].shape and np.allclose(value, row[0], rtol=1e-6, atol=1e-9)


def _callable(answer: Any) -> Callable[..., Any]:
    if not callable(answer):
        raise TypeError
    return answer


def _numbers(point: Sequence[Any]) -> list[Any]:
    return [x if isinstance(x, torch.Tensor) else np.float64(x) for x in point]


def _value(answer: Callable[..., Any], point: Sequence[Any]) -> np.ndarray:
    """What a learner's function gives for NumPy's numbers or, if it wants those, for torch's."""
    try:
        value = answer(*_numbers(point))
    except (TypeError, AttributeError):  # such as tensor.log()
        value = answer(*map(torch.as_tensor, _numbers(point)))
    number = np.asarray(value.detach() if isinstance(value, torch.Tensor) else value, dtype=float)
    wanted = any(getattr(x, "requires_grad", False) for x in point)
    if wanted and not getattr(value, "requires_grad", False):
        raise ValueError("no gradient reaches the arguments (detach, item and numpy cut it off)")
    return number


def _agree(value: np.ndarray, row: tuple[Any, str]) -> bool:
    right = np.asarray(row[0])
    if value.shape != right.shape:
        return False
    return bool((abs(value - right) <= 1e-6 * np.maximum(1.0, abs(right))).all())

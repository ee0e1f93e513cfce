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
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import update_wrapper
from typing import Any, get_type_hints

import numpy as np
import torch

from gan_teach import _checks
from gan_teach.course.calling import (
    Failed as Failed,
    Verdict as Verdict,
    asked as asked,
    counted,
    detached,
    failed as failed,
    open_part,
)

Values = Iterator[tuple[Any, str]]

TWICE = (
    "two calls with one input give two values: draw no noise in it, and keep nothing of its own "
    "from one call to the next."
)


def number(answer: Any) -> float:
    """A real number of any kind: also an array of one, or complex without an imaginary part."""
    value = _item(answer)
    return float(value if getattr(value, "imag", 1) else value.real)


def _item(answer: Any) -> Any:
    """A number or a word of Python for one of NumPy or torch."""
    return answer.item() if isinstance(answer, (np.generic, np.ndarray, torch.Tensor)) else answer


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
        try:
            answer = counted(answer)
            if (blank := open_part(answer)) is not None:
                return blank
            answer = self.read(answer)
        except Failed as error:
            return error.verdict
        except (TypeError, ValueError, KeyError, OverflowError, RuntimeError):
            return Verdict(False, f"{self.wanted}, not {_checks.shortened(answer)}.")
        page = get_type_hints(self.rule).get("run")  # what a rule about a page's run takes
        if page and not isinstance((*about, None)[0], page):
            return Verdict(False, "after the answer this page's run is wanted: make it once more.")
        # Whatever the notebook has set:
        with torch.inference_mode(False), torch.enable_grad(), np.errstate(all="ignore"):
            return self.judge(answer, *about, **settings)

    def judge(self, answer: Any, *about: Any) -> Verdict:
        return self.rule(answer, *about)


class Choice(Check):
    """A question about a run whose answer is one of the ``options``.

    The rule is a function of the run; it gives the right option, and the numbers that decide.
    """

    def __init__(self, rule: Callable[..., tuple[str, str]], options: Sequence[str]) -> None:
        own = {word(option): option for option in options}
        wanted = f"one of {str(list(options))[1:-1]} is wanted"
        super().__init__(rule, lambda answer: own[word(answer)], wanted)
        self.options = options

    def judge(self, answer: str, *about: Any) -> Verdict:
        right, numbers = self.rule(*about)
        return Verdict(answer == right, numbers)


class Number(Check):
    """A question whose answer is a number, right within ``atol`` or the share ``rtol`` of it.

    A mistake is named within one percent of its own size, or where it was rounded to two digits,
    if it is far nearer than the right number. The rule is a function of what the chapter's run
    decides: ``check(answer, w=2.0)``, or of a run.
    """

    def __init__(
        self,
        rule: Callable[..., Values],
        atol: float = 2e-3,
        read: Callable[[Any], float] = number,
        rtol: float = 0.0,
    ) -> None:
        super().__init__(rule, read, "a number is wanted")
        self.atol, self.rtol = atol, rtol

    def judge(self, answer: float, *about: Any, **settings: float) -> Verdict:
        rows = list(self.rule(*about, **settings))
        (right, why), *mistakes = rows
        off, said = abs(answer - right), f"{answer:.12g}"
        if off <= max(self.atol, self.rtol * abs(right)):
            return Verdict(True, why)
        rounded = answer and round(right, len(str(answer).partition(".")[2])) == answer
        for value, sentence in mistakes:
            near = abs(answer - value) <= 0.01 * abs(value) or answer == float(f"{value:.2g}")
            if near and 2 * abs(answer - value) < off and (answer == value or not rounded):
                return Verdict(False, sentence)
        if not np.isfinite(answer):
            return Verdict(False, f"a finite number is wanted, not {said}.")
        if rounded:
            return Verdict(False, f"{said} is right so far: one digit more, please.")
        return Verdict(False, f"{said} is too {'small' if answer < right else 'large'}.")


class Function(Check):
    """A question whose answer is a function; the rule is a function of the same arguments.

    points: arguments (numbers, lists for arrays, arrays, tensors, functions) at which an answer has
    to agree with the rule, of which the first where it does not is named. A mistake is named if the
    answer makes it at all points. run: makes of an answer the function that is compared. names: of
    the entries of its value. gradient: what is said of a right value whose derivatives by the
    points' tensors are not right; empty where the chapter's run does not need them. data: the
    places of tensors by which nothing is derived.
    """

    def __init__(
        self,
        rule: Callable[..., Values],
        points: Sequence[tuple[Any, ...]],
        run: Callable[[Any], Callable[..., Any]] = lambda answer: answer,
        names: Sequence[str] = (),
        gradient: str = "",
        data: Sequence[int] = (),
    ) -> None:
        super().__init__(rule, function, "a function is wanted")
        self.points, self.run, self.names = points, run, names
        self.gradient, self.data = gradient, data

    def judge(self, answer: Callable[..., Any], *_: Any) -> Verdict:
        values, cases, given = [], [], []
        own = self.run(asked(answer, given))
        for point in (*self.points, self.points[0]):
            try:
                values.append(_value(own, point, self.names))
            except Exception as error:  # a learner's function may fail in any way
                return replace(failed(error, f"{_at(self.rule, point)} "), case=tuple(given))
            cases.append(tuple(given))
        again = values.pop()
        if again.shape != values[0].shape or not np.allclose(again, values[0], equal_nan=True):
            return Verdict(False, TWICE, cases[0])
        rows = [list(self.rule(*_arguments(point))) for point in self.points]
        for place, column in enumerate(zip(*rows, strict=True)):
            if all(map(_agree, values, column)):
                faults = (self._unfelt(own, point) for point in self.points if self.gradient)
                if place == 0 and (fault := next(filter(None, faults), "")):
                    return Verdict(False, fault)
                told = Verdict(place == 0, column[0][1])
                return replace(told, own=lambda *given: plain(_tried(answer, lambda: given)))
        k = next(k for k, row in enumerate(rows) if not _agree(values[k], row[0]))
        told = _told(values[k], _array(rows[k][0][0]), self.names)
        at = _at(self.rule, self.points[k])
        return Verdict(False, f"{at} it gives {told} is wanted.", cases[k])

    def _unfelt(self, own: Callable[..., Any], point: Sequence[Any]) -> str:
        """What is wrong with the derivatives of an answer at a point, if anything is."""
        right = _slopes(lambda *arguments: next(self.rule(*arguments))[0], point, self.data)
        try:
            slopes = _slopes(own, point, self.data)
        except Failed as error:  # such as .numpy() of what carries a graph
            return f"{self.gradient} Where gradients are asked for, {error}"
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            return f"the value is right, but its gradient cannot be taken, {what}"
        if not slopes.isfinite().all():
            return "the value is right, but its gradient is not finite."
        return "" if torch.allclose(slopes, right, 1e-5, 1e-6) else self.gradient


def word(answer: Any) -> str:
    """A name as it is compared: capitals, and at its ends spaces, quotes and dots, do not count."""
    with suppress(ValueError, RuntimeError):  # of an array of several
        answer = _item(answer)
    said = f"{answer:g}" if isinstance(answer, float) else str(answer)
    return " ".join(said.lower().strip(" .'\"").split())


def random_cases(case: Callable[[np.random.Generator], tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Eight points for a `Function`, the same ones in every session."""
    return [case(np.random.default_rng(seed)) for seed in range(8)]


def function(answer: Any) -> Callable[..., Any]:
    if not callable(answer):
        raise TypeError
    return answer


def _arguments(point: Sequence[Any]) -> list[Any]:
    """Whole numbers, NumPy's numbers and arrays, and copies, into which an answer may write."""
    return [np.asarray(x)[()] if isinstance(x, (float, list)) else copy.deepcopy(x) for x in point]


def _value(own: Callable[..., Any], point: Sequence[Any], names: Sequence[str]) -> np.ndarray:
    value = detached(_tried(own, lambda: _arguments(point)))
    if (blank := open_part(value, names)) is not None:
        raise Failed(blank)
    return _array(value)


def _tried(own: Callable[..., Any], arguments: Callable[[], Sequence[Any]]) -> Any:
    """What a learner's function gives for NumPy's numbers or, if it wants those, for torch's."""
    try:
        return own(*arguments())
    except (Failed, TypeError, AttributeError) as error:  # such as tensor.log()
        if not isinstance(error.__cause__ or error, (TypeError, AttributeError)):
            raise
    with suppress(Exception):
        parts = (np.asarray(x) if isinstance(x, tuple | float) else x for x in arguments())
        return own(*map(torch.as_tensor, parts))
    return own(*arguments())  # what it says of NumPy's numbers is what a learner can mend


def plain(value: Any) -> Any:
    """Numbers of any kind as NumPy's arrays or Python's numbers; parts of several shapes in a list.

    Raises TypeError for text.
    """
    value = detached(value)
    if isinstance(value, list | tuple) and len(set(map(np.shape, value))) > 1:
        return list(map(plain, value))
    numbers = np.asarray(value)
    if numbers.dtype.kind in "US":
        raise TypeError("that is text")
    numbers = numbers if np.any(np.imag(numbers)) else np.real(numbers).astype(float)
    return numbers if numbers.ndim else numbers.item()


def _array(value: Any) -> np.ndarray:
    """The same as one array; where the parts have several shapes, one after another."""
    parts = plain(value)
    return np.concatenate([*map(np.ravel, parts)]) if isinstance(parts, list) else np.asarray(parts)


def _slopes(
    function: Callable[..., Any], point: Sequence[Any], data: Sequence[int] = ()
) -> torch.Tensor:
    """Derivatives of a weighted sum of all that a function gives by the tensors of its point.

    data: the places of those by which it is not derived. They are 0 where it has no graph.
    """
    arguments = _arguments(point)
    tensors = [x for k, x in enumerate(arguments) if k not in data and isinstance(x, torch.Tensor)]
    leaves = [x.requires_grad_() for x in tensors]
    value = function(*(x.clone() if isinstance(x, torch.Tensor) else x for x in arguments))
    parts = value if isinstance(value, list | tuple) else [value]
    entries = torch.cat([torch.as_tensor(part).reshape(-1).double() for part in parts])
    total = entries @ torch.cos(torch.arange(len(entries), dtype=torch.float64))
    if not total.requires_grad:
        return torch.cat([torch.zeros_like(x).reshape(-1) for x in leaves])
    slopes = torch.autograd.grad(total, leaves, allow_unused=True, materialize_grads=True)
    return torch.cat([slope.reshape(-1) for slope in slopes])


def _at(rule: Callable[..., Any], point: Sequence[Any]) -> str:
    """The arguments by the names that the question gives them."""
    if not all(isinstance(x, (int, float, tuple)) and np.ndim(x) < 2 for x in point):
        return "in a random case (verdict.case)"
    said = (str(x) if isinstance(x, tuple) else f"{x:g}" for x in point)
    names = inspect.signature(rule).parameters
    return "at " + ", ".join(f"{name} = {x}" for name, x in zip(names, said, strict=True))


def _told(value: np.ndarray, right: np.ndarray, names: Sequence[str] = ()) -> str:
    """What is given, and what else: numbers, shapes, or the first entry that is off."""
    if value.shape != right.shape:
        kinds = [f"an array of shape {x.shape}" if x.shape else "a number" for x in (value, right)]
        return ", but ".join(kinds)
    if right.shape:
        off = ~_close(value, right)
        lost = off & ~np.isfinite(value)  # named first
        place = tuple(np.argwhere(lost if lost.any() else off)[0].tolist())
        name = f"for {names[place[0]]}" if names else f"at {place}"
        return f"{value[place]:.6g} {name}, but {right[place]:.6g}"
    return f"{value:.6g}, but {right:.6g}"


def _close(value: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.isclose(value, right, rtol=1e-5, atol=1e-6, equal_nan=True)


def _agree(value: np.ndarray, row: tuple[Any, str]) -> bool:
    right = _array(row[0])
    return value.shape == right.shape and bool(np.all(_close(value, right)))

"""How a learner's function is called: on copies, in little time, its faults as sentences."""

import _thread
import inspect
import re
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
import torch


@dataclass(frozen=True)
class Verdict:
    """Whether an answer is right, and the sentence that says why.

    case: what a function was given where it failed: ``f(*verdict.case)`` does it again. own: a
    right function, whatever it is written in, with NumPy's arrays and Python's numbers in and out.
    """

    right: bool
    message: str
    case: tuple[Any, ...] = field(default=(), compare=False)
    own: Callable[..., Any] | None = field(default=None, compare=False)

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        return f"{'Right' if self.right else 'Not yet'}: {self.message}"


OPEN = Verdict(False, "replace the ... by your answer and run the cell again.")
BLANKS = (..., None, NotImplemented)
SECONDS = 5.0  # that a learner's function may think
MOST = 100_000  # values that it may give one by one


def open_part(answer: Any, names: Sequence[str] = ()) -> Verdict | None:
    """Whether an answer, or which entry of it, is a blank that waits to be filled in."""
    if any(answer is blank for blank in BLANKS):
        return OPEN
    if isinstance(answer, dict):
        names, answer = list(map(str, answer)), list(answer.values())
    if isinstance(answer, (list, tuple)):
        for k, part in enumerate(answer):
            if open_part(part) is not None:
                name = names[k] if names else f"number {k + 1} of {len(answer)}"
                said = "..." if part is ... else part
                return Verdict(False, f"{name} is still open: replace the {said} there.")
    return None


class Failed(Exception):
    """What a learner's function did instead of giving a value, as a verdict of its own."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.message)
        self.verdict = verdict


def asked(answer: Callable[..., Any], given: list[Any] | None = None) -> Callable[..., Any]:
    """A learner's function as a check calls it: on copies of its arrays, and with little time.

    Whatever it raises comes as `Failed`, so that what a check itself raises is told apart; so does
    that it writes into an array or a tensor, also one in a list, which outside a check belongs to
    someone else. (A dictionary is a rule's memory, there to be written.) given is filled with the
    arguments of the last call.
    """

    def call(*arguments: Any) -> Any:
        if given is not None:
            given[:] = arguments
        copies = list(map(_copied, arguments))
        try:
            value = _in_time(lambda: counted(answer(*copies)))
        except Failed:
            raise
        except (Exception, SystemExit) as error:
            raise Failed(_raised(error)) from error
        if value is None:
            raise Failed(Verdict(False, "it returns None: is a `return` missing?"))
        if value is ... or value is NotImplemented:
            raise Failed(OPEN)
        for k, pair in enumerate(zip(arguments, copies, strict=True)):
            if not _same(*pair):
                what = _name(answer, k)
                raise Failed(Verdict(False, f"it changes {what} itself: take a copy of it first."))
        return value

    return call


def _copied(x: Any) -> Any:
    if type(x) in (list, tuple):  # a named tuple stays what it is
        return type(x)(map(_copied, x))
    x = x.clone() if isinstance(x, torch.Tensor) else x
    return x.copy() if isinstance(x, np.ndarray) else x


def _same(x: Any, copied: Any) -> bool:
    if x is copied:
        return True
    if isinstance(x, list | tuple):
        return len(x) == len(copied) and all(map(_same, x, copied))
    a, b = np.asarray(detached(x)), detached(copied)
    return np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")


def _name(answer: Callable[..., Any], k: int) -> str:
    """What a function calls its ``k``-th argument."""
    try:
        return list(inspect.signature(answer).parameters)[k]
    except (ValueError, IndexError):  # of compiled code, or (*arguments)
        return f"argument {k + 1}"


def counted(value: Any) -> Any:
    """What comes one by one as a list. Raises Failed if more comes than any question wants."""
    if not isinstance(value, Iterator):
        return value
    values = list(islice(value, MOST + 1))
    if len(values) > MOST:
        why = f"it gives more than {MOST:,} values one by one: does it ever end?"
        raise Failed(Verdict(False, why))
    return values


def _raised(error: BaseException) -> Verdict:
    """A blank that is not filled in yet is no mistake; the line that wants it is quoted."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename != __file__]
    line = next((f.line for f in frames[::-1] if f.filename == frames[0].filename), "")
    if isinstance(error, NotImplementedError):
        return OPEN
    if _of_a_blank(error):
        return Verdict(False, f"replace the ... by your answer: it is used in `{line}`.")
    where = f" (in `{line}`)" if line else ""
    return Verdict(False, f"it raised {type(error).__name__}: {error}{where}")


def _of_a_blank(error: BaseException) -> bool:
    return bool(re.search("(?i)ellipsis(?! was given| provided)", str(error)))  # einsum's words


def _in_time(call: Callable[[], Any]) -> Any:
    """call(), interrupted after `SECONDS` as by Ctrl+C; on every system, in the main thread only.

    It stops a loop of Python, but neither a single long call of compiled code nor a loop that
    catches whatever is raised.
    """
    if threading.current_thread() is not threading.main_thread():
        return call()
    lock, over, late = threading.Lock(), threading.Event(), threading.Event()

    def ring() -> None:
        while not over.wait(SECONDS) and not late.is_set():
            with lock:
                if not over.is_set() and not _importing():
                    late.set()
                    _thread.interrupt_main()

    threading.Thread(target=ring, daemon=True).start()
    try:
        try:
            return call()
        finally:
            with lock:  # if it has rung, the interruption arrives here at the latest
                over.set()
    except KeyboardInterrupt:
        if not late.is_set():  # the learner's own
            raise
        why = f"it does not come back within {SECONDS:g} seconds: does a loop never end?"
        raise Failed(Verdict(False, why)) from None


def _importing() -> bool:
    """Whether the call is importing a module, which an interruption would leave half made."""
    frame = sys._current_frames().get(threading.main_thread().ident or 0)
    while frame is not None and frame.f_code is not _in_time.__code__:
        if "importlib" in frame.f_code.co_filename:
            return True
        frame = frame.f_back
    return False


def failed(error: Exception, where: str = "") -> Verdict:
    """The verdict on a learner's function that failed, or that gave what no check can use."""
    if isinstance(error, Failed):
        words = error.verdict.message
        return Verdict(False, f"{where}{words}") if words.startswith("it ") else error.verdict
    if _of_a_blank(error):
        return OPEN
    return Verdict(False, f"{where}what it gives cannot be used, {type(error).__name__}: {error}")


def detached(value: Any) -> Any:
    """Tensors as arrays, also those within lists: by autograd each entry may carry its graph."""
    if isinstance(value, torch.Tensor):
        return value.detach().numpy()
    return list(map(detached, value)) if isinstance(value, list | tuple | Iterator) else value

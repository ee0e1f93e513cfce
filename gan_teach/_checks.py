"""Every argument check of the library, so that a mistake gets one plain sentence at the call.

A message names the argument, what was given, what is accepted and, where one is known, the likely
cause. Checks return the value they checked, so that they can stand inside an assignment.
"""

import ast
import difflib
import importlib
import inspect
import math
import warnings
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np


class Note(UserWarning):
    """What was assumed, left out or looks wrong, in one line; nothing is refused."""


def note(text: str) -> None:
    warnings.warn(text, Note, stacklevel=3)


def shortened(value: Any) -> str:
    """How a value stands in a message."""
    try:
        text = repr(value)
    except Exception:  # such as a whole number of five thousand digits
        text = f"this {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:77]}..."


def whole(name: str, value: Any, *, least: int = 0, hint: str = "") -> int:
    """A whole number not below ``least``; raises TypeError or ValueError."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be a whole number, got {shortened(value)}.{_tail(hint)}")
    number = int(value.__index__())
    if number < least:
        raise ValueError(f"{name} must be at least {least}, got {number}.{_tail(hint)}")
    return number


def real(
    name: str,
    value: Any,
    *,
    least: float = -math.inf,
    most: float = math.inf,
    above: float = -math.inf,
    hint: str = "",
) -> float:
    """A finite number with ``least <= value <= most`` and ``value > above``."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number, got {shortened(value)}.{_tail(hint)}") from None
    if not math.isfinite(number) or not least <= number <= most or number <= above:
        bounds = {"above": above, "at least": least, "at most": most}
        stated = (f"{word} {bound:g}" for word, bound in bounds.items() if math.isfinite(bound))
        wanted = " and ".join(stated) or "finite"
        raise ValueError(f"{name} must be {wanted}, got {shortened(value)}.{_tail(hint)}")
    return number


def choice(name: str, value: Any, known: Iterable[str] | Mapping[str, Any], hint: str = "") -> str:
    """One of the ``known`` names; the message lists them and guesses what was meant."""
    names = list(known)
    if value in names:
        return value
    close = difflib.get_close_matches(str(value), names, n=1)
    guess = f" Did you mean {close[0]!r}?" if close else ""
    among = f"{', '.join(names)}; got {shortened(value)}"
    raise ValueError(f"{name} must be one of {among}.{_tail(hint)}{guess}")


def called(name: str, text: str, known: Mapping[str, Any], first: int = 0) -> Any:
    """The function of that name among ``known``; of "r1(20)" or "adam(betas=(0.5, 0.9))" a partial.

    ``first``: how many arguments are left to the caller, before those that a text may give. Raises
    ValueError for unknown names and arguments, and for values that are no plain ones.
    """
    try:
        node = ast.parse(str(text).strip(), mode="eval").body
        call = node if isinstance(node, ast.Call) else ast.Call(node, [], [])
        given = [ast.literal_eval(argument) for argument in call.args]
        named = {str(k.arg): ast.literal_eval(k.value) for k in call.keywords}
    except (SyntaxError, ValueError):
        raise ValueError(
            f"{name} must be one of {', '.join(known)}, if need be with numbers as in NAME(0.5, "
            f"k=2) or words as in NAME('x'); got {shortened(text)}."
        ) from None
    word = choice(name, ast.unparse(call.func), known)
    takes = list(inspect.signature(known[word]).parameters)[first:]
    if len(given) > len(takes):
        raise ValueError(f"{name}: {word} takes {', '.join(takes) or 'no numbers'}; got {text!r}.")
    for argument in named:
        choice(f"{name}: the argument of {word}", argument, takes)
    named = {**dict(zip(takes, given, strict=False)), **named}
    return partial(known[word], **named) if named else known[word]


def instance(name: str, value: Any, kind: type | tuple[type, ...], hint: str = "") -> Any:
    """An instance of ``kind``; the message names the type that was given."""
    if not isinstance(value, kind):
        kinds = kind if isinstance(kind, tuple) else (kind,)
        wanted = " or ".join(k.__name__ for k in kinds)
        raise TypeError(f"{name} must be {wanted}, got {type(value).__name__}.{_tail(hint)}")
    return value


def function(name: str, value: Any, arguments: str, hint: str = "") -> Any:
    """What can be called; the message says with which ``arguments``."""
    if not callable(value):
        raise TypeError(
            f"{name} must be a function {arguments}, got {type(value).__name__}.{_tail(hint)}"
        )
    return value


def finite(name: str, array: Any, hint: str = "") -> Any:
    """A tensor or array without NaN or infinity; says how many entries are bad and where."""
    bad = ~(abs(array) < math.inf)
    count = int(bad.sum())
    if count:
        first = np.argwhere(bad.tolist())[0].tolist()
        raise ValueError(
            f"{name} has {count} entries that are NaN or infinite, the first at index {first}."
            f"{_tail(hint)}"
        )
    return array


def not_empty(name: str, array: Any, hint: str = "") -> Any:
    """An array with at least one row."""
    if len(array.shape) == 0 or array.shape[0] == 0:
        raise ValueError(f"{name} is empty (shape {tuple(array.shape)}).{_tail(hint)}")
    return array


def of_members(name: str, values: Any, lead: tuple[int, ...]) -> Any:
    """A sequence of one entry for each member of an ensemble."""
    if lead != (len(values),):
        size = f"an ensemble of {lead[0]}" if lead else "a single game"
        raise ValueError(f"{name} has {len(values)} entries, but this is {size}.")
    return values


def logits(name: str, out: Any, batch_shape: tuple[int, ...]) -> Any:
    """Logits of shape ``batch_shape``; trailing axes of length one are dropped."""
    shape = tuple(out.shape)
    if shape == batch_shape:
        return out
    batch = tuple(batch_shape)
    if shape[: len(batch)] == batch and set(shape[len(batch) :]) <= {1}:
        return out.reshape(batch)
    raise ValueError(
        f"{name} returned shape {shape} for a batch of shape {batch}: a discriminator gives one "
        f"logit per sample, shape {batch} or {(*batch, 1)}. Is its last layer wider than one, or "
        "does it average over the batch?"
    )


def losses(name: str, value: Any, shape: tuple[int, ...], hint: str) -> Any:
    """A tensor of ``shape``: one number for each game."""
    if not hasattr(value, "shape") or tuple(value.shape) != tuple(shape):
        given = f"shape {tuple(value.shape)}" if hasattr(value, "shape") else shortened(value)
        raise ValueError(f"{name} returned {given}: it must be a tensor of shape {shape}, {hint}.")
    return value


def _tail(hint: str) -> str:
    return f" {hint}" if hint else ""


def package(module: str, purpose: str, extra: str, kind: type[Exception] = ImportError) -> Any:
    """The module of an optional package; raises ``kind`` with the command to install it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        name = (error.name or module).partition(".")[0]
        raise kind(f"{purpose} needs {name}: pip install 'gan-teach[{extra}]'.") from error

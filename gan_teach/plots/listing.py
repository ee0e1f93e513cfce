"""The code of a rule, a loss, a penalty or a probe, to be read in a notebook or a terminal."""

from __future__ import annotations

import html
import inspect
import sys
import textwrap
from dataclasses import is_dataclass
from functools import partial
from types import FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple


class Listing(NamedTuple):
    """A program as written: foldable and highlighted in a notebook, plain text in a terminal."""

    title: str
    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        from pygments import highlight  # it comes with IPython
        from pygments.formatters import HtmlFormatter
        from pygments.lexers import PythonLexer

        page = highlight(self.text, PythonLexer(), HtmlFormatter(noclasses=True))
        summary = f"<summary><code>{html.escape(self.title)}</code></summary>"
        return f"<details open>{summary}{page}</details>"


def source(thing: Any) -> Listing:
    """The code of ``thing``, docstring and body as written, and the numbers it was made with.

    A rule, loss, penalty, probe, a game's method, or any function or class of Python. For an object
    its class is shown, for a function made by another one (a probe, a penalty) its maker, for a
    ``functools.partial`` what it calls. Raises TypeError for what has no readable text.
    """
    if isinstance(thing, (str, ModuleType)):
        raise TypeError(f"{thing!r} only names it: give the thing itself, as gt.losses.saturating.")
    programs = list(dict.fromkeys(_text(definition) for definition in _definitions(thing)))
    numbers = ", ".join(f"{key}={value!r}" for key, value in _numbers(thing).items())
    head = [f"# with {numbers}"] if numbers else []
    return Listing(_name(thing), "\n\n\n".join([*head, *programs]))


def _definitions(thing: Any) -> list[Any]:
    """The functions and classes whose text tells what ``thing`` does."""
    if isinstance(thing, partial):
        return _definitions(thing.func)
    thing = inspect.unwrap(thing) if callable(thing) else thing
    if isinstance(thing, FunctionType):
        return [_maker(thing)]
    if isinstance(thing, (type, MethodType)):
        return [thing]
    parts = [value for key, value in _fields(thing).items() if _tells(thing, key, value)]
    programs = [definition for part in parts for definition in _definitions(part)]
    return [type(thing), *programs] if callable(thing) or not programs else programs


def _maker(function: FunctionType) -> Any:
    """The function of a module within which ``function`` was made, or itself."""
    outer, _, inner = function.__qualname__.partition(".<locals>")
    maker = getattr(sys.modules.get(function.__module__), outer, None) if inner else None
    return inspect.unwrap(maker) if callable(maker) else function


def _tells(thing: Any, key: str, value: Any) -> bool:
    """Whether ``value`` is a function or rule that ``thing`` was made with; defaults do nothing."""
    is_program = isinstance(value, FunctionType) or (callable(value) and is_dataclass(value))
    return is_program and getattr(type(thing), key, None) is not value


def _fields(thing: Any) -> dict[str, Any]:
    return thing._asdict() if hasattr(thing, "_asdict") else getattr(thing, "__dict__", {})


def _numbers(thing: Any) -> dict[str, Any]:
    """Numbers, words and the like among the arguments that ``thing`` was made with."""
    if isinstance(thing, partial):
        values = {**_numbers(thing.func), **dict(enumerate(thing.args)), **thing.keywords}
    elif isinstance(thing, FunctionType):
        values = inspect.getclosurevars(thing).nonlocals
    else:
        values = {} if isinstance(thing, (type, MethodType)) else _fields(thing)
    plain = (bool, int, float, str, list, tuple)
    return {str(k): v for k, v in values.items() if isinstance(v, plain) and str(k)[0] != "_"}


def _name(thing: Any) -> str:
    thing = thing.func if isinstance(thing, partial) else thing
    name = getattr(thing, "__qualname__", None) or getattr(thing, "name", None)
    return str(name or type(thing).__name__).partition(".<locals>")[0]


def _text(definition: Any) -> str:
    try:
        return textwrap.dedent(inspect.getsource(definition)).rstrip()
    except (OSError, TypeError) as error:
        raise TypeError(
            f"{getattr(definition, '__name__', definition)} has no readable text: it is built into "
            "Python or compiled. Give a function or class that is written in a file or a cell."
        ) from error

"""What is read: a small table, and the code of a rule, a loss, a penalty or a probe."""

import html
import inspect
import math
import sys
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, is_dataclass
from functools import partial
from types import FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple


@dataclass(repr=False)
class Table:
    """Rows under column names: HTML where a notebook can show it, aligned text elsewhere.

    Cells are shown as they are, floats with ``digits`` significant digits, NaN as -, truths as yes
    and NO. ``caption`` is a sentence that says what the table shows. Raises ValueError for a row
    that has not one cell per column.
    """

    columns: Sequence[str]
    rows: Iterable[Sequence[Any]]
    caption: str = ""
    digits: int = 3

    def __post_init__(self) -> None:
        self.rows = [[_text(cell, self.digits) for cell in row] for row in self.rows]
        n = len(self.columns)
        for i, row in enumerate(self.rows):
            if len(row) != n:
                raise ValueError(f"row {i} has {len(row)} cells, but there are {n} columns.")

    def __repr__(self) -> str:
        lines = [self.columns, *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        text = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in lines]
        return "\n".join([self.caption, *text] if self.caption else text)

    def _repr_html_(self) -> str:
        def line(cells: Sequence[str], tag: str) -> str:
            inner = "".join(f"<{tag}>{html.escape(c)}</{tag.split()[0]}>" for c in cells)
            return f"<tr>{inner}</tr>"

        head = line(self.columns, 'th scope="col" style="text-align:left"')
        body = "".join(line(row, 'td style="text-align:left"') for row in self.rows)
        title = f"<caption>{html.escape(self.caption)}</caption>" if self.caption else ""
        return f"<table>{title}<thead>{head}</thead><tbody>{body}</tbody></table>"


def _text(cell: Any, digits: int) -> str:
    if isinstance(cell, bool):
        return "yes" if cell else "NO"
    if isinstance(cell, float):
        return "-" if math.isnan(cell) else f"{cell + 0.0:.{digits}g}"
    return str(cell)


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

        # Colors that can be read (4.5 to 1), on a ground of their own, also in a dark theme.
        ground = "color: black; background: white"
        look = HtmlFormatter(noclasses=True, style="xcode", prestyles=ground)
        page = highlight(self.text, PythonLexer(), look)
        summary = f"<summary><code>{html.escape(self.title)}</code></summary>"
        return f"<details>{summary}{page}</details>"


def source(thing: Any) -> Listing:
    """The code of ``thing``, docstring and body as written, and the numbers it was made with.

    A rule, loss, penalty, probe, a game's method, or any function or class of Python. For an object
    its class is shown, for a function made by another one (a probe, a penalty) its maker, for a
    ``functools.partial`` what it calls. Raises TypeError for what has no readable text.
    """
    if isinstance(thing, (str, ModuleType)):
        raise TypeError(f"{thing!r} only names it: give the thing itself, as gt.losses.saturating.")
    try:
        texts = [inspect.getsource(part) for part in _definitions(thing)]
    except (OSError, TypeError) as error:
        raise TypeError(f"{thing!r} has no readable text, as a function in a file has.") from error
    programs = dict.fromkeys(textwrap.dedent(text).rstrip() for text in texts)
    numbers = [
        f"{key}={value!r}"
        for key, value in _made_with(thing).items()
        if isinstance(value, (bool, int, float, str, list, tuple)) and str(key)[0] != "_"
    ]
    head = [f"# with {', '.join(numbers)}"] if numbers else []
    function = thing.func if isinstance(thing, partial) else thing
    usual = getattr(function, "name", type(function).__name__)
    name = getattr(function, "__qualname__", usual).partition(".<locals>")[0]
    return Listing(name, "\n\n\n".join([*head, *programs]))


def _definitions(thing: Any) -> list[Any]:
    """The functions and classes whose text tells what ``thing`` does."""
    if isinstance(thing, partial):
        return _definitions(thing.func)
    thing = inspect.unwrap(thing) if callable(thing) else thing
    if isinstance(thing, FunctionType):
        return [_maker(thing)]
    if isinstance(thing, (type, MethodType)):
        return [thing]
    programs = []
    for key, value in _made_with(thing).items():
        own = getattr(type(thing), key, None) is not value  # defaults do nothing
        if own and (isinstance(value, FunctionType) or (callable(value) and is_dataclass(value))):
            programs += _definitions(value)
    return [type(thing), *programs] if callable(thing) or not programs else programs


def _maker(function: FunctionType) -> Any:
    """The function of a module within which ``function`` was made, or itself."""
    outer, _, inner = function.__qualname__.partition(".<locals>")
    maker = getattr(sys.modules.get(function.__module__), outer, None) if inner else None
    return inspect.unwrap(maker) if callable(maker) else function


def _made_with(thing: Any) -> dict[Any, Any]:
    """The arguments that ``thing`` was made with, by name or place."""
    if isinstance(thing, partial):
        return {**_made_with(thing.func), **dict(enumerate(thing.args)), **thing.keywords}
    if isinstance(thing, FunctionType):
        return dict(inspect.getclosurevars(thing).nonlocals)
    if isinstance(thing, (type, MethodType)):
        return {}
    return thing._asdict() if hasattr(thing, "_asdict") else getattr(thing, "__dict__", {})

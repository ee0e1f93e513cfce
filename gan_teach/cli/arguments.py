"""A command is a function: its parameters are the flags, and its docstring says what they mean."""

import argparse
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import NoneType
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

# "name : text" or "name, other : text", at the start of a line or of a sentence.
_ENTRY = re.compile(r"(?:^\s*|(?<=[.;]\s))(\w+(?:,\s+\w+)*)\s+:\s", re.MULTILINE)
_END = re.compile(r"[.;]?\n\n|(?<!\.)[.;]?(?:\.\s|$)")  # of a sentence; "..." is none
_PLAIN = (bool, int, float, str, Path)


class Command(NamedTuple):
    """``run`` gets the flags that are given; what is left out is as the function has it.

    takes : what ``run`` hands its other arguments to, as "module:name", so that only a command that
    is called imports it. Their parameters are flags too, if a docstring has an entry of them,
    ``name : text``, whose first sentence is the help. text : the last of them reads text of any
    kind, and its own defaults say nothing here. several : its flags that take several values.
    """

    run: Callable[..., int]
    takes: tuple[str, ...]
    text: bool
    several: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.run.__name__.rstrip("_")

    @property
    def help(self) -> str:
        line = str(self.run.__doc__).partition("\n")[0].rstrip(".")
        return line[:1].lower() + line[1:]

    def add_to(self, parser: argparse.ArgumentParser) -> None:
        """Names with dashes; a parameter of ``run`` before the ``*`` is told by its place."""
        sources: list[Any] = [self.run, *map(pkgutil.resolve_name, self.takes)]
        said: dict[str, str] = {}
        for source in reversed(sources):  # the function's own words count
            said |= _entries(str(inspect.getdoc(source)))
        for source in sources:
            hints, text = get_type_hints(source), self.text and source is sources[-1]
            group = (
                parser.add_argument_group("settings, by default as published") if text else parser
            )
            for p in inspect.signature(source).parameters.values():
                if words := said.pop(p.name, ""):  # likewise its own parameter
                    p = p.replace(annotation=hints[p.name])
                    p = self._as_text(p) if text else p
                    needed = source is self.run or p.default is p.empty
                    _add(group, p, needed and p.kind is not p.KEYWORD_ONLY, words)

    def _as_text(self, p: inspect.Parameter) -> inspect.Parameter:
        text = Sequence[str] if p.name in self.several else str
        return p.replace(default=None, annotation=bool if p.annotation is bool else text)


def command(
    *takes: str, text: bool = False, several: Iterable[str] = ()
) -> Callable[[Callable[..., int]], Command]:
    """Make a command of the function below it."""
    return lambda run: Command(run, takes, text, tuple(several))


def _entries(docstring: str) -> dict[str, str]:
    """The first sentence that a docstring has of each name."""
    _, *parts = _ENTRY.split(docstring)
    said: dict[str, str] = {}
    for names, text in zip(parts[::2], parts[1::2], strict=True):
        sentence = _END.split(text.replace("`", ""), maxsplit=1)[0]
        said |= dict.fromkeys(re.split(r",\s+", names), " ".join(sentence.split()))
    return said


def _add(parser: Any, p: inspect.Parameter, placed: bool, words: str) -> None:
    several = get_origin(p.annotation) is Sequence
    kinds = [kind for kind in get_args(p.annotation) or (p.annotation,) if kind is not NoneType]
    kind = kinds[0] if len(kinds) == 1 and kinds[0] in _PLAIN else str  # what is no plain one
    name, optional = p.name.rstrip("_"), p.default is not p.empty
    how: dict[str, Any] = {"help": words.replace("%", "%%"), "default": argparse.SUPPRESS}
    if kind is bool:
        switch = "store_true" if p.default is False else argparse.BooleanOptionalAction
        how["action"] = switch  # a setting may be published as true: --no-flip
    else:
        how |= {"type": kind, "metavar": name.upper(), "nargs": "+" if several else None}
        how["help"] += "" if p.default in (None, (), p.empty) else f"; default: {p.default}"
    if placed:
        how["nargs"] = ("*" if several else "?") if optional else how["nargs"]
        parser.add_argument(name, **how)
    else:
        dashes = "-" if len(name) == 1 else "--"
        parser.add_argument(dashes + name.replace("_", "-"), dest=p.name, **how)


def print_rows(rows: Iterable[tuple[str, str]]) -> None:
    """Names and what they stand for, a line each."""
    for name, text in rows:
        print(f"  {name:24}  {text}")

"""Commands and their flags as tables: each command is one function under its own line of help."""

import argparse
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

Flag = tuple[Any, ...]


class Command(NamedTuple):
    """``run`` takes the value of each flag by its name in Python and returns the exit status."""

    name: str
    help: str
    flags: tuple[Flag, ...]
    run: Callable[..., int]

    def add_to(self, commands: Any) -> None:
        """Its own parser among those of the other commands."""
        parser = commands.add_parser(self.name, help=self.help)
        for flag in self.flags:
            _add_flag(parser, *flag)
        parser.set_defaults(command=self.run)


def command(name: str, text: str, *flags: Flag) -> Callable[[Any], Command]:
    """Make a command of the function below it, with these flags (name, kind, help[, nargs]).

    kind is a type, or the value that a missing flag has; False is a switch. A name without dashes
    is an argument that is told by its place.
    """
    return lambda run: Command(name, text, flags, run)


def _add_flag(
    parser: argparse.ArgumentParser, name: str, kind: Any, text: str, nargs: str | None = None
) -> None:
    if kind is False:
        parser.add_argument(name, action="store_true", help=text)
        return
    look = {"nargs": nargs, "metavar": name.strip("-").replace("-", "_").upper()}
    if callable(kind):
        parser.add_argument(name, type=kind, help=text, **look)
    else:
        text = f"{text}; default: %(default)s"
        parser.add_argument(name, type=type(kind), default=kind, help=text, **look)


def print_rows(rows: Iterable[tuple[str, str]]) -> None:
    """Names and what they stand for, a line each."""
    for name, text in rows:
        print(f"  {name:24}  {text}")

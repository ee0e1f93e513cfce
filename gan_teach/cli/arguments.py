"""Tables of flags, which commands share, and what was chosen of them."""

import argparse
from collections.abc import Iterable
from typing import Any

Flag = tuple[str, Any, str]


def add_flags(parser: argparse.ArgumentParser, flags: Iterable[Flag], nargs: Any = None) -> None:
    """Add (name, kind, help): kind is a type, or the value where the flag is missing.

    A type, such as int, has no default of its own; False is a switch.
    """
    for name, kind, text in flags:
        if kind is False:
            parser.add_argument(name, action="store_true", help=text)
        elif isinstance(kind, type):
            parser.add_argument(name, type=kind, nargs=nargs, help=text)
        else:
            text = f"{text}; default: %(default)s"
            parser.add_argument(name, type=type(kind), default=kind, nargs=nargs, help=text)


def values(options: argparse.Namespace, flags: Iterable[Flag]) -> dict[str, Any]:
    """What the command line says for each of the flags, by the names of Python's arguments."""
    names = [name.lstrip("-").replace("-", "_") for name, _, _ in flags]
    return {name: getattr(options, name) for name in names}

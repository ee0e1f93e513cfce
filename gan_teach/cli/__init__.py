"""The command ``gan-teach``. Each command is one function; what it does lives in the library.

A command imports what it needs when it runs, so that ``gan-teach lab`` need not wait for torch.
Bad usage ends with status 2 and one sentence, a task that failed with status 1 and one sentence.
"""

import argparse
import re
import sys
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from gan_teach import __version__, _checks, course
from gan_teach.cli import images, learn

COMMANDS = {
    command.name: command
    for command in (
        *(learn.list_, learn.lab, learn.book, learn.run),
        *(images.train, images.sweep, images.sample, images.interpolate, images.evaluate),
        *(images.blind, learn.bogonet, learn.study, learn.reproduce),
    )
}


class _Parser(argparse.ArgumentParser):
    """argparse, but an error is one sentence instead of the usage text."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"gan-teach: {message} ({self.prog} --help shows the usage)\n")


def main(argv: Sequence[str] | None = None) -> int:
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments:
        _parser("").print_help()
        return 0
    name = arguments[0]
    try:
        if not name.startswith("-"):
            _checks.choice("COMMAND", name, COMMANDS)
        options = vars(_parser(name).parse_args(arguments))
        with warnings.catch_warnings():
            warnings.simplefilter("default", _checks.Note)  # once each
            warnings.showwarning = _noted
            return options.pop("command")(**options)
    except ValueError as error:
        if not _is_ours(error):
            raise
        _Parser(prog="gan-teach").error(_in_flags(str(error), name))
    except (course.CourseError, OSError, FloatingPointError) as error:  # the last: it diverged
        print(f"gan-teach: {_in_flags(_without_number(error), name)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as error:  # an image run says how it goes on
        print(f"\ngan-teach: {str(error) or 'stopped.'}", file=sys.stderr)
        return 130


def _without_number(error: Exception) -> str:
    """What went wrong; of an error of the system the file first, and no number."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}."
    return str(error)


def _noted(message: Warning | str, *place: Any) -> None:
    """A note of the library is one line; other warnings say where they come from."""
    text = f"gan-teach: {message}" if isinstance(message, _checks.Note) else None
    print(text or warnings.formatwarning(message, *place[:3]), file=sys.stderr)  # pyright: ignore


def _is_ours(error: ValueError) -> bool:
    """Whether the library raised it, as a sentence about an argument.

    One that comes out of another package is a mistake of ours and keeps its traceback.
    """
    raised_in = traceback.extract_tb(error.__traceback__)[-1].filename
    return Path(raised_in).resolve().is_relative_to(Path(__file__).resolve().parents[1])


def _in_flags(message: str, command: str) -> str:
    """A sentence of the library, whose arguments (skip_bad=True) are flags here (--skip-bad)."""
    usage = _Parser()
    if command in COMMANDS:
        COMMANDS[command].add_to(usage)
    names = re.findall(r"--[a-z-]+", usage.format_usage())

    def flag(found: re.Match[str]) -> str:
        name, value = found.groups()
        name = "--" + {"start": "from"}.get(name, name).replace("_", "-")
        return found[0] if name not in names else name if value == "True" else f"{name} {value}"

    message = re.sub(r"(?<![\w.-])([a-z_]{2,})=(\.\.\.|'[^']*'|[\w.+-]*\w)", flag, message)
    first = "--" + message.partition(" ")[0].replace("_", "-")
    return re.sub(r"^\w+(?= must )", first, message) if first in names else message


def _parser(name: str) -> argparse.ArgumentParser:
    """With the flags of the command of that name: those of others would have to be imported."""
    parser = _Parser(prog="gan-teach", description="Why GANs converge, cycle or collapse.")
    parser.add_argument("--version", action="version", version=f"gan-teach {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", parser_class=_Parser)
    for command in COMMANDS.values():
        own = commands.add_parser(command.name, help=command.help)
        own.set_defaults(command=command.run)
        if command.name == name:
            command.add_to(own)
    return parser

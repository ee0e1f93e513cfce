"""The command ``gan-teach``. Each command is one function; what it does lives in the library.

A command imports what it needs when it runs, so that ``gan-teach lab`` need not wait for torch.
Bad usage ends with status 2 and one sentence, a task that failed with status 1 and one sentence.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NoReturn

from gan_teach import __version__, _checks, course

Command = Callable[[argparse.Namespace], int]


class _Parser(argparse.ArgumentParser):
    """argparse, but an error is one sentence instead of the usage text."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"gan-teach: {message} ({self.prog} --help shows the usage)\n")


def main(argv: Sequence[str] | None = None) -> int:
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser, commands = _parser()
    if not arguments:
        parser.print_help()
        return 0
    try:
        if not arguments[0].startswith("-"):
            _checks.choice("COMMAND", arguments[0], commands)
        options = parser.parse_args(arguments)
        return options.command(options)
    except ValueError as error:  # the library's own checks: a sentence about an argument
        parser.error(str(error))
    except (course.CourseError, OSError) as error:
        print(f"gan-teach: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ngan-teach: stopped.", file=sys.stderr)
        return 130


def _parser() -> tuple[argparse.ArgumentParser, list[str]]:
    parser = _Parser(prog="gan-teach", description="Why GANs converge, cycle or collapse.")
    parser.add_argument("--version", action="version", version=f"gan-teach {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", parser_class=_Parser)
    for add in (_add_list, _add_lab, _add_run, _add_record, _add_figures, _add_notebooks):
        add(commands)
    return parser, list(commands.choices)


def one_of(kind: str, known: Iterable[str]) -> Callable[[str], str]:
    """An argparse type: a known name, or an error that lists the known ones."""
    names = list(known)

    def check(given: str) -> str:
        try:
            return _checks.choice(kind, given, names)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return check


def port_number(given: str) -> int:
    """An argparse type: a TCP port."""
    if not given.isdecimal() or not 0 < int(given) < 65536:
        raise argparse.ArgumentTypeError(f"a port is a whole number from 1 to 65535, got {given!r}")
    return int(given)


# -- list -----------------------------------------------------------------------------------------


def _add_list(commands) -> None:
    parser = commands.add_parser("list", help="the chapters and the experiments, a line each")
    parser.set_defaults(command=_list)


def _list(options: argparse.Namespace) -> int:
    print("Chapters (gan-teach lab):")
    chapters = course.chapters()
    width = max((len(chapter.name) for chapter in chapters), default=0)
    for chapter in chapters:
        print(f"  {chapter.name:{width}}  {chapter.summary or chapter.title}")
    from gan_teach.experiments import EXPERIMENTS

    print("\nExperiments (gan-teach run NAME):")
    width = max(map(len, EXPERIMENTS))
    for name, experiment in EXPERIMENTS.items():
        print(f"  {name:{width}}  {experiment.summary}, {experiment.games} games")
    return 0


# -- lab ------------------------------------------------------------------------------------------


def _add_lab(commands) -> None:
    parser = commands.add_parser("lab", help="copy the course into a folder and open JupyterLab")
    parser.add_argument(
        "--folder",
        type=Path,
        help=f"where the notebooks go (default: {course.DEFAULT_FOLDER} in this folder)",
    )
    parser.add_argument("--port", type=port_number, default=8888, help="default: %(default)s")
    parser.add_argument("--no-browser", action="store_true", help="print the address only")
    parser.add_argument("--copy-only", action="store_true", help="copy the notebooks and stop")
    parser.set_defaults(command=_lab)


def _lab(options: argparse.Namespace) -> int:
    here = Path.cwd()
    inside = (here / course.MANIFEST).exists()  # started from within the course's folder
    folder = options.folder or (here if inside else here / course.DEFAULT_FOLDER)
    copied = course.copy_course(folder)
    print(f"The course is in {folder}")
    for file in copied:
        if file.action == "offered":
            print(f"  {file.name} holds your changes and stays; the new version is {file.beside}.")
    if not options.copy_only:
        course.launch_lab(folder, options.port, browser=not options.no_browser)
    return 0


# -- run ------------------------------------------------------------------------------------------


def _add_run(commands) -> None:
    parser = commands.add_parser(
        "run", help="train one experiment; pictures and numbers in a folder"
    )
    parser.add_argument("experiment", metavar="EXPERIMENT", help="a name from gan-teach list")
    for flag, kind, text in (
        ("--games", int, "rounds of training"),
        ("--d-steps", int, "updates of the discriminator in a round"),
        ("--g-steps", int, "updates of the generator in a round"),
        ("--noise", float, "standard deviation of the instance noise (the data's is 1)"),
        ("--loss", str, "saturating, non_saturating, relativistic, ..."),
        ("--lr", float, "learning rate of the generator"),
        ("--tau", float, "learning rate of D divided by that of G"),
    ):
        parser.add_argument(flag, type=kind, help=text)
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--seeds", type=int, help="train this many seeds together instead of one")
    parser.add_argument("--out", type=Path, help="folder for the files (default: runs/EXPERIMENT)")
    parser.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    from gan_teach import experiments

    names = ("games", "d_steps", "g_steps", "noise", "loss", "lr", "tau")
    changes = {name: getattr(options, name) for name in names}
    experiments.settings(options.experiment, **changes)  # complains before the slow imports
    from gan_teach import runs

    if options.seeds is None:
        history = experiments.run(options.experiment, seed=options.seed, progress=True, **changes)
    else:
        seeds = [options.seed + i for i in range(_checks.whole("--seeds", options.seeds, least=1))]
        history = experiments.run_seeds(options.experiment, seeds, progress=True, **changes)
    if history.meta.get("interrupted"):
        print(f"Stopped after game {history.steps[-1]}; what was finished is kept.")
    print(experiments.table(experiments.report(history)))
    out = options.out or Path("runs") / options.experiment
    for path in runs.save_run(history, out):
        print(f"wrote {path}", flush=True)
    return 130 if history.meta.get("interrupted") else 0


# -- record ---------------------------------------------------------------------------------------


def _add_record(commands) -> None:
    parser = commands.add_parser(
        "record", help="for authors: make a long result that a chapter shows (resumable)"
    )
    parser.add_argument("name", metavar="NAME", nargs="?", help="without it: list the records")
    parser.add_argument("--seeds", type=int, help="default: those of the record")
    parser.add_argument("--out", type=Path, default=Path("tutorial/records"), help="%(default)s")
    parser.add_argument(
        "--work", type=Path, default=Path("runs/records"), help="finished parts; %(default)s"
    )
    parser.set_defaults(command=_record)


def _record(options: argparse.Namespace) -> int:
    from gan_teach import records

    if options.name is None:
        for name, record in records.RECORDS.items():
            print(f"{name:20}  {record.summary}, {record.seeds} seeds")
        return 0
    history = records.make(
        options.name, options.out, options.work, seeds=options.seeds, progress=True
    )
    done, planned = history.meta["members"], history.meta["members_planned"]
    print(f"{options.name}: {done} of {planned} GANs are done.")
    if done:
        print(f"wrote {options.out / options.name}.npz")
    return 130 if history.meta["interrupted"] else 0


# -- figures --------------------------------------------------------------------------------------


def _add_figures(commands) -> None:
    parser = commands.add_parser(
        "figures", help="for authors: make the pictures of the README again"
    )
    parser.add_argument("names", metavar="NAME", nargs="*", help="default: all")
    parser.add_argument("--out", type=Path, default=Path("img"), help="default: %(default)s")
    parser.set_defaults(command=_figures)


def _figures(options: argparse.Namespace) -> int:
    from gan_teach import runs

    for path in runs.make_figures(options.out, options.names):
        print(f"wrote {path}", flush=True)
    return 0


# -- notebooks ------------------------------------------------------------------------------------


def _add_notebooks(commands) -> None:
    parser = commands.add_parser(
        "notebooks", help="for authors: make each NN_title.ipynb from its NN_title.py and run it"
    )
    parser.add_argument("names", metavar="NAME", nargs="*", help="chapters (default: all)")
    parser.add_argument("--check", action="store_true", help="compare only; write nothing")
    parser.add_argument("--folder", type=Path, default=Path("tutorial"), help="default: tutorial")
    parser.set_defaults(command=_notebooks)


def _notebooks(options: argparse.Namespace) -> int:
    from gan_teach import notebooks

    if not options.folder.is_dir():
        raise course.CourseError(
            f"there is no folder {options.folder} here: run this in a checkout of the project."
        )
    known = {chapter.name: chapter.source for chapter in course.chapters(options.folder)}
    names = [_checks.choice("NAME", name, known) for name in options.names] or list(known)
    stale = 0
    for name in names:
        if options.check:
            differences = notebooks.check(known[name])
            print(f"{name}: {'; '.join(differences) or 'agrees'}", flush=True)
            stale += bool(differences)
        else:
            changed = notebooks.update(known[name])
            print(f"{name}: {'written' if changed else 'unchanged'}", flush=True)
    return 1 if stale else 0

"""For the authors of the course: ``record``, ``figures`` and ``notebooks``."""

import argparse
from pathlib import Path

from gan_teach import _checks, course

# -- record ---------------------------------------------------------------------------------------


def add_record(commands) -> None:
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


def add_figures(commands) -> None:
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


def add_notebooks(commands) -> None:
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

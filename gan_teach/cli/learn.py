"""``list`` and ``lab``: find a chapter, open the course."""

import argparse
from pathlib import Path

from gan_teach import course
from gan_teach.cli.arguments import port_number


def add_list(commands) -> None:
    parser = commands.add_parser("list", help="the chapters and the experiments, a line each")
    parser.set_defaults(command=_list)


def _list(options: argparse.Namespace) -> int:
    print("Chapters (gan-teach lab):")
    chapters = course.chapters()
    width = max((len(chapter.name) for chapter in chapters), default=0)
    for chapter in chapters:
        print(f"  {chapter.name:{width}}  {chapter.summary or chapter.title}")
    from gan_teach.zoo.experiments import EXPERIMENTS

    print("\nExperiments (gan-teach run NAME):")
    width = max(map(len, EXPERIMENTS))
    for name, experiment in EXPERIMENTS.items():
        print(f"  {name:{width}}  {experiment.summary}, {experiment.games} games")
    return 0


def add_lab(commands) -> None:
    parser = commands.add_parser("lab", help="copy the course into a folder and open JupyterLab")
    parser.add_argument(
        "--folder",
        type=Path,
        help=f"where the notebooks go (default: {course.DEFAULT_FOLDER} in this folder)",
    )
    parser.add_argument("--port", type=port_number, default=8888, help="default: %(default)s")
    parser.add_argument("--no-browser", action="store_true", help="print the address only")
    parser.add_argument("--copy-only", action="store_true", help="copy the notebooks and stop")
    parser.add_argument(
        "--app", action="store_true", help="open the interactive lab alone, as a page of its own"
    )
    parser.set_defaults(command=_lab)


def _lab(options: argparse.Namespace) -> int:
    if options.app:
        course.launch_app(options.port, browser=not options.no_browser)
        return 0
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

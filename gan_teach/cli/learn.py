"""``list``, ``lab`` and ``run``: find a chapter, open the course, train one experiment."""

import argparse
from pathlib import Path
from typing import Any

from gan_teach import _checks, course
from gan_teach.cli.arguments import command, values

# -- list -----------------------------------------------------------------------------------------


@command("list", "the chapters and the experiments, a line each")
def list_all(options: argparse.Namespace) -> int:
    print("Chapters (gan-teach lab):")
    _print_table([(c.name, c.summary or c.title) for c in course.chapters()])
    from gan_teach.zoo.experiments import EXPERIMENTS

    print("\nExperiments (gan-teach run NAME):")
    _print_table([(name, f"{e.summary}, {e.games} games") for name, e in EXPERIMENTS.items()])
    return 0


def _print_table(rows: list[tuple[str, str]]) -> None:
    width = max((len(name) for name, _ in rows), default=0)
    for name, text in rows:
        print(f"  {name:{width}}  {text}")


# -- lab ------------------------------------------------------------------------------------------


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise argparse.ArgumentTypeError(f"a port is a whole number from 1 to 65535, got {text!r}")
    return int(text)


@command(
    "lab",
    "copy the course into a folder and open JupyterLab",
    ("--folder", Path, f"of the notebooks (default: {course.DEFAULT_FOLDER} in this folder)"),
    ("--port", _port, "default: 8888"),
    ("--no-browser", False, "print the address only"),
    ("--copy-only", False, "copy the notebooks and stop"),
    ("--app", False, "open the interactive lab alone, as a page of its own"),
)
def lab(options: argparse.Namespace) -> int:
    port = options.port or 8888
    if options.app:
        course.launch_app(port, browser=not options.no_browser)
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
        course.launch_lab(folder, port, browser=not options.no_browser)
    return 0


# -- run ------------------------------------------------------------------------------------------

SETTINGS = (
    ("--games", int, "rounds of training"),
    ("--d-steps", int, "updates of the discriminator in a round"),
    ("--g-steps", int, "updates of the generator in a round"),
    ("--noise", float, "standard deviation of the instance noise (the data's is 1)"),
    ("--loss", str, "saturating, non_saturating, relativistic, ..."),
    ("--lr", float, "learning rate of the generator"),
    ("--tau", float, "learning rate of D divided by that of G"),
)
SEEDS = (
    ("--seed", int, "default: 0"),
    ("--seeds", int, "train this many seeds together instead of one"),
)


@command(
    "run",
    "train one experiment; pictures and numbers in a folder",
    ("experiment", str, "a name from gan-teach list", "?"),
    ("--replay", str, "instead of it: the text of a run in the lab, repeated"),
    *SETTINGS,
    *SEEDS,
    ("--out", Path, "folder for the files (default: runs/EXPERIMENT)"),
)
def run(options: argparse.Namespace) -> int:
    changes = values(options, SETTINGS)
    if options.replay is None:
        if options.experiment is None:
            raise ValueError("EXPERIMENT is missing: see gan-teach list, or use --replay.")
        return _train(options, changes)
    others = [*changes.values(), options.experiment, options.seed, options.seeds]
    if any(value is not None for value in others):
        raise ValueError("--replay has all settings in its text: give only --out with it.")
    return _repeat(options.replay, options.out or Path("runs") / "replay")


def _train(options: argparse.Namespace, changes: dict[str, Any]) -> int:
    from gan_teach.zoo import experiments

    experiments.settings(options.experiment, **changes)  # complains before the slow imports
    from gan_teach.studies import runs

    seed = options.seed or 0
    if options.seeds is None:
        history = experiments.run(options.experiment, seed=seed, progress=True, **changes)
    else:
        seeds = [seed + i for i in range(_checks.whole("--seeds", options.seeds, least=1))]
        history = experiments.run_seeds(options.experiment, seeds, progress=True, **changes)
    if history.meta.get("interrupted"):
        print(f"Stopped after game {history.steps[-1]}; what was finished is kept.")
    print(experiments.report(history))
    out = options.out or Path("runs") / options.experiment
    for path in runs.save_run(history, out):
        print(f"wrote {path}", flush=True)
    return 130 if history.meta.get("interrupted") else 0


def _repeat(text: str, out: Path) -> int:
    """Repeat a run of the lab, say where it ends, and write its files."""
    from gan_teach.lab import Replay, Session
    from gan_teach.lab.picture import save_all

    session = Session(Replay.parse(text))
    history = session.history
    print(session.frame.narration)
    for name in sorted(name for name in history if history[name].ndim == 1):
        print(f"  {name:10} {history.last(name):.10g}")
    for path in save_all(session, out):
        print(f"wrote {path}", flush=True)
    return 0

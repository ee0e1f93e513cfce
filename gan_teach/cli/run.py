"""``run``: train one experiment."""

import argparse
from pathlib import Path
from typing import Any

from gan_teach import _checks


def add_run(commands) -> None:
    parser = commands.add_parser(
        "run", help="train one experiment; pictures and numbers in a folder"
    )
    parser.add_argument(
        "experiment", metavar="EXPERIMENT", nargs="?", help="a name from gan-teach list"
    )
    parser.add_argument(
        "--replay", metavar="STRING", help="instead of it: the text of a run in the lab, repeated"
    )
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
    parser.add_argument("--seed", type=int, help="default: 0")
    parser.add_argument("--seeds", type=int, help="train this many seeds together instead of one")
    parser.add_argument("--out", type=Path, help="folder for the files (default: runs/EXPERIMENT)")
    parser.set_defaults(command=_run)


_SETTINGS = ("games", "d_steps", "g_steps", "noise", "loss", "lr", "tau")


def _run(options: argparse.Namespace) -> int:
    changes = {name: getattr(options, name) for name in _SETTINGS}
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
    print(experiments.table(experiments.report(history)))
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

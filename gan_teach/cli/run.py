"""``run``: train one experiment."""

import argparse
from pathlib import Path

from gan_teach import _checks


def add_run(commands) -> None:
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

"""``bogonet``: which algorithm is the least particular about architectures?"""

import argparse
from pathlib import Path


def add_bogonet(commands) -> None:
    parser = commands.add_parser(
        "bogonet",
        help="random architectures by vanilla GAN, DRAGAN and WGAN-GP: who wins how often",
    )
    for flag, default, text in (
        ("--architectures", 100, "how many"),
        ("--steps", 100, "updates of the generator in each run"),
        ("--records", 5, "scores along each run; must divide the steps"),
        ("--batch-size", 32, "samples of each kind in a batch"),
        ("--workers", 2, "processes"),
    ):
        parser.add_argument(flag, type=int, default=default, help=f"{text}; %(default)s")
    parser.add_argument("--lr", type=float, default=3e-3, help="Adam's rate; %(default)s")
    parser.add_argument(
        "--source", help="mnist (5000 digits) or sklearn (1797); by default what is installed"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("runs/bogonet"),
        help="finished architectures; the same command goes on from there; %(default)s",
    )
    parser.add_argument("--record", type=Path, help="for authors: write the result to this .npz")
    parser.set_defaults(command=_bogonet)


def _bogonet(options: argparse.Namespace) -> int:
    from gan_teach.studies import bogonet

    budget = bogonet.Budget(
        steps=options.steps,
        records=options.records,
        batch_size=options.batch_size,
        lr=options.lr,
    )
    history = bogonet.run_study(
        options.architectures, budget, source=options.source, folder=options.out,
        workers=options.workers, progress=True,
    )  # fmt: skip
    done, planned = history.meta["architectures"], history.meta["architectures_planned"]
    print(f"{done} of {planned} architectures are done; they lie in {options.out}.")
    if done:
        accuracy = f"{history.meta['accuracy']:.1%}"
        print(f"The judging classifier names {accuracy} of the held-out digits rightly.\n")
        print(bogonet.table(history), bogonet.duel_table(history), sep="\n\n")
        print("\nDiverged:", "; ".join(bogonet.diverged(history)) or "none")
    if done and options.record:
        print(f"wrote {bogonet.compact(history).save(options.record)}")
    return 130 if history.meta["interrupted"] else 0

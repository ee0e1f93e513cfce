"""``study`` and ``bogonet``: many GANs, and what became of them."""

import argparse
from pathlib import Path

from gan_teach.cli.arguments import command

# -- study ----------------------------------------------------------------------------------------


@command(
    "study",
    "repeat a long study that a chapter shows; resumable",
    ("name", str, "without it: list the studies", "?"),
    ("--seeds", int, "default: as many as the chapter shows"),
    ("--out", Path("runs/studies"), "folder of the record, NAME.npz"),
    ("--work", Path("runs/parts"), "folder of finished parts"),
    ("--run", Path, "folder of an image run (default: runs/NAME)"),
    ("--data", str, "data set of an image run that is not there yet"),
)
def study(options: argparse.Namespace) -> int:
    from gan_teach.course import records
    from gan_teach.studies import image_records

    if options.name is None:
        for name, record in records.RECORDS.items():
            print(f"{name:22}  {record.summary}, {record.seeds} seeds")
        for name, record in image_records.IMAGE_RECORDS.items():
            print(f"{name:22}  {record.summary}, an image run")
        return 0
    if options.name in image_records.IMAGE_RECORDS:
        run = options.run or Path("runs") / options.name
        history = image_records.make(options.name, options.out, run, data=options.data)
        print(f"wrote {options.out / options.name}.npz: {len(history)} snapshots")
        return 0
    history = records.make(
        options.name, options.out, options.work, seeds=options.seeds, progress=True
    )
    done, planned = history.meta["members"], history.meta["members_planned"]
    print(f"{options.name}: {done} of {planned} GANs are done.")
    if done:
        print(f"wrote {options.out / options.name}.npz")
    return 130 if history.meta["interrupted"] else 0


# -- bogonet: which algorithm is the least particular about architectures? ------------------------


@command(
    "bogonet",
    "random architectures by vanilla GAN, DRAGAN and WGAN-GP: who wins how often",
    ("--architectures", 100, "how many"),
    ("--steps", 100, "updates of the generator in each run"),
    ("--records", 5, "scores along each run; must divide the steps"),
    ("--batch-size", 32, "samples of each kind in a batch"),
    ("--workers", 2, "processes"),
    ("--lr", 3e-3, "Adam's rate"),
    ("--source", str, "mnist (5000 digits) or sklearn (1797); by default what is installed"),
    ("--out", Path("runs/bogonet"), "folder of the architectures that are done, which stay so"),
    ("--record", Path, "also write the result, made small, to this .npz"),
)
def bogonet(options: argparse.Namespace) -> int:
    from gan_teach.studies import bogonet as study

    budget = study.Budget(
        steps=options.steps,
        records=options.records,
        batch_size=options.batch_size,
        lr=options.lr,
    )
    history = study.run_study(
        options.architectures, budget, source=options.source, folder=options.out,
        workers=options.workers, progress=True,
    )  # fmt: skip
    done, planned = history.meta["architectures"], history.meta["architectures_planned"]
    print(f"{done} of {planned} architectures are done; they lie in {options.out}.")
    if done:
        accuracy = f"{history.meta['accuracy']:.1%}"
        print(f"The judging classifier names {accuracy} of the held-out digits rightly.\n")
        print(study.table(history), study.duel_table(history), sep="\n\n")
        print("\nDiverged:", "; ".join(study.diverged(history)) or "none")
    if done and options.record:
        small = history.with_arrays(score=history["score"].astype("float32"))
        print(f"wrote {small.save(options.record)}")
    return 130 if history.meta["interrupted"] else 0

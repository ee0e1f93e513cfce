"""``train`` and ``sweep``: image GANs, one run or many."""

import argparse
import sys
from pathlib import Path
from typing import Any

_KNOBS = (
    ("--batch-size", int, "images of each kind in a batch"),
    ("--lr", float, "learning rate of G"),
    ("--tau", float, "learning rate of D divided by that of G"),
    ("--features", int, "width of the networks (a quarter of the published: narrow)"),
)


def add_train(commands) -> None:
    parser = commands.add_parser("train", help="train an image GAN into a folder; resumable")
    parser.add_argument("config", metavar="CONFIG", nargs="?", help="without it: list them")
    parser.add_argument("--out", type=Path, help="folder of the run (default: runs/CONFIG)")
    parser.add_argument("--resume", action="store_true", help="go on with the run in that folder")
    for flag, kind, text in _KNOBS:
        parser.add_argument(flag, type=kind, help=f"{text} (default: as published)")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--tensorboard", action="store_true", help="log for TensorBoard too")
    _add_settings(parser)
    parser.set_defaults(command=_train)


def add_sweep(commands) -> None:
    parser = commands.add_parser(
        "sweep", help="train every combination of seeds and knobs, each into its folder; resumable"
    )
    parser.add_argument("config", metavar="CONFIG", help="gan-teach train lists them")
    parser.add_argument("--out", type=Path, help="folder of the runs (default: runs/sweep-CONFIG)")
    for flag, kind, text in _KNOBS:
        parser.add_argument(flag, type=kind, nargs="+", help=f"{text} (default: as published)")
    parser.add_argument("--seed", type=int, nargs="+", default=[0], help="default: 0")
    parser.add_argument("--jobs", type=int, default=1, help="processes; default: %(default)s")
    parser.add_argument("--cluster", help="jobs of a cluster instead, by submitit: slurm, local")
    _add_settings(parser)
    parser.set_defaults(command=_sweep)


def _add_settings(parser: argparse.ArgumentParser) -> None:
    """What is the same for all runs of a sweep."""
    parser.add_argument(
        "--data",
        help="another data set: a name, a folder or zip archive of images, an .npy or IDX file",
    )
    parser.add_argument("--skip-bad", action="store_true", help="leave out files that do not fit")
    parser.add_argument(
        "--workers", type=int, help="processes that read a folder larger than memory batch by batch"
    )
    parser.add_argument(
        "--steps", type=int, help="updates of G, those already done included (default: published)"
    )
    parser.add_argument("--bottleneck", action="store_true", help="halve each block's inner width")
    parser.add_argument("--device", help="cpu, cuda, ... (default: a GPU if there is one)")
    parser.add_argument("--every", type=int, default=1000, help="steps between saves; %(default)s")
    parser.add_argument("--bf16", action="store_true", help="networks in bfloat16")
    parser.add_argument("--channels-last", action="store_true", help="other order in memory")


def _settings(options: argparse.Namespace, **knobs: Any):
    from gan_teach.studies.image_runs import Settings

    names = ("config", "data", "steps", "bottleneck", "channels_last", "skip_bad", "workers")
    autocast = "bf16" if options.bf16 else None
    same = {name: getattr(options, name) for name in names}
    return Settings(**same, autocast=autocast, **knobs)


def _train(options: argparse.Namespace) -> int:
    from gan_teach.studies.image_runs import train_images
    from gan_teach.zoo import IMAGE_GANS

    if options.config is None:
        for name, config in IMAGE_GANS.items():
            print(f"{name:20}  {config.summary}; {config.steps:,} steps")
        return 0
    knobs = {name: getattr(options, name) for name in (*_knobs(), "seed")}
    out = options.out or Path("runs") / options.config
    try:
        train_images(
            _settings(options, **knobs), out, device=options.device, resume=options.resume,
            every=options.every, progress=True, tensorboard=options.tensorboard,
        )  # fmt: skip
    except ArithmeticError as error:  # the run diverged
        print(f"gan-teach: {error}", file=sys.stderr)
        return 1
    print(f"wrote {out}")
    return 0


def _sweep(options: argparse.Namespace) -> int:
    from gan_teach._devices import described, preferred
    from gan_teach.studies.image_runs.sweep import combinations, sweep_images

    given = {name: getattr(options, name) for name in (*_knobs(), "seed")}
    knobs = {name: values for name, values in given.items() if values is not None}
    settings = _settings(options)
    out = options.out or Path("runs") / f"sweep-{options.config}"
    if options.device is None and not options.cluster and preferred() != "cpu":
        print(described(preferred()))
    planned = len(combinations(settings, knobs))
    outcomes = sweep_images(
        settings, out, knobs, jobs=options.jobs, cluster=options.cluster, device=options.device,
        every=options.every,
    )  # fmt: skip
    failed = 0
    for number, outcome in enumerate(outcomes, 1):
        told = f"{outcome.name} {outcome.status} {outcome.told}".rstrip()
        print(f"{number} of {planned}: {told}", flush=True)
        failed += outcome.status == "failed"
    print(f"{planned - failed} of {planned} runs are done; they lie in {out}.")
    return 1 if failed else 0


def _knobs() -> list[str]:
    return [flag.removeprefix("--").replace("-", "_") for flag, _, _ in _KNOBS]

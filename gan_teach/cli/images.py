"""Image GANs: ``train``, ``sweep``, ``sample``, ``interpolate``, ``evaluate``."""

import argparse
import sys
from pathlib import Path
from typing import Any

from gan_teach import _checks
from gan_teach.cli.arguments import add_flags, values

# -- train and sweep -----------------------------------------------------------------------------

DEVICE = ("--device", str, "cpu, cuda, ... (default: a GPU if there is one)")
KNOBS = (
    ("--batch-size", int, "images of each kind in a batch (default: as published)"),
    ("--lr", float, "learning rate of G (default: as published)"),
    ("--tau", float, "learning rate of D divided by that of G (default: as published)"),
    ("--features", int, "width of the networks (a quarter of the published: narrow)"),
)
SETTINGS = (  # the same for all runs of a sweep
    ("--data", str, "other data: a name, a folder or zip archive of images, an .npy or IDX file"),
    ("--skip-bad", False, "leave out files that do not fit"),
    ("--workers", int, "processes that read a folder larger than memory batch by batch"),
    ("--steps", int, "updates of G, those already done included (default: as published)"),
    ("--bottleneck", False, "halve each block's inner width"),
    ("--channels-last", False, "other order in memory"),
)
HOW = (
    ("--bf16", False, "networks in bfloat16"),
    DEVICE,
    ("--every", 1000, "steps between saves"),
)


def add_train(commands) -> None:
    parser = commands.add_parser("train", help="train an image GAN into a folder; resumable")
    parser.add_argument("config", metavar="CONFIG", nargs="?", help="without it: list them")
    own = (
        ("--out", Path, "folder of the run (default: runs/CONFIG)"),
        ("--resume", False, "go on with the run in that folder"),
        ("--seed", 0, "of the networks and of every draw"),
        ("--tensorboard", False, "log for TensorBoard too"),
    )
    add_flags(parser, (*own, *KNOBS, *SETTINGS, *HOW))
    parser.set_defaults(command=_train)


def add_sweep(commands) -> None:
    parser = commands.add_parser(
        "sweep", help="train every combination of seeds and knobs, each into its folder; resumable"
    )
    parser.add_argument("config", metavar="CONFIG", help="gan-teach train lists them")
    parser.add_argument("--seed", type=int, nargs="+", default=[0], help="default: 0")
    add_flags(parser, KNOBS, nargs="+")
    own = (
        ("--out", Path, "folder of the runs (default: runs/sweep-CONFIG)"),
        ("--jobs", 1, "processes"),
        ("--cluster", str, "jobs of a cluster instead, by submitit: slurm, local"),
    )
    add_flags(parser, (*own, *SETTINGS, *HOW))
    parser.set_defaults(command=_sweep)


def _settings(options: argparse.Namespace, **knobs: Any):
    from gan_teach.studies.image_runs import Settings

    autocast = "bf16" if options.bf16 else None
    return Settings(options.config, autocast=autocast, **values(options, SETTINGS), **knobs)


def _train(options: argparse.Namespace) -> int:
    from gan_teach.studies.image_runs import train_images
    from gan_teach.zoo import IMAGE_GANS

    if options.config is None:
        for name, config in IMAGE_GANS.items():
            print(f"{name:20}  {config.summary}; {config.steps:,} steps")
        return 0
    settings = _settings(options, seed=options.seed, **values(options, KNOBS))
    out = options.out or Path("runs") / options.config
    try:
        train_images(
            settings, out, device=options.device, resume=options.resume, every=options.every,
            progress=True, tensorboard=options.tensorboard,
        )  # fmt: skip
    except ArithmeticError as error:  # the run diverged
        print(f"gan-teach: {error}", file=sys.stderr)
        return 1
    print(f"wrote {out}")
    return 0


def _sweep(options: argparse.Namespace) -> int:
    from gan_teach._devices import described, preferred
    from gan_teach.studies.image_runs.sweep import combinations, sweep_images

    knobs = {k: v for k, v in values(options, KNOBS).items() if v is not None}
    knobs["seed"] = options.seed
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
        line = f"{number} of {planned}: {outcome.name} {outcome.status} {outcome.told}"
        print(line.rstrip(), flush=True)
        failed += outcome.status == "failed"
    print(f"{planned - failed} of {planned} runs are done; they lie in {out}.")
    return 1 if failed else 0


# -- sample and interpolate ------------------------------------------------------------------------

SOURCE = (
    ("--ema", str, "decay of the average to draw from, or raw (default: last)"),
    ("--seed", 0, "of the latents"),
    ("--out", Path, "file to write (default: in the run's folder)"),
)


def add_sample(commands) -> None:
    parser = commands.add_parser("sample", help="a sheet of images from a trained run")
    parser.add_argument("run", metavar="RUN", type=Path, help="a run's folder, or a file of RS-GAN")
    add_flags(parser, (*SOURCE, ("-n", 64, "images")))
    parser.set_defaults(command=_sample)


def add_interpolate(commands) -> None:
    parser = commands.add_parser("interpolate", help="images on the way between two latents")
    parser.add_argument("run", metavar="RUN", type=Path, help="a run's folder, or a file of RS-GAN")
    own = (
        ("--rows", 6, "ways"),
        ("--steps", 10, "images a way"),
        ("--spherical", False, "along the sphere, not straight"),
    )
    add_flags(parser, (*SOURCE, *own))
    parser.set_defaults(command=_interpolate)


def _sample(options: argparse.Namespace) -> int:
    from gan_teach.studies import image_runs

    g, latent, folder, published = _generator(options)
    latents = image_runs.fixed_latents(options.n, latent, options.seed)
    images = image_runs.draw(g, latents, batch_statistics=published)
    out = options.out or folder / "sample.png"
    image_runs.save_sheet(out, images)
    print(f"wrote {out}")
    return 0


def _interpolate(options: argparse.Namespace) -> int:
    from gan_teach.studies import image_runs

    g, latent, folder, published = _generator(options)
    rows = _checks.whole("--rows", options.rows, least=1)
    ends = image_runs.fixed_latents(2 * rows, latent, options.seed)
    way = image_runs.between(ends[:rows], ends[rows:], options.steps, options.spherical)
    images = image_runs.draw(g, way.flatten(0, 1), batch_statistics=published)
    out = (options.out or folder / "interpolation.png").with_suffix("")
    image_runs.save_sheet(out.with_suffix(".png"), images, columns=options.steps)
    frames = images.reshape(rows, options.steps, *images.shape[1:])
    image_runs.save_film(out.with_suffix(".gif"), frames)
    for ending in (".png", ".gif"):
        print(f"wrote {out.with_suffix(ending)}")
    return 0


def _generator(options: argparse.Namespace) -> tuple[Any, int, Path, bool]:
    """(G, dimension of its latents, folder for files, whether published) of a run or a file."""
    from gan_teach.models.convnets import load_rsgan_generator
    from gan_teach.studies import image_runs

    if options.run.is_file():
        g = load_rsgan_generator(options.run)
        return g, next(g.parameters()).shape[1], Path(), True
    trained = image_runs.load_run(options.run)
    name = _checks.choice("--ema", options.ema or list(trained.generators)[-1], trained.generators)
    return trained.generators[name], trained.latent, options.run, False


# -- evaluate --------------------------------------------------------------------------------------

SCORED = (
    ("--features", str, "digits, cifar, inception, or a file of Inception weights"),
    ("--data", str, "the real images, if not those of the first run"),
    ("-n", 5000, "images of each"),
    ("--seed", 0, "of the latents"),
    ("--every", 1, "only steps that are multiples of it"),
    ("--last", False, "only the last saved step"),
    ("--untrained", False, "also G as each run started it"),
    DEVICE,
)


def add_evaluate(commands) -> None:
    parser = commands.add_parser(
        "evaluate", help="score runs, published weights or folders of images; resumable"
    )
    parser.add_argument(
        "sources", metavar="SOURCE", nargs="+", type=Path,
        help="a run's folder, a file of RS-GAN, or a folder of images",
    )  # fmt: skip
    parser.add_argument("--ema", nargs="+", default=(), help="decays, or raw (default: all)")
    own = (
        ("--out", Path, "folder of scores.csv and .png (default: the run)"),
        ("--csv", Path, "also write what was asked for into this file"),
    )
    add_flags(parser, (*SCORED, *own))
    parser.set_defaults(command=_evaluate)


def _evaluate(options: argparse.Namespace) -> int:
    from gan_teach import _devices, plots
    from gan_teach.plots import style
    from gan_teach.studies import evaluation

    if options.device is None:
        options.device = _devices.preferred()
        if options.device != "cpu":
            print(_devices.described(options.device))
    out = options.out or evaluation.default_folder(options.sources[0])
    scores = evaluation.evaluate(
        *options.sources, averages=options.ema, out=out, progress=True, **values(options, SCORED)
    )
    print(scores.table())
    figure = plots.score_paths(scores.rows, features=scores.features, band=scores.band)
    style.save(figure, out / "scores.png")
    written = [out / "scores.csv", out / "scores.png"]
    if options.csv:
        written.append(scores.save(options.csv))
    for path in written:
        print(f"wrote {path}")
    return 0

"""Image GANs: ``train``, ``sweep``, ``sample``, ``interpolate``, ``evaluate``."""

import argparse
import sys
from pathlib import Path
from typing import Any

from gan_teach import _checks
from gan_teach.cli.arguments import command, values

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
    ("--workers", int, "threads that read a folder larger than memory batch by batch"),
    ("--steps", int, "updates of G, those already done included (default: as published)"),
    ("--bottleneck", False, "halve each block's inner width"),
    ("--channels-last", False, "other order in memory"),
)
HOW = (
    ("--bf16", False, "networks in bfloat16"),
    DEVICE,
    ("--every", 1000, "steps between saves"),
)


def _settings(options: argparse.Namespace, **knobs: Any):
    from gan_teach.studies.image_runs import Settings

    autocast = "bf16" if options.bf16 else None
    return Settings(options.config, autocast=autocast, **values(options, SETTINGS), **knobs)


@command(
    "train",
    "train an image GAN into a folder; resumable",
    ("config", str, "without it: list them", "?"),
    ("--out", Path, "folder of the run (default: runs/CONFIG)"),
    ("--resume", False, "go on with the run in that folder"),
    ("--seed", 0, "of the networks and of every draw"),
    ("--tensorboard", False, "log for TensorBoard too"),
    *KNOBS,
    *SETTINGS,
    *HOW,
)
def train(options: argparse.Namespace) -> int:
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


@command(
    "sweep",
    "train every combination of seeds and knobs, each into its folder; resumable",
    ("config", str, "gan-teach train lists them"),
    ("--out", Path, "folder of the runs (default: runs/sweep-CONFIG)"),
    ("--seed", int, "default: 0", "+"),
    ("--jobs", 1, "processes"),
    ("--cluster", str, "jobs of a cluster instead, by submitit: slurm, local"),
    *((*knob, "+") for knob in KNOBS),
    *SETTINGS,
    *HOW,
)
def sweep(options: argparse.Namespace) -> int:
    from gan_teach._devices import described, preferred
    from gan_teach.studies.image_sweeps import combinations, sweep_images

    knobs = {k: v for k, v in values(options, KNOBS).items() if v is not None}
    knobs["seed"] = options.seed or [0]
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
    ("run", Path, "a run's folder, or a file of RS-GAN"),
    ("--ema", str, "decay of the average to draw from, or raw (default: last)"),
    ("--seed", 0, "of the latents"),
    ("--out", Path, "file to write (default: in the run's folder)"),
)


@command("sample", "a sheet of images from a trained run", *SOURCE, ("-n", 64, "images"))
def sample(options: argparse.Namespace) -> int:
    from gan_teach.studies import image_runs

    g, latent, folder, published = _generator(options)
    latents = image_runs.fixed_latents(options.n, latent, options.seed)
    images = image_runs.draw(g, latents, batch_statistics=published)
    out = options.out or folder / "sample.png"
    image_runs.save_sheet(out, images)
    print(f"wrote {out}")
    return 0


@command(
    "interpolate",
    "images on the way between two latents",
    *SOURCE,
    ("--rows", 6, "ways"),
    ("--steps", 10, "images a way"),
    ("--spherical", False, "along the sphere, not straight"),
)
def interpolate(options: argparse.Namespace) -> int:
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


@command(
    "evaluate",
    "score runs, published weights or folders of images; resumable",
    ("sources", Path, "a run's folder, a file of RS-GAN, or a folder of images", "+"),
    ("--ema", str, "decays, or raw (default: all)", "+"),
    *SCORED,
    ("--out", Path, "folder of scores.csv and .png (default: the run)"),
    ("--csv", Path, "also write what was asked for into this file"),
)
def evaluate(options: argparse.Namespace) -> int:
    from gan_teach import _devices, plots
    from gan_teach.plots import style
    from gan_teach.studies import evaluation

    if options.device is None:
        options.device = _devices.preferred()
        if options.device != "cpu":
            print(_devices.described(options.device))
    out = options.out or evaluation.default_folder(options.sources[0])
    scores = evaluation.evaluate(
        *options.sources,
        averages=options.ema or (),
        out=out,
        progress=True,
        **values(options, SCORED),
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

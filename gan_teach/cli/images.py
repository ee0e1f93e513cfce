"""Image GANs: ``train``, ``sweep``, ``sample``, ``interpolate``, ``evaluate``."""

import sys
from pathlib import Path
from typing import Any

from gan_teach import _checks
from gan_teach.cli.arguments import command, print_rows

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
    ("--bf16", False, "networks in bfloat16"),
)
HOW = (DEVICE, ("--every", 1000, "steps between saves"))


def _settings(config: str, bf16: bool, **settings: Any) -> Any:
    from gan_teach.studies.image_runs import Settings

    return Settings(config, autocast="bf16" if bf16 else None, **settings)


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
def train(
    config: str | None, out: Path | None, resume: bool, tensorboard: bool, device: str | None,
    every: int, **settings: Any,
) -> int:  # fmt: skip
    from gan_teach.studies.image_runs import train_images
    from gan_teach.zoo import IMAGE_GANS

    if config is None:
        print_rows((name, f"{c.summary}; {c.steps:,} steps") for name, c in IMAGE_GANS.items())
        return 0
    out, chosen = out or Path("runs") / config, _settings(config, **settings)
    how = {"device": device, "every": every, "tensorboard": tensorboard, "progress": True}
    try:
        train_images(chosen, out, resume=resume, **how)
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
def sweep(
    config: str, out: Path | None, jobs: int, cluster: str | None, device: str | None, every: int,
    **settings: Any,
) -> int:  # fmt: skip
    from gan_teach.studies.sweeps import KNOBS, combinations, sweep_images

    knobs = {name: settings.pop(name) for name in list(settings) if name in ("seed", *KNOBS)}
    knobs = {name: values for name, values in knobs.items() if values is not None}
    chosen, out = _settings(config, **settings), out or Path("runs") / f"sweep-{config}"
    planned, failed = len(combinations(chosen, knobs)), 0
    how = {"jobs": jobs, "cluster": cluster, "every": every}
    how["device"] = device if cluster else _said(device)
    for number, outcome in enumerate(sweep_images(chosen, out, knobs, **how), 1):
        line = f"{number} of {planned}: {outcome.name} {outcome.status} {outcome.told}"
        print(line.rstrip(), flush=True)
        failed += outcome.status == "failed"
    print(f"{planned - failed} of {planned} runs are done; they lie in {out}.")
    return 1 if failed else 0


def _said(device: str | None) -> str:
    """The device that was asked for, or a GPU if there is one, which is said, or the CPU."""
    from gan_teach import _devices

    if device is None and _devices.preferred() != "cpu":
        print(_devices.described(_devices.preferred()))
    return device or _devices.preferred()


# -- sample and interpolate ------------------------------------------------------------------------

SOURCE = (
    ("run", Path, "a run's folder, or a file of RS-GAN"),
    ("--ema", str, "decay of the average to draw from, or raw (default: last)"),
    ("--seed", 0, "of the latents"),
    ("--out", Path, "file to write (default: in the run's folder)"),
)


@command("sample", "a sheet of images from a trained run", *SOURCE, ("-n", 64, "images"))
def sample(run: Path, ema: str | None, seed: int, out: Path | None, n: int) -> int:
    from gan_teach.studies import image_runs

    g, folder = _generator(run, ema)
    out = out or folder / "sample.png"
    image_runs.save_sheet(out, g.draw(image_runs.fixed_latents(n, g.latent, seed)))
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
def interpolate(
    run: Path, ema: str | None, seed: int, out: Path | None, rows: int, steps: int, spherical: bool
) -> int:
    from gan_teach.studies import image_runs

    g, folder = _generator(run, ema)
    out = out or folder / "interpolation.png"
    rows = _checks.whole("--rows", rows, least=1)
    ends = image_runs.fixed_latents(2 * rows, g.latent, seed)
    way = image_runs.between(ends[:rows], ends[rows:], steps, spherical)
    images = g.draw(way.flatten(0, 1))
    image_runs.save_sheet(out.with_suffix(".png"), images, columns=steps)
    frames = images.reshape(rows, steps, *images.shape[1:])
    image_runs.save_film(out.with_suffix(".gif"), frames)
    print(f"wrote {out.with_suffix('.png')}\nwrote {out.with_suffix('.gif')}")
    return 0


def _generator(run: Path, ema: str | None) -> tuple[Any, Path]:
    """The last generator of a run, or that of a published file, and the folder for pictures."""
    from gan_teach.studies.evaluation import Folder, candidates

    *_, g = candidates(run, averages=[ema] if ema else (), last=True)
    if isinstance(g, Folder):
        raise ValueError(f"{run} holds images and no run: name a folder of gan-teach train.")
    return g, Path() if run.is_file() else run


# -- evaluate --------------------------------------------------------------------------------------


@command(
    "evaluate",
    "score runs, published weights or folders of images; resumable",
    ("sources", Path, "a run's folder, a file of RS-GAN, or a folder of images", "+"),
    ("--ema", str, "decays, or raw (default: all)", "+"),
    ("--features", str, "digits, cifar, inception, or a file of Inception weights"),
    ("--data", str, "the real images, if not those of the first run"),
    ("-n", 5000, "images of each"),
    ("--seed", 0, "of the latents"),
    ("--every", 1, "only steps that are multiples of it"),
    ("--last", False, "only the last saved step"),
    ("--untrained", False, "also G as each run started it"),
    DEVICE,
    ("--out", Path, "folder of scores.csv and .png (default: the run)"),
    ("--csv", Path, "also write what was asked for into this file"),
)
def evaluate(
    sources: list[Path], ema: list[str] | None, out: Path | None, csv: Path | None,
    device: str | None, **options: Any,
) -> int:  # fmt: skip
    from gan_teach import plots
    from gan_teach.plots import style
    from gan_teach.studies import evaluation

    out, device = out or evaluation.default_folder(sources[0]), _said(device)
    options |= {"averages": ema or (), "out": out, "device": device, "progress": True}
    scores = evaluation.evaluate(*sources, **options)
    print(scores.table())
    figure = plots.score_paths(scores.rows, features=scores.rows[0].features, band=scores.band)
    style.save(figure, out / "scores.png")
    written = [scores.save(csv)] if csv else []
    for path in (out / "scores.csv", out / "scores.png", *written):
        print(f"wrote {path}")
    return 0

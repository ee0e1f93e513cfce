"""Image GANs: ``train``, ``sweep``, ``sample``, ``interpolate``, ``evaluate``."""

import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from gan_teach import _checks
from gan_teach._files import replacing
from gan_teach.cli.arguments import command, print_rows

# -- train and sweep -----------------------------------------------------------------------------

DEVICE = ("--device", str, "cpu, cuda, ... (default: a GPU if there is one)")
KNOBS = (  # settings that a sweep may vary by a flag, and other settings that have one
    ("--batch-size", str, "images of each kind in a batch"),
    ("--lr", str, "learning rate of G"),
    ("--tau", str, "learning rate of D divided by that of G"),
    ("--features", str, "width of the networks (a quarter of the published: narrow)"),
    ("--loss", str, "non_saturating, relativistic, hinge, ..."),
)
SETTINGS = (
    ("--data", str, "other data: a name, a folder or zip archive of images, an .npy or .npz file"),
    ("--size", str, "pixels that images are scaled to"),
    ("--channels", str, "1 for grey images, 3 for color"),
    ("--skip-bad", False, "leave out files that do not fit"),
    ("--workers", str, "threads that read a folder larger than memory batch by batch"),
    ("--steps", str, "updates of G, those already done included"),
    ("--precision", str, "float32, tf32 on a GPU, or bf16 inside the networks"),
    ("--set", str, "FIELD=VALUE: any setting; train NAME --explain lists them", "+"),
)
HOW = (
    ("--download", False, "fetch the data if they are not there"),
    ("--stand-in", False, "small images in place of published ones"),
    DEVICE,
    ("--deterministic", False, "on a GPU the same bits each time, more slowly"),
    # Fields of image_runs.Recording; what is not named is as in the run that goes on.
    ("--every", int, "steps between saves (1000)"),
    ("--score-every", int, "steps between Frechet distances of G and its averages (never)"),
    ("--keep", int, "saved generators that stay, spread over the run (all)"),
    ("--format", str, "of pictures and sheets: png, pdf or eps (png)"),
    ("--tensorboard", False, "write for TensorBoard too"),
)


def _how(settings: dict[str, Any]) -> dict[str, Any]:
    """What the flags say of how to train, taken out of the settings."""
    names = [flag.removeprefix("--").replace("-", "_") for flag, *_ in HOW]
    own = {name: settings.pop(name) for name in names}
    return {k: value for k, value in own.items() if value is not None and value is not False}


def _changes(file: Path | None, set: list[str] | None, **flags: Any) -> dict[str, Any]:
    """The settings that a file, flags and ``--set`` name; what comes later counts."""
    changes = _toml(file) if file else {}
    changes |= {name: value for name, value in flags.items() if value not in (None, False)}
    for pair in set or ():
        name, equal, value = pair.partition("=")
        if not equal:
            raise ValueError(f"--set takes FIELD=VALUE, such as --set d_steps=5; got {pair!r}.")
        changes[name] = value
    return changes


def _toml(file: Path) -> dict[str, Any]:
    module = "tomllib" if sys.version_info >= (3, 11) else "tomli"
    reader = _checks.package(module, "a TOML file", "scale", ValueError)
    try:
        return reader.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} is no TOML file: {error}.") from error


@command(
    "train",
    "train an image GAN into a folder; resumable",
    ("name", str, "a published configuration; without it: list them", "?"),
    ("--config", Path, "TOML file of settings; its line extends = NAME says what they change"),
    ("--explain", False, "print all settings, and what differs from the published ones"),
    ("--out", Path, "folder of the run (default: runs/NAME)"),
    ("--resume", Path, "go on with the run in that folder, which knows its settings"),
    ("--from", Path, "branch off from the run in that folder, with other settings"),
    ("--seed", str, "of the networks and of every draw"),
    *KNOBS,
    *SETTINGS,
    *HOW,
)
def train(
    name: str | None, config: Path | None, explain: bool, out: Path | None, resume: Path | None,
    **settings: Any,
) -> int:  # fmt: skip
    from gan_teach.studies.image_runs import train_images
    from gan_teach.zoo import IMAGE_GANS

    start, how = settings.pop("from"), _how(settings)
    if resume and (out or start):
        raise ValueError("--resume goes on in the run's own folder: leave out --out and --from.")
    changes = _changes(config, **settings)
    extends = changes.pop("extends", None)
    if name and config:
        raise ValueError(f"{config} says itself what it extends: leave out {name}.")
    name = name or extends
    if name is None and not (resume or start or config):
        print_rows((name, f"{c.summary}; {c.steps:,} steps") for name, c in IMAGE_GANS.items())
        return 0
    chosen = _configuration(name, resume or start, changes)
    if explain:
        print_rows(_explained(chosen))
        return 0
    out = resume or out or _folder(config.stem if config else chosen.name, start, changes)
    try:
        train_images(chosen, out, resume=resume is not None, start=start, progress=True, **how)
    except ArithmeticError as error:  # the run diverged
        print(f"gan-teach: {error}", file=sys.stderr)
        return 1
    print(f"wrote {out}")
    return 0


def _configuration(name: str | None, folder: Path | None, changes: dict[str, Any]) -> Any:
    """That published configuration or that run's, or one of nothing but the changes."""
    from gan_teach.studies.image_runs import read_settings
    from gan_teach.zoo.images import changed, image_gan

    if name is not None:
        return image_gan(name, **changes)
    return changed(read_settings(folder).config if folder else None, **changes)


def _folder(name: str, start: Path | None, changes: dict[str, Any]) -> Path:
    from gan_teach.studies.sweeps import short

    if start is None:
        return Path("runs") / name
    return start.with_name("-".join([start.name, *(k + short(v) for k, v in changes.items())]))


def _explained(config: Any) -> list[tuple[str, str]]:
    from gan_teach.zoo import IMAGE_GANS

    published = IMAGE_GANS.get(config.name)
    changes = config.changes(published) if published else {}
    rows = [(config.name or "own settings", config.summary)]
    for name, value in config.identity().items():
        shown = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value).lower()
        rows.append(
            (name, f"{shown}  (published: {changes[name][1]})" if name in changes else shown)
        )
    return [*rows, ("unlike the authors' code", config.differs or "nothing that is known")]


@command(
    "sweep",
    "train every combination of seeds and knobs, each into its folder; resumable",
    ("name", str, "of gan-teach train, or a published grid; without it: list these", "?"),
    ("--out", Path, "folder of the runs (default: runs/sweep-NAME)"),
    ("--seed", str, "default: 0", "+"),
    ("--vary", str, "FIELD=VALUE,VALUE: values of any setting", "+"),
    ("--jobs", 1, "processes"),
    ("--cluster", str, "jobs of a cluster instead, by submitit: slurm, local"),
    *((*knob, "+") for knob in KNOBS),
    *SETTINGS,
    *HOW,
)
def sweep(
    name: str | None, out: Path | None, vary: list[str] | None, jobs: int, cluster: str | None,
    **settings: Any,
) -> int:  # fmt: skip
    from gan_teach.studies.sweeps import grid_of, sweep_images
    from gan_teach.zoo.images import GRIDS, entries

    if name is None:
        print_rows((name, g.summary) for name, g in GRIDS.items())
        return 0
    how = _how(settings)
    knobs = {name: values for name, values in settings.items() if isinstance(values, list)}
    settings = {name: v for name, v in settings.items() if name not in knobs or name == "set"}
    knobs.pop("set", None)
    for text in vary or ():
        field, _, values = text.partition("=")
        knobs[field] = list(entries(field, values))
    runs = grid_of(name, knobs, **_changes(None, **settings))
    out, failed, here = out or Path("runs") / f"sweep-{name}", 0, 0
    if not cluster:
        how["device"] = _said(how.get("device"))
    begun = time.monotonic()
    try:
        results = sweep_images(runs, out, jobs=jobs, cluster=cluster, **how)
        for number, outcome in enumerate(results, 1):
            here += outcome.told != "before"  # the others took no time
            left = (len(runs) - number) * (time.monotonic() - begun) / max(here, 1)
            about = f"; about {timedelta(seconds=round(left))} left" if left and here else ""
            line = f"{number} of {len(runs)}: {outcome.name} {outcome.status} {outcome.told}"
            print(f"{line.rstrip()}{about}", flush=True)
            failed += outcome.status == "failed"
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"stopped; the same command goes on with {out}.") from None
    print(f"{len(runs) - failed} of {len(runs)} runs are done; they lie in {out}.")
    return 1 if failed else 0


def _said(device: str | None) -> str:
    """The device that was asked for, or a GPU if there is one, which is said, or the CPU."""
    from gan_teach import _devices

    if device is None and _devices.preferred() != "cpu":
        print("device:", _devices.described(_devices.preferred()))
    return device or _devices.preferred()


# -- sample and interpolate ------------------------------------------------------------------------

SOURCE = (
    ("run", Path, "a run's folder, or a file of RS-GAN"),
    ("--step", int, "saved step to draw from (default: last)"),
    ("--ema", str, "decay of the average to draw from, or raw (default: last)"),
    ("--seed", 0, "of the latents"),
    ("--out", Path, "sheet (.png, .pdf, .eps), array (.npz) or new folder of single images"),
)


@command(
    "sample",
    "images from a trained run: a sheet, an array or single files",
    *SOURCE,
    ("-n", 64, "images"),
    ("--class", str, "by name or number, of a conditional GAN; several: in turn", "+"),
)
def sample(
    run: Path, step: int | None, ema: str | None, seed: int, out: Path | None, n: int,
    **classes: list[str] | None,
) -> int:  # fmt: skip
    from gan_teach.studies import drawing

    g, folder, asked = _generator(run, step, ema, classes["class"])
    latents = drawing.fixed_latents(_checks.whole("n", n, least=1), g.latent, seed)
    latents = drawing.ask(g.latent, latents, asked) if asked else latents
    out = out or folder / "sample.png"
    drawing.save_images(out, g.draw(latents), len(asked) if len(asked) > 1 else None)
    print(f"wrote {out}")
    return 0


@command(
    "interpolate",
    "images on the way between latents: a sheet and a film, an array or single files",
    *SOURCE,
    ("--rows", 6, "ways"),
    ("--steps", 10, "images from one latent to the next"),
    ("--through", 2, "latents on each way"),
    (
        "--class",
        str,
        "of a conditional GAN; several: from one to the next, the noise as it is",
        "+",
    ),
    ("--spherical", False, "along the sphere, not straight"),
)
def interpolate(
    run: Path, step: int | None, ema: str | None, seed: int, out: Path | None, rows: int,
    steps: int, through: int, spherical: bool, **classes: list[str] | None,
) -> int:  # fmt: skip
    from gan_teach.studies import drawing

    g, folder, asked = _generator(run, step, ema, classes["class"])
    rows = _checks.whole("rows", rows, least=1)
    through = len(asked) if len(asked) > 1 else _checks.whole("through", through, least=2)
    points = drawing.fixed_latents(rows * through, g.latent, seed).unflatten(0, (through, rows))
    if len(asked) > 1:
        points, spherical = points[:1].expand(through, -1, -1), False
    points = points.transpose(0, 1)
    if asked:
        points = drawing.ask(g.latent, points.flatten(0, 1), asked).unflatten(0, (rows, through))
    way = drawing.along(points, steps, spherical, getattr(g.latent, "classes", 0))
    images, out = g.draw(way.flatten(0, 1)), out or folder / "interpolation.png"
    drawing.save_images(out, images, columns=way.shape[1])
    print(f"wrote {out}")
    if out.suffix not in ("", ".npz"):
        frames = images.reshape(*way.shape[:2], *images.shape[1:])
        drawing.save_film(out.with_suffix(".gif"), frames)
        print(f"wrote {out.with_suffix('.gif')}")
    return 0


def _generator(
    run: Path, step: int | None, ema: str | None, classes: list[str] | None
) -> tuple[Any, Path, list[int]]:
    """A generator of a run, or that of a published file; the folder for pictures; the classes."""
    from gan_teach.studies.evaluation import Generator, candidates

    every_one = candidates(run, averages=[ema] if ema else (), last=step is None)
    holds = "several runs" if len({g.source for g in every_one}) > 1 else ""
    if holds or not isinstance(every_one[0], Generator):
        holds = holds or "images and no run"
        raise ValueError(f"{run} holds {holds}: name a folder of gan-teach train.")
    if step is not None:
        _checks.choice("step", str(step), dict.fromkeys(str(g.step) for g in every_one))
    *_, g = [g for g in every_one if step in (None, g.step)]
    asked = [_class(name, run) for name in classes or ()]
    return g, Path() if run.is_file() else run, asked


def _class(name: str, run: Path) -> int:
    """The number of a class that the run can be asked for, by name or number."""
    from gan_teach.studies.image_runs import read_settings

    classes = read_settings(run).classes
    if not classes:
        raise ValueError(f"{run} has no classes to ask for: train with --set conditional=true.")
    known = [*classes]
    name = known[int(name)] if name not in known and name in map(str, range(len(known))) else name
    return known.index(_checks.choice("class", name, [k for k in known if classes[k]]))


# -- evaluate --------------------------------------------------------------------------------------


@command(
    "evaluate",
    "score runs, sweeps, published weights, functions or images; resumable",
    (
        "sources",
        str,
        "a run's or sweep's folder, a file of RS-GAN, MODULE:FUNCTION of (n, rng), "
        "or images: folder, .zip, .npy, .npz",
        "+",
    ),
    ("--ema", str, "decays, or raw (default: all)", "+"),
    ("--features", str, "inception, digits, cifar, or a file (default: inception if it is there)"),
    ("--data", str, "the real images, or an .npz of mu and sigma, if not those of the runs"),
    ("--size", int, "pixels that images are scaled to"),
    ("--channels", int, "1 for grey images, 3 for color"),
    ("--skip-bad", False, "leave out files that do not fit"),
    ("-n", 5000, "images of each"),
    ("--seed", 0, "of the latents"),
    ("--step", int, "only these saved steps", "+"),
    ("--every", 1, "only steps that are multiples of it"),
    ("--last", False, "only the last saved step"),
    ("--untrained", False, "also G as each run started it"),
    DEVICE,
    ("--out", Path, "folder of what it writes (default: the run or sweep)"),
    ("--csv", Path, "also write what was asked for into this file"),
    ("--save-stats", Path, "also write mu and sigma of the real images' features: FILE.npz"),
)
def evaluate(
    sources: list[str], ema: list[str] | None, step: list[int] | None, out: Path | None,
    csv: Path | None, device: str | None, **options: Any,
) -> int:  # fmt: skip
    from gan_teach import plots
    from gan_teach.plots import style
    from gan_teach.studies import evaluation

    out, device = out or evaluation.default_folder(sources[0]), _said(device)
    options |= {"averages": ema or (), "steps": step or (), "out": out, "device": device}
    scores = evaluation.evaluate(*sources, **options, progress=True)
    print(scores.table())
    written = [out / "scores.csv"]
    paths = plots.score_paths(scores.rows, scores.names, band=scores.band, caption=scores.protocol)
    figures: dict[str, Any] = {"scores": paths}
    if scores.curves:
        figures["prd"] = plots.prd_curves(
            scores.curves, scores.ends[0].curve if scores.ends else None
        )
    if len(scores.settings) > 1:
        table = scores.by_knob()
        first = table.columns.get_loc("step")
        last = table.groupby([*table.columns[:first], "average"], sort=False).tail(1)
        print(last.iloc[:, : first + 6].to_string(index=False, float_format="{:.3g}".format))
        figures["by-knob"] = plots.score_means(table, scores.names["frechet"])
        with replacing(out / "by-knob.csv") as file:
            table.to_csv(file, index=False)
        written.append(out / "by-knob.csv")
    for name, figure in figures.items():
        style.save(figure, out / f"{name}.png")
        written.append(out / f"{name}.png")
    written += [scores.save(csv)] if csv else []
    written += [options["save_stats"]] if options["save_stats"] else []
    for path in written:
        print(f"wrote {path}")
    return 0


@command(
    "blind",
    "which of two looks better? pairs of sheets that do not say which is which",
    ("a", str, "as in evaluate: a run, a file of RS-GAN, MODULE:FUNCTION, or images"),
    ("b", str, "what it is compared with"),
    ("--pairs", 20, "pairs of sheets"),
    ("-n", 16, "images of a sheet"),
    ("--ema", str, "decay, or raw (default: last)"),
    ("--size", int, "pixels that images are scaled to"),
    ("--seed", 0, "of the images and of the order"),
    ("--out", Path("blind.png"), "picture of the pairs"),
)
def blind(
    a: str, b: str, pairs: int, n: int, ema: str | None, size: int | None, seed: int, out: Path
) -> int:
    from gan_teach import plots
    from gan_teach.plots import style
    from gan_teach.studies import evaluation as study

    shown = study.pairs(a, b, pairs, n, seed, averages=[ema] if ema else (), size=size)
    style.save(plots.image_grids(shown.sheets, across=2 if pairs < 3 else 6), out)
    print(f"wrote {out}\nOpen it, and say for each pair which side looks better.")
    answers: list[str] = []
    keys = ", ".join(f"{key}: {word}" for key, word in study.KEYS.items())
    try:
        while len(answers) < pairs:
            key = input(f"{len(answers) + 1} of {pairs} ({keys}, q: stop) ").strip().lower()
            if key == "q":
                break
            answers += [key] if key in study.KEYS else []
    except EOFError:
        pass
    print(shown.verdict(answers))
    return 0

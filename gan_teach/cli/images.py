"""Image GANs: ``train``, ``sweep``, ``sample``, ``interpolate``, ``evaluate``."""

import inspect
import time
import tomllib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from gan_teach import _checks
from gan_teach._files import replacing
from gan_teach.cli.arguments import command, print_rows

# -- train and sweep -----------------------------------------------------------------------------

_IMAGE_RUNS = "gan_teach.studies.image_runs"
TRAINING = (f"{_IMAGE_RUNS}:train_images", f"{_IMAGE_RUNS}:Recording", "gan_teach.zoo:ImageGAN")
KNOBS = ("seed", "batch_size", "lr", "tau", "features", "loss")  # a sweep takes several of them


def _wanted(
    name: str | None, config: Path | None, set: Sequence[str], flags: dict[str, Any]
) -> tuple[str | None, dict[str, Any], dict[str, Any]]:
    """What is extended, by name; the changes, of a file, of flags, of --set; other flags."""
    from gan_teach.zoo import ImageGAN

    if name and config:
        raise ValueError(f"{config} says itself what it extends: leave out {name}.")
    changes = _toml(config) if config else {}
    fields = dict.fromkeys([*KNOBS, *ImageGAN.__dataclass_fields__])
    changes |= {field: flags.pop(field) for field in fields if field in flags}
    for pair in set:
        field, equals, value = pair.partition("=")
        if not equals:
            raise ValueError(f"--set takes FIELD=VALUE; got {pair!r}.")
        changes[field] = value
    return changes.pop("extends", name), changes, flags


def _toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} is no TOML file: {error}.") from error


@command(*TRAINING, text=True)
def train(
    name: str | None = None, *, config: Path | None = None, explain: bool = False,
    out: Path | None = None, resume: Path | None = None, from_: Path | None = None,
    set: Sequence[str] = (), **flags: Any,
) -> int:  # fmt: skip
    """Train an image GAN into a folder; resumable.

    name : a published configuration; without it: list them
    config : TOML file of settings; its line extends = NAME says what they change
    explain : print all settings, and what differs from the published ones
    out : folder of the run (default: runs/NAME)
    resume : go on with the run in that folder, which knows its settings
    from_ : branch off from the run in that folder, with other settings
    set : FIELD=VALUE: any setting; train NAME --explain lists them
    """
    from gan_teach.studies.image_runs import read_settings, train_images
    from gan_teach.studies.sweeps import short
    from gan_teach.zoo import IMAGE_GANS, image_gan
    from gan_teach.zoo.images import changed

    if resume and (out or from_):
        raise ValueError("--resume goes on in the run's own folder: leave out --out and --from.")
    name, changes, how = _wanted(name, config, set, flags)
    folder = resume or from_
    if not (name or folder or config):
        print_rows((name, f"{c.summary}; {c.steps:,} steps") for name, c in IMAGE_GANS.items())
        return 0
    base = image_gan(name) if name else read_settings(folder).config if folder else None
    chosen = changed(base, **changes)
    if explain:
        print_rows(_explained(chosen))
        return 0
    if from_:
        own = "-".join([from_.name, *(field + short(value) for field, value in changes.items())])
        out = out or from_.with_name(own)
    out = resume or out or Path("runs") / (config.stem if config else chosen.name)
    train_images(chosen, out, resume=resume is not None, start=from_, progress=True, **how)
    print(f"wrote {out}")
    return 0


def _explained(config: Any) -> list[tuple[str, str]]:
    import torch

    from gan_teach.zoo import IMAGE_GANS
    from gan_teach.zoo.images import NETWORKS

    with torch.device("meta"):  # refuses, without weights, what training refuses
        shape = config.channels or 3, config.size, config.size
        config.pair(shape, classes=int(config.conditional))
    changes = config.changes(IMAGE_GANS.get(config.name, config))
    rows = [(config.name or "own settings", config.summary)]
    for name, value in config.identity().items():
        shown = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value).lower()
        if name == "networks":  # and what they can be given in brackets, with the defaults
            _, _, *own = inspect.signature(NETWORKS[shown.partition("(")[0]]).parameters.values()
            shown += f"  (takes {', '.join(map(str, own))})" if own else ""
        shown += f"  (published: {changes[name][1]})" if name in changes else ""
        rows.append((name, shown))
    return [*rows, ("unlike the authors' code", config.differs or "nothing that is known")]


@command(*TRAINING, text=True, several=KNOBS)
def sweep(
    name: str | None = None, *, config: Path | None = None, out: Path | None = None,
    vary: Sequence[str] = (), jobs: int = 1, cluster: str | None = None, set: Sequence[str] = (),
    **flags: Any,
) -> int:  # fmt: skip
    """Train every combination of seeds and knobs, each into its folder; resumable.

    name : of gan-teach train, or a published grid; without it: list these
    config : TOML file of settings, as for gan-teach train
    out : folder of the runs (default: runs/sweep-NAME)
    vary : FIELD=VALUE,VALUE: values of any setting
    jobs : processes
    cluster : jobs of a cluster instead, by submitit: slurm, local
    set : FIELD=VALUE: any setting; train NAME --explain lists them
    """
    from gan_teach.studies.sweeps import grid_of, sweep_images
    from gan_teach.zoo import GRIDS
    from gan_teach.zoo.images import entries

    if not (name or config):
        print_rows((name, g.summary) for name, g in GRIDS.items())
        return 0
    own = config.stem if config else name
    name, changes, how = _wanted(name, config, set, flags)
    knobs = {knob: changes.pop(knob) for knob in KNOBS if isinstance(changes.get(knob), list)}
    for text in vary:
        field, _, values = text.partition("=")
        knobs[field] = list(entries(field, values))
    runs = grid_of(name, knobs, **changes)
    out, failed, here = out or Path("runs") / f"sweep-{own}", 0, 0
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

_SOURCE = "gan_teach.cli.images:_generator"


@command(_SOURCE)
def sample(*, n: int = 64, seed: int = 0, out: Path | None = None, **source: Any) -> int:
    """Images from a trained run: a sheet, an array or single files.

    n : images
    """
    from gan_teach.studies import recording

    g, folder, asked = _generator(**source)
    latents = recording.fixed_latents(_checks.whole("n", n, least=1), g.latent, seed)
    latents = recording.ask(g.latent, latents, asked) if asked else latents
    out, names = out or folder / "sample.png", list(g.run.classes if g.run else ())
    labels = [names[asked[k % len(asked)]] for k in range(n)] if asked else []
    columns = len(asked) if len(asked) > 1 else None
    recording.save_images(out, g.draw(latents), columns, labels)
    print(f"wrote {out}")
    return 0


@command(_SOURCE)
def interpolate(
    *, rows: int = 6, steps: int = 10, through: int = 2, spherical: bool = False, seed: int = 0,
    out: Path | None = None, **source: Any,
) -> int:  # fmt: skip
    """Images on the way between latents: a sheet and a film, an array or single files.

    rows : ways
    steps : images from one latent to the next
    through : latents on each way
    spherical : along the sphere, not straight
    class_ : of a conditional GAN; several: from one to the next, the noise as it is
    """
    from gan_teach.studies import recording

    g, folder, asked = _generator(**source)
    rows = _checks.whole("rows", rows, least=1)
    morphs = len(asked) > 1  # from class to class, and the noise stays
    count = len(asked) if morphs else _checks.whole("through", through, least=2)
    noise = recording.fixed_latents(rows * count, g.latent, seed).unflatten(0, (count, rows))
    noise = noise[:1].expand_as(noise) if morphs else noise
    latents = noise.transpose(0, 1).flatten(0, 1)
    latents = recording.ask(g.latent, latents, asked) if asked else latents
    spherical, classes = spherical and not morphs, getattr(g.latent, "classes", 0)
    way = recording.along(latents.unflatten(0, (rows, count)), steps, spherical, classes)
    images, out = g.draw(way.flatten(0, 1)), out or folder / "interpolation.png"
    recording.save_images(out, images, columns=way.shape[1])
    print(f"wrote {out}")
    if out.suffix not in ("", ".npz"):
        frames = images.reshape(*way.shape[:2], *images.shape[1:])
        recording.save_film(out.with_suffix(".gif"), frames)
        print(f"wrote {out.with_suffix('.gif')}")
    return 0


def _generator(
    run: Path, *, step: int | None = None, ema: str | None = None, class_: Sequence[str] = ()
) -> tuple[Any, Path, list[int]]:
    """A generator of a run, or that of a published file; the folder for pictures; the classes.

    run : a run's folder, or a file of RS-GAN
    step : saved step to draw from (default: last)
    ema : decay of the average to draw from, or raw (default: last)
    class_ : by name or number, of a conditional GAN; several: in turn
    seed : of the latents
    out : sheet (.png, .pdf, .eps), array (.npz) or new folder of single images
    """
    from gan_teach.studies.evaluation import Generator, candidates

    steps = () if step is None else (step,)
    every_one = candidates(run, averages=[ema] if ema else (), steps=steps, last=not steps)
    holds = "several runs" if len({g.source for g in every_one}) > 1 else ""
    if holds or not isinstance(every_one[0], Generator):
        holds = holds or "images and no run"
        raise ValueError(f"{run} holds {holds}: name a folder of gan-teach train.")
    g = every_one[-1]
    if step not in (None, g.step):
        raise ValueError(f"{run} has no steps to choose from: leave out --step.")
    classes: Mapping[str, int] = g.run.classes if g.run else {}
    if class_ and not classes:
        raise ValueError(f"{run} has no classes to ask for: train with --conditional.")
    names = {str(number): name for number, name in enumerate(classes)} | {n: n for n in classes}
    able = [name for name, images in classes.items() if images]
    chosen = [_checks.choice("class", names.get(one, one), able) for one in class_]
    return g, Path() if run.is_file() else run, [[*classes].index(name) for name in chosen]


# -- evaluate --------------------------------------------------------------------------------------


_EVALUATION = "gan_teach.studies.evaluation"


@command(f"{_EVALUATION}:evaluate", f"{_EVALUATION}:candidates")
def evaluate(
    sources: Sequence[str], *, ema: Sequence[str] = (), step: Sequence[int] = (),
    out: Path | None = None, csv: Path | None = None, device: str | None = None, **options: Any,
) -> int:  # fmt: skip
    """Score runs, sweeps, published weights, functions or images; resumable.

    sources : a run's or sweep's folder, a file of RS-GAN, MODULE:FUNCTION of (n, rng), or images:
        folder, .zip, .npy, .npz
    ema : decays, or raw (default: all)
    features : inception, digits, cifar, or a file (default: inception if it is there)
    data : the real images, or an .npz of mu and sigma, if not those of the runs
    size : pixels that images are scaled to
    channels : 1 for grey images, 3 for color
    skip_bad : leave out files that do not fit
    n : images of each
    seed : of the latents
    step : only these saved steps
    every : only steps that are multiples of it
    last : only the last saved step
    untrained : also G as each run started it
    device : cpu, cuda, ... (default: a GPU if there is one)
    out : folder of what it writes (default: the run or sweep)
    csv : also write what was asked for into this file
    save_stats : also write mu and sigma of the real images' features: FILE.npz
    """
    from gan_teach import plots
    from gan_teach.plots import style
    from gan_teach.studies import evaluation

    out, device = out or evaluation.default_folder(sources[0]), _said(device)
    options |= {"averages": ema, "steps": step, "out": out, "device": device}
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
    written += [options["save_stats"]] if "save_stats" in options else []
    for path in written:
        print(f"wrote {path}")
    return 0


@command()
def blind(
    a: str, b: str, *, pairs: int = 20, n: int = 16, ema: str | None = None,
    size: int | None = None, seed: int = 0, out: Path = Path("blind.png"),
) -> int:  # fmt: skip
    """Which of two looks better? Pairs of sheets that do not say which is which.

    a : as in evaluate: a run, a file of RS-GAN, MODULE:FUNCTION, or images
    b : what it is compared with
    pairs : pairs of sheets
    n : images of a sheet
    ema : decay, or raw (default: last)
    size : pixels that images are scaled to
    seed : of the images and of the order
    out : picture of the pairs
    """
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

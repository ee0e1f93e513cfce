"""Long image runs that the chapters show, reduced to small files by ``gan-teach study NAME``.

The run itself lies in a folder that ``gan-teach train`` could have made; it is trained to its end
first. What is kept: losses, scores of G and of one of its averages at each snapshot, sheets of a
few moments as bytes, and for one run the weights of the last generator.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gan_teach import _checks, metrics, zoo
from gan_teach.dynamics import RULES
from gan_teach.dynamics.streams import DRAWS, generator
from gan_teach.games.losses import Loss
from gan_teach.games.penalties import Penalty
from gan_teach.history import History
from gan_teach.metrics.features import digit_classifier, load_extractor, name_stacks
from gan_teach.metrics.features.classifier import COMBINATIONS
from gan_teach.studies.image_runs import (
    Settings,
    draw,
    fixed_latents,
    load_run,
    snapshots,
    train_images,
)

MOMENTS = 6  # sheets that are kept
LOSS_ROWS = 400
SEED = 1  # of the latents that are scored
WEIGHTS = "weights/"  # how the names of kept weights begin in a record's static arrays

SCHEMA = 1  # of the names, units and meanings in a record; to be raised when one of them changes

Images = NDArray[np.floating]
Scorer = Callable[[Images], dict[str, float]]


@dataclass(frozen=True)
class ImageRecord:
    """A run of one configuration, and what is kept of it.

    average : the average of G that is scored and drawn ("raw": G itself, which is always scored).
    others : averages that are scored as well. run : what is trained.
    scorer : makes, from the run's data set, a function of generated images that gives named
    numbers, and facts about the scores for ``meta``; ``samples`` images are scored at each
    snapshot. shown : images of a sheet. weights : keep those of the average at the end.
    """

    summary: str
    run: Settings
    average: str
    scorer: Callable[[Any], tuple[Scorer, dict[str, Any]]]
    samples: int
    shown: int = 40
    weights: bool = False
    others: tuple[str, ...] = ()


def in_words(value: Any) -> Any:
    """Settings as plain data, for a record to say what it is the result of.

    Functions give their names, and a published game its fields, so that moving code about in the
    library makes no record another.
    """
    if isinstance(value, Penalty):
        return {"name": value.name, "weight": float(value.weight)}
    if isinstance(value, Loss):
        return value.name
    if isinstance(value, partial):
        own = {"name": value.func, "arguments": value.args, **value.keywords}
        return {k: in_words(v) for k, v in own.items() if v != ()}
    if value in RULES.values():  # classes, which records know by the names of their functions
        return next(name for name, rule in RULES.items() if rule is value)
    if is_dataclass(value) and not isinstance(value, type):
        named = {f.name: in_words(getattr(value, f.name)) for f in fields(value)}
        return {k: v for k, v in named.items() if k != "summary"}
    if isinstance(value, (list, tuple)):
        return [in_words(v) for v in value]
    return value.__name__.lstrip("_") if callable(value) else value


def check(history: History, settings: Mapping[str, Any], path: Path) -> History:
    """The record, if it is of this schema and of these settings. Else ValueError names what is not.

    ``path`` is where it lies.
    """
    schema = history.meta.get("schema")
    if schema != SCHEMA:
        raise ValueError(f"{path} is a record of schema {schema}; this version reads {SCHEMA}.")
    made = history.meta["settings"]
    different = [k for k in {**settings, **made} if settings.get(k) != made.get(k)]
    if different:
        told = ", ".join(f"{k} = {made.get(k)!r} (now {settings.get(k)!r})" for k in different)
        raise ValueError(f"{path} was made with {told}: make it anew by gan-teach study.")
    return history


def settings(name: str, run: Settings | None = None) -> dict[str, Any]:
    """What the record of that name is the result of, as plain data; or a run's own ``Settings``."""
    record = IMAGE_RECORDS[name]
    run = run or record.run
    kept = {k: in_words(getattr(record, k)) for k in ("average", "others", "samples")}
    own = {k: getattr(run, k) for k in ("config", "seed", "autocast")}
    return {**kept, **own, **in_words(run.experiment())}


def make(name: str, out: Path, run: Path, *, data: str | None = None) -> History:
    """Train the run of the record ``name`` in the folder ``run`` to its end, and write the record.

    A run that is there goes on with the settings it was started with. ValueError for an unknown
    name, KeyboardInterrupt after Ctrl-C; the same call then goes on.
    """
    record = IMAGE_RECORDS[_checks.choice("record", name, IMAGE_RECORDS)]
    chosen = replace(record.run, data=data, channels_last=True)
    chosen = load_run(run).settings if snapshots(run) else chosen
    train_images(chosen, run, resume=True, progress=True)
    facts = {"schema": SCHEMA, "settings": settings(name, chosen), "draws": DRAWS}
    facts |= {"record": name, "title": record.summary}
    history = condensed(record, run).describe(meta=facts)
    history.save(out / f"{name}.npz")
    return history


def losses(record: History) -> History:
    """Both losses of a record over all of its run, for ``plots.losses``."""
    arrays = {name: record.static[name] for name in ("d_loss", "g_loss")}
    meta = {k: v for k, v in record.meta.items() if k in ("loss", "label_smoothing", "unit")}
    return History(record.static["loss_steps"], arrays, meta=meta)


def generator_of(record: History) -> Any:
    """The generator whose weights a record holds, for ``image_runs.draw``. ValueError if none."""

    kept = {k.removeprefix(WEIGHTS): v for k, v in record.static.items() if k.startswith(WEIGHTS)}
    if not kept:
        raise ValueError(f"the record {record.meta.get('record')!r} holds no generator's weights.")
    experiment = zoo.IMAGE_GANS[record.meta["config"]]
    g, _ = experiment.pair(experiment, record.static["sheets"].shape[2:], 0, 0)
    g.load_state_dict({k: torch.from_numpy(v.astype(np.float32)) for k, v in kept.items()})
    return g.requires_grad_(False)


def condensed(record: ImageRecord, run: Path) -> History:
    """The small record of the run in that folder, as far as it has come."""
    trained = load_run(run)
    data, _ = trained.settings.images()
    score, facts = record.scorer(data)
    latents = fixed_latents(record.samples, trained.latent, SEED)
    files = snapshots(run)
    steps = np.array(list(files))
    moments = np.unique(np.linspace(0, len(files) - 1, MOMENTS).round().astype(int))
    scores: dict[str, list[float]] = {}
    sheets = []
    for step, file in files.items():
        trained.load(file)
        for which in ("raw", record.average, *record.others):
            images = draw(trained.generators[which], latents)
            for number, value in score(images).items():
                scores.setdefault(f"{number}_{which}", []).append(value)
            if which == record.average and step in steps[moments]:
                sheets.append(_bytes(images[: record.shown]))
    static = {"sheets": np.stack(sheets), "sheet_steps": steps[moments], **_losses(run)}
    if record.weights:  # in half precision: no pixel differs by more than a few grey levels
        weights = trained.generators[record.average].state_dict()
        static |= {WEIGHTS + k: v.numpy().astype(np.float16) for k, v in weights.items()}
    return History(steps, scores, static, {**facts, **_facts(record, trained, data)})


def _bytes(images: Images) -> NDArray[np.uint8]:
    return np.rint((np.clip(images, -1, 1) + 1) * 127.5).astype(np.uint8)


def _losses(run: Path) -> dict[str, NDArray]:
    """Both losses over the steps at which the run wrote them, thinned to a few hundred rows."""
    with (run / "losses.csv").open(newline="", encoding="utf-8") as text:
        rows = list(csv.DictReader(text))
    rows = rows[:: max(1, len(rows) // LOSS_ROWS)]
    columns = {k: np.array([float(r[k] or "nan") for r in rows], np.float32) for k in rows[0]}
    both = {k: values for k, values in columns.items() if k.endswith("_loss")}
    return {"loss_steps": columns["step"].astype(int), **both}


def _facts(record: ImageRecord, trained: Any, data: Any) -> dict[str, Any]:
    experiment = trained.settings.experiment()
    names = ("features", "batch_size", "label_smoothing", "latent")
    return {
        **{name: getattr(experiment, name) for name in names},
        **{name: getattr(record, name) for name in ("average", "samples")},
        "config": record.run.config,
        "data": data.name,
        "images": len(data),
        "loss": experiment.loss.name,
        "unit": "step",
        "parameters": sum(p.numel() for p in trained.generators["raw"].parameters()),
    }


# -- scores ---------------------------------------------------------------------------------------


def _digit_scores(data: Any) -> tuple[Scorer, dict[str, Any]]:
    """Frechet distance from the run's data, and Inception Score, by the classifier of digits."""

    extract = digit_classifier()
    real = extract(data.floats())
    half = len(real) // 2
    order = np.random.default_rng(0).permutation(len(real))

    def score(images: Images) -> dict[str, float]:
        found = extract(torch.from_numpy(images))
        named = metrics.inception_score(extract.probabilities(found)).mean
        return {"frechet": metrics.sample_frechet(found, real), "inception": named}

    return score, {
        "distance": extract.frechet_name,
        "accuracy": extract.accuracy,
        "real_frechet": metrics.sample_frechet(real[order[:half]], real[order[half:]]),
        "real_inception": metrics.inception_score(extract.probabilities(real)).mean,
    }


def _photo_scores(data: Any) -> tuple[Scorer, dict[str, Any]]:
    """Frechet distance from the run's data by the classifier of CIFAR-10."""

    extract = load_extractor("cifar")
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(0))
    real, other = (
        extract(data[rows].floats()) for rows in (order[:PHOTOS], order[PHOTOS : PHOTOS + DRAWN])
    )

    def score(images: Images) -> dict[str, float]:
        return {"frechet": metrics.sample_frechet(extract(torch.from_numpy(images)), real)}

    return score, {
        "distance": extract.frechet_name,
        "real_frechet": metrics.sample_frechet(other, real),
    }


def _stack_scores(data: Any) -> tuple[Scorer, dict[str, Any]]:
    """Combinations of three digits that occur, and the KL of their shares from the uniform."""
    judge = digit_classifier()

    def score(images: Images) -> dict[str, float]:
        named = name_stacks(judge, torch.from_numpy(images))
        covered, kl = metrics.class_coverage(named, COMBINATIONS)
        return {"covered": covered, "kl": kl}

    real = score(data.sample(STACKS, generator(SEED)).numpy())
    return score, {"accuracy": judge.accuracy, **{f"real_{k}": v for k, v in real.items()}}


def _pixel_scores(data: Any) -> tuple[Scorer, dict[str, Any]]:
    """Sliced Wasserstein distance of pixels from as many images of the run's data."""
    from gan_teach.dynamics.streams import generator

    def drawn(seed: int) -> Images:
        return data.sample(PIXELS, generator(seed)).flatten(1).numpy()

    real = drawn(1)
    return lambda images: {
        "sliced": metrics.sliced_wasserstein(images.reshape(len(images), -1), real)
    }, {"real_sliced": metrics.sliced_wasserstein(drawn(2), real)}


def _nearest_scores(data: Any) -> tuple[Scorer, dict[str, Any]]:
    """Mean distance per pixel from a fake to its nearest real image, mirrored ones included."""
    pixels = data.floats()
    real = np.concatenate([pixels.numpy(), pixels.flip(-1).numpy()]).reshape(2 * len(pixels), -1)

    def nearest(x: Images, leave_out: int = 0) -> float:
        squared = (x**2).sum(1)[:, None] - 2 * x @ real.T + (real**2).sum(1)
        closest = np.sort(np.maximum(squared, 0), 1)[:, leave_out]
        return float(np.sqrt(closest / real.shape[1]).mean())

    return lambda images: {"nearest": nearest(images.reshape(len(images), -1))}, {
        "real_nearest": nearest(real, leave_out=1)
    }


STACKS = 5000  # samples in which combinations are counted
PIXELS = 2000  # images whose pixels are compared
PHOTOS, DRAWN = 5000, 2000  # real ones, and generated ones that are compared with them


def _rsgan(loss: str, title: str) -> ImageRecord:
    return ImageRecord(
        f"CNN of a quarter of the width, CIFAR-10, {title} loss",
        Settings(f"cifar-{loss}-cnn", features=16, steps=12_000, autocast="bf16"),
        "raw", _photo_scores, DRAWN, shown=16, others=("0.9999",),
    )  # fmt: skip


def _timescale(tau: int) -> ImageRecord:
    return ImageRecord(
        f"R1 and time-scale separation on CIFAR-10 at 16 pixels, tau = {tau}",
        Settings("cifar-timescale-small", tau=float(tau), autocast="bf16"),
        "0.99", _photo_scores, DRAWN, shown=16, others=("0.9", "0.999", "0.9999"),
    )  # fmt: skip


IMAGE_RECORDS: dict[str, ImageRecord] = {
    "mnist-vanilla": ImageRecord(
        "Vanilla GAN of MNIST, as published", Settings("mnist-vanilla"),
        "0.999", _digit_scores, 5000,
    ),
    "mnist-dcgan": ImageRecord(
        "DCGAN of MNIST, half the width",
        Settings("mnist-dcgan", features=32, batch_size=64, steps=12_000, autocast="bf16"),
        "0.999", _digit_scores, 5000,
    ),
    "cifar-dcgan-small": ImageRecord(
        "Small DCGAN of CIFAR-10", Settings("cifar-dcgan-small"),
        "0.99", _pixel_scores, PIXELS, shown=16,
    ),
    "faces-dcgan": ImageRecord(
        "Narrow DCGAN of a hundred faces", Settings("faces-dcgan"),
        "0.999", _nearest_scores, 200, weights=True,
    ),
    "stacked-mnist-r3gan": ImageRecord(
        "Stacked digits, RpGAN + R1 + R2", Settings("stacked-mnist-r3gan"),
        "0.99", _stack_scores, STACKS,
    ),
    "stacked-mnist-vanilla": ImageRecord(
        "Stacked digits, loss of 2014", Settings("stacked-mnist-vanilla"),
        "0.99", _stack_scores, STACKS,
    ),
    "cifar-rsgan-quarter": _rsgan("rsgan", "paired"),
    "cifar-jsgan-quarter": _rsgan("jsgan", "separable"),
    **{f"cifar-timescale-{tau}": _timescale(tau) for tau in (1, 2, 4, 8)},
}  # fmt: skip
"""The records of image runs by name."""

"""Long image runs that the chapters show, reduced to small files by ``gan-teach study NAME``.

The run itself lies in a folder that ``gan-teach train`` could have made; it is trained to its end
first. What is kept: losses, scores of G and of one of its averages at each snapshot, sheets of a
few moments as bytes, and for one run the weights of the last generator.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gan_teach import _checks, metrics
from gan_teach.dynamics import RULES
from gan_teach.dynamics.streams import DRAWS, generator
from gan_teach.games.corrupt import AUGMENTATIONS
from gan_teach.games.penalties import Penalty
from gan_teach.history import History
from gan_teach.metrics.features import digit_classifier, load_extractor, name_stacks
from gan_teach.metrics.features.classifier import COMBINATIONS
from gan_teach.studies import image_runs
from gan_teach.studies.evaluation import Generator, candidates
from gan_teach.studies.image_runs import RAW
from gan_teach.studies.recording import levels
from gan_teach.studies.sweeps import merge
from gan_teach.zoo import ImageGAN, image_gan

MOMENTS = 6  # sheets that are kept
LOSS_ROWS = 400  # of the steps at which the run wrote both losses
SEED = 1  # of the latents that are scored
WEIGHTS = "weights/"  # how the names of kept weights begin in a record's static arrays

SHOWN = (
    "config", "average", "samples", "features", "batch_size", "label_smoothing", "latent", "loss",
)  # fmt: skip
"""Settings that stand in a record's ``meta`` too, for titles and tables."""

SCHEMA = 1  # of the names, units and meanings in a record; to be raised when one of them changes

Scorer = Callable[[Tensor], dict[str, float]]
Scoring = tuple[Scorer, dict[str, Any]]


@dataclass(frozen=True)
class ImageRecord:
    """A run of one configuration, and what is kept of it.

    config : its published name, with ``changes``. average : the average of G that is scored and
    drawn ("raw": G itself, which is always scored). others : averages that are scored as well.
    scorer : makes, from the run's data set, a function of generated images that gives named
    numbers, and facts about the scores for ``meta``; ``samples`` images are scored at each
    snapshot, of which there is one ``every`` so many steps. shown : images of a sheet. weights :
    keep those of the average at the end. seeds : from that of the configuration on; with several
    the record is an ensemble's.
    """

    summary: str
    config: str
    average: str
    scorer: Callable[[Any], Scoring]
    samples: int
    shown: int = 40
    weights: bool = False
    others: tuple[str, ...] = ()
    every: int = 500
    seeds: int = 1
    changes: Mapping[str, Any] = field(default_factory=dict)

    def run(self) -> ImageGAN:
        """What is trained."""
        return image_gan(self.config, **self.changes)


def in_words(value: Any) -> Any:
    """Settings as plain data, for a record to say what it is the result of.

    Functions give their names, and a published game its fields, so that moving code about in the
    library makes no record another.
    """
    if isinstance(value, Penalty):
        return {"name": value.name, "weight": float(value.weight)}
    if isinstance(value, ImageGAN):
        decides = {k: v for k, v in value.identity().items() if k not in _HOW}
        return {"config": value.name, **in_words(decides)}
    if isinstance(value, partial):
        own = {"name": value.func, "arguments": value.args, **value.keywords}
        return {k: in_words(v) for k, v in own.items() if v != ()}
    if value in RULES.values():  # classes, which records know by the names of their functions
        return next(name for name, rule in RULES.items() if rule is value)
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: in_words(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, dict):
        return {k: in_words(v) for k, v in value.items()}
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
    names = [name for name in {**settings, **made} if made.get(name) != settings.get(name)]
    if names:
        each = [f"{name} = {made.get(name)!r} (now {settings.get(name)!r})" for name in names]
        raise ValueError(
            f"{path} was made with {', '.join(each)}: make it anew by gan-teach study."
        )
    return history


_HOW = ("channels_last", "skip_bad", "workers")  # settings of the same numbers


def settings(name: str, run: ImageGAN | None = None) -> dict[str, Any]:
    """What the record of that name is the result of, as plain data; or a run's configuration."""
    record = IMAGE_RECORDS[name]
    kept = {k: in_words(getattr(record, k)) for k in ("average", "others", "samples")}
    return {**kept, **in_words(run or record.run())}


def make(
    name: str, out: Path, run: Path, *, seeds: int | None = None, data: str | None = None
) -> History:
    """Train the runs of the record ``name`` in the folder ``run`` to their end, and write it.

    The first seed lies in ``run`` itself, each further one in a folder there, so there may be more
    of them at any time. All go on with the settings that the first was started with. ValueError for
    an unknown name and for a seed of other settings, KeyboardInterrupt after Ctrl-C; the same call
    then goes on.
    """
    record = IMAGE_RECORDS[_checks.choice("record", name, IMAGE_RECORDS)]
    count = _checks.whole("seeds", record.seeds if seeds is None else seeds, least=1)
    folders = [run, *(run / f"seed-{k}" for k in range(1, count))]
    own = {} if data is None else {"data": data}
    first = replace(record.run(), channels_last=True, **own)
    first = image_runs.load_run(run).config if image_runs.snapshots(run) else first
    parts = []
    for seed, folder in enumerate(folders, first.seed):
        one = replace(first, seed=seed)
        image_runs.train_images(one, folder, every=record.every, resume=True, progress=True)
        parts.append(condensed(record, folder).describe(static={"seed": seed}))
    history = parts[0] if count == 1 else merge([_member(part) for part in parts], planned=count)
    made = settings(name, replace(first, data=record.run().data))  # wherever it lay
    history = history.describe(meta={k: made[k] for k in SHOWN})
    return write(history, name, record.summary, made, out)


def _member(run: History) -> History:
    """A run as an ensemble of one."""
    static = {k: a[None] for k, a in run.static.items()}
    facts = {"members": 1, "static_per_member": [*static]}
    return History(run.steps, {k: run[k][:, None] for k in run}, static, {**run.meta, **facts})


def write(
    history: History, name: str, title: str, settings: Mapping[str, Any], out: Path
) -> History:
    """Write ``out/NAME.npz`` and what it is the result of, for ``check``; what was written."""
    facts = {"schema": SCHEMA, "settings": settings, "draws": DRAWS, "record": name, "title": title}
    history = history.describe(meta=facts)
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
    made = {name: record.meta["settings"][name] for name in ("features", "latent")}
    g, _ = image_gan(record.meta["config"], **made).pair(record.static["sheets"].shape[2:])
    g.load_state_dict({k: torch.from_numpy(v.astype(np.float32)) for k, v in kept.items()})
    return g.requires_grad_(False)


def condensed(record: ImageRecord, run: Path) -> History:
    """The small record of the run in that folder, as far as it has come."""
    trained, saved = image_runs.load_run(run), np.array(list(image_runs.snapshots(run)))
    steps = saved[saved % record.every == 0]  # it was saved where it was interrupted, too
    data = trained.config.images()
    score, facts = record.scorer(data)
    latents = image_runs.fixed_latents(record.samples, trained.config.latents(), SEED)
    moments = steps[np.unique(np.linspace(0, len(steps) - 1, MOMENTS).round().astype(int))]
    scores: dict[str, list[float]] = {}
    sheets = []
    averages = (RAW, record.average, *record.others)
    for g in candidates(run, averages=averages, every=record.every):
        assert isinstance(g, Generator)  # what a run has
        images = g.draw(latents)
        for number, value in score(torch.from_numpy(images)).items():
            scores.setdefault(f"{number}_{g.average}", []).append(value)
        if g.average == record.average and g.step in moments:
            sheets.append(levels(images[: record.shown]))
    static = {"sheets": np.stack(sheets), "sheet_steps": moments}
    log = image_runs.recorded(run)
    thin = slice(None, None, max(1, len(log) // LOSS_ROWS))
    static |= {"loss_steps": log.steps[thin].astype(int)}
    static |= {name: log[name][thin].astype(np.float32) for name in ("d_loss", "g_loss")}
    if record.weights:  # in half precision: no pixel differs by more than a few grey levels
        weights = trained.generators[record.average].state_dict()
        static |= {WEIGHTS + k: v.numpy().astype(np.float16) for k, v in weights.items()}
    count = sum(p.numel() for p in trained.generators[RAW].parameters())
    facts |= {"data": data.name, "images": len(data), "unit": "step", "parameters": count}
    return History(steps, scores, static, facts)


# -- scores ---------------------------------------------------------------------------------------


def _digit_scores(data: Any) -> Scoring:
    """Frechet distance from the run's data, and Inception Score, by the classifier of digits."""
    extract = digit_classifier()
    real = extract(data.floats())
    half, order = len(real) // 2, np.random.default_rng(0).permutation(len(real))
    facts = {
        "distance": extract.frechet_name,
        "accuracy": extract.accuracy,
        "real_frechet": metrics.sample_frechet(real[order[:half]], real[order[half:]]),
        "real_inception": metrics.inception_score(extract.probabilities(real)).mean,
    }

    def score(images: Tensor) -> dict[str, float]:
        features = extract(images)
        named = metrics.inception_score(extract.probabilities(features)).mean
        return {"frechet": metrics.sample_frechet(features, real), "inception": named}

    return score, facts


def _photo_scores(data: Any) -> Scoring:
    """Frechet distance from the run's data by the classifier of CIFAR-10."""
    extract = load_extractor("cifar")
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(0))
    real = extract(data[order[:PHOTOS]].floats())

    def score(images: Tensor) -> dict[str, float]:
        return {"frechet": metrics.sample_frechet(extract(images), real)}

    others = score(data[order[PHOTOS : PHOTOS + DRAWN]].floats())
    return score, {"distance": extract.frechet_name, "real_frechet": others["frechet"]}


def _stack_scores(data: Any) -> Scoring:
    """Combinations of three digits that occur, and the KL of their shares from the uniform."""
    judge = digit_classifier()

    def score(images: Tensor) -> dict[str, float]:
        covered, kl = metrics.class_coverage(name_stacks(judge, images), COMBINATIONS)
        return {"covered": covered, "kl": kl}

    real = score(data.sample(STACKS, generator(SEED)))
    return score, {"accuracy": judge.accuracy, **{f"real_{k}": v for k, v in real.items()}}


def _pixel_scores(data: Any) -> Scoring:
    """Sliced Wasserstein distance of pixels from as many images of the run's data."""
    real = data.sample(PIXELS, generator(1)).flatten(1).numpy()

    def score(images: Tensor) -> dict[str, float]:
        return {"sliced": metrics.sliced_wasserstein(images.flatten(1).numpy(), real)}

    return score, {"real_sliced": score(data.sample(PIXELS, generator(2)))["sliced"]}


def _nearest_scores(data: Any) -> Scoring:
    """Mean distance per pixel from a fake to its nearest real image, mirrored ones included."""
    pixels = data.floats()
    real = torch.cat([pixels, pixels.flip(-1)]).flatten(1).numpy()

    def nearest(x: NDArray, leave_out: int = 0) -> float:
        squared = (x**2).sum(1)[:, None] - 2 * x @ real.T + (real**2).sum(1)
        closest = np.sort(np.maximum(squared, 0), 1)[:, leave_out]
        return float(np.sqrt(closest / real.shape[1]).mean())

    def score(images: Tensor) -> dict[str, float]:
        return {"nearest": nearest(images.flatten(1).numpy())}

    return score, {"real_nearest": nearest(real, leave_out=1)}


STACKS = 5000  # samples in which combinations are counted
PIXELS = 2000  # images whose pixels are compared
PHOTOS, DRAWN = 5000, 2000  # real ones, and generated ones that are compared with them


_FACES = {
    "latent": 8, "lr": 1e-3, "batch_size": 32, "label_smoothing": 1.0, "d_every": 1,
    "averages": (0.995,), "steps": 1000, "seed": 1,
}  # fmt: skip
IMAGE_RECORDS: dict[str, ImageRecord] = {
    "mnist-vanilla": ImageRecord(
        "Vanilla GAN of MNIST, as published", "mnist-vanilla", "0.999", _digit_scores, 5000,
        every=600,
    ),
    "mnist-dcgan": ImageRecord(
        "DCGAN of MNIST, half the width", "mnist-dcgan", "0.999", _digit_scores, 5000,
        every=1000,
        changes={"features": 32, "batch_size": 64, "steps": 12_000, "precision": "bf16"},
    ),
    "cifar-dcgan-small": ImageRecord(
        "Small DCGAN of CIFAR-10", "cifar-dcgan-small", "0.99", _pixel_scores, PIXELS, shown=16,
        every=250,
    ),
    "faces-dcgan": ImageRecord(
        "Narrow DCGAN of a hundred faces", "faces-dcgan", "0.999", _nearest_scores, 200,
        weights=True,
    ),
    **{f"faces-{arm}-1": ImageRecord(
        f"A hundred faces, D at every step, {arm}", "faces-dcgan", "0.995", _nearest_scores, 200,
        weights=True, changes=_FACES | {"augment": kinds},
    ) for arm, kinds in (("plain", ()), ("augmented", AUGMENTATIONS))},
    "stacked-mnist-r3gan": ImageRecord(
        "Stacked digits, RpGAN + R1 + R2", "stacked-mnist-r3gan", "0.99", _stack_scores, STACKS,
    ),
    "stacked-mnist-vanilla": ImageRecord(
        "Stacked digits, loss of 2014", "stacked-mnist-vanilla", "0.99", _stack_scores, STACKS,
    ),
    **{f"cifar-{loss}-quarter": ImageRecord(
        f"CNN of a quarter of the width, CIFAR-10, {title} loss", f"cifar-{loss}-cnn", "raw",
        _photo_scores, DRAWN, shown=8, every=2000, seeds=3,
        changes={"features": 16, "steps": 12_000, "averages": (0.999, 0.9999)},
    ) for loss, title in (("rsgan", "paired"), ("jsgan", "separable"))},
    **{f"cifar-timescale-{tau}": ImageRecord(
        f"R1 and time-scale separation on CIFAR-10 at 16 pixels, tau = {tau}",
        "cifar-timescale-small", "0.99", _photo_scores, DRAWN, shown=16, every=100, seeds=3,
        others=("0.9", "0.999", "0.9999"), changes={"tau": tau},
    ) for tau in (1, 2, 4, 8)},
}  # fmt: skip
"""The records of image runs by name."""

"""Generators scored by the images they make: FID or FD(net), KID, IS, PRD, precision and recall.

``evaluate`` scores every saved generator of a run, published weights and folders of images, each
from one pass through one network, into a table that is a file: a second call adds what is new.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gan_teach import __version__, _checks, metrics
from gan_teach._devices import there
from gan_teach._files import replacing
from gan_teach._identity import digest
from gan_teach._progress import progress_bar
from gan_teach.data import Images, Source, load_images
from gan_teach.data.images import to_floats
from gan_teach.dynamics.streams import mix
from gan_teach.metrics import NoiseBand
from gan_teach.metrics.features import Extractor, load_extractor
from gan_teach.metrics.features.classifier import fingerprint
from gan_teach.models.convnets import load_rsgan_generator
from gan_teach.plots.text import Table
from gan_teach.studies.engine import Study, Tick, read_csv, write_csv
from gan_teach.studies.image_runs import (
    RAW,
    Trained,
    draw,
    fixed_latents,
    load_run,
    snapshots,
    training_images,
)

AT_ONCE = 500  # images that are drawn and handed on together, as RS-GAN's authors sampled
UNTRAINED = "untrained"
SCORES: tuple[str, ...] = (
    "frechet", "kid", "inception_score", "prd_f_8", "prd_f_1_8", "precision", "recall",
)  # fmt: skip
"""The names of the scores. PRD: F_8 weighs recall, F_1/8 precision."""

NEIGHBORS = 2000  # images of each kind whose balls make precision and recall; time grows as n^2
REAL = "real images"  # the source of the two rows that are a band
ENDS = ("low", "high")
TITLES = ("FD", "KID", "IS", "PRD F8", "PRD F1/8", "precision", "recall")
TABLE = "scores.csv"
REPEATS, LEVEL = 9, 0.8  # of real against real: lowest and highest of nine

Features = NDArray[np.float64]


def score(fake: Features, real: Features, probabilities: NDArray | None = None) -> dict[str, float]:
    """All ``SCORES`` of generated features (n, d) against real ones (m, d).

    ``probabilities`` (n, classes) of the generated images give the inception score (one split);
    without them it is NaN. PRD takes the first min(n, m) of each, precision and recall (k = 3) the
    first 2,000 at most. Features that are not finite, of a generator that diverged, score NaN.
    """
    if not np.isfinite(fake).all():
        return dict.fromkeys(SCORES, math.nan)
    same = min(len(fake), len(real))
    curve = metrics.prd(fake[:same], real[:same])
    share = metrics.precision_recall(fake[:NEIGHBORS], real[:NEIGHBORS])
    classes = math.nan if probabilities is None else metrics.inception_score(probabilities).mean
    values = (
        metrics.sample_frechet(fake, real), metrics.kid(fake, real), classes, curve.f_8,
        curve.f_1_8, share.precision, share.recall,
    )  # fmt: skip
    return dict(zip(SCORES, map(float, values), strict=True))


@dataclass(frozen=True)
class Row:
    """What one generator scored.

    source : a run, a file of weights or a folder of images. step : of the run, None for the others.
    average : the decay of the average of G, or "raw". features : what the Frechet distance in these
    features is called, "FID" or "FD(net, digest)". n and n_real : generated and real images. key :
    changes with the weights, the real images, the features, n and seed.
    """

    source: str
    step: int | None
    average: str
    features: str
    n: int
    n_real: int
    seed: int
    key: str
    scores: dict[str, float] = field(hash=False)


@dataclass(frozen=True)
class Evaluation:
    """The rows that were asked for, and what real images score against real ones.

    ends : two rows, the lowest and the highest scores of n real images against n others in 80 % of
    trials; none if there are too few.
    """

    rows: list[Row]
    ends: Sequence[Row] = ()

    @property
    def band(self) -> dict[str, NoiseBand]:
        """The two ends by score; empty if there are none."""
        scores = [row.scores for row in self.ends]
        return {name: NoiseBand(*(end[name] for end in scores)) for name in SCORES if scores}

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write rows and band as one CSV file that ``read_rows`` reads."""
        return save_rows(path, [*self.rows, *self.ends])

    def table(self) -> Table:
        """The scores as a table, with the noise of real images in its last line."""
        lines = [
            [row.source, "" if row.step is None else row.step, row.average, *row.scores.values()]
            for row in self.rows
        ]
        if self.band:
            ends = [f"{b.low:.3g} to {b.high:.3g}" for b in self.band.values()]
            lines.append([REAL, "", "", *ends])
        first, the = self.rows[0], "the " if self.rows[0].features == "FID" else ""
        caption = (
            f"FD is {the}{first.features} of {first.n} generated against {first.n_real} real "
            "images. So few bias it upwards: compare it with rows of as many, and with real "
            "against real images."
        )
        return Table(["source", "step", "average", *TITLES], lines, caption=caption)


def read_rows(path: str | os.PathLike[str]) -> list[Row]:
    """The rows of a table that ``save_rows`` wrote. Raises ValueError for another file."""
    try:
        return [_row(entry) for entry in read_csv(path)]
    except (KeyError, ValueError, TypeError) as error:
        raise ValueError(f"{path} is damaged or no table of scores ({error}).") from error


def _row(entry: dict[str, str]) -> Row:
    scores = {name: float(entry.pop(name)) for name in SCORES}
    facts: dict[str, Any] = {**entry, "step": int(entry["step"]) if entry["step"] else None}
    facts |= {name: int(entry[name]) for name in ("n", "n_real", "seed")}
    return Row(**facts, scores=scores)


def save_rows(path: str | os.PathLike[str], rows: Sequence[Row]) -> Path:
    """Write a table as a CSV file, as a whole or not at all."""
    facts = [f.name for f in fields(Row) if f.name != "scores"]
    write_csv(path, [*facts, *SCORES], [{**vars(row), **row.scores} for row in rows])
    return Path(path)


# -- what can be scored and drawn from -------------------------------------------------------------


@dataclass(frozen=True)
class Generator:
    """One generator; ``load()`` may read its weights.

    ``images()`` makes what its run was trained on; a published file, which does not hold them,
    draws with the statistics of each batch.
    """

    source: str
    step: int | None
    average: str
    load: Callable[[], nn.Module]
    latent: int | Source
    images: Callable[[], Images] | None = None

    def digest(self) -> str:
        """Changes when what it draws does."""
        return f"{fingerprint(self.load())} {self.images is None}"

    def draw(self, latents: Tensor, device: str | torch.device = "cpu") -> np.ndarray:
        """Images (n, C, H, W) in [-1, 1] of latents; a NaN image is drawn as it is."""
        return draw(self.load().to(device), latents, AT_ONCE, batch_statistics=self.images is None)

    def batches(self, n: int, seed: int, device: str | torch.device) -> Iterator[Tensor]:
        """``n`` images of fixed latents, at most 500 at a time."""
        for latents in fixed_latents(n, self.latent, seed).split(AT_ONCE):
            yield torch.from_numpy(self.draw(latents, device))


@dataclass(frozen=True)
class Folder:
    """Images of a folder in the place of generated ones."""

    source: str
    content: Images
    step: None = None
    average: str = "images"
    images: None = None

    def digest(self) -> str:
        """Changes when the images do."""
        return digest(self.content.pixels)

    def batches(self, n: int, seed: int, device: str | torch.device) -> Iterator[Tensor]:
        """``n`` of the images at random, at most 500 at a time."""
        if n > len(self.content):
            raise ValueError(
                f"n must be at most the {len(self.content)} images in {self.source}, got {n}."
            )
        order = torch.randperm(len(self.content), generator=torch.Generator().manual_seed(seed))
        for rows in order[:n].split(AT_ONCE):
            yield self.content[rows].floats().to(device)


def candidates(
    source: str | os.PathLike[str],
    *,
    averages: Sequence[str] = (),
    every: int = 1,
    last: bool = False,
    untrained: bool = False,
    **how: Any,
) -> Sequence[Generator | Folder]:
    """What there is to score in a run's folder, a published file of RS-GAN, or images.

    Of a run: the saved steps that are multiples of ``every``, or the ``last`` one only; each with G
    ("raw") and its averages ("0.999", ...), or those named in ``averages``; with ``untrained`` also
    G as the run started it, as step 0. Images lie in a folder, a zip archive or an array (.npy,
    .npz); ``how`` (size, channels, skip_bad) they are read is as in ``load_images``. Raises
    FileNotFoundError or ValueError for what is none of these.
    """
    path = Path(source)
    if path.is_file() and path.suffix.lower() not in {".pth", ".pt"}:
        return [Folder(path.name, load_images(path, **how))]
    if path.is_file():
        g = load_rsgan_generator(path)
        return [Generator(path.name, None, RAW, lambda: g, next(g.parameters()).shape[1])]
    if path.is_dir() and not (path / "settings.json").exists():
        return [Folder(path.name, load_images(path, **how))]
    trained = load_run(path)
    names = [_checks.choice("--ema", name, trained.generators) for name in averages]
    read = lru_cache(maxsize=1)(partial(load_run, path))  # a step's generators, from one file
    loaders = {
        (step, name): lambda step=step, name=name: read(step).generators[name]
        for step in _chosen(path, every, last)
        for name in names or trained.generators
    }
    if untrained:
        loaders = {(0, UNTRAINED): partial(_untrained, trained), **loaders}
    latents, own = trained.latents, partial(_own_images, trained, path)
    return [Generator(path.name, *at, load, latents, own) for at, load in loaders.items()]


def _own_images(run: Trained, folder: Path) -> Images:
    """What a run was trained on, checked and in memory, however it was read then."""
    images = training_images(run.config, run.data, folder)
    if not isinstance(images, Images):
        images = replace(run.config, workers=None).images()
    assert isinstance(images, Images)
    return images


def _chosen(folder: Path, every: int, last: bool) -> list[int]:
    steps = list(snapshots(folder))
    every = _checks.whole("every", every, least=1)
    chosen = steps[-1:] if last else [step for step in steps if step % every == 0]
    if not chosen:
        saved = ", ".join(map(str, steps[:8]))
        raise ValueError(f"no step of {folder} is a multiple of {every}: it saved {saved} ...")
    return chosen


def _untrained(run: Trained) -> nn.Module:
    """G as the run started it."""
    seeds = (mix(run.config.seed, player) for player in (1, 2))
    return run.config.pair(run.shape, *seeds, classes=len(run.classes))[0]


# -- scoring it ------------------------------------------------------------------------------------


def evaluate(
    *sources: str | os.PathLike[str],
    features: str | os.PathLike[str] | Extractor | None = None,
    data: str | os.PathLike[str] | Images | None = None,
    n: int = 5000,
    seed: int = 0,
    device: str | torch.device = "cpu",
    out: str | os.PathLike[str] | None = None,
    progress: bool = False,
    size: int | None = None,
    channels: int | None = None,
    skip_bad: bool = False,
    **which: Any,
) -> Evaluation:
    """Score every generator of ``sources`` by n images from the same latents, against n real ones.

    Parameters
    ----------
    sources : folders of runs, published files of RS-GAN, images. ``which`` (averages, every, last,
        untrained) chooses among a run's generators, see ``candidates``. size, channels, skip_bad :
        how images are read, those of ``data`` too.
    features : of ``load_extractor``, or an Extractor; by default "digits" for grey images and
        "cifar" for images in color. Only the genuine Inception gives a FID.
    data : real images, a name or a path; by default what the first run was trained on.
    out : folder of scores.csv and of the real images' features, by default that of the first run.
        A generator that the table has already (same weights, real images, features, n, seed and
        version of the library) is not scored again; after an interruption the same call goes on.

    The distance is biased upwards by small n: the band of real against real (2 n real images are
    needed) shows by how much. Raises ValueError and OSError for what cannot be read or compared.
    """
    n, seed = _checks.whole("n", n, least=10), _checks.whole("seed", seed)
    device = there(device)  # before any image is read
    how = {"size": size, "channels": channels, "skip_bad": skip_bad}
    every_one = [one for source in sources for one in candidates(source, **which, **how)]
    images = data if isinstance(data, Images) else _real_images(data, every_one, how)
    if not isinstance(features, Extractor):
        usual = "digits" if images.shape[0] == 1 else "cifar"
        features = load_extractor(features or usual, device=device)
    folder = default_folder(sources[0]) if out is None else Path(out)
    real, real_key = _real(images, features, n, folder, progress)
    n_real = min(n, len(real))  # the first ones are compared with
    keys = [_key(c.source, c.step, c.average, c.digest(), real_key, n, seed) for c in every_one]
    table = _Table(folder / TABLE)

    def scored(job: tuple[str, Generator | Folder], tick: Tick) -> Row:
        key, one = job
        scores = _scores(one.batches(n, seed, device), real[:n_real], features, tick)
        facts = (features.frechet_name, n, n_real, seed)
        return Row(one.source, one.step, one.average, *facts, key, scores)

    jobs = {key: (key, one) for key, one in zip(keys, every_one, strict=True)}
    study = Study(jobs, scored, table, size=lambda job: n, unit="image")
    rows = dict(study.results(progress))
    return Evaluation(
        [rows[key] for key in keys], _ends(real, n_real, real_key, features, table, seed)
    )


def _scores(
    batches: Iterable[Tensor], real: Features, extract: Extractor, tick: Tick
) -> dict[str, float]:
    parts = []
    for batch in batches:
        if not bool(torch.isfinite(batch).all()):  # a diverged generator has no features
            return dict.fromkeys(SCORES, math.nan)
        parts.append(extract(batch, progress=tick))
    return _of_features(np.concatenate(parts), real, extract)


def _of_features(fake: Features, real: Features, extract: Extractor) -> dict[str, float]:
    return score(fake, real, None if extract.head is None else extract.probabilities(fake))


# -- real images ----------------------------------------------------------------------------------


def _real_images(
    data: Any, every_one: Sequence[Generator | Folder], how: Mapping[str, Any]
) -> Images:
    first = every_one[0]
    if data is not None:  # prepared as the first source is
        _, height, width = next(first.batches(2, 0, "cpu")).shape[1:]
        square = height if height == width else None
        return load_images(data, **{**how, "size": how["size"] or square})
    own = next((one.images for one in every_one if one.images), None)
    if own is None:
        raise ValueError(
            f"{first.source} does not say what it imitates: name the real images by --data."
        )
    return own()


def _real(
    images: Images, extract: Extractor, n: int, folder: Path, progress: bool
) -> tuple[Features, str]:
    """Features of up to 2 n real images, and their key; read from ``folder`` if they are there."""
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    pixels = images.pixels[order[: 2 * n]]
    key = _key(pixels, extract.name, extract.digest)
    path = folder / f"real-{key}.npy"
    if path.exists():
        features = np.load(path, allow_pickle=False).astype(np.float64)
    else:
        with progress_bar(len(pixels), "real image", progress) as bar:
            parts = [extract(to_floats(x), progress=bar.update) for x in pixels.split(AT_ONCE)]
        features = np.concatenate(parts)
        with replacing(path) as file:
            np.save(file, features.astype(np.float32))  # what the network gave: nothing is lost
    return features, key


def _ends(
    real: Features, n: int, real_key: str, extract: Extractor, table: _Table, seed: int
) -> list[Row]:
    """Each score of n real images against n others, as two rows of the table; read if there."""
    if len(real) < 2 * n:
        return []
    keys = [_key(end, real_key, n, seed) for end in ENDS]
    if not set(keys) <= set(table.rows):
        bands = metrics.noise_bands(
            lambda fake, other: list(_of_features(fake, other, extract).values()),
            real, n, REPEATS, LEVEL, seed,
        )  # fmt: skip
        for key, end, values in zip(keys, ENDS, zip(*bands, strict=True), strict=True):
            scores = dict(zip(SCORES, values, strict=True))
            row = Row(REAL, None, end, extract.frechet_name, n, n, seed, key, scores)
            table.save(key, None, row)
    return [table.rows[key] for key in keys]


# -- files ----------------------------------------------------------------------------------------


class _Table:
    """The store of rows: one CSV file, written anew with each."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = {row.key: row for row in read_rows(path)} if path.exists() else {}

    def load(self, key: str, job: object) -> Row | None:
        return self.rows.get(key)

    def save(self, key: str, job: object, result: Row) -> None:
        self.rows[key] = result
        save_rows(self.path, list(self.rows.values()))


def _key(*parts: Any) -> str:
    return digest([*parts, __version__])[:16]  # another version may score otherwise


def default_folder(source: str | os.PathLike[str]) -> Path:
    """Where the table of that first source lies: in a run's folder, or in runs/scores."""
    path = Path(source)
    return path if (path / "settings.json").exists() else Path("runs") / "scores"

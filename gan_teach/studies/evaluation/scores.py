"""The scores of generators by the images they make, each kept in a table as soon as it is there."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gan_teach import __version__, _checks, metrics
from gan_teach._files import replacing
from gan_teach._identity import digest
from gan_teach.data import Images, load_images
from gan_teach.data.images import to_floats
from gan_teach.metrics import NoiseBand
from gan_teach.metrics.features import Extractor, load_extractor
from gan_teach.plots.text import Table
from gan_teach.studies.engine import Study, Tick, progress_bar, read_csv, write_csv
from gan_teach.studies.evaluation.sources import AT_ONCE, Candidate, candidates

SCORES: tuple[str, ...] = (
    "frechet", "kid", "inception_score", "prd_f_8", "prd_f_1_8", "precision", "recall",
)  # fmt: skip
"""The names of the scores. PRD: F_8 weighs recall, F_1/8 precision."""

NEIGHBORS = 2000  # images of each kind whose balls make precision and recall; time grows as n^2
_FACTS = ("source", "step", "average", "features", "n", "n_real", "seed", "key")
REAL = "real images"  # the source of the two rows that are a band
ENDS = ("low", "high")
_TITLES = {"frechet": "FD", "kid": "KID", "inception_score": "IS", "prd_f_8": "PRD F8",
           "prd_f_1_8": "PRD F1/8"}  # fmt: skip

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
    known = math.nan if probabilities is None else metrics.inception_score(probabilities).mean
    found = (
        metrics.sample_frechet(fake, real), metrics.kid(fake, real), known, curve.f_8,
        curve.f_1_8, share.precision, share.recall,
    )  # fmt: skip
    return dict(zip(SCORES, map(float, found), strict=True))


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

    @property
    def features(self) -> str:
        """What the Frechet distance is called: "FID" or "FD(net, digest)"."""
        return self.rows[0].features

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write rows and band as one CSV file that ``read_rows`` reads."""
        return save_rows(path, [*self.rows, *self.ends])

    def table(self) -> Table:
        """The scores as a table, with the noise of real images in its last line."""
        titles = [_TITLES.get(name, name) for name in SCORES]
        lines = [
            [row.source, "" if row.step is None else row.step, row.average, *row.scores.values()]
            for row in self.rows
        ]
        if self.band:
            ends = [f"{b.low:.3g} to {b.high:.3g}" for b in self.band.values()]
            lines.append([REAL, "", "", *ends])
        return Table(["source", "step", "average", *titles], lines, caption=self.caption())

    def caption(self) -> str:
        """What was compared, and how far to trust it."""
        name = "FD is the FID" if self.features == "FID" else f"FD is {self.features}"
        first = self.rows[0]
        return (
            f"{name} of {first.n} generated against {first.n_real} real images. So few bias it "
            "upwards: compare it with rows of as many, and with real against real images."
        )


def read_rows(path: str | os.PathLike[str]) -> list[Row]:
    """The rows of a table that ``save_rows`` wrote. Raises ValueError for another file."""
    try:
        return [_row(entry) for entry in read_csv(path)]
    except (KeyError, ValueError, TypeError) as error:
        raise ValueError(f"{path} is damaged or no table of scores ({error}).") from error


def save_rows(path: str | os.PathLike[str], rows: Sequence[Row]) -> Path:
    """Write a table as a CSV file, as a whole or not at all."""
    write_csv(path, [*_FACTS, *SCORES], [{**vars(row), **row.scores} for row in rows])
    return Path(path)


def _row(entry: dict[str, str]) -> Row:
    return Row(
        source=entry["source"], step=int(entry["step"]) if entry["step"] else None,
        average=entry["average"], features=entry["features"], n=int(entry["n"]),
        n_real=int(entry["n_real"]), seed=int(entry["seed"]), key=entry["key"],
        scores={name: float(entry[name]) for name in SCORES},
    )  # fmt: skip


# -- generators ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Real:
    """Features of up to 2 n real images, the first n to compare with, and their key."""

    features: Features
    n: int
    key: str


def evaluate(
    *sources: str | os.PathLike[str],
    features: str | os.PathLike[str] | Extractor | None = None,
    data: str | os.PathLike[str] | Images | None = None,
    n: int = 5000,
    seed: int = 0,
    averages: Sequence[str] = (),
    every: int = 1,
    last: bool = False,
    untrained: bool = False,
    device: str | torch.device = "cpu",
    out: str | os.PathLike[str] | None = None,
    progress: bool = False,
    say: Callable[[str], None] = print,
) -> Evaluation:
    """Score every generator of ``sources`` by n images from the same latents, against n real ones.

    Parameters
    ----------
    sources : folders of runs, published files of RS-GAN, folders of images; ``averages``,
        ``every``, ``last`` and ``untrained`` choose among a run's generators (``candidates``).
    features : of ``load_extractor``, or an Extractor; by default "digits" for grey images and
        "cifar" for images in color. Only the genuine Inception gives a FID.
    data : real images, a name or a path; by default what the first run was trained on.
    out : folder of scores.csv and of the real images' features, by default that of the first run.
        A generator that the table has already (same weights, real images, features, n, seed and
        version of the library) is not scored again; after an interruption the same call goes on.

    The distance is biased upwards by small n: the band of real against real (2 n real images are
    needed) shows by how much. Raises ValueError and OSError for what cannot be read or compared.
    """
    if not sources:
        raise ValueError("evaluate needs at least one run, file of weights or folder of images.")
    n, seed = _checks.whole("n", n, least=10), _checks.whole("seed", seed)
    opened = [
        candidates(source, averages=averages, every=every, last=last, untrained=untrained,
                   device=device)
        for source in sources
    ]  # fmt: skip
    every_one = [candidate for found, _ in opened for candidate in found]
    images = _real_images(data, [own for _, own in opened if own], every_one[0], say)
    if features is None:
        features = "digits" if images.shape[0] == 1 else "cifar"
    if not isinstance(features, Extractor):
        features = load_extractor(features, device=device)
    folder = default_folder(sources[0]) if out is None else Path(out)
    real = _real(images, features, n, folder, progress)
    keys = [_key(c.source, c.step, c.average, c.digest(), real.key, n, seed) for c in every_one]
    table = _Table(folder / TABLE)
    study = Study(
        {key: (key, candidate) for key, candidate in zip(keys, every_one, strict=True)},
        partial(_scored, real=real, extract=features, n=n, seed=seed),
        table,
        size=lambda job: n,
        unit="image",
    )
    rows = dict(study.results(progress))
    return Evaluation([rows[key] for key in keys], _ends(real, features, table, seed))


def _scored(
    job: tuple[str, Candidate], tick: Tick, *, real: _Real, extract: Extractor, n: int, seed: int
) -> Row:
    key, one = job
    scores = _of_images(one.batches(n, seed), real.features[: real.n], extract, tick)
    return Row(
        one.source, one.step, one.average, extract.frechet_name, n, real.n, seed, key, scores
    )


def _of_images(
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
    data: Any, own: Sequence[Callable[[], tuple[Images, str]]], first: Candidate, say: Any
) -> Images:
    if isinstance(data, Images):
        return data
    if data is not None:
        return load_images(data, next(first.batches(2, 0)).shape[-1])
    if not own:
        raise ValueError(
            f"{first.source} does not say what it imitates: name the real images by --data."
        )
    images, note = own[0]()
    if note:
        say(note)
    return images


def _real(images: Images, extract: Extractor, n: int, folder: Path, progress: bool) -> _Real:
    """Features of the real images, read from ``folder`` if they were computed before."""
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
    return _Real(features, min(n, len(features)), key)


def _ends(real: _Real, extract: Extractor, table: _Table, seed: int) -> list[Row]:
    """Each score of n real images against n others, as two rows of the table; read if there."""
    if len(real.features) < 2 * real.n:
        return []
    keys = {end: _key(end, real.key, real.n, seed) for end in ENDS}
    if set(keys.values()) <= set(table.rows):
        return [table.rows[key] for key in keys.values()]

    def metric(fake: Features, other: Features) -> list[float]:
        return list(_of_features(fake, other, extract).values())

    bands = metrics.noise_bands(metric, real.features, real.n, REPEATS, LEVEL, seed)
    facts = (extract.frechet_name, real.n, real.n, seed)
    for (end, key), values in zip(keys.items(), zip(*bands, strict=True), strict=True):
        scores = dict(zip(SCORES, values, strict=True))
        table.save(key, None, Row(REAL, None, end, *facts, key, scores))
    return [table.rows[key] for key in keys.values()]


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

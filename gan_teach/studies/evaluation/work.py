"""Scoring generator after generator, keeping each score as soon as it is there."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gan_teach import __version__, _checks, metrics
from gan_teach._files import replacing
from gan_teach.data import Images, load_images
from gan_teach.data.images import to_floats
from gan_teach.metrics.features import Extractor, load_extractor
from gan_teach.studies.engine import Study, Tick, progress_bar
from gan_teach.studies.evaluation.results import (
    ENDS,
    REAL,
    SCORES,
    Evaluation,
    Features,
    Row,
    read_rows,
    save_rows,
)
from gan_teach.studies.evaluation.results import score as all_scores
from gan_teach.studies.evaluation.sources import AT_ONCE, Candidate, candidates

TABLE = "scores.csv"
REPEATS, LEVEL = 9, 0.8  # of real against real: lowest and highest of nine


@dataclass(frozen=True)
class _Real:
    """Features of up to 2 n real images, the first n to compare with, and what they came from."""

    features: Features
    n: int
    digest: str


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
    keys = [_key(c.source, c.step, c.average, c.digest(), real.digest, n, seed) for c in every_one]
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
    parts = []
    for batch in one.batches(n, seed):
        if not bool(torch.isfinite(batch).all()):  # a diverged generator has no features
            parts = [np.full((n, 1), math.nan)]
            break
        parts.append(extract(batch, progress=tick))
    scores = _scores(np.concatenate(parts), real.features[: real.n], extract)
    return Row(
        one.source, one.step, one.average, extract.frechet_name, n, real.n, seed, key, scores
    )


def _scores(fake: Features, real: Features, extract: Extractor) -> dict[str, float]:
    known = extract.head is not None and bool(np.isfinite(fake).all())
    return all_scores(fake, real, extract.probabilities(fake) if known else None)


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
    digest = _key(hashlib.sha256(pixels.numpy().tobytes()).hexdigest(), pixels.shape, extract)
    path = folder / f"real-{digest}.npy"
    if path.exists():
        features = np.load(path, allow_pickle=False).astype(np.float64)
    else:
        with progress_bar(len(pixels), "real image", progress) as bar:
            parts = [extract(to_floats(x), progress=bar.update) for x in pixels.split(AT_ONCE)]
        features = np.concatenate(parts)
        with replacing(path) as file:
            np.save(file, features.astype(np.float32))  # what the network gave: nothing is lost
    return _Real(features, min(n, len(features)), digest)


def _ends(real: _Real, extract: Extractor, table: _Table, seed: int) -> list[Row]:
    """Each score of n real images against n others, as two rows of the table; read if there."""
    if len(real.features) < 2 * real.n:
        return []
    keys = {end: _key(end, real.digest, real.n, seed) for end in ENDS}
    if set(keys.values()) <= set(table.rows):
        return [table.rows[key] for key in keys.values()]

    def metric(fake: Features, other: Features) -> list[float]:
        return list(_scores(fake, other, extract).values())

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
    names = [f"{p.name} {p.digest}" if isinstance(p, Extractor) else str(p) for p in parts]
    names.append(__version__)  # another one may score otherwise
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]


def default_folder(source: str | os.PathLike[str]) -> Path:
    """Where the table of that first source lies: in a run's folder, or in runs/scores."""
    path = Path(source)
    return path if (path / "settings.json").exists() else Path("runs") / "scores"

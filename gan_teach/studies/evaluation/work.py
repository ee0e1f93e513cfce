"""Scoring generator after generator, keeping each score as soon as it is there."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gan_teach import __version__, _checks, metrics
from gan_teach._files import replacing
from gan_teach.data import Images, load_images
from gan_teach.data.images import to_floats
from gan_teach.metrics import NoiseBand
from gan_teach.metrics.features import Extractor, load_extractor
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

Tick = Callable[[int], Any]


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
    extract = _extractor(features, images, device)
    folder = default_folder(sources[0]) if out is None else Path(out)
    total = n * len(every_one) + min(2 * n, len(images))
    with _bar(progress, total) as (tick, told):
        told("real images")
        real = _real(images, extract, n, folder, tick)
        kept = _Kept(folder / TABLE)
        rows = []
        for one in every_one:
            key = _key(one.source, one.step, one.average, one.digest(), real.digest, n, seed)
            told(" ".join(str(part) for part in (one.source, one.step, one.average) if part))
            if row := kept.get(key):
                tick(n)
            else:
                row = kept.add(_scored(one, key, real, extract, n, seed, tick))
            rows.append(row)
        return Evaluation(rows, _band(real, extract, kept, seed, told))


def _scored(
    one: Candidate, key: str, real: _Real, extract: Extractor, n: int, seed: int, tick: Tick
) -> Row:
    parts = []
    for batch in one.batches(n, seed):
        if not bool(torch.isfinite(batch).all()):  # a diverged generator has no features
            parts = [np.full((n, 1), math.nan)]
            break
        parts.append(extract(batch, progress=tick))
    found = _scores(np.concatenate(parts), real.features[: real.n], extract)
    return Row(one.source, one.step, one.average, extract.frechet_name, n, real.n, seed, key, found)


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


def _extractor(features: Any, images: Images, device: Any) -> Extractor:
    if isinstance(features, Extractor):
        return features
    usual = "digits" if images.shape[0] == 1 else "cifar"
    return load_extractor(usual if features is None else features, device=device)


def _real(images: Images, extract: Extractor, n: int, folder: Path, tick: Tick) -> _Real:
    """Features of the real images, read from ``folder`` if they were computed before."""
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    pixels = images.pixels[order[: 2 * n]]
    digest = _key(hashlib.sha256(pixels.numpy().tobytes()).hexdigest(), pixels.shape, extract)
    path = folder / f"real-{digest}.npy"
    if path.exists():
        found = np.load(path, allow_pickle=False).astype(np.float64)
        tick(len(found))
    else:
        parts = pixels.split(AT_ONCE)
        found = np.concatenate([extract(to_floats(part), progress=tick) for part in parts])
        with replacing(path) as partial:
            np.save(partial, found.astype(np.float32))  # what the network gave: nothing is lost
    return _Real(found, min(n, len(found)), digest)


def _band(
    real: _Real, extract: Extractor, kept: _Kept, seed: int, told: Callable[[str], Any]
) -> dict[str, NoiseBand]:
    """Each score of n real images against n others, as two rows of the table; read if there."""
    if len(real.features) < 2 * real.n:
        return {}
    keys = [_key(end, real.digest, real.n, seed) for end in ENDS]
    rows = [kept.get(key) for key in keys]
    if None in rows:
        told("real against real images")

        def metric(fake: Features, other: Features) -> list[float]:
            return list(_scores(fake, other, extract).values())

        bands = metrics.noise_bands(metric, real.features, real.n, REPEATS, LEVEL, seed)
        facts = (extract.frechet_name, real.n, real.n, seed)
        found = [dict(zip(SCORES, scores, strict=True)) for scores in zip(*bands, strict=True)]
        rows = [
            kept.add(Row(REAL, None, end, *facts, key, scores))
            for end, key, scores in zip(ENDS, keys, found, strict=True)
        ]
    low, high = (row.scores for row in rows if row is not None)
    return {name: NoiseBand(low[name], high[name]) for name in SCORES}


# -- files ----------------------------------------------------------------------------------------


class _Kept:
    """The table on disk, written anew with each row."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = {row.key: row for row in read_rows(path)} if path.exists() else {}

    def get(self, key: str) -> Row | None:
        return self.rows.get(key)

    def add(self, row: Row) -> Row:
        self.rows[row.key] = row
        save_rows(self.path, list(self.rows.values()))
        return row


def _key(*parts: Any) -> str:
    names = [f"{p.name} {p.digest}" if isinstance(p, Extractor) else str(p) for p in parts]
    names.append(__version__)  # another one may score otherwise
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:16]


def default_folder(source: str | os.PathLike[str]) -> Path:
    """Where the table of that first source lies: in a run's folder, or in runs/scores."""
    path = Path(source)
    return path if (path / "settings.json").exists() else Path("runs") / "scores"


@contextmanager
def _bar(shown: bool, total: int) -> Iterator[tuple[Tick, Callable[[str], Any]]]:
    """A bar that counts images and says what is at work; functions that do nothing if not shown."""
    if not shown:
        yield (lambda count: None), (lambda text: None)
        return
    from tqdm.auto import tqdm

    with tqdm(total=total, unit=" images", unit_scale=True, mininterval=0.5) as bar:
        yield bar.update, bar.set_postfix_str

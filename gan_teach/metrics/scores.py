"""All scores of a generator from one pass through one network, and what they are compared with.

That is features of real images, which are kept per data set and network, or only their mean and
covariance, as pytorch-fid writes them and as papers publish them.
"""

import math
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from gan_teach import __version__
from gan_teach._files import replacing
from gan_teach._identity import digest
from gan_teach._progress import progress_bar
from gan_teach.data import Images
from gan_teach.data.images import to_floats
from gan_teach.data.named import data_folder
from gan_teach.metrics.distances import frechet_distance, inception_score, kid, sample_frechet
from gan_teach.metrics.features.extractor import Extractor
from gan_teach.metrics.manifold import PRD, prd, precision_recall

SCORES: tuple[str, ...] = (
    "frechet", "kid", "inception_score", "prd_f_8", "prd_f_1_8", "precision", "recall",
)  # fmt: skip
"""The names of the scores. PRD: F_8 weighs recall, F_1/8 precision."""

SPREAD = "inception_std"  # of the inception score over its splits, where there are several

NEIGHBORS = 2000  # images of each kind whose balls make precision and recall; time grows as n^2
SPLITS, LEAST = 10, 500  # of the inception score, and images that each of them needs
AT_ONCE = 500  # images that are drawn and handed on together, as RS-GAN's authors sampled

Features = NDArray[np.float64]


class Statistics(NamedTuple):
    """Mean (d,) and covariance (d, d) of the features of ``count`` real images (0: unknown)."""

    mean: Features
    covariance: Features
    count: int = 0


def score_names(features: str) -> dict[str, str]:
    """What each score is called by features of that ``frechet_name``, in the order of a table.

    FID, KID and IS belong to the genuine Inception; by another network they are FD(net), ...
    """
    net = "" if features == "FID" else f"({features[3:-1].partition(',')[0]})"
    frechet = f"FD{net}" if net else "FID"
    return {
        "frechet": frechet, "kid": f"KID{net}", "inception_score": f"IS{net}",
        "prd_f_8": "PRD F8", "prd_f_1_8": "PRD F1/8", "precision": "precision", "recall": "recall",
    }  # fmt: skip


def splits_of(n: int) -> int:
    """Parts in which the inception score of ``n`` images is taken: ten, or one of too few."""
    return SPLITS if n >= SPLITS * LEAST else 1


def score(
    fake: Features, real: Features | Statistics, probabilities: NDArray | None = None
) -> tuple[dict[str, float], PRD | None]:
    """All ``SCORES`` of generated features (n, d) against real ones (m, d), and the PRD curve.

    ``probabilities`` (n, classes) of the generated images give the inception score; PRD takes the
    first min(n, m) of each, precision and recall (k = 3) the first 2,000 at most. What cannot be
    known is NaN: all of a generator that diverged, all but the Frechet distance and the inception
    score against ``Statistics``.
    """
    values = dict.fromkeys(SCORES, math.nan)
    if not np.isfinite(fake).all():
        return values, None
    if probabilities is not None:
        classes = inception_score(probabilities, splits_of(len(fake)))
        values["inception_score"] = classes.mean
        values |= {} if math.isnan(classes.std) else {SPREAD: classes.std}
    if isinstance(real, Statistics):
        moments = fake.mean(0), np.cov(fake, rowvar=False)
        return values | {"frechet": frechet_distance(*moments, *real[:2])}, None
    values |= {"frechet": sample_frechet(fake, real), "kid": kid(fake, real)}
    values |= precision_recall(fake[:NEIGHBORS], real[:NEIGHBORS])._asdict()
    same = min(len(fake), len(real))
    curve = prd(fake[:same], real[:same])
    return values | {"prd_f_8": curve.f_8, "prd_f_1_8": curve.f_1_8}, curve


# -- real images -----------------------------------------------------------------------------------


def real_features(images: Images, extract: Extractor, n: int, progress: bool = False) -> Features:
    """Features of the first ``n`` of the images in a fixed random order, of all if there are fewer.

    They are kept in the folder of data sets, by the content of the images and the network's
    weights, wherever the images lie: only what is missing is computed. Of images that a data set
    makes as it draws (stacks, classes in balance) n are drawn.
    """
    rng = torch.Generator().manual_seed(0)
    plain = type(images) is Images
    rows = torch.randperm(len(images), generator=rng)[:n] if plain else images.indices(n, rng)
    facts = type(images).__name__, images.facts()["digest"], extract.name, extract.digest
    path = data_folder() / "features" / f"{digest([*facts, __version__])[:24]}.npy"
    parts = [_kept(path)[:n]]
    rows = rows[len(parts[0]) :]
    if len(rows):
        with progress_bar(len(rows), "real image", progress) as bar:
            for some in rows.split(AT_ONCE):
                part = extract(to_floats(images.read(some)), progress=bar.update)
                parts.append(part.astype(np.float32))  # what the network gave: nothing is lost
        with replacing(path) as file:
            np.save(file, np.concatenate([part for part in parts if len(part)]))
    return np.concatenate([part for part in parts if len(part)]).astype(np.float64)


def _kept(path: Path) -> NDArray[np.float32]:
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):  # none, or damaged: they can be computed again
        return np.empty((0, 0), np.float32)


def write_statistics(path: Path, real: Features, features: str) -> Path:
    """Mean and covariance of features (n, d) as pytorch-fid's file: ``mu`` and ``sigma``.

    Beside them ``features`` and ``count`` say what pytorch-fid does not ask for.
    """
    moments = {"mu": real.mean(0), "sigma": np.cov(real, rowvar=False)}
    with replacing(path) as file, open(file, "wb") as out:
        np.savez_compressed(out, **moments, features=features, count=len(real))
    return path


def holds_statistics(path: str | os.PathLike[str]) -> bool:
    """Whether that is an .npz file with ``mu`` and ``sigma``, and not with images."""
    try:
        return Path(path).suffix == ".npz" and {"mu", "sigma"} <= set(np.load(path).files)
    except Exception:  # of what is no such file the reader of images tells why
        return False


def read_statistics(path: Path, extract: Extractor) -> Statistics:
    """The statistics in a file of pytorch-fid's layout.

    Raises ValueError for those of other features than the extractor's, as far as the file says of
    which they are, and for a damaged file.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            mean, covariance = (np.asarray(file[k], np.float64) for k in ("mu", "sigma"))
            features, count = (str(file[k]) if k in file else "" for k in ("features", "count"))
            statistics = Statistics(mean, covariance, int(count or 0))
    except Exception as error:  # foreign code and a user's file: anything may be raised
        raise ValueError(f"{path} cannot be read: {error}.") from error
    width = getattr(extract.head, "in_features", len(mean))
    if features not in ("", extract.frechet_name) or covariance.shape != (width, width):
        raise ValueError(
            f"{path} holds statistics of {len(mean)} features"
            f"{f' of {features}' * bool(features)}, not of {width} of {extract.frechet_name}."
        )
    return statistics

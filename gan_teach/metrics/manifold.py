"""Quality and diversity as two numbers: precision and recall in three published versions.

Precision asks whether fakes look like data, recall whether all data can be generated. The versions
with k nearest neighbors are written here on ``torch.cdist``: exact, in float64, with ``<=`` so that
repeated points count, and without a further package. torch-fidelity and prdc are the tests'
oracles.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from gan_teach import _checks
from gan_teach.metrics import _arrays
from gan_teach.metrics._arrays import Array

_BLOCK = 1 << 22  # distances at a time: 32 MB


class PrecisionRecall(NamedTuple):
    """Two shares in [0, 1]."""

    precision: float
    recall: float


class DensityCoverage(NamedTuple):
    """Density >= 0, about 1 for a perfect generator (it may exceed 1), and coverage in [0, 1]."""

    density: float
    coverage: float


def precision_recall(fake: Any, real: Any, k: int = 3) -> PrecisionRecall:
    """Improved precision and recall (Kynkaanniemi et al. 2019).

    Each sample carries a ball that reaches to its k-th neighbor in its own set. Precision is the
    share of fakes in some real ball, recall the share of real samples in some fake ball. One
    outlier's huge ball makes either too kind; ``density_coverage`` repairs that.
    """
    x, y = _arrays.pair(fake, real)
    k = _arrays.neighbors(k, fake=len(x), real=len(y))
    (in_real, _), (in_fake, _) = _hits(x, y, k), _hits(y, x, k)
    return PrecisionRecall(float((in_real > 0).mean()), float((in_fake > 0).mean()))


def density_coverage(fake: Any, real: Any, k: int = 5) -> DensityCoverage:
    """Density and coverage (Naeem et al. 2020), with balls around real samples only.

    density = (1 / (k m)) #{(fake, real ball) : inside}; coverage = share of real balls that hold a
    fake. For equal laws and n real, m fake samples, whatever they are: E density = 1, and
    E coverage = 1 - prod_{i<k} (n - 1 - i) / (n + m - 1 - i), about 1 - 2^-k for n = m: choose k so
    that this is near 1.
    """
    x, y = _arrays.pair(fake, real)
    k = _arrays.neighbors(k, real=len(y))
    balls, held = _hits(x, y, k)
    return DensityCoverage(float(balls.sum() / (k * len(x))), float((held > 0).mean()))


def _hits(x: Array, centers: Array, k: int) -> tuple[np.ndarray, np.ndarray]:
    """In how many balls each x (n, d) lies, (n,), and how many x each ball holds, (m,).

    The ball of a center reaches to its k-th nearest other center; the nearest of all is itself.
    """
    a, b = torch.from_numpy(x), torch.from_numpy(centers)
    radii = torch.cat([rows.kthvalue(k + 1).values for rows in _distances(b, b)])
    balls, held = [], torch.zeros(len(b), dtype=torch.int64)
    for rows in _distances(a, b):
        inside = rows <= radii
        balls.append(inside.sum(1))
        held += inside.sum(0)
    return torch.cat(balls).numpy(), held.numpy()


def _distances(x: Tensor, y: Tensor) -> Iterator[Tensor]:
    """Distances of x (n, d) from y (m, d), by blocks of rows (rows, m)."""
    for part in x.split(max(1, _BLOCK // len(y))):
        # Without the shortcut |x|^2 + |y|^2 - 2 x.y, which does not give 0 for equal points.
        yield torch.cdist(part, y, compute_mode="donot_use_mm_for_euclid_dist")


class PRD(NamedTuple):
    """A precision-recall curve: two arrays (angles,), and its weighted F-scores.

    f_8 weighs recall 8 times as much as precision, f_1_8 precision 8 times as much as recall.
    """

    precision: Array
    recall: Array
    f_8: float
    f_1_8: float


def prd(
    fake: Any, real: Any, clusters: int = 20, runs: int = 10, angles: int = 1001, seed: int = 0
) -> PRD:
    """Precision-recall curve of two samples of one size (Sajjadi et al. 2018).

    Both are clustered together by k-means and their histograms over the clusters compared by
    ``prd_discrete``. The curve is the mean over ``runs`` clusterings (random states seed, seed + 1,
    ...), and the F-scores are those of that mean curve, as its authors' code has them. Needs
    scikit-learn. Raises ValueError for unequal sizes or fewer samples than clusters.
    """
    x, y = _arrays.pair(fake, real)
    clusters = _checks.whole("clusters", clusters, least=1)
    runs, seed = _checks.whole("runs", runs, least=1), _checks.whole("seed", seed)
    if len(x) != len(y):
        raise ValueError(
            f"fake and real must have one size, got {len(x)} and {len(y)} rows: the larger set "
            "would get more of the clusters. Drop some of its rows."
        )
    if clusters > 2 * len(x):
        raise ValueError(f"clusters must be at most the {2 * len(x)} samples, got {clusters}.")
    pooled = np.concatenate([x, y])
    means = _checks.package("sklearn.cluster", "prd", "images").MiniBatchKMeans
    models = (means(clusters, n_init=10, random_state=seed + run) for run in range(runs))
    labels = (np.split(model.fit_predict(pooled), 2) for model in models)
    shares = [[np.bincount(part, minlength=clusters) / len(x) for part in both] for both in labels]
    return _mean_curve(shares, angles)


def prd_discrete(fake: Any, real: Any, angles: int = 1001) -> PRD:
    """Precision-recall curve of two weight vectors (k,) over the same k states, in closed form.

    precision(l) = sum_i min(l real_i, fake_i), recall(l) = precision(l) / l, for slopes l = tan(a)
    at ``angles`` equally spaced a in (0, pi / 2); an odd number includes l = 1, where both are
    1 - TV. The F-scores are exact, not maxima over the grid: between the corners
    l = fake_i / real_i they are monotone in l.
    """
    return _mean_curve([_arrays.masses(fake=fake, real=real)], angles)


def _mean_curve(shares: Sequence[Sequence[Array]], angles: int) -> PRD:
    """The mean of the curves of several pairs (p, q).

    Between the corners of all of them the mean precision is linear, a + b l, and the mean recall is
    it over l, so that F is (a + b l) / (1 + w l) up to a factor: monotone, its maximum at a corner.
    """
    angles = _checks.whole("angles", angles, least=3)

    def curve(slopes: Array) -> tuple[Array, Array]:
        precision = [np.minimum(slopes[:, None] * q, p).sum(1) for p, q in shares]
        recall = [np.minimum(q, p / slopes[:, None]).sum(1) for p, q in shares]
        return np.minimum(np.mean(precision, 0), 1.0), np.minimum(np.mean(recall, 0), 1.0)

    corners = [p[both] / q[both] for p, q in shares for both in [(p > 0) & (q > 0)]]
    best = curve(np.concatenate(corners))
    slopes = np.tan(np.linspace(1e-6, np.pi / 2 - 1e-6, angles))
    return PRD(*curve(slopes), _best_f(*best, 8.0), _best_f(*best, 1 / 8))


def _best_f(precision: Array, recall: Array, beta: float) -> float:
    weight = beta * beta
    score = (1 + weight) * precision * recall / (weight * precision + recall)
    return float(score.max(initial=0.0))

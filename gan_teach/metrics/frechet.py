"""Frechet distance between Gaussians fitted to features, and the inception score.

On features of the genuine Inception network the first is FID; on any other features call it
FD(name of the network): the numbers are not comparable.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gan_teach import _checks
from gan_teach.metrics import _arrays
from gan_teach.metrics._arrays import Array


def frechet_distance(mean_x: Any, cov_x: Any, mean_y: Any, cov_y: Any) -> float:
    """|m_x - m_y|^2 + tr(A + B - 2 (A B)^(1/2)) for N(m_x, A) and N(m_y, B), in float64, >= 0.

    Dowson and Landau (1982); Heusel et al. (2017). tr (A B)^(1/2) is the sum of the square roots of
    the eigenvalues of A^(1/2) B A^(1/2), which are real and >= 0: two symmetric eigenproblems take
    the place of a general matrix square root. Shapes (d,) and (d, d), or numbers for d = 1.
    Raises ValueError for shapes that do not fit and for covariances that are not symmetric.
    """
    m1, m2 = _mean("mean_x", mean_x), _mean("mean_y", mean_y)
    a, b = _covariance("cov_x", cov_x, len(m1)), _covariance("cov_y", cov_y, len(m2))
    if len(m1) != len(m2):
        raise ValueError(f"mean_x and mean_y must have one length, got {len(m1)} and {len(m2)}.")
    root = np.linalg.eigvalsh(_between(a, b))
    cross = np.sqrt(np.maximum(root, 0)).sum()
    return max(0.0, float(((m1 - m2) ** 2).sum() + np.trace(a) + np.trace(b) - 2 * cross))


def _between(a: Array, b: Array) -> Array:
    """A^(1/2) B A^(1/2), symmetric."""
    values, vectors = np.linalg.eigh(a)
    half = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    middle = half @ b @ half
    return (middle + middle.T) / 2


def sample_frechet(fake: Any, real: Any) -> float:
    """Frechet distance of the Gaussians fitted to two samples (n, d) and (m, d), n, m >= 2.

    With fewer samples than dimensions the covariances are singular; then
    tr (A B)^(1/2) = |X Y^T|_* / sqrt((n - 1)(m - 1)), the nuclear norm of the centered samples, is
    both exact and cheaper. Biased upwards: two samples of n from one N(mu, C) score about
    d (d + 5) / (2 n) for C = I. See ``frechet_infinity``.
    """
    x, y = _arrays.pair(fake, real, least=2)
    m1, m2 = x.mean(0), y.mean(0)
    u, v = (x - m1) / np.sqrt(len(x) - 1), (y - m2) / np.sqrt(len(y) - 1)
    if min(len(x), len(y)) > x.shape[1]:
        return frechet_distance(m1, u.T @ u, m2, v.T @ v)
    cross = np.linalg.svd(u @ v.T, compute_uv=False).sum()
    return max(0.0, float(((m1 - m2) ** 2).sum() + (u * u).sum() + (v * v).sum() - 2 * cross))


class FrechetInfinity(NamedTuple):
    """Extrapolation of the Frechet distance to infinitely many fakes: value + slope / n."""

    value: float
    slope: float
    sizes: Array
    distances: Array


def frechet_infinity(
    fake: Any, real: Any, points: int = 15, smallest: int | None = None, seed: int = 0
) -> FrechetInfinity:
    """FD at n -> infinity from a straight line in 1/n (Chong and Forsyth 2020).

    The bias of the fakes is a / n + O(1 / n^2), so the distances of subsets of ``points`` sizes,
    from ``smallest`` (by default a tenth) to all fakes, lie on a line in 1 / n, whose intercept is
    the value. Each size takes the mean over as many disjoint subsets as fit, which makes small
    sizes no noisier than large ones. The bias of the real set stays: use many more real samples.
    """
    x, y = _arrays.pair(fake, real, least=2)
    points = _checks.whole("points", points, least=2)
    smallest = _checks.whole("smallest", smallest or max(2, len(x) // 10), least=2)
    if smallest > len(x) - points:
        raise ValueError(
            f"smallest must leave room for {points} sizes below {len(x)} fakes, got {smallest}."
        )
    rng = np.random.default_rng(_checks.whole("seed", seed))
    sizes = np.linspace(smallest, len(x), points).astype(int)
    distances = np.array([_mean_over_subsets(rng.permutation(x), y, n) for n in sizes])
    slope, value = np.polyfit(1 / sizes, distances, 1)
    return FrechetInfinity(float(value), float(slope), sizes.astype(float), distances)


def _mean_over_subsets(x: Array, y: Array, n: int) -> float:
    starts = range(0, len(x) - n + 1, n)
    return float(np.mean([sample_frechet(x[i : i + n], y) for i in starts]))


class InceptionScore(NamedTuple):
    """Mean over splits, and their standard deviation (NaN for one split, where it says nothing)."""

    mean: float
    std: float


def inception_score(probabilities: Any, splits: int = 1, seed: int = 0) -> InceptionScore:
    """exp(mean_x KL(p(y|x) || p(y))) of class probabilities (n, classes); from 1 to classes.

    Salimans et al. (2016). Biased *down*: p(y) is estimated from the same samples, so n one-hot
    rows over K classes score near K exp(-(K - 1) / (2 n)) instead of K, and ten splits make n ten
    times smaller. Ten splits, as published, suit 50,000 samples; for a thousand use one.
    Raises ValueError for rows that are not probabilities or fewer rows than splits.
    """
    p = _arrays.rows("probabilities", probabilities)
    splits = _checks.whole("splits", splits, least=1)
    if (p < 0).any() or np.abs(p.sum(1) - 1).max() > 1e-3:
        raise ValueError("probabilities must be >= 0 with rows of sum 1: were they logits?")
    if len(p) < splits:
        raise ValueError(f"splits must be at most the number of rows, got {splits} and {len(p)}.")
    if splits > 1:
        p = np.random.default_rng(_checks.whole("seed", seed)).permutation(p)
    scores = [_split_score(part) for part in np.array_split(p, splits)]
    return InceptionScore(float(np.mean(scores)), float(np.std(scores)) if splits > 1 else np.nan)


def _split_score(p: Array) -> float:
    marginal = np.broadcast_to(p.mean(0), p.shape)
    on = p > 0
    return float(np.exp((p[on] * np.log(p[on] / marginal[on])).sum() / len(p)))


def _mean(name: str, value: Any) -> Array:
    return _arrays.rows(name, np.atleast_1d(np.asarray(value, dtype=np.float64)))[:, 0]


def _covariance(name: str, value: Any, d: int) -> Array:
    given = _arrays.rows(name, np.atleast_2d(np.asarray(value, dtype=np.float64)))
    if given.shape != (d, d) or not np.allclose(given, given.T, rtol=1e-6, atol=1e-12):
        raise ValueError(f"{name} must be a symmetric ({d}, {d}) matrix, got shape {given.shape}.")
    return given

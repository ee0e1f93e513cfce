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

Gaussian = tuple[Array, Array]
"""Mean (d,) and a factor F (k, d) of the covariance F^T F."""


def frechet_distance(mean_x: Any, cov_x: Any, mean_y: Any, cov_y: Any) -> float:
    """|m_x - m_y|^2 + tr(A + B - 2 (A B)^(1/2)) for N(m_x, A) and N(m_y, B), in float64, >= 0.

    Dowson and Landau (1982); Heusel et al. (2017). With factors A = F^T F and B = H^T H,
    tr (A B)^(1/2) = |F H^T|_*, the sum of the singular values: unlike the square roots of the
    eigenvalues of a product, they keep all digits where A or B is singular. An eigenvalue of A or B
    below d eps times the largest cannot be told from rounding and counts as zero.
    Shapes (d,) and (d, d), or numbers for d = 1. Raises ValueError for shapes that do not fit and
    for covariances that are not symmetric.
    """
    m1, m2 = _mean("mean_x", mean_x), _mean("mean_y", mean_y)
    a, b = _covariance("cov_x", cov_x, len(m1)), _covariance("cov_y", cov_y, len(m2))
    if len(m1) != len(m2):
        raise ValueError(f"mean_x and mean_y must have one length, got {len(m1)} and {len(m2)}.")
    return _between((m1, _factor(a)), (m2, _factor(b)))


def _factor(covariance: Array) -> Array:
    """F (rank, d) with F^T F = covariance, a row for each eigenvalue above rounding."""
    values, vectors = np.linalg.eigh(covariance)
    certain = values > len(values) * np.finfo(values.dtype).eps * values[-1]
    return np.sqrt(values[certain, None]) * vectors[:, certain].T


def _between(x: Gaussian, y: Gaussian) -> float:
    """|m_x - m_y|^2 + |F|^2 + |H|^2 - 2 |F H^T|_*, Frobenius norms and a nuclear one."""
    (m1, f), (m2, h) = x, y
    cross = np.linalg.svd(f @ h.T, compute_uv=False).sum()
    return max(0.0, float(((m1 - m2) ** 2).sum() + (f * f).sum() + (h * h).sum() - 2 * cross))


def sample_frechet(fake: Any, real: Any) -> float:
    """Frechet distance of the Gaussians fitted to two samples (n, d) and (m, d), n, m >= 2.

    The triangular factor R of the centered samples, X = Q R with X^T X = R^T R, is one of the
    covariance, so that none is formed and no digit lost, with fewer samples than dimensions or in
    a subspace too. Biased upwards: two samples of n from one N(mu, C) score about
    d (d + 5) / (2 n) for C = I. See ``frechet_infinity``.
    """
    x, y = _arrays.pair(fake, real, least=2)
    return _between(_fitted(x), _fitted(y))


def _fitted(x: Array) -> Gaussian:
    mean = x.mean(0)
    return mean, np.linalg.qr(x - mean, mode="r") / np.sqrt(len(x) - 1)


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
    rng, real_fit = np.random.default_rng(_checks.whole("seed", seed)), _fitted(y)
    sizes = np.linspace(smallest, len(x), points).astype(int)
    distances = np.array([_mean_over_subsets(rng.permutation(x), real_fit, n) for n in sizes])
    slope, value = np.polyfit(1 / sizes, distances, 1)
    return FrechetInfinity(float(value), float(slope), sizes.astype(float), distances)


def _mean_over_subsets(x: Array, real: Gaussian, n: int) -> float:
    starts = range(0, len(x) - n + 1, n)
    return float(np.mean([_between(_fitted(x[i : i + n]), real) for i in starts]))


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

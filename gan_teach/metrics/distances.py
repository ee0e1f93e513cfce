"""Distances between two samples: Wasserstein along lines, maximum mean discrepancy, and Frechet's;
divergences of discrete distributions, of samples by a shared histogram, and the inception score.

The Frechet distance is that of Gaussians fitted to features. On features of the genuine Inception
network it is FID; on any other features call it FD(name of the network): the numbers are not
comparable.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from gan_teach import _checks
from gan_teach.metrics import _arrays
from gan_teach.metrics._arrays import Array

_BLOCK = 1 << 22  # kernel values at a time: 32 MB
_LINES = 32  # projections sorted at a time
_MOST_CELLS = 10**7

Gaussian = tuple[Array, Array]
"""Mean (d,) and a factor F (k, d) of the covariance F^T F."""


def sliced_wasserstein(fake: Any, real: Any, projections: int = 64, seed: int = 0) -> float:
    """Mean over unit directions v of W_1(v.x, v.y), in the units of the data.

    On the line there is one direction and this is W_1; in the plane the directions are equally
    spaced over a half turn, the best rule for a periodic function; beyond, they are random, the
    same for one seed. Two samples of one law do not score 0: compare with a noise band.
    """
    x, y = _arrays.pair(fake, real)
    count = _checks.whole("projections", projections, least=1)
    lines = _directions(x.shape[1], count, _checks.whole("seed", seed))
    costs = [
        _cost(np.sort(part @ x.T), np.sort(part @ y.T))
        for part in np.split(lines, range(_LINES, len(lines), _LINES))
    ]
    return float(np.mean(np.concatenate(costs)))


def _directions(d: int, count: int, seed: int) -> Array:
    if d == 1:
        return np.ones((1, 1))
    if d == 2:
        angle = math.pi * (np.arange(count) + 0.5) / count
        return np.stack([np.cos(angle), np.sin(angle)], 1)
    normal = np.random.default_rng(seed).standard_normal((count, d))
    return normal / np.linalg.norm(normal, axis=1, keepdims=True)


def _cost(x: Array, y: Array) -> Array:
    """(lines,) integrals of |F^-1 - G^-1| for sorted x (lines, n) and y (lines, m)."""
    n, m = x.shape[1], y.shape[1]
    if n == m:
        return np.abs(x - y).mean(1)
    # Both quantile functions are constant between cuts; in units of 1 / (n m) the cuts are whole.
    cuts = np.union1d(np.arange(1, n + 1) * m, np.arange(1, m + 1) * n)
    width = np.diff(cuts, prepend=0) / (n * m)
    return np.abs(x[:, (cuts - 1) // m] - y[:, (cuts - 1) // n]) @ width


def kid(fake: Any, real: Any) -> float:
    """Kernel (Inception) distance: unbiased MMD^2 with the kernel (x.y / d + 1)^3.

    Binkowski et al. (2018). All pairs are used, no subsets. Unbiased: a perfect
    generator scores 0 on average, so often below 0. Do not cut negative values off.
    """
    x, y = _arrays.pair(fake, real, least=2)
    scale = 1 / x.shape[1]

    def kernel(a: Array, b: Array) -> Array:
        base = scale * (a @ b.T) + 1.0
        return base * base * base  # many times as fast as base ** 3

    return _mmd2(x, y, kernel)


def rbf_mmd(fake: Any, real: Any, bandwidth: float) -> float:
    """Unbiased MMD^2 with the kernel exp(-|x - y|^2 / (2 bandwidth^2)); may be below 0.

    Gretton et al. (2012), who take the median distance between the samples as the bandwidth; it
    then differs from one pair of samples to the next.
    """
    x, y = _arrays.pair(fake, real, least=2)
    width = _checks.real("bandwidth", bandwidth, above=0.0)
    center = y.mean(0)  # smaller numbers, less cancellation in |x|^2 + |y|^2 - 2 x.y
    x, y = x - center, y - center

    def kernel(a: Array, b: Array) -> Array:
        squares = (a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * (a @ b.T)
        return np.exp(np.maximum(squares, 0.0) / (-2 * width * width))

    return _mmd2(x, y, kernel)


def _mmd2(x: Array, y: Array, kernel: Callable[[Array, Array], Array]) -> float:
    """mean_{i != j} k(x_i, x_j) + mean_{i != j} k(y_i, y_j) - 2 mean_ij k(x_i, y_j)."""

    def total(a: Array, b: Array, diagonal: bool) -> float:
        step, result = max(1, _BLOCK // len(b)), 0.0
        for start in range(0, len(a), step):
            block = kernel(a[start : start + step], b)
            result += block.sum() - (0.0 if diagonal else np.trace(block, offset=start))
        return float(result)

    def own(a: Array) -> float:
        return total(a, a, diagonal=False) / (len(a) * (len(a) - 1))

    return own(x) + own(y) - 2 * total(x, y, diagonal=True) / (len(x) * len(y))


def frechet_distance(mean_x: Any, cov_x: Any, mean_y: Any, cov_y: Any) -> float:
    """|m_x - m_y|^2 + tr(A + B - 2 (A B)^(1/2)) for N(m_x, A) and N(m_y, B), in float64, >= 0.

    Dowson and Landau (1982); Heusel et al. (2017). With factors A = F^T F and B = H^T H,
    tr (A B)^(1/2) = |F H^T|_*, the sum of the singular values: unlike the square roots of the
    eigenvalues of a product, they keep all digits where A or B is singular. An eigenvalue of A or B
    below d eps times the largest cannot be told from rounding and counts as zero.
    Shapes (d,) and (d, d), or numbers for d = 1. Raises ValueError for shapes that do not fit and
    for covariances that are not symmetric.
    """
    x, y = _moments("x", mean_x, cov_x), _moments("y", mean_y, cov_y)
    d, other = len(x[0]), len(y[0])
    if d != other:
        raise ValueError(f"mean_x and mean_y must have one length, got {d} and {other}.")
    return _between(x, y)


def _moments(name: str, mean: Any, covariance: Any) -> Gaussian:
    """Mean, and F (rank, d) with F^T F = covariance: a row for each eigenvalue above rounding."""
    center = _arrays.rows(f"mean_{name}", np.atleast_1d(mean))[:, 0]
    matrix, d = _arrays.rows(f"cov_{name}", np.atleast_2d(covariance)), len(center)
    if matrix.shape != (d, d) or not np.allclose(matrix, matrix.T, rtol=1e-6, atol=1e-12):
        raise ValueError(
            f"cov_{name} must be a symmetric ({d}, {d}) matrix, got shape {matrix.shape}."
        )
    values, vectors = np.linalg.eigh(matrix)
    certain = values > d * np.finfo(values.dtype).eps * values[-1]
    return center, np.sqrt(values[certain, None]) * vectors[:, certain].T


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


def frechet_infinity(fake: Any, real: Any, points: int = 15, seed: int = 0) -> FrechetInfinity:
    """FD at n -> infinity from a straight line in 1/n (Chong and Forsyth 2020).

    The bias of the fakes is a / n + O(1 / n^2), so the distances of subsets of ``points`` sizes,
    from a tenth to all of the fakes, lie on a line in 1 / n, whose intercept is the value. Each
    size takes the mean over as many disjoint subsets as fit, which makes small sizes no noisier
    than large ones. The bias of the real set stays: use many more real samples.
    """
    points = _checks.whole("points", points, least=2)
    x, y = _arrays.pair(_arrays.rows("fake", fake, least=points + 2), real, least=2)
    rng, real_fit = np.random.default_rng(_checks.whole("seed", seed)), _fitted(y)
    sizes = np.linspace(max(2, len(x) // 10), len(x), points).astype(int)
    distances = np.array([_mean_over_subsets(rng.permutation(x), real_fit, n) for n in sizes])
    slope, value = np.polyfit(1 / sizes, distances, 1)
    return FrechetInfinity(float(value), float(slope), sizes.astype(float), distances)


def _mean_over_subsets(x: Array, real: Gaussian, n: int) -> float:
    starts = range(0, len(x) - n + 1, n)
    return float(np.mean([_between(_fitted(x[i : i + n]), real) for i in starts]))


# -- divergences -----------------------------------------------------------------------------------
# All in nats, all >= 0: both histograms are normalized by their own number of samples, count every
# sample, and rounding below zero is cut off.


def kl_divergence(p: Any, q: Any) -> float:
    """KL(p || q) = sum_i p_i log(p_i / q_i) of two weight vectors (k,), normalized here.

    Infinite where p has mass and q has none. Called with p = generated it is the *reverse* KL.
    """
    p, q = _arrays.masses(p=p, q=q)
    on = p > 0
    with np.errstate(divide="ignore"):
        return max(0.0, float(np.sum(p[on] * (np.log(p[on]) - np.log(q[on])))))


def js_divergence(p: Any, q: Any) -> float:
    """Jensen-Shannon: (KL(p || m) + KL(q || m)) / 2 with m = (p + q) / 2; from 0 to log 2."""
    p, q = _arrays.masses(p=p, q=q)
    m = (p + q) / 2
    return (kl_divergence(p, m) + kl_divergence(q, m)) / 2


def shared_histogram(fake: Any, real: Any, bins: int = 20) -> tuple[Array, Array]:
    """Shares (cells,) of the fake and of the real samples in the same cells.

    ``bins`` equal bins per axis span the range of the *real* samples; two more per axis hold what
    lies below and above. So no fake is dropped, and one that ran off to 1e6 does not squeeze all
    others into a single bin. Cells that nobody occupies are left out. Raises ValueError where the
    dimensions make far more cells than there are samples.
    """
    x, y = _arrays.pair(fake, real)
    bins = _checks.whole("bins", bins, least=1)
    d = x.shape[1]
    if (bins + 2) ** d > _MOST_CELLS:
        raise ValueError(
            f"bins = {bins} in {d} dimensions makes {(bins + 2) ** d:.0e} cells, far more than "
            "samples: use fewer bins, or sliced_wasserstein."
        )
    both = np.concatenate([x, y])
    place = np.empty(both.shape, dtype=np.int64)
    for axis, real_values in enumerate(y.T):
        values, edges = both[:, axis], np.linspace(real_values.min(), real_values.max(), bins + 1)
        place[:, axis] = np.searchsorted(edges, values, side="right")
        place[values == edges[-1], axis] = bins  # the last bin is closed on the right
    cells, cell = np.unique(place, axis=0, return_inverse=True)
    p, q = (np.bincount(c, minlength=len(cells)) for c in np.split(cell.ravel(), [len(x)]))
    return p / len(x), q / len(y)


def histogram_js(fake: Any, real: Any, bins: int = 20) -> float:
    """Jensen-Shannon divergence of the shared histogram of two samples.

    Biased upwards: two samples of n and m from one law over c occupied cells score about
    (c - 1) (1/n + 1/m) / 8, not 0 (``histogram_js_bias``). Compare with a noise band.
    """
    return js_divergence(*shared_histogram(fake, real, bins))


def histogram_js_bias(cells: int, n: int, m: int) -> float:
    """Expected ``histogram_js`` of n and m samples of one law over ``cells`` occupied cells.

    To second order in p - q the divergence is sum_i (p_i - q_i)^2 / (8 p_i), a chi-square with
    cells - 1 degrees of freedom times (1/n + 1/m) / 8. Good from about five samples a cell.
    """
    cells, n = _checks.whole("cells", cells, least=1), _checks.whole("n", n, least=1)
    return (cells - 1) * (1 / n + 1 / _checks.whole("m", m, least=1)) / 8


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

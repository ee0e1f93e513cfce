"""Distances between two samples: Wasserstein along lines, and maximum mean discrepancy."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from gan_teach import _checks
from gan_teach.metrics import _arrays
from gan_teach.metrics._arrays import Array

_BLOCK = 1 << 22  # kernel values at a time: 32 MB
_LINES = 32  # projections sorted at a time


def sliced_wasserstein(
    fake: Any, real: Any, projections: int = 64, order: float = 1.0, seed: int = 0
) -> float:
    """(mean over unit directions v of W_p(v.x, v.y)^p)^(1/p), in the units of the data.

    On the line there is one direction and this is W_p; in the plane the directions are equally
    spaced over a half turn, the best rule for a periodic function; beyond, they are random, the
    same for one seed. Two samples of one law do not score 0: compare with a noise band.
    """
    x, y = _arrays.pair(fake, real)
    order = _checks.real("order", order, least=1.0)
    count = _checks.whole("projections", projections, least=1)
    lines = _directions(x.shape[1], count, _checks.whole("seed", seed))
    costs = [
        _cost(np.sort(part @ x.T), np.sort(part @ y.T), order)
        for part in np.split(lines, range(_LINES, len(lines), _LINES))
    ]
    return float(np.mean(np.concatenate(costs)) ** (1 / order))


def _directions(d: int, count: int, seed: int) -> Array:
    if d == 1:
        return np.ones((1, 1))
    if d == 2:
        angle = math.pi * (np.arange(count) + 0.5) / count
        return np.stack([np.cos(angle), np.sin(angle)], 1)
    normal = np.random.default_rng(seed).standard_normal((count, d))
    return normal / np.linalg.norm(normal, axis=1, keepdims=True)


def _cost(x: Array, y: Array, order: float) -> Array:
    """(lines,) integrals of |F^-1 - G^-1|^order for sorted x (lines, n) and y (lines, m)."""
    n, m = x.shape[1], y.shape[1]
    if n == m:
        return (np.abs(x - y) ** order).mean(1)
    # Both quantile functions are constant between cuts; in units of 1 / (n m) the cuts are whole.
    cuts = np.union1d(np.arange(1, n + 1) * m, np.arange(1, m + 1) * n)
    width = np.diff(cuts, prepend=0) / (n * m)
    return (np.abs(x[:, (cuts - 1) // m] - y[:, (cuts - 1) // n]) ** order) @ width


def kid(fake: Any, real: Any, degree: int = 3, coef: float = 1.0) -> float:
    """Kernel (Inception) distance: unbiased MMD^2 with the kernel (x.y / d + coef)^degree.

    Binkowski et al. (2018). All pairs are used, no subsets. Unbiased: a perfect
    generator scores 0 on average, so often below 0. Do not cut negative values off.
    """
    x, y = _arrays.pair(fake, real, least=2)
    degree, scale = _checks.whole("degree", degree, least=1), 1 / x.shape[1]
    coef = _checks.real("coef", coef)

    def kernel(a: Array, b: Array) -> Array:
        base = scale * (a @ b.T) + coef
        power = base
        for _ in range(degree - 1):  # many times as fast as base ** degree
            power = power * base
        return power

    return _mmd2(x, y, kernel)


def rbf_mmd(fake: Any, real: Any, bandwidth: float | None = None, seed: int = 0) -> float:
    """Unbiased MMD^2 with the kernel exp(-|x - y|^2 / (2 bandwidth^2)); may be below 0.

    Gretton et al. (2012). bandwidth: a number or, if None, the median distance between the pooled
    samples (at most 1000 of them), which then differs from one pair of samples to the next.
    """
    x, y = _arrays.pair(fake, real, least=2)
    center = y.mean(0)  # smaller numbers, less cancellation in |x|^2 + |y|^2 - 2 x.y
    x, y = x - center, y - center
    if bandwidth is None:
        width = _median_distance(np.concatenate([x, y]), _checks.whole("seed", seed))
    else:
        width = _checks.real("bandwidth", bandwidth, above=0.0)
    return _mmd2(x, y, lambda a, b: np.exp(_squares(a, b) / (-2 * width * width)))


def _mmd2(x: Array, y: Array, kernel: Callable[[Array, Array], Array]) -> float:
    """mean_{i != j} k(x_i, x_j) + mean_{i != j} k(y_i, y_j) - 2 mean_ij k(x_i, y_j)."""

    def total(a: Array, b: Array, diagonal: bool) -> float:
        step, found = max(1, _BLOCK // len(b)), 0.0
        for start in range(0, len(a), step):
            block = kernel(a[start : start + step], b)
            found += block.sum() - (0.0 if diagonal else np.trace(block, offset=start))
        return float(found)

    def own(a: Array) -> float:
        return total(a, a, diagonal=False) / (len(a) * (len(a) - 1))

    return own(x) + own(y) - 2 * total(x, y, diagonal=True) / (len(x) * len(y))


def _squares(x: Array, y: Array) -> Array:
    squares = (x * x).sum(1)[:, None] + (y * y).sum(1) - 2 * (x @ y.T)
    return np.maximum(squares, 0.0)


def _median_distance(pooled: Array, seed: int) -> float:
    if len(pooled) > 1000:
        pooled = np.random.default_rng(seed).choice(pooled, 1000, replace=False)
    above = np.triu_indices(len(pooled), 1)
    width = math.sqrt(float(np.median(_squares(pooled, pooled)[above])))
    if width == 0:
        raise ValueError("bandwidth=None needs spread, but most samples coincide: pass a number.")
    return width

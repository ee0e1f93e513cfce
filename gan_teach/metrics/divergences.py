"""Divergences between discrete distributions, between samples by a shared histogram, and the
inception score, which is one.

All in nats, all >= 0: both histograms are normalized by their own number of samples, count every
sample, and rounding below zero is cut off.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gan_teach import _checks
from gan_teach.metrics import _arrays
from gan_teach.metrics._arrays import Array

_MOST_CELLS = 10**7


def kl_divergence(p: Any, q: Any) -> float:
    """KL(p || q) = sum_i p_i log(p_i / q_i) of two weight vectors (k,), normalized here.

    Infinite where p has mass and q has none. Called with p = generated it is the *reverse* KL.
    """
    p, q = _same_length(p, q)
    on = p > 0
    with np.errstate(divide="ignore"):
        return max(0.0, float(np.sum(p[on] * (np.log(p[on]) - np.log(q[on])))))


def js_divergence(p: Any, q: Any) -> float:
    """Jensen-Shannon: (KL(p || m) + KL(q || m)) / 2 with m = (p + q) / 2; from 0 to log 2."""
    p, q = _same_length(p, q)
    m = (p + q) / 2
    return (kl_divergence(p, m) + kl_divergence(q, m)) / 2


def shared_histogram(fake: Any, real: Any, bins: int = 20) -> tuple[Array, Array]:
    """Shares (cells,) of the fake and of the real samples in the same cells.

    ``bins`` equal bins per axis span the range of the *real* samples; two more per axis hold what
    lies below and above. So no fake is dropped, and one that ran off to 1e6 does not squeeze all
    others into a single bin. Cells that nobody occupies are left out.
    """
    x, y = _arrays.pair(fake, real)
    bins = _checks.whole("bins", bins, least=1)
    d = x.shape[1]
    if (bins + 2) ** d > _MOST_CELLS:
        raise ValueError(
            f"bins = {bins} in {d} dimensions makes {(bins + 2) ** d:.0e} cells, far more than "
            "samples: use fewer bins, or sliced_wasserstein."
        )
    cell = np.zeros(len(x) + len(y), dtype=np.int64)
    for a, b in zip(x.T, y.T, strict=True):
        edges = np.linspace(b.min(), b.max(), bins + 1)
        at = np.searchsorted(edges, np.concatenate([a, b]), side="right")
        at[np.concatenate([a, b]) == edges[-1]] = bins  # the last bin is closed on the right
        cell = cell * (bins + 2) + at
    cell = np.unique(cell, return_inverse=True)[1].reshape(-1)
    count = cell.max() + 1
    p = np.bincount(cell[: len(x)], minlength=count) / len(x)
    return p, np.bincount(cell[len(x) :], minlength=count) / len(y)


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


def _same_length(p: Any, q: Any) -> tuple[Array, Array]:
    a, b = _arrays.masses("p", p), _arrays.masses("q", q)
    if len(a) != len(b):
        raise ValueError(f"p and q must have one length, got {len(a)} and {len(b)}.")
    return a, b

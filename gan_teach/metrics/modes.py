"""Samples against known modes, and the band in which a perfect generator's score lies.

Three numbers belong together: the count of covered modes alone can be full with nine tenths of the
samples between the modes, the share of good samples alone is perfect for a collapsed generator, and
the reverse KL sees neither stray samples nor a mode that is merely too narrow.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch

from gan_teach import _checks
from gan_teach.data import Source
from gan_teach.metrics import _arrays
from gan_teach.metrics._arrays import Array
from gan_teach.metrics.distances import kl_divergence

SCORES = ("covered", "high_quality", "reverse_kl")
Metric = Callable[[Array, Array], float]
Metrics = Callable[[Array, Array], list[float]]


@dataclass(frozen=True)
class ModeReport:
    """What ``mode_report`` found in ``n`` samples over K modes.

    covered: modes with enough samples within the given number of sigmas; high_quality: share of
    samples within them; reverse_kl: KL(generated || real) over the nearest modes, in nats, >= 0;
    nearest (K,): samples whose nearest mode this is; hits (K,): those of them within the sigmas.
    """

    covered: int
    high_quality: float
    reverse_kl: float
    nearest: np.ndarray
    hits: np.ndarray

    @property
    def modes(self) -> int:
        return len(self.hits)

    @property
    def n(self) -> int:
        return int(self.nearest.sum())

    @property
    def scores(self) -> dict[str, float]:
        """The three numbers by name."""
        return {name: float(getattr(self, name)) for name in SCORES}

    def __str__(self) -> str:
        return (
            f"{self.covered} of {self.modes} modes, {self.high_quality:.1%} of {self.n} samples of "
            f"high quality, reverse KL {self.reverse_kl:.3f}"
        )


def mode_report(samples: Any, data: Any, *, sigmas: float = 3.0, least: int = 1) -> ModeReport:
    """Covered modes, share of high-quality samples and reverse KL of ``samples`` (n, d).

    ``data`` has known modes: its ``locate`` decides which mode a sample belongs to; for modes of
    your own give ``data.GaussianMixture(modes, std, weights)``. A sample is of high quality within
    ``sigmas`` standard deviations of its nearest mode: 99.7 % of a Gaussian on the line,
    1 - exp(-4.5) = 98.9 % in the plane. A mode is covered by at least ``least`` of them: 1 in Lin
    et al. (PacGAN, 2018). The reverse KL counts every sample at its nearest mode; it is log(K / k)
    for k of K modes evenly, and about (K - 1) / (2 n) for a perfect generator.
    Raises ValueError for data without modes, NaN, no samples, or a wrong dimension.
    """
    x = _arrays.rows("samples", samples)
    sigmas = _checks.real("sigmas", sigmas, above=0.0)
    least = _checks.whole("least", least, least=1)
    if not hasattr(data, "locate"):
        raise ValueError(
            f"data must have known modes, got {data!r}. Give a GaussianMixture(modes, std), or "
            "compare samples with sliced_wasserstein or precision_recall."
        )
    if x.shape[1:] != tuple(data.shape):
        raise ValueError(f"samples must have shape (n, {data.shape[0]}), got {x.shape}.")
    mode, distance = (part.numpy() for part in data.locate(torch.from_numpy(x)))
    mass = data.mode_weights.numpy()
    nearest = np.bincount(mode, minlength=len(mass))
    good = distance <= sigmas
    hits = np.bincount(mode[good], minlength=len(mass))
    return ModeReport(
        covered=int((hits >= least).sum()),
        high_quality=float(good.mean()),
        reverse_kl=kl_divergence(nearest, mass),
        nearest=nearest,
        hits=hits,
    )


def class_coverage(numbers: Any, classes: int) -> tuple[int, float]:
    """(classes that occur, KL(generated || uniform) in nats) of class ``numbers`` (n,).

    For data whose modes a classifier tells apart, such as the 1000 combinations of three digits
    (Metz et al. 2017; Lin et al. 2018). A perfect generator of n samples has a KL of about
    (classes - 1) / (2 n) and ``expected_covered(classes, n)`` classes; a classifier's mistakes add
    to both. Raises ValueError for no samples or numbers outside of 0 to classes - 1.
    """
    numbers = np.asarray(numbers)
    classes = _checks.whole("classes", classes, least=1)
    if numbers.ndim != 1 or not len(numbers) or not np.isin(numbers, np.arange(classes)).all():
        raise ValueError(
            f"numbers must be (n,) whole numbers from 0 to {classes - 1}, one class per sample, "
            f"got {numbers!r:.80}."
        )
    counts = np.bincount(numbers.astype(np.int64), minlength=classes)
    return int((counts > 0).sum()), kl_divergence(counts, np.ones(classes))


def expected_covered(modes: int, n: int) -> float:
    """Mean number of K equal modes that n perfect samples hit: K (1 - (1 - 1/K)^n).

    Few samples look like collapse: 1000 of them find 632 of 1000 modes.
    """
    modes, n = _checks.whole("modes", modes, least=1), _checks.whole("n", n, least=0)
    return modes * (1 - (1 - 1 / modes) ** n)


class NoiseBand(NamedTuple):
    """Where a perfect generator scores: the ends of the inner real-against-real scores."""

    low: float
    high: float

    def __contains__(self, score: Any) -> bool:
        return self.low <= float(score) <= self.high


def noise_band(
    metric: Metric, data: Any, n: int, repeats: int = 200, level: float = 0.99, seed: int = 0
) -> NoiseBand:
    """The band that holds the score of n fresh *real* samples with probability at least ``level``.

    ``metric(fake, real)`` is called with ``repeats`` pairs of independent real samples of n each.
    With the scores sorted the band is [s_j, s_(repeats + 1 - j)], j = floor((repeats + 1)
    (1 - level) / 2): one more score of the same law falls inside with probability
    1 - 2 j / (repeats + 1) or more, exactly, whatever the law. ``data`` is a data set with
    ``sample``, or an array of at least 2 n rows, which is then split at random each time.
    Raises ValueError for too few repeats for the level or too few rows.
    """
    return noise_bands(lambda fake, real: [metric(fake, real)], data, n, repeats, level, seed)[0]


def mode_noise_bands(
    data: Any, n: int, repeats: int = 200, level: float = 0.99, seed: int = 0, **options: Any
) -> dict[str, NoiseBand]:
    """The noise band of each score of ``mode_report`` for n samples, each at ``level``.

    ``options`` (sigmas, least) are those of ``mode_report``.
    """

    def scores(fake: Array, _: Array) -> list[float]:
        return list(mode_report(fake, data, **options).scores.values())

    bands = noise_bands(scores, data, n, repeats, level, seed)
    return dict(zip(SCORES, bands, strict=True))


def noise_bands(
    metric: Metrics, data: Any, n: int, repeats: int = 200, level: float = 0.99, seed: int = 0
) -> list[NoiseBand]:
    """``noise_band`` for a ``metric`` that returns several numbers: one band for each of them."""
    n = _checks.whole("n", n, least=1)
    repeats = _checks.whole("repeats", repeats, least=1)
    rank = _rank(repeats, level)
    draw = _pairs(data, n, _checks.whole("seed", seed))
    scores = np.sort([metric(*draw()) for _ in range(repeats)], axis=0).astype(float)
    ends = zip(scores[rank - 1].tolist(), scores[-rank].tolist(), strict=True)
    return [NoiseBand(low, high) for low, high in ends]


def _rank(repeats: int, level: float) -> int:
    """How many scores lie at or beyond each end of the band, itself included."""
    level = _checks.real("level", level, above=0.0, most=1.0)
    rank = math.floor((repeats + 1) * (1 - level) / 2 + 1e-9)
    if rank < 1:
        least = math.ceil(2 / (1 - level) - 1 - 1e-6) if level < 1 else math.inf
        raise ValueError(
            f"repeats must be at least {least} for the level {level:g}, got {repeats}."
        )
    return rank


def _pairs(data: Any, n: int, seed: int) -> Callable[[], Sequence[Array]]:
    """A function that draws two independent samples (n, d) of real data."""
    if isinstance(data, Source):
        rng = torch.Generator().manual_seed(seed)
        return lambda: [data.sample(n, rng).double().numpy() for _ in range(2)]
    rows = _arrays.rows("data", data)
    if len(rows) < 2 * n:
        raise ValueError(f"data must have at least 2 n = {2 * n} rows, got {len(rows)}.")
    mix = np.random.default_rng(seed)
    return lambda: np.split(rows[mix.permutation(len(rows))[: 2 * n]], 2)

"""Checks of chapters 13 and 14: losses with smoothed labels, and what metrics see."""

from __future__ import annotations

import math
from typing import Any

from gan_teach import metrics
from gan_teach.analysis import landscape
from gan_teach.course.exercises.base import OPEN, Verdict, function, number

# -- 13: half circles ------------------------------------------------------------------------------


def _cross(target: float, score: float) -> float:
    """Binary cross-entropy of one answer."""
    return -target * math.log(score) - (1 - target) * math.log1p(-score)


def check_smoothed_loss(value: Any) -> Verdict:
    """D's loss at the equilibrium with the target 0.8 for real samples."""
    right = _cross(0.8, 0.4) + _cross(0.0, 0.4)
    return number(
        value,
        right,
        "D = 0.4: -0.8 log 0.4 - 1.2 log 0.6 = 1.346.",
        atol=2e-3,
        mistakes={
            "that is D = 1/2: with the target 0.8 the best constant is 0.8 / 2.": 2 * math.log(2),
            "that is the real half alone; D pays for the fakes, too.": _cross(0.8, 0.4),
            "that is the value for the target 0.9.": _cross(0.9, 0.45) + _cross(0.0, 0.45),
            "that is G's loss, -log 0.4.": -math.log(0.4),
        },
    )


def check_two_sided(best: Any) -> Verdict:
    """D* for the targets 0.9 (real) and 0.1 (fake), as a function of the two densities p and q."""
    verdict = function(
        best,
        lambda p, q: (0.9 * p + 0.1 * q) / (p + q),
        [(1.0, 1.0), (0.2, 0.6), (0.0, 1.0)],
        "(0.9 p + 0.1 q) / (p + q): at p = 0 it is 0.1, not 0, and where q is small too, its slope "
        "holds fakes where they are. Hence *one-sided* smoothing.",
    )
    if not verdict and callable(best) and abs(_tried(best) - 0.9 * 0.2 / 0.8) < 1e-6:
        return Verdict(False, "that is the one-sided one; here fakes have the target 0.1, not 0.")
    return verdict


def _tried(best: Any) -> float:
    try:
        return float(best(0.2, 0.6))
    except Exception:  # a learner's function may fail in any way; `function` says so
        return math.nan


def check_what_flat_means(answer: Any) -> Verdict:
    """Which of four states is compatible with D(x) = D(G(z)) = 0.45 for ever: a set of letters."""
    if answer is ... or answer is None:
        return OPEN
    letters = {c for c in str(answer).lower() if c.isalpha()} if isinstance(answer, str) else None
    if letters is None or not letters <= set("abcd"):
        return Verdict(False, f"letters from a to d are wanted, such as 'ac', not {answer!r}.")
    if letters == set("abc"):
        return Verdict(True, "all but d: a D that tells the two apart has D(x) > D(G(z)).")
    if "d" in letters:
        return Verdict(False, "a D that wins has two different means: D(x) > D(G(z)).")
    return Verdict(False, "a D that answers 0.45 everywhere does so whatever G does.")


# -- 14: honest metrics ----------------------------------------------------------------------------


def check_best_accuracy(accuracy: Any) -> Verdict:
    """The best D's accuracy against a generator that covers k of K equal modes evenly."""
    return function(
        accuracy,
        lambda k, modes: 1 - k / (2 * modes),
        [(8.0, 8.0), (7.0, 8.0), (1.0, 8.0)],
        "TV = 1 - k/K, so (1 + TV) / 2 = 1 - k / (2 K): 99 of 100 modes are 50.5 %.",
    )


def check_samples_for_modes(n: Any) -> Verdict:
    """Samples of a perfect generator until 99 of 100 equal modes are hit on average."""
    right = math.log(0.01) / math.log(0.99)
    if isinstance(n, (int, float)) and 0 < n < math.inf and abs(n - right) > 2:
        hit = metrics.expected_covered(100, round(n))
        return Verdict(False, f"{round(n)} samples hit {hit:.1f} of 100 modes on average.")
    why = "(99/100)^n = 1/100, n = 458: a perfect generator needs 4.6 samples per mode."
    return number(n, right, why, atol=2.0)


def check_fooled_frechet(spread: Any) -> Verdict:
    """The a for which the two points -a and a have Frechet distance 0 from N(0, 4)."""
    return number(
        spread,
        2.0,
        "mean 0 and variance a^2 = 4: two points pass for a Gaussian.",
        atol=1e-6,
        mistakes={"4 is the variance; a point at a has the variance a^2.": 4.0},
    )


def check_proof_by_loss(bound: Any) -> Verdict:
    """The least JS(p, q) that a loss of D of 1.0 on fresh samples proves."""
    return number(
        bound,
        math.log(2) - 0.5,
        "log 2 - 1/2 = 0.193: a low loss convicts, a high one proves nothing.",
        atol=2e-3,
        mistakes={
            "half of it: L = 2 log 2 - 2 JS.": 2 * math.log(2) - 1,
            "that is the bound's loss at the plateau, not JS.": landscape.plateau(4, 8),
        },
    )

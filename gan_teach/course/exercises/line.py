"""Checks of chapters 00 to 04: the GAN on the line."""

from __future__ import annotations

import math
from typing import Any

from gan_teach.course.exercises.base import OPEN, Verdict, function, number

# -- 00: the game --------------------------------------------------------------------------------


def check_confident_value(value: Any) -> Verdict:
    """V when D answers 0.9 on every real and 0.1 on every generated sample."""
    return number(
        value,
        2 * math.log(0.9),
        "2 log 0.9, close to 0: this discriminator wins.",
        atol=1e-3,
        mistakes={
            "V takes log(1 - D) of the generated samples, not log D.": math.log(0.9 * 0.1),
            "that is one term; there are two.": math.log(0.9),
        },
    )


# -- 01: the normal GAN ----------------------------------------------------------------------------


def check_target(value: Any) -> Verdict:
    """The objective V when D = 1/2 everywhere."""
    return number(
        value,
        -2 * math.log(2),
        "V = log(1/2) + log(1/2) = -2 log 2, about -1.386.",
        atol=2e-3,
        mistakes={
            "that is one of the two terms: add the fake samples' log(1 - D).": -math.log(2),
            "the sign: the logarithm of a probability is negative.": 2 * math.log(2),
            "that is a logarithm to base 10; V uses the natural one.": -2 * math.log10(2),
        },
    )


def check_optimal_discriminator(d_star: Any) -> Verdict:
    """D*(p, q) as a function of the two densities at a point."""
    return function(
        d_star,
        lambda p, q: p / (p + q),
        [(0.3, 0.3), (0.4, 0.1), (0.1, 0.4), (0.2, 0.0)],
        "D* = p / (p + q): the share of real samples among all that land at this point.",
    )


def check_blind_direction(direction: Any) -> Verdict:
    """A direction in (w, b) that changes the generator's spread and keeps its mean."""
    if direction is ... or direction is None:
        return OPEN
    try:
        w, b = (float(v) for v in direction)
    except (TypeError, ValueError):
        return Verdict(False, f"two numbers (of w, of b) are wanted, not {direction!r}.")
    if w == 0:
        return Verdict(False, "with w unchanged the spread |w| / sqrt(12) stays as it is.")
    if abs(b + 0.5 * w) > 1e-6 * abs(w):
        return Verdict(
            False, f"the mean w E[z] + b = w/2 + b changes by {w / 2 + b:g}: it has to stay."
        )
    return Verdict(True, "the mean w/2 + b stays, the spread changes, and V does not notice.")


# -- 02: the strong discriminator ------------------------------------------------------------------


def check_saturation(factor: Any) -> Verdict:
    """|dL_G / d logit| of the saturating loss as a function of D = D(G(z))."""
    return function(
        factor,
        lambda d: d,
        [(0.5,), (0.1,), (0.001,), (0.9,)],
        "|d/df log(1 - sigmoid(f))| = sigmoid(f) = D: no gradient where D is sure.",
    )


def check_non_saturation(factor: Any) -> Verdict:
    """|dL_G / d logit| of the non-saturating loss as a function of D = D(G(z))."""
    return function(
        factor,
        lambda d: 1 - d,
        [(0.5,), (0.1,), (0.001,), (0.9,)],
        "|d/df (-log sigmoid(f))| = 1 - D: close to 1 where D rejects the sample.",
    )


def check_gradient_ratio(times: Any) -> Verdict:
    """(1 - D) / D at D = 0.001: non-saturating over saturating gradient of one sample."""
    return number(
        times,
        999.0,
        "(1 - D) / D = 0.999 / 0.001.",
        atol=0.5,
        mistakes={
            "the numerator is 1 - D, not 1.": 1000.0,
            "that is the saturating one over the other: turn it over.": 1 / 999,
            "that is the difference of the factors; how many *times* is asked.": 0.998,
        },
    )


# -- 03: the strong generator ----------------------------------------------------------------------


def check_best_answer(b: Any, real_mean: float, w: float) -> Verdict:
    """The bias b at which the generator's mean equals the real one."""
    return number(
        b,
        real_mean - w / 2,
        "w E[z] + b equals the real mean, so a linear D has nothing left to see.",
        atol=1e-2,
        mistakes={
            "that is the real mean itself: G(z) = w z + b has the mean w/2 + b.": real_mean,
            "E[z] = 1/2 for z ~ U(0, 1), not 1.": real_mean - w,
        },
    )


def check_sampling_noise(scatter: Any, w: float, n: int) -> Verdict:
    """Standard deviation of dV/da at the equilibrium from n latents: |w| / (2 sqrt(12 n))."""
    right = abs(w) / (2 * math.sqrt(12 * n))
    return number(
        scatter,
        right,
        "half the scatter of a mean of n uniform variables times w.",
        atol=1e-3,
        mistakes={
            "that is the scatter of the mean; the gradient is half of it.": 2 * right,
            "that is a variance; take its root.": right**2,
            "that is the scatter of one sample; a mean of n scatters less.": right * math.sqrt(n),
        },
    )


# -- 04: the noisy GAN -----------------------------------------------------------------------------


def check_noisy_variance(variance: Any, data_std: float, noise: float) -> Verdict:
    """The variance of real samples after instance noise."""
    return number(
        variance,
        data_std**2 + noise**2,
        "variances of independent variables add.",
        atol=1e-6,
        mistakes={
            "standard deviations do not add; variances do.": (data_std + noise) ** 2,
            "that is the standard deviation; square it.": math.hypot(data_std, noise),
        },
    )


def check_best_slope(slope: Any, gap: float, variance: float) -> Verdict:
    """Slope of the logit of D* between two normal densities of equal variance: gap / variance."""
    return number(
        slope,
        gap / variance,
        "log p - log q is a line with the slope (difference of the means) / variance.",
        atol=1e-6,
        mistakes={
            "divide by the variance, not by the standard deviation.": gap / math.sqrt(variance),
            "the sign: D* grows towards the real samples.": -gap / variance,
            "the two halves of (x - mean)^2 / (2 variance) add up.": gap / (2 * variance),
        },
    )

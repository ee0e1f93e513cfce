"""Checks of chapters 17 and 19: narrow networks, averages of weights, rates of learning."""

from __future__ import annotations

import math
from typing import Any

from gan_teach.course.exercises.base import OPEN, Verdict, number

# -- 17: narrow networks --------------------------------------------------------------------------


def check_quarter_width(factor: Any) -> Verdict:
    """By which factor a quarter of the maps shrinks the weights of a convolution."""
    return number(
        factor,
        16,
        "both c_1 and c_2 shrink by 4. The table says less for G, since its input of 128 and the "
        "three colors stay as wide as they were.",
        atol=1e-6,
        mistakes={
            "the maps that go in shrink as well as those that come out.": 4,
            "that is the share that is left; the factor is its inverse.": 1 / 16,
            "the kernel's size k does not change.": 64,
        },
    )


def check_margin_losses(paired: Any, separable: Any) -> Verdict:
    """D's two losses where f is 1.5 on every real and -1.5 on every generated image."""
    if paired is ... or separable is ...:
        return OPEN
    first = number(
        paired,
        math.log1p(math.exp(-3)),
        "the pair is 3 apart: s(-3) = 0.0486.",
        atol=1e-3,
        mistakes={
            "the difference of the two is 3, not 1.5.": math.log1p(math.exp(-1.5)),
            "s(3) is G's loss.": math.log1p(math.exp(3)),
            "those of the two losses are exchanged.": 2 * math.log1p(math.exp(-1.5)),
        },
    )
    if not first:
        return Verdict(False, f"paired: {first.message}")
    second = number(
        separable,
        2 * math.log1p(math.exp(-1.5)),
        "paired s(-3) = 0.0486, separable 2 s(-1.5) = 0.4028: the same answers, eight times the "
        "loss. Values of different losses cannot be compared.",
        atol=1e-3,
        mistakes={"both halves count, the real and the generated.": math.log1p(math.exp(-1.5))},
    )
    return second if second else Verdict(False, f"separable: {second.message}")


def check_frechet_bias(bias: Any) -> Verdict:
    """Expected Frechet distance of two sets of 5,000 samples of one Gaussian in 96 dimensions."""
    right = 96 * 101 / (2 * 5000)
    return number(
        bias,
        right,
        "0.97, without any difference. The features of images are no Gaussian of 96 equal "
        "directions, so the level in the plot is another, but it is not zero either.",
        atol=5e-3,
        mistakes={
            "divide by 2 n, not by n.": 2 * right,
            "d (d + 5), not d^2.": 96**2 / 10_000,
            "that is for 10,000 samples in each set.": right / 2,
        },
    )


# -- 19: time scales ------------------------------------------------------------------------------


def check_half_life(steps: Any) -> Verdict:
    """After how many updates a past weight counts half in an average of decay 0.999."""
    right = math.log(0.5) / math.log(0.999)
    return number(
        steps,
        right,
        "log(1/2) / log(0.999) = 693 updates. With 0.9999 it is 6,931: in a run of 1,000 updates "
        "that average still remembers the untrained network.",
        atol=1,
        mistakes={
            "that is the mean age, 1 / (1 - 0.999); half is reached sooner.": 1000,
            "half of the mean age is not the half-life of a geometric series.": 500,
            "that is for 0.9999.": math.log(0.5) / math.log(0.9999),
        },
    )


def check_penalty_convention(gamma: Any) -> Verdict:
    """The gamma of (gamma / 2) E|grad D|^2 that equals the published mu = 10."""
    return number(
        gamma,
        20,
        "mu E|grad D|^2 without the half: gamma = 2 mu. Mescheder et al. use gamma = 10, which is "
        "half as strong as Fiez & Ratliff's mu = 10.",
        atol=1e-9,
        mistakes={
            "the published code has no factor 1/2.": 10,
            "the other way round: gamma / 2 must be 10.": 5,
        },
    )


def check_rate_of_d(rate: Any) -> Verdict:
    """D's learning rate at update 100,000 with tau = 4, lr = 1e-4 and decay (1 + t)^-0.005."""
    decay = 100_001**-0.005
    return number(
        rate,
        4e-4 * decay,
        "4 x 0.0001 x 0.944 = 0.000378. The decay is slow, and both players share it: tau stays 4.",
        atol=1e-6,
        mistakes={
            "tau multiplies D's rate: that is G's.": 1e-4 * decay,
            "the decay is missing.": 4e-4,
            "tau does not divide.": 1e-4 * decay / 4,
        },
    )

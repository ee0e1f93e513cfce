"""Checks of chapters 15 to 20: image GANs."""

from __future__ import annotations

import math
from typing import Any

from gan_teach import metrics
from gan_teach.course.exercises.base import Verdict, number

# -- 15: MNIST -------------------------------------------------------------------------------------

_LAYERS = ((100, 256), (256, 512), (512, 1024), (1024, 784))


def check_parameter_count(count: Any) -> Verdict:
    """Parameters of the generator 100-256-512-1024-784."""
    weights = sum(m * n for m, n in _LAYERS)
    biases = sum(n for _, n in _LAYERS)
    return number(
        count,
        weights + biases,
        "1,483,776 weights and 2,576 biases: 1,486,352.",
        atol=0.5,
        mistakes={"the biases are missing: one for each unit that a layer feeds.": weights},
    )


def check_scores_to_loss(loss: Any) -> Verdict:
    """D's loss at s = 0.9 if it says 0.629 to all real and 0.357 to all generated images."""
    a, b = 0.629, 0.357
    fake = -math.log(1 - b)
    return number(
        loss,
        -0.9 * math.log(a) - 0.1 * math.log(1 - a) + fake,
        "0.958, less than the 1.073 of the log: by Jensen's inequality the mean of -log D is at "
        "least -log of the mean of D.",
        atol=2e-3,
        mistakes={
            "that is without smoothing: a tenth of the target says fake.": -math.log(a) + fake,
            "D pays for the fakes, too: - log(1 - 0.357).": -0.9 * math.log(a)
            - 0.1 * math.log(1 - a),
        },
    )


def check_times_seen(times: Any) -> Verdict:
    """How often 18,000 batches of 100 show each of 5,000 images, in the mean."""
    return number(
        times,
        360.0,
        "1,800,000 / 5,000 = 360 times: 360 epochs, where the 60,000 digits are seen 30 times.",
        atol=0.5,
        mistakes={"that is for 60,000 digits.": 30.0, "a batch holds 100 images.": 3.6},
    )


# -- 16: CIFAR-10 ----------------------------------------------------------------------------------


def check_last_epoch(loss: Any) -> Verdict:
    """D's loss at s = 0.9 if it says 0.298 to all real and 0.062 to all generated images."""
    a, b = 0.298, 0.062
    return number(
        loss,
        -0.9 * math.log(a) - 0.1 * math.log(1 - a) - math.log(1 - b),
        "1.189, far below the 1.910 of the log: answers differed widely within the epoch, and the "
        "real images called fake cost most.",
        atol=2e-3,
        mistakes={
            "that is without smoothing.": -math.log(a) - math.log(1 - b),
            "the two scores are swapped.": -0.9 * math.log(b)
            - 0.1 * math.log(1 - b)
            - math.log(1 - a),
        },
    )


def check_slowdown(factor: Any) -> Verdict:
    """How much slower D moves at half the rate and every second batch."""
    return number(
        factor,
        4.0,
        "half the rate, half the updates: a quarter of the speed, tau = 1/4 in effect.",
        atol=1e-6,
        mistakes={
            "the rate alone is that; it also skips every second batch.": 2.0,
            "how much slower: 4, not its inverse.": 0.25,
        },
    )


# -- 18: faces -------------------------------------------------------------------------------------


def check_way_length(length: Any) -> Verdict:
    """Length at t = 1/4 of the straight way between orthogonal latents, over that of its ends."""
    return number(
        length,
        math.hypot(0.75, 0.25),
        "sqrt((3/4)^2 + (1/4)^2) = 0.79.",
        atol=2e-3,
        mistakes={
            "that is the middle, t = 1/2.": math.sqrt(0.5),
            "lengths of orthogonal vectors do not add: their squares do.": 1.0,
        },
    )


def check_copy_in_gallery(chance: Any) -> Verdict:
    """Chance that 16 fakes, a tenth of all being copies, show at least one copy."""
    return number(
        chance,
        1 - 0.9**16,
        "1 - 0.9^16 = 81 %; and a gallery that was picked by hand need not show any.",
        atol=2e-3,
        mistakes={
            "that is the chance of none.": 0.9**16,
            "that is the expected number of copies, 1.6, not a chance.": 1.6,
        },
    )


# -- 20: stacked digits ----------------------------------------------------------------------------


def check_perfect_thousand(count: Any) -> Verdict:
    """Combinations that 1000 perfect stacks show on average."""
    return number(
        count,
        metrics.expected_covered(1000, 1000),
        "1000 (1 - 0.999^1000) = 632: a perfect generator, and a third of the modes is missing.",
        atol=1.0,
        mistakes={
            "samples repeat each other: some combinations occur twice, others never.": 1000.0,
            "that is the number of combinations that are missing.": 1000 * 0.999**1000,
        },
    )


def check_grey_stacks(kl: Any) -> Verdict:
    """KL from uniform of a generator that repeats one digit in all three channels."""
    return number(
        kl,
        math.log(100),
        "ten of 1000 combinations, evenly: log(1000 / 10) = log 100 = 4.605.",
        atol=2e-3,
        mistakes={
            "that is the KL of a single combination.": math.log(1000),
            "that is log 10; 990 combinations of 1000 are missing, not 900.": math.log(10),
            "that is base 10; the natural logarithm gives nats.": 2.0,
        },
    )


def check_read_stacks(share: Any) -> Verdict:
    """Share of stacks named rightly by a classifier that is right for 97 % of digits."""
    return number(
        share,
        0.97**3,
        "0.97^3 = 91 %. The count hardly suffers, it can even grow: a stack read wrongly counts as "
        "a combination, too.",
        atol=2e-3,
        mistakes={
            "all three digits must be right: 0.97 to the third power.": 0.97,
            "a share is wanted, not a percentage.": 100 * 0.97**3,
        },
    )

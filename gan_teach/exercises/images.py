"""Checks of chapters 15 to 20: image GANs."""

from __future__ import annotations

import math
from typing import Any

from gan_teach.exercises.base import Verdict, number

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

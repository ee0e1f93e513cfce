"""Checks of chapter 12: scores and tallies over random architectures."""

from __future__ import annotations

import math
from typing import Any

from gan_teach.course.exercises.base import Verdict, number


def check_uneven_score(score: Any) -> Verdict:
    """Inception Score of perfect digits that are ones (half), fours and sevens (a quarter each)."""
    return number(
        score,
        2**1.5,
        "exp of the entropy of (1/2, 1/4, 1/4), which is 1.5 log 2: between 2 and 3 digits.",
        atol=0.01,
        mistakes={
            "that many digits occur, but not equally often.": 3.0,
            "that is the entropy in nats: the score is its exponential.": 1.5 * math.log(2),
            "that is the entropy in bits: 2 to that power is asked.": 1.5,
            "that would need all ten digits equally often.": 10.0,
        },
    )


def check_sign_test(p: Any) -> Verdict:
    """Two-sided p of 60 wins to 40 if both algorithms were as likely to win."""
    tail = sum(math.comb(100, k) for k in range(60, 101)) / 2**100
    return number(
        p,
        2 * tail,
        "2 P(at least 60 heads in 100 tosses) = 0.057: 60 to 40 is not yet a proof.",
        atol=5e-4,
        mistakes={
            "that is one tail; 40 to 60 would have surprised as much.": tail,
            "that is the normal approximation without its correction: count exactly.": math.erfc(
                2 / math.sqrt(2)
            ),
            "that is the chance of exactly 60; at least 60 is asked.": math.comb(100, 60) / 2**100,
        },
    )

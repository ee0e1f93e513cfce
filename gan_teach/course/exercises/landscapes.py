"""Checks of chapters 09 to 11: bad basins, mode scores, gradient penalties."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gan_teach.analysis import landscape
from gan_teach.course.exercises.base import OPEN, Verdict, function, number

# -- 09: two clusters ------------------------------------------------------------------------------


def check_collapse_loss(value: Any) -> Verdict:
    """D's loss, halved convention, when all fakes sit on one of two clusters."""
    right = landscape.plateau(1, 2, "js", "half")
    return number(
        value,
        right,
        "D answers 1/3 on the shared cluster: (3 log 3 - 2 log 2) / 4 = 0.477.",
        atol=2e-3,
        mistakes={
            "that is the sum of both terms: halve it.": 2 * right,
            "that is D's loss where nothing is left to tell: there D = 1/2.": math.log(2),
            "that is one fake on one point and the other off the data.": math.log(2) / 2,
        },
    )


def check_bad_basins(count: Any) -> Verdict:
    """The number of bad basins of the js loss for n points, as a function of n."""
    return function(
        count,
        lambda n: n**n - math.factorial(int(n)),
        [(2.0,), (3.0,), (4.0,), (5.0,)],
        "n^n ways to put n fakes on n points, of which n! leave no point out.",
    )


def check_way_out(states: Any) -> Verdict:
    """Assignments of two fakes from (0, 0) to (0, 1), along which the relativistic loss never
    falls."""
    if states is ... or states is None:
        return OPEN
    try:
        path = np.array(states, dtype=int)
    except (TypeError, ValueError):
        return Verdict(False, f"a list of pairs such as [(0, 0), ...] is wanted, not {states!r}.")
    if path.ndim != 2 or path.shape[1] != 2 or len(path) < 2 or not np.isin(path, (-1, 0, 1)).all():
        return Verdict(False, "each state is a pair of entries -1 (off the data), 0 or 1.")
    if path[0].tolist() != [0, 0] or sorted(path[-1].tolist()) != [0, 1]:
        return Verdict(False, "start at (0, 0), both on point 0, and end on both points.")
    moved = path[1:] != path[:-1]
    jumps = moved & (path[1:] != -1) & (path[:-1] != -1)
    if (moved.sum(1) > 1).any() or jumps.any():
        return Verdict(False, "move one fake at a time, and off the data (-1) on its way.")
    losses = landscape.assignment_loss(path, "relativistic")
    told = " -> ".join(f"{value:.3f}" for value in losses)
    if (np.diff(losses) < -1e-9).any():
        return Verdict(False, f"the loss falls on the way: {told}. Move the other fake.")
    return Verdict(True, f"{told}: the fake whose partner is the empty point moves for free.")


# -- 10: five Gaussians ----------------------------------------------------------------------------


def check_missing_mode(kl: Any) -> Verdict:
    """Reverse KL, in nats, of a generator that covers four of five equal modes evenly."""
    return number(
        kl,
        math.log(5 / 4),
        "each covered mode has 1/4 instead of 1/5: log(5/4) = 0.223.",
        atol=2e-3,
        mistakes={
            "the ratio is upside down: KL is never negative.": math.log(4 / 5),
            "that is in bits; the natural logarithm gives nats.": math.log2(5 / 4),
            "that is the forward direction, which is infinite; and log 5 is one mode of five.":
            math.log(5),
        },
    )  # fmt: skip


def check_share_outside(share: Any) -> Verdict:
    """The share of a perfect generator's samples farther than 3 sigma from their mode, d = 2."""
    return number(
        share,
        math.exp(-4.5),
        "the squared distance over sigma^2 is exponential with mean 2: exp(-9/2) = 1.1 %.",
        atol=2e-4,
        mistakes={
            "that is the share inside.": 1 - math.exp(-4.5),
            "that is the 3-sigma rule of the line; in the plane more lies outside.": 0.0027,
            "a share is wanted, not a percentage.": 100 * math.exp(-4.5),
        },
    )


def check_rule_out(n: Any) -> Verdict:
    """Runs without a failure that put the failure rate below 2 % (upper end of Wilson's 95 %)."""
    z2 = 1.959964**2
    return number(
        n,
        z2 / 0.02 - z2,
        "with no failure in n the upper end is z^2 / (n + z^2), so n >= 188.3: 189 runs.",
        atol=1.2,
        mistakes={
            "1 / 0.02 runs would see one such failure on average, and none with chance 0.37.": 50,
            "that is the rule of three, 3 / n: nearly, but Wilson's interval is wider.": 150,
        },
    )


# -- 11: gradient penalties ------------------------------------------------------------------------


def check_same_penalty(gamma: Any) -> Verdict:
    """The gamma of (gamma / 2) E|grad|^2 that equals mu E|grad|^2 with mu = 10."""
    return number(
        gamma,
        20.0,
        "gamma / 2 = mu, so the published mu = 10 is gamma = 20.",
        atol=1e-6,
        mistakes={
            "that is half of mu: it has to be doubled.": 5.0,
            "the conventions differ by a factor: one writes gamma / 2, the other mu.": 10.0,
        },
    )


def check_covered_directions(share: Any) -> Verdict:
    """Share of the orthants of R^d that published DRAGAN noise reaches, as a function of d."""
    return function(
        share,
        lambda d: 0.5**d,
        [(1.0,), (2.0,), (10.0,)],
        "all coordinates positive is one of 2^d sign patterns.",
    )


def check_friction(pair: Any) -> Verdict:
    """The friction -Re(lambda_1 + lambda_2) of the Dirac-GAN with R1 + R2, function of gamma."""
    return function(
        pair,
        lambda gamma: 2 * gamma,
        [(0.1,), (0.3,), (1.0,)],
        "the two penalties have the same curvature in psi there, so their weights add.",
    )

"""Checks of chapters 05 and 07: the Dirac-GAN, and regions of attraction."""

from __future__ import annotations

import math
from typing import Any

from gan_teach import zoo
from gan_teach.analysis import flows
from gan_teach.course.exercises.base import OPEN, Verdict, function, number

# -- 05: the Dirac-GAN -----------------------------------------------------------------------------


def check_growth(factor: Any) -> Verdict:
    """The factor of one simultaneous step on xy as a function of the learning rate."""
    return function(
        factor,
        lambda lr: math.sqrt(1 + lr**2),
        [(0.1,), (0.5,), (1.0,)],
        "|1 + i eta| = sqrt(1 + eta^2) > 1 for every step size.",
    )


def check_steps_per_decade(steps: Any) -> Verdict:
    """Steps in which R1 with gamma = 1 and lr = 0.2 divides the distance by ten."""
    rate = math.log(10)
    return number(
        steps,
        rate / -math.log(0.9),
        "0.9 per step, so log 10 / -log 0.9 = 21.9 steps.",
        atol=0.2,
        mistakes={
            "that is the flow's time, 2 log 10; a step is 0.2 of it.": 2 * rate,
            "that takes e^(-0.1) for 0.9; a step multiplies by 1 - 0.1.": 10 * rate,
            "0.2 is the step, the eigenvalue is -1/2: s = 1 - 0.1.": rate / -math.log(0.8),
        },
    )


def check_largest_step(lr: Any) -> Verdict:
    """The largest stable step on the Dirac-GAN with R1, as a function of gamma <= 1."""
    return function(
        lr,
        lambda gamma: 4 * gamma,
        [(0.1,), (0.3,), (1.0,)],
        "eta^2 / 4 < eta gamma, so eta < 4 gamma: no friction, no stable step.",
    )


# -- 07: regions of attraction ---------------------------------------------------------------------


def check_torus_tau_star(value: Any) -> Verdict:
    """tau* at (pi, pi), where -J = [[-1.15, 1], [-1, 0.85]]."""
    return number(
        value,
        23 / 17,
        "1.15 / 0.85 = 23/17: from there on the trace is positive.",
        atol=2e-3,
        mistakes={
            "that is the reciprocal, the value at (0, 0).": 17 / 23,
            "the sign: A is negative, -A / D is not.": -23 / 17,
        },
    )


def check_attracts(answer: Any) -> Verdict:
    """Whether a point with tau* = 1.353 attracts at tau = 1.2, 1.4 and 10: three truths."""
    if answer is ... or answer is None:
        return OPEN
    try:
        given = tuple(bool(a) for a in answer)
    except TypeError:
        return Verdict(False, f"three truths are wanted, not {answer!r}.")
    if len(given) != 3:
        return Verdict(False, f"three truths are wanted, one per tau; got {len(given)}.")
    if given == (False, True, True):
        return Verdict(True, "it attracts for every tau above tau*, however large.")
    if given[1] and not given[2]:
        return Verdict(False, "tau* has no upper partner: above it all tau are stable.")
    return Verdict(False, "compare each tau with tau* = 1.353.")


def check_switch(start: Any) -> Verdict:
    """A start on the torus that ends at (pi, pi) at tau = 2 and at (0, 0) at tau = 5."""
    if start is ... or start is None:
        return OPEN
    try:
        x, y = (float(c) for c in start)
    except (TypeError, ValueError):
        return Verdict(False, f"two angles are wanted, not {start!r}.")
    torus = zoo.torus()
    ends = [(0.0, 0.0), (math.pi, math.pi)]
    reached = flows.basins(
        torus.game(), (x, y), ends, (2.0, 5.0),
        lr=0.04, steps=20_000, tol=1e-3, period=torus.period,
    ).labels.tolist()  # fmt: skip
    names = {0: "(0, 0)", 1: "(pi, pi)"}
    at_2, at_5 = (names.get(label, "nowhere in 20 000 steps") for label in reached)
    told = f"it ends at {at_2} at tau = 2 and at {at_5} at tau = 5"
    return Verdict(reached == [1, 0], f"{told}.")

"""Checks of chapters 06 and 08: the timescale separation tau, and the covariance game."""

from __future__ import annotations

from typing import Any

from gan_teach.course.exercises.base import Verdict, function, number


def check_scalar_tau_star(value: Any) -> Verdict:
    """tau* of -J = [[-3, 4], [-4, 0.5]], one number per player."""
    return number(
        value,
        6.0,
        "tau* = -A / D = 6: from there on the trace A + tau D is positive.",
        atol=1e-6,
        mistakes={
            "that is -D / A: solve A + tau D = 0 for tau.": 1 / 6,
            "the sign: A is negative, -A / D is not.": -6.0,
            "at tau = 1 the trace is still negative: compare A + tau D with 0.": 1.0,
        },
    )


def check_real_from(tau: Any) -> Verdict:
    """The tau from which the Dirac-GAN's eigenvalues are real, as a function of mu."""
    return function(
        tau,
        lambda mu: 1 / mu**2,
        [(0.3,), (1.0,), (0.5,)],
        "tau^2 mu^2 >= tau, so tau >= 1 / mu^2.",
    )


def check_largest_ratio(tau: Any, lr: float, curvature: float) -> Verdict:
    """The largest tau at which one long step of D is still stable against a fixed G."""
    return number(
        tau,
        2 / (lr * curvature),
        "|1 - tau lr curvature| < 1 as long as tau < 2 / (lr curvature).",
        atol=0.02,
        mistakes={
            "there the step lands exactly on the optimum; it is stable up to twice that.": 1
            / (lr * curvature),
            "that forgets the learning rate.": 2 / curvature,
        },
    )


def check_rotations(count: Any) -> Verdict:
    """The number of zero modes of the d x d covariance game as a function of d."""
    return function(
        count,
        lambda d: d * (d - 1) / 2,
        [(1.0,), (2.0,), (3.0,), (10.0,)],
        "an antisymmetric d x d matrix has d (d - 1) / 2 free entries.",
    )


def check_covariance_real_from(tau: Any) -> Verdict:
    """The tau from which the covariance game in one dimension has real eigenvalues: (S, mu)."""
    return function(
        tau,
        lambda s, mu: 16 * s / mu**2,
        [(1.0, 1.0), (1.0975, 0.5), (2.0, 0.75)],
        "tau^2 mu^2 >= 4 tau (2 sqrt(S))^2, so tau >= 16 S / mu^2.",
    )

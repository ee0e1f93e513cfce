"""The checks of chapters 13 and 14: right answers pass, known mistakes are named."""

import math

import numpy as np
import pytest
from scipy import optimize

from gan_teach import metrics
from gan_teach.course import exercises as ex

LOG2 = math.log(2)


def cross(target, score):
    return -target * np.log(score) - (1 - target) * np.log(1 - score)


def best_answer(p, q, real, fake):
    """D* by minimizing the cross-entropy at one point."""
    found = optimize.minimize_scalar(
        lambda d: p * cross(real, d) + q * cross(fake, d),
        bounds=(1e-9, 1 - 1e-9), method="bounded", options={"xatol": 1e-12},
    )  # fmt: skip
    return found.x  # pyright: ignore[reportAttributeAccessIssue]


def test_two_sided_targets():
    assert ex.check_two_sided(lambda p, q: (0.9 * p + 0.1 * q) / (p + q))
    assert best_answer(0.2, 0.6, 0.9, 0.1) == pytest.approx((0.18 + 0.06) / 0.8, abs=1e-6)


def test_samples_for_modes():
    assert metrics.expected_covered(100, 457) < 99 <= metrics.expected_covered(100, 459)
    assert ex.check_samples_for_modes(458)


def test_two_points_fool_the_frechet_distance():
    points = np.repeat([-2.0, 2.0], 5000)
    mean, variance = points.mean(), points.var()
    assert metrics.frechet_distance(mean, variance, 0.0, 4.0) == pytest.approx(0, abs=1e-12)
    assert ex.check_fooled_frechet(2)


def test_the_proof_by_loss():
    # the best D's loss against JS, so that a loss of 1 is the best one for JS = log 2 - 1/2
    p, q = np.array([0.7, 0.3]), np.array([0.2, 0.8])
    d = p / (p + q)
    loss = -(p * np.log(d) + q * np.log(1 - d)).sum()
    assert metrics.js_divergence(p, q) == pytest.approx(LOG2 - loss / 2)
    assert ex.check_proof_by_loss(LOG2 - 1 / 2)


WRONG = [
    (ex.check_two_sided, lambda p, q: 0.9 * p / (p + q), "one-sided"),
    (ex.check_two_sided, lambda p, q: p / (p + q), "hard labels"),
    (ex.check_two_sided, lambda p: p, "raised TypeError"),
    (ex.check_what_flat_means, "a", "whatever G does"),
    (ex.check_what_flat_means, "abcd", "two different means"),
    (ex.check_what_flat_means, 3, "letters from a to d"),
    (ex.check_samples_for_modes, 100, "63.40 of 100 modes"),
    (ex.check_fooled_frechet, 4, "variance a^2"),
    (ex.check_proof_by_loss, 2 * LOG2 - 1, "half of it"),
    (ex.check_proof_by_loss, "low", "a number is wanted"),
]


@pytest.mark.parametrize(("check", "answer", "words"), WRONG)
def test_mistakes_are_named(check, answer, words):
    verdict = check(answer)
    assert not verdict
    assert words in verdict.message


CHECKS = {check.__name__: check for check, *_ in WRONG}  # each once


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_an_open_answer_is_not_judged(check):
    assert "replace the ..." in check(...).message


def test_what_flat_losses_mean():
    assert ex.check_what_flat_means("a, b, c")
    assert ex.check_what_flat_means("ABC")


def test_either_of_the_two_points_counts():
    assert ex.check_fooled_frechet(-2)
    assert not ex.check_fooled_frechet(-4)


def test_the_least_number_of_runs_is_whole_or_the_formula():
    assert ex.check_rule_out(189)
    assert ex.check_rule_out(188.23)
    assert not any(ex.check_rule_out(n) for n in (188, 190, 200))

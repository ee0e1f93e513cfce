"""The checks of chapters 05 and 07: right answers count, known mistakes are named."""

import math

import numpy as np
import pytest
import torch

import gan_teach as gt
from gan_teach.course import exercises as ex

CHECKS = [
    ex.check_steps_per_decade, ex.check_largest_step, ex.check_attracts, ex.check_switch,
]  # fmt: skip


@pytest.mark.parametrize("check", CHECKS)
def test_an_open_exercise_is_open(check):
    assert not check(...)
    assert "replace the ..." in check(...).message


def test_steps_per_decade_are_those_of_a_run():
    game = gt.zoo.dirac(mu=1.0).game()
    path = gt.flows.trajectories(game, (1e-3, 1e-3), lr=0.2, steps=800)
    # (1, 1) is the only eigenvector of the double eigenvalue, so there is no factor t beside 0.9^t.
    late = path.distance((0.0, 0.0))[[400, 800], 0]
    per_step = math.log(late[1] / late[0]) / 400
    assert ex.check_steps_per_decade(math.log(10) / -per_step)
    assert "flow" in ex.check_steps_per_decade(2 * math.log(10)).message


@pytest.mark.parametrize("gamma", [0.1, 0.5, 1.0])
def test_the_largest_step_separates_stable_from_unstable(gamma):
    game = gt.zoo.dirac(mu=gamma).game()
    J = gt.jacobian(game, game.draw(), torch.zeros(2, dtype=torch.float64))
    radius = [
        abs(gt.dynamics.step_spectrum(gt.simultaneous(), J, 4 * gamma * factor)[0])
        for factor in (0.99, 1.01)
    ]
    assert radius[0] < 1 < radius[1]
    assert ex.check_largest_step(lambda g: 4 * g)
    assert "1/4, not" in ex.check_largest_step(lambda g: 2 * g).message
    assert "smallest gamma" in ex.check_largest_step(lambda g: g / 4).message


def test_tau_star_of_the_torus_is_the_librarys():
    game = gt.zoo.torus().game()
    J = gt.jacobian(game, game.draw(), torch.full((2,), math.pi, dtype=torch.float64))
    assert gt.tau_star(J) == pytest.approx(23 / 17)
    stable = [np.linalg.eigvals(J.at(tau)).real.max() < 0 for tau in (1.2, 1.4, 10.0)]
    assert ex.check_attracts(stable)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((False, True, False), "no upper"),
        ((True, True, True), "compare"),
        ((True,), "three truths"),
        (True, "three truths"),
    ],
)
def test_wrong_truths_are_answered(answer, told):
    verdict = ex.check_attracts(answer)
    assert not verdict
    assert told in verdict.message


@pytest.mark.slow
def test_a_start_is_judged_by_where_it_ends():
    verdict = ex.check_switch((2.0, -1.0))  # the published start A goes the other way
    assert not verdict
    assert "(0, 0) at tau = 2 and at (pi, pi) at tau = 5" in verdict.message
    assert "two angles" in ex.check_switch(3.0).message

"""The checks of chapters 09 to 11: right answers count, known mistakes are named."""

import itertools
import math

import numpy as np
import pytest
import torch

import gan_teach as gt
from gan_teach.course import exercises as ex

CHECKS = [
    ex.check_bad_basins, ex.check_way_out,
    ex.check_share_outside, ex.check_rule_out, ex.check_covered_directions,
    ex.check_friction,
]  # fmt: skip


@pytest.mark.parametrize("check", CHECKS)
def test_an_open_exercise_is_open(check):
    assert not check(...)
    assert "replace the ..." in check(...).message


@pytest.mark.parametrize("check", CHECKS)
def test_an_answer_of_the_wrong_kind_is_no_error(check):
    assert not check("seven")


def test_bad_basins_are_the_maps_that_leave_a_point_out():
    def count(n):
        maps = itertools.product(range(int(n)), repeat=int(n))
        return sum(len(set(m)) < n for m in maps)

    assert ex.check_bad_basins(count)
    assert not ex.check_bad_basins(lambda n: n**n)


def test_the_way_out_moves_the_fake_whose_partner_is_empty():
    assert ex.check_way_out([(0, 0), (0, -1), (0, 1)])
    assert "falls" in ex.check_way_out([(0, 0), (-1, 0), (1, 0)]).message
    assert "one fake at a time" in ex.check_way_out([(0, 0), (0, 1)]).message
    assert "start" in ex.check_way_out([(0, -1), (0, 1)]).message


def test_the_share_outside_is_that_of_samples():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4_000_000, 2))
    assert ex.check_share_outside(float(((x**2).sum(1) > 9).mean()))
    assert "inside" in ex.check_share_outside(1 - math.exp(-4.5)).message


def test_the_least_number_of_runs_comes_from_wilson_s_interval():
    least = next(n for n in itertools.count(1) if gt.plots.wilson(0, n)[1] < 0.02)
    assert ex.check_rule_out(least)
    assert not ex.check_rule_out(50)


def test_the_directions_of_the_noise_are_counted():
    rng = torch.Generator().manual_seed(0)
    noise = gt.penalties.dragan(directions="all").draw(torch.zeros(200_000, 3), rng)[0]
    positive = float((noise > 0).all(1).double().mean())
    assert positive == pytest.approx(0.5**3, abs=0.005)
    assert ex.check_covered_directions(lambda d: 0.5**d)
    assert not ex.check_covered_directions(lambda d: 1 / d)


def test_friction_is_the_trace_of_the_game_s_jacobian():
    def friction(gamma):
        both = (gt.penalties.r1(float(gamma)), gt.penalties.r2(float(gamma)))
        game = gt.zoo.dirac_gan(penalties=both, theta=0.0, psi=0.0)
        batch = game.draw(1, torch.Generator().manual_seed(0))
        return -np.trace(gt.jacobian(game, batch).matrix)

    assert ex.check_friction(friction)
    assert not ex.check_friction(lambda gamma: gamma)

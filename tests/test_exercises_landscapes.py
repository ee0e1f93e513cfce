"""The checks of chapters 09 to 11: right answers count, known mistakes are named."""

import itertools
import math

import numpy as np
import pytest
import torch

import gan_teach as gt
from gan_teach.course import exercises as ex

CHECKS = [
    ex.check_one_left_out, ex.check_way_out,
    ex.check_share_outside, ex.check_rule_out, ex.check_noise_cosine,
    ex.check_friction,
]  # fmt: skip


@pytest.mark.parametrize("check", CHECKS)
def test_an_open_exercise_is_open(check):
    assert not check(...)
    assert "replace the ..." in check(...).message


@pytest.mark.parametrize("check", CHECKS)
def test_an_answer_of_the_wrong_kind_is_no_error(check):
    assert not check("seven")


def test_the_mildest_bad_basins_are_the_maps_that_leave_one_point_out():
    def count(n):
        maps = itertools.product(range(int(n)), repeat=int(n))
        return sum(len(set(m)) == n - 1 for m in maps)

    assert ex.check_one_left_out(count)
    factorial = math.factorial
    for wrong, word in [
        (lambda n: n**n - factorial(n), "more than one"),
        (lambda n: n * (n - 1) * factorial(n), "twice"),
        (lambda n: math.comb(n, 2) * factorial(n - 1), "any of the n"),
        (lambda n: math.comb(n, 2) * n, "any order"),
        (lambda n: n * (n - 1) ** n, "one point or more"),
        (lambda n: n * factorial(n), "which two"),
        (factorial, "perfect"),
        (lambda n: n, "how many points"),
    ]:
        assert word in ex.check_one_left_out(wrong).message


def loss(state):
    """Of the best D for pairs: log 2 for each point on a cycle point -> the one under its fake."""

    def returns(start):
        point = state[start]
        for _ in state:
            if point in (start, -1):
                break
            point = state[point]
        return point == start

    return sum(map(returns, range(len(state)))) * math.log(2) / len(state)


def test_the_way_out_moves_the_fake_that_is_on_no_cycle():
    way = [(1, 0, 0), (1, 0, -1), (1, 0, 2)]
    assert [*map(loss, way)] == sorted(map(loss, way))
    assert ex.check_way_out(way)
    home = [(1, 0, 0), (-1, 0, 0), (0, 0, 0), (0, -1, 0), (0, 1, 0), (0, 1, -1), (0, 1, 2)]
    assert loss(home[1]) < loss(home[0])
    assert "falls from (1, 0, 0) to (-1, 0, 0)" in ex.check_way_out(home).message
    assert "a fake is off the data" in ex.check_way_out([(1, 0, 0), (1, 0, 2)]).message
    assert "start" in ex.check_way_out(way[1:]).message
    assert "a triple" in ex.check_way_out([(1, 0, 0), (1, 0, 3)]).message


def test_the_share_outside_is_that_of_samples():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4_000_000, 2))
    assert ex.check_share_outside(float(((x**2).sum(1) > 9).mean()))
    assert "inside" in ex.check_share_outside(1 - math.exp(-4.5)).message


def test_the_least_number_of_runs_comes_from_wilson_s_interval():
    least = next(n for n in itertools.count(1) if gt.plots.wilson(0, n)[1] < 0.02)
    assert ex.check_rule_out(least)
    assert not ex.check_rule_out(50)


def test_directions_of_the_published_noise_have_the_cosine_of_random_ones():
    v, w = torch.rand(2, 200, 10_000, generator=torch.Generator().manual_seed(0))
    cosine = torch.cosine_similarity(v, w, dim=1)
    assert cosine.std() < 0.01
    assert ex.check_noise_cosine(float(cosine.mean()))
    diagonal = torch.cosine_similarity(v, torch.ones_like(v), dim=1).mean()
    for wrong, word in [
        (float(diagonal), "both directions are random"),
        (0.0, "no coordinate is negative"),
        (float((v * w).mean()), "divide by the lengths"),
        (float((v * v).mean()), "mean of a square"),
        (float(torch.rad2deg(torch.acos(cosine)).mean()), "in degrees"),
        (4 / 3, "turn it over"),
        (1, "not parallel"),
    ]:
        assert word in ex.check_noise_cosine(wrong).message


def test_friction_is_the_trace_of_the_game_s_jacobian():
    def friction(gamma):
        both = (gt.penalties.r1(float(gamma)), gt.penalties.r2(float(gamma)))
        game = gt.zoo.dirac_gan(penalties=both, theta=0.0, psi=0.0)
        batch = game.draw(1, torch.Generator().manual_seed(0))
        return -np.trace(gt.jacobian(game, batch).matrix)

    assert ex.check_friction(friction)
    assert not ex.check_friction(lambda gamma: gamma)

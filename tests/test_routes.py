"""Two routes to one ratio against plain recursions, and the claim that they agree for small
steps."""

from functools import partial

import numpy as np
import pytest

import gan_teach as gt
from gan_teach.dynamics.optim import Adam
from gan_teach.zoo import experiments, line
from gan_teach.zoo.experiments import agreement


def test_each_route_is_the_experiment_of_that_name():
    found = experiments.two_routes(4, 2, games=20)
    by_rate = gt.experiments.run_seeds("normal", 2, games=20, tau=4.0)
    by_steps = gt.experiments.run_seeds("normal", 2, games=20, d_steps=4)
    np.testing.assert_array_equal(found.by_rate["params"], by_rate["params"])
    np.testing.assert_array_equal(found.by_steps["params"], by_steps["params"])


def test_a_ratio_below_one_compares_after_equally_many_steps_of_g():
    found = experiments.two_routes(1 / 4, 2, games=20)
    by_rate = gt.experiments.run_seeds("normal", 2, games=20, tau=0.25, every=4)
    by_steps = gt.experiments.run_seeds("normal", 2, games=5, g_steps=4)
    np.testing.assert_array_equal(found.by_rate["params"], by_rate["params"])
    np.testing.assert_array_equal(found.by_steps["params"], by_steps["params"])


def test_ratio_one_is_one_route():
    for optimizer in ("sgd", "adam"):
        found = experiments.two_routes(1, 2, games=5, optimizer=optimizer, lr=0.01)
        assert agreement(found).gap == 0.0
        curvature = experiments.largest_curvature()
        assert agreement(found).step == pytest.approx(0.01 * curvature)


@pytest.mark.slow
def test_the_gap_shrinks_with_the_step_under_sgd():
    """Both routes are explicit Euler schemes of one flow: their gap is of first order in lr."""
    gaps = []
    for lr, games in ((0.02, 100), (0.01, 200), (0.005, 400)):
        found = experiments.two_routes(4, 6, games=games, lr=lr)
        gaps.append(agreement(found).gap)
    assert gaps[0] > 1.5 * gaps[1] > 2.25 * gaps[2]


def test_an_adam_that_forgets_by_the_game_brings_the_routes_together():
    """Four steps of D a game see a quarter of the past of one; b1^(1/4) gives it back to them."""
    same = {"games": 100, "lr": 0.01}
    by_rate = experiments.means(
        experiments.run_seeds("normal", 4, tau=4.0, optimizer="adam", **same)
    )
    gaps = []
    for b1 in (0.9, 0.9**0.25):
        pair = ("adam", partial(Adam, betas=(b1, 0.999)))
        run = experiments.run_seeds("normal", 4, d_steps=4, optimizer=pair, **same)
        gaps.append(np.abs(experiments.means(run) - by_rate).max())
    assert gaps[1] < 0.2 * gaps[0]


def test_means_and_curvature_by_hand():
    found = experiments.two_routes(2, 3, games=4)
    w, b = found.by_rate["params"][..., 0], found.by_rate["params"][..., 1]
    np.testing.assert_allclose(experiments.means(found.by_rate), w * 0.5 + b, rtol=1e-6)
    # Hessian of the logistic loss at D = 1/2: E[(x, 1) (x, 1)^T] / 4 of real plus of fake samples
    mean = line.DATA.mean
    square = (mean**2 + line.DATA.std**2) + (mean**2 + 1 / 12)
    expected = np.linalg.eigvalsh([[square / 4, mean / 2], [mean / 2, 0.5]])[-1]
    assert experiments.largest_curvature() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: experiments.two_routes(2.5, 2, games=5), "k or 1 / k"),
        (lambda: experiments.two_routes(0, 2, games=5), "ratio must be above 0"),
        (lambda: experiments.two_routes(8, 2, games=5), "games must be at least 8"),
        (
            lambda: agreement(experiments.two_routes(1, 1, games=2)),
            "at least two seeds",
        ),
    ],
)
def test_mistakes_are_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()

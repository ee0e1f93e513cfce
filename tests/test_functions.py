"""The published function games against hand-derived gradients, Jacobians and published runs."""

import math

import numpy as np
import pytest
import torch

import gan_teach as gt
from cases import FUNCTIONS
from gan_teach import zoo
from gan_teach.analysis.spectra import jacobian, vector_field
from gan_teach.analysis.stability import real_eigenvalue_tau, stable_intervals
from gan_teach.analysis.timescale import tau_star
from gan_teach.zoo.functions import PublishedGame


def field(setup: PublishedGame, w) -> np.ndarray:
    game = setup.game()
    return vector_field(game, game.draw(), torch.as_tensor(w, dtype=torch.float64)).numpy()


def jacobian_at(setup: PublishedGame, w):
    game = setup.game()
    return jacobian(game, game.draw(), torch.as_tensor(w, dtype=torch.float64))


def sigmoid(t):
    return 1 / (1 + math.exp(-t))


# Gradients of the notebooks of Fiez & Ratliff, derived by hand: v = (-d f_g / dx, +d f / dy).
HAND = {
    "dirac": lambda x, y: (-y * sigmoid(-x * y), x * sigmoid(-x * y) - 0.3 * y),
    "torus": lambda x, y: (
        -0.15 * math.sin(x) + math.sin(x - y),
        math.sin(x - y) - 0.15 * math.sin(y),
    ),
    "bilinear": lambda x, y: (-y, x),
    "covariance": lambda v, w: (2 * v * w, 1.0975490 - v * v - w),
}


@pytest.mark.parametrize("name", HAND)
def test_fields_of_planar_games(name):
    rng = np.random.default_rng(0)
    for w in rng.uniform(-2, 2, (20, 2)):
        np.testing.assert_allclose(field(FUNCTIONS[name](), w), HAND[name](*w), atol=1e-6)


def test_polynomial_field():
    """Product rule on f = -e q with q = (a x^2 + y)^2 + (b y^2 + x)^2."""
    for x, y in np.random.default_rng(1).uniform(-12, 12, (50, 2)):
        e, p, r = math.exp(-0.01 * (x * x + y * y)), 0.3 * x * x + y, 0.3 * y * y + x
        q = p * p + r * r
        f_x = -e * (2 * p * 0.6 * x + 2 * r - 0.02 * x * q)
        f_y = -e * (2 * p + 2 * r * 0.6 * y - 0.02 * y * q)
        np.testing.assert_allclose(field(zoo.polynomial(), [x, y]), [-f_x, f_y], rtol=1e-9)


def test_the_dirac_gan_is_the_librarys_with_its_slope_reversed():
    setup = zoo.dirac(mu=0.3)
    gan = gt.GAN(
        gt.models.DiracGenerator(0.7),
        gt.models.DiracDiscriminator(-0.4),
        data=gt.data.Points(torch.zeros(1, 1)),
        latent=gt.data.Normal(),
        loss=gt.losses.saturating,
        penalties=gt.penalties.r1(0.3),
    )
    gan.to(torch.float64)
    v = vector_field(gan, gan.draw(1, torch.Generator().manual_seed(0))).numpy()
    np.testing.assert_allclose(field(setup, [0.7, 0.4]), v * [1, -1], atol=1e-7)


def test_jacobians_at_the_published_points():
    v = 4.0
    quadratic = [[-v, 0, -v, 0], [0, v / 2, 0, v / 2], [v, 0, v / 2, 0], [0, -v / 2, 0, v]]
    np.testing.assert_allclose(
        jacobian_at(zoo.quadratic(), np.zeros(4)).matrix, -np.array(quadratic)
    )
    origin = [[2.5, 0, 2.5, 0], [0, -1.25, 0, 2.5], [-2.5, 0, -1.25, 0], [0, -2.5, 0, 2.5]]
    np.testing.assert_allclose(
        jacobian_at(zoo.polynomial_4d(), np.zeros(4)).matrix, -np.array(origin)
    )
    ones = jacobian_at(zoo.polynomial_4d(), np.ones(4)).matrix
    np.testing.assert_allclose(ones, -np.diag([12.0, 2, 2, 2]), atol=1e-12)
    s = 1.097549
    cov = jacobian_at(zoo.covariance(), [math.sqrt(s), 0]).matrix
    np.testing.assert_allclose(cov, [[0, 2 * math.sqrt(s)], [-2 * math.sqrt(s), -1]], atol=1e-6)
    dirac = jacobian_at(zoo.dirac(), [0, 0]).matrix
    np.testing.assert_allclose(dirac, [[0, -0.5], [0.5, -0.3]], atol=1e-12)


def test_timescales_at_the_published_points():
    assert tau_star(jacobian_at(zoo.quadratic(), np.zeros(4))) == pytest.approx(2.0)
    ((low, high),) = stable_intervals(jacobian_at(zoo.polynomial_4d(), np.zeros(4)))
    assert (low, high) == (pytest.approx(0.5), pytest.approx(2.0))
    for mu, expected in ((0.3, 1 / 0.09), (1.0, 1.0)):
        found = real_eigenvalue_tau(jacobian_at(zoo.dirac(mu=mu), [0, 0]))
        assert found == pytest.approx(expected, rel=1e-6)
    for mu, expected in ((0.5, 70.24), (0.75, 31.22), (1.0, 17.56)):
        J = jacobian_at(zoo.covariance(mu_y=mu), [math.sqrt(1.097549), 0])
        assert real_eigenvalue_tau(J) == pytest.approx(expected, abs=0.01)


def test_the_covariance_game_repeats_the_published_draws():
    setup = zoo.covariance()
    assert setup.x0 == pytest.approx((0.339285,), abs=1e-6)
    assert setup.y0 == pytest.approx((-0.155909,), abs=1e-6)
    assert field(setup, [0.0, 0.0])[1] == pytest.approx(1.097549, abs=1e-6)  # S - x^2 - y
    assert zoo.covariance(5).x0 == zoo.covariance(5, seed=3).x0
    assert len(zoo.covariance(5).y0) == 25


@pytest.mark.parametrize(
    ("tau", "expected"),
    [(2.0, 12.47), (2.5, 6.25e-2), (3.0, 6.44e-4), (5.0, 1.7503e-12), (10.0, 1.81e-13)],
)
def test_published_runs_of_the_quadratic_game(tau, expected):
    """A linear game: 20 000 simultaneous steps are a power of one matrix."""
    setup = zoo.quadratic()
    assert tau in setup.taus
    step = np.eye(4) + setup.lr * jacobian_at(setup, np.zeros(4)).at(tau)
    end = np.linalg.matrix_power(step, setup.steps) @ [*setup.x0, *setup.y0]
    assert np.linalg.norm(end) == pytest.approx(expected, rel=0.01)


@pytest.mark.slow
def test_published_run_of_the_dirac_gan():
    """tau = 8, mu = 0.3: |w| is about 1.5e-20 after 4000 steps."""
    setup = zoo.dirac()
    run = gt.train(setup.game(), steps=setup.steps, lr=setup.lr, tau=8.0)
    history = gt.record(run, every=setup.steps, params=gt.probes.params())
    assert np.linalg.norm(history.last("params")) == pytest.approx(1.5e-20, rel=0.5)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_setup_gives_a_game_that_trains_alone_and_stacked(name):
    setup = FUNCTIONS[name]()
    game = setup.game()
    assert game.dtype == torch.float64
    assert (game.n_g, game.n_d) == (len(setup.x0), len(setup.y0))
    batched = setup.game([setup.x0] * 3, [setup.y0] * 3)
    alone, stacked = (
        [gt.record(gt.train(g, steps=3, lr=setup.lr, tau=setup.taus[-1]), w=gt.probes.params())]
        for g in (game, batched)
    )
    for s in range(3):
        np.testing.assert_allclose(stacked[0]["w"][:, s], alone[0]["w"], rtol=1e-12)
    for x, y in setup.starts:
        assert setup.f(torch.tensor(x), torch.tensor(y)).ndim == 0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: zoo.dirac(mu=-1), "mu must be at least 0"),
        (lambda: zoo.covariance(0), "d must be at least 1"),
    ],
)
def test_mistakes_are_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()

"""Oracles: the published critical points of Fiez & Ratliff's games, and closed forms."""

import math

import numpy as np
import pytest
import torch

import gan_teach as gt
from gan_teach import zoo
from gan_teach.analysis.critical_points import critical_points
from gan_teach.analysis.timescale import blocks

# (x, y), f, A = f_xx, D = -f_yy, B = f_xy, kind, tau*
POLYNOMIAL = [
    (-13.8200940, 1.3290524, -525.79, 20.15, -12.73, -1.682, "neither", math.inf),
    (-11.0297385, -11.0297385, -113.84, -2.7285, 2.7285, 7.863, "minmax", 1.0),
    (-8.9517392, 10.5721640, -264.46, -1.089, -0.682, -10.297, "neither", math.inf),
    (-10 / 3, -10 / 3, 0.0, -8.007, 8.007, 6.406, "neither", math.inf),
    (-1.6216536, -1.6216536, -1.316, -2.7182, 2.7182, 3.694, "minmax", 1.0),
    (0.0, 0.0, 0.0, -2.0, 2.0, 0.0, "neither", math.inf),
    (1.3290524, -13.8200940, -525.79, 12.73, -20.15, -1.682, "neither", math.inf),
    (2.1578774, 13.6433887, -532.72, 8.17, -19.81, 3.460, "neither", math.inf),
    (9.3180588, 9.3180588, -440.59, 5.276, -5.276, 11.363, "neither", math.inf),
    (10.5721640, -8.9517392, -264.46, 0.6815, 1.0892, -10.297, "nash", 0.0),
    (13.6433887, 2.1578774, -532.72, 19.81, -8.17, 3.460, "neither", math.inf),
]


def starts(low: float, high: float, n: int, s: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(low, high, (s, n))


@pytest.mark.slow
def test_all_eleven_points_of_the_polynomial_game():
    setup = zoo.polynomial()
    found = critical_points(setup.game(), starts(-15, 15, 2, 200))
    assert len(found) == len(POLYNOMIAL)
    for zero, (x, y, f, a, d, b, kind, tau) in zip(found, POLYNOMIAL, strict=True):
        np.testing.assert_allclose(zero.w, [x, y], atol=1e-6)
        game = setup.game(*np.split(zero.w, [zero.J.n_g]))
        assert game.losses(game.draw()).g.item() == pytest.approx(f, rel=1e-3, abs=1e-9)
        fg, mixed, _, fd = (m.item() for m in blocks(zero.J))
        assert (fg, fd, mixed) == pytest.approx((a, d, b), rel=2e-3, abs=1e-9)
        assert zero.point.kind == kind
        assert zero.tau_star == pytest.approx(tau, abs=1e-5)


def test_all_six_points_of_the_torus():
    """a sin x = a sin y = sin(x - y): the four corners, and +-(pi - c, c) with cos c = a / 2."""
    c = math.acos(0.075)
    pi = math.pi
    expected = {
        (-pi, -pi): ("minmax", 23 / 17),
        (-pi, 0.0): ("neither", math.inf),
        (c - pi, -c): ("neither", math.inf),
        (0.0, -pi): ("neither", math.inf),
        (0.0, 0.0): ("minmax", 17 / 23),
        (pi - c, c): ("neither", math.inf),
    }
    setup = zoo.torus()
    found = critical_points(setup.game(), starts(-4, 4, 2, 60), period=setup.period)
    np.testing.assert_allclose([zero.w for zero in found], list(expected), atol=1e-9)
    for zero, (kind, tau) in zip(found, expected.values(), strict=True):
        assert zero.point.kind == kind
        assert zero.tau_star == pytest.approx(tau)
    assert sum(zero.hits for zero in found) <= 60


@pytest.mark.parametrize(
    ("near", "expected", "kind"),
    [
        ((-0.1, 0.1, 0.1, -0.1), (0, 0, 0, 0), "neither"),
        ((1.1, 0.9, 1.0, 1.1), (1, 1, 1, 1), "nash"),
        ((-4.7, 0.3, -92.4, 0.5), (-4.734045, 0.277896, -92.474394, 0.532709), "nash"),
    ],
)
def test_published_points_of_the_four_dimensional_polynomial(near, expected, kind):
    box = np.array(near) + 0.2 * np.array([np.zeros(4), np.ones(4), -np.ones(4)])
    found = critical_points(zoo.polynomial_4d().game(), box)
    match = [zero for zero in found if np.abs(zero.w - expected).max() < 1e-5]
    assert [zero.point.kind for zero in match] == [kind]


def test_a_linear_game_has_the_zero_that_linear_algebra_gives():
    game = gt.FunctionGame(
        lambda x, y: ((x - 1) ** 2).sum() + (x[0] * y[0]), lambda x, y: ((y + x) ** 2).sum(),
        [0.0, 0.0], [0.0],
    )  # fmt: skip
    (zero,) = critical_points(game, starts(-9, 9, 3, 10))
    # 2 (x_1 - 1) + y = 0, x_2 = 1, and y is minus the mean of x_1 and x_2
    expected = np.linalg.solve([[2, 0, 1], [0, 1, 0], [0.5, 0.5, 1]], [2, 1, 0])
    np.testing.assert_allclose(zero.w, expected, atol=1e-6)
    assert not zero.point.zero_sum
    assert zero.hits == 10


def test_single_precision_games_are_searched_in_double():
    def f(x, y):
        return ((x - 1) ** 2).sum() + x[0] * y[0] - (y**2).sum()

    found = [
        critical_points(gt.FunctionGame(f, None, torch.zeros(2, dtype=t), torch.zeros(1, dtype=t)),
                        starts(-9, 9, 3, 10))
        for t in (torch.float32, torch.float64)
    ]  # fmt: skip
    np.testing.assert_array_equal(found[0][0].w, found[1][0].w)
    gan = gt.GAN(
        gt.models.DiracGenerator(1.0), gt.models.Linear(1, 1, bias=False),
        data=gt.data.Points(torch.zeros(1, 1)), latent=gt.data.Normal(),
        penalties=gt.penalties.r1(0.3),
    )  # fmt: skip
    (zero,) = critical_points(gan, starts(-2, 2, 2, 10))
    np.testing.assert_allclose(zero.w, 0, atol=1e-9)
    assert zero.tau_star == 0.0


def test_a_line_of_equilibria_is_called_degenerate():
    game = gt.FunctionGame(lambda x, y: (x[0] - x[1]) ** 2 - y[0] ** 2, None, [0.0, 0.0], [0.0])
    found = critical_points(game, starts(-1, 1, 3, 12))
    assert 9 <= len(found) <= 12  # each start finds its own point, some outside the starts' box
    for zero in found:
        assert zero.w[0] == pytest.approx(zero.w[1], abs=1e-7)
        assert zero.point.kind == "degenerate"


def test_a_field_that_fades_has_no_zero_at_infinity():
    game = gt.FunctionGame(
        lambda x, y: -(x**2).sum().neg().exp() - (y**2).sum(), None, [0.0], [0.0]
    )
    (zero,) = critical_points(game, starts(-5, 5, 2, 40))
    np.testing.assert_allclose(zero.w, 0, atol=1e-9)
    assert zero.hits < 40  # the starts far out drift away and are dropped


def test_mistakes_are_named():
    game = zoo.bilinear().game()
    with pytest.raises(ValueError, match=r"starts must have shape \(S, 2\), got \(3,\)"):
        critical_points(game, np.zeros(3))
    stack = zoo.bilinear().game([[1.0]] * 2, [[1.0]] * 2)
    with pytest.raises(ValueError, match="not a stack"):
        critical_points(stack, np.zeros((3, 2)))

"""tau* by formula against closed forms, published values, the boundary problem, bisection, the
spectrum on both sides, and running tau-GDA on both sides."""

import functools
import math
import sys

import numpy as np
import pytest
import torch

from gan_teach.analysis.stability import stable_intervals
from gan_teach.analysis.timescale import (
    classify,
    tau_star,
    tau_star_by_bisection,
    timescale,
)
from random_games import any_zero_sum, general_sum, join, minmax_point, positive, rightmost


def scalar(a: float, b: float, d: float) -> np.ndarray:
    return join(*(np.array([[float(v)]]) for v in (a, b, -b, d)))


def jacobian_of(f, x, y) -> tuple[np.ndarray, int]:
    """J of min_x max_y f from one Hessian of f: the rows of x turn their sign."""
    w = torch.tensor([*x, *y], dtype=torch.float64)
    n_g = len(x)
    second = torch.autograd.functional.hessian(lambda w: f(w[:n_g], w[n_g:]), w)
    hessian = torch.as_tensor(second).numpy()
    hessian[:n_g] *= -1
    return hessian, n_g


# The published games of Fiez & Ratliff (2021), as f(x, y).
def quadratic(x, y, v=4.0):
    a, b, d = (torch.tensor(t, dtype=x.dtype) * v for t in ((-1, 0.5), (-1, 0.5), (-0.5, -1)))
    return 0.5 * (a * x * x).sum() + (b * x * y).sum() + 0.5 * (d * y * y).sum()


def torus(x, y):
    return (-0.15 * torch.cos(x) + torch.cos(x - y) + 0.15 * torch.cos(y)).sum()


def polynomial(x, y):
    inner = (0.3 * x * x + y) ** 2 + (0.3 * y * y + x) ** 2
    return -(torch.exp(-0.01 * (x * x + y * y)) * inner).sum()


def dirac(mu):
    def f(x, y):
        return (torch.nn.functional.logsigmoid(x * y) - 0.5 * mu * y * y).sum()

    return f


def polynomial_4d(p, q):
    (x, y), (w, z) = p, q
    form = x * x + 2 * x * w + 0.5 * w * w - 0.5 * y * y + 2 * y * z - z * z
    rest = (x - 1) ** 2 + (y - 1) ** 2 - (w - 1) ** 2 - (z - 1) ** 2
    return 1.25 * (x - 1) ** 2 * form + x * x * rest


def covariance(s, mu):
    def f(x, y):
        v, w = (t.reshape(s.shape) for t in (x, y))
        return (w.T @ (s - v @ v.T)).trace() - 0.5 * mu * (w * w).sum()

    return f


PUBLISHED = [
    ("quadratic", quadratic, (0, 0), (0, 0), "minmax", 2.0),
    ("torus, origin", torus, (0,), (0,), "minmax", 17 / 23),
    ("torus, corner", torus, (math.pi,), (math.pi,), "minmax", 23 / 17),
    ("torus, saddle", torus, (math.pi,), (0,), "neither", math.inf),
    ("polynomial, far", polynomial, (-11.0297385,), (-11.0297385,), "minmax", 1.0),
    ("polynomial, near", polynomial, (-1.6216536,), (-1.6216536,), "minmax", 1.0),
    ("polynomial, Nash", polynomial, (10.5721640,), (-8.9517392,), "nash", 0.0),
    ("polynomial, attractor", polynomial, (9.3180588,), (9.3180588,), "neither", math.inf),
    ("polynomial, origin", polynomial, (0,), (0,), "neither", math.inf),
    ("Dirac-GAN, R1 0.3", dirac(0.3), (0,), (0,), "minmax", 0.0),
    ("Dirac-GAN, R1 1", dirac(1.0), (0,), (0,), "minmax", 0.0),
    ("Dirac-GAN, no penalty", dirac(0.0), (0,), (0,), "degenerate", math.inf),
    ("polynomial 4-D, ones", polynomial_4d, (1, 1), (1, 1), "nash", 0.0),
    ("polynomial 4-D, origin", polynomial_4d, (0, 0), (0, 0), "neither", math.inf),
    ("covariance, d = 1", covariance(torch.tensor([[1.097549]]).double(), 1.0),
     (1.097549**0.5,), (0,), "minmax", 0.0),
]  # fmt: skip


@pytest.mark.parametrize(
    ("f", "x", "y", "kind", "expected"),
    [pytest.param(*case[1:], id=case[0]) for case in PUBLISHED],
)
def test_published_games(f, x, y, kind, expected):
    found = timescale(*jacobian_of(f, x, y))
    assert found.kind == kind, found.reason
    assert found.tau_star == pytest.approx(expected, abs=1e-5)


def test_equilibria_that_are_not_isolated_are_degenerate():
    """The covariance game for d = 2: V V^T = S fixes V up to a rotation, so S has a zero."""
    rng = np.random.default_rng(6)
    u = rng.standard_normal((2, 2))
    s = u @ u.T + np.eye(2)
    v = np.linalg.cholesky(s)
    J, n_g = jacobian_of(covariance(torch.tensor(s), 1.0), v.reshape(-1), np.zeros(4))
    point = classify(J, n_g)
    assert point.kind == "degenerate"
    assert point.schur == pytest.approx(0.0, abs=1e-12)
    assert "not isolated" in point.reason
    assert tau_star(J, n_g) == math.inf


@pytest.mark.parametrize(
    ("a", "b", "d", "expected"), [(-1, 2, 1, 1), (-1, 2, 0.25, 4), (-3, 4, 0.5, 6), (1, 2, 1, 0)]
)
def test_scalar_games(a, b, d, expected):
    assert tau_star(scalar(a, b, d), 1) == pytest.approx(expected, abs=1e-12)


def test_scalar_closed_form_on_random_games():
    """Trace and determinant give tau* = max(-A / D, 0) where S > 0 and D > 0."""
    rng = np.random.default_rng(0)
    for a, b, d in rng.standard_normal((500, 3)) * [1, 2, 1]:
        expected = max(-a / d, 0.0) if d > 0 and a + b * b / d > 0 else math.inf
        assert tau_star(scalar(a, b, d), 1) == pytest.approx(expected, rel=1e-10)


def test_a_point_that_is_no_equilibrium_gets_a_number():
    """A11 = 0, A12 = 1, D = -1: a number must come back, not a sentence."""
    found = timescale(-np.array([[0.0, 1.0], [-1.0, -1.0]]), 1)
    assert found.tau_star == math.inf
    assert found.kind == "neither"
    assert isinstance(tau_star(-np.array([[0.0, 1.0], [-1.0, -1.0]]), 1), float)


@pytest.mark.slow
def test_three_routes_agree_on_500_games_of_unequal_dimensions():
    rng = np.random.default_rng(1)
    moved = 0
    for _ in range(500):
        n_g, n_d = rng.integers(1, 6, 2)
        J = minmax_point(rng, n_g, n_d)
        value = tau_star(J, n_g)
        low, high = stable_intervals(J, n_g)[-1]
        assert high == math.inf
        assert low == pytest.approx(value, rel=1e-7)
        bisected = tau_star_by_bisection(J, n_g, bracket=(1e-6, 1e6)).tau_star
        assert bisected == pytest.approx(value, rel=1e-7)
        for factor in (1.001, 2, 10, 1000):
            assert rightmost(J, n_g, max(value, 1e-3) * factor) < 0
        if value > 0:
            moved += 1
            assert rightmost(J, n_g, value * 0.999) > 0
    assert moved > 300


@pytest.mark.parametrize(("n_g", "n_d"), [(2, 5), (5, 2), (1, 6), (6, 1)])
def test_the_number_of_gs_rows_is_the_first_dimension(n_g, n_d):
    """The published code swaps the two: there the answer is another one for almost every game."""
    J = minmax_point(np.random.default_rng(n_g), n_g, n_d)
    right, swapped = tau_star(J, n_g), tau_star(J, n_d)
    assert right > 0
    assert abs(rightmost(J, n_g, right)) < 1e-9 * np.linalg.norm(J)
    assert swapped != pytest.approx(right, rel=1e-3)


def test_running_tau_gda_turns_at_tau_star():
    """200 games, 2^36 tiny simultaneous steps: w shrinks 5 % above tau*, grows 5 % below."""
    rng = np.random.default_rng(2)
    games = []
    while len(games) < 200:
        J = minmax_point(rng, 2, 3)
        value = tau_star(J, 2)
        if value > 0:
            games.append((J, value))
    J = np.stack([game for game, _ in games])
    taus = np.array([value for _, value in games])
    for factor, grows in ((1.05, False), (0.95, True)):
        rows = np.where(np.arange(5) < 2, 1.0, factor * taus[:, None])[..., None]
        size = 1e-6 / np.linalg.norm(rows * J, axis=(1, 2), keepdims=True)
        steps = np.eye(5) + size * rows * J  # w <- w + lr v(w), once
        for _ in range(36):
            steps = steps @ steps
            # Only growth or decay is asked for; a common factor keeps the numbers representable.
            steps = np.clip(steps, -1e100, 1e100)
        norm = np.linalg.norm(steps @ np.ones((5, 1)), axis=(1, 2))
        assert ((norm > 1e3) if grows else (norm < 1e-3)).mean() > 0.98


def test_tau_star_scales_with_units_and_not_with_coordinates():
    rng = np.random.default_rng(3)
    for _ in range(20):
        J = minmax_point(rng, 3, 2)
        value = tau_star(J, 3)
        turn = np.eye(5)
        turn[:3, :3] = np.linalg.qr(rng.standard_normal((3, 3)))[0]
        turn[3:, 3:] = np.linalg.qr(rng.standard_normal((2, 2)))[0]
        assert tau_star(turn @ J @ turn.T, 3) == pytest.approx(value, rel=1e-8)
        assert tau_star(7.0 * J, 3) == pytest.approx(value, rel=1e-8)
        units = np.array([1, 1, 1, 2, 2])  # y in half its unit: v_D doubles, and so does dv/dy
        assert tau_star(units[:, None] * J * units, 3) == pytest.approx(value / 4, rel=1e-8)


def test_classification_of_constructed_points():
    rng = np.random.default_rng(4)
    for _ in range(50):
        b = rng.standard_normal((3, 2))
        nash = join(positive(rng, 3), b, -b.T, positive(rng, 2))
        point = classify(nash, 3)
        assert (point.kind, point.nash, point.zero_sum) == ("nash", True, True)
        assert tau_star(nash, 3) == 0.0
        d_gains = join(positive(rng, 3), b, -b.T, -positive(rng, 2))
        assert classify(d_gains, 3).kind == "neither"
        d = positive(rng, 2)
        g_gains = join(-positive(rng, 3) - b @ np.linalg.solve(d, b.T), b, -b.T, d)
        assert classify(g_gains, 3).kind == "neither"
        assert "Schur" in classify(g_gains, 3).reason


def test_neither_means_unstable_at_every_large_tau():
    rng = np.random.default_rng(5)
    for _ in range(100):
        n_g, n_d = rng.integers(1, 5, 2)
        J = any_zero_sum(rng, n_g, n_d)
        large = rightmost(J, n_g, 1e6)
        assert math.isfinite(tau_star(J, n_g)) == (large < 0)


def test_general_sum_games_get_the_last_change_of_stability():
    rng = np.random.default_rng(6)
    changed = 0
    for _ in range(200):
        n_g, n_d = rng.integers(1, 5, 2)
        J = general_sum(rng, n_g, n_d)
        found = timescale(J, n_g)
        assert found.kind == "stable"
        low, high = stable_intervals(J, n_g)[-1]
        assert high == math.inf
        assert low == pytest.approx(found.tau_star, rel=1e-7)
        changed += found.tau_star > 0
    assert changed > 50
    b, c = rng.standard_normal((2, 2)), rng.standard_normal((2, 2))
    assert timescale(join(np.eye(2), b, c, -np.eye(2)), 2).kind == "unstable"


def test_a_repeated_game_has_the_tau_star_of_one_copy():
    """Multiple eigenvalues of Q: rounding must not push the real root off the real line."""
    one = minmax_point(np.random.default_rng(7), 1, 2)
    for copies in (2, 3):
        order = [*range(0, 3 * copies, 3), *(i for i in range(3 * copies) if i % 3)]
        J = np.kron(np.eye(copies), one)[np.ix_(order, order)]
        assert tau_star(J, copies) == pytest.approx(tau_star(one, 1), rel=1e-7)


def test_rounding_noise_is_zero():
    """Fiez & Ratliff's code gives 8.9e-16 here; A = 0 has no negative direction."""
    assert tau_star(scalar(0.0, 2 * 1.097549**0.5, 1.0), 1) == 0.0


def test_large_games_are_bisected_within_the_bracket_named(monkeypatch):
    J = minmax_point(np.random.default_rng(8), 60, 40)
    found = timescale(J, 60)
    assert found.kind == "minmax"
    assert tau_star(J, 60) == tau_star_by_bisection(J, 60).tau_star == found.tau_star
    low = functools.partial(tau_star_by_bisection, bracket=(1e-4, found.tau_star / 2))
    monkeypatch.setattr(sys.modules[timescale.__module__], "tau_star_by_bisection", low)
    with pytest.raises(ValueError, match=r"Unstable at the top .* a higher bracket"):
        tau_star(J, 60)
    assert "[0.0001, 10000]" in found.reason
    assert rightmost(J, 60, found.tau_star * 1.0001) < 0 < rightmost(J, 60, found.tau_star * 0.9999)
    above = tau_star_by_bisection(J, 60, bracket=(1e-4, found.tau_star / 2))
    assert above.tau_star == math.inf
    assert "Unstable at the top" in above.reason
    assert tau_star_by_bisection(J, 60, bracket=(found.tau_star * 2, 1e6)).tau_star == 0.0


def test_infinity_has_its_reason():
    """Three games of which tau* says inf: no large tau attracts (twice), or nobody can say."""
    reasons = {
        (1.0, -1.0, 0.5): ("neither", "D can still gain"),
        (-9.0, 1.0, 0.5): ("neither", "G can still gain"),
        (0.0, 0.0, 0.5): ("degenerate", "second derivatives do not decide"),
    }
    for (a, d, b), (kind, words) in reasons.items():
        J = join(*(np.array([[v]]) for v in (a, b, -b, d)))
        answer = timescale(J, 1)
        assert tau_star(J, 1) == answer.tau_star == math.inf
        assert answer.kind == kind
        assert words in answer.reason


def test_jacobian_objects_tensors_and_tolerance():
    from gan_teach.analysis.spectra import GameJacobian

    J = minmax_point(np.random.default_rng(10), 2, 3)
    assert tau_star(GameJacobian(J, 2)) == tau_star(J, 2) == tau_star(torch.tensor(J), 2)
    nearly = scalar(1.0, 1.0, 1e-6)
    assert classify(nearly, 1).kind == "nash"
    assert classify(nearly, 1, tol=1e-4).kind == "degenerate"
    assert classify(nearly.astype(np.float32), 1).kind == "degenerate"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"bracket": (0.0, 1.0)}, "lower end of bracket must be above 0"),
        ({"bracket": (2.0, 1.0)}, "upper end of bracket must be above 2"),
    ],
)
def test_mistakes_are_named(options, words):
    with pytest.raises(ValueError, match=words):
        tau_star_by_bisection(np.eye(2), 1, **options)

"""Oracles: the definitions of vech and (+), QZ, a Lyapunov elimination, plain eigenvalues."""

import itertools
import math

import numpy as np
import pytest
import scipy.linalg
import scipy.optimize

from gan_teach.analysis import stability as st, timescale
from gan_teach.analysis.spectra import GameJacobian
from gan_teach.analysis.timescale import tau_star
from random_games import (
    any_zero_sum,
    general_sum,
    join,
    minmax_point,
    nearly_singular_point,
    rightmost,
)

SHAPES = [(1, 1), (1, 3), (3, 1), (2, 2), (2, 4), (4, 2), (3, 3)]


@pytest.mark.parametrize("n", [1, 2, 5])
def test_duplication_matrix_unfolds_the_lower_triangle(n):
    x = np.random.default_rng(n).standard_normal((n, n))
    x += x.T
    assert np.array_equal(timescale.duplication_matrix(n) @ x[np.tril_indices(n)], x.reshape(-1))


def test_kronecker_sum_is_the_lyapunov_map_and_its_eigenvalues_are_pair_sums():
    rng = np.random.default_rng(0)
    a, x = rng.standard_normal((4, 4)), rng.standard_normal((4, 4))
    x += x.T
    image = a @ x + x @ a.T
    lower = np.tril_indices(4)
    np.testing.assert_allclose(timescale.kronecker_sum(a) @ x[lower], image[lower], atol=1e-13)
    eig = np.linalg.eigvals(a)
    sums = [p + q for p, q in itertools.combinations_with_replacement(eig, 2)]
    _assert_same_set(np.linalg.eigvals(timescale.kronecker_sum(a)), np.array(sums), 1e-10)


@pytest.mark.parametrize("make", [minmax_point, any_zero_sum, general_sum])
@pytest.mark.parametrize(("n_g", "n_d"), SHAPES)
def test_crossing_matrix_equals_a_lyapunov_elimination(make, n_g, n_d):
    """J X + X J^T = 0 solved another way: with W = X_gg C^T D^-T + X_gd as the unknown."""
    J = GameJacobian(make(np.random.default_rng(10 * n_g + n_d), n_g, n_d), n_g)
    a, b, c, d = timescale.blocks(J)
    s = a - b @ np.linalg.solve(d, c)

    def tau_w(w):
        x = -scipy.linalg.solve_continuous_lyapunov(s, b @ w.T + w @ b.T)
        y = w - x @ np.linalg.solve(d, c).T
        z = -scipy.linalg.solve_continuous_lyapunov(d, c @ y + (c @ y).T)
        return -np.linalg.solve(d, (a @ y + b @ z).T).T

    columns = [tau_w(e.reshape(n_g, n_d)).reshape(-1) for e in np.eye(n_g * n_d)]
    expected = np.linalg.eigvals(np.stack(columns, axis=1))
    _assert_same_set(np.linalg.eigvals(timescale.crossing_matrix(J)), expected, 1e-7)


@pytest.mark.parametrize("make", [minmax_point, any_zero_sum, general_sum])
def test_stable_intervals_agree_with_eigenvalues_on_a_grid(make):
    rng = np.random.default_rng(1)
    windows = 0
    for _ in range(100):
        n_g, n_d = rng.integers(1, 5, 2)
        J = make(rng, n_g, n_d)
        found = st.stable_intervals(J, n_g)
        windows += sum(math.isfinite(high) for _, high in found)
        for tau in np.geomspace(1e-3, 1e3, 61):
            expected = rightmost(J, n_g, tau)
            if abs(expected) > 1e-9 * np.linalg.norm(J):
                assert any(low < tau < high for low, high in found) == (expected < 0)
    # Points that are no equilibrium and that a finite window of tau stabilises must be among them.
    assert make is not any_zero_sum or windows > 0


@pytest.mark.parametrize("eps", [1e-3, 1e-4, 1e-5, 1e-6, 1e-7])
def test_the_end_is_exact_beside_a_singular_schur_complement(eps):
    """det J_tau > 0 for all tau, so that the only boundary is where the trace is zero."""
    b, d = 2.0, 0.5
    a = -b * b / d + eps
    J = join(*(np.array([[v]]) for v in (a, b, -b, d)))
    ((low, high),) = st.stable_intervals(J, 1)
    assert low == pytest.approx(-a / d, rel=1e-9)
    assert high == math.inf


@pytest.mark.parametrize("lowest", [1e-3, 1e-4, 1e-5, 1e-6])
def test_intervals_of_nearly_singular_games_end_at_tau_star(lowest):
    rng = np.random.default_rng(3)
    for _ in range(30):
        n_g, n_d = rng.integers(1, 5, 2)
        J = nearly_singular_point(rng, n_g, n_d, lowest)
        found = st.stable_intervals(J, n_g)
        assert found[-1][1] == math.inf
        assert found[-1][0] == pytest.approx(tau_star(J, n_g), rel=1e-7, abs=1e-300)
        for tau in np.geomspace(1e-3, 1e3, 61):
            expected = rightmost(J, n_g, tau)
            if abs(expected) > 1e-11 * np.linalg.norm(J):
                assert any(low < tau < high for low, high in found) == (expected < 0)


def test_published_windows_of_stability():
    """Points that are no equilibrium and attract all the same, Fiez & Ratliff's examples."""
    corner = np.diag([1.0, -1.0])  # the pairs (x, w) and (y, z) at the origin of the 4-D polynomial
    a, d, b = np.diag([2.5, -1.25]), np.diag([-1.25, 2.5]), 2.5 * np.eye(2)
    ((low, high),) = st.stable_intervals(join(a, b, -b, d), 2)
    assert low == pytest.approx(0.5)
    assert high == pytest.approx(2.0)
    torus = join(*(np.array([[v]]) for v in (0.85, -1.0, 1.0, -0.85)))
    assert st.stable_intervals(torus, 1) == [(0.0, pytest.approx(1.0))]
    assert st.stable_intervals(corner, 1) == []


def test_no_interval_where_an_eigenvalue_stays_on_the_axis():
    undamped = np.array([[0.0, -0.5], [0.5, 0.0]])  # the Dirac-GAN without a penalty
    singular = np.array([[-1.0, 0.0], [0.0, 0.0]])
    assert st.stable_intervals(undamped, 1) == []
    assert st.stable_intervals(singular, 1) == []


def test_a_zero_mode_of_unlike_scales_is_stable_nowhere():
    for seed in range(100):
        rng = np.random.default_rng(seed)
        n_g, n_d = rng.integers(1, 6, 2)
        m, v = rng.standard_normal((n_g + n_d, n_g + n_d)), rng.standard_normal(n_g + n_d)
        J = -m @ m.T @ (np.eye(len(m)) - np.outer(v, v) / (v @ v))
        assert st.stable_intervals(10.0 ** rng.uniform(-2, 2, len(m))[:, None] * J, n_g) == []


def test_sweep_matches_the_closed_form_of_the_dirac_gan():
    mu, taus = 0.3, np.linspace(0.1, 20, 200)
    J = np.array([[0.0, -0.5], [0.5, -mu]])
    root = np.sqrt((taus**2 * mu**2 - taus).astype(complex))
    expected = np.stack([-taus * mu - root, -taus * mu + root], axis=1) / 2
    values = st.stability_sweep(J, taus, 1)
    # The two meet at tau = 1 / mu^2, where rounding is amplified to its square root.
    np.testing.assert_allclose(np.sort_complex(values), np.sort_complex(expected), atol=1e-7)


def test_tracked_sweep_has_the_same_eigenvalues_in_continuous_columns():
    """Fiez & Ratliff's quadratic game: two planar games whose real parts cross at tau = 5."""
    a, b, d = np.diag([-4.0, 2.0]), np.diag([-4.0, 2.0]), np.diag([2.0, 4.0])
    taus = np.linspace(3.0, 9.0, 500)
    J = join(a, b, -b, d)
    loose = np.sort_complex(np.linalg.eigvals(GameJacobian(J, 2).at(taus)))
    tracked = st.stability_sweep(J, taus, 2)
    np.testing.assert_array_equal(np.sort_complex(loose), np.sort_complex(tracked))
    jumps = [np.abs(np.diff(v, axis=0)).sum(axis=1) for v in (loose, tracked)]
    assert jumps[0].max() > 5.0  # sorted by real part, two branches change places
    assert jumps[1].max() < 0.5
    # One pair is tau - 2 +- sqrt(tau^2 - 12 tau + 4), complex throughout: two columns follow it.
    pair = -(taus - 2) + 1j * np.sqrt(-(taus**2) + 12 * taus - 4)
    assert min(np.abs(column - pair).max() for column in tracked.T) < 1e-9


def test_sweep_follows_branches_through_many_crossings():
    """Games of one number each, side by side: each column is one of the known branches."""
    rng = np.random.default_rng(0)
    taus = np.geomspace(0.2, 20, 400)
    a, d = rng.normal(size=(2, 4))
    values = st.stability_sweep(np.diag([*a, *d]), taus, 4)
    branches = [*(np.full_like(taus, x) for x in a), *(x * taus for x in d)]
    found = [int(np.abs(values - branch[:, None]).max(0).argmin()) for branch in branches]
    assert sorted(found) == list(range(8))
    np.testing.assert_allclose(values[:, found], np.stack(branches, 1), atol=1e-12)


@pytest.mark.parametrize(("a", "b", "d"), [(0, 0.5, 0.3), (0, 0.5, 1), (-1, 2, 0.8), (0.5, 3, 0.1)])
def test_real_eigenvalue_tau_solves_the_discriminant(a, b, d):
    """(a + tau d)^2 = 4 tau (a d + b^2), whose larger root is wanted."""
    expected = max(np.roots([d * d, 2 * a * d - 4 * (a * d + b * b), a * a]).real)
    J = join(*(np.array([[float(v)]]) for v in (a, b, -b, d)))
    assert st.real_eigenvalue_tau(J, 1) == pytest.approx(expected, rel=1e-9)


def test_real_eigenvalue_tau_looks_down_to_a_ten_thousandth():
    """With A = 0 and D = 1 the spectrum is real from tau = 4 b^2 on."""
    for tau, expected in ((1.5e-4, 1.5e-4), (0.9e-4, 0.0)):
        b = np.sqrt(tau) / 2
        J = -np.array([[0.0, b], [-b, 1.0]])
        assert st.real_eigenvalue_tau(J, 1) == pytest.approx(expected, rel=1e-9)


def test_real_eigenvalue_tau_at_the_ends_of_its_bracket():
    never = np.array([[0.0, -0.5], [0.5, 0.0]])
    always = np.diag([-1.0, -2.0])
    assert st.real_eigenvalue_tau(never, 1) == math.inf
    assert st.real_eigenvalue_tau(always, 1) == 0.0


@pytest.mark.parametrize(
    ("J", "n_g", "error", "words"),
    [
        (np.eye(3), None, TypeError, "n_g, the number of G's parameters"),
        (np.ones((2, 3)), 1, ValueError, "square"),
        (np.eye(3), 3, ValueError, "n_g must be below 3"),
        (np.eye(3), 0, ValueError, "n_g must be at least 1"),
        (np.array([[np.nan, 0], [0, 1]]), 1, ValueError, "NaN or infinite"),
        (np.eye(2) * 1j, 1, TypeError, "must be real"),
    ],
)
def test_mistakes_are_named(J, n_g, error, words):
    with pytest.raises(error, match=words):
        st.stable_intervals(J, n_g)


def _assert_same_set(found, expected, atol):
    """Equal as unordered collections: matched by least total distance."""
    cost = np.abs(found[:, None] - expected)
    rows, columns = scipy.optimize.linear_sum_assignment(cost)
    assert cost[rows, columns].max() < atol * max(1.0, np.abs(expected).max())

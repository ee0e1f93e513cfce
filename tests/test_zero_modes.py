"""Transverse Jacobians against known symmetries, and the covariance game's closed forms."""

import numpy as np
import pytest
import torch

import gan_teach as gt
from gan_teach.analysis.critical_points import transverse
from gan_teach.analysis.spectra import GameJacobian
from gan_teach.zoo import line
from gan_teach.zoo.functions import (
    covariance_draws,
    covariance_equilibrium,
    covariance_real_tau,
    covariance_spectrum,
)


def covariance_jacobian(d, rotation=None, mu_y=1.0):
    game = gt.zoo.covariance(d, mu_y=mu_y).game()
    w = covariance_equilibrium(covariance_draws(d).S)
    if rotation is not None:
        w[: d * d] = (w[: d * d].reshape(d, d) @ rotation).ravel()
    point = torch.from_numpy(w)
    assert float(gt.vector_field(game, game.draw(), point).norm()) < 1e-12
    return gt.jacobian(game, game.draw(), point)


def rotation_of(d, seed=0):
    q, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((d, d)))
    return q


@pytest.mark.parametrize("d", [1, 2, 3, 4])
@pytest.mark.parametrize("tau", [0.3, 1.0, 40.0])
def test_closed_form_spectrum_of_the_covariance_game(d, tau):
    S = covariance_draws(d).S
    for rotation in (None, rotation_of(d)):
        J = covariance_jacobian(d, rotation, mu_y=0.7)
        found = gt.spectrum(J, tau)
        gaps = np.abs(covariance_spectrum(S, 0.7, tau)[:, None] - found).min(1)
        assert gaps.max() < 1e-5 * np.abs(found).max()
        assert found.sum().real == pytest.approx(np.trace(J.at(tau)))


@pytest.mark.parametrize("mu", [0.5, 1.0])
def test_where_the_covariance_game_stops_oscillating(mu):
    for d in (1, 3):
        J = covariance_jacobian(d, mu_y=mu)
        S = covariance_draws(d).S
        assert gt.real_eigenvalue_tau(transverse(J).J) == pytest.approx(
            covariance_real_tau(S, mu), rel=1e-5
        )
    assert covariance_real_tau([[1.0]], 0.0) == np.inf


@pytest.mark.parametrize("d", [1, 2, 3, 4])
def test_zero_modes_of_the_covariance_game_are_rotations(d):
    found = transverse(covariance_jacobian(d))
    assert found.g_modes.shape == (d * d, d * (d - 1) // 2)
    assert found.d_modes.shape[1] == 0
    x = covariance_equilibrium(covariance_draws(d).S)[: d * d].reshape(d, d)
    for mode in found.g_modes.T:  # X Omega with an antisymmetric Omega
        omega = np.linalg.solve(x, mode.reshape(d, d))
        np.testing.assert_allclose(omega, -omega.T, atol=1e-7)


def test_tau_star_exists_across_the_zero_modes_only():
    J = covariance_jacobian(2)
    assert gt.tau_star(J) == np.inf
    assert gt.classify(J).kind == "degenerate"
    assert gt.stable_intervals(J) == []
    across = transverse(J).J
    assert gt.tau_star(across) == 0.0
    assert gt.stable_intervals(across) == [(0.0, np.inf)]


@pytest.mark.parametrize("tau", [0.2, 1.0, 7.0])
def test_spectrum_is_that_across_the_modes_and_zeros(tau):
    """Random J with two null directions of G and one of D, built in."""
    rng = np.random.default_rng(3)
    n_g, n_d = 5, 4
    matrix = rng.standard_normal((n_g + n_d, n_g + n_d))
    for columns, k in ((slice(0, n_g), 2), (slice(n_g, None), 1)):
        q, _ = np.linalg.qr(rng.standard_normal((matrix[:, columns].shape[1],) * 2))
        matrix[:, columns] = matrix[:, columns] @ (np.eye(len(q)) - q[:, :k] @ q[:, :k].T)
    found = transverse(matrix, n_g)
    assert (found.g_modes.shape, found.d_modes.shape) == ((5, 2), (4, 1))
    assert np.abs(matrix[:, :n_g] @ found.g_modes).max() < 1e-12
    whole = np.linalg.eigvals(GameJacobian(matrix, n_g).at(tau))
    part = np.concatenate([np.zeros(3), np.linalg.eigvals(found.J.at(tau))])
    assert np.abs(whole[:, None] - part).min(1).max() < 1e-6
    assert np.abs(part[:, None] - whole).min(1).max() < 1e-6


def test_a_regular_jacobian_is_left_alone():
    matrix = np.random.default_rng(0).standard_normal((5, 5))
    found = transverse(matrix, 2)
    assert found.g_modes.size == found.d_modes.size == 0
    np.testing.assert_allclose(
        np.sort_complex(np.linalg.eigvals(found.J.at(3.0))),
        np.sort_complex(np.linalg.eigvals(GameJacobian(matrix, 2).at(3.0))),
    )


@pytest.mark.slow
def test_the_trained_gan_on_the_line():
    """Its zero mode is the generator's spread; across it the trained point has a tau*."""
    run = gt.experiments.run("normal", games=300)
    game = line.line_gan(0)
    start = run.last("params").astype(float)
    game.to(dtype=torch.float64)
    around = start + 3 * np.random.default_rng(0).standard_normal((12, 4))
    found = gt.critical_points(game, around, batch=line.expectation_batch(game))
    assert found
    for zero in found:
        assert zero.tau_star == np.inf
        assert "singular" in zero.point.reason
        across = transverse(zero.J)
        (mode,) = across.g_modes.T
        np.testing.assert_allclose(mode / mode[0], [1.0, -0.5], atol=1e-6)
        assert gt.tau_star(across.J) == 0.0


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="does not depend on D's parameters"):
        transverse(np.diag([1.0, 0.0]), 1)
    with pytest.raises(ValueError, match="must be square"):
        covariance_spectrum(np.ones((2, 3)), 1.0, 1.0)

"""Checks of chapters 06 and 08: right answers from the spectrum itself, wrong ones explained."""

import numpy as np
import pytest

from gan_teach.course import exercises


def crossing(a, b, d):
    """The largest tau at which [[a, b], [-tau b, tau d]] has an eigenvalue with real part 0."""
    low, high = 1e-3, 1e3
    for _ in range(200):
        tau = (low + high) / 2
        unstable = np.linalg.eigvals([[a, b], [-tau * b, tau * d]]).real.min() < 0
        low, high = (tau, high) if unstable else (low, tau)
    return high


def real_from(matrix_at):
    taus = np.geomspace(1e-2, 1e4, 60_001)
    eigs = np.linalg.eigvals(np.stack([matrix_at(t) for t in taus]))
    return taus[np.abs(eigs.imag).max(1) > 1e-9][-1]


def test_scalar_tau_star():
    assert exercises.check_scalar_tau_star(crossing(-3, 4, 0.5))
    for wrong in (1 / 6, -6, 1, ..., "six", 7):
        assert not exercises.check_scalar_tau_star(wrong)
    assert "solve" in exercises.check_scalar_tau_star(1 / 6).message


def test_a_formula_for_real_eigenvalues():
    root = 2 * np.sqrt(1.5)
    covariance = real_from(lambda t: np.array([[0, root], [-root * t, 0.8 * t]]))
    assert covariance == pytest.approx(16 * 1.5 / 0.8**2, rel=1e-3)
    assert exercises.check_covariance_real_from(lambda s, mu: 16 * s / mu**2)
    assert not exercises.check_covariance_real_from(lambda s, mu: 4 * s / mu**2)


def test_largest_ratio():
    lr, curvature = 0.1, 13.3
    taus = np.linspace(0.1, 5, 49_001)
    stable = np.abs(1 - taus * lr * curvature) < 1
    assert exercises.check_largest_ratio(taus[stable][-1], lr=lr, curvature=curvature)
    assert "twice" in exercises.check_largest_ratio(1 / 1.33, lr=lr, curvature=curvature).message
    assert not exercises.check_largest_ratio(..., lr=lr, curvature=curvature)

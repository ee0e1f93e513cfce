"""What is known in closed form about the game of matching a covariance, `zoo.covariance`.

min_X max_Y tr(Y^T (S - X X^T)) - (mu_y / 2) |Y|^2, all d x d. At an equilibrium Y = 0 and X X^T =
S, so X = sqrt(S) R for any orthogonal R: for d > 1 the equilibria fill the d (d - 1) / 2
dimensions of the rotations and none of them is isolated.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gan_teach import _checks

_SEEDS = {1: 15, 2: 6, 5: 3, 10: 11}  # as published, for each dimension


class CovarianceDraws(NamedTuple):
    """S = U U^T + I and the starting points X and Y, all (d, d)."""

    S: NDArray[np.float64]
    X: NDArray[np.float64]
    Y: NDArray[np.float64]


def covariance_draws(d: int, seed: int | None = None) -> CovarianceDraws:
    """U, X, Y standard normal in this order, with the notebook's seed for d = 1, 2, 5, 10, else 0.

    Fiez & Ratliff (2021), cov.ipynb; its d = 20 has no seed.
    """
    d = _checks.whole("d", d, least=1)
    # RandomState: the legacy generator reproduces the published draws.
    rng = np.random.RandomState(_SEEDS.get(d, 0) if seed is None else seed)
    u, x, y = (rng.randn(d, d) for _ in range(3))
    return CovarianceDraws(u @ u.T + np.eye(d), x, y)


def covariance_equilibrium(S: ArrayLike, rotation: ArrayLike | None = None) -> NDArray[np.float64]:
    """w = (sqrt(S) R, 0) as a vector of 2 d^2 entries; R is the identity unless given."""
    values, vectors = np.linalg.eigh(_square(S))
    x = (vectors * np.sqrt(values)) @ vectors.T
    x = x if rotation is None else x @ np.asarray(rotation)
    return np.concatenate([x.ravel(), np.zeros(x.size)])


def covariance_spectrum(S: ArrayLike, mu_y: float, tau: float) -> NDArray[np.complex128]:
    """All 2 d^2 eigenvalues of J_tau at any equilibrium (mu_x = 0), in ascending order.

    In the eigenbasis of S (eigenvalues s_i) the linear flow falls apart. Rotations X -> X R leave f
    alone: d (d - 1) / 2 zeros. The antisymmetric part of Y sees no S - X X^T: d (d - 1) / 2 times
    -tau mu. Entry (i, j) of the symmetric part of Y oscillates with that of S - X X^T, y'' + tau mu
    y' + 2 tau (s_i + s_j) y = 0: for each i <= j the two roots of

        lambda^2 + tau mu lambda + 2 tau (s_i + s_j) = 0.
    """
    s = np.linalg.eigvalsh(_square(S))
    i, j = np.triu_indices(len(s))
    damping = tau * mu_y
    root = np.sqrt(damping**2 - 8 * tau * (s[i] + s[j]) + 0j)
    free = len(s) * (len(s) - 1) // 2
    pairs = [(-damping + root) / 2, (-damping - root) / 2]
    return np.sort_complex(np.concatenate([np.zeros(free), np.full(free, -damping), *pairs]))


def covariance_real_tau(S: ArrayLike, mu_y: float) -> float:
    """The tau from which on all eigenvalues are real: 16 max(s) / mu^2, inf without damping."""
    largest = float(np.linalg.eigvalsh(_square(S))[-1])
    return 16 * largest / mu_y**2 if mu_y else np.inf


def _square(S: ArrayLike) -> NDArray[np.float64]:
    matrix = np.atleast_2d(np.asarray(S, dtype=np.float64))
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"S must be a square matrix, got shape {matrix.shape}.")
    return matrix

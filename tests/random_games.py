"""Random linear games for the tests of stability.py and timescale.py."""

import numpy as np


def positive(rng: np.random.Generator, n: int) -> np.ndarray:
    m = rng.standard_normal((n, n))
    return m @ m.T + 0.2 * np.eye(n)


def symmetric(rng: np.random.Generator, n: int) -> np.ndarray:
    m = rng.standard_normal((n, n))
    return (m + m.T) / 2


def join(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    """J of the game whose -J has these blocks."""
    return -np.block([[a, b], [c, d]])


def minmax_point(rng: np.random.Generator, n_g: int, n_d: int) -> np.ndarray:
    """J at a random strict local minmax point: pick D > 0 and S > 0, then A = S - B D^-1 B^T."""
    d, s, b = positive(rng, n_d), positive(rng, n_g), rng.standard_normal((n_g, n_d))
    return join(s - b @ np.linalg.solve(d, b.T), b, -b.T, d)


def nearly_singular_point(
    rng: np.random.Generator, n_g: int, n_d: int, lowest: float
) -> np.ndarray:
    """The same with a Schur complement S whose lowest eigenvalue is ``lowest``."""
    d, s, b = positive(rng, n_d), positive(rng, n_g), rng.standard_normal((n_g, n_d))
    values, vectors = np.linalg.eigh(s)
    values[0] = lowest
    s = vectors @ np.diag(values) @ vectors.T
    return join(s - b @ np.linalg.solve(d, b.T), b, -b.T, d)


def any_zero_sum(rng: np.random.Generator, n_g: int, n_d: int) -> np.ndarray:
    b = rng.standard_normal((n_g, n_d))
    return join(symmetric(rng, n_g), b, -b.T, symmetric(rng, n_d))


def general_sum(rng: np.random.Generator, n_g: int, n_d: int) -> np.ndarray:
    """J of a random general-sum game that attracts at every large tau: D > 0 and S > 0."""
    d, s = positive(rng, n_d), positive(rng, n_g)
    b, c = rng.standard_normal((n_g, n_d)), rng.standard_normal((n_d, n_g))
    return join(s + b @ np.linalg.solve(d, c), b, c, d)


def rightmost(J: np.ndarray, n_g: int, tau: float) -> float:
    """max Re eig of diag(I, tau I) J, written out."""
    scaled = J.copy()
    scaled[n_g:] *= tau
    return float(np.linalg.eigvals(scaled).real.max())

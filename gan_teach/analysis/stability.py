"""Stability of a critical point as a function of tau: where it changes, and which tau are stable.

J_tau = diag(I, tau I) J loses or gains stability where a pair of its eigenvalues sits on the
imaginary axis, so where two of its eigenvalues sum to zero, so where the Kronecker sum J_tau (+)
J_tau is singular. That sum is linear in tau: the tau wanted are generalised eigenvalues.
`crossing_matrix` is Fiez & Ratliff's reduction to n_g n_d rows, `crossings` the problem itself with
n (n + 1) / 2 rows, which also serves points where the reduction does not exist.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from gan_teach import _checks
from gan_teach.analysis.spectra import scaled

DENSE_LIMIT = 1000  # dimensions up to which an operator is assembled, and eigenvalues are dense
_MOST_PARAMETERS = 44  # n (n + 1) / 2 = 990 rows, an eigenproblem of some seconds


def parts(J: Any, n_g: int | None = None, *, dense_for: str = "") -> tuple[Any, int]:
    """(matrix or large LinearOperator, n_g) from a GameJacobian, array, tensor or operator.

    ``dense_for`` names a function that cannot do without the matrix: TypeError for an operator that
    is too large to assemble.
    """
    n_g = getattr(J, "n_g", None) if n_g is None else n_g
    if n_g is None:
        raise TypeError("n_g, the number of G's parameters, must be given with a plain matrix.")
    matrix: Any = getattr(J, "matrix", J)
    if hasattr(matrix, "matvec") and matrix.shape[0] <= DENSE_LIMIT:
        matrix = np.stack([matrix @ column for column in np.eye(matrix.shape[0])], axis=1)
    if not hasattr(matrix, "matvec"):
        matrix = np.asarray(matrix.detach().cpu() if hasattr(matrix, "detach") else matrix)
        matrix = matrix.astype(np.result_type(matrix.dtype, np.float32), copy=False)
        _checks.finite("J", matrix, hint="Did the run diverge before J was taken?")
    elif dense_for:
        raise TypeError(f"{dense_for} needs the matrix of J: this operator is too large for one.")
    if np.issubdtype(matrix.dtype, np.complexfloating):
        raise TypeError("J must be real, got a complex matrix. Were eigenvalues passed for J?")
    if len(matrix.shape) != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"J must be a square matrix, got shape {tuple(matrix.shape)}.")
    n_g, n = _checks.whole("n_g", n_g, least=1), matrix.shape[0]
    if n_g >= n:
        raise ValueError(f"n_g must be below {n}, the rows of J, got {n_g}: D needs a row as well.")
    return matrix, n_g


def relative_zero(matrix: np.ndarray, tol: float | None) -> float:
    """``tol``, by default the square root of the matrix's rounding error: 1.5e-8 in float64."""
    if tol is None:
        return math.sqrt(np.finfo(matrix.dtype).eps)
    return _checks.real("tol", tol, least=0.0)


def blocks(matrix: np.ndarray, n_g: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A, B, C, D of -J = [[A, B], [C, D]]: the one place that turns the sign for Fiez & Ratliff."""
    m = -matrix
    return m[:n_g, :n_g], m[:n_g, n_g:], m[n_g:, :n_g], m[n_g:, n_g:]


def rightmost(matrix: np.ndarray, n_g: int, taus: Any) -> Any:
    """max Re eig(J_tau): a number for one tau, (T,) for an array of T; stable where below 0."""
    return np.linalg.eigvals(scaled(matrix, n_g, taus)).real.max(-1)


def natural_tau(matrix: np.ndarray, n_g: int) -> float:
    """|G's rows| / |D's rows|, the tau at which both players move at a like speed; or 1."""
    g, d = np.linalg.norm(matrix[:n_g]), np.linalg.norm(matrix[n_g:])
    return float(g / d) if g > 0 and d > 0 else 1.0


def duplication_matrix(n: int) -> np.ndarray:
    """H (n^2, n (n + 1) / 2): vec(X) = H vech(X) for symmetric X, rows of X one after another."""
    rows, columns = np.tril_indices(n)
    entry = np.arange(len(rows))
    matrix = np.zeros((n, n, len(rows)))
    matrix[rows, columns, entry] = matrix[columns, rows, entry] = 1.0
    return matrix.reshape(n * n, -1)


def _half(n: int) -> np.ndarray:
    """H^+, the left inverse of the duplication matrix: it averages the two copies of each entry."""
    h = duplication_matrix(n)
    return h.T / h.sum(axis=0)[:, None]


def kronecker_sum(a: np.ndarray) -> np.ndarray:
    """a (+) a = H^+ (a x I + I x a) H, the map X -> a X + X a^T on symmetric X.

    Its eigenvalues are the sums of two eigenvalues of ``a``, each unordered pair once (n (n + 1) /
    2 of them), so it is singular iff two eigenvalues of ``a`` sum to zero, as a pair on the
    imaginary axis does. Magnus (1988) has the duplication matrix.
    """
    eye = np.eye(len(a))
    return _half(len(a)) @ (np.kron(a, eye) + np.kron(eye, a)) @ duplication_matrix(len(a))


def crossing_matrix(matrix: np.ndarray, n_g: int) -> np.ndarray:
    """Fiez & Ratliff's Q (n_g n_d rows): its real positive eigenvalues are all tau with a crossing.

    Q = -A x D^-1 + 2 [(B x D^-1) H_d, (I x D^-1 C) H_g] blockdiag((D (+) D)^-1, -(S (+) S)^-1)
        [H_d^+ (C x I); H_g^+ (S x B D^-1)]

    A crossing is a tau at which two eigenvalues of J_tau sum to zero. It comes from J_tau X + X
    J_tau^T = 0, a linear system in symmetric X: solve its D-D block for X_dd and its G-G block for
    X_gg, and tau X_gd = Q X_gd is left. Nothing in that uses symmetry, so Q serves general-sum
    games as well. It does need D and S without two eigenvalues that sum to zero, as at any point
    that attracts at large tau. Raises numpy's LinAlgError otherwise.
    """
    a, b, c, d = blocks(matrix, n_g)
    n_d = len(d)
    d_inv = np.linalg.inv(d)
    b_d, d_c = b @ d_inv, d_inv @ c
    s = a - b @ d_c
    d_part = np.kron(b, d_inv) @ duplication_matrix(n_d)
    d_part = d_part @ np.linalg.solve(kronecker_sum(d), _half(n_d) @ np.kron(c, np.eye(n_d)))
    g_part = np.kron(np.eye(n_g), d_c) @ duplication_matrix(n_g)
    g_part = g_part @ np.linalg.solve(kronecker_sum(s), _half(n_g) @ np.kron(s, b_d))
    return -np.kron(a, d_inv) + 2.0 * (d_part - g_part)


def crossings(matrix: np.ndarray, n_g: int) -> np.ndarray:
    """Every tau > 0 at which two eigenvalues of J_tau sum to zero, in ascending order.

    Solves det(K_0 + tau K_1) = 0 with K_0 = M_0 (+) M_0 from G's rows of -J and K_1 likewise from
    D's. K_0 and K_1 are both singular, but K_0 + s K_1 is regular at almost every s, and the
    eigenvalues mu of (K_0 + s K_1)^-1 K_1 give tau = s - 1 / mu. Roots within 1e-3 of the real line
    are kept: a root too many costs a look at the spectrum, a lost one costs a wrong answer. Empty
    where two eigenvalues sum to zero at every tau (J singular, for one), for then no tau is
    strictly stable. Looks between 1e-9 and 1e9 times `natural_tau`. Matrices of n (n + 1) / 2 rows:
    2 s at n = 44.
    """
    natural = natural_tau(matrix, n_g)
    g_rows, d_rows = -matrix.copy(), -natural * matrix
    g_rows[n_g:], d_rows[:n_g] = 0.0, 0.0
    shift = 0.7548776662466927  # in units of natural_tau; any number that is no root will do
    k_1 = kronecker_sum(d_rows)
    shifted = kronecker_sum(g_rows) + shift * k_1
    if np.linalg.cond(shifted) > 1e14:
        return np.empty(0)
    mu = np.linalg.eigvals(np.linalg.solve(shifted, k_1))
    roots = shift - 1.0 / mu[np.abs(mu) > 1e-9]
    near_real = np.abs(roots.imag) <= 1e-3 * np.abs(roots)
    roots = roots.real[near_real & (roots.real > 1e-9) & (roots.real < 1e9)]
    return np.sort(roots) * natural


def stability_sweep(
    J: Any, taus: Any, n_g: int | None = None, *, tracked: bool = True
) -> np.ndarray:
    """Eigenvalues of J_tau for each of ``taus`` (T,): complex, (T, n).

    ``tracked``: column i follows one eigenvalue from row to row (``track``), so that a line per
    column is a branch of the root locus; needs ``taus`` in order. Otherwise each row is sorted by
    real part.
    """
    matrix, n_g = parts(J, n_g, dense_for="stability_sweep")
    taus = np.asarray(taus, dtype=float)
    if taus.ndim != 1 or len(taus) == 0:
        raise ValueError(f"taus must be a list of numbers, got shape {taus.shape}.")
    values = np.sort_complex(np.linalg.eigvals(scaled(matrix, n_g, taus)).astype(complex))
    return track(values) if tracked else values


def track(eigs: np.ndarray) -> np.ndarray:
    """Each row of (T, n) reordered so that every column follows one eigenvalue continuously.

    A row is matched to the straight continuation of the two rows before it by the assignment of
    least total distance (Hungarian method, Kuhn 1955), so that branches pass through a crossing
    instead of exchanging names.
    """
    from scipy.optimize import linear_sum_assignment

    values = np.array(eigs, dtype=complex)
    for t in range(1, len(values)):
        expected = values[t - 1] if t == 1 else 2 * values[t - 1] - values[t - 2]
        cost = np.abs(expected[:, None] - values[t])
        values[t] = values[t][linear_sum_assignment(cost)[1]]
    return values


def stable_intervals(J: Any, n_g: int | None = None) -> list[tuple[float, float]]:
    """All open intervals of tau > 0 on which every eigenvalue of J_tau has negative real part.

    For any critical point, equilibrium or not: [(tau_star, inf)] at a strict local minmax point
    that no smaller tau stabilises; the origin of the 4-D polynomial game, no equilibrium, gives
    [(0.5, 2)]. The spectrum is looked at between all roots of det(J_tau (+) J_tau)
    (`crossings`), where alone stability can change, and on a grid; where it changes between two
    looks the end is bisected on max Re eig(J_tau) itself, so that it is as exact as that number.

    What remains inexact: near a singular Schur complement the roots are not (10 % off at a lowest
    eigenvalue of 1e-6), and an interval narrower than their error and than the grid (a factor of
    1.08) can be missed or filled; where an eigenvalue touches the axis without crossing it, or two
    meet on it, an end is exact to the square root of rounding only; the looks go to 1000 times the
    outermost roots, and what is found there is taken to hold up to 0 and to inf. A tau at which
    rounding hides the sign has no say. Takes n up to 44 parameters.
    """
    matrix, n_g = parts(J, n_g, dense_for="stable_intervals")
    if len(matrix) > _MOST_PARAMETERS:
        raise ValueError(
            f"stable_intervals is for at most {_MOST_PARAMETERS} parameters, got {len(matrix)}. "
            "Use stability_sweep on a grid of tau."
        )
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    if not lengths.all() or np.linalg.cond(matrix / lengths) > 1e14:
        return []  # an eigenvalue is zero at every tau: rounding would decide on its sign
    taus = _looks(crossings(matrix, n_g), natural_tau(matrix, n_g))
    largest = rightmost(matrix, n_g, taus)
    noise = 1e-13 * np.linalg.norm(scaled(matrix, n_g, taus), axis=(1, 2))
    decided = np.abs(largest) > noise
    taus, stable = taus[decided], largest[decided] < 0
    ends = [0.0] if stable[:1].any() else []
    for i in np.flatnonzero(stable[1:] != stable[:-1]):
        inside, outside = taus[[i, i + 1]] if stable[i] else taus[[i + 1, i]]
        ends.append(_boundary(lambda tau: rightmost(matrix, n_g, tau) < 0, inside, outside, 0.0))
    if len(ends) % 2:
        ends.append(math.inf)
    return list(zip(ends[::2], ends[1::2], strict=True))


def _looks(roots: np.ndarray, natural: float) -> np.ndarray:
    """Where to look at the spectrum: between the roots, and on a grid that reaches beyond them."""
    anchors = np.append(roots, natural)
    decades = math.log10(anchors.max() / anchors.min()) + 6
    grid = np.geomspace(anchors.min() / 1e3, anchors.max() * 1e3, math.ceil(30 * decades))
    return np.sort(np.concatenate([grid, np.sqrt(roots[:-1] * roots[1:])]))


def real_eigenvalue_tau(
    J: Any,
    n_g: int | None = None,
    *,
    bracket: tuple[float, float] = (1e-4, 1e4),
    scan: int = 400,
) -> float:
    """The tau above which every eigenvalue of J_tau is real, so that nothing oscillates any more.

    For one parameter each: the larger root of (A + tau D)^2 = 4 tau (A D - B C). Found like
    `tau_star_by_bisection`; inf where complex eigenvalues are left at the top of the bracket, 0
    where there are none in it.
    """
    matrix, n_g = parts(J, n_g, dense_for="real_eigenvalue_tau")

    def real(tau: float) -> bool:
        values = np.linalg.eigvals(scaled(matrix, n_g, tau))
        return bool(np.abs(values.imag).max() <= 1e-8 * np.abs(values).max())

    return last_change(real, bracket, scan, 1e-13)


def last_change(
    holds: Callable[[float], bool], bracket: tuple[float, float], scan: int, rtol: float
) -> float:
    """The lowest tau down to which ``holds`` is true from the top of ``bracket`` on.

    Looked at on ``scan`` values evenly spaced in log tau, then bisected to the relative accuracy
    ``rtol``; inf if it fails at the top, 0 if it holds on all of them.
    """
    low = _checks.real("the lower end of bracket", bracket[0], above=0.0)
    high = _checks.real("the upper end of bracket", bracket[1], above=low)
    above = math.inf
    for tau in np.geomspace(low, high, _checks.whole("scan", scan, least=2))[::-1].tolist():
        if not holds(tau):
            return above if math.isinf(above) else _boundary(holds, above, tau, rtol)
        above = tau
    return 0.0


def _boundary(holds: Callable[[float], Any], true: float, false: float, rtol: float) -> float:
    """The end of where ``holds``, between a tau at which it does and one at which it does not.

    By bisection, to the relative accuracy ``rtol`` or to neighbouring floats; it holds at the end.
    """
    while abs(true - false) > rtol * max(true, false):
        middle = math.sqrt(true * false)
        if not min(true, false) < middle < max(true, false):  # neighbouring floats
            break
        true, false = (middle, false) if holds(middle) else (true, middle)
    return float(true)

"""Stability over tau: which ratios of the learning rates make a point attract.

Near a critical point simultaneous gradient descent with learning rates lr (G) and tau lr (D)
follows the linear flow of J_tau = diag(I, tau I) J: the point attracts where max Re eig(J_tau) < 0.
Everything here looks at these eigenvalues for many tau and bisects where the answer changes;
`timescale` has the theory that foretells the last change.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from gan_teach import _checks
from gan_teach.analysis.spectra import GameJacobian


def stability_sweep(J: Any, taus: Any, n_g: int | None = None) -> np.ndarray:
    """Eigenvalues of J_tau for each of ``taus`` (T,), in order: complex, (T, n).

    Column i follows one eigenvalue from row to row, so that a line per column is a branch of the
    root locus: a row is matched to the straight continuation of the two rows before it by the
    assignment of least total distance (Hungarian method, Kuhn 1955), so that branches pass through
    a crossing instead of exchanging names. Raises ValueError for ``taus`` that are no list of
    numbers.
    """
    from scipy.optimize import linear_sum_assignment

    J = one_jacobian(J, n_g)
    taus = np.asarray(taus, dtype=float)
    if taus.ndim != 1 or len(taus) == 0:
        raise ValueError(f"taus must be a list of numbers, got shape {taus.shape}.")
    values = np.sort_complex(np.linalg.eigvals(J.at(taus)).astype(complex))
    for t in range(1, len(values)):
        expected = values[t - 1] if t == 1 else 2 * values[t - 1] - values[t - 2]
        cost = np.abs(expected[:, None] - values[t])
        values[t] = values[t][linear_sum_assignment(cost)[1]]
    return values


def stable_intervals(J: Any, n_g: int | None = None) -> list[tuple[float, float]]:
    """All open intervals of tau > 0 on which every eigenvalue of J_tau has negative real part.

    For any critical point, equilibrium or not: [(tau_star, inf)] at a strict local minmax point
    that no smaller tau stabilises; the origin of the 4-D polynomial game, no equilibrium, gives
    [(0.5, 2)]. The spectrum is looked at from 10^-9 to 10^9 times `natural_tau`, at steps of a
    factor of 1.03; where it changes between two looks the end is bisected on max Re eig(J_tau), so
    that it is as exact as that number.

    What remains inexact: an interval narrower than a step can be missed or filled; where an
    eigenvalue touches the axis without crossing it, or two meet on it, an end is exact to the
    square root of rounding only; what the outermost looks see is taken to hold up to 0 and to inf.
    A tau at which rounding hides the sign has no say.
    """
    J = one_jacobian(J, n_g)
    lengths = np.linalg.norm(J.matrix, axis=1, keepdims=True)
    if not lengths.all() or np.linalg.cond(J.matrix / lengths) > 1e14:
        return []  # an eigenvalue is zero at every tau: rounding would decide on its sign
    taus = natural_tau(J) * np.geomspace(1e-9, 1e9, 1501)
    largest = rightmost(J, taus)
    noise = 1e-13 * np.linalg.norm(J.at(taus), axis=(1, 2))
    decided = np.abs(largest) > noise
    taus, stable = taus[decided], largest[decided] < 0
    ends = [0.0] if stable[:1].any() else []
    for i in np.flatnonzero(stable[1:] != stable[:-1]):
        inside, outside = taus[[i, i + 1]] if stable[i] else taus[[i + 1, i]]
        ends.append(_boundary(lambda tau: rightmost(J, tau) < 0, inside, outside, 0.0))
    if len(ends) % 2:
        ends.append(math.inf)
    return list(zip(ends[::2], ends[1::2], strict=True))


def real_eigenvalue_tau(J: Any, n_g: int | None = None) -> float:
    """The tau above which every eigenvalue of J_tau is real, so that nothing oscillates any more.

    For one parameter each: the larger root of (A + tau D)^2 = 4 tau (A D - B C). Found like
    `tau_star_by_bisection`, between 10^-4 and 10^4; inf where complex eigenvalues are left at
    10^4, 0 where none were seen.
    """
    J = one_jacobian(J, n_g)

    def real(tau: float) -> bool:
        values = np.linalg.eigvals(J.at(tau))
        return bool(np.abs(values.imag).max() <= 1e-8 * np.abs(values).max())

    return last_change(real, (1e-4, 1e4), 400, 1e-13)


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
    for tau in np.geomspace(low, high, scan)[::-1].tolist():
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


def one_jacobian(J: Any, n_g: int | None = None) -> GameJacobian:
    """J if it is one finite matrix (n, n); or made of a matrix of numbers and n_g."""
    n_g = getattr(J, "n_g", None) if n_g is None else n_g
    if n_g is None:
        raise TypeError("n_g, the number of G's parameters, must be given with a plain matrix.")
    matrix = np.asarray(getattr(J, "matrix", J))
    if np.iscomplexobj(matrix):
        raise TypeError("J must be real, got a complex matrix. Were eigenvalues passed for J?")
    matrix = matrix.astype(np.result_type(matrix.dtype, np.float32), copy=False)
    _checks.finite("J", matrix, hint="Did the run diverge before J was taken?")
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"J must be a square matrix, got shape {matrix.shape}.")
    n_g, n = _checks.whole("n_g", n_g, least=1), len(matrix)
    if n_g >= n:
        raise ValueError(f"n_g must be below {n}, the rows of J, got {n_g}: D needs a row as well.")
    return GameJacobian(matrix, n_g)


def rightmost(J: GameJacobian, taus: Any) -> Any:
    """max Re eig(J_tau): a number for one tau, (T,) for an array of T; stable where below 0."""
    return np.linalg.eigvals(J.at(taus)).real.max(-1)


def natural_tau(J: GameJacobian) -> float:
    """|G's rows| / |D's rows|, the tau at which both players move at a like speed; or 1."""
    g, d = np.linalg.norm(J.matrix[: J.n_g]), np.linalg.norm(J.matrix[J.n_g :])
    return float(g / d) if g > 0 and d > 0 else 1.0

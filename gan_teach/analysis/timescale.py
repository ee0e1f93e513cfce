"""Timescale separation: how much faster D must learn for a critical point to attract.

Simultaneous gradient descent with learning rates lr (G) and tau lr (D) follows, near a critical
point, the linear flow of J_tau = diag(I, tau I) J. The point attracts iff max Re eig(J_tau) < 0.
This module answers for which tau that holds.

Write -J = [[A, B], [C, D]]: A (n_g x n_g) and D (n_d x n_d) are the Hessians of each player's own
loss, and S = A - B D^-1 C is what G's curvature becomes once D answers at once. Fiez & Ratliff
(2021, Theorem 1), for zero-sum games (A, D symmetric, C = -B^T): the point attracts for ALL tau
above some finite tau* iff D and S are positive definite, that is, iff it is a strict local minmax
point (a differential Stackelberg equilibrium). It is besides a strict local Nash equilibrium iff A
is positive definite too, and then tau* = 0.

J_tau loses or gains stability where a pair of its eigenvalues sits on the imaginary axis, so where
two of its eigenvalues sum to zero, so where the Kronecker sum J_tau (+) J_tau is singular. That sum
is linear in tau: the tau wanted are generalised eigenvalues. `crossing_matrix` is Fiez & Ratliff's
reduction to n_g n_d rows, from which `tau_star` takes the largest; `crossings` is the problem
itself with n (n + 1) / 2 rows, which also serves points where the reduction does not exist, and so
`stable_intervals` answers for points that are no equilibrium; `tau_star_by_bisection` only looks at
the spectrum. Three routes, one answer. tau is a ratio of learning rates of plain (stochastic)
gradient descent: not of step counts, and not of Adam's.
"""

import math
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np

from gan_teach import _checks
from gan_teach.analysis.spectra import scaled

Kind = Literal["nash", "minmax", "neither", "stable", "unstable", "degenerate"]

_FORMULA_LIMIT = 900  # n_g n_d, the rows of the formula's eigenproblem: about 1 s at the limit
_MOST_PARAMETERS = 44  # n (n + 1) / 2 = 990 rows, an eigenproblem of some seconds


class CriticalPoint(NamedTuple):
    """What the blocks of the Jacobian say about a critical point, and why.

    kind, for a zero-sum game: "nash" (strict local Nash, hence also minmax), "minmax" (strict local
    minmax, not Nash), "neither"; for a general-sum game: "stable" or "unstable" at every large
    enough tau; for both: "degenerate" where a block is singular, so that second derivatives do not
    decide. leader, follower, schur: smallest real part of the eigenvalues of A, D and S (NaN for S
    where D is singular). nash: A and D are positive definite. tol: relative size below which a
    number counts as 0.
    """

    kind: Kind
    reason: str
    zero_sum: bool
    nash: bool
    leader: float
    follower: float
    schur: float
    tol: float


class Timescale(NamedTuple):
    """tau* with its reason; inf where no finite tau* exists.

    kind: as in `CriticalPoint`, None where only products with J were available. method:
    "classification", "formula" or "bisection".
    """

    tau_star: float
    kind: Kind | None
    reason: str
    method: str


def tau_star(J: Any, n_g: int | None = None, **options: Any) -> float:
    """The tau* above which a critical point attracts; inf at a point that is no strict local minmax
    point.

    `timescale`, which takes the same arguments, has the reason in words and in its ``kind``: inf
    with "neither" or "unstable" says that no large tau attracts, inf with "degenerate" that second
    derivatives do not decide, since a block is singular. Where only a bracket was searched (large
    games) and tau* is not in it, nothing has been said of larger tau: ValueError.
    """
    answer = timescale(J, n_g, **options)
    if answer.method == "bisection" and math.isinf(answer.tau_star):
        raise ValueError(
            f"tau* was not found: {answer.reason} Raise the upper end of bracket=(low, high), or "
            "ask timescale, which gives this sentence as its reason."
        )
    return answer.tau_star


def timescale(
    J: Any,
    n_g: int | None = None,
    *,
    tol: float | None = None,
    bracket: tuple[float, float] = (1e-4, 1e4),
    scan: int = 33,
) -> Timescale:
    """tau* of a critical point, with the kind of point and the reason.

    ``J`` is a GameJacobian, or the (n, n) matrix of J = dv/dw with v = (-grad_G L_G, -grad_D L_D)
    and ``n_g``, the number of rows that are G's; or a LinearOperator of J or J^T, such as
    `krylov.jacobian_transpose`, which is assembled by n products. The field must vanish where J was
    taken: that is not checked here. ``tol``: see `classify`.

    Zero-sum: 0 where A is positive semidefinite; otherwise the largest positive real eigenvalue of
    Fiez & Ratliff's matrix Q, exact up to rounding, for any n_g and n_d. General-sum: the same Q
    gives the largest tau at which stability changes, if the point attracts at every large tau;
    there is no equivalence with a game-theoretic equilibrium then, and ``kind`` says "stable", not
    "minmax". inf for "neither" and "unstable" (some smaller tau may still attract: see
    `stable_intervals`) and for "degenerate" points.

    Q has n_g n_d rows. Above 900 of them tau* comes from `tau_star_by_bisection` with ``bracket``
    and ``scan``, which the reason then names.
    """
    matrix, n_g = parts(J, n_g)
    point = classify(matrix, n_g, tol=tol)
    if point.kind in ("neither", "unstable", "degenerate"):
        return Timescale(math.inf, point.kind, point.reason, "classification")
    if point.zero_sum and point.leader >= -point.tol * _norm(matrix):
        reason = f"{point.reason} G's own block has no negative direction: any tau > 0 attracts."
        return Timescale(0.0, point.kind, reason, "classification")
    if n_g * (len(matrix) - n_g) > _FORMULA_LIMIT:
        answer = tau_star_by_bisection(matrix, n_g, bracket=bracket, scan=scan)
        return answer._replace(kind=point.kind, reason=f"{point.reason} {answer.reason}")
    value = _largest_crossing(matrix, n_g, point.tol)
    reason = f"{point.reason} The point attracts at every tau > {value:.6g}."
    return Timescale(value, point.kind, reason, "formula")


def classify(J: Any, n_g: int | None = None, *, tol: float | None = None) -> CriticalPoint:
    """Strict local Nash, strict local minmax, neither, or degenerate: from the blocks of J alone.

    An eigenvalue of A or D counts as zero within ``tol`` |J|, one of S within ``tol`` (|A| + |B
    D^-1 C|); ``tol`` defaults to the square root of the matrix's rounding error (1.5e-8 in
    float64). C = -B^T within ``tol`` |J| makes the point zero-sum. A singular D means that D's best
    answer is not isolated (an unpenalised D at its optimum, say), a singular S that the equilibria
    are not (the covariance game beyond one dimension).
    """
    matrix, n_g = parts(J, n_g)
    tol = relative_zero(matrix, tol)
    a, b, c, d = blocks(matrix, n_g)
    zero = tol * _norm(matrix)
    zero_sum = bool(np.abs(c + b.T).max() <= zero)
    leader, follower = _lowest(a), _lowest(d)
    schur, zero_schur = math.nan, math.nan
    if np.abs(np.linalg.eigvals(d)).min() > zero:
        response = b @ np.linalg.solve(d, c)
        schur, zero_schur = _lowest(a - response), tol * (_norm(a) + _norm(response))
    kind, reason = _verdict(zero_sum, follower, schur, zero, zero_schur)
    nash = leader > zero and follower > zero
    if kind == "stable" and zero_sum:
        kind = "nash" if nash else "minmax"
        name = "Nash equilibrium" if nash else "minmax point, not strict Nash"
        reason = f"Strict local {name}: {reason}"
    return CriticalPoint(kind, reason, zero_sum, nash, leader, follower, schur, tol)


def _verdict(
    zero_sum: bool, follower: float, schur: float, zero: float, zero_schur: float
) -> tuple[Kind, str]:
    """Whether the point attracts at every large tau, and one sentence why."""
    against: Kind = "neither" if zero_sum else "unstable"
    if follower < -zero:
        return against, (
            f"D's own block has a negative eigenvalue ({follower:.3g}): D can still gain."
        )
    if follower <= zero:
        return "degenerate", (
            f"D's own block is singular (lowest eigenvalue {follower:.3g}): D's best answer is not "
            "isolated, so second derivatives do not decide. A penalty such as R1 makes it definite."
        )
    if schur < -zero_schur:
        return against, (
            f"The Schur complement has a negative eigenvalue ({schur:.3g}): against a D that "
            "answers at once, G can still gain."
        )
    if schur <= zero_schur:
        return "degenerate", (
            f"The Schur complement is singular (lowest eigenvalue {schur:.3g}): to first order the "
            "equilibria are not isolated, so second derivatives do not decide."
        )
    return "stable", (
        f"D's own block and the Schur complement are positive (lowest eigenvalues {follower:.3g} "
        f"and {schur:.3g})."
    )


def _largest_crossing(matrix: np.ndarray, n_g: int, tol: float) -> float:
    """The largest positive real eigenvalue of Q, 0 if there is none."""
    roots = np.linalg.eigvals(crossing_matrix(matrix, n_g))
    noise = 1e-10 * natural_tau(matrix, n_g)
    roots = roots[(roots.real > noise) & (np.abs(roots.imag) <= tol * np.abs(roots))]
    for root in sorted(roots, key=lambda z: -z.real):
        # The largest real root is a boundary by theory. One with an imaginary part of rounding size
        # is a double root that rounding split, or is not real at all: look at the spectrum there.
        noise = tol * _norm(scaled(matrix, n_g, root.real))
        if root.imag == 0 or rightmost(matrix, n_g, root.real) >= -noise:
            return float(root.real)
    return 0.0


def tau_star_by_bisection(
    J: Any,
    n_g: int | None = None,
    *,
    bracket: tuple[float, float] = (1e-4, 1e4),
    scan: int = 33,
    rtol: float = 1e-9,
) -> Timescale:
    """tau* from the rightmost eigenvalue of J_tau alone: for games of any size.

    Looks at ``scan`` values of tau, evenly spaced in log tau, from the top of ``bracket``
    downwards, and bisects between the lowest one down to which all are stable and the next, to the
    relative accuracy ``rtol``. So it finds the largest tau in the bracket at which stability
    changes, provided that no unstable window lies wholly between two neighbours of the scan. inf
    where J_tau is unstable at the top of the bracket, 0 where it is stable on all of it: the reason
    says so.
    """
    matrix, n_g = parts(J, n_g)
    value = last_change(lambda tau: rightmost(matrix, n_g, tau) < 0, bracket, scan, rtol)
    size = f"for tau in [{bracket[0]:g}, {bracket[1]:g}]"
    if math.isinf(value):
        reason = f"Unstable at the top of the bracket, so no tau* was found {size}."
    elif value == 0:
        reason = f"Stable at every tau that was tried {size}."
    else:
        reason = f"The largest change of stability {size} is at {value:.6g}."
    return Timescale(value, None, reason, "bisection")


def _lowest(block: np.ndarray) -> float:
    return float(np.linalg.eigvals(block).real.min())


def _norm(block: np.ndarray) -> float:
    return float(np.linalg.norm(block, 2))


def parts(J: Any, n_g: int | None = None) -> tuple[np.ndarray, int]:
    """(matrix, n_g) from a GameJacobian, array, tensor or, by n products, a LinearOperator."""
    n_g = getattr(J, "n_g", None) if n_g is None else n_g
    if n_g is None:
        raise TypeError("n_g, the number of G's parameters, must be given with a plain matrix.")
    matrix: Any = getattr(J, "matrix", J)
    matrix = np.asarray(matrix @ np.eye(matrix.shape[1]) if hasattr(matrix, "matvec") else matrix)
    if np.iscomplexobj(matrix):
        raise TypeError("J must be real, got a complex matrix. Were eigenvalues passed for J?")
    matrix = matrix.astype(np.result_type(matrix.dtype, np.float32), copy=False)
    _checks.finite("J", matrix, hint="Did the run diverge before J was taken?")
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"J must be a square matrix, got shape {matrix.shape}.")
    n_g, n = _checks.whole("n_g", n_g, least=1), len(matrix)
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
    matrix, n_g = parts(J, n_g)
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
    matrix, n_g = parts(J, n_g)
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
    matrix, n_g = parts(J, n_g)

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

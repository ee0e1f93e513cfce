"""Timescale separation: how much faster D must learn for a critical point to attract.

Simultaneous gradient descent with learning rates lr (G) and tau lr (D) follows, near a critical
point, the linear flow of J_tau = diag(I, tau I) J. The point attracts iff max Re eig(J_tau) < 0.
This module says from which tau on that holds, and why; `stability` looks at any tau.

Write -J = [[A, B], [C, D]]: A (n_g x n_g) and D (n_d x n_d) are the Hessians of each player's own
loss, and S = A - B D^-1 C is what G's curvature becomes once D answers at once. Fiez & Ratliff
(2021, Theorem 1), for zero-sum games (A, D symmetric, C = -B^T): the point attracts for ALL tau
above some finite tau* iff D and S are positive definite, that is, iff it is a strict local minmax
point (a differential Stackelberg equilibrium). It is besides a strict local Nash equilibrium iff A
is positive definite too, and then tau* = 0. (The chapters know zero-sum games only and write
[[A, B], [-B^T, C]], since D is the discriminator there.)

J_tau loses or gains stability where a pair of its eigenvalues sits on the imaginary axis, so where
two of its eigenvalues sum to zero, so where the Kronecker sum J_tau (+) J_tau is singular. That sum
is linear in tau: the tau wanted are generalised eigenvalues. `crossing_matrix` is Fiez & Ratliff's
reduction to n_g n_d rows, from which `tau_star` takes the largest; `tau_star_by_bisection` only
looks at the spectrum. Two routes, one answer. tau is a ratio of learning rates of plain
(stochastic) gradient descent: not of step counts, and not of Adam's.
"""

import math
from typing import Any, Literal, NamedTuple

import numpy as np

from gan_teach import _checks
from gan_teach.analysis.spectra import GameJacobian
from gan_teach.analysis.stability import last_change, natural_tau, one_jacobian, rightmost

Kind = Literal["nash", "minmax", "neither", "stable", "unstable", "degenerate"]

_FORMULA_LIMIT = 900  # n_g n_d, the rows of the formula's eigenproblem: about 1 s at the limit


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

    kind: as in `CriticalPoint`; None for an answer from the spectrum alone.
    """

    tau_star: float
    kind: Kind | None
    reason: str


def tau_star(J: Any, n_g: int | None = None, *, tol: float | None = None) -> float:
    """The tau* above which a critical point attracts; inf at a point that is no strict local minmax
    point.

    `timescale`, which takes the same arguments, has the reason in words and in its ``kind``: inf
    with "neither" or "unstable" says that no large tau attracts, inf with "degenerate" that second
    derivatives do not decide, since a block is singular.
    """
    return timescale(J, n_g, tol=tol).tau_star


def timescale(J: Any, n_g: int | None = None, *, tol: float | None = None) -> Timescale:
    """tau* of a critical point, with the kind of point and the reason.

    ``J`` is a GameJacobian, or the (n, n) matrix of J = dv/dw with v = (-grad_G L_G, -grad_D L_D)
    and ``n_g``, the number of rows that are G's. The field must vanish where J was taken: that is
    not checked here. ``tol``: see `classify`.

    Zero-sum: 0 where A is positive semidefinite; otherwise the largest positive real eigenvalue of
    Fiez & Ratliff's matrix Q, exact up to rounding, for any n_g and n_d. General-sum: the same Q
    gives the largest tau at which stability changes, if the point attracts at every large tau;
    there is no equivalence with a game-theoretic equilibrium then, and ``kind`` says "stable", not
    "minmax". inf for "neither" and "unstable" (some smaller tau may still attract: see
    `stability.stable_intervals`) and for "degenerate" points.

    Q has n_g n_d rows. Above 900 of them tau* comes from `tau_star_by_bisection`, as the reason
    then says; ValueError where it is not in the bracket that is searched.
    """
    J = one_jacobian(J, n_g)
    point = classify(J, tol=tol)
    if point.kind in ("neither", "unstable", "degenerate"):
        return Timescale(math.inf, point.kind, point.reason)
    if point.zero_sum and point.leader >= -point.tol * _norm(J.matrix):
        reason = f"{point.reason} G's own block has no negative direction: any tau > 0 attracts."
        return Timescale(0.0, point.kind, reason)
    if J.n_g * J.n_d > _FORMULA_LIMIT:
        answer = tau_star_by_bisection(J)
        if math.isinf(answer.tau_star):
            raise ValueError(
                f"tau* was not found: {answer.reason} Give the function that looked, "
                "tau_star_by_bisection, a higher bracket=(low, high)."
            )
        return answer._replace(kind=point.kind, reason=f"{point.reason} {answer.reason}")
    value = _largest_crossing(J, point.tol)
    reason = f"{point.reason} The point attracts at every tau > {value:.6g}."
    return Timescale(value, point.kind, reason)


def classify(J: Any, n_g: int | None = None, *, tol: float | None = None) -> CriticalPoint:
    """Strict local Nash, strict local minmax, neither, or degenerate: from the blocks of J alone.

    An eigenvalue of A or D counts as zero within ``tol`` |J|, one of S within ``tol`` (|A| + |B
    D^-1 C|); ``tol`` defaults to the square root of the matrix's rounding error (1.5e-8 in
    float64). C = -B^T within ``tol`` |J| makes the point zero-sum. A singular D means that D's best
    answer is not isolated (an unpenalised D at its optimum, say), a singular S that the equilibria
    are not (the covariance game beyond one dimension).
    """
    J = one_jacobian(J, n_g)
    tol = relative_zero(J.matrix, tol)
    a, b, c, d = blocks(J)
    zero = tol * _norm(J.matrix)
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


def _largest_crossing(J: GameJacobian, tol: float) -> float:
    """The largest positive real eigenvalue of Q, 0 if there is none."""
    roots = np.linalg.eigvals(crossing_matrix(J))
    noise = 1e-10 * natural_tau(J)
    roots = roots[(roots.real > noise) & (np.abs(roots.imag) <= tol * np.abs(roots))]
    for root in sorted(roots, key=lambda z: -z.real):
        # The largest real root is a boundary by theory. One with an imaginary part of rounding size
        # is a double root that rounding split, or is not real at all: look at the spectrum there.
        noise = tol * _norm(J.at(root.real))
        if root.imag == 0 or rightmost(J, root.real) >= -noise:
            return float(root.real)
    return 0.0


def tau_star_by_bisection(
    J: Any, n_g: int | None = None, *, bracket: tuple[float, float] = (1e-4, 1e4)
) -> Timescale:
    """tau* from the rightmost eigenvalue of J_tau alone: for games of any size.

    Looks at 33 values of tau, evenly spaced in log tau, from the top of ``bracket`` downwards, and
    bisects between the lowest one down to which all are stable and the next, to a relative accuracy
    of 10^-9. So it finds the largest tau in the bracket at which stability
    changes, provided that no unstable window lies wholly between two neighbours of the scan. inf
    where J_tau is unstable at the top of the bracket, 0 where it is stable on all of it: the reason
    says so.
    """
    J = one_jacobian(J, n_g)
    value = last_change(lambda tau: rightmost(J, tau) < 0, bracket, 33, 1e-9)
    size = f"for tau in [{bracket[0]:g}, {bracket[1]:g}]"
    if math.isinf(value):
        reason = f"Unstable at the top of the bracket, so no tau* was found {size}."
    elif value == 0:
        reason = f"Stable at every tau that was tried {size}."
    else:
        reason = f"The largest change of stability {size} is at {value:.6g}."
    return Timescale(value, None, reason)


def _lowest(block: np.ndarray) -> float:
    return float(np.linalg.eigvals(block).real.min())


def _norm(block: np.ndarray) -> float:
    return float(np.linalg.norm(block, 2))


def relative_zero(matrix: np.ndarray, tol: float | None) -> float:
    """``tol``, by default the square root of the matrix's rounding error: 1.5e-8 in float64."""
    if tol is None:
        return math.sqrt(np.finfo(matrix.dtype).eps)
    return _checks.real("tol", tol, least=0.0)


def blocks(J: GameJacobian) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A, B, C, D of -J = [[A, B], [C, D]]: the one place that turns the sign for Fiez & Ratliff."""
    return -J.gg, -J.gd, -J.dg, -J.dd


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


def crossing_matrix(J: GameJacobian) -> np.ndarray:
    """Fiez & Ratliff's Q (n_g n_d rows): its real positive eigenvalues are all tau with a crossing.

    Q = -A x D^-1 + 2 [(B x D^-1) H_d, (I x D^-1 C) H_g] blockdiag((D (+) D)^-1, -(S (+) S)^-1)
        [H_d^+ (C x I); H_g^+ (S x B D^-1)]

    A crossing is a tau at which two eigenvalues of J_tau sum to zero. It comes from J_tau X + X
    J_tau^T = 0, a linear system in symmetric X: solve its D-D block for X_dd and its G-G block for
    X_gg, and tau X_gd = Q X_gd is left. Nothing in that uses symmetry, so Q serves general-sum
    games as well. It does need D and S without two eigenvalues that sum to zero, as at any point
    that attracts at large tau. Raises numpy's LinAlgError otherwise.
    """
    a, b, c, d = blocks(J)
    n_g, n_d = J.n_g, J.n_d
    d_inv = np.linalg.inv(d)
    b_d, d_c = b @ d_inv, d_inv @ c
    s = a - b @ d_c
    d_part = np.kron(b, d_inv) @ duplication_matrix(n_d)
    d_part = d_part @ np.linalg.solve(kronecker_sum(d), _half(n_d) @ np.kron(c, np.eye(n_d)))
    g_part = np.kron(np.eye(n_g), d_c) @ duplication_matrix(n_g)
    g_part = g_part @ np.linalg.solve(kronecker_sum(s), _half(n_g) @ np.kron(s, b_d))
    return -np.kron(a, d_inv) + 2.0 * (d_part - g_part)

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

`tau_star` uses their formula; `stability.stable_intervals` uses the boundary itself and so also
answers for points that are no equilibrium; `tau_star_by_bisection` only needs products with J.
Three routes, one answer. tau is a ratio of learning rates of plain (stochastic)
gradient descent: not of step counts, and not of Adam's.
"""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple

import numpy as np

from gan_teach.analysis import krylov, stability
from gan_teach.analysis.spectra import scaled

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
    games, operators) and tau* is not in it, nothing has been said of larger tau: ValueError.
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
    `krylov.jacobian_transpose`. The field must vanish where J was taken: that is not checked here.
    ``tol``: see `classify`.

    Zero-sum: 0 where A is positive semidefinite; otherwise the largest positive real eigenvalue of
    Fiez & Ratliff's matrix Q, exact up to rounding, for any n_g and n_d. General-sum: the same Q
    gives the largest tau at which stability changes, if the point attracts at every large tau;
    there is no equivalence with a game-theoretic equilibrium then, and ``kind`` says "stable", not
    "minmax". inf for "neither" and "unstable" (some smaller tau may still attract: see
    `stable_intervals`) and for "degenerate" points.

    Q has n_g n_d rows. Above 900 of them, and for operators of more than 1000 dimensions, tau*
    comes from `tau_star_by_bisection` with ``bracket`` and ``scan``, which the reason then names.
    """
    matrix, n_g = stability.parts(J, n_g)
    if not isinstance(matrix, np.ndarray):
        return tau_star_by_bisection(matrix, n_g, bracket=bracket, scan=scan)
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
    matrix, n_g = stability.parts(J, n_g, dense_for="classify")
    tol = stability.relative_zero(matrix, tol)
    a, b, c, d = stability.blocks(matrix, n_g)
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
    roots = np.linalg.eigvals(stability.crossing_matrix(matrix, n_g))
    noise = 1e-10 * stability.natural_tau(matrix, n_g)
    roots = roots[(roots.real > noise) & (np.abs(roots.imag) <= tol * np.abs(roots))]
    for root in sorted(roots, key=lambda z: -z.real):
        # The largest real root is a boundary by theory. One with an imaginary part of rounding size
        # is a double root that rounding split, or is not real at all: look at the spectrum there.
        noise = tol * _norm(scaled(matrix, n_g, root.real))
        if root.imag == 0 or stability.rightmost(matrix, n_g, root.real) >= -noise:
            return float(root.real)
    return 0.0


def tau_star_by_bisection(
    J: Any,
    n_g: int | None = None,
    *,
    bracket: tuple[float, float] = (1e-4, 1e4),
    scan: int = 33,
    rtol: float | None = None,
    seed: int = 0,
) -> Timescale:
    """tau* from the rightmost eigenvalue of J_tau alone: for matrices and operators of any size.

    Looks at ``scan`` values of tau, evenly spaced in log tau, from the top of ``bracket``
    downwards, and bisects between the lowest one down to which all are stable and the next, to the
    relative accuracy ``rtol`` (by default 1e-9 for a matrix, 1e-4 for an operator too large to
    assemble). So it finds the largest tau in the bracket at which stability changes, provided that
    no unstable window lies wholly between two neighbours of the scan. inf where J_tau is unstable
    at the top of the bracket, 0 where it is stable on all of it: the reason says so.

    Above 1000 dimensions the rightmost eigenvalue comes from Arnoldi's method (`krylov.extremes`).
    That can miss an eigenvalue in a dense cluster at the axis, and raises RuntimeError where it
    does not converge, as happens near eigenvalues that are all but zero: raise the bracket's lower
    end, or damp D.
    """
    matrix, n_g = stability.parts(J, n_g)
    if rtol is None:
        rtol = 1e-9 if isinstance(matrix, np.ndarray) else 1e-4
    value = stability.last_change(
        lambda tau: _rightmost(matrix, n_g, tau, seed) < 0, bracket, scan, rtol
    )
    size = f"for tau in [{bracket[0]:g}, {bracket[1]:g}]"
    if math.isinf(value):
        reason = f"Unstable at the top of the bracket, so no tau* was found {size}."
    elif value == 0:
        reason = f"Stable at every tau that was tried {size}."
    else:
        reason = f"The largest change of stability {size} is at {value:.6g}."
    return Timescale(value, None, reason, "bisection")


def _rightmost(matrix: Any, n_g: int, tau: float, seed: int) -> float:
    """The largest real part among the eigenvalues of J_tau."""
    if isinstance(matrix, np.ndarray) and len(matrix) <= stability.DENSE_LIMIT:
        return float(stability.rightmost(matrix, n_g, tau))
    rows = np.where(np.arange(matrix.shape[0]) < n_g, 1.0, tau)
    # J diag(1, tau), and so its transpose for a jacobian_transpose, has the spectrum of J_tau. Six
    # eigenvalues for one: a Krylov space for k = 1 is so small that it misses near-ties.
    largest = krylov.extremes(
        lambda u: matrix @ (rows * u), len(rows), k=6, which="LR", seed=seed, tol=1e-8
    )
    if not largest.converged:
        raise RuntimeError(
            f"Arnoldi's method found no rightmost eigenvalue at tau = {tau:g} after "
            f"{largest.products} products. Raise the lower end of the bracket, or add a penalty "
            "that damps D."
        )
    return float(largest.values[0].real)


def _lowest(block: np.ndarray) -> float:
    return float(np.linalg.eigvals(block).real.min())


def _norm(block: np.ndarray) -> float:
    return float(np.linalg.norm(block, 2))

"""Questions of chapters 05 to 08: games small enough for a formula."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch

from gan_teach import zoo
from gan_teach.analysis import flows, timescale
from gan_teach.course.answers import (
    Check,
    Function,
    Number,
    Values,
    Verdict,
    plain,
    random_cases,
)
from gan_teach.games import FunctionGame

from .line import pair, trained


def by_parts(values: Any) -> np.ndarray:
    """Eigenvalues by their real parts, then by their imaginary ones, whatever rounding did."""
    values = plain(values)
    values = np.hstack([*map(np.ravel, values)]) if isinstance(values, list) else np.ravel(values)
    values = values.astype(complex)
    return values[np.lexsort([values.imag.round(6), values.real.round(6)])]


BY_REAL_PART = [f"eigenvalue {k} (by real parts)" for k in range(1, 100)]


def in_order(answer: Callable[..., Any]) -> Callable[..., np.ndarray]:
    """``run`` of a `Function` whose values are eigenvalues, which count in any order."""
    return lambda *point: by_parts(answer(*point))


# -- 05: the Dirac-GAN -----------------------------------------------------------------------------


@partial(Number, atol=0.2)
def check_steps_per_decade() -> Values:
    """Steps in which R1 with gamma = 1 and lr = 0.2 divides the distance by ten."""
    yield math.log(10) / -math.log(0.9), "0.9 per step, so log 10 / -log 0.9 = 21.9 steps."
    yield 2 * math.log(10), "that is the flow's time, 2 log 10; a step is 0.2 of it."
    yield 10 * math.log(10), "that takes e^(-0.1) for 0.9; a step multiplies by 1 - 0.1."
    yield math.log(10) / -math.log(0.8), "0.2 is the step, the eigenvalue is -1/2: s = 1 - 0.1."


@partial(Function, points=[(0.1,), (0.37,), (1.0,)])
def check_largest_step(gamma: float) -> Values:
    """The largest stable step on the Dirac-GAN with R1, as a function of gamma <= 1."""
    yield 4 * gamma, "eta^2 / 4 < eta gamma, so eta < 4 gamma: no friction, no stable step."
    yield gamma / 4, "that is the smallest gamma for a step; here gamma is given: eta < 4 gamma."
    yield 2 * gamma, "eta^2 comes with 1/4, not with 1/2, so that eta < gamma / (1/4)."


def _turning_field(seed: int) -> tuple[Any, ...]:
    """A field of a few numbers that turns and bends, a place and a gamma."""
    rng, n = torch.Generator().manual_seed(seed), 3 + seed
    M, w = torch.randn(n, n, generator=rng).double(), torch.randn(n, generator=rng).double()
    return lambda w: torch.tanh(M @ w) - 0.3 * w, w, 0.2 + seed


@partial(Function, points=[_turning_field(seed) for seed in range(3)])
def check_consensus_field(v: Callable[[Any], Any], w: Any, gamma: float) -> Values:
    """The field of consensus optimization, as a function of the game's field v, w and gamma."""
    here, J = v(w).numpy(), torch.autograd.functional.jacobian(v, w).numpy()
    pull = gamma * J.T @ here
    yield here - pull, "both players step along v, and down the slope of |v|^2 / 2, which is J^T v."
    yield here + pull, "the sign: this climbs |v|^2 / 2, and the zeros of v lie at its bottom."
    yield here - gamma * J @ here, "that is J v; the slope of |v|^2 / 2 is J^T v."
    yield here - 2 * pull, "that is the slope of |v|^2: halve it."
    yield -pull, "v itself is missing: the pull is added to the players' own steps."
    yield here, "gamma does nothing: was v detached before its derivative was taken?"
    own = "that is each number's slope of its own v_i^2 / 2; both descend the sum of all."
    yield here - gamma * np.diag(J) * here, own
    norm = np.linalg.norm(here)
    yield here - pull / norm, "that is the slope of |v|; the pull is that of |v|^2 / 2."
    yield here - 2 * pull / len(here), "that is the slope of the mean of v_i^2: halve their sum."


def _steps(rule: Callable[..., Any]) -> Callable[[np.ndarray], np.ndarray]:
    """Where a rule leads in three steps in the field J w of two numbers for each player."""

    def play(J: np.ndarray) -> np.ndarray:
        M, start = torch.as_tensor(J), torch.tensor([[1.0, 2.0], [3.0, -1.0]], dtype=torch.float64)
        f_g, f_d = (
            lambda x, y: -x @ (M[:2, :2] @ x / 2 + M[:2, 2:] @ y),
            lambda x, y: -y @ (M[2:, 2:] @ y / 2 + M[2:, :2] @ x),
        )
        return trained(FunctionGame(f_g, f_d, *start), rule, {})

    return play


def _symmetric_blocks(rng: np.random.Generator) -> tuple[np.ndarray]:
    """The Jacobian of a game of two numbers each: what is each player's own is symmetric."""
    J, own = rng.normal(size=(4, 4)), np.kron(np.eye(2), np.ones((2, 2)))
    return (J + own * J.T,)


@partial(Function, points=random_cases(_symmetric_blocks)[:3], run=_steps)
def check_optimistic_rule(J: np.ndarray) -> Values:
    """Optimistic descent as a rule (game, draw, optims, memory); before the first step zero."""

    def walk(now: float = 2.0, past: float = -1.0, zero: bool = True, turns: bool = False) -> Any:
        w = np.array([1.0, 2.0, 3.0, -1.0])
        last = np.zeros(4) if zero else J @ w
        for _ in range(3):
            v = J @ w
            if turns:  # D first, then G where D has gone
                v[:2] += 0.1 * J[:2, 2:] @ (now * v + past * last)[2:]
            w, last = w + 0.1 * (now * v + past * last), v
        return w

    yield walk(), "twice the present gradient, less the one of a step before."
    yield walk(1.0, 0.0), "that is plain descent: is the memory read before it is set?"
    yield walk(2.0, 0.0), "the past gradient never arrives: does memory keep it?"
    yield walk(1.0, -1.0), "the present gradient counts twice, the past one once."
    yield walk(2.0, 1.0), "the sign: the past gradient is taken back."
    yield walk(-2.0, 1.0), "the sign: optims goes down by itself; hand it 2 g - g_past."
    yield walk(zero=False), "before the first step there is no past gradient: take zero."
    yield walk(turns=True), "both gradients at the same point, before anyone moves."


# -- 06: time scales -------------------------------------------------------------------------------


@Number
def check_scalar_tau_star() -> Values:
    """tau* of -J = [[-3, 4], [-4, 0.5]], one number per player."""
    yield 6.0, "tau* = -A / C = 6: from there on the trace A + tau C is positive."
    yield 1 / 6, "that is -C / A: solve A + tau C = 0 for tau."
    yield -6.0, "the sign: A is negative, -A / C is not."
    yield 1.0, "at tau = 1 the trace is still negative: compare A + tau C with 0."


@partial(Number, atol=0.02)
def check_largest_ratio(lr: float, curvature: float) -> Values:
    """The largest tau at which one long step of D is still stable against a fixed G."""
    fastest = 1 / (lr * curvature)
    yield 2 * fastest, "|1 - tau lr curvature| < 1 as long as tau < 2 / (lr curvature)."
    yield fastest, "there the step lands exactly on the optimum; it is stable up to twice that."
    yield 2 / curvature, "that forgets the learning rate."


def _random_jacobian(seed: int, n_g: int, n: int) -> tuple[Any, ...]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, n)), n_g, 0.3 + 2.0 * seed


@partial(Function, points=[_random_jacobian(*case) for case in ((0, 3, 5), (1, 1, 3), (2, 2, 6))])
def check_rightmost(J: np.ndarray, n_g: int, tau: float) -> Values:
    """The largest real part of the eigenvalues of J_tau, as a function of J, n_g and tau."""
    of_d = np.arange(len(J)) >= n_g

    def eigenvalues(fast: np.ndarray) -> Any:
        return np.linalg.eigvals(np.where(fast, tau, 1.0)[:, None] * J)

    yield eigenvalues(of_d).real.max(), "D's rows times tau; the point attracts where this is < 0."
    yield eigenvalues(~of_d).real.max(), "tau multiplies D's rows, which come after the n_g of G."
    swapped = "that takes n_g for the number of D's rows, as the published code does."
    yield eigenvalues(of_d[::-1] == 0).real.max(), swapped
    yield eigenvalues(of_d | True).real.max(), "tau multiplies D's rows only."
    yield eigenvalues(of_d & False).real.max(), "tau does nothing here."
    yield (
        abs(eigenvalues(of_d)).max(),
        "that is the largest absolute value: of a flow the real part.",
    )
    yield eigenvalues(of_d).real.min(), "that is the leftmost one; the slowest to leave decides."
    yield (
        eigenvalues(of_d).imag.max(),
        "that is how fast it turns; the real part says where it goes.",
    )


def _zero_sum(seed: int) -> tuple[np.ndarray, int]:
    """J of a critical point of a zero-sum game and how many rows are G's; of each kind by seed."""
    rng = np.random.default_rng(seed)
    n_g, n_d = rng.integers(1, 4, 2).tolist()
    H = rng.normal(size=(n_g + n_d, n_g + n_d)) + np.eye(n_g + n_d)
    H += H.T
    H[n_g:, :n_g] *= -1  # -J = [[A, B], [-B^T, C]]
    return -H, n_g


# Of tau* = 0, below 1, 6, 13, 50 and 267; where C, S or both have one or two negative eigenvalues.
_SEEDS = (1, 9, 0, 18, 34, 95, 207, 988, 874, 2, 3, 14, 46, 340, 639)


@partial(Function, points=[_zero_sum(seed) for seed in _SEEDS])
def check_tau_star(J: np.ndarray, n_g: int) -> Values:
    """tau* of a point of a zero-sum game from J and the number of G's rows; inf without one."""
    A, B, C = -J[:n_g, :n_g], -J[:n_g, n_g:], -J[n_g:, n_g:]
    bent = B @ np.linalg.solve(C, B.T)
    tau = timescale.tau_star(J, n_g=n_g)

    def if_definite(*blocks: np.ndarray, tau: float = tau) -> float:
        return tau if all(np.linalg.eigvalsh(block).min() > 0 for block in blocks) else math.inf

    yield tau, "inf unless C > 0 and S > 0; else the largest tau at which it does not attract."
    yield (1 / tau if tau else math.inf), "that is the reciprocal: tau multiplies D's rows."
    nash = "that asks for A > 0, a Nash point; what counts is S = A + B C^-1 B^T."
    yield if_definite(A, C), nash
    yield if_definite(A - bent, C), "the sign in S: -J has -B^T below, so that S = A + B C^-1 B^T."
    yield if_definite(A + bent, C, tau=0.0), "that is 0 at each minmax point, as at a Nash point."
    end = "where C or S is not positive definite there is none: inf, not the interval's end."
    yield min(tau, 1000.0), end
    signs = min(np.linalg.det(C), np.linalg.det(bent + A)) > 0
    two = "two negative eigenvalues have a positive product: ask each, not the determinant."
    yield (min(tau, 1000.0) if signs else math.inf), two
    yield math.inf, "no point has one? A, B and C are the blocks of -J, not of J."


# -- 07: regions of attraction ---------------------------------------------------------------------


def _truths(answer: Any) -> tuple[bool, ...]:
    if not all(isinstance(truth, (bool, np.bool_)) or truth in (0, 1) for truth in answer):
        raise ValueError
    return tuple(map(bool, answer))


@partial(Check, read=_truths, wanted="three truths are wanted, such as (True, True, True)")
def check_attracts(answer: tuple[bool, ...]) -> Verdict:
    """Whether a point with tau* = 1.353 attracts at tau = 1.2, 1.4 and 10: three truths."""
    if len(answer) != 3:
        return Verdict(False, f"three truths are wanted, one per tau; got {len(answer)}.")
    if answer == (False, True, True):
        return Verdict(True, "it attracts for every tau above tau*, however large.")
    if answer[1] and not answer[2]:
        return Verdict(False, "tau* has no upper partner: above it all tau are stable.")
    return Verdict(False, "compare each tau with tau* = 1.353.")


def _angles(answer: Any) -> tuple[float, float]:
    """Two angles between -pi and pi; ValueError for NaN and infinite ones."""
    first, second = (math.remainder(x, 2 * math.pi) for x in pair(answer))
    if math.isnan(first + second):  # an infinite one raises by itself
        raise ValueError
    return first, second


@partial(Check, read=_angles, wanted="two angles are wanted")
def check_switch(start: tuple[float, float]) -> Verdict:
    """A start on the torus that ends at (pi, pi) at tau = 2 and at (0, 0) at tau = 5."""
    torus = zoo.torus()
    ends = [(0.0, 0.0), (math.pi, math.pi)]
    reached = flows.basins(
        torus.game(), start, ends, (2.0, 5.0),
        lr=0.04, steps=20_000, tol=1e-3, period=torus.period,
    ).labels.tolist()  # fmt: skip
    names = {0: "(0, 0)", 1: "(pi, pi)"}
    at_2, at_5 = (names.get(label, "nowhere in 20 000 steps") for label in reached)
    return Verdict(reached == [1, 0], f"it ends at {at_2} at tau = 2 and at {at_5} at tau = 5.")


@partial(Function, points=[
    (np.random.default_rng(0).uniform(-9, 9, (30, 2)), np.array([math.pi, -math.pi])),
    (np.random.default_rng(1).uniform(-9, 9, (4, 5, 2)), np.array([0.3, 2.0])),
])  # fmt: skip
def check_torus_distance(points: np.ndarray, place: np.ndarray) -> Values:
    """The distances on the torus of points (..., 2) from a place, as a function of both."""
    gap = points - place
    short = np.angle(np.exp(1j * gap))
    right = np.hypot(*np.moveaxis(short, -1, 0))
    yield right, "each angle the short way round, then the root of the sum of squares."
    yield np.linalg.norm(gap, axis=-1), "full turns do not count: pi and -pi are one angle."
    long = "an angle modulo 2 pi may be the long way round; the short one is at most pi."
    yield np.linalg.norm(gap % (2 * math.pi), axis=-1), long
    yield abs(short).sum(-1), "that is the sum of both ways; the straight one is shorter."
    yield right**2, "that is the square: take its root."
    yield (
        np.linalg.norm(short),
        "one number for each point is wanted: the norm along the last axis.",
    )
    chord = "that is the chord through the circle; the way leads along it."
    yield np.linalg.norm(np.exp(1j * gap) - 1, axis=-1), chord


def _linear_game(rng: np.random.Generator) -> tuple[Any, ...]:
    n_g, n_d = rng.integers(1, 4, 2).tolist()
    return rng.normal(size=(n_g + n_d,) * 2), n_g, rng.uniform(0.05, 0.3), rng.uniform(2.0, 9.0)


@partial(Function, points=random_cases(_linear_game))
def check_alternating_step(J: np.ndarray, n_g: int, lr: float, tau: float) -> Values:
    """The matrix of one alternating step, x first, where v(w) = J w: f(J, n_g, lr, tau)."""
    one, of_x = np.eye(len(J)), np.arange(len(J))[:, None] < n_g
    x, y = lr * of_x * J, tau * lr * ~of_x * J
    yield (one + y) @ (one + x), "x moves first, and the matrix of y's move meets the new x."
    yield (one + x) @ (one + y), "there y moves first: the first move's matrix stands on the right."
    yield one + x + y, "that moves both at once: y has to see the new x."
    yield (one - y) @ (one - x), "the sign: v points where both players go, and J is dv/dw."
    yield (one + y / tau) @ (one + x), "tau is missing: y moves tau times as far."
    yield (one + y / tau) @ (one + tau * x), "tau is the other player's: it multiplies y's step."
    yield (one + y / lr) @ (one + x / lr), "lr is missing."
    yield (one + y) @ (one + x) - one, "that is what a step adds; w itself stays: the identity."
    yield (one + tau * lr * J) @ (one + lr * J), "a move has one player's rows of J; the rest is 0."


# -- 08: matching a covariance ---------------------------------------------------------------------


@partial(Function, points=[(1.0, 1.0), (1.0975, 0.5), (2.0, 0.75)])
def check_covariance_real_from(s: float, gamma: float) -> Values:
    """The tau from which the covariance game in one dimension turns no more: (Sigma, gamma)."""
    yield 16 * s / gamma**2, "tau^2 gamma^2 >= 16 tau Sigma, so tau >= 16 Sigma / gamma^2."
    yield 4 * s / gamma**2, "the discriminant is b^2 - 4 c with c = 4 tau Sigma: 4 times 4."
    yield 16 * s / gamma, "b = tau gamma stands squared in the discriminant."
    yield gamma**2 / (16 * s), "that is the reciprocal: tau^2 gamma^2 >= 16 tau Sigma."
    yield 4 * np.sqrt(s) / gamma, "that is its root: divide tau^2 gamma^2 >= 16 tau Sigma by tau."
    yield 16 * s**2 / gamma**2, "in c stands the square of 2 sqrt(Sigma), so Sigma itself."


_SPRINGS = [(np.array([1.2, 4.0]), 1.0, 3.0), (np.array([1.0, 2.5, 7.0]), 0.5, 25.0)]
_SPRINGS.append((np.array([0.1, 4.0]), 3.0, 5.0))  # where some pairs are real


@partial(Function, points=_SPRINGS, run=in_order, names=BY_REAL_PART)
def check_covariance_spectrum(s: np.ndarray, gamma: float, tau: float) -> Values:
    """All 2 d^2 eigenvalues of J_tau, as a function of those of Sigma, gamma and tau."""
    d, friction = len(s), np.full(len(s) * (len(s) - 1) // 2, -tau * gamma)

    def pairs(i: np.ndarray, j: np.ndarray, c: float = 2 * tau) -> np.ndarray:
        return np.concatenate([np.roots([1, tau * gamma, c * both]) for both in s[i] + s[j]])

    def all_of(*parts: np.ndarray) -> np.ndarray:
        return by_parts(np.concatenate(parts))

    each, less = np.triu_indices(d), np.triu_indices(d, 1)
    why = "d (d - 1) / 2 zeros, as many -tau gamma, and two roots for each i <= j: 2 d^2 in all."
    yield all_of(0 * friction, friction, pairs(*each)), why
    yield all_of(friction, pairs(*each)), "the zeros are missing, one for each rotation."
    free = "-tau gamma is missing, for the antisymmetric part of Y."
    yield all_of(0 * friction, pairs(*each)), free
    yield all_of(pairs(*each)), "the zeros and as many -tau gamma are missing."
    twice = "that counts (i, j) and (j, i): one pair for each i <= j."
    rows, columns = np.indices((d, d)).reshape(2, -1)
    yield all_of(0 * friction, friction, pairs(rows, columns)), twice
    slow = "tau is missing in the last term, 2 tau (s_i + s_j)."
    yield all_of(0 * friction, friction, pairs(*each, c=2.0)), slow
    yield all_of(0 * friction, friction, pairs(*less)), "i = j belongs to it as well."


def _covariance_point(rng: np.random.Generator) -> tuple[Any, ...]:
    d = int(rng.integers(2, 5))
    X, Y, root = rng.normal(size=(3, d, d))
    return X, Y, root @ root.T, *rng.uniform(0.5, 2.0, 2), rng.uniform(2.0, 9.0)


@partial(Function, points=random_cases(_covariance_point))
def check_covariance_step(
    X: np.ndarray, Y: np.ndarray, Sigma: np.ndarray, gamma: float, lr: float, tau: float
) -> Values:
    """Both matrices after one simultaneous step: f(X, Y, Sigma, gamma, lr, tau)."""

    def new(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.stack([X + lr * x, Y + tau * lr * y])

    x, y = (Y + Y.T) @ X, Sigma - X @ X.T - gamma * Y
    after = X + lr * x
    ahead = Y + tau * lr * y
    yield new(x, y), "X descends, -dV/dX = (Y + Y^T) X; Y climbs, dV/dY = Sigma - X X^T - gamma Y."
    yield new(-x, y), "X minimises V: it goes against dV/dX = -(Y + Y^T) X."
    yield new(x, -y), "Y maximises V: it goes along dV/dY."
    yield new(2 * Y @ X, y), "that takes Y for symmetric; tr(Y^T X X^T) has the slope (Y + Y^T) X."
    yield new(Y @ X, y), "X stands twice in X X^T: (Y + Y^T) X."
    yield new(X @ (Y + Y.T), y), "the order of the product: (Y + Y^T) X."
    yield new(x, Sigma - X.T @ X - gamma * Y), "the samples have the covariance X X^T, not X^T X."
    yield new(x, Sigma - X @ X.T), "the penalty is missing: -gamma Y."
    yield new(x, Sigma - X @ X.T - gamma / 2 * Y), "the slope of (gamma / 2) |Y|^2 is gamma Y."
    yield new(x, y / tau), "tau is missing: Y's rate is tau lr."
    yield new(tau * x, y / tau), "tau is the other player's: Y's rate is tau lr."
    yield new(x, Sigma - after @ after.T - gamma * Y), "that is alternating: here Y sees the old X."
    yield new((ahead + ahead.T) @ X, y), "that is alternating: here X sees the old Y."

"""The course's exercises in the order of its chapters: a question, what is right, and why.

A check never raises for a wrong answer; it returns a ``Verdict`` that a notebook shows as a
sentence and a test reads as a truth value. After the question come the right value and the sentence
that says why; then mistakes, each with the sentence that it deserves (see ``answers``). A value
that depends on the chapter's run is computed from the settings that the call names. To add an
exercise, add such a function; only what is neither a number nor a function of numbers needs code of
its own, as a `Check`.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.nn.functional import softplus

from gan_teach import metrics, zoo
from gan_teach.analysis import flows, landscape
from gan_teach.analysis.spectra import vector_field
from gan_teach.course.answers import OPEN, Check, Function, Number, Values, Verdict
from gan_teach.games import Batch

# -- what learners type ----------------------------------------------------------------------------


def _pair(answer: Any) -> tuple[float, float]:
    first, second = answer
    return float(first), float(second)


def _states(answer: Any) -> np.ndarray:
    return np.array(answer, dtype=int)


def _letters(answer: Any) -> set[str]:
    letters = {c for c in str(answer).lower() if c.isalpha()}
    if not set() < letters <= set("abcd"):
        raise ValueError
    return letters


def _random(case: Callable[[np.random.Generator], tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Eight cases, the same ones in every session."""
    return [case(np.random.default_rng(seed)) for seed in range(8)]


# -- 00: the game ----------------------------------------------------------------------------------


@partial(Number, atol=1e-3)
def check_confident_value() -> Values:
    """V when D answers 0.9 on every real and 0.1 on every generated sample."""
    yield 2 * math.log(0.9), "2 log 0.9, close to 0: this discriminator wins."
    yield math.log(0.9 * 0.1), "V takes log(1 - D) of the generated samples, not log D."
    yield math.log(0.9), "that is one term; there are two."


@partial(Function, points=_random(lambda rng: tuple(rng.uniform(0.1, 0.9, (2, 5)))))
def check_objective(real: np.ndarray, fake: np.ndarray) -> Any:
    """V as a function of two arrays: D's answers on real and on generated samples."""
    first, second = np.log(real), np.log(1 - fake)
    value = first.mean() + second.mean()
    yield value, "a mean of logarithms for each kind of sample, and their sum."
    yield -value, "that is D's loss; V itself has no minus in front."
    why = "V takes log(1 - D) of the generated samples, not log D."
    yield first.mean() + np.log(fake).mean(), why
    yield first.sum() + second.sum(), "that grows with the number of samples: E is a mean."
    yield value / 2, "V is the sum of the two means, not their mean."
    mixed = np.log(real.mean()) + np.log(1 - fake.mean())
    yield mixed, "that is the logarithm of a mean; V is a mean of logarithms."
    yield first.mean(), "that is one term; there are two."


# -- 01: the normal GAN ----------------------------------------------------------------------------


@Number
def check_target() -> Values:
    """The objective V when D = 1/2 everywhere."""
    yield -2 * math.log(2), "V = log(1/2) + log(1/2) = -2 log 2, about -1.386."
    yield -math.log(2), "that is one of the two terms: add the fake samples' log(1 - D)."
    yield 2 * math.log(2), "the sign: the logarithm of a probability is negative."
    yield -2 * math.log10(2), "that is a logarithm to base 10; V uses the natural one."


@partial(Function, points=[(0.3, 0.3), (0.4, 0.1), (0.1, 0.4), (0.2, 0.0)])
def check_optimal_discriminator(p: float, q: float) -> Values:
    """D*(p, q) as a function of the two densities at a point."""
    share = p / (p + q)
    yield share, "D* = p / (p + q): the share of real samples among all that land at this point."


@partial(Check, read=_pair, wanted="two numbers (of w, of b) are wanted")
def check_blind_direction(direction: tuple[float, float]) -> Verdict:
    """A direction in (w, b) that changes the generator's spread and keeps its mean."""
    w, b = direction
    mean = w / 2 + b
    if w == 0:
        return Verdict(False, "with w unchanged the spread |w| / sqrt(12) stays as it is.")
    if not abs(mean) <= 1e-6 * abs(w) < math.inf:
        return Verdict(False, f"the mean w E[z] + b = w/2 + b changes by {mean:g}: it has to stay.")
    return Verdict(True, "the mean w/2 + b stays, the spread changes, and V does not notice.")


def _line_case(rng: np.random.Generator) -> tuple[Any, ...]:
    """w, b, a, c, real samples, latents, eta."""
    return (*rng.normal(size=4), rng.normal(5.0, 1.0, 4), rng.uniform(size=4), rng.uniform())


@partial(Function, points=_random(_line_case))
def check_round(
    w: float, b: float, a: float, c: float, x: np.ndarray, z: np.ndarray, eta: float
) -> Any:
    """(w, b, a, c) after a step of D up and then of G down, on real samples x and latents z."""
    game = zoo.line_gan()
    batch = Batch(torch.tensor(x)[:, None], torch.tensor(z)[:, None])
    start, d = np.array([w, b, a, c]), np.array([0, 0, 1, 1])

    def step(at: np.ndarray, rates: np.ndarray) -> np.ndarray:
        return at + eta * rates * vector_field(game, batch, torch.tensor(at)).numpy()

    yield step(step(start, d), 1 - d), "D climbs, then G descends on what the new D says."
    yield step(start, np.ones(4)), "G has asked the old D: take its answers with the new a and c."
    yield step(step(start, d), d - 1), "G climbs V; it wants V small, so its sign is another."
    yield step(step(start, d * [1, 1, 1, -1]), 1 - d), "D climbs with a and descends with c."
    yield step(step(start, d * [1, 1, 1, 0]), 1 - d), "c has not moved; it is D's as a is."


# -- 02: the strong discriminator ------------------------------------------------------------------


@partial(Function, points=[(0.5,), (0.1,), (0.001,), (0.9,)])
def check_saturation(d: float) -> Values:
    """|dL_G / d logit| of the saturating loss as a function of D = D(G(z))."""
    yield d, "|d/df log(1 - sigmoid(f))| = sigmoid(f) = D: no gradient where D is sure of a fake."


@partial(Function, points=[(0.5,), (0.1,), (0.001,), (0.9,)])
def check_non_saturation(d: float) -> Values:
    """|dL_G / d logit| of the non-saturating loss as a function of D = D(G(z))."""
    yield 1 - d, "|d/df (-log sigmoid(f))| = 1 - D: close to 1 where D rejects the sample."


@partial(Number, atol=0.5)
def check_gradient_ratio() -> Values:
    """(1 - D) / D at D = 0.001: non-saturating over saturating gradient of one sample."""
    yield 999.0, "(1 - D) / D = 0.999 / 0.001."
    yield 1000.0, "the numerator is 1 - D, not 1."
    yield 1 / 999, "that is the saturating one over the other: turn it over."
    yield 0.998, "that is the difference of the factors; how many *times* is asked."


def _extreme_logits(rng: np.random.Generator) -> tuple[Any, ...]:
    return torch.tensor(rng.normal(size=6)), torch.tensor(rng.normal(0, 900, 6), requires_grad=True)


def _felt(loss: Callable[..., Any]) -> Callable[..., Any]:
    """A loss and, where autograd can tell, its derivatives by the logits of G's samples."""

    def run(real: torch.Tensor, fake: torch.Tensor) -> Any:
        value = loss(real, fake)
        if not getattr(value, "requires_grad", False):
            return value
        return [value.item(), *torch.autograd.grad(value, fake)[0].tolist()]

    return run


@partial(Function, points=_random(_extreme_logits), run=_felt)
def check_generator_loss(real: torch.Tensor, fake: torch.Tensor) -> Any:
    """-log D(G(z)) as a function of D's logits of real and generated samples, in PyTorch."""
    for loss, why in (
        (lambda f: softplus(-f).mean(), "-log sigmoid(f) = softplus(-f), and its mean."),
        (lambda f: -softplus(-f).mean(), "that is log D: G would make D reject its samples."),
        (lambda f: -softplus(f).mean(), "that is log(1 - D), the saturating loss."),
        (lambda f: softplus(f).mean(), "that is -log(1 - D), D's loss on generated samples."),
        (lambda f: softplus(-f).sum(), "that grows with the number of samples: take the mean."),
    ):
        yield _felt(lambda _, f, loss=loss: loss(f))(real, fake), why
    value = softplus(-fake).mean().item()
    yield value, "the value is right, but no gradient reaches G: no detach, item or numpy."
    yield softplus(-real).mean().item(), "G's samples are the second argument."


# -- 03: the strong generator ----------------------------------------------------------------------


@partial(Number, atol=1e-2)
def check_best_answer(real_mean: float, w: float) -> Values:
    """The bias b at which the generator's mean equals the real one."""
    bias = real_mean - w / 2
    yield bias, "w E[z] + b equals the real mean, so a linear D has nothing left to see."
    yield real_mean, "that is the real mean itself: G(z) = w z + b has the mean w/2 + b."
    yield real_mean - w, "E[z] = 1/2 for z ~ U(0, 1), not 1."


@partial(Number, atol=1e-3)
def check_sampling_noise(w: float, n: float) -> Values:
    """Standard deviation of dV/da at the equilibrium from n latents: |w| / (2 sqrt(12 n))."""
    one = abs(w) / (2 * math.sqrt(12))
    scatter = one / math.sqrt(n)
    yield scatter, "half the scatter of a mean of n uniform variables times w."
    yield 2 * scatter, "that is the scatter of the mean; the gradient is half of it."
    yield scatter**2, "that is a variance; take its root."
    yield one, "that is the scatter of one sample; a mean of n scatters less."


def _walk_case(rng: np.random.Generator) -> tuple[Any, ...]:
    """w, b, a, c, three batches of latents, eta."""
    return (*rng.normal(size=4), rng.uniform(size=(3, 4)), rng.uniform())


@partial(Function, points=_random(_walk_case))
def check_generator_steps(
    w: float, b: float, a: float, c: float, latents: np.ndarray, eta: float
) -> Any:
    """(w, b) after a step of G, down on log(1 - D(G(z))), for each batch of latents."""

    def walk(
        factor: Callable[[Any], Any], slope: float = a, power: int = 1, seen: Any = None
    ) -> np.ndarray:
        at = np.array([w, b])
        for z in latents:
            now = at if seen is None else seen
            by = factor(1 / (1 + np.exp(-a * (now[0] * z + now[1]) - c)))
            at = at + eta * slope * np.array([(by * z**power).mean(), by.mean()])
        return at

    yield walk(lambda d: d), "each step is eta a D(G(z)) dG, with D's answer to the moved G(z)."
    yield walk(lambda d: -d), "the sign: G goes down, and d log(1 - sigmoid(f)) / df = -D."
    yield walk(lambda d: d, slope=1.0), "the factor df / dx = a is missing."
    yield walk(lambda d: d, power=0), "dG / dw = z: w and b do not move alike."
    yield walk(lambda d: d, seen=(w, b)), "D stands still, G(z) does not: ask D anew in each step."
    yield walk(lambda d: 1 - d), "1 - D is the factor of the non-saturating loss."


# -- 04: the noisy GAN -----------------------------------------------------------------------------


@partial(Number, atol=1e-6)
def check_noisy_variance(data_std: float, noise: float) -> Values:
    """The variance of real samples after instance noise."""
    yield data_std**2 + noise**2, "variances of independent variables add."
    yield (data_std + noise) ** 2, "standard deviations do not add; variances do."
    yield math.hypot(data_std, noise), "that is the standard deviation; square it."


@partial(Number, atol=1e-6)
def check_best_slope(gap: float, variance: float) -> Values:
    """Slope of the logit of D* between two normal densities of equal variance: gap / variance."""
    slope = gap / variance
    yield slope, "log p - log q is a line with the slope (difference of the means) / variance."
    yield gap / math.sqrt(variance), "divide by the variance, not by the standard deviation."
    yield -slope, "the sign: D* grows towards the real samples."
    yield slope / 2, "the two halves of (x - mean)^2 / (2 variance) add up."


@partial(Function, points=[(0, 200), (50, 200), (150, 200), (200, 200), (300, 200), (10, 40)])
def check_fade(game: float, last: float) -> Values:
    """Half a wave of a cosine from 1 at game 0 to 0 at game ``last``, and 0 from there on."""
    share = min(game / last, 1.0)
    yield (1 + math.cos(math.pi * share)) / 2, "it leaves 1 and reaches 0 with the slope 0."
    again = (1 + math.cos(math.pi * game / last)) / 2
    yield again, "after the last game the noise comes back: keep it at 0 from there on."
    yield (1 - math.cos(math.pi * share)) / 2, "that starts at 0 and grows: turn it round."
    yield math.cos(math.pi * share / 2), "that is a quarter of a wave; it hits 0 at full slope."
    yield 1 - share, "that is the straight line of the chapter."


# -- 05: the Dirac-GAN -----------------------------------------------------------------------------


@partial(Function, points=[(0.1,), (0.5,), (1.0,)])
def check_growth(lr: float) -> Values:
    """The factor of one simultaneous step on xy as a function of the learning rate."""
    yield math.sqrt(1 + lr**2), "|1 + i eta| = sqrt(1 + eta^2) > 1 for every step size."


@partial(Number, atol=0.2)
def check_steps_per_decade() -> Values:
    """Steps in which R1 with gamma = 1 and lr = 0.2 divides the distance by ten."""
    yield math.log(10) / -math.log(0.9), "0.9 per step, so log 10 / -log 0.9 = 21.9 steps."
    yield 2 * math.log(10), "that is the flow's time, 2 log 10; a step is 0.2 of it."
    yield 10 * math.log(10), "that takes e^(-0.1) for 0.9; a step multiplies by 1 - 0.1."
    yield math.log(10) / -math.log(0.8), "0.2 is the step, the eigenvalue is -1/2: s = 1 - 0.1."


@partial(Function, points=[(0.1,), (0.3,), (1.0,)])
def check_largest_step(gamma: float) -> Values:
    """The largest stable step on the Dirac-GAN with R1, as a function of gamma <= 1."""
    yield 4 * gamma, "eta^2 / 4 < eta gamma, so eta < 4 gamma: no friction, no stable step."


def _turning_field(seed: int) -> tuple[Any, ...]:
    """A field of four numbers that turns and bends, a place and a gamma."""
    rng = torch.Generator().manual_seed(seed)
    M, w = torch.randn(4, 4, generator=rng).double(), torch.randn(4, generator=rng).double()
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


# -- 06: time scales -------------------------------------------------------------------------------


@Number
def check_scalar_tau_star() -> Values:
    """tau* of -J = [[-3, 4], [-4, 0.5]], one number per player."""
    yield 6.0, "tau* = -A / D = 6: from there on the trace A + tau D is positive."
    yield 1 / 6, "that is -D / A: solve A + tau D = 0 for tau."
    yield -6.0, "the sign: A is negative, -A / D is not."
    yield 1.0, "at tau = 1 the trace is still negative: compare A + tau D with 0."


@partial(Function, points=[(0.3,), (1.0,), (0.5,)])
def check_real_from(mu: float) -> Values:
    """The tau from which the Dirac-GAN's eigenvalues are real, as a function of mu."""
    yield 1 / mu**2, "tau^2 mu^2 >= tau, so tau >= 1 / mu^2."


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


# -- 07: regions of attraction ---------------------------------------------------------------------


@Number
def check_torus_tau_star() -> Values:
    """tau* at (pi, pi), where -J = [[-1.15, 1], [-1, 0.85]]."""
    yield 23 / 17, "1.15 / 0.85 = 23/17: from there on the trace is positive."
    yield 17 / 23, "that is the reciprocal, the value at (0, 0)."
    yield -23 / 17, "the sign: A is negative, -A / D is not."


@partial(Check, read=lambda answer: tuple(map(bool, answer)), wanted="three truths are wanted")
def check_attracts(answer: tuple[bool, ...]) -> Verdict:
    """Whether a point with tau* = 1.353 attracts at tau = 1.2, 1.4 and 10: three truths."""
    if len(answer) != 3:
        return Verdict(False, f"three truths are wanted, one per tau; got {len(answer)}.")
    if answer == (False, True, True):
        return Verdict(True, "it attracts for every tau above tau*, however large.")
    if answer[1] and not answer[2]:
        return Verdict(False, "tau* has no upper partner: above it all tau are stable.")
    return Verdict(False, "compare each tau with tau* = 1.353.")


@partial(Check, read=_pair, wanted="two angles are wanted")
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


# -- 08: matching a covariance ---------------------------------------------------------------------


@partial(Function, points=[(1,), (2,), (3,), (10,)])
def check_rotations(d: float) -> Values:
    """The number of zero modes of the d x d covariance game as a function of d."""
    yield d * (d - 1) / 2, "an antisymmetric d x d matrix has d (d - 1) / 2 free entries."


@partial(Function, points=[(1.0, 1.0), (1.0975, 0.5), (2.0, 0.75)])
def check_covariance_real_from(s: float, mu: float) -> Values:
    """The tau from which the covariance game in one dimension has real eigenvalues: (S, mu)."""
    yield 16 * s / mu**2, "tau^2 mu^2 >= 4 tau (2 sqrt(S))^2, so tau >= 16 S / mu^2."


def _in_order(values: Any) -> np.ndarray:
    """Eigenvalues by their real parts, then by their imaginary ones, whatever rounding did."""
    values = values.ravel()
    return values[np.lexsort([values.imag.round(6), values.real.round(6)])]


def _sorted(answer: Any) -> Callable[..., np.ndarray]:
    return lambda *springs: _in_order(np.asarray(answer(*springs)))


_SPRINGS = [(np.array([1.2, 4.0]), 1.0, 3.0), (np.array([1.0, 2.5, 7.0]), 0.5, 25.0)]


@partial(Function, points=_SPRINGS, run=_sorted)
def check_covariance_spectrum(s: np.ndarray, mu: float, tau: float) -> Values:
    """All 2 d^2 eigenvalues of J_tau, as a function of the d eigenvalues of Sigma, mu and tau."""
    d, friction = len(s), np.full(len(s) * (len(s) - 1) // 2, -tau * mu)

    def pairs(i: np.ndarray, j: np.ndarray, c: float = 2 * tau) -> np.ndarray:
        return np.concatenate([np.roots([1, tau * mu, c * both]) for both in s[i] + s[j]])

    def all_of(*parts: np.ndarray) -> np.ndarray:
        return _in_order(np.concatenate(parts))

    each, less = np.triu_indices(d), np.triu_indices(d, 1)
    why = "d (d - 1) / 2 zeros, as many -tau mu, and two roots for each i <= j: 2 d^2 in all."
    yield all_of(0 * friction, friction, pairs(*each)), why
    yield all_of(friction, pairs(*each)), "the zeros are missing, one for each rotation."
    yield all_of(0 * friction, pairs(*each)), "-tau mu is missing, for the antisymmetric part of Y."
    yield all_of(pairs(*each)), "the zeros and as many -tau mu are missing."
    twice = "that counts (i, j) and (j, i): one pair for each i <= j."
    rows, columns = np.indices((d, d)).reshape(2, -1)
    yield all_of(0 * friction, friction, pairs(rows, columns)), twice
    slow = "tau is missing in the last term, 2 tau (s_i + s_j)."
    yield all_of(0 * friction, friction, pairs(*each, c=2.0)), slow
    yield all_of(0 * friction, friction, pairs(*less)), "i = j belongs to it as well."


# -- 09: two clusters ------------------------------------------------------------------------------


@Number
def check_collapse_loss() -> Values:
    """D's loss, halved convention, when all fakes sit on one of two clusters."""
    loss = landscape.plateau(1, 2, "js", "half")
    yield loss, "D answers 1/3 on the shared cluster: (3 log 3 - 2 log 2) / 4 = 0.477."
    yield 2 * loss, "that is the sum of both terms: halve it."
    yield math.log(2), "that is D's loss where nothing is left to tell: there D = 1/2."
    yield math.log(2) / 2, "that is one fake on one point and the other off the data."


@partial(Function, points=[(2,), (3,), (4,), (5,)])
def check_bad_basins(n: float) -> Values:
    """The number of bad basins of the js loss for n points, as a function of n."""
    bad = n**n - math.factorial(int(n))
    yield bad, "n^n ways to put n fakes on n points, of which n! leave no point out."


@partial(Check, read=_states, wanted="a list of pairs such as [(0, 0), ...] is wanted")
def check_way_out(path: np.ndarray) -> Verdict:
    """Assignments of two fakes from (0, 0) to (0, 1), along which the relativistic loss never
    falls."""
    if path.ndim != 2 or path.shape[1] != 2 or len(path) < 2 or not np.isin(path, (-1, 0, 1)).all():
        return Verdict(False, "each state is a pair of entries -1 (off the data), 0 or 1.")
    if path[0].tolist() != [0, 0] or sorted(path[-1].tolist()) != [0, 1]:
        return Verdict(False, "start at (0, 0), both on point 0, and end on both points.")
    moved = path[1:] != path[:-1]
    jumps = moved & (path[1:] != -1) & (path[:-1] != -1)
    if (moved.sum(1) > 1).any() or jumps.any():
        return Verdict(False, "move one fake at a time, and off the data (-1) on its way.")
    losses = landscape.assignment_loss(path, "relativistic")
    way = " -> ".join(f"{value:.3f}" for value in losses)
    if (np.diff(losses) < -1e-9).any():
        return Verdict(False, f"the loss falls on the way: {way}. Move the other fake.")
    return Verdict(True, f"{way}: the fake whose partner is the empty point moves for free.")


def _state(rng: np.random.Generator) -> tuple[tuple[int, ...]]:
    n = int(rng.integers(3, 7))
    return ((0, 0, *rng.integers(-1, n, n - 2).tolist()),)  # two fakes share a point


@partial(Function, points=_random(_state))
def check_state_level(state: tuple[int, ...]) -> Values:
    """L of JS as a function of a state, the point under each fake (-1: off the data)."""
    n = len(state)
    m = np.array([state.count(point) for point in range(n)])
    reals = np.log1p(m).sum() / (2 * n)
    fakes = (m * np.log1p(1 / np.maximum(m, 1))).sum() / (2 * n)
    yield reals + fakes, "each point has a D = 1 / (1 + m) of its own: no search is needed."
    yield 2 * (reals + fakes), "that is the loss of chapter 00; here it is halved."
    yield n * (reals + fakes), "that is a sum over the points; L is a mean."
    yield reals, "that is the real points' half; the fakes cost D something, too."
    off = state.count(-1) * math.log(2) / (2 * n)
    yield reals + fakes + off, "a fake off the data costs nothing: D is sure that it is no datum."
    covered = (m > 0).sum() * math.log(2) / n
    yield covered, "that is log 2 for each point with a fake; it matters how many fakes sit there."


# -- 10: five Gaussians ----------------------------------------------------------------------------


@Number
def check_missing_mode() -> Values:
    """Reverse KL, in nats, of a generator that covers four of five equal modes evenly."""
    yield math.log(5 / 4), "each covered mode has 1/4 instead of 1/5: log(5/4) = 0.223."
    yield math.log(4 / 5), "the ratio is upside down: KL is never negative."
    yield math.log2(5 / 4), "that is in bits; the natural logarithm gives nats."
    why = "that is the forward direction, which is infinite; and log 5 is one mode of five."
    yield math.log(5), why


@partial(Number, atol=2e-4)
def check_share_outside() -> Values:
    """The share of a perfect generator's samples farther than 3 sigma from their mode, d = 2."""
    outside = math.exp(-4.5)
    yield (
        outside,
        "the squared distance over sigma^2 is exponential with mean 2: exp(-9/2) = 1.1 %.",
    )
    yield 1 - outside, "that is the share inside."
    yield 0.0027, "that is the 3-sigma rule of the line; in the plane more lies outside."
    yield 100 * outside, "a share is wanted, not a percentage."


@partial(Number, atol=0.6)  # 188.3 as well as 189, but not 188
def check_rule_out() -> Values:
    """Runs without a failure that put the failure rate below 2 % (upper end of Wilson's 95 %)."""
    z = 1.959964  # the normal distribution has 95 % within it
    runs = z**2 / 0.02 - z**2
    yield (
        runs + 0.55,
        "with no failure in n the upper end is z^2 / (n + z^2), so n >= 188.3: 189 runs.",
    )
    yield 50, "1 / 0.02 runs would see one such failure on average, and none with chance 0.37."
    yield 150, "that is the rule of three, 3 / n: nearly, but Wilson's interval is wider."


def _two_logits(rng: np.random.Generator) -> tuple[torch.Tensor, ...]:
    return tuple(torch.from_numpy(rng.normal(size=(2, 9))))


def _both_losses(answer: Any) -> Any:
    return lambda real, fake: [float(loss) for loss in answer(real, fake)]


@partial(Function, points=_random(_two_logits), run=_both_losses)
def check_relativistic_losses(real: torch.Tensor, fake: torch.Tensor) -> Any:
    """The relativistic losses of D and of G as a function of D's logits (real, fake)."""
    s, gap = torch.nn.functional.softplus, fake - real
    d, g = float(s(gap).mean()), float(s(-gap).mean())
    yield [d, g], "D wants x above its partner G(z), G the reverse: the same s, the other sign."
    yield [g, d], "the roles are exchanged: D wants f(x) above f(G(z))."
    yield [d, d], "both players get D's loss: G would learn to be told apart."
    yield [d, -d], "G climbs D's loss there, which saturates where D wins; -s(t) is not s(-t)."
    yield [9 * d, 9 * g], "that is a sum over the batch; the loss is a mean."
    a, b = fake - real.mean(), real - fake.mean()
    yield [float(s(a).mean()), float(s(b).mean())], "compare partners, not a mean of the batch."
    every = fake[:, None] - real
    why = "that compares each x with each G(z); the i-th has one partner, the i-th."
    yield [float(s(every).mean()), float(s(-every).mean())], why
    yield [float(s(-real).mean() + s(fake).mean()), float(s(-fake).mean())], "that is vanilla."


# -- 11: gradient penalties ------------------------------------------------------------------------


@Number
def check_same_penalty() -> Values:
    """The gamma of (gamma / 2) E|grad|^2 that equals mu E|grad|^2 with mu = 10."""
    yield 20.0, "gamma / 2 = mu, so the published mu = 10 is gamma = 20."
    yield 5.0, "that is half of mu: it has to be doubled."
    yield 10.0, "the conventions differ by a factor: one writes gamma / 2, the other mu."


@partial(Function, points=[(1,), (2,), (10,)])
def check_covered_directions(d: float) -> Values:
    """Share of the orthants of R^d that published DRAGAN noise reaches, as a function of d."""
    yield 0.5**d, "all coordinates positive is one of 2^d sign patterns."


@partial(Function, points=[(0.1,), (0.3,), (1.0,)])
def check_friction(gamma: float) -> Values:
    """The friction -Re(lambda_1 + lambda_2) of the Dirac-GAN with R1 + R2, function of gamma."""
    yield 2 * gamma, "the two penalties have the same curvature in psi there, so their weights add."


def _critic(rng: np.random.Generator) -> tuple[torch.Tensor, ...]:
    """Weights of f(x) = v tanh(W x), real and generated points."""
    shapes = (5, 2), (5,), (8, 2), (8, 2)
    return tuple(torch.from_numpy(rng.normal(size=shape)).requires_grad_() for shape in shapes)


def _pull(value: Any, weights: tuple[torch.Tensor, ...]) -> np.ndarray:
    """A penalty and its gradient in D's weights."""
    value = torch.as_tensor(value)
    pull = [torch.zeros_like(w) for w in weights]
    if value.requires_grad:
        pull = torch.autograd.grad(
            value, weights, retain_graph=True, allow_unused=True, materialize_grads=True
        )
    return torch.cat([value.reshape(-1), *(p.flatten() for p in pull)]).detach().numpy()


def _pulling(penalty: Any) -> Any:
    def run(w: torch.Tensor, v: torch.Tensor, x: torch.Tensor, fakes: torch.Tensor) -> np.ndarray:
        value = penalty(lambda points: torch.tanh(points @ w.T) @ v, x.detach(), fakes.detach(), ())
        return _pull(value, (w, v))

    return run


@partial(Function, points=_random(_critic), run=_pulling)
def check_one_sided(w: torch.Tensor, v: torch.Tensor, x: torch.Tensor, fakes: torch.Tensor) -> Any:
    """The penalty 10 E max(0, |grad f(x)| - 1)^2 as a function (critic, real, fake, noise)."""
    at = lambda points: ((1 - torch.tanh(points @ w.T) ** 2) * v) @ w  # noqa: E731 - grad f
    over = lambda norm: torch.relu(norm - 1)  # noqa: E731
    each, excess = at(x).norm(dim=1), over(at(x).norm(dim=1))
    right = _pull(10 * (excess**2).mean(), (w, v))
    yield right, "no pull where D is flatter than one, WGAN-GP's where it is steeper."
    why = "the value is right, but D's weights do not feel it: create_graph=True, and no detach."
    yield np.r_[right[0], 0 * right[1:]], why
    for value, why in (
        (10 * ((each - 1) ** 2).mean(), "that pulls a flat D up to one, too: cut at zero first."),
        (10 * over(at(x).norm()) ** 2, "that is one norm over the batch; each sample has its own."),
        (10 * over(each.mean()) ** 2, "that is the excess of the mean; take the mean of squares."),
        (10 * excess.mean(), "the square is missing."),
        ((excess**2).mean(), "the weight 10 is missing."),
        (10 * (excess**2).sum(), "that is a sum over the batch; a penalty is a mean."),
        (10 * (over(at(fakes).norm(dim=1)) ** 2).mean(), "those are the fakes: take real points."),
        (10 * (over((at(x) ** 2).sum(1)) ** 2).mean(), "the root of the norm is forgotten."),
    ):
        yield _pull(value, (w, v)), why


# -- 12: scores and tallies ------------------------------------------------------------------------


@partial(Number, atol=0.01)
def check_uneven_score() -> Values:
    """Inception Score of perfect digits that are ones (half), fours and sevens (a quarter each)."""
    why = "exp of the entropy of (1/2, 1/4, 1/4), which is 1.5 log 2: between 2 and 3 digits."
    yield 2**1.5, why
    yield 3.0, "that many digits occur, but not equally often."
    yield 1.5 * math.log(2), "that is the entropy in nats: the score is its exponential."
    yield 1.5, "that is the entropy in bits: 2 to that power is asked."
    yield 10.0, "that would need all ten digits equally often."


@partial(Number, atol=5e-4)
def check_sign_test() -> Values:
    """Two-sided p of 60 wins to 40 if both algorithms were as likely to win."""
    tail = sum(math.comb(100, k) for k in range(60, 101)) / 2**100
    yield 2 * tail, "2 P(at least 60 heads in 100 tosses) = 0.057: 60 to 40 is not yet a proof."
    yield tail, "that is one tail; 40 to 60 would have surprised as much."
    normal = math.erfc(2 / math.sqrt(2))
    yield normal, "that is the normal approximation without its correction: count exactly."
    yield math.comb(100, 60) / 2**100, "that is the chance of exactly 60; at least 60 is asked."


def _count(rng: np.random.Generator) -> tuple[int, int]:
    few, more = rng.integers(1, 40, 2).tolist()
    return [(few, few), (few, few + more), (few + more, few)][int(rng.integers(3))]


@partial(Function, points=_random(_count))
def check_sign_test_code(won: int, lost: int) -> Values:
    """The two-sided p of a sign test as a function of (won, lost)."""
    n = won + lost
    chance = np.array([math.comb(n, k) for k in range(n + 1)]) / 2.0**n
    tail = float(chance[max(won, lost) :].sum())
    yield min(1.0, 2 * tail), "both tails, and at most 1."
    yield 2 * tail, "a chance is at most 1; with a draw yours is more."
    yield tail, "that is one tail; the other algorithm's lead would have surprised as much."
    upper = float(chance[won:].sum())
    yield min(1.0, 2 * upper), "that takes won for the larger count; take the larger of the two."
    yield upper, "that is P(at least won): one tail, and of the smaller count if won < lost."
    yield float(chance[won]), "that is the chance of exactly this count; add the more extreme ones."
    yield 2 * float(chance[max(won, lost) + 1 :].sum()), "the count itself belongs to the tail."
    why = "that is the normal approximation: count exactly."
    yield math.erfc(abs(won - lost) / math.sqrt(2 * n)), why


# -- 13: half circles ------------------------------------------------------------------------------


def _cross(target: float, score: float) -> float:
    """Binary cross-entropy of one answer."""
    return -target * math.log(score) - (1 - target) * math.log1p(-score)


@Number
def check_smoothed_loss() -> Values:
    """D's loss at the equilibrium with the target 0.8 for real samples."""
    yield _cross(0.8, 0.4) + _cross(0.0, 0.4), "D = 0.4: -0.8 log 0.4 - 1.2 log 0.6 = 1.346."
    yield 2 * math.log(2), "that is D = 1/2: with the target 0.8 the best constant is 0.8 / 2."
    yield _cross(0.8, 0.4), "that is the real half alone; D pays for the fakes, too."
    yield _cross(0.9, 0.45) + _cross(0.0, 0.45), "that is the value for the target 0.9."
    yield -math.log(0.4), "that is G's loss, -log 0.4."


@partial(Function, points=[(1.0, 1.0), (0.2, 0.6), (0.0, 1.0)])
def check_two_sided(p: float, q: float) -> Values:
    """D* for the targets 0.9 (real) and 0.1 (fake), as a function of the two densities p and q."""
    yield (
        (0.9 * p + 0.1 * q) / (p + q),
        "(0.9 p + 0.1 q) / (p + q): at p = 0 it is 0.1, not 0, and where q is small too, its slope "
        "holds fakes where they are. Hence *one-sided* smoothing.",
    )
    yield 0.9 * p / (p + q), "that is the one-sided one; here fakes have the target 0.1, not 0."


@partial(Check, read=_letters, wanted="letters from a to d are wanted, such as 'ac'")
def check_what_flat_means(letters: set[str]) -> Verdict:
    """Which of four states is compatible with D(x) = D(G(z)) = 0.45 for ever: a set of letters."""
    if letters == set("abc"):
        return Verdict(True, "all but d: a D that tells the two apart has D(x) > D(G(z)).")
    if "d" in letters:
        return Verdict(False, "a D that wins has two different means: D(x) > D(G(z)).")
    return Verdict(False, "a D that answers 0.45 everywhere does so whatever G does.")


# -- 14: honest metrics ----------------------------------------------------------------------------


@partial(Function, points=[(8, 8), (7, 8), (1, 8)])
def check_best_accuracy(k: float, modes: float) -> Values:
    """The best D's accuracy against a generator that covers k of K equal modes evenly."""
    accuracy = 1 - k / (2 * modes)
    yield accuracy, "TV = 1 - k/K, so (1 + TV) / 2 = 1 - k / (2 K): 99 of 100 modes are 50.5 %."


@partial(Check, read=float, wanted="a number is wanted")
def check_samples_for_modes(n: float) -> Verdict:
    """Samples of a perfect generator until 99 of 100 equal modes are hit on average."""
    if abs(n - math.log(0.01) / math.log(0.99)) <= 2:
        why = "(99/100)^n = 1/100, n = 458: a perfect generator needs 4.6 samples per mode."
        return Verdict(True, why)
    if not 0 < n < math.inf:
        return Verdict(False, f"a number of samples is wanted, not {n:g}.")
    hit = metrics.expected_covered(100, round(n))
    return Verdict(False, f"{round(n)} samples hit {hit:.1f} of 100 modes on average.")


@partial(Number, read=lambda a: abs(float(a)))
def check_fooled_frechet() -> Values:
    """The a for which the two points -a and a have Frechet distance 0 from N(0, 4)."""
    yield 2.0, "mean 0 and variance a^2 = 4: two points pass for a Gaussian."
    yield 4.0, "4 is the variance; a point at a has the variance a^2."


@Number
def check_proof_by_loss() -> Values:
    """The least JS(p, q) that a loss of D of 1.0 on fresh samples proves."""
    yield math.log(2) - 0.5, "log 2 - 1/2 = 0.193: a low loss convicts, a high one proves nothing."
    yield 2 * math.log(2) - 1, "half of it: L = 2 log 2 - 2 JS."
    yield landscape.plateau(4, 8), "that is the bound's loss at the plateau, not JS."


def _samples(rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    return 1.5 * rng.normal(size=(60, 2)), rng.normal(size=(40, 2))


@partial(Function, points=_random(_samples))
def check_precision_code(fake: np.ndarray, real: np.ndarray) -> Values:
    """Improved precision, k = 3, as a function of two samples (fake, real)."""
    apart = lambda x, y: np.linalg.norm(x[:, None] - y, axis=2)  # noqa: E731
    radius = lambda x, k: np.sort(apart(x, x))[:, k]  # noqa: E731 - column 0: the point itself
    far, r = apart(fake, real), radius(real, 3)
    balls, smaller, theirs = far <= r, far <= radius(real, 2), far <= radius(fake, 3)[:, None]
    nearest = far.min(1) <= r[far.argmin(1)]
    yield balls.any(1).mean(), "the share of fakes in the ball of at least one real point."
    yield smaller.any(1).mean(), "a point is its own nearest neighbor, at distance 0: skip it."
    yield theirs.any(0).mean(), "that is recall: the balls of the fakes, and the real are asked."
    yield theirs.any(1).mean(), "those are the balls of the fakes; take those of the real points."
    yield balls.any(0).mean(), "that is coverage, the share of balls that hold a fake."
    yield balls.sum(1).mean() / 3, "that is density; precision asks whether, not how often."
    yield balls.mean(), "that is a share of pairs; one ball is enough for a fake."
    yield nearest.mean(), "that asks the nearest real point alone; another may have a larger ball."


# -- 15: MNIST -------------------------------------------------------------------------------------


@partial(Number, atol=0.5)
def check_parameter_count() -> Values:
    """Parameters of the generator 100-256-512-1024-784."""
    weights = 100 * 256 + 256 * 512 + 512 * 1024 + 1024 * 784
    yield weights + 256 + 512 + 1024 + 784, "1,483,776 weights and 2,576 biases: 1,486,352."
    yield weights, "the biases are missing: one for each unit that a layer feeds."


@Number
def check_scores_to_loss() -> Values:
    """D's loss at s = 0.9 if it says 0.629 to all real and 0.357 to all generated images."""
    yield (
        _cross(0.9, 0.629) + _cross(0.0, 0.357),
        "0.958, less than the 1.073 of the log: by Jensen's inequality the mean of -log D is at "
        "least -log of the mean of D.",
    )
    plain = _cross(1.0, 0.629) + _cross(0.0, 0.357)
    yield plain, "that is without smoothing: a tenth of the target says fake."
    yield _cross(0.9, 0.629), "D pays for the fakes, too: - log(1 - 0.357)."


@partial(Number, atol=0.5)
def check_times_seen() -> Values:
    """How often 18,000 batches of 100 show each of 5,000 images, in the mean."""
    why = "1,800,000 / 5,000 = 360 times: 360 epochs, where the 60,000 digits are seen 30 times."
    yield 360.0, why
    yield 30.0, "that is for 60,000 digits."
    yield 3.6, "a batch holds 100 images."


def _maps(rng: np.random.Generator) -> tuple[torch.Tensor, ...]:
    weight, bias, mean = torch.from_numpy(rng.normal(size=(3, 4)))
    noise = torch.from_numpy(rng.normal(size=(6, 4, 5, 5)))
    return 0.1 * (noise + 2 * noise[:1] + mean[:, None, None]), weight, bias


@partial(Function, points=_random(_maps))
def check_batch_norm(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> Any:
    """Batch norm in training, eps = 1e-5, of maps (n, c, h, w): a function (x, weight, bias)."""
    w, b, eps = weight[:, None, None], bias[:, None, None], 1e-5

    def scaled(*axes: int, over: Any = lambda v: (v + eps).sqrt(), correction: int = 0) -> Any:
        spread = over(x.var(axes, correction=correction, keepdim=True))
        return (x - x.mean(axes, keepdim=True)) / spread

    right = scaled(0, 2, 3)
    yield right * w + b, "one mean and one variance a channel, over the images and the positions."
    yield from (
        (right, "weight and bias are missing."),
        (scaled(0) * w + b, "that is a mean for each pixel; take all positions together."),
        (scaled(2, 3) * w + b, "that is one image at a time, instance norm: take the batch."),
        (scaled(1, 2, 3) * w + b, "that is layer norm: one mean an image, not one a channel."),
        (scaled(0, 1, 2, 3) * w + b, "each channel has a mean and a variance of its own."),
        (scaled(0, 2, 3, correction=1) * w + b, "divide the variance by n h w, not by one less."),
        (scaled(0, 2, 3, over=lambda v: v + eps) * w + b, "the root of the variance is forgotten."),
        (scaled(0, 2, 3, over=lambda v: v.sqrt() + eps) * w + b, "eps belongs under the root."),
        (scaled(0, 2, 3, over=torch.sqrt) * w + b, "eps = 1e-5 is missing."),
    )


# -- 16: CIFAR-10 ----------------------------------------------------------------------------------


@Number
def check_last_epoch() -> Values:
    """D's loss at s = 0.9 if it says 0.298 to all real and 0.062 to all generated images."""
    yield (
        _cross(0.9, 0.298) + _cross(0.0, 0.062),
        "1.189, far below the 1.910 of the log: answers differed widely within the epoch, and the "
        "real images called fake cost most.",
    )
    yield _cross(1.0, 0.298) + _cross(0.0, 0.062), "that is without smoothing."
    yield _cross(0.9, 0.062) + _cross(0.0, 0.298), "the two scores are swapped."


@Number
def check_slowdown() -> Values:
    """How much slower D moves at half the rate and every second batch."""
    yield 4.0, "half the rate, half the updates: a quarter of the speed, tau = 1/4 in effect."
    yield 2.0, "the rate alone is that; it also skips every second batch."
    yield 0.25, "how much slower: 4, not its inverse."


def _targets(rng: np.random.Generator) -> tuple[Any, ...]:
    real, fake = torch.from_numpy(rng.normal(size=(2, 9)))
    return real, fake, rng.uniform(0.6, 0.9), rng.uniform(0.1, 0.4)


@partial(Function, points=_random(_targets))
def check_smoothed_code(real: torch.Tensor, fake: torch.Tensor, a: float, b: float) -> Any:
    """D's loss from logits, targets a for real and b for generated samples: (real, fake, a, b)."""
    s = torch.nn.functional.softplus
    cost = lambda f, target: (target * s(-f) + (1 - target) * s(f)).mean()  # noqa: E731
    right = cost(real, a) + cost(fake, b)
    yield right, "two cross-entropies; D = (a + b) / 2 is the best constant now."
    p, q = torch.sigmoid(real), torch.sigmoid(fake)
    yield from (
        (cost(real, a) + cost(fake, 0), "generated samples have the target b here, not 0."),
        (cost(real, 1) + cost(fake, 0), "those are hard labels, 1 and 0."),
        (cost(real, b) + cost(fake, a), "the targets are exchanged: a is that of real samples."),
        (cost(-real, a) + cost(-fake, b), "the sign of the logit: -log D is softplus(-f)."),
        (cost(p, a) + cost(q, b), "that is the sigmoid twice; softplus takes the logits."),
        (right / 2, "the two means are added, not averaged."),
        (9 * right, "that is a sum over the batch; the loss is a mean."),
        (a * s(-real).mean() + (1 - b) * s(fake).mean(), "1 - a and b weigh the other answers."),
    )


# -- 17: narrow networks ---------------------------------------------------------------------------


@Number
def check_quarter_width() -> Values:
    """By which factor a quarter of the maps shrinks the weights of a convolution."""
    yield (
        16,
        "both c_1 and c_2 shrink by 4. The table says less for G, since its input of 128 and the "
        "three colors stay as wide as they were.",
    )
    yield 4, "the maps that go in shrink as well as those that come out."
    yield 1 / 16, "that is the share that is left; the factor is its inverse."
    yield 64, "the kernel's size k does not change."


@partial(Number, atol=1e-3)
def _paired() -> Values:
    """D's paired loss where f is 1.5 on every real and -1.5 on every generated image."""
    yield math.log1p(math.exp(-3)), "the pair is 3 apart: s(-3) = 0.0486."
    yield math.log1p(math.exp(-1.5)), "the difference of the two is 3, not 1.5."
    yield math.log1p(math.exp(3)), "s(3) is G's loss."
    yield 2 * math.log1p(math.exp(-1.5)), "those of the two losses are exchanged."


@partial(Number, atol=1e-3)
def _separable() -> Values:
    """D's separable loss there."""
    yield (
        2 * math.log1p(math.exp(-1.5)),
        "paired s(-3) = 0.0486, separable 2 s(-1.5) = 0.4028: the same answers, eight times the "
        "loss. Values of different losses cannot be compared.",
    )
    yield math.log1p(math.exp(-1.5)), "both halves count, the real and the generated."


def check_margin_losses(paired: Any, separable: Any) -> Verdict:
    """D's two losses where f is 1.5 on every real and -1.5 on every generated image."""
    first, second = _paired(paired), _separable(separable)
    if OPEN in (first, second):
        return OPEN
    if not first:
        return Verdict(False, f"paired: {first.message}")
    return second if second else Verdict(False, f"separable: {second.message}")


@partial(Number, atol=5e-3)
def check_frechet_bias() -> Values:
    """Expected Frechet distance of two sets of 5,000 samples of N(0, I) in 96 dimensions."""
    yield (
        96 * 101 / (2 * 5000),
        "0.97, without any difference. The features of images are no Gaussian of 96 directions "
        "of variance 1, so the level in the plot is another, but it is not zero either.",
    )
    yield 96 * 101 / 5000, "divide by 2 n, not by n."
    yield 96**2 / 10_000, "d (d + 5), not d^2."
    yield 96 * 101 / (4 * 5000), "that is for 10,000 samples in each set."


def _kernels(rng: np.random.Generator) -> tuple[torch.Tensor]:
    return (torch.from_numpy(rng.normal(size=(4, 3, 2, 2))),)


@partial(Function, points=_random(_kernels))
def check_largest_stretch(w: torch.Tensor) -> Any:
    """The largest singular value of a convolution's weights (maps out, maps in, k, k)."""
    kernels = np.linalg.svd(w.numpy(), compute_uv=False)  # each k x k kernel for itself
    values = np.linalg.svd(w.flatten(1).numpy(), compute_uv=False)
    yield values[0], "W / sigma stretches nothing by more than 1."
    yield (
        np.linalg.norm(values),
        "that is the root of *all* squares: W / |W| is shorter than asked.",
    )
    yield values[0] ** 2, "that is the largest eigenvalue of W W^T: sigma is its root."
    yield values, "those are all of them; the largest is wanted."
    yield values[-1], "that is the smallest one."
    why = "that takes each k x k kernel for a matrix: W has one row for each map that comes out."
    yield kernels[..., 0], why
    yield kernels.max(), why


# -- 18: faces -------------------------------------------------------------------------------------


@Number
def check_way_length() -> Values:
    """Length at t = 1/4 of the straight way between orthogonal latents, over that of its ends."""
    yield math.hypot(0.75, 0.25), "sqrt((3/4)^2 + (1/4)^2) = 0.79."
    yield math.sqrt(0.5), "that is the middle, t = 1/2."
    yield 1.0, "lengths of orthogonal vectors do not add: their squares do."


@Number
def check_copy_in_gallery() -> Values:
    """Chance that 16 fakes, a tenth of all being copies, show at least one copy."""
    yield 1 - 0.9**16, "1 - 0.9^16 = 81 %; and a gallery that was picked by hand need not show any."
    yield 0.9**16, "that is the chance of none."
    yield 1.6, "that is the expected number of copies, 1.6, not a chance."


def _latents(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, float]:
    return *rng.normal(size=(2, 6)), rng.uniform(0.1, 0.4)


@partial(Function, points=_random(_latents))
def check_normal_way(a: np.ndarray, b: np.ndarray, t: float) -> Any:
    """The straight way, divided such that z(t) is N(0, I) like a and b: a function of (a, b, t)."""
    z, variance = (1 - t) * a + t * b, (1 - t) ** 2 + t**2
    yield z / math.sqrt(variance), "the squares of both weights add up to 1, as variances do."
    yield z, "that has the variance (1 - t)^2 + t^2 < 1: divide by its root."
    yield z / variance, "divide by the standard deviation: the root is missing."
    yield (t * a + (1 - t) * b) / math.sqrt(variance), "that way starts at b."
    why = "that has the length sqrt(d) each time; of a normal latent only the mean square is d."
    yield z * math.sqrt(len(a)) / np.linalg.norm(z), why
    omega = np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    turn = np.sin((1 - t) * omega) * a + np.sin(t * omega) * b
    yield turn / np.sin(omega), "that is the spherical way; here it is straight, then divided."


# -- 19: time scales -------------------------------------------------------------------------------


@partial(Number, atol=1)
def check_half_life() -> Values:
    """After how many updates a past weight counts half in an average of decay 0.999."""
    yield (
        math.log(0.5) / math.log(0.999),
        "log(1/2) / log(0.999) = 693 updates. With 0.9999 it is 6,931: in a run of 1,000 updates "
        "that average still remembers the untrained network.",
    )
    yield 1000, "that is the mean age, 1 / (1 - 0.999); half is reached sooner."
    yield 500, "half of the mean age is not the half-life of a geometric series."
    yield math.log(0.5) / math.log(0.9999), "that is for 0.9999."


@partial(Number, atol=1e-9)
def check_penalty_convention() -> Values:
    """The gamma of (gamma / 2) E|grad D|^2 that equals the published mu = 10."""
    yield (
        20,
        "mu E|grad D|^2 without the half: gamma = 2 mu. Mescheder et al. use gamma = 10, which is "
        "half as strong as Fiez & Ratliff's mu = 10.",
    )
    yield 10, "the published code has no factor 1/2."
    yield 5, "the other way round: gamma / 2 must be 10."


@partial(Number, atol=1e-6)
def check_rate_of_d() -> Values:
    """D's learning rate at update 100,000 with tau = 4, lr = 1e-4 and decay (1 + t)^-0.005."""
    why = (
        "4 x 0.0001 x 0.944 = 0.000378. The decay is slow, and both players share it: tau stays 4."
    )
    yield 4e-4 * 100_001**-0.005, why
    yield 1e-4 * 100_001**-0.005, "tau multiplies D's rate: that is G's."
    yield 4e-4, "the decay is missing."
    yield 1e-4 * 100_001**-0.005 / 4, "tau does not divide."


def _path(rng: np.random.Generator) -> tuple[np.ndarray, float]:
    return rng.normal(size=12), rng.uniform(0.6, 0.95)


@partial(Function, points=_random(_path))
def check_unbiased_average(w: np.ndarray, beta: float) -> Any:
    """The average that starts at 0, over 1 - beta^n after n weights: f(weights, beta) -> array."""
    age = np.subtract.outer(np.arange(len(w)), np.arange(len(w)))
    share = np.where(age < 0, 0.0, (1 - beta) * beta ** np.maximum(age, 0))
    seen = 1 - beta ** np.arange(1, len(w) + 1)
    yield share @ w / seen, "the shares of the weights seen add up to 1, so no start is left in it."
    yield share @ w, "that still holds the 0 of its start: divide by 1 - beta^n."
    yield share @ w + (1 - seen) * w[0], "that starts at w_0, of which beta^n is left: start at 0."
    yield (share @ w / seen)[-1], "that is the last average; one for each step is wanted."
    yield np.cumsum(w) / np.arange(1, len(w) + 1), "that is a plain mean: the old should fade."
    other = np.where(age < 0, 0.0, beta * (1 - beta) ** np.maximum(age, 0))
    yield other @ w / other.sum(1), "beta and 1 - beta are exchanged."


# -- 20: stacked digits ----------------------------------------------------------------------------


@partial(Number, atol=1.0)
def check_perfect_thousand() -> Values:
    """Combinations that 1000 perfect stacks show on average."""
    why = "1000 (1 - 0.999^1000) = 632: a perfect generator, and a third of the modes is missing."
    yield metrics.expected_covered(1000, 1000), why
    yield 1000.0, "samples repeat each other: some combinations occur twice, others never."
    yield 1000 * 0.999**1000, "that is the number of combinations that are missing."


@Number
def check_grey_stacks() -> Values:
    """KL from uniform of a generator that repeats one digit in all three channels."""
    yield math.log(100), "ten of 1000 combinations, evenly: log(1000 / 10) = log 100 = 4.605."
    yield math.log(1000), "that is the KL of a single combination."
    yield math.log(10), "that is log 10; 990 combinations of 1000 are missing, not 900."
    yield 2.0, "that is base 10; the natural logarithm gives nats."


@Number
def check_read_stacks() -> Values:
    """Share of stacks named rightly by a classifier that is right for 97 % of digits."""
    yield (
        0.97**3,
        "0.97^3 = 91 %. The count hardly suffers, it can even grow: a stack read wrongly counts as "
        "a combination, too.",
    )
    yield 0.97, "all three digits must be right: 0.97 to the third power."
    yield 100 * 0.97**3, "a share is wanted, not a percentage."


def _counts(rng: np.random.Generator) -> tuple[np.ndarray]:
    return (rng.permutation([0, 0, *rng.integers(1, 20, 6)]),)


@partial(Function, points=_random(_counts))
def check_kl_code(counts: np.ndarray) -> Values:
    """KL of the shares from equal ones, in nats, as a function of the counts (some are 0)."""
    p = counts[counts > 0] / counts.sum()
    kl = float((p * np.log(p * len(counts))).sum())
    yield kl, "0 if all occur equally often, log K if only one does."
    yield kl / math.log(2), "that is in bits; the natural logarithm gives nats."
    yield -kl, "the sign: KL is never negative."
    yield math.log(len(counts)) - kl, "that is the entropy: log K less the KL."
    why = "that compares with the combinations that occur; the missing ones count among the K."
    yield kl - math.log(len(counts) / len(p)), why
    yield kl * counts.sum(), "those are counts; KL takes shares, counts / counts.sum()."

"""The course's exercises in the order of its chapters: a question, what is right, and why.

A check never raises for a wrong answer; it returns a ``Verdict`` that a notebook shows as a
sentence and a test reads as a truth value. After the question come the right value (or function,
with points at which it is compared) and the sentence that says why; then mistakes, each with the
sentence that it deserves. A value that depends on the chapter's run is a function of the settings
that the call names. To add an exercise, add an entry; only what is neither a number nor a function
of numbers needs code of its own.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gan_teach import metrics, zoo
from gan_teach.analysis import flows, landscape
from gan_teach.course.answers import OPEN, Function, Number, Verdict

# -- 00: the game ----------------------------------------------------------------------------------

check_confident_value = Number(
    "V when D answers 0.9 on every real and 0.1 on every generated sample.",
    2 * math.log(0.9),
    "2 log 0.9, close to 0: this discriminator wins.",
    (math.log(0.9 * 0.1), "V takes log(1 - D) of the generated samples, not log D."),
    (math.log(0.9), "that is one term; there are two."),
    atol=1e-3,
)

# -- 01: the normal GAN ----------------------------------------------------------------------------

check_target = Number(
    "The objective V when D = 1/2 everywhere.",
    -2 * math.log(2),
    "V = log(1/2) + log(1/2) = -2 log 2, about -1.386.",
    (-math.log(2), "that is one of the two terms: add the fake samples' log(1 - D)."),
    (2 * math.log(2), "the sign: the logarithm of a probability is negative."),
    (-2 * math.log10(2), "that is a logarithm to base 10; V uses the natural one."),
)

check_optimal_discriminator = Function(
    "D*(p, q) as a function of the two densities at a point.",
    lambda p, q: p / (p + q),
    [(0.3, 0.3), (0.4, 0.1), (0.1, 0.4), (0.2, 0.0)],
    "D* = p / (p + q): the share of real samples among all that land at this point.",
)


def check_blind_direction(direction: Any) -> Verdict:
    """A direction in (w, b) that changes the generator's spread and keeps its mean."""
    if direction is ... or direction is None:
        return OPEN
    try:
        w, b = (float(v) for v in direction)
    except (TypeError, ValueError):
        return Verdict(False, f"two numbers (of w, of b) are wanted, not {direction!r}.")
    if w == 0:
        return Verdict(False, "with w unchanged the spread |w| / sqrt(12) stays as it is.")
    if abs(b + 0.5 * w) > 1e-6 * abs(w):
        return Verdict(
            False, f"the mean w E[z] + b = w/2 + b changes by {w / 2 + b:g}: it has to stay."
        )
    return Verdict(True, "the mean w/2 + b stays, the spread changes, and V does not notice.")


# -- 02: the strong discriminator ------------------------------------------------------------------

check_saturation = Function(
    "|dL_G / d logit| of the saturating loss as a function of D = D(G(z)).",
    lambda d: d,
    [(0.5,), (0.1,), (0.001,), (0.9,)],
    "|d/df log(1 - sigmoid(f))| = sigmoid(f) = D: no gradient where D is sure.",
)

check_non_saturation = Function(
    "|dL_G / d logit| of the non-saturating loss as a function of D = D(G(z)).",
    lambda d: 1 - d,
    [(0.5,), (0.1,), (0.001,), (0.9,)],
    "|d/df (-log sigmoid(f))| = 1 - D: close to 1 where D rejects the sample.",
)

check_gradient_ratio = Number(
    "(1 - D) / D at D = 0.001: non-saturating over saturating gradient of one sample.",
    999.0,
    "(1 - D) / D = 0.999 / 0.001.",
    (1000.0, "the numerator is 1 - D, not 1."),
    (1 / 999, "that is the saturating one over the other: turn it over."),
    (0.998, "that is the difference of the factors; how many *times* is asked."),
    atol=0.5,
)

# -- 03: the strong generator ----------------------------------------------------------------------

check_best_answer = Number(
    "The bias b at which the generator's mean equals the real one.",
    lambda real_mean, w: real_mean - w / 2,
    "w E[z] + b equals the real mean, so a linear D has nothing left to see.",
    (
        lambda real_mean, w: real_mean,
        "that is the real mean itself: G(z) = w z + b has the mean w/2 + b.",
    ),
    (lambda real_mean, w: real_mean - w, "E[z] = 1/2 for z ~ U(0, 1), not 1."),
    atol=1e-2,
)


def _scatter(w: float, n: int) -> float:
    """Standard deviation of half the mean of n variables w z, z ~ U(0, 1)."""
    return abs(w) / (2 * math.sqrt(12 * n))


check_sampling_noise = Number(
    "Standard deviation of dV/da at the equilibrium from n latents: |w| / (2 sqrt(12 n)).",
    _scatter,
    "half the scatter of a mean of n uniform variables times w.",
    (
        lambda w, n: 2 * _scatter(w, n),
        "that is the scatter of the mean; the gradient is half of it.",
    ),
    (lambda w, n: _scatter(w, n) ** 2, "that is a variance; take its root."),
    (
        lambda w, n: _scatter(w, 1),
        "that is the scatter of one sample; a mean of n scatters less.",
    ),
    atol=1e-3,
)


# -- 04: the noisy GAN -----------------------------------------------------------------------------

check_noisy_variance = Number(
    "The variance of real samples after instance noise.",
    lambda data_std, noise: data_std**2 + noise**2,
    "variances of independent variables add.",
    (
        lambda data_std, noise: (data_std + noise) ** 2,
        "standard deviations do not add; variances do.",
    ),
    (
        lambda data_std, noise: math.hypot(data_std, noise),
        "that is the standard deviation; square it.",
    ),
    atol=1e-6,
)

check_best_slope = Number(
    "Slope of the logit of D* between two normal densities of equal variance: gap / variance.",
    lambda gap, variance: gap / variance,
    "log p - log q is a line with the slope (difference of the means) / variance.",
    (
        lambda gap, variance: gap / math.sqrt(variance),
        "divide by the variance, not by the standard deviation.",
    ),
    (lambda gap, variance: -gap / variance, "the sign: D* grows towards the real samples."),
    (
        lambda gap, variance: gap / (2 * variance),
        "the two halves of (x - mean)^2 / (2 variance) add up.",
    ),
    atol=1e-6,
)


# -- 05: the Dirac-GAN -----------------------------------------------------------------------------

check_growth = Function(
    "The factor of one simultaneous step on xy as a function of the learning rate.",
    lambda lr: math.sqrt(1 + lr**2),
    [(0.1,), (0.5,), (1.0,)],
    "|1 + i eta| = sqrt(1 + eta^2) > 1 for every step size.",
)

check_steps_per_decade = Number(
    "Steps in which R1 with gamma = 1 and lr = 0.2 divides the distance by ten.",
    math.log(10) / -math.log(0.9),
    "0.9 per step, so log 10 / -log 0.9 = 21.9 steps.",
    (2 * math.log(10), "that is the flow's time, 2 log 10; a step is 0.2 of it."),
    (10 * math.log(10), "that takes e^(-0.1) for 0.9; a step multiplies by 1 - 0.1."),
    (math.log(10) / -math.log(0.8), "0.2 is the step, the eigenvalue is -1/2: s = 1 - 0.1."),
    atol=0.2,
)

check_largest_step = Function(
    "The largest stable step on the Dirac-GAN with R1, as a function of gamma <= 1.",
    lambda gamma: 4 * gamma,
    [(0.1,), (0.3,), (1.0,)],
    "eta^2 / 4 < eta gamma, so eta < 4 gamma: no friction, no stable step.",
)

# -- 06: time scales -------------------------------------------------------------------------------

check_scalar_tau_star = Number(
    "tau* of -J = [[-3, 4], [-4, 0.5]], one number per player.",
    6.0,
    "tau* = -A / D = 6: from there on the trace A + tau D is positive.",
    (1 / 6, "that is -D / A: solve A + tau D = 0 for tau."),
    (-6.0, "the sign: A is negative, -A / D is not."),
    (1.0, "at tau = 1 the trace is still negative: compare A + tau D with 0."),
)

check_real_from = Function(
    "The tau from which the Dirac-GAN's eigenvalues are real, as a function of mu.",
    lambda mu: 1 / mu**2,
    [(0.3,), (1.0,), (0.5,)],
    "tau^2 mu^2 >= tau, so tau >= 1 / mu^2.",
)

check_largest_ratio = Number(
    "The largest tau at which one long step of D is still stable against a fixed G.",
    lambda lr, curvature: 2 / (lr * curvature),
    "|1 - tau lr curvature| < 1 as long as tau < 2 / (lr curvature).",
    (
        lambda lr, curvature: 1 / (lr * curvature),
        "there the step lands exactly on the optimum; it is stable up to twice that.",
    ),
    (lambda lr, curvature: 2 / curvature, "that forgets the learning rate."),
    atol=0.02,
)

# -- 07: regions of attraction ---------------------------------------------------------------------

check_torus_tau_star = Number(
    "tau* at (pi, pi), where -J = [[-1.15, 1], [-1, 0.85]].",
    23 / 17,
    "1.15 / 0.85 = 23/17: from there on the trace is positive.",
    (17 / 23, "that is the reciprocal, the value at (0, 0)."),
    (-23 / 17, "the sign: A is negative, -A / D is not."),
)


def check_attracts(answer: Any) -> Verdict:
    """Whether a point with tau* = 1.353 attracts at tau = 1.2, 1.4 and 10: three truths."""
    if answer is ... or answer is None:
        return OPEN
    try:
        given = tuple(bool(a) for a in answer)
    except TypeError:
        return Verdict(False, f"three truths are wanted, not {answer!r}.")
    if len(given) != 3:
        return Verdict(False, f"three truths are wanted, one per tau; got {len(given)}.")
    if given == (False, True, True):
        return Verdict(True, "it attracts for every tau above tau*, however large.")
    if given[1] and not given[2]:
        return Verdict(False, "tau* has no upper partner: above it all tau are stable.")
    return Verdict(False, "compare each tau with tau* = 1.353.")


def check_switch(start: Any) -> Verdict:
    """A start on the torus that ends at (pi, pi) at tau = 2 and at (0, 0) at tau = 5."""
    if start is ... or start is None:
        return OPEN
    try:
        x, y = (float(c) for c in start)
    except (TypeError, ValueError):
        return Verdict(False, f"two angles are wanted, not {start!r}.")
    torus = zoo.torus()
    ends = [(0.0, 0.0), (math.pi, math.pi)]
    reached = flows.basins(
        torus.game(), (x, y), ends, (2.0, 5.0),
        lr=0.04, steps=20_000, tol=1e-3, period=torus.period,
    ).labels.tolist()  # fmt: skip
    names = {0: "(0, 0)", 1: "(pi, pi)"}
    at_2, at_5 = (names.get(label, "nowhere in 20 000 steps") for label in reached)
    told = f"it ends at {at_2} at tau = 2 and at {at_5} at tau = 5"
    return Verdict(reached == [1, 0], f"{told}.")


# -- 08: matching a covariance ---------------------------------------------------------------------

check_rotations = Function(
    "The number of zero modes of the d x d covariance game as a function of d.",
    lambda d: d * (d - 1) / 2,
    [(1.0,), (2.0,), (3.0,), (10.0,)],
    "an antisymmetric d x d matrix has d (d - 1) / 2 free entries.",
)

check_covariance_real_from = Function(
    "The tau from which the covariance game in one dimension has real eigenvalues: (S, mu).",
    lambda s, mu: 16 * s / mu**2,
    [(1.0, 1.0), (1.0975, 0.5), (2.0, 0.75)],
    "tau^2 mu^2 >= 4 tau (2 sqrt(S))^2, so tau >= 16 S / mu^2.",
)

# -- 09: two clusters ------------------------------------------------------------------------------

check_collapse_loss = Number(
    "D's loss, halved convention, when all fakes sit on one of two clusters.",
    landscape.plateau(1, 2, "js", "half"),
    "D answers 1/3 on the shared cluster: (3 log 3 - 2 log 2) / 4 = 0.477.",
    (2 * landscape.plateau(1, 2, "js", "half"), "that is the sum of both terms: halve it."),
    (math.log(2), "that is D's loss where nothing is left to tell: there D = 1/2."),
    (math.log(2) / 2, "that is one fake on one point and the other off the data."),
)

check_bad_basins = Function(
    "The number of bad basins of the js loss for n points, as a function of n.",
    lambda n: n**n - math.factorial(int(n)),
    [(2.0,), (3.0,), (4.0,), (5.0,)],
    "n^n ways to put n fakes on n points, of which n! leave no point out.",
)


def check_way_out(states: Any) -> Verdict:
    """Assignments of two fakes from (0, 0) to (0, 1), along which the relativistic loss never
    falls."""
    if states is ... or states is None:
        return OPEN
    try:
        path = np.array(states, dtype=int)
    except (TypeError, ValueError):
        return Verdict(False, f"a list of pairs such as [(0, 0), ...] is wanted, not {states!r}.")
    if path.ndim != 2 or path.shape[1] != 2 or len(path) < 2 or not np.isin(path, (-1, 0, 1)).all():
        return Verdict(False, "each state is a pair of entries -1 (off the data), 0 or 1.")
    if path[0].tolist() != [0, 0] or sorted(path[-1].tolist()) != [0, 1]:
        return Verdict(False, "start at (0, 0), both on point 0, and end on both points.")
    moved = path[1:] != path[:-1]
    jumps = moved & (path[1:] != -1) & (path[:-1] != -1)
    if (moved.sum(1) > 1).any() or jumps.any():
        return Verdict(False, "move one fake at a time, and off the data (-1) on its way.")
    losses = landscape.assignment_loss(path, "relativistic")
    told = " -> ".join(f"{value:.3f}" for value in losses)
    if (np.diff(losses) < -1e-9).any():
        return Verdict(False, f"the loss falls on the way: {told}. Move the other fake.")
    return Verdict(True, f"{told}: the fake whose partner is the empty point moves for free.")


# -- 10: five Gaussians ----------------------------------------------------------------------------

check_missing_mode = Number(
    "Reverse KL, in nats, of a generator that covers four of five equal modes evenly.",
    math.log(5 / 4),
    "each covered mode has 1/4 instead of 1/5: log(5/4) = 0.223.",
    (math.log(4 / 5), "the ratio is upside down: KL is never negative."),
    (math.log2(5 / 4), "that is in bits; the natural logarithm gives nats."),
    (
        math.log(5),
        "that is the forward direction, which is infinite; and log 5 is one mode of five.",
    ),
)

check_share_outside = Number(
    "The share of a perfect generator's samples farther than 3 sigma from their mode, d = 2.",
    math.exp(-4.5),
    "the squared distance over sigma^2 is exponential with mean 2: exp(-9/2) = 1.1 %.",
    (1 - math.exp(-4.5), "that is the share inside."),
    (0.0027, "that is the 3-sigma rule of the line; in the plane more lies outside."),
    (100 * math.exp(-4.5), "a share is wanted, not a percentage."),
    atol=2e-4,
)

_Z = 1.959964  # the normal distribution has 95 % within it

check_rule_out = Number(
    "Runs without a failure that put the failure rate below 2 % (upper end of Wilson's 95 %).",
    _Z**2 / 0.02 - _Z**2,
    "with no failure in n the upper end is z^2 / (n + z^2), so n >= 188.3: 189 runs.",
    (50, "1 / 0.02 runs would see one such failure on average, and none with chance 0.37."),
    (150, "that is the rule of three, 3 / n: nearly, but Wilson's interval is wider."),
    atol=1.2,
)

# -- 11: gradient penalties ------------------------------------------------------------------------

check_same_penalty = Number(
    "The gamma of (gamma / 2) E|grad|^2 that equals mu E|grad|^2 with mu = 10.",
    20.0,
    "gamma / 2 = mu, so the published mu = 10 is gamma = 20.",
    (5.0, "that is half of mu: it has to be doubled."),
    (10.0, "the conventions differ by a factor: one writes gamma / 2, the other mu."),
)

check_covered_directions = Function(
    "Share of the orthants of R^d that published DRAGAN noise reaches, as a function of d.",
    lambda d: 0.5**d,
    [(1.0,), (2.0,), (10.0,)],
    "all coordinates positive is one of 2^d sign patterns.",
)

check_friction = Function(
    "The friction -Re(lambda_1 + lambda_2) of the Dirac-GAN with R1 + R2, function of gamma.",
    lambda gamma: 2 * gamma,
    [(0.1,), (0.3,), (1.0,)],
    "the two penalties have the same curvature in psi there, so their weights add.",
)

# -- 12: scores and tallies ------------------------------------------------------------------------

check_uneven_score = Number(
    "Inception Score of perfect digits that are ones (half), fours and sevens (a quarter each).",
    2**1.5,
    "exp of the entropy of (1/2, 1/4, 1/4), which is 1.5 log 2: between 2 and 3 digits.",
    (3.0, "that many digits occur, but not equally often."),
    (1.5 * math.log(2), "that is the entropy in nats: the score is its exponential."),
    (1.5, "that is the entropy in bits: 2 to that power is asked."),
    (10.0, "that would need all ten digits equally often."),
    atol=0.01,
)

_TAIL = sum(math.comb(100, k) for k in range(60, 101)) / 2**100

check_sign_test = Number(
    "Two-sided p of 60 wins to 40 if both algorithms were as likely to win.",
    2 * _TAIL,
    "2 P(at least 60 heads in 100 tosses) = 0.057: 60 to 40 is not yet a proof.",
    (_TAIL, "that is one tail; 40 to 60 would have surprised as much."),
    (
        math.erfc(2 / math.sqrt(2)),
        "that is the normal approximation without its correction: count exactly.",
    ),
    (math.comb(100, 60) / 2**100, "that is the chance of exactly 60; at least 60 is asked."),
    atol=5e-4,
)

# -- 13: half circles ------------------------------------------------------------------------------


def _cross(target: float, score: float) -> float:
    """Binary cross-entropy of one answer."""
    return -target * math.log(score) - (1 - target) * math.log1p(-score)


check_smoothed_loss = Number(
    "D's loss at the equilibrium with the target 0.8 for real samples.",
    _cross(0.8, 0.4) + _cross(0.0, 0.4),
    "D = 0.4: -0.8 log 0.4 - 1.2 log 0.6 = 1.346.",
    (2 * math.log(2), "that is D = 1/2: with the target 0.8 the best constant is 0.8 / 2."),
    (_cross(0.8, 0.4), "that is the real half alone; D pays for the fakes, too."),
    (_cross(0.9, 0.45) + _cross(0.0, 0.45), "that is the value for the target 0.9."),
    (-math.log(0.4), "that is G's loss, -log 0.4."),
)

check_two_sided = Function(
    "D* for the targets 0.9 (real) and 0.1 (fake), as a function of the two densities p and q.",
    lambda p, q: (0.9 * p + 0.1 * q) / (p + q),
    [(1.0, 1.0), (0.2, 0.6), (0.0, 1.0)],
    "(0.9 p + 0.1 q) / (p + q): at p = 0 it is 0.1, not 0, and where q is small too, its slope "
    "holds fakes where they are. Hence *one-sided* smoothing.",
    (
        lambda p, q: 0.9 * p / (p + q),
        "that is the one-sided one; here fakes have the target 0.1, not 0.",
    ),
)


def check_what_flat_means(answer: Any) -> Verdict:
    """Which of four states is compatible with D(x) = D(G(z)) = 0.45 for ever: a set of letters."""
    if answer is ... or answer is None:
        return OPEN
    letters = {c for c in str(answer).lower() if c.isalpha()} if isinstance(answer, str) else None
    if letters is None or not letters <= set("abcd"):
        return Verdict(False, f"letters from a to d are wanted, such as 'ac', not {answer!r}.")
    if letters == set("abc"):
        return Verdict(True, "all but d: a D that tells the two apart has D(x) > D(G(z)).")
    if "d" in letters:
        return Verdict(False, "a D that wins has two different means: D(x) > D(G(z)).")
    return Verdict(False, "a D that answers 0.45 everywhere does so whatever G does.")


# -- 14: honest metrics ----------------------------------------------------------------------------

check_best_accuracy = Function(
    "The best D's accuracy against a generator that covers k of K equal modes evenly.",
    lambda k, modes: 1 - k / (2 * modes),
    [(8.0, 8.0), (7.0, 8.0), (1.0, 8.0)],
    "TV = 1 - k/K, so (1 + TV) / 2 = 1 - k / (2 K): 99 of 100 modes are 50.5 %.",
)


_SAMPLES = Number(
    "Samples of a perfect generator until 99 of 100 equal modes are hit on average.",
    math.log(0.01) / math.log(0.99),
    "(99/100)^n = 1/100, n = 458: a perfect generator needs 4.6 samples per mode.",
    atol=2.0,
)


def check_samples_for_modes(n: Any) -> Verdict:
    """Samples of a perfect generator until 99 of 100 equal modes are hit on average."""
    verdict = _SAMPLES(n)
    if not verdict and isinstance(n, (int, float)) and 0 < n < math.inf:
        hit = metrics.expected_covered(100, round(n))
        return Verdict(False, f"{round(n)} samples hit {hit:.1f} of 100 modes on average.")
    return verdict


check_fooled_frechet = Number(
    "The a for which the two points -a and a have Frechet distance 0 from N(0, 4).",
    2.0,
    "mean 0 and variance a^2 = 4: two points pass for a Gaussian.",
    (4.0, "4 is the variance; a point at a has the variance a^2."),
)

check_proof_by_loss = Number(
    "The least JS(p, q) that a loss of D of 1.0 on fresh samples proves.",
    math.log(2) - 0.5,
    "log 2 - 1/2 = 0.193: a low loss convicts, a high one proves nothing.",
    (2 * math.log(2) - 1, "half of it: L = 2 log 2 - 2 JS."),
    (landscape.plateau(4, 8), "that is the bound's loss at the plateau, not JS."),
)

# -- 15: MNIST -------------------------------------------------------------------------------------

_WEIGHTS = 100 * 256 + 256 * 512 + 512 * 1024 + 1024 * 784

check_parameter_count = Number(
    "Parameters of the generator 100-256-512-1024-784.",
    _WEIGHTS + 256 + 512 + 1024 + 784,
    "1,483,776 weights and 2,576 biases: 1,486,352.",
    (_WEIGHTS, "the biases are missing: one for each unit that a layer feeds."),
    atol=0.5,
)

check_scores_to_loss = Number(
    "D's loss at s = 0.9 if it says 0.629 to all real and 0.357 to all generated images.",
    -0.9 * math.log(0.629) - 0.1 * math.log(1 - 0.629) - math.log(1 - 0.357),
    "0.958, less than the 1.073 of the log: by Jensen's inequality the mean of -log D is at "
    "least -log of the mean of D.",
    (
        -math.log(0.629) - math.log(1 - 0.357),
        "that is without smoothing: a tenth of the target says fake.",
    ),
    (
        -0.9 * math.log(0.629) - 0.1 * math.log(1 - 0.629),
        "D pays for the fakes, too: - log(1 - 0.357).",
    ),
)

check_times_seen = Number(
    "How often 18,000 batches of 100 show each of 5,000 images, in the mean.",
    360.0,
    "1,800,000 / 5,000 = 360 times: 360 epochs, where the 60,000 digits are seen 30 times.",
    (30.0, "that is for 60,000 digits."),
    (3.6, "a batch holds 100 images."),
    atol=0.5,
)

# -- 16: CIFAR-10 ----------------------------------------------------------------------------------

check_last_epoch = Number(
    "D's loss at s = 0.9 if it says 0.298 to all real and 0.062 to all generated images.",
    -0.9 * math.log(0.298) - 0.1 * math.log(1 - 0.298) - math.log(1 - 0.062),
    "1.189, far below the 1.910 of the log: answers differed widely within the epoch, and the "
    "real images called fake cost most.",
    (-math.log(0.298) - math.log(1 - 0.062), "that is without smoothing."),
    (
        -0.9 * math.log(0.062) - 0.1 * math.log(1 - 0.062) - math.log(1 - 0.298),
        "the two scores are swapped.",
    ),
)

check_slowdown = Number(
    "How much slower D moves at half the rate and every second batch.",
    4.0,
    "half the rate, half the updates: a quarter of the speed, tau = 1/4 in effect.",
    (2.0, "the rate alone is that; it also skips every second batch."),
    (0.25, "how much slower: 4, not its inverse."),
)

# -- 17: narrow networks ---------------------------------------------------------------------------

check_quarter_width = Number(
    "By which factor a quarter of the maps shrinks the weights of a convolution.",
    16,
    "both c_1 and c_2 shrink by 4. The table says less for G, since its input of 128 and the "
    "three colors stay as wide as they were.",
    (4, "the maps that go in shrink as well as those that come out."),
    (1 / 16, "that is the share that is left; the factor is its inverse."),
    (64, "the kernel's size k does not change."),
)

_PAIRED = Number(
    "D's paired loss where f is 1.5 on every real and -1.5 on every generated image.",
    math.log1p(math.exp(-3)),
    "the pair is 3 apart: s(-3) = 0.0486.",
    (math.log1p(math.exp(-1.5)), "the difference of the two is 3, not 1.5."),
    (math.log1p(math.exp(3)), "s(3) is G's loss."),
    (2 * math.log1p(math.exp(-1.5)), "those of the two losses are exchanged."),
    atol=1e-3,
)

_SEPARABLE = Number(
    "D's separable loss there.",
    2 * math.log1p(math.exp(-1.5)),
    "paired s(-3) = 0.0486, separable 2 s(-1.5) = 0.4028: the same answers, eight times the "
    "loss. Values of different losses cannot be compared.",
    (math.log1p(math.exp(-1.5)), "both halves count, the real and the generated."),
    atol=1e-3,
)


def check_margin_losses(paired: Any, separable: Any) -> Verdict:
    """D's two losses where f is 1.5 on every real and -1.5 on every generated image."""
    if paired is ... or separable is ...:
        return OPEN
    first, second = _PAIRED(paired), _SEPARABLE(separable)
    if not first:
        return Verdict(False, f"paired: {first.message}")
    return second if second else Verdict(False, f"separable: {second.message}")


check_frechet_bias = Number(
    "Expected Frechet distance of two sets of 5,000 samples of one Gaussian in 96 dimensions.",
    96 * 101 / (2 * 5000),
    "0.97, without any difference. The features of images are no Gaussian of 96 equal "
    "directions, so the level in the plot is another, but it is not zero either.",
    (96 * 101 / 5000, "divide by 2 n, not by n."),
    (96**2 / 10_000, "d (d + 5), not d^2."),
    (96 * 101 / (4 * 5000), "that is for 10,000 samples in each set."),
    atol=5e-3,
)

# -- 18: faces -------------------------------------------------------------------------------------

check_way_length = Number(
    "Length at t = 1/4 of the straight way between orthogonal latents, over that of its ends.",
    math.hypot(0.75, 0.25),
    "sqrt((3/4)^2 + (1/4)^2) = 0.79.",
    (math.sqrt(0.5), "that is the middle, t = 1/2."),
    (1.0, "lengths of orthogonal vectors do not add: their squares do."),
)

check_copy_in_gallery = Number(
    "Chance that 16 fakes, a tenth of all being copies, show at least one copy.",
    1 - 0.9**16,
    "1 - 0.9^16 = 81 %; and a gallery that was picked by hand need not show any.",
    (0.9**16, "that is the chance of none."),
    (1.6, "that is the expected number of copies, 1.6, not a chance."),
)

# -- 19: time scales -------------------------------------------------------------------------------

check_half_life = Number(
    "After how many updates a past weight counts half in an average of decay 0.999.",
    math.log(0.5) / math.log(0.999),
    "log(1/2) / log(0.999) = 693 updates. With 0.9999 it is 6,931: in a run of 1,000 updates "
    "that average still remembers the untrained network.",
    (1000, "that is the mean age, 1 / (1 - 0.999); half is reached sooner."),
    (500, "half of the mean age is not the half-life of a geometric series."),
    (math.log(0.5) / math.log(0.9999), "that is for 0.9999."),
    atol=1,
)

check_penalty_convention = Number(
    "The gamma of (gamma / 2) E|grad D|^2 that equals the published mu = 10.",
    20,
    "mu E|grad D|^2 without the half: gamma = 2 mu. Mescheder et al. use gamma = 10, which is "
    "half as strong as Fiez & Ratliff's mu = 10.",
    (10, "the published code has no factor 1/2."),
    (5, "the other way round: gamma / 2 must be 10."),
    atol=1e-9,
)

check_rate_of_d = Number(
    "D's learning rate at update 100,000 with tau = 4, lr = 1e-4 and decay (1 + t)^-0.005.",
    4e-4 * 100_001**-0.005,
    "4 x 0.0001 x 0.944 = 0.000378. The decay is slow, and both players share it: tau stays 4.",
    (1e-4 * 100_001**-0.005, "tau multiplies D's rate: that is G's."),
    (4e-4, "the decay is missing."),
    (1e-4 * 100_001**-0.005 / 4, "tau does not divide."),
    atol=1e-6,
)

# -- 20: stacked digits ----------------------------------------------------------------------------

check_perfect_thousand = Number(
    "Combinations that 1000 perfect stacks show on average.",
    metrics.expected_covered(1000, 1000),
    "1000 (1 - 0.999^1000) = 632: a perfect generator, and a third of the modes is missing.",
    (1000.0, "samples repeat each other: some combinations occur twice, others never."),
    (1000 * 0.999**1000, "that is the number of combinations that are missing."),
    atol=1.0,
)

check_grey_stacks = Number(
    "KL from uniform of a generator that repeats one digit in all three channels.",
    math.log(100),
    "ten of 1000 combinations, evenly: log(1000 / 10) = log 100 = 4.605.",
    (math.log(1000), "that is the KL of a single combination."),
    (math.log(10), "that is log 10; 990 combinations of 1000 are missing, not 900."),
    (2.0, "that is base 10; the natural logarithm gives nats."),
)

check_read_stacks = Number(
    "Share of stacks named rightly by a classifier that is right for 97 % of digits.",
    0.97**3,
    "0.97^3 = 91 %. The count hardly suffers, it can even grow: a stack read wrongly counts as a "
    "combination, too.",
    (0.97, "all three digits must be right: 0.97 to the third power."),
    (100 * 0.97**3, "a share is wanted, not a percentage."),
)

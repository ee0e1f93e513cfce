"""Questions of chapters 09 to 14: landscapes, modes, penalties and scores."""

import math
from functools import partial
from typing import Any

import numpy as np
import torch

from gan_teach import metrics
from gan_teach.analysis import landscape
from gan_teach.course.answers import Check, Function, Number, Values, Verdict, random_cases


def _letters(answer: Any) -> set[str]:
    letters = {c for c in str(answer).lower() if c.isalpha()}
    if not set() < letters <= set("abcd"):
        raise ValueError
    return letters


def _states(answer: Any) -> np.ndarray:
    return np.array(answer, dtype=int)


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


@partial(Function, points=random_cases(_state))
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


@partial(Function, points=random_cases(_two_logits), run=_both_losses)
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


@partial(Function, points=random_cases(_critic), run=_pulling)
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


@partial(Function, points=random_cases(_count))
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


def log_loss(target: float, score: float) -> float:
    """Binary cross-entropy of one answer."""
    return -target * math.log(score) - (1 - target) * math.log1p(-score)


@Number
def check_smoothed_loss() -> Values:
    """D's loss at the equilibrium with the target 0.8 for real samples."""
    yield (
        log_loss(0.8, 0.4) + log_loss(0.0, 0.4),
        "D = 0.4: -0.8 log 0.4 - 1.2 log 0.6 = 1.346.",
    )
    yield 2 * math.log(2), "that is D = 1/2: with the target 0.8 the best constant is 0.8 / 2."
    yield log_loss(0.8, 0.4), "that is the real half alone; D pays for the fakes, too."
    yield (
        log_loss(0.9, 0.45) + log_loss(0.0, 0.45),
        "that is the value for the target 0.9.",
    )
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


@partial(Function, points=random_cases(_samples))
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


def _features(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return rng.normal(size=(9, 3)), rng.normal(0.4, 1.5, size=(7, 3))


@partial(Function, points=random_cases(_features))
def check_kid_code(fake: np.ndarray, real: np.ndarray) -> Values:
    """KID, the unbiased MMD^2 with the kernel (x.y / d + 1)^3, as a function of (fake, real)."""
    others = lambda k: k[~np.eye(len(k), dtype=bool)].mean()  # noqa: E731 - pairs of two points
    shrunk = lambda k: (k.sum() - np.trace(k)) / k.size  # noqa: E731

    def mmd(
        within: Any = others,
        cross: float = -2,
        scale: float = 1 / 3,
        one: float = 1,
        power: int = 3,
    ) -> float:
        kernel = lambda x, y: (scale * x @ y.T + one) ** power  # noqa: E731
        own = within(kernel(fake, fake)) + within(kernel(real, real))
        return own + cross * kernel(fake, real).mean()

    yield mmd(), "its mean is 0 where both samples have one law, so it is often below 0."
    yield mmd(np.mean), "a point and itself are no pair: leave the diagonals out, or it is biased."
    yield mmd(shrunk), "the diagonal is out, so divide by n (n - 1) pairs, not by n^2."
    yield mmd(cross=-1), "pairs of a fake and a real point count twice: k(x, y) and k(y, x)."
    yield mmd(cross=2), "the sign: what fakes and real points have in common is taken off."
    yield -mmd(), "the sign: the kernel is large where points are alike."
    yield mmd(scale=1), "divide x.y by the dimension d."
    yield mmd(one=0), "1 is missing: without it only moments of third order are compared."
    yield mmd(power=1), "the third power is missing: that compares means alone."
    yield mmd(power=2), "that is the square: the third power is wanted."

"""Questions of chapters 09 to 14: landscapes, modes, penalties and scores."""

import math
import re
from functools import partial
from typing import Any

import numpy as np
import torch

from gan_teach import metrics
from gan_teach.analysis import landscape
from gan_teach.course.answers import (
    Check,
    Function,
    Number,
    Values,
    Verdict,
    asked,
    failed,
    number,
    plain,
    random_cases,
)
from gan_teach.course.calling import detached

from .line import NO_GRADIENT, SURE


def _letters(answer: Any) -> set[str]:
    """Those of text such as 'ac' or 'a and c', or of what holds them."""
    said = answer if isinstance(answer, str) else "".join(answer)  # TypeError for what is no text
    words = re.findall("[a-z]+", said.lower())
    letters = {letter for word in words if word != "and" for letter in word}
    if not set() < letters <= set("abcd"):
        raise ValueError
    return letters


def _states(answer: Any) -> np.ndarray:
    states = np.array(plain(answer), dtype=float)
    if not np.isfinite(states).all() or (states != states.round()).any():
        raise ValueError
    return states.astype(int)


# -- 09: two clusters ------------------------------------------------------------------------------


@partial(Function, points=[(2,), (3,), (4,), (5,)])
def check_one_left_out(n: float) -> Values:
    """The number of bad basins of the js loss for n points that lack one point only."""
    pairs, orders = n * (n - 1) / 2, math.factorial(int(n))
    yield (
        pairs * orders,
        "n points to leave out, n (n - 1) / 2 pairs that share one, (n - 1)! orders.",
    )
    yield n**n - orders, "those are all bad basins; from n = 3 on some lack more than one point."
    yield 2 * pairs * orders, "that counts each twice: the two that share a point have no order."
    yield pairs * orders / n, "any of the n points may be the one that is left out."
    yield pairs * n, "the pair and the others may be put on their points in any order."
    yield n * (n - 1) ** n, "that leaves out one point or more: each of the others needs a fake."
    yield n * orders, "it also matters which two fakes share a point."
    yield orders, "those are the perfect ones: each point has a fake."
    yield n, "that is how many points may be left out; the fakes lie in many ways on the others."


@partial(Check, read=_states, wanted="a list of triples such as [(1, 0, 0), ...] is wanted")
def check_way_out(path: np.ndarray) -> Verdict:
    """Assignments of three fakes from (1, 0, 0) to one on each point, along which the relativistic
    loss never falls."""
    if path.ndim != 2 or path.shape[1] != 3 or not np.isin(path, range(-1, 3)).all():
        return Verdict(False, "each state is a triple of entries -1 (off the data), 0, 1 or 2.")
    if path[0].tolist() != [1, 0, 0] or sorted(path[-1].tolist()) != [0, 1, 2]:
        return Verdict(False, "start at (1, 0, 0), and end with a fake on each point.")
    moved = path[1:] != path[:-1]
    jumps = moved & (path[1:] != -1) & (path[:-1] != -1)
    if (moved.sum(1) > 1).any():
        return Verdict(False, "one fake moves at a time: there two states differ in more.")
    if jumps.any():
        return Verdict(False, "between two points a fake is off the data, at -1: add that state.")
    losses = landscape.assignment_loss(path, "relativistic")
    way = " -> ".join(f"{value:.3f}" for value in losses)
    falls = np.flatnonzero(np.diff(losses) < -1e-9)
    if len(falls):
        here, then = (tuple(path[k].tolist()) for k in (falls[0], falls[0] + 1))
        return Verdict(
            False, f"the loss falls from {here} to {then}: {way}. Try another move there."
        )
    return Verdict(
        True, f"{way}: fakes 0 and 1 hold a cycle, fake 2 is on none and moves for free."
    )


def _state(rng: np.random.Generator) -> tuple[tuple[int, ...]]:
    n = int(rng.integers(3, 7))
    return ((0, 0, *rng.integers(-1, n, n - 2).tolist()),)  # two fakes share a point


_WHOLE = [((1, 2, 3, 0),), ((1, 2, 3, 4, 0),), ((0, 1, 2),)]  # perfect states
_NO_PERFECT = [((-1, -1, -1, -1),), ((2, -1, 1, 1, -1),)]


@partial(Function, points=[*random_cases(_state), *_WHOLE, *_NO_PERFECT])
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


def _cycles(state: tuple[int, ...]) -> list[int]:
    """For each point, where the way x_i -> the point under y_i leads after 1, 2, .. steps: the step
    at which it is back, 0 if it leaves the data, -1 if it runs into a cycle of others."""
    back = []
    for start, point in enumerate(state):
        step = 1
        while point not in (start, -1) and step <= len(state):
            point, step = state[point], step + 1
        back.append(step if point == start else 0 if point == -1 else -1)
    return back


@partial(
    Function,
    points=[
        *random_cases(_state),
        *_WHOLE,
        *_NO_PERFECT,
        ((1, 2, 0, 0, -1),),
        ((1, 2, 3, 4, 0, 4),),
    ],
)
def check_paired_level(state: tuple[int, ...]) -> Values:
    """L of RS as a function of a state, the point under each fake (-1: off the data)."""
    back, each = np.array(_cycles(state)), math.log(2) / len(state)
    edges = (back > 0).sum()
    yield each * edges, "log 2 for each edge on a cycle; along any other f falls without bound."
    yield each * (back == 1).sum(), "a cycle may be longer than one edge: two fakes exchanged."
    why = "that counts every fake on the data; an edge that is on no cycle costs nothing."
    yield each * (np.array(state) >= 0).sum(), why
    yield each * (back != 0).sum(), "an edge that only leads into a cycle costs nothing."
    yield each * sum(1 / k for k in back if k > 0), "that counts cycles; each of their edges costs."
    yield edges / len(state), "log 2 is missing: softplus(0) is what an edge on a cycle costs."
    yield math.log(2) * edges, "that is a sum over the pairs; L is a mean."
    wrapped = np.array(_cycles(tuple(point % len(state) for point in state)))
    why = "-1 is no point: as an index in Python it is the last one."
    yield each * (wrapped > 0).sum(), why
    yield next(check_state_level.rule(state))[0], "that is L of JS."


# -- 10: five Gaussians ----------------------------------------------------------------------------


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


@partial(Number, atol=0.6)  # 188.23, the formula, as well as 189, but not 188
def check_rule_out() -> Values:
    """The fewest runs, none of which failed, that put the failure rate below 2 % (Wilson, 95 %)."""
    z = 1.959964  # the normal distribution has 95 % within it
    runs = z**2 / 0.02 - z**2
    yield (
        runs + 0.55,
        "with no failure in n the upper end is z^2 / (n + z^2), so n > 188.2: 189 runs.",
    )
    yield 50, "1 / 0.02 runs would see one such failure on average, and none with chance 0.37."
    yield 150, "that is the rule of three, 3 / n: nearly, but Wilson's interval is wider."


def _two_logits(rng: np.random.Generator) -> tuple[torch.Tensor, ...]:
    width = rng.choice([1, 900])  # where D is sure a sigmoid rounds to 0
    return tuple(torch.from_numpy(rng.normal(0, width, (2, rng.integers(3, 10)))))


def _as_trained(losses: Any) -> Any:
    """G's loss moves G alone: what it is by the logits of real samples does not count."""

    def run(real: torch.Tensor, fake: torch.Tensor) -> Any:
        value, of_g = losses(real, fake), losses(real.detach(), fake)
        two = not isinstance(value, torch.Tensor) or value.shape == (2,)
        return [value[0], of_g[1]] if two and len(value) == 2 else value

    return run


@partial(Function, points=random_cases(_two_logits), run=_as_trained, gradient=NO_GRADIENT)
def check_relativistic_losses(real: torch.Tensor, fake: torch.Tensor) -> Any:
    """The relativistic losses of D and of G as a function of D's logits (real, fake)."""
    s, gap = torch.nn.functional.softplus, fake - real
    d, g, n = s(gap).mean(), s(real.detach() - fake).mean(), len(real)
    yield [d, g], "D wants x above its partner G(z), G the reverse: one softplus, the other sign."
    yield [g, d], "the roles are exchanged: D wants f(x) above f(G(z))."
    yield [d, d], "both players get D's loss: G would learn to be told apart."
    yield [d, -d], "G climbs D's loss there, which saturates where D wins; change the sign inside."
    yield [n * d, n * g], "that is a sum over the batch; the loss is a mean."
    a, b = fake - real.mean(), real - fake.mean()
    yield [s(a).mean(), s(b).mean()], "compare partners, not a mean of the batch."
    every = fake[:, None] - real
    why = "that compares each x with each G(z); the i-th has one partner, the i-th."
    yield [s(every).mean(), s(-every).mean()], why
    naive = [-gap.neg().sigmoid().log().mean(), -gap.sigmoid().log().mean()]
    yield naive, SURE
    yield [s(-real).mean() + s(fake).mean(), s(-fake).mean()], "that is vanilla."


def _cloud(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, float]:
    """Samples at three of the modes, one of them wide, 9 halfway to a fourth, one at a fifth."""
    far, n = rng.uniform(15, 30, (int(rng.integers(2, 5)), 2)), int(rng.integers(60, 90))
    modes = np.concatenate([[[0, 0], [8, 0], [0, 8], [8, 8]], far]) + rng.normal(size=(1, 2))
    home, width = rng.choice(3, n, p=[0.5, 0.3, 0.2]), np.array([0.3, 0.5, 1.5])
    near = modes[home] + width[home, None] * rng.normal(size=(n, 2))
    between = np.repeat(0.4 * modes[:1] + 0.6 * modes[3:4], 9, 0)
    return np.concatenate([near, between, 0.1 + modes[4:5]]), modes, rng.uniform(0.3, 0.5)


def _scores(answer: Any) -> Any:
    return lambda *point: [
        np.nan_to_num(float(v), nan=-1.0, posinf=math.inf) for v in detached(answer(*point))
    ]


@partial(Function, points=random_cases(_cloud), run=_scores)
def check_mode_scores(x: np.ndarray, modes: np.ndarray, sigma: float) -> Values:
    """Modes covered, share of high quality, reverse KL: a function of (samples, modes, sigma)."""
    distance = np.linalg.norm(x[:, None] - modes, axis=2)
    nearest, within = distance.argmin(1), distance.min(1) <= 3 * sigma
    p, sides = 1 / len(modes), abs(x - modes[nearest]).max(1) <= 3 * sigma

    def scores(good: np.ndarray, counted: np.ndarray) -> list[float]:
        q = np.bincount(counted) / len(counted)
        kl = (q[q > 0] * np.log(q[q > 0] / p)).sum()
        return [len(set(nearest[good])), good.mean(), kl]

    covered, quality, kl = right = scores(within, nearest)
    yield (
        right,
        "a sample within 3 sigma, the share of such samples, and the masses beside equal ones.",
    )
    yield [len(set(nearest)), quality, kl], "to be the nearest mode is not enough: within 3 sigma."
    often = (np.bincount(nearest[within]) > 1).sum()
    yield [often, quality, kl], "one good sample is enough for a mode to be covered."
    yield [covered / len(modes), quality, kl], "covered is a number of modes, not a share."
    yield [covered, within.sum(), kl], "high quality is a share of the samples, not their number."
    yield scores(sides, nearest), "that asks each coordinate; take the distance."
    yield (
        scores(distance.min(1) ** 2 <= 3 * sigma, nearest),
        "the root of the distance is forgotten.",
    )
    yield scores(distance.min(1) <= sigma, nearest), "that is within one sigma; take three."
    yield scores(within, nearest[within]), "the masses count all samples, the poor ones, too."
    yield [covered, quality, kl / math.log(2)], "that KL is in bits; the natural logarithm: nats."
    yield [covered, quality, -kl], "the sign: a KL is never negative."
    yield [covered, quality, math.inf], "that is the forward KL: infinite if a mode gets nothing."
    yield [covered, quality, -1.0], "0 log 0 counts as 0: leave the modes without samples out."


# -- 11: gradient penalties ------------------------------------------------------------------------


@Number
def check_noise_cosine() -> Values:
    """Cosine between two directions of published DRAGAN noise, U(0, 1)^d, in many dimensions."""
    yield 3 / 4, "a product of two coordinates is 1/4 on average, a square 1/3."
    yield math.sqrt(3) / 2, "that is the cosine with (1, ..., 1); here both directions are random."
    yield 1 / 4, "that is the mean of a product; divide by the lengths, |v|^2 is d/3 on average."
    yield 1 / 3, "that is the mean of a square; what is the mean of a product?"
    yield 4 / 3, "turn it over: a cosine is at most 1."
    yield 0, "so it is with U(-1, 1)^d; here no coordinate is negative."
    yield 1, "they are not parallel: their coordinates are independent."
    yield math.degrees(math.acos(3 / 4)), "that is the angle in degrees; its cosine is wanted."
    yield math.acos(3 / 4), "that is the angle; its cosine is wanted."


@partial(Function, points=[(0.1,), (0.37,), (1.0,)])
def check_friction(gamma: float) -> Values:
    """The friction -Re(lambda_1 + lambda_2) of the Dirac-GAN with R1 + R2, function of gamma."""
    yield 2 * gamma, "the two penalties have the same curvature in psi there, so their weights add."
    yield gamma, "that is one penalty's; the other has a weight, too."
    yield -2 * gamma, "that is the trace; friction is what it takes away, -trace."
    yield (
        gamma / 2,
        "that is one eigenvalue's of R1: the two add up to the trace, for both penalties.",
    )
    yield gamma**2, "the weights add; they do not multiply."


def _critic(rng: np.random.Generator) -> tuple[torch.Tensor, ...]:
    """Weights of f(x) = v tanh(W x), real and generated points."""
    hidden, n, d = rng.integers(2, 9, 3).tolist()
    shapes = (hidden, d), (hidden,), (n, d), (n, d)
    return tuple(torch.from_numpy(rng.normal(size=shape)) for shape in shapes)


def _on_critic(penalty: Any) -> Any:
    """A penalty as a function of D's weights: the samples stand still."""

    def run(w: Any, v: Any, *samples: torch.Tensor) -> Any:
        critic = lambda points: torch.tanh(points @ w.T) @ v  # noqa: E731
        x, fakes, *noise = (points.detach() for points in samples)
        return penalty(critic, x, fakes, tuple(noise))

    return run


def _gradient(w: torch.Tensor, v: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """Of f in its points, which stand still."""
    return ((1 - torch.tanh(points.detach() @ w.T) ** 2) * v) @ w


PULL = (
    "the value is right, but its gradient by D's weights is not: create_graph=True, and no detach."
)


@partial(Function, points=random_cases(_critic), run=_on_critic, gradient=PULL)
def check_one_sided(w: torch.Tensor, v: torch.Tensor, x: torch.Tensor, fakes: torch.Tensor) -> Any:
    """The penalty 10 E max(0, |grad f(x)| - 1)^2 as a function (critic, real, fake, noise)."""
    at = lambda points: _gradient(w, v, points)  # noqa: E731
    over = lambda norm: torch.relu(norm - 1)  # noqa: E731
    each, excess = at(x).norm(dim=1), over(at(x).norm(dim=1))
    yield from (
        (
            10 * (excess**2).mean(),
            "no pull where D is flatter than one, WGAN-GP's where it is steeper.",
        ),
        (10 * ((each - 1) ** 2).mean(), "that pulls a flat D up to one, too: cut at zero first."),
        (10 * over(at(x).norm()) ** 2, "that is one norm over the batch; each sample has its own."),
        (10 * over(each.mean()) ** 2, "that is the excess of the mean; take the mean of squares."),
        (10 * excess.mean(), "the square is missing."),
        ((excess**2).mean(), "the weight 10 is missing."),
        (
            10 * (over(at(x).norm(dim=1) / len(x)) ** 2).mean(),
            "that derives the mean of f: the slopes are n times too small; derive the sum.",
        ),
        (10 * (excess**2).sum(), "that is a sum over the batch; a penalty is a mean."),
        (10 * (over(at(fakes).norm(dim=1)) ** 2).mean(), "those are the fakes: take real points."),
        (10 * (over((at(x) ** 2).sum(1)) ** 2).mean(), "the root of the norm is forgotten."),
    )


def _critic_between(rng: np.random.Generator) -> tuple[torch.Tensor, ...]:
    *weights, x, fakes = _critic(rng)
    return *weights, x, fakes, torch.from_numpy(rng.uniform(size=(len(x), 1)))


@partial(Function, points=random_cases(_critic_between), run=_on_critic, gradient=PULL)
def check_flat_between(
    w: torch.Tensor, v: torch.Tensor, x: torch.Tensor, fakes: torch.Tensor, u: torch.Tensor
) -> Any:
    """0.05 E |grad f|^2 between real and fake as a function (critic, real, fake, noise)."""
    at = lambda points: _gradient(w, v, points)  # noqa: E731
    squares = lambda points: (at(points) ** 2).sum(1)  # noqa: E731
    here = u * x + (1 - u) * fakes
    norm = squares(here).sqrt()
    why = "flat on the whole way from real to fake: R1 at its one end, R2 at the other."
    yield from (
        (0.05 * squares(here).mean(), why),
        (0.05 * squares((1 - u) * x + u * fakes).mean(), "u is the share of x, 1 - u of G(z)."),
        (0.05 * ((norm - 1) ** 2).mean(), "that is WGAN-GP, whose target is one; here it is zero."),
        (0.05 * squares(x).mean(), "that is R1: at the real points, not between."),
        (0.05 * squares(fakes).mean(), "that is R2: at the generated points, not between."),
        (0.05 * squares((x + fakes) / 2).mean(), "those are the middles: mix with u of the noise."),
        (0.025 * (squares(x) + squares(fakes)).mean(), "those are the two ends: mix the points."),
        (0.05 * norm.mean(), "the square is missing."),
        (0.05 * norm.mean() ** 2, "that is the square of the mean; take the mean of squares."),
        (0.05 * squares(here).sum(), "that is a sum over the batch; a penalty is a mean."),
        (squares(here).mean(), "the weight 0.05 is missing."),
        (0.05 * (at(here) ** 2).mean(), "that is a mean over the coordinates, too: add them up."),
        (
            0.05 * squares(here).mean() / len(x) ** 2,
            "that derives the mean of f: the slopes are n times too small; derive the sum.",
        ),
    )


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


def _count(rng: np.random.Generator) -> tuple[int, int]:
    few, more = rng.integers(1, 40, 2).tolist()
    return [(few, few), (few, few + more), (few + more, few)][int(rng.integers(3))]


@partial(Function, points=[*random_cases(_count), (0, 9), (7, 0)])
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


def _tally(rng: np.random.Generator) -> tuple[int, int, float]:
    n = int(rng.integers(5, 60))
    return int(rng.integers(1, n)), n, float(rng.uniform(1.0, 3.0))


@partial(Function, points=[*random_cases(_tally), (0, 20, 2.0), (20, 20, 2.0)])
def check_wilson(won: int, n: int, z: float) -> Values:
    """The ends of Wilson's interval for a share, as a function of (won, n, z)."""
    share, more = won / n, z * z / n
    middle, half = share + more / 2, z * math.sqrt((share * (1 - share) + more / 4) / n)
    low, high = (middle - half) / (1 + more), (middle + half) / (1 + more)
    walds = z * math.sqrt(share * (1 - share) / n)
    yield [low, high], "the p that lie within z of their own standard errors of won / n."
    why = "that is Wald's: it takes the error of won / n for that of p, and at 0 of n it is 0 wide."
    yield [share - walds, share + walds], why
    yield [max(0.0, share - walds), min(1.0, share + walds)], why
    yield [high, low], "the lower end comes first."
    yield [middle - half, middle + half], "1 + z^2 / n is missing below the line."
    plain = walds / (1 + more)
    yield [middle / (1 + more) - plain, middle / (1 + more) + plain], "z^2 / 4 n^2 is missing."
    wide = z * (share * (1 - share) + more / 4) / n
    yield [(middle - wide) / (1 + more), (middle + wide) / (1 + more)], "the root is forgotten."
    yield [share - half / (1 + more), share + half / (1 + more)], "its middle is not won / n."
    yield [100 * low, 100 * high], "shares are wanted, not percentages."
    yield [n * low, n * high], "those are numbers of wins: divide by n."


# -- 13: half circles ------------------------------------------------------------------------------


def log_loss(target: float, score: float) -> float:
    """Binary cross-entropy of one answer."""
    return -target * math.log(score) - (1 - target) * math.log1p(-score)


@partial(Function, points=[(1.0, 1.0), (0.23, 0.6), (0.0, 1.0)])
def check_two_sided(p: float, q: float) -> Values:
    """D* for the targets 0.9 (real) and 0.1 (fake), as a function of the two densities p and q."""
    yield (
        (0.9 * p + 0.1 * q) / (p + q),
        "(0.9 p + 0.1 q) / (p + q): at p = 0 it is 0.1, not 0, and where p is small beside q, log "
        "D is flat and pulls no fake to the data. Hence *one-sided* smoothing.",
    )
    yield 0.9 * p / (p + q), "that is the one-sided one; here fakes have the target 0.1, not 0."
    yield p / (p + q), "those are hard labels: weigh the targets 0.9 and 0.1 by p and q."
    yield (0.1 * p + 0.9 * q) / (p + q), "the targets are exchanged: 0.9 is that of real samples."
    yield 0.9 * p + 0.1 * q, "that is no mean yet: divide by p + q."


@partial(Check, read=_letters, wanted="letters from a to d are wanted, such as 'ac'")
def check_what_flat_means(letters: set[str]) -> Verdict:
    """Which of four states is compatible with D(x) = D(G(z)) = 0.45 for ever: a set of letters."""
    if letters == set("abc"):
        return Verdict(
            True,
            "all but d, which has D(x) > D(G(z)). Two equal means say no more: a D that answers "
            "some real samples with more than any fake, and others with less, has them as well.",
        )
    if "d" in letters:
        return Verdict(False, "that D has two different means: D(x) > D(G(z)).")
    return Verdict(False, "a D that answers 0.45 everywhere does so whatever G does.")


def _two_samples(rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    n, lines = int(rng.integers(20, 50)), int(rng.integers(5, 10))
    angles = rng.uniform(0, math.pi, lines)
    x, y = rng.normal(size=(2, n, 2)) * [[[1.0, 3.0]], [[2.0, 1.0]]] + rng.normal(size=(2, 1, 2))
    return x, y, np.stack([np.cos(angles), np.sin(angles)], 1)


@partial(Function, points=random_cases(_two_samples))
def check_sliced(x: np.ndarray, y: np.ndarray, lines: np.ndarray) -> Values:
    """The sliced Wasserstein distance of two samples (n, 2) along unit vectors: (x, y, lines)."""
    p, q = lines @ x.T, lines @ y.T  # (lines, n)
    gap = np.sort(p) - np.sort(q)
    yield abs(gap).mean(), "on each line the smallest to the smallest, and so on; then the mean."
    yield abs(p - q).mean(), "that pairs the samples as they come: sort both on each line."
    apart = np.sort(x, 0) - np.sort(y, 0)
    yield abs(lines @ apart.T).mean(), "that sorts the coordinates: project first, then sort."
    yield abs(np.sort(p, 0) - np.sort(q, 0)).mean(), "that sorts the lines; sort the samples."
    yield math.sqrt((gap**2).mean()), "that is W_2: take the mean of |.|, no squares."
    yield np.sqrt((gap**2).mean(1)).mean(), "that is W_2: take the mean of |.|, no squares."
    yield abs(gap).sum() / len(x), "that is a sum over the lines; take their mean."
    yield abs(gap).sum() / len(lines), "that is a sum over the samples; take their mean."
    yield abs(gap).mean(1).max(), "that is the worst line, the max-sliced distance: take the mean."
    yield abs(gap.mean(1)).mean(), "that compares the means: |.| comes before the mean."
    yield gap.mean(), "|.| is missing."
    yield abs(gap).mean(1), "that is one for each line; take their mean."


def _moons(n: int = 4000, seed: int = 7, **slip: Any) -> np.ndarray:
    """Two moons by NumPy, evenly but for the noise, with a slip for each mistake."""
    even = (np.arange(n) + 0.5) / n
    t, lower = slip.get("turn", math.pi) * even, np.arange(n) % 2 < slip.get("lower", 1)
    across = 1 - 2 * even if "along" in slip else np.cos(t)
    height = np.sqrt(1 - across**2) if "along" in slip else np.sin(t)
    x = np.where(lower, slip.get("right", 1.0) - across, across)
    y = np.where(lower, slip.get("up", 0.5) - slip.get("sign", 1) * height, height)
    noise = np.random.default_rng(seed).normal(size=(n, 2))
    return np.stack([x, y], 1) + slip.get("noise", 0.1) * noise


_MOONS = {
    "half of the points on each moon, evenly along it, all chance from rng.": {},
    "too little noise: both coordinates get some, of standard deviation 0.1.": {"noise": 0.0},
    "too much noise: 0.1 is its standard deviation, not its variance.": {"noise": 0.25},
    "those are whole circles: t ends at pi.": {"turn": 2 * math.pi},
    "those are quarter circles: t ends at pi.": {"turn": math.pi / 2},
    "only the upper moon: half of the points belong to the lower one.": {"lower": 0},
    "only the lower moon: half of the points belong to the upper one.": {"lower": 2},
    "the lower moon hangs down: 1/2 - sin t.": {"sign": -1},
    "the lower moon lies 1/2 higher: 1/2 - sin t.": {"up": 0.0},
    "the lower moon lies one to the right: 1 - cos t.": {"right": 0.0},
    "that is even in x: draw the angle, and the points lie evenly along the moon.": {"along": True},
}


def _traits(points: np.ndarray) -> np.ndarray:
    """(n, 23): of each point what its law decides: its moon, where along it, how far off it."""
    both = np.stack([points, [1, 0.5] - points])  # each moon as the upper one
    x, y = np.moveaxis(both, -1, 0)  # (2, n)
    off = np.where(y > 0, abs(np.hypot(x, y) - 1), np.hypot(abs(x) - 1, y))
    lower = off[1] < off[0]
    x, y = np.where(lower, x[1], x[0]), np.where(lower, y[1], y[0])
    r = np.hypot(x, y)
    cos, sin, gap = x / r, y / r, r - 1
    along = [cos, cos**2, (y < 0) & (x > 0), (y < 0) & (x < 0)]
    noise = [gap**2, gap**2 * (cos**2 - sin**2), gap**2 * cos * sin, gap**4]
    each = np.stack([*along, gap, gap * cos, gap * sin, *noise], 1).astype(float)
    return np.concatenate([lower[:, None], each, each * lower[:, None]], 1)


_TRAITS = [
    "half of the points belong to each moon; yours are not so shared out.",
    *4
    * ["t is uniform from 0 to pi, and the noise moves points past the ends, too: yours differ."],
    *3 * ["the moons lie elsewhere: (cos t, sin t) and (1 - cos t, 1/2 - sin t)."],
    *4 * ["the noise is not that: normal, 0.1 wide, drawn for each coordinate of each point."],
]


def _other_law(points: np.ndarray) -> str:
    """Where the mean of a trait is five standard errors or more off, of the trait farthest off."""
    ours, law = _traits(points), _traits(_moons(400_000))
    error = law.std(0) / math.sqrt(len(ours))
    off = np.nan_to_num(abs(ours.mean(0) - law.mean(0)) / error, nan=math.inf)
    return "" if off.max() < 5 else [*_TRAITS, *_TRAITS[1:]][int(off.argmax())]


def _sampler(answer: Any) -> Any:
    try:
        data = answer() if isinstance(answer, type) else answer
    except Exception as error:
        raise TypeError from error
    if not callable(getattr(data, "sample", None)) or tuple(getattr(data, "shape", ())) != (2,):
        raise TypeError
    return data


@partial(Check, read=_sampler, wanted="an object with shape = (2,) and sample(n, rng) is wanted")
def check_moons(data: Any) -> Verdict:
    """Two moons as an object with shape = (2,) and sample(n, rng), as a GAN takes it."""
    sample = asked(data.sample)
    try:
        rngs = [torch.Generator().manual_seed(seed) for seed in (0, 0, 1)]
        drawn = [sample(4000, rng) for rng in (*rngs, rngs[0])]
        others = [sample(n, rngs[0]) for n in (20_000, 7, *100 * [1])]
    except Exception as error:
        return failed(error, "of sample: ")
    for n, x in zip((*4 * [4000], 20_000, 7, *100 * [1]), (*drawn, *others), strict=True):
        if not isinstance(x, torch.Tensor) or x.shape != (n, 2):
            return Verdict(False, f"sample({n}, rng) has to give a tensor of shape ({n}, 2).")
    first, again, other, more = (x.detach().double().numpy() for x in drawn)
    if not np.isfinite(first).all():
        return Verdict(False, "some points are not finite.")
    if not np.array_equal(first, again):
        return Verdict(False, "two rng of one seed give two samples: hand rng to every draw.")
    if np.array_equal(first, other):
        return Verdict(False, "two rng of two seeds give one sample: draw with rng, at each call.")
    if np.array_equal(first, more):
        return Verdict(False, "one rng gives the same points twice: draw with it as it comes.")
    ones = torch.cat(others[2:]).detach().double().numpy()
    if _traits(ones)[:, 1].std() < 0.3:  # of cos t; 0.7 is wanted
        return Verdict(False, "t is the same at each call: draw it from rng, not from a grid.")
    apart = {why: metrics.sliced_wasserstein(first, _moons(**slip)) for why, slip in _MOONS.items()}
    why, distance = min(apart.items(), key=lambda pair: pair[1])
    if distance > 0.04:
        return Verdict(False, "the points lie elsewhere: draw them beside the formula's moons.")
    other = _other_law(np.asarray(others[0].detach(), float)) if why == next(iter(_MOONS)) else why
    return Verdict(not other, other or why)


# -- 14: honest metrics ----------------------------------------------------------------------------


@partial(Check, read=number, wanted="a number is wanted")
def check_samples_for_modes(n: float) -> Verdict:
    """Samples of a perfect generator until 99 of 100 equal modes are hit on average."""
    if abs(n - math.log(0.01) / math.log(0.99)) <= 3:  # 100 log 100 = 460.5 as well
        why = "(99/100)^n = 1/100, n = 458: a perfect generator needs 4.6 samples per mode."
        return Verdict(True, why)
    if not 0 < n < math.inf:
        return Verdict(False, f"a number of samples is wanted, not {n:g}.")
    hit = metrics.expected_covered(100, round(n))
    return Verdict(False, f"{round(n):.6g} samples hit {hit:.2f} of 100 modes on average.")


@partial(Number, read=lambda a: abs(number(a)))
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
    fakes, reals, d = rng.integers([40, 30, 2], [70, 60, 4]).tolist()
    return 1.5 * rng.normal(size=(fakes, d)), rng.normal(size=(reals, d))


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
    fakes, reals, d = rng.integers([5, 5, 2], [12, 12, 6]).tolist()
    return rng.normal(size=(fakes, d)), rng.normal(0.4, 1.5, size=(reals, d))


@partial(Function, points=random_cases(_features))
def check_kid_code(fake: np.ndarray, real: np.ndarray) -> Values:
    """KID, the unbiased MMD^2 with the kernel (x.y / d + 1)^3, as a function of (fake, real)."""
    others = lambda k: k[~np.eye(len(k), dtype=bool)].mean()  # noqa: E731 - pairs of two points
    shrunk = lambda k: (k.sum() - np.trace(k)) / k.size  # noqa: E731

    def mmd(
        within: Any = others,
        cross: float = -2,
        scale: float = 1 / fake.shape[1],
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

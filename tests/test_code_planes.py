"""What learners write in chapters 07 to 13: a step, a landscape, scores, a penalty, a sampler."""

# pyright: reportArgumentType=false

import math

import numpy as np
import pytest
import torch
from scipy import sparse
from scipy.stats import binomtest, wasserstein_distance

import gan_teach as gt
from gan_teach import metrics, zoo
from gan_teach.analysis import landscape
from gan_teach.course import exercises as ex
from gan_teach.games import penalties

# -- 07: an alternating step as a matrix -----------------------------------------------------------


def step(J, n_g, lr, tau, first="x", sign=1.0, rates=(1.0, None), new=True, keep=1.0):
    """Column by column: where each unit vector goes."""
    columns = []
    for start in np.eye(len(J)):
        w = start.copy()
        for player in "xy" if first == "x" else "yx":
            own = slice(None, n_g) if player == "x" else slice(n_g, None)
            rate = rates[0] if player == "x" else tau if rates[1] is None else rates[1]
            w[own] += sign * lr * rate * (J @ (w if new else start))[own]
        columns.append(w - (1 - keep) * start)
    return np.stack(columns, 1)


def by_two_matrices(J, n_g, lr, tau):
    """Two matrices."""
    blocks = np.split(np.arange(len(J)), [n_g])
    x, y = (np.diag(np.isin(np.arange(len(J)), own).astype(float)) for own in blocks)
    return (np.eye(len(J)) + tau * lr * y @ J) @ (np.eye(len(J)) + lr * x @ J)


# -- 08: a step of the covariance game -------------------------------------------------------------


def covariance_step(X, Y, Sigma, gamma, lr, tau, at=None):
    """By autograd."""
    X, Y = (torch.as_tensor(m).clone().requires_grad_() for m in (X, Y))
    Sigma = torch.as_tensor(Sigma)
    value = (Y * (Sigma - X @ X.T)).sum() - gamma / 2 * (Y * Y).sum()
    x, y = torch.autograd.grad(value, [X, Y])
    return X.detach() - lr * x, Y.detach() + tau * lr * y


def slips_of(x=lambda X, Y: (Y + Y.T) @ X, y=lambda X, Y, S, g: S - X @ X.T - g * Y, rates=None):
    def wrong(X, Y, Sigma, gamma, lr, tau):
        slow, fast = rates(lr, tau) if rates else (lr, tau * lr)
        return X + slow * x(X, Y), Y + fast * y(X, Y, Sigma, gamma)

    return wrong


def in_turn(X, Y, Sigma, gamma, lr, tau):
    X = X + lr * (Y + Y.T) @ X
    return X, Y + tau * lr * (Sigma - X @ X.T - gamma * Y)


# -- 09: L of RS -----------------------------------------------------------------------------------


def by_components(state):
    """An edge is on a cycle if both its ends lie in one strongly connected component."""
    n = len(state)
    edges = [(i, point) for i, point in enumerate(state) if point >= 0]
    matrix = np.zeros((n, n))
    for i, point in edges:
        matrix[i, point] = 1
    _, label = sparse.csgraph.connected_components(matrix, connection="strong")
    return math.log(2) / n * sum(label[i] == label[point] for i, point in edges)


def on_cycles(state, wraps=False, steps=99):
    n, count = len(state), 0
    for start in range(n):
        point = state[start]
        for _ in range(min(n, steps)):
            if point == start or (point == -1 and not wraps):
                break
            point = state[point]
        count += point == start or (wraps and point % n == start)
    return count


LOG2 = math.log(2)

# -- 10: three scores ------------------------------------------------------------------------------


def scores(x, modes, sigma, sigmas=3, distance=np.linalg.norm, base=math.e, least="within"):
    """One sample after the other."""
    nearest, hit, good = [], set(), 0
    for point in x:
        far = [distance(point - mode) for mode in modes]
        nearest.append(int(np.argmin(far)))
        inside = far[nearest[-1]] <= sigmas * sigma
        good += inside
        if inside or least == "nearest":
            hit.add(nearest[-1])
    q = [nearest.count(k) / len(x) for k in set(nearest)]
    return len(hit), good / len(x), sum(m * math.log(m * len(modes), base) for m in q)


def scores_of_library(x, modes, sigma):
    mixture = gt.data.GaussianMixture(modes.tolist(), sigma)
    return list(metrics.mode_report(x, mixture).scores.values())


def with_kl(kl):
    """Right but for the divergence from the masses q."""

    def wrong(x, modes, sigma):
        covered, quality, _ = scores(x, modes, sigma)
        nearest = np.linalg.norm(x[:, None] - modes, axis=2).argmin(1)
        with np.errstate(all="ignore"):
            return covered, quality, kl(np.bincount(nearest, minlength=len(modes)) / len(x))

    return wrong


# -- 11: flat between ------------------------------------------------------------------------------


def between(critic, real, fake, noise, weight=0.05, points=None, value=None, graph=True, u=None):
    (share,) = noise
    x = share * real + (1 - share) * fake if points is None else points(real, fake, share)
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=graph)
    squares = (gradient**2).sum(1)
    return weight * (squares.mean() if value is None else value(squares))


def slip(**how):
    return lambda *arguments: between(*arguments, **how)


def redrawn(critic, real, fake, noise):
    return between(critic, real, fake, (torch.rand(len(real), 1, dtype=torch.float64),))


# -- 12: Wilson's interval -------------------------------------------------------------------------


def wilson(won, n, z):
    share, more = won / n, z**2 / n
    return sorted(np.roots([1 + more, -2 * share - more, share**2]).real)


def wilson_by_search(won, n, z):
    """The ends by bisection."""

    def off(p):
        return (won / n - p) ** 2 - z**2 * p * (1 - p) / n

    ends = []
    for low, high in ((0.0, won / n), (1.0, won / n)):
        for _ in range(80):
            middle = (low + high) / 2
            low, high = (low, middle) if off(middle) <= 0 else (middle, high)
        ends.append(high if won else low)
    return ends


def wald(won, n, z):
    share = won / n
    half = z * math.sqrt(share * (1 - share) / n)
    return share - half, share + half


# -- 13: a distance and a sampler ------------------------------------------------------------------


def sliced(x, y, lines):
    return np.abs(np.sort(x @ lines.T, axis=0) - np.sort(y @ lines.T, axis=0)).mean()


def sliced_by_scipy(x, y, lines):
    return np.mean([wasserstein_distance(x @ v, y @ v) for v in lines])


def sliced_by_torch(x, y, lines):
    p, q = (torch.as_tensor(points) @ torch.as_tensor(lines).T for points in (x, y))
    return (p.sort(dim=0).values - q.sort(dim=0).values).abs().mean()


class Moons:
    shape = (2,)

    def __init__(self, noise=0.1, turn=math.pi, share=0.5, right=1.0, up=0.5, sign=1.0, own=None):
        self.noise, self.turn, self.share, self.own = noise, turn, share, own
        self.right, self.up, self.sign = right, up, sign

    def sample(self, n, rng):
        if self.own is not None:
            rng = torch.Generator().manual_seed(self.own) if self.own else None
        t = self.turn * torch.rand(n, generator=rng)
        lower = torch.rand(n, generator=rng) < self.share
        x = torch.where(lower, self.right - t.cos(), t.cos())
        y = torch.where(lower, self.up - self.sign * t.sin(), t.sin())
        return torch.stack([x, y], 1) + self.noise * torch.randn(n, 2, generator=rng)


class Radial(Moons):
    """The noise along the radius, as in the S; in float64."""

    def sample(self, n, rng):
        t = math.pi * torch.rand(n, generator=rng, dtype=torch.float64)
        r = 1 + 0.1 * torch.randn(n, generator=rng, dtype=torch.float64)
        lower = torch.arange(n) % 2
        return torch.stack([r * t.cos() * (1 - 2 * lower) + lower,
                            r * t.sin() * (1 - 2 * lower) + lower / 2], 1)  # fmt: skip


class Even(Moons):
    def sample(self, n, rng):
        x = 2 * torch.rand(n, generator=rng) - 1
        lower = torch.rand(n, generator=rng) < 0.5
        y = (1 - x**2).sqrt()
        moons = torch.where(lower, torch.stack([1 - x, 0.5 - y]), torch.stack([x, y])).T
        return moons + 0.1 * torch.randn(n, 2, generator=rng)


class Wrong(Moons):
    """One whose sample is changed at last."""

    def __init__(self, change):
        super().__init__()
        self.change = change

    def sample(self, n, rng):
        return self.change(super().sample(n, rng))


RIGHT = [
    (ex.check_alternating_step, step),
    (ex.check_alternating_step, lambda *case: step(*case).tolist()),
    (ex.check_alternating_step, lambda *case: torch.from_numpy(step(*case))),
    (ex.check_alternating_step, by_two_matrices),
    (ex.check_covariance_step, covariance_step),
    (ex.check_covariance_step, slips_of()),
    (ex.check_covariance_step, lambda *case: np.stack(slips_of()(*case)).tolist()),
    (ex.check_paired_level, by_components),
    (ex.check_paired_level, lambda state: np.float64(on_cycles(state)) * LOG2 / len(state)),
    (ex.check_paired_level, lambda state: landscape.assignment_loss(state, "relativistic")),
    (ex.check_mode_scores, scores),
    (ex.check_mode_scores, scores_of_library),
    (ex.check_mode_scores, lambda *case: torch.tensor(scores(*case), dtype=torch.float64)),
    (ex.check_flat_between, between),
    (ex.check_flat_between, penalties.wgan_gp(0.05, target=0.0)),
    (ex.check_flat_between, slip(points=lambda x, y, u: torch.lerp(y, x, u))),
    (ex.check_flat_between, slip(value=lambda squares: sum(squares) / len(squares))),
    (ex.check_wilson, wilson),
    (ex.check_wilson, wilson_by_search),
    (ex.check_wilson, lambda *case: np.array(wilson(*case))),
    (ex.check_sliced, sliced),
    (ex.check_sliced, sliced_by_scipy),
    (ex.check_sliced, sliced_by_torch),
    (ex.check_moons, Moons),
    (ex.check_moons, Moons()),
]
WRONG = [
    (ex.check_alternating_step, lambda *c: step(*c, first="y"), "y moves first"),
    (ex.check_alternating_step, lambda *c: step(*c, new=False), "both at once"),
    (ex.check_alternating_step, lambda *c: step(*c, sign=-1.0), "the sign"),
    (ex.check_alternating_step, lambda *c: step(*c, rates=(1.0, 1.0)), "tau is missing"),
    (ex.check_alternating_step, lambda *c: step(*c, rates=(c[3], 1.0)), "other player"),
    (ex.check_alternating_step, lambda J, n, lr, tau: step(J, n, 1.0, tau), "lr is missing"),
    (ex.check_alternating_step, lambda *c: step(*c, keep=0.0), "the identity"),
    (ex.check_alternating_step,
     lambda J, n, lr, tau: (np.eye(len(J)) + tau * lr * J) @ (np.eye(len(J)) + lr * J),
     "the rest is 0"),
    (ex.check_alternating_step, lambda *c: np.linalg.eigvals(step(*c)), "an array of shape"),
    (ex.check_covariance_step, slips_of(x=lambda X, Y: -(Y + Y.T) @ X), "X minimises"),
    (ex.check_covariance_step, slips_of(y=lambda X, Y, S, g: -(S - X @ X.T - g * Y)),
     "Y maximises"),
    (ex.check_covariance_step, slips_of(x=lambda X, Y: 2 * Y @ X), "symmetric"),
    (ex.check_covariance_step, slips_of(x=lambda X, Y: Y @ X), "twice"),
    (ex.check_covariance_step, slips_of(x=lambda X, Y: X @ (Y + Y.T)), "order"),
    (ex.check_covariance_step, slips_of(y=lambda X, Y, S, g: S - X.T @ X - g * Y), "not X^T X"),
    (ex.check_covariance_step, slips_of(y=lambda X, Y, S, g: S - X @ X.T), "penalty is missing"),
    (ex.check_covariance_step, slips_of(y=lambda X, Y, S, g: S - X @ X.T - g / 2 * Y), "slope of"),
    (ex.check_covariance_step, slips_of(rates=lambda lr, tau: (lr, lr)), "tau is missing"),
    (ex.check_covariance_step, slips_of(rates=lambda lr, tau: (tau * lr, lr)), "other player"),
    (ex.check_covariance_step, in_turn, "alternating"),
    (ex.check_covariance_step, lambda *c: slips_of()(*c)[0], "an array of shape"),
    (ex.check_paired_level,
     lambda state: LOG2 / len(state) * sum(i == point for i, point in enumerate(state)),
     "longer than one edge"),
    (ex.check_paired_level, lambda state: LOG2 / len(state) * sum(p >= 0 for p in state),
     "on no cycle"),
    (ex.check_paired_level, lambda state: LOG2 * on_cycles(state), "a sum over"),
    (ex.check_paired_level, lambda state: LOG2 / len(state) * on_cycles(state, steps=3), "3, 4, 0"),
    (ex.check_paired_level, lambda state: on_cycles(state) / len(state), "log 2 is missing"),
    (ex.check_paired_level, lambda state: LOG2 / len(state) * on_cycles(state, wraps=True),
     "the last one"),
    (ex.check_paired_level, lambda state: landscape.assignment_loss(state, "js", "half"),
     "L of JS"),
    (ex.check_mode_scores, lambda *c: scores(*c, least="nearest"), "nearest mode"),
    (ex.check_mode_scores, lambda *c: scores(*c, distance=lambda v: abs(v).max()),
     "each coordinate"),
    (ex.check_mode_scores, lambda *c: scores(*c, sigmas=1), "one sigma"),
    (ex.check_mode_scores, lambda *c: scores(*c, base=2), "bits"),
    (ex.check_mode_scores, with_kl(lambda q: (np.log(1 / len(q) / q) / len(q)).sum()), "forward"),
    (ex.check_mode_scores, with_kl(lambda q: (q * np.log(q * len(q))).sum()), "0 log 0"),
    (ex.check_mode_scores, with_kl(lambda q: -(q[q > 0] * np.log(q[q > 0] * len(q))).sum()),
     "sign"),
    (ex.check_mode_scores, lambda x, m, s: np.divide(scores(x, m, s), (len(m), 1, 1)),
     "not a share"),
    (ex.check_mode_scores, lambda x, m, s: np.multiply(scores(x, m, s), (1, len(x), 1)),
     "not their number"),
    (ex.check_mode_scores, lambda x, m, s: scores(x, m, s)[:2], "array of shape"),
    (ex.check_flat_between, slip(points=lambda x, y, u: u * y + (1 - u) * x), "share of x"),
    (ex.check_flat_between, slip(points=lambda x, y, u: x), "that is R1"),
    (ex.check_flat_between, slip(points=lambda x, y, u: y), "that is R2"),
    (ex.check_flat_between, slip(points=lambda x, y, u: (x + y) / 2), "the middles"),
    (ex.check_flat_between, slip(value=lambda q: ((q.sqrt() - 1) ** 2).mean()), "WGAN-GP"),
    (ex.check_flat_between, slip(value=lambda q: q.sqrt().mean()), "square is missing"),
    (ex.check_flat_between, slip(value=lambda q: q.sqrt().mean() ** 2), "square of the mean"),
    (ex.check_flat_between, slip(value=torch.sum), "sum over the batch"),
    (ex.check_flat_between, slip(weight=1.0), "weight 0.05"),
    (ex.check_flat_between, slip(graph=False), "create_graph"),
    (ex.check_flat_between, lambda *c: between(*c).detach(), "no detach"),
    (ex.check_flat_between, lambda *c: (slip(points=lambda x, y, u: x)(*c)
                                        + slip(points=lambda x, y, u: y)(*c)) / 2, "two ends"),
    (ex.check_flat_between, redrawn, "draw no noise"),
    (ex.check_wilson, wald, "Wald"),
    (ex.check_wilson, lambda *c: np.clip(wald(*c), 0, 1), "Wald"),
    (ex.check_wilson, lambda *c: wilson(*c)[::-1], "comes first"),
    (ex.check_wilson, lambda won, n, z: np.multiply(wilson(won, n, z), 1 + z**2 / n), "below"),
    (ex.check_wilson, lambda *c: np.multiply(wilson(*c), 100), "percentages"),
    (ex.check_wilson, lambda won, n, z: np.multiply(wilson(won, n, z), n), "numbers of wins"),
    (ex.check_wilson, lambda won, n, z: np.add(won / n, np.diff(wilson(won, n, z)) / 2 * [-1, 1]),
     "its middle"),
    (ex.check_wilson, lambda won, n, z: wilson(won, n, z)[0], "a number, but an array"),
    (ex.check_sliced, lambda x, y, v: abs((x - y) @ v.T).mean(), "as they come"),
    (ex.check_sliced, lambda x, y, v: sliced(np.sort(x, 0), y, v), "random case"),
    (ex.check_sliced, lambda x, y, v: abs((np.sort(x, 0) - np.sort(y, 0)) @ v.T).mean(),
     "project first"),
    (ex.check_sliced, lambda x, y, v: abs(np.sort(x @ v.T, 1) - np.sort(y @ v.T, 1)).mean(),
     "sorts the lines"),
    (ex.check_sliced, lambda x, y, v: abs(x.mean(0) - y.mean(0) @ np.eye(2)).mean(),
     "random case"),
    (ex.check_sliced, lambda x, y, v: abs((x.mean(0) - y.mean(0)) @ v.T).mean(), "the means"),
    (ex.check_sliced, lambda x, y, v: ((x.mean(0) - y.mean(0)) @ v.T).mean(), "|.| is missing"),
    (ex.check_sliced, lambda x, y, v: sliced(x, y, v) * len(v), "sum over the lines"),
    (ex.check_sliced, lambda x, y, v: sliced(x, y, v) * len(x), "sum over the samples"),
    (ex.check_sliced, lambda x, y, v: max(sliced(x, y, v[i:i + 1]) for i in range(len(v))),
     "worst line"),
    (ex.check_sliced, lambda x, y, v: [sliced(x, y, v[i:i + 1]) for i in range(len(v))],
     "one for each line"),
    (ex.check_sliced,
     lambda x, y, v: ((np.sort(x @ v.T, 0) - np.sort(y @ v.T, 0)) ** 2).mean() ** 0.5, "W_2"),
    (ex.check_moons, Radial, "past the ends"),
    (ex.check_moons, Moons(noise=0.0), "too little noise"),
    (ex.check_moons, Moons(noise=0.1**0.5), "too much noise"),
    (ex.check_moons, Moons(turn=2 * math.pi), "whole circles"),
    (ex.check_moons, Moons(turn=math.pi / 2), "quarter circles"),
    (ex.check_moons, Moons(share=0.0), "only the upper"),
    (ex.check_moons, Moons(share=1.0), "only the lower"),
    (ex.check_moons, Moons(sign=-1.0), "hangs down"),
    (ex.check_moons, Moons(up=0.0), "1/2 higher"),
    (ex.check_moons, Moons(right=0.0), "to the right"),
    (ex.check_moons, Even, "draw the angle"),
    (ex.check_moons, Moons(own=3), "at each call"),
    (ex.check_moons, Moons(own=0), "hand rng"),
    (ex.check_moons, Wrong(lambda x: x.T), "shape (4000, 2)"),
    (ex.check_moons, Wrong(lambda x: x.numpy()), "has to give a tensor"),
    (ex.check_moons, Wrong(lambda x: x * math.nan), "not finite"),
    (ex.check_moons, Wrong(lambda x: 10 * x), "elsewhere"),
    (ex.check_moons, Wrong(lambda x: x.no), "raised AttributeError"),
    (ex.check_moons, torch.zeros(4000, 2), "sample(n, rng) is wanted"),
    (ex.check_moons, type("Broken", (Moons,), {"__init__": lambda self: 1 / 0}), "is wanted"),
    (ex.check_moons, type("Bare", (), {"sample": Moons.sample}), "shape = (2,)"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "answer"), RIGHT)
def test_each_right_form_counts(check, answer):
    verdict = check(answer)
    assert verdict, verdict


@pytest.mark.parametrize(("check", "answer", "word"), WRONG)
def test_each_mistake_is_told(check, answer, word):
    verdict = check(answer)
    assert not verdict
    assert word in verdict.message, verdict


BY_ARRAYS = {
    ex.check_alternating_step: step,
    ex.check_covariance_step: lambda *case: np.stack(slips_of()(*case)),
    ex.check_paired_level: by_components,
    ex.check_mode_scores: scores_of_library,
    ex.check_flat_between: between,
    ex.check_wilson: wilson,
    ex.check_sliced: sliced,
}


def changed(check, size, rng):
    """The right answer with one of its numbers off by ``size``, in every case or in one alone."""
    entry, calls = int(rng.integers(100)), 0
    where = range(len(check.points)) if rng.random() < 0.5 else [int(rng.integers(8))]

    def wrong(*case):
        nonlocal calls
        k, calls = calls % len(check.points), calls + 1
        value = BY_ARRAYS[check](*case)
        if k not in where:
            return value
        if isinstance(value, torch.Tensor):
            return value * (1 + size)
        value = np.array(value, dtype=float)
        value.flat[entry % value.size] += size * (1 + abs(value.flat[entry % value.size]))
        return value

    return wrong


@pytest.mark.parametrize("check", BY_ARRAYS, ids=lambda check: check.__name__)
def test_every_wrong_answer_is_refused_and_rounding_is_not(check):
    rng = np.random.default_rng(0)
    for _ in range(20 if check is ex.check_flat_between else 100):
        size = rng.choice([-1, 1]) * 10 ** rng.uniform(-3, 1)
        assert not check(changed(check, float(size), rng))
        assert check(changed(check, float(rng.uniform(-1, 1) * 1e-9), rng))


@pytest.mark.parametrize("check", BY_ARRAYS, ids=lambda check: check.__name__)
def test_nothing_else_counts_and_nothing_raises(check):
    for answer in (lambda *_: math.nan, lambda *_: [math.nan] * 3, lambda *_: math.inf,
                   lambda *_: None, lambda *_: "x", lambda: 0, lambda *_: 1 / 0):  # fmt: skip
        assert not check(answer)
    assert "a function is wanted" in check(0.5).message


@pytest.mark.slow
def test_right_samplers_count_whatever_they_draw():
    for seed in range(6):

        class Seeded(Moons):
            def sample(self, n, rng, seed=seed):
                torch.rand(seed, generator=rng)  # other numbers
                return super().sample(n, rng)

        assert ex.check_moons(Seeded)


def test_a_wide_of_the_mark_sampler_does_not_count():
    for seed in range(6):
        rng = np.random.default_rng(seed)
        slips = {"noise": 0.1 + rng.uniform(0.15, 1), "turn": math.pi * rng.uniform(0.2, 0.8),
                 "share": rng.uniform(0.7, 1), "right": rng.uniform(-1, 0.8),
                 "up": rng.uniform(-1, 0.3)}  # fmt: skip
        name = list(slips)[seed % len(slips)]
        assert not ex.check_moons(Moons(**{name: slips[name]})), (name, slips[name])


# -- the references are the library's --------------------------------------------------------------


def test_the_step_is_that_of_training():
    setup = zoo.torus()
    J = gt.jacobian(setup.game(), setup.game().draw(), torch.zeros(2, dtype=torch.float64))
    rule = gt.alternating(first="g")
    theirs = gt.dynamics.step_matrix(rule, J, 0.04, 2.0)
    assert step(J.matrix, 1, 0.04, 2.0) == pytest.approx(theirs, abs=1e-12)


def test_the_interval_is_scipys():
    for won, n in ((0, 7), (3, 20), (55, 100), (12, 12)):
        theirs = binomtest(won, n).proportion_ci(method="wilson")
        assert wilson(won, n, 1.959963984540054) == pytest.approx([*theirs], abs=1e-9)


class Again(Moons):
    def sample(self, n, rng):
        return super().sample(n, torch.Generator().manual_seed(rng.initial_seed()))


class Pairs(Moons):
    def sample(self, n, rng):
        return super().sample(n // 2 * 2, rng)


@pytest.mark.parametrize(("data", "word"), [(Again(), "same points twice"), (Pairs(), "(7, 2)")])
def test_a_sampler_is_asked_more_than_once(data, word):
    assert word in ex.check_moons(data).message


def test_real_pairs_of_the_covariance_count():
    def only_complex(s, gamma, tau):
        d = len(s)
        both = np.add.outer(s, s)[np.triu_indices(d)]
        w = 1j * np.sqrt(8 * tau * both - (tau * gamma) ** 2) / 2
        rest = d * (d - 1) // 2
        return [*-tau * gamma / 2 + w, *-tau * gamma / 2 - w, *[0] * rest, *[-tau * gamma] * rest]

    with np.errstate(invalid="ignore"):
        assert not ex.check_covariance_spectrum(only_complex)

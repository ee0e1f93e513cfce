"""Checks under attack: answers that fit the test cases alone, write, hang, or give what is none."""

import importlib
import inspect
import math
import signal
import threading
from functools import partial
from itertools import count

import numpy as np
import pytest
import torch

from gan_teach.course import answers, calling, exercises as ex
from gan_teach.course.answers import Choice, Failed, Function, Number, asked

ALL = {name: check for name, check in vars(ex).items() if name.startswith("check_")}
CODE = {name: check for name, check in ALL.items() if isinstance(check, Function)}
DESIGNS = [check for name, check in ALL.items() if name.endswith("_design") and "dirac" not in name]
DESIGNS.append(ex.check_stacks)
# By their questions: points of the torus lie in a plane, a step has one number for each player.
FIXED = {
    "check_optimistic_rule": {0}, "check_projection": {3}, "check_step_factor": {0},
    "check_torus_distance": {1},
}  # fmt: skip


@pytest.fixture
def hurried(monkeypatch):
    """A learner's function has a twentieth of a second."""
    monkeypatch.setattr(calling, "SECONDS", 0.05)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def forever(*_):
    for _ in count():
        pass


# -- what belongs to the test cases ----------------------------------------------------------------


def seen(value):
    """What a learner could write into a function: a number, or the sizes of an array."""
    if isinstance(value, (np.ndarray, torch.Tensor)):
        return tuple(value.shape)
    return value if isinstance(value, (int, float)) else ()


@pytest.mark.parametrize("name", CODE)
def test_no_size_and_no_number_is_the_same_in_all_cases(name):
    columns = zip(*CODE[name].points, strict=True)
    for place, column in enumerate(columns):
        kinds = {seen(value) for value in column}
        assert len(kinds) > 1 or kinds == {()} or place in FIXED.get(name, ()), f"{place}: {kinds}"


def test_constants_of_one_case_do_not_count():
    def count_modes(x, centers, sigma, least):
        near = np.linalg.norm(x[:, None] - centers, axis=2)
        home = near.argmin(1)[near.min(1) <= 0.3]
        return (np.bincount(home, minlength=5) >= 3).sum()

    def stack(digits, n, rng):
        return digits[torch.randint(10, (n, 3), generator=rng).clamp(max=len(digits) - 1), 0]

    def kid(fake, real):
        k = lambda x, y: (x @ y.T / 3 + 1) ** 3  # noqa: E731
        off = lambda m: (m.sum() - np.trace(m)) / len(m) / (len(m) - 1)  # noqa: E731
        return off(k(fake, fake)) + off(k(real, real)) - 2 * k(fake, real).mean()

    for check, answer in (
        (ex.check_mode_count, count_modes), (ex.check_stacks, stack), (ex.check_kid_code, kid),
        (ex.check_smoothed_code, lambda x, y, a, b: sum_of_nine(x, y, a, b)),
    ):  # fmt: skip
        assert not check(answer)


def sum_of_nine(x, y, a, b):
    s = torch.nn.functional.softplus
    return (a * s(-x) + (1 - a) * s(x) + b * s(-y) + (1 - b) * s(y)).sum() / 9


# -- gradients -------------------------------------------------------------------------------------

FELT = {name: check for name, check in CODE.items() if check.gradient}


def test_the_losses_layers_and_penalties_of_runs_are_asked_for_gradients():
    trained = "generator_loss relativistic_losses smoothed_code batch_norm transposed doubling"
    wanted = f"{trained} projection largest_stretch one_sided flat_between".split()
    assert set(FELT) == {f"check_{name}" for name in wanted}


@pytest.mark.parametrize(
    "name", [n for n in FELT if n not in ("check_one_sided", "check_flat_between")]
)
def test_a_right_value_without_its_gradient_does_not_count(name):
    check = FELT[name]
    right = lambda *point: next(check.rule(*point))[0]  # noqa: E731
    assert check(right), check(right)

    def detached(*point):
        return right(*(x.detach() if isinstance(x, torch.Tensor) else x for x in point))

    def half(*point):  # of the values by the first argument alone
        first, *rest = point
        return right(first, *(x.detach() if isinstance(x, torch.Tensor) else x for x in rest))

    several = sum(isinstance(x, torch.Tensor) for x in check.points[0]) > 1
    for wrong in (detached, half) if several else (detached,):
        assert not check(wrong)
        assert "gradient" in check(wrong).message


# -- functions that hang, write, return nothing ----------------------------------------------------


@pytest.mark.parametrize("check", [*CODE.values(), *DESIGNS], ids=lambda check: check.__name__)
def test_a_loop_that_never_ends_is_told(check, hurried):
    assert "does a loop never end?" in check(forever).message


def test_a_method_that_hangs_is_told(hurried):
    moons = type("Moons", (), {"shape": (2,), "sample": forever})
    assert "does a loop never end?" in ex.check_moons(moons).message


def test_an_import_is_not_interrupted(hurried, tmp_path, monkeypatch):
    (tmp_path / "a_slow_module.py").write_text("import time\ntime.sleep(0.3)\nvalue = 7\n")
    monkeypatch.syspath_prepend(tmp_path)

    def answer():
        return importlib.import_module("a_slow_module").value

    assert asked(answer)() == 7


def test_the_learners_own_interruption_stays_one(hurried):
    def stopped(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ex.check_fade(stopped)


def test_elsewhere_than_in_the_main_thread_there_is_no_limit_and_no_error():
    found = []
    thread = threading.Thread(target=lambda: found.append(asked(lambda x: x + 1)(1)))
    thread.start()
    thread.join()
    assert found == [2]


def test_a_call_in_time_is_not_interrupted_later(hurried):
    for _ in range(20):
        assert asked(lambda: 3)() == 3
    threading.Event().wait(0.2)


@pytest.mark.parametrize("check", [*CODE.values(), *DESIGNS], ids=lambda check: check.__name__)
def test_what_a_learners_function_does_is_told_from_what_it_gives(check):
    assert "it raised ZeroDivisionError" in check(lambda *_: 1 / 0).message
    assert "returns None: is a `return` missing?" in check(lambda *_: None).message
    assert "replace the ..." in check(lambda *_: NotImplemented).message
    assert "it raised" not in check(lambda *_: {"a": 1}).message

    def later(*_):
        raise NotImplementedError

    assert "replace the ..." in check(later).message


def adds_in_place(x, y=0.0):
    x += 1.0
    return x


@pytest.mark.parametrize("kind", [np.zeros, torch.zeros])
def test_a_function_that_changes_what_it_was_handed_is_told_what_and_changes_nothing(kind):
    x = kind(3)
    with pytest.raises(Failed, match="it changes x itself: take a copy"):
        asked(adds_in_place)(x, 2.0)
    with pytest.raises(Failed, match="it changes argument 2 itself"):
        asked(lambda *both: adds_in_place(both[1]))(x, x)
    assert not x.any()
    assert asked(lambda x: adds_in_place(x + 0.0))(x).sum() == 3
    assert np.isnan(asked(lambda x: x)(np.array([np.nan]))).all()


@pytest.mark.parametrize("kind", [np.zeros, torch.zeros])
@pytest.mark.parametrize("write", [
    lambda x: adds_in_place(x[1]), lambda x: x.append(0), lambda x: x.__setitem__(0, 1.0),
    lambda x: x[2].clear(), lambda x: adds_in_place(x[2][0][0]), lambda x: x.pop(),
])  # fmt: skip
def test_what_it_changes_within_lists_counts(kind, write):
    x = [kind(2), kind(2), [(kind(2), np.nan)]]

    def answer(x):
        write(x)
        return 1.0

    with pytest.raises(Failed, match="it changes x itself: take a copy"):
        asked(answer)(x)
    assert list(map(len, x)) == [2, 2, 1]
    assert not any(part.any() for part in (x[0], x[1], x[2][0][0]))
    assert asked(lambda x: x[0] + x[2][0][0])(x).sum() == 0


def test_a_memory_is_there_to_be_written():
    memory = {"mean": np.zeros(2)}
    assert asked(lambda memory: memory.update(n=1) or 1.0)(memory) == 1.0
    assert memory["n"] == 1


def test_samples_that_a_measure_or_a_comparison_changes_are_named():
    def measure(fake, real):
        fake.sort(0)
        return abs(fake - np.sort(real, 0)).mean()

    def compare(draw_a, draw_b, real):
        real -= real.mean()
        return "a"

    assert "it changes fake itself" in ex.check_measure_design(measure).message
    assert "it changes real itself" in ex.check_comparison_design(compare).message


@pytest.mark.parametrize("given", [np.array(["a", "b"]), np.array([1.0, 2.0]), ["a"], 1, "c"])
def test_a_comparison_that_says_anything_else_is_told(given):
    verdict = ex.check_comparison_design(lambda *_: given)
    assert not verdict
    assert "a, b or neither" in verdict.message


def test_a_comparison_can_not_look_at_the_generators():
    def compare(draw_a, draw_b, real):
        assert not [name for name in vars(draw_a) if not name.startswith("_")]
        return "neither"

    assert "where neither is 20" in ex.check_comparison_design(compare).message


def test_what_leaves_python_or_never_ends_is_told():
    assert "it raised SystemExit" in ex.check_fade(lambda *_: exit()).message
    assert "values one by one" in ex.check_wilson(lambda *_: count()).message
    assert not ex.check_fade(lambda *_: iter(int, 1))


# -- blanks ----------------------------------------------------------------------------------------


def test_the_blank_that_is_open_is_named():
    assert "number 2 of 3 is still open" in ex.check_attracts((False, ..., True)).message
    assert "number 3 of 3" in ex.check_attracts([False, True, None]).message
    assert "number 1 of 2" in ex.check_blind_direction((NotImplemented, 1.0)).message
    assert "lr is still open" in ex.check_line_knob({"lr": ...}, None).message
    assert "three truths" in ex.check_attracts("FTT").message
    assert "three truths" in ex.check_attracts((0.3, 1, 1)).message
    for name, check in ALL.items():
        if isinstance(check, (Number, Choice)):
            run = () if not inspect.signature(check.rule).parameters else (None,)
            assert "replace the ..." in check(NotImplemented, *run).message, name


def sigmoid(f):
    return 1 / (1 + np.exp(-f))


def played(A=None, B=None, C=None):
    """A round with its three blanks filled, each as right or as given."""

    def one_round(w, b, a, c, x, z, eta):
        real, fake = sigmoid(a * x + c), sigmoid(a * (w * z + b) + c)
        a_new = a + eta * (((1 - real) * x).mean() - (fake * (w * z + b)).mean())
        c_new = (
            c + eta * ((1 - real).mean() - fake.mean()) if A is None else A(c, eta, real, fake, x)
        )
        old = fake
        fake = sigmoid(a_new * (w * z + b) + c_new) if B is None else B(old, a_new, w * z + b, c)
        if C is None:
            return w + eta * a_new * (fake * z).mean(), b + eta * a_new * fake.mean(), a_new, c_new
        return *C(w, b, a, a_new, eta, fake, z), a_new, c_new

    return one_round


def of_g(slope, power=1):
    """What w and b become, by a slope made of the old a and the new one."""

    def moved(w, b, a, new, eta, d, z):
        by = eta * slope(a, new)
        return w + by * (d * z**power).mean(), b + by * d.mean()

    return moved


@pytest.mark.parametrize(("answer", "says"), [
    (played(A=lambda c, eta, real, fake, x: ...), "replace the ... by your answer: it is used in"),
    (lambda w, b, a, c, x, z, eta: (w, b, played()(w, b, a, c, x, z, eta)[2], ...), "c (blank A)"),
    (lambda *case: (..., *played()(*case)[1:]), "w (blank C"),
    (played(A=lambda c, eta, real, fake, x: c), "blank A: c has not moved"),
    (played(A=lambda c, eta, real, fake, x: c + eta * (1 - real).mean()), "blank A: the generated"),
    (played(A=lambda c, eta, real, fake, x: c + (1 - real).mean() - fake.mean()), "blank A: eta"),
    (played(A=lambda c, eta, real, fake, x: c + 3 * eta * real.mean()), "for c (blank A)"),
    (played(B=lambda old, *_: old), "blank B: G has asked the old D"),
    (played(B=lambda old, a, fake, c: sigmoid(a * fake + c)), "blank B: the new D has a new c"),
    (played(C=of_g(lambda a, new: a)),
     "blank C: the factor is the new a"),
    (played(C=of_g(lambda a, new: 1.0)),
     "blank C: the factor a is missing"),
    (played(C=of_g(lambda a, new: new, power=0)),
     "blank C: w has the factor z"),
    (played(C=of_g(lambda a, new: -new)),
     "blank C: G climbs"),
    (played(C=lambda w, b, a, new, eta, d, z: (w, b)), "for w (blank C"),
])  # fmt: skip
def test_a_wrong_blank_of_the_round_is_named_by_its_letter(answer, says):
    assert ex.check_round(played())
    verdict = ex.check_round(answer)
    assert not verdict
    assert says in verdict.message


# -- numbers and options ---------------------------------------------------------------------------


def test_tau_of_a_path_is_right_by_its_size():
    runs = [ex.unseen_plane(seed) for seed in range(6)]
    large, small = (next(run for run in runs if told(run) == tau) for tau in (20.0, 1.02))
    assert ex.check_plane_tau(20.05, large)
    assert not ex.check_plane_tau(1.0, small)
    assert not ex.check_plane_tau(1.04, small)
    assert "too small" in ex.check_plane_tau(0.0, small).message


def told(run):
    return round(ex.wrap_ups._tau(run), 6)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of old arrays, in torch 2.x
@pytest.mark.parametrize("one", [np.array([999.0]), np.array([[999]]), torch.tensor([999.0])])
def test_an_array_of_one_number_counts_and_one_of_two_does_not_raise(one):
    assert ex.check_gradient_ratio(one)
    about = {
        "check_sampling_noise": {"w": 2.0, "n": 10},
        "check_noise_for_slope": {"gap": 4.0, "variance": 1.0, "slope": 0.5},
        "check_largest_ratio": {"lr": 0.1, "curvature": 13.3},
    }  # fmt: skip
    for name, check in ALL.items():
        if (
            isinstance(check, answers.Check)
            and "run" not in inspect.signature(check.rule).parameters
        ):
            assert not check(torch.tensor([999.0, 0.5, 3.0]), **about.get(name, {}))


def test_text_is_no_value_of_a_function():
    assert not ex.check_optimal_discriminator(lambda p, q: str(p / (p + q)))
    assert "text" in ex.check_wilson(lambda won, n, z: ["0", "1"]).message


def test_a_mistake_is_named_near_its_own_size_only():
    assert "turn it over" in ex.check_gradient_ratio(0.001001).message
    assert "too small" in ex.check_gradient_ratio(0.3).message
    assert "too small" in ex.check_gradient_ratio(-0.2).message


def test_capitals_and_spaces_of_an_option_do_not_count():
    run = ex.unseen_line(0)
    right = next(o for o in ex.check_line_state.options if ex.check_line_state(o, run))
    assert ex.check_line_state(f" {right.upper()} ", run)
    images = ex.unseen_images(0)
    best = next(v for v in images.history.meta["values"] if ex.check_image_knob(v, images))
    assert ex.check_image_knob(f" {best.upper()}  ", images)


def test_a_failure_has_the_words_of_its_verdict():
    with pytest.raises(Failed, match="returns None"):
        asked(lambda: None)()
    assert not math.isnan(asked(float)(3))


# -- what an expert tried --------------------------------------------------------------------------

F = torch.nn.functional
NAN = math.nan


def tau_star(low=0.0, high=1000.0, definite=None, cut=math.inf, within=60):
    """An answer to chapter 06 with another interval, another test of the blocks, or a cut."""

    def answer(J, n_g):
        A, B, C = -J[:n_g, :n_g], -J[:n_g, n_g:], -J[n_g:, n_g:]
        S = A + B @ np.linalg.solve(C, B.T)
        if not all((definite or (lambda M: np.linalg.eigvalsh(M).min() > 0))(M) for M in (C, S)):
            return np.inf
        lower, upper = low, high
        for _ in range(within):
            tau = (lower + upper) / 2
            attracts = np.linalg.eigvals(np.vstack([J[:n_g], tau * J[n_g:]])).real.max() < 0
            lower, upper = (lower, tau) if attracts else (tau, upper)
        return np.inf if upper > cut else upper

    return answer


def project(features, y, w, b, V, row=lambda y, V: y @ V):
    return features @ w + b + (features * row(y, V)).sum(1)


def mode_count(sigmas=3.0, nearest=True, sides=False, first=None):
    def answer(x, centers, sigma, least):
        gap = abs(x[:, None] - centers[:first])
        apart = np.linalg.norm(gap, axis=2)
        near = (gap <= sigmas * sigma).all(2) if sides else apart <= sigmas * sigma
        if nearest:
            near &= apart == apart.min(1, keepdims=True)
        return (near.sum(0) >= least).sum()

    return answer


def mode_scores(needed):
    def answer(x, modes, sigma):
        distance = np.linalg.norm(x[:, None] - modes, axis=2)
        nearest, good = distance.argmin(1), distance.min(1) <= 3 * sigma
        q = np.bincount(nearest) / len(x)
        kl = (q[q > 0] * np.log(q[q > 0] * len(modes))).sum()
        return (np.bincount(nearest[good]) >= needed).sum(), good.mean(), kl

    return answer


class Moons:
    shape = (2,)

    def __init__(self, end=1.0, right=1.0, share=0.5, noise=lambda n, rng: 0.1 * normal(n, 2, rng)):
        self.end, self.right, self.share, self.noise = end, right, share, noise

    def sample(self, n, rng):
        t = self.end * math.pi * torch.rand(n, generator=rng)
        lower = torch.rand(n, generator=rng) < self.share
        x = torch.where(lower, self.right - t.cos(), t.cos())
        y = torch.where(lower, 0.5 - t.sin(), t.sin())
        return torch.stack([x, y], 1) + self.noise(n, rng)


def normal(n, columns, rng):
    return torch.randn(n, columns, generator=rng)


class Evenly(Moons):
    def sample(self, n, rng):
        t = math.pi * (torch.arange(n) + torch.rand(1, generator=rng)) / n
        lower = torch.arange(n) % 2 == 0
        moons = [
            torch.where(lower, 1 - t.cos(), t.cos()),
            torch.where(lower, 0.5 - t.sin(), t.sin()),
        ]
        return torch.stack(moons, 1) + 0.1 * normal(n, 2, rng)


class Radial(Moons):
    def sample(self, n, rng):
        points = Moons(noise=lambda *_: 0).sample(n, rng)
        lower = abs(torch.hypot(*(points - torch.tensor([1, 0.5])).T) - 1) < 1e-5
        center = torch.where(lower[:, None], torch.tensor([1, 0.5]), torch.zeros(2))
        return center + (points - center) * (1 + 0.1 * normal(n, 1, rng))


def stack(digits, n, rng, which=None):
    which = torch.randint(len(digits), (n, 3), generator=rng) if which is None else which
    return digits[which, 0]


def copied_by_half(digits, n, rng):
    which = torch.randint(len(digits), (n, 3), generator=rng)
    half = torch.rand(n, generator=rng) < 0.5
    which[half, 1] = which[half, 0]
    return stack(digits, n, rng, which)


def never_alike(digits, n, rng):
    which = torch.randint(len(digits), (n, 3), generator=rng)
    which[:, 1] = (which[:, 0] + 1 + which[:, 1] % (len(digits) - 1)) % len(digits)
    return stack(digits, n, rng, which)


def skewed(digits, n, rng):
    return stack(digits, n, rng, (torch.rand(n, 3, generator=rng) ** 2 * len(digits)).long())


def rows_of_maps_in(w):
    return torch.linalg.svdvals(w.transpose(0, 1).flatten(1))[0]


def batch_norm_in_place(x, weight, bias):
    y = x - x.mean((0, 2, 3), keepdim=True)
    scale = (y**2).mean((0, 2, 3), keepdim=True).add(1e-5).sqrt()
    y /= scale
    out = y * weight[:, None, None]
    y *= 0
    return out + bias[:, None, None]


def with_a_graph(f, point, h):
    return torch.autograd.functional.hessian(f, torch.tensor(point))


def by_values(f, point, h, over=None):
    steps = h * np.eye(len(point))
    H = [[f(point + i + j) + f(point - i - j) - f(point + i - j) - f(point - i + j) for j in steps]
         for i in steps]  # fmt: skip
    return np.array(H) / (4 * h * h if over is None else over(h, len(point)))


def backwards(f, point, h):
    steps = h * np.eye(len(point))
    H = [[f(point) - f(point - i) - f(point - j) + f(point - i - j) for j in steps] for i in steps]
    return np.array(H) / h**2


def cut(x, w, stride, padding):
    y = F.conv_transpose2d(x, w, None, stride)
    return y[..., 1:-1, 1:-1] if padding else y


def on_cycles(state, steps):
    def is_back(start):
        point = start
        for _ in range(steps):
            point = state[point]
            if point in (start, -1):
                return point == start
        return False

    return math.log(2) / len(state) * sum(is_back(i) for i in range(len(state)))


def level(state, perfect=True, off=True, skip=0):
    n, m = len(state), [list(state).count(point) for point in range(len(state))]
    if sorted(state) == list(range(n)) and not perfect:
        return 0.0
    if max(state) == -1 and not off:
        return math.log(2)
    return sum(math.log1p(k) + (k * math.log1p(1 / k) if k else 0) for k in m) / (2 * n)


def settled(curve, value, within, good=np.less):
    outside = np.flatnonzero(~good(abs(curve - value), within))
    first = outside[-1] + 1 if len(outside) else 0
    return first if first < len(curve) else np.inf


def sign_test(won, lost):
    n, k = won + lost, max(won, lost)
    return min(1.0, 2 * sum(math.comb(n, j) for j in range(k, n + 1)) / 2**n) / (won > 0)


def ahead(game, draw, optims, g_steps, exchanged=False):
    losses = {"d_loss": game.loss_d(draw("d", 0))}
    optims.step_d(torch.autograd.grad(losses["d_loss"], game.d_params))
    for i in range(g_steps):
        losses["g_loss"] = game.loss_g(draw("g", i))
        optims.step_g(torch.autograd.grad(losses["g_loss"], game.g_params))
    if exchanged:
        losses = {"d_loss": losses["g_loss"], "g_loss": losses["d_loss"]}
    return losses


def g_steps(w, b, a, c, latents, eta):
    for z in latents:
        w, b = (w + eta * a * (sigmoid(a * (w * z + b) + c) * z).mean(),
                b + eta * a * sigmoid(a * (w * z + b) + c).mean())  # fmt: skip
    return w, b


def g_steps_in_turn(w, b, a, c, latents, eta):
    for z in latents:
        w = w + eta * a * (sigmoid(a * (w * z + b) + c) * z).mean()
        b = b + eta * a * sigmoid(a * (w * z + b) + c).mean()
    return w, b


def g_steps_of_an_array(w, b, a, c, latents, eta):
    for z in np.reshape(latents, np.shape(latents)):
        w, b = g_steps(w, b, a, c, [z], eta)
    return latents.shape and (w, b)


def round_by_products(w, b, a, c, x, z, eta):
    _, b_new, a_new, c_new = played()(w, b, a, c, x, z, eta)
    fake = sigmoid(a_new * (w * z + b) + c_new)
    return w + eta * a_new * (fake @ z) / len(z), b_new, a_new, c_new


def counting(values):
    """A function that answers by the number of its call, whatever it is asked."""
    calls = count()
    return lambda *_: values(next(calls))


def kid_by_floats(fake, real):
    fake, real = np.float32(fake), np.float32(real)
    kernel = lambda x, y: (x @ y.T / x.shape[1] + 1) ** 3  # noqa: E731
    off = lambda k: (k.sum() - np.trace(k)) / (len(k) * (len(k) - 1))  # noqa: E731
    return off(kernel(fake, fake)) + off(kernel(real, real)) - 2 * kernel(fake, real).mean()


class Optimistic:
    """The rule with its past in itself, not in memory."""

    def __init__(self):
        self.past = None

    def __call__(self, game, draw, optims, memory):
        losses = {f"{p}_loss": getattr(game, f"loss_{p}")(draw(p)) for p in "gd"}
        grads = {p: torch.autograd.grad(losses[f"{p}_loss"], getattr(game, f"{p}_params"),
                                        retain_graph=True) for p in "gd"}  # fmt: skip
        for p in "gd":
            past = self.past[p] if self.past else [0 * g for g in grads[p]]
            getattr(optims, f"step_{p}")([2 * g - q for g, q in zip(grads[p], past, strict=True)])
        self.past = grads
        return losses


def second(f, w):
    return torch.as_tensor(torch.autograd.functional.hessian(f, w))


def pulled(v, w, gamma, energy):
    w = w.clone().requires_grad_()
    return v(w) - gamma * torch.autograd.grad(energy(v(w)), w)[0]


def d_first(X, Y, Sigma, gamma, lr, tau):
    Y = Y + tau * lr * (Sigma - X @ X.T - gamma * Y)
    return X + lr * (Y + Y.T) @ X, Y


def steepness(cost, critic, real, fake, noise):
    x = real.clone().requires_grad_()
    slopes = torch.autograd.grad(critic(x).mean(), x, create_graph=True)[0]
    return cost(slopes.norm(dim=1)).mean()


def interval(values):
    from scipy.stats import t

    n, reach = len(values), t.ppf(0.975, len(values) - 1) * values.std(ddof=1)
    return values.mean() + reach * math.sqrt(1 + 1 / n) * np.array([-1, 1])


def of_one(x, y):
    return s(x - y).mean()


s = F.softplus
REFUSED = [
    (ex.check_generator_loss, lambda r, f: F.relu(-f).mean(), "wanted"),
    (ex.check_generator_loss, lambda r, f: F.silu(-f).mean(), "wanted"),
    (ex.check_generator_loss, lambda r, f: s(-f, beta=2).mean(), "wanted"),
    (ex.check_generator_loss, lambda r, f: (-f).clamp(min=0).mean(), "wanted"),
    (ex.check_generator_loss, lambda r, f: s(-f, threshold=1).mean(), "wanted"),
    (ex.check_generator_loss, lambda r, f: -torch.sigmoid(f).log().mean(), "softplus of the logit"),
    (ex.check_tau_star, tau_star(high=0.33), "wanted"),
    (ex.check_tau_star, tau_star(high=1.0), "wanted"),
    (ex.check_tau_star, tau_star(cut=1.0), "wanted"),
    (ex.check_tau_star, tau_star(high=10.0, cut=9.999), "wanted"),
    (ex.check_tau_star, tau_star(definite=lambda M: np.linalg.det(M) > 0), "not the determinant"),
    *[(ex.check_mode_count, mode_count(sigmas), "wanted") for sigmas in (1.8, 2, 2.9, 3.1)],
    (ex.check_mode_count, mode_count(nearest=False), "for its nearest mode; yours for each"),
    (ex.check_mode_count, mode_count(sides=True), "each coordinate"),
    (ex.check_mode_count, mode_count(first=5), "wanted"),
    (ex.check_mode_scores, mode_scores(2), "one good sample is enough"),
    (ex.check_mode_scores, mode_scores(3), "wanted"),
    (ex.check_moons, Moons(noise=lambda n, rng: 0.1 * normal(n, 1, rng)), "the noise is not that"),
    (ex.check_moons, Moons(noise=lambda n, rng: 0.07 * normal(n, 2, rng)), "the noise is not that"),
    (ex.check_moons, Moons(noise=lambda n, rng: 0.09 * normal(n, 2, rng)), "the noise is not that"),
    (ex.check_moons, Moons(noise=lambda n, rng: 0.12 * normal(n, 2, rng)), "the noise is not that"),
    (ex.check_moons, Moons(noise=lambda n, rng: 0.18 * normal(n, 2, rng)), "noise"),
    (ex.check_moons, Moons(noise=lambda n, rng: 0.346 * (torch.rand(n, 2, generator=rng) - 0.5)),
     "the noise is not that"),
    (ex.check_moons, Radial(), "past the ends"),
    (ex.check_moons, Moons(end=0.95), "uniform from 0 to pi"),
    (ex.check_moons, Moons(end=1.05), "uniform from 0 to pi"),
    (ex.check_moons, Moons(right=0.95), "the moons lie elsewhere"),
    (ex.check_moons, Moons(share=0.53), "not so shared out"),
    (ex.check_two_networks, lambda w, b, a, c, k, x, z: sigmoid(a * np.stack([x, w * z + b]) + c),
     "it raised ValueError"),
    (ex.check_generator_steps, g_steps_of_an_array, "it raised AttributeError"),
    (ex.check_generator_steps, g_steps_in_turn, "w and b move at once"),
    (ex.check_round, round_by_products, "it raised ValueError"),
    (ex.check_round, played(C=lambda w, b, a, new, eta, d, z: (
        w + eta * new * (d * z).sum(), b + eta * new * d.sum())), "sums are to be means"),
    (ex.check_round, played(C=lambda w, b, a, new, eta, d, z: (
        eta * new * (d * z).mean(), eta * new * d.mean())), "add it to w and b"),
    (ex.check_stacks, lambda *given: stack(*given).numpy(), "a tensor is wanted"),
    (ex.check_stacks, lambda *given: stack(*given).half(), "a tensor is wanted"),
    (ex.check_stacks, lambda *given: stack(*given).squeeze(), "also where n is 1"),
    (ex.check_stacks, skewed, "as often as any other"),
    (ex.check_stacks, copied_by_half, "two of yours are alike"),
    (ex.check_stacks, never_alike, "two of yours are alike"),
    (ex.check_stacks, lambda digits, n, rng: stack(digits, n, rng, torch.rand(
        n, len(digits), generator=rng).argsort(1)[:, :3]), "with replacement"),
    (ex.check_none_of_many, 0.056, "Clopper"), (ex.check_none_of_many, 0.055, "too small"),
    (ex.check_none_of_many, 0.0585, "too large"),
    (ex.check_transposed, cut, "wanted"),
    (ex.check_paired_level, lambda state: on_cycles(state, len(state) - 1), "wanted"),
    (ex.check_state_level, lambda state: level((0, 0, *state[2:])), "wanted"),
    (ex.check_state_level, lambda state: level(state, perfect=False), "wanted"),
    (ex.check_state_level, lambda state: level(state, off=False), "wanted"),
    (ex.check_settled_from, lambda *case: settled(*case, good=np.less_equal), "wanted"),
    (ex.check_slope, lambda f, t, h: round((f(t + h) - f(t - h)) / (2 * h), 1), "wanted"),
    (ex.check_sign_test_code, sign_test, "it raised ZeroDivisionError"),
    (ex.check_fade, lambda k, n: (1 + math.cos(math.pi * min(k / n, 1))) / 2 + (k > 1.6 * n),
     "wanted"),
    (ex.check_rule_ahead, lambda *given: ahead(*given, exchanged=True), "are exchanged"),
    (ex.check_optimal_discriminator, lambda p, q: round(p / (p + q), 1), "wanted"),
    (ex.check_two_sided, lambda p, q: round((0.9 * p + 0.1 * q) / (p + q), 1), "wanted"),
    (ex.check_largest_step, lambda gamma: round(4 * gamma, 1), "wanted"),
    (ex.check_friction, lambda gamma: round(2 * gamma, 1), "wanted"),
    (ex.check_fade_design, counting(lambda k: float(k < 150)), "two calls with one input"),
    (ex.check_measure_design, counting(lambda k: float(k >= 39 and (k - 39) % 8 != 0)), "39 pairs"),
    (ex.check_comparison_design, counting(lambda k: ["a", "b", "neither"][k // 20 % 3]), "of 20"),
    (ex.check_measure_design, lambda fake, real: NAN, "it is NaN of"),
    (ex.check_hessian, with_a_graph, "without autograd"),
    (ex.check_hessian, backwards, "steps to one side"),
    (ex.check_hessian, lambda f, p, h: by_values(
        f, p, h, over=lambda h, n: np.where(np.eye(n), 4 * h * h, h * h)), "off the diagonal"),
    (ex.check_way_out, [(1, 0, 0), (1, 0.9, -1.5), (1, 0.2, 1.7)], "a list of triples"),
    (ex.check_what_flat_means, b"abc", "letters from a to d"),
    (ex.check_scalar_tau_star, np.complex128(6 + 5j), "a number is wanted"),
    (ex.check_scalar_tau_star, torch.tensor(6 + 5j), "a number is wanted"),
    (ex.check_batch_norm, batch_norm_in_place, "modified by an inplace operation"),
    (ex.check_generator_loss,
     lambda r, f: s(-f).mean() + (f - f.detach()).abs().sqrt().sum(), "gradient is not finite"),
    (ex.check_generator_loss, lambda r, f: s(-f).mean().detach() + (f - f.detach()).mean(),
     "its gradient is not: no detach"),
    (ex.check_optimistic_rule, Optimistic(), "keep nothing of its own from one call to the next"),
    (ex.check_covariance_spectrum, lambda S, gamma, tau: np.sqrt(-np.ones(2 * len(S) ** 2)),
     "it gives nan"),
    (ex.check_share_outside, 1.1, "not a percentage"), (ex.check_share_outside, 1.11, "percentage"),
    *[(ex.check_read_stacks, percent, "not a percentage") for percent in (91, 91.3)],
    (ex.check_copy_in_gallery, 81, "not a percentage"),
    (partial(ex.check_noise_for_slope, gap=4.0, variance=1.0, slope=0.5), 2.83, "of their own"),
    (partial(ex.check_noise_for_slope, gap=4.0, variance=1.0, slope=0.5), 2.6, "one digit more"),
    (partial(ex.check_sampling_noise, w=2.0, n=10), 0.37, "half of it"),
    (ex.check_grey_stacks, 2.3, "that is log 10"),
    (ex.check_grey_stacks, 6.9, "single combination"),
    (ex.check_proof_by_loss, 0.39, "half of it"),
    (ex.check_last_layer, 0.545, "0.545 is too large"), (ex.check_last_layer, 54, "percentage"),
    (ex.check_noise_cosine, 0.87, "(1, ..., 1)"), (ex.check_noise_cosine, 41, "in degrees"),
    (ex.check_rule_out, 190, "too large"),
    (ex.check_samples_for_modes, 455, "455 samples hit 98.97 of 100"),
    (ex.check_samples_for_modes, 463, "463 samples hit 99.05 of 100"),
    (ex.check_samples_for_modes, 1e300, "1e+300 samples hit 100.00 of 100"),
    (ex.check_largest_stretch, rows_of_maps_in, "rows of the maps that come in"),
    (ex.check_kl_code, lambda n: (n / n.sum() * np.log(n / n.sum() * len(n))).sum(), "0 log 0"),
    (ex.check_kl_code, lambda n: -np.log(n / n.sum() * len(n)).mean(), "the other way round"),
    (ex.check_rank_correlation, lambda x, y: np.sign(
        np.subtract.outer(x, x) * np.subtract.outer(y, y)).sum() / len(x) / (len(x) - 1),
     "Kendall"),
    (ex.check_relativistic_losses, lambda r, f: (of_one(f, r.detach()), of_one(r, f)), "gradient"),
    (ex.check_fade, lambda k, n: [1, 2][n], "(in `"),
    (ex.check_stacks, lambda digits, n, rng: stack(digits, n, rng).flip(2) if len(digits) == 9
     else stack(digits[:-1], n, rng), "one digit is never drawn"),
    (ex.check_consensus_field, lambda v, w, gamma: pulled(
        v, w, gamma, torch.linalg.norm), "of |v|;"),
    (ex.check_consensus_field, lambda v, w, gamma: pulled(
        v, w, gamma, lambda u: (u**2).mean()), "the mean of v_i^2"),
    (ex.check_covariance_step, d_first, "X sees the old Y"),
    (ex.check_one_sided, partial(steepness, lambda g: 10 * F.relu(g - 1) ** 2), "derive the sum"),
    (ex.check_one_more, lambda values: interval(values)[::-1], "the lower end comes first"),
    (ex.check_game_jacobian, lambda g, d, w, n_g: torch.cat([
        -second(g, w)[:-n_g],
        -second(d, w)[-n_g:]]), "numbers are G's, not D's"),
]  # fmt: skip
ACCEPTED = [
    (ex.check_tau_star, tau_star()),
    (ex.check_projection, project),
    (ex.check_projection, partial(project, row=lambda y, V: V[y.argmax(1)])),
    (ex.check_projection, partial(project, row=lambda y, V: F.embedding(y.argmax(1), V))),
    (ex.check_projection,
     partial(project, row=lambda y, V: torch.stack([V[k][0] for k in y.bool()]))),
    (ex.check_projection, lambda x, y, w, b, V: (
        F.linear(x, w[None], b)[:, 0] + (x @ V.T).gather(1, y.argmax(1, keepdim=True))[:, 0])),
    (ex.check_mode_count, mode_count()), (ex.check_mode_scores, mode_scores(1)),
    (ex.check_moons, Moons()), (ex.check_moons, Evenly()),
    (ex.check_samples_for_modes, 100 * math.log(100)), (ex.check_samples_for_modes, 460.5),
    (ex.check_samples_for_modes, 461), (ex.check_samples_for_modes, 458),
    (ex.check_two_networks, lambda w, b, a, c, k, x, z: (
        sigmoid(k * x**2 + a * x + c),
        torch.sigmoid(torch.as_tensor(k * (w * z + b) ** 2 + a * (w * z + b) + c)))),
    (ex.check_generator_steps, g_steps), (ex.check_round, played()),
    (ex.check_relativistic_losses, lambda r, f: (of_one(f, r), of_one(r.detach(), f))),
    (ex.check_relativistic_losses, lambda r, f: torch.stack([of_one(f, r), of_one(r.detach(), f)])),
    (ex.check_stacks, stack),
    (ex.check_none_of_many, 0.0566), (ex.check_none_of_many, 0.057),
    (ex.check_paired_level, lambda state: on_cycles(state, len(state))),
    (ex.check_state_level, level), (ex.check_settled_from, settled), (ex.check_rule_ahead, ahead),
    (ex.check_hessian, by_values),
    (ex.check_attracts, lambda: (tau > 1.353 for tau in (1.2, 1.4, 10))),
    (ex.check_attracts, lambda: map(bool, (0, 1, 1))),
    (ex.check_way_out, lambda: iter([(1, 0, 0), (1, 0, -1), (1, 0, 2)])),
    (ex.check_what_flat_means, "a and b and c"), (ex.check_what_flat_means, {"a", "b", "c"}),
    (ex.check_blind_direction, (0.333, -0.167)),
    (ex.check_kid_code, kid_by_floats),
]  # fmt: skip
DONE = [*FELT.values(), ex.check_hessian, ex.check_game_jacobian, ex.check_consensus_field]


@pytest.mark.parametrize(("check", "answer", "says"), REFUSED)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of a logarithm of 0
def test_a_wrong_answer_is_refused_with_a_true_sentence(check, answer, says):
    verdict = check(answer)
    assert not verdict
    assert says in verdict.message, verdict


@pytest.mark.parametrize(("check", "answer"), ACCEPTED)
def test_a_right_answer_counts(check, answer):
    made = check in (ex.check_attracts, ex.check_way_out)
    verdict = check(answer() if made else answer)
    assert verdict, verdict


@pytest.mark.parametrize(
    "off", [torch.no_grad, torch.inference_mode, lambda: torch.set_grad_enabled(False)]
)
@pytest.mark.parametrize("check", DONE, ids=lambda check: check.__name__)
def test_a_notebook_may_have_switched_autograd_off(check, off):
    if check in (ex.check_one_sided, ex.check_flat_between):
        return
    answer = by_values if check is ex.check_hessian else lambda *point: next(check.rule(*point))[0]
    with off():
        assert check(answer), check(answer)


def test_a_case_that_fails_is_handed_over():
    wrong = played(C=lambda w, b, a, new, eta, d, z: (w, b))
    verdict = ex.check_round(wrong)
    assert "in a random case (verdict.case) it gives" in verdict.message
    w, b, *_ = verdict.case
    assert wrong(*verdict.case)[:2] == (w, b)
    assert played()(*verdict.case)[0] != w

    def penalty(critic, real, fake, noise):
        return critic(real).mean()

    verdict = ex.check_one_sided(penalty)
    assert f"{penalty(*verdict.case):.6g}" in verdict.message
    verdict = ex.check_sliced(lambda x, y, lines: x @ y)
    assert "raised ValueError" in verdict.message
    assert verdict.case[0].shape == verdict.case[1].shape


def test_an_eigenvalue_is_named_by_its_place_among_the_sorted_ones():
    first, *_ = ex.check_covariance_spectrum.points
    right = next(ex.check_covariance_spectrum.rule(*first))[0]
    verdict = ex.check_covariance_spectrum(lambda *_: [*right[::-1][1:], 99.0])
    assert "eigenvalue 8 (by real parts)" in verdict.message


@pytest.mark.parametrize("kind", [int, float, str, np.float32, np.int64, torch.tensor])
def test_a_knob_is_a_number_of_any_kind(kind):
    run = next(run for run in map(ex.unseen_images, range(10)) if run.history.meta["knob"] == "tau")
    messages = {ex.check_image_knob(kind(value), run).right for value in (1, 2, 4, 8)}
    assert messages == {True, False}

"""Checks under attack: answers that fit the test cases alone, write, hang, or give what is none."""

import importlib
import inspect
import math
import signal
import threading
from itertools import count

import numpy as np
import pytest
import torch

from gan_teach.course import answers, exercises as ex
from gan_teach.course.answers import Choice, Failed, Function, Number, asked

ALL = {name: check for name, check in vars(ex).items() if name.startswith("check_")}
CODE = {name: check for name, check in ALL.items() if isinstance(check, Function)}
DESIGNS = [check for name, check in ALL.items() if name.endswith("_design") and "dirac" not in name]
# By their questions: points of the torus lie in a plane, a step has one number for each player.
FIXED = {
    "check_optimistic_rule": {0}, "check_projection": {3}, "check_step_factor": {0},
    "check_torus_distance": {1},
}  # fmt: skip


@pytest.fixture
def hurried(monkeypatch):
    """A learner's function has a twentieth of a second."""
    monkeypatch.setattr(answers, "SECONDS", 0.05)
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
    assert not ex.check_wilson(lambda *_: count())
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
        "check_best_slope": {"gap": 4.0, "variance": 2.0},
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

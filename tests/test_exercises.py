"""Checks of exercises: right answers, known mistakes, answers of the wrong kind."""

import inspect
import math
import re

import numpy as np
import pytest
import torch

from gan_teach import course
from gan_teach.course import exercises as ex
from gan_teach.course.answers import Function, Number, Verdict, _agree, _arguments, _array, _at


def noise_that_gives_the_slope(gap, variance, slope):
    """By halving, from d/dx log p/q of two normal densities."""

    def too_steep(noise):
        density = lambda x, m: math.exp(-((x - m) ** 2) / (2 * (variance + noise**2)))  # noqa: E731
        logit = lambda x: math.log(density(x, gap) / density(x, 0.0))  # noqa: E731
        return logit(1.0) - logit(0.0) > slope

    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if too_steep(middle) else (low, middle)
    return low


def scatter_of_half_a_difference(w, n):
    rng = np.random.default_rng(0)
    x, z = rng.normal(5.0, 1.0, (400_000, n)), rng.uniform(size=(400_000, n))
    return (0.5 * (x.mean(1) - (w * z).mean(1))).std()


# check, the answer by another road, wrong answers with a word of the sentence each deserves
NUMBERS = [
    (ex.check_gradient_ratio, 0.999 / 0.001,
     [(1000, "numerator"), (1 / 999, "turn it over"), (0.998, "difference")]),
    (lambda s: ex.check_sampling_noise(s, w=2.0, n=10), scatter_of_half_a_difference(2.0, 10),
     [((2 / 15) ** 0.5, "half"), (1 / 30, "root"), ((1 / 3) ** 0.5, "one sample"),
      (1 / 120**0.5, "the chapter's"), (0.5 / 10**0.5, "alone"), (0.249, "not the standard"),
      (0.5 / 15**0.5, "both of its parts")]),
    (lambda s: ex.check_noise_for_slope(s, gap=4.0, variance=1.0, slope=0.5),
     noise_that_gives_the_slope(4.0, 1.0, 0.5),
     [(7, "root"), (8**0.5, "of their own"), (3, "take that away"), (63**0.5, "not gap / standard"),
      (3**0.5, "halves")]),
]  # fmt: skip
FUNCTIONS = [
    (ex.check_optimal_discriminator, lambda p, q: p / (p + q), lambda p, q: p / (p + 2 * q)),
]
TARGET = Number(lambda: iter([(-2 * math.log(2), "V at the equilibrium.")]))
CHECKS = [check for check, *_ in [*NUMBERS, *FUNCTIONS]] + [ex.check_blind_direction]


@pytest.mark.parametrize("check", CHECKS)
def test_an_open_exercise_is_not_wrong_but_open(check):
    for nothing in (..., None):
        verdict = check(nothing)
        assert not verdict
        assert "replace the ..." in repr(verdict)


@pytest.mark.parametrize(("check", "answer", "mistakes"), NUMBERS)
def test_numbers(check, answer, mistakes):
    assert check(answer)
    assert repr(check(answer)).startswith("Right: ")
    for wrong, word in mistakes:
        assert not check(wrong)
        assert re.search(word, check(wrong).message), check(wrong)
    assert "too large" in check(answer + 17).message
    assert "finite number" in check(math.nan).message


def test_mistakes_with_the_best_discriminator_are_named():
    assert "generated" in ex.check_optimal_discriminator(lambda p, q: q / (p + q)).message
    assert "-1 and 1" in ex.check_optimal_discriminator(lambda p, q: (p - q) / (p + q)).message


@pytest.mark.parametrize(("check", "answer", "wrong"), FUNCTIONS)
def test_functions(check, answer, wrong):
    assert check(answer)
    assert "is wanted" in check(wrong).message
    assert "raised ZeroDivisionError" in check(lambda *_: 1 / 0).message
    assert not check(lambda *_: [0.5, 0.5])
    assert "a function is wanted" in check(0.5).message


def test_the_blind_direction_keeps_the_mean_and_changes_the_spread():
    for scale in (1.0, -3.0, 1e-3):
        assert ex.check_blind_direction((2 * scale, -scale))
    assert not ex.check_blind_direction((0.0, 1.0))
    assert not ex.check_blind_direction((1.0, 0.5))
    assert "two numbers" in ex.check_blind_direction(3.0).message


@pytest.mark.parametrize("given", ["1.386", "x", [1, 2], {}])
def test_a_number_may_be_anything_a_learner_types(given):
    verdict = Number(lambda: iter([(5.0, "why")]), atol=0.1)(given)
    assert isinstance(verdict, Verdict)
    assert not verdict


def test_numpy_answers_count():
    assert TARGET(np.float32(-1.3863))
    assert TARGET(np.array(-1.3863))
    assert Function(lambda x: iter([(math.sqrt(x), "why")]), [(2.0,), (9.0,)])(np.sqrt)


def test_a_check_tells_its_question():
    assert (
        repr(ex.check_gradient_ratio)
        == ex.check_gradient_ratio.__doc__
        == "(1 - D) / D at D = 0.001: non-saturating over saturating gradient of one sample."
    )
    assert "two densities" in repr(ex.check_optimal_discriminator)


ALL = {name: check for name, check in vars(ex).items() if name.startswith("check_")}
NUMBER_CHECKS = {
    name: check
    for name, check in ALL.items()
    if isinstance(check, Number) and not inspect.signature(check.rule).parameters
}


def test_each_check_is_called_by_a_chapter_and_each_call_has_its_check():
    chapters = "".join(chapter.source.read_text("utf-8") for chapter in course.chapters())
    assert set(re.findall(r"exercises\.(check_\w+)\(", chapters)) == set(ALL)


def test_where_a_case_may_be_random_the_chapter_keeps_the_verdict():
    chapters = "".join(chapter.source.read_text("utf-8") for chapter in course.chapters())
    for name, check in ALL.items():
        if isinstance(check, Function) and any(
            "random case" in _at(check.rule, p) for p in check.points
        ):
            assert f"\nverdict = gt.exercises.{name}(" in chapters, name


@pytest.mark.parametrize("name", ALL)
def test_an_open_answer_is_not_judged(name):
    answers = (...,) * (2 if name == "check_margin_losses" else 1)
    assert "replace the ..." in ALL[name](*answers).message


@pytest.mark.parametrize("check", NUMBER_CHECKS.values(), ids=NUMBER_CHECKS)
def test_a_number_is_told_from_every_mistake_and_each_mistake_from_the_others(check):
    (right, why), *mistakes = check.rule()
    assert check(right).message == why
    for wrong, sentence in mistakes:
        assert not check(wrong)
        assert check(wrong).message == sentence


FUNCTION_CHECKS = {name: check for name, check in ALL.items() if isinstance(check, Function)}


@pytest.mark.parametrize("check", FUNCTION_CHECKS.values(), ids=FUNCTION_CHECKS)
def test_a_function_is_told_from_every_mistake_and_each_mistake_from_the_others(check):
    rows = [list(check.rule(*_arguments(point))) for point in check.points]
    for place, column in enumerate(zip(*rows, strict=True)):
        values = [_array(value) for value, _ in column]
        like = [all(map(_agree, values, other)) for other in zip(*rows, strict=True)]
        assert like == [k == place for k in range(len(like))]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (-1.4, "right so far"),
        (-1.39, "right so far"),
        (-1.38, "too large"),
        (-7, "too small"),
        (math.nan, "a finite number"),
        (-math.inf, "a finite number"),
    ],
)
def test_a_wrong_number_is_told_by_how(answer, words):
    verdict = TARGET(answer)
    assert not verdict
    assert words in verdict.message


def test_a_direction_that_is_no_number_is_refused():
    for direction in [(math.nan, 1.0), (1.0, math.nan), (math.inf, -math.inf)]:
        assert not ex.check_blind_direction(direction)


def test_whole_numbers_are_whole_and_tensors_have_their_methods():
    assert ex.check_one_left_out(lambda n: math.comb(n, 2) * math.factorial(n))
    assert ex.check_one_left_out(
        lambda n: len(range(n)) * (n - 1) // 2 * math.prod(range(1, n + 1))
    )
    assert ex.check_largest_step(lambda gamma: 4 * torch.as_tensor(gamma).abs())


@pytest.mark.parametrize("start", [(math.inf, 0), (math.nan, 0), (10**400, 1)])
def test_a_start_that_is_no_angle_is_refused(start):
    assert "two angles are wanted" in ex.check_switch(start).message


@pytest.mark.slow
def test_a_full_turn_changes_no_start():
    turned = ex.check_switch((1.0 + 2e6 * math.pi, 2.0)).message
    assert turned == ex.check_switch((1.0, 2.0)).message


def test_values_may_come_one_by_one():
    def answers(w, b, a, c, k, x, z):
        return (1 / (1 + np.exp(-(k * s * s + a * s + c))) for s in (x, w * z + b))

    assert ex.check_two_networks(answers)


def test_nothing_of_zero_is_right_so_far():
    assert "digit more" not in ex.check_share_outside(0).message


@pytest.mark.parametrize(
    "answer",
    [
        lambda x, w, b: torch.einsum("nc,c->nc", x, w),
        lambda x, w, b: np.einsum("i->", np.asarray(x)),
    ],
)
def test_a_sum_of_einstein_that_does_not_fit_is_no_blank(answer):
    assert "raised" in ex.check_batch_norm(answer).message


def test_where_an_answer_fails_is_told_by_the_names_of_the_arguments():
    assert (
        "at p = 0.3, q = 0.3 it gives 0.25"
        in ex.check_optimal_discriminator(lambda p, q: p / (p + 3 * q)).message
    )
    assert "at game = 0, last = 200 it gives 2" in ex.check_fade(lambda game, last: 2.0).message
    assert (
        "at g_steps = 2 it raised KeyError" in ex.check_rule_ahead(lambda *given: {}["a"]).message
    )

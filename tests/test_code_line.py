"""Exercises in which code is written: right answers in several forms, mistakes, and their runs."""

# pyright: reportArgumentType=false, reportOptionalMemberAccess=false, reportOptionalSubscript=false

import math
import re

import numpy as np
import pytest
import torch
from torch.nn.functional import logsigmoid

import gan_teach as gt
from gan_teach.course import exercises as ex


def sigmoid(logit):
    return 1 / (1 + np.exp(-logit))


# -- 00: V -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        lambda real, fake: np.log(real).mean() + np.log(1 - fake).mean(),
        lambda real, fake: np.mean(np.log(real) + np.log1p(-fake)),
        lambda real, fake: torch.log(real).mean() + torch.log(1 - fake).mean(),
        lambda real, fake: (
            sum(map(math.log, real)) + sum(math.log(1 - d) for d in fake)
        ) / len(real),
    ],
)  # fmt: skip
def test_the_objective_counts_in_every_form(answer):
    assert ex.check_objective(answer)


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (lambda real, fake: -np.log(real).mean() - np.log(1 - fake).mean(), "D's loss"),
        (lambda real, fake: np.log(real).mean() + np.log(fake).mean(), "log\\(1 - D\\)"),
        (lambda real, fake: np.log(real).sum() + np.log(1 - fake).sum(), "number of samples"),
        (lambda real, fake: np.mean([np.log(real), np.log(1 - fake)]), "not their mean"),
        (lambda real, fake: np.log(real.mean()) + np.log(1 - fake.mean()), "mean of logarithms"),
        (lambda real, fake: np.log(real).mean(), "one term"),
        (lambda real, fake: np.log(real) + np.log(1 - fake), "is wanted"),
        (lambda real, fake: math.nan, "nan"),
        (lambda real: 0.0, "TypeError"),
        (lambda real, fake: ..., "replace the ..."),
    ],
)
def test_mistakes_with_the_objective_are_named(answer, word):
    assert not ex.check_objective(answer)
    assert re.search(word, ex.check_objective(answer).message)


# -- 01: a round -----------------------------------------------------------------------------------


def one_round(w, b, a, c, x, z, eta, g=1, c_up=1, fresh=True):
    real, fake = sigmoid(a * x + c), sigmoid(a * (w * z + b) + c)
    a_new = a + eta * (((1 - real) * x).mean() - (fake * (w * z + b)).mean())
    c_new = c + c_up * eta * ((1 - real).mean() - fake.mean())
    slope = a_new if fresh else a
    fake = sigmoid(a_new * (w * z + b) + c_new) if fresh else fake
    return w + g * eta * slope * (fake * z).mean(), b + g * eta * slope * fake.mean(), a_new, c_new


def by_autograd(w, b, a, c, x, z, eta):
    w, b, a, c = (p.clone().requires_grad_() for p in (w, b, a, c))
    for params, sign in (((a, c), 1), ((w, b), -1)):
        v = logsigmoid(a * x + c).mean() + logsigmoid(-(a * (w * z + b) + c)).mean()
        for p, gradient in zip(params, torch.autograd.grad(v, params), strict=True):
            p.data += sign * eta * gradient
    return [p.item() for p in (w, b, a, c)]


def test_a_round_counts_by_hand_by_autograd_and_as_an_array():
    assert ex.check_round(one_round)
    assert ex.check_round(by_autograd)
    assert ex.check_round(lambda *numbers: np.array(one_round(*numbers)))


@pytest.mark.parametrize(
    ("slip", "word"),
    [
        ({"fresh": False}, "old D"),
        ({"g": -1}, "G climbs"),
        ({"c_up": -1}, "descends with c"),
        ({"c_up": 0}, "has not moved"),
    ],
)
def test_a_slip_in_the_round_is_named(slip, word):
    verdict = ex.check_round(lambda *numbers: one_round(*numbers, **slip))
    assert not verdict
    assert word in verdict.message


def test_a_round_with_a_blank_left_is_open():
    def blank(w, b, a, c, x, z, eta):
        return w, b, a, ...

    assert "replace the ..." in ex.check_round(blank).message
    assert "replace the ..." in ex.check_round(lambda *_: sigmoid(...)).message


# -- 02: a loss ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        gt.losses.non_saturating_g,
        lambda real, fake: -logsigmoid(fake).mean(),
        lambda real, fake: torch.nn.functional.binary_cross_entropy_with_logits(
            fake, torch.ones_like(fake)
        ),
    ],
)
def test_the_generators_loss_counts_in_every_form(answer):
    assert ex.check_generator_loss(answer)


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (lambda real, fake: logsigmoid(fake).mean(), "reject"),
        (gt.losses.saturating_g, "saturating loss"),
        (lambda real, fake: -logsigmoid(-fake).mean(), "D's loss"),
        (lambda real, fake: -logsigmoid(real).mean(), "second argument"),
        (lambda real, fake: -logsigmoid(fake).sum(), "take the mean"),
        (lambda real, fake: -torch.sigmoid(fake).log().mean(), "inf"),
        (lambda real, fake: np.log1p(np.exp(-fake)).mean(), "detach"),
        (lambda real, fake: -logsigmoid(fake.detach()).mean(), "no gradient"),
        (lambda real, fake: -logsigmoid(fake).mean().item(), "no gradient"),
    ],
)
def test_mistakes_with_the_generators_loss_are_named(answer, word):
    assert not ex.check_generator_loss(answer)
    assert word in ex.check_generator_loss(answer).message


# -- 03: the generator's steps ---------------------------------------------------------------------


def steps(w, b, a, c, latents, eta, factor=lambda d: d, slope=None, power=1, frozen=False):
    start = w, b
    for z in latents:
        at = start if frozen else (w, b)
        d = factor(sigmoid(a * (at[0] * z + at[1]) + c)) * (a if slope is None else slope)
        w, b = w + eta * (d * z**power).mean(), b + eta * d.mean()
    return w, b


def steps_by_autograd(w, b, a, c, latents, eta):
    four = torch.stack([w, b]).requires_grad_()
    for z in latents:
        loss = logsigmoid(-(a * (four[0] * z + four[1]) + c)).mean()
        four.data -= eta * torch.autograd.grad(loss, four)[0]
    return four


def test_the_generators_steps_count_by_hand_and_by_autograd():
    assert ex.check_generator_steps(steps)
    assert ex.check_generator_steps(steps_by_autograd)


@pytest.mark.parametrize(
    ("slip", "word"),
    [
        ({"factor": lambda d: -d}, "the sign"),
        ({"slope": 1.0}, "is missing"),
        ({"power": 0}, "dG / dw"),
        ({"factor": lambda d: 1 - d}, "non-saturating"),
        ({"frozen": True}, "ask D anew"),
    ],
)
def test_a_slip_in_the_generators_steps_is_named(slip, word):
    verdict = ex.check_generator_steps(lambda *numbers: steps(*numbers, **slip))
    assert not verdict
    assert word in verdict.message


# -- 04: a fade ------------------------------------------------------------------------------------


def test_a_fade_counts_in_every_form():
    for cos in (math.cos, np.cos):
        assert ex.check_fade(lambda k, n, cos=cos: (1 + cos(math.pi * min(k / n, 1))) / 2)
    assert ex.check_fade(lambda k, n: math.cos(math.pi * k / n / 2) ** 2 if k < n else 0)


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (lambda k, n: (1 + math.cos(math.pi * k / n)) / 2, "comes back"),
        (lambda k, n: (1 - math.cos(math.pi * min(k / n, 1))) / 2, "grows"),
        (lambda k, n: math.cos(math.pi / 2 * min(k / n, 1)), "quarter"),
        (lambda k, n: max(0, 1 - k / n), "straight"),
        (lambda k, n: math.cos(math.pi * min(k / n, 1)), "is wanted"),
    ],
)
def test_mistakes_with_the_fade_are_named(answer, word):
    assert not ex.check_fade(answer)
    assert word in ex.check_fade(answer).message

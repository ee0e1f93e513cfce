"""The exercises of chapters 09 to 12 in which code is written."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import binomtest
from torch.nn.functional import logsigmoid, relu, softplus

from gan_teach.analysis import landscape
from gan_teach.course import exercises as ex
from gan_teach.games import losses, penalties

s = softplus


def level(state, scale=0.5, empty=0.0):
    """L of JS by a search over D's value at each point."""
    f = np.linspace(-4, 4, 4001)
    total = 0.0
    for point in range(len(state)):
        m = state.count(point)
        each = np.logaddexp(0, -f) + m * np.logaddexp(0, f)
        total += each.min() if m else empty
    return scale * total / len(state)


def slope(critic, points):
    points = points.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
    return gradient.norm(dim=1)


def over(critic, points):
    return relu(slope(critic, points) - 1)


def one_norm(critic, real):
    (gradient,) = torch.autograd.grad(critic(real).sum(), real, create_graph=True)
    return gradient.norm()


def by_library(critic, real, fake, noise):
    squared = penalties.gradient_norm_squared(critic, real)
    return 10 * (squared.sqrt().clamp(min=1) - 1).square().mean()


def undifferentiable(critic, real, fake, noise):
    real = real.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(real).sum(), real)
    return 10 * (relu(gradient.norm(dim=1) - 1) ** 2).mean()


def root_forgotten(critic, real, fake, noise):
    return 10 * (relu(slope(critic, real) ** 2 - 1) ** 2).mean()


RIGHT = [
    (ex.check_state_level, level),
    (ex.check_state_level, lambda state: landscape.assignment_loss(state, "js", "half")),
    (ex.check_relativistic_losses, lambda r, f: (s(f - r).mean(), s(r - f).mean())),
    (ex.check_relativistic_losses, lambda r, f: [-logsigmoid(r - f).mean(),
                                                 -logsigmoid(f - r).mean()]),
    (ex.check_relativistic_losses,
     lambda r, f: tuple(half(r, f) for half in (losses.relativistic_d, losses.relativistic_g))),
    (ex.check_one_sided, lambda f, x, y, noise: 10 * (over(f, x) ** 2).mean()),
    (ex.check_one_sided, lambda f, x, y, noise: sum(10 * over(f, x) ** 2) / len(x)),
    (ex.check_one_sided, by_library),
    (ex.check_sign_test_code, lambda won, lost: binomtest(won, won + lost).pvalue),
    (ex.check_sign_test_code,
     lambda a, b: min(1, sum(math.comb(a + b, k) for k in range(min(a, b) + 1)) / 2**(a + b - 1))),
]  # fmt: skip
WRONG = [
    (ex.check_state_level, lambda state: level(state, 1.0), "halved"),
    (ex.check_state_level, lambda state: len(state) * level(state), "sum over the points"),
    (ex.check_state_level, lambda state: math.log(2) * len({*state} - {-1}) / len(state),
     "how many fakes"),
    (ex.check_state_level,
     lambda state: level(state) + state.count(-1) * math.log(2) / 2 / len(state), "off the data"),
    (ex.check_state_level, lambda state: level(state, empty=1.0), "at state = (0, 0"),
    (ex.check_relativistic_losses,
     lambda r, f: np.logaddexp(0, np.outer([1, -1], f.numpy() - r.numpy())).mean(1), "gradient"),
    (ex.check_relativistic_losses, lambda r, f: (s(f - r).mean(), s(r - f).mean().detach()),
     "gradient"),
    (ex.check_relativistic_losses, lambda r, f: (s(f - r.detach()).mean(), s(r - f).mean()),
     "gradient"),
    (ex.check_relativistic_losses, lambda r, f: (s(r - f).mean(), s(f - r).mean()), "exchanged"),
    (ex.check_relativistic_losses, lambda r, f: 2 * (s(f - r).mean(),), "told apart"),
    (ex.check_relativistic_losses, lambda r, f: (s(f - r).mean(), -s(f - r).mean()), "saturates"),
    (ex.check_relativistic_losses, lambda r, f: (s(f - r).sum(), s(r - f).sum()), "mean"),
    (ex.check_relativistic_losses,
     lambda r, f: (s(f - r.mean()).mean(), s(r - f.mean()).mean()), "partners"),
    (ex.check_relativistic_losses,
     lambda r, f: (s(f - r[:, None]).mean(), s(r - f[:, None]).mean()), "has one partner"),
    (ex.check_relativistic_losses,
     lambda r, f: (s(-r).mean() + s(f).mean(), s(-f).mean()), "vanilla"),
    (ex.check_relativistic_losses, lambda r, f: (s(f - r), s(r - f)), "shape (2,) is wanted"),
    (ex.check_relativistic_losses, lambda r, f: s(f - r).mean(), "shape (2,) is wanted"),
    (ex.check_one_sided, lambda f, x, y, n: 10 * ((slope(f, x) - 1) ** 2).mean(), "cut at zero"),
    (ex.check_one_sided, lambda f, x, y, n: 10 * over(f, x).mean(), "square is missing"),
    (ex.check_one_sided, lambda f, x, y, n: (over(f, x) ** 2).mean(), "weight 10"),
    (ex.check_one_sided, lambda f, x, y, n: 10 * (over(f, x) ** 2).sum(), "sum over the batch"),
    (ex.check_one_sided, lambda f, x, y, n: 10 * (over(f, y) ** 2).mean(), "take real points"),
    (ex.check_one_sided,
     lambda f, x, y, n: 10 * relu(one_norm(f, x.requires_grad_()) - 1) ** 2, "over the batch"),
    (ex.check_one_sided,
     lambda f, x, y, n: 10 * relu(slope(f, x).mean() - 1) ** 2, "excess of the mean"),
    (ex.check_one_sided, undifferentiable, "create_graph"),
    (ex.check_one_sided, root_forgotten, "root"),
    (ex.check_one_sided, lambda f, x, y, n: 10 * (over(f, x) ** 2).mean().detach(), "no detach"),
    (ex.check_one_sided, lambda f, x, y, n: 10 * over(f, x) ** 2, "but a number is wanted"),
    (ex.check_sign_test_code,
     lambda a, b: binomtest(max(a, b), a + b, alternative="greater").pvalue, "one tail"),
    (ex.check_sign_test_code,
     lambda a, b: min(1, 2 * binomtest(a, a + b, alternative="greater").pvalue), "larger of"),
    (ex.check_sign_test_code, lambda a, b: math.comb(a + b, a) / 2 ** (a + b), "exactly"),
    (ex.check_sign_test_code,
     lambda a, b: math.erfc(abs(a - b) / math.sqrt(2 * (a + b))), "normal approximation"),
    (ex.check_sign_test_code,
     lambda a, b: 2 * binomtest(max(a, b), a + b, alternative="greater").pvalue, "at most 1"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "answer"), RIGHT)
def test_each_right_form_counts(check, answer):
    verdict = check(answer)
    assert verdict, verdict


@pytest.mark.parametrize(("check", "answer", "word"), WRONG)
def test_each_mistake_is_told(check, answer, word):
    verdict = check(answer)
    assert not verdict
    assert word in verdict.message


CHECKS = {check.__name__: check for check, _ in RIGHT}  # each once


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_nothing_else_counts_and_nothing_raises(check):
    for answer in (lambda *_: math.nan, lambda *_: [math.nan] * 2, lambda *_: math.inf,
                   lambda *_: None, lambda *_: "x", lambda: 0, lambda *_: 1 / 0):  # fmt: skip
        assert not check(answer)
    assert "a function is wanted" in check(0.5).message

"""The checks of chapters 17 to 20: right answers by another way, known mistakes by name."""

# pyright: reportCallIssue=false, reportArgumentType=false
# Parts of modules are taken by index and by name.

import numpy as np
import pytest
import scipy.stats
import torch

from gan_teach.course import exercises as ex
from gan_teach.games import losses
from gan_teach.games.penalties import r1
from gan_teach.models import convnets
from gan_teach.studies import image_runs
from gan_teach.training import EMA


def test_a_quarter_of_the_width_by_counting():
    wide, narrow = (convnets.CNNDiscriminator(32, features=f) for f in (64, 16))
    shrinks = wide[2].weight.numel() / narrow[2].weight.numel()  # a layer with maps on both sides
    assert ex.check_quarter_width(shrinks)
    assert "as well as" in ex.check_quarter_width(4).message


def test_margins_by_the_losses_themselves():
    real, fake = torch.full((5,), 1.5), torch.full((5,), -1.5)
    paired, separable = (
        float(losses.get(name).d(real, fake)) for name in ("relativistic", "non_saturating")
    )
    assert ex.check_margin_losses(paired, separable)
    assert ex.check_margin_losses(separable, paired).message.startswith("paired")
    assert ex.check_margin_losses(paired, separable / 2).message.startswith("separable")
    assert not ex.check_margin_losses(..., separable)


def test_the_half_life_of_an_average():
    module = torch.nn.Linear(1, 1, bias=False).double()
    average = EMA(module, decay=0.999)
    with torch.no_grad():
        average.module.weight.fill_(1.0)
        module.weight.fill_(0.0)
    steps = 0
    while float(average.module.weight) > 0.5:
        average()
        steps += 1
    assert ex.check_half_life(steps)
    assert "mean age" in ex.check_half_life(1000).message


def test_the_penalty_convention_on_a_line():
    x = torch.zeros(3, 1, dtype=torch.float64)
    value = r1(20.0)(lambda y: 3 * y[:, 0], x, x, (), 0)  # a slope of 3
    assert float(value) == pytest.approx(10 * 3**2)
    assert ex.check_penalty_convention(20)


def stretch(w, power=1):
    """By power iteration, many rounds of it."""
    W, v = w.flatten(1), torch.ones(w[0].numel(), dtype=w.dtype)
    with torch.no_grad():
        for _ in range(2000):
            v = torch.nn.functional.normalize(W.T @ (W @ v), dim=0)
    return (W @ v).norm() ** power


def straight(a, b, t):
    return (1 - t) * np.asarray(a) + t * np.asarray(b)


def spherical(a, b, t):
    a, b = (torch.tensor(x)[None] for x in (a, b))
    turned = image_runs.between(a, b, 1001, spherical=True)[0]
    k = int(1000 * t)  # between two of its steps, where the way is straight enough
    return torch.lerp(turned[k], turned[k + 1], 1000 * t - k)


def spread(t):
    return np.hypot(1 - t, t)


def averages(w, beta, start=0.0, correct=True):
    found, mean = [], start
    for n, now in enumerate(w, 1):
        mean += (1 - beta) * (now - mean)
        found.append(mean / (1 - beta**n) if correct else mean)
    return found  # a list


def kl(counts, base=np.e):
    return scipy.stats.entropy(counts, np.ones(len(counts)), base=base)


# a check, right functions in several forms, wrong ones with a word of the sentence each deserves
CODE = [
    (ex.check_largest_stretch,
     [stretch, lambda w: torch.linalg.matrix_norm(w.reshape(len(w), -1), 2),
      lambda w: torch.linalg.eigvalsh(w.flatten(1) @ w.flatten(1).T)[-1].sqrt(),
      ],
     [(lambda w: np.linalg.norm(w.numpy().reshape(len(w), -1), 2), "gradient"),
      (lambda w: torch.linalg.matrix_norm(w.detach().flatten(1), 2), "gradient"),
      (lambda w: w.norm(), "all"), (lambda w: stretch(w, 2), "root"),
      (lambda w: torch.linalg.svdvals(w.flatten(1)), "all of them"),
      (lambda w: torch.linalg.svdvals(w.flatten(1))[-1], "smallest"),
      (lambda w: torch.linalg.matrix_norm(w, 2), "one row"),
      (lambda w: torch.linalg.matrix_norm(w, 2).max(), "one row")]),
    (ex.check_normal_way,
     [lambda a, b, t: straight(a, b, t) / spread(t),
      lambda a, b, t: [x / spread(t) for x in straight(a, b, t)],
      lambda a, b, t: torch.lerp(*map(torch.tensor, (a, b)), t) / (1 - 2 * t + 2 * t**2) ** 0.5],
     [(straight, "variance"), (lambda a, b, t: straight(a, b, t) / spread(t) ** 2, "root"),
      (lambda a, b, t: straight(b, a, t) / spread(t), "starts at b"),
      (lambda a, b, t: straight(a, b, t) * len(a) ** 0.5 / np.linalg.norm(straight(a, b, t)),
       "length"),
      (spherical, "spherical"),
      (lambda a, b, t: a * np.cos(t * np.pi / 2) + b * np.sin(t * np.pi / 2), "wanted")]),
    (ex.check_unbiased_average,
     [averages, lambda w, beta: np.array(averages(list(w), beta)),
      lambda w, beta: [np.average(w[: n + 1], weights=beta ** np.arange(n, -1.0, -1))
                       for n in range(len(w))]],
     [(lambda w, beta: averages(w, beta, correct=False), "still holds the 0"),
      (lambda w, beta: averages(w, beta, start=w[0], correct=False), "w_0"),
      (lambda w, beta: averages(w, beta)[-1], "last"),
      (lambda w, beta: [np.mean(w[:n]) for n in range(1, len(w) + 1)], "plain mean"),
      (lambda w, beta: averages(w, 1 - beta), "exchanged")]),
    (ex.check_kl_code,
     [kl, lambda counts: sum(n / sum(counts) * np.log(n * len(counts) / sum(counts))
                             for n in counts if n),
      lambda counts: torch.nn.functional.kl_div(
          torch.full((len(counts),), 1 / len(counts), dtype=torch.float64).log(),
          torch.tensor(counts / counts.sum()), reduction="sum")],
     [(lambda c: kl(c, 2), "bits"), (lambda c: -kl(c), "sign"),
      (lambda c: scipy.stats.entropy(np.ones(len(c)), c), "the other way round"),
      (scipy.stats.entropy, "entropy"), (lambda c: kl(c[c > 0]), "that occur"),
      (lambda c: kl(c) * c.sum(), "shares")]),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("check", "right", "wrong"), CODE)
def test_code(check, right, wrong):
    for answer in right:
        assert check(answer), check(answer)
    for answer, word in wrong:
        assert not check(answer)
        assert word in check(answer).message, check(answer)
    for nonsense in (3.0, lambda *_: np.nan, lambda *_: 17.0, lambda *_: 1 / 0, lambda: 0):
        assert not check(nonsense)
    assert "replace the ..." in check(...).message

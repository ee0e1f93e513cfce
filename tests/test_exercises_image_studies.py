"""The checks of chapters 17 and 19: right answers by another way, known mistakes by name."""

# pyright: reportCallIssue=false, reportArgumentType=false
# Parts of modules are taken by index and by name.

import numpy as np
import pytest
import torch

from gan_teach import metrics
from gan_teach.course import exercises as ex
from gan_teach.games import losses
from gan_teach.games.penalties import r1
from gan_teach.models import convnets
from gan_teach.training import EMA, schedules


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


def test_the_bias_by_simulation():
    rng = np.random.default_rng(0)
    found = [metrics.sample_frechet(*rng.normal(size=(2, 500, 24))) for _ in range(20)]
    assert np.mean(found) == pytest.approx(24 * 29 / 1000, rel=0.05)  # the formula itself
    assert ex.check_frechet_bias(96 * 101 / 10_000)


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


def test_the_rate_of_d_by_the_schedule():
    assert ex.check_rate_of_d(4 * 1e-4 * schedules.power_decay(0.005)(100_000))
    assert "G's" in ex.check_rate_of_d(1e-4 * schedules.power_decay(0.005)(100_000)).message

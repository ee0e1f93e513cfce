"""Instance noise: its law, who shares it, and the level at each step."""

# pyright: reportAttributeAccessIssue=false
# Wrong arguments are given on purpose, and parts of modules are taken by index.

import pytest
import torch
from scipy import stats

from cases import rng
from gan_teach.games.corrupt import InstanceNoise, linear_annealing

REAL = torch.zeros(4000, 2, dtype=torch.float64)


def test_noise_is_standard_normal_and_independent_unless_shared():
    real, fake = InstanceNoise(0.3).draw(REAL, rng(1))
    assert real.dtype == REAL.dtype
    both = torch.stack([real.flatten(), fake.flatten()]).numpy()
    assert stats.kstest(both[0], "norm").pvalue > 1e-3
    assert stats.pearsonr(*both).pvalue > 1e-3
    a, b = InstanceNoise(0.3, shared=True).draw(REAL, rng(1))
    assert torch.equal(a, b)
    assert torch.equal(a, real)  # the same draw, so that the two kinds can be compared


def test_the_level_follows_the_schedule_and_may_be_changed():
    noise = InstanceNoise(2.0, anneal=linear_annealing(10))
    eps = torch.ones(3, 1)
    levels = [noise.apply(torch.zeros(3, 1), eps, step)[0].item() for step in (0, 5, 10, 99)]
    assert levels == [2.0, 1.0, 0.0, 0.0]
    noise.std = 1.0  # a slider
    assert noise.apply(torch.zeros(3, 1), eps, 5)[0].item() == 0.5
    assert InstanceNoise(0.5).apply(torch.ones(3, 1), eps, 10**9)[0].item() == 1.5


def test_equal_schedules_compare_equal():
    assert linear_annealing(10) is linear_annealing(10)
    assert InstanceNoise(1.0, anneal=linear_annealing(10)) == InstanceNoise(
        1.0, anneal=linear_annealing(10)
    )


@pytest.mark.parametrize("snapshots", [1, 2])
def test_members_have_levels_of_their_own(snapshots):
    noise = InstanceNoise(torch.tensor([0.0, 0.1, 3.0], dtype=torch.float64))
    x = torch.zeros(3 * snapshots, 4, 2, dtype=torch.float64)
    seen = noise.apply(x, torch.ones_like(x), 0)
    assert seen[:, 0, 0].tolist() == [0.0, 0.1, 3.0] * snapshots


def test_bad_arguments():
    with pytest.raises(ValueError, match="std must be at least 0, got -1"):
        InstanceNoise(-1.0)
    with pytest.raises(ValueError, match="steps must be at least 1, got 0"):
        linear_annealing(0)

"""The checks of chapters 15 to 20: right answers pass, known mistakes are named."""

import numpy as np
import pytest
import torch

from gan_teach.course import exercises as ex
from gan_teach.data import stacked_digits
from gan_teach.metrics import class_coverage
from gan_teach.models import convnets


def bce(score, target):
    """D's cross-entropy of one answer, by torch."""
    p, t = torch.tensor([score, 0.0])[:1].double(), torch.tensor([target]).double()
    return float(torch.nn.functional.binary_cross_entropy(p, t))


def test_parameters_are_those_of_the_network():
    net = convnets.VanillaGenerator()
    assert ex.check_parameter_count(sum(p.numel() for p in net.parameters()))
    assert (
        "biases"
        in ex.check_parameter_count(sum(p.numel() for p in net.parameters() if p.ndim == 2)).message
    )


@pytest.mark.parametrize(
    ("check", "real", "fake"),
    [(ex.check_scores_to_loss, 0.629, 0.357), (ex.check_last_epoch, 0.298, 0.062)],
)
def test_scores_become_a_loss(check, real, fake):
    assert check(bce(real, 0.9) + bce(fake, 0.0))
    assert "smoothing" in check(bce(real, 1.0) + bce(fake, 0.0)).message
    assert not check(0.0)


def test_counts_of_updates():
    assert ex.check_times_seen(18_000 * 100 / 5000)
    assert ex.check_slowdown((1 / 0.5) * 2)
    assert "inverse" in ex.check_slowdown(0.25).message


def test_the_straight_way_between_many_latents():
    a, b = torch.randn(2, 2000, 400, generator=torch.Generator().manual_seed(0))
    length = (0.75 * a + 0.25 * b).norm(dim=1).mean() / 20
    assert float(length) == pytest.approx(np.hypot(0.75, 0.25), abs=2e-3)
    assert ex.check_way_length(np.hypot(0.75, 0.25))
    assert "middle" in ex.check_way_length(np.sqrt(0.5)).message


def test_a_gallery_by_simulation():
    copies = np.random.default_rng(0).random((100_000, 16)) < 0.1
    assert copies.any(1).mean() == pytest.approx(1 - 0.9**16, abs=5e-3)
    assert ex.check_copy_in_gallery(1 - 0.9**16)
    assert "none" in ex.check_copy_in_gallery(0.9**16).message


def test_a_thousand_real_stacks():
    rng = torch.Generator().manual_seed(0)
    found = []
    for _ in range(40):
        _, digits = stacked_digits().labelled(1000, rng)
        found.append(class_coverage((digits @ torch.tensor([100, 10, 1])).numpy(), 1000)[0])
    assert np.mean(found) == pytest.approx(1000 * (1 - 0.999**1000), abs=6)
    assert ex.check_perfect_thousand(1000 * (1 - 0.999**1000))


def test_grey_stacks_and_readers():
    _, kl = class_coverage(np.arange(10) * 111, 1000)
    assert ex.check_grey_stacks(kl)
    assert ex.check_read_stacks(0.97**3)
    assert "all three" in ex.check_read_stacks(0.97).message

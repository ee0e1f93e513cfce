"""The checks of chapters 15 to 20: right answers pass, known mistakes are named."""

import numpy as np
import pytest
import torch

from gan_teach.course import exercises as ex
from gan_teach.metrics import class_coverage
from gan_teach.models import convnets


def bce(score, target):
    """D's cross-entropy of one answer, by torch."""
    p, t = torch.tensor([score, 0.0])[:1].double(), torch.tensor([target]).double()
    return float(torch.nn.functional.binary_cross_entropy(p, t))


def test_the_share_of_the_last_layer_is_that_of_the_network():
    sizes = [p.numel() for p in convnets.VanillaGenerator().parameters()]  # weights, biases, ...
    assert ex.check_last_layer(sum(sizes[-2:]) / sum(sizes))
    for wrong, word in [
        (sum(sizes[-4:-2]) / sum(sizes), "layer before"),
        (sum(sizes[-2:]), "how many"),
        (sizes[-1] / sum(sizes[1::2]), "counts units"),
        (sum(sizes[-2:]) / sum(sizes[:-2]), "the last included"),
        (0.25, "equally large"),
    ]:
        assert word in ex.check_last_layer(wrong).message


def test_scores_become_a_loss():
    assert ex.check_scores_to_loss(bce(0.629, 0.9) + bce(0.357, 0.0))
    assert "smoothing" in ex.check_scores_to_loss(bce(0.629, 1.0) + bce(0.357, 0.0)).message
    assert not ex.check_scores_to_loss(0.0)


def test_counts_of_updates():
    assert ex.check_slowdown((1 / 0.5) * 2)
    assert "inverse" in ex.check_slowdown(0.25).message


def test_a_gallery_by_simulation():
    copies = np.random.default_rng(0).random((100_000, 16)) < 0.1
    assert copies.any(1).mean() == pytest.approx(1 - 0.9**16, abs=5e-3)
    assert ex.check_copy_in_gallery(1 - 0.9**16)
    assert "none" in ex.check_copy_in_gallery(0.9**16).message


def test_grey_stacks_and_readers():
    _, kl = class_coverage(np.arange(10) * 111, 1000)
    assert ex.check_grey_stacks(kl)
    assert ex.check_read_stacks(0.97**3)
    assert "all three" in ex.check_read_stacks(0.97).message

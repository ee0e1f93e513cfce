"""Stacked digits: what is in a stack, the names of its digits, and the count of combinations."""

# pyright: reportArgumentType=false, reportOptionalMemberAccess=false

import numpy as np
import pytest
import torch

from gan_teach import data, metrics
from gan_teach.data.images import Images, StackedDigits
from gan_teach.metrics.features.classifier import framed, name_stacks


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def numbered(n=10):
    """Images of one pixel's height whose grey level is their label."""
    pixels = torch.arange(n, dtype=torch.uint8)[:, None, None].repeat(1, 2, 2)
    pixels[:, 0, 0] = 255  # not constant
    return StackedDigits(pixels, torch.arange(n), name="numbers")


def test_each_channel_shows_a_digit_of_its_own():
    stacks, labels = numbered().labelled(500, rng())
    assert stacks.shape == (500, 3, 2, 2)
    np.testing.assert_array_equal(((stacks[..., 1, 1] + 1) * 127.5).round(), labels)
    # three independent uniform digits: each pair of channels agrees once in ten
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert 0.05 < float((labels[:, a] == labels[:, b]).float().mean()) < 0.16


def test_a_batch_is_a_function_of_the_generator():
    digits = numbered()
    first, again = (digits.sample(20, rng(3)) for _ in range(2))
    assert torch.equal(first, again)
    assert torch.equal(first, digits.labelled(20, rng(3))[0])


def test_embedded_stacks_have_their_shapes():
    assert data.stacked_digits().shape == (3, 8, 8)
    assert data.load_images("stacked-mnist").shape == (3, 20, 20)
    middle, whole = data.stacked_mnist().pixels, data.small_mnist().pixels
    np.testing.assert_array_equal(middle[7], whole[7, :, 4:24, 4:24])


def test_color_and_missing_labels_are_named():
    color = torch.arange(2 * 3 * 4 * 4, dtype=torch.uint8).view(2, 3, 4, 4)
    with pytest.raises(ValueError, match="must be grey"):
        StackedDigits(color)
    with pytest.raises(ValueError, match="has no labels"):
        StackedDigits(color[:, :1]).labelled(1, rng())


class Reader:
    """Stands in for a classifier: the grey level in the middle is the digit."""

    size = 4

    def probabilities(self, images):
        assert images.shape[1:] == (1, 4, 4)
        digit = ((images[:, 0, 1, 1] + 1) * 127.5).round().long()
        return torch.eye(10)[digit].numpy()


def test_the_number_of_a_stack_is_its_three_digits():
    levels = torch.tensor([[9.0, 0, 4], [0, 0, 7]])[:, :, None, None].expand(-1, -1, 2, 2)
    np.testing.assert_array_equal(name_stacks(Reader(), levels / 127.5 - 1), [904, 7])
    with pytest.raises(ValueError, match=r"shape .n, 3, h, w"):
        name_stacks(Reader(), levels[:, :1])


def test_the_frame_is_black_and_the_middle_untouched():
    x = torch.full((1, 1, 2, 3), 0.5)
    y = framed(x, 6)
    assert y.shape == (1, 1, 6, 6)
    assert float((y == 0.5).sum()) == 6
    assert float((y == -1).sum()) == 30
    assert torch.equal(framed(x, 3)[0, 0, :2], x[0, 0])
    with pytest.raises(ValueError, match="2 x 3 do not fit into 2 x 2"):
        framed(x, 2)


def test_class_coverage_in_closed_form():
    assert metrics.class_coverage(np.arange(10).repeat(3), 10) == (10, pytest.approx(0, abs=1e-12))
    covered, kl = metrics.class_coverage(np.array([4] * 7), 10)
    assert (covered, kl) == (1, pytest.approx(np.log(10)))
    # a third and two thirds on two of four classes
    wanted = np.log(4 / 3) / 3 + 2 * np.log(8 / 3) / 3
    assert metrics.class_coverage(np.array([0, 2, 2]), 4) == (2, pytest.approx(wanted))


@pytest.mark.parametrize(
    ("named", "message"),
    [
        (np.array([], dtype=int), "one class per sample"),
        (np.array([0.5]), r"one class per sample, got array\(\[0.5\]\)"),
        (np.array([[0]]), "one class per sample"),
        (np.array([0, 10]), "0 to 9, one class"),
        (np.array([-1, 1]), "0 to 9, one class"),
    ],
)
def test_class_coverage_names_bad_numbers(named, message):
    with pytest.raises(ValueError, match=message):
        metrics.class_coverage(named, 10)


def test_an_image_set_still_draws_as_before():
    images = Images(torch.arange(5 * 4, dtype=torch.uint8).view(5, 2, 2))
    rows = torch.randint(5, (7,), generator=rng(2))
    np.testing.assert_array_equal(images.sample(7, rng(2)), images[rows].floats())

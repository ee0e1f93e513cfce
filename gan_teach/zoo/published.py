"""Published image GANs by name: data, networks, loss and training as their authors set them.

    config = zoo.image_gan("cifar-rsgan-cnn", features=16, lr=1e-4)
    run = config.train(config.game(images), steps=1000)
    train_images(config, "runs/mine")            # of studies.image_runs: a folder that resumes

Sources: A5 is assignment A5 of github.com/aryashah2k/RTML, RS is Sun, Fang & Schwing (2020), FR is
Fiez & Ratliff (2021), DRAGAN is Kodali et al. (2017).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from gan_teach import _checks
from gan_teach.zoo.images import ImageGAN, changed

_ADAM = "adam(betas=(0.5, 0.999))"
_SHUFFLED = "batches are drawn with replacement, where the authors shuffle epochs"
_NO_AVERAGE = f"{_SHUFFLED}; an average of G is kept, which A5 has not"

_MNIST_DCGAN = ImageGAN(
    name="mnist-dcgan", summary="DCGAN of MNIST with the settings of Radford et al. (2016)",
    data="mnist", size=28, networks="dcgan", features=64, latent=100, steps=18_000, batch_size=128,
    lr=2e-4, optimizer=_ADAM, redraw="none",
)  # fmt: skip
_CIFAR_DCGAN = ImageGAN(
    name="cifar-dcgan",
    summary="A5: DCGAN of CIFAR-10 at 64 pixels, D at every second batch, 30 epochs",
    differs=_NO_AVERAGE, data="cifar10", size=64, networks="dcgan(ends='linear')", features=128,
    latent=100, steps=15_000, batch_size=100, lr=2e-4, tau=0.5, optimizer=_ADAM, d_every=2,
    label_smoothing=0.9,
)  # fmt: skip
_CELEBA_DCGAN = ImageGAN(
    name="celeba-dcgan",
    summary="A5: DCGAN of CelebA at 64 pixels, D at every second batch, 50 epochs",
    differs=_NO_AVERAGE, data="celeba", size=64, networks="dcgan", features=64, latent=100,
    steps=79_150, batch_size=128, lr=2e-4, optimizer=_ADAM, d_every=2, label_smoothing=0.9,
    g_label_smoothing=0.9,
)  # fmt: skip

# RS: lr_D = 2e-4, decay to 0 over the second half, one average, noise of one grey level. Both
# players move on the same images: G's forward pass serves both.
_RSGAN = ImageGAN(
    differs=f"{_SHUFFLED}; D moves first, there G does; averages of G get batch statistics of "
    "their own, which RS leaves as they were at the start",
    data="cifar10", size=32, networks="cnn", features=64, latent=128, steps=100_000, batch_size=64,
    lr=5e-4, schedule="linear(start=0.5)", averages=(0.9999,), optimizer=_ADAM, redraw="none",
    dequantize=True,
)  # fmt: skip
_STL = {"data": "stl10", "size": 48}
_RESNET = {"networks": "resnet", "redraw": "all", "d_steps": 5}
_RS_PAIRS: Mapping[str, tuple[str, dict[str, Any]]] = {  # of networks: in words, and as settings
    "cifar-{}-cnn": ("CNN, CIFAR-10", {"lr": 5e-4}),
    "cifar-{}-resnet": (
        "ResNet, CIFAR-10, 5 steps of D",
        {**_RESNET, "lr": 1.5e-3, "features": 256, "optimizer": "adam(betas=(0.0, 0.9))"},
    ),
    "stl-{}-cnn": ("CNN, STL-10", {**_STL, "lr": 5e-4}),
    "stl-{}-resnet": ("ResNet, STL-10, 5 steps of D", {**_STL, **_RESNET, "lr": 1e-3}),
    "tower-{}-cnn": (
        "CNN, LSUN towers at 256 pixels",
        {"data": "lsun-tower", "size": 256, "networks": "tower", "features": 32, "lr": 1e-3},
    ),
}
_RS_LOSSES = {
    "rsgan": ("paired loss", "relativistic"),
    "jsgan": ("separable loss", "non_saturating"),
    "rshinge": ("paired hinge loss", "relativistic_hinge"),
    "jshinge": ("hinge loss", "hinge"),
}
_RS_GANS = [
    replace(
        _RSGAN, name=name.format(short), summary=f"RS: {words}, {where}", loss=loss,
        tau=2e-4 / own["lr"], **own,
    )
    for name, (where, own) in _RS_PAIRS.items()
    for short, (words, loss) in _RS_LOSSES.items()
]  # fmt: skip

# FR: R1 with mu = 10, which is gamma = 20 here; tau = 1, 2, 4, 8 were compared.
_TIMESCALE = ImageGAN(
    name="cifar-timescale", summary="FR: ResNet without normalization, R1; tau = 4 did best",
    differs=f"{_SHUFFLED}; G lacks one parameter, a constant; the authors' real images for the FID "
    "had flips and noise",
    data="cifar10", size=32, networks="stable", features=64, latent=256, steps=150_000,
    batch_size=64, lr=1e-4, tau=4.0, optimizer="rmsprop", schedule="power(exponent=0.005)",
    averages=(0.9, 0.99, 0.999, 0.9999), penalties=("r1(gamma=20.0)",), dequantize=True, flip=True,
)  # fmt: skip
_MU_1 = {"steps": 300_000, "penalties": ("r1(gamma=2.0)",)}

_STACKED = ImageGAN(
    name="stacked-mnist-vanilla",
    summary="stacked digits: the same networks with the loss of 2014", data="stacked-mnist",
    size=20, networks="dcgan(norm=False)", features=16, latent=64, steps=3500, batch_size=64,
    lr=5e-4, optimizer="adam(betas=(0.0, 0.99))", averages=(0.99, 0.999),
)  # fmt: skip
"""1000 modes after Metz et al. (2017), narrow enough for a CPU; the settings are our own.

The pair of losses, R1 and R2, no batch norm in D and no momentum are those of R3GAN (Huang et al.,
2024), whose networks are far larger and have no normalization in G either.
"""

_DRAGAN = ImageGAN(
    name="mnist-dragan", summary="DRAGAN: its MLPs of MNIST, as in its notebook",
    differs=f"{_SHUFFLED}; pixels lie in [-1, 1], where the penalty 10 (|slope| - 1)^2 of pixels "
    "in [0, 1] is 40 (|slope| - 0.5)^2",
    data="mnist", size=28, networks="dragan", features=128, latent=100, prior="uniform",
    steps=199_999, batch_size=128, lr=1e-4, optimizer="adam(betas=(0.5, 0.9))", averages=(),
    penalties=("dragan(weight=40.0, target=0.5, directions='published')",),
)  # fmt: skip

_WGAN = ImageGAN(
    name="cifar-wgan", summary="WGAN: clipped critic, DCGAN (Arjovsky et al., 2017, algorithm 1)",
    differs="the data, size and length are ours", data="cifar10", size=32, networks="dcgan",
    features=64, latent=100, steps=100_000, batch_size=64, lr=5e-5, optimizer="rmsprop",
    loss="wasserstein", d_steps=5, clip=0.01,
)  # fmt: skip

IMAGE_GANS: Mapping[str, ImageGAN] = {config.name: config for config in (
    ImageGAN(
        name="mnist-vanilla", summary="A5: fully connected GAN of MNIST, 30 epochs",
        differs=_NO_AVERAGE, data="mnist", size=28, networks="vanilla", features=256, latent=100,
        steps=18_000, batch_size=100, lr=2e-4, optimizer=_ADAM, label_smoothing=0.9,
    ),
    _MNIST_DCGAN,
    replace(
        _MNIST_DCGAN, name="mnist-imbalanced", data="mnist-imbalanced",
        summary="mnist-dcgan on RS's imbalanced digits: all sevens, a fifth of the fives",
    ),
    replace(
        _MNIST_DCGAN, name="mnist-balanced", data="mnist-imbalanced", balanced=True,
        summary="the same digits, fives and sevens equally often in a batch",
    ),
    _DRAGAN,
    replace(
        _DRAGAN, name="mnist-dragan-without", penalties=(),
        summary="the same MLPs without the penalty, for comparison",
    ),
    _CIFAR_DCGAN,
    replace(
        _CIFAR_DCGAN, name="cifar-dcgan-small", size=32, features=16, steps=2000, batch_size=64,
        averages=(0.99,), summary="cifar-dcgan at 32 pixels, narrow, for a CPU",
    ),
    _CELEBA_DCGAN,
    replace(
        _CELEBA_DCGAN, name="faces-dcgan", data="faces", size=32, features=16, steps=2500,
        batch_size=64, flip=True, g_label_smoothing=1.0,
        summary="celeba-dcgan at 32 pixels, narrow, on the embedded 100 faces",
    ),
    _WGAN,
    replace(
        _WGAN, name="cifar-wgan-gp", networks="dcgan(norm=False)", lr=1e-4, clip=None,
        optimizer="adam(betas=(0.0, 0.9))", penalties=("wgan_gp(weight=10.0)",),
        summary="WGAN-GP: the same with a penalty (Gulrajani et al., 2017, algorithm 1)",
    ),
    *_RS_GANS,
    _TIMESCALE,
    replace(_TIMESCALE, name="cifar-timescale-mu1", **_MU_1, summary="FR: the same with mu = 1"),
    replace(
        _TIMESCALE, name="cifar-timescale-small", size=16, features=16, steps=1000, lr=1e-3,
        penalties=("r1(gamma=2.0)",),
        summary="FR: the same at 16 pixels, a quarter wide, mu = 1, for a CPU",
    ),
    replace(_TIMESCALE, name="celeba-timescale", data="celeba", summary="FR: the same of CelebA"),
    replace(
        _TIMESCALE, name="celeba-timescale-mu1", data="celeba", **_MU_1,
        summary="FR: the same of CelebA with mu = 1",
    ),
    replace(
        _STACKED, name="stacked-mnist-r3gan", loss="relativistic",
        penalties=("r1(gamma=1.0)", "r2(gamma=1.0)"),
        summary="stacked digits: RpGAN + R1 + R2, the loss of R3GAN",
    ),
    _STACKED,
)}  # fmt: skip
"""The published image experiments by the names that ``gan-teach train`` takes."""


def image_gan(name: str, /, **changes: Any) -> ImageGAN:
    """The published experiment of that name with ``changes``; ValueError for unknown names."""
    return changed(IMAGE_GANS[_checks.choice("NAME", name, IMAGE_GANS)], **changes)


class Grid(NamedTuple):
    """Runs that were published together: of each configuration, values of some settings."""

    summary: str
    parts: Mapping[str, Mapping[str, tuple[Any, ...]]]


_TIMES = {"tau": (1, 2, 4, 8), "seed": (1, 2, 3)}
_RS_WIDTHS: Mapping[str, Any] = {
    "cifar-{}-cnn": {"features": (64, 32, 16)},
    "stl-{}-cnn": {"features": (64, 32, 16)},
    "cifar-{}-resnet": {"features": (256, 128, 64), "bottleneck": (False, True)},
    "stl-{}-resnet": {"features": (64, 32, 16), "bottleneck": (False, True)},
}
GRIDS: Mapping[str, Grid] = {
    "finite-learning-ratio": Grid(
        "FR: two data sets, mu = 10 and 1, four ratios, three seeds",
        {f"{data}-timescale{mu}": _TIMES for data in ("cifar", "celeba") for mu in ("", "-mu1")},
    ),
    "rsgan-losses": Grid(
        "RS: paired and separable losses, logistic and hinge, each of five pairs of networks",
        {config.name: {} for config in _RS_GANS},
    ),
    "rsgan-widths": Grid(
        "RS: paired and separable loss at three widths, ResNets with a bottleneck too",
        {n.format(loss): w for n, w in _RS_WIDTHS.items() for loss in ("rsgan", "jsgan")},
    ),
}
"""Published sweeps by the names that ``gan-teach sweep`` takes."""

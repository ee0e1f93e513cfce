"""Published image GANs by name: data, networks, loss and training as their authors set them.

    config = zoo.IMAGE_GANS["cifar-rsgan-cnn"]
    images, note = config.images()               # note says if other data stand in
    run = config.train(config.game(images), steps=1000)

``dataclasses.replace(config, features=16)`` makes a narrow variant. Sources: A5 is assignment A5 of
github.com/aryashah2k/RTML, RS is Sun, Fang & Schwing (2020), FR is Fiez & Ratliff (2021).

Known differences: batches are drawn with replacement, where the authors shuffle epochs; averages of
G are kept for A5, which has none, with batch statistics of their own, which RS leaves as they were
at the start; A5 smooths the target of G too for its faces, here it is 1; FR scales CelebA to its
size at once, here by way of 64 pixels; RS moves G first.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from torch import nn

from gan_teach.data import Images, Normal
from gan_teach.data.named import load_or_substitute
from gan_teach.dynamics import Rule, alternating
from gan_teach.dynamics.optim import Adam
from gan_teach.dynamics.streams import mix
from gan_teach.games import GAN, losses, penalties
from gan_teach.games.penalties import Penalty
from gan_teach.models import convnets
from gan_teach.training.schedules import Schedule, linear_decay, power_decay
from gan_teach.zoo.planar import Training

Shape = tuple[int, ...]  # (channels, size, size)
Networks = tuple[nn.Module, nn.Module]


@dataclass(frozen=True, kw_only=True)
class ImageGAN(Training):
    """One published experiment.

    lr is G's learning rate, tau * lr D's. ``schedule`` makes the learning-rate factor from the
    number of steps, so that a shorter run decays over its own length. ``averages`` are the decays
    of the averages of G that were kept. ``pair(config, shape, seed_g, seed_d)`` makes the networks.
    """

    summary: str
    data: str
    size: int
    pair: Callable[["ImageGAN", Shape, int, int], Networks]
    features: int
    latent: int
    tau: float = 1.0
    bottleneck: bool = False
    rule: Callable[[], Rule] = alternating
    schedule: Callable[[int], Schedule] | None = None
    averages: tuple[float, ...] = (0.999,)
    loss: losses.Loss = losses.non_saturating
    label_smoothing: float = 1.0
    penalties: Sequence[Penalty] = ()
    dequantize: bool = False
    flip: bool = False

    def images(self, data: str | None = None, **options: Any) -> tuple[Images, str]:
        """The data set (or ``data``: another name or a path), and a sentence if it is a stand-in.

        ``options`` are those of ``data.load_images``.
        """
        images, note = load_or_substitute(data or self.data, self.size, **options)
        return images.with_noise(self.dequantize, self.flip or images.flip), note

    def game(self, images: Images, seed: int = 0, autocast: str | None = None) -> GAN:
        """The game with new networks that fit the channels and the size of ``images``."""
        g, d = self.pair(self, images.shape, mix(seed, 1), mix(seed, 2))
        return GAN(
            g, d, data=images, latent=Normal(dim=self.latent), loss=self.loss,
            penalties=self.penalties, label_smoothing=self.label_smoothing, autocast=autocast,
        )  # fmt: skip

    def arguments(self, **changes: Any) -> dict[str, Any]:
        """The keyword arguments of ``gan_teach.train``, with ``changes`` (None changes nothing)."""
        own = {"tau": self.tau, **super().arguments(**changes)}
        if self.schedule is not None:
            own.setdefault("schedule", self.schedule(own["steps"]))
        return own


# -- networks -------------------------------------------------------------------------------------


def _vanilla(config: ImageGAN, shape: Shape, g: int, d: int) -> Networks:
    f = config.features
    return (
        convnets.VanillaGenerator(shape, config.latent, (f, 2 * f, 4 * f), seed=g),
        convnets.VanillaDiscriminator(shape, (4 * f, 2 * f, f), seed=d),
    )


def _dcgan(
    config: ImageGAN, shape: Shape, g: int, d: int, ends: str = "conv", norm: bool = True
) -> Networks:
    channels, size, _ = shape
    f = config.features
    return (
        convnets.DCGANGenerator(size, channels, f, config.latent, start=ends, seed=g),
        convnets.DCGANDiscriminator(size, channels, f, end=ends, norm=norm, seed=d),
    )


def _cnn(config: ImageGAN, shape: Shape, g: int, d: int) -> Networks:
    channels, size, _ = shape
    return (
        convnets.CNNGenerator(size, config.features, config.latent, channels, seed=g),
        convnets.CNNDiscriminator(size, config.features, channels, seed=d),
    )


def _resnet(config: ImageGAN, shape: Shape, g: int, d: int) -> Networks:
    channels, size, _ = shape
    f, narrow = config.features, config.bottleneck
    return (
        convnets.ResNetGenerator(size, f, config.latent, channels, bottleneck=narrow, seed=g),
        convnets.ResNetDiscriminator(size, f, channels, bottleneck=narrow, seed=d),
    )


def _stable(config: ImageGAN, shape: Shape, g: int, d: int) -> Networks:
    channels, size, _ = shape
    return (
        convnets.StableGenerator(size, config.features, config.latent, channels, seed=g),
        convnets.StableDiscriminator(size, config.features, channels, seed=d),
    )


# -- experiments ----------------------------------------------------------------------------------

_adam = partial(Adam, betas=(0.5, 0.999))
# Both players move on the same images, as in the published loops: G's forward pass serves both.
_same_images = partial(alternating, redraw="none")
_every_second = partial(alternating, d_every=2)  # batch for D


def _second_half(steps: int) -> Schedule:
    return linear_decay(steps // 2, max(1, steps))


def _constant_power(steps: int) -> Schedule:
    del steps
    return power_decay(0.005)


_CIFAR_DCGAN = ImageGAN(
    summary="A5: DCGAN of CIFAR-10 at 64 pixels, D at every second batch, 30 epochs",
    data="cifar10", size=64, pair=partial(_dcgan, ends="linear"), features=128, latent=100,
    steps=15_000, batch_size=100, lr=2e-4, tau=0.5, optimizer=_adam, rule=_every_second,
    label_smoothing=0.9,
)  # fmt: skip
_CELEBA_DCGAN = ImageGAN(
    summary="A5: DCGAN of CelebA at 64 pixels, D at every second batch, 50 epochs", data="celeba",
    size=64, pair=_dcgan, features=64, latent=100, steps=79_150, batch_size=128, lr=2e-4,
    optimizer=_adam, rule=_every_second, label_smoothing=0.9,
)  # fmt: skip

_RSGAN = ImageGAN(
    summary="RS: paired loss, CNN, CIFAR-10", data="cifar10", size=32, pair=_cnn, features=64,
    latent=128, steps=100_000, batch_size=64, lr=5e-4, tau=2e-4 / 5e-4, schedule=_second_half,
    averages=(0.9999,), loss=losses.relativistic, optimizer=_adam, rule=_same_images,
    dequantize=True,
)  # fmt: skip
"""RS: lr_D = 2e-4, decay to 0 over the second half, one average, noise of one grey level.

The published loop moves G before D; here D moves first, as everywhere in this library.
"""

_TIMESCALE = ImageGAN(
    summary="FR: ResNet without normalization, R1; tau = 4 did best", data="cifar10", size=32,
    pair=_stable, features=64, latent=256, steps=150_000, batch_size=64, lr=1e-4, tau=4.0,
    optimizer="rmsprop", schedule=_constant_power, averages=(0.9, 0.99, 0.999, 0.9999),
    penalties=(penalties.r1(20.0),), dequantize=True, flip=True,
)  # fmt: skip
"""FR: R1 with mu = 10, which is gamma = 20 here; tau = 1, 2, 4, 8 were compared."""

_STACKED = ImageGAN(
    summary="stacked digits: the same networks with the loss of 2014", data="stacked-mnist",
    size=20, pair=partial(_dcgan, norm=False), features=16, latent=64, steps=3500, batch_size=64,
    lr=5e-4, optimizer=partial(Adam, betas=(0.0, 0.99)), averages=(0.99, 0.999),
)  # fmt: skip
"""1000 modes after Metz et al. (2017), narrow enough for a CPU; the settings are our own.

The pair of losses, R1 and R2, no batch norm in D and no momentum are those of R3GAN (Huang et al.,
2024), whose networks are far larger and have no normalization in G either.
"""

IMAGE_GANS: Mapping[str, ImageGAN] = {
    "mnist-vanilla": ImageGAN(
        summary="A5: fully connected GAN of MNIST, 30 epochs", data="mnist", size=28,
        pair=_vanilla, features=256, latent=100, steps=18_000, batch_size=100, lr=2e-4,
        optimizer=_adam, label_smoothing=0.9,
    ),
    "mnist-dcgan": ImageGAN(
        summary="DCGAN of MNIST with the settings of Radford et al. (2016)", data="mnist", size=28,
        pair=_dcgan, features=64, latent=100, steps=18_000, batch_size=128, lr=2e-4,
        optimizer=_adam, rule=_same_images,
    ),
    "cifar-dcgan": _CIFAR_DCGAN,
    "cifar-dcgan-small": replace(
        _CIFAR_DCGAN, summary="cifar-dcgan at 32 pixels, narrow, for a CPU", size=32, features=16,
        steps=2000, batch_size=64, averages=(0.99,),
    ),
    "celeba-dcgan": _CELEBA_DCGAN,
    "faces-dcgan": replace(
        _CELEBA_DCGAN, summary="celeba-dcgan at 32 pixels, narrow, on the embedded 100 faces",
        data="faces", size=32, features=16, steps=2500, batch_size=64, flip=True,
    ),
    "cifar-rsgan-cnn": _RSGAN,
    "cifar-jsgan-cnn": replace(
        _RSGAN, summary="RS: separable loss, CNN, CIFAR-10, all else as the paired one",
        loss=losses.non_saturating,
    ),
    "cifar-rsgan-resnet": replace(
        _RSGAN, summary="RS: paired loss, ResNet, CIFAR-10, 5 steps of D", pair=_resnet,
        features=256, lr=1.5e-3, tau=2e-4 / 1.5e-3, optimizer=partial(Adam, betas=(0.0, 0.9)),
        rule=partial(alternating, 5),
    ),
    "stl-rsgan-cnn": replace(
        _RSGAN, summary="RS: paired loss, CNN, STL-10", data="stl10", size=48
    ),
    "stl-rsgan-resnet": replace(
        _RSGAN, summary="RS: paired loss, ResNet, STL-10, 5 steps of D", data="stl10", size=48,
        pair=_resnet, lr=1e-3, tau=2e-4 / 1e-3, rule=partial(alternating, 5),
    ),
    "cifar-timescale": _TIMESCALE,
    "cifar-timescale-small": replace(
        _TIMESCALE, summary="FR: the same at 16 pixels, a quarter wide, mu = 1, for a CPU", size=16,
        features=16, steps=1000, lr=1e-3, penalties=(penalties.r1(2.0),),
    ),
    "celeba-timescale": replace(_TIMESCALE, data="celeba"),
    "stacked-mnist-r3gan": replace(
        _STACKED, summary="stacked digits: RpGAN + R1 + R2, the loss of R3GAN",
        loss=losses.relativistic, penalties=(penalties.r1(1.0), penalties.r2(1.0)),
    ),
    "stacked-mnist-vanilla": _STACKED,
}  # fmt: skip
"""The published image experiments by the names that ``gan-teach train`` takes."""

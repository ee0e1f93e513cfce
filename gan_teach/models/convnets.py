"""Networks for images: latents (n, d) to images (n, channels, size, size), images to logits.

Each takes a ``seed`` for its initial weights and leaves the global random state alone. The numbers
of parameters in the docstrings are those of the published networks.
"""

import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import cycle, pairwise, repeat

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations, parametrize

from gan_teach import _checks
from gan_teach._devices import seeded
from gan_teach.models.networks import MLP


def pyramid(size: int, features: int) -> tuple[int, list[int]]:
    """Side of the smallest map (28 = 7 * 4, 32 = 4 * 8), and the channels from large maps to small.

    These are ``features``, doubled with each halving of the side but the first. Raises ValueError
    for sizes that cannot be halved down to between 4 and 7.
    """
    start, levels = _checks.whole("size", size, least=8), 0
    while start > 7 and start % 2 == 0:
        start, levels = start // 2, levels + 1
    if start > 7:
        raise ValueError(
            f"size must be 4, 5, 6 or 7 doubled some times (such as 28, 32, 48, 64), got {size}."
        )
    features = _checks.whole("features", features, least=1)
    return start, [features << i for i in range(levels)]


@torch.no_grad()
def initialize(module: nn.Module, kinds: tuple[type, ...], fill: Callable[[Tensor], object]):
    """``fill`` the weights of all layers of these kinds."""
    for part in module.modules():
        if isinstance(part, kinds):
            fill(part.weight)  # pyright: ignore[reportArgumentType]


def up(before: int, after: int, *size: int, bias: bool = False) -> list[nn.Module]:
    """Transposed convolution (kernel, stride, padding = ``size``), batch norm and ReLU."""
    conv = nn.ConvTranspose2d(before, after, *size or (4, 2, 1), bias=bias)
    return [conv, nn.BatchNorm2d(after), nn.ReLU(inplace=True)]


class Seed(nn.Sequential):
    """Latents (n, d) to maps (n, channels, side, side) by one linear layer."""

    def __init__(self, latent: int, channels: int, side: int) -> None:
        latent = _checks.whole("latent", latent, least=1)
        super().__init__(
            nn.Linear(latent, channels * side * side), nn.Unflatten(1, (channels, side, side))
        )


# -- the fully connected GAN of MNIST, and DCGAN ---------------------------------------------------

ENDS = ("conv", "linear")


class VanillaGenerator(nn.Sequential):
    """Latents (n, latent) to images (n, *shape) by an MLP with LeakyReLU 0.2 and tanh.

    The defaults, 100-256-512-1024-784, have 1,486,352 parameters: assignment A5 of
    github.com/aryashah2k/RTML, after Goodfellow et al. (2014).
    """

    def __init__(
        self,
        shape: Sequence[int] = (1, 28, 28),
        latent: int = 100,
        width: Sequence[int] = (256, 512, 1024),
        *,
        seed: int = 0,
    ) -> None:
        pixels = math.prod(shape)
        mlp = MLP(
            latent, pixels, width=width, activation="leaky_relu", out_activation="tanh", seed=seed
        )
        super().__init__(mlp, nn.Unflatten(1, tuple(shape)))


class VanillaDiscriminator(nn.Sequential):
    """Images (n, *shape) to logits (n, 1) by an MLP with LeakyReLU 0.2 and dropout.

    The defaults, 784-1024-512-256-1 with dropout 0.3, have 1,460,225 parameters (as above).
    """

    def __init__(
        self,
        shape: Sequence[int] = (1, 28, 28),
        width: Sequence[int] = (1024, 512, 256),
        dropout: float = 0.3,
        *,
        seed: int = 0,
    ) -> None:
        pixels = math.prod(shape)
        mlp = MLP(pixels, 1, width=width, activation="leaky_relu", dropout=dropout, seed=seed)
        super().__init__(nn.Flatten(), mlp)


class _Scale(nn.Module):
    """a x + b."""

    def __init__(self, a: float, b: float) -> None:
        super().__init__()
        self.a, self.b = a, b

    def forward(self, x: Tensor) -> Tensor:
        return self.a * x + self.b


class UnitGenerator(nn.Sequential):
    """Latents to images by one hidden layer with ReLU and a sigmoid, whose [0, 1] becomes [-1, 1].

    The defaults, 100-128-784, have 114,064 parameters: DRAGAN's notebook (Kodali et al., 2017).
    """

    def __init__(
        self, shape: Sequence[int] = (1, 28, 28), latent: int = 100, width: int = 128, *,
        seed: int = 0,
    ) -> None:  # fmt: skip
        mlp = MLP(
            latent, math.prod(shape), width=(width,), init="he", out_activation="sigmoid", seed=seed
        )
        super().__init__(mlp, _Scale(2.0, -1.0), nn.Unflatten(1, tuple(shape)))


class UnitDiscriminator(nn.Sequential):
    """Images, from [-1, 1] to [0, 1], to logits by one hidden layer with ReLU.

    The defaults, 784-128-1, have 100,609 parameters (as above).
    """

    def __init__(
        self, shape: Sequence[int] = (1, 28, 28), width: int = 128, *, seed: int = 0
    ) -> None:
        mlp = MLP(math.prod(shape), 1, width=(width,), init="he", seed=seed)
        super().__init__(nn.Flatten(), _Scale(0.5, 0.5), mlp)


class DCGANGenerator(nn.Sequential):
    """Transposed convolutions 4 x 4 of stride 2 with batch norm and ReLU, tanh at the end.

    Radford et al. (2016). ``features`` channels at the last hidden map, twice as many at each
    smaller one. ``start="conv"`` opens with a transposed convolution, batch norm and ReLU as the
    paper does (size 64, features 64, latent 100: 3,576,704 parameters); ``"linear"`` with a linear
    layer alone (features 128: 12,672,768, the CIFAR-10 net of assignment A5). ``normal=False``
    starts as PyTorch does (size 256, features 32, latent 128: 13,276,608, RS-GAN's LSUN net).
    """

    def __init__(
        self,
        size: int = 64,
        channels: int = 3,
        features: int = 64,
        latent: int = 100,
        *,
        start: str = "conv",
        normal: bool = True,
        seed: int = 0,
    ) -> None:
        _checks.choice("start", start, ENDS)
        side, widths = pyramid(size, features)
        with seeded(seed):
            layers: list[nn.Module] = (
                [nn.Unflatten(1, (latent, 1, 1)), *up(latent, widths[-1], side, 1, 0)]
                if start == "conv"
                else [Seed(latent, widths[-1], side)]
            )
            for before, after in pairwise(reversed(widths)):
                layers += up(before, after)
            last = nn.ConvTranspose2d(widths[0], channels, 4, 2, 1, bias=False)
            super().__init__(*layers, last, nn.Tanh())
            if normal:
                _initialize(self)


class DCGANDiscriminator(nn.Sequential):
    """Convolutions 4 x 4 of stride 2 with batch norm and LeakyReLU 0.2; logits (n, 1).

    Radford et al. (2016). ``features`` channels after the first convolution, which has no batch
    norm, twice as many after each further one. ``end="conv"`` closes with a convolution without
    bias (size 64, features 64: 2,765,568 parameters), ``"linear"`` with a linear layer (features
    128: 11,036,161). ``norm=False`` leaves batch norm out, which mixes the samples of a batch and
    so changes what a gradient penalty measures.
    """

    def __init__(
        self,
        size: int = 64,
        channels: int = 3,
        features: int = 64,
        *,
        end: str = "conv",
        norm: bool = True,
        seed: int = 0,
    ) -> None:
        _checks.choice("end", end, ENDS)
        side, widths = pyramid(size, features)
        with seeded(seed):
            layers: list[nn.Module] = [nn.Conv2d(channels, widths[0], 4, 2, 1, bias=False)]
            for before, after in pairwise(widths):
                conv = nn.Conv2d(before, after, 4, 2, 1, bias=not norm)
                norms = [nn.BatchNorm2d(after)] if norm else []
                layers += [nn.LeakyReLU(0.2, inplace=True), conv, *norms]
            layers.append(nn.LeakyReLU(0.2, inplace=True))
            if end == "conv":
                layers += [nn.Conv2d(widths[-1], 1, side, 1, 0, bias=False), nn.Flatten()]
            else:
                layers += [nn.Flatten(), nn.Linear(widths[-1] * side * side, 1)]
            super().__init__(*layers)
            _initialize(self)


def _initialize(module: nn.Module) -> None:
    """Weights N(0, 0.02^2), batch norm's N(1, 0.02^2), its biases 0 (Radford et al., 2016)."""
    layers = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
    initialize(module, layers, lambda w: nn.init.normal_(w, 0.0, 0.02))
    initialize(module, (nn.BatchNorm2d,), lambda w: nn.init.normal_(w, 1.0, 0.02))


# -- the pairs of RS-GAN ---------------------------------------------------------------------------
# R. Sun, T. Fang, A. Schwing, "Towards a Better Global Loss Landscape of GANs" (2020), after Miyato
# et al. (2018, tables 3 to 5): batch norm in the generator, spectral norm in the discriminator,
# 32 x 32 for CIFAR-10 and 48 x 48 for STL-10. ``features`` = 64 is the full width of the CNN, 256
# that of the ResNet; with a half and a quarter of it the paper shows that pairing helps narrow
# nets. At 32 pixels all blocks of a ResNet have the same width (in D half of that in G), at 48 it
# halves from block to block; a bottleneck halves the hidden width of each block.


class CNNGenerator(nn.Sequential):
    """Linear, three transposed convolutions with batch norm and ReLU, convolution 3 x 3, tanh.

    Parameters at features = 64, 32, 16: 3,812,355, 1,218,051 and 436,995 at 32 pixels; 5,133,315
    and (16) 767,235 at 48. Linear and plain convolution start Xavier-uniform, transposed ones as
    PyTorch makes them, as in the published code.
    """

    def __init__(
        self, size: int = 32, features: int = 64, latent: int = 128, channels: int = 3, *,
        seed: int = 0,
    ) -> None:  # fmt: skip
        side, f = _eighth(size, features)
        with seeded(seed):
            layers: list[nn.Module] = [Seed(latent, 8 * f, side)]
            for before, after in pairwise([8 * f, 4 * f, 2 * f, f]):
                layers += up(before, after, bias=True)
            layers += [nn.Conv2d(f, channels, 3, 1, 1), nn.Tanh()]
            super().__init__(*layers)
            initialize(self, (nn.Linear, nn.Conv2d), nn.init.xavier_uniform_)


class _SpectralChain(nn.Sequential):
    """Convolutions of these (kernel, stride), LeakyReLU 0.1 after each, linear; spectral-norm."""

    def __init__(
        self, widths: Sequence[int], kernels: Iterable[tuple[int, int]], side: int, bias: bool,
        seed: int,
    ) -> None:  # fmt: skip
        with seeded(seed):
            layers: list[nn.Module] = []
            for (before, after), size in zip(pairwise(widths), kernels, strict=False):
                layers += [nn.Conv2d(before, after, *size, 1, bias=bias), nn.LeakyReLU(0.1)]
            head = nn.Linear(widths[-1] * side * side, 1, bias=False)
            super().__init__(*layers, nn.Flatten(), head)
            _normalize(self)


class CNNDiscriminator(_SpectralChain):
    """Seven convolutions and a linear layer without bias, all spectral-norm, LeakyReLU 0.1.

    3 x 3 of stride 1 and 4 x 4 of stride 2 in turn, F, F, 2F, 2F, 4F, 4F, 8F channels. Parameters
    at features = 64, 32, 16: 2,935,872, 736,800 and 185,616 at 32 pixels; 2,946,112 and (16)
    188,176 at 48. Orthogonal start.
    """

    def __init__(
        self, size: int = 32, features: int = 64, channels: int = 3, *, seed: int = 0
    ) -> None:
        side, f = _eighth(size, features)
        widths = [channels, f, f, 2 * f, 2 * f, 4 * f, 4 * f, 8 * f]
        super().__init__(widths, cycle([(3, 1), (4, 2)]), side, True, seed)


class TowerDiscriminator(_SpectralChain):
    """Convolutions 4 x 4 of stride 2 from F to twice as many channels each, then linear.

    Without biases, all spectral-norm, LeakyReLU 0.1. 256 pixels, features = 32: 11,191,808
    parameters. Its generator is ``DCGANGenerator(256, 3, 32, 128, normal=False)``.
    """

    def __init__(
        self, size: int = 256, features: int = 32, channels: int = 3, *, seed: int = 0
    ) -> None:
        side, widths = pyramid(size, features)
        super().__init__([channels, *widths], repeat((4, 2)), side, False, seed)


class UpBlock(nn.Module):
    """y = conv(relu(bn(conv(up(relu(bn(x))))))) + conv_1x1(up(x)), up doubling bilinearly."""

    def __init__(self, before: int, hidden: int, after: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.BatchNorm2d(before), nn.BatchNorm2d(hidden)
        self.conv1 = nn.Conv2d(before, hidden, 3, 1, 1)
        self.conv2 = nn.Conv2d(hidden, after, 3, 1, 1)
        self.shortcut = nn.Conv2d(before, after, 1)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.conv1(_doubled(F.relu(self.norm1(x))))
        return self.conv2(F.relu(self.norm2(hidden))) + _doubled(self.shortcut(x))


class DownBlock(nn.Module):
    """y = pool(conv(act(conv(act(x))))) + pool(conv_1x1(x)), act = LeakyReLU 0.1.

    The first block of a discriminator sees pixels: it leaves out the activation before them.
    """

    def __init__(self, before: int, hidden: int, after: int, first: bool = False) -> None:
        super().__init__()
        self.first = first
        self.conv1 = nn.Conv2d(before, hidden, 3, 1, 1)
        self.conv2 = nn.Conv2d(hidden, after, 3, 1, 1)
        self.shortcut = nn.Conv2d(before, after, 1)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.conv1(x if self.first else F.leaky_relu(x, 0.1))
        hidden = self.conv2(F.leaky_relu(hidden, 0.1))
        # A 1 x 1 convolution and a mean commute, and behind the mean it costs a quarter.
        return F.avg_pool2d(hidden, 2) + self.shortcut(F.avg_pool2d(x, 2))


class ResNetGenerator(nn.Sequential):
    """Linear, three up-blocks, batch norm, ReLU, convolution 1 x 1, tanh; Xavier-uniform start.

    Parameters: 32 pixels with features = 256, 128, 64: 4,270,595, 1,201,411 and 367,235; with
    bottleneck at 256 and 128: 2,499,971 and 758,467. 48 pixels with 64 and 16: 4,876,547 and
    751,427; with bottleneck at 64: 3,714,659.
    """

    def __init__(
        self, size: int = 32, features: int = 256, latent: int = 128, channels: int = 3, *,
        bottleneck: bool = False, seed: int = 0,
    ) -> None:  # fmt: skip
        side, f = _eighth(size, features, least=2)
        widths = [f, f, f, f] if size <= 32 else [8 * f, 4 * f, 2 * f, f]
        with seeded(seed):
            blocks = [
                UpBlock(before, after // 2 if bottleneck else after, after)
                for before, after in pairwise(widths)
            ]
            last = nn.Conv2d(f, channels, 1)
            ending = [nn.BatchNorm2d(f), nn.ReLU(inplace=True), last, nn.Tanh()]
            super().__init__(Seed(latent, widths[0], side), *blocks, *ending)
            initialize(self, (nn.Linear, nn.Conv2d), nn.init.xavier_uniform_)


class ResNetDiscriminator(nn.Sequential):
    """Four or five down-blocks, LeakyReLU 0.1, the sum over the map, a linear layer without bias.

    ``features`` is the generator's number, as published: at 32 pixels D is half as wide. All layers
    are spectral-norm, orthogonal start. Parameters: 32 pixels with features = 256, 128, 64:
    1,086,848, 273,088 and 68,960; with bottleneck at 256 and 128: 568,768 and 143,072. 48 pixels
    with 64 and 16: 10,141,440 and 635,328; with bottleneck at 64: 5,421,472.
    """

    def __init__(
        self, size: int = 32, features: int = 256, channels: int = 3, *,
        bottleneck: bool = False, seed: int = 0,
    ) -> None:  # fmt: skip
        _, f = _eighth(_checks.whole("size", size, least=16), features, least=2)
        widths = [f // 2] * 4 if size <= 32 else [f, 2 * f, 4 * f, 8 * f, 16 * f]
        narrow = 2 if bottleneck else 1
        with seeded(seed):
            first = DownBlock(channels, widths[0] // narrow, widths[0], first=True)
            blocks = [
                DownBlock(before, before // narrow, after) for before, after in pairwise(widths)
            ]
            head = nn.Linear(widths[-1], 1, bias=False)
            super().__init__(first, *blocks, _SumOfMap(), head)
            _normalize(self)


class _SumOfMap(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return F.leaky_relu(x, 0.1).sum((2, 3))


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear")


def _eighth(size: int, features: int, least: int = 1) -> tuple[int, int]:
    """Side of the smallest map, three doublings below: 4 for images of 32, 6 for 48; ``features``.

    Raises ValueError for other sizes than 8 * k, and for fewer features than ``least``.
    """
    if _checks.whole("size", size, least=8) % 8:
        raise ValueError(f"size must be a multiple of 8 (published: 32 and 48), got {size}.")
    return size // 8, _checks.whole("features", features, least=least)


def _normalize(module: nn.Module) -> None:
    """Orthogonal start and spectral norm for every convolution and linear layer.

    A weight is divided by its largest singular value (Miyato et al., 2018, equation 8). The
    singular vectors are buffers that each forward pass in training mode brings nearer by one power
    iteration; they are part of a run's state and stand still in evaluation mode.
    """
    layers = (nn.Conv2d, nn.Linear)
    initialize(module, layers, nn.init.orthogonal_)
    for part in list(module.modules()):
        if isinstance(part, layers):
            parametrizations.spectral_norm(part)


# -- discriminators of conditional GANs -----------------------------------------------------------


class Concatenated(nn.Module):
    """Logits of images and classes, D(x, y) = net([x, y]): both in one row (n, pixels + classes).

    Mirza & Osindero (2014). ``net`` takes such rows.
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.net(torch.cat([x.flatten(1), y], 1))


class Projection(nn.Module):
    """Logits of images and classes, D(x, y) = psi(phi(x)) + y V phi(x), y one-hot (n, classes).

    Miyato & Koyama (2018), equation 3. ``discriminator`` is a chain whose last layer, psi, is
    linear; the rest of it is phi. V starts at zero, so that D begins as the unconditional one, and
    is spectral-norm where psi is (then it starts orthogonal). Raises TypeError for another network.
    """

    def __init__(self, discriminator: nn.Module, classes: int, *, seed: int = 0) -> None:
        super().__init__()
        *first, last = [discriminator, *discriminator.children()]
        if not (isinstance(discriminator, nn.Sequential) and isinstance(last, nn.Linear)):
            raise TypeError("discriminator must be a chain (nn.Sequential) that ends linearly.")
        self.phi, self.psi = nn.Sequential(*first[1:]), last
        with seeded(seed):
            self.embedding = nn.Linear(last.in_features, classes, bias=False)
            if parametrize.is_parametrized(last):
                _normalize(self.embedding)
            else:
                nn.init.zeros_(self.embedding.weight)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        features = self.phi(x)
        return self.psi(features) + (self.embedding(features) * y).sum(1, keepdim=True)


# -- the ResNets without normalization that Fiez & Ratliff train with R1 ---------------------------
# T. Fiez, L. Ratliff, "Gradient Descent-Ascent Provably Converges to Strict Local Minmax Equilibria
# with a Finite Timescale Separation" (2021), whose nets are those of Mescheder et al. (2018).


class ResBlock(nn.Module):
    """y = shortcut(x) + 0.1 conv(act(conv(act(x)))), act = LeakyReLU 0.2; size is unchanged.

    The shortcut is the identity, or a convolution 1 x 1 without bias where the width changes.
    """

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        hidden = min(before, after)
        self.conv1 = nn.Conv2d(before, hidden, 3, 1, 1)
        self.conv2 = nn.Conv2d(hidden, after, 3, 1, 1)
        same = before == after
        self.shortcut = nn.Identity() if same else nn.Conv2d(before, after, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.conv1(F.leaky_relu(x, 0.2))
        return self.shortcut(x) + 0.1 * self.conv2(F.leaky_relu(hidden, 0.2))


class StableGenerator(nn.Module):
    """Linear, then blocks and nearest-neighbor doublings in turn, convolution 3 x 3, tanh.

    With the defaults (32 pixels, latent 256) 4,684,483 parameters. The published code counts one
    more: the embedding of its only class, which it divides by its own absolute value, so that it is
    the constant 1 that this linear layer sees as its last input.
    """

    def __init__(
        self, size: int = 32, features: int = 64, latent: int = 256, channels: int = 3, *,
        seed: int = 0,
    ) -> None:  # fmt: skip
        super().__init__()
        side, widths = _widths(size, features)
        widths = widths[::-1]
        with seeded(seed):
            self.linear = nn.Linear(latent + 1, widths[0] * side * side)
            self.blocks = nn.ModuleList(
                ResBlock(before, after) for before, after in pairwise([*widths, widths[-1]])
            )
            self.last = nn.Conv2d(widths[-1], channels, 3, 1, 1)
        self.side = side

    def forward(self, z: Tensor) -> Tensor:
        label = torch.ones_like(z[:, :1])
        x = self.linear(torch.cat([z, label], 1)).unflatten(1, (-1, self.side, self.side))
        for i, block in enumerate(self.blocks):
            x = block(F.interpolate(x, scale_factor=2) if i else x)
        return torch.tanh(self.last(F.leaky_relu(x, 0.2)))


class StableDiscriminator(nn.Sequential):
    """Convolution 3 x 3, then blocks and mean poolings in turn, LeakyReLU 0.2, linear; (n, 1).

    With the defaults (32 pixels) 2,579,649 parameters.
    """

    def __init__(
        self, size: int = 32, features: int = 64, channels: int = 3, *, seed: int = 0
    ) -> None:
        side, widths = _widths(size, features)
        with seeded(seed):
            first = nn.Conv2d(channels, widths[0], 3, 1, 1)
            layers: list[nn.Module] = [first, ResBlock(widths[0], widths[0])]
            for before, after in pairwise(widths):
                layers += [nn.AvgPool2d(3, 2, 1), ResBlock(before, after)]
            head = nn.Linear(widths[-1] * side * side, 1)
            super().__init__(*layers, nn.LeakyReLU(0.2), nn.Flatten(), head)


def _widths(size: int, features: int) -> tuple[int, Sequence[int]]:
    """Side of the smallest map, and the channels at each size from the largest map on, <= 1024."""
    side, widths = pyramid(size, features)
    return side, [min(1024, width) for width in [*widths, 2 * widths[-1]]]


# -- published generators of RS-GAN ----------------------------------------------------------------

_CNN_PARTS = {
    "l1": "0.0", "deconv1": "1", "deconv1_bn": "2", "deconv2": "4", "deconv2_bn": "5",
    "deconv3": "7", "deconv3_bn": "8", "conv4": "10",
}  # fmt: skip
_BLOCK_PARTS = {"b1": "norm1", "b2": "norm2", "c1": "conv1", "c2": "conv2", "c_sc": "shortcut"}
_RESNET_PARTS = {"l1": "0.0", "b5": "4", "conv5": "6"} | {
    f"block{i + 1}.{theirs}": f"{i}.{ours}"
    for i in (1, 2, 3)
    for theirs, ours in _BLOCK_PARTS.items()
}


def load_rsgan_generator(path: str | os.PathLike[str]) -> nn.Module:
    """A generator from a published file: latents N(0, I_128) to images of 32 or 48 pixels.

    github.com/AilsaF/RS-GAN offers five files. Four hold a CNN and a ResNet of a quarter of the
    usual width, without bottleneck, for CIFAR-10 at 32 and STL-10 at 48 pixels (``quater`` in their
    names); the fifth a ResNet of half the width, with bottleneck, for CIFAR-10. The architecture is
    read off the names and shapes in the file, so that no setting can disagree.

    It is in training mode, that is its batch norm uses the statistics of the batch: the published
    samples and scores were made so, from batches of 500. ``.eval()`` uses the running statistics.

    Raises FileNotFoundError, or ValueError for a file that cannot be read or holds something else.
    """
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
        entries = {name.removeprefix("module."): saved[name] for name in saved}  # DataParallel's
        model, renamed = _architecture(entries), {}
        parts = _CNN_PARTS if isinstance(model, CNNGenerator) else _RESNET_PARTS
        for name, value in entries.items():
            part, _, entry = name.rpartition(".")
            renamed[f"{parts.get(part, part)}.{entry}"] = value
        model.load_state_dict(renamed)
    except FileNotFoundError:
        raise
    except Exception as error:  # foreign code and a user's file: anything may be raised
        raise ValueError(f"{path} is damaged, or no generator of RS-GAN: {error}.") from error
    return model.train()


def _architecture(entries: Mapping[str, Tensor]) -> CNNGenerator | ResNetGenerator:
    """A new generator of the architecture that the shapes tell."""
    first = entries["l1.weight"].shape  # (channels * side^2, latent)
    cnn = "deconv1.weight" in entries
    top = entries["deconv1.weight" if cnn else "block2.c_sc.weight"].shape[0 if cnn else 1]
    side = round((first[0] / top) ** 0.5)
    settings = {"size": 8 * side, "latent": int(first[1])}
    if cnn:
        return CNNGenerator(features=entries["conv4.weight"].shape[1], **settings)
    hidden, after = entries["block2.c1.weight"].shape[0], entries["block2.c_sc.weight"].shape[0]
    features = entries["conv5.weight"].shape[1]
    return ResNetGenerator(features=features, bottleneck=hidden != after, **settings)

"""The pairs of RS-GAN, CNN and ResNet, at 32 and 48 pixels, and its published generators.

R. Sun, T. Fang, A. Schwing, "Towards a Better Global Loss Landscape of GANs" (2020), after Miyato
et al. (2018, tables 3 to 5): batch norm in the generator, spectral norm in the discriminator, 32 x
32 for CIFAR-10 and 48 x 48 for STL-10. ``features`` = 64 is the full width of the CNN, 256 of the
ResNet; with a half and a quarter of it the paper shows that pairing helps narrow nets. At 32 pixels
all blocks of a ResNet have the same width (in D half of that in G), at 48 it halves from block to
block; a bottleneck halves the hidden width of each block.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations

from gan_teach import _checks
from gan_teach._devices import seeded
from gan_teach.models.convnets._parts import Seed, check_channels, initialize, up

_LEVELS = 3  # doublings, as published; other sizes change the first map


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
        side = _first_side(size)
        f = _checks.whole("features", features, least=1)
        with seeded(seed):
            layers: list[nn.Module] = [Seed(latent, 8 * f, side)]
            for before, after in pairwise([8 * f, 4 * f, 2 * f, f]):
                layers += up(before, after, bias=True)
            layers += [nn.Conv2d(f, check_channels(channels), 3, 1, 1), nn.Tanh()]
            super().__init__(*layers)
            initialize(self, (nn.Linear, nn.Conv2d), nn.init.xavier_uniform_)


class CNNDiscriminator(nn.Sequential):
    """Seven convolutions and a linear layer without bias, all spectral-norm, LeakyReLU 0.1.

    3 x 3 of stride 1 and 4 x 4 of stride 2 in turn, F, F, 2F, 2F, 4F, 4F, 8F channels. Parameters
    at features = 64, 32, 16: 2,935,872, 736,800 and 185,616 at 32 pixels; 2,946,112 and (16)
    188,176 at 48. Orthogonal start.
    """

    def __init__(
        self, size: int = 32, features: int = 64, channels: int = 3, *, seed: int = 0
    ) -> None:
        side = _first_side(size)
        f = _checks.whole("features", features, least=1)
        widths = [check_channels(channels), f, f, 2 * f, 2 * f, 4 * f, 4 * f, 8 * f]
        with seeded(seed):
            layers: list[nn.Module] = []
            for i, (before, after) in enumerate(pairwise(widths)):
                kernel, stride = ((3, 1), (4, 2))[i % 2]
                layers += [nn.Conv2d(before, after, kernel, stride, 1), nn.LeakyReLU(0.1)]
            layers += [nn.Flatten(), nn.Linear(8 * f * side * side, 1, bias=False)]
            super().__init__(*layers)
            _normalize(self)


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
        hidden = self.conv1(x if self.first else _active(x))
        # A 1 x 1 convolution and a mean commute, and behind the mean it costs a quarter.
        return F.avg_pool2d(self.conv2(_active(hidden)), 2) + self.shortcut(F.avg_pool2d(x, 2))


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
        side = _first_side(size)
        f = _checks.whole("features", features, least=2)
        widths = [f, f, f, f] if _is_even(size) else [8 * f, 4 * f, 2 * f, f]
        with seeded(seed):
            blocks = [
                UpBlock(before, after // 2 if bottleneck else after, after)
                for before, after in pairwise(widths)
            ]
            last = nn.Conv2d(f, check_channels(channels), 1)
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
        _first_side(_checks.whole("size", size, least=16))
        f = _checks.whole("features", features, least=2)
        widths = [f // 2] * 4 if _is_even(size) else [f, 2 * f, 4 * f, 8 * f, 16 * f]
        narrow = 2 if bottleneck else 1
        with seeded(seed):
            first = DownBlock(check_channels(channels), widths[0] // narrow, widths[0], first=True)
            blocks = [
                DownBlock(before, before // narrow, after) for before, after in pairwise(widths)
            ]
            head = nn.Linear(widths[-1], 1, bias=False)
            super().__init__(first, *blocks, _SumOfMap(), head)
            _normalize(self)


class _SumOfMap(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return _active(x).sum((2, 3))


def _is_even(size: int) -> bool:
    """Whether the blocks have one width: up to 32 pixels (CIFAR-10), not beyond (STL-10)."""
    return size <= 32


def _active(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.1)


def _doubled(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2, mode="bilinear")


def _first_side(size: int) -> int:
    """Side of the smallest map: 4 for images of 32, 6 for 48. ValueError for other than 8 * k."""
    side, rest = divmod(_checks.whole("size", size, least=8), 1 << _LEVELS)
    if rest:
        raise ValueError(f"size must be a multiple of 8 (published: 32 and 48), got {size}.")
    return side


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


# -- published generators --------------------------------------------------------------------------

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
    path = Path(path)
    entries = _read(path)
    try:
        model = _architecture(entries)
        parts = _CNN_PARTS if isinstance(model, CNNGenerator) else _RESNET_PARTS
        model.load_state_dict({_renamed(name, parts): value for name, value in entries.items()})
    except (KeyError, RuntimeError, ValueError) as error:
        raise ValueError(
            f"{path} is no generator of RS-GAN: its {len(entries)} entries, such as "
            f"{', '.join(list(entries)[:3]) or 'none'}, do not fit ({error})."
        ) from error
    return model.train()


def _read(path: Path) -> dict[str, Tensor]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise ValueError(f"{path} is damaged, or no file of weights: {error}") from error
    if not isinstance(content, Mapping) or not all(isinstance(v, Tensor) for v in content.values()):
        raise ValueError(f"{path} holds no weights by name, but {type(content).__name__}.")
    return dict(content)


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


def _renamed(name: str, parts: Mapping[str, str]) -> str:
    """Our name of an entry. Raises ValueError for one that has no place."""
    part, _, entry = name.rpartition(".")
    if part not in parts:
        raise ValueError(f"no place for {name}")
    return f"{parts[part]}.{entry}"

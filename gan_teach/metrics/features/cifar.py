"""A small residual network that names the images of CIFAR-10. Its weights come with the package."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_teach import _checks
from gan_teach._devices import seeded
from gan_teach.data import Images
from gan_teach.metrics.features import classifier
from gan_teach.metrics.features.classifier import Classifier

WEIGHTS = Path(__file__).with_name("cifar-classifier.npz")
CLASSES, SIZE = 10, 32
HELD_OUT = 0.1
EPOCHS, BATCH, RATE = 14, 128, 4e-3
_FORMAT = "gan_teach.features.cifar/1"
_SHIFT = 3  # pixels
_COMMAND = "gan-teach classifier --data FOLDER"


@lru_cache(maxsize=2)
def cifar_classifier(path: str | os.PathLike[str] | None = None) -> Classifier:
    """Names images of 32 x 32 pixels in color; 96 features; read from a file, not trained.

    The package's own file was made by ``gan-teach classifier`` in 14 epochs over 45,000 training
    images of CIFAR-10, as JPEG files; it names 80.6 % of the other 5,000 rightly (``.accuracy``,
    which is kept in the file). Raises FileNotFoundError
    where there is no file, ValueError for another kind of file.
    """
    path = WEIGHTS if path is None else Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"there are no weights of the CIFAR classifier at {path}. Make them by {_COMMAND} "
            "from the training images of CIFAR-10."
        )
    facts, state = classifier.load_weights(path, _FORMAT)
    module = _network()
    module.load_state_dict({name: value.float() for name, value in state.items()})
    module.eval().requires_grad_(False)
    return Classifier("cifar", module, 3, SIZE, facts["accuracy"], facts["held_out"])


def train_cifar_classifier(
    images: Images,
    out: str | os.PathLike[str] = WEIGHTS,
    *,
    epochs: int = EPOCHS,
    progress: Callable[[int], Any] | None = None,
) -> Classifier:
    """Train on nine tenths of ``images``, judge on the rest, and write the weights to ``out``.

    About ten minutes on one core that multiplies in bfloat16. Weights are kept as 16-bit floats,
    and judged as they are kept. ``progress`` is called with the number of images of each batch.
    Raises ValueError unless the images are in color, 32 x 32, and of ten classes.
    """
    epochs = _checks.whole("epochs", epochs, least=1)
    labels = classifier.labels_of(images)
    if images.shape != (3, SIZE, SIZE) or len(labels.unique()) != CLASSES:
        raise ValueError(
            f"the CIFAR classifier learns 3 x {SIZE} x {SIZE} images of {CLASSES} classes, got "
            f"{images!r} of {len(labels.unique())} classes."
        )
    train, held_out = classifier.split(images, HELD_OUT)
    module = _network().to(memory_format=torch.channels_last)
    classifier.fit(
        module, train, epochs=epochs, batch=BATCH, rate=RATE, augment=_augmented, autocast=True,
        progress=progress,
    )  # fmt: skip
    kept = {name: _halved(value) for name, value in module.state_dict().items()}
    module.load_state_dict({name: value.float() for name, value in kept.items()})
    share = classifier.accuracy(module, held_out)
    facts = {
        "format": _FORMAT, "accuracy": share, "held_out": len(held_out), "epochs": epochs,
        "trained_on": len(train), "classes": list(images.classes),
    }  # fmt: skip
    classifier.save_weights(out, kept, facts)
    return Classifier("cifar", module, 3, SIZE, share, len(held_out))


def _halved(value: Tensor) -> Tensor:
    return value.half() if value.is_floating_point() else value


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


def _network() -> nn.Sequential:
    """197,000 parameters: 32 maps at 32 x 32, 64 at 16 x 16, 96 at 8 x 8, then their means."""
    with seeded(0):
        return nn.Sequential(
            _convolution(3, 32), _convolution(32, 64, 2), _Residual(64),
            _convolution(64, 96, 2), _Residual(96),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(96, CLASSES),
        )  # fmt: skip


def _augmented(x: Tensor, rng: torch.Generator) -> Tensor:
    """Half of a batch mirrored, all of it moved by up to three pixels."""
    mirrored = torch.rand(len(x), 1, 1, 1, generator=rng) < 0.5
    x = torch.where(mirrored, x.flip(3), x)
    top, left = torch.randint(2 * _SHIFT + 1, (2,), generator=rng).tolist()
    wide = F.pad(x, (_SHIFT,) * 4, mode="reflect")
    return wide[:, :, top : top + SIZE, left : left + SIZE]

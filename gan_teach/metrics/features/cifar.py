"""A small residual network that names the images of CIFAR-10. Its weights come with the package."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from torch import Tensor, nn

from gan_teach._devices import seeded
from gan_teach.metrics.features import classifier
from gan_teach.metrics.features.classifier import Classifier

WEIGHTS = Path(__file__).with_name("cifar-classifier.npz")
CLASSES, SIZE = 10, 32
FORMAT = "gan_teach.features.cifar/1"  # as in the shipped file, wherever this module lies


@lru_cache(maxsize=2)
def cifar_classifier(path: str | os.PathLike[str] | None = None) -> Classifier:
    """Names images of 32 x 32 pixels in color; 96 features; read from a file, not trained.

    The package's own file was made by ``tutorial/_make/classifier.py`` in 14 epochs over 45,000
    training images of CIFAR-10, as JPEG files; it names 80.6 % of the other 5,000 rightly
    (``.accuracy``, which is kept in the file). Raises FileNotFoundError where there is no file,
    ValueError for another kind of file.
    """
    path = WEIGHTS if path is None else Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"there are no weights of the CIFAR classifier at {path}: a checkout of the project "
            "makes them from the training images of CIFAR-10 by tutorial/_make/classifier.py."
        )
    facts, state = classifier.load_weights(path, FORMAT)
    module = network()
    module.load_state_dict({name: value.float() for name, value in state.items()})
    module.eval().requires_grad_(False)
    return Classifier("cifar", module, 3, SIZE, facts["accuracy"], facts["held_out"])


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


def network() -> nn.Sequential:
    """197,000 parameters: 32 maps at 32 x 32, 64 at 16 x 16, 96 at 8 x 8, then their means."""
    with seeded(0):
        return nn.Sequential(
            _convolution(3, 32), _convolution(32, 64, 2), _Residual(64),
            _convolution(64, 96, 2), _Residual(96),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(96, CLASSES),
        )  # fmt: skip

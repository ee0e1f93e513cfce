"""Image files as a data set, kept in memory or read anew for each batch: a folder or a zip archive.

Pillow decodes without holding the interpreter's lock, so a few threads are enough. In memory all
files are looked at before anything is refused, and every file that does not fit is named, so that
one run is enough to clean a folder.
"""

import io
import os
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps, features
from torch import Tensor

from gan_teach import _checks
from gan_teach._progress import progress_bar
from gan_teach.data.images import Images, ImageSource, check_channels

SUFFIXES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm",
    ".ppm", *([".avif"] if features.check("avif") else []),
)  # fmt: skip
_UNREAD = (  # images all the same
    ".heic", ".heif", ".avif", ".jxl", ".jp2", ".dng", ".raw", ".cr2", ".cr3", ".nef", ".arw",
    ".tga", ".ico", ".psd", ".exr", ".hdr", ".svg",
)  # fmt: skip
THREADS = min(8, os.cpu_count() or 1)
_GREY, _OPAQUE = ("1", "L", "LA"), 255
_NAMED = 5  # files that a message names
_LOOKED_AT = 100  # files whose bytes tell a folder from another
_REMEDY = (
    "Pass size=... to scale all, channels=3 or 1 to convert all, or skip_bad=True to leave these "
    "out."
)

Pixels = np.ndarray  # (channels, height, width), uint8
Shape = tuple[int, ...]


class ImageFiles:
    """The image files of a folder or a zip archive, and the threads that read them.

    size, channels : what each image is made into; None leaves it as it is. Raises FileNotFoundError
    for no such folder, ValueError for one without images and for a bad size or channels.
    """

    def __init__(
        self, path: str | os.PathLike[str], size: int | None, channels: int | None, workers: int = 0
    ) -> None:
        self.size = None if size is None else _checks.whole("size", size, least=1)
        self.channels = None if channels is None else check_channels(channels)
        self.where = Path(path).expanduser()
        self.archive = _opened(self.where) if zipfile.is_zipfile(self.where) else None
        self.names = self._names()
        self.oblong: list[str] = []  # files that were cut to a square, and transparent ones
        self.transparent: list[str] = []
        self._pool = ThreadPoolExecutor(_checks.whole("workers", workers) or THREADS)

    def _names(self) -> list[str]:
        where = self.where
        if self.archive:
            files = [name for name in self.archive.namelist() if not name.endswith("/")]
        elif where.is_dir():
            files = _walked(where)
        else:
            raise FileNotFoundError(f"there is no folder or zip archive of images at {where}.")
        names = sorted(n for n in files if _is_image(n))
        unread = Counter(PurePosixPath(n).suffix.lower() for n in set(files) - set(names))
        if left := {kind: n for kind, n in unread.items() if kind in _UNREAD}:
            kinds = ", ".join(sorted(left))
            _checks.note(f"{where}: {len(names)} images, left out {sum(left.values())} ({kinds}).")
        if not names:
            other = f"only {len(files)} other files, such as {files[0]}" if files else "nothing"
            raise ValueError(
                f"no images in {where} and its subfolders (it holds {other}). Files must end in "
                f"{', '.join(SUFFIXES)}. Is it the right folder?"
            )
        return names

    @property
    def some(self) -> list[str]:
        """About a hundred of the names, evenly: enough to tell a folder from another."""
        return self.names[:: max(1, len(self.names) // _LOOKED_AT)]

    def read(self, names: Sequence[str]) -> Iterator[tuple[str, Pixels | str]]:
        """Each name, with the pixels of its file or a few words on why there are none."""
        return zip(names, self._pool.map(self._decode, names), strict=True)

    def bytes(self, name: str) -> bytes:
        """The file as it lies there; all at once, since archives are slow in small pieces."""
        return self.archive.read(name) if self.archive else (self.where / name).read_bytes()

    def length(self, name: str) -> int:
        """Its number of bytes."""
        if self.archive:
            return self.archive.getinfo(name).file_size
        return (self.where / name).stat().st_size

    def _decode(self, name: str) -> Pixels | str:
        try:
            with Image.open(io.BytesIO(self.bytes(name))) as image:
                if image.mode[0] in "IF":
                    return "has more than 8 bits a pixel"
                grey = image.mode in _GREY if self.channels is None else self.channels == 1
                image.load()
                with suppress(Exception):  # of a camera or program that writes its own EXIF
                    ImageOps.exif_transpose(image, in_place=True)
                upright = self._opaque(name, image).convert("L" if grey else "RGB")
                if self.size is not None and upright.size != (self.size, self.size):
                    if len(set(upright.size)) > 1:
                        self.oblong.append(name)
                    square = (self.size, self.size)
                    upright = ImageOps.fit(upright, square, Image.Resampling.BILINEAR)
                return np.atleast_3d(np.asarray(upright)).transpose(2, 0, 1)
        except Exception as error:  # foreign code and a user's file: anything may be raised
            return f"cannot be read: {str(error).partition('<')[0].strip(' .') or 'damaged'}"

    def _opaque(self, name: str, image: Image.Image) -> Image.Image:
        """What shines through a transparent image is white; it is not what its pixels hide."""
        if "A" not in image.mode and "transparency" not in image.info:
            return image
        layers = image.convert("RGBA")
        if layers.getchannel("A").getextrema() == (_OPAQUE, _OPAQUE):
            return image
        self.transparent.append(name)
        return Image.alpha_composite(Image.new("RGBA", layers.size, "white"), layers)

    def fitting(
        self, names: Sequence[str], skip_bad: bool, progress: bool = False
    ) -> tuple[dict[str, Pixels], Shape]:
        """The images of these files, by name, and their shape, that of most of them.

        Raises ValueError naming the others, unless ``skip_bad`` leaves them out.
        """
        images = dict(progress_bar(len(names), "image", progress, self.read(names)))
        for some, done in (
            (self.oblong, "not square: the middle was cut out"),
            (self.transparent, "transparent: white was put behind"),
        ):
            if some:
                _checks.note(f"{self.where}: {len(some)} images are {done}, such as {min(some)}.")
        shapes = Counter(image.shape for image in images.values() if not isinstance(image, str))
        usual = max(shapes, key=shapes.__getitem__, default=())
        fit = {name: image for name, image in images.items() if not _fault(image, usual)}
        bad = {name: _fault(image, usual) for name, image in images.items() if name not in fit}
        if bad and not (skip_bad and fit):
            raise ValueError(self.complaint(bad, len(names), usual))
        return fit, usual

    def complaint(self, bad: Mapping[str, str], count: int, usual: Shape) -> str:
        """What is wrong with those of ``count`` files, of which most have the ``usual`` shape."""
        listed = "; ".join(f"{name} {fault}" for name, fault in islice(bad.items(), _NAMED))
        more = f"; and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
        most = f" Most are {_kind(usual)}. {_REMEDY}" if usual else ""
        return f"{len(bad)} of {count} images in {self.where} do not fit: {listed}{more}.{most}"


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
    fit, _ = files.fitting(files.names, skip_bad, progress)
    folders = [PurePosixPath(name).parent.as_posix() for name in fit]
    classes, labels = np.unique(folders, return_inverse=True)
    pixels = torch.from_numpy(np.stack(list(fit.values())))
    if len(classes) < 2:
        return Images(pixels, name=files.where.name)
    return Images(pixels, torch.from_numpy(labels), tuple(classes.tolist()), files.where.name)


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
        fit, self.shape = files.fitting(files.names if skip_bad else files.some, skip_bad)
        files.names = list(fit) if skip_bad else files.names

    def __len__(self) -> int:
        return len(self._files.names)

    def read(self, indices: Tensor) -> Tensor:
        """The images of these indices, uint8. Raises ValueError naming the first bad file."""
        files, images = self._files, []
        for name, image in files.read([files.names[i] for i in indices.tolist()]):
            if fault := _fault(image, self.shape):
                raise ValueError(files.complaint({name: fault}, 1, self.shape))
            images.append(image)
        # In the order in memory of ``Images``, by which convolutions choose their algorithm.
        return torch.from_numpy(np.ascontiguousarray(np.stack(images)))

    def _content(self) -> Any:
        """Names and lengths of all files, the bytes of some: to read all would take long."""
        files = self._files
        lengths = [(name, files.length(name)) for name in files.names]
        return self.shape, lengths, [files.bytes(name) for name in files.some]

    def identity(self) -> dict[str, object]:
        """What is read and how; not by how many workers."""
        return {
            "class": type(self), "name": self.name, "files": self._files.names,
            "shape": self.shape, "flip": self.flip, "dequantize": self.dequantize,
        }  # fmt: skip


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except Exception as error:  # foreign code and a user's file: anything may be raised
        raise ValueError(f"{path} is a damaged zip archive: {error}.") from error


def _walked(folder: Path) -> list[str]:
    """All files below, through links too, but into each folder once."""
    files, seen = [], set()
    for here, folders, names in os.walk(folder, followlinks=True):
        folders[:] = sorted(name for name in folders if _new(Path(here, name), seen))
        files += [Path(here, name).relative_to(folder).as_posix() for name in names]
    return files


def _new(folder: Path, seen: set[Path]) -> bool:
    place = folder.resolve()
    return place not in seen and not seen.add(place)


def _is_image(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = path.name.startswith(".") or "__MACOSX" in path.parts
    return path.suffix.lower() in SUFFIXES and not hidden


def _fault(image: Pixels | str, usual: Shape) -> str:
    """What is wrong with an image beside others of the ``usual`` shape; empty if nothing is."""
    if isinstance(image, str):
        return image
    return "" if image.shape == usual else f"is {_kind(image.shape)}"


def _kind(shape: Shape) -> str:
    channels, height, width = shape
    return f"{width} x {height} and {'grey' if channels == 1 else 'in color'}"

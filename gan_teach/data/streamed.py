"""A folder of images that does not fit into memory: each batch is read anew, when it is drawn.

Which images a batch holds, their flips and their noise are drawn here, in the process that trains,
from the generator that ``sample`` is given. Other processes only read what they are told to, so
that their number changes nothing. It is no ``DataLoader``: that reads in an order which is settled
when it starts, while here the update rule decides how many batches a step takes, and a resumed run
begins at any of them.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import weakref
from collections.abc import Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gan_teach import _checks
from gan_teach.data.folder import ImageFiles, check_options
from gan_teach.data.images import with_noise

_THREADS = min(8, os.cpu_count() or 1)
_TOGETHER = 8  # images that are read by one task


class StreamedFolder:
    """The images that ``image_folder(path, size, channels=channels)`` holds, read for each batch.

    Parameters
    ----------
    path, size, channels : as in ``image_folder``; the kind of the first image unless given.
    workers : processes that read; with 0 threads of this one do.
    flip, dequantize : as in ``Images``.
    skip_bad : read all files once and leave out those that cannot be read.

    Equal seeds give equal batches for any number of workers, and those of ``Images``. Raises
    ValueError naming a file that cannot be read, when it is drawn.
    """

    def __init__(
        self, path: str | os.PathLike[str], size: int, *, channels: int | None = None,
        workers: int = 0, flip: bool = False, dequantize: bool = False, skip_bad: bool = False,
    ) -> None:  # fmt: skip
        check_options(size, channels)
        self.workers = _checks.whole("workers", workers)
        self.flip, self.dequantize = flip, dequantize
        files = ImageFiles.found(path)
        self.name, self._where, self._size = files.where.name, files.where, size
        self._names = _readable(files, size, channels) if skip_bad else list(files.names)
        self._channels = channels or _channels_of(files, self._names[0])
        self._pool: Executor | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        return (self._channels, self._size, self._size)

    def __len__(self) -> int:
        return len(self._names)

    def check_batch(self, n: int) -> None:
        """Raises ValueError for a batch that holds more images than there are."""
        if n > len(self):
            raise ValueError(f"batch_size={n}, but {self.name} has only {len(self)} images.")

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        """``n`` random images (n, *shape), float32 in [-1, 1]."""
        # As ``Images`` draws them: rows are the first thing taken from the generator.
        rows = torch.randint(len(self), (n,), generator=rng).tolist()
        try:
            parts = [task.result() for task in self._begin(rows)]
        except BrokenProcessPool as error:
            raise OSError(f"a process that reads {self._where} ended: out of memory?") from error
        for part in parts:
            if isinstance(part, str):
                raise ValueError(part)
        return with_noise(torch.from_numpy(np.concatenate(parts)), self.flip, self.dequantize, rng)

    def identity(self) -> dict[str, object]:
        """What is read and how; not by how many workers."""
        return {
            "class": type(self), "name": self.name, "files": self._names, "shape": self.shape,
            "flip": self.flip, "dequantize": self.dequantize,
        }  # fmt: skip

    def __repr__(self) -> str:
        kind = {1: "grey", 3: "colour"}[self._channels]
        return (
            f"StreamedFolder({self.name}: {len(self)} {kind} images of {self._size} x "
            f"{self._size}, {self.workers} workers)"
        )

    def _begin(self, rows: Sequence[int]) -> list[Future]:
        if self._pool is None:
            self._pool = _processes(self._where, self.workers) if self.workers else _threads()
            weakref.finalize(self, self._pool.shutdown, wait=False, cancel_futures=True)
        names = [self._names[row] for row in rows]
        return [
            self._pool.submit(
                _read, self._where, names[i : i + _TOGETHER], self._size, self._channels
            )
            for i in range(0, len(names), _TOGETHER)
        ]


def _readable(files: ImageFiles, size: int, channels: int | None) -> list[str]:
    with _threads() as pool:
        found = list(pool.map(lambda name: files.read(name, size, channels), files.names))
    kept = [n for n, image in zip(files.names, found, strict=True) if not isinstance(image, str)]
    if not kept:
        raise ValueError(f"none of the {len(files.names)} images in {files.where} can be read.")
    return kept


def _channels_of(files: ImageFiles, name: str) -> int:
    first = files.read(name, None, None)
    if isinstance(first, str):
        raise ValueError(f"{files.where / name} {first}.")
    return 1 if first.ndim == 2 else 3


# -- in threads or processes of their own ---------------------------------------------------------


_open: dict[Path, ImageFiles] = {}  # what this process reads from; an archive stays open


def _read(where: Path, names: Sequence[str], size: int, channels: int) -> np.ndarray | str:
    """The pixels (n, channels, size, size) of these files, or a sentence on the first bad one."""
    files = _open.get(where) or _open.setdefault(where, ImageFiles.of(where))
    images = []
    for name in names:
        found = files.read(name, size, channels)
        if isinstance(found, str):
            return f"{where / name} {found}."
        images.append(found[None] if found.ndim == 2 else found.transpose(2, 0, 1))
    # In the order in memory of ``Images``, by which convolutions choose their algorithm.
    return np.ascontiguousarray(np.stack(images))


def _threads() -> Executor:
    return ThreadPoolExecutor(_THREADS)


def _processes(where: Path, workers: int) -> Executor:
    # Not forked from this process, whose threads (torch's, CUDA's) a fork would leave half way.
    able = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in able else "spawn")
    context.set_forkserver_preload([__name__])
    return ProcessPoolExecutor(workers, context, initializer=_begin_process)


def _begin_process() -> None:
    """Leave Ctrl-C to the process that trains, and end when that one has ended, even killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()

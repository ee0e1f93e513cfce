"""Extractors by name, and the Inception network of the FID, with its weights checked.

The Frechet Inception distance is defined by one file of weights. Any other weights, a random
network among them, give numbers that look alike and mean nothing, so the file's SHA-256 decides
what a score may be called (``Extractor.frechet_name``).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from gan_teach import _checks
from gan_teach.metrics.features.cifar import cifar_classifier
from gan_teach.metrics.features.classifier import digit_classifier
from gan_teach.metrics.features.extractor import Extractor

NAMES = ("digits", "cifar", "inception")
NAME = "inception-2015-12-05"
FILE = "pt_inception-2015-12-05-6726825d.pth"
GENUINE = "6726825d"  # how the SHA-256 of the genuine weights begins; the file is named after it


def load_extractor(
    name: str | os.PathLike[str], *, device: str | torch.device = "cpu"
) -> Extractor:
    """The features that a distance is measured in.

    name : "digits" (28 x 28, grey) and "cifar" (32 x 32, in color) are the classifiers of this
    package; "inception" looks for the weights of the FID in torch's cache or fetches them; anything
    else is a file of Inception weights. Raises ValueError for an unknown name, OSError where
    weights are missing.
    """
    name = os.fspath(name)
    if name == "inception" or os.path.isfile(name):
        return inception(None if name == "inception" else name, device=device)
    if os.sep in name:
        raise FileNotFoundError(f"there is no file of Inception weights at {name}.")
    classifiers = {"digits": digit_classifier, "cifar": cifar_classifier}
    return classifiers[_checks.choice("features", name, NAMES)]().to(device)


def inception_weights(weights: str | Path | None = None) -> Path:
    """Where the Inception weights lie: the given file, else torch's cache, else downloaded there.

    A download is verified by its checksum. OSError if the file is missing or cannot be fetched,
    with what to do on a machine without internet.
    """
    if weights is not None:
        path = Path(weights)
        if not path.is_file():
            raise FileNotFoundError(f"there is no file of Inception weights at {path}.")
        return path
    path = Path(torch.hub.get_dir()) / "checkpoints" / FILE
    if not path.exists():
        url = _pytorch_fid().FID_WEIGHTS_URL
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(url, str(path), hash_prefix=GENUINE, progress=True)
        except (OSError, RuntimeError) as error:
            raise OSError(
                f"the Inception weights could not be fetched ({error}). Where there is no "
                f"internet, fetch {url} elsewhere and give the file, or put it at {path}."
            ) from error
    return path


def inception(
    weights: str | Path | None = None, *, device: str | torch.device = "cpu"
) -> Extractor:
    """The 2048 Inception features that FID compares (Heusel et al. 2017), through pytorch-fid.

    Images are resized to 299 x 299 inside the network. The last layer comes as ``head``, without
    its bias, as the published inception score has it: its probabilities need no second pass, and
    differ by the resizing (some percent at 32 pixels) from TensorFlow's. Raises ValueError for a
    file that does not hold Inception weights, OSError if there are none, ImportError without
    pytorch-fid.
    """
    module = _pytorch_fid()
    path = inception_weights(weights)
    with _loading(module, path):
        network = _Last(module.InceptionV3())
        weight = torch.load(path, map_location="cpu", weights_only=True)["fc.weight"]
    head = nn.Linear(*weight.T.shape, bias=False).requires_grad_(False)
    head.weight.copy_(weight)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    genuine = digest.startswith(GENUINE)
    return Extractor(NAME, digest[:8], network.eval(), genuine=genuine, head=head).to(device)


class _Last(nn.Module):
    """The last of the maps that pytorch-fid's network returns, averaged over the plane."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.network(images)[-1]


def _pytorch_fid() -> Any:
    try:
        from pytorch_fid import inception as module
    except ImportError as error:
        raise ImportError(
            'FID needs pytorch-fid and torchvision: pip install "gan-teach[images]".'
        ) from error
    return module


@contextlib.contextmanager
def _loading(module: Any, path: Path) -> Iterator[None]:
    """pytorch-fid takes its weights from this file; by itself it knows only its download."""
    original = module.load_state_dict_from_url
    module.load_state_dict_from_url = lambda *_, **__: torch.load(
        path, map_location="cpu", weights_only=True
    )
    try:
        yield
    except Exception as error:  # whatever a foreign file makes torch or pytorch-fid raise
        why = str(error).splitlines()[0]
        raise ValueError(f"{path} does not hold Inception weights ({why}).") from error
    finally:
        module.load_state_dict_from_url = original

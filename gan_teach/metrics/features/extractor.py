"""A network in the place of the eye: images in, features out; among them the Inception of the FID.

The Frechet Inception distance is defined by one file of weights. Any other weights, a random
network among them, give numbers that look alike and mean nothing, so the file's SHA-256 decides
what a score may be called (``Extractor.frechet_name``).
"""

from __future__ import annotations

import copy
import hashlib
import importlib.util
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_teach import _checks

NAME = "inception-2015-12-05"
FILE = "pt_inception-2015-12-05-6726825d.pth"
GENUINE = "6726825d"  # how the SHA-256 of the genuine weights begins; the file is named after it
BATCH = 64  # images that go through the network together; the features do not depend on it
_LEVELS = 255
_MANY = 1000  # numbers of which some are darker than middle grey in photographs


@dataclass(eq=False)
class Extractor:
    """``extractor(images) -> features``, with the name that its scores must carry.

    name : of the network, such as ``inception-2015-12-05``.
    digest : the first eight hexadecimal digits of the SHA-256 of its weights; ``GENUINE`` for those
        that the Frechet *Inception* distance is defined by.
    network : takes images (n, 3, H, W) or (n, 1, H, W) with values in [0, 1], gives (n, d).
    channels : that the network takes; grey images are repeated to three, color ones never averaged.
    size : pixels of a side that images are scaled to; None leaves that to the network.
    head : features (n, d) to the logits of classes, where the network is part of a classifier.
    """

    name: str
    digest: str
    network: nn.Module
    channels: int = 3
    size: int | None = None
    head: nn.Module | None = None

    @property
    def frechet_name(self) -> str:
        """``FID`` for the genuine Inception only, ``FD(name, digest)`` for all other networks."""
        return "FID" if self.digest == GENUINE else f"FD({self.name}, {self.digest})"

    @property
    def scaling(self) -> str:
        """What happens to images of another size, in words."""
        if self.size is not None:
            return f"scaled to {self.size} x {self.size} (bilinear, antialiased)"
        inside = self.name == NAME
        return "scaled to 299 x 299 by the network (bilinear)" if inside else "not scaled"

    @torch.no_grad()
    def __call__(
        self, images: Tensor, *, progress: Callable[[int], Any] | None = None
    ) -> np.ndarray:
        """Features (n, d) in float64 of images (n, C, H, W) with values in [-1, 1].

        Images are rounded to 256 levels first, as files are: a generator's floats would otherwise
        be told from real images by their rounding alone. The network is used in evaluation mode
        and left in the mode it was in. ValueError for other shapes, channels or values.
        """
        self._check(images)
        device = next((p.device for p in self.network.parameters()), images.device)
        was_training = self.network.training
        self.network.eval()
        parts = []
        for part in images.split(BATCH):
            batch = rounded(part).to(device)
            if batch.shape[1] < self.channels:
                batch = batch.expand(-1, self.channels, -1, -1)
            if self.size is not None and batch.shape[2:] != (self.size, self.size):
                batch = F.interpolate(batch, (self.size,) * 2, mode="bilinear", antialias=True)
            maps = self.network(batch)
            maps = maps[-1] if isinstance(maps, list) else maps  # pytorch-fid gives a list
            parts.append(maps.flatten(1).cpu().double().numpy())
            if progress is not None:
                progress(len(batch))
        self.network.train(was_training)
        return np.concatenate(parts)

    @torch.no_grad()
    def probabilities(self, x: Tensor | np.ndarray) -> np.ndarray:
        """Class probabilities (n, classes), float64, of images (n, C, H, W) in [-1, 1] or features.

        Features (n, d) of this network spare a second pass over the images. Images of several
        digits, one in each channel, go in channel by channel: ``images[:, k : k + 1]``.
        ValueError for a network that does not classify.
        """
        if self.head is None:
            raise ValueError(f"{self.name} has features only: no class probabilities come from it.")
        weight = next(self.head.parameters())
        features = self(x) if isinstance(x, Tensor) and x.ndim == 4 else x
        rows = torch.as_tensor(features, dtype=weight.dtype, device=weight.device)
        return self.head(rows).cpu().double().softmax(-1).numpy()

    def to(self, device: str | torch.device) -> Extractor:
        """A copy on that device; this one stays where it is, for its other users."""
        own = copy.deepcopy(self)
        own.network.to(device)
        if own.head is not None:
            own.head.to(device)
        return own

    def _check(self, images: Tensor) -> None:
        if images.ndim != 4 or not len(images):
            raise ValueError(f"images must have shape (n, C, H, W), got {tuple(images.shape)}.")
        if images.shape[1] not in {1, self.channels}:
            raise ValueError(
                f"images have {images.shape[1]} channels, {self.name} takes {self.channels}."
            )
        _checks.finite("images", images)
        if images.abs().max() > 1 + 1e-3:
            raise ValueError(
                f"images must have values in [-1, 1], got {float(images.min()):g} to "
                f"{float(images.max()):g}: divide bytes by 127.5 and subtract 1."
            )
        if images.min() >= 0 and images.numel() > _MANY:
            _checks.note(
                "images have no value below 0, but black is -1 here: are they in [0, 1]? Then pass "
                "2 * images - 1."
            )


def rounded(images: Tensor) -> Tensor:
    """Images in [-1, 1] as float32 in [0, 1], rounded to the 256 levels of a file."""
    return ((images.float() + 1) / 2).clamp(0, 1).mul(_LEVELS).round_().div_(_LEVELS)


# -- the Inception network of the FID -----------------------------------------------------------


def inception_weights(weights: str | os.PathLike[str] | None = None) -> Path:
    """Where the Inception weights lie: the given file, else torch's cache, else downloaded there.

    A download is verified by its checksum. OSError if the file is missing or cannot be fetched,
    with what to do on a machine without internet.
    """
    path = Path(torch.hub.get_dir()) / "checkpoints" / FILE if weights is None else Path(weights)
    if path.is_file():
        return path
    if weights is not None:
        raise FileNotFoundError(f"there is no file of Inception weights at {path}.")
    url = _pytorch_fid().FID_WEIGHTS_URL
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        torch.hub.download_url_to_file(url, str(path), hash_prefix=GENUINE, progress=True)
    except (OSError, RuntimeError) as error:
        raise OSError(
            f"the Inception weights could not be fetched ({error}). Where there is no internet, "
            f"fetch {url} elsewhere and give the file, or put it at {path}."
        ) from error
    return path


def found_inception() -> Path | None:
    """The genuine weights in torch's cache, where pytorch-fid is installed to use them."""
    path = Path(torch.hub.get_dir()) / "checkpoints" / FILE
    if not path.is_file() or importlib.util.find_spec("pytorch_fid") is None:
        return None
    if hashlib.sha256(path.read_bytes()).hexdigest().startswith(GENUINE):
        return path
    _checks.note(f"{path} does not hold the genuine Inception weights: it is not used.")
    return None


def inception(weights: str | os.PathLike[str] | None = None) -> Extractor:
    """The 2048 Inception features that FID compares (Heusel et al. 2017), through pytorch-fid.

    Images are resized to 299 x 299 inside the network. The last layer comes as ``head``, without
    its bias, as the published inception score has it: its probabilities need no second pass, and
    differ by the resizing (some percent at 32 pixels) from TensorFlow's. Raises ValueError for a
    file that does not hold Inception weights, OSError if there are none, ImportError without
    pytorch-fid.
    """
    path, module = inception_weights(weights), _pytorch_fid()
    download = module.load_state_dict_from_url
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        # pytorch-fid takes its weights from this file; by itself it knows only its download.
        module.load_state_dict_from_url = lambda *_, **__: state
        network, weight = module.InceptionV3(), state["fc.weight"]
    except Exception as error:  # whatever a foreign file makes torch or pytorch-fid raise
        why = str(error).splitlines()[0]
        raise ValueError(f"{path} does not hold Inception weights ({why}).") from error
    finally:
        module.load_state_dict_from_url = download
    head = nn.Linear(*weight.T.shape, bias=False).requires_grad_(False)
    head.weight.copy_(weight)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Extractor(NAME, digest[:8], network.eval(), head=head)


_pytorch_fid = partial(_checks.package, "pytorch_fid.inception", "FID", "images")

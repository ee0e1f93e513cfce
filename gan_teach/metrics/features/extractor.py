"""A network in the place of the eye: images in, features out."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gan_teach import _checks

BATCH = 64  # images that go through the network together; the features do not depend on it
_LEVELS = 255


@dataclass(eq=False)
class Extractor:
    """``extractor(images) -> features``, with the name that its scores must carry.

    name : of the network, such as ``inception-2015-12-05``.
    digest : the first eight hexadecimal digits of the SHA-256 of its weights.
    genuine : whether these are the weights that the Frechet *Inception* distance is defined by.
    network : takes images (n, 3, H, W) or (n, 1, H, W) with values in [0, 1], gives (n, d).
    channels : that the network takes; grey images are repeated to three, color ones never averaged.
    size : pixels of a side that images are scaled to; None leaves that to the network.
    head : features (n, d) to the logits of classes, where the network is part of a classifier.
    """

    name: str
    digest: str
    network: nn.Module
    channels: int = 3
    genuine: bool = False
    size: int | None = None
    head: nn.Module | None = None

    @property
    def frechet_name(self) -> str:
        """``FID`` for the genuine Inception only, ``FD(name, digest)`` for all other networks."""
        return "FID" if self.genuine else f"FD({self.name}, {self.digest})"

    @torch.no_grad()
    def __call__(
        self,
        images: Tensor,
        *,
        batch_size: int = BATCH,
        progress: Callable[[int], Any] | None = None,
    ) -> np.ndarray:
        """Features (n, d) in float64 of images (n, C, H, W) with values in [-1, 1].

        Images are rounded to 256 levels first, as files are: a generator's floats would otherwise
        be told from real images by their rounding alone. The network is used in evaluation mode
        and left in the mode it was in. ValueError for other shapes, channels or values.
        """
        size = _checks.whole("batch_size", batch_size, least=1)
        self._check(images)
        device = next((p.device for p in self.network.parameters()), images.device)
        was_training = self.network.training
        self.network.eval()
        parts = []
        for part in images.split(size):
            batch = rounded(part).to(device)
            if batch.shape[1] < self.channels:
                batch = batch.expand(-1, self.channels, -1, -1)
            if self.size is not None and batch.shape[2:] != (self.size, self.size):
                batch = F.interpolate(batch, (self.size,) * 2, mode="bilinear", antialias=True)
            parts.append(self.network(batch).flatten(1).cpu().double().numpy())
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
        if not torch.isfinite(images).all():
            first = int((~torch.isfinite(images)).flatten(1).any(1).nonzero()[0])
            raise ValueError(f"image {first} holds a value that is not finite.")
        if images.abs().max() > 1 + 1e-3:
            raise ValueError(
                f"images must have values in [-1, 1], got {float(images.min()):g} to "
                f"{float(images.max()):g}: divide bytes by 127.5 and subtract 1."
            )


def rounded(images: Tensor) -> Tensor:
    """Images in [-1, 1] as float32 in [0, 1], rounded to the 256 levels of a file."""
    return ((images.float() + 1) / 2).clamp(0, 1).mul(_LEVELS).round_().div_(_LEVELS)

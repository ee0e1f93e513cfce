"""Which of the 1000 combinations of three digits an image of stacked digits shows."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from gan_teach.metrics.features.classifier import Classifier

COMBINATIONS = 1000


def name_stacks(classifier: Classifier, images: Tensor) -> np.ndarray:
    """(n,) numbers 0 to 999 whose three decimal digits are those in the channels of ``images``.

    images : (n, 3, h, w) in [-1, 1], each channel one digit. Smaller ones are framed in black up to
    the classifier's size, as MNIST frames its digits. Raises ValueError for other shapes.
    """
    if images.ndim != 4 or images.shape[1] != 3:
        raise ValueError(f"images must have shape (n, 3, h, w), got {tuple(images.shape)}.")
    channels = framed(images, classifier.size).reshape(-1, 1, *[classifier.size] * 2)
    digits = classifier.probabilities(channels).argmax(1).reshape(-1, 3)
    return digits @ np.array([100, 10, 1])


def framed(images: Tensor, size: int) -> Tensor:
    """Images (n, c, h, w) in the middle of black ones of size x size. ValueError if larger."""
    height, width = images.shape[-2:]
    if max(height, width) > size:
        raise ValueError(f"images of {height} x {width} do not fit into {size} x {size} pixels.")
    left, top = (size - width) // 2, (size - height) // 2
    frame = (left, size - width - left, top, size - height - top)
    return F.pad(images, frame, value=-1.0) if any(frame) else torch.as_tensor(images)

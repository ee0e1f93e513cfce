"""The path angle: what the two players' field does along a straight line through parameter
space."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch


class PathAngle(NamedTuple):
    """What `path_angle` measured, three arrays of one length: alphas, cosine, norm."""

    alphas: np.ndarray
    cosine: np.ndarray
    norm: np.ndarray


def _plain(x: Any) -> Any:
    """A tensor without its graph; an array as it is."""
    return x.detach() if isinstance(x, torch.Tensor) else x


def path_angle(field: Callable[[Any], Any], start: Any, end: Any, alphas: Any = None) -> PathAngle:
    """Cosine between the field and a straight path through parameter space, and the field's norm.

    With w(a) = start + a (end - start): cosine(a) = <end - start, F(w(a))> / (|end - start|
    |F(w(a))|). ``start`` and ``end`` are flat vectors (n,), arrays or tensors, usually an initial
    and a final parameter; ``field`` maps such a vector to another; ``alphas`` (m,) defaults to 101
    points on [0, 1.5]. NaN where the field vanishes. Raises ValueError where start and end
    coincide.

    Reading it: for a path through an equilibrium of a pure potential game the cosine changes sign
    there; for a pure rotation around it the cosine is 0 throughout, and beside it a bump without a
    change of sign. A sign change with a bump is a spiral. Berard et al. (2020, section 4) take F =
    +grad, so their attractor goes from -1 to +1; with this library's v = -grad it goes from +1 to
    -1.
    """
    alphas = np.linspace(0.0, 1.5, 101) if alphas is None else np.asarray(alphas, dtype=float)
    if tuple(start.shape) != tuple(end.shape) or len(start.shape) != 1:
        shapes = f"{tuple(start.shape)} and {tuple(end.shape)}"
        raise ValueError(f"start and end must be flat vectors of one length, got shapes {shapes}.")
    start, end = _plain(start), _plain(end)
    step = end - start
    length = float((step * step).sum()) ** 0.5
    if not length > 0:
        raise ValueError("start and end are the same point, so there is no path between them.")
    along, norm = np.empty(len(alphas)), np.empty(len(alphas))
    for i, a in enumerate(alphas):
        value = _plain(field(start + float(a) * step))
        along[i] = float((value * step).sum()) / length
        norm[i] = float((value * value).sum()) ** 0.5
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = np.where(norm > 0, along / norm, np.nan)
    return PathAngle(alphas, np.clip(cosine, -1.0, 1.0), norm)

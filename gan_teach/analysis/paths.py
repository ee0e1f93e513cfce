"""Paths through parameter space: how fast a run closes in and turns, and the path angle, what the
two players' field does along a straight line.
"""

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


def contraction(distance: Any, skip: float = 0.5) -> float:
    """Factor per step by which a distance (T,) shrinks (below 1) or grows (above 1).

    (d_last / d_first)^(1 / steps) over the records after the first ``skip`` of them, where the
    slowest eigenvalue of the update has outlived the others. Raises ValueError for fewer than two
    records and for distances that are not positive and finite there.
    """
    values = np.asarray(distance, dtype=float)
    tail = values[int(skip * len(values)) :] if values.ndim == 1 else values
    if tail.ndim != 1 or len(tail) < 2 or not (np.isfinite(tail).all() and (tail > 0).all()):
        raise ValueError(
            "distance must be (T,) and, after the skipped part, at least two positive finite "
            f"numbers; got shape {values.shape}. A run that diverged or arrived has no factor."
        )
    return float((tail[-1] / tail[0]) ** (1 / (len(tail) - 1)))


def turning_period(path: Any, center: Any = (0.0, 0.0), skip: float = 0.5) -> float:
    """Steps per turn of a path (T, 2) around ``center``, over the records after ``skip`` of them.

    2 pi / (mean change of the polar angle per step); inf for a path that does not turn. A turn by
    more than half a revolution per step cannot be told from one the other way round. Raises
    ValueError for other shapes and fewer than two records.
    """
    points = np.asarray(path, dtype=float)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"path must have shape (T, 2), got {points.shape}.")
    x, y = (points[int(skip * len(points)) :] - np.asarray(center, dtype=float)).T
    if len(x) < 2:
        raise ValueError(f"a turn needs at least two records after the skipped part, got {len(x)}.")
    angle = np.unwrap(np.arctan2(y, x))
    turned = abs(angle[-1] - angle[0]) / (len(angle) - 1)
    return float(2 * np.pi / turned) if turned > 0 else float("inf")

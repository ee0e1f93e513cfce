"""A frame as bytes for a browser: a JSON header that says what lies where, then float32 numbers."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gan_teach.lab.frame import LOOKS, Chart, Frame, shades
from gan_teach.lab.limits import Limits
from gan_teach.plots import style


def pack(frame: Frame, limits: Sequence[Limits], **facts: Any) -> bytes:
    """``frame`` as bytes: length of the header (4 bytes, little endian), header, numbers.

    In the header an array is {"at": index of its first number, "shape": ...}; the numbers begin at
    the first multiple of four bytes after it. ``limits`` are those of the charts' axes; ``facts``
    join the header.
    """
    numbers: list[NDArray[np.float32]] = []

    def place(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            at = sum(part.size for part in numbers)
            numbers.append(np.ascontiguousarray(value, dtype="<f4").ravel())
            return {"at": at, "shape": value.shape}
        if isinstance(value, (tuple, list)):
            return [place(part) for part in value]
        if hasattr(value, "__dataclass_fields__"):
            own = {f.name: place(getattr(value, f.name)) for f in fields(value)}
            return {**own, "kind": type(value).__name__.lower()}
        return value

    head = {f.name: place(getattr(frame, f.name)) for f in fields(frame) if f.name != "layers"}
    head["layers"] = [{**place(layer), "name": name} for name, layer in frame.layers.items()]
    for chart, own, shown in zip(frame.charts, limits, head["charts"], strict=True):
        shown |= _axes(chart, own, frame.step)
    text = json.dumps({**head, **facts}, allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    return struct.pack("<I", len(text)) + text + b"".join(part.tobytes() for part in numbers)


def _axes(chart: Chart, limits: Limits, step: int) -> dict[str, Any]:
    limits.fit(chart, step)
    return {"xlim": limits.xlim, "ylim": limits.ylim, "steps": chart.xlim is None}


def looks() -> dict[str, Any]:
    """Colors, markers and dashes of every role, and the colors of a field from 0 to 1."""
    return {
        "roles": {role: look._asdict() for role, look in LOOKS.items()},
        "field": shades().ravel().tolist(),
        "ink": style.INK,
        "theory": style.THEORY,
        "alarm": style.GENERATOR,
    }

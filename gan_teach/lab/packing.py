"""Frames as bytes, and how their roles look: what Python hands to ``canvas.js``."""

import json
import struct
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gan_teach.lab import frame as frames
from gan_teach.lab.frame import Chart, Frame, seen
from gan_teach.plots import style


def outline(part: Any, place: Callable[[NDArray], Any]) -> Any:
    """A part of a frame as JSON holds it; ``place`` says what stands for an array."""
    if isinstance(part, np.ndarray):
        return place(part)
    if isinstance(part, Mapping):
        return [{**outline(layer, place), "name": name} for name, layer in part.items()]
    if hasattr(part, "_asdict"):
        own = {name: outline(value, place) for name, value in part._asdict().items()}
        return {**own, "kind": type(part).__name__.lower()}
    return [outline(value, place) for value in part] if isinstance(part, tuple) else part


def outline_chart(chart: Chart, step: int, place: Callable[[NDArray], Any]) -> dict[str, Any]:
    """A chart with the ranges of its axes."""
    xlim, ylim = frames.ranges(chart, step)
    return {**outline(chart, place), "xlim": xlim, "ylim": ylim}


def pack(frame: Frame, **facts: Any) -> bytes:
    """``frame`` as bytes: length of the header (4 bytes, little endian), header, float32 numbers.

    In the header, which is JSON, an array is {"at": index of its first number, "shape": ...}; the
    numbers begin at the first multiple of four bytes after it. ``facts`` join the header.
    """
    numbers: list[NDArray[np.float32]] = []
    places: dict[int, int] = {}  # of the arrays: the graph shows those of the main picture again

    def place(array: NDArray) -> dict[str, Any]:
        if id(array) not in places:
            places[id(array)] = sum(part.size for part in numbers)
            numbers.append(np.ascontiguousarray(array, dtype="<f4").ravel())
        return {"at": places[id(array)], "shape": array.shape}

    head = outline(frame._replace(charts=()), place)
    head["charts"] = [outline_chart(chart, frame.step, place) for chart in frame.charts]
    text = json.dumps({**head, **facts}, allow_nan=False).encode()
    text += b" " * (-len(text) % 4)
    return struct.pack("<I", len(text)) + text + b"".join(part.tobytes() for part in numbers)


def looks() -> dict[str, Any]:
    """For a light and a dark page: colors, markers and dashes of every role, and the shades of a
    field from 0 to 1."""
    return {theme: _look(theme) for theme in frames.PAPERS}


def _look(theme: str) -> dict[str, Any]:
    # thin lines fade sooner on a dark page
    least = frames.CONTRAST if theme == "light" else frames.READABLE
    roles = {
        role: look._replace(color=seen(look.color, theme, least))._asdict()
        for role, look in frames.LOOKS.items()
    }
    return {
        "roles": roles,
        **{r: frames.shades(theme, r).ravel().tolist() for r in ("field", "score", "sheet")},
        "paper": frames.PAPERS[theme],
        "ink": seen(style.INK, theme, 12.0),
        "theory": seen(style.THEORY, theme, frames.READABLE),
        "alarm": seen(style.GENERATOR, theme, frames.READABLE),
        "band": seen(style.THEORY, theme) + "30",
    }

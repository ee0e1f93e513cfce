"""A run as one page that plays without a kernel: recorded frames, drawn by the lab's own canvas.

Numbers of a picture are kept as whole levels, each as its difference to the same number of the
frame before, and compressed; curves over the steps are put together from the newest points of all
frames. ``player.js`` reads what is written here.
"""

from __future__ import annotations

import base64
import html
import json
import struct
import zlib
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gan_teach.lab.frame import TELLS, Frame, looks, outline, outline_chart

if TYPE_CHECKING:
    from gan_teach.lab.session import Session

FRAMES = 300
LEVELS = 1024  # from one end of the main picture to the other, and from 0 to 1 in charts
SHADES = 60  # of a field
GREYS = 15  # of a sheet of pictures, beside black: a divisor of these
CALM = 0.95  # of a step from one grey to the next
LOST = -(2**15)  # the level of NaN


def unwatched(items: Iterable[Any], total: int) -> Iterable[Any]:
    """``items`` without a bar that says how many of ``total`` are done, which ``tqdm`` shows."""
    return items


def recorded(session: Session, rounds: int, frames: int, watch: Any = unwatched) -> dict[str, str]:
    """The run of ``session`` up to this round, reached so far or not, in at most so many frames and
    the last one: what ``page`` takes."""
    steps = [*range(0, rounds, -(-rounds // frames) or 1), rounds]
    reel = []
    for moment in watch(session.at(steps), total=len(steps)):
        session = moment
        reel.append(session.picture())
    return {
        "title": f"{session.config.preset}: {reel[-1].title.lower()}",
        "narration": reel[-1].narration,
        "run": session.replay,
        "frames": base64.b64encode(record(reel, session.hidden)).decode(),
    }


def page(told: dict[str, str]) -> str:
    """The HTML page that plays a recorded run."""
    script = f"{_read('canvas.js')}\n{_read('player.js')}"
    written = {name: html.escape(text) for name, text in told.items()}
    template = Template(_read("recording.html"))
    return template.substitute(written, style=_read("recording.css"), script=script)


def _read(name: str) -> str:
    return Path(__file__).with_name(name).read_text("utf-8")


def record(reel: list[Frame], hidden: frozenset[str] = frozenset()) -> bytes:
    """Frames as compressed bytes (zlib); parts named in ``hidden`` are not shown at first.

    Within: length of a header (4 bytes, little endian), the header, which is JSON, then the lower
    bytes of all differences d of levels and the upper ones, d as 2d or, below 0, as -2d - 1. In the
    header of a frame ``sizes`` are the numbers of its arrays, and an array is {"at": which of them,
    "shape": ..., "low", "unit"}: a number is low + unit * level, with one low and one unit for each
    column.
    """
    heads, differences = [], []
    before: list[NDArray[np.int16]] = []
    for frame in _calm(reel):
        levels: list[NDArray[np.int16]] = []
        heads.append({**_head(frame, levels), "sizes": [part.size for part in levels]})
        for k, own in enumerate(levels):
            last = before[k] if k < len(before) else own[:0]
            both = min(len(last), len(own))
            differences.append(own - np.pad(last[:both], (0, len(own) - both)))
        before = levels
    told = {"frames": heads, "hidden": sorted(hidden), "looks": looks(), "tells": TELLS}
    text = json.dumps(told, allow_nan=False).encode()
    all_ = np.concatenate(differences).astype("<i2")
    halves = ((all_ << 1) ^ (all_ >> 15)).view(np.uint8).reshape(-1, 2)
    return zlib.compress(struct.pack("<I", len(text)) + text + halves.T.tobytes(), 9)


def _calm(reel: list[Frame]) -> Iterator[Frame]:
    """The frames with sheets of pictures in few greys. A pixel keeps its grey until it is off by
    nearly a step: what wavers between two greys would take most of the file."""
    before: dict[str, NDArray] = {}
    for frame in reel:
        sheets: dict[str, Any] = {k: v for k, v in frame.layers.items() if v.role == "sheet"}
        for name, sheet in sheets.items():
            wanted = GREYS * sheet.values
            last = before.get(name, np.full_like(wanted, np.nan))
            stays = np.abs(wanted - last) < CALM
            before[name] = np.asarray(np.where(stays, last, np.round(wanted)))
            sheets[name] = sheet._replace(values=before[name] / GREYS)
        graph = tuple(
            node._replace(layers={name: sheets.get(name, own) for name, own in node.layers.items()})
            for node in frame.graph
        )
        yield frame._replace(layers={**frame.layers, **sheets}, graph=graph)


def _head(frame: Frame, levels: list[NDArray[np.int16]]) -> dict[str, Any]:
    """The header of a frame, whose arrays join ``levels``."""
    left, right, bottom, top = frame.view
    corner = np.array([left, bottom])
    unit = np.array([right - left, top - bottom]) / LEVELS
    places: dict[int, int] = {}  # of the arrays: the graph shows those of the main picture again

    def place(low: NDArray, unit: NDArray, array: NDArray) -> dict[str, Any]:
        if array.shape[1] != 2:  # a field
            low, unit = np.zeros(1), np.full(1, 1 / SHADES)
        at = places.setdefault(id(array), len(levels))
        if at == len(levels):
            with np.errstate(invalid="ignore"):
                level = np.clip(np.round((array - low) / unit), LOST + 1, -LOST - 1)
            levels.append(np.where(np.isnan(level), LOST, level).astype(np.int16).ravel())
        return {"at": at, "shape": array.shape, "low": list(low), "unit": list(unit)}

    share = partial(place, np.zeros(2), np.full(2, 1 / LEVELS))
    head = outline(frame._replace(charts=(), disc=None), partial(place, corner, unit))
    head["disc"] = outline(frame.disc, share)
    head["charts"] = [outline_chart(chart, frame.step, _newest) for chart in frame.charts]
    return head


def _newest(xy: NDArray) -> list[float | None]:
    """The last point of a curve."""
    return [float(f"{value:.5g}") if np.isfinite(value) else None for value in xy[-1]]

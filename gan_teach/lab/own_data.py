"""Data in the plane: those of the course by name, and a learner's own as a short text, so that a
run on them can be repeated.

``drawn:1.7:AbCd...`` is a drawing and ``points:1.7:AbCd...`` a set of points. The number is the
reach of the picture; then four characters a point, which are its two coordinates on a grid of 64^2
places from -reach to reach, 12 bits each, in base64 for URLs; and a dot between two strokes. Such a
text is data: it is bounded, read by a pattern, and nothing in it is evaluated.
"""

import base64
import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gan_teach import _checks, data
from gan_teach.data.planar import as_points

SOURCES: dict[str, tuple[Callable[[], Any], float]] = {
    "five-gaussians": (data.ring, 1.7),
    "eight-gaussians": (lambda: data.ring(8, 2.0, 0.02), 3.0),
    "grid-25": (data.grid, 3.0),
    "two-gaussians": (data.two_gaussians, 2.0),
    "half-circles": (data.half_circles, 26.0),
    "spirals": (data.spirals, 3.0),
}
"""Each data set's name: how it is made, and how far its picture reaches to every side."""

MOST = 2000  # points; the browser knows it too (pen.js)
REACH = (1e-3, 1e3)
PLACES = 64**2
_TEXT = re.compile(
    r"(drawn|points):([0-9]{1,7}(?:\.[0-9]{1,7})?):"
    r"((?:[A-Za-z0-9_-]{4})+(?:\.(?:[A-Za-z0-9_-]{4})+)*)",
    re.ASCII,
)


def is_own(value: Any) -> bool:
    """Whether ``value`` is meant as own data: such a text, or anything but a text."""
    return not isinstance(value, str) or value.startswith(("drawn:", "points:"))


def check(value: Any) -> str:
    """A text of own data, or points (n, 2), as the text; TypeError or ValueError for others."""
    if isinstance(value, str):
        _parse(value)
        return value
    if not hasattr(value, "__len__"):
        raise TypeError(f"data must be a name or points of shape (n, 2), got {value!r:.40}.")
    return of_points(value)


def of_points(points: Any) -> str:
    """Points (n, 2) as text; each is moved by at most 1/4000 of the reach of the picture.

    The reach is a round number that leaves a margin around them. Raises TypeError or ValueError for
    another shape, NaN, no or too many points.
    """
    xy = as_points("data", points).detach().cpu().numpy()
    if xy.shape[1] != 2:
        raise ValueError(f"data must be points of shape (n, 2), got shape {xy.shape}.")
    largest, most = float(np.abs(xy).max()), REACH[1] / 1.3
    least = max(1.3 * _checks.real("largest coordinate of data", largest, most=most), REACH[0])
    unit = 10.0 ** (math.floor(math.log10(least)) - 1)
    return _written("points", [xy], round(math.ceil(least / unit) * unit, 6))


def of_strokes(strokes: Any, reach: float) -> str:
    """Strokes, each a list of [x, y] within ``reach`` of the origin, as text; raises likewise."""
    if not isinstance(strokes, list) or not all(isinstance(stroke, list) for stroke in strokes):
        raise TypeError("a drawing is a list of strokes, each a list of [x, y].")
    data.Drawing(strokes, width=1.0)  # which says what is wrong with it
    return _written("drawn", [np.reshape(s, (-1, 2)).astype(float) for s in strokes], reach)


def of_text(text: str, reach: float) -> str:
    """A drawing of typed coordinates as text: a stroke a line, of numbers in pairs x y.

    "0 0, 1 0.5" is a stroke, a line of one pair a dot; commas, semicolons and brackets may stand
    between them. Raises ValueError for what is no number, half a pair, or lies beyond ``reach``.
    """
    strokes = []
    for line in text.replace("−", "-").splitlines():
        words = re.sub(r"[,;()\[\]]", " ", line).split()
        try:
            xy = np.array(words, dtype=float).reshape(-1, 2)
        except ValueError:
            raise ValueError(
                f"a stroke must be numbers in pairs, as 0 0, 1 0.5; got {line[:40]!r}."
            ) from None
        if not (np.abs(xy) <= reach).all():
            raise ValueError(f"coordinates must lie within {reach:g} of 0, got {line[:40]!r}.")
        strokes += [xy.tolist()] if words else []
    return of_strokes(strokes, reach)


def source(text: str) -> tuple[Any, float]:
    """The data set that a name or a text stands for, and how far its picture reaches.

    A drawing is as wide as a thick pen: Gaussian around its strokes, of std reach / 40.
    """
    if text in SOURCES:
        make, reach = SOURCES[text]
        return make(), reach
    kind, strokes, reach = _parse(text)
    if kind == "points":
        return data.Points(strokes[0].astype(np.float32)), reach
    return data.Drawing(strokes, width=reach / 40), reach


def label(text: str) -> str:
    """What a text is called in a menu: "your drawing, 3 strokes"."""
    kind, strokes, _ = _parse(text)
    if kind == "points":
        return f"your own {len(strokes[0])} points"
    return f"your drawing, {len(strokes)} stroke{'' if len(strokes) == 1 else 's'}"


def _written(kind: str, strokes: list[NDArray], reach: float) -> str:
    _bounded(sum(map(len, strokes)))
    parts = []
    for xy in strokes:
        places: Any = np.round((xy / reach + 1) / 2 * (PLACES - 1)).clip(0, PLACES - 1)
        three = (places.astype(int) @ [PLACES, 1])[:, None] >> [16, 8, 0]  # the bytes of each point
        parts.append(base64.urlsafe_b64encode(three.astype(np.uint8).tobytes()).decode())
    return f"{kind}:{reach:.7g}:{'.'.join(parts)}"


def _parse(text: str) -> tuple[str, list[NDArray], float]:
    match = _TEXT.fullmatch(text)
    if not match:
        raise ValueError(
            f"data must be the name of a data set or the text of a drawing, got {text[:40]!r}."
        )
    kind, parts = match[1], match[3].split(".")
    reach = _checks.real("reach of the data", match[2], least=REACH[0], most=REACH[1])
    _bounded(sum(map(len, parts)) // 4)
    if kind == "points" and len(parts) > 1:
        raise ValueError("data that are points have no strokes.")
    strokes = []
    for part in parts:
        three = np.frombuffer(base64.urlsafe_b64decode(part), np.uint8).reshape(-1, 3)
        places = np.stack(np.divmod(three @ [2**16, 2**8, 1], PLACES), 1)
        strokes.append((places / (PLACES - 1) * 2 - 1) * reach)
    return kind, strokes, reach


def _bounded(count: int) -> None:
    hint = "A text has no room for more: pass a random choice, or run gan_teach.train on all."
    _checks.real("number of points in data", count, most=MOST, hint=hint)

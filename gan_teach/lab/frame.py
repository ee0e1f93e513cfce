"""One picture of a run as numbers: what every view of the lab draws.

A frame knows nothing of matplotlib or of a browser. Each layer of its main picture and each curve
of its charts has a ``role``; ``LOOKS`` says once what a role looks like, for all views. A color is
never the only sign: roles differ by marker or dash too.
"""

import json
import math
import struct
from collections.abc import Callable, Mapping
from functools import cache
from itertools import count
from typing import Any, NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import to_hex, to_rgb
from numpy.typing import NDArray

from gan_teach.plots import style
from gan_teach.plots._panel import limits


class Look(NamedTuple):
    """Color, marker of points, dash pattern of lines (on, off, ... in points; () is solid).

    Markers are those of matplotlib, and "O" for an empty circle.
    """

    color: str
    marker: str = "o"
    dash: tuple[float, ...] = ()
    width: float = 2.0
    size: float = 6.0


LOOKS: dict[str, Look] = {
    "real": Look(style.REAL, style.REAL_MARKER, size=8.0),
    "fake": Look(style.FAKE, style.FAKE_MARKER, (6, 2), size=7.0),
    "latent": Look(style.LATENT, style.LATENT_MARKER, width=1.0, size=11.0),
    "density": Look(style.REAL, dash=(), width=1.4),
    "discriminator": Look(style.DISCRIMINATOR, width=2.2),
    "generator": Look(style.GENERATOR, "s", (6, 2)),
    "theory": Look(style.THEORY, dash=(5, 3), width=1.5),
    "value": Look(style.LINES[0]),
    "path": Look(style.LINES[0], width=1.2),
    "gradient": Look(style.GENERATOR, width=1.5),
    "manifold": Look(style.LATENT, width=0.8),
    "mode": Look(style.INK, "O", size=13.0),
    "flow": Look(style.THEORY, width=1.0),
    "here": Look(style.FAKE, style.FAKE_MARKER, size=11.0),
    "goal": Look(style.REAL, style.REAL_MARKER, size=9.0),
    "field": Look(style.DISCRIMINATOR),
    "score": Look(style.DISCRIMINATOR),
    "sheet": Look(style.INK),
}


PAPERS = {"light": "#ffffff", "dark": "#111111"}
"""The page below the picture, and the halo around each of its marks."""

CONTRAST = 3.0  # of what is drawn to its halo, at least (WCAG 2.2, criterion 1.4.11)
READABLE = 4.5  # of words to their paper (1.4.3)
DISC = "Eigenvalues of a round"  # the title of a disc
GRAPH = "Model graph"
FIELDS = {"field": 0.4, "score": 1.0}  # of the full color where D is sure


def luminance(rgb: Any) -> NDArray[np.float64]:
    """Relative luminance (WCAG 2.2) of sRGB colors (..., 3) from 0 to 1."""
    rgb = np.asarray(rgb)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(one: Any, other: Any) -> NDArray[np.float64]:
    """(L + 0.05) / (l + 0.05) of two colors' luminances, the larger L above: 1 to 21."""
    both = np.stack(np.broadcast_arrays(luminance(one), luminance(other)))
    return (both.max(0) + 0.05) / (both.min(0) + 0.05)


@cache
def seen(color: str, theme: str = "light", least: float = CONTRAST) -> str:
    """``color``, on a dark page mixed with white, and on a light one with black, as far as that is
    needed for so much contrast to the paper."""
    paper, own = to_rgb(PAPERS[theme]), np.array(to_rgb(color))
    ink = float(theme == "dark")
    mixtures = (own + share * (ink - own) for share in np.linspace(0, 1, 21))
    return to_hex(next(mixed for mixed in mixtures if contrast(mixed, paper) >= least))


@cache
def shades(theme: str = "light", role: str = "field") -> NDArray[np.uint8]:
    """The colors (256, 3) of a field from 0 to 1: paper at 1/2 and tints at both ends, which are
    pale where marks lie on them; of a sheet of pictures black to white."""
    value = np.linspace(0, 1, 256)[:, None]
    if role not in FIELDS:
        return np.broadcast_to(255 * value, (256, 3)).round().astype(np.uint8)
    low, high = np.asarray(colormaps[style.SIGNED]([0.2, 0.8]))[:, :3]
    paper = np.array(to_rgb(PAPERS[theme]))
    tint = np.where(value < 0.5, low, high)
    share = FIELDS[role] * np.abs(2 * value - 1)
    return (255 * (paper + share * (tint - paper))).round().astype(np.uint8)


TELLS = {
    "density": "The thin solid line is the density of the data.",
    "d_star": "Dashed: the best answer to the present generator.",
    "d": "The thick line is what the discriminator answers: 1 for real, 0 for generated.",
    "arrows": "Arrows lead from each latent to the point that the generator makes of it.",
    "latent": "Short strokes on the lower rail are latents.",
    "field": "The ground is what the discriminator answers: violet for real, orange for generated, "
    "blank where it cannot tell.",
    "best": "The ground is the best answer to the points that are shown.",
    "manifold": "The net is a square lattice of latents, where the generator takes it.",
    "real": "Filled circles are real points.",
    "modes": "Empty circles are the modes of the data.",
    "fake": "Crosses are points that the generator made.",
    "push": "Arrows at some of them: where their own loss pushes them, long where it is steep.",
    "flow": "Pale arrows: where both players push from there.",
    "path": "The line is the way that the run has come.",
    "goal": "The filled circle is the equilibrium.",
    "here": "The cross is where the run stands.",
    "says": "The frame of each picture is what the discriminator answers: violet for real, orange "
    "for generated, blank where it cannot tell.",
    "sheet": "Each picture is made from a latent that stays the same, by an average of the "
    "generator over about 200 rounds.",
    "bars": "The line below it is as long as that answer: as wide as the picture for real.",
}
"""What the layer of a name shows, in a sentence."""


class Points(NamedTuple):
    """Markers at xy (n, 2)."""

    xy: NDArray
    role: str
    label: str


class Lines(NamedTuple):
    """A line through xy (n, 2); NaN lifts the pen."""

    xy: NDArray
    role: str
    label: str


class Arrows(NamedTuple):
    """Arrows from xy (n, 2) to xy + uv (n, 2)."""

    xy: NDArray
    uv: NDArray
    role: str
    label: str


class Field(NamedTuple):
    """A probability on a grid, values (rows, cols) with row 0 at the bottom of ``extent``."""

    values: NDArray
    extent: tuple[float, float, float, float]
    role: str
    label: str


Layer = Points | Lines | Arrows | Field


class Chart(NamedTuple):
    """Quantities over the steps beside the ``levels`` (value, name) that the theory predicts.

    ``band`` (low, high, name) is where real data score against real data.
    """

    title: str
    curves: tuple[Lines, ...]
    levels: tuple[tuple[float, str], ...] = ()
    log: bool = False
    ylim: tuple[float, float] | None = None
    band: tuple[float, float, str] | None = None
    unit: str = ""  # of its values


class Disc(NamedTuple):
    """Complex numbers xy (n, 2) against the unit circle, and what follows from them."""

    title: str
    xy: NDArray
    text: str = ""


class Node(NamedTuple):
    """A part of the game as a graph: a thumbnail in layers within ``view``, lines of words below
    it, and the norm of the gradient that has moved it, 0 for none."""

    title: str
    text: tuple[str, ...]
    view: tuple[float, float, float, float]
    layers: Mapping[str, Layer]
    norm: float = 0.0


class Frame(NamedTuple):
    """Step ``step`` of a run: a main picture in layers, charts beside it, and the same in words.

    ``view`` is (left, right, bottom, top) of the main picture; ``note`` is a warning to be shown in
    it, or empty. Where ``drawable``, a learner may draw other data into the main picture. ``graph``
    is the way from z over G, its samples and D to the losses.
    """

    step: int
    title: str
    narration: str
    view: tuple[float, float, float, float]
    layers: Mapping[str, Layer]
    charts: tuple[Chart, ...]
    disc: Disc | None = None
    xlabel: str = "x"
    ylabel: str = ""
    yticks: tuple[tuple[float, str], ...] | None = None
    note: str = ""
    drawable: bool = False
    graph: tuple[Node, ...] = ()


def ranges(chart: Chart, step: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """(xlim, ylim) that hold the chart's curves, levels and band at ``step``.

    A time axis ends at the first of 100, 200, 500, 1000, ... that is not below ``step``.
    """
    marks = (digit * 10**decade for decade in count(2) for digit in (1, 2, 5))
    xlim = 0.0, float(next(mark for mark in marks if mark >= step))
    values = np.concatenate([curve.xy[:, 1] for curve in chart.curves])
    include = [value for value, _ in chart.levels] + list(chart.band[:2] if chart.band else ())
    if chart.log:
        include = [math.log10(value) for value in include if value > 0]
    return xlim, chart.ylim or limits(values, include, chart.log)


def alike(one: Frame, other: Frame) -> tuple[Frame, Frame]:
    """Both frames of the same charts, with the same axes."""
    charts = []
    for pair in zip(one.charts, other.charts, strict=True):
        ends = [ranges(chart, one.step)[1] for chart in pair]
        ylim = min(low for low, _ in ends), max(high for _, high in ends)
        charts.append([chart._replace(ylim=ylim) for chart in pair])
    first, second = zip(*charts, strict=True)
    return one._replace(charts=first), other._replace(charts=second)


# -- frames as bytes, for canvas.js ---------------------------------------------------------------


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
    xlim, ylim = ranges(chart, step)
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
    return {theme: _look(theme) for theme in PAPERS}


def _look(theme: str) -> dict[str, Any]:
    # thin lines fade sooner on a dark page
    least = CONTRAST if theme == "light" else READABLE
    roles = {
        role: look._replace(color=seen(look.color, theme, least))._asdict()
        for role, look in LOOKS.items()
    }
    return {
        "roles": roles,
        **{r: shades(theme, r).ravel().tolist() for r in ("field", "score", "sheet")},
        "paper": PAPERS[theme],
        "ink": seen(style.INK, theme, 12.0),
        "theory": seen(style.THEORY, theme, READABLE),
        "alarm": seen(style.GENERATOR, theme, READABLE),
        "band": seen(style.THEORY, theme) + "30",
    }

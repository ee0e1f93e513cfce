"""One picture of a run as numbers: what every view of the lab draws.

A frame knows nothing of matplotlib or of a browser. Each layer of its main picture and each curve
of its charts has a ``role``; ``LOOKS`` says once what a role looks like, for all views. A color is
never the only sign: roles differ by marker or dash too.

A frame goes to the canvas as bytes, and a run of them into one page that plays without a kernel.
"""

import base64
import html
import json
import math
import struct
import zlib
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from itertools import count
from pathlib import Path
from string import Template
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

FRAMES = 300  # of a recorded run
LEVELS = 1024  # from one end of the main picture to the other, and from 0 to 1 in charts
SHADES = 60  # of a field
GREYS = 15  # of a sheet of pictures, beside black: a divisor of these
CALM = 0.95  # of a step from one grey to the next
LOST = -(2**15)  # the level of NaN
Levels = list[NDArray[np.int16]]  # of each array of a frame


def contrast(one: Any, other: Any) -> NDArray[np.float64]:
    """(L + 0.05) / (l + 0.05), 1 to 21, of the relative luminances (WCAG 2.2) of sRGB colors
    (..., 3) from 0 to 1, the larger L above."""
    rgb = np.stack(np.broadcast_arrays(one, other))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    both = linear @ [0.2126, 0.7152, 0.0722]
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


# -- a run as one page that plays without a kernel, for player.js ---------------------------------
#
# Numbers of a picture are kept as whole levels, each as its difference to the same number of the
# frame before, and compressed; curves over the steps are put together from the newest points of all
# frames.


def unwatched(items: Iterable[Any], total: int) -> Iterable[Any]:
    """``items`` without a bar that says how many of ``total`` are done, which ``tqdm`` shows."""
    return items


def recorded(session: Any, rounds: int, frames: int, watch: Any = unwatched) -> dict[str, str]:
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
    before: Levels = []
    for frame in reel:
        levels: Levels = []
        heads.append({**_head(frame, levels, before), "sizes": [part.size for part in levels]})
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


def _calm(level: NDArray, last: Any) -> NDArray:
    """A sheet of pictures in few greys. A pixel keeps its grey until it is off by nearly a step:
    what wavers between two greys would take most of the file."""
    step = SHADES / GREYS
    return np.where(np.abs(level - last) < CALM * step, last, step * np.round(level / step))


def _head(frame: Frame, levels: Levels, before: Levels) -> dict[str, Any]:
    """The header of a frame, whose arrays join ``levels``; ``before`` are those of the last one."""
    sheet = getattr(frame.layers.get("sheet"), "values", None)
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
                level = ((array - low) / unit).ravel()
                if array is sheet:
                    level = _calm(level, before[at] if before else np.nan)
                level = np.clip(np.round(level), LOST + 1, -LOST - 1)
            levels.append(np.where(np.isnan(level), LOST, level).astype(np.int16))
        return {"at": at, "shape": array.shape, "low": list(low), "unit": list(unit)}

    share = partial(place, np.zeros(2), np.full(2, 1 / LEVELS))
    head = outline(frame._replace(charts=(), disc=None), partial(place, corner, unit))
    head["disc"] = outline(frame.disc, share)
    head["charts"] = [outline_chart(chart, frame.step, _newest) for chart in frame.charts]
    return head


def _newest(xy: NDArray) -> list[float | None]:
    """The last point of a curve."""
    return [float(f"{value:.5g}") if np.isfinite(value) else None for value in xy[-1]]

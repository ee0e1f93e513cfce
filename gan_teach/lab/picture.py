"""A frame as pixels, through matplotlib: what stands still is drawn once, what moves each time."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from numpy.typing import NDArray

from gan_teach import style
from gan_teach.animation._frames import Frames
from gan_teach.lab.frame import (
    LOOKS,
    Arrows,
    Chart,
    Curve,
    Disc,
    Field,
    Frame,
    Layer,
    Look,
    Points,
)
from gan_teach.plots._panel import Level, draw_level, legend_below, limits, note

SIZE = (12.0, 5.4)  # inches
MANY = 100  # more points than this are drawn smaller
DPI = 80
_Limits = tuple[float, float]


class Picture:
    """Draws frames of one world, one after the other.

    The axes are set up for the first frame. Later ones only move artists over a stored background,
    which is made again when a chart outgrows its axes: rarely, since they grow in leaps.
    """

    def __init__(self, frame: Frame, dpi: int = DPI) -> None:
        self.dpi, self._frame = dpi, frame
        self._figure, axes = style.mosaic(*_layout(frame))
        with style.use():
            self._main = MainView(axes[0], frame)
            self._charts = [
                ChartView(axes[k + 1], chart, frame) for k, chart in enumerate(frame.charts)
            ]
            self._disc = DiscView(axes["disc"], frame.disc) if frame.disc else None
        self._pixels = self._staged()

    def suits(self, frame: Frame) -> bool:
        """Whether ``frame`` has the parts of the first one; otherwise make another Picture."""
        return (
            set(frame.layers) <= self._main.names
            and frame.view == self._frame.view
            and [c.title for c in frame.charts] == [c.title for c in self._frame.charts]
        )

    def rgb(self, frame: Frame) -> NDArray[np.uint8]:
        """``frame`` as (height, width, 3) bytes."""
        self._frame = frame
        grown = [view.fit(chart, frame) for view, chart in self._pairs()]
        if any(grown):
            self._pixels = self._staged()
        return self._pixels[0]

    def png(self, frame: Frame) -> bytes:
        """``frame`` as a PNG file."""
        from PIL import Image

        buffer = io.BytesIO()
        Image.fromarray(self.rgb(frame)).save(buffer, "PNG", compress_level=1)
        return buffer.getvalue()

    def _pairs(self) -> Any:
        return zip(self._charts, self._frame.charts, strict=True)

    def _staged(self) -> Frames:
        return Frames(self._figure, self._draw, self.dpi)

    def _draw(self, _: int) -> list[Artist]:
        artists = self._main.draw(self._frame)
        for view, chart in self._pairs():
            artists += view.draw(chart)
        if self._disc and self._frame.disc:
            artists += self._disc.draw(self._frame.disc)
        return artists


def _layout(frame: Frame) -> tuple[list[list[Any]], tuple[float, float], list[float]]:
    """The main picture on the left, the others in two columns on its right."""
    small: list[Any] = [k + 1 for k in range(len(frame.charts))]
    small += ["disc"] if frame.disc else []
    rows = max(1, -(-len(small) // 2))
    small += small[-1:] * (2 * rows - len(small))
    layout = [[0, *small[2 * row : 2 * row + 2]] for row in range(rows)]
    return layout, SIZE, [2.1, 1.0, 1.0][: len(layout[0])]


class MainView:
    """The main picture: one artist per layer, the title and the note."""

    def __init__(self, ax: Axes, frame: Frame) -> None:
        left, right, bottom, top = frame.view
        ax.set(xlim=(left, right), ylim=(bottom, top), xlabel=frame.xlabel, ylabel=frame.ylabel)
        ax.grid(False)
        if frame.yticks is not None:
            ax.set_yticks([value for value, _ in frame.yticks], [name for _, name in frame.yticks])
        self._artists = {
            name: _artist(ax, layer, rank)
            for rank, (name, layer) in enumerate(frame.layers.items())
        }
        self.names = set(self._artists)
        self._title, self._note = ax.set_title("", loc="left"), note(ax)
        legend_below(ax, cols=3, points=40)

    def draw(self, frame: Frame) -> list[Artist]:
        for name, artist in self._artists.items():
            artist.set_visible(name in frame.layers)
            if name in frame.layers:
                _move(artist, frame.layers[name])
        self._title.set_text(frame.title)
        self._note.set_text(frame.note)
        self._note.set_visible(bool(frame.note))
        return [*self._artists.values(), self._title, self._note]


def _artist(ax: Axes, layer: Layer, rank: int) -> Any:
    look, zorder = LOOKS[layer.role], 2 + 0.1 * rank
    if isinstance(layer, Field):
        shown: dict[str, Any] = {"cmap": style.SIGNED, "vmin": 0.0, "vmax": 1.0, "alpha": 0.45}
        return ax.imshow(layer.values, origin="lower", extent=layer.extent, aspect="auto",
                         zorder=zorder, **shown)  # fmt: skip
    if isinstance(layer, Arrows):
        return ax.quiver(
            *layer.xy.T, *layer.uv.T, angles="xy", scale_units="xy", scale=1, color=look.color,
            alpha=0.75, width=0.0028, headwidth=5, headlength=7, headaxislength=6, zorder=zorder,
        )  # fmt: skip
    marks: dict[str, Any] = {"linestyle": (0, look.dash) if look.dash else "-"}
    if isinstance(layer, Points):
        marks = _marker(look, small=len(layer.xy) > MANY)
    return ax.plot(
        [], [], color=look.color, linewidth=look.width, label=layer.label, zorder=zorder, **marks
    )[0]


def _marker(look: Look, small: bool) -> dict[str, Any]:
    """Keyword arguments of a line of markers; many points are drawn smaller."""
    size = 0.6 * look.size if small else look.size
    marks: dict[str, Any] = {"linestyle": "", "markersize": size}
    if look.marker == "O":
        return {**marks, "marker": "o", "markerfacecolor": "none", "markeredgewidth": 1.2}
    filled = look.marker == "o"
    edge = "white" if filled else look.color
    width = (0.3 if small else 0.6) if filled else (1.3 if small else 2.0)
    return {**marks, "marker": look.marker, "markeredgecolor": edge, "markeredgewidth": width}


def _move(artist: Any, layer: Layer) -> None:
    if isinstance(layer, Field):
        artist.set_data(layer.values)
    elif isinstance(layer, Arrows):
        artist.set_offsets(layer.xy)
        artist.set_UVC(*np.ma.masked_invalid(layer.uv).T)
    else:
        artist.set_data(*layer.xy.T)


class ChartView:
    """One chart: curves with a marker at their end, levels, and axes that grow in leaps."""

    def __init__(self, ax: Axes, chart: Chart, frame: Frame) -> None:
        self._ax = ax
        ax.set(xlabel=frame.unit, ylabel=chart.title)
        if chart.log:
            ax.set_yscale("log")
        self._curves = [self._curve(curve) for curve in chart.curves]
        self._levels: list[Artist] = []
        self._theory: Any = None
        self._xlim, self._ylim = (0.0, 1.0), (0.0, 0.0)
        if len(chart.curves) > 1:
            # above the axes: what lies inside of them is drawn every time
            ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.02), borderaxespad=0.0, fontsize=9,
                      ncols=2, handlelength=1.6, columnspacing=1.0)  # fmt: skip
        self.fit(chart, frame)

    def _curve(self, curve: Curve) -> tuple[Any, Any]:
        look = LOOKS[curve.role]
        dash = (0, look.dash) if look.dash else "-"
        (line,) = self._ax.plot([], [], color=look.color, linestyle=dash, linewidth=1.7,
                                label=curve.label)  # fmt: skip
        (head,) = self._ax.plot([], [], look.marker, color=look.color, markersize=6, zorder=4)
        head.set_in_layout(False)
        return line, head

    def fit(self, chart: Chart, frame: Frame) -> bool:
        """Make room for the chart's curves and levels; whether anything that stands still
        changed."""
        xlim = (0.0, float(leap(frame.step)))
        seen = np.concatenate([curve.xy[:, 1] for curve in chart.curves])
        low, high = chart.ylim or limits(seen, [value for value, _ in chart.levels], chart.log)
        bottom, top = self._ylim
        same = xlim == self._xlim and chart.levels == self._theory
        if same and bottom <= low and high <= top:
            return False
        if chart.ylim is None and xlim[1] <= self._xlim[1]:
            low, high = widened((min(low, bottom), max(high, top)), chart.log)
        self._xlim, self._ylim = xlim, (low, high)
        self._ax.set(xlim=xlim, ylim=(low, high))
        if chart.levels != self._theory:
            self._draw_levels(chart)
        return True

    def _draw_levels(self, chart: Chart) -> None:
        for artist in self._levels:
            artist.remove()
        before = set(self._ax.get_children())
        for value, name in chart.levels:
            draw_level(self._ax, Level(value, name))
        self._levels = [a for a in self._ax.get_children() if a not in before]
        self._theory = chart.levels

    def draw(self, chart: Chart) -> list[Artist]:
        low, high = self._ylim
        for (line, head), curve in zip(self._curves, chart.curves, strict=True):
            line.set_data(*curve.xy.T)
            end = curve.xy[-1:]
            head.set_data(*end[(end[:, 1] >= low) & (end[:, 1] <= high)].T)  # false for NaN
        return [artist for pair in self._curves for artist in pair]


class DiscView:
    """Eigenvalues against the unit circle, nearer by: the axes show what lies close to it."""

    def __init__(self, ax: Axes, disc: Disc) -> None:
        angle = np.linspace(0, 2 * np.pi, 121)
        ax.fill(np.cos(angle), np.sin(angle), color=style.THEORY, alpha=0.08, linewidth=0)
        ax.plot(np.cos(angle), np.sin(angle), color=style.THEORY, linewidth=1.2)
        ax.set(xlim=(-1.35, 1.35), ylim=(-1.8, 1.35), xlabel=disc.title, aspect="equal")
        (self._points,) = ax.plot(
            [], [], "D", color=style.GENERATOR, markersize=6, markeredgecolor="white", zorder=4
        )
        self._text = ax.text(0, -1.75, "", ha="center", va="bottom", fontsize=9)

    def draw(self, disc: Disc) -> list[Artist]:
        self._points.set_data(*disc.xy.clip(-1.3, 1.3).T)
        self._text.set_text(disc.text)
        return [self._points, self._text]


def leap(step: int) -> int:
    """The first of 100, 200, 500, 1000, ... that is not below ``step``: where a time axis ends."""
    decade = 100
    while True:
        for factor in (1, 2, 5):
            if step <= factor * decade:
                return factor * decade
        decade *= 10


def widened(ylim: _Limits, log: bool) -> _Limits:
    """The limits with a quarter of their length more on either side."""
    low, high = np.log10(ylim) if log else ylim
    margin = 0.25 * (high - low)
    ends = float(low - margin), float(high + margin)
    return (10 ** ends[0], 10 ** ends[1]) if log else ends

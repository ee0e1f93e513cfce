"""A frame as pixels, through matplotlib: what stands still is drawn once, what moves each time."""

from __future__ import annotations

import io
from collections.abc import Collection
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from numpy.typing import NDArray

from gan_teach import style
from gan_teach.animation._frames import Frames
from gan_teach.lab.frame import LOOKS, Arrows, Chart, Curve, Field, Frame, Layer, Points
from gan_teach.plots._panel import Level, draw_level, legend_below, limits, note

SIZE = (10.6, 5.4)  # inches
DPI = 80
_Limits = tuple[float, float]


class Picture:
    """Draws frames of one world, one after the other.

    The axes are set up for the first frame. Later ones only move artists over a stored background,
    which is made again when a chart outgrows its axes: rarely, since they grow in leaps.
    """

    def __init__(self, frame: Frame, dpi: int = DPI) -> None:
        self.dpi, self._hidden = dpi, frozenset()
        self._frame = frame
        rows = max(1, len(frame.charts))
        layout = [[0, *([row + 1] if frame.charts else [])] for row in range(rows)]
        ratios = [1.75, 1.0] if frame.charts else None
        self._figure, axes = style.mosaic(layout, SIZE, ratios)
        with style.use():
            self._main = _Main(axes[0], frame)
            self._charts = [
                _ChartView(axes[k + 1], chart, frame) for k, chart in enumerate(frame.charts)
            ]
        self._pixels = self._staged()

    def rgb(self, frame: Frame, hidden: Collection[str] = ()) -> NDArray[np.uint8]:
        """``frame`` as (height, width, 3) bytes, without the layers named in ``hidden``."""
        self._frame, self._hidden = frame, frozenset(hidden)
        grown = [view.fit(chart, frame) for view, chart in self._pairs()]
        if any(grown):
            self._pixels = self._staged()
        return self._pixels[0]

    def png(self, frame: Frame, hidden: Collection[str] = ()) -> bytes:
        """``frame`` as a PNG file."""
        from PIL import Image

        buffer = io.BytesIO()
        Image.fromarray(self.rgb(frame, hidden)).save(buffer, "PNG", compress_level=1)
        return buffer.getvalue()

    def _pairs(self) -> Any:
        return zip(self._charts, self._frame.charts, strict=True)

    def _staged(self) -> Frames:
        return Frames(self._figure, self._draw, self.dpi)

    def _draw(self, _: int) -> list[Artist]:
        artists = self._main.draw(self._frame, self._hidden)
        for view, chart in self._pairs():
            artists += view.draw(chart)
        return artists


class _Main:
    """The main picture: one artist per layer, the title and the note."""

    def __init__(self, ax: Axes, frame: Frame) -> None:
        left, right, bottom, top = frame.view
        ax.set(xlim=(left, right), ylim=(bottom, top), xlabel=frame.xlabel)
        ax.grid(False)
        if frame.yticks is not None:
            ax.set_yticks([value for value, _ in frame.yticks], [name for _, name in frame.yticks])
        self._artists = {
            name: _artist(ax, layer, rank)
            for rank, (name, layer) in enumerate(frame.layers.items())
        }
        self._title, self._note = ax.set_title("", loc="left"), note(ax)
        legend_below(ax, cols=3)

    def draw(self, frame: Frame, hidden: frozenset[str]) -> list[Artist]:
        for name, artist in self._artists.items():
            artist.set_visible(name not in hidden)
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
            alpha=0.6, width=0.0026, headwidth=6, headlength=9, headaxislength=8, zorder=zorder,
        )  # fmt: skip
    marks: dict[str, Any] = {"linestyle": (0, look.dash) if look.dash else "-"}
    if isinstance(layer, Points):
        round_ = look.marker == "o"
        marks = {"linestyle": "", "marker": look.marker, "markersize": look.size,
                 "markeredgecolor": "white" if round_ else look.color,
                 "markeredgewidth": 0.6 if round_ else 2.0}  # fmt: skip
    return ax.plot(
        [], [], color=look.color, linewidth=look.width, label=layer.label, zorder=zorder, **marks
    )[0]


def _move(artist: Any, layer: Layer) -> None:
    if isinstance(layer, Field):
        artist.set_data(layer.values)
    elif isinstance(layer, Arrows):
        artist.set_offsets(layer.xy)
        artist.set_UVC(*np.ma.masked_invalid(layer.uv).T)
    else:
        artist.set_data(*layer.xy.T)


class _ChartView:
    """One chart: curves with a marker at their end, levels, and axes that grow in leaps."""

    def __init__(self, ax: Axes, chart: Chart, frame: Frame) -> None:
        self._ax = ax
        ax.set(xlabel=frame.unit, ylabel=chart.ylabel, title=chart.title)
        if chart.log:
            ax.set_yscale("log")
        self._curves = [self._curve(curve) for curve in chart.curves]
        self._levels: list[Artist] = []
        self._theory: Any = None
        self._xlim, self._ylim = (0.0, 1.0), (0.0, 0.0)
        if len(chart.curves) > 1:
            # on the title's line, outside of the axes: what lies inside is drawn every time
            ax.legend(loc="lower right", bbox_to_anchor=(1.0, 1.02), borderaxespad=0.0, fontsize=9,
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

"""A frame as pixels, through matplotlib: what stands still is drawn once, what moves each time."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogFormatter
from numpy.typing import NDArray

from gan_teach.lab.blitting import Blitter, Cell
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
    field_colors,
)
from gan_teach.lab.limits import Limits
from gan_teach.lab.tiles import Tiles
from gan_teach.plots import style
from gan_teach.plots._panel import note

SIZE = (12.0, 5.4)  # inches
MAIN = 5.6  # of them for the main picture
BELOW = 1.4  # for ticks, label and a legend of three rows
KEYS = 3  # entries of its legend beside each other
MANY = 100  # more points than this are drawn smaller
DPI = 80


class Picture:
    """Draws frames of one world, one after the other.

    The axes are set up for the first frame. Later ones only move artists over a stored background,
    of which a chart's part is drawn again when the chart outgrows its axes: rarely, since they grow
    in leaps. ``limits`` are those of the charts, where another picture of the same run has widened
    them before.
    """

    def __init__(
        self, frame: Frame, dpi: int = DPI, limits: Sequence[Limits] | None = None
    ) -> None:
        self._frame = frame
        self.limits = limits or [Limits() for _ in frame.charts]
        with style.use():
            figure, cells = _layout(frame)
            main, *small = cells
            self._main = MainView(main, frame)
            self._charts = [
                ChartView(ax, chart, frame, own)
                for ax, chart, own in zip(small, frame.charts, self.limits, strict=False)
            ]
            self._disc = DiscView(small[-1], frame.disc) if frame.disc else None
            self._blitter = Blitter(figure, cells, self._draw(frame), dpi)

    def suits(self, frame: Frame) -> bool:
        """Whether ``frame`` has the parts of the first one; otherwise make another Picture."""
        return list(frame.layers) == self._main.names and self.continues(frame)

    def continues(self, frame: Frame) -> bool:
        """Whether ``frame`` has the same charts, whose axes go on."""
        return _outline(frame) == _outline(self._frame)

    def rgb(self, frame: Frame) -> NDArray[np.uint8]:
        """``frame`` as (height, width, 3) bytes."""
        return self._pixels(frame)[..., :3].copy()

    def _pixels(self, frame: Frame) -> NDArray[np.uint8]:
        """The same with a fourth byte each, in memory that the next frame uses again."""
        self._frame = frame
        pairs = zip(self._charts, frame.charts, strict=True)
        grown = [view.ax for view, chart in pairs if view.fit(chart, frame)]
        if grown:
            self._blitter.redraw(grown)
        self._draw(frame)
        return self._blitter.pixels()

    def file(self, frame: Frame, kind: str = "png") -> bytes:
        """``frame`` as a PNG file or, eight times as fast and almost as sharp, a "jpeg" one."""
        from PIL import Image

        buffer = io.BytesIO()
        pixels = self._pixels(frame)
        size = pixels.shape[1], pixels.shape[0]
        image = Image.frombuffer("RGBX", size, pixels, "raw", "RGBX", 0, 1)
        if kind == "png":
            image.convert("RGB").save(buffer, kind, compress_level=3)
        else:
            image.save(buffer, kind, quality=90, subsampling=0)
        return buffer.getvalue()

    def _draw(self, frame: Frame) -> list[Artist]:
        artists = self._main.draw(frame)
        for view, chart in zip(self._charts, frame.charts, strict=True):
            artists += view.draw(chart)
        if self._disc and frame.disc:
            artists += self._disc.draw(frame.disc)
        return artists


def _outline(frame: Frame) -> tuple[Any, ...]:
    return frame.view, [chart.title for chart in frame.charts], frame.disc is None


def _layout(frame: Frame) -> tuple[Figure, dict[Axes, Cell]]:
    """The main picture on the left, the others in two or three columns on its right.

    Places are fixed, so that a picture depends on its frame alone: no tick label moves the axes.
    """
    figure = Figure(figsize=SIZE)
    width, height = SIZE
    parts = len(frame.charts) + (frame.disc is not None)
    columns = 1 if parts < 2 else 2 if parts <= 4 else 3
    rows = max(1, -(-parts // columns))
    across, down = (width - MAIN) / columns, height / rows
    cells = {_axes(figure, (0.0, 0.0, MAIN, height), (0.8, BELOW, 0.15, 0.4)): _share(
        (0.0, 0.0, MAIN, height))}  # fmt: skip
    for k in range(parts):
        cell = MAIN + k % columns * across, height - (1 + k // columns) * down, across, down
        cells[_axes(figure, cell, (0.68, 0.5, 0.22, 0.55))] = _share(cell)
    return figure, cells


def _axes(figure: Figure, cell: Cell, margins: Cell) -> Axes:
    """Axes within a cell of the figure; margins left, below, right, above; all in inches."""
    left, bottom, width, height = cell
    west, south, east, north = margins
    place = left + west, bottom + south, width - west - east, height - south - north
    ax = figure.add_axes(_share(place))
    ax.grid(True, color=style.PALETTE[8], alpha=0.22, linewidth=0.7)
    ax.tick_params(which="both", labelsize=10, color=style.INK, labelcolor=style.INK)
    return ax


def _share(cell: Cell) -> Cell:
    (left, bottom, width, height), (w, h) = cell, SIZE
    return left / w, bottom / h, width / w, height / h


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
        self.names = list(self._artists)
        self._title, self._note = ax.set_title("", loc="left"), note(ax)
        handles = [_sign(artist, frame.layers[name]) for name, artist in self._artists.items()
                   if not isinstance(frame.layers[name], Field)]  # fmt: skip
        ax.legend(handles=handles, loc="upper left", bbox_to_anchor=(-0.12, -0.15), ncols=KEYS,
                  borderaxespad=0.0, handlelength=2.0, columnspacing=1.0, fontsize=9)  # fmt: skip

    def draw(self, frame: Frame) -> list[Artist]:
        for name, artist in self._artists.items():
            _move(artist, frame.layers[name])
        self._title.set_text(frame.title)
        self._note.set_text(frame.note)
        self._note.set_visible(bool(frame.note))
        return [*self._artists.values(), self._title, self._note]


def _sign(artist: Any, layer: Layer) -> Any:
    """What stands for an artist in the legend, which knows no arrows."""
    if not isinstance(layer, Arrows):
        return artist
    color = LOOKS[layer.role].color
    return Line2D([], [], color=color, marker=">", markevery=[1], markersize=5, label=layer.label)


def _artist(ax: Axes, layer: Layer, rank: int) -> Any:
    look, zorder = LOOKS[layer.role], 2 + 0.1 * rank
    if isinstance(layer, Field):
        return ax.add_artist(Tiles(layer.extent, zorder))
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
        artist.set_data(field_colors(layer.values))
    elif isinstance(layer, Arrows):
        artist.set_offsets(layer.xy)
        artist.set_UVC(*np.ma.masked_invalid(layer.uv).T)
    else:
        artist.set_data(*layer.xy.T)


class _Plain(LogFormatter):
    """Labels of a logarithmic axis as 0.1, and between the decades only where there is room."""

    def _num_to_string(self, x: float, vmin: float, vmax: float) -> str:
        return f"{x:g}"


class ChartView:
    """One chart: curves with a marker at their end, levels, and axes that grow in leaps."""

    def __init__(self, ax: Axes, chart: Chart, frame: Frame, limits: Limits) -> None:
        self.ax, self._limits = ax, limits
        ax.set(xlabel=chart.xlabel or frame.unit)
        _heading(ax, chart.title)
        if chart.log:
            ax.set_yscale("log")
            ax.yaxis.set_major_formatter(_Plain())
            ax.yaxis.set_minor_formatter(_Plain(minor_thresholds=(1, 0.4)))
        self._curves = [self._curve(curve) for curve in chart.curves]
        self._levels: list[Artist] = []
        if len(chart.curves) > 1:
            # above the axes: what lies inside of them is drawn every time
            ax.legend(loc="lower left", bbox_to_anchor=(0.0, 1.02), borderaxespad=0.0, fontsize=9,
                      ncols=2, handlelength=1.6, columnspacing=1.0)  # fmt: skip
        limits.fit(chart, frame.step)
        self._apply(chart)

    def _curve(self, curve: Curve) -> tuple[Any, Any]:
        look = LOOKS[curve.role]
        dash = (0, look.dash) if look.dash else "-"
        (line,) = self.ax.plot([], [], color=look.color, linestyle=dash, linewidth=1.7,
                                label=curve.label)  # fmt: skip
        (head,) = self.ax.plot([], [], look.marker, color=look.color, markersize=6, zorder=4)
        head.set_in_layout(False)
        return line, head

    def fit(self, chart: Chart, frame: Frame) -> bool:
        """Make room for the curves and levels; whether what stands still has changed."""
        if not self._limits.fit(chart, frame.step):
            return False
        self._apply(chart)
        return True

    def _apply(self, chart: Chart) -> None:
        self.ax.set(xlim=self._limits.xlim, ylim=self._limits.ylim)
        for artist in self._levels:
            artist.remove()
        self._levels = [part for level in chart.levels for part in self._level(*level)]
        if chart.band:
            self._levels += self._band(*chart.band)

    def _level(self, value: float, name: str) -> list[Artist]:
        """A dashed line and, above its right end, its name."""
        look = LOOKS["theory"]
        line = self.ax.axhline(value, color=look.color, linestyle=(0, look.dash), linewidth=1.3)
        text = self.ax.annotate(
            name, (1, value), (-2, 2), self.ax.get_yaxis_transform(), "offset points", ha="right",
            fontsize=9, color=look.color,
        )  # fmt: skip
        return [line, text]

    def _band(self, low: float, high: float, name: str) -> list[Artist]:
        """A shaded stripe with its name in its upper right corner."""
        color = LOOKS["theory"].color
        text = self.ax.annotate(
            name, (1, high), (-2, -2), self.ax.get_yaxis_transform(), "offset points", ha="right",
            va="top", fontsize=9, color=color,
        )  # fmt: skip
        return [self.ax.axhspan(low, high, color=color, alpha=0.14, linewidth=0), text]

    def draw(self, chart: Chart) -> list[Artist]:
        low, high = self._limits.ylim
        for (line, head), curve in zip(self._curves, chart.curves, strict=True):
            line.set_data(*curve.xy.T)
            end = curve.xy[-1:] if chart.xlim is None else np.empty((0, 2))
            head.set_data(*end[(end[:, 1] >= low) & (end[:, 1] <= high)].T)  # false for NaN
        return [artist for pair in self._curves for artist in pair]


class DiscView:
    """Eigenvalues against the unit circle, nearer by: the axes show what lies close to it."""

    def __init__(self, ax: Axes, disc: Disc) -> None:
        angle = np.linspace(0, 2 * np.pi, 121)
        ax.fill(np.cos(angle), np.sin(angle), color=style.THEORY, alpha=0.08, linewidth=0)
        ax.plot(np.cos(angle), np.sin(angle), color=style.THEORY, linewidth=1.2)
        ax.set(xlim=(-1.35, 1.35), ylim=(-1.35, 1.35), aspect="equal")
        _heading(ax, disc.title)
        (self._points,) = ax.plot(
            [], [], "D", color=style.GENERATOR, markersize=6, markeredgecolor="white", zorder=4
        )
        self._text = ax.text(0.5, 1.02, "", transform=ax.transAxes, ha="center", fontsize=9)

    def draw(self, disc: Disc) -> list[Artist]:
        self._points.set_data(*disc.xy.clip(-1.3, 1.3).T)
        self._text.set_text(disc.text)
        return [self._points, self._text]


def _heading(ax: Axes, text: str) -> None:
    """A title with room for a line of names below it."""
    ax.set_title(text, fontsize=11, pad=19)

"""Frames drawn by matplotlib, and a run as files: for pages without the canvas, and to keep."""

import io
import tempfile
from collections.abc import Iterator
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from matplotlib.ticker import LogLocator, MaxNLocator
from numpy.typing import NDArray
from PIL import Image

from gan_teach import _checks
from gan_teach.lab import frame as frames
from gan_teach.lab.frame import LOOKS, Chart, Disc, Frame, Layer, unwatched
from gan_teach.lab.session import Session
from gan_teach.plots import style
from gan_teach.plots.animation import Animation

WIDTH, CHART, DPI = 7.2, 2.1, 80  # of a picture and height of its charts, in inches; dots
COLUMNS = 3  # of charts, and of the key of the picture
KEY = 1.38  # inches: room for nine layers, so that hiding one leaves the others where they are
MANY = 100  # more points than this are drawn smaller
STRIP, FILM = 4, 60  # moments
_FPS = 12
_LINE = 34  # characters of a label below one picture of a strip


def draw(frame: Frame) -> Figure:
    """The main picture and, below it, the charts in up to three columns."""
    left, right, bottom, top = frame.view
    parts = [part for part in (*frame.charts, frame.disc) if part]
    rows = -(-len(parts) // COLUMNS)
    side = WIDTH - 0.9
    main = side * min(1.0, 0.75 + 0.25 * (top - bottom == right - left))  # inches
    below = CHART * rows
    height = below + KEY + main + 0.4
    figure = Figure(figsize=(WIDTH, height))
    ax = figure.add_axes((0.75 / WIDTH, (below + KEY) / height, side / WIDTH, main / height))
    draw_main(ax, frame)
    if any(ax.get_legend_handles_labels()):
        ax.legend(loc="upper left", bbox_to_anchor=(-0.1, -0.55 / main), ncols=COLUMNS, fontsize=9)
    grid = figure.add_gridspec(
        max(rows, 1), min(COLUMNS, max(len(parts), 1)), left=0.085, right=0.965, wspace=0.35,
        bottom=0.55 / height, top=(below - 0.4) / height if rows else 1, hspace=1.0,
    )  # fmt: skip
    for part, place in zip(parts, grid, strict=False):  # pyright: ignore[reportArgumentType]
        ax = figure.add_subplot(place)
        unit = f" ({part.unit})" if isinstance(part, Chart) and part.unit else ""
        ax.set_title(f"{part.title}{unit}", fontsize=11, y=1.0, pad=19)
        ax.tick_params(which="both", labelsize=8)
        if isinstance(part, Disc):
            _draw_disc(ax, part)
        else:
            _draw_chart(ax, part, frame)
    return figure


def draw_main(ax: Axes, frame: Frame) -> None:
    """The layers of the main picture, its title and its note."""
    halo = any(isinstance(layer, frames.Field) for layer in frame.layers.values())
    for rank, layer in enumerate(frame.layers.values()):
        _draw_layer(ax, layer, 2 + 0.1 * rank, halo)
    ax.axis(frame.view)
    ax.set(xlabel=frame.xlabel, ylabel=frame.ylabel)
    if not frame.xlabel:  # a sheet of pictures
        ax.set_axis_off()
    ax.set_title(frame.title, y=1.0)
    ax.set_title(frame.note, y=1.0, loc="right", fontsize=10, color=style.GENERATOR)
    if frame.yticks:
        ax.set_yticks(*zip(*frame.yticks, strict=True))


def _draw_layer(ax: Axes, layer: Layer, zorder: float, halo: bool) -> None:
    """One layer; where a field lies below it, marks stand on a ``halo`` of paper."""
    look = LOOKS[layer.role]
    shared: dict[str, Any] = {"color": look.color, "label": layer.label, "zorder": zorder}
    effects = style.HALO if halo else []
    if isinstance(layer, frames.Field):
        colors = ListedColormap(frames.shades(role=layer.role) / 255)
        ax.imshow(layer.values, colors, vmin=0, vmax=1, extent=layer.extent, origin="lower",
                  aspect="auto", zorder=zorder)  # fmt: skip
    elif isinstance(layer, frames.Arrows):
        ax.quiver(*layer.xy.T, *np.ma.masked_invalid(layer.uv).T, angles="xy", scale_units="xy",
                  scale=1, units="inches", width=0.02 if halo else 0.008, path_effects=effects,
                  **shared)  # fmt: skip
    elif isinstance(layer, frames.Points):
        small = len(layer.xy) > MANY
        edge, size = 1.2 if small else 2.0, (0.6 if small else 1.0) * look.size
        mark: dict[str, Any] = {"marker": look.marker.lower(), "linestyle": "none",
                                "markersize": size, "zorder": zorder}  # fmt: skip
        face = "none" if look.marker == "O" else look.color
        if halo:
            below = "none" if look.marker == "O" else "white"
            ax.plot(*layer.xy.T, color="white", markerfacecolor=below, markeredgewidth=edge + 2.4,
                    **mark)  # fmt: skip
        ax.plot(*layer.xy.T, markerfacecolor=face, markeredgewidth=edge, **mark | shared)
    else:
        ax.plot(*layer.xy.T, linewidth=look.width, linestyle=(0, look.dash or None),
                path_effects=effects, **shared)  # fmt: skip


def _draw_chart(ax: Axes, chart: Chart, frame: Frame) -> None:
    """Curves with a marker at their newest point, levels with their names, and the band."""
    for curve in chart.curves:
        look = LOOKS[curve.role]
        ax.plot(*curve.xy.T, color=look.color, linestyle=(0, look.dash or None), linewidth=1.7,
                marker=look.marker, markevery=[-1], label=curve.label)  # fmt: skip
    beside: dict[str, Any] = {"transform": ax.get_yaxis_transform(), "ha": "right", "fontsize": 8,
                              "path_effects": style.HALO}  # fmt: skip
    for value, name in chart.levels:
        ax.axhline(value, **style.PREDICTED)
        ax.text(1, value, name, **beside, va="bottom")
    if chart.band:
        low, high, name = chart.band
        ax.axhspan(low, high, **style.band(style.THEORY, 0.14))
        ax.text(1, high, name, **beside, va="top")
    xlim, ylim = frames.ranges(chart, frame.step)
    ax.set(xlim=xlim, ylim=ylim, yscale="log" if chart.log else "linear")
    if chart.log:
        wide = ylim[1] > 10 * ylim[0]
        ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)) if wide else MaxNLocator(4))
        ax.yaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_minor_formatter("")
    ax.set_xlabel("round", fontsize=9)
    if len(chart.curves) > 1:
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0, ncols=2, fontsize=8,
                  handlelength=1.5, columnspacing=1)  # fmt: skip


def _draw_disc(ax: Axes, disc: Disc) -> None:
    """Eigenvalues against the unit circle; those farther out stand at the edge."""
    ax.add_patch(Circle((0, 0), 1, fill=False, edgecolor=style.THEORY, linewidth=1.2))
    ax.plot(*disc.xy.clip(-1.3, 1.3).T, "D", color=style.GENERATOR, markeredgecolor="white")
    ax.set(xlim=(-1.35, 1.35), ylim=(-1.35, 1.35), aspect="equal")
    ax.text(0.5, 1.02, disc.text, transform=ax.transAxes, ha="center", fontsize=8)


@style.use()
def png(frame: Frame) -> bytes:
    """``frame`` as a PNG file."""
    buffer = io.BytesIO()
    draw(frame).savefig(buffer, format="png", dpi=DPI, pil_kwargs={"compress_level": 3})
    return buffer.getvalue()


@style.use()
def film_strip(run: Session) -> style.HtmlImage:
    """Moments of a run so far: its main pictures, and as alternative text the narration of each."""
    moments = [past.frame for past in run.at(_moments(run, STRIP))]
    figure, axes = style.mosaic([list(range(len(moments)))], (3.1 * len(moments) + 0.3, 3.4))
    for k, frame in enumerate(moments):
        draw_main(axes[k], frame)
        axes[k].set_xlabel(fill(frame.xlabel, _LINE))
        axes[k].label_outer()
    named, cols = axes[0].get_legend_handles_labels(), min(6, 2 * len(moments))
    small = {} if cols == 6 else {"fontsize": 7, "columnspacing": 1}  # two names below a picture
    figure.legend(*named, loc="outside lower center", ncols=cols, **small)
    text = " ".join(["Film strip of a live picture.", *(frame.narration for frame in moments)])
    return style.image(figure, text, DPI)


def _moments(session: Session, most: int) -> list[int]:
    """Evenly spaced steps of the run so far."""
    return np.unique(np.linspace(0, session.step, most).round().astype(int)).tolist()


# -- a run as files -------------------------------------------------------------------------------


def code(session: Session) -> str:
    """The run up to here in three lines of Python, which repeat its numbers to the last bit."""
    run = f"run = Session({session.replay!r})"
    return "\n".join(["from gan_teach.lab import Session", run, "history = run.history"])


FORMATS = {
    "png": ("image/png", "Picture (PNG)"),
    "gif": ("image/gif", "Film (GIF)"),
    "npz": ("application/zip", "Numbers (NPZ)"),
    "py": ("text/x-python", "Python code"),
    "html": ("text/html", "Recording (HTML)"),
}
"""What can be exported, by the ending of the file: its kind and its name."""


def export(session: Session, path: str | Path, watch: Any = unwatched) -> Path:
    """Write the run as its file's ending says: .png (the picture as it stands), .gif (a film of at
    most 60 moments), .npz (its History, which ``gan_teach.History.load`` reads), .py or .html (a
    page that plays it). ``watch``, as ``tqdm``, is shown the moments of what takes longer.

    Raises ValueError for another ending, OSError where nothing can be written.
    """
    path = Path(path)
    ending = _checks.choice("ending", path.suffix.lstrip("."), FORMATS)
    if ending == "npz":
        return session.history.save(path)
    if ending == "gif":
        moments = _moments(session, FILM)
        shots = [png(past.frame) for past in watch(session.at(moments), total=len(moments))]
        film = Animation(lambda k: _pixels(shots[k]), np.arange(len(shots)), _FPS)
        return film.save(path, progress=False)
    if ending == "html":
        path.write_text(session.to_html(watch=watch), "utf-8")
    else:
        path.write_bytes(png(session.frame) if ending == "png" else f"{code(session)}\n".encode())
    return path


def _pixels(picture: bytes) -> NDArray[np.uint8]:
    """A PNG file as (height, width, 3) bytes."""
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"))


def exported(session: Session, ending: str, watch: Any = unwatched) -> bytes:
    """The same as the bytes of a file."""
    with tempfile.TemporaryDirectory() as folder:
        return export(session, Path(folder) / f"run.{ending}", watch).read_bytes()


def save_all(session: Session, folder: str | Path) -> Iterator[Path]:
    """Write the run in every format into ``folder``, numbers first; yields each file's path."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    for ending in ("npz", "py", "png", "html", "gif"):
        yield export(session, Path(folder) / f"run.{ending}")

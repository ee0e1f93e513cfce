"""Frames drawn by matplotlib, and a run as files: for pages without the canvas, and to keep."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from numpy.typing import NDArray

from gan_teach import _checks, style
from gan_teach.animation import Animation
from gan_teach.lab.config import PRESETS
from gan_teach.lab.frame import (
    LOOKS,
    Arrows,
    Chart,
    Disc,
    Field,
    Frame,
    Layer,
    Points,
    ranges,
    shades,
)
from gan_teach.lab.session import Session

SIZE, DPI = (12.0, 5.4), 80  # of a picture, in inches and dots
MANY = 100  # more points than this are drawn smaller
STRIP, FILM = 4, 60  # moments
_FPS = 12
_LINE = 34  # characters of a label below one picture of a strip
_SHORT = 1200  # updates of single players in a run that is made only for a strip


def draw(frame: Frame) -> Figure:
    """The main picture on the left, the charts in one to three columns on its right."""
    figure = Figure(figsize=SIZE)
    parts = [*frame.charts, *([frame.disc] if frame.disc else [])]
    columns = 1 if len(parts) < 2 else 2 if len(parts) <= 4 else 3
    rows = max(1, -(-len(parts) // columns))
    left = figure.add_gridspec(left=0.065, right=0.455, bottom=0.26, top=0.93)
    right = figure.add_gridspec(
        rows, columns, left=0.52, right=0.985, bottom=0.1, top=0.9, wspace=0.35, hspace=0.8
    )
    main = figure.add_subplot(left[0])
    draw_main(main, frame)
    main.legend(loc="upper left", bbox_to_anchor=(-0.12, -0.15), ncols=3, fontsize=9)
    for part, place in zip(parts, right, strict=False):
        ax = figure.add_subplot(place)
        if isinstance(part, Disc):
            _draw_disc(ax, part)
        else:
            _draw_chart(ax, part, frame)
    return figure


def draw_main(ax: Axes, frame: Frame) -> None:
    """The layers of the main picture, its title and its note."""
    for rank, layer in enumerate(frame.layers.values()):
        _draw_layer(ax, layer, 2 + 0.1 * rank)
    left, right, bottom, top = frame.view
    ax.set(xlim=(left, right), ylim=(bottom, top), xlabel=frame.xlabel, ylabel=frame.ylabel)
    ax.set_title(frame.title, loc="left")
    ax.set_title(frame.note, loc="right", fontsize=10, color=style.GENERATOR)
    if frame.yticks is not None:
        ax.set_yticks([value for value, _ in frame.yticks], [name for _, name in frame.yticks])


def _draw_layer(ax: Axes, layer: Layer, zorder: float) -> None:
    look = LOOKS[layer.role]
    if isinstance(layer, Field):
        ax.imshow(
            layer.values, ListedColormap(shades() / 255), vmin=0, vmax=1, extent=layer.extent,
            origin="lower", aspect="auto", zorder=zorder,
        )  # fmt: skip
    elif isinstance(layer, Arrows):
        ax.quiver(
            *layer.xy.T, *np.ma.masked_invalid(layer.uv).T, angles="xy", scale_units="xy", scale=1,
            width=0.0028, alpha=0.75, color=look.color, label=layer.label, zorder=zorder,
        )  # fmt: skip
    elif isinstance(layer, Points):
        small = len(layer.xy) > MANY
        ax.plot(
            *layer.xy.T, look.marker.lower(), markersize=(0.6 if small else 1.0) * look.size,
            markeredgewidth=1.2 if small else 2.0, color=look.color, label=layer.label,
            markerfacecolor="none" if look.marker == "O" else look.color, zorder=zorder,
        )  # fmt: skip
    else:
        ax.plot(
            *layer.xy.T, color=look.color, linewidth=look.width, label=layer.label, zorder=zorder,
            linestyle=(0, look.dash) if look.dash else "-",
        )  # fmt: skip


def _draw_chart(ax: Axes, chart: Chart, frame: Frame) -> None:
    """Curves with a marker at their newest point, levels with their names, and the band."""
    for curve in chart.curves:
        look = LOOKS[curve.role]
        ax.plot(
            *curve.xy.T, color=look.color, linestyle=(0, look.dash) if look.dash else "-",
            linewidth=1.7, marker=look.marker, markevery=[-1] if chart.xlim is None else [],
            label=curve.label,
        )  # fmt: skip
    theory = LOOKS["theory"]
    for value, name in chart.levels:
        ax.axhline(value, color=theory.color, linestyle=(0, theory.dash), linewidth=1.3)
        ax.text(1, value, name, transform=ax.get_yaxis_transform(), ha="right", va="bottom",
                fontsize=9, color=theory.color)  # fmt: skip
    if chart.band:
        low, high, name = chart.band
        ax.axhspan(low, high, color=theory.color, alpha=0.14, linewidth=0, label=name)
    xlim, ylim = ranges(chart, frame.step)
    ax.set(yscale="log" if chart.log else "linear", xlim=xlim, ylim=ylim)
    ax.set(xlabel=chart.xlabel or frame.unit)
    ax.set_title(chart.title, fontsize=11, pad=19)
    if len(chart.curves) > 1 or chart.band:
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0, ncols=3, fontsize=8)


def _draw_disc(ax: Axes, disc: Disc) -> None:
    """Eigenvalues against the unit circle; those farther out stand at the edge."""
    angle = np.linspace(0, 2 * np.pi, 121)
    ax.plot(np.cos(angle), np.sin(angle), color=style.THEORY, linewidth=1.2)
    ax.plot(*disc.xy.clip(-1.3, 1.3).T, "D", color=style.GENERATOR, markeredgecolor="white")
    ax.set(xlim=(-1.35, 1.35), ylim=(-1.35, 1.35), aspect="equal")
    ax.set_title(disc.title, fontsize=11, pad=19)
    ax.text(0.5, 1.02, disc.text, transform=ax.transAxes, ha="center", fontsize=9)


# -- pictures as bytes ----------------------------------------------------------------------------


def rgb(frame: Frame) -> NDArray[np.uint8]:
    """``frame`` as (height, width, 3) bytes."""
    with style.use():
        figure = draw(frame)
        figure.set_dpi(DPI)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def png(frame: Frame) -> bytes:
    """``frame`` as a PNG file."""
    buffer = io.BytesIO()
    with style.use():
        draw(frame).savefig(buffer, format="png", dpi=DPI, pil_kwargs={"compress_level": 3})
    return buffer.getvalue()


def gif(session: Session) -> bytes:
    """The run up to here as a film of at most 60 moments, evenly spaced."""
    pictures = [rgb(frame) for frame in _moments(session, FILM)]
    with tempfile.TemporaryDirectory() as folder:
        film = Animation(pictures, np.arange(len(pictures)), _FPS)
        return film.save(Path(folder) / "run.gif", progress=False).read_bytes()


def film_strip(session: Session, dpi: int = DPI) -> style.HtmlImage:
    """Moments of the session's run so far or, before its first update, of a short run of it.

    Only main pictures are shown; the alternative text has the narration of each.
    """
    run = session
    if session.step == 0:
        run = Session(session.start)
        a_round = max(1, run.config.d_steps + run.config.g_steps)
        run.go(max(20, min(300, _SHORT // a_round)))
    frames = _moments(run, STRIP)
    figure, axes = style.mosaic([list(range(len(frames)))], (3.1 * len(frames) + 0.3, 3.4))
    with style.use():
        for k, frame in enumerate(frames):
            draw_main(axes[k], frame)
            axes[k].set_xlabel(fill(frame.xlabel, _LINE))
            if k > 0:
                axes[k].set_ylabel("")
                axes[k].tick_params(labelleft=False)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=6)
    text = " ".join(["Film strip of a live picture.", *(frame.narration for frame in frames)])
    return style.HtmlImage(style.png(figure, dpi), text, round(96 * figure.get_figwidth()))


def _moments(session: Session, most: int) -> list[Frame]:
    """The run so far at evenly spaced steps."""
    run = session.branch()
    steps = np.unique(np.linspace(0, run.step, most).round().astype(int))
    return [run.rewind(int(step)) for step in steps]


# -- a run as files -------------------------------------------------------------------------------


def code(session: Session) -> str:
    """The run up to here in five lines of Python, which repeat its numbers to the last bit."""
    replay = session.as_replay
    changed = replay.start.differences(PRESETS[replay.start.preset])
    knobs = ", ".join(f"{name}={value!r}" for name, value in changed.items())
    return "\n".join(
        [
            "from gan_teach.lab import PRESETS, Replay, Session",
            f"start = PRESETS[{replay.start.preset!r}].changed({knobs})",
            f"changes = {dict(replay.changes)!r}  # step: what changes there",
            f"run = Session(Replay(start, changes, steps={replay.steps}))",
            "history = run.history",
        ]
    )


def npz(session: Session) -> bytes:
    """The History of the run, which ``gan_teach.History.load`` reads."""
    with tempfile.TemporaryDirectory() as folder:
        return session.history.save(Path(folder) / "run.npz").read_bytes()


FORMATS: dict[str, Callable[[Session], bytes]] = {
    "png": lambda session: png(session.frame),
    "gif": gif,
    "npz": npz,
    "py": lambda session: (code(session) + "\n").encode(),
}
"""What can be exported, by the ending of the file."""


def export(session: Session, path: str | Path) -> Path:
    """Write the run as its file's ending says: .png, .gif, .npz (its History) or .py.

    Raises ValueError for another ending, OSError where nothing can be written.
    """
    path = Path(path)
    make = FORMATS[_checks.choice("ending", path.suffix.lstrip("."), FORMATS)]
    path.write_bytes(make(session))
    return path


def save_all(session: Session, folder: str | Path) -> Iterator[Path]:
    """Write the run in every format into ``folder``, numbers first; yields each file's path."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for ending in ("npz", "py", "png", "gif"):
        yield export(session, folder / f"run.{ending}")

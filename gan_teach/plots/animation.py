"""Panels in motion: files, a player with a slider, and a film strip for pages that cannot move."""

from __future__ import annotations

import html
import io
import math
import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.spines import Spine
from matplotlib.text import Annotation
from numpy.typing import NDArray

from gan_teach import _checks
from gan_teach._progress import progress_bar
from gan_teach.history import History
from gan_teach.plots import _panel, style
from gan_teach.plots._panel import stage as stage
from gan_teach.plots.curves import eigenvalues_panel, gradients_panel, objective_panel
from gan_teach.plots.tutorial import picture_panel

Picture = Callable[[int], NDArray[np.uint8]]  # (height, width, 3) RGB bytes of a record or a frame

CACHE = 256  # pictures that a player keeps, of about 50 kB each
DPI = 80  # of moving pictures
SHADES = 96  # of anti-aliasing: more cost bytes that no eye sees
_NUMBERS = {  # the order in which a record is read out
    "objective": "V = {:.3f} (equilibrium −1.386)",
    "d_real": "D(x) = {:.2f}",
    "d_fake": "D(G(z)) = {:.2f}",
    "d_grad": "gradient of D {:.2g}",
    "g_grad": "gradient of G {:.2g}",
    "distance": "distance to the equilibrium {:.2g}",
}

# -- pictures of single records --------------------------------------------------------------------


@style.use()
def pictures(
    history: History,
    panels: Sequence[_panel.Panel] | None = None,
    figsize: tuple[float, float] | None = None,
) -> Picture:
    """``picture(i)``: record ``i`` in ``panels``, or in those that suit it, as RGB bytes.

    The layout is frozen after the first drawing, so that frames do not jitter. Axis labels and
    frames, which cost most of the time, are drawn once; what the panels show lies over them.
    """
    figure, draw = stage(history, panels or default_panels(history), figsize)
    figure.set_dpi(DPI)
    canvas = FigureCanvasAgg(figure)
    draw(-1)
    style.settle(figure)
    figure.set_layout_engine("none")
    moving = [a for ax in figure.axes for a in ax.get_children() if not _stands_still(a, ax)]
    moving.sort(key=lambda artist: artist.get_zorder())
    for artist in moving:
        artist.set_animated(True)  # left out of the background
    canvas.draw()
    background: Any = canvas.copy_from_bbox(figure.bbox)

    @style.use()
    def picture(i: int) -> NDArray[np.uint8]:
        canvas.restore_region(background)
        draw(i)
        for artist in moving:
            figure.draw_artist(artist)
        return np.asarray(canvas.buffer_rgba())[..., :3].copy()

    return picture


def _stands_still(artist: Artist, ax: Axes) -> bool:
    """The frame and the labels of axes, and a legend unless it lies on top of the data."""
    if isinstance(artist, Legend):
        return not artist.get_window_extent().overlaps(ax.get_window_extent())
    return isinstance(artist, (Axis, Spine)) or artist is ax.patch


def default_panels(history: History) -> list[_panel.Panel]:
    """The panels whose numbers the history has. Raises ValueError when there are none."""
    known: dict[tuple[str, ...], _panel.Panel] = {
        ("fake",): picture_panel,
        ("objective",): objective_panel,
        ("d_grad", "g_grad"): gradients_panel,
        ("eigenvalues",): eigenvalues_panel,
    }
    panels = [panel for keys, panel in known.items() if all(key in history for key in keys)]
    if not panels:
        raise ValueError(
            "panels=None draws fake, objective, d_grad with g_grad, and eigenvalues, but the "
            f"history has only {', '.join(history.keys()) or 'nothing'}: pass the panels to draw."
        )
    return panels


# -- files -----------------------------------------------------------------------------------------


class Animation:
    """A recorded run as moving pictures; made by ``animate``.

    ``frames`` holds the indices of the records that are shown, in order.
    """

    def __init__(self, picture: Picture, frames: NDArray[np.int64], fps: int) -> None:
        self.frames, self.fps = frames, fps
        self._record = picture

    def __len__(self) -> int:
        return len(self.frames)

    def __repr__(self) -> str:
        return f"Animation({len(self)} frames, {self.fps} per second): .save('run.gif') or .mp4"

    def picture(self, k: int) -> NDArray[np.uint8]:
        """Frame ``k`` as (height, width, 3) RGB bytes."""
        return self._record(int(self.frames[k]))

    def save(self, path: str | os.PathLike[str], progress: bool = True) -> Path:
        """Write a ``.gif`` (Pillow) or ``.mp4`` (ffmpeg); the file appears when it is complete.

        Raises ValueError for another suffix, and RuntimeError where there is no ffmpeg or it fails.
        """
        path = Path(path)
        write = {".gif": write_gif, ".mp4": _write_mp4}
        suffix = _checks.choice("the suffix of path", path.suffix.lower(), write)
        with style.replacing(path) as unfinished:
            write[suffix](unfinished, self.picture, len(self), self.fps, progress=progress)
        return path

    def show(self, alt: str) -> style.HtmlImage | None:
        """Display the animation in a notebook as a GIF with the alternative text ``alt``."""
        image = style.HtmlImage(b"", alt, self.picture(0).shape[1], "gif")  # checks alt first
        film = io.BytesIO()
        write_gif(film, self.picture, len(self), self.fps)
        return style.display(replace(image, data=film.getvalue()))


def animate(
    history: History,
    panels: Sequence[_panel.Panel] | None = None,
    fps: int = 20,
    max_frames: int = 150,
    *,
    figsize: tuple[float, float] | None = None,
) -> Animation:
    """An animation of ``panels`` (default: those that suit the history); save it with ``.save``.

    Shows all records, thinned evenly to at most ``max_frames``; the last one is always among them.
    ``fps`` is at most 50, the fastest that browsers play a GIF. Raises ValueError for numbers out
    of range.
    """
    if _checks.whole("fps", fps, least=1) > 50:
        raise ValueError(
            f"fps must be at most 50, the fastest that browsers play a GIF, got {fps}."
        )
    n = min(_checks.whole("max_frames", max_frames, least=1), len(history))
    records = np.linspace(len(history) - 1, 0, n).round().astype(int)[::-1]
    return Animation(pictures(history, panels, figsize), records, fps)


def write_gif(
    file: Any,
    picture: Picture,
    n: int,
    fps: float,
    *,
    shades: int = SHADES,
    progress: bool = False,
) -> None:
    """The RGB pictures 0 to n - 1 as a GIF that repeats for ever, into a path or an open file.

    One palette of ``shades`` colors (at most 255) for all of them, fitted to five, and only the
    pixels that change. ``fps`` is rounded to whole hundredths of a second per picture.
    """
    spread = np.unique(np.linspace(0, n - 1, 5).astype(int))
    colors = style.palette([picture(int(k)) for k in spread], shades)
    frames = progress_bar(n, "frame", progress, range(n))
    images = (style.reduce_colors(picture(k), colors) for k in frames)
    next(images).save(
        file, "GIF", save_all=True, append_images=images, duration=round(100 / fps) * 10, loop=0,
        optimize=True, palette=colors.tobytes() + bytes(3), transparency=len(colors),
    )  # fmt: skip


def _write_mp4(file: Path, picture: Picture, n: int, fps: int, *, progress: bool) -> None:
    program = ffmpeg()
    with tempfile.TemporaryDirectory() as folder:
        film = Path(folder) / "film.gif"
        write_gif(film, picture, n, fps, shades=255, progress=progress)
        # yuv420p, which every browser plays, needs even sides
        even = "pad=ceil(iw/2)*2:ceil(ih/2)*2:color=white"
        command = [
            program, "-y", "-loglevel", "error", "-i", str(film), "-r", str(fps), "-vf", even,
            "-pix_fmt", "yuv420p", "-fflags", "+bitexact", "-map_metadata", "-1",
            "-movflags", "+faststart", str(file),
        ]  # fmt: skip
        run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        words = run.stderr.strip()
        raise RuntimeError(f"ffmpeg could not write {file.suffix}: {words}. A .gif needs none.")


def ffmpeg() -> str:
    """The path of an ffmpeg: that of the package imageio-ffmpeg, or the system's, which it finds.

    Raises RuntimeError where there is none.
    """
    try:
        import imageio_ffmpeg

        return imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError):
        raise RuntimeError(
            "an .mp4 needs ffmpeg, which was not found: pip install imageio-ffmpeg, or save a .gif."
        ) from None


# -- widgets ---------------------------------------------------------------------------------------


def player(
    history: History,
    panels: Sequence[_panel.Panel] | None = None,
    *,
    figsize: tuple[float, float] | None = None,
) -> Any:
    """Play, pause and scrub through a recorded run: an ipywidgets box.

    Its attributes ``play``, ``slider`` (index of the record), ``image`` and ``caption`` are the
    widgets; ``slider.value = k`` shows record k. The caption reads the record's numbers out and is
    a live region for screen readers while the player is paused. Needs ipywidgets (the ``course``
    extra); ``film_strip`` shows the same panels without it.
    """
    widgets = _widgets("player")
    picture, last = pictures(history, panels, figsize), len(history) - 1
    stride = max(1, round(len(history) / 300))  # a long run still plays in about half a minute
    play = widgets.Play(max=last, step=stride, interval=round(1000 / 12), description="Play")
    label = f"Record (by {_panel.unit(history)})"
    slider = widgets.IntSlider(max=last, description=label, readout=False, **_slider_look("28em"))
    widgets.jslink((play, "value"), (slider, "value"))
    return _scrubber(slider, lambda i: _png(picture(i)), partial(narrate, history), play)


def chooser(
    draw: Callable[[Any], Figure | Axes],
    values: Sequence[Any],
    *,
    label: str,
    describe: Callable[[Any], str] = lambda value: "",
    start: Any = None,
) -> Any:
    """A slider over ``values`` that shows ``draw(value)``, a figure: an ipywidgets box.

    Figures are drawn when they are first asked for and then kept. ``describe(value)`` is a sentence
    for the line below the picture, a live region for screen readers. The box's attributes
    ``slider``, ``image`` and ``caption`` are the widgets; ``slider.value = v`` shows v. Needs
    ipywidgets (the ``course`` extra). Raises ValueError for no values or an unknown start.
    """
    values = list(values)
    if not values:
        raise ValueError("values is empty: a slider needs something to choose from.")
    start = values[0] if start is None else start
    if start not in values:
        raise ValueError(f"start must be one of the values, got {start!r}.")
    options = [(f"{v:g}" if isinstance(v, (int, float)) else str(v), v) for v in values]
    slider = _widgets("chooser").SelectionSlider(
        options=options, value=start, description=label, **_slider_look("34em")
    )

    def picture(value: Any) -> bytes:
        return style.png(style.figure_of(draw(value), "what draw returns"), DPI)

    return _scrubber(slider, picture, describe)


def _widgets(name: str) -> Any:
    try:
        import ipywidgets
    except ImportError:
        raise ImportError(
            f"{name} needs ipywidgets: pip install 'gan-teach[course]'. film_strip needs none."
        ) from None
    return ipywidgets


def _slider_look(width: str) -> dict[str, Any]:
    return {"style": {"description_width": "initial"}, "layout": {"width": width}}


def _scrubber(
    slider: Any, picture: Callable[[Any], bytes], words: Callable[[Any], str], play: Any = None
) -> Any:
    """A box that shows the picture and the words of the slider's value, drawn once each."""
    widgets = _widgets("a slider")
    image = widgets.Image(format="png", layout={"max_width": "100%"})
    caption, png = widgets.HTML(), lru_cache(maxsize=CACHE)(picture)

    def show(_: Any = None) -> None:
        image.value, text = png(slider.value), html.escape(words(slider.value))
        role = "" if play and play.playing else ' role="status"'
        caption.value = f"<p{role}>{text}</p>" if text else ""

    slider.observe(show, names="value")
    show()
    box: Any = widgets.VBox([widgets.HBox([play, slider]) if play else slider, image, caption])
    box.play, box.slider, box.image, box.caption = play, slider, image, caption
    return box


def _png(rgb: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


# -- on paper, and in words ------------------------------------------------------------------------


@style.use()
def film_strip(
    history: History,
    panels: Sequence[_panel.Panel] | None = None,
    n: int = 5,
    *,
    alt: str | None = None,
) -> style.HtmlImage | None:
    """Show ``n`` moments of a run side by side: what remains of a player on paper and on GitHub.

    One row per panel (default: the first that suits the history), moments evenly spaced from the
    first record to the last, each named above its column. Without ``alt`` the moments are narrated.
    """
    panels = list(panels or default_panels(history)[:1])
    _checks.whole("n", n, least=1)
    moments = np.unique(np.linspace(0, len(history) - 1, n).round().astype(int)).tolist()
    layout = [[(row, column) for column in range(len(moments))] for row in range(len(panels))]
    figure, axes = style.mosaic(layout, (2.9 * len(moments) + 0.4, 2.6 * len(panels) + 0.5))
    names: dict[str, Any] = {}  # each once, with the artist that shows it
    for (row, column), ax in axes.items():
        panels[row](ax, history)(moments[column])
        handles, labels = ax.get_legend_handles_labels()
        if len(labels) > 1:  # a row of a single curve needs no name
            names |= dict(zip(labels, handles, strict=True))
        _leave_out_what_repeats(ax, column, len(moments))
        moment = f"{_panel.unit(history)} {history.steps[moments[column]]}"
        ax.set_title("" if row else moment, loc="left")
    if names:
        at = "outside lower center"
        figure.legend(names.values(), names.keys(), loc=at, ncols=min(len(names), 7))
    text = "Film strip. " + " ".join(narrate(history, i) for i in moments) if alt is None else alt
    return style.show(figure, text, dpi=110)


def _leave_out_what_repeats(ax: Axes, column: int, columns: int) -> None:
    """Names of values stand on the left, of time in the middle, levels and scales on the right."""
    repeated: list[Any] = [ax.get_legend()]
    if column != (columns - 1) // 2:
        ax.set_xlabel("")
    if column > 0:
        ax.set_ylabel("")
        ax.tick_params(labelleft=False)
    if column < columns - 1:
        repeated += [image.colorbar for image in ax.images]
        repeated += [text for text in ax.texts if isinstance(text, Annotation)]
    for artist in filter(None, repeated):
        artist.remove()


def narrate(history: History, i: int = -1) -> str:
    """One sentence with the numbers of record ``i``: what a player or an alternative text says.

    Only what was recorded is mentioned; a run that has diverged by then is said to have. A history
    that brings sentences of its own, ``caption`` (T,), is read out in these.
    """
    i = _panel.record_index(history, i)
    if "caption" in history:
        return str(history["caption"][i])
    start = f"{_panel.unit(history).capitalize()} {history.steps[i]} of {history.steps[-1]}"
    bad = _panel.first_bad(
        *(history[key] for key in ("fake", "params", *_NUMBERS) if key in history)
    )
    if bad is not None and i >= bad:
        return f"{start}: {_panel.divergence_sentence(history, bad)}."
    parts = [
        text.format(history[key][i])
        for key, text in _NUMBERS.items()
        if key in history and history[key].ndim == 1 and math.isfinite(history[key][i])
    ]
    if "fake" in history and history["fake"].ndim == 2:
        fake = history["fake"][i]
        parts.append(f"generated points with mean {_moments(fake)}")
        if "real" in history.static:
            parts[-1] += f" (real {_moments(history.static['real'])})"
    return f"{start}: {', '.join(parts)}.".replace("-", "−") if parts else f"{start}."


def _moments(points: NDArray[Any]) -> str:
    return f"{points.mean():.2f} and standard deviation {points.std():.2f}"

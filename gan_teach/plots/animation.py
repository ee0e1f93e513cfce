"""Panels in motion: files, a player with a slider, and a film strip for pages that cannot move."""

import html
import io
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Annotation
from numpy.typing import NDArray
from PIL import Image

from gan_teach import _checks
from gan_teach._progress import progress_bar
from gan_teach.history import History
from gan_teach.plots import _panel, style
from gan_teach.plots._panel import Panels, Size, stage as stage
from gan_teach.plots.curves import eigenvalues_panel, gradients_panel, objective_panel
from gan_teach.plots.samples import picture_panel

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
def pictures(history: History, panels: Panels = None, figsize: Size = None) -> Picture:
    """``picture(i)``: record ``i`` in ``panels``, or in those that suit it, as (h, w, 3) bytes.

    The layout is frozen after the first drawing, so that frames do not jitter. Axis labels and
    frames, which cost most of the time, are drawn once; what the panels show lies over them.
    """
    figure, draw = stage(history, panels or default_panels(history), figsize)
    figure.set_dpi(DPI)
    canvas = FigureCanvasAgg(figure)
    draw(-1)
    style.settle(figure)
    figure.set_layout_engine("none")
    moving: list[Any] = []
    for ax in figure.axes:
        still: set[Any] = {ax.patch, ax.xaxis, ax.yaxis, *ax.spines.values()}
        legend = ax.get_legend()
        if legend and not legend.get_window_extent().overlaps(ax.get_window_extent()):
            still.add(legend)  # beside the data: its words cost most
        moving += [artist for artist in ax.get_children() if artist not in still]
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


def default_panels(history: History) -> list[_panel.Panel]:
    """The panels whose numbers the history has. Raises ValueError when there are none."""
    suited: dict[str, _panel.Panel] = {
        "fake": picture_panel,
        "objective": objective_panel,
        "g_grad": gradients_panel,
        "eigenvalues": eigenvalues_panel,
    }
    panels = [panel for key, panel in suited.items() if key in history]
    if not panels:
        raise ValueError(f"none of {', '.join(suited)} was recorded: pass the panels to draw.")
    return panels


# -- files -----------------------------------------------------------------------------------------


@dataclass
class Animation:
    """A recorded run as moving pictures; made by ``animate``.

    ``frames`` holds the indices of the records that are shown, in order, and ``record(i)`` is the
    picture of one of them.
    """

    record: Picture
    frames: NDArray[np.int64]
    fps: int

    def __len__(self) -> int:
        return len(self.frames)

    def __repr__(self) -> str:
        return f"Animation({len(self)} frames, {self.fps} per second): .save('run.gif')"

    def picture(self, k: int) -> NDArray[np.uint8]:
        """Frame ``k`` as (height, width, 3) RGB bytes."""
        return self.record(int(self.frames[k]))

    def save(self, path: str | os.PathLike[str], progress: bool = True) -> Path:
        """Write a ``.gif``, which appears when it is complete. ValueError for another suffix."""
        path = Path(path)
        _checks.choice("the suffix of path", path.suffix.lower(), [".gif"])
        with style.replacing(path) as unfinished:
            write_gif(unfinished, self.picture, len(self), self.fps, progress=progress)
        return path


def animate(
    history: History, panels: Panels = None, fps: int = 20, max_frames: int = 150
) -> Animation:
    """An animation of ``panels`` (default: those that suit the history); save it with ``.save``.

    Shows all records, thinned evenly to at most ``max_frames``; the last one is always among them.
    ``fps`` is at most 50, the fastest that browsers play a GIF. Raises ValueError for numbers out
    of range.
    """
    _checks.real("fps", fps, least=1, most=50)
    n = min(_checks.whole("max_frames", max_frames, least=1), len(history))
    records = np.linspace(len(history) - 1, 0, n).round().astype(int)[::-1]
    return Animation(pictures(history, panels), records, fps)


def write_gif(
    file: Any, picture: Picture, n: int, fps: float, *, shades: int = SHADES, progress: bool = False
) -> None:
    """The RGB pictures 0 to n - 1 as a GIF that repeats for ever, into a path.

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


# -- widgets ---------------------------------------------------------------------------------------


def player(
    history: History,
    panels: Panels = None,
    n: int | Sequence[int] = 5,
    *,
    figsize: Size = None,
    alt: str | None = None,
) -> Any:
    """Play, pause and scrub through a recorded run: an ipywidgets box. On paper: ``film_strip``.

    Its attributes ``play``, ``slider`` (index of the record), ``image`` and ``caption`` are the
    widgets; ``slider.value = k`` shows record k. The caption reads the record's numbers out and is
    a live region for screen readers while the player is paused. Where no kernel runs, the strip of
    the moments ``n`` with the text ``alt`` stands in its place. Needs ipywidgets (the ``course``
    extra).
    """
    import ipywidgets

    label, words = f"Record (by {_panel.unit(history)})", partial(narrate, history)
    picture, last = pictures(history, panels, figsize), len(history) - 1
    box = chooser(picture, range(last + 1), label=label, describe=words)
    stride = max(1, round(last / 300))  # a long run still plays in about half a minute
    box.play = ipywidgets.Play(max=last, step=stride, interval=round(1000 / 12), description="Play")
    box.slider.readout = False
    box.children[0].children = (box.play, box.slider)
    ipywidgets.jslink((box.play, "value"), (box.slider, "index"))
    box.still = partial(_strip, history, panels, n, alt)
    return box


def chooser(
    draw: Callable[[Any], Any],
    values: Sequence[Any],
    *,
    label: str,
    describe: Callable[[Any], str] = lambda value: "",
    start: Any = None,
    alt: str = "",
) -> Any:
    """A slider over ``values`` that shows ``draw(value)``, a figure or RGB: an ipywidgets box.

    Where no kernel runs, what ``still()`` gives stands in its place: the picture of ``start``
    (default: the first value) with the text ``alt``.

    Figures are drawn when they are first asked for and then kept. ``describe(value)`` is a sentence
    for the line below the picture, a live region for screen readers. The box's attributes
    ``slider``, ``image`` and ``caption`` are the widgets; ``slider.value = v`` shows v. Needs
    ipywidgets (the ``course`` extra), which refuses an unknown start.
    """
    import ipywidgets

    options = [(f"{v:g}" if isinstance(v, (int, float)) else str(v), v) for v in values]
    first = values[0] if start is None else start
    look = {"style": {"description_width": "initial"}, "layout": {"width": "34em"}}
    slider = ipywidgets.SelectionSlider(options=options, value=first, description=label, **look)
    image = ipywidgets.Image(format="png", layout={"max_width": "100%"})
    caption = ipywidgets.HTML()
    box: Any = ipywidgets.VBox([ipywidgets.HBox([slider]), image, caption])
    box.play, box.slider, box.image, box.caption = None, slider, image, caption
    png = lru_cache(maxsize=CACHE)(lambda value: _png(draw(value)))

    def show(_: Any = None) -> None:
        image.value, text = png(slider.value), html.escape(describe(slider.value))
        role = "" if box.play and box.play.playing else ' role="status"'
        caption.value = f"<p{role}>{text}</p>" if text else ""

    def still() -> style.HtmlImage:
        text = alt or describe(first) or f"The picture for {label} {first}."
        if not isinstance(drawing := draw(first), np.ndarray):
            return style.image(drawing, text, DPI)
        return style.HtmlImage(png(first), text, round(96 * drawing.shape[1] / DPI))

    slider.observe(show, names="value")
    show()
    box.still, live = still, box._repr_mimebundle_
    box._repr_mimebundle_ = lambda **_: {**live(), **box.still()._repr_mimebundle_()}
    return box


def _png(drawing: Any) -> bytes:
    if not isinstance(drawing, np.ndarray):
        return style.png(drawing, DPI)
    buffer = io.BytesIO()
    Image.fromarray(drawing).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


# -- on paper, and in words ------------------------------------------------------------------------


def film_strip(
    history: History, panels: Panels = None, n: int | Sequence[int] = 5, *, alt: str | None = None
) -> style.HtmlImage | None:
    """Show ``n`` moments of a run side by side: what remains of a player on paper and on GitHub.

    One row per panel (default: the first that suits the history), each moment named above its
    column. A number is one of moments evenly spaced from the first record to the last; a sequence
    holds the steps to show, where something happens, each by its nearest record. Without ``alt``
    the moments are narrated.
    """
    return style.display(_strip(history, panels, n, alt))


@style.use()
def _strip(
    history: History, panels: Panels, n: int | Sequence[int], alt: str | None
) -> style.HtmlImage:
    panels = list(panels or default_panels(history)[:1])
    if isinstance(n, Sequence):
        records = [np.abs(history.steps - _checks.whole("step", step)).argmin() for step in n]
    else:
        records = np.linspace(0, len(history) - 1, _checks.whole("n", n, least=1)).round()
    moments = np.unique(records).astype(int).tolist()
    rows, columns = len(panels), len(moments)
    layout = np.arange(rows * columns).reshape(rows, columns).tolist()
    figure, axes = style.mosaic(layout, (2.9 * columns + 0.4, 2.6 * rows + 0.5))
    names: dict[str, Any] = {}  # each once, with the artist that shows it
    for k, ax in axes.items():
        row, column = divmod(k, columns)
        panels[row](ax, history)(moments[column])
        handles, labels = ax.get_legend_handles_labels()
        if len(labels) > 1:  # a row of a single curve needs no name
            names |= dict(zip(labels, handles, strict=True))
        _leave_out_what_repeats(ax, column, columns)
        ax.set_title("" if row else _panel.moment(history, moments[column]), loc="left")
    if names:
        figure.legend(names.values(), names.keys(), loc="outside lower center", ncols=7)
    text = "Film strip. " + " ".join(narrate(history, i) for i in moments) if alt is None else alt
    return style.image(figure, text, dpi=110)


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
    start = f"{_panel.moment(history, i).capitalize()} of {history.steps[-1]}"
    numbers = {key: history[key] for key in _NUMBERS if key in history and history[key].ndim == 1}
    arrays = [*numbers.values(), *(history[key] for key in ("fake", "params") if key in history)]
    bad = min(map(_panel.alive, arrays), default=len(history))
    if i >= bad:
        return f"{start}: {_panel.divergence_sentence(history, bad)}."
    parts = [_NUMBERS[k].format(a[i]) for k, a in numbers.items() if math.isfinite(a[i])]
    if "fake" in history and history["fake"].ndim == 2:
        parts.append(f"generated points with mean {_moments(history['fake'][i])}")
        if "real" in history.static:
            parts[-1] += f" (real {_moments(history.static['real'])})"
    return f"{start}: {', '.join(parts)}.".replace("-", "−") if parts else f"{start}."


def _moments(points: NDArray[Any]) -> str:
    return f"{points.mean():.2f} and standard deviation {points.std():.2f}"

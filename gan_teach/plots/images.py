"""Images side by side, and the scores of generators: against noise, over recall, along a run."""

import itertools
import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from gan_teach import _checks
from gan_teach.history import History
from gan_teach.plots import _panel, style

_GAP = 2  # white pixels between images
FARTHEST = 3000.0  # in half widths of a band: what lies beyond stands at the edge
_LINEAR, _TICKS = 3.0, (1, 3, 10, 100, 1000)  # linear up to here; ticks on either side of 0
Bands = Mapping[str, tuple[float, float]]  # what real samples score against real ones: (low, high)
_BETTER = {  # which way
    "frechet": "lower is better", "kid": "lower is better", "inception_score": "higher is better",
    "prd_f_8": "recall", "prd_f_1_8": "precision", "precision": "k = 3", "recall": "k = 3",
}  # fmt: skip

# -- images ----------------------------------------------------------------------------------------


def levels(images: NDArray) -> NDArray[np.uint8]:
    """Images in [-1, 1] as bytes; what lies beyond is cut off."""
    return np.rint((np.clip(images, -1, 1) + 1) * 127.5).astype(np.uint8)


def sheet(images: ArrayLike, columns: int | None = None, zoom: int = 1) -> NDArray[np.uint8]:
    """(height, width, 3) bytes: images (n, channels, h, w) in [-1, 1] in rows, white between them.

    Values beyond [-1, 1] are cut off; all images share one scale, so that contrast can be compared.
    uint8 are taken as they are, 0 to 255.
    ``columns`` is the root of n by default, ``zoom`` repeats each pixel. Raises ValueError for
    another shape or NaN.
    """
    x = np.asarray(images)
    if x.ndim != 4 or x.shape[1] not in (1, 3) or not len(x):
        raise ValueError(
            f"images must be (n, 1 or 3, height, width), channels first, got {x.shape}."
        )
    _checks.finite("images", x, "Did the generator diverge?")
    n, _, height, width = x.shape
    across = min(n, _checks.whole("columns", columns or math.ceil(math.sqrt(n)), least=1))
    down = math.ceil(n / across)
    pixels = x if x.dtype == np.uint8 else levels(x)
    tiles = np.full((down * across, height + _GAP, width + _GAP, 3), 255, np.uint8)
    tiles[:n, :height, :width] = pixels.transpose(0, 2, 3, 1)
    rows = tiles.reshape(down, across, *tiles.shape[1:]).swapaxes(1, 2)
    page = rows.reshape(down * (height + _GAP), -1, 3)[:-_GAP, :-_GAP]
    return page.repeat(zoom, 0).repeat(zoom, 1)


def image_grid(
    images: ArrayLike, columns: int | None = None, title: str = "", ax: Axes | None = None
) -> Axes:
    """``sheet(images, columns)`` on an axes without ticks; raises ValueError as it does."""
    page = sheet(images, columns)
    ax = style.axes(ax, (6.0, 6.0 * len(page) / page.shape[1] + 0.3))
    _show(ax, page).set_title(title)
    return ax


@style.use()
def image_grids(
    sets: Mapping[str, ArrayLike], columns: int | None = None, across: int | None = None
) -> Figure:
    """``image_grid`` of each set of images (n, channels, h, w), side by side under their names.

    ``across`` : sets in a row; all unless given. Raises ValueError as ``sheet`` does.
    """
    pages = {name: sheet(images, columns) for name, images in sets.items()}
    tallest = max(len(page) / page.shape[1] for page in pages.values())
    figure, axes = style.grid(list(pages), across or len(pages), (3.2, 3.2 * tallest + 0.5))
    # wider than between the images of a set
    figure.get_layout_engine().set(wspace=0.06)  # pyright: ignore
    for name, page in pages.items():
        _show(axes[name], page).set_title(name)
    return figure


def _show(ax: Axes, page: NDArray[np.uint8]) -> Axes:
    ax.imshow(page, interpolation="nearest")
    ax.set_axis_off()
    return ax


def images_panel(ax: Axes, history: History) -> _panel.Draw:
    """A panel for ``animation``: the images ``history["images"]`` (T, n, channels, h, w)."""
    images = history["images"]
    (picture,) = _show(ax, sheet(images[0])).images
    title = ax.set_title("", loc="left")

    def draw(i: int) -> None:
        picture.set_data(sheet(images[i]))
        title.set_text(_panel.heading(history, _panel.moment(history, i)))

    return draw


# -- scores ----------------------------------------------------------------------------------------


@style.use()
def noise_bands(bands: Bands, scores: Mapping[str, _panel.Curves]) -> Axes:
    """Scores against the band of each metric: a row per metric, the band stretched to [-1, 1].

    ``bands`` maps a metric to (low, high), ``scores`` the name of a generator to {metric: one
    number, or several}. A score s stands at (s - middle) / half width, on an axis that is linear
    to 3 and logarithmic beyond. Where low = high, as for a count that real samples never miss, any
    other score stands at the edge, as do scores farther than 3000.
    """
    ax = style.axes(None, (7.8, 1.3 + 0.36 * len(bands)))
    ax.axvspan(-1, 1, **style.band(style.PALETTE[8], 0.25, label="real against real"))
    for k, (name, row) in enumerate(scores.items()):
        down = 0.6 * ((k + 0.5) / len(scores) - 0.5)  # so that equal scores stay apart
        look = style.marks(k, markersize=7.5, zorder=3)
        if max(map(np.size, row.values())) > 1:  # small dots over the row's height
            look = style.real(markersize=3.0, alpha=0.35, zorder=2)
        ax.plot(*_places(row, bands, down), label=name, clip_on=False, **look)
    ax.set_xscale("symlog", linthresh=_LINEAR, linscale=1.2)
    ax.set_xticks([*(-t for t in _TICKS), *_TICKS])
    ax.set_xticks([], minor=True)
    ax.xaxis.set_major_formatter("{x:g}")
    ax.set_yticks(range(len(bands)), list(bands))
    ax.set(xlim=(-1.1 * FARTHEST, 1.1 * FARTHEST), xlabel="score, in half widths of the band")
    ax.set_ylim(len(bands) - 0.5, -0.5)
    ax.grid(False, axis="x")
    _panel.legend_below(ax, cols=4)
    return ax


def _places(row: _panel.Curves, bands: Bands, down: float) -> tuple[Any, Any]:
    """x and y of each score; several of one metric are spread over the height of its row."""
    x, y = [], []
    for metric, values in row.items():
        at = in_half_widths(np.atleast_1d(np.asarray(values, dtype=float)), *bands[metric])
        spread = np.linspace(-0.28, 0.28, len(at)) if len(at) > 1 else np.array([down])
        x.append(at)
        y.append(list(bands).index(metric) + spread)
    return np.concatenate(x), np.concatenate(y)


def in_half_widths(scores: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """Scores in half widths of the band around its middle, at most ``FARTHEST``; NaN stays NaN."""
    away, half = scores - (low + high) / 2, (high - low) / 2
    far = away / half if half else FARTHEST * np.sign(away)
    return np.clip(far, -FARTHEST, FARTHEST)


@style.use()
def prd_curves(curves: Mapping[str, Any], real: Any = None) -> Axes:
    """Precision over recall for each ``metrics.PRD`` by its name; the corner (1, 1) is perfect.

    ``real`` : that of real samples against others.
    """
    ax = style.axes(None, (5.4, 4.8 + 0.22 * max(0, len(curves) - 4)))
    if real is not None:
        band = style.band(style.REAL, 0.3, label="real against real, and beyond")
        ax.fill_between(real.recall, real.precision, 1.02, **band)
    for k, (name, curve) in enumerate(curves.items(), start=real is not None):
        ax.plot(curve.recall, curve.precision, label=name, **style.look(k))
    ends = (-0.02, 1.02)
    ax.set(xlabel="recall", ylabel="precision", xlim=ends, ylim=ends, aspect="equal")
    _panel.legend_below(ax, cols=2 if max(map(len, curves)) < 30 else 1)
    return ax


@style.use()
def score_paths(
    rows: Sequence[Any], names: Mapping[str, str], *, band: Bands | None = None, caption: str = ""
) -> Figure:
    """A panel for each score of ``rows`` (of ``evaluation.Row``) over the run's steps.

    Rows of one source and average make one line; a row without a step (a file of weights, a folder)
    is a level line. ``names`` : what each score is called. ``band`` is what real images score
    against real ones, score -> (low, high). Scores that are NaN everywhere have no panel.
    """
    known = [n for n in names if not all(math.isnan(row.scores[n]) for row in rows)]
    figure, axes = style.grid(known, 4, (3.3, 2.9))
    for name, ax in axes.items():
        if band and name in band:
            ax.axhspan(*band[name], label="real against real", **style.band(style.REAL, 0.3))
        for k, (label, line) in enumerate(_lines(rows).items()):
            look = style.look(k, color=style.LINES[1:][k % 5], label=label)
            values = [row.scores[name] for row in line]
            if line[0].step is None:
                ax.axhline(values[0], **look)
            else:
                dots = {"marker": style.MARKERS[k % 6], "markersize": 4}
                ax.plot([row.step for row in line], values, **dots, **look)
        ax.set_title(f"{names[name]}, {_BETTER[name]}", fontsize=10.5)
        ax.set_xlabel("step of G", fontsize=9.5)
        if name == "frechet":
            ax.set_yscale("log")
    figure.suptitle(textwrap.fill(caption, round(12 * figure.get_figwidth())), fontsize=9)
    return _legend_below(figure, ax)


def _legend_below(figure: Figure, ax: Axes) -> Figure:
    """The legend of that axes under all of them, in as many columns as have room there."""
    handles, labels = ax.get_legend_handles_labels()
    columns = int(figure.get_figwidth() / (0.7 + 0.09 * max(map(len, labels))))
    columns = min(max(1, columns), 4)
    figure.set_figheight(figure.get_figheight() + 0.22 * (math.ceil(len(labels) / columns) - 1))
    figure.legend(handles, labels, loc="outside lower center", ncols=columns)
    return figure


@style.use()
def score_means(table: Any, name: str) -> Figure:
    """Mean +- standard error of the score ``name`` over a sweep, a panel for each average of G.

    ``table`` : of ``Evaluation.by_knob``. Each setting is a line over the steps.
    """
    figure, axes = style.grid(list(table["average"].unique()), 4, (3.6, 3.1))
    knobs = list(table.columns[: table.columns.get_loc("step")])
    settings = table[knobs].apply(lambda row: ", ".join(f"{k} {row[k]}" for k in knobs), axis=1)
    for (average, ax), k in itertools.product(axes.items(), range(settings.nunique())):
        setting = settings.unique()[k]
        line = table[(table["average"] == average) & (settings == setting)].sort_values("step")
        ax.errorbar(
            line["step"], line[f"{name} mean"], line[f"{name} s.e."].fillna(0), capsize=3,
            marker=style.MARKERS[k % 6], markersize=4, **style.look(k, label=setting or "all"),
        )  # fmt: skip
        ax.set_title(_of_g(average))
        ax.set_xlabel("step of G", fontsize=9.5)
        ax.set_ylabel(f"{name}, mean ± s.e.")
    return _legend_below(figure, ax)


def _of_g(average: str) -> str:
    """What an average of G is called; "raw" is G itself."""
    decay = average.replace(".", "", 1).isdigit()
    return f"average {average}" if decay else average.replace("raw", "G itself")


def _lines(rows: Sequence[Any]) -> dict[str, list[Any]]:
    """Rows by the label of their line, by step; sources are named where there are several."""
    several = len({row.source for row in rows}) > 1
    lines: dict[str, list[Any]] = {}
    for row in sorted(rows, key=lambda row: math.inf if row.step is None else row.step):
        name = _of_g(row.average)
        lines.setdefault(f"{row.source}, {name}" if several else name, []).append(row)
    return lines

"""What the plots share: panels and stages, divergence in plain words, lines over the steps.

A *panel* is ``panel(ax, history) -> draw``. It sets up the axes once; ``draw(i)`` then shows
record ``i``, counted from the front, by changing what the panel has put there. A static picture is
one ``draw``, a film one per frame and a widget one per movement of its slider, so all three share
their code.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import ScaledTranslation
from numpy.typing import ArrayLike, NDArray

from gan_teach.history import History
from gan_teach.plots import style

Draw = Callable[[int], Any]
Panel = Callable[[Axes, History], Draw]
Panels = Sequence[Panel] | None  # None: those that suit the history
Size = tuple[float, float] | None  # of a figure in inches
Curves = Mapping[str, ArrayLike]
Lines = Mapping[str, tuple[NDArray[Any], style.Look]]  # values (T,), color, dash, marker at the end
Levels = Mapping[str, float]  # values that the theory predicts, by their names
Level = tuple[float, str]  # one such value and its name


@style.use()
def plot(panel: Panel, history: History, i: int = -1, ax: Axes | None = None) -> Axes:
    """One panel as a static picture of record ``i``."""
    ax = style.axes(ax)
    panel(ax, history)(record_index(history, i))
    return ax


@style.use()
def stage(history: History, panels: Sequence[Panel], figsize: Size = None) -> tuple[Figure, Draw]:
    """A figure with one axes per panel and the function ``draw(i)`` that shows record ``i`` in all.

    One panel fills the figure, two stand side by side; of three and more, the first stands on the
    left at full height and the others are stacked beside it.
    """
    n = len(panels)
    first = [0] * (4 if n > 2 else 3)
    layout = [first + [k] * 3 for k in range(1, n)] or [[0]]
    size = figsize or (7.0 if n == 1 else 11.0, max(4.6, 1.2 + 1.8 * (n - 1)))
    figure, axes = style.mosaic(layout, size)
    draws = [panel(axes[k], history) for k, panel in enumerate(panels)]

    def draw(i: int) -> None:
        for each in draws:
            each(record_index(history, i))

    return figure, draw


def record_index(history: History, i: int) -> int:
    """``i`` counted from the front; numpy's IndexError says how many records there are."""
    return int(np.arange(len(history))[i])


def shaped(name: str, values: ArrayLike, shape: str, hint: str = "") -> NDArray[np.float64]:
    """``values`` as an array of ``shape``, such as "(T, 2)", or an error that says so."""
    array = np.asarray(values, dtype=float)
    in_the_plane = shape.endswith(" 2)")
    if array.ndim != shape.count(",") + 1 or (in_the_plane and array.shape[-1] != 2):
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}. {hint}".rstrip())
    return array


def unit(history: History) -> str:
    """A step by its name: ``meta["unit"]``, else "round" for the tutorial's runs, else "step"."""
    return history.meta.get("unit", "round" if "d_steps" in history.meta else "step")


def moment(history: History, i: int) -> str:
    """Which step record ``i`` is of, or how its ``caption`` (T,) begins, up to a colon."""
    if "caption" in history:
        return str(history["caption"][i]).partition(":")[0]
    return f"{unit(history)} {history.steps[i]}"


def heading(history: History, text: str) -> str:
    """``meta["title"]`` and ``text``, or ``text`` alone, with a capital letter."""
    name = history.meta.get("title", "")
    joined = f"{name}: {text}" if name else text
    return joined[:1].upper() + joined[1:]


def span(history: History) -> tuple[int, int]:
    """The first and the last step, as limits of an axis even where they are one."""
    first, last = history.steps[[0, -1]]
    return first, max(last, first + 1)


def square(ax: Axes, points: ArrayLike) -> None:
    """Equal scales, and limits of a square that holds the ``points`` (2, n)."""
    low, high = np.min(points, axis=1), np.max(points, axis=1)
    middle, half = (low + high) / 2, 0.6 * max(*(high - low), 1e-12)
    (left, bottom), (right, top) = middle - half, middle + half
    ax.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")


# -- divergence ------------------------------------------------------------------------------------


def alive(array: Any) -> int:
    """How many records there are before the array stays NaN or infinite; all, if it never does.

    Records before the first finite one do not count: losses do not exist before the first update.
    """
    finite = np.isfinite(array).reshape(len(array), -1).all(axis=1)
    return int(1 + max(np.flatnonzero(finite), default=-1))


def fate(name: str, array: Any) -> str:
    """The name of a curve, and that it has diverged."""
    return f"{name} (diverged)" if diverged(array) else name


def diverged(array: Any) -> bool:
    """Whether the array ends in values that are NaN or infinite."""
    return alive(array) < len(array)


def divergence_sentence(history: History, bad: int) -> str:
    """When the run left the finite numbers, as exactly as the records can tell; "" if never."""
    if bad == 0:
        return "no finite value was recorded"
    if bad == len(history):
        return ""
    before, step = history.steps[bad - 1 : bad + 1]
    return f"diverged {'at' if step - before == 1 else 'by'} {unit(history)} {step}"


def note(ax: Axes, history: History, values: ArrayLike) -> Callable[[int, str], None]:
    """Room for a sentence in the lower right corner, above all data: ``show(i, sentence)``.

    From where the ``values`` (T, ...) have diverged, it says so instead.
    """
    box = {"facecolor": "white", "edgecolor": style.GENERATOR, "alpha": 0.92, "pad": 3.0}
    look: style.Look = {"fontsize": 10, "color": style.GENERATOR, "bbox": box, "zorder": 9}
    text = ax.text(0.985, 0.03, "", transform=ax.transAxes, ha="right", va="bottom", **look)
    bad = alive(values)
    sentence = divergence_sentence(history, bad)

    def show(i: int, otherwise: str) -> None:
        words = sentence if i >= bad else otherwise
        text.set(text=words, visible=bool(words))

    return show


def left_out(ax: Axes, points: NDArray[Any]) -> str:
    """How many of the points (n, 2) lie beyond the limits of the axes; "" if none."""
    low, high = np.transpose([ax.get_xlim(), ax.get_ylim()])
    count = np.count_nonzero(((points < low) | (points > high)).any(1))
    return f"{count} of {len(points)} outside" if count else ""


def warn(ax: Axes, text: str) -> Text:
    """A sentence to the right of the title that something went wrong."""
    return ax.set_title(text, loc="right", fontsize=10, color=style.GENERATOR)


# -- curves, and what the theory says --------------------------------------------------------------


def legend_below(ax: Axes, cols: int, points: float = 36.0) -> None:
    """The legend ``points`` below the frame of the axes, past the tick labels and the x label."""
    inches: Any = style.figure_of(ax).dpi_scale_trans
    below = ax.transAxes + ScaledTranslation(0, -points / 72, inches)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 0), bbox_transform=below, ncols=cols)


def limits(
    values: ArrayLike, include: Sequence[float] = (), log: bool = False
) -> tuple[float, float]:
    """Axis limits that hold ``include`` and the finite values, unless a few of them dwarf the rest.

    When the full range exceeds 20 times that of the middle 90 %, the middle sets the limits, so
    that one last exploding step does not flatten everything before it.
    """
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite) & ((finite > 0) | (not log))]
    ends = [*include] or [0.0, 1.0]
    if finite.size:
        finite = np.log10(finite) if log else finite
        low, high = np.quantile(finite, [0.05, 0.95])
        reach = 2 * (high - low)
        ends = [*include, finite.min(), finite.max()]
        if np.ptp(finite) > 10 * reach > 0:
            ends = [*include, *np.clip(ends[-2:], low - reach, high + reach)]
    low, high = min(ends), max(ends)
    margin = 0.06 * (high - low) or 0.5 * (abs(high) or 1.0)
    low, high = float(low - margin), float(high + margin)
    return (10**low, 10**high) if log else (low, high)


def lines_panel(
    ax: Axes, history: History, lines: Lines, levels: Levels, ylim: Any = None, **labels: Any
) -> Draw:
    """Curves that grow with ``i``, beside the levels that the theory predicts for them.

    From the first curve's divergence on, a vertical line stands there and a sentence by the title,
    which names the curve when others stayed finite. ``labels`` are settings of the axes.
    """
    steps, (first, last) = history.steps, span(history)
    margin = 0.02 * (last - first)  # room for half a marker
    arrays = {name: values for name, (values, _) in lines.items()}
    log = labels.get("yscale") == "log"
    ylim = ylim or limits(list(arrays.values()), list(levels.values()), log)
    ax.set(xlabel=unit(history), xlim=(first - margin, last + margin), **labels)
    ax.set_ylim(ylim)
    draw_levels(ax, levels)
    # a long run is mostly noise from step to step, which a thick line would smear into a band
    width = 2.0 if len(steps) <= 400 else 1.3
    curves: dict[str, Any] = {}
    for name, (values, look) in lines.items():
        shared = {"label": name, "linewidth": width, "markevery": [-1]}
        (curves[name],) = ax.plot(steps[:1], values[:1], **shared, **look)
    if len(lines) > 1:
        legend_below(ax, cols=len(lines))
    ends = {name: alive(values) for name, values in arrays.items()}
    shortest = min(ends, key=lambda name: ends[name])
    bad = ends[shortest]
    sentence = divergence_sentence(history, bad)
    if max(ends.values()) == len(history):
        sentence = f"{shortest} {sentence}"
    warning = warn(ax, "")
    end = ax.axvline(steps[bad % len(steps)], color=style.GENERATOR, linestyle=(0, (1, 2)))

    def draw(i: int) -> None:
        for name, curve in curves.items():
            curve.set_data(steps[: i + 1], arrays[name][: i + 1])
        warning.set_text(sentence if i >= bad else "")
        end.set_visible(i >= bad)

    return draw


def draw_levels(ax: Axes, levels: Levels | Level | None) -> None:
    """Dashed lines across the axes, named in the right margin where no curve covers the names."""
    levels = {levels[1]: levels[0]} if isinstance(levels, tuple) else levels or {}
    for name, value in levels.items():
        ax.axhline(value, zorder=1.9, **style.PREDICTED)
        beside(ax, name, (1.0, value), (5, 0), ("axes fraction", "data"), va="center")


def beside(ax: Axes, name: str, point: Any, points: Any, coordinates: Any, va: str) -> None:
    """The name of something predicted, ``points`` away from it, within the axes or not."""
    look: style.Look = {"va": va, "color": style.THEORY, "fontsize": 10, "annotation_clip": False}
    ax.annotate(name, point, points, coordinates, "offset points", **look)

"""What the plots share: panels and stages, divergence in plain words, lines over the steps.

A *panel* is ``panel(ax, history) -> draw``. It sets up the axes once; ``draw(i)`` then shows
record ``i``, counted from the front, by changing what the panel has put there. A static picture is
one ``draw``, a film one per frame and a widget one per movement of its slider, so all three share
their code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

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
Levels = Mapping[str, float]  # values that the theory predicts, by their names
Level = tuple[float, str]  # one such value and its name


@style.use()
def plot(panel: Panel, history: History, i: int = -1, ax: Axes | None = None) -> Axes:
    """One panel as a static picture of record ``i``."""
    ax = style.axes(ax)
    panel(ax, history)(record_index(history, i))
    return ax


@style.use()
def stage(
    history: History, panels: Sequence[Panel], figsize: tuple[float, float] | None = None
) -> tuple[Figure, Draw]:
    """A figure with one axes per panel and the function ``draw(i)`` that shows record ``i`` in all.

    One panel fills the figure, two stand side by side; of three and more, the first stands on the
    left at full height and the others are stacked beside it. Raises ValueError for an empty list
    and TypeError for a panel that cannot be called.
    """
    if not panels or not len(history):
        raise ValueError(
            f"a figure needs panels and records; got {len(panels)} panels, {len(history)} records."
        )
    for panel in panels:
        if not callable(panel):
            raise TypeError(
                f"a panel must be a function (ax, history) -> draw, got {type(panel).__name__}: "
                "pass plots.picture_panel itself, without calling it."
            )
    n = len(panels)
    layout = [[0, k] for k in range(1, n)] or [[0]]
    size = figsize or (7.0 if n == 1 else 11.0, max(4.6, 1.2 + 1.8 * (n - 1)))
    figure, axes = style.mosaic(layout, size, [1.35 if n > 2 else 1.0, 1.0][: len(layout[0])])
    draws = [panel(axes[k], history) for k, panel in enumerate(panels)]

    def draw(i: int) -> None:
        for each in draws:
            each(record_index(history, i))

    return figure, draw


def shaped(name: str, values: ArrayLike, shape: str, hint: str = "") -> NDArray[np.float64]:
    """``values`` as an array of ``shape``, such as "(T, 2)", or an error that says so."""
    array = np.asarray(values, dtype=float)
    wanted = shape.strip("()").split(", ")
    numbers = {axis: int(size) for axis, size in enumerate(wanted) if size.isdigit()}
    if array.ndim != len(wanted) or any(array.shape[k] != n for k, n in numbers.items()):
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}. {hint}".rstrip())
    return array


def record_index(history: History, i: int) -> int:
    """``i`` counted from the front, or an error that says how many records there are."""
    if not -len(history) <= i < len(history):
        raise IndexError(f"record {i} was asked for, but the history has {len(history)} records.")
    return i % len(history)


def unit(history: History) -> str:
    """What a step is called: ``meta["unit"]``, else "game" for the tutorial's runs, else "step"."""
    return history.meta.get("unit", "game" if "d_steps" in history.meta else "step")


def heading(history: History, text: str) -> str:
    """``meta["title"]`` and ``text``, or ``text`` alone, with a capital letter."""
    name = history.meta.get("title", "")
    joined = f"{name}: {text}" if name else text
    return joined[:1].upper() + joined[1:]


def span(history: History) -> tuple[int, int]:
    """The first and the last step, as limits of an axis even where they are one."""
    first, last = history.steps[[0, -1]]
    return first, max(last, first + 1)


def first_bad(*arrays: ArrayLike) -> int | None:
    """The first record from which on one of the arrays stays NaN or infinite; None if none does.

    Records before the first finite one do not count: losses do not exist before the first update.
    """
    firsts: list[int] = []
    for array in map(np.asarray, arrays):
        finite = np.isfinite(array.reshape(len(array), -1)).all(axis=1)
        first = 1 + max(np.flatnonzero(finite), default=-1)
        if first < len(array):
            firsts.append(int(first))
    return min(firsts, default=None)


def divergence_sentence(history: History, bad: int) -> str:
    """When the run left the finite numbers, as exactly as the records can tell."""
    if bad == 0:
        return "no finite value was recorded"
    steps = history.steps
    exact = steps[bad] - steps[bad - 1] == 1
    return f"diverged {'at' if exact else 'by'} {unit(history)} {steps[bad]}"


def note(ax: Axes) -> Text:
    """Room for a sentence in the lower right corner, above all data; hidden while it is empty."""
    box = {"facecolor": "white", "edgecolor": style.GENERATOR, "alpha": 0.92, "pad": 3.0}
    return ax.text(
        0.985, 0.03, "", transform=ax.transAxes, ha="right", va="bottom", fontsize=10,
        color=style.GENERATOR, bbox=box, zorder=9, visible=False,
    )  # fmt: skip


def warn(ax: Axes, text: str) -> Text:
    """A sentence to the right of the title that something went wrong."""
    return ax.set_title(text, loc="right", fontsize=10, color=style.GENERATOR)


def divergence_mark(ax: Axes, history: History, bads: Mapping[str, int | None]) -> Draw:
    """From the first curve's divergence on: a vertical line there, and a sentence by the title.

    ``bads`` maps each curve's name to its ``first_bad``; the sentence names the curve when others
    stayed finite.
    """
    lost = {name: bad for name, bad in bads.items() if bad is not None}
    if not lost:
        return lambda i: None
    name, bad = min(lost.items(), key=lambda item: item[1])
    text = divergence_sentence(history, bad)
    if len(lost) < len(bads):
        text = f"{name} {text}"
    title = warn(ax, "")
    line = ax.axvline(history.steps[bad], color=style.GENERATOR, linestyle=(0, (1, 2)))

    def draw(i: int) -> None:
        title.set_text(text if i >= bad else "")
        line.set_visible(i >= bad)

    return draw


def legend_below(ax: Axes, cols: int, points: float = 36.0) -> None:
    """The legend ``points`` below the frame of the axes, past the tick labels and the x label."""
    figure = ax.get_figure()
    assert figure is not None
    down = ScaledTranslation(0, -points / 72, figure.dpi_scale_trans)  # pyright: ignore[reportArgumentType]
    ax.legend(
        loc="upper center", bbox_to_anchor=(0.5, 0.0), bbox_transform=ax.transAxes + down,
        ncols=cols, borderaxespad=0.0, handlelength=2.6, columnspacing=1.4,
    )  # fmt: skip


def limits(
    values: ArrayLike, include: Sequence[float] = (), log: bool = False
) -> tuple[float, float]:
    """Axis limits that hold ``include`` and the finite values, unless a few of them dwarf the rest.

    When the full range exceeds 20 times that of the middle 90 %, the middle sets the limits, so
    that one last exploding step does not flatten everything before it.
    """
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite) & ((finite > 0) | (not log))]
    if log:
        finite = np.log10(finite)
    if finite.size:
        low, high = np.quantile(finite, [0.05, 0.95])
        ends = float(finite.min()), float(finite.max())
        if ends[1] - ends[0] > 20 * (high - low) > 0:
            reach = 2 * (high - low)
            ends = max(ends[0], low - reach), min(ends[1], high + reach)
    else:
        ends = (0.0, 1.0) if not include else (min(include), max(include))
    low, high = min([ends[0], *include]), max([ends[1], *include])
    margin = 0.06 * (high - low) or 0.5 * (abs(high) or 1.0)
    low, high = float(low - margin), float(high + margin)
    return (10**low, 10**high) if log else (low, high)


class Line(NamedTuple):
    """One curve over the recorded steps, its color and dash, and the marker at its end."""

    values: Any
    label: str
    look: Mapping[str, Any]
    marker: str = "o"


def lines_panel(
    ax: Axes,
    history: History,
    lines: Sequence[Line],
    levels: Levels,
    *,
    ylabel: str,
    title: str = "",
    log: bool = False,
    ylim: tuple[float, float] | None = None,
) -> Draw:
    """Curves that grow with ``i``, beside the levels that the theory predicts for them."""
    steps = history.steps
    if log:
        ax.set_yscale("log")
    values = np.concatenate([np.ravel(line.values) for line in lines])
    ylim = ylim or limits(values, list(levels.values()), log)
    ax.set(xlabel=unit(history), ylabel=ylabel, xlim=span(history), ylim=ylim)
    ax.set_title(title, loc="left")
    draw_levels(ax, levels)
    # a long run is mostly noise from step to step, which a thick line would smear into a band
    width = 2.0 if len(steps) <= 400 else 1.3
    curves, heads = [], []
    for line in lines:
        curves += ax.plot([], [], label=line.label, linewidth=width, **line.look)
        look = {"color": line.look["color"], "clip_on": False, "zorder": 4}
        heads += ax.plot([], [], line.marker, **look)
        heads[-1].set_in_layout(False)  # without data its box would be at the figure's corner
    if len(lines) > 1:
        legend_below(ax, cols=len(lines))
    mark = divergence_mark(ax, history, {line.label: first_bad(line.values) for line in lines})

    def draw(i: int) -> None:
        low, high = ax.get_ylim()
        for line, curve, head in zip(lines, curves, heads, strict=True):
            curve.set_data(steps[: i + 1], line.values[: i + 1])
            here = line.values[i : i + 1]
            inside = (here >= low) & (here <= high)  # false for NaN
            head.set_data(steps[i : i + 1][inside], here[inside])
        mark(i)

    return draw


def draw_levels(ax: Axes, levels: Levels) -> None:
    """Dashed lines across the axes, named in the right margin where no curve covers the names."""
    for name, value in levels.items():
        ax.axhline(value, zorder=1.9, **style.PREDICTED)
        ax.annotate(
            name, (1.0, value), xycoords=("axes fraction", "data"), xytext=(5, 0),
            textcoords="offset points", va="center", ha="left", color=style.THEORY, fontsize=10,
            annotation_clip=False,
        )  # fmt: skip

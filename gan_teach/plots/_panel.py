"""What the plots share: the panel protocol, divergence in plain words, and lines over the steps.

A *panel* is ``panel(ax, history) -> draw``. It sets up the axes once; ``draw(i)`` then shows
record ``i`` by updating the panel's artists and returns those artists, and whatever lies on top of
them. A static picture is one ``draw``, an animation one per frame and a widget one per movement of
its slider, so all three share their code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.text import Text
from matplotlib.transforms import ScaledTranslation
from numpy.typing import ArrayLike, NDArray

from gan_teach.history import History
from gan_teach.plots import style

Draw = Callable[[int], list[Artist]]
Panel = Callable[[Axes, History], Draw]


def plot(panel: Panel, history: History, i: int = -1, ax: Axes | None = None) -> Axes:
    """One panel as a static picture of record ``i``."""
    ax = style.axes(ax)
    with style.use():
        panel(ax, history)(i)
    return ax


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


def first_bad(*arrays: ArrayLike) -> int | None:
    """The first record from which on one of the arrays stays NaN or infinite; None if none does.

    Records before the first finite one do not count: losses do not exist before the first update.
    """
    firsts: list[int] = []
    for array in map(np.asarray, arrays):
        rows = array.reshape(len(array), -1)
        last_good = np.flatnonzero(np.isfinite(rows).all(axis=1))
        first = int(last_good[-1]) + 1 if last_good.size else 0
        if first < len(array):
            firsts.append(first)
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


def divergence_mark(
    ax: Axes, history: History, bads: Mapping[str, int | None], line: bool = True
) -> Draw:
    """From the first curve's divergence on: a vertical line there, and a sentence by the title.

    ``bads`` maps each curve's name to its ``first_bad``; the sentence names the curve when others
    stayed finite.
    """
    lost = {name: bad for name, bad in bads.items() if bad is not None}
    if not lost:
        return lambda i: []
    name, bad = min(lost.items(), key=lambda item: item[1])
    text = divergence_sentence(history, bad)
    if len(lost) < len(bads):
        text = f"{name} {text}"
    title = ax.set_title("", loc="right", fontsize=10, color=style.GENERATOR)
    artists: list[Artist] = [title]
    if line:
        look: dict[str, Any] = {"color": style.GENERATOR, "linestyle": (0, (1, 2))}
        artists.append(ax.axvline(history.steps[bad], **look))

    def draw(i: int) -> list[Artist]:
        title.set_text(text if i >= bad else "")
        for artist in artists[1:]:
            artist.set_visible(i >= bad)
        return artists

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


@dataclass(frozen=True)
class Line:
    """One curve over the recorded steps."""

    values: NDArray[Any]
    label: str
    color: str
    dash: Any = "-"
    marker: str = "o"


@dataclass(frozen=True)
class Level:
    """A value that the theory predicts, drawn as a dashed horizontal line with its name."""

    value: float
    label: str


def lines_panel(
    ax: Axes,
    history: History,
    lines: Sequence[Line],
    levels: Sequence[Level] = (),
    *,
    ylabel: str,
    title: str = "",
    log: bool = False,
    ylim: tuple[float, float] | None = None,
) -> Draw:
    """Curves that grow with ``i``, beside the levels that the theory predicts for them."""
    steps = history.steps
    values = np.concatenate([np.asarray(line.values, dtype=float).ravel() for line in lines])
    if log:
        ax.set_yscale("log")
    ax.set_ylim(*(ylim or limits(values, [level.value for level in levels], log)))
    ax.set_xlim(steps[0], max(steps[-1], steps[0] + 1))
    ax.set(xlabel=unit(history), ylabel=ylabel)
    ax.set_title(title, loc="left")
    for level in levels:
        draw_level(ax, level)
    # a long run is mostly noise from step to step, which a thick line would smear into a band
    width = 2.0 if len(steps) <= 400 else 1.3
    curves = [
        ax.plot([], [], color=ln.color, linestyle=ln.dash, linewidth=width, label=ln.label)[0]
        for ln in lines
    ]
    heads = [
        ax.plot([], [], line.marker, color=line.color, markersize=6, clip_on=False, zorder=4)[0]
        for line in lines
    ]
    for head in heads:
        head.set_in_layout(False)  # without data its box would be at the figure's corner
    if len(lines) > 1:
        legend_below(ax, cols=len(lines))
    bads = {line.label: first_bad(line.values) for line in lines}
    mark = divergence_mark(ax, history, bads)

    def draw(i: int) -> list[Artist]:
        i = record_index(history, i)
        for line, curve, head in zip(lines, curves, heads, strict=True):
            curve.set_data(steps[: i + 1], line.values[: i + 1])
            low, high = ax.get_ylim()
            here = line.values[i : i + 1]
            inside = (here >= low) & (here <= high)  # false for NaN
            head.set_data(steps[i : i + 1][inside], here[inside])
        return [*curves, *heads, *mark(i)]

    return draw


def draw_level(ax: Axes, level: Level) -> None:
    """A dashed line across the axes, named in the right margin where no curve covers the name."""
    ax.axhline(level.value, color=style.THEORY, linestyle=(0, (5, 3)), linewidth=1.3, zorder=1.9)
    ax.annotate(
        level.label, (1.0, level.value), xycoords=("axes fraction", "data"), xytext=(5, 0),
        textcoords="offset points", va="center", ha="left", color=style.THEORY, fontsize=10,
        annotation_clip=False,
    )  # fmt: skip

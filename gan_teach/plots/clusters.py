"""Many GANs on data with modes: levels of the theory, ways of the points, who arrives when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from gan_teach.history import History
from gan_teach.plots import style
from gan_teach.plots._panel import (
    Draw,
    Level,
    Line,
    Panel,
    draw_level,
    heading,
    legend_below,
    limits,
    lines_panel,
    unit,
)
from gan_teach.plots.ensembles import wilson

Levels = Mapping[str, float]
_SLOW_STEPS = 400  # at most so many points of a curve of arrivals


def level_panel(
    key: str,
    levels: Levels,
    *,
    label: str = "",
    title: str = "",
    ylim: tuple[float, float] | None = None,
) -> Panel:
    """A panel: ``history[key]`` (T,) beside several values that theory predicts, by their names."""

    def panel(ax: Axes, history: History) -> Draw:
        line = Line(history[key], key, style.DISCRIMINATOR)
        drawn = [Level(value, name) for name, value in levels.items()]
        name = label or key.replace("_", " ")
        head = heading(history, title or name)
        return lines_panel(ax, history, [line], drawn, ylabel=name, title=head, ylim=ylim)

    return panel


def bundle(
    steps: ArrayLike,
    groups: Mapping[str, ArrayLike],
    ax: Axes | None = None,
    *,
    levels: Levels | None = None,
    xlabel: str = "step",
    ylabel: str = "",
    ylim: tuple[float, float] | None = None,
) -> Axes:
    """A thin line for each run: ``groups`` maps a name to (T, S), S runs in one color and dash.

    ``levels`` names values that theory predicts, drawn as dashed horizontal lines. Raises
    ValueError for a group of another length than ``steps``.
    """
    at = np.asarray(steps)
    ax = style.axes(ax, (7.4, 4.4))
    arrays = {name: np.asarray(runs, dtype=float) for name, runs in groups.items()}
    with style.use():
        for k, (name, runs) in enumerate(arrays.items()):
            if runs.ndim != 2 or len(runs) != len(at):
                raise ValueError(
                    f"the group {name!r} has shape {runs.shape}, but (T, S) with T = {len(at)} "
                    "recorded steps is needed."
                )
            look: dict[str, Any] = {"color": style.LINES[k % 6], "linestyle": style.DASHES[k % 5]}
            drawn = ax.plot(at, runs, linewidth=1.1, alpha=0.8, **look)
            drawn[0].set_label(f"{name} ({runs.shape[1]} runs)")
        for name, value in (levels or {}).items():
            draw_level(ax, Level(value, name))
        every = np.concatenate([runs.ravel() for runs in arrays.values()])
        bounds = ylim or limits(every, list((levels or {}).values()))
        ax.set(xlabel=xlabel, ylabel=ylabel, ylim=bounds, xlim=(at[0], at[-1]))
        legend_below(ax, cols=len(arrays))
    return ax


def positions(
    history: History,
    clusters: Sequence[tuple[float, float]],
    ax: Axes | None = None,
    *,
    ylim: tuple[float, float] | None = None,
) -> Axes:
    """Where each generated point lies on the line over the steps, and the real clusters as bands.

    Reads ``fake`` (T, n); ``clusters`` are the bands' ends (low, high). A point that wanders from
    one band to the other is a step out of a collapse.
    """
    fake = history["fake"]
    if fake.ndim != 2:
        raise ValueError(f"fake must have shape (T, n), points on the line, got {fake.shape}.")
    ax = style.axes(ax, (7.0, 3.6))
    with style.use():
        for k, (low, high) in enumerate(clusters):
            name = "real clusters" if k == 0 else None
            ax.axhspan(low, high, color=style.REAL, alpha=0.28, linewidth=0, label=name, zorder=1)
        drawn = ax.plot(history.steps, fake, color=style.FAKE, linewidth=0.6, alpha=0.5, zorder=2)
        drawn[0].set_label("generated points, one line each")
        ends = [end for band in clusters for end in band]
        ax.set(xlabel=unit(history), ylabel="x", ylim=ylim or limits(fake, ends))
        ax.set_xlim(history.steps[0], history.steps[-1])
        ax.set_title(heading(history, "the generated points"), loc="left")
        legend_below(ax, cols=2)
    return ax


def arrivals(
    times: Mapping[str, ArrayLike],
    horizon: float,
    ax: Axes | None = None,
    *,
    xlabel: str = "step",
    ylabel: str = "share of runs that have arrived",
) -> Axes:
    """The share of runs that have arrived by each step, with pointwise 95 % Wilson bands.

    ``times`` maps a name to (S,) arrival times, inf for a run that had not arrived when it was
    stopped at ``horizon`` or later. All runs being followed that far, the share itself needs no
    correction for them; a curve that stays below 1 says how many are still out. Raises ValueError
    for a time that is NaN or negative, and for an empty group.
    """
    ax = style.axes(ax, (7.4, 4.4))
    at = np.linspace(0.0, horizon, _SLOW_STEPS)
    with style.use():
        for k, (name, given) in enumerate(times.items()):
            arrived = np.sort(np.asarray(given, dtype=float))
            if not arrived.size or not (arrived >= 0).all():
                raise ValueError(f"times[{name!r}] needs times >= 0, or inf for never.")
            count, n = np.searchsorted(arrived, at, side="right"), arrived.size
            low, high = np.array([wilson(int(c), n) for c in count]).T
            color, dash = style.LINES[k % 6], style.DASHES[k % 5]
            ax.fill_between(at, low, high, color=color, alpha=0.2, linewidth=0)
            label = f"{name}: {count[-1]} of {n}"
            ax.plot(at, count / n, color=color, linestyle=dash, linewidth=2.0, label=label)
        ax.set(xlabel=xlabel, ylabel=ylabel, xlim=(0, horizon), ylim=(0, 1.02))
        legend_below(ax, cols=len(times))
    return ax


def shares(
    history: History,
    key: str,
    values: Sequence[float],
    ax: Axes | None = None,
    *,
    title: str = "",
) -> Axes:
    """How the members of an ensemble are spread over a few values, step by step, as stacked areas.

    ``history[key]`` (T, S) holds one of ``values`` for each member, or NaN for one that is not
    followed any more, which then counts for nothing. The last value lies at the bottom. Raises
    ValueError for an entry that is none of the values.
    """
    entries = np.asarray(history[key], dtype=float)
    counted = _counted(key, entries, values)
    ax = style.axes(ax, (7.0, 3.8))
    colors = _shades(len(values))
    with style.use():
        drawn = ax.stackplot(
            history.steps, *(100 * counted[::-1]), colors=colors[::-1], linewidth=0.4,
            edgecolor="white", labels=[f"{v:g}" for v in values[::-1]],
        )  # fmt: skip
        for k, area in enumerate(drawn):
            area.set_hatch(style.HATCHES[k % len(style.HATCHES)])
        ax.set(xlabel=unit(history), ylabel="share of runs in %", ylim=(0, 100))
        ax.set_xlim(history.steps[0], max(history.steps[-1], history.steps[0] + 1))
        ax.set_title(heading(history, title or key.replace("_", " ")), loc="left")
        ax.legend(
            loc="center left", bbox_to_anchor=(1.01, 0.5), title=key.replace("_", " "),
            reverse=True,
        )  # fmt: skip
    return ax


def _counted(
    key: str, entries: NDArray[np.float64], values: Sequence[float]
) -> NDArray[np.float64]:
    """(K, T): share of the members that are followed at each value."""
    known = np.isnan(entries)
    rows = []
    for value in values:
        here = entries == value
        known |= here
        rows.append(here.sum(1))
    if entries.ndim != 2 or not known.all():
        raise ValueError(f"{key} must be (T, S) of the values {list(values)} or NaN.")
    followed = np.isfinite(entries).sum(1)
    return np.array(rows) / np.maximum(followed, 1)


def _shades(n: int) -> list[Any]:
    from matplotlib import colormaps

    return [colormaps[style.FIELD](v) for v in np.linspace(0.95, 0.15, n)]


def rests(
    groups: Mapping[str, tuple[ArrayLike, ArrayLike]],
    levels: Levels,
    ax: Axes | None = None,
    *,
    within: float = 0.02,
    xlabel: str = "length of the rest in epochs",
    ylabel: str = "median loss of D during the rest",
) -> Axes:
    """Losses at which collapsed runs rest, against the length of the rest, beside the theory.

    ``groups`` maps a name to (lengths, losses), (S,) each; entries that are NaN are left out. Each
    of ``levels`` is a dashed line amid a band of +- ``within``.
    """
    ax = style.axes(ax, (7.0, 4.2))
    with style.use():
        for k, (name, pair) in enumerate(groups.items()):
            length, loss = (np.asarray(part, dtype=float) for part in pair)
            known = np.isfinite(loss)
            ax.plot(
                length[known], loss[known], "osD^"[k % 4], color=style.LINES[k % 6], alpha=0.75,
                markeredgecolor="white", markeredgewidth=0.5,
                label=f"{name} ({int(known.sum())} runs)",
            )  # fmt: skip
        for name, value in levels.items():
            ax.axhspan(value - within, value + within, color=style.THEORY, alpha=0.12, linewidth=0)
            draw_level(ax, Level(value, name))
        ax.set(xscale="log", xlabel=xlabel, ylabel=ylabel)
        legend_below(ax, cols=len(groups))
    return ax

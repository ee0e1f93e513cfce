"""Many runs at once: their spread, how often each outcome happens, who arrives when."""

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from gan_teach import _checks
from gan_teach.history import History
from gan_teach.plots import _panel, style
from gan_teach.plots.curves import compare

Runs = History | Mapping[str, History]  # an ensemble, or several by their names
_POINTS = 400  # at most so many of a curve of arrivals


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval for a share: the p with |successes / n - p| <= 1.96 standard errors.

    The standard error is that of p, sqrt(p (1 - p) / n), so that the interval stays in [0, 1] and
    keeps a width at 0 and n successes. Source: Wilson (1927), "Probable inference", J. Am. Stat.
    Assoc. 22, 209-212. Raises ValueError, scipy's, unless 0 <= successes <= n and n > 0.
    """
    from scipy.stats import binomtest

    interval = binomtest(int(successes), int(n)).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def quantile_interval(
    values: ArrayLike, q: float = 0.5, level: float = 0.95
) -> tuple[float, float]:
    """The order statistics between which the ``q`` quantile of the law of ``values`` (n,) lies.

    With probability ``level`` or more, whatever the law: the number of values at or below the
    quantile is binomial (n, q), so the ends are the values of rank l and u with
    P(l <= B < u) >= level. An end is -inf or inf where there are too few values, and inf is a fit
    value: of a run that never arrived. Source: David & Nagaraja (2003), *Order Statistics*,
    section 7.1. Raises ValueError for no values, NaN, or q or level not between 0 and 1.
    """
    from scipy.stats import binom

    x = np.sort(np.asarray(values, dtype=float))
    if x.ndim != 1 or not len(x) or np.isnan(x[-1]):
        raise ValueError(f"values must be (n,) numbers, n > 0, got an array of shape {x.shape}.")
    if not (0 < q < 1 and 0 < level < 1):
        raise ValueError(f"q and level must lie between 0 and 1, got {q:g} and {level:g}.")
    low, high = binom.interval(level, len(x), q)
    padded = np.concatenate([[-np.inf], x, [np.inf]])  # ranks from 1
    return float(padded[int(low)]), float(padded[int(high) + 1])


@style.use()
def fan(runs: Runs, key: str, ax: Axes | None = None, *, level: _panel.Level | None = None) -> Axes:
    """Median over the members of an ensemble, with bands of the middle 50 % and 90 % of them.

    ``history[key]`` is (T, S): one column per member; ``runs`` is one history, or maps names to
    several. A member counts as long as it is finite; how many did not stay so is said beside the
    title. ``level`` = (value, name) adds what the theory predicts. Raises ValueError for another
    shape.
    """
    groups = {"": runs} if isinstance(runs, History) else runs
    ax, ends, lost = style.axes(ax), [], []
    for k, (name, history) in enumerate(groups.items()):
        values = _panel.shaped(key, history[key], "(T, S)", "Draw a single run with its own plot.")
        finite = np.where(np.isfinite(values), values, np.nan)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # where no member is finite there is no band
            quantiles = np.nanquantile(finite, [0.05, 0.25, 0.5, 0.75, 0.95], axis=1)
        low90, low50, median, high50, high90 = quantiles
        look = style.look(k, label=name or None)
        for low, high, alpha in ((low90, high90, 0.15), (low50, high50, 0.3)):
            ax.fill_between(history.steps, low, high, **style.band(look["color"], alpha))
        ax.plot(history.steps, median, **look)
        ax.set(xlabel=_panel.unit(history), xlim=_panel.span(history))
        ends += [low90, high90]
        lost += map(_panel.diverged, values.T)
    ax.set(
        title="Median of the runs, bands of 50 % and 90 %",
        ylabel="V" if key == "objective" else key.replace("_", " "),
    )
    ax.set_ylim(_panel.limits(ends, level[:1] if level else ()))
    _panel.draw_levels(ax, level)
    if any(lost):
        _panel.warn(ax, f"{sum(lost)} of {len(lost)} diverged")
    if len(groups) > 1:
        ax.legend(loc="best")
    return ax


@style.use()
def outcomes(
    labels: Sequence[str] | Mapping[str, Sequence[str]], classes: Sequence[str] | None = None
) -> Axes:
    """How often each outcome happened: a bar per class, with Wilson's 95 % interval and the count.

    ``labels`` holds one outcome per run, or maps the name of a setting to such a list, each setting
    then being a group of bars. ``classes`` sets the order (default: most frequent first).
    Raises ValueError for an outcome that is not among ``classes``.
    """
    groups = dict(labels) if isinstance(labels, Mapping) else {"": labels}
    counts = {name: Counter(runs) for name, runs in groups.items()}
    total = sum(counts.values(), Counter())
    names = [name for name, _ in total.most_common()] if classes is None else list(classes)
    for label in total:
        _checks.choice("an outcome", label, names)
    # a row of heights per group, with a gap for its name
    heights = -(len(names) + 0.7) * np.arange(len(groups))[:, None] - np.arange(len(names))
    ax = style.axes(None, (7.0, 1.0 + 0.27 * heights.size + 0.3 * len(groups)))
    hatches = [style.HATCHES[k % 6] for k in range(len(names))]
    look = style.band(style.PALETTE, 0.75, hatch=hatches, edgecolor="white")
    for y, (group, count) in zip(heights, counts.items(), strict=True):
        runs, n = np.array([count[name] for name in names]), count.total()
        ends = 100 * np.array([wilson(k, n) for k in runs])
        ax.text(0, y[0] + 0.5, group, va="bottom", fontweight="bold")
        ax.barh(y, 100 * runs / n, **look)
        ax.plot(ends.T, [y, y], marker="|", markersize=8, color=style.INK, linewidth=1.6)
        for k, x, at in zip(runs, ends[:, 1], y, strict=True):
            ax.annotate(f"{k} of {n}", (x, at), (6, 0), textcoords="offset points", va="center")
    ax.set_yticks(heights.ravel(), names * len(groups))
    ax.set_xticks(range(0, 101, 20))
    ax.set(xlim=(0, 118), ylim=(heights.min() - 0.7, 0.7 if "" in groups else 1.1))
    ax.set(xlabel="share of runs in %, with the 95 % Wilson interval")
    ax.grid(False, axis="y")
    ax.tick_params(axis="y", length=0)
    return ax


@style.use()
def arrivals(times: _panel.Curves, horizon: float, **labels: Any) -> Axes:
    """The share of runs that have arrived by each step, with pointwise 95 % Wilson bands.

    ``times`` maps a name to (S,) arrival times, inf for a run that had not arrived when it was
    stopped at ``horizon`` or later. All runs being followed that far, the share itself needs no
    correction for them; a curve that stays below 1 says how many are still out. Raises ValueError
    for a time that is NaN or negative, and for an empty group. ``labels``: those of the axes.
    """
    at = np.linspace(0.0, horizon, _POINTS)
    curves, bands = {}, {}
    for name, group in times.items():
        when = np.sort(np.asarray(group, dtype=float))
        if not when.size or not (when >= 0).all():
            raise ValueError(f"times[{name!r}] needs times >= 0, or inf for never.")
        count, n = np.searchsorted(when, at, side="right"), len(when)
        ends = np.array([wilson(c, n) for c in range(n + 1)])
        label = f"{name}: {count[-1]} of {n}"
        curves[label], bands[label] = count / n, ends[count].T
    ax = style.axes(None, (7.4, 4.4))
    labels = {"xlabel": "step", "ylabel": "share of runs that have arrived", **labels}
    compare(at, curves, ax, bands=bands, **labels)
    ax.set(xlim=(0, horizon), ylim=(0, 1.02))
    return ax


@style.use()
def shares(history: History, key: str, values: Sequence[float], *, title: str = "") -> Axes:
    """How the members of an ensemble are spread over a few values, step by step, as stacked areas.

    ``history[key]`` (T, S) holds one of ``values`` for each member, or NaN for one that is not
    followed any more, which then counts for nothing. The last value lies at the bottom. Raises
    ValueError for an entry that is none of the values.
    """
    entries, name = np.asarray(history[key], dtype=float), key.replace("_", " ")
    followed = np.isfinite(entries)
    if entries.ndim != 2 or not np.isin(entries[followed], values).all():
        raise ValueError(f"{key} must be (T, S) of the values {list(values)} or NaN.")
    order = list(reversed(values))
    counts = np.array([(entries == value).sum(1) for value in order])
    ax = style.axes(None, (7.0, 3.8))
    ax.stackplot(
        history.steps, 100 * counts / np.maximum(followed.sum(1), 1), linewidth=0.4,
        colors=colormaps[style.FIELD](np.linspace(0.15, 0.95, len(order))), edgecolor="white",
        labels=[f"{value:g}" for value in order], hatch=style.HATCHES,
    )  # fmt: skip
    ax.set(xlabel=_panel.unit(history), xlim=_panel.span(history))
    ax.set(ylabel="share of runs in %", ylim=(0, 100), title=_panel.heading(history, title or name))
    ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), title=name, reverse=True)
    return ax


@style.use()
def phase_diagram(history: History, success: ArrayLike, x: str, y: str) -> Axes:
    """Share of the successful members over two knobs: a cell for each pair of settings.

    ``history`` is what ``sweep`` returned, ``success`` says of each of its members, (M,), whether
    it succeeded; ``x`` and ``y`` name two of the knobs. A cell shows the share, large, its 95 %
    Wilson interval and the number of runs; members that differ in a third knob share a cell. Pairs
    that were not run stay empty. Raises KeyError for an unknown knob.
    """
    good = np.asarray(success, dtype=bool)
    columns, i = np.unique(history.static[x], return_inverse=True)
    rows, j = np.unique(history.static[y], return_inverse=True)
    share = np.ma.masked_all((len(rows), len(columns)))
    ax = style.axes(None, (2.0 + 1.25 * len(columns), 1.6 + 0.75 * len(rows)))
    for row, column in sorted(set(zip(j, i, strict=True))):
        runs = good[(j == row) & (i == column)]
        share[row, column] = runs.mean()
        interval = wilson(runs.sum(), len(runs))
        small = "{:.0%} to {:.0%}\nn = {}".format(*interval, len(runs))
        color = "white" if runs.mean() < 0.47 else "black"  # at least 4.5:1 on all of cividis
        look: style.Look = {"color": color, "ha": "center"}
        ax.text(column + 0.5, row + 0.56, f"{runs.mean():.0%}", fontsize=16, va="bottom", **look)
        ax.text(column + 0.5, row + 0.5, small, fontsize=8, va="top", **look)
    image = ax.pcolormesh(share, cmap=style.FIELD, vmin=0, vmax=1, edgecolors="white")
    ax.set_xticks(np.arange(len(columns)) + 0.5, columns)
    ax.set_yticks(np.arange(len(rows)) + 0.5, rows)
    ax.set(xlabel=x.replace("_", " "), ylabel=y.replace("_", " "))
    ax.grid(False)
    label = "share that succeeds, with the 95 % Wilson interval"
    style.figure_of(ax).colorbar(image, ax=ax, label=label)
    return ax

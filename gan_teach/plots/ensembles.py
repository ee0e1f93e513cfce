"""Many runs at once: the spread over seeds, and how often each outcome happens."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from gan_teach.history import History
from gan_teach.plots import style
from gan_teach.plots._panel import Level, draw_level, first_bad, limits, unit


def wilson(successes: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's interval for a share: the p with |successes / n - p| <= z sqrt(p (1 - p) / n).

    Unlike share +- z sqrt(share (1 - share) / n) it stays in [0, 1] and keeps a width at 0 and n
    successes. z = 1.96 gives 95 %. Source: Wilson (1927), "Probable inference", J. Am. Stat.
    Assoc. 22, 209-212.
    Raises ValueError unless 0 <= successes <= n and n > 0.
    """
    if not 0 <= successes <= n or n == 0:
        raise ValueError(f"a share needs 0 <= successes <= n and n > 0, got {successes} of {n}.")
    share, penalty = successes / n, z * z / n
    center = (share + penalty / 2) / (1 + penalty)
    half = math.sqrt(share * (1 - share) * penalty + penalty * penalty / 4) / (1 + penalty)
    return max(0.0, center - half), min(1.0, center + half)


def quantile_interval(
    values: Sequence[float] | np.ndarray, q: float = 0.5, level: float = 0.95
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
    tail = (1 - level) / 2
    low, high = (int(binom.ppf(p, len(x), q)) for p in (tail, 1 - tail))
    padded = np.concatenate([[-np.inf], x, [np.inf]])  # ranks from 1
    return float(padded[low]), float(padded[high + 1])


def fan(
    history: History,
    key: str,
    ax: Axes | None = None,
    *,
    label: str = "",
    color: str = style.LINES[0],
    dash: object = "-",
    level: tuple[float, str] | None = None,
    log: bool = False,
) -> Axes:
    """Median over the members of an ensemble, with bands of the middle 50 % and 90 % of them.

    ``history[key]`` is (T, S): one column per member. A member counts as long as it is finite; how
    many did not stay so is said beside the title. ``level`` = (value, name) adds what the theory
    predicts. Call it again with the same ``ax`` and another ``label``, ``color`` and ``dash`` to
    compare ensembles. Raises ValueError for another shape.
    """
    values = np.asarray(history[key], dtype=float)
    if values.ndim != 2 or values.shape[1] < 2:
        raise ValueError(
            f"{key} must have shape (T, S) with S > 1 members to show a spread, got "
            f"{values.shape}. Record an ensemble, or draw a single run with its own plot."
        )
    ax = style.axes(ax)
    low90, low50, median, high50, high90 = _quantiles(values)
    steps, first = history.steps, not ax.lines
    with style.use():
        ax.fill_between(steps, low90, high90, color=color, alpha=0.15, linewidth=0)
        ax.fill_between(steps, low50, high50, color=color, alpha=0.3, linewidth=0)
        ax.plot(steps, median, color=color, linestyle=dash, label=label or None)
        if first:
            ax.set(xlabel=unit(history), ylabel=key.replace("_", " "))
            ax.set_yscale("log" if log else "linear")
            ax.set_title("Median of the runs, bands of 50 % and 90 %", loc="left")
            ax.set_xlim(steps[0], max(steps[-1], steps[0] + 1))
        bounds = limits(np.concatenate([low90, high90]), [level[0]] if level else [], log)
        old = ax.get_ylim()
        ax.set_ylim(bounds if first else (min(old[0], bounds[0]), max(old[1], bounds[1])))
        if level:
            draw_level(ax, Level(*level))
        _say_who_diverged(ax, values)
        if label:
            ax.legend(loc="best")
    return ax


def _quantiles(values: np.ndarray) -> np.ndarray:
    """(5, T): 5, 25, 50, 75 and 95 % quantiles of the finite entries of each row; NaN for none."""
    result = np.full((5, len(values)), np.nan)
    for t, row in enumerate(values):
        finite = row[np.isfinite(row)]
        if finite.size:
            result[:, t] = np.quantile(finite, [0.05, 0.25, 0.5, 0.75, 0.95])
    return result


def _say_who_diverged(ax: Axes, values: np.ndarray) -> None:
    lost = sum(first_bad(column) is not None for column in values.T)
    if lost:
        text = f"{lost} of {values.shape[1]} diverged"
        ax.set_title(text, loc="right", fontsize=10, color=style.GENERATOR)


def outcomes(
    labels: Sequence[str] | Mapping[str, Sequence[str]],
    classes: Sequence[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """How often each outcome happened: a bar per class, with Wilson's 95 % interval and the count.

    ``labels`` holds one outcome per run, or maps the name of a setting to such a list, each setting
    then being a group of bars. ``classes`` sets the order (default: most frequent first).
    Raises ValueError for an empty list and for an outcome that is not among ``classes``.
    """
    groups = dict(labels) if isinstance(labels, Mapping) else {"": labels}
    counts = {name: Counter(runs) for name, runs in groups.items()}
    total = sum(counts.values(), Counter())
    names = list(classes) if classes is not None else [name for name, _ in total.most_common()]
    unknown = sorted(set(total) - set(names))
    if unknown or not groups or not all(counts.values()):
        raise ValueError(
            "labels needs at least one outcome per setting, each among the classes "
            f"{', '.join(names) or '(none)'}; got {', '.join(unknown) or 'an empty list'}."
        )
    rows = [(group, name) for group in groups for name in names]
    ax = style.axes(ax, (7.0, 1.0 + 0.27 * len(rows) + 0.3 * len(groups)))
    with style.use():
        _bars(ax, rows, counts, names)
    return ax


def _bars(
    ax: Axes, rows: list[tuple[str, str]], counts: dict[str, Counter[str]], names: list[str]
) -> None:
    groups = list(counts)
    heights = [-k - 0.7 * groups.index(group) for k, (group, _) in enumerate(rows)]
    for y, (group, name) in zip(heights, rows, strict=True):
        k, n, look = counts[group][name], counts[group].total(), names.index(name)
        low, high = wilson(k, n)
        ax.barh(
            y, 100 * k / n, height=0.8, color=style.PALETTE[look % 10], alpha=0.75,
            hatch=style.HATCHES[look % len(style.HATCHES)], edgecolor="white", linewidth=0,
        )  # fmt: skip
        ax.plot([100 * low, 100 * high], [y, y], color=style.INK, linewidth=1.6)
        ax.plot([100 * low, 100 * high], [y, y], "|", color=style.INK, markersize=8)
        ax.annotate(f"{k} of {n}", (100 * high, y), (6, 0), textcoords="offset points", va="center")
    for group in groups:
        top = max(y for y, row in zip(heights, rows, strict=True) if row[0] == group)
        ax.text(0, top + 0.5, group, va="bottom", ha="left", fontweight="bold")
    ax.set_yticks(heights, [name for _, name in rows])
    ax.set(xlim=(0, 118), ylim=(heights[-1] - 0.7, 1.1 if groups[0] else 0.7))
    ax.set(xlabel="share of runs in %, with the 95 % Wilson interval")
    ax.set_xticks(range(0, 101, 20))
    ax.grid(False, axis="y")
    ax.tick_params(axis="y", length=0)

"""Curves beside the value that the theory predicts: over a run, over a knob, of many runs.

Of many runs at once: their spread, how often each outcome happens, who arrives when.
"""

import math
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from gan_teach import _checks
from gan_teach.history import History
from gan_teach.plots import _panel, style

_LEGEND_WIDTH = 70  # characters below a figure of the usual size
Runs = History | Mapping[str, History]  # an ensemble, or several by their names
_POINTS = 400  # at most so many of a curve of arrivals


def equilibrium_score(label_smoothing: float = 1.0) -> float:
    """D's optimal output where generated and real density agree: s / 2.

    With real target s, D maximises p [s log D + (1 - s) log(1 - D)] + q log(1 - D) at each x, whose
    maximum is D = s p / (p + q) (Salimans et al. 2016, section 3.4); 1/2 without smoothing.
    """
    return label_smoothing / 2


def equilibrium_losses(
    loss: str, label_smoothing: float = 1.0, g_label_smoothing: float = 1.0
) -> tuple[float | None, float | None]:
    """(L_D, L_G) where generated and real density agree and D is optimal; None where undetermined.

    ``g_label_smoothing`` is G's target t for its own samples, -t log D - (1 - t) log(1 - D). A
    critic without a fixed zero (Wasserstein, hinge) may add any constant there, which its
    generator's loss sees; a loss that is not known by name gives (None, None).
    """
    score = equilibrium_score(label_smoothing)
    # both parts of the cross-entropy together: -s log(s/2) - (2 - s) log(1 - s/2)
    cross = -label_smoothing * math.log(score) - (2 - label_smoothing) * math.log1p(-score)
    t = g_label_smoothing
    table = {
        "saturating": (cross, math.log1p(-score)),
        "non_saturating": (cross, -t * math.log(score) - (1 - t) * math.log1p(-score)),
        "relativistic": (math.log(2), math.log(2)),
        "relativistic_hinge": (1.0, 1.0),
        "least_squares": (0.25, 0.125),
        "wasserstein": (0.0, None),
        "hinge": (2.0, None),
    }
    return table.get(loss.partition(",")[0], (None, None))


def losses(history: History, i: int = -1, ax: Axes | None = None) -> Axes:
    """Both players' losses beside their values at equilibrium (the log losses': 2 log 2, log 2).

    Reads ``d_loss``, ``g_loss`` (T,) and meta ``loss``, ``label_smoothing``, ``g_label_smoothing``.
    """
    return _panel.plot(losses_panel, history, i, ax)


def losses_panel(ax: Axes, history: History) -> _panel.Draw:
    """The panel behind ``losses``."""
    targets = (history.meta.get(key, 1.0) for key in ("label_smoothing", "g_label_smoothing"))
    d, g = equilibrium_losses(str(history.meta.get("loss", "")), *targets)
    formulas = {2 * math.log(2): "2 log 2", math.log(2): "log 2", -math.log(2): "−log 2"}
    levels = {
        f"{player}: {formulas.get(value, f'{value:.3g}')}".replace("-", "−"): value
        for player, value in (("D", d), ("G", g))
        if value is not None
    }
    if d is not None and d == g:
        levels = {f"both: {d:.3g}": d}
    lines = {"discriminator": "d_loss", "generator": "g_loss"}
    return curves_panel(lines, levels, ylabel="loss", title="Losses")(ax, history)


def scores(history: History, i: int = -1, ax: Axes | None = None) -> Axes:
    """Mean D(x) and mean D(G(z)) beside D's output at equilibrium (1/2, smoothed: s/2).

    Reads ``d_real``, ``d_fake`` (T,) and meta ``label_smoothing``.
    """
    return _panel.plot(scores_panel, history, i, ax)


def scores_panel(ax: Axes, history: History) -> _panel.Draw:
    """The panel behind ``scores``."""
    score = equilibrium_score(history.meta.get("label_smoothing", 1.0))
    levels = {"1/2" if score == 0.5 else f"s/2 = {score:.3g}": score}
    lines = {"on real points, D(x)": "d_real", "on generated points, D(G(z))": "d_fake"}
    labels = {"ylabel": "mean of D", "title": "What the discriminator says"}
    return curves_panel(lines, levels, ylim=(-0.03, 1.03), **labels)(ax, history)


_LOOKS: Mapping[str, style.Look] = {  # by a column, or by how it begins
    "d_real": {"color": style.REAL, "marker": style.REAL_MARKER},
    "d_fake": {"color": style.FAKE, "marker": "X", "linestyle": style.DASHES[1]},
    "d_": {"color": style.DISCRIMINATOR, "marker": "o"},
    "g_": {"color": style.GENERATOR, "marker": "s", "linestyle": style.DASHES[1]},
}


def curves_panel(
    columns: Mapping[str, str], levels: _panel.Levels | None = None, **labels: Any
) -> _panel.Panel:
    """A panel: ``history[column]`` (T,) by the name of its line, beside what theory predicts.

    ``levels`` : predicted values by their names. ``labels`` : of the axes; without a title the
    history's own stands there, and the ``ylabel``. A player's columns (d_..., g_...) have its look.
    """

    def panel(ax: Axes, history: History) -> _panel.Draw:
        lines: dict[str, Any] = {}
        for k, (name, column) in enumerate(columns.items()):
            own = style.look(k, marker=style.MARKERS[k % 6])
            lines[name] = history[column], _LOOKS.get(column) or _LOOKS.get(column[:2]) or own
        title = _panel.heading(history, labels.get("ylabel", ""))
        return _panel.lines_panel(ax, history, lines, levels or {}, **{"title": title, **labels})

    return panel


objective_panel = curves_panel(
    {"objective V": "objective"}, {"−2 log 2": -2 * math.log(2)}, ylabel="V", title="Objective"
)
"""V = E log D(x) + E log(1 - D(G(z))) beside -2 log 2 (Goodfellow et al. 2014, Theorem 1)."""


def gradients_panel(ax: Axes, history: History, player: str = "") -> _panel.Draw:
    """The gradient norms of both players, or of one of them, on a logarithmic axis."""
    lines = {"discriminator": "d_grad", "generator": "g_grad"}
    lines = {player: lines[player]} if player else lines
    title = f"Gradient of the {player}" if player else "Gradient norms"
    return curves_panel(lines, yscale="log", ylabel="norm", title=title)(ax, history)


_CRITIC = {"on real samples": "critic_real", "on generated samples": "critic_fake"}
_TRAINING: Mapping[str, _panel.Panel] = {  # by a column that the panel needs
    "d_loss": losses_panel,
    "d_real": scores_panel,
    "critic_real": curves_panel(_CRITIC, ylabel="mean logit", title="What the critic says"),
    "d_grad": gradients_panel,
    "d_lr": curves_panel(
        {"of D": "d_lr", "of G": "g_lr"}, yscale="log", ylabel="rate", title="Learning rates"
    ),
    "images_per_second": curves_panel(
        {"speed": "images_per_second"}, ylabel="images per second", title="Speed"
    ),
}


@style.use()
def training(history: History) -> Figure:
    """All that a run of an image GAN recorded, in a panel for each kind of number.

    Reads the columns of its losses.csv, as far as they are there: losses and D's answers, beside
    what theory says of them, gradient norms, learning rates, speed, the terms of D's loss ("d:
    r1"), Frechet distances ("FD(net): raw").
    """
    panels = [(history, panel) for name, panel in _TRAINING.items() if name in history]
    several: dict[str, dict[str, str]] = {}  # columns of one kind, by what follows the colon
    for column in history:
        kind, colon, name = column.rpartition(": ")
        if colon:
            several.setdefault(kind, {})[name] = column
    for kind, columns in several.items():
        there = np.isfinite([history[column] for column in columns.values()]).any(0)
        rows = {column: history[column][there] for column in columns.values()}
        labels: dict[str, Any] = {"yscale": "log", "title": f"{kind}, lower is better"}
        if kind == "d":
            labels = {"title": "What D's loss is the sum of"}
        panels.append((History(history.steps[there], rows), curves_panel(columns, **labels)))
    figure, axes = style.grid([str(k) for k in range(len(panels))], 3, (5.2, 3.8))
    for ax, (recorded, panel) in zip(axes.values(), panels, strict=True):
        panel(ax, recorded)(len(recorded) - 1)
    return figure


def eigenvalues(history: History, i: int = -1, ax: Axes | None = None) -> Axes:
    """Eigenvalues of the Hessian of V over the steps, on an axis that is linear near zero only.

    Reads ``eigenvalues`` (T, n), real and ascending, and, where it is there,
    ``static["eigenvalues_theory"]`` (n,). Both signs at once mean a saddle of V, as an equilibrium
    of the game is. Raises ValueError for complex ones.
    """
    return _panel.plot(eigenvalues_panel, history, i, style.axes(ax, (7.0, 4.6)))


def eigenvalues_panel(ax: Axes, history: History) -> _panel.Draw:
    """The panel behind ``eigenvalues``."""
    values = history["eigenvalues"]
    if values.ndim != 2 or np.iscomplexobj(values):
        raise ValueError(
            "eigenvalues must be real and of shape (T, n), as those of a Hessian are; got "
            f"{values.dtype} {values.shape}. Draw a Jacobian's complex ones with plots.plane."
        )
    lines = {
        _name(k): (column, style.look(k, marker=style.MARKERS[k % 6]))
        for k, column in enumerate(values.T)
    }
    theory = np.sort(np.asarray(history.static.get("eigenvalues_theory", ()), dtype=float))
    theory = theory[np.isfinite(theory)]  # NaN where the run has diverged
    levels = {f"{_name(k)}* = {v:.3g}".replace("-", "−"): v for k, v in enumerate(theory)}
    ylim = _symlog_scale(ax, values, theory)
    ax.axhline(0.0, **style.ZERO)
    title = "Eigenvalues of the Hessian of V"
    return _panel.lines_panel(ax, history, lines, levels, ylim, ylabel="eigenvalue", title=title)


def _symlog_scale(ax: Axes, values: NDArray[Any], include: NDArray[Any]) -> tuple[float, float]:
    """Linear within a thousandth of the largest values, logarithmic outside; returns the limits.

    They hold all of ``include``, and the values except for a few that explode.
    """
    finite = values[np.isfinite(values)]
    usual = np.quantile(np.abs(finite), 0.95) if finite.size else 0.0
    largest = max([usual, *np.abs(include)]) or 1.0
    power = round(math.log10(largest))
    threshold = 10.0 ** (power - 3)
    ax.set_yscale("symlog", linthresh=threshold, linscale=0.5)
    decades = 10.0 ** np.arange(power - 2, power + 3, 2)  # every second one has a name
    ax.set_yticks([*-decades, 0.0, *decades])
    shown = np.clip([-threshold, threshold, *include, *finite], -100 * largest, 100 * largest)
    return 2 * float(shown.min()), 2 * float(shown.max())


def _name(k: int) -> str:
    return "λ" + "".join("₀₁₂₃₄₅₆₇₈₉"[int(digit)] for digit in str(k + 1))


@style.use()
def compare(
    x: ArrayLike,
    curves: _panel.Curves,
    ax: Axes | None = None,
    *,
    level: _panel.Level | _panel.Levels | None = None,
    mark: _panel.Level | None = None,
    bands: _panel.Curves | None = None,
    log: bool = False,
    xlabel: str = "round",
    **labels: str,
) -> Axes:
    """Curves over the points ``x`` (m,), each name with a color and a dash of its own.

    A curve is (m,), or (m, S) for S runs, drawn as thin lines. ``level`` = (value, name), or
    {name: value} for several, adds what the theory predicts as dashed horizontal lines, ``mark`` =
    (point, name) a dotted vertical one. ``bands`` maps names of curves to (low, high),
    (2, m), drawn behind them. ``labels``: ``ylabel``, ``title``. Matplotlib raises ValueError for a
    curve of another length than x.
    """
    ax = style.axes(ax)
    for k, (name, values) in enumerate(curves.items()):
        many = np.ndim(values) == 2
        look = style.look(k, linewidth=1.1, alpha=0.8) if many else style.look(k, linewidth=1.8)
        drawn = ax.plot(x, np.asarray(values, dtype=float), **look)
        drawn[0].set_label(f"{name} ({len(drawn)} runs)" if many else name)
        if bands and name in bands:
            band = style.band(look["color"], 0.15, hatch=style.HATCHES[k % 6])
            ax.fill_between(x, *np.asarray(bands[name]), **band)
    ax.set(yscale="log" if log else "linear", xlabel=xlabel, **labels)
    _panel.draw_levels(ax, level)
    if mark:
        ax.axvline(mark[0], color=style.THEORY, linestyle=":", linewidth=1.3)
        _panel.beside(ax, mark[1], (mark[0], 1.0), (4, -2), ("data", "axes fraction"), va="top")
    _panel.legend_below(ax, cols=max(1, _LEGEND_WIDTH // max(map(len, curves))))
    return ax


@style.use()
def scatter(
    groups: Mapping[str, tuple[ArrayLike, ArrayLike]],
    ax: Axes | None = None,
    *,
    level: _panel.Levels | None = None,
    **labels: str,
) -> Axes:
    """Points (x, y), each (n,), of several groups, each with a color and a marker of its own.

    Points that are not finite are left out. ``level`` = {name: value} adds what the theory predicts
    as dashed horizontal lines. ``labels``: ``xlabel``, ``ylabel``, ``title``.
    """
    ax = style.axes(ax)
    for k, (name, (x, y)) in enumerate(groups.items()):
        ax.plot(x, y, **style.marks(k, label=name, alpha=0.75, markeredgewidth=0.5))
    ax.set(**labels)
    _panel.draw_levels(ax, level)
    _panel.legend_below(ax, cols=len(groups))
    return ax


def distance(
    curves: _panel.Curves, ax: Axes | None = None, *, every: int = 1,
    title: str = "Distance to the equilibrium",
) -> Axes:  # fmt: skip
    """Distance to the equilibrium on a logarithmic axis, where linear convergence is straight.

    ``curves`` maps names to (T,) arrays, one entry after ``every`` steps. A distance of 0 has no
    logarithm and ends its curve; one that does not stay finite is said to have diverged. Raises
    ValueError for arrays of several lengths.
    """
    steps = every * np.arange(max(map(np.size, curves.values())))
    curves = {_panel.fate(name, d): d for name, d in curves.items()}
    return compare(steps, curves, ax, log=True, xlabel="step", ylabel="distance", title=title)


# -- many runs -------------------------------------------------------------------------------------


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval for a share: the p with |successes / n - p| <= 1.96 standard errors.

    The standard error is that of p, sqrt(p (1 - p) / n), so that the interval stays in [0, 1] and
    keeps a width at 0 and n successes. Source: Wilson (1927), "Probable inference", J. Am. Stat.
    Assoc. 22, 209-212. Raises ValueError, scipy's, unless 0 <= successes <= n and n > 0.
    """
    from scipy.stats import binomtest

    interval = binomtest(int(successes), int(n)).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


class PairedCount(NamedTuple):
    """In how many pairs only a succeeded, in how many only b, and the p-value of ``mcnemar``."""

    only_a: int
    only_b: int
    p: float

    def __str__(self) -> str:
        return f"{self.only_a} only the first, {self.only_b} only the second, p-value {self.p:.2g}"


def mcnemar(a: ArrayLike, b: ArrayLike) -> PairedCount:
    """McNemar's exact test for pairs: is either method as likely to be the only one that succeeds?

    ``a`` and ``b`` (n,) are booleans, entry k of both of the same seed: did it succeed? If the
    methods are equal, each of the m pairs in which one alone succeeds is a fair coin, and p =
    min(1, 2 P(B >= max(only_a, only_b))), two-sided, where B is binomial (m, 1/2); 1 for m = 0.
    ``mcnemar(x < y, x > y)`` is the sign test of paired numbers. Source: McNemar (1947), "Note on
    the sampling error of the difference between correlated proportions or percentages",
    Psychometrika 12, 153-157 (there by the normal limit). Raises ValueError for entries that are
    not boolean and for two shapes.
    """
    from scipy.stats import binomtest

    x, y = np.asarray(a), np.asarray(b)
    if x.dtype != bool or y.dtype != bool or x.shape != y.shape:
        raise ValueError(f"a, b must be (n,) booleans, got {x.dtype}{x.shape}, {y.dtype}{y.shape}.")
    only_a, only_b = int((x & ~y).sum()), int((y & ~x).sum())
    return PairedCount(only_a, only_b, float(binomtest(only_a, max(only_a + only_b, 1)).pvalue))


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
def outcomes(groups: Mapping[str, Sequence[str]], classes: Sequence[str]) -> Axes:
    """How often each outcome happened: a bar per class, with Wilson's 95 % interval and the count.

    ``groups`` maps the name of a setting to the outcomes of its runs: a group of bars, in the order
    of ``classes``. Raises ValueError for an outcome that is not among these.
    """
    counts, names = {name: Counter(runs) for name, runs in groups.items()}, list(classes)
    for label in sum(counts.values(), Counter()):
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

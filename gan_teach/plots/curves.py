"""Curves over training beside the value that the theory predicts: losses, scores, eigenvalues."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter

from gan_teach.history import History
from gan_teach.plots import style
from gan_teach.plots._panel import Draw, Level, Line, lines_panel, plot

Levels = tuple[float | None, float | None]


def equilibrium_score(label_smoothing: float = 1.0) -> float:
    """D's optimal output where generated and real density agree: s / 2.

    With real target s, D maximises p [s log D + (1 - s) log(1 - D)] + q log(1 - D) at each x, whose
    maximum is D = s p / (p + q) (Salimans et al. 2016, section 3.4); 1/2 without smoothing.
    """
    return label_smoothing / 2


def equilibrium_losses(loss: str, label_smoothing: float = 1.0) -> Levels:
    """(L_D, L_G) where generated and real density agree and D is optimal; None where undetermined.

    A critic without a fixed zero (Wasserstein, hinge) may add any constant there, which its
    generator's loss sees; a loss that is not known by name gives (None, None).
    """
    score = equilibrium_score(label_smoothing)
    # both parts of the cross-entropy together: -s log(s/2) - (2 - s) log(1 - s/2)
    cross = -label_smoothing * math.log(score) - (2 - label_smoothing) * math.log1p(-score)
    table: dict[str, Levels] = {
        "saturating": (cross, math.log1p(-score)),
        "non_saturating": (cross, -math.log(score)),
        "relativistic": (math.log(2), math.log(2)),
        "relativistic_hinge": (1.0, 1.0),
        "least_squares": (0.25, 0.125),
        "wasserstein": (0.0, None),
        "hinge": (2.0, None),
    }
    return table.get(loss.partition(",")[0], (None, None))


def losses(history: History, i: int = -1, ax: Axes | None = None) -> Axes:
    """Both players' losses beside their values at equilibrium (the log losses': 2 log 2, log 2)."""
    return plot(losses_panel, history, i, ax)


def losses_panel(ax: Axes, history: History) -> Draw:
    """The panel behind ``losses``; also reads meta ``loss`` and ``label_smoothing``."""
    smoothing = float(history.meta.get("label_smoothing", 1.0))
    name = str(history.meta.get("loss", ""))
    known = {"saturating": ("2 log 2", "−log 2"), "non_saturating": ("2 log 2", "log 2")}
    names = known.get(name, ("", "")) if smoothing == 1.0 else ("", "")
    values = equilibrium_losses(name, smoothing)
    levels = [
        Level(value, f"{player}: {formula or f'{value:.3g}'}".replace("-", "−"))
        for player, value, formula in zip("DG", values, names, strict=True)
        if value is not None
    ]
    if len(levels) == 2 and levels[0].value == levels[1].value:
        levels = [Level(levels[0].value, f"both: {levels[0].value:.3g}")]
    lines = [
        Line(history["d_loss"], "discriminator", style.DISCRIMINATOR),
        Line(history["g_loss"], "generator", style.GENERATOR, style.DASHES[1], "s"),
    ]
    return lines_panel(ax, history, lines, levels, ylabel="loss", title="Losses")


def scores(history: History, i: int = -1, ax: Axes | None = None) -> Axes:
    """Mean D(x) and mean D(G(z)) beside D's output at equilibrium (1/2, smoothed: s/2)."""
    return plot(scores_panel, history, i, ax)


def scores_panel(ax: Axes, history: History) -> Draw:
    """The panel behind ``scores``; reads ``d_real``, ``d_fake`` and meta ``label_smoothing``."""
    score = equilibrium_score(float(history.meta.get("label_smoothing", 1.0)))
    lines = [
        Line(history["d_real"], "on real points, D(x)", style.REAL),
        Line(history["d_fake"], "on generated points, D(G(z))", style.FAKE, style.DASHES[1], "X"),
    ]
    level = Level(score, "1/2" if score == 0.5 else f"s/2 = {score:.3g}")
    title = "What the discriminator says"
    return lines_panel(
        ax, history, lines, [level], ylabel="mean of D", title=title, ylim=(-0.03, 1.03)
    )


def eigenvalues(history: History, i: int = -1, ax: Axes | None = None) -> Axes:
    """Eigenvalues of the Hessian of V over the steps, on an axis that is linear near zero only.

    Reads ``eigenvalues`` (T, n), real and ascending, and, where it is there,
    ``static["eigenvalues_theory"]`` (n,). Both signs at once mean a saddle of V, as an equilibrium
    of the game is.
    """
    return plot(eigenvalues_panel, history, i, style.axes(ax, (7.0, 4.6)))


def eigenvalues_panel(ax: Axes, history: History) -> Draw:
    """The panel behind ``eigenvalues``."""
    values = history["eigenvalues"]
    if values.ndim != 2 or np.iscomplexobj(values):
        raise ValueError(
            "eigenvalues must be real and of shape (T, n), as those of a Hessian are; got "
            f"{values.dtype} {values.shape}. Draw a Jacobian's complex ones with plots.plane."
        )
    lines = [
        Line(column, _name(k), style.LINES[k % 6], style.DASHES[k % 5], "osD^v"[k % 5])
        for k, column in enumerate(values.T)
    ]
    theory = np.sort(np.asarray(history.static.get("eigenvalues_theory", ()), dtype=float))
    theory = theory[np.isfinite(theory)]  # NaN where the run has diverged
    levels = [
        Level(value, f"{_name(k)}* = {value:.3g}".replace("-", "−"))
        for k, value in enumerate(theory)
    ]
    title = "Eigenvalues of the Hessian of V"
    ylim = _symlog_scale(ax, values, theory)
    draw = lines_panel(ax, history, lines, levels, ylabel="eigenvalue", title=title, ylim=ylim)
    ax.axhline(0.0, color=style.INK, linewidth=0.8, zorder=1.5)
    return draw


def _symlog_scale(ax: Axes, values: np.ndarray, include: np.ndarray) -> tuple[float, float]:
    """Linear within a thousandth of the largest values, logarithmic outside; returns the limits.

    They hold all of ``include``, and the values except for a few that explode.
    """
    finite = values[np.isfinite(values)]
    usual = float(np.quantile(np.abs(finite), 0.95)) if finite.size else 0.0
    largest = max([usual, *np.abs(include)]) or 1.0
    power = round(math.log10(largest))
    threshold = 10.0 ** (power - 3)
    ax.set_yscale("symlog", linthresh=threshold, linscale=0.5)
    shown = np.clip([-threshold, threshold, *include, *finite], -100 * largest, 100 * largest)
    bottom, top = 2 * float(shown.min()), 2 * float(shown.max())
    ticks = [s * 10.0**e for e in range(power - 3, power + 3) for s in (-1, 1)]
    ticks = [t for t in ticks if bottom <= t <= top]
    labelled = [t for t in ticks if (round(math.log10(abs(t))) - power) % 2 == 0]
    ax.set_yticks([0.0, *labelled])  # every second decade has a name, the others a small tick
    ax.set_yticks(ticks, minor=True)
    ax.yaxis.set_minor_formatter(NullFormatter())
    return bottom, top


def _name(k: int) -> str:
    return "λ" + "".join("₀₁₂₃₄₅₆₇₈₉"[int(digit)] for digit in str(k + 1))

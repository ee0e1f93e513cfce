"""Scores of generators along a run's path, one line per average, with the noise of real images."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gan_teach.plots import style

TITLES = {
    "kid": "KID, lower is better",
    "inception_score": "inception score, higher is better",
    "prd_f_8": "PRD F8: recall",
    "prd_f_1_8": "PRD F1/8: precision",
    "precision": "precision (k = 3)",
    "recall": "recall (k = 3)",
}
_MARKERS = "osD^vP"
_COLUMNS = 4


def score_paths(
    rows: Sequence[Any],
    *,
    features: str = "Frechet distance",
    band: Mapping[str, tuple[float, float]] | None = None,
) -> Figure:
    """A panel for each score of ``rows`` (of ``evaluation.Row``) over the run's steps.

    Rows of one source and average make one line; a row without a step (a file of weights, a folder)
    is a level line. ``features`` is what the Frechet distance is called. ``band`` is what real
    images score against real ones, score -> (low, high). Scores that are NaN everywhere have no
    panel. Raises ValueError for no rows.
    """
    if not rows:
        raise ValueError("rows is empty: there is nothing to draw.")
    names = [name for name in rows[0].scores if any(_known(row, name) for row in rows)]
    panels: list[Any] = [*names, "legend"]
    panels += [f"empty {k}" for k in range(-len(panels) % _COLUMNS)]
    layout = [panels[k : k + _COLUMNS] for k in range(0, len(panels), _COLUMNS)]
    figure, axes = style.mosaic(layout, (3.3 * _COLUMNS, 2.9 * len(layout)))
    lines = _lines(rows)
    with style.use():
        for name in names:
            _panel(axes[name], name, lines, (band or {}).get(name))
            axes[name].set_title(TITLES.get(name, f"{features}, lower is better"), fontsize=10.5)
        for name in panels[len(names) :]:
            axes[name].set_axis_off()
        handles, labels = axes[names[0]].get_legend_handles_labels()
        axes["legend"].legend(handles, labels, loc="upper left", fontsize=9)
    return figure


def _lines(rows: Sequence[Any]) -> dict[str, list[Any]]:
    """Rows by the label of their line, by step; sources are named where there are several."""
    several = len({row.source for row in rows}) > 1
    found: dict[str, list[Any]] = {}
    for row in rows:
        name = _label(row)
        found.setdefault(f"{row.source}, {name}" if several else name, []).append(row)
    return {k: sorted(v, key=lambda row: row.step or 0) for k, v in found.items()}


def _label(row: Any) -> str:
    if row.average.replace(".", "", 1).isdigit():  # the decay of an average
        return f"average {row.average}"
    return "G itself" if row.average == "raw" else row.average


def _panel(ax: Axes, name: str, lines: Mapping[str, list[Any]], band: Any) -> None:
    if band is not None:
        ax.axhspan(*band, color=style.REAL, alpha=0.3, lw=0, label="real against real")
    colors = [color for color in style.LINES if color != style.REAL]
    for k, (label, rows) in enumerate(lines.items()):
        look: dict[str, Any] = {
            "color": colors[k % len(colors)], "ls": style.DASHES[k % len(style.DASHES)],
        }  # fmt: skip
        values = [row.scores[name] for row in rows]
        if rows[0].step is None:
            ax.axhline(values[0], label=label, **look)
        else:
            marker = _MARKERS[k % len(_MARKERS)]
            ax.plot([row.step for row in rows], values, marker=marker, ms=4, label=label, **look)
    if name == "frechet":
        ax.set_yscale("log")
    ax.set_xlabel("step of G", fontsize=9.5)


def _known(row: Any, name: str) -> bool:
    return not math.isnan(row.scores[name])

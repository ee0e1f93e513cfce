"""A few moments of a run side by side in one still picture."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Annotation

from gan_teach import _checks
from gan_teach.history import History
from gan_teach.plots import _frames, style
from gan_teach.plots._narrate import narrate
from gan_teach.plots._panel import Panel, unit


def film_strip(
    history: History,
    panels: Sequence[Panel] | None = None,
    n: int = 5,
    *,
    alt: str | None = None,
    dpi: int = 110,
) -> style.HtmlImage | None:
    """Show ``n`` moments of a run side by side: what remains of a player on paper and on GitHub.

    One row per panel (default: the first that suits the history), moments evenly spaced from the
    first record to the last, each named above its column. Without ``alt`` the moments are narrated.
    """
    panels = list(panels or _frames.default_panels(history)[:1])
    _checks.whole("n", n, least=1)
    moments = np.unique(np.linspace(0, len(history) - 1, n).round().astype(int)).tolist()
    columns = range(len(moments))
    layout = [[(row, column) for column in columns] for row in range(len(panels))]
    figure, axes = style.mosaic(layout, (2.9 * len(moments) + 0.4, 2.6 * len(panels) + 0.5))
    with style.use():
        for (row, column), ax in axes.items():
            panels[row](ax, history)(moments[column])
            _leave_out_what_repeats(ax, column, len(moments))
            moment = f"{unit(history)} {history.steps[moments[column]]}"
            ax.set_title("" if row else moment, loc="left")
        names = _legend(axes, len(panels))
        if names:
            at = "outside lower center"
            figure.legend(names.values(), names.keys(), loc=at, ncols=min(len(names), 7))
    text = "Film strip. " + " ".join(narrate(history, i) for i in moments) if alt is None else alt
    return style.show(figure, text, dpi)


def _leave_out_what_repeats(ax: Axes, column: int, columns: int) -> None:
    """Names of values stand on the left, of time in the middle, levels and scales on the right."""
    legend = ax.get_legend()
    if legend is not None:
        legend.remove()
    if column != (columns - 1) // 2:
        ax.set_xlabel("")
    if column > 0:
        ax.set_ylabel("")
        ax.tick_params(labelleft=False)
    if column < columns - 1:
        for image in [i for i in ax.images if i.colorbar is not None]:
            image.colorbar.remove()  # pyright: ignore[reportOptionalMemberAccess]
        for text in [t for t in ax.texts if isinstance(t, Annotation)]:
            text.remove()


def _legend(axes: Mapping[Hashable, Axes], rows: int) -> dict[str, Any]:
    """Each name once, with the artist that shows it; rows of a single curve need no name."""
    names: dict[str, Any] = {}
    for row in range(rows):
        handles, labels = axes[row, 0].get_legend_handles_labels()
        if len(labels) > 1:
            names |= dict(zip(labels, handles, strict=True))
    return names

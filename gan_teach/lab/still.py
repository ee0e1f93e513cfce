"""The lab on paper: a film strip with alternative text, where widgets cannot be shown."""

from __future__ import annotations

from textwrap import fill
from typing import Any

import numpy as np

from gan_teach.lab.config import Config
from gan_teach.lab.frame import Frame
from gan_teach.lab.picture import MainView
from gan_teach.lab.session import Session
from gan_teach.plots import style

MOMENTS = 4
_CHARACTERS = 34  # of a label below one picture
_SHORT = 1200  # updates of single players in a run that is made only for the strip


def still(session: Session, dpi: int = 80) -> style.HtmlImage:
    """Moments of the session's run so far or, before its first update, of a short run of it.

    Only main pictures are shown; the alternative text has the narration of each.
    """
    if session.step == 0:
        run = Session(session.start)
        run.go(length(session.config))
    else:
        run = session.branch()
    moments = np.unique(np.linspace(0, run.step, MOMENTS).round().astype(int))
    frames = [run.rewind(int(moment)) for moment in moments]
    figure = _strip(frames)
    text = " ".join(["Film strip of a live picture.", *(frame.narration for frame in frames)])
    return style.HtmlImage(style.png(figure, dpi), text, round(96 * figure.get_figwidth()))


def _strip(frames: list[Frame]) -> Any:
    figure, axes = style.mosaic([list(range(len(frames)))], (3.1 * len(frames) + 0.3, 3.4))
    with style.use():
        for k, frame in enumerate(frames):
            MainView(axes[k], frame).draw(frame)
            legend = axes[k].get_legend()
            handles, labels = axes[k].get_legend_handles_labels()
            if legend is not None:
                legend.remove()
            axes[k].set_xlabel(fill(frame.xlabel, _CHARACTERS))
            if k > 0:
                axes[k].set_ylabel("")
                axes[k].tick_params(labelleft=False)
        at = "outside lower center"
        figure.legend(handles, labels, loc=at, ncols=6)  # pyright: ignore
    return figure


def length(config: Config) -> int:
    """Rounds of a short run: fewer where a round has many updates."""
    return max(20, min(300, _SHORT // max(1, config.d_steps + config.g_steps)))

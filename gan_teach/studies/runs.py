"""A run as files: the pictures, the film and the History of an experiment in one folder."""

import os
from collections.abc import Iterator
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gan_teach import plots
from gan_teach.history import History
from gan_teach.plots import animation, style
from gan_teach.zoo import experiments


def save_run(history: History, out: str | os.PathLike[str]) -> Iterator[Path]:
    """Write what there is to see of ``history`` into the folder ``out``, yielding each file's path.

    One run: history.npz, summary.png, eigenvalues.png, animation.gif. An ensemble: history.npz,
    objective.png, outcomes.png. Numbers come first, so that a picture that fails loses nothing.
    Raises OSError naming the path when the folder cannot be written.
    """
    out = Path(out)
    yield history.save(out / "history.npz")
    for name, drawing in _drawings(history):
        style.save(drawing, out / name)
        yield out / name
    if not history.meta.get("members"):
        yield film(history, out / "animation.gif")


def _drawings(history: History) -> Iterator[tuple[str, Axes | Figure]]:
    if history.meta.get("members"):
        level = (experiments.TARGET, "-2 log 2")
        yield "objective.png", plots.fan(history, "objective", level=level)
        ended = list(experiments.outcomes(history))
        yield "outcomes.png", plots.outcomes(ended, experiments.OUTCOMES)
    else:
        yield "summary.png", plots.summary(history)
        yield "eigenvalues.png", plots.eigenvalues(history)


def film(history: History, path: Path) -> Path:
    """The tutorial's picture over the run as a GIF or MP4, by the ending of ``path``."""
    return animation.animate(history, (plots.picture_panel,), fps=20).save(path)

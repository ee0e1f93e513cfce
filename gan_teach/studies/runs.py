"""A run as files: the pictures, the film and the History of an experiment in one folder."""

import os
from collections.abc import Iterator
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gan_teach import _checks, plots
from gan_teach.history import History
from gan_teach.plots import animation, style
from gan_teach.studies import toys
from gan_teach.zoo import experiments

FORMATS = ("png", "pdf", "eps")


def save_run(history: History, out: str | os.PathLike[str], format: str = "png") -> Iterator[Path]:
    """Write what there is to see of ``history`` into the folder ``out``, yielding each file's path.

    One run on the line: history.npz, summary.png, eigenvalues.png, animation.gif. An ensemble:
    history.npz, objective.png, outcomes.png. A toy: history.npz and the pictures of
    ``toys.drawings``. Pictures may have another of ``FORMATS``. Numbers come first, so that a
    picture that fails loses nothing. Raises OSError naming the path when the folder cannot be
    written, ValueError for another format.
    """
    _checks.choice("format", format, FORMATS)
    out, toy = Path(out), history.meta.get("experiment") in toys.TOYS
    yield history.save(out / "history.npz")
    for name, drawing in toys.drawings(history) if toy else _drawings(history):
        path = out / f"{name}.{format}"
        style.save(drawing, path)
        yield path
    if toy and "fake" in history and history["fake"].shape[-1] == 2:
        one, panels = history.member(0), (plots.samples_panel, plots.losses_panel)
        yield animation.animate(one, panels).save(out / "animation.gif")
    elif not history.meta.get("members"):
        yield film(history, out / "animation.gif")


def _drawings(history: History) -> Iterator[tuple[str, Axes | Figure]]:
    if history.meta.get("members"):
        level = (experiments.TARGET, "-2 log 2")
        yield "objective", plots.fan(history, "objective", level=level)
        ended = list(experiments.outcomes(history))
        yield "outcomes", plots.outcomes(ended, experiments.OUTCOMES)
    else:
        yield "summary", plots.summary(history)
        yield "eigenvalues", plots.eigenvalues(history)


def film(history: History, path: Path) -> Path:
    """The tutorial's picture over the run as a GIF or MP4, by the ending of ``path``."""
    return animation.animate(history, (plots.picture_panel,), fps=20).save(path)

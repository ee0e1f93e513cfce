"""A run as files: the pictures, the film and the History of an experiment in one folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gan_teach import plots
from gan_teach.history import History
from gan_teach.plots import animation, style
from gan_teach.zoo import experiments

Saver = Callable[[Path], Any]


def save_run(history: History, out: str | os.PathLike[str]) -> Iterator[Path]:
    """Write what there is to see of ``history`` into the folder ``out``, yielding each file's path.

    One run: history.npz, summary.png, eigenvalues.png, animation.gif. An ensemble: history.npz,
    objective.png, outcomes.png. Numbers come first, so that a picture that fails loses nothing.
    Raises OSError naming the path when the folder cannot be written.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    savers: dict[str, Saver] = {"history.npz": history.save}
    savers |= _of_ensemble(history) if history.meta.get("members") else _of_run(history)
    for name, save in savers.items():
        save(out / name)
        yield out / name


def _of_run(history: History) -> dict[str, Saver]:
    return {
        "summary.png": lambda path: style.save(plots.summary(history), path),
        "eigenvalues.png": lambda path: style.save(plots.eigenvalues(history), path),
        "animation.gif": lambda path: film(history, path),
    }


def _of_ensemble(history: History) -> dict[str, Saver]:
    ended = list(experiments.outcomes(history))
    look: style.Look = {"level": (experiments.TARGET, "-2 log 2")}
    return {
        "objective.png": lambda path: style.save(plots.fan(history, "objective", **look), path),
        "outcomes.png": lambda path: style.save(plots.outcomes(ended, experiments.OUTCOMES), path),
    }


def film(history: History, path: Path) -> None:
    """The tutorial's picture over the run as a GIF or MP4, by the ending of ``path``."""
    animation.animate(history, (plots.picture_panel,), fps=20).save(path)

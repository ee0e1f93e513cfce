"""Many runs of one configuration, each in a folder of its own: seeds, and knobs such as tau.

A run that is finished leaves a marker, so the same call does only what is missing, and one that was
interrupted goes on from its checkpoint. So a sweep may be stopped, spread over processes or jobs of
a cluster, and made larger at any time.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch

from gan_teach import _checks
from gan_teach._files import replacing
from gan_teach.studies.engine import Study, Tick, content, grid
from gan_teach.studies.image_runs.run import KNOBS, Settings, train_images
from gan_teach.training.loop import DivergedError

MARKER = "finished.json"


@dataclass(frozen=True)
class Outcome:
    """How a run ended: "finished", "diverged" (its results too) or "failed", and a sentence."""

    name: str
    status: str
    told: str = ""


class _Run(NamedTuple):
    folder: Path
    settings: Settings

    def content(self) -> dict[str, Any]:
        """What it is the result of: a configuration's name is not yet its content."""
        return content(settings=self.settings, experiment=self.settings.experiment())


class _Markers:
    """The store of runs that ended: a file in the folder of each."""

    def load(self, key: str, job: _Run) -> Outcome | None:
        """How it ended in an earlier call, if it did with these settings and this library."""
        file = job.folder / MARKER
        if not file.exists():
            return None
        facts = json.loads(file.read_text("utf-8"))
        same = all(facts.get(name) == value for name, value in job.content().items())
        return Outcome(key, facts["status"], "before") if same else None

    def save(self, key: str, job: _Run, result: Outcome) -> None:
        if result.status == "failed":
            return
        facts = {**job.content(), "status": result.status, "told": result.told}
        with replacing(job.folder / MARKER) as partial:
            partial.write_text(json.dumps(facts, indent=2) + "\n", "utf-8")


def _train(job: _Run, tick: Tick, *, device: str | None, every: int, threads: int) -> Outcome:
    del tick
    if threads:
        torch.set_num_threads(threads)
    start, name = time.monotonic(), job.folder.name
    try:
        train_images(
            job.settings, job.folder, device=device, resume=True, every=every,
            say=lambda text: None,
        )  # fmt: skip
    except (DivergedError, FloatingPointError) as error:
        return Outcome(name, "diverged", str(error))
    except (OSError, ValueError) as error:  # the other runs need not suffer from it
        return Outcome(name, "failed", str(error))
    return Outcome(name, "finished", f"in {time.monotonic() - start:.0f} s")


def sweep_images(
    settings: Settings,
    out: str | os.PathLike[str],
    knobs: Mapping[str, Sequence[Any]],
    *,
    jobs: int = 1,
    cluster: str | None = None,
    device: str | None = None,
    every: int = 1000,
) -> Iterator[Outcome]:
    """Train every combination of the knobs into ``out/NAME``; yields each outcome as it is known.

    Parameters
    ----------
    knobs : values of ``seed``, ``tau``, ``lr``, ``batch_size`` or ``features`` by name. Seeds vary
        most slowly, so that what is done first covers the other knobs evenly.
    jobs : processes at a time (joblib). cluster : instead, the jobs of a cluster as submitit names
        it ("slurm", "local"), waited for here; their files lie in ``out/jobs``.
    device, every : as in ``train_images``.

    Runs that finished or diverged in an earlier call come first and are not run again; one that
    failed is told and left out. Raises ValueError at the call for unknown knobs, knobs without
    values, an unknown configuration, and where joblib or submitit is needed and missing.
    """
    out = Path(out)
    settings.experiment()  # an unknown configuration ends here
    every = _checks.whole("every", every, least=1)
    jobs = _checks.whole("jobs", jobs, least=1)
    threads = max(1, (os.cpu_count() or 1) // jobs) if jobs > 1 else 0
    runs = combinations(settings, knobs)
    study = Study(
        {name: _Run(out / name, each) for name, each in runs.items()},
        partial(_train, device=device, every=every, threads=threads),
        _Markers(),
        workers=jobs,
        cluster=(cluster, out / "jobs") if cluster else None,
    )
    return (outcome for _, outcome in study.results())


def combinations(settings: Settings, knobs: Mapping[str, Sequence[Any]]) -> dict[str, Settings]:
    """The settings of each run of a sweep, by the name of its folder."""
    values = {"seed": [settings.seed], **knobs}
    for name in values:
        _checks.choice("knob", name, ("seed", *KNOBS))
    order = sorted(values, key=lambda name: name == "seed")
    return {
        "-".join(f"{name}{_short(cell[name])}" for name in order): replace(settings, **cell)
        for cell in grid(values)
    }


def _short(value: float) -> str:
    """The shortest text that is this number and no other."""
    text = f"{value:g}"
    return text if float(text) == value else repr(value)

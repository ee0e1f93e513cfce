"""Many runs of one configuration, each in a folder of its own: seeds, and knobs such as tau.

A run that is finished leaves a marker, so the same call does only what is missing, and one that was
interrupted goes on from its checkpoint. So a sweep may be stopped, spread over processes or jobs of
a cluster, and made larger at any time.
"""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from gan_teach import __version__, _checks
from gan_teach._identity import digest
from gan_teach.plots import style
from gan_teach.studies.image_runs.run import Settings, train_images
from gan_teach.training.guards import DivergedError

KNOBS = ("seed", "tau", "lr", "batch_size", "features")
MARKER = "finished.json"


@dataclass(frozen=True)
class Outcome:
    """How a run ended: "finished", "diverged" (its results too) or "failed", and a sentence."""

    name: str
    status: str
    told: str = ""


@dataclass(frozen=True)
class _Job:
    """One run of a sweep. ``checkpoint`` is what submitit calls before a job's time is over."""

    name: str
    settings: Settings
    folder: Path
    device: str | None
    every: int
    threads: int = 0

    def __call__(self) -> Outcome:
        if self.threads:
            torch.set_num_threads(self.threads)
        start = time.monotonic()
        try:
            self._train()
            outcome = Outcome(self.name, "finished", f"in {time.monotonic() - start:.0f} s")
        except (DivergedError, FloatingPointError) as error:
            outcome = Outcome(self.name, "diverged", str(error))
        except (OSError, ValueError) as error:  # the other runs need not suffer from it
            return Outcome(self.name, "failed", str(error))
        facts = {**self._identity(), "status": outcome.status, "told": outcome.told}
        with style.replacing(self.folder / MARKER) as partial:
            partial.write_text(json.dumps(facts, indent=2) + "\n", "utf-8")
        return outcome

    def _train(self) -> None:
        train_images(
            self.settings, self.folder, device=self.device, resume=True, every=self.every,
            say=lambda text: None,
        )  # fmt: skip

    def _identity(self) -> dict[str, Any]:
        """What a run is the result of: a configuration's name is not yet its content."""
        content = digest(self.settings.experiment(), self.settings.config)
        return {"library": __version__, "settings": asdict(self.settings), "experiment": content}

    def found(self) -> Outcome | None:
        """How it ended in an earlier call, if it did with these settings and this library."""
        file = self.folder / MARKER
        if not file.exists():
            return None
        facts = json.loads(file.read_text("utf-8"))
        same = all(facts.get(name) == value for name, value in self._identity().items())
        return Outcome(self.name, facts["status"], "before") if same else None

    def checkpoint(self) -> Any:
        """The same again, in a new job: it goes on from the run's last checkpoint."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


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
    planned = [
        _Job(name, each, out / name, device, every, threads)
        for name, each in combinations(settings, knobs).items()
    ]
    start = _on_cluster if cluster else _in_processes if jobs > 1 else _here
    return _outcomes(planned, lambda missing: start(missing, cluster or jobs, out))


def combinations(settings: Settings, knobs: Mapping[str, Sequence[Any]]) -> dict[str, Settings]:
    """The settings of each run of a sweep, by the name of its folder."""
    values = {"seed": [settings.seed], **knobs}
    for name, options in values.items():
        _checks.choice("knob", name, KNOBS)
        if not len(options):
            raise ValueError(f"knobs[{name!r}] is empty: name at least one value.")
    found = {}
    for chosen in itertools.product(*values.values()):
        setting = dict(zip(values, chosen, strict=True))
        order = sorted(setting, key=lambda name: name == "seed")
        found["-".join(f"{name}{_short(setting[name])}" for name in order)] = replace(
            settings, **setting
        )
    return found


def _short(value: float) -> str:
    """The shortest text that is this number and no other."""
    text = f"{value:g}"
    return text if float(text) == value else repr(value)


def _outcomes(planned: Sequence[_Job], start: Any) -> Iterator[Outcome]:
    before = [job.found() for job in planned]
    missing = [job for job, found in zip(planned, before, strict=True) if found is None]
    results = start(missing) if missing else iter(())  # what is not installed is said at the call
    return itertools.chain((found for found in before if found is not None), results)


def _here(missing: Sequence[_Job], jobs: Any, out: Path) -> Iterator[Outcome]:
    del jobs, out
    return (job() for job in missing)


def _in_processes(missing: Sequence[_Job], jobs: Any, out: Path) -> Iterator[Outcome]:
    del out
    try:
        from joblib import Parallel, delayed
    except ImportError as error:
        raise ValueError(
            f"jobs={jobs} needs joblib: pip install 'gan-teach[scale]', or take jobs=1."
        ) from error
    how: dict[str, Any] = {"return_as": "generator_unordered", "batch_size": 1}
    parallel: Any = Parallel(n_jobs=jobs, **how)
    return parallel(delayed(job)() for job in missing)


def _on_cluster(missing: Sequence[_Job], cluster: Any, out: Path) -> Iterator[Outcome]:
    try:
        import submitit
    except ImportError as error:
        raise ValueError(
            f"cluster={cluster!r} needs submitit: pip install 'gan-teach[scale]'."
        ) from error
    try:
        executor = submitit.AutoExecutor(folder=out / "jobs", cluster=cluster)
    except (ValueError, RuntimeError) as error:
        raise ValueError(
            f"cluster={cluster!r} is none that submitit finds here: {error}"
        ) from error
    executor.update_parameters(name="gan-teach", timeout_min=24 * 60)
    with executor.batch():
        submitted = [executor.submit(job) for job in missing]
    return (job.result() for job in submitit.helpers.as_completed(submitted))

"""Many jobs, each done once: what every study does with its files, processes and interruptions.

A ``Study`` has jobs by key and a function that does one. Its store says which of them are finished,
by the content of what they are the result of; only the others are done, here, in processes or on a
cluster, and each is written as soon as it is finished. So a study may be stopped at any moment and
made larger at any time.
"""

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gan_teach import __version__, _checks
from gan_teach._files import write_json
from gan_teach._identity import digest
from gan_teach._progress import progress_bar
from gan_teach.dynamics.streams import DRAWS
from gan_teach.history import History

Job = Mapping[str, Any]
Tick = Callable[[int], Any]
Results = Iterable[tuple[str, Any]]


@dataclass(frozen=True)
class Study:
    """Jobs by key, and how they are done.

    run : ``run(job, tick)`` gives a job's result; it may call ``tick(n)`` when n more of its
    ``size(job)`` are done, in the progress bar's ``unit``. store : of finished jobs, in each
    process a copy: ``load(key, job)`` gives a result, None if it is not there, and ``save(key, job,
    result)`` writes one, as a whole or not at all; None: they are lost at the end. workers :
    processes (joblib). cluster : instead, where submitit sends jobs ("slurm", "local") and the
    folder of its logs.
    """

    jobs: Mapping[str, Any]
    run: Callable[[Any, Tick], Any]
    store: Any = None
    workers: int = 1
    cluster: tuple[str, Path] | None = None
    size: Callable[[Any], int] = lambda job: 1
    unit: str = "job"

    def __call__(self, key: str, tick: Tick = lambda n: None) -> tuple[str, Any]:
        """Do one job, in any process, and keep its result."""
        result = self.run(self.jobs[key], tick)
        if self.store:
            self.store.save(key, self.jobs[key], result)
        return key, result

    def checkpoint(self, key: str) -> Any:
        """What submitit calls before a job's time is over: the same again, in a new job."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, key)

    def results(self, progress: bool = False) -> Iterator[tuple[str, Any]]:
        """(key, result) of every job as it is known, those that were finished before first.

        Raises ValueError at the call where joblib or submitit is needed and missing.
        """
        stored = ((key, self.store.load(key, job)) for key, job in self.jobs.items() if self.store)
        finished = {key: result for key, result in stored if result is not None}
        missing = [key for key in self.jobs if key not in finished]
        total, done = (sum(self.size(self.jobs[key]) for key in keys)
                       for keys in (self.jobs, finished))  # fmt: skip
        bar = progress_bar(total, self.unit, progress, done=done)
        if missing and self.cluster:
            results = self._on_cluster(missing, *self.cluster)
        elif missing and self.workers > 1:
            joblib = _checks.package("joblib", f"workers={self.workers}", "scale", ValueError)
            parallel = joblib.Parallel(self.workers, return_as="generator_unordered", batch_size=1)
            results = parallel(joblib.delayed(self)(key) for key in missing)
        else:
            results: Results = (self(key, bar.update) for key in missing)
        return itertools.chain(finished.items(), self._counted(results, bar))

    def collect(self, progress: bool = False) -> dict[str, Any]:
        """The results by key, in the order of the jobs; after Ctrl-C those that are finished."""
        results: dict[str, Any] = {}
        with suppress(KeyboardInterrupt):
            results.update(self.results(progress))  # those before an interruption are in it
        return {key: results[key] for key in self.jobs if key in results}

    def _on_cluster(self, keys: Iterable[str], cluster: str, logs: Path) -> Results:
        submitit = _checks.package("submitit", f"cluster={cluster!r}", "scale", ValueError)
        try:
            executor = submitit.AutoExecutor(folder=logs, cluster=cluster)
        except (ValueError, RuntimeError) as error:
            raise ValueError(
                f"cluster={cluster!r} is none that submitit finds here: {error}"
            ) from error
        executor.update_parameters(name="gan-teach", timeout_min=24 * 60)
        with executor.batch():
            submitted = [executor.submit(self, key) for key in keys]
        return (job.result() for job in submitit.helpers.as_completed(submitted))

    def _counted(self, results: Results, bar: Any) -> Iterator[tuple[str, Any]]:
        done = bar.n
        with bar:
            for key, result in results:
                done += self.size(self.jobs[key])
                bar.update(done - bar.n)  # what the job did not count itself
                yield key, result


def content(**parts: Any) -> dict[str, Any]:
    """What decides a result: the versions of the library and its draws, and each part's digest.

    Raises TypeError naming a part whose content cannot be read.
    """
    digests = {name: digest(part, name) for name, part in parts.items()}
    return {"library": __version__, "draws": DRAWS, **digests}


@dataclass(frozen=True)
class HistoryFiles:
    """The store of jobs that give a ``History``: ``folder/KEY.npz``.

    ``content`` is what all jobs have in common; a file is compared with it and with its job.
    """

    folder: Path
    content: Mapping[str, Any]

    def load(self, key: str, job: Job) -> History | None:
        """Raises ValueError for a damaged file and for that of another study."""
        path = self.folder / f"{key}.npz"
        if not path.exists():
            return None
        history, wanted = History.load(path), self._of(job)
        saved = history.meta.pop("study", {})
        different = [name for name in wanted if saved.get(name) != wanted[name]]
        if different:
            raise ValueError(
                f"{path} belongs to another study: it differs in {', '.join(different)}. Give each "
                "study a folder of its own."
            )
        return history

    def save(self, key: str, job: Job, result: History) -> None:
        result.describe(meta={"study": self._of(job)}).save(self.folder / f"{key}.npz")

    def _of(self, job: Job) -> dict[str, Any]:
        return {**self.content, **{name: digest(value, name) for name, value in job.items()}}


@dataclass(frozen=True)
class JsonFiles:
    """The store of jobs that give plain data: ``folder/KEY.json``.

    A file of another content than ``content(job)`` counts as missing: it is made anew.
    """

    folder: Path
    content: Callable[[Any], Mapping[str, Any]]

    def load(self, key: str, job: Any) -> Any:
        path = self.folder / f"{key}.json"
        part = json.loads(path.read_text("utf-8")) if path.exists() else {}
        return part["found"] if part.get("content") == self.content(job) else None

    def save(self, key: str, job: Any, result: Any) -> None:
        """Nothing is written of an empty result: it is asked for again."""
        if result:
            part = {"content": self.content(job), "found": result}
            write_json(self.folder / f"{key}.json", part)


def seeds_of(name: str, seeds: int | Sequence[int]) -> list[int]:
    """The seeds 0 .. n - 1 of a number n, or a list of different ones. ValueError for no others."""
    if not isinstance(seeds, (Sequence, np.ndarray)):
        return list(range(_checks.whole(name, seeds, least=1)))
    numbers = [_checks.whole(name, seed) for seed in seeds]
    _checks.not_empty(name, np.array(numbers))
    if len(set(numbers)) < len(numbers):
        raise ValueError(f"{name} names a seed twice: {numbers}.")
    return numbers


def grid(knobs: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Every combination of the knobs' values. Raises ValueError for a knob without values."""
    for name, values in knobs.items():
        if not len(values):
            raise ValueError(f"knobs[{name!r}] is empty: name at least one value.")
    return [dict(zip(knobs, cell, strict=True)) for cell in itertools.product(*knobs.values())]

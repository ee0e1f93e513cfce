"""Many jobs, each done once: what every study does with its files, processes and interruptions.

A ``Study`` has jobs by key and a function that does one. Its store says which of them are finished,
by the content of what they are the result of; only the others are done, here, in processes or on a
cluster, and each is written as soon as it is finished. So a study may be stopped at any moment and
made larger at any time.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from gan_teach import __version__
from gan_teach._identity import digest
from gan_teach.dynamics.streams import DRAWS
from gan_teach.history import History

Job = Mapping[str, Any]
Tick = Callable[[int], Any]
Results = Iterable[tuple[str, Any]]


class Store(Protocol):
    """Where finished jobs lie. Each process has a copy of it."""

    def load(self, key: str, job: Any) -> Any:
        """The result of that job, None if it is not there."""

    def save(self, key: str, job: Any, result: Any) -> None:
        """Write a result, as a whole or not at all."""


@dataclass(frozen=True)
class Study:
    """Jobs by key, and how they are done.

    run : ``run(job, tick)`` gives a job's result; it may call ``tick(n)`` when n more of its
    ``size(job)`` are done, in the progress bar's ``unit``. store : of finished jobs; None: they are
    lost at the end. workers : processes (joblib). cluster : instead, where submitit sends jobs
    ("slurm", "local") and the folder of its logs.
    """

    jobs: Mapping[str, Any]
    run: Callable[[Any, Tick], Any]
    store: Store | None = None
    workers: int = 1
    cluster: tuple[str, Path] | None = None
    size: Callable[[Any], int] = lambda job: 1
    unit: str = "job"

    def results(self, progress: bool = False) -> Iterator[tuple[str, Any]]:
        """(key, result) of every job as it is known, those that were finished before first.

        Raises ValueError at the call where joblib or submitit is needed and missing.
        """
        finished = dict(self._finished())
        tasks = [
            _Task(key, job, self.run, self.store)
            for key, job in self.jobs.items()
            if key not in finished
        ]
        bar = progress_bar(sum(map(self.size, self.jobs.values())), self.unit, progress)
        if not tasks or (self.workers == 1 and self.cluster is None):
            results: Results = (task(bar.update) for task in tasks)
        else:
            results = _on_cluster(tasks, *self.cluster) if self.cluster else self._parallel(tasks)
        return self._counted(itertools.chain(finished.items(), results), bar)

    def collect(self, progress: bool = False) -> dict[str, Any]:
        """The results by key, in the order of the jobs; after Ctrl-C those that are finished."""
        results: dict[str, Any] = {}
        with suppress(KeyboardInterrupt):
            results.update(self.results(progress))  # those before an interruption are in it
        return {key: results[key] for key in self.jobs if key in results}

    def _finished(self) -> Iterator[tuple[str, Any]]:
        for key, job in self.jobs.items() if self.store else ():
            result = self.store.load(key, job) if self.store else None
            if result is not None:
                yield key, result

    def _parallel(self, tasks: Sequence[_Task]) -> Results:
        try:
            from joblib import Parallel, delayed
        except ImportError as error:
            raise ValueError(
                f"workers={self.workers} needs joblib: pip install 'gan-teach[scale]', or take 1."
            ) from error
        options: dict[str, Any] = {"return_as": "generator_unordered", "batch_size": 1}
        parallel: Any = Parallel(n_jobs=self.workers, **options)
        return parallel(delayed(task)() for task in tasks)

    def _counted(self, results: Results, bar: Any) -> Iterator[tuple[str, Any]]:
        done = 0
        with bar:
            for key, result in results:
                done += self.size(self.jobs[key])
                bar.update(done - bar.n)  # what the job did not count itself
                yield key, result


@dataclass(frozen=True)
class _Task:
    """One job, for any process."""

    key: str
    job: Any
    run: Callable[[Any, Tick], Any]
    store: Store | None

    def __call__(self, tick: Tick = lambda n: None) -> tuple[str, Any]:
        result = self.run(self.job, tick)
        if self.store:
            self.store.save(self.key, self.job, result)
        return self.key, result

    def checkpoint(self) -> Any:
        """What submitit calls before a job's time is over: the same again, in a new job."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def _on_cluster(tasks: Sequence[_Task], cluster: str, logs: Path) -> Results:
    try:
        import submitit
    except ImportError as error:
        raise ValueError(
            f"cluster={cluster!r} needs submitit: pip install 'gan-teach[scale]'."
        ) from error
    try:
        executor = submitit.AutoExecutor(folder=logs, cluster=cluster)
    except (ValueError, RuntimeError) as error:
        raise ValueError(
            f"cluster={cluster!r} is none that submitit finds here: {error}"
        ) from error
    executor.update_parameters(name="gan-teach", timeout_min=24 * 60)
    with executor.batch():
        submitted = [executor.submit(task) for task in tasks]
    return (job.result() for job in submitit.helpers.as_completed(submitted))


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


def progress_bar(total: int, unit: str, shown: bool) -> Any:
    """A bar of tqdm, which counts in silence if it is not ``shown``."""
    from tqdm.auto import tqdm

    return tqdm(total=total, unit=f" {unit}s", unit_scale=True, mininterval=0.3, disable=not shown)

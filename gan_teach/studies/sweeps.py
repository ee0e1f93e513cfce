"""Many GANs over settings and seeds: as stacked games in chunks, or as image runs in folders.

A chunk is some tens of GANs trained as one ensemble. Finished chunks are kept as files, so that a
sweep that was stopped goes on where it was. What comes back is the ``History`` of one big ensemble
in which every member carries its settings as constants.
"""

import copy
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, cycle
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gan_teach import _checks
from gan_teach._devices import gpus
from gan_teach.games import GAN
from gan_teach.games.ensemble import stack
from gan_teach.history import History
from gan_teach.models import architecture
from gan_teach.studies.engine import HistoryFiles, JsonFiles, Study, Tick, content, grid, seeds_of
from gan_teach.studies.image_runs import train_images
from gan_teach.training import EMA, State, observe, record
from gan_teach.training.probes import Probe, mode_scores
from gan_teach.zoo import GRIDS, IMAGE_GANS, ImageGAN, Training, image_gan
from gan_teach.zoo.images import changed

OF_TRAINING = ("lr", "tau")  # knobs that go to ``train``, a number for each member
_NOT_IN_NAMES = re.compile(r"[^\w.+-]+")

Settings = dict[str, Any]
Chunk = dict[str, list[Any]]  # of each setting, its values over the members


def sweep(
    make_game: Callable[..., GAN],
    knobs: Mapping[str, Sequence[Any]],
    seeds: int | Sequence[int],
    training: Training,
    *,
    steps: int | None = None,
    every: int | None = None,
    chunk: int = 64,
    average: float | None = None,
    folder: str | Path | None = None,
    progress: bool = False,
    **probes: Probe,
) -> History:
    """Train ``make_game(seed=..., **settings)`` for every combination of the knobs and every seed.

    Parameters
    ----------
    knobs : name -> values, numbers or text. ``lr`` and ``tau`` go to ``train``; every other knob is
        an argument of ``make_game`` (a loss by its name, a width, a penalty's weight).
    seeds : of the initial weights, the data and all draws; a number of them or a list.
    training : published settings such as ``zoo.FIVE_GAUSSIANS``; ``steps`` replaces theirs.
    every : steps between records (default: only the first and the last step are recorded).
    chunk : members of one ensemble; fewer of wide networks fit into the processor's cache.
    average : half-life in steps of an exponential average of the generator, which the probes then
        see instead of the generator itself.
    folder : where each finished chunk is written as one file; the same call resumes from there.
    probes : what to record (default: ``modes``, the probe ``probes.mode_scores()``).

    Returns the history of all members, arrays (T, M, ...); ``static`` holds each member's seed and
    knobs, (M,), by name. Ctrl-C keeps the finished chunks and sets ``meta["interrupted"]``. The
    same folder also serves a call with more seeds, if the number before is a multiple of the chunk.
    A file counts as the chunk that is asked for if all that decides its numbers is equal in
    content: the functions and their settings, the training, the members, the library's version.
    Raises ValueError for a knob without values or with others than numbers and text, for no seeds,
    and for a folder of another sweep; with a folder TypeError for a function that has no readable
    text.
    """
    steps = training.steps if steps is None else _checks.whole("steps", steps, least=1)
    every = steps if every is None else _checks.whole("every", every, least=1)
    for name, values in knobs.items():
        if not all(map(np.isscalar, values)):
            raise ValueError(f"knobs[{name!r}] must be numbers or text: make_game makes the rest.")
    chosen, size = seeds_of("seeds", seeds), _checks.whole("chunk", chunk, least=1)
    plan = {"game": make_game, "training": training, "steps": steps, "every": every}
    plan |= {"average": average, "probes": probes or {"modes": mode_scores()}}
    chunks = list(_chunks(make_game, grid(knobs), chosen, size))
    study = Study(
        {f"chunk-{number:04d}": members for number, members in enumerate(chunks)},
        partial(_train, **plan),
        None if folder is None else HistoryFiles(Path(folder), content(**plan)),
        size=lambda members: len(members["seed"]) * (steps + 1),
        unit="step",
    )
    parts = list(study.collect(progress).values())
    return merge(parts, planned=sum(len(members["seed"]) for members in chunks))


def merge(parts: Sequence[History], planned: int) -> History:
    """One ensemble from several with the same records: members side by side, in the given order.

    ``planned``: how many members were asked for; with fewer it is called interrupted.
    """
    members = sum(p.meta["members"] for p in parts)
    done = {"members": members, "members_planned": planned, "interrupted": members < planned}
    if not members:
        return History([], {}, meta=done)
    first, *_ = parts = [p for p in parts if len(p)]
    arrays = {k: np.concatenate([p[k] for p in parts], axis=1) for k in first}
    static = {k: np.concatenate([p.static[k] for p in parts]) for k in first.static}
    return History(first.steps, arrays, static, {**first.meta, **done})


def _train(
    chunk: Chunk, tick: Tick, *, game: Callable[..., GAN], training: Training, steps: int,
    every: int, average: float | None, probes: Mapping[str, Any],
) -> History:  # fmt: skip
    """The history of one chunk. Raises KeyboardInterrupt after Ctrl-C."""
    own = {name: values for name, values in chunk.items() if name not in OF_TRAINING}
    members = zip(*own.values(), strict=True)
    games = [game(**dict(zip(own, member, strict=True))) for member in members]
    rates = {name: chunk[name] for name in OF_TRAINING if name in chunk}
    run: Iterator[State] = training.train(stack(games), steps=steps, seed=chunk["seed"], **rates)
    if average is not None:
        run = _averaged(run, average)
    counted = observe(run, lambda state: tick(len(games)))
    history = record(counted, every=every, **probes)
    if history.meta.get("interrupted"):
        raise KeyboardInterrupt
    return history.describe(static=chunk, meta={"static_per_member": list(chunk)})


def _averaged(run: Iterator[State], half_life: float) -> Iterator[State]:
    """The same run, seen with the average of its generator in place of the generator."""
    first = next(run)
    mean = EMA(first.game.modules()["generator"], half_life=half_life)
    shown: Any = copy.copy(first.game)
    shown.generator = mean.module
    for state in chain([first], run):
        mean(state)
        yield replace(state, game=shown)


def _chunks(
    make_game: Callable[..., GAN], cells: Sequence[Settings], seeds: Sequence[int], size: int
) -> Iterator[Chunk]:
    """All members in chunks of at most ``size``, each of one architecture.

    Blocks of seeds come first and the settings within them, so that what is done after an
    interruption covers all settings evenly.
    """
    groups: dict[str, list[Settings]] = {}
    for cell in cells:
        game = make_game(seed=seeds[0], **{k: v for k, v in cell.items() if k not in OF_TRAINING})
        kind = f"{architecture(game.generator)} {architecture(game.discriminator)}"
        groups.setdefault(kind, []).append(cell)
    for block in range(0, len(seeds), size):
        for cells in groups.values():
            several = seeds[block : block + size]
            members = [{"seed": seed, **cell} for cell in cells for seed in several]
            for start in range(0, len(members), size):
                part = members[start : start + size]
                yield {name: [member[name] for member in part] for name in members[0]}


# -- image runs -----------------------------------------------------------------------------------
#
# A run that is finished leaves a marker, so the same call does only what is missing, and one that
# was interrupted goes on from its checkpoint. So a sweep may be stopped, spread over processes or
# jobs of a cluster, and made larger at any time.


class Outcome(NamedTuple):
    """How a run ended: "finished", "diverged" (its results too) or "failed", and a sentence."""

    name: str
    status: str
    told: str = ""


class _Markers(JsonFiles):
    """The store of runs that ended: a file in the folder of each."""

    def load(self, key: str, job: Any) -> Outcome | None:
        ended = super().load(f"{key}/finished", job)
        return Outcome(key, ended[1], "before") if ended else None

    def save(self, key: str, job: Any, result: Outcome) -> None:
        if result.status != "failed":
            super().save(f"{key}/finished", job, result)


class _Run(NamedTuple):
    folder: Path
    config: ImageGAN
    device: str | None


def _train_images(job: _Run, tick: Tick, **how: Any) -> Outcome:
    del tick
    start, name = time.monotonic(), job.folder.name
    how |= {"device": job.device, "resume": True, "say": lambda text: None}
    try:
        train_images(job.config, job.folder, **how)
    except ArithmeticError as error:
        return Outcome(name, "diverged", str(error))
    except (OSError, ValueError) as error:  # the other runs need not suffer from it
        return Outcome(name, "failed", str(error))
    return Outcome(name, "finished", f"in {time.monotonic() - start:.0f} s")


def sweep_images(
    runs: Mapping[str, ImageGAN],
    out: str | os.PathLike[str],
    *,
    jobs: int = 1,
    cluster: str | None = None,
    device: str | None = None,
    **how: Any,
) -> Iterator[Outcome]:
    """Train each of the runs, as ``combinations`` names them, into ``out/NAME``.

    Yields each outcome as it is known.

    Parameters
    ----------
    jobs : processes at a time (joblib shares the cores among them). cluster : instead, the jobs of
        a cluster as submitit names it ("slurm", "local"), waited for here; their files lie in
        ``out/jobs``.
    device : "cuda" with several ``jobs`` is one GPU after the other, if there are several.
    how : every, download, stand_in and deterministic, as in ``train_images``.

    Runs that finished or diverged in an earlier call come first and are not run again; one that
    failed is told and left out. Raises ValueError where joblib or submitit is needed and missing.
    """
    out = Path(out)
    devices = cycle(gpus() if device == "cuda" and jobs > 1 else [device])
    study = Study(
        {n: _Run(out / n, c, where) for (n, c), where in zip(runs.items(), devices, strict=False)},
        partial(_train_images, **how),
        _Markers(out, lambda run: content(config=run.config)),
        workers=_checks.whole("jobs", jobs, least=1),
        cluster=(cluster, out / "jobs") if cluster else None,
    )
    return (outcome._replace(name=name) for name, outcome in study.results())


def combinations(config: ImageGAN, knobs: Mapping[str, Sequence[Any]]) -> dict[str, ImageGAN]:
    """The configuration of each combination of the knobs' values, by the name of its folder.

    ``knobs`` : values of settings by name. Seeds vary most slowly, so that what is done first
    covers the others evenly. Raises ValueError for unknown settings and for those without values.
    """
    values = {"seed": [config.seed], **knobs}
    for name in values:
        _checks.choice("knob", name, config.identity())
    order = sorted(values, key=lambda name: name == "seed")
    return {
        "-".join(name + short(cell[name]) for name in order): replace(config, **cell)
        for cell in grid(values)
    }


def short(value: Any) -> str:
    """A value in a folder's name."""
    text = os.path.basename(value) if isinstance(value, str) else str(value).removesuffix(".0")
    return _NOT_IN_NAMES.sub("_", text).strip("_")


def grid_of(
    name: str | None, knobs: Mapping[str, Sequence[Any]], /, **changes: Any
) -> dict[str, ImageGAN]:
    """The runs of a published grid or of one configuration, with values of their knobs.

    ``changes`` are settings of all runs; without a name they are all there are. Raises ValueError
    for an unknown name.
    """
    if name is None:
        return combinations(changed(None, **changes), knobs)
    if _checks.choice("NAME", name, [*IMAGE_GANS, *GRIDS]) in IMAGE_GANS:
        return combinations(image_gan(name, **changes), knobs)
    runs = {}
    for part, own in GRIDS[name].parts.items():
        values = {k: v for k, v in {**own, **knobs}.items() if k not in changes}
        cells = combinations(image_gan(part, **changes), values)
        runs |= {f"{part}/{cell}": config for cell, config in cells.items()}
    return runs

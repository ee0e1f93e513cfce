"""Many GANs over settings and seeds, as stacked games in chunks: a phase diagram, or a long study.

A chunk is some tens of GANs trained as one ensemble. Finished chunks are kept as files, so that a
sweep that was stopped goes on where it was. What comes back is the ``History`` of one big ensemble
in which every member carries its settings as constants.
"""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from gan_teach import _checks
from gan_teach.games import GAN
from gan_teach.games.ensemble import stack
from gan_teach.history import History
from gan_teach.models import architecture
from gan_teach.studies.engine import HistoryFiles, Study, Tick, content
from gan_teach.training import EMA, Run, State, observe, record
from gan_teach.training.probes import Probe, mode_scores
from gan_teach.zoo import Training

OF_TRAINING = ("lr", "tau")  # knobs that go to ``train``, a number for each member
SMALL_CHUNK, LARGE_CHUNK = 32, 256
_PARAMETERS = 2**20  # of a chunk: more of them do not fit in the processor's cache
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")

Settings = dict[str, Any]
Chunk = dict[str, list[Any]]  # of each setting, its values over the members
Labels = Mapping[str, Mapping[int, Any]]


def sweep(
    make_game: Callable[..., GAN],
    knobs: Mapping[str, Sequence[Any]],
    seeds: int | Sequence[int],
    training: Training,
    *,
    steps: int | None = None,
    every: int | None = None,
    chunk: int | None = None,
    average: float | None = None,
    folder: str | Path | None = None,
    progress: bool = False,
    **probes: Probe,
) -> History:
    """Train ``make_game(seed=..., **settings)`` for every combination of the knobs and every seed.

    Parameters
    ----------
    knobs : name -> values. ``lr`` and ``tau`` go to ``train``; every other knob is an argument of
        ``make_game`` (a loss, a width, a penalty's weight). Values of one name are told apart by
        their content, in files and results too ("r1", "r1 (2)").
    seeds : of the initial weights, the data and all draws; a number of them or a list.
    training : published settings such as ``zoo.FIVE_GAUSSIANS``; ``steps`` replaces theirs.
    every : steps between records (default: only the first and the last step are recorded).
    chunk : members of one ensemble (default: 32 to 256, by the size of the networks).
    average : half-life in steps of an exponential average of the generator, which the probes then
        see instead of the generator itself.
    folder : where each finished chunk is written as one file; the same call resumes from there.
    probes : what to record (default: ``modes``, the probe ``probes.mode_scores()``).

    Returns the history of all members, arrays (T, M, ...); ``static`` holds each member's seed and
    knobs, (M,), by name. Ctrl-C keeps the finished chunks and sets ``meta["interrupted"]``. The
    same folder also serves a call with more seeds, if the number before is a multiple of the chunk.
    A file counts as the chunk that is asked for if all that decides its numbers is equal in
    content: the functions and their settings, the training, the members, the library's version.
    Raises ValueError for a knob without values, for no seeds, and for a folder of another sweep;
    with a folder TypeError for a function that has no readable text.
    """
    steps = training.steps if steps is None else _checks.whole("steps", steps, least=1)
    every = steps if every is None else _checks.whole("every", every, least=1)
    values = {name: list(options) for name, options in knobs.items()}
    for name, options in values.items():
        _checks.not_empty(f"knobs[{name!r}]", np.empty(len(options)))
    chosen = list(range(seeds)) if isinstance(seeds, int) else [int(s) for s in seeds]
    _checks.not_empty("seeds", np.empty(len(chosen)))
    groups = _architectures(make_game, values, chosen[0])
    size = _chunk_size(groups) if chunk is None else _checks.whole("chunk", chunk, least=1)
    probes = probes or {"modes": mode_scores()}
    labels = {name: _labels(options) for name, options in values.items()}
    plan = {"training": training, "steps": steps, "every": every, "average": average}
    plan |= {"game": make_game, "probes": probes}
    chunks = list(_chunks(list(groups.values()), chosen, size))
    study = Study(
        {f"chunk-{number:04d}": chunk for number, chunk in enumerate(chunks)},
        partial(_train, labels=labels, **plan),
        None if folder is None else HistoryFiles(Path(folder), content(**plan)),
        size=lambda chunk: len(chunk["seed"]) * (steps + 1),
        unit="step",
    )
    parts = list(study.collect(progress).values())
    planned = sum(len(chunk["seed"]) for chunk in chunks)
    done = {"members_planned": planned, "interrupted": len(parts) < len(chunks)}
    if not parts:
        return History([], {}, meta={"members": 0, **done})
    return merge(parts).describe(meta=done)


def merge(parts: Sequence[History]) -> History:
    """One ensemble from several with the same records: members side by side, in the given order."""
    if not parts:
        raise ValueError("parts is empty: there is no history to merge.")
    first = parts[0]
    arrays = {k: np.concatenate([p[k] for p in parts], axis=1) for k in first}
    per_member = list(first.meta["static_per_member"])
    static = {
        k: np.concatenate([p.static[k] for p in parts]) if k in per_member else v
        for k, v in first.static.items()
    }
    meta = {**first.meta, "members": sum(p.meta["members"] for p in parts)}
    return History(first.steps, arrays, static, meta)


def _train(
    chunk: Chunk,
    tick: Tick,
    *,
    game: Callable[..., GAN],
    training: Training,
    steps: int,
    every: int,
    average: float | None,
    probes: Mapping[str, Probe],
    labels: Labels,
) -> History:
    """The history of one chunk. Raises KeyboardInterrupt after Ctrl-C."""
    of_game = [name for name in chunk if name not in OF_TRAINING]
    columns = zip(*(chunk[name] for name in of_game), strict=True)
    games = [game(**dict(zip(of_game, member, strict=True))) for member in columns]
    rates = {name: chunk[name] for name in OF_TRAINING if name in chunk}
    run: Run = training.train(stack(games), steps=steps, seed=chunk["seed"], **rates)
    if average is not None:
        run = _averaged(run, average)
    counted = observe(run, lambda state: tick(len(games)))
    watched: dict[str, Any] = dict(probes)
    history = record(counted, every=every, **watched)
    if history.meta.get("interrupted"):
        raise KeyboardInterrupt
    static = {"seed": np.array(chunk["seed"])}
    static |= {k: np.array([label[id(v)] for v in chunk[k]]) for k, label in labels.items()}
    return history.describe(static=static, meta={"static_per_member": list(static)})


def _averaged(run: Run, half_life: float) -> Run:
    """The same run, seen with the average of its generator in place of the generator."""

    def states() -> Iterator[State]:
        mean: EMA | None = None
        shown: Any = None
        for state in run:
            if mean is None:
                mean = EMA(state.game.modules()["generator"], half_life=half_life)
                shown = copy.copy(state.game)
                shown.generator = mean.module
            mean(state)
            yield replace(state, game=shown)

    return Run(states(), run.total)


def _architectures(
    make_game: Callable[..., GAN], values: Mapping[str, list[Any]], seed: int
) -> dict[tuple[int, str], list[Settings]]:
    """All combinations of the knobs, those of one architecture (size, layers) together."""
    groups: dict[tuple[int, str], list[Settings]] = {}
    for combination in itertools.product(*values.values()):
        cell = dict(zip(values, combination, strict=True))
        own = {name: value for name, value in cell.items() if name not in OF_TRAINING}
        game = make_game(seed=seed, **own)
        kind = f"{architecture(game.generator)} {architecture(game.discriminator)}"
        groups.setdefault((game.n_g + game.n_d, kind), []).append(cell)
    return groups


def _chunk_size(groups: Mapping[tuple[int, str], Any]) -> int:
    largest = max(parameters for parameters, _ in groups)
    return min(LARGE_CHUNK, max(SMALL_CHUNK, _PARAMETERS // max(1, largest)))


def _chunks(groups: Sequence[list[Settings]], seeds: Sequence[int], size: int) -> Iterator[Chunk]:
    """All members in chunks of at most ``size``, each of one architecture.

    Blocks of seeds come first and the settings within them, so that what is done after an
    interruption covers all settings evenly.
    """
    for block in range(0, len(seeds), size):
        for cells in groups:
            several = seeds[block : block + size]
            members = [{"seed": seed, **cell} for cell in cells for seed in several]
            for start in range(0, len(members), size):
                part = members[start : start + size]
                yield {name: [member[name] for member in part] for name in members[0]}


def _labels(options: Sequence[Any]) -> dict[int, Any]:
    """id of a knob's value -> what stands for it in results, each value another.

    Numbers and text stand for themselves, anything else gives its name.
    """
    labels: dict[int, Any] = {}
    for value in options:
        if isinstance(value, (bool, int, float, str)):
            labels[id(value)] = value
            continue
        name = str(getattr(value, "name", None) or _ADDRESS.sub("", repr(value)))
        same = sum(label == name or str(label).startswith(f"{name} (") for label in labels.values())
        labels.setdefault(id(value), f"{name} ({same + 1})" if same else name)
    return labels

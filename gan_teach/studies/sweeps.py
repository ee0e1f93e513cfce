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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gan_teach import _checks
from gan_teach.dynamics.streams import DRAWS
from gan_teach.games import GAN
from gan_teach.games.ensemble import stack
from gan_teach.history import History
from gan_teach.training import EMA, Run, State, observe, record
from gan_teach.training.probes import Probe, mode_scores
from gan_teach.zoo import Training

OF_TRAINING = ("lr", "tau")  # knobs that go to ``train``, a number for each member
SMALL_CHUNK, LARGE_CHUNK = 32, 256
_PARAMETERS = 2**20  # of a chunk: more of them do not fit in the processor's cache
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")

Settings = dict[str, Any]


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
        ``make_game`` (a loss, a width, a penalty's weight).
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
    Raises ValueError for a knob without values, for no seeds, and for a folder of another sweep.
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
    plan = _Plan(make_game, training, steps, every, average, probes)
    chunks = list(_chunks(list(groups.values()), chosen, size))
    return _run(plan, chunks, None if folder is None else Path(folder), progress)


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


@dataclass(frozen=True)
class _Plan:
    """What is done with every member beside its settings."""

    make_game: Callable[..., GAN]
    training: Training
    steps: int
    every: int
    average: float | None
    probes: Mapping[str, Probe]

    def facts(self) -> dict[str, Any]:
        """What must agree, beside the members, for a file to hold the chunk that is asked for."""
        of = getattr(self.make_game, "__name__", repr(self.make_game))
        return {
            "draws": DRAWS,
            "game": _ADDRESS.sub("", of),
            "training": _ADDRESS.sub("", repr(self.training)),
            "steps": self.steps,
            "every": self.every,
            "average": self.average,
            "probes": sorted(self.probes),
        }

    def train(self, members: Sequence[Settings], tick: Callable[[Any], None]) -> History:
        """The history of one chunk, members in the given order."""
        games = [self.make_game(**_of_game(m)) for m in members]
        per_run = {k: [m[k] for m in members] for k in OF_TRAINING if k in members[0]}
        run: Run = self.training.train(
            stack(games), steps=self.steps, seed=[m["seed"] for m in members], **per_run
        )
        if self.average is not None:
            run = _averaged(run, self.average)
        probes: dict[str, Any] = dict(self.probes)
        history = record(observe(run, tick), every=self.every, **probes)
        static = _constants(members)
        meta = {"static_per_member": list(static), "sweep": self.facts()}
        return history.describe(static=static, meta=meta)


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


def _run(plan: _Plan, chunks: list[list[Settings]], folder: Path | None, progress: bool) -> History:
    parts: list[History] = []
    planned = sum(map(len, chunks))
    with _bar(planned * (plan.steps + 1), progress) as advance:
        for number, members in enumerate(chunks):
            path = None if folder is None else folder / f"chunk-{number:04d}.npz"
            try:
                part = _chunk(plan, members, path, advance)
            except KeyboardInterrupt:
                break
            parts.append(part)
    done = {"members_planned": planned, "interrupted": len(parts) < len(chunks)}
    if not parts:
        return History([], {}, meta={"sweep": plan.facts(), "members": 0, **done})
    return merge(parts).describe(meta=done)


def _chunk(
    plan: _Plan, members: list[Settings], path: Path | None, advance: Callable[[int], Any]
) -> History:
    """The chunk from its file, or trained and written there."""
    if path is not None and path.exists():
        advance(len(members) * (plan.steps + 1))
        return _load(path, plan.facts(), _constants(members))
    part = plan.train(members, lambda state: advance(len(members)))
    if part.meta.get("interrupted"):
        raise KeyboardInterrupt
    if path is not None:
        part.save(path)
    return part


def _load(path: Path, facts: Mapping[str, Any], members: Mapping[str, np.ndarray]) -> History:
    part = History.load(path)
    found = part.meta.get("sweep", {})
    different = [k for k in facts if found.get(k) != facts[k]]
    different += [k for k in members if not np.array_equal(part.static.get(k, []), members[k])]
    if different:
        raise ValueError(
            f"{path} belongs to another sweep: its {', '.join(different)} differ. Give each sweep "
            "a folder of its own."
        )
    return part


def _constants(members: Sequence[Settings]) -> dict[str, np.ndarray]:
    """Seed and knobs of each member, (M,) by name."""
    return {k: np.array([_plain(m[k]) for m in members]) for k in members[0]}


def _architectures(
    make_game: Callable[..., GAN], values: Mapping[str, list[Any]], seed: int
) -> dict[tuple[int, str], list[Settings]]:
    """All combinations of the knobs, those of one architecture (size, layers) together."""
    groups: dict[tuple[int, str], list[Settings]] = {}
    for combination in itertools.product(*values.values()):
        cell = dict(zip(values, combination, strict=True))
        game = make_game(seed=seed, **_of_game(cell))
        shapes = [tuple(p.shape) for p in (*game.g_params, *game.d_params)]
        kind = f"{game.generator} {game.discriminator} {shapes}"
        groups.setdefault((game.n_g + game.n_d, kind), []).append(cell)
    return groups


def _chunk_size(groups: Mapping[tuple[int, str], Any]) -> int:
    largest = max(parameters for parameters, _ in groups)
    return min(LARGE_CHUNK, max(SMALL_CHUNK, _PARAMETERS // max(1, largest)))


def _chunks(
    groups: Sequence[list[Settings]], seeds: Sequence[int], size: int
) -> Iterator[list[Settings]]:
    """All members in chunks of at most ``size``, each of one architecture.

    Blocks of seeds come first and the settings within them, so that what is done after an
    interruption covers all settings evenly.
    """
    for block in range(0, len(seeds), size):
        for cells in groups:
            part = seeds[block : block + size]
            members = [{"seed": seed, **cell} for cell in cells for seed in part]
            for start in range(0, len(members), size):
                yield members[start : start + size]


def _of_game(settings: Settings) -> Settings:
    return {k: v for k, v in settings.items() if k not in OF_TRAINING}


def _plain(value: Any) -> Any:
    """A setting as it goes into a file: numbers and text stay, a loss or penalty gives its name."""
    if isinstance(value, (bool, int, float, str)):
        return value
    return str(getattr(value, "name", _ADDRESS.sub("", repr(value))))


class _bar:
    """A progress bar over member-steps, or nothing: ``with _bar(total, shown) as advance``."""

    def __init__(self, total: int, shown: bool) -> None:
        self.total, self.shown, self._bar = total, shown, None

    def __enter__(self) -> Callable[[int], Any]:
        if not self.shown:
            return lambda n: None
        from tqdm.auto import tqdm

        self._bar = tqdm(total=self.total, unit="step", unit_scale=True, mininterval=0.3)
        return self._bar.update

    def __exit__(self, *_: Any) -> None:
        if self._bar is not None:
            self._bar.close()

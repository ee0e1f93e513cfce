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
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from gan_teach import __version__, _checks
from gan_teach._identity import digest, fingerprint
from gan_teach.dynamics.streams import DRAWS
from gan_teach.games import GAN
from gan_teach.games.ensemble import stack
from gan_teach.history import History
from gan_teach.models import architecture
from gan_teach.training import EMA, Run, State, observe, record
from gan_teach.training.probes import Probe, mode_scores
from gan_teach.zoo import Training

OF_TRAINING = ("lr", "tau")  # knobs that go to ``train``, a number for each member
SMALL_CHUNK, LARGE_CHUNK = 32, 256
_PARAMETERS = 2**20  # of a chunk: more of them do not fit in the processor's cache
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")

Settings = dict[str, Any]
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
    plan = _Plan(make_game, training, steps, every, average, probes)
    labels = {name: _labels(options) for name, options in values.items()}
    chunks = list(_chunks(list(groups.values()), chosen, size))
    files = None if folder is None else _Files(Path(folder), plan.facts())
    return _run(plan, chunks, labels, files, progress)


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
        """The content of all of it, by which a file of another sweep is told."""
        named = {
            "game": self.make_game,
            **{f.name: getattr(self, f.name) for f in fields(self)[1:]},
        }
        return {
            "draws": DRAWS,
            "library": __version__,
            **{name: fingerprint(value, name) for name, value in named.items()},
        }

    def train(
        self, members: Sequence[Settings], labels: Labels, tick: Callable[[Any], None]
    ) -> History:
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
        if history.meta.get("interrupted"):
            raise KeyboardInterrupt
        static = {"seed": np.array([m["seed"] for m in members])}
        static |= {k: np.array([label[id(m[k])] for m in members]) for k, label in labels.items()}
        return history.describe(static=static, meta={"static_per_member": list(static)})


@dataclass(frozen=True)
class _Files:
    """Finished chunks in a folder, each with the content of what it is the result of."""

    folder: Path
    facts: Mapping[str, Any]

    def load(self, number: int, members: Sequence[Settings]) -> History | None:
        """The chunk, if it is there. Raises ValueError for the file of another sweep."""
        path = self._path(number)
        if not path.exists():
            return None
        part, wanted = History.load(path), self._identity(members)
        meta = dict(part.meta)
        saved = meta.pop("sweep", {})
        different = [k for k in wanted if saved.get(k) != wanted[k]]
        if different:
            raise ValueError(
                f"{path} belongs to another sweep: its {', '.join(different)} differ. Give each "
                "sweep a folder of its own."
            )
        return History(part.steps, {k: part[k] for k in part}, part.static, meta)

    def save(self, number: int, members: Sequence[Settings], part: History) -> None:
        part.describe(meta={"sweep": self._identity(members)}).save(self._path(number))

    def _path(self, number: int) -> Path:
        return self.folder / f"chunk-{number:04d}.npz"

    def _identity(self, members: Sequence[Settings]) -> dict[str, Any]:
        return {**self.facts, **{k: digest([m[k] for m in members], k) for k in members[0]}}


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


def _run(
    plan: _Plan, chunks: list[list[Settings]], labels: Labels, files: _Files | None, progress: bool
) -> History:
    parts: list[History] = []
    planned = sum(map(len, chunks))
    with _bar(planned * (plan.steps + 1), progress) as advance:
        for number, members in enumerate(chunks):
            try:
                part = files.load(number, members) if files else None
                if part is not None:
                    advance(len(members) * (plan.steps + 1))
                else:
                    part = plan.train(members, labels, partial(_tick, advance, len(members)))
                    if files:
                        files.save(number, members, part)
            except KeyboardInterrupt:
                break
            parts.append(part)
    done = {"members_planned": planned, "interrupted": len(parts) < len(chunks)}
    if not parts:
        return History([], {}, meta={"members": 0, **done})
    return merge(parts).describe(meta=done)


def _tick(advance: Callable[[int], Any], members: int, state: State) -> None:
    del state
    advance(members)


def _architectures(
    make_game: Callable[..., GAN], values: Mapping[str, list[Any]], seed: int
) -> dict[tuple[int, str], list[Settings]]:
    """All combinations of the knobs, those of one architecture (size, layers) together."""
    groups: dict[tuple[int, str], list[Settings]] = {}
    for combination in itertools.product(*values.values()):
        cell = dict(zip(values, combination, strict=True))
        game = make_game(seed=seed, **_of_game(cell))
        kind = f"{architecture(game.generator)} {architecture(game.discriminator)}"
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

"""Image GANs trained into folders, so that they can be stopped, resumed and looked at.

A run's folder holds settings.json, checkpoint.pt (all that the run needs to go on), losses.csv,
sheets of samples from fixed latents, and in generators/ the weights of G and of its averages on the
way, which is what an evaluation along the path reads. ``watch`` is a short run in memory.
"""

import copy
import json
import os
import pickle
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from gan_teach import _checks
from gan_teach._devices import described
from gan_teach._files import replacing
from gan_teach.data import Images, StreamedFolder
from gan_teach.games import GAN
from gan_teach.history import History
from gan_teach.studies.engine import Study, Tick, content, grid
from gan_teach.studies.image_files import (
    Keeper,
    between as between,
    draw as draw,
    fixed_latents as fixed_latents,
    interrupts,
    save_film as save_film,
    save_sheet as save_sheet,
)
from gan_teach.training import EMA, State, observe, probes, processes, record
from gan_teach.training.checkpoints import load_checkpoint
from gan_teach.training.loop import DivergedError, stop_on_nan
from gan_teach.training.processes import World
from gan_teach.zoo import IMAGE_GANS, ImageGAN

KNOBS = ("tau", "lr", "batch_size", "features")  # of a configuration, which a run may change
RAW = "raw"  # G itself, beside its averages
_ASK_EVERY = 10  # steps between questions to the other processes, for which all of them wait
_SETTINGS, _CHECKPOINT = "settings.json", "checkpoint.pt"
MARKER = "finished.json"  # of a run in a sweep


@dataclass(frozen=True)
class Settings:
    """What a run is started with; it may be resumed with other ``steps`` and ``workers``.

    ``workers`` threads read a folder or zip archive anew for each batch; None: it is kept in
    memory.
    """

    config: str
    data: str | None = None
    steps: int | None = None
    tau: float | None = None
    lr: float | None = None
    batch_size: int | None = None
    features: int | None = None
    bottleneck: bool = False
    seed: int = 0
    autocast: str | None = None
    channels_last: bool = False
    skip_bad: bool = False
    workers: int | None = None

    def experiment(self) -> ImageGAN:
        """The published experiment with these changes. Raises ValueError for an unknown name."""
        base = IMAGE_GANS[_checks.choice("CONFIG", self.config, IMAGE_GANS)]
        changes = {name: getattr(self, name) for name in ("steps", *KNOBS)}
        changes = {name: value for name, value in changes.items() if value is not None}
        return replace(base, bottleneck=self.bottleneck or base.bottleneck, **changes)

    def images(self) -> tuple[Images | StreamedFolder, str]:
        """The data, and a sentence if they stand in for what was not found."""
        experiment = self.experiment()
        if self.workers is None:
            return experiment.images(self.data, skip_bad=self.skip_bad)
        if self.data is None:
            raise ValueError(
                "workers read a folder or zip archive of images: name one as data (--data)."
            )
        images = StreamedFolder(
            self.data, experiment.size, workers=self.workers, flip=experiment.flip,
            dequantize=experiment.dequantize, skip_bad=self.skip_bad,
        )  # fmt: skip
        return images, ""


@dataclass
class Trained:
    """What a run leaves: its settings, and G ("raw") and its averages ("0.999") at ``step``.

    ``shape`` is that of an image, (channels, height, width).
    """

    settings: Settings
    shape: tuple[int, ...]
    generators: dict[str, nn.Module]
    step: int

    @property
    def latent(self) -> int:
        """Dimension of the latents."""
        return self.settings.experiment().latent


def train_images(
    settings: Settings,
    out: str | os.PathLike[str],
    *,
    device: str | None = None,
    resume: bool = False,
    every: int = 1000,
    progress: bool = False,
    tensorboard: bool = False,
    say: Callable[[str], None] = print,
) -> Trained:
    """Train into the folder ``out``, saving on every ``every``-th step, on Ctrl-C and at the end.

    ``device``: where to train; None is a GPU if there is one, which is said, else the CPU.
    ``resume`` goes on from the folder's checkpoint, bit for bit on the CPU, or starts where there
    is none; other ``steps`` are refused where the learning rate follows them (RS-GAN's falls to 0
    over the run's own length). ``tensorboard`` logs there too. Under ``accelerate launch`` the
    processes share each batch, and the first of them writes; only on every 10th step they ask each
    other whether one of them was interrupted.

    Raises ValueError for a folder that holds another run, OSError for one that cannot be written,
    DivergedError when a loss becomes NaN, KeyboardInterrupt after Ctrl-C; what was saved before
    stays.
    """
    out, every = Path(out), _checks.whole("every", every, least=1)
    experiment, world = settings.experiment(), processes.join(device)
    say = say if world.main else lambda text: None
    if device is None and world.device != "cpu":
        say(described(world.device))
    checkpoint = _claim(out, resume, world)
    game = _game(settings, say)
    run = experiment.train(
        game, rule=processes.share(game, experiment.rule(), world), seed=settings.seed,
        device=world.device, resume=checkpoint,
    )  # fmt: skip
    averages = {f"{decay:g}": EMA(game.generator, decay=decay) for decay in experiment.averages}
    extras: dict[str, Any] = {f"ema_{name}": average for name, average in averages.items()}
    if checkpoint:
        load_checkpoint(checkpoint, **extras)
    world.wait()  # until all have read what the first one will soon replace
    generators = {RAW: game.generator, **{k: average.module for k, average in averages.items()}}
    trained = Trained(settings, game.data.shape, generators, experiment.steps + 1 - run.total)
    keeper = None
    if world.main:
        _write_json(out / _SETTINGS, {**asdict(settings), "shape": trained.shape})
        keeper = Keeper(out, trained, extras, every, progress, tensorboard)
    watched = stop_on_nan(run, out / _CHECKPOINT)
    for average in averages.values():
        watched = observe(watched, average)
    trained.step = _follow(watched, world, keeper)
    return trained


def _game(settings: Settings, say: Callable[[str], None]) -> GAN:
    images: Any
    images, note = settings.images()
    if note:
        say(note)
    game = settings.experiment().game(images, settings.seed, settings.autocast)
    if settings.channels_last:
        game.to(memory_format=torch.channels_last)
    say(f"{settings.config}: {images}; G has {game.n_g:,} parameters, D {game.n_d:,}.")
    return game


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    with replacing(path) as unfinished:
        unfinished.write_text(json.dumps(content, indent=2) + "\n", "utf-8")


def _follow(run: Iterable[State], world: World, keeper: Keeper | None) -> int:
    """Go through a run to its end or to Ctrl-C; the step that it reached."""
    step = 0
    with interrupts() as interrupted, keeper or nullcontext():
        for state in run:
            step = state.step
            if keeper:
                keeper(state)
            asking = world.size == 1 or state.step % _ASK_EVERY == 0
            if asking and world.any(bool(interrupted)):
                if keeper:
                    keeper.save(state)
                raise KeyboardInterrupt
    world.wait()  # until the first one has written the end
    world.close()
    return step


def load_run(folder: str | os.PathLike[str], step: int | None = None) -> Trained:
    """The generators of a run as it saved them at ``step``, or last, on the CPU.

    The data are not needed. Raises FileNotFoundError if there is no run, ValueError if its file of
    generators is damaged.
    """
    file, files = Path(folder) / _SETTINGS, snapshots(folder)
    if not file.exists() or not files:
        raise FileNotFoundError(
            f"{folder} holds no trained run ({_SETTINGS} and saved generators): "
            "make one with gan-teach train CONFIG --out FOLDER."
        )
    saved = json.loads(file.read_text("utf-8"))
    shape, settings = tuple(saved.pop("shape")), Settings(**saved)
    experiment, step = settings.experiment(), max(files) if step is None else step
    first, _ = experiment.pair(experiment, shape, 0, 0)
    names = [RAW, *(f"{decay:g}" for decay in experiment.averages)]
    generators = {name: copy.deepcopy(first) for name in names}
    try:
        weights = torch.load(files[step], weights_only=True, map_location="cpu")
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise ValueError(f"{files[step]} is damaged: copy or train it again.") from error
    for name, g in generators.items():
        g.load_state_dict(weights[name])
    return Trained(settings, shape, generators, step)


def snapshots(folder: str | os.PathLike[str]) -> dict[int, Path]:
    """The files of generators on a run's way, by step; ``load_run`` reads one."""
    files = sorted((Path(folder) / "generators").glob("[0-9]*.pt"))  # none that was being written
    return {int(file.stem): file for file in files}


def _claim(out: Path, resume: bool, world: World) -> Path | None:
    """Make the folder; the checkpoint to go on from. Raises ValueError if that was not asked for.

    The checkpoint itself says which settings it goes on with.
    """
    out.mkdir(parents=True, exist_ok=True)
    for rest in out.rglob(".*.partial*") if world.main else ():
        rest.unlink(missing_ok=True)  # of a process that was killed while it wrote
    if not (out / _CHECKPOINT).exists():
        return None
    if not resume:
        raise ValueError(
            f"{out} already holds a run: go on with it by --resume, or choose another --out."
        )
    return out / _CHECKPOINT


def watch(
    config: ImageGAN,
    game: GAN,
    *,
    records: int = 20,
    n: int = 16,
    scored: int = 256,
    title: str = "",
    **changes: Any,
) -> History:
    """Train ``game`` as ``config`` says, except for ``changes``, and record it for the plots.

    About ``records`` records, evenly: ``images`` (n, channels, height, width) from latents that
    stay the same; ``d_loss`` and ``g_loss``; ``d_real`` and ``d_fake``, the mean of D on ``scored``
    fixed real and generated images, D in evaluation mode. ``changes`` are arguments of
    ``gan_teach.train``. To keep a run in files, use ``train_images``.
    """
    settings = config.arguments(**changes)
    every = max(1, settings["steps"] // _checks.whole("records", records, least=1))
    history = record(
        config.train(game, **changes), every=every, images=probes.samples(n),
        scores=probes.scores(scored), d_loss=probes.loss("d"), g_loss=probes.loss("g"),
    )  # fmt: skip
    d_real, d_fake = history["scores"].T
    meta = {"loss": config.loss.name, "label_smoothing": config.label_smoothing, "unit": "step"}
    meta |= {"title": title} if title else {}
    return history.with_arrays(d_real=d_real, d_fake=d_fake).describe(meta=meta)


# -- many: seeds and knobs ------------------------------------------------------------------------
#
# A run that is finished leaves a marker, so the same call does only what is missing, and one that
# was interrupted goes on from its checkpoint. So a sweep may be stopped, spread over processes or
# jobs of a cluster, and made larger at any time.


class Outcome(NamedTuple):
    """How a run ended: "finished", "diverged" (its results too) or "failed", and a sentence."""

    name: str
    status: str
    told: str = ""


class _Run(NamedTuple):
    folder: Path
    settings: Settings

    def content(self) -> dict[str, Any]:
        """What it is the result of: a configuration's name is not yet its content."""
        return content(settings=self.settings, experiment=self.settings.experiment())


class _Markers:
    """The store of runs that ended: a file in the folder of each."""

    def load(self, key: str, job: _Run) -> Outcome | None:
        """How it ended in an earlier call, if it did with these settings and this library."""
        file = job.folder / MARKER
        facts = json.loads(file.read_text("utf-8")) if file.exists() else {}
        same = job.content().items() <= facts.items()
        return Outcome(key, facts["status"], "before") if same else None

    def save(self, key: str, job: _Run, result: Outcome) -> None:
        if result.status != "failed":
            facts = {**job.content(), "status": result.status, "told": result.told}
            _write_json(job.folder / MARKER, facts)


def _train(job: _Run, tick: Tick, **how: Any) -> Outcome:
    del tick
    start, name = time.monotonic(), job.folder.name
    try:
        train_images(job.settings, job.folder, resume=True, say=lambda text: None, **how)
    except (DivergedError, FloatingPointError) as error:
        return Outcome(name, "diverged", str(error))
    except (OSError, ValueError) as error:  # the other runs need not suffer from it
        return Outcome(name, "failed", str(error))
    return Outcome(name, "finished", f"in {time.monotonic() - start:.0f} s")


def sweep_images(
    settings: Settings,
    out: str | os.PathLike[str],
    knobs: Mapping[str, Sequence[Any]],
    *,
    jobs: int = 1,
    cluster: str | None = None,
    **how: Any,
) -> Iterator[Outcome]:
    """Train every combination of the knobs into ``out/NAME``; yields each outcome as it is known.

    Parameters
    ----------
    knobs : values of ``seed``, ``tau``, ``lr``, ``batch_size`` or ``features`` by name. Seeds vary
        most slowly, so that what is done first covers the other knobs evenly.
    jobs : processes at a time (joblib shares the cores among them). cluster : instead, the jobs of
        a cluster as submitit names it ("slurm", "local"), waited for here; their files lie in
        ``out/jobs``.
    how : device and every, as in ``train_images``.

    Runs that finished or diverged in an earlier call come first and are not run again; one that
    failed is told and left out. Raises ValueError at the call for unknown knobs, knobs without
    values, an unknown configuration, and where joblib or submitit is needed and missing.
    """
    out, runs = Path(out), combinations(settings, knobs)
    study = Study(
        {name: _Run(out / name, each) for name, each in runs.items()},
        partial(_train, **how),
        _Markers(),
        workers=_checks.whole("jobs", jobs, least=1),
        cluster=(cluster, out / "jobs") if cluster else None,
    )
    return (outcome for _, outcome in study.results())


def combinations(settings: Settings, knobs: Mapping[str, Sequence[Any]]) -> dict[str, Settings]:
    """The settings of each run of a sweep, by the name of its folder."""
    values = {"seed": [settings.seed], **knobs}
    for name in values:
        _checks.choice("knob", name, ("seed", *KNOBS))
    order = sorted(values, key=lambda name: name == "seed")
    return {
        "-".join(name + str(cell[name]).removesuffix(".0") for name in order): replace(
            settings, **cell
        )
        for cell in grid(values)
    }

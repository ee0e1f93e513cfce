"""Starting, resuming and loading a run; and a short one in memory."""

from __future__ import annotations

import copy
import json
import os
import pickle
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from gan_teach import _checks
from gan_teach._devices import described
from gan_teach._files import replacing
from gan_teach._identity import fingerprint
from gan_teach.data import Images, StreamedFolder
from gan_teach.games import GAN
from gan_teach.history import History
from gan_teach.studies.engine import differences, progress_bar
from gan_teach.studies.image_runs.drawing import fixed_latents
from gan_teach.studies.image_runs.keeper import Keeper, counted, event_writer, interrupts
from gan_teach.training import EMA, State, observe, probes, processes, record
from gan_teach.training.checkpoints import load_checkpoint
from gan_teach.training.loop import stop_on_nan
from gan_teach.training.processes import World
from gan_teach.zoo import IMAGE_GANS, ImageGAN

KNOBS = ("tau", "lr", "batch_size", "features")  # of a configuration, which a run may change
RAW = "raw"  # G itself, beside its averages
_SHEET = 64  # samples
_ASK_EVERY = 10  # steps between questions to the other processes, for which all of them wait
_SETTINGS, _CHECKPOINT = "settings.json", "checkpoint.pt"


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
        if self.workers is not None:
            return self._streamed(self.workers), ""
        options = {"skip_bad": True} if self.skip_bad and self.data is not None else {}
        return self.experiment().images(self.data, **options)

    def _streamed(self, workers: int) -> StreamedFolder:
        if self.data is None:
            raise ValueError(
                "workers read a folder or zip archive of images: name one as data (--data)."
            )
        experiment = self.experiment()
        return StreamedFolder(
            self.data, experiment.size, workers=workers, flip=experiment.flip,
            dequantize=experiment.dequantize, skip_bad=self.skip_bad,
        )  # fmt: skip


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

    def load(self, snapshot: Path) -> None:
        """Put the weights of one of ``snapshots(folder)`` into the generators.

        Raises ValueError naming a damaged file.
        """
        try:
            weights = torch.load(snapshot, weights_only=True, map_location="cpu")
        except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise ValueError(f"{snapshot} is damaged: copy or train it again.") from error
        for name, g in self.generators.items():
            g.load_state_dict(weights[name])
        self.step = int(snapshot.stem)


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
    going_on = _claim(out, settings, resume, world)
    game = _game(settings, say)
    checkpoint, rule = out / _CHECKPOINT, processes.share(game, experiment.rule(), world)
    run = experiment.train(
        game, rule=rule, seed=settings.seed, device=world.device,
        resume=checkpoint if going_on else None,
    )  # fmt: skip
    averages = {decay: EMA(game.generator, decay=decay) for decay in experiment.averages}
    extras: dict[str, Any] = {f"ema_{decay:g}": average for decay, average in averages.items()}
    if going_on:
        load_checkpoint(checkpoint, **extras)
    world.wait()  # until all have read what the first one will soon replace
    watched = stop_on_nan(run, checkpoint)
    for average in averages.values():
        watched = observe(watched, average)
    generators = {RAW: game.generator, **{f"{k:g}": v.module for k, v in averages.items()}}
    keeper = None
    if world.main:
        content = json.dumps({**asdict(settings), "shape": game.data.shape}, indent=2)
        with replacing(out / _SETTINGS) as partial:
            partial.write_text(content + "\n", "utf-8")
        latents = fixed_latents(_SHEET, experiment.latent, settings.seed)
        events = event_writer(out / "tensorboard") if tensorboard else None
        keeper = Keeper(out, generators, extras, latents, experiment.steps, every, events)
    images = experiment.steps * experiment.batch_size
    with progress_bar(images, "image", progress and world.main) as bar:  # closed before an error
        step = _follow(counted(watched, experiment.batch_size, bar), world, keeper)
    return Trained(settings, game.data.shape, generators, step)


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


def _follow(run: Iterable[State], world: World, keeper: Keeper | None) -> int:
    """Go through a run to its end or to Ctrl-C; the step that it reached."""
    step = 0
    with interrupts() as interrupted, keeper or nullcontext():
        for state in run:
            step = state.step
            if keeper:
                keeper(state)
            asking = world.size == 1 or state.step % _ASK_EVERY == 0
            if asking and world.any(interrupted()):
                if keeper:
                    keeper.save(state)
                raise KeyboardInterrupt
    world.wait()  # until the first one has written the end
    world.close()
    return step


def load_run(folder: str | os.PathLike[str]) -> Trained:
    """The generators of a run as it saved them last, on the CPU; the data are not needed.

    Raises FileNotFoundError if there is no run, ValueError if its file of generators is damaged.
    """
    folder = Path(folder)
    if not (folder / _SETTINGS).exists() or not snapshots(folder):
        raise FileNotFoundError(
            f"{folder} holds no trained run ({_SETTINGS} and saved generators): "
            "make one with gan-teach train CONFIG --out FOLDER."
        )
    saved = json.loads((folder / _SETTINGS).read_text("utf-8"))
    shape = tuple(saved.pop("shape"))
    settings = Settings(**saved)
    experiment = settings.experiment()
    g, _ = experiment.pair(experiment, shape, 0, 0)
    averages = {f"{decay:g}": copy.deepcopy(g) for decay in experiment.averages}
    trained = Trained(settings, shape, {RAW: g, **averages}, 0)
    trained.load(list(snapshots(folder).values())[-1])
    return trained


def snapshots(folder: str | os.PathLike[str]) -> dict[int, Path]:
    """The files of generators on a run's way, by step; ``Trained.load`` reads one."""
    files = sorted((Path(folder) / "generators").glob("[0-9]*.pt"))  # none that was being written
    return {int(file.stem): file for file in files}


def _claim(out: Path, settings: Settings, resume: bool, world: World) -> bool:
    """Make the folder; whether it holds a run to go on with. Raises ValueError for another run."""
    out.mkdir(parents=True, exist_ok=True)
    for rest in out.rglob(".*.partial*") if world.main else ():
        rest.unlink(missing_ok=True)  # of a process that was killed while it wrote
    if not (out / _CHECKPOINT).exists():
        return False
    if not resume:
        raise ValueError(
            f"{out} already holds a run: go on with it by --resume, or choose another --out."
        )
    file = out / _SETTINGS
    saved = json.loads(file.read_text("utf-8")) if file.exists() else asdict(settings)
    free = {"steps", "workers", "shape"}  # what may be another when a run is resumed
    if _schedule(replace(settings, steps=saved["steps"])) != _schedule(settings):
        free.remove("steps")
    made, now = (
        {name: value for name, value in each.items() if name not in free}
        for each in (saved, asdict(settings))
    )
    if different := differences(made, now):
        raise ValueError(f"{out} was started with {different}: resume it with the settings it had.")
    return True


def _schedule(settings: Settings) -> Any:
    """The content of the run's schedule: where it follows the steps, their number is no more free
    than a rate."""
    return fingerprint(settings.experiment().arguments().get("schedule"), "schedule")


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
    arrays = {name: history[name] for name in history if name != "scores"}
    d_real, d_fake = history["scores"].T
    meta = {"loss": config.loss.name, "label_smoothing": config.label_smoothing, "unit": "step"}
    return History(
        history.steps, {**arrays, "d_real": d_real, "d_fake": d_fake},
        meta={**history.meta, **meta, **({"title": title} if title else {})},
    )  # fmt: skip

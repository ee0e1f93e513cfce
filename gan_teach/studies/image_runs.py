"""Image GANs trained into folders, so that they can be stopped, resumed and looked at.

A run's folder holds settings.json, checkpoint.pt (all that the run needs to go on), losses.csv,
sheets of samples from fixed latents, and in generators/ the weights of G and of its averages on the
way, which is what an evaluation along the path reads. ``watch`` is a short run in memory.
"""

from __future__ import annotations

import copy
import io
import json
import os
import pickle
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from gan_teach import _checks
from gan_teach._devices import described
from gan_teach._files import replacing
from gan_teach._progress import progress_bar
from gan_teach.data import Images, Normal, StreamedFolder
from gan_teach.dynamics.streams import generator
from gan_teach.games import GAN
from gan_teach.history import History
from gan_teach.plots.animation import write_gif
from gan_teach.plots.images import sheet
from gan_teach.studies.engine import read_csv, write_csv
from gan_teach.training import EMA, State, observe, probes, processes, record
from gan_teach.training.checkpoints import load_checkpoint, save_checkpoint
from gan_teach.training.loop import check_finite, stop_on_nan
from gan_teach.training.processes import World
from gan_teach.zoo import IMAGE_GANS, ImageGAN

KNOBS = ("tau", "lr", "batch_size", "features")  # of a configuration, which a run may change
RAW = "raw"  # G itself, beside its averages
_ASK_EVERY = 10  # steps between questions to the other processes, for which all of them wait
_SETTINGS, _CHECKPOINT = "settings.json", "checkpoint.pt"
LOG_EVERY = 50
_SHEET = 64  # samples
_STREAM = 64  # keeps these latents apart from those that a run trains on
_STATISTICS = 1 << 20  # the seed of the latents that give batch norm its statistics
_READABLE = 96  # pixels that a small image is enlarged to


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
        write_json(out / _SETTINGS, {**asdict(settings), "shape": trained.shape})
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


def write_json(path: Path, content: Mapping[str, Any]) -> None:
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
    average: EMA | None = None,
    **changes: Any,
) -> History:
    """Train ``game`` as ``config`` says, except for ``changes``, and record it for the plots.

    About ``records`` records, evenly: ``images`` (n, channels, height, width) from latents that
    stay the same; ``d_loss`` and ``g_loss``; ``d_real`` and ``d_fake``, the mean of D on ``scored``
    fixed real and generated images, D in evaluation mode. An ``average`` of G follows the run, and
    then draws the images, with statistics of its own (``refresh``). ``changes`` are arguments of
    ``gan_teach.train``. To keep a run in files, use ``train_images``.
    """
    settings = config.arguments(**changes)
    every = max(1, settings["steps"] // _checks.whole("records", records, least=1))
    run, images = config.train(game, **changes), probes.samples(n)
    if average is not None:
        latents = fixed_latents(n, config.latent)
        run = observe(run, average)
        images = lambda state: draw(refresh(average.module, config.latent), latents)  # noqa: E731
    history = record(
        run, every=every, images=images, scores=probes.scores(scored),
        d_loss=probes.loss("d"), g_loss=probes.loss("g"),
    )  # fmt: skip
    d_real, d_fake = history["scores"].T
    meta = {"loss": config.loss.name, "label_smoothing": config.label_smoothing, "unit": "step"}
    meta |= {"title": title} if title else {}
    return history.with_arrays(d_real=d_real, d_fake=d_fake).describe(meta=meta)


# -- along a run -----------------------------------------------------------------------------------


class Keeper(AbstractContextManager["Keeper"]):
    """Saves a run's files on every ``every``-th step and at step ``last``; ends its log after it.

    Each file is replaced as a whole, so that one is found at any moment, and the checkpoint comes
    last: what it continues from is complete. losses.csv goes on from the step of ``trained``. The
    progress bar counts images: its rate is images per second. For TensorBoard a resumed run adds a
    file; what it repeats has the steps and the values it had.
    """

    def __init__(
        self, out: Path, trained: Trained, averages: Mapping[str, EMA], every: int,
        progress: bool = False, tensorboard: bool = False,
    ) -> None:  # fmt: skip
        experiment, file = trained.settings.experiment(), out / "losses.csv"
        self.out, self.last, self.every = out, experiment.steps, every
        self._generators, self._averages = trained.generators, averages
        self._latents = fixed_latents(_SHEET, trained.latent, trained.settings.seed)
        rows: list[Mapping[str, Any]] = list(read_csv(file)) if file.exists() else []
        self._rows = [row for row in rows if int(row["step"]) <= trained.step]
        self._events: Any = None
        if tensorboard:
            _checks.package("tensorboard", "tensorboard=True", "scale", ValueError)
            from torch.utils.tensorboard import SummaryWriter

            self._events = SummaryWriter(str(out / "tensorboard"))
        images, done = (steps * experiment.batch_size for steps in (self.last, trained.step))
        self._bar = progress_bar(images, "image", progress, done=done)
        self._start = trained.step
        self._saved = trained.step or None  # of a run that starts nothing is there

    def __exit__(self, *_: object) -> None:
        self._bar.close()
        if self._events:
            self._events.close()

    def __call__(self, state: State) -> None:
        is_last = state.step == self.last
        if state.step > self._start and (is_last or state.step % LOG_EVERY == 0):
            self._log(state)
        if is_last or (state.step and state.step % self.every == 0):
            self.save(state)
        self._bar.update(state.step * state.stream.batch_size - self._bar.n)

    def _log(self, state: State) -> None:
        row = numbers(state)
        self._rows.append({"step": state.step, **row})
        for name, value in row.items() if self._events else ():
            self._events.add_scalar(name.replace(": ", "/"), value, state.step)
        text = f"step {state.step}, G {row['g_loss']:.3f}, D {row.get('d_loss', 0):.3f}"
        self._bar.set_postfix_str(text, refresh=False)

    def save(self, state: State) -> None:
        """Write everything, unless that was done at this step already."""
        if state.step == self._saved:
            return
        check_finite(state, self.out / "checkpoint.pt")
        if self._rows:
            write_csv(self.out / "losses.csv", max(self._rows, key=len), self._rows)
        name = f"{state.step:07d}"
        for average in self._averages.values():
            refresh(average.module, self._latents.shape[1])
        weights = io.BytesIO()  # torch itself does not say why it cannot write
        torch.save({k: g.state_dict() for k, g in self._generators.items()}, weights)
        with replacing(self.out / "generators" / f"{name}.pt") as partial:
            partial.write_bytes(weights.getbuffer())
        for which, g in self._generators.items():
            images = draw(g, self._latents)
            if np.isfinite(images).all():
                save_sheet(self.out / "samples" / f"{name}-{which}.png", images)
                if self._events:
                    page = sheet(images)
                    self._events.add_image(f"samples/{which}", page, state.step, dataformats="HWC")
        save_checkpoint(self.out / "checkpoint.pt", state, **self._averages)
        self._saved = state.step


def numbers(state: State) -> dict[str, float]:
    """Both losses of the last update, and what D's is the sum of if it has penalties."""
    values: dict[str, Any] = dict(sorted(state.losses.items()))
    if len(state.d_terms) > 1:
        values |= {f"d: {name}": value for name, value in state.d_terms.items()}
    return {name: float(f"{float(value):.6g}") for name, value in values.items()}


@contextmanager
def interrupts() -> Iterator[list[int]]:
    """Within it Ctrl-C only makes the yielded list true, so that a step is finished first.

    A second Ctrl-C raises KeyboardInterrupt at once.
    """
    asked: list[int] = []

    def ask(signum: int, frame: object) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(signum)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


# -- pictures ------------------------------------------------------------------------------------


def fixed_latents(n: int, dim: int, seed: int = 0) -> Tensor:
    """The latents (n, dim) of a run's sample sheets and evaluations: the same at each step."""
    return Normal(dim=dim).sample(n, generator(seed, _STREAM))


@torch.no_grad()
def draw(
    g: nn.Module, latents: Tensor, batch: int = 500, batch_statistics: bool = False
) -> np.ndarray:
    """G's images (n, channels, h, w) in [-1, 1], ``batch`` of them at a time.

    Batch norm uses its running statistics (evaluation mode), or with ``batch_statistics`` those of
    each batch, as RS-GAN's authors sampled: then an image depends on those drawn beside it. The
    generator is left as it was.
    """
    own = copy.deepcopy(g).train(batch_statistics)
    first = next(own.parameters())
    parts = [own(z.to(first.device, first.dtype)).float().cpu() for z in latents.split(batch)]
    return torch.cat(parts).numpy()


def refresh(g: nn.Module, latent: int) -> nn.Module:
    """Give batch norm the statistics of g's present weights, and return g.

    An average of weights comes with those of the last G, which are not its own, as an average of
    statistics would not be. The mean over ten batches of 100 fixed latents replaces them (Izmailov
    et al., 2018); in a run the next update copies the last G's again, so that nothing else changes.
    """
    latents = fixed_latents(1000, latent, _STATISTICS).to(next(g.parameters()))
    update_bn(latents.split(100), g)
    return g


def between(start: Tensor, end: Tensor, steps: int, spherical: bool = False) -> Tensor:
    """(rows, steps, d): the way from each latent in ``start`` (rows, d) to that in ``end``.

    Straight, (1 - t) a + t b; or spherical (Shoemake, 1985), (sin((1 - t) w) a + sin(t w) b) /
    sin w with w the angle between a and b. Gaussian latents of many dimensions lie near a sphere,
    which the straight way leaves in its middle. Raises ValueError for steps < 2, or where a and b
    are parallel and so leave the spherical way undefined.
    """
    t = torch.linspace(0, 1, _checks.whole("steps", steps, least=2), dtype=start.dtype)
    t, a, b = t[None, :, None], start[:, None], end[:, None]
    if not spherical:
        return (1 - t) * a + t * b
    angle = torch.acos(torch.cosine_similarity(a, b, -1).clamp(-1, 1))[..., None]
    if bool((angle.sin() < 1e-6).any()):
        raise ValueError("spherical interpolation needs latents that are not parallel.")
    return (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle)


def save_sheet(
    path: str | os.PathLike[str], images: np.ndarray, columns: int | None = None
) -> None:
    """Write images (n, channels, h, w) side by side as a PNG, small ones enlarged."""
    page = Image.fromarray(sheet(images, columns, _zoom(images)))
    with replacing(path) as partial:
        page.save(partial, format="PNG")


def save_film(path: str | os.PathLike[str], frames: np.ndarray) -> None:
    """Write images (rows, steps, channels, h, w) as a GIF that goes there and back for ever."""
    pages = [sheet(frames[:, i], zoom=_zoom(frames)) for i in range(len(frames[0]))]
    pages += pages[-2:0:-1]
    with replacing(path) as partial:
        write_gif(partial, pages.__getitem__, len(pages), fps=12.5, shades=255)


def _zoom(images: np.ndarray) -> int:
    return max(1, _READABLE // images.shape[-1])

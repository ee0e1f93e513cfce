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
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from gan_teach import __version__, _checks
from gan_teach._devices import arithmetic, described
from gan_teach._files import read_csv, replacing, write_csv
from gan_teach._progress import progress_bar
from gan_teach.data import Images, Normal, Source, named
from gan_teach.data.named import STAND_INS
from gan_teach.dynamics.streams import generator
from gan_teach.games import GAN
from gan_teach.history import History
from gan_teach.plots.animation import write_gif
from gan_teach.plots.images import sheet
from gan_teach.training import EMA, State, observe, probes, processes, record
from gan_teach.training.checkpoints import load_checkpoint, save_checkpoint
from gan_teach.training.loop import check_finite, stop_on_nan
from gan_teach.training.processes import World
from gan_teach.zoo import ImageGAN, image_gan

_FREE = ("steps", "workers", "data", "skip_bad")  # settings that a resumed run may change
RAW = "raw"  # G itself, beside its averages
_ASK_EVERY = 10  # steps between questions to the other processes, for which all of them wait
_SETTINGS, _CHECKPOINT = "settings.json", "checkpoint.pt"
LOG_EVERY = 50
_SHEET = 64  # samples
_STREAM = 64  # keeps these latents apart from those that a run trains on
_STATISTICS = 1 << 20  # the seed of the latents that give batch norm its statistics
_READABLE = 96  # pixels that a small image is enlarged to


@dataclass
class Trained:
    """What a run leaves: its configuration, and G ("raw") and its averages ("0.999") at ``step``.

    ``shape`` is that of an image, (channels, height, width); ``data`` what ``facts()`` says of the
    images that it was trained on, None in folders of old.
    """

    config: ImageGAN
    shape: tuple[int, ...]
    generators: dict[str, nn.Module]
    step: int
    data: Mapping[str, Any] | None = None


def train_images(
    config: ImageGAN,
    out: str | os.PathLike[str],
    *,
    device: str | None = None,
    deterministic: bool = False,
    resume: bool = False,
    start: str | os.PathLike[str] | None = None,
    every: int = 1000,
    progress: bool = False,
    tensorboard: bool = False,
    download: bool = False,
    stand_in: bool = False,
    say: Callable[[str], None] = print,
) -> Trained:
    """Train into the folder ``out``, saving on every ``every``-th step, on Ctrl-C and at the end.

    ``device``: where to train; None is a GPU if there is one, which is said, else the CPU.
    ``deterministic``: there too the same run is the same bits each time, more slowly.
    ``resume`` goes on from the folder's checkpoint, bit for bit on the CPU, or starts where there
    is none. The data may lie elsewhere by then, their content decides. Other settings are refused,
    but for ``steps`` (where no schedule follows them), ``workers`` and ``skip_bad``: ``start`` is
    the folder of another run, from whose checkpoint a new one branches off with other settings.
    ``download`` fetches data that are not there, ``stand_in`` trains on small ones in their place.
    ``tensorboard`` logs there too. Under ``accelerate launch`` the processes share each batch, and
    the first of them writes; only on every 10th step they ask each other whether one of them was
    interrupted.

    Raises ValueError for a folder that holds another run and for other data than it had,
    FileNotFoundError for data that are not there, OSError for a folder that cannot be written,
    DivergedError when a loss becomes NaN, KeyboardInterrupt after Ctrl-C; what was saved before
    stays.
    """
    out, every = Path(out), _checks.whole("every", every, least=1)
    config, world = config.stand_in() if stand_in else config, processes.join(device)
    if Path(config.data).exists():  # so that a score finds it from any folder
        config = replace(config, data=str(Path(config.data).resolve()))
    say = say if world.main else lambda text: None
    if world.size > 1:
        say(f"{world.size} processes share each batch, this one on {described(world.device)}.")
    elif device is None and world.device != "cpu":
        say(f"device: {described(world.device)}")
    checkpoint, branch, data = _claim(out, resume, world), None, None
    if checkpoint and (out / _SETTINGS).exists():
        before, data, _ = read_settings(out)
        _check_same(out, config, before)
    elif start is not None and not checkpoint:
        checkpoint, branch = Path(start) / _CHECKPOINT, out.name
        if not checkpoint.exists():
            raise FileNotFoundError(f"{start} holds no run to branch from.")
        say(f"{out} branches from {start}{_said(read_settings(start)[0].changes(config))}.")
    try:
        images = training_images(config, data, out, download)
        game = config.game(images)
    except Exception:
        with suppress(OSError):  # not of a run that has files
            out.rmdir()
        raise
    say(f"{config.name}: {images}; G has {game.n_g:,} parameters, D {game.n_d:,}.")
    # Before the game is shared: one process alone finds the statistics of an average.
    averages = {f"{decay:g}": EMA(game.generator, decay=decay) for decay in config.averages}
    run = config.train(
        game, rule=processes.share(game, config.make_rule(), world), device=world.device,
        resume=checkpoint, branch=branch,
    )  # fmt: skip
    extras: dict[str, Any] = {f"ema_{name}": average for name, average in averages.items()}
    if checkpoint:
        load_checkpoint(checkpoint, **extras)
    world.wait()  # until all have read what the first one will soon replace
    generators = {RAW: game.generator, **{k: average.module for k, average in averages.items()}}
    step = config.steps + 1 - run.total
    trained = Trained(config, game.data.shape, generators, step, images.facts())
    keeper = None
    if world.main:
        facts = {"library": __version__, "processes": world.size, "device": described(world.device)}
        facts |= {"data": trained.data, "shape": trained.shape}
        write_json(out / _SETTINGS, {**facts, "settings": asdict(config)})
        keeper = Keeper(out, trained, extras, every, progress, tensorboard)
    watched = stop_on_nan(run, out / _CHECKPOINT)
    for average in averages.values():
        watched = observe(watched, average)
    with arithmetic(config.precision == "tf32", deterministic):
        trained.step = _follow(watched, world, keeper)
    return trained


def training_images(
    config: ImageGAN, data: Mapping[str, Any] | None, run: Path, download: bool = False
) -> Any:
    """The images of a run, checked against ``data``, what they were when it was started.

    Raises FileNotFoundError where they are not there, ValueError where they are others.
    """
    if data and not named.known(config.data):
        raise FileNotFoundError(
            f"{run} was trained on {_count(data)}, which are not at {config.data}: say where they "
            "are now by data=..."
        )
    try:
        images: Any = config.images(download)
    except (FileNotFoundError, ImportError) as error:
        hint = " Or train on a small stand-in: stand_in=True." if config.data in STAND_INS else ""
        raise FileNotFoundError(f"{error}{hint}") from error
    if not data:
        return images
    now = images.facts()
    if (now["count"], now["digest"]) != (data["count"], data["digest"]):
        raise ValueError(
            f"{run} was trained on {_count(data)} of the digest {data['digest']}, but "
            f"{config.data} is {_count(now)} of the digest {now['digest']}: say where the first "
            "ones are now by data=..."
        )
    if isinstance(images, Images):  # by which name they go is of no account
        return replace(images, name=data["name"])
    images.name = data["name"]
    return images


def _count(data: Mapping[str, Any]) -> str:
    return f"{data['name']}, {data['count']:,} images"


def _check_same(out: Path, config: ImageGAN, before: ImageGAN) -> None:
    fixed = "steps" if before.schedule.startswith("linear") else ""  # that follow the steps
    changes = before.changes(config)
    changes = {k: both for k, both in changes.items() if k not in _FREE or k == fixed}
    if changes:
        raise ValueError(
            f"{out} was started with other settings{_said(changes)}: go on with those that it had, "
            "or branch off into a new folder by start=..."
        )


def _said(changes: Mapping[str, tuple[Any, Any]]) -> str:
    each = [f"{name} was {was} and is {now}" for name, (was, now) in changes.items()]
    return f" ({'; '.join(each)})" if each else ""


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
            "make one with gan-teach train NAME --out FOLDER."
        )
    config, data, shape = read_settings(folder)
    step = max(files) if step is None else step
    first, _ = config.pair(shape)
    names = [RAW, *(f"{decay:g}" for decay in config.averages)]
    generators = {name: copy.deepcopy(first) for name in names}
    try:
        weights = torch.load(files[step], weights_only=True, map_location="cpu")
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise ValueError(f"{files[step]} is damaged: copy or train it again.") from error
    for name, g in generators.items():
        g.load_state_dict(weights[name])
    return Trained(config, shape, generators, step, data)


def read_settings(
    folder: str | os.PathLike[str],
) -> tuple[ImageGAN, Mapping[str, Any] | None, tuple[int, ...]]:
    """The configuration in a run's settings.json, what its data were, the shape of an image.

    Raises FileNotFoundError where there is none, ValueError for one that is damaged or newer.
    """
    file = Path(folder) / _SETTINGS
    if not file.exists():
        raise FileNotFoundError(f"{folder} holds no run: there is no {_SETTINGS}.")
    try:
        saved = json.loads(file.read_text("utf-8"))
        shape, name = tuple(saved.pop("shape")), saved.pop("config", None)
        if name is None:
            return ImageGAN(**saved["settings"]), saved["data"], shape
        # Of a version that kept what differed from the published experiment, and no data.
        own = {k: v for k, v in saved.items() if v is not None and v is not False}
        own |= {"precision": own.pop("autocast", "float32"), "g_label_smoothing": 1.0}
        return image_gan(name, **own), None, shape
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{file} is damaged, or of a newer version: {error}") from error


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
        prior = config.latents()
        latents, run = fixed_latents(n, prior), observe(run, average)
        images = lambda state: draw(refresh(average.module, prior), latents)  # noqa: E731
    history = record(
        run, every=every, images=images, scores=probes.scores(scored),
        d_loss=probes.loss("d"), g_loss=probes.loss("g"),
    )  # fmt: skip
    d_real, d_fake = history["scores"].T
    meta = {"loss": config.loss, "label_smoothing": config.label_smoothing, "unit": "step"}
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
        config, file = trained.config, out / "losses.csv"
        self.out, self.last, self.every = out, config.steps, every
        self._generators, self._averages = trained.generators, averages
        self._prior = config.latents()
        self._latents = fixed_latents(_SHEET, self._prior, config.seed)
        rows: list[Mapping[str, Any]] = list(read_csv(file)) if file.exists() else []
        self._rows = [row for row in rows if int(row["step"]) <= trained.step]
        self._events: Any = None
        if tensorboard:
            _checks.package("tensorboard", "tensorboard=True", "scale", ValueError)
            from torch.utils.tensorboard import SummaryWriter

            self._events = SummaryWriter(str(out / "tensorboard"))
        images, done = (steps * config.batch_size for steps in (self.last, trained.step))
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
            try:
                write_csv(self.out / "losses.csv", max(self._rows, key=len), self._rows)
            except PermissionError as error:  # open in another program: the next save has them
                _checks.note(f"{error}; the run goes on.")
        name = f"{state.step:07d}"
        for average in self._averages.values():
            refresh(average.module, self._prior)
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


def fixed_latents(n: int, latent: int | Source, seed: int = 0) -> Tensor:
    """The latents (n, d) of a run's sheets and evaluations: the same at each step.

    ``latent`` : their distribution, or the dimension of normal ones.
    """
    source = Normal(dim=latent) if isinstance(latent, int) else latent
    return source.sample(n, generator(seed, _STREAM))


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


def refresh(g: nn.Module, latent: int | Source) -> nn.Module:
    """Give batch norm the statistics of g's present weights, and return g.

    An average of weights comes with those of the last G, which are not its own, as an average of
    statistics would not be. The mean over ten batches of 100 fixed latents replaces them (Izmailov
    et al., 2018); in a run the next update copies the last G's again, so that nothing else changes.
    ``latent`` : as in ``fixed_latents``.
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

"""Image GANs trained into folders, so that they can be stopped, resumed and looked at.

A run's folder holds settings.json, checkpoint.pt (all that the run needs to go on), losses.csv and
a picture of it, sheets of samples from fixed latents, and in generators/ the weights of G and of
its averages on the way, which is what an evaluation along the path reads. ``numbers`` is what a row
of losses.csv holds; TensorBoard and the picture show the same. ``watch`` is a short run in memory.
"""

from __future__ import annotations

import copy
import io
import json
import math
import os
import pickle
import shlex
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from gan_teach import __version__, _checks
from gan_teach._devices import arithmetic, described
from gan_teach._files import read_csv, replacing, write_csv, write_json
from gan_teach._progress import progress_bar
from gan_teach.data import Images, Source, named
from gan_teach.data.images import to_floats
from gan_teach.data.named import STAND_INS
from gan_teach.dynamics.streams import generator
from gan_teach.games import GAN
from gan_teach.history import History
from gan_teach.metrics import sample_frechet
from gan_teach.metrics.features import load_extractor
from gan_teach.plots import equilibrium_losses, equilibrium_score, style, training
from gan_teach.plots.images import sheet
from gan_teach.studies import drawing
from gan_teach.studies.drawing import between as between, draw, fixed_latents, refresh
from gan_teach.training import EMA, State, observe, probes, processes, record
from gan_teach.training.checkpoints import load_checkpoint, save_checkpoint
from gan_teach.training.loop import check_finite, stop_on_nan
from gan_teach.training.processes import World
from gan_teach.zoo import ImageGAN, image_gan

_FREE = ("steps", "workers", "data", "skip_bad")  # settings that a resumed run may change
RAW = "raw"  # G itself, beside its averages
_ASK_EVERY = 10  # steps between questions to the other processes, for which all of them wait
_SETTINGS, _CHECKPOINT = "settings.json", "checkpoint.pt"
LOG, LOG_EVERY = "losses.csv", 50
SCORED = 2000  # images of a distance on the way
_DRAW_EVERY, _DRAW_SHARE = 60.0, 0.01  # seconds between pictures of a run; most of the time
_SHEET, _IN_A_ROW = 64, 16  # samples; classes


@dataclass(frozen=True)
class Recording:
    """How a run is saved and told of, which decides none of its numbers.

    every : steps between saves. score_every : steps between Frechet distances of 2000 images of G,
    and of each of its averages, from the run's data, in the features of a small classifier; 0:
    none. keep : how many of the saved generators stay, spread over the run; 0: all. format : of
    pictures and sheets: "png", "pdf" or "eps". tensorboard : write for TensorBoard too.
    """

    every: int = 1000
    score_every: int = 0
    keep: int = 0
    format: str = "png"
    tensorboard: bool = False

    def __post_init__(self) -> None:
        _checks.whole("every", self.every, least=1)
        _checks.whole("score_every", self.score_every)
        _checks.whole("keep", self.keep)
        _checks.choice("format", self.format, drawing.FORMATS)


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

    @property
    def classes(self) -> Mapping[str, int]:
        """Those that a conditional GAN can be asked for: {name: images in the data}, from 0 on."""
        return (self.data or {}).get("classes", {}) if self.config.conditional else {}

    @property
    def latents(self) -> Source:
        """The distribution of its latents."""
        return self.config.latents(self.classes)


def train_images(
    config: ImageGAN,
    out: str | os.PathLike[str],
    *,
    device: str | None = None,
    deterministic: bool = False,
    resume: bool = False,
    start: str | os.PathLike[str] | None = None,
    progress: bool = False,
    download: bool = False,
    stand_in: bool = False,
    say: Callable[[str], None] = print,
    **recording: Any,
) -> Trained:
    """Train into the folder ``out``, saving now and then, on Ctrl-C and at the end.

    device : where to train; by default a GPU if there is one, which is said, else the CPU.
    deterministic : on a GPU the same bits each time, more slowly. download : fetch data that are
    not there. stand_in : train on small ones in place of published ones.

    ``resume`` goes on from the folder's checkpoint, bit for bit on the CPU, or starts where there
    is none. The data may lie elsewhere by then, their content decides. Other settings are refused,
    but for ``steps`` (where no schedule follows them), ``workers`` and ``skip_bad``: ``start`` is
    the folder of another run, from whose checkpoint a new one branches off with other settings.
    ``recording`` : of ``Recording``; a resumed run has those it had. Under ``accelerate launch``
    the processes share each batch, and the first of them writes; only on every 10th step they ask
    each other whether one of them was interrupted.

    Raises ValueError for a folder that holds another run and for other data than it had,
    FileNotFoundError for data that are not there, OSError for a folder that cannot be written,
    DivergedError when a loss becomes NaN, KeyboardInterrupt after Ctrl-C, which says how to go on;
    what was saved before stays.
    """
    out, how = Path(out), Recording(**recording)  # complains before anything is made
    config, world = config.stand_in() if stand_in else config, processes.join(device)
    if Path(config.data).exists():  # so that a score finds it from any folder
        config = replace(config, data=str(Path(config.data).resolve()))
    say = say if world.main else lambda text: None
    if world.size > 1:
        say(f"{world.size} processes share each batch, this one on {described(world.device)}.")
    elif device is None and world.device != "cpu":
        say(f"device: {described(world.device)}")
    checkpoint, branch, data = _claim(out, resume, world), None, None
    saved: Mapping[str, Any] = {}
    if resume and (out / _SETTINGS).exists():
        before, saved = read_settings(out), json.loads((out / _SETTINGS).read_text("utf-8"))
        _check_same(out, config, before.config)
        data, how = before.data, Recording(**{**saved.get("recording", {}), **recording})
    start = saved.get("from", start)
    try:
        if start is not None and not checkpoint:  # a branch that was stopped early begins again
            checkpoint, branch = Path(start) / _CHECKPOINT, out.name
            if not checkpoint.exists():
                raise FileNotFoundError(f"{start} holds no run to branch from.")
            say(f"{out} branches from {start}{_said(read_settings(start).config.changes(config))}.")
        images = training_images(config, data, out, download)
        game = config.game(images)
        say(f"{config.name}: {images}; G has {game.n_g:,} parameters, D {game.n_d:,}.")
        # Before the game is shared: one process alone finds the statistics of an average.
        averages = {f"{decay:g}": EMA(game.generator, decay=decay) for decay in config.averages}
        run = config.train(
            game, rule=processes.share(game, config.make_rule(), world), device=world.device,
            resume=checkpoint, branch=branch,
        )  # fmt: skip
        step = config.steps + 1 - run.total
        if branch and step >= config.steps:
            raise ValueError(
                f"{start} has reached step {step:,}, so there is nothing left to train in a branch "
                f"of {config.steps:,} steps: ask for more, steps=..."
            )
    except Exception:
        with suppress(OSError):  # not of a run that has files
            out.rmdir()
        raise
    extras: dict[str, Any] = {f"ema_{name}": average for name, average in averages.items()}
    if checkpoint:
        load_checkpoint(checkpoint, **extras)
    world.wait()  # until all have read what the first one will soon replace
    generators = {RAW: game.generator, **{k: average.module for k, average in averages.items()}}
    trained = Trained(config, game.data.shape, generators, step, images.facts())
    keeper = None
    if world.main:
        facts = {"library": __version__, "processes": world.size, "device": described(world.device)}
        facts |= {"data": trained.data, "shape": trained.shape, "recording": asdict(how)}
        facts |= {"from": os.fspath(start)} if start is not None else {}
        write_json(out / _SETTINGS, {**facts, "settings": asdict(config)})
        if step < config.steps:
            say(_space(generators, how, len(snapshots(out)), config.steps - step))
        scored = distance(images, trained.latents, world.device) if how.score_every else None
        keeper = Keeper(out, trained, extras, how, scored, progress)
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


def _space(generators: Mapping[str, nn.Module], how: Recording, saved: int, steps: int) -> str:
    """What the generators that are saved already and those of so many more steps will take."""
    count = saved + math.ceil(steps / how.every)
    count = min(count, how.keep or count)
    size = sum(t.nbytes for g in generators.values() for t in g.state_dict().values())
    return (
        f"G and its averages are kept at {count:,} steps, in {size / 1e6:.3g} MB each and "
        f"{count * size / 1e6:,.0f} MB in all; 'keep' bounds their number."
    )


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
                raise KeyboardInterrupt(keeper.stop(state) if keeper else "")
    world.wait()  # until the first one has written the end
    world.close()
    return step


def load_run(folder: str | os.PathLike[str], step: int | None = None) -> Trained:
    """The generators of a run as it saved them at ``step``, or last, on the CPU.

    The data are not needed. Raises FileNotFoundError if there is no run, ValueError if its file of
    generators is damaged.
    """
    files = snapshots(folder)
    if not files:
        raise FileNotFoundError(
            f"{folder} holds no trained run ({_SETTINGS} and saved generators): "
            "make one with gan-teach train NAME --out FOLDER."
        )
    trained = read_settings(folder)
    trained.step = max(files) if step is None else step
    try:
        weights = torch.load(files[trained.step], weights_only=True, map_location="cpu")
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise ValueError(f"{files[trained.step]} is damaged: copy or train it again.") from error
    g, _ = trained.config.pair(trained.shape, classes=len(trained.classes))
    for name, state in weights.items():
        trained.generators[name] = copy.deepcopy(g)
        trained.generators[name].load_state_dict(state)
    return trained


def read_settings(folder: str | os.PathLike[str]) -> Trained:
    """What a run's settings.json says of it: its configuration, its data, the shape of an image.

    Raises FileNotFoundError where there is none, ValueError for one that is damaged or newer.
    """
    file = Path(folder) / _SETTINGS
    if not file.exists():
        raise FileNotFoundError(f"{folder} holds no run: there is no {_SETTINGS}.")
    try:
        saved = json.loads(file.read_text("utf-8"))
        shape, name = tuple(saved.pop("shape")), saved.pop("config", None)
        if name is None:
            return Trained(ImageGAN(**saved["settings"]), shape, {}, 0, saved["data"])
        # Of a version that kept what differed from the published experiment, and no data.
        own = {k: v for k, v in saved.items() if v is not None and v is not False}
        own |= {"precision": own.pop("autocast", "float32"), "g_label_smoothing": 1.0}
        return Trained(image_gan(name, **own), shape, {}, 0)
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
    fixed real and generated images (``probes.scores``). An ``average`` of G follows the run, and
    then draws the images, with statistics of its own (``refresh``). ``changes`` are arguments of
    ``gan_teach.train``. To keep a run in files, use ``train_images``.
    """
    settings = config.arguments(**changes)
    every = max(1, settings["steps"] // _checks.whole("records", records, least=1))
    run, images = config.train(game, **changes), probes.samples(n)
    if average is not None:
        prior = game.latent
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
    """Saves a run's files on every ``how.every``-th step and at the last; ends its log after it.

    Each file is replaced as a whole, so that one is found at any moment, and the checkpoint comes
    last: what it continues from is complete. losses.csv goes on from the step of ``trained``; once
    a minute it is written, with its picture. The progress bar counts images: its rate is images per
    second. For TensorBoard a resumed run adds a file; what it repeats has the steps and the values
    it had. Nothing here draws a random number of the run or changes it.
    """

    def __init__(
        self, out: Path, trained: Trained, averages: Mapping[str, EMA], how: Recording,
        distance: Distance | None = None, progress: bool = False,
    ) -> None:  # fmt: skip
        self.out, self.how, self._config = out, how, trained.config
        self.last = trained.config.steps
        self._generators, self._averages = trained.generators, averages
        self._prior, self._distance = trained.latents, distance
        classes = [k for k, n in enumerate(trained.classes.values()) if n]
        self._columns = len(classes) if 0 < len(classes) <= _IN_A_ROW else None
        n = _SHEET - _SHEET % (self._columns or 1)
        self._latents = fixed_latents(n, self._prior, trained.config.seed)
        if self._columns:  # a class in each
            self._latents = drawing.ask(self._prior, self._latents, classes)
        rows: list[dict[str, Any]] = list(read_csv(out / LOG)) if (out / LOG).exists() else []
        self._rows = [row for row in rows if int(row["step"]) <= trained.step]
        self._events: Any = None
        if how.tensorboard:
            _checks.package("tensorboard", "tensorboard=True", "scale", ValueError)
            from torch.utils.tensorboard import SummaryWriter

            self._events = SummaryWriter(str(out / "tensorboard"))
            charts = {k: ["Multiline", [f"^{name}$" for name in v]] for k, v in _CHARTS.items()}
            self._events.add_custom_scalars({"beside theory": charts})
        self._start, self._progress = trained.step, progress
        self._bar: Any = None
        self._saved = trained.step or None  # of a run that starts nothing is there

    def _begin(self, batch: int) -> None:
        """Start the clock, which goes on where the run was left: speeds are those of steps."""
        images, done = (steps * batch for steps in (self.last, self._start))
        self._bar = progress_bar(images, "image", self._progress, done=done)
        before = float(self._rows[-1].get("seconds") or 0) if self._rows else 0.0
        self._begun, self._timed = time.monotonic() - before, (self._start, before)
        self._draw_at = time.monotonic() + _DRAW_EVERY

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
        if self._events:
            self._events.close()

    def __call__(self, state: State) -> None:
        if state.step == self._start:
            self._begin(state.stream.batch_size)
        is_last = state.step == self.last
        scores = self.how.score_every and (is_last or state.step % self.how.score_every == 0)
        if state.step > self._start and (is_last or scores or state.step % LOG_EVERY == 0):
            self._log(state, bool(scores))
        if is_last or (state.step and state.step % self.how.every == 0):
            self.save(state)
        self._bar.update(state.step * state.stream.batch_size - self._bar.n)

    def _log(self, state: State, scores: bool) -> None:
        step, before = self._timed
        now = time.monotonic() - self._begun
        self._timed = (state.step, now)
        speed = (state.step - step) * state.stream.batch_size / max(now - before, 1e-9)
        row = numbers(state, self._config)
        row |= {"seconds": round(now, 2), "images_per_second": float(f"{speed:.4g}")}
        if scores and self._distance:
            self._refresh()
            name, of = self._distance
            row |= {f"{name}: {which}": of(g) for which, g in self._generators.items()}
        self._rows.append({"step": state.step, **row})
        for name, value in row.items() if self._events else ():
            self._events.add_scalar(name.replace(": ", "/"), value, state.step)
        answers = [f"{name} {row[name]:.3f}" for name in _SAID if name in row]
        self._bar.set_postfix_str(", ".join([f"step {state.step}", *answers]), refresh=False)
        if time.monotonic() > self._draw_at:
            self._write(state)

    def _refresh(self) -> None:
        for average in self._averages.values():
            refresh(average.module, self._prior)

    def _write(self, state: State) -> None:
        """The rows, and now and then their picture: it takes a hundredth of the time at most."""
        if not self._rows:
            return
        begun = time.monotonic()
        try:
            write_csv(self.out / LOG, _columns(self._rows), self._rows)
            if len(self._rows) > 1 and (begun > self._draw_at or state.step == self.last):
                picture = training(_as_history(self._rows, self._config))
                style.save(picture, self.out / f"losses.{self.how.format}", small=False)
                took = time.monotonic() - begun
                self._draw_at = time.monotonic() + max(_DRAW_EVERY, took / _DRAW_SHARE)
        except PermissionError as error:  # open in another program: the next time has them
            _checks.note(f"{error}; the run goes on.")

    def save(self, state: State) -> None:
        """Write everything, unless that was done at this step already."""
        if state.step == self._saved:
            return
        check_finite(state, self.out / _CHECKPOINT)
        self._write(state)
        name = f"{state.step:07d}"
        self._refresh()
        weights = io.BytesIO()  # torch itself does not say why it cannot write
        torch.save({k: g.state_dict() for k, g in self._generators.items()}, weights)
        with replacing(self.out / "generators" / f"{name}.pt") as partial:
            partial.write_bytes(weights.getbuffer())
        for which, g in self._generators.items():
            images = draw(g, self._latents)
            if np.isfinite(images).all():
                file = self.out / "samples" / f"{name}-{which}.{self.how.format}"
                drawing.save_sheet(file, images, self._columns)
                if self._events:
                    page = sheet(images, self._columns)
                    self._events.add_image(f"samples/{which}", page, state.step, dataformats="HWC")
        save_checkpoint(self.out / _CHECKPOINT, state, **self._averages)
        self._saved = state.step
        self._thin_out()

    def _thin_out(self) -> None:
        """Of more generators than are kept, leave out those with the nearest neighbors."""
        files = snapshots(self.out)
        while self.how.keep and len(files) > self.how.keep:
            steps = list(files)
            gaps = {b: c - a for a, b, c in zip(steps, steps[1:], steps[2:], strict=False)}
            files.pop(min(gaps, key=lambda step: gaps[step], default=steps[0])).unlink()

    def stop(self, state: State) -> str:
        """Save; where the run was interrupted, and what goes on with it."""
        self.save(state)
        return (
            f"stopped at step {state.step:,} of {self.last:,}, saved in {self.out}. Go on with:\n"
            f"  gan-teach train --resume {shlex.quote(str(self.out))}"
        )


def numbers(state: State, config: ImageGAN) -> dict[str, float]:
    """What is recorded of a step, by column.

    g_loss, d_loss : of the last updates; d_level, g_level : their values at equilibrium.
    d_real, d_fake : mean D(x) and D(G(z)) in D's last update (of several processes the first one's
    share), score_level : at equilibrium; for losses whose D is no probability, critic_real and
    critic_fake, the means of the logits.
    "d: r1", ... : what D's loss is the sum of, if it has penalties.
    g_grad, d_grad : norms of the gradients that moved them. g_lr, d_lr : learning rates.
    """
    values: dict[str, Any] = dict(sorted(state.losses.items()))
    smoothing = config.label_smoothing
    levels = equilibrium_losses(config.loss, smoothing, config.g_label_smoothing)
    values |= dict(zip(("d_level", "g_level"), levels, strict=True))
    said = getattr(state.game, "d_logits", None)
    if said and config.loss in ("saturating", "non_saturating"):
        values |= {f"d_{k}": x.sigmoid().mean() for k, x in zip(_BOTH, said, strict=True)}
        values["score_level"] = equilibrium_score(smoothing)
    elif said:
        values |= {f"critic_{k}": x.mean() for k, x in zip(_BOTH, said, strict=True)}
    if len(state.d_terms) > 1:
        values |= {f"d: {name}": value for name, value in state.d_terms.items()}
    values |= {f"{player}_grad": probes.gradient_norm(player)(state) for player in "gd"}
    values |= {"g_lr": state.optims.g.lr, "d_lr": state.optims.d.lr}
    return {k: float(f"{float(v):.6g}") for k, v in values.items() if v is not None}


_BOTH = ("real", "fake")
_SAID = ("g_loss", "d_loss", "d_real", "d_fake", "critic_real", "critic_fake")
_CHARTS = {
    "losses": ("d_loss", "d_level", "g_loss", "g_level"),
    "D(x) and D(G(z))": ("d_real", "d_fake", "score_level"),
}


Distance = tuple[str, Callable[[nn.Module], float]]


def distance(images: Any, prior: Source, device: str) -> Distance:
    """FD(net) of a generator's images from as many of a run's data, by a classifier, and its name.

    The name says how many, for a distance of fewer images is larger. NaN for a generator that
    diverged, which has no features.
    """
    extract = load_extractor("digits" if images.shape[0] == 1 else "cifar", device=device)
    rows = images.indices(SCORED, generator(0, drawing.STREAM))
    real, latents = extract(to_floats(images.read(rows))), fixed_latents(SCORED, prior)

    def of(g: nn.Module) -> float:
        fakes = draw(g, latents)
        if not np.isfinite(fakes).all():
            return math.nan
        return float(f"{sample_frechet(extract(torch.from_numpy(fakes)), real):.6g}")

    return f"{extract.frechet_name} of {SCORED}", of


def recorded(folder: str | os.PathLike[str]) -> History:
    """losses.csv of a run, for ``plots.training``; NaN where a column has no entry.

    Raises FileNotFoundError where there is no run.
    """
    return _as_history(read_csv(Path(folder) / LOG), read_settings(folder).config)


def _as_history(rows: Sequence[Mapping[str, Any]], config: ImageGAN) -> History:
    entries = {name: [row.get(name, "") for row in rows] for name in _columns(rows)}
    arrays = {k: [math.nan if x == "" else float(x) for x in v] for k, v in entries.items()}
    steps, names = arrays.pop("step"), ("loss", "label_smoothing", "g_label_smoothing")
    meta = {name: getattr(config, name) for name in names}
    return History(steps, arrays, meta={**meta, "unit": "step"})


def _columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


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

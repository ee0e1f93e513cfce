"""Image GANs trained into folders, so that they can be stopped, resumed and looked at.

A run's folder holds settings.json, checkpoint.pt (all that the run needs to go on), losses.csv and
a picture of it, sheets of samples from fixed latents, and in generators/ the weights of G and of
its averages on the way, which is what an evaluation along the path reads (``recording`` writes all
but the settings). ``watch`` is a short run in memory.
"""

from __future__ import annotations

import copy
import json
import math
import os
import pickle
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from gan_teach import __version__, _checks
from gan_teach._devices import arithmetic, described
from gan_teach._files import read_csv, write_json
from gan_teach.data import Images
from gan_teach.data.named import STAND_INS
from gan_teach.games import GAN
from gan_teach.history import History
from gan_teach.studies.recording import (
    CHECKPOINT,
    LOG,
    RAW,
    Keeper,
    Recording,
    Trained,
    as_history,
    between as between,
    distance,
    draw,
    fixed_latents,
    refresh,
    snapshots,
)
from gan_teach.training import EMA, State, observe, probes, processes, record
from gan_teach.training.checkpoints import load_checkpoint
from gan_teach.training.loop import stop_on_nan
from gan_teach.training.processes import World
from gan_teach.zoo import ImageGAN, image_gan

_FREE = ("steps", "workers", "data", "skip_bad")  # settings that a resumed run may change
_ASK_EVERY = 10  # steps between questions to the other processes, for which all of them wait
_SETTINGS = "settings.json"


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
    if start is not None and not checkpoint:  # a branch that was stopped early begins again
        checkpoint, branch = Path(start) / CHECKPOINT, out.name
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
    watched = stop_on_nan(run, out / CHECKPOINT)
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
    try:
        images: Any = config.images(download)
    except (FileNotFoundError, ImportError) as error:
        hint = " Or train on a small stand-in: stand_in=True." if config.data in STAND_INS else ""
        if data:
            hint = f" {run} was trained on {_count(data)}: say where they are now by data=..."
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


def _claim(out: Path, resume: bool, world: World) -> Path | None:
    """The checkpoint to go on from. Raises ValueError if that was not asked for.

    The checkpoint itself says which settings it goes on with.
    """
    for rest in out.rglob(".*.partial*") if world.main else ():
        rest.unlink(missing_ok=True)  # of a process that was killed while it wrote
    if not (out / CHECKPOINT).exists():
        return None
    if not resume:
        raise ValueError(
            f"{out} already holds a run: go on with it by --resume, or choose another --out."
        )
    return out / CHECKPOINT


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
    run, images = config.train(game, **changes), probes.samples(n)
    every = max(1, (run.total - 1) // _checks.whole("records", records, least=1))
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


def recorded(folder: str | os.PathLike[str]) -> History:
    """losses.csv of a run, for ``plots.training``; NaN where a column has no entry.

    Raises FileNotFoundError where there is no run.
    """
    return as_history(read_csv(Path(folder) / LOG), read_settings(folder).config)


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

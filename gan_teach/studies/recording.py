"""Images of generators, and what an image run writes into its folder as it goes.

From which latents images are drawn, and the files that they are written to; then what a ``Keeper``
saves of a run. ``numbers`` is what a row of losses.csv holds; TensorBoard and the picture show the
same.
"""

from __future__ import annotations

import copy
import io
import math
import os
import shlex
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from gan_teach import _checks
from gan_teach._files import read_csv, replacing, write_csv
from gan_teach._progress import progress_bar
from gan_teach.data import Asked, Normal, Source
from gan_teach.data.images import to_floats
from gan_teach.dynamics.streams import generator
from gan_teach.history import History
from gan_teach.metrics import sample_frechet
from gan_teach.metrics.features import load_extractor
from gan_teach.plots import equilibrium_losses, equilibrium_score, style, training
from gan_teach.plots.animation import write_gif
from gan_teach.plots.images import levels, sheet
from gan_teach.training import EMA, State, probes
from gan_teach.training.checkpoints import save_checkpoint
from gan_teach.training.loop import check_finite
from gan_teach.zoo import ImageGAN

FORMATS = ("png", "pdf", "eps")
STREAM = 64  # keeps these latents apart from those that a run trains on
_STATISTICS = 1 << 20  # the seed of the latents that give batch norm its statistics
_READABLE = 96  # pixels that a small image is enlarged to
CHECKPOINT, LOG, LOG_EVERY = "checkpoint.pt", "losses.csv", 50
RAW = "raw"  # G itself, beside its averages
SCORED = 2000  # images of a distance on the way
_DRAW_EVERY = 60.0  # seconds between pictures of a run
_SHEET, _IN_A_ROW = 64, 16  # samples; classes
_BOTH = ("real", "fake")
_SAID = ("g_loss", "d_loss", "d_real", "d_fake", "critic_real", "critic_fake")

Distance = tuple[str, Callable[[nn.Module], float]]

# -- latents --------------------------------------------------------------------------------------


def fixed_latents(n: int, latent: int | Source, seed: int = 0) -> Tensor:
    """The latents (n, d) of a run's sheets and evaluations: the same at each step.

    ``latent`` : their distribution, or the dimension of normal ones.
    """
    source = Normal(dim=latent) if isinstance(latent, int) else latent
    return source.sample(n, generator(seed, STREAM))


def ask(latent: Source, latents: Tensor, classes: Iterable[int]) -> Tensor:
    """The same noise, with these classes asked for in turn. ``latent`` : that of a conditional GAN.

    Raises ValueError for one that is not conditional.
    """
    if not isinstance(latent, Asked):
        raise ValueError("this generator was not trained to be asked for a class (conditional).")
    in_turn = torch.tensor(list(classes))
    noise = latents[..., : -latent.classes]
    return latent.ask(noise, in_turn[torch.arange(len(noise)) % len(in_turn)])


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
    """(..., steps, d): the way from each latent in ``start`` (..., d) to that in ``end``.

    Straight, (1 - t) a + t b; or spherical (Shoemake, 1985), (sin((1 - t) w) a + sin(t w) b) /
    sin w with w the angle between a and b. Gaussian latents of many dimensions lie near a sphere,
    which the straight way leaves in its middle. Raises ValueError for steps < 2, or where a and b
    are parallel and so leave the spherical way undefined.
    """
    t = torch.linspace(0, 1, _checks.whole("steps", steps, least=2), dtype=start.dtype)[:, None]
    a, b = start.unsqueeze(-2), end.unsqueeze(-2)
    if not spherical:
        return (1 - t) * a + t * b
    angle = torch.acos(torch.cosine_similarity(a, b, -1).clamp(-1, 1))[..., None]
    if bool((angle.sin() < 1e-6).any()):
        raise ValueError("spherical interpolation needs latents that are not parallel.")
    return (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle)


def along(points: Tensor, steps: int, spherical: bool = False, classes: int = 0) -> Tensor:
    """(rows, (k - 1)(steps - 1) + 1, d): the ways through the latents of each row, (rows, k, d).

    ``steps`` on each of them, as in ``between``. The last ``classes`` numbers of a latent, which
    ask for a class, go straight.
    """
    noise, asked = points.split([points.shape[-1] - classes, classes], -1)
    parts = []
    for x, on_sphere in ((noise, spherical), (asked, False)):
        legs = between(x[:, :-1], x[:, 1:], steps, on_sphere)[:, :, 1:]
        parts.append(torch.cat([x[:, :1], legs.flatten(1, 2)], 1))
    return torch.cat(parts, -1)


# -- files ----------------------------------------------------------------------------------------


def save_images(
    path: Path, images: np.ndarray, columns: int | None = None, labels: Sequence[str] = ()
) -> None:
    """Write images (n, channels, h, w) in [-1, 1] by the ending of ``path``.

    .png, .pdf, .eps: a sheet. .npz: one array of bytes, (n, h, w, channels), with ``labels`` beside
    it if there are any. None: a folder of single PNGs, with labels in their names. Raises
    ValueError for another ending, for NaN, and for a folder that has files.
    """
    if path.suffix not in ("", ".npz"):
        _checks.choice("out's ending", path.suffix[1:], ("npz", *FORMATS))
        save_sheet(path, images, columns)
        return
    _checks.finite("images", images, "Did the generator diverge?")
    pixels = levels(images).transpose(0, 2, 3, 1)
    if path.suffix:
        beside: dict[str, Any] = {"labels": np.array(labels)} if labels else {}
        with replacing(path) as partial, open(partial, "wb") as file:
            np.savez(file, pixels, **beside)
        return
    if path.exists() and (path.is_file() or any(path.iterdir())):
        raise ValueError(f"{path} is there already: name a new folder for single images.")
    for k, image in enumerate(pixels):
        name = f"{k:06d}-{labels[k]}.png" if labels else f"{k:06d}.png"
        with replacing(path / name) as partial:
            Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image).save(partial)


def save_sheet(
    path: str | os.PathLike[str], images: np.ndarray, columns: int | None = None
) -> None:
    """Write images (n, channels, h, w) side by side, small ones enlarged: a PNG, PDF or EPS."""
    page = Image.fromarray(sheet(images, columns, _zoom(images)))
    with replacing(path) as partial:
        page.save(partial)


def save_film(path: str | os.PathLike[str], frames: np.ndarray) -> None:
    """Write images (rows, steps, channels, h, w) as a GIF that goes there and back for ever."""
    pages = [sheet(frames[:, i], zoom=_zoom(frames)) for i in range(len(frames[0]))]
    pages += pages[-2:0:-1]
    with replacing(path) as partial:
        write_gif(partial, pages.__getitem__, len(pages), fps=12.5, shades=255)


def _zoom(images: np.ndarray) -> int:
    return max(1, _READABLE // images.shape[-1])


# -- a run's folder -------------------------------------------------------------------------------


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
        _checks.choice("format", self.format, FORMATS)


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


def snapshots(folder: str | os.PathLike[str]) -> dict[int, Path]:
    """The files of generators on a run's way, by step; ``load_run`` reads one."""
    files = sorted((Path(folder) / "generators").glob("[0-9]*.pt"))  # none that was being written
    return {int(file.stem): file for file in files}


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
        self.out, self.how, self._trained = out, how, trained
        self._averages, self._distance = averages, distance
        classes = [k for k, n in enumerate(trained.classes.values()) if n]
        self._columns = len(classes) if 0 < len(classes) <= _IN_A_ROW else None
        n = _SHEET - _SHEET % (self._columns or 1)
        self._latents = fixed_latents(n, trained.latents, trained.config.seed)
        if self._columns:  # a class in each
            self._latents = ask(trained.latents, self._latents, classes)
        rows: list[dict[str, Any]] = list(read_csv(out / LOG)) if (out / LOG).exists() else []
        self._rows = [row for row in rows if int(row["step"]) <= trained.step]
        self._events: Any = None
        if how.tensorboard:
            _checks.package("tensorboard", "tensorboard=True", "scale", ValueError)
            from torch.utils.tensorboard import SummaryWriter

            self._events = SummaryWriter(str(out / "tensorboard"))
        self._saved = trained.step or None  # of a run that starts nothing is there
        images, done = (n * trained.config.batch_size for n in (trained.config.steps, trained.step))
        self._bar = progress_bar(images, "image", progress, done=done)
        # The clock goes on where the run was left: speeds are those of steps.
        before = float(self._rows[-1].get("seconds") or 0) if self._rows else 0.0
        self._begun, self._timed = time.monotonic() - before, (trained.step, before)
        self._draw_at = time.monotonic() + _DRAW_EVERY

    def __exit__(self, *_: object) -> None:
        self._bar.close()
        if self._events:
            self._events.close()

    def __call__(self, state: State) -> None:
        is_last = state.step == self._trained.config.steps
        scores = self.how.score_every and (is_last or state.step % self.how.score_every == 0)
        if state.step > self._trained.step and (is_last or scores or state.step % LOG_EVERY == 0):
            self._log(state, bool(scores))
        if is_last or (state.step and state.step % self.how.every == 0):
            self.save(state)
        self._bar.update(state.step * state.stream.batch_size - self._bar.n)

    def _log(self, state: State, scores: bool) -> None:
        step, before = self._timed
        now = time.monotonic() - self._begun
        self._timed = (state.step, now)
        speed = (state.step - step) * state.stream.batch_size / max(now - before, 1e-9)
        row = numbers(state, self._trained.config)
        row |= {"seconds": round(now, 2), "images_per_second": float(f"{speed:.4g}")}
        if scores and self._distance:
            self._refresh()
            name, of = self._distance
            row |= {f"{name}: {which}": of(g) for which, g in self._trained.generators.items()}
        self._rows.append({"step": state.step, **row})
        for name, value in row.items() if self._events else ():
            self._events.add_scalar(name.replace(": ", "/"), value, state.step)
        answers = [f"{name} {row[name]:.3f}" for name in _SAID if name in row]
        self._bar.set_postfix_str(", ".join([f"step {state.step}", *answers]), refresh=False)
        if time.monotonic() > self._draw_at:
            self._write(state)

    def _refresh(self) -> None:
        for average in self._averages.values():
            refresh(average.module, self._trained.latents)

    def _write(self, state: State) -> None:
        """The rows, and now and then their picture."""
        if not self._rows:
            return
        try:
            write_csv(self.out / LOG, _columns(self._rows), self._rows)
            is_last = state.step == self._trained.config.steps
            if len(self._rows) > 1 and (time.monotonic() > self._draw_at or is_last):
                picture = training(as_history(self._rows, self._trained.config))
                style.save(picture, self.out / f"losses.{self.how.format}", small=False)
                self._draw_at = time.monotonic() + _DRAW_EVERY
        except PermissionError as error:  # open in another program: the next time has them
            _checks.note(f"{error}; the run goes on.")

    def save(self, state: State) -> None:
        """Write everything, unless that was done at this step already."""
        if state.step == self._saved:
            return
        check_finite(state, self.out / CHECKPOINT)
        self._write(state)
        name = f"{state.step:07d}"
        self._refresh()
        weights = io.BytesIO()  # torch itself does not say why it cannot write
        torch.save({k: g.state_dict() for k, g in self._trained.generators.items()}, weights)
        with replacing(self.out / "generators" / f"{name}.pt") as partial:
            partial.write_bytes(weights.getbuffer())
        for which, g in self._trained.generators.items():
            images = draw(g, self._latents)
            if np.isfinite(images).all():
                file = self.out / "samples" / f"{name}-{which}.{self.how.format}"
                save_sheet(file, images, self._columns)
                if self._events:
                    page = sheet(images, self._columns)
                    self._events.add_image(f"samples/{which}", page, state.step, dataformats="HWC")
        save_checkpoint(self.out / CHECKPOINT, state, **self._averages)
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
            f"stopped at step {state.step:,} of {self._trained.config.steps:,}, saved in "
            f"{self.out}. Go on with:\n  gan-teach train --resume {shlex.quote(str(self.out))}"
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


def distance(images: Any, prior: Source, device: str) -> Distance:
    """FD(net) of a generator's images from as many of a run's data, by a classifier, and its name.

    The name says how many, for a distance of fewer images is larger. NaN for a generator that
    diverged, which has no features.
    """
    extract = load_extractor("digits" if images.shape[0] == 1 else "cifar", device=device)
    rows = images.indices(SCORED, generator(0, STREAM))
    real, latents = extract(to_floats(images.read(rows))), fixed_latents(SCORED, prior)

    def of(g: nn.Module) -> float:
        fakes = draw(g, latents)
        if not np.isfinite(fakes).all():
            return math.nan
        return float(f"{sample_frechet(extract(torch.from_numpy(fakes)), real):.6g}")

    return f"{extract.frechet_name} of {SCORED}", of


def as_history(rows: Sequence[Mapping[str, Any]], config: ImageGAN) -> History:
    entries = {name: [row.get(name, "") for row in rows] for name in _columns(rows)}
    arrays = {k: [math.nan if x == "" else float(x) for x in v] for k, v in entries.items()}
    steps, names = arrays.pop("step"), ("loss", "label_smoothing", "g_label_smoothing")
    meta = {name: getattr(config, name) for name in names}
    return History(steps, arrays, meta={**meta, "unit": "step"})


def _columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))

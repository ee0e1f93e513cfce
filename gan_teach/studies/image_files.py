"""Image runs as files: what generators draw, what a run leaves as it goes by, and its end.

A run ends at its last step, or where Ctrl-C finds it.
"""

from __future__ import annotations

import copy
import io
import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from gan_teach import _checks
from gan_teach._files import replacing
from gan_teach._progress import progress_bar
from gan_teach.data import Normal
from gan_teach.dynamics.streams import generator
from gan_teach.plots.animation import write_gif
from gan_teach.plots.images import sheet
from gan_teach.studies.engine import optional, read_csv, write_csv
from gan_teach.training import EMA, State
from gan_teach.training.checkpoints import save_checkpoint
from gan_teach.training.loop import check_finite

if TYPE_CHECKING:
    from gan_teach.studies.image_runs import Trained

LOG_EVERY = 50
_SHEET = 64  # samples
_STREAM = 64  # keeps these latents apart from those that a run trains on
_READABLE = 96  # pixels that a small image is enlarged to


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
            tools = optional("torch.utils.tensorboard", "tensorboard=True")
            self._events = tools.SummaryWriter(str(out / "tensorboard"))
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

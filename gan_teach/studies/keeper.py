"""What a run leaves behind as it goes by: files, and a progress bar; and how it is interrupted."""

from __future__ import annotations

import io
import signal
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from gan_teach._files import replacing
from gan_teach._progress import progress_bar
from gan_teach.plots.images import sheet
from gan_teach.studies.drawing import draw, fixed_latents, save_sheet
from gan_teach.studies.engine import optional, read_csv, write_csv
from gan_teach.training import EMA, State
from gan_teach.training.checkpoints import save_checkpoint
from gan_teach.training.loop import check_finite

if TYPE_CHECKING:
    from gan_teach.studies.image_runs import Trained

LOG_EVERY = 50
_SHEET = 64  # samples


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

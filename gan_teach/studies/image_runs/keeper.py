"""What a run leaves behind as it goes by: files, and a progress bar; and how it is interrupted."""

from __future__ import annotations

import io
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gan_teach._files import replacing
from gan_teach.plots.images import sheet
from gan_teach.studies.engine import optional, read_csv, write_csv
from gan_teach.studies.image_runs.drawing import draw, save_sheet
from gan_teach.training import EMA, State
from gan_teach.training.checkpoints import save_checkpoint
from gan_teach.training.loop import check_finite

LOG_EVERY = 50


def event_writer(folder: Path) -> Any:
    """What writes a run's numbers and sheets for TensorBoard; ValueError if that is not installed.

    A resumed run adds a file. What it repeats has the steps and the values it had.
    """
    sentence = "TensorBoard is not installed: pip install tensorboard, or leave the option out."
    return optional("torch.utils.tensorboard", sentence).SummaryWriter(str(folder))


class Keeper:
    """Saves a run's files on every ``every``-th step and at step ``last``; ends its log after it.

    Each file is replaced as a whole, so that one is found at any moment, and the checkpoint comes
    last: what it continues from is complete.
    """

    def __init__(
        self, out: Path, generators: Mapping[str, nn.Module], averages: Mapping[str, EMA],
        latents: Tensor, last: int, every: int, events: Any = None,
    ) -> None:  # fmt: skip
        self.out, self.last, self.every = out, last, every
        self._generators, self._averages, self._latents = generators, averages, latents
        self._events = events  # for TensorBoard, on request
        self._rows: list[dict[str, float]] = []
        self._saved: int | None = None

    def __enter__(self) -> Keeper:
        return self

    def __exit__(self, *_: object) -> None:
        if self._events:
            self._events.close()

    def __call__(self, state: State) -> None:
        if state.losses and (state.step % LOG_EVERY == 0 or state.step == self.last):
            row = numbers(state)
            self._rows.append({"step": state.step, **row})
            for name, value in row.items() if self._events else ():
                self._events.add_scalar(name.replace(": ", "/"), value, state.step)
        if state.step == self.last or (state.step and state.step % self.every == 0):
            self.save(state)

    def save(self, state: State) -> None:
        """Write everything, unless that was done at this step already."""
        if state.step == self._saved:
            return
        check_finite(state, self.out / "checkpoint.pt")
        self._save_losses()
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
        if self._events:
            self._events.flush()
        save_checkpoint(self.out / "checkpoint.pt", state, **self._averages)
        self._saved = state.step

    def _save_losses(self) -> None:
        """Append to losses.csv; steps that a resumed run repeats stay there once."""
        if not self._rows:
            return
        file, begin = self.out / "losses.csv", self._rows[0]["step"]
        rows: list[Mapping[str, Any]] = list(read_csv(file)) if file.exists() else []
        rows = [row for row in rows if int(row["step"]) < begin] + self._rows
        write_csv(file, max(self._rows, key=len), rows)
        self._rows = []


def numbers(state: State) -> dict[str, float]:
    """Both losses of the last update, and what D's is the sum of if it has penalties."""
    found = {name: float(value) for name, value in sorted(state.losses.items())}
    if len(state.d_terms) > 1:
        found |= {f"d: {name}": float(value) for name, value in state.d_terms.items()}
    return {name: float(f"{value:.6g}") for name, value in found.items()}


def counted(run: Iterable[State], batch_size: int, bar: Any) -> Iterator[State]:
    """The same states; the progress bar counts their images: its rate is images per second."""
    for state in run:
        images = state.step * batch_size
        if not state.losses:  # the first state of a run, or of a resumed one
            bar.initial = bar.n = images
        elif not bar.disable and state.step % LOG_EVERY == 0:
            now = numbers(state)
            text = f"step {state.step}, G {now['g_loss']:.3f}, D {now.get('d_loss', 0):.3f}"
            bar.set_postfix_str(text, refresh=False)
        bar.update(images - bar.n)
        yield state


@contextmanager
def interrupts() -> Iterator[Callable[[], bool]]:
    """Within it Ctrl-C only makes the yielded function true, so that a step is finished first.

    A second Ctrl-C raises KeyboardInterrupt at once. Outside of the main thread nothing changes.
    """
    asked: list[int] = []

    def ask(signum: int, frame: object) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(signum)

    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = signal.signal(signal.SIGINT, ask)
    try:
        yield lambda: bool(asked)
    finally:
        signal.signal(signal.SIGINT, before)

"""A run's numbers and sheets for TensorBoard, on request."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from gan_teach.plots.images import sheet


class Board:
    """Event files in ``folder``; raises ValueError where TensorBoard is not installed.

    A resumed run adds a file. What it repeats has the steps and the values it had.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise ValueError(
                "TensorBoard is not installed: pip install tensorboard, or leave the option out."
            ) from error
        self._writer = SummaryWriter(str(folder))

    def numbers(self, row: Mapping[str, float]) -> None:
        """A row of losses.csv, with its step."""
        for name, value in row.items():
            if name != "step":
                self._writer.add_scalar(name.replace(": ", "/"), value, int(row["step"]))

    def images(self, name: str, images: np.ndarray, step: int) -> None:
        """A sheet of samples of the generator or of one of its averages."""
        self._writer.add_image(f"samples/{name}", sheet(images), step, dataformats="HWC")

    def flush(self) -> None:
        """Have all that was logged on disk."""
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()

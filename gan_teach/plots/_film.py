"""Animations as files."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gan_teach import _checks
from gan_teach.history import History
from gan_teach.plots import _frames, style
from gan_teach.plots._panel import Panel

GIF_COLORS = 96  # shades of anti-aliasing beyond these cost bytes that no eye sees


class Animation:
    """A recorded run as moving pictures; made by ``animate``.

    ``frames`` holds the indices of the records that are shown, in order.
    """

    def __init__(self, pictures: _frames.Frames, frames: NDArray[np.int64], fps: int) -> None:
        self.frames, self.fps = frames, fps
        self._pictures = pictures

    def __len__(self) -> int:
        return len(self.frames)

    def __repr__(self) -> str:
        return f"Animation({len(self)} frames, {self.fps} per second): .save('run.gif') or .mp4"

    def picture(self, k: int) -> NDArray[np.uint8]:
        """Frame ``k`` as (height, width, 3) RGB bytes."""
        return self._pictures[int(self.frames[k])]

    def save(self, path: str | os.PathLike[str], progress: bool = True) -> Path:
        """Write a ``.gif`` (Pillow) or ``.mp4`` (ffmpeg); the file appears when it is complete.

        Raises ValueError for another suffix, and RuntimeError where there is no ffmpeg or it fails.
        """
        path = Path(path)
        writers = {".gif": self._write_gif, ".mp4": self._write_mp4}
        write = writers[_checks.choice("the suffix of path", path.suffix.lower(), writers)]
        with style.replacing(path) as partial:
            write(partial, progress)
        return path

    def _run(self, progress: bool) -> Iterator[NDArray[np.uint8]]:
        from tqdm.auto import tqdm

        for k in tqdm(range(len(self)), desc="drawing", unit="frame", disable=not progress):
            yield self.picture(k)

    def _write_gif(self, path: Path, progress: bool) -> None:
        """One palette for all frames, fitted to at most five of them, and only changed pixels."""
        from PIL import Image

        spread = np.unique(np.linspace(0, len(self) - 1, 5).astype(int))
        colors = style.palette([self.picture(int(k)) for k in spread], GIF_COLORS)
        images = (style.reduce_colors(rgb, colors) for rgb in self._run(progress))
        first: Image.Image = next(images)
        delay = round(100 / self.fps) * 10  # the format counts in hundredths of a second
        first.save(
            path, save_all=True, append_images=images, duration=delay, loop=0, optimize=True,
            palette=colors.tobytes() + bytes(3), transparency=len(colors),  # marks what stays
        )  # fmt: skip

    def _write_mp4(self, path: Path, progress: bool) -> None:
        height, width, _ = self.picture(0).shape
        command = [
            ffmpeg(), "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24",
            "-s", f"{width}x{height}", "-r", str(self.fps), "-i", "-",
            # yuv420p, which every browser plays, needs even sides
            "-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2:color=white", "-pix_fmt", "yuv420p",
            "-fflags", "+bitexact", "-map_metadata", "-1", "-movflags", "+faststart", str(path),
        ]  # fmt: skip
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdin is not None
            assert process.stderr is not None
            try:
                for rgb in self._run(progress):
                    process.stdin.write(rgb.tobytes())
                process.stdin.close()
            except BrokenPipeError:
                pass  # ffmpeg stopped early: it says why below
            message = process.stderr.read().decode(errors="replace").strip()
        if process.returncode != 0:
            raise RuntimeError(
                f"ffmpeg could not write {path.suffix}: {message}. A .gif needs none."
            )

    def show(self, alt: str) -> style.HtmlImage | None:
        """Display the animation in a notebook as a GIF with the alternative text ``alt``."""
        import tempfile

        width = self.picture(0).shape[1]
        style.HtmlImage(b"", alt, width)  # checks alt before the work
        with tempfile.TemporaryDirectory() as folder:
            data = self.save(Path(folder) / "run.gif", progress=False).read_bytes()
        return style.display(style.HtmlImage(data, alt, width, "gif"))


def ffmpeg() -> str:
    """The path of an ffmpeg: that of the package imageio-ffmpeg, else the system's."""
    try:
        import imageio_ffmpeg

        return imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError):
        found = shutil.which("ffmpeg")
    if found is None:
        raise RuntimeError(
            "an .mp4 needs ffmpeg, which was not found: pip install imageio-ffmpeg, or save a .gif."
        )
    return found


def animate(
    history: History,
    panels: Sequence[Panel] | None = None,
    fps: int = 20,
    every: int | None = None,
    max_frames: int = 150,
    *,
    figsize: tuple[float, float] | None = None,
    dpi: int = 80,
) -> Animation:
    """An animation of ``panels`` (default: those that suit the history); save it with ``.save``.

    Shows every ``every``-th record and the last one, thinned evenly to at most ``max_frames``; by
    default as many as that allows. ``fps`` is at most 50, the fastest that browsers play a GIF.
    """
    _checks.whole("fps", fps, least=1)
    if fps > 50:
        raise ValueError(
            f"fps must be at most 50, the fastest that browsers play a GIF, got {fps}."
        )
    _checks.whole("max_frames", max_frames, least=1)
    every = 1 if every is None else _checks.whole("every", every, least=1)
    pictures = _frames.of(history, panels, figsize, dpi)
    chosen = np.union1d(np.arange(0, len(history), every), [len(history) - 1])
    if len(chosen) > max_frames:
        chosen = chosen[np.linspace(len(chosen) - 1, 0, max_frames).round().astype(int)[::-1]]
    return Animation(pictures, chosen, fps)

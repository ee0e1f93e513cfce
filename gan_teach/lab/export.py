"""A run of the lab outside of it: the code that repeats it, its numbers, and its pictures."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from gan_teach import _checks
from gan_teach.lab.config import PRESETS
from gan_teach.lab.picture import Picture
from gan_teach.lab.session import Session
from gan_teach.plots import style

MOMENTS = 60  # of a film
FRAMES_A_SECOND = 12


def code(session: Session) -> str:
    """The run up to here in five lines of Python, which repeat its numbers to the last bit."""
    replay = session.as_replay
    changed = replay.start.differences(PRESETS[replay.start.preset])
    knobs = ", ".join(f"{name}={value!r}" for name, value in changed.items())
    return "\n".join(
        [
            "from gan_teach.lab import PRESETS, Replay, Session",
            f"start = PRESETS[{replay.start.preset!r}].changed({knobs})",
            f"changes = {dict(replay.changes)!r}  # step: what changes there",
            f"run = Session(Replay(start, changes, steps={replay.steps}, draws={replay.draws}))",
            "history = run.history",
        ]
    )


def png(session: Session) -> bytes:
    """The picture of the run as it stands, with its charts."""
    return _encoded([Picture(session.frame).rgb(session.frame)], "PNG")


def gif(session: Session) -> bytes:
    """The run up to here as a film of at most 60 moments, evenly spaced."""
    run = session.branch()
    moments = np.unique(np.linspace(0, run.step, MOMENTS).round().astype(int))
    frames = [run.rewind(int(step)) for step in moments]
    picture = Picture(frames[-1])  # its axes have room for the whole run
    return _encoded([picture.rgb(frame) for frame in frames], "GIF")


def npz(session: Session) -> bytes:
    """The History of the run, which ``gan_teach.History.load`` reads."""
    with tempfile.TemporaryDirectory() as folder:
        return session.history.save(Path(folder) / "run.npz").read_bytes()


FORMATS: dict[str, Callable[[Session], bytes]] = {
    "png": png,
    "gif": gif,
    "npz": npz,
    "py": lambda session: (code(session) + "\n").encode(),
}
"""What can be exported, by the ending of the file."""


def export(session: Session, path: str | Path) -> Path:
    """Write the run as its file's ending says: .png, .gif, .npz (its History) or .py.

    Raises ValueError for another ending, OSError where nothing can be written.
    """
    path = Path(path)
    make = FORMATS[_checks.choice("ending", path.suffix.lstrip("."), FORMATS)]
    path.write_bytes(make(session))
    return path


def save_all(session: Session, folder: str | Path) -> Iterator[Path]:
    """Write the run in every format into ``folder``, numbers first; yields each file's path."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for ending in ("npz", "py", "png", "gif"):
        yield export(session, folder / f"run.{ending}")


def _encoded(pictures: list[np.ndarray], kind: str) -> bytes:
    spread = np.unique(np.linspace(0, len(pictures) - 1, 5).astype(int))
    colors = style.palette([pictures[int(k)] for k in spread])
    first, *others = (style.reduce_colors(rgb, colors) for rgb in pictures)
    film = {"save_all": True, "append_images": others, "duration": 1000 // FRAMES_A_SECOND,
            "loop": 0} if kind == "GIF" else {}  # fmt: skip
    buffer = io.BytesIO()
    first.save(buffer, kind, optimize=True, **film)
    return buffer.getvalue()

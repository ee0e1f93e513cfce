"""What a run leaves behind: named NumPy arrays over the recorded steps.

A ``State`` is live, a ``History`` is dead: it shares no memory with the run that made it, so that
later training cannot change what was recorded. Plots, animations and widgets read nothing else.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gan_teach._files import replacing

Arrays = Mapping[str, ArrayLike]
Facts = Mapping[str, Any]

_FORMAT = "gan_teach.History/1"


class History:
    """Arrays over recorded steps, constants beside them, and a small dictionary of facts.

    Parameters
    ----------
    steps : (T,) whole numbers, the training step of each record (0 is before the first update).
    arrays : name -> array of shape (T, ...).
    static : name -> array that does not change over time (a grid, the fixed latents).
    meta : facts that fit into JSON (the experiment's name and settings).

    Raises
    ------
    ValueError : when an array's first axis differs from the number of steps; it names the array.
    """

    def __init__(
        self,
        steps: ArrayLike,
        arrays: Arrays,
        static: Arrays | None = None,
        meta: Facts | None = None,
    ) -> None:
        self.steps: NDArray[np.int64] = np.array(steps, dtype=np.int64).reshape(-1)
        self._arrays = {name: np.array(a) for name, a in arrays.items()}
        self.static = {name: np.array(a) for name, a in (static or {}).items()}
        self.meta: dict[str, Any] = dict(meta or {})
        for name, array in self._arrays.items():
            if array.ndim == 0 or len(array) != len(self.steps):
                raise ValueError(
                    f"arrays[{name!r}] has shape {array.shape}, but there are {len(self.steps)} "
                    "recorded steps: its first axis must be time."
                )
            if array.dtype.kind not in "biufcU":
                raise ValueError(
                    f"arrays[{name!r}] has entries of type {array.dtype}: numbers or text are "
                    "kept. Does a probe return None?"
                )

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def keys(self) -> list[str]:
        """The names of the arrays over time."""
        return list(self._arrays)

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self._arrays:
            raise KeyError(f"no array {name!r} was recorded; there are {', '.join(self._arrays)}.")
        return self._arrays[name]

    def last(self, name: str) -> NDArray[Any]:
        """The array's value at the last recorded step."""
        return self[name][-1]

    def __repr__(self) -> str:
        if not len(self):
            return "History(empty)"
        parts = ", ".join(f"{k}{a.shape[1:]}" for k, a in self._arrays.items())
        return f"History({len(self)} records, steps {self.steps[0]}-{self.steps[-1]}: {parts})"

    def with_arrays(self, **arrays: ArrayLike) -> History:
        """A new History with further arrays over the same steps."""
        return History(self.steps, {**self._arrays, **arrays}, self.static, self.meta)

    def describe(self, *, static: Arrays | None = None, meta: Facts | None = None) -> History:
        """A new History with further constants and facts."""
        static, meta = {**self.static, **(static or {})}, {**self.meta, **(meta or {})}
        return History(self.steps, self._arrays, static, meta)

    def member(self, index: int) -> History:
        """One member of an ensemble: axis 1 of every (T, S, ...) array taken at ``index``.

        ``meta["members"]`` says how many there are; an array or constant without that axis is kept.
        Raises ValueError when this is not the history of an ensemble.
        """
        size = self.meta.get("members")
        if not size:
            raise ValueError("this History is of a single run: it has no members to choose from.")
        if not -size <= index < size:
            raise ValueError(f"index must be in 0..{size - 1} for {size} members, got {index}.")
        arrays = {
            k: a[:, index] if a.ndim > 1 and a.shape[1] == size else a
            for k, a in self._arrays.items()
        }
        per_member = set(self.meta.get("static_per_member", ()))
        static = {k: a[index] if k in per_member else a for k, a in self.static.items()}
        meta = {
            k: v[index] if isinstance(v, list) and len(v) == size else v
            for k, v in self.meta.items()
            if k not in ("members", "static_per_member")
        }
        return History(self.steps, arrays, static, meta)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write one ``.npz`` file: a temporary one first, then renamed, so none is half done."""
        path = Path(path)
        payload = {f"over_time/{k}": a for k, a in self._arrays.items()}
        payload |= {f"static/{k}": a for k, a in self.static.items()}
        payload["steps"] = self.steps
        payload["meta"] = np.array(json.dumps({"format": _FORMAT, "meta": self.meta}))
        with replacing(path) as partial, open(partial, "wb") as file:
            np.savez_compressed(file, **payload)  # pyright: ignore[reportArgumentType]
        return path

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> History:
        """Read what ``save`` wrote. Raises ValueError naming a damaged or foreign file."""
        try:
            with open(path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
                data = {name: file[name] for name in file.files}
            head = json.loads(str(data["meta"]))
            layout = head["format"]
        except FileNotFoundError:
            raise
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(
                f"{path} is damaged or was not written by History.save ({error})."
            ) from error
        if layout != _FORMAT:
            raise ValueError(f"{path} holds {layout!r}; this version reads {_FORMAT!r}.")
        arrays, static = (
            {name.removeprefix(kind): a for name, a in data.items() if name.startswith(kind)}
            for kind in ("over_time/", "static/")
        )
        return cls(data["steps"], arrays, static, head["meta"])

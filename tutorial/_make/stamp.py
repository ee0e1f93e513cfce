"""Write anew, into the shipped records, the settings that they say they are the result of.

    python tutorial/_make/stamp.py [NAME ...] [--write]

``records.load`` refuses a record whose settings are not the library's. After a change of names
alone (a function, a field that decides no number) this says what each record would say instead,
and with ``--write`` says so; its arrays stay as they are, to the last bit. A record whose numbers
another setting would change has to be made anew: ``gan-teach study NAME``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gan_teach import _checks
from gan_teach.course import records
from gan_teach.history import History


def stamp(name: str, path: Path, write: bool) -> list[str]:
    """What changes in the record ``name`` at ``path``, a line a setting; none if it loads."""
    history = History.load(path)
    was, now = history.meta["settings"], records.settings(name)
    changes = [
        f"{key} = {was.get(key)!r} -> {now.get(key)!r}"
        for key in {**now, **was}
        if was.get(key) != now.get(key)
    ]
    if write and changes:
        before = _arrays(path)
        history.describe(meta={"settings": now, "schema": records.images.SCHEMA}).save(path)
        if _arrays(path) != before:
            raise AssertionError(f"the arrays of {path} are no longer what they were.")
    return changes


def _arrays(path: Path) -> dict[str, tuple[str, tuple[int, ...], bytes]]:
    """Every array of the file, by name: its type, its shape, its bytes."""
    with np.load(path) as data:
        return {
            name: (str(data[name].dtype), data[name].shape, data[name].tobytes())
            for name in data.files
            if name != "meta"
        }


def main(argv: Sequence[str] | None = None) -> int:
    """Print what differs; 1 if anything does and is not written."""
    parser = argparse.ArgumentParser(description="Stamp the shipped records with today's settings.")
    parser.add_argument("names", metavar="NAME", nargs="*", help="records (default: all)")
    parser.add_argument("--write", action="store_true", help="write them; else only say so")
    options = parser.parse_args(argv)
    names = [_checks.choice("NAME", name, records.NAMES) for name in options.names]
    stale = 0
    for name in names or records.NAMES:
        changes = stamp(name, records.folder() / f"{name}.npz", options.write)
        print(f"{name}: {'; '.join(changes) or 'as it is'}")
        stale += bool(changes) and not options.write
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())

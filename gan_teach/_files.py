"""Files that are found whole or not at all, tables as CSV files, plain data as JSON."""

import csv
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

WAITS = (0.05, 0.2, 0.5)  # seconds, while another program holds a file open (Windows)


def _replace(partial: Path, path: Path) -> None:
    for wait in WAITS:
        with suppress(PermissionError):
            os.replace(partial, path)
            return
        time.sleep(wait)
    os.replace(partial, path)


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its name on success and is removed on failure.

    It is synced before, so that a crash of the machine leaves the old file or the new one. An
    OSError (a full disk is reported without a name) names ``path``.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        yield partial
        with open(partial, "rb+") as file:
            os.fsync(file.fileno())
        _replace(partial, path)
    except OSError as error:
        if error.errno is None or error.filename not in (None, str(partial)):
            raise
        raise type(error)(error.errno, error.strerror, str(path)) from error
    finally:
        partial.unlink(missing_ok=True)


def read_csv(path: str | os.PathLike[str]) -> list[dict[str, str]]:
    """The rows of a CSV file by the names of its columns."""
    with open(path, newline="", encoding="utf-8") as text:
        return list(csv.DictReader(text))


def write_csv(
    path: str | os.PathLike[str], columns: Iterable[str], rows: Iterable[Mapping[str, Any]]
) -> None:
    """Write these columns of the rows as a CSV file, as a whole or not at all."""
    with replacing(path) as partial, open(partial, "w", newline="", encoding="utf-8") as text:
        writer = csv.DictWriter(text, list(columns), extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_json(path: str | os.PathLike[str], content: Mapping[str, Any]) -> None:
    """Write plain data as a JSON file, as a whole or not at all."""
    with replacing(path) as partial:
        partial.write_text(json.dumps(content, indent=2) + "\n", "utf-8")

"""The recorded runs of the book: what each lab that a chapter opens plays without a kernel.

    python tutorial/_make/runs.py [NAME ...]

They go into ``tutorial/_book/runs``, which ``gan-teach book`` makes pages of. A run is made again
when its preset, the lab or what it draws has changed; without names all of them are.
"""

import argparse
import json
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import nbformat

from gan_teach import _checks
from gan_teach._progress import progress_bar
from gan_teach.course import book, chapters
from gan_teach.lab import Session, frame

FOLDER = Path(__file__).resolve().parents[1]
RUNS = FOLDER / "_book" / "runs"
LENGTHS = {  # rounds, pictures: long enough to show where a run goes
    "line": (1500, 250), "dirac": (600, 200), "plane": (2000, 80), "images": (1500, 150),
}  # fmt: skip


def labs() -> dict[str, book.Opened]:
    """The labs of all chapters, by the names of their runs."""
    found = {}
    for chapter in chapters(FOLDER):
        cells = nbformat.read(FOLDER / f"{chapter.name}.ipynb", as_version=4).cells
        opened = (book.lab_of(cell.source) for cell in cells if cell.cell_type == "code")
        found |= {book.run_name(lab): lab for lab in opened if lab}
    return found


def make(name: str, opened: book.Opened) -> None:
    session = Session(opened[0], **opened[1])
    told = frame.recorded(session, *LENGTHS[session.config.world])
    text = json.dumps(told, indent=0, ensure_ascii=False)
    (RUNS / f"{name}.json").write_text(f"{text}\n", "utf-8", newline="\n")


def main(argv: Sequence[str] | None = None) -> None:
    wanted = labs()
    parser = argparse.ArgumentParser(description="Record the runs of the book's labs.")
    parser.add_argument("names", metavar="NAME", nargs="*", help="runs (default: all)")
    names = parser.parse_args(argv).names or wanted
    spawn = multiprocessing.get_context("spawn")  # torch does not survive a fork
    RUNS.mkdir(parents=True, exist_ok=True)
    for old in RUNS.glob("*.json"):
        if old.stem not in wanted:
            old.unlink()
    with ProcessPoolExecutor(2, mp_context=spawn) as pool:
        jobs = [pool.submit(make, n, wanted[_checks.choice("NAME", n, wanted)]) for n in names]
        for job in progress_bar(len(jobs), "run", True, as_completed(jobs)):
            job.result()


if __name__ == "__main__":
    main()

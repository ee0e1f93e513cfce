"""Chapters to hand out before the answers: copies of the notebooks without them.

    python tutorial/_make/handout.py FOLDER [NAME ...]

All chapters, or those whose names begin so (``09``). Answers and model answers are left out, also
where they take a cell of their own; hints, checks and what was printed stay. A notebook that lies
in the folder already is left alone, since a student may have worked in it.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from gan_teach.course import chapters, need

ANSWER = re.compile(r"\s*<details><summary>(?:Model answer|Answer)</summary>.*?</details>", re.S)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME", default=[""])
    options = parser.parse_args(arguments)
    names = tuple(options.names)
    wanted = [chapter for chapter in chapters() if chapter.name.startswith(names)]
    if not wanted:
        print(f"no chapter begins with {' or '.join(names)}", file=sys.stderr)
        return 1
    options.folder.mkdir(parents=True, exist_ok=True)
    nbformat = need("nbformat")
    for chapter in wanted:
        target = options.folder / f"{chapter.name}.ipynb"
        if target.exists():
            print(f"{target}: is there already")
            continue
        notebook = nbformat.read(chapter.source.with_suffix(".ipynb"), as_version=4)
        left = sum(without_answers(cell) for cell in notebook.cells)
        kept = (cell for cell in notebook.cells if cell.cell_type == "code" or cell.source.strip())
        notebook.cells = list(kept)
        nbformat.write(notebook, target)
        print(f"{target}: {left} answers left out")
    return 0


def without_answers(cell: dict[str, str]) -> int:
    """Take the answers out of a cell of text; how many there were."""
    if cell["cell_type"] != "markdown":
        return 0
    cell["source"], count = ANSWER.subn("", cell["source"])
    return count


if __name__ == "__main__":
    sys.exit(main())

"""The verdicts in learners' notebooks, a line for each exercise, as CSV.

    python tutorial/_make/collect.py NOTEBOOK [NOTEBOOK ...] [--run]

Reads what the cells with a check say as the notebook was handed in; with ``--run`` runs it first,
in a kernel of its own, from top to bottom and past errors. That executes what learners wrote: do it
where you would run their programs.
"""

import argparse
import csv
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gan_teach.course import need

CHECK = re.compile(r"gt\.exercises\.(check_\w+)\(")
VERDICT = re.compile(r"^(Right|Not yet): (.+)", re.M)
HEAD = ("notebook", "check", "verdict", "says")


def rows(path: Path, run: bool = False) -> Iterator[tuple[str, str, str, str]]:
    """(notebook, check, Right, Not yet, error or -, what it says) of each exercise of ``path``."""
    notebook = need("nbformat").read(path, as_version=4)
    if run:
        where = {"metadata": {"path": str(path.resolve().parent)}}
        client = need("nbclient").NotebookClient(
            notebook, timeout=600, allow_errors=True, kernel_name="python3", resources=where
        )
        client.execute()
    for cell in notebook.cells:
        if cell.cell_type == "code" and (found := CHECK.search(cell.source)):
            yield path.stem, found[1], *_said(cell.outputs)


def _said(outputs: Sequence[Any]) -> tuple[str, str]:
    """The last verdict among the outputs of a cell; else its error; else that it was not run."""
    texts = [str(o.get("text", o.get("data", {}).get("text/plain", ""))) for o in outputs]
    if verdicts := VERDICT.findall("\n".join(texts)):
        return verdicts[-1]
    errors = [f"{o.ename}: {o.evalue}" for o in outputs if o.output_type == "error"]
    return ("error", errors[-1]) if errors else ("-", "not run")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Collect the verdicts of learners' notebooks.")
    parser.add_argument("notebooks", type=Path, metavar="NOTEBOOK", nargs="+")
    parser.add_argument("--run", action="store_true", help="run each first")
    options = parser.parse_args(argv)
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(HEAD)
    for path in options.notebooks:
        table.writerows(rows(path, options.run))
    return 0


if __name__ == "__main__":
    sys.exit(main())

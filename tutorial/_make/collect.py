"""The verdicts and the answers in words in learners' notebooks, a line each, as CSV.

    python tutorial/_make/collect.py NOTEBOOK [NOTEBOOK ...] [--run] [--summary]
    python tutorial/_make/collect.py --key 25

Reads what the cells with a check say as the notebook was handed in, and what stands in the cells
for an answer in words; with ``--run`` runs it first, in a kernel of its own, from top to bottom and
past errors. That executes what learners wrote: do it where you would run their programs. A file
that is no notebook gets one line that says so. ``--summary``: one line for each notebook, by seed.
``--key``: what lies behind each of so many seeds of the wrap-ups.
"""

import argparse
import csv
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from glob import glob
from pathlib import Path
from typing import Any

from gan_teach.course import exercises, need

CHECK = re.compile(r"gt\.exercises\.(check_\w+)\(")
UNSEEN = re.compile(r"gt\.exercises\.unseen_\w+\((?:seed=)?(\d+)\)")
QUESTION = re.compile(r"^(?:## Exercises\n+)?\*\*(\d+)\.\*\*", re.M)
VERDICT = re.compile(r"^(Right|Not yet): (.+)", re.M)
PROMPT = re.compile(r"\*Your answer\*[^:]*:")
HEAD = ("notebook", "seed", "check", "verdict", "says")
SUMMARY = ("seed", "notebook", "Right", "Not yet", "error", "-", "words", "unreadable")


def rows(path: Path, run: bool = False) -> Iterator[tuple[str, str, str, str, str]]:
    """(notebook, seed, check, verdict, what it says) of each exercise of ``path``.

    A verdict is Right, Not yet, error, - (not run, not written) or words, of an answer in words.
    """
    try:
        cells = _cells(path, run)
    except Exception as error:  # a truncated download, a text, a kernel that died
        yield str(path), "", "-", "unreadable", f"{type(error).__name__}: {error}".split("\n")[0]
        return
    seed = question = ""
    for cell in cells:
        if cell.cell_type == "code":  # a folded answer that was pasted brings a seed along
            seed = "".join(UNSEEN.findall(cell.source)[-1:]) or seed
            if found := CHECK.search(cell.source):
                verdict, said = _said(cell.outputs)
                yield str(path), seed, found[1], verdict, said
        elif "answer" in cell.metadata.get("tags", []):
            words = " ".join(PROMPT.sub("", cell.source).split())
            verdict, said = ("words", words) if words else ("-", "not written")
            yield str(path), seed, f"question {question}", verdict, said
        else:
            question = "".join(QUESTION.findall(cell.source)[-1:]) or question


def _cells(path: Path, run: bool) -> list[Any]:
    notebook = need("nbformat").read(path, as_version=4)
    if run:
        where = {"metadata": {"path": str(path.resolve().parent)}}
        client = need("nbclient").NotebookClient(
            notebook, timeout=600, allow_errors=True, kernel_name="python3", resources=where
        )
        client.execute()
    return notebook.cells


def _said(outputs: Sequence[Any]) -> tuple[str, str]:
    """The last verdict among the outputs of a cell; else its error; else that it was not run."""
    texts = [str(o.get("text", o.get("data", {}).get("text/plain", ""))) for o in outputs]
    if verdicts := VERDICT.findall("\n".join(texts)):
        return verdicts[-1]
    errors = [f"{o.ename}: {o.evalue}" for o in outputs if o.output_type == "error"]
    return ("error", errors[-1]) if errors else ("-", "not run")


def _told(settings: dict[str, Any]) -> str:
    """Knobs and their values in words."""
    pairs = [f"{knob} = {value}" for knob, value in settings.items()]
    return ", ".join(pairs) or "as the chapter has it"


def summary(path: Path, run: bool = False) -> tuple[Any, ...]:
    """A notebook's seeds, name, and how many of its lines have each verdict."""
    found = list(rows(path, run))
    counts = Counter(verdict for *_, verdict, _ in found)
    seed = " ".join(dict.fromkeys(seed for _, seed, *_ in found if seed))
    return seed, str(path), *(counts[verdict] for verdict in SUMMARY[2:])


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Collect the verdicts of learners' notebooks.")
    parser.add_argument("notebooks", type=Path, metavar="NOTEBOOK", nargs="*")
    parser.add_argument("--run", action="store_true", help="run each first")
    parser.add_argument("--summary", action="store_true", help="one line for each notebook")
    parser.add_argument("--key", type=int, metavar="SEEDS", help="the settings behind the seeds")
    options = parser.parse_args(argv)
    if (options.key is None) == (not options.notebooks):
        parser.error("name notebooks, or --key with a number of seeds.")
    given = [str(path) for path in options.notebooks]  # a Windows shell leaves a * as it is
    notebooks = [Path(path) for name in given for path in sorted(glob(name)) or [name]]
    table = csv.writer(sys.stdout, lineterminator="\n")
    if options.key is not None:
        unseen = exercises.unseen
        table.writerow(("seed", *unseen.HIDDEN))
        for seed in range(options.key):
            table.writerow((seed, *(_told(unseen.drawn(s, seed)) for s in unseen.HIDDEN.values())))
    elif options.summary:
        table.writerow(SUMMARY)
        found = [summary(path, options.run) for path in notebooks]
        found.sort(key=lambda row: (int(row[0].split()[0]) if row[0] else -1, row[1]))
        table.writerows(found)
    else:
        table.writerow(HEAD)
        for path in notebooks:
            table.writerows(rows(path, options.run))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""From ``NN_title.py`` (py:percent, the only source) to ``NN_title.ipynb``, executed.

    python tutorial/_make/notebooks.py [NAME ...] [--check]

Making a notebook twice gives the same bytes: cell ids come from the source, counters run from 1,
and whatever differs from run to run (timing, widget ids, progress bars, memory addresses) is left
out. What must not be in a shipped notebook at all, a warning or a path of the author's machine, is
an error here rather than something to scrub.
"""

import argparse
import hashlib
import os
import re
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from films import is_film
from gan_teach import _checks
from gan_teach._files import replacing
from gan_teach.course import CourseError, chapters, need

WIDGET = "application/vnd.jupyter.widget-view+json"
WIDGET_TEXT = "(interactive: run this cell to use it)"
MAKE = Path(__file__).resolve().parent
FOLDER = MAKE.parent
FILMS = "_book/films"
SHOOT = "import films, pathlib; films.shoot(list(Out.values())[-1], pathlib.Path({path!r}))"
METADATA = {
    # As JupyterLab writes it: a notebook that lacks some of it counts as changed once it is opened.
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
    },
}
SETUP = """\
# On Colab, and nowhere else: install the course.
import os
import sys

if "google.colab" in sys.modules:
    os.environ["GAN_TEACH_VIEW"] = "core"  # widgets that Colab shows as they are
    %pip install -q "gan-teach[images] @ git+{source}"
"""
_NOT_INHERITED = {"GAN_TEACH_SMOKE", "MPLBACKEND"}  # shorter runs, no inline pictures
_KEPT_CELL_METADATA = {"tags", "jupyter", "slideshow", "collapsed"}
_CLAIM = "# What the text says of it.\n"  # JupyterLab shows the first line of a folded cell
_PROGRESS_BAR = re.compile(r"\d+%\|")
_WIDGET_REPR = re.compile(r"[A-Z]\w*\(")  # VBox(children=...: nothing to read
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_EMBEDDED = re.compile(r"data:image/[\w.+-]+;base64,[A-Za-z0-9+/=\s]+")


def update(source: Path) -> bool:
    """Make the notebook beside ``source``, and its films; True if that changed the notebook."""
    target = source.with_suffix(".ipynb")
    with tempfile.TemporaryDirectory() as studio:
        text = render(execute(source, Path(studio)))
        shelf = source.parent / FILMS
        shelf.mkdir(parents=True, exist_ok=True)
        for old in shelf.glob(f"{source.stem}-*.zip"):
            old.unlink()
        for film in Path(studio).iterdir():
            shutil.copy(film, shelf)
    if target.exists() and target.read_text("utf-8") == text:
        return False
    with replacing(target) as partial:
        partial.write_text(text, "utf-8", newline="\n")
    return True


def check(source: Path) -> list[str]:
    """What separates the notebook beside ``source`` from a fresh run, a sentence each.

    Pictures count as equal where both have one: their bytes depend on the machine's fonts.
    """
    target = source.with_suffix(".ipynb")
    if not target.exists():
        return [f"{target.name} is missing"]
    old, new = need("nbformat").read(target, as_version=4), execute(source)
    if [c.source for c in old.cells] != [c.source for c in new.cells]:
        return ["its cells are not those of the source"]
    return [
        f"the output of cell {i} differs"
        for i, (a, b) in enumerate(zip(old.cells, new.cells, strict=True), start=1)
        if _comparable(a) != _comparable(b)
    ]


def execute(source: Path, studio: Path | None = None) -> Any:
    """The executed notebook of ``source`` as an nbformat node, free of anything volatile.

    The folder ``studio`` takes a film of each player and chooser, CHAPTER-CELL.zip.
    """
    notebook = convert(source)
    own = notebook.cells
    if studio:
        notebook.cells = list(_with_shots(own, str(studio / source.stem)))
    nbclient = need("nbclient")
    environment = {k: v for k, v in os.environ.items() if k not in _NOT_INHERITED}
    environment["PYTHONPATH"] = os.pathsep.join([str(MAKE), os.environ.get("PYTHONPATH", "")])
    client = nbclient.NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=600,
        iopub_timeout=60,  # s; the usual 4 lost outputs on a busy machine, in silence
        raise_on_iopub_timeout=True,
        record_timing=False,
        store_widget_state=False,
        extra_arguments=["--log-level=ERROR"],
        resources={"metadata": {"path": str(source.resolve().parent)}},
    )
    try:
        fixed = {"OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0", "GAN_TEACH_VIEW": "strip"}
        client.execute(env={**environment, **fixed})
    except nbclient.exceptions.CellExecutionError as error:
        raise CourseError(f"{source.name} does not run: {error}") from error
    except nbclient.exceptions.CellTimeoutError as error:
        raise CourseError(f"{source.name}: a cell ran for longer than 600 s.") from error
    notebook.metadata = need("nbformat").from_dict(METADATA)
    notebook.cells = own
    _tidy(notebook, source.name)
    fold(notebook)
    return notebook


def _with_shots(cells: list[Any], path: str) -> Iterator[Any]:
    """The cells, and after each that shows a player or a chooser one that shoots its film."""
    count = 0
    for cell in cells:
        yield cell
        if cell.cell_type == "code":
            if is_film(cell.source):
                code = SHOOT.format(path=f"{path}-{count}.zip")
                yield need("nbformat").v4.new_code_cell(code)
            count += 1


def convert(source: Path) -> Any:
    """The notebook of ``source`` before it is run, with its cell ids and tags."""
    notebook = need("jupytext").read(source, fmt="py:percent")
    nbformat = need("nbformat")
    first = next((i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"), 0)
    tags = {"tags": ["hide-input", "remove-cell"]}  # folded in a notebook, left out of the book
    notebook.cells.insert(first, nbformat.v4.new_code_cell(setup(), metadata=tags))
    seen: Counter[str] = Counter()
    for cell in notebook.cells:
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
        seen[digest] += 1  # two equal cells still need two ids
        cell["id"] = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
        cell.metadata = {k: v for k, v in cell.metadata.items() if k in _KEPT_CELL_METADATA}
        if "hide-input" in cell.metadata.get("tags", []):  # the book reads the tag, JupyterLab this
            cell.metadata["jupyter"] = {"source_hidden": True}
            if cell.source.startswith("assert"):
                cell.source = _CLAIM + cell.source
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def fold(notebook: Any) -> None:
    """Close each output that answers a question which the reader has not thought about yet.

    JupyterLab opens it when the cell is run, the book by a click. An alternative text tells what is
    seen as well: the code that holds one is closed too, wherever it stands.
    """
    for cell in notebook.cells:
        if cell.cell_type == "code" and re.search(r"\balt=f?[\"']", cell.source):
            cell.metadata["jupyter"] = {"source_hidden": True}
    blank = need("nbformat").v4.new_output("display_data")
    for cell in _below_questions(notebook.cells):
        if not cell.outputs or "gt.exercises." in cell.source:
            continue
        cell.outputs.insert(0, blank)  # JupyterLab shows the first line of the first one all along
        cell.metadata["tags"] = [*cell.metadata.get("tags", []), "hide-output"]
        cell.metadata["collapsed"] = True  # as JupyterLab writes it: both
        closed = {"source_hidden": True} if "alt=" in cell.source else {}
        cell.metadata["jupyter"] = {**cell.metadata.get("jupyter", {}), **closed} | {
            "outputs_hidden": True
        }


def _below_questions(cells: list[Any]) -> Iterator[Any]:
    """The code cells below a question, to where it is answered.

    A "Predict", bold or a heading, is answered by a fold "What you saw" (a legend may come before
    it), at the latest before the next heading; one with buttons by the verdict and what follows it
    up to the next text.
    """
    asked = waiting = buttons = False
    for cell in cells:
        if waiting and cell.cell_type == "markdown":
            continue
        if cell.cell_type == "markdown":
            asks = re.search(r"\*\*Predict|^## Predict$", cell.source, re.M)
            told = buttons or re.search(r"<details>|^## ", cell.source, re.M)
            asked = bool(asks or (asked and not told))
            buttons = False
        elif "gt.predict(" in cell.source:
            asked = waiting = buttons = True
        elif asked:
            yield cell
            waiting = waiting and ".answer(" not in cell.source


def setup() -> str:
    """The first code cell of each notebook; the address is that of ``pyproject.toml``."""
    project = (FOLDER.parent / "pyproject.toml").read_text("utf-8")
    source = re.search(r'^Source = "(.*)"$', project, re.MULTILINE)
    assert source is not None
    return SETUP.format(source=source[1]).rstrip()


def render(notebook: Any) -> str:
    """The text of the .ipynb file: valid, keys sorted, one newline at the end."""
    nbformat = need("nbformat")
    nbformat.validate(notebook)
    return nbformat.writes(notebook, version=4).rstrip("\n") + "\n"


def _tidy(notebook: Any, name: str) -> None:
    count = 0
    for cell in notebook.cells:
        cell.metadata = {k: v for k, v in cell.metadata.items() if k in _KEPT_CELL_METADATA}
        if cell.cell_type != "code":
            continue
        if cell.source.strip():
            count += 1
        cell.execution_count = count if cell.source.strip() else None
        cell.outputs = _stable(cell.outputs, cell.execution_count)
        _refuse(cell, f"{name}, code cell {count}")


def _stable(outputs: list[Any], count: int | None) -> list[Any]:
    kept: list[Any] = []
    for output in outputs:
        if output.output_type == "stream":
            previous = next((o for o in kept if o.get("name") == output.name), None)
            if previous is not None:  # how a stream is cut into messages is chance
                previous.text += output.text
                continue
        elif output.output_type == "error":
            output.traceback = [f"{output.ename}: {output.evalue}"]
        else:
            if _PROGRESS_BAR.search(output.data.get("text/plain", "")):
                continue
            if output.output_type == "execute_result":
                output.execution_count = count
            _freeze(output.data)
        kept.append(output)
    for output in kept:
        if output.output_type == "stream":
            output.text = _plain(output.text)
    return [o for o in kept if o.output_type != "stream" or o.text.strip()]


def _freeze(data: Any) -> None:
    """A widget leaves its static picture or words, or else a line; an object leaves no address."""
    if data.pop(WIDGET, None) is not None:
        if len(data) > 1 or _WIDGET_REPR.match(data.get("text/plain", "")):
            data.pop("text/plain", None)
        if not data:
            data["text/plain"] = WIDGET_TEXT
    if "text/plain" in data:
        data["text/plain"] = _ADDRESS.sub("", data["text/plain"])


def _plain(stream: str) -> str:
    """What a terminal would show in the end, without progress bars and addresses."""
    lines = [line.rpartition("\r")[2] for line in stream.replace("\r\n", "\n").split("\n")]
    text = "\n".join(line for line in lines if not _PROGRESS_BAR.search(line))
    return _ADDRESS.sub("", text)


def _texts(cell: Any) -> list[str]:
    """Every text in a code cell's outputs, embedded pictures left out."""
    texts = []
    for output in cell.outputs:
        values = [output.get("text"), output.get("evalue")]
        data = sorted(output.get("data", {}).items())
        values += [content for mime, content in data if not mime.startswith("image/")]
        texts += [_EMBEDDED.sub("data:image", v) for v in values if isinstance(v, str)]
    return texts


def _refuse(cell: Any, where: str) -> None:
    for output in cell.outputs:
        if output.output_type == "stream" and output.name == "stderr":
            raise CourseError(f"{where} warns: {output.text.strip()}")
    ours = {str(Path.home()), os.getcwd(), sys.prefix, tempfile.gettempdir()} - {os.sep}
    for folder in sorted(ours):
        if any(folder + os.sep in text for text in _texts(cell)):
            raise CourseError(f"{where} prints a path of this machine, {folder}{os.sep}...")


def _comparable(cell: Any) -> Any:
    if cell.cell_type != "code":
        return None
    kinds = [sorted(output.get("data", {})) for output in cell.outputs]
    return kinds, _texts(cell)


def main(argv: Sequence[str] | None = None) -> int:
    """Make the notebooks, or with ``--check`` compare them with a fresh run; 1 if any differs."""
    parser = argparse.ArgumentParser(description="Make each NN_title.ipynb from its NN_title.py.")
    parser.add_argument("names", metavar="NAME", nargs="*", help="chapters (default: all)")
    parser.add_argument("--check", action="store_true", help="compare only; write nothing")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="default: tutorial")
    options = parser.parse_args(argv)
    sources = {chapter.name: chapter.source for chapter in chapters(options.folder)}
    stale = 0
    for name in [_checks.choice("NAME", name, sources) for name in options.names] or sources:
        if options.check:
            differences = check(sources[name])
            print(f"{name}: {'; '.join(differences) or 'agrees'}", flush=True)
            stale += bool(differences)
        else:
            changed = update(sources[name])
            print(f"{name}: {'written' if changed else 'unchanged'}", flush=True)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())

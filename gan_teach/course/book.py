"""The course as a site that opens from disk: ``gan-teach book``.

The executed notebooks are prepared as pages, beside them what is not written by hand: an index of
the chapters, a reference of the public names from their docstrings. Sphinx makes the site of them;
what it is told stands in ``tutorial/_book/``, beside what moves: a film of each player and chooser,
and a recorded run of each lab. Nothing is run, and nothing needs a network.
"""

import ast
import dataclasses
import html
import inspect
import json
import re
import shutil
import tempfile
import textwrap
import zipfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import gan_teach
from gan_teach.course import CourseError, chapters, need, tutorial_folder

FENCE = "`" * 5
FULL = 96  # columns of a docstring's line
REPOSITORY = "gan-teach/gan_teach"  # on GitHub
MOVING = "01_normal"  # opens with its run; in other chapters a run is what one is to predict
Opened = tuple[str, dict[str, Any]]  # a lab: its preset, and the knobs that the cell sets
PARTS = {  # first chapter of each part of the course
    0: "The GAN on the line",
    5: "Games small enough for a formula",
    9: "Modes, penalties and scores",
    15: "Images",
}


def build(out: str | Path, source: Path | None = None) -> Path:
    """Write the site into the folder ``out`` and return its first page.

    Raises ``CourseError`` where Sphinx is missing, the pages have a fault (named by Sphinx), or
    ``out`` cannot be written.
    """
    source, out = source or tutorial_folder(), Path(out).expanduser().resolve()
    sphinx = need("sphinx.cmd.build", extra="book")
    with tempfile.TemporaryDirectory(prefix="gan-teach-book-") as folder:
        pages, site = Path(folder) / "pages", Path(folder) / "site"
        pages.mkdir()
        write_pages(source, pages)
        told = ["-b", "html", "-W", "--keep-going", "-c", str(source / "_book")]
        if sphinx.build_main([*told, str(pages), str(site)]):
            raise CourseError("the book was not built: the faults are named above.")
        add_moving(source / "_book", site)
        try:  # only now: beside its pages Sphinx leaves what they were made of
            shutil.copytree(site, out, dirs_exist_ok=True)
        except OSError as error:
            raise CourseError(f"the book cannot be written to {out}: {error.strerror}.") from error
    return out / "index.html"


def write_pages(source: Path, folder: Path) -> None:
    """The sources of all pages, in ``folder``: chapters, pages by hand, index and reference."""
    nbformat = need("nbformat", extra="book")
    for chapter in chapters(source):
        notebook = nbformat.read(source / f"{chapter.name}.ipynb", as_version=4)
        heading = notebook.cells[0]
        heading.source = heading.source.replace("# ", f"# {chapter.number}&ensp;", 1)
        for k, cell in enumerate(c for c in notebook.cells if c.cell_type == "code"):
            film, outputs = f"{chapter.name}-{k}", cell.outputs
            if opened := lab_of(cell.source):
                cell.outputs = [_shown(nbformat, _run(opened))]
            elif (source / "_book" / "films" / f"{film}.zip").exists():
                outputs[-1] = _shown(nbformat, _film(film, outputs[-1].data["text/html"]))
            cell.source = without_alt(cell.source)
        if chapter.name == MOVING:
            opening = _frame("runs/normal.html#bare", "The run of this chapter", "eager")
            notebook.cells.insert(1, nbformat.v4.new_markdown_cell(opening))
        nbformat.write(notebook, folder / f"{chapter.name}.ipynb")
    by_hand = {page.stem: page for page in sorted(source.glob("*.md"))}
    by_hand["authors"] = by_hand.pop("README")
    for name, page in by_hand.items():
        shutil.copy(page, folder / f"{name}.md")
    (folder / "index.md").write_text(_index(source, list(by_hand)), "utf-8")
    (folder / "reference.md").write_text(reference(), "utf-8")


def add_moving(shelf: Path, site: Path) -> None:
    """Put the recorded films and runs of ``shelf`` into the site, as its pages ask for them."""
    from gan_teach.lab.frame import page

    for film in (shelf / "films").glob("*.zip"):
        with zipfile.ZipFile(film) as archive:
            archive.extractall(site / "films" / film.stem)
    (site / "runs").mkdir()
    for run in (shelf / "runs").glob("*.json"):
        text = page(json.loads(run.read_text("utf-8")))
        (site / "runs" / f"{run.stem}.html").write_text(text, "utf-8")


# -- labs and films --------------------------------------------------------------------------------


def lab_of(code: str) -> Opened | None:
    """What ``gt.Lab(...)``, the last line of a cell, opens."""
    call = re.search(r"^gt\.Lab\((.*)\)$", code.rstrip().rpartition("\n")[2])
    if call is None:
        return None
    made = ast.parse(f"f({call[1]})", mode="eval").body
    assert isinstance(made, ast.Call)
    knobs = {str(k.arg): ast.literal_eval(k.value) for k in made.keywords}
    return ast.literal_eval(made.args[0]), knobs


def _shown(nbformat: Any, page: str) -> Any:
    return nbformat.v4.new_output("display_data", data={"text/html": page})


def run_name(opened: Opened) -> str:
    """The name of the file of a lab's recorded run."""
    preset, knobs = opened
    return "-".join([preset, *(f"{k}-{v}" for k, v in knobs.items())])


def _run(opened: Opened) -> str:
    """A recorded run and its doors."""
    (preset, knobs), name = opened, run_name(opened)
    title = f"A recorded run of the lab: {name.replace('-', ' ')}"
    frame = _frame(f"runs/{name}.html#play", title, "lazy")
    text = ",".join([preset, *(f"{k}={v}" for k, v in knobs.items())])
    page = quote(f"voila/render/binder/lab.ipynb?run={quote(text)}", safe="")
    live = f"https://mybinder.org/v2/gh/{REPOSITORY}/HEAD?urlpath={page}"
    told = "On Colab or at home open it by its text,"
    return (
        f'{frame}<p><a href="{live}">Open this run on Binder</a>, where you can turn its knobs. '
        f"{told} <code>{html.escape(text)}</code>.</p>"
    )


def _frame(source: str, title: str, loading: str) -> str:
    kind = source.rpartition("#")[2]
    return (
        f'<iframe class="run {kind}" src="{source}" title="{html.escape(title)}" '
        f'loading="{loading}"></iframe>'
    )


def _film(name: str, still: str) -> str:
    """A still with what ``book.js`` needs to show the film in its place."""
    return (
        f'<figure data-film="{name}">{still}</figure><script src="films/{name}/film.js"></script>'
    )


# -- pages -----------------------------------------------------------------------------------------


def without_alt(code: str) -> str:
    """The code of a cell with ``alt=...`` for each alternative text: the picture carries it."""
    lines = code.splitlines(keepends=True)
    try:
        calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    except SyntaxError:  # a command of the notebook
        return code
    texts = [k.value for call in calls for k in call.keywords if k.arg == "alt"]
    for text in sorted(texts, key=lambda node: node.lineno, reverse=True):
        first, last = text.lineno - 1, (text.end_lineno or text.lineno) - 1
        start = lines[first].encode()[: text.col_offset].decode()
        rest = lines[last].encode()[text.end_col_offset :].decode()
        lines[first : last + 1] = [f"{start}...{rest}"]
    return "".join(lines)


def _index(source: Path, by_hand: list[str]) -> str:
    """The first page: the introduction by hand, then the chapters of each part."""
    groups: dict[str, list[str]] = {}
    for chapter in chapters(source):
        first = max(n for n in PARTS if n <= int(chapter.number[:2]))
        groups.setdefault(PARTS[first], []).append(chapter.name)
    groups["To look up"] = [*by_hand, "reference"]
    trees = (
        "```{toctree}\n:caption: " + title + "\n:hidden:\n\n" + "\n".join(names) + "\n```\n"
        for title, names in groups.items()
    )
    return (source / "_book" / "index.md").read_text("utf-8") + "\n" + "\n".join(trees)


# -- the reference ---------------------------------------------------------------------------------


def reference() -> str:
    """A page of the public names in the order of the course, each with its docstring."""
    entries = [_entry(f"gt.{name}", getattr(gan_teach, name)) for name in public_names()]
    head = (
        "# Reference\n\nThe public names of `import gan_teach as gt`, as the course meets them. An "
        "argument of the wrong kind raises `TypeError`, one out of its range `ValueError`: the "
        "message names it. Other errors stand with the name that raises them.\n"
    )
    return "".join([head, *entries])


def public_names() -> list[str]:
    """The names of ``__init__.pyi``, in its order."""
    stub = Path(gan_teach.__file__).with_suffix(".pyi").read_text("utf-8")
    return re.findall(r"^from .* import \w+ as (\w+)$", stub, re.MULTILINE)


def _entry(name: str, thing: Any, level: int = 2) -> str:
    """A heading, how it is called, what its docstring says; of a module, its functions too."""
    text = _flowing(inspect.getdoc(thing) or "").replace("``", "`")
    if callable(thing):
        text = f"{name}{_signature(thing)}\n\n{text}"
    block = f"{FENCE}{{code-block}} text\n:class: docstring\n\n{text.rstrip()}\n{FENCE}\n"
    entry = f"\n{'#' * level} {name}\n\n{block}"
    return entry + "".join(_entry(f"{name}.{n}", x, level + 1) for n, x in _members(thing))


def _signature(thing: Any) -> str:
    """How it is called, as the code writes it: types and defaults by their names."""
    if inspect.isclass(thing) and (dataclasses.is_dataclass(thing) or hasattr(thing, "_fields")):
        return f"({', '.join(_fields(thing))})"
    made = thing.__init__ if inspect.isclass(thing) else inspect.unwrap(thing)
    if not inspect.isfunction(made):
        return str(inspect.signature(thing))
    node = ast.parse(textwrap.dedent(inspect.getsource(made))).body[0]
    assert isinstance(node, ast.FunctionDef)
    called = re.sub(r"(?<=[\w\]])=(?=\S)", " = ", ast.unparse(node.args))
    if inspect.isclass(thing):
        return f"({re.sub('^self(, )?', '', called)})"
    return f"({called})" + (f" -> {ast.unparse(node.returns)}" if node.returns else "")


def _fields(made: type) -> Iterator[str]:
    """The fields of a dataclass or a named tuple, those of what it inherits from first."""
    written: dict[str, str] = {}
    for owner in (c for c in reversed(made.__mro__) if c.__module__.startswith("gan_teach")):
        node = ast.parse(textwrap.dedent(inspect.getsource(owner))).body[0]
        assert isinstance(node, ast.ClassDef)
        fields = [line for line in node.body if isinstance(line, ast.AnnAssign)]
        written |= {ast.unparse(field.target): ast.unparse(field) for field in fields}
    before = inspect.Parameter.POSITIONAL_OR_KEYWORD
    for field in inspect.signature(made).parameters.values():
        if before != field.kind == field.KEYWORD_ONLY:
            yield "*"
        before = field.kind
        yield written[field.name]


def _flowing(text: str) -> str:
    """A docstring whose full lines go on, so that a narrow page breaks them where it likes."""
    lines = text.split("\n")
    flowing = lines[0]
    for before, line in pairwise(lines):
        word = line.split()[0] if line.strip() else ""
        full = word and len(before) + len(word) >= FULL and not re.match(r"\w[\w, ]* : ", line)
        flowing += f" {line.strip()}" if full else f"\n{line}"
    return flowing


def _members(thing: Any) -> list[tuple[str, Any]]:
    """The functions and classes that a module publishes and nobody else does, by their names."""
    if not inspect.ismodule(thing) or thing.__name__.endswith(".exercises"):
        return []
    shown = {id(getattr(gan_teach, name)) for name in public_names()}
    return [
        (name, value)
        for name, value in vars(thing).items()
        if not name.startswith("_")
        and (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__.startswith(thing.__name__)
        and id(value) not in shown
        and inspect.getdoc(value)
    ]

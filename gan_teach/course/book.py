"""The course as a site that opens from disk: ``gan-teach book``.

The executed notebooks are prepared as pages, beside them what is not written by hand: an index of
the chapters, a reference of the public names from their docstrings. Sphinx makes the site of them;
what it is told stands in ``tutorial/_book/``. Of what the notebooks hold only the labs are run:
each becomes a recorded run that plays. Nothing needs a network.
"""

import ast
import html
import inspect
import multiprocessing
import re
import shutil
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import gan_teach
from gan_teach._progress import progress_bar
from gan_teach.course import CourseError, chapters, need, tutorial_folder

FENCE = "`" * 5
RECORDED = {"line": (1500, 300), "dirac": (600, 300), "plane": (2000, 80)}  # rounds, pictures
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
        labs = write_pages(source, pages)
        told = ["-b", "html", "-W", "--keep-going", "-c", str(source / "_book")]
        if sphinx.build_main([*told, str(pages), str(site)]):
            raise CourseError("the book was not built: the faults are named above.")
        record_labs(labs, site / "runs")
        try:  # only now: beside its pages Sphinx leaves what they were made of
            shutil.copytree(site, out, dirs_exist_ok=True)
        except OSError as error:
            raise CourseError(f"the book cannot be written to {out}: {error.strerror}.") from error
    return out / "index.html"


def write_pages(source: Path, folder: Path) -> dict[str, Opened]:
    """The sources of all pages, in ``folder``: chapters, pages by hand, index and reference.

    Returns the labs that they open, by the names of the pages that are to play them.
    """
    nbformat = need("nbformat", extra="book")
    labs: dict[str, Opened] = {}
    for chapter in chapters(source):
        notebook = nbformat.read(source / f"{chapter.name}.ipynb", as_version=4)
        heading = notebook.cells[0]
        heading.source = heading.source.replace("# ", f"# {chapter.number}&ensp;", 1)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                if opened := lab_of(cell.source):
                    cell.outputs = [_frame(nbformat, opened, labs)]
                cell.source = without_alt(cell.source)
        nbformat.write(notebook, folder / f"{chapter.name}.ipynb")
    by_hand = {page.stem: page for page in sorted(source.glob("*.md"))}
    by_hand["authors"] = by_hand.pop("README")
    for name, page in by_hand.items():
        shutil.copy(page, folder / f"{name}.md")
    (folder / "index.md").write_text(_index(source, list(by_hand)), "utf-8")
    (folder / "reference.md").write_text(reference(), "utf-8")
    return labs


# -- labs ------------------------------------------------------------------------------------------


def lab_of(code: str) -> Opened | None:
    """What ``gt.Lab(...)``, the last line of a cell, opens."""
    call = re.search(r"^gt\.Lab\((.*)\)$", code.rstrip().rpartition("\n")[2])
    if call is None:
        return None
    made = ast.parse(f"f({call[1]})", mode="eval").body
    assert isinstance(made, ast.Call)
    knobs = {str(k.arg): ast.literal_eval(k.value) for k in made.keywords}
    return ast.literal_eval(made.args[0]), knobs


def _frame(nbformat: Any, opened: Opened, labs: dict[str, Opened]) -> Any:
    """The output that shows a recorded run; enters the lab into ``labs``."""
    preset, knobs = opened
    name = "-".join([preset, *(f"{k}-{v}" for k, v in knobs.items())])
    labs[name] = opened
    told = html.escape(f"A recorded run of the lab: {name.replace('-', ' ')}")
    page = f'<iframe class="run" src="runs/{name}.html" title="{told}" loading="lazy"></iframe>'
    return nbformat.v4.new_output("display_data", data={"text/html": page})


def record_labs(labs: dict[str, Opened], folder: Path) -> None:
    """Run each lab from its start and write the page that plays it, several at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    spawn = multiprocessing.get_context("spawn")  # torch does not survive a fork
    with ProcessPoolExecutor(mp_context=spawn) as pool:
        pages = pool.map(recorded, labs.values())
        for name, page in zip(labs, progress_bar(len(labs), "lab", True, pages), strict=True):
            (folder / f"{name}.html").write_text(page, "utf-8")


def recorded(opened: Opened) -> str:
    """A run of the lab's preset, long enough to show where it goes, as a page that plays it."""
    from gan_teach.lab import Session

    session = Session(opened[0], **opened[1])
    rounds, pictures = RECORDED[session.config.world]
    session.tick(rounds)
    return session.to_html(pictures)


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
        "# Reference\n\nThe public names of `import gan_teach as gt`, as the course meets them.\n"
    )
    return "".join([head, *entries])


def public_names() -> list[str]:
    """The names of ``__init__.pyi``, in its order."""
    stub = Path(gan_teach.__file__).with_suffix(".pyi").read_text("utf-8")
    return re.findall(r"^from .* import \w+ as (\w+)$", stub, re.MULTILINE)


def _entry(name: str, thing: Any, level: int = 2) -> str:
    """A heading, how it is called, what its docstring says; of a module, its functions too."""
    text = inspect.getdoc(thing) or ""
    if callable(thing):
        text = f"{name}{inspect.signature(thing)}\n\n{text}"
    block = f"{FENCE}{{code-block}} text\n:class: docstring\n\n{text.rstrip()}\n{FENCE}\n"
    entry = f"\n{'#' * level} {name}\n\n{block}"
    return entry + "".join(_entry(f"{name}.{n}", x, level + 1) for n, x in _members(thing))


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

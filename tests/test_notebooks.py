"""The chapters (pairs agree, cells are short, pictures are described) and their builder."""

import itertools
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import numpy as np
import pytest
from nbformat import NotebookNode
from PIL import Image

import films
import notebooks
import runs
from gan_teach.course import CourseError, book, chapters, tutorial_folder
from gan_teach.lab import Replay, Session, frame

SOURCES = sorted(tutorial_folder().glob("[0-9]*.py"))
KNOWN_TAGS = {"nbval-check-output", "raises-exception", "hide-input", "remove-cell"}
KNOWN_TAGS |= {"hood", "hood-check", "hide-output", "answer"}
LONGEST_CELL = 15
TELLS = re.compile(r"<details>|^## |\*\*Predict|gt\.predict\(", re.M)  # or asks anew
BLANK = nbformat.v4.new_output("display_data")


def name_of(path: Path) -> str:
    return path.stem


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def rich(notebook):
    """(MIME type, content) of everything that cells display."""
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    return [pair for output in outputs for pair in output.get("data", {}).items()]


@pytest.fixture(params=SOURCES, ids=name_of)
def source(request):
    return request.param


@pytest.fixture
def made(source):
    return nbformat.read(source.with_suffix(".ipynb"), as_version=4)


# -- Colab ----------------------------------------------------------------------------------------


def run_setup(monkeypatch, modules):
    """What the first code cell of a notebook hands to pip, with these modules at hand."""
    from IPython.core.interactiveshell import InteractiveShell

    shell: Any = InteractiveShell()
    asked: list[str] = []
    monkeypatch.setenv("GAN_TEACH_VIEW", "auto")  # so that what the cell sets does not stay
    monkeypatch.delenv("GAN_TEACH_VIEW")
    for name in modules:
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    shell.register_magic_function(asked.append, "line", "pip")
    shell.run_cell(notebooks.setup()).raise_error()
    return asked


def test_elsewhere_the_first_cell_installs_nothing(monkeypatch):
    assert run_setup(monkeypatch, []) == []
    assert "GAN_TEACH_VIEW" not in os.environ


@pytest.mark.slow
def test_on_colab_the_first_cell_installs_what_the_chapters_need(monkeypatch, tmp_path):
    (line,) = run_setup(monkeypatch, ["google", "google.colab"])
    assert os.environ["GAN_TEACH_VIEW"] == "core"
    command, *options, wanted = shlex.split(line)
    root = Path(__file__).resolve().parents[1]  # the package may be installed elsewhere
    (source,) = re.findall(r'^Source = "(.*)"$', (root / "pyproject.toml").read_text("utf-8"), re.M)
    assert wanted.endswith(f" @ git+{source}")
    here = wanted.partition(" @ ")[0] + f" @ {root.as_uri()}"
    pip = [sys.executable, "-m", "pip", command, *options, "--no-deps", "--target", str(tmp_path)]
    subprocess.run([*pip, here], check=True, timeout=300)
    assert (tmp_path / "gan_teach" / "_tutorial" / "records").is_dir()
    code = "import gan_teach as gt; print(gt.exercises.__file__, gt.exercises.check_line_state)"
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True, text=True, check=True, timeout=120,
    ).stdout  # fmt: skip
    assert said.startswith(str(tmp_path / "gan_teach" / "_tutorial" / "exercises"))


# -- the chapters ---------------------------------------------------------------------------------


def test_every_notebook_has_a_source_and_the_reverse():
    folder = tutorial_folder()
    assert {p.stem for p in folder.glob("*.ipynb")} == {p.stem for p in folder.glob("[0-9]*.py")}


def test_chapters_are_numbered_without_a_gap():
    numbers = [chapter.number for chapter in chapters()]
    plain = [number for number in numbers if number.isdecimal()]
    assert plain == [f"{k:02d}" for k in range(len(plain))]
    assert {number for number in numbers if number not in plain} <= {f"{n}b" for n in plain}
    assert len(numbers) == len(SOURCES)


def test_a_notebook_holds_the_cells_of_its_source(source, made):
    fresh = notebooks.convert(source)
    hint = f"run: python tutorial/_make/notebooks.py {source.stem}"
    assert [c.source for c in made.cells] == [c.source for c in fresh.cells], hint
    assert [c.id for c in made.cells] == [c.id for c in fresh.cells], hint
    for new, old in zip(code_cells(fresh), code_cells(made), strict=True):
        new.outputs = [output for output in old.outputs if output != BLANK]
    notebooks.fold(fresh)
    assert [c.metadata for c in made.cells] == [c.metadata for c in fresh.cells], hint


def test_a_notebook_is_stored_as_the_builder_writes_it(source, made):
    assert source.with_suffix(".ipynb").read_text("utf-8") == notebooks.render(made)


def test_a_notebook_was_run_from_top_to_bottom(made):
    counts = [cell.execution_count for cell in code_cells(made) if cell.source.strip()]
    assert counts == list(range(1, len(counts) + 1))


def test_code_cells_are_short(source, made):
    for cell in code_cells(made):
        lines = [line for line in cell.source.splitlines() if line.strip()]
        assert len(lines) <= LONGEST_CELL, f"{source.stem}: {lines[0]!r} has {len(lines)} lines"


def test_tags_are_ones_that_something_reads(made):
    assert {tag for cell in made.cells for tag in cell.metadata.get("tags", [])} <= KNOWN_TAGS


def test_a_chapter_checks_a_number(made):
    checked = [c for c in code_cells(made) if "nbval-check-output" in c.metadata.get("tags", [])]
    assert checked
    assert all(cell.outputs for cell in checked)


def test_every_picture_has_alternative_text(source, made):
    bare = [mime for mime, _ in rich(made) if mime.startswith("image/")]
    assert not bare, f"{source.stem}: draw figures with gan_teach.plots.style.show(fig, alt=...)"
    pages = [content for mime, content in rich(made) if mime == "text/html"]
    for image in re.findall(r"<img\b[^>]*>", "".join(pages)):
        assert re.search(r'\balt="[^"]{10,}"', image), image[:200]
    for cell in made.cells:
        if cell.cell_type == "markdown":
            assert not re.search(r"!\[\s*\]\(", cell.source), cell.source


def test_no_formula_is_torn_into_a_list(made):
    """Markdown takes a line that begins with "- " for an item, within a formula too."""
    for cell in made.cells:
        if cell.cell_type == "markdown":
            text = re.sub(r"```.*?```|`[^`]*`", "", cell.source, flags=re.S)
            for formula in text.replace("$$", "").split("$")[1::2]:
                assert not re.search(r"\n\s*([-+*]|\d+\.)\s", formula), formula


def test_nothing_volatile_is_stored(made):
    assert "widgets" not in made.metadata
    assert notebooks.WIDGET not in dict(rich(made))
    for cell in code_cells(made):
        assert not [o for o in cell.outputs if o.get("name") == "stderr"]
        assert not re.search(r" at 0x[0-9a-f]{6,}", "".join(notebooks._texts(cell)))


def test_no_object_is_shown_by_its_type(made):
    """What a method of matplotlib returns, where a cell ends with it."""
    shown = [o.data for c in code_cells(made) for o in c.outputs if "data" in o]
    plain = [data["text/plain"] for data in shown if data.keys() == {"text/plain"}]
    assert not [text for text in plain if re.match(r"\[?<[\w.]+\.", text)]


def test_hidden_cells_are_hidden_in_jupyterlab_too(made):
    for cell in code_cells(made):
        tags = cell.metadata.get("tags", [])
        below = "hide-output" in tags and "alt=" in cell.source
        hidden = "hide-input" in tags or below or bool(re.search(r"\balt=f?[\"']", cell.source))
        assert cell.metadata.get("jupyter", {}).get("source_hidden", False) == hidden


def answers(cells):
    """The code cells that tell what a reader was asked, by buttons or in words."""
    for k, cell in enumerate(cells):
        if "gt.predict(" in cell.source and cell.cell_type == "code":
            verdict = next(j for j, c in enumerate(cells) if j > k and ".answer(" in c.source)
            yield from code_cells(NotebookNode(cells=cells[k + 1 : verdict + 1]))
        elif "**Predict" in cell.source and cell.cell_type == "markdown":
            below = list(itertools.takewhile(lambda c: not TELLS.search(c.source), cells[k + 1 :]))
            yield from code_cells(NotebookNode(cells=below))


def test_nothing_below_a_question_tells_the_answer(made):
    """Neither outputs, nor the lines that JupyterLab shows beside a fold, nor alternative texts."""
    for cell in answers(made.cells):
        if cell.outputs and "gt.exercises." not in cell.source:
            assert "hide-output" in cell.metadata.tags, cell.source
            assert cell.metadata.collapsed
            assert cell.metadata.jupyter.outputs_hidden
            assert cell.outputs[0] == BLANK
            assert "alt=" not in cell.source or cell.metadata.jupyter.source_hidden
        if cell.metadata.get("jupyter", {}).get("source_hidden"):
            assert not re.search("assert|alt=", cell.source.splitlines()[0])


def parts(text):
    """Folds, and the open text between them cut at its headings."""
    for part in re.split(r"(<details>.*?</details>)", text, flags=re.S):
        yield from [part] if part.startswith("<") else re.split(r"^(?=## )", part, flags=re.M)


def test_a_question_without_buttons_is_answered_in_a_fold(source):
    """Before the next heading or question: what lies open there may be a legend, no more."""
    asked = ""
    for cell in notebooks.convert(source).cells:
        if "gt.predict(" in cell.source:
            asked = ""
        for part in parts(cell.source) if cell.cell_type == "markdown" else []:
            if re.match("<details><summary>(What you saw|Answer)<", part):
                asked = ""
            question = re.search(r"\*\*Predict.*|^## Predict$.*", part, re.M | re.S)
            assert not asked or not (question or part.startswith("## ")), f"no answer to: {asked}"
            asked = question[0] if question else asked
    assert not asked


def test_all_chapters_ask_before_they_show():
    asking = [c.number for c in chapters() if "**Predict" in c.source.read_text("utf-8")]
    assert {c.number for c in chapters() if c.number.isdecimal()} <= {*asking}


# -- the builder ----------------------------------------------------------------------------------

TINY = """# %% [markdown]
# # Tiny
#
# A chapter for the tests.

# %% tags=["nbval-check-output"]
import sys
from tqdm import tqdm
for i in tqdm(range(3)):
    print(i, flush=True)
object()

# %%
1 + 1

# %%
1 + 1

# %%
import ipywidgets
ipywidgets.IntSlider()

# %%
from IPython.display import HTML, display
png = "iVBORw0K" "Ggo="
display({"image/png": png, "text/plain": "<Figure at 0x7f00aa>"}, raw=True)
HTML(f'<img alt="one grey pixel" src="data:image/png;base64,{png}">')

# %%
import gan_teach as gt
guess = gt.predict("up", "down")
guess

# %%
text = "a picture"

# %% [markdown]
# Words between.

# %% tags=["hide-input"]
assert text
print(str.strip(text))  # alt=

# %%
guess.answer("up")

# %% [markdown]
# It was up.

# %%
guess.answer("up")
"""


@pytest.fixture
def tiny(tmp_path):
    path = tmp_path / "00_tiny.py"
    path.write_text(TINY)
    return path


@pytest.mark.slow
def test_the_builder_is_deterministic_and_leaves_nothing_volatile(tiny):
    assert notebooks.update(tiny)
    first = tiny.with_suffix(".ipynb").read_bytes()
    assert not notebooks.update(tiny)
    assert tiny.with_suffix(".ipynb").read_bytes() == first
    assert notebooks.check(tiny) == []

    made = nbformat.reads(first.decode(), as_version=4)
    setup, *cells = code_cells(made)
    assert setup.source == notebooks.setup()
    assert [c.execution_count for c in cells] == [*range(2, 12)]
    assert len({c.id for c in made.cells}) == len(made.cells)
    assert cells[0].metadata == {"tags": ["nbval-check-output"]}
    stream, result = cells[0].outputs
    assert (stream.name, stream.text) == ("stdout", "0\n1\n2\n")
    assert result.data["text/plain"] == "<object>"
    assert cells[3].outputs[0].data == {"text/plain": notebooks.WIDGET_TEXT}
    png, html = cells[4].outputs
    assert png.data == {"image/png": "iVBORw0KGgo=", "text/plain": "<Figure>"}
    assert 'alt="one grey pixel"' in html.data["text/html"]
    assert cells[5].outputs[0].data == {"text/plain": "Predict: up or down?"}
    folds = [("collapsed" in c.metadata, len(c.outputs)) for c in cells[5:]]
    assert folds == [(False, 1), (False, 0), (True, 2), (True, 2), (False, 1)]
    assert cells[7].metadata.tags == ["hide-input", "hide-output"]
    assert cells[7].metadata.jupyter == {"outputs_hidden": True, "source_hidden": True}
    assert cells[7].source.startswith("# What the text says")
    assert cells[8].outputs[0].data == {}
    assert "widgets" not in made.metadata
    assert "execution" not in str([c.metadata for c in cells])

    # check() sees a changed text, a changed source and a missing file, but not a changed picture
    text = first.decode()
    target = tiny.with_suffix(".ipynb")
    target.write_text(text.replace("iVBORw0KGgo=", "iVBORw0KGgp="))
    assert notebooks.check(tiny) == []
    target.write_text(text.replace('"2"', '"3"', 1))
    assert notebooks.check(tiny) == ["the output of cell 4 differs"]
    target.write_text(text.replace("1 + 1", "1 + 2", 1))
    assert notebooks.check(tiny) == ["its cells are not those of the source"]
    target.unlink()
    assert notebooks.check(tiny) == ["00_tiny.ipynb is missing"]


@pytest.mark.slow
def test_the_script_makes_and_checks_the_chapters_that_are_named(tiny, capsys):
    where = ["--folder", str(tiny.parent)]
    assert notebooks.main(["00_tiny", *where]) == 0
    assert notebooks.main(where) == 0
    assert notebooks.main(["--check", *where]) == 0
    tiny.write_text(TINY.replace("1 + 1", "1 + 2"))
    assert notebooks.main(["--check", *where]) == 1
    assert capsys.readouterr().out.splitlines() == [
        *("00_tiny: written", "00_tiny: unchanged", "00_tiny: agrees"),
        "00_tiny: its cells are not those of the source",
    ]
    with pytest.raises(ValueError, match="Did you mean '00_tiny'"):
        notebooks.main(["00_tny", *where])


FILMED = """\
# %%
import gan_teach as gt
import numpy as np

def grey(k):
    return np.full((8, 8, 3), 60 * k, np.uint8)

# %%
gt.animation.chooser(grey, (1, 2, 3), label="k", describe="{} < 4".format, start=2)

# %%
1 + 1
"""


@pytest.mark.slow
def test_a_chooser_becomes_a_film_that_the_book_shows(tmp_path):
    path = tmp_path / "05_filmed.py"
    path.write_text(FILMED)
    assert notebooks.update(path)
    made = code_cells(nbformat.read(path.with_suffix(".ipynb"), as_version=4))
    assert [c.source.partition("\n")[0] for c in made[1:]] == [
        "import gan_teach as gt",
        'gt.animation.chooser(grey, (1, 2, 3), label="k", describe="{} < 4".format, start=2)',
        "1 + 1",
    ]
    assert [c.execution_count for c in made] == [1, 2, 3, 4]
    film = tmp_path / "_book" / "films" / "05_filmed-2.zip"
    first = film.read_bytes()
    assert not notebooks.update(path)
    assert film.read_bytes() == first  # no date within

    book.add_moving(tmp_path / "_book", tmp_path)
    shown = tmp_path / "films" / "05_filmed-2"
    pictures = [np.asarray(Image.open(shown / f"00{k}.webp")) for k in range(3)]
    assert np.allclose([p.mean() for p in pictures], [60, 120, 180], atol=3)
    left, _, right = (shown / "film.js").read_text().partition(" = ")
    assert left == '(window.films ??= {})["05_filmed-2"]'
    assert json.loads(right.rstrip(";\n")) == {
        "label": "k", "pace": None, "start": 1, "told": [[f"{k}", f"{k} < 4"] for k in (1, 2, 3)],
    }  # fmt: skip

    path.write_text(FILMED.partition("# %%\ngt.")[0])
    assert notebooks.update(path)
    assert not film.exists()


def test_every_player_has_its_film_and_every_lab_its_run():
    """``notebooks.py`` and ``runs.py`` made them all, and no others are left."""
    shelf = tutorial_folder() / "_book"
    wanted = {
        f"{path.stem}-{k}"
        for path in SOURCES
        for k, cell in enumerate(code_cells(notebooks.convert(path)))
        if films.is_film(cell.source)
    }
    assert {path.stem for path in (shelf / "films").iterdir()} == wanted
    labs = runs.labs()
    assert {path.stem for path in (shelf / "runs").iterdir()} == labs.keys()
    for name, (preset, knobs) in labs.items():
        told = json.loads((shelf / "runs" / f"{name}.json").read_text("utf-8"))
        played = Replay.parse(told["run"])  # as data: nobody waits for all of them to be played
        assert played.start == Session(preset, **knobs).config, name
        assert not played.changes
        assert frame.page(told).count(told["frames"]) == 1


def test_cell_ids_survive_a_cell_put_before_them(tiny):
    before = [c.id for c in notebooks.convert(tiny).cells]
    tiny.write_text("# %% [markdown]\n# New.\n\n" + TINY)
    assert [c.id for c in notebooks.convert(tiny).cells][1:] == before


@pytest.mark.slow
def test_the_authors_settings_do_not_leak_into_a_notebook(tmp_path, monkeypatch):
    """Neither a shortened run nor a backend without pictures is ever stored."""
    monkeypatch.setenv("GAN_TEACH_SMOKE", "1")
    monkeypatch.setenv("MPLBACKEND", "agg")
    path = tmp_path / "00_settings.py"
    path.write_text(
        "# %%\nimport os\nprint(os.environ.get('GAN_TEACH_SMOKE'))\n\n"
        "# %%\nimport matplotlib.pyplot as plt\nplt.plot([0, 1])\nplt.show()\n"
    )
    _, smoke, picture = notebooks.execute(path).cells
    assert smoke.outputs[0].text == "None\n"
    assert "image/png" in picture.outputs[0].data


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("import warnings; warnings.warn('old')", r"00_bad\.py, code cell 2 warns: .*old"),
        ("import pathlib; print(pathlib.Path.cwd())\nprint(pathlib.Path.cwd() / 'x')", "path of"),
        ("1 / 0", r"00_bad\.py does not run(?s:.*)ZeroDivisionError"),
    ],
)
def test_what_must_not_be_shipped_stops_the_build(tmp_path, code, sentence):
    path = tmp_path / "00_bad.py"
    path.write_text(f"# %%\n{code}\n")
    with pytest.raises(CourseError, match=sentence):
        notebooks.update(path)
    assert not path.with_suffix(".ipynb").exists()


@pytest.mark.slow
def test_an_expected_error_is_stored_without_its_traceback(tmp_path):
    path = tmp_path / "00_error.py"
    path.write_text('# %% tags=["raises-exception"]\nint("x")\n')
    (output,) = notebooks.execute(path).cells[1].outputs
    assert output.traceback == ["ValueError: invalid literal for int() with base 10: 'x'"]

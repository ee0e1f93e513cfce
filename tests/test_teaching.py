"""The page for teachers quotes what the checks say; its commands, and the lab's guide, are so."""

import ast
import csv
import re
from itertools import pairwise

import nbformat
import pytest

import collect
import course_map
import gan_teach as gt
import handout
import notebooks
import svg
from gan_teach.course import chapters, copy_course, tutorial_folder
from gan_teach.lab.config import KNOBS, PRESETS

PAGES = {name: (tutorial_folder() / name).read_text("utf-8") for name in ("teaching.md", "lab.md")}
MISTAKES = re.findall(r"^\| (\w+) \| `(check_\w+)` \| (.+) \|$", PAGES["teaching.md"], re.M)


def sentences() -> dict[str, str]:
    """{check: all that it may say}, from the source of the exercises."""
    sources = (tutorial_folder() / "exercises").glob("*.py")
    trees = [ast.parse(path.read_text("utf-8")) for path in sources]
    return {
        node.name: "\n".join(
            str(part.value) for part in ast.walk(node) if isinstance(part, ast.Constant)
        )
        for tree in trees
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    }


@pytest.mark.parametrize(("number", "check", "says"), MISTAKES)
def test_a_check_of_that_chapter_says_so(number, check, says):
    assert says.replace("\\|", "|") in sentences()[check]
    (chapter,) = (c for c in chapters() if c.number == number)
    assert f"gt.exercises.{check}(" in chapter.source.read_text("utf-8")


def test_there_are_mistakes_of_each_part():
    assert len(MISTAKES) >= 12
    assert {int(number[:2]) // 5 for number, *_ in MISTAKES} == {0, 1, 2, 3}


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_to_files_that_travel_with_the_course(name, tmp_path):
    links = set(re.findall(r"\]\((?!http)([^)#]+)\)", PAGES[name]))
    there = set(copy_course(tmp_path))
    assert {name, *links} <= there


def test_plans_fill_the_lecture_and_name_chapters_that_exist():
    spans = re.findall(r"^\| (\d+) to (\d+) \|", PAGES["teaching.md"], re.M)
    assert [int(a) for a, _ in spans] == [0, *(int(b) for _, b in spans[:-1])]
    assert spans[-1][1] == "90"


def test_sessions_are_no_longer_than_they_may_be():
    rows = re.findall(
        r"^\| (\d)\.(\d) \| .+? \| (\d+) \| .+ \| (\d+) \|$", PAGES["teaching.md"], re.M
    )
    assert [f"{week}.{day}" for week, day, *_ in rows] == [f"{w}.{d}" for w in "1234" for d in "12"]
    assert all(30 <= int(in_class) <= 70 for *_, in_class, _ in rows)  # of 90: homework, questions
    assert all(int(at_home) <= 150 for *_, at_home in rows)


LEFT_OUT = re.compile(
    r"^\| \[(\w+)\]\(.+?\) \| (\*.+\*) \| \d+ \|$|\[(\w+)\]\(\S+\) without (\*.+?\*)[, ]", re.M
)
CUTS = [
    (row[0] or row[2], re.findall(r"\*(.+?)\*", row[1] or row[3]))
    for row in LEFT_OUT.findall(PAGES["teaching.md"])
]


def sections(number):
    """{heading: the cells of that section} of a chapter."""
    (chapter,) = (c for c in chapters() if c.number == number)
    return course_map.sections(chapter)


def test_sections_that_the_page_names_are_there():
    rows = [row for row in PAGES["teaching.md"].splitlines() if row.startswith("|")]
    found = [
        (number, heading)
        for row in rows
        for number, after in re.findall(
            r"\[(\w+)\]\(\w+\.ipynb\)([^\[]*)", row.replace(" | *", " *")
        )
        for heading in re.findall(r"\*(.+?)\*", after)
    ]
    assert len(found) > 20
    for number, heading in found:
        assert any(title.startswith(heading) for title in sections(number)), (number, heading)


def names(code):
    """What a cell defines, and what it uses, anywhere in it."""
    python = re.sub(r"^( *)%.+", r"\1pass", code, flags=re.M)  # a command of the notebook
    nodes = list(ast.walk(ast.parse(python)))
    stored = [n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    defined = [n.name for n in nodes if isinstance(n, ast.FunctionDef | ast.ClassDef)]
    taken = [n.arg for n in nodes if isinstance(n, ast.arg)]
    imports = [n for n in nodes if isinstance(n, ast.Import | ast.ImportFrom)]
    modules = [(a.asname or a.name).split(".")[0] for n in imports for a in n.names]
    used = [n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)]
    return {*stored, *defined, *taken, *modules}, set(used)


def missing(cells_by_heading, left_out):
    """Names that a cell that stays takes from a section that is left out."""
    kept, gone, lacking = set(), set(), set()
    for title, cells in cells_by_heading.items():
        codes = [cell.source for cell in cells if cell.cell_type == "code"]
        texts = [cell.source for cell in cells if cell.cell_type == "markdown"]
        codes += re.findall(r"```python\n(.*?)```", "\n".join(texts), re.S)  # answers
        for code in codes:
            defined, used = names(code)
            if title.startswith(tuple(left_out)):
                gone |= defined
            else:
                kept |= defined
                lacking |= (used & gone) - kept
        if title == "Exercises":  # what its text tells a learner to call
            called = {name for text in texts for name in re.findall(r"`[^`]*?(\w+)\(", text)}
            lacking |= (called & gone) - kept
    return lacking


@pytest.mark.parametrize(("number", "left_out"), CUTS)
def test_what_stays_needs_nothing_of_what_may_be_left_out(number, left_out):
    for some in (left_out, *([heading] for heading in left_out)):
        assert not missing(sections(number), some), some


def test_a_section_that_is_needed_is_noticed():
    assert {number for number, _ in CUTS} == {"04", "06", "09", "11", "14"}
    assert "annealed" in missing(sections("04"), ["Switch it off"])  # by exercise 3
    assert "formula" in missing(sections("06"), ["Two routes"])
    assert "RING" in missing(sections("14"), ["Break the Inception Score"])


# -- the guide to the lab --------------------------------------------------------------------------


def test_the_guide_lists_the_knobs_of_the_lab_and_what_they_may_be():
    rows = re.findall(r"^\| (.+?)( \*)? \| `(\w+)` \| (.+) \|$", PAGES["lab.md"], re.M)
    assert [(label, bool(star), name) for label, star, name, _ in rows] == [
        (knob.heading, not knob.live, name) for name, knob in KNOBS.items()
    ]
    for *_, name, ends in rows:
        if numbers := re.fullmatch(r"([\d.]+) to ([\d.]+)", ends):
            assert [float(x) for x in numbers.groups()] == [KNOBS[name].low, KNOBS[name].high]


def test_the_guide_names_each_preset_and_button():
    assert not [name for name in PRESETS if f"`{name}`" not in PAGES["lab.md"]]
    words, widgets = set(), [gt.Lab("five-gaussians").panel.box]
    for widget in widgets:  # which grows on the way
        widgets += getattr(widget, "children", ())
        words.add(getattr(widget, "description", ""))
    said = {word.lstrip("▸▾ ") for word in words}
    for name in ("Go to round", "One D step", "Reset", "Ask the doctor", "Examine this run",
                 "This run", "Load a run", "Layers of the picture", "Charts below it",
                 "Data and networks", "Rounds a picture", "From latents to samples"):  # fmt: skip
        assert name in said
        assert f"*{name}" in " ".join(PAGES["lab.md"].split())


def test_the_guides_code_runs(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", PAGES["lab.md"], re.S)
    exec(compile(code, "lab.md", "exec"), {})
    (text,) = re.findall(r'--replay "(.+)" --out', PAGES["lab.md"])
    assert capsys.readouterr().out.startswith(f"{text}\n")


# -- the commands ----------------------------------------------------------------------------------

TINY = """# %% [markdown]
# # Tiny
#
# A chapter for the tests.

# %%
import gan_teach as gt
ax = gt.plots.compare([0, 1, 2], {"τ = 2": [1, 0, 2]}, ylabel="V")
gt.show(ax, alt="A line that falls & rises.")

# %% tags=["raises-exception"]
1 / 0

# %%
gt.show(gt.plots.compare([0, 1], {"a": [1, 0]}), alt="A line that falls.")

# %%
draw = lambda k: gt.plots.compare([0, 1], {"a": [k, 0]})
gt.animation.chooser(draw, [1, 2], label="k", start=2, alt="A line of the height 2.")

# %%
gt.player(gt.experiments.run("normal", games=2))
"""


@pytest.mark.slow
def test_pictures_of_a_chapter_are_saved_as_svg_the_same_each_time(tmp_path, capsys):
    (tmp_path / "00_tiny.py").write_text(TINY)
    for out in ("one", "two"):
        assert svg.main(["00_tiny", "--folder", str(tmp_path), "--out", str(tmp_path / out)]) == 0
    assert capsys.readouterr().out.splitlines()[:4] == [
        f"wrote 00_tiny-{k}.svg" for k in (1, 2, 3, 4)
    ]
    assert "A line of the height 2" in (tmp_path / "two" / "00_tiny-3.svg").read_text()
    first, again = ((tmp_path / out / "00_tiny-1.svg").read_text() for out in ("one", "two"))
    assert first == again
    assert "<title>A line that falls &amp; rises.</title>" in first.replace("dc:title", "title")
    with pytest.raises(SystemExit):
        svg.main(["00_tny", "--folder", str(tmp_path)])
    assert "Did you mean '00_tiny'" in capsys.readouterr().err


SETUP = """import gan_teach as gt
from gan_teach.course.answers import Number

@Number
def check_sum():
    "One and one."
    yield 2.0, "one, and one more."
    yield 1.0, "that is one of them."

gt.exercises.check_sum = check_sum"""


def notebook(path, *answers, words=""):
    sources = [SETUP, "run = gt.exercises.unseen_plane(seed=7)"]
    sources += [f"gt.exercises.check_sum({answer})" for answer in answers]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    prompt = f"*Your answer* (double-click; write):\n\n{words}"
    cells += [
        nbformat.v4.new_markdown_cell("## Exercises\n\n**3.** Why?"),
        nbformat.v4.new_markdown_cell(prompt, metadata={"tags": ["answer"]}),
    ]
    path.parent.mkdir(exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return str(path)


def test_answers_are_collected_as_they_were_handed_in(tmp_path, capsys):
    anna = notebook(tmp_path / "anna" / "04b.ipynb", "2", words="By symmetry,\nsays 05: it swings.")
    assert collect.main([anna]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "notebook,seed,check,verdict,says",
        f"{anna},7,check_sum,-,not run",
        f'{anna},7,question 3,words,"By symmetry, says 05: it swings."',
    ]


def test_a_file_that_is_no_notebook_has_a_line_and_stops_nothing(tmp_path, capsys):
    (tmp_path / "broken.ipynb").write_text('{"cells": [')
    bob = notebook(tmp_path / "bob.ipynb")
    assert collect.main([str(tmp_path / "broken.ipynb"), str(tmp_path / "none.ipynb"), bob]) == 0
    _, broken, none, last = capsys.readouterr().out.splitlines()
    assert broken.startswith(f"{tmp_path}/broken.ipynb,,-,unreadable,")
    assert none.startswith(f"{tmp_path}/none.ipynb,,-,unreadable,FileNotFoundError")
    assert last == f"{bob},7,question 3,-,not written"


def test_a_handout_has_everything_but_the_answers(tmp_path):
    assert handout.main([str(tmp_path)]) == 0
    left_out = 0
    for chapter in chapters():
        course, copied = (
            nbformat.read(folder / f"{chapter.name}.ipynb", as_version=4).cells
            for folder in (tutorial_folder(), tmp_path)
        )
        texts, left = ["\n".join(cell.source for cell in cells) for cells in (course, copied)]
        own = sum(texts.count(f"<summary>{fold}<") for fold in ("Answer", "Model answer"))
        assert "<summary>Answer<" not in left
        assert "<summary>Model answer<" not in left
        for mark in ("<summary>", "</details>"):
            assert texts.count(mark) - left.count(mark) == own
        code = [[cell for cell in cells if cell.cell_type == "code"] for cells in (course, copied)]
        assert code[0] == code[1]
        left_out += own
    assert left_out > 2 * len(chapters())


def test_a_handout_leaves_a_students_work_alone(tmp_path, capsys):
    mine = tmp_path / "02_strong_discriminator.ipynb"
    mine.write_text("mine")
    assert handout.main([str(tmp_path), "02"]) == 0
    assert mine.read_text() == "mine"
    assert "is there already" in capsys.readouterr().out
    assert handout.main([str(tmp_path), "99"]) == 1
    assert "no chapter begins with 99" in capsys.readouterr().err


@pytest.mark.slow
def test_verdicts_are_collected_from_a_fresh_run(tmp_path, capsys):
    anna = notebook(tmp_path / "anna.ipynb", "2", "1", "nothing", words="So.")
    assert collect.main([anna, "--run"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        f'{anna},7,check_sum,Right,"one, and one more."',
        f"{anna},7,check_sum,Not yet,that is one of them.",
        f"{anna},7,check_sum,error,NameError: name 'nothing' is not defined",
        f"{anna},7,question 3,words,So.",
    ]
    assert collect.main([anna, str(tmp_path / "none.ipynb"), "--run", "--summary"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "seed,notebook,Right,Not yet,error,-,words,unreadable",
        f",{tmp_path}/none.ipynb,0,0,0,0,0,1",
        f"7,{anna},1,1,1,0,1,0",
    ]


def test_an_answer_that_brings_a_run_along_is_listed_with_its_seed(tmp_path, capsys):
    pasted = "2)\nrun = gt.exercises.unseen_plane(seed=4)\nprint(run"
    anna = notebook(tmp_path / "anna.ipynb", "2", pasted, "1")
    assert collect.main([str(tmp_path / "a*.ipynb")]) == 0  # as a Windows shell hands it over
    lines = [line.split(",")[1] for line in capsys.readouterr().out.splitlines()[1:]]
    assert lines == ["7", "4", "4", "4"]
    assert collect.main([anna, "--summary"]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith(f"7 4,{anna}")


def test_the_key_tells_what_the_unseen_runs_were_made_with(capsys):
    assert collect.main(["--key", "10"]) == 0
    head, *rows = csv.reader(capsys.readouterr().out.splitlines())
    assert head == ["seed", "04b", "08b", "14b", "20b"]
    assert [len({row[k] for row in rows[:6]}) for k in (1, 2, 3)] == [6, 6, 6]
    assert len({row[4] for row in rows[:8]}) == 8
    for row in rows[:4]:
        knob, _ = row[4].split(" = ")
        assert gt.exercises.unseen_images(int(row[0])).history.meta["knob"] == knob
    with pytest.raises(SystemExit):
        collect.main([])


def test_the_wrap_ups_have_a_cell_for_the_words_of_their_dispute(tmp_path):
    for chapter in chapters():
        if not chapter.number.isdecimal():
            nbformat.write(notebooks.convert(chapter.source), tmp_path / "as_it_is.ipynb")
            asked = [row for row in collect.rows(tmp_path / "as_it_is.ipynb") if "ques" in row[2]]
            assert [row[2:] for row in asked] == [("question 7", "-", "not written")]
            assert all(row[1] for row in asked)


def test_an_open_question_has_a_place_for_its_answer():
    """Which ``collect.py`` reads; a check judges all the others."""
    asked = 0
    for chapter in chapters():
        cells = re.split(r"(?m)^(?=# %%)", chapter.source.read_text("utf-8"))
        for cell, below in pairwise(cells):
            if "(Open.)" in cell:
                asked += 1
                assert below.startswith('# %% [markdown] tags=["answer"]\n# *Your answer*'), cell
    assert asked >= 7

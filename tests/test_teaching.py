"""The page for teachers quotes what the checks say; its commands, and the lab's guide, are so."""

import ast
import re

import nbformat
import pytest

import collect
import gan_teach as gt
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
    assert all(30 <= int(in_class) <= 80 for *_, in_class, _ in rows)  # of 90
    assert all(int(at_home) <= 150 for *_, at_home in rows)


def test_sections_that_the_page_names_are_there():
    text = " ".join(PAGES["teaching.md"].split())
    for number, heading in re.findall(r"(\d\d)(?:\]\([\w.]+\))?,? (?:from|to) \*(.+?)\*", text):
        (chapter,) = (c for c in chapters() if c.number == number)
        headings = re.findall(r"^# ## (.+)$", chapter.source.read_text("utf-8"), re.M)
        assert any(heading.rstrip("?") in title for title in headings), (number, heading)


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
"""


def test_pictures_of_a_chapter_are_saved_as_svg_the_same_each_time(tmp_path, capsys):
    (tmp_path / "00_tiny.py").write_text(TINY)
    for out in ("one", "two"):
        assert svg.main(["00_tiny", "--folder", str(tmp_path), "--out", str(tmp_path / out)]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == [
        "wrote 00_tiny-1.svg",
        "wrote 00_tiny-2.svg",
    ]
    first, again = ((tmp_path / out / "00_tiny-1.svg").read_text() for out in ("one", "two"))
    assert first == again
    assert "<title>A line that falls &amp; rises.</title>" in first.replace("dc:title", "title")
    with pytest.raises(ValueError, match="Did you mean '00_tiny'"):
        svg.main(["00_tny", "--folder", str(tmp_path)])


SETUP = """import gan_teach as gt
from gan_teach.course.answers import Number

@Number
def check_sum():
    "One and one."
    yield 2.0, "one, and one more."
    yield 1.0, "that is one of them."

gt.exercises.check_sum = check_sum"""


def notebook(path, *answers):
    sources = [SETUP, *(f"gt.exercises.check_sum({answer})" for answer in answers)]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return str(path)


def test_verdicts_are_collected_as_they_were_handed_in(tmp_path, capsys):
    assert collect.main([notebook(tmp_path / "anna.ipynb", "2")]) == 0
    assert capsys.readouterr().out == "notebook,check,verdict,says\nanna,check_sum,-,not run\n"


@pytest.mark.slow
def test_verdicts_are_collected_from_a_fresh_run(tmp_path, capsys):
    assert collect.main([notebook(tmp_path / "anna.ipynb", "2", "1", "nothing"), "--run"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "notebook,check,verdict,says",
        'anna,check_sum,Right,"one, and one more."',
        "anna,check_sum,Not yet,that is one of them.",
        "anna,check_sum,error,NameError: name 'nothing' is not defined",
    ]

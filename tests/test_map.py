"""The map of the course says what the chapters are now, and where its numbers come from."""

import json
import re
import shutil
from collections import Counter

import pytest

import course_map
from gan_teach.course import CourseError, chapters

CHAPTER = """# %% [markdown]
# # A title
#
# *A sentence.*
#
# **You will do:** this. **You will learn:** how $a + b$ is
# c, and why. **You need:** chapter 00.

# %% [markdown]
# ## Exercises
#
# **1.** How many? <details><summary>Hint 1</summary>
#
# None of these words is read.
#
# </details>

# %%
answer = ...

# %% [markdown]
# <details><summary>Answer</summary>
#
# ```python
# gt.exercises.check_scalar_tau_star(1)
# ```
#
# </details>

# %% [markdown]
# **2.** A formula.

# %% [markdown]
# <details><summary>Answer</summary>
#
# gt.exercises.check_largest_step(lambda eta: eta)
#
# </details>

# %% [markdown]
# **3.** What do you think?

# %% [markdown]
# <details><summary>What you saw</summary>
#
# Three words more.
#
# </details>

# %% [markdown]
# **4.** Code.
#
# <details><summary>Answer</summary>
#
# ```python
# def loss(x):
#     return x
#
#
# gt.exercises.check_loss(loss)
# ```
#
# </details>
"""


@pytest.fixture
def chapter(tmp_path):
    (tmp_path / "04b_title.py").write_text(CHAPTER)
    (found,) = chapters(tmp_path)
    return found


def test_no_page_is_stale():
    names = ", ".join(path.name for path in course_map.stale())
    assert not names, f"{names}: run python tutorial/_make/course_map.py, then notebooks.py 00"


def test_an_entry_is_read_off_its_chapter(chapter):
    entry = course_map.entry(chapter, {"04b_title": 70.0})
    assert entry.gain == "how $a + b$ is c, and why"
    assert entry.kinds == Counter(number=1, formula=1, open=1, code=1)
    assert entry.words == len(re.findall(r"\S+", "# A title *A sentence.* **You will do:** this. "
        "**You will learn:** how formula is c, and why. **You need:** chapter 00. ## Exercises "
        "**1.** How many? **2.** A formula. **3.** What do you think? What you saw Three words "
        "more. **4.** Code."))  # fmt: skip
    assert (entry.lines, entry.written) == (1, 3)
    assert entry.reading == 5
    assert entry.exercises == 30
    assert entry.total == 35


def test_a_chapter_that_was_not_timed_is_named(chapter):
    with pytest.raises(CourseError, match=r"04b_title has no time yet: .*--time 04b_title"):
        course_map.entry(chapter, {})


def test_parts_begin_where_the_last_one_ends_and_keep_their_wrap_up(tmp_path):
    seconds = {}
    for name in ("00_a", "04_a", "04b_wrap", "05_a", "08b_wrap", "09_a", "15_a", "20b_wrap"):
        (tmp_path / f"{name}.py").write_text(CHAPTER)
        seconds[name] = 1.0
    made = [course_map.entry(c, seconds) for c in chapters(tmp_path)]
    parts = {title: [e.chapter.number for e in part] for title, _, part in course_map.parts(made)}
    assert list(parts.values()) == [["00", "04", "04b"], ["05", "08b"], ["09"], ["15", "20b"]]
    assert "| [04b](04b_wrap.ipynb) | A title | how" in course_map.course_map(made)


@pytest.mark.slow
def test_the_map_names_all_chapters_in_order_and_links_to_them():
    text = course_map.course_map(course_map.entries())
    rows = re.findall(r"^\| \[(\w+)\]\((\w+)\.ipynb\) \| (.+?) \|", text, re.M)
    assert rows == [(c.number, c.name, c.title) for c in chapters()]
    assert 40 <= course_map.entries()[0].total <= 50  # "about three quarters of an hour"
    short = re.search(r"short path\*\*, .*: (.+)\.$", text, re.S)
    assert short is not None
    assert re.findall(r"\[(\w+)\]", short[1]) == list(course_map.SHORT_PATH)


@pytest.mark.slow
def test_the_seconds_are_those_of_an_execution(tmp_path, monkeypatch, capsys):
    busy = "import time\nend = time.process_time() + 1.0\nwhile time.process_time() < end: pass\n"
    (tmp_path / "00_a.py").write_text(f"{CHAPTER}\n# %%\n{busy}time.sleep(1)\n")
    monkeypatch.setattr(course_map, "FOLDER", tmp_path)
    monkeypatch.setattr(course_map, "SECONDS", tmp_path / "seconds.json")
    monkeypatch.setattr(course_map, "PAGES", {})
    source = tmp_path / "00_a.py"
    source.write_text(source.read_text().replace("# %%\nanswer = ...\n", ""))
    assert course_map.main(["--time", "00_a"]) == 0
    (seconds,) = json.loads((tmp_path / "seconds.json").read_text()).values()
    assert 1.0 <= seconds < 5.0
    assert "00_a: " in capsys.readouterr().out


@pytest.mark.slow
def test_the_command_says_what_is_stale_and_writes_it(tmp_path, monkeypatch, capsys):
    page = tmp_path / "README.md"
    shutil.copy(course_map.FOLDER.parent / "README.md", page)
    fresh = page.read_text("utf-8")
    page.write_text(re.sub(r"\| \d+ \|$", "| 1 |", fresh, count=1, flags=re.M), "utf-8")
    (write,) = (f for path, f in course_map.PAGES.items() if path.name == "README.md")
    monkeypatch.setattr(course_map, "PAGES", {page: write})
    assert course_map.main(["--check"]) == 1
    assert course_map.main([]) == 0
    assert capsys.readouterr().out == "README.md: stale\nREADME.md: written\n"
    assert page.read_text("utf-8") == fresh
    assert course_map.main(["--check"]) == 0

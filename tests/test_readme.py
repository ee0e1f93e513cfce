"""What the README says is so: its code runs, its links lead somewhere, its table is the course."""

import re
from pathlib import Path
from typing import Any

import pytest

import gan_teach as gt
from gan_teach import cli
from gan_teach.course import chapters

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
LINKS = sorted(set(re.findall(r"\]\((?!https?://)([^)#]+)\)", README)))


@pytest.mark.slow
@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", README, re.DOTALL))
def test_the_code_runs(code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})


def test_the_settings_are_trained(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (settings,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    Path("mine.toml").write_text(settings)
    commands = re.findall(r"^gan-teach (train --(?:config|resume|from).*?)(?:#|$)", README, re.M)
    assert len(commands) == 4
    for command in commands:
        few = ["--batch-size", "2"] if "config" in command else []
        steps = "4" if "--from" in command else "2"  # by a schedule over the run's length
        more = ["--features", "1", *few, "--steps", steps, "--schedule", "constant"]
        assert cli.main([*command.split(), *more]) == 0
    assert sorted(p.name for p in Path("runs").iterdir())[0] == "mine"


def test_the_rule_of_the_authors_page_trains():
    page = (ROOT / "tutorial" / "README.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {"gt": gt}
    exec(compile(code, "tutorial/README.md", "exec"), names)
    *_, state = gt.train(gt.zoo.line_gan(), names["average_d"], steps=3, batch_size=10)
    assert state.step == 3
    assert state.memory["n"] == 3


@pytest.mark.parametrize("link", LINKS)
def test_links_lead_to_files(link):
    assert (ROOT / link).is_file()


def test_the_table_lists_the_course():
    table = README.partition("## The course")[2]
    assert re.findall(r"\]\(tutorial/(.*?)\.ipynb\)", table) == [c.name for c in chapters()]


def test_what_is_measured_stands_in_the_chapter():
    """Each number of the first table is one that the chapter's text or its outputs have."""
    table = README.partition("said otherwise")[2].partition("## The course")[0]
    rows = re.findall(r"\| (.*) \| \[\d\d\]\((.*)\) \|", table)
    assert len(rows) == 5
    for row, chapter in rows:
        said = row.split(" | ")[1]
        text = (ROOT / chapter).read_text("utf-8")
        for number in re.findall(r"[\d.]*\d", said):
            assert re.search(rf"(?<![\d.]){re.escape(number)}(?![\d])", text), (chapter, number)


def test_pictures_have_alternative_text():
    assert not re.search(r"!\[\s*\]", README)

"""The chapters on disk and a learner's copy of them."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest

from gan_teach import course
from gan_teach.course import (
    MANIFEST,
    CourseError,
    chapters,
    copy_course,
    exercises,
    tutorial_folder,
)


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "source"
    (folder / "data").mkdir(parents=True)
    (folder / "00_start_here.ipynb").write_text("zero, version 1")
    (folder / "01_normal.ipynb").write_text("one, version 1")
    (folder / "01_normal.py").write_text("# %% [markdown]\n# # Normal\n# Text.")
    (folder / "data" / "runs.npz").write_bytes(b"\0\1")
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / "x.ipynb").write_text("not part of it")
    return folder


def test_a_first_copy_brings_notebooks_and_data_only(source, tmp_path):
    copied = copy_course(tmp_path / "deep" / "copy", source)
    assert copied == {"00_start_here.ipynb": "", "01_normal.ipynb": "", "data/runs.npz": ""}
    files = {p.name for p in (tmp_path / "deep" / "copy").rglob("*") if p.is_file()}
    assert files == {"00_start_here.ipynb", "01_normal.ipynb", "runs.npz", MANIFEST}


def test_a_copy_holds_no_exercises(tmp_path):
    """They tell what is right; the installed ones judge the answers of every copy."""
    copied = copy_course(tmp_path / "c")
    assert "01_normal.ipynb" in copied
    assert not [name for name in copied if "exercises" in name or name.endswith(".py")]
    assert Path(exercises.__file__).parent == tutorial_folder() / "exercises"


def test_a_second_copy_writes_nothing(source, tmp_path):
    copy_course(tmp_path / "c", source)
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "c").glob("*.ipynb")}
    assert not any(copy_course(tmp_path / "c", source).values())
    assert before == {p: p.stat().st_mtime_ns for p in (tmp_path / "c").glob("*.ipynb")}


def test_an_untouched_notebook_is_refreshed_and_a_changed_one_is_not(source, tmp_path):
    copy = tmp_path / "c"
    copy_course(copy, source)
    (copy / "01_normal.ipynb").write_text("mine")
    (source / "00_start_here.ipynb").write_text("zero, version 2")
    (source / "01_normal.ipynb").write_text("one, version 2")
    beside = copy_course(copy, source)
    assert beside["00_start_here.ipynb"] == ""
    assert (copy / "00_start_here.ipynb").read_text() == "zero, version 2"
    assert beside["01_normal.ipynb"] == "01_normal.new.ipynb"
    assert (copy / "01_normal.ipynb").read_text() == "mine"
    assert (copy / "01_normal.new.ipynb").read_text() == "one, version 2"


def test_the_offer_is_made_once_per_version(source, tmp_path):
    copy = tmp_path / "c"
    copy_course(copy, source)
    (copy / "01_normal.ipynb").write_text("mine")
    assert copy_course(copy, source)["01_normal.ipynb"] == ""
    assert not (copy / "01_normal.new.ipynb").exists()  # nothing newer to offer
    for version in ("2", "3"):
        (source / "01_normal.ipynb").write_text(f"one, version {version}")
        assert copy_course(copy, source)["01_normal.ipynb"] == "01_normal.new.ipynb"
        assert (copy / "01_normal.new.ipynb").read_text() == f"one, version {version}"
        (copy / "01_normal.new.ipynb").unlink(missing_ok=version == "3")
        assert copy_course(copy, source)["01_normal.ipynb"] == ""
        assert not (copy / "01_normal.new.ipynb").exists()


def test_a_changed_offer_is_the_learners_too(source, tmp_path):
    copy = tmp_path / "c"
    copy_course(copy, source)
    (copy / "01_normal.ipynb").write_text("mine")
    (source / "01_normal.ipynb").write_text("one, version 2")
    copy_course(copy, source)
    (copy / "01_normal.new.ipynb").write_text("mine as well")
    (source / "01_normal.ipynb").write_text("one, version 3")
    assert copy_course(copy, source)["01_normal.ipynb"] == "01_normal.new2.ipynb"
    assert (copy / "01_normal.new2.ipynb").read_text() == "one, version 3"
    assert (copy / "01_normal.new.ipynb").read_text() == "mine as well"


def test_adopting_the_offer_ends_the_matter(source, tmp_path):
    copy = tmp_path / "c"
    copy_course(copy, source)
    (copy / "01_normal.ipynb").write_text("mine")
    (source / "01_normal.ipynb").write_text("one, version 2")
    copy_course(copy, source)
    (copy / "01_normal.new.ipynb").replace(copy / "01_normal.ipynb")
    assert copy_course(copy, source)["01_normal.ipynb"] == ""
    (source / "01_normal.ipynb").write_text("one, version 3")
    assert copy_course(copy, source)["01_normal.ipynb"] == ""
    assert (copy / "01_normal.ipynb").read_text() == "one, version 3"


@pytest.mark.parametrize("broken", ["", "[]", '{"files": [1]}', "\x00"])
def test_without_a_readable_manifest_nothing_is_overwritten(source, tmp_path, broken):
    copy = tmp_path / "c"
    copy_course(copy, source)
    (copy / MANIFEST).write_text(broken)
    (copy / "01_normal.ipynb").write_text("mine")
    copy_course(copy, source)
    assert (copy / "01_normal.ipynb").read_text() == "mine"
    assert json.loads((copy / MANIFEST).read_text())["files"]


def test_a_notebook_that_was_there_before_the_course_is_kept(source, tmp_path):
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "01_normal.ipynb").write_text("somebody's own")
    assert copy_course(tmp_path / "c", source)["01_normal.ipynb"] == "01_normal.new.ipynb"
    assert (tmp_path / "c" / "01_normal.ipynb").read_text() == "somebody's own"


def test_a_file_in_the_place_of_the_folder(source, tmp_path):
    (tmp_path / "c").write_text("")
    with pytest.raises(CourseError, match=r"c is a file, not a folder"):
        copy_course(tmp_path / "c", source)
    with pytest.raises(CourseError, match="cannot be copied to"):
        copy_course(tmp_path / "c" / "below", source)


def test_a_chapter_is_described_by_its_first_markdown_cell(tmp_path):
    (tmp_path / "03_games.py").write_text(
        "# ---\n# jupyter: {}\n# ---\n\n# %% [markdown]\n# # Play a *game*\n#\n"
        "# You play `two`\n# games. Then more.\n#\n# Other.\n"
    )
    (tmp_path / "helper.py").write_text("")
    (chapter,) = chapters(tmp_path)
    assert chapter.name == "03_games"
    assert (chapter.title, chapter.summary) == ("Play a *game*", "You play two games.")
    assert chapter.source == tmp_path / "03_games.py"


def test_a_wrap_up_comes_after_the_last_chapter_of_its_part(tmp_path):
    for name in ("05_next", "04_last", "04b_wrap_up", "4_no", "README"):
        (tmp_path / f"{name}.py").write_text("# %% [markdown]\n# # A title\n#\n# A sentence.\n")
    there = chapters(tmp_path)
    assert [chapter.name for chapter in there] == ["04_last", "04b_wrap_up", "05_next"]
    assert [chapter.number for chapter in there] == ["04", "04b", "05"]


def test_a_chapter_without_heading_is_named(tmp_path):
    (tmp_path / "03_games.py").write_text("# %%\n1 + 1\n")
    with pytest.raises(CourseError, match=r"03_games\.py has no heading"):
        chapters(tmp_path)


def test_the_package_knows_its_own_chapters():
    numbers = [chapter.number for chapter in chapters()]
    assert numbers
    assert numbers == sorted(set(numbers))
    assert all(chapter.title and chapter.summary for chapter in chapters())


def test_a_missing_extra_is_one_sentence():
    with pytest.raises(CourseError, match=r"needs no_such_package.*pip install 'gan-teach\[course"):
        course.need("no_such_package.module")


@pytest.mark.slow
def test_lab_listens_on_the_loopback_interface_only(monkeypatch, tmp_path):
    from jupyterlab.labapp import LabApp

    seen = []
    monkeypatch.setattr(LabApp, "launch_instance", lambda argv: seen.extend(argv))
    (tmp_path / "00_start_here.ipynb").write_text("{}")
    course.launch_lab(tmp_path, 9123, browser=False)
    assert "--ServerApp.ip=127.0.0.1" in seen
    assert "--ServerApp.port=9123" in seen
    assert f"--ServerApp.root_dir={tmp_path}" in seen
    assert "--ServerApp.open_browser=False" in seen
    assert not [a for a in seen if "token" in a.lower() or "password" in a.lower()]
    lets_labs_speak(seen)


def lets_labs_speak(arguments):
    """A server so started drops no message of 5,000 a second, as Jupyter by itself does."""
    from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
    from traitlets.config import Application

    (own,) = [a for a in arguments if a.startswith("--ZMQChannels")]
    assert ZMQChannelsWebsocketConnection().iopub_msg_rate_limit < 5000
    application = Application()
    application.parse_command_line([own])
    made = ZMQChannelsWebsocketConnection(config=application.config)
    assert 5000 < made.iopub_msg_rate_limit < float("inf")
    assert made.limit_rate


def test_the_app_listens_on_the_loopback_interface_behind_a_token(monkeypatch):
    voila = pytest.importorskip("voila.app")
    seen = []

    def launch(argv):
        seen.extend(argv)
        (cell,) = nbformat.read(argv[0], as_version=4).cells
        seen.append(cell.source)

    monkeypatch.setattr(voila.Voila, "launch_instance", launch)
    course.launch_app(9124, browser=False, run="noisy,seed=3")
    assert "--Voila.ip=127.0.0.1" in seen
    assert "--Voila.port=9124" in seen
    assert "--Voila.auto_token=True" in seen
    assert f"--MappingKernelManager.cull_idle_timeout={course.UNSEEN}" in seen  # of a page left
    assert seen[-1].endswith("app('noisy,seed=3')")
    lets_labs_speak(seen)
    exec(seen[-1].partition("\n")[0], {})  # what it imports is there
    assert not Path(seen[0]).exists()


LEFT = """
import asyncio, anyio
from gan_teach import course

class App:
    def launch_instance(argv):
        async def request():
            await anyio.to_thread.run_sync(int)
            await asyncio.sleep(1e6)
        loop = asyncio.new_event_loop()
        loop.create_task(request())
        loop.call_later(1, loop.stop)
        loop.run_forever()

{}
print("ended")
"""


@pytest.mark.parametrize(
    ("end", "ends"), [("course._serve(App, [])", True), ("App.launch_instance([])", False)]
)
def test_a_server_that_was_stopped_within_a_request_ends(end, ends):
    """By itself it waits for ever, as JupyterLab did when it was stopped on a busy machine."""
    command = [sys.executable, "-c", LEFT.format(end)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout
    assert process.stdout.readline() == b"ended\n"
    try:
        assert process.wait(60 if ends else 5) == 0
        assert ends
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        assert not ends
    process.stdout.close()


def test_formulas_of_a_summary_are_typed_out():
    sentence = r"*One number, $\tau^*$, and `V` near $-2\log 2$.*"
    assert course._plain(sentence) == "One number, tau*, and V near -2 log 2."


NUMBER = re.compile(r"(?<![\w.])\d[\d,]*\.?\d*(?:e-?\d+)?")


def numbers(text):
    """Those written in a text, and how many decimals each has."""
    words = (word.replace(",", "").rstrip(".") for word in NUMBER.findall(text))
    return [(float(word), len(word.partition(".")[2])) for word in words]


@pytest.mark.parametrize("chapter", chapters(), ids=lambda chapter: chapter.name)
def test_numbers_of_an_alternative_text_are_said_or_computed_in_its_chapter(chapter):
    """Those above twelve and those with decimals: what is smaller may count lines or steps."""
    told, pictures = [], []
    for cell in json.loads(chapter.source.with_suffix(".ipynb").read_text("utf-8"))["cells"]:
        source = "".join(cell["source"])
        told += numbers(source.partition("alt=")[0])
        for output in cell.get("outputs", ()):
            shown = {"text/plain": output.get("text", ""), **output.get("data", {})}
            words = "".join("".join(t) for kind, t in shown.items() if kind.startswith("text"))
            told += numbers(re.sub(r'alt="[^"]*"|data:image[^"]*', "", words))
        if cell["cell_type"] == "code" and "alt=" in source:
            named = (n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.keyword))
            pictures += [n.value for n in named if n.arg == "alt"]
    known = np.array([value for value, _ in told])
    for text in (node.value for node in pictures if isinstance(node, ast.Constant)):
        for value, decimals in numbers(text):
            if value > 12 or decimals:
                assert np.abs(known - value).min() <= 0.5 * 10.0**-decimals + 1e-9, (value, text)

"""What is beside the code: the files of the repository, the extras, Binder's list of packages."""

import json
import re
import subprocess
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

import gan_teach
from check_wheel import expected, problems
from gan_teach.course.book import REPOSITORY

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
TOP_LEVEL = {
    *("pyproject.toml", "README.md", "LICENSE", "CITATION.cff"),
    *("gan_teach", "tutorial", "tests", "img", "binder"),
}
# pip's name -> conda-forge's, where they differ.
CONDA = {
    "torch": "pytorch-cpu",
    "matplotlib": "matplotlib-base",
    "seaborn": "seaborn-base",
    "lazy-loader": "lazy_loader",
    "nbconvert": "nbconvert-core",
}
ONLY_BINDER = {"python", "pip", "hatchling"}


def versions(requirements: list[str]) -> dict[str, str]:
    """{"torch": ">=2.4"}"""
    pairs = [
        re.fullmatch(r"([A-Za-z0-9_.-]+)(.*)", r.partition(";")[0].strip()) for r in requirements
    ]
    return {pair[1]: pair[2] for pair in pairs if pair}


def test_binder_installs_what_the_course_needs():
    extras = PROJECT["optional-dependencies"]
    wanted = versions(
        PROJECT["dependencies"] + extras["course"] + extras["images"] + extras["fast"]
    )
    assert wanted.pop("gan-teach") == "[images]"  # the course takes the images along
    lines = (ROOT / "binder" / "environment.yml").read_text("utf-8").splitlines()
    binder = versions([line.strip().removeprefix("- ") for line in lines if "  - " in line])
    binder.pop("conda-forge", None)
    extra = {name for name in binder if name in ONLY_BINDER}
    assert {n: v for n, v in binder.items() if n not in extra} == {
        CONDA.get(name, name): version for name, version in wanted.items()
    }
    assert extra == ONLY_BINDER


def test_binder_builds_with_the_hatchling_that_pyproject_asks_for():
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    (version,) = re.findall(r'requires = \["(hatchling.*?)"\]', text)
    assert f"  - {version}\n" in (ROOT / "binder" / "environment.yml").read_text("utf-8")


@pytest.mark.parametrize("script", ["binder/postBuild", "binder/start", ".ci/run"])
def test_scripts_can_be_run(script):
    path = ROOT / script
    assert path.stat().st_mode & 0o111, f"{script} is not executable"
    assert path.read_text("utf-8").startswith("#!/usr/bin/env bash\n")
    subprocess.run(["bash", "-n", path], check=True)


def test_start_sets_one_thread_and_becomes_its_arguments():
    command = ["bash", ROOT / "binder" / "start", "printenv", "OMP_NUM_THREADS"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "1\n"


def test_binder_opens_the_lab_as_a_page_on_the_run_of_an_address():
    """The book's links lead to ``voila/render/binder/lab.ipynb?run=...``."""
    notebook = json.loads((ROOT / "binder" / "lab.ipynb").read_text("utf-8"))
    (cell,) = notebook["cells"]
    assert cell["source"][-1] == "lab.app()"
    assert PROJECT["urls"]["Source"] == f"https://github.com/{REPOSITORY}"


def test_the_top_level_stays_small():
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    command = ["git", "-C", ROOT, "ls-files"]
    tracked = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    entries = {line.partition("/")[0].strip('"') for line in tracked.splitlines()}
    assert {e for e in entries if not e.startswith(".")} <= TOP_LEVEL


def test_the_version_stands_in_one_place():
    assert "version" not in PROJECT
    assert "version" in PROJECT["dynamic"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", gan_teach.__version__)


def test_the_installed_package_is_this_version_and_has_its_command():
    try:
        installed = metadata.distribution("gan-teach")
    except metadata.PackageNotFoundError:
        pytest.skip("gan-teach is not installed, only on the path")
    assert installed.version == gan_teach.__version__
    (script,) = (e for e in installed.entry_points if e.name == "gan-teach")
    assert callable(script.load())


def test_optional_packages_are_in_an_extra_and_core_ones_are_not():
    extras = PROJECT["optional-dependencies"]
    assert set(extras) == {"book", "course", "fast", "images", "scale", "test"}
    assert not set(versions(PROJECT["dependencies"])) & set(versions(extras["course"]))
    assert {"gan-teach[course]", "gan-teach[fast]"} <= set(extras["test"])
    assert "gan-teach[images]" in extras["course"]


def test_the_wheel_check_sees_missing_and_stray_files(tmp_path):
    wheel = tmp_path / "x.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("gan_teach/a.py", "")
        archive.writestr("gan_teach/stray.log", "")
        archive.writestr("gan_teach-1.dist-info/METADATA", "")
    assert problems(wheel, {"gan_teach/a.py", "gan_teach/b.py"}) == [
        "missing: gan_teach/b.py",
        "unexpected: gan_teach/stray.log",
    ]


def test_the_wheel_holds_the_course_and_not_what_makes_it():
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    wanted = expected(ROOT)
    course = {"01_normal.ipynb", "01_normal.py", "exercises/__init__.py", "exercises/line.py"}
    assert {f"gan_teach/_tutorial/{name}" for name in course} <= wanted
    assert not [name for name in wanted if "_make" in name or "conftest" in name]
    assert (ROOT / "tutorial" / "_make" / "notebooks.py").is_file()

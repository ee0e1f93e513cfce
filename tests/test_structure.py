"""The algorithm in sight: few frames from train to backward, few files, and no arrow upwards."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import structure


def test_an_update_lies_at_most_four_frames_below_train():
    between, files = structure.frames()
    assert len(between) <= 4, between
    assert len(files) <= 4, files
    assert between[0].startswith("training/")
    assert between[-1] == "dynamics/base.py: gradient"


def test_no_room_imports_one_above_it(tmp_path):
    arrows = structure.rooms()
    assert arrows["training", "games"] > 0
    assert not structure.upward(arrows)
    structure.draw(arrows, tmp_path / "rooms.svg")
    assert "ff0000" not in (tmp_path / "rooms.svg").read_text()


def test_an_upward_arrow_would_be_seen(tmp_path):
    arrows = Counter({("games", "training"): 1, ("training", "games"): 1})
    assert structure.upward(arrows) == [("games", "training")]
    structure.draw(arrows, tmp_path / "rooms.svg")
    assert "ff0000" in (tmp_path / "rooms.svg").read_text()


@pytest.mark.slow
def test_the_command_prints_the_frames():
    done = subprocess.run(
        [sys.executable, str(Path(structure.__file__)), "frames"],
        capture_output=True, text=True, check=True, timeout=120,
        env={"PYTHONPATH": str(structure.PACKAGE.parent), "PATH": ""},
    )  # fmt: skip
    assert "frames between train and autograd.grad" in done.stdout

"""The switch that shortens runs."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from gan_teach import studies as smoke


@pytest.mark.parametrize("value", [None, "", "0"])
def test_without_the_switch_runs_are_long_and_claims_judged(monkeypatch, value):
    monkeypatch.delenv("GAN_TEACH_SMOKE", raising=False)
    if value is not None:
        monkeypatch.setenv("GAN_TEACH_SMOKE", value)
    assert not smoke.is_smoke()
    assert smoke.budget(1500) == 1500
    assert smoke.budget(64, 8) == 64
    assert smoke.holds(1 < 2) is True
    assert smoke.holds([]) is False


def test_under_the_switch_runs_are_short_and_claims_not_judged(monkeypatch):
    monkeypatch.setenv("GAN_TEACH_SMOKE", "1")
    assert smoke.is_smoke()
    assert smoke.budget(1500) == 75
    assert smoke.budget(20) == 2  # one game would have no course
    assert smoke.budget(64, 8) == 8
    assert smoke.holds(False) == smoke.holds(True) == "not judged"  # and true, for an assertion


HOOKS = runpy.run_path(str(Path(__file__).parents[1] / "tutorial" / "conftest.py"))
ALL, NAMED = pytest.Config.ArgsSource.TESTPATHS, pytest.Config.ArgsSource.ARGS


@pytest.mark.parametrize(("value", "compared"), [("0", True), ("1", False)])
def test_chapters_work_in_a_smoke_run_but_their_outputs_are_not_compared(
    monkeypatch, value, compared
):
    monkeypatch.setenv("GAN_TEACH_SMOKE", value)
    cell = SimpleNamespace(path=Path("01_normal.ipynb"), options={"check": True})
    HOOKS["pytest_collection_modifyitems"]([cell])
    assert cell.options["check"] is compared


def test_a_smoke_run_of_everything_leaves_out_the_chapters_on_images(monkeypatch):
    def left_out(value, source, name):
        monkeypatch.setenv("GAN_TEACH_SMOKE", value)
        config = SimpleNamespace(args_source=source)
        return HOOKS["pytest_ignore_collect"](Path(name), config) is True

    assert left_out("1", ALL, "13_half_circles.ipynb")
    assert not left_out("1", ALL, "12_bogonet.ipynb")
    assert not left_out("1", ALL, "13_half_circles.py")
    assert not left_out("1", NAMED, "13_half_circles.ipynb")
    assert not left_out("0", ALL, "13_half_circles.ipynb")

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


HERE = Path(__file__).parent
HOOKS = runpy.run_path(str(HERE.parent / "tutorial" / "conftest.py"))
EVERY = runpy.run_path(str(HERE / "conftest.py"))
ALL, NAMED = pytest.Config.ArgsSource.TESTPATHS, pytest.Config.ArgsSource.ARGS


@pytest.mark.parametrize(("value", "compared"), [("0", True), ("1", False)])
def test_chapters_work_in_a_smoke_run_but_their_outputs_are_not_compared(
    monkeypatch, value, compared
):
    monkeypatch.setenv("GAN_TEACH_SMOKE", value)
    cell = SimpleNamespace(path=Path("01_normal.ipynb"), options={"check": True})
    HOOKS["pytest_collection_modifyitems"]([cell])
    assert cell.options["check"] is compared


def test_a_smoke_run_of_everything_leaves_out_the_later_chapters(monkeypatch):
    def left_out(value, source, name):
        monkeypatch.setenv("GAN_TEACH_SMOKE", value)
        config = SimpleNamespace(args_source=source)
        return HOOKS["pytest_ignore_collect"](Path(name), config) is True

    assert left_out("1", ALL, "05_dirac_gan.ipynb")
    assert not left_out("1", ALL, "04b_wrap_up.ipynb")
    assert not left_out("1", ALL, "05_dirac_gan.py")
    assert not left_out("1", NAMED, "05_dirac_gan.ipynb")
    assert not left_out("0", ALL, "05_dirac_gan.ipynb")


class Item(SimpleNamespace):
    """A test as pytest has collected it; ``marks`` are the names of its markers."""

    def __init__(self, nodeid, *marks):
        super().__init__(nodeid=nodeid, path=Path(nodeid.partition("::")[0]), marks={*marks})
        self.add_marker = self.marks.add

    def get_closest_marker(self, name):
        return name in self.marks


@pytest.mark.parametrize(("value", "left_out"), [("0", 0), ("1", 3)])
def test_a_smoke_run_has_one_case_of_each_test_and_neither_slow_ones_nor_a_browser(
    monkeypatch, value, left_out
):
    monkeypatch.setenv("GAN_TEACH_SMOKE", value)
    kept = [Item("tests/test_a.py::f[1]"), Item("tests/test_a.py::g")]
    kept += [Item("tutorial/01.ipynb::Cell 0"), Item("tutorial/01.ipynb::Cell 1")]
    others = [Item("tests/test_a.py::f[2]"), Item("tests/test_a.py::h", "slow")]
    others += [Item("tests/browser/test_b.py::f")]
    items, gone = [*kept, *others], []
    hook = SimpleNamespace(pytest_deselected=lambda items: gone.extend(items))
    EVERY["pytest_collection_modifyitems"](SimpleNamespace(hook=hook), items)
    assert len(gone) == left_out
    assert items == ([*kept, *others] if value == "0" else kept)
    assert others[-1].marks == {"browser"}  # with or without the switch, for ``-m browser``

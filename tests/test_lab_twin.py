"""Twins, slow motion and export: other ways to look at a run, each against the run itself."""

import re

import numpy as np
import pytest
from PIL import Image

from gan_teach import History
from gan_teach.lab import Session, Twin
from gan_teach.lab.frame import Lines, Points, ranges
from gan_teach.lab.picture import DPI, FORMATS, WIDTH, code, export
from gan_teach.lab.slow_motion import slow_motion


def params(session):
    return session.history.last("params")


def places(frame, name):
    layer = frame.layers[name]
    assert isinstance(layer, (Lines, Points))
    return layer.xy


def number(pattern, text):
    found = re.search(pattern, text)
    assert found
    return float(found[1])


# -- twins ----------------------------------------------------------------------------------------


def test_twins_part_where_their_histories_do():
    """Two runs of their own, compared afterwards, part at the step that the twins noticed."""
    first = Session("dirac")
    first.tick(20)
    twin = Twin(first, penalty="r1", tolerance=1.0)
    for _ in range(5):
        twin.tick(7)
    one, other = Session("dirac"), Session("dirac,draws=2/20,penalty=r1")
    one.tick(55)
    other.tick(35)
    gap = np.abs(one.history["params"] - other.history["params"]).max(1)
    assert twin.parted == one.history.steps[np.argmax(gap > 1.0)]
    assert twin.parted is not None
    assert 21 < twin.parted < 55
    np.testing.assert_array_equal(params(twin.second), params(other))
    np.testing.assert_array_equal(params(twin.first), params(one))
    assert str(twin) == (f"Penalty none and r1: apart by more than 1 from round {twin.parted} on.")
    assert [frame.step for frame in twin.frames] == [55, 55]
    for k, charts in enumerate(zip(*(frame.charts for frame in twin.frames), strict=True)):
        assert len({ranges(chart, 55) for chart in charts}) == 1
        own = one.frame.charts[k].curves, other.frame.charts[k].curves
        values = np.concatenate([c.xy[:, 1] for curves in own for c in curves])
        low, high = charts[0].ylim
        assert low <= np.nanmin(values) < np.nanmax(values) <= high
    assert [frame.title for frame in twin.frames] == ["Penalty none", "Penalty r1"]


def test_twins_without_an_effect_never_part():
    twin = Twin(Session("normal"), weight=3.0)  # of a penalty that is none
    twin.tick(30)
    assert twin.parted is None
    assert twin.distance == 0
    assert "no parameter differs" in str(twin)


@pytest.mark.parametrize(
    ("knobs", "message"),
    [({}, "exactly one knob, got none"), ({"lr": 0.1, "tau": 2.0}, "exactly one knob, got lr, tau"),
     ({"seed": 3}, "knob must be one of"), ({"lr": 0.1}, "lr is 0.1 in both"),
     ({"lr": -1.0}, "lr must be at least 0")],
)  # fmt: skip
def test_twins_differ_in_one_knob(knobs, message):
    with pytest.raises(ValueError, match=message):
        Twin(Session("normal"), **knobs)


# -- slow motion ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "titles"),
    [("normal", ["Draw", "D's loss", "D's gradient", "D moves", "G's loss", "G's gradient",
                 "G moves"]),
     ("normal,d_steps=4", ["Draw", "D's loss", "D's gradient", "D moves", "And again", "G's loss",
                           "G's gradient", "G moves"]),
     ("normal,turn=g", ["Draw", "G's loss", "G's gradient", "G moves"]),
     ("noisy,d_steps=2,loss=hinge,penalty=r1", ["Draw", "D's loss", "D's gradient", "D moves",
                          "And again", "G's loss", "G's gradient", "G moves"])],
)  # fmt: skip
def test_slow_motion_tells_the_update_that_follows(config, titles):
    session = Session(config)
    session.tick(9)
    scenes = slow_motion(session)
    assert [scene.title for scene in scenes] == titles
    assert session.step == 9
    before, after = session.frame, session.tick()
    first, last = scenes[0].frame, scenes[-1].frame
    for name in ("d", "fake"):
        np.testing.assert_array_equal(places(first, name), places(before, name))
        np.testing.assert_allclose(places(last, name), places(after, name), rtol=1e-4, atol=1e-6)
    story = {scene.title: scene.caption for scene in scenes}
    row = session.history
    norm = number(r"length ([\d.e-]+)\.$", story["G's gradient"])
    assert norm == pytest.approx(row.last("g_grad"), rel=6e-3)
    said = number(r"is (-?[\d.]+)\.$", story["G's loss"])
    assert said == pytest.approx(row.last("g_loss"), abs=2e-4)
    if config == "normal":
        norm = number(r"length ([\d.e-]+)\.$", story["D's gradient"])
        moved = number(r"goes ([\d.e-]+) ", story["D moves"])
        assert moved == pytest.approx(0.1 * norm, rel=1e-2)  # lr times the gradient


@pytest.mark.parametrize("config", ["dirac-r1", "five-gaussians,width=8", "dirac,rule=heun"])
def test_slow_motion_leads_where_the_next_tick_does(config):
    session = Session(config)
    session.tick(5)
    last = slow_motion(session)[-1].frame
    after = session.tick()
    name = "here" if "here" in after.layers else "fake"
    np.testing.assert_allclose(places(last, name), places(after, name), rtol=1e-5, atol=1e-7)


# -- export ---------------------------------------------------------------------------------------


def explored():
    session = Session("normal", seed=4, tau=1.5)
    session.tick(6)
    session.set(loss="non_saturating", d_steps=3)
    session.step_of("g")
    session.tick(8)
    return session


def test_three_lines_of_code_repeat_the_run_bit_for_bit():
    for session in (explored(), Session("dirac-r1"), Session("five-gaussians,width=4,draws=2/3")):
        lines = code(session)
        assert lines.count("\n") == 2
        assert max(map(len, lines.splitlines())) < 200
        names = {}
        exec(lines, names)
        assert names["run"].replay == session.replay
        for key in session.history.keys():  # noqa: SIM118
            np.testing.assert_array_equal(names["history"][key], session.history[key])


@pytest.mark.slow
def test_every_format_can_be_read_again(tmp_path):
    session = explored()
    paths = {ending: export(session, tmp_path / f"run.{ending}") for ending in FORMATS}
    with Image.open(paths["png"]) as image:
        assert image.width == round(WIDTH * DPI)
    with Image.open(paths["gif"]) as film:
        assert film.n_frames == session.step + 1  # pyright: ignore[reportAttributeAccessIssue]
    again = History.load(paths["npz"])
    np.testing.assert_array_equal(again["params"], session.history["params"])
    assert Session(again.meta["replay"]).step == session.step
    assert paths["py"].read_text() == code(session) + "\n"
    with pytest.raises(ValueError, match="ending must be one of png, gif, npz, py, html;"):
        export(session, tmp_path / "run.exe")

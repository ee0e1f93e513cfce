"""The folds of the lab: what their buttons do to the run, and what they say of it."""

import base64
import html
import io
import re

import ipywidgets
import numpy as np
import pytest
from PIL import Image

from gan_teach.lab import Session
from gan_teach.lab.doctor import diagnose, rates
from gan_teach.lab.panel import Panel
from gan_teach.lab.picture import exported
from gan_teach.lab.slow_motion import slow_motion
from gan_teach.lab.widgets import Doctor, Export, Morph, SlowMotion, TwinView


class PanelStub:
    """A panel without a picture."""

    def __init__(self, text):
        self.session = Session(text)
        self.said = []
        self.pauses = 0
        self.patience = 10**6

    def attempt(self, action):
        try:
            self.said.append(action())
        except (TypeError, ValueError, KeyboardInterrupt) as error:
            self.said.append(str(error))

    def watch(self, items, total):
        self.total, self.watched = total, 0
        for item in items:
            yield item
            self.watched += 1
            if self.watched == self.patience:
                raise KeyboardInterrupt("enough")

    def pause(self):
        self.pauses += 1


def parts(widget):
    return [widget, *(x for child in getattr(widget, "children", ()) for x in parts(child))]


def press(study, label):
    buttons = [w for w in parts(study.widget) if getattr(w, "description", "").startswith(label)]
    assert len(buttons) == 1, label
    if not buttons[0].disabled:
        buttons[0].click()


def test_the_doctor_reports_and_treats_from_here():
    panel = PanelStub("dirac,rule=alternating,draws=2/150")
    doctor = Doctor(panel)
    press(doctor, "No remedy yet")
    assert panel.session.config.penalty == "none"
    press(doctor, "Examine")
    found = diagnose(panel.session)
    assert found.name == "cycling"
    text = re.sub("<[^>]*>", " ", doctor.report.value)
    for words in (found.name, str(found.evidence[0]), found.advice, rates("cycling")):
        assert words in text
    before = panel.session
    press(doctor, "Try: Penalty r1")
    assert (panel.session.config.penalty, before.config.penalty) == ("r1", "none")
    assert panel.session.replay == "dirac,rule=alternating,draws=2/150,penalty=r1"
    assert panel.said == ["A branch of the run from here, with Penalty r1. Press Play."]
    press(doctor, "Examine")
    assert "too early" in doctor.report.value
    assert doctor.remedy.disabled


@pytest.mark.slow
def test_a_twin_runs_beside_the_run_and_can_take_its_place():
    panel = PanelStub("dirac,draws=2/10")
    view = TwinView(panel)
    press(view, "Both: 10 rounds")
    assert view.pictures.value == ""
    view.knob.value, view.value.value = "penalty", " r1 "
    press(view, "Start")
    press(view, "Both: 10 rounds")
    assert panel.session.step == 10
    assert "Penalty none and r1: apart" in view.story.value
    assert view.pictures.value.count("<img ") == 2
    for kind in ("none", "r1"):
        assert view.pictures.value.count(f'alt="Penalty {kind}. Round 20: ') == 1
    press(view, "Go on")
    assert panel.session.replay == "dirac,draws=2/10,penalty=r1/20"
    press(view, "Both: 10 rounds")
    assert panel.session.step == 20


@pytest.mark.parametrize("value", ["r9", "", "<b>"])
def test_a_twin_of_a_wrong_value_is_refused_in_words(value):
    panel = PanelStub("dirac,draws=2/10")
    view = TwinView(panel)
    view.knob.value, view.value.value = "penalty", value
    press(view, "Start")
    assert panel.said[-1].startswith("penalty must be one of")
    assert view.story.value == ""
    assert all(button.disabled for button in view.later)


@pytest.mark.slow
def test_scenes_go_forth_and_back_within_their_bounds():
    panel = PanelStub("normal,draws=2/5")
    view = SlowMotion(panel)
    press(view, "Next scene")
    press(view, "Tell")
    scenes = slow_motion(panel.session)
    said = []
    for _ in range(len(scenes) + 3):
        said.append(re.sub("<[^>]*>", "", view.caption.value))
        press(view, "Next scene")
    assert [text.partition(". ")[0] for text in said[:2]] == ["1 of 7", "2 of 7"]
    for text, scene in zip(said, scenes, strict=False):
        assert scene.title in html.unescape(text)
    assert said[6] == said[9]
    assert view.forth.disabled
    press(view, "Scene before")
    assert view.caption.value.startswith('<p role="status"><b>6 of 7')
    assert panel.session.step == 5


@pytest.mark.slow
def test_latents_go_to_their_samples_in_a_picture_that_says_how_far():
    panel = PanelStub("five-gaussians,draws=2/5")
    view = Morph(panel)
    press(view, "Show it here")
    assert "0% of the way" in view.picture.value
    seen = view.picture.value
    view.share.slider.value = 0.5
    assert "50% of the way" in view.picture.value
    assert view.picture.value != seen
    assert panel.session.step == 5
    panel.session = Session("normal,draws=2/5")
    press(view, "Show it here")
    assert "no lattice to follow" in panel.said[-1]
    assert view.picture.value == ""


@pytest.mark.slow
def test_files_are_offered_as_links_that_hold_them():
    panel = PanelStub("dirac,draws=2/6")
    view = Export(panel)
    for ending, label in (
        ("png", "Picture"),
        ("gif", "Film"),
        ("npz", "Numbers"),
        ("py", "Python"),
        ("html", "Recording"),
    ):
        button = next(w for w in parts(view.widget) if isinstance(w, ipywidgets.Button)
                      and w.description.startswith(label))  # fmt: skip
        button.click()
        link = re.search(r'download="([^"]*)" href="data:[^,]*,([^"]*)"', view.links.value)
        assert link
        name, data = link.groups()
        assert name == f"dirac-6.{ending}"
        content = base64.b64decode(data)
        if ending in ("png", "gif"):
            with Image.open(io.BytesIO(content)) as image:
                assert image.format == ending.upper()
        elif ending == "npz":
            with np.load(io.BytesIO(content)) as numbers:
                assert numbers["steps"].tolist() == list(range(7))
        else:
            assert content == exported(panel.session, ending)
        if ending in ("gif", "html"):
            assert panel.watched == panel.total == 7
    assert view.code.value + "\n" == exported(panel.session, "py").decode()


def test_the_panel_has_the_folds_and_keeps_them_in_another_world():
    panel = Panel(Session("normal,draws=2/60"))
    titles = [getattr(w, "description", "") for w in parts(panel.box)]
    wanted = ("Ask the doctor", "Compare with a twin", "Slow motion",
              "From latents to samples", "Keep this run")  # fmt: skip
    for title in wanted:
        assert f"▸ {title}" in titles
    panel.load("dirac,rule=alternating,draws=2/120")
    doctor = panel.folds[0].widget
    buttons = {w.description: w for w in parts(doctor) if isinstance(w, ipywidgets.Button)}
    buttons["Examine this run"].click()
    next(w for name, w in buttons.items() if w.description.startswith("Try")).click()
    assert panel.session.config.penalty == "r1"
    assert panel.knobs["penalty"].value.value == "r1"
    assert "A branch of the run from here" in panel.message.value
    assert doctor in parts(panel.box)


def test_every_control_of_the_folds_has_a_name():
    panel = Panel(Session("dirac"))
    kinds = (ipywidgets.Button, ipywidgets.Text, ipywidgets.Dropdown, ipywidgets.Textarea)
    for study in panel.folds:
        for widget in parts(study.widget):
            if isinstance(widget, kinds):
                assert widget.description, widget

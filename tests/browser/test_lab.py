"""The lab as a learner meets it: a notebook in JupyterLab, a mouse and a keyboard."""

from __future__ import annotations

import re
import time

import pytest

pytestmark = pytest.mark.browser

OUTPUT = ".jp-OutputArea-output"


class Shown:
    """The lab in the first cell of an open notebook, in the view of that name."""

    def __init__(self, page, server, code: str, view: str = "canvas") -> None:
        self.page = page
        server.open_on(page, f"%env GAN_TEACH_VIEW={view}\nimport gan_teach as gt\n{code}")
        page.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click()
        page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for()
        page.keyboard.press("Shift+Enter")
        page.get_by_text(re.compile(r"^(Game|Round) 0:")).wait_for()

    def step(self) -> int:
        """The step that is read out below the picture."""
        text = self.page.get_by_text(re.compile(r"^(Game|Round) \d+:")).inner_text()
        return int(re.match(r"\w+ (\d+):", text)[1])  # pyright: ignore[reportOptionalSubscript]

    def replay(self) -> str:
        return self.page.get_by_label("This run").input_value()

    def slider(self, label: str):
        """The handle of the slider beside ``label``."""
        row = self.page.locator(".widget-slider", has=self.page.get_by_text(label, exact=True))
        return row.locator(".noUi-handle")

    def press_play(self) -> None:
        self.page.locator(".gan-teach-play, .widget-play button").first.click()

    def picture(self) -> bytes:
        return self.page.locator(".gan-teach-canvas, .widget-image").screenshot()

    def wait(self, what, seconds: float = 60.0):
        """Until ``what()`` is true; returns its value."""
        end = time.monotonic() + seconds
        while not (value := what()):
            assert time.monotonic() < end, f"not within {seconds} s"
            self.page.wait_for_timeout(100)
        return value

    def settled(self) -> int:
        """The step after the messages under way have arrived."""
        self.page.wait_for_timeout(3000)
        return self.step()


@pytest.mark.parametrize(
    ("code", "view", "label", "knob"),
    [
        ("gt.Lab('normal')", "canvas", "D steps a round", "d_steps=2"),
        ("gt.Lab('normal')", "core", "D steps a round", "d_steps=2"),
        ("gt.Lab('five-gaussians', width=32)", "canvas", "G steps a round", "g_steps=2"),
        ("gt.Lab('dirac-r1')", "canvas", "Instance noise", "noise=0.05"),
    ],
)
def test_a_learner_plays_steers_stops_and_goes_back(page, server, code, view, label, knob):
    lab = Shown(page, server, code, view)
    lab.press_play()
    lab.wait(lambda: lab.step() >= 5)
    lab.slider(label).focus()
    page.keyboard.press("ArrowRight")
    lab.wait(lambda: knob in lab.replay())
    turned_at = lab.step()
    lab.wait(lambda: lab.step() > turned_at)

    lab.press_play()  # which now is Pause
    stopped = lab.settled()
    assert lab.settled() == stopped
    assert lab.replay().endswith(f"/{stopped}")

    picture = lab.picture()
    lab.slider("Go to round").focus()
    page.keyboard.press("Home")
    lab.wait(lambda: lab.step() == 0)
    assert lab.picture() != picture
    page.get_by_label("Go to round, number").fill(str(stopped))
    page.keyboard.press("Enter")
    lab.wait(lambda: lab.step() == stopped)
    assert page.errors == []


def test_the_picture_is_named_and_every_number_can_be_typed(page, server):
    lab = Shown(page, server, "gt.Lab('normal')")
    for name in ("D steps a round", "Learning rate of D", "Instance noise", "Go to round"):
        assert page.get_by_role("spinbutton", name=f"{name}, number").is_visible()
    picture = page.get_by_role("img", name=re.compile("^Game 0: D"))
    assert picture.is_visible()
    page.get_by_role("button", name="Play").focus()
    page.keyboard.press("Enter")
    lab.wait(lambda: lab.step() > 0)
    page.keyboard.press("Enter")
    stopped = lab.settled()
    assert page.get_by_role("img", name=re.compile(f"^Game {stopped}: V")).is_visible()
    assert page.get_by_role("button", name="Play").get_attribute("aria-pressed") == "false"
    assert page.errors == []


def test_a_mistyped_run_is_explained_and_a_right_one_is_repeated(page, server):
    lab = Shown(page, server, "gt.Lab('normal')")
    page.get_by_text("Repeat this run").click()
    page.get_by_label("Load a run").fill("normal,d_step=3")
    page.get_by_role("button", name="Load", exact=True).click()
    page.get_by_text("Did you mean 'd_steps'?").wait_for()
    page.get_by_label("Load a run").fill("noisy,d_steps=3/7")
    page.get_by_role("button", name="Load", exact=True).click()
    lab.wait(lambda: lab.step() == 7)
    assert lab.replay() == "noisy,d_steps=3/7"
    assert page.errors == []

"""The lab as a learner meets it: a notebook in JupyterLab or a page of Voila, mouse, keyboard."""

from __future__ import annotations

import re
import time
import urllib.request
from urllib.parse import quote

import numpy as np
import pytest

import gan_teach as gt
from gan_teach.lab import Session
from gan_teach.lab.config import KNOBS
from jupyter_servers import PATIENCE, READY

TOLD = re.compile(r"^(Round) (\d+):")
HEARD = """handle => {
  window.heard = new Set();
  (function listen() {
    heard.add(handle.getAttribute("aria-valuetext"));
    requestAnimationFrame(listen);
  })();
}"""  # what a slider speaks, at every frame
# Whatever a page that shows the lab sends of itself has been heard: a message may wait for a frame,
# or until the one before it is answered, and the kernel answers in turn.
SAID = """async () => {
  const { kernel } = jupyterapp.shell.currentWidget.sessionContext.session;
  for (let k = 0; k < 3; k++) {
    await new Promise(requestAnimationFrame);
    await kernel.requestExecute({ code: "", silent: true }).done;
  }
}"""
CONTROLS = ("button", "slider", "combobox", "checkbox", "textbox", "img")


class Shown:
    """The k-th lab on an open page."""

    def __init__(self, page, k: int = 0) -> None:
        self.page = page
        self.lab = page.locator(".gan-teach-lab").nth(k)
        self.lab.get_by_text(TOLD).first.wait_for()

    @classmethod
    def in_notebook(cls, page, server, run: str, view="canvas", shown="lab.panel.box") -> Shown:
        """In a cell of JupyterLab, in the view of that name. (A mere ``lab`` draws a film strip as
        well.) What was shown before is closed."""
        first = f"%env GAN_TEACH_VIEW={view}\nimport gan_teach as gt, ipywidgets\n"
        last = f"ipywidgets.Widget.close_all()\nlab = gt.Lab({run!r})\n{shown}"
        server.run_on(page, first + last)
        return cls(page)

    def told(self) -> str:
        """The line below the picture; the folds below it may tell of other runs."""
        return self.lab.get_by_text(TOLD).first.inner_text()

    def step(self) -> int:
        found = TOLD.match(self.told())
        assert found
        return int(found[2])

    def replay(self) -> str:
        return self.lab.get_by_label("This run").input_value()

    def press(self, name: str) -> None:
        ends = re.compile(rf"(^|\s){re.escape(name)}$")  # a sign may stand before it
        self.lab.get_by_role("button", name=ends).click()

    def box(self, knob: str):
        """The box of a knob."""
        spec = KNOBS[knob]
        label = f"{spec.heading}, number" if spec.slider else spec.heading
        return self.lab.get_by_role("textbox", name=label, exact=True)

    def unfold(self) -> None:
        """Open every fold."""
        for fold in self.lab.locator(".gan-teach-fold").all():
            if fold.get_attribute("aria-expanded") == "false":
                fold.click()

    def load(self, text: str) -> None:
        """The fold is open."""
        self.lab.get_by_label("Load a run").fill(text)
        self.press("Load")

    def push(self, slider: str, key: str) -> None:
        """Press a key on the handle of a slider."""
        self.lab.get_by_role("slider", name=slider, exact=True).focus()
        self.page.keyboard.press(key)

    def picture(self) -> bytes:
        return self.lab.locator(".gan-teach-canvas, .widget-image").screenshot()

    def wait(self, what, seconds: float = PATIENCE):
        """Until ``what()`` is true; returns its value."""
        end = time.monotonic() + seconds
        while not (value := what()):
            assert time.monotonic() < end, f"not within {seconds} s"
            self.page.wait_for_timeout(50)
        return value

    def echoed(self) -> None:
        """What the browser sends back of what it shows has arrived."""
        self.page.evaluate(SAID)

    def settled(self) -> int:
        """Where the run stands, once the kernel has heard of that and its controls show it."""
        self.lab.locator("p[role=status]", has_text=TOLD).first.wait_for()
        self.wait(lambda: self.replay().endswith(f"/{self.step()}"))
        return self.step()

    def play_to(self, step: int) -> None:
        self.press("Play")
        self.wait(lambda: self.step() >= step)


def plays_steers_stops(lab: Shown, slider: str, knob: str) -> int:
    """Play, turn a knob by keyboard, pause; returns where the run stands."""
    lab.play_to(5)
    lab.push(slider, "ArrowRight")
    lab.wait(lambda: knob in lab.replay())
    turned = lab.step()
    lab.wait(lambda: lab.step() > turned)
    lab.press("Pause")
    stopped = lab.settled()
    lab.page.wait_for_timeout(1500)
    assert lab.step() == stopped
    assert lab.replay().endswith(f"/{stopped}")
    return stopped


def goes_back_and_branches(lab: Shown, stopped: int, slider: str, knob: str) -> None:
    picture = lab.picture()
    lab.push("Go to round", "Home")
    lab.wait(lambda: lab.step() == 0)
    assert lab.picture() != picture
    lab.lab.get_by_label("Go to round, number").fill(str(stopped - 1))
    lab.page.keyboard.press("Enter")
    lab.wait(lambda: lab.step() == stopped - 1)
    lab.push(slider, "ArrowRight")  # another future from here
    lab.wait(lambda: f"/{stopped - 1},{knob}" in lab.replay())
    lab.press("One round")
    lab.wait(lambda: lab.step() == stopped)


def repeats(lab: Shown) -> None:
    """The text of the run gives the same numbers here and in another process."""
    lab.settled()
    text, told = lab.replay(), lab.told()
    assert Session(text).frame.narration == told, text
    lab.press("Reset")
    lab.wait(lambda: lab.step() == 0)
    lab.lab.get_by_label("Load a run").fill(text)
    lab.press("Load")
    lab.wait(lambda: (lab.told(), lab.replay()) == (told, text))  # they arrive one by one


def names_every_control(lab: Shown) -> None:
    lines = [line.strip(" -'") for line in lab.lab.aria_snapshot().splitlines()]
    shown = [line for line in lines if line.startswith(CONTROLS)]
    assert len(shown) > 25
    assert [line for line in shown if '"' not in line] == []
    assert any(line.startswith("status") for line in lines)


def test_a_learner_steers_a_slow_run(page, server):
    """Digits, whose rounds take long. (``test_any_way_in.py`` repeats such runs.)"""
    lab = Shown.in_notebook(page, server, "digits,width=4")
    stopped = plays_steers_stops(lab, "D steps a round", "d_steps=2")
    goes_back_and_branches(lab, stopped, "G steps a round", "g_steps=2")
    assert page.errors == []


@pytest.mark.parametrize(
    ("run", "view", "first", "second"),
    [
        ("normal", "canvas", ("D steps a round", "d_steps=2"),
         ("G steps a round", "g_steps=2")),
        ("five-gaussians,width=32", "canvas", ("G steps a round", "g_steps=2"),
         ("D steps a round", "d_steps=2")),
        ("dirac", "core", ("Instance noise, units of x", "noise=0.05"),
         ("Instance noise, units of x", "noise=0.1")),
    ],
)  # fmt: skip
def test_a_learner_plays_steers_stops_goes_back_and_repeats(page, server, run, view, first, second):
    lab = Shown.in_notebook(page, server, run, view)
    stopped = plays_steers_stops(lab, *first)
    goes_back_and_branches(lab, stopped, *second)
    lab.press("Loss and noise")
    lab.press("Layers of the picture")
    lab.press("Repeat this run")
    repeats(lab)
    names_every_control(lab)
    assert page.errors == []


def test_the_picture_comes_first_and_knobs_stay_beside_it(page, server):
    lab = Shown.in_notebook(page, server, "five-gaussians,width=8")
    fits(lab, 1366, 768, 480)
    fits(lab, 1000, 768, 280)
    page.keyboard.press("Escape")
    page.keyboard.press("Control+b")  # no side bar
    fits(lab, 720, 900, 360)
    page.keyboard.press("Control+b")


def fits(lab: Shown, width: int, height: int, least: int) -> None:
    """In a window of this size the plane's side is no shorter, and all knobs are beside it."""
    canvas = lab.lab.locator(".gan-teach-canvas")
    canvas.evaluate("(e) => delete e.dataset.side")
    lab.page.set_viewport_size({"width": width, "height": height})
    lab.lab.locator("[data-side]").wait_for()  # drawn anew
    lab.wait(lambda: float(canvas.get_attribute("data-side")) >= least)
    lab.page.wait_for_timeout(500)
    picture = canvas.bounding_box()
    for name in ("Play", "One round", "Reset"):
        box = lab.lab.get_by_role("button", name=re.compile(f"{name}$")).bounding_box()
        assert box["x"] >= picture["x"] + picture["width"]
    knobs = lab.lab.locator(".gan-teach-side .gan-teach-knobs").nth(1).locator("> *")
    assert 5 <= knobs.count() <= 8
    boxes = [knobs.nth(k).bounding_box() for k in range(knobs.count())]
    assert all(box["x"] >= picture["x"] + picture["width"] for box in boxes)
    end = lab.lab.bounding_box()
    assert all(box["x"] + box["width"] <= end["x"] + end["width"] for box in boxes)


def test_a_drawing_becomes_the_data(page, server):
    lab = Shown.in_notebook(page, server, "five-gaussians,width=16")
    lab.press("Draw the data")
    for key in ("Space", "Shift+ArrowRight", "Shift+ArrowUp", "Space"):
        page.keyboard.press(key)
    box = lab.lab.locator(".gan-teach-canvas").bounding_box()
    page.mouse.move(box["x"] + 120, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 160, box["y"] + 200, steps=6)
    page.mouse.up()
    names_every_control(lab)
    lab.lab.get_by_role("application", name=re.compile("^Drawing area")).wait_for()
    use = lab.lab.get_by_role("button", name="Use this drawing").bounding_box()
    assert 0 < use["y"] - box["y"] - box["height"] < 40  # next to the picture, not below its words
    page.keyboard.press("Enter")
    lab.wait(lambda: "data=drawn:" in lab.replay())
    lab.play_to(3)
    lab.press("Pause")
    lab.settled()
    text = lab.replay()
    assert re.fullmatch(r"five-gaussians,data=drawn:1\.7:[\w-]+\.[\w-]+,width=16,draws=2/\d+", text)
    assert Session(text).frame.narration == lab.told()
    assert page.errors == []


@pytest.mark.parametrize("view", ["canvas", "core"])
def test_the_folds_study_the_run(page, server, view):
    """The doctor and its remedy, a twin, slow motion and files, on a run that is known to cycle."""
    lab = Shown.in_notebook(page, server, "dirac,rule=alternating,draws=2/250", view)
    lab.press("Ask the doctor")
    lab.press("Examine this run")
    lab.lab.get_by_text("cycling", exact=True).wait_for()
    lab.press("Try: Penalty r1")
    lab.wait(lambda: "/250,penalty=r1" in lab.replay())
    lab.press("Compare with a twin")
    lab.lab.get_by_label("The knob").select_option("Instance noise")
    lab.lab.get_by_label("Its value in the twin").fill("0.5")
    lab.press("Start a twin")
    lab.press("Both: 10 rounds")
    lab.lab.get_by_text("apart by more than 0.001 from round").wait_for()
    pictures = lab.lab.get_by_role("img", name=re.compile(r"^Instance noise .*\. Round 260:"))
    pictures.nth(1).wait_for()
    assert pictures.count() == 2
    left, right = (pictures.nth(k).bounding_box() for k in range(2))
    assert left["y"] == right["y"]
    assert left["x"] + left["width"] <= right["x"]
    lab.press("Go on with the twin")
    lab.wait(lambda: "noise=0.5" in lab.replay())
    lab.wait(lambda: lab.step() == 260)
    lab.press("Slow motion")
    lab.press("Tell the next round")
    lab.lab.get_by_text("1 of 7.").wait_for()
    lab.press("Next scene")
    lab.lab.get_by_text("2 of 7.").wait_for()
    lab.press("Keep this run")
    lab.press("Numbers (NPZ)")
    with page.expect_download() as saved:
        lab.lab.get_by_role("link", name="Save dirac-260.npz").click()
    history = gt.History.load(saved.value.path())
    own = Session(lab.replay()).history
    np.testing.assert_array_equal(history["params"], own["params"])
    names_every_control(lab)
    assert page.errors == []


def test_a_slider_between_its_marks_turns_no_knob(page, server):
    """A browser moves a slider to the nearest mark and sends that back: nobody has chosen it."""
    lab = Shown.in_notebook(page, server, "timescale")  # 0.05 and 8 lie between marks
    lab.echoed()
    assert lab.replay() == "timescale"
    box = lab.lab.get_by_label("Learning rate of G, number")
    box.fill("0.0003")
    box.press("Tab")
    own = Session("timescale")
    own.set(lr=0.0003, tau=float(f"{8 * 0.05 / 0.0003:.12g}"))  # D's rate stays
    lab.wait(lambda: lab.replay() == own.replay)
    lab.echoed()
    assert lab.replay() == own.replay
    lab.push("Learning rate of G", "ArrowRight")  # while a key on it still does
    lab.wait(lambda: lab.replay() != own.replay)
    lab.press("Repeat this run")
    text = "normal,lr=0.37,noise=0.33,draws=2/4"
    lab.lab.get_by_label("Load a run").fill(text)
    lab.press("Load")
    lab.wait(lambda: lab.step() == 4)
    lab.echoed()
    assert lab.replay() == text


def test_a_mistyped_run_is_explained_and_a_right_one_is_repeated(page, server):
    lab = Shown.in_notebook(page, server, "normal", shown="lab")  # as a learner shows it
    lab.press("Repeat this run")
    lab.lab.get_by_label("Load a run").fill("normal,d_step=3")
    lab.press("Load")
    page.get_by_text("Did you mean 'd_steps'?").wait_for()
    lab.lab.get_by_label("Load a run").fill("noisy,d_steps=3,draws=2/7")
    page.keyboard.press("Enter")
    lab.wait(lambda: lab.step() == 7)
    lab.wait(lambda: lab.replay() == "noisy,d_steps=3,draws=2/7")  # arrives after the round
    assert page.errors == []


def test_the_lab_is_a_page_of_its_own_behind_a_token_and_gives_links(page, app):
    for path in ("", "api/kernels"):
        with urllib.request.urlopen(f"{app.url}/{path}", timeout=60) as answer:  # without a token
            assert "/login?" in answer.url
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{app.url}/?token={app.token}&run=noisy%2Cd_step%3D3")
    page.get_by_text("cannot be read: knob must be one of").wait_for()
    lab = Shown(page)
    assert lab.replay().startswith("normal")  # as without a text
    stopped = plays_steers_stops(lab, "D steps a round", "d_steps=2")
    goes_back_and_branches(lab, stopped, "G steps a round", "g_steps=2")
    lab.press("Repeat this run")
    repeats(lab)
    names_every_control(lab)
    text = "noisy,seed=3,d_steps=3,draws=2/7"
    lab.load(text)
    lab.wait(lambda: lab.replay() == text)
    lab.press("One round")
    text = text.replace("/7", "/8")
    lab.wait(lambda: lab.replay().endswith("/8"))
    lab.press("Copy the text")
    lab.lab.get_by_text("Copied.").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == text
    lab.press("Copy a link")
    lab.wait(lambda: "run=" in page.evaluate("navigator.clipboard.readText()"))
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == f"{app.url}/?run={quote(text, safe='')}"
    # Voila's page asks distant servers for fonts, and says so where there is no network.
    away = ("net::ERR_", "/voila/static/")  # and its bundle complains of an extension it shares
    assert [text for text in page.errors if not any(part in text for part in away)] == []
    page.goto(link)
    lab = Shown(page)
    assert (lab.replay(), lab.step()) == (text, 8)


def test_the_graph_is_drawn_from_the_frame_that_plays(page, server):
    lab = Shown.in_notebook(page, server, "five-gaussians,width=16")
    graph, below = lab.lab.get_by_role("tab", name="Model graph"), lab.lab.locator("canvas").last
    graph.click()
    lab.wait(lambda: (below.get_attribute("aria-label") or "").startswith("Model graph."))
    lab.play_to(30)
    lab.press("Pause")
    lab.settled()
    own = Session(lab.replay())
    for node in own.picture().graph:
        assert ", ".join([node.title, *node.text]) in below.get_attribute("aria-label")
    graph.press("ArrowLeft")  # which a notebook also has a use for
    lab.wait(lambda: below.get_attribute("aria-label").startswith("Charts of the run"))
    assert page.evaluate("document.activeElement.textContent") == "Charts"
    assert page.errors == []


def test_everybody_can_use_the_panel(page, server):
    """No violation of WCAG 2.1, level A or AA, as far as axe-core can tell, with all folds open:
    on both papers and, where they differ from the canvas, for the core widgets.
    """
    lab = Shown.in_notebook(page, server, "five-gaussians,width=8,draws=2/60")
    lab.unfold()
    lab.press("Examine this run")
    lab.press("Start a twin")
    lab.press("Tell the next round")
    lab.press("Show it here")
    lab.press("Picture (PNG)")
    lab.lab.get_by_role("link", name="Save five-gaussians-60.png").wait_for()
    for theme in ("Dark", "Light"):
        change = "(name) => jupyterapp.commands.execute('apputils:change-theme', { theme: name })"
        page.evaluate(change, f"JupyterLab {theme}")
        page.locator(f"[data-jp-theme-name$={theme}]").wait_for(state="attached")
        everybody_can_use(page)
    Shown.in_notebook(page, server, "five-gaussians,width=8", "core").unfold()
    everybody_can_use(page)


def everybody_can_use(page) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe-core").Axe()
    levels = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
    page.add_style_tag(content="body { height: 100vh }")  # or axe-core takes text for out of sight,
    page.set_viewport_size({"width": 1500, "height": 9000})  # and passes over what is scrolled away
    panel = page.locator(".gan-teach-lab")
    panel.evaluate("(e) => e.scrollIntoView()")
    pytest.importorskip("playwright.sync_api").expect(panel).to_be_in_viewport(ratio=0.999)
    found = axe.run(page, context=".gan-teach-lab", options=levels).response
    assert len(found["passes"]) > 10
    assert [(v["id"], n["html"][:300]) for v in found["violations"] for n in v["nodes"]] == []
    (read,) = (v["nodes"] for v in found["passes"] if v["id"] == "color-contrast")
    assert any(">Round" in n["html"] for n in read)


@pytest.mark.parametrize("view", ["canvas", "core"])
def test_an_interrupt_stops_the_run_and_says_so(page, server, view):
    lab = Shown.in_notebook(page, server, "normal", view)
    lab.play_to(5)
    server.ask("POST", f"api/kernels/{server.kernel()}/interrupt")
    page.get_by_text("Interrupted: the run stands at").wait_for()
    lab.lab.get_by_role("button", name="Play").wait_for()
    stopped = lab.settled()
    page.wait_for_timeout(1000)
    assert lab.step() == stopped
    repeats_in(server, stopped)
    lab.play_to(stopped + 5)  # and it goes on
    lab.press("Pause")


def repeats_in(server, step: int) -> None:
    """The run in the kernel is what its text says."""
    text, params = server.value("(lab.replay, lab.history['params'][-1].tolist())")
    own = Session(text)
    assert own.step == step
    assert params == own.history["params"][-1].tolist()


def test_without_its_kernel_the_lab_is_a_still_picture_that_says_so(page, server):
    both = "display(lab.panel.box)\n%env GAN_TEACH_VIEW=core\ngt.Lab('normal').panel.box"
    labs = Shown.in_notebook(page, server, "normal", shown=both), Shown(page, 1)
    for lab in labs:
        lab.play_to(5)
    lab.press("Pause")  # or the Play of ipywidgets counts on, and tells of errors
    page.get_by_text("Kernel", exact=True).click()
    page.get_by_text("Restart Kernel…", exact=True).click()
    page.get_by_role("button", name="Confirm Kernel Restart").click()
    for lab in labs:
        lab.lab.get_by_text("Run the cell to play with it").wait_for()
        assert lab.lab.get_by_role("button").count() == 0
        assert lab.lab.get_by_role("slider").count() == 0
        lab.lab.get_by_role("img").first.wait_for()
    broken = "[...document.querySelectorAll('.gan-teach-lab, .gan-teach-lab *')].filter("
    broken += "(e) => e.checkVisibility() && "
    broken += "!['none', 'normal'].includes(getComputedStyle(e, '::before').content)).length"
    assert page.evaluate(broken) == 0
    page.locator(READY).wait_for()  # a kernel that still restarts cannot be stopped


@pytest.mark.parametrize("view", ["canvas", "core"])
def test_a_keyboard_alone_keeps_its_place_and_hears_values(page, server, view):
    lab = Shown.in_notebook(page, server, "normal", view)
    fold = lab.lab.get_by_role("button", name="Steps and rates")
    assert fold.get_attribute("aria-expanded") == "false"
    fold.press("Enter")
    lab.wait(lambda: fold.get_attribute("aria-expanded") == "true")
    preset = lab.lab.get_by_label("Preset")
    preset.focus()
    page.keyboard.press("ArrowDown")  # which a notebook also has a use for
    lab.wait(lambda: not lab.replay().startswith("normal"))
    for name in ("five", "dirac-r"):  # other worlds, whose controls are made anew
        page.wait_for_timeout(1500)  # Chromium's menu adds keys within a second to those before
        page.keyboard.type(name)
        lab.wait(lambda name=name: lab.replay().startswith(name))
        page.wait_for_timeout(500)
        focused = "document.activeElement.labels?.[0]?.textContent"
        lab.wait(lambda focused=focused: page.evaluate(focused) == "Preset")
        assert fold.get_attribute("aria-expanded") == "true"
    rate = lab.lab.get_by_role("slider", name="Learning rate of G", exact=True)
    rate.evaluate(HEARD)
    lab.push("Learning rate of G", "ArrowRight")
    lab.wait(lambda: "lr=" in lab.replay())
    lab.wait(lambda: rate.get_attribute("aria-valuetext") == lab.box("lr").input_value())
    heard = page.evaluate("[...heard]")
    assert len(heard) > 1
    assert all(float(value) > 0 for value in heard), heard  # an exponent of it would be negative
    assert page.errors == []

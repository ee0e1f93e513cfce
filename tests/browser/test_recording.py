"""A recorded run, opened from disk by a browser without any network."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("anywidget")

from test_canvas import PAPER, VIEW, run

from gan_teach.lab import Session
from gan_teach.lab.frame import looks, pack


def opened(page, tmp_path, text: str, frames: int = 300):
    """The page of this run, once its first picture is there; all that it asks for is noted."""
    target = tmp_path / "run.html"
    target.write_text(Session(text).to_html(frames), "utf-8")
    page.asked = []
    page.on("request", lambda request: page.asked.append(request.url))
    page.context.set_offline(True)
    page.goto(target.as_uri())
    page.wait_for_selector(".gan-teach-canvas[data-frame]")
    return target.as_uri()


def moment(page) -> int:
    return int(page.locator(".gan-teach-canvas").get_attribute("data-frame"))


def pixels(page, name: str = "canvas") -> bytes:
    return page.locator(f".gan-teach-{name}").screenshot()


# Pressed within the page: a click from here might come when all has been played.
PAUSED = """() => {
  const [frame, button] = ['[data-frame]', '.play'].map(name => document.querySelector(name))
  if (frame.dataset.frame <= 10) return false
  button.click()
  return button.textContent.includes('Play')
}"""

RUNS = ["normal,draws=2/80", "five-gaussians,width=16,draws=2/80", "dirac,draws=2/80",
        "digits,width=4,draws=2/80"]  # fmt: skip


@pytest.mark.parametrize("text", RUNS)
def test_it_plays_scrubs_and_tells(page, tmp_path, text):
    address = opened(page, tmp_path, text)
    told = page.locator(".told")
    session = Session(text)
    assert told.inner_text() == session.rewind(0).narration
    first = pixels(page)
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(PAUSED)
    stopped = moment(page)
    page.wait_for_timeout(300)
    assert moment(page) == stopped
    assert told.inner_text() == session.rewind(stopped).narration
    assert pixels(page) != first
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("document.querySelector('[data-frame]').dataset.frame === '80'")
    page.get_by_role("button", name="Play").wait_for()  # it stands at its end
    slider = page.get_by_role("slider", name="Moment")
    slider.press("Home")
    assert moment(page) == 0
    assert pixels(page) == first
    slider.press("ArrowRight")
    assert (
        page.locator(".gan-teach-canvas")
        .get_attribute("aria-label")
        .endswith(session.rewind(1).narration)
    )
    assert page.get_by_label("Its text").input_value() == text
    assert page.asked == [address]
    assert page.errors == []


def test_layers_and_charts_are_shown_and_hidden(page, tmp_path):
    opened(page, tmp_path, "five-gaussians,width=16,draws=2/60", frames=10)
    page.get_by_role("slider", name="Moment").press("End")
    for name in ("discriminator D(x)", "lattice of z, after G", "best answer D*(x)"):
        before = pixels(page)
        page.get_by_role("checkbox", name=name, exact=True).click()
        assert pixels(page) != before, name
    for name in ("Losses", "Distance to the data"):
        before = pixels(page, "charts")
        page.get_by_role("checkbox", name=name, exact=True).click()
        assert pixels(page, "charts") != before, name
    assert page.errors == []


def test_the_graph_is_a_tab_beside_the_charts(page, tmp_path):
    text = "five-gaussians,width=16,draws=2/40"
    opened(page, tmp_path, text, frames=10)
    charts, graph = page.get_by_role("tab").all()
    below, picture = page.locator(".gan-teach-charts"), pixels(page)
    assert charts.get_attribute("aria-selected") == "true"
    assert below.get_attribute("aria-label").startswith("Charts of the run over time")
    shown = pixels(page, "charts")
    charts.press("ArrowRight")  # as a keyboard goes along tabs
    assert graph.get_attribute("aria-selected") == "true"
    assert page.evaluate("document.activeElement.textContent") == "Model graph"
    assert page.get_by_role("tabpanel", name="Model graph").is_visible()
    seen = []
    for key, moment in (("Home", 0), ("End", 40)):
        page.get_by_role("slider", name="Moment").press(key)
        session = Session(text)
        session.rewind(session.step)
        told = session.rewind(moment) and session.picture().graph
        for node in told:
            assert ", ".join([node.title, *node.text]) in below.get_attribute("aria-label")
        seen.append(pixels(page, "charts"))
    assert len({shown, *seen}) == 3
    page.get_by_role("slider", name="Moment").press("Home")
    charts.click()
    assert (pixels(page, "charts"), pixels(page)) == (shown, picture)
    assert page.errors == []


def colors(address: str) -> np.ndarray:
    """The pixels (n, 4) of a canvas's ``toDataURL()``: as a list of numbers they take a minute."""
    picture = Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2])))
    return np.asarray(picture.convert("RGBA"), dtype=int).reshape(-1, 4)


@pytest.mark.parametrize("text", RUNS)
def test_the_picture_is_that_of_the_lab(page, tmp_path, text):
    """The same canvas draws it, in numbers rounded to less than a pixel."""
    text = text.replace("/80", "/20")
    opened(page, tmp_path, text, frames=4)
    page.get_by_role("slider", name="Moment").press("End")
    plane = "const plane = document.querySelector('.gan-teach-canvas');"
    look = f"() => {{ {plane} return [plane.clientWidth, plane.toDataURL()]; }}"
    width, recorded = page.evaluate(look)
    session = Session(text)
    frame = session.picture(session.hidden)
    told = {"bytes": base64.b64encode(pack(frame)).decode(), "looks": looks(), "width": width}
    draw = "js.drawFrame({ plane, charts }, js.unpack(view), looks);"
    script = f"{VIEW} {PAPER} {draw} return plane.toDataURL();"
    own = colors(run(page, script, paper="#ffffff", **told))
    assert (np.abs(colors(recorded) - own).max(1) > 64).mean() < 0.02
    blank = (255 - own)[:, :3].max(1)
    assert (blank > 64).mean() > 0.02  # so that more than this was there to be missed


def test_nothing_is_wider_than_its_page(page, tmp_path):
    opened(page, tmp_path, "five-gaussians,width=4,draws=2/6")
    for width in (1200, 700, 380):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_less_motion_is_respected(page, tmp_path):
    page.emulate_media(reduced_motion="reduce")
    opened(page, tmp_path, "dirac,draws=2/80")
    start = page.evaluate("performance.now()")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("Number(document.querySelector('[data-frame]').dataset.frame) > 2")
    assert moment(page) <= 1 + (page.evaluate("performance.now()") - start) / 490

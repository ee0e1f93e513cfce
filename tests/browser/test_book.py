"""The book, opened from disk by a real Chromium without a network."""

import base64
import io
import re
import subprocess
import sys
import time
from urllib.parse import unquote

import numpy as np
import pytest
from PIL import Image

import gan_teach as gt
from gan_teach.course import book, chapters
from gan_teach.lab import Replay

pytest.importorskip("sphinx", reason="no Sphinx: pip install 'gan-teach[book]'")

# Formulas that MathJax did not take, that are wider than the text of a wide page (on a narrow one
# they scroll) or whose comma is on the next line, pictures that nobody can hear, text that runs out
# of the page. Folds are open.
FAULTS = """() => {
  for (const fold of document.querySelectorAll('details')) fold.open = true
  const raw = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walk.nextNode()) {
    const hidden = walk.currentNode.parentElement.closest('pre, code, script, style, mjx-container')
    if (!hidden && /\\\\\\(|\\$/.test(walk.currentNode.data)) raw.push(walk.currentNode.data)
  }
  const below = (formula) => {
    const text = formula.nextSibling, range = document.createRange()
    if (!/^\\S/.test(text?.data ?? '')) return false
    range.setStart(text, 0)
    range.setEnd(text, 1)
    return range.getBoundingClientRect().top > formula.getBoundingClientRect().bottom
  }
  return {
    raw,
    torn: [...document.querySelectorAll('span.math')].filter(below).map(e => e.textContent),
    misread: [...document.querySelectorAll('[data-mjx-error], mjx-merror')].map(e => e.outerHTML),
    literal: [...document.querySelectorAll('mtext')].filter(e => /\\\\/.test(e.textContent)).length,
    cut: [...document.querySelectorAll('mjx-container[display=true]')]
      .filter(e => innerWidth > 1000 && e.scrollWidth > e.clientWidth + 1).map(e => e.textContent),
    silent: [...document.images].filter(i => !i.alt.trim()).map(i => i.outerHTML.slice(0, 80)),
    broken: [...document.images].filter(i => !i.naturalWidth).map(i => i.src.slice(0, 80)),
    wide: document.documentElement.scrollWidth - innerWidth,
  }
}"""

# A theme's colours fade in: what axe reads in between, nobody has to.
SETTLED = """() => Promise.allSettled(
  document.getAnimations().filter(a => a instanceof CSSTransition).map(a => a.finished))"""
# Pressed within the page: a click from here might come when all has been played.
PAUSED = """() => {
  const film = document.querySelector('figure[data-film]')
  const button = [...film.querySelectorAll('button')].find(b => b.textContent.includes('Pause'))
  if (button && film.querySelector('input').value > 0) button.click()
  return button && film.querySelector('input').value > 0
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    out = tmp_path_factory.mktemp("book")
    command = [sys.executable, "-m", "gan_teach", "book", "--no-open", "--out", str(out)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    assert str(out / "index.html") in made.stdout
    return out


@pytest.fixture
def offline(page):
    """A page that can reach nothing but files, and says what it asked for beyond them. Its runs
    wait for their button: to draw them takes the time that its reader needs.
    """
    page.context.set_offline(True)
    page.emulate_media(reduced_motion="reduce")
    page.asked = []
    page.on("request", lambda r: page.asked.append(r.url) if "://" in r.url else None)
    return page


def opened(page, path):
    page.goto(path.as_uri())
    page.wait_for_function("() => !window.MathJax?.startup || window.MathJax.startup.promise")
    page.evaluate("() => window.MathJax?.startup?.promise.then(() => 0)")
    return page


def test_every_page_is_whole_without_a_network(offline, site):
    pages = sorted(site.glob("*.html"))
    assert len(pages) > len(chapters())
    for path in pages:
        opened(offline, path)
        for width in (1300, 400):
            offline.set_viewport_size({"width": width, "height": 900})
            found = offline.evaluate(FAULTS)
            assert {k: v for k, v in found.items() if v} == {}, (path.name, width)
    assert [url for url in offline.asked if not url.startswith(("file:", "data:"))] == []
    assert offline.errors == []


@pytest.mark.parametrize("name", ["index", "glossary", "01_normal", "05_dirac_gan", "14b_wrap_up"])
def test_everybody_can_read_a_page(offline, site, name):
    """No violation of WCAG 2.1, level A or AA, as far as axe-core can tell."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe-core").Axe()
    opened(offline, site / f"{name}.html")
    levels = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
    colors = ["color-contrast", "link-in-text-block"]  # all that a theme changes
    for theme, rules in {"light": levels, "dark": colors}.items():
        offline.emulate_media(color_scheme=theme)
        offline.locator(f"html[data-theme={theme}]").wait_for(state="attached")
        offline.evaluate(SETTLED)
        asked = {"runOnly": rules, "resultTypes": ["violations"]}  # the others take long to tell
        found = axe.run(offline, options=asked).response["violations"]
        assert [(v["id"], v["nodes"][0]["html"]) for v in found] == []


def test_links_lead_somewhere(site):
    pages = {path.name: path.read_text("utf-8") for path in site.glob("*.html")}
    names = {name: set(re.findall(r'\bid="([^"]+)"', text)) for name, text in pages.items()}
    for name, text in pages.items():
        for link in re.findall(r'<a\b[^>]*\bhref="([^"]*)"', text):
            if re.match(r"[a-z]+:", link):
                continue
            target, _, anchor = link.partition("#")
            assert (site / (target or name)).exists(), f"{name} links to {link}"
            if anchor and (target or name) in names:
                assert anchor in names[target or name] | {"top"}, f"{name} links to {link}"


def test_a_recorded_run_plays(offline, site):
    page = opened(offline, site / "10_five_gaussians.html")
    page.locator("iframe.run").scroll_into_view_if_needed()
    run = page.frame_locator("iframe.run")
    before = run.locator("canvas").first.screenshot()
    run.get_by_role("button", name="Play").click()
    run.locator(".told", has_text=re.compile(r"Round [1-9]")).wait_for()
    assert run.locator("canvas").first.screenshot() != before


@pytest.mark.parametrize("name", ["index", "01_normal"])
def test_a_picture_moves_soon_after_a_page_is_opened(offline, site, name):
    offline.emulate_media(reduced_motion="no-preference")
    start = time.perf_counter()
    offline.goto((site / f"{name}.html").as_uri(), wait_until="commit")
    run = offline.frame_locator("iframe.run").first
    run.locator("[data-frame]:not([data-frame='0'])").wait_for()
    moved = time.perf_counter() - start
    first = run.locator("[data-frame]").first
    before, at = run.locator("canvas").first.screenshot(), first.get_attribute("data-frame")
    run.locator(f"[data-frame]:not([data-frame='{at}'])").wait_for()
    assert run.locator("canvas").first.screenshot() != before
    run.get_by_role("button", name="Pause").click()
    still = run.locator("canvas").first.screenshot()
    offline.wait_for_timeout(300)
    assert run.locator("canvas").first.screenshot() == still
    print(f"{name}: its picture moved {moved:.2f} s after it was opened")  # 1 if nothing else runs


@pytest.mark.parametrize("name", ["index", "05_dirac_gan"])
def test_a_recorded_run_is_as_high_as_its_frame(offline, site, name):
    page = opened(offline, site / f"{name}.html")
    frame = page.locator("iframe.run").first
    for width in (1366, 390):
        page.set_viewport_size({"width": width, "height": 800})
        frame.scroll_into_view_if_needed()
        frame.content_frame.locator("[data-frame]").first.wait_for()
        for _ in range(100):  # until it is laid out anew
            page.wait_for_timeout(500)
            if is_as_high(frame):
                break
        assert is_as_high(frame)


def is_as_high(frame):
    """What the frame holds fits into it, and nearly fills it."""
    within = frame.content_frame.locator("html").bounding_box()["height"]
    return within <= frame.bounding_box()["height"] < within + 20


def test_nothing_moves_by_itself_for_who_wants_less_motion(offline, site):
    opened(offline, site / "01_normal.html")
    run = offline.frame_locator("iframe.run").first
    run.locator("[data-frame]").first.wait_for()
    offline.wait_for_timeout(800)
    assert run.locator("canvas").first.get_attribute("data-frame") == "0"


def test_a_film_plays_and_can_be_scrubbed_by_keys(offline, site):
    page = opened(offline, site / "01_normal.html")
    film = page.locator("figure[data-film]").first
    still = film.locator("img").get_attribute("src")
    slider = film.get_by_role("slider", name="Record (by round)")
    slider.press("End")
    assert film.locator("figcaption").inner_text().startswith("Round 1500 of 1500: V = ")
    assert slider.get_attribute("aria-valuetext") == "1500"
    assert film.locator("img").get_attribute("alt") == film.locator("figcaption").inner_text()
    slider.press("ArrowLeft")
    assert film.locator("img").get_attribute("src") != still
    film.get_by_role("button", name="Play").press("Enter")
    page.wait_for_function("document.querySelector('figure[data-film] input').value === '39'")
    slider.press("Home")
    film.get_by_role("button", name="Play").click()
    page.wait_for_function(PAUSED)
    stopped = slider.input_value()
    page.wait_for_timeout(400)
    assert 0 < int(slider.input_value()) < 39
    assert slider.input_value() == stopped
    assert page.errors == []


def test_a_chooser_begins_with_the_still_of_its_notebook(offline, site):
    """What the film repeats of the chapter leads to the same picture."""
    page = opened(offline, site / "11_gradient_penalties.html")
    page.locator("details:has(figure[data-film]) > summary").first.click()
    film = page.locator("figure[data-film]").first
    still = film.locator("img").get_attribute("src").partition(",")[2]
    slider = film.get_by_role("slider", name="radius c")
    slider.press("ArrowLeft")
    slider.press("ArrowRight")
    shown = site / film.locator("img").get_attribute("src")
    one, two = (
        np.asarray(Image.open(file).convert("L").resize((160, 80)), float)
        for file in (shown, io.BytesIO(base64.b64decode(still)))
    )
    assert abs(one - two).mean() < 3
    assert one.std() > 10


def test_players_and_choosers_are_films(site):
    for chapter in chapters():
        text = chapter.source.read_text("utf-8")
        shown = len(re.findall(r"^gt\.(?:player|animation\.chooser)\(", text, re.MULTILINE))
        page = (site / f"{chapter.name}.html").read_text("utf-8")
        names = re.findall(r'<figure data-film="([^"]+)"', page)
        assert len(names) == shown, chapter.name
        for name in names:
            pictures = sorted((site / "films" / name).glob("*.webp"))
            assert 2 <= len(pictures) <= 41


def test_a_run_is_opened_on_binder(site):
    page = (site / "08_covariance.html").read_text("utf-8")
    (link,) = re.findall(r'href="(https://mybinder[^"]*)">Open this run', page)
    address, _, path = link.partition("?urlpath=")
    assert address.endswith(f"/gh/{book.REPOSITORY}/HEAD")
    assert unquote(path) == "voila/render/binder/lab.ipynb?run=strong-generator%2Cseed%3D1"
    assert "<code>strong-generator,seed=1</code>" in page
    assert Replay.of("strong-generator,seed=1").start.seed == 1


def test_the_reference_calls_types_as_the_code_does():
    text = book.reference()
    assert "gt.spectrum(J: GameJacobian | ArrayLike, tau: float = 1.0) -> NDArray[" in text
    assert "gt.data.Normal(mean: float = 0.0, std: float = 1.0, dim: int = 1)\n" in text
    assert "gt.spectra.Definiteness(word: str, tolerance: float)\n" in text
    assert not re.findall(r"numpy\.ndarray|typing\.|<\w+ ?\w* at 0x|[^`]``[^`]", text)


def test_every_lab_is_recorded_and_the_book_stays_small(site):
    pages = "".join(path.read_text("utf-8") for path in site.glob("*.html"))
    runs = set(re.findall(r'<iframe[^>]* src="(runs/[^"#]+)', pages))
    assert len(runs) > 15
    assert all((site / run).is_file() for run in runs)
    size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    assert size < 80e6


@pytest.mark.parametrize(
    ("code", "lab"),
    [
        ('x = 1\ngt.Lab("noisy", noise=0.5)', ("noisy", {"noise": 0.5})),
        ('gt.Lab("dirac")\n', ("dirac", {})),
        ('lab = gt.Lab("dirac")', None),
    ],
)
def test_labs_are_found_in_the_code(code, lab):
    assert book.lab_of(code) == lab


def test_an_answer_opens_and_closes(offline, site):
    page = opened(offline, site / f"{chapters()[0].name}.html")
    answer = page.locator("details:has(> summary:text-is('Answer'))").first
    inside = answer.locator("pre").first
    assert not inside.is_visible()
    answer.locator("summary").click()
    assert inside.is_visible()
    answer.locator("summary").click()
    assert not inside.is_visible()


def test_search_finds_the_timescale(offline, site):
    page = opened(offline, site / "search.html")
    page.goto((site / "search.html").as_uri() + "?q=tau*")
    page.wait_for_selector("#search-results li a")
    found = page.locator("#search-results li a").all_inner_texts()
    assert any("Find how much faster D must learn" in title for title in found), found


def test_the_reference_has_every_public_name():
    text = book.reference()
    for name in gt.__all__:
        assert f"\n## gt.{name}\n" in text
    assert "\n### gt.penalties.dragan\n" in text
    assert "sqrt(1 + lr^2)" in text  # docstrings, with their formulas


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ('gt.show(figure, alt="a picture")', "gt.show(figure, alt=...)"),
        ('f(\n    1,\n    alt="one "\n    "two",\n)\ng()', "f(\n    1,\n    alt=...,\n)\ng()"),
        ('f("é", alt="ü" if x else "ä")', 'f("é", alt=...)'),
        ("%matplotlib inline\nf(alt='a')", "%matplotlib inline\nf(alt='a')"),
        ("alt = 'a'", "alt = 'a'"),
    ],
)
def test_code_is_shown_without_alternative_texts(code, shown):
    assert book.without_alt(code) == shown

"""Pictures of the lab in JupyterLab, its side bar open, or of the book: widths and both themes.

    python tests/browser/screenshots.py FOLDER [--preset dirac] [--width 1366] [--view core]
                                               [--tab "Model graph"]
    python tests/browser/screenshots.py FOLDER --book SITE [--page index] [--theme dark]

Writes ``PRESET-WIDTH-THEME.png``, the part of the page that a learner sees first, and what is below
it, and prints the length of the plane's side. A window of 720 is taken without the side bar. To be
looked at; ``test_lab.py`` holds the lengths. Of the book it takes whole pages, as
``gan-teach book --out SITE`` made them: ``PAGE-WIDTH-THEME.png``.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from itertools import product
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from jupyter_servers import FLAGS, PATIENCE, Server, jupyterlab

SIZES = {1400: 1000, 1366: 768, 1000: 768, 720: 900}
PLAYED = 4000  # milliseconds
PAGES = ["index", "01_normal", "05_dirac_gan", "11_gradient_penalties", "reference"]
LONGEST = 12000  # of a page, in pixels


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--preset", nargs="*", default=["five-gaussians"])
    parser.add_argument("--book", type=Path, metavar="SITE")
    parser.add_argument("--page", nargs="*", default=PAGES)
    parser.add_argument("--width", type=int, nargs="*", help="default: all that matter")
    parser.add_argument("--theme", nargs="*", default=["light", "dark"])
    parser.add_argument("--view", default="canvas")
    parser.add_argument("--tab", help="below the picture: charts if not given")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    path = shutil.which("chromium")
    if options.book:
        with sync_playwright() as tools:
            browser = tools.chromium.launch(executable_path=path, args=FLAGS)
            look = product(options.theme, options.width or (1300, 400), options.page)
            for theme, width, name in look:
                target = options.folder / f"{name}-{width}-{theme}.png"
                read(browser, options.book.resolve() / f"{name}.html", theme, width, target)
            browser.close()
        return
    with (
        tempfile.TemporaryDirectory() as home,
        jupyterlab(Path(home)) as server,
        sync_playwright() as tools,
    ):
        browser = tools.chromium.launch(executable_path=path, args=FLAGS)
        for theme, preset in product(options.theme, options.preset):
            dress(server, theme)
            page = browser.new_page(viewport={"width": 1500, "height": 1000})
            page.set_default_timeout(PATIENCE * 1000)
            play(page, server, preset, options.view)
            if options.tab:
                page.get_by_role("tab", name=options.tab).click()
            for width in options.width or SIZES:
                page.set_viewport_size({"width": width, "height": SIZES[width]})
                target = options.folder / f"{preset}-{width}-{theme}.png"
                print(f"{target.name}: plane of {take(page, target)} px")
            page.close()
        browser.close()


def read(browser: Any, path: Path, theme: str, width: int, target: Path) -> None:
    """One picture of a page of the book, from its top on."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)
    page.goto(path.as_uri())
    page.evaluate("() => window.MathJax?.startup?.promise.then(() => 0)")
    page.wait_for_timeout(1000)
    height = min(page.evaluate("document.documentElement.scrollHeight"), LONGEST)
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_timeout(2000)
    page.screenshot(path=target)
    print(f"{target.name}: {height} px long", flush=True)
    page.close()


def dress(server: Server, theme: str) -> None:
    """JupyterLab's own theme."""
    folder = server.folder / ".jupyter" / "@jupyterlab" / "apputils-extension"
    wanted = json.dumps({"theme": f"JupyterLab {theme.capitalize()}"})
    (folder / "themes.jupyterlab-settings").write_text(wanted)


def play(page: Any, server: Server, preset: str, view: str) -> None:
    """The lab, after a moment of play."""
    server.run_on(page, f"%env GAN_TEACH_VIEW={view}\nimport gan_teach as gt\ngt.Lab({preset!r})")
    lab = page.locator(".gan-teach-lab")
    lab.get_by_role("button", name="Play").first.click()
    page.wait_for_timeout(PLAYED)
    lab.get_by_role("button", name="Pause").first.click()


def take(page: Any, target: Path) -> str | None:
    """One picture of the page; returns the length of the plane's side."""
    page.wait_for_timeout(1000)
    column = page.locator("#filebrowser")
    if column.is_visible() == (page.viewport_size["width"] == 720):
        page.evaluate("document.activeElement.blur()")  # the lab keeps keys to itself
        page.keyboard.press("Control+b")
    page.wait_for_timeout(1000)
    picture = page.locator(".gan-teach-canvas, .gan-teach-lab .widget-image").first
    picture.evaluate("e => e.closest('.gan-teach-lab').scrollIntoView({block: 'start'})")
    page.wait_for_timeout(500)
    page.screenshot(path=target)
    page.locator(".gan-teach-folds").last.evaluate("e => e.scrollIntoView({block: 'end'})")
    page.wait_for_timeout(500)
    page.screenshot(path=target.with_stem(f"{target.stem}-below"))
    return picture.get_attribute("data-side")


if __name__ == "__main__":
    main()

"""Pictures of the lab in JupyterLab, its side bar open, at four widths and in both themes.

    python tests/browser/screenshots.py FOLDER [--preset dirac] [--width 1366] [--view core]
                                               [--tab "Model graph"]

Writes ``PRESET-WIDTH-THEME.png``, the part of the page that a learner sees first, and what is below
it, and prints the length of the plane's side. A window of 720 is taken without the side bar. To be
looked at; ``test_lab.py`` holds the lengths.
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


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--preset", nargs="*", default=["five-gaussians"])
    parser.add_argument("--width", type=int, nargs="*", default=list(SIZES))
    parser.add_argument("--theme", nargs="*", default=["light", "dark"])
    parser.add_argument("--view", default="canvas")
    parser.add_argument("--tab", help="below the picture: charts if not given")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    path = shutil.which("chromium")
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
            for width in options.width:
                page.set_viewport_size({"width": width, "height": SIZES[width]})
                target = options.folder / f"{preset}-{width}-{theme}.png"
                print(f"{target.name}: plane of {take(page, target)} px")
            page.close()
        browser.close()


def dress(server: Server, theme: str) -> None:
    """JupyterLab's own theme."""
    folder = server.folder / ".jupyter" / "@jupyterlab" / "apputils-extension"
    folder.mkdir(parents=True, exist_ok=True)
    for name, settings in {
        "themes": {"theme": f"JupyterLab {theme.capitalize()}"},
        "notification": {"fetchNews": "false"},
    }.items():
        (folder / f"{name}.jupyterlab-settings").write_text(json.dumps(settings))


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

"""Pictures a second of the lab, as a browser shows them, and what each process spends on one.

    python tests/benchmarks/bench_lab.py [--preset five-gaussians] [--seconds 60] [--minutes 5]

Starts JupyterLab and Chromium on this machine and runs the cell of the lab twice: the second time
says how long the first picture takes in a warm kernel. Plays the preset, 5 rounds a picture, in the
canvas and in the core view; counts the pictures that reach the screen, while no debugger is
attached to the browser (it would read every message as well). Before that a key moves a slider.
After it the canvas plays on for ``--minutes``, and the kernel's memory is told every half minute.
CPU milliseconds a picture of each process say what the rate would be on a quiet machine: on two
cores, at most 2000 a second for all of them together, 1000 for the slowest. Before all that,
without a browser, it times the parts of a tick in the kernel; after it, it plays on for ``--ticks``
ticks to see whether memory grows. Targets on two quiet cores: 28 pictures a second on the canvas,
the first picture within 3 s, less than 5 % growth; the core view, of matplotlib's pictures, is as
fast as these are. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import json
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

ROUNDS = 5  # a picture


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--preset", default="five-gaussians")
    parser.add_argument("--seconds", type=float, default=60.0, help="of play in each view")
    parser.add_argument("--minutes", type=float, default=5.0, help="of play to watch memory")
    parser.add_argument("--ticks", type=int, default=10_000, help="in the test of memory")
    parser.add_argument("--no-browser", action="store_true", help="the kernel's part only")
    options = parser.parse_args()
    kernel(options.preset)
    if not options.no_browser:
        in_the_browser(options.preset, options.seconds, options.minutes)
    memory(options.preset, options.ticks)


# -- in the kernel --------------------------------------------------------------------------------


def kernel(preset: str, repeats: int = 60) -> None:
    """CPU milliseconds of each part of one tick."""
    from gan_teach.lab import Session
    from gan_teach.lab.frame import pack
    from gan_teach.lab.picture import png

    session = Session(preset)
    session.go(30)
    frame = session.frame
    spent: dict[str, float] = {}

    def timed(name: str, part: Callable[[], Any]) -> Any:
        before = time.process_time()
        value = part()
        spent[name] = spent.get(name, 0.0) + time.process_time() - before
        return value

    for _ in range(repeats):
        timed("5 rounds", lambda: session.go(ROUNDS))
        frame = timed("frame", lambda: session.frame)
        timed("pack", lambda frame=frame: pack(frame))
        timed("draw", lambda frame=frame: png(frame))
    each = {name: 1000 * value / repeats for name, value in spent.items()}
    print(f"{preset}: CPU milliseconds a picture in the kernel")
    for name, value in each.items():
        print(f"  {name:18} {value:6.1f}")
    canvas = each["frame"] + each["pack"]
    print(f"  canvas {canvas:.1f}, core {each['frame'] + each['draw']:.1f}, "
          f"each beside {each['5 rounds']:.1f} of training")  # fmt: skip
    panel_cost(preset, repeats)


def panel_cost(preset: str, repeats: int) -> None:
    """The whole tick with its widgets, without a browser."""
    from gan_teach.lab import Session
    from gan_teach.lab.panel import Panel

    for view in ("canvas", "core"):
        panel = Panel(Session(preset), view)
        panel.speed.value = ROUNDS
        player = panel.view if view == "canvas" else panel.view.controls[0]
        player.playing = True
        panel.tick()
        before, at = time.process_time(), panel.session.step
        for _ in range(repeats):
            panel._pace = float(ROUNDS)
            panel.tick()
        spent = 1000 * (time.process_time() - before) / repeats
        rounds = (panel.session.step - at) / repeats
        print(f"  a tick of the {view} panel with {rounds:.1f} rounds: {spent:.1f}")


# -- in the browser -------------------------------------------------------------------------------

TOLD = re.compile(r"^(Round) ([0-9]+):")
WATCH = """() => {
  const lab = document.querySelector(".gan-teach-lab");
  const shown = document.querySelector(".gan-teach-canvas, .gan-teach-lab .widget-image");
  const began = performance.now();
  let seen = 0;
  new MutationObserver(() => seen++).observe(
    shown, { attributes: true, attributeFilter: ["data-serial", "src"] });
  setInterval(() => {
    const told = /(Round) ([0-9]+):/.exec(lab.textContent);
    document.title = [seen, performance.now() - began, told[2]].join(" ");
  }, 1000);
}"""
"""Says in the title of the page how many pictures were seen in how many milliseconds, and the last
round: the title can be read while no debugger is attached."""


def in_the_browser(preset: str, seconds: float, minutes: float) -> None:
    from playwright.sync_api import sync_playwright

    from jupyter_servers import FLAGS, free_port, jupyterlab

    with (
        tempfile.TemporaryDirectory() as name,
        jupyterlab(Path(name)) as server,
        sync_playwright() as tools,
    ):
        path, port = shutil.which("chromium") or tools.chromium.executable_path, free_port()
        flags = ["--headless=new", "--window-size=1500,1100", f"--user-data-dir={name}/chromium",
                 f"--remote-debugging-port={port}"]  # fmt: skip
        browser = subprocess.Popen([path, *FLAGS, *flags], stderr=subprocess.DEVNULL)
        try:
            wait_until_it_answers(port)
            for view in ("canvas", "core"):
                play(tools, f"http://127.0.0.1:{port}", server, preset, view, seconds)
                if view == "canvas":
                    grow(minutes)
        finally:
            browser.terminate()
            browser.wait(30)


def wait_until_it_answers(port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with socket.socket() as probe:
            if not probe.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.2)
    raise TimeoutError("Chromium does not start.")


def play(tools: Any, where: str, server: Any, preset: str, view: str, seconds: float) -> None:
    """Start to play, turn a knob, detach, and read what is counted then."""
    browser = attached(tools, where)
    for other in browser.contexts[0].pages:
        other.close()
    page = browser.contexts[0].new_page()
    page.set_default_timeout(240_000)
    server.run_on(page, f"%env GAN_TEACH_VIEW={view}\nimport gan_teach as gt\ngt.Lab({preset!r})")
    page.locator(".gan-teach-lab").get_by_text(TOLD).wait_for()
    print(f"{preset}, {view} view: the first picture after {once_more(page):.2f} s, warm")
    page.get_by_role("button", name="Play").click()
    page.wait_for_timeout(3000)
    print(f"{preset}, {view} view: a key on a slider acts after {answer(page):.2f} s")
    page.evaluate(WATCH)
    browser.close()  # detaches from it
    time.sleep(3)
    before, first = _spent(), counted(where)
    time.sleep(seconds)
    after, last = _spent(), counted(where)
    seen, milliseconds, rounds = (b - a for a, b in zip(first, last, strict=True))
    print(f"  {1000 * seen / milliseconds:.1f} pictures a second, {rounds / seen:.1f} rounds each")
    each = {k: 1000 * (after[k] - before.get(k, 0.0)) / seen for k in after}
    told = ", ".join(f"{name} {value:.0f}" for name, value in each.items() if value >= 0.5)
    print(f"  CPU milliseconds a picture: {sum(each.values()):.0f} ({told})")


def once_more(page: Any) -> float:
    """Seconds from running the cell again until its new picture is there."""
    shown = ".gan-teach-canvas[data-serial], .gan-teach-lab .widget-image[src]"
    page.locator(shown).evaluate("e => { e.dataset.old = 'yes'; }")
    page.locator(".jp-Notebook .jp-CodeCell .cm-content").first.click()
    began = time.monotonic()
    page.keyboard.press("Shift+Enter")
    fresh = ", ".join(f"{one}:not([data-old])" for one in shown.split(", "))
    page.wait_for_function(f"document.querySelector('{fresh}')")
    return time.monotonic() - began


def grow(minutes: float) -> None:
    """The kernel's memory while the lab that is open plays on."""
    import psutil

    kernels = [process for process in psutil.Process().children(recursive=True)
               if "ipykernel" in " ".join(process.cmdline())]  # fmt: skip
    sizes = []
    for _ in range(int(2 * minutes) + 1):
        sizes.append(max(process.memory_info().rss for process in kernels) / 1e6)
        time.sleep(30)
    print(f"  memory of the kernel every half minute, MB: {', '.join(f'{s:.0f}' for s in sizes)}")


def attached(tools: Any, where: str) -> Any:
    """Chromium at that address; it may miss the first calls of a debugger while it starts."""
    from playwright.sync_api import TimeoutError as Missed

    for _ in range(5):
        with contextlib.suppress(Missed):
            return tools.chromium.connect_over_cdp(where, timeout=10_000)
    return tools.chromium.connect_over_cdp(where)


def counted(where: str) -> tuple[float, ...]:
    """Pictures, milliseconds and rounds so far, from the title of the one open page."""
    with urllib.request.urlopen(f"{where}/json", timeout=60) as answer:
        titles = [one["title"] for one in json.load(answer) if one["type"] == "page"]
    return tuple(map(float, titles[0].split()))


def answer(page: Any) -> float:
    """Seconds from a key on a slider until the text of the run, which plays, tells of it."""
    page.get_by_role("slider", name="G steps a round", exact=True).focus()
    began = time.monotonic()
    page.keyboard.press("ArrowRight")
    text = page.get_by_label("This run")
    while "g_steps=2" not in text.input_value():
        assert time.monotonic() < began + 60, "the slider does not act"
        page.wait_for_timeout(20)
    lasted = time.monotonic() - began
    page.keyboard.press("ArrowLeft")
    return lasted


def _spent() -> dict[str, float]:
    """CPU seconds so far of the kernel, the server and each kind of process of the browser."""
    import psutil  # JupyterLab brings it along

    spent: dict[str, float] = {}
    for process in psutil.Process().children(recursive=True):
        try:
            line, times = " ".join(process.cmdline()), process.cpu_times()
        except psutil.Error:
            continue
        kind = re.search(r"--type=([\w-]+)", line)
        name = ("kernel" if "ipykernel" in line else "server" if "jupyterlab" in line
                else kind[1] if kind else "browser" if "chrom" in line else "driver")  # fmt: skip
        spent[name] = spent.get(name, 0.0) + times.user + times.system
    return spent


# -- memory ---------------------------------------------------------------------------------------


def memory(preset: str, ticks: int) -> None:
    """Memory in use after a quarter of the ticks, when all memories of a run are full, and after
    all of them.

    What is freed stays with the process for a while, a tenth more or less at any moment: it is
    given back to the system before each look.
    """
    from gan_teach.lab import Session
    from gan_teach.lab.panel import Panel

    panel = Panel(Session(preset), "canvas")
    panel.speed.value = 1
    for tick in range(1, ticks + 1):
        panel.tick()
        if tick == max(1, ticks // 4):
            first = _resident()
    last = _resident()
    print(f"{preset}: {ticks} ticks, memory {last:.0f} MB, {last / first - 1:+.1%} since a quarter")


def _resident() -> float:
    """Megabytes in use now or, where the system does not say, at most so far."""
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):  # of the GNU C library alone
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 1e6
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


if __name__ == "__main__":
    main()

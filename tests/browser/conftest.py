"""Servers and a real Chromium to use them with."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_servers import FLAGS, PATIENCE, Server, app_page, jupyterlab


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[Server]:
    """JupyterLab."""
    pytest.importorskip("jupyterlab", reason="no JupyterLab: pip install 'gan-teach[course]'")
    with jupyterlab(tmp_path_factory.mktemp("lab")) as made:
        yield made


@pytest.fixture(scope="session")
def app(tmp_path_factory) -> Iterator[Server]:
    """The lab as a page of its own."""
    pytest.importorskip("voila", reason="no Voila: pip install 'gan-teach[course]'")
    with app_page(tmp_path_factory.mktemp("app")) as made:
        yield made


@pytest.fixture(scope="session")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright installed")
    with playwright.sync_playwright() as tools:
        installed = map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))
        path = next(filter(None, installed), tools.chromium.executable_path)
        if not Path(path).exists():
            pytest.skip("no Chromium on this machine: playwright install chromium")
        made = tools.chromium.launch(executable_path=path, args=FLAGS)
        yield made
        made.close()


def opened(browser):
    """A page that collects what it logs as errors in ``page.errors``."""
    made = browser.new_context(has_touch=True).new_page()
    made.set_default_timeout(PATIENCE * 1000)
    made.errors = []
    made.on("console", lambda m: made.errors.append(m.text) if m.type == "error" else None)
    made.on("pageerror", lambda error: made.errors.append(str(error)))
    return made


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows what stood on its page, and what its server and kernels said."""
    report = yield
    used = getattr(item, "funcargs", {})
    if report.when == "call" and report.failed and "page" in used:
        for name, look in LOOKS.items():
            try:
                seen = look(used["page"], used.get("server") or used.get("app"))
            except Exception as error:  # a page that is gone must not hide why the test failed
                seen = repr(error)
            report.sections.append((name, str(seen)[-4000:]))
    return report


LOOKS = {
    "page": lambda page, _: page.locator(":root").inner_text(timeout=5000),
    "errors": lambda page, _: page.errors,
    "kernels": lambda _, server: server and server.ask("GET", "api/kernels").decode(),
    "server": lambda _, server: server and (server.folder / "server.log").read_text(),
}


@pytest.fixture(scope="session")
def desk():
    """Where a page lies between two tests that share it."""
    return []


@pytest.fixture
def page(browser, desk, request):
    """A page of its own; tests of ``server`` share one, so that JupyterLab opens and its kernel
    starts once, until one fails: what that leaves is closed.
    """
    shared, failed = "server" in request.fixturenames, request.session.testsfailed
    made = desk.pop() if shared and desk else opened(browser)
    made.errors.clear()
    made.set_viewport_size({"width": 1500, "height": 1100})
    yield made
    if shared and request.session.testsfailed == failed:
        desk.append(made)
    else:
        made.context.close()

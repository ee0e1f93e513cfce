"""A real JupyterLab on this machine and a real Chromium to use it with."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest

import gan_teach

PATIENCE = 180  # seconds: a busy machine opens JupyterLab slowly
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@dataclass
class Server:
    """A running JupyterLab whose files lie in ``folder``."""

    url: str
    token: str
    folder: Path

    def open_on(self, page: Any, code: str) -> None:
        """Show a new notebook of one cell; the kernels of earlier ones are stopped."""
        for kernel in json.loads(self._ask("GET", "api/kernels")):
            self._ask("DELETE", f"api/kernels/{kernel['id']}")
        spec = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
        cells = [nbformat.v4.new_code_cell(code)]
        name = f"{secrets.token_hex(4)}.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=spec), self.folder / name)
        page.goto(f"{self.url}/lab/tree/{name}?token={self.token}&reset")

    def _ask(self, method: str, path: str) -> bytes:
        headers = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(f"{self.url}/{path}", method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read()


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[Server]:
    pytest.importorskip("jupyterlab", reason="no JupyterLab: pip install 'gan-teach[course]'")
    folder = tmp_path_factory.mktemp("lab")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token, home = secrets.token_hex(16), folder / ".jupyter"
    root = Path(gan_teach.__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    environment |= {"JUPYTER_CONFIG_DIR": str(home), "JUPYTER_RUNTIME_DIR": str(home / "run")}
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root",
        "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}",
        f"--LabApp.user_settings_dir={home}", f"--LabApp.workspaces_dir={home}",
        "--LabApp.news_url=None",
    ]  # fmt: skip
    with open(folder / "server.log", "w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            made = Server(f"http://127.0.0.1:{port}", token, folder)
            _wait_for(made, process)
            yield made
        finally:
            process.terminate()
            process.wait(30)


def _wait_for(server: Server, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        assert process.poll() is None, (server.folder / "server.log").read_text()
        try:
            with urllib.request.urlopen(f"{server.url}/api?token={server.token}", timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    raise TimeoutError((server.folder / "server.log").read_text())


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


@pytest.fixture
def page(browser):
    """A page that collects what it logs as errors in ``page.errors``."""
    context = browser.new_context(viewport={"width": 1500, "height": 1100})
    made = context.new_page()
    made.set_default_timeout(PATIENCE * 1000)
    made.errors = []
    made.on("console", lambda m: made.errors.append(m.text) if m.type == "error" else None)
    made.on("pageerror", lambda error: made.errors.append(str(error)))
    yield made
    context.close()

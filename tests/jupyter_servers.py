"""A real JupyterLab and a real Voila on this machine, for tests and benchmarks in a browser."""

from __future__ import annotations

import ast
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.blocking.client import BlockingKernelClient

import gan_teach
from gan_teach.course import MESSAGES

PATIENCE = 240  # seconds: a busy machine opens JupyterLab slowly
READY = ".jp-Notebook-ExecutionIndicator[data-status=idle]"
RUN = """async ([code, seconds]) => {
  const { content, sessionContext } = jupyterapp.shell.currentWidget;
  await sessionContext.ready;
  content.deselectAll();
  content.activeCellIndex = 0;
  const { model } = content.activeCell;
  model.sharedModel.setSource(code);
  const late = new Promise((tell) => setTimeout(tell, 1000 * seconds, "no answer"));
  const ended = await Promise.race([jupyterapp.commands.execute("notebook:run-cell"), late]);
  return [ended, JSON.stringify(model.outputs.toJSON()).slice(-4000)];
}"""  # not by its keys: a page that still settles may take the focus, and lose them
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@dataclass
class Server:
    """A running server whose files lie in ``folder``."""

    url: str
    token: str
    folder: Path

    def open_on(self, page: Any, code: str) -> None:
        """Show a new notebook of one cell; the kernels of earlier ones are stopped."""
        for kernel in json.loads(self.ask("GET", "api/kernels")):
            self.ask("DELETE", f"api/kernels/{kernel['id']}")
        spec = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
        cells = [nbformat.v4.new_code_cell(code)]
        name = f"{secrets.token_hex(4)}.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=spec), self.folder / name)
        page.goto(f"{self.url}/lab/tree/{name}?token={self.token}&reset")

    def run_on(self, page: Any, code: str) -> None:
        """Run ``code`` to its end in the first cell that ``page`` shows, or else ``open_on`` it and
        run it as soon as its kernel is ready. RuntimeError with what the cell says if it fails."""
        if not page.url.startswith(self.url):
            self.open_on(page, code)
        page.locator(READY).wait_for()
        if page.locator(".jp-Dialog").count():  # a server's greeting lies over the cell
            page.keyboard.press("Escape")
        ended, outputs = page.evaluate(RUN, [code, PATIENCE])
        if ended is not True:
            raise RuntimeError(f"the cell ended with {ended}: {outputs}")

    def kernel(self) -> str:
        """The id of the only kernel that runs."""
        (only,) = json.loads(self.ask("GET", "api/kernels"))
        return only["id"]

    def value(self, expression: str) -> Any:
        """What ``expression``, a literal in the end, is in the running kernel."""
        client: Any = BlockingKernelClient()  # whose execute takes more than its type says
        runtime = self.folder / ".jupyter" / "run"
        client.load_connection_file(str(runtime / f"kernel-{self.kernel()}.json"))
        client.start_channels(hb=False)  # whose sockets stay open, a thousand in the end
        try:
            answer = _answer(client, expression)
            assert answer["status"] == "ok", answer
            return ast.literal_eval(answer["data"]["text/plain"])
        finally:
            client.stop_channels()

    def ask(self, method: str, path: str) -> bytes:
        headers = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(f"{self.url}/{path}", method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()


@contextmanager
def jupyterlab(folder: Path) -> Iterator[Server]:
    """JupyterLab on ``folder``."""
    made = Server(f"http://127.0.0.1:{free_port()}", secrets.token_hex(16), folder)
    home = folder / ".jupyter"
    settings = home / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    asks = settings / "notification.jupyterlab-settings"
    asks.write_text(json.dumps({"fetchNews": "false"}))  # or a question lies over the notebook
    command = [
        "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={_port(made)}", "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={folder}", f"--LabApp.user_settings_dir={home}",
        f"--LabApp.workspaces_dir={home}",
        "--LabApp.expose_app_in_browser=True",  # as ``jupyterapp``
        MESSAGES,
    ]  # fmt: skip
    with _running(made, command, "api"):
        yield made


@contextmanager
def course(folder: Path) -> Iterator[Server]:
    """JupyterLab on a copy of the course, started as a learner starts it."""
    made = Server(f"http://127.0.0.1:{free_port()}", secrets.token_hex(16), folder)
    command = ["gan_teach", "lab", "--no-browser", "--port", _port(made)]
    with _running(made, [*command, "--folder", str(folder / "course")], "api"):
        yield made


@contextmanager
def app_page(folder: Path) -> Iterator[Server]:
    """The lab as a page of its own, started as a learner starts it; its log is in ``folder``."""
    made = Server(f"http://127.0.0.1:{free_port()}", secrets.token_hex(16), folder)
    command = ["gan_teach", "lab", "--app", "--no-browser", "--port", _port(made)]
    with _running(made, command, "voila/static/voila.js"):
        yield made


def _answer(client: Any, expression: str, tries: int = 6) -> dict[str, Any]:
    """A kernel that has just restarted may lose what it was asked: it is asked again."""
    wanted, patience = {"value": expression}, PATIENCE / 6
    try:
        reply = client.execute("", user_expressions=wanted, reply=True, timeout=patience)
    except TimeoutError:
        if tries == 1:
            raise
        return _answer(client, expression, tries - 1)
    return reply["content"]["user_expressions"]["value"]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _port(server: Server) -> str:
    return server.url.rpartition(":")[2]


@contextmanager
def _running(server: Server, command: Sequence[str], path: str) -> Iterator[None]:
    """``python -m command`` until the block ends; it has answered for ``path`` before."""
    home = server.folder / ".jupyter"
    root = Path(gan_teach.__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    environment |= {"JUPYTER_CONFIG_DIR": str(home), "JUPYTER_RUNTIME_DIR": str(home / "run")}
    environment |= {"JUPYTER_TOKEN": server.token}  # not on the command line, which all can read
    environment.pop("GAN_TEACH_VIEW", None)
    with open(server.folder / "server.log", "w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], env=environment, stdout=log, stderr=log
        )
        try:
            _wait_for(server, process, path)
            yield
        finally:
            process.terminate()
            try:
                process.wait(PATIENCE / 4)  # it ends its kernels first
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                assert command[0] == "jupyterlab", "gan-teach lab does not end"  # that may hang


def _wait_for(server: Server, process: subprocess.Popen[bytes], path: str) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        assert process.poll() is None, (server.folder / "server.log").read_text()
        try:
            server.ask("GET", path)
            return
        except urllib.error.HTTPError:
            return  # it answers
        except OSError:
            time.sleep(0.5)
    raise TimeoutError((server.folder / "server.log").read_text())

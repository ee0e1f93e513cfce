"""The course: its chapters on disk, a learner's copy of them, JupyterLab on that copy.

In a checkout the chapters lie in ``tutorial/``; a wheel carries the same folder as
``gan_teach/_tutorial/``. A learner always works on a copy, so that an update of the package can
bring new chapters without touching what was written into the old ones. ``answers`` judges answers.
What the exercises ask, which long runs the chapters show and what the five works publish is content
of the course, too: the packages ``exercises``, ``records`` and ``ledger`` lie beside the chapters,
are imported from there and are in no copy.
"""

import hashlib
import json
import os
import platform
import re
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lazy_loader as _lazy

from gan_teach import __version__, _checks
from gan_teach._files import replacing

if TYPE_CHECKING:
    import exercises as exercises  # pyright finds them by pyproject.toml's extraPaths
    import ledger as ledger
    import records as records

PACKAGE = Path(__file__).resolve().parents[1]
TUTORIAL = (PACKAGE / "_tutorial", PACKAGE.parent / "tutorial")  # of a wheel, of a checkout
__path__.extend(map(str, TUTORIAL))  # gan_teach.course.exercises is the folder there

# What needs torch is imported when it is first used: ``gan-teach lab`` need not wait for it.
__getattr__, _, _ = _lazy.attach(__name__, submodules=["exercises", "ledger", "records"])

MANIFEST = ".gan-teach-course.json"
DEFAULT_FOLDER = "gan-teach-course"
MESSAGES = "--ZMQChannelsWebsocketConnection.iopub_msg_rate_limit=20000"
"""A lab has 400 widgets, and those of many labs may close at once: at more than 1,000 messages a
second Jupyter by itself drops what follows, which may be the next lab."""

UNSEEN = 120  # seconds for which a lab's kernel waits for its page to come back


class CourseError(RuntimeError):
    """Something that the learner can mend; the message is one plain sentence that says how."""


@dataclass(frozen=True)
class Chapter:
    """One chapter, as its py:percent source describes it in its first markdown cell."""

    name: str  # 01_normal
    title: str  # the first heading
    summary: str  # the first sentence below the heading
    source: Path  # .../01_normal.py

    @property
    def number(self) -> str:
        """01, or 04b for the wrap-up after chapter 04."""
        return self.name.partition("_")[0]


def tutorial_folder() -> Path:
    """The folder of chapters that belongs to the imported package."""
    for folder in TUTORIAL:
        if folder.is_dir():
            return folder
    raise CourseError(
        f"there are no chapters beside {PACKAGE}: reinstall with pip install 'gan-teach[course]'."
    )


def chapters(folder: Path | None = None) -> list[Chapter]:
    """The chapters in reading order, from ``NN_title.py`` in ``folder``; wrap-ups are ``NNb``."""
    sources = sorted((folder or tutorial_folder()).glob("[0-9][0-9]*_*.py"))
    return [_describe(source) for source in sources]


# "# # " before the title, then lines without a mark of their own: the first paragraph below it.
_HEAD = re.compile(r"^# # (.*)\n(?:#\n)*((?:# [^#%].*\n?)*)", re.MULTILINE)


def _describe(source: Path) -> Chapter:
    head = _HEAD.search(source.read_text("utf-8"))
    if head is None:
        raise CourseError(f"{source} has no heading: its first cell must begin with '# # '.")
    paragraph = " ".join(line.removeprefix("# ") for line in head[2].splitlines())
    sentence = re.split(r"(?<=[.!?])\s", paragraph, maxsplit=1)[0]
    return Chapter(source.stem, head[1].strip(), _plain(sentence), source)


def _plain(markdown: str) -> str:
    """A sentence for a terminal: no emphasis or code marks, formulas as one would type them."""
    parts = markdown.split("$")
    parts[::2] = [re.sub(r"[*`]", "", text) for text in parts[::2]]
    for old, new in (("^*", "*"), ("\\log", " log"), ("\\", "")):
        parts[1::2] = [formula.replace(old, new) for formula in parts[1::2]]
    return "".join(parts)


# -- a learner's copy ---------------------------------------------------------------------------


def copy_course(folder: str | Path, source: Path | None = None) -> dict[str, str]:
    """Bring ``folder`` to this version of the course; a file that the learner changed stays.

    A manifest in the folder holds the hash of each file as it was copied. A file whose hash still
    is that one was not touched and is refreshed; any other file is the learner's. Where the course
    has a newer version of such a file, it is put beside it, once, as ``NAME.new.ipynb``.

    Returns the course's files, each with the name of what was put beside it ("" where nothing was).
    """
    source = source or tutorial_folder()
    folder = Path(folder).expanduser()
    if folder.exists() and not folder.is_dir():
        raise CourseError(f"{folder} is a file, not a folder: choose another place for the course.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        left = _read_manifest(folder)  # {name: hash of what we left there}
        files = {path.relative_to(source).as_posix(): path for path in _course_files(source)}
        beside = {name: _copy(name, _made_local(files[name]), folder, left) for name in files}
        manifest = {"version": __version__, "files": dict(sorted(left.items()))}
        _write(folder / MANIFEST, json.dumps(manifest, indent=1).encode() + b"\n")
    except OSError as error:
        raise CourseError(f"the course cannot be copied to {folder}: {error.strerror}.") from error
    return beside


def _course_files(source: Path) -> list[Path]:
    """The notebooks and what they read; their .py sources are for those who change the course."""
    return sorted(
        path
        for path in source.rglob("*")
        if path.is_file()
        and path.suffix not in {".py", ".pyc"}
        and path.name != "README.md"  # for authors
        and not any(part.startswith((".", "_")) for part in path.relative_to(source).parts)
    )


def _made_local(path: Path) -> bytes:
    """The content of a file of the course; notebooks name this version of Python.

    JupyterLab compares, and would show a notebook as changed as soon as it is opened.
    """
    last = b'"pygments_lexer": "ipython3"'
    version = f',\n   "version": "{platform.python_version()}"'.encode()
    return path.read_bytes().replace(last, last + version)


def _copy(name: str, content: bytes, folder: Path, left: dict[str, str]) -> str:
    """Bring one file of the course; what is put beside that of the learner, if anything."""
    target, new = folder / name, _digest(content)
    old = _digest(target.read_bytes()) if target.exists() else None
    if old in (None, new, left.get(name)):
        if old != new:
            _write(target, content)
        left[name] = new
    elif left.get(name) != new:
        beside = _free_name(name, new, folder, left)
        _write(folder / beside, content)
        left[name] = left[beside] = new  # the offer is made once
        return beside
    return ""


def _free_name(name: str, new: str, folder: Path, left: dict[str, str]) -> str:
    """NAME.new.ipynb, or NAME.new2.ipynb ... where the learner has changed that one too."""
    path = Path(name)
    names = (path.with_suffix(f".new{number}{path.suffix}") for number in chain([""], count(2)))
    return next(
        beside.as_posix()
        for beside in names
        if not (folder / beside).exists()
        or _digest((folder / beside).read_bytes()) in (new, left.get(beside.as_posix()))
    )


def _digest(content: bytes) -> str:
    """Of a notebook, of its cells: whoever opens it may write another version of Python into it."""
    with suppress(ValueError, KeyError, TypeError):  # of what is none
        content = json.dumps(json.loads(content)["cells"], sort_keys=True).encode()
    return hashlib.sha256(content).hexdigest()


def _read_manifest(folder: Path) -> dict[str, str]:
    """Without a readable manifest nothing is known to be ours, so nothing is overwritten."""
    try:
        files = json.loads((folder / MANIFEST).read_text("utf-8"))["files"]
        return {str(name): str(digest) for name, digest in files.items()}
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _write(path: Path, content: bytes) -> None:
    with replacing(path) as partial:
        partial.write_bytes(content)


# -- JupyterLab ---------------------------------------------------------------------------------


def launch_lab(folder: str | Path, port: int = 8888, browser: bool = True) -> None:
    """Open JupyterLab on ``folder``, on this machine only and behind Jupyter's token.

    Runs until the learner stops it. If the port is taken, Jupyter tries the ones after it.
    """
    folder = Path(folder).resolve()
    app = need("jupyterlab.labapp").LabApp
    first = folder / "00_start_here.ipynb"
    own = {"ip": "127.0.0.1", "port": port, "root_dir": folder, "open_browser": browser}
    arguments = [f"--ServerApp.{name}={value}" for name, value in own.items()]
    arguments.append(f"--LabApp.app_settings_dir={Path(__file__).parent / 'jupyter'}")  # no news
    if first.exists():
        arguments.append(f"--LabApp.default_url=/lab/tree/{first.name}")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--allow-root")  # containers; the loopback address and the token remain
    _serve(app, arguments)


def launch_app(port: int = 8888, browser: bool = True, run: str | None = None) -> None:
    """Serve the interactive lab as a page of its own, through Voila, until the learner stops it.

    It shows the run whose text is ``run``, or that its address asks for, as in ``?run=noisy``.

    Like JupyterLab it listens on this machine only and behind a token, which the address that it
    prints and opens contains (Voila alone would ask for none). If the port is taken, it tries the
    ones after it.
    """
    app, nbformat = need("voila.app").Voila, need("nbformat")
    cell = nbformat.v4.new_code_cell(f"from gan_teach.lab import app\n\napp({run!r})")
    kernel = {"name": "python3", "display_name": "Python 3"}
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": kernel})
    with tempfile.TemporaryDirectory(prefix="gan-teach-") as folder:
        page = Path(folder) / "lab.ipynb"
        nbformat.write(notebook, page)
        own = {"ip": "127.0.0.1", "port": port, "auto_token": True, "open_browser": browser}
        arguments = [f"--Voila.{name}={value}" for name, value in own.items()]
        # Each visit has a kernel of its own, and a page that is left cannot end it: Voila refuses
        # the request for want of an _xsrf argument (its issue 1458).
        ends = {"cull_idle_timeout": UNSEEN, "cull_interval": UNSEEN // 4}
        arguments += [f"--MappingKernelManager.{name}={value}" for name, value in ends.items()]
        _serve(app, [str(page), *arguments])


def _serve(app: Any, arguments: list[str]) -> None:
    """Run a server to its end, and what it leaves: a request that it was answering when it was
    stopped may keep a thread of AnyIO, which waits for ever, and Python with it."""
    try:
        app.launch_instance(argv=[*arguments, MESSAGES])
    finally:
        for thread in threading.enumerate():
            if thread.name == "AnyIO worker thread":
                thread.stop()  # pyright: ignore[reportAttributeAccessIssue]


need = partial(_checks.package, purpose="this", extra="course", kind=CourseError)
"""A module of the ``course`` extra, or one sentence that says how to get it."""

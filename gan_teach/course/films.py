"""Players and choosers of the chapters as films, which the book plays without a kernel.

A film repeats only that part of its chapter which its cell needs: ``script`` finds it by the names
that statements bind and use. The pictures become files beside a list of what is said of each;
``book.js`` shows them.
"""

from __future__ import annotations

import ast
import contextlib
import html
import io
import json
import os
import re
import symtable
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

FRAMES = 40  # of a film at most: more than one hardly tells apart, and the book stays small
COLORS = 96  # of a drawing, as in the course's GIFs
QUALITY = 80  # of a photograph, by WebP
SHOWN = re.compile(r"gt\.(player|animation\.chooser)\(")
ANEW = (ast.Assign, ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
CHANGES = {"add", "append", "extend", "insert", "setdefault", "update"}  # methods that change


def script(cells: Iterable[str]) -> str | None:
    """The code of a film: what the last of these cells of a chapter needs, then its own call.

    None where that cell does not show a player or a chooser. Commands of a notebook are left out.
    """
    *before, last = (list(_statements(cell)) for cell in cells)
    shown = last[-1] if last else ""
    if not SHOWN.match(shown):
        return None
    needed, kept = _used(shown), [f"shown = {shown}"]
    for code in reversed([code for part in (*before, last[:-1]) for code in part]):
        if (_bound(code) | _changed(code)) & needed:
            kept.append(code)
            if isinstance(ast.parse(code).body[0], ANEW):
                needed -= _bound(code)  # what they were before does not matter
            needed |= _used(code)
    return "\n".join(reversed(kept))


def _statements(cell: str) -> Iterator[str]:
    with contextlib.suppress(SyntaxError):  # a command of the notebook
        yield from map(ast.unparse, ast.parse(cell).body)


def _used(code: str) -> set[str]:
    """The global names that a statement looks up, also within its functions."""
    tables = [symtable.symtable(code, "cell", "exec")]
    found: set[str] = set()
    while tables:
        table = tables.pop()
        inner = table.get_type() != "module"
        symbols = (s for s in table.get_symbols() if s.is_referenced())
        found |= {s.get_name() for s in symbols if s.is_global() or not inner}
        tables += table.get_children()
    return found


def _bound(code: str) -> set[str]:
    """The names that a statement gives a value."""
    symbols = symtable.symtable(code, "cell", "exec").get_symbols()
    return {s.get_name() for s in symbols if s.is_assigned() or s.is_imported()}


def _changed(code: str) -> set[str]:
    """The names whose value a statement changes in place."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        stored = isinstance(getattr(node, "ctx", None), ast.Store)
        if not stored and getattr(node, "attr", "") not in CHANGES:
            continue
        place: Any = node
        while isinstance(place, (ast.Attribute, ast.Subscript)):
            place = place.value
        if isinstance(place, ast.Name):
            names.add(place.id)
    return names


def shoot(code: str, chapters: Path, folder: Path) -> None:
    """Run the code of a film in ``chapters``, where its notebook runs, and fill ``folder``.

    It holds ``000.webp``, ... and ``film.js``, which hands the label of the slider, the pace
    (milliseconds for a picture, null for a chooser, which does not run), and of each picture its
    value and a sentence to the page.
    """
    os.environ["MPLBACKEND"] = "agg"
    import torch

    torch.set_num_threads(1)
    os.chdir(chapters)
    names: dict[str, Any] = {"__name__": "__main__"}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(code, names)
    box = names["shown"]
    folder.mkdir(parents=True)
    options, start = list(box.slider.options), box.slider.index
    spread = np.linspace(0, len(options) - 1, min(FRAMES, len(options))).round().astype(int)
    kept = sorted({*spread.tolist(), start})
    told = []
    for k, index in enumerate(kept):
        box.slider.index = index
        picture = Image.open(io.BytesIO(box.image.value)).convert("RGB")
        (folder / f"{k:03}.webp").write_bytes(_small(picture))
        words = html.unescape(re.sub("<[^>]+>", "", box.caption.value))
        label = str(options[index][0])
        told.append([label, words or f"The picture for {box.slider.description} {label}."])
    film = {
        "label": box.slider.description,
        "pace": box.play.interval if box.play else None,
        "start": kept.index(start),
        "told": told,
    }
    text = f"(window.films ??= {{}})[{json.dumps(folder.name)}] = {json.dumps(film)};\n"
    (folder / "film.js").write_text(text, "utf-8")


def _small(picture: Image.Image) -> bytes:
    """A picture as WebP: in few colors, as suits drawings, or else as photographs are kept."""
    files = io.BytesIO(), io.BytesIO()
    drawing = picture.quantize(COLORS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    drawing.convert("RGB").save(files[0], "WEBP", lossless=True, quality=10, method=1)
    picture.save(files[1], "WEBP", quality=QUALITY, method=2)
    return min((file.getvalue() for file in files), key=len)

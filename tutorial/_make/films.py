"""Players and choosers of the chapters as films, which the book plays without a kernel.

``notebooks.py`` shoots them while it runs a chapter. A film is one archive: its pictures, and a
list of what is said of each; ``book.js`` shows them.
"""

import ast
import html
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

FRAMES = 40  # of a film at most: more than one hardly tells apart, and the book stays small
COLORS = 96  # of a drawing, as in the course's GIFs
QUALITY = 80  # of a photograph, by WebP
SHOWN = ("gt.player", "gt.animation.chooser")


def is_film(code: str) -> bool:
    """Whether a cell ends by showing a player or a chooser."""
    try:
        last = ast.parse(code).body[-1]
    except (SyntaxError, IndexError):  # a command of the notebook, or nothing
        return False
    call = last.value if isinstance(last, ast.Expr) else None
    return isinstance(call, ast.Call) and ast.unparse(call.func) in SHOWN


def shoot(box: Any, path: Path) -> None:
    """Write the film of a player or a chooser to ``path``, NAME.zip.

    It holds ``000.webp``, ... and ``film.js``, which hands the label of the slider, the pace
    (milliseconds for a picture, null for a chooser, which does not run), and of each picture its
    value and a sentence to the page.
    """
    options, start = list(box.slider.options), box.slider.index
    spread = np.linspace(0, len(options) - 1, min(FRAMES, len(options))).round().astype(int)
    kept = sorted({*spread.tolist(), start})
    told, files = [], {}
    for k, index in enumerate(kept):
        box.slider.index = index
        picture = Image.open(io.BytesIO(box.image.value)).convert("RGB")
        files[f"{k:03}.webp"] = _small(picture)
        words = html.unescape(re.sub("<[^>]+>", "", box.caption.value))
        label = str(options[index][0])
        told.append([label, words or f"The picture for {box.slider.description} {label}."])
    box.slider.index = start
    film = {
        "label": box.slider.description,
        "pace": box.play.interval if box.play else None,
        "start": kept.index(start),
        "told": told,
    }
    text = f"(window.films ??= {{}})[{json.dumps(path.stem)}] = {json.dumps(film)};\n"
    with zipfile.ZipFile(path, "w") as archive:  # its pictures are compressed
        for name, content in {**files, "film.js": text.encode()}.items():
            archive.writestr(zipfile.ZipInfo(name), content)  # of no date: twice the same bytes


def _small(picture: Image.Image) -> bytes:
    """A picture as WebP: in few colors, as suits drawings, or else as photographs are kept."""
    files = io.BytesIO(), io.BytesIO()
    drawing = picture.quantize(COLORS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    drawing.convert("RGB").save(files[0], "WEBP", lossless=True, quality=10, method=1)
    picture.save(files[1], "WEBP", quality=QUALITY, method=2)
    return min((file.getvalue() for file in files), key=len)

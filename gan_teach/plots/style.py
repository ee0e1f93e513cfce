"""One look for every figure: what each color and marker means, and how a figure reaches the page.

Nothing here touches the user's global settings: ``use()`` is a context manager, and every plotting
function of the library runs inside it. Colors are Petroff's ten (2021, "Accessible color sequences
for data visualization", arXiv:2107.02270), which stay apart under color-vision deficiency; a second
sign (a marker, a dash, a hatch) always says the same thing as the color.
"""

import base64
import html
import io
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba_array
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray
from PIL import Image

from gan_teach._files import replacing as replacing  # also for those who write pictures

_SHEET = matplotlib.rc_params_from_file(
    Path(__file__).with_name("gan_teach.mplstyle"), use_default_template=False
)
PALETTE: tuple[str, ...] = tuple(_SHEET["axes.prop_cycle"].by_key()["color"])
REAL, FAKE = PALETTE[0], PALETTE[6]  # data are blue filled circles, generated points orange crosses
DISCRIMINATOR, GENERATOR = PALETTE[4], PALETTE[2]
THEORY = "#4a4d57"  # what the theory predicts: always dashed, never a data color
LATENT = PALETTE[5]
INK: str = _SHEET["text.color"]
REAL_MARKER, FAKE_MARKER, LATENT_MARKER = "o", "x", "|"
# Lines that stand together: dark enough for white paper, each with its own dash.
LINES = tuple(PALETTE[k] for k in (0, 6, 4, 5, 2, 8))
DASHES: tuple[Any, ...] = ("-", (0, (6, 2)), (0, (1.2, 1.6)), (0, (6, 2, 1.2, 2)), (0, (3, 1.5)))
MARKERS = "osD^vP"
HATCHES = ("", "///", "...", "\\\\\\", "xx", "ooo")
FIELD, SIGNED = "cividis", "PuOr"  # color maps: magnitudes, and values on both sides of zero
Look = dict[str, Any]  # keyword arguments of what is drawn
PREDICTED: Look = {"color": THEORY, "linestyle": (0, (5, 3)), "linewidth": 1.3}
HALO = [withStroke(linewidth=3.0, foreground="white")]  # around what lies on a colored field
ZERO: Look = {"color": INK, "linewidth": 0.8, "zorder": 1.5}


def use() -> Any:
    """The library's style within a ``with`` block or, as ``@use()``, within one function."""
    return matplotlib.style.context(_SHEET, after_reset=True)  # pyright: ignore[reportArgumentType]


def look(k: int, **more: Any) -> Look:
    """Color and dash of the ``k``-th of several lines."""
    return {"color": LINES[k % len(LINES)], "linestyle": DASHES[k % len(DASHES)], **more}


def marks(k: int, **more: Any) -> Look:
    """Color and marker of the ``k``-th of several sets of points."""
    dots = {"marker": MARKERS[k % len(MARKERS)], "linestyle": "none", "markeredgecolor": "white"}
    return {"color": LINES[k % len(LINES)], **dots, **more}


def real(**more: Any) -> Look:
    """Points of the data."""
    dots = {"marker": REAL_MARKER, "linestyle": "none", "markeredgewidth": 0.0}
    return {"color": REAL, **dots, **more}


def fake(**more: Any) -> Look:
    """Generated points."""
    return {"color": FAKE, "marker": FAKE_MARKER, "linestyle": "none", **more}


def ring(**more: Any) -> Look:
    """A circle around a point that matters: an equilibrium, a mode."""
    return {"color": INK, "marker": "o", "fillstyle": "none", "linestyle": "none", **more}


def band(color: Any, alpha: float, **more: Any) -> Look:
    """An area without an edge, in a pale ``color``."""
    return {"color": color, "alpha": alpha, "linewidth": 0, **more}


def axes(ax: Axes | None = None, size: tuple[float, float] = (7.0, 4.2)) -> Axes:
    """``ax`` itself, or the only axes of a new figure of ``size`` inches."""
    return mosaic([[0]], size)[1][0] if ax is None else ax


@use()
def mosaic(
    layout: Sequence[Sequence[Any]], size: tuple[float, float]
) -> tuple[Figure, dict[Any, Axes]]:
    """A new figure and its axes by the names in ``layout``: rows of words or numbers.

    Equal names merge, "." stays blank.

    The figure is not registered with pyplot: it is freed like any object, and a notebook does not
    draw it a second time. Tick settings are stored in the axes, because matplotlib makes ticks as
    late as the first drawing, when ``use()`` may have ended.
    """
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplot_mosaic([list(row) for row in layout])
    for ax in axes.values():
        ax.grid(True, color=PALETTE[8], alpha=0.22, linewidth=0.7)
        ax.tick_params(which="both", labelsize=10, color=INK, labelcolor=INK)
    return figure, axes


def grid(
    names: Sequence[str], columns: int, cell: tuple[float, float]
) -> tuple[Figure, dict[Any, Axes]]:
    """A new figure with an axes of ``cell`` inches for each name, ``columns`` of them in a row.

    What is left of the last row stays blank.
    """
    columns = min(columns, len(names))
    cells = [*names, *"." * (-len(names) % columns)]
    rows = [cells[k : k + columns] for k in range(0, len(cells), columns)]
    return mosaic(rows, (cell[0] * columns, cell[1] * len(rows)))


@dataclass(frozen=True)
class HtmlImage:
    """An image with its alternative text; a notebook shows it as one ``<img alt=...>``."""

    data: bytes = field(repr=False)
    alt: str
    width: int

    def __post_init__(self) -> None:
        if not isinstance(self.alt, str) or not self.alt.strip():
            raise ValueError(f"alt must be a sentence on what is seen, got {self.alt!r}.")

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        source = base64.b64encode(self.data).decode("ascii")
        tag = (
            f'<img alt="{html.escape(self.alt, quote=True)}" width="{self.width}" '
            f'style="max-width:100%;height:auto" src="data:image/png;base64,{source}">'
        )
        return {"text/html": tag, "text/plain": self.alt}


def figure_of(drawing: Figure | Axes) -> Figure:
    """The figure itself, or the one an axes is part of; TypeError for anything else."""
    if not isinstance(drawing, (Figure, Axes)):
        raise TypeError(f"figure must be a Figure or Axes, got {type(drawing).__name__}.")
    return drawing.get_figure(root=True)  # pyright: ignore


def image(figure: Figure | Axes, alt: str, dpi: int = 144) -> HtmlImage:
    """The picture of ``figure`` (or of the figure of an axes) with its text ``alt``, and close it.

    The PNG has a palette and no metadata, so that the same figure gives the same bytes. Raises
    ValueError when ``alt`` is empty.
    """
    drawing = figure_of(figure)
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close(drawing)
    return HtmlImage(png(drawing, dpi), alt, round(96 * drawing.get_figwidth()))


def show(figure: Figure | Axes, alt: str, dpi: int = 144) -> HtmlImage | None:
    """Show ``image(figure, alt)``.

    In a notebook the picture is displayed and nothing is returned; elsewhere the image is returned.
    """
    return display(image(figure, alt, dpi))


def display(image: HtmlImage) -> HtmlImage | None:
    """Hand ``image`` to the notebook, or back to the caller where there is none."""
    ipython = sys.modules.get("IPython")
    if ipython is None or ipython.get_ipython() is None:
        return image
    ipython.display.display(image)
    return None


@use()
def png(drawing: Figure | Axes, dpi: int = 144) -> bytes:
    """The figure as a small PNG: at most 256 colors, no time stamp, no software name."""
    figure = figure_of(drawing)
    settle(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, pil_kwargs={"compress_level": 1})
    rgb = Image.open(buffer).convert("RGB")
    small = io.BytesIO()
    reduce_colors(rgb, palette([rgb])).save(small, "PNG", optimize=True)
    return small.getvalue()


@use()
def save(drawing: Figure | Axes, path: str | os.PathLike[str], small: bool = True) -> None:
    """Write the figure, which appears at ``path`` when it is complete.

    As a PNG, or by the ending of ``path`` in another format of matplotlib's (pdf, eps, svg), in
    which no date is written. EPS knows no transparency: pale areas are full there. ``small`` : a
    PNG takes less space, and more than twice the time.
    """
    kind = os.path.splitext(path)[1].lstrip(".") or "png"
    with replacing(path) as partial:
        if kind == "png" and small:
            partial.write_bytes(png(drawing))
            return
        logging.getLogger("matplotlib.backends.backend_ps").setLevel("ERROR")  # no transparency
        figure = figure_of(drawing)
        settle(figure)
        undated = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}
        figure.savefig(partial, format=kind, metadata=undated.get(kind))


def settle(figure: Figure) -> None:
    """Lay the figure out; axes of equal aspect beside a color bar need one round more."""
    for _ in range(1 + any(ax.get_aspect() != "auto" for ax in figure.axes)):
        figure.draw_without_rendering()


def palette(images: Sequence[Any], most: int = 256) -> NDArray[np.uint8]:
    """At most ``most`` colors, (k, 3) bytes, for RGB ``images``: white, ours, others adapted."""
    ours = to_rgba_array(["#ffffff", INK, THEORY, *PALETTE])[:, :3]
    exact = np.rint(255 * ours).astype(np.uint8)
    pixels = np.concatenate([np.asarray(image).reshape(-1, 1, 3) for image in images])
    room = most - len(exact)
    found = Image.fromarray(pixels).quantize(room, dither=Image.Dither.NONE).getpalette()
    return np.concatenate([exact, np.array(found, dtype=np.uint8).reshape(-1, 3)[:room]])


def reduce_colors(image: Any, colors: NDArray[np.uint8]) -> Any:
    """The RGB ``image`` as a palette image; each pixel takes the nearest of ``colors`` (k, 3).

    Pillow's own mapping to a given palette is approximate and turns white paper into a light gray.
    """
    from scipy.spatial import KDTree

    rgb = np.asarray(image)
    packed = rgb.astype(np.int32) @ (1 << np.array([16, 8, 0]))
    present, places = np.unique(packed, return_inverse=True)
    channels = present[:, None] >> np.array([16, 8, 0]) & 255
    nearest = np.asarray(KDTree(colors).query(channels)[1], dtype=np.uint8)
    result = Image.fromarray(nearest[places].reshape(rgb.shape[:2]))
    result.putpalette(colors.tobytes())
    return result

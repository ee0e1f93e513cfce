"""What the notebooks of Fiez & Ratliff (2021) print, and the same numbers recomputed here.

The printed numbers come with the notebook in which they stand, of
github.com/fiezt/Finite-Learning-Ratio; coordinates are (x, y), player x first, as there. `compare`
recomputes all that take no long run, `compare_ends` the ends of runs; a `Row` says whether
a number agrees. The rows of a critical point follow one another.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch

from gan_teach.analysis.critical_points import Zero, critical_points
from gan_teach.analysis.flows import trajectories
from gan_teach.analysis.timescale import blocks
from gan_teach.zoo.functions import FUNCTIONS


class Point(NamedTuple):
    """A critical point, the verdict and the tau* printed for it.

    game, settings: ``FUNCTIONS[game](**settings)``. decimals: of the printed coordinates. kind:
    "nash", "minmax", "neither", or None where only tau* is printed. tau_star has two decimals;
    None where the notebook prints a sentence instead of a number.
    """

    notebook: str
    game: str
    settings: Mapping[str, Any]
    w: tuple[float, ...]
    decimals: int
    kind: str | None
    tau_star: float | None


class End(NamedTuple):
    """Where a run from the published start ends, at the published lr and number of steps.

    Either the point w, correct to ``tolerance`` in each coordinate, or its distance to the origin,
    ``norm``, correct to ``tolerance`` as a fraction.
    """

    notebook: str
    game: str
    tau: float
    tolerance: float
    w: tuple[float, ...] | None = None
    norm: float | None = None


class Block(NamedTuple):
    """Printed eigenvalues of D's own block ("follower") or of the Schur complement ("schur")."""

    notebook: str
    game: str
    w: tuple[float, ...]
    block: str
    eigenvalues: tuple[float, ...]


_QUADRATIC, _DIRAC, _TORUS = "stability.ipynb", "DiracGan.ipynb", "Torus.ipynb"
_PLANE, _FOUR = "polynomial.ipynb", "polynomial_nn.ipynb"


def _plane(x: float, y: float, kind: str, tau_star: float | None) -> Point:
    return Point(_PLANE, "polynomial", {}, (x, y), 7, kind, tau_star)


def _four(w: tuple[float, ...], decimals: int, kind: str, tau_star: float | None) -> Point:
    return Point(_FOUR, "polynomial_4d", {}, w, decimals, kind, tau_star)


POINTS: tuple[Point, ...] = (
    Point(_QUADRATIC, "quadratic", {}, (0.0,) * 4, 1, "minmax", 2.0),
    Point(_DIRAC, "dirac", {"mu": 0.3}, (0.0, 0.0), 1, None, 0.0),
    Point(_DIRAC, "dirac", {"mu": 1.0}, (0.0, 0.0), 1, None, 0.0),
    Point(_TORUS, "torus", {}, (0.0, 0.0), 1, None, 0.74),
    Point(_TORUS, "torus", {}, (math.pi, math.pi), 12, None, 1.35),
    _plane(-11.0297385, -11.0297385, "minmax", 1.0),
    _plane(10.5721640, -8.9517392, "nash", 0.0),
    _plane(-1.6216536, -1.6216536, "minmax", 1.0),
    _plane(-3.3333333, -3.3333333, "neither", None),
    _plane(0.0, 0.0, "neither", None),
    _plane(9.3180588, 9.3180588, "neither", None),
    _plane(-8.9517392, 10.5721640, "neither", None),
    _plane(1.3290524, -13.8200940, "neither", None),
    _plane(-13.8200940, 1.3290524, "neither", None),
    _plane(13.6433887, 2.1578774, "neither", None),
    _plane(2.1578774, 13.6433887, "neither", None),
    _four((-4.734045, 0.277896, -92.474394, 0.532709), 6, "nash", 0.0),
    _four((0.0,) * 4, 1, "neither", None),
    _four((1.0,) * 4, 1, "nash", 0.0),
)

BLOCKS: tuple[Block, ...] = (
    Block(_FOUR, "polynomial_4d", (0.0,) * 4, "schur", (-2.5, 1.25)),
    Block(_FOUR, "polynomial_4d", (0.0,) * 4, "follower", (-1.25, 2.5)),
)

ENDS: tuple[End, ...] = (
    End(_QUADRATIC, "quadratic", 2.0, 6e-4, w=(2.734, 0.0, -12.165, 0.0)),
    End(_QUADRATIC, "quadratic", 2.5, 5e-3, norm=6.25e-2),
    End(_QUADRATIC, "quadratic", 3.0, 5e-3, norm=6.44e-4),
    End(_QUADRATIC, "quadratic", 5.0, 5e-3, norm=1.75e-12),
    End(_QUADRATIC, "quadratic", 10.0, 5e-3, norm=1.81e-13),
    End(_FOUR, "polynomial_4d", 0.75, 6e-4, w=(-0.018, -0.003, 0.007, -0.002)),
    End(_FOUR, "polynomial_4d", 2.0, 6e-4, w=(-0.002, -0.001, -0.059, 0.0004)),
    End(_FOUR, "polynomial_4d", 5.0, 6e-4, w=(1.0,) * 4),
    End(_FOUR, "polynomial_4d", 12.0, 6e-4, w=(1.0,) * 4),
)


# -- recomputed -----------------------------------------------------------------------------------

# One printed digit is lost to the choice between rounding half up and half to even.
_HALF = 0.5 + 1e-6


class Row(NamedTuple):
    """One published number (or point, or verdict) and ours.

    difference: the largest |ours - published|, NaN where a word is compared; allowed: half a unit
    of the last printed digit; agrees: within that.
    """

    notebook: str
    what: str
    published: str
    ours: str
    difference: float
    allowed: float
    agrees: bool


def _numbers(
    notebook: str, what: str, published: str, ours: str, difference: float, allowed: float
) -> Row:
    return Row(notebook, what, published, ours, difference, allowed, difference <= allowed)


def _words(notebook: str, what: str, published: str, ours: str, agrees: bool) -> Row:
    return Row(notebook, what, published, ours, np.nan, 0.0, agrees)


def compare() -> list[Row]:
    """Every printed critical point, its verdict, its tau* and the printed spectra, beside ours."""
    rows = [row for point in POINTS for row in compare_point(point)]
    return [*rows, *map(compare_block, BLOCKS)]


def compare_point(point: Point) -> list[Row]:
    """Its coordinates, the kind of point where one is printed, and tau*."""
    zero = nearest_zero(point.game, point.w, **point.settings)
    settings = ", ".join(f"{k} = {v}" for k, v in point.settings.items())
    name = f"{f'({settings}) ' if settings else ''}at {_point(point.w)}"
    ours = _fixed(zero.w, min(point.decimals, 7))
    moved = float(np.abs(zero.w - np.array(point.w)).max())
    allowed = _HALF * 10.0**-point.decimals
    rows = [
        _numbers(point.notebook, f"critical point {name}", _point(point.w), ours, moved, allowed)
    ]
    if point.kind is not None:
        # The notebooks call a point an equilibrium or not; singular blocks do not occur there.
        kind = zero.point.kind
        rows.append(_words(point.notebook, "its kind", point.kind, kind, kind == point.kind))
    tau, what = zero.tau_star, "its tau*"
    if point.tau_star is None:
        return [*rows, _words(point.notebook, what, "a sentence", f"{tau:g}", bool(np.isinf(tau)))]
    gap = abs(tau - point.tau_star)
    printed = f"{point.tau_star:.2f}"
    return [*rows, _numbers(point.notebook, what, printed, f"{tau:.6f}", gap, _HALF * 1e-2)]


def compare_block(block: Block) -> Row:
    """Printed eigenvalues of D's own block or of the Schur complement."""
    zero = nearest_zero(block.game, block.w)
    a, b, c, d = blocks(zero.J.matrix, zero.J.n_g)
    matrix = d if block.block == "follower" else a - b @ np.linalg.solve(d, c)
    ours = np.sort(np.linalg.eigvals(matrix).real)
    gap = float(np.abs(ours - np.sort(block.eigenvalues)).max())
    name = f"eigenvalues of the {block.block} block at {_point(block.w)}"
    return _numbers(
        block.notebook, name, _point(block.eigenvalues), _point(ours.round(6)), gap, 5e-3
    )


def compare_ends(ends: Iterable[End] = ENDS) -> list[Row]:
    """Where the published runs end, simulated with the published step and number of steps."""
    rows = []
    for name, group in itertools.groupby(ends, key=lambda end: end.game):
        setup, together = FUNCTIONS[name](), list(group)
        run = trajectories(
            setup.game(), [*setup.x0, *setup.y0], [end.tau for end in together],
            lr=setup.lr, steps=setup.steps, every=setup.steps, rule=setup.rule,
        )  # fmt: skip
        rows += [
            _end_row(end, w, setup.steps) for end, w in zip(together, run.points[-1], strict=True)
        ]
    return rows


def _end_row(end: End, w: np.ndarray, steps: int) -> Row:
    what = f"{end.game}, tau = {end.tau:g}, after {steps} steps"
    if end.w is not None:
        gap = float(np.abs(w - np.array(end.w)).max())
        return _numbers(end.notebook, what, _point(end.w), _fixed(w, 3), gap, end.tolerance)
    assert end.norm is not None
    norm = float(np.linalg.norm(w))
    gap, allowed = abs(norm - end.norm), end.tolerance * end.norm
    return _numbers(end.notebook, what, f"|w| = {end.norm:.3g}", f"{norm:.3g}", gap, allowed)


def nearest_zero(game: str, w: Iterable[float], **settings: object) -> Zero:
    """The critical point of ``FUNCTIONS[game](**settings)`` nearest to w; ValueError if none."""
    start = np.array(list(w), dtype=np.float64)
    around = start + 1e-2 * np.concatenate([np.zeros((1, len(start))), np.eye(len(start))])
    mirrored = np.concatenate([around, 2 * start - around])
    zeros = critical_points(FUNCTIONS[game](**settings).game(), torch.from_numpy(mirrored))
    if not zeros:
        raise ValueError(f"w = {_point(start)} is not near any critical point of {game}.")
    return min(zeros, key=lambda zero: float(np.linalg.norm(zero.w - start)))


def _point(w: Iterable[float]) -> str:
    return "(" + ", ".join(f"{c:.9g}" for c in w) + ")"


def _fixed(w: np.ndarray, decimals: int) -> str:
    return "(" + ", ".join(f"{c:.{decimals}f}" for c in w + 0.0) + ")"

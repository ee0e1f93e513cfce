"""What the notebooks of Fiez & Ratliff (2021) print, and the same numbers recomputed here.

The printed numbers come with the game that they are about; ``NOTEBOOKS`` says where in
github.com/fiezt/Finite-Learning-Ratio they stand. Coordinates are (x, y), player x first, as there.
`compare` recomputes all that take no long run, `compare_ends` the ends of runs; a `Row` says
whether a number agrees. The rows of a critical point follow one another.
"""

import itertools
import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import torch

from gan_teach.analysis.critical_points import Zero, critical_points
from gan_teach.analysis.flows import trajectories
from gan_teach.analysis.timescale import blocks
from gan_teach.zoo import functions

NOTEBOOKS = {
    "quadratic": "stability.ipynb",
    "dirac": "DiracGan.ipynb",
    "torus": "Torus.ipynb",
    "polynomial": "polynomial.ipynb",
    "polynomial_4d": "polynomial_nn.ipynb",
}
"""The notebook of each game, which is a function of `zoo` of that name."""


class Point(NamedTuple):
    """A critical point, the verdict and the tau* printed for it.

    decimals: of the printed coordinates. kind: "nash", "minmax", "neither", or None where only tau*
    is printed. tau_star has two decimals; None where the notebook prints a sentence instead of a
    number. mu: of the Dirac-GAN. schur, follower: eigenvalues of the Schur complement and of D's
    own block, where they are printed.
    """

    game: str
    w: tuple[float, ...]
    decimals: int
    kind: str | None
    tau_star: float | None
    mu: float | None = None
    schur: tuple[float, ...] = ()
    follower: tuple[float, ...] = ()


class End(NamedTuple):
    """Where a run from the published start ends, at the published lr and number of steps.

    That is the point, correct to ``tolerance`` in each coordinate, or its distance to the origin,
    correct to ``tolerance`` as a fraction.
    """

    game: str
    tau: float
    tolerance: float
    end: tuple[float, ...] | float


POINTS: tuple[Point, ...] = (
    Point("quadratic", (0.0,) * 4, 1, "minmax", 2.0),
    Point("dirac", (0.0, 0.0), 1, None, 0.0, mu=0.3),
    Point("dirac", (0.0, 0.0), 1, None, 0.0, mu=1.0),
    Point("torus", (0.0, 0.0), 1, None, 0.74),
    Point("torus", (math.pi, math.pi), 12, None, 1.35),
    Point("polynomial", (-11.0297385, -11.0297385), 7, "minmax", 1.0),
    Point("polynomial", (10.5721640, -8.9517392), 7, "nash", 0.0),
    Point("polynomial", (-1.6216536, -1.6216536), 7, "minmax", 1.0),
    Point("polynomial", (-3.3333333, -3.3333333), 7, "neither", None),
    Point("polynomial", (0.0, 0.0), 7, "neither", None),
    Point("polynomial", (9.3180588, 9.3180588), 7, "neither", None),
    Point("polynomial", (-8.9517392, 10.5721640), 7, "neither", None),
    Point("polynomial", (1.3290524, -13.8200940), 7, "neither", None),
    Point("polynomial", (-13.8200940, 1.3290524), 7, "neither", None),
    Point("polynomial", (13.6433887, 2.1578774), 7, "neither", None),
    Point("polynomial", (2.1578774, 13.6433887), 7, "neither", None),
    Point("polynomial_4d", (-4.734045, 0.277896, -92.474394, 0.532709), 6, "nash", 0.0),
    Point(
        "polynomial_4d", (0.0,) * 4, 1, "neither", None, schur=(-2.5, 1.25), follower=(-1.25, 2.5)
    ),
    Point("polynomial_4d", (1.0,) * 4, 1, "nash", 0.0),
)

ENDS: tuple[End, ...] = (
    End("quadratic", 2.0, 6e-4, (2.734, 0.0, -12.165, 0.0)),
    End("quadratic", 2.5, 5e-3, 6.25e-2),
    End("quadratic", 3.0, 5e-3, 6.44e-4),
    End("quadratic", 5.0, 5e-3, 1.75e-12),
    End("quadratic", 10.0, 5e-3, 1.81e-13),
    End("polynomial_4d", 0.75, 6e-4, (-0.018, -0.003, 0.007, -0.002)),
    End("polynomial_4d", 2.0, 6e-4, (-0.002, -0.001, -0.059, 0.0004)),
    End("polynomial_4d", 5.0, 6e-4, (1.0,) * 4),
    End("polynomial_4d", 12.0, 6e-4, (1.0,) * 4),
)


# -- recomputed -----------------------------------------------------------------------------------

# One printed digit is lost to the choice between rounding half up and half to even.
_HALF = 0.5 + 1e-6


class Row(NamedTuple):
    """One published number (or point, or verdict) and ours.

    difference: the largest |ours - published|, NaN where a word is compared; agrees: whether that
    is within half a unit of the last printed digit.
    """

    notebook: str
    what: str
    published: str
    ours: str
    difference: float
    agrees: bool


def compare() -> list[Row]:
    """Every printed critical point, its verdict, its tau* and printed spectra, beside ours."""
    return [row for point in POINTS for row in compare_point(point)]


def compare_point(point: Point) -> Iterator[Row]:
    """Its coordinates, the kind of point where one is printed, tau*, and printed spectra."""
    settings = {} if point.mu is None else {"mu": point.mu}
    zero, notebook = nearest_zero(point.game, point.w, **settings), NOTEBOOKS[point.game]
    at = "" if point.mu is None else f"(mu = {point.mu}) "
    what, published = f"critical point {at}at {_point(point.w)}", _point(point.w)
    gap = float(np.abs(zero.w - np.array(point.w)).max())
    near = gap <= _HALF * 10.0**-point.decimals
    yield Row(notebook, what, published, _fixed(zero.w, min(point.decimals, 7)), gap, near)
    if point.kind is not None:
        # The notebooks call a point an equilibrium or not; singular blocks do not occur there.
        kind = zero.point.kind
        yield Row(notebook, "its kind", point.kind, kind, np.nan, kind == point.kind)
    tau, what = zero.tau_star, "its tau*"
    if point.tau_star is None:
        yield Row(notebook, what, "a sentence", f"{tau:g}", np.nan, bool(np.isinf(tau)))
    else:
        gap, published = abs(tau - point.tau_star), f"{point.tau_star:.2f}"
        yield Row(notebook, what, published, f"{tau:.6f}", gap, gap <= _HALF * 1e-2)
    a, b, c, d = blocks(zero.J)
    for name, wanted in (("schur", point.schur), ("follower", point.follower)):
        if wanted:
            matrix = d if name == "follower" else a - b @ np.linalg.solve(d, c)
            ours = np.sort(np.linalg.eigvals(matrix).real)
            gap = float(np.abs(ours - np.sort(wanted)).max())
            what = f"eigenvalues of the {name} block at {_point(point.w)}"
            yield Row(notebook, what, _point(wanted), _point(ours.round(6)), gap, gap <= 5e-3)


def compare_ends(ends: Iterable[End] = ENDS) -> list[Row]:
    """Where the published runs end, simulated with the published step and number of steps."""
    rows = []
    for name, group in itertools.groupby(ends, key=lambda end: end.game):
        setup, together = getattr(functions, name)(), list(group)
        run = trajectories(
            setup.game(), [*setup.x0, *setup.y0], [end.tau for end in together],
            lr=setup.lr, steps=setup.steps, every=setup.steps,
        )  # fmt: skip
        for end, w in zip(together, run.points[-1], strict=True):
            what = f"{name}, tau = {end.tau:g}, after {setup.steps} steps"
            rows.append(Row(NOTEBOOKS[name], what, *_at_the_end(end, w)))
    return rows


def _at_the_end(end: End, w: np.ndarray) -> tuple[str, str, float, bool]:
    """What is printed, ours, the difference, and whether it is small."""
    if isinstance(end.end, tuple):
        gap = float(np.abs(w - np.array(end.end)).max())
        return _point(end.end), _fixed(w, 3), gap, gap <= end.tolerance
    norm = float(np.linalg.norm(w))
    gap = abs(norm - end.end)
    return f"|w| = {end.end:.3g}", f"{norm:.3g}", gap, gap <= end.tolerance * end.end


def nearest_zero(game: str, w: Iterable[float], **settings: object) -> Zero:
    """The critical point of ``zoo.GAME(**settings)`` nearest to w; ValueError if there is none."""
    start = np.array(list(w), dtype=np.float64)
    around = start + 1e-2 * np.concatenate([np.zeros((1, len(start))), np.eye(len(start))])
    mirrored = np.concatenate([around, 2 * start - around])
    setup = getattr(functions, game)(**settings)
    zeros = critical_points(setup.game(), torch.from_numpy(mirrored))
    if not zeros:
        raise ValueError(f"w = {_point(start)} is not near any critical point of {game}.")
    return min(zeros, key=lambda zero: float(np.linalg.norm(zero.w - start)))


def _point(w: Iterable[float]) -> str:
    return "(" + ", ".join(f"{c:.9g}" for c in w) + ")"


def _fixed(w: np.ndarray, decimals: int) -> str:
    return "(" + ", ".join(f"{c:.{decimals}f}" for c in w + 0.0) + ")"

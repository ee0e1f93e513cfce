"""What the notebooks of Fiez & Ratliff (2021) print, beside what this library computes for it.

Data only, each with the notebook it stands in (github.com/fiezt/Finite-Learning-Ratio); the
comparison is `gan_teach.zoo.reproduction`. Coordinates are (x, y), player x first, as the notebooks
order them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple


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


class Level(NamedTuple):
    """|S - X X^T| at step 5000 of a covariance run, read off a figure: its order of magnitude."""

    notebook: str
    d: int
    mu_y: float
    tau: float
    miss: float


class Slip(NamedTuple):
    """Something that the published code does other than it says, and what comes of it."""

    where: str
    slip: str
    consequence: str


_QUADRATIC, _DIRAC, _TORUS = "stability.ipynb", "DiracGan.ipynb", "Torus.ipynb"
_PLANE, _FOUR, _COVARIANCE = "polynomial.ipynb", "polynomial_nn.ipynb", "cov.ipynb"


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

LEVELS: tuple[Level, ...] = (
    *(Level(_COVARIANCE, 1, 0.5, tau, miss) for tau, miss in
      ((1.0, 1.0), (5.0, 1e-2), (10.0, 1e-5), (25.0, 1e-13))),
    *(Level(_COVARIANCE, 5, 1.0, tau, miss) for tau, miss in
      ((1.0, 2.0), (5.0, 1e-4), (10.0, 1e-9), (25.0, 3e-12))),
)  # fmt: skip

SLIPS: tuple[Slip, ...] = (
    Slip("compute_tau.py", "The docstring calls player 1's dimension m, the code slices with n.",
         "Invisible while both players have the same dimension, as in every notebook; otherwise a "
         "wrong tau*, or a refusal, and no error."),
    Slip("compute_tau.py", "Where there is no tau* an English sentence is returned.",
         "tau > tau_star raises a TypeError somewhere else; the callers test the type."),
    Slip("compute_tau.py", "No tolerance: eigenvalues are compared with 0.",
         "Rounding such as 8.9e-16 is printed for 0, and a singular D or Schur complement ends as "
         "an error, or as the same sentence as a true non-equilibrium."),
    Slip(_TORUS, "x2 is updated with the new x1: alternating steps, under a theorem on "
         "simultaneous ones.", "At tau = 1 closed orbits where simultaneous steps spiral out."),
    Slip(_TORUS, "The grid's corners are the attractor (pi, pi) itself.",
         "Four starting points count as converged at tau = 1, where nothing converges."),
    Slip(_PLANE, "Trajectories are simultaneous, basins alternating, with a step 10 times larger.",
         "The two figures show two different dynamics."),
    Slip(_PLANE, "Critical points are typed in with 5 digits; one is overwritten later.",
         "tau* still prints as 1.00, but the field there is not zero."),
    Slip(_FOUR, "The first stored point is ordered (x, w, y, z), all later ones (x, y, w, z).",
         "Hidden by a start with y = w."),
    Slip(_DIRAC, "The second eigenvalue sweep has the off-diagonal entries' signs exchanged.",
         "None: the spectrum depends on their product."),
    Slip(_COVARIANCE, "The first record is |W + W^T|, every later one |W|.",
         "The dashed curves start a factor 2 too high (d = 1)."),
    Slip(_COVARIANCE, "d = 20 has no seed of its own, and the eigenvalue plot overrides d by 1.",
         "d = 20 depends on which cells ran before; only d = 1 has eigenvalues."),
    Slip(_COVARIANCE, "For d > 1 the equilibria are not isolated, so tau* does not exist there.",
         "The notebook runs d = 5, 10, 20 without saying so."),
)  # fmt: skip

"""The published numbers on function games, recomputed: `zoo.published` beside this library's.

Each function returns rows; ``compare`` all of those that take no long run. The rows of a critical
point follow one another.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch

from gan_teach.analysis.critical_points import Zero, critical_points
from gan_teach.analysis.flows import trajectories
from gan_teach.analysis.stability import blocks
from gan_teach.zoo import published
from gan_teach.zoo.functions import FUNCTIONS

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


def compare() -> list[Row]:
    """Every printed critical point, its verdict, its tau* and the printed spectra, beside ours."""
    rows = [row for point in published.POINTS for row in compare_point(point)]
    return [*rows, *map(compare_block, published.BLOCKS)]


def compare_point(point: published.Point) -> list[Row]:
    """Its coordinates, the kind of point where one is printed, and tau*."""
    zero = nearest_zero(point.game, point.w, **point.settings)
    name = f"{_settings(point)}at {_point(point.w)}"
    shown = ", ".join(f"{c:.{min(point.decimals, 7)}f}" for c in zero.w + 0.0)
    moved = float(np.abs(zero.w - np.array(point.w)).max())
    allowed = _HALF * 10.0**-point.decimals
    rows = [
        Row(point.notebook, f"critical point {name}", _point(point.w), f"({shown})", moved,
            allowed, moved <= allowed)
    ]  # fmt: skip
    if point.kind is not None:
        # The notebooks call a point an equilibrium or not; singular blocks do not occur there.
        same = zero.point.kind == point.kind
        rows.append(Row(point.notebook, "its kind", point.kind, zero.point.kind, np.nan, 0.0, same))
    return [*rows, _timescale_row(point, zero)]


def _timescale_row(point: published.Point, zero: Zero) -> Row:
    ours, what = zero.tau_star, "its tau*"
    if point.tau_star is None:
        missing = np.isinf(ours)
        return Row(point.notebook, what, "a sentence", f"{ours:g}", np.nan, 0.0, bool(missing))
    gap, allowed = abs(ours - point.tau_star), _HALF * 1e-2
    return Row(
        point.notebook, what, f"{point.tau_star:.2f}", f"{ours:.6f}", gap, allowed, gap <= allowed
    )


def compare_block(block: published.Block) -> Row:
    """Printed eigenvalues of D's own block or of the Schur complement."""
    zero = nearest_zero(block.game, block.w)
    a, b, c, d = blocks(zero.J.matrix, zero.J.n_g)
    matrix = d if block.block == "follower" else a - b @ np.linalg.solve(d, c)
    found = np.sort(np.linalg.eigvals(matrix).real)
    gap = float(np.abs(found - np.sort(block.eigenvalues)).max())
    name = f"eigenvalues of the {block.block} block at {_point(block.w)}"
    return Row(
        block.notebook, name, _point(block.eigenvalues), _point(found.round(6)), gap, 5e-3,
        gap <= 5e-3,
    )  # fmt: skip


def compare_ends(ends: Iterable[published.End] = published.ENDS) -> list[Row]:
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


def _end_row(end: published.End, reached: np.ndarray, steps: int) -> Row:
    what = f"{end.game}, tau = {end.tau:g}, after {steps} steps"
    if end.w is not None:
        gap = float(np.abs(reached - np.array(end.w)).max())
        ours = "(" + ", ".join(f"{c:.3f}" for c in reached + 0.0) + ")"
        return Row(
            end.notebook, what, _point(end.w), ours, gap, end.tolerance, gap <= end.tolerance
        )
    assert end.norm is not None
    norm = float(np.linalg.norm(reached))
    gap, allowed = abs(norm - end.norm), end.tolerance * end.norm
    return Row(
        end.notebook, what, f"|w| = {end.norm:.3g}", f"{norm:.3g}", gap, allowed, gap <= allowed
    )


def nearest_zero(game: str, w: Iterable[float], **settings: object) -> Zero:
    """The critical point of ``FUNCTIONS[game](**settings)`` nearest to w; ValueError if none."""
    start = np.array(list(w), dtype=np.float64)
    around = start + 1e-2 * np.concatenate([np.zeros((1, len(start))), np.eye(len(start))])
    mirrored = np.concatenate([around, 2 * start - around])
    found = critical_points(FUNCTIONS[game](**settings).game(), torch.from_numpy(mirrored))
    if not found:
        raise ValueError(f"w = {_point(start)} is not near any critical point of {game}.")
    return min(found, key=lambda zero: float(np.linalg.norm(zero.w - start)))


def _settings(point: published.Point) -> str:
    given = ", ".join(f"{k} = {v}" for k, v in point.settings.items())
    return f"({given}) " if given else ""


def _point(w: Iterable[float]) -> str:
    return "(" + ", ".join(f"{c:.9g}" for c in w) + ")"

"""Every number that the published notebooks print on function games, recomputed."""

import math

import numpy as np
import pytest
import torch
from gan_teach.course.ledger import reproduction  # pyright: ignore[reportMissingImports]

from gan_teach.analysis.flows import trajectories
from gan_teach.analysis.spectra import vector_field
from gan_teach.zoo import covariance, covariance_draws, functions


@pytest.mark.parametrize("point", reproduction.POINTS, ids=lambda p: f"{p.game}{p.w}")
def test_critical_points_and_their_timescales(point):
    for row in reproduction.compare_point(point):
        assert row.agrees, row


def test_the_printed_points_nearly_make_the_field_vanish():
    """Not through our root finder: |v| at the printed coordinates is of their rounding."""
    for point in reproduction.POINTS:
        settings = {} if point.mu is None else {"mu": point.mu}
        game = getattr(functions, point.game)(**settings).game()
        v = vector_field(game, game.draw(), torch.tensor(point.w, dtype=torch.float64))
        assert float(v.norm()) < 1e3 * 10.0**-point.decimals, point
        if all(c == round(c) for c in point.w):
            assert float(v.norm()) < 1e-12, point


def test_exact_values_behind_the_printed_ones():
    """The two-dimensional formula tau* = max(-A/D, 0), by hand for the torus."""
    found = {p.w: reproduction.nearest_zero(p.game, p.w).tau_star for p in reproduction.POINTS[3:5]}
    assert found[(0.0, 0.0)] == pytest.approx(17 / 23, rel=1e-9)
    assert found[(math.pi, math.pi)] == pytest.approx(23 / 17, rel=1e-9)


def test_spectra_are_compared_where_they_are_printed():
    rows = [row for row in reproduction.compare() if row.what.startswith("eigenvalues")]
    assert [row.published for row in rows] == ["(-2.5, 1.25)", "(-1.25, 2.5)"]


@pytest.mark.slow
def test_ends_of_the_published_runs():
    assert all(row.agrees for row in reproduction.compare_ends())


def agreements(point, **changes):
    return [row.agrees for row in reproduction.compare_point(point._replace(**changes))]


@pytest.mark.slow
def test_a_wrong_number_is_noticed():
    torus = reproduction.POINTS[3]
    assert not agreements(torus, tau_star=0.75)[-1]
    assert not agreements(torus, tau_star=None)[-1]
    assert not agreements(reproduction.POINTS[0], kind="nash")[1]
    assert not agreements(reproduction.POINTS[5], w=(-11.0297, -11.0297))[0]
    origin = next(p for p in reproduction.POINTS if p.schur)
    assert agreements(origin, schur=(-2.5, 1.35))[-2:] == [False, True]
    assert agreements(origin, follower=(-1.35, 2.5))[-2:] == [True, False]
    wrong = [(0, (2.744, 0.0, -12.165, 0.0)), (1, 6.35e-2)]
    ends = [reproduction.ENDS[i]._replace(end=end) for i, end in wrong]
    assert not any(row.agrees for row in reproduction.compare_ends(ends))
    with pytest.raises(ValueError, match="not near any critical point"):
        reproduction.nearest_zero("torus", (1.0, 0.0))


# |S - X X^T| at step 5000 of the published runs, read off a figure: (d, mu_y, {tau: miss}).
FIGURES = [
    (1, 0.5, {1.0: 1.0, 5.0: 1e-2, 10.0: 1e-5, 25.0: 1e-13}),
    (5, 1.0, {1.0: 2.0, 5.0: 1e-4, 10.0: 1e-9, 25.0: 3e-12}),
]
LEVELS = [(d, mu_y, tau, miss) for d, mu_y, ends in FIGURES for tau, miss in ends.items()]


@pytest.mark.slow
@pytest.mark.parametrize(("d", "mu_y", "tau", "expected"), LEVELS)
def test_covariance_runs_reach_the_level_in_the_figures(d, mu_y, tau, expected):
    """Read off a logarithmic axis: the same order of magnitude."""
    setup = covariance(d, mu_y=mu_y)
    run = trajectories(
        setup.game(), [*setup.x0, *setup.y0], tau, lr=setup.lr, steps=setup.steps, every=5000
    )
    x = run.points[-1, 0, : d**2].reshape(d, d)
    miss = np.linalg.norm(covariance_draws(d).S - x @ x.T)
    assert abs(math.log10(miss / expected)) < 1.0

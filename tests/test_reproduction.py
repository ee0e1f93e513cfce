"""Every number that the published notebooks print on function games, recomputed."""

import math

import numpy as np
import pytest
import torch

from gan_teach.analysis.flows import trajectories
from gan_teach.analysis.spectra import vector_field
from gan_teach.zoo import published, reproduction
from gan_teach.zoo.functions import FUNCTIONS
from gan_teach.zoo.matching import covariance_draws


@pytest.mark.parametrize("point", published.POINTS, ids=lambda p: f"{p.game}{p.w}")
def test_critical_points_and_their_timescales(point):
    for row in reproduction.compare_point(point):
        assert row.agrees, row


def test_the_printed_points_nearly_make_the_field_vanish():
    """Not through our root finder: |v| at the printed coordinates is of their rounding."""
    for point in published.POINTS:
        game = FUNCTIONS[point.game](**point.settings).game()
        v = vector_field(game, game.draw(), torch.tensor(point.w, dtype=torch.float64))
        assert float(v.norm()) < 1e3 * 10.0**-point.decimals, point
        if all(c == round(c) for c in point.w):
            assert float(v.norm()) < 1e-12, point


def test_exact_values_behind_the_printed_ones():
    """The two-dimensional formula tau* = max(-A/D, 0), by hand for the torus."""
    found = {p.w: reproduction.nearest_zero(p.game, p.w).tau_star for p in published.POINTS[3:5]}
    assert found[(0.0, 0.0)] == pytest.approx(17 / 23, rel=1e-9)
    assert found[(math.pi, math.pi)] == pytest.approx(23 / 17, rel=1e-9)


def test_printed_spectra():
    assert all(reproduction.compare_block(block).agrees for block in published.BLOCKS)


def test_ends_of_the_published_runs():
    assert all(row.agrees for row in reproduction.compare_ends())


def test_a_wrong_number_is_noticed():
    torus = published.POINTS[3]
    assert not reproduction.compare_point(torus._replace(tau_star=0.75))[-1].agrees
    assert not reproduction.compare_point(torus._replace(tau_star=None))[-1].agrees
    assert not reproduction.compare_point(published.POINTS[0]._replace(kind="nash"))[1].agrees
    assert not reproduction.compare_point(published.POINTS[5]._replace(w=(-11.0297, -11.0297)))[
        0
    ].agrees
    block = published.BLOCKS[0]._replace(eigenvalues=(-2.5, 1.35))
    assert not reproduction.compare_block(block).agrees
    end = published.ENDS[0]._replace(w=(2.744, 0.0, -12.165, 0.0))
    assert not reproduction.compare_ends([end])[0].agrees
    with pytest.raises(ValueError, match="not near any critical point"):
        reproduction.nearest_zero("torus", (1.0, 0.0))


@pytest.mark.parametrize("level", published.LEVELS, ids=str)
def test_covariance_runs_reach_the_level_in_the_figures(level):
    """Read off a logarithmic axis: the same order of magnitude."""
    setup = FUNCTIONS["covariance"](level.d, mu_y=level.mu_y)
    run = trajectories(
        setup.game(), [*setup.x0, *setup.y0], level.tau, lr=setup.lr, steps=setup.steps, every=5000
    )
    x = run.points[-1, 0, : level.d**2].reshape(level.d, level.d)
    miss = np.linalg.norm(covariance_draws(level.d).S - x @ x.T)
    assert abs(math.log10(miss / level.miss)) < 1.0


def test_every_slip_says_what_comes_of_it():
    assert all(len(s.slip) > 20 and len(s.consequence) > 20 for s in published.SLIPS)
    sources = {p.notebook for p in published.POINTS} | {"compute_tau.py", "cov.ipynb"}
    assert {s.where for s in published.SLIPS} <= sources

"""Oracles: linear fields, whose path angles have closed forms (Berard et al., 2020, section 4)."""

import numpy as np
import pytest
import torch

import gan_teach as gt
from gan_teach.analysis.paths import path_angle
from gan_teach.analysis.spectra import flatten, vector_field

START, END = np.array([-1.0, 0.0]), np.array([0.0, 0.0])
ALPHAS = np.array([0.0, 0.25, 0.5, 0.75, 1.25, 1.5, 1.75, 2.0])
ROTATION = np.array([[0.0, -1.0], [1.0, 0.0]])


def test_attraction_changes_sign_at_the_equilibrium():
    found = path_angle(lambda w: w, START, END, ALPHAS)
    np.testing.assert_allclose(found.cosine, np.sign(ALPHAS - 1), atol=1e-15)
    np.testing.assert_allclose(found.norm, np.abs(ALPHAS - 1), atol=1e-15)


def test_rotation_through_the_equilibrium_is_a_right_angle():
    found = path_angle(lambda w: ROTATION @ w, START, END, ALPHAS)
    np.testing.assert_allclose(found.cosine, 0.0, atol=1e-15)


@pytest.mark.parametrize("mix", [0.0, 0.3])
def test_rotation_beside_the_equilibrium_is_a_bump(mix):
    """F = (mix I + J) w along (s, 0.2): <e_1, F> / |F| = (mix s - 0.2) / (|w| sqrt(1 + mix^2))."""
    offset = np.array([0.0, 0.2])
    alphas = np.linspace(0, 2, 9)
    found = path_angle(lambda w: mix * w + ROTATION @ w, START + offset, END + offset, alphas)
    s = alphas - 1
    expected = (mix * s - 0.2) / np.sqrt((s**2 + 0.04) * (1 + mix**2))
    np.testing.assert_allclose(found.cosine, expected, atol=1e-14)
    if mix == 0:
        half = [-0.196, -0.258, -0.371, -0.625, -1.0]
        np.testing.assert_allclose(found.cosine, [*half, *half[-2::-1]], atol=5e-4)


def test_zero_field_is_nan_and_default_path_overshoots():
    found = path_angle(lambda w: 0 * w, START, END)
    assert found.alphas[0] == 0.0
    assert found.alphas[-1] == 1.5
    assert np.isnan(found.cosine).all()
    assert (found.norm == 0).all()


def test_a_games_own_field_points_to_its_equilibrium():
    """v = -grad: +1 before a minimum of both losses, -1 behind it."""
    game = gt.FunctionGame(lambda x, y: (x**2).sum(), lambda x, y: (y**2).sum(), [3.0], [4.0])
    start = flatten(game)
    found = path_angle(
        lambda w: vector_field(game, game.draw(), w), start, torch.zeros_like(start), [0.5, 1.5]
    )
    np.testing.assert_allclose(found.cosine, [1.0, -1.0], atol=1e-6)
    np.testing.assert_allclose(found.norm, [5.0, 5.0], rtol=1e-6)


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="the same point"):
        path_angle(lambda w: w, START, START)
    with pytest.raises(ValueError, match=r"got shapes \(2,\) and \(3,\)"):
        path_angle(lambda w: w, START, np.zeros(3))

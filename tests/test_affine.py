"""The rule with its derivatives written out against the one that differentiates automatically."""

import math
from typing import Any

import numpy as np
import pytest
import torch

import gan_teach as gt
from gan_teach.dynamics import affine_alternating
from gan_teach.dynamics.affine import suits
from gan_teach.games.corrupt import InstanceNoise

STEPS = 12


def line_gan(seed, **settings):
    game = gt.zoo.line_gan(seed, **settings)
    game.to(torch.float64)
    return game


def games(n, **settings):
    return [line_gan(seed, **settings) for seed in range(n)]


def recorded(rule, game, seed, **numbers):
    numbers = {"steps": STEPS, "lr": 0.1, "batch_size": 10, "seed": seed, **numbers}
    watch: dict[str, Any] = {
        "params": gt.probes.params(),
        "d_loss": gt.probes.loss("d"),
        "g_loss": gt.probes.loss("g"),
        "d_grad": gt.probes.gradient_norm("d"),
        "g_grad": gt.probes.gradient_norm("g"),
    }
    return gt.record(gt.train(game, rule, **numbers), **watch)


@pytest.mark.parametrize("loss", ["saturating", "non_saturating"])
@pytest.mark.parametrize("noise", [{}, {"noise": 1.0}, {"noise": 0.5, "shared_noise": False}])
@pytest.mark.parametrize("steps", [(1, 1), (5, 1), (1, 4), (0, 2), (2, 0)])
def test_it_takes_the_steps_that_autograd_takes(loss, noise, steps):
    pair = []
    for rule in (affine_alternating(*steps), gt.alternating(*steps, redraw="latents")):
        (game,) = games(1, loss=loss, **noise)
        pair.append(recorded(rule, game, seed=3))
    assert not np.allclose(pair[0]["params"][0], pair[0]["params"][-1])
    for key in pair[0]:
        np.testing.assert_allclose(pair[0][key], pair[1][key], rtol=1e-10, atol=1e-13)


def test_members_of_an_ensemble_may_have_their_own_rates_and_noise():
    numbers = {"lr": [0.1, 0.05, 0.2], "tau": [1.0, 2.0, 0.5]}
    levels = (0.0, 0.3, 1.0)
    pair = []
    for rule in (affine_alternating(3, 2), gt.alternating(3, 2, redraw="latents")):
        members = [line_gan(s, noise=x) for s, x in enumerate(levels)]
        pair.append(recorded(rule, gt.stack(members), [0, 1, 2], **numbers))
    for key in pair[0]:
        np.testing.assert_allclose(pair[0][key], pair[1][key], rtol=1e-10, atol=1e-13)


def test_members_agree_with_single_runs():
    many = recorded(affine_alternating(5, 2), gt.stack(games(3)), [7, 8, 9])
    for k, game in enumerate(games(3)):
        one = recorded(affine_alternating(5, 2), game, 7 + k)
        np.testing.assert_allclose(many["params"][:, k], one["params"], rtol=1e-10)


def test_a_schedule_of_the_noise_is_followed():
    (blurred,), (clear,) = games(1, noise=1.0), games(1)
    assert isinstance(blurred.corrupt, InstanceNoise)
    blurred.corrupt.anneal = lambda step: 0.0
    ends = [recorded(affine_alternating(2, 2), g, 1).last("params") for g in (blurred, clear)]
    np.testing.assert_allclose(*ends, rtol=1e-12)


def test_a_run_that_diverges_is_data():
    (game,) = games(1, noise=1.0)
    with torch.no_grad():
        game.generator.bias.fill_(math.inf)
    assert np.isnan(recorded(affine_alternating(2, 2), game, 0).last("params")).any()


@pytest.mark.parametrize(
    "game",
    [
        gt.zoo.line_gan(0, loss="relativistic"),
        gt.GAN(gt.models.Affine1D(), gt.models.Affine1D(), data=gt.data.Normal(),
               latent=gt.data.Uniform(), loss="saturating", label_smoothing=0.9),
        gt.GAN(gt.models.Affine1D(), gt.models.MLP(1, 1), data=gt.data.Normal(),
               latent=gt.data.Uniform()),
        gt.GAN(gt.models.Affine1D(), gt.models.Affine1D(), data=gt.data.Normal(),
               latent=gt.data.Uniform(), penalties=gt.penalties.r1(1.0)),
    ],
)  # fmt: skip
def test_other_games_are_refused(game):
    assert not suits(game)
    with pytest.raises(ValueError, match=r"use gt\.alternating"):
        recorded(affine_alternating(), game, 0)


def test_other_optimizers_are_refused():
    for optimizer in ("adam", "momentum"):
        with pytest.raises(ValueError, match="optimizer='sgd'"):
            recorded(affine_alternating(), games(1)[0], 0, optimizer=optimizer)


def test_it_writes_past_the_optimizers_so_it_is_not_clipped_but_refused():
    rule = gt.weight_clipping(0.1, affine_alternating(5))
    with pytest.raises(ValueError, match="no weight clipping around it: use"):
        list(gt.train(line_gan(0), rule, steps=1))

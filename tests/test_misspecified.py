"""A GAN that cannot match its data: tau* at its trained parameters, and what training does."""

import numpy as np
import pytest
import torch

import gan_teach as gt
from gan_teach.zoo.line import QUANTILES, misspecified_gan

W_STAR = 0.648


def trained(tau, steps, w=0.66):
    game = misspecified_gan(w)
    run = gt.train(game, gt.simultaneous(), steps=steps, lr=0.2, tau=tau, batch_size=QUANTILES)
    return game, gt.record(run, every=10, params=gt.probes.params())


@pytest.mark.slow
def test_tau_star_of_the_trained_gan():
    """From the Jacobian at the final parameters; the block formula's oracle is the spectrum."""
    game, history = trained(tau=2.0, steps=900)
    batch = game.draw(QUANTILES, torch.Generator())
    assert float(gt.vector_field(game, batch).norm()) < 1e-8
    assert history.last("params")[0] == pytest.approx(W_STAR, abs=1e-3)
    J = gt.jacobian(game, batch)
    value = gt.tau_star(J)
    assert value == pytest.approx(0.912, abs=1e-3)
    for tau, stable in ((0.99 * value, False), (1.01 * value, True)):
        assert (gt.spectrum(J, tau).real.max() < 0) == stable
    assert gt.classify(J).kind == "minmax"


def test_training_below_tau_star_leaves_the_equilibrium():
    away = np.abs(trained(tau=0.5, steps=400)[1]["params"][:, 0] - W_STAR)
    assert away[-10:].max() > 5 * away[0]
    back = np.abs(trained(tau=2.0, steps=400)[1]["params"][:, 0] - W_STAR)
    assert back[-10:].max() < 0.05 * away[0]


def test_gradients_by_hand():
    """dL_G/dw = -E[D(wz) f'(wz) z], dL_D/dc = E[(D(wz)) x^k] - E[(1 - D(x)) x^k] + R1's."""
    game = misspecified_gan(0.6)
    c = np.array([0.1, -0.3, 0.2])
    with torch.no_grad():
        game.discriminator.c.copy_(torch.from_numpy(c))
    batch = game.draw(QUANTILES, torch.Generator())
    x, z = batch.real[:, 0].numpy(), batch.latent[:, 0].numpy()
    fake = 0.6 * z
    logit = lambda t: c[0] + c[1] * t + c[2] * t * t  # noqa: E731
    sigmoid = lambda t: 1 / (1 + np.exp(-t))  # noqa: E731
    by_w = -np.mean(sigmoid(logit(fake)) * (c[1] + 2 * c[2] * fake) * z)
    powers = lambda t: np.stack([t**0, t, t * t])  # noqa: E731
    slope = c[1] + 2 * c[2] * x
    by_c = (sigmoid(logit(fake)) * powers(fake)).mean(1) - (
        (1 - sigmoid(logit(x))) * powers(x)
    ).mean(1)
    by_c += 0.1 * (slope * np.stack([0 * x, 1 + 0 * x, 2 * x])).mean(1)
    v = gt.vector_field(game, batch).numpy()
    np.testing.assert_allclose(v, -np.array([by_w, *by_c]), atol=1e-12)

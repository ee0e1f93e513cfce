"""The library against plain loops of PyTorch: of gan_teach only the data and the draws."""

import numpy as np
import pytest
import torch
from torch.nn.functional import linear, softplus

import gan_teach as gt
from gan_teach.dynamics.streams import Stream
from gan_teach.games.base import flatten


@pytest.fixture
def float64():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def normal_gan(games):
    """The 1-D tutorial: G(z) = w z + b against the logit a x + c, the saturating loss, one step
    each; (games + 1, 4)."""
    game = gt.experiments.settings("normal").game(0)
    draws = Stream(game, batch_size=10, seeds=0)
    w, b, a, c = (p.detach().clone().requires_grad_() for p in (*game.g_params, *game.d_params))
    path = [[w.item(), b.item(), a.item(), c.item()]]
    for step in range(games):
        draw = draws.at(step)
        real, fake = draw("d").real, linear(draw("d").latent, w, b).detach()
        on_real, on_fake = linear(torch.cat([real, fake]), a, c).squeeze(-1).split(10)
        d_loss = softplus(-on_real).mean() + softplus(on_fake).mean()
        for p, gradient in zip((a, c), torch.autograd.grad(d_loss, (a, c)), strict=True):
            p.data.add_(gradient, alpha=-0.1)
        on_fake = linear(linear(draw("g").latent, w, b), a, c).squeeze(-1)
        g_loss = -softplus(on_fake).mean()
        for p, gradient in zip((w, b), torch.autograd.grad(g_loss, (w, b)), strict=True):
            p.data.add_(gradient, alpha=-0.1)
        path.append([w.item(), b.item(), a.item(), c.item()])
    return np.array(path)


def five_gaussians(game, steps):
    """Both players on one batch of 128 in turn, the non-saturating loss, Adam; moves ``game``."""
    G, D, draws = game.generator, game.discriminator, Stream(game, batch_size=128, seeds=0)
    g_adam, d_adam = (torch.optim.Adam(net.parameters(), 1e-4, (0.0, 0.9)) for net in (G, D))
    for step in range(steps):
        batch = draws.at(step)("d")
        fake = G(batch.latent)
        d_loss = softplus(-D(batch.real)).mean() + softplus(D(fake.detach())).mean()
        d_adam.zero_grad()
        d_loss.backward()
        d_adam.step()
        g_loss = softplus(-D(fake)).mean()
        g_adam.zero_grad()
        g_loss.backward()
        g_adam.step()


@pytest.mark.slow
def test_the_normal_gan_in_float64(float64):
    ours = gt.experiments.run("normal")["params"]
    plain = normal_gan(1500)
    assert ours.dtype == plain.dtype == np.float64
    assert np.abs(plain - ours).max() < 1e-12
    assert np.abs(plain[-1] - plain[0]).max() > 1  # it went somewhere


def test_the_normal_gan_in_float32_to_the_last_bit():
    game = gt.experiments.settings("normal").game(0)
    run = gt.train(game, gt.alternating(redraw="latents"), steps=1500, lr=0.1, batch_size=10)
    ours = gt.record(run, params=gt.probes.params())["params"]
    assert ours.dtype == np.float32
    np.testing.assert_array_equal(normal_gan(1500), ours.astype(np.float64))


def test_the_five_gaussians_in_float64(float64):
    ours, plain = (gt.zoo.five_gaussians(0) for _ in range(2))
    start = flatten(plain)
    *_, _ = gt.zoo.FIVE_GAUSSIANS.train(ours, steps=100)
    five_gaussians(plain, 100)
    assert start.dtype == torch.float64
    assert (flatten(plain) - flatten(ours)).abs().max() < 1e-12
    assert (flatten(plain) - start).abs().max() > 1e-3

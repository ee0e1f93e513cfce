"""Class-conditional GANs: who asks, who answers, and what D is told."""

import math
from functools import partial

import pytest
import torch
from torch import nn

import gan_teach as gt
from gan_teach.data import Asked, Images, Normal, Points
from gan_teach.dynamics import optim
from gan_teach.games.base import Batch
from gan_teach.models import MLP
from gan_teach.models.convnets import (
    CNNDiscriminator,
    Concatenated,
    DCGANDiscriminator,
    DCGANGenerator,
    Projection,
)

CLASSES = 3


def tiny(n=30, size=4):
    """Images whose brightness tells their class: 0, 100, 200 plus a little."""
    labels = torch.arange(n) % CLASSES
    noise = torch.randint(0, 20, (n, 1, size, size), generator=torch.Generator().manual_seed(0))
    return Images((100 * labels[:, None, None, None] + noise).to(torch.uint8), labels)


def game(loss="non_saturating", penalties=(), width=8, images=None):
    images = tiny() if images is None else images
    latent = Asked(Normal(dim=2), images.targets)
    mlp = MLP(2 + CLASSES, 16, width=width, out_activation="tanh", seed=1)
    g = nn.Sequential(mlp, nn.Unflatten(1, (1, 4, 4)))
    d = Concatenated(MLP(16 + CLASSES, 1, width=width, activation="tanh", seed=2))
    return gt.GAN(
        g.double(), d.double(), data=images, latent=latent, loss=loss, penalties=penalties
    )


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def test_data_answer_with_the_class_that_latents_ask_for():
    batch = game().draw(200, rng())
    classes = batch.latent[:, 2:].argmax(1)
    brightness = 255 * (batch.real.mean((1, 2, 3)) + 1) / 2
    assert torch.equal((brightness / 100).floor().long(), classes)
    assert torch.equal(batch.latent[:, 2:].sum(1), torch.ones(200, dtype=torch.float64))


def test_each_image_of_a_class_is_as_likely_as_another():
    """Chi-square over the ten images of class 1, 20,000 draws: 9 degrees of freedom."""
    images = tiny()
    drawn = images.of_classes(torch.ones(20_000, dtype=torch.long), rng())
    own = images[images.labels == 1].floats()
    counts = torch.tensor([(drawn == x).all((1, 2, 3)).sum().item() for x in own])
    assert counts.sum() == 20_000
    assert ((counts - 2000) ** 2 / 2000).sum() < 28  # 1 in 1000


def test_classes_are_asked_for_as_often_as_they_occur():
    asked = Asked(Normal(dim=1), torch.tensor([0, 0, 0, 1]))
    share = asked.sample(20_000, rng())[:, 1].mean()
    assert abs(share - 0.75) < 4 * math.sqrt(0.75 * 0.25 / 20_000)


def test_losses_are_those_of_a_plain_loop():
    """D(x, y) and D(G(z, y), y) with the labels of the batch on both sides, in float64."""
    made = game(penalties=(gt.penalties.r1(2.0), gt.penalties.r2(3.0)))
    batch = made.draw(5, rng(3))
    y = batch.latent[:, 2:]
    fake = made.generator(batch.latent)

    def d(x):
        return made.discriminator(x, y)[:, 0]

    def slope(x):
        x = x.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(d(x).sum(), x)
        return (gradient**2).sum((1, 2, 3)).mean()

    softplus = nn.functional.softplus
    wanted_d = softplus(-d(batch.real)).mean() + softplus(d(fake)).mean()
    wanted_d = wanted_d + slope(batch.real) + 1.5 * slope(fake)
    seen = made.losses(batch)
    assert seen.g.item() == pytest.approx(softplus(-d(fake)).mean().item(), abs=1e-12)
    assert seen.d.item() == pytest.approx(wanted_d.item(), abs=1e-12)
    assert made.loss_g(batch).item() == pytest.approx(seen.g.item(), abs=1e-12)


@pytest.mark.parametrize("loss", ["non_saturating", "relativistic", "wasserstein"])
@pytest.mark.parametrize("penalty", [(), gt.penalties.dragan(), gt.penalties.wgan_gp()])
def test_training_and_the_jacobian_take_classes(loss, penalty):
    """The Jacobian's mixed block against finite differences of G's gradient."""
    made = game(loss, penalty, width=3)
    *_, state = gt.train(made, steps=3, batch_size=6, lr=1e-3)
    assert all(bool(x.isfinite()) for x in state.losses.values())
    batch = made.draw(4, rng(5))
    j = gt.jacobian(made, batch)
    w = made.d_params[0]

    def v_g():
        grads = torch.autograd.grad(made.loss_g(batch), made.g_params)
        return -torch.cat([g.flatten() for g in grads])

    h = 1e-5
    with torch.no_grad():
        w.view(-1)[0] += h
    up = v_g()
    with torch.no_grad():
        w.view(-1)[0] -= 2 * h
    down = v_g()
    wanted = ((up - down) / (2 * h)).numpy()
    assert j.gd[:, 0] == pytest.approx(wanted, rel=1e-5, abs=1e-7)


def test_a_run_resumes_bit_for_bit(tmp_path):
    def ran(steps, resume=None):
        made = game()
        *_, state = gt.train(made, steps=steps, batch_size=6, lr=1e-2, resume=resume)
        return made, state

    whole, _ = ran(8)
    _, half = ran(4)
    gt.save_checkpoint(tmp_path / "half.pt", half)
    resumed, _ = ran(8, resume=tmp_path / "half.pt")
    for a, b in zip(whole.g_params, resumed.g_params, strict=True):
        assert torch.equal(a, b)


def test_projection_is_the_formula_and_starts_unconditional():
    plain = DCGANDiscriminator(8, 1, 4, end="linear", norm=False, seed=0).double()
    d = Projection(plain, CLASSES, seed=3).double()
    x = torch.randn(5, 1, 8, 8, dtype=torch.float64, generator=rng())
    y = torch.eye(CLASSES, dtype=torch.float64)[[0, 1, 2, 0, 1]]
    torch.testing.assert_close(d(x, y), plain(x))
    nn.init.normal_(d.embedding.weight, generator=rng(1))
    phi = nn.Sequential(*list(plain.children())[:-1])(x)
    rows = [d.embedding.weight[c] @ f for c, f in zip([0, 1, 2, 0, 1], phi, strict=True)]
    torch.testing.assert_close(d(x, y)[:, 0], plain(x)[:, 0] + torch.stack(rows))


def test_projection_of_a_spectral_norm_network_has_a_spectral_norm_embedding():
    d = Projection(CNNDiscriminator(16, 4, 1), 10)
    assert torch.linalg.matrix_norm(d.embedding.weight, 2).item() == pytest.approx(1, abs=0.05)


def test_a_conditional_dcgan_trains_on_images():
    images = tiny(size=8)
    g = DCGANGenerator(8, 1, 4, 5 + CLASSES, start="linear", seed=0)
    d = Projection(DCGANDiscriminator(8, 1, 4, end="linear", seed=1), CLASSES)
    latent = Asked(Normal(dim=5), images.targets)
    made = gt.GAN(g, d, data=images, latent=latent)
    *_, state = gt.train(made, steps=2, batch_size=8, lr=1e-3, optimizer="adam")
    assert state.step == 2
    z = latent.ask(torch.zeros(4, 5), 2)
    assert made.generate(z).shape == (4, 1, 8, 8)


@pytest.mark.slow
def test_it_learns_what_it_is_asked_for():
    """Brightness follows the class: that of each within 20 of its images' mean."""
    made = game(width=32, penalties=gt.penalties.r1(0.2))
    adam = partial(optim.Adam, betas=(0.0, 0.9))
    for _ in gt.train(made, steps=600, batch_size=30, lr=2e-3, optimizer=adam):
        pass
    z = Normal(dim=2).sample(200, rng(9)).double()
    for c in range(CLASSES):
        brightness = 255 * (made.generate(made.latent.ask(z, c)).mean() + 1) / 2
        assert abs(brightness.item() - (100 * c + 9.5)) < 20


def test_mistakes_are_named():
    images = tiny()
    with pytest.raises(TypeError, match="needs them beside samples"):
        game().critic(images.floats().double())
    games = [game(), game()]
    with pytest.raises(ValueError, match="cannot be stacked"):
        gt.stack(games)
    with pytest.raises(ValueError, match="no image of class 3"):
        images.of_classes(torch.tensor([3]), rng())
    with pytest.raises(ValueError, match="labels must be"):
        Asked(Normal(), torch.tensor([0.5]))
    with pytest.raises(ValueError, match="labels must be"):
        Asked(Normal(), torch.tensor([-1]))
    with pytest.raises(TypeError, match="ends linearly"):
        Projection(nn.Identity(), 3)
    latent = Asked(Normal(dim=1), torch.arange(2))
    with pytest.raises(TypeError, match="of_classes"):
        gt.GAN(MLP(3, 1), MLP(1, 1), data=Points(torch.zeros(3, 1)), latent=latent)
    assert isinstance(game().draw(3, rng()), Batch)

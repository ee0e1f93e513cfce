"""Instance noise: its law, who shares it, and the level at each step."""

# pyright: reportAttributeAccessIssue=false, reportArgumentType=false
# Wrong arguments are given on purpose, and parts of modules are taken by index.

import pytest
import torch
from scipy import stats

import gan_teach as gt
from cases import rng
from gan_teach.data import Images, Normal
from gan_teach.games.corrupt import AUGMENTATIONS, DiffAugment, InstanceNoise, linear_annealing
from gan_teach.models import MLP

REAL = torch.zeros(4000, 2, dtype=torch.float64)


def test_noise_is_standard_normal_and_independent_unless_shared():
    real, fake = InstanceNoise(0.3).draw(REAL, rng(1))
    assert real.dtype == REAL.dtype
    both = torch.stack([real.flatten(), fake.flatten()]).numpy()
    assert stats.kstest(both[0], "norm").pvalue > 1e-3
    assert stats.pearsonr(*both).pvalue > 1e-3
    a, b = InstanceNoise(0.3, shared=True).draw(REAL, rng(1))
    assert torch.equal(a, b)
    assert torch.equal(a, real)  # the same draw, so that the two kinds can be compared


def test_the_level_follows_the_schedule_and_may_be_changed():
    noise = InstanceNoise(2.0, anneal=linear_annealing(10))
    eps = torch.ones(3, 1)
    levels = [noise.apply(torch.zeros(3, 1), eps, step)[0].item() for step in (0, 5, 10, 99)]
    assert levels == [2.0, 1.0, 0.0, 0.0]
    noise.std = 1.0  # a slider
    assert noise.apply(torch.zeros(3, 1), eps, 5)[0].item() == 0.5
    assert InstanceNoise(0.5).apply(torch.ones(3, 1), eps, 10**9)[0].item() == 1.5


def test_equal_schedules_compare_equal():
    assert linear_annealing(10) is linear_annealing(10)
    assert InstanceNoise(1.0, anneal=linear_annealing(10)) == InstanceNoise(
        1.0, anneal=linear_annealing(10)
    )


@pytest.mark.parametrize("snapshots", [1, 2])
def test_members_have_levels_of_their_own(snapshots):
    noise = InstanceNoise(torch.tensor([0.0, 0.1, 3.0], dtype=torch.float64))
    x = torch.zeros(3 * snapshots, 4, 2, dtype=torch.float64)
    seen = noise.apply(x, torch.ones_like(x), 0)
    assert seen[:, 0, 0].tolist() == [0.0, 0.1, 3.0] * snapshots


def test_bad_arguments():
    with pytest.raises(ValueError, match="std must be at least 0, got -1"):
        InstanceNoise(-1.0)
    with pytest.raises(ValueError, match="steps must be at least 1, got 0"):
        linear_annealing(0)


# -- differentiable augmentation ------------------------------------------------------------------


def by_hand(x, u, kinds):
    """One image (channels, h, w) and its seven numbers, in plain loops after the paper's code."""
    channels, h, w = x.shape
    if "color" in kinds:
        x = x + (u[0] - 0.5)
        mean = x.mean(0)
        x = torch.stack([(x[c] - mean) * (2 * u[1]) + mean for c in range(channels)])
        x = (x - x.mean()) * (u[2] + 0.5) + x.mean()
    if "translation" in kinds:
        down, right = (int(u[k] * (2 * int(s / 8 + 0.5) + 1)) - int(s / 8 + 0.5)
                       for k, s in ((3, h), (4, w)))  # fmt: skip
        moved = torch.zeros_like(x)
        for i in range(h):
            for j in range(w):
                if 0 <= i + down < h and 0 <= j + right < w:
                    moved[:, i, j] = x[:, i + down, j + right]
        x = moved
    if "cutout" in kinds:
        x = x.clone()
        side = [int(s * 0.5 + 0.5) for s in (h, w)]
        top, left = (int(u[k] * (s + (1 - a % 2))) - a // 2
                     for k, s, a in ((5, h, side[0]), (6, w, side[1])))  # fmt: skip
        for i in range(top, top + side[0]):
            for j in range(left, left + side[1]):
                if 0 <= i < h and 0 <= j < w:
                    x[:, i, j] = 0
    return x


@pytest.mark.parametrize("size", [(8, 8), (7, 12), (32, 32)])
@pytest.mark.parametrize(
    "kinds", [AUGMENTATIONS, ("color",), ("translation",), ("cutout",), ("cutout", "color")]
)
def test_augmentation_is_that_of_plain_loops(size, kinds):
    x = torch.randn(6, 3, *size, dtype=torch.float64, generator=rng())
    u = torch.rand(6, 7, dtype=torch.float64, generator=rng(1))
    u[0], u[1] = 0.0, 1 - 1e-12  # the ends
    wanted = torch.stack([by_hand(*pair, kinds) for pair in zip(x, u, strict=True)])
    torch.testing.assert_close(DiffAugment(kinds).apply(x, u, 0), wanted)
    both = DiffAugment(kinds).apply(torch.stack([x, -x]), torch.stack([u, u]), 0)  # an ensemble's
    torch.testing.assert_close(both[0], wanted)


def test_gradients_pass_through_an_augmentation():
    x = torch.randn(2, 3, 8, 8, dtype=torch.float64, generator=rng()).requires_grad_()
    u = torch.rand(2, 7, dtype=torch.float64, generator=rng(1))
    assert torch.autograd.gradcheck(lambda x: DiffAugment().apply(x, u, 0), x)


def images_game(**how):
    pixels = torch.randint(0, 256, (9, 1, 8, 8), dtype=torch.uint8, generator=rng(4))
    g = torch.nn.Sequential(MLP(2, 64, width=4, seed=1), torch.nn.Unflatten(1, (1, 8, 8)))
    d = torch.nn.Sequential(torch.nn.Flatten(), MLP(64, 1, width=4, activation="tanh", seed=2))
    data, latent = Images(pixels), Normal(dim=2)
    return gt.GAN(g.double(), d.double(), data=data, latent=latent, **how)


@pytest.mark.parametrize("loss", ["non_saturating", "relativistic"])
def test_d_sees_changed_images_of_both_kinds_in_both_losses(loss):
    augment = DiffAugment()
    game = images_game(corrupt=augment, loss=loss, penalties="r1(2.0)")
    batch = game.draw(5, rng(3))
    assert not torch.equal(batch.noise_real, batch.noise_fake)  # a change of its own for each
    real = augment.apply(batch.real, batch.noise_real, 0)
    fake = augment.apply(game.generator(batch.latent), batch.noise_fake, 0)
    assert not torch.allclose(real, batch.real)
    plain = images_game(loss=loss)
    logits = [plain.discriminator(x)[:, 0] for x in (real, fake)]
    x = real.detach().requires_grad_()
    (slope,) = torch.autograd.grad(plain.discriminator(x).sum(), x)
    wanted = plain.loss.d(*logits) + slope.square().sum((1, 2, 3)).mean()
    assert game.loss_d(batch).item() == pytest.approx(wanted.item(), rel=1e-12)
    assert game.loss_g(batch).item() == pytest.approx(plain.loss.g(*logits).item(), rel=1e-12)
    moved = torch.autograd.grad(game.loss_g(batch), game.g_params)
    assert all(bool(g.abs().sum() > 0) for g in moved)


def test_members_with_augmentation_are_the_single_runs():
    def ran(game, **how):
        *_, state = gt.train(game, steps=3, batch_size=4, lr=0.1, **how)
        return state.losses["g_loss"]

    alone = [ran(images_game(corrupt=DiffAugment(("cutout",))), seed=k) for k in (0, 1)]
    pair = gt.stack([images_game(corrupt=DiffAugment(("cutout",))) for _ in range(2)])
    torch.testing.assert_close(ran(pair, seed=[0, 1]), torch.stack(alone))
    for other in (DiffAugment(), None, InstanceNoise(0.1)):
        with pytest.raises(ValueError, match="may not differ in how images are augmented"):
            gt.stack([images_game(corrupt=DiffAugment(("cutout",))), images_game(corrupt=other)])


def test_mistakes_of_augmentation_are_named():
    for kinds in ((), ("colour",)):
        with pytest.raises(ValueError, match="augment must be one of color, translation, cutout"):
            DiffAugment(kinds)
    with pytest.raises(ValueError, match="augment is for images"):
        gt.GAN(MLP(2, 2), MLP(2, 1), data=Normal(dim=2), latent=Normal(dim=2),
               corrupt=DiffAugment())  # fmt: skip

"""Losses against their published formulas in NumPy, and against known values at the optimum."""

import math

import numpy as np
import pytest
import torch

from cases import rng
from gan_teach.games import losses
from gan_teach.games.losses import LOSSES, Loss

F64 = torch.float64
REAL = torch.randn(7, dtype=F64, generator=rng(1)) * 2
FAKE = torch.randn(7, dtype=F64, generator=rng(2)) * 2


def sigmoid(t):
    return 1 / (1 + np.exp(-t))


log = np.log
# name: (L_G, L_D) of logits r, f as written in the papers; naive forms, fine at moderate logits
FORMULAS = {
    "saturating": (
        lambda r, f: log(1 - sigmoid(f)).mean(),
        lambda r, f: -log(sigmoid(r)).mean() - log(1 - sigmoid(f)).mean(),
    ),
    "non_saturating": (
        lambda r, f: -log(sigmoid(f)).mean(),
        lambda r, f: -log(sigmoid(r)).mean() - log(1 - sigmoid(f)).mean(),
    ),
    "relativistic": (
        lambda r, f: -log(sigmoid(f - r)).mean(),
        lambda r, f: -log(sigmoid(r - f)).mean(),
    ),
    "wasserstein": (lambda r, f: -f.mean(), lambda r, f: f.mean() - r.mean()),
    "hinge": (
        lambda r, f: -f.mean(),
        lambda r, f: np.maximum(0, 1 - r).mean() + np.maximum(0, 1 + f).mean(),
    ),
    "relativistic_hinge": (
        lambda r, f: np.maximum(0, 1 - (f - r)).mean(),
        lambda r, f: np.maximum(0, 1 - (r - f)).mean(),
    ),
    "least_squares": (
        lambda r, f: ((f - 1) ** 2).mean() / 2,
        lambda r, f: ((r - 1) ** 2).mean() / 2 + (f**2).mean() / 2,
    ),
}


def test_every_loss_has_a_formula_here():
    assert set(FORMULAS) == set(LOSSES)


@pytest.mark.parametrize("name", FORMULAS)
def test_values_are_those_of_the_published_formula(name):
    loss, (g, d) = LOSSES[name], FORMULAS[name]
    assert loss.name == name
    assert loss.g(REAL, FAKE).item() == pytest.approx(g(REAL.numpy(), FAKE.numpy()), rel=1e-12)
    assert loss.d(REAL, FAKE).item() == pytest.approx(d(REAL.numpy(), FAKE.numpy()), rel=1e-12)


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_paired_says_whether_g_reads_the_real_logits(loss):
    assert loss.paired == (loss.g(REAL, FAKE) != loss.g(REAL + 1, FAKE)).item()


def test_the_saturating_game_is_zero_sum_in_what_g_can_move():
    # L_G + L_D = -E log D(x), which does not depend on the fake logits
    both = [
        LOSSES["saturating"].g(REAL, f) + LOSSES["saturating"].d(REAL, f) for f in (FAKE, -FAKE)
    ]
    torch.testing.assert_close(both[0], both[1], rtol=1e-14, atol=1e-14)


def test_values_at_the_optimal_discriminator():
    # p = q: D* = 1/2, so V = -2 log 2, L_G = log(1/2) or -log(1/2); relativistic: log 2 each
    zero = torch.zeros(3, dtype=F64)
    for name, g, d in [
        ("saturating", -math.log(2), 2 * math.log(2)),
        ("non_saturating", math.log(2), 2 * math.log(2)),
        ("relativistic", math.log(2), math.log(2)),
    ]:
        assert LOSSES[name].g(zero, zero).item() == pytest.approx(g, rel=1e-14)
        assert LOSSES[name].d(zero, zero).item() == pytest.approx(d, rel=1e-14)


@pytest.mark.parametrize(
    ("name", "player", "logit", "slope"),
    [  # where log(sigmoid(x) + eps) would have gradient 0
        ("non_saturating", "g", -200.0, -1.0),
        ("non_saturating", "g", 200.0, 0.0),
        ("saturating", "g", -200.0, 0.0),
        ("saturating", "g", 200.0, -1.0),
        ("saturating", "d", 200.0, 1.0),
        ("relativistic", "g", -200.0, -1.0),
        ("relativistic", "d", 200.0, 1.0),
    ],
)
def test_gradients_survive_extreme_logits(name, player, logit, slope):
    fake = torch.tensor([logit], requires_grad=True)  # float32, as in training
    (gradient,) = torch.autograd.grad(getattr(LOSSES[name], player)(torch.zeros(1), fake), fake)
    assert gradient.item() == pytest.approx(slope, abs=1e-30)
    naive = -torch.log(torch.sigmoid(fake) + 1e-8)  # the form that these tests are there to forbid
    if (name, player, logit) == ("non_saturating", "g", -200.0):
        assert torch.autograd.grad(naive, fake)[0].item() == 0.0


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_nothing_is_detached(loss):
    real, fake = REAL.clone().requires_grad_(), FAKE.clone().requires_grad_()
    for_real, for_fake = torch.autograd.grad(loss.d(real, fake), (real, fake))
    assert for_real.any()
    assert for_fake.any()


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_a_leading_axis_is_a_loop_over_members(loss):
    real, fake = torch.stack([REAL, FAKE]), torch.stack([FAKE, FAKE + 1])
    for player in (loss.g, loss.d):
        alone = torch.stack([player(r, f) for r, f in zip(real, fake, strict=True)])
        torch.testing.assert_close(player(real, fake), alone, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("target", [0.9, 0.5])
def test_smoothing_moves_the_optimum_to_half_the_target(target):
    # Salimans et al. (2016): D* = s/2 where p = q. At s = 0.9: D* = .45, L_D = 1.376278 and the
    # non-saturating L_G = -log .45 = .798508
    loss = losses.smoothed(losses.non_saturating, target)
    logit = torch.zeros(1, dtype=F64, requires_grad=True)
    for _ in range(30):  # Newton's method on a convex function of one number
        (slope,) = torch.autograd.grad(loss.d(logit, logit), logit, create_graph=True)
        (curvature,) = torch.autograd.grad(slope, logit)
        logit = (logit - slope / curvature).detach().requires_grad_()
    assert torch.sigmoid(logit).item() == pytest.approx(target / 2, rel=1e-12)
    if target == 0.9:
        assert loss.d(logit, logit).item() == pytest.approx(1.376278, abs=5e-7)
        assert loss.g(logit, logit).item() == pytest.approx(0.798508, abs=5e-7)
    r, f = REAL.numpy(), FAKE.numpy()
    naive = -(target * log(sigmoid(r)) + (1 - target) * log(1 - sigmoid(r))) - log(1 - sigmoid(f))
    assert loss.d(REAL, FAKE).item() == pytest.approx(naive.mean(), rel=1e-12)
    assert loss.g is losses.non_saturating.g


@pytest.mark.parametrize("changed", ["scaled", "smoothed"])
def test_labels_are_not_smoothed_where_that_would_undo_another_change(changed):
    """Smoothing replaces D's loss: a factor on it, or another target, would be lost in silence."""
    base = losses.non_saturating
    loss = losses.scaled(base, d=0.5) if changed == "scaled" else losses.smoothed(base, 0.8)
    with pytest.raises(ValueError, match="or has others already"):
        losses.smoothed(loss, 0.9)
    real, fake = torch.tensor([0.3, -1.0]), torch.tensor([0.2, 2.0])
    tripled = base._replace(g=lambda real, fake: 3 * base.g(real, fake))
    only_g = losses.smoothed(tripled, 0.9)  # D's loss is what it was
    assert torch.equal(only_g.d(real, fake), losses.smoothed(base, 0.9).d(real, fake))
    assert torch.equal(only_g.g(real, fake), 3 * base.g(real, fake))


def test_smoothing_and_scaling_give_equal_objects_for_equal_settings():
    assert losses.smoothed(losses.saturating, 0.9) is losses.smoothed(losses.saturating, 0.9)
    assert losses.smoothed(losses.hinge, 1.0) is losses.hinge
    half = losses.scaled(losses.relativistic, d=0.5)
    assert half is losses.scaled(losses.relativistic, d=0.5)
    assert half.paired
    torch.testing.assert_close(half.d(REAL, FAKE), losses.relativistic.d(REAL, FAKE) / 2)
    torch.testing.assert_close(half.g(REAL, FAKE), losses.relativistic.g(REAL, FAKE))


MEMBERS = [*LOSSES.values(), losses.smoothed(losses.saturating, 0.9), losses.hinge]


@pytest.mark.parametrize("snapshots", [1, 3])
def test_grouped_gives_each_member_its_own_loss(snapshots):
    size = len(MEMBERS)
    real, fake = torch.randn(2, snapshots * size, 6, dtype=F64, generator=rng(3))
    grouped = losses.grouped(MEMBERS)
    assert grouped.paired
    for player in ("g", "d"):
        alone = [getattr(MEMBERS[i % size], player)(real[i], fake[i]) for i in range(len(real))]
        together = getattr(grouped, player)(real, fake)
        torch.testing.assert_close(together, torch.stack(alone), rtol=1e-14, atol=1e-14)


def test_grouped_keeps_an_overflow_to_its_member():
    grouped = losses.grouped([losses.least_squares, losses.hinge])
    fake = torch.tensor([[1e30], [2.0]], requires_grad=True)
    value = grouped.g(torch.zeros(2, 1), fake)
    (gradient,) = torch.autograd.grad(value.sum(), fake)
    assert value[0].isinf()
    assert gradient[1].item() == -1.0


def test_grouped_of_one_kind_is_that_loss():
    assert losses.grouped([losses.hinge] * 3) is losses.hinge


def test_get():
    assert losses.get("hinge") is losses.hinge
    own = Loss("own", g=lambda r, f: f.mean(-1), d=lambda r, f: r.mean(-1))
    assert losses.get(own) is own


BAD = {
    "unknown": (lambda: losses.get("wgan"), "loss must be one of saturating.*'wgan'"),
    "target": (lambda: losses.smoothed(losses.saturating, 0.0), "label_smoothing must be above 0"),
    "no labels": (lambda: losses.smoothed(losses.hinge, 0.9), "label_smoothing=0.9 .*'hinge'"),
}


@pytest.mark.parametrize(("call", "message"), BAD.values(), ids=BAD)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()

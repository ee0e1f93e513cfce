"""Penalties of critics with known gradients; parameter gradients against finite differences."""

# pyright: reportAttributeAccessIssue=false
# Wrong arguments are given on purpose, and parts of modules are taken by index.

import math

import pytest
import torch

from cases import PENALTIES, plane, rng
from gan_teach.games import penalties
from gan_teach.games.penalties import dragan, r1, r2, wgan_gp
from gan_teach.models import MLP

F64 = torch.float64
SIZES = [1, 16, 64, 256]
SHAPES = [(1,), (2,), (3, 4, 4)]  # the line, the plane, images


def name(penalty):
    return penalty.name


def batch(n, shape, seed=0):
    real, fake = torch.randn(2, n, *shape, dtype=F64, generator=rng(seed))
    return real, fake


def linear(shape):
    """A critic w . x, whose gradient is w everywhere, and |w|."""
    w = torch.randn(shape, dtype=F64, generator=rng(7))
    return (lambda x: (w * x).flatten(1).sum(-1)), w.norm().item()


def value(penalty, critic, real, fake, seed=1):
    return penalty(critic, real, fake, penalty.draw(real, rng(seed)))


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_linear_critic_has_the_closed_form_at_every_batch_size(n, shape):
    # |grad| = |w| at each point: R = gamma/2 |w|^2, GP = weight (|w| - target)^2
    critic, norm = linear(shape)
    real, fake = batch(n, shape)
    for make in (r1, r2):
        assert value(make(0.3), critic, real, fake).item() == pytest.approx(0.15 * norm**2)
    for make in (wgan_gp, dragan):
        assert value(make(0.3), critic, real, fake).item() == pytest.approx(0.3 * (norm - 1) ** 2)
        centred = make(0.3, target=0.0)
        assert value(centred, critic, real, fake).item() == pytest.approx(0.3 * norm**2)


@pytest.mark.parametrize("n", SIZES)
def test_a_norm_over_the_batch_would_be_caught(n):
    # The well-known slip gives (sqrt(n) - 1)^2 for a unit slope: 0, 9, 49, 225 instead of 0.
    real, fake = batch(n, (1,))
    assert value(wgan_gp(1.0), lambda x: x[:, 0], real, fake).item() == pytest.approx(0, abs=1e-20)
    x = real.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(x[:, 0].sum(), x)
    assert (gradient.norm() - 1) ** 2 == pytest.approx((math.sqrt(n) - 1) ** 2)


def test_r1_and_r2_of_a_quadratic_critic():
    # f(x) = x.A x / 2 has gradient A x: R1 on the real points, R2 on the fake ones
    a = torch.tensor([[2.0, 1.0], [1.0, -3.0]], dtype=F64)
    real, fake = batch(16, (2,))

    def critic(x):
        return ((x @ a) * x).sum(-1) / 2

    for make, at in ((r1, real), (r2, fake)):
        by_hand = 0.5 * 4.0 * (at @ a).square().sum(-1).mean()
        torch.testing.assert_close(value(make(4.0), critic, real, fake), by_hand)


@pytest.mark.parametrize("penalty", PENALTIES, ids=name)
def test_gradients_by_the_parameters_agree_with_finite_differences(penalty):
    mlp = MLP(2, 1, width=4, depth=2, activation="tanh", seed=3).to(F64)
    real, fake = batch(8, (2,))
    noise = penalty.draw(real, rng(2))
    params = list(mlp.parameters())

    def at(values):
        for p, v in zip(params, values, strict=True):
            p.data.copy_(v)
        return penalty(lambda x: mlp(x).squeeze(-1), real, fake, noise)

    start = [p.detach().clone() for p in params]
    exact = torch.autograd.grad(at(start), params, allow_unused=True, materialize_grads=True)
    h = 1e-5
    for k, p in enumerate(start):
        for index in range(0, p.numel(), 3):
            step = torch.zeros_like(p).flatten()
            step[index] = h
            moved = [[q + s * step.view_as(p) if j == k else q for j, q in enumerate(start)]
                     for s in (1, -1)]  # fmt: skip
            numeric = (at(moved[0]) - at(moved[1])).item() / (2 * h)
            assert exact[k].flatten()[index].item() == pytest.approx(numeric, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("penalty", PENALTIES, ids=name)
def test_a_leading_axis_is_a_loop_over_members(penalty):
    real, fake = torch.randn(2, 3, 5, 2, dtype=F64, generator=rng(4)) * torch.tensor([1.0, 5.0])
    w = torch.randn(3, 2, dtype=F64, generator=rng(5))
    noises = [penalty.draw(x, rng(i)) for i, x in enumerate(real)]
    stacked = tuple(torch.stack(group) for group in zip(*noises, strict=True))

    def critic_of(w):
        return lambda x: torch.sin(x * w).sum(-1)

    alone = [penalty(critic_of(w[i]), real[i], fake[i], noises[i]) for i in range(3)]
    together = penalty(critic_of(w[:, None]), real, fake, stacked, 1)
    torch.testing.assert_close(together, torch.stack(alone), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("penalty", PENALTIES, ids=name)
def test_a_dead_critic_has_finite_gradients(penalty):
    # sqrt has no derivative at 0: a critic that starts at zero must still be trainable
    weight = torch.zeros(2, requires_grad=True)
    real, fake = (x.float() for x in batch(4, (2,)))
    loss = value(penalty, lambda x: x @ weight, real, fake)
    (gradient,) = torch.autograd.grad(loss, weight)
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("make", [wgan_gp, r2])
def test_the_generator_is_not_cut_off(make):
    # points that depend on G carry its gradient: all four blocks of the Jacobian exist
    real, fake = batch(4, (2,))
    fake.requires_grad_()
    loss = value(make(1.0), lambda x: x.pow(3).sum(-1), real, fake)
    assert torch.autograd.grad(loss, fake)[0].abs().min() > 0


def seen_points(penalty, real, fake, seed=1):
    seen = []
    value(penalty, lambda x: (seen.append(x.detach()), x.flatten(1).sum(-1))[1], real, fake, seed)
    return seen[0]


def test_wgan_gp_looks_between_each_pair_with_a_coefficient_for_each():
    real = torch.zeros(500, 2, dtype=F64)
    fake = torch.tensor([1.0, 2.0], dtype=F64).expand(500, 2)
    points = seen_points(wgan_gp(), real, fake)
    torch.testing.assert_close(points[:, 1], 2 * points[:, 0])  # on the segment
    share = points[:, 0]
    assert share.min() >= 0
    assert share.max() <= 1
    assert len(share.unique()) == 500  # one coefficient for the whole batch would give 1
    assert abs(share.mean() - 0.5) < 5 * (1 / 12 / 500) ** 0.5


@pytest.mark.parametrize(("directions", "quadrants"), [("all", 4), ("published", 1)])
def test_dragan_looks_around_real_points(directions, quadrants):
    real = torch.randn(2000, 2, dtype=F64, generator=rng(1)) * 3
    delta = seen_points(dragan(radius=0.5, directions=directions), real, real) - real
    # |delta_i| <= radius * std over the whole batch (Kodali et al., 2017, algorithm 1)
    bound = 0.5 * real.std(correction=0).item()
    assert delta.abs().max() <= bound
    assert delta.abs().max() > 0.95 * bound
    assert len({tuple(row) for row in delta.sign().tolist()}) == quadrants
    # delta = u a with independent u, a ~ U(0, 1): E|delta_i| = bound / 4 for either kind of u
    assert delta.abs().mean().item() == pytest.approx(bound / 4, rel=0.05)


def test_draws_are_a_function_of_the_generator():
    real, _ = batch(6, (2,))
    for penalty in PENALTIES:
        one, two = penalty.draw(real, rng(3)), penalty.draw(real, rng(3))
        assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
        assert all(x.dtype == F64 for x in one)


def test_grouped_adds_weights_by_kind_and_gives_zero_to_members_without():
    members = [[r1(0.1)], [], [wgan_gp(2.0), r1(0.3), r1(0.4)], [wgan_gp(1.0, target=0.0)]]
    merged = penalties.grouped(members)
    assert [p.name for p in merged] == ["r1", "wgan_gp(target=1)", "wgan_gp(target=0)"]
    weights = [p.weight.tolist() for p in merged]
    assert weights == [[0.1, 0, 0.7, 0], [0, 0, 2, 0], [0, 0, 0, 1]]
    real, fake = torch.randn(2, 4, 5, 2, dtype=F64, generator=rng(6))
    # weights of members belong to T snapshots of each, in the order of the leading axis
    critic = lambda x: x.pow(2).sum(-1)  # noqa: E731
    once = merged[0](critic, real, fake, (), 1)
    twice = merged[0](critic, real.repeat(2, 1, 1), fake.repeat(2, 1, 1), (), 1)
    torch.testing.assert_close(twice, once.repeat(2))
    torch.testing.assert_close(once[2], 0.7 / 0.1 * r1(0.1)(critic, real[2], fake[2]))


BAD = {
    "gamma": (lambda: r1(-1), "gamma must be at least 0, got -1"),
    "weight": (lambda: wgan_gp(-1), "weight must be at least 0, got -1"),
    "target": (lambda: dragan(target=-1), "target must be at least 0, got -1"),
    "radius": (lambda: dragan(radius=0), "radius must be above 0, got 0"),
    "directions": (
        lambda: dragan(directions="al"),
        "directions must be one of all, .*'al'",
    ),
}


@pytest.mark.parametrize(("call", "message"), BAD.values(), ids=BAD)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_draw_of_ones_own_gives_a_tuple():
    def own(critic, real, fake, noise):
        return critic(real + noise[0]).square().mean(-1)

    own.draw = lambda real, rng: torch.zeros_like(real)  # its rows would be taken for noises
    with pytest.raises(TypeError, match=r"draw of penalty own must return a tuple.*got Tensor"):
        plane(0, penalties=own)

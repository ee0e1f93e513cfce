"""Optimisers against torch.optim over 200 steps, and against recurrences; members against loops."""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false
# pyright: reportOptionalSubscript=false
# Wrong arguments are given on purpose, and parts of modules are taken by index.

import copy
from functools import partial

import numpy as np
import pytest
import torch

from cases import rng
from gan_teach.dynamics import optim

F64 = torch.float64
STEPS = 200
PAIRS = {  # name: (ours, torch's)
    "sgd": ("sgd", partial(torch.optim.SGD, foreach=False)),
    "momentum": ("momentum", partial(torch.optim.SGD, momentum=0.9, foreach=False)),
    "adam": ("adam", partial(torch.optim.Adam, foreach=False)),
    "adam, betas": (
        partial(optim.Adam, betas=(0.0, 0.9), eps=1e-6),
        partial(torch.optim.Adam, betas=(0.0, 0.9), eps=1e-6, foreach=False),
    ),
    "rmsprop": ("rmsprop", partial(torch.optim.RMSprop, foreach=False)),
}
OURS = {name: optim.factory(ours) for name, (ours, _) in PAIRS.items()}


def start(*lead):
    return [torch.randn(*lead, 3, 2, dtype=F64, generator=rng(1)),
            torch.randn(*lead, 4, dtype=F64, generator=rng(2))]  # fmt: skip


def grads_at(step, *lead):
    """Gradients of very different sizes, some exactly zero."""
    g = [torch.randn(x.shape, dtype=F64, generator=rng(10 + step)) for x in start(*lead)]
    g[0] *= 10.0 ** (step % 7 - 3)
    g[1][..., 0] = 0.0
    return g


def lr_at(step):
    return 0.01 if step < STEPS // 2 else 0.003  # changed midway, as a slider does


@pytest.mark.parametrize("name", PAIRS)
def test_two_hundred_steps_are_torchs(name):
    ours, theirs = PAIRS[name]
    a, b = start(), start()
    mine, reference = optim.factory(ours)(a, 0.01), theirs(b, lr=0.01)
    for step in range(STEPS):
        mine.lr = reference.param_groups[0]["lr"] = lr_at(step)
        mine.step(grads_at(step))
        for p, g in zip(b, grads_at(step), strict=True):
            p.grad = g
        reference.step()
    torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", PAIRS)
def test_the_layout_of_a_gradient_in_memory_does_not_matter(name):
    # the gradient of a stacked layer is a transpose: a kernel that reads memory would mix entries
    a, b = start(), start()
    straight, turned = OURS[name](a, 0.01), OURS[name](b, 0.01)
    for step in range(5):
        straight.step(grads_at(step))
        turned.step([g.T.contiguous().T if g.ndim == 2 else g for g in grads_at(step)])
    assert all(map(torch.equal, a, b))
    # nor does the layout of a parameter (channels last, for instance)
    c = [p.T.contiguous().T if p.ndim == 2 else p for p in start()]
    turned = OURS[name](c, 0.01)
    for step in range(5):
        turned.step(grads_at(step))
    assert all(map(torch.equal, a, c))


def test_heavy_ball_on_a_quadratic_is_its_recurrence():
    # f = k w^2 / 2: (w, u) <- [[1 - lr k, -lr m], [k, m]] (w, u), also for negative momentum
    k, lr, m = 3.0, 0.1, -0.4
    w = [torch.tensor([2.0], dtype=F64)]
    ball = optim.SGD(w, lr, momentum=m)
    step = np.array([[1 - lr * k, -lr * m], [k, m]])
    for t in range(1, 30):
        ball.step([k * w[0].clone()])
        expected = np.linalg.matrix_power(step, t) @ [2.0, 0.0]
        np.testing.assert_allclose([w[0].item(), ball.velocity[0].item()], expected, rtol=1e-12)


@pytest.mark.parametrize("name", PAIRS)
def test_members_with_own_rates_and_pauses_are_single_optimisers(name):
    members, rates = 3, [0.01, 0.002, 0.0]
    params = start(members)
    singles = [[p[i].clone() for p in params] for i in range(members)]
    together = OURS[name](params, torch.tensor(rates, dtype=F64))
    alone = [OURS[name](s, lr) for s, lr in zip(singles, rates, strict=True)]
    for step in range(40):
        grads = grads_at(step, members)
        active = torch.tensor([(step + i) % (i + 1) == 0 for i in range(members)])
        together.step(grads, None if bool(active.all()) else active)
        for i in active.nonzero().flatten().tolist():
            alone[i].step([g[i] for g in grads])
    for i in range(members):
        torch.testing.assert_close([p[i] for p in params], singles[i], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", PAIRS)
def test_a_paused_member_stays_and_a_diverged_one_keeps_to_itself(name):
    params = start(3)
    before = [p.clone() for p in params]
    optimizer = OURS[name](params, 0.1)
    grads = grads_at(0, 3)
    for g in grads:
        g[0], g[2] = torch.nan, torch.inf
    optimizer.step(grads, torch.tensor([False, True, False]))
    for p, q in zip(params, before, strict=True):
        assert torch.equal(p[0], q[0])
        assert torch.equal(p[2], q[2])
        assert torch.isfinite(p).all()
        assert not torch.equal(p[1], q[1])
    optimizer.step(grads)  # now they move to NaN, and the middle one still does not
    assert torch.isfinite(params[0][1]).all()
    assert not torch.isfinite(params[0][0]).any()


@pytest.mark.parametrize("name", [*PAIRS, "torch.optim"])
def test_a_saved_state_continues_the_same_way(name):
    make = optim.factory(torch.optim.Adam) if name == "torch.optim" else OURS[name]
    whole = make(params := start(), 0.01)
    for step in range(20):
        if step == 10:
            half = [p.clone() for p in params]
            saved = copy.deepcopy(whole.state_dict())
            resumed = make(half, 0.01)
            resumed.load_state_dict(saved)
        whole.step(grads_at(step))
        if step >= 10:
            resumed.step(grads_at(step))
    assert all(torch.equal(p, q) for p, q in zip(params, half, strict=True))


@pytest.mark.parametrize(
    "given",
    [torch.optim.Adam, partial(torch.optim.Adam, betas=(0.5, 0.9)), lambda p, lr: optim.SGD(p, lr)],
    ids=["class", "partial", "function"],
)
def test_factory_takes_classes_partials_and_functions(given):
    params = start()
    before = [p.clone() for p in params]
    optimizer = optim.factory(given)(params, 0.1)
    optimizer.step(grads_at(1))
    assert isinstance(optimizer, optim.Optimizer)
    assert not torch.equal(params[0], before[0])
    assert params[0].grad is None  # nothing is left on the parameters


def test_a_wrapped_class_follows_a_changed_rate():
    params = start()
    optimizer = optim.factory(torch.optim.SGD)(params, 0.1)
    optimizer.lr = 0.0
    before = params[0].clone()
    optimizer.step(grads_at(1))
    assert torch.equal(params[0], before)


def test_gradients_of_paused_members_stay_the_last_they_had():
    both = optim.Optimizers(optim.SGD(start(2), 0.1), optim.SGD(start(2), 0.1))
    first, second = grads_at(0, 2), grads_at(1, 2)
    both.step_g(first, torch.tensor([True, False]))
    assert torch.equal(both.g_grads[0][0], first[0][0])
    assert both.g_grads[0][1].isnan().all()
    both.step_g(second, torch.tensor([False, True]))
    assert torch.equal(both.g_grads[0][0], first[0][0])
    assert torch.equal(both.g_grads[0][1], second[0][1])
    assert both.d_grads is None


@pytest.mark.parametrize("make", [list, tuple, np.array, torch.tensor])
def test_rates_per_member_come_in_any_sequence(make):
    assert optim.rate("lr", make([0.1, 0.2]), (2,)).tolist() == pytest.approx([0.1, 0.2])
    assert optim.rate("lr", torch.tensor(0.5)) == 0.5


MANY = torch.tensor([0.1, 0.2])
BAD = {
    "negative": (lambda: optim.rate("lr", -0.1), ValueError, "lr must be at least 0, got -0.1"),
    "NaN": (lambda: optim.rate("lr", float("nan")), ValueError, "lr must be .* got nan"),
    "text": (lambda: optim.rate("lr", "0.1x"), TypeError, "lr must be a number, got '0.1x'"),
    "single": (lambda: optim.rate("lr", [0.1, 0.2]), ValueError, "lr has 2 entries.*single game"),
    "count": (lambda: optim.rate("tau", [1, 2], (3,)), ValueError, "tau has 2 .*ensemble of 3"),
    "one bad": (lambda: optim.rate("lr", [0.1, -1.0], (2,)), ValueError, "lr must be at least 0"),
    "name": (lambda: optim.factory("adm"), ValueError, "optimizer must be one of .*'adm'.*'adam'"),
    "kind": (lambda: optim.factory(3), TypeError, "optimizer must be a name or a function.* got 3"),
    "betas": (lambda: optim.Adam([], 0.1, betas=(1.0, 0.9)), ValueError, "betas must be"),
    "momentum": (lambda: optim.SGD([], 0.1, momentum=-1), ValueError, "momentum must be above -1"),
    "eps": (lambda: optim.RMSprop([], 0.1, eps=0), ValueError, "eps must be above 0"),
    "torch, rates": (
        lambda: optim.factory(torch.optim.Adam)(start(2), MANY),
        ValueError, "lr differs .*torch.optim.*sgd",
    ),
    "torch, mask": (
        lambda: optim.factory(torch.optim.SGD)(start(2), 0.1).step(grads_at(0, 2), MANY > 0.1),
        ValueError, "members are left out of a step.*torch.optim.*sgd",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "message"), BAD.values(), ids=BAD)
def test_bad_arguments(call, kind, message):
    with pytest.raises(kind, match=message):
        call()

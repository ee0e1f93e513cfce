"""The loop: what it yields, what a run leaves untouched, and each wrong argument at the call."""

# pyright: reportArgumentType=false, reportCallIssue=false, reportIndexIssue=false
# Wrong arguments are given on purpose, and parts of modules are taken by index.

import numpy as np
import pytest
import torch
from torch import nn

from cases import GAMES, PLANE, function, plane, tutorial
from gan_teach import data, dynamics
from gan_teach.analysis.spectra import flatten
from gan_teach.games import GAN
from gan_teach.games.ensemble import stack
from gan_teach.models import MLP
from gan_teach.training import EMA, observe, probes, record, train

params = probes.params()


def dropout_game(seed=0):
    return GAN(
        MLP(2, 2, width=6, dropout=0.5, seed=seed), MLP(2, 1, width=6, dropout=0.5, seed=seed + 1),
        data=data.Points(PLANE), latent=data.Normal(dim=2),
    ).to(torch.float64)  # fmt: skip


# --- the iterator


def test_it_yields_the_start_and_every_update():
    game = function()
    run = train(game, dynamics.simultaneous(), steps=3, lr=0.1)
    assert run.total == 4
    steps, points = zip(*((s.step, flatten(s.game)) for s in run), strict=True)
    assert steps == (0, 1, 2, 3)
    assert torch.equal(points[0], flatten(function()))
    assert not torch.equal(points[1], points[0])


def test_nothing_happens_before_the_first_next():
    game = plane()
    before = flatten(game)
    train(game, steps=3, lr=0.1)
    assert torch.equal(flatten(game), before)


def test_a_state_is_live_and_a_history_is_not():
    game = plane()
    states = list(train(game, steps=3, lr=0.1, batch_size=4))
    assert states[0] is states[3]  # the mistake of keeping live tensors: every entry is the last
    history = record(train(plane(), steps=3, lr=0.1, batch_size=4), params=params)
    rows = history["params"]
    assert len({row.tobytes() for row in rows}) == 4
    np.testing.assert_array_equal(rows[3], flatten(game).numpy())


@pytest.mark.parametrize("make", GAMES.values(), ids=GAMES)
def test_runs_repeat_and_leave_the_global_random_state_alone(make):
    before = torch.get_rng_state()
    one, two = (
        record(train(make(0), steps=4, lr=0.05, batch_size=5), params=params)["params"]
        for _ in range(2)
    )
    assert np.array_equal(one, two)
    assert torch.equal(torch.get_rng_state(), before)
    assert np.isfinite(one).all()


def test_dropout_is_a_function_of_seed_and_step():
    def run(disturbed, seed=3):
        states = train(dropout_game(), steps=6, lr=0.1, batch_size=8, seed=seed)
        points = []
        for state in states:
            if disturbed:
                torch.rand(17)  # somebody else draws
            points.append(flatten(state.game))
        return torch.stack(points)

    torch.manual_seed(0)
    quiet = run(False)
    before = torch.get_rng_state()
    assert torch.equal(run(False), quiet)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(run(True), quiet)
    assert not torch.equal(run(False, seed=4)[1], quiet[1])


def test_a_player_that_rests_keeps_its_last_loss():
    rule = dynamics.alternating(d_every=2)
    seen = [dict(s.losses) for s in train(dropout_game(), rule, steps=4, lr=0.1, batch_size=8)]
    assert seen[0] == {}
    d = [float(losses["d_loss"]) for losses in seen[1:]]
    assert d[0] == d[1] != d[2] == d[3]
    assert len({float(losses["g_loss"]) for losses in seen[1:]}) == 4


def test_seeds_and_batch_sizes_matter():
    def end(**settings):
        return record(train(plane(), steps=2, lr=0.1, **settings), params=params).last("params")

    ends = [end(seed=s, batch_size=n) for s in (0, 1) for n in (4, 5)]
    assert len({e.tobytes() for e in ends}) == 4


def test_tau_multiplies_the_rate_of_d():
    state = next(train(plane(), steps=0, lr=0.2, tau=3.0))
    assert (state.optims.g.lr, state.optims.d.lr) == (0.2, pytest.approx(0.6))


def test_each_player_may_have_its_own_optimizer():
    state = next(train(plane(), steps=0, optimizer=("adam", "sgd")))
    assert [type(o).__name__ for o in (state.optims.g, state.optims.d)] == ["Adam", "SGD"]


def test_divergence_is_recorded():
    history = record(
        train(tutorial(loss="least_squares"), dynamics.simultaneous(), steps=60, lr=1e3,
              batch_size=10),
        params=params, eigenvalues=probes.eigenvalues(), d_loss=probes.loss("d"),
    )  # fmt: skip
    assert len(history) == 61
    assert np.isnan(history.last("params")).any()
    assert np.isnan(history.last("eigenvalues")).all()
    assert np.isfinite(history["params"][0]).all()


def test_threads_are_as_before_however_a_run_ends():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        inside = []
        game = plane()
        game.generator.register_forward_hook(lambda *a: inside.append(torch.get_num_threads()))
        run = train(game, steps=5)
        other = train(plane(1), steps=2)
        for _ in zip(run, other, strict=False):  # two runs side by side, one left half way
            assert torch.get_num_threads() == 2
        assert set(inside) == {1}
    finally:
        torch.set_num_threads(before)


# --- wrong arguments, at the call


class Model(nn.Module):
    pass


GAN_1D, PAIR = plane(), stack([plane(0), plane(1)])
BAD = {
    "game": (lambda: train(Model(), steps=1), TypeError, "game must be Game, got Model.*gt.GAN"),
    "rule": (
        lambda: train(GAN_1D, "alternating", steps=1),
        TypeError, "rule must be a function .*, got str",
    ),
    "steps": (lambda: train(GAN_1D, steps=-1), ValueError, "steps must be at least 0, got -1"),
    "steps, kind": (lambda: train(GAN_1D, steps=1e3), TypeError, "steps must be a whole .* 1000.0"),
    "batch": (lambda: train(GAN_1D, steps=1, batch_size=0), ValueError, "batch_size must be .* 0"),
    "lr": (lambda: train(GAN_1D, steps=1, lr=-0.1), ValueError, "lr must be at least 0, got -0.1"),
    "lr, kind": (
        lambda: train(GAN_1D, steps=1, lr=None),
        TypeError, "lr must be a number, got None",
    ),
    "lr, list": (
        lambda: train(GAN_1D, steps=1, lr=[0.1, 0.2]),
        ValueError, "lr has 2 .*single game",
    ),
    "lr, count": (lambda: train(PAIR, steps=1, lr=[1] * 3), ValueError, "lr has 3 .*ensemble of 2"),
    "tau": (lambda: train(GAN_1D, steps=1, tau=float("inf")), ValueError, "tau must be .* got inf"),
    "optimizer": (
        lambda: train(GAN_1D, steps=1, optimizer="adamw"),
        ValueError, "optimizer must .*'adamw'.*'adam'",
    ),
    "optimizers": (
        lambda: train(GAN_1D, steps=1, optimizer=("sgd",) * 3), ValueError, "optimizer must .*pair",
    ),
    "seed": (
        lambda: train(GAN_1D, steps=1, seed=-1),
        ValueError, "seed must be at least 0, got -1",
    ),
    "seeds, single": (lambda: train(GAN_1D, steps=1, seed=[1]), ValueError, "seed has 1 .*single"),
    "seeds, count": (
        lambda: train(PAIR, steps=1, seed=[1]),
        ValueError, "seed has 1 .*ensemble of 2",
    ),
    "device": (
        lambda: train(GAN_1D, steps=1, device="gpu"),
        ValueError, "device='gpu' was asked for, but is not there: Expected one of cpu, cuda",
    ),
    "resume": (lambda: train(GAN_1D, steps=1, resume="no.pt"), FileNotFoundError, "no.pt"),
    "every": (lambda: record(iter([]), every=0), ValueError, "every must be at least 1, got 0"),
    "probe": (lambda: record(iter([]), x=3), TypeError, "probe 'x' must be a function .*got int"),
    "observer": (
        lambda: observe(iter([]), 3),
        TypeError, "fn must be a function .state., got int",
    ),
    "observe every": (lambda: observe(iter([]), print, every=0), ValueError, "every must be .* 0"),
    "half life": (
        lambda: EMA(nn.Linear(1, 1), half_life=0),
        ValueError, "half_life must be above 0",
    ),
    "decay": (
        lambda: EMA(nn.Linear(1, 1), decay=1.5),
        ValueError, "decay must .* at most 1, got 1.5",
    ),
    "both": (lambda: EMA(nn.Linear(1, 1)), ValueError, "give either half_life"),
    "module": (lambda: EMA(3, decay=0.5), TypeError, "module must be Module, got int"),
}  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "message"), BAD.values(), ids=BAD)
def test_bad_arguments_are_refused_at_the_call(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is there")
def test_a_missing_gpu_is_said():
    with pytest.raises(ValueError, match=r"device='cuda'.*no GPU is available"):
        train(GAN_1D, steps=1, device="cuda")


# --- observe and record


def test_observe_calls_on_multiples_and_passes_the_states_on():
    seen = []
    run = observe(train(function(), steps=7), lambda s: seen.append(s.step), every=3)
    assert run.total == 8
    assert [s.step for s in run] == list(range(8))
    assert seen == [0, 3, 6]


def test_record_keeps_the_first_the_multiples_and_the_last():
    history = record(train(function(), steps=7), every=3, twice=lambda s: 2 * s.step)
    assert history.steps.tolist() == [0, 3, 6, 7]
    assert history["twice"].tolist() == [0, 6, 12, 14]
    assert record(train(function(), steps=6), every=3, p=params).steps.tolist() == [0, 3, 6]


def test_record_without_probes_keeps_the_losses():
    history = record(train(tutorial(), steps=2, batch_size=10))
    assert history.keys() == ["g_loss", "d_loss"]
    assert np.isnan(history["g_loss"]).tolist() == [True, False, False]


def test_record_takes_a_run_that_is_already_under_way():
    run = train(function(), steps=5)
    next(run)
    next(run)
    assert record(run, step=lambda s: s.step).steps.tolist() == [2, 3, 4, 5]
    assert len(record(run, step=lambda s: s.step)) == 0  # a run that is over


def test_record_with_a_progress_bar(capsys):
    history = record(train(function(), steps=5), progress=True, p=params)
    assert len(history) == 6
    assert "6/6" in capsys.readouterr().err


def test_members_are_counted():
    assert record(train(PAIR, steps=1), p=params).meta == {"members": 2}
    assert record(train(function(), steps=1), p=params).meta == {}


@pytest.mark.parametrize("place", ["first probe", "second probe", "update", "first record"])
def test_ctrl_c_keeps_what_was_recorded(place):
    stop_at = 0 if place == "first record" else 3

    def interrupt(state):
        if state.step == stop_at and not interrupted:
            interrupted.append(1)
            raise KeyboardInterrupt
        return state.step

    interrupted = []
    run = train(function(), steps=10, lr=0.1)
    kinds = {
        "first probe": {"a": interrupt, "b": params},
        "second probe": {"b": params, "a": interrupt},
    }
    chosen = kinds.get(place, {"b": params})
    if place == "update":
        run = observe(run, interrupt)
    if place == "first record":
        chosen = kinds["second probe"]
    history = record(run, **chosen)
    assert history.meta["interrupted"]
    assert history.steps.tolist() == list(range(max(stop_at, 1)))
    full = record(train(function(), steps=10, lr=0.1), b=params)["b"]
    np.testing.assert_array_equal(history["b"], full[: len(history)])


# --- moving averages


def drifting(steps, ema):
    """w moves by exactly one a step: gradient -1 and learning rate 1."""
    module = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(module.weight)
    average = ema(module)
    for _ in range(steps):
        with torch.no_grad():
            module.weight += 1
        average()
    return average.module.weight.item()


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.99])
def test_ema_of_a_constant_velocity(decay):
    # w_t = t: the average is t - decay (1 - decay^t) / (1 - decay)
    for t in (1, 10, 100):
        closed = t - decay * (1 - decay**t) / (1 - decay)
        assert drifting(t, lambda m: EMA(m, decay=decay)) == pytest.approx(closed, rel=1e-5)


def test_half_life_is_the_steps_until_half_is_forgotten():
    module = nn.Linear(1, 1, bias=False)
    nn.init.ones_(module.weight)
    ema = EMA(module, half_life=7)
    nn.init.zeros_(module.weight)
    for _ in range(7):
        ema()
    assert ema.module.weight.item() == pytest.approx(0.5, rel=1e-6)


def test_averages_copy_buffers_and_need_no_gradient():
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    game = GAN(net, MLP(2, 1), data=data.Points(PLANE), latent=data.Normal(dim=2))
    fast, slow = EMA(net, decay=0.5), EMA(net, half_life=100)
    for _ in observe(observe(train(game, steps=3, lr=0.1, batch_size=4), fast), slow):
        pass
    assert torch.equal(fast.module[1].running_mean, net[1].running_mean)
    assert not any(p.requires_grad for p in fast.module.parameters())
    assert not torch.equal(fast.module[0].weight, slow.module[0].weight)


def test_a_step_that_is_shown_again_counts_once():
    def average(times):
        game = plane()
        ema = EMA(game.generator, decay=0.5)
        for state in train(game, steps=3, lr=0.1, batch_size=4):
            for _ in range(times):
                ema(state)
        return list(ema.module.parameters())

    assert all(map(torch.equal, average(1), average(3)))

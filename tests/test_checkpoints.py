"""Resuming is exact, and a file is whole or refused: killed writers, flipped bits, other files."""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false
# Wrong arguments are given on purpose, and parts of modules are taken by index.

import copy
import errno
import functools
import os
import pickle
import re
import subprocess
import sys
import textwrap
import threading

import pytest
import torch
from torch import nn

from cases import PLANE, plane
from gan_teach import data, dynamics
from gan_teach.analysis.spectra import flatten
from gan_teach.dynamics.optim import Adam
from gan_teach.games import GAN, FunctionGame, corrupt, losses, penalties
from gan_teach.games.ensemble import stack
from gan_teach.models import MLP
from gan_teach.training import EMA, checkpoints, observe, record, train
from gan_teach.training.checkpoints import load_checkpoint, save_checkpoint


def with_everything(seed=0):
    """Buffers (batch normalisation) and randomness of torch's own (dropout)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        g = nn.Sequential(nn.Linear(2, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 2))
    d = MLP(2, 1, width=6, dropout=0.3, seed=seed)
    return GAN(g, d, data=data.Points(PLANE), latent=data.Normal(dim=2)).to(torch.float64)


def pair(seed=0):
    return stack([plane(seed), plane(seed + 1)])


RUNS = {  # name: (game of a seed, rule, settings)
    "Adam, dropout, batch norm": (with_everything, dynamics.alternating, {"optimizer": "adam"}),
    "momentum, optimistic": (plane, dynamics.optimistic, {"optimizer": "momentum"}),
    "rmsprop, lookahead": (plane, dynamics.lookahead, {"optimizer": "rmsprop", "tau": 2.0}),
    "torch.optim": (plane, dynamics.alternating, {"optimizer": torch.optim.AdamW}),
    "ensemble": (
        pair, lambda: dynamics.alternating(d_steps=[1, 3]),
        {"optimizer": "adam", "lr": [0.01, 0.02], "seed": [4, 5]},
    ),
}  # fmt: skip


def parts(state, *averages):
    """Every tensor that the future of a run depends on."""
    buffers = [b for m in state.game.modules().values() for b in m.buffers()]
    means = [p for a in averages for p in a.module.state_dict().values()]
    return [x.clone() for x in (flatten(state.game), *buffers, *means)]


def last(run):
    *_, state = run
    return state


@pytest.mark.parametrize("name", RUNS)
def test_half_a_run_and_its_resumption_are_the_whole_run(name, tmp_path):
    make, rule, settings = RUNS[name]
    half = 100 if name.startswith("Adam") else 20
    settings = {"lr": 0.01, "batch_size": 4, "steps": 2 * half} | settings
    whole, path = make(0), tmp_path / "half.pt"
    average = EMA(whole.modules()["generator"], half_life=20)
    for state in observe(train(whole, rule(), **settings), average):
        if state.step == half:
            save_checkpoint(path, state, ema=average, note=3)
    # another initialisation: all that the rest of the run needs must come from the file
    other = make(7)
    resumed_average = EMA(other.modules()["generator"], half_life=3)
    run = train(other, rule(), **settings, resume=path)
    assert load_checkpoint(path, ema=resumed_average)["extras"]["note"] == 3
    assert run.total == half + 1
    resumed = last(observe(run, resumed_average))
    for a, b in zip(parts(state, average), parts(resumed, resumed_average), strict=True):
        assert torch.equal(a, b)
    assert resumed.losses.keys() == state.losses.keys()


def forget(what, content, fresh):
    names = [name for name in content["game"] if name.startswith(what)]
    assert names
    content["game"].update({name: fresh["game"][name] for name in names})


FORGET = {
    "generator": lambda content, fresh: forget("generator's parameter", content, fresh),
    "discriminator": lambda content, fresh: forget("discriminator's parameter", content, fresh),
    "buffers": lambda content, fresh: forget("generator's buffer", content, fresh),
    "optimizer of G": lambda content, fresh: content["optims"].update(g=fresh["optims"]["g"]),
    "optimizer of D": lambda content, fresh: content["optims"].update(d=fresh["optims"]["d"]),
    "step": lambda content, fresh: content.update(step=0),
    "average": lambda content, fresh: content.update(extras=fresh["extras"]),
    "nothing": lambda content, fresh: None,
}


def test_a_player_that_rests_after_the_pause_keeps_the_loss_it_saw(tmp_path):
    settings = {"rule": dynamics.alternating(d_every=3), "lr": 0.01, "batch_size": 4}
    whole = record(train(plane(0), steps=9, **settings))
    save_checkpoint(tmp_path / "four.pt", last(train(plane(0), steps=4, **settings)))
    rest = record(train(plane(0), steps=9, resume=tmp_path / "four.pt", **settings))
    assert rest.steps.tolist() == [4, 5, 6, 7, 8, 9]
    for name in ("g_loss", "d_loss"):
        assert rest[name].tolist() == whole[name][4:].tolist()


@pytest.mark.parametrize("what", FORGET)
def test_whatever_is_left_out_would_be_noticed(what, tmp_path, monkeypatch):
    settings = {"optimizer": "adam", "lr": 0.01, "batch_size": 4}
    path = tmp_path / "half.pt"

    def start(steps, game_seed, resume=None):
        game = with_everything(game_seed)
        average = EMA(game.generator, half_life=5)
        run = train(game, steps=steps, seed=2, resume=resume, **settings)
        if resume:
            load_checkpoint(path, ema=average)
        return run, average

    run, average = start(20, 0)
    for state in observe(run, average):
        if state.step == 10:
            save_checkpoint(path, state, ema=average)
    fresh_run, fresh_average = start(0, 9)
    save_checkpoint(tmp_path / "fresh.pt", next(fresh_run), ema=fresh_average)
    content, fresh = load_checkpoint(path), load_checkpoint(tmp_path / "fresh.pt")
    FORGET[what](content, fresh)
    monkeypatch.setattr(checkpoints, "_read", lambda path: copy.deepcopy(content))
    run, resumed_average = start(content["step"] + 10, 9, resume=path)
    resumed = last(observe(run, resumed_average))
    same = all(map(torch.equal, parts(state, average), parts(resumed, resumed_average)))
    assert same == (what == "nothing")


# --- the file


@pytest.fixture
def saved(tmp_path):
    *_, state = train(plane(), steps=3, lr=0.1, batch_size=4, optimizer="adam")
    return save_checkpoint(tmp_path / "deep" / "run.pt", state)


AS_SAVED = {"steps": 0, "lr": 0.1, "batch_size": 4, "optimizer": "adam"}


def fresh_state(game=None, **settings):
    return next(train(game or plane(5), **(AS_SAVED | settings)))


def test_torch_opens_the_file_without_running_code(saved):
    content = torch.load(saved, weights_only=True)
    assert content["step"] == 3
    shapes = {name: tensor.shape for name, tensor in content["game"].items()}
    for i, p in enumerate(plane().g_params):
        assert shapes[f"generator's parameter {i}"] == p.shape
    assert [p.name for p in saved.parent.iterdir()] == ["run.pt"]


def test_every_flipped_bit_is_noticed(saved):
    whole = saved.read_bytes()
    state = fresh_state()
    before = flatten(state.game)
    positions = [
        0,
        1,
        *range(50, len(whole), len(whole) // 40),
        *range(len(whole) - 41, len(whole)),
    ]
    for position in positions:
        damaged = bytearray(whole)
        damaged[position] ^= 1 << position % 8
        saved.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"run\.pt"):
            load_checkpoint(saved, state)
    assert torch.equal(flatten(state.game), before)
    assert state.step == 0


def test_every_truncation_is_noticed(saved):
    whole = saved.read_bytes()
    for length in [0, 1, 39, 40, 41, len(whole) // 2, len(whole) - 40, len(whole) - 1]:
        saved.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"run\.pt (is truncated|is damaged)"):
            load_checkpoint(saved)
    saved.write_bytes(whole + b"\0")
    with pytest.raises(ValueError, match=r"run\.pt"):
        load_checkpoint(saved)


@pytest.mark.parametrize("kind", ["text", "pickle", "torch", "ours of another version"])
def test_foreign_files_are_refused(kind, tmp_path):
    path = tmp_path / "foreign.pt"
    if kind == "text":
        path.write_text("lr: 0.1\n" * 100)
    elif kind == "pickle":
        path.write_bytes(pickle.dumps({"format": "x" * 100}))
    elif kind == "torch":
        torch.save({"model": torch.zeros(3)}, path)
    else:
        torch.save({"format": "gan_teach.checkpoint/99"}, path)
        payload = path.read_bytes()
        path.write_bytes(payload + b"gt-sha56" + checkpoints.hashlib.sha256(payload).digest())
    with pytest.raises(ValueError, match=r"foreign\.pt"):
        load_checkpoint(path)


def test_a_missing_file_stays_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no\.pt"):
        load_checkpoint(tmp_path / "no.pt")


OTHERS = {
    "width": (lambda: fresh_state(plane(width=9)), "is of another architecture"),
    "optimizer": (
        lambda: fresh_state(optimizer="sgd"),
        "optimizer of G was .*Adam.* and is .*SGD.*; optimizer of D was .*Adam.* and is .*SGD",
    ),
    "rule": (
        lambda: fresh_state(rule=dynamics.optimistic()),
        r"rule was alternating\(d_steps=1, .*\) and is optimistic\(\). Resume",
    ),
    "ensemble": (lambda: fresh_state(pair()), "is of another architecture"),
    "buffers": (
        lambda: fresh_state(_normalised()),
        "architecture: the generator's buffer 3.running_mean has shape None there and .2. in this",
    ),
}


def _normalised():
    g = plane().generator
    g.append(nn.BatchNorm1d(2, affine=False, dtype=torch.float64))
    return GAN(g, plane().discriminator.double(), data=data.Points(PLANE.double()),
               latent=data.Normal(dim=2))  # fmt: skip


@pytest.mark.parametrize(("other", "message"), OTHERS.values(), ids=OTHERS)
def test_a_run_that_does_not_fit_is_refused_and_untouched(other, message, saved):
    state = other()
    before = copy.deepcopy((flatten(state.game), state.optims.state_dict(), state.step))
    with pytest.raises(ValueError, match=rf"run\.pt .*{message}"):
        load_checkpoint(saved, state)
    after = (flatten(state.game), state.optims.state_dict(), state.step)
    torch.testing.assert_close(after, before, rtol=0, atol=0)


# --- settings


def decay(end):
    return lambda step: max(0.0, 1 - step / end)


def relu_of_this_shape():
    game = plane()
    game.generator[1] = nn.ReLU()
    return game


class Scale(nn.Module):
    """Prints as every other one."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return self.factor * x


def scaled(factor=1.0):
    game = plane()
    game.generator.append(Scale(factor))
    return game


SETTINGS = {  # name: (game, arguments of train that differ, what the message must say)
    "lr": (plane, {"lr": 0.2}, "lr was 0.1 and is 0.2; tau . lr was 0.1 and is 0.2"),
    "tau": (plane, {"tau": 3.0}, "tau . lr was 0.1 and is 0.3"),
    "batch size": (plane, {"batch_size": 5}, "batch_size was 4 and is 5"),
    "seed": (plane, {"seed": 99}, "seed was 0 and is 99"),
    "optimizer": (plane, {"optimizer": "sgd"}, "optimizer of G was .*Adam.* and is .*SGD.*;"),
    "number of the optimizer": (
        plane, {"optimizer": functools.partial(Adam, betas=(0.5, 0.999))},
        r"optimizer of G was .*\(0.9, 0.999\).* and is .*\(0.5, 0.999\)",
    ),
    "optimizer of D alone": (
        plane, {"optimizer": ("adam", "rmsprop")}, "optimizer of D was .*Adam.* and is .*RMSprop",
    ),
    "rule": (plane, {"rule": dynamics.optimistic()}, "rule was alternating.* and is optimistic"),
    "number of the rule": (
        plane, {"rule": dynamics.alternating(2)}, "rule was .*d_steps=1, .* and is .*d_steps=2, ",
    ),
    "schedule": (plane, {"schedule": decay(10)}, "schedule was None and is <lambda> with {'end'"),
    "own rule": (
        plane, {"rule": lambda game, draw, optims: {}},
        "rule was alternating.* and is <lambda> with {}",
    ),
    "loss": (lambda: plane(loss="hinge"), {}, "loss was .*'non_saturating'.* and is .*'hinge'"),
    "own loss of the same name": (
        lambda: plane(loss=losses.non_saturating._replace(d=losses.hinge.d)), {},
        "loss was .*cross_entropy_d.* and is .*hinge_d",
    ),
    "label smoothing": (
        lambda: plane(label_smoothing=0.9), {}, "loss was .*non_saturating.* and is .*non_s.*0.9",
    ),
    "penalty": (
        lambda: plane(penalties=penalties.r2(1.0)), {}, r"penalties was \(\) and is .*'r2'",
    ),
    "instance noise": (
        lambda: plane(corrupt=corrupt.InstanceNoise(0.1)), {}, "corrupt was None and is Instan",
    ),
    "autocast": (lambda: plane(autocast="bf16"), {}, "autocast was None and is torch.bfloat16"),
    "activation": (relu_of_this_shape, {}, "generator 1 was .*Tanh.* and is .*ReLU"),
}  # fmt: skip


def another_data_set(points):
    game = plane()
    game.data = data.Points(points)
    return game


@pytest.mark.parametrize(("make", "changes", "message"), SETTINGS.values(), ids=SETTINGS)
def test_another_setting_is_refused_and_a_branch_says_so(make, changes, message, saved):
    arguments = AS_SAVED | {"steps": 4} | changes
    game = make()
    before = flatten(game)
    with pytest.raises(ValueError, match=rf"run\.pt is of another run: {message}") as refused:
        train(game, **arguments, resume=saved)
    assert torch.equal(flatten(game), before)
    assert "branch=" in str(refused.value)
    run = train(game, **arguments, resume=saved, branch="on purpose")
    state = next(run)
    (branch,) = state.branches
    assert (branch["name"], branch["step"], state.step) == ("on purpose", 3, 3)
    assert re.search(message, "; ".join(branch["changes"]))
    again = load_checkpoint(save_checkpoint(saved.with_name("branch.pt"), state))
    assert again["branches"] == [branch]


DATA = {
    "other points": (PLANE + 1, "is another"),
    "one point less": (PLANE[:-1], "was Points.12 points.* and is Points.11 points"),
    "another dtype": (PLANE.double(), "is another"),
}


def test_an_attribute_of_a_layer_that_does_not_print_it_is_a_setting(tmp_path):
    path = save_checkpoint(tmp_path / "run.pt", fresh_state(scaled()))
    load_checkpoint(path, fresh_state(scaled()))
    with pytest.raises(ValueError, match=r"run: generator 3 was .*Scale"):
        load_checkpoint(path, fresh_state(scaled(2.0)))


@pytest.mark.parametrize(("points", "message"), DATA.values(), ids=DATA)
def test_other_data_are_refused(points, message, saved):
    with pytest.raises(ValueError, match=rf"run\.pt is of another run: data {message}"):
        load_checkpoint(saved, fresh_state(another_data_set(points)))
    load_checkpoint(saved, fresh_state(another_data_set(PLANE.clone())))


def test_what_a_closure_holds_is_a_setting(tmp_path):
    game = plane(penalties=penalties.dragan(radius=0.5))
    settings = AS_SAVED | {"steps": 2, "schedule": decay(10)}
    path = save_checkpoint(tmp_path / "run.pt", last(train(game, **settings)))
    train(game, **settings | {"schedule": decay(10)}, resume=path)
    with pytest.raises(ValueError, match=r"run: schedule was .*'end': 10.* and is .*'end': 12"):
        train(game, **settings | {"schedule": decay(12)}, resume=path)
    other = plane(penalties=penalties.dragan(radius=0.25))
    with pytest.raises(ValueError, match=r"run: penalties was .*dragan.radius=0.5, .*radius=0.25"):
        train(other, **settings, resume=path)
    heavier = plane(penalties=penalties.dragan(5.0, radius=0.5))
    with pytest.raises(
        ValueError, match=r"run: penalties was .*weight=10\.0.* and is .*weight=5\.0"
    ):
        train(heavier, **settings, resume=path)


def test_a_function_game_is_its_functions(tmp_path):
    def game(factor):
        return FunctionGame(lambda x, y: factor * (x * y).sum(), None, [1.0], [1.0])

    path = save_checkpoint(tmp_path / "run.pt", last(train(game(2.0), steps=2)))
    train(game(2.0), steps=3, resume=path)
    with pytest.raises(ValueError, match=r"f_g was <lambda> with {'factor': 2\.0} and is .*3\.0"):
        train(game(3.0), steps=3, resume=path)


def test_rates_turned_by_hand_are_what_counts(saved, tmp_path):
    state = last(train(plane(), **AS_SAVED))
    state.optims.g.lr = 0.05
    state.rule.d_steps = 7
    path = save_checkpoint(tmp_path / "turned.pt", state)
    with pytest.raises(
        ValueError, match=r"lr was 0\.05 and is 0\.1; rule was .*d_steps=7.* and is .*d_steps=1"
    ):
        load_checkpoint(path, fresh_state())
    under = last(train(plane(), **AS_SAVED | {"steps": 3, "schedule": decay(9)}))
    path = save_checkpoint(tmp_path / "scheduled.pt", under)  # the rate itself is 0.1 all the time
    load_checkpoint(path, fresh_state(schedule=decay(9)))


def test_draws_of_another_version_are_refused(saved, monkeypatch):
    monkeypatch.setattr(checkpoints, "DRAWS", 99)
    with pytest.raises(ValueError, match=r"run\.pt .*version of the draws was \d+ and is 99"):
        load_checkpoint(saved, fresh_state())


def test_a_setting_without_readable_content_is_refused_by_name(tmp_path):
    lock = threading.Lock()
    state = next(train(plane(), steps=0, schedule=lambda step: float(lock.locked())))
    with pytest.raises(TypeError, match=r"^schedule holds an object of the class lock, whose cont"):
        save_checkpoint(tmp_path / "run.pt", state)
    assert not (tmp_path / "run.pt").exists()


def test_a_branch_starts_a_changed_rule_and_optimizer_anew_and_is_in_the_history(tmp_path):
    settings = AS_SAVED | {"steps": 5, "rule": dynamics.optimistic()}
    path = save_checkpoint(tmp_path / "run.pt", last(train(plane(), **settings)))
    changed = settings | {"steps": 7, "rule": dynamics.past_extragradient(), "optimizer": "sgd"}
    run = train(plane(5), **changed, resume=path, branch="popov")
    state = next(run)
    assert (state.memory, state.step) == ({}, 5)
    history = record(run)
    assert [b["name"] for b in history.meta["branches"]] == ["popov"]
    again = save_checkpoint(tmp_path / "again.pt", state)
    second = next(train(plane(), **changed | {"lr": 0.01}, resume=again, branch="slower"))
    assert [b["name"] for b in second.branches] == ["popov", "slower"]
    assert second.memory.keys() == {"previous"}
    with pytest.raises(ValueError, match=r"branch='alone' needs resume"):
        train(plane(), steps=1, branch="alone")


def test_an_unknown_extra_and_a_passed_goal(saved):
    with pytest.raises(ValueError, match=r"run\.pt holds no ema; it has no extras"):
        load_checkpoint(saved, ema=EMA(nn.Linear(1, 1), decay=0.5))
    game = plane(5)
    before = flatten(game)
    with pytest.raises(ValueError, match=r"steps=2 .*run\.pt is already at step 3"):
        train(game, **AS_SAVED | {"steps": 2}, resume=saved)
    assert torch.equal(flatten(game), before)


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failed_write_names_the_file_and_leaves_the_old_one(call, saved, monkeypatch):
    before = saved.read_bytes()

    def full(*args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, full)
    with pytest.raises(OSError, match=r"No space left on device: .*run\.pt") as caught:
        save_checkpoint(saved, fresh_state())
    assert caught.value.errno == errno.ENOSPC
    assert saved.read_bytes() == before
    assert [p.name for p in saved.parent.iterdir()] == ["run.pt"]


def test_a_folder_that_cannot_be_made_is_named(saved):
    with pytest.raises(OSError, match=r"run\.pt"):
        save_checkpoint(saved / "under a file" / "x.pt", fresh_state())


@pytest.mark.slow
def test_a_killed_writer_leaves_the_last_good_file(tmp_path):
    # Children that do nothing but save are killed at random moments; what is there must load, and
    # hold at least the save that was done. A writer without rename is caught within seconds.
    script = textwrap.dedent("""
        import os, random, signal, sys, time
        from gan_teach import data
        from gan_teach.training.checkpoints import load_checkpoint, save_checkpoint
        from gan_teach.games import GAN
        from gan_teach.models import MLP
        from gan_teach.training import train

        path, chance = sys.argv[1], random.Random(0)
        game = GAN(MLP(2, 2, width=256), MLP(2, 1, width=256), data=data.Normal(dim=2),
                   latent=data.Normal(dim=2))
        state = next(train(game, steps=0))
        save_checkpoint(path, state)
        for _ in range(15):
            reached = load_checkpoint(path)["step"]
            ready, saved = os.pipe()
            child = os.fork()
            if child == 0:
                state.step = reached
                while True:
                    state.step += 1
                    save_checkpoint(path, state)
                    os.write(saved, b".")
            os.read(ready, 1)  # one save is done: from here on it is killed at any moment
            time.sleep(chance.uniform(0.0, 0.04))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            os.close(ready), os.close(saved)
            assert load_checkpoint(path)["step"] > reached
        print(load_checkpoint(path)["step"])
    """)
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / "run.pt")],
                          capture_output=True, text=True, timeout=120, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 15

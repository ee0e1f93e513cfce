"""BogoNet: random networks, the judge, the tally, and studies that survive being killed."""

import itertools
import math
import os
import signal
import subprocess
import sys
import time
import warnings
from collections import Counter
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from gan_teach import cli, plots
from gan_teach._devices import one_thread
from gan_teach.course import exercises, records
from gan_teach.games import penalties
from gan_teach.history import History
from gan_teach.studies import bogonet, engine
from gan_teach.studies.bogonet import Architecture, Network

SMALL = bogonet.Budget(steps=4, records=2, batch_size=8, samples=50)
ALL = tuple(bogonet.DEPTHS)  # families
ROOT = Path(bogonet.__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def judge():
    return bogonet.judge()


def network(family="mlp", depth=2, width=8, activation="relu", norm="none", init="default"):
    return Network(family, depth, width, activation, norm, init)


# -- architectures --------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**40), size=st.sampled_from([8, 10, 14]))
def test_networks_have_the_right_shapes_and_depend_on_the_seed_alone(seed, size):
    architecture = bogonet.random_architecture(seed, ALL)
    assert architecture == bogonet.random_architecture(seed, ALL)
    before = torch.random.get_rng_state()
    g, d = architecture.build(size)
    again = architecture.build(size)
    assert torch.equal(torch.random.get_rng_state(), before)
    images = g(torch.randn(3, architecture.latent))
    assert images.shape == (3, 1, size, size)
    assert images.isfinite().all()
    assert images.abs().max() <= 1
    assert d(images).shape == (3, 1)
    for first, second in zip((g, d), again, strict=True):
        for p, q in zip(first.parameters(), second.parameters(), strict=True):
            assert torch.equal(p, q)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**40))
def test_what_d_says_of_an_image_does_not_depend_on_the_others(seed):
    """A gradient penalty per sample needs that."""
    _, d = bogonet.random_architecture(seed, ALL).build(8)
    x = torch.randn(4, 1, 8, 8)
    torch.testing.assert_close(d(x)[:2], d(x[:2]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_parameters_of_fully_connected_networks(depth, norm):
    w, z, s = 8, 5, 10
    spec = network(depth=depth, norm=norm)
    g, d = Architecture(0, z, spec, network(depth=depth)).build(s)
    hidden = (depth - 1) * (w * w + w) + (0 if norm == "none" else depth * 2 * w)
    assert sum(p.numel() for p in g.parameters()) == z * w + w + hidden + s * s * (w + 1)
    assert sum(p.numel() for p in d.parameters()) == (
        s * s * w + w + (depth - 1) * (w * w + w) + w + 1
    )


@pytest.mark.parametrize(("size", "sides"), [(14, [14, 7, 4]), (8, [8, 4, 2]), (10, [10, 5, 3])])
@pytest.mark.parametrize("depth", [1, 2])
def test_parameters_of_convolutional_networks(size, sides, depth):
    w, z, inner = 8, 5, sides[depth]
    spec = network("conv", depth=depth)
    g, d = Architecture(0, z, spec, spec).build(size)
    middle = (depth - 1) * (9 * w * w + w)
    area = inner * inner
    assert sum(p.numel() for p in g.parameters()) == (z + 1) * w * area + middle + 16 * w + 1
    assert sum(p.numel() for p in d.parameters()) == 16 * w + w + middle + w * area + 1


@pytest.mark.parametrize(("size", "inner"), [(14, 4), (8, 2), (10, 3)])
def test_parameters_of_residual_networks(size, inner):
    w, z = 8, 5
    spec = network("residual", depth=2, norm="layer")
    g, d = Architecture(0, z, spec, spec).build(size)
    blocks = 2 * 2 * (9 * w * w + w + 2 * w)  # two of them, each of two convolutions and norms
    area = inner * inner
    assert sum(p.numel() for p in g.parameters()) == (z + 1) * w * area + blocks + 2 * w + 9 * w + 1
    assert sum(p.numel() for p in d.parameters()) == 10 * w + blocks + 2 * w + w * area + 1


def test_a_residual_block_without_a_branch_is_the_identity():
    """The way past the branch is what the family is about (He et al., 2016)."""
    block = bogonet.Residual(network("residual", norm="none"))
    for value in block.branch[-1].parameters():
        torch.nn.init.zeros_(value)
    x = torch.randn(2, 8, 5, 5, requires_grad=True)
    assert torch.equal(block(x), x)
    (slope,) = torch.autograd.grad(block(x).sum(), x)
    assert torch.equal(slope, torch.ones_like(x))


def test_families_are_an_argument_that_leaves_the_shipped_draws():
    drawn = [bogonet.random_architecture(seed, ("mlp", "residual")) for seed in range(40)]
    assert {a.generator.family for a in drawn} == {"mlp", "residual"}
    stored = History.load(records.folder() / "bogonet.npz").meta["networks"]
    assert stored[7] == asdict(bogonet.random_architecture(7))
    with pytest.raises(ValueError, match="families must be one of"):
        bogonet.random_architecture(0, ("resnet",))
    with pytest.raises(ValueError, match="at least one"):
        bogonet.random_architecture(0, ())


def test_every_choice_is_uniform_and_the_two_networks_are_independent():
    drawn = [bogonet.random_architecture(seed) for seed in range(3000)]

    def is_even(values, options):
        counts = Counter(values)
        assert set(counts) == set(options)
        expected = sum(counts.values()) / len(counts)
        chi2 = sum((n - expected) ** 2 / expected for n in counts.values())
        free = len(counts) - 1
        assert chi2 < free + 4 * math.sqrt(2 * free)  # mean and spread of chi-square

    is_even([a.latent for a in drawn], bogonet.LATENTS)
    pairs = [(a.generator.family, a.discriminator.family) for a in drawn]
    is_even(pairs, itertools.product(bogonet.FAMILIES, repeat=2))
    for player in ("generator", "discriminator"):
        specs = [getattr(a, player) for a in drawn]
        is_even([s.norm for s in specs], bogonet.NORMS[player])
        is_even([s.init for s in specs], bogonet.INITIAL)
        is_even([s.activation for s in specs], bogonet.NONLINEARITIES)
        for family in bogonet.FAMILIES:
            own = [(s.depth, s.width) for s in specs if s.family == family]
            options = bogonet.DEPTHS[family], bogonet.WIDTHS[family]
            is_even(own, itertools.product(*options))


@pytest.mark.parametrize("size", [9, 6])
def test_odd_and_tiny_images_are_refused(size):
    with pytest.raises(ValueError, match="size must be"):
        bogonet.random_architecture(0).build(size)


# -- the judge ------------------------------------------------------------------------------------


def test_the_judge_knows_digits_that_it_has_not_seen(judge):
    assert judge.accuracy > 0.9
    train, held_out = judge.train.pixels.flatten(1), judge.held_out.pixels.flatten(1)
    assert len(train) + len(held_out) == 5000
    rows = {row.numpy().tobytes() for row in train}
    assert sum(row.numpy().tobytes() in rows for row in held_out) < 5  # the set has a few twins
    assert 7 < judge.real <= 10


def test_the_score_is_that_of_torch_fidelity(judge):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch_fidelity.metric_isc import isc_features_to_metric

        x = judge.held_out.floats()[:200]
        logits = judge.module(x)
        theirs = isc_features_to_metric(logits, splits=1, shuffle=False)
    assert judge.score(x) == pytest.approx(theirs["inception_score_mean"], rel=1e-6)


def test_scores_at_the_ends(judge):
    one = judge.held_out.floats()[:1]
    assert judge.score(one.repeat(50, 1, 1, 1)) == pytest.approx(1)
    broken = one.repeat(50, 1, 1, 1)
    broken[7, 0, 0, 0] = torch.nan
    assert judge.score(broken) == 1


# -- one architecture -----------------------------------------------------------------------------


def test_all_algorithms_start_from_the_same_weights_and_see_the_same_digits(judge):
    architecture = bogonet.random_architecture(3)
    games = [bogonet.build_game(architecture, a, judge) for a in bogonet.ALGORITHMS.values()]
    for p, *others in zip(*(g.g_params + g.d_params for g in games), strict=True):
        assert all(torch.equal(p, q) for q in others)
    scores = bogonet.run_architecture(3, SMALL, judge)["score"]
    assert (scores[0] == scores[0, 0]).all()
    assert not (scores[-1] == scores[-1, 0]).all()


@pytest.mark.parametrize(("d_steps", "as_its_own"), [(1, [0, 1]), (5, [2])])
def test_the_same_updates_of_d_for_all_change_only_whose_own_are_others(judge, d_steps, as_its_own):
    own = bogonet.run_architecture(3, SMALL, judge)["score"][-1]
    same = bogonet.run_architecture(3, replace(SMALL, d_steps=d_steps), judge)["score"][-1]
    assert np.flatnonzero(own == same).tolist() == as_its_own


@pytest.mark.slow
def test_training_is_worth_it(judge):
    """Eight hundred steps turn noise into something that the judge takes for several digits."""
    spec = network(width=64, init="he")
    architecture = Architecture(5, 16, spec, spec)
    budget = bogonet.Budget(steps=800, records=5, samples=300)
    with one_thread():
        scores, diverged = bogonet.score_curve(
            architecture, bogonet.ALGORITHMS["dragan"], budget, judge
        )
    assert diverged == -1
    assert scores[-1] > scores[0] + 1


def test_a_run_that_diverges_is_named_and_gets_the_lowest_score(judge):
    budget = bogonet.Budget(steps=4, records=4, batch_size=8, samples=50, lr=1e30)
    history = bogonet.run_study([0, 1], budget)
    diverged, scores = history.static["diverged"], history["score"]
    assert (diverged >= 1).any()
    for a, n in zip(*np.nonzero(diverged >= 0), strict=True):
        assert (scores[diverged[a, n] :, a, n] == 1).all()
    lines = bogonet.diverged(history)
    assert len(lines) == (diverged >= 0).sum()
    assert "architecture 0, WGAN-GP: step " in "\n".join(lines)
    counts = [row[-1] for row in bogonet.table(history).rows]
    assert counts == [str(n) for n in (diverged >= 0).sum(1)]


# -- the tally ------------------------------------------------------------------------------------


def study_of(scores, steps=(0, 10, 30), algorithms=("vanilla", "dragan", "wgan_gp")):
    scores = np.asarray(scores, dtype=float)
    meta = {
        "study": {"algorithms": list(algorithms), "budget": {"steps": steps[-1]}},
        "architectures": scores.shape[-1],
        "real_score": 9.0,
    }
    static = {"seed": np.arange(scores.shape[-1]), "diverged": np.full(scores.shape[1:], -1)}
    return History(steps, {"score": scores}, static, meta)


HAND = study_of(
    [  # (T, A, N): four architectures
        [[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1]],
        [[4, 2, 1, 3], [3, 2, 2, 3], [2, 8, 2, 3]],
        [[2, 3, 1, 5], [4, 3, 2, 5], [3, 6, 3, 5]],
    ]
)


def test_the_tally_of_a_hand_computed_example():
    final, best, area = (bogonet.values(HAND, name) for name in ("final", "best", "area"))
    assert final.mean(1).tolist() == [11 / 4, 14 / 4, 17 / 4]
    assert best.mean(1).tolist() == [(4 + 3 + 1 + 5) / 4, (4 + 3 + 2 + 5) / 4, (3 + 8 + 3 + 5) / 4]
    # trapezoids of width 10 and 20, over 30 steps
    assert area[2] == pytest.approx(
        [(15 + 50) / 30, (45 + 140) / 30, (15 + 50) / 30, (20 + 80) / 30]
    )
    assert bogonet.wins(final) == pytest.approx([1 / 3, 1 + 1 / 3, 2 + 1 / 3])
    assert bogonet.wins(best) == pytest.approx([0.5 + 1 / 3, 0.5 + 1 / 3, 2 + 1 / 3])


def test_duels_of_a_hand_computed_example():
    first, second, third = bogonet.duels(HAND, "final")
    assert (first.first, first.second) == ("vanilla", "dragan")
    assert (first.won, first.lost, first.tied) == (0, 2, 2)
    assert first.p == pytest.approx(0.5)  # two heads or two tails
    assert (second.won, second.lost, second.tied) == (0, 3, 1)
    assert second.p == pytest.approx(2 / 8)
    assert (third.won, third.lost, third.tied) == (1, 2, 1)
    assert third.p == pytest.approx(1)
    assert third.interval == pytest.approx(plots.wilson(1, 3), abs=1e-6)


def test_equal_scores_are_ties():
    history = study_of(np.ones((3, 2, 5)), algorithms=("vanilla", "dragan"))
    (duel,) = bogonet.duels(history)
    assert (duel.won, duel.lost, duel.tied, duel.p) == (0, 0, 5, 1.0)
    assert bogonet.wins(bogonet.values(history, "area")).tolist() == [2.5, 2.5]


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), a=st.integers(2, 4), n=st.integers(1, 20))
def test_wins_add_up_and_do_not_depend_on_the_scale(seed, a, n):
    value = np.random.default_rng(seed).integers(0, 4, (a, n)).astype(float)
    won = bogonet.wins(value)
    assert won.sum() == pytest.approx(n)
    np.testing.assert_allclose(bogonet.wins(np.exp(3 * value)), won)


def test_the_tables_show_the_tally():
    text = f"{bogonet.table(HAND)}\n{bogonet.duel_table(HAND)}"
    assert "2.75 ± 1.48" in text  # the root of 35 / 16
    assert "0.3333" in text
    assert "vanilla GAN - DRAGAN" in text
    assert "0 : 3" in text


# -- studies --------------------------------------------------------------------------------------


def same(first, second):
    assert (first["score"] == second["score"]).all()
    for name in ("seed", "diverged"):
        assert (first.static[name] == second.static[name]).all()
    assert str(bogonet.table(first)) == str(bogonet.table(second))


@pytest.fixture(scope="module")
def reference(judge):
    return bogonet.run_study(4, SMALL)


@pytest.mark.slow
def test_workers_and_order_do_not_change_the_result(reference, tmp_path):
    two = bogonet.run_study(4, SMALL, folder=tmp_path, workers=2)
    same(two, reference)
    assert len(list(tmp_path.glob("architecture-*.npz"))) == 4
    backwards = bogonet.run_study([3, 2, 1, 0], SMALL)
    assert (backwards["score"][..., ::-1] == reference["score"]).all()


COMMAND = ["bogonet", "--steps", "4", "--records", "2", "--batch-size", "8"]


@pytest.mark.slow
def test_a_killed_study_goes_on_to_the_same_table(tmp_path):
    """SIGKILL after the first finished architecture; only the missing ones are trained then."""
    here, whole = tmp_path / "killed", tmp_path / "whole"
    options = [*COMMAND, "--architectures", "5", "--workers", "1"]
    process = subprocess.Popen(
        [sys.executable, "-m", "gan_teach", *options, "--out", str(here)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not (finished := list(here.glob("architecture-*.npz"))):
        assert process.poll() is None, "the study ended before it was killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    times = {path: path.stat().st_mtime_ns for path in finished}

    assert cli.main([*options, "--out", str(here), "--record", str(tmp_path / "a.npz")]) == 0
    assert cli.main([*options, "--out", str(whole), "--record", str(tmp_path / "b.npz")]) == 0
    same(History.load(tmp_path / "a.npz"), History.load(tmp_path / "b.npz"))
    assert {path: path.stat().st_mtime_ns for path in finished} == times
    assert not list(here.glob("*.partial"))


def test_ctrl_c_keeps_what_is_done(judge, tmp_path, monkeypatch, capsys):
    whole = bogonet.run_architecture

    def interrupted(seed, **settings):
        if seed == 2:
            raise KeyboardInterrupt
        return whole(seed, **settings)

    monkeypatch.setattr(bogonet, "run_architecture", interrupted)
    options = [*COMMAND, "--architectures", "4", "--workers", "1", "--out", str(tmp_path)]
    assert cli.main(options) == 130
    assert "2 of 4 architectures are done" in capsys.readouterr().out
    monkeypatch.setattr(bogonet, "run_architecture", whole)
    assert cli.main(options) == 0
    out = capsys.readouterr().out
    assert "4 of 4 architectures are done" in out
    assert "DRAGAN" in out
    assert "Diverged: none" in out


@pytest.mark.slow
def test_a_folder_belongs_to_one_study(judge, tmp_path, monkeypatch):
    bogonet.run_study(1, SMALL, folder=tmp_path)
    other = bogonet.Budget(steps=6, records=2, batch_size=8, samples=50)
    with pytest.raises(ValueError, match=r"belongs to another study: it differs in budget\."):
        bogonet.run_study(1, other, folder=tmp_path)
    monkeypatch.setattr(bogonet, "judge", lambda: replace(judge, train=judge.held_out))
    with pytest.raises(ValueError, match=r"it differs in data\."):
        bogonet.run_study(1, SMALL, folder=tmp_path)


def test_an_algorithm_that_is_another_under_its_name_is_another_study(judge, tmp_path, monkeypatch):
    bogonet.run_study(1, SMALL, folder=tmp_path)
    weaker = replace(bogonet.ALGORITHMS["dragan"], penalty=partial(penalties.dragan, 1.0))
    monkeypatch.setitem(bogonet.ALGORITHMS, "dragan", weaker)
    with pytest.raises(ValueError, match=r"another study: it differs in algorithms\."):
        bogonet.run_study(1, SMALL, folder=tmp_path)
    monkeypatch.undo()
    monkeypatch.setattr(engine, "__version__", "0.0")
    with pytest.raises(ValueError, match=r"another study: it differs in library\."):
        bogonet.run_study(1, SMALL, folder=tmp_path)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--architectures", "0"], "architectures must be at least 1, got 0"),
        (["--workers", "0"], "workers must be at least 1"),
        (["--steps", "10", "--records", "3"], "steps must be a multiple of records"),
        (["--lr", "0"], "lr must be above 0"),
        (["--batch-size", "1"], "--batch-size must be at least 2"),
    ],
)
def test_bad_usage_is_one_sentence(arguments, sentence, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["bogonet", "--out", str(tmp_path / "out"), *arguments])
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1


def test_bad_arguments_are_refused_before_anything_is_trained(tmp_path):
    with pytest.raises(ValueError, match="names a seed twice"):
        bogonet.run_study([1, 1], SMALL)
    with pytest.raises(ValueError, match="criterion must be one of final, best, area"):
        bogonet.values(HAND, "median")


# -- the chapter's pictures and exercises ---------------------------------------------------------


def test_the_exercises_know_right_answers_and_mistakes():
    entropy = -sum(p * math.log(p) for p in (0.5, 0.25, 0.25))
    assert exercises.check_uneven_score(math.exp(entropy))
    assert "entropy in nats" in exercises.check_uneven_score(entropy).message

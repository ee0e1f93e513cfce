"""Image networks in the ordinary loop: what carries a run on, what ends it, number formats."""

# pyright: reportArgumentType=false, reportIndexIssue=false

import copy
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from gan_teach import dynamics
from gan_teach.analysis.spectra import flatten
from gan_teach.data import Images, Normal
from gan_teach.dynamics.optim import Adam
from gan_teach.games import GAN, losses, penalties
from gan_teach.games.penalties import Penalty
from gan_teach.models import convnets as c
from gan_teach.training import EMA, checkpoints, observe, probes, record, train
from gan_teach.training.checkpoints import load_checkpoint, save_checkpoint
from gan_teach.training.loop import DivergedError, stop_on_nan
from gan_teach.training.schedules import linear_decay, power_decay

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 3, 8, 8), dtype=np.uint8)
IMAGES = Images(PIXELS, dequantize=True, flip=True)
LARGER = IMAGES.resized(16)
DECAYS = (0.9, 0.99, 0.999, 0.9999)

PAIRS = {  # batch norm in both, spectral norm in D, neither
    "dcgan": lambda seed: (
        c.DCGANGenerator(8, 3, 4, 5, seed=seed), c.DCGANDiscriminator(8, 3, 4, seed=seed)),
    "cnn": lambda seed: (c.CNNGenerator(8, 2, 5, seed=seed), c.CNNDiscriminator(8, 2, seed=seed)),
    "resnet": lambda seed: (
        c.ResNetGenerator(16, 4, 5, seed=seed), c.ResNetDiscriminator(16, 4, seed=seed)),
    "stable": lambda seed: (
        c.StableGenerator(8, 2, 5, seed=seed), c.StableDiscriminator(8, 2, seed=seed)),
    "vanilla": lambda seed: (
        c.VanillaGenerator((3, 8, 8), 5, (6,), seed=seed),
        c.VanillaDiscriminator((3, 8, 8), (6,), seed=seed)),
}  # fmt: skip


def game(pair="dcgan", seed=0, **settings):
    g, d = PAIRS[pair](seed)
    images = LARGER if pair == "resnet" else IMAGES
    return GAN(g, d, data=images, latent=Normal(dim=5), **settings)


def averages(of):
    return {f"ema_{decay}": EMA(of.generator, decay=decay) for decay in DECAYS}


def watched(run, emas):
    for ema in emas.values():
        run = observe(run, ema)
    return run


def last(run):
    *_, state = run
    return state


def parts(state, emas):
    """Every tensor of a run that a picture or a later step depends on, by name."""
    named = {"weights": [flatten(state.game)], "losses": list(state.losses.values())}
    named["buffers"] = [b for m in state.game.modules().values() for b in m.buffers()]
    for player, held in (("g", state.optims.g), ("d", state.optims.d)):
        named[f"optimizer {player}"] = [*held.mean, *held.square]
    named |= {name: list(ema.module.state_dict().values()) for name, ema in emas.items()}
    return {name: [x.clone() for x in tensors] for name, tensors in named.items()}


def equal(one, two):
    return all(torch.equal(a, b) for name in one for a, b in zip(one[name], two[name], strict=True))


# --- resuming


SETTINGS = {"lr": 2e-3, "tau": 0.5, "optimizer": partial(Adam, betas=(0.5, 0.999)), "batch_size": 6}
RULE = partial(dynamics.alternating, d_every=2)
RUNS = {
    "dcgan": (100, {"label_smoothing": 0.9}),
    "cnn": (100, {"loss": "relativistic"}),
    "stable": (10, {"penalties": [penalties.r1(1.0), penalties.r2(1.0), penalties.dragan()]}),
    "vanilla": (10, {"loss": "wasserstein", "penalties": penalties.wgan_gp()}),
}


@pytest.mark.slow
@pytest.mark.parametrize("pair", RUNS)
def test_half_a_run_and_its_resumption_are_the_whole_run(pair, tmp_path):
    half, settings = RUNS[pair]
    total = {"steps": 2 * half, "schedule": linear_decay(half // 2, 4 * half), **SETTINGS}
    path = tmp_path / "last.pt"
    whole = game(pair, **settings)
    emas = averages(whole)
    run = watched(train(whole, RULE(), **total), emas)
    run = observe(run, lambda s: s.step == half and save_checkpoint(path, s, **emas))
    wanted = parts(last(run), emas)
    other = game(pair, seed=7, **settings)  # all else must come from the file
    resumed = averages(other)
    run = watched(train(other, RULE(), **total, resume=path), resumed)
    load_checkpoint(path, **resumed)
    assert equal(parts(last(run), resumed), wanted)


def items(content, at=()):
    """What a checkpoint holds, by path, its tensors by kind: all running means are one item."""
    if not isinstance(content, dict):
        name = at[-1]
        if at[0] == "game":  # "generator's buffer 3.running_mean", "generator's parameter 2"
            whose, place = name.rsplit(" ", 1)
            kind = "" if place.isdigit() else f" {place.rpartition('.')[2]}"
            return {("game", whose + kind)}
        if name.endswith(("weight", "bias")) and "module" in at:
            return {(*at[:-1], "weights")}
        return {(*at[:-1], name.rpartition(".")[2])}
    return set().union(*(items(value, (*at, name)) for name, value in content.items()))


STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
ITEMS = [
    ("step",),
    ("losses", "g_loss"),
    ("losses", "d_loss"),
    ("memory", "previous"),
    *(("game", f"{player}'s parameter") for player in ("generator", "discriminator")),
    *(("game", f"generator's buffer {kind}") for kind in STATISTICS),
    *(("game", f"discriminator's buffer {kind}") for kind in ("_u", "_v")),
    *(("optims", player, slot) for player in "gd" for slot in ("mean", "square", "count")),
    *(("extras", f"ema_{decay}", part) for decay in DECAYS for part in ("decay", "last")),
    *(
        ("extras", f"ema_{decay}", "module", kind)
        for decay in DECAYS
        for kind in ("weights", *STATISTICS)
    ),
]


def forget(content, fresh, item, at=()):
    """``content`` with that item as it is in ``fresh``."""
    if not isinstance(content, dict):
        return fresh if items(content, at) == {item} else content
    return {k: forget(value, fresh[k], item, (*at, k)) for k, value in content.items()}


def other_run(steps, resume=None):
    """Other weights and averages: what makes it the same run must come from the file."""
    playing = game("cnn", seed=9)
    emas = {name: EMA(playing.generator, decay=0.5) for name in averages(playing)}
    run = train(playing, dynamics.optimistic(), steps=steps, resume=resume, **SETTINGS)
    return run, emas


@pytest.fixture(scope="module")
def halves(tmp_path_factory):
    """A run at half way and at its end, its checkpoint, and that of another run after a step."""
    folder = tmp_path_factory.mktemp("halves")
    whole = game("cnn")
    emas = averages(whole)
    wanted = []
    for state in watched(train(whole, dynamics.optimistic(), steps=10, **SETTINGS), emas):
        if state.step == 5:
            save_checkpoint(folder / "half.pt", state, **emas)
        if state.step in (5, 10):
            wanted.append(parts(state, emas))
    run, emas = other_run(1)
    save_checkpoint(folder / "fresh.pt", last(watched(run, emas)), **emas)
    return wanted, load_checkpoint(folder / "half.pt"), load_checkpoint(folder / "fresh.pt")


def test_each_item_of_a_checkpoint_has_its_test(halves):
    held = {item for item in items(halves[1]) if item[0] != "settings"}  # those are compared
    assert held == {*ITEMS, ("format",), ("branches",)}


@pytest.mark.parametrize("item", [*ITEMS, None], ids=lambda item: "-".join(item or ["nothing"]))
def test_whatever_is_left_out_would_be_noticed(item, halves, monkeypatch):
    wanted, content, fresh = copy.deepcopy(halves)
    content: Any = forget(content, fresh, item)
    monkeypatch.setattr(checkpoints, "_read", lambda path: copy.deepcopy(content))
    run, emas = other_run(content["step"] + 5, resume="half.pt")
    load_checkpoint("half.pt", **emas)
    # The state itself, and where it leads: a moment that is forgotten shows only later, an
    # average's statistics only at once, since the next step copies them anew.
    found = [parts(state, emas) for i, state in enumerate(watched(run, emas)) if i in (0, 5)]
    assert all(map(equal, found, wanted)) == (item is None)


def test_a_forgotten_schedule_would_be_noticed():
    ends = [
        flatten(last(train(game(), steps=3, schedule=schedule, **SETTINGS)).game)
        for schedule in (None, linear_decay(1, 5))
    ]
    assert not torch.equal(*ends)


def test_looking_at_a_run_changes_no_statistics_and_no_spectral_vectors():
    bare = last(train(game("cnn"), steps=4, **SETTINGS))
    run = train(seen := game("cnn"), steps=4, **SETTINGS)
    record(run, samples=probes.samples(3), norm=probes.gradient_norm("d"))
    batch = seen.draw(3, torch.Generator())
    before = [b.clone() for b in seen.discriminator.buffers()]
    seen.losses(batch, (seen.g_params, seen.d_params))
    assert all(map(torch.equal, before, seen.discriminator.buffers()))
    for name, module in bare.game.modules().items():
        ours = seen.modules()[name].state_dict()
        assert all(torch.equal(value, ours[key]) for key, value in module.state_dict().items())


def test_averages_keep_the_statistics_of_batch_norm():
    state = last(observe(train(playing := game(), steps=3, **SETTINGS), ema := EMA(
        playing.generator, decay=0.9)))  # fmt: skip
    assert int(ema.module[2].num_batches_tracked) == 2 * state.step  # once in D's step, once in G's
    assert torch.equal(ema.module[2].running_var, playing.generator[2].running_var)


# --- schedules


def test_schedules_have_their_published_values():
    linear = linear_decay(50_000, 100_000)
    assert [linear(s) for s in (0, 50_000, 75_000, 100_000, 200_000)] == [1, 1, 0.5, 0, 0]
    power = power_decay()
    published = {50_000: 0.9473, 100_000: 0.9441, 150_000: 0.9421, 300_000: 0.9389}
    for step, factor in published.items():
        assert power(step) == pytest.approx(factor, abs=5e-5)
    with pytest.raises(ValueError, match="end must lie after start"):
        linear_decay(5, 5)


def test_the_factor_multiplies_each_plain_step():
    """Plain SGD: the move at step t is factor(t) times the move without a schedule."""
    moves = []
    for schedule in (None, lambda step: 0.25):
        start, end = (
            flatten(s.game).clone()
            for s in train(game(), steps=1, lr=0.1, batch_size=4, schedule=schedule)
        )
        moves.append(end - start)
    n_d = game().n_d  # G sees D after its step, so only D's move is the same
    torch.testing.assert_close(moves[1][-n_d:], 0.25 * moves[0][-n_d:], rtol=1e-3, atol=1e-6)
    with pytest.raises(TypeError, match="schedule must be a function"):
        train(game(), steps=1, batch_size=4, schedule=0.5)


# --- what ends a run


def breaking(at, value=np.nan):
    """A penalty that is ``value`` from its call number ``at`` on; a game starts with one."""
    calls = []

    def measured(critic, real, fake, noise, lead):
        calls.append(1)
        squared_norm = penalties.gradient_norm_squared(critic, real)
        return (squared_norm * 0 + (value if len(calls) > at + 1 else 1.0)).mean(-1)

    return Penalty("broken penalty", 1.0, measured)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_run_stops_at_the_step_the_player_and_the_term_that_broke(value, tmp_path):
    path = tmp_path / "last.pt"
    broken = game(penalties=[penalties.r1(0.1), breaking(3, value)])
    run = stop_on_nan(train(broken, steps=9, **SETTINGS), path)
    steps = []
    saved = observe(run, lambda s: save_checkpoint(path, s))
    message = f"step 4: the discriminator's broken penalty is {value:g}.*checkpoint is .*last.pt"
    with pytest.raises(DivergedError, match=message) as error:
        steps.extend(state.step for state in saved)
    assert (error.value.step, error.value.player) == (4, "d")
    assert steps == [0, 1, 2, 3]
    assert load_checkpoint(path)["step"] == 3  # nothing broken was saved


def test_a_generator_that_breaks_is_named():
    loss = losses.non_saturating._replace(g=lambda real, fake: fake.mean() * np.nan)
    run = stop_on_nan(train(game(loss=loss), steps=2, **SETTINGS))
    with pytest.raises(DivergedError, match="step 1: the generator's non_saturating loss is nan"):
        last(run)


def test_a_batch_larger_than_the_data_is_refused_at_the_call():
    with pytest.raises(ValueError, match="batch_size=41, but images has only 40"):
        train(game(), steps=1, batch_size=41)


# --- other number formats and layouts


@pytest.mark.parametrize("pair", PAIRS)
def test_channels_last_is_the_same_run(pair):
    ends = []
    for layout in (torch.contiguous_format, torch.channels_last):
        playing = game(pair).to(torch.float64)
        playing.to(memory_format=layout)
        state = last(train(playing, steps=3, optimizer="rmsprop", lr=1e-3, batch_size=4))
        ends.append(flatten(state.game))
    # flatten reads entries in their logical order, whatever the order in memory
    torch.testing.assert_close(*ends, atol=1e-9, rtol=0)


@pytest.mark.parametrize("pair", PAIRS)
def test_lower_precision_is_near_and_leaves_penalties_exact(pair):
    torch.manual_seed(0)
    plain, cast = (
        game(pair, penalties=penalties.r1(2.0), autocast=autocast) for autocast in (None, "bf16")
    )
    for player in (plain, cast):
        for module in player.modules().values():
            module.eval()  # equal spectral vectors in both, no dropout
    batch = plain.draw(16, torch.Generator().manual_seed(1))
    plain.d_terms = cast.d_terms = {}  # as in an update of a run
    wanted, got = (player.losses(batch) for player in (plain, cast))
    torch.testing.assert_close(got.g, wanted.g, rtol=0.05, atol=0.02)
    assert cast.d_terms["r1"] == plain.d_terms["r1"]  # R1 sees real images only
    assert got.d.dtype == torch.float32
    loss = "non_saturating loss"
    assert cast.d_terms[loss] != plain.d_terms[loss]  # it did compute in another precision
    torch.testing.assert_close(cast.d_terms[loss], plain.d_terms[loss], rtol=0.05, atol=0.02)


def plain_bfloat16(start, batches, steps, lr):
    """The textbook loop: autocast, Adam of torch, the penalty in single precision."""
    g, d = start.generator, start.discriminator
    optims = {p: torch.optim.Adam(m.parameters(), lr) for p, m in (("g", g), ("d", d))}
    for step in range(steps):
        for player, other in (("d", g), ("g", d)):
            batch = batches(step)(player)
            other.requires_grad_(False)
            with torch.autocast("cpu", torch.bfloat16):
                fake = g(batch.latent)
            with torch.autocast("cpu", torch.bfloat16):
                real_logit, fake_logit = d(torch.cat([batch.real, fake.float()])).float().chunk(2)
            gap = (fake_logit - real_logit) * (1 if player == "d" else -1)
            loss = torch.nn.functional.softplus(gap).mean()
            if player == "d":
                x = batch.real.clone().requires_grad_()
                (slope,) = torch.autograd.grad(d(x).sum(), x, create_graph=True)
                loss = loss + 0.5 * slope.pow(2).sum((1, 2, 3)).mean()
            optims[player].zero_grad()
            loss.backward()
            optims[player].step()
            other.requires_grad_(True)


def test_a_run_in_bfloat16_is_the_plain_loop():
    def pair():
        g, d = c.StableGenerator(8, 2, 5, seed=1), c.StableDiscriminator(8, 2, seed=2)
        return GAN(g, d, data=IMAGES, latent=Normal(dim=5), loss="relativistic",
                   penalties=penalties.r1(1.0), autocast="bf16")  # fmt: skip

    ours, theirs = pair(), pair()
    run = train(ours, steps=6, lr=1e-3, optimizer="adam", batch_size=4)
    start = flatten(ours).clone()
    state = last(run)
    plain_bfloat16(theirs, state.stream.at, 6, 1e-3)
    assert (flatten(ours) - start).abs().max() > 3e-3
    torch.testing.assert_close(flatten(ours), flatten(theirs), rtol=0, atol=2e-5)


def test_bfloat16_trains():
    playing = game("cnn", penalties=penalties.r2(1.0), autocast="bf16")
    state = last(stop_on_nan(train(playing, steps=5, **SETTINGS)))
    assert all(p.dtype == torch.float32 for p in (*playing.g_params, *playing.d_params))
    assert state.step == 5
    for other in ("fp16", "half", torch.bfloat16):
        with pytest.raises(ValueError, match=rf"autocast must be 'bf16' .*, got {other!r}"):
            game(autocast=other)

"""Every draw is a function of (seed, step): from any start, in any order, alone or stacked."""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false
# pyright: reportOptionalSubscript=false
# Wrong arguments are given on purpose, and parts of modules are taken by index.

import numpy as np
import pytest
import torch
from scipy import stats

from cases import function, plane, tutorial
from gan_teach import data
from gan_teach.dynamics.streams import Stream, generator, mix
from gan_teach.games import corrupt, penalties
from gan_teach.games.ensemble import stack


def tensors(batch):
    seen = []
    batch.map(lambda x: (seen.append(x), x)[1])
    return seen


def same(a, b):
    return len(tensors(a)) == len(tensors(b)) and all(map(torch.equal, tensors(a), tensors(b)))


def rich(seed=0):
    return plane(seed, penalties=[penalties.wgan_gp(), penalties.dragan()],
                 corrupt=corrupt.InstanceNoise(0.5))  # fmt: skip


@pytest.mark.parametrize("n", [1, 10, 700])  # blocks of 64 steps, of 64, and of 4
def test_batches_do_not_depend_on_where_a_run_starts(n):
    game = rich()
    steps = [*range(6), 63, 64, 65, 200]
    forward = {s: Stream(game, n, 3).at(s)("g", 1) for s in steps}
    stream = Stream(game, n, 3)
    for step in [200, 64, 3, 65, 0, 63, 4, 2, 5, 1]:
        assert same(stream.at(step)("g", 1), forward[step])
        assert stream.at(step)("g", 1).step == step


def test_different_steps_players_updates_and_seeds_have_different_batches():
    game, draws = rich(), []
    for seed in (0, 1):
        stream = Stream(game, 4, seed)
        draws += [stream.at(s)(p, i).latent for s in (0, 1, 64) for p in "gd" for i in (0, 1)]
    distinct = {tuple(x.flatten().tolist()) for x in draws}
    assert len(distinct) == len(draws) == 24


def test_a_run_of_batches_is_random():
    # over 200 steps of 50 latents: standard normal, and no correlation from step to step
    stream = Stream(plane(), 50, 0)
    z = torch.stack([stream.at(s)("d").latent for s in range(200)]).flatten(1).numpy()
    assert stats.kstest(z.flatten(), "norm").pvalue > 1e-3
    assert stats.pearsonr(z[1:].flatten(), z[:-1].flatten()).pvalue > 1e-3
    players = [Stream(plane(), 50, 0).at(s)("g").latent.flatten().numpy() for s in range(200)]
    assert stats.pearsonr(z.flatten(), np.concatenate(players)).pvalue > 1e-3


def test_noise_and_penalties_leave_real_samples_and_latents_alone():
    bare, full = Stream(plane(), 10, 0), Stream(rich(), 10, 0)
    for step in (0, 70):
        a, b = bare.at(step)("d"), full.at(step)("d")
        assert torch.equal(a.real, b.real)
        assert torch.equal(a.latent, b.latent)


def test_the_block_length_is_no_part_of_the_contract_with_the_global_state():
    before = torch.get_rng_state()
    Stream(rich(), 5, 0).at(0)()
    assert torch.equal(torch.get_rng_state(), before)


def test_another_batch_size_midway():
    stream = Stream(plane(), 5, 0)
    first = stream.at(3)("d")
    stream.batch_size = 8
    assert stream.at(3)("d").latent.shape == (8, 2)
    stream.batch_size = 5
    assert same(stream.at(3)("d"), first)


def test_forget_lets_a_changed_source_be_seen():
    game = plane()
    stream = Stream(game, 5, 0)
    stream.at(0)()
    game.data = data.Normal(100.0, 1.0, dim=2)
    assert stream.at(1)().real.max() < 50
    stream.forget()
    assert stream.at(1)().real.min() > 50


@pytest.mark.parametrize("make", [rich, tutorial])
@pytest.mark.parametrize("seeds", [[3, 4, 5], [7, 7, 7]], ids=str)
def test_members_draw_what_they_would_alone(make, seeds):
    games = [make(s) for s in range(3)]
    together = Stream(stack(games), 6, seeds)
    for step in (0, 65):
        batch = together.at(step)("g", 2)
        for i, (game, seed) in enumerate(zip(games, seeds, strict=True)):
            alone = Stream(game, 6, seed).at(step)("g", 2)
            assert same(batch.map(lambda x, i=i: x[i]), alone)


def test_members_that_differ_in_noise_draw_what_they_would_alone():
    games = [
        plane(0, penalties=penalties.dragan()),
        plane(1, penalties=[penalties.wgan_gp(), penalties.dragan()]),
        plane(2, corrupt=corrupt.InstanceNoise(0.5)),
    ]
    together = Stream(stack(games), 6, [0, 1, 2]).at(1)()
    alone = [Stream(g, 6, s).at(1)() for s, g in enumerate(games)]
    dragan, wgan_gp = together.penalty_noise
    assert torch.equal(dragan[0][0], alone[0].penalty_noise[0][0])
    assert torch.equal(dragan[0][1], alone[1].penalty_noise[1][0])
    assert torch.equal(wgan_gp[0][1], alone[1].penalty_noise[0][0])
    assert torch.equal(together.noise_real[2], alone[2].noise_real)


def test_a_game_without_randomness_has_empty_batches():
    batch = Stream(function(), 256, 0).at(100)("d")
    assert batch.real.numel() == batch.latent.numel() == 0
    assert batch.step == 100


def test_mix_spreads_near_by_numbers():
    # A change of one in any argument flips each output bit half of the time.
    pairs = [((s, t, b), (s + 1, t, b)) for s in range(10) for t in range(10) for b in range(10)]
    pairs += [((s, t, b), (s, t, b + 1)) for (s, t, b), _ in pairs]
    flips = np.array([[(mix(*a) ^ mix(*b)) >> k & 1 for k in range(63)] for a, b in pairs])
    assert np.abs(flips.mean(0) - 0.5).max() < 5 * 0.5 / len(pairs) ** 0.5  # five standard errors
    values = {mix(s, t, b) for s in range(40) for t in range(40) for b in range(40)}
    assert len(values) == 40**3
    assert all(0 <= v < 2**63 for v in values)
    assert mix(1, 2) != mix(2, 1)
    assert mix(1) != mix(1, 0)
    assert generator(1, 2).initial_seed() == mix(1, 2)

"""Every draw is a function of (seed, step): from any start, in any order, alone or stacked."""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false
# pyright: reportOptionalSubscript=false
# Wrong arguments are given on purpose, and parts of modules are taken by index.

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from cases import PLANE, function, plane, tutorial
from gan_teach import data, dynamics
from gan_teach.dynamics.streams import DRAWS, Stream, generator, mix
from gan_teach.games import GAN, corrupt, penalties
from gan_teach.games.ensemble import stack
from gan_teach.models import MLP
from gan_teach.training import train


def tensors(batch):
    seen = []
    batch.map(lambda x: (seen.append(x), x)[1])
    return seen


def same(a, b):
    return len(tensors(a)) == len(tensors(b)) and all(map(torch.equal, tensors(a), tensors(b)))


def rich(seed=0):
    return plane(seed, penalties=[penalties.wgan_gp(), penalties.dragan()],
                 corrupt=corrupt.InstanceNoise(0.5))  # fmt: skip


@pytest.mark.parametrize("n", [1, 10, 700])  # drawn together, together, and one by one
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


SOURCES = {
    "points": data.Points(PLANE),
    "ring": data.ring(),
    "fixed, all in a batch": data.Fixed(PLANE),
    "fixed, some in a batch": data.Fixed(PLANE[:7]),
    "images": data.Points(torch.rand(9, 1, 4, 4, generator=generator(3))),
}


def game_of(source, latent=2, **settings):
    """A game on ``source`` whose networks matter to nobody here."""
    size = int(np.prod(source.shape))
    g = nn.Sequential(MLP(latent, size, depth=1), nn.Unflatten(-1, source.shape))
    d = nn.Sequential(nn.Flatten(-len(source.shape)), MLP(size, 1, depth=1))
    return GAN(g, d, data=source, latent=data.Normal(dim=latent), **settings)


@pytest.mark.parametrize("n", [12, 20, 300])
@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_real_samples_depend_on_seed_step_player_and_inner_step_alone(source, n):
    noisy = {"penalties": [penalties.wgan_gp(), penalties.dragan()],
             "corrupt": corrupt.InstanceNoise(0.5)}  # fmt: skip
    games = [game_of(source, k) for k in (2, 64, 512)]
    games += [game_of(source, k, **noisy) for k in (2, 512)]
    streams = [Stream(game, n, 3) for game in games]
    moments = [(s, p, i) for s in (0, 3, 64, 131) for p in "gd" for i in (0, 2)]
    first = {(s, p, i): streams[0].at(s)(p, i).real for s, p, i in moments}
    for stream in streams[1:]:
        for s, p, i in reversed(moments):  # the order of the calls is nothing
            assert torch.equal(stream.at(s)(p, i).real, first[s, p, i])
    members = [game_of(source, 8, corrupt=corrupt.InstanceNoise(0.1 * k)) for k in range(3)]
    together = Stream(stack(members), n, [5, 3, 5])
    for s, p, i in moments:
        assert torch.equal(together.at(s)(p, i).real[1], first[s, p, i])


def test_noise_and_penalties_leave_latents_alone():
    bare, full = Stream(plane(), 10, 0), Stream(rich(), 10, 0)
    for step in (0, 70):
        assert torch.equal(bare.at(step)("d").latent, full.at(step)("d").latent)


def test_more_steps_of_d_leave_the_draws_of_g_alone():
    def draws_of_g(d_steps):
        seen = []
        rule = dynamics.alternating(d_steps=d_steps)
        state = next(train(plane(), rule, steps=0, batch_size=10, seed=4))
        for step in range(70):
            draw = state.stream.at(step)

            def watched(player="d", i=0, draw=draw):
                batch = draw(player, i)
                seen.extend([batch] * (player == "g"))
                return batch

            watched.step = step
            rule(state.game, watched, state.optims)
        return seen

    one, five = draws_of_g(1), draws_of_g(5)
    assert len(one) == len(five) == 70
    assert all(map(same, one, five))


@pytest.mark.parametrize("n", [4, 10, 300])
def test_fixed_points_are_handed_out_equally_often(n):
    points = torch.arange(1000.0 if n == 300 else 10.0)
    stream = Stream(game_of(data.Fixed(points)), n, 0)
    seen = torch.cat([stream.at(step)("d").real for step in range(200)]).flatten().long()
    counts = seen.bincount(minlength=len(points)).float()
    assert counts.min() > 0.6 * counts.mean()
    assert counts.max() < 1.4 * counts.mean()
    batch = stream.at(7)("d").real.flatten()
    assert set((batch.diff() % len(points)).tolist()) == {1.0}  # in order


def test_these_draws_are_those_of_their_version():
    """Numbers of version 2: if they change, so must ``DRAWS``."""
    assert DRAWS == 2
    together, alone = Stream(game_of(data.Normal(dim=2)), 2, 1), Stream(plane(), 200, 1)
    first = together.at(70)("g", 1)
    expected = [[-0.9925, -0.9349], [0.4338, -0.4146], [0.0359, 0.5597], [-0.4677, -0.5244]]
    torch.testing.assert_close(
        torch.cat([first.real, first.latent]), torch.tensor(expected), rtol=0, atol=1e-4
    )
    later = alone.at(70)("g", 1).latent[0].float()
    torch.testing.assert_close(later, torch.tensor([-0.3788, -0.2123]), rtol=0, atol=1e-4)


def test_the_global_generator_stays_as_it_was():
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


@pytest.mark.parametrize("player", ["G", "D", 0, None])
def test_a_batch_is_drawn_for_a_player(player):
    with pytest.raises(ValueError, match=f"'g' or 'd', got {player!r}"):
        Stream(plane(), 4, 0).at(0)(player)


def test_a_draw_without_words_is_the_discriminators_first():
    draw = Stream(plane(), 4, 0).at(3)
    batches = [draw(), draw("d"), draw("d", 0)]
    assert all(torch.equal(b.real, batches[0].real) for b in batches)
    assert all(torch.equal(b.latent, batches[0].latent) for b in batches)
    assert not torch.equal(draw("d", 1).latent, batches[0].latent)


def test_a_source_that_runs_out_is_named():
    class Once:
        shape = (1,)

        def sample(self, n, rng):
            return torch.randperm(100, generator=rng)[:n, None].float()

    game = GAN(MLP(1, 1), MLP(1, 1), data=Once(), latent=data.Normal(dim=1))
    with pytest.raises(ValueError, match=r"data.sample\(640, rng\) must return 640 samples, got"):
        list(train(game, steps=1, batch_size=10))

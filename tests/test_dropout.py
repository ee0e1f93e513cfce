"""Dropout is a function of seed and step, and an ensemble's members have masks of their own."""

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from gan_teach import dynamics
from gan_teach.data import Normal, Points
from gan_teach.dynamics.streams import generator, mix
from gan_teach.games import GAN
from gan_teach.games.ensemble import stack
from gan_teach.models import MLP, dropout, stack_modules
from gan_teach.training import EMA, observe, probes, record, train

SEEN: dict[str, Any] = {"params": probes.params(), "g": probes.loss("g"), "d": probes.loss("d")}


def mlp(n_in, n_out, seed):
    return MLP(n_in, n_out, width=6, dropout=0.4, seed=seed)


def game(seed):
    real = Points(torch.randn(40, 2, generator=generator(seed), dtype=torch.float64))
    return GAN(
        mlp(2, 2, 2 * seed), mlp(2, 1, 2 * seed + 1), data=real, latent=Normal(dim=2),
        label_smoothing=0.9,
    ).to(torch.float64)  # fmt: skip


RULES = {
    "alternating": dynamics.alternating,
    "shared batch": lambda: dynamics.alternating(redraw="none", d_every=2),
    "extragradient": dynamics.extragradient,
}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_members_equal_single_runs(rule):
    seeds = [5, 0, 7]
    settings: dict[str, Any] = {"steps": 5, "lr": 0.1, "batch_size": 8}
    games = [game(s) for s in seeds]
    together = record(train(stack(games), rule(), seed=seeds, **settings), **SEEN)
    for i, seed in enumerate(seeds):
        alone = record(train(game(seed), rule(), seed=seed, **settings), **SEEN)
        for name in SEEN:
            np.testing.assert_allclose(
                together.member(i)[name], alone[name], rtol=1e-10, atol=1e-12
            )


def test_the_masks_of_a_member_are_those_that_torch_draws_alone():
    ours, x = dropout.MemberDropout(0.3), torch.ones(3, 50, 40)
    with dropout.masks_of([11, 12, 13], [ours]):
        seen = ours(x)
    for seed, member in zip([11, 12, 13], seen, strict=True):
        torch.manual_seed(seed)
        assert torch.equal(member, nn.Dropout(0.3)(x[0]))
    assert not torch.equal(seen[0], seen[1])
    assert seen.unique().tolist() == [0.0, pytest.approx(1 / 0.7)]


def test_members_share_no_mask_and_layers_none_either():
    net = stack_modules([mlp(2, 1, seed=0), mlp(2, 1, seed=0)])  # two equal members
    x = torch.ones(2, 30, 2)
    with dropout.masks_of([1, 2], dropout.dropouts(net)):
        first, second = net(x), net(x)
    assert not torch.equal(first[0], first[1])
    assert not torch.equal(first, second)
    with dropout.masks_of([1, 1], dropout.dropouts(net)):
        same = net(x)
    assert torch.equal(same[0], same[1])
    assert torch.equal(same[0], first[0])


def test_nothing_drops_in_evaluation_mode():
    net = stack_modules([mlp(2, 1, 0), mlp(2, 1, 1)]).eval()
    x = torch.ones(2, 30, 2)
    with dropout.masks_of([1, 2], dropout.dropouts(net)):
        torch.testing.assert_close(net(x), stack_modules([mlp(2, 1, 0), mlp(2, 1, 1)]).eval()(x))
        assert not dropout.drops_units(net)


def test_dropout_between_layers_that_know_no_members_is_refused():
    nets = [nn.Sequential(nn.Unflatten(1, (1, 2)), nn.Flatten(), *mlp(2, 1, i)) for i in range(2)]
    with pytest.raises(ValueError, match="network with dropout can be stacked where"):
        stack_modules(nets)


def test_an_ensemble_leaves_the_global_state_alone_and_can_be_copied():
    run = train(stack([game(0), game(1)]), steps=3, batch_size=8, seed=[0, 1])
    before = torch.get_rng_state()
    state = next(run)
    mean = EMA(state.game.modules()["generator"], half_life=2)
    for state in observe(run, mean):
        copy.deepcopy(state.game)
    assert torch.equal(torch.get_rng_state(), before)
    layers = [p for m in state.game.modules().values() for p in dropout.dropouts(m)]
    assert len(layers) == 4
    assert all(isinstance(p, dropout.MemberDropout) and p.rngs is None for p in layers)


def test_seeds_are_read_only_where_units_drop():
    def seeds():
        raise AssertionError("nobody needs them")
        yield mix(0)

    with dropout.masks_of(seeds(), [nn.Dropout(0.5).eval()]):
        pass

"""The published planar games: sizes, constants, data, and what their training settings do."""

import math

import numpy as np
import pytest
import torch

from gan_teach import zoo
from gan_teach.dynamics.optim import Adam
from gan_teach.dynamics.rules import Alternating
from gan_teach.games import losses
from gan_teach.games.ensemble import stack
from gan_teach.training import train

SIZES = {  # parameters of G and D, counted by hand from the layers in the docstrings
    zoo.two_clusters: (10 + 30 + 6, 20 + 110 + 11),
    zoo.five_gaussians: (17_154, 17_024),
    zoo.half_circles: (112_258, 66_433),
}
SETTINGS = {
    zoo.two_clusters: zoo.TWO_CLUSTERS,
    zoo.five_gaussians: zoo.FIVE_GAUSSIANS,
    zoo.half_circles: zoo.HALF_CIRCLES,
}
GAMES = pytest.mark.parametrize("make", SIZES, ids=lambda make: make.__name__)


def softplus(t):
    return np.log1p(np.exp(-np.abs(t))) + np.maximum(t, 0)


def values(game):
    """The losses of one batch by hand: logits through NumPy, from the networks' outputs."""
    batch = game.draw(100, torch.Generator().manual_seed(5))
    with torch.no_grad():
        real = game.critic(batch.real).double().numpy()
        fake = game.critic(game.generate(batch.latent)).double().numpy()
        found = game.losses(batch)
    return real, fake, float(found.g), float(found.d)


@GAMES
def test_the_networks_have_the_published_sizes(make):
    game = make(seed=3)
    assert (game.n_g, game.n_d) == SIZES[make]


def test_the_layers_of_the_half_circles_are_the_assignments():
    """Widths one by one: two that change places may leave the number of parameters as it was."""

    def sizes(network):
        return [tuple(p.shape) for name, p in network.named_parameters() if "weight" in name]

    hidden_g = [(256, 128), (256, 256), (2, 256)]
    d = [(128, 2), (256, 128), (128, 256), (1, 128)]
    for game, latent in ((zoo.half_circles(), 100), (zoo.half_circles_improved(), 2)):
        assert sizes(game.generator) == [(128, latent), *hidden_g]
        assert sizes(game.discriminator) == d


@GAMES
def test_seeds_change_weights_and_data_and_nothing_else_does(make):
    a, b, c = make(seed=1), make(seed=1), make(seed=2)
    state = torch.get_rng_state()
    params = (game.g_params + game.d_params for game in (a, b, c))
    for x, y, z in zip(*params, strict=True):
        assert torch.equal(x, y)
        assert not torch.equal(x, z)
    assert torch.equal(a.data.points, b.data.points)
    assert not torch.equal(a.data.points, c.data.points)
    assert torch.equal(torch.get_rng_state(), state)


def test_the_halved_js_and_the_pairing_have_the_value_log_2_at_the_equilibrium():
    for loss in ("js", "relativistic"):
        game = zoo.two_clusters(loss=loss)
        with torch.no_grad():  # a constant logit of 0 is the equilibrium's discriminator
            for p in game.discriminator[-1].parameters():
                p.zero_()
            batch = game.draw(100, torch.Generator())
            assert float(game.losses(batch).d) == pytest.approx(math.log(2), abs=1e-7)


def test_losses_by_hand():
    real, fake, g, d = values(zoo.two_clusters(loss="js"))
    assert g == pytest.approx(softplus(-fake).mean(), abs=1e-6)
    assert d == pytest.approx((softplus(-real).mean() + softplus(fake).mean()) / 2, abs=1e-6)
    real, fake, g, d = values(zoo.two_clusters(loss="non_saturating"))  # not halved
    assert d == pytest.approx(softplus(-real).mean() + softplus(fake).mean(), abs=1e-6)
    real, fake, g, d = values(zoo.two_clusters(loss="relativistic"))
    assert g == pytest.approx(softplus(real - fake).mean(), abs=1e-6)
    assert d == pytest.approx(softplus(fake - real).mean(), abs=1e-6)
    real, fake, g, d = values(zoo.five_gaussians(loss="js"))
    assert d == pytest.approx(softplus(-real).mean() + softplus(fake).mean(), abs=1e-6)
    assert zoo.five_gaussians(loss=losses.hinge).loss is losses.hinge


def test_two_clusters_pairs_the_same_hundred_points_for_ever():
    game = zoo.two_clusters(seed=4)
    first, second = (game.draw(100, torch.Generator().manual_seed(s)) for s in (1, 2))
    assert torch.equal(first.real, second.real)
    assert torch.equal(first.latent, second.latent)
    x = first.real[:, 0]
    assert ((x[::2] >= 0) & (x[::2] <= 0.3)).all()
    assert ((x[1::2] >= 4) & (x[1::2] <= 4.3)).all()
    assert first.latent.abs().max() <= 5
    assert first.latent.abs().max() > 4


def test_five_gaussians_keep_their_modes():
    data = zoo.five_gaussians(seed=0).data
    mode, distance = data.locate(data.points)
    assert len(data.points) == 10_000
    counts = np.bincount(mode.numpy(), minlength=5)
    assert np.abs(counts - 2000).max() < 4 * math.sqrt(2000 * 0.8)
    # the squared distance in std is exponential with mean 2 in the plane
    assert float(distance.square().mean()) == pytest.approx(2, abs=0.1)


def test_smoothing_sets_the_equilibrium_of_the_half_circles():
    game = zoo.half_circles()
    logit = torch.full((4,), math.log(0.45 / 0.55), dtype=torch.float64)
    assert float(game.loss.d(logit, logit)) == pytest.approx(1.376278, abs=1e-6)
    assert float(game.loss.g(logit, logit)) == pytest.approx(0.798508, abs=1e-6)


def test_the_improved_half_circles_are_the_same_s_in_tenths():
    a, b = zoo.half_circles(3), zoo.half_circles_improved(3)
    torch.testing.assert_close(zoo.UNIT * b.data.points, a.data.points, rtol=1e-4, atol=1e-4)
    x = torch.tensor([[2.0, -1.0], [-8.0, 9.0], [3.0, -18.0]], dtype=torch.float64)
    for one, other in zip(a.data.locate(x), b.data.locate(x / zoo.UNIT), strict=True):
        torch.testing.assert_close(one, other)
    assert [p.name for p in b.penalties] == ["r1", "r2"]


@GAMES
def test_training_settings_are_the_published_ones(make):
    rule = SETTINGS[make].rule()
    assert isinstance(rule, Alternating)
    expected = {
        zoo.two_clusters: (5000, 100, 1e-2, 10, 10, 1),
        zoo.five_gaussians: (20_000, 128, 1e-4, 1, 1, 1),
        zoo.half_circles: (15_800, 128, 2e-4, 1, 1, 2),
    }[make]
    setup = SETTINGS[make]
    numbers = (setup.steps, setup.batch_size, setup.lr, rule.d_steps, rule.g_steps, rule.d_every)
    assert numbers == expected
    assert rule.redraw == "none"


@GAMES
def test_training_runs_and_changes_may_be_given(make):
    run = SETTINGS[make].train(make(seed=0), steps=3, seed=1)
    states = [(state.step, state.optims.g.lr) for state in run]
    assert [step for step, _ in states] == [0, 1, 2, 3]
    assert states[0][1] == SETTINGS[make].lr
    with pytest.raises(TypeError, match="epochs"):
        SETTINGS[make].train(make(seed=0), epochs=3)


def test_an_epoch_of_two_clusters_is_ten_steps_of_each_on_one_batch():
    """Against torch's own SGD, written out as the published loop does it."""
    game, twin = zoo.two_clusters(seed=2, loss="js"), zoo.two_clusters(seed=2, loss="js")
    for g in (game, twin):
        g.to(torch.float64)
    batch = twin.draw(100, torch.Generator())
    d = torch.optim.SGD(twin.d_params, lr=1e-2, momentum=0.9)
    g = torch.optim.SGD(twin.g_params, lr=1e-2, momentum=0.9)
    for _ in range(3):
        for optimizer, loss in ((d, "d"), (g, "g")):
            for _ in range(10):
                optimizer.zero_grad()
                getattr(twin.losses(batch), loss).backward()
                optimizer.step()
    for _ in zoo.TWO_CLUSTERS.train(game, steps=3):
        pass
    for a, b in zip(game.g_params + game.d_params, twin.g_params + twin.d_params, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-11, atol=1e-12)


def test_five_gaussians_step_is_torchs_adam_on_one_batch():
    game, twin = (zoo.five_gaussians(1, "relativistic", width=8) for _ in range(2))
    for g in (game, twin):
        g.to(torch.float64)
    optimizers = {
        player: torch.optim.Adam(params, lr=1e-4, betas=(0.0, 0.9))
        for player, params in (("d", twin.d_params), ("g", twin.g_params))
    }
    run = zoo.FIVE_GAUSSIANS.train(game, steps=4, seed=6)
    stream = next(run).stream
    for state in run:
        batch = stream.at(state.step - 1)("d", 0)
        for player, optimizer in optimizers.items():
            optimizer.zero_grad()
            getattr(twin.losses(batch), player).backward()
            optimizer.step()
    for a, b in zip(game.g_params + game.d_params, twin.g_params + twin.d_params, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("make", [zoo.two_clusters, zoo.five_gaussians])
def test_members_equal_single_runs(make):
    options = {} if make is zoo.two_clusters else {"width": 16}
    kinds = [(0, "js"), (1, "relativistic"), (2, "js")]

    def build(seed, loss):
        game = make(seed, loss, **options)
        game.to(torch.float64)
        return game

    whole = stack([build(*kind) for kind in kinds])
    for _ in SETTINGS[make].train(whole, steps=5, seed=[seed for seed, _ in kinds]):
        pass
    for i, (seed, loss) in enumerate(kinds):
        alone = build(seed, loss)
        for _ in SETTINGS[make].train(alone, steps=5, seed=seed):
            pass
        members = [*whole.g_params, *whole.d_params]
        for a, b in zip(members, [*alone.g_params, *alone.d_params], strict=True):
            torch.testing.assert_close(a[i], b, rtol=1e-8, atol=1e-10)


def test_unit_output_adam_normalizes_the_output_layer_and_only_it():
    make = [zoo.five_gaussians(seed, "relativistic", width=4) for seed in range(2)]
    both = (zoo.FIVE_GAUSSIANS.optimizer, zoo.UnitOutputAdam)
    game = stack(make)
    for _ in zoo.FIVE_GAUSSIANS.train(game, steps=2, seed=[0, 1], optimizer=both):
        pass
    output = game.d_params[-1]
    torch.testing.assert_close(output.detach().norm(dim=(1, 2)), torch.ones(2))
    # the step itself is Adam's
    p, q = (torch.nn.Parameter(torch.tensor([[3.0, -4.0]])) for _ in range(2))
    gradient = torch.tensor([[0.3, 0.1]])
    zoo.UnitOutputAdam([p], 0.1).step([gradient])
    Adam([q], 0.1, betas=(0.0, 0.9)).step([gradient])
    torch.testing.assert_close(p, q / q.norm())


def test_an_unknown_loss_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"loss must be one of .*relativistic.*'rsgan'"):
        zoo.two_clusters(loss="rsgan")


def test_redraw_none_makes_shared_samples_once():
    """G runs once a round of ten D steps and ten G steps, plus once for each further G step."""
    game, calls = zoo.two_clusters(), []
    game.generator.register_forward_hook(lambda *args: calls.append(1))
    for _ in train(game, zoo.TWO_CLUSTERS.rule(), steps=1, batch_size=100):
        pass
    assert len(calls) == 10

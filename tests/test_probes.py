"""Probes against the same quantity computed by hand, and that looking changes nothing."""

# pyright: reportArgumentType=false, reportAttributeAccessIssue=false
# Wrong arguments are given on purpose, and parts of modules are taken by index.

import copy

import numpy as np
import pytest
import torch
from torch import nn

from cases import PLANE, dirac, function, plane, rng, tutorial
from gan_teach import data, dynamics, metrics, zoo
from gan_teach.analysis.spectra import flatten, jacobian, spectrum
from gan_teach.dynamics.streams import generator
from gan_teach.games import GAN, penalties
from gan_teach.games.ensemble import stack
from gan_teach.models import MLP
from gan_teach.training import probes, record, train


def state_of(game, steps=2, **settings):
    *_, state = train(game, steps=steps, lr=0.1, batch_size=6, **settings)
    return state


def test_params_are_the_generators_then_the_discriminators():
    state = state_of(dirac([1.0, 2.0], [3.0, 4.0]), steps=0)
    assert probes.params()(state).tolist() == [1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize("player", ["g", "d"])
def test_losses_and_gradient_norms_are_those_of_the_last_update(player):
    # simultaneous descent on one batch: both can be recomputed at the point before the update
    game = plane(penalties=penalties.r1(0.3))
    run = train(game, dynamics.simultaneous(), steps=2, lr=0.1, batch_size=6)
    before = next(run)
    assert probes.loss(player)(before).isnan()
    assert probes.gradient_norm(player)(before).isnan()
    value = getattr(game.losses(before.stream.at(0)()), player)
    grads = torch.autograd.grad(value, getattr(game, f"{player}_params"))
    norm = np.sqrt(sum(float((g**2).sum()) for g in grads))
    after = next(run)
    assert probes.loss(player)(after).item() == pytest.approx(value.item(), rel=1e-12)
    assert probes.gradient_norm(player)(after).item() == pytest.approx(norm, rel=1e-12)


def test_samples_use_the_same_latents_throughout():
    probe = probes.samples(7, seed=3)
    history = record(train(tutorial(), steps=3, lr=0.1, batch_size=10), fake=probe,
                     params=probes.params())  # fmt: skip
    z = data.Uniform().sample(7, generator(3)).double().numpy()
    for fake, (w, b, _, _) in zip(history["fake"], history["params"], strict=True):
        np.testing.assert_allclose(fake, w * z + b, rtol=1e-12)


def test_mode_scores_are_those_of_the_samples():
    single, stacked = (
        zoo.five_gaussians(0, width=4),
        [zoo.five_gaussians(s, width=4) for s in (0, 1)],
    )
    for game, seed in ((single, 0), (stack(stacked), [0, 1])):
        state = state_of(game, seed=seed)
        fakes = probes.samples(50, seed=3)(state).cpu().double()
        measured = probes.mode_scores(50, seed=3)(state)
        rows = [(measured, fakes)] if game is single else zip(measured, fakes, strict=True)
        for row, x in rows:
            report = metrics.mode_report(x, data.ring())
            assert row.tolist() == [report.covered, report.high_quality, report.reverse_kl]


def test_a_diverged_generator_has_no_mode_scores():
    state = state_of(zoo.five_gaussians(0, width=4))
    with torch.no_grad():
        state.game.g_params[0].fill_(torch.nan)
    assert np.isnan(probes.mode_scores(50)(state)).all()


def test_d_on_a_grid_and_scores():
    game = tutorial(3)
    state = state_of(game)
    a, c = (p.item() for p in game.d_params)
    w, b = (p.item() for p in game.g_params)
    grid = torch.linspace(-1, 7, 9)
    expected = 1 / (1 + np.exp(-(a * grid.double().numpy() + c)))
    for points in (grid, grid[:, None]):
        np.testing.assert_allclose(probes.discriminator_on(points)(state), expected, rtol=1e-12)
    x = game.data.sample(10, rng()).double().numpy()
    z = data.Uniform().sample(10, generator(5 + 1)).double().numpy()
    by_hand = [(1 / (1 + np.exp(-(a * at + c)))).mean() for at in (x, w * z + b)]
    np.testing.assert_allclose(probes.scores(10, seed=5)(state), by_hand, rtol=1e-12)


def test_scores_are_the_answers_that_train_the_networks():
    """With batch norm the losses of the next update follow from them, not from evaluation mode."""
    game = zoo.image_gan("mnist-dcgan", features=4, latent=8).game(data.small_mnist(), 0)
    *_, state = train(game, steps=30, lr=2e-3, optimizer="adam", batch_size=32)
    before = copy.deepcopy(game.discriminator.state_dict())
    seen = probes.scores(500, seed=3)(state)
    after = game.discriminator.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    draw = game.data.sample(500, generator(3)), game.latent.sample(500, generator(4))
    with torch.no_grad():
        d_real = torch.sigmoid(game.critic(draw[0])).mean()
        d_fake = torch.sigmoid(game.critic(game.generator(draw[1]))).mean()
    np.testing.assert_allclose(seen, [d_real, d_fake], atol=1e-6)


def test_d_on_points_of_the_plane():
    state = state_of(plane())
    expected = torch.sigmoid(state.game.critic(PLANE.double())).detach()
    torch.testing.assert_close(probes.discriminator_on(PLANE)(state), expected)


def test_eigenvalues_are_of_a_fixed_batch_or_the_one_given():
    game = plane()
    state = state_of(game)
    batch = game.draw(9, generator(2))
    expected = spectrum(jacobian(game, batch))
    np.testing.assert_allclose(probes.eigenvalues(n=9, seed=2)(state), expected)
    np.testing.assert_allclose(probes.eigenvalues(batch)(state), expected)
    # R1 Dirac-GAN at its equilibrium: the Hessian of L_D by psi is gamma, by theta 0, mixed 1/2
    at_rest = state_of(dirac(0.0, 0.0, penalties=penalties.r1(0.3)), steps=0)
    closed = np.linalg.eigvalsh([[0.0, 0.5], [0.5, 0.3]])
    np.testing.assert_allclose(probes.eigenvalues(of="d")(at_rest), closed, atol=1e-12)


def noisy_networks():
    """Batch statistics and dropout: what a careless probe would disturb."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(8)
        g = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))
    d = MLP(2, 1, width=4, depth=1, dropout=0.5)
    return GAN(g, d, data=data.Points(PLANE), latent=data.Normal(dim=2))


def every_probe():
    return {
        "params": probes.params(), "g_loss": probes.loss("g"), "d_norm": probes.gradient_norm("d"),
        "fake": probes.samples(5), "scores": probes.scores(5),
        "surface": probes.discriminator_on(PLANE), "eigenvalues": probes.eigenvalues(n=5),
        "curvature": probes.eigenvalues(n=5, of="g"),
    }  # fmt: skip


@pytest.mark.parametrize("which", ["LR", "LM"])
def test_the_extreme_eigenvalues_of_an_image_gan_are_those_of_its_whole_jacobian(which):
    game = image_game(autocast="bf16")
    state = state_of(game)
    found = probes.extreme_eigenvalues(4, which=which, n=5, tau=2.0)(state)
    exact = image_game()
    for name, network in game.modules().items():
        getattr(exact, name).load_state_dict(network.state_dict())
        getattr(exact, name).double().eval()
    assert exact.dtype == torch.float64
    whole = np.linalg.eigvals(jacobian(exact, exact.draw(5, generator(0))).at(2.0))
    size = {"LR": np.real, "LM": np.abs}[which]
    assert not np.isnan(found[:4]).any()
    want = np.sort(size(whole))[::-1][:4]
    np.testing.assert_allclose(size(found[:4]), want, rtol=1e-6, atol=1e-9)
    for value in found[~np.isnan(found)]:
        assert abs(whole - value).min() < 1e-6 * abs(whole).max()


def test_extreme_eigenvalues_need_a_gan():
    with pytest.raises(TypeError, match=r"eigenvalues\(\)"):
        probes.extreme_eigenvalues()(state_of(function()))


def image_game(**options):
    """Batch norm in G, spectral norm in D, a penalty: all that can go wrong in a Hessian."""
    images = data.Images(torch.rand(20, 1, 4, 4, generator=rng(0)))
    torch.manual_seed(0)
    g = nn.Sequential(
        nn.Linear(2, 8), nn.Unflatten(1, (2, 2, 2)), nn.BatchNorm2d(2), nn.Softplus(),
        nn.ConvTranspose2d(2, 1, 4, 2, 1), nn.Tanh(),
    )  # fmt: skip
    first = nn.utils.parametrizations.spectral_norm(nn.Conv2d(1, 2, 4, 2, 1))
    d = nn.Sequential(first, nn.Softplus(), nn.Flatten(), nn.Linear(8, 1), nn.Flatten(0))
    return GAN(g, d, data=images, latent=data.Normal(dim=2), penalties=penalties.r1(1.0), **options)


def test_looking_changes_nothing():
    random_state = torch.get_rng_state()
    looked, left_alone = noisy_networks(), noisy_networks()
    settings = {"steps": 3, "lr": 0.05, "batch_size": 6}
    history = record(train(looked, **settings), **every_probe())
    for _ in train(left_alone, **settings):
        pass
    assert torch.equal(flatten(looked), flatten(left_alone))
    for name, module in looked.modules().items():
        for key, value in module.state_dict().items():
            assert torch.equal(value, left_alone.modules()[name].state_dict()[key]), key
        assert all(part.training for part in module.modules())
    assert torch.equal(torch.get_rng_state(), random_state)
    again = record(train(noisy_networks(), **settings), **every_probe())
    for key in history:  # and what was seen is no matter of chance
        np.testing.assert_array_equal(history[key], again[key])


def test_recorded_arrays_share_no_memory_with_the_run():
    game = plane()
    history = record(train(game, steps=2, lr=0.1, batch_size=4), **every_probe())
    before = {k: copy.deepcopy(history[k]) for k in history}
    with torch.no_grad():
        for p in (*game.g_params, *game.d_params):
            p.add_(1.0)
    assert all(np.array_equal(history[k], before[k], equal_nan=True) for k in history)


def test_one_probe_object_serves_several_runs():
    probe = probes.scores(4)
    for mean in (0.0, 50.0):
        game = plane()
        game.data = data.Normal(mean, 1.0, dim=2)
        seen = probe(state_of(game, steps=0))
        np.testing.assert_allclose(seen, probes.scores(4)(state_of(game, steps=0)))


BAD = {
    "player": (lambda: probes.loss("D"), ValueError, "player must be one of g, d; got 'D'"),
    "norm": (lambda: probes.gradient_norm("x"), ValueError, "player must be one of g, d"),
    "n": (lambda: probes.samples(0), ValueError, "n must be at least 1, got 0"),
    "objective": (
        lambda: probes.eigenvalues(of="values")(state_of(plane())),
        ValueError, "of must be one of .*value.*'values'",
    ),
    "no GAN": (
        lambda: probes.samples()(state_of(function())), TypeError, "game must be GAN, got Function",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "message"), BAD.values(), ids=BAD)
def test_bad_arguments(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


def test_the_slope_is_the_difference_quotient_of_the_logit():
    game = plane()
    at = torch.randn(9, 2, generator=rng(4), dtype=torch.float64)
    state = state_of(game, steps=1)
    slope = probes.slope_on(at)(state)
    h = 1e-6
    with torch.no_grad():
        rise = [
            (state.game.critic(at + h * e) - state.game.critic(at - h * e)) / (2 * h)
            for e in torch.eye(2, dtype=torch.float64)
        ]
    np.testing.assert_allclose(slope, torch.hypot(*rise), rtol=1e-6)
    assert not slope.requires_grad


def test_the_slope_of_a_stack_is_that_of_its_members():
    from gan_teach.games.ensemble import stack
    from gan_teach.zoo import five_gaussians

    members = [five_gaussians(seed, width=8) for seed in (0, 1)]
    at = torch.randn(6, 2, generator=rng(5))
    (whole,) = record(train(stack(members), steps=0, seed=[0, 1]), slope=probes.slope_on(at))[
        "slope"
    ]
    for row, member in zip(whole, members, strict=True):
        (alone,) = record(train(member, steps=0), slope=probes.slope_on(at))["slope"]
        np.testing.assert_allclose(row, alone, rtol=1e-5)

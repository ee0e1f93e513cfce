"""Derivatives against closed forms, explicit double loops, finite differences and symmetry."""

# pyright: reportArgumentType=false
# Wrong arguments are given on purpose, and parts of modules are taken by index.

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

from cases import GAMES, dirac, function, image, plane, rng, tutorial
from gan_teach import data
from gan_teach.analysis import spectra
from gan_teach.analysis.spectra import definiteness, hessian, jacobian, spectrum
from gan_teach.games import GAN, Batch, FunctionGame, losses, penalties
from gan_teach.games.base import flatten, shaped, split
from gan_teach.models import MLP, Affine1D
from gan_teach.training import record, train
from gan_teach.training.probes import params

F64 = torch.float64


def expit(t):
    return 1 / (1 + math.exp(-t))


# --- closed forms


@pytest.mark.parametrize("loss", ["saturating", "non_saturating"])
def test_the_dirac_gan_at_its_equilibrium(loss):
    # Mescheder et al. (2018): J = [[0, -1/2], [1/2, ...]] up to orientation; with R1(0.3)
    # eigenvalues -0.15 +- 0.477i. A detached fake batch would give 0 and -0.3.
    game = dirac(0.0, 0.0, loss=loss, penalties=penalties.r1(0.3))
    J = jacobian(game, game.draw(8, rng()))
    assert (J.n_g, J.n_d) == (1, 1)
    blocks = [[J.gg, J.gd], [J.dg, J.dd]]
    np.testing.assert_allclose(np.block(blocks), [[0, 0.5], [-0.5, -0.3]], atol=1e-14)
    root = 0.5j * math.sqrt(4 * 0.25 - 0.3**2)
    np.testing.assert_allclose(spectrum(J), [-0.15 + root, -0.15 - root], atol=1e-12)
    assert spectrum(J)[0] == pytest.approx(-0.15 + 0.477j, abs=1e-3)


def test_a_detached_fake_batch_would_be_caught():
    def d_detached(real, fake):
        return losses.non_saturating.d(real, fake.detach())

    wrong = losses.non_saturating._replace(name="detached", d=d_detached)
    game = dirac(0.0, 0.0, loss=wrong, penalties=penalties.r1(0.3))
    values = spectrum(jacobian(game, game.draw(8, rng())))
    np.testing.assert_allclose(values, [0.0, -0.3], atol=1e-12)  # the published mistake


@pytest.mark.parametrize(("theta", "psi"), [(0.75, -1.25), (2.0, 0.5)])
def test_the_dirac_gan_anywhere(theta, psi):
    # v = (psi s(-t), -theta s(t) - gamma psi) with t = psi theta and s' = s (1 - s)
    gamma, t = 0.3, theta * psi
    slope = expit(t) * expit(-t)
    game = dirac(theta, psi, penalties=penalties.r1(gamma))
    batch = game.draw(4, rng())
    v = [psi * expit(-t), -theta * expit(t) - gamma * psi]
    np.testing.assert_allclose(spectra.vector_field(game, batch), v, rtol=1e-12)
    by_hand = [
        [-psi * psi * slope, expit(-t) - t * slope],
        [-expit(t) - t * slope, -theta * theta * slope - gamma],
    ]
    np.testing.assert_allclose(jacobian(game, batch).matrix, by_hand, rtol=1e-12)


def with_moments(n, mean, variance):
    """n points with exactly this mean and variance."""
    x = torch.linspace(-1, 1, n, dtype=F64)
    return (mean + x * math.sqrt(variance / x.square().mean().item()))[:, None]


@pytest.mark.parametrize(
    ("w", "published"),
    [
        (0.0, [-13.2633, -0.1021, 0.0, 0.1154]),
        (1.0, [-13.2833, -0.1024, 0.0, 0.1149]),
        (2.32, [-13.3711, -0.1037, 0.0, 0.1127]),
    ],
)
def test_the_tutorial_at_its_equilibrium(w, published):
    # data N(5, 1), latents U(0, 1), D = 1/2, generated mean 5: with exact moments the Hessian of V
    # has H_aa = -(E x^2 + E G^2) / 4, H_ac = -5/2, H_cc = -1/2, H_wa = -1/4, H_ba = -1/2, else 0
    game = tutorial()
    with torch.no_grad():
        for p, value in zip((*game.g_params, *game.d_params), (w, 5 - w / 2, 0, 0), strict=True):
            p.fill_(value)
    batch = Batch(with_moments(20, 5.0, 1.0), with_moments(20, 0.5, 1 / 12))
    matrix = hessian("value", game, batch)
    by_hand = np.zeros((4, 4))
    by_hand[2, 2], by_hand[3, 3] = -(26 + 25 + w * w / 12) / 4, -0.5
    by_hand[2, 3] = by_hand[3, 2] = -2.5
    by_hand[0, 2] = by_hand[2, 0] = -0.25
    by_hand[1, 2] = by_hand[2, 1] = -0.5
    np.testing.assert_allclose(matrix, by_hand, atol=1e-12)
    values = spectra.symmetric_spectrum(matrix)
    np.testing.assert_allclose(values, published, atol=1e-4)
    assert abs(values[2]) < 1e-12  # one eigenvalue is exactly zero: only w E z + b is identified
    assert definiteness(values).word == "saddle"


def test_a_quadratic_game_has_its_matrix():
    # cases.value: v = (-grad_x f, grad_y f) is linear, so J is constant
    game = function()
    expected = [[-0.6, 0, -1], [0, -0.2, -0.5], [1, 0.5, -0.4]]
    J = jacobian(game, game.draw())
    np.testing.assert_allclose(J.matrix, expected, atol=1e-14)
    np.testing.assert_allclose(
        spectra.vector_field(game, game.draw()), np.array(expected) @ flatten(game).numpy()
    )
    slow = J.at(4.0)
    np.testing.assert_allclose(slow, np.diag([1, 1, 4]) @ expected)
    np.testing.assert_allclose(spectrum(J, tau=4.0), spectrum(slow))


# --- second algorithms


@pytest.mark.parametrize("make", GAMES.values(), ids=GAMES)
def test_jacobian_by_finite_differences(make):
    game = make(0)
    batch = game.draw(4, rng())
    w, h = flatten(game), 1e-5
    matrix = jacobian(game, batch).matrix
    for i in range(0, len(w), max(1, len(w) // 10)):
        step = torch.zeros_like(w)
        step[i] = h
        ends = (spectra.vector_field(game, batch, w + s * step) for s in (1, -1))
        column = (next(ends) - next(ends)).numpy() / (2 * h)
        np.testing.assert_allclose(matrix[:, i], column, rtol=1e-6, atol=1e-8)


def double_loop(game, batch, objective):
    """Second derivatives entry by entry, from the game's own parameters."""
    own = [*game.g_params, *game.d_params]
    first = torch.autograd.grad(objective(game.losses(batch)), own, create_graph=True,
                                allow_unused=True, materialize_grads=True)  # fmt: skip
    rows = []
    for gradient in first:
        for entry in gradient.flatten():
            row = torch.autograd.grad(entry, own, retain_graph=True, allow_unused=True,
                                      materialize_grads=True)  # fmt: skip
            rows.append(torch.cat([r.flatten() for r in row]))
    return torch.stack(rows).numpy()


@pytest.mark.parametrize("of", ["g", "d", "value"])
@pytest.mark.parametrize("make", [tutorial, plane, image], ids=["tutorial", "plane", "image"])
def test_hessian_by_an_explicit_double_loop(make, of):
    game = make(0, penalties=penalties.r1(0.3))
    batch = game.draw(4, rng())
    matrix = hessian(of, game, batch)
    np.testing.assert_allclose(matrix, double_loop(game, batch, spectra.OBJECTIVES[of]), atol=1e-10)
    np.testing.assert_array_equal(matrix, matrix.T)
    own = hessian(lambda x: 2 * spectra.OBJECTIVES[of](x), game, batch)
    np.testing.assert_allclose(own, 2 * matrix, atol=1e-12)


@pytest.mark.parametrize("of", ["g", "d"])
def test_hessian_by_finite_differences(of):
    # fourth-order central differences of the loss itself along random pairs of directions
    game = plane(width=3)
    batch = game.draw(5, rng())
    w = flatten(game)
    matrix = hessian(of, game, batch)

    def value(point):
        return getattr(game.losses(batch, shaped(game, *split(game, point))), of).item()

    h, weights = 0.02, {2: -1 / 12, 1: 4 / 3, 0: -5 / 2, -1: 4 / 3, -2: -1 / 12}
    for seed in range(5):
        u = torch.randn(len(w), dtype=F64, generator=rng(seed))
        u /= u.norm()
        numeric = sum(c * value(w + k * h * u) for k, c in weights.items()) / h**2
        assert u.numpy() @ matrix @ u.numpy() == pytest.approx(numeric, rel=1e-4, abs=1e-6)


def test_the_jacobian_is_made_of_the_players_hessians():
    game = plane(penalties=penalties.wgan_gp())
    batch = game.draw(5, rng())
    J, g, d = jacobian(game, batch), hessian("g", game, batch), hessian("d", game, batch)
    n = game.n_g
    np.testing.assert_allclose(
        np.vstack([J.gg, J.dg]), -np.vstack([g[:n, :n], d[n:, :n]]), atol=1e-12
    )
    np.testing.assert_allclose(
        np.vstack([J.gd, J.dd]), -np.vstack([g[:n, n:], d[n:, n:]]), atol=1e-12
    )


# --- properties


def test_swapping_the_players_permutes_the_blocks():
    def f(x, y):
        return (x * x).sum() * y[0] + torch.sin(x[1] * y[1]) + y[2] * x[0]

    def g(x, y):
        return torch.cos(x[0] + y[0] * y[1]) - y[2] * y[2] * x[1]

    x, y = torch.randn(2, dtype=F64, generator=rng(1)), torch.randn(3, dtype=F64, generator=rng(2))
    one = FunctionGame(f, g, x, y)
    two = FunctionGame(lambda y, x: g(x, y), lambda y, x: f(x, y), y, x)
    a, b = jacobian(one, one.draw()), jacobian(two, two.draw())
    for block, swapped in (("gg", "dd"), ("gd", "dg"), ("dg", "gd"), ("dd", "gg")):
        np.testing.assert_allclose(getattr(a, block), getattr(b, swapped), atol=1e-14)
    np.testing.assert_allclose(spectrum(a), spectrum(b), atol=1e-12)


def test_a_zero_sum_game_has_antisymmetric_coupling():
    game = tutorial(1)
    with torch.no_grad():
        for p in game.d_params:
            p.add_(0.3)
    J = jacobian(game, game.draw(10, rng()))
    np.testing.assert_allclose(J.gd, -J.dg.T, atol=1e-14)
    assert np.abs(J.gd).max() > 0.01


@pytest.mark.parametrize("make", GAMES.values(), ids=GAMES)
def test_flatten_and_shaped_are_inverse(make):
    game = make(0)
    w = flatten(game)
    g, d = shaped(game, *split(game, w))
    assert [p.shape for p in (*g, *d)] == [p.shape for p in (*game.g_params, *game.d_params)]
    assert torch.equal(torch.cat([p.flatten() for p in (*g, *d)]), w)
    assert w.requires_grad is False


class Rescaled(nn.Sequential):
    """A generator with a buffer of two entries: as many as snapshots, in one of the tests."""

    def __init__(self):
        super().__init__(nn.Linear(2, 2))
        self.register_buffer("scale", torch.tensor([1.0, -3.0]))

    def forward(self, x):
        return super().forward(x) * self.scale


def normalized(training):
    g = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Tanh(), nn.Linear(3, 2))
    d = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Tanh(), nn.Linear(3, 1))
    return g.train(training), d.train(training)


BUFFERED = {
    "two entries": lambda: (Rescaled(), MLP(2, 1, width=3, activation="tanh")),
    "BatchNorm, training": lambda: normalized(True),
    "BatchNorm, evaluating": lambda: normalized(False),
}


@pytest.mark.parametrize("snapshots", [1, 2, 3])
@pytest.mark.parametrize("make", BUFFERED.values(), ids=BUFFERED)
def test_snapshots_of_networks_with_buffers_are_one_at_a_time(make, snapshots):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        nets = make()
    game = GAN(*nets, data=data.ring(8), latent=data.Normal(dim=2))  # buffers in float32
    points = torch.randn(snapshots, game.n_g + game.n_d, dtype=F64, generator=rng(1))
    batch = game.draw(6, rng())
    before = copy.deepcopy([net.state_dict() for net in nets])
    together = jacobian(game, batch, points)
    values = spectra.spectra(game, points, batch)
    for i, point in enumerate(points):
        alone = jacobian(game, batch, point)
        np.testing.assert_allclose(together.matrix[i], alone.matrix, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(values[i], spectrum(alone), rtol=1e-7, atol=1e-7)
    for net, state in zip(nets, before, strict=True):
        assert all(torch.equal(state[k], v) for k, v in net.state_dict().items())


def test_a_point_in_double_precision_is_evaluated_in_double():
    exact, single = plane(penalties=penalties.r1(0.5)), plane(penalties=penalties.r1(0.5))
    batch, w = exact.draw(5, rng()), flatten(exact)
    single.to(torch.float32)
    by_single = batch.map(lambda x: x.to(torch.float32))
    rounded = by_single.map(lambda x: x.double())
    for call in (spectra.vector_field, lambda *a: jacobian(*a).matrix, lambda *a: hessian("d", *a)):
        np.testing.assert_array_equal(call(single, by_single, w), call(exact, rounded, w))
    assert spectra.vector_field(single, by_single, w).dtype == F64


@pytest.mark.parametrize("of", [None, "value"])
@pytest.mark.parametrize("make", GAMES.values(), ids=GAMES)
def test_all_snapshots_at_once_are_one_at_a_time(make, of):
    game = make(0)
    points = torch.stack([flatten(game), flatten(make(1))])
    batch = game.draw(3, rng())
    together = spectra.spectra(game, points.numpy(), batch, of=of)
    for row, point in zip(together, points, strict=True):
        if of is None:
            alone = spectrum(jacobian(game, batch, point))
        else:
            alone = spectra.symmetric_spectrum(hessian(of, game, batch, point))
        np.testing.assert_allclose(row, alone, rtol=1e-7, atol=1e-8)


def test_chunks_of_a_long_run_make_no_difference(monkeypatch):
    game = tutorial()
    points = record(train(tutorial(), steps=9, lr=0.1, batch_size=10), params=params())["params"]
    batch = game.draw(10, rng())
    whole = spectra.spectra(game, points, batch, of="value")
    monkeypatch.setattr(spectra, "_CHUNK_ELEMENTS", 1)  # one snapshot a chunk
    np.testing.assert_allclose(spectra.spectra(game, points, batch, of="value"), whole, atol=1e-12)


def test_spectra_of_single_precision_games_are_evaluated_in_double():
    game = tutorial().to(torch.float32)
    points = np.random.default_rng(0).normal(size=(3, 4))
    batch = game.draw(5, rng())
    exact = spectra.spectra(tutorial(), points, batch.map(lambda x: x.double()), of="value")
    np.testing.assert_allclose(spectra.spectra(game, points, batch, of="value"), exact, rtol=1e-12)


def test_diverged_snapshots_are_nan_and_leave_the_others():
    game, points = tutorial(), np.zeros((3, 4))
    points[1] = np.nan
    for of in (None, "value"):
        values = spectra.spectra(game, points, game.draw(5, rng()), of=of)
        assert np.isnan(values).all(-1).tolist() == [False, True, False]
        np.testing.assert_array_equal(values[0], values[2])


def test_spectrum_sorts_and_takes_plain_matrices():
    values = spectrum([[0.0, 1, 0], [-1, 0, 0], [0, 0, 2]])
    np.testing.assert_allclose(values, [2, 1j, -1j], atol=1e-12)
    stack = np.stack([np.diag([1.0, 3.0]), np.full((2, 2), np.nan)])
    assert spectrum(stack)[0].tolist() == [3, 1]
    assert np.isnan(spectrum(stack)[1]).all()


@pytest.mark.parametrize("mute", ["G", "D"])
def test_a_loss_that_sees_no_parameters_has_zero_derivatives(mute):
    def silent(x, y):
        return torch.zeros(())

    def product(x, y):
        return (x * y).sum()

    losses = (silent, product) if mute == "G" else (product, silent)
    game = FunctionGame(*losses, [2.0], [3.0])
    row = [0.0, -1.0] if mute == "D" else [0.0, 0.0]
    other = [-1.0, 0.0] if mute == "G" else [0.0, 0.0]
    np.testing.assert_array_equal(jacobian(game, game.draw()).matrix, [row, other])
    np.testing.assert_array_equal(hessian(mute.lower(), game, game.draw()), np.zeros((2, 2)))


def test_analysing_changes_no_gradient_and_no_parameter():
    game = plane()
    before = flatten(game)
    batch = game.draw(4, rng())
    jacobian(game, batch)
    hessian("d", game, batch)
    assert torch.equal(flatten(game), before)
    assert all(p.grad is None and p.requires_grad for p in (*game.g_params, *game.d_params))


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ([1.0, 2.0], "positive definite"),
        ([-1.0, -2.0], "negative definite"),
        ([-1.0, 0.0, 2.0], "saddle"),
        ([0.0, 2.0], "degenerate"),
        ([0.0, 0.0], "degenerate"),
        ([-1e-12, 1.0], "degenerate"),
        ([-1e-12, 1e-6], "saddle"),
        ([-1e-8, 1.0], "saddle"),
    ],
)
def test_definiteness_in_words(values, word):
    found = definiteness(values)
    assert found.word == word
    assert found.tolerance == 1e-9 * max(abs(v) for v in values)


def dropping():
    d = MLP(1, 1, width=3, dropout=0.5)
    return GAN(Affine1D(), d, data=data.Normal(), latent=data.Uniform())


def test_dropout_has_no_derivatives_until_it_is_off():
    game = dropping()
    for call in (jacobian, spectra.vector_field, lambda g, b: hessian("d", g, b)):
        with pytest.raises(ValueError, match=r"discriminator drops units .*eval\(\)"):
            call(game, game.draw(4, rng()))
    game.discriminator.eval()
    assert np.isfinite(jacobian(game, game.draw(4, rng())).matrix).all()


BAD = {
    "objective": (lambda: hessian("v", tutorial(), None), "of must be one of g, d, value; got 'v'"),
    "length": (lambda: split(tutorial(), torch.zeros(3)), "w has 3 entries.*4 parameters"),
    "tau": (lambda: spectrum(jacobian(function(), None), tau=0), "tau must be above 0, got 0"),
    "nothing": (lambda: definiteness([]), "eigenvalues is empty"),
    "NaN": (lambda: definiteness([1, float("nan")]), "eigenvalues has 1 entries"),
}


@pytest.mark.parametrize(("call", "message"), BAD.values(), ids=BAD)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()

"""The GAN on the line: its closed forms against quadrature and finite differences."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy import integrate, optimize, stats

import gan_teach as gt
from gan_teach.analysis.spectra import spectra
from gan_teach.games.ensemble import stack
from gan_teach.zoo import line

GRID = np.linspace(-8.0, 12.0, 2001)


# -- the game --------------------------------------------------------------------------------------


def test_the_game_is_the_published_one():
    starts = []
    for seed in range(200):
        game = line.line_gan(seed)
        w, b, a, c = (float(p.detach()) for p in (*game.g_params, *game.d_params))
        assert b == c == 0
        starts += [w, a]
    assert stats.kstest(starts, "norm", args=(0, 0.1)).pvalue > 0.001
    assert game.loss == gt.losses.saturating


def test_ten_points_serve_for_ever_unless_fresh_ones_are_asked_for():
    for fresh in (False, True):
        game = line.line_gan(4, fresh_data=fresh)
        first, second = (game.draw(10, torch.Generator().manual_seed(s)).real for s in (0, 1))
        assert torch.equal(first.sort(0).values, second.sort(0).values) is not fresh
    means = [float(line.line_gan(s).draw(10, torch.Generator()).real.mean()) for s in range(100)]
    assert stats.kstest(means, "norm", args=(5, 0.1**0.5)).pvalue > 0.001


def test_a_seed_is_one_game():
    def numbers(seed):
        game = line.line_gan(seed)
        return [*(float(p.detach()) for p in game.g_params), *game.data.points[:, 0].tolist()]

    assert numbers(3) == numbers(3)
    assert numbers(3) != numbers(4)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"noise": -1.0}, "noise must be at least 0"), ({"noise": np.nan}, "noise"),
     ({"seed": -1}, "seed must be at least 0"), ({"loss": "saturated"}, "Did you mean")],
)  # fmt: skip
def test_bad_settings_are_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        line.line_gan(**wrong)


def test_the_batch_for_expectations_has_the_moments_of_the_latents():
    for game in (line.line_gan(0), stack([line.line_gan(s) for s in range(3)])):
        assert isinstance(game, gt.GAN)
        z = line.expectation_batch(game, 200).latent.double()
        np.testing.assert_allclose(z.mean(-2), 0.5, atol=1e-7)
        np.testing.assert_allclose((z * z).mean(-2), 1 / 3, atol=1e-5)
        real = line.expectation_batch(game, 200).real
        points = [m.points for m in game.data.members] if game.lead else [game.data.points]
        for x, own in zip(real.reshape(len(points), 200), points, strict=True):
            assert sorted(set(x.tolist())) == sorted(own[:, 0].tolist())


# -- densities and the best discriminator ----------------------------------------------------------


@pytest.mark.parametrize("w", [2.0, -3.0, 0.4])
@pytest.mark.parametrize("noise", [0.0, 0.3, 1.0])
def test_the_generated_density_is_that_of_its_samples(w, noise):
    rng = np.random.default_rng(0)
    samples = w * rng.uniform(size=4000) + 1.5 + noise * rng.normal(size=4000)
    fine = np.linspace(-12.0, 16.0, 56001)
    cumulative = np.cumsum(line.generated_density(fine, w, 1.5, noise)) * (fine[1] - fine[0])
    assert abs(cumulative[-1] - 1) < 2e-3
    assert stats.kstest(samples, lambda x: np.interp(x, fine, cumulative)).pvalue > 0.001


def test_many_generators_share_one_call():
    w, b = np.array([[1.0, 2.0], [-1.0, 0.5]]), np.array([[0.0, 3.0], [4.0, 5.0]])
    for of in (line.generated_density, line.optimal_discriminator):
        together = of(GRID, w, b, 0.5)
        assert together.shape == (2, 2, len(GRID))
        np.testing.assert_array_equal(together[1, 0], of(GRID, -1.0, 4.0, 0.5))


@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_a_generator_that_has_diverged_has_no_density(noise):
    w, b = [np.inf, 1.0, np.nan, np.inf, 1.0], [-np.inf, np.inf, 0.0, np.inf, 0.0]
    for of in (line.generated_density, line.optimal_discriminator):
        lost = np.isnan(of(GRID, w, b, noise)).all(1)
        np.testing.assert_array_equal(lost, [True, True, True, True, False])


@pytest.mark.parametrize("x", [0.0, 2.0, 4.5, 6.0])
@pytest.mark.parametrize("noise", [0.4, 1.0])
def test_the_best_discriminator_maximizes_the_value_at_each_point(x, noise):
    def blurred(density, ends):
        kernel = lambda t: density(t) * stats.norm.pdf(x - t, scale=noise)  # noqa: E731
        return integrate.quad(kernel, *ends, epsabs=1e-12)[0]

    p = blurred(lambda t: stats.norm.pdf(t, 5, 1), (-5, 15))
    q = blurred(lambda t: 1 / 2, (1.0, 3.0))
    # the derivative of p log(sigmoid(f)) + q log(1 - sigmoid(f)) changes sign at the best logit
    best: Any = optimize.brentq(lambda f: p / (1 + np.exp(f)) - q / (1 + np.exp(-f)), -40, 40)
    found = line.optimal_discriminator([x], 2.0, 1.0, noise)[0]
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-best)), atol=1e-9)


# -- the Hessian at the equilibrium ----------------------------------------------------------------


def value(theta, points, noise):
    """V with its expectations by quadrature: Gauss-Legendre over z, Gauss-Hermite over noise."""
    w, b, a, c = theta
    z, z_weights = np.polynomial.legendre.leggauss(12)
    e, e_weights = np.polynomial.hermite_e.hermegauss(20)
    z, z_weights, e_weights = (z + 1) / 2, z_weights / 2, e_weights / e_weights.sum()
    real = -np.logaddexp(0, -(a * (points[:, None] + noise * e) + c)) @ e_weights
    fake = -np.logaddexp(0, a * ((w * z + b)[:, None] + noise * e) + c) @ e_weights
    return real.mean() + fake @ z_weights


def second_differences(f, at, h=1e-3):
    n, steps = len(at), h * np.eye(len(at))
    out = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            signs = ((1, 1), (1, -1), (-1, 1), (-1, -1))
            out[i, j] = sum(s * t * f(at + s * steps[i] + t * steps[j]) for s, t in signs)
    return out / (4 * h * h)


@pytest.mark.parametrize("w", [0.0, 1.3, -2.32])
@pytest.mark.parametrize("noise", [0.0, 0.7])
def test_the_closed_form_is_the_second_derivative(w, noise):
    points = np.random.default_rng(1).normal(5, 1, 10)
    mean, second = points.mean(), (points**2).mean()
    at = np.array([w, mean - w / 2, 0.0, 0.0])
    measured = second_differences(lambda t: value(t, points, noise), at)
    closed = line.equilibrium_hessian(w, mean, second, noise)
    np.testing.assert_allclose(closed, measured, atol=2e-4)
    np.testing.assert_allclose(closed @ [1, -0.5, 0, 0], 0, atol=1e-15)


def test_the_measured_hessian_is_the_closed_form_where_the_means_agree():
    game = line.line_gan(2)
    game.to(torch.float64)
    x = game.data.points[:, 0].double().numpy()
    at = np.array([[1.7, x.mean() - 0.85, 0.0, 0.0]])
    measured = spectra(game, at, line.expectation_batch(game), of="value")[0]
    closed = line.equilibrium_hessian(1.7, x.mean(), (x * x).mean())
    np.testing.assert_allclose(measured, np.linalg.eigvalsh(closed), atol=1e-4)


@pytest.mark.parametrize(
    ("w", "eigenvalues"),
    [
        (0.0, [-13.2633, -0.1021, 0.0, 0.1154]),
        (1.0, [-13.2833, -0.1024, 0.0, 0.1149]),
        (2.32, [-13.3711, -0.1037, 0.0, 0.1127]),
    ],
)
def test_eigenvalues_for_the_ideal_data(w, eigenvalues):
    found = np.linalg.eigvalsh(line.equilibrium_hessian(w, 5.0, 26.0))
    np.testing.assert_allclose(found, eigenvalues, atol=6e-5)


@pytest.mark.parametrize(("w", "of_50", "of_100"), [(2.0, 30.8, 15.7), (5.0, 14.0, 20.5)])
def test_100_steps_of_d_beat_50_at_one_spread_and_not_at_another(w, of_50, of_100):
    """Games in which a small deviation falls by a factor of e, of the linear map at rest."""
    second = line.DATA.mean**2 + line.DATA.std**2
    H = np.asarray(line.equilibrium_hessian(w, line.DATA.mean, second, 0.0))
    d, g = np.eye(4), np.eye(4)
    d[2:] += 0.1 * H[2:]
    g[:2] -= 0.1 * H[:2]
    for k, games in ((50, of_50), (100, of_100)):
        sizes = abs(np.linalg.eigvals(g @ np.linalg.matrix_power(d, k)))
        slowest = max(size for size in sizes if abs(size - 1) > 1e-9)  # beside the zero mode
        assert -1 / np.log(slowest) == pytest.approx(games, abs=0.1)

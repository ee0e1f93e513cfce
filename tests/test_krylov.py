"""Oracles: matrices built from known eigenvalues, NumPy's dense solver, the dense game Jacobian."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy.sparse.linalg import LinearOperator

import gan_teach as gt
from gan_teach.analysis.krylov import extremes, jacobian_transpose
from gan_teach.analysis.spectra import jacobian
from gan_teach.dynamics import streams

KEYS = {"LM": lambda z: -abs(z), "LR": lambda z: -z.real}


def operator_of(product, n):
    make: Any = LinearOperator
    return make((n, n), matvec=product, dtype=float)


def of_matrix(matrix):
    return operator_of(lambda v: matrix @ v, len(matrix))


def mlp_gan(width: int, dtype: torch.dtype = torch.float64) -> tuple[Any, Any]:
    """A GAN on a ring with R1, away from any equilibrium, and one batch of it."""
    nets = [
        gt.models.MLP(2, n_out, width=width, depth=2, activation="tanh", seed=n_out)
        for n_out in (2, 1)
    ]
    latent = gt.data.Normal(dim=2)
    game = gt.GAN(*nets, data=gt.data.ring(8), latent=latent, penalties=gt.penalties.r1(1.0))
    game.to(dtype)
    return game, game.draw(32, streams.generator(0))


def known_spectrum(pairs: Any, reals: np.ndarray, seed: int = 0):
    """A product with a non-normal matrix of these eigenvalues: block triangular, then reflected."""
    rng = np.random.default_rng(seed)
    a, b = pairs.real, pairs.imag
    u = rng.standard_normal(2 * len(pairs) + len(reals))
    u /= np.linalg.norm(u)

    def product(v):
        v = v - 2 * u * (u @ v)
        x, y, z = np.split(v, [len(a), 2 * len(a)])
        x, y, z = a * x - b * y, b * x + a * y, reals * z
        x[:-1] += 0.1 * y[1:]  # couples each block to the next, which leaves the eigenvalues alone
        v = np.concatenate([x, y, z])
        return v - 2 * u * (u @ v)

    return product, len(u)


@pytest.mark.parametrize("which", KEYS)
def test_small_operators_give_the_first_eigenvalues_with_whole_pairs(which):
    rng = np.random.default_rng(0)
    for n in (1, 2, 5, 12):
        matrix = rng.standard_normal((n, n))
        expected = np.array(sorted(np.linalg.eigvals(matrix).astype(complex), key=KEYS[which]))
        for k in range(1, n + 1):
            found = extremes(of_matrix(matrix), k=k, which=which)
            assert found.converged
            assert len(found.values) in (k, k + 1)
            keys = KEYS[which](found.values)
            np.testing.assert_allclose(keys, KEYS[which](expected)[: len(keys)], atol=1e-12)
            assert sum(found.values).imag == pytest.approx(0.0, abs=1e-12)  # no half of a pair


def test_a_repeated_pair_stays_whole():
    block = np.array([[0.0, -2.0], [2.0, 0.0]])
    found = extremes(of_matrix(np.kron(np.eye(2), block)), k=1)
    np.testing.assert_allclose(found.values, [2j, -2j], atol=1e-14)


@pytest.mark.parametrize("which", KEYS)
def test_arnoldi_finds_the_known_ends_of_a_large_spectrum(which):
    pairs = np.array([3 + 1j, 2.5 + 4j, 2 + 1j, -4 + 2j, -3 + 0.5j, -2 + 3j])
    inner = np.linspace(-1, 1, 1500)
    rest = 0.3 * np.cos(np.arange(250)) + 1j * (0.5 + 0.4 * np.sin(np.arange(250)))
    product, n = known_spectrum(np.concatenate([pairs, rest]), inner)
    assert n > 2000
    every = np.concatenate([pairs, pairs.conj(), rest, rest.conj(), inner])
    expected = np.array(sorted(every, key=KEYS[which]))[:4]
    spent = []
    counted = operator_of(lambda v: spent.append(1) or product(v), n)
    found = extremes(counted, k=4, which=which)
    assert found.converged
    assert len(spent) < n / 4
    np.testing.assert_allclose(
        np.sort_complex(found.values), np.sort_complex(expected), atol=1e-8, rtol=0
    )
    again = extremes(counted, k=4, which=which)
    np.testing.assert_array_equal(found.values, again.values)


@pytest.mark.slow
def test_arnoldi_agrees_with_the_dense_jacobian_of_a_gan():
    game, batch = mlp_gan(11)
    matrix = jacobian(game, batch).matrix
    expected = np.linalg.eigvals(matrix)
    operator = jacobian_transpose(game, batch)
    assert operator.shape == matrix.shape
    for which in ("LM", "LR"):
        found = extremes(operator, k=6, which=which)
        assert found.converged
        first = np.array(sorted(expected, key=KEYS[which]))[: len(found.values)]
        np.testing.assert_allclose(KEYS[which](found.values), KEYS[which](first), atol=1e-8)


def test_a_product_against_the_dense_jacobian():
    game, batch = mlp_gan(5)
    matrix = jacobian(game, batch).matrix.copy()
    matrix[game.n_g :] *= 3.0
    operator: Any = jacobian_transpose(game, batch, tau=3.0)
    v = np.random.default_rng(1).standard_normal(len(matrix))
    np.testing.assert_allclose(operator @ v, matrix.T @ v, atol=1e-12)


def test_dirac_gan_in_closed_form():
    """At (0, 0) with R1 of weight gamma: -gamma / 2 +- sqrt(gamma^2 / 4 - 1 / 4)."""
    gamma = 0.3
    game = gt.GAN(
        gt.models.DiracGenerator(0.0),
        gt.models.DiracDiscriminator(0.0),
        data=gt.data.Points(torch.zeros(1, 1)),
        latent=gt.data.Normal(),
        penalties=gt.penalties.r1(gamma),
    )
    game.to(torch.float64)
    operator = jacobian_transpose(game, game.draw(1, streams.generator(0)))
    found = extremes(operator, k=2)
    imaginary = np.sqrt(0.25 - gamma**2 / 4)
    expected = [-gamma / 2 + 1j * imaginary, -gamma / 2 - 1j * imaginary]
    np.testing.assert_allclose(found.values, expected, atol=1e-12)


def test_giving_up_is_reported_with_what_was_found():
    product, n = known_spectrum(np.array([1j]), np.linspace(-1, 0, 2000))
    found = extremes(operator_of(product, n), k=8, max_restarts=2)
    assert not found.converged
    assert len(found.values) < 8


def test_single_precision_games_converge_in_single_precision():
    game, batch = mlp_gan(8, torch.float32)
    expected = np.linalg.eigvals(jacobian(game, batch).matrix)
    operator = jacobian_transpose(game, batch)
    assert operator.dtype == np.float32
    found = extremes(operator, k=1, which="LM")
    assert abs(found.values[0]) == pytest.approx(np.abs(expected).max(), rel=1e-4)


def test_a_field_without_curvature_has_the_zero_operator():
    game = gt.FunctionGame(lambda x, y: x.sum() - y.sum(), None, [1.0, 2.0], [3.0])
    operator: Any = jacobian_transpose(game, game.draw())
    np.testing.assert_array_equal(operator @ np.ones(3), np.zeros(3))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"which": "LI"}, "one of LM, LR; got 'LI'"),
        ({"k": 0}, "k must be at least 1"),
    ],
)
def test_mistakes_are_named(options, words):
    with pytest.raises(ValueError, match=words):
        extremes(of_matrix(np.eye(3)), **options)


def test_stacks_are_refused():
    game = gt.FunctionGame(lambda x, y: x @ y, None, torch.ones(3, 1), torch.ones(3, 1))
    with pytest.raises(ValueError, match="not a stack"):
        jacobian_transpose(game, game.draw())


@pytest.fixture(scope="module")
def gan_of_2133():
    game, batch = mlp_gan(width=30)
    assert game.n_g + game.n_d == 2133
    return jacobian_transpose(game, batch), np.linalg.eigvals(jacobian(game, batch).matrix)


@pytest.mark.slow
@pytest.mark.parametrize("which", KEYS)
def test_arnoldi_agrees_with_dense_at_two_thousand_parameters(gan_of_2133, which):
    operator, dense = gan_of_2133  # the oracle: LAPACK on the matrix of all backward passes
    found = extremes(operator, k=6, which=which)
    assert found.converged
    for value in found.values:
        assert np.abs(dense - value).min() < 1e-8

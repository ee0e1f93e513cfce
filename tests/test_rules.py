"""The update rules against linear algebra, dense Jacobians, an ODE solver, published algorithms."""

import functools
import math

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

import gan_teach as gt
from gan_teach.data.line import Normal, Uniform
from gan_teach.dynamics import (
    RULES,
    gradients,
    optim,
    rotation_period,
    step_matrix,
    step_spectrum,
)
from gan_teach.games.ensemble import stack
from gan_teach.models import MLP
from gan_teach.training.checkpoints import load_checkpoint, save_checkpoint

ETAS = (0.1, 0.2, 0.5)
EVERY = pytest.mark.parametrize("name", RULES)


@pytest.fixture(autouse=True)
def float64():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


# -- games ------------------------------------------------------------------------------------
def xy(x=(1.0,), y=(1.0,)):
    return gt.FunctionGame(lambda x, y: (x * y).sum(), None, x, y)


def linear_game(A, n_g, start):
    """F(w) = A w, with symmetric diagonal blocks; ``start`` (n,) or (S, n)."""
    P, Q, U, R = (
        torch.tensor(b)
        for b in (A[:n_g, :n_g], A[:n_g, n_g:], A[n_g:, :n_g], A[n_g:, n_g:])
    )  # fmt: skip
    start = torch.as_tensor(start)
    return gt.FunctionGame(
        lambda x, y: 0.5 * x @ P @ x + x @ Q @ y,
        lambda x, y: 0.5 * y @ R @ y + y @ U @ x,
        start[..., :n_g],
        start[..., n_g:],
    )


def curved_game(seed=0, n_g=2, n_d=3):
    """A smooth game that is neither zero-sum nor a potential game, at a random point."""
    rng = torch.Generator().manual_seed(seed)
    B, C = (torch.randn(n_g, n_d, generator=rng) for _ in range(2))
    return gt.FunctionGame(
        lambda x, y: torch.tanh(x @ B @ y) + 0.1 * (x**4).sum(),
        lambda x, y: torch.sin(x @ C @ y) + 0.1 * (y**4).sum() + (x**2).sum() * y.sum(),
        torch.randn(n_g, generator=rng),
        torch.randn(n_d, generator=rng),
    )


def small_gan(seed=0):
    return gt.GAN(
        MLP(1, 1, width=4, depth=1, activation="tanh", seed=2 * seed),
        MLP(1, 1, width=5, depth=1, activation="tanh", seed=2 * seed + 1),
        data=Normal(1.0 + seed, 1.0),
        latent=Uniform(0.0, 1.0),
        penalties=gt.penalties.r1(0.3 * (1 + seed)),
    )


def path(game, rule, steps, **settings):
    """Parameters after each step: (steps + 1, n), or (steps + 1, S, n)."""
    run = gt.train(game, rule, steps=steps, **{"lr": 0.1, "batch_size": 8, **settings})
    return gt.record(run, params=gt.probes.params())["params"]


# -- linear maps: each rule on F(w) = A w, built with numpy from its formula ------------------
BETA, GAMMA, LAM, K, ALPHA = -0.5, 0.7, 1.3, 5, 0.5


def one_step(M):
    return lambda A, T, n_g: M(A, T)


def euler(A, T):
    return np.eye(len(A)) - T @ A


def player(A, T, n_g, which):
    """Only one player's rows of I - T A."""
    rows = np.zeros(len(A))
    rows[slice(None, n_g) if which == "g" else slice(n_g, None)] = 1.0
    return np.eye(len(A)) - np.diag(rows) @ T @ A


def alternating_matrix(A, T, n_g):
    return player(A, T, n_g, "g") @ player(A, T, n_g, "d")


def momentum_matrix(A, T, n_g):
    """On (w, u): D's velocity and parameters, then G's at the new point."""
    n = len(A)
    total = np.eye(2 * n)
    for rows in (range(n_g, n), range(n_g)):
        E = np.diag([float(i in rows) for i in range(n)])
        push = np.block([[np.eye(n), np.zeros((n, n))], [E @ A, np.eye(n) - (1 - BETA) * E]])
        move = np.block([[np.eye(n), -E @ T], [np.zeros((n, n)), np.eye(n)]])
        total = move @ push @ total
    return total


def past_matrix(A, T, n_g):
    """On (w, p): p <- A (w - T p), w <- w - T p."""
    p = np.hstack([A, -A @ T])
    w = np.hstack([np.eye(len(A)), np.zeros_like(A)]) - T @ p
    return np.vstack([w, p])


def optimistic_matrix(A, T, n_g):
    """On (w, u): w <- w - 2 T A w - u, u <- -T A w."""
    eye = np.eye(len(A))
    return np.block([[eye - 2 * T @ A, -eye], [-T @ A, 0 * eye]])


def flow_series(order):
    def M(A, T):
        powers = [np.linalg.matrix_power(-T @ A, k) / math.factorial(k) for k in range(order + 1)]
        return sum(powers)

    return one_step(M)


def skew(A):
    return (A - A.T) / 2


MATRICES = {
    "simultaneous": one_step(euler),
    "alternating": alternating_matrix,
    "negative_momentum": momentum_matrix,
    "weight_clipping": alternating_matrix,  # with a bound that is never reached
    "extragradient": one_step(lambda A, T: np.eye(len(A)) - T @ A @ euler(A, T)),
    "past_extragradient": past_matrix,
    "optimistic": optimistic_matrix,
    "lookahead": one_step(
        lambda A, T: (1 - ALPHA) * np.eye(len(A)) + ALPHA * np.linalg.matrix_power(euler(A, T), K)
    ),
    "consensus": one_step(lambda A, T: np.eye(len(A)) - T @ (A + GAMMA * A.T @ A)),
    "symplectic_adjustment": one_step(lambda A, T: np.eye(len(A)) - T @ (A + LAM * skew(A).T @ A)),
    "heun": flow_series(2),
}
MAKE = {
    "negative_momentum": lambda: gt.negative_momentum(BETA),
    "weight_clipping": lambda: gt.weight_clipping(1e3),
    "consensus": lambda: gt.consensus(GAMMA),
    "symplectic_adjustment": lambda: gt.symplectic_adjustment(LAM, align=False),
    "lookahead": lambda: gt.lookahead(k=K, alpha=ALPHA),
    "lookahead around optimistic": lambda: gt.lookahead(gt.optimistic(), k=3),
    "clipping around momentum": lambda: gt.weight_clipping(0.8, gt.negative_momentum()),
}
EVERY_AND_NESTED = pytest.mark.parametrize("name", [*RULES, *(m for m in MAKE if m not in RULES)])
MEMORY = {  # what a rule remembers, from the vector beside w in its matrix
    "negative_momentum": lambda past: {"g": past[:1], "d": past[1:]},
    "past_extragradient": lambda past: {"previous": past},
    "optimistic": lambda past: {"previous": past},
}
STRIDE = {"lookahead": K}  # steps of the rule in one application of its matrix


def make(name):
    return (MAKE.get(name) or RULES[name])()


def test_every_rule_has_its_matrix():
    assert set(MATRICES) == set(RULES)


@EVERY
def test_a_rule_is_its_linear_map_with_a_rate_and_a_tau_for_each_member(name):
    rng = np.random.default_rng(3)
    n_g, n = 2, 5
    A = rng.normal(size=(n, n))
    own = np.arange(n) < n_g
    A = np.where(own[:, None] == own, (A + A.T) / 2, A)  # Hessian blocks are symmetric
    starts, lr, tau = rng.normal(size=(3, n)), [0.03, 0.1, 0.2], [3.0, 1.0, 0.5]
    stride = STRIDE.get(name, 1)
    got = path(linear_game(A, n_g, starts), make(name), 6 * stride, lr=lr, tau=tau)[::stride]
    for s in range(3):
        T = np.diag([lr[s]] * n_g + [lr[s] * tau[s]] * (n - n_g))
        M = MATRICES[name](A, T, n_g)
        state = np.concatenate([starts[s], np.zeros(len(M) - n)])
        wanted = [np.linalg.matrix_power(M, t) @ state for t in range(7)]
        np.testing.assert_allclose(got[:, s], np.array(wanted)[:, :n], rtol=1e-11, atol=1e-12)


@EVERY
def test_step_matrix_is_that_matrix(name):
    A = np.random.default_rng(5).normal(size=(5, 5))
    J = gt.spectra.GameJacobian(-A, 2)
    T = np.diag([0.2, 0.2, 0.6, 0.6, 0.6])
    wanted = MATRICES[name](A, T, 2)
    np.testing.assert_allclose(step_matrix(make(name), J, 0.2, 3.0), wanted, atol=1e-14)
    largest = np.abs(np.linalg.eigvals(wanted)).max() ** (1 / STRIDE.get(name, 1))
    assert abs(step_spectrum(make(name), J, 0.2, 3.0)[0]) == pytest.approx(largest, rel=1e-9)


# rules whose step is a composition of others', or has options that only some runs use
COMPOSED = [
    (gt.alternating(3, 2), 1),
    (gt.lookahead(gt.optimistic(), k=3, alpha=0.4), 3),
    (gt.lookahead(gt.negative_momentum(-0.2), k=4, alpha=0.7), 4),
    (gt.alternating(2, 3, first="g"), 1),
]


@pytest.mark.parametrize(("rule", "stride"), COMPOSED, ids=[repr(r) for r, _ in COMPOSED])
def test_step_matrix_from_the_jacobian_of_a_game_predicts_its_run(rule, stride):
    rng = np.random.default_rng(8)
    A = rng.normal(size=(4, 4))
    own = np.arange(4) < 2
    A = np.where(own[:, None] == own, (A + A.T) / 2, A)
    start = rng.normal(size=4)
    game = linear_game(A, 2, start)
    M = step_matrix(rule, gt.jacobian(game, game.draw(1, None)), 0.1, 2.0)
    state = np.concatenate([start, np.zeros(len(M) - 4)])
    wanted = [(np.linalg.matrix_power(M, t) @ state)[:4] for t in range(5)]
    got = path(game, rule, 4 * stride, lr=0.1, tau=2.0)[::stride]
    np.testing.assert_allclose(got, wanted, rtol=1e-10, atol=1e-12)


def test_rotation_period_counts_steps_per_turn():
    eta = 0.1
    game = xy()
    s = step_spectrum(gt.alternating(), gt.jacobian(game, game.draw(1, None)), eta)[0]
    w = path(xy(), gt.alternating(), 1000, lr=eta)
    turns = np.unwrap(np.angle(w[:, 0] + 1j * w[:, 1]))
    assert rotation_period(s) == pytest.approx(
        2 * math.pi * 1000 / abs(turns[-1] - turns[0]), rel=1e-3
    )
    assert rotation_period(0.5) == math.inf
    assert rotation_period(-0.5) == 2.0


def test_step_matrix_refuses_what_it_does_not_know():
    J = gt.spectra.GameJacobian(np.eye(2), 1)
    with pytest.raises(TypeError, match="aliased_optimistic"):
        step_matrix(aliased_optimistic, J, 0.1)
    with pytest.raises(ValueError, match="one matrix"):
        step_matrix(gt.simultaneous(), gt.spectra.GameJacobian(np.zeros((3, 2, 2)), 1), 0.1)
    with pytest.raises(ValueError, match="d_steps"):
        step_matrix(gt.alternating(d_steps=[1, 2]), J, 0.1)


# -- the spectral radius on min-max xy --------------------------------------------------------
ROTATION = np.array([[0.0, 1.0], [-1.0, 0.0]])  # F(x, y) = (y, -x): in z = x + iy, F = -i z


def momentum_root(eta):
    """The largest root of (s - 1)^2 (s - beta)^2 + eta^2 s^3, above the real axis."""
    square = np.polymul([1, -1], [1, -BETA])
    roots = np.roots(np.polyadd(np.polymul(square, square), [eta**2, 0, 0, 0]))
    return max(roots[roots.imag > 0], key=abs)


def past_root(eta):
    return (1 + 2j * eta + np.sqrt(1 - 4 * eta**2 + 0j)) / 2


# name -> leading factor of one step in z, and its magnitude in the form the docstrings give
FACTOR = {
    "simultaneous": lambda h: 1 + 1j * h,
    "alternating": lambda h: 1 - h**2 / 2 + 1j * h * math.sqrt(1 - h**2 / 4),
    "negative_momentum": momentum_root,
    "weight_clipping": lambda h: FACTOR["alternating"](h),
    "extragradient": lambda h: 1 + 1j * h * (1 + 1j * h),
    "past_extragradient": past_root,
    "optimistic": past_root,
    "lookahead": lambda h: 1 - ALPHA + ALPHA * (1 + 1j * h) ** K,
    "consensus": lambda h: 1 - GAMMA * h + 1j * h,
    "symplectic_adjustment": lambda h: 1 - LAM * h + 1j * h,
    "heun": lambda h: 1 + 1j * h - h**2 / 2,
}
RADIUS = {
    "simultaneous": lambda h: math.sqrt(1 + h**2),
    "alternating": lambda h: 1.0,
    "weight_clipping": lambda h: 1.0,
    "negative_momentum": lambda h: abs(momentum_root(h)),
    "extragradient": lambda h: math.sqrt(1 - h**2 + h**4),
    "past_extragradient": lambda h: math.sqrt((1 + math.sqrt(1 - 4 * h**2)) / 2),
    "optimistic": lambda h: math.sqrt((1 + math.sqrt(1 - 4 * h**2)) / 2),
    "lookahead": lambda h: abs(1 - ALPHA + ALPHA * (1 + 1j * h) ** K),
    "consensus": lambda h: math.sqrt((1 - GAMMA * h) ** 2 + h**2),
    "symplectic_adjustment": lambda h: math.sqrt((1 - LAM * h) ** 2 + h**2),
    "heun": lambda h: math.sqrt(1 + h**4 / 4),
}


def eigenvector(M, value):
    """The null vector of M - value I: accurate even where the eigenvalue is double."""
    return np.linalg.svd(M - value * np.eye(len(M)))[2][-1].conj()


@pytest.mark.parametrize("eta", ETAS)
@EVERY
def test_contraction_on_xy_is_the_spectral_radius(name, eta):
    M = MATRICES[name](ROTATION, eta * np.eye(2), 1)
    rho = RADIUS[name](eta)
    # a double root, as for past and optimistic steps at 1/2, is found to half the digits only
    by_matrix = np.abs(np.linalg.eigvals(M)).max()
    assert by_matrix == pytest.approx(rho, abs=1e-7 if (name in MEMORY and eta == 0.5) else 1e-12)

    # The real and the imaginary part of the leading eigenvector are two starts of one ensemble.
    v = eigenvector(M, FACTOR[name](eta))
    parts = np.stack([v.real, v.imag])
    rule, stride = make(name), STRIDE.get(name, 1)
    run = gt.train(xy(parts[:, :1], parts[:, 1:2]), rule, steps=20 * stride, lr=eta)
    if name in MEMORY:
        past = [torch.tensor(parts[:, 2:3]), torch.tensor(parts[:, 3:4])]
        # what the rule remembers before its first step
        run = gt.observe(run, lambda state: state.memory or state.memory.update(MEMORY[name](past)))
    w = gt.record(run, every=stride, params=gt.probes.params())["params"]
    size = np.linalg.norm(w[:, 0] + 1j * w[:, 1], axis=-1)
    np.testing.assert_allclose(size[1:] / size[:-1], rho, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("eta", "k", "rho"), [(0.1, 10, 0.90086), (0.5, 10, 1.569)])
def test_lookahead_diverges_when_it_waits_too_long(eta, k, rho):
    w = path(xy(), gt.lookahead(k=k), 5 * k, lr=eta)[::k]
    size = np.linalg.norm(w, axis=-1)
    np.testing.assert_allclose(size[1:] / size[:-1], rho, rtol=1e-3)


def test_optimistic_steps_diverge_above_one_over_root_three():
    etas, ones = (0.56, 0.6), [[1.0], [1.0]]
    for rule in (gt.optimistic(), gt.past_extragradient()):
        size = np.linalg.norm(path(xy(ones, ones), rule, 200, lr=etas), axis=-1)
        assert size[-1, 0] < size[100, 0]
        assert size[-1, 1] > size[100, 1]
    for eta, sign in ((0.577, -1), (0.578, 1)):
        M = optimistic_matrix(ROTATION, eta * np.eye(2), 1)
        assert np.sign(np.abs(np.linalg.eigvals(M)).max() - 1) == sign


# -- second order: dense Jacobians, potential games -------------------------------------------
def dense(game):
    """F and its Jacobian at the current point, row by row."""
    cut = game.n_g

    def F(w):
        grad = torch.func.grad
        x, y = w[:cut], w[cut:]
        return torch.cat([grad(game.f_g, 0)(x, y), grad(game.f_d, 1)(x, y)])

    w = torch.cat([game.x.detach(), game.y.detach()])
    return w.numpy(), F(w).numpy(), torch.autograd.functional.jacobian(F, w).numpy()


@pytest.mark.parametrize("seed", range(4))
def test_consensus_step_with_a_dense_jacobian(seed):
    game = curved_game(seed)
    w, F, J = dense(game)
    got = path(game, gt.consensus(0.4), 1, lr=0.05)[-1]
    np.testing.assert_allclose(got, w - 0.05 * (F + 0.4 * J.T @ F), rtol=1e-12)


@pytest.mark.parametrize("seed", range(12))
def test_symplectic_step_and_its_sign_with_a_dense_jacobian(seed):
    game = curved_game(seed)
    w, F, J = dense(game)
    AtF, JtF = (J - J.T).T @ F / 2, J.T @ F
    sign = np.sign((F @ JtF) * (AtF @ JtF) / len(w) + 0.1)
    got = path(game, gt.symplectic_adjustment(0.4), 1, lr=0.05)[-1]
    np.testing.assert_allclose(got, w - 0.05 * (F + sign * 0.4 * AtF), rtol=1e-12)


def test_both_signs_of_the_alignment_occur_above():
    signs = set()
    for seed in range(12):
        w, F, J = dense(curved_game(seed))
        AtF, JtF = (J - J.T).T @ F / 2, J.T @ F
        signs.add(np.sign((F @ JtF) * (AtF @ JtF) / len(w) + 0.1))
    assert signs == {-1.0, 1.0}


def test_near_a_fixed_point_the_alignment_is_positive_through_a_tenth():
    A = np.array([[-1.0, 2.0], [-1.0, 0.5]])
    w = np.array([1e-3, 2e-3])
    F, AtF, JtF = A @ w, (A - A.T).T @ A @ w / 2, A.T @ A @ w
    assert (F @ JtF) * (AtF @ JtF) < 0
    got = path(linear_game(A, 1, w), gt.symplectic_adjustment(0.5), 1, lr=0.1)[-1]
    np.testing.assert_allclose(got, w - 0.1 * (F + 0.5 * AtF), rtol=1e-12)


def test_on_a_potential_game_symplectic_adjustment_is_descent_and_consensus_is_not():
    B = torch.randn(3, 2, generator=torch.Generator().manual_seed(1))

    def phi(x, y):
        return (x**4).sum() + (y**4).sum() + torch.cos(x @ B @ y)

    def run(rule):
        return path(gt.FunctionGame(phi, phi, [0.5, -0.3, 0.8], [0.2, 0.9]), rule, 30, lr=0.05)

    descent = run(gt.simultaneous())
    np.testing.assert_allclose(run(gt.symplectic_adjustment(2.0)), descent, rtol=0, atol=1e-13)
    assert np.abs(run(gt.consensus(0.5)) - descent).max() > 0.01


def test_a_player_whose_gradient_is_constant_does_not_break_second_order_rules():
    for rule in (gt.consensus(), gt.symplectic_adjustment(), gt.heun()):
        game = gt.FunctionGame(lambda x, y: x.sum(), lambda x, y: -y.sum(), [0.0], [0.0])
        np.testing.assert_allclose(path(game, rule, 3)[-1], [-0.3, 0.3])


# -- memory: aliased gradients, equal algorithms ----------------------------------------------
def aliased_optimistic(game, draw, optims, memory):
    """The published slip: "previous" is the buffer into which the next gradient is written."""
    g_grads, d_grads, seen = gradients(game, draw())
    buffers = memory.setdefault("buffers", [torch.zeros_like(g) for g in (*g_grads, *d_grads)])
    for buffer, g in zip(buffers, (*g_grads, *d_grads), strict=True):
        buffer.copy_(g)
    past = memory.get("previous", buffers)
    g_step, d_step = (2 * b - p for b, p in zip(buffers, past, strict=True))
    memory["previous"] = buffers  # no clone
    optims.step_g([g_step])
    optims.step_d([d_step])
    return seen


def test_optimistic_steps_with_an_aliased_gradient_are_plain_descent():
    plain = path(xy(), gt.simultaneous(), 200, lr=0.2)[-1]
    aliased = path(xy(), aliased_optimistic, 200, lr=0.2)[-1]
    np.testing.assert_allclose(aliased, plain, rtol=1e-12)
    assert np.linalg.norm(plain) > 70
    for rule in (gt.optimistic(), gt.past_extragradient(), gt.extragradient()):
        assert np.linalg.norm(path(xy(), rule, 200, lr=0.2)[-1]) < 0.04


class Scribbling(optim.SGD):
    """An optimizer that uses the gradients' memory for something else afterwards."""

    def step(self, grads, active=None):
        super().step(grads, active)
        for g in grads:
            g.fill_(1e6)


@EVERY
def test_rules_do_not_keep_memory_that_an_optimizer_may_overwrite(name):
    wanted = path(curved_game(), make(name), 12)
    np.testing.assert_array_equal(path(curved_game(), make(name), 12, optimizer=Scribbling), wanted)


def test_the_look_ahead_points_of_past_extragradient_are_the_optimistic_iterates():
    """w'_t = w_t + (w_t - w_{t-1}), since that difference is the step with F(w'_{t-1})."""
    past = path(curved_game(), gt.past_extragradient(), 30, lr=0.05)
    optimistic = path(curved_game(), gt.optimistic(), 30, lr=0.05)
    np.testing.assert_allclose(optimistic[1:], 2 * past[1:] - past[:-1], rtol=1e-10, atol=1e-12)


def test_negative_momentum_is_alternating_descent_with_that_optimizer():
    def sgd(params, lr):
        return optim.SGD(params, lr, momentum=-0.3)

    wanted = path(small_gan(), gt.alternating(), 15, optimizer=sgd)
    np.testing.assert_allclose(
        path(small_gan(), gt.negative_momentum(-0.3), 15), wanted, rtol=1e-12
    )


def test_lookahead_by_hand():
    """Slow weights in a loop around plain runs; alpha = 1 is the inner rule, alpha = 0 stays."""
    got = path(curved_game(), gt.lookahead(gt.alternating(), k=4, alpha=0.3), 12)
    game = curved_game()
    for cycle in range(3):
        fast = path(game, gt.alternating(), 4)
        np.testing.assert_allclose(got[4 * cycle + 1 : 4 * cycle + 4], fast[1:4], atol=1e-13)
        slow = torch.tensor(0.7 * fast[0] + 0.3 * fast[-1])
        np.testing.assert_allclose(got[4 * cycle + 4], slow, atol=1e-13)
        game.x.data, game.y.data = slow[: game.n_g].clone(), slow[game.n_g :].clone()
    inner = path(curved_game(), gt.alternating(), 12)
    np.testing.assert_array_equal(
        path(curved_game(), gt.lookahead(gt.alternating(), 4, 1.0), 12), inner
    )
    stays = path(curved_game(), gt.lookahead(k=4, alpha=0.0), 12)[::4]
    np.testing.assert_array_equal(stays, np.broadcast_to(stays[0], stays.shape))


def test_weight_clipping_by_hand():
    """Five updates of D, each cut to the bound, then one of G."""
    got = path(xy(), gt.weight_clipping(0.7, gt.alternating(d_steps=5)), 40, lr=0.2)
    x = y = 1.0
    for step in range(1, 41):
        for _ in range(5):
            y = min(max(y + 0.2 * x, -0.7), 0.7)
        x -= 0.2 * y
        np.testing.assert_allclose(got[step], [x, y], atol=1e-12)
    assert (got[1:9, 1] == 0.7).all()
    assert np.abs(got[20:, 1]).max() < 0.7  # the orbit that just fits goes on unclipped


# -- optimizers other than SGD ----------------------------------------------------------------
def numpy_adam(F, w, steps, lr, look):
    """Adam in NumPy with ``look`` = "extra" (state put back) or "optimistic"."""
    m, v, t, past = np.zeros_like(w), np.zeros_like(w), 0, np.zeros_like(w)

    def update(g, m, v, t):
        m, v, t = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g, t + 1
        u = -lr * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        return u, m, v, t

    for _ in range(steps):
        here = update(F(w), m, v, t)
        if look == "optimistic":
            u, m, v, t = here
            w, past = w + 2 * u - past, u
            continue
        u, m, v, t = update(F(w + here[0]), m, v, t)
        w = w + u
    return w


@pytest.mark.parametrize(
    ("rule", "look"),
    [
        (gt.extragradient(), "extra"),
        (gt.optimistic(), "optimistic"),
    ],
)
def test_extra_adam_and_optimistic_adam_are_the_algorithms_written_in_numpy(rule, look):
    wanted = numpy_adam(lambda w: ROTATION @ w, np.array([1.0, 0.5]), 40, 0.05, look)
    got = path(xy([1.0], [0.5]), rule, 40, lr=0.05, optimizer="adam")[-1]
    np.testing.assert_allclose(got, wanted, rtol=1e-10)


@pytest.mark.parametrize("pair", [("adam", torch.optim.Adam), ("rmsprop", torch.optim.RMSprop)])
@EVERY
def test_any_optimizer_of_torch_serves_every_rule(name, pair):
    ours, theirs = (path(small_gan(), make(name), 8, lr=0.01, optimizer=o) for o in pair)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


# -- integrators ------------------------------------------------------------------------------
def dirac_game(theta, psi):
    """Saturating loss, E log D(0) constant left out; R1 with gamma = 0.3."""
    return gt.FunctionGame(
        lambda x, y: -torch.nn.functional.softplus(x * y).sum(),
        lambda x, y: (torch.nn.functional.softplus(x * y) + 0.15 * y * y).sum(),
        [theta],
        [psi],
    )


def dirac_flow(t, w, tau):
    s = 1 / (1 + np.exp(-w[0] * w[1]))
    return [w[1] * s, tau * (-w[0] * s - 0.3 * w[1])]


def test_heun_follows_the_flow_at_order_two():
    tau, end = 2.0, 6.0
    exact = solve_ivp(
        dirac_flow, (0, end), [1.0, -1.0], "DOP853", args=(tau,), rtol=1e-13, atol=1e-13
    ).y[:, -1]
    errors = []
    for steps in (60, 120, 240):
        w = path(dirac_game(1.0, -1.0), gt.heun(), steps, lr=end / steps, tau=tau)[-1]
        errors.append(np.linalg.norm(w - exact))
    assert errors[1] < 2e-3
    slopes = np.log2(np.array(errors[:-1]) / errors[1:])
    np.testing.assert_allclose(slopes, 2, atol=0.25)


# -- what every rule must do ------------------------------------------------------------------
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@EVERY
def test_an_equilibrium_is_left_in_place(name, optimizer):
    gan = gt.GAN(
        gt.models.DiracGenerator(0.0),
        gt.models.DiracDiscriminator(0.0),
        data=gt.data.Points(torch.zeros(1, 1)),
        latent=Uniform(0.0, 1.0),
        penalties=gt.penalties.r1(1.0),
    )
    for game in (gan, xy([0.0], [0.0]), linear_game(np.eye(3), 2, np.zeros(3))):
        assert not path(game, make(name), 11, optimizer=optimizer).any()


@EVERY_AND_NESTED
def test_a_resumed_run_repeats_the_uninterrupted_one_bit_for_bit(name, tmp_path):
    settings = {"lr": 0.05, "tau": 2.0, "optimizer": "adam", "seed": 5}
    wanted = path(small_gan(), make(name), 13, **settings)

    def save(state):
        if state.step == 8:
            save_checkpoint(tmp_path / "c.pt", state)

    for _ in gt.observe(gt.train(small_gan(), make(name), steps=8, batch_size=8, **settings), save):
        pass
    rule = make(name)
    resumed = path(small_gan(), rule, 13, resume=tmp_path / "c.pt", **settings)
    np.testing.assert_array_equal(resumed, wanted[8:])
    if not load_checkpoint(tmp_path / "c.pt")["memory"]:
        return
    run = gt.train(small_gan(), rule, steps=13, batch_size=8, resume=tmp_path / "c.pt", **settings)

    def forget(state):
        if state.step == 8:
            state.memory.clear()  # what the checkpoint holds for the rule is needed

    forgetful = gt.record(gt.observe(run, forget), params=gt.probes.params())["params"]
    assert np.abs(forgetful - wanted[8:]).max() > 1e-6


@EVERY_AND_NESTED
def test_a_rule_that_has_served_before_starts_afresh(name):
    rule = make(name)
    path(curved_game(1), rule, 7)
    np.testing.assert_array_equal(path(curved_game(), rule, 7), path(curved_game(), make(name), 7))


@EVERY_AND_NESTED
def test_one_rule_serves_two_interleaved_runs(name):
    rule = make(name)
    first, second = (gt.train(curved_game(seed), rule, steps=12, lr=0.1) for seed in (0, 1))
    for _ in range(5):  # one is ahead, so that a count of steps would be mixed up as well
        next(first)
    *_, (a, b) = zip(first, second, strict=False)
    *_, b = second
    for seed, state in enumerate((a, b)):
        alone = path(curved_game(seed), make(name), 12)[-1]
        np.testing.assert_array_equal(gt.probes.params()(state).numpy(), alone)


INNER = {**{name: (lambda n=name: make(n)) for name in RULES if name != "weight_clipping"},
    "many steps of D": lambda: gt.alternating(d_steps=3, redraw="latents"),
    "lookahead around optimistic": lambda: gt.lookahead(gt.optimistic(), k=2),
    "an own function that writes past the optimizers": lambda: push_apart,
}  # fmt: skip


def push_apart(game, draw, optims):
    with torch.no_grad():
        for p in game.d_params:
            p += 0.1
    losses = game.losses(draw())
    return {"g_loss": losses.g, "d_loss": losses.d}


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize("name", INNER)
def test_clipped_parameters_never_leave_their_bound(name, optimizer):
    rule = gt.weight_clipping(0.1, INNER[name]())
    run = gt.train(small_gan(), rule, steps=25, lr=0.2, optimizer=optimizer, batch_size=8)
    largest = [float(flat_d(state.game).abs().max()) for state in run]
    assert largest[0] > 0.1
    assert max(largest[1:]) == 0.1


def test_each_update_of_d_within_a_step_ends_within_the_bound():
    """Seen from inside: wherever G is evaluated, after D's first update, D is clipped already."""
    game, seen = small_gan(), []
    game.generator.register_forward_hook(lambda *_: seen.append(flat_d(game)))
    rule = gt.weight_clipping(0.05, gt.alternating(d_steps=4))
    for _ in gt.train(game, rule, steps=10, lr=0.5, batch_size=8):
        pass
    assert len(seen) == 10 * 5
    assert max(float(d.abs().max()) for d in seen[1:]) == 0.05


def flat_d(game):
    return torch.cat([p.detach().flatten() for p in game.d_params])


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@EVERY
def test_members_of_an_ensemble_are_the_single_runs(name, optimizer):
    lr, tau, seeds = [0.02, 0.05, 0.1], [1.0, 3.0, 0.5], [7, 8, 9]
    both = {"optimizer": optimizer}
    game = stack([small_gan(s) for s in range(3)])
    together = path(game, make(name), 12, lr=lr, tau=tau, seed=seeds, **both)
    for s in range(3):
        alone = path(small_gan(s), make(name), 12, lr=lr[s], tau=tau[s], seed=seeds[s], **both)
        np.testing.assert_allclose(together[:, s], alone, rtol=1e-7, atol=1e-9)


@EVERY
def test_a_member_that_diverges_leaves_the_others_alone(name):
    def cubic(x, y):
        return (x**3 * y).sum()

    x = torch.tensor([[1e40], [0.5]])
    y = torch.tensor([[1e80], [0.5]])
    settings = {"lr": [1e30, 0.1], "tau": [1.0, 1.0]}
    together = path(gt.FunctionGame(cubic, None, x, y), make(name), 12, **settings)
    alone = path(gt.FunctionGame(cubic, None, x[1], y[1]), make(name), 12)
    assert not np.isfinite(together[-1, 0]).any()
    np.testing.assert_allclose(together[:, 1], alone, rtol=1e-12)


@EVERY
def test_losses_are_those_at_the_point_and_detached(name):
    game = curved_game()
    wanted = game.losses(game.draw(1, None))
    _, state = list(gt.train(game, make(name), steps=1))
    assert set(state.losses) == {"g_loss", "d_loss"}
    assert not any(v.requires_grad for v in state.losses.values())
    assert state.losses["d_loss"].item() == wanted.d.item()
    if name not in ("alternating", "negative_momentum", "weight_clipping"):  # G moves after D
        assert state.losses["g_loss"].item() == wanted.g.item()


# -- draws, numbers, names --------------------------------------------------------------------
@pytest.mark.parametrize("rule", [gt.extragradient(), gt.heun()])
def test_one_batch_serves_all_stages(rule):
    game, asked = small_gan(), []
    optims = optim.Optimizers(*(optim.SGD(p, 0.1) for p in (game.g_params, game.d_params)))

    def draw(player="d", i=0):
        asked.append((player, i))
        return game.draw(4, torch.Generator().manual_seed(i))

    rule(game, draw, optims)
    assert asked == [("d", 0)]


def test_numbers_may_change_while_running():
    rule = gt.consensus(0.0)

    def turn(state):
        rule.gamma = float(state.step >= 1)

    run = gt.observe(gt.train(xy(), rule, steps=2, lr=0.1), turn)
    w = gt.record(run, params=gt.probes.params())["params"]
    np.testing.assert_allclose(w[1], [0.9, 1.1])
    np.testing.assert_allclose(w[2], w[1] - 0.1 * (ROTATION @ w[1] + w[1]))


@EVERY
def test_a_rule_prints_the_call_that_makes_it(name):
    rule = make(name)
    again = eval(repr(rule), dict(RULES))
    assert type(again) is type(rule)
    assert repr(again) == repr(rule)


@pytest.mark.parametrize(
    ("make_wrong", "word"),
    [
        (lambda: gt.consensus(-1.0), "gamma"),
        (lambda: gt.negative_momentum(-1.5), "beta"),
        (lambda: gt.weight_clipping(0), "bound"),
        (lambda: gt.weight_clipping(1, "sim"), "inner"),  # pyright: ignore
        (lambda: gt.lookahead(k=0), "k"),
        (lambda: gt.lookahead(alpha=1.5), "alpha"),
        (lambda: gt.lookahead(gt.simultaneous), "inner"),  # pyright: ignore
        (lambda: gt.alternating(first="x"), "first"),
        (lambda: gt.alternating(redraw="some"), "redraw"),
    ],
)
def test_wrong_numbers_are_refused_by_name(make_wrong, word):
    with pytest.raises((TypeError, ValueError), match=rf"^{word} must"):
        make_wrong()


# -- rules of one's own -----------------------------------------------------------------------
def plain(game, draw, optims):
    """Alternating descent as a chapter writes it."""
    d_loss = game.loss_d(draw("d", 0))
    optims.step_d(torch.autograd.grad(d_loss, game.d_params))
    g_loss = game.loss_g(draw("g", 0))
    optims.step_g(torch.autograd.grad(g_loss, game.g_params))
    return {"g_loss": g_loss, "d_loss": d_loss}


def with_momentum(game, draw, optims, memory):
    """Negative momentum, beta = -1/2."""
    seen = {}
    for player in ("d", "g"):
        loss = getattr(game, f"loss_{player}")(draw(player, 0))
        grads = torch.autograd.grad(loss, getattr(game, f"{player}_params"))
        past = memory.get(player, [0.0] * len(grads))
        memory[player] = [g - 0.5 * u for g, u in zip(grads, past, strict=True)]
        getattr(optims, f"step_{player}")([u.clone() for u in memory[player]])
        seen[f"{player}_loss"] = loss
    return seen


def optional_memory(game, draw, optims, memory=None):
    assert memory is not None
    return with_momentum(game, draw, optims, memory)


class OwnRule:
    def __call__(self, game, draw, optims):
        return plain(game, draw, optims)


OWN = {
    "function": (lambda: plain, gt.alternating),
    "object": (OwnRule, gt.alternating),
    "method": (lambda: OwnRule().__call__, gt.alternating),
    "partial": (lambda: functools.partial(with_momentum), gt.negative_momentum),
    "memory": (lambda: with_momentum, gt.negative_momentum),
    "memory by default": (lambda: optional_memory, gt.negative_momentum),
    "within lookahead": (lambda: gt.lookahead(with_momentum, k=3),
                         lambda: gt.lookahead(gt.negative_momentum(), k=3)),
    "clipped": (lambda: gt.weight_clipping(0.3, with_momentum),
                lambda: gt.weight_clipping(0.3, gt.negative_momentum())),
}  # fmt: skip


@pytest.mark.parametrize("name", OWN)
def test_a_function_of_ones_own_is_a_rule(name, tmp_path):
    own, ours = OWN[name]
    wanted = path(small_gan(), ours(), 12)
    np.testing.assert_allclose(path(small_gan(), own(), 12), wanted, rtol=1e-12)
    settings = {"lr": 0.1, "batch_size": 8}
    *_, state = gt.train(small_gan(), own(), steps=5, **settings)
    assert not any(value.requires_grad for value in state.losses.values())
    save_checkpoint(tmp_path / "c.pt", state)
    resumed = path(small_gan(), own(), 12, resume=tmp_path / "c.pt")
    np.testing.assert_allclose(resumed, wanted[5:], rtol=1e-12)


def keyword(game, draw, optims, *, memory):
    del game, draw, optims, memory


NO_RULES = {
    "two": (lambda game, draw: None, r"but <lambda> takes \(game, draw\)\.$"),
    "five": (lambda game, draw, optims, memory, more: None, r"optims, memory, more"),
    "keyword": (keyword, r"keyword takes \(game, draw, optims, memory\)"),
    "class": (gt.optimistic, r"Did you mean optimistic\(\)\?"),
    "factory": (gt.alternating, r"but alternating takes .*Did you mean alternating\(\)\?"),
    "text": ("alternating", r"a function \(game, draw, optims\), got str"),
}  # fmt: skip


@pytest.mark.parametrize(("rule", "message"), NO_RULES.values(), ids=NO_RULES)
def test_what_cannot_be_a_rule_is_refused_at_the_call(rule, message):
    with pytest.raises(TypeError, match=rf"rule must .*{message}"):
        gt.train(xy(), rule, steps=1)
    for wrap in (gt.lookahead, lambda inner: gt.weight_clipping(0.1, inner)):
        with pytest.raises(TypeError, match=rf"inner must .*{message}"):
            wrap(rule)


RETURNED = {
    "nothing": (None, TypeError, "rule own returned NoneType: a rule returns"),
    "a pair": ((1.0, 2.0), TypeError, "rule own returned tuple"),
    "no key": ({}, ValueError, "rule own returned nothing, but not d_loss and g_loss: a rule"),
    "one key": ({"g_loss": 1.0}, ValueError, "rule own returned 'g_loss', but not d_loss"),
    "other keys": ({"g": 1.0, "d": 2.0}, ValueError, "returned 'g', 'd', but not d_loss and g_l"),
    "one more": ({"g_loss": 1.0, "d_loss": 1.0, "x": 3}, ValueError, "returned .*'x': a rule ret"),
    "a vector": (
        {"g_loss": torch.zeros(3), "d_loss": 1.0}, ValueError,
        r"rule own, as g_loss, returned shape \(3,\): .* one number\.$",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("value", "error", "message"), RETURNED.values(), ids=RETURNED)
def test_a_wrong_answer_of_a_rule_is_said(value, error, message):
    def own(game, draw, optims):
        return value

    with pytest.raises(error, match=message):
        list(gt.train(xy(), own, steps=1))


def test_a_player_that_rests_may_be_left_out():
    def own(game, draw, optims):
        seen = plain(game, draw, optims)
        return {"g_loss": 2.0} if draw.step else seen

    *_, state = gt.train(small_gan(), own, steps=3, batch_size=8)
    assert float(state.losses["g_loss"]) == 2.0
    assert state.losses.keys() == {"g_loss", "d_loss"}


def test_a_memory_that_no_file_can_hold_is_named(tmp_path):
    def own(game, draw, optims, memory):
        memory["steps"] = [1, {2}]
        return plain(game, draw, optims)

    *_, state = gt.train(xy(), own, steps=1)
    with pytest.raises(TypeError, match=r"memory\['steps'\]\[1\] is of type set: what a rule reme"):
        save_checkpoint(tmp_path / "c.pt", state)


@pytest.mark.parametrize("redraw", ["all", "latents", "none"])
def test_with_g_first_each_player_answers_the_others_newest_point(redraw):
    """One round by hand; D sees the samples of a generator that has moved, whatever is shared."""
    game, own = small_gan(), small_gan()
    drawn = {}

    def watched(game, draw, optims):
        drawn.update({(p, i): draw(p, i) for p in ("d", "g") for i in range(2)})
        return gt.alternating(2, 2, first="g", redraw=redraw)(game, draw, optims)

    *_, state = gt.train(game, watched, steps=1, lr=0.3, batch_size=8)
    for player, i in (("g", 0), ("g", 1), ("d", 0), ("d", 1)):
        shared = drawn["d", 0]
        latents = drawn[player, i] if player == "g" or redraw == "all" else shared
        batch = {
            "all": drawn[player, i],
            "latents": shared._replace(latent=latents.latent),
            "none": shared,
        }[redraw]
        loss = own.loss_g(batch) if player == "g" else own.loss_d(batch)
        params = own.g_params if player == "g" else own.d_params
        with torch.no_grad():
            for p, g in zip(params, torch.autograd.grad(loss, params), strict=True):
                p -= 0.3 * g
        if i == 1:
            assert float(state.losses[f"{player}_loss"]) == pytest.approx(loss.item(), rel=1e-12)
    for a, b in zip(own.g_params + own.d_params, game.g_params + game.d_params, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)

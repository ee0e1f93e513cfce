"""Descent rules against closed forms on Dirac and min-max xy; laws that every rule obeys."""

# pyright: reportArgumentType=false
# Wrong arguments are given on purpose, and parts of modules are taken by index.

import inspect

import numpy as np
import pytest
import torch

from cases import GAMES, dirac, function, plane, rng, tutorial, value
from gan_teach import dynamics
from gan_teach.analysis.spectra import flatten, vector_field
from gan_teach.games import FunctionGame, penalties
from gan_teach.games.ensemble import stack
from gan_teach.training import record, train
from gan_teach.training.probes import params

F64 = torch.float64


def trajectory(game, rule, steps, **settings):
    return record(train(game, rule, steps=steps, **settings), params=params())["params"]


def expit(t):
    return 1 / (1 + np.exp(-t))


@pytest.mark.parametrize("tau", [1.0, 4.0])
@pytest.mark.parametrize("kind", ["simultaneous", "alternating"])
@pytest.mark.parametrize("loss", ["saturating", "non_saturating"])
def test_dirac_steps_are_the_published_map(kind, loss, tau):
    # Mescheder et al. (2018): dL_D/dpsi = theta s(psi theta) + gamma psi,
    # dL_G/dtheta = -psi s(+-psi theta), for D's cross-entropy and either loss of G
    h, gamma, sign = 0.1, 0.3, 1.0 if loss == "saturating" else -1.0
    game = dirac(1.0, 1.0, loss=loss, penalties=penalties.r1(gamma))
    path = trajectory(game, dynamics.RULES[kind](), 40, lr=h, tau=tau)
    theta, psi = 1.0, 1.0
    for w in path:
        np.testing.assert_allclose(w, [theta, psi], rtol=1e-12)
        moved = psi - tau * h * (theta * expit(psi * theta) + gamma * psi)
        used = moved if kind == "alternating" else psi
        theta += h * used * expit(sign * used * theta)
        psi = moved


def test_growth_on_min_max_xy():
    # simultaneous: |w| grows by sqrt(1 + h^2) a step; alternating: det = 1 and it stays bounded
    h, game = 0.1, lambda: FunctionGame(lambda x, y: (x * y).sum(), None,
                                        *torch.ones(2, 1, dtype=F64))  # fmt: skip
    norms = np.linalg.norm(trajectory(game(), dynamics.simultaneous(), 50, lr=h), axis=1)
    np.testing.assert_allclose(norms[1:] / norms[:-1], np.sqrt(1 + h * h), rtol=1e-12)
    x, y = trajectory(game(), dynamics.alternating(), 2000, lr=h).T
    # y first, then x: symplectic Euler, which conserves x^2 + y^2 + h x y
    np.testing.assert_allclose(x * x + y * y + h * x * y, 2 + h, rtol=1e-9)


def test_freezing_gives_the_gradient_that_detaching_gives():
    game = plane()
    run = train(game, dynamics.alternating(g_steps=0), steps=1, lr=0.1, batch_size=4)
    batch = next(run).stream.at(0)("d", 0)
    logits = game.critic(batch.real), game.critic(game.generate(batch.latent).detach())
    grads = torch.autograd.grad(game.loss.d(*logits), game.d_params)
    expected = [p.detach() - 0.1 * g for p, g in zip(game.d_params, grads, strict=True)]
    next(run)
    torch.testing.assert_close([p.detach() for p in game.d_params], expected)


def by_hand(game, d_steps, g_steps, redraw, steps, lr, n):
    """Alternating descent as the papers write it: one backward pass for each update."""
    stream = next(train(game, steps=0, batch_size=n)).stream
    for step in range(steps):
        draw = stream.at(step)
        for i in range(d_steps):
            batch = draw("d", i if redraw == "all" else 0)
            grads = torch.autograd.grad(game.losses(batch).d, game.d_params)
            with torch.no_grad():
                for p, g in zip(game.d_params, grads, strict=True):
                    p -= lr * g
        for i in range(g_steps):
            batch, latent = draw("g", i), draw("g", i).latent
            if redraw == "latents":
                batch = type(batch)(draw("d", 0).real, latent)
            elif redraw == "none":
                batch = draw("d", 0)
            grads = torch.autograd.grad(game.losses(batch).g, game.g_params)
            with torch.no_grad():
                for p, g in zip(game.g_params, grads, strict=True):
                    p -= lr * g
    return flatten(game)


@pytest.mark.parametrize("redraw", ["all", "latents", "none"])
@pytest.mark.parametrize(("d_steps", "g_steps"), [(1, 1), (3, 1), (1, 2), (0, 2), (2, 0)])
def test_alternating_takes_the_steps_it_says(redraw, d_steps, g_steps):
    rule = dynamics.alternating(d_steps, g_steps, redraw)
    last = trajectory(plane(), rule, 5, lr=0.1, batch_size=6)[-1]
    expected = by_hand(plane(), d_steps, g_steps, redraw, 5, 0.1, 6)
    np.testing.assert_allclose(last, expected.numpy(), rtol=1e-12, atol=1e-14)


def test_more_d_steps_do_not_change_what_g_draws():
    latents = []
    for d_steps in (1, 7):
        game, seen = plane(), []
        game.generator.register_forward_pre_hook(lambda m, args, seen=seen: seen.append(args[0]))
        for _ in train(game, dynamics.alternating(d_steps), steps=3, lr=0.0, batch_size=4):
            pass
        latents.append(seen[d_steps :: d_steps + 1])  # after d_steps passes for D comes G's own
    assert len(latents[0]) == 3
    assert all(torch.equal(a, b) for a, b in zip(*latents, strict=True))


def test_d_every_lets_d_rest():
    path = trajectory(plane(), dynamics.alternating(d_every=2), 4, lr=0.1, batch_size=4)
    n_g = plane().n_g
    moved = np.any(np.diff(path[:, n_g:], axis=0) != 0, axis=1).tolist()
    assert moved == [True, False, True, False]


def test_numbers_may_change_while_running():
    rule, game, calls = dynamics.alternating(d_steps=1), tutorial(), []
    game.discriminator.register_forward_hook(lambda *args: calls.append(1))
    per_step = []
    for _ in train(game, rule, steps=2, lr=0.1, batch_size=10):
        rule.d_steps = 5 if len(per_step) == 1 else 1
        per_step.append(len(calls))
        calls.clear()
    assert per_step[1:] == [1 + 1, 5 + 1]  # updates of D, then one of G


# --- laws that hold for every rule


@pytest.fixture(params=dynamics.RULES)
def make_rule(request):
    def make():
        maker = dynamics.RULES[request.param]
        needed = [p for p in inspect.signature(maker).parameters.values()
                  if p.default is p.empty and p.kind is not p.VAR_KEYWORD]  # fmt: skip
        return maker(**{p.name: 0.1 for p in needed})

    return make


def test_every_rule_leaves_an_equilibrium_in_place(make_rule):
    # stationary points: the Dirac-GAN at (0, 0); the origin of a quadratic game
    for game in (dirac(0.0, 0.0, penalties=penalties.r1(0.3)), function()):
        with torch.no_grad():
            for p in (*game.g_params, *game.d_params):
                p.zero_()
        path = trajectory(game, make_rule(), 5, lr=0.5)
        assert np.array_equal(path, np.zeros_like(path))


def test_every_rule_moves_both_players_downhill(make_rule):
    # to first order in the step the move is a positive multiple of v = -F; near the origin, so
    # that a rule which clips weights has nothing to clip
    h, start = 1e-6, 0.05 * flatten(function(1))
    game = FunctionGame(value, None, start[:2], start[2:])
    path = trajectory(game, make_rule(), 6, lr=h)
    field = vector_field(game, game.draw(), start).numpy()
    moved = (path[6] - path[0]) / h
    for player in (slice(0, 2), slice(2, 3)):
        assert moved[player] @ field[player] > 0.5 * field[player] @ field[player]


def test_every_rule_serves_an_ensemble_as_it_serves_its_members(make_rule):
    games = [plane(s) for s in range(3)]
    together = trajectory(stack(games), make_rule(), 4, lr=0.05, batch_size=5, seed=[4, 5, 6])
    for i in range(3):
        alone = trajectory(plane(i), make_rule(), 4, lr=0.05, batch_size=5, seed=4 + i)
        np.testing.assert_allclose(together[:, i], alone, rtol=1e-10, atol=1e-12)


def test_every_rule_leaves_all_parameters_free(make_rule):
    game = plane()
    for _ in train(game, make_rule(), steps=2, lr=0.1, batch_size=4):
        pass
    assert all(p.requires_grad and p.grad is None for p in (*game.g_params, *game.d_params))


def test_every_rule_says_its_losses_without_a_graph(make_rule):
    *_, state = train(plane(), make_rule(), steps=1, lr=0.1, batch_size=4)
    assert set(state.losses) == {"g_loss", "d_loss"}
    assert not any(v.requires_grad for v in state.losses.values())


@pytest.mark.parametrize("make", GAMES.values(), ids=GAMES)
def test_field_is_both_gradients_at_one_point(make):
    game = make(0)
    batch = game.draw(4, rng())
    g, d, seen = dynamics.gradients(game, batch)
    losses = game.losses(batch)
    expected_g = torch.autograd.grad(losses.g, game.g_params, retain_graph=True)
    expected_d = torch.autograd.grad(losses.d, game.d_params)
    torch.testing.assert_close((*g, *d), (*expected_g, *expected_d))
    torch.testing.assert_close(seen["d_loss"], losses.d.detach())


def test_a_player_without_influence_on_its_loss_stays():
    game = FunctionGame(lambda x, y: x.sum(), lambda x, y: x.sum(), [1.0], [2.0])
    path = trajectory(game, None, 2, lr=0.5)
    np.testing.assert_allclose(path, [[1, 2], [0.5, 2], [0, 2]])


BAD = {
    "negative": (lambda: dynamics.alternating(-1), ValueError, "d_steps must be at least 0.* -1"),
    "fraction": (lambda: dynamics.alternating(1, 0.5), TypeError, "g_steps must be a whole.* 0.5"),
    "redraw": (
        lambda: dynamics.alternating(redraw="latent"), ValueError, "redraw must be .*'latent'",
    ),
    "d_every": (lambda: dynamics.alternating(d_every=0), ValueError, "d_every must be at least 1"),
    "counts": (
        lambda: list(train(plane(), dynamics.alternating([1, 2]), steps=1)),
        ValueError, "d_steps or g_steps has 2 entries, but this is a single game",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("call", "kind", "message"), BAD.values(), ids=BAD)
def test_bad_arguments(call, kind, message):
    with pytest.raises(kind, match=message):
        call()

"""The Dirac-GAN's methods against loops over hand-derived fields, and the published end points."""

import math
from functools import cache

import numpy as np
import pytest

import gan_teach as gt
from gan_teach.dynamics import rotation_period, step_spectrum
from gan_teach.dynamics.streams import generator
from gan_teach.zoo import DIRAC_LEARNING_RATE, DIRAC_METHODS, DIRAC_STEPS, dirac_gan

LR = DIRAC_LEARNING_RATE
EXACT = [name for name, method in DIRAC_METHODS.items() if not method.noise]
STACKED = [name for name in EXACT if DIRAC_METHODS[name].change is None]


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def slope(t):
    """f'(t) of f(t) = -log(1 + exp(-t)), Mescheder's fp."""
    return sigmoid(-t)


def consensus_terms(theta, psi):
    """The gradient of (theta^2 + psi^2) f'(theta psi)^2 / 2."""
    f = slope(theta * psi)
    common = -(theta**2 + psi**2) * f * f * sigmoid(theta * psi)
    return theta * f * f + psi * common, psi * f * f + theta * common


# (d theta / dt, d psi / dt) in the paper's sign of psi, derived by hand
FIELDS = {
    "saturating": (lambda t, p: -p * slope(p * t), lambda t, p: t * slope(p * t)),
    "non_saturating": (lambda t, p: -p * slope(-p * t), lambda t, p: t * slope(p * t)),
    "wgan": (lambda t, p: -p, lambda t, p: t),
    "wgan_gp": (lambda t, p: -p, lambda t, p: t - 0.7 * (abs(p) - 1) * np.sign(p)),
    "dragan": (
        lambda t, p: -p * slope(p * t),
        lambda t, p: t * slope(p * t) - 0.7 * (abs(p) - 1) * np.sign(p),
    ),
    "r1": (lambda t, p: -p * slope(p * t), lambda t, p: t * slope(p * t) - 0.3 * p),
    "r1_critical": (lambda t, p: -p * slope(p * t), lambda t, p: t * slope(p * t) - p),
    "r2": (lambda t, p: -p * slope(p * t), lambda t, p: t * slope(p * t) - 0.3 * p),
    "non_saturating_r1": (lambda t, p: -p * slope(-p * t), lambda t, p: t * slope(p * t) - 0.3 * p),
    "consensus": (
        lambda t, p: -p * slope(p * t) - consensus_terms(t, p)[0],
        lambda t, p: t * slope(p * t) - consensus_terms(t, p)[1],
    ),
}


def loop(name, order, steps=DIRAC_STEPS):
    """(theta, psi) after each round; ``order`` is "together", or "gd", "gddddd" and the like."""
    g, d = FIELDS[name]
    bound = 1.0 if name == "wgan" else math.inf
    t, p = 1.0, 1.0
    rows = [(t, p)]
    for _ in range(steps):
        if order == "together":
            t, p = t + LR * g(t, p), p + LR * d(t, p)
            p = min(max(p, -bound), bound)
        else:
            for player in order:
                if player == "g":
                    t = t + LR * g(t, p)
                else:
                    p = min(max(p + LR * d(t, p), -bound), bound)
        rows.append((t, p))
    return np.array(rows)


def path(name, schedule=None, steps=DIRAC_STEPS, game=None):
    """The library's run, with psi in the paper's sign."""
    method = DIRAC_METHODS[name]
    run = gt.train(
        game or method.game(),
        method.rule(schedule),
        steps=steps,
        lr=LR,
        batch_size=method.batch_size,
    )
    return gt.record(run, params=gt.probes.params())["params"] * [1.0, -1.0]


def side_by_side():
    """All methods that change the game only, as one ensemble."""
    return gt.stack([DIRAC_METHODS[name].game() for name in STACKED])


@cache
def published(name):
    """The run with simultaneous steps."""
    if name not in STACKED:
        return path(name)
    return together()[:, STACKED.index(name)]


@cache
def together():
    return path("saturating", game=side_by_side())


@cache
def generator_first(d_steps, name=None):
    """The published order, one G update and then ``d_steps`` of D: half a round ahead of ours."""
    game = DIRAC_METHODS[name].game() if name else side_by_side()
    parts = [
        path(name or "r1", gt.alternating(d_steps=0), 1, game),
        path(name or "r1", gt.alternating(d_steps=d_steps), DIRAC_STEPS - 1, game),
        path(name or "r1", gt.alternating(d_steps=d_steps, g_steps=0), 1, game),
    ]
    # rows between are seen after G's update; the last one ends a published round
    return np.concatenate([parts[0], parts[1][1:], parts[2][1:]])


def after_generator_first(name, d_steps):
    if name in STACKED:
        return generator_first(d_steps)[:, STACKED.index(name)]
    return generator_first(d_steps, name)


def test_the_start_is_the_published_one():
    np.testing.assert_array_equal(path("r1", steps=0)[0], [1.0, 1.0])


def test_each_method_has_its_field():
    assert set(FIELDS) == set(EXACT)


@pytest.mark.parametrize("name", EXACT)
def test_simultaneous_run_is_the_loop(name):
    np.testing.assert_allclose(published(name), loop(name, "together"), rtol=1e-8, atol=1e-14)


@pytest.mark.parametrize("d_steps", [1, 5])
@pytest.mark.parametrize("name", [n for n in EXACT if n != "consensus"])
def test_alternating_run_is_the_loop(name, d_steps):
    got = after_generator_first(name, d_steps)[-1]
    np.testing.assert_allclose(got, loop(name, "g" + "d" * d_steps)[-1], rtol=1e-6, atol=1e-14)


# Published end points from (1, 1) after 500 steps: one distance, or the range of the last hundred.
TOGETHER = {
    "saturating": (3.05, 3.15),
    "non_saturating": (0.62, 0.65),
    "wgan": (1.0, 1.27),
    "wgan_gp": (1.6, 2.0),
    "instance_noise": (0.0, 0.06),
    "r1": (2.55e-6, 4e-5),
    "r1_critical": (9.45e-22, 3e-17),
    "consensus": (2.0e-10, 3e-8),
    "non_saturating_r1": (2.15e-6, 3e-5),
}


@pytest.mark.parametrize("name", TOGETHER)
def test_published_end_points_of_simultaneous_steps(name):
    low, high = TOGETHER[name]
    last = np.linalg.norm(published(name)[-100:], axis=-1)
    assert low <= last.min()
    assert last.max() <= high


ALTERNATING = {
    ("saturating", 1): 1.42,
    ("non_saturating", 1): 0.28,
    ("r1", 1): 2.3e-7,
    ("r1", 5): 9e-34,
    ("r1_critical", 1): 7.5e-17,
    ("r1_critical", 5): 5.1e-12,
    ("non_saturating_r1", 1): 1.5e-7,
    ("non_saturating_r1", 5): 4e-34,
}


@pytest.mark.parametrize(("name", "d_steps"), ALTERNATING)
def test_published_end_points_of_alternating_steps(name, d_steps):
    """The published order is G first; the values are printed with one or two digits."""
    wanted = ALTERNATING[name, d_steps]
    distance = np.linalg.norm(after_generator_first(name, d_steps)[-1])
    assert distance == pytest.approx(wanted, rel=0.05)


RANGES = [
    ("saturating", 5, 1.0, 2.52),
    ("non_saturating", 5, 0.12, 0.315),
    ("wgan", 1, 0.94, 1.06),
    ("wgan", 5, 0.43, 1.02),
    ("wgan_gp", 1, 1.1, 1.45),
    ("wgan_gp", 5, 0.67, 1.51),
]


@pytest.mark.parametrize(("name", "d_steps", "low", "high"), RANGES)
def test_published_ranges_of_alternating_steps_that_do_not_settle(name, d_steps, low, high):
    last = np.linalg.norm(after_generator_first(name, d_steps)[-100:], axis=-1)
    assert low <= last.min()
    assert last.max() <= high


@pytest.mark.parametrize("name", DIRAC_METHODS)
def test_methods_converge_as_the_theory_says(name):
    far = np.linalg.norm(published(name)[-100:], axis=-1).max()
    assert (far < 0.06) == DIRAC_METHODS[name].converges


# -- eigenvalues at the equilibrium ----------------------------------------------------------------


@pytest.mark.parametrize("gamma", [0.0, 0.3, 0.7, 0.95, 1.2, 1.5])
def test_eigenvalues_of_r1_and_the_critical_weight(gamma):
    game = dirac_gan(penalties=gt.penalties.r1(gamma), theta=0.0, psi=0.0)
    values = gt.spectrum(gt.jacobian(game, game.draw(1, None)))
    root = np.sqrt(gamma**2 / 4 - 1 / 4 + 0j)
    np.testing.assert_allclose(values, [-gamma / 2 + root, -gamma / 2 - root], atol=1e-12)
    assert (np.abs(values.imag).max() == 0) == (gamma > 1)


def test_instance_noise_damps_like_a_penalty_of_half_its_variance():
    method = DIRAC_METHODS["instance_noise"]
    game = method.game(0.0, 0.0)
    batch = game.draw(20_000, generator(0))
    assert batch.noise_real is not None
    assert batch.noise_fake is not None
    moments = sum((eps**2).mean().item() for eps in (batch.noise_real, batch.noise_fake))
    J = gt.jacobian(game, batch).matrix
    damping = method.noise**2 * moments / 4
    np.testing.assert_allclose(J, [[0, 0.5], [-0.5, -damping]], atol=1e-12)
    assert damping == pytest.approx(method.noise**2 / 2, rel=5 * math.sqrt(1 / 20_000))


@pytest.mark.parametrize("loss", ["saturating", "non_saturating", "wasserstein"])
def test_without_damping_the_eigenvalues_are_imaginary(loss):
    game = dirac_gan(loss, theta=0.0, psi=0.0)
    speed = 1.0 if loss == "wasserstein" else 0.5
    values = gt.spectrum(gt.jacobian(game, game.draw(1, None)))
    np.testing.assert_allclose(values, [speed * 1j, -speed * 1j], atol=1e-15)


def turn_length(x):
    """Steps per turn, from the times at which a damped oscillation changes its sign."""
    at = np.flatnonzero(x[:-1] * x[1:] < 0)
    times = at + x[at] / (x[at] - x[at + 1])
    assert len(times) >= 4
    return 2 * (times[-1] - times[0]) / (len(times) - 1)


SCHEDULES = [
    gt.simultaneous(),
    gt.alternating(),
    gt.alternating(d_steps=2),
    gt.negative_momentum(),
    gt.extragradient(),
    gt.past_extragradient(),
    gt.optimistic(),
    gt.consensus(0.2),
    gt.symplectic_adjustment(0.2),
    gt.heun(),
]


def decay(x):
    """|s| of x[t + 1] = 2 Re(s) x[t] - |s|^2 x[t - 1], fitted once faster modes have died out."""
    x = x[60:160]
    scale = np.abs(x[1:-1]) + np.abs(x[:-2])
    rows = np.stack([x[1:-1] / scale, x[:-2] / scale], -1)
    return math.sqrt(-np.linalg.lstsq(rows, x[2:] / scale)[0][1])


@pytest.mark.parametrize(
    ("name", "rule"),
    [("saturating", SCHEDULES[1]), *(("r1", rule) for rule in SCHEDULES)],
    ids=repr,
)
def test_predicted_rotation_period_and_decay_are_the_measured_ones(name, rule):
    """From the eigenvalues at (0, 0) alone; the run starts close by, where the game is linear."""
    center = DIRAC_METHODS[name].game(0.0, 0.0)
    s = step_spectrum(rule, gt.jacobian(center, center.draw(1, None)), LR)[0]
    theta = path(name, rule, 190, DIRAC_METHODS[name].game(1e-4, -1e-4))[:, 0]
    assert turn_length(theta) == pytest.approx(rotation_period(s), rel=3e-3)
    assert decay(theta) == pytest.approx(abs(s), abs=1e-6)


def test_nothing_turns_at_the_critical_weight():
    center = DIRAC_METHODS["r1_critical"].game(0.0, 0.0)
    s = step_spectrum(gt.simultaneous(), gt.jacobian(center, center.draw(1, None)), LR)
    np.testing.assert_allclose(s, 1 - LR / 2, atol=1e-7)  # a double root: half the digits
    w = path("r1_critical", steps=200)
    assert (np.diff(np.sign(w[20:, 0])) == 0).all()


@pytest.mark.slow
@pytest.mark.parametrize(("lr", "steps"), [(0.1, 3000), (0.2, 1500), (0.4, 500)])
def test_the_non_saturating_loss_circles_where_its_lean_balances_the_steps_gain(lr, steps):
    """Per step and on average over a turn, r^2 changes by eta^2 r^2 / 4 - eta r^4 / 8."""
    run = gt.train(dirac_gan("non_saturating"), gt.simultaneous(), steps=steps, lr=lr)
    w = gt.record(run, params=gt.probes.params())["params"][-150:]
    assert np.linalg.norm(w, axis=1).mean() == pytest.approx(math.sqrt(2 * lr), rel=0.01)


def test_too_much_of_r1_is_unstable():
    """s = -1 solves (s - 1)^2 + eta gamma (s - 1) + eta^2 / 4 = 0 at gamma = 2 / eta + eta / 8."""
    game = dirac_gan(penalties=gt.penalties.r1(2 / LR + LR / 8), theta=0.0, psi=0.0)
    s = step_spectrum(gt.simultaneous(), gt.jacobian(game, game.draw(1, None)), LR)
    assert s.real.min() == pytest.approx(-1.0, abs=1e-12)


def test_it_is_the_game_given_by_two_functions():
    """``zoo.dirac`` in the paper's sign; both with R1 at 0.3."""
    run = gt.train(gt.zoo.dirac(mu=0.3).game(), gt.simultaneous(), steps=50, lr=LR)
    w = gt.record(run, params=gt.probes.params())["params"]
    np.testing.assert_allclose(w, path("r1", steps=50), rtol=1e-12)


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="noise must be"):
        dirac_gan(noise=-1.0)
    with pytest.raises(ValueError, match="loss must be"):
        dirac_gan("minmax")

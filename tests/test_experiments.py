"""The named experiments against a simulation that shares no code with them, and their reports."""

import math
from typing import Any

import numpy as np
import pytest

import gan_teach as gt
from gan_teach.history import History
from gan_teach.zoo import experiments as ex

TARGET = 2 * math.log(0.5)


# -- what the runs find ----------------------------------------------------------------------------


def simulate(games, d_steps, g_steps, noise=0.0, shared=True, seeds=200, non_saturating=False):
    """The published loop in NumPy, derivatives by hand: V before the last D step, (games, S)."""
    rng = np.random.default_rng(11)
    sigmoid = lambda t: 0.5 * (1 + np.tanh(t / 2))  # noqa: E731
    x = rng.normal(5, 1, (seeds, 10))
    w, a = 0.1 * rng.normal(size=(2, seeds, 1))
    b, c = np.zeros((2, seeds, 1))
    out = np.empty((games, seeds))
    for game in range(games):
        real_noise = noise * rng.normal(size=x.shape)
        fake_noise = real_noise if shared else noise * rng.normal(size=x.shape)
        real, fake = x + real_noise, w * rng.uniform(size=x.shape) + b + fake_noise
        for step in range(d_steps):
            up, down = 1 - sigmoid(a * real + c), sigmoid(a * fake + c)
            if step == d_steps - 1:
                out[game] = np.log1p(-up).mean(1) + np.log1p(-down).mean(1)
            a = a + 0.1 * (up * real - down * fake).mean(1, keepdims=True)
            c = c + 0.1 * (up - down).mean(1, keepdims=True)
        for _ in range(g_steps):
            z = rng.uniform(size=x.shape)
            d = sigmoid(a * (w * z + b + fake_noise) + c)
            push = a * (1 - d if non_saturating else d)
            w = w + 0.1 * (push * z).mean(1, keepdims=True)
            b = b + 0.1 * push.mean(1, keepdims=True)
    return out


def settled(v):
    return np.abs(v[-1] - TARGET) < 0.1


def agree(one, other, sigmas=4.0):
    """Whether two samples of truth values can have one share."""
    pooled = np.concatenate([one, other]).mean()
    spread = math.sqrt(max(pooled * (1 - pooled), 0.01) * (1 / len(one) + 1 / len(other)))
    return abs(one.mean() - other.mean()) <= sigmas * spread


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "ratio", "changes", "bounds"),
    [
        ("normal", (1500, 1, 1), {}, (0.9, 1.0)),
        ("strong-generator", (150, 1, 50), {"games": 150}, (0.95, 1.0)),
        ("noisy", (300, 50, 1), {"games": 300}, (0.95, 1.0)),
    ],
)
def test_shares_of_settled_seeds_are_those_of_another_program(name, ratio, changes, bounds):
    noise = ex.settings(name).noise
    independent = simulate(*ratio, noise=noise, seeds=100)
    with np.errstate(all="raise"):
        history = ex.run_seeds(name, 64, every=10, **changes)
    ours = ex.outcomes(history) == "settled"
    assert bounds[0] <= ours.mean() <= bounds[1]
    assert agree(ours, settled(independent))
    assert agree(ex.outcomes(history) == "saturated", independent[-1] > -0.1)


@pytest.mark.slow
def test_a_strong_discriminator_is_slow_not_stuck():
    independent = simulate(1000, 50, 1, seeds=64)
    history = ex.run_seeds("strong-discriminator", 64, games=1000, every=100)
    shares = []
    for game in (500, 1000):
        ours = np.abs(history["objective"][game // 100] - TARGET) < 0.1
        assert agree(ours, settled(independent[:game]))
        shares.append(ours.mean())
    assert shares[0] < 0.35
    assert shares[1] > shares[0] + 0.1
    assert agree(history["objective"][5] > -0.1, independent[499] > -0.1)


@pytest.mark.slow
def test_the_other_loss_and_the_other_noise_settle_too():
    other_loss: dict[str, Any] = {"loss": "non_saturating"}
    other_noise: dict[str, Any] = {"shared_noise": False}
    for name, changes, options in (
        ("strong-discriminator", other_loss, {"non_saturating": True}),
        ("noisy", other_noise, {"noise": 1.0, "shared": False}),
    ):
        independent = simulate(250, 50, 1, seeds=32, **options)
        history = ex.run_seeds(name, 32, games=250, every=10, **changes)
        assert agree(ex.outcomes(history) == "settled", settled(independent))


# -- what a run records ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def history():
    return ex.run("noisy", seed=5, games=30, d_steps=3)


def test_one_run_is_a_member_of_the_ensemble(history):
    many = ex.run_seeds("noisy", [4, 5], games=30, d_steps=3)
    member = many.member(1)
    for key in ("params", "objective", "g_loss", "d_grad", "g_grad"):
        np.testing.assert_allclose(history[key], member[key], rtol=2e-5, atol=1e-6)
    np.testing.assert_allclose(history["eigenvalues"][-1], member.static["eigenvalues_end"],
                               rtol=1e-4, atol=1e-6)  # fmt: skip
    np.testing.assert_allclose(
        history.static["eigenvalues_theory"], member.static["eigenvalues_theory"], rtol=1e-5
    )
    assert member.meta["seed"] == 5


def test_what_pictures_show_follows_from_the_parameters(history):
    w, b, a, c = history["params"].T.astype(float)
    grid, z = history.static["grid"], history.static["latent"]
    np.testing.assert_allclose(history["fake"], np.outer(w, z) + b[:, None], atol=1e-5)
    sigmoid = 1 / (1 + np.exp(-(np.outer(a, grid) + c[:, None])))
    np.testing.assert_allclose(history["d_grid"], sigmoid, atol=1e-5)
    assert history["d_star"].shape == sigmoid.shape
    np.testing.assert_array_equal(history["objective"][1:], -history["d_loss"][1:])
    assert np.isnan(history["objective"][0])
    assert list(history.steps) == list(range(31))
    assert history.static["real"].shape == (10,)
    assert ((history["d_real"] > 0) & (history["d_fake"] < 1)).all()


def test_eigenvalues_are_those_of_second_differences_of_the_value():
    history = ex.run("normal", seed=1, games=40)
    x, z = history.static["real"].astype(float), (np.arange(200) + 0.5) / 200

    def value(t):
        real, fake = t[2] * x + t[3], t[2] * (t[0] * z + t[1]) + t[3]
        return -np.logaddexp(0, -real).mean() - np.logaddexp(0, fake).mean()

    h, unit = 1e-4, np.eye(4)
    for k in (0, 20, 40):
        p = history["params"][k].astype(float)
        shift = lambda i, s, j, t: value(p + h * (s * unit[i] + t * unit[j]))  # noqa: B023, E731
        matrix = [
            [sum(s * t * shift(i, s, j, t) for s in (1, -1) for t in (1, -1)) for j in range(4)]
            for i in range(4)
        ]
        expected = np.linalg.eigvalsh(np.array(matrix) / (4 * h * h))
        np.testing.assert_allclose(history["eigenvalues"][k], expected, atol=2e-5)


def test_settings_may_be_changed_in_the_call():
    assert ex.settings("noisy", games=7, noise=None) == ex.settings("noisy", games=7)
    several: list[dict[str, Any]] = [
        {"loss": "relativistic"}, {"fresh_data": True}, {"g_steps": 0}, {"tau": 3.0},
    ]  # fmt: skip
    for changes in several:
        assert len(ex.run("normal", games=3, **changes)) == 4


def test_a_slower_discriminator_learns_less():
    slow, fast = (ex.run("normal", games=5, tau=tau)["params"][-1, 2:] for tau in (0.1, 1.0))
    assert np.abs(slow).max() < np.abs(fast).max()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ex.run("norml"), "Did you mean 'normal'"),
        (lambda: ex.run("normal", game=3), "Did you mean 'games'"),
        (lambda: ex.run("normal", games=0), "games must be at least 1"),
        (lambda: ex.run("normal", d_steps=-1), "d_steps must be at least 0"),
        (lambda: ex.run("normal", noise=-0.5), "noise must be at least 0"),
        (lambda: ex.run("normal", loss="saturate"), "Did you mean 'saturating'"),
        (lambda: ex.run("normal", seed=-1), "seed must be at least 0"),
        (lambda: ex.run_seeds("normal", 0), "seeds must be at least 1"),
    ],
)
def test_mistakes_are_told_at_once(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# -- reports ---------------------------------------------------------------------------------------


def ending(*columns, steps=None):
    """A History whose objective has these columns (one per member), after a NaN at step 0."""
    v = np.array(columns, dtype=float).T
    v = np.vstack([np.full(v.shape[1], np.nan), v])
    return History(np.arange(len(v)) if steps is None else steps, {"objective": v})


def test_the_settling_game_is_the_first_of_the_last_stretch():
    near, far = TARGET + 0.05, TARGET + 0.3
    found = ex.settling_game(
        ending(
            [far, near, near, near], [near, near, far, near], [near] * 4, [near, near, near, far]
        )
    )
    np.testing.assert_array_equal(found, [2, 4, 1, np.inf])
    spaced = ending([far, near, near], steps=[0, 10, 20, 30])
    np.testing.assert_array_equal(ex.settling_game(spaced), [20])
    np.testing.assert_array_equal(ex.settling_game(ending([near, np.nan])), [np.inf])


def test_outcomes_are_plain_words():
    found = ex.outcomes(ending([TARGET + 0.09], [-0.05], [-0.5], [np.nan], [-np.inf]))
    assert list(found) == ["settled", "saturated", "on the way", "diverged", "diverged"]
    assert set(found) == set(ex.OUTCOMES)


def test_the_report_holds_what_the_theory_promises():
    report = ex.report(ex.run("strong-generator", games=200))
    assert [row[-1] for row in report.rows].count("yes") == 7
    assert "NO" not in {row[-1] for row in report.rows}
    text = str(report)
    assert "-2 log 2" in text
    assert len({line.index("theory") for line in text.splitlines()[:1]}) == 1


def test_the_report_says_where_it_does_not():
    report = ex.report(ex.run("strong-discriminator", games=60))
    rows = {row[0]: row for row in report.rows}
    assert rows["objective V beside -2 log 2, last 100 rounds"][-1] == "NO"
    assert rows["definiteness of the Hessian"][-1] == "NO"
    assert rows["first round from which V stays within 0.1"][1] == "never in this run"
    assert " NO" in str(report)


def test_the_report_of_many_seeds_counts_outcomes():
    rows = ex.report(ex.run_seeds("strong-generator", 8, games=40)).rows
    found = {row[0]: row[1] for row in rows}
    assert found["seeds that ended settled"] == "100.0% of 8"
    assert found["seeds that ended diverged"] == "0.0% of 8"


def test_a_run_stopped_before_its_first_game_has_a_report(monkeypatch):
    def stopped(*arguments, **how):
        states = original(*arguments, **how)

        def first_only():
            yield next(states)
            raise KeyboardInterrupt

        return gt.training.Run(first_only(), states.total)

    original = ex.train
    monkeypatch.setattr(ex, "train", stopped)
    for run in (ex.run("normal"), ex.run_seeds("normal", 3)):
        assert run.meta["interrupted"]
        assert len(run) == 1
        assert "never" in str(ex.report(run))

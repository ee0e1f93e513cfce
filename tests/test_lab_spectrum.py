"""The eigenvalues of a round of two networks, found without their Jacobian."""

# pyright: reportOptionalMemberAccess=false, reportAttributeAccessIssue=false
# A chart of these games has all of its parts.

import numpy as np
import pytest
import torch

from gan_teach.analysis import spectra
from gan_teach.dynamics.linear import step_spectrum
from gan_teach.dynamics.streams import generator
from gan_teach.lab import Session
from gan_teach.lab.world import DISC, FARTHEST, obstacle, round_spectrum, update_rule

SMALL = {"width": 6, "depth": 1, "data": "two-gaussians"}


def trained(rounds=20, **knobs):
    session = Session("five-gaussians", **{**SMALL, **knobs})
    session.go(rounds)
    return session


def found(session):
    state, batch = session.state, session.state.game.draw(64, generator(3))
    return round_spectrum(session.game, state, session.config, batch), spectra.jacobian(
        state.game, batch
    )


def farthest(values, n):
    return sorted(values, key=lambda s: -abs(s - 1))[:n]


@pytest.mark.parametrize(
    "knobs",
    [{"rule": "simultaneous", "tau": 2.0}, {"d_steps": 2}, {"d_steps": 1, "g_steps": 3}],
    ids=str,
)
def test_with_sgd_they_are_those_of_the_whole_matrix(knobs):
    session = trained(optimizer="sgd", lr=0.3, **knobs)
    values, jacobian = found(session)
    config = session.config
    expected = step_spectrum(update_rule(config), jacobian, config.lr, config.tau)
    assert FARTHEST <= len(values) <= FARTHEST + 1
    np.testing.assert_allclose(
        np.sort_complex(values), np.sort_complex(farthest(expected, len(values))), atol=2e-4
    )


def test_adam_scales_each_parameter_by_its_mean_square():
    session = trained(lr=1e-2)
    values, jacobian = found(session)
    optims = session.state.optims
    rates = []
    for one in (optims.g, optims.d):
        mean = torch.cat([s.flatten() for s in one.square]).double() / (1 - 0.9**20)
        rates.append(np.diag(one.lr / (mean.sqrt() + 1e-8)))
    n, eye = jacobian.n_g, np.eye(len(jacobian.matrix))
    g, d = np.zeros_like(eye), np.zeros_like(eye)
    g[:n, :n], d[n:, n:] = rates
    whole = (eye + g @ jacobian.matrix) @ (eye + d @ jacobian.matrix)
    expected = farthest(np.linalg.eigvals(whole), len(values))
    np.testing.assert_allclose(
        np.sort_complex(values), np.sort_complex(expected), atol=1e-3 * abs(expected[0] - 1)
    )


@pytest.mark.parametrize(
    ("rounds", "knobs", "why"),
    [
        (1, {}, ""), (0, {}, "from the first round on"), (0, {"optimizer": "sgd"}, ""),
        (1, {"optimizer": "momentum"}, "only without momentum"),
        (1, {"optimizer": "adam"}, "only without momentum"),
        (1, {"rule": "extragradient"}, "only for steps in turn or at once"),
        (1, {"d_steps": 20}, "only up to 10 steps a round"),
    ],
)  # fmt: skip
def test_it_says_where_there_are_none(rounds, knobs, why):
    session = trained(rounds, **knobs)
    assert obstacle(session.state, session.config) == why
    disc = session.picture().disc
    assert (len(disc.xy) > 0) == (why == "")


def test_the_picture_shows_them_when_they_are_asked_for_and_keeps_them_a_while():
    session = trained(20, optimizer="sgd", lr=0.3)
    assert session.frame.disc is None
    assert DISC in session.hidden
    disc = session.picture().disc
    assert disc.text.startswith("Round 20: ")
    session.go(20)
    assert session.picture().disc is disc
    session.go(10)
    assert session.picture().disc.text.startswith("Round 50: ")
    session.set(tau=2.0)
    assert session.picture().disc is not disc


def test_a_diverged_run_has_an_empty_disc():
    session = trained(30, optimizer="sgd", lr=100.0, loss="least_squares")
    assert len(session.picture().disc.xy) == 0

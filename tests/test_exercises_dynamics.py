"""Exercises whose answer is a function of arrays: right ones in several forms, named mistakes."""

import math
from functools import partial
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import torch

import gan_teach as gt
from gan_teach.course import exercises as ex


def by_autograd(v, w, gamma):
    w = w.detach().requires_grad_()
    (slope,) = torch.autograd.grad((v(w) ** 2).sum() / 2, w)
    return v(w) - gamma * slope


def by_jacobian(v, w, gamma):
    J = torch.autograd.functional.jacobian(v, w)
    return (v(w) - gamma * (v(w) @ J)).tolist()


def by_differences(v, w, gamma, h=1e-5):
    square = lambda w: float((v(w) ** 2).sum() / 2)  # noqa: E731
    steps = h * torch.eye(len(w), dtype=w.dtype)
    slope = [(square(w + e) - square(w - e)) / (2 * h) for e in steps]
    return v(w).numpy() - gamma * np.array(slope)


def slope_of(loss, sign=-1.0, keep=1.0):
    def consensus(v, w, gamma):
        w = w.detach().requires_grad_()
        return keep * v(w) + sign * gamma * torch.autograd.grad(loss(v(w)), w)[0]

    return consensus


def detached(v, w, gamma):
    return v(w.detach())


def along(v, w, gamma):
    return v(w) - gamma * torch.autograd.functional.jacobian(v, w) @ v(w)


def own(v, w, gamma):
    return v(w) - gamma * torch.autograd.functional.jacobian(v, w).diagonal() * v(w)


def half(here):
    return (here**2).sum() / 2


def by_rows(J, n_g, tau):
    J[n_g:] *= tau  # writes into what it was given
    return np.linalg.eigvals(J).real.max()


def by_blocks(J, n_g, tau):
    rates = torch.tensor([1.0] * n_g + [float(tau)] * (len(J) - n_g), dtype=torch.float64)
    return torch.linalg.eigvals(torch.diag(rates) @ torch.from_numpy(J)).real.max()


def of_rows(rows, pick=lambda eigenvalues: eigenvalues.real.max()):
    def rightmost(J, n_g, tau):
        J = J.copy()
        J[rows(n_g)] *= tau
        return pick(np.linalg.eigvals(J))

    return rightmost


def d_rows(n_g):
    return slice(n_g, None)


def wrapped(points, place):
    gap = (points - place + np.pi) % (2 * np.pi) - np.pi
    return np.sqrt((gap**2).sum(-1))


def by_copies(points, place):
    turns = 2 * np.pi * np.array([(i, j) for i in range(-4, 5) for j in range(-4, 5)])
    return np.linalg.norm(points[..., None, :] - place - turns, axis=-1).min(-1)


def short(points, place):
    return (points - place + np.pi) % (2 * np.pi) - np.pi


def linear_flow(s, mu, tau):
    """The spectrum from the matrix itself, at X = sqrt(S)."""
    d, X = len(s), torch.diag(torch.from_numpy(s).sqrt())

    def v(w):
        X, Y = w.reshape(2, d, d)
        S = torch.diag(torch.from_numpy(s))
        return torch.stack([(Y + Y.T) @ X, tau * (S - X @ X.T - mu * Y)]).ravel()

    w = torch.stack([X, torch.zeros_like(X)]).ravel()
    return torch.linalg.eigvals(torch.autograd.functional.jacobian(v, w))


def listed(s, mu, tau, zeros=True, friction=True, start=lambda i: i, t=None):
    d, found = len(s), []
    for i in range(d):
        for j in range(start(i), d):
            found += np.roots([1, tau * mu, 2 * (tau if t is None else t) * (s[i] + s[j])]).tolist()
    free = d * (d - 1) // 2
    return found + zeros * [0.0] * free + friction * [-tau * mu] * free


def but(**changes):
    return lambda s, mu, tau: listed(s, mu, tau, **changes)


def optimistic(game, draw, optims, memory, now=2, past=-1, first=0.0, keep=True, late=False):
    g_grads, d_grads, losses = gt.dynamics.gradients(game, draw())
    grads = gt.dynamics.copies([*g_grads, *d_grads])
    if late:
        memory["past"] = grads  # before it is read
    old = memory.get("past") or [first * g for g in grads]
    steps = [now * g + past * o for g, o in zip(grads, old, strict=True)]
    optims.step(steps[: len(g_grads)], steps[len(g_grads) :])
    if keep:
        memory["past"] = grads
    return losses


def each_player(game, draw, optims, memory):
    batch = draw()
    losses = {"g_loss": game.loss_g(batch), "d_loss": game.loss_d(batch)}
    steps = {}
    for player, params in (("g", game.g_params), ("d", game.d_params)):
        now = gt.dynamics.gradient(losses[f"{player}_loss"], params)
        past = memory.setdefault(player, [torch.zeros_like(p) for p in params])
        steps[player] = [2 * g - o for g, o in zip(now, past, strict=True)]
        memory[player] = gt.dynamics.copies(now)
    optims.step_g(steps["g"])
    optims.step_d(steps["d"])
    return losses


def library(game, draw, optims, memory):
    return gt.dynamics.optimistic()(game, draw, optims, memory)


def d_first(game, draw, optims, memory):
    losses = {}
    for player in "dg":
        params = getattr(game, f"{player}_params")
        losses[f"{player}_loss"] = getattr(game, f"loss_{player}")(draw())
        now = gt.dynamics.gradient(losses[f"{player}_loss"], params)
        past = memory.get(player) or [0.0] * len(now)
        steps = [2 * g - o for g, o in zip(now, past, strict=True)]
        getattr(optims, f"step_{player}")(steps)
        memory[player] = gt.dynamics.copies(now)
    return losses


def blocks(J, n_g):
    return -J[:n_g, :n_g], -J[:n_g, n_g:], -J[n_g:, n_g:]


def definite(*matrices):
    return all(np.linalg.eigvalsh(matrix).min() > 0 for matrix in matrices)


def by_halving(J, n_g, asks=lambda A, B, D: (A + B @ np.linalg.inv(D) @ B.T, D), invert=False):
    if not definite(*asks(*blocks(J, n_g))):
        return 0 if invert else math.inf
    low, high = 0.0, 1000.0
    for _ in range(70):
        tau = (low + high) / 2
        attracts = of_rows(d_rows)(J, n_g, tau) < 0
        low, high = (low, tau) if attracts else (tau, high)
    return (1 / high if high > 1e-9 else math.inf) if invert else high


def by_crossings(J, n_g):
    """The largest real tau at which two eigenvalues of J_tau sum to zero, by the Kronecker sum."""
    A, B, D = blocks(J, n_g)
    if not definite(A + B @ np.linalg.inv(D) @ B.T, D):
        return float("inf")
    n, eye = len(J), np.eye(len(J))
    G, D = np.zeros((2, n, n))
    G[:n_g], D[n_g:] = J[:n_g], J[n_g:]
    P, Q = (np.kron(M, eye) + np.kron(eye, M) for M in (G, D))
    symmetric = np.array([(np.outer(a, b) + np.outer(b, a)).ravel()
                          for i, a in enumerate(eye) for b in eye[: i + 1]]).T  # fmt: skip
    P, Q = (np.linalg.lstsq(symmetric, M @ symmetric, rcond=None)[0] for M in (P, Q))
    taus: Any = np.asarray(scipy.linalg.eigvals(P, -Q))
    real = taus[np.isfinite(taus) & (abs(taus.imag) < 1e-7)].real
    return max([0.0, *real[real > 1e-7]])


RIGHT = [
    (ex.check_consensus_field, [by_autograd, by_jacobian, by_differences]),
    (ex.check_optimistic_rule, [optimistic, each_player, library]),
    (ex.check_rightmost, [by_blocks, of_rows(d_rows)]),
    (ex.check_tau_star, [by_halving, by_crossings, lambda J, n_g: gt.tau_star(J, n_g=n_g)]),
    (ex.check_torus_distance, [wrapped, by_copies]),
    (ex.check_covariance_spectrum, [listed, linear_flow]),
]
MISTAKES = [
    (ex.check_consensus_field, slope_of(half, sign=1.0), "sign"),
    (ex.check_consensus_field, slope_of(lambda here: (here**2).sum()), "halve it"),
    (ex.check_consensus_field, slope_of(half, keep=0.0), "v itself"),
    (ex.check_consensus_field, detached, "detached"),
    (ex.check_consensus_field, along, "J v;"),
    (ex.check_consensus_field, own, "its own"),
    (ex.check_consensus_field, lambda v, w, gamma: v(w).sum(), "shape"),
    (ex.check_consensus_field, lambda v, w, gamma: v(w) * torch.nan, "nan at"),
    (ex.check_optimistic_rule, partial(optimistic, past=0, now=1), "plain descent"),
    (ex.check_optimistic_rule, partial(optimistic, late=True), "read before it is set"),
    (ex.check_optimistic_rule, partial(optimistic, keep=False), "never arrives"),
    (ex.check_optimistic_rule, partial(optimistic, now=1), "counts twice"),
    (ex.check_optimistic_rule, partial(optimistic, past=1), "taken back"),
    (ex.check_optimistic_rule, partial(optimistic, now=-2, past=1), "goes down by itself"),
    (ex.check_optimistic_rule, partial(optimistic, first=1.0), "take zero"),
    (ex.check_optimistic_rule, d_first, "before anyone moves"),
    (ex.check_optimistic_rule, lambda game, draw, optims, memory: None, "returns None"),
    (ex.check_rightmost, by_rows, "it changes J itself"),
    (ex.check_rightmost, of_rows(lambda n_g: slice(n_g)), "come after"),
    (ex.check_rightmost, of_rows(lambda n_g: slice(-n_g, None)), "published code"),
    (ex.check_rightmost, of_rows(lambda n_g: slice(None)), "D's rows only"),
    (ex.check_rightmost, of_rows(lambda n_g: slice(0)), "does nothing"),
    (ex.check_rightmost, of_rows(d_rows, lambda e: abs(e).max()), "absolute"),
    (ex.check_rightmost, of_rows(d_rows, lambda e: e.real.min()), "leftmost"),
    (ex.check_rightmost, of_rows(d_rows, lambda e: e.imag.max()), "turns"),
    (
        ex.check_rightmost,
        of_rows(d_rows, lambda e: -e.real.max()),
        "in a random case (verdict.case) it gives",
    ),
    (ex.check_rightmost, of_rows(d_rows, lambda e: np.inf), "inf"),
    (ex.check_tau_star, partial(by_halving, invert=True), "reciprocal"),
    (ex.check_tau_star, partial(by_halving, asks=lambda A, B, D: (A, D)), "a Nash point"),
    (
        ex.check_tau_star,
        partial(by_halving, asks=lambda A, B, D: (A - B @ np.linalg.inv(D) @ B.T, D)),
        "sign in S",
    ),
    (ex.check_tau_star, lambda J, n_g: by_halving(J, n_g) * math.nan, "nan"),
    (ex.check_tau_star, lambda J, n_g: 0.0 if by_halving(J, n_g) < 1e9 else math.inf, "is 0 at"),
    (ex.check_tau_star, lambda J, n_g: by_halving(-J, n_g), "blocks of -J"),
    (ex.check_tau_star, partial(by_halving, asks=lambda A, B, D: ()), "the interval's end"),
    (ex.check_tau_star, partial(by_halving, asks=lambda A, B, D: (D,)), "inf is wanted"),
    (ex.check_torus_distance, lambda p, q: np.linalg.norm(p - q, axis=-1), "full turns"),
    (ex.check_torus_distance, lambda p, q: np.hypot(*((p - q) % (2 * np.pi)).T).T, "long way"),
    (ex.check_torus_distance, lambda p, q: abs(short(p, q)).sum(-1), "sum of both"),
    (ex.check_torus_distance, lambda p, q: (short(p, q) ** 2).sum(-1), "root"),
    (ex.check_torus_distance, lambda p, q: np.linalg.norm(short(p, q)), "for each point"),
    (ex.check_torus_distance, lambda p, q: 2 * np.hypot(*np.sin((p - q) / 2).T).T, "chord"),
    (ex.check_covariance_spectrum, but(zeros=False), "zeros are missing, one"),
    (ex.check_covariance_spectrum, but(friction=False), "-tau gamma is missing"),
    (ex.check_covariance_spectrum, but(zeros=False, friction=False), "as many"),
    (ex.check_covariance_spectrum, but(start=lambda i: 0), "counts"),
    (ex.check_covariance_spectrum, but(start=lambda i: i + 1), "i = j"),
    (ex.check_covariance_spectrum, but(t=1.0), "last term"),
    (ex.check_covariance_spectrum, lambda s, mu, tau: s, "shape"),
]


@pytest.mark.parametrize(("check", "answers"), RIGHT)
def test_every_form_of_the_right_answer_counts(check, answers):
    for answer in answers:
        assert check(answer), check(answer)
        assert check(answer), "the second time as well"


@pytest.mark.parametrize(("check", "answer", "word"), MISTAKES)
def test_a_mistake_is_told_what_it_is(check, answer, word):
    verdict = check(answer)
    assert not verdict
    assert word in verdict.message, verdict


@pytest.mark.parametrize("check", [check for check, _ in RIGHT])
def test_answers_of_the_wrong_kind(check):
    assert "a function is wanted" in check(3.0).message
    assert "raised ZeroDivisionError" in check(lambda *_: 1 / 0).message
    assert "what it gives cannot be used" in check(lambda *_: "text").message
    assert "raised" in check(lambda: 0.0).message


@pytest.mark.slow
def test_a_tau_star_that_is_off_does_not_count():
    rng = np.random.default_rng(0)
    for by in [*rng.choice([-1, 1], 100) * 10 ** rng.uniform(-5, 2, 100), math.nan, math.inf]:
        assert not ex.check_tau_star(lambda J, n_g, by=by: gt.tau_star(J, n_g=n_g) + by)
        assert not ex.check_tau_star(lambda J, n_g, by=by: gt.tau_star(J, n_g=n_g) * (1 + by))
    assert ex.check_tau_star(lambda J, n_g: gt.tau_star(J, n_g=n_g) * 1.0)


@pytest.mark.slow
def test_a_rule_that_is_a_little_off_does_not_count():
    rng = np.random.default_rng(0)
    for by in rng.choice([-1, 1], 40) * 10 ** rng.uniform(-4, 1, 40):
        for slip in ({"now": 2 + by}, {"past": -1 + by}, {"first": by}):
            assert not ex.check_optimistic_rule(partial(optimistic, **slip))

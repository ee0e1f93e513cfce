"""Exercises whose answer is a function of arrays: right ones in several forms, named mistakes."""

import numpy as np
import pytest
import torch

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


RIGHT = [
    (ex.check_consensus_field, [by_autograd, by_jacobian, by_differences]),
    (ex.check_rightmost, [by_rows, by_blocks, of_rows(d_rows)]),
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
    (ex.check_rightmost, of_rows(lambda n_g: slice(n_g)), "come after"),
    (ex.check_rightmost, of_rows(lambda n_g: slice(-n_g, None)), "published code"),
    (ex.check_rightmost, of_rows(lambda n_g: slice(None)), "D's rows only"),
    (ex.check_rightmost, of_rows(lambda n_g: slice(0)), "does nothing"),
    (ex.check_rightmost, of_rows(d_rows, lambda e: abs(e).max()), "absolute"),
    (ex.check_rightmost, of_rows(d_rows, lambda e: e.real.min()), "leftmost"),
    (ex.check_rightmost, of_rows(d_rows, lambda e: e.imag.max()), "turns"),
    (ex.check_rightmost, of_rows(d_rows, lambda e: -e.real.max()), "in a random case it gives"),
    (ex.check_rightmost, of_rows(d_rows, lambda e: np.inf), "inf"),
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
    assert "raised" in check(lambda *_: "text").message
    assert "raised" in check(lambda: 0.0).message

"""Code of chapters 14 to 20: two distances, two layers, a search, a spectrum, a sampler."""

# pyright: reportArgumentType=false

import itertools
import math

import numpy as np
import pytest
import scipy.stats
import torch
from torch.nn import functional as F

from gan_teach import metrics
from gan_teach.course import exercises as ex

# -- 14: KID ---------------------------------------------------------------------------------------


def kid(x, y, among=itertools.permutations, cross=-2.0, d=None, one=1, power=3):
    """Pair by pair."""
    d = d or len(x[0])

    def mean(pairs):
        return np.mean([(np.dot(a, b) / d + one) ** power for a, b in pairs])

    within = mean(among(x, 2)) + mean(among(y, 2))
    return within + cross * mean(itertools.product(x, y))


def with_itself(x, _):
    return itertools.product(x, x)


def over_n(x, y):
    d = x.shape[1]
    k = [(z @ z.T / d + 1) ** 3 for z in (x, y)]
    shrunk = sum((m.sum() - np.trace(m)) / m.size for m in k)
    return shrunk - 2 * ((x @ y.T / d + 1) ** 3).mean()


# -- 15: the layer that draws ----------------------------------------------------------------------


def by_zeros(x, w, stride, padding):
    """Zeros between the values, then an ordinary convolution with the kernel turned."""
    n, m, h, _ = x.shape
    wide = x.new_zeros(n, m, *(2 * ((h - 1) * stride + 1,)))
    wide[:, :, ::stride, ::stride] = x
    return F.conv2d(wide, w.flip(2, 3).transpose(0, 1), padding=w.shape[-1] - 1 - padding)


def by_stamps(x, w, stride, padding, add=np.add):
    x, w = x.numpy(), w.numpy()
    (n, _, h, _), k = x.shape, w.shape[-1]
    side = (h - 1) * stride + k
    y = np.zeros((n, w.shape[1], side, side))
    for a, b in np.ndindex(h, h):
        at = (..., slice(a * stride, a * stride + k), slice(b * stride, b * stride + k))
        y[at] = add(y[at], np.tensordot(x[:, :, a, b], w, 1))
    return y[..., padding : side - padding, padding : side - padding]


def layer(x, w, stride, padding):
    (m, o, k, _) = w.shape
    own = torch.nn.ConvTranspose2d(m, o, k, stride, padding, bias=False).double()
    return torch.func.functional_call(own, {"weight": w}, (x,))


# -- 16: the judge ---------------------------------------------------------------------------------


def lines(cost):
    """The mean over the directions of a cost of two samples on a line."""
    return lambda x, y, v: np.mean([cost(x @ line, y @ line) for line in v])


def each(x, y, v, axis=0, power=1):
    return np.mean(abs(np.sort(x @ v.T, axis) - np.sort(y @ v.T, axis)) ** power)


# -- 17: a layer without a checkerboard ------------------------------------------------------------


def double(x, w, mode="nearest", **how):
    return F.conv2d(F.interpolate(x, scale_factor=2, mode=mode), w, **{"padding": 1, **how})


def zeros_between(x):
    wide = x.new_zeros(*x.shape[:2], *(2 * x.shape[2],) * 2)
    wide[..., ::2, ::2] = x
    return wide


def by_index(x, w):
    half = np.arange(2 * x.shape[-1]) // 2
    return F.conv2d(x[:, :, half][..., half], w, padding=1)


def pixel_by_pixel(x, w):
    big = np.pad(np.kron(x.numpy(), np.ones((2, 2))), ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(big, (3, 3), (2, 3))
    return np.einsum("nmhwkl,omkl->nohw", windows, w.numpy())


# -- 18: moved copies ------------------------------------------------------------------------------


def moves(rows, columns=None):
    return list(itertools.product(rows, rows if columns is None else columns))


ALL = moves(range(-2, 3))


def search(x, y, among=ALL, over=np.min, root=np.sqrt, roll=False):
    """By a frame of NaN around the first picture, where none is."""
    frame, h = np.pad(x, ((0, 0), (2, 2), (2, 2)), constant_values=np.nan), x.shape[1]
    found = []
    for i, j in among:
        moved = (
            np.roll(x, (-i, -j), (1, 2)) if roll else frame[:, 2 + i : 2 + h + i, 2 + j : 2 + h + j]
        )
        found.append(root(np.nanmean((moved[:, None] - y) ** 2, (2, 3))))
    return over(found, axis=0)


def by_whole_size(x, y):
    frame, h = np.pad(x, ((0, 0), (2, 2), (2, 2)), constant_values=np.nan), x.shape[1]
    sums = [
        np.nansum((frame[:, None, 2 + i : 2 + h + i, 2 + j : 2 + h + j] - y) ** 2, (2, 3)) / h**2
        for i, j in ALL
    ]
    return np.sqrt(np.min(sums, 0))


# -- 19: Arnoldi's method --------------------------------------------------------------------------


def matrix(product, n):
    return np.stack([product(e) for e in np.eye(n)], 1)


def ritz(product, u, k):
    """By the powers of the matrix, orthogonal from left to right."""
    A = matrix(product, len(u))
    q = scipy.linalg.orth(np.stack([np.linalg.matrix_power(A, j) @ u for j in range(k)], 1))
    return np.linalg.eigvals(q.T @ A @ q)


def arnoldi(product, u, k, unit=True, among=slice(None), classical=False, values=np.linalg.eigvals):
    q = [torch.as_tensor(u / np.linalg.norm(u) if unit else u)]
    H = torch.zeros(k + 1, k, dtype=torch.float64)
    for j in range(k):
        v = first = torch.as_tensor(product(q[j].numpy()))
        for i in list(range(j + 1))[among]:
            H[i, j] = q[i] @ (first if classical else v)
            v = v - H[i, j] * q[i]
        H[j + 1, j] = v.norm()
        q.append(v / v.norm())
    return values(H[:k].numpy())


# -- 20: stacks ------------------------------------------------------------------------------------


def draw(digits, n, rng, most=None):
    return digits[torch.randint(most or len(digits), (n, 3), generator=rng), 0]


def channel_by_channel(digits, n, rng):
    channels = [digits[(len(digits) * torch.rand(n, generator=rng)).long()] for _ in range(3)]
    return torch.cat(channels, 1)


def numpys(digits, n, rng):
    seed = int(torch.randint(2**40, (), generator=rng))
    which = np.random.default_rng(seed).integers(0, len(digits), (n, 3))
    return torch.from_numpy(digits.numpy()[which, 0])


def grey(digits, n, rng):
    return digits[torch.randint(len(digits), (n,), generator=rng)].expand(n, 3, *digits.shape[2:])


def without_replacement(digits, n, rng):
    which = torch.stack([torch.randperm(len(digits), generator=rng)[:3] for _ in range(n)])
    return digits[which, 0]


def reseeded(digits, n, rng):
    return draw(digits, n, rng.manual_seed(7))


# a check, right functions in several forms, wrong ones with a word of the sentence each deserves
CODE = [
    (ex.check_kid_code,
     [kid, metrics.kid, lambda x, y: torch.tensor(kid(x, y))],
     [(lambda x, y: kid(x, y, with_itself), "no pair"), (over_n, "n (n - 1)"),
      (lambda x, y: kid(x, y, cross=-1.0), "twice"),
      (lambda x, y: kid(x, y, cross=2.0), "taken off"),
      (lambda x, y: -kid(x, y), "alike"), (lambda x, y: kid(x, y, d=1), "dimension"),
      (lambda x, y: kid(x, y, one=0), "1 is missing"), (lambda x, y: kid(x, y, power=1), "means"),
      (lambda x, y: kid(x, y, power=2), "square"),
      (lambda x, y: metrics.rbf_mmd(x, y, 1.0), "wanted")]),
    (ex.check_transposed,
     [by_zeros, layer, lambda x, w, s, p: F.conv_transpose2d(x, w, stride=s, padding=p)],
     [(by_stamps, "its gradient is not"), (lambda *point: by_zeros(*point).tolist(), "no detach"),
      (lambda x, *rest: by_zeros(x.detach(), *rest), "its gradient is not"),
      (lambda *point: by_stamps(*point, add=lambda old, new: new), "the last one"),
      (lambda x, w, s, p: by_stamps(x, w, s, 0), "is cut off"),
      (lambda x, w, s, p: by_stamps(x, w, s, 0)[..., 2 * p :, 2 * p :], "four edges"),
      (lambda x, w, s, p: by_stamps(x, w.flip(2, 3), s, p), "turned"),
      (lambda x, w, s, p: by_stamps(x, w.mT, s, p), "rows and columns"),
      (lambda x, w, s, p: by_stamps(x, w.transpose(0, 1), s, p), "leads from"),
      (lambda x, w, s, p: by_stamps(x, w, 1, p), "the stride"),
      (lambda x, w, s, p: by_stamps(x, w, s, p) / 2, "averaged"),
      (lambda x, w, s, p: F.conv2d(x, w, stride=s, padding=p), "raised")]),
    (ex.check_sliced_code,
     [lines(scipy.stats.wasserstein_distance), each, lambda *point: torch.tensor(each(*point))],
     [(lambda x, y, v: abs(x @ v.T - y @ v.T).mean(), "sort both"),
      (lambda x, y, v: each(x, y, v, axis=1), "samples in each"),
      (lambda x, y, v: abs((np.sort(x, 0) - np.sort(y, 0)) @ v.T).mean(), "after the projection"),
      (lines(lambda a, b: abs(a.mean() - b.mean())), "means alone"),
      (lambda x, y, v: each(x, y, v, power=2), "squared"),
      (lines(lambda a, b: each(a[:, None], b[:, None], np.eye(1), power=2) ** 0.5), "no root"),
      (lambda x, y, v: max(each(x, y, line[None]) for line in v), "worst"),
      (lambda x, y, v: sum(each(x, y, line[None]) for line in v), "not the sum"),
      (lambda x, y, v: len(x) * each(x, y, v), "share 1/n"), (lambda x, y, v: x @ v.T, "wanted")]),
    (ex.check_doubling,
     [double, by_index],
     [(pixel_by_pixel, "gradient"), (lambda x, w: double(x, w.detach()), "gradient"),
      (lambda x, w: F.conv2d(x.repeat(1, 1, 2, 2), w, padding=1), "side by side"),
      (lambda x, w: F.conv2d(zeros_between(x), w, padding=1), "zeros in between"),
      (lambda x, w: F.interpolate(F.conv2d(x, w, padding=1), scale_factor=2), "double first"),
      (lambda x, w: double(x, w, "bilinear"), "blends"),
      (lambda x, w: double(x, w, padding=0), "lost"),
      (lambda x, w: double(x, w.flip(2, 3)), "turned"),
      (lambda x, w: F.conv2d(x, w, padding=1), "not doubled"),
      (lambda x, w: double(x / 4, w), "shared out"), (lambda x, w: double(x, w.mT), "wanted")]),
    (ex.check_moved_copies,
     [search, lambda x, y: torch.tensor(search(x, y)), lambda x, y: search(x, y).tolist(),
      lambda x, y: search(y, x).T],
     [(lambda x, y: search(x, y, moves([0])), "nothing is moved"),
      (lambda x, y: search(x, y, roll=True), "roll"),
      (lambda x, y: search(x, y, moves(range(3))), "up and left"),
      (lambda x, y: search(x, y, moves(range(-2, 1))), "down and right"),
      (lambda x, y: search(x, y, moves(range(-2, 2))), "ends at 1"),
      (lambda x, y: search(x, y, moves([0], range(-2, 3)) + moves(range(-2, 3), [0])), "both axes"),
      (lambda x, y: search(x, y, over=np.mean), "not their mean"),
      (lambda x, y: search(x, y, root=np.asarray), "root is missing"),
      (by_whole_size, "largest moves win"), (lambda x, y: search(y, x), "an array of shape"),
      (lambda x, y: search(x, y, over=np.max), "wanted")]),
    (ex.check_arnoldi,
     [ritz, arnoldi, lambda *point: arnoldi(*point, classical=True),
      lambda *point: torch.tensor(arnoldi(*point)), lambda *point: arnoldi(*point)[::-1].tolist()],
     [(lambda *point: arnoldi(*point, unit=False), "first vector"),
      (lambda *point: arnoldi(*point, among=slice(0)), "nothing is taken off"),
      (lambda *point: arnoldi(*point, among=slice(-1, None)), "so far"),
      (lambda *point: arnoldi(*point, among=slice(-2, None)), "symmetric"),
      (lambda *point: arnoldi(*point, values=np.linalg.eigvalsh), "not eigvalsh"),
      (lambda *point: arnoldi(*point).real, "imaginary"),
      (lambda *point: abs(arnoldi(*point)), "absolute"),
      (lambda *point: max(arnoldi(*point), key=abs), "one of them"),
      (lambda product, u, k: np.linalg.eigvals(matrix(product, len(u))), "array of shape"),
      (lambda product, u, k: arnoldi(product, u, k, values=lambda H: H), "array of shape")]),
    (ex.check_stacks,
     [draw, channel_by_channel, numpys,
      lambda digits, n, rng: torch.stack([draw(digits, 1, rng)[0] for _ in range(n)])],
     [(lambda digits, n, rng: draw(digits, n, rng).movedim(1, 3), "three channels"),
      (lambda digits, n, rng: draw(digits, 500, rng), "three channels"),
      (lambda digits, n, rng: draw(digits, n, rng).mean(1, keepdim=True), "three channels"),
      (lambda digits, n, rng: (draw(digits, n, rng) + draw(digits, n, rng)) / 2, "whole digit"),
      (lambda digits, n, rng: draw(digits, n, rng).flip(3), "whole digit"),
      (lambda digits, n, rng: draw(digits, n, None), "same stacks"), (reseeded, "seed it"),
      (grey, "for itself"), (without_replacement, "with replacement"),
      (lambda digits, n, rng: draw(digits, n, rng, len(digits) - 1), "ends at N - 1"),
      (lambda digits, n, rng: digits[torch.randperm(len(digits), generator=rng)[:n]], "channels")]),
]  # fmt: skip
RIGHT = [(check, answer) for check, right, _ in CODE for answer in right]
WRONG = [(check, answer, word) for check, _, wrong in CODE for answer, word in wrong]


@pytest.mark.parametrize(("check", "answer"), RIGHT)
def test_each_right_form_counts(check, answer):
    assert check(answer), check(answer)


@pytest.mark.parametrize(("check", "answer", "word"), WRONG)
def test_each_mistake_is_told(check, answer, word):
    verdict = check(answer)
    assert not verdict
    assert word in verdict.message, verdict


FORMS = [(check, right[0]) for check, right, _ in CODE[:-1]]


@pytest.mark.parametrize(("check", "answer"), FORMS)
def test_what_is_nearly_right_is_wrong(check, answer):
    """One entry is off, is no number, or all of them are stretched, shifted or turned about."""
    for seed in range(40):
        rng = np.random.default_rng(seed)

        def off(*point, rng=rng, kind=seed % 4):
            value = np.array(answer(*point))
            place = tuple(rng.integers(0, value.shape)) if value.shape else ()
            if kind == 0:
                value[place] += 1e-3
            elif kind == 1:
                value[place] = rng.choice([np.nan, np.inf])
            elif kind == 2:
                value = value * rng.choice([-1.0, 0.5, 1.01, 2.0])
            else:
                value = value + rng.choice([-1.0, 0.01, 1.0])
            return value

        assert not check(off)


@pytest.mark.parametrize("check", [check for check, *_ in CODE])
def test_nonsense_is_told(check):
    for value in (math.nan, math.inf, None, "x", 0.0, [], [math.nan] * 3, np.eye(3)):
        assert not check(lambda *_, value=value: value)
    for nonsense in (lambda: 0, lambda *_: 1 / 0, 3.0, "x"):
        assert not check(nonsense)
    assert "replace the ..." in check(lambda *_: ...).message
    assert "replace the ..." in check(...).message

"""Questions of chapters 15 to 21: images."""

import math
from collections.abc import Iterator
from functools import partial
from itertools import chain, pairwise
from typing import Any

import numpy as np
import torch

from gan_teach.course.answers import (
    Check,
    Function,
    Number,
    Values,
    Verdict,
    asked,
    failed,
    function,
    random_cases,
)
from gan_teach.course.calling import OPEN

from .line import NO_GRADIENT, SURE
from .modes import log_loss
from .planar import BY_REAL_PART, by_parts, in_order

# -- 15: MNIST -------------------------------------------------------------------------------------


@partial(Number, atol=1e-4)  # the weights alone are 0.0004 away
def check_last_layer() -> Values:
    """Share of the parameters of the generator 100-256-512-1024-784 that its last layer has."""
    units = (100, 256, 512, 1024, 784)
    layers = [m * n + n for m, n in pairwise(units)]
    share = layers[-1] / sum(layers)
    yield share, "803,600 of 1,486,352: the pixels cost more than all layers before."
    yield 1024 * 784 / sum(m * n for m, n in pairwise(units)), "count the biases, too."
    yield 100 * share, "that is a percentage; a share lies between 0 and 1."
    yield layers[-1], "that is how many it has; divide by those of all four layers."
    yield layers[-2] / sum(layers), "that is the layer before: the last one feeds the 784 pixels."
    yield (
        units[-1] / sum(units[1:]),
        "that counts units; each has a weight for every unit before it.",
    )
    yield (
        layers[-1] / sum(layers[:-1]),
        "divide by the parameters of all layers, the last included.",
    )
    yield 1 / 4, "the four layers are not equally large."


@Number
def check_scores_to_loss() -> Values:
    """D's loss at s = 0.9 if it says 0.629 to all real and 0.357 to all generated images."""
    yield (
        log_loss(0.9, 0.629) + log_loss(0.0, 0.357),
        "0.958, less than the 1.073 of the log: by Jensen's inequality the mean of -log D is at "
        "least -log of the mean of D.",
    )
    plain = log_loss(1.0, 0.629) + log_loss(0.0, 0.357)
    yield plain, "that is without smoothing: a tenth of the target says fake."
    yield log_loss(0.9, 0.629), "D pays for the fakes, too: - log(1 - 0.357)."
    short = 0.9 * log_loss(1.0, 0.629) + log_loss(0.0, 0.357)
    yield short, "a tenth of a real image's target says fake: - 0.1 log(1 - 0.629) is missing."
    both = log_loss(0.9, 0.629) + log_loss(0.1, 0.357)
    yield both, "only the labels of real images are smoothed: for fakes the target stays 0."


def _maps(rng: np.random.Generator) -> tuple[torch.Tensor, ...]:
    n, c, h = rng.integers(3, 7, 3).tolist()
    weight, bias, mean = torch.from_numpy(rng.normal(size=(3, c)))
    noise = torch.from_numpy(rng.normal(size=(n, c, h, h)))
    return 0.1 * (noise + 2 * noise[:1] + mean[:, None, None]), weight, bias


@partial(Function, points=random_cases(_maps), gradient=NO_GRADIENT)
def check_batch_norm(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> Any:
    """Batch norm in training, eps = 1e-5, of maps (n, c, h, w): a function (x, weight, bias)."""
    w, b, eps = weight[:, None, None], bias[:, None, None], 1e-5

    def scaled(*axes: int, over: Any = lambda v: (v + eps).sqrt(), correction: int = 0) -> Any:
        spread = over(x.var(axes, correction=correction, keepdim=True))
        return (x - x.mean(axes, keepdim=True)) / spread

    right = scaled(0, 2, 3)
    yield right * w + b, "one mean and one variance a channel, over the images and the positions."
    yield from (
        (right, "weight and bias are missing."),
        (scaled(0) * w + b, "that is a mean for each pixel; take all positions together."),
        (scaled(2, 3) * w + b, "that is one image at a time, instance norm: take the batch."),
        (scaled(1, 2, 3) * w + b, "that is layer norm: one mean an image, not one a channel."),
        (scaled(0, 1, 2, 3) * w + b, "each channel has a mean and a variance of its own."),
        (scaled(0, 2, 3, correction=1) * w + b, "divide the variance by n h w, not by one less."),
        (scaled(0, 2, 3, over=lambda v: v + eps) * w + b, "the root of the variance is forgotten."),
        (scaled(0, 2, 3, over=lambda v: v.sqrt() + eps) * w + b, "eps belongs under the root."),
        (scaled(0, 2, 3, over=torch.sqrt) * w + b, "eps = 1e-5 is missing."),
        (
            scaled(0, 2, 3, over=torch.sqrt, correction=1) * w + b,
            "`std` divides by one less than n h w, and knows no eps: take the variance, plus eps.",
        ),
    )


def _stamps(rng: np.random.Generator) -> tuple[Any, ...]:
    n, maps, h = rng.integers(2, 5, 3).tolist()
    k, stride, padding = rng.integers([4, 1, 0], [7, 4, 3]).tolist()
    x = torch.from_numpy(rng.normal(size=(n, maps, h, h)))
    return x, torch.from_numpy(rng.normal(size=(maps, maps, k, k))), stride, padding


@partial(Function, points=random_cases(_stamps), gradient=NO_GRADIENT)
def check_transposed(x: torch.Tensor, w: torch.Tensor, stride: int, padding: int) -> Any:
    """Transposed convolution of maps (n, m, h, h) by w (m, o, k, k): f(x, w, stride, padding)."""
    full = lambda w, step=stride: torch.nn.functional.conv_transpose2d(x, w, None, step)  # noqa: E731
    cut = lambda y, p=padding: y[..., p : y.shape[-2] - p, p : y.shape[-1] - p]  # noqa: E731
    last = torch.zeros_like(full(w))  # what a stamp covers, the one before loses
    for i, j in np.ndindex(*x.shape[2:]):
        rows, columns = (slice(stride * k, stride * k + len(w.mT[0, 0])) for k in (i, j))
        last[..., rows, columns] = torch.einsum("nm,mokl->nokl", x[..., i, j], w)
    yield (
        cut(full(w)),
        "each value stamps its multiple of the kernel; where stamps overlap they add up.",
    )
    yield from (
        (cut(last), "where stamps overlap they add up; yours keeps the last one alone."),
        (full(w), "the padding is cut off: so many rows and columns at each of the four edges."),
        (full(w)[..., 2 * padding :, 2 * padding :], "cut the padding off at all four edges."),
        (
            cut(full(w.flip(2, 3))),
            "your stamps are turned by 180 degrees: kernel[0, 0] goes up left.",
        ),
        (cut(full(w.mT)), "rows and columns of the kernel are exchanged."),
        (cut(full(w.transpose(0, 1))), "w[i, o] leads from map i to map o: yours are exchanged."),
        (cut(full(w, 1)), "from one value to the next the stamp moves by the stride."),
        (cut(full(w) / 2), "the maps that come in are added, not averaged."),
    )


# -- 16: CIFAR-10 ----------------------------------------------------------------------------------


@Number
def check_slowdown() -> Values:
    """How much slower D moves at half the rate and every second batch."""
    yield 4.0, "half the rate, half the updates: a quarter of the speed, tau = 1/4 in effect."
    yield 2.0, "the rate alone is that; it also skips every second batch."
    yield 0.25, "how much slower: 4, not its inverse."


def _targets(rng: np.random.Generator) -> tuple[Any, ...]:
    width = rng.choice([1, 900])  # where D is sure a sigmoid rounds to 0
    real, fake = torch.from_numpy(rng.normal(0, width, (2, rng.integers(3, 10))))
    return real, fake, rng.uniform(0.6, 0.9), rng.uniform(0.1, 0.4)


@partial(Function, points=random_cases(_targets), gradient=NO_GRADIENT)
def check_smoothed_code(real: torch.Tensor, fake: torch.Tensor, a: float, b: float) -> Any:
    """D's loss from logits, targets a for real and b for generated samples: (real, fake, a, b)."""
    s = torch.nn.functional.softplus
    cost = lambda f, target: (target * s(-f) + (1 - target) * s(f)).mean()  # noqa: E731
    right = cost(real, a) + cost(fake, b)
    yield right, "two cross-entropies; D = (a + b) / 2 is the best constant now."
    p, q = torch.sigmoid(real), torch.sigmoid(fake)
    naive = (a * p.log() + (1 - a) * (1 - p).log() + b * q.log() + (1 - b) * (1 - q).log()).mean()
    yield -naive, SURE
    yield from (
        (cost(real, a) + cost(fake, 0), "generated samples have the target b here, not 0."),
        (cost(real, 1) + cost(fake, 0), "those are hard labels, 1 and 0."),
        (cost(real, b) + cost(fake, a), "the targets are exchanged: a is that of real samples."),
        (cost(-real, a) + cost(-fake, b), "the sign of the logit: -log D is softplus(-f)."),
        (cost(p, a) + cost(q, b), "that is the sigmoid twice; softplus takes the logits."),
        (right / 2, "the two means are added, not averaged."),
        (len(real) * right, "that is a sum over the batch; the loss is a mean."),
        (a * s(-real).mean() + (1 - b) * s(fake).mean(), "1 - a and b weigh the other answers."),
    )


def _projected(rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    n, d, lines = rng.integers([6, 3, 4], [12, 6, 8]).tolist()
    directions = rng.normal(size=(lines, d))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return rng.normal(size=(n, d)), rng.normal(0.3, 1.4, size=(n, d)), directions


@partial(Function, points=random_cases(_projected))
def check_sliced_code(fake: np.ndarray, real: np.ndarray, directions: np.ndarray) -> Values:
    """Sliced Wasserstein distance of samples (n, d): a function of (fake, real, directions)."""
    x, y = fake @ directions.T, real @ directions.T
    gap = np.abs(np.sort(x, axis=0) - np.sort(y, axis=0))  # of each rank, in each direction
    aside = np.abs(np.sort(x, axis=1) - np.sort(y, axis=1))
    before = np.abs((np.sort(fake, axis=0) - np.sort(real, axis=0)) @ directions.T)
    yield gap.mean(), "on each line the cheapest way from one sample to the other, in the mean."
    yield np.abs(x - y).mean(), "on a line the cheapest way keeps the order: sort both."
    yield (
        aside.mean(),
        "that sorts the directions of each sample: sort the samples in each direction.",
    )
    yield before.mean(), "sort after the projection: the order is another in each direction."
    yield np.abs(x.mean(0) - y.mean(0)).mean(), "that compares the means alone."
    yield (gap**2).mean(), "that is W_2 squared; W_1 takes the absolute differences."
    yield (
        np.sqrt((gap**2).mean(0)).mean(),
        "that is W_2: the mean of |difference| is wanted, no root.",
    )
    yield gap.mean(0).max(), "that is the worst direction; the mean over the directions is wanted."
    yield gap.mean(0).sum(), "take the mean over the directions, not the sum."
    yield gap.sum(0).mean(), "each of n samples has the share 1/n: a mean over the samples."


# -- 17: narrow networks ---------------------------------------------------------------------------


@Number
def check_quarter_width() -> Values:
    """By which factor a quarter of the maps shrinks the weights of a convolution."""
    yield (
        16,
        "both c_1 and c_2 shrink by 4. The table says less for G, since its input of 128 and the "
        "three colors stay as wide as they were.",
    )
    yield 4, "the maps that go in shrink as well as those that come out."
    yield 1 / 16, "that is the share that is left; the factor is its inverse."
    yield 64, "the kernel's size k does not change."


@partial(Number, atol=1e-3)
def _paired() -> Values:
    """D's paired loss where f is 1.5 on every real and -1.5 on every generated image."""
    yield math.log1p(math.exp(-3)), "the pair is 3 apart: softplus(-3) = 0.0486."
    yield math.log1p(math.exp(-1.5)), "the difference of the two is 3, not 1.5."
    yield math.log1p(math.exp(3)), "softplus(3) is G's loss."
    yield 2 * math.log1p(math.exp(-1.5)), "those of the two losses are exchanged."


@partial(Number, atol=1e-3)
def _separable() -> Values:
    """D's separable loss there."""
    yield (
        2 * math.log1p(math.exp(-1.5)),
        "paired 0.0486, separable 2 softplus(-1.5) = 0.4028: the same answers, eight times the "
        "loss. Values of different losses cannot be compared.",
    )
    yield math.log1p(math.exp(-1.5)), "both halves count, the real and the generated."


def check_margin_losses(paired: Any, separable: Any) -> Verdict:
    """D's two losses where f is 1.5 on every real and -1.5 on every generated image."""
    first, second = _paired(paired), _separable(separable)
    if OPEN in (first, second):
        return OPEN
    if not first:
        return Verdict(False, f"paired: {first.message}")
    return second if second else Verdict(False, f"separable: {second.message}")


def _kernels(rng: np.random.Generator) -> tuple[torch.Tensor]:
    out, maps, k = rng.integers(2, 6, 3).tolist()
    return (torch.from_numpy(rng.normal(size=(out, maps, k, k))),)


@partial(Function, points=random_cases(_kernels), gradient=NO_GRADIENT)
def check_largest_stretch(w: torch.Tensor) -> Any:
    """The largest singular value of a convolution's weights (maps out, maps in, k, k)."""
    kernels = torch.linalg.svdvals(w)  # each k x k kernel for itself
    values = torch.linalg.svdvals(w.flatten(1))
    yield values[0], "W / sigma stretches nothing by more than 1."
    yield w.norm(), "that is the root of *all* squares: W / |W| is shorter than asked."
    yield values[0] ** 2, "that is the largest eigenvalue of W W^T: sigma is its root."
    yield values, "those are all of them; the largest is wanted."
    yield values[-1], "that is the smallest one."
    why = "that takes each k x k kernel for a matrix: W has one row for each map that comes out."
    yield kernels[..., 0], why
    yield kernels.max(), why
    yield (
        torch.linalg.svdvals(w.transpose(0, 1).flatten(1))[0],
        "those are rows of the maps that come in: W has one row for each that comes out.",
    )


def _coarse(rng: np.random.Generator) -> tuple[torch.Tensor, ...]:
    n, maps, out, h = rng.integers(2, 6, 4).tolist()
    sizes = (n, maps, h, h), (out, maps, 3, 3)
    return tuple(torch.from_numpy(rng.normal(size=size)) for size in sizes)


@partial(Function, points=random_cases(_coarse), gradient=NO_GRADIENT)
def check_doubling(x: torch.Tensor, w: torch.Tensor) -> Any:
    """Maps of twice the side: each pixel repeated, then a 3 x 3 convolution; a function (x, w)."""
    twice = torch.nn.functional.interpolate
    conv = lambda x, w=w, padding=1: torch.nn.functional.conv2d(x, w, padding=padding)  # noqa: E731
    big = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
    apart = big * torch.tensor([[1, 0], [0, 0]]).repeat(*x.shape[2:])
    yield conv(big), "neighbours share their weights now: no position of a 2 x 2 square is special."
    yield from (
        (conv(x.repeat(1, 1, 2, 2)), "repeat sets whole maps side by side: repeat_interleave."),
        (
            conv(apart),
            "zeros in between are what a transposed convolution does: repeat the pixels.",
        ),
        (twice(conv(x), scale_factor=2), "double first: yours convolves the small map."),
        (
            conv(twice(x, scale_factor=2, mode="bilinear")),
            "that blends: repeat each pixel as it is.",
        ),
        (conv(big, padding=0), "padding=1 is missing: two rows and columns are lost."),
        (conv(big, w.flip(2, 3)), "your kernel is turned by 180 degrees."),
        (conv(x), "the side is not doubled."),
        (conv(big) / 4, "each pixel is repeated as it is, not shared out among the four."),
    )


# -- 18: faces -------------------------------------------------------------------------------------


@Number
def check_copy_in_gallery() -> Values:
    """Chance that 16 fakes, a tenth of all being copies, show at least one copy."""
    yield 1 - 0.9**16, "1 - 0.9^16 = 81 %; and a gallery that was picked by hand need not show any."
    yield 0.9**16, "that is the chance of none."
    yield 100 - 100 * 0.9**16, "a chance is wanted, not a percentage."
    yield 1.6, "that is the expected number of copies, 1.6, not a chance."


def _latents(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, float]:
    return *rng.normal(size=(2, rng.integers(3, 9))), rng.uniform(0.1, 0.4)


@partial(Function, points=random_cases(_latents))
def check_normal_way(a: np.ndarray, b: np.ndarray, t: float) -> Any:
    """The straight way, divided such that z(t) is N(0, I) like a and b: a function of (a, b, t)."""
    z, variance = (1 - t) * a + t * b, (1 - t) ** 2 + t**2
    yield z / math.sqrt(variance), "the squares of both weights add up to 1, as variances do."
    yield z, "that has the variance (1 - t)^2 + t^2 < 1: divide by its root."
    yield z / variance, "divide by the standard deviation: the root is missing."
    yield (t * a + (1 - t) * b) / math.sqrt(variance), "that way starts at b."
    why = "that has the length sqrt(d) each time; of a normal latent only the mean square is d."
    yield z * math.sqrt(len(a)) / np.linalg.norm(z), why
    omega = np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    turn = np.sin((1 - t) * omega) * a + np.sin(t * omega) * b
    yield turn / np.sin(omega), "that is the spherical way; here it is straight, then divided."


def _pictures(rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    m, n, h = rng.integers([2, 2, 6], [5, 5, 9]).tolist()
    return rng.normal(size=(m, h, h)), rng.normal(size=(n, h, h))


@partial(Function, points=random_cases(_pictures))
def check_moved_copies(x: np.ndarray, y: np.ndarray) -> Any:
    """Least root mean square distance over moves by up to two pixels, of pictures (n, h, h) from
    (m, h, h): a function (x, y) that gives (n, m), each move compared where both pictures are."""
    power = lambda a, b: ((a[:, None] - b) ** 2).mean((2, 3))  # noqa: E731
    m, n, h = len(x), len(y), x.shape[-1]
    part = lambda x, i, j: x[:, max(i, 0) : h + min(i, 0), max(j, 0) : h + min(j, 0)]  # noqa: E731
    moves = [(i, j) for i in range(-2, 3) for j in range(-2, 3)]
    square = np.array([power(part(x, i, j), part(y, -i, -j)) for i, j in moves]).reshape(5, 5, m, n)
    room = np.array([(h - abs(i)) * (h - abs(j)) / h**2 for i, j in moves]).reshape(5, 5, 1, 1)
    d = np.sqrt(square)
    least = lambda d: d.reshape(-1, m, n).min(0)  # noqa: E731
    around = [np.sqrt(power(np.roll(x, move, (1, 2)), y)) for move in moves]
    yield least(d), "a copy that was moved by two pixels has the distance 0."
    yield d[2, 2], "nothing is moved yet."
    yield least(np.array(around)), "roll brings in at one edge what left at the other: cut both."
    yield least(d[2:, 2:]), "moves go both ways, up and left as well: from -2 to 2."
    yield least(d[:3, :3]), "moves go both ways, down and right as well: from -2 to 2."
    yield least(d[:4, :4]), "range(-2, 2) ends at 1: range(-2, 3)."
    yield least(np.r_[d[2], d[:, 2]]), "a picture may be moved along both axes at once: 25 moves."
    yield d.mean((0, 1)), "the least distance of all moves, not their mean."
    yield least(square), "the root is missing."
    why = "divide by the number of pixels that are compared, or the largest moves win."
    yield least(np.sqrt(square * room)), why


# -- 19: time scales -------------------------------------------------------------------------------


@partial(Number, atol=1)
def check_half_life() -> Values:
    """After how many updates a past weight counts half in an average of decay 0.999."""
    yield (
        math.log(0.5) / math.log(0.999),
        "log(1/2) / log(0.999) = 693 updates. With 0.9999 it is 6,931: in a run of 1,000 updates "
        "that average still remembers the untrained network.",
    )
    yield 1000, "that is the mean age, 1 / (1 - 0.999); half is reached sooner."
    yield 500, "half of the mean age is not the half-life of a geometric series."
    yield math.log(0.5) / math.log(0.9999), "that is for 0.9999."


@partial(Number, atol=1e-9)
def check_penalty_convention() -> Values:
    """The gamma of (gamma / 2) E|grad D|^2 that equals the published mu = 10."""
    yield (
        20,
        "mu E|grad D|^2 without the half: gamma = 2 mu. Mescheder et al. use gamma = 10, which is "
        "half as strong as Fiez & Ratliff's mu = 10.",
    )
    yield 10, "the published code has no factor 1/2."
    yield 5, "the other way round: gamma / 2 must be 10."


def _path(rng: np.random.Generator) -> tuple[np.ndarray, float]:
    return rng.normal(size=rng.integers(5, 15)), rng.uniform(0.6, 0.95)


@partial(Function, points=random_cases(_path))
def check_unbiased_average(w: np.ndarray, beta: float) -> Any:
    """The average that starts at 0, over 1 - beta^n after n weights: f(weights, beta) -> array."""
    age = np.subtract.outer(np.arange(len(w)), np.arange(len(w)))
    share = np.where(age < 0, 0.0, (1 - beta) * beta ** np.maximum(age, 0))
    seen = 1 - beta ** np.arange(1, len(w) + 1)
    yield share @ w / seen, "the shares of the weights seen add up to 1, so no start is left in it."
    yield share @ w, "that still holds the 0 of its start: divide by 1 - beta^n."
    yield share @ w + (1 - seen) * w[0], "that starts at w_0, of which beta^n is left: start at 0."
    yield (share @ w / seen)[-1], "that is the last average; one for each step is wanted."
    yield np.cumsum(w) / np.arange(1, len(w) + 1), "that is a plain mean: the old should fade."
    other = np.where(age < 0, 0.0, beta * (1 - beta) ** np.maximum(age, 0))
    yield other @ w / other.sum(1), "beta and 1 - beta are exchanged."


def _operator(rng: np.random.Generator) -> tuple[Any, ...]:
    n = int(rng.integers(7, 11))
    matrix = rng.normal(size=(n, n))
    return (lambda u: matrix @ np.asarray(u)), rng.normal(size=n), int(rng.integers(4, 7))


@partial(Function, points=random_cases(_operator), run=in_order, names=BY_REAL_PART)
def check_arnoldi(product: Any, u: np.ndarray, k: int) -> Values:
    """The eigenvalues of H after k steps of Arnoldi's method: a function of (product, u, k)."""

    def walk(start: np.ndarray, among: slice = slice(None)) -> np.ndarray:
        q, h = [start], np.zeros((k + 1, k))
        for j in range(k):
            v = product(q[j])
            for i in range(j + 1)[among]:
                h[i, j] = q[i] @ v
                v = v - h[i, j] * q[i]
            h[j + 1, j] = np.linalg.norm(v)
            q.append(v / h[j + 1, j])
        return h[:k]

    powers = [u]  # they span the same space
    for _ in range(k - 1):
        powers.append(product(powers[-1]))
    q = np.linalg.qr(np.stack(powers, 1))[0]
    right = np.linalg.eigvals(q.T @ np.stack([product(v) for v in q.T], 1))
    unit = u / np.linalg.norm(u)
    lanczos = (
        "the last two are enough where the matrix is symmetric; take off the parts along all q."
    )
    for values, why in (
        (right, "k products, and the outermost eigenvalues of the matrix come first."),
        (np.linalg.eigvals(walk(u)), "the first vector has length 1 as well: u / |u|."),
        (np.linalg.eigvals(walk(unit, slice(0))), "nothing is taken off: H[i, j] is missing."),
        (np.linalg.eigvals(walk(unit, slice(-1, None))), "take off the parts along all q so far."),
        (np.linalg.eigvals(walk(unit, slice(-2, None))), lanczos),
        (np.linalg.eigvalsh(walk(unit)), "H is not symmetric: eigvals, not eigvalsh."),
        (right.real, "they are complex: the imaginary part says how fast the game turns."),
        (abs(right), "those are absolute values: complex numbers are wanted."),
        (right[abs(right).argmax()], "that is one of them; all k are wanted."),
    ):
        yield by_parts(values), why


# -- 20: stacked digits ----------------------------------------------------------------------------


@Number
def check_grey_stacks() -> Values:
    """KL from uniform of a generator that repeats one digit in all three channels."""
    yield math.log(100), "ten of 1000 combinations, evenly: log(1000 / 10) = log 100 = 4.605."
    yield math.log(1000), "that is the KL of a single combination."
    yield math.log(10), "that is log 10; 990 combinations of 1000 are missing, not 900."
    yield 2.0, "that is base 10; the natural logarithm gives nats."


@Number
def check_read_stacks() -> Values:
    """Share of stacks named rightly by a classifier that is right for 97 % of digits."""
    yield (
        0.97**3,
        "0.97^3 = 91 %. The count hardly suffers, it can even grow: a stack read wrongly counts as "
        "a combination, too.",
    )
    yield 0.97, "all three digits must be right: 0.97 to the third power."
    yield 100 * 0.97**3, "a share is wanted, not a percentage."


def _counts(rng: np.random.Generator) -> tuple[np.ndarray]:
    return (rng.permutation([0, 0, *rng.integers(1, 20, rng.integers(3, 9))]),)


@partial(Function, points=random_cases(_counts))
def check_kl_code(counts: np.ndarray) -> Values:
    """KL of the shares from equal ones, in nats, as a function of the counts (some are 0)."""
    p = counts[counts > 0] / counts.sum()
    kl = float((p * np.log(p * len(counts))).sum())
    yield kl, "0 if all occur equally often, log K if only one does."
    yield kl / math.log(2), "that is in bits; the natural logarithm gives nats."
    yield -kl, "the sign: KL is never negative."
    yield math.log(len(counts)) - kl, "that is the entropy: log K less the KL."
    why = "that compares with the combinations that occur; the missing ones count among the K."
    yield kl - math.log(len(counts) / len(p)), why
    yield kl * counts.sum(), "those are counts; KL takes shares, counts / counts.sum()."
    yield math.nan, "0 log 0 counts as 0: leave out what does not occur."
    yield math.inf, "that is the KL of equal shares from these: the other way round."


def _faults(stack: Any, count: int, height: int, width: int) -> Iterator[tuple[Any, str]]:
    """What may be wrong with a sampler of stacks of so many digits, and what is said of it."""
    # The first pixel tells which digit it is, the others tell their place.
    place = torch.arange(height * width).reshape(height, width)
    digits, n = 100.0 * torch.arange(count)[:, None, None, None] + place, 4000
    rng, again = (torch.Generator().manual_seed(0) for _ in range(2))
    one, alone = stack(digits, n, rng), stack(digits, 1, rng)
    kind = isinstance(one, torch.Tensor) and one.dtype == digits.dtype
    yield not kind, "a tensor is wanted, its numbers of the type that those of the digits have."
    shapes = [tuple(np.shape(stacks)) for stacks in (one, alone)]
    why = "(n, 3, h, w) is wanted: one digit in each of three channels, also where n is 1."
    yield shapes != [(n, 3, height, width), (1, 3, height, width)], why
    labels = (one - digits[0]) / 100  # of the digit to which each pixel belongs
    drawn = labels[..., 0, 0].round().clip(0, count - 1)
    why = "a channel is one whole digit as it is: no sum, no turn, no mixture of two."
    yield (abs(labels - drawn[..., None, None]) > 1e-3).any(), why
    same, two = stack(digits, n, again), stack(digits, n, rng)
    why = "a generator in the same state gives the same stacks: generator=rng."
    yield not torch.equal(one, same), why
    why = "the second call gives the stacks of the first: draw from rng, do not seed it."
    yield torch.equal(one, two), why
    why = "draw each channel for itself: yours show a fifth of the combinations, or fewer."
    yield len(drawn.unique(dim=0)) <= count**3 / 5, why
    shares = torch.bincount(drawn.long().flatten(), minlength=count) * count / drawn.numel()
    yield shares.min() == 0, "one digit is never drawn: randint(N) ends at N - 1."
    why = "each digit is drawn as often as any other: yours are not, randint(N, ...) does it."
    yield (abs(shares - 1) > 0.2).any(), why
    alike = (drawn == drawn.roll(1, 1)).double().mean(0) * count  # 1 is wanted, 0.05 its error
    why = "the same digit may stand in two channels of a stack: draw with replacement."
    yield alike.max() == 0, why
    why = "draw each channel for itself: two of yours are alike in {:.2f} of {} stacks, not in one."
    far = abs(alike - 1) > 0.35
    yield far.any(), why.format(float(alike[far.int().argmax()]), count)


@partial(Check, read=function, wanted="a function of (digits, n, rng) is wanted")
def check_stacks(stack: Any) -> Verdict:
    """A sampler of stacks (n, 3, h, w): a function of digits (N, 1, h, w), n and a generator."""
    cases = ((10, 4, 5), (9, 6, 6), (12, 5, 3))
    try:
        for wrong, why in chain.from_iterable(_faults(asked(stack), *sizes) for sizes in cases):
            if wrong:
                return Verdict(False, why)
    except Exception as error:  # a learner's function may fail in any way
        return failed(error)
    return Verdict(True, "three draws a stack: 10 digits make 1000 stacks.")


# -- 21: conditional GANs --------------------------------------------------------------------------


@Number
def check_ignored_question() -> Values:
    """V where G draws all of ten classes whatever is asked, and D is told and optimal."""
    fits, told = math.log(10 / 11), math.log(1 / 11) / 10
    yield (
        fits + told,
        "D* is 10/11 where the class fits and 0 elsewhere: log(10/11) + 0.1 log(1/11) = -0.335.",
    )
    yield -2 * math.log(2), "that is V where D is not told, or where both are right."
    yield fits, "the tenth of the generated pictures whose class fits costs D something, too."
    yield fits + 10 * told, "only a tenth of the generated pictures lie where D* is 10/11."
    yield -fits - told, "that is D's loss; V is its negative."
    yield 10 / 11, "that is D* where the class fits; V is a mean of logarithms."


def _features(rng: np.random.Generator) -> tuple[torch.Tensor, ...]:
    n, d, classes = rng.integers(3, 8, 3).tolist()
    seen, w, v = (torch.from_numpy(rng.normal(size=s)) for s in ((n, d), d, (classes, d)))
    y = torch.eye(classes, dtype=torch.float64)[torch.from_numpy(rng.integers(classes, size=n))]
    return seen, y, w, torch.from_numpy(rng.normal(size=1)), v


@partial(Function, points=random_cases(_features), gradient=NO_GRADIENT, data=[1])
def check_projection(
    features: torch.Tensor, y: torch.Tensor, w: torch.Tensor, b: torch.Tensor, V: torch.Tensor
) -> Any:
    """Projection logits (n,): a function (features (n, d), y (n, K), w (d,), b (1,), V (K, d))."""
    real, asked = features @ w + b, (features * (y @ V)).sum(1)
    yield real + asked, "one row of V for each picture, beside what asks about all of them."
    yield real, "that does not depend on the class: y picks a row of V."
    yield asked, "psi is missing: w and b ask whether x looks real at all."
    yield asked + features @ w, "the bias b is missing."
    yield real - asked, "the sign: a picture that fits its class gets a larger logit."
    yield real + (features @ V.T).sum(1), "that asks for all classes at once: y picks one."
    yield real + asked.sum(), "that adds up the whole batch: one number for each picture."
    yield real + asked.mean(), "that is a mean over the batch: one number for each picture."
    yield real + (features * (y @ V)).mean(1), "a product of vectors is a sum, not a mean."
    yield real + (features @ V.T).amax(1), "that asks for the likeliest class: y says which."
    yield torch.sigmoid(real + asked), "that is D; its logit is wanted."


def _uniform(rng: np.random.Generator) -> tuple[torch.Tensor, float]:
    shape = rng.integers(2, 6, int(rng.integers(1, 3))).tolist()
    return torch.from_numpy(rng.uniform(0.01, 0.99, shape)), float(rng.uniform(0.4, 2.5))


@partial(Function, points=random_cases(_uniform))
def check_truncation(u: torch.Tensor, c: float) -> Any:
    """The standard normal between -c and c, as a function of uniform u, a tensor, and c."""
    phi, inverse = torch.special.ndtr, torch.special.ndtri
    low, high = (phi(torch.tensor(x, dtype=torch.float64)) for x in (-c, c))
    free = inverse(u)
    yield (
        inverse(low + u * (high - low)),
        "u spread over the part of the distribution between -c and c.",
    )
    yield free, "that is the whole normal distribution: c does nothing."
    yield free.clamp(-c, c), "that piles what lies beyond c up at c itself."
    yield c * free, "that is a narrower normal, which still goes beyond every limit."
    yield c * (2 * u - 1), "that is uniform between -c and c."
    yield inverse(u * high), "that cuts one side only: begin at Phi(-c)."
    yield inverse(low + u * (1 - low)), "that cuts one side only: end at Phi(c)."
    yield low + u * (high - low), "those are probabilities: the inverse of Phi is missing."
    yield -inverse(low + u * (high - low)), "right in law, but a larger u is to give a larger z."

"""Questions of chapters 15 to 20: images."""

import math
from functools import partial
from typing import Any

import numpy as np
import torch

from gan_teach import metrics
from gan_teach.course.answers import OPEN, Function, Number, Values, Verdict, random_cases
from gan_teach.course.exercises.modes import log_loss

# -- 15: MNIST -------------------------------------------------------------------------------------


@partial(Number, atol=0.5)
def check_parameter_count() -> Values:
    """Parameters of the generator 100-256-512-1024-784."""
    weights = 100 * 256 + 256 * 512 + 512 * 1024 + 1024 * 784
    yield weights + 256 + 512 + 1024 + 784, "1,483,776 weights and 2,576 biases: 1,486,352."
    yield weights, "the biases are missing: one for each unit that a layer feeds."


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


@partial(Number, atol=0.5)
def check_times_seen() -> Values:
    """How often 18,000 batches of 100 show each of 5,000 images, in the mean."""
    why = "1,800,000 / 5,000 = 360 times: 360 epochs, where the 60,000 digits are seen 30 times."
    yield 360.0, why
    yield 30.0, "that is for 60,000 digits."
    yield 3.6, "a batch holds 100 images."


def _maps(rng: np.random.Generator) -> tuple[torch.Tensor, ...]:
    weight, bias, mean = torch.from_numpy(rng.normal(size=(3, 4)))
    noise = torch.from_numpy(rng.normal(size=(6, 4, 5, 5)))
    return 0.1 * (noise + 2 * noise[:1] + mean[:, None, None]), weight, bias


@partial(Function, points=random_cases(_maps))
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
    )


# -- 16: CIFAR-10 ----------------------------------------------------------------------------------


@Number
def check_last_epoch() -> Values:
    """D's loss at s = 0.9 if it says 0.298 to all real and 0.062 to all generated images."""
    yield (
        log_loss(0.9, 0.298) + log_loss(0.0, 0.062),
        "1.189, far below the 1.910 of the log: answers differed widely within the epoch, and the "
        "real images called fake cost most.",
    )
    yield log_loss(1.0, 0.298) + log_loss(0.0, 0.062), "that is without smoothing."
    yield log_loss(0.9, 0.062) + log_loss(0.0, 0.298), "the two scores are swapped."


@Number
def check_slowdown() -> Values:
    """How much slower D moves at half the rate and every second batch."""
    yield 4.0, "half the rate, half the updates: a quarter of the speed, tau = 1/4 in effect."
    yield 2.0, "the rate alone is that; it also skips every second batch."
    yield 0.25, "how much slower: 4, not its inverse."


def _targets(rng: np.random.Generator) -> tuple[Any, ...]:
    real, fake = torch.from_numpy(rng.normal(size=(2, 9)))
    return real, fake, rng.uniform(0.6, 0.9), rng.uniform(0.1, 0.4)


@partial(Function, points=random_cases(_targets))
def check_smoothed_code(real: torch.Tensor, fake: torch.Tensor, a: float, b: float) -> Any:
    """D's loss from logits, targets a for real and b for generated samples: (real, fake, a, b)."""
    s = torch.nn.functional.softplus
    cost = lambda f, target: (target * s(-f) + (1 - target) * s(f)).mean()  # noqa: E731
    right = cost(real, a) + cost(fake, b)
    yield right, "two cross-entropies; D = (a + b) / 2 is the best constant now."
    p, q = torch.sigmoid(real), torch.sigmoid(fake)
    yield from (
        (cost(real, a) + cost(fake, 0), "generated samples have the target b here, not 0."),
        (cost(real, 1) + cost(fake, 0), "those are hard labels, 1 and 0."),
        (cost(real, b) + cost(fake, a), "the targets are exchanged: a is that of real samples."),
        (cost(-real, a) + cost(-fake, b), "the sign of the logit: -log D is softplus(-f)."),
        (cost(p, a) + cost(q, b), "that is the sigmoid twice; softplus takes the logits."),
        (right / 2, "the two means are added, not averaged."),
        (9 * right, "that is a sum over the batch; the loss is a mean."),
        (a * s(-real).mean() + (1 - b) * s(fake).mean(), "1 - a and b weigh the other answers."),
    )


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


@partial(Number, atol=5e-3)
def check_frechet_bias() -> Values:
    """Expected Frechet distance of two sets of 5,000 samples of N(0, I) in 96 dimensions."""
    yield (
        96 * 101 / (2 * 5000),
        "0.97, without any difference. The features of images are no Gaussian of 96 directions "
        "of variance 1, so the level in the plot is another, but it is not zero either.",
    )
    yield 96 * 101 / 5000, "divide by 2 n, not by n."
    yield 96**2 / 10_000, "d (d + 5), not d^2."
    yield 96 * 101 / (4 * 5000), "that is for 10,000 samples in each set."


def _kernels(rng: np.random.Generator) -> tuple[torch.Tensor]:
    return (torch.from_numpy(rng.normal(size=(4, 3, 2, 2))),)


@partial(Function, points=random_cases(_kernels))
def check_largest_stretch(w: torch.Tensor) -> Any:
    """The largest singular value of a convolution's weights (maps out, maps in, k, k)."""
    kernels = np.linalg.svd(w.numpy(), compute_uv=False)  # each k x k kernel for itself
    values = np.linalg.svd(w.flatten(1).numpy(), compute_uv=False)
    yield values[0], "W / sigma stretches nothing by more than 1."
    yield (
        np.linalg.norm(values),
        "that is the root of *all* squares: W / |W| is shorter than asked.",
    )
    yield values[0] ** 2, "that is the largest eigenvalue of W W^T: sigma is its root."
    yield values, "those are all of them; the largest is wanted."
    yield values[-1], "that is the smallest one."
    why = "that takes each k x k kernel for a matrix: W has one row for each map that comes out."
    yield kernels[..., 0], why
    yield kernels.max(), why


# -- 18: faces -------------------------------------------------------------------------------------


@Number
def check_way_length() -> Values:
    """Length at t = 1/4 of the straight way between orthogonal latents, over that of its ends."""
    yield math.hypot(0.75, 0.25), "sqrt((3/4)^2 + (1/4)^2) = 0.79."
    yield math.sqrt(0.5), "that is the middle, t = 1/2."
    yield 1.0, "lengths of orthogonal vectors do not add: their squares do."


@Number
def check_copy_in_gallery() -> Values:
    """Chance that 16 fakes, a tenth of all being copies, show at least one copy."""
    yield 1 - 0.9**16, "1 - 0.9^16 = 81 %; and a gallery that was picked by hand need not show any."
    yield 0.9**16, "that is the chance of none."
    yield 1.6, "that is the expected number of copies, 1.6, not a chance."


def _latents(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, float]:
    return *rng.normal(size=(2, 6)), rng.uniform(0.1, 0.4)


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


@partial(Number, atol=1e-6)
def check_rate_of_d() -> Values:
    """D's learning rate at update 100,000 with tau = 4, lr = 1e-4 and decay (1 + t)^-0.005."""
    why = (
        "4 x 0.0001 x 0.944 = 0.000378. The decay is slow, and both players share it: tau stays 4."
    )
    yield 4e-4 * 100_001**-0.005, why
    yield 1e-4 * 100_001**-0.005, "tau multiplies D's rate: that is G's."
    yield 4e-4, "the decay is missing."
    yield 1e-4 * 100_001**-0.005 / 4, "tau does not divide."


def _path(rng: np.random.Generator) -> tuple[np.ndarray, float]:
    return rng.normal(size=12), rng.uniform(0.6, 0.95)


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


# -- 20: stacked digits ----------------------------------------------------------------------------


@partial(Number, atol=1.0)
def check_perfect_thousand() -> Values:
    """Combinations that 1000 perfect stacks show on average."""
    why = "1000 (1 - 0.999^1000) = 632: a perfect generator, and a third of the modes is missing."
    yield metrics.expected_covered(1000, 1000), why
    yield 1000.0, "samples repeat each other: some combinations occur twice, others never."
    yield 1000 * 0.999**1000, "that is the number of combinations that are missing."


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
    return (rng.permutation([0, 0, *rng.integers(1, 20, 6)]),)


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

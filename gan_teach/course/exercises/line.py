"""Questions of chapters 00 to 04: the GAN on the line."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.nn.functional import softplus

from gan_teach import zoo
from gan_teach.analysis.spectra import vector_field
from gan_teach.course.answers import Check, Function, Number, Values, Verdict, pair, random_cases
from gan_teach.games import Batch

# -- 00: the game ----------------------------------------------------------------------------------


@partial(Number, atol=1e-3)
def check_confident_value() -> Values:
    """V when D answers 0.9 on every real and 0.1 on every generated sample."""
    yield 2 * math.log(0.9), "2 log 0.9, close to 0: this discriminator wins."
    yield math.log(0.9 * 0.1), "V takes log(1 - D) of the generated samples, not log D."
    yield math.log(0.9), "that is one term; there are two."


@partial(Function, points=random_cases(lambda rng: tuple(rng.uniform(0.1, 0.9, (2, 5)))))
def check_objective(real: np.ndarray, fake: np.ndarray) -> Any:
    """V as a function of two arrays: D's answers on real and on generated samples."""
    first, second = np.log(real), np.log(1 - fake)
    value = first.mean() + second.mean()
    yield value, "a mean of logarithms for each kind of sample, and their sum."
    yield -value, "that is D's loss; V itself has no minus in front."
    why = "V takes log(1 - D) of the generated samples, not log D."
    yield first.mean() + np.log(fake).mean(), why
    yield first.sum() + second.sum(), "that grows with the number of samples: E is a mean."
    yield value / 2, "V is the sum of the two means, not their mean."
    mixed = np.log(real.mean()) + np.log(1 - fake.mean())
    yield mixed, "that is the logarithm of a mean; V is a mean of logarithms."
    yield first.mean(), "that is one term; there are two."


# -- 01: the normal GAN ----------------------------------------------------------------------------


@Number
def check_target() -> Values:
    """The objective V when D = 1/2 everywhere."""
    yield -2 * math.log(2), "V = log(1/2) + log(1/2) = -2 log 2, about -1.386."
    yield -math.log(2), "that is one of the two terms: add the fake samples' log(1 - D)."
    yield 2 * math.log(2), "the sign: the logarithm of a probability is negative."
    yield -2 * math.log10(2), "that is a logarithm to base 10; V uses the natural one."


@partial(Function, points=[(0.3, 0.3), (0.4, 0.1), (0.1, 0.4), (0.2, 0.0)])
def check_optimal_discriminator(p: float, q: float) -> Values:
    """D*(p, q) as a function of the two densities at a point."""
    share = p / (p + q)
    yield share, "D* = p / (p + q): the share of real samples among all that land at this point."


@partial(Check, read=pair, wanted="two numbers (of w, of b) are wanted")
def check_blind_direction(direction: tuple[float, float]) -> Verdict:
    """A direction in (w, b) that changes the generator's spread and keeps its mean."""
    w, b = direction
    mean = w / 2 + b
    if w == 0:
        return Verdict(False, "with w unchanged the spread |w| / sqrt(12) stays as it is.")
    if not abs(mean) <= 1e-6 * abs(w) < math.inf:
        return Verdict(False, f"the mean w E[z] + b = w/2 + b changes by {mean:g}: it has to stay.")
    return Verdict(True, "the mean w/2 + b stays, the spread changes, and V does not notice.")


def _line_case(rng: np.random.Generator) -> tuple[Any, ...]:
    """w, b, a, c, real samples, latents, eta."""
    return (*rng.normal(size=4), rng.normal(5.0, 1.0, 4), rng.uniform(size=4), rng.uniform())


@partial(Function, points=random_cases(_line_case))
def check_round(
    w: float, b: float, a: float, c: float, x: np.ndarray, z: np.ndarray, eta: float
) -> Any:
    """(w, b, a, c) after a step of D up and then of G down, on real samples x and latents z."""
    game = zoo.line_gan()
    batch = Batch(torch.tensor(x)[:, None], torch.tensor(z)[:, None])
    start, d = np.array([w, b, a, c]), np.array([0, 0, 1, 1])

    def step(at: np.ndarray, rates: np.ndarray) -> np.ndarray:
        return at + eta * rates * vector_field(game, batch, torch.tensor(at)).numpy()

    yield step(step(start, d), 1 - d), "D climbs, then G descends on what the new D says."
    yield step(start, np.ones(4)), "G has asked the old D: take its answers with the new a and c."
    yield step(step(start, d), d - 1), "G climbs V; it wants V small, so its sign is another."
    yield step(step(start, d * [1, 1, 1, -1]), 1 - d), "D climbs with a and descends with c."
    yield step(step(start, d * [1, 1, 1, 0]), 1 - d), "c has not moved; it is D's as a is."


# -- 02: the strong discriminator ------------------------------------------------------------------


@partial(Function, points=[(0.5,), (0.1,), (0.001,), (0.9,)])
def check_saturation(d: float) -> Values:
    """|dL_G / d logit| of the saturating loss as a function of D = D(G(z))."""
    yield d, "|d/df log(1 - sigmoid(f))| = sigmoid(f) = D: no gradient where D is sure of a fake."


@partial(Function, points=[(0.5,), (0.1,), (0.001,), (0.9,)])
def check_non_saturation(d: float) -> Values:
    """|dL_G / d logit| of the non-saturating loss as a function of D = D(G(z))."""
    yield 1 - d, "|d/df (-log sigmoid(f))| = 1 - D: close to 1 where D rejects the sample."


@partial(Number, atol=0.5)
def check_gradient_ratio() -> Values:
    """(1 - D) / D at D = 0.001: non-saturating over saturating gradient of one sample."""
    yield 999.0, "(1 - D) / D = 0.999 / 0.001."
    yield 1000.0, "the numerator is 1 - D, not 1."
    yield 1 / 999, "that is the saturating one over the other: turn it over."
    yield 0.998, "that is the difference of the factors; how many *times* is asked."


def _extreme_logits(rng: np.random.Generator) -> tuple[Any, ...]:
    return torch.tensor(rng.normal(size=6)), torch.tensor(rng.normal(0, 900, 6), requires_grad=True)


def _felt(loss: Callable[..., Any]) -> Callable[..., Any]:
    """A loss and, where autograd can tell, its derivatives by the logits of G's samples."""

    def run(real: torch.Tensor, fake: torch.Tensor) -> Any:
        value = loss(real, fake)
        if not getattr(value, "requires_grad", False):
            return value
        return [value.item(), *torch.autograd.grad(value, fake)[0].tolist()]

    return run


@partial(Function, points=random_cases(_extreme_logits), run=_felt)
def check_generator_loss(real: torch.Tensor, fake: torch.Tensor) -> Any:
    """-log D(G(z)) as a function of D's logits of real and generated samples, in PyTorch."""
    for loss, why in (
        (lambda f: softplus(-f).mean(), "-log sigmoid(f) = softplus(-f), and its mean."),
        (lambda f: -softplus(-f).mean(), "that is log D: G would make D reject its samples."),
        (lambda f: -softplus(f).mean(), "that is log(1 - D), the saturating loss."),
        (lambda f: softplus(f).mean(), "that is -log(1 - D), D's loss on generated samples."),
        (lambda f: softplus(-f).sum(), "that grows with the number of samples: take the mean."),
    ):
        yield _felt(lambda _, f, loss=loss: loss(f))(real, fake), why
    value = softplus(-fake).mean().item()
    yield value, "the value is right, but no gradient reaches G: no detach, item or numpy."
    yield softplus(-real).mean().item(), "G's samples are the second argument."


# -- 03: the strong generator ----------------------------------------------------------------------


@partial(Number, atol=1e-2)
def check_best_answer(real_mean: float, w: float) -> Values:
    """The bias b at which the generator's mean equals the real one."""
    bias = real_mean - w / 2
    yield bias, "w E[z] + b equals the real mean, so a linear D has nothing left to see."
    yield real_mean, "that is the real mean itself: G(z) = w z + b has the mean w/2 + b."
    yield real_mean - w, "E[z] = 1/2 for z ~ U(0, 1), not 1."


@partial(Number, atol=1e-3)
def check_sampling_noise(w: float, n: float) -> Values:
    """Standard deviation of dV/da at the equilibrium from n latents: |w| / (2 sqrt(12 n))."""
    one = abs(w) / (2 * math.sqrt(12))
    scatter = one / math.sqrt(n)
    yield scatter, "half the scatter of a mean of n uniform variables times w."
    yield 2 * scatter, "that is the scatter of the mean; the gradient is half of it."
    yield scatter**2, "that is a variance; take its root."
    yield one, "that is the scatter of one sample; a mean of n scatters less."


def _walk_case(rng: np.random.Generator) -> tuple[Any, ...]:
    """w, b, a, c, three batches of latents, eta."""
    return (*rng.normal(size=4), rng.uniform(size=(3, 4)), rng.uniform())


@partial(Function, points=random_cases(_walk_case))
def check_generator_steps(
    w: float, b: float, a: float, c: float, latents: np.ndarray, eta: float
) -> Any:
    """(w, b) after a step of G, down on log(1 - D(G(z))), for each batch of latents."""

    def walk(
        factor: Callable[[Any], Any], slope: float = a, power: int = 1, seen: Any = None
    ) -> np.ndarray:
        at = np.array([w, b])
        for z in latents:
            now = at if seen is None else seen
            by = factor(1 / (1 + np.exp(-a * (now[0] * z + now[1]) - c)))
            at = at + eta * slope * np.array([(by * z**power).mean(), by.mean()])
        return at

    yield walk(lambda d: d), "each step is eta a D(G(z)) dG, with D's answer to the moved G(z)."
    yield walk(lambda d: -d), "the sign: G goes down, and d log(1 - sigmoid(f)) / df = -D."
    yield walk(lambda d: d, slope=1.0), "the factor df / dx = a is missing."
    yield walk(lambda d: d, power=0), "dG / dw = z: w and b do not move alike."
    yield walk(lambda d: d, seen=(w, b)), "D stands still, G(z) does not: ask D anew in each step."
    yield walk(lambda d: 1 - d), "1 - D is the factor of the non-saturating loss."


# -- 04: the noisy GAN -----------------------------------------------------------------------------


@partial(Number, atol=1e-6)
def check_noisy_variance(data_std: float, noise: float) -> Values:
    """The variance of real samples after instance noise."""
    yield data_std**2 + noise**2, "variances of independent variables add."
    yield (data_std + noise) ** 2, "standard deviations do not add; variances do."
    yield math.hypot(data_std, noise), "that is the standard deviation; square it."


@partial(Number, atol=1e-6)
def check_best_slope(gap: float, variance: float) -> Values:
    """Slope of the logit of D* between two normal densities of equal variance: gap / variance."""
    slope = gap / variance
    yield slope, "log p - log q is a line with the slope (difference of the means) / variance."
    yield gap / math.sqrt(variance), "divide by the variance, not by the standard deviation."
    yield -slope, "the sign: D* grows towards the real samples."
    yield slope / 2, "the two halves of (x - mean)^2 / (2 variance) add up."


@partial(Function, points=[(0, 200), (50, 200), (150, 200), (200, 200), (300, 200), (10, 40)])
def check_fade(game: float, last: float) -> Values:
    """Half a wave of a cosine from 1 at game 0 to 0 at game ``last``, and 0 from there on."""
    share = min(game / last, 1.0)
    yield (1 + math.cos(math.pi * share)) / 2, "it leaves 1 and reaches 0 with the slope 0."
    again = (1 + math.cos(math.pi * game / last)) / 2
    yield again, "after the last game the noise comes back: keep it at 0 from there on."
    yield (1 - math.cos(math.pi * share)) / 2, "that starts at 0 and grows: turn it round."
    yield math.cos(math.pi * share / 2), "that is a quarter of a wave; it hits 0 at full slope."
    yield 1 - share, "that is the straight line of the chapter."

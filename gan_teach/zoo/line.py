"""GANs on the line: the 1-D tutorial, and one whose generator cannot match its data.

The tutorial: a Gaussian on the line, an affine generator, a logistic discriminator.

Data N(5, 1), of which ten points are drawn once; latents U(0, 1); G(z) = w z + b;
D(x) = sigmoid(a x + c); w, a ~ N(0, 0.1^2), b = c = 0; the saturating loss; plain gradient
descent with learning rate 0.1 and batches of ten (E. Sansone, *Tutorial on GANs*,
github.com/emsansone/GAN). The discriminator's logit is linear, so it can tell the two means apart
and nothing else.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from gan_teach import _checks
from gan_teach.data.line import Fixed, Normal, Uniform
from gan_teach.dynamics.streams import generator, mix
from gan_teach.games import GAN, Batch, losses, penalties
from gan_teach.games.corrupt import InstanceNoise
from gan_teach.models import Affine1D

LEARNING_RATE = 0.1
BATCH_SIZE = 10
DATA = Normal(5.0, 1.0)
LATENT = Uniform(0.0, 1.0)


def line_gan(
    seed: int = 0,
    *,
    noise: float = 0.0,
    shared_noise: bool = True,
    loss: str | losses.Loss = losses.saturating,
    fresh_data: bool = False,
    label_smoothing: float = 1.0,
) -> GAN:
    """The 1-D tutorial's game. ``seed`` sets the initial weights and the ten real points.

    ``noise`` > 0 adds instance noise of that standard deviation (in units of the data's), the same
    on real and fake samples unless ``shared_noise`` is false. ``fresh_data`` draws new real samples
    at every step instead of using ten for ever.
    """
    _checks.real("noise", noise, least=0.0)
    _checks.whole("seed", seed)
    return GAN(
        Affine1D(seed=mix(seed, 1)),
        Affine1D(seed=mix(seed, 2)),
        data=DATA if fresh_data else Fixed.drawn(DATA, BATCH_SIZE, seed=mix(seed, 3)),
        latent=LATENT,
        loss=loss,
        corrupt=InstanceNoise(noise, shared=shared_noise) if noise else None,
        label_smoothing=label_smoothing,
    )


def expectation_batch(game: GAN, n: int = 200, seed: int = 0) -> Batch:
    """A batch whose averages stand for expectations: all real points, latents at midpoints.

    The midpoint rule gives E[z] exactly and E[z^2] to 1 / (12 n^2). Works for ensembles too. ``n``
    should be a multiple of the number of real points.
    """
    rng = [generator(seed) for _ in range(game.lead[0])] if game.lead else generator(seed)
    batch = game.draw(n, rng)
    midpoints = LATENT.low + (LATENT.high - LATENT.low) * (torch.arange(n) + 0.5) / n
    return replace(batch, latent=midpoints[:, None].to(batch.latent).expand_as(batch.latent))


def generated_density(x: ArrayLike, w: ArrayLike, b: ArrayLike, noise: float = 0.0) -> NDArray:
    """Density at x (m,) of G(z) = w z + b, z ~ U(0, 1), plus N(0, noise^2): shape (*w.shape, m).

    Without noise it is uniform between b and b + w; with noise it is
    (Phi((x - low) / noise) - Phi((x - high) / noise)) / |w|. NaN where the generator has diverged.
    """
    x = np.asarray(x, dtype=np.float64)
    w, b = (np.asarray(v, dtype=np.float64)[..., None] for v in (w, b))
    w = np.where(np.isfinite(w) & np.isfinite(b), w, np.nan)
    low, high = np.minimum(b, b + w), np.maximum(b, b + w)
    width = np.maximum(high - low, 1e-12)
    if noise == 0:
        return ((x >= low) & (x <= high)) / width
    from scipy.special import ndtr

    return (ndtr((x - low) / noise) - ndtr((x - high) / noise)) / width


def optimal_discriminator(
    x: ArrayLike, w: ArrayLike, b: ArrayLike, noise: float = 0.0
) -> NDArray[np.float64]:
    """D*(x) = p(x) / (p(x) + q(x)) for p = N(5, 1 + noise^2) and the generated density q.

    Shape (*w.shape, m). Goodfellow et al. (2014), proposition 1.
    """
    x = np.asarray(x, dtype=np.float64)
    variance = DATA.std**2 + noise**2
    p = np.exp(-0.5 * (x - DATA.mean) ** 2 / variance) / np.sqrt(2 * np.pi * variance)
    return p / (p + generated_density(x, w, b, noise))


def equilibrium_hessian(
    w: float, mean: float, second_moment: float, noise: float = 0.0
) -> NDArray[np.float64]:
    """Hessian of V at a = c = 0, where the means agree (w / 2 + b = mean): order (w, b, a, c).

    With s = sigmoid(0) = 1/2: V_aa = -(E x^2 + E G^2) / 4, V_ac = -(E x + E G) / 4, V_cc = -1/2,
    V_wa = -E z / 2 = -1/4, V_ba = -1/2, all others 0; E G^2 = mean^2 + w^2 / 12, and instance noise
    adds its variance to both second moments. Whatever w is, one eigenvalue is exactly zero: the
    direction (1, -1/2, 0, 0) keeps the mean and changes only the spread, which a linear
    discriminator cannot see.
    """
    second_fake = mean**2 + w**2 / 12
    h = np.zeros((4, 4))
    h[2, 2] = -(second_moment + second_fake + 2 * noise**2) / 4
    h[2, 3] = h[3, 2] = -mean / 2
    h[3, 3] = -0.5
    h[0, 2] = h[2, 0] = -0.25
    h[1, 2] = h[2, 1] = -0.5
    return h


# -- a generator that cannot match its data --------------------------------------------------------

QUANTILES = 32


class Scale(nn.Module):
    """G(z) = w z."""

    leading_axis = True

    def __init__(self, w: float = 1.0) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor([w], dtype=torch.float64))

    def forward(self, z: Tensor) -> Tensor:
        return self.w.unsqueeze(-2) * z


class PolynomialLogit(nn.Module):
    """The logit c_0 + c_1 x + ... + c_k x^k of a sample x on the line; starts at 0."""

    leading_axis = True

    def __init__(self, degree: int = 2) -> None:
        super().__init__()
        degree = _checks.whole("degree", degree, least=1)
        self.c = nn.Parameter(torch.zeros(degree + 1, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        powers = x ** torch.arange(self.c.shape[-1], device=x.device)
        return (powers * self.c.unsqueeze(-2)).sum(-1)


def misspecified_gan(w: float = 1.0, gamma: float = 0.1) -> GAN:
    """A generator that cannot match its data, so that D has something to say at the equilibrium.

    Where G can match the data, D is constant at the equilibrium, G's own block of the Jacobian is 0
    and tau* = 0. Here it is not. Two bumps at -1 and 1 (width 0.3) against G(z) = w z,
    z ~ U(0, 2): four parameters. D's logit is quadratic, with R1 of weight ``gamma``; G's loss is
    the saturating one. Data and latents are 32 evenly spaced quantiles each: with batch_size=32
    nothing is random. At the default gamma the equilibria at w = +-0.648 are strict local minmax
    points and not Nash, with tau* = 0.912.
    """
    middles = (torch.arange(QUANTILES, dtype=torch.float64) + 0.5) / QUANTILES
    bumps = torch.where(middles < 0.5, -1.0, 1.0) + 0.3 * torch.special.ndtri(2 * middles % 1)
    return GAN(
        Scale(w),
        PolynomialLogit(2),
        data=Fixed(bumps),
        latent=Fixed(2 * middles),
        loss="saturating",
        penalties=penalties.r1(gamma),
    )

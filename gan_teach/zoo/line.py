"""GANs on the line: the 1-D tutorial, the Dirac-GAN, and one that cannot match its data."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

from gan_teach import _checks
from gan_teach.analysis.flows import Planar, grid
from gan_teach.analysis.spectra import jacobian, vector_field
from gan_teach.data.line import Fixed, Normal, Uniform
from gan_teach.dynamics import Rule, consensus, simultaneous, weight_clipping
from gan_teach.dynamics.rules import Consensus
from gan_teach.dynamics.streams import generator, mix
from gan_teach.games import GAN, Batch, losses, penalties
from gan_teach.games.corrupt import InstanceNoise
from gan_teach.games.penalties import Penalty
from gan_teach.models import Affine1D, DiracDiscriminator, DiracGenerator

# -- the 1-D tutorial ------------------------------------------------------------------------------
#
# Data N(5, 1), of which ten points are drawn once; latents U(0, 1); G(z) = w z + b;
# D(x) = sigmoid(a x + c); w, a ~ N(0, 0.1^2), b = c = 0; the saturating loss; plain gradient
# descent with learning rate 0.1 and batches of ten (E. Sansone, *Tutorial on GANs*,
# github.com/emsansone/GAN). The discriminator's logit is linear, so it can tell the two means apart
# and nothing else.

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
    )


def expectation_batch(game: GAN, n: int = 200, seed: int = 0) -> Batch:
    """A batch whose averages stand for expectations: all real points, latents at midpoints.

    The midpoint rule gives E[z] exactly and E[z^2] to 1 / (12 n^2). Works for ensembles too. ``n``
    should be a multiple of the number of real points.
    """
    rng = [generator(seed) for _ in range(game.lead[0])] if game.lead else generator(seed)
    batch = game.draw(n, rng)
    midpoints = LATENT.low + (LATENT.high - LATENT.low) * (torch.arange(n) + 0.5) / n
    return batch._replace(latent=midpoints[:, None].to(batch.latent).expand_as(batch.latent))


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


# -- the Dirac-GAN ---------------------------------------------------------------------------------
#
# Data: all mass on 0. G(z) = theta. D's logit: psi x. So the whole game is two numbers, and its
# only equilibrium is (0, 0). Mescheder, Geiger & Nowozin (2018, section 2); constants of their
# notebook: learning rate 0.2, 500 steps, from (1, 1). Their D has its logit with the other sign (it
# scores fake samples high), so that start is theta = 1, psi = -1 here; ``zoo.dirac`` keeps the
# paper's sign.
#
#     method = zoo.DIRAC_METHODS["r1"]
#     run = gt.train(method.game(), method.rule(), steps=500, lr=0.2, batch_size=method.batch_size)

DIRAC_LEARNING_RATE = 0.2
DIRAC_STEPS = 500


def dirac_gan(
    loss: str = "saturating",
    penalties: Sequence[Penalty] | Penalty = (),
    *,
    noise: float = 0.0,
    theta: float = 1.0,
    psi: float = -1.0,
) -> GAN:
    """The Dirac-GAN in float64, at (theta, psi); ``noise`` > 0 adds instance noise of that std.

    Without noise a batch of one sample is exact. At (0, 0) the logistic losses have the Jacobian
    [[0, 1/2], [-1/2, -gamma]], gamma the weight of R1 or R2, or noise^2 / 2; its eigenvalues are
    -gamma / 2 +- sqrt(gamma^2 - 1) / 2: i / 2 without damping, real from gamma = 1 on. The
    Wasserstein loss has 1 in place of 1/2. Raises ValueError for an unknown loss or a negative
    noise.
    """
    _checks.real("noise", noise, least=0.0)
    game = GAN(
        DiracGenerator(theta),
        DiracDiscriminator(psi),
        data=Fixed(torch.zeros(1, 1)),
        latent=Uniform(0.0, 1.0),
        loss=loss,
        penalties=penalties,
        corrupt=InstanceNoise(noise) if noise else None,
    )
    game.to(torch.float64)
    return game


@dataclass(frozen=True)
class DiracMethod:
    """One way to train the Dirac-GAN: a loss, a penalty, noise, or a change of the update rule.

    ``converges`` says whether it reaches (0, 0), as theory has it for simultaneous steps.
    ``change`` turns a schedule, such as ``gt.alternating(d_steps=5)``, into the method's own rule.
    """

    title: str
    converges: bool
    loss: str = "saturating"
    penalty: Sequence[Penalty] | Penalty = ()
    noise: float = 0.0
    change: Callable[[Rule], Rule] = lambda schedule: schedule

    @property
    def batch_size(self) -> int:
        """One sample is exact; the notebook averages instance noise over a thousand."""
        return 1000 if self.noise else 1

    def game(self, theta: float = 1.0, psi: float = -1.0) -> GAN:
        """The game at the published start, or at (theta, psi)."""
        return dirac_gan(self.loss, self.penalty, noise=self.noise, theta=theta, psi=psi)

    def rule(self, schedule: Rule | None = None) -> Rule:
        """The update rule, for simultaneous steps or another ``schedule``.

        Consensus moves both players at once, whatever the schedule.
        """
        return self.change(simultaneous() if schedule is None else schedule)


DIRAC_METHODS: dict[str, DiracMethod] = {
    "saturating": DiracMethod("GAN", False),
    "non_saturating": DiracMethod("non-saturating GAN", False, "non_saturating"),
    "wgan": DiracMethod(
        "WGAN, clipped at 1", False, "wasserstein", change=partial(weight_clipping, 1.0)
    ),
    "wgan_gp": DiracMethod("WGAN-GP", False, "wasserstein", penalties.wgan_gp(0.35)),
    "dragan": DiracMethod("DRAGAN", False, "saturating", penalties.dragan(0.35)),
    "instance_noise": DiracMethod("instance noise 0.7", True, noise=0.7),
    "r1": DiracMethod("R1, gamma 0.3", True, penalty=penalties.r1(0.3)),
    "r1_critical": DiracMethod("R1, gamma 1", True, penalty=penalties.r1(1.0)),
    "r2": DiracMethod("R2, gamma 0.3", True, penalty=penalties.r2(0.3)),
    "non_saturating_r1": DiracMethod(
        "non-saturating, R1 0.3", True, "non_saturating", penalties.r1(0.3)
    ),
    "consensus": DiracMethod("consensus, gamma 1", True, change=lambda schedule: consensus(1.0)),
}
"""The notebook's nine methods with its constants, and DRAGAN and R2.

D is linear, so R1 and R2 agree here, and so do the penalties of WGAN-GP and DRAGAN (one point has
no spread to perturb by); their target |psi| = 1 leaves no equilibrium at (0, 0). On data with a
density that says nothing against DRAGAN. The notebook writes lambda / 2 for WGAN-GP: its 0.7 is
0.35. Its consensus field has half of the term with second derivatives; this one is exact.
"""


def dirac_field(method: DiracMethod, reach: float = 2.0, count: int = 15) -> Planar:
    """(X, Y, U, V), each (count, count), on [-reach, reach]^2: theta along columns, psi along rows.

    v = (-dL_G/dtheta, -dL_D/dpsi), penalty and noise included (one batch of the method's size);
    for consensus v - gamma J^T v, the field of its update. Clipping changes no field, only where
    a path may go.
    """
    game, rule = method.game(), method.rule()
    w = grid((-reach, reach, count), (-reach, reach, count))
    points = torch.from_numpy(w.reshape(-1, 2))
    batch = game.draw(method.batch_size, torch.Generator().manual_seed(0))
    v = vector_field(game, batch, points).numpy()
    if isinstance(rule, Consensus):
        J = jacobian(game, batch, points).matrix
        v = v - rule.gamma * (J.swapaxes(-1, -2) @ v[..., None])[..., 0]
    return w[..., 0], w[..., 1], v[:, 0].reshape(w.shape[:2]), v[:, 1].reshape(w.shape[:2])


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


class QuadraticLogit(nn.Module):
    """The logit c_0 + c_1 x + c_2 x^2 of a sample x on the line; starts at 0."""

    leading_axis = True

    def __init__(self) -> None:
        super().__init__()
        self.c = nn.Parameter(torch.zeros(3, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        powers = x ** torch.arange(3, device=x.device)
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
        QuadraticLogit(),
        data=Fixed(bumps),
        latent=Fixed(2 * middles),
        loss="saturating",
        penalties=penalties.r1(gamma),
    )

"""Published games of two functions, small enough to see everything: formula, constants, starts.

Each function returns a `PublishedGame` with what its paper fixes. Player x minimises, player y
maximises f(x, y). Settings are those of the notebooks of Fiez
& Ratliff (2021, "Local Convergence Analysis of Gradient Descent Ascent with Finite Timescale
Separation"), unless another source is named.

    setup = zoo.torus()
    run = train(setup.game(), steps=setup.steps, lr=setup.lr, tau=2.0)
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.nn.functional import logsigmoid

from gan_teach import _checks
from gan_teach.games import FunctionGame


@dataclass(frozen=True)
class PublishedGame:
    """A game of two functions with its paper's settings.

    f: the value f(x, y), tensors (n_g,), (n_d,) -> scalar.
    starts: pairs (x, y) of starting points, the paper's first one first. lr: x's learning rate, y's
    is tau lr; taus and steps as run in the paper. period: what a coordinate may be shifted by, for
    angles.
    """

    f: Callable[[Tensor, Tensor], Tensor]
    starts: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...]
    lr: float
    steps: int
    taus: tuple[float, ...]
    period: float | None = None

    @property
    def x0(self) -> tuple[float, ...]:
        """The first starting point of player x, (n_g,)."""
        return self.starts[0][0]

    @property
    def y0(self) -> tuple[float, ...]:
        """The first starting point of player y, (n_d,)."""
        return self.starts[0][1]

    def game(self, x: ArrayLike | None = None, y: ArrayLike | None = None) -> FunctionGame:
        """The game in float64, at the published start, or at (x, y): (n,) each, or (S, n)."""
        x = torch.as_tensor(self.x0 if x is None else x, dtype=torch.float64)
        y = torch.as_tensor(self.y0 if y is None else y, dtype=torch.float64)
        return FunctionGame(self.f, lambda x, y: -self.f(x, y), x, y)


def dirac(mu: float = 0.3) -> PublishedGame:
    """The Dirac-GAN with R1: f(x, y) = l(x y) + l(0) - (mu / 2) y^2.

    x is the generator's point, y the discriminator's slope; the data sit at 0; l(t) =
    -log(1 + e^-t), the loss that saturates (`dirac_gan` takes the others). The sign of y is the
    paper's: D's logit is -x y where the library's `DiracDiscriminator` has x psi. J at 0 is
    [[0, -1/2], [1/2, -mu]]: tau* is 0, the eigenvalues are (-tau mu +- sqrt(tau^2 mu^2 - tau)) / 2,
    real from tau = 1 / mu^2 on, and there is no damping for mu = 0.

    Mescheder, Geiger & Nowozin (2018, definition 2.1); settings as in Fiez & Ratliff (section 5).
    """
    _checks.real("mu", mu, least=0.0)

    def value(x: Tensor, y: Tensor) -> Tensor:
        return (logsigmoid(x * y) - math.log(2.0) - 0.5 * mu * y * y).sum()

    return PublishedGame(
        f=value,
        starts=(((1.0,), (1.0,)),),
        lr=0.01,
        steps=4000,
        taus=(1.0, 4.0, 8.0, 16.0),
    )


def quadratic() -> PublishedGame:
    """f = x^T A x / 2 + x^T B y + y^T D y / 2, A = B = diag(-4, 2), D = diag(-2, -4).

    Two planar games side by side, (x_1, y_1) and (x_2, y_2). The origin is a strict local minmax
    point and no Nash equilibrium: x alone could gain in the direction x_1. tau* = 2.
    """
    first, second = torch.tensor([[-4.0, 2.0], [-2.0, -4.0]], dtype=torch.float64)

    def value(x: Tensor, y: Tensor) -> Tensor:
        a, d = first.to(x), second.to(x)
        return (0.5 * a * x * x + a * x * y + 0.5 * d * y * y).sum()

    return PublishedGame(
        f=value,
        starts=(((5.0, 4.0), (3.0, 2.0)),),
        lr=5e-4,
        steps=20_000,
        taus=(2.0, 2.5, 3.0, 5.0, 10.0),
    )


def polynomial(a: float = 0.3, b: float = 0.3) -> PublishedGame:
    """f = -exp(-(x^2 + y^2) / 100) ((a x^2 + y)^2 + (b y^2 + x)^2), one dimension each.

    Eleven critical points: two strict local minmax points with tau* = 1, one strict local Nash, and
    eight that are no equilibrium, of which (9.318, 9.318) attracts all the same for 0 < tau < 1.
    """

    def value(x: Tensor, y: Tensor) -> Tensor:
        inner = (a * x * x + y) ** 2 + (b * y * y + x) ** 2
        return -(torch.exp(-0.01 * (x * x + y * y)) * inner).sum()

    return PublishedGame(
        f=value,
        starts=(((-9.0,), (-9.0,)),),
        lr=1e-4,
        steps=25_000,
        taus=(1.0, 2.0, 5.0, 20.0),
    )


def polynomial_4d() -> PublishedGame:
    """Players (x, y) and (w, z), and an attractor that is no equilibrium.

    f = 5/4 (x - 1)^2 (x^2 + 2 x w + w^2 / 2 - y^2 / 2 + 2 y z - z^2)
        + x^2 ((x - 1)^2 + (y - 1)^2 - (w - 1)^2 - (z - 1)^2)

    The origin is no equilibrium but attracts exactly for 0.5 < tau < 2;
    (1, 1, 1, 1) is a strict local Nash equilibrium. From the published start the run ends at the
    origin for tau = 0.75 and at the equilibrium for tau = 5 and 12.
    """

    def value(p: Tensor, q: Tensor) -> Tensor:
        (x, y), (w, z) = p.unbind(-1), q.unbind(-1)
        form = x * x + 2 * x * w + 0.5 * w * w - 0.5 * y * y + 2 * y * z - z * z
        distance = (x - 1) ** 2 + (y - 1) ** 2 - (w - 1) ** 2 - (z - 1) ** 2
        return 1.25 * (x - 1) ** 2 * form + x * x * distance

    return PublishedGame(
        f=value,
        starts=(((-1.0, 2.5), (2.5, 3.0)),),
        lr=5e-4,
        steps=20_000,
        taus=(0.75, 2.0, 5.0, 12.0),
    )


def torus(a: float = 0.15, b: float = 0.15) -> PublishedGame:
    """f = -a cos x + cos(x - y) + b cos y, two angles.

    Critical points up to a full turn: strict local minmax at (0, 0), tau* = 17/23, and at (pi, pi),
    tau* = 23/17; no equilibrium at (pi, 0), which attracts for 0 < tau < 1, at (0, pi), and at
    +-(pi - c, c) with cos c = a / 2 (for a = b). The published runs are alternating, from two
    starts.
    """

    def value(x: Tensor, y: Tensor) -> Tensor:
        return (-a * torch.cos(x) + torch.cos(x - y) + b * torch.cos(y)).sum()

    return PublishedGame(
        f=value,
        starts=(((2.0,), (-1.0,)), ((1.9,), (-2.1,))),
        lr=1e-3,
        steps=200_000,
        taus=(1.0, 2.0, 5.0, 10.0),
        period=2 * math.pi,
    )


def covariance(d: int = 1, mu_y: float = 1.0, seed: int | None = None) -> PublishedGame:
    """Matching a covariance: f = tr(Y^T (S - X X^T)) - (mu_y / 2) |Y|^2.

    X and Y are d x d, given as vectors of d^2 entries, row after row; S = U U^T + I; U and the
    starts X, Y are standard normal, drawn in this order with the paper's seeds for d = 1, 2, 5, 10
    (its d = 20 has none: 0 here). A GAN in which the generator X z and a quadratic discriminator Y
    meet: x matches the data where X X^T = S. For d = 1: tau* = 0, eigenvalues real from tau =
    16 S / mu_y^2 on. For d > 1 X is fixed up to a rotation only, so the equilibria are not
    isolated.
    """
    _checks.real("mu_y", mu_y, least=0.0)
    matrix_s, x0, y0 = covariance_draws(d, seed)
    target = torch.from_numpy(matrix_s)

    def value(x: Tensor, y: Tensor) -> Tensor:
        matrix, dual = x.reshape(d, d), y.reshape(d, d)
        miss = target.to(x) - matrix @ matrix.T
        return (dual * miss).sum() - 0.5 * mu_y * (y * y).sum()

    return PublishedGame(
        f=value,
        starts=((tuple(x0.reshape(-1).tolist()), tuple(y0.reshape(-1).tolist())),),
        lr=1e-3,
        steps=5000,
        taus=(1.0, 5.0, 10.0, 25.0),
    )


def bilinear() -> PublishedGame:
    """f = x y, one number each: pure rotation around the only critical point, 0.

    Simultaneous steps of size h grow by sqrt(1 + h^2), alternating ones stay on an ellipse, the
    other rules of `dynamics` contract: it tells them all apart (Gidel et al., 2019, section 2).
    """
    return PublishedGame(
        f=lambda x, y: (x * y).sum(),
        starts=(((1.0,), (1.0,)),),
        lr=0.1,
        steps=200,
        taus=(1.0,),
    )


# -- matching a covariance, in closed form ---------------------------------------------------------
#
# At an equilibrium Y = 0 and X X^T = S, so X = sqrt(S) R for any orthogonal R: for d > 1 the
# equilibria fill the d (d - 1) / 2 dimensions of the rotations and none of them is isolated.

_SEEDS = {1: 15, 2: 6, 5: 3, 10: 11}  # as published, for each dimension


class CovarianceDraws(NamedTuple):
    """S = U U^T + I and the starting points X and Y, all (d, d)."""

    S: NDArray[np.float64]
    X: NDArray[np.float64]
    Y: NDArray[np.float64]


def covariance_draws(d: int, seed: int | None = None) -> CovarianceDraws:
    """U, X, Y standard normal in this order, with the notebook's seed for d = 1, 2, 5, 10, else 0.

    Fiez & Ratliff (2021), cov.ipynb; its d = 20 has no seed.
    """
    d = _checks.whole("d", d, least=1)
    # RandomState: the legacy generator reproduces the published draws.
    rng = np.random.RandomState(_SEEDS.get(d, 0) if seed is None else seed)
    u, x, y = (rng.randn(d, d) for _ in range(3))
    return CovarianceDraws(u @ u.T + np.eye(d), x, y)


def covariance_equilibrium(S: ArrayLike) -> NDArray[np.float64]:
    """w = (sqrt(S), 0) as a vector of 2 d^2 entries: of all equilibria the one without rotation."""
    values, vectors = np.linalg.eigh(np.atleast_2d(S))
    x = (vectors * np.sqrt(values)) @ vectors.T
    return np.concatenate([x.ravel(), np.zeros(x.size)])


def covariance_spectrum(S: ArrayLike, mu_y: float, tau: float) -> NDArray[np.complex128]:
    """All 2 d^2 eigenvalues of J_tau at any equilibrium, in ascending order.

    In the eigenbasis of S (eigenvalues s_i) the linear flow falls apart. Rotations X -> X R leave f
    alone: d (d - 1) / 2 zeros. The antisymmetric part of Y sees no S - X X^T: d (d - 1) / 2 times
    -tau mu. Entry (i, j) of the symmetric part of Y oscillates with that of S - X X^T, y'' + tau mu
    y' + 2 tau (s_i + s_j) y = 0: for each i <= j the two roots of

        lambda^2 + tau mu lambda + 2 tau (s_i + s_j) = 0.
    """
    s = np.linalg.eigvalsh(np.atleast_2d(S))
    i, j = np.triu_indices(len(s))
    damping = tau * mu_y
    root = np.sqrt(damping**2 - 8 * tau * (s[i] + s[j]) + 0j)
    free = len(s) * (len(s) - 1) // 2
    pairs = [(-damping + root) / 2, (-damping - root) / 2]
    return np.sort_complex(np.concatenate([np.zeros(free), np.full(free, -damping), *pairs]))


def covariance_real_tau(S: ArrayLike, mu_y: float) -> float:
    """The tau from which on all eigenvalues are real: 16 max(s) / mu^2, inf without damping.

    s: the eigenvalues of the covariance S (d, d).
    """
    largest = float(np.linalg.eigvalsh(np.atleast_2d(S))[-1])
    return 16 * largest / mu_y**2 if mu_y else np.inf

"""Distributions with separate modes, on the line and in the plane, each with its exact density.

Beside ``sample``, ``shape`` and ``density`` they carry what mode metrics ask for: ``modes`` (K, d),
``mode_std`` (K,), ``mode_weights`` (K,), and ``locate(x)``, which mode a point belongs to and how
many standard deviations away from it the point lies.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from gan_teach import _checks
from gan_teach.data.line import Fixed

PUBLISHED_STD = math.sqrt(0.002)  # of the five Gaussians of Sun, Fang and Schwing (2020)
_CHUNK = 1 << 21  # pairs (point, mode) at a time: 16 MB in float64


class Modes:
    """What distributions with K separate modes share; see the module."""

    modes: Tensor
    mode_std: Tensor
    mode_weights: Tensor

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.modes.shape[1:])

    def locate(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Index of the nearest mode (m,) and the distance from it in its own std (m,)."""
        distance, mode = torch.cdist(x.double(), self.modes).min(1)
        return mode, distance / self.mode_std[mode]


class GaussianMixture(Modes):
    """p(x) = sum_k w_k N(x; mode_k, std_k^2 I): round Gaussians at ``modes`` (K, d).

    std: one number or K numbers; weights: K masses, equal unless given, normalized here.
    Raises ValueError for modes that are empty, NaN or not (K, d), for std <= 0 and for bad weights.
    """

    def __init__(
        self,
        modes: ArrayLike | Tensor,
        std: ArrayLike | Tensor,
        weights: ArrayLike | Tensor | None = None,
        name: str = "",
    ) -> None:
        self.modes = as_points("modes", modes)
        k = len(self.modes)
        self.mode_std = _per_mode("std", std, k)
        self._even = weights is None
        mass = _per_mode("weights", 1.0 if weights is None else weights, k)
        self.mode_weights = mass / mass.sum()
        self.name = name or f"{k} Gaussians"

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        if self._even:  # six times as fast as multinomial
            mode = torch.randint(len(self.modes), (n,), generator=rng)
        else:
            mode = torch.multinomial(self.mode_weights, n, replacement=True, generator=rng)
        noise = torch.randn(n, *self.shape, generator=rng)
        center, std = self.modes.to(noise.dtype), self.mode_std.to(noise.dtype)
        return center[mode] + std[mode, None] * noise

    def density(self, x: Tensor) -> Tensor:
        """(m,) densities of x (m, d), in the dtype of x."""
        return in_chunks(self._density, x, len(self.modes))

    def _density(self, x: Tensor) -> Tensor:
        modes, std = self.modes.to(x), self.mode_std.to(x)
        squares = (x[:, None] - modes).square().sum(-1)
        peak = self.mode_weights.to(x) / (std * math.sqrt(2 * math.pi)) ** self.shape[0]
        return (peak * torch.exp(-squares / (2 * std * std))).sum(-1)

    def __repr__(self) -> str:
        low, high = float(self.mode_std.min()), float(self.mode_std.max())
        std = f"{low:.3g}" if low == high else f"{low:.3g}..{high:.3g}"
        return f"GaussianMixture({self.name}, std={std})"


def ring(modes: int = 5, radius: float = 1.0, std: float = PUBLISHED_STD) -> GaussianMixture:
    """``modes`` equal Gaussians on a circle, the first at angle 0.

    The defaults are the five Gaussians of Sun, Fang and Schwing (2020); ring(8, 2, 0.02) is the
    ring of Metz et al. (2017).
    """
    modes = _checks.whole("modes", modes, least=1)
    _checks.real("radius", radius, above=0.0)
    angle = torch.arange(modes, dtype=torch.float64) * (2 * math.pi / modes)
    at = radius * torch.stack([angle.cos(), angle.sin()], 1)
    return GaussianMixture(at, std, name=f"ring of {modes}, radius {radius:g}")


def grid(side: int = 5, spacing: float = 1.0, std: float = PUBLISHED_STD) -> GaussianMixture:
    """side x side equal Gaussians on a grid around 0, by default the 25 on {-2, ..., 2}^2."""
    side = _checks.whole("side", side, least=1)
    _checks.real("spacing", spacing, above=0.0)
    line = spacing * (torch.arange(side, dtype=torch.float64) - (side - 1) / 2)
    return GaussianMixture(torch.cartesian_prod(line, line), std, name=f"grid of {side} x {side}")


def two_gaussians(distance: float = 2.0, std: float = PUBLISHED_STD) -> GaussianMixture:
    """Two equal Gaussians in the plane, at (-distance / 2, 0) and (distance / 2, 0)."""
    half = _checks.real("distance", distance, above=0.0) / 2
    return GaussianMixture([[-half, 0.0], [half, 0.0]], std, name=f"two, {distance:g} apart")


class UniformClusters(Modes):
    """K equal cubes with lower corners ``corners`` (K, d): p = share of cubes over x / width^d.

    All of a cube lies within sqrt(3 d) of its standard deviations from its middle, its mode.
    Raises ValueError for corners that are empty, NaN or not (K, d), or for width <= 0.
    """

    def __init__(self, corners: ArrayLike | Tensor, width: float) -> None:
        self.corners = as_points("corners", corners)
        self.width = _checks.real("width", width, above=0.0)
        k = len(self.corners)
        self.modes = self.corners + self.width / 2
        self.mode_std = torch.full((k,), self.width / math.sqrt(12), dtype=torch.float64)
        self.mode_weights = torch.full((k,), 1 / k, dtype=torch.float64)

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        cluster = torch.randint(len(self.corners), (n,), generator=rng)
        return self._inside(cluster, rng)

    def fixed(self, n: int = 100, seed: int = 0) -> Fixed:
        """``n`` points drawn once, point i in cluster i mod K: the order that pairs rely on.

        With the batch size n each step is a full-batch step and pairs point i with fake i, as in
        the two-cluster experiment of Sun, Fang and Schwing (2020).
        """
        n = _checks.whole("n", n, least=1)
        rng = torch.Generator().manual_seed(_checks.whole("seed", seed))
        return Fixed(self._inside(torch.arange(n) % len(self.corners), rng), self)

    def _inside(self, cluster: Tensor, rng: torch.Generator) -> Tensor:
        place = torch.rand(len(cluster), *self.shape, generator=rng)
        return self.corners.to(place.dtype)[cluster] + self.width * place

    def density(self, x: Tensor) -> Tensor:
        """(m,) densities of x (m, d)."""
        above = x[:, None] - self.corners.to(x)
        inside = ((above >= 0) & (above <= self.width)).all(-1)
        return inside.to(x.dtype).mean(-1) / self.width ** self.shape[0]

    def __repr__(self) -> str:
        return f"UniformClusters(corners={self.corners.tolist()}, width={self.width:g})"


def two_clusters(centers: tuple[float, float] = (0.0, 4.0), width: float = 0.3) -> UniformClusters:
    """Uniform on [c, c + width] for each of two c: the 1-D data of Sun, Fang and Schwing (2020).

    Their hundred points are ``two_clusters().fixed(100)``.
    """
    return UniformClusters([[float(c)] for c in centers], width)


def as_points(name: str, points: ArrayLike | Tensor) -> Tensor:
    """Float64 tensor (k, d) of k >= 1 finite points; raises ValueError or TypeError."""
    try:
        at = torch.as_tensor(points, dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(f"{name} must be numbers of shape (k, d), got {points!r:.80}.") from None
    _checks.not_empty(name, at)
    if at.ndim != 2 or at.shape[1] == 0:
        raise ValueError(
            f"{name} must have shape (k, d), one row a point, got {tuple(at.shape)}. "
            "Points on the line are rows of one number: [[0.0], [4.0]]."
        )
    return _checks.finite(name, at)


def in_chunks(density: Callable[[Tensor], Tensor], x: Tensor, width: int) -> Tensor:
    """``density`` of x (m, ...) by rows, so that the (rows, width) table in it stays small."""
    return torch.cat([density(rows) for rows in x.split(max(1, _CHUNK // width))])


def _per_mode(name: str, value: ArrayLike | Tensor, k: int) -> Tensor:
    """(k,) positive numbers from one number or k of them."""
    numbers = torch.as_tensor(value, dtype=torch.float64)
    if numbers.shape not in {(), (k,)}:
        raise ValueError(f"{name} must be one number or {k}, got shape {tuple(numbers.shape)}.")
    if not bool((numbers > 0).all() & numbers.isfinite().all()):
        raise ValueError(f"{name} must be above 0 and finite, got {numbers.tolist()}.")
    return numbers.expand(k).clone()

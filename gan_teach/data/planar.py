"""Distributions on the line and in the plane, each with its exact density: separate modes, curves.

Beside ``sample``, ``shape`` and ``density`` all but drawings carry what mode metrics ask for:
``modes`` (K, d), ``mode_std`` (K,), ``mode_weights`` (K,), and ``locate(x)``, which mode a point
belongs to and how many standard deviations away from it the point lies.
"""

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from gan_teach import _checks
from gan_teach.data.line import Fixed, as_numbers

PUBLISHED_STD = math.sqrt(0.002)  # of the five Gaussians of Sun, Fang and Schwing (2020)


class Modes:
    """What distributions with K modes share; see the module and ``GaussianMixture``."""

    def __init__(
        self,
        modes: ArrayLike | Tensor,
        std: ArrayLike | Tensor,
        weights: ArrayLike | Tensor | None = None,
    ) -> None:
        self.modes = as_points("modes", modes)
        k = len(self.modes)
        self.mode_std = _per_mode("std", std, k)
        self._even = weights is None
        mass = _per_mode("weights", 1.0 if weights is None else weights, k)
        self.mode_weights = mass / mass.sum()

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.modes.shape[1:])

    def locate(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Index of the nearest mode (m,) and the distance from it in its own std (m,)."""
        distance, mode = torch.cdist(x.double(), self.modes).min(1)
        return mode, distance / self.mode_std[mode]

    def __repr__(self) -> str:
        low, high = float(self.mode_std.min()), float(self.mode_std.max())
        std = f"{low:.3g}" if low == high else f"{low:.3g}..{high:.3g}"
        return f"{type(self).__name__}({len(self.modes)} modes, std={std})"


class GaussianMixture(Modes):
    """p(x) = sum_k w_k N(x; mode_k, std_k^2 I): round Gaussians at ``modes`` (K, d).

    std: one number or K numbers; weights: K masses, equal unless given, normalized here.
    Raises ValueError for modes that are empty, NaN or not (K, d), for std <= 0 and for bad weights.
    """

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
        modes, std = self.modes.to(x), self.mode_std.to(x)
        squares = (x[:, None] - modes).square().sum(-1)
        peak = self.mode_weights.to(x) / (std * math.sqrt(2 * math.pi)) ** self.shape[0]
        return (peak * torch.exp(-squares / (2 * std * std))).sum(-1)


def ring(modes: int = 5, radius: float = 1.0, std: float = PUBLISHED_STD) -> GaussianMixture:
    """``modes`` equal Gaussians on a circle, the first at angle 0.

    The defaults are the five Gaussians of Sun, Fang and Schwing (2020); ring(8, 2, 0.02) is the
    ring of Metz et al. (2017).
    """
    modes = _checks.whole("modes", modes, least=1)
    _checks.real("radius", radius, above=0.0)
    angle = torch.arange(modes, dtype=torch.float64) * (2 * math.pi / modes)
    at = radius * torch.stack([angle.cos(), angle.sin()], 1)
    return GaussianMixture(at, std)


def grid(side: int = 5, spacing: float = 1.0, std: float = PUBLISHED_STD) -> GaussianMixture:
    """side x side equal Gaussians on a grid around 0, by default the 25 on {-2, ..., 2}^2."""
    side = _checks.whole("side", side, least=1)
    _checks.real("spacing", spacing, above=0.0)
    line = spacing * (torch.arange(side, dtype=torch.float64) - (side - 1) / 2)
    return GaussianMixture(torch.cartesian_prod(line, line), std)


def two_gaussians(distance: float = 2.0, std: float = PUBLISHED_STD) -> GaussianMixture:
    """Two equal Gaussians in the plane, at (-distance / 2, 0) and (distance / 2, 0)."""
    half = _checks.real("distance", distance, above=0.0) / 2
    return GaussianMixture([[-half, 0.0], [half, 0.0]], std)


class UniformClusters(Modes):
    """K equal cubes with lower corners ``corners`` (K, d): p = share of cubes over x / width^d.

    All of a cube lies within sqrt(3 d) of its standard deviations from its middle, its mode.
    Raises ValueError for corners that are empty, NaN or not (K, d), or for width <= 0.
    """

    def __init__(self, corners: ArrayLike | Tensor, width: float) -> None:
        self.corners = as_points("corners", corners)
        self.width = _checks.real("width", width, above=0.0)
        super().__init__(self.corners + self.width / 2, self.width / math.sqrt(12))

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


def two_clusters(centers: tuple[float, float] = (0.0, 4.0), width: float = 0.3) -> UniformClusters:
    """Uniform on [c, c + width] for each of two c: the 1-D data of Sun, Fang and Schwing (2020).

    Their hundred points are ``two_clusters().fixed(100)``.
    """
    return UniformClusters([[float(c)] for c in centers], width)


class HalfCircles(Modes):
    """Two noisy half circles that join into an S: radius r ~ N(radius, std^2), theta ~ U(0, 2 pi),

        x = r cos(theta),   y = r sin(theta) + shift on the left half, - shift on the right one.

    With g(r) = N(r; radius, std^2) / (2 pi |r|), q the point moved back by its half's shift and q'
    by the other's, the density is g(|q|) + g(-|q'|); the second term, from negative radii, is below
    1e-23. Each half counts as ``sections`` modes, arcs of equal probability, from the left half's
    top down and then the right one's; ``modes`` holds the middles of the arcs, but ``locate``
    measures the distance from the circle.
    Mean 0; for the defaults std (7.106, 12.268) and covariance -200 / pi = -63.66.
    Raises ValueError for radius or std <= 0, shift < 0 or sections < 1.
    """

    def __init__(
        self, radius: float = 10.0, std: float = 1.0, shift: float = 10.0, sections: int = 10
    ) -> None:
        self.radius = _checks.real("radius", radius, above=0.0)
        self.std = _checks.real("std", std, above=0.0)
        self.shift = _checks.real("shift", shift, least=0.0)
        self.sections = _checks.whole("sections", sections, least=1)
        turn = math.pi * (torch.arange(sections, dtype=torch.float64) + 0.5) / sections
        x, y = self.radius * turn.sin(), self.radius * turn.cos()
        left, right = torch.stack([-x, y + shift], 1), torch.stack([x, y - shift], 1)
        super().__init__(torch.cat([left, right]), self.std)

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        theta = 2 * math.pi * torch.rand(n, generator=rng)
        r = self.radius + self.std * torch.randn(n, generator=rng)
        left = (theta >= math.pi / 2) & (theta <= 1.5 * math.pi)
        shift = torch.where(left, self.shift, -self.shift).to(r.dtype)
        return torch.stack([r * theta.cos(), r * theta.sin() + shift], 1)

    def density(self, x: Tensor) -> Tensor:
        """(m,) densities of x (m, 2)."""
        own, other = self._radii(x)
        r = torch.stack([own, -other])
        z = (r - self.radius) / self.std
        peak = self.std * math.sqrt(2 * math.pi) * 2 * math.pi
        away = r.abs().clamp_min(torch.finfo(r.dtype).tiny)
        return (torch.exp(-0.5 * z * z) / (peak * away)).sum(0)

    def _radii(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Distances of x from the center of its own half's circle and of the other's."""
        center = torch.where(x[:, 0] <= 0, self.shift, -self.shift).to(x.dtype)
        return torch.hypot(x[:, 0], x[:, 1] - center), torch.hypot(x[:, 0], x[:, 1] + center)

    def locate(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Arc (m,) that each x (m, 2) belongs to and its distance from the circle in std (m,)."""
        x = x.double()
        right = x[:, 0] > 0
        height = torch.where(right, x[:, 1] + self.shift, x[:, 1] - self.shift)
        turn = torch.atan2(x[:, 0].abs(), height)  # 0 at the top of the half, pi at its bottom
        arc = (turn * (self.sections / math.pi)).long().clamp_max(self.sections - 1)
        return arc + self.sections * right, (self._radii(x)[0] - self.radius).abs() / self.std


def half_circles() -> HalfCircles:
    """The S-shaped distribution of the course assignment: ``HalfCircles()`` with its defaults."""
    return HalfCircles()


class Drawing:
    """A user's drawing: a point uniform along the strokes plus Gaussian noise of std ``width``.

    ``points`` is one stroke, (m, 2), or a list of strokes; a single point is a dot and weighs as
    much as a line of length ``width``. The density is a mixture of Gaussians along the strokes,
    integrated exactly: for a segment of length L, at s along and h across it from its middle,
    N(h; 0, width^2) [Phi((L / 2 - s) / width) - Phi((-L / 2 - s) / width)] / L.
    Raises ValueError or TypeError for no points, NaN or width <= 0.
    """

    shape = (2,)

    def __init__(self, points: Any, width: float) -> None:
        strokes = _strokes(points)
        self.width = _checks.real("width", width, above=0.0)
        # A dot is a segment from a point to itself.
        start = np.concatenate([s[: max(len(s) - 1, 1)] for s in strokes])
        end = np.concatenate([s[-max(len(s) - 1, 1) :] for s in strokes])
        self._start, self._along = torch.from_numpy(start), torch.from_numpy(end - start)
        self._length = self._along.norm(dim=1)
        mass = torch.where(self._length == 0, self.width, self._length)
        self._mass = mass / mass.sum()

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        segment = torch.multinomial(self._mass, n, replacement=True, generator=rng)
        noise = torch.randn(n, 2, generator=rng)
        share = torch.rand(n, 1, generator=rng)
        start, along = self._start.to(noise.dtype), self._along.to(noise.dtype)
        return start[segment] + share * along[segment] + self.width * noise

    def density(self, x: Tensor) -> Tensor:
        """(m,) densities of x (m, 2), in the dtype of x."""
        length = self._length.clamp_min(1e-3 * self.width)  # as good as a dot
        away = x.double()[:, None] - (self._start + self._along / 2)
        along = (away * self._along).sum(-1).abs() / length
        across = (away.square().sum(-1) - along.square()) / (2 * self.width**2)
        # By symmetry s >= 0, where erfc is the lower tail of Phi and does not cancel.
        scale = math.sqrt(2) * self.width
        near, far = (torch.erfc((along + end) / scale) for end in (-length / 2, length / 2))
        share = (near - far) / (2 * length)
        line = torch.exp(-across) * share / (math.sqrt(2 * math.pi) * self.width)
        return (line @ self._mass).to(x.dtype)

    def __repr__(self) -> str:
        return f"Drawing({len(self._mass)} pieces, width={self.width:.3g})"


def _strokes(points: Any) -> list[np.ndarray]:
    """Validated strokes, each (m, 2) in float64 without repeated neighbors."""
    if isinstance(points, Tensor):
        points = points.detach().cpu().numpy()
    try:
        strokes = [np.asarray(part, dtype=np.float64) for part in points]
    except (TypeError, ValueError):
        raise TypeError(
            f"points must be pairs of numbers, or a list of strokes of them, got {points!r:.80}."
        ) from None
    if strokes and all(part.shape == (2,) for part in strokes):
        strokes = [np.stack(strokes)]  # one stroke, given as its points
    if not strokes or any(s.ndim != 2 or s.shape[1] != 2 or len(s) == 0 for s in strokes):
        raise ValueError(
            "points must be one stroke of shape (m, 2) or a list of them, none empty; "
            f"got shapes {[s.shape for s in strokes[:5]]}."
        )
    _checks.finite("points", np.concatenate(strokes))
    return [s[np.append(True, (np.diff(s, axis=0) != 0).any(1))] for s in strokes]


def spirals(arms: int = 2, turns: float = 1.0, radius: float = 2.0, std: float = 0.05) -> Drawing:
    """``arms`` Archimedean spirals: r = radius t, angle 2 pi (turns t + arm / arms), 0.1 <= t <= 1.

    Uniform along the arms, each drawn as 100 straight pieces, plus noise of standard deviation std.
    """
    arms = _checks.whole("arms", arms, least=1)
    _checks.real("turns", turns, least=0.0)
    _checks.real("radius", radius, above=0.0)
    t = np.linspace(0.1, 1.0, 101)
    angles = [2 * math.pi * (turns * t + arm / arms) for arm in range(arms)]
    strokes = [radius * t[:, None] * np.stack([np.cos(a), np.sin(a)], 1) for a in angles]
    return Drawing(strokes, std)


def as_points(name: str, points: ArrayLike | Tensor) -> Tensor:
    """Float64 tensor (k, d) of k >= 1 finite points; raises ValueError or TypeError."""
    at = as_numbers(name, points, torch.float64)
    if at.ndim != 2 or at.shape[1] == 0:
        raise ValueError(
            f"{name} must have shape (k, d), one row a point, got {tuple(at.shape)}. "
            "Points on the line are rows of one number: [[0.0], [4.0]]."
        )
    return at


def _per_mode(name: str, value: ArrayLike | Tensor, k: int) -> Tensor:
    """(k,) positive numbers from one number or k of them."""
    numbers = torch.as_tensor(value, dtype=torch.float64)
    if numbers.shape not in {(), (k,)}:
        raise ValueError(f"{name} must be one number or {k}, got shape {tuple(numbers.shape)}.")
    if not bool((numbers > 0).all() & numbers.isfinite().all()):
        raise ValueError(f"{name} must be above 0 and finite, got {numbers.tolist()}.")
    return numbers.expand(k).clone()

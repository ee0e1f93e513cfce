"""Distributions along curves, and a user's own points and drawings."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gan_teach import _checks
from gan_teach.data.line import Points
from gan_teach.data.planar import GaussianMixture, in_chunks

MAX_POINTS = 10_000  # of a drawing: a hand draws hundreds, a mistake or a prank millions
MAX_COORDINATE = 1e4
_SHORT = 1e-6  # a segment shorter than this many widths is a dot


@dataclass(frozen=True)
class HalfCircles:
    """Two noisy half circles that join into an S: radius r ~ N(radius, std^2), theta ~ U(0, 2 pi),

        x = r cos(theta),   y = r sin(theta) + shift on the left half, - shift on the right one.

    With g(r) = N(r; radius, std^2) / (2 pi |r|), q the point moved back by its half's shift and q'
    by the other's, the density is g(|q|) + g(-|q'|); the second term, from negative radii, is below
    1e-23. Each half counts as ``sections`` modes, arcs of equal probability; ``locate`` measures
    the distance from the circle, not from the middle of the arc.
    Mean 0; for the defaults std (7.106, 12.268) and covariance -200 / pi = -63.66.
    Raises ValueError for radius or std <= 0, shift < 0 or sections < 1.
    """

    radius: float = 10.0
    std: float = 1.0
    shift: float = 10.0
    sections: int = 10

    def __post_init__(self) -> None:
        _checks.real("radius", self.radius, above=0.0)
        _checks.real("std", self.std, above=0.0)
        _checks.real("shift", self.shift, least=0.0)
        _checks.whole("sections", self.sections, least=1)

    @property
    def shape(self) -> tuple[int, ...]:
        return (2,)

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        theta = 2 * math.pi * torch.rand(n, generator=rng)
        r = self.radius + self.std * torch.randn(n, generator=rng)
        left = (theta >= math.pi / 2) & (theta <= 1.5 * math.pi)
        shift = torch.where(left, self.shift, -self.shift).to(r.dtype)
        return torch.stack([r * theta.cos(), r * theta.sin() + shift], 1)

    def density(self, x: Tensor) -> Tensor:
        """(m,) densities of x (m, 2)."""
        own, other = self._radii(x)
        return self._polar(own) + self._polar(-other)

    def _polar(self, r: Tensor) -> Tensor:
        z = (r - self.radius) / self.std
        peak = self.std * math.sqrt(2 * math.pi) * 2 * math.pi
        return torch.exp(-0.5 * z * z) / (peak * r.abs().clamp_min(torch.finfo(r.dtype).tiny))

    def _radii(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Distances of x from the center of its own half's circle and of the other's."""
        center = torch.where(x[:, 0] <= 0, self.shift, -self.shift).to(x.dtype)
        return torch.hypot(x[:, 0], x[:, 1] - center), torch.hypot(x[:, 0], x[:, 1] + center)

    @property
    def modes(self) -> Tensor:
        """(2 sections, 2) middles of the arcs: left half from its top down, then the right half."""
        turn = math.pi * (torch.arange(self.sections, dtype=torch.float64) + 0.5) / self.sections
        x, y = self.radius * turn.sin(), self.radius * turn.cos()
        left = torch.stack([-x, y + self.shift], 1)
        return torch.cat([left, torch.stack([x, y - self.shift], 1)])

    @property
    def mode_std(self) -> Tensor:
        return torch.full((2 * self.sections,), self.std, dtype=torch.float64)

    @property
    def mode_weights(self) -> Tensor:
        return torch.full((2 * self.sections,), 0.5 / self.sections, dtype=torch.float64)

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
    integrated exactly: for a segment of length L, at s along and h across it,
    N(h; 0, width^2) [Phi((L - s) / width) - Phi(-s / width)] / L.
    Raises ValueError or TypeError for no points, more than 10,000, NaN, coordinates beyond 1e4 or
    width <= 0.
    """

    def __init__(self, points: Any, width: float, name: str = "") -> None:
        strokes = _strokes(points)
        self.width = _checks.real("width", width, above=0.0, most=MAX_COORDINATE)
        # A dot is a segment from a point to itself.
        start = np.concatenate([s[: max(len(s) - 1, 1)] for s in strokes])
        end = np.concatenate([s[-max(len(s) - 1, 1) :] for s in strokes])
        self._start, self._along = torch.from_numpy(start), torch.from_numpy(end - start)
        self._length = self._along.norm(dim=1)
        mass = torch.where(self._length == 0, self.width, self._length)
        self._mass = mass / mass.sum()
        self.name = name or f"{len(strokes)} strokes, {sum(map(len, strokes))} points"

    @property
    def shape(self) -> tuple[int, ...]:
        return (2,)

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        segment = torch.multinomial(self._mass, n, replacement=True, generator=rng)
        noise = torch.randn(n, 2, generator=rng)
        share = torch.rand(n, 1, generator=rng)
        start, along = self._start.to(noise.dtype), self._along.to(noise.dtype)
        return start[segment] + share * along[segment] + self.width * noise

    def density(self, x: Tensor) -> Tensor:
        """(m,) densities of x (m, 2), in the dtype of x."""
        return in_chunks(self._density, x, len(self._mass))

    def _density(self, x: Tensor) -> Tensor:
        width = self.width
        away = x.double()[:, None] - self._start
        unit = self._along / self._length.clamp_min(torch.finfo(torch.float64).tiny)[:, None]
        along = (away * unit).sum(-1)
        across = away[..., 0] * unit[:, 1] - away[..., 1] * unit[:, 0]
        # Phi(a) - Phi(b) is taken in the lower tail, where it does not cancel.
        high, low = (self._length - along) / width, -along / width
        flip = low > 0
        a, b = torch.where(flip, -low, high), torch.where(flip, -high, low)
        spread = (_normal_mass(a) - _normal_mass(b)) / self._length
        line = _normal(across / width) / width * spread
        middle = (away - self._along / 2).square().sum(-1).sqrt() / width
        dot = _normal(middle) * _normal(torch.zeros(())) / width**2
        each = torch.where(self._length > _SHORT * width, line, dot)
        return (each @ self._mass).to(x.dtype)

    def __repr__(self) -> str:
        return f"Drawing({self.name}, width={self.width:.3g})"


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
    return Drawing(strokes, std, name=f"{arms} spirals, {turns:g} turns")


class FromArray(Points):
    """A user's own points (n, *shape), drawn with replacement, plus noise of std ``bandwidth``.

    With a bandwidth the density is the kernel estimate (1/n) sum_i N(x; x_i, bandwidth^2 I);
    without one the points have none, and the attribute ``density`` is absent.
    Raises TypeError for what is not numbers, ValueError for no points, NaN or bandwidth < 0.
    """

    def __init__(self, points: Any, bandwidth: float = 0.0) -> None:
        super().__init__(points)
        self.points = self.points.detach().cpu().double()
        self.bandwidth = _checks.real("bandwidth", bandwidth, least=0.0)
        if self.bandwidth > 0:
            self.density = self._kernel_density

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        points = super().sample(n, rng).to(torch.get_default_dtype())
        if self.bandwidth == 0:
            return points
        return points + self.bandwidth * torch.randn(points.shape, generator=rng)

    def _kernel_density(self, x: Tensor) -> Tensor:
        """(m,) densities of x (m, *shape)."""
        return GaussianMixture(self.points.flatten(1), self.bandwidth).density(x.flatten(1))

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, bandwidth={self.bandwidth:g})"


def _normal(z: Tensor) -> Tensor:
    return torch.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)


def _normal_mass(z: Tensor) -> Tensor:
    return 0.5 * torch.erfc(z * -math.sqrt(0.5))  # torch.special.ndtr loses the lower tail


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
    shapes = [part.shape for part in strokes]
    if strokes and set(shapes) == {(2,)}:
        strokes = [np.stack(strokes)]  # one stroke, given as its points
    elif not strokes or not all(len(s) == 2 and s[0] > 0 and s[1] == 2 for s in shapes):
        raise ValueError(
            "points must be one stroke of shape (m, 2) or a list of them, none empty; "
            f"got shapes {shapes[:5]}."
        )
    every = _checks.finite("points", np.concatenate(strokes))
    if len(every) > MAX_POINTS:
        raise ValueError(
            f"points has {len(every)} points, at most {MAX_POINTS} are accepted: a coarser "
            "polyline with the same width has the same shape."
        )
    if np.abs(every).max() > MAX_COORDINATE:
        raise ValueError(
            f"points must have coordinates of at most {MAX_COORDINATE:g}, "
            f"got {np.abs(every).max():g}. Is the drawing in data units?"
        )
    return [part[np.append(True, (np.diff(part, axis=0) != 0).any(1))] for part in strokes]

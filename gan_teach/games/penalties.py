"""Gradient penalties on the discriminator, for data of any shape and batches of any size.

Each of the four is weight * mean_i h(|grad_x f(x_i)|), the gradient norm taken *per sample* (a norm
over the whole batch would make the penalty grow with the batch size). Where the points x_i lie and
what h is, is all that distinguishes them. Their randomness is drawn beforehand (``draw``) and
handed in, so that a loss is a pure function of parameters and batch, to be differentiated twice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from gan_teach import _checks
from gan_teach._identity import digest

Critic = Callable[[Tensor], Tensor]
Noise = tuple[Tensor, ...]


@dataclass(frozen=True)
class Penalty:
    """weight * value(critic, real, fake, noise, lead).

    ``draw(real, rng)`` makes the noise for a batch of that shape; ``prepare(real, noise)`` adds
    what the value needs to know of a whole batch before processes share it out.
    ``points(real, fake, noise, lead)`` are those whose slope is penalized, for pictures. In an
    ensemble the tensors have ``lead`` = 1 leading axis and ``weight`` may be a tensor (S,). Called
    as ``penalty(critic, real, fake, noise)``; gives a scalar, or (S,).
    """

    name: str
    weight: float | Tensor
    value: Callable[[Critic, Tensor, Tensor, Noise, int], Tensor]
    draw: Callable[[Tensor, torch.Generator], Noise] = lambda real, rng: ()
    prepare: Callable[[Tensor, Noise], Noise] = lambda real, noise: noise
    points: Callable[[Tensor, Tensor, Noise, int], Tensor] | None = None

    def __call__(
        self, critic: Critic, real: Tensor, fake: Tensor, noise: Noise = (), lead: int = 0
    ) -> Tensor:
        value = self.value(critic, real, fake, noise, lead)
        if isinstance(self.weight, Tensor):  # one per member; the values may be T snapshots of each
            return self.weight.to(value).repeat(len(value) // len(self.weight)) * value
        return self.weight * value


def get(penalty: Any) -> Penalty:
    """A ``Penalty`` as it is, that of a text ("r1(20)"), or one of a function (critic, real, fake,
    noise) -> scalar.

    ``critic`` maps samples to logits; both kinds of samples are as D sees them, after instance
    noise. ``noise`` is (), or the tuple that the function's attribute ``draw(real, rng)`` returned.
    The norm of D's gradient comes from ``gradient_norm_squared``, which makes its input
    differentiable. Raises TypeError for what cannot be called.
    """
    if isinstance(penalty, Penalty):
        return penalty
    if isinstance(penalty, str):
        return _checks.called("penalties", penalty, PENALTIES)()
    hint = "Build one with gt.penalties.r1(gamma)."
    _checks.function("penalties", penalty, "(critic, real, fake, noise) or a Penalty", hint)
    if penalty in PENALTIES.values():
        raise TypeError(f"penalties holds {penalty.__name__}: did you mean {penalty.__name__}()?")
    name = getattr(penalty, "__name__", type(penalty).__name__)

    def draw(real: Tensor, rng: torch.Generator) -> Noise:
        noise = penalty.draw(real, rng) if hasattr(penalty, "draw") else ()
        if not isinstance(noise, tuple):  # a tensor would be taken apart, row by row
            raise TypeError(
                f"the draw of penalty {name} must return a tuple of tensors, got "
                f"{type(noise).__name__}."
            )
        return noise

    def value(critic: Critic, real: Tensor, fake: Tensor, noise: Noise, lead: int) -> Tensor:
        return penalty(critic, real, fake, noise)

    return Penalty(name, 1.0, value, draw)


def gradient_norm_squared(critic: Critic, x: Tensor) -> Tensor:
    """|grad_x f(x_i)|^2 for each sample, shape of the logits: (n,) or (S, n). Differentiable again.

    A module made by ``torch.compile`` has no second derivative: torch raises RuntimeError.
    """
    if not x.requires_grad:
        x = x.detach().requires_grad_()
    with torch.enable_grad():
        logits = critic(x)
        (gradient,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
    gradient = gradient.flatten(logits.ndim)
    return (gradient * gradient).sum(-1)


def _squared_gap(critic: Critic, x: Tensor, target: float) -> Tensor:
    """(|grad_x f(x_i)| - target)^2 for each sample."""
    squared_norm = gradient_norm_squared(critic, x)
    # The root has no derivative at zero; a dead critic gets the subgradient 0 instead of NaN.
    positive = squared_norm > 0
    norm = torch.where(positive, squared_norm, torch.ones_like(squared_norm)).sqrt()
    gap = torch.where(positive, norm, torch.zeros_like(norm)) - target
    return gap * gap


def r1(gamma: float = 10.0) -> Penalty:
    """(gamma / 2) E_real |grad f(x)|^2 (Mescheder et al., 2018, equation 9).

    Finite-Learning-Ratio writes mu E|grad f|^2 for its networks: its mu = 10 is gamma = 20 here.
    Raises ValueError for gamma < 0.
    """
    _checks.real("gamma", gamma, least=0.0)

    def half(critic: Critic, real: Tensor, fake: Tensor, noise: Noise, lead: int) -> Tensor:
        return (0.5 * gradient_norm_squared(critic, real)).mean(-1)

    return Penalty("r1", gamma, half)


def r2(gamma: float = 10.0) -> Penalty:
    """(gamma / 2) E_fake |grad f(G(z))|^2 (Mescheder et al., 2018, equation 10)."""
    _checks.real("gamma", gamma, least=0.0)

    def half(critic: Critic, real: Tensor, fake: Tensor, noise: Noise, lead: int) -> Tensor:
        return (0.5 * gradient_norm_squared(critic, fake)).mean(-1)

    return Penalty("r2", gamma, half)


def wgan_gp(weight: float = 10.0, target: float = 1.0) -> Penalty:
    """weight E (|grad f(u x + (1 - u) G(z))| - target)^2, one u ~ U(0, 1) *per sample*.

    Gulrajani et al. (2017, equation 3).
    """
    _checks.real("weight", weight, least=0.0)
    _checks.real("target", target, least=0.0)

    def draw(real: Tensor, rng: torch.Generator) -> Noise:
        return (_one_per_sample(real, rng),)

    def points(real: Tensor, fake: Tensor, noise: Noise, lead: int) -> Tensor:
        return torch.lerp(fake, real, noise[0])

    def gap(critic: Critic, real: Tensor, fake: Tensor, noise: Noise, lead: int) -> Tensor:
        return _squared_gap(critic, points(real, fake, noise, lead), target).mean(-1)

    return Penalty(f"wgan_gp(target={target:g})", weight, gap, draw, points=points)


def dragan(
    weight: float = 10.0, radius: float = 0.5, target: float = 1.0, directions: str = "all"
) -> Penalty:
    """weight E (|grad f(x + delta)| - target)^2, delta = radius * std(batch) * u * a near real x.

    u has independent coordinates, a ~ U(0, 1) is one number per sample (Kodali et al., 2017,
    algorithm 1). ``directions="all"`` takes u ~ U(-1, 1), the authors' own correction of October
    2017; ``"published"`` takes the U(0, 1) of their code, whose noise fills one quadrant only.
    Raises ValueError for negative numbers or other directions.
    """
    _checks.real("weight", weight, least=0.0)
    _checks.real("radius", radius, above=0.0)
    _checks.real("target", target, least=0.0)
    lowest = {"all": -1.0, "published": 0.0}
    low = lowest[_checks.choice("directions", directions, lowest)]

    def draw(real: Tensor, rng: torch.Generator) -> Noise:
        u = torch.rand(real.shape, generator=rng, dtype=real.dtype)
        return (low + (1 - low) * u, _one_per_sample(real, rng))

    def points(real: Tensor, fake: Tensor, noise: Noise, lead: int) -> Tensor:
        direction, length, *known = noise
        spread = known[0] if known else _spread(real, lead)
        return real + radius * spread * length * direction

    def gap(critic: Critic, real: Tensor, fake: Tensor, noise: Noise, lead: int) -> Tensor:
        return _squared_gap(critic, points(real, fake, noise, lead), target).mean(-1)

    def prepare(real: Tensor, noise: Noise) -> Noise:
        return (*noise, _spread(real, 0).expand_as(noise[1]))

    name = f"dragan(radius={radius:g}, target={target:g}, {directions})"
    return Penalty(name, weight, gap, draw, prepare, points)


def _spread(real: Tensor, lead: int) -> Tensor:
    """One std for the whole batch, as published, but one per member of an ensemble."""
    return real.std(dim=tuple(range(lead, real.ndim)), keepdim=True, correction=0)


def _one_per_sample(real: Tensor, rng: torch.Generator) -> Tensor:
    return torch.rand((len(real),) + (1,) * (real.ndim - 1), generator=rng, dtype=real.dtype)


PENALTIES: dict[str, Callable[..., Penalty]] = {
    "r1": r1, "r2": r2, "wgan_gp": wgan_gp, "dragan": dragan,
}  # fmt: skip


def grouped(members: Sequence[Sequence[Penalty]]) -> tuple[Penalty, ...]:
    """Penalties of an ensemble: those that differ in nothing but their weight become one, with a
    tensor (S,) of weights.

    A member that lacks a penalty has weight zero there. Raises TypeError where penalties cannot be
    compared, since a function in one has no readable text.
    """
    kinds = {id(p): digest(replace(p, weight=0.0), p.name) for own in members for p in own}
    merged = []
    for kind in dict.fromkeys(kinds.values()):
        alike = [[p for p in own if kinds[id(p)] == kind] for own in members]
        first = next(p for own in alike for p in own)
        weights = [sum(float(p.weight) for p in own) for own in alike]
        merged.append(replace(first, weight=torch.tensor(weights, dtype=torch.float64)))
    return tuple(merged)

"""GAN losses as pairs of functions of the discriminator's logits.

Every function averages over the last axis, so logits (n,) give a scalar and the logits (S, n) of an
ensemble give (S,). Nothing here detaches: the update rule freezes the other player instead, since a
detached fake batch would delete a block of the game's Jacobian. All are written with softplus,
never as log(sigmoid(x) + eps), whose gradient vanishes where the true one does not.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import relu, softplus

from gan_teach import _checks

PlayerLoss = Callable[[Tensor, Tensor], Tensor]


class Loss(NamedTuple):
    """A generator loss and a discriminator loss, functions of (real logits, fake logits).

    Logits (n,) give a scalar, those of an ensemble (S, n) give (S,). ``paired``: the generator's
    loss reads the real logits too, as the relativistic ones do. The others save an update of G the
    evaluation of D on real samples.
    """

    name: str
    g: PlayerLoss
    d: PlayerLoss
    paired: bool = False


def cross_entropy_d(real: Tensor, fake: Tensor) -> Tensor:
    """L_D = -E log D(x) - E log(1 - D(G(z))) (Goodfellow et al., 2014, equation 1)."""
    return softplus(-real).mean(-1) + softplus(fake).mean(-1)


def saturating_g(real: Tensor, fake: Tensor) -> Tensor:
    """L_G = E log(1 - D(G(z))) (Goodfellow et al., 2014, equation 1). Its gradient vanishes when D
    rejects G's samples with confidence."""
    return -softplus(fake).mean(-1)


def non_saturating_g(real: Tensor, fake: Tensor) -> Tensor:
    """L_G = -E log D(G(z)) (Goodfellow et al., 2014, section 3)."""
    return softplus(-fake).mean(-1)


def relativistic_d(real: Tensor, fake: Tensor) -> Tensor:
    """L_D = E log(1 + exp(f(G(z)) - f(x))); sample i is paired with sample i
    (Jolicoeur-Martineau, 2019; Sun, Fang & Schwing, 2020, equation 3)."""
    return softplus(fake - real).mean(-1)


def relativistic_g(real: Tensor, fake: Tensor) -> Tensor:
    """L_G = E log(1 + exp(f(x) - f(G(z)))): D's loss with the roles exchanged."""
    return softplus(real - fake).mean(-1)


def wasserstein_d(real: Tensor, fake: Tensor) -> Tensor:
    """L_D = E f(G(z)) - E f(x) (Arjovsky et al., 2017, algorithm 1)."""
    return fake.mean(-1) - real.mean(-1)


def wasserstein_g(real: Tensor, fake: Tensor) -> Tensor:
    """L_G = -E f(G(z)) (Arjovsky et al., 2017, algorithm 1)."""
    return -fake.mean(-1)


def hinge_d(real: Tensor, fake: Tensor) -> Tensor:
    """L_D = E max(0, 1 - f(x)) + E max(0, 1 + f(G(z))) (Lim & Ye, 2017, equation 4)."""
    return relu(1 - real).mean(-1) + relu(1 + fake).mean(-1)


def relativistic_hinge_d(real: Tensor, fake: Tensor) -> Tensor:
    """L_D = E max(0, 1 + f(G(z)) - f(x)) (Sun, Fang & Schwing, 2020)."""
    return relu(1 + fake - real).mean(-1)


def relativistic_hinge_g(real: Tensor, fake: Tensor) -> Tensor:
    """L_G = E max(0, 1 + f(x) - f(G(z))) (Sun, Fang & Schwing, 2020)."""
    return relu(1 + real - fake).mean(-1)


def least_squares_d(real: Tensor, fake: Tensor) -> Tensor:
    """L_D = E (f(x) - 1)^2 / 2 + E f(G(z))^2 / 2 (Mao et al., 2017, equation 9)."""
    return 0.5 * ((real - 1) * (real - 1)).mean(-1) + 0.5 * (fake * fake).mean(-1)


def least_squares_g(real: Tensor, fake: Tensor) -> Tensor:
    """L_G = E (f(G(z)) - 1)^2 / 2 (Mao et al., 2017, equation 9)."""
    return 0.5 * ((fake - 1) * (fake - 1)).mean(-1)


saturating = Loss("saturating", saturating_g, cross_entropy_d)
"""The zero-sum game of Goodfellow et al. (2014, equation 1)."""

non_saturating = Loss("non_saturating", non_saturating_g, cross_entropy_d)
"""Their alternative (section 3): same L_D, and a gradient for G where D rejects its samples."""

relativistic = Loss("relativistic", relativistic_g, relativistic_d, paired=True)
"""RpGAN with the logistic loss, i.e. RS-GAN."""

wasserstein = Loss("wasserstein", wasserstein_g, wasserstein_d)
"""The critic needs a penalty or a bound to make it a distance."""

hinge = Loss("hinge", wasserstein_g, hinge_d)
"""L_D bounded by a margin, L_G = -E f(G(z)) (Lim & Ye, 2017, equation 4)."""

relativistic_hinge = Loss(
    "relativistic_hinge", relativistic_hinge_g, relativistic_hinge_d, paired=True
)
"""The hinge form of the paired loss (Sun, Fang & Schwing, 2020)."""

least_squares = Loss("least_squares", least_squares_g, least_squares_d)
"""Real target 1, fake target 0, generator target 1 (Mao et al., 2017, equation 9)."""

LOSSES: dict[str, Loss] = {
    loss.name: loss
    for loss in (
        saturating, non_saturating, relativistic, wasserstein, hinge, relativistic_hinge,
        least_squares,
    )
}  # fmt: skip


def get(loss: str | Loss | tuple[PlayerLoss, PlayerLoss]) -> Loss:
    """The loss of that name, a ``Loss`` as it is, or one of a pair of functions (for G, for D).

    Raises ValueError listing the names, TypeError for what is neither.
    """
    if isinstance(loss, Loss):
        return loss
    if isinstance(loss, str):
        return LOSSES[_checks.choice("loss", loss, LOSSES)]
    if isinstance(loss, tuple) and len(loss) == 2 and all(map(callable, loss)):
        g, d = loss
        name = f"{getattr(g, '__name__', 'own')}, {getattr(d, '__name__', 'own')}"
        return Loss(name, g, d, paired=True)  # G's may read the real logits
    raise TypeError(
        f"loss must be a name or a pair of functions (for G, for D) of (real logits, fake logits), "
        f"got {loss!r}."
    )


@lru_cache(maxsize=256)  # equal settings give the same object, so that an ensemble can group by it
def smoothed(loss: Loss, target: float) -> Loss:
    """One-sided label smoothing: D's target for real samples is ``target`` instead of 1.

    L_D = -E[s log D(x) + (1 - s) log(1 - D(x))] - E log(1 - D(G(z))); its optimum at p = q is
    D = s / 2 (Salimans et al., 2016, section 3.4). G's loss is unchanged.
    Raises ValueError unless the loss is a cross-entropy and 0 < target <= 1.
    """
    _checks.real("label_smoothing", target, above=0.0, most=1.0)
    if target == 1.0:
        return loss
    if loss.d is not cross_entropy_d:
        raise ValueError(
            f"label_smoothing={target} needs a loss with labels 1 and 0 (saturating, "
            f"non_saturating); {loss.name!r} has none, or has others already. "
            "With label_smoothing=1 there is none."
        )

    def d(real: Tensor, fake: Tensor) -> Tensor:
        on_real = target * softplus(-real) + (1 - target) * softplus(real)
        return on_real.mean(-1) + softplus(fake).mean(-1)

    return loss._replace(name=f"{loss.name}, real target {target:g}", d=d)


@lru_cache(maxsize=256)
def smoothed_g(loss: Loss, target: float) -> Loss:
    """G's target for its own samples is ``target`` instead of 1, as in the assignment's face GAN.

    L_G = -E[s log D(G(z)) + (1 - s) log(1 - D(G(z)))]. Raises ValueError for other losses than
    non_saturating, and unless 0 < target <= 1.
    """
    _checks.real("g_label_smoothing", target, above=0.0, most=1.0)
    if target == 1.0:
        return loss
    if loss.g is not non_saturating_g:
        raise ValueError(
            f"g_label_smoothing={target} needs the loss non_saturating; {loss.name!r} has no such "
            "label."
        )

    def g(real: Tensor, fake: Tensor) -> Tensor:
        return (target * softplus(-fake) + (1 - target) * softplus(fake)).mean(-1)

    return loss._replace(name=f"{loss.name}, G's target {target:g}", g=g)


@lru_cache(maxsize=256)
def scaled(loss: Loss, d: float) -> Loss:
    """The loss with D's part times a constant (the published two-cluster study halves it)."""
    name = f"{loss.name} x (1, {d:g})"
    return loss._replace(name=name, d=lambda real, fake: d * loss.d(real, fake))


def grouped(members: Sequence[Loss]) -> Loss:
    """One loss for an ensemble whose members' losses differ: logits (S, n) to values (S,).

    Each distinct loss is evaluated on the rows of its own members only, so that an overflow in one
    cannot reach another. Logits (T S, n) of T snapshots of the ensemble are accepted too.
    """
    distinct = list(dict.fromkeys(members))
    if len(distinct) == 1:
        return distinct[0]
    rows = [torch.tensor([i for i, m in enumerate(members) if m == loss]) for loss in distinct]
    back = torch.argsort(torch.cat(rows))

    def combined(player: str) -> PlayerLoss:
        def evaluate(real: Tensor, fake: Tensor) -> Tensor:
            real, fake = (x.unflatten(0, (-1, len(members))) for x in (real, fake))
            parts = [
                getattr(loss, player)(real[:, index], fake[:, index])
                for loss, index in zip(distinct, rows, strict=True)
            ]
            return torch.cat(parts, 1)[:, back].flatten()

        return evaluate

    return Loss(
        "+".join(loss.name for loss in distinct),
        g=combined("g"),
        d=combined("d"),
        paired=any(loss.paired for loss in distinct),
    )

"""Rules that bend the field by its Jacobian: consensus optimization, symplectic adjustment.

J^T F is the gradient of <F, v> at v = F held fixed: one backward pass through the gradients, J F
takes another, and no matrix is ever formed. The bent gradient goes to the optimizer as if it were
the gradient. F itself is not scaled by tau.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gan_teach import _checks
from gan_teach.analysis.derivatives import exact
from gan_teach.dynamics.base import (
    DrawFn,
    Grads,
    Rule,
    Seen,
    field,
    gradient,
    parameters,
    split,
)
from gan_teach.dynamics.optim import Optimizers
from gan_teach.games.base import Batch, Game


def _curved_field(game: Game, batch: Batch) -> tuple[Grads, Grads, Seen]:
    """F as it can be differentiated again, the same detached, and the losses."""
    with exact():
        g_grads, d_grads, seen = field(game, batch, differentiable=True)
    live = (*g_grads, *d_grads)
    return live, tuple(x.detach() for x in live), seen


@dataclass(repr=False, eq=False)
class Consensus(Rule):
    """Consensus optimization: w <- w - eta (F + gamma J^T F), where J^T F = grad |F|^2 / 2.

    Mescheder et al. (2017, algorithm 2). It is drawn to every zero of F, so that on a potential
    game it is not gradient descent, and bad saddle points may attract it.
    rho = sqrt((1 - eta gamma)^2 + eta^2). Raises ValueError for gamma < 0.
    """

    gamma: float = 1.0

    def __post_init__(self) -> None:
        self.gamma = _checks.real("gamma", self.gamma, least=0.0)

    def __call__(self, game: Game, draw: DrawFn, optims: Optimizers) -> Seen:
        live, F, seen = _curved_field(game, draw())
        JtF = gradient(_inner(live, F, game), parameters(game))
        bent = [f + self.gamma * h for f, h in zip(F, JtF, strict=True)]
        optims.step(*split(game, bent))
        return seen


@dataclass(repr=False, eq=False)
class SymplecticAdjustment(Rule):
    """Symplectic gradient adjustment (SGA): w <- w - eta (F + lam A^T F), A = (J - J^T) / 2.

    Balduzzi et al. (2018, section 3). A is the part of J that rotates: on a potential game A = 0
    and the rule is gradient descent, on xy it is consensus with gamma = lam.
    rho = sqrt((1 - eta lam)^2 + eta^2).

    ``align`` gives lam the sign of <F, J^T F> <A^T F, J^T F> / n + eps, n the number of
    parameters: towards stable and away from unstable fixed points (their algorithm 1; eps = 1/10).
    """

    lam: float = 1.0
    align: bool = True
    eps: float = 0.1

    def __post_init__(self) -> None:
        self.lam = _checks.real("lam", self.lam)
        self.eps = _checks.real("eps", self.eps, least=0.0)

    def __call__(self, game: Game, draw: DrawFn, optims: Optimizers) -> Seen:
        live, F, seen = _curved_field(game, draw())
        u = [f.clone().requires_grad_() for f in F]
        Jtu = gradient(_inner(live, u, game), parameters(game), differentiable=True)
        JF = gradient(_inner(Jtu, F, game), u)  # <J^T u, F> is linear in u, its gradient J F
        JtF = [x.detach() for x in Jtu]
        AtF = [0.5 * (t - f) for t, f in zip(JtF, JF, strict=True)]
        sign = torch.ones(game.lead, device=game.device)
        if self.align:
            along = _inner(F, JtF, game) * _inner(AtF, JtF, game)
            sign = torch.sign(along / (game.n_g + game.n_d) + self.eps)
        bent = [f + self.lam * _times(sign, a) for f, a in zip(F, AtF, strict=True)]
        optims.step(*split(game, bent))
        return seen


def _inner(a: Sequence[Tensor], b: Sequence[Tensor], game: Game) -> Tensor:
    """<a, b>, one for each member. Its gradient is J^T b where a = F and b is fixed."""
    parts = [(x * y).flatten(len(game.lead)).sum(-1) for x, y in zip(a, b, strict=True)]
    return torch.stack(parts).sum(0)


def _times(sign: Tensor, x: Tensor) -> Tensor:
    """A number per member times a parameter (S, ...)."""
    return sign.to(x).reshape(*sign.shape, *[1] * (x.ndim - sign.ndim)) * x


consensus = Consensus
symplectic_adjustment = SymplecticAdjustment

"""Rules that bend the field by its Jacobian: consensus optimization, symplectic adjustment.

J^T F costs one backward pass through the gradients, J F another; no matrix is ever formed. The bent
gradient goes to the optimizer as if it were the gradient. F itself is not scaled by tau.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gan_teach import _checks
from gan_teach.analysis.derivatives import exact
from gan_teach.dynamics.base import DrawFn, Grads, Rule, Seen, field, parameters, split
from gan_teach.dynamics.optim import Optimizers
from gan_teach.games.base import Batch, Game


def pull_back(
    outputs: Sequence[Tensor],
    inputs: Sequence[Tensor],
    vectors: Sequence[Tensor],
    differentiable: bool = False,
) -> Grads:
    """(d outputs / d inputs)^T vectors; outputs that are constants count as such."""
    live = [(o, v) for o, v in zip(outputs, vectors, strict=True) if o.requires_grad]
    if not live:
        return tuple(torch.zeros_like(i) for i in inputs)
    return torch.autograd.grad(
        [o for o, _ in live],
        inputs,
        grad_outputs=[v for _, v in live],
        create_graph=differentiable,
        allow_unused=True,
        materialize_grads=True,
    )


def _curved_field(game: Game, batch: Batch) -> tuple[Grads, Grads, Seen]:
    """F as it can be differentiated again, the same detached, and the losses."""
    with exact():
        g_grads, d_grads, seen = field(game, batch, differentiable=True)
    live = (*g_grads, *d_grads)
    return live, tuple(x.detach() for x in live), seen


def _step(game: Game, optims: Optimizers, grads: Sequence[Tensor]) -> None:
    g_grads, d_grads = split(game, grads)
    optims.step_d(d_grads)
    optims.step_g(g_grads)


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
        JtF = pull_back(live, parameters(game), F)
        _step(game, optims, [f + self.gamma * h for f, h in zip(F, JtF, strict=True)])
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
        Jtu = pull_back(live, parameters(game), u, differentiable=True)
        JF = pull_back(Jtu, u, F)  # J^T u is linear in u: its own pull-back is J
        JtF = [x.detach() for x in Jtu]
        AtF = [0.5 * (t - f) for t, f in zip(JtF, JF, strict=True)]
        sign = torch.ones(game.lead, device=game.device)
        if self.align:
            n, axes = game.n_g + game.n_d, len(game.lead)
            sign = torch.sign(_inner(F, JtF, axes) * _inner(AtF, JtF, axes) / n + self.eps)
        _step(game, optims, [f + self.lam * _times(sign, a) for f, a in zip(F, AtF, strict=True)])
        return seen


def _inner(a: Sequence[Tensor], b: Sequence[Tensor], axes: int) -> Tensor:
    """<a, b>, one for each member."""
    parts = [(x * y).flatten(axes).sum(-1) for x, y in zip(a, b, strict=True)]
    return torch.stack(parts).sum(0)


def _times(sign: Tensor, x: Tensor) -> Tensor:
    """A number per member times a parameter (S, ...)."""
    return sign.to(x).reshape(*sign.shape, *[1] * (x.ndim - sign.ndim)) * x


consensus = Consensus
symplectic_adjustment = SymplecticAdjustment

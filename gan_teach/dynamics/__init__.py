"""Update rules: how one step of training moves the two players.

A rule is any callable ``rule(game, draw, optims)`` that updates both players once and returns
``{"g_loss": ..., "d_loss": ...}``, the losses it saw; a function of your own will do. What it must
remember from step to step (a previous gradient, slow weights) it keeps in a dictionary that belongs
to the run, if it takes one: ``rule(game, draw, optims, memory)``; at first it is empty, and it
is part of the checkpoint. So one rule serves many runs at once. The rules here are objects whose
numbers are plain attributes that may be changed between two steps (a slider does).

F(w) = (dL_G/dG, dL_D/dD) is the field that descent follows, J = F' its Jacobian (so F = -v, and the
J of ``spectra`` has the other sign), eta the learning rate. Each rule's docstring gives rho, the
factor per step by which its iterates grow or shrink on min_x max_y xy, which tells them all apart.

With tau or one rate per member, eta is that player's own. With an optimizer other than SGD a rule
hands it the combined gradient or takes its step as a map; each docstring says which.
"""

from gan_teach.dynamics.affine import AffineAlternating, affine_alternating
from gan_teach.dynamics.base import (
    DrawFn,
    Memory,
    Rule,
    Seen,
    UpdateRule,
    Wrapping,
    checked_losses,
    field,
    gradient,
    memory_of,
    name_of,
    takes_memory,
)  # fmt: skip
from gan_teach.dynamics.descent import (
    Alternating,
    NegativeMomentum,
    Simultaneous,
    WeightClipping,
    alternating,
    negative_momentum,
    simultaneous,
    weight_clipping,
)  # fmt: skip
from gan_teach.dynamics.extrapolation import (
    Extragradient,
    Lookahead,
    Optimistic,
    PastExtragradient,
    extragradient,
    lookahead,
    optimistic,
    past_extragradient,
)  # fmt: skip
from gan_teach.dynamics.linear import rotation_period, step_matrix, step_spectrum
from gan_teach.dynamics.ode import Heun, heun
from gan_teach.dynamics.second_order import (
    Consensus,
    SymplecticAdjustment,
    consensus,
    symplectic_adjustment,
)  # fmt: skip

RULES: dict[str, type[Rule]] = {
    name_of(rule): rule
    for rule in (
        simultaneous, alternating, negative_momentum, weight_clipping, extragradient,
        past_extragradient, optimistic, lookahead, consensus, symplectic_adjustment, heun,
    )
}  # fmt: skip
"""Every rule that takes any game, by name: ``RULES[name](...)`` makes one."""

__all__ = [
    "RULES", "AffineAlternating", "Alternating", "Consensus", "DrawFn", "Extragradient", "Heun",
    "Lookahead", "Memory", "NegativeMomentum", "Optimistic", "PastExtragradient", "Rule", "Seen",
    "Simultaneous", "SymplecticAdjustment", "UpdateRule", "WeightClipping", "Wrapping",
    "affine_alternating", "alternating", "checked_losses", "consensus", "extragradient", "field",
    "gradient", "heun", "lookahead", "memory_of", "name_of", "negative_momentum", "optimistic",
    "past_extragradient", "rotation_period", "simultaneous", "step_matrix", "step_spectrum",
    "symplectic_adjustment", "takes_memory", "weight_clipping",
]  # fmt: skip

"""Update rules: how one step of training moves the two players.

A rule is any callable ``rule(game, draw, optims)`` that updates both players once and returns
``{"g_loss": ..., "d_loss": ...}``, the losses it saw; a function of your own will do. What it must
remember from step to step (a previous gradient, slow weights) it keeps in a dictionary that belongs
to the run, if it takes one: ``rule(game, draw, optims, memory)``; at first it is empty, and it
is part of the checkpoint. What is kept there must be detached, as ``copies`` does, or the graphs of
all steps live on. So one rule serves many runs at once. The rules here are objects whose numbers
are plain attributes that may be changed between two steps (a slider does).

F(w) = (dL_G/dG, dL_D/dD) is the field that descent follows, J = F' its Jacobian (so F = -v, and the
J of ``spectra`` has the other sign), eta the learning rate. Each rule's docstring gives rho, the
factor per step by which its iterates grow or shrink on min_x max_y xy, which tells them all apart.

With tau or one rate per member, eta is that player's own. With an optimizer other than SGD a rule
hands it the combined gradient or takes its step as a map; each docstring says which.
"""

from gan_teach.dynamics import base
from gan_teach.dynamics.affine import affine_alternating as affine_alternating
from gan_teach.dynamics.base import (
    DrawFn as DrawFn,
    Memory as Memory,
    Rule as Rule,
    Seen as Seen,
    UpdateRule as UpdateRule,
    Wrapping as Wrapping,
    copies as copies,
    gradient as gradient,
    gradients as gradients,
    memory_of as memory_of,
    takes_memory as takes_memory,
)
from gan_teach.dynamics.linear import (
    rotation_period as rotation_period,
    step_matrix as step_matrix,
    step_spectrum as step_spectrum,
)
from gan_teach.dynamics.rules import (
    alternating as alternating,
    consensus as consensus,
    extragradient as extragradient,
    heun as heun,
    lookahead as lookahead,
    negative_momentum as negative_momentum,
    optimistic as optimistic,
    past_extragradient as past_extragradient,
    simultaneous as simultaneous,
    symplectic_adjustment as symplectic_adjustment,
    weight_clipping as weight_clipping,
)

RULES: dict[str, type[Rule]] = {
    base.name_of(rule): rule
    for rule in (
        simultaneous, alternating, negative_momentum, weight_clipping, extragradient,
        past_extragradient, optimistic, lookahead, consensus, symplectic_adjustment, heun,
    )
}  # fmt: skip
"""Every rule that takes any game, by name: ``RULES[name](...)`` makes one."""

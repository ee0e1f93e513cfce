"""Networks: of toy GANs, for images (``convnets``), and what an ensemble of them needs."""

from gan_teach.models import convnets
from gan_teach.models.networks import (
    ACTIVATIONS,
    INITS,
    MLP,
    Affine1D,
    DiracDiscriminator,
    DiracGenerator,
    Linear,
    Vmapped,
    apply,
    architecture,
    evaluating,
    iterates,
    stack_modules,
    takes_leading_axis,
)

__all__ = [
    "ACTIVATIONS",
    "INITS",
    "MLP",
    "Affine1D",
    "DiracDiscriminator",
    "DiracGenerator",
    "Linear",
    "Vmapped",
    "apply",
    "architecture",
    "convnets",
    "evaluating",
    "iterates",
    "stack_modules",
    "takes_leading_axis",
]

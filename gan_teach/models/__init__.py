"""Networks: of toy GANs, for images (``convnets``), and what an ensemble of them needs."""

from gan_teach.models import convnets as convnets
from gan_teach.models.networks import (
    ACTIVATIONS as ACTIVATIONS,
    INITS as INITS,
    MLP as MLP,
    Affine1D as Affine1D,
    DiracDiscriminator as DiracDiscriminator,
    DiracGenerator as DiracGenerator,
    Linear as Linear,
    apply as apply,
    architecture as architecture,
    as_in_training as as_in_training,
    evaluating as evaluating,
    iterates as iterates,
    stack_modules as stack_modules,
)

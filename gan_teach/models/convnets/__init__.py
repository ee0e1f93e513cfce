"""Networks for images: latents (n, d) to images (n, channels, size, size), images to logits.

Each takes a ``seed`` for its initial weights and leaves the global random state alone. The numbers
of parameters in the docstrings are those of the published networks.
"""

from gan_teach.models.convnets.dcgan import (
    DCGANDiscriminator,
    DCGANGenerator,
    VanillaDiscriminator,
    VanillaGenerator,
)
from gan_teach.models.convnets.rsgan import (
    CNNDiscriminator,
    CNNGenerator,
    ResNetDiscriminator,
    ResNetGenerator,
    load_rsgan_generator,
)
from gan_teach.models.convnets.stability import StableDiscriminator, StableGenerator

__all__ = [
    "CNNDiscriminator",
    "CNNGenerator",
    "DCGANDiscriminator",
    "DCGANGenerator",
    "ResNetDiscriminator",
    "ResNetGenerator",
    "StableDiscriminator",
    "StableGenerator",
    "VanillaDiscriminator",
    "VanillaGenerator",
    "load_rsgan_generator",
]

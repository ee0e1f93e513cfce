"""Networks for images: latents (n, d) to images (n, channels, size, size), images to logits.

Each takes a ``seed`` for its initial weights and leaves the global random state alone. The numbers
of parameters in the docstrings are those of the published networks.
"""

from gan_teach.models.convnets.dcgan import (
    DCGANDiscriminator as DCGANDiscriminator,
    DCGANGenerator as DCGANGenerator,
    VanillaDiscriminator as VanillaDiscriminator,
    VanillaGenerator as VanillaGenerator,
)
from gan_teach.models.convnets.rsgan import (
    CNNDiscriminator as CNNDiscriminator,
    CNNGenerator as CNNGenerator,
    ResNetDiscriminator as ResNetDiscriminator,
    ResNetGenerator as ResNetGenerator,
    load_rsgan_generator as load_rsgan_generator,
)
from gan_teach.models.convnets.stability import (
    StableDiscriminator as StableDiscriminator,
    StableGenerator as StableGenerator,
)

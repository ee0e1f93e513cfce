"""Data sets and latent distributions: anything with ``sample(n, rng)`` and ``shape``."""

from gan_teach.data.curves import (
    Drawing as Drawing,
    FromArray as FromArray,
    HalfCircles as HalfCircles,
    half_circles as half_circles,
    spirals as spirals,
)
from gan_teach.data.folder import (
    StreamedFolder as StreamedFolder,
    image_folder as image_folder,
)
from gan_teach.data.images import (
    Images as Images,
    StackedDigits as StackedDigits,
)
from gan_teach.data.line import (
    Fixed as Fixed,
    Normal as Normal,
    Points as Points,
    Source as Source,
    Uniform as Uniform,
)
from gan_teach.data.named import (
    faces as faces,
    load_images as load_images,
    photographs as photographs,
    small_mnist as small_mnist,
    stacked_digits as stacked_digits,
    stacked_mnist as stacked_mnist,
    uci_digits as uci_digits,
)
from gan_teach.data.planar import (
    GaussianMixture as GaussianMixture,
    UniformClusters as UniformClusters,
    grid as grid,
    ring as ring,
    two_clusters as two_clusters,
    two_gaussians as two_gaussians,
)

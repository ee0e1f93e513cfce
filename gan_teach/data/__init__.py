"""Data sets and latent distributions: anything with ``sample(n, rng)`` and ``shape``."""

from gan_teach.data.folder import (
    StreamedFolder as StreamedFolder,
    image_folder as image_folder,
)
from gan_teach.data.images import (
    Images as Images,
    StackedDigits as StackedDigits,
)
from gan_teach.data.line import (
    Asked as Asked,
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
    Drawing as Drawing,
    GaussianMixture as GaussianMixture,
    HalfCircles as HalfCircles,
    UniformClusters as UniformClusters,
    grid as grid,
    half_circles as half_circles,
    ring as ring,
    spirals as spirals,
    two_clusters as two_clusters,
    two_gaussians as two_gaussians,
)

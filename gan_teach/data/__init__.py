"""Data sets and latent distributions: anything with ``sample(n, rng)`` and ``shape``."""

from gan_teach.data.curves import Drawing, FromArray, HalfCircles, half_circles, spirals
from gan_teach.data.folder import StreamedFolder, image_folder
from gan_teach.data.images import Images, StackedDigits
from gan_teach.data.line import Fixed, Normal, Points, Source, Uniform
from gan_teach.data.named import (
    faces,
    load_images,
    photographs,
    small_mnist,
    stacked_digits,
    stacked_mnist,
    uci_digits,
)
from gan_teach.data.planar import (
    GaussianMixture,
    UniformClusters,
    grid,
    ring,
    two_clusters,
    two_gaussians,
)

__all__ = [
    "Drawing",
    "Fixed",
    "FromArray",
    "GaussianMixture",
    "HalfCircles",
    "Images",
    "Normal",
    "Points",
    "Source",
    "StackedDigits",
    "StreamedFolder",
    "Uniform",
    "UniformClusters",
    "faces",
    "grid",
    "half_circles",
    "image_folder",
    "load_images",
    "photographs",
    "ring",
    "small_mnist",
    "spirals",
    "stacked_digits",
    "stacked_mnist",
    "two_clusters",
    "two_gaussians",
    "uci_digits",
]

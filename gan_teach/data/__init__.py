"""Data sets and latent distributions: anything with ``sample(n, rng)`` and ``shape``."""

from gan_teach.data.curves import Drawing, FromArray, HalfCircles, half_circles, spirals
from gan_teach.data.line import Fixed, Normal, Points, Source, Uniform
from gan_teach.data.planar import (
    GaussianMixture,
    UniformClusters,
    grid,
    random_centers,
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
    "Normal",
    "Points",
    "Source",
    "Uniform",
    "UniformClusters",
    "grid",
    "half_circles",
    "random_centers",
    "ring",
    "spirals",
    "two_clusters",
    "two_gaussians",
]

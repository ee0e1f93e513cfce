"""The published games and experiments, one function each, with their papers' constants."""

from gan_teach.zoo.functions import (
    FUNCTIONS,
    PublishedGame,
    bilinear,
    covariance,
    dirac,
    polynomial,
    polynomial_4d,
    quadratic,
    torus,
)
from gan_teach.zoo.line import line_gan

__all__ = [
    "FUNCTIONS",
    "PublishedGame",
    "bilinear",
    "covariance",
    "dirac",
    "line_gan",
    "polynomial",
    "polynomial_4d",
    "quadratic",
    "torus",
]

"""The published games and experiments, one function each, with their papers' constants."""

from gan_teach.zoo import experiments, reproduction, routes
from gan_teach.zoo.dirac_fields import dirac_field
from gan_teach.zoo.dirac_gans import (
    DIRAC_LEARNING_RATE,
    DIRAC_METHODS,
    DIRAC_START,
    DIRAC_STEPS,
    DiracMethod,
    dirac_gan,
)
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
from gan_teach.zoo.images import IMAGE_GANS, ImageGAN
from gan_teach.zoo.line import line_gan
from gan_teach.zoo.misfit import misfit_gan
from gan_teach.zoo.planar import (
    FIVE_GAUSSIANS,
    HALF_CIRCLES,
    HALF_CIRCLES_IMPROVED,
    TWO_CLUSTERS,
    UNIT,
    Training,
    UnitOutputAdam,
    five_gaussians,
    half_circles,
    half_circles_improved,
    two_clusters,
)

__all__ = [
    "DIRAC_LEARNING_RATE",
    "DIRAC_METHODS",
    "DIRAC_START",
    "DIRAC_STEPS",
    "FIVE_GAUSSIANS",
    "FUNCTIONS",
    "HALF_CIRCLES",
    "HALF_CIRCLES_IMPROVED",
    "IMAGE_GANS",
    "TWO_CLUSTERS",
    "UNIT",
    "DiracMethod",
    "ImageGAN",
    "PublishedGame",
    "Training",
    "UnitOutputAdam",
    "bilinear",
    "covariance",
    "dirac",
    "dirac_field",
    "dirac_gan",
    "experiments",
    "five_gaussians",
    "half_circles",
    "half_circles_improved",
    "line_gan",
    "misfit_gan",
    "polynomial",
    "polynomial_4d",
    "quadratic",
    "reproduction",
    "routes",
    "torus",
    "two_clusters",
]

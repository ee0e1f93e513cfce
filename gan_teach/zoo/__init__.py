"""The published games and experiments, one function each, with their papers' constants."""

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
from gan_teach.zoo.line import line_gan
from gan_teach.zoo.misfit import misfit_gan

__all__ = [
    "DIRAC_LEARNING_RATE",
    "DIRAC_METHODS",
    "DIRAC_START",
    "DIRAC_STEPS",
    "FUNCTIONS",
    "DiracMethod",
    "PublishedGame",
    "bilinear",
    "covariance",
    "dirac",
    "dirac_gan",
    "line_gan",
    "misfit_gan",
    "polynomial",
    "polynomial_4d",
    "quadratic",
    "torus",
]

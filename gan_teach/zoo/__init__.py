"""The published games and experiments, one function each, with their papers' constants."""

from gan_teach.zoo import experiments as experiments
from gan_teach.zoo.functions import (
    bilinear as bilinear,
    covariance as covariance,
    covariance_draws as covariance_draws,
    covariance_equilibrium as covariance_equilibrium,
    covariance_real_tau as covariance_real_tau,
    covariance_spectrum as covariance_spectrum,
    dirac as dirac,
    polynomial as polynomial,
    polynomial_4d as polynomial_4d,
    quadratic as quadratic,
    torus as torus,
)
from gan_teach.zoo.images import ImageGAN as ImageGAN
from gan_teach.zoo.line import (
    DIRAC_LEARNING_RATE as DIRAC_LEARNING_RATE,
    DIRAC_METHODS as DIRAC_METHODS,
    DIRAC_STEPS as DIRAC_STEPS,
    dirac_field as dirac_field,
    dirac_gan as dirac_gan,
    line_gan as line_gan,
    misspecified_gan as misspecified_gan,
)
from gan_teach.zoo.planar import (
    FIVE_GAUSSIANS as FIVE_GAUSSIANS,
    HALF_CIRCLES as HALF_CIRCLES,
    HALF_CIRCLES_IMPROVED as HALF_CIRCLES_IMPROVED,
    LINE_GAN as LINE_GAN,
    TWO_CLUSTERS as TWO_CLUSTERS,
    UNIT as UNIT,
    Training as Training,
    UnitOutputAdam as UnitOutputAdam,
    five_gaussians as five_gaussians,
    half_circles as half_circles,
    half_circles_improved as half_circles_improved,
    two_clusters as two_clusters,
)
from gan_teach.zoo.published import (
    GRIDS as GRIDS,
    IMAGE_GANS as IMAGE_GANS,
    image_gan as image_gan,
)

"""Numbers from samples, features or class probabilities; arguments in the order (fake, real).

A score means nothing without its noise: ``noise_band`` says what real data score against real data.
"""

from gan_teach.metrics import features as features
from gan_teach.metrics.distances import (
    frechet_distance as frechet_distance,
    frechet_infinity as frechet_infinity,
    histogram_js as histogram_js,
    histogram_js_bias as histogram_js_bias,
    inception_score as inception_score,
    js_divergence as js_divergence,
    kid as kid,
    kl_divergence as kl_divergence,
    rbf_mmd as rbf_mmd,
    sample_frechet as sample_frechet,
    shared_histogram as shared_histogram,
    sliced_wasserstein as sliced_wasserstein,
)
from gan_teach.metrics.manifold import (
    PRD as PRD,
    density_coverage as density_coverage,
    prd as prd,
    prd_discrete as prd_discrete,
    precision_recall as precision_recall,
)
from gan_teach.metrics.modes import (
    NoiseBand as NoiseBand,
    class_coverage as class_coverage,
    expected_covered as expected_covered,
    mode_noise_bands as mode_noise_bands,
    mode_report as mode_report,
    noise_band as noise_band,
    noise_bands as noise_bands,
)

"""Numbers from samples, features or class probabilities; arguments in the order (fake, real).

A score means nothing without its noise: ``noise_band`` says what real data score against real data.
"""

from gan_teach.metrics import features
from gan_teach.metrics.distances import (
    FrechetInfinity,
    frechet_distance,
    frechet_infinity,
    kid,
    rbf_mmd,
    sample_frechet,
    sliced_wasserstein,
)
from gan_teach.metrics.divergences import (
    InceptionScore,
    histogram_js,
    histogram_js_bias,
    inception_score,
    js_divergence,
    kl_divergence,
    shared_histogram,
)
from gan_teach.metrics.manifold import (
    PRD,
    DensityCoverage,
    PrecisionRecall,
    density_coverage,
    prd,
    prd_discrete,
    precision_recall,
)
from gan_teach.metrics.modes import (
    ModeReport,
    NoiseBand,
    class_coverage,
    expected_covered,
    mode_noise_bands,
    mode_report,
    noise_band,
    noise_bands,
)

__all__ = [
    "PRD",
    "DensityCoverage",
    "FrechetInfinity",
    "InceptionScore",
    "ModeReport",
    "NoiseBand",
    "PrecisionRecall",
    "class_coverage",
    "density_coverage",
    "expected_covered",
    "features",
    "frechet_distance",
    "frechet_infinity",
    "histogram_js",
    "histogram_js_bias",
    "inception_score",
    "js_divergence",
    "kid",
    "kl_divergence",
    "mode_noise_bands",
    "mode_report",
    "noise_band",
    "noise_bands",
    "prd",
    "prd_discrete",
    "precision_recall",
    "rbf_mmd",
    "sample_frechet",
    "shared_histogram",
    "sliced_wasserstein",
]

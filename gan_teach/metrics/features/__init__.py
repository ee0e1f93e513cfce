"""Networks that turn images into features, and what scores made with them may be called."""

from gan_teach.metrics.features.cifar import cifar_classifier
from gan_teach.metrics.features.classifier import Classifier
from gan_teach.metrics.features.digits import digit_classifier
from gan_teach.metrics.features.extractor import Extractor, sha256
from gan_teach.metrics.features.inception import inception, inception_weights
from gan_teach.metrics.features.named import load_extractor

__all__ = [
    "Classifier",
    "Extractor",
    "cifar_classifier",
    "digit_classifier",
    "inception",
    "inception_weights",
    "load_extractor",
    "sha256",
]

"""Networks that turn images into features, and what scores made with them may be called."""

from gan_teach.features.classifier import Classifier
from gan_teach.features.digits import digit_classifier
from gan_teach.features.extractor import Extractor, sha256
from gan_teach.features.inception import inception, inception_logits, inception_weights

__all__ = [
    "Classifier",
    "Extractor",
    "digit_classifier",
    "inception",
    "inception_logits",
    "inception_weights",
    "sha256",
]

"""Networks that turn images into features, and what scores made with them may be called."""

from gan_teach.metrics.features.cifar import cifar_classifier
from gan_teach.metrics.features.classifier import Classifier, digit_classifier, name_stacks
from gan_teach.metrics.features.extractor import Extractor
from gan_teach.metrics.features.inception import inception, inception_weights, load_extractor

__all__ = [
    "Classifier",
    "Extractor",
    "cifar_classifier",
    "digit_classifier",
    "inception",
    "inception_weights",
    "load_extractor",
    "name_stacks",
]

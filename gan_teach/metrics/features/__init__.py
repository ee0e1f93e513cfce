"""Networks that turn images into features, and what scores made with them may be called."""

from gan_teach.metrics.features.classifier import (
    Classifier as Classifier,
    cifar_classifier as cifar_classifier,
    digit_classifier as digit_classifier,
    load_extractor as load_extractor,
    name_stacks as name_stacks,
)
from gan_teach.metrics.features.extractor import (
    Extractor as Extractor,
    found_inception as found_inception,
    inception as inception,
    inception_weights as inception_weights,
)

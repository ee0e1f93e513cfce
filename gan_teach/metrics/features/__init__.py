"""Networks that turn images into features, and what scores made with them may be called."""

from gan_teach.metrics.features.cifar import cifar_classifier as cifar_classifier
from gan_teach.metrics.features.classifier import (
    Classifier as Classifier,
    digit_classifier as digit_classifier,
    name_stacks as name_stacks,
)
from gan_teach.metrics.features.extractor import Extractor as Extractor
from gan_teach.metrics.features.inception import (
    inception as inception,
    inception_weights as inception_weights,
    load_extractor as load_extractor,
)

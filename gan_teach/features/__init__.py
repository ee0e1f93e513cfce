"""Networks that turn images into features, and what scores made with them may be called."""

from gan_teach.features.extractor import Extractor, sha256
from gan_teach.features.inception import inception, inception_logits, inception_weights

__all__ = ["Extractor", "inception", "inception_logits", "inception_weights", "sha256"]

"""The published games and experiments, one function each, with their papers' constants."""

from gan_teach.zoo.line import line_gan

__all__ = ["line_gan"]

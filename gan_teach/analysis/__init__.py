"""A game at a point and from many points: field, Jacobian, spectrum, tau*, landscape, flows."""

from gan_teach.analysis import flows, landscape, spectra

__all__ = ["flows", "landscape", "spectra"]

"""A game at a point and from many points: field, Jacobian, spectrum, tau*, landscape, flows."""

from gan_teach.analysis import flows, landscape, paths, spectra

__all__ = ["flows", "landscape", "paths", "spectra"]

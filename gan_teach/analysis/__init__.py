"""A game at a point and from many points: field, Jacobian, spectrum, tau*, landscape, flows."""

from gan_teach.analysis import (
    flows as flows,
    landscape as landscape,
    spectra as spectra,
)

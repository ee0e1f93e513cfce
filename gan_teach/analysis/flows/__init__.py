"""Trajectories and regions of attraction of a game given by functions, for whole grids at once.

``trajectories`` keeps the paths, ``basins`` only where they end. Both take any ``FunctionGame``,
any number of starting points and values of tau, and angles that wrap around; derivatives are
autograd's. How the steps are computed is chosen in ``engines``.
"""

from gan_teach.analysis.flows.basins import NONE, UNBOUNDED, Basins, basins
from gan_teach.analysis.flows.trajectories import (
    Planar,
    Trajectories,
    grid,
    planar_field,
    trajectories,
)

__all__ = [
    "NONE",
    "UNBOUNDED",
    "Basins",
    "Planar",
    "Trajectories",
    "basins",
    "grid",
    "planar_field",
    "trajectories",
]

"""Trajectories and regions of attraction of a game given by functions, for whole grids at once.

``trajectories`` keeps the paths, ``basins`` only where they end. Both take any ``FunctionGame``,
any number of starting points and values of tau, and angles that wrap around; derivatives are
autograd's. How the steps are computed is chosen in ``engines``.
"""

from gan_teach.analysis.flows.basins import NONE, UNBOUNDED, Basins, basins
from gan_teach.analysis.flows.engines import ENGINES
from gan_teach.analysis.flows.fields import planar_field
from gan_teach.analysis.flows.starts import grid
from gan_teach.analysis.flows.trajectories import Trajectories, trajectories

__all__ = [
    "ENGINES",
    "NONE",
    "UNBOUNDED",
    "Basins",
    "Trajectories",
    "basins",
    "grid",
    "planar_field",
    "trajectories",
]

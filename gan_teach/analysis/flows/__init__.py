"""Trajectories and regions of attraction of a game given by functions, for whole grids at once.

``trajectories`` keeps the paths, ``basins`` only where they end. Both take any ``FunctionGame``,
any number of starting points and values of tau, and angles that wrap around; derivatives are
autograd's. How the steps are computed is chosen in ``engines``.
"""

from gan_teach.analysis.flows.basins import (
    NONE as NONE,
    UNBOUNDED as UNBOUNDED,
    Basins as Basins,
    basins as basins,
)
from gan_teach.analysis.flows.trajectories import (
    Planar as Planar,
    Trajectories as Trajectories,
    grid as grid,
    planar_field as planar_field,
    trajectories as trajectories,
)

"""The field of a game of two numbers on a grid, as pictures of stream lines want it."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from gan_teach import _checks
from gan_teach.analysis.flows.starts import grid
from gan_teach.analysis.spectra import vector_field
from gan_teach.games import FunctionGame

Axis = tuple[float, float, int]
Planar = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


def planar_field(game: FunctionGame, x: Axis, y: Axis | None = None, tau: float = 1.0) -> Planar:
    """(X, Y, U, V), each (rows, columns): v = (-df_g/dx, -tau df_d/dy) on a grid.

    ``x`` and ``y`` are (low, high, count); ``y`` defaults to ``x``. For `plots.vector_field`.
    Raises ValueError for games of other than one number each.
    """
    if (game.n_g, game.n_d) != (1, 1):
        raise ValueError(
            f"planar_field is for games of one number each; this one has {game.n_g} and {game.n_d}."
        )
    tau = _checks.real("tau", tau, above=0.0)
    w = grid(x, x if y is None else y)
    v = vector_field(game, game.draw(), torch.from_numpy(w.reshape(-1, 2))).numpy()
    u, v = np.moveaxis(v.reshape(w.shape), -1, 0)
    return w[..., 0], w[..., 1], u, tau * v

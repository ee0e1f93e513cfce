"""The outermost eigenvalues of a round of two networks, whose Jacobian is too large to be stored.

With the gradients' step sizes T (a diagonal: the learning rates, for Adam divided by the root of
its mean square as it is now) a round is near w the linear map

    M = I + T J                        both at once
    M = (I + T_G J)^g (I + T_D J)^d    d steps of D, then g of G

for J = dv/dw on one batch (see ``dynamics.linear`` for the same as matrices). Most directions do
not move at all: M has thousands of eigenvalues at 1. So Arnoldi's method looks for those of M - I
with the largest modulus, which are the eigenvalues s of M farthest from 1.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from gan_teach.analysis import krylov
from gan_teach.dynamics import optim
from gan_teach.games import GAN, Batch
from gan_teach.lab.config import Config
from gan_teach.training import State

FOUND = 6  # eigenvalues
_TOLERANCE, _RESTARTS = 1e-3, 4  # a picture needs three digits
_MOST_STEPS = 10  # in a round: each one costs a product with J for every product with M


def obstacle(state: State, config: Config) -> str:
    """Why there are no such eigenvalues, in a few words; empty where there are."""
    optimizer = state.optims.g
    if config.rule not in ("simultaneous", "alternating"):
        return "only for steps in turn or at once"
    if config.rule == "alternating" and config.d_steps + config.g_steps > _MOST_STEPS:
        return f"only up to {_MOST_STEPS} steps a round"
    if isinstance(optimizer, optim.SGD):
        return "only without momentum" if optimizer.momentum else ""
    if not isinstance(optimizer, optim.Adam) or optimizer.betas[0]:
        return "only without momentum"
    return "" if state.step else "from the first round on"


def round_spectrum(state: State, config: Config, batch: Batch) -> NDArray[np.complex128]:
    """The eigenvalues of a round that are farthest from 1, the farthest first.

    About ``FOUND``: a conjugate pair is not cut. Empty where the gradients are not finite.
    """
    game = state.game
    assert isinstance(game, GAN)
    j = krylov.jacobian_transpose(game, batch)
    rates = np.concatenate([_rates(state.optims.g), _rates(state.optims.d)])
    own = np.arange(len(rates)) < game.n_g
    turns = [(rates, 1)]
    if config.rule == "alternating":  # of M transposed, so G's steps come first
        turns = [(rates * own, config.g_steps), (rates * ~own, config.d_steps)]

    def moved(u: NDArray) -> NDArray:
        x = u = np.asarray(u, dtype=float).reshape(-1)
        for rate, times in turns:
            for _ in range(times):
                x = x + j.matvec((rate * x).astype(j.dtype))
        return x - u

    if not np.isfinite(moved(np.ones(len(rates)))).all():
        return np.empty(0, dtype=complex)
    found = krylov.extremes(
        moved, len(rates), k=FOUND, which="LM", tol=_TOLERANCE, max_restarts=_RESTARTS,
        dense_below=0,
    )  # fmt: skip
    return 1 + found.values.astype(complex)


def _rates(optimizer: optim.Optimizer) -> NDArray[np.float64]:
    """The length of a step for a gradient of 1 in each parameter, one after the other."""
    if isinstance(optimizer, optim.Adam):
        unbiased = 1 - optimizer.betas[1] ** float(optimizer.count)
        scale = [1 / ((s / unbiased).sqrt() + optimizer.eps) for s in optimizer.square]
    else:
        scale = [torch.ones_like(p) for p in optimizer.params]
    return float(optimizer.lr) * torch.cat([s.flatten() for s in scale]).double().numpy()

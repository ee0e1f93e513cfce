"""The field that each method follows on the Dirac-GAN, for phase portraits."""

from __future__ import annotations

import torch

from gan_teach import _checks
from gan_teach.analysis.flows import Planar, grid
from gan_teach.analysis.spectra import jacobian, vector_field
from gan_teach.dynamics import Consensus
from gan_teach.zoo.dirac_gans import DiracMethod


def dirac_field(method: DiracMethod, reach: float = 2.0, count: int = 15, seed: int = 0) -> Planar:
    """(X, Y, U, V), each (count, count), on [-reach, reach]^2: theta along columns, psi along rows.

    v = (-dL_G/dtheta, -dL_D/dpsi), penalty and noise included (one batch of the method's size);
    for consensus v - gamma J^T v, the field of its update. Clipping changes no field, only where
    a path may go. Raises ValueError for a reach that is not positive.
    """
    reach = _checks.real("reach", reach, above=0.0)
    game, rule = method.game(), method.rule()
    axis = (-reach, reach, _checks.whole("count", count, least=2))
    w = grid(axis, axis)
    points = torch.from_numpy(w.reshape(-1, 2))
    batch = game.draw(method.batch_size, torch.Generator().manual_seed(seed))
    v = vector_field(game, batch, points).numpy()
    if isinstance(rule, Consensus):
        J = jacobian(game, batch, points).matrix
        v = v - rule.gamma * (J.swapaxes(-1, -2) @ v[..., None])[..., 0]
    return w[..., 0], w[..., 1], v[:, 0].reshape(w.shape[:2]), v[:, 1].reshape(w.shape[:2])

"""Equilibria that are not isolated: what happens across the directions in which nothing happens.

A GAN often has parameters that its loss does not see: rotations of a latent space, the spread of a
generator whose discriminator compares means. Along them J has eigenvalue zero at every tau, the
Schur complement is singular and there is no tau*, although the run may be perfectly well behaved.
Leave these directions out and the question has an answer again.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gan_teach import _checks
from gan_teach.analysis.crossings import parts
from gan_teach.analysis.spectra import GameJacobian


class Transverse(NamedTuple):
    """J across the zero modes, and the zero modes themselves.

    J: the Jacobian on the remaining directions; pass it to `tau_star`, `classify`,
    `stable_intervals`. g_modes (n_g, k_g), d_modes (n_d, k_d): orthonormal directions of one player
    alone along which the field does not change.
    """

    J: GameJacobian
    g_modes: NDArray[np.float64]
    d_modes: NDArray[np.float64]


def transverse(J: Any, n_g: int | None = None, *, tol: float | None = None) -> Transverse:
    """J restricted to the directions across each player's own zero modes.

    ``J`` and ``n_g`` as in `timescale.timescale`. With N_g and N_d the null spaces of J's columns
    of G and of D (singular values below ``tol`` |J|, by default 1.5e-8 in float64) and orthonormal
    bases Q_g, Q_d of what is left, J' = Q^T J Q with Q = blockdiag(Q_g, Q_d). Since J N = 0 and Q
    does not mix the players, the eigenvalues of J_tau are those of J'_tau and a zero per mode, at
    every tau. Where the zero modes are tangents of a whole manifold of equilibria, the run
    converges to some point of it iff J'_tau is stable (normal hyperbolicity; Fenichel, 1971).

    A zero eigenvalue that both players must move for is no such mode: J' keeps it, and tau* stays
    infinite. Raises ValueError where a player has no direction left.
    """
    matrix, n_g = parts(J, n_g)
    if not isinstance(matrix, np.ndarray):
        raise TypeError("transverse needs the matrix of J: this operator is too large to assemble.")
    rounding = float(np.sqrt(np.finfo(matrix.dtype).eps))
    zero = (rounding if tol is None else _checks.real("tol", tol, least=0.0)) * np.linalg.norm(
        matrix, 2
    )
    g_modes, g_rest = _null_space(matrix[:, :n_g], zero)
    d_modes, d_rest = _null_space(matrix[:, n_g:], zero)
    for name, rest in (("G", g_rest), ("D", d_rest)):
        if rest.shape[1] == 0:
            raise ValueError(
                f"the field does not depend on {name}'s parameters here: nothing is left of J."
            )
    q = np.zeros((len(matrix), g_rest.shape[1] + d_rest.shape[1]))
    q[:n_g, : g_rest.shape[1]], q[n_g:, g_rest.shape[1] :] = g_rest, d_rest
    return Transverse(GameJacobian(q.T @ matrix @ q, g_rest.shape[1]), g_modes, d_modes)


def _null_space(
    columns: NDArray[np.float64], zero: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Orthonormal bases of the directions that ``columns`` sends to zero, and of the others."""
    _, singular, rows = np.linalg.svd(columns)
    seen = int((singular > zero).sum())
    return rows[seen:].T, rows[:seen].T

"""Extreme eigenvalues of a game's Jacobian without the Jacobian.

A GAN with n parameters has an n x n Jacobian J = dv/dw. Nobody can store it for n = 500 000, but
one product with it costs about as much as one gradient, and Arnoldi's method (ARPACK, through
SciPy) finds the outermost eigenvalues from a few dozen products.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from gan_teach import _checks
from gan_teach.analysis.derivatives import check_symmetric
from gan_teach.analysis.spectra import differentiable_field, pullback

if TYPE_CHECKING:
    from scipy.sparse.linalg import LinearOperator

    from gan_teach.games import Batch, Game

_ENDS = {"LM": np.abs, "LR": np.real}  # of the spectrum: what is largest there


class Extremes(NamedTuple):
    """values (k' >= k) complex, the wanted ones first, conjugates side by side; ``converged``:
    whether all that were asked for were found."""

    values: np.ndarray
    converged: bool


def extremes(
    operator: LinearOperator,
    *,
    k: int = 6,
    which: str = "LR",
    seed: int = 0,
    tol: float = 0.0,
    max_restarts: int | None = None,
) -> Extremes:
    """The ``k`` eigenvalues of a real operator (n, n) at one end of its spectrum.

    ``which``: "LR", the largest real parts, which decide on stability, or "LM", the largest moduli.
    A conjugate pair is never cut: k + 1 values come back where the k-th has a partner. ARPACK
    restarts at most ``max_restarts`` times (default 10 n) from a start vector drawn from ``seed``,
    so that two calls agree; values that had converged when it gave up come back with
    ``converged=False``. ``tol`` is its relative tolerance, 0 for rounding. An operator of fewer
    than k + 4 rows is assembled and solved exactly.
    """
    from scipy.sparse.linalg import ArpackNoConvergence, eigs

    _checks.choice("which", which, _ENDS)
    n, complete = operator.shape[0], True
    values: Any
    if n < _checks.whole("k", k, least=1) + 4:  # ARPACK itself needs k + 2 < n - 1
        values = np.linalg.eigvals(np.stack([operator.matvec(e) for e in np.eye(n)], axis=1))
    else:
        v0 = np.random.default_rng(seed).standard_normal(n)
        ncv = min(n, max(24, 2 * k + 6))
        limits: Any = {"v0": v0, "ncv": ncv, "tol": tol, "maxiter": max_restarts}
        try:
            values, _ = eigs(operator, k + 2, which=which, **limits)  # pyright: ignore
        except ArpackNoConvergence as error:
            values, complete = error.eigenvalues, False
    upper = values[values.imag >= 0]
    chosen: list[complex] = []
    for value in upper[np.lexsort((upper.imag, -_ENDS[which](upper)))]:
        if len(chosen) < k:
            chosen += [value, value.conj()] if value.imag > 0 else [value]
    return Extremes(np.array(chosen), complete and len(chosen) >= min(k, n))


def jacobian_transpose(game: Game, batch: Batch, *, tau: float = 1.0) -> LinearOperator:
    """The transposed Jacobian of the players' field as a SciPy LinearOperator, never stored.

    With w = (G's parameters, D's parameters) and v = (-grad_G L_G, -tau grad_D L_D), ``.matvec(u)``
    is J^T u, which is one more backward pass through the graph of v, kept from one forward pass
    here. J^T has the eigenvalues of J.

    The batch is fixed and no running statistic moves, so the operator does not change. Use float64
    parameters. BatchNorm in training mode normalises by the batch, as ``spectra.jacobian`` says.
    Raises ValueError and ArithmeticError as ``spectra.jacobian`` does; a module under torch.compile
    cannot be differentiated twice. Source: the retained-graph product is Pearlmutter (1994) applied
    to a game's field.
    """
    from scipy.sparse.linalg import LinearOperator

    if game.lead:
        raise ValueError("jacobian_transpose takes one game, not a stack: pick a member first.")
    tau = _checks.real("tau", tau, above=0.0)
    with torch.enable_grad():
        field, point = differentiable_field(game, batch)
    rates = torch.ones_like(point)
    rates[game.n_g :] = tau

    def product(u: np.ndarray) -> np.ndarray:
        along = torch.as_tensor(np.array(u).reshape(-1), dtype=field.dtype, device=field.device)
        return pullback(field, point, rates * along, retain_graph=True).cpu().numpy()

    n, dtype = len(field), np.dtype(str(field.dtype).removeprefix("torch."))
    operator: Any = LinearOperator((n, n), matvec=product, dtype=dtype)  # pyright: ignore
    _check_own_blocks(operator, game.n_g, field.dtype)
    return operator


def _check_own_blocks(operator: Any, n_g: int, precision: torch.dtype) -> None:
    """``check_symmetric`` without the matrix: a H b = b H a for each player's Hessian H."""
    n = operator.shape[0]
    a, b = np.random.default_rng(0).standard_normal((2, n))
    is_g = np.arange(n) < n_g
    for name, own in (("G", is_g), ("D", ~is_g)):
        x, y = a * own, b * own
        Jx, Jy = operator.matvec(x), operator.matvec(y)
        pair = np.array([[0.0, y @ Jx], [x @ Jy, 0.0]])
        scale = np.linalg.norm(x) * np.linalg.norm(Jy) + np.linalg.norm(y) * np.linalg.norm(Jx)
        check_symmetric(f"{name}'s own block of the Jacobian", pair, np.array(scale), precision)

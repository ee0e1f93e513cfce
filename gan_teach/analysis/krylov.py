"""Extreme eigenvalues of a game's Jacobian without the Jacobian.

A GAN with n parameters has an n x n Jacobian J = dv/dw. Nobody can store it for n = 500 000, but
one product with it costs about as much as one gradient, and Arnoldi's method (ARPACK, through
SciPy) finds the outermost eigenvalues from a few dozen products.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from gan_teach import _checks
from gan_teach.analysis.derivatives import check_symmetric
from gan_teach.analysis.spectra import differentiable_field, pullback

if TYPE_CHECKING:
    from scipy.sparse.linalg import LinearOperator

    from gan_teach.games import Batch, Game

# Each entry sorts eigenvalues so that the wanted ones come first.
_ORDER: dict[str, Callable[[Any], Any]] = {
    "LM": lambda z: -np.abs(z),
    "SM": np.abs,
    "LR": lambda z: -z.real,
    "SR": lambda z: z.real,
}
_RESIDUAL = 1e-6  # of the largest |eigenvalue|: beyond it an eigenvalue is not called converged


class Extremes(NamedTuple):
    """Extreme eigenvalues and how far to trust them.

    values (k',) complex, the wanted ones first, conjugates side by side; vectors (n, k') of unit
    length; residuals (k',) = |A x - lambda x|; converged: all asked for were found with residuals
    below 1e-6 of the largest |value|; products: matrix-vector products spent.
    """

    values: np.ndarray
    vectors: np.ndarray
    residuals: np.ndarray
    converged: bool
    products: int


def extremes(
    operator: LinearOperator | np.ndarray | Callable[[np.ndarray], Any],
    n: int | None = None,
    *,
    k: int = 6,
    which: str = "LR",
    seed: int = 0,
    tol: float = 0.0,
    max_restarts: int | None = None,
    dense_below: int = 1000,
) -> Extremes:
    """The ``k`` eigenvalues of a real n x n operator at one end of its spectrum.

    ``operator`` is a SciPy LinearOperator, a square array, or a function v (n,) -> A v (n,) with
    ``n`` given. ``which``: "LR"/"SR" largest/smallest real part (LR decides stability), "LM"/"SM"
    largest/smallest modulus (SM converges slowly when n is large). A conjugate pair is never cut:
    k + 1 values come back where the k-th has a partner. Below ``dense_below`` dimensions the matrix
    is assembled by n products and solved exactly. Above, ARPACK restarts at most ``max_restarts``
    times (default 10 n) from a start vector drawn from ``seed``, so that two calls agree; values
    that had converged when it gave up come back with ``converged=False``. ``tol`` is ARPACK's
    relative tolerance, 0 for rounding.

    "LI" (largest imaginary part) is refused with ValueError: ARPACK returns real eigenvalues for it
    once the outermost pairs are exhausted, without any sign of trouble. Take LM and look at .imag.
    """
    from scipy.sparse.linalg import LinearOperator

    _checks.choice("which", which, _ORDER)
    k = _checks.whole("k", k, least=1)
    a, products = _operator(operator, n), 0

    def matvec(v: np.ndarray) -> np.ndarray:
        nonlocal products
        products += 1
        return a.matvec(v)

    size = a.shape[0]
    if size < max(dense_below, k + 4):  # ARPACK itself needs k + 2 < n - 1
        values, vectors = np.linalg.eig(np.stack([matvec(e) for e in np.eye(size)], axis=1))
        complete = True
    else:
        dtype = np.result_type(a.dtype, np.float32)  # not a whole number
        counted: Any = LinearOperator(a.shape, matvec=matvec, dtype=dtype)  # pyright: ignore
        values, vectors, complete = _arnoldi(counted, k + 2, which, seed, tol, max_restarts)
    keep = _whole_pairs(values, k, which)
    values, vectors = values[keep], vectors[:, keep]
    residuals = np.array(
        [np.linalg.norm(_image(a, x) - z * x) for z, x in zip(values, vectors.T, strict=True)]
    )
    accurate = residuals.max(initial=0.0) <= _RESIDUAL * np.abs(values).max(initial=0.0)
    enough = len(values) >= min(k, size)
    return Extremes(values, vectors, residuals, bool(complete and enough and accurate), products)


def _operator(operator: Any, n: int | None) -> Any:
    """One face for the three kinds of operator."""
    from scipy.sparse.linalg import LinearOperator, aslinearoperator

    if callable(operator) and not hasattr(operator, "shape"):
        if n is None:
            raise TypeError("n must be given where operator is a plain function v -> A v.")
        return LinearOperator((n, n), matvec=operator, dtype=np.float64)  # pyright: ignore
    a: Any = aslinearoperator(operator)
    if a.shape[0] != a.shape[1] or n not in (None, a.shape[0]):
        raise ValueError(f"operator must be square, of n={n or a.shape[1]} rows, got {a.shape}.")
    return a


def _arnoldi(
    a: Any, k: int, which: str, seed: int, tol: float, restarts: int | None
) -> tuple[np.ndarray, np.ndarray, bool]:
    """ARPACK on ``a``: values, vectors, and whether all k were found."""
    from scipy.sparse.linalg import ArpackNoConvergence, eigs

    # ARPACK's own start vector differs from call to call, and so do its answers near a cut pair.
    v0 = np.random.default_rng(seed).standard_normal(a.shape[0])
    ncv = min(a.shape[0], max(24, 2 * k + 2))
    try:
        found: Any = eigs(a, k, which=which, v0=v0, ncv=ncv, tol=tol, maxiter=restarts)  # pyright: ignore
    except ArpackNoConvergence as error:
        return error.eigenvalues, error.eigenvectors, False
    return *found, True


def _whole_pairs(values: Any, k: int, which: str) -> list[int]:
    """Indices of the first k values in the wanted order, each followed by its conjugate."""
    order = np.lexsort((np.abs(values.imag), _ORDER[which](values)))
    partners = iter([i for i in order if values[i].imag < 0])
    chosen: list[int] = []
    for i in order:
        if len(chosen) >= k:
            break
        if values[i].imag >= 0:
            chosen.append(i)
            partner = next(partners, None) if values[i].imag > 0 else None
            if partner is not None:  # None: ARPACK gave up between the two
                chosen.append(partner)
    return chosen


def _image(a: LinearOperator, x: Any) -> np.ndarray:
    """A x; the operator is real, so x goes through it in two parts."""
    return a.matvec(np.ascontiguousarray(x.real)) + 1j * a.matvec(np.ascontiguousarray(x.imag))


def jacobian_transpose(game: Game, batch: Batch, *, tau: float = 1.0) -> LinearOperator:
    """The transposed Jacobian of the players' field as a SciPy LinearOperator, never stored.

    With w = (G's parameters, D's parameters) and v = (-grad_G L_G, -tau grad_D L_D), ``.matvec(u)``
    is J^T u, which is one more backward pass through the graph of v, kept from one forward pass
    here (for J u itself, ``.rmatvec(u)``, two more). J^T has the eigenvalues of J; its eigenvectors
    are J's LEFT ones, so take ``extremes(op.T)`` for the directions in which w moves. ``.n_g``
    counts G's entries.

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
    n, n_g = len(field), game.n_g
    rates = torch.ones_like(point)
    rates[n_g:] = tau

    def tensor(u: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(np.array(u).reshape(-1), dtype=field.dtype, device=field.device)

    def left(u: np.ndarray) -> np.ndarray:
        return pullback(field, point, rates * tensor(u), retain_graph=True).cpu().numpy()

    def right(u: np.ndarray) -> np.ndarray:
        # J^T s is linear in s; its derivative in s, transposed and applied to u, is J u.
        s = torch.zeros_like(field, requires_grad=True)
        product = pullback(field, point, s, create_graph=True)
        return (rates * pullback(product, s, tensor(u))).cpu().numpy()

    _check_own_blocks(left, n_g, n, field.dtype)
    dtype = np.dtype(str(field.dtype).removeprefix("torch."))
    operator: Any = LinearOperator((n, n), matvec=left, rmatvec=right, dtype=dtype)  # pyright: ignore
    operator.n_g = n_g
    return operator


def _check_own_blocks(
    product: Callable[[np.ndarray], np.ndarray], n_g: int, n: int, precision: torch.dtype
) -> None:
    """``check_symmetric`` without the matrix: a H b = b H a for each player's Hessian H."""
    a, b = np.random.default_rng(0).standard_normal((2, n))
    is_g = np.arange(n) < n_g
    for name, own in (("G", is_g), ("D", ~is_g)):
        x, y = a * own, b * own
        Jx, Jy = product(x), product(y)
        pair = np.array([[0.0, y @ Jx], [x @ Jy, 0.0]])
        scale = np.linalg.norm(x) * np.linalg.norm(Jy) + np.linalg.norm(y) * np.linalg.norm(Jx)
        check_symmetric(f"{name}'s own block of the Jacobian", pair, scale, precision)

"""What every metric accepts: samples or features (n, d), as NumPy, torch or nested lists."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gan_teach import _checks

Array = NDArray[np.float64]


def rows(name: str, x: Any, *, least: int = 1) -> Array:
    """Float64 array (n, d) of at least ``least`` finite rows; (n,) is n numbers on the line."""
    if hasattr(x, "detach"):  # a tensor, without importing torch
        x = x.detach().cpu().numpy()
    try:
        # Contiguous and writable, because torch.from_numpy shares the memory.
        array = np.require(x, np.float64, ["C", "W"])
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be an array of numbers, got {type(x).__name__}.") from None
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or array.shape[1] == 0:
        raise ValueError(
            f"{name} must have shape (n, d), one row a sample, got {array.shape}. For images pass "
            "features, or flatten them: x.reshape(len(x), -1)."
        )
    if len(array) < least:
        raise ValueError(f"{name} must have at least {least} rows, got {len(array)}.")
    return _checks.finite(
        name, array, hint="A diverged generator has no score: stop the run, or drop those rows."
    )


def pair(fake: Any, real: Any, *, least: int = 1) -> tuple[Array, Array]:
    """Generated and real rows of one dimension. Every metric takes them in this order."""
    x, y = rows("fake", fake, least=least), rows("real", real, least=least)
    if x.shape[1] != y.shape[1]:
        raise ValueError(
            f"fake and real must have the same number of columns, got {x.shape[1]} and "
            f"{y.shape[1]}. Were they made by the same feature extractor?"
        )
    return x, y


def masses(**weights: Any) -> list[Array]:
    """Probabilities (k,) of sum one from each of several vectors of k weights >= 0."""
    each = []
    for name, given in weights.items():
        column = rows(name, given)
        if column.shape[1] != 1:
            raise ValueError(f"{name} must have shape (k,), got {column.shape}.")
        mass = column[:, 0]
        if (mass < 0).any() or mass.sum() <= 0:
            raise ValueError(f"{name} must be weights >= 0 that are not all 0, got {given!r:.80}.")
        each.append(mass / mass.sum())
    if len({len(mass) for mass in each}) > 1:
        lengths = " and ".join(str(len(mass)) for mass in each)
        raise ValueError(f"{' and '.join(weights)} must have one length, got {lengths}.")
    return each


def neighbors(k: Any, **counts: int) -> int:
    """The k of k nearest neighbors, which must leave a k-th neighbor beside the point itself."""
    k = _checks.whole("k", k, least=1)
    for name, n in counts.items():
        if k >= n:
            raise ValueError(
                f"k must be below the number of samples, got k = {k} and {n} rows in {name}: a "
                "point has at most n - 1 neighbors. Use more samples or a smaller k."
            )
    return k

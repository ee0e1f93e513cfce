"""The text of a step compiled by numba, and the elementary functions that it calls.

numba from PyPI has no sines and exponentials for several numbers at once. Those below have no
branch and call nothing, so that the loop over cells becomes one of whole registers. Their
polynomials are Taylor's, cut where the next term is below half a unit in the last place. All within
2 units in the last place of the exact value: sin and cos for |x| up to 10^6, beyond which their
argument is rounded once more (and NaN from 2^51 on).
"""

import functools
import math
from typing import Any

import numpy as np
import torch
from numba import njit
from numba.core.errors import NumbaError
from torch import Tensor

from gan_teach.analysis.flows.steps import FUNCTIONS, Path, Step, Unsupported

OPTIONS = {"fastmath": {"contract"}, "error_model": "numpy"}  # a * b + c may be rounded once
_inline = njit(forceinline=True, **OPTIONS)

_ROUND = 1.5 * 2.0**52  # added to x, its last bits are those of the whole number nearest to x
_HALF_PI = tuple(
    map(float.fromhex, ("0x1.921fb544p+0", "0x1.0b4611a6p-34", "0x1.3198a2e037073p-69"))
)
_LN_2 = tuple(map(float.fromhex, ("0x1.62e42feep-1", "0x1.a39ef35793c76p-33")))  # high and low part
_SIN = tuple((-1) ** k / math.factorial(2 * k + 1) for k in range(8, 0, -1))
_COS = tuple((-1) ** k / math.factorial(2 * k) for k in range(8, 1, -1))
_EXP = tuple(1 / math.factorial(k) for k in range(13, 1, -1))


@_inline
def _polynomial(coefficients, x):
    total = 0.0
    for coefficient in coefficients:
        total = total * x + coefficient
    return total


@_inline
def _turned(x, quarters):
    """sin(x + quarters pi / 2): x = k pi / 2 + r, and r in [-pi / 4, pi / 4] into both series."""
    shifted = x * (2 / math.pi) + _ROUND
    k = shifted - _ROUND
    rough = x - k * _HALF_PI[0]  # exact, like the products with the first two parts
    r = rough - k * _HALF_PI[1]
    r = r + (((rough - r) - k * _HALF_PI[1]) - k * _HALF_PI[2])  # what rounding took from r is back
    square = r * r
    sine = r + r * square * _polynomial(_SIN, square)
    cosine = 1.0 - 0.5 * square + square * square * _polynomial(_COS, square)
    turn = np.float64(shifted).view(np.int64) + quarters
    value = cosine if turn & 1 else sine
    value = -value if turn & 2 else value
    return value if abs(x) < 2.0**51 else np.nan


@_inline
def sin(x):
    return _turned(x, 0)


@_inline
def cos(x):
    return _turned(x, 1)


@_inline
def exp(x):
    """2^k e^r with |r| <= ln(2) / 2; 2^k in two factors, either of which is a normal number."""
    x = 710.0 if x > 710.0 else x
    x = -746.0 if x < -746.0 else x
    shifted = x / math.log(2.0) + _ROUND
    k = shifted - _ROUND
    r = (x - k * _LN_2[0]) - k * _LN_2[1]
    series = 1.0 + (r + r * r * _polynomial(_EXP, r))
    bits = np.float64(shifted).view(np.int64)
    power = (bits << 13) >> 13  # the sign of k
    half = power >> 1
    for k in (half, power - half):
        series *= np.int64((k + 1023) << 52).view(np.float64)
    return series


@_inline
def where(condition, a, b):
    return a if condition else b


_CALLS = {name: getattr(math, name) for name in (*FUNCTIONS, "atan2") if hasattr(math, name)} | {
    "sin": sin, "cos": cos, "exp": exp, "where": where, "abs": abs, "sign": np.sign,
    "floor": np.floor, "ceil": np.ceil, "maximum": np.maximum, "minimum": np.minimum,
    "inf": math.inf, "nan": math.nan,
}  # fmt: skip
_LANES = 64  # cells that advance side by side

_KERNEL = """
def path(points, rates, every, records, out):
    n, cells = points.shape
    at, rate = np.empty((n, {lanes})), np.empty((2, {lanes}))
    for first in range(0, cells, {lanes}):
        lanes = min({lanes}, cells - first)
        for k in range(lanes):
            rate[0, k], rate[1, k] = rates[0, first + k], rates[1, first + k]
            for i in range(n):
                at[i, k] = points[i, first + k]
        for record in range(records):
            for _ in range(every):
                for k in range(lanes):
                    {names} = step({names} rate[0, k], rate[1, k])
            for i in range(n):
                for k in range(lanes):
                    out[record, i, first + k] = at[i, k]
"""


@functools.lru_cache(maxsize=32)
def compile_path(step: Step) -> Path:
    """Many steps of many cells; the same text is compiled once. ``Unsupported`` where it cannot."""
    names = " ".join(f"at[{i}, k]," for i in range(step.n))
    space: dict[str, Any] = {"__builtins__": {"range": range, "min": min}, "np": np, **_CALLS}
    exec(step.source, space)  # our own text: names, operators and numbers
    space["step"] = _inline(space["step"])
    exec(_KERNEL.format(lanes=_LANES, names=names), space)
    kernel = njit(**OPTIONS)(space["path"])

    def path(points: Tensor, rates: Tensor, every: int, records: int) -> Tensor:
        out = torch.empty(records, *points.shape, dtype=torch.float64)
        kernel(points.contiguous().numpy(), rates.contiguous().numpy(), every, records, out.numpy())
        return out

    try:
        nothing = torch.zeros(step.n, 0, dtype=torch.float64)
        path(nothing, nothing[:2], 1, 1)
    except NumbaError as error:
        raise Unsupported from error
    return path

"""What each recorded torch operation does to arrays of formula nodes.

Operations that work component by component (``_EACH``) become one node per component. Those that
move components about (``_TABLE``) move nodes and leave no trace in the formula. In-place writes of
the user's and anything unlisted are refused: the caller then uses whole-tensor autograd.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gan_teach.analysis.flows.formulas import Formulas, Unsupported


def apply(make: Formulas, target: Any, args: tuple, kwargs: dict) -> Any:
    """The operation ``target`` of a recorded graph; raises ``Unsupported`` where there is none."""
    if target is operator.getitem:
        return args[0][args[1]]
    name = str(target).removeprefix("aten.").partition(".")[0]
    if name in _EACH:
        return _each(make, _EACH[name], *args)
    if name not in _TABLE:
        raise Unsupported(f"torch.{name.removesuffix('_')} has no scalar form here")
    try:
        return _TABLE[name](make, *args, **{k: v for k, v in kwargs.items() if k not in _IGNORED})
    except (TypeError, ValueError, IndexError) as error:
        raise Unsupported(f"torch.{name} is used in a way that has no scalar form here") from error


def array(values: Any) -> np.ndarray:
    """Nodes or numbers as an object array."""
    return np.array(values, dtype=object)


def _each(make: Formulas, op: str, *args: Any) -> np.ndarray:
    """An operation on every component, with broadcasting."""
    return array(np.frompyfunc(lambda *a: make(op, *a), len(args), 1)(*args))


def _sum(make: Formulas, a: np.ndarray, dims: Any = None, keep: bool = False) -> np.ndarray:
    axes = tuple(range(a.ndim)) if dims is None or dims == [] else tuple(np.atleast_1d(dims))
    axes = tuple(int(i) % a.ndim for i in axes) if a.ndim else ()
    rest = [size for i, size in enumerate(a.shape) if i not in axes]
    moved = np.moveaxis(a, axes, range(len(axes))).reshape(-1, *rest)
    total = moved[0] if len(moved) else array(0.0)
    for part in moved[1:]:
        total = _each(make, "add", total, part)
    shape = [1 if i in axes else s for i, s in enumerate(a.shape)]
    return array(total).reshape(shape) if keep else array(total)


def _mean(make: Formulas, a: np.ndarray, dims: Any = None, keep: bool = False) -> np.ndarray:
    total = _sum(make, a, dims, keep)
    return _each(make, "div", total, a.size / max(total.size, 1))


def _matmul(make: Formulas, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a @ b for vectors, matrices and stacks of matrices."""
    if b.ndim == 1:
        return _sum(make, _each(make, "mul", a, b), -1)
    return _sum(make, _each(make, "mul", a[..., :, :, None], b[..., None, :, :]), -2)


def _addmm(make: Formulas, c, a, b, *, beta: float = 1, alpha: float = 1) -> np.ndarray:
    product = _each(make, "mul", alpha, _matmul(make, a, b))
    return _each(make, "add", _each(make, "mul", beta, c), product)


def _linear(make: Formulas, op: str, a: Any, b: Any, alpha: float = 1) -> np.ndarray:
    return _each(make, op, a, _each(make, "mul", alpha, b))


def _place(sizes: Sequence[int], index: tuple, values: np.ndarray) -> np.ndarray:
    """Zeros with ``values`` at ``index``: how a gradient flows back through an index."""
    out = np.full(tuple(sizes), 0.0, dtype=object)
    out[index] = values[()]  # a bare node: numpy would store an array of no axes as an object
    return out


def _at(dim: int, ndim: int, index: Any) -> tuple:
    return tuple(index if i == dim % ndim else slice(None) for i in range(ndim))


def _squeeze(_make: Formulas, a: np.ndarray, dims: Any = None) -> np.ndarray:
    axes = range(a.ndim) if dims is None else np.atleast_1d(dims) % max(a.ndim, 1)
    return a.squeeze(tuple(int(i) for i in axes if a.shape[int(i)] == 1))


def _clamp(make: Formulas, a, low=None, high=None) -> np.ndarray:
    a = a if low is None else _each(make, "maximum", a, low)
    return a if high is None else _each(make, "minimum", a, high)


def _norm(make: Formulas, a, order=2, dims=None, keep=False) -> np.ndarray:
    if order != 2:
        raise Unsupported("norms other than the Euclidean one have no scalar form here")
    return _each(make, "sqrt", _sum(make, _each(make, "mul", a, a), dims, keep))


def _softplus(make: Formulas, a, beta=1, threshold=20) -> np.ndarray:
    _plain_softplus(beta, threshold)
    return _each(make, "softplus", a)


def _softplus_backward(make: Formulas, grad, a, beta, threshold) -> np.ndarray:
    _plain_softplus(beta, threshold)
    return _each(make, "mul", grad, _each(make, "sigmoid", a))


def _plain_softplus(beta: float, threshold: float) -> None:
    if (beta, threshold) != (1, 20):
        raise Unsupported("softplus with its own beta or threshold has no scalar form here")


def _log_sigmoid(make: Formulas, a) -> tuple:
    return _each(make, "neg", _each(make, "softplus", _each(make, "neg", a))), None


def _log_sigmoid_backward(make: Formulas, grad, a, _buffer) -> np.ndarray:
    return _each(make, "mul", grad, _each(make, "sigmoid", _each(make, "neg", a)))


def _through(make: Formulas, grad, slope) -> np.ndarray:
    return _each(make, "mul", grad, slope)


def _one_minus(make: Formulas, a) -> np.ndarray:
    return _each(make, "sub", 1.0, a)


def _leaky(make: Formulas, a, slope=0.01) -> np.ndarray:
    return _each(make, "where", _each(make, "gt", a, 0.0), a, _each(make, "mul", a, slope))


def _leaky_backward(make: Formulas, grad, a, slope, _is_result) -> np.ndarray:
    steep = _each(make, "where", _each(make, "gt", a, 0.0), 1.0, slope)
    return _each(make, "mul", grad, steep)


def _rectified(make: Formulas, grad, a, least=0.0) -> np.ndarray:
    return _each(make, "where", _each(make, "gt", a, least), grad, 0.0)


def _masked_fill(make: Formulas, a, mask, value) -> np.ndarray:
    return _each(make, "where", mask, value, a)


# Names that end in _ write in place; those listed are autograd's own, on tensors of its making.
_IGNORED = {"dtype", "layout", "device", "pin_memory", "memory_format", "implicit", "non_blocking"}
_EACH = {
    name: name
    for name in [
        *("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "exp", "expm1"),
        *("log", "log1p", "sqrt", "erf", "floor", "ceil", "abs", "sigmoid", "sign", "pow"),
        *("atan2", "maximum", "minimum", "where", "neg", "mul", "gt", "lt", "ge", "le", "eq", "ne"),
        *("logical_not",),
    ]
} | {
    "sgn": "sign", "logical_and": "logical_and", "logical_and_": "logical_and",
    "logical_or": "logical_or", "bitwise_and": "logical_and", "bitwise_or": "logical_or",
    "bitwise_not": "logical_not",
}  # fmt: skip


def _full(value: float | None) -> Callable:
    """zeros, ones, full and new_full of given sizes."""
    return lambda _m, sizes, fill=value, *_: np.full(tuple(sizes), fill, dtype=object)


def _new(value: float | None) -> Callable:
    return lambda _m, _a, sizes, fill=value, *_: np.full(tuple(sizes), fill, dtype=object)


def _like(value: float | None) -> Callable:
    return lambda _m, a, fill=value, *_: np.full(a.shape, fill, dtype=object)


def _same(_make: Formulas, a: Any, *_: Any) -> Any:
    return a


def _reshaped(_make: Formulas, a: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    return a.reshape(tuple(shape))


def _expand(_make: Formulas, a: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    lead = len(shape) - a.ndim
    sizes = tuple(a.shape[i - lead] if s == -1 else s for i, s in enumerate(shape))
    return np.broadcast_to(a, sizes)


_TABLE: dict[str, Callable[..., Any]] = {
    "add": lambda m, a, b, alpha=1: _linear(m, "add", a, b, alpha),
    "sub": lambda m, a, b, alpha=1: _linear(m, "sub", a, b, alpha),
    "rsub": lambda m, a, b, alpha=1: _linear(m, "sub", b, a, alpha),
    "div": lambda m, a, b: _each(m, "div", a, b),
    "reciprocal": lambda m, a: _each(m, "div", 1.0, a),
    "rsqrt": lambda m, a: _each(m, "div", 1.0, _each(m, "sqrt", a)),
    "square": lambda m, a: _each(m, "mul", a, a),
    "relu": lambda m, a: _rectified(m, a, a),
    "threshold_backward": _rectified,
    "leaky_relu": _leaky,
    "leaky_relu_backward": _leaky_backward,
    "clamp": _clamp,
    "clamp_min": lambda m, a, low: _clamp(m, a, low),
    "clamp_max": lambda m, a, high: _clamp(m, a, None, high),
    "softplus": _softplus,
    "softplus_backward": _softplus_backward,
    "log_sigmoid_forward": _log_sigmoid,
    "log_sigmoid_backward": _log_sigmoid_backward,
    "sigmoid_backward": lambda m, g, s: _through(m, _through(m, g, _one_minus(m, s)), s),
    "tanh_backward": lambda m, g, t: _through(m, g, _one_minus(m, _each(m, "mul", t, t))),
    "masked_fill": _masked_fill, "masked_fill_": _masked_fill,
    "sum": _sum,
    "mean": _mean,
    "linalg_vector_norm": _norm,
    "dot": _matmul, "mv": _matmul, "mm": _matmul, "bmm": _matmul, "addmm": _addmm,
    "select": lambda m, a, dim, i: array(a[_at(dim, a.ndim, i)]),
    "slice": lambda m, a, dim=0, lo=None, hi=None, by=1: a[_at(dim, a.ndim, slice(lo, hi, by))],
    "select_backward": lambda m, g, sizes, dim, i: _place(sizes, _at(dim, len(sizes), i), g),
    "slice_backward": lambda m, g, sizes, dim, lo, hi, by: _place(
        sizes, _at(dim, len(sizes), slice(lo, hi, by)), g
    ),
    "view": _reshaped, "_unsafe_view": _reshaped, "reshape": _reshaped,
    "expand": _expand,
    "squeeze": _squeeze, "squeeze_": _squeeze,
    "unsqueeze": lambda m, a, dim: np.expand_dims(a, dim),
    "t": lambda m, a: a.T,
    "numpy_T": lambda m, a: a.T,
    "transpose": lambda m, a, i, j: a.swapaxes(i, j),
    "permute": lambda m, a, dims: a.transpose(dims),
    "cat": lambda m, parts, dim=0: np.concatenate(parts, dim),
    "stack": lambda m, parts, dim=0: np.stack(parts, dim),
    "unbind": lambda m, a, dim=0: [array(part) for part in np.moveaxis(a, dim, 0)],
    "diagonal": lambda m, a, offset=0, i=0, j=1: np.diagonal(a, offset, i, j),
    "trace": lambda m, a: _sum(m, np.diagonal(a)),
    "zeros": _full(0.0), "ones": _full(1.0), "full": _full(None),
    "new_zeros": _new(0.0), "new_ones": _new(1.0), "new_full": _new(None),
    "zeros_like": _like(0.0), "ones_like": _like(1.0), "full_like": _like(None),
    "scalar_tensor": lambda m, value: array(value),
    "clone": _same, "detach": _same, "alias": _same, "lift_fresh_copy": _same, "_to_copy": _same,
}  # fmt: skip

"""Formulas of a few numbers: shared, simplified, and written out as straight-line Python.

A game given by functions is, at one point, a formula of n numbers. ``Formulas`` builds it so that
equal sub-expressions are one object (hash consing), whichever player's gradient they come from.
``Formulas.written`` writes it as text that is both Python and C. As Python it runs on floats and on
whole tensors alike: only the meaning of ``sin`` and its like differs (``SCALAR``, ``TENSOR``).

Rewrites keep the value to the last bit (a sign moved outwards, two operands swapped), except that
0 * x is 0: where x is infinite or NaN, autograd would give NaN.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

MOST_NODES = 3000  # beyond it (matrix products of larger games) whole-tensor operations are faster
_MOST_NESTED = 12  # brackets within brackets in one line of source

Value = Any
"""A ``Node``, or a number that is known already."""


class Unsupported(Exception):
    """What a formula cannot express; the message says what, in words a learner can use."""


class Node:
    """One operation on nodes and numbers."""

    __slots__ = ("args", "number", "op")

    def __init__(self, op: str, args: tuple[Value, ...], number: int) -> None:
        self.op, self.args, self.number = op, args, number


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _sign(x: float) -> float:
    return float((x > 0) - (x < 0))


def _tensors(*values: Value) -> list[Tensor]:
    """Python numbers as float64 tensors: torch would make them float32."""
    kinds = [torch.bool if isinstance(v, bool) else torch.float64 for v in values]
    return [
        v if isinstance(v, Tensor) else torch.tensor(v, dtype=kind)
        for v, kind in zip(values, kinds, strict=True)
    ]


_SAME = [
    *("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "exp", "expm1", "log"),
    *("log1p", "sqrt", "erf", "floor", "ceil"),
]
SCALAR: dict[str, Callable[..., Any]] = {name: getattr(math, name) for name in _SAME} | {
    "abs": abs, "sigmoid": _sigmoid, "softplus": _softplus, "sign": _sign,
    "pow": math.pow, "atan2": math.atan2, "logical_not": operator.not_,
    "logical_and": lambda a, b: a and b, "logical_or": lambda a, b: a or b,
    "maximum": lambda a, b: a if a >= b or a != a else b,
    "minimum": lambda a, b: a if a <= b or a != a else b,
    "where": lambda condition, a, b: a if condition else b,
}  # fmt: skip
"""Functions on floats. They raise (log of 0, overflow) where tensors turn infinite or NaN."""

TENSOR: dict[str, Callable[..., Any]] = {name: getattr(torch, name) for name in _SAME} | {
    "abs": torch.abs, "sigmoid": torch.sigmoid, "softplus": torch.nn.functional.softplus,
    "sign": torch.sign, "logical_not": torch.logical_not,
    "logical_and": torch.logical_and, "logical_or": torch.logical_or,
    "pow": lambda a, b: torch.pow(*_tensors(a, b)),
    "atan2": lambda a, b: torch.atan2(*_tensors(a, b)),
    "maximum": lambda a, b: torch.maximum(*_tensors(a, b)),
    "minimum": lambda a, b: torch.minimum(*_tensors(a, b)),
    "where": lambda condition, a, b: torch.where(*_tensors(condition, a, b)),
}  # fmt: skip
"""The same functions on float64 tensors."""

INFIX: dict[str, tuple[str, Callable[..., Any]]] = {
    "add": ("+", operator.add), "sub": ("-", operator.sub), "mul": ("*", operator.mul),
    "div": ("/", operator.truediv), "gt": (">", operator.gt), "lt": ("<", operator.lt),
    "ge": (">=", operator.ge), "le": ("<=", operator.le), "eq": ("==", operator.eq),
    "ne": ("!=", operator.ne),
}  # fmt: skip

_ODD = {"sin", "tan", "asin", "atan", "sinh", "tanh", "erf", "sign"}
_EVEN = {"cos", "cosh", "abs"}
_COMMUTATIVE = {"add", "mul", "eq", "ne", "logical_and", "logical_or"}
SLOW = {*_SAME, "sigmoid", "softplus", "pow", "atan2"} - {"sqrt", "floor", "ceil"}
"""Functions that cost several times as much as an arithmetic operation."""


def _negative(value: Value) -> Value | None:
    """a, where value is -a; else None."""
    if isinstance(value, Node):
        return value.args[0] if value.op == "neg" else None
    return -value if value < 0 else None


class Formulas:
    """Makes nodes: ``make("mul", a, b)``. The same operation on the same operands is one node."""

    def __init__(self) -> None:
        self._known: dict[tuple, Node] = {}
        self._inputs: dict[str, Node] = {}

    def input(self, name: str) -> Node:
        """A number given at run time, under the name that it has in the source."""
        return self._inputs.setdefault(name, self._intern("input", (name,)))

    def __call__(self, op: str, *args: Value) -> Value:
        if not any(isinstance(a, Node) for a in args):
            return _known_value(op, args)
        if op in _COMMUTATIVE:
            args = tuple(sorted(args, key=lambda a: a.number if isinstance(a, Node) else -1))
        simpler = getattr(self, f"_{op}", None)
        found = simpler(*args) if simpler else self._even_odd(op, *args)
        return self._intern(op, args) if found is None else found

    def _intern(self, op: str, args: tuple[Value, ...]) -> Node:
        key = (op, *(a.number if isinstance(a, Node) else repr(a) for a in args))
        if key not in self._known:
            if len(self._known) >= MOST_NODES:
                raise Unsupported(f"one step takes more than {MOST_NODES} scalar operations")
            self._known[key] = Node(op, args, len(self._known))
        return self._known[key]

    def _even_odd(self, op: str, *args: Value) -> Value | None:
        inner = _negative(args[0]) if op in _ODD or op in _EVEN else None
        if inner is None:
            return None
        return self(op, inner) if op in _EVEN else self("neg", self(op, inner))

    def _neg(self, a: Value) -> Value | None:
        return _negative(a)

    def _add(self, a: Value, b: Value) -> Value | None:
        if not isinstance(a, Node) and a == 0:
            return b
        if (minus := _negative(b)) is not None:
            return self("sub", a, minus)
        if (minus := _negative(a)) is not None:
            return self("sub", b, minus)
        return None

    def _sub(self, a: Value, b: Value) -> Value | None:
        if not isinstance(b, Node) and b == 0:
            return a
        if not isinstance(a, Node) and a == 0:
            return self("neg", b)
        if (minus := _negative(b)) is not None:
            return self("add", a, minus)
        if (minus := _negative(a)) is not None:
            return self("neg", self("add", minus, b))
        if isinstance(a, Node) and isinstance(b, Node) and a.number > b.number:
            return self("neg", self("sub", b, a))  # so that a - b and b - a are computed once
        return None

    def _mul(self, a: Value, b: Value) -> Value | None:
        if not isinstance(a, Node) and a in (0, 1):
            return b if a == 1 else 0.0
        return self._sign_out("mul", a, b)

    def _div(self, a: Value, b: Value) -> Value | None:
        if not isinstance(b, Node) and b == 1:
            return a
        if not isinstance(a, Node) and a == 0:
            return 0.0
        return self._sign_out("div", a, b)

    def _sign_out(self, op: str, a: Value, b: Value) -> Value | None:
        if (minus := _negative(a)) is not None:
            return self("neg", self(op, minus, b))
        if (minus := _negative(b)) is not None:
            return self("neg", self(op, a, minus))
        return None

    def _pow(self, a: Value, b: Value) -> Value | None:
        if isinstance(b, Node):
            return None
        if b in (0.5, -1):
            return self("sqrt", a) if b == 0.5 else self("div", 1.0, a)
        if b not in (0, 1, 2, 3, 4):
            return None
        square = self("mul", a, a)
        powers = [lambda: 1.0, lambda: a, lambda: square, lambda: self("mul", square, a)]
        return [*powers, lambda: self("mul", square, square)][int(b)]()

    def _where(self, condition: Value, a: Value, b: Value) -> Value | None:
        if not isinstance(condition, Node):
            return a if condition else b
        same = a is b or (not isinstance(a, Node) and not isinstance(b, Node) and a == b)
        return a if same else None

    def written(self, results: Sequence[Value]) -> Written:
        """``results`` as text. A node used once is written where it is used, any other is named."""
        order = _in_order(results)
        uses: dict[int, int] = {}
        for value in [a for node in order for a in node.args] + list(results):
            if isinstance(value, Node):
                uses[value.number] = uses.get(value.number, 0) + 1
        text: dict[int, tuple[str, int]] = {}  # number -> what to write for it, brackets in it
        assignments = []
        for node in order:
            written, depth = _write(node, text)
            if node.op != "input" and (uses[node.number] > 1 or depth > _MOST_NESTED):
                assignments.append((f"t{node.number}", written))
                written, depth = f"t{node.number}", 0
            text[node.number] = written, depth
        return Written(
            tuple(assignments),
            tuple(_text(r, text)[0] for r in results),
            tuple(node.op for node in order if node.op != "input"),
        )


class Written(NamedTuple):
    """A formula as text: named intermediate values in order, the results, and the operations."""

    assignments: tuple[tuple[str, str], ...]
    results: tuple[str, ...]
    operations: tuple[str, ...]


def _known_value(op: str, args: tuple[Value, ...]) -> Value:
    """The value of an operation on numbers that are all known."""
    fn = INFIX[op][1] if op in INFIX else operator.neg if op == "neg" else SCALAR[op]
    try:
        return fn(*args)
    except (ArithmeticError, ValueError):
        raise Unsupported(f"{op} of the constants {args} is not finite") from None


def _in_order(results: Iterable[Value]) -> list[Node]:
    """Every node that ``results`` need, operands first (no recursion: sums nest deeply)."""
    order, seen = [], set()
    stack = [(r, False) for r in results if isinstance(r, Node)][::-1]
    while stack:
        node, ready = stack.pop()
        if ready:
            order.append(node)
        elif node.number not in seen:
            seen.add(node.number)
            stack.append((node, True))
            stack.extend((a, False) for a in node.args if isinstance(a, Node))
    return order


def _text(value: Value, text: dict[int, tuple[str, int]]) -> tuple[str, int]:
    if isinstance(value, Node):
        return text[value.number]
    if isinstance(value, bool) or math.isfinite(value):
        return repr(value if isinstance(value, bool) else float(value)), 0
    raise Unsupported(f"the constant {value} appears in the loss")


def _write(node: Node, text: dict[int, tuple[str, int]]) -> tuple[str, int]:
    if node.op == "input":
        return node.args[0], 0
    parts = [_text(a, text) for a in node.args]
    words, depth = [p[0] for p in parts], 1 + max(p[1] for p in parts)
    if node.op == "neg":
        return f"(-{words[0]})", depth
    if node.op in INFIX:
        return f"({words[0]} {INFIX[node.op][0]} {words[1]})", depth
    if node.op not in SCALAR:
        raise Unsupported(f"there is no formula for {node.op}")
    return f"{node.op}({', '.join(words)})", depth

"""One gradient step of a function game: as a function, as torch's graph, and as text.

The text is straight-line Python on single numbers, written from the graph that torch itself records
(``make_fx``): numba compiles it, and on whole tensors it runs as it stands. A tensor of the graph
is a tensor of int32 here, which says for each of its numbers the line of the text that computes it.
So what only moves numbers about (views, indices, concatenation) is done by torch, on those int32,
and leaves no trace in the text.
"""

# pyright: reportPrivateImportUsage=false

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, fx
from torch.fx.node import map_aggregate

from gan_teach.games import FunctionGame

Path = Callable[[Tensor, Tensor, int, int], Tensor]
"""``path(points (n, cells), rates (2, cells), every, records) -> (records, n, cells)``."""

_MOST_LINES = 2000  # beyond it (products of larger matrices) whole-tensor operations are faster


class Unsupported(Exception):
    """A step that the text cannot express, or that cannot be recorded or compiled."""


def one_step(game: FunctionGame, w: Tensor, rates: Tensor, order: str) -> Tensor:
    """w (n,) after x <- x - rates[0] grad_x f_g, y <- y - rates[1] grad_y f_d; differentiable.

    ``order``: "" for both gradients at the same point (simultaneous steps), "gd" or "dg" for the
    players in turn, where the second answers the new point of the first (alternating steps).
    """
    old = w[: game.n_g], w[game.n_g :]
    x, y = old
    for player in order or "gd":
        at = (x, y) if order else old
        if player == "g":
            x = x - rates[0] * _gradient(game.f_g, 0, *at)
        else:
            y = y - rates[1] * _gradient(game.f_d, 1, *at)
    return torch.cat([x, y])


def _gradient(f: Callable, player: int, x: Tensor, y: Tensor) -> Tensor:
    return torch.func.grad(lambda *w: f(*w).reshape(()), player)(x, y)


def record(function: Callable[..., Tensor], *args: Tensor, core: bool = False) -> fx.GraphModule:
    """torch's graph of ``function`` at ``args``, nothing in place; if ``core`` in few operations.

    The arguments are copied: one tensor object given for two would be recorded as one argument.
    Numbers that the function computes outside of torch are baked in: compare at other values.
    """
    from torch.fx.experimental.proxy_tensor import make_fx

    pure = torch.func.functionalize(function)
    try:
        graph = make_fx(pure, decomposition_table=_decompositions(core))(*(a.clone() for a in args))
    except Exception as error:
        raise Unsupported from error
    graph.graph.eliminate_dead_code()
    graph.recompile()
    return graph


@functools.cache
def _decompositions(core: bool) -> dict[Any, Callable]:
    """What is recorded as simpler operations: a tensor of ones as such, whatever it is like."""
    from torch._decomp import core_aten_decompositions, get_decompositions

    def filled(x: Tensor, value: float, *, dtype: Any = None, **_storage: Any) -> Tensor:
        return torch.full(x.shape, value, dtype=dtype or x.dtype)

    aten = torch.ops.aten
    constants = {
        aten.full_like.default: filled,
        aten.ones_like.default: functools.partial(filled, value=1),
        aten.zeros_like.default: functools.partial(filled, value=0),
    }
    also = [aten._softmax, aten._log_softmax, aten.clamp, aten.elu, aten.gelu, aten.leaky_relu]
    also.append(aten.linalg_vector_norm)  # which torch 2.4 does not count as core
    core_set = {**core_aten_decompositions(), **get_decompositions(also)} if core else {}
    return core_set | constants


class Step(NamedTuple):
    """A step as text: the function ``step(w0, w1, ..., rate_g, rate_d)`` of n + 2 numbers.

    ``source`` returns the next n numbers; ``lines``, how many it computes on the way.
    """

    n: int
    source: str
    lines: int


def write_step(graph: fx.GraphModule, n: int) -> Step:
    """The text of ``one_step`` as it was recorded. Raises ``Unsupported``."""
    writer = Writer(graph)
    names = [*(f"w{i}" for i in range(n)), "rate_g", "rate_d"]
    inputs = torch.tensor([writer.line(name, name=name) for name in names], dtype=_LINES)
    results = writer.run(inputs[:n], inputs[n:]).tolist()
    body = writer.needed(results)
    ends = ", ".join(writer.names[number] for number in results)
    text = [f"def step({', '.join(names)}):", *body, f"return {ends},"]
    return Step(n, "\n    ".join(text), len(body))


class Writer(fx.Interpreter):
    """Replays a graph on tensors of lines and writes these lines on the way, each only once."""

    def __init__(self, graph: fx.GraphModule) -> None:
        super().__init__(graph)
        self.extra_traceback = False
        self.names: list[str] = []
        self.expressions: list[tuple[str, tuple[int, ...]]] = []
        self.numbers: dict[str, int] = {}
        self.constants([0.0, 1.0])

    def call_function(self, target: Any, args: tuple, kwargs: dict) -> Any:
        """Only operations on lines are written, truth as 1 or 0; on constants they are computed."""
        leaves: list[Any] = []
        map_aggregate(args, leaves.append)
        if not any(_is_lines(leaf) for leaf in leaves):
            return target(*args, **kwargs)
        name = str(target).removeprefix("aten.").partition(".")[0].removesuffix("_copy")
        write = _OPERATIONS.get(name)
        if write is None or len(target._schema.returns) != 1 or not _STORAGE.issuperset(kwargs):
            raise Unsupported(name)
        try:
            return write(self, target, *args)
        except (IndexError, NotImplementedError, RuntimeError, TypeError, ValueError) as error:
            raise Unsupported(name) from error

    def line(self, template: str, *operands: int, name: str = "") -> int:
        """The number of the line that computes ``template``; constants and inputs have a name."""
        # Lines 0 and 1 are the constants 0 and 1, with which autograd pads: 0 + x needs no line.
        if template == _ADD and 0 in operands:
            return max(operands)
        if template == _MUL and min(operands) < 2:
            return max(operands) if min(operands) else 0
        expression = template.format(*(self.names[i] for i in operands))
        number = self.numbers.setdefault(expression, len(self.names))
        if number == len(self.names):
            self.names.append(name or f"t{number}")
            self.expressions.append((expression, operands))
        if number > 4 * _MOST_LINES:
            raise Unsupported
        return number

    def constants(self, value: Any) -> Tensor:
        """Lines of numbers that are known: not computed, but written where they are used."""
        value = torch.as_tensor(value, dtype=torch.float64)
        texts = [repr(number) for number in value.flatten().tolist()]
        lines = [self.line(text, name=text) for text in texts]
        return torch.tensor(lines, dtype=_LINES).reshape(value.shape)

    def each(self, template: str, *operands: Any) -> Tensor:
        """``template`` for every number, with torch's broadcasting."""
        lines = [a if _is_lines(a) else self.constants(a) for a in operands]
        lines = torch.broadcast_tensors(*lines)
        rows = zip(*(part.flatten().tolist() for part in lines), strict=True)
        written = [self.line(template, *row) for row in rows]
        return torch.tensor(written, dtype=_LINES).reshape(lines[0].shape)

    def move(self, target: Callable[..., Tensor], *args: Any) -> Tensor:
        """Floats become lines; whole numbers and masks stay, they say where to move to."""

        def movable(value: Any) -> Any:
            known = isinstance(value, Tensor) and value.is_floating_point()
            return self.constants(value) if known or isinstance(value, float) else value

        return target(*map_aggregate(args, movable))

    def choice(self, target: Callable[..., Tensor], at: Tensor, a: Any, b: Any) -> Tensor:
        """a where ``at``, else b; where that is known beforehand, the numbers only move."""
        if not _is_lines(at):
            return self.move(target, at, a, b)
        return self.each("where({} != 0.0, {}, {})", at, a, b)

    def fold(self, template: str, x: Tensor, dims: Any = None, keepdim: bool = False) -> Tensor:
        """``template`` between all numbers along ``dims`` (None, []: along all), left to right."""
        if not x.ndim:
            return x
        dims = [dims] if isinstance(dims, int) else dims or range(x.ndim)
        dims = [d % x.ndim for d in dims]
        rows = x.movedim(dims, list(range(len(dims)))).flatten(0, len(dims) - 1)
        total = functools.reduce(lambda a, b: self.each(template, a, b), rows)
        sizes = [1 if d in dims else size for d, size in enumerate(x.shape)]
        return total.reshape(sizes) if keepdim else total

    def scan(self, template: str, x: Tensor, dim: int) -> Tensor:
        """The partial results of ``fold`` along one dimension."""
        rows = itertools.accumulate(x.unbind(dim), lambda a, b: self.each(template, a, b))
        return torch.stack(list(rows), dim)

    def mean(self, x: Tensor, *args: Any) -> Tensor:
        total = self.fold(_ADD, x, *args)
        return self.each("{} / {}", total, x.numel() / max(total.numel(), 1))

    def matmul(self, a: Any, b: Any) -> Tensor:
        """a @ b for matrices and stacks of matrices."""
        return self.fold(_ADD, self.each(_MUL, a[..., :, :, None], b[..., None, :, :]), -2)

    def put(self, target: Callable[..., Tensor], x: Any, at: Any, values: Any, add: bool) -> Tensor:
        """x with ``values`` at an index, or, where several may meet there, with their sums."""
        if not add:
            return self.move(target, x, at, values)
        lines = self.move(torch.clone, x).contiguous()
        places = torch.ops.aten.index(torch.arange(lines.numel()).reshape(lines.shape), at)
        flat, values = lines.view(-1), self.move(torch.clone, values).expand(places.shape)
        for place, value in zip(places.flatten().tolist(), values.flatten().tolist(), strict=True):
            flat[place] = self.line(_ADD, int(flat[place]), value)
        return lines

    def needed(self, results: Sequence[int]) -> list[str]:
        """The assignments without which ``results`` cannot be computed, in order."""
        live, body = set(results), []
        for number in range(max(results), -1, -1):
            expression, operands = self.expressions[number]
            if number in live and expression != self.names[number]:
                body.append(f"{self.names[number]} = {expression}")
                live.update(operands)
        if len(body) > _MOST_LINES:
            raise Unsupported
        return body[::-1]


def _is_lines(value: Any) -> bool:
    return isinstance(value, Tensor) and value.dtype == _LINES


_LINES = torch.int32
_ADD, _MUL = "{} + {}", "{} * {}"
_MAX, _MIN = "maximum({}, {})", "minimum({}, {})"
_POWER = "({}) ** ({})"
_POWERS = {
    0.5: "sqrt({})", -0.5: "1.0 / sqrt({})", -1: "1.0 / {}", -2: "1.0 / ({0} * {0})",
    0: "1.0 + 0.0 * {}", 1: "{}", 2: "{0} * {0}", 3: "{0} * {0} * {0}",
}  # fmt: skip
_LOGIC = {"gt": ">", "lt": "<", "ge": ">=", "le": "<=", "eq": "==", "ne": "!="}
FUNCTIONS = (
    *("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "exp", "expm1", "log"),
    *("log1p", "sqrt", "erf", "lgamma", "floor", "ceil", "abs", "sign"),
)
"""What a text calls with one number; it calls atan2, maximum, minimum and where with more."""

_EACH = {name: name + "({})" for name in FUNCTIONS}
_EACH |= {name: f"where({{}} {sign} {{}}, 1.0, 0.0)" for name, sign in _LOGIC.items()}
_EACH |= {
    "add": _ADD, "sub": "{} - {}", "mul": _MUL, "div": "{} / {}", "neg": "-{}",
    "atan2": "atan2({}, {})", "maximum": _MAX, "minimum": _MIN, "relu": "maximum({}, 0.0)",
    "sigmoid": "1.0 / (1.0 + exp(-{}))", "reciprocal": "1.0 / {}", "rsqrt": "1.0 / sqrt({})",
    "exp2": "2.0 ** {}", "log2": "log({}) / 0.6931471805599453",
    "remainder": "{0} - floor({0} / {1}) * {1}", "isnan": "where({0} != {0}, 1.0, 0.0)",
    "logical_not": "1.0 - {}", "logical_and": _MUL, "logical_or": _MAX,
    "bitwise_not": "1.0 - {}", "bitwise_and": _MUL, "bitwise_or": _MAX,
}  # fmt: skip
_FOLDS = {"sum": _ADD, "prod": _MUL, "amax": _MAX, "amin": _MIN, "max": _MAX, "min": _MIN}
_MOVES = (
    *("alias", "clone", "detach", "lift_fresh", "copy", "expand", "repeat"),
    *("permute", "transpose", "t", "squeeze", "unsqueeze", "select", "slice", "cat", "stack"),
    *("flip", "index", "index_select", "gather", "diagonal", "unfold", "constant_pad_nd"),
    *("select_scatter", "slice_scatter", "diagonal_scatter", "scatter"),
)
_STORAGE = {"dtype", "layout", "device", "pin_memory", "memory_format", "non_blocking"}
_OPERATIONS: dict[str, Callable[..., Tensor]] = (
    {name: lambda w, _, *args, op=op: w.each(op, *args) for name, op in _EACH.items()}
    | {name: lambda w, _, *args, op=op: w.fold(op, *args) for name, op in _FOLDS.items()}
    | dict.fromkeys(_MOVES, Writer.move)
    | dict.fromkeys(("view", "_unsafe_view"), lambda w, _, x, size: w.move(torch.reshape, x, size))
    | {
        "cumsum": lambda w, _, *args: w.scan(_ADD, *args),
        "cumprod": lambda w, _, *args: w.scan(_MUL, *args),
        "mean": lambda w, _, *args: w.mean(*args),
        "mm": lambda w, _, a, b: w.matmul(a, b),
        "bmm": lambda w, _, a, b: w.matmul(a, b),
        "pow": lambda w, _, x, exponent: w.each(_POWERS.get(exponent, _POWER), x, exponent),
        "_to": lambda _w, _, x: x,
        "index_put": Writer.put,
        "where": Writer.choice,
    }
)

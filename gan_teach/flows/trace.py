"""From a game given by functions to the formula of one gradient step.

``torch.fx`` records the operations that autograd performs at one point (``make_fx``); the recorded
graph is then replayed on arrays of formula nodes instead of numbers, both players' graphs into one
formula, so that what f_g and f_d share is computed once.
"""

# pyright: reportPrivateImportUsage=false

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.fx.node import map_arg

from gan_teach.flows.formulas import Formulas, Unsupported, Value
from gan_teach.flows.operations import apply, array
from gan_teach.games import FunctionGame

_HEADER = "def path({inputs}, rate_g, rate_d, every, records, keep):"
_BODY = """
    for _ in range(records):
        for _ in range({every}):
{step}
        keep(({inputs}))
"""


@dataclass(frozen=True)
class Step:
    """Python source of ``path``, which takes ``records * every`` steps and keeps each ``every``-th.

    ``operations`` are those of one step, ``n`` the numbers in a point. The source reads the
    functions of ``formulas.SCALAR`` or ``TENSOR``; its inputs are floats or tensors accordingly.
    """

    source: str
    operations: tuple[str, ...]
    n: int

    def unrolled(self, steps: int) -> str:
        """The source with a fixed number of steps between two records, for a compiler to see."""
        return self.source.replace("range(every)", f"range({steps})")


def trace_step(game: FunctionGame, point: Tensor, alternating: bool) -> Step:
    """The formula of one step from w (n,) to w - rate * gradient; D's rate is ``rate_d``.

    Alternating: D's gradient is taken at G's new point. Raises ``Unsupported`` with the reason.
    """
    n_g, n = game.n_g, len(point)
    x, y = point[:n_g], point[n_g:]
    record_g, record_d = _record(game.f_g, 0, x, y), _record(game.f_d, 1, x, y)
    make = Formulas()
    names = [f"w{i}" for i in range(n)]
    w = [make.input(name) for name in names]
    rate_g, rate_d = make.input("rate_g"), make.input("rate_d")
    old_x, old_y = w[:n_g], w[n_g:]
    new_x = _descend(make, old_x, rate_g, _replay(make, record_g, old_x, old_y))
    seen_x = new_x if alternating else old_x
    new_y = _descend(make, old_y, rate_d, _replay(make, record_d, seen_x, old_y))
    step, operations = make.source([*new_x, *new_y], names, " " * 12)
    inputs = ", ".join(names)
    text = (_HEADER + _BODY).format(inputs=inputs, step=step, every="every")
    return Step(text, tuple(operations), n)


def _descend(make: Formulas, w: list[Value], rate: Value, gradient: Sequence[Value]) -> list[Value]:
    return [make("sub", a, make("mul", rate, g)) for a, g in zip(w, gradient, strict=True)]


def _record(f: Callable, wrt: int, x: Tensor, y: Tensor) -> torch.fx.GraphModule:
    """The graph of d f / d (x or y)."""
    from torch.fx.experimental.proxy_tensor import make_fx

    def value(x: Tensor, y: Tensor) -> Tensor:
        return f(x, y).reshape(())

    try:
        # clones: one tensor object given for two arguments would be recorded as one argument
        return make_fx(torch.func.grad(value, argnums=wrt))(x.clone(), y.clone())
    except Exception as error:
        reason = str(error).partition(" - ")[0].partition(". ")[0][:160]
        raise Unsupported(f"torch.fx cannot record the loss ({reason})") from error


def _replay(
    make: Formulas, graph: torch.fx.GraphModule, x: Sequence[Value], y: Sequence[Value]
) -> list[Value]:
    """The recorded operations on formula nodes; returns the components of the result."""
    known: dict[torch.fx.Node, Any] = {}
    inputs = iter([array(x), array(y)])
    for node in graph.graph.nodes:
        if node.op == "output":
            result = map_arg(node.args[0], known.__getitem__)
            return list(np.ravel(result))
        if node.op == "placeholder":
            known[node] = next(inputs)
        elif node.op == "get_attr":
            constant = getattr(graph, node.target)
            known[node] = array(constant.tolist()).reshape(tuple(constant.shape))
        else:
            args, kwargs = map_arg((node.args, node.kwargs), known.__getitem__)
            known[node] = apply(make, node.target, args, kwargs)
    raise Unsupported("the recorded graph has no output")

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

from gan_teach.analysis.flows.formulas import Formulas, Unsupported, Value
from gan_teach.analysis.flows.operations import apply, array
from gan_teach.games import FunctionGame


@dataclass(frozen=True)
class Step:
    """One step as text: ``results`` are the next values of ``names``, through ``assignments``.

    The text reads ``rate_g``, ``rate_d`` and the functions of ``formulas.SCALAR`` or ``TENSOR``;
    coordinates and ``rate_d`` are floats or tensors accordingly. ``operations``: those of one step.
    """

    names: tuple[str, ...]
    assignments: tuple[tuple[str, str], ...]
    results: tuple[str, ...]
    operations: tuple[str, ...]

    def source(self, every_step: bool = False) -> str:
        """Python of ``path``: ``records`` times, take ``every`` steps and ``keep`` each coordinate.

        With ``every_step`` each is kept, and the inner loop is gone from the text.
        """
        names = ", ".join(self.names)
        loop = [] if every_step else ["for _ in range(every):"]
        lines = [f"{name} = {text}" for name, text in self.assignments]
        lines.append(f"{names} = {', '.join(self.results)}")
        indent = " " * (8 + 4 * len(loop))
        return "\n".join(
            [
                f"def path({names}, rate_g, rate_d, every, records, keep):",
                "    for _ in range(records):",
                *(f"        {line}" for line in loop),
                *(indent + line for line in lines),
                *(f"        keep({name})" for name in self.names),
            ]
        )


def trace_step(game: FunctionGame, point: Tensor, alternating: bool) -> Step:
    """The formula of one step from w (n,) to w - rate * gradient; D's rate is ``rate_d``.

    Alternating: D's gradient is taken at G's new point. Raises ``Unsupported`` with the reason.
    """
    n_g = game.n_g
    x, y = point[:n_g], point[n_g:]
    record_g, record_d = _record(game.f_g, 0, x, y), _record(game.f_d, 1, x, y)
    make = Formulas()
    names = [f"w{i}" for i in range(len(point))]
    w = [make.input(name) for name in names]
    rate_g, rate_d = make.input("rate_g"), make.input("rate_d")
    old_x, old_y = w[:n_g], w[n_g:]
    new_x = _descend(make, old_x, rate_g, _replay(make, record_g, old_x, old_y))
    seen_x = new_x if alternating else old_x
    new_y = _descend(make, old_y, rate_d, _replay(make, record_d, seen_x, old_y))
    return Step(tuple(names), *make.written([*new_x, *new_y]))


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

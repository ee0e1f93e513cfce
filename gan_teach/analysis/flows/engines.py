"""Ways of taking many steps of a function game at once, all of them in float64.

numba     the text of a step (``steps``), compiled for several cells at once; needs a second and the
          extra ``fast``
tensors   the same text run on whole tensors
graph     torch's own graph of a step of many cells: for operations that the text does not know
autograd  the functions as they were given, the reference: for what cannot be recorded

A *cell* is one starting point at one tau.
"""

import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from gan_teach.analysis.flows import steps
from gan_teach.analysis.flows.steps import Path, Step, Unsupported
from gan_teach.games import FunctionGame

_BLOCK = 8192  # cells handled at once: a step's temporaries stay in the cache
_TOLERANCE = 1e-9  # largest relative difference between an engine's step and autograd's


class Engine(NamedTuple):
    """``path`` takes the steps, ``name`` says how."""

    name: str
    path: Path


def choose(game: FunctionGame, probes: Tensor, order: str, cells: int, count: int) -> Engine:
    """The engine that should take ``count`` steps of ``cells`` cells in the shortest time.

    It is compared with autograd at ``probes`` (n, m) first. Where it differs (a number may have
    been computed from one point outside of torch), or cannot be made, the next one serves.
    """

    def one(w: Tensor, rates: Tensor) -> Tensor:
        return steps.one_step(game, w, rates, order)

    autograd, w, rates = _mapped(one), probes[:, 0], probes.new_ones(2)
    expected = _evaluated(autograd, probes)
    ways: list[tuple[float, str, Callable[[], Path]]] = []  # with the seconds that they would take
    with suppress(Unsupported):
        graph = steps.record(one, w, rates, core=True)
        seconds = count * len(graph.graph.nodes) * (4e-6 + 4e-9 * cells)
        ways.append((seconds, "graph", lambda: _mapped(steps.record(one, w, rates))))
        step = steps.write_step(graph, len(w))
        seconds = count * step.lines * (2e-6 + 1e-9 * cells)
        ways.append((seconds, "tensors", lambda: _of_text(step)))
        seconds = 0.5 + step.lines * (3e-3 + 0.5e-9 * cells * count)
        ways.append((seconds, "numba", lambda: _compiled(step)))
    for _, name, make in sorted(ways):
        with suppress(Unsupported):
            path = make()
            if _agrees(path, probes, expected):
                return Engine(name, path)
    return Engine("autograd", autograd)


def _evaluated(autograd: Path, probes: Tensor) -> Tensor:
    try:
        return autograd(probes, torch.ones_like(probes[:1]).expand(2, -1), 1, 1)
    except RuntimeError as error:
        raise ValueError(
            "f_g or f_d cannot be evaluated at many points at once. It may draw random numbers, "
            "call float() or .item() on its arguments, or branch on their values (write "
            f"torch.where instead of if). torch says: {str(error).partition('. ')[0][:200]}"
        ) from error


def _agrees(path: Path, probes: Tensor, expected: Tensor) -> bool:
    """Whether one step (rates of one) is autograd's at every probe."""
    ours = path(probes, torch.ones_like(probes[:1]).expand(2, -1), 1, 1)
    finite = expected.isfinite()
    difference = ((ours - expected).abs() / expected.abs().clamp(min=1.0))[finite]
    return bool((difference <= _TOLERANCE).all())


def _on_tensors(step: Callable[[Tensor, Tensor], Any], block: int = _BLOCK) -> Path:
    """Steps of whole tensors: ``step(w (n, cells), rates (2, cells))`` gives the next n rows."""

    @torch.no_grad()
    def path(points: Tensor, rates: Tensor, every: int, records: int) -> Tensor:
        out = torch.empty(records, *points.shape, dtype=points.dtype)
        for start in range(0, points.shape[1], block):
            cells = slice(start, start + block)
            w, rate = points[:, cells], rates[:, cells].contiguous()
            for kept in out[:, :, cells]:
                for _ in range(every):
                    w = step(w, rate)
                for row, values in zip(kept, w, strict=True):
                    row[:] = values
        return out

    return path


def _mapped(step: Callable[..., Tensor], block: int = _BLOCK) -> Path:
    """Of a step of one cell: w (n,) and rates (2,)."""
    return _on_tensors(torch.vmap(step, in_dims=1, out_dims=1), block)


def _of_text(step: Step) -> Path:
    space: dict[str, Any] = {"__builtins__": {}, **_CALLS}
    exec(step.source, space)  # our own text: names, operators and numbers
    return _on_tensors(lambda w, rates: space["step"](*w, *rates))


def _compiled(step: Step) -> Path:
    try:
        from gan_teach.analysis.flows.compiled import compile_path
    except ImportError as error:
        raise Unsupported from error
    return compile_path(step)


def _takes_numbers(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """``function`` of tensors and Python numbers, which torch would take for float32."""

    def with_numbers(*args: Tensor | float) -> Tensor:
        return function(
            *(a if isinstance(a, Tensor) else torch.from_numpy(np.asarray(a)) for a in args)
        )

    return with_numbers


_NAMES = (*steps.FUNCTIONS, "atan2", "maximum", "minimum", "where")
_CALLS = {name: _takes_numbers(getattr(torch, name)) for name in _NAMES}
_CALLS |= {"inf": torch.tensor(math.inf), "nan": torch.tensor(math.nan)}

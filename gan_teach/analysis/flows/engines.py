"""Ways of taking many steps of a function game at once, all of them in float64.

eager     whole-tensor autograd of the functions as they were given: the reference
traced    the formula of one step (``trace``), run on whole tensors
compiled  the same in C (``native``); needs a C compiler and half a second
scalar    the same text run on Python floats, cell after cell: good for a few trajectories

A *cell* is one starting point at one tau. Points are tensors (n, cells), D's rates (cells,).
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gan_teach.analysis.flows import native
from gan_teach.analysis.flows.formulas import SCALAR, SLOW, TENSOR, Unsupported
from gan_teach.analysis.flows.trace import Step, trace_step
from gan_teach.games import FunctionGame

ENGINES = ("auto", "eager", "traced", "compiled", "scalar")
RULES = ("simultaneous", "alternating")

_SCALAR_CELLS = 16  # up to here Python floats beat one torch call per operation
_COMPILE_FROM = 0.5  # seconds of other engines' work from which compiling pays
_BLOCK = 8192  # cells handled at once by the traced engine: its temporaries stay in the cache
_TOLERANCE = 1e-9  # largest relative difference between a formula and autograd

Path = Callable[[Tensor, Tensor, int, int], Tensor]


@dataclass(frozen=True)
class Engine:
    """``path(points (n, cells), rates (cells,), every, records) -> (records, n, cells)``.

    ``name`` says which engine it is, ``note`` why it is not the one asked for ("" if it is).
    """

    name: str
    path: Path
    note: str = ""


def gradient_step(
    game: FunctionGame, points: Tensor, rate_g: Any, rate_d: Any, rule: str
) -> Tensor:
    """One step of all cells by autograd, differentiable itself: w - rate * gradient.

    Simultaneous: both gradients at the same point. Alternating: G moves first, D answers G's new
    point, as in the published loops for regions of attraction.
    """
    x, y = points[: game.n_g], points[game.n_g :]
    new_x = x - rate_g * _gradient(game.f_g, 0, x, y)
    new_y = y - rate_d * _gradient(game.f_d, 1, new_x if rule == "alternating" else x, y)
    return torch.cat([new_x, new_y])


def _gradient(f: Callable, wrt: int, x: Tensor, y: Tensor) -> Tensor:
    return torch.vmap(torch.func.grad(lambda *w: f(*w).reshape(()), wrt), in_dims=1, out_dims=1)(
        x, y
    )


def choose(
    game: FunctionGame, probes: Tensor, *, rate_g: float, rule: str, engine: str,
    cells: int, steps: int,
) -> Engine:  # fmt: skip
    """The engine asked for, or for "auto" the one that suits ``cells`` and ``steps``.

    The formula is compared with autograd at ``probes`` (n, m) first. Falls back to eager, or from
    compiled to the best of the others, and says why in ``note``.
    """
    eager = Engine("eager", _eager(game, rate_g, rule))
    _evaluable(game, probes, rule)
    if engine == "eager":
        return eager
    try:
        step = trace_step(game, probes[:, 0], rule == "alternating")
        _compare(game, step, probes, rule)
    except Unsupported as reason:
        note = f"Used whole-tensor autograd, the slower eager engine: {reason}."
        return Engine("eager", eager.path, note)
    traced = Engine("traced", _traced(step, rate_g))
    scalar = Engine("scalar", _scalar(step, rate_g, traced.path))
    quicker = scalar if cells <= _SCALAR_CELLS else traced
    if engine == "compiled" or (engine == "auto" and _worth_compiling(step, cells, steps)):
        return _compiled(step, rate_g, quicker)
    return {"auto": quicker, "scalar": scalar, "traced": traced}[engine]


def _evaluable(game: FunctionGame, probes: Tensor, rule: str) -> None:
    try:
        gradient_step(game, probes, 0.0, 0.0, rule)
    except RuntimeError as error:
        raise ValueError(
            "f_g or f_d cannot be evaluated at many points at once. It may draw random numbers, "
            "call float() or .item() on its arguments, or branch on their values (write "
            f"torch.where instead of if). torch says: {str(error).partition('. ')[0][:200]}"
        ) from error


def _worth_compiling(step: Step, cells: int, steps: int) -> bool:
    """Whether the other engines would need longer than compiling takes."""
    if cells <= _SCALAR_CELLS:
        seconds = steps * cells * 4e-8 * len(step.operations)
    else:
        per_cell = sum(8e-9 if op in SLOW else 1.2e-9 for op in step.operations)
        seconds = steps * (cells * per_cell + 2e-6 * len(step.operations))
    return seconds > _COMPILE_FROM


def _eager(game: FunctionGame, rate_g: float, rule: str) -> Path:
    def path(points: Tensor, rates: Tensor, every: int, records: int) -> Tensor:
        kept = []
        for _ in range(records):
            for _ in range(every):
                points = gradient_step(game, points, rate_g, rates, rule)
            kept.append(points)
        return torch.stack(kept)

    return path


def _function(source: str, functions: dict[str, Callable]) -> Callable:
    """The ``path`` that ``source`` defines, with nothing but ``functions`` in reach."""
    space: dict[str, Any] = {"__builtins__": {"range": range}, **functions}
    exec(source, space)  # our own text: names, operators and numbers (formulas.Formulas.written)
    return space["path"]


def _compare(game: FunctionGame, step: Step, probes: Tensor, rule: str) -> None:
    """Raise ``Unsupported`` unless formula and autograd agree at every probe (rates of one)."""
    ones = torch.ones(probes.shape[1], dtype=torch.float64)
    ours = _traced(step, 1.0)(probes, ones, 1, 1)[0]
    theirs = gradient_step(game, probes, 1.0, ones, rule)
    finite = theirs.isfinite()
    difference = ((ours - theirs).abs() / theirs.abs().clamp(min=1.0))[finite].nan_to_num(math.inf)
    worst = float(difference.max()) if difference.numel() else 0.0
    if worst > _TOLERANCE:
        raise Unsupported(
            f"the recorded formula differs from autograd by {worst:.1e} at another point, so f_g "
            "or f_d must hold a number that was computed from one point outside of torch"
        )


def _traced(step: Step, rate_g: float) -> Path:
    run = _function(step.source(), TENSOR)

    def path(points: Tensor, rates: Tensor, every: int, records: int) -> Tensor:
        out = torch.empty(records, *points.shape, dtype=points.dtype)
        for start in range(0, points.shape[1], _BLOCK):
            block = slice(start, start + _BLOCK)
            kept: list[Tensor] = []
            run(*points[:, block], rate_g, rates[block], every, records, kept.append)
            for row, values in zip(out.flatten(0, 1), kept, strict=True):
                row[block] = values
        return out

    return path


def _scalar(step: Step, rate_g: float, otherwise: Path) -> Path:
    each, sparsely = (
        _function(step.source(every_step=True), SCALAR),
        _function(step.source(), SCALAR),
    )

    def path(points: Tensor, rates: Tensor, every: int, records: int) -> Tensor:
        run = each if every == 1 else sparsely
        out = points.expand(records, *points.shape).clone()
        for cell, (start, rate) in enumerate(zip(points.T.tolist(), rates.tolist(), strict=True)):
            if all(w != w for w in start):
                continue  # NaN everywhere stays NaN
            kept = array("d")
            try:
                run(*start, rate_g, rate, every, records, kept.append)
                out[:, :, cell] = torch.frombuffer(kept, dtype=torch.float64).view(records, -1)
            except (ArithmeticError, ValueError):  # overflow, or log of 0: tensors have inf and NaN
                one = slice(cell, cell + 1)
                out[:, :, one] = otherwise(points[:, one], rates[one], every, records)
        return out

    return path


def _compiled(step: Step, rate_g: float, otherwise: Engine) -> Engine:
    try:
        run = native.compile_path(native.c_source(step))
    except native.CompilerError as reason:
        note = f"Nothing could be compiled ({reason}): used the {otherwise.name} engine."
        return Engine(otherwise.name, otherwise.path, note)
    return Engine(
        "compiled", lambda w, rates, every, records: run(w, rates, rate_g, every, records)
    )

"""Games given by two functions of two vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gan_teach import _checks
from gan_teach.games.base import Batch, Game, Losses, Params


@dataclass(frozen=True)
class _Negative:
    """-f; two of one f are equal, so that zero-sum games can be stacked."""

    f: Callable[[Tensor, Tensor], Tensor]

    def __call__(self, x: Tensor, y: Tensor) -> Tensor:
        return -self.f(x, y)


class FunctionGame(Game):
    """min_x f_g(x, y), min_y f_d(x, y): a game given as two functions of two vectors.

    Parameters
    ----------
    f_g, f_d : functions of tensors x (n_g,) and y (n_d,) to a scalar, in torch operations. For a
        zero-sum game ``f_d`` may be None: then f_d = -f_g.
    x, y : starting points (n_g,), (n_d,); or (S, n_g), (S, n_d) for S starting points at once.

    Raises ValueError when a function does not give a scalar or the starting points do not match.
    """

    def __init__(
        self,
        f_g: Callable[[Tensor, Tensor], Tensor],
        f_d: Callable[[Tensor, Tensor], Tensor] | None,
        x: Tensor | Sequence[float],
        y: Tensor | Sequence[float],
    ) -> None:
        self.f_g = f_g
        self.f_d = f_d if f_d is not None else _Negative(f_g)
        self.x, self.y = (_start(name, value) for name, value in (("x", x), ("y", y)))
        if self.x.ndim != self.y.ndim or self.x.shape[:-1] != self.y.shape[:-1]:
            raise ValueError(
                f"x has shape {tuple(self.x.shape)} and y {tuple(self.y.shape)}: give both one "
                "starting point, or both the same number of them."
            )
        self.lead = tuple(self.x.shape[:-1])
        for name, f in (("f_g", self.f_g), ("f_d", self.f_d)):
            value = f(*(p.detach()[(0,) * len(self.lead)] for p in (self.x, self.y)))
            if not isinstance(value, Tensor) or value.numel() != 1:
                raise ValueError(f"{name} must return one number as a tensor, got {value!r}.")

    @property
    def g_params(self) -> list[Tensor]:
        return [self.x]

    @property
    def d_params(self) -> list[Tensor]:
        return [self.y]

    def draw(self, n: int = 0, rng: Any = None) -> Batch:
        """Nothing is random in a game given by functions: an empty batch."""
        empty = torch.empty(0)
        return Batch(empty, empty)

    def losses(self, batch: Batch | None = None, params: Params | None = None) -> Losses:
        x, y = (self.x, self.y) if params is None else (params[0][0], params[1][0])
        return Losses(self._evaluate(self.f_g, x, y), self._evaluate(self.f_d, x, y))

    def loss_g(self, batch: Batch | None = None, fake: Tensor | None = None) -> Tensor:
        return self._evaluate(self.f_g, self.x, self.y)

    def loss_d(self, batch: Batch | None = None, fake: Tensor | None = None) -> Tensor:
        return self._evaluate(self.f_d, self.x, self.y)

    @staticmethod
    def _evaluate(f: Callable, x: Tensor, y: Tensor) -> Tensor:
        value = f if x.ndim == 1 else torch.vmap(f)
        return value(x, y).reshape(x.shape[:-1])

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "f_g": self.f_g, "f_d": self.f_d}

    def to(self, *args: Any, **kwargs: Any) -> FunctionGame:
        for p in (self.x, self.y):
            p.data = p.data.to(*args, **kwargs)
        return self


def _start(name: str, value: Tensor | Sequence[float]) -> nn.Parameter:
    point = torch.as_tensor(value)
    point = point if point.is_floating_point() else point.to(torch.get_default_dtype())
    if point.ndim not in (1, 2) or point.numel() == 0:
        raise ValueError(f"{name} must have shape (n,) or (S, n), got {tuple(point.shape)}.")
    return nn.Parameter(_checks.finite(name, point.detach().clone()))

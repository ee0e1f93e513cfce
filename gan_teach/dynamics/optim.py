"""Optimisers that take gradients as arguments and know the leading axis of an ensemble.

Learning rates may be one number or one per member; ``active`` masks members out of a step. For
everything else ``FromTorch`` wraps any class of ``torch.optim``.
"""

# pyright: reportPrivateImportUsage=false
# torch's _foreach operations are documented, but not in its list of exports.

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gan_teach import _checks


def rate(name: str, value: Any, lead: tuple[int, ...] = ()) -> float | Tensor:
    """A learning rate, which is not negative, or (S,) of them for an ensemble of S."""
    if np.ndim(value) == 0:
        return _checks.real(name, value, least=0.0)
    rates = [_checks.real(name, r, least=0.0) for r in _checks.of_members(name, value, lead)]
    return torch.tensor(rates, dtype=torch.float64)


class Optimizer(ABC):
    """Holds one player's parameters. ``lr`` may be changed at any time."""

    slots: tuple[str, ...] = ()  # names of lists of tensors like the parameters
    count: float | Tensor = 0.0  # steps taken, for those that count them; (S,) where members paused

    def __init__(self, params: Sequence[Tensor], lr: float | Tensor) -> None:
        self.params = list(params)
        self.lr = lr
        for slot in self.slots:
            setattr(self, slot, [torch.zeros_like(p) for p in self.params])

    @torch.no_grad()
    def step(self, grads: Sequence[Tensor], active: Tensor | None = None) -> None:
        """Move the parameters against ``grads``; only members where ``active`` (S,) is true."""
        if active is None:
            self._update(grads)
            return
        tensors = [*self.params, *(t for slot in self.slots for t in getattr(self, slot))]
        before, count = [t.clone() for t in tensors], torch.as_tensor(self.count)
        self._update(grads)
        for now, old in zip(tensors, before, strict=True):
            now.copy_(latest(old, now, active))
        self.count = torch.where(active.cpu(), torch.as_tensor(self.count), count).double()

    @abstractmethod
    def _update(self, grads: Sequence[Tensor]) -> None:
        """The step of all members."""

    def identity(self) -> dict[str, Any]:
        """What decides its steps beside the learning rate: its class and its numbers."""
        passing = ("params", "lr", "count", "slots", *self.slots)
        numbers = {key: value for key, value in vars(self).items() if key not in passing}
        return {"class": type(self), **numbers}

    def state_dict(self) -> dict[str, Any]:
        return {"count": self.count, **{slot: list(getattr(self, slot)) for slot in self.slots}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.count = state.get("count", 0.0)  # files of old have it where it is counted
        for slot in self.slots:
            for own, saved in zip(getattr(self, slot), state[slot], strict=True):
                own.copy_(saved)


def like(value: Tensor, p: Tensor) -> Tensor:
    """(S,) as (S, 1, ..), to multiply a parameter (S, ...) of the ensemble; a number as it is."""
    return value.to(p).reshape(*value.shape, *[1] * (p.ndim - value.ndim))


def _move(params: list[Tensor], by: Sequence[Tensor], lr: float | Tensor) -> None:
    """p <- p - lr * by, with one rate or one per member."""
    if not isinstance(lr, Tensor):
        torch._foreach_add_(params, list(by), alpha=-lr)
        return
    for p, b in zip(params, by, strict=True):
        p.addcmul_(like(lr, p), b, value=-1)


def latest(old: Tensor | None, new: Tensor, active: Tensor | None) -> Tensor:
    """``new`` of the members that took part in a step, ``old`` (else NaN) of the others."""
    if active is None:
        return new
    old = torch.full_like(new, math.nan) if old is None else old
    return torch.where(like(active, new) > 0, new, old)


class SGD(Optimizer):
    """w <- w - lr u, u <- momentum u + grad (u = grad without momentum). Negative momentum is
    allowed.

    Polyak's heavy ball (1964); Gidel et al. (2019) for negative momentum in games.
    """

    velocity: list[Tensor]

    def __init__(self, params: Sequence[Tensor], lr: float | Tensor, momentum: float = 0.0) -> None:
        self.momentum = _checks.real("momentum", momentum, above=-1.0, most=1.0)
        self.slots = ("velocity",) if momentum else ()
        super().__init__(params, lr)

    def _update(self, grads: Sequence[Tensor]) -> None:
        if self.momentum:
            torch._foreach_mul_(self.velocity, self.momentum)
            torch._foreach_add_(self.velocity, list(grads))
            grads = self.velocity
        _move(self.params, grads, self.lr)


class Adam(Optimizer):
    """Adam (Kingma & Ba, 2015, algorithm 1), equal to ``torch.optim.Adam``:

    m <- b1 m + (1 - b1) g, s <- b2 s + (1 - b2) g^2,
    w <- w - lr (m / (1 - b1^t)) / (sqrt(s / (1 - b2^t)) + eps).
    """

    slots = ("mean", "square")
    mean: list[Tensor]
    square: list[Tensor]

    def __init__(
        self,
        params: Sequence[Tensor],
        lr: float | Tensor,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        self.betas = tuple(_checks.real("betas", b, least=0.0, most=0.999999) for b in betas)
        self.eps = _checks.real("eps", eps, above=0.0)
        super().__init__(params, lr)

    def _update(self, grads: Sequence[Tensor]) -> None:
        self.count, (b1, b2) = self.count + 1.0, self.betas
        one = not isinstance(self.lr, Tensor) and self.params[0].device.type == "cpu"
        if one and not isinstance(self.count, Tensor):
            self._fused(grads, torch.scalar_tensor(self.count))  # float32, as in torch.optim
            return
        torch._foreach_lerp_(self.mean, list(grads), 1 - b1)
        torch._foreach_mul_(self.square, b2)
        torch._foreach_addcmul_(self.square, list(grads), list(grads), 1 - b2)
        first, second = 1 - b1**self.count, (1 - b2**self.count) ** 0.5
        if isinstance(self.count, Tensor):
            first, second = ([like(x, p) for p in self.params] for x in (first, second))
        root = torch._foreach_sqrt(self.square)
        torch._foreach_div_(root, second)
        torch._foreach_add_(root, self.eps)
        direction = torch._foreach_div(self.mean, root)
        torch._foreach_div_(direction, first)
        _move(self.params, direction, self.lr)

    def _fused(self, grads: Sequence[Tensor], t: Tensor) -> None:
        """The same step in one pass over memory, by the kernel behind ``Adam(fused=True)``."""
        # The kernel goes through memory in order; the gradient of a stacked layer is a transpose.
        grads = [
            g if g.stride() == p.stride() else torch.empty_like(p).copy_(g)
            for g, p in zip(grads, self.params, strict=True)
        ]
        torch._fused_adam_(
            self.params, grads, self.mean, self.square, [], [t] * len(self.params),
            lr=self.lr, beta1=self.betas[0], beta2=self.betas[1], weight_decay=0.0, eps=self.eps,
            amsgrad=False, maximize=False,
        )  # fmt: skip


class RMSprop(Optimizer):
    """Tieleman & Hinton (2012), equal to ``torch.optim.RMSprop`` without momentum:
    s <- alpha s + (1 - alpha) g^2, w <- w - lr g / (sqrt(s) + eps)."""

    slots = ("square",)
    square: list[Tensor]

    def __init__(
        self, params: Sequence[Tensor], lr: float | Tensor, alpha: float = 0.99, eps: float = 1e-8
    ) -> None:
        self.alpha = _checks.real("alpha", alpha, least=0.0, most=0.999999)
        self.eps = _checks.real("eps", eps, above=0.0)
        super().__init__(params, lr)

    def _update(self, grads: Sequence[Tensor]) -> None:
        torch._foreach_mul_(self.square, self.alpha)
        torch._foreach_addcmul_(self.square, list(grads), list(grads), 1 - self.alpha)
        root = torch._foreach_sqrt(self.square)
        torch._foreach_add_(root, self.eps)
        _move(self.params, torch._foreach_div(list(grads), root), self.lr)


class FromTorch(Optimizer):
    """Any ``torch.optim`` class behind the same interface (single games only)."""

    def __init__(
        self, params: Sequence[Tensor], lr: float | Tensor, make: Callable[..., Any]
    ) -> None:
        if isinstance(lr, Tensor):
            raise _for_one_game("lr differs between members")
        self.inner = make(params, lr=lr)
        super().__init__(params, lr)

    def step(self, grads: Sequence[Tensor], active: Tensor | None = None) -> None:
        if active is not None:
            raise _for_one_game("members are left out of a step")
        self._update(grads)

    def _update(self, grads: Sequence[Tensor]) -> None:
        for group in self.inner.param_groups:
            group["lr"] = self.lr
        for p, g in zip(self.params, grads, strict=True):
            p.grad = g
        self.inner.step()
        for p in self.params:
            p.grad = None

    def identity(self) -> dict[str, Any]:
        passing = {"params": None, "lr": None, "initial_lr": None}
        groups = [{**group, **passing} for group in self.inner.param_groups]
        return {"class": type(self.inner), "groups": groups}

    def state_dict(self) -> dict[str, Any]:
        return self.inner.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.inner.load_state_dict(state)


def _for_one_game(need: str) -> ValueError:
    return ValueError(
        f"{need}, which torch.optim classes know nothing of: choose the optimizer of this ensemble "
        f"from {', '.join(OPTIMIZERS)}."
    )


Factory = Callable[..., Optimizer]
OPTIMIZERS: dict[str, Factory] = {
    "sgd": SGD,
    "momentum": lambda params, lr: SGD(params, lr, momentum=0.9),
    "adam": Adam,
    "rmsprop": RMSprop,
}


def factory(optimizer: str | Factory | type) -> Factory:
    """The maker of that name, which may have numbers ("adam(betas=(0.5, 0.9))"), a maker as given,
    or a ``torch.optim`` class wrapped."""
    if isinstance(optimizer, str):
        return _checks.called("optimizer", optimizer, OPTIMIZERS, first=2)
    if not callable(optimizer):
        raise TypeError(f"optimizer must be a name or a function (params, lr), got {optimizer!r}.")
    # A class, or a partial of one: partial(torch.optim.Adam, betas=(0.5, 0.9)).
    made_by = optimizer.func if isinstance(optimizer, partial) else optimizer
    if isinstance(made_by, type) and issubclass(made_by, torch.optim.Optimizer):
        return lambda params, lr: FromTorch(params, lr, optimizer)
    return optimizer


class Optimizers:
    """The two players' optimisers, and the last gradients they were given (for probes)."""

    def __init__(self, g: Optimizer, d: Optimizer) -> None:
        self.g, self.d = g, d
        self.g_grads: Sequence[Tensor] | None = None
        self.d_grads: Sequence[Tensor] | None = None

    def step(self, g_grads: Sequence[Tensor], d_grads: Sequence[Tensor]) -> None:
        """A step of both players, by gradients that were taken before either moved."""
        self.step_d(d_grads)
        self.step_g(g_grads)

    def step_g(self, grads: Sequence[Tensor], active: Tensor | None = None) -> None:
        self.move("g", grads, active)

    def step_d(self, grads: Sequence[Tensor], active: Tensor | None = None) -> None:
        self.move("d", grads, active)

    def move(self, player: str, grads: Sequence[Tensor], active: Tensor | None) -> None:
        """The step of player "g" or "d": every step goes through here."""
        kept = f"{player}_grads"
        before = getattr(self, kept) or [None] * len(grads)
        new = [latest(o, n, active) for o, n in zip(before, grads, strict=True)]
        setattr(self, kept, new)
        getattr(self, player).step(grads, active)

    def state_dict(self) -> dict[str, Any]:
        return {"g": self.g.state_dict(), "d": self.d.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.g.load_state_dict(state["g"])
        self.d.load_state_dict(state["d"])


class Watched(Optimizers):
    """The optimizers ``outer``, for a rule within a rule: its steps go to ``move(player, grads,
    active)``, which makes of them what ``outer.move`` is given."""

    def __init__(
        self, outer: Optimizers, move: Callable[[str, Sequence[Tensor], Tensor | None], None]
    ) -> None:
        super().__init__(outer.g, outer.d)
        self.move = move  # pyright: ignore[reportAttributeAccessIssue]

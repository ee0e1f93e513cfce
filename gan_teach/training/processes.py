"""Several processes, on several GPUs or machines, that train one GAN as a single one would.

Each draws the whole batch of a step, keeps its share of the rows, and takes the mean of its
gradients and losses with the others'. What a loss knows of the whole batch beside a mean over its
rows (the standard deviation in DRAGAN, the statistics of batch norm) is found together. So the same
images make the same run, whatever the number of processes, but for the order of sums.

Hugging Face Accelerate starts the processes, finds their devices and connects them:
``accelerate launch -m gan_teach train ...`` (the extra ``scale``).
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.distributed.nn.functional import all_reduce

from gan_teach import _checks
from gan_teach._devices import preferred
from gan_teach.dynamics import DrawFn, Memory, Seen, UpdateRule, Wrapping, memory_of
from gan_teach.dynamics.optim import Optimizers, Watched
from gan_teach.dynamics.rules import Alternating, Simultaneous
from gan_teach.games import GAN, Batch, Game
from gan_teach.models.dropout import dropouts

_BATCH_NORM = nn.modules.batchnorm._BatchNorm


@dataclass(frozen=True)
class World:
    """This process among ``size``: its number, and the device that is its own."""

    rank: int = 0
    size: int = 1
    device: str = "cpu"

    @property
    def main(self) -> bool:
        """Whether it is the one that writes files and speaks."""
        return self.rank == 0

    def mean(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Each tensor's mean over the processes, found in one exchange for all of them."""
        if self.size == 1 or not tensors:
            return list(tensors)
        flat = torch.cat([t.flatten() for t in tensors])
        distributed.all_reduce(flat)
        parts = flat.div_(self.size).split([t.numel() for t in tensors])
        return [part.view(t.shape) for part, t in zip(parts, tensors, strict=True)]

    def any(self, flag: bool) -> bool:
        """Whether ``flag`` is set in one of the processes."""
        if self.size == 1:
            return flag
        return bool(all_reduce(torch.tensor(float(flag), device=self.device)))

    def wait(self) -> None:
        """Go on when all have come here."""
        self.any(False)

    def close(self) -> None:
        """Part from the others, at the end."""
        if self.size > 1 and distributed.is_initialized():
            distributed.destroy_process_group()


def join(device: str | None = "cpu") -> World:
    """This process among those that ``accelerate launch`` has started, or alone.

    On ``device``; None: on a GPU if there is one. Several processes have a GPU each, whichever was
    named, unless that is "cpu". Raises ValueError when there are several and Accelerate is not
    installed.
    """
    device = preferred() if device is None else device
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        return World(device=device)
    accelerate = _checks.package("accelerate", "a run in several processes", "scale", ValueError)
    state = accelerate.PartialState(cpu=device == "cpu")
    return World(state.process_index, state.num_processes, str(state.device))


def share(game: GAN, rule: UpdateRule, world: World) -> UpdateRule:
    """``rule``, as the processes of ``world`` take its steps together; the game's batch norms too.

    Raises ValueError for a rule that does more with gradients than to hand them to the optimizers,
    for ensembles, and for dropout, whose masks are drawn for a batch as it stands.
    """
    if world.size == 1:
        return rule
    if not isinstance(rule, (Alternating, Simultaneous)):
        raise ValueError(f"{rule!r} cannot be shared by processes: use alternating().")
    if game.lead:
        raise ValueError("an ensemble cannot be shared by processes: train its members apart.")
    modules = game.modules().values()
    if any(dropouts(module) for module in modules):
        raise ValueError("a game with dropout cannot be shared by processes: its masks would be.")
    for part in [part for module in modules for part in module.modules()]:
        for name, child in part.named_children():
            if isinstance(child, _BATCH_NORM) and not isinstance(child, _SyncedBatchNorm):
                setattr(part, name, _SyncedBatchNorm(child, world))
    return _Shared(rule, world)


class _Shared(Wrapping):
    """Steps of ``inner`` on this process's share of the batches, with everyone's gradients."""

    def __init__(self, inner: UpdateRule, world: World) -> None:
        self.inner = inner
        self._world = world

    def identity(self) -> UpdateRule:
        """A run is the same one whatever the number of processes."""
        return self.inner

    def __call__(self, game: Game, draw: DrawFn, optims: Optimizers, memory: Memory) -> Seen:
        assert isinstance(game, GAN)

        def averaged(player: str, grads: Sequence[Tensor], active: Tensor | None) -> None:
            optims.move(player, self._world.mean(grads), active)

        share, averaging = _shared_draw(draw, game, self._world), Watched(optims, averaged)
        seen = self.inner(game, share, averaging, *memory_of(self.inner, memory))
        terms = game.d_terms or {}
        means = iter(self._world.mean([*seen.values(), *terms.values()]))
        together = {name: next(means) for name in seen}
        game.d_terms = {name: next(means) for name in terms}
        return together


def _shared_draw(draw: DrawFn, game: GAN, world: World) -> Any:
    """``draw``, cut to the rows of this process."""

    def share_of(player: str = "d", i: int = 0) -> Batch:
        batch = draw(player, i)
        rows, rest = divmod(len(batch.real), world.size)
        if rest:
            raise ValueError(
                f"batch_size={len(batch.real)} cannot be shared by {world.size} processes: choose "
                f"a multiple of {world.size}."
            )
        noise = tuple(
            penalty.prepare(batch.real, drawn)
            for penalty, drawn in zip(game.penalties, batch.penalty_noise, strict=True)
        )
        first = world.rank * rows
        return batch._replace(penalty_noise=noise).map(lambda x: x[first : first + rows])

    share_of.step = draw.step  # pyright: ignore[reportFunctionMemberAccess]
    return share_of


class _SyncedBatchNorm(_BATCH_NORM):
    """Batch norm with the statistics of the whole batch.

    That of torch (``SyncBatchNorm``) has no second derivative and none for the CPU. Parameters and
    buffers are those of the layer it stands for, by the same names.
    """

    def __init__(self, layer: Any, world: World) -> None:
        super().__init__(layer.num_features, layer.eps, layer.momentum)
        self._parameters, self._buffers = layer._parameters, layer._buffers
        self.world, self._stands_for = world, (layer,)  # a tuple: it is no part of this one
        self.train(layer.training)

    def identity(self) -> nn.Module:
        """A network is the same one whatever the number of processes."""
        return self._stands_for[0]

    def _check_input_dim(self, input: Tensor) -> None:
        del input  # the layer whose place this takes was made for it

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return super().forward(input)
        x = input.float() if input.dtype == torch.bfloat16 else input
        axes, shape = (0, *range(2, x.ndim)), (1, -1, *[1] * (x.ndim - 2))
        count = self.world.size * x.numel() // x.shape[1]
        mean = all_reduce(x.sum(axes)) / count
        centered = x - mean.view(shape)
        var = all_reduce((centered * centered).sum(axes)) / count
        assert self.momentum is not None  # as in all networks here
        self.get_buffer("num_batches_tracked").add_(1)
        running = self.get_buffer("running_mean"), self.get_buffer("running_var")
        for value, now in zip(running, (mean, var * (count / (count - 1))), strict=True):
            value.lerp_(now.detach().to(value), self.momentum)
        y = centered * torch.rsqrt(var + self.eps).view(shape)
        return (y * self.weight.view(shape) + self.bias.view(shape)).to(input.dtype)

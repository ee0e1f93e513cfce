"""Dropout that repeats: a run's masks are a function of its seed and step, in an ensemble too.

A dropout layer of torch reads the global random generator. ``masks_of`` seeds that around a step,
for one run; in an ensemble each member's masks come from a generator of its own, seeded as the
global one would be for that member alone. So members equal single runs (as long as the ensemble
evaluates D as often as they do: not if the members differ in step counts, or in whether their loss
pairs real and fake samples).
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from gan_teach._devices import seeded


class MemberDropout(nn.Dropout):
    """``nn.Dropout`` for inputs (S, ...), with a generator for each member's mask.

    While ``rngs`` is None it is an ordinary dropout. The masks are drawn on the CPU.
    """

    rngs: Sequence[torch.Generator] | None = None

    def forward(self, input: Tensor) -> Tensor:
        if not self.training or self.p == 0 or self.rngs is None:
            return super().forward(input)
        keep = 1 - self.p
        mask = torch.empty(input.shape, dtype=input.dtype)
        for own, rng in zip(mask, self.rngs, strict=True):
            own.bernoulli_(keep, generator=rng)
        return input * mask.div_(keep).to(input.device)


def per_member(module: nn.Module) -> None:
    """Put a ``MemberDropout`` in the place of each ``nn.Dropout`` below ``module``, in place."""
    for part in module.modules():
        for name, child in part.named_children():
            if type(child) is nn.Dropout:
                setattr(part, name, MemberDropout(child.p).train(child.training))


def dropouts(module: nn.Module) -> list[nn.Module]:
    """The dropout layers in ``module``."""
    return [part for part in module.modules() if isinstance(part, nn.modules.dropout._DropoutNd)]


def drops_units(module: nn.Module) -> bool:
    """Whether dropout is at work in ``module``: then its outputs are random."""
    return any(part.training for part in dropouts(module))


@contextmanager
def masks_of(
    seeds: Iterable[int], layers: Sequence[nn.Module], device: torch.device | None = None
) -> Iterator[None]:
    """Within it the dropout ``layers`` draw what ``seeds`` say, one seed for each member.

    All layers share the members' generators, as those of one run share the global generator (on a
    GPU that of ``device``), whose state is as before afterwards. ``seeds`` is not read when no
    layer is in training mode.
    """
    if not any(part.training for part in layers):
        yield
        return
    rngs = [torch.Generator().manual_seed(seed) for seed in seeds]
    members = [part for part in layers if isinstance(part, MemberDropout)]
    for part in members:
        part.rngs = rngs
    try:
        with seeded(rngs[0].initial_seed(), device):
            yield
    finally:
        for part in members:
            part.rngs = None

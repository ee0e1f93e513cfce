"""Ensembles: S games as one game with a leading axis.

Losses average over the batch and are summed over members, so the members' gradients do not mix, and
``train``, the rules and the probes serve three hundred GANs as they serve one. Each member draws
from a generator of its own and so sees the data, and the dropout masks, that it would see alone.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from gan_teach.games import losses, penalties
from gan_teach.games.base import Game
from gan_teach.games.corrupt import DiffAugment, InstanceNoise
from gan_teach.games.functions import FunctionGame
from gan_teach.games.gan import GAN
from gan_teach.models import stack_modules


class StackedSource:
    """The members' data sets (or latents) side by side: ``sample(n, rngs)`` has shape (S, n,
    ...)."""

    def __init__(self, members: Sequence[Any]) -> None:
        self.members = list(members)
        self.shape = self.members[0].shape
        self.lead = (len(self.members),)
        if any(m.shape != self.shape for m in self.members):
            raise ValueError("the members of an ensemble need samples of one shape.")

    def sample(self, n: int, rngs: Sequence[torch.Generator]) -> Tensor:
        return torch.stack([m.sample(n, rng) for m, rng in zip(self.members, rngs, strict=True)])

    def check_batch(self, n: int) -> None:
        """Raises ValueError if a member's data know that they cannot fill a batch of ``n``."""
        for member in self.members:
            if hasattr(member, "check_batch"):
                member.check_batch(n)

    def __repr__(self) -> str:
        return f"StackedSource({len(self.members)} x {self.members[0]!r})"


def stack(games: Sequence[Game]) -> Game:
    """One game with a leading axis from S games of one architecture.

    Weights, data, losses, penalty weights, label smoothing and noise level may differ per member;
    learning rates, tau, step counts and seeds do so through sequences given to ``train`` and to the
    rule. Penalties that are alike up to their weights become one (a missing one has weight zero).

    Raises ValueError for an empty list, mixed kinds of game, or architectures or precisions
    (``autocast``) that differ.
    """
    games = list(games)
    if not games:
        raise ValueError("games is empty: an ensemble needs at least one game.")
    if all(isinstance(g, GAN) for g in games):
        return _stack_gans(games)  # pyright: ignore[reportArgumentType]
    if all(isinstance(g, FunctionGame) for g in games):
        return _stack_functions(games)  # pyright: ignore[reportArgumentType]
    kinds = sorted({type(g).__name__ for g in games})
    raise ValueError(f"games must all be GAN or all FunctionGame, got {', '.join(kinds)}.")


def _stack_gans(games: Sequence[GAN]) -> GAN:
    if any(g.lead for g in games):
        raise ValueError("one of the games is an ensemble already: stack single games.")
    if any(g.classes for g in games):
        raise ValueError("games with classes (see data.Asked) cannot be stacked: train each alone.")
    precisions = {g.autocast for g in games}
    if len(precisions) > 1:
        raise ValueError(f"members must share one autocast, got {', '.join(map(str, precisions))}.")
    stacked = GAN(
        stack_modules([g.generator for g in games]),
        stack_modules([g.discriminator for g in games]),
        data=StackedSource([g.data for g in games]),
        latent=StackedSource([g.latent for g in games]),
        loss=losses.grouped([g.loss for g in games]),
        penalties=penalties.grouped([g.penalties for g in games]),
        corrupt=_stack_noise([g.corrupt for g in games]),
    )
    stacked.autocast = games[0].autocast
    return stacked


def _stack_functions(games: Sequence[FunctionGame]) -> FunctionGame:
    first = games[0]
    if any((g.f_g, g.f_d) != (first.f_g, first.f_d) for g in games[1:]):
        raise ValueError("the games of an ensemble must share their functions f_g and f_d.")
    x = torch.stack([g.x.detach() for g in games])
    return FunctionGame(first.f_g, first.f_d, x, torch.stack([g.y.detach() for g in games]))


def _stack_noise(members: Sequence[Any]) -> Any:
    first = members[0]
    if not isinstance(first, InstanceNoise) and all(m == first for m in members):
        return first
    given = [m for m in members if m is not None]
    if any(isinstance(m, DiffAugment) for m in given):
        raise ValueError("members may not differ in how images are augmented.")
    if any(replace(m, std=0.0) != replace(given[0], std=0.0) for m in given):
        raise ValueError("members may differ in the noise's std, not in `shared` or `anneal`.")
    std = [float(m.std) if m else 0.0 for m in members]
    return replace(given[0], std=torch.tensor(std, dtype=torch.float64))

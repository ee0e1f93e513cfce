"""What to look at while a run goes by: functions that make probes ``state -> array`` for
``record``.

A probe has a fixed seed of its own and changes nothing; networks are in evaluation mode meanwhile,
except for ``scores``. In an ensemble each result has the members' axis first.
"""

import copy
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gan_teach import _checks, metrics
from gan_teach._devices import float64_device
from gan_teach.analysis import krylov, spectra
from gan_teach.dynamics.streams import generator
from gan_teach.games import GAN, Batch, penalties
from gan_teach.games.base import flatten
from gan_teach.metrics.modes import SCORES
from gan_teach.models import as_in_training, evaluating
from gan_teach.training.state import Probe, State


def params() -> Probe:
    """All parameters as one vector: the generator's, then the discriminator's. (n,) or (S, n)."""
    return lambda state: flatten(state.game)


def loss(player: str) -> Probe:
    """The loss that the last update of player "g" or "d" saw; NaN before the first."""
    key = f"{_checks.choice('player', player, ('g', 'd'))}_loss"

    def probe(state: State) -> Tensor:
        value = state.losses.get(key)
        return torch.full(state.game.lead, math.nan) if value is None else value

    return probe


LOSSES: dict[str, Probe] = {"g_loss": loss("g"), "d_loss": loss("d")}
"""What ``record`` keeps unless it is asked for something else."""


def gradient_norm(player: str) -> Probe:
    """Euclidean norm of the gradient that moved player "g" or "d" last; NaN before the first."""
    key = f"{_checks.choice('player', player, ('g', 'd'))}_grads"

    def probe(state: State) -> Tensor:
        grads = getattr(state.optims, key)
        if grads is None:
            return torch.full(state.game.lead, math.nan)
        axes = len(state.game.lead)
        return torch.sqrt(sum((g * g).flatten(axes).sum(-1) for g in grads))  # pyright: ignore

    return probe


def samples(n: int = 256, seed: int = 0) -> Probe:
    """G at ``n`` latents that stay the same through the run: (n, ...) or (S, n, ...)."""
    latents = _Fixed(n, seed, lambda game: game.latent)

    def probe(state: State) -> Tensor:
        with _looking_at(state) as game:
            return game.generate(latents(game))

    return probe


def discriminator_on(grid: Tensor) -> Probe:
    """D = sigmoid(logit) at the points ``grid`` (m, ...): (m,) or (S, m)."""
    points = torch.as_tensor(grid)

    def probe(state: State) -> Tensor:
        with _looking_at(state) as game:
            return torch.sigmoid(game.critic(_samples_at(points, game)))

    return probe


def slope_on(grid: Tensor) -> Probe:
    """|grad_x f|, the slope of the discriminator's logit, at the points ``grid`` (m, ...).

    (m,) or (S, m). It is what gradient penalties act on, and what moves the generator's samples.
    """
    points = torch.as_tensor(grid)

    def probe(state: State) -> Tensor:
        with _looking_at(state) as game:
            x = _samples_at(points, game)
            x = x.expand(*game.lead, *x.shape).contiguous()
            return penalties.gradient_norm_squared(game.critic, x).detach().sqrt()

    return probe


def scores(n: int = 256, seed: int = 0) -> Probe:
    """(mean D(x), mean D(G(z))) on ``n`` fixed real samples and latents: (2,) or (S, 2).

    They are answers as in training: batch norm takes the statistics of each batch, real or
    generated (see ``models.as_in_training``).
    """
    reals = _Fixed(n, seed, lambda game: game.data)
    latents = _Fixed(n, seed + 1, lambda game: game.latent)

    def probe(state: State) -> Tensor:
        with _looking_at(state, as_in_training) as game:
            asked = game.asked(z := latents(game))
            if asked:  # the data answer with images of those classes
                classes = asked[0].argmax(1).cpu()
                real = game.data.of_classes(classes, generator(seed)).to(z)
            else:
                real = reals(game)
            seen = (real, game.generate(z))
            return torch.stack([torch.sigmoid(game.critic(x, *asked)).mean(-1) for x in seen], -1)

    return probe


def mode_scores(n: int = 2000, seed: int = 0) -> Probe:
    """Covered modes, share of high-quality samples and reverse KL of ``n`` samples (fixed latents).

    (3,) or (S, 3), in the order of ``metrics.modes.SCORES``; NaN for a generator that has diverged.
    The modes are those of the game's data, which needs ``locate`` (see ``metrics.mode_report``).
    """
    watch = samples(n, seed)

    def scores_of(fakes: Tensor, data: Any) -> np.ndarray:
        if not bool(fakes.isfinite().all()):
            return np.full(len(SCORES), np.nan)
        return np.array(list(metrics.mode_report(fakes, data).scores.values()))

    def probe(state: State) -> Any:
        fakes, data = watch(state).cpu().double(), state.game.data  # pyright: ignore
        if not state.game.lead:
            return scores_of(fakes, data)
        return np.stack([scores_of(x, own) for x, own in zip(fakes, data.members, strict=True)])

    return probe


def eigenvalues(
    batch: Batch | None = None, *, of: str = "jacobian", n: int = 256, seed: int = 0
) -> Probe:
    """Eigenvalues of the game's Jacobian, or of a player's Hessian ("d", "g"), on a fixed batch.

    For each step of a long run, record ``params()`` and call ``spectra.spectra`` afterwards: it
    treats all snapshots at once.
    """

    def probe(state: State) -> Any:
        game = state.game
        rng = [generator(seed) for _ in range(game.lead[0])] if game.lead else generator(seed)
        now = batch or game.draw(n, rng)
        with evaluating(*game.modules().values()):
            if of == "jacobian":
                return spectra.spectrum(spectra.jacobian(game, now))
            return spectra.symmetric_spectrum(spectra.hessian(of, game, now))

    return probe


def extreme_eigenvalues(
    k: int = 6, *, which: str = "LR", n: int = 64, seed: int = 0, tau: float = 1.0,
    tol: float = 1e-6, max_restarts: int = 100,
) -> Probe:  # fmt: skip
    """The ``k`` eigenvalues at one end of the game's Jacobian, for networks of any size.

    Complex (k + 1,): those of ``krylov.extremes``, which keeps conjugates together, so that the
    last is NaN where no pair had to be completed; all NaN where not all ``k`` converged to ``tol``
    in so many restarts of Arnoldi's method. The Jacobian is that of
    v = (-grad_G L_G, -tau grad_D L_D) on ``n`` fixed samples, penalties included, in float64 and in
    evaluation mode (batch norm with its running statistics), on a copy of the networks. Each
    product with it costs about one more backward pass.
    """

    def probe(state: State) -> np.ndarray:
        game = _in_double(state)
        operator = krylov.jacobian_transpose(game, game.draw(n, generator(seed)), tau=tau)
        ends = krylov.extremes(
            operator, k=k, which=which, seed=seed, tol=tol, max_restarts=max_restarts
        )
        values = np.full(k + 1, np.nan, complex)
        if ends.converged:
            values[: len(ends.values)] = ends.values
        return values

    return probe


def _in_double(state: State) -> GAN:
    """The run's GAN with copies of its networks, in float64 and evaluation mode; same data."""
    hint = "For other games record eigenvalues()."
    game = copy.copy(_checks.instance("game", state.game, GAN, hint))
    game.autocast = None
    for name, network in game.modules().items():
        moved = copy.deepcopy(network).to(float64_device(state.game.device))
        setattr(game, name, moved.double().eval())
    return game


def _samples_at(points: Tensor, game: GAN) -> Tensor:
    """The points as samples: numbers (m,) are samples (m, 1) of data on the line."""
    x = points.to(game.device, game.dtype)
    return x[:, None] if x.ndim == len(game.data.shape) else x


class _Fixed:
    """Samples of a source drawn once per game, by a seed of their own."""

    def __init__(self, n: int, seed: int, source: Callable[[GAN], Any]) -> None:
        self.n = _checks.whole("n", n, least=1)
        self.seed = _checks.whole("seed", seed)
        self.source = source
        self._held: tuple[Any, Tensor] | None = None

    def identity(self) -> dict[str, Any]:
        """What decides the samples, without the ones that are held."""
        return {"n": self.n, "seed": self.seed, "source": self.source}

    def __call__(self, game: GAN) -> Tensor:
        source = self.source(game)
        if self._held is None or self._held[0] is not source:
            lead = getattr(source, "lead", ())
            rng = [generator(self.seed) for _ in range(lead[0])] if lead else generator(self.seed)
            self._held = (source, source.sample(self.n, rng))
        return self._held[1].to(game.device, game.dtype)


@contextmanager
def _looking_at(state: State, mode: Callable[..., Any] = evaluating) -> Iterator[GAN]:
    """The run's GAN in that mode, without gradients: looking must not change the run."""
    hint = "This probe needs samples, so it needs a GAN."
    game: GAN = _checks.instance("game", state.game, GAN, hint)
    with torch.no_grad(), mode(game.generator, game.discriminator):
        yield game

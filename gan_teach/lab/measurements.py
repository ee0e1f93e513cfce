"""What the doctor measures before it judges: the last rounds of a run, repeated and looked at, and
what the theory says of a run before it is made."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gan_teach import metrics
from gan_teach._devices import one_thread
from gan_teach.analysis import spectra
from gan_teach.dynamics.linear import rotation_period, step_spectrum
from gan_teach.dynamics.streams import generator
from gan_teach.games import GAN, Batch
from gan_teach.games.losses import Loss
from gan_teach.lab.config import Config
from gan_teach.lab.session import Session, world_of
from gan_teach.lab.world import dress, leading, update_rule
from gan_teach.models import evaluating

USUAL = 400  # rounds to look at where no theory says how long a turn takes
LEAST, LONGEST = 100, 1000  # where it does: 4 turns within these bounds
TURNS = 4
MOMENTS = 100  # at most, evenly spaced over them
SAMPLES = 200  # points of each kind
BAND_REPEATS = 199
LEAST_SHARE = 0.2  # of a mode's own share: with less of the fakes it is lost


class Forecast(NamedTuple):
    """``period`` rounds to a turn (inf: no turn), ``factor`` on the distance in one turn, and
    ``modulus``, the largest |s| among the eigenvalues of a round that turn (of all, if none)."""

    period: float
    factor: float
    modulus: float


def forecast(config: Config, spread: float = 1.0) -> Forecast | None:
    """The forecast for ``config``; None where there is no one equilibrium or no plain SGD.

    ``spread`` is w in G(z) = w z + b, which the equilibrium of the game on the line leaves open.
    """
    if config.optimizer != "sgd" or config.world == "plane" or config.turn != "both":
        return None
    if config.lr == 0 or not np.isfinite(spread):
        return None
    world = world_of(config)
    batch = world.expectation(dress(world.game, config), config)
    jacobian = spectra.jacobian(world.game, batch, world.equilibrium(batch, spread))
    if not np.isfinite(jacobian.matrix).all():
        return None
    values = step_spectrum(update_rule(config), jacobian, config.lr, config.tau)
    s = leading(values)
    if s is None:
        return Forecast(np.inf, 1.0, float(np.abs(values).max()))
    period = rotation_period(s)
    return Forecast(period, float(abs(s)) ** period, float(abs(s)))


class Orbit(NamedTuple):
    """How G's center went around the data's: number of ``turns``, the ``factor`` on its distance
    in one turn (NaN for less than one), and the largest distance, its ``size``."""

    turns: float
    factor: float
    size: float


NO_ORBIT = Orbit(0.0, math.nan, math.inf)


@dataclass(frozen=True, eq=False)
class Measurements:
    """Numbers of the last ``rounds`` rounds, all under one ``config``; medians where they vary.

    Lengths are in standard deviations of the data (in its own units where the data are one point).
    d_loss : what D's updates saw; d_real, d_fake : mean D, on what D sees.
    slope : mean |dL_G / d logit| over the fakes, divided by its value at the equilibrium.
    orbit, moved : of the fakes' mean around the data's, and how far it was from where it is now.
    covered, modes : modes that have at least LEAST_SHARE of their own share of the fakes, the
        median over the rounds, and how many there are (0 where there are none to count).
    distance, band : of the fakes to the data at the end, and what passes for none.
    """

    config: Config
    rounds: int
    finite: bool
    d_loss: float
    d_real: float
    d_fake: float
    slope: float
    forecast: Forecast | None
    orbit: Orbit = NO_ORBIT
    moved: float = math.inf
    covered: int = 0
    modes: int = 0
    distance: float = math.nan
    band: float = math.nan


@one_thread()
def measure(session: Session) -> Measurements:
    """Repeat the last rounds under the present settings and measure them."""
    game, config = session.game, session.config
    spread = float(game.g_params[0].detach().sum()) if config.world == "line" else 1.0
    ahead = forecast(config, spread)
    rounds = min(session.step - session.since, _rounds(ahead))
    batch = game.draw(SAMPLES, generator(config.seed, 7))
    every = max(1, rounds // MOMENTS)
    moments = [_moment(past, batch) for past in session.again(rounds, every)]
    real, fakes = batch.real.double().numpy(), [moment.pop("fake") for moment in moments]
    unit = float(np.sqrt(real.var(0).sum())) or 1.0
    centers = np.stack([fake.mean(0) - real.mean(0) for fake in fakes]) / unit
    finite = bool(np.isfinite(centers).all())
    medians: dict[str, Any] = {
        name: _median([moment[name] for moment in moments]) for name in moments[0]
    }
    modes = len(getattr(game.data, "modes", ()))
    run = Measurements(config, rounds, finite, forecast=ahead, modes=modes, **medians)
    if not finite:
        return run
    distance, band = _distance(game, real, fakes[-1], unit)
    moved = float(np.linalg.norm(centers - centers[-1], axis=1).max())
    return replace(
        run, orbit=orbit(centers), moved=moved, covered=_covered(game, fakes),
        distance=distance, band=band,
    )  # fmt: skip


def orbit(centers: NDArray) -> Orbit:
    """The orbit of centers (T, d) around 0: turns are counted along the axis they move on most.

    A change of side counts where the distance is over a quarter of the largest in that half of the
    time, so that noise around 0 is no turn. The factor compares both halves' largest distances.
    """
    size = float(np.linalg.norm(centers, axis=1).max())
    if len(centers) < 4:
        return Orbit(0.0, math.nan, size)
    *_, axes = np.linalg.svd(centers - centers.mean(0), full_matrices=False)
    halves = np.array_split(centers @ axes[0], 2)
    early, late = (float(np.abs(half).max()) for half in halves)
    sides = np.concatenate([np.sign(x[np.abs(x) > 0.25 * np.abs(x).max()]) for x in halves])
    turns = float((np.diff(sides) != 0).sum()) / 2
    factor = (late / early) ** (2 / turns) if turns >= 1 and early > 0 else math.nan
    return Orbit(turns, factor, size)


def _rounds(ahead: Forecast | None) -> int:
    if ahead is None or not math.isfinite(ahead.period):
        return USUAL
    return round(min(max(TURNS * ahead.period, LEAST), LONGEST))


def _moment(session: Session, batch: Batch) -> dict[str, Any]:
    """Numbers of one moment by the names of ``Measurements``, and points of G, fake (n, d)."""
    game = session.game
    with torch.no_grad(), evaluating(game.generator, game.discriminator):
        real, fake = game.logits(batch)
        points = game.generate(batch.latent)
    resting = 0.5 if game.loss.name == "least_squares" else 0.0  # D's answer at the equilibrium
    usual = _slope(game.loss, *2 * [torch.full_like(fake[:1], resting)])
    loss = session.state.losses.get("d_loss")
    return {
        "d_real": float(torch.sigmoid(real).mean()),
        "d_fake": float(torch.sigmoid(fake).mean()),
        "slope": _slope(game.loss, real, fake) / usual,
        "d_loss": math.nan if loss is None else loss.item(),
        # of its own memory: a generator without a network hands out its parameter itself
        "fake": points.detach().double().numpy().copy(),
    }


def _slope(loss: Loss, real: Tensor, fake: Tensor) -> float:
    """Mean |n dL_G / d logit| over the n fakes."""
    fake = fake.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(loss.g(real, fake) * len(fake), fake)
    return float(gradient.abs().mean())


def _median(values: list[float]) -> float:
    finite = np.array(values)[np.isfinite(values)]
    return float(np.median(finite)) if len(finite) else math.nan


def _covered(game: GAN, fakes: list[NDArray]) -> int:
    """Modes with fakes at a moment (each fake counts for the nearest one), its median."""
    if not hasattr(game.data, "locate"):
        return 0
    least = LEAST_SHARE * game.data.mode_weights.numpy() * SAMPLES
    nearest = [game.data.locate(torch.as_tensor(fake))[0].numpy() for fake in fakes]
    counts = [(np.bincount(x, minlength=len(least)) >= least).sum() for x in nearest]
    return int(np.median(counts))


def _distance(game: GAN, real: NDArray, fake: NDArray, unit: float) -> tuple[float, float]:
    """How far the fakes are from the data in what this D can see, and how far they may be.

    A D that is a straight line sees means only, and half a standard deviation is then allowed.
    Others see everything: the sliced Wasserstein distance, with what 99 % of pairs of samples of
    the data have at most.
    """
    if real.shape[1] == 1:
        return float(abs(fake.mean() - real.mean())) / unit, 0.5
    metric = partial(metrics.sliced_wasserstein, projections=16)
    band = metrics.noise_band(metric, game.data, SAMPLES, BAND_REPEATS)
    return metric(fake, real) / unit, band.high / unit

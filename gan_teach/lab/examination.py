"""What the doctor measures before it judges: the last rounds of a run, repeated and looked at."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gan_teach import metrics
from gan_teach.dynamics.streams import generator
from gan_teach.games import GAN, Batch
from gan_teach.games.losses import Loss
from gan_teach.lab.config import Config
from gan_teach.lab.forecast import Forecast, forecast
from gan_teach.lab.session import Session
from gan_teach.models import evaluating
from gan_teach.models.threads import one_thread
from gan_teach.training import State

USUAL = 400  # rounds to look at where no theory says how long a turn takes
LEAST, LONGEST = 100, 1000  # where it does: 4 turns within these bounds
TURNS = 4
LOOKS = 100  # at most, evenly spaced over them
SAMPLES = 200  # points of each kind
BAND_REPEATS = 199
LEAST_SHARE = 0.2  # of a mode's own share: with less of the fakes it is lost


class Orbit(NamedTuple):
    """How G's center went around the data's: number of ``turns``, the ``factor`` on its distance
    in one turn (NaN for less than one), and the largest distance, its ``size``."""

    turns: float
    factor: float
    size: float


class Look(NamedTuple):
    """One moment of a run, in the terms of ``Examination``; fake (n, d) are points of G."""

    d_real: float
    d_fake: float
    slope: float
    d_loss: float
    fake: NDArray


@dataclass(frozen=True, eq=False)
class Examination:
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
    orbit: Orbit
    moved: float
    covered: int
    modes: int
    distance: float
    band: float
    forecast: Forecast | None


@one_thread()
def examine(session: Session) -> Examination:
    """Repeat the last rounds under the present settings and measure them."""
    game, ahead = _game(session), _forecast(session)
    rounds = min(session.step - session.since, _rounds(ahead))
    batch = game.draw(SAMPLES, generator(session.config.seed, 7))
    every = max(1, rounds // LOOKS)
    looks = [_look(past.state, batch) for past in session.again(rounds, every)]
    real, fake = batch.real.double().numpy(), looks[-1].fake
    unit = _spread(real) or 1.0
    centers = np.stack([look.fake.mean(0) - real.mean(0) for look in looks]) / unit
    finite = bool(np.isfinite(centers).all())
    distance, band = _distance(game, real, fake, unit) if finite else (math.nan, math.nan)
    return Examination(
        config=session.config, rounds=rounds, finite=finite,
        **{name: _median([getattr(look, name) for look in looks])
           for name in ("d_loss", "d_real", "d_fake", "slope")},
        orbit=orbit(centers) if finite else Orbit(0.0, math.nan, math.inf),
        moved=float(np.linalg.norm(centers - centers[-1], axis=1).max()) if finite else math.inf,
        covered=_covered(game, looks) if finite else 0,
        modes=len(getattr(game.data, "modes", ())), distance=distance, band=band, forecast=ahead,
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


def _look(state: State, batch: Batch) -> Look:
    game = state.game
    assert isinstance(game, GAN)
    with torch.no_grad(), evaluating(game.generator, game.discriminator):
        real, fake = game.logits(batch)
        points = game.generate(batch.latent)
    usual = _slope(game.loss, *2 * [torch.full_like(fake[:1], _resting_logit(game.loss))])
    loss = state.losses.get("d_loss")
    return Look(
        d_real=float(torch.sigmoid(real).mean()), d_fake=float(torch.sigmoid(fake).mean()),
        slope=_slope(game.loss, real, fake) / usual,
        d_loss=math.nan if loss is None else loss.item(), fake=_copied(points),
    )  # fmt: skip


def _copied(points: Tensor) -> NDArray:
    """Of its own memory: a generator without a network hands out its parameter itself."""
    return points.detach().double().numpy().copy()


def _slope(loss: Loss, real: Tensor, fake: Tensor) -> float:
    """Mean |n dL_G / d logit| over the n fakes."""
    fake = fake.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(loss.g(real, fake) * len(fake), fake)
    return float(gradient.abs().mean())


def _resting_logit(loss: Loss) -> float:
    """What D answers at the equilibrium: the middle of both targets, 0 for logistic losses."""
    return 0.5 if loss.name == "least_squares" else 0.0


def _median(values: list[float]) -> float:
    known = np.array(values)[np.isfinite(values)]
    return float(np.median(known)) if len(known) else math.nan


def _spread(points: NDArray) -> float:
    return float(np.sqrt(points.var(0).sum()))


def _covered(game: GAN, looks: list[Look]) -> int:
    """Modes with fakes at a moment (each fake counts for the nearest one), its median."""
    if not hasattr(game.data, "locate"):
        return 0
    least = LEAST_SHARE * game.data.mode_weights.numpy() * SAMPLES
    nearest = [game.data.locate(torch.as_tensor(look.fake))[0].numpy() for look in looks]
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


def _rounds(ahead: Forecast | None) -> int:
    if ahead is None or not math.isfinite(ahead.period):
        return USUAL
    return round(min(max(TURNS * ahead.period, LEAST), LONGEST))


def _game(session: Session) -> GAN:
    game = session.state.game
    assert isinstance(game, GAN)
    return game


def _forecast(session: Session) -> Forecast | None:
    if session.config.world != "line":
        return forecast(session.config)
    return forecast(session.config, float(_game(session).g_params[0].detach().sum()))

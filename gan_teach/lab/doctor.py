"""The lab's doctor: says what is wrong with a run, by which numbers, and what to change.

``diagnose(session)`` repeats the last rounds of the run, compares what it sees with what the theory
says, and names the first failure whose signs are there. ``treat`` makes the proposed change, of one
knob, in a branch of the run. The bounds are

    D's loss: its value L* where real and generated points agree (2 log 2 for cross-entropy). D can
        always have it by answering 1/2, so a loss well above it means that D's steps are too long;
        one far below it, that D wins.
    slope: |dL_G / d logit| at the fakes, which is D(G(z)) for the saturating loss, divided by its
        value at the equilibrium. Without it no gradient of D reaches the generator.
    orbit: the factor on the distance in one turn, which theory gives as |s|^period for the leading
        eigenvalue s of a round at the equilibrium (see ``forecast``).

How often it was right, on at least 50 runs with each failure that was known without it, stands in
``doctor_rates.json``, which ``tests/benchmarks/doctor_rates.py --write`` wrote.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gan_teach import metrics
from gan_teach._devices import one_thread
from gan_teach.analysis import landscape
from gan_teach.dynamics.streams import generator
from gan_teach.games import GAN, Batch
from gan_teach.games.losses import Loss
from gan_teach.lab.config import Config
from gan_teach.lab.session import WORLDS, Session, alone
from gan_teach.lab.world import Forecast, Scores, dress, foretold, loss_levels, small_spectrum
from gan_teach.models import evaluating
from gan_teach.training import probes

LEAST_ROUNDS = 50  # fewer say nothing
OVERSHOOT = 1.5  # of L*: above it D loses to a coin
WINNING = 0.1  # of L*: below it D knows nearly everything
SLOPE = 0.1  # of its value at the equilibrium
GROWING, STEADY = 1.05, 0.95  # factor on the distance in one turn
WIDE = 0.3  # standard deviations of the data: a smaller orbit is noise
AWAKE = 0.05  # a learning rate at which plain gradient descent moves a network's D
UNDECIDED = 0.05  # D(x) - D(G(z)), and L_D / L* - 1: closer, D sees no difference

SETTLED = 100  # rounds over which the fakes must pass for data
USUAL = 400  # rounds to look at where no theory says how long a turn takes
LEAST, LONGEST, TURNS = 100, 1000, 4  # where it does: four turns within these bounds
MOMENTS = 100  # at most, evenly spaced over them
SAMPLES = 200  # points of each kind
BAND_REPEATS = 199
LEAST_SHARE = 0.2  # of a mode's own share: with less of the fakes it is lost

RATES = Path(__file__).with_name("doctor_rates.json")


class Evidence(NamedTuple):
    """A number and the bound that makes it a sign."""

    what: str
    value: float
    bound: str

    def __str__(self) -> str:
        return f"{self.what}: {self.value:.3g} ({self.bound})"


@dataclass(frozen=True)
class Diagnosis:
    """A ``name``, the ``evidence`` for it, ``advice`` in words, and the ``remedy``.

    The names are "too early", "divergence", "vanishing gradient", "D too strong", "uninformative
    plateau", "mode collapse", "cycling" and "healthy".
    The remedy is the knob to turn from ``step`` on, {} for none.
    """

    name: str
    evidence: Sequence[Evidence]
    advice: str
    remedy: Mapping[str, Any] = field(default_factory=dict)
    step: int = 0

    def __str__(self) -> str:
        signs = "; ".join(map(str, self.evidence))
        return ". ".join(part for part in (self.name, signs, self.advice) if part)


def diagnose(session: Session) -> Diagnosis:
    """What the last rounds of ``session`` say, which stays as it is."""
    run = measure(session)
    return replace(judge(run), step=session.step if run.finite else session.since)


def judge(run: Measurements) -> Diagnosis:
    """The first failure whose signs are in these numbers, since it may bring about later ones."""
    return next(chain(_by_overflow(run), _by_what_d_says(run), _by_where_g_is(run)))


def treat(session: Session, diagnosis: Diagnosis) -> Session:
    """A branch of ``session`` in which the remedy acts, from where the diagnosis says.

    Raises ValueError for a diagnosis without a remedy.
    """
    if not diagnosis.remedy:
        raise ValueError(f"{diagnosis.name!r} has no remedy among the knobs of a run.")
    branch = session.branch()
    branch.rewind(min(diagnosis.step, branch.step))
    branch.set(**{**session.config.differences(branch.config), **diagnosis.remedy})
    return branch


def healthy(session: Session) -> bool:
    """Whether the fakes pass for data: over the last SETTLED rounds, the median of each score of
    the narration lies in the band that holds 99 % of real samples' scores (all modes found, as
    many points on them, as even; or the distance, or what else a game is scored by)."""
    past = [moment.scores for moment in session.again(SETTLED, SETTLED // 20)]
    return passes(past)


def passes(past: Sequence[Scores]) -> bool:
    """The same of scores that are known."""
    medians = {name: np.median([scores[name][0] for scores in past]) for name in past[-1]}
    return all(medians[name] in band for name, (_, band) in past[-1].items())


def rates(name: str) -> str:
    """How often the doctor said ``name`` of runs that had this failure, and of runs that had not;
    nothing for a verdict that was not tried."""
    table = json.loads(RATES.read_text("utf-8"))["rates"]
    if name not in table:
        return ""
    hits, runs, alarms, others = table[name]
    tried = "Tried on runs whose state was known without it, the doctor said this of"
    return f"{tried} {hits} of {runs} for which it holds, and of {alarms} of {others} others."


# -- measurements: the last rounds of a run, repeated, and what theory says of it ----------------


def forecast(config: Config, spread: float = 1.0) -> Forecast | None:
    """The forecast for ``config``; None where there is no one equilibrium or no plain SGD.

    ``spread`` is w in G(z) = w z + b, which the equilibrium of the game on the line leaves open.
    """
    if config.optimizer != "sgd" or config.turn != "both" or not np.isfinite(spread):
        return None
    world = WORLDS[config.world](config)
    game = dress(world.game, config)
    batch = world.expectation(game, config)
    point = world.equilibrium(batch, spread)
    if point is None or not len(values := small_spectrum(game, config, batch, point)):
        return None
    return foretold(values)


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

    @property
    def level(self) -> float:
        """D's loss L* where it cannot tell, NaN where nothing fixes it."""
        return loss_levels(self.config)[0] or math.nan


@alone
@one_thread()
def measure(session: Session) -> Measurements:
    """Repeat the last rounds under the present settings and measure them."""
    game, config = session.game, session.config
    spread = float(game.g_params[0].detach().sum()) if config.world == "line" else 1.0
    ahead = forecast(config, spread)
    rounds = USUAL
    if ahead is not None and math.isfinite(ahead.period):
        rounds = round(min(max(TURNS * ahead.period, LEAST), LONGEST))
    rounds = min(rounds, session.step - session.since)
    batch = game.draw(SAMPLES, generator(config.seed, 7))
    moments = [_moment(past, batch) for past in session.again(rounds, max(1, rounds // MOMENTS))]
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


def _moment(session: Session, batch: Batch) -> dict[str, Any]:
    """Numbers of one moment by the names of ``Measurements``, and points of G, fake (n, d)."""
    game = session.game
    with torch.no_grad(), evaluating(game.generator, game.discriminator):
        real, fake = game.logits(batch)
        points = game.generate(batch.latent)
    resting = 0.5 if game.loss.name == "least_squares" else 0.0  # D's answer at the equilibrium
    usual = _slope(game.loss, *2 * [torch.full_like(fake[:1], resting)])
    return {
        "d_real": float(torch.sigmoid(real).mean()),
        "d_fake": float(torch.sigmoid(fake).mean()),
        "slope": _slope(game.loss, real, fake) / usual,
        "d_loss": float(probes.LOSSES["d_loss"](session.state)),
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


# -- verdicts -------------------------------------------------------------------------------------


def _by_overflow(run: Measurements) -> Iterator[Diagnosis]:
    """Verdicts on runs that leave all bounds, or have just begun."""
    config, ahead = run.config, run.forecast
    if not run.finite:
        advice = "Numbers have overflowed: repeat from the last change with shorter steps."
        yield Diagnosis("divergence", (), advice, {"lr": config.lr / 10})
    if run.rounds < LEAST_ROUNDS:
        few = Evidence("rounds under the present settings", run.rounds, f"at least {LEAST_ROUNDS}")
        yield Diagnosis("too early", [few], "Let it run on, then ask again.")
    if run.d_loss > OVERSHOOT * run.level:
        loss = Evidence("D's loss", run.d_loss, f"above {OVERSHOOT} x {run.level:.3g}, a coin's")
        remedy = _settling(config, *({"tau": config.tau / k} for k in (3, 10, 30, 100, 1000)))
        advice = "D's steps are too long: shorten them."
        yield Diagnosis("divergence", [loss, *_foretold(run)], advice, remedy)
    if ahead is not None and run.orbit.size >= WIDE:  # networks make wide turns of their own
        factor = ahead.factor if math.isnan(run.orbit.factor) else run.orbit.factor
        if factor > GROWING:
            evidence = _orbit(run, f"above {GROWING}")
            advice = "Each turn leads farther out: add friction."
            yield Diagnosis("divergence", evidence, advice, _friction(config))


def _by_what_d_says(run: Measurements) -> Iterator[Diagnosis]:
    """Verdicts on D's answers and on what G learns from them."""
    config, gap = run.config, run.d_real - run.d_fake
    if run.slope < SLOPE:
        slope = Evidence(
            "slope of G's loss, against the equilibrium's", run.slope, f"below {SLOPE}"
        )
        evidence = [slope, Evidence("D(G(z))", run.d_fake, "1/2 at the equilibrium")]
        advice = "D takes the fakes for real, so that nothing moves G: let D learn faster."
        remedy = _faster(config)
        if config.loss == "saturating":
            advice = "D is sure of itself, and log(1 - D) is flat there: take -log D instead."
            remedy = {"loss": "non_saturating"}
        yield Diagnosis("vanishing gradient", evidence, advice, remedy)
    if run.d_loss < WINNING * run.level:
        bound = f"below {WINNING} x {run.level:.3g}, where it cannot tell"
        evidence = [Evidence("D's loss", run.d_loss, bound)]
        evidence.append(Evidence("D(x) - D(G(z))", gap, "0 at the equilibrium"))
        advice = "D learns faster than G: slow it down."
        yield Diagnosis("D too strong", evidence, advice, _slower(config))
    undecided = abs(gap) <= UNDECIDED and abs(run.d_loss / run.level - 1) <= UNDECIDED
    if undecided and run.distance > run.band and run.moved <= WIDE:
        away, most = "distance of the fakes, in the data's spread", f"above {run.band:.2g}"
        evidence = [
            Evidence("D's loss", run.d_loss, f"{run.level:.3g} where it cannot tell"),
            Evidence("D(x) - D(G(z))", gap, f"within {UNDECIDED}"),
            Evidence(away, run.distance, most),
            Evidence("way of their mean in these rounds", run.moved, f"below {WIDE}"),
        ]
        yield Diagnosis("uninformative plateau", evidence, *_open_eyes(config))


def _by_where_g_is(run: Measurements) -> Iterator[Diagnosis]:
    """Verdicts on the fakes; the last of all is that nothing is wrong."""
    config, count, covered = run.config, run.modes, run.covered
    if covered < count:
        evidence = [Evidence("modes with fakes", covered, f"of {count}")]
        if config.loss in ("saturating", "non_saturating", "relativistic"):
            kind = "relativistic" if config.loss == "relativistic" else "js"
            rests = landscape.plateau(covered, count, kind)
            bound = f"{rests:.3g} for {covered} of {count}"
            evidence.append(Evidence("D's loss", run.d_loss, bound))
        yield Diagnosis("mode collapse", evidence, *_spread_out(config))
    if STEADY <= run.orbit.factor <= GROWING and run.orbit.size > WIDE:
        advice = "Neither player gives way: add friction."
        evidence = _orbit(run, f"{STEADY} to {GROWING}")
        yield Diagnosis("cycling", evidence, advice, _friction(config))
    evidence = [
        Evidence("slope of G's loss, against the equilibrium's", run.slope, f"over {SLOPE}")
    ]
    if run.level > 0:
        evidence.append(Evidence("D's loss", run.d_loss, f"{run.level:.3g} at the equilibrium"))
    if run.orbit.factor < STEADY:
        evidence += _orbit(run, f"below {STEADY}: it spirals in")
    yield Diagnosis("healthy", evidence, "Nothing needs to be changed.")


# -- evidence from the orbit ----------------------------------------------------------------------


def _orbit(run: Measurements, bound: str) -> list[Evidence]:
    turns = Evidence("turns", run.orbit.turns, f"in {run.rounds} rounds")
    if math.isnan(run.orbit.factor):  # it has gone too far out to come around
        return [turns, *_foretold(run)]
    factor = Evidence("factor on the distance in one turn", run.orbit.factor, bound)
    return [factor, turns, *_foretold(run)]


def _foretold(run: Measurements) -> list[Evidence]:
    ahead = run.forecast
    if ahead is None:
        return []
    if not math.isfinite(ahead.period):
        return [Evidence("largest eigenvalue of a round", ahead.modulus, "1 is the edge")]
    bound = f"foretold by |s| = {ahead.modulus:.4f}, a turn in {ahead.period:.0f} rounds"
    return [Evidence("factor in a turn near the equilibrium", ahead.factor, bound)]


# -- remedies: the smallest change of one knob ----------------------------------------------------


def _settling(config: Config, *candidates: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first candidate under which the equilibrium attracts; the first where that is unknown."""
    for knobs in candidates:
        ahead = forecast(config.changed(**knobs))
        if ahead is None or ahead.modulus < 1 - 1e-6:
            return knobs
    return candidates[-1]


def _friction(config: Config) -> Mapping[str, Any]:
    shorter = [{"lr": config.lr / k} for k in (2, 5, 10, 100)]
    if config.penalty == "none":
        return _settling(config, {"penalty": "r1"}, *shorter)
    return _settling(config, {"weight": 3 * config.weight}, *shorter)


def _slower(config: Config) -> Mapping[str, Any]:
    """Less of whichever puts D ahead the most: its steps in a round, or its learning rate."""
    if config.rule == "alternating" and config.d_steps > max(config.g_steps, 1, config.tau):
        return {"d_steps": max(config.g_steps, 1)}
    if config.tau > 1:  # G's learning rate alone: D's is the product of both
        k = min(10.0, config.tau)
        return {"lr": k * config.lr, "tau": config.tau / k}
    return {"tau": config.tau / 3}


def _faster(config: Config) -> Mapping[str, Any]:
    if config.rule == "alternating" and config.g_steps > config.d_steps:
        return {"g_steps": max(config.d_steps, 1)}
    if config.rule == "alternating" and config.d_steps == 0:
        return {"d_steps": 1}
    return {"tau": max(1.0, 3 * config.tau)}


def _spread_out(config: Config) -> tuple[str, Mapping[str, Any]]:
    if config.g_steps > config.d_steps or config.tau < 1 / 3:
        return "G runs ahead to where D is weakest: let D keep up.", _faster(config)
    if config.loss in ("saturating", "non_saturating"):
        advice = "Try the relativistic loss: it had all five Gaussians in 187 of 200 runs, the "
        return advice + "non-saturating one in 176 (chapter 10).", {"loss": "relativistic"}
    return "D does not see the lost modes: let it learn faster.", _faster(config)


def _open_eyes(config: Config) -> tuple[str, Mapping[str, Any]]:
    if config.noise > 1:
        return "Instance noise drowns the difference: take less.", {"noise": config.noise / 10}
    remedy = dict(_faster(config))
    plain = config.world == "plane" and config.optimizer in ("sgd", "momentum")
    if plain and "tau" in remedy and config.lr > 0:
        remedy["tau"] = max(remedy["tau"], float(f"{AWAKE / config.lr:.12g}"))
    return "D sees no difference where there is one: let it learn faster.", remedy

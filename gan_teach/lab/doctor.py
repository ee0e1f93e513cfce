"""The lab's doctor: says what is wrong with a run, by which numbers, and what to change.

``diagnose(session)`` repeats the last rounds of the run, compares what it sees with what the theory
says, and names the first failure whose signs are there. ``treat`` makes the proposed change in a
branch of the run, and ``follow_up`` says what came of it. The bounds are

    D's loss: its value L* where real and generated points agree (2 log 2 for cross-entropy). D can
        always have it by answering 1/2, so a loss well above it means that D's steps are too long;
        one far below it, that D wins.
    slope: |dL_G / d logit| at the fakes, which is D(G(z)) for the saturating loss, divided by its
        value at the equilibrium. Without it no gradient of D reaches the generator.
    orbit: the factor on the distance in one turn, which theory gives as |s|^period for the leading
        eigenvalue s of a round at the equilibrium (see ``forecast``).

How often it was right, on 50 runs with each failure that was known without it, and what its
remedies did, stands in ``doctor_rates.json``, which ``tests/benchmarks/doctor_rates.py --write``
wrote. Theorems speak of plain gradient descent near an equilibrium; ``forecast`` says where.
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

from gan_teach import metrics, plots
from gan_teach._devices import one_thread
from gan_teach.dynamics.streams import generator
from gan_teach.games import Batch
from gan_teach.games.base import flatten
from gan_teach.games.losses import Loss
from gan_teach.lab import world
from gan_teach.lab.config import KNOBS, NETWORKS, PRESETS, Config, Replay, named
from gan_teach.lab.line import Forecast, foretold
from gan_teach.lab.networks import FOUND, ON_MODES, UNEVEN
from gan_teach.lab.session import WORLDS, Session, alone
from gan_teach.models import evaluating
from gan_teach.training import probes

LEAST_ROUNDS = 50  # fewer say nothing
OVERSHOOT = 1.5  # of L*: above it D loses to a coin
WINNING = 0.1  # of L*: below it D knows nearly everything
SLOPE = 0.1  # of its value at the equilibrium
GROWING, STEADY = 1.05, 0.95  # factor on the distance in one turn
WIDE = 0.3  # standard deviations of the data: a smaller orbit is noise
HEAVY = 10.0  # weight of R1 or R2: from here on D may answer 1/2 because of it
DROWNED = "Instance noise drowns the difference: take a tenth of it."
AGAIN = "repeat from the last change"
LOST = f"Out there G learns next to nothing, so {AGAIN}"
DRIVEN = "It is there, but these steps drive it off its equilibrium: ask again later."
UNTRIED = (
    "The doctor was tried on the line and in the plane, and knows no bounds for images. Look at "
    "the pictures, or compare the run with a twin."
)
PLAIN = "Plain gradient descent moves networks little: take Adam, longer steps, one rate for both."
UNDECIDED = 0.05  # D(x) - D(G(z)), and L_D / L* - 1: closer, D sees no difference

SETTLED = 100  # rounds over which the fakes must pass for data
NEARER = 0.9  # of the distance in the first half of the rounds: at more, nothing has come nearer
FOLLOW = 500  # rounds that a remedy is given before it is judged
SHARPER = 0.02  # more of the points on a mode than in that half: they come nearer all the same
BEYOND = 1e6  # of fakes, in these units, and of parameters: as good as an overflow
AWAY = 1.25  # standard deviations from the data's mean: fakes beyond the data, not on a part of it
HARDLY = 0.05  # standard deviations of the data that G's mean moves: a G that hardly moves
CURED = 0.6  # of the runs treated: with fewer the doctor says so
USUAL = 200  # rounds to look at where no theory says how long a turn takes
LEAST, LONGEST, TURNS = 100, 1000, 4  # where it does: four turns within these bounds
MOMENTS = 50  # at most, evenly spaced over them
SAMPLES = 200  # points of each kind
BAND_REPEATS = 199
LONGER, LONGEST_STEP = 10, 0.01  # Adam's learning rate that freed collapsed runs: factor, at most

Knobs = Mapping[str, Any]
Treatment = tuple[str, Knobs]  # in words, and the same as knobs
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

    The names are "too early", "divergence", "not learning", "vanishing gradient", "D too strong",
    "uninformative plateau", "mode collapse", "cycling", "not there yet" and "healthy"; of images
    "no verdict" where it is none of the first three.
    The remedy is the knobs to turn from ``step`` on, {} for none; ``config`` is what it is for.
    """

    name: str
    evidence: Sequence[Evidence]
    advice: str
    remedy: Mapping[str, Any] = field(default_factory=dict)
    step: int = 0
    config: Config | None = None

    def __str__(self) -> str:
        signs = "; ".join(map(str, self.evidence))
        return ". ".join(part for part in (self.name, signs, self.advice) if part)


def diagnose(session: Session) -> Diagnosis:
    """What the last rounds of ``session`` say, which stays as it is."""
    found = judge(measure(session))
    step = _last_finite(session) if AGAIN in found.advice else session.step
    return replace(found, step=step, config=session.config)


def judge(run: Measurements) -> Diagnosis:
    """The first failure whose signs are in these numbers, since it may bring about later ones."""
    found = next(chain(_by_overflow(run), _by_what_d_says(run), _by_where_g_is(run)))
    remedy = _possible(run.config, found.remedy)
    if found.remedy and not remedy:
        found = replace(found, advice="No knob goes any further here: rewind or reset the run.")
    return replace(found, remedy=remedy)


def treat(session: Session, diagnosis: Diagnosis) -> Session:
    """A branch of ``session`` in which the remedy acts, from where the diagnosis says.

    Raises ValueError for a diagnosis without a remedy, or of a run that is no more this one.
    """
    if not diagnosis.remedy:
        raise ValueError(f"{diagnosis.name!r} has no remedy among the knobs of a run.")
    if diagnosis.config != session.config or diagnosis.step > session.step:
        raise ValueError("this run is not as it was examined: examine it again.")
    branch = session.branch()
    branch.rewind(diagnosis.step)
    branch.set(**{**session.config.differences(branch.config), **diagnosis.remedy})
    return branch


def follow_up(before: Diagnosis, now: Diagnosis) -> str:
    """What became of a run ``before`` examined and then treated, in a sentence; nothing where it
    has other settings now."""
    rounds = now.step - before.step
    if before.config is None or now.config != before.config.changed(**before.remedy) or rounds < 0:
        return ""
    after = f"{rounds} rounds after {before.name!r} was treated with {named(before.remedy)}: "
    if now.name == "too early" or (rounds < FOLLOW and now.name != "healthy"):
        return f"{after}too early to say. Ask again after {FOLLOW}."
    if now.name == "healthy":
        return f"{after}healthy."
    state = f"still {now.name!r}" if now.name == before.name else f"now {now.name!r}"
    step = f"Next step: {named(now.remedy)}." if now.remedy else "No knob to turn: let it run on."
    return f"{after}{state}. {step}"


def healthy(session: Session) -> bool:
    """Whether the fakes pass for data: over the last SETTLED rounds, the median of each score of
    the narration lies in the band that holds 99 % of real samples' scores (all modes found, as
    many points on them, as even; or the distance, or what else a game is scored by)."""
    return passes([moment.scores for moment in last_rounds(session, SETTLED, SETTLED // 20)])


def passes(past: Sequence[world.Scores]) -> bool:
    """The same of scores that are known."""
    return all(medians_of(past)[name] in band for name, (_, band) in past[-1].items())


def medians_of(past: Sequence[world.Scores]) -> dict[str, float]:
    """{score: its median}"""
    return {name: float(np.median([row[name][0] for row in past])) for name in past[-1]}


def rates(name: str) -> str:
    """How often the doctor said ``name`` of runs that had this failure and of healthy runs, and how
    often its remedies made them healthy, case by case; nothing for a verdict that was not tried."""
    told, false, runs = [], 0, 0
    for title, row in json.loads(RATES.read_text("utf-8")).items():
        said = row["said"].get(name, 0)
        if row["name"] == name:
            told.append(f"{title}: found {said} of {row['runs']}{_cures(row, said)}.")
        elif "healthy" in (row["name"], name):
            false, runs = false + said, runs + row["runs"]
    kind = "runs with a failure" if name == "healthy" else "healthy runs"
    others = f"It said this of {false} of {runs} {kind}."
    return " ".join(["Tried on runs whose state was known:", *told, others]) if told else ""


def _cures(row: Mapping[str, Any], hits: int) -> str:
    if "within three" not in row or not hits:
        return ""
    three = row["within three"]
    share = f", {three / hits:.0%}: do not count on it" if three < CURED * hits else ""
    return f"; the first remedy made {row['first']} of these healthy, three {three}{share}"


# -- measurements: the last rounds of a run, repeated, and what theory says of it ----------------


def forecast(config: Config, spread: float = 1.0) -> Forecast | None:
    """The forecast for ``config``; None where there is no one equilibrium or no plain SGD.

    ``spread`` is w in G(z) = w z + b, which the equilibrium of the game on the line leaves open.
    Penalties that want a slope of one move the equilibrium, and so do, on the line, targets for D
    that its answer 1/2 does not meet.
    """
    moved = config.penalty in world.NOT_ZERO_IN_THE_FLAT and config.weight > 0
    if config.world == "line":
        moved |= config.loss == "least_squares" or config.smoothing < 1
    plain = config.optimizer == "sgd" and config.turn == "both" and config.world not in NETWORKS
    if not plain or moved or not np.isfinite(spread):
        return None
    own: Any = WORLDS[config.world](config)
    world.dress(own.game, config)
    values = own.round_spectrum(config, own.equilibrium(spread))
    values = values[np.abs(values - 1) > 1e-9]  # 1 is that along a line of equilibria
    return foretold(values) if len(values) else None


class Orbit(NamedTuple):
    """How G's center went around the data's: number of ``turns``, the ``factor`` on its distance
    in one turn (NaN for less than one), and the largest distance, its ``size``."""

    turns: float = 0.0
    factor: float = math.nan
    size: float = math.inf


@dataclass(frozen=True, eq=False)
class Measurements:
    """Numbers of the last ``rounds`` rounds, all under one ``config``; medians where they vary.
    Of images no more than ``finite`` and ``scores`` is known.

    Lengths are in standard deviations of the data (in its own units where the data are one point).
    d_loss : what D's updates saw; d_real, d_fake : mean D, on what D sees.
    slope : mean |dL_G / d logit| over the fakes, divided by its value at the equilibrium.
    orbit, moved : of the fakes' mean around the data's, and how far it was from where it is now.
    scores, usual, earlier : those of the narration at the end, and their medians over the last
        rounds, and over the first half of these rounds.
    well : whether these pass for those of data.
    away : from the data's mean to that of the fakes, in the second half of these rounds.
    distance, before, band : of the fakes to the data, in what this D can see (the means where it is
        a straight line, else the sliced Wasserstein distance), in the second half of these rounds,
        in the first half, and what passes for none.
    """

    config: Config
    rounds: int
    finite: bool
    d_loss: float = math.nan
    d_real: float = math.nan
    d_fake: float = math.nan
    slope: float = math.nan
    forecast: Forecast | None = None
    orbit: Orbit = field(default_factory=Orbit)
    moved: float = math.inf
    scores: world.Scores = field(default_factory=dict)
    usual: Mapping[str, float] = field(default_factory=dict)
    earlier: Mapping[str, float] = field(default_factory=dict)
    well: bool = False
    away: float = math.nan
    distance: float = math.nan
    before: float = math.nan
    band: float = math.nan

    @property
    def nearer(self) -> bool:
        """Whether it comes nearer: G to the data and, where that is seen, both to the equilibrium;
        more points to the modes; or in turns, where theory may foretell one that is longer than
        these rounds."""
        rests = "distance from the equilibrium"
        if self.usual.get(rests, 0.0) > self.earlier.get(rests, math.inf):
            return False
        if self.usual.get(ON_MODES, 0.0) - self.earlier.get(ON_MODES, 0.0) > SHARPER:
            return True
        factor, ahead = self.orbit.factor, self.forecast
        if ahead is not None and math.isnan(factor) and self.rounds < ahead.period < math.inf:
            factor = ahead.factor
        if ahead is not None and math.isnan(factor) and ahead.modulus >= 1 - 1e-6:
            return False  # theory foretells no approach
        return factor < STEADY or self.distance < NEARER * self.before

    @property
    def shaken(self) -> bool:
        """Whether what looks like turns may be noise around an equilibrium that attracts."""
        attracts = self.forecast is not None and self.forecast.factor < STEADY
        drawn = self.config.noise > 0 or self.config.world == "line"
        return attracts and drawn and self.orbit.size < 1

    @property
    def level(self) -> float:
        """D's loss L* where it cannot tell, NaN where nothing fixes it."""
        return world.loss_levels(self.config)[0] or math.nan


@alone
@one_thread()
def measure(session: Session) -> Measurements:
    """Repeat the last rounds under the present settings and measure them."""
    game, config, known = session.game, session.config, session.step - session.since
    if config.world == "images":
        finite = bool((flatten(game).abs() < BEYOND).all())
        return Measurements(config, known, finite, scores=session.scores)
    spread = float(game.g_params[0].detach().sum()) if config.world == "line" else 1.0
    ahead = forecast(config, spread)
    rounds = USUAL
    if ahead is not None and math.isfinite(ahead.period):
        rounds = round(min(max(TURNS * ahead.period, LEAST), LONGEST))
    rounds = min(rounds, known)
    batch = game.draw(SAMPLES, generator(config.seed, 7))
    moments = [_moment(past, batch) for past in last_rounds(session, rounds, rounds // MOMENTS)]
    numbers: Any = {name: [moment[name] for moment in moments] for name in moments[0]}
    real, fakes, scores = batch.real.double().numpy(), numbers.pop("fake"), numbers.pop("scores")
    unit = float(np.sqrt(real.var(0).sum())) or 1.0
    with np.errstate(over="ignore", invalid="ignore"):
        centers = np.stack([fake.mean(0) - real.mean(0) for fake in fakes]) / unit
        finite = bool((np.abs(centers) < BEYOND).all())  # NaN is not
    medians: Any = {name: _median(values) for name, values in numbers.items()}
    run = Measurements(config, rounds, finite, forecast=ahead, **medians)
    if not finite:
        return run
    last = scores[-max(1, round(len(scores) * SETTLED / max(rounds, SETTLED))) :]
    moved = float(np.linalg.norm(centers - centers[-1], axis=1).max())
    away = distances = np.linalg.norm(centers, axis=1)
    band = 0.5  # a D that is a straight line sees means only
    if real.shape[1] > 1:  # others see everything; so far apart are 99 % of pairs of data samples
        metric = partial(metrics.sliced_wasserstein, projections=16)
        band = metrics.noise_band(metric, game.data, SAMPLES, BAND_REPEATS).high / unit
        distances = [metric(fake, real) / unit for fake in fakes]
    before, distance = (float(np.median(half)) for half in halves(distances))
    return replace(
        run, orbit=orbit(centers), moved=moved, scores=scores[-1], usual=medians_of(last),
        earlier=medians_of(halves(scores)[0]), well=passes(last), distance=distance,
        before=before, band=band, away=float(np.median(halves(away)[1])),
    )  # fmt: skip


def last_rounds(session: Session, rounds: int, every: int) -> Iterator[Session]:
    """The run as it stood before its last ``rounds`` updates, every so often, and as it stands."""
    return session.at(
        [*range(max(0, session.step - rounds), session.step, every or 1), session.step]
    )


def halves(items: Any) -> tuple[Any, Any]:
    """The first and the second half; all of them twice where there are too few."""
    middle = len(items) // 2
    return (items[:middle] if middle else items), items[middle:]


def orbit(centers: NDArray) -> Orbit:
    """The orbit of centers (T, d) around 0: turns are counted along the axis they move on most.

    A change of side counts where the distance is over a quarter of the largest in that half of the
    time, so that noise around 0 is no turn. The factor compares both halves' largest distances.
    """
    size = float(np.linalg.norm(centers, axis=1).max())
    if len(centers) < 4:
        return Orbit(size=size)
    *_, axes = np.linalg.svd(centers - centers.mean(0), full_matrices=False)
    halves = np.array_split(centers @ axes[0], 2)
    early, late = (float(np.abs(half).max()) for half in halves)
    sides = np.concatenate([np.sign(x[np.abs(x) > 0.25 * np.abs(x).max()]) for x in halves])
    turns = float((np.diff(sides) != 0).sum()) / 2
    factor = (late / early) ** (2 / turns) if turns >= 1 and early > 0 else math.nan
    return Orbit(turns, factor, size)


def _moment(session: Session, batch: Batch) -> dict[str, Any]:
    """Numbers of one moment by the names of ``Measurements``, its scores, and points of G, fake (n,
    d)."""
    game = session.game
    with torch.no_grad(), evaluating(game.generator, game.discriminator):
        real, fake = game.logits(batch)
        points = game.generate(batch.latent)
    free = session.config.world != "dirac"  # there D's logit at the data is 0, whatever it learns
    resting = 0.5 if free and game.loss.name == "least_squares" else 0.0  # at the equilibrium
    usual = _slope(game.loss, *2 * [torch.full_like(fake[:1], resting)])
    return {
        "d_real": float(torch.sigmoid(real).mean()),
        "d_fake": float(torch.sigmoid(fake).mean()),
        "slope": _slope(game.loss, real, fake) / usual,
        "d_loss": float(probes.LOSSES["d_loss"](session.state)),
        "scores": session.scores,
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


def _last_finite(session: Session) -> int:
    """The last step within bounds at which a knob was turned, or the start."""
    turned = sorted(Replay.parse(session.replay).changes, reverse=True)
    within = (past for past in session.at(turned) if (flatten(past.game).abs() < BEYOND).all())
    return next((past.step for past in within), 0)


# -- verdicts -------------------------------------------------------------------------------------


def _by_overflow(run: Measurements) -> Iterator[Diagnosis]:
    """Verdicts on runs that leave all bounds, stand still, or have just begun."""
    config, ahead = run.config, run.forecast
    lost = run.slope < SLOPE and config.world != "plane"
    if not run.finite:
        yield Diagnosis("divergence", (), *_again(config, f"Numbers have left all bounds: {AGAIN}"))
    asleep, remedy = _asleep(config)
    if asleep and not run.well:
        yield Diagnosis("not learning", _scored(run), asleep, remedy)
    if run.rounds < LEAST_ROUNDS:
        few = Evidence("rounds under the present settings", run.rounds, f"at least {LEAST_ROUNDS}")
        yield Diagnosis("too early", [few], "Let it run on, then ask again.")
    if run.d_loss > OVERSHOOT * run.level and not _heavy(config):  # whose penalty is part of it
        loss = Evidence("D's loss", run.d_loss, f"above {OVERSHOOT} x {run.level:.3g}, a coin's")
        yield Diagnosis("divergence", [loss, *_foretold(run)], *_shorter(config, lost))
    if ahead is not None and run.orbit.size >= WIDE and not run.shaken:  # networks turn widely
        factor, how = run.orbit.factor, "With such steps the equilibrium drives off what is near it"
        if math.isnan(factor) and not run.nearer:  # too far out to come around
            factor = ahead.factor if math.isfinite(ahead.period) else ahead.modulus
        if factor > GROWING:
            treatment = _friction(config, LOST if lost else how)
            yield Diagnosis("divergence", _orbit(run, f"above {GROWING}"), *treatment)


def _by_what_d_says(run: Measurements) -> Iterator[Diagnosis]:
    """Verdicts on D's answers and on what G learns from them, where the fakes are not right."""
    if run.well:
        return
    if run.config.world == "images":  # the bounds were tried on the line and in the plane alone
        yield Diagnosis("no verdict", _scored(run), UNTRIED)
    config, gap = run.config, run.d_real - run.d_fake
    if run.slope < SLOPE:
        what = "slope of G's loss, against the equilibrium's"
        evidence = [Evidence(what, run.slope, f"below {SLOPE}")]
        if config.loss in ("saturating", "non_saturating"):  # others fix no answer of D
            usual = f"{plots.equilibrium_score(config.smoothing):.3g} at the equilibrium"
            evidence.append(Evidence("D(G(z))", run.d_fake, usual))
        treatment = _faster(config, "D takes the fakes for real, so that nothing moves G")
        if config.world == "dirac":  # where D is sure far out alone, and -log D throws farther out
            treatment = f"{LOST}: plain steps at the preset's rate, with the penalty R1.", {
                "optimizer": "sgd", "lr": PRESETS[config.preset].lr, "penalty": "r1", "weight": 1.0
            }  # fmt: skip
        elif config.loss == "saturating":
            advice = "D is sure of itself, and log(1 - D) is flat there: take -log D instead."
            treatment = advice, {"loss": "non_saturating"}
        yield Diagnosis("vanishing gradient", evidence, *treatment)
    if run.d_loss < WINNING * run.level:
        bound = f"below {WINNING} x {run.level:.3g}, where it cannot tell"
        evidence = [Evidence("D's loss", run.d_loss, bound)]
        evidence.append(Evidence("D(x) - D(G(z))", gap, "0 at the equilibrium"))
        yield Diagnosis("D too strong", evidence, *_slower(config))
    undecided = abs(gap) <= UNDECIDED and abs(run.d_loss / run.level - 1) <= UNDECIDED
    stuck = not run.nearer and run.distance > run.band and run.moved <= WIDE
    if undecided and stuck:
        away = "distance of the fakes, in the data's spread"
        evidence = [
            Evidence("D's loss", run.d_loss, f"{run.level:.3g} where it cannot tell"),
            Evidence("D(x) - D(G(z))", gap, f"within {UNDECIDED}"),
            Evidence(away, run.distance, f"above {run.band:.2g}"),
            Evidence("way of their mean in these rounds", run.moved, f"below {WIDE}"),
        ]
        yield Diagnosis("uninformative plateau", evidence, *_open_eyes(config))


def _by_where_g_is(run: Measurements) -> Iterator[Diagnosis]:
    """Verdicts on the fakes; the last of all is that no failure shows, and they are not right."""
    config = run.config
    if run.well:
        driven = run.forecast is not None and run.forecast.factor > GROWING
        advice = DRIVEN if driven else f"Nothing needs to be changed. {_asleep(config)[0]}".strip()
        yield Diagnosis("healthy", _scored(run) + driven * _foretold(run), advice)
    if config.world == "plane" and run.away > AWAY and not run.nearer:
        apart = Evidence("distance of the means, in the data's spread", run.away, f"above {AWAY}")
        treatment = _spread_out(config, "The fakes stand beside the data and come no nearer")
        yield Diagnosis("not learning", [*_scored(run), apart], *treatment)
    now = {name: score for name, (score, _) in run.scores.items()}
    if _collapsed(run, now) and _collapsed(run, run.usual):
        treatment = _spread_out(config, "The fakes have run together")
        yield Diagnosis("mode collapse", _scored(run), *treatment)
    turning = (run.forecast and not run.shaken) or run.orbit.size > WIDE
    if STEADY <= run.orbit.factor <= GROWING and turning:
        treatment = _friction(config, "Neither player gives way")
        yield Diagnosis("cycling", _orbit(run, f"{STEADY} to {GROWING}"), *treatment)
    evidence = _scored(run)
    if run.orbit.factor < STEADY and config.world != "plane":
        evidence += _orbit(run, f"below {STEADY}: it spirals in")
    elif math.isnan(run.orbit.factor):
        evidence += _foretold(run)
    if run.nearer:
        yield Diagnosis("not there yet", evidence, "It comes nearer: let it run on.")
    hardly = WIDE if run.before - run.distance > run.moved / 3 else HARDLY  # straight to the data
    pinned = config.penalty in world.NOT_ZERO_IN_THE_FLAT and config.world != "plane"
    if run.moved < hardly and run.distance > max(run.band, WIDE) and not pinned:
        evidence.append(Evidence("way of the fakes' mean", run.moved, f"in {run.rounds} rounds"))
        advice = "G hardly moves: take ten times the learning rate."
        yield Diagnosis("not learning", evidence, advice, {"lr": 10 * config.lr})
    if run.distance > max(run.band, WIDE):
        treat_with = _spread_out if config.world == "plane" else _friction
        yield Diagnosis("not learning", evidence, *treat_with(config, "It comes no nearer"))
    if config.noise and config.world == "plane":
        advice = "D cannot see finer than the instance noise: take it away."
        yield Diagnosis("not there yet", evidence, advice, {"noise": 0.0})
    advice = "It no longer comes nearer: take shorter steps, a third of the learning rate."
    yield Diagnosis("not there yet", evidence, advice, {"lr": float(f"{config.lr / 3:.3g}")})


def _collapsed(run: Measurements, scores: Mapping[str, float]) -> bool:
    """Whether modes are left out: on the modes, and not on all of them, or as uneven as with one
    lost, KL = log(K / (K - 1)); off them, as uneven as 95 to 5 of two."""
    if FOUND not in scores:
        return False
    found, kl = run.scores[FOUND][1], run.scores[UNEVEN][1]
    if scores[ON_MODES] < 0.5:
        return scores[UNEVEN] >= 0.49
    one_lost = max(math.log(found.high / (found.high - 1)), kl.high)
    return scores[FOUND] < found.low or scores[UNEVEN] >= min(one_lost, 0.49)


def _asleep(config: Config) -> Treatment:
    """Who can learn nothing under these settings and why, in words, and what wakes them."""
    steps = config.rule == "alternating" and config.turn == "both"
    reasons = (
        (config.lr == 0, "Neither player moves: the learning rate is 0.",
         {"lr": PRESETS[config.preset].lr}),
        (config.turn == "d", "G does not move: D alone has its turn.", {"turn": "both"}),
        (steps and config.g_steps == 0, "G does not move: it has no step.", {"g_steps": 1}),
        (config.turn == "g", "D does not move: G alone has its turn.", {"turn": "both"}),
        (steps and config.d_steps == 0, "D does not move: it has no step.", {"d_steps": 1}),
        (config.tau == 0, "D does not move: its learning rate is 0.", {"tau": 1.0}),
        (config.world == "plane" and config.depth == 0,
         "D is a straight line and sees means only: start anew with hidden layers.", {}),
    )  # fmt: skip
    return next(((why, remedy) for so, why, remedy in reasons if so), ("", {}))


# -- evidence -------------------------------------------------------------------------------------


def _scored(run: Measurements) -> list[Evidence]:
    """What the narration says at the end, with the bounds of real points, and what was usual where
    that was something else."""
    signs = []
    for name, (score, band) in run.scores.items():
        real = f"{band.low:.3g} to {band.high:.3g}" if band.low != band.high else f"{band.high:.0f}"
        usual = run.usual.get(name, score)
        apart = (score in band) != (usual in band)
        wont = f"; in the middle of the last rounds {usual:.3g}" * apart
        signs.append(Evidence(name, float(score), f"{real} for data{wont}"))
    return signs


def _orbit(run: Measurements, bound: str) -> list[Evidence]:
    turns = f"{run.orbit.turns:g} turns in {run.rounds} rounds"
    if math.isnan(run.orbit.factor):
        return [Evidence("G's largest distance", run.orbit.size, turns), *_foretold(run)]
    factor = Evidence("factor on the distance in one turn", run.orbit.factor, f"{bound}; {turns}")
    return [factor, *_foretold(run)]


def _foretold(run: Measurements) -> list[Evidence]:
    ahead = run.forecast
    if ahead is None:
        return []
    if not math.isfinite(ahead.period):
        what = "largest |eigenvalue| of a round near the equilibrium, less 1"
        return [Evidence(what, ahead.modulus - 1, "0 is the edge")]
    bound = f"foretold by |s| = {ahead.modulus:.4f}; a turn there takes {ahead.period:.0f} rounds"
    return [Evidence("factor in a turn near the equilibrium", ahead.factor, bound)]


# -- remedies: the change, in words and as knobs --------------------------------------------------


def _possible(config: Config, remedy: Knobs) -> Knobs:
    """What the remedy changes, within the knobs' bounds; {} where it does not fit."""
    most = {name: value if isinstance(value, str) else min(value, KNOBS[name].high)
            for name, value in remedy.items()}  # fmt: skip
    try:
        return config.changed(**most).differences(config)
    except ValueError:
        return {}


def _settling(config: Config, knob: str, parts: Sequence[float], *first: Knobs) -> Knobs:
    """The first change under which the equilibrium attracts, or of which that is unknown: of
    ``first``, then of the knob's value divided by each of ``parts``."""
    changes = [*first, *({knob: getattr(config, knob) / k} for k in parts)]
    for knobs in changes:
        ahead = forecast(config.changed(**_possible(config, knobs)))
        if ahead is None or ahead.modulus < 1 - 1e-6:
            return knobs
    return changes[-1]


def _again(config: Config, seen: str) -> Treatment:
    return f"{seen}, in shorter steps.", _settling(config, "lr", (10, 100, 1e3, 1e4, 1e5))


def _hurried(config: Config) -> Knobs:
    """As many G steps as D steps where there are more; {} where there are not."""
    most = max(config.d_steps, 1)
    return {"g_steps": most} if config.rule == "alternating" and config.g_steps > most else {}


def _heavy(config: Config) -> bool:
    return config.penalty in ("r1", "r2") and config.weight >= HEAVY


def _friction(config: Config, seen: str) -> Treatment:
    damped, advice = {"weight": max(3 * config.weight, 1.0)}, "let the penalty weigh more."
    if config.penalty in ("none", *world.NOT_ZERO_IN_THE_FLAT):
        damped = {"penalty": "r1"} | ({} if config.weight else {"weight": 1.0})
        advice = "add friction, the penalty R1 on D."
    remedy = _settling(config, "lr", (2, 5, 10, 100), damped)
    return f"{seen}: {advice if remedy == damped else 'take shorter steps.'}", remedy


def _shorter(config: Config, lost: bool) -> Treatment:
    if config.noise > 1:
        return DROWNED, {"noise": config.noise / 10}
    if fewer := _hurried(config):
        return "G moves on before D can follow: let D have as many steps.", fewer
    rates = {"lr": PRESETS[config.preset].lr, "tau": PRESETS[config.preset].tau}
    if 3 * config.lr * config.tau < math.prod(rates.values()):
        return f"D is too slow to follow G: {AGAIN}, at the preset's rates.", rates
    if lost:
        return _again(config, LOST)
    remedy = _settling(config, "tau", (3, 10, 30, 100, 1000))
    return "D answers worse than a coin: shorten its steps.", remedy


def _slower(config: Config) -> Treatment:
    """Less of whichever puts D ahead the most: its steps in a round, or its learning rate."""
    if config.rule == "alternating" and config.d_steps > max(config.g_steps, 1, config.tau):
        return "D has more steps than G: take fewer.", {"d_steps": max(config.g_steps, 1)}
    if config.tau > 1:  # G's learning rate alone: D's is the product of both
        k = min(10.0, config.tau)
        advice = f"D's rate is {config.tau:g} times G's: raise G's, and leave D's as it is."
        return advice, {"lr": k * config.lr, "tau": config.tau / k}
    return "D tells nearly all: let it learn at a third of its rate.", {"tau": config.tau / 3}


def _faster(config: Config, seen: str) -> Treatment:
    if fewer := _hurried(config):
        return f"{seen}. Let G move no more often than D.", fewer
    return f"{seen}. Let D learn at a higher rate.", {"tau": max(1.0, 3 * config.tau)}


def _spread_out(config: Config, seen: str) -> Treatment:
    """What freed fakes from one place. Tried on two Gaussians with ten G steps (seeds 1000 to 1023,
    500 rounds each): all of these freed 24 of 24 runs, as many steps for D as for G 3, and longer
    steps with them 17. R1 did as DRAGAN did; noise that is taken away again freed all as well."""
    adam, longer = config.optimizer.startswith("adam"), min(LONGER * config.lr, LONGEST_STEP)
    parts: list[tuple[str, Knobs]] = [
        ("let G move no more often than D", _hurried(config)),
        ("let D learn at G's rate", {"tau": 1.0} if config.tau < 1 / 3 else {}),
        ("let Adam make the steps", {} if adam else {"optimizer": "adam0"}),
        ("take longer steps", {"lr": longer} if config.lr < LONGEST_STEP else {}),
        ("keep D's slope near the data at 1 (DRAGAN)",
         {} if config.penalty == "dragan" else {"penalty": "dragan", "weight": 1.0}),
    ]  # fmt: skip
    words = ", ".join(told for told, knobs in parts if knobs)
    if not words:
        return f"{seen}. What freed other runs is in force: let it run on, or reset it.", {}
    return f"{seen}: {words}.", {name: value for _, knobs in parts for name, value in knobs.items()}


def _open_eyes(config: Config) -> Treatment:
    if config.noise > 1:
        return DROWNED, {"noise": config.noise / 10}
    if _heavy(config):
        return "The penalty holds D flat: weigh it a tenth.", {"weight": config.weight / 10}
    seen = "D sees no difference where there is one"
    if config.world == "plane" and not config.optimizer.startswith("adam"):
        longer = min(LONGER * config.lr, LONGEST_STEP)
        return f"{seen}. {PLAIN}", {"optimizer": "adam0", "lr": longer, "tau": 1.0}
    return _faster(config, seen)

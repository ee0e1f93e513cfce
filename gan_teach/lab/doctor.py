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
        eigenvalue s of a round at the equilibrium (see ``measurements.forecast``).

How often it was right, on at least 50 runs with each failure that was known without it, stands in
``doctor_rates.json``, which ``tests/benchmarks/doctor_rates.py --write`` wrote.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from gan_teach import _checks
from gan_teach.analysis import landscape
from gan_teach.lab.config import Config
from gan_teach.lab.measurements import Measurements, forecast, measure
from gan_teach.lab.session import Session
from gan_teach.lab.world import loss_levels

NAMES = (
    "too early", "divergence", "vanishing gradient", "D too strong", "cycling", "mode collapse",
    "uninformative plateau", "healthy",
)  # fmt: skip
"""What the doctor may say, in the order in which it looks for it."""

LEAST_ROUNDS = 50  # fewer say nothing
OVERSHOOT = 1.5  # of L*: above it D loses to a coin
WINNING = 0.1  # of L*: below it D knows nearly everything
SLOPE = 0.1  # of its value at the equilibrium
GROWING, STEADY = 1.05, 0.95  # factor on the distance in one turn
WIDE = 0.3  # standard deviations of the data: a smaller orbit is noise
AWAKE = 0.05  # a learning rate at which plain gradient descent moves a network's D
UNDECIDED = 0.05  # D(x) - D(G(z)), and L_D / L* - 1: closer, D sees no difference


class Evidence(NamedTuple):
    """A number and the bound that makes it a sign."""

    what: str
    value: float
    bound: str

    def __str__(self) -> str:
        return f"{self.what}: {self.value:.3g} ({self.bound})"


@dataclass(frozen=True)
class Diagnosis:
    """A ``name`` of ``NAMES``, the ``evidence`` for it, ``advice`` in words, and the ``remedy``.

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
    diagnoses = (sign(run) for sign in SIGNS)
    first = next((diagnosis for diagnosis in diagnoses if diagnosis is not None), None)
    if first is None:
        first = Diagnosis("healthy", _signs_of_health(run), "Nothing needs to be changed.")
    return replace(first, step=session.step if run.finite else session.since)


def treat(session: Session, diagnosis: Diagnosis) -> Session:
    """A branch of ``session`` in which the remedy acts, from where the diagnosis says.

    Raises ValueError for a diagnosis without a remedy.
    """
    _checks.instance("diagnosis", diagnosis, Diagnosis)
    if not diagnosis.remedy:
        raise ValueError(f"{diagnosis.name!r} has no remedy among the knobs of a run.")
    branch = session.branch()
    branch.rewind(min(diagnosis.step, branch.step))
    branch.set(**{**session.config.differences(branch.config), **diagnosis.remedy})
    return branch


Sign = Callable[[Measurements], Diagnosis | None]


def _too_early(run: Measurements) -> Diagnosis | None:
    if run.rounds >= LEAST_ROUNDS or not run.finite:
        return None
    rounds = Evidence("rounds under the present settings", run.rounds, f"at least {LEAST_ROUNDS}")
    return Diagnosis("too early", [rounds], "Let it run on, then ask again.")


def _overflow(run: Measurements) -> Diagnosis | None:
    config, level = run.config, loss_levels(run.config)[0]
    if not run.finite:
        advice = "Numbers have overflowed: repeat from the last change with shorter steps."
        return Diagnosis("divergence", (), advice, {"lr": config.lr / 10})
    if not level or not run.d_loss > OVERSHOOT * level:
        return None
    loss = Evidence("D's loss", run.d_loss, f"above {OVERSHOOT} x {level:.3g}, a coin's")
    remedy = _settling(config, *({"tau": config.tau / k} for k in (3, 10, 30, 100, 1000)))
    advice = "D's steps are too long: shorten them."
    return Diagnosis("divergence", [loss, *_foretold(run)], advice, remedy)


def _vanishing(run: Measurements) -> Diagnosis | None:
    if not run.slope < SLOPE:
        return None
    slope = Evidence("slope of G's loss, against the equilibrium's", run.slope, f"below {SLOPE}")
    score = Evidence("D(G(z))", run.d_fake, "1/2 at the equilibrium")
    if run.config.loss == "saturating":
        advice = "D is sure of itself, and log(1 - D) is flat there: take -log D instead."
        remedy = {"loss": "non_saturating"}
    else:
        advice = "D takes the fakes for real, so that nothing moves G: let D learn faster."
        remedy = _faster(run.config)
    return Diagnosis("vanishing gradient", [slope, score], advice, remedy)


def _winning(run: Measurements) -> Diagnosis | None:
    level = loss_levels(run.config)[0]
    if not level or not run.d_loss < WINNING * level:
        return None
    loss = Evidence("D's loss", run.d_loss, f"below {WINNING} x {level:.3g}, where it cannot tell")
    gap = Evidence("D(x) - D(G(z))", run.d_real - run.d_fake, "0 at the equilibrium")
    advice = "D learns faster than G: slow it down."
    return Diagnosis("D too strong", [loss, gap], advice, _slower(run.config))


def _collapse(run: Measurements) -> Diagnosis | None:
    count, covered = run.modes, run.covered
    if covered >= count:
        return None
    evidence = [Evidence("modes with fakes", covered, f"of {count}")]
    if run.config.loss in ("saturating", "non_saturating", "relativistic"):
        kind = "relativistic" if run.config.loss == "relativistic" else "js"
        rests = landscape.plateau(covered, count, kind)
        evidence.append(Evidence("D's loss", run.d_loss, f"{rests:.3g} for {covered} of {count}"))
    return Diagnosis("mode collapse", evidence, *_spread_out(run.config))


def _growing(run: Measurements) -> Diagnosis | None:
    ahead, factor = run.forecast, run.orbit.factor
    if ahead is None or run.orbit.size < WIDE:  # networks make wide turns of their own
        return None
    if not (ahead.factor if math.isnan(factor) else factor) > GROWING:
        return None
    advice = "Each turn leads farther out: add friction."
    return Diagnosis("divergence", _orbit(run, f"above {GROWING}"), advice, _friction(run.config))


def _cycling(run: Measurements) -> Diagnosis | None:
    if not (STEADY <= run.orbit.factor <= GROWING and run.orbit.size > WIDE):
        return None
    evidence = _orbit(run, f"{STEADY} to {GROWING}")
    advice = "Neither player gives way: add friction."
    return Diagnosis("cycling", evidence, advice, _friction(run.config))


def _plateau(run: Measurements) -> Diagnosis | None:
    level = loss_levels(run.config)[0]
    gap = run.d_real - run.d_fake
    if not level or not (abs(gap) <= UNDECIDED and abs(run.d_loss / level - 1) <= UNDECIDED):
        return None
    if run.distance <= run.band or run.moved > WIDE:
        return None
    away, most = "distance of the fakes, in the data's spread", f"above {run.band:.2g}"
    evidence = [
        Evidence("D's loss", run.d_loss, f"{level:.3g} where it cannot tell"),
        Evidence("D(x) - D(G(z))", gap, f"within {UNDECIDED}"),
        Evidence(away, run.distance, most),
        Evidence("way of their mean in these rounds", run.moved, f"below {WIDE}"),
    ]
    return Diagnosis("uninformative plateau", evidence, *_open_eyes(run.config))


def _signs_of_health(run: Measurements) -> list[Evidence]:
    level = loss_levels(run.config)[0]
    slope = Evidence("slope of G's loss, against the equilibrium's", run.slope, f"over {SLOPE}")
    loss = [Evidence("D's loss", run.d_loss, f"{level:.3g} at the equilibrium")] if level else []
    inwards = run.orbit.factor < STEADY
    return [slope, *loss, *(_orbit(run, f"below {STEADY}: it spirals in") if inwards else [])]


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
        advice = "This loss has basins with lost modes, the relativistic one has none: take that."
        return advice, {"loss": "relativistic"}
    return "D does not see the lost modes: let it learn faster.", _faster(config)


def _open_eyes(config: Config) -> tuple[str, Mapping[str, Any]]:
    if config.noise > 1:
        return "Instance noise drowns the difference: take less.", {"noise": config.noise / 10}
    remedy = dict(_faster(config))
    plain = config.world == "plane" and config.optimizer in ("sgd", "momentum")
    if plain and "tau" in remedy and config.lr > 0:
        remedy["tau"] = max(remedy["tau"], float(f"{AWAKE / config.lr:.12g}"))
    return "D sees no difference where there is one: let it learn faster.", remedy


SIGNS: tuple[Sign, ...] = (
    _too_early, _overflow, _growing, _vanishing, _winning, _plateau, _collapse, _cycling,
)  # fmt: skip
"""In this order, since the first failure may bring the later ones about."""


# -- how often it was right -----------------------------------------------------------------------

RATES = Path(__file__).with_name("doctor_rates.json")


def rates(name: str) -> str:
    """How often the doctor said ``name`` of runs that had this failure, and of runs that had not;
    nothing for a verdict that was not tried."""
    table = json.loads(RATES.read_text("utf-8"))["rates"]
    if name not in table:
        return ""
    hits, runs, alarms, others = table[name]
    tried = "Tried on runs whose state was known without it, the doctor said this of"
    return f"{tried} {hits} of {runs} for which it holds, and of {alarms} of {others} others."

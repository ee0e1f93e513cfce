"""The lab's doctor: its measurements against closed forms, its verdicts on runs that are known.

``benchmarks/doctor_rates.py`` judges it on fifty runs of each case and writes the record that is
shipped; here are a few of each.
"""

import dataclasses
import json
import math

import numpy as np
import pytest

import doctor_cases
from doctor_cases import CASES
from gan_teach.dynamics.streams import generator
from gan_teach.lab import Session, doctor
from gan_teach.lab.config import named
from gan_teach.lab.doctor import (
    RATES,
    Diagnosis,
    Evidence,
    Orbit,
    diagnose,
    forecast,
    healthy,
    judge,
    measure,
    orbit,
    passes,
    rates,
    treat,
)  # fmt: skip
from gan_teach.metrics import mode_report
from gan_teach.zoo import line

NAMES = {
    "too early", "divergence", "vanishing gradient", "D too strong", "cycling", "mode collapse",
    "uninformative plateau", "healthy",
}  # fmt: skip

# -- what the theory foretells --------------------------------------------------------------------


@pytest.mark.parametrize(("gamma", "tau"), [(0.3, 1.0), (0.9, 1.0), (0.3, 2.0)])
def test_the_forecast_of_the_dirac_gan_is_the_closed_form(gamma, tau):
    """J = [[0, 1/2], [-tau/2, -tau gamma]] (Mescheder et al., 2018, section 3)."""
    ahead = forecast(Session("dirac-r1", weight=gamma, tau=tau, lr=0.1).config)
    root = np.emath.sqrt((tau * gamma) ** 2 - tau)
    s = 1 + 0.1 * (-tau * gamma + root) / 2
    assert ahead is not None
    assert ahead.modulus == pytest.approx(abs(s))
    assert ahead.period == pytest.approx(2 * math.pi / abs(np.angle(s)))
    assert ahead.factor == pytest.approx(abs(s) ** ahead.period)


def test_the_forecast_on_the_line_is_that_of_the_closed_hessian():
    session = Session("normal", seed=2, tau=1.5)
    w, x = 0.7, session.state.game.data.points[:, 0].double().numpy()  # pyright: ignore
    hessian = line.equilibrium_hessian(w, x.mean(), (x * x).mean())
    d_step, g_step = np.eye(4), np.eye(4)
    d_step[2:] += 0.15 * hessian[2:]
    g_step[:2] -= 0.1 * hessian[:2]
    values = np.linalg.eigvals(g_step @ d_step)
    lead = max((s for s in values if abs(s.imag) > 1e-6), key=abs)
    ahead = forecast(session.config, w)
    assert ahead is not None
    assert ahead.modulus == pytest.approx(abs(lead), rel=1e-3)
    assert ahead.period == pytest.approx(2 * math.pi / abs(np.angle(lead)), rel=1e-2)


def test_there_is_no_forecast_where_theory_has_none():
    for config in ("five-gaussians", "dirac,optimizer=adam", "normal,turn=d", "normal,lr=0"):
        assert forecast(Session(config).config) is None
    ahead = forecast(Session("dirac-r1", weight=2.0).config)
    assert ahead is not None
    assert ahead.period == math.inf


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.3])
def test_the_orbit_of_a_spiral_is_its_own(factor):
    t = np.arange(400)
    radius = factor ** (t / 80)
    spiral = np.stack([radius * np.cos(2 * np.pi * t / 80), 0.5 * radius], 1) * [1, 1e-3]
    found = orbit(spiral)
    assert found.factor == pytest.approx(factor, rel=0.12)
    assert found.size == pytest.approx(radius.max(), rel=0.1)
    if factor == 1:
        assert found.turns == 4.5 or found.turns == 5.0
    assert orbit(np.full((50, 1), 3.0) + 0.01 * np.sin(t[:50, None])).turns == 0


def test_the_slope_is_d_of_g_for_the_saturating_loss():
    """d log(1 - sigmoid(f)) / df = -sigmoid(f), which is 1/2 at the equilibrium."""
    session = Session("strong-discriminator", d_steps=5)
    session.go(1)
    session.set(lr=0.0)  # so that all looks are alike
    session.go(60)
    seen = measure(session)
    assert seen.rounds == 60
    assert seen.slope == pytest.approx(2 * seen.d_fake, rel=1e-5)
    session.set(loss="non_saturating")
    session.go(60)
    assert measure(session).slope == pytest.approx(2 * (1 - seen.d_fake), rel=1e-5)


def test_healthy_is_what_real_points_score():
    """As the data themselves score, however they are made; a G that is stuck or narrow is not."""
    for text in ("two-gaussians,width=8,lr=0.0,draws=2/5", "dirac,draws=2/150", "normal,draws=2/9"):
        assert not healthy(Session(text)), text
    assert healthy(Session("dirac-r1,draws=2/300"))
    session = Session("five-gaussians", width=4)
    band = {name: band for name, (_, band) in session.scores.items()}
    real = session.game.data.sample(2560, generator(11)).reshape(10, 256, 2).numpy()
    well = [session._world.scores({"report": mode_report(x, session.game.data)}) for x in real]
    assert passes(well)
    assert set(band) == {"modes covered", "share of high quality", "reverse KL"}
    thin = [{**scores, "share of high quality": (0.9, well[0][name][1])}
            for scores in well for name in ["share of high quality"]]  # fmt: skip
    assert not passes(thin)


# -- verdicts -------------------------------------------------------------------------------------

QUICK = {
    "Dirac-GAN, both at once": 3, "Dirac-GAN, in turn": 3, "saturating, 50 D steps": 2,
    "slow G, 50 D steps": 2, "two Gaussians, D asleep": 2, "Dirac-GAN with R1": 3,
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("title", QUICK)
def test_the_doctor_knows_what_was_built_to_fail(title):
    case = CASES[title]
    for seed in range(QUICK[title]):
        session = case.make(seed)
        if case.truth(session):
            assert diagnose(session).name == case.name, seed


@pytest.mark.slow
def test_the_remedy_of_a_cycling_run_ends_the_cycle():
    session = CASES["Dirac-GAN, in turn"].make(0)
    found = diagnose(session)
    assert found.remedy == {"penalty": "r1"}
    assert named(found.remedy) == "Penalty r1"
    branch = treat(session, found)
    assert (branch.step, session.config.penalty) == (session.step, "none")
    branch.go(250)
    assert branch.history.last("distance") < 1e-2 * session.history.last("distance")
    assert diagnose(branch).name == "healthy"


@pytest.mark.slow
def test_the_remedy_of_a_plateau_wakes_d():
    session = CASES["two Gaussians, D asleep"].make(0)
    found = diagnose(session)
    assert found.remedy == {"tau": 50.0}
    branch = treat(session, found)
    branch.go(300)
    assert diagnose(branch).name != "uninformative plateau"


def test_an_overflow_is_treated_from_the_last_change_on():
    session = Session("normal")
    session.go(30)
    session.set(loss="least_squares", lr=50.0)
    session.go(70)
    found = diagnose(session)
    assert (found.name, found.step, found.remedy) == ("divergence", 30, {"lr": 5.0})
    assert treat(session, found).replay == "normal,draws=2/30,lr=5.0,loss=least_squares"


def test_a_young_run_is_not_judged():
    assert diagnose(Session("dirac")).name == "too early"
    session = Session("normal")
    session.go(20)
    found = diagnose(session)
    assert found.name == "too early"
    assert str(found).startswith("too early. rounds under the present settings: 20 (at least 50).")
    with pytest.raises(ValueError, match="'too early' has no remedy"):
        treat(session, found)


@pytest.fixture(scope="module")
def spiral():
    session = Session("dirac-r1")
    session.go(120)
    return measure(session)


@pytest.mark.parametrize(
    ("name", "config", "changes"),
    [
        ("healthy", {}, {}),
        ("too early", {}, {"rounds": 49}),
        ("divergence", {}, {"finite": False}),
        ("divergence", {}, {"d_loss": 3.0}),
        ("divergence", {}, {"orbit": Orbit(3, 1.2, 2.0)}),
        ("vanishing gradient", {}, {"slope": 0.05}),
        ("vanishing gradient", {"loss": "non_saturating"}, {"slope": 0.05}),
        ("D too strong", {}, {"d_loss": 0.05}),
        ("D too strong", {"loss": "relativistic"}, {"d_loss": 0.05}),
        ("cycling", {}, {"orbit": Orbit(3, 1.0, 2.0)}),
        ("healthy", {}, {"orbit": Orbit(3, 1.0, 0.01)}),
        ("healthy", {}, {"orbit": Orbit(3, 0.8, 2.0)}),
        ("mode collapse", {}, {"modes": 5, "covered": 3}),
        ("uninformative plateau", {}, {"distance": 2.0, "moved": 0.1}),
        ("uninformative plateau", {"noise": 5.0}, {"distance": 2.0, "moved": 0.1}),
        ("healthy", {}, {"distance": 2.0, "moved": 0.9}),
        ("healthy", {}, {"distance": 2.0, "moved": 0.1, "d_loss": math.nan}),
        ("healthy", {"loss": "wasserstein"}, {"distance": 2.0, "d_loss": 0.0}),
    ],
)
def test_each_sign_has_its_name_its_numbers_and_a_remedy(spiral, name, config, changes):
    seen = dataclasses.replace(spiral, config=spiral.config.changed(**config), **changes)
    found = judge(seen)
    assert found.name == name
    assert found.advice.endswith(".")
    if name in ("healthy", "too early"):
        assert found.remedy == {}
        return
    assert all(isinstance(x, Evidence) for x in found.evidence)
    assert seen.config.changed(**found.remedy) != seen.config  # knobs that exist, and a change


REMEDIES = [  # which change, of which settings, and by how much: from the sentences of the advice
    ("_slower", "strong-discriminator,d_steps=50", {"d_steps": 1}),
    ("_slower", "strong-discriminator,d_steps=50,g_steps=2", {"d_steps": 2}),
    ("_slower", "normal,tau=4,lr=0.1", {"lr": 0.4, "tau": 1.0}),
    ("_slower", "normal,d_steps=50,tau=100,lr=0.001", {"lr": 0.01, "tau": 10.0}),
    ("_slower", "normal,tau=0.6", {"tau": 0.2}),
    ("_slower", "dirac,tau=2,lr=0.1", {"lr": 0.2, "tau": 1.0}),
    ("_faster", "normal,g_steps=10", {"g_steps": 1}),
    ("_faster", "normal,g_steps=10,d_steps=3", {"g_steps": 3}),
    ("_faster", "normal,g_steps=3,d_steps=0", {"g_steps": 1}),
    ("_faster", "normal,g_steps=0,d_steps=0", {"d_steps": 1}),
    ("_faster", "normal,tau=0.1", {"tau": 1.0}),
    ("_faster", "normal,tau=2", {"tau": 6.0}),
    ("_spread_out", "two-gaussians,loss=non_saturating", {"loss": "relativistic"}),
    ("_spread_out", "two-gaussians,loss=saturating,tau=0.34", {"loss": "relativistic"}),
    ("_spread_out", "two-gaussians,loss=non_saturating,tau=0.32", {"tau": 1.0}),
    ("_spread_out", "two-gaussians,loss=non_saturating,g_steps=2", {"g_steps": 1}),
    ("_spread_out", "two-gaussians,loss=relativistic", {"tau": 3.0}),
    ("_open_eyes", "normal,noise=5", {"noise": 0.5}),
    ("_open_eyes", "normal,noise=1", {"tau": 3.0}),
    ("_open_eyes", "two-gaussians,optimizer=sgd,lr=0.001", {"tau": 50.0}),
    ("_open_eyes", "two-gaussians,optimizer=sgd,lr=0.05", {"tau": 3.0}),
    ("_open_eyes", "two-gaussians,optimizer=adam,lr=0.001", {"tau": 3.0}),
    ("_open_eyes", "normal,lr=0.001", {"tau": 3.0}),
    ("_friction", "two-gaussians", {"penalty": "r1"}),
    ("_friction", "two-gaussians,penalty=r1,weight=2", {"weight": 6.0}),
]  # fmt: skip


@pytest.mark.parametrize(("remedy", "preset", "change"), REMEDIES, ids=lambda x: str(x)[:40])
def test_a_remedy_turns_what_it_says_by_what_it_says(remedy, preset, change):
    found = getattr(doctor, remedy)(Session(preset).config)
    assert (found[1] if isinstance(found, tuple) else found) == pytest.approx(change)


def test_a_diagnosis_can_be_read():
    found = Diagnosis("cycling", (Evidence("turns", 3.0, "in 100 rounds"),), "Add friction.")
    assert str(found) == "cycling. turns: 3 (in 100 rounds). Add friction."


def test_looking_changes_nothing():
    session, untouched = Session("normal,seed=3,draws=2/80"), Session("normal,seed=3,draws=2/80")
    diagnose(session)
    for run in (session, untouched):
        run.go(20)
    for key in session.history.keys():  # noqa: SIM118
        np.testing.assert_array_equal(session.history[key], untouched.history[key])


def test_again_repeats_the_past_moment_by_moment():
    session = Session("dirac")
    session.go(30)
    seen = [(past.step, past.history.last("params").tolist()) for past in session.again(10, 4)]
    rows = session.history["params"]
    assert seen == [(step, rows[step].tolist()) for step in (20, 24, 28, 30)]
    assert [past.step for past in session.again(99, 15)] == [0, 15, 30]
    assert session.step == 30


# -- how often it was right -----------------------------------------------------------------------


def test_rates_count_hits_and_false_alarms():
    table = {
        "one": {"name": "cycling", "said": {"cycling": 45, "healthy": 5}},
        "two": {"name": "healthy", "said": {"healthy": 48, "cycling": 2}},
        "three": {"name": "healthy", "said": {"healthy": 10}},
    }
    expected = {"cycling": (45, 50, 2, 60), "healthy": (58, 60, 5, 50)}
    assert doctor_cases.rates(table) == expected


def test_the_shipped_rates_are_of_enough_runs_and_of_these_cases():
    record = json.loads(RATES.read_text("utf-8"))
    table = record["cases"]
    assert {title: row["name"] for title, row in table.items()} == {
        title: case.name for title, case in CASES.items()
    }
    for title, row in table.items():
        assert sum(row["said"].values()) >= 50, title
        assert set(row["said"]) <= NAMES
    counted = doctor_cases.rates(table)
    assert {name: tuple(counts) for name, counts in record["rates"].items()} == counted
    hits, runs, alarms, others = counted["cycling"]
    said = f"said this of {hits} of {runs} for which it holds, and of {alarms} of {others} others."
    assert rates("cycling").endswith(said)
    assert rates("too early") == ""

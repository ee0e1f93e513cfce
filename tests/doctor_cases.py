"""Runs whose failure is known without the doctor: by a theorem, or by what happens in them next.

A case makes the run of a seed, and its ``truth`` says by a measurement that the doctor does not
make whether the run has the failure. The doctor is judged on the runs for which it does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch

from gan_teach.dynamics.streams import generator
from gan_teach.games import GAN
from gan_teach.lab import Session

DECIDED = 0.99  # of fresh points that D must sort correctly to be sure of itself


class Case(NamedTuple):
    """``name`` is what the doctor should say of the runs of ``make`` for which ``truth`` holds."""

    name: str
    make: Callable[[int], Session]
    truth: Callable[[Session], bool]
    cure: int  # rounds that a treated run is given


def dirac(preset: str, rounds: int, **ranges: Any) -> Callable[[int], Session]:
    """The Dirac-GAN with knobs drawn at random; words are taken as they are."""

    def make(seed: int) -> Session:
        rng = np.random.default_rng(seed)
        knobs = {k: v if isinstance(v, str) else float(rng.uniform(*v)) for k, v in ranges.items()}
        return run(preset, rounds, **knobs)(seed)

    return make


def run(preset: str, rounds: int, **knobs: Any) -> Callable[[int], Session]:
    def make(seed: int) -> Session:
        session = Session(preset, seed=seed, **knobs)
        session.go(rounds)
        return session

    return make


def always(session: Session) -> bool:
    """For runs whose end is a theorem."""
    return True


def fresh(session: Session, n: int = 2000):
    """New real and generated points, and D's answers to both."""
    game = session.state.game
    assert isinstance(game, GAN)
    batch = game.draw(n, generator(987_654))
    with torch.no_grad():
        points = batch.real, game.generate(batch.latent)
        answers = [torch.sigmoid(game.critic(x)).numpy() for x in points]
    return [x.detach().numpy().copy() for x in points], answers


def stands_still(session: Session) -> bool:
    """G is more than two standard deviations away, and hardly nearer a hundred rounds on."""
    later = session.branch()
    later.go(100)
    gaps = [abs(real.mean() - fake.mean()) for (real, fake), _ in map(fresh, (session, later))]
    return gaps[0] > 2 and gaps[1] > 0.9 * gaps[0]


def sorts_all(session: Session) -> bool:
    """D sorts nearly all of thousands of fresh points correctly."""
    _, (real, fake) = fresh(session)
    return float(np.concatenate([real > 0.5, fake < 0.5]).mean()) > DECIDED


def leaves_a_half_empty(session: Session) -> bool:
    """At most a twentieth of the fakes on one side of the plane, in 5 moments of the last 80."""
    past = session.branch()
    for back in (80, 60, 40, 20, 0):
        past.rewind(session.step - back)
        right = (fresh(past)[0][1][:, 0] > 0).mean()
        if 0.05 < right < 0.95:
            return False
    return True


def flat_and_wrong(session: Session) -> bool:
    """D's answers all lie within 0.45 and 0.55, and less than a tenth of the fakes near a mode."""
    (_, fake), answers = fresh(session)
    near = np.hypot(np.abs(fake[:, 0]) - 1, fake[:, 1]) < 0.2
    return bool(np.abs(np.concatenate(answers) - 0.5).max() < 0.05) and near.mean() < 0.1


def settled_on_the_line(session: Session) -> bool:
    """The generator's mean is right to half a standard deviation, now and a hundred rounds on."""
    later = session.branch()
    later.go(100)
    gaps = [abs(real.mean() - fake.mean()) for (real, fake), _ in map(fresh, (session, later))]
    return max(gaps) < 0.5


def serves_both_halves(session: Session) -> bool:
    """Between 30 and 70 % of the fakes on either side, nine tenths of them near a mode."""
    fake = fresh(session)[0][1]
    near = np.hypot(np.abs(fake[:, 0]) - 1, fake[:, 1]) < 0.2
    return 0.3 < (fake[:, 0] > 0).mean() < 0.7 and near.mean() > 0.9


FREE = {"lr": (0.2, 0.5), "tau": (0.5, 2.0)}

CASES: dict[str, Case] = {
    # simultaneous steps: |s|^2 = 1 + tau lr^2 / 4 > 1, whatever the start
    "Dirac-GAN, both at once": Case("divergence", dirac("dirac", 250, **FREE), always, 250),
    # steps in turn: area is preserved, |s| = 1
    "Dirac-GAN, in turn": Case(
        "cycling", dirac("dirac", 250, rule="alternating", **FREE), always, 250
    ),
    "saturating, 50 D steps": Case(
        "vanishing gradient", run("strong-discriminator", 150), stands_still, 150
    ),
    "slow G, 50 D steps": Case(
        "D too strong",
        run("strong-discriminator", 150, loss="non_saturating", lr=0.001, tau=100.0),
        sorts_all, 150,
    ),
    "two Gaussians, 10 G steps": Case(
        "mode collapse", run("two-gaussians", 120, width=16, lr=1e-3, g_steps=10),
        leaves_a_half_empty, 400,
    ),
    "two Gaussians, D asleep": Case(
        "uninformative plateau",
        run("two-gaussians", 100, width=16, optimizer="sgd", lr=1e-3, tau=1e-3),
        flat_and_wrong, 400,
    ),
    # |s| < 1 for gamma > 0 and these steps
    "Dirac-GAN with R1": Case(
        "healthy", dirac("dirac-r1", 250, weight=(0.2, 1.0), lr=(0.1, 0.3)), always, 0
    ),
    "instance noise": Case("healthy", run("noisy", 250), settled_on_the_line, 0),
    "two Gaussians": Case(
        "healthy", run("two-gaussians", 600, width=16, lr=2e-3), serves_both_halves, 0
    ),
}  # fmt: skip


def rates(table: dict[str, dict[str, Any]]) -> dict[str, tuple[int, int, int, int]]:
    """{verdict: (hits, of runs with the failure, false alarms, of runs without it)} of a table of
    {case: {"name": what is wrong, "said": {verdict: runs}, ...}}."""
    counts = {}
    for name in sorted({row["name"] for row in table.values()}):
        ill = [row["said"] for row in table.values() if row["name"] == name]
        well = [row["said"] for row in table.values() if row["name"] != name]
        counts[name] = tuple(
            count
            for group in (ill, well)
            for count in (
                sum(said.get(name, 0) for said in group),
                sum(sum(said.values()) for said in group),
            )
        )
    return counts

"""Runs whose failure is known without the doctor: by a theorem, or by what happens in them next.

A case makes the run of a seed, and its ``truth`` says by a measurement that the doctor does not
make whether the run has the failure. The doctor is judged on the runs for which it does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch

from gan_teach.data.planar import PUBLISHED_STD
from gan_teach.dynamics.streams import generator
from gan_teach.games import GAN
from gan_teach.lab import Session

DECIDED = 0.99  # of fresh points that D must sort correctly to be sure of itself


class Case(NamedTuple):
    """``name`` is what the doctor should say of the runs of ``make`` for which ``truth`` holds."""

    name: str
    make: Callable[[int], Session]
    truth: Callable[[Session], bool]


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


def run_together(session: Session) -> bool:
    """At most a twentieth of the fakes on one side of the plane, in 5 moments of the last 80, and
    in most of them not beside the data."""
    return _on_one_side(session) and not _beside(session)


def run_away(session: Session) -> bool:
    """The same, but in most of these moments beside the data."""
    return _on_one_side(session) and _beside(session)


def _on_one_side(session: Session) -> bool:
    right = [(fakes[:, 0] > 0).mean() for fakes in _lately(session)]
    return all(not 0.05 < share < 0.95 for share in right)


def _beside(session: Session) -> bool:
    """More than 1.25 from the middle of the data, which are 1 from it, in most of 5 moments."""
    return bool(np.median([np.hypot(*fakes.mean(0)) for fakes in _lately(session)]) > 1.25)


def _lately(session: Session) -> list[np.ndarray]:
    """Fakes of 5 moments of the last 80 rounds."""
    steps = range(session.step - 80, session.step + 1, 20)
    return [fresh(past)[0][1] for past in session.at(steps)]


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
    """Between 43 and 57 % of the fakes on either side, 97 % of them within three sigmas of it, now
    and a hundred rounds on."""
    later = session.branch()
    later.go(100)
    for run in (session, later):
        fake = fresh(run)[0][1]
        near = np.hypot(np.abs(fake[:, 0]) - 1, fake[:, 1]) < 3 * PUBLISHED_STD
        if not (0.43 < (fake[:, 0] > 0).mean() < 0.57 and near.mean() > 0.97):
            return False
    return True


FREE = {"lr": (0.2, 0.5), "tau": (0.5, 2.0)}

CASES: dict[str, Case] = {
    # simultaneous steps: |s|^2 = 1 + tau lr^2 / 4 > 1, whatever the start
    "Dirac-GAN, both at once": Case("divergence", dirac("dirac", 250, **FREE), always),
    # steps in turn: area is preserved, |s| = 1
    "Dirac-GAN, in turn": Case("cycling", dirac("dirac", 250, rule="alternating", **FREE), always),
    "saturating, 50 D steps": Case(
        "vanishing gradient", run("strong-discriminator", 150), stands_still
    ),
    "slow G, 50 D steps": Case(
        "D too strong",
        run("strong-discriminator", 150, loss="non_saturating", lr=0.001, tau=100.0), sorts_all,
    ),
    "two Gaussians, 10 G steps": Case(
        "mode collapse", run("two-gaussians", 120, width=16, lr=1e-3, g_steps=10),
        run_together,
    ),
    "two Gaussians, gone astray": Case(
        "not learning", run("two-gaussians", 120, width=16, lr=1e-3, g_steps=10), run_away
    ),
    "two Gaussians, D asleep": Case(
        "uninformative plateau",
        run("two-gaussians", 100, width=16, optimizer="sgd", lr=1e-3, tau=1e-3), flat_and_wrong,
    ),
    "learning rate 0": Case("not learning", run("normal", 100, lr=0.0), always),
    "five Gaussians, gone astray": Case("not learning", run("five-gaussians", 700), _beside),
    # |s| < 1 for gamma > 0 and these steps
    "Dirac-GAN with R1": Case(
        "healthy", dirac("dirac-r1", 400, weight=(0.2, 1.0), lr=(0.1, 0.3)), always
    ),
    "instance noise": Case("healthy", run("noisy", 250), settled_on_the_line),
    "two Gaussians": Case(
        "healthy", run("two-gaussians", 1500, width=16, lr=1e-2), serves_both_halves
    ),
}  # fmt: skip

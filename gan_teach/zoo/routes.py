"""Two routes to one ratio: D learns k times as fast, or takes k steps where G takes one.

Theory speaks of tau, a ratio of learning rates in the limit of small steps; GAN recipes speak of
update ratios such as 5 : 1. To first order in the learning rate both move D k times as far per step
of G. This module trains the GAN on the line both ways, with equal seeds, and measures how far the
two stay together.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gan_teach import _checks
from gan_teach.dynamics import alternating
from gan_teach.dynamics.affine import AffineAlternating
from gan_teach.games.ensemble import stack
from gan_teach.history import History
from gan_teach.training import probes, record, train
from gan_teach.zoo import line
from gan_teach.zoo.experiments import outcomes, settings


class Routes(NamedTuple):
    """The same seeds by both routes; row t of either is after the same number of G's steps.

    by_rate: lr_D = ratio lr, one step each; by_steps: equal learning rates, ``ratio`` D steps per G
    step (below 1: 1 / ratio G steps per D step). Histories of ensembles with params and objective.
    """

    ratio: float
    lr: float
    by_rate: History
    by_steps: History


class Agreement(NamedTuple):
    """How alike the two routes are, over seeds.

    same_outcome: share of seeds that end in the same state (`experiments.outcomes`). gap: median
    over seeds of the largest distance between the two generators' means during the run.
    between_seeds: the same between neighbouring seeds of one route, the yardstick. step: lr_D times
    the largest curvature of D's loss at the equilibrium; plain descent of D alone needs it below 2.
    """

    same_outcome: float
    gap: float
    between_seeds: float
    step: float


def two_routes(
    ratio: float, seeds: int, *, games: int, lr: float = line.LEARNING_RATE, optimizer: str = "sgd"
) -> Routes:
    """Train ``seeds`` GANs on the line by each route, to ``games`` steps of G.

    ``ratio`` = lr_D steps_D / (lr_G steps_G) is k or 1 / k for a whole number k; the learning rate
    ``lr`` of G is the same in both. Raises ValueError for other ratios.
    """
    ratio = _checks.real("ratio", ratio, above=0.0)
    k = round(max(ratio, 1 / ratio))
    if abs(max(ratio, 1 / ratio) - k) > 1e-9:
        raise ValueError(f"ratio must be k or 1 / k for a whole number k, got {ratio:g}.")
    _checks.whole("games", games, least=k)
    d_steps, g_steps = (k, 1) if ratio >= 1 else (1, k)
    rounds = games // g_steps
    by_rate = _train(seeds, rounds * g_steps, lr, optimizer, tau=ratio, every=g_steps)
    by_steps = _train(seeds, rounds, lr, optimizer, d_steps=d_steps, g_steps=g_steps)
    return Routes(ratio, lr, by_rate, by_steps)


def _train(
    seeds: int, steps: int, lr: float, optimizer: str, *, tau: float = 1.0,
    d_steps: int = 1, g_steps: int = 1, every: int = 1,
) -> History:  # fmt: skip
    chosen = settings("normal")
    game = stack([chosen.game(seed) for seed in range(_checks.whole("seeds", seeds, least=1))])
    if optimizer == "sgd":
        rule = AffineAlternating(d_steps, g_steps)
    else:
        rule = alternating(d_steps, g_steps, redraw="latents")
    run = train(
        game, rule, steps=steps, lr=lr, tau=tau, optimizer=optimizer,
        batch_size=line.BATCH_SIZE, seed=list(range(seeds)),
    )  # fmt: skip
    history = record(run, every=every, params=probes.params(), d_loss=probes.loss("d"))
    return history.with_arrays(objective=-history["d_loss"], mean=means(history))


def means(history: History) -> NDArray[np.float64]:
    """Mean w / 2 + b of the generated samples: (T, ...) from params [w, b, a, c]."""
    params = np.asarray(history["params"], dtype=np.float64)
    return params[..., 0] / 2 + params[..., 1]


def agreement(routes: Routes) -> Agreement:
    """How alike the two routes are; needs at least two seeds."""
    rate, steps = routes.by_rate, routes.by_steps
    a, b = rate["mean"], steps["mean"]
    if a.ndim != 2 or a.shape[1] < 2:
        raise ValueError("agreement needs at least two seeds: their distance is the yardstick.")
    same = float(np.mean(outcomes(rate) == outcomes(steps)))
    gap = float(np.median(np.abs(a - b).max(0)))
    between = float(np.median(np.abs(a - np.roll(a, 1, axis=1)).max(0)))
    step = routes.ratio * routes.lr * largest_curvature()
    return Agreement(same, gap, between, step)


def largest_curvature() -> float:
    """The largest eigenvalue of the Hessian of D's loss where G's mean and D = 1/2 fit: 13.3."""
    mean, var = line.DATA.mean, line.DATA.std**2
    hessian = line.equilibrium_hessian(w=1.0, mean=mean, second_moment=mean**2 + var)
    return float(-np.linalg.eigvalsh(hessian[2:, 2:])[0])

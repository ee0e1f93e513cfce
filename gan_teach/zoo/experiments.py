"""The named experiments of the course: ``run`` them, ``report`` what they found against the theory.

One experiment is a set of numbers; any of them may be changed in the call. A run leaves a
``History`` with everything that the tutorial's pictures show; several seeds run as one ensemble.
``two_routes`` trains the GAN on the line with a fast D and with a D of many steps.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from gan_teach import _checks
from gan_teach.analysis import spectra
from gan_teach.dynamics import alternating
from gan_teach.dynamics.affine import AffineAlternating, suits
from gan_teach.dynamics.streams import generator
from gan_teach.games import GAN
from gan_teach.games.ensemble import stack
from gan_teach.history import History
from gan_teach.plots.text import Table
from gan_teach.training import State, probes, record, train
from gan_teach.zoo import line

TARGET = -2 * math.log(2)
"""V at the equilibrium, where D = 1/2 everywhere (Goodfellow et al., 2014, theorem 1)."""

GRID = np.linspace(-1.0, 9.0, 401)

_WATCHED: dict[str, Any] = {
    "params": probes.params(),
    "d_loss": probes.loss("d"),
    "g_loss": probes.loss("g"),
    "d_grad": probes.gradient_norm("d"),
    "g_grad": probes.gradient_norm("g"),
}
SHOWN: dict[str, Any] = {
    "fake": probes.samples(line.BATCH_SIZE, seed=1),
    "d_grid": probes.discriminator_on(torch.as_tensor(GRID)),
    "scores": probes.scores(200, seed=1),
}
"""What the tutorial's pictures show of a moment, beside the numbers that every run records."""


@dataclass(frozen=True)
class LineExperiment:
    """Settings of a 1-D run. ``games`` counts rounds of ``d_steps`` D and ``g_steps`` G updates:
    game is the word of the published tutorial.
    """

    summary: str
    games: int
    d_steps: int = 1
    g_steps: int = 1
    noise: float = 0.0
    shared_noise: bool = True
    loss: str = "saturating"
    fresh_data: bool = False
    lr: float = line.LEARNING_RATE
    tau: float = 1.0
    optimizer: str = "sgd"

    def __post_init__(self) -> None:
        _checks.whole("games", self.games, least=1)  # the game and the rule check the others

    def game(self, seed: int) -> GAN:
        own = ("noise", "shared_noise", "loss", "fresh_data")
        return line.line_gan(seed, **{name: getattr(self, name) for name in own})


EXPERIMENTS: dict[str, LineExperiment] = {
    "normal": LineExperiment("one D step, one G step: damped oscillation", 1500),
    "strong-discriminator": LineExperiment("50 D steps, one G step: saturation", 500, d_steps=50),
    "stronger-discriminator": LineExperiment("100 D steps, one G step", 500, d_steps=100),
    "strong-generator": LineExperiment("one D step, 50 G steps: quick", 500, g_steps=50),
    "noisy": LineExperiment("50 D steps, instance noise", 500, d_steps=50, noise=1.0),
    "noisy-stronger": LineExperiment("100 D steps, instance noise", 500, d_steps=100, noise=1.0),
}
"""E. Sansone's published configurations (see ``zoo.line``)."""


def settings(name: str, **changes: Any) -> LineExperiment:
    """The experiment of that name, some numbers changed. ValueError for unknown names."""
    base = EXPERIMENTS[_checks.choice("experiment", name, EXPERIMENTS)]
    for key in changes:
        _checks.choice("setting", key, asdict(base))
    return replace(base, **{k: v for k, v in changes.items() if v is not None})


def run(name: str, *, seed: int = 0, progress: bool = False, **changes: Any) -> History:
    """Train one 1-D GAN and record all that the tutorial's pictures show.

    Arrays over rounds: params [w, b, a, c], fake, d_grid, d_star, objective (V before the last D
    step of the round, as published), d_loss, g_loss, d_grad, g_grad (norms over both parameters of
    the player), d_real, d_fake, eigenvalues (of the Hessian of V, expectations over z exact).
    Ctrl-C keeps the rounds that were finished.
    """
    chosen = settings(name, **changes)
    game = chosen.game(seed)
    history = _recorded(game, name, chosen, seed, progress, every=1, **SHOWN)
    w, b = history["params"][:, 0], history["params"][:, 1]
    return history.with_arrays(
        fake=history["fake"][..., 0],
        d_star=line.optimal_discriminator(GRID, w, b, chosen.noise),
        d_real=history["scores"][:, 0],
        d_fake=history["scores"][:, 1],
        eigenvalues=_eigenvalues_of_value(game, history["params"]),
    ).describe(static=constants(game))


def constants(game: GAN) -> dict[str, NDArray]:
    """What the tutorial's pictures show of a whole run: grid, latents, real points, density."""
    latent = line.LATENT.sample(line.BATCH_SIZE, generator(1))  # those of the probe `fake`
    return {
        "grid": GRID,
        "latent": latent[:, 0].numpy(),
        "real": game.data.sample(line.BATCH_SIZE, generator(2))[:, 0].numpy(),
        "real_density": line.DATA.density(torch.as_tensor(GRID)[:, None]).numpy(),
    }


def run_seeds(
    name: str, seeds: int | Sequence[int], *, progress: bool = False, every: int = 1, **changes: Any
) -> History:
    """The same experiment for many seeds, as one ensemble: arrays (T, S, ...).

    ``seeds`` is a number of seeds (0, 1, ...) or a list of them. Records params, objective, losses
    and gradient norms; the Hessian's eigenvalues at the end are the constant ``eigenvalues_end``.
    """
    chosen = settings(name, **changes)
    which = list(range(_checks.whole("seeds", seeds, least=1))) if isinstance(seeds, int) else seeds
    game = stack([chosen.game(seed) for seed in which])
    assert isinstance(game, GAN)
    history = _recorded(game, name, chosen, list(which), progress, every)
    ends = {"eigenvalues_end": _eigenvalues_of_value(game, history["params"][-1:])[0]}
    per_member = [*ends, "eigenvalues_theory"]
    return history.describe(static=ends, meta={"static_per_member": per_member})


def _recorded(
    game: GAN, name: str, chosen: LineExperiment, seed: int | list[int], progress: bool,
    every: int, **shown: Any,
) -> History:  # fmt: skip
    """Train it, and record what one run and an ensemble have in common, and what is ``shown``."""
    steps = (chosen.d_steps, chosen.g_steps)
    affine = chosen.optimizer == "sgd" and suits(game)
    rule = AffineAlternating(*steps) if affine else alternating(*steps, redraw="latents")
    run = train(
        game, rule, steps=chosen.games, lr=chosen.lr, tau=chosen.tau, optimizer=chosen.optimizer,
        batch_size=line.BATCH_SIZE, seed=seed,
    )  # fmt: skip
    history = record(run, every=every, progress=progress and _objective, **_WATCHED, **shown)
    theory = equilibrium_eigenvalues(game, history.last("params"), chosen.noise)
    own = {"experiment": name, "title": name.replace("-", " "), "seed": seed, "unit": "round"}
    history = history.with_arrays(objective=-history["d_loss"])
    return history.describe(static={"eigenvalues_theory": theory}, meta={**asdict(chosen), **own})


def _eigenvalues_of_value(game: GAN, params: NDArray) -> NDArray[np.float64]:
    """Of the Hessian of V at ``params`` (T, ...), with exact expectations over z."""
    return spectra.spectra(game, params, line.expectation_batch(game), of="value")


def _objective(state: State) -> str:
    """V, or its median over the seeds, beside the theory, as the tutorial prints it."""
    loss = state.losses.get("d_loss")
    v = math.nan if loss is None else -float(loss.median())
    return f"V = {v:.4f}, -2 log 2 = {TARGET:.4f}"


def equilibrium_eigenvalues(game: GAN, params: NDArray, noise: float) -> NDArray:
    """Eigenvalues of the closed-form Hessian at the equilibrium with the run's final w.

    ``params`` (4,) gives (4,), those of an ensemble (S, 4): (S, 4). NaN where w is not finite.
    """
    members = game.data.members if game.lead else [game.data]
    values = [
        _at_equilibrium(float(p[0]), data, noise)
        for p, data in zip(np.atleast_2d(params), members, strict=True)
    ]
    return np.stack(values) if game.lead else values[0]


def _at_equilibrium(w: float, data: Any, noise: float) -> NDArray[np.float64]:
    if not math.isfinite(w):
        return np.full(4, np.nan)
    if hasattr(data, "points"):
        x = data.points[:, 0].double().numpy()
    else:  # fresh samples: two points with the first two moments of their distribution
        x = np.array([data.mean - data.std, data.mean + data.std])
    values = np.linalg.eigvalsh(line.equilibrium_hessian(w, x.mean(), (x * x).mean(), noise))
    return np.where(np.abs(values) < 1e-12 * np.abs(values).max(), 0.0, values)


# -- what was found, against what theory says -----------------------------------------------------


def settled_from(good: NDArray[np.bool_], steps: NDArray) -> NDArray[np.float64]:
    """Step from which ``good``, (T,) or (T, S), holds to the end: a number or (S,), inf if none."""
    lasting = np.logical_and.accumulate(good[::-1]).sum(0)
    return np.append(steps, np.inf)[len(steps) - lasting]


def settling_game(history: History, within: float = 0.1) -> NDArray[np.float64]:
    """First round from which |V + 2 log 2| stays below ``within``: scalar or (S,), inf if never."""
    return settled_from(np.abs(history["objective"][1:] - TARGET) < within, history.steps[1:])


def outcomes(history: History) -> NDArray[np.str_]:
    """The state in which each run (S,) ended, by V in its last round, as plain words.

    "settled": |V + 2 log 2| < 0.1; "saturated": V > -0.1, D tells real from fake almost surely and
    the saturating loss gives G no gradient; "on the way": between; "diverged": not finite.
    """
    v = history["objective"][-1]
    return np.select(
        [~np.isfinite(v), np.abs(v - TARGET) < 0.1, v > -0.1],
        ["diverged", "settled", "saturated"],
        "on the way",
    )


OUTCOMES = ("settled", "on the way", "saturated", "diverged")


def report(history: History) -> Table:
    """What a run on the line found beside what theory says, or how the members of several ended."""
    settled = float(np.median(settling_game(history)))  # of several: inf where most never settle
    first = f"{settled:.0f}" if math.isfinite(settled) else "never in this run"
    if history.meta.get("members"):
        ended = outcomes(history)
        rows = [
            (f"seeds that ended {word}", f"{np.mean(ended == word):.1%} of {len(ended)}")
            for word in OUTCOMES
        ]
        rows.append(("median round from which V stays within 0.1", first))
        return Table(("", "found"), rows)
    v, d_real, d = (float(history[key][-100:].mean()) for key in ("objective", "d_real", "d_fake"))
    eigs, theory = history["eigenvalues"][-1], history.static["eigenvalues_theory"]
    mean = float(history.static["real"].mean())
    found = [
        ("objective V beside -2 log 2, last 100 rounds", v, TARGET, 0.05),
        ("D(x) on real samples, last 100 rounds", d_real, 0.5, 0.05),
        ("D(G(z)) on fake samples, last 100 rounds", d, 0.5, 0.05),
        ("generator's mean w/2 + b, beside the ten points'", means(history)[-1], mean, 0.5),
        ("largest eigenvalue of the Hessian of V", eigs[-1], theory[-1], 0.03),
        ("smallest eigenvalue", eigs[0], theory[0], 0.15 * abs(theory[0])),
    ]
    rows: list[Any] = [
        (what, f"{x:.4f}", f"{wanted:.4f} ± {within:.2g}", bool(abs(x - wanted) < within))
        for what, x, wanted, within in found
    ]
    word = spectra.definiteness(eigs, rtol=1e-4).word if np.isfinite(eigs).all() else "diverged"
    rows.append(("definiteness of the Hessian", word, "saddle", word == "saddle"))
    rows.append(("first round from which V stays within 0.1", first, "-", ""))
    return Table(("", "found", "theory", "agrees"), rows)


# -- D learns k times as fast, or takes k steps where G takes one ---------------------------------
#
# Theory speaks of tau, a ratio of learning rates in the limit of small steps; GAN recipes speak of
# update ratios such as 5 : 1. To first order in the learning rate both move D k times as far per
# step of G.


class Routes(NamedTuple):
    """The same seeds by both routes; row t of either is after the same number of G's steps.

    by_rate: lr_D = ratio lr, one step each; by_steps: equal learning rates, ``ratio`` D steps per G
    step (below 1: 1 / ratio G steps per D step). Histories of ensembles with params and objective.
    """

    by_rate: History
    by_steps: History


class Agreement(NamedTuple):
    """How alike the two routes are, over seeds.

    gap: median over seeds of the largest distance between the two generators' means during the run.
    between_seeds: the same between neighbouring seeds of one route, the yardstick. step: lr_D times
    the largest curvature of D's loss at the equilibrium; plain descent of D alone needs it below 2.
    """

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
    rounds, same = games // g_steps, {"lr": lr, "optimizer": optimizer}
    by_rate = run_seeds("normal", seeds, games=rounds * g_steps, every=g_steps, tau=ratio, **same)
    by_steps = run_seeds("normal", seeds, games=rounds, d_steps=d_steps, g_steps=g_steps, **same)
    return Routes(by_rate, by_steps)


def means(history: History) -> NDArray[np.float64]:
    """Mean w / 2 + b of the generated samples: (T, ...) from params [w, b, a, c]."""
    params = np.asarray(history["params"], dtype=np.float64)
    return params[..., 0] / 2 + params[..., 1]


def agreement(routes: Routes) -> Agreement:
    """How alike the two routes are. Raises ValueError for one seed: two seeds are the yardstick."""
    a, b = means(routes.by_rate), means(routes.by_steps)
    if a.ndim != 2 or a.shape[1] < 2:
        raise ValueError("agreement needs at least two seeds: their distance is the yardstick.")
    gap = float(np.median(np.abs(a - b).max(0)))
    between = float(np.median(np.abs(a - np.roll(a, 1, axis=1)).max(0)))
    lr_d = routes.by_rate.meta["tau"] * routes.by_rate.meta["lr"]
    return Agreement(gap, between, lr_d * largest_curvature())


def largest_curvature() -> float:
    """The largest eigenvalue of the Hessian of D's loss where G's mean and D = 1/2 fit: 13.3."""
    mean, var = line.DATA.mean, line.DATA.std**2
    hessian = line.equilibrium_hessian(w=1.0, mean=mean, second_moment=mean**2 + var)
    return float(-np.linalg.eigvalsh(hessian[2:, 2:])[0])

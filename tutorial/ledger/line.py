"""The 1-D tutorial: E. Sansone, github.com/emsansone/GAN, its README and its stored figures.

Each run is repeated for many seeds, with the tutorial's own habits: the ten real points stay, D's
steps of a game share their latents, V is D's loss before its last step, gradients are looked at
after the steps, and only those of the weights.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.special import expit

import gan_teach as gt
from gan_teach.dynamics.affine import AffineAlternating
from gan_teach.training import State
from gan_teach.zoo import experiments, line

from .rules import Ask, Found, count, most

TARGET = experiments.TARGET
SETTLED = 0.1  # of V from its value at the optimum
SMOOTH = 15  # games


def runs(name: str, seeds: int, games: int | None = None, spread: float = 1.0) -> gt.History:
    """The experiment of that name for these seeds, (T, S): params [w, b, a, c], V and gradients.

    d_gradient, g_gradient : |dL_D/da| after D's steps of a game, |dL_G/dw| after G's. spread : of
    the initial weights, in units of the published 0.1.
    """
    chosen = experiments.settings(name)
    game: Any = gt.stack([chosen.game(seed) for seed in range(seeds)])
    with torch.no_grad():
        for player in (game.generator, game.discriminator):
            next(player.parameters()).mul_(spread)
    last = chosen.g_steps - 1
    history = gt.record(
        gt.train(
            game, AffineAlternating(chosen.d_steps, chosen.g_steps), steps=games or chosen.games,
            lr=chosen.lr, batch_size=line.BATCH_SIZE, seed=list(range(seeds)),
        ),
        params=gt.probes.params(), d_loss=gt.probes.loss("d"),
        seen_d=lambda state: _seen(state, "d", 0), seen_g=lambda state: _seen(state, "g", last),
    )  # fmt: skip
    w, b, a, c = (p[..., None] for p in np.moveaxis(history["params"].astype(float), -1, 0))
    (x, _, noise), (_, z, noise_g) = (np.moveaxis(history[k], 2, 0) for k in ("seen_d", "seen_g"))
    before = np.roll(w, 1, 0) * history["seen_d"][:, :, 1] + np.roll(b, 1, 0) + noise  # G waits
    x, fake = x + noise, w * z + b + noise_g
    d_gradient = -((1 - expit(a * x + c)) * x).mean(-1) + (expit(a * before + c) * before).mean(-1)
    g_gradient = -(expit(a * fake + c) * a * z).mean(-1)
    return history.with_arrays(
        objective=-history["d_loss"], d_gradient=abs(d_gradient), g_gradient=abs(g_gradient)
    ).describe(static={"real": history["seen_d"][1, :, 0], "game": np.array(game, object)})


def _seen(state: State, player: str, i: int) -> torch.Tensor:
    """(S, 3, 10): the real points, the latents and the noise of the last update's batch."""
    batch = state.stream.at(max(state.step - 1, 0))(player, i)
    noise = 0 * batch.real if batch.noise_real is None else batch.noise_real
    return torch.stack([batch.real, batch.latent, noise], 1)[..., 0]


def settled(history: gt.History) -> NDArray[np.bool_]:
    """(S,): V ends within 0.1 of -2 log 2."""
    return np.abs(history["objective"][-1] - TARGET) < SETTLED


def restless(history: gt.History) -> NDArray[np.bool_]:
    """(S,): V ends away from -2 log 2, and moved by more than 0.1 in the last hundred games."""
    return ~settled(history) & (np.ptp(history["objective"][-100:], axis=0) > SETTLED)


def calm_from(history: gt.History, within: float, smooth: int = 1) -> NDArray[np.float64]:
    """(S,): the game from which V stays that near to -2 log 2, inf if none."""
    v = uniform_filter1d(history["objective"][1:], smooth, axis=0)
    return experiments.settled_from(np.abs(v - TARGET) < within, history.steps[1:])


def theory(ask: Ask) -> dict:
    half = np.log(0.5)
    return {"target": half + half}  # E log D + E log(1 - D) where D = 1/2


def normal(ask: Ask) -> dict:
    history = runs("normal", ask.count(64))
    w, b, a, c = np.moveaxis(history["params"][-1].astype(float), -1, 0)
    real, x = history.static["real"].astype(float), np.linspace(0, 7, 400)
    d = expit(a[:, None] * x + c[:, None])
    near = np.abs(w / 2 + b - real.mean(-1)) < 0.5
    wide = np.abs(np.abs(w) / np.sqrt(12) / real.std(-1) - 1) < 0.2
    eigenvalues = hessian_spectra(history)
    found = {
        "settled": count(settled(history)),
        "half": count(np.abs(d - 0.5).max(-1) < 0.1),
        "samples": {
            "of the mean (within 0.5 in most seeds)": most(near),
            "of the spread (within 20 % in most seeds)": most(wide),
        },
        "saddle": count((eigenvalues[:, 0] < -1e-3) & (eigenvalues[:, -1] > 1e-3)),
        "calm_from": calm_from(history, 0.02, SMOOTH),
        "d_gradient": history["d_gradient"][1:].max(0),
        "d_gradient_at": 1 + history["d_gradient"][1:].argmax(0),
    }
    found |= {f"eigenvalue_{i + 1}": eigenvalues[:, i] for i in range(4)}
    waves = [_waves(v) for v in history["objective"][1:].T]
    for i, name in enumerate(("peak_1", "trough_1", "peak_2", "trough_2", "peak_3")):
        found[name] = [each[i][1] for each in waves]
        found[f"{name}_at"] = [each[i][0] for each in waves]
    return found


def hessian_spectra(history: gt.History) -> NDArray[np.float64]:
    """(S, 4): eigenvalues of the Hessian of V at the end, in ascending order."""
    game = history.static["game"].item()
    batch = line.expectation_batch(game)
    return gt.spectra.spectra(game, history["params"][-1:], batch, of="value")[0]


def _waves(v: NDArray) -> list[tuple[float, float]]:
    """(game, V) of the first five extremes: of each stretch on one side, at least SMOOTH games."""
    smooth = uniform_filter1d(v, SMOOTH)
    above, found = True, []
    edges = [0, *(1 + np.flatnonzero(np.diff(smooth > TARGET))), len(v)]
    start = 0
    for end in edges[1:]:
        if end - start >= SMOOTH and (smooth[start:end].mean() > TARGET) == above:
            at = start + int(np.argmax(smooth[start:end] * (1 if above else -1)))
            found.append((1.0 + at, float(smooth[at])))
            above = not above
        start = end
    return [*found, *[(np.inf, TARGET)] * 5][:5]  # a run without that wave has it never


def strong(ask: Ask) -> dict:
    n = ask.count(64)
    history, long = runs("strong-discriminator", n), runs("strong-discriminator", n, 3000)
    elsewhere, still = ~settled(history), ~settled(long)
    gradient = history["g_gradient"][1:]
    negative, slopes = hessian_spectra(history)[:, -1] < 0, _gradient_of_v(history)
    return {
        **_saturation(history),
        "rise": count((history["objective"][1:21] > -0.1).any(0)),
        "elsewhere": {"after the published 500 games": most(elsewhere),
                      "after 3000 games": most(still)},
        "g_gradient_first": gradient[0],
        "vanishing": count(gradient[-1] < 0.1 * gradient[0]),
        "maximum": Found(
            {"a point where V has no slope, and stays":
                most(slopes < 1e-3) and most(still[elsewhere])},
            f"all four eigenvalues are negative in {negative.sum()} of {n} seeds, but the slope of "
            f"V there is {np.median(slopes):.2g} (median), and of the {elsewhere.sum()} seeds that "
            f"are there at 500 games {(~still[elsewhere]).sum()} settle at -2 log 2 by 3000",
        ),
    }  # fmt: skip


def _gradient_of_v(history: gt.History) -> NDArray[np.float64]:
    """(S,): size of the gradient of V in (w, b, a, c) at the end, expectations over z exact."""
    w, b, a, c = np.moveaxis(history["params"][-1].astype(float), -1, 0)[..., None]
    x, z = history.static["real"].astype(float), (np.arange(200) + 0.5) / 200
    fake = w * z + b
    d_real, d_fake = expit(a * x + c), expit(a * fake + c)
    parts = (
        -(d_fake * a * z).mean(-1), -(d_fake * a).mean(-1),
        ((1 - d_real) * x).mean(-1) - (d_fake * fake).mean(-1),
        (1 - d_real).mean(-1) - d_fake.mean(-1),
    )  # fmt: skip
    return np.sqrt(sum(part**2 for part in parts))


def _saturation(history: gt.History) -> dict:
    w, b = history["params"][-1, :, 0], history["params"][-1, :, 1]
    v = history["objective"][-1]
    return {
        "v_end": v,
        "saturated": count(v > -0.1),
        "g_gradient_end": history["g_gradient"][-1],
        "fakes": w / 2 + b,
    }


def stronger(ask: Ask) -> dict:
    return _saturation(runs("stronger-discriminator", ask.count(64)))


def generator(ask: Ask) -> dict:
    n = ask.count(64)
    history, balanced = runs("strong-generator", n), runs("normal", n)
    wide = {spread: runs("strong-generator", n, spread=spread) for spread in (10.0, 100.0)}
    sooner, later = calm_from(history, SETTLED), calm_from(balanced, SETTLED)
    faster = {
        "in games": sooner < later,
        "in updates, 51 a game against 2": 51 * sooner < 2 * later,
    }
    return {
        "calm_from": calm_from(history, 0.01),
        "d_gradient": history["d_gradient"][101:].max(0),
        "faster": {
            f"{unit}: {each.sum()} of {n} seeds": most(each) for unit, each in faster.items()
        },
        "settled": count(settled(history)),
        "unstable": {
            f"from weights of std {0.1 * spread:g} ({restless(h).sum()} of {n} end away from the "
            f"optimum and still move, {(~settled(h) & ~restless(h)).sum()} at rest there)":
                bool(restless(h).any())
            for spread, h in {1.0: history, **wide}.items()
        },
    }  # fmt: skip


def noisy(ask: Ask) -> dict:
    n = ask.count(64)
    history, without = runs("noisy", n), runs("strong-discriminator", n)
    failed = ~settled(without)
    return {
        "calm_from": calm_from(history, SETTLED),
        "settled": count(settled(history)),
        "helps": count(settled(history)[failed]),
    }


def noisy_stronger(ask: Ask) -> dict:
    history = runs("noisy-stronger", ask.count(64))
    return {"calm_from": calm_from(history, SETTLED), "settled": count(settled(history))}

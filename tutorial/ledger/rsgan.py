"""RS-GAN: R. Sun, T. Fang and A. Schwing (2020), github.com/AilsaF/RS-GAN.

The states of a few fakes are exact, the toy runs are shipped records of 200 seeds.
"""

from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.stats import ttest_1samp

import gan_teach as gt
from gan_teach import zoo
from gan_teach.analysis import landscape
from gan_teach.course import records
from gan_teach.zoo.experiments import settled_from

from .rules import Ask, Found, count, most

NEAR = 0.05  # of D's loss at the collapse
COLLAPSE, ONE, PERFECT = (0, 0), (0, landscape.OFF), (0, 1)


def states(ask: Ask) -> dict:
    js, rs = (
        {state: float(landscape.assignment_loss(state, loss, "half")) for state in
         (COLLAPSE, ONE, PERFECT)}
        for loss in landscape.LANDSCAPES
    )  # fmt: skip
    ways = [  # of two fakes from the collapse to the perfect state, one of them moving
        [js[COLLAPSE], js[ONE], js[PERFECT]],
        [rs[COLLAPSE], float(landscape.assignment_loss(ONE, "relativistic")), rs[PERFECT]],
    ]
    return {
        "js_collapse": js[COLLAPSE],
        "js_one": js[ONE],
        "js_perfect": js[PERFECT],
        "rs_collapse": rs[COLLAPSE],
        "rs_perfect": rs[PERFECT],
        "basin": {
            "separable: " + ", ".join(f"{v:.4f}" for v in ways[0]): ways[0][0] > ways[0][1],
            "paired: " + ", ".join(f"{v:.4f}" for v in ways[1]): ways[1][0] <= ways[1][1],
        },
        "count_2": _bad_basins(2, "js"),
        "count_3": _bad_basins(3, "js"),
        "count_paired": _bad_basins(2, "relativistic") + _bad_basins(3, "relativistic"),
    }


def _bad_basins(n: int, loss: str) -> int:
    """States of n fakes, on and off n points, that are strict local optima and not the best."""
    every = np.array(list(product(range(-1, n), repeat=n)))
    value = landscape.assignment_loss(every, loss)
    strict = landscape.is_strict_optimum(every, loss)
    return int((strict & (value < value.max() - 1e-9)).sum())


def _counts(game: gt.GAN, first: str = "g") -> list[int]:
    sizes = [
        sum(p.numel() for p in net.parameters()) for net in (game.generator, game.discriminator)
    ]
    return sizes if first == "g" else sizes[::-1]


def clusters(ask: Ask) -> dict:
    js, rs = (records.load(f"two-clusters-{loss}") for loss in ("js", "rs"))
    rested = {name: h.static["plateau"] for name, h in (("js", js), ("rs", rs))}
    rests = {name: p[np.isfinite(p)] for name, p in rested.items()}
    whole = records.load("two-clusters-whole")
    n, sooner = len(whole.static["seed"]), {}
    for event, when in (("D's loss settles", _settled), ("the fakes arrive for good", _arrived)):
        sooner[f"{event}, D's half of the separable loss halved, as published"] = when(rs) < when(
            js
        )
        sooner[f"{event}, both losses whole"] = when(rs)[:n] < when(whole)
    learned = np.abs(rested["js"] - landscape.plateau(1, 2, "js", "half")) < NEAR
    left = (rs["hits"][-1] > 0).all(-1)
    return {
        "networks": _counts(zoo.two_clusters(), first="d"),
        "js_plateau": rests["js"],
        "rs_plateau": rests["rs"],
        "js_end": js["d_loss"][-1],
        "rs_end": rs["d_loss"][-1],
        "js_stays": Found(
            count(np.isfinite(rested["js"])),
            f"in {learned.sum()} of them D has learned that, its loss is within {NEAR} of 0.477",
        ),
        "rs_escapes": Found(
            count(left),
            f"where not, D's loss ends at {rs['d_loss'][-1, ~left].max():.4f}, as at the collapse; "
            "theory says that some way out does not fall, not that steps find it",
        ),
        "rs_faster": {
            "{}: {} of {} seeds".format(where, *count(first)): most(first)
            for where, first in sooner.items()
        },
    }


def _settled(history: gt.History) -> NDArray:
    return history.static["settled"]


def _arrived(history: gt.History) -> NDArray:
    """(S,): the epoch from which on each cluster holds 40 fakes, inf if none."""
    there = np.all(history["hits"] >= records.LEAST_EACH, axis=-1)
    return settled_from(there, history.steps)


def five(ask: Ask) -> dict:
    js, rs = (records.load(f"five-gaussians-{loss}") for loss in ("js", "rs"))
    facts = {name: records.five_gaussian_facts(h) for name, h in (("js", js), ("rs", rs))}
    covered = {name: np.isfinite(f["covered_from"]) for name, f in facts.items()}
    first = {name: f["reached"] for name, f in facts.items()}
    decided = first["js"] != first["rs"]
    return {
        "networks": _counts(zoo.five_gaussians()),
        "rs_covers": count(covered["rs"]),
        "js_covers": count(covered["js"]),
        "rs_faster": Found(
            count((first["rs"] < first["js"])[decided]),
            f"{(~decided).sum()} of {len(decided)} seeds arrive at the same record",
        ),
    }


def networks(ask: Ask) -> dict:
    found = {}
    for key in (
        "cnn_32_64", "cnn_32_32", "cnn_32_16", "cnn_48_64", "cnn_48_16", "resnet_32_256",
        "resnet_32_128", "resnet_32_64", "resnet_32_256_bottleneck", "resnet_32_128_bottleneck",
        "resnet_48_64", "resnet_48_16",
    ):  # fmt: skip
        kind, size, features, *bottleneck = key.split("_")
        data = "cifar" if size == "32" else "stl"
        config = zoo.image_gan(
            f"{data}-rsgan-{kind}", features=int(features), bottleneck=bool(bottleneck)
        )
        pair = config.pair((3, int(size), int(size)))
        found[key] = [sum(p.numel() for p in net.parameters()) for net in pair]
    return found


def images(ask: Ask) -> dict:
    """Narrow networks of CIFAR-10, seed by seed, by Frechet's distance in our own features."""
    paired, separable = (
        records.load(f"cifar-{loss}-quarter")["frechet_raw"][-1] for loss in ("rsgan", "jsgan")
    )
    apart = np.log(paired / separable)
    low, high = np.exp(ttest_1samp(apart, 0.0).confidence_interval())
    why = (
        f"at 12,000 of 100,000 updates the paired run is {np.exp(apart.mean()):.2f} times as far "
        f"from the data (95 %: {low:.2f} to {high:.2f}), not by FID"
    )
    return {"narrow": Found(count(paired < separable), why)}

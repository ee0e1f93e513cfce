"""Finite-Learning-Ratio: T. Fiez and L. Ratliff, github.com/fiezt/Finite-Learning-Ratio.

Nothing random enters its notebooks, so these rows are to the printed digits, or to the error of
reading a figure. Its image runs took a GPU for weeks.
"""

import itertools
import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import logsigmoid, softplus

import gan_teach as gt
from gan_teach import zoo
from gan_teach.zoo.functions import covariance_draws

from . import reproduction, rows
from .rules import Ask, Found


def _points(game: str) -> list[tuple[reproduction.Point, reproduction.Zero]]:
    """The published critical points of a game, each with the zero of the field that is nearest."""
    published = [p for p in reproduction.POINTS if p.game == game and p.mu is None]
    return [(p, reproduction.nearest_zero(game, p.w)) for p in published]


def _ends(game: str) -> dict:
    """{end_TAU: the last point, or its distance to the origin where that is printed}."""
    setup, found = getattr(zoo, game)(), {}
    ends = [end for end in reproduction.ENDS if end.game == game]
    run = gt.flows.trajectories(
        setup.game(), [*setup.x0, *setup.y0], [end.tau for end in ends],
        lr=setup.lr, steps=setup.steps, every=setup.steps,
    )  # fmt: skip
    for end, w in zip(ends, run.points[-1], strict=True):
        found[f"end_{end.tau:g}"] = w if isinstance(end.end, tuple) else np.linalg.norm(w)
    return found


def _kinds(points: list, wanted: str) -> dict:
    return {
        "(" + ", ".join(f"{c:.4g}" for c in point.w) + ")": zero.point.kind == wanted
        for point, zero in points
        if point.kind == wanted
    }


def quadratic(ask: Ask) -> dict:
    ((_, zero),) = _points("quadratic")
    ends = _ends("quadratic")
    start = np.linalg.norm([5.0, 4.0, 3.0, 2.0])
    attracts = {tau: _rightmost(zero.J.at(tau)) < -1e-9 for tau in (2.0, 2.5, 3.0, 5.0, 10.0)}
    return {
        **ends,
        "kind": {"the origin": zero.point.kind == "minmax"},
        "tau_star": zero.tau_star,
        "side": {
            "no eigenvalue on the wrong side at tau = 2.5, 3, 5, 10":
                all(attracts[t] for t in attracts if t > 2),
            "tau = 2 is marginal": not attracts[2.0],
            "the runs of tau = 2.5, 3, 5, 10 end at a fiftieth of the first distance or nearer":
                all(float(ends[f"end_{t:g}"]) < start / 50 for t in attracts if t > 2),
            "that of tau = 2 does not": np.linalg.norm(ends["end_2"]) > start / 50,
        },
    }  # fmt: skip


def _rightmost(matrix: NDArray) -> float:
    return float(np.linalg.eigvals(matrix).real.max())


def dirac(ask: Ask) -> dict:
    zeros = {mu: reproduction.nearest_zero("dirac", (0.0, 0.0), mu=mu) for mu in (0.3, 1.0)}
    real = {mu: gt.real_eigenvalue_tau(zero.J) for mu, zero in zeros.items()}
    found: dict = {f"tau_star_{mu:g}": zero.tau_star for mu, zero in zeros.items()}
    found |= {"critical": real[1.0], "real_0.3": real[0.3]}
    runs = [(1.0, 0.3), (4.0, 0.3), (8.0, 0.3), (16.0, 0.3), (1.0, 1.0)]
    steps = {}
    for loss, key in (("saturating", "converge"), ("non-saturating", "converge_ns")):
        distance = {run: _dirac_distance(loss, *run) for run in runs}
        found[key] = {
            f"tau = {tau:g}, mu = {mu:g}": d[-1] < d[0] / 100 for (tau, mu), d in distance.items()
        }
        steps[loss] = [int(np.argmax(np.append(distance[r], 0) < 1e-3)) for r in runs[:4]]
    found["not_too_large"] = Found(
        {
            f"{loss}: {s[0]}, {s[1]}, {s[2]}, {s[3]} steps": s[0] > s[1] > s[2] < s[3]
            for loss, s in steps.items()
        }
    )
    return found


def _dirac_distance(loss: str, tau: float, mu: float) -> NDArray[np.float64]:
    """Distance to the origin along the published run, from (1, 1)."""

    def f_g(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return (logsigmoid(x * y) if loss == "saturating" else softplus(x * y)).sum()

    def f_d(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return -(logsigmoid(x * y) - 0.5 * mu * y * y).sum()

    one = torch.ones(1, dtype=torch.float64)
    game = gt.FunctionGame(f_g, f_d, one, one.clone())
    run = gt.flows.trajectories(game, [1.0, 1.0], [tau], lr=0.01, steps=4000)
    return run.distance((0.0, 0.0))[:, 0]


def torus(ask: Ask) -> dict:
    (_, origin), (_, corner) = _points("torus")
    setup, pi = zoo.torus(), np.pi
    run = gt.flows.trajectories(
        setup.game(), [[*x, *y] for x, y in setup.starts], setup.taus, lr=setup.lr,
        steps=setup.steps, every=setup.steps, rule="alternating", period=setup.period,
    )  # fmt: skip
    zero, far = (run.distance(w, setup.period)[-1] < 0.05 for w in ((0, 0), (pi, pi)))
    start, end = run.distance((0, 0), setup.period)[[0, -1]]
    edge = pi * (1 - 1 / 50)
    cells = gt.flows.grid((-edge, edge, 50), (-edge, edge, 50))
    regions = gt.flows.basins(
        setup.game(), cells, [(0, 0), (pi, pi)], setup.taus, lr=0.04, steps=20_001, tol=1e-4,
        period=setup.period,
    ).shares()  # fmt: skip
    return {
        "tau_star_0": origin.tau_star,
        "tau_star_pi": corner.tau_star,
        "start_a": {"tau = 1 ends at neither": not (zero | far)[0, 0],
                    "tau = 2 at (0, 0)": zero[1, 0],
                    "tau = 5 at (pi, pi)": far[2, 0], "tau = 10 at (pi, pi)": far[3, 0]},
        "start_b": {"tau = 1 ends at neither": not (zero | far)[0, 1],
                    "tau = 2 at (0, 0)": zero[1, 1], "tau = 5 at (0, 0)": zero[2, 1],
                    "tau = 10 is nearer to (0, 0) than at the start": end[3, 1] < start[3, 1] / 5},
        "regions": {f"tau = {tau:g}: {share:.0%} of the starts": (share > 0) == (tau > 1)
                    for tau, share in zip(setup.taus, regions[:, 1], strict=True)},
    }  # fmt: skip


def polynomial(ask: Ask) -> dict:
    points, setup = _points("polynomial"), zoo.polynomial()
    found: dict = {f"point_{i + 1}": zero.w for i, (_, zero) in enumerate(points)}
    found |= {f"tau_star_{i + 1}": points[i][1].tau_star for i in range(3)}
    found |= {kind: _kinds(points, kind) for kind in ("minmax", "nash", "neither")}
    infinite = [math.isinf(z.tau_star) for p, z in points if p.kind == "neither"]
    found["neither"] |= {"none of the eight has a tau*": len(infinite) == 8 and all(infinite)}
    first = points[0][1].w
    run = gt.flows.trajectories(
        setup.game(), [*setup.x0, *setup.y0], setup.taus, lr=setup.lr, steps=setup.steps,
        every=1000,
    )  # fmt: skip
    distance = run.distance(first)
    early, end = distance[12], distance[-1]
    found["start"] = {
        f"tau = {tau:g}: distance {d:.2g} at the end": (d < 0.1) == (tau > 1)
        for tau, d in zip(setup.taus, end, strict=True)
    }
    found["faster"] = {
        "after 12,000 steps: " + ", ".join(f"{d:.2g}" for d in early[1:]):
            bool((np.diff(early[1:]) < 0).all())
    }  # fmt: skip
    cells = gt.flows.grid((-14.5, 14.5, 30), (-14.5, 14.5, 30))
    regions = gt.flows.basins(
        setup.game(), cells, [first], setup.taus, lr=1e-3, steps=75_001, tol=1e-3, bound=20.0
    ).shares()
    found["regions"] = {
        f"tau = {tau:g}: {share:.0%} of the starts": (share > 0) == (tau > 1)
        for tau, share in zip(setup.taus, regions[:, 0], strict=True)
    }
    return found


def nn(ask: Ask) -> dict:
    (_, first), (_, origin), (_, ones) = _points("polynomial_4d")
    spectra = {tau: _rightmost(origin.J.at(tau)) for tau in (0.75, 5.0, 12.0)}
    a, b, c, d = reproduction.blocks(origin.J)
    schur, follower = (
        np.sort(np.linalg.eigvals(block).real) for block in (a - b @ np.linalg.solve(d, c), d)
    )
    return {
        **_ends("polynomial_4d"),
        "point_1": first.w,
        "tau_star_1": first.tau_star,
        "tau_star_3": ones.tau_star,
        "neither": {"the origin": origin.point.kind == "neither"},
        "schur": schur,
        "follower": follower,
        "escapes": {
            f"tau = {tau:g}: rightmost eigenvalue {value:.2g}": (value < 0) == (tau < 2)
            for tau, value in spectra.items()
        },
    }


def cov(ask: Ask) -> dict:
    half, five = _misses(1, 0.5), _misses(5, 1.0)
    found: dict = {f"half_{tau:g}": math.log10(miss) for tau, miss in half.items()}
    found |= {f"five_{tau:g}": math.log10(miss) for tau, miss in five.items()}
    sizes = {1: _misses(1, 1.0), 5: five, 10: _misses(10, 1.0)}
    found["faster"] = {
        f"d = {d}: " + ", ".join(f"{m:.1g}" for m in miss.values()):
            bool((np.diff(list(miss.values())) < 0).all())
        for d, miss in sizes.items()
    }  # fmt: skip
    return found


def _misses(d: int, mu: float) -> dict[float, float]:
    """{tau: |S - V V^T| at the end} of the published runs, Frobenius norm."""
    setup, target = zoo.covariance(d, mu), covariance_draws(d).S
    run = gt.flows.trajectories(
        setup.game(), [*setup.x0, *setup.y0], setup.taus, lr=setup.lr, steps=setup.steps,
        every=setup.steps,
    )  # fmt: skip
    v = run.points[-1][:, : d * d].reshape(-1, d, d)
    misses = np.linalg.norm(target - v @ v.swapaxes(1, 2), axis=(1, 2))
    return dict(zip(setup.taus, misses.tolist(), strict=True))


def theory(ask: Ask) -> dict:
    """Random zero-sum games, 1 to 3 parameters a player; -J has the blocks A, B, -B^T, D."""
    rng, good, bad = np.random.default_rng(0), [], []
    while len(good) < 100 or len(bad) < 100:
        n_g, n_d = rng.integers(1, 4, 2)
        a, d = (m + m.T for m in (rng.standard_normal((n, n)) for n in (n_g, n_d)))
        b = rng.standard_normal((n_g, n_d))
        J = -np.block([[a, b], [-b.T, d]])
        schur = a + b @ np.linalg.solve(d, b.T)
        lowest = min(np.linalg.eigvalsh(d)[0], np.linalg.eigvalsh(schur)[0])
        if abs(lowest) > 0.01:  # not degenerate
            (good if lowest > 0 else bad).append((J, int(n_g)))
    stars = [(J, n, gt.tau_star(J, n)) for J, n in good]
    beyond = [
        all(_rightmost(_scaled(J, n, f * max(star, 1e-3))) < 0 for f in _FACTORS)
        for J, n, star in stars
    ]
    below = [_rightmost(_scaled(J, n, 0.999 * star)) > 0 for J, n, star in stars if star > 1e-6]
    repel = [_rightmost(_scaled(J, n, tau)) > 0 for J, n in bad for tau in (1e4, 1e5, 1e6)]
    return {
        "minmax": {f"{sum(beyond)} of {len(good)} random ones attract at 1.001 to 10^6 tau*":
                   all(beyond),
                   f"{sum(below)} of the {len(below)} with tau* > 0 repel at 0.999 tau*":
                   all(below)},
        "others": {f"{sum(repel)} of {len(repel)} looks at {len(bad)} random ones, tau = 10^4, "
                   "10^5, 10^6": all(repel)},
    }  # fmt: skip


_FACTORS = (1.001, 2.0, 10.0, 1e3, 1e6)


def _scaled(J: NDArray, n_g: int, tau: float) -> NDArray[np.float64]:
    """D's rows times tau."""
    rates = np.where(np.arange(len(J)) < n_g, 1.0, tau)
    return rates[:, None] * J


def gan(ask: Ask) -> dict:
    config = zoo.image_gan("cifar-timescale")
    networks = [sum(p.numel() for p in net.parameters()) for net in config.pair((3, 32, 32))]
    reason = "the published G also reads an embedding of a label, a constant number here"
    return {"networks": Found(networks, reason), **_in_the_table()}


def _in_the_table() -> dict[str, Any]:
    """What is said of the published table of FID, for each of its data sets and weights mu."""
    said: dict[str, Any] = {"tau_1_worst": {}, "tau_4_best": {}, "average_helps": {}}
    printed = {row.key: row.numbers() for row in rows() if ".fid_" in row.id}
    behind = []  # how far tau = 4 is behind the best, and the largest standard error of that row
    for data, mu in itertools.product(("cifar", "celeba"), (10, 1)):
        cells = [printed[f"fid_{data}_{mu}_{decay}"] for decay in ("99", "999", "9999")]
        fid, where = np.array([values for values, _ in cells]), f"{data}, mu = {mu}"
        said["tau_1_worst"][where] = bool((fid.argmax(1) == 0).all())
        said["tau_4_best"][where] = bool((fid.argmin(1) == 2).all())
        for pair, change in zip(_LONGER, np.diff(fid, axis=0), strict=True):
            said["average_helps"][f"{where}, {pair}"] = bool((change < 0).all())
        behind += [(v[2] - v.min(), error[0]) for v, error in cells]
    gap, error = max(behind)
    said["tau_4_best"] = Found(
        said["tau_4_best"],
        f"elsewhere it is at most {gap:.2f} behind, and means of three runs there are printed with "
        f"standard errors of up to {error:.2f}: a tie",
    )
    return said


_LONGER = (".999 after .99", ".9999 after .999")

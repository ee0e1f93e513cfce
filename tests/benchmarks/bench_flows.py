"""Time maps of basins and long trajectories against plain NumPy loops. Run it as a script.

python tests/benchmarks/bench_flows.py               # some minutes on one core
python tests/benchmarks/bench_flows.py --quick       # under a minute, shorter runs
python tests/benchmarks/bench_flows.py --no-numba    # as where numba is not installed

Floors: torus 4 (2 without numba), polynomial 3 (1), 8 trajectories against NumPy numbers one by one
10, covariance at d = 10 against autograd at every step 2. A ratio below its floor is marked.
The loops are the published algorithm (Fiez & Ratliff's notebooks): derivatives by hand, alternating
updates, no early stopping. A NumPy loop costs the same at every step, so it is timed over some of
the steps and scaled; ours is timed over the whole run, because cells that have settled are dropped.
Ratios are of processor seconds of one thread in neighbouring measurements, medians of several.
The first call of a game is timed apart: it imports, records and compiles. Nothing is asserted but
equal labels.
"""

import argparse
import math
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from gan_teach import zoo
from gan_teach.analysis import flows
from gan_teach.analysis.flows.steps import one_step
from gan_teach.games import FunctionGame

A = B = 0.15  # torus
C = 0.3  # polynomial
TWO_PI = 2 * math.pi


def torus(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return -A * torch.cos(x[0]) + torch.cos(x[0] - y[0]) + B * torch.cos(y[0])


def polynomial(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    x, y = x[0], y[0]
    return -torch.exp(-0.01 * (x**2 + y**2)) * ((C * x**2 + y) ** 2 + (C * y**2 + x) ** 2)


def torus_step(x: Any, y: Any, lr: float, rates: Any) -> tuple[Any, Any]:
    x = x - lr * (A * np.sin(x) - np.sin(x - y))
    return x, y - rates * (B * np.sin(y) - np.sin(x - y))


def polynomial_step(x: Any, y: Any, lr: float, rates: Any) -> tuple[Any, Any]:
    decay = np.exp(-0.01 * x * x - 0.01 * y * y)
    p, q = C * x * x + y, C * y * y + x
    x = x + lr * decay * (4 * C * x * p + 2 * q - 0.02 * x * (p * p + q * q))
    decay = np.exp(-0.01 * x * x - 0.01 * y * y)
    p, q = C * x * x + y, C * y * y + x
    return x, y - rates * decay * (2 * p + 4 * C * y * q - 0.02 * y * (p * p + q * q))


def timed(fn: Callable[[], Any]) -> tuple[Any, float]:
    """Its result and the processor seconds of this one thread: a busy machine does not count."""
    start = time.process_time()
    value = fn()
    return value, time.process_time() - start


def numpy_map(step: Callable, starts: np.ndarray, taus: list, lr: float, steps: int) -> list:
    """Last points per tau, one tau after another."""
    ends = []
    for tau in taus:
        x, y = starts[..., 0], starts[..., 1]
        for _ in range(steps):
            x, y = step(x, y, lr, tau * lr)
        ends.append((x, y))
    return ends


def vector_paths(starts: np.ndarray, taus: list, lr: float, steps: int) -> list:
    """Each trajectory on its own, its point a NumPy vector, every point kept."""

    def d_x(w: np.ndarray) -> Any:
        return A * np.sin(w[0]) - np.sin(w[0] - w[1])

    def d_y(w: np.ndarray) -> Any:
        return B * np.sin(w[1]) - np.sin(w[0] - w[1])

    paths = []
    for tau in taus:
        for start in starts:
            path = [start]
            for _ in range(steps):
                w = np.array([path[-1][0] - lr * d_x(path[-1]), path[-1][1]])
                path.append(np.array([w[0], w[1] - tau * lr * d_y(w)]))
            paths.append(path)
    return paths


def number_paths(starts: np.ndarray, taus: list, lr: float, steps: int) -> list:
    """Each trajectory on its own, in NumPy numbers, every point kept."""
    paths = []
    for tau in taus:
        for x, y in starts:
            path = [(x, y)]
            for _ in range(steps):
                x, y = torus_step(x, y, lr, tau * lr)
                path.append((x, y))
            paths.append(path)
    return paths


def batched_paths(starts: np.ndarray, taus: list, lr: float, steps: int) -> list:
    """All trajectories in one array, every point kept."""
    rates = lr * np.repeat(taus, len(starts))
    x, y = np.tile(starts, (len(taus), 1)).T
    path = [(x, y)]
    for _ in range(steps):
        x, y = torus_step(x, y, lr, rates)
        path.append((x, y))
    return path


def report(what: str, ratios: list[float], seconds: float, floor: float, note: str = "") -> None:
    ratio = statistics.median(ratios)
    spread = f"{min(ratios):.1f} .. {max(ratios):.1f}"
    mark = "" if ratio >= floor else f"BELOW {floor:g}"
    print(f"{what:58s} {ratio:7.1f} {floor:5.1f}   {spread:14s} {seconds:9.2f} s   {note} {mark}")


def bench_map(
    name: str, f: Callable, step: Callable, ends: Any, taus: list, *, floor: float,
    starts: np.ndarray, lr: float, steps: int, numpy_steps: int, repeats: int, **settings: Any,
) -> None:  # fmt: skip
    game = FunctionGame(f, None, [0.0], [0.0])

    def ours() -> flows.Basins:
        return flows.basins(game, starts, ends, taus, lr=lr, steps=steps, **settings)

    found, first = timed(ours)
    ratios, whole = [], []
    for _ in range(repeats):
        plain = timed(lambda: numpy_map(step, starts, taus, lr, numpy_steps))[1]
        seconds = timed(ours)[1]
        ratios.append(plain * steps / numpy_steps / seconds)
        whole.append(seconds)
    note = f"first call {first:.1f} s"
    what = f"{name}, {steps:,} steps, {found.engine}"
    report(what, ratios, statistics.median(whole), floor, note)


def bench_paths(steps: int, repeats: int, numba: bool) -> None:
    game = FunctionGame(torus, None, [0.0], [0.0])
    starts, taus, lr = np.array([[2.0, -1.0], [1.9, -2.1]]), [1, 2, 5, 10], 1e-3
    loops = {
        "one by one, points as vectors": (vector_paths, 0.0),
        "one by one, numbers": (number_paths, 10.0 if numba else 0.0),
        "all in one array": (batched_paths, 0.0),
    }

    def ours() -> flows.Trajectories:
        return flows.trajectories(
            game, starts, taus, lr=lr, steps=steps, rule="alternating", period=TWO_PI
        )

    found, first = timed(ours)
    for name, (plain, floor) in loops.items():
        ratios, whole = [], []
        for _ in range(repeats):
            kept = timed(lambda: plain(starts, taus, lr, steps // 10))[1] * 10  # noqa: B023
            seconds = timed(ours)[1]
            ratios.append(kept / seconds)
            whole.append(seconds)
        what = f"torus, 8 trajectories, {steps:,} steps, {found.engine}"
        note = f"against NumPy, {name}; first call {first:.1f} s"
        report(what, ratios, statistics.median(whole), floor, note)


def bench_covariance(steps: int, repeats: int) -> None:
    """Matrices of 10 x 10: a step is too long to write out, torch's graph of it is run."""
    published = zoo.covariance(10)
    game, start = published.game(), [*published.x0, *published.y0]

    def ours() -> flows.Trajectories:
        return flows.trajectories(game, start, published.taus, lr=1e-3, steps=steps, every=steps)

    step = torch.vmap(lambda w, rates: one_step(game, w, rates, ""), in_dims=1, out_dims=1)

    def plain() -> None:
        w = torch.tensor(start, dtype=torch.float64)[:, None].repeat(1, 4)
        rates = 1e-3 * torch.tensor([[1.0] * 4, published.taus], dtype=torch.float64)
        with torch.no_grad():
            for _ in range(steps // 5):
                w = step(w, rates)

    found, first = timed(ours)
    ratios, whole = [], []
    for _ in range(repeats):
        seconds = timed(ours)[1]
        ratios.append(timed(plain)[1] * 5 / seconds)
        whole.append(seconds)
    what = f"covariance, d = 10, {steps:,} steps, {found.engine}"
    note = f"against autograd at every step; first call {first:.1f} s"
    report(what, ratios, statistics.median(whole), 2.0, note)


def check_labels(steps: int) -> None:
    """Labels of the NumPy loop, cell by cell, at a reduced number of steps."""
    starts, taus = flows.grid((-3.1, 3.1, 60), (-3.1, 3.1, 60)), [1, 2, 5, 10]
    ends = np.array([[0.0, 0.0], [math.pi, math.pi]])
    last = np.array(numpy_map(torus_step, starts, taus, 0.04, steps)).transpose(0, 2, 3, 1)
    gap = last[..., None, :] - ends
    near = np.linalg.norm(gap - TWO_PI * np.rint(gap / TWO_PI), axis=-1) < 1e-4
    plain = np.where(near.any(-1), near.argmax(-1), flows.NONE)
    game = FunctionGame(torus, None, [0.0], [0.0])
    found = flows.basins(game, starts, ends, taus, lr=0.04, steps=steps, tol=1e-4, period=TWO_PI)
    differ = int((found.labels != plain).sum())
    print(f"torus labels, {found.engine}: {differ} of {plain.size} cells differ from NumPy")
    assert differ == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="shorter runs, one repeat")
    parser.add_argument("--no-numba", action="store_true", help="as where it is not installed")
    options = parser.parse_args()
    quick, numba = options.quick, not options.no_numba
    if options.no_numba:
        sys.modules["numba"] = None  # pyright: ignore[reportArgumentType]
    torch.set_num_threads(1)
    repeats = 1 if quick else 3
    print(f"{'workload':58s} {'plain / ours':>7s} {'floor'} {'spread':14s} {'ours':>8s}")
    bench_paths(20_000 if quick else 200_000, repeats, numba)
    side = (-math.pi, math.pi, 30 if quick else 100)
    bench_map(
        f"torus, 4 x {side[2]} x {side[2]}", torus, torus_step, [(0, 0), (math.pi, math.pi)],
        [1, 2, 5, 10], starts=flows.grid(side, side), lr=0.04, steps=20_001,
        numpy_steps=200, repeats=repeats, tol=1e-4, period=TWO_PI, floor=4 if numba else 2,
    )  # fmt: skip
    side = (-15, 15, 60 if quick else 200)
    bench_map(
        f"polynomial, 4 x {side[2]} x {side[2]} (published: 75,001)", polynomial, polynomial_step,
        [(-11.0297385, -11.0297385), (10.5721640, -8.9517392), (-1.6216536, -1.6216536)],
        [1, 2, 5, 20], starts=flows.grid(side, side), lr=1e-3, steps=2_000 if quick else 5_000,
        numpy_steps=20, repeats=repeats, tol=1e-3, bound=20.0, floor=3 if numba else 1,
    )  # fmt: skip
    bench_covariance(500 if quick else 2_000, repeats)
    check_labels(500 if quick else 4_000)


if __name__ == "__main__":
    main()

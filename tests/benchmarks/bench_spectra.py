"""Time the curvature tools and print the table; nothing is asserted. Run it as a script.

python tests/benchmarks/bench_spectra.py            # about two minutes on one core
python tests/benchmarks/bench_spectra.py --quick    # some seconds
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import gan_teach as gt
from gan_teach.analysis.krylov import extremes, jacobian_transpose
from gan_teach.analysis.stability import stable_intervals
from gan_teach.analysis.timescale import tau_star, tau_star_by_bisection
from gan_teach.dynamics import streams


def timed(fn: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    value = fn()
    return value, time.perf_counter() - start


def mlp_gan(width: int, batch_size: int = 64) -> tuple[Any, Any]:
    """An MLP GAN on a ring of 8 Gaussians with R1, in float64, and one batch."""
    nets = [
        gt.models.MLP(2, n_out, width=width, depth=3, activation="tanh", seed=n_out)
        for n_out in (2, 1)
    ]
    latent = gt.data.Normal(dim=2)
    game = gt.GAN(*nets, data=gt.data.ring(8), latent=latent, penalties=gt.penalties.r1(1.0))
    game.to(torch.float64)
    return game, game.draw(batch_size, streams.generator(0))


def bench_products(widths: list[int]) -> None:
    """The graph of the gradient kept, against building it anew for each product."""
    print("one product with J^T                   parameters     graph kept     built anew")
    for width in widths:
        game, batch = mlp_gan(width)
        operator: Any = jacobian_transpose(game, batch)
        v = np.random.default_rng(0).standard_normal(operator.shape[0])
        operator.matvec(v)  # the first product also sets buffers up
        _, kept = timed(lambda: [operator.matvec(v) for _ in range(5)])  # noqa: B023
        _, anew = timed(
            lambda: [jacobian_transpose(game, batch).matvec(v) for _ in range(5)]  # noqa: B023
        )
        print(f"{'':38s} {operator.shape[0]:10,d} {kept / 5:12.4f} s {anew / 5:12.4f} s")


def bench_extremes(widths: list[int]) -> None:
    print("six extreme eigenvalues                parameters  which   seconds")
    for width in widths:
        game, batch = mlp_gan(width)
        for which in ("LM", "LR"):
            operator = jacobian_transpose(game, batch)
            found, seconds = timed(
                lambda: extremes(operator, k=6, which=which, tol=1e-8)  # noqa: B023
            )
            print(
                f"{'':38s} {operator.shape[0]:10,d} {which:>6s} {seconds:9.2f}"
                f"{'' if found.converged else '  not converged'}"
            )


def bench_tau_star(sizes: list[int]) -> None:
    print("tau* of a random minmax point                 n_g=n_d    formula   boundary  bisection")
    rng = np.random.default_rng(0)
    for m in sizes:
        b, d, s = (rng.standard_normal((m, m)) for _ in range(3))
        d, s = d @ d.T + np.eye(m), s @ s.T + np.eye(m)
        J = -np.block([[s - b @ np.linalg.solve(d, b.T), b], [-b.T, d]])
        _, formula = timed(lambda: tau_star(J, m))  # noqa: B023
        boundary = float("nan")
        if 2 * m <= 44:
            _, boundary = timed(lambda: stable_intervals(J, m))  # noqa: B023
        _, bisection = timed(lambda: tau_star_by_bisection(J, m))  # noqa: B023
        print(f"{'':43s} {m:9d} {formula:10.4f} {boundary:10.4f} {bisection:10.4f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes only")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)
    bench_products([16, 64] if quick else [16, 64, 350])
    bench_extremes([16, 32] if quick else [16, 64, 350])
    bench_tau_star([2, 5, 10] if quick else [2, 5, 10, 20, 30])


if __name__ == "__main__":
    main()

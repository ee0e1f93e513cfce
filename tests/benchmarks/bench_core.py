"""How fast the core is against a plain loop of the published algorithm, in one process.

    python tests/benchmarks/bench_core.py [--quick]

The plain loop is the 1-D tutorial as its description has it: torch.optim.SGD for each player, one
backward pass an update, and at every game the Hessian entry by entry (a gradient, then one more
backward pass for each parameter pair) with a general eigenvalue solver. Ratios are medians;
absolute times say little about another machine. Nothing here is collected by pytest.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

import gan_teach as gt
from gan_teach.dynamics import Rule
from gan_teach.dynamics.affine import AffineAlternating
from gan_teach.games.ensemble import stack
from gan_teach.models import Affine1D

BATCH, LR = 10, 0.1


def game(seed: int = 0) -> gt.GAN:
    """The published game: ten real samples for ever, saturating loss."""
    return gt.GAN(
        Affine1D(seed=2 * seed), Affine1D(seed=2 * seed + 1),
        data=gt.data.Fixed.drawn(gt.data.Normal(5, 1), BATCH), latent=gt.data.Uniform(),
        loss="saturating",
    )  # fmt: skip


def plain_loop(games: int, eigenvalues: bool = True, seed: int = 0) -> None:
    """The tutorial without this library."""
    torch.manual_seed(seed)
    x = 5 + torch.randn(BATCH, 1)
    w, a = (torch.nn.Parameter(0.1 * torch.randn(1, 1)) for _ in range(2))
    b, c = (torch.nn.Parameter(torch.zeros(1)) for _ in range(2))
    params = [w, b, a, c]
    optims = {"d": torch.optim.SGD([a, c], LR), "g": torch.optim.SGD([w, b], LR)}

    def losses(z):
        d_real, d_fake = torch.sigmoid(x @ a + c), torch.sigmoid((z @ w + b) @ a + c)
        value = (torch.log(d_real) + torch.log(1 - d_fake)).mean()
        return value, torch.log(1 - d_fake).mean()

    for _ in range(games):
        z = torch.rand(BATCH, 1)
        optims["d"].zero_grad()
        (-losses(z)[0]).backward()
        optims["d"].step()
        optims["g"].zero_grad()
        losses(torch.rand(BATCH, 1))[1].backward()
        optims["g"].step()
        if eigenvalues:
            hessian(losses(z)[0], params)


def hessian(value, params) -> np.ndarray:
    """Sixteen second derivatives, one double backward each, and their eigenvalues."""
    first = torch.autograd.grad(value, params, create_graph=True)
    matrix = np.zeros((4, 4))
    for i, gradient in enumerate(first):
        for j, p in enumerate(params):
            (second,) = torch.autograd.grad(gradient.sum(), p, retain_graph=True, allow_unused=True)
            matrix[i, j] = 0.0 if second is None else second.item()
    return np.linalg.eigvals(matrix)


def ours(games: int, eigenvalues: bool = True, members: int = 0, rule: Rule | None = None) -> None:
    """The same run here: parameters recorded, all Hessians afterwards in batches."""
    one = stack([game(s) for s in range(members)]) if members else game()
    rule = rule or gt.alternating(redraw="latents")
    run = gt.train(one, rule, steps=games, lr=LR, batch_size=BATCH,
                   seed=list(range(members)) if members else 0)  # fmt: skip
    history = gt.record(run, params=gt.probes.params())
    if eigenvalues:
        rngs = [torch.Generator().manual_seed(s) for s in range(members)]
        batch = one.draw(BATCH, rngs if members else torch.Generator().manual_seed(0))
        gt.spectra.spectra(one, history["params"], batch, of="value")


def seconds(fn: Callable[[], object]) -> float:
    start = time.perf_counter()
    fn()
    return time.perf_counter() - start


def medians(
    slow: Callable[[], object], fast: Callable[[], object], repeats: int
) -> tuple[float, float]:
    """Median times of both, run in turns so that a busy machine meets them alike."""
    pairs = [(seconds(slow), seconds(fast)) for _ in range(repeats)]
    a, b = (statistics.median(side) for side in zip(*pairs, strict=True))
    return a, b


def imported(code: str) -> tuple[float, float]:
    """Seconds and peak megabytes of a fresh interpreter that runs ``code`` (Linux)."""
    measure = (
        "import json, re, time; start = time.perf_counter()\n"
        f"{code}\n"
        "took = time.perf_counter() - start\n"
        # not ru_maxrss: that one counts the process that started this one, too
        "peak = int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]) / 1024\n"
        "print(json.dumps([took, peak]))"
    )
    done = subprocess.run([sys.executable, "-c", measure], capture_output=True, check=True)
    took, peak = json.loads(done.stdout)
    return took, peak


def import_costs(repeats: int) -> list[tuple[str, float, float]]:
    codes = ("import torch", "import torch; import gan_teach as gt; gt.train; gt.GAN")
    imported(codes[1])  # warm the disk cache
    rounds = [[imported(code) for code in codes] for _ in range(repeats)]
    rows = []
    for name, i in (("seconds of import", 0), ("megabytes of import", 1)):
        theirs, mine = (statistics.median(r[k][i] for r in rounds) for k in (0, 1))
        rows.append((name, theirs, mine))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the core against a plain loop.")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, one repetition")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)
    games, repeats, members = (150, 1, 64) if quick else (1500, 3, 64)
    for warm in (plain_loop, ours):
        warm(20)
    print(f"{'':58}{'plain':>10}{'ours':>10}{'ratio':>9}  target")

    def row(name: str, a: float, b: float, target: str) -> None:
        print(f"{name:58}{a:10.3f}{b:10.3f}{a / b:9.2f}  {target}", flush=True)

    one = medians(lambda: plain_loop(games), lambda: ours(games), repeats)
    row(f"{games} games with eigenvalues, one run", *one, ">= 5")
    fast = medians(
        lambda: plain_loop(games), lambda: ours(games, rule=AffineAlternating()), repeats
    )
    row("the same, with the rule that the experiments use", *fast, "")
    bare = medians(lambda: plain_loop(games, False), lambda: ours(games, False), repeats)
    row(f"{games} games without eigenvalues, one run", *bare, "")
    loop, many = medians(lambda: plain_loop(games), lambda: ours(games, members=members), repeats)
    row(f"{games} games with eigenvalues, per member of {members}", loop, many / members, ">= 100")
    short = games // 30
    stacked = medians(
        lambda: [ours(short, False) for _ in range(members)],
        lambda: ours(short, False, members),
        repeats,
    )
    row(f"{members} single runs of ours against their stack, {short} games", *stacked, ">= 10")
    for name, alone, mine in import_costs(1 if quick else 5):
        row(f"{name}: torch, gan_teach with it", alone, mine, f"{mine / alone:.3f}, <= 1.15")


if __name__ == "__main__":
    main()

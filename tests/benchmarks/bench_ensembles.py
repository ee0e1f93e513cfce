"""Ensembles against the loop of the published scripts. Run it as a script.

python tests/benchmarks/bench_ensembles.py            # some minutes on one core
python tests/benchmarks/bench_ensembles.py --quick    # about half a minute, fewer repeats

The plain loops train one GAN after another the way the published scripts do (R. Sun's two clusters
and five Gaussians): torch.nn.Linear, torch.optim, a DataLoader over the ten thousand points, two
backward passes, ``.item()`` of both losses. What is compared is member-steps per second: a step of
32 GANs in one stack counts 32. Every repeat times a piece of each, one after the other, so that
another program on the machine slows down both; ratios are medians over the repeats. Nothing is
asserted.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import torch
from torch import nn
from torch.nn.functional import softplus
from torch.utils.data import DataLoader, TensorDataset

import gan_teach as gt
from gan_teach import zoo

Step = Callable[[], Any]


def five_gaussians_loop(width: int) -> Step:
    """One step of D and one of G on the same batch and latents, as published."""
    g = nn.Sequential(
        nn.Linear(2, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 2)
    )
    d = nn.Sequential(
        nn.Linear(2, width), nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2),
        nn.Linear(width, 1, bias=False),
    )  # fmt: skip
    points = gt.data.ring().sample(10_000, torch.Generator().manual_seed(0))
    loader = DataLoader(TensorDataset(points), batch_size=128, shuffle=True, drop_last=True)
    opt_g = torch.optim.Adam(g.parameters(), lr=1e-4, betas=(0.0, 0.9))
    opt_d = torch.optim.Adam(d.parameters(), lr=1e-4, betas=(0.0, 0.9))
    batches = endless(loader)

    def step() -> None:
        (x,) = next(batches)
        z = torch.randn(128, 2)
        loss_d = softplus(-d(x)).mean() + softplus(d(g(z).detach())).mean()
        opt_d.zero_grad()
        loss_d.backward()
        opt_d.step()
        loss_g = softplus(-d(g(z))).mean()
        opt_g.zero_grad()
        loss_g.backward()
        opt_g.step()
        _ = loss_d.item(), loss_g.item()

    return step


def two_clusters_loop() -> Step:
    """One epoch: ten steps of D on fixed fakes, then ten of G, all hundred points each."""
    d = nn.Sequential(
        nn.Linear(1, 10), nn.Sigmoid(), nn.Linear(10, 10), nn.Sigmoid(), nn.Linear(10, 1)
    )
    g = nn.Sequential(nn.Linear(1, 5), nn.Tanh(), nn.Linear(5, 5), nn.Tanh(), nn.Linear(5, 1))
    x = gt.data.two_clusters().fixed(100).points
    z = 10 * torch.rand(100, 1) - 5
    opt_g = torch.optim.SGD(g.parameters(), lr=1e-2, momentum=0.9)
    opt_d = torch.optim.SGD(d.parameters(), lr=1e-2, momentum=0.9)

    def step() -> None:
        fake = g(z).detach()
        for _ in range(10):
            loss_d = 0.5 * (softplus(-d(x)).mean() + softplus(d(fake)).mean())
            opt_d.zero_grad()
            loss_d.backward()
            opt_d.step()
        for _ in range(10):
            loss_g = softplus(-d(g(z))).mean()
            opt_g.zero_grad()
            loss_g.backward()
            opt_g.step()
        _ = loss_d.item(), loss_g.item()

    return step


def endless(loader: DataLoader) -> Iterator[Any]:
    while True:
        yield from loader


def ours(setup: zoo.Training, make: Callable[[int], gt.GAN], members: int) -> Step:
    seeds = list(range(members))
    if members == 1:
        run = setup.train(make(0), steps=10**9)
    else:
        run = setup.train(gt.stack([make(s) for s in seeds]), steps=10**9, seed=seeds)
    next(run)
    return lambda: next(run)


def seconds(step: Step, count: int) -> float:
    """Processor seconds of this thread a step."""
    start = time.process_time()
    for _ in islice(iter(int, 1), count):
        step()
    return (time.process_time() - start) / count


def compare(name: str, plain: Step, mine: Step, members: int, repeats: int, budget: float) -> None:
    for step in (plain, mine):
        seconds(step, 3)  # the first steps are slower
    counts = [max(1, round(budget / seconds(step, 3))) for step in (plain, mine)]
    pairs = [(seconds(plain, counts[0]), seconds(mine, counts[1])) for _ in range(repeats)]
    ratios = [members * loop / stack for loop, stack in pairs]
    loop, stack = (statistics.median(times) * 1e3 for times in zip(*pairs, strict=True))
    spread = f"{min(ratios):.1f} .. {max(ratios):.1f}"
    print(
        f"{name:44s} {statistics.median(ratios):7.2f}   {spread:14s} {loop:9.3f} {stack:9.3f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer and shorter repeats")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)
    repeats, budget = (3, 0.3) if quick else (9, 1.0)
    print(f"{'workload (one thread)':44s} {'ratio':>7s}   {'spread':14s}  loop, ms  ours, ms")
    for width, members in ((128, 1), (128, 32), (16, 32)):
        setup, make = zoo.FIVE_GAUSSIANS, lambda s, w=width: zoo.five_gaussians(s, width=w)
        name = f"five Gaussians, width {width}, {members} GANs"
        mine = ours(setup, make, members)
        compare(name, five_gaussians_loop(width), mine, members, repeats, budget)
    for members in (1, 32, 256):
        mine = ours(zoo.TWO_CLUSTERS, zoo.two_clusters, members)
        name = f"two clusters, {members} GANs"
        compare(name, two_clusters_loop(), mine, members, repeats, budget)


if __name__ == "__main__":
    main()

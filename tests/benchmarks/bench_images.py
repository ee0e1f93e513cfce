"""A step of our image GANs against a plain PyTorch loop of the same networks. Run it as a script.

python tests/benchmarks/bench_images.py            # two or three minutes on one core
python tests/benchmarks/bench_images.py --quick    # the narrow networks only

The plain loop is what most scripts do: torch.optim.Adam, a DataLoader, D on the real and on the
generated images, G run again for its own step, whose backward pass also computes D's gradients and
throws them away, ``.item()`` of both losses. Ours is ``gan_teach.train`` of the same networks: in
float32 with the channels last in memory, and in bfloat16 as well, which pays on processors that
have instructions for it. Repeats alternate, so that another program on the machine slows down all
of them; ratios are medians over the repeats of processor time. Nothing is asserted.
"""

import argparse
import statistics
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from bench_ensembles import endless, seconds
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from gan_teach import zoo
from gan_teach.data import Images, photographs

Step = Callable[[], Any]
BATCH, SIZE = 64, 32


def configured(name: str, features: int) -> zoo.ImageGAN:
    return replace(zoo.IMAGE_GANS[name], features=features, batch_size=BATCH, size=SIZE)


def plain_loop(config: zoo.ImageGAN, images: Images) -> Step:
    game = config.game(images)
    g, d, loss = game.generator, nn.Sequential(game.discriminator, nn.Flatten(0)), game.loss
    lr_g, lr_d = config.lr, config.lr * config.tau
    opt_g = torch.optim.Adam(g.parameters(), lr=lr_g, betas=(0.5, 0.999))
    opt_d = torch.optim.Adam(d.parameters(), lr=lr_d, betas=(0.5, 0.999))
    loader = DataLoader(
        TensorDataset(images.floats()), batch_size=BATCH, shuffle=True, drop_last=True
    )
    batches = endless(loader)

    def step() -> None:
        (x,) = next(batches)
        fake = g(torch.randn(BATCH, config.latent))
        loss_d = loss.d(d(x), d(fake.detach()))
        opt_d.zero_grad()
        loss_d.backward()
        opt_d.step()
        fake = g(torch.randn(BATCH, config.latent))
        on_fake = d(fake)
        loss_g = loss.g(d(x) if loss.paired else on_fake, on_fake)
        opt_g.zero_grad()
        loss_g.backward()
        opt_g.step()
        _ = loss_d.item(), loss_g.item()

    return step


def ours(config: zoo.ImageGAN, images: Images) -> Step:
    game = config.game(images)
    game.to(memory_format=torch.channels_last)
    run = config.train(game, steps=10**9)
    next(run)
    return lambda: next(run)


def compare(name: str, steps: dict[str, Step], repeats: int, budget: float) -> None:
    for step in steps.values():
        seconds(step, 3)  # the first steps are slower
    counts = {key: max(2, round(budget / seconds(step, 2))) for key, step in steps.items()}
    times = {key: [] for key in steps}
    for _ in range(repeats):
        for key, step in steps.items():
            times[key].append(seconds(step, counts[key]))
    for key in list(steps)[1:]:
        ratios = [loop / mine for loop, mine in zip(times["loop"], times[key], strict=True)]
        spread = f"{min(ratios):.2f} .. {max(ratios):.2f}"
        loop, mine = (1e3 * statistics.median(times[k]) for k in ("loop", key))
        print(
            f"{name:28s} {key:8s} {statistics.median(ratios):6.2f}   {spread:14s} "
            f"{loop:9.1f} {mine:9.1f}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="narrow networks, fewer repeats")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    repeats, budget = (3, 0.5) if options.quick else (7, 1.5)
    images = photographs(SIZE)
    print(f"threads: {options.threads}; {torch.backends.cpu.get_cpu_capability()}")
    print(f"{'workload':28s} {'ours':8s} {'ratio':>6s}   {'spread':14s}  loop, ms  ours, ms")
    widths = ((16,) if options.quick else (16, 64))  # fmt: skip
    for name in ("mnist-dcgan", "cifar-rsgan-cnn"):
        for width in widths:
            config = configured(name, width)
            title = f"{'DCGAN' if 'dcgan' in name else 'SN-CNN, paired'}, width {width}"
            steps = {
                "loop": plain_loop(config, images),
                "float32": ours(config, images),
                "bfloat16": ours(replace(config, precision="bf16"), images),
            }
            compare(title, steps, repeats, budget)


if __name__ == "__main__":
    main()

"""What each of two processes does for test_processes.py: python two_processes.py FOLDER."""

# pyright: reportArgumentType=false, reportOptionalIterable=false

import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

from gan_teach import dynamics
from gan_teach.analysis.spectra import flatten
from gan_teach.data import Images, Normal
from gan_teach.dynamics.optim import Adam
from gan_teach.games import GAN, corrupt, losses, penalties
from gan_teach.models import convnets as c
from gan_teach.training import processes, train

PIXELS = np.random.default_rng(0).integers(0, 256, (30, 3, 8, 8), dtype=np.uint8)
IMAGES = Images(PIXELS, dequantize=True, flip=True)
PAIRS = {
    "plain": lambda: (c.StableGenerator(8, 2, 5, seed=1), smooth(nn.Identity())),
    "batch norm": lambda: (c.DCGANGenerator(8, 3, 2, 5, seed=1), smooth(nn.BatchNorm2d(4))),
    "spectral norm": lambda: (c.CNNGenerator(8, 2, 5, seed=1), c.CNNDiscriminator(8, 2, seed=2)),
}
PENALTIES = {
    "none": lambda: (),
    "r1": penalties.r1,
    "r2": penalties.r2,
    "wgan_gp": penalties.wgan_gp,
    "dragan": penalties.dragan,
    "dragan as published": lambda: penalties.dragan(directions="published"),
}
CASES = {
    **{
        f"{pair}, {loss}, {penalty}": (pair, {"loss": loss, "penalties": PENALTIES[penalty]()})
        for pair, chosen in (("plain", PENALTIES), ("batch norm", ("wgan_gp", "dragan")))
        for loss in losses.LOSSES
        for penalty in chosen
    },
    "spectral norm": ("spectral norm", {"loss": "relativistic"}),
    "label smoothing": ("plain", {"label_smoothing": 0.9}),
    "instance noise": ("plain", {"corrupt": corrupt.InstanceNoise(0.3)}),
    "all penalties": ("plain", {"penalties": [make() for make in PENALTIES.values() if make()]}),
}


def smooth(norm):
    """A discriminator whose slope changes from point to point, which penalties must notice."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        return nn.Sequential(nn.Conv2d(3, 4, 4, 2), norm, nn.SiLU(), nn.Flatten(), nn.Linear(36, 1))


def game(pair="plain", **settings):
    playing = GAN(*PAIRS[pair](), data=IMAGES, latent=Normal(dim=5), **settings)
    playing.to(torch.float64)
    return playing


def gradients(world):
    """Of each case: both players' gradients, losses, D's terms and the buffers after one step."""
    found = {}
    for name, (pair, settings) in CASES.items():
        playing = game(pair, **settings)
        rule = processes.share(playing, dynamics.alternating(), world)
        *_, state = train(playing, rule, steps=1, lr=0.0, batch_size=6, seed=4)
        buffers = [b for m in playing.modules().values() for b in m.buffers()]
        values = [*state.losses.values(), *state.d_terms.values()]
        found[name] = [*state.optims.g_grads, *state.optims.d_grads, *buffers, *values]
    return found


def weights(world, autocast=None):
    """Where eight steps of Adam lead to."""
    playing = game("batch norm", autocast=autocast)
    rule = processes.share(playing, dynamics.alternating(d_steps=2), world)
    *_, _ = train(playing, rule, steps=8, lr=1e-3, optimizer=Adam, batch_size=6)
    return flatten(playing)


if __name__ == "__main__":
    torch.set_num_threads(1)
    world = processes.join()
    content = {"gradients": gradients(world), "weights": weights(world)}
    content["weights in bfloat16"] = weights(world, "bf16")
    content["any"] = [world.any(world.rank == 1), world.any(False)]
    torch.save(content, Path(sys.argv[1]) / f"{world.rank}.pt")
    world.close()

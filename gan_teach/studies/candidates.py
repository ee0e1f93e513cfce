"""What can be scored and drawn from: generators of a run, published weights, a folder of images."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from gan_teach import _checks
from gan_teach._identity import digest
from gan_teach.data import Images, load_images
from gan_teach.metrics.features.classifier import fingerprint
from gan_teach.models.convnets import load_rsgan_generator
from gan_teach.studies.drawing import draw, fixed_latents
from gan_teach.studies.image_runs import RAW, Settings, Trained, load_run, snapshots

AT_ONCE = 500  # images that are drawn and handed on together, as RS-GAN's authors sampled
UNTRAINED = "untrained"


@dataclass(frozen=True)
class Generator:
    """One generator; ``load()`` may read its weights.

    ``images()`` makes what its run was trained on, with a sentence if other data stand in; a
    published file, which does not hold them, draws with the statistics of each batch.
    """

    source: str
    step: int | None
    average: str
    load: Callable[[], nn.Module]
    latent: int
    images: Callable[[], tuple[Images, str]] | None = None

    def digest(self) -> str:
        """Changes when what it draws does."""
        return f"{fingerprint(self.load())} {self.images is None}"

    def draw(self, latents: Tensor, device: str | torch.device = "cpu") -> np.ndarray:
        """Images (n, C, H, W) in [-1, 1] of latents; a NaN image is drawn as it is."""
        return draw(self.load().to(device), latents, AT_ONCE, batch_statistics=self.images is None)

    def batches(self, n: int, seed: int, device: str | torch.device) -> Iterator[Tensor]:
        """``n`` images of fixed latents, at most 500 at a time."""
        for latents in fixed_latents(n, self.latent, seed).split(AT_ONCE):
            yield torch.from_numpy(self.draw(latents, device))


@dataclass(frozen=True)
class Folder:
    """Images of a folder in the place of generated ones."""

    source: str
    content: Images
    step: None = None
    average: str = "images"
    images: None = None

    def digest(self) -> str:
        """Changes when the images do."""
        return digest(self.content.pixels)

    def batches(self, n: int, seed: int, device: str | torch.device) -> Iterator[Tensor]:
        """``n`` of the images at random, at most 500 at a time."""
        if n > len(self.content):
            raise ValueError(
                f"n must be at most the {len(self.content)} images in {self.source}, got {n}."
            )
        order = torch.randperm(len(self.content), generator=torch.Generator().manual_seed(seed))
        for rows in order[:n].split(AT_ONCE):
            yield self.content[rows].floats().to(device)


def candidates(
    source: str | os.PathLike[str],
    *,
    averages: Sequence[str] = (),
    every: int = 1,
    last: bool = False,
    untrained: bool = False,
) -> Sequence[Generator | Folder]:
    """What there is to score in a run's folder, a published file of RS-GAN or a folder of images.

    Of a run: the saved steps that are multiples of ``every``, or the ``last`` one only; each with G
    ("raw") and its averages ("0.999", ...), or those named in ``averages``; with ``untrained`` also
    G as the run started it, as step 0. Raises FileNotFoundError or ValueError for what is none of
    these.
    """
    path = Path(source)
    if path.is_file() and path.suffix in {".pth", ".pt"}:
        g = load_rsgan_generator(path)
        return [Generator(path.name, None, RAW, lambda: g, next(g.parameters()).shape[1])]
    if path.is_dir() and not (path / "settings.json").exists():
        return [Folder(path.name, load_images(path))]
    trained = load_run(path)
    names = [_checks.choice("--ema", name, trained.generators) for name in averages]
    read = lru_cache(maxsize=1)(partial(load_run, path))  # a step's generators, from one file
    loaders = {
        (step, name): lambda step=step, name=name: read(step).generators[name]
        for step in _chosen(path, every, last)
        for name in names or trained.generators
    }
    if untrained:
        loaders = {(0, UNTRAINED): partial(_untrained, trained), **loaders}
    own = partial(_own_images, trained.settings)
    return [Generator(path.name, *at, load, trained.latent, own) for at, load in loaders.items()]


def _own_images(settings: Settings) -> tuple[Images, str]:
    """What the run was trained on, in memory even if it was read from the disk then."""
    images, note = replace(settings, workers=None).images()
    assert isinstance(images, Images)
    return images, note


def _chosen(folder: Path, every: int, last: bool) -> list[int]:
    steps = list(snapshots(folder))
    every = _checks.whole("every", every, least=1)
    chosen = steps[-1:] if last else [step for step in steps if step % every == 0]
    if not chosen:
        saved = ", ".join(map(str, steps[:8]))
        raise ValueError(f"no step of {folder} is a multiple of {every}: it saved {saved} ...")
    return chosen


def _untrained(run: Trained) -> nn.Module:
    """G as the run started it: the game is made anew, on images of which only the shape counts."""
    blank = Images(torch.arange(2 * math.prod(run.shape)).to(torch.uint8).reshape(2, *run.shape))
    return run.settings.experiment().game(blank, run.settings.seed).generator

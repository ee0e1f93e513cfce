"""What can be scored: the generators of a run, published weights, a folder of images."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from gan_teach import _checks
from gan_teach.data import Images, load_images
from gan_teach.metrics.features.classifier import fingerprint
from gan_teach.models.convnets import load_rsgan_generator
from gan_teach.studies.image_runs import (
    RAW,
    Settings,
    Trained,
    draw,
    fixed_latents,
    load_run,
    snapshots,
)

AT_ONCE = 500  # images that are drawn and handed on together, as RS-GAN's authors sampled
UNTRAINED = "untrained"

Batches = Callable[[int, int], Iterator[Tensor]]


@dataclass(frozen=True)
class Candidate:
    """One generator to be scored.

    digest() changes when what it draws does; batches(n, seed) draws n images (k, C, H, W) in
    [-1, 1], at most 500 at a time. Both may load weights. A NaN image is drawn as it is.
    """

    source: str
    step: int | None
    average: str
    digest: Callable[[], str]
    batches: Batches


def candidates(
    source: str | os.PathLike[str],
    *,
    averages: Sequence[str] = (),
    every: int = 1,
    last: bool = False,
    untrained: bool = False,
    device: str | torch.device = "cpu",
) -> tuple[list[Candidate], Callable[[], tuple[Images, str]] | None]:
    """What there is to score in a run's folder, a published file of RS-GAN or a folder of images.

    Of a run: the saved steps that are multiples of ``every``, or the ``last`` one only; each with G
    ("raw") and its averages ("0.999", ...), or those named in ``averages``; with ``untrained`` also
    G as the run started it, as step 0. The second value makes the run's own real images; it is None
    for the others. Raises FileNotFoundError or ValueError for what is none of these.
    """
    path = Path(source)
    if path.is_file() and path.suffix in {".pth", ".pt"}:
        g = load_rsgan_generator(path)
        latent = next(g.parameters()).shape[1]
        return [_drawing(path.name, None, RAW, lambda: g, latent, device, published=True)], None
    if path.is_dir() and not (path / "settings.json").exists():
        return [_folder(path)], None
    trained = load_run(path)
    names = [_checks.choice("--ema", name, trained.generators) for name in averages]
    generators = [
        (step, name, partial(_saved, trained, path, step, name))
        for step in _chosen(path, every, last)
        for name in names or trained.generators
    ]
    if untrained:
        generators.insert(0, (0, UNTRAINED, partial(_untrained, trained.settings, path)))
    drawing = partial(_drawing, latent=trained.latent, device=device)
    return [drawing(path.name, *one) for one in generators], partial(_own_images, trained.settings)


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


def _saved(trained: Trained, folder: Path, step: int, name: str) -> nn.Module:
    """A run's generator at one of its steps; weights are read when the step changes."""
    if trained.step != step:
        trained.load(snapshots(folder)[step])
    return trained.generators[name]


def _untrained(settings: Settings, folder: Path) -> nn.Module:
    """G as the run started it: the game is made anew, on images of which only the shape counts."""
    shape = json.loads((folder / "settings.json").read_text("utf-8"))["shape"]
    blank = np.arange(2 * np.prod(shape), dtype=np.uint8).reshape(2, *shape)
    return settings.experiment().game(Images(torch.from_numpy(blank)), settings.seed).generator


def _drawing(
    source: str,
    step: int | None,
    average: str,
    load: Callable[[], nn.Module],
    latent: int,
    device: str | torch.device,
    published: bool = False,
) -> Candidate:
    """``published`` weights draw with the statistics of the batch, others with the running ones."""

    def digest() -> str:
        return f"{fingerprint(load())} {published}"

    def batches(n: int, seed: int) -> Iterator[Tensor]:
        g = load().to(device)
        for latents in fixed_latents(n, latent, seed).split(AT_ONCE):
            yield torch.from_numpy(draw(g, latents, AT_ONCE, batch_statistics=published))

    return Candidate(source, step, average, digest, batches)


def _folder(path: Path) -> Candidate:
    images = load_images(path)

    def digest() -> str:
        return hashlib.sha256(images.pixels.numpy().tobytes()).hexdigest()

    def batches(n: int, seed: int) -> Iterator[Tensor]:
        if n > len(images):
            raise ValueError(f"n must be at most the {len(images)} images in {path}, got {n}.")
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))
        for rows in order[:n].split(AT_ONCE):
            yield images[rows].floats()

    return Candidate(path.name, None, "images", digest, batches)

"""Images from latents: batches, ways between two latents, and files of them."""

from __future__ import annotations

import copy
import os

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from gan_teach import _checks
from gan_teach._files import replacing
from gan_teach.data import Normal
from gan_teach.dynamics.streams import generator
from gan_teach.plots.animation import write_gif
from gan_teach.plots.images import sheet

_STREAM = 64  # keeps these latents apart from those that a run trains on
_READABLE = 96  # pixels that a small image is enlarged to


def fixed_latents(n: int, dim: int, seed: int = 0) -> Tensor:
    """The latents (n, dim) of a run's sample sheets and evaluations: the same at each step."""
    return Normal(dim=dim).sample(n, generator(seed, _STREAM))


@torch.no_grad()
def draw(
    g: nn.Module, latents: Tensor, batch: int = 500, batch_statistics: bool = False
) -> np.ndarray:
    """G's images (n, channels, h, w) in [-1, 1], ``batch`` of them at a time.

    Batch norm uses its running statistics (evaluation mode), or with ``batch_statistics`` those of
    each batch, as RS-GAN's authors sampled: then an image depends on those drawn beside it. The
    generator is left as it was.
    """
    own = copy.deepcopy(g).train(batch_statistics)
    first = next(own.parameters())
    parts = [own(z.to(first.device, first.dtype)).float().cpu() for z in latents.split(batch)]
    return torch.cat(parts).numpy()


def between(start: Tensor, end: Tensor, steps: int, spherical: bool = False) -> Tensor:
    """(rows, steps, d): the way from each latent in ``start`` (rows, d) to that in ``end``.

    Straight, (1 - t) a + t b; or spherical (Shoemake, 1985), (sin((1 - t) w) a + sin(t w) b) /
    sin w with w the angle between a and b. Gaussian latents of many dimensions lie near a sphere,
    which the straight way leaves in its middle. Raises ValueError for steps < 2, or where a and b
    are parallel and so leave the spherical way undefined.
    """
    t = torch.linspace(0, 1, _checks.whole("steps", steps, least=2), dtype=start.dtype)
    t, a, b = t[None, :, None], start[:, None], end[:, None]
    if not spherical:
        return (1 - t) * a + t * b
    angle = torch.acos(torch.cosine_similarity(a, b, -1).clamp(-1, 1))[..., None]
    if bool((angle.sin() < 1e-6).any()):
        raise ValueError("spherical interpolation needs latents that are not parallel.")
    return (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle)


def save_sheet(
    path: str | os.PathLike[str], images: np.ndarray, columns: int | None = None
) -> None:
    """Write images (n, channels, h, w) side by side as a PNG, small ones enlarged."""
    page = Image.fromarray(sheet(images, columns, _zoom(images)))
    with replacing(path) as partial:
        page.save(partial, format="PNG")


def save_film(path: str | os.PathLike[str], frames: np.ndarray) -> None:
    """Write images (rows, steps, channels, h, w) as a GIF that goes there and back for ever."""
    pages = [sheet(frames[:, i], zoom=_zoom(frames)) for i in range(len(frames[0]))]
    pages += pages[-2:0:-1]
    with replacing(path) as partial:
        write_gif(partial, pages.__getitem__, len(pages), fps=12.5, shades=255)


def _zoom(images: np.ndarray) -> int:
    return max(1, _READABLE // images.shape[-1])

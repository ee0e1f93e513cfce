"""Images of generators: from which latents they are drawn, and the files they are written to."""

import copy
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from gan_teach import _checks
from gan_teach._files import replacing
from gan_teach.data import Asked, Normal, Source
from gan_teach.dynamics.streams import generator
from gan_teach.plots.animation import write_gif
from gan_teach.plots.images import sheet

FORMATS = ("png", "pdf", "eps")
STREAM = 64  # keeps these latents apart from those that a run trains on
_STATISTICS = 1 << 20  # the seed of the latents that give batch norm its statistics
_READABLE = 96  # pixels that a small image is enlarged to

# -- latents --------------------------------------------------------------------------------------


def fixed_latents(n: int, latent: int | Source, seed: int = 0) -> Tensor:
    """The latents (n, d) of a run's sheets and evaluations: the same at each step.

    ``latent`` : their distribution, or the dimension of normal ones.
    """
    source = Normal(dim=latent) if isinstance(latent, int) else latent
    return source.sample(n, generator(seed, STREAM))


def ask(latent: Source, latents: Tensor, classes: Iterable[int]) -> Tensor:
    """The same noise, with these classes asked for in turn. ``latent`` : that of a conditional GAN.

    Raises ValueError for one that is not conditional.
    """
    if not isinstance(latent, Asked):
        raise ValueError("this generator was not trained to be asked for a class (conditional).")
    in_turn = torch.tensor(list(classes))
    noise = latents[..., : -latent.classes]
    return latent.ask(noise, in_turn[torch.arange(len(noise)) % len(in_turn)])


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


def refresh(g: nn.Module, latent: int | Source) -> nn.Module:
    """Give batch norm the statistics of g's present weights, and return g.

    An average of weights comes with those of the last G, which are not its own, as an average of
    statistics would not be. The mean over ten batches of 100 fixed latents replaces them (Izmailov
    et al., 2018); in a run the next update copies the last G's again, so that nothing else changes.
    ``latent`` : as in ``fixed_latents``.
    """
    latents = fixed_latents(1000, latent, _STATISTICS).to(next(g.parameters()))
    update_bn(latents.split(100), g)
    return g


def between(start: Tensor, end: Tensor, steps: int, spherical: bool = False) -> Tensor:
    """(..., steps, d): the way from each latent in ``start`` (..., d) to that in ``end``.

    Straight, (1 - t) a + t b; or spherical (Shoemake, 1985), (sin((1 - t) w) a + sin(t w) b) /
    sin w with w the angle between a and b. Gaussian latents of many dimensions lie near a sphere,
    which the straight way leaves in its middle. Raises ValueError for steps < 2, or where a and b
    are parallel and so leave the spherical way undefined.
    """
    t = torch.linspace(0, 1, _checks.whole("steps", steps, least=2), dtype=start.dtype)[:, None]
    a, b = start.unsqueeze(-2), end.unsqueeze(-2)
    if not spherical:
        return (1 - t) * a + t * b
    angle = torch.acos(torch.cosine_similarity(a, b, -1).clamp(-1, 1))[..., None]
    if bool((angle.sin() < 1e-6).any()):
        raise ValueError("spherical interpolation needs latents that are not parallel.")
    return (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle)


def along(points: Tensor, steps: int, spherical: bool = False, classes: int = 0) -> Tensor:
    """(rows, (k - 1)(steps - 1) + 1, d): the ways through the latents of each row, (rows, k, d).

    ``steps`` on each of them, as in ``between``. The last ``classes`` numbers of a latent, which
    ask for a class, go straight.
    """
    noise, asked = points.split([points.shape[-1] - classes, classes], -1)
    parts = []
    for x, on_sphere in ((noise, spherical), (asked, False)):
        legs = between(x[:, :-1], x[:, 1:], steps, on_sphere)[:, :, 1:]
        parts.append(torch.cat([x[:, :1], legs.flatten(1, 2)], 1))
    return torch.cat(parts, -1)


# -- files ----------------------------------------------------------------------------------------


def save_images(
    path: Path, images: np.ndarray, columns: int | None = None, labels: Sequence[str] = ()
) -> None:
    """Write images (n, channels, h, w) in [-1, 1] by the ending of ``path``.

    .png, .pdf, .eps: a sheet. .npz: one array of bytes, (n, h, w, channels), with ``labels`` beside
    it if there are any. None: a folder of single PNGs, with labels in their names. Raises
    ValueError for another ending, for NaN, and for a folder that has files.
    """
    if path.suffix not in ("", ".npz"):
        _checks.choice("out's ending", path.suffix[1:], ("npz", *FORMATS))
        save_sheet(path, images, columns)
        return
    _checks.finite("images", images, "Did the generator diverge?")
    pixels = levels(images).transpose(0, 2, 3, 1)
    if path.suffix:
        with replacing(path) as partial, open(partial, "wb") as file:
            if labels:
                np.savez(file, pixels, labels=np.array(labels))
            else:
                np.savez(file, pixels)
        return
    if path.exists() and (path.is_file() or any(path.iterdir())):
        raise ValueError(f"{path} is there already: name a new folder for single images.")
    for k, image in enumerate(pixels):
        name = f"{k:06d}-{labels[k]}.png" if labels else f"{k:06d}.png"
        with replacing(path / name) as partial:
            Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image).save(partial)


def save_sheet(
    path: str | os.PathLike[str], images: np.ndarray, columns: int | None = None
) -> None:
    """Write images (n, channels, h, w) side by side, small ones enlarged: a PNG, PDF or EPS."""
    page = Image.fromarray(sheet(images, columns, _zoom(images)))
    with replacing(path) as partial:
        page.save(partial)


def save_film(path: str | os.PathLike[str], frames: np.ndarray) -> None:
    """Write images (rows, steps, channels, h, w) as a GIF that goes there and back for ever."""
    pages = [sheet(frames[:, i], zoom=_zoom(frames)) for i in range(len(frames[0]))]
    pages += pages[-2:0:-1]
    with replacing(path) as partial:
        write_gif(partial, pages.__getitem__, len(pages), fps=12.5, shades=255)


def levels(images: np.ndarray) -> np.ndarray:
    """Images in [-1, 1] as bytes; what lies beyond is cut off."""
    return np.rint((np.clip(images, -1, 1) + 1) * 127.5).astype(np.uint8)


def _zoom(images: np.ndarray) -> int:
    return max(1, _READABLE // images.shape[-1])

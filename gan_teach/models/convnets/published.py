"""The generators that were published with RS-GAN, read into ours by name.

github.com/AilsaF/RS-GAN offers five files. Four hold a CNN and a ResNet of a quarter of the usual
width, without bottleneck, for CIFAR-10 at 32 and STL-10 at 48 pixels (``quater`` in their names);
the fifth a ResNet of half the width, with bottleneck, for CIFAR-10. The architecture is read off
the names and shapes in the file, so that no setting can disagree.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from gan_teach.models.convnets.resnet import ResNetGenerator
from gan_teach.models.convnets.sn import CNNGenerator

_NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
_BOTH = ("weight", "bias")


def load_rsgan_generator(path: str | os.PathLike[str]) -> nn.Module:
    """A generator from a published file: latents N(0, I_128) to images of 32 or 48 pixels.

    It is in training mode, that is its batch norm uses the statistics of the batch: the published
    samples and scores were made so, from batches of 500. ``.eval()`` uses the running statistics.

    Raises FileNotFoundError, or ValueError for a file that cannot be read or holds something else.
    """
    path = Path(path)
    saved = _read(path)
    try:
        model = _matching(saved)
        model.load_state_dict({ours: saved[theirs] for ours, theirs in _names(model, saved)})
    except (KeyError, RuntimeError, ValueError) as error:
        raise ValueError(
            f"{path} is no generator of RS-GAN: its {len(saved)} entries, such as "
            f"{', '.join(list(saved)[:3]) or 'none'}, do not fit ({error})."
        ) from error
    return model.train()


def _read(path: Path) -> dict[str, Tensor]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise ValueError(f"{path} is damaged, or no file of weights: {error}") from error
    if not isinstance(content, Mapping) or not all(isinstance(v, Tensor) for v in content.values()):
        raise ValueError(f"{path} holds no weights by name, but {type(content).__name__}.")
    return dict(content)


def _matching(saved: Mapping[str, Tensor]) -> CNNGenerator | ResNetGenerator:
    """A new generator of the architecture that the shapes tell."""
    first = saved["l1.weight"].shape  # (channels * side^2, latent)
    cnn = "deconv1.weight" in saved
    top = saved["deconv1.weight" if cnn else "block2.c_sc.weight"].shape[0 if cnn else 1]
    side = round((first[0] / top) ** 0.5)
    settings = {"size": 8 * side, "latent": int(first[1])}
    if cnn:
        return CNNGenerator(features=saved["conv4.weight"].shape[1], **settings)
    hidden, after = saved["block2.c1.weight"].shape[0], saved["block2.c_sc.weight"].shape[0]
    features = saved["conv5.weight"].shape[1]
    return ResNetGenerator(features=features, bottleneck=hidden != after, **settings)


def _names(
    model: CNNGenerator | ResNetGenerator, saved: Mapping[str, Tensor]
) -> Iterator[tuple[str, str]]:
    """(our name, theirs) of every entry. Raises ValueError for entries that have no place."""
    pairs = list(_cnn_names() if isinstance(model, CNNGenerator) else _resnet_names())
    left = set(saved) - {theirs for _, theirs in pairs}
    if left:
        raise ValueError(f"no place for {', '.join(sorted(left)[:3])}")
    yield from pairs


def _cnn_names() -> Iterator[tuple[str, str]]:
    yield from _part("0.0", "l1", _BOTH)
    for i in (1, 2, 3):
        yield from _part(f"{3 * i - 2}", f"deconv{i}", _BOTH)
        yield from _part(f"{3 * i - 1}", f"deconv{i}_bn", _NORM)
    yield from _part("10", "conv4", _BOTH)


def _resnet_names() -> Iterator[tuple[str, str]]:
    yield from _part("0.0", "l1", _BOTH)
    for i in (1, 2, 3):
        for ours, theirs in (("conv1", "c1"), ("conv2", "c2"), ("shortcut", "c_sc")):
            yield from _part(f"{i}.{ours}", f"block{i + 1}.{theirs}", _BOTH)
        for ours, theirs in (("norm1", "b1"), ("norm2", "b2")):
            yield from _part(f"{i}.{ours}", f"block{i + 1}.{theirs}", _NORM)
    yield from _part("4", "b5", _NORM)
    yield from _part("6", "conv5", _BOTH)


def _part(ours: str, theirs: str, entries: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    yield from ((f"{ours}.{entry}", f"{theirs}.{entry}") for entry in entries)

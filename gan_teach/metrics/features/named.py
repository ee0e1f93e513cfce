"""Extractors by name."""

from __future__ import annotations

import copy
import os
from dataclasses import replace

import torch

from gan_teach import _checks
from gan_teach.metrics.features.cifar import cifar_classifier
from gan_teach.metrics.features.digits import digit_classifier
from gan_teach.metrics.features.extractor import Extractor
from gan_teach.metrics.features.inception import inception

NAMES = ("digits", "cifar", "inception")


def load_extractor(
    name: str | os.PathLike[str], *, device: str | torch.device = "cpu"
) -> Extractor:
    """The features that a distance is measured in.

    name : "digits" (28 x 28, grey) and "cifar" (32 x 32, in color) are the classifiers of this
    package; "inception" looks for the weights of the FID in torch's cache or fetches them; anything
    else is a file of Inception weights. Raises ValueError for an unknown name, OSError where
    weights are missing.
    """
    name = os.fspath(name)
    if name == "inception" or os.path.isfile(name):
        return inception(None if name == "inception" else name, device=device)
    if os.sep in name:
        raise FileNotFoundError(f"there is no file of Inception weights at {name}.")
    found = {"digits": digit_classifier, "cifar": cifar_classifier}
    extract = found[_checks.choice("features", name, NAMES)]().extractor
    # The classifier stays where it is: another caller of this process holds the same one.
    own = copy.deepcopy(extract)
    head = None if own.head is None else own.head.to(device)
    return replace(own, network=own.network.to(device), head=head)

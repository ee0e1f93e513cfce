"""Set before any test: one thread, a picture backend without a screen, what smoke runs omit."""

import os

import matplotlib
import numpy as np
import pytest
from PIL import Image

from gan_teach.studies import is_smoke

os.environ.setdefault("OMP_NUM_THREADS", "1")  # notebook kernels inherit it
matplotlib.use("agg")  # not MPLBACKEND: notebook kernels would inherit that and show no picture


@pytest.fixture(scope="session")
def digits(tmp_path_factory):
    """A folder of six grey images of noise, 28 x 28: data of an image run. Nobody writes there."""
    folder = tmp_path_factory.mktemp("digits")
    rng = np.random.default_rng(0)
    for i in range(6):
        Image.fromarray(rng.integers(0, 256, (28, 28), dtype=np.uint8)).save(folder / f"{i}.png")
    return folder


def pytest_collection_modifyitems(items):
    """GAN_TEACH_SMOKE=1 shortens the chapters' runs: they must work, their numbers are others."""
    for item in items if is_smoke() else ():
        if item.nodeid.partition("::")[0].endswith(".ipynb"):
            item.options["check"] = False  # nbval's own switch of a cell

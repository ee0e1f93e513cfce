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


@pytest.hookimpl(tryfirst=True)  # before -m, which may name the browser
def pytest_collection_modifyitems(config, items):
    """GAN_TEACH_SMOKE=1 is for an answer in minutes: one case of each test, no browser, and none
    of those marked slow. What it changes for the chapters stands in tutorial/conftest.py.
    """
    for item in items:
        if item.path.parent.name == "browser":
            item.add_marker("browser")
    if not is_smoke():
        return
    kept, left, seen = [], [], set()
    for item in items:
        name = item.nodeid.partition("[")[0]
        again = name in seen and item.path.suffix != ".ipynb"  # all cells of a chapter are needed
        seen.add(name)
        marked = item.get_closest_marker("slow") or item.get_closest_marker("browser")
        (left if marked or again else kept).append(item)
    config.hook.pytest_deselected(items=left)
    items[:] = kept

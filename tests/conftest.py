"""Set before any test: one thread, a picture backend without a screen, what smoke runs omit."""

import os

import matplotlib

from gan_teach.smoke import is_smoke

os.environ.setdefault("OMP_NUM_THREADS", "1")  # notebook kernels inherit it
matplotlib.use("agg")  # not MPLBACKEND: notebook kernels would inherit that and show no picture


def pytest_collection_modifyitems(items):
    """GAN_TEACH_SMOKE=1 shortens the chapters' runs: they must work, their numbers are others."""
    for item in items if is_smoke() else ():
        if item.nodeid.partition("::")[0].endswith(".ipynb"):
            item.options["check"] = False  # nbval's own switch of a cell

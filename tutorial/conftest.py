"""What a smoke run, GAN_TEACH_SMOKE=1, changes for the chapters, with the other tests or alone."""

import pytest

from gan_teach.studies import is_smoke

LATE = "05"  # from here on chapters take longest, those on images among them


def pytest_ignore_collect(collection_path, config):
    """The later chapters are left out unless the command names them or their folder."""
    late = collection_path.suffix == ".ipynb" and collection_path.name >= LATE
    of_all = config.args_source == pytest.Config.ArgsSource.TESTPATHS
    return True if is_smoke() and of_all and late else None


def pytest_collection_modifyitems(items):
    """Runs are shorter and must work, but their numbers are others: no output is compared."""
    for item in items if is_smoke() else ():
        if item.path.suffix == ".ipynb":
            item.options["check"] = False  # nbval's own switch of a cell

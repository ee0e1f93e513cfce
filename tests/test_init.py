"""The public names: one list, each found, nothing imported before it is used."""

import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import gan_teach as gt


@pytest.mark.parametrize("name", gt.__all__)
def test_every_public_name_is_there(name):
    assert getattr(gt, name) is not None
    assert name in dir(gt)


def test_no_name_is_listed_twice():
    assert len(gt.__all__) == len(set(gt.__all__))


ROOMS = sorted(p.name for p in Path(gt.__file__).parent.iterdir() if (p / "__init__.py").exists())


@pytest.mark.parametrize("room", ROOMS)
def test_no_function_has_the_name_of_a_room(room):
    """Importing a room sets an attribute of the package, which would hide the function."""
    assert isinstance(
        getattr(gt, room, None) or importlib.import_module(f"gan_teach.{room}"), ModuleType
    )


@pytest.mark.parametrize("name", ["trian", "_private", ""])
def test_an_unknown_name_is_an_attribute_error(name):
    with pytest.raises(AttributeError, match="attribute"):
        getattr(gt, name)


def test_submodules_that_are_not_listed_can_be_imported():
    assert importlib.import_module("gan_teach.course").chapters


def test_import_alone_does_not_import_torch():
    code = "import gan_teach, sys; print('torch' in sys.modules, 'numpy' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["False", "False"]

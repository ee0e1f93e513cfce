"""gan_teach: why GANs converge, cycle or collapse. Import it as ``import gan_teach as gt``.

The public names, in the order the course meets them, are listed once, in ``__init__.pyi``: editors
and type checkers read that file as it is, and this module reads it to import each name when it is
first used (PEP 562). ``import gan_teach`` itself therefore imports nothing heavy, not even torch.
To publish a name, add its line there.
"""

import ast as _ast
from importlib import import_module as _import_module
from pathlib import Path as _Path

__version__ = "0.1.0"


def _public_names() -> dict[str, str]:
    """{name: module that holds it}; a submodule is its own holder."""
    imports = [
        node
        for node in _ast.parse(_Path(__file__).with_suffix(".pyi").read_text("utf-8")).body
        if isinstance(node, _ast.ImportFrom)
    ]
    return {a.name: f".{node.module or a.name}" for node in imports for a in node.names}


_MODULE_OF = _public_names()
__all__ = ["__version__", *_MODULE_OF]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'gan_teach' has no attribute {name!r}")
    module = _import_module(_MODULE_OF[name], __name__)
    value = module if _MODULE_OF[name] == f".{name}" else getattr(module, name)
    globals()[name] = value  # found at once from now on
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})

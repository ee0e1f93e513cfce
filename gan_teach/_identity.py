"""What a setting is, by its content: so that two things of one name are not taken for one.

A run that resumes, a sweep that finds its files, an ensemble that merges equal parts ask "is this
the same as before?". A name cannot answer: two lambdas are both called ``<lambda>``, and R1 of
another weight is still ``r1``. ``digest`` is the same text exactly where the content is the same,
in another process of the same Python too.
"""

import dis
import hashlib
import sys
from collections.abc import Mapping
from functools import cached_property, partial
from pathlib import Path
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

_DIGESTS: Any = WeakIdKeyDictionary()  # tensor -> its version and SHA-256
_METHODS = (FunctionType, property, cached_property, staticmethod, classmethod)
_OF_A_WRAPPER = ("__func__", "__self__", "__wrapped__", "func", "args", "keywords", "fget", "fset")


def digest(value: Any, name: str = "value") -> str:
    """SHA-256 of the content of ``value``.

    - Lists and dictionaries are what they hold; arrays and tensors dtype, shape and numbers.
    - A function is its program (as Python compiled it: without comments, layout and docstring),
      its defaults, and the values of the closure and of the globals that it reads, in their turn.
      One of an installed library is its name; those of the course's exercises and ledger are not.
    - An object is its class and what pickle would keep of it, mostly its attributes; a network also
      its weights. One that has a method ``identity()`` is what that returns: its way to leave out
      open files and other passing things.

    Raises TypeError naming ``name`` and what it holds that has no readable content.
    """
    return hashlib.sha256(repr(_plain(value, name, ())).encode()).hexdigest()


def _plain(value: Any, name: str, inside: tuple[int, ...]) -> Any:
    """``value`` in numbers, text and tuples; ``inside`` is what it is part of: circles end."""
    value = value.item() if isinstance(value, np.generic) else value
    while isinstance(getattr(type(value), "identity", None), FunctionType):
        value = value.identity()
    if value is None or type(value) in (bool, int, float, complex, str, bytes):
        return value
    if id(value) in inside:
        return "again", inside.index(id(value))
    parts = [_plain(part, name, (*inside, id(value))) for part in _parts(value, name)]
    return tuple(sorted(parts, key=repr) if isinstance(value, (set, frozenset)) else parts)


def _parts(value: Any, name: str) -> Any:
    """What ``value`` consists of: a word for its kind, and the parts."""
    if isinstance(value, Tensor):
        return "array", str(value.dtype).removeprefix("torch."), value.shape, _sha_of(value)
    if isinstance(value, np.ndarray) and value.dtype != object:
        return "array", str(value.dtype), value.shape, _sha(value)
    if isinstance(value, Mapping):
        return "items", *sorted(value.items(), key=lambda item: repr(item[0]))
    if isinstance(value, (list, tuple, set, frozenset)) and not hasattr(value, "_fields"):
        return "several", *value
    if library_name := _library_name(value):
        return "name", library_name
    if isinstance(value, ModuleType):
        file = "" if _is_library(value.__name__) else value.__file__
        return "module", value.__name__, Path(file).read_bytes() if file else b""
    if isinstance(value, FunctionType):
        return _function(value)
    if isinstance(value, CodeType):
        return _program(value)
    return _class(value) if isinstance(value, type) else _object(value, name)


def _function(function: FunctionType) -> tuple[Any, ...]:
    code, scope = function.__code__, function.__globals__
    cells = zip(code.co_freevars, function.__closure__ or (), strict=True)
    empty = CellType()  # that of a variable which was not assigned yet
    return (
        "function", _program(code, function.__doc__),
        function.__defaults__, function.__kwdefaults__,
        {key: cell.cell_contents for key, cell in cells if cell != empty},
        {key: scope[key] for key in _reads(code) if key in scope},
    )  # fmt: skip


def _program(code: CodeType, doc: str | None = None) -> tuple[Any, ...]:
    constants = [constant for constant in code.co_consts if constant != doc]
    return "program", code.co_code, code.co_names, code.co_varnames, code.co_freevars, *constants


def _class(kind: type) -> tuple[Any, ...]:
    members = {
        key: member
        for key, member in vars(kind).items()
        if isinstance(member, _METHODS)
        or not (hasattr(member, "__get__") or key.startswith(("__", "_abc_")))
    }
    return "class", kind.__qualname__, [b for b in kind.__bases__ if b is not object], members


def _object(value: Any, name: str) -> tuple[Any, ...]:
    if isinstance(value, (partial, MethodType, *_METHODS)) or hasattr(value, "__wrapped__"):
        return type(value), *(getattr(value, key, None) for key in _OF_A_WRAPPER)
    if hasattr(value, "_fields"):
        return type(value), *value
    try:
        reduced = value.__reduce_ex__(2)
    except Exception as error:  # whatever an object says that cannot be taken apart
        raise TypeError(
            f"{name} holds an object of the class {type(value).__qualname__}, whose content cannot "
            "be read, so that it could not be told from another of that name. Make objects of "
            "ordinary attributes, or give them a method identity()."
        ) from error
    if isinstance(reduced, str):  # the name of a compiled function in its module, or Ellipsis
        return "name", getattr(value, "__module__", "builtins"), reduced
    make, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
    return make, arguments, state, [*(items or ())], [*(pairs or ())]


def _sha_of(tensor: Tensor) -> str:
    """Read anew only after a change: a data set of 150 MB is asked for at every checkpoint."""
    version, sha = _DIGESTS.get(tensor, (None, ""))
    if version != tensor._version:
        content = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        version, sha = tensor._version, _sha(content.numpy())
        _DIGESTS[tensor] = version, sha
    return sha


def _sha(content: np.ndarray) -> str:
    return hashlib.sha256(content.tobytes()).hexdigest()


def _is_library(module: str) -> bool:
    """Whether a module is installed rather than written by the user or for the course."""
    root = module.partition(".")[0]
    if root in sys.stdlib_module_names or root == "builtins":
        return True
    own = root == "gan_teach"  # the course's modules have its name, too, but lie elsewhere
    file = Path(getattr(sys.modules.get(module if own else root), "__file__", None) or "")
    if own:
        return file.is_relative_to(Path(__file__).parent) and "_tutorial" not in file.parts
    return not {"site-packages", "dist-packages"}.isdisjoint(file.parts)


def _library_name(value: Any) -> str:
    """The name under which a library holds a function or class; empty if none does.

    As in pickling, it counts only where that name leads back to ``value``: a function made within
    another one, or a lambda, shares its name with others.
    """
    module, path = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if isinstance(value, np.ufunc) and module is None:  # SciPy's do not say where they are
        module, path = "scipy.special", value.__name__
    if not (isinstance(module, str) and isinstance(path, str) and _is_library(module)):
        return ""
    holder: Any = sys.modules.get(module)
    for part in path.split("."):
        holder = getattr(holder, part, None)
    return f"{module}.{path}" if holder is value else ""


def _reads(code: CodeType) -> set[str]:
    """Names of the globals that a function and the functions within it read."""
    loads = ("LOAD_GLOBAL", "LOAD_NAME")
    names = {step.argval for step in dis.get_instructions(code) if step.opname in loads}
    return names.union(*(_reads(part) for part in code.co_consts if isinstance(part, CodeType)))

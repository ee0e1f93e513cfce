"""What a setting is, by its content: so that two things of one name are not taken for one.

A run that resumes, a sweep that finds its files, an ensemble that merges equal parts ask "is this
the same as before?". A name cannot answer: two lambdas are both called ``<lambda>``, and R1 of
another weight is still ``r1``. ``fingerprint`` turns a value into plain data (numbers, text, lists,
dictionaries) that are equal exactly where the content is, in another process too.
"""

import ast
import dis
import hashlib
import json
import linecache
import math
import sys
from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property, lru_cache, partial
from pathlib import PurePath
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

_DIGESTS: Any = WeakIdKeyDictionary()  # tensor -> its version and SHA-256
_METHODS = (FunctionType, property, cached_property, staticmethod, classmethod)
_OF_A_WRAPPER = ("__func__", "__self__", "__wrapped__", "func", "args", "keywords", "fget", "fset")


def fingerprint(value: Any, name: str = "value") -> Any:
    """``value`` as plain data that JSON can hold, equal for equal contents only.

    - Numbers, text, lists and dictionaries stay what they are; arrays and tensors become dtype,
      shape and SHA-256.
    - A function is its program (without comments, layout and docstrings), its defaults, and the
      values of the closure and of the globals that it reads, in their turn. One of an installed
      library is its name.
    - An object is its class and what pickle would keep of it, mostly its attributes; a network also
      its weights. One that has a method ``identity()`` is what that returns: its way to leave out
      open files and other passing things.

    Raises TypeError naming ``name`` and the part of it that has no readable content.
    """
    return _plain(value, name, ())


def digest(value: Any, name: str = "value") -> str:
    """SHA-256 of ``fingerprint(value)``, for the name of a file."""
    text = json.dumps(fingerprint(value, name), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any, name: str, inside: tuple[int, ...]) -> Any:
    """``name`` says where ``value`` stands, ``inside`` what it is part of, so that circles end."""
    value = value.item() if isinstance(value, np.generic) else value
    while isinstance(getattr(type(value), "identity", None), FunctionType):
        value = value.identity()
    if value is None or type(value) in (bool, int, str):
        return value
    if id(value) in inside:
        return {"again": inside.index(id(value))}
    parts, inside = _parts(value, name), (*inside, id(value))
    if isinstance(parts, list):
        return [_plain(part, f"{name}[{i}]", inside) for i, part in enumerate(parts)]
    if isinstance(parts, dict):
        return {key: _plain(part, _place(name, key), inside) for key, part in parts.items()}
    return parts


def _place(name: str, key: str) -> str:
    """Where a part stands, for messages: ``probe, closure['number']['_hidden']``."""
    if key in ("object", "content", "class", "bases", "items"):
        return name
    return f"{name}, {key}" if key in ("closure", "globals", "defaults") else f"{name}[{key!r}]"


def _parts(value: Any, name: str) -> Any:
    """What ``value`` consists of, as a list or a dictionary; other results are plain already."""
    if isinstance(value, float):
        return value if math.isfinite(value) else {"number": repr(value)}
    if isinstance(value, (bytes, bytearray)):
        return {"bytes": hashlib.sha256(value).hexdigest()}
    if isinstance(value, Tensor) or (isinstance(value, np.ndarray) and value.dtype != object):
        sha = _sha_of(value) if isinstance(value, Tensor) else _sha(value)
        kind = str(value.dtype).removeprefix("torch.")
        return {"array": kind, "shape": list(value.shape), "sha256": sha}
    if isinstance(value, Mapping):
        named = all(isinstance(key, str) for key in value)
        return dict(value) if named else {"items": [list(item) for item in value.items()]}
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return list(value)
    if isinstance(value, (set, frozenset)):
        return {"set": sorted(json.dumps(_plain(v, name, ())) for v in value)}
    if library_name := _library_name(value):
        return {"name": library_name}
    if isinstance(value, ModuleType):
        if _is_library(value.__name__):
            return {"name": value.__name__}
        text = ast.unparse(_tree("".join(linecache.getlines(value.__file__ or ""))))
        return {"module": text or _refuse(name, f"the module {value.__name__}")}
    if isinstance(value, FunctionType):
        return _function(value, name)
    return _class(value) if isinstance(value, type) else _object(value, name)


def _function(function: FunctionType, name: str) -> dict[str, Any]:
    code, scope = function.__code__, function.__globals__
    text = _program(code, scope) or _refuse(name, f"the function {function.__qualname__}")
    cells = zip(code.co_freevars, function.__closure__ or (), strict=True)
    empty = CellType()  # that of a variable which was not assigned yet
    return {
        "function": text,
        "defaults": [function.__defaults__, function.__kwdefaults__],
        "closure": {key: cell.cell_contents for key, cell in cells if cell != empty},
        "globals": {key: scope[key] for key in sorted(_reads(code)) if key in scope},
    }


def _class(kind: type) -> dict[str, Any]:
    members = {
        key: member
        for key, member in vars(kind).items()
        if not (hasattr(member, "__get__") or key.startswith(("__", "_abc_")))
        or (isinstance(member, _METHODS) and not _is_generated(kind, key, member))
    }
    bases = [base for base in kind.__bases__ if base is not object]
    return {"class": kind.__qualname__, "bases": bases, **members}


def _is_generated(kind: type, key: str, member: Any) -> bool:
    """Whether a method shows the content or was made from it, as ``dataclass`` makes them."""
    code = getattr(getattr(member, "__func__", member), "__code__", None)
    hidden = code is not None and code.co_filename.startswith("<string>") and key.startswith("__")
    from_fields = hasattr(kind, "__dataclass_fields__") or hasattr(kind, "_fields")
    return key == "__repr__" or (hidden and from_fields)


def _object(value: Any, name: str) -> Any:
    if isinstance(value, (partial, MethodType, *_METHODS)) or hasattr(value, "__wrapped__"):
        content = {key: getattr(value, key) for key in _OF_A_WRAPPER if hasattr(value, key)}
    elif hasattr(value, "_fields"):
        content = value._asdict()
    else:
        return _pickled(value, name)
    return {"object": type(value), "content": content}


def _pickled(value: Any, name: str) -> dict[str, Any]:
    try:
        reduced = value.__reduce_ex__(2)
    except Exception:  # whatever an object says that cannot be taken apart
        _refuse(name, f"an object of the class {type(value).__qualname__}")
    if isinstance(reduced, str):  # the name of a compiled function in its module
        return {"name": f"{value.__module__}.{reduced}"}
    parts: list[Any] = [*reduced, None, None, None]
    make, arguments, content, items, pairs = parts[:5]
    inside = [*(items or ()), *(pairs or ())]
    return {"object": [make, *arguments], "content": content, "items": inside}


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
    """Whether a module is installed rather than written by the user."""
    root = module.partition(".")[0]
    if root in sys.stdlib_module_names or root in ("builtins", "gan_teach"):
        return True
    file = getattr(sys.modules.get(root), "__file__", None) or ""
    return bool({"site-packages", "dist-packages"} & set(PurePath(file).parts))


def _library_name(value: Any) -> str:
    """The name under which a library holds a function or class; empty if none does.

    As in pickling, it counts only where that name leads back to ``value``: a function made within
    another one, or a lambda, shares its name with others.
    """
    module, path = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if not (isinstance(module, str) and isinstance(path, str) and _is_library(module)):
        return ""
    holder: Any = sys.modules.get(module)
    for part in path.split("."):
        holder = getattr(holder, part, None)
    return f"{module}.{path}" if holder is value else ""


def _program(code: CodeType, scope: Mapping[str, Any]) -> str:
    """The text of a function without comments and docstring; empty where there is none to read."""
    text = "".join(linecache.getlines(code.co_filename, dict(scope)))
    nodes = _functions(text)[code.co_firstlineno, code.co_name]
    texts = [ast.unparse(node) for node in nodes]
    # Several lambdas on one line: which of them it is, only the compiled code can tell.
    return "\n".join(texts if len(texts) < 2 else [*texts, _compiled(code)])


@lru_cache(maxsize=32)
def _functions(text: str) -> Mapping[tuple[int, str], list[Any]]:
    """All of a program by first line, which is that of the first decorator, and name."""
    functions = defaultdict(list)
    for node in ast.walk(_tree(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            lines = [node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))]
            functions[min(lines), getattr(node, "name", "<lambda>")].append(node)
    return functions


@lru_cache(maxsize=32)
def _tree(text: str) -> ast.Module:
    """The program in ``text`` without docstrings; empty where it is none."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return ast.Module([], [])
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree):
        if isinstance(node, kinds) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return tree


def _compiled(code: CodeType) -> str:
    """Equal in every process: the order of a set is not."""
    parts = [code.co_code.hex(), *code.co_names, *code.co_varnames, *code.co_freevars]
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            parts.append(_compiled(constant))
        else:
            parts.append(json.dumps(fingerprint(constant)))
    return " ".join(parts)


def _reads(code: CodeType) -> set[str]:
    """Names of the globals that a function and the functions within it read."""
    loads = ("LOAD_GLOBAL", "LOAD_NAME")
    names = {step.argval for step in dis.get_instructions(code) if step.opname in loads}
    return names.union(*(_reads(part) for part in code.co_consts if isinstance(part, CodeType)))


def _refuse(name: str, what: str) -> NoReturn:
    raise TypeError(
        f"{name} holds {what}, whose content cannot be read, so that it could not be told from "
        "another of that name. Define functions in a file or in a notebook's cell, and make "
        "objects of ordinary attributes, or give them a method identity()."
    )

"""Settings are told apart by their content: functions, closures, objects, tensors."""

# pyright: reportArgumentType=false

import functools
import subprocess
import sys
import textwrap
import threading
from collections import deque
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from types import MethodType
from typing import NamedTuple

import numpy as np
import pytest
import torch
from scipy import special
from torch import nn

from gan_teach import data
from gan_teach._identity import digest
from gan_teach.course import ledger
from gan_teach.games import losses, penalties
from gan_teach.models import MLP
from gan_teach.training import schedules

SCALE = 2.0


def same(a, b):
    return digest(a) == digest(b)


def closure(number):
    return lambda x: number * x


def with_default(number):
    def f(x, scale=number, *, power=1):
        return scale * x**power

    return f


def keyword_default(number):
    def f(x, *, power=number):
        return x**power

    return f


def reads_scale(x):
    return SCALE * x


def reads_it_deeper(x):
    return (lambda y: reads_scale(y))(x)


def calls_itself(n):
    return n and calls_itself(n - 1)


@dataclass(frozen=True)
class Knob:
    value: float
    label: str = "knob"


class Plain:
    def __init__(self, value):
        self._hidden = value


class Slotted:
    __slots__ = ("value",)

    def __init__(self, value):
        self.value = value


class Pair(NamedTuple):
    value: float
    label: str = "pair"

    @property
    def double(self):
        return 2 * self.value


class Lazy:
    def __init__(self, value):
        self.value = value

    @functools.cached_property
    def double(self):
        return 2 * self.value


class Color(Enum):
    RED = 1
    BLUE = 2


class Passing:
    """Keeps a lock, which says nothing about what it is."""

    def __init__(self, value):
        self.value, self.lock = value, threading.Lock()

    def identity(self):
        return {"value": self.value}


MAKERS = {  # of a number -> a value whose content depends on it, and on nothing else
    "number": float,
    "list": lambda n: [1, [n]],
    "dictionary": lambda n: {"a": {1: n}},
    "set": lambda n: {1, n},
    "closure": closure,
    "default": with_default,
    "keyword default": keyword_default,
    "partial": lambda n: functools.partial(max, n, key=abs),
    "method": lambda n: Passing(n).identity,
    "bound method of a list": lambda n: [n].append,
    "function made a method": lambda n: MethodType(with_default(n), 1),
    "queue": lambda n: deque([1, n]),
    "dataclass": Knob,
    "named tuple": Pair,
    "cached property": Lazy,
    "plain object": Plain,
    "slots": Slotted,
    "identity()": Passing,
    "bytes": lambda n: bytes([0, int(n)]),
    "enum": lambda n: list(Color)[int(n) % 2],
    "tensor": lambda n: torch.tensor([0.0, n]),
    "scalar tensor": torch.tensor,
    "bfloat16": lambda n: torch.tensor(n, dtype=torch.bfloat16),
    "array": lambda n: np.array([[n]]),
    "objects in an array": lambda n: np.array([None, n], dtype=object),
    "network": lambda n: MLP(1, 1, width=2, seed=int(n)),
    "activation": lambda n: nn.LeakyReLU(n),
    "cached function": lambda n: losses.scaled(losses.hinge, d=n),
    "loss": lambda n: losses.smoothed(losses.saturating, 1 / n),
    "penalty": lambda n: penalties.dragan(radius=n),
    "weight of a penalty": penalties.r1,
    "schedule": lambda n: schedules.power_decay(n),
    "data": lambda n: data.Points(torch.tensor([[n], [1.0]])),
    "mixture": lambda n: data.ring(5, radius=n),
    "complex": lambda n: complex(n, 1),
    "own kind of number": lambda n: type("Own", (int,), {})(n),
    "path": lambda n: Path(f"{n}"),
    "precision": lambda n: torch.float32 if n == 3.0 else torch.float64,
    "device": lambda n: torch.device("cuda", int(n)),
    "infinite": lambda n: float("inf") if n == 3.0 else float("nan"),
}


@pytest.mark.parametrize("name", MAKERS)
def test_equal_contents_are_equal_and_others_are_not(name):
    make = MAKERS[name]
    assert same(make(3.0), make(3.0))
    assert not same(make(3.0), make(4.0))


def hooked(layer):
    layer.register_forward_hook(lambda layer, inputs, output: 2 * output)
    return layer


PAIRS = {  # of one name or one look, yet different
    "two lambdas": (lambda x: x, lambda x: -x),
    "lambdas of one shape": (lambda x: x + 1, lambda x: x + 2),
    "lambdas with lambdas": (lambda: (lambda: 1), lambda: (lambda: 2)),
    "losses": (losses.hinge, losses.wasserstein),
    "loss of the same name": (losses.hinge, losses.hinge._replace(d=losses.wasserstein.d)),
    "penalties of one name": (penalties.r1(1.0), replace(penalties.r1(1.0), value=abs)),
    "dtype": (torch.zeros(2), torch.zeros(2, dtype=torch.int32)),
    "shape": (torch.zeros(2, 3), torch.zeros(3, 2)),
    "text and number": ("1", 1),
    "builtin functions": (torch.sin, torch.cos),
    "indices": (lambda x: x[..., 0], lambda x: x[..., 1]),
    "ufuncs": (np.sin, np.cos),
    "ufuncs of SciPy": (special.expit, special.logit),
    "methods of tensors": (torch.Tensor.sum, torch.Tensor.mean),
    "classes": (nn.ReLU, nn.Tanh),
    "networks of one shape": (nn.Sequential(nn.ReLU()), nn.Sequential(nn.Tanh())),
    "a hook": (nn.ReLU(), hooked(nn.ReLU())),
    "train and eval": (nn.Dropout(0.5), nn.Dropout(0.5).eval()),
    "modules": (torch, np),
}  # fmt: skip


@pytest.mark.parametrize(("a", "b"), PAIRS.values(), ids=PAIRS)
def test_a_name_does_not_make_two_things_one(a, b):
    assert same(a, a)
    assert same(b, b)
    assert not same(a, b)


@pytest.mark.parametrize("function", [reads_scale, reads_it_deeper])
def test_a_global_that_is_read_counts(function, monkeypatch):
    before = digest(function)
    monkeypatch.setattr(sys.modules[__name__], "SCALE", 3.0)
    assert digest(function) != before


def test_functions_of_the_course_count_by_their_content(monkeypatch):
    makers = ledger.makers()
    before = {name: digest(maker) for name, maker in makers.items()}  # all can be read
    monkeypatch.setattr(makers["line.theory"], "__code__", (lambda ask: {}).__code__)
    changed = {name for name, maker in makers.items() if digest(maker) != before[name]}
    assert changed == {"line.theory"}


def test_recursion_ends():
    loop = [1]
    loop.append(loop)
    assert same(calls_itself, calls_itself)
    assert same(loop, loop)


def test_a_part_of_a_network_may_be_called_identity():
    def network(slope):
        net = nn.Sequential()
        net.add_module("identity", nn.LeakyReLU(slope))
        return net

    assert same(network(0.1), network(0.1))
    assert not same(network(0.1), network(0.2))


def as_module(tmp_path, name, text):
    """The names that a file defines, read anew."""
    file = tmp_path / name / "own.py"
    file.parent.mkdir()
    file.write_text(textwrap.dedent(text))
    scope: dict = {"__name__": "own"}
    exec(compile(file.read_text(), str(file), "exec"), scope)
    return scope


BODY = """
    class Source:
        '''A data set.'''
        shape = (1,)

        @property
        def size(self):
            return 3

        @staticmethod
        def twice(x):
            return 2 * x

        def sample(self, n, rng):  # drawn
            return n * {number}
"""


def test_the_program_of_an_own_class_counts_but_not_its_comments(tmp_path):
    one = as_module(tmp_path, "one", BODY.format(number=1))["Source"]
    other = as_module(tmp_path, "other", BODY.format(number=2))["Source"]
    text = BODY.format(number=1).replace("# drawn", "").replace("A data set.", "Mine.")
    told_otherwise = as_module(tmp_path, "told", text)["Source"]
    property_changed = BODY.format(number=1).replace("return 3", "return 4")
    changed = as_module(tmp_path, "changed", property_changed)["Source"]
    assert same(one(), told_otherwise())
    assert not same(one(), other())
    assert not same(one(), changed())


def _executed(text):
    scope: dict = {"__name__": "own"}
    exec(text, scope)
    return scope["f"]


def test_a_program_without_a_file_counts_as_well():
    assert same(_executed("f = lambda x: x + 1"), _executed("f = lambda x : x + 1  # the same"))
    assert not same(_executed("f = lambda x: x + 1"), _executed("f = lambda x: x + 2"))
    own = "class f:\n    def sample(self, n): return n"
    assert same(_executed(own)(), _executed(own)())
    assert not same(_executed(own)(), _executed(own + " + 1")())


REFUSED = {
    "lock": threading.Lock,
    "closure over a lock": lambda: closure(threading.Lock()),
    "attribute": lambda: Plain(threading.Lock()),
    "generator": lambda: (x for x in ()),
}


@pytest.mark.parametrize("make", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_refused_by_name(make):
    with pytest.raises(TypeError, match=r"^my setting.* holds .* whose content cannot be read"):
        digest(make(), "my setting")


@pytest.mark.slow
def test_another_process_finds_the_same(tmp_path):
    script = """
        import functools, torch
        from gan_teach import data; from gan_teach.games import losses, penalties
        from gan_teach._identity import digest
        numbers = {"b", "a", "c"}
        def f(x, scale=2.0): return x in {"p", "q", "r"} and numbers
        pair = lambda x: x in {"p", "q", "r"}, lambda y: y in {"s", "t", "u"}
        print(digest([f, pair, numbers, penalties.wgan_gp(), losses.hinge, data.ring(), torch.ones(2)]))
    """  # noqa: E501
    file = tmp_path / "script.py"
    file.write_text(textwrap.dedent(script))
    answers = {
        subprocess.run(
            [sys.executable, str(file)], capture_output=True, text=True, check=True, timeout=120,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[1])},
        ).stdout
        for seed in ("1", "2", "3")
    }  # fmt: skip
    assert len(answers) == 1

"""What depends on the machine: torch's generators, arithmetic, which GPU there is, threads."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from gan_teach import _checks


@contextmanager
def seeded(seed: int, device: torch.device | None = None) -> Iterator[None]:
    """Within it torch's generator on the CPU, and the one of ``device``, start from ``seed``.

    Both are as before afterwards; those of other devices are neither read nor changed, while
    ``torch.manual_seed`` seeds those of every GPU, for good. What is drawn on the CPU is what
    ``torch.manual_seed(seed)`` would give.
    """
    generators = [torch.default_generator]
    if device is not None and device.type != "cpu":
        generators.append(_generator(device))
    states = [generator.get_state() for generator in generators]
    try:
        for generator in generators:
            generator.manual_seed(_checks.whole("seed", seed))
        yield
    finally:
        for generator, state in zip(generators, states, strict=True):
            generator.set_state(state)


def _generator(device: torch.device) -> torch.Generator:
    """Torch's own generator on a GPU."""
    if device.type == "mps":
        return torch.mps._get_default_mps_generator()
    module = torch.get_device_module(device)
    module.init()  # before that there are no generators
    index = module.current_device() if device.index is None else device.index
    return module.default_generators[index]


def float64_device(device: torch.device) -> torch.device:
    """Where to compute in float64 for something on ``device``: MPS has no float64, the CPU has."""
    return torch.device("cpu") if device.type == "mps" else device


def there(device: str | torch.device) -> torch.device:
    """The device with its index: "cuda" means the current one. ValueError if it is not there."""
    try:
        return torch.empty(0, device=device).device
    except (RuntimeError, AssertionError, TypeError) as error:
        why = f"is not there: {str(error).splitlines()[0].partition('. ')[0]}"
        gpus = {"cuda": torch.cuda.is_available, "mps": torch.backends.mps.is_available}
        if not gpus.get(str(device).partition(":")[0], lambda: True)():
            why = "no GPU is available here: use 'cpu'."
        raise ValueError(f"device={str(device)!r} was asked for, but {why}") from error


def preferred() -> str:
    """The current GPU if there is one, else the CPU."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def gpus() -> list[str]:
    """All GPUs of CUDA."""
    return [f"cuda:{index}" for index in range(torch.cuda.device_count())]


def described(device: str) -> str:
    """A device, and of a GPU the name."""
    if torch.device(device).type != "cuda":
        return device
    return f"{device} ({torch.cuda.get_device_name(device)})"


@contextmanager
def one_thread() -> Iterator[None]:
    """Within it torch uses one thread.

    Sums are then taken in one order, so that any process gets the same numbers; and toy networks
    take several times as long with two threads as with one.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def arithmetic(tf32: bool = False, deterministic: bool = False) -> Iterator[None]:
    """Within it a GPU multiplies float32 as such, or with ``tf32`` with 10 bits of fraction.

    ``deterministic`` : by algorithms alone that give the same bits each time; torch raises
    RuntimeError at an operation that has none. On the CPU neither changes anything here: for the
    same number of threads its sums are the same anyway.
    """
    matmul, cudnn = torch.backends.cuda.matmul, vars(torch.backends)["cudnn"]
    before = matmul.allow_tf32, cudnn.allow_tf32, torch.are_deterministic_algorithms_enabled()
    if deterministic:  # cuBLAS reads it once, when it is first used
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    try:
        matmul.allow_tf32 = cudnn.allow_tf32 = tf32
        torch.use_deterministic_algorithms(deterministic or before[2])
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before[:2]
        torch.use_deterministic_algorithms(before[2])

"""What depends on the machine: torch's random generators, float64, which GPU there is, threads."""

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


def described(device: str) -> str:
    """One line that says where something runs."""
    if torch.device(device).type != "cuda":
        return f"device: {device}"
    return f"device: {device} ({torch.cuda.get_device_name(device)})"


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

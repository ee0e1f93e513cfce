"""Many runs: seeds and knobs, random architectures, image runs in folders, their scores.

``engine`` does the jobs of all of them, each once. Long runs are shortened by one switch,
``GAN_TEACH_SMOKE=1`` in the environment, so that a contributor gets an answer in minutes. Nothing
is left out or stubbed then, runs are only shorter; claims about numbers that need the full length
are not judged.
"""

import os

import lazy_loader as _lazy

_MODULES = ["bogonet", "evaluation", "image_runs", "sweeps"]

__getattr__, __dir__, __all__ = _lazy.attach(__name__, submodules=_MODULES)


def is_smoke() -> bool:
    """Whether ``GAN_TEACH_SMOKE`` is set to something other than 0 or the empty string."""
    return os.environ.get("GAN_TEACH_SMOKE", "0") not in ("", "0")


def budget(full: int, smoke: int | None = None) -> int:
    """``full``, or under the switch ``smoke`` (by default a twentieth of it, at least 2)."""
    if not is_smoke():
        return full
    return smoke if smoke is not None else max(2, full // 20)


def holds(claim: object) -> bool | str:
    """Whether a claim about a full-length run is true; under the switch "not judged", a true text.

    So ``assert holds(claim)`` passes a shortened run, and printing it says nothing untrue.
    """
    return "not judged" if is_smoke() else bool(claim)

"""The one switch that shortens long runs: ``GAN_TEACH_SMOKE=1`` in the environment.

A contributor then gets an answer in minutes. Nothing is left out or stubbed, runs are only shorter;
claims about numbers that need the full length are not judged then.
"""

import os


def is_smoke() -> bool:
    """Whether ``GAN_TEACH_SMOKE`` is set to something other than 0 or the empty string."""
    return os.environ.get("GAN_TEACH_SMOKE", "0") not in ("", "0")


def budget(full: int, smoke: int | None = None) -> int:
    """``full``, or under the switch ``smoke`` (by default a twentieth of it, at least 2)."""
    if not is_smoke():
        return full
    return smoke if smoke is not None else max(2, full // 20)


def holds(claim: object) -> bool:
    """Whether a claim about a full-length run is true; not judged (True) under the switch."""
    return is_smoke() or bool(claim)

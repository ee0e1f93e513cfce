"""The one switch that shortens long runs: ``GAN_TEACH_SMOKE=1`` in the environment.

A contributor then gets an answer in minutes. Nothing is left out or stubbed, runs are only shorter;
checks of numbers that need the full length are not made then (``is_smoke`` tells).
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

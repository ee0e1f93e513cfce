"""Learning-rate schedules: functions of the step, to be given to ``train(schedule=...)``.

Both players' learning rates are multiplied by the same factor, so that tau stays what it is. Being
functions of the step alone, they need no place in a checkpoint.
"""

from collections.abc import Callable

from gan_teach import _checks

Schedule = Callable[[int], float]


def linear_decay(start: int, end: int) -> Schedule:
    """Factor 1 up to step ``start``, then in a straight line to 0 at step ``end``.

    RS-GAN decays from step 50,000 to 100,000. Raises ValueError unless 0 <= start < end.
    """
    start = _checks.whole("start", start)
    end = _checks.whole("end", end, least=start + 1, hint="end must lie after start.")
    return lambda step: min(1.0, max(0.0, (end - step) / (end - start)))


def power_decay(exponent: float = 0.005) -> Schedule:
    """Factor (1 + step)^-exponent: the decay of Fiez & Ratliff's image experiments (0.005)."""
    _checks.real("exponent", exponent, least=0.0)
    return lambda step: (1.0 + step) ** -exponent

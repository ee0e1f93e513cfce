"""The training loop, what observes it, and what keeps it: probes, averages, checkpoints."""

from gan_teach.training import probes, schedules
from gan_teach.training.loop import (
    EMA,
    Probe,
    Run,
    State,
    advance,
    observe,
    record,
    train,
)

__all__ = [
    "EMA",
    "Probe",
    "Run",
    "State",
    "advance",
    "observe",
    "probes",
    "record",
    "schedules",
    "train",
]

"""The training loop, what observes it, and what keeps it: probes, averages, checkpoints."""

from gan_teach.training import probes, schedules
from gan_teach.training.averages import EMA, Average
from gan_teach.training.loop import observe, record, train
from gan_teach.training.state import Probe, Run, State, advance

__all__ = [
    "EMA",
    "Average",
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

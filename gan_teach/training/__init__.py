"""The training loop, what observes it, and what keeps it: probes, averages, checkpoints."""

from gan_teach.training import (
    probes as probes,
    schedules as schedules,
)
from gan_teach.training.averages import (
    EMA as EMA,
    Average as Average,
)
from gan_teach.training.loop import (
    observe as observe,
    record as record,
    train as train,
)
from gan_teach.training.state import (
    Run as Run,
    State as State,
    advance as advance,
)

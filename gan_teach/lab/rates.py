"""How often the doctor was right on runs whose failure was known without it.

The record was written by ``tests/benchmarks/doctor_rates.py --write``, which says how.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

FILE = Path(__file__).with_name("doctor_rates.json")

Table = dict[str, dict[str, Any]]


class Rates(NamedTuple):
    """``hits`` of ``runs`` with a failure were named; so were ``alarms`` of ``others`` without."""

    hits: int
    runs: int
    alarms: int
    others: int

    def __str__(self) -> str:
        return (
            f"Tried on runs whose state was known without it, the doctor said this of {self.hits} "
            f"of {self.runs} for which it holds, and of {self.alarms} of {self.others} others."
        )


def table() -> Table:
    """{case: {"name": what is wrong, "said": {verdict: runs}, "seeds", "treated", "cured"}}."""
    return json.loads(FILE.read_text("utf-8"))


def of(name: str, known: Table | None = None) -> Rates:
    """The rates of one verdict, over all cases; no runs for one that was not tried."""
    hits = runs = alarms = others = 0
    for row in (table() if known is None else known).values():
        count, total = row["said"].get(name, 0), sum(row["said"].values())
        if row["name"] == name:
            hits, runs = hits + count, runs + total
        else:
            alarms, others = alarms + count, others + total
    return Rates(hits, runs, alarms, others)

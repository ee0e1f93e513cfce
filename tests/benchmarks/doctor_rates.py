"""How often the lab's doctor is right, on runs whose failure is known without it. Run as a script.

python tests/benchmarks/doctor_rates.py                 # 50 seeds of each case: an hour of a core
python tests/benchmarks/doctor_rates.py --seeds 5       # a try
python tests/benchmarks/doctor_rates.py --write         # into the record that the lab shows

For each case (tests/doctor_cases.py) it makes the runs of so many seeds, keeps those that have the
failure, and prints of how many the doctor says so, and what else it says. Then it does as the
doctor says: it turns the remedy, plays 500 rounds, asks again, at most three remedies and five
times 500 rounds, until ``doctor.healthy`` holds. Printed are the runs cured by the first remedy, by
at most three, and never; and for each verdict how many healthy runs it was said of all the same.
"""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from doctor_cases import CASES, Case
from gan_teach.lab import Session
from gan_teach.lab.doctor import FOLLOW, RATES, Diagnosis, diagnose, healthy, treat

REMEDIES, LOOKS = 3, 5


def study(case: Case, seeds: int) -> dict[str, Any]:
    """What the doctor says of the runs that are as the case wants, and what its remedies do."""
    said: Counter[str] = Counter()
    cures: Counter[int] = Counter()
    for seed in range(seeds):
        session = case.make(seed)
        if not case.truth(session):
            continue
        found = diagnose(session)
        said[found.name] += 1
        if case.name == found.name != "healthy":
            cures[follow(session, found)] += 1
    row = {"name": case.name, "seeds": seeds, "runs": said.total(), "said": dict(said)}
    if case.name == "healthy":
        return row
    within = sum(n for turned, n in cures.items() if turned)
    return {**row, "first": cures[1], "within three": within, "never": cures[0]}


def follow(session: Session, found: Diagnosis) -> int:
    """How many remedies made the run healthy, 0 for a run that is not in the end."""
    turned = 0
    for _ in range(LOOKS):
        if found.remedy and turned < REMEDIES:
            session, turned = treat(session, found), turned + 1
        session.go(FOLLOW)
        if healthy(session):
            return turned
        found = diagnose(session)
    return 0


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Hits, false alarms and cures of the lab's doctor."
    )
    parser.add_argument("--seeds", type=int, default=50, help="of each case, from 0 on")
    parser.add_argument("--case", choices=list(CASES), action="append")
    parser.add_argument("--write", action="store_true", help="into the record that is shipped")
    options = parser.parse_args()
    table: dict[str, dict[str, Any]] = {}
    for title in options.case or CASES:
        table[title] = row = study(CASES[title], options.seeds)
        print(f"{title:30} {_told(row)}", flush=True)
        if options.write:
            known = json.loads(RATES.read_text("utf-8")) if RATES.exists() else {}
            known[title] = row
            cases = {case: known[case] for case in CASES if case in known}
            RATES.write_text(json.dumps(cases, indent=1) + "\n", "utf-8")
    well = [row for row in table.values() if row["name"] == "healthy"]
    runs = sum(row["runs"] for row in well)
    said: Counter[str] = Counter()
    for row in well:
        said.update(row["said"])
    for name in dict.fromkeys(row["name"] for row in table.values() if row not in well):
        print(f"{name:22} false alarms {said[name]} of {runs} healthy runs")


def _told(row: dict[str, Any]) -> str:
    said, name = Counter(row["said"]), row["name"]
    rest = ", ".join(f"{k} {n}" for k, n in said.items() if k != name)
    counts = ", ".join(
        f"{key} {row[key]}" for key in ("first", "within three", "never") if key in row
    )
    return (
        f"{name:22} found {said[name]} of {row['runs']} ({row['seeds']} seeds)"
        f"{f', else: {rest}' if rest else ''}{f'; healthy by: {counts}' if counts else ''}"
    )


if __name__ == "__main__":
    main()

"""How often the lab's doctor is right, on runs whose failure is known without it. Run as a script.

python tests/benchmarks/doctor_rates.py                 # 50 runs with each failure: hours of a core
python tests/benchmarks/doctor_rates.py --runs 5        # a try
python tests/benchmarks/doctor_rates.py --cure 20       # treats the first 20 of each as well
python tests/benchmarks/doctor_rates.py --write         # into the record that the lab shows

For each case (tests/doctor_cases.py) it tries seeds until so many runs have the failure, and prints
how many of them the doctor names (hits), and what else it says; for each name, of how many runs
without the failure the doctor says it all the same (false alarms); and how many treated runs have
lost the failure.
"""

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from doctor_cases import CASES, Case, rates
from gan_teach.lab.doctor import RATES, diagnose, treat

PATIENCE = 6  # seeds tried for each run that is wanted


def study(case: Case, wanted: int, cured: int) -> dict[str, Any]:
    """What the doctor says of the runs with the failure, how many were treated, how many cured."""
    said: Counter[str] = Counter()
    treated = well = seed = 0
    while said.total() < wanted and seed < PATIENCE * wanted:
        session = case.make(seed)
        seed += 1
        if not case.truth(session):
            continue
        found = diagnose(session)
        said[found.name] += 1
        if found.name == case.name and found.remedy and treated < cured:
            branch = treat(session, found)
            branch.go(case.cure)
            treated += 1
            well += diagnose(branch).name != found.name
    return {"name": case.name, "said": dict(said), "seeds": seed, "treated": treated, "cured": well}


def main() -> None:
    parser = argparse.ArgumentParser(description="Hit and false-alarm rates of the lab's doctor.")
    parser.add_argument("--runs", type=int, default=50, help="with the failure, in each case")
    parser.add_argument("--cure", type=int, default=0)
    parser.add_argument("--case", choices=list(CASES), action="append")
    parser.add_argument("--write", action="store_true", help="into the record that is shipped")
    options = parser.parse_args()
    table: dict[str, dict[str, Any]] = {}
    for title in options.case or CASES:
        table[title] = row = study(CASES[title], options.runs, options.cure)
        print(f"{title:28} {_told(row)}", flush=True)
        if options.write:
            known = json.loads(RATES.read_text("utf-8"))["cases"] if RATES.exists() else {}
            known[title] = row
            cases = {case: known[case] for case in CASES if case in known}
            record = {"rates": rates(cases), "cases": cases}
            RATES.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    for name, (hits, runs, alarms, others) in rates(table).items():
        print(f"{name:22} hits {hits} of {runs}, false alarms {alarms} of {others}")


def _told(row: dict[str, Any]) -> str:
    said, name = Counter(row["said"]), row["name"]
    rest = ", ".join(f"{k} {n}" for k, n in said.items() if k != name)
    cures = f"; cured {row['cured']} of {row['treated']}" if row["treated"] else ""
    return (
        f"{name:22} {said[name]} of {said.total()} (seeds {row['seeds']})"
        f"{f', else: {rest}' if rest else ''}{cures}"
    )


if __name__ == "__main__":
    main()

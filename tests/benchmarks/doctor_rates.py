"""How often the lab's doctor is right, on runs whose failure is known without it. Run as a script.

python tests/benchmarks/doctor_rates.py                 # 50 seeds of each case: half an hour
python tests/benchmarks/doctor_rates.py --seeds 5       # a try
python tests/benchmarks/doctor_rates.py --cure 20       # treats the first 20 of each as well

For each case (tests/doctor_cases.py) it prints in how many of the runs with the failure the doctor
names it (hits), and what else it says; for each name in how many runs without the failure the
doctor names it all the same (false alarms); and how many treated runs have lost the failure.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from doctor_cases import CASES, Case
from gan_teach.lab.doctor import diagnose, treat


def study(case: Case, seeds: int, cured: int) -> tuple[Counter[str], int, int]:
    """What the doctor says of the runs with the failure; how many were treated, how many cured."""
    said: Counter[str] = Counter()
    treated = well = 0
    for seed in range(seeds):
        session = case.make(seed)
        if not case.truth(session):
            continue
        found = diagnose(session)
        said[found.name] += 1
        if found.name == case.name and found.remedy and treated < cured:
            branch = treat(session, found)
            branch.go(case.cure)
            treated += 1
            well += diagnose(branch).name != found.name
    return said, treated, well


def main() -> None:
    parser = argparse.ArgumentParser(description="Hit and false-alarm rates of the lab's doctor.")
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--cure", type=int, default=0)
    parser.add_argument("--case", choices=list(CASES))
    options = parser.parse_args()
    table: dict[str, Counter[str]] = {}
    for title in [options.case] if options.case else CASES:
        case = CASES[title]
        said, treated, well = study(case, options.seeds, options.cure)
        table[title] = said
        rest = ", ".join(f"{k} {n}" for k, n in said.items() if k != case.name)
        cures = f"; cured {well} of {treated}" if treated else ""
        print(f"{title:28} {case.name:22} {said[case.name]} of {said.total()}"
              f"{f' (else: {rest})' if rest else ''}{cures}", flush=True)  # fmt: skip
    for name in sorted({case.name for case in CASES.values()}):
        others = Counter[str]()
        for title, said in table.items():
            if CASES[title].name != name:
                others += said
        print(f"false alarms, {name:22} {others[name]} of {others.total()}")


if __name__ == "__main__":
    main()

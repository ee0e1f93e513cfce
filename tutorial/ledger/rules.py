"""Published claims beside what comes out here: a rule for each kind of claim, and a verdict.

A ``Row`` is a claim, by the name of the function that makes it here (the *maker*, which makes
several rows at once), and ``judge`` compares the two. What a maker returns for a row:

- digits: numbers that nothing random enters. *agrees*: each within half a unit of the last printed
  digit, or within the error of reading a figure.
- run: one number for each of several seeds, (n,). *agrees*: the published run lies, up to the error
  of reading it, in the interval that holds one more run with probability 95 %.
- share: (how many runs have the outcome, how many there are). *agrees*: all have it; where it is
  what ``most`` are said to have, or what ``one`` run had, Wilson's 95 % interval lies above one
  half. *differs*: it lies below; of what one run had, none has it. *undecided*: one half is in it.
- statement: {condition: whether it holds, None where the runs do not tell}. *agrees*: under all
  conditions; *differs*: under none; *undecided*: under none, and of some it is not known.

Between *agrees* and *differs* lies *true only under*. A claim that is not made here says why, as
*not comparable* or as *not run*, for which only a GPU, missing data or hours count.
"""

import inspect
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from gan_teach import _checks
from gan_teach._files import read_csv, write_csv
from gan_teach.plots import wilson
from gan_teach.studies.engine import JsonFiles, Study, content

AGREES, DIFFERS, UNDER, UNDECIDED = "agrees", "differs", "true only under", "undecided"
NOT_COMPARABLE, NOT_RUN, OPEN = "not comparable", "not run", "open"
VERDICTS = (DIFFERS, UNDER, UNDECIDED, AGREES, NOT_COMPARABLE, NOT_RUN, OPEN)
"""In the order of the table: what differs is seen first."""

ENOUGH = 39  # runs, of which the lowest and the highest bound a 95 % interval whatever their law
_REASONS = re.compile(r"(GPU|data|\d+ CPU hours)\b")


@dataclass(frozen=True)
class Row:
    """A published claim; its fields are the columns of ``tutorial/ledger/rows.csv``."""

    id: str
    kind: str
    published: str
    error: str
    place: str
    claim: str
    made: str

    @property
    def maker(self) -> str:
        """work.maker, the function that makes it and others."""
        return ".".join(self.id.split(".", 2)[:2])

    @property
    def key(self) -> str:
        return self.id.split(".", 2)[2]

    @property
    def work(self) -> str:
        return self.id.split(".", 1)[0]

    def numbers(self) -> tuple[np.ndarray, np.ndarray]:
        """The published numbers, and how exactly each is known."""
        words = self.published.split()
        halves = [float(self.error or _half_a_unit(word)) for word in words]
        return np.array(words, dtype=float), np.array(halves)


class Verdict(NamedTuple):
    """``word`` is one of ``VERDICTS``, ``ours`` our number, ``why`` the reason."""

    word: str
    ours: str = ""
    why: str = ""


class Found(NamedTuple):
    """What came out, why it is not what is published, if it is not, and when."""

    value: Any
    why: str = ""
    date: str = ""


def _half_a_unit(printed: str) -> str:
    mantissa, _, exponent = printed.lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    return f"0.5e{int(exponent or 0) - decimals}"


# -- a rule for each kind -------------------------------------------------------------------------


def digits(row: Row, ours: ArrayLike) -> Verdict:
    """Numbers that nothing random enters."""
    published, error = row.numbers()
    ours = np.atleast_1d(np.asarray(ours, dtype=float))
    if ours.shape != published.shape:
        raise ValueError(f"{row.id} has {len(published)} numbers, and {len(ours)} were made.")
    off = np.abs(ours - published)
    text = " ".join(f"{x:.0f}" if x.is_integer() else f"{x:.7g}" for x in ours + 0.0)
    agrees = bool((off <= error * (1 + 1e-6)).all())  # halves are rounded up or to even
    return Verdict(AGREES, text) if agrees else Verdict(DIFFERS, text, f"off by {off.max():.3g}")


def run(row: Row, ours: ArrayLike) -> Verdict:
    """One number of one run, beside those of several seeds."""
    (published,), (error,) = row.numbers()
    values = np.asarray(ours, dtype=float)
    low, high = prediction_interval(values)
    text = (
        f"median {np.median(values):.4g}, 95 % of runs [{low:.4g}, {high:.4g}], n = {len(values)}"
    )
    if published + error >= low and published - error <= high:
        return Verdict(AGREES, text)
    rank = (values < published).mean()
    return Verdict(DIFFERS, text, f"above {rank:.0%} of our runs")


def prediction_interval(values: ArrayLike) -> tuple[float, float]:
    """The interval that holds one more run of the same law with probability 95 %.

    From 39 values (n,) on the order statistics of rank r and n + 1 - r with r = floor(0.025 (n +
    1)), whatever the law, and inf is a fit value: of what never happened. For fewer, mean +- t s
    sqrt(1 + 1 / n) for a normal law, t the 97.5 % point of Student's with n - 1 degrees of freedom.
    Source: Hahn & Meeker (1991), *Statistical Intervals*, sections 4.7 and 5.3. Raises ValueError
    for fewer than three values or NaN.
    """
    x = np.sort(np.asarray(values, dtype=float))
    if x.ndim != 1 or len(x) < 3 or np.isnan(x).any():
        raise ValueError(f"values must be three or more numbers, got {x}.")
    n = len(x)
    if n >= ENOUGH:
        rank = int(0.025 * (n + 1) + 1e-9)
        return float(x[rank - 1]), float(x[n - rank])
    if not np.isfinite(x).all():
        return -np.inf, np.inf  # the normal law has nothing to say of what never happened
    from scipy.stats import t

    reach = t.ppf(0.975, n - 1) * x.std(ddof=1) * np.sqrt(1 + 1 / n)
    return float(x.mean() - reach), float(x.mean() + reach)


def count(having: ArrayLike) -> list[int]:
    """How many of how many runs (n,)."""
    having = np.asarray(having)
    return [int(having.sum()), having.size]


def most(having: ArrayLike) -> bool | None:
    """Whether more than half of all runs would, by Wilson's interval; None where it holds both."""
    low, high = wilson(*count(having))
    return answer(low > 0.5, high < 0.5)


def answer(yes: bool, no: bool) -> bool | None:
    """None where neither is shown."""
    return True if yes else False if no else None


def share(row: Row, ours: Sequence[int]) -> Verdict:
    """A class of outcome: so many of so many runs."""
    had, n = ours
    low, high = wilson(had, n)
    text = f"{had} of {n} runs, {had / n:.0%} [{low:.0%}, {high:.0%}]"
    said = _checks.choice("published", row.published, ("one", "most", "all"))
    if had == n if said == "all" else low > 0.5:
        return Verdict(AGREES, text)
    if had == 0 if said == "one" else high < 0.5:
        return Verdict(DIFFERS, text, "fewer than half of the runs have it")
    if said != "all" and high >= 0.5:
        return Verdict(UNDECIDED, text, "one half lies in the interval: more runs would tell")
    return Verdict(UNDER, text, f"some seeds: {had} of {n}")


def statement(row: Row, ours: Mapping[str, bool | None]) -> Verdict:
    """A sentence, tested under one or several conditions."""
    said: dict[str, list[str]] = {"yes": [], "no": [], "undecided": []}
    for condition, holds in ours.items():
        said["undecided" if holds is None else "yes" if holds else "no"].append(condition)
    text = "; ".join(f"{word}: {c}" for word, conditions in said.items() for c in conditions)
    if len(said["yes"]) == len(ours):
        return Verdict(AGREES, text)
    if said["yes"]:
        return Verdict(UNDER, text, "; ".join(said["yes"]))
    if said["undecided"]:
        return Verdict(UNDECIDED, text, "the interval holds both answers: more runs would tell")
    return Verdict(DIFFERS, text)


RULES: Mapping[str, Callable[[Row, Any], Verdict]] = {
    "digits": digits, "run": run, "share": share, "statement": statement,
}  # fmt: skip


def judge(row: Row, found: Found | None) -> Verdict:
    """The verdict about a row for what its maker found; None: nothing."""
    word, _, why = row.made.partition(": ")
    if found is None:
        if word == NOT_RUN and not _REASONS.match(why):
            raise ValueError(f"{row.id} is not run for a GPU, data or hours, but for: {why}")
        return Verdict(word, "", why) if word in (NOT_RUN, NOT_COMPARABLE) else Verdict(OPEN)
    verdict = RULES[_checks.choice("kind", row.kind, RULES)](row, found.value)
    known = "; ".join(filter(None, (verdict.why, found.why)))
    return verdict if verdict.word == AGREES else verdict._replace(why=known)


# -- all of them ----------------------------------------------------------------------------------


def read_rows(path: Path) -> list[Row]:
    """The rows of a list."""
    return [Row(**row) for row in read_csv(path)]


COLUMNS = ("id", "verdict", "published", "ours", "why", "claim", "place", "made", "date")
"""Of the table that ``reproduce`` writes."""


class Ask(NamedTuple):
    """What a maker is asked for: so many seeds, or None, and a folder for parts of a long run."""

    seeds: int | None
    folder: Path

    def count(self, usual: int) -> int:
        return self.seeds or usual


Maker = Callable[[Ask], Mapping[str, Any]]


def _content(job: tuple[Maker, int | None]) -> dict[str, Any]:
    """Of the maker the text of its file: beside the chapters it counts as part of the library."""
    maker, seeds = job
    return content(maker=Path(inspect.getfile(maker)).read_text("utf-8"), seeds=seeds)


def reproduce(
    rows: Sequence[Row], makers: Mapping[str, Maker], out: Path, work: Path, *,
    seeds: int | None = None, workers: int = 1, progress: bool = False,
) -> list[dict[str, str]]:  # fmt: skip
    """Make what these makers make, judge it, and write ``out/ledger.csv``: the table, as read back.

    Rows of other makers stay as they are there. Each maker's result lies in ``work`` as soon as it
    is known, and the same call goes on from there.
    """
    path, order = out / "ledger.csv", {row.id: row for row in rows}
    table = {line["id"]: line for line in read_csv(path)} if path.exists() else {}
    jobs = {name: (maker, seeds) for name, maker in makers.items()}
    study = Study(jobs, partial(_make, work=work), JsonFiles(work, _content), workers, unit="maker")
    found = study.collect(progress)
    for row in rows:
        ours, before = found.get(row.maker, {}).get(row.key), table.get(row.id, {})
        if ours or not before.get("date") or before["made"] != row.made:
            verdict = judge(row, Found(*ours) if ours else None)
            made = {"verdict": verdict.word, "ours": verdict.ours, "why": verdict.why}
            table[row.id] = {**vars(row), **made, "date": Found(*ours).date if ours else ""}
    lines = [table[id] for id in order if id in table]
    write_csv(path, COLUMNS, sorted(lines, key=lambda line: VERDICTS.index(line["verdict"])))
    return read_csv(path)


def _make(job: tuple[Maker, int | None], tick: Any, work: Path) -> dict[str, Found]:
    maker, seeds = job
    try:
        result = maker(Ask(seeds, work))
    except FileNotFoundError as error:  # data
        warnings.warn(f"{error}", _checks.Note, stacklevel=2)
        return {}
    today = str(date.today())
    found = {k: f if isinstance(f, Found) else Found(f) for k, f in result.items()}
    return {k: f._replace(value=_plain(f.value), date=today) for k, f in found.items()}


def _plain(value: Any) -> Any:
    """The same in the types of JSON."""
    if isinstance(value, Mapping):
        return {key: None if holds is None else bool(holds) for key, holds in value.items()}
    return np.asarray(value).tolist()


def counts(lines: Iterable[Mapping[str, str]]) -> dict[str, Counter[str]]:
    """How many rows have each verdict, by work."""
    found: dict[str, Counter[str]] = {}
    for line in lines:
        found.setdefault(line["id"].split(".")[0], Counter())[line["verdict"]] += 1
    return found

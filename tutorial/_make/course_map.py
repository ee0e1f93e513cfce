"""The map of the course in chapter 00, and the times in the README and the teachers' page.

    python tutorial/_make/course_map.py [--check | --time [NAME ...]]

What stands between the marks of those pages comes from the chapters: titles, what a reader gains,
words of text, lines of code, exercises by kind. The minutes are estimates from these,

    reading = words / 100 + lines of code / 12
    exercises = 3 a number, 5 a formula, 10 an answer in words, 8 + lines of the answer in code,

each rounded to five. Read is what you saw, too, but neither hints, answers nor hidden code. They
were set by the time that chapters 05 (75 to 80) and 09 (90) take a student who runs every cell.
Only the seconds of a run are data: ``--time`` makes notebooks anew and keeps in ``seconds.json``
what their kernels took of one core, which other programs on the machine hardly change. ``--check``
writes nothing and fails where a page is stale.
"""

import argparse
import json
import math
import re
import resource
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import notebooks
from gan_teach import _checks
from gan_teach.course import Chapter, CourseError, chapters

FOLDER = Path(__file__).resolve().parents[1]
SECONDS = Path(__file__).with_name("seconds.json")
WORDS_A_MINUTE = 100  # of text; a formula is a word, and a figure takes its share
LINES_A_MINUTE = 12  # of code that lies open
MINUTES = {"number": 3, "formula": 5, "code": 8, "open": 10}  # of an exercise, by kind
LINE_OF_ANSWER = 1  # minutes, in an exercise in code
WORDS_OF = {"number": "a number", "formula": "a formula", "code": "code", "open": "words"}
PARTS = (  # the first chapter of each, its title, and what it is about
    ("00", "The line", "one GAN with four parameters settles, saturates, is rescued by noise"),
    ("05", "Games", "what eigenvalues foretell where a formula is known: rules, $\\tau$, regions"),
    ("09", "Modes and measures", "how modes are lost, what penalties do, and what scores can say"),
    ("15", "Images", "the same questions with millions of parameters"),
)
UNITS = ("read, min", "run, s", "exercises, min")
SHORT_PATH = ("00", "01", "02", "05", "09", "11", "15")
AT_HOME = ("Exercises", "Further reading")  # sections that no class reads together
_CHAPTER = re.compile(r"\[(\w+)\]\([^)]+\)([^\[]*)")  # a link to one, and what is said of it
_LEARN = re.compile(r"\*\*You will learn:\*\* (.+?)\.?(?= \*\*You need)")
_DETAILS = re.compile(r"<details><summary>([^<]+)</summary>(.+?)</details>", re.S)
_UNREAD = re.compile(  # hints and answers, and the marks of a fold that is read
    r"<details><summary>(?!What you saw)[^<]+</summary>.+?</details>|</?(?:details|summary)>", re.S
)
_PROGRAM = re.compile(r"```python\n(.*?)```", re.S)
_BLOCK = re.compile(r"(<!-- map -->\n)(.*?)((?:# )?<!-- end of map -->)", re.S)


@dataclass(frozen=True)
class Entry:
    """What the map says of one chapter; minutes, but for the seconds of its run."""

    chapter: Chapter
    gain: str
    words: int
    lines: int  # of open code
    kinds: Counter[str]  # exercises
    written: int  # lines of their answers in code
    seconds: float

    @property
    def reading(self) -> int:
        return _fives(self.words / WORDS_A_MINUTE + self.lines / LINES_A_MINUTE)

    @property
    def exercises(self) -> int:
        by_kind = sum(MINUTES[kind] * n for kind, n in self.kinds.items())
        return _fives(by_kind + LINE_OF_ANSWER * self.written)

    @property
    def total(self) -> int:
        return self.reading + self.exercises


def entry(chapter: Chapter, seconds: dict[str, float]) -> Entry:
    if chapter.name not in seconds:
        command = f"python tutorial/_make/course_map.py --time {chapter.name}"
        raise CourseError(f"{chapter.name} has no time yet: {command}")
    everything = [cell for cells in sections(chapter).values() for cell in cells]
    cells = [cell.source for cell in everything if _is_text(cell)]
    learn = _LEARN.search(" ".join(cells[0].split()))
    gain = learn[1] if learn else chapter.summary
    words, lines = _amount(everything)
    answers = [a for cell in cells for a in _answers(cell) if _kind(a) == "code"]
    written = sum(_lines(*_PROGRAM.findall(answer)) for answer in answers)
    return Entry(chapter, gain, words, lines, kinds(cells), written, seconds[chapter.name])


def sections(chapter: Chapter) -> dict[str, list[Any]]:
    """The cells under each heading, a text that goes on under the next one cut in two."""
    found: dict[str, list[Any]] = {"": []}
    for cell in notebooks.convert(chapter.source).cells:
        for part in re.split(r"^(?=## )", cell.source, flags=re.M) if _is_text(cell) else []:
            if part.startswith("## "):
                found[part[3:].split("\n")[0]] = []
            list(found.values())[-1].append(cell.__class__(cell, source=part))
        if not _is_text(cell):
            list(found.values())[-1].append(cell)
    return found


def _amount(cells: Sequence[Any]) -> tuple[int, int]:
    """Words of text and lines of open code."""
    code = [cell.source for cell in cells if not _is_text(cell) and not _is_folded(cell)]
    texts = [_UNREAD.sub("", _BLOCK.sub("", cell.source)) for cell in cells if _is_text(cell)]
    words = re.sub(r"\$+[^$]+\$+", "formula", " ".join(texts)).split()
    return len(words), _lines(*code)


def kinds(cells: Sequence[str]) -> Counter[str]:
    """Exercises by what the closed answer is: a number, a formula (lambda), code, or words."""
    found: list[str] = []
    for cell in cells:
        if re.match(r"(## Exercises\n+)?\*\*\d+\.\*\*", cell):
            found.append("open")  # until an answer that a check judges is seen
        found[-1:] = [_kind(answer) for answer in _answers(cell)][-1:] or found[-1:]
    return Counter(found)


def _answers(cell: str) -> list[str]:
    """The closed answers that a check judges."""
    found = _DETAILS.findall(cell)
    return [content for title, content in found if title == "Answer" and "check_" in content]


def _lines(*programs: str) -> int:
    """Lines of code; those of comments and of texts alone are none."""
    lines = [line.strip() for program in programs for line in program.splitlines()]
    return sum(1 for line in lines if line and not line.startswith(("#", '"', "alt=")))


def _kind(answer: str) -> str:
    if re.search(r"^(def|class) ", answer, re.M):
        return "code"
    return "formula" if "lambda" in answer else "number"


def entries() -> list[Entry]:
    """What the map says of each chapter now."""
    seconds = json.loads(SECONDS.read_text("utf-8"))
    return [entry(chapter, seconds) for chapter in chapters(FOLDER)]


# -- the pages ------------------------------------------------------------------------------------


def course_map(all_entries: Sequence[Entry]) -> str:
    """Four tables and the short path, as markdown."""
    minutes = {kind: f"{number} for {WORDS_OF[kind]}" for kind, number in MINUTES.items()}
    minutes["code"] += f" and {LINE_OF_ANSWER} for each line of the answer"
    lines = _wrapped(
        f"Times are estimated, but for the runs. *Read*: {WORDS_A_MINUTE} words of text or "
        f"{LINES_A_MINUTE} lines of code a minute, figures included. *Run*: seconds of one core, "
        f"measured. *Exercises*: how many, and {', '.join(minutes.values())} in minutes."
    )
    for title, about, part in parts(all_entries):
        lines += ["", f"**{title}**, {_hours(part)}: {about}.", ""]
        lines += [f"| | chapter | what you gain | {' | '.join(UNITS)} |", "|-|-|-|-|-|-|"]
        lines += [_row(e) for e in part]
    short = [e for e in all_entries if e.chapter.number in SHORT_PATH]
    links = " → ".join(f"[{e.chapter.number}]({e.chapter.name}.ipynb)" for e in short)
    every = f"All of it takes {_hours(all_entries)}."
    lines += ["", *_wrapped(f"{every} **The short path**, {_hours(short)}: {links}.")]
    return "\n".join(lines) + "\n"


def parts(all_entries: Sequence[Entry]) -> list[tuple[str, str, list[Entry]]]:
    ends = [*(first for first, *_ in PARTS[1:]), "99"]
    return [
        (title, about, [e for e in all_entries if first <= e.chapter.number < end])
        for (first, title, about), end in zip(PARTS, ends, strict=True)
    ]


def _row(e: Entry) -> str:
    code = e.kinds["code"]
    tasks = f"{e.exercises} for {e.kinds.total()}{f', {code} in code' if code else ''}"
    link = f"[{e.chapter.number}]({e.chapter.name}.ipynb)"
    times = f"{e.reading} | {e.seconds:.0f} | {tasks if e.kinds else '-'}"
    return f"| {link} | {e.chapter.title} | {e.gain} | {times} |"


def plan(all_entries: Sequence[Entry]) -> str:
    """The parts' times for a teacher, as a table."""
    lines = ["| Part | chapters | reading | exercises | runs |", "|-|-|-|-|-|"]
    for title, _, part in parts(all_entries):
        reading, tasks = sum(e.reading for e in part), sum(e.exercises for e in part)
        count, seconds = sum(e.kinds.total() for e in part), sum(e.seconds for e in part)
        span = f"{part[0].chapter.number} to {part[-1].chapter.number}"
        lines.append(
            f"| {title} | {span} | {reading / 60:.1f} h | {count} in {tasks / 60:.1f} h "
            f"| {math.ceil(seconds / 60)} min |"
        )
    return "\n".join(lines) + "\n"


def _in_first_chapter(text: str, all_entries: Sequence[Entry]) -> str:
    block = "".join(f"# {line}".rstrip() + "\n" for line in course_map(all_entries).splitlines())
    return _fill(text, block)


def _in_readme(text: str, all_entries: Sequence[Entry]) -> str:
    """The last column of the table of chapters, and the hours; other words are written by hand."""
    short = [e for e in all_entries if e.chapter.number in SHORT_PATH]
    hours = rf"\g<1>{_hours(all_entries)}\g<2>{_hours(short).split()[1]} on the short path"
    text = re.sub(r"(How long:\*\* )about [\d.]+ hours(.+?)[\d.]+ on the short path", hours, text)
    minutes = {e.chapter.name: e.total for e in all_entries}
    row = re.compile(r"^(\| \[.+?\]\(tutorial/(\w+)\.ipynb\) \| .+? \|).*$", re.M)
    return row.sub(lambda m: f"{m[1]} {minutes.get(m[2], '')} |", text)


def _in_teachers_page(text: str, all_entries: Sequence[Entry]) -> str:
    """The parts' times, the minutes of each session, and what a section left out saves."""
    by_number = {e.chapter.number: e for e in all_entries}

    def minutes(cell: str, of: str) -> int:
        return sum(getattr(by_number[number], of) for number in re.findall(r"\[(\w+)\]", cell))

    def session(found: re.Match[str]) -> str:
        """Reading without the exercises in class, the rest at home, and what has its own (time)."""
        name, in_class, at_home = found.groups()
        tasks, _, whole = at_home.partition("all of")
        home = minutes(tasks, "exercises") + minutes(whole, "total") + _said(at_home)
        read = [
            _reading(part, AT_HOME, without=True) - _reading(part, re.findall(r"\*(.+?)\*", left))
            for part, left in (
                (by_number[n].chapter, left) for n, left in _CHAPTER.findall(in_class)
            )
        ]
        here = _fives(sum(read) + _said(in_class))
        return f"| {name} | {in_class} | {here} | {at_home} | {home} |"

    def cut(found: re.Match[str]) -> str:
        number, link, headings = found.groups()
        saved = _reading(by_number[number].chapter, re.findall(r"\*(.+?)\*", headings))
        return f"| [{number}]({link}) | {headings} | {saved:.0f} |"

    text = re.sub(r"^\| (\d\.\d) \| (.+?) \| \d+ \| (.+?) \| \d+ \|$", session, text, flags=re.M)
    text = re.sub(r"^\| \[(\w+)\]\((.+?)\) \| (\*.+?\*) \| \d+ \|$", cut, text, flags=re.M)
    return _fill(text, plan(all_entries))


def _said(cell: str) -> int:
    """Minutes that a cell of the plan states itself, in brackets."""
    return sum(map(int, re.findall(r"\((\d+)\)", cell)))


def _reading(chapter: Chapter, headings: Sequence[str], without: bool = False) -> float:
    """Minutes of the sections that begin with one of the headings, or of all others."""
    parts = sections(chapter).items()
    some = [cells for name, cells in parts if name.startswith(tuple(headings)) != without]
    words, lines = _amount([cell for cells in some for cell in cells])
    return words / WORDS_A_MINUTE + lines / LINES_A_MINUTE


def _fill(text: str, block: str) -> str:
    return _BLOCK.sub(lambda m: f"{m[1]}{block}{m[3]}", text)


PAGES: dict[Path, Callable[[str, Sequence[Entry]], str]] = {
    FOLDER / "00_start_here.py": _in_first_chapter,
    FOLDER / "teaching.md": _in_teachers_page,
    FOLDER.parent / "README.md": _in_readme,
}


def stale() -> dict[Path, str]:
    """The pages that are not as the chapters are now, with what they ought to say."""
    now = entries()
    texts = {path: write(path.read_text("utf-8"), now) for path, write in PAGES.items()}
    return {path: text for path, text in texts.items() if path.read_text("utf-8") != text}


# -- numbers --------------------------------------------------------------------------------------


def seconds_of(source: Path) -> float:
    """What the chapter takes of one core: processor time of a kernel that makes its notebook."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    notebooks.update(source)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1)


def _fives(minutes: float) -> int:
    return 5 * max(1, round(minutes / 5))


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, 98, break_long_words=False, break_on_hyphens=False)


def _hours(some: Sequence[Entry]) -> str:
    return f"about {round(sum(e.total for e in some) / 30) / 2:g} hours"


def _is_text(cell: Any) -> bool:
    return cell.cell_type == "markdown"


def _is_folded(cell: Any) -> bool:
    return "hide-input" in cell.metadata.get("tags", [])


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Write the map of the course into its pages.")
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if a page is stale")
    parser.add_argument(
        "--time", nargs="*", metavar="NAME", help="make these notebooks (none named: all)"
    )
    options = parser.parse_args(argv)
    if options.time is not None:
        sources = {chapter.name: chapter.source for chapter in chapters(FOLDER)}
        for name in [_checks.choice("NAME", name, sources) for name in options.time] or sources:
            known = json.loads(SECONDS.read_text("utf-8")) if SECONDS.exists() else {}
            known[name] = seconds_of(sources[name])
            kept = {key: known[key] for key in sorted(known) if key in sources}
            SECONDS.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
            print(f"{name}: {known[name]} s", flush=True)
    pages = stale()
    for path, text in pages.items():
        print(f"{path.name}: {'stale' if options.check else 'written'}")
        if not options.check:
            path.write_text(text, "utf-8")
    return 1 if options.check and pages else 0


if __name__ == "__main__":
    sys.exit(main())

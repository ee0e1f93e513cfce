"""The ledger: every published number, class of outcome and statement of the five works, a row each.

``rows.csv`` is the list, written before any result. ``id`` is work.maker.key; ``place`` says where
in the work it stands; ``claim`` is what is said there, in our words; ``made`` how it is made here,
or why it is not. ``kind`` says by which rule it is judged, ``published`` and ``error`` are what is
judged, with its last printed digit or with the error of reading a figure:

- digits: numbers that nothing random enters;
- run: a number of one run, which other draws would have made otherwise;
- share: a class of outcome, which ``one`` run had, or ``most`` or ``all`` are said to have;
- statement: a sentence, tested under one or several conditions.

Sources. line: E. Sansone, Tutorial on GANs, github.com/emsansone/GAN. timescale: Fiez & Ratliff
(2021), github.com/fiezt/Finite-Learning-Ratio. rsgan: Sun, Fang & Schwing (2020),
github.com/AilsaF/RS-GAN. dragan: Kodali et al. (2017), github.com/kodalinaveen3/DRAGAN. assignment:
folder A5 of github.com/aryashah2k/RTML.
"""

from importlib import import_module
from pathlib import Path

from gan_teach._files import read_csv
from gan_teach.course import tutorial_folder

from . import rules as rules
from .rules import Maker, Row, read_rows

WORKS = ("line", "timescale", "rsgan", "dragan", "assignment")

MINUTES = {
    "dragan.mnist": 20,
    "dragan.noise": 10,
    "dragan.advice": 6,
    "assignment.mnist": 20,
    "assignment.mnist_whole": 120,
    "assignment.dcgan": 5,
    "assignment.dcgan_early": 3,
    "assignment.dcgan_whole": 20,
}
"""On a quiet core, of the makers that are not quick; of the last two on an H100, or none."""


def rows() -> list[Row]:
    """The list."""
    return read_rows(Path(__file__).parent / "rows.csv")


def makers(works: list[str] | None = None, quick: bool = False) -> dict[str, Maker]:
    """The functions that make the rows of these works, by their names; only those of seconds."""
    found: dict[str, Maker] = {}
    for name in dict.fromkeys(row.maker for row in rows()):
        work, function = name.split(".")
        if work in (works or WORKS) and not (quick and name in MINUTES):
            maker = getattr(import_module(f".{work}", __name__), function, None)
            if maker:
                found[name] = maker
    return found


def table() -> list[dict[str, str]]:
    """The shipped table, as ``gan-teach reproduce --out tutorial/records`` writes it."""
    return read_csv(tutorial_folder() / "records" / "ledger.csv")

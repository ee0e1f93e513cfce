"""The pictures in ``img/`` that the README and the course show.

python tutorial/_make/figures.py [NAME ...] [--out img]
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from gan_teach import _checks, plots
from gan_teach.plots import style
from gan_teach.studies import budget
from gan_teach.studies.toys import film
from gan_teach.zoo import experiments


def make_figures(out: str | os.PathLike[str], names: Sequence[str] = ()) -> Iterator[Path]:
    """Make the pictures in ``img/`` that the README and the course show, yielding each path.

    ``names`` limits them; raises ValueError listing the known ones. Deterministic on one machine.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    for name in [_checks.choice("figure", name, FIGURES) for name in names] or FIGURES:
        FIGURES[name](out / name)
        yield out / name


def _film_of(experiment: str) -> Callable[[Path], Any]:
    return lambda path: film(experiments.run(experiment), path)


def _outcomes_of_seeds(path: Path) -> None:
    runs = ("normal", "strong-discriminator", "strong-generator", "noisy")
    ended = {
        name: list(experiments.outcomes(experiments.run_seeds(name, budget(200, 8))))
        for name in runs
    }
    met = [word for word in experiments.OUTCOMES if any(word in words for words in ended.values())]
    style.save(plots.outcomes(ended, met), path)


FIGURES: dict[str, Callable[[Path], Any]] = {
    "normal.gif": _film_of("normal"),
    "strong-discriminator.gif": _film_of("strong-discriminator"),
    "strong-generator.gif": _film_of("strong-generator"),
    "noisy.gif": _film_of("noisy"),
    "normal-summary.png": lambda path: style.save(plots.summary(experiments.run("normal")), path),
    "outcomes.png": _outcomes_of_seeds,
}


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Make the pictures of the README again.")
    parser.add_argument("names", metavar="NAME", nargs="*", help="default: all")
    parser.add_argument("--out", type=Path, default=Path("img"), help="default: %(default)s")
    options = parser.parse_args(argv)
    for path in make_figures(options.out, options.names):
        print(f"wrote {path}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

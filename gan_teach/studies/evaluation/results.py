"""The scores of one set of images, and the table of them that is kept as a CSV file."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gan_teach import metrics
from gan_teach._files import replacing
from gan_teach.metrics import NoiseBand
from gan_teach.plots.tables import Table

SCORES: tuple[str, ...] = (
    "frechet", "kid", "inception_score", "prd_f_8", "prd_f_1_8", "precision", "recall",
)  # fmt: skip
"""The names of the scores. PRD: F_8 weighs recall, F_1/8 precision."""

NEIGHBORS = 2000  # images of each kind whose balls make precision and recall; time grows as n^2
_FACTS = ("source", "step", "average", "features", "n", "n_real", "seed", "key")
REAL = "real images"  # the source of the two rows that are a band
ENDS = ("low", "high")
_TITLES = {"frechet": "FD", "kid": "KID", "inception_score": "IS", "prd_f_8": "PRD F8",
           "prd_f_1_8": "PRD F1/8"}  # fmt: skip

Features = NDArray[np.float64]


def score(fake: Features, real: Features, probabilities: NDArray | None = None) -> dict[str, float]:
    """All ``SCORES`` of generated features (n, d) against real ones (m, d).

    ``probabilities`` (n, classes) of the generated images give the inception score (one split);
    without them it is NaN. PRD takes the first min(n, m) of each, precision and recall (k = 3) the
    first 2,000 at most. Features that are not finite, of a generator that diverged, score NaN.
    """
    if not np.isfinite(fake).all():
        return dict.fromkeys(SCORES, math.nan)
    same = min(len(fake), len(real))
    curve = metrics.prd(fake[:same], real[:same])
    share = metrics.precision_recall(fake[:NEIGHBORS], real[:NEIGHBORS])
    known = math.nan if probabilities is None else metrics.inception_score(probabilities).mean
    found = (
        metrics.sample_frechet(fake, real), metrics.kid(fake, real), known, curve.f_8,
        curve.f_1_8, share.precision, share.recall,
    )  # fmt: skip
    return dict(zip(SCORES, map(float, found), strict=True))


@dataclass(frozen=True)
class Row:
    """What one generator scored.

    source : a run, a file of weights or a folder of images. step : of the run, None for the others.
    average : the decay of the average of G, or "raw". features : what the Frechet distance in these
    features is called, "FID" or "FD(net, digest)". n and n_real : generated and real images. key :
    changes with the weights, the real images, the features, n and seed.
    """

    source: str
    step: int | None
    average: str
    features: str
    n: int
    n_real: int
    seed: int
    key: str
    scores: dict[str, float] = field(hash=False)


@dataclass(frozen=True)
class Evaluation:
    """The rows that were asked for, and what real images score against real ones.

    ends : two rows, the lowest and the highest scores of n real images against n others in 80 % of
    trials; none if there are too few.
    """

    rows: list[Row]
    ends: Sequence[Row] = ()

    @property
    def band(self) -> dict[str, NoiseBand]:
        """The two ends by score; empty if there are none."""
        scores = [row.scores for row in self.ends]
        return {name: NoiseBand(*(end[name] for end in scores)) for name in SCORES if scores}

    @property
    def features(self) -> str:
        """What the Frechet distance is called: "FID" or "FD(net, digest)"."""
        return self.rows[0].features

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write rows and band as one CSV file that ``read_rows`` reads."""
        return save_rows(path, [*self.rows, *self.ends])

    def table(self) -> Table:
        """The scores as a table, with the noise of real images in its last line."""
        titles = [_TITLES.get(name, name) for name in SCORES]
        lines = [
            [row.source, "" if row.step is None else row.step, row.average, *row.scores.values()]
            for row in self.rows
        ]
        if self.band:
            ends = [f"{b.low:.3g} to {b.high:.3g}" for b in self.band.values()]
            lines.append([REAL, "", "", *ends])
        return Table(["source", "step", "average", *titles], lines, caption=self.caption())

    def caption(self) -> str:
        """What was compared, and how far to trust it."""
        name = "FD is the FID" if self.features == "FID" else f"FD is {self.features}"
        first = self.rows[0]
        return (
            f"{name} of {first.n} generated against {first.n_real} real images. So few bias it "
            "upwards: compare it with rows of as many, and with real against real images."
        )


def read_rows(path: str | os.PathLike[str]) -> list[Row]:
    """The rows of a table that ``save_rows`` wrote. Raises ValueError for another file."""
    try:
        with open(path, newline="", encoding="utf-8") as text:
            return [_row(entry) for entry in csv.DictReader(text)]
    except (KeyError, ValueError, TypeError) as error:
        raise ValueError(f"{path} is damaged or no table of scores ({error}).") from error


def save_rows(path: str | os.PathLike[str], rows: Sequence[Row]) -> Path:
    """Write a table as a CSV file, as a whole or not at all."""
    with replacing(path) as partial, open(partial, "w", newline="", encoding="utf-8") as text:
        columns = [*_FACTS, *SCORES]
        writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows({**vars(row), **row.scores} for row in rows)
    return Path(path)


def _row(entry: dict[str, str]) -> Row:
    return Row(
        source=entry["source"], step=int(entry["step"]) if entry["step"] else None,
        average=entry["average"], features=entry["features"], n=int(entry["n"]),
        n_real=int(entry["n_real"]), seed=int(entry["seed"]), key=entry["key"],
        scores={name: float(entry[name]) for name in SCORES},
    )  # fmt: skip

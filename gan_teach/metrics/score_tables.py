"""What generators scored, as a table, as a file, and over the runs of a sweep by its knobs."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from gan_teach import _checks
from gan_teach._files import read_csv, replacing, write_csv
from gan_teach.metrics.manifold import PRD
from gan_teach.metrics.modes import NoiseBand
from gan_teach.metrics.scores import SCORES, SPREAD, score_names
from gan_teach.plots.text import Table

REAL = "real images"  # the source of the two rows that are a band
NOISE = "noise"  # and of those of images of nothing
SUSPECT = 0.1  # precision or recall of noise from which on those of others mean little
ENDS = ("low", "high")
MOST = 8  # curves in a picture
_HEADS = {**score_names("FD(net)"), SPREAD: "IS(net) std"}  # of columns in files
_SHARES = ("precision", "recall")
_NOT_A_KNOB = ("seed", "workers", "skip_bad", "precision", "channels_last")


@dataclass(frozen=True)
class Row:
    """What one generator scored.

    source : a run, a file of weights, a function or a folder of images. step : of the run, None for
    the others. average : the decay of the average of G, or "raw". features : what the Frechet
    distance in these features is called, "FID" or "FD(net, digest)". n and n_real : generated and
    real images. key : changes with the weights, the real images, the features, n and seed.
    protocol : how both were made and compared, in words. curve : precision over recall.
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
    protocol: str = ""
    curve: PRD | None = field(default=None, compare=False, repr=False)


_FACTS = [f.name for f in fields(Row) if f.name not in ("scores", "curve")]


@dataclass(frozen=True)
class Evaluation:
    """The rows that were asked for, and what real images score against real ones.

    ends : two rows for each set of real images, the lowest and the highest scores of n of them
    against n others in 80 % of trials; none if there are too few. noise : what images of nothing
    score in precision and recall. settings : of each run among the sources.
    """

    rows: list[Row]
    ends: Sequence[Row] = ()
    noise: Sequence[Row] = ()
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def names(self) -> dict[str, str]:
        """What each score is called."""
        return score_names(self.rows[0].features)

    @property
    def band(self) -> dict[str, NoiseBand]:
        """The two ends by score; empty if there are none, or those of several real sets."""
        ends = [row.scores for row in self.ends] if len(self.ends) == len(ENDS) else []
        return {name: NoiseBand(*(end[name] for end in ends)) for name in SCORES if ends}

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write rows and bands as one CSV file that ``read_rows`` reads."""
        return save_rows(path, [*self.rows, *self.ends, *self.noise])

    @property
    def protocol(self) -> str:
        """How the images were made and compared, and by which features; all ways if several."""
        net = self.rows[0].features
        by = "the genuine Inception" if net == "FID" else f"{net}, no FID"
        ways = dict.fromkeys(row.protocol for row in self.rows)
        return f"By {by}. {' | '.join(f'[{k}] {way}' for k, way in enumerate(ways, 1))}"

    def table(self) -> Table:
        """The scores as a table, the noise of real images in its last lines, and the protocol."""
        ways = list(dict.fromkeys(row.protocol for row in self.rows))

        def line(row: Row, cells: Sequence[float | str]) -> list[Any]:
            same = [k for k, way in enumerate(ways, 1) if _against(way) == _against(row.protocol)]
            same = [ways.index(row.protocol) + 1] if row.protocol in ways else same
            place = [row.source, "" if row.step is None else row.step, row.average]
            return [*place, *cells, row.n, row.n_real, "".join(f"[{k}]" for k in same)]

        lines = [line(row, [_cell(row.scores, k) for k in self.names]) for row in self.rows]
        for low, high in zip(self.ends[::2], self.ends[1::2], strict=True):
            ends = [f"{low.scores[k]:.3g} to {high.scores[k]:.3g}" for k in self.names]
            lines.append(line(replace(low, average=""), ends))
        for row in self.noise:
            own = (row.scores[k] for k in self.names)
            lines.append(line(row, ["" if math.isnan(v) else v for v in own]))
        caption = (
            f"{self.protocol}\nSo few images bias {self.names['frechet']} upwards: compare it with "
            f"rows of as many, and with real against real images.{self._warning()}"
        )
        heads = ["source", "step", "average", *self.names.values(), "n", "real", "how"]
        return Table(heads, lines, caption=caption)

    def _warning(self) -> str:
        """What cannot be read off precision and recall, if noise has some."""
        most = {k: max((r.scores[k] for r in self.noise), default=0.0) for k in _SHARES}
        bad = [f"{name} {share:.2g}" for name, share in most.items() if share > SUSPECT]
        return bool(bad) * (
            f"\nDo not trust precision and recall here: images of noise have {' and '.join(bad)}. "
            "(Outliers have huge balls, Naeem et al., 2020, or the network was made for others.)"
        )

    @property
    def curves(self) -> dict[str, PRD]:
        """Precision over recall of the last row of each source and average, for the best eight."""
        last = {f"{row.source}, {row.average}": row for row in self.rows if row.curve}
        best = sorted(last.values(), key=lambda row: row.scores["frechet"])[:MOST]
        return {name: row.curve for name, row in last.items() if row in best and row.curve}

    def by_knob(self) -> Any:
        """A pandas table: mean and standard error of each score over runs that differ in the seed.

        A row for each setting, step and average of G; ``runs`` counts them, those too that
        ``diverged`` and have no scores. Of a single run there is no error (NaN). Settings that
        always change together are one column, headed by all of them, with the values of the first.
        """
        pandas = _checks.package("pandas", "the table of a sweep", "images")
        knobs = _knobs(list(self.settings.values()))
        rows = [
            {head: str(self.settings[row.source][k]) for head, k in knobs.items()}
            | {"step": row.step, "average": row.average, **row.scores}
            for row in self.rows
            if row.source in self.settings
        ]
        groups = pandas.DataFrame(rows).groupby([*knobs, "step", "average"], sort=False)
        table = groups[list(SCORES)].agg(["mean", "sem"])
        heads = {"mean": "mean", "sem": "s.e."}
        table.columns = [f"{self.names[name]} {heads[which]}" for name, which in table.columns]
        table.insert(0, "runs", groups.size())
        table.insert(1, "diverged", groups.size() - groups["frechet"].count())
        return table.reset_index()


def _against(protocol: str) -> str:
    return protocol.partition(", against ")[2]


def _cell(scores: Mapping[str, float], name: str) -> float | str:
    spread = scores.get(SPREAD) if name == "inception_score" else None
    return scores[name] if spread is None else f"{scores[name]:.3g} ± {spread:.2g}"


def _knobs(settings: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The settings in which runs differ besides the seed: {names of those that differ alike: one}.

    A score of such runs belongs to all of them together.
    """
    alike: dict[tuple[int, ...], list[str]] = {}
    for name in settings[0] if settings else ():
        values = [repr(one.get(name)) for one in settings]
        if name not in _NOT_A_KNOB and len(set(values)) > 1:
            alike.setdefault(tuple(values.index(value) for value in values), []).append(name)
    return {" + ".join(names): names[0] for names in alike.values()}


def read_rows(path: str | os.PathLike[str]) -> list[Row]:
    """The rows of a table that ``save_rows`` wrote. Raises ValueError for another file."""
    try:
        return [_row(entry) for entry in read_csv(path)]
    except (KeyError, ValueError, TypeError) as error:
        raise ValueError(f"{path} is damaged or no table of scores ({error}).") from error


def _row(entry: dict[str, str]) -> Row:
    spread = entry.pop(_HEADS[SPREAD], "")
    scores = {name: float(entry.pop(_HEADS[name])) for name in SCORES}
    scores |= {SPREAD: float(spread)} if spread else {}
    facts: dict[str, Any] = {**entry, "step": int(entry["step"]) if entry["step"] else None}
    facts |= {name: int(entry[name]) for name in ("n", "n_real", "seed")}
    return Row(**facts, scores=scores)


def save_rows(path: str | os.PathLike[str], rows: Sequence[Row]) -> Path:
    """Write a table as a CSV file, as a whole or not at all."""
    lines = [{**vars(row), **{_HEADS[k]: v for k, v in row.scores.items()}} for row in rows]
    write_csv(path, [*_FACTS, *_HEADS.values()], lines)
    return Path(path)


class ScoreFiles:
    """Rows by key in a folder: scores.csv, written anew with each, and a file for each curve."""

    def __init__(self, folder: Path) -> None:
        self.path, self.curves = folder / "scores.csv", folder / "prd"
        self.rows: dict[str, list[Row]] = {}
        for row in read_rows(self.path) if self.path.exists() else ():
            self.rows.setdefault(row.key, []).append(row)

    def load(self, key: str, job: object) -> list[Row] | None:
        rows, file = self.rows.get(key), self.curves / f"{key}.npy"
        if rows and file.exists():
            (precision, recall), own = np.load(file, allow_pickle=False), rows[0].scores
            curve = PRD(precision, recall, own["prd_f_8"], own["prd_f_1_8"])
            return [replace(rows[0], curve=curve), *rows[1:]]
        return rows

    def save(self, key: str, job: object, result: list[Row]) -> None:
        self.rows[key] = result[:] = [replace(row, key=key) for row in result]
        if curve := result[0].curve:
            with replacing(self.curves / f"{key}.npy") as file:
                np.save(file, np.stack([curve.precision, curve.recall]).astype(np.float32))
        save_rows(self.path, [row for rows in self.rows.values() for row in rows])

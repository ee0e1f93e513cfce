"""Generators scored by the images they make: FID or FD(net), KID, IS, PRD, precision and recall.

``evaluate`` scores every saved generator of a run, published weights and folders of images, each
from one pass through one network, into a table that is a file: a second call adds what is new.
"""

from gan_teach.studies.evaluation.results import (
    SCORES,
    Evaluation,
    Row,
    read_rows,
    save_rows,
    score,
)
from gan_teach.studies.evaluation.sources import Candidate, candidates
from gan_teach.studies.evaluation.work import default_folder, evaluate

__all__ = [
    "SCORES",
    "Candidate",
    "Evaluation",
    "Row",
    "candidates",
    "default_folder",
    "evaluate",
    "read_rows",
    "save_rows",
    "score",
]

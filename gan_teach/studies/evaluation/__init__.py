"""Generators scored by the images they make: FID or FD(net), KID, IS, PRD, precision and recall.

``evaluate`` scores every saved generator of a run, published weights and folders of images, each
from one pass through one network, into a table that is a file: a second call adds what is new.
"""

from gan_teach.studies.evaluation.scores import (
    SCORES as SCORES,
    Evaluation as Evaluation,
    Row as Row,
    default_folder as default_folder,
    evaluate as evaluate,
    read_rows as read_rows,
    save_rows as save_rows,
    score as score,
)

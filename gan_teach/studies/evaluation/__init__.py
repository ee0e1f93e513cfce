"""Generators scored by the images they make: FID or FD(net), KID, IS, PRD, precision and recall.

``evaluate`` scores every saved generator of a run, published weights and folders of images, each
from one pass through one network, into a table that is a file: a second call adds what is new.
"""

from gan_teach.studies.evaluation.results import SCORES as SCORES
from gan_teach.studies.evaluation.results import Evaluation as Evaluation
from gan_teach.studies.evaluation.results import Row as Row
from gan_teach.studies.evaluation.results import read_rows as read_rows
from gan_teach.studies.evaluation.results import save_rows as save_rows
from gan_teach.studies.evaluation.results import score as score
from gan_teach.studies.evaluation.work import default_folder as default_folder
from gan_teach.studies.evaluation.work import evaluate as evaluate

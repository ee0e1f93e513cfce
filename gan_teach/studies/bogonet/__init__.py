"""BogoNet: how stable is an algorithm over architectures that nobody chose?

Kodali et al. (2017) train vanilla GAN, DRAGAN and WGAN-GP on random architectures and compare their
Inception Scores. The same here on embedded handwritten digits, with a small classifier as judge.
"""

from gan_teach.studies.bogonet.architectures import Architecture, Network, random_architecture
from gan_teach.studies.bogonet.classifier import Judge, digits, judge
from gan_teach.studies.bogonet.runs import (
    ALGORITHMS,
    Algorithm,
    Budget,
    build_game,
    run_architecture,
    sample_images,
    score_curve,
    start,
)
from gan_teach.studies.bogonet.studies import compact, run_study
from gan_teach.studies.bogonet.tally import (
    CRITERIA,
    Duel,
    Summary,
    diverged,
    duel_table,
    duels,
    summaries,
    table,
    values,
    wins,
)

__all__ = [
    "ALGORITHMS",
    "CRITERIA",
    "Algorithm",
    "Architecture",
    "Budget",
    "Duel",
    "Judge",
    "Network",
    "Summary",
    "build_game",
    "compact",
    "digits",
    "diverged",
    "duel_table",
    "duels",
    "judge",
    "random_architecture",
    "run_architecture",
    "run_study",
    "sample_images",
    "score_curve",
    "start",
    "summaries",
    "table",
    "values",
    "wins",
]

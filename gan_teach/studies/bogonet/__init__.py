"""BogoNet: how stable is an algorithm over architectures that nobody chose?

Kodali et al. (2017) train vanilla GAN, DRAGAN and WGAN-GP on random architectures and compare their
Inception Scores. The same here on embedded handwritten digits, with a small classifier as judge.
"""

from gan_teach.studies.bogonet.architectures import random_architecture as random_architecture
from gan_teach.studies.bogonet.classifier import digits as digits, judge as judge
from gan_teach.studies.bogonet.runs import (
    ALGORITHMS as ALGORITHMS,
    Budget as Budget,
    build_game as build_game,
    compact as compact,
    run_architecture as run_architecture,
    run_study as run_study,
    sample_images as sample_images,
    score_curve as score_curve,
    start as start,
)
from gan_teach.studies.bogonet.tally import (
    diverged as diverged,
    duel_table as duel_table,
    duels as duels,
    table as table,
    values as values,
    wins as wins,
)

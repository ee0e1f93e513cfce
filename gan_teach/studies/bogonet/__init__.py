"""BogoNet: how stable is an algorithm over architectures that nobody chose?

Kodali et al. (2017) train vanilla GAN, DRAGAN and WGAN-GP on random architectures and compare their
Inception Scores. The same here on embedded handwritten digits, with a small classifier as judge.
"""

from gan_teach.studies.bogonet.architectures import random_architecture as random_architecture
from gan_teach.studies.bogonet.classifier import digits as digits
from gan_teach.studies.bogonet.classifier import judge as judge
from gan_teach.studies.bogonet.runs import ALGORITHMS as ALGORITHMS
from gan_teach.studies.bogonet.runs import Budget as Budget
from gan_teach.studies.bogonet.runs import build_game as build_game
from gan_teach.studies.bogonet.runs import compact as compact
from gan_teach.studies.bogonet.runs import run_architecture as run_architecture
from gan_teach.studies.bogonet.runs import run_study as run_study
from gan_teach.studies.bogonet.runs import sample_images as sample_images
from gan_teach.studies.bogonet.runs import score_curve as score_curve
from gan_teach.studies.bogonet.runs import start as start
from gan_teach.studies.bogonet.tally import diverged as diverged
from gan_teach.studies.bogonet.tally import duel_table as duel_table
from gan_teach.studies.bogonet.tally import duels as duels
from gan_teach.studies.bogonet.tally import table as table
from gan_teach.studies.bogonet.tally import values as values
from gan_teach.studies.bogonet.tally import wins as wins

"""Image GANs trained into folders, so that they can be stopped, resumed and looked at.

A run's folder holds settings.json, checkpoint.pt (all that the run needs to go on), losses.csv,
sheets of samples from fixed latents, and in generators/ the weights of G and of its averages on the
way, which is what an evaluation along the path reads.
"""

from gan_teach.studies.image_runs.drawing import between as between
from gan_teach.studies.image_runs.drawing import draw as draw
from gan_teach.studies.image_runs.drawing import fixed_latents as fixed_latents
from gan_teach.studies.image_runs.drawing import save_film as save_film
from gan_teach.studies.image_runs.drawing import save_sheet as save_sheet
from gan_teach.studies.image_runs.run import RAW as RAW
from gan_teach.studies.image_runs.run import Settings as Settings
from gan_teach.studies.image_runs.run import Trained as Trained
from gan_teach.studies.image_runs.run import load_run as load_run
from gan_teach.studies.image_runs.run import snapshots as snapshots
from gan_teach.studies.image_runs.run import train_images as train_images
from gan_teach.studies.image_runs.run import watch as watch
from gan_teach.studies.image_runs.sweep import Outcome as Outcome
from gan_teach.studies.image_runs.sweep import sweep_images as sweep_images

"""Image GANs trained into folders, so that they can be stopped, resumed and looked at.

A run's folder holds settings.json, checkpoint.pt (all that the run needs to go on), losses.csv,
sheets of samples from fixed latents, and in generators/ the weights of G and of its averages on the
way, which is what an evaluation along the path reads.
"""

from gan_teach.studies.image_runs.drawing import (
    between as between,
    draw as draw,
    fixed_latents as fixed_latents,
    save_film as save_film,
    save_sheet as save_sheet,
)
from gan_teach.studies.image_runs.run import (
    RAW as RAW,
    Settings as Settings,
    Trained as Trained,
    load_run as load_run,
    snapshots as snapshots,
    train_images as train_images,
    watch as watch,
)
from gan_teach.studies.image_runs.sweep import Outcome as Outcome, sweep_images as sweep_images

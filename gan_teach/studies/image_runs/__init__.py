"""Image GANs trained into folders, so that they can be stopped, resumed and looked at.

A run's folder holds settings.json, checkpoint.pt (all that the run needs to go on), losses.csv,
sheets of samples from fixed latents, and in generators/ the weights of G and of its averages on the
way, which is what an evaluation along the path reads.
"""

from gan_teach.studies.image_runs.drawing import between, draw, fixed_latents, save_film, save_sheet
from gan_teach.studies.image_runs.run import (
    RAW,
    Settings,
    Trained,
    load_run,
    snapshots,
    train_images,
)
from gan_teach.studies.image_runs.sweep import Outcome, sweep_images
from gan_teach.studies.image_runs.watching import watch

__all__ = [
    "RAW",
    "Outcome",
    "Settings",
    "Trained",
    "between",
    "draw",
    "fixed_latents",
    "load_run",
    "save_film",
    "save_sheet",
    "snapshots",
    "sweep_images",
    "train_images",
    "watch",
]

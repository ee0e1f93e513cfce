"""Figures of recorded runs. Everything here reads a ``History`` (or arrays), nothing reads torch.

Functions take ``ax=None`` and return the axes (figures of several axes return the figure); hand
either to ``style.show(figure, alt=...)``. Names that end in ``_panel`` are for ``animation``.
"""

from gan_teach.plots import animation as animation
from gan_teach.plots import style as style
from gan_teach.plots import tables as tables
from gan_teach.plots._panel import stage as stage
from gan_teach.plots.curves import compare as compare
from gan_teach.plots.curves import distance as distance
from gan_teach.plots.curves import eigenvalues as eigenvalues
from gan_teach.plots.curves import eigenvalues_panel as eigenvalues_panel
from gan_teach.plots.curves import equilibrium_losses as equilibrium_losses
from gan_teach.plots.curves import equilibrium_score as equilibrium_score
from gan_teach.plots.curves import gradients_panel as gradients_panel
from gan_teach.plots.curves import level_panel as level_panel
from gan_teach.plots.curves import losses as losses
from gan_teach.plots.curves import losses_panel as losses_panel
from gan_teach.plots.curves import objective_panel as objective_panel
from gan_teach.plots.curves import scatter as scatter
from gan_teach.plots.curves import scores as scores
from gan_teach.plots.curves import scores_panel as scores_panel
from gan_teach.plots.ensembles import arrivals as arrivals
from gan_teach.plots.ensembles import fan as fan
from gan_teach.plots.ensembles import outcomes as outcomes
from gan_teach.plots.ensembles import phase_diagram as phase_diagram
from gan_teach.plots.ensembles import quantile_interval as quantile_interval
from gan_teach.plots.ensembles import shares as shares
from gan_teach.plots.ensembles import wilson as wilson
from gan_teach.plots.images import image_grid as image_grid
from gan_teach.plots.images import image_grids as image_grids
from gan_teach.plots.images import images_panel as images_panel
from gan_teach.plots.metrics import noise_bands as noise_bands
from gan_teach.plots.metrics import prd_curves as prd_curves
from gan_teach.plots.metrics import score_paths as score_paths
from gan_teach.plots.planar import path_panel as path_panel
from gan_teach.plots.planar import portraits as portraits
from gan_teach.plots.planar import regions as regions
from gan_teach.plots.planar import vector_field as vector_field
from gan_teach.plots.samples import clouds as clouds
from gan_teach.plots.samples import critics as critics
from gan_teach.plots.samples import densities as densities
from gan_teach.plots.samples import positions as positions
from gan_teach.plots.samples import samples as samples
from gan_teach.plots.samples import samples_panel as samples_panel
from gan_teach.plots.spectra import eigenvalue_sweep as eigenvalue_sweep
from gan_teach.plots.spectra import plane as plane
from gan_teach.plots.spectra import plane_panel as plane_panel
from gan_teach.plots.tutorial import picture as picture
from gan_teach.plots.tutorial import picture_panel as picture_panel
from gan_teach.plots.tutorial import summary as summary

"""Figures of recorded runs. Everything here reads a ``History`` (or arrays), nothing reads torch.

Functions take ``ax=None`` and return the axes (figures of several axes return the figure); hand
either to ``style.show(figure, alt=...)``. Names that end in ``_panel`` are for ``animation``.
"""

from gan_teach.plots import animation as animation, style as style
from gan_teach.plots._panel import stage as stage
from gan_teach.plots.curves import (
    arrivals as arrivals,
    compare as compare,
    curves_panel as curves_panel,
    distance as distance,
    eigenvalues as eigenvalues,
    equilibrium_losses as equilibrium_losses,
    equilibrium_score as equilibrium_score,
    fan as fan,
    losses as losses,
    losses_panel as losses_panel,
    mcnemar as mcnemar,
    outcomes as outcomes,
    phase_diagram as phase_diagram,
    quantile_interval as quantile_interval,
    scatter as scatter,
    scores as scores,
    scores_panel as scores_panel,
    shares as shares,
    training as training,
    wilson as wilson,
)
from gan_teach.plots.images import (
    image_grid as image_grid,
    image_grids as image_grids,
    images_panel as images_panel,
    noise_bands as noise_bands,
    prd_curves as prd_curves,
    score_means as score_means,
    score_paths as score_paths,
)
from gan_teach.plots.planar import (
    eigenvalue_sweep as eigenvalue_sweep,
    path_panel as path_panel,
    plane as plane,
    plane_panel as plane_panel,
    portraits as portraits,
    regions as regions,
    vector_field as vector_field,
)
from gan_teach.plots.samples import (
    clouds as clouds,
    critics as critics,
    densities as densities,
    picture_panel as picture_panel,
    positions as positions,
    samples as samples,
    samples_panel as samples_panel,
    summary as summary,
)

"""Figures of recorded runs. Everything here reads a ``History`` (or arrays), nothing reads torch.

Functions take ``ax=None`` and return the axes (figures of several axes return the figure); hand
either to ``style.show(figure, alt=...)``. Names that end in ``_panel`` are for ``animation``.
"""

from ._panel import Draw as Draw
from ._panel import Panel as Panel
from ._stage import stage as stage
from .curves import eigenvalues as eigenvalues
from .curves import eigenvalues_panel as eigenvalues_panel
from .curves import equilibrium_losses as equilibrium_losses
from .curves import equilibrium_score as equilibrium_score
from .curves import losses as losses
from .curves import losses_panel as losses_panel
from .curves import scores as scores
from .curves import scores_panel as scores_panel
from .tutorial import d_gradient_panel as d_gradient_panel
from .tutorial import g_gradient_panel as g_gradient_panel
from .tutorial import gradients as gradients
from .tutorial import gradients_panel as gradients_panel
from .tutorial import objective as objective
from .tutorial import objective_panel as objective_panel
from .tutorial import picture as picture
from .tutorial import picture_panel as picture_panel
from .tutorial import summary as summary

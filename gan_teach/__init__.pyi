# The public names of gan_teach, in the order the course meets them: the only list of them.
# Read by editors, by type checkers, and by __init__.py (which says how).
from . import data as data
from . import models as models
from . import losses as losses
from .games import GAN as GAN
from .games import FunctionGame as FunctionGame
from .games import Game as Game
from .games import Batch as Batch
from .dynamics import simultaneous as simultaneous
from .dynamics import alternating as alternating
from .training import train as train
from .training import observe as observe
from .training import record as record
from .history import History as History
from . import probes as probes
from . import plots as plots
from . import animation as animation
from . import penalties as penalties
from . import corrupt as corrupt
from .spectra import vector_field as vector_field
from .spectra import jacobian as jacobian
from .spectra import hessian as hessian
from .spectra import spectrum as spectrum
from . import spectra as spectra
from . import dynamics as dynamics
from .dynamics import negative_momentum as negative_momentum
from .dynamics import extragradient as extragradient
from .dynamics import past_extragradient as past_extragradient
from .dynamics import optimistic as optimistic
from .dynamics import lookahead as lookahead
from .dynamics import consensus as consensus
from .dynamics import symplectic_adjustment as symplectic_adjustment
from .dynamics import heun as heun
from .dynamics import rk4 as rk4
from .averages import Average as Average
from .ensemble import stack as stack
from .training import EMA as EMA
from .checkpoints import save_checkpoint as save_checkpoint
from .checkpoints import load_checkpoint as load_checkpoint
from . import zoo as zoo
from . import experiments as experiments
from . import landscape as landscape
from . import metrics as metrics
from . import exercises as exercises
from . import style as style
from .smoke import budget as budget
from .smoke import holds as holds

__version__: str
__all__: list[str]

"""gan_teach: why GANs converge, cycle or collapse. Import it as ``import gan_teach as gt``.

The rooms, from the ground up; each imports only from those before it (``tests/test_layers.py``):

data        what is to be learned: toy distributions with their densities, images. A data set?
models      networks for toys and for images, published weights, dropout. A network?
games       who owns which parameters and what each player minimises: ``GAN``, ``FunctionGame``,
            ``stack``. A loss? ``losses``. A penalty (DRAGAN, R1)? ``penalties``. Noise? ``corrupt``
plots       pictures, films, players, tables, out of a ``History`` of arrays
analysis    the game at a point: Jacobian, spectrum, critical points, landscape. tau*?
            ``timescale``; which tau are stable? ``stability``; trajectories, basins? ``flows``
dynamics    one step. An update rule (alternating, optimistic, consensus)? ``rules``; Adam?
            ``optim``; what is drawn in a step? ``streams``
metrics     numbers from samples: FID, precision, modes; the networks that give features
training    ``train``, ``record``, EMA, checkpoints. What is measured in a run? ``probes``
zoo         the published games and experiments with their constants. How was a paper's GAN trained?
studies     many runs, resumable: seeds and knobs, random architectures, image GANs, their scores
lab         the interactive lab: ``Lab()`` in a notebook, ``lab.Session`` without a screen
course      the chapters on disk, how an answer is judged. The chapters, what their exercises ask,
            their long runs, the ledger of published claims? ``tutorial/``
cli         the command ``gan-teach``

Below them lie ``history`` (what a run leaves) and the checks of arguments, files and devices.

The public names, in the order the course meets them, are listed once, in ``__init__.pyi``: editors
and type checkers read that file as it is, and ``lazy_loader`` reads it here to import each name
when it is first used. ``import gan_teach`` itself therefore imports nothing heavy, not even torch.
To publish a name, add its line there.
"""

import lazy_loader as _lazy

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = _lazy.attach_stub(__name__, __file__)

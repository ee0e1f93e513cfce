"""Differentiable two-player games: who owns which parameters, and what each player minimises.

The Dirac-GAN, a polynomial and an image GAN are all games, so that one ``train`` trains them and
one ``jacobian`` analyses them. A loss is a pure function of (parameters, batch): all randomness is
drawn beforehand into a ``Batch``. Losses never detach; the update rules freeze the other player
instead.

An ensemble of S games is a game whose tensors have one leading axis: parameters (S, ...), batches
(S, n, ...), losses (S,). ``lead`` is (S,) there and () otherwise.
"""

from gan_teach.games import (
    corrupt as corrupt,
    losses as losses,
    penalties as penalties,
)
from gan_teach.games.base import (
    Batch as Batch,
    Game as Game,
    Losses as Losses,
    frozen as frozen,
)
from gan_teach.games.ensemble import stack as stack
from gan_teach.games.functions import FunctionGame as FunctionGame
from gan_teach.games.gan import GAN as GAN

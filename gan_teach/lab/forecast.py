"""What the theory says of a run before it is made: the eigenvalues of a round at the equilibrium.

Near an equilibrium a round of updates is a linear map. Its leading pair of complex eigenvalues s
foretells a turn in 2 pi / |arg s| rounds, in which the distance changes by the factor
|s| ^ (rounds of a turn): below 1 the run spirals in, above 1 out, at 1 it circles for ever.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from gan_teach.analysis import spectra
from gan_teach.dynamics.linear import rotation_period, step_spectrum
from gan_teach.dynamics.streams import generator
from gan_teach.games import GAN
from gan_teach.lab.config import Config
from gan_teach.lab.steering import dress, update_rule
from gan_teach.lab.worlds import world_of
from gan_teach.zoo import line

_SAMPLES = 200
_SLOW = 1e4  # a turn that takes longer is none


class Forecast(NamedTuple):
    """``period`` rounds to a turn (inf: no turn), ``factor`` on the distance in one turn, and
    ``modulus``, the largest |s| among the eigenvalues of a round that turn (of all, if none)."""

    period: float
    factor: float
    modulus: float


def forecast(config: Config, spread: float = 1.0) -> Forecast | None:
    """The forecast for ``config``; None where there is no one equilibrium or no plain SGD.

    ``spread`` is w in G(z) = w z + b, which the equilibrium of the game on the line leaves open.
    """
    if config.optimizer != "sgd" or config.world == "plane" or config.turn != "both":
        return None
    if config.lr == 0 or not np.isfinite(spread):
        return None
    game = world_of(config).game
    dress(game, config)
    jacobian = _jacobian_at_equilibrium(game, config, spread)
    if not np.isfinite(jacobian.matrix).all():
        return None
    values = step_spectrum(update_rule(config), jacobian, config.lr, config.tau)
    turning = [s for s in values if rotation_period(s) < _SLOW]
    if not turning:
        return Forecast(np.inf, 1.0, float(np.abs(values).max()))
    lead = max(turning, key=abs)
    period = rotation_period(lead)
    return Forecast(period, float(abs(lead)) ** period, float(abs(lead)))


def _jacobian_at_equilibrium(game: GAN, config: Config, spread: float) -> spectra.GameJacobian:
    if config.world == "dirac":
        batch = game.draw(_SAMPLES if config.noise else 1, generator(0))
        return spectra.jacobian(game, batch, torch.zeros(2, dtype=game.dtype))
    batch = line.expectation_batch(game)
    mean = float(batch.real.mean())
    point = torch.tensor([spread, mean - spread / 2, 0.0, 0.0], dtype=game.dtype)
    return spectra.jacobian(game, batch, point)

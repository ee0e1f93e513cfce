"""The Dirac-GAN as a GAN, with each of the regularizers that are compared on it.

Data: all mass on 0. G(z) = theta. D's logit: psi x. So the whole game is two numbers, and its only
equilibrium is (0, 0). Mescheder, Geiger & Nowozin (2018, section 2); constants of their notebook:
learning rate 0.2, 500 steps, from (1, 1). Their D has its logit with the other sign (it scores fake
samples high), so that start is theta = 1, psi = -1 here; ``zoo.dirac`` keeps the paper's sign.

    method = zoo.DIRAC_METHODS["r1"]
    run = gt.train(method.game(), method.rule(), steps=500, lr=0.2, batch_size=method.batch_size)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from gan_teach import _checks
from gan_teach.analysis.flows import Planar, grid
from gan_teach.analysis.spectra import jacobian, vector_field
from gan_teach.data.line import Fixed, Uniform
from gan_teach.dynamics import Rule, consensus, simultaneous, weight_clipping
from gan_teach.dynamics.rules import Consensus
from gan_teach.games import GAN, penalties
from gan_teach.games.corrupt import InstanceNoise
from gan_teach.games.penalties import Penalty
from gan_teach.models import DiracDiscriminator, DiracGenerator

DIRAC_START = (1.0, -1.0)
DIRAC_LEARNING_RATE = 0.2
DIRAC_STEPS = 500


def dirac_gan(
    loss: str = "saturating",
    penalties: Sequence[Penalty] | Penalty = (),
    *,
    noise: float = 0.0,
    theta: float = DIRAC_START[0],
    psi: float = DIRAC_START[1],
) -> GAN:
    """The Dirac-GAN in float64, at (theta, psi); ``noise`` > 0 adds instance noise of that std.

    Without noise a batch of one sample is exact. At (0, 0) the logistic losses have the Jacobian
    [[0, 1/2], [-1/2, -gamma]], gamma the weight of R1 or R2, or noise^2 / 2; its eigenvalues are
    -gamma / 2 +- sqrt(gamma^2 - 1) / 2: i / 2 without damping, real from gamma = 1 on. The
    Wasserstein loss has 1 in place of 1/2. Raises ValueError for an unknown loss or a negative
    noise.
    """
    _checks.real("noise", noise, least=0.0)
    game = GAN(
        DiracGenerator(theta),
        DiracDiscriminator(psi),
        data=Fixed(torch.zeros(1, 1)),
        latent=Uniform(0.0, 1.0),
        loss=loss,
        penalties=penalties,
        corrupt=InstanceNoise(noise) if noise else None,
    )
    game.to(torch.float64)
    return game


@dataclass(frozen=True)
class DiracMethod:
    """One way to train the Dirac-GAN: a loss, a penalty, noise, or a change of the update rule.

    ``converges`` says whether it reaches (0, 0), as theory has it for simultaneous steps.
    ``change`` turns a schedule, such as ``gt.alternating(d_steps=5)``, into the method's own rule.
    """

    title: str
    converges: bool
    loss: str = "saturating"
    penalty: Callable[[], Penalty] | None = None
    noise: float = 0.0
    change: Callable[[Rule], Rule] | None = None

    @property
    def batch_size(self) -> int:
        """One sample is exact; the notebook averages instance noise over a thousand."""
        return 1000 if self.noise else 1

    def game(self, theta: float = DIRAC_START[0], psi: float = DIRAC_START[1]) -> GAN:
        """The game at the published start, or at (theta, psi)."""
        penalty = () if self.penalty is None else self.penalty()
        return dirac_gan(self.loss, penalty, noise=self.noise, theta=theta, psi=psi)

    def rule(self, schedule: Rule | None = None) -> Rule:
        """The update rule, for simultaneous steps or another ``schedule``.

        Consensus moves both players at once, whatever the schedule.
        """
        schedule = simultaneous() if schedule is None else schedule
        return schedule if self.change is None else self.change(schedule)


DIRAC_METHODS: dict[str, DiracMethod] = {
    "saturating": DiracMethod("GAN", False),
    "non_saturating": DiracMethod("non-saturating GAN", False, "non_saturating"),
    "wgan": DiracMethod(
        "WGAN, clipped at 1", False, "wasserstein", change=lambda rule: weight_clipping(1.0, rule)
    ),
    "wgan_gp": DiracMethod("WGAN-GP", False, "wasserstein", lambda: penalties.wgan_gp(0.35)),
    "dragan": DiracMethod("DRAGAN", False, "saturating", lambda: penalties.dragan(0.35)),
    "instance_noise": DiracMethod("instance noise 0.7", True, noise=0.7),
    "r1": DiracMethod("R1, gamma 0.3", True, penalty=lambda: penalties.r1(0.3)),
    "r1_critical": DiracMethod("R1, gamma 1", True, penalty=lambda: penalties.r1(1.0)),
    "r2": DiracMethod("R2, gamma 0.3", True, penalty=lambda: penalties.r2(0.3)),
    "non_saturating_r1": DiracMethod(
        "non-saturating, R1 0.3", True, "non_saturating", lambda: penalties.r1(0.3)
    ),
    "consensus": DiracMethod("consensus, gamma 1", True, change=lambda rule: consensus(1.0)),
}
"""The notebook's nine methods with its constants, and DRAGAN and R2.

D is linear, so R1 and R2 agree here, and so do the penalties of WGAN-GP and DRAGAN (one point has
no spread to perturb by); their target |psi| = 1 leaves no equilibrium at (0, 0). On data with a
density that says nothing against DRAGAN. The notebook writes lambda / 2 for WGAN-GP: its 0.7 is
0.35. Its consensus field has half of the term with second derivatives; this one is exact.
"""


def dirac_field(method: DiracMethod, reach: float = 2.0, count: int = 15, seed: int = 0) -> Planar:
    """(X, Y, U, V), each (count, count), on [-reach, reach]^2: theta along columns, psi along rows.

    v = (-dL_G/dtheta, -dL_D/dpsi), penalty and noise included (one batch of the method's size);
    for consensus v - gamma J^T v, the field of its update. Clipping changes no field, only where
    a path may go. Raises ValueError for a reach that is not positive.
    """
    reach = _checks.real("reach", reach, above=0.0)
    game, rule = method.game(), method.rule()
    axis = (-reach, reach, _checks.whole("count", count, least=2))
    w = grid(axis, axis)
    points = torch.from_numpy(w.reshape(-1, 2))
    batch = game.draw(method.batch_size, torch.Generator().manual_seed(seed))
    v = vector_field(game, batch, points).numpy()
    if isinstance(rule, Consensus):
        J = jacobian(game, batch, points).matrix
        v = v - rule.gamma * (J.swapaxes(-1, -2) @ v[..., None])[..., 0]
    return w[..., 0], w[..., 1], v[:, 0].reshape(w.shape[:2]), v[:, 1].reshape(w.shape[:2])

"""A GAN whose generator cannot match its data, so that D has something to say at the equilibrium.

Where G can match the data, D is constant at the equilibrium, G's own block of the Jacobian is 0
and tau* = 0. Here it is not.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gan_teach import _checks
from gan_teach.data import Fixed
from gan_teach.games import GAN, penalties

POINTS = 32


class Scale(nn.Module):
    """G(z) = w z."""

    leading_axis = True

    def __init__(self, w: float = 1.0) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor([w], dtype=torch.float64))

    def forward(self, z: Tensor) -> Tensor:
        return self.w.unsqueeze(-2) * z


class PolynomialLogit(nn.Module):
    """The logit c_0 + c_1 x + ... + c_k x^k of a sample x on the line; starts at 0."""

    leading_axis = True

    def __init__(self, degree: int = 2) -> None:
        super().__init__()
        degree = _checks.whole("degree", degree, least=1)
        self.c = nn.Parameter(torch.zeros(degree + 1, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        powers = x ** torch.arange(self.c.shape[-1], device=x.device)
        return (powers * self.c.unsqueeze(-2)).sum(-1)


def misfit_gan(w: float = 1.0, gamma: float = 0.1) -> GAN:
    """Two bumps at -1 and 1 (width 0.3) against G(z) = w z, z ~ U(0, 2): four parameters.

    D's logit is quadratic, with R1 of weight ``gamma``; G's loss is the saturating one. Data and
    latents are 32 evenly spaced quantiles each: with batch_size=32 nothing is random. At the
    default gamma the equilibria at w = +-0.648 are strict local minmax points and not Nash, with
    tau* = 0.912.
    """
    middles = (torch.arange(POINTS, dtype=torch.float64) + 0.5) / POINTS
    bumps = torch.where(middles < 0.5, -1.0, 1.0) + 0.3 * torch.special.ndtri(2 * middles % 1)
    return GAN(
        Scale(w),
        PolynomialLogit(2),
        data=Fixed(bumps),
        latent=Fixed(2 * middles),
        loss="saturating",
        penalties=penalties.r1(gamma),
    )

"""Every kind of layer against finite differences of exact gradients, at the order penalties need.

The gradients themselves are first derivatives of the losses (second ones with a penalty), which
torch has right for every layer; the Jacobian holds one derivative more.
"""

# pyright: reportArgumentType=false
# Wrong arguments are given on purpose.

import contextlib
import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

import gan_teach as gt
from cases import rng
from gan_teach.analysis import derivatives
from gan_teach.analysis.krylov import jacobian_transpose
from gan_teach.analysis.spectra import flatten, hessian, jacobian, vector_field
from gan_teach.dynamics.optim import SGD, Optimizers
from gan_teach.games import GAN, penalties
from gan_teach.models import Affine1D

F64 = torch.float64

FEATURES: dict[str, Callable[[], nn.Module]] = {  # (n, 6) -> (n, 6) or (n, 3)
    "LayerNorm": lambda: nn.LayerNorm(6),
    "LayerNorm without weights": lambda: nn.LayerNorm(6, elementwise_affine=False),
    "GroupNorm": lambda: nn.GroupNorm(2, 6),
    "RMSNorm": lambda: nn.RMSNorm(6),
    "BatchNorm": lambda: nn.BatchNorm1d(6),
    "BatchNorm, evaluating": lambda: nn.BatchNorm1d(6).eval(),
    "BatchNorm without statistics": lambda: nn.BatchNorm1d(6, track_running_stats=False),
    "Tanh": nn.Tanh,
    "Sigmoid": nn.Sigmoid,
    "LogSigmoid": nn.LogSigmoid,
    "ReLU": nn.ReLU,
    "LeakyReLU": lambda: nn.LeakyReLU(0.2),
    "ELU": nn.ELU,
    "SELU": nn.SELU,
    "CELU": nn.CELU,
    "GELU": nn.GELU,
    "GELU by tanh": lambda: nn.GELU("tanh"),
    "SiLU": nn.SiLU,
    "Mish": nn.Mish,
    "Softplus": nn.Softplus,
    "Softsign": nn.Softsign,
    "PReLU": nn.PReLU,
    "GLU": nn.GLU,
    "Hardswish": nn.Hardswish,
    "Softmax": lambda: nn.Softmax(1),
    "LogSoftmax": lambda: nn.LogSoftmax(1),
}
IMAGES: dict[str, Callable[[], nn.Module]] = {  # (n, 2, 2, 2) -> (n, 2, any, any)
    "Conv2d": lambda: nn.Conv2d(2, 2, 3, padding=1),
    "ConvTranspose2d": lambda: nn.ConvTranspose2d(2, 2, 4, 2, 1),
    "MaxPool": lambda: nn.MaxPool2d(2),
    "AvgPool": lambda: nn.AvgPool2d(2),
    "bilinear": lambda: nn.Upsample(scale_factor=2, mode="bilinear"),
    "nearest": lambda: nn.Upsample(scale_factor=2),
    "PixelShuffle": lambda: nn.Sequential(
        nn.Conv2d(2, 4, 1), nn.PixelShuffle(2), nn.Conv2d(1, 2, 1)
    ),
    "BatchNorm": lambda: nn.BatchNorm2d(2),
    "BatchNorm, evaluating": lambda: nn.BatchNorm2d(2).eval(),
    "InstanceNorm": lambda: nn.InstanceNorm2d(2, affine=True),
    "InstanceNorm with statistics": lambda: nn.InstanceNorm2d(2, track_running_stats=True),
    "LayerNorm": lambda: nn.LayerNorm([2, 2, 2]),
    "GroupNorm": lambda: nn.GroupNorm(2, 2),
    "spectral norm": lambda: parametrizations.spectral_norm(nn.Conv2d(2, 2, 2)).eval(),
    "spectral norm by a hook": lambda: nn.utils.spectral_norm(nn.Conv2d(2, 2, 2)).eval(),
}
PENALTIES = {
    "none": (),
    "r1": penalties.r1(1.0),
    "wgan_gp": penalties.wgan_gp(1.0),
}
CASES = {
    **{f"{name}, features": (make, False) for name, make in FEATURES.items()},
    **{f"{name}, image": (make, True) for name, make in IMAGES.items()},
}


def network(make: Callable[[], nn.Module], image: bool, n_out: int) -> nn.Sequential:
    """Points of the plane through the layer to ``n_out`` numbers, smooth elsewhere."""
    shape = [nn.Unflatten(1, (2, 2, 2))] if image else []
    before = [nn.Linear(2, 8 if image else 6), nn.Tanh(), *shape, make(), nn.Flatten()]
    with torch.no_grad():
        width = copy.deepcopy(nn.Sequential(*before)).eval()(torch.zeros(2, 2)).shape[1]
    return nn.Sequential(*before, nn.Linear(width, n_out))


def layered(make: Callable[[], nn.Module], image: bool, penalty) -> GAN:
    """The layer in both networks; no evaluation mode that the layer itself did not choose."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        nets = [network(make, image, n) for n in (2, 1)]
    game = GAN(*nets, data=gt.data.ring(8), latent=gt.data.Normal(dim=2), penalties=penalty)
    game.to(F64)
    with torch.no_grad():
        for p in (*game.g_params, *game.d_params):  # weights of norms start at one, biases at zero
            p.add_(0.1 * torch.randn(p.shape, dtype=F64, generator=rng(p.numel())))
    return game


def by_differences(game, batch, u, h: float) -> np.ndarray:
    """J u, from central differences of fourth order of the exact gradients."""
    w, weights = flatten(game), {-2: 1 / 12, -1: -2 / 3, 1: 2 / 3, 2: -1 / 12}
    fields = [c * vector_field(game, batch, w + k * h * u) for k, c in weights.items()]
    return torch.stack(fields).sum(0).numpy() / h


# Torch has no third derivatives of normalisation by a batch's own statistics.
BY_BATCH = (nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm)


@pytest.mark.parametrize("penalty", PENALTIES.values(), ids=PENALTIES)
@pytest.mark.parametrize(("make", "image"), CASES.values(), ids=CASES)
def test_every_layer_against_finite_differences(make, image, penalty):
    game = layered(make, image, penalty)
    batch = game.draw(5, rng(1))
    layer = make()
    if penalty and isinstance(layer, BY_BATCH) and layer.training:
        with pytest.raises(RuntimeError, match=r"not support 3rd\+ order derivatives"):
            jacobian(game, batch)
        return
    matrix = jacobian(game, batch).matrix
    for seed in range(2):
        u = torch.randn(len(matrix), dtype=F64, generator=rng(seed))
        u /= u.norm()
        numeric = by_differences(game, batch, u, 1e-3)
        assert np.abs(matrix @ u.numpy() - numeric).max() < 1e-8 * np.abs(matrix).max()


NORMS = {name: case for name, case in CASES.items() if "LayerNorm" in name}


@pytest.mark.parametrize("penalty", PENALTIES.values(), ids=PENALTIES)
@pytest.mark.parametrize(("make", "image"), NORMS.values(), ids=NORMS)
def test_formulas_have_the_losses_gradients_and_statistics_of_the_layers(make, image, penalty):
    """What torch has right, values and the gradients of plain training, is the same by formula."""
    seen = []
    for inside in (contextlib.nullcontext(), derivatives.exact()):
        game = layered(make, image, penalty)
        batch = game.draw(5, rng(1))
        with inside:
            g, d = game.losses(batch)
        gradients = torch.autograd.grad(g, game.g_params, retain_graph=True)
        gradients += torch.autograd.grad(d, game.d_params)
        buffers = [b for m in game.modules().values() for b in m.buffers()]
        seen.append([g, d, *gradients, *buffers])
    for plain, formula in zip(*seen, strict=True):
        torch.testing.assert_close(plain, formula, rtol=1e-10, atol=1e-12)


@pytest.mark.slow
def test_curvature_goes_into_the_step_of_consensus_and_of_sga():
    """Both rules hold J: the step of a game with nn.LayerNorm against J by finite differences."""
    # F + J^T F and F + (J^T - J) F / 2, where F = -v and dF/dw = -J
    game = layered(FEATURES["LayerNorm"], False, penalties.r1(1.0))
    batch = game.draw(5, rng(1))
    w = flatten(game)
    units = torch.eye(len(w), dtype=F64)
    dF = -np.stack([by_differences(game, batch, u, 1e-3) for u in units], 1)
    F = -vector_field(game, batch).numpy()
    bent = {
        gt.consensus(1.0): F + dF.T @ F,
        gt.symplectic_adjustment(1.0, align=False): F + (dF.T - dF) @ F / 2,
    }
    for rule, expected in bent.items():
        game = layered(FEATURES["LayerNorm"], False, penalties.r1(1.0))
        step = one_step(rule, game, batch)
        np.testing.assert_allclose(step, -expected, atol=1e-8 * np.abs(dF).max())


def one_step(rule, game, batch) -> np.ndarray:
    """How far plain descent of rate one moves w by the rule on that batch."""
    before = flatten(game)
    optims = Optimizers(SGD(game.g_params, 1.0), SGD(game.d_params, 1.0))
    rule(game, lambda: batch, optims)
    return (flatten(game) - before).numpy()


class HalfConstant(torch.autograd.Function):
    """a b, whose gradient (b, a) forgets that b is a variable: torch's fault in miniature."""

    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return a * b

    @staticmethod
    def backward(ctx, grad):
        a, b = ctx.saved_tensors
        return grad * b.detach(), grad * a


def test_a_hessian_that_is_not_symmetric_is_an_error():
    def forgetful(x, y):
        return HalfConstant.apply(y[0], y[1]) + x[0] * y[0]

    def smooth(x, y):
        return x[0] * y[0]

    for who, f_g, f_d in (("D", smooth, forgetful), ("G", lambda x, y: forgetful(y, x), smooth)):
        game = gt.FunctionGame(f_g, f_d, torch.ones(2, dtype=F64), torch.ones(2, dtype=F64))
        with pytest.raises(
            ArithmeticError, match=rf"{who}'s own block .*differ by [\d.]+ of the l"
        ):
            jacobian(game, game.draw())
        with pytest.raises(ArithmeticError, match=r"the Hessian is .*not symmetric"):
            hessian(who.lower(), game, game.draw())
        with pytest.raises(ArithmeticError, match=rf"{who}'s own block"):
            jacobian_transpose(game, game.draw())


def test_rounding_and_divergence_are_no_asymmetry():
    game = layered(FEATURES["LayerNorm"], False, penalties.wgan_gp(1.0)).to(torch.float32)
    batch = game.draw(5, rng(1))
    assert np.isfinite(jacobian(game, batch).matrix).all()
    points = torch.stack([flatten(game), flatten(game) * torch.inf])
    assert np.isfinite(jacobian(game, batch, points).matrix).all((1, 2)).tolist() == [True, False]


def test_stacks_and_matrix_free_products_take_the_formulas_too():
    members = [layered(FEATURES["LayerNorm"], False, penalties.r1(1.0)) for _ in range(2)]
    with torch.no_grad():
        for p in members[1].d_params:
            p.mul_(1.3)
    batches = [game.draw(5, rng(1)) for game in members]
    ensemble = gt.stack(members)
    together = jacobian(ensemble, ensemble.draw(5, [rng(1), rng(1)])).matrix
    u = np.random.default_rng(0).normal(size=together.shape[-1])
    for game, batch, matrix in zip(members, batches, together, strict=True):
        alone = jacobian(game, batch).matrix
        np.testing.assert_allclose(matrix, alone, atol=1e-12)
        operator: Any = jacobian_transpose(game, batch)
        np.testing.assert_allclose(operator @ u, alone.T @ u, atol=1e-12)


SPECTRAL = {
    "parametrization": lambda: parametrizations.spectral_norm(nn.Linear(2, 1)),
    "hook": lambda: nn.utils.spectral_norm(nn.Linear(2, 1)),
}


@pytest.mark.parametrize("make", SPECTRAL.values(), ids=SPECTRAL)
def test_a_power_iteration_at_work_has_no_derivatives(make):
    with torch.random.fork_rng(devices=[]):
        d = make()
    game = GAN(
        Affine1D(),
        nn.Sequential(nn.Linear(1, 2), d),
        data=gt.data.Normal(),
        latent=gt.data.Normal(),
    )
    game.to(F64)
    batch = game.draw(4, rng())
    for call in (jacobian, vector_field, jacobian_transpose, lambda g, b: hessian("d", g, b)):
        with pytest.raises(ValueError, match=r"discriminator has a spectral norm .*eval\(\)"):
            call(game, batch)
    d.eval()
    u = np.ones(game.n_g + game.n_d)
    matrix = jacobian(game, batch).matrix
    operator: Any = jacobian_transpose(game, batch)
    np.testing.assert_allclose(operator @ u, matrix.T @ u, atol=1e-14)


def test_matrix_free_products_move_no_statistics():
    game = layered(FEATURES["BatchNorm"], False, ())
    batch = game.draw(5, rng(1))
    before = copy.deepcopy(game.discriminator.state_dict())
    operator: Any = jacobian_transpose(game, batch)
    u = np.ones(operator.shape[0])
    np.testing.assert_allclose(operator @ u, jacobian(game, batch).matrix.T @ u, atol=1e-12)
    after = game.discriminator.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())

"""Networks against torch's own layers, first weights against their laws, stacks against loops."""

# pyright: reportArgumentType=false, reportOptionalMemberAccess=false
# Wrong arguments are given on purpose, and parts of modules are taken by index.

import copy
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from cases import ToImage, rng
from gan_teach import models
from gan_teach.models import MLP, Affine1D, DiracDiscriminator, DiracGenerator, Linear
from gan_teach.models.dropout import drops_units
from gan_teach.models.networks import takes_leading_axis

F64 = torch.float64


def twin(mlp: MLP) -> nn.Sequential:
    """The same network of torch.nn.Linear: the oracle of forward passes."""
    layers = []
    for part in mlp:
        if isinstance(part, Linear):
            plain = nn.Linear(*part.weight.shape[::-1], bias=part.bias is not None)
            plain.load_state_dict(part.state_dict())
            part = plain
        layers.append(part)
    return nn.Sequential(*layers)


@pytest.mark.parametrize("activation", models.ACTIVATIONS)
@pytest.mark.parametrize(
    "shape", [{"width": 7, "depth": 2}, {"width": [3, 9]}, {"depth": 0}], ids=str
)
def test_mlp_is_the_network_of_torch_layers(activation, shape):
    mlp = MLP(2, 3, activation=activation, out_bias=activation != "elu", seed=4, **shape)
    x = torch.randn(6, 2, generator=rng())
    torch.testing.assert_close(mlp(x), twin(mlp)(x))


def test_mlp_has_the_layers_it_was_asked_for():
    mlp = MLP(2, 1, width=[4, 5], dropout=0.3, out_bias=False, out_activation="tanh")
    kinds = [type(part).__name__ for part in mlp]
    hidden = ["Linear", "ReLU", "Dropout"]
    assert kinds == [*hidden, *hidden, "Linear", "Tanh"]
    assert sum(p.numel() for p in mlp.parameters()) == (2 * 4 + 4) + (4 * 5 + 5) + 5


def test_weights_are_a_function_of_the_seed_alone():
    before = torch.get_rng_state()
    one, two, other = MLP(3, 2, seed=1), MLP(3, 2, seed=1), MLP(3, 2, seed=2)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(p, q) for p, q in zip(one.parameters(), two.parameters(), strict=True))
    assert not torch.equal(one[0].weight, other[0].weight)


# init -> cumulative distribution of a weight of a layer 40 -> 50, from the definition of the rule
LAWS = {
    "default": stats.uniform(-(40**-0.5), 2 * 40**-0.5).cdf,
    "normal": stats.norm(0, 0.02).cdf,
    "he": stats.norm(0, (2 / 40) ** 0.5).cdf,
    "xavier": stats.uniform(-((6 / 90) ** 0.5), 2 * (6 / 90) ** 0.5).cdf,
}


@pytest.mark.parametrize("init", LAWS)
def test_initial_weights_follow_their_law(init):
    layer = Linear(40, 50, init=init, rng=rng(1))
    weights = layer.weight.detach().flatten().numpy()
    assert stats.kstest(weights, LAWS[init]).pvalue > 1e-3
    assert bool(layer.bias.any()) == (init == "default")


def test_orthogonal_init_is_orthogonal():
    w = Linear(4, 4, init="orthogonal", rng=rng(1)).weight.detach()
    torch.testing.assert_close(w @ w.T, torch.eye(4), atol=1e-6, rtol=0)


def test_affine_starts_as_the_tutorial_does():
    # N(0, 0.1^2) weights and zero biases: (emsansone's gan.py)
    starts = [Affine1D(seed=s) for s in range(400)]
    weights = np.array([a.weight.item() for a in starts])
    assert stats.kstest(weights, stats.norm(0, 0.1).cdf).pvalue > 1e-3
    assert not any(a.bias.item() for a in starts)
    x = torch.tensor([[2.0]])
    assert starts[0](x).item() == pytest.approx(2 * weights[0], rel=1e-6)


def test_dirac_pair():
    # Mescheder et al. (2018), definition 2.1: G(z) = theta, D(x) = psi . x
    generator, discriminator = DiracGenerator([1.0, -2.0]), DiracDiscriminator([3.0, 0.5])
    made = generator(torch.zeros(4, 7))
    assert made.tolist() == [[1.0, -2.0]] * 4
    assert discriminator(made).tolist() == [2.0] * 4
    assert DiracGenerator(1.5)(torch.zeros(2, 1)).tolist() == [[1.5], [1.5]]


class Attention(nn.Module):
    """A module of a learner's own that counts axes from the left and owns no layer of ours."""

    def __init__(self):
        super().__init__()
        self.inner = Linear(3, 4, rng=rng(9))

    def forward(self, x):
        return torch.softmax(self.inner(x), 1).reshape(len(x), 2, 2).sum(1)


def foreign(seed):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 5), nn.LayerNorm(5), nn.ReLU(), nn.Linear(5, 2))


def own_forward(seed):
    module = Attention()
    nn.init.normal_(module.inner.weight, generator=rng(seed))
    return module


STACKABLE = {  # name: (make(seed), numbers per input row)
    "Affine1D": (lambda s: Affine1D(seed=s), 1),
    "MLP": (lambda s: MLP(3, 2, width=4, activation="leaky_relu", seed=s), 3),
    "MLP, no last bias": (lambda s: MLP(3, 2, width=4, out_bias=False, seed=s), 3),
    "reshaped": (
        lambda s: nn.Sequential(nn.Unflatten(1, (3, 1)), nn.Flatten(), MLP(3, 2, seed=s)), 3,
    ),
    "Dirac generator": (lambda s: DiracGenerator([1.0 + s, 2.0]), 1),
    "Dirac discriminator": (lambda s: DiracDiscriminator([1.0 + s, 2.0]), 2),
    "torch layers": (foreign, 3),
    "own forward": (own_forward, 3),
    "image": (lambda s: ToImage(), 3),
}  # fmt: skip


@pytest.mark.parametrize(("make", "width"), STACKABLE.values(), ids=STACKABLE)
def test_a_stack_is_its_members_side_by_side(make, width):
    with torch.random.fork_rng(devices=[]):
        members = [make(seed).to(F64) for seed in range(4)]
    stacked = models.stack_modules(members)
    x = torch.randn(4, 6, width, dtype=F64, generator=rng(1))
    alone = torch.stack([m(row) for m, row in zip(members, x, strict=True)])
    torch.testing.assert_close(stacked(x), alone, rtol=1e-12, atol=1e-12)
    # and the stack owns copies: moving it leaves the members where they were
    with torch.no_grad():
        for p in stacked.parameters():
            p.add_(1.0)
    again = torch.stack([m(row) for m, row in zip(members, x, strict=True)])
    assert torch.equal(again, alone)


@pytest.mark.parametrize(("make", "width"), STACKABLE.values(), ids=STACKABLE)
def test_apply_takes_other_parameters_with_and_without_a_leading_axis(make, width):
    with torch.random.fork_rng(devices=[]):
        modules = [make(seed).to(F64) for seed in range(3)]
    x = torch.randn(3, 5, width, dtype=F64, generator=rng(1))
    alone = torch.stack([m(row) for m, row in zip(modules, x, strict=True)])
    torch.testing.assert_close(
        models.apply(modules[0], list(modules[2].parameters()), x[2]), alone[2]
    )
    stacked = [torch.stack(p) for p in zip(*(m.parameters() for m in modules), strict=True)]
    torch.testing.assert_close(models.apply(modules[0], stacked, x), alone)


class Scaled(nn.Module):
    """A layer, then numbers that are no parameters: one axis of buffers as long as two points."""

    def __init__(self, scale):
        super().__init__()
        self.layer = nn.Linear(3, 2)
        self.register_buffer("scale", torch.tensor(scale))
        self.register_buffer("order", torch.tensor([1, 0]))

    def forward(self, x):
        return self.layer(x)[:, self.order] * self.scale


@pytest.mark.parametrize("points", [1, 2, 3])
def test_apply_maps_parameters_and_no_buffers(points):
    module = Scaled([1.0, -3.0])  # in single precision, evaluated in double
    own = torch.randn(points, 2, 3, dtype=F64, generator=rng(1)), torch.ones(points, 2, dtype=F64)
    x = torch.randn(points, 5, 3, dtype=F64, generator=rng(2))
    alone = (x @ own[0].mT + own[1][:, None])[:, :, [1, 0]] * torch.tensor([1.0, -3.0], dtype=F64)
    together = models.apply(module, own, x)
    assert together.dtype == F64
    torch.testing.assert_close(together, alone, rtol=1e-12, atol=1e-12)


def test_members_of_a_stack_keep_their_own_buffers():
    with torch.random.fork_rng(devices=[]):
        members = [Scaled([1.0 + i, -3.0]).to(F64) for i in range(3)]
    stacked: Any = models.stack_modules(members)
    x = torch.randn(3, 5, 3, dtype=F64, generator=rng(1))
    alone = torch.stack([m(row) for m, row in zip(members, x, strict=True)])
    torch.testing.assert_close(stacked(x), alone, rtol=1e-12, atol=1e-12)
    # two snapshots of each of the three members, the members' axis inside
    params = [p.detach().repeat(2, *[1] * (p.ndim - 1)) for p in stacked.parameters()]
    params[0][3:] *= 2.0
    twice = models.apply(stacked, params, torch.cat([x, x])).unflatten(0, (2, 3))
    torch.testing.assert_close(twice[0], alone, rtol=1e-12, atol=1e-12)
    for member, row, found in zip(members, x, twice[1], strict=True):
        expected = models.apply(member, [2 * member.layer.weight, member.layer.bias], row)
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    assert not stacked.members.scale.requires_grad
    members[0].scale.zero_()  # pyright: ignore[reportCallIssue]  # the stack owns copies
    assert stacked.members.scale[0, 0] == 1.0


def test_shared_input_is_spread_over_the_members():
    stacked = models.stack_modules([MLP(2, 1, seed=s) for s in range(3)])
    x = torch.randn(5, 2, generator=rng())
    torch.testing.assert_close(stacked(x), stacked(x.expand(3, 5, 2)))


def test_which_modules_serve_a_leading_axis():
    assert takes_leading_axis(MLP(2, 2, dropout=0.1))
    assert takes_leading_axis(nn.Sequential(MLP(2, 2), nn.Identity(), nn.Sequential()))
    for other in (nn.Linear(2, 2), nn.Sequential(nn.Flatten(), MLP(2, 2)), Attention(), ToImage()):
        assert not takes_leading_axis(other)


def test_apply_is_pure_where_batch_normalisation_is_not():
    module = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    before = copy.deepcopy(module.state_dict())
    params = [p.detach().clone() for p in module.parameters()]
    models.apply(module, params, torch.randn(8, 2, generator=rng()))
    assert all(torch.equal(v, before[k]) for k, v in module.state_dict().items())
    module(torch.randn(8, 2, generator=rng()))  # the module itself does count and average
    assert module[1].num_batches_tracked == 1


def test_evaluating_restores_each_part():
    net = nn.Sequential(nn.Dropout(0.5), nn.Sequential(nn.Dropout(0.5)), nn.ReLU())
    net[1].eval()
    modes = [m.training for m in net.modules()]
    assert drops_units(net)
    with models.evaluating(net):
        assert not any(m.training for m in net.modules())
        assert not drops_units(net)
    assert [m.training for m in net.modules()] == modes


def test_as_in_training_normalizes_by_the_batch_and_leaves_everything():
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Dropout(0.5), nn.Linear(3, 1))
    for _ in range(3):
        net(torch.randn(8, 2, generator=rng()) + 5)  # statistics of other data
    before, x = copy.deepcopy(net.state_dict()), torch.randn(64, 2, generator=rng(1))
    h = net[0](x)
    h = (h - h.mean(0)) / torch.sqrt(h.var(0, unbiased=False) + net[1].eps)
    with models.as_in_training(net):
        torch.testing.assert_close(net(x), net[3](h))
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())
    assert all(part.training for part in net.modules())


def spectral():
    return nn.utils.parametrizations.spectral_norm(nn.Linear(2, 2))


BAD = {
    "activation": (lambda: MLP(1, 1, activation="gelu"), "activation must be one of relu.*'gelu'"),
    "init": (lambda: MLP(1, 1, init="kaiming"), "init must be one of default.*'kaiming'"),
    "width": (lambda: MLP(1, 1, width=[3, 0]), "width must be at least 1, got 0"),
    "depth": (lambda: MLP(1, 1, depth=-1), "depth must be at least 0, got -1"),
    "n_out": (lambda: MLP(1, 0), "n_out must be at least 1, got 0"),
    "dropout": (lambda: MLP(1, 1, dropout=1.0), "dropout must be at least 0 and at most 0.999"),
    "std": (lambda: Affine1D(std=-1), "std must be at least 0, got -1"),
    "shapes": (
        lambda: models.stack_modules([MLP(1, 1), MLP(1, 1, width=9)]), "member 1 .*architecture",
    ),
    "activations": (
        lambda: models.stack_modules([MLP(1, 1), MLP(1, 1), MLP(1, 1, activation="tanh")]),
        "member 2 .*architecture",
    ),
    "statistics": (
        lambda: models.stack_modules([nn.BatchNorm1d(2), nn.BatchNorm1d(2)]),
        "BatchNorm1d keeps statistics .*cannot be stacked",
    ),
    "power iteration": (
        lambda: models.stack_modules([spectral(), spectral()]), "SpectralNorm keeps",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("call", "message"), BAD.values(), ids=BAD)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()

"""Small networks for toy GANs, written so that one module can hold a whole ensemble.

Every layer with parameters accepts one leading axis: parameters (S, ...) and inputs (S, n, d) are S
networks evaluated at once. ``stack_modules`` builds such a module from S ordinary ones; modules of
other libraries are stacked through ``torch.vmap``, which is slower but general.
"""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.parametrizations import _SpectralNorm
from torch.nn.utils.parametrize import type_before_parametrizations
from torch.nn.utils.spectral_norm import SpectralNorm

from gan_teach import _checks
from gan_teach._identity import digest
from gan_teach.models import dropout

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": lambda: nn.LeakyReLU(0.2),
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "elu": nn.ELU,
    "softplus": nn.Softplus,
    "silu": nn.SiLU,
}

_ELEMENTWISE = (*(type(make()) for make in ACTIVATIONS.values()), nn.Dropout, nn.Identity)

# name -> fill(weight, rng). "default" is PyTorch's own rule for linear layers, U(-1, 1) /
# sqrt(fan_in).
INITS: dict[str, Callable[[Tensor, torch.Generator], object]] = {
    "default": lambda w, rng: nn.init.kaiming_uniform_(w, a=5**0.5, generator=rng),
    "normal": lambda w, rng: nn.init.normal_(w, 0.0, 0.02, generator=rng),
    "he": lambda w, rng: nn.init.kaiming_normal_(w, generator=rng),
    "xavier": lambda w, rng: nn.init.xavier_uniform_(w, generator=rng),
    "orthogonal": lambda w, rng: nn.init.orthogonal_(w, generator=rng),
}


_OF_EVERY_MODULE = frozenset(vars(nn.Module()))


class Linear(nn.Module):
    """y = x W^T + b, with weight (out, in) or, for an ensemble, (S, out, in).

    Biases start at zero except under the ``default`` init, which follows PyTorch.
    """

    leading_axis = True  # read by stack_modules: the forward pass serves (S, n, in) as it stands

    def __init__(
        self,
        n_in: int,
        n_out: int,
        *,
        bias: bool = True,
        init: str = "default",
        rng: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        fill = INITS[_checks.choice("init", init, INITS)]
        rng = rng or torch.Generator().manual_seed(0)
        self.weight = nn.Parameter(torch.empty(n_out, n_in))
        fill(self.weight, rng)
        self.bias = nn.Parameter(torch.zeros(n_out)) if bias else None
        if self.bias is not None and init == "default":
            nn.init.uniform_(self.bias, -(n_in**-0.5), n_in**-0.5, generator=rng)

    def forward(self, x: Tensor) -> Tensor:
        if self.weight.ndim == 2:
            return F.linear(x, self.weight, self.bias)
        if x.ndim == 2:
            x = x.expand(len(self.weight), *x.shape)
        if self.bias is None:
            return torch.bmm(x, self.weight.mT)
        return torch.baddbmm(self.bias.unsqueeze(-2), x, self.weight.mT)

    def extra_repr(self) -> str:
        return f"{self.weight.shape[-1]} -> {self.weight.shape[-2]}, bias={self.bias is not None}"


class Affine1D(Linear):
    """x -> w x + b on the line: generator and discriminator logit of the 1-D tutorial.

    The weight starts at N(0, std^2), the bias at zero (emsansone's 1-D GAN tutorial: std 0.1).
    """

    def __init__(self, std: float = 0.1, seed: int = 0) -> None:
        super().__init__(1, 1)
        rng = torch.Generator().manual_seed(_checks.whole("seed", seed))
        nn.init.normal_(self.weight, 0.0, _checks.real("std", std, least=0.0), generator=rng)
        nn.init.zeros_(self.bias)  # pyright: ignore[reportArgumentType]


class DiracGenerator(nn.Module):
    """G(z) = theta: all of its mass on one point of R^d (Mescheder et al., 2018, definition
    2.1)."""

    leading_axis = True

    def __init__(self, theta: float | Sequence[float] = 1.0) -> None:
        super().__init__()
        self.theta = nn.Parameter(
            torch.as_tensor(theta, dtype=torch.get_default_dtype()).reshape(-1)
        )

    def forward(self, z: Tensor) -> Tensor:
        # The latents say only how many samples are wanted.
        return self.theta.unsqueeze(-2).expand(*self.theta.shape[:-1], z.shape[-2], -1)


class DiracDiscriminator(nn.Module):
    """Logit psi . x, linear and without bias (Mescheder et al., 2018, definition 2.1)."""

    leading_axis = True

    def __init__(self, psi: float | Sequence[float] = 1.0) -> None:
        super().__init__()
        self.psi = nn.Parameter(torch.as_tensor(psi, dtype=torch.get_default_dtype()).reshape(-1))

    def forward(self, x: Tensor) -> Tensor:
        return (x * self.psi.unsqueeze(-2)).sum(-1)


class MLP(nn.Sequential):
    """Fully connected network: ``depth`` hidden layers of ``width`` units, linear output.

    Parameters
    ----------
    n_in, n_out : numbers of inputs and outputs.
    width : units of each hidden layer, or a sequence with one number per hidden layer.
    depth : number of hidden layers (0 is a linear map); ignored when ``width`` is a sequence.
    activation : one of ``ACTIVATIONS`` (``leaky_relu`` has slope 0.2).
    init : one of ``INITS``. out_bias : whether the output has biases.
    dropout : probability after each hidden activation.
    seed : of the initial weights; the global random state is neither read nor changed.

    Raises ValueError for an unknown activation or init, and for widths below one.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        *,
        width: int | Sequence[int] = 64,
        depth: int = 2,
        activation: str = "relu",
        init: str = "default",
        out_bias: bool = True,
        out_activation: str | None = None,
        dropout: float = 0.0,
        seed: int = 0,
    ) -> None:
        nonlinearity = ACTIVATIONS[_checks.choice("activation", activation, ACTIVATIONS)]
        if isinstance(width, int):
            width = [width] * _checks.whole("depth", depth)
        widths = [_checks.whole("width", w, least=1) for w in width]
        rng = torch.Generator().manual_seed(_checks.whole("seed", seed))
        sizes = [_checks.whole("n_in", n_in, least=1), *widths]
        layers: list[nn.Module] = []
        for before, after in pairwise(sizes):
            layers += [Linear(before, after, init=init, rng=rng), nonlinearity()]
            if _checks.real("dropout", dropout, least=0.0, most=0.999):
                layers.append(nn.Dropout(dropout))
        n_out = _checks.whole("n_out", n_out, least=1)
        layers.append(Linear(sizes[-1], n_out, bias=out_bias, init=init, rng=rng))
        if out_activation is not None:
            layers.append(
                ACTIVATIONS[_checks.choice("out_activation", out_activation, ACTIVATIONS)]()
            )
        super().__init__(*layers)


def takes_leading_axis(module: nn.Module) -> bool:
    """Whether ``module`` serves a leading axis by itself: each of its parts is known to.

    Known are modules that say so, and chains of elementwise ones. Anything else (a reshape, a
    softmax over axis 1, another forward method) may count axes from the left: it needs vmap.
    """
    if getattr(module, "leading_axis", False) or isinstance(module, _ELEMENTWISE):
        return True
    chain = type(module).forward is nn.Sequential.forward
    return chain and all(takes_leading_axis(part) for part in module.children())


@contextmanager
def evaluating(*modules: nn.Module) -> Iterator[None]:
    """Within it the modules are in evaluation mode: no dropout, no update of running statistics."""
    learning = [part for module in modules for part in module.modules() if part.training]
    for part in learning:
        part.training = False
    try:
        yield
    finally:
        for part in learning:
            part.training = True


@contextmanager
def as_in_training(*modules: nn.Module) -> Iterator[None]:
    """Within it each module answers as its updates see it, but nothing of it changes.

    Batch norm takes the mean and the variance of its own batch, in place of the running ones, which
    rest; there is no dropout. In evaluation mode the running statistics mix real and generated
    batches, which D never saw mixed: its answers can be far from those that trained G.
    """
    with evaluating(*modules):
        parts = (part for module in modules for part in module.modules())
        norms = [n for n in parts if isinstance(n, _BatchNorm)]
        running = [(norm.running_mean, norm.running_var) for norm in norms]
        for norm in norms:
            norm.running_mean = norm.running_var = None
        try:
            yield
        finally:
            for norm, (mean, var) in zip(norms, running, strict=True):
                norm.running_mean, norm.running_var = mean, var


def apply(module: nn.Module, params: Sequence[Tensor], x: Tensor, *more: Tensor) -> Tensor:
    """``module(x, *more)`` at other parameter values; these and the inputs may have one leading
    axis more.

    Buffers are no parameters: every point sees the module's own, in the precision of ``x``. It sees
    copies, since batch normalisation updates its statistics in place: this is a pure function.
    """
    own = dict(module.named_parameters())
    named = dict(zip(own, params, strict=True))
    axes = next((p.ndim - q.ndim for p, q in zip(params, own.values(), strict=True)), 0)
    mapped = axes > 0 and not takes_leading_axis(module)
    shared = {}
    for name, value in module.named_buffers():
        value = value.to(x.dtype) if value.is_floating_point() else value
        if mapped and value.is_floating_point():  # each point may write statistics of its own
            named[name] = value.repeat(len(x), *[1] * value.ndim)
        else:
            shared[name] = value.clone()
    if mapped:
        return _mapped(module, named, shared, x, *more)
    return functional_call(module, named | shared, (x, *more))


def _mapped(
    module: nn.Module, named: Mapping[str, Tensor], shared: Mapping[str, Tensor], *inputs: Tensor
) -> Tensor:
    """``module(*inputs)`` for each entry of the leading axis of ``named`` and the inputs."""
    return torch.vmap(
        lambda tensors, *inputs: functional_call(module, {**tensors, **shared}, inputs),
        randomness="different",
    )(named, *inputs)


def iterates(part: nn.Module) -> bool:
    """Whether a layer has a spectral norm: in training mode each pass moves its two vectors."""
    hooks = part._forward_pre_hooks.values()
    return isinstance(part, _SpectralNorm) or any(isinstance(h, SpectralNorm) for h in hooks)


class Vmapped(nn.Module):
    """Stacked parameters of networks whose layers know no leading axis, run by ``torch.vmap``."""

    leading_axis = True

    def __init__(self, members: nn.Module) -> None:
        super().__init__()
        self.members = members

    def forward(self, x: Tensor) -> Tensor:
        tensors: dict[str, Tensor] = dict(self.members.named_parameters())
        for name, buffer in self.members.named_buffers():
            # Parameters of T snapshots of each member may stand in the place of the S members'.
            tensors[name] = buffer.repeat(len(x) // len(buffer), *[1] * (buffer.ndim - 1))
        return _mapped(self.members, tensors, {}, x)


def stack_modules(modules: Sequence[nn.Module]) -> nn.Module:
    """One module whose parameters (S, ...) are those of S modules of one architecture.

    Each member keeps its own buffers. Raises ValueError when the architectures differ, in an
    attribute of a layer too (only the first member's would be used), where a layer keeps statistics
    of what it sees (batch normalisation, spectral norm), and for dropout between layers that know
    no leading axis: train such networks one at a time. TypeError naming an attribute that cannot be
    compared.
    """
    first = architecture(modules[0])
    for i, module in enumerate(modules[1:], start=1):
        other = architecture(module)
        differing = [name for name in {**first, **other} if first.get(name) != other.get(name)]
        if differing:
            raise ValueError(
                f"member {i} has another architecture than member 0: they differ in "
                f"{differing[0] or 'the network itself'}. An ensemble needs networks of one shape. "
                "Make one ensemble per architecture."
            )
    for part in modules[0].modules():
        if _reads_the_batch(part) or iterates(part):
            raise ValueError(
                f"{type(part).__name__} keeps statistics of the samples or weights that it sees: "
                "networks with it cannot be stacked. Train them one at a time."
            )
    stacked = copy.deepcopy(modules[0])
    dropout.per_member(stacked)
    tensors = [[*module.parameters(), *module.buffers()] for module in (stacked, *modules)]
    for own, *members in zip(*tensors, strict=True):
        own.data = torch.stack([tensor.detach() for tensor in members])
    if takes_leading_axis(stacked) and not list(stacked.buffers()):
        return stacked
    if dropout.dropouts(stacked):
        raise ValueError(
            "a network with dropout can be stacked where all of its layers know members, as those "
            "of MLP do: members of this one would share their masks. Train them one at a time."
        )
    return Vmapped(stacked)


def architecture(module: nn.Module) -> dict[str, str]:
    """All of a network but its weights: how each part prints, and a digest of the rest of it.

    A part with a method ``identity()`` is the layer that it gives, in whose place it is.
    """
    parts = {}
    for name, each in module.named_modules():
        part = getattr(each, "identity", lambda each=each: each)()
        own = {k: v for k, v in vars(part).items() if k not in _OF_EVERY_MODULE}
        shapes = {k: p.shape for k, p in part.named_parameters(recurse=False)}
        # A parametrized layer (spectral norm) has a class of its own, made around its weights.
        layer = type_before_parametrizations(part)
        content = digest([layer, shapes, part.extra_repr(), own], name or "the network")
        parts[name] = f"{layer.__name__}({part.extra_repr()}) {content[:16]}"
    return parts


def _reads_the_batch(part: nn.Module) -> bool:
    """Whether a sample's output depends on other samples, now or through running statistics."""
    instance = nn.modules.instancenorm._InstanceNorm
    return isinstance(part, _BatchNorm) or (isinstance(part, instance) and part.track_running_stats)

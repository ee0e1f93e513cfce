"""Image GANs as plain values: data, networks, loss and training; ``published`` has those by name.

A configuration is text and numbers that ``dataclasses.replace`` changes, a folder's settings.json
keeps and the command line takes. What has numbers of its own is written as a call:
"adam(betas=(0.5, 0.999))", "r1(20.0)".
"""

import ast
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, replace
from functools import partial
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

import torch
from torch import nn

from gan_teach import _checks
from gan_teach.data import Asked, Images, Normal, StreamedFolder, Uniform, load_images
from gan_teach.data.named import STAND_INS
from gan_teach.dynamics import RULES, Rule, alternating, weight_clipping
from gan_teach.dynamics.optim import OPTIMIZERS
from gan_teach.dynamics.streams import mix
from gan_teach.games import GAN, Game, losses, penalties
from gan_teach.games.corrupt import AUGMENTATIONS, DiffAugment
from gan_teach.models import convnets
from gan_teach.training import Run, train
from gan_teach.training.schedules import Schedule, linear_decay, power_decay

Shape = tuple[int, ...]  # (channels, size, size)
Networks = tuple[nn.Module, nn.Module]
Makers = tuple[Callable[..., nn.Module], Callable[..., nn.Module]]  # of G, by latent and seed; of D


@dataclass(frozen=True, kw_only=True)
class ImageGAN:
    """One experiment as a plain value; ``image_gan`` makes one from a published name.

    Data
        data : a name, a folder or zip archive of images, an .npy or .npz file. size : pixels of a
        side that images are scaled to. channels : 1 for grey images, 3 for color; None: as they
        are. flip : mirror each image with probability 1/2. dequantize : add noise of one grey level
        to each pixel. balanced : each class as often. skip_bad : leave out files that do not fit.
        workers : threads that read a folder or archive anew for each batch; None keeps it in
        memory.

    Networks
        networks : vanilla, dragan, dcgan, cnn, tower, resnet or stable. features : width of the
        networks. d_features : that of D, if it is not to follow. bottleneck : halve each block's
        inner width. latent : dimension of the latents. prior : "normal" or "uniform", on [-1, 1).

    Game
        augment : kinds of ``DiffAugment`` on what D sees, for few images. loss : non_saturating,
        relativistic, hinge or another of ``losses``. penalties : with their weights, as "r1(20.0)".
        label_smoothing : the target of D for real samples. g_label_smoothing : that of G for its
        own. conditional : G is asked for classes, as often as they occur (all alike, if
        ``balanced``), and D is told which: G by one-hot beside the latent; D of convolutions, whose
        end is linear then, by a projection, a fully connected one in one row with the pixels. For
        labelled images.

    Training
        steps : updates of G, those already done included. batch_size : images of each kind in a
        batch. lr : learning rate of G. tau : learning rate of D divided by that of G. optimizer :
        with its numbers, as "adam(betas=(0.5, 0.999))". schedule : constant, linear or power, over
        the length of the run. rule : alternating, optimistic or another of ``RULES``. d_steps,
        g_steps : updates in a round, by "alternating". d_every : rounds to one with updates of D,
        by "alternating". first : d or g, by "alternating". redraw : all, latents or none, at G's
        updates, by "alternating". clip : bound of D's weights after each update, or none. averages
        : decays of the averages of G that are kept. seed : of the networks and of every draw.
        precision : "float32"; on a GPU also "tf32", products with 10 bits of fraction; or "bf16"
        inside the networks. channels_last : other order in memory.

    Fields take the text of a command line too ("1e-4", "0.9,0.99"). Raises ValueError for a value
    that does not fit, and for numbers that nothing would read.
    """

    name: str = ""
    summary: str = ""
    differs: str = ""  # from the authors' code
    data: str
    size: int
    channels: int | None = None
    flip: bool = False
    dequantize: bool = False
    balanced: bool = False
    skip_bad: bool = False
    workers: int | None = None
    networks: str
    features: int
    d_features: int | None = None
    bottleneck: bool = False
    latent: int
    prior: str = "normal"
    loss: str = "non_saturating"
    label_smoothing: float = 1.0
    g_label_smoothing: float = 1.0
    conditional: bool = False
    augment: tuple[str, ...] = ()
    penalties: tuple[str, ...] = ()
    steps: int
    batch_size: int
    lr: float
    tau: float = 1.0
    optimizer: str
    schedule: str = "constant"
    rule: str = "alternating"
    d_steps: int = 1
    g_steps: int = 1
    d_every: int = 1
    first: str = "d"
    redraw: str = "all"
    clip: float | None = None
    averages: tuple[float, ...] = (0.999,)
    seed: int = 0
    precision: str = "float32"
    channels_last: bool = False

    def __post_init__(self) -> None:
        for f in fields(self):  # frozen for its users; here it is still being made
            object.__setattr__(self, f.name, _value(f.name, getattr(self, f.name)))
        _checks.choice("prior", self.prior, ("normal", "uniform"))
        _checks.choice("precision", self.precision, ("float32", "tf32", "bf16"))
        losses.smoothed(self.make_loss(), self.label_smoothing)
        if self.bottleneck and not self.networks.startswith("resnet"):
            raise ValueError(f"bottleneck belongs to the networks resnet, not to {self.networks}.")
        _checks.called("networks", self.networks, NETWORKS, first=2)
        _checks.called("optimizer", self.optimizer, OPTIMIZERS, first=2)
        _checks.called("schedule", self.schedule, SCHEDULES, first=1)
        for penalty in self.penalties:
            penalties.get(penalty)
        for kind in self.augment:
            _checks.choice("augment", kind, AUGMENTATIONS)
        self.make_rule()
        if self.conditional and self.workers is not None:
            raise ValueError("conditional=True needs images in memory: leave out workers.")

    def images(self, download: bool = False) -> Images | StreamedFolder:
        """The data set. Raises FileNotFoundError where it is not there and not downloaded."""
        how: dict[str, Any] = {"channels": self.channels, "skip_bad": self.skip_bad}
        if self.workers is not None:
            return StreamedFolder(
                self.data, self.size, workers=self.workers, flip=self.flip,
                dequantize=self.dequantize, **how,
            )  # fmt: skip
        images = load_images(self.data, self.size, download=download, **how)
        images = images.with_noise(self.dequantize, self.flip)
        return images.in_balance() if self.balanced else images

    def stand_in(self) -> "ImageGAN":
        """The same on the small embedded images that can stand in for its data, if any can."""
        return replace(self, **STAND_INS.get(self.data, {}))

    def pair(self, shape: Shape, seed_g: int = 0, seed_d: int = 0, classes: int = 0) -> Networks:
        """New networks for images of that shape, and of so many classes if it is conditional."""
        make = _checks.called("networks", self.networks, NETWORKS, first=2)
        make_g, make_d = make(self, shape)
        g = make_g(latent=self.latent + classes, seed=seed_g)
        if not self.conditional:
            return g, make_d(seed=seed_d)
        if self.networks not in _ROWS:
            return g, convnets.Projection(make_d(seed=seed_d), classes, seed=seed_d)
        _, make_d = make(self, (math.prod(shape) + classes,))
        return g, convnets.Concatenated(make_d(seed=seed_d))

    def latents(self, classes: Mapping[str, int] | None = None) -> Normal | Uniform | Asked:
        """The distribution of the latents; ``classes`` : the data's, with their numbers of images.

        These are needed if it is conditional.
        """
        d = self.latent
        noise = Uniform(-1.0, 1.0, d) if self.prior == "uniform" else Normal(dim=d)
        if not self.conditional:
            return noise
        counts = torch.tensor([*(classes or {}).values()])
        times = counts.clamp(max=1) if self.balanced else counts
        return Asked(noise, torch.arange(len(counts)).repeat_interleave(times))

    def game(self, images: Any, seed: int | None = None) -> GAN:
        """The game with new networks that fit the channels and the size of ``images``."""
        seed = self.seed if seed is None else seed
        classes = images.class_counts() if self.conditional else {}
        game = GAN(
            *self.pair(images.shape, mix(seed, 1), mix(seed, 2), len(classes)),
            data=images,
            latent=self.latents(classes),
            loss=self.make_loss(),
            label_smoothing=self.label_smoothing,
            penalties=self.penalties,
            corrupt=DiffAugment(self.augment) if self.augment else None,
            autocast="bf16" if self.precision == "bf16" else None,
        )
        if self.channels_last:
            game.to(memory_format=torch.channels_last)
        return game

    def make_loss(self) -> losses.Loss:
        """The loss with G's labels; D's are the game's. Raises ValueError where it has none."""
        return losses.smoothed_g(losses.get(self.loss), self.g_label_smoothing)

    def make_rule(self) -> Rule:
        """The update rule. Raises ValueError for numbers of ``alternating`` with another rule."""
        names = ("d_steps", "g_steps", "redraw", "d_every", "first")
        own = {n: getattr(self, n) for n in names if getattr(self, n) != getattr(ImageGAN, n)}
        make = _checks.called("rule", self.rule, _RULES)
        if own and make is not alternating:
            raise ValueError(
                f"the rule {self.rule} does not read {', '.join(own)}: that is for alternating."
            )
        rule = make(**own)
        return rule if self.clip is None else weight_clipping(self.clip, rule)

    def arguments(self, **changes: Any) -> dict[str, Any]:
        """The keyword arguments of ``gan_teach.train``, with ``changes`` (None changes nothing)."""
        names = ("steps", "batch_size", "lr", "tau", "optimizer", "seed")
        own = {name: getattr(self, name) for name in names} | {"rule": self.make_rule()}
        own |= {name: value for name, value in changes.items() if value is not None}
        schedule = _checks.called("schedule", self.schedule, SCHEDULES, first=1)(own["steps"])
        return own if schedule is None else {"schedule": schedule, **own}

    def train(self, game: Game, **changes: Any) -> Run:
        """``gan_teach.train(game, ...)`` with these settings, except for ``changes``."""
        return train(game, **self.arguments(**changes))

    def identity(self) -> dict[str, Any]:
        """What decides its numbers: all but the words about it."""
        return {name: getattr(self, name) for name in _KINDS if name not in _WORDS}

    def changes(self, other: "ImageGAN") -> dict[str, tuple[Any, Any]]:
        """{field: (here, there)} of all settings that differ."""
        there = other.identity()
        return {k: (v, there[k]) for k, v in self.identity().items() if v != there[k]}


_WORDS = ("name", "summary", "differs")  # that decide nothing
_KINDS = get_type_hints(ImageGAN)
_RULES = {name: rule for name, rule in RULES.items() if name != "weight_clipping"}  # it is ``clip``


def changed(config: ImageGAN | None, /, **changes: Any) -> ImageGAN:
    """The configuration with ``changes``, or one of these alone.

    Raises ValueError for unknown settings, and for those that are missing.
    """
    for field in changes:
        _checks.choice("setting", field, sorted(_KINDS, key=_WORDS.__contains__))
    if config:
        return replace(config, **changes)
    missing = [f.name for f in fields(ImageGAN) if f.default is MISSING and f.name not in changes]
    if missing:
        raise ValueError(
            f"extends names no published configuration, so set {', '.join(missing)} too."
        )
    return ImageGAN(**changes)


def _value(name: str, value: Any) -> Any:
    """``value`` as the field of that name holds it; ValueError if it cannot."""
    kind = _KINDS[name]
    if isinstance(kind, UnionType):
        kind = next(k for k in get_args(kind) if k is not NoneType)
        if value is None or value == "none":
            return None
    if get_origin(kind) is tuple:
        return tuple(_one(name, get_args(kind)[0], part) for part in entries(name, value))
    return _one(name, kind, value)


def _one(name: str, kind: type, value: Any) -> Any:
    wanted = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    try:
        if kind is bool:
            return {"true": True, "false": False}[str(value).lower()]
        if kind is str:
            return os.fspath(value)
        number = float(value)
        if not isinstance(value, bool) and (kind is float or number.is_integer()):
            return kind(number)
    except (ValueError, TypeError, KeyError, OverflowError):
        pass
    raise ValueError(f"{name} must be {wanted[kind]}, got {_checks.shortened(value)}.")


def entries(name: str, value: Any) -> Any:
    """The entries of a list, which as text has commas between them."""
    if not isinstance(value, str):
        return value if isinstance(value, (list, tuple)) else [value]
    try:
        tree: Any = ast.parse(f"[{value.strip().removeprefix('[').removesuffix(']')}]", mode="eval")
    except SyntaxError:
        raise ValueError(f"{name} must be a list, entries between commas, got {value!r}.") from None
    return [ast.unparse(part) for part in tree.body.elts]


# -- networks and schedules -----------------------------------------------------------------------


def _vanilla(config: ImageGAN, shape: Shape) -> Makers:
    f, d_f = config.features, config.d_features or config.features
    return (
        partial(convnets.VanillaGenerator, shape, width=(f, 2 * f, 4 * f)),
        partial(convnets.VanillaDiscriminator, shape, width=(4 * d_f, 2 * d_f, d_f)),
    )


def _dragan(config: ImageGAN, shape: Shape) -> Makers:
    g = partial(convnets.UnitGenerator, shape, width=config.features)
    return g, partial(convnets.UnitDiscriminator, shape, width=config.d_features or config.features)


def _convolutional(g: Any, d: Any, config: ImageGAN, shape: Shape, **both: Any) -> Makers:
    """A generator and a discriminator of these two classes."""
    both |= {"channels": shape[0], "size": shape[1]}
    d_features = config.d_features or config.features
    return partial(g, features=config.features, **both), partial(d, features=d_features, **both)


def _dcgan(config: ImageGAN, shape: Shape, ends: str = "conv", norm: bool = True) -> Makers:
    end = "linear" if config.conditional else ends
    g = partial(convnets.DCGANGenerator, start=ends)
    d = partial(convnets.DCGANDiscriminator, end=end, norm=norm)
    return _convolutional(g, d, config, shape)


def _resnet(config: ImageGAN, shape: Shape) -> Makers:
    kinds = convnets.ResNetGenerator, convnets.ResNetDiscriminator
    return _convolutional(*kinds, config, shape, bottleneck=config.bottleneck)


def _plain(g: Any, d: Any) -> Callable[..., Makers]:
    return lambda config, shape: _convolutional(g, d, config, shape)


NETWORKS: Mapping[str, Callable[..., Makers]] = {
    "vanilla": _vanilla,
    "dragan": _dragan,
    "dcgan": _dcgan,
    "cnn": _plain(convnets.CNNGenerator, convnets.CNNDiscriminator),
    "tower": _plain(partial(convnets.DCGANGenerator, normal=False), convnets.TowerDiscriminator),
    "resnet": _resnet,
    "stable": _plain(convnets.StableGenerator, convnets.StableDiscriminator),
}
"""Pairs of ``models.convnets`` by name: of A5, DRAGAN, Radford et al., RS (three) and FR."""
_ROWS = ("vanilla", "dragan")  # the fully connected ones


SCHEDULES: Mapping[str, Callable[..., Schedule | None]] = {
    "constant": lambda steps: None,
    "linear": lambda steps, start=0.5: linear_decay(int(start * steps), max(1, steps)),
    "power": lambda steps, exponent=0.005: power_decay(exponent),
}
"""Factors on both learning rates: 1; 1 up to that part of the run, then to 0 at its end;
(1 + step)^-exponent."""

"""The game of a generator and a discriminator that both see samples."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import reduce
from operator import add
from typing import Any
from zlib import crc32

import torch
from torch import Tensor, nn

from gan_teach import _checks
from gan_teach.games import losses
from gan_teach.games.base import Batch, Game, Losses, Params
from gan_teach.games.corrupt import DiffAugment, InstanceNoise
from gan_teach.games.losses import Loss, PlayerLoss
from gan_teach.games.penalties import Noise, Penalty, get as get_penalty
from gan_teach.models import apply, architecture, evaluating

_LOGISTIC = ("saturating", "non_saturating", "relativistic")
AnyPenalty = Penalty | str | Callable[..., Tensor]
Draws = Sequence[tuple[str, Callable[[Tensor, torch.Generator], Noise]]]


class GAN(Game):
    """A generator and a discriminator with data, latents and a loss.

    Parameters
    ----------
    generator : module, latents (n, *latent.shape) -> samples (n, *data.shape).
    discriminator : module, samples -> logits (n,) or (n, 1).
    data, latent : anything with ``sample(n, rng)`` and ``shape``. Latents with ``classes`` (see
        ``data.Asked``) make the game conditional: the last columns of a latent ask for a class, the
        data answer (``of_classes``), and the discriminator takes (samples, one-hot classes).
    loss : the name of a loss, a ``Loss``, or two functions (for G, for D) of (real logits, fake
        logits) that average over the last axis.
    penalties : added to the discriminator's loss, each a Penalty, its text ("r1(20)"), or a
        function of your own (critic, real, fake, noise) -> scalar.
    corrupt : what D's input goes through: ``InstanceNoise``, or ``DiffAugment`` of images.
    label_smoothing : D's target for real samples (1 is none); only for losses with labels.
    autocast : "bf16" evaluates both networks for the losses in bfloat16 where torch deems it safe;
        the losses themselves and all penalties keep the parameters' precision.

    ``d_logits`` : D's logits of real and of generated samples in its last update of ``train``.

    Raises TypeError or ValueError for arguments that do not fit together; shapes are tried out with
    two samples at the call.
    """

    d_logits: tuple[Tensor, Tensor] | None = None

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module,
        *,
        data: Any,
        latent: Any,
        loss: Loss | str | tuple[PlayerLoss, PlayerLoss] = losses.non_saturating,
        penalties: Sequence[AnyPenalty] | AnyPenalty = (),
        corrupt: InstanceNoise | DiffAugment | None = None,
        label_smoothing: float = 1.0,
        autocast: str | None = None,
    ) -> None:
        self.generator = _checks.instance("generator", generator, nn.Module)
        self.discriminator = _checks.instance("discriminator", discriminator, nn.Module)
        self.data, self.latent = data, latent
        self.loss = losses.smoothed(losses.get(loss), label_smoothing)
        own: Any = penalties
        if isinstance(own, str) or callable(own):
            own = (own,)
        self.penalties = tuple(get_penalty(penalty) for penalty in own)
        if self.penalties and hasattr(discriminator, "_orig_mod"):
            raise TypeError(
                "discriminator was made by torch.compile, which cannot be differentiated twice, as "
                "a gradient penalty needs: pass the original module."
            )
        if corrupt is not None:
            hint = "Build it as gt.corrupt.InstanceNoise(std)."
            _checks.instance("corrupt", corrupt, (InstanceNoise, DiffAugment), hint)
        self.corrupt = corrupt
        if autocast not in (None, "bf16"):
            raise ValueError(
                f"autocast must be 'bf16' or None (the parameters' precision), got {autocast!r}. "
                "In fp16 small gradients become zero; bfloat16 has the range of float32."
            )
        self.autocast = None if autocast is None else torch.bfloat16
        self.lead: tuple[int, ...] = getattr(data, "lead", ())
        self.classes: int = getattr(latent, "classes", 0)
        # Batch statistics of a joint real-and-fake batch would differ from those of each alone.
        norms = (nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm)
        self._joint = not any(isinstance(m, norms) for m in discriminator.modules())
        self._check_shapes()
        self._look_at_layers()

    @property
    def g_params(self) -> list[Tensor]:
        return list(self.generator.parameters())

    @property
    def d_params(self) -> list[Tensor]:
        return list(self.discriminator.parameters())

    def modules(self) -> dict[str, nn.Module]:
        return {"generator": self.generator, "discriminator": self.discriminator}

    def settings(self) -> dict[str, Any]:
        names = ("data", "latent", "loss", "penalties", "corrupt", "autocast")
        named = {name: getattr(self, name) for name in names}
        for player, module in self.modules().items():
            named |= {f"{player} {part}": text for part, text in architecture(module).items()}
        return {**super().settings(), **named}

    def draw(self, n: int, rng: Any) -> Batch:
        real = None if self.classes else self.data.sample(n, rng)
        latent = self.latent.sample(n, rng)
        if real is None:
            real = self.data.of_classes(self.asked(latent)[0].argmax(1), rng)
        for name, drawn in (("data", real), ("latent", latent)):
            if (count := drawn.shape[len(self.lead)]) != n:
                raise ValueError(
                    f"{name}.sample({n}, rng) must return {n} samples, got {count}: the samples of "
                    "many steps are drawn at once, so each has to be independent of the others."
                )
        noise = self._draw_noise(real, rng)
        noise_real, noise_fake = (None, None) if self.corrupt is None else noise.pop(0)
        batch = Batch(real, latent, noise_real, noise_fake, tuple(noise))
        dtype, device = self.dtype, self.device
        return batch.map(lambda x: x.to(device, dtype if x.is_floating_point() else None))

    def _draw_noise(self, real: Tensor, rng: Any) -> list[Noise]:
        """The instance noise of real and fake samples, if there is any; then each penalty's."""
        draws = [("instance noise", self.corrupt.draw)] if self.corrupt is not None else []
        draws += [(penalty.name, penalty.draw) for penalty in self.penalties]
        if not draws:
            return []
        if not self.lead:
            return _drawn(draws, real, rng)
        members = [_drawn(draws, x, own) for x, own in zip(real, rng, strict=True)]
        return [_stacked(noise) for noise in zip(*members, strict=True)]

    def check_batch(self, n: int) -> None:
        """Raises ValueError if the data know that they cannot fill a batch of ``n``."""
        if hasattr(self.data, "check_batch"):
            self.data.check_batch(n)

    @property
    def sample_shape(self) -> tuple[int, ...]:
        return tuple(self.data.shape)

    def generate(self, latent: Tensor) -> Tensor:
        """G(latent)."""
        return self._in_precision(self.generator, latent)

    def asked(self, latent: Tensor) -> tuple[Tensor, ...]:
        """What D sees beside a sample: the classes (n, classes) that the latents ask for, one-hot;
        nothing in a game without classes."""
        return (latent[..., -self.classes :],) if self.classes else ()

    def _in_precision(self, network: Callable[..., Tensor], x: Tensor, *asked: Tensor) -> Tensor:
        """network(x, *asked), inside in lower precision if that was asked for."""
        if self.autocast is None:
            return network(x, *asked)
        with torch.autocast(x.device.type, self.autocast):
            return network(x, *asked).to(x.dtype)

    def _logits_of(self, x: Tensor, *asked: Tensor) -> Tensor:
        """The critic as the losses use it; penalties use ``critic``, in full precision."""
        return self._in_precision(self.critic, x, *asked)

    def critic(self, x: Tensor, *asked: Tensor) -> Tensor:
        """Logits of the discriminator, shape (n,) or (S, n); x may lack the leading axis.

        In a game with classes also of the classes ``asked`` for, one-hot. Raises TypeError where
        they are missing.
        """
        if self.classes and not asked:
            raise TypeError("the discriminator of a game with classes needs them beside samples.")
        if self.lead and x.ndim == 1 + len(self.data.shape):
            x = x.expand(*self.lead, *x.shape)
        samples = x.shape[: x.ndim - len(self.data.shape)]
        return _checks.logits("discriminator", self.discriminator(x, *asked), samples)

    def logits(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """D's logits of the batch's real and of its generated samples, as D sees them."""
        return self._logits_of_both(self.critic, *self.inputs_of_d(batch), batch)

    def losses(self, batch: Batch, params: Params | None = None) -> Losses:
        if params is not None:
            return self._with_params(params).losses(self._expanded(batch, params))
        real, fake = self.inputs_of_d(batch)
        logits = self._logits_of_both(self._logits_of, real, fake, batch)
        return Losses(self.loss.g(*logits), self._loss_and_penalties(logits, real, fake, batch))

    def fakes(self, batch: Batch) -> Tensor:
        """G's samples for the batch's latents, which both losses may share."""
        return self.generate(batch.latent)

    def loss_d(self, batch: Batch, fake: Tensor | None = None) -> Tensor:
        real, fake = self.inputs_of_d(batch, fake)
        logits = self._logits_of_both(self._logits_of, real, fake, batch)
        return self._loss_and_penalties(logits, real, fake, batch)

    def loss_g(self, batch: Batch, fake: Tensor | None = None) -> Tensor:
        real, fake = self.inputs_of_d(batch, fake)
        if self.loss.paired:
            return self.loss.g(*self._logits_of_both(self._logits_of, real, fake, batch))
        fake_logits = self._logits_of(fake, *self.asked(batch.latent))
        return self.loss.g(fake_logits, fake_logits)  # an unpaired loss does not read the first

    def _with_params(self, params: Params) -> GAN:
        """The same game at other parameters, for a look: in their precision, networks as functions
        without state."""
        there: Any = copy.copy(self)
        there.autocast = there.d_terms = None
        there.generator = lambda z: apply(self.generator, params[0], z)
        there.discriminator = lambda *x: apply(self.discriminator, params[1], *x)
        return there

    def inputs_of_d(self, batch: Batch, fake: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Real and generated samples as D sees them, through the instance noise."""
        real, fake = batch.real, self.fakes(batch) if fake is None else fake
        if self.corrupt is None or batch.noise_real is None or batch.noise_fake is None:
            return real, fake
        return (
            self.corrupt.apply(real, batch.noise_real, batch.step),
            self.corrupt.apply(fake, batch.noise_fake, batch.step),
        )

    def _logits_of_both(
        self, critic: Callable[..., Tensor], real: Tensor, fake: Tensor, batch: Batch
    ) -> tuple[Tensor, Tensor]:
        asked = self.asked(batch.latent)  # of the real samples as of the fakes
        if not self._joint:
            return critic(real, *asked), critic(fake, *asked)
        axis = real.ndim - len(self.data.shape) - 1
        logits = critic(torch.cat([real, fake], axis), *(torch.cat([y, y], axis) for y in asked))
        return logits.split([real.shape[axis], fake.shape[axis]], -1)  # pyright: ignore

    def _critic_of(self, batch: Batch) -> Callable[[Tensor], Tensor]:
        """The critic as a function of samples alone, at the classes of the batch."""
        asked = self.asked(batch.latent)
        return (lambda x: self.critic(x, *asked)) if asked else self.critic

    def _loss_and_penalties(
        self, logits: tuple[Tensor, Tensor], real: Tensor, fake: Tensor, batch: Batch
    ) -> Tensor:
        """What D minimizes: its loss and its penalties."""
        value = self.loss.d(*logits)
        terms = {f"{self.loss.name} loss": value}
        critic = self._critic_of(batch)
        for i, (penalty, noise) in enumerate(zip(self.penalties, batch.penalty_noise, strict=True)):
            name = penalty.name if penalty.name not in terms else f"{penalty.name} ({i})"
            terms[name] = penalty(critic, real, fake, noise, value.ndim)
        if self.d_terms is not None:
            self.d_terms = {name: term.detach() for name, term in terms.items()}
            self.d_logits = logits[0].detach(), logits[1].detach()
        return reduce(add, terms.values())

    def _expanded(self, batch: Batch, params: Params) -> Batch:
        """The batch with the leading axis that the given parameters have and it lacks."""
        given = next(iter(params[0] or params[1]))
        axes = given.ndim - self._first().ndim
        if axes == 0:
            return batch
        return batch.map(lambda x: x.expand(len(given), *x.shape))

    def _check_sources(self, rng: Any) -> None:
        for name, source in (("data", self.data), ("latent", self.latent)):
            is_source = hasattr(source, "sample") and hasattr(source, "shape")
            if name == "data" and self.classes and not hasattr(source, "of_classes"):
                raise TypeError(
                    "latent asks for classes, so data must have of_classes(classes, rng), as "
                    f"labelled Images have; got {_checks.shortened(source)}."
                )
            if isinstance(source, type) or not is_source:
                raise TypeError(
                    f"{name} must be an object with sample(n, rng) and shape, got "
                    f"{_checks.shortened(source)}. "
                    "Wrap a tensor of samples as gt.data.Points(tensor)."
                )
            hint = "It is the shape of one sample, such as (2,) for points in the plane."
            _checks.instance(f"{name}.shape", source.shape, (tuple, list), hint)
            samples, wanted = source.sample(3, rng), (*self.lead, 3, *source.shape)
            shape = tuple(samples.shape) if isinstance(samples, Tensor) else type(samples).__name__
            if shape != wanted:
                raise ValueError(
                    f"{name}.sample(3, rng) must return a tensor of shape {wanted}, that is (n, "
                    f"*{name}.shape), but gave {shape}."
                )

    def _check_shapes(self) -> None:
        seeded = torch.Generator().manual_seed(0)
        rng = [seeded] * self.lead[0] if self.lead else seeded
        self._check_sources(rng)
        batch = self.draw(2, rng)
        _checks.finite("data", batch.real, "Clean the data before training on it.")
        with torch.no_grad(), evaluating(self.generator, self.discriminator):
            fake = _try("generator", self.generator, batch.latent, self.latent.shape)
            if fake.shape != batch.real.shape:
                made = tuple(fake.shape[1 + len(self.lead) :])
                raise ValueError(
                    f"generator makes samples of shape {made} from latents of shape "
                    f"{self.latent.shape}, but the data have shape {self.data.shape}."
                )
            critic = self._critic_of(batch)
            logits = _try("discriminator", critic, batch.real, self.data.shape)
            for penalty, noise in zip(self.penalties, batch.penalty_noise, strict=True):
                with torch.enable_grad():
                    real = batch.real
                    value = penalty.value(critic, real, real, noise, len(self.lead))
                hint = "one number for each game"
                _checks.losses(f"penalty {penalty.name}", value, self.lead, hint)
        for player, loss in (("G", self.loss.g), ("D", self.loss.d)):
            hint = f"the mean of logits {tuple(logits.shape)} over their last axis"
            value = loss(logits, logits)
            _checks.losses(f"the loss of {player} ({self.loss.name})", value, self.lead, hint)

    def _look_at_layers(self) -> None:
        """Note layers of D that make something else of the loss than its name says."""
        layers = [
            (k, m) for k, m in self.discriminator.named_modules() if not len(list(m.children()))
        ]
        name, last = layers[-1] if layers else ("", self.discriminator)
        logistic = self.loss.name.split(",")[0] in _LOGISTIC
        if logistic and isinstance(last, (nn.Sigmoid, nn.LogSigmoid, nn.Softmax)):
            _checks.note(
                f"discriminator ends in {type(last).__name__} ({name}), but the loss "
                f"{self.loss.name} takes logits and has a sigmoid of its own: leave that layer out."
            )
        norms = [(k, m) for k, m in layers if isinstance(m, nn.modules.batchnorm._BatchNorm)]
        if norms and self.penalties:
            name, norm = norms[0]
            _checks.note(
                f"discriminator has {type(norm).__name__} ({name}), which mixes the samples of a "
                f"batch: the slope that {self.penalties[0].name} measures is then no single "
                "sample's. Use GroupNorm, LayerNorm or none."
            )


def _stacked(members: Sequence[Noise]) -> Noise:
    return tuple(torch.stack(x) for x in zip(*members, strict=True))


def _try(name: str, call: Callable[[Tensor], Tensor], x: Tensor, shape: Any) -> Tensor:
    """``call(x)``; a failure inside of torch is said to be the player's."""
    try:
        return call(x)
    except RuntimeError as error:
        what = "latents" if name == "generator" else "samples"
        raise ValueError(f"{name} cannot take {what} of shape {tuple(shape)}: {error}") from error


def _drawn(draws: Draws, real: Tensor, rng: torch.Generator) -> list[Noise]:
    """The noise of each entry, from a generator of its own that ``rng`` and the name seed.

    So what one of them draws depends on no other, and the members of an ensemble, each of which
    gets the noise that any of them needs, draw what they would alone.
    """
    base = int(torch.randint(2**62, (), generator=rng))
    return [
        draw(real, torch.Generator().manual_seed(base ^ crc32(name.encode())))
        for name, draw in draws
    ]

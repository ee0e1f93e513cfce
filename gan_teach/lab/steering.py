"""From settings to a running game, and from turned knobs to the same game steered otherwise."""

from __future__ import annotations

from gan_teach import corrupt, losses, optim, penalties
from gan_teach.dynamics import Rule, alternating
from gan_teach.dynamics.affine import AffineAlternating, suits
from gan_teach.games import GAN
from gan_teach.lab.config import Config
from gan_teach.training import State, train


def begin(game: GAN, config: Config) -> State:
    """The state before the first update."""
    run = train(
        game, _rule(game, config), steps=0, lr=config.lr, tau=config.tau,
        optimizer=config.optimizer, batch_size=config.batch, seed=config.seed,
    )  # fmt: skip
    state = next(run)
    steer(state, config)
    return state


def steer(state: State, config: Config) -> None:
    """Make ``config`` hold from the next update on."""
    assert isinstance(state.game, GAN)
    dress(state.game, config)
    state.stream.batch_size = config.batch
    state.stream.forget()  # noise and penalties shape what is drawn
    state.rule = _rule(state.game, config)
    make = optim.OPTIMIZERS[config.optimizer]
    fresh = optim.Optimizers(
        make(state.game.g_params, config.lr), make(state.game.d_params, config.tau * config.lr)
    )
    if _kind(fresh) != _kind(state.optims):
        state.optims = fresh  # another optimizer starts without a memory
    state.optims.g.lr, state.optims.d.lr = fresh.g.lr, fresh.d.lr


def _rule(game: GAN, config: Config) -> Rule:
    """Alternating descent, in its faster form where there is one."""
    alone = {"d": (1, 0), "g": (0, 1)}
    steps = alone.get(config.turn, (config.d_steps, config.g_steps))
    if suits(game) and config.optimizer == "sgd":
        return AffineAlternating(*steps)
    return alternating(*steps, redraw="latents")


def _kind(optims: optim.Optimizers) -> tuple[type, float]:
    """What tells two kinds of optimizer apart."""
    return type(optims.g), getattr(optims.g, "momentum", 0.0)


def dress(game: GAN, config: Config) -> None:
    """Loss, penalty and instance noise of ``config`` for ``game``."""
    game.loss = losses.smoothed(losses.get(config.loss), config.smoothing)
    shared = config.noise_kind == "shared"
    game.corrupt = corrupt.InstanceNoise(config.noise, shared=shared) if config.noise else None
    make = penalties.PENALTIES.get(config.penalty)
    game.penalties = (make(config.weight),) if make else ()

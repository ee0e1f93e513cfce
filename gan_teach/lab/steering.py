"""From settings to a running game, and from turned knobs to the same game steered otherwise."""

from __future__ import annotations

from gan_teach.dynamics import RULES, Rule, alternating, optim
from gan_teach.dynamics.affine import AffineAlternating, suits
from gan_teach.games import GAN, corrupt, losses, penalties
from gan_teach.lab.config import Config
from gan_teach.lab.knobs import OPTIMIZERS
from gan_teach.training import State, train

REDRAW = {"line": "latents", "plane": "none", "dirac": "all"}
"""What each published experiment draws anew within a round (see ``dynamics.alternating``)."""


def begin(game: GAN, config: Config) -> State:
    """The state before the first update."""
    run = train(
        game, _rule(game, config), steps=0, lr=config.lr, tau=config.tau,
        optimizer=OPTIMIZERS[config.optimizer], batch_size=config.batch, seed=config.seed,
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
    rule = _rule(state.game, config)
    if type(rule) is not type(state.rule):
        state.memory = {}  # another rule starts without one
    state.rule = rule
    make = OPTIMIZERS[config.optimizer]
    fresh = optim.Optimizers(
        make(state.game.g_params, config.lr), make(state.game.d_params, config.tau * config.lr)
    )
    if _kind(fresh) != _kind(state.optims):
        state.optims = fresh  # and so does another optimizer
    state.optims.g.lr, state.optims.d.lr = fresh.g.lr, fresh.d.lr


def update_rule(config: Config) -> Rule:
    """The rule of a whole round, whoever's turn it is."""
    if config.rule != "alternating":
        return RULES[config.rule]()
    return alternating(config.d_steps, config.g_steps, redraw=REDRAW[config.world])


def _rule(game: GAN, config: Config) -> Rule:
    """The rule of the next update, in its faster form where there is one."""
    alone = {"d": (1, 0), "g": (0, 1)}.get(config.turn)
    if alone is None and config.rule != "alternating":
        return update_rule(config)
    steps = alone or (config.d_steps, config.g_steps)
    if suits(game) and config.optimizer == "sgd":
        return AffineAlternating(*steps)
    return alternating(*steps, redraw=REDRAW[config.world])


def _kind(optims: optim.Optimizers) -> tuple[object, ...]:
    """What tells two kinds of optimizer apart."""
    own = optims.g
    return type(own), getattr(own, "momentum", 0.0), getattr(own, "betas", ())


def dress(game: GAN, config: Config) -> None:
    """Loss, penalty and instance noise of ``config`` for ``game``."""
    game.loss = losses.smoothed(losses.get(config.loss), config.smoothing)
    shared = config.noise_kind == "shared"
    game.corrupt = corrupt.InstanceNoise(config.noise, shared=shared) if config.noise else None
    make = penalties.PENALTIES.get(config.penalty)
    game.penalties = (make(config.weight),) if make else ()

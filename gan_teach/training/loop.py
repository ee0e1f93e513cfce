"""The training loop, as a generator: the caller owns time.

``train`` checks its arguments at the call and yields a live ``State`` before the first update and
after each one. Plots, averages, checkpoints and progress bars are ordinary code around that loop.
In a toy game divergence is something to look at, so it goes on; ``stop_on_nan`` ends a run of hours
at the step at which it breaks, with a sentence that says what broke.
The loop itself is ``updates`` in ``state.py``, and one update there calls the rule.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gan_teach import _checks
from gan_teach._devices import float64_device, there
from gan_teach._progress import progress_bar
from gan_teach.dynamics import UpdateRule, alternating, optim, takes_memory
from gan_teach.dynamics.streams import Stream
from gan_teach.games import GAN, Game
from gan_teach.history import History
from gan_teach.training.checkpoints import load_checkpoint
from gan_teach.training.probes import LOSSES
from gan_teach.training.schedules import Schedule
from gan_teach.training.state import Probe, Run, State, updates

_READ_EVERY = 10
_PLAYERS = {"d": "discriminator", "g": "generator"}


def train(
    game: Game,
    rule: UpdateRule | None = None,
    *,
    steps: int,
    lr: float | Sequence[float] = 1e-3,
    tau: float | Sequence[float] = 1.0,
    optimizer: Any = "sgd",
    batch_size: int = 256,
    seed: int | Sequence[int] = 0,
    device: str | torch.device | None = None,
    schedule: Schedule | None = None,
    resume: str | os.PathLike[str] | None = None,
    branch: str | None = None,
) -> Run:
    """Train ``game`` for ``steps`` updates; yields the state before the first and after each one.

    Parameters
    ----------
    rule : an update rule of ``gan_teach.dynamics``, or a function of your own (game, draw, optims),
        or (game, draw, optims, memory), that does what they do; ``alternating()`` by default.
    steps : number of updates; with ``resume`` the total, including those already done.
    lr : learning rate of the generator. tau : lr_D = tau * lr. This is an exact time-scale
        separation for SGD only: Adam divides a constant factor of the gradient out again, but not
        one of the learning rate, so there tau is a ratio of step lengths.
    optimizer : "sgd", "momentum", "adam", "rmsprop", a function (params, lr), or a ``torch.optim``
        class; a pair (for G, for D) is accepted.
    batch_size : samples of each kind in a batch. seed : of all draws (see ``streams``); the initial
        weights belong to the models. In an ensemble lr, tau and seed may be sequences.
    device : where to train, to which the game is moved: "cpu", "cuda" (the current GPU), "cuda:1",
        "mps" ...; None, the default: where the game is. Batches are drawn on the CPU everywhere.
    schedule : step -> factor on both learning rates (see ``schedules``); it is applied anew before
        each step, so without one the rates may be changed by hand.
    resume : a checkpoint written by ``save_checkpoint``; the run continues bit for bit. Another
        setting than the file's (all above but ``steps`` and ``device``, and the game's) is refused.
    branch : the name of a run that goes on from ``resume`` with other settings on purpose; it
        stands in ``state.branches`` and in the history's ``meta``, with what was changed.

    Raises TypeError or ValueError at the call, before anything is drawn.
    """
    _checks.instance("game", game, Game, "Build one with gt.GAN(...) or gt.FunctionGame(...).")
    rule = alternating() if rule is None else rule
    takes_memory("rule", rule)
    _checks.whole("steps", steps)
    game.check_batch(_checks.whole("batch_size", batch_size, least=1))
    if schedule is not None:
        _checks.function("schedule", schedule, "(step)")
    seeds = _seeds(seed, game.lead)
    device = game.device if device is None else there(device)
    if any(p.device != device for p in (*game.g_params, *game.d_params)):
        game.to(device)
    g_lr = optim.rate("lr", lr, game.lead)
    d_lr: Any = optim.rate("tau", tau, game.lead) * g_lr
    place = float64_device(device)  # once, not at every step
    g_lr, d_lr = (r.to(place) if isinstance(r, Tensor) else r for r in (g_lr, d_lr))
    makers = optimizer if isinstance(optimizer, tuple) else (optimizer, optimizer)
    if len(makers) != 2:
        raise ValueError(f"optimizer must be one or a pair (for G, for D), got {optimizer!r}.")
    g_optim, d_optim = (optim.factory(make) for make in makers)
    optims = optim.Optimizers(g_optim(game.g_params, g_lr), d_optim(game.d_params, d_lr))
    state = State(0, game, rule, optims, Stream(game, batch_size, seeds), schedule=schedule)
    if resume is not None:
        reached = load_checkpoint(resume)["step"]
        if reached > steps:
            raise ValueError(
                f"steps={steps} is the total to reach, but {resume} is already at step {reached}."
            )
        load_checkpoint(resume, state, branch)
    elif branch is not None:
        raise ValueError(f"branch={branch!r} needs resume: the checkpoint that it leaves from.")
    return Run(updates(state, steps), steps - state.step + 1)


def observe(run: Iterator[State], fn: Callable[[State], Any], every: int = 1) -> Run:
    """The same run; ``fn(state)`` is called on every ``every``-th step as it passes."""
    _checks.whole("every", every, least=1)
    _checks.function("fn", fn, "(state)")

    def watched() -> Iterator[State]:
        for state in run:
            if state.step % every == 0:
                fn(state)
            yield state

    return Run(watched(), getattr(run, "total", 0))


def record(
    run: Iterator[State],
    every: int = 1,
    progress: bool | Callable[[State], str] = False,
    **probes: Probe,
) -> History:
    """Run to the end and keep what the probes saw on every ``every``-th step, and on the last.

    progress : show a bar; a function of the state gives the text beside it, every 20 steps.
    Without probes the two losses are recorded. A probe is a function of the state that returns an
    array; it is copied at once. Ctrl-C ends the run and keeps what was recorded
    (``history.meta["interrupted"]``). Raises TypeError for a probe that cannot be called.
    """
    _checks.whole("every", every, least=1)
    for name, probe in probes.items():
        _checks.function(f"probe {name!r}", probe, "(state)")
    bar = progress_bar(getattr(run, "total", None), "step", bool(progress), run)
    chosen = probes or LOSSES
    rows: list[tuple[int, list[np.ndarray]]] = []
    meta: dict[str, Any] = {}
    state = None
    try:
        for state in bar:
            if state.step % every == 0:
                rows.append(_looked_at(state, chosen))
            if callable(progress) and state.step % 20 == 0:
                bar.set_postfix_str(progress(state), refresh=False)
    except KeyboardInterrupt:
        meta["interrupted"] = True
    if state is None:
        return History([], {name: [] for name in chosen}, meta=meta)
    if not rows or (rows[-1][0] != state.step and "interrupted" not in meta):
        rows.append(_looked_at(state, chosen))
    if state.branches:
        meta["branches"] = state.branches
    if state.game.lead:
        meta["members"] = state.game.lead[0]
    steps, values = zip(*rows, strict=True)
    columns = zip(chosen, zip(*values, strict=True), strict=True)
    return History(steps, {name: np.stack(column) for name, column in columns}, meta=meta)


def _looked_at(state: State, probes: Mapping[str, Probe]) -> tuple[int, list[np.ndarray]]:
    """The step, and copies of what each probe saw there."""
    with state.threads():
        return state.step, [_copied(probe(state)) for probe in probes.values()]


def _copied(value: Any) -> np.ndarray:
    return np.array(value.detach().cpu().numpy() if isinstance(value, Tensor) else value)


def _seeds(seed: int | Sequence[int], lead: tuple[int, ...]) -> int | list[int]:
    if np.ndim(seed) == 0:
        number = _checks.whole("seed", seed)
        return [number] * lead[0] if lead else number
    return [_checks.whole("seed", s) for s in _checks.of_members("seed", seed, lead)]


class DivergedError(FloatingPointError):
    """A loss became NaN or infinite. ``step``, ``player`` ("g" or "d") and ``term`` say where."""

    def __init__(self, step: int, player: str, term: str, value: float, advice: str) -> None:
        self.step, self.player, self.term, self.value = step, player, term, value
        super().__init__(f"step {step}: the {_PLAYERS[player]}'s {term} is {value:g}. {advice}")


def stop_on_nan(run: Iterator[State], checkpoint: str | os.PathLike[str] | None = None) -> Run:
    """The same run, ended by ``DivergedError`` at the first loss that is NaN or infinite.

    The message names the step, the player and the term (the loss or one of the penalties). Stand it
    next to ``train``, so that no observer behind it sees or saves what is broken; ``checkpoint`` is
    the path that the message sends the reader back to, if there is such a file by then.

    On a GPU, where each look at a number waits for the whole step, the losses are read on every
    10th step and on the last only, and the message names that one. Observers see up to nine broken
    steps more: one that saves should call ``check_finite`` first.
    """

    def watched() -> Iterator[State]:
        state = None
        for state in run:
            if state.game.device.type == "cpu" or state.step % _READ_EVERY == 0:
                check_finite(state, checkpoint)
            yield state
        if state is not None:
            check_finite(state, checkpoint)

    return Run(watched(), getattr(run, "total", 0))


def check_finite(state: State, checkpoint: str | os.PathLike[str] | None = None) -> None:
    """Raises DivergedError if one of the losses that the players saw last is NaN or infinite."""
    seen = {("d", name): value for name, value in state.d_terms.items()}
    if "d_loss" in state.losses:
        seen["d", "loss"] = state.losses["d_loss"]
    if "g_loss" in state.losses:
        name = f"{state.game.loss.name} loss" if isinstance(state.game, GAN) else "loss"
        seen["g", name] = state.losses["g_loss"]
    good = [value.isfinite().all() for value in seen.values()]
    if not good or bool(torch.stack(good).all()):  # one wait for the device
        return
    advice = "Lower the learning rate or tau, or look at the penalty's weight."
    if checkpoint is not None and os.path.exists(checkpoint):
        advice = f"The last good checkpoint is {os.fspath(checkpoint)}. {advice}"
    for (player, term), value in seen.items():
        broken = value[~value.isfinite()].flatten()
        if len(broken):
            raise DivergedError(state.step, player, term, float(broken[0]), advice)

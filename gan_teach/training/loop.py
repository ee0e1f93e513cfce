"""The training loop, as a generator: the caller owns time.

``train`` checks its arguments at the call and yields a live ``State`` before the first update and
after each one. Plots, averages, checkpoints and progress bars are ordinary code around that loop.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gan_teach import _checks
from gan_teach._devices import float64_device
from gan_teach.dynamics import (
    Memory,
    UpdateRule,
    alternating,
    checked_losses,
    memory_of,
    optim,
    takes_memory,
)
from gan_teach.dynamics.streams import Stream, mix
from gan_teach.games import Game
from gan_teach.history import History
from gan_teach.models.dropout import dropouts, masks_of
from gan_teach.training.schedules import Schedule

Probe = Callable[["State"], Any]

_CONVOLUTION = nn.modules.conv._ConvNd
_SMALL_WORK = 2**26  # multiply-adds of a forward pass up to which one thread is the fastest


@dataclass
class State:
    """A run as it is now. ``losses``: what each player's last update saw ({} before the first).

    ``memory`` is what the rule carries from step to step, {} at first. ``branches``: where the run
    was resumed with other settings, as name, step and changes.
    """

    step: int
    game: Game
    rule: UpdateRule
    optims: optim.Optimizers
    stream: Stream
    losses: dict[str, Tensor] = field(default_factory=dict)
    memory: Memory = field(default_factory=dict)
    schedule: Schedule | None = None
    branches: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        # Looked up once: walking the modules at every step takes a tenth of a toy GAN's time.
        modules = self.game.modules().values()
        self._dropouts = [part for m in modules for part in dropouts(m)]
        self._convolves = any(isinstance(p, _CONVOLUTION) for m in modules for p in m.modules())
        self._rates = self.optims.g.lr, self.optims.d.lr

    @property
    def seed(self) -> int | Sequence[int]:
        return self.stream.seeds


class Run(Iterator[State]):
    """An iterator over states that knows how many there will be (for progress bars)."""

    def __init__(self, states: Iterator[State], total: int) -> None:
        self._states = states
        self.total = total

    def __next__(self) -> State:
        return next(self._states)


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
    rule : an update rule of ``gan_teach.dynamics``, or a function of your own (game, draw, optims)
        that does what they do; ``alternating()`` by default.
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
    if schedule is not None and not callable(schedule):
        raise TypeError(f"schedule must be a function of the step, got {schedule!r}.")
    seeds = _seeds(seed, game.lead)
    device = game.device if device is None else _device(device)
    if any(p.device != device for p in (*game.g_params, *game.d_params)):
        game.to(device)
    g_lr = optim.rate("lr", lr, game.lead)
    d_lr = _product(optim.rate("tau", tau, game.lead), g_lr)
    g_lr, d_lr = (_placed(rate, device) for rate in (g_lr, d_lr))  # once, not at every step
    makers = optimizer if isinstance(optimizer, tuple) else (optimizer, optimizer)
    if len(makers) != 2:
        raise ValueError(f"optimizer must be one or a pair (for G, for D), got {optimizer!r}.")
    g_optim, d_optim = (optim.factory(make) for make in makers)
    optims = optim.Optimizers(g_optim(game.g_params, g_lr), d_optim(game.d_params, d_lr))
    state = State(0, game, rule, optims, Stream(game, batch_size, seeds), schedule=schedule)
    if resume is not None:
        from gan_teach.training.checkpoints import (
            load_checkpoint,  # it needs State, so it stands above
        )

        reached = load_checkpoint(resume)["step"]
        if reached > steps:
            raise ValueError(
                f"steps={steps} is the total to reach, but {resume} is already at step {reached}."
            )
        load_checkpoint(resume, state, branch)
    elif branch is not None:
        raise ValueError(f"branch={branch!r} needs resume: the checkpoint that it leaves from.")
    return Run(_states(state, steps), steps - state.step + 1)


def _states(state: State, steps: int) -> Iterator[State]:
    yield state
    while state.step < steps:
        advance(state)
        yield state


def advance(state: State) -> State:
    """One update, in place. All that is random in it is a function of (seed, step)."""
    if state.schedule is not None:
        factor = state.schedule(state.step)
        state.optims.g.lr, state.optims.d.lr = (factor * rate for rate in state._rates)
    seeds = state.seed if isinstance(state.seed, Sequence) else [state.seed]
    masks = masks_of((mix(s, state.step) for s in seeds), state._dropouts, state.game.device)
    with _threads(state), masks, state.game.keeping_terms():
        remembered = memory_of(state.rule, state.memory)
        seen = state.rule(state.game, state.stream.at(state.step), state.optims, *remembered)
    seen = checked_losses(state.rule, seen, state.game, state.losses)
    state.losses = {**state.losses, **seen}  # a player that rested keeps its last loss
    state.step += 1
    return state


def observe(run: Iterator[State], fn: Callable[[State], Any], every: int = 1) -> Run:
    """The same run; ``fn(state)`` is called on every ``every``-th step as it passes."""
    _checks.whole("every", every, least=1)
    if not callable(fn):
        raise TypeError(f"fn must be called with a State, got {type(fn).__name__}.")

    def watched() -> Iterator[State]:
        for state in run:
            if state.step % every == 0:
                fn(state)
            yield state

    return Run(watched(), getattr(run, "total", 0))


def record(
    run: Iterator[State], every: int = 1, progress: bool = False, **probes: Probe
) -> History:
    """Run to the end and keep what the probes saw on every ``every``-th step, the first and the
    last.

    Without probes the two losses are recorded. A probe is a function of the state that returns an
    array; it is copied at once. Ctrl-C ends the run and keeps what was recorded
    (``history.meta["interrupted"]``). Raises TypeError for a probe that cannot be called.
    """
    from gan_teach.training import probes as standard

    _checks.whole("every", every, least=1)
    for name, probe in probes.items():
        if not callable(probe):
            raise TypeError(
                f"probe {name!r} must be called with a State, got {type(probe).__name__}."
            )
    chosen = probes or {"g_loss": standard.loss("g"), "d_loss": standard.loss("d")}
    steps: list[int] = []
    rows: dict[str, list[np.ndarray]] = {name: [] for name in chosen}
    meta: dict[str, Any] = {}
    state = None
    try:
        for state in _with_bar(run, progress):
            if state.step % every == 0:
                _keep(state, steps, rows, chosen)
    except KeyboardInterrupt:
        meta["interrupted"] = True
    if state is None:
        return History([], {name: [] for name in chosen}, meta=meta)
    if not steps or (steps[-1] != state.step and "interrupted" not in meta):
        _keep(state, steps, rows, chosen)
    if state.branches:
        meta["branches"] = state.branches
    if state.game.lead:
        meta["members"] = state.game.lead[0]
    length = min([len(steps), *(len(r) for r in rows.values())])  # Ctrl-C may fall between probes
    arrays = {name: np.stack(values[:length]) for name, values in rows.items()}
    return History(steps[:length], arrays, meta=meta)


def _keep(
    state: State, steps: list[int], rows: dict[str, list[np.ndarray]], probes: Mapping[str, Probe]
) -> None:
    with _threads(state):
        for name, probe in probes.items():
            value = probe(state)
            value = value.detach().cpu().numpy() if isinstance(value, Tensor) else value
            rows[name].append(np.array(value))
    steps.append(state.step)


def _with_bar(run: Iterator[State], progress: bool) -> Iterator[State]:
    if not progress:
        return run
    from tqdm.auto import tqdm

    return iter(tqdm(run, total=getattr(run, "total", None), unit="step", mininterval=0.3))


class EMA:
    """Exponential moving average of a module: w_ema <- decay w_ema + (1 - decay) w, buffers copied.

    Give ``decay`` or ``half_life`` (in steps: decay = 2^(-1/half_life)). The average is
    ``ema.module``; call the object with a state or let ``observe`` do it. A step that is shown
    again, as the first of a resumed run is, counts once. Several may watch one run (Yazici et al.,
    2019). Raises ValueError unless exactly one of the two is given.
    """

    def __init__(
        self, module: nn.Module, *, half_life: float | None = None, decay: float | None = None
    ) -> None:
        if (half_life is None) == (decay is None):
            raise ValueError("give either half_life (in steps) or decay, one of the two.")
        if half_life is not None:
            decay = 2.0 ** (-1.0 / _checks.real("half_life", half_life, above=0.0))
        self.decay = _checks.real("decay", decay, least=0.0, most=1.0)
        self._source = _checks.instance("module", module, nn.Module)
        self.module = _copy_of(module)
        self._last: int | None = None

    @torch.no_grad()
    def __call__(self, state: State | None = None) -> None:
        if state is not None:
            if state.step == self._last:
                return
            self._last = state.step
        for mean, now in zip(self.module.parameters(), self._source.parameters(), strict=True):
            mean.lerp_(now, 1 - self.decay)
        for mean, now in zip(self.module.buffers(), self._source.buffers(), strict=True):
            mean.copy_(now)

    def state_dict(self) -> dict[str, Any]:
        return {"decay": self.decay, "last": self._last, "module": self.module.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.decay, self._last = state["decay"], state["last"]
        self.module.load_state_dict(state["module"])


def _copy_of(module: nn.Module) -> nn.Module:
    import copy

    return copy.deepcopy(module).requires_grad_(False)


def _seeds(seed: int | Sequence[int], lead: tuple[int, ...]) -> int | list[int]:
    if isinstance(seed, (Sequence, np.ndarray)) and not isinstance(seed, str):
        seeds = [_checks.whole("seed", s) for s in seed]
        if lead != (len(seeds),):
            size = f"an ensemble of {lead[0]}" if lead else "a single game"
            raise ValueError(f"seed has {len(seeds)} entries, but this is {size}.")
        return seeds
    number = _checks.whole("seed", seed)
    return [number] * lead[0] if lead else number


def _device(device: str | torch.device) -> torch.device:
    try:
        chosen = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"device must be 'cpu', 'cuda' or the like, got {device!r}.") from error
    if chosen.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            f"device={str(device)!r} was asked for, but no GPU is available here: use 'cpu'."
        )
    try:
        return torch.empty(0, device=chosen).device  # with its index: "cuda" means the current one
    except (RuntimeError, AssertionError) as error:  # torch asserts that it was built for it
        raise ValueError(
            f"device={str(device)!r} was asked for, but is not there: {error}"
        ) from error


def _placed(rate: float | Tensor, device: torch.device) -> float | Tensor:
    return rate.to(float64_device(device)) if isinstance(rate, Tensor) else rate


def _product(tau: float | Tensor, lr: float | Tensor) -> float | Tensor:
    return tau * lr


@contextmanager
def _threads(state: State) -> Iterator[None]:
    """One thread for toy networks, which a second one slows down several times.

    Set around each step, not around the run: runs may be interleaved, or left half way.
    """
    before = torch.get_num_threads()
    if before == 1 or state._convolves:  # a convolution uses each weight at many places
        yield
        return
    params = sum(p.numel() for p in (*state.optims.g.params, *state.optims.d.params))
    small = state.game.device.type == "cpu" and params * state.stream.batch_size < _SMALL_WORK
    if small:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        if small:
            torch.set_num_threads(before)

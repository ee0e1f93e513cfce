"""The lab without a screen: a run that can be steered, rewound and branched.

All randomness of an update is a function of (seed, step), so a run is determined by its first
settings and by the changes made on the way. A session therefore keeps three things: the *plan*
(which knobs change at which step), *snapshots* of the whole state every few steps, and *records* of
what the pictures show. Going back restores a snapshot and repeats the updates from there; nothing
is lost by it, since going forward again repeats the same future until a knob is turned.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import torch

from gan_teach import _checks
from gan_teach._devices import one_thread
from gan_teach.dynamics import optim
from gan_teach.games import GAN
from gan_teach.games.base import flatten
from gan_teach.history import History
from gan_teach.lab.config import KNOBS, MAX_STEPS, OPTIMIZERS, Config, Replay, named
from gan_teach.lab.frame import FRAMES, Frame, alike, page, recorded, unwatched
from gan_teach.lab.line import DiracWorld, LineWorld
from gan_teach.lab.networks import ImageWorld, PlaneWorld
from gan_teach.lab.world import Row, Scores, World, dress, newest, update_rule
from gan_teach.training import State, train

RECORDS = 512  # rows of the history: as many as a chart has room for
SNAPSHOTS, SNAPSHOT_EVERY = 64, 8
WORLDS: dict[str, Callable[[Config], World]] = {
    "line": LineWorld,
    "plane": PlaneWorld,
    "dirac": DiracWorld,
    "images": ImageWorld,
}
Plan = Mapping[int, Mapping[str, Any]]  # what changes at which step
Snapshot = tuple[State, Config]
T = TypeVar("T")
P = ParamSpec("P")
_LOCK = threading.RLock()


def alone(act: Callable[P, T]) -> Callable[P, T]:
    """``act``, but one thread at a time is within all that is so marked.

    A notebook answers its widgets partly in the thread of the cells, partly in another one, and an
    update sets parameters constant for a moment, which a second thread must not meet.
    """

    @wraps(act)
    def locked(*args: P.args, **kwargs: P.kwargs) -> T:
        with _LOCK:
            return act(*args, **kwargs)

    return locked


# -- a bounded memory of a run of any length ------------------------------------------------------


def keep(
    items: dict[int, T], step: int, make: Callable[[], T], reached: int, most: int, every: int
) -> None:
    """Keep what ``make`` makes of ``step``, if that is a multiple of ``every``, doubled until at
    most ``most`` of its multiples lie in 0 ... ``reached``. When there are more items, those at
    multiples stay."""
    while reached // every >= most:
        every *= 2
    if step % every == 0 and step not in items:
        items[step] = make()
        if len(items) > most:
            for other in [other for other in items if other % every]:
                del items[other]


def up_to(items: Mapping[int, T], step: int) -> dict[int, T]:
    """The items of the steps up to ``step``."""
    return {s: item for s, item in items.items() if s <= step}


def copied(state: State) -> State:
    """All that decides the future, in memory of its own; data, which stay as they are, are
    shared."""
    game: Any = state.game
    return copy.deepcopy(state, {id(part): part for part in (game.data, game.latent)})


class Session:
    """A live run of a preset, of settings, or of what a replay string describes.

    ``tick(k)`` makes k updates and returns the picture, ``set(**knobs)`` turns knobs from the next
    update on, ``rewind(step)`` goes to any step that was reached, ``branch()`` makes a second
    session that shares the past. ``replay`` is the run up to here as a short string;
    ``Session(string)`` repeats it to the last bit. To be read, not to be changed, are ``start`` and
    ``config`` (the first and the present settings), ``state`` (the training state that the next
    update moves), its ``game``, ``reached`` (the furthest known step of the present plan: rewind
    goes up to it), ``hidden`` (names of layers and titles of charts that are not shown until they
    are asked for) and ``tick_seconds`` (of updates between two pictures, at most).
    """

    game: GAN

    def __init__(self, config: str | Config | Replay | None = None, **knobs: Any) -> None:
        replay = Replay.of(config, **knobs)
        self._begin(replay.start, replay.changes)
        self._go_to(replay.steps)

    def _begin(self, start: Config, plan: Plan) -> None:
        self.start, self._plan, self.reached = start, plan, 0
        self._world = WORLDS[start.world](start)
        self.game, self.hidden = self._world.game, self._world.hidden
        self.tick_seconds = self._world.tick_seconds
        self.state = next(train(self.game, steps=0, seed=start.seed, batch_size=start.batch))
        self.config = Config()  # of plain SGD, as that state
        self._steer(start)
        self._snapshots: dict[int, Snapshot] = {}
        self._records: dict[int, Row] = {}
        self._remember()

    def _steer(self, config: Config) -> None:
        """Make ``config`` hold from the next update on."""
        state, game = self.state, dress(self.game, config)
        state.stream.batch_size = config.batch
        state.stream.forget()  # noise and penalties shape what is drawn
        rule = update_rule(config, game)
        if type(rule) is not type(state.rule):
            state.memory = {}  # another rule starts without one
        state.rule = rule
        if config.optimizer != self.config.optimizer:  # and so does another optimizer
            make = OPTIMIZERS[config.optimizer]
            state.optims = optim.Optimizers(make(game.g_params, 0.0), make(game.d_params, 0.0))
        state.optims.g.lr, state.optims.d.lr = config.lr, config.tau * config.lr
        self.config = config

    # -- where the run stands

    @property
    def step(self) -> int:
        """Number of updates made so far."""
        return self.state.step

    @property
    def since(self) -> int:
        """The step from which the present settings hold."""
        return max((step for step in self._plan if step <= self.step), default=0)

    @property
    @alone
    def replay(self) -> str:
        """The run up to here as a string."""
        return str(Replay(self.start, up_to(self._plan, self.step), self.step))

    @property
    @alone
    def scores(self) -> Scores:
        """How near to the data the fakes shown now are, each score with the band of real ones."""
        return self._world.scores(newest(self._rows()))

    @property
    def frame(self) -> Frame:
        """The picture of the run as it stands."""
        return self.picture(self.hidden)

    @alone
    def picture(self, hidden: Collection[str] = (), fresh: bool = False) -> Frame:
        """The same without the layers and charts named in ``hidden``; ``fresh`` shows parameters
        that were moved in the middle of an update."""
        with one_thread():
            return self._world.frame(self._rows(fresh), self.config, hidden)

    @alone
    def morph(self, share: float) -> Frame:
        """The picture with latents that have gone ``share``, 0 to 1, of the way to their samples.

        On straight lines, which only join the two pictures: G leads there at once. ValueError for
        a game without latents in the plane, or another share.
        """
        share = _checks.real("share", share, least=0.0, most=1.0)
        with one_thread():
            layers = self._world.on_the_way(share)
        story = f"latents and their lattice {share:.0%} of the way from z to G(z)"
        told = f"Round {self.step}: {story}."
        return self.frame._replace(layers=layers, title=story, narration=told, note="")

    @property
    @alone
    def history(self) -> History:
        """What was recorded up to here, at most a few hundred evenly spaced steps and the last.

        It has the keys that ``experiments.run`` records, so every plot of the course draws it.
        """
        history = self._world.history(self._rows())
        return history.describe(meta={**asdict(self.config), "replay": self.replay})

    def to_html(self, frames: int = FRAMES, watch: Any = unwatched) -> str:
        """The run up to here as a page that plays it: one file, which needs no kernel and asks for
        nothing. It repeats the run, and keeps at most ``frames`` pictures and the last one.
        ``watch=tqdm`` shows how far it is.
        """
        frames = _checks.whole("frames", frames, least=1)
        return page(recorded(self, self.step, frames, watch))

    def _rows(self, fresh: bool = False) -> dict[int, Row]:
        rows = up_to(self._records, self.step)
        if fresh or self.step not in rows:
            rows[self.step] = self._measured()
        return rows

    # -- going on

    @alone
    def tick(self, k: int = 1) -> Frame:
        """Make ``k`` updates and return the picture after the last one."""
        self.go(k)
        return self.frame

    @alone
    def go(self, k: int = 1) -> None:
        """Make ``k`` updates without looking."""
        step = self.step + _checks.whole("k", k)
        if step > MAX_STEPS:
            raise ValueError(f"a run in the lab ends at round {MAX_STEPS}: reset or rewind it.")
        self._go_to(step)

    @alone
    def step_of(self, player: str) -> Frame:
        """One update of one player alone, "d" or "g"."""
        usual = self.config.turn
        self.set(turn=player)
        frame = self.tick()
        self.set(turn=usual)
        return frame

    @alone
    def set(self, **knobs: Any) -> str:
        """Turn knobs; returns a sentence that says what follows from it.

        Numbers and names act from the next update on; the seed starts the run anew. Whatever was
        planned for later steps is dropped. Raises TypeError or ValueError, and then nothing
        changes.
        """
        config = self.config.changed(**knobs)
        changes = config.differences(self.config)
        if not changes:
            return "Nothing changed."
        if any(not KNOBS[name].live for name in changes):
            self._begin(config, {})
            return f"Started anew with {named(changes)}."
        self._plan_here(config)
        self._steer(config)
        return f"From round {self.step + 1} on: {named(changes)}."

    def _plan_here(self, config: Config) -> None:
        """Enter the change into the plan, which ends here; forget what came after."""
        plan, before = up_to(self._plan, self.step - 1), self.start
        for knobs in plan.values():
            before = before.changed(**knobs)
        changes = config.differences(before)
        if changes:
            plan[self.step] = changes
        Replay(self.start, plan, self.step)  # raises when there are too many
        self._end_here(plan)

    def _end_here(self, plan: Plan) -> None:
        """Follow ``plan`` up to the present step; nothing is known of what comes after it."""
        self._plan, self.reached = up_to(plan, self.step), self.step
        self._records = up_to(self._records, self.step)
        self._snapshots = up_to(self._snapshots, self.step)

    # -- going back

    @alone
    def rewind(self, step: int) -> Frame:
        """Go to ``step``, before or after the present one, up to the furthest reached.

        Going on from there repeats the same updates, changes included, until a knob is turned.
        """
        step = _checks.whole("round", step)
        _checks.real("round", step, most=self.reached, hint="This run has come no farther.")
        self._go_to(step)
        return self.frame

    @alone
    def reset(self) -> Frame:
        """The start again, with the settings that hold now and no changes planned."""
        self._begin(self.config, {})
        return self.frame

    @alone
    def branch(self) -> Session:
        """A second session at the same step, with the same past and a future of its own."""
        other = copy.copy(self)
        other._world = copy.copy(self._world)
        other._restore(self._snapshot())
        other._end_here(self._plan)
        return other

    def at(self, steps: Iterable[int]) -> Iterator[Session]:
        """A branch of the run as it stands at each of these steps, behind or ahead.

        So one can look at each moment of the past, and at quantities that nobody recorded.
        """
        branch = self.branch()
        for step in steps:
            branch._go_to(step)
            yield branch

    # -- how

    def _go_to(self, step: int) -> None:
        nearest = max(up_to(self._snapshots, step))
        if not nearest <= self.step <= step:
            self._restore(self._snapshots[nearest])
        while self.step < step:
            self._follow_plan()
            before = self.step
            try:
                self._world.advance(self.state)
            except KeyboardInterrupt:  # the run is taken back to before this update
                self._restore(self._snapshots[max(up_to(self._snapshots, before))])
                self._go_to(before)
                raise
            self.reached = max(self.reached, self.step)
            self._remember()
        self._follow_plan()  # what was turned here holds from the next update on

    def _follow_plan(self) -> None:
        knobs = self._plan.get(self.step)
        if knobs and knobs.items() - vars(self.config).items():
            self._steer(self.config.changed(**knobs))

    def _remember(self) -> None:
        """Keep what is shown of this step, and all that repeats it, at evenly spaced steps."""
        step, reached = self.step, self.reached
        keep(self._records, step, self._measured, reached, RECORDS, self._world.every)
        keep(self._snapshots, step, self._snapshot, reached, SNAPSHOTS, SNAPSHOT_EVERY)

    def _measured(self) -> Row:
        with one_thread():
            return self._world.measure(self.state, self.config)

    def _snapshot(self) -> Snapshot:
        return copied(self.state), self.config

    def _restore(self, snapshot: Snapshot) -> None:
        state, self.config = snapshot
        self.state = copied(state)
        game: Any = self.state.game
        self.game = self._world.game = game


class Twin:
    """``first`` is a run, ``second`` a branch of it with one knob turned, from the same step on.

    Both draw the same random numbers, so whatever differs is the knob's doing. ``parted`` is the
    first step at which any parameter differs by more than ``tolerance`` (in the parameters' own
    units), None until then. Raises ValueError unless exactly one knob is given, with another value
    than the run's, that can be turned during a run.
    """

    def __init__(self, first: Session, *, tolerance: float = 1e-3, **knob: Any) -> None:
        if len(knob) != 1:
            raise ValueError(f"twins differ in exactly one knob, got {', '.join(knob) or 'none'}.")
        (self.knob,) = knob
        _checks.choice("knob", self.knob, [name for name, spec in KNOBS.items() if spec.live])
        self.first, self.second, self.tolerance = first, first.branch(), tolerance
        self.second.set(**knob)
        if first.config == self.second.config:
            raise ValueError(f"{self.knob} is {getattr(first.config, self.knob)} in both runs.")
        self.parted: int | None = None

    @property
    def distance(self) -> float:
        """The largest difference of a parameter, inf where only one of the runs is finite."""
        gap = (flatten(self.first.game) - flatten(self.second.game)).abs().max()
        return float(torch.nan_to_num(gap, nan=float("inf")))

    @property
    def frames(self) -> tuple[Frame, Frame]:
        """The pictures of both, with the same axes; what differs is their title."""
        titled = []
        for run in (self.first, self.second):
            frame, title = run.frame, named({self.knob: getattr(run.config, self.knob)})
            titled.append(frame._replace(title=title, narration=f"{title}. {frame.narration}"))
        return alike(*titled)

    @alone
    def tick(self, k: int = 1) -> tuple[Frame, Frame]:
        """``k`` updates of both, and their pictures."""
        for _ in range(_checks.whole("k", k)):
            self.first.go()
            self.second.go()
            if self.parted is None and self.distance > self.tolerance:
                self.parted = self.first.step
        return self.frames

    def __str__(self) -> str:
        one, other = (getattr(s.config, self.knob) for s in (self.first, self.second))
        names = f"{KNOBS[self.knob].label} {one} and {other}"
        if self.parted is None:
            return f"{names}: no parameter differs by more than {self.tolerance:g} yet."
        return f"{names}: apart by more than {self.tolerance:g} from round {self.parted} on."

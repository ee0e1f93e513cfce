"""The lab without a screen: a run that can be steered, rewound and branched.

All randomness of an update is a function of (seed, step), so a run is determined by its first
settings and by the changes made on the way. A session therefore keeps three things: the *plan*
(which knobs change at which step), *snapshots* of the whole state every few steps, and *records* of
what the pictures show. Going back restores a snapshot and repeats the updates from there; nothing
is lost by it, since going forward again repeats the same future until a knob is turned.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor

from gan_teach import _checks
from gan_teach.history import History
from gan_teach.lab.config import Config, facts
from gan_teach.lab.frame import Frame
from gan_teach.lab.knobs import KNOBS
from gan_teach.lab.replay import MAX_STEPS, Replay, resolve
from gan_teach.lab.steering import begin, steer
from gan_teach.lab.thinned import Thinned
from gan_teach.lab.worlds import world_of
from gan_teach.models.threads import one_thread
from gan_teach.training import State, advance

RECORDS = 512  # rows of the history: as many as a chart has room for
SNAPSHOTS = 64


class Session:
    """A live run of a preset, of settings, or of what a replay string describes.

    ``tick(k)`` makes k updates and returns the picture, ``set(**knobs)`` turns knobs from the next
    update on, ``rewind(step)`` goes to any step that was reached, ``branch()`` makes a second
    session that shares the past. ``replay`` is the run up to here as a short string;
    ``Session(string)`` repeats it to the last bit.
    """

    def __init__(self, config: str | Config | Replay | None = None, **knobs: Any) -> None:
        replay = resolve(config, **knobs)
        self._begin(replay.start, {s: dict(c) for s, c in replay.changes.items()})
        self._go_to(replay.steps)

    def _begin(self, start: Config, plan: dict[int, dict[str, Any]]) -> None:
        self.start, self.config, self._plan = start, start, plan
        self._world = world_of(start)
        self._state = begin(self._world.game, start)
        self._reached = 0
        self._seen: dict[str, float] = {"d_loss": np.nan, "g_loss": np.nan}
        self._snapshots: Thinned[dict[str, Any]] = Thinned(SNAPSHOTS, every=8)
        self._records: Thinned[dict[str, Any]] = Thinned(RECORDS, self._world.every)
        self._remember()

    # -- where the run stands

    @property
    def step(self) -> int:
        """Number of updates made so far."""
        return self._state.step

    @property
    def reached(self) -> int:
        """The furthest step of the present plan that is known already; rewind goes up to it."""
        return self._reached

    @property
    def since(self) -> int:
        """The step from which the present settings hold."""
        return max((step for step in self._plan if step <= self.step), default=0)

    @property
    def state(self) -> State:
        """The training state that the next update moves: to be read, not to be changed."""
        return self._state

    @property
    def replay(self) -> str:
        """The run up to here as a string."""
        return str(self.as_replay)

    @property
    def as_replay(self) -> Replay:
        """The same as data."""
        past = {step: knobs for step, knobs in sorted(self._plan.items()) if step <= self.step}
        return Replay(self.start, past, self.step)

    @property
    def frame(self) -> Frame:
        """The picture of the run as it stands."""
        return self.picture(self.hidden)

    @property
    def hidden(self) -> frozenset[str]:
        """Names of layers and titles of charts that are not shown until they are asked for."""
        return self._world.hidden

    def picture(self, hidden: Collection[str] = ()) -> Frame:
        """The same without the layers and charts named in ``hidden``."""
        return self._drawn(self._rows(), hidden)

    def morph(self, share: float) -> Frame:
        """The picture with latents that have gone ``share``, 0 to 1, of the way to their samples.

        On straight lines, which only join the two pictures: G leads there at once. ValueError for
        a game without latents in the plane, or another share.
        """
        share = _checks.real("share", share, least=0.0, most=1.0)
        with one_thread():
            layers = self._world.on_the_way(share)
        story = f"latents and their lattice {share:.0%} of the way from z to G(z)"
        said = f"{self._world.name(self.step)}: {story}."
        return replace(self.frame, layers=layers, title=story, narration=said, note="")

    def glance(self) -> Frame:
        """The picture of the parameters as they are, even in the middle of an update."""
        return self._drawn({**self._rows(), self.step: self._measured()}, self.hidden)

    def _drawn(self, rows: dict[int, dict[str, Any]], hidden: Collection[str]) -> Frame:
        with one_thread():
            frame = self._world.frame(self._state, rows, self.config, hidden)
        layers = {name: layer for name, layer in frame.layers.items() if name not in hidden}
        charts = tuple(chart for chart in frame.charts if chart.title not in hidden)
        disc = None if frame.disc is None or frame.disc.title in hidden else frame.disc
        return replace(frame, layers=layers, charts=charts, disc=disc)

    @property
    def history(self) -> History:
        """What was recorded up to here, at most a few hundred evenly spaced steps and the last.

        It has the keys that ``experiments.run`` records, so every plot of the course draws it.
        """
        rows = self._rows()
        history = self._world.history(rows)
        return history.describe(meta={**facts(self.config), "replay": self.replay})

    def _rows(self) -> dict[int, dict[str, Any]]:
        rows = self._records.until(self.step)
        if self.step not in rows:
            rows[self.step] = self._measured()
        return rows

    # -- going on

    def tick(self, k: int = 1) -> Frame:
        """Make ``k`` updates and return the picture after the last one."""
        self.go(k)
        return self.frame

    def go(self, k: int = 1) -> None:
        """Make ``k`` updates without looking."""
        step = self.step + _checks.whole("k", k)
        if step > MAX_STEPS:
            raise ValueError(f"a run in the lab ends at step {MAX_STEPS}: reset or rewind it.")
        self._go_to(step)

    def step_d(self) -> Frame:
        """One update of D alone."""
        return self._alone("d")

    def step_g(self) -> Frame:
        """One update of G alone."""
        return self._alone("g")

    def _alone(self, player: str) -> Frame:
        usual = self.config.turn
        self.set(turn=player)
        frame = self.tick()
        self.set(turn=usual)
        return frame

    def set(self, **knobs: Any) -> str:
        """Turn knobs; returns a sentence that says what follows from it.

        Numbers and names act from the next update on; the seed starts the run anew. Whatever was
        planned for later steps is dropped. Raises TypeError or ValueError, and then nothing
        changes.
        """
        wanted = self.config.changed(**knobs)
        changes = wanted.differences(self.config)
        if not changes:
            return "Nothing changed."
        if any(not KNOBS[name].live for name in changes):
            self._begin(wanted, {})
            return f"Started anew with {_named(changes)}."
        self._plan_here(wanted)
        self.config = wanted
        steer(self._state, wanted)
        return f"From {self._world.unit} {self.step + 1} on: {_named(changes)}."

    def _plan_here(self, wanted: Config) -> None:
        """Enter the change into the plan, which ends here; forget what came after."""
        before = self.start
        for step, knobs in sorted(self._plan.items()):
            before = before.changed(**knobs) if step < self.step else before
        plan = {step: knobs for step, knobs in self._plan.items() if step < self.step}
        changes = wanted.differences(before)
        if changes:
            plan[self.step] = changes
        Replay(self.start, dict(sorted(plan.items())), self.step)  # raises when there are too many
        self._plan, self._reached = plan, self.step
        self._records.forget_after(self.step)
        self._snapshots.forget_after(self.step)

    # -- going back

    def rewind(self, step: int) -> Frame:
        """Go to ``step``, before or after the present one, up to the furthest reached.

        Going on from there repeats the same updates, changes included, until a knob is turned.
        """
        step = _checks.whole("step", step)
        if step > self.reached:
            raise ValueError(
                f"step must be at most {self.reached}, as far as this run has come, got {step}."
            )
        self._go_to(step)
        return self.frame

    def reset(self) -> Frame:
        """The start again, with the settings that hold now and no changes planned."""
        self._begin(self.config, {})
        return self.frame

    def branch(self) -> Session:
        """A second session at the same step, with the same past and a future of its own."""
        other = copy.copy(self)
        other._plan = {s: dict(c) for s, c in self._plan.items() if s <= self.step}
        other._reached = self.step
        other._world = world_of(self.start)
        other._state = begin(other._world.game, self.start)
        other._records = self._records.copy()
        other._snapshots = self._snapshots.copy()
        for kept in (other._records, other._snapshots):
            kept.forget_after(self.step)
        other._restore(self._snapshot())
        return other

    def again(self, rounds: int, every: int = 1) -> Iterator[Session]:
        """A branch that repeats the last ``rounds`` updates, as it stands every so often.

        So one can look at each moment of the past, and at quantities that nobody recorded. The
        first and the last moment are always among them.
        """
        rounds = min(_checks.whole("rounds", rounds), self.step)
        every = _checks.whole("every", every, least=1)
        past = self.branch()
        for step in range(self.step - rounds, self.step, every):
            past._go_to(step)
            yield past
        past._go_to(self.step)
        yield past

    # -- how

    def _go_to(self, step: int) -> None:
        nearest = self._snapshots.before(step)
        if not nearest <= self.step <= step:
            self._restore(self._snapshots[nearest])
        while self.step < step:
            self._follow_plan()
            self._update()
        self._follow_plan()  # what was turned here holds from the next update on

    def _follow_plan(self) -> None:
        planned = self._plan.get(self.step)
        if planned and planned.items() - vars(self.config).items():
            self.config = self.config.changed(**planned)
            steer(self._state, self.config)

    def _update(self) -> None:
        advance(self._state)
        self._reached = max(self._reached, self.step)
        for name, value in self._state.losses.items():
            self._seen[name] = value.item()  # a player that rests keeps the loss it saw last
        self._remember()

    def _remember(self) -> None:
        if self._records.wants(self.step):
            self._records[self.step] = self._measured()
        if self._snapshots.wants(self.step):
            self._snapshots[self.step] = self._snapshot()

    def _measured(self) -> dict[str, Any]:
        with one_thread():
            return {**self._seen, **self._world.measure(self._state, self.config)}

    def _snapshot(self) -> dict[str, Any]:
        state = self._state
        tensors = {
            "params": [*state.game.g_params, *state.game.d_params],
            "optims": state.optims.state_dict(),
            "grads": (state.optims.g_grads, state.optims.d_grads),
            "memory": state.memory,
        }
        kept = _copied(tensors)
        kept["losses"] = dict(state.losses)  # never changed in place
        return {**kept, "step": state.step, "config": self.config, "seen": dict(self._seen)}

    def _restore(self, snapshot: Mapping[str, Any]) -> None:
        state, kept = self._state, _copied(dict(snapshot))
        self.config, self._seen = kept["config"], kept["seen"]
        steer(state, self.config)  # optimizers of the right kind first, then what they held
        own = (*state.game.g_params, *state.game.d_params)
        for p, value in zip(own, kept["params"], strict=True):
            p.data.copy_(value)
        state.optims.load_state_dict(kept["optims"])
        state.optims.g_grads, state.optims.d_grads = kept["grads"]
        state.memory, state.losses = kept["memory"], kept["losses"]
        state.step = kept["step"]


def _copied(kept: Any) -> Any:
    """The same of own memory. It knows what a state is made of, so it is faster than deepcopy."""
    if isinstance(kept, Tensor):
        return kept.detach().clone()
    if isinstance(kept, dict):
        return {key: _copied(value) for key, value in kept.items()}
    if isinstance(kept, (list, tuple)):
        return type(kept)(map(_copied, kept))
    return copy.copy(kept)


def _named(changes: Mapping[str, Any]) -> str:
    return ", ".join(f"{KNOBS[k].label} {KNOBS[k].shown(v)}" for k, v in changes.items())

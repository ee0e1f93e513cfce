"""One update in slow motion: what is drawn, what each player sees, and how it moves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from gan_teach.dynamics import alternating, memory_of
from gan_teach.dynamics.affine import AffineAlternating
from gan_teach.dynamics.optim import Optimizers
from gan_teach.dynamics.streams import Draw
from gan_teach.games import Batch
from gan_teach.lab.frame import Frame
from gan_teach.lab.session import Session
from gan_teach.lab.world import REDRAW

NAMES = {"d": "D", "g": "G"}


class Scene(NamedTuple):
    """A moment within an update: a title, a caption with its numbers, and the picture."""

    title: str
    caption: str
    frame: Frame


def slow_motion(session: Session) -> list[Scene]:
    """The next update of ``session`` in captioned scenes; the session itself stays where it is.

    The numbers are those of the update that ``session.tick()`` makes. Of many steps of one player
    the first is told in full and the others in one scene.
    """
    stage = session.branch()
    state, story = stage.state, _Story(stage)
    rule = state.rule
    if isinstance(rule, AffineAlternating):  # the same update in steps that can be watched
        rule = alternating(rule.d_steps, rule.g_steps, redraw=REDRAW["line"])
    draw = _WatchedDraw(state.stream.at(state.step), story)
    rule(state.game, draw, _Watched(story), *memory_of(rule, state.memory))
    return story.end()


class _WatchedDraw:
    """The draws of an update; the story hears of each."""

    def __init__(self, draw: Draw, story: _Story) -> None:
        self._draw, self._story, self.step = draw, story, draw.step

    def __call__(self, player: str = "d", i: int = 0) -> Batch:
        batch = self._draw(player, i)
        self._story.draw(player, batch)
        return batch


class _Watched(Optimizers):
    """The optimizers of a run; the story hears of each step before and after it."""

    def __init__(self, story: _Story) -> None:
        optims = story.stage.state.optims
        super().__init__(optims.g, optims.d)
        self._story = story

    def step_d(self, grads: Sequence[Tensor], active: Tensor | None = None) -> None:
        self._story.step("d", grads, lambda: super(_Watched, self).step_d(grads, active))

    def step_g(self, grads: Sequence[Tensor], active: Tensor | None = None) -> None:
        self._story.step("g", grads, lambda: super(_Watched, self).step_g(grads, active))


class _Story:
    """Makes scenes of what happens in an update."""

    def __init__(self, stage: Session) -> None:
        self.stage, self.game = stage, stage.game
        self.scenes: list[Scene] = []
        self._batch: dict[str, Batch] = {}
        self._steps = {"d": 0, "g": 0}
        self._rest = ""  # what is yet to be said of the later steps of one player

    def draw(self, player: str, batch: Batch) -> None:
        shared = self._batch.get("d")
        if player == "g" and shared is not None and self.stage.config.world == "line":
            batch = replace(shared, latent=batch.latent)  # the round keeps its real points
        first = player not in self._batch
        self._batch[player] = batch
        if first and player == "d":
            n, real, fake = len(batch.real), _mean(batch.real), self._mean_fake(batch)
            self._tell("Draw", f"{n} real points and as many latents z; G makes {n} fakes of them. "
                       f"Their means are {real} (real) and {fake} (fake).")  # fmt: skip

    def step(self, player: str, grads: Sequence[Tensor], move: Callable[[], None]) -> None:
        name, batch = NAMES[player], self._batch[player if player in self._batch else "d"]
        own = self.game.d_params if player == "d" else self.game.g_params
        before, place = self._loss(player, batch), [p.detach().clone() for p in own]
        self._steps[player] += 1
        first = self._steps[player] == 1
        if first:
            self._flush()
            self._tell(f"{name}'s loss", self._opinion(player, batch, before))
            self._tell(f"{name}'s gradient", f"With respect to {name}'s parameters this loss has a "
                       f"gradient of length {_length(grads):.3g}.")  # fmt: skip
        move()
        way = _length([p.detach() - q for p, q in zip(own, place, strict=True)])
        after, mean = self._loss(player, batch), ""
        if player == "g":
            seen = self._batch["d" if "d" in self._batch else "g"]
            mean = f" The mean of the fakes is {self._mean_fake(seen)}."
        if first:
            self._tell(f"{name} moves", f"It goes {way:.3g} against it. On the same points its "
                       f"loss is now {after:.4f}, it was {before:.4f}.{mean}")  # fmt: skip
            return
        count = self._steps[player] - 1
        times = "once more" if count == 1 else f"{count} times more"
        self._rest = f"{name} does so {times}. Its loss is then {after:.4f}.{mean}"

    def end(self) -> list[Scene]:
        self._flush()
        return self.scenes

    # -- sentences

    def _flush(self) -> None:
        if self._rest:
            self._tell("And again", self._rest)
        self._rest = ""

    def _tell(self, title: str, caption: str) -> None:
        self.scenes.append(Scene(title, caption, self.stage.picture(self.stage.hidden, fresh=True)))

    def _opinion(self, player: str, batch: Batch, loss: float) -> str:
        with torch.no_grad():
            real, fake = (torch.sigmoid(x).mean().item() for x in self.game.logits(batch))
        seen = f"On average D says {real:.3f} of the real points and {fake:.3f} of the fakes"
        return f"{seen}: the loss of {NAMES[player]}, {self.game.loss.name}, is {loss:.4f}."

    def _mean_fake(self, batch: Batch) -> str:
        with torch.no_grad():
            return _mean(self.game.generate(batch.latent))

    def _loss(self, player: str, batch: Batch) -> float:
        losses = self.game.losses(batch)
        return float((losses.d if player == "d" else losses.g).detach())


def _mean(points: Tensor) -> str:
    return ", ".join(f"{v:.2f}" for v in points.mean(0).tolist())


def _length(parts: Sequence[Tensor]) -> float:
    return float(torch.cat([part.detach().double().flatten() for part in parts]).norm())

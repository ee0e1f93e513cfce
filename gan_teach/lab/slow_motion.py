"""One update in slow motion: what is drawn, what each player sees, and how it moves."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from gan_teach.dynamics import memory_of
from gan_teach.dynamics.optim import Optimizers
from gan_teach.dynamics.streams import Draw
from gan_teach.games import Batch
from gan_teach.lab.frame import Frame
from gan_teach.lab.session import Session
from gan_teach.lab.world import update_rule


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
    story = _Story(session.branch())
    state = story.stage.state
    rule = update_rule(session.config)  # in steps that can be watched
    draw = _WatchedDraw(state.stream, state.step)
    draw.story = story
    rule(state.game, draw, story, *memory_of(rule, state.memory))
    return story.scenes


class _Story(Optimizers):
    """The optimizers of a run, which make scenes of the steps that they are asked for."""

    def __init__(self, stage: Session) -> None:
        super().__init__(stage.state.optims.g, stage.state.optims.d)
        self.stage, self.game = stage, stage.game
        self.scenes: list[Scene] = []
        self._batch: dict[str, Batch] = {}
        self._steps = {"D": 0, "G": 0}

    def draw(self, player: str, batch: Batch) -> None:
        if player == "d" and "D" not in self._batch:
            n, real, fake = len(batch.real), _mean(batch.real), self._mean_fake(batch)
            self._tell("Draw", f"{n} real points and as many latents z; G makes {n} fakes of them. "
                       f"Their means are {real} (real) and {fake} (fake).")  # fmt: skip
        if player == "g" and "D" in self._batch and self.stage.config.world == "line":
            batch = self._batch["D"]._replace(latent=batch.latent)  # a round keeps its real points
        self._batch[player.upper()] = batch

    def move(self, player: str, grads: Sequence[Tensor], active: Tensor | None) -> None:
        """One step of a player; the first is told in full, the others in one scene."""
        name = player.upper()
        batch = self._batch[name if name in self._batch else "D"]
        own = self.game.d_params if name == "D" else self.game.g_params
        before, place = self._loss(name, batch), [p.detach().clone() for p in own]
        times = self._steps[name] = self._steps[name] + 1
        if times == 1:
            self._tell(f"{name}'s loss", self._opinion(name, batch, before))
            self._tell(f"{name}'s gradient", f"With respect to {name}'s parameters this loss has a "
                       f"gradient of length {_length(grads):.3g}.")  # fmt: skip
        super().move(player, grads, active)
        way = _length([p.detach() - q for p, q in zip(own, place, strict=True)])
        after, mean = self._loss(name, batch), ""
        if name == "G":
            mean = f" The mean of the fakes is {self._mean_fake(self._batch.get('D', batch))}."
        if times == 1:
            self._tell(f"{name} moves", f"It goes {way:.3g} against it. On the same points its "
                       f"loss is now {after:.4f}, it was {before:.4f}.{mean}")  # fmt: skip
            return
        if times > 2:
            self.scenes.pop()
        often = "once more" if times == 2 else f"{times - 1} times more"
        self._tell("And again", f"{name} does so {often}. Its loss is then {after:.4f}.{mean}")

    def _tell(self, title: str, caption: str) -> None:
        frame = self.stage.picture(self.stage.hidden, fresh=True)
        self.scenes.append(Scene(title, caption, frame))

    def _opinion(self, name: str, batch: Batch, loss: float) -> str:
        with torch.no_grad():
            real, fake = (torch.sigmoid(x).mean().item() for x in self.game.logits(batch))
        seen = f"On average D says {real:.3f} of the real points and {fake:.3f} of the fakes"
        return f"{seen}: the loss of {name}, {self.game.loss.name}, is {loss:.4f}."

    def _mean_fake(self, batch: Batch) -> str:
        with torch.no_grad():
            return _mean(self.game.generate(batch.latent))

    def _loss(self, name: str, batch: Batch) -> float:
        losses = self.game.losses(batch)
        return float((losses.d if name == "D" else losses.g).detach())


class _WatchedDraw(Draw):
    """The draws of an update; the story hears of each."""

    story: _Story

    def __call__(self, player: str = "d", i: int = 0) -> Batch:
        batch = super().__call__(player, i)
        self.story.draw(player, batch)
        return batch


def _mean(points: Tensor) -> str:
    points = points if points.ndim == 2 else points.flatten()[:, None]  # of pictures their grey
    return ", ".join(f"{v:.2f}" for v in points.mean(0).tolist())


def _length(parts: Sequence[Tensor]) -> float:
    return float(torch.cat([part.detach().double().flatten() for part in parts]).norm())

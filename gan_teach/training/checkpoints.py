"""Checkpoints that are whole or absent: written beside, synced, checksummed, then renamed.

The file is an ordinary ``torch.save`` archive that ``torch.load(path, weights_only=True)`` opens,
followed by a 40-byte trailer with the SHA-256 of all before it. Without the checksum one flipped
bit in the weights would load in silence.
"""

import hashlib
import inspect
import io
import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from types import FunctionType
from typing import Any

import torch

from gan_teach._files import replacing
from gan_teach._identity import digest
from gan_teach.dynamics.streams import DRAWS
from gan_teach.games import Game
from gan_teach.training.state import State

Settings = Mapping[str, tuple[str, str]]

_FORMAT = "gan_teach.checkpoint/3"
_OPTIMIZERS = {"g": "optimizer of G", "d": "optimizer of D"}
_LONG = 120  # characters of a setting in a message
_MARK = b"gt-sha56"
_TRAILER = len(_MARK) + hashlib.sha256().digest_size


def save_checkpoint(path: str | os.PathLike[str], state: State, **extras: Any) -> Path:
    """Write all that the run needs to continue bit for bit.

    That is the parameters and buffers of both players, both optimisers, the rule's memory, the
    step, the losses that the players saw last, and the ``settings`` that decide what comes.
    Random generators need no saving: every draw is a function of (seed, step). ``extras`` are
    further objects with ``state_dict`` (averages) or plain tensors and numbers.
    A crash at any moment leaves the previous file intact. Raises OSError naming the path, and
    TypeError for a setting whose content cannot be read.
    """
    path = Path(path)
    content = {
        "format": _FORMAT,
        "step": state.step,
        "settings": settings(state),
        "branches": state.branches,
        "losses": state.losses,
        "game": _tensors(state.game),
        "optims": state.optims.state_dict(),
        "memory": _copied(state.memory, "memory"),
        "extras": {k: v.state_dict() if hasattr(v, "state_dict") else v for k, v in extras.items()},
    }
    buffer = io.BytesIO()
    torch.save(content, buffer)
    payload = buffer.getvalue()
    with replacing(path) as partial:
        partial.write_bytes(payload + _MARK + hashlib.sha256(payload).digest())
    return path


def load_checkpoint(
    path: str | os.PathLike[str],
    state: State | None = None,
    branch: str | None = None,
    **extras: Any,
) -> dict[str, Any]:
    """Read a checkpoint; put it into ``state`` and into the ``extras`` that are given by name.

    ``branch`` is the name of a run that goes on with other settings, those of ``state``: a changed
    rule starts with an empty memory, a changed optimizer as new. Its name, step and changes are
    in ``state.branches``, and in the checkpoints to come.

    Returns the whole content. Raises FileNotFoundError, or ValueError naming the file: truncated or
    changed (checksum), not one of ours, of another architecture, or, without ``branch``, of
    another setting. The state is untouched then.
    """
    content = _read(Path(path))
    missing = set(extras) - set(content["extras"])
    if missing:
        there = ", ".join(content["extras"]) or "no extras"
        raise ValueError(f"{path} holds no {', '.join(sorted(missing))}; it has {there}.")
    if state is not None:
        _check_shapes(path, content["game"], _tensors(state.game))
        changes = _differences(content["settings"], settings(state))
        if changes and branch is None:
            raise ValueError(
                f"{path} is of another run: {'; '.join(changes.values())}. Resume it with the "
                "settings it had, or go on with these on purpose: branch='a name for it'."
            )
        _restore(content, state, changes)
        if branch is not None:
            mark = {"name": branch, "step": state.step, "changes": list(changes.values())}
            state.branches = [*state.branches, mark]
    for name, target in extras.items():
        target.load_state_dict(content["extras"][name])
    return content


def settings(state: State) -> dict[str, tuple[str, str]]:
    """All that decides a run's future beside its state, by name: how it stands in a sentence, and
    the digest that tells contents apart."""
    optims = state.optims
    rates = (optims.g.lr, optims.d.lr) if state.schedule is None else state._rates
    lr, d_lr = (rate.tolist() if isinstance(rate, torch.Tensor) else rate for rate in rates)
    decisive = {
        "lr": lr,
        "tau * lr": d_lr,
        "batch_size": state.stream.batch_size,
        "seed": state.seed,
        "schedule": state.schedule,
        "rule": state.rule,
        "optimizer of G": optims.g.identity(),
        "optimizer of D": optims.d.identity(),
        "version of the draws": DRAWS,
        **state.game.settings(),
    }
    return {name: (_text(value), digest(value, name)) for name, value in decisive.items()}


def _text(setting: Any) -> str:
    """A setting in a sentence, without the addresses of objects."""
    if isinstance(setting, FunctionType):
        return f"{setting.__name__} with {dict(inspect.getclosurevars(setting).nonlocals)}"
    text = re.sub(r" at 0x\w+", "", repr(setting))
    return text if len(text) <= _LONG else f"{text[:_LONG]}..."


def _differences(before: Settings, now: Settings) -> dict[str, str]:
    """{name: sentence} for all settings that differ."""
    changes = {}
    for name in {**before, **now}:
        (was, old), (is_, new) = (both.get(name, ("absent", "")) for both in (before, now))
        if old != new:
            changes[name] = f"{name} was {was} and is {is_}" if was != is_ else f"{name} is another"
    return changes


def _tensors(game: Game) -> dict[str, torch.Tensor]:
    """All parameters and buffers of a game by whose they are, in its own memory."""
    named = {f"generator's parameter {i}": p.detach() for i, p in enumerate(game.g_params)}
    named |= {f"discriminator's parameter {i}": p.detach() for i, p in enumerate(game.d_params)}
    for player, module in game.modules().items():
        named |= {f"{player}'s buffer {key}": buffer for key, buffer in module.named_buffers()}
    return named


@torch.no_grad()
def _restore(content: Mapping[str, Any], state: State, changed: Collection[str]) -> None:
    for name, own in _tensors(state.game).items():
        own.copy_(content["game"][name])
    for player, optimizer in _OPTIMIZERS.items():
        if optimizer not in changed:
            getattr(state.optims, player).load_state_dict(content["optims"][player])
    memory = {} if "rule" in changed else content["memory"]
    state.memory = _copied(memory, "memory", state.game.device)
    state.step = content["step"]
    state.losses = dict(content["losses"])
    state.branches = content["branches"]
    state.stream.forget()


def _copied(content: Any, name: str, device: torch.device | None = None) -> Any:
    """A rule's memory on ``device``, which may be another one than it was saved on."""
    if isinstance(content, dict):
        return {key: _copied(value, f"{name}[{key!r}]", device) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_copied(value, f"{name}[{i}]", device) for i, value in enumerate(content)]
    if isinstance(content, torch.Tensor):
        return content.detach().to(device, copy=True)
    if content is None or isinstance(content, (bool, int, float, str)):
        return content
    raise TypeError(
        f"{name} is of type {type(content).__name__}: what a rule remembers must be tensors, "
        "numbers, text, or lists and dictionaries of these, so that a checkpoint can hold it."
    )


def _check_shapes(path: Any, saved: Mapping[str, Any], ours: Mapping[str, Any]) -> None:
    for name in {**saved, **ours}:
        there, here = (list(game[name].shape) if name in game else None for game in (saved, ours))
        if there != here:
            raise ValueError(
                f"{path} is of another architecture: the {name} has shape {there} there and {here} "
                "in this game."
            )


def _read(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    payload, trailer = data[:-_TRAILER], data[-_TRAILER:]
    if not trailer.startswith(_MARK):
        raise ValueError(
            f"{path} is truncated, or no checkpoint of gan_teach (its trailer is missing)."
        )
    if hashlib.sha256(payload).digest() != trailer[len(_MARK) :]:
        raise ValueError(f"{path} is damaged: its content does not match its checksum.")
    content = torch.load(io.BytesIO(payload), weights_only=True, map_location="cpu")
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise ValueError(f"{path} is no checkpoint of this version of gan_teach ({_FORMAT}).")
    return content

"""Checkpoints that are whole or absent: written beside, synced, checksummed, then renamed.

The file is an ordinary ``torch.save`` archive that ``torch.load(path, weights_only=True)`` opens,
followed by a 40-byte trailer with the SHA-256 of all before it. Without the checksum one flipped
bit in the weights would load in silence.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from gan_teach.dynamics.streams import DRAWS
from gan_teach.training.loop import State

_FORMAT = "gan_teach.checkpoint/1"
_MARK = b"gt-sha56"
_TRAILER = len(_MARK) + hashlib.sha256().digest_size


def save_checkpoint(path: str | os.PathLike[str], state: State, **extras: Any) -> Path:
    """Write all that the run needs to continue bit for bit.

    That is the parameters and buffers of both players, both optimisers, the rule's own state, the
    step, the seed, the losses that the players saw last and the version of the draws. Random
    generators need no saving: every draw is a function of (seed, step). ``extras`` are further
    objects with ``state_dict`` (averages) or plain tensors and numbers.
    A crash at any moment leaves the previous file intact. Raises OSError naming the path.
    """
    path = Path(path)
    content = {
        "format": _FORMAT,
        "draws": DRAWS,
        "step": state.step,
        "seed": state.seed,
        "losses": state.losses,
        "game": _game_state(state),
        "optims": state.optims.state_dict(),
        "rule": state.rule.state_dict(),
        "extras": {k: v.state_dict() if hasattr(v, "state_dict") else v for k, v in extras.items()},
    }
    buffer = io.BytesIO()
    torch.save(content, buffer)
    payload = buffer.getvalue()
    _write_atomically(path, payload + _MARK + hashlib.sha256(payload).digest())
    return path


def load_checkpoint(
    path: str | os.PathLike[str], state: State | None = None, **extras: Any
) -> dict[str, Any]:
    """Read a checkpoint; put it into ``state`` and into the ``extras`` that are given by name.

    Returns the whole content. Raises FileNotFoundError, or ValueError naming the file: truncated or
    changed (checksum), not one of ours, of another architecture or, where it is put into ``state``,
    of other draws than ``streams.DRAWS``. The state is untouched then.
    """
    content = _read(Path(path))
    missing = set(extras) - set(content["extras"])
    if missing:
        raise ValueError(f"{path} holds no {', '.join(sorted(missing))}; it has {_names(content)}.")
    if state is not None:
        _check_fits(Path(path), content, state)
        _restore(content, state)
    for name, target in extras.items():
        target.load_state_dict(content["extras"][name])
    return content


def _game_state(state: State) -> dict[str, Any]:
    return {
        "g": [p.detach() for p in state.game.g_params],
        "d": [p.detach() for p in state.game.d_params],
        "buffers": {k: dict(m.named_buffers()) for k, m in state.game.modules().items()},
    }


@torch.no_grad()
def _restore(content: Mapping[str, Any], state: State) -> None:
    saved = content["game"]
    for own, values in ((state.game.g_params, saved["g"]), (state.game.d_params, saved["d"])):
        for p, value in zip(own, values, strict=True):
            p.copy_(value)
    for name, module in state.game.modules().items():
        for key, buffer in module.named_buffers():
            buffer.copy_(saved["buffers"][name][key])
    state.optims.load_state_dict(content["optims"])
    state.rule.load_state_dict(content["rule"])
    state.step = content["step"]
    state.losses = dict(content.get("losses", {}))  # earlier files have none
    state.stream.seeds = content["seed"]
    state.stream.forget()


def _check_fits(path: Path, content: Mapping[str, Any], state: State) -> None:
    draws = content.get("draws", 1)  # the first version was not written down
    if draws != DRAWS:
        raise ValueError(
            f"{path} is of a run with draws of version {draws}, and this gan_teach draws by "
            f"version {DRAWS}: it would go on as another run. Start the run anew, or go on with "
            "the release that wrote it; load_checkpoint(path) without a state reads its weights."
        )
    for player, own in (("g", state.game.g_params), ("d", state.game.d_params)):
        theirs = [tuple(p.shape) for p in content["game"][player]]
        ours = [tuple(p.shape) for p in own]
        if theirs != ours:
            name = {"g": "generator", "d": "discriminator"}[player]
            raise ValueError(
                f"{path} is of another architecture: its {name} has parameters of shapes {theirs}, "
                f"this game's has {ours}."
            )
    for what, saved, ours in _named_parts(content, state):
        if saved != ours:
            raise ValueError(
                f"{path} does not fit this run: its {what} keeps {saved or 'nothing'}, this run's "
                f"keeps {ours or 'nothing'}. Resume with the optimizer, rule and modules it had."
            )


def _named_parts(content: Mapping[str, Any], state: State) -> Iterator[tuple[str, list, list]]:
    """(what, names in the file, names in the state) of all that is restored by name."""
    optims = state.optims.state_dict()
    yield "optimizer of G", sorted(content["optims"]["g"]), sorted(optims["g"])
    yield "optimizer of D", sorted(content["optims"]["d"]), sorted(optims["d"])
    yield "rule", sorted(content["rule"]), sorted(state.rule.state_dict())
    buffers = content["game"]["buffers"]
    for name, module in state.game.modules().items():
        yield name, sorted(buffers.get(name, ())), sorted(dict(module.named_buffers()))


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


def _names(content: Mapping[str, Any]) -> str:
    return ", ".join(content["extras"]) or "no extras"


def _write_atomically(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with open(partial, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:  # a full disk is reported without a name
        raise type(error)(error.errno, error.strerror, str(path)) from error
    finally:
        partial.unlink(missing_ok=True)

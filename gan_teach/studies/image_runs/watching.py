"""A short run in memory, with what one looks at on the way."""

from __future__ import annotations

from typing import Any

from gan_teach import _checks
from gan_teach.games import GAN
from gan_teach.history import History
from gan_teach.training import probes, record
from gan_teach.zoo import ImageGAN


def watch(
    config: ImageGAN,
    game: GAN,
    *,
    records: int = 20,
    n: int = 16,
    scored: int = 256,
    title: str = "",
    **changes: Any,
) -> History:
    """Train ``game`` as ``config`` says, except for ``changes``, and record it for the plots.

    About ``records`` records, evenly: ``images`` (n, channels, height, width) from latents that
    stay the same; ``d_loss`` and ``g_loss``; ``d_real`` and ``d_fake``, the mean of D on ``scored``
    fixed real and generated images, D in evaluation mode. ``changes`` are arguments of
    ``gan_teach.train``. To keep a run in files, use ``train_images``.
    """
    settings = config.arguments(**changes)
    every = max(1, settings["steps"] // _checks.whole("records", records, least=1))
    history = record(
        config.train(game, **changes), every=every, images=probes.samples(n),
        scores=probes.scores(scored), d_loss=probes.loss("d"), g_loss=probes.loss("g"),
    )  # fmt: skip
    arrays = {name: history[name] for name in history if name != "scores"}
    d_real, d_fake = history["scores"].T
    meta = {"loss": config.loss.name, "label_smoothing": config.label_smoothing, "unit": "step"}
    return History(
        history.steps, {**arrays, "d_real": d_real, "d_fake": d_fake},
        meta={**history.meta, **meta, **({"title": title} if title else {})},
    )  # fmt: skip

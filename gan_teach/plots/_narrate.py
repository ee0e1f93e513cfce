"""A record of a run in words, for readers who listen to a picture instead of seeing it."""

from __future__ import annotations

import math

import numpy as np

from gan_teach.history import History
from gan_teach.plots._panel import divergence_sentence, first_bad, record_index, unit

_NUMBERS = {  # the order in which a record is read out
    "objective": "V = {:.3f} (equilibrium −1.386)",
    "d_real": "D(x) = {:.2f}",
    "d_fake": "D(G(z)) = {:.2f}",
    "d_grad": "gradient of D {:.2g}",
    "g_grad": "gradient of G {:.2g}",
    "distance": "distance to the equilibrium {:.2g}",
}


def narrate(history: History, i: int = -1) -> str:
    """One sentence with the numbers of record ``i``: what a player or an alternative text says.

    Only what was recorded is mentioned; a run that has diverged by then is said to have. A history
    that brings sentences of its own, ``caption`` (T,), is read out in these.
    """
    i = record_index(history, i)
    if "caption" in history:
        return str(history["caption"][i])
    start = f"{unit(history).capitalize()} {history.steps[i]} of {history.steps[-1]}"
    bad = first_bad(*(history[key] for key in ("fake", "params", *_NUMBERS) if key in history))
    if bad is not None and i >= bad:
        return f"{start}: {divergence_sentence(history, bad)}."
    parts = []
    for key, text in _NUMBERS.items():
        if key in history and history[key].ndim == 1 and math.isfinite(history[key][i]):
            parts.append(text.format(history[key][i]).replace("-", "−"))
    parts += _samples(history, i)
    return f"{start}: {', '.join(parts)}." if parts else f"{start}."


def _samples(history: History, i: int) -> list[str]:
    if "fake" not in history or history["fake"].ndim != 2:
        return []
    fake = history["fake"][i]
    text = f"generated points with mean {fake.mean():.2f} and standard deviation {fake.std():.2f}"
    if "real" in history.static:
        real = np.asarray(history.static["real"])
        text += f" (real {real.mean():.2f} and {real.std():.2f})"
    return [text.replace("-", "−")]

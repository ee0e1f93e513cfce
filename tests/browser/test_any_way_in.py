"""Whatever way settings come into the lab, a browser that shows them leaves the run as it is."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from test_lab import Shown

from gan_teach.games.base import flatten
from gan_teach.lab import PRESETS, Config, Session, diagnose, treat
from gan_teach.lab.config import KNOBS, opening

ROUNDS = 3  # to be made after it was shown
FEW = 3  # at a time: a page takes the square of the time for more, a server drops what comes fast
DIGEST = (
    "(lambda s: (s.replay, __import__('hashlib').sha256(__import__('torch').cat([p.detach()"
    ".flatten() for p in (*s.game.g_params, *s.game.d_params)]).numpy().tobytes()).hexdigest()))"
)


def digest(session: Session) -> tuple[str, str]:
    """The text of a run and what its parameters are, to the last bit."""
    numbers = flatten(session.game).detach().numpy().tobytes()
    return session.replay, hashlib.sha256(numbers).hexdigest()


def off_grid(config: Config, rng: np.random.Generator) -> dict[str, float]:
    """Numbers between a slider's marks, or beyond its ends, for every box of this preset."""
    values: dict[str, float] = {}
    for name, knob in KNOBS.items():
        if knob.choices or config.world not in knob.worlds:
            continue
        if knob.whole:
            values[name] = int(rng.integers(max(int(knob.low), 1), int(min(knob.high, 70))))
        else:
            low, high = {"lr": (-5, -2), "smoothing": (-0.1, 0)}.get(name, (-2, 0.5))
            values[name] = float(10 ** rng.uniform(low, high))
    if config.loss == "relativistic":
        del values["smoothing"]  # pairs have no labels
    if config.world == "images":
        values["width"] = 5  # wide ones take seconds for a round
    return {**values, "d_steps": int(rng.integers(51, 60)), "g_steps": int(rng.integers(2, 5))}


def texts(seed: int) -> list[str]:
    """A run of every preset with numbers of its own."""
    rng = np.random.default_rng(seed)
    return [str(config.changed(**off_grid(config, rng))) for config in PRESETS.values()]


def same(server, lab: str, own: Session) -> None:
    """Both make some rounds, and are the same to the last bit before and after it."""
    there = f"({DIGEST}({lab}.session), {lab}.session.go({ROUNDS}), {DIGEST}({lab}.session))"
    assert server.value(there) == (digest(own), own.go(ROUNDS), digest(own))


def test_every_preset_is_shown_as_it_is_with_numbers_between_all_marks(page, server):
    wanted = [*PRESETS, *texts(1)]
    for k in range(0, len(wanted), FEW):
        few = wanted[k : k + FEW]
        code = f"labs = {{t: gt.Lab(t) for t in {few!r}}}\n"
        code += "display(*(one.panel.box for one in labs.values()))"
        lab = Shown.in_notebook(page, server, "normal", shown=code)
        drawn = page.locator(".gan-teach-canvas[data-serial]")
        lab.wait(lambda drawn=drawn, few=few: drawn.count() == len(few))
        lab.echoed()
        for text in few:
            same(server, f"labs[{text!r}]", Session(text))
    assert page.errors == []


def arrives(lab: Shown, server, own: Session) -> None:
    """The lab shows this run, and whatever the browser sends back leaves it so."""
    lab.wait(lambda: lab.replay() == own.replay)
    lab.echoed()
    same(server, "lab", own)


@pytest.mark.parametrize("view", ["canvas", "core"])
def test_chosen_loaded_typed_and_advised_numbers_stay_as_they_are(page, server, view):
    first = list(PRESETS)[-1]  # not the one that is chosen next: a menu tells only of a change
    lab = Shown.in_notebook(page, server, first, view)
    lab.unfold()
    some = len(PRESETS) if view == "canvas" else 3  # the controls are the same
    for name in list(PRESETS)[-some:]:
        lab.lab.get_by_label("Preset").select_option(name.replace("_", " "))
        arrives(lab, server, Session(opening(name)))
    for text in texts(2)[-some:]:
        lab.load(text)
        arrives(lab, server, Session(text))
    for name in ("dirac-r1", "normal", "five-gaussians"):
        lab.load(f"{name},seed=1")
        arrives(lab, server, own := Session(f"{name},seed=1"))
        for knob, value in off_grid(own.config, np.random.default_rng(3)).items():
            if lab.box(knob).is_enabled():  # some rules have no numbers of steps
                types(lab, own, knob, value)
        arrives(lab, server, own)
    for text in ("dirac,lr=0.137,draws=2/150", "normal,lr=0.0937,tau=31.7,draws=2/180"):
        lab.load(text)
        arrives(lab, server, own := Session(text))
        lab.press("Examine this run")
        lab.lab.get_by_role("button", name="Try: ").click()
        arrives(lab, server, treat(own, diagnose(own)))
    assert page.errors == []


def types(lab: Shown, own: Session, knob: str, value: float) -> None:
    """Type a number into the box of a knob, and turn the knob of ``own`` as that is meant to."""
    lab.box(knob).fill(str(value))
    lab.box(knob).press("Tab")
    rate = own.config.tau * own.config.lr  # D's, which stays where G's is typed
    own.set(**{knob: value}, **({"tau": float(f"{rate / value:.12g}")} if knob == "lr" else {}))
    lab.wait(lambda: lab.replay() == own.replay)

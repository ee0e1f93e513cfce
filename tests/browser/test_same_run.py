"""Whatever way settings come into the lab, a browser that shows them leaves the run as it is."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from test_lab import Shown

from gan_teach.games.base import flatten
from gan_teach.lab import PRESETS, Config, Session, diagnose, treat
from gan_teach.lab.config import KNOBS, opening

pytestmark = pytest.mark.browser

ROUNDS = 3  # to be made after it was shown
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
    assert server.value(f"{DIGEST}({lab}.session)") == digest(own)
    own.go(ROUNDS)
    server.value(f"{lab}.session.go({ROUNDS})")
    assert server.value(f"{DIGEST}({lab}.session)") == digest(own)


def test_every_preset_is_shown_as_it_is_with_numbers_between_all_marks(page, server):
    wanted = [*PRESETS, *texts(1)]
    # One a second: a server drops what comes faster than a thousand messages a second.
    code = f"import time\nlabs = {{}}\nfor t in {wanted!r}:\n    labs[t] = gt.Lab(t)\n"
    code += "    display(labs[t].panel.box)\n    time.sleep(1)"
    lab = Shown.in_notebook(page, server, code)
    shown = page.locator(".gan-teach-canvas")
    for k in range(len(wanted)):  # a busy machine takes seconds for each
        lab.wait(lambda k=k: shown.count() > k)
    page.wait_for_timeout(3000)
    for text in wanted:
        same(server, f"labs[{text!r}]", Session(text))
    assert page.errors == []


def arrives(lab: Shown, server, own: Session) -> None:
    """The lab shows this run, and whatever the browser sends back leaves it so."""
    lab.wait(lambda: lab.replay() == own.replay)
    lab.page.wait_for_timeout(300)
    same(server, "lab", own)


@pytest.mark.parametrize("view", ["canvas", "core"])
def test_chosen_loaded_typed_and_advised_numbers_stay_as_they_are(page, server, view):
    first = list(PRESETS)[-1]  # not the one that is chosen next: a menu tells only of a change
    lab = Shown.in_notebook(page, server, f"lab = gt.Lab({first!r})\nlab", view)
    lab.unfold()
    some = len(PRESETS) if view == "canvas" else 3  # the controls are the same
    for name in list(PRESETS)[-some:]:
        lab.lab.get_by_label("Preset").select_option(name.replace("_", " "))
        arrives(lab, server, Session(opening(name)))
    for text in texts(2)[-some:]:
        lab.load(text)
        arrives(lab, server, Session(text))
    for name in ("normal", "five-gaussians", "dirac-r1"):
        lab.load(f"{name},seed=1")
        arrives(lab, server, own := Session(f"{name},seed=1"))
        for knob, value in off_grid(own.config, np.random.default_rng(3)).items():
            if lab.box(knob).is_enabled():  # some rules have no numbers of steps
                types(lab, own, knob, value)
        arrives(lab, server, own)
    for text in ("normal,lr=0.0937,tau=31.7,draws=2/180", "dirac,lr=0.137,draws=2/150"):
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

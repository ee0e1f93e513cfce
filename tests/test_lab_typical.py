"""Presets open on a typical seed: what was kept of their runs, and how it is told."""

import numpy as np
import pytest

from gan_teach.lab import PRESETS, Lab, Session, app
from gan_teach.lab.config import opening, outlook, typical
from typical import RUNS, aim, end, ends, rounds

SHORT = {"five-gaussians": {"width": 8}, "spirals": {"width": 8}, "dirac-r1": {}, "noisy": {}}


@pytest.mark.parametrize("name", SHORT)
def test_stacked_runs_end_where_the_labs_own_runs_do(name):
    config = PRESETS[name].changed(**SHORT[name])
    for seed, found in zip((0, 3), ends(config, [0, 3], steps=30), strict=True):
        session = Session(config.changed(seed=seed))
        session.go(30)
        own = end(session._world, session._measured(), config)
        np.testing.assert_allclose(found, own, atol=2e-3)


@pytest.mark.parametrize("name", ["strong-discriminator", "noisy", "dirac-r1"])
def test_the_first_eight_runs_come_to_what_was_kept(name):
    """Games of few numbers do so on every machine; those of networks may part by rounding."""
    found = list(ends(PRESETS[name], range(8)))
    np.testing.assert_allclose(found, typical(name)["ends"][:8], atol=2e-3)


@pytest.mark.parametrize("name", PRESETS)
def test_what_is_told_of_a_preset_follows_from_its_runs(name):
    own, config = typical(name), PRESETS[name]
    found = own["ends"]
    least, told = aim(config)
    assert (own["rounds"], own["told"]) == (rounds(config), told)
    assert own["good"] == sum(one[0] >= least for one in found)
    assert (6 if config.world == "images" else 50) <= len(found) <= RUNS  # those take long
    assert f"In {len(found)} runs of this preset, {own['good']} {told}" in outlook(opening(name))
    ranked = sorted(found)
    low, high = (ranked.index(found[own["seed"]]), len(found) - 1 - ranked[::-1].index(
        found[own["seed"]]))  # fmt: skip
    assert low <= 0.7 * len(found)
    assert high >= 0.3 * len(found)


def test_nothing_is_told_of_other_settings_than_the_presets():
    assert outlook(PRESETS["normal"].changed(seed=5))
    assert outlook(PRESETS["normal"].changed(lr=0.05)) == ""


def test_a_bare_name_is_seed_0_for_ever():
    assert Session("five-gaussians").config.seed == 0
    assert Lab("five-gaussians").replay == "five-gaussians"


@pytest.mark.parametrize(
    ("address", "given", "shown"),
    [
        ("", None, str(opening("normal"))),
        ("", "noisy,d_steps=3,draws=2/4", "noisy,d_steps=3,draws=2/4"),
        ("run=dirac%2Cdraws%3D2%2F3&x=1", "noisy", "dirac,draws=2/3"),
        ("run=", None, str(opening("normal"))),
    ],
)
def test_the_page_opens_on_the_run_that_it_is_asked_for(monkeypatch, address, given, shown):
    monkeypatch.setenv("QUERY_STRING", address)
    made = app(given)
    assert made.replay == shown
    assert made.panel.message.value == ""
    assert "gan-teach-page" in made.panel.box._dom_classes


@pytest.mark.parametrize("text", ["nonsense", "normal,d_step=3", "normal/9", "<b>", "a" * 60_000])
def test_the_page_says_what_is_wrong_with_a_text_and_opens(monkeypatch, text):
    monkeypatch.setenv("QUERY_STRING", f"run={text}")
    made = app()
    assert made.replay == str(opening("normal"))
    assert "The text of the run cannot be read: " in made.panel.message.value
    assert "<b>" not in made.panel.message.value
    monkeypatch.setenv("QUERY_STRING", "")
    assert app(text).panel.message.value == made.panel.message.value

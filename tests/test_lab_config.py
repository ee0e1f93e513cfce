"""Settings and replay strings: a round trip for every run, one plain error for everything else."""

import dataclasses
import random
import string

import pytest
from hypothesis import example, given, settings, strategies as st

from gan_teach.dynamics.streams import DRAWS
from gan_teach.lab.config import DATA, KNOBS, MAX_CHANGES, PRESETS, Config, Replay, preset
from gan_teach.lab.session import Session
from gan_teach.zoo import experiments


def values(knob):
    if knob.choices:
        return st.sampled_from(knob.choices)
    if knob.whole:
        return st.integers(int(knob.low), int(knob.high))
    return st.floats(knob.low, knob.high).map(abs)  # no negative zero


def some_knobs(names):
    return st.lists(st.sampled_from(sorted(names)), unique=True, max_size=5).flatmap(
        lambda chosen: st.fixed_dictionaries({name: values(KNOBS[name]) for name in chosen})
    )


LIVE = [name for name, knob in KNOBS.items() if knob.live]


@st.composite
def replays(draw):
    """Runs of all kinds; smoothing stays 1, since most losses have no labels to smooth."""
    base = preset(draw(st.sampled_from(sorted(PRESETS)))).changed(smoothing=1)
    own = {name for name, knob in KNOBS.items() if base.world in knob.worlds}
    knobs = draw(some_knobs(own - {"smoothing", "data"}))
    start = base.changed(**knobs, data=draw(st.sampled_from(DATA[base.world])))
    at = sorted(draw(st.sets(st.integers(0, 10_000), max_size=5)))
    knobs = some_knobs(set(LIVE) - {"smoothing"}).filter(bool)
    changes = {step: draw(knobs) for step in at}
    return Replay(start, changes, draw(st.integers(max(at, default=0), 20_000)))


@given(replays())
def test_a_run_survives_its_string(replay):
    text = str(replay)
    assert Replay.parse(text) == replay
    assert str(Replay.parse(text)) == text
    assert len(text) < 2000
    assert text.isascii()
    assert not set(text) & set(string.whitespace + "'\"\\$`&;|<>(){}*?!#~")  # safe in a shell


def accepted(text):
    """Whether ``text`` is a run; any exception but ValueError fails the test."""
    try:
        replay = Replay.parse(text)
    except ValueError as error:
        message = str(error)
    else:
        message = ""
    if message:
        assert len(message) < 1000
        return False
    assert isinstance(replay, Replay)
    assert Replay.parse(str(replay)) == replay  # valid, and written again without loss
    return True


@settings(max_examples=400)
@given(
    st.one_of(st.text(max_size=60), st.text("normal,seed=1,draws=2/20.5e-+d_steps", max_size=60))
)
@example("normal,draws=2/²,lr=1")
@example("normal,seed=١")
@example("normal,lr=nan")
@example("normal,lr=1e999")
@example("normal,seed=1_0")
@example("normal,__class__=1")
@example("normal,turn=both,draws=2/3,preset=noisy")
@example("normal,draws=2/3,seed=1")
@example("normal,draws=2/5,lr=1/4,lr=2")
@example("normal,draws=2/99999999")
@example("normal,lr=0.1,lr=0.2")
@example("normal,loss=hinge,smoothing=0.9")
def test_any_text_is_a_run_or_one_error(text):
    accepted(text)


@pytest.mark.slow
@settings(max_examples=300)
@given(replays(), st.data())
def test_a_damaged_string_is_a_run_or_one_error(replay, data):
    text = str(replay)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.integers(0, 3))
        text = text[:at] + data.draw(st.text(max_size=3)) + text[at + cut :]
    accepted(text)


ALPHABETS = [
    string.printable,
    "normal,seed=1,draws=2/20.5e-+d_steps",
    "".join(map(chr, range(0x100, 0x3000, 97))) + "\0\ud800\U0001f600",
]


def damaged(text, rng):
    """``text`` with one to four places cut, doubled, swapped or filled with other characters."""
    for _ in range(rng.randint(1, 4)):
        at, end = sorted(rng.choices(range(len(text) + 1), k=2))
        end = min(end, at + 12)
        noise = "".join(rng.choices(rng.choice(ALPHABETS), k=rng.randint(0, 4)))
        middle = rng.choice([noise, 2 * text[at:end], text[at:end][::-1], text[at:end] + noise, ""])
        text = text[:at] + middle + text[end:]
    return text


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(replays(), st.integers(0, 2**32))
def test_ten_thousand_strings_are_each_a_run_or_one_error(replay, seed):
    """A hundred each time: fifty damaged runs and fifty texts that never were one."""
    rng = random.Random(seed)
    for _ in range(50):
        accepted(damaged(str(replay), rng))
        accepted("".join(rng.choices(rng.choice(ALPHABETS), k=rng.randint(0, 80))))


@pytest.mark.parametrize(
    "text",
    ["", "abnormal", "normal,lr", "normal,speed=3", "normal,d_steps=-1", "normal,d_steps=2.5",
     "normal,lr=-1", "normal,loss=Hinge", "normal,draws=2/ten",
     "normal,draws=2/4,lr=1/4,lr=2", "normal,draws=2/1,seed=2", "normal,d_steps=999",
     "normal,seed=99999999999999", "normal,draws=2/1000001", "normal,draws=x/3",
     "normal,draws=2/3,draws=2/4", "normal/3"],
)  # fmt: skip
def test_bad_strings_are_refused(text):
    assert not accepted(text)


def test_the_version_of_the_draws_may_stand_anywhere_before_the_first_step():
    assert Replay.parse("normal,draws=2,lr=1/7/8") == Replay(preset("normal", lr=1.0), {}, 8)


def test_a_run_of_other_draws_is_refused_by_name():
    replay = Replay(preset("noisy", seed=3), {5: {"lr": 0.2}}, 20)
    assert str(replay) == f"noisy,seed=3,draws={DRAWS}/5,lr=0.2/20"
    for text, version in (("noisy,seed=3/5,lr=0.2/20", 1), ("noisy,seed=3,draws=9/20", 9)):
        with pytest.raises(
            ValueError, match=rf"draws of version {version}.*noisy,draws={DRAWS}/20"
        ):
            Replay.parse(text)
    assert Replay.parse("noisy,seed=3") == Replay(preset("noisy", seed=3))  # nothing drawn so far
    with pytest.raises(ValueError, match="draws of version 1"):
        Session(Replay(preset("noisy"), steps=20, draws=1))


def test_a_string_of_any_length_is_refused_before_it_is_read():
    with pytest.raises(ValueError, match="string must be at most 50000, got 60000"):
        Replay.parse("n" * 60_000)


def test_a_run_has_a_bounded_number_of_changes():
    changes = {step: {"lr": 0.1 + step} for step in range(MAX_CHANGES + 1)}
    with pytest.raises(ValueError, match="changes of a run must be at most 1000, got 1001"):
        Replay(preset("normal"), {s: {"lr": 0.1} for s in changes}, 5000)


def test_messages_name_the_knob_and_what_it_may_be():
    with pytest.raises(ValueError, match="d_steps must be at most 200, got 500"):
        preset("normal", d_steps=500)
    with pytest.raises(ValueError, match=r"knob must be one of seed, .*Did you mean 'noise'\?"):
        preset("normal", nois=1.0)
    with pytest.raises(ValueError, match="preset must be one of normal, strong-discriminator"):
        preset("norml")
    with pytest.raises(ValueError, match="needs a loss with labels"):
        preset("normal", loss="hinge", smoothing=0.9)
    with pytest.raises(ValueError, match="width has no meaning for 'normal'"):
        preset("normal", width=5)
    with pytest.raises(ValueError, match="data for 'grid-25' must be one of five-gaussians"):
        preset("grid-25", data="ten-points")
    with pytest.raises(TypeError, match=r"whole number, got 2\.5"):
        preset("normal", d_steps=2.5)


def test_presets_have_the_numbers_of_the_experiments():
    for name, experiment in experiments.EXPERIMENTS.items():
        made = PRESETS[name]
        for key in ("d_steps", "g_steps", "noise", "loss", "lr", "tau"):
            assert getattr(made, key) == getattr(experiment, key), (name, key)
        assert str(made) == name


def test_every_field_but_the_preset_is_a_knob():
    assert [field.name for field in dataclasses.fields(Config)] == ["preset", *KNOBS]


def test_every_preset_is_its_own_string():
    for name, made in PRESETS.items():
        assert str(made) == name
        assert Replay.parse(name) == Replay(made)


def test_settings_are_given_in_many_ways():
    wanted = Replay(preset("noisy", d_steps=20))
    assert Replay.of("noisy", d_steps=20) == wanted
    assert Replay.of("noisy,d_steps=20") == wanted
    assert Replay.of(preset("noisy"), d_steps=20) == wanted
    assert Replay.of(wanted) == wanted
    with pytest.raises(TypeError, match="config must be str or Config or Replay, got int"):
        Replay.of(3)  # pyright: ignore[reportArgumentType]

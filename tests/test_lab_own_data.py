"""Own data of the lab: from points and strokes to a short text and back, and nothing else."""

from contextlib import suppress

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from gan_teach import data
from gan_teach.lab import Config, Lab, Replay, Session, own_data

WAVE = [[[-1.0, 0.0], [0.0, 0.5], [1.0, 0.0]], [[0.5, -1.2]]]


@given(st.integers(1, 40), st.floats(1e-3, 500), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_points_come_back_to_half_a_place(n, scale, seed):
    x = np.random.default_rng(seed).uniform(-scale, scale, (n, 2))
    text = own_data.of_points(x)
    source, reach = own_data.source(text)
    np.testing.assert_allclose(source.points.numpy(), x, atol=1.01 * reach / (own_data.PLACES - 1))
    assert np.abs(x).max() < reach
    assert own_data.check(text) == text


def test_a_drawing_is_the_librarys_drawing_of_the_same_strokes():
    source, reach = own_data.source(own_data.of_strokes(WAVE, 1.7))
    assert reach == 1.7
    x = torch.tensor([[0.0, 0.5], [0.5, -1.2], [1.0, 1.0], [-0.5, 0.25]], dtype=torch.float64)
    expected = data.Drawing(WAVE, width=1.7 / 40).density(x)
    torch.testing.assert_close(source.density(x), expected, rtol=0.05, atol=1e-9)


MUTATED = st.builds(
    lambda base, at, char: base[:at] + char + base[at + 1 :],
    st.sampled_from(
        [
            own_data.of_strokes(WAVE, 1.7),
            own_data.of_points([[1, 2], [3, 4]]),
            "drawn:1:",
            "points:",
        ]
    ),
    st.integers(0, 40),
    st.text(max_size=3),
)


@given(MUTATED | st.text(max_size=60))
@settings(max_examples=600, deadline=None)
def test_any_text_is_data_or_one_clear_error(text):
    message = ""
    try:
        own_data.check(text)
    except ValueError as error:
        message = str(error)
    if message:
        assert "data" in message
        assert len(message) < 500
    else:
        source, reach = own_data.source(text)
        drawn = source.sample(5, torch.Generator().manual_seed(0))
        assert drawn.shape == (5, 2)
        assert drawn.isfinite().all()
        assert drawn.abs().max() < 2 * reach


JUNK = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=12,
)


@pytest.mark.slow
@given(JUNK)
@settings(max_examples=300, deadline=None)
def test_any_message_of_a_browser_is_a_drawing_or_an_error(message):
    text = ""
    with suppress(TypeError, ValueError):  # anything else fails the test
        text = own_data.of_strokes(message, 1.7)
    assert not text or own_data.check(text) == text


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        (
            np.zeros((5, 3)),
            ValueError,
            r"data must be points of shape \(n, 2\), got shape \(5, 3\)",
        ),
        (np.zeros((2001, 2)), ValueError, "at most 2000, got 2001.*pass a random choice"),
        ([[0.0, np.nan]], ValueError, "NaN or infinite"),
        ([[0.0, 1e6]], ValueError, "coordinate of data must be at most 769"),
        (3, TypeError, "a name or points"),
        ("drawn:1:AB", ValueError, "the text of a drawing, got 'drawn:1:AB'"),
        ("drawn:0:AAAA", ValueError, "reach of the data must be at least 0.001"),
        ("points:1:AAAA.AAAA", ValueError, "no strokes"),
        ("drawn:1:" + "AAAA" * 2001, ValueError, "points in data must be at most 2000"),
    ],
)
def test_other_data_are_refused_with_one_message(given, kind, message):
    with pytest.raises(kind, match=message):
        Session(data=given)


def test_a_run_on_own_points_repeats_from_its_string():
    x = np.random.default_rng(0).normal(size=(200, 2))
    run = Lab(data=x, width=8, batch=16).session
    run.tick(6)
    assert run.config.preset == "five-gaussians"
    again = Session(run.replay)
    assert again.replay == run.replay
    np.testing.assert_array_equal(again.history["fake"], run.history["fake"])
    assert Config("spirals", data=x.tolist()).data == run.config.data
    assert run.set(data=x[:5]) == "Started anew with Data your own 5 points."


def test_the_largest_data_fit_into_a_replay_string():
    rng = np.random.default_rng(1)
    text = str(Session(data=rng.normal(size=(2000, 2)), width=4).replay)
    assert str(Replay.parse(text)) == text


def test_own_data_belong_to_the_plane():
    with pytest.raises(ValueError, match="data for 'normal' must be one of"):
        Session("normal", data=np.zeros((3, 2)))


@pytest.mark.parametrize(
    "text",
    [
        "-1 0, 0 0.5, 1 0\n0.5 -1.2",
        "\n(-1, 0) (0, .5) (1, 0)\n\n[0.5, −1.2]\n",
        "-1,0,0,5e-1,1,0\r\n.5;-1.2",
    ],
)
def test_a_drawing_can_be_typed(text):
    assert own_data.of_text(text, 1.7) == own_data.of_strokes(WAVE, 1.7)


@pytest.mark.parametrize(
    ("text", "message"),
    [("0 0\n1 2 3", "in pairs.* got '1 2 3'"), ("0 a", "in pairs.* got '0 a'"),
     ("0 0, 9 0", "within 1.7 of 0, got '0 0, 9 0'"), ("0 nan", "within 1.7"),
     ("", "drawing|stroke|point")],
)  # fmt: skip
def test_what_is_no_drawing_is_refused_in_words(text, message):
    with pytest.raises(ValueError, match=message):
        own_data.of_text(text, 1.7)

"""A run as a page of its own: what is written into it."""

import base64
import json
import re
import struct
import zlib

import numpy as np
import pytest

from gan_teach.lab import Session
from gan_teach.lab.frame import LEVELS, SHADES, page, recorded


def unroll(text: str):
    """The header of a page's recording, and of each frame its arrays, by the words of ``record``"""
    (frames,) = re.findall(r'id="frames">([^<]*)<', text)
    data = zlib.decompress(base64.b64decode(frames))
    (length,) = struct.unpack("<I", data[:4])
    head = json.loads(data[4 : 4 + length])
    halves = np.frombuffer(data[4 + length :], np.uint8).reshape(2, -1)
    folded = np.ascontiguousarray(halves.T).view("<u2").ravel().astype(int)
    differences = iter((folded >> 1) ^ -(folded & 1))
    reel, before = [], {}
    for frame in head["frames"]:
        arrays = []
        for k, size in enumerate(frame["sizes"]):
            last = before.get(k, np.zeros(0, int))[:size]
            own = np.array([next(differences) for _ in range(size)], int)
            own[: len(last)] += last
            arrays.append((own + 2**15) % 2**16 - 2**15)
        reel.append(arrays)
        before = dict(enumerate(arrays))
    assert next(differences, None) is None
    return head, reel


def numbers(entry, arrays):
    levels = arrays[entry["at"]].reshape(entry["shape"]).astype(float)
    levels[levels == -(2**15)] = np.nan
    return np.array(entry["low"]) + np.array(entry["unit"]) * levels


@pytest.mark.parametrize(("text", "every"), [
    ("normal,draws=2/7", 1), ("dirac,draws=2/31", 4), ("five-gaussians,width=8,draws=2/20", 3),
])  # fmt: skip
def test_every_frame_is_that_of_the_run_to_the_nearest_level(text, every):
    session, again = Session(text), Session(text)
    head, reel = unroll(session.to_html(-(-session.step // every)))
    steps = sorted({*range(0, session.step, every), session.step})
    assert [frame["step"] for frame in head["frames"]] == steps
    for told, arrays in zip(head["frames"], reel, strict=True):
        frame = again.rewind(told["step"])
        assert told["narration"] == frame.narration
        everything = again.picture()
        left, right, bottom, top = frame.view
        close = np.array([right - left, top - bottom]) / LEVELS * 0.501
        for entry, own in zip(told["layers"], everything.layers.values(), strict=True):
            for key in ("xy", "uv", "values"):
                if hasattr(own, key):
                    bound = close if key != "values" else 0.501 / SHADES
                    apart = np.abs(numbers(entry[key], arrays) - getattr(own, key))
                    np.testing.assert_array_equal(np.isnan(apart), np.isnan(getattr(own, key)))
                    assert (np.nan_to_num(apart) <= bound + 1e-6).all(), entry["name"]
        for entry, own in zip(told["charts"], everything.charts, strict=True):
            for curve, mine in zip(entry["curves"], own.curves, strict=True):
                there = np.array(curve["xy"], float)  # None becomes NaN
                np.testing.assert_allclose(there, mine.xy[-1], rtol=1e-4)
    assert session.replay == text
    assert session.step == again.step


def test_a_run_that_diverges_is_recorded():
    session = Session("normal", lr=100.0, loss="least_squares")
    session.go(80)
    head, reel = unroll(session.to_html(20))
    assert "diverged" in head["frames"][-1]["narration"]
    lost = numbers(head["frames"][-1]["layers"][-1]["xy"], reel[-1])[:, 0]
    assert np.isnan(lost).all()


def test_a_page_asks_for_nothing_and_says_what_it_shows():
    text = Session("dirac,draws=2/5").to_html()
    bare = re.sub(r'id="frames">[^<]*<|// [^\n]*', "", text)
    assert not re.search(r"https?:|//[a-z]|<link|src=|import ", bare)
    assert 'value="dirac,draws=2/5"' in text
    assert "Round 5: theta" in text
    own = Session("five-gaussians", data=np.random.default_rng(0).normal(size=(30, 2)), width=4)
    assert own.replay.replace('"', "&quot;") in own.to_html()


@pytest.mark.slow
def test_three_hundred_frames_of_the_plane_stay_small():
    session = Session("five-gaussians")
    session.go(300)
    text = session.to_html()
    assert len(unroll(text)[0]["frames"]) == 301
    assert len(text.encode()) < 1_400_000


def test_a_number_of_frames_is_checked():
    with pytest.raises(ValueError, match="frames must be at least 1"):
        Session("dirac").to_html(0)


@pytest.mark.parametrize("preset", ["normal", "dirac"])
def test_a_run_recorded_as_it_is_made_is_the_one_that_is_repeated(preset):
    session = Session(preset)
    session.go(40)
    assert page(recorded(Session(preset), 40, 7)) == session.to_html(7)

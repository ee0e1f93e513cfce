"""The canvas view without a browser: what is sent, and when."""

import json
import struct

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from gan_teach.lab import Lab, Session, chosen_view
from gan_teach.lab.frame import (
    CONTRAST,
    GRAPH,
    LOOKS,
    PAPERS,
    READABLE,
    Arrows,
    Chart,
    Lines,
    contrast,
    ranges,
    shades,
)

pytest.importorskip("anywidget")

from gan_teach.lab.canvas import AHEAD
from gan_teach.lab.frame import looks, pack
from gan_teach.lab.networks import SHOWN
from gan_teach.lab.panel import Panel


def unpack(data: bytes):
    """The header and the numbers, by the description in ``pack``."""
    (length,) = struct.unpack("<I", data[:4])
    return json.loads(data[4 : 4 + length]), np.frombuffer(data[4 + length :], "<f4")


def array(numbers, entry):
    size = int(np.prod(entry["shape"]))
    return numbers[entry["at"] : entry["at"] + size].reshape(entry["shape"])


@pytest.mark.parametrize("name", ["normal", "five-gaussians", "half-circles", "dirac"])
def test_a_packed_frame_holds_every_number(name):
    small = {"width": 8} if name in ("five-gaussians", "half-circles") else {}
    session = Session(name, **small)
    session.tick(7)
    frame = session.picture({GRAPH})
    head, numbers = unpack(pack(frame, serial=5))
    assert (head["serial"], head["step"], head["title"]) == (5, 7, frame.title)
    assert [layer["name"] for layer in head["layers"]] == list(frame.layers)
    used = {}  # where arrays lie: some are those of two layers
    for entry, own in zip(head["layers"], frame.layers.values(), strict=True):
        for key in ("xy", "uv", "values"):
            if hasattr(own, key):
                expected = getattr(own, key).astype("<f4")
                np.testing.assert_array_equal(array(numbers, entry[key]), expected)
                used[entry[key]["at"]] = expected.size
    for chart, own in zip(head["charts"], frame.charts, strict=True):
        for curve, mine in zip(chart["curves"], own.curves, strict=True):
            np.testing.assert_array_equal(array(numbers, curve["xy"]), mine.xy.astype("<f4"))
            used[curve["xy"]["at"]] = mine.xy.size
        assert chart["xlim"] == [0, 100]
    assert sum(used.values()) + (frame.disc.xy.size if frame.disc else 0) == numbers.size


@pytest.mark.parametrize(("name", "extra"), [
    ("normal", 12), ("five-gaussians", 2 * SHOWN + 12), ("dirac", 2 * (1 + 1 + 2) + 12),
])  # fmt: skip
def test_the_graph_is_sent_when_its_tab_is_open_and_no_array_twice(name, extra):
    """Of its own are three bars and, in the plane, latents; of the Dirac-GAN its pictures."""
    panel = Panel(Session(name, **({"width": 8} if name == "five-gaussians" else {})), "canvas")
    panel.session.tick(7)
    panel.show()
    before, bare = unpack(panel.view.frame)
    assert before["graph"] == []
    panel.view.graph = True
    head, numbers = unpack(panel.view.frame)
    titles = ["z: latents", "G: generator", "samples", "D: discriminator", "losses"]
    assert [node["title"] for node in head["graph"]] == titles
    assert head["layers"] == before["layers"]
    lattice = panel.session.picture().layers.get("manifold")  # not in the main picture
    assert numbers.size == bare.size + extra + (lattice[0].size if lattice else 0)


def heads(canvas):
    """The headers of the frames that will be sent."""
    seen = []
    canvas.observe(lambda change: seen.append(unpack(bytes(change["new"]))[0]), names="frame")
    return seen


def test_the_browser_pulls_frames_and_says_how_many():
    panel = Panel(Session("normal"), "canvas")
    canvas, panel.speed.value = panel.view, 1
    sent = heads(canvas)
    canvas.wanted += 1
    assert panel.session.step == 0  # it does not play
    canvas.playing = True
    for step in (1, 2, 3):
        canvas.wanted += 1
        assert panel.session.step == step
    canvas.wanted += 4
    assert [head["step"] for head in sent] == [0, 1, 2, 3, 4, 5, 6, 7]
    assert [head["answered"] for head in sent] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [head["passing"] for head in sent] == [False] + 7 * [True]
    canvas.playing = False
    assert panel.session.step == 7
    assert not sent[-1]["passing"]
    assert sent[-1]["narration"].startswith("Round 7:")
    canvas.playing = True
    canvas.wanted += 10**6  # from a page that has lost its mind
    assert panel.session.step == 7 + AHEAD
    assert sent[-1]["answered"] == canvas.wanted


def stop_at(canvas, step):
    """What the browser sends when a learner stops it: both at once."""
    canvas.set_state({"shown": step, "playing": False})


def test_a_run_stops_where_the_learner_saw_it():
    panel, other = Panel(Session("normal"), "canvas"), Session("normal")
    canvas, panel.speed.value = panel.view, 1
    canvas.playing = True
    canvas.wanted += 8
    stop_at(canvas, 5)
    assert (panel.session.step, panel.replay.value) == (5, "normal,draws=2/5")
    assert panel.session.frame.narration == other.tick(5).narration
    canvas.playing = True
    canvas.wanted += 4
    assert panel.session.step == 9
    panel.pause()  # the kernel's own stop stays where it is
    assert panel.session.step == 9
    canvas.playing = True
    stop_at(canvas, 700)  # shown of a longer run that was reset meanwhile
    assert panel.session.step == 9


def test_a_stop_turns_no_knob_back():
    panel = Panel(Session("normal"), "canvas")
    canvas, panel.speed.value = panel.view, 1
    canvas.playing = True
    canvas.wanted += 6
    panel.knobs["d_steps"].value.value = "3"
    canvas.wanted += 2
    stop_at(canvas, 5)
    assert (panel.session.step, panel.session.config.d_steps) == (6, 3)


def test_a_mistake_stops_the_canvas():
    panel = Panel(Session("normal"), "canvas")
    panel.view.playing = True
    panel.load("nonsense")
    assert panel.view.playing is False
    assert "preset must be one of" in panel.message.value


def test_hidden_layers_are_not_sent():
    panel = Panel(Session("five-gaussians", width=8), "canvas")
    names = [layer["name"] for layer in unpack(panel.view.frame)[0]["layers"]]
    assert names == ["field", "real", "modes", "fake", "push"]
    panel.layers["field"].value.value = False
    panel.layers["best"].value.value = True
    names = [layer["name"] for layer in unpack(panel.view.frame)[0]["layers"]]
    assert names == ["best", "real", "modes", "fake", "push"]


def test_the_view_is_chosen_and_can_be_forced(monkeypatch):
    monkeypatch.delenv("GAN_TEACH_VIEW", raising=False)
    assert chosen_view() == "canvas"
    monkeypatch.setenv("GAN_TEACH_VIEW", "core")
    assert type(Lab("normal").panel.view).__name__ == "ImageView"
    monkeypatch.setenv("GAN_TEACH_VIEW", "strip")
    assert set(Lab("dirac")._repr_mimebundle_()) == {"text/html", "text/plain"}
    monkeypatch.setenv("GAN_TEACH_VIEW", "cnavas")
    with pytest.raises(ValueError, match=r"GAN_TEACH_VIEW must be one of .* 'canvas'\?"):
        chosen_view()
    monkeypatch.setenv("GAN_TEACH_VIEW", "auto")
    monkeypatch.setattr("gan_teach.lab.find_spec", lambda name: name != "anywidget")
    assert chosen_view() == "core"
    monkeypatch.setenv("GAN_TEACH_VIEW", "canvas")
    with pytest.raises(ImportError, match=r"pip install 'gan-teach\[course\]'"):
        chosen_view()


def charted(values, **about):
    xy = np.stack([np.arange(len(values)), values], 1)
    return Chart("x", (Lines(xy, "value", ""),), **about)


@pytest.mark.parametrize("log", [False, True])
def test_axes_hold_every_value_and_what_it_is_compared_with(log):
    rng = np.random.default_rng(0)
    for values in (np.exp(rng.normal(size=400)), np.exp(np.linspace(0, 3, 400)), [3.0, 2.0]):
        chart = charted(values, log=log, levels=((0.2, "a level"),), band=(0.1, 40.0, "real"))
        xlim, (low, high) = ranges(chart, len(values) - 1)
        assert low <= 0.1
        assert high >= max(40.0, *values)
        assert xlim[1] >= len(values) - 1
    assert ranges(charted([3.0, 2.0], log=log, ylim=(1, 9)), 1) == ((0, 100), (1, 9))


def test_time_axes_end_at_round_numbers():
    ends = [ranges(charted([1.0]), step)[0][1] for step in (0, 100, 101, 300, 999, 1000, 4321)]
    assert ends == [100, 100, 200, 500, 1000, 1000, 5000]


@pytest.mark.parametrize("theme", PAPERS)
def test_marks_words_and_fields_keep_their_contrast(theme):
    """To the halo of paper that every mark has; the fields stay so pale that the halo is seen as
    paper, and yet the two ends differ from it and from one another."""
    paper, look = to_rgb(PAPERS[theme]), looks()[theme]
    assert set(look["roles"]) == set(LOOKS)
    for role, own in look["roles"].items():
        assert contrast(to_rgb(own["color"]), paper) >= CONTRAST, role
    for words in ("ink", "theory", "alarm"):
        assert contrast(to_rgb(look[words]), paper) >= READABLE, words
    ends = shades(theme)[[0, 255]] / 255
    assert (contrast(ends, paper) > 1.4).all()
    assert (contrast(ends, paper) < 3.2).all()
    assert np.abs(ends[0] - ends[1]).max() > 0.15
    np.testing.assert_allclose(shades(theme)[[127, 128]] / 255, [paper, paper], atol=0.01)


def test_contrast_is_that_of_the_guidelines():
    """Black on white has 21, and the gray #767676 is the palest with 4.5 (WCAG 2.2)."""
    assert contrast((0, 0, 0), (1, 1, 1)) == pytest.approx(21)
    assert contrast(to_rgb("#767676"), (1, 1, 1)) >= 4.5 > contrast(to_rgb("#777777"), (1, 1, 1))


def test_arrows_of_the_first_rounds_are_long_enough_to_see():
    """Half of them over 8 pixels of a plane of 480, and none leaves its bound."""
    session = Session("five-gaussians")
    for step in (1, 20, 100):
        session.go(step - session.step)
        push = session.frame.layers["push"]
        assert isinstance(push, Arrows)
        pixels = 240 * np.hypot(*push.uv.T) / 1.7
        assert np.median(pixels) > 8
        assert pixels.max() <= 0.25 * 240 + 1e-6

"""The lab's widgets, driven as a front end drives them: through the values of their traits."""

import html
import io
import pickle
import re
import threading
from typing import Any

import numpy as np
import pytest
from PIL import Image

import gan_teach as gt
from gan_teach import lab as package
from gan_teach.lab import PRESETS, Lab, Session, own_data
from gan_teach.lab.config import DATA, opening, outlook, typical
from gan_teach.lab.frame import TELLS, Field, shades
from gan_teach.lab.picture import draw

pytest.importorskip("ipywidgets")

from gan_teach.lab.panel import Panel


@pytest.fixture
def real_pictures():
    """For tests that look at pixels."""


@pytest.fixture(autouse=True)
def quick_pictures(request, monkeypatch):
    """Matplotlib takes a fifth of a second for a picture: what is tested here is when and of what
    one is made, so that a picture's numbers stand for it where no test looks at its pixels."""
    if "real_pictures" not in request.fixturenames:
        monkeypatch.setattr("gan_teach.lab.panel.png", lambda frame: pickle.dumps(frame))


def pixels(panel):
    panel.view.controls[0].playing = False  # the picture of a run that stands still is exact
    return np.asarray(Image.open(io.BytesIO(panel.view.value)).convert("RGB")).astype(int)


def play(panel, counts=1, pause=True):
    """Twice as many counts of Play; words and controls are sure to be set after a pause."""
    panel.view.controls[0].playing = True
    for _ in range(2 * counts):
        panel.view.controls[0].value += 1
    if pause:
        panel.view.controls[0].playing = False


def type_in(control, value):
    """What a learner types into a box, or chooses from a list."""
    control.value.value = str(value)


def test_each_count_of_play_is_a_tick_and_a_picture():
    panel = Panel(Session("normal"))
    panel.speed.value = 1
    seen = [panel.view.value]
    panel.view.observe(lambda change: seen.append(change["new"]), names="value")
    play(panel, 3)
    assert panel.session.step == 6
    assert len(set(map(bytes, seen))) == 7
    assert panel.moment.value.value == "6"
    assert panel.replay.value == "normal,draws=2/6"
    assert "Round 6:" in panel.narration.value


def test_words_and_controls_follow_a_playing_picture_twice_a_second(monkeypatch):
    panel, clock = Panel(Session("dirac")), 100.0
    monkeypatch.setattr("gan_teach.lab.panel.time.perf_counter", lambda: clock)
    panel.speed.value = 1
    panel.view.controls[0].playing = True  # a pause or a start is followed at once
    seen = panel.narration.value, panel.replay.value, panel.moment.value.value
    clock += 0.4
    play(panel, 2, pause=False)
    assert panel.session.step == 4
    assert (panel.narration.value, panel.replay.value, panel.moment.value.value) == seen
    type_in(panel.knobs["noise"], 0.5)  # and so is a learner's own act
    assert panel.replay.value == "dirac,draws=2/4,noise=0.5"
    assert "Round 4:" in panel.narration.value
    clock += 0.4
    play(panel, pause=False)
    assert "Round 4:" in panel.narration.value
    clock += 0.2
    play(panel, pause=False)
    assert "Round 7:" in panel.narration.value
    panel.view.stop()
    assert "Round 8:" in panel.narration.value
    assert panel.moment.value.value == "8"


def test_pause_stops_the_run_and_the_square_button_does_not_start_it():
    panel = Panel(Session("normal"))
    play(panel, 3)
    reached = panel.session.step
    panel.view.controls[0].playing = False
    panel.view.controls[0].value += 1  # on its way when an interrupt stopped it
    panel.view.controls[0].value = 0  # what the square button does
    assert panel.session.step == reached
    assert 'role="status"' in panel.narration.value  # read out now that it stands still


def test_speed_is_a_limit_and_slow_updates_lower_the_pace(monkeypatch):
    panel = Panel(Session("normal"))
    panel.speed.value = 50
    clock = iter(np.arange(1000) * 0.6)  # each tick is measured to take ten times its share
    monkeypatch.setattr("gan_teach.lab.panel.time.perf_counter", lambda: next(clock))
    panel._pace = 40.0
    play(panel)
    assert panel.session.step == 40 + 4
    play(panel)
    assert panel.session.step == 44 + 1 + 1
    clock = iter(np.zeros(1000))
    before = panel.session.step
    for _ in range(6):
        play(panel)
    assert panel.session.step - before > 60


def test_a_run_is_loaded_by_enter_and_says_how_long_it_takes():
    panel, said = Panel(Session("normal")), []
    panel.message.observe(lambda change: said.append(change["new"]), "value")
    panel.wanted.value = "noisy,draws=2/7"
    assert panel.session.start.preset == "normal"
    panel.wanted._handle_custom_msg({"event": "submit"}, [])  # what a browser sends
    assert (panel.session.replay, panel.replay.value) == 2 * ("noisy,draws=2/7",)
    assert [re.sub("<.*?>", "", one) for one in said] == [
        "Repeating 7 rounds.", "Loaded noisy,draws=2/7.",
    ]  # fmt: skip


MOVES = {
    "d_steps": 7, "g_steps": 3, "lr": 0.03, "tau": 4.0, "noise": 0.75, "loss": "hinge",
    "optimizer": "adam", "penalty": "r1", "weight": 0.2, "noise_kind": "independent", "batch": 4,
    "smoothing": 0.9,
}  # fmt: skip


@pytest.mark.parametrize("name", MOVES)
def test_a_moved_control_turns_its_knob(name):
    panel = Panel(Session("normal"))
    panel.session.tick(2)
    type_in(panel.knobs[name], MOVES[name])
    assert getattr(panel.session.config, name) == pytest.approx(MOVES[name])
    if name == "lr":  # D's own rate stays
        config = panel.session.config
        assert config.tau * config.lr == pytest.approx(0.1)
    else:
        assert len(panel.session._plan[2]) == 1
    play(panel)
    assert Session(panel.replay.value).step == panel.session.step


def test_rates_follow_each_other():
    panel = Panel(Session("normal"))
    type_in(panel.knobs["d_lr"], 0.02)
    assert panel.session.config.tau == pytest.approx(0.2)
    assert panel.knobs["tau"].value.value == "0.2"
    slider = panel.knobs["tau"].slider
    assert slider.value == pytest.approx(0.2)
    slider.value = 10.0
    assert panel.session.config.tau == 10.0
    assert panel.knobs["d_lr"].value.value == "1"


def test_a_mistake_is_said_and_the_control_returns():
    panel = Panel(Session("normal", smoothing=0.9))
    play(panel)
    type_in(panel.knobs["loss"], "hinge")
    assert "label_smoothing=0.9 needs a loss with labels" in panel.message.value
    assert panel.knobs["loss"].value.value == "saturating"
    assert not panel.view.controls[0].playing
    panel.load("noisy,d_steps=-3")
    assert "d_steps must be a whole number" in panel.message.value
    assert panel.session.config.preset == "normal"


def test_buttons_step_and_reset():
    panel = Panel(Session("normal"))
    for name in ("d", "g", "round"):
        panel.buttons[name].click()
    assert panel.session.step == 3
    assert panel.replay.value == "normal,draws=2/0,turn=d/1,turn=g/2,turn=both/3"
    panel.buttons["reset"].click()
    assert panel.replay.value == "normal"


def test_time_slider_goes_back_and_forth():
    panel = Panel(Session("normal"))
    play(panel, 8)
    reached, picture = panel.session.step, panel.view.value
    type_in(panel.moment, 2)
    assert panel.session.step == 2
    assert panel.moment.slider.max == reached
    assert panel.view.value != picture
    panel.moment.slider.value = reached
    assert panel.view.value == picture


def test_seed_and_preset_start_anew():
    panel = Panel(Session("normal"))
    play(panel, 2)
    type_in(panel.knobs["seed"], 4)
    assert panel.replay.value == "normal,seed=4"
    type_in(panel.preset, "stronger-discriminator")
    assert panel.replay.value == str(opening("stronger-discriminator"))
    panel.buttons["seed"].click()
    seed = typical("stronger-discriminator")["seed"]
    assert panel.replay.value == f"stronger-discriminator,seed={seed + 1}"
    assert panel.knobs["d_steps"].value.value == "100"
    panel.wanted.value = "noisy,d_steps=5,draws=2/6"
    next(w for w in panel._replay_rows[1].children if w.description == "Load").click()
    assert panel.session.step == 6
    assert panel.preset.value.value == "noisy"


def turn_over(box):
    box.value.value = not box.value.value


def test_another_world_makes_no_control_anew():
    """A page keeps every widget that it was ever sent."""
    from ipywidgets.widgets.widget import _instances

    panel = Panel(Session("normal"))
    for name in (*PRESETS, "normal"):  # what the layers of a world are called first
        panel.load(name)
    made = {*_instances}
    knobs = panel.knobs
    for name in ("spirals", "dirac", "digits", "normal"):
        panel.load(name)
    assert {*_instances} == made
    assert panel.knobs == knobs
    assert panel.knobs["data"].value.options == tuple(2 * (w,) for w in DATA["line"])


@pytest.mark.slow
@pytest.mark.usefixtures("real_pictures")
@pytest.mark.parametrize("name", ["five-gaussians", "dirac-r1"])
def test_every_kind_of_game_has_its_own_controls_and_picture(name):
    panel = Panel(Session("normal"))
    assert "width" not in panel.knobs
    type_in(panel.preset, name)
    assert ("width" in panel.knobs) == (name != "dirac-r1")
    panel.speed.value = 1
    play(panel, 2)
    assert panel.session.step == 4
    seen = [pixels(panel)]
    for box in panel.layers.values():  # each can be shown and hidden
        turn_over(box)
        seen.append(pixels(panel))
        assert (seen[-1] != seen[-2]).any()
    for box in panel.layers.values():
        turn_over(box)
    assert (pixels(panel) == seen[0]).all()
    type_in(panel.preset, "normal")
    play(panel)
    assert panel.session.config.preset == "normal"


def test_other_data_start_anew_and_are_drawn():
    panel = Panel(Session("five-gaussians", width=8))
    play(panel, 2)
    type_in(panel.knobs["data"], "spirals")
    assert panel.replay.value == "five-gaussians,data=spirals,width=8"
    assert "modes" not in panel.layers
    play(panel, 2)
    assert "no modes to count" in panel.narration.value


def test_numbers_of_steps_are_locked_under_rules_that_have_none():
    panel = Panel(Session("dirac"))
    assert panel.knobs["d_steps"].value.disabled
    type_in(panel.knobs["rule"], "alternating")
    assert not panel.knobs["d_steps"].value.disabled


@pytest.mark.slow
def test_a_kernel_with_threads_turns_knobs_between_updates():
    """Kernels answer widgets in several threads: the text of the run must stay true."""
    panel = Panel(Session("normal"))
    player = threading.Thread(target=lambda: [panel.tick() for _ in range(60)])
    player.start()
    for steps in range(2, 22):
        panel.turn(d_steps=steps)
    player.join()
    assert panel.session.config.d_steps == 21  # none was lost
    again = Session(panel.session.replay)
    np.testing.assert_array_equal(again.history["params"][-1], panel.session.history["params"][-1])


@pytest.mark.slow
@pytest.mark.usefixtures("real_pictures")
def test_layers_can_be_hidden():
    panel = Panel(Session("normal"))
    play(panel, 3)
    full = pixels(panel)
    panel.layers["real"].value.value = False
    without = pixels(panel)
    gone = np.abs(full - without).sum(-1) > 60
    assert 50 < gone.sum() < 0.02 * gone.size
    panel.layers["real"].value.value = True
    assert (pixels(panel) == full).all()


def test_numbers_beyond_a_slider_can_be_typed():
    panel = Panel(Session("normal"))
    control = panel.knobs["d_steps"]
    type_in(control, 120)
    assert panel.session.config.d_steps == 120
    assert control.slider.value == control.slider.max == 50
    type_in(control, -4)
    assert "d_steps must be a whole number from 0 to 200, got &#x27;-4&#x27;" in panel.message.value
    assert control.value.value == "120"
    type_in(panel.moment, 99)
    assert "at most 0" in panel.message.value
    assert panel.moment.value.value == "0"


def test_every_control_has_a_name():
    panel = Panel(Session("normal"))
    unnamed, named = [], []
    todo = [panel.box]
    while todo:
        widget = todo.pop()
        todo += getattr(widget, "children", ())
        if "value" in widget.keys or "playing" in widget.keys:
            name = getattr(widget, "description", "") or (getattr(widget, "tooltip", "") or "")
            kind = type(widget).__name__
            # HTML are words, an Image is told in them, Play is a hidden clock
            if kind not in ("HTML", "ImageView", "Play"):
                (named if name else unnamed).append((kind, name))
    assert not unnamed
    assert len({name for _, name in named}) >= 25


@pytest.mark.slow
def test_a_lab_in_a_notebook_is_a_widget_with_a_film_strip_for_paper():
    shown = Lab("noisy", d_steps=3)
    bundle = shown._repr_mimebundle_()
    assert "model_id" in bundle[package.WIDGET]
    html = bundle["text/html"]
    assert re.match(r'<img alt="Film strip of a live picture\. Round 0: D\(x\) = ', html)
    assert bundle["text/plain"].count("Round") == 1  # a learner waits for no round
    assert Lab("noisy", d_steps=3)._repr_mimebundle_()["text/html"] == html
    shown.session.tick(5)
    later = shown._repr_mimebundle_()["text/plain"]
    assert later.count("Round") == 4
    assert "Round 5: V" in later
    assert repr(shown) == "Lab('noisy,d_steps=3,draws=2/5')"
    assert shown.history.steps[-1] == 5


def test_without_ipywidgets_the_strip_remains(monkeypatch):
    monkeypatch.setattr("gan_teach.lab.find_spec", lambda name: name == "matplotlib")
    shown = Lab("normal")
    bundle = shown._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    assert bundle["text/plain"].count("Round") == 4
    assert shown.session.step == 0  # the strip is of a run of its own
    with pytest.raises(ImportError, match=r"pip install 'gan-teach\[course\]'"):
        _ = shown.panel


def test_the_public_name_opens_a_run_from_its_string():
    assert gt.Lab is Lab
    shown = gt.Lab("noisy,d_steps=4,draws=2/7", lr=0.05)
    assert shown.replay == "noisy,d_steps=4,lr=0.05,draws=2/7"
    with pytest.raises(ValueError, match="preset must be one of"):
        gt.Lab("noise")


@pytest.mark.parametrize(
    "text", ["normal,draws=2/40", "five-gaussians,width=8,draws=2/40", "dirac,draws=2/40"]
)
def test_a_picture_has_a_panel_for_each_part_with_its_newest_point(text):
    frame = Session(text).picture()
    main, *others = draw(frame).axes
    legend = main.get_legend()
    assert legend is not None
    names = {text.get_text() for text in legend.get_texts()}
    assert names == {layer.label for layer in frame.layers.values() if layer.role != "field"}
    titles = [ax.get_title() for ax in others]
    charts = [f"{c.title} ({c.unit})" if c.unit else c.title for c in frame.charts]
    assert titles == [*charts, *([frame.disc.title] if frame.disc else [])]
    for ax, chart in zip(others, frame.charts, strict=False):
        lengths = [np.size(line.get_xdata()) for line in ax.lines]
        assert len([n for n in lengths if n > 2]) == len(chart.curves)
        for curve in chart.curves:
            x, y = curve.xy[-1]
            (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
            assert left <= x <= right
            assert low <= y <= high


@pytest.mark.slow
def test_a_field_lies_where_its_probabilities_are():
    frame = Session("five-gaussians,width=8,draws=2/10").frame
    field = frame.layers["field"]
    assert isinstance(field, Field)
    (image,) = draw(frame).axes[0].images
    np.testing.assert_array_equal(image.get_array(), field.values)
    assert (image.origin, tuple(image.get_extent())) == ("lower", field.extent)
    colors = image.to_rgba(np.array([[0.0, 1.0]]), bytes=True)[0, :, :3]
    np.testing.assert_array_equal(colors, shades()[[0, -1]])


@pytest.mark.slow
@pytest.mark.usefixtures("real_pictures")
def test_a_diverged_run_is_drawn():
    panel = Panel(Session("normal", lr=100.0, loss="least_squares"))
    panel.session.tick(80)
    panel.show()
    assert "diverged" in panel.narration.value
    play(panel, 2)


@pytest.mark.parametrize(
    ("name", "text"),
    [("d_steps", "3.7"), ("d_steps", "1e2"), ("seed", "3.7"), ("batch", "0"), ("noise", "0,5"),
     ("noise", "1e99"), ("lr", "nan"), ("tau", ""), ("d_lr", "-0.1")],
)  # fmt: skip
def test_what_a_box_does_not_accept_is_refused_and_the_box_returns(name, text):
    panel = Panel(Session("normal"))
    control, before = panel.knobs[name], panel.session.replay
    shown = control.value.value
    type_in(control, text)
    assert panel.session.replay == before
    assert control.value.value == shown
    assert " must be a" in panel.message.value


@pytest.mark.parametrize("text", ["0.3", " .3", "3e-1", "3E-1 "])
def test_a_box_accepts_a_number_as_people_write_it(text):
    panel = Panel(Session("normal"))
    type_in(panel.knobs["noise"], text)
    assert panel.session.config.noise == 0.3


def test_what_a_turned_knob_does_stays_said_while_the_run_plays():
    panel = Panel(Session("normal"))
    play(panel, pause=False)
    type_in(panel.knobs["noise"], 0.5)
    play(panel, 5, pause=False)
    assert "on: Instance noise 0.5" in panel.message.value
    panel.buttons["round"].click()
    assert panel.message.value == ""


def test_no_menu_shows_a_name_that_only_a_text_knows():
    panel = Panel(Session("five-gaussians", width=8))
    shown = [words for words, _ in panel.knobs["optimizer"].value.options]
    assert "Adam without momentum" in shown
    assert "adam0" not in shown
    assert panel.session.config.optimizer == panel.knobs["optimizer"].value.value == "adam0"


def within(widget):
    return [widget, *(x for child in getattr(widget, "children", ()) for x in within(child))]


def press(panel, label):
    next(w for w in within(panel.box) if getattr(w, "description", "") == label).click()


@pytest.mark.parametrize("name", ["normal", "five-gaussians", "dirac"])
def test_a_sentence_tells_each_layer_that_is_shown(name):
    panel = Panel(Session(name))
    for layer, box in panel.layers.items():
        assert (TELLS[layer] in html.unescape(panel.legend.value)) == box.value.value
        turn_over(box)
        assert (TELLS[layer] in html.unescape(panel.legend.value)) == box.value.value


@pytest.mark.parametrize(
    "leave",
    [
        lambda panel: panel.load("five-gaussians,width=8,draws=2/60"),
        lambda panel: panel.buttons["seed"].click(),
        lambda panel: type_in(panel.knobs["width"], 9),
        lambda panel: panel.attempt(lambda: panel.session.set(data="spirals")),
    ],
    ids=["load", "seed", "width", "data"],
)
def test_what_was_said_of_a_run_goes_with_it(leave):
    panel = Panel(Session("five-gaussians,width=8,draws=2/60"))
    panel.watch = lambda items, total: iter(items)
    labels = (
        "Examine this run",
        "Start a twin",
        "Tell the next round",
        "Show it here",
        "Numbers (NPZ)",
    )
    texts = [w for w in within(panel.box)
             if type(w).__name__ in ("HTML", "Textarea") and not w.value]  # fmt: skip
    for label in labels:
        press(panel, label)
    assert sum(w.value != "" for w in texts) >= 8
    leave(panel)
    panel.message.value = ""
    assert [w.value for w in texts if w.value] == []
    able = {w.description: not w.disabled for w in within(panel.box) if hasattr(w, "on_click")}
    acts = ("Try", "No remedy yet", "Both: 10 rounds", "Go on with the twin", "Next scene")
    assert not any(able.get(name) for name in acts)


def test_how_often_a_preset_ends_well_is_told_while_it_is_the_preset():
    panel = Panel(Session("noisy"))
    assert outlook(PRESETS["noisy"]) in html.unescape(panel.legend.value)
    play(panel)
    panel.buttons["seed"].click()
    assert panel.replay.value == "noisy,seed=1"
    assert outlook(PRESETS["noisy"]) in html.unescape(panel.legend.value)
    type_in(panel.knobs["d_steps"], 3)
    assert "runs of this preset" not in panel.legend.value


def test_a_drawing_is_typed_where_there_are_data_to_draw():
    panel = Panel(Session("five-gaussians", width=8))
    panel.strokes.value = "0 0, 1 1\n-1 0.5"
    press(panel, "Use these strokes")
    assert panel.session.config.data == own_data.of_text("0 0, 1 1\n-1 0.5", 1.7)
    panel.strokes.value = "0 0 1"
    press(panel, "Use these strokes")
    assert "numbers in pairs" in panel.message.value
    assert panel.session.config.data.startswith("drawn:")
    assert panel._drawing.layout.display == ""
    for name in ("normal", "dirac"):
        assert Panel(Session(name))._drawing.layout.display == "none"


def test_an_interrupt_ends_what_is_being_made_and_the_bar_goes():
    panel = Panel(Session("dirac,draws=2/6"))
    seen = []

    def count(change):
        seen.append((change["new"], panel.bar.layout.display))
        if change["new"] == 3:
            panel.interrupt()

    panel.bar.observe(count, names="value")
    press(panel, "Recording (HTML)")
    assert seen == [(1, ""), (2, ""), (3, "")]
    assert (panel.bar.max, panel.bar.layout.display) == (7, "none")
    assert "Interrupted: the run stands at round 6" in panel.message.value
    export: Any = panel.folds[-1]
    assert export.links.value == ""
    panel.bar.unobserve(count, names="value")
    press(panel, "Recording (HTML)")  # the next one is made to its end
    assert "Save dirac-6.html" in export.links.value
    assert panel.message.value == ""
    assert panel.session.step == 6

"""Moving pictures show what the still ones show, and files are complete or absent."""

# matplotlib's stubs give unions (a figure or a subfigure, a line or an array of them):
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportOptionalMemberAccess=false, reportOperatorIssue=false
# pyright: reportGeneralTypeIssues=false

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

import tutorial_run
from gan_teach import plots
from gan_teach.history import History
from gan_teach.plots import animation, curves, style


@pytest.fixture(scope="module")
def history():
    return tutorial_run.run(60)


def orange_or_white(ax, history):
    """A panel that fills its axes: orange at even records, white at odd ones."""
    ax.set_axis_off()
    block = ax.axvspan(0, 1, color=style.FAKE)
    number = ax.set_title("")

    def draw(i):
        block.set_color("white" if history.steps[i] % 2 else style.FAKE)
        number.set_text(f"step {history.steps[i]}")
        return [block, number]

    return draw


def middle(rgb):
    rgb = np.asarray(rgb)
    return rgb[rgb.shape[0] // 2, rgb.shape[1] // 2].tolist()


ORANGE = [int(style.FAKE[k : k + 2], 16) for k in (1, 3, 5)]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, list(range(61))),
        ({"max_frames": 4}, [0, 20, 40, 60]),
        ({"max_frames": 1}, [60]),
    ],
)
def test_animate_chooses_records_and_always_the_last(history, settings, expected):
    film = animation.animate(history, [curves.objective_panel], **settings)
    assert film.frames.tolist() == expected
    assert len(film) == len(expected)


def test_gif_has_the_frames_the_colors_and_the_speed(tmp_path, history):
    film = animation.animate(history, [orange_or_white], fps=25, max_frames=13)
    path = film.save(tmp_path / "run.gif", progress=False)
    with Image.open(path) as gif:
        assert gif.n_frames == len(film) == 13
        assert gif.info["duration"] == 40
        assert gif.info["loop"] == 0
        for k in range(13):
            gif.seek(k)
            rgb = np.asarray(gif.convert("RGB"))
            assert middle(rgb) == (ORANGE if k % 2 == 0 else [255, 255, 255])
            assert rgb[-1, -1].tolist() == [255, 255, 255]
            drawn = film.picture(k).astype(int)
            assert np.abs(rgb - drawn).mean() < 1  # a palette, but the same picture
    assert [p.name for p in tmp_path.iterdir()] == ["run.gif"]


def test_a_failed_save_leaves_the_old_file(tmp_path, history, monkeypatch):
    film = animation.animate(history, [orange_or_white], max_frames=3)
    path = film.save(tmp_path / "run.gif", progress=False)
    before = path.read_bytes()
    calls = iter([film.picture(0)] * 4)

    def picture(k):
        return next(calls)  # runs out in the middle of the file

    monkeypatch.setattr(film, "picture", picture)
    with pytest.raises(RuntimeError, match="StopIteration"):
        film.save(path, progress=False)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["run.gif"]


def test_save_shows_progress(tmp_path, history, capsys):
    film = animation.animate(history, [orange_or_white], max_frames=3)
    film.save(tmp_path / "run.gif")
    assert "3/3" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"fps": 60}, "fps must be at least 1 and at most 50, got 60"),
     ({"fps": 0}, "fps must be at least 1"), ({"max_frames": 0}, "max_frames")],
)  # fmt: skip
def test_animate_checks_its_settings_at_the_call(history, settings, message):
    with pytest.raises(ValueError, match=message):
        animation.animate(history, [orange_or_white], **settings)


def test_save_knows_one_suffix(tmp_path, history):
    film = animation.animate(history, [orange_or_white], max_frames=2)
    with pytest.raises(ValueError, match=r"one of \.gif; got '\.mp4'"):
        film.save(tmp_path / "run.mp4")


def test_panels_are_found_from_what_was_recorded(history):
    assert animation.default_panels(history)[0] is plots.picture_panel
    only = History([0, 1], {"objective": [0.0, 1.0]})
    assert animation.default_panels(only) == [curves.objective_panel]
    with pytest.raises(
        ValueError, match="none of fake, objective, g_grad, eigenvalues was recorded"
    ):
        animation.animate(History([0], {"params": [[1.0]]}))


def block_under_its_legend(ax, history):
    """A panel that moves below a legend within the axes."""
    draw = orange_or_white(ax, history)
    ax.legend(ax.patches, ["a block that is orange or white"], loc="center", frameon=True)
    return draw


@pytest.mark.parametrize(
    "panel", [plots.picture_panel, curves.eigenvalues_panel, block_under_its_legend]
)
def test_a_frame_over_a_stored_background_is_the_full_drawing(history, panel):
    """The oracle draws everything anew, from a figure of its own, with the layout engine on."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    film = animation.animate(history, [panel])
    for i in (50, 7, 33):
        figure, draw = animation.stage(history, [panel])
        figure.set_dpi(80)
        with style.use():
            canvas = FigureCanvasAgg(figure)
            draw(60)  # the last record, on which the film's layout was made
            style.settle(figure)
            figure.set_layout_engine("none")
            draw(i)
            canvas.draw()
        full = np.asarray(canvas.buffer_rgba())[..., :3].astype(int)
        different = (np.abs(full - film.picture(i)) > 3).any(axis=2)
        assert different.mean() < 0.002  # where a moving curve crosses the frame of the axes


def test_frames_do_not_depend_on_the_order_of_drawing(history):
    film = animation.animate(history, [plots.picture_panel, curves.objective_panel])
    first = film.picture(40)
    film.picture(3)
    np.testing.assert_array_equal(film.picture(40), first)
    assert (film.picture(3) != first).any()


@pytest.mark.slow
def test_a_diverged_run_can_be_filmed(tmp_path):
    broken = tutorial_run.run(20, blow_up=10)
    film = animation.animate(broken, max_frames=4)
    film.save(tmp_path / "run.gif", progress=False)
    assert animation.narrate(broken) == "Round 20 of 20: diverged at round 10."


def test_narrate_reads_out_the_record(history):
    text = animation.narrate(history, 30)
    assert text.startswith("Round 30 of 60: V = −")
    numbers = [float(n.replace("−", "-")) for n in re.findall(r"−?\d+\.\d+", text)]
    expected = [history["objective"][30], -2 * np.log(2), history["d_real"][30]]
    np.testing.assert_allclose(numbers[:3], expected, atol=5e-3)
    fake, real = history["fake"][30], history.static["real"]
    moments = [fake.mean(), fake.std(), real.mean(), real.std()]
    np.testing.assert_allclose(numbers[-4:], moments, atol=5e-3)
    assert "gradient" not in animation.narrate(history, 0)


def test_players_slider_changes_picture_and_words(history):
    widget = animation.player(history, [plots.picture_panel])
    seen = []
    for i in (0, 30, 60, 30):
        widget.slider.value = i
        seen.append((widget.image.value, widget.caption.value))
        assert f"Round {i} of 60" in widget.caption.value
    assert len({picture for picture, _ in seen}) == 3
    assert seen[1] == seen[3]
    film = animation.animate(history, [plots.picture_panel])
    with Image.open(io.BytesIO(seen[1][0])) as shown:
        np.testing.assert_array_equal(np.asarray(shown), film.picture(30))


def test_player_is_named_and_quiet_while_it_plays(history):
    widget = animation.player(history, [curves.objective_panel])
    assert widget.slider.description == "Record (by round)"
    assert (len(widget.slider.options), widget.play.max) == (61, 60)
    assert widget.children[0].children == (widget.play, widget.slider)
    widget.slider.value = 5
    assert 'role="status"' in widget.caption.value
    widget.play.playing = True
    widget.slider.value = 6
    assert "role" not in widget.caption.value


def test_widgets_leave_a_still_where_no_kernel_runs(history):
    bundle = animation.player(history, [plots.picture_panel], n=[0, 30])._repr_mimebundle_()
    strip = animation.film_strip(history, [plots.picture_panel], n=[0, 30])
    assert bundle["text/html"] == strip._repr_mimebundle_()["text/html"]
    assert any("widget-view" in kind for kind in bundle)

    def draw(value):
        return np.full((40, 60, 3), value, dtype=np.uint8)

    bundle = animation.chooser(draw, [10, 20], label="level", start=20)._repr_mimebundle_()
    assert 'alt="The picture for level 20."' in bundle["text/html"]
    picture = base64.b64decode(bundle["text/html"].partition("base64,")[2].partition('"')[0])
    with Image.open(io.BytesIO(picture)) as shown:
        np.testing.assert_array_equal(np.asarray(shown), draw(20))
    bundle = animation.chooser(draw, [10], label="level", alt="A dark field.")._repr_mimebundle_()
    assert bundle["text/plain"] == "A dark field."


def test_player_keeps_its_pictures(history):
    drawn = []

    def counting(ax, run):
        draw = curves.objective_panel(ax, run)
        return lambda i: (drawn.append(i), draw(i))[1]

    widget = animation.player(history, [counting])
    drawn.clear()
    for i in (4, 9, 4, 9):
        widget.slider.value = i
    assert drawn == [4, 9]


def test_film_strip_shows_evenly_spaced_moments(history, monkeypatch):
    figures = []
    monkeypatch.setattr(style, "image", lambda figure, alt, dpi: figures.append((figure, alt)))
    animation.film_strip(history, [plots.picture_panel, curves.objective_panel], n=4)
    ((figure, alt),) = figures
    titles = [ax.get_title("left") for ax in figure.axes[:4]]
    assert titles == ["round 0", "round 20", "round 40", "round 60"]
    for ax, i in zip(figure.axes[4:], (0, 20, 40, 60), strict=True):
        (curve,) = (line for line in ax.lines if line.get_label() == "objective V")
        np.testing.assert_array_equal(curve.get_ydata(), history["objective"][: i + 1])
    for i in (0, 20, 40, 60):
        assert animation.narrate(history, i) in alt


def test_film_strip_shows_the_steps_that_are_named(history, monkeypatch):
    figures = []
    monkeypatch.setattr(style, "image", lambda figure, alt, dpi: figures.append(figure))
    animation.film_strip(history, [curves.objective_panel], n=[0, 3, 3, 55, 10_000], alt="words")
    titles = [ax.get_title("left") for ax in figures[0].axes]
    assert titles == ["round 0", "round 3", "round 55", "round 60"]
    with pytest.raises(TypeError, match="step must be"):
        animation.film_strip(history, n=[0, "last"], alt="words")  # pyright: ignore


def test_film_strip_takes_words_and_needs_some(history):
    image = animation.film_strip(history, n=2, alt="The points walk to the right.")
    assert image is not None
    assert image.alt == "The points walk to the right."
    with pytest.raises(ValueError, match="alt must be"):
        animation.film_strip(history, n=2, alt=" ")

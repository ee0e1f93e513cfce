"""The style stays inside its block, and figures reach a page small, repeatable and with words."""

# matplotlib's stubs give unions (a figure or a subfigure, a line or an array of them):
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportOptionalMemberAccess=false, reportOperatorIssue=false
# pyright: reportGeneralTypeIssues=false

import base64
import io
import re

import matplotlib as mpl
import matplotlib.colors
import numpy as np
import pytest
from PIL import Image

import tutorial_run
from gan_teach.plots import curves, style
from gan_teach.plots._panel import plot


def drawing():
    ax = style.axes()
    ax.plot([0, 1, 2], [3, 1, 2], color=style.GENERATOR)
    return ax


def test_importing_and_drawing_leave_the_users_settings_alone():
    before = dict(mpl.rcParams)
    with style.use():
        assert mpl.rcParams["axes.spines.top"] is False
    drawing()
    assert dict(mpl.rcParams) == before


def test_the_palette_is_petroffs_as_matplotlib_has_it():
    cycle = mpl.style.library["petroff10"]["axes.prop_cycle"].by_key()["color"]
    assert [c.lower() for c in cycle] == list(style.PALETTE)


def test_the_style_does_not_depend_on_the_users_settings():
    history = tutorial_run.run(20)
    plain = style.show(plot(curves.gradients_panel, history), "a run", dpi=40)
    with mpl.rc_context({"font.size": 30, "lines.linewidth": 9, "axes.facecolor": "black"}):
        ax = plot(curves.gradients_panel, history)
    with mpl.rc_context({"ytick.labelsize": 30, "savefig.facecolor": "red"}):
        assert style.show(ax, "a run", dpi=40) == plain


def test_colors_with_a_meaning_are_told_apart_without_color():
    assert len({style.REAL, style.FAKE, style.DISCRIMINATOR, style.GENERATOR, style.LATENT}) == 5
    assert len({style.REAL_MARKER, style.FAKE_MARKER, style.LATENT_MARKER}) == 3
    assert len(set(map(str, style.DASHES))) == len(style.DASHES)
    luminance = [np.dot([0.2126, 0.7152, 0.0722], matplotlib.colors.to_rgb(c)) for c in style.LINES]
    assert max(luminance) < 0.55  # dark enough for white paper


def test_show_writes_the_alternative_text_and_escapes_it():
    image = style.show(drawing(), 'V falls: "a < b" & stays')
    assert image is not None
    page = image._repr_mimebundle_()["text/html"]
    assert 'alt="V falls: &quot;a &lt; b&quot; &amp; stays"' in page
    assert image._repr_mimebundle_()["text/plain"] == 'V falls: "a < b" & stays'
    found = re.search(r"base64,([^\"]+)", page)
    assert found is not None
    assert base64.b64decode(found[1]) == image.data


@pytest.mark.parametrize("alt", ["", "  \n", None])
def test_show_wants_alternative_text(alt):
    with pytest.raises(ValueError, match="alt must be a sentence"):
        style.show(drawing(), alt)


def test_show_wants_a_figure():
    with pytest.raises(TypeError, match="Figure or Axes, got list"):
        style.show([1, 2], "a list")


def test_show_is_deterministic_small_and_free_of_metadata():
    first, second = (style.show(drawing(), "a line") for _ in range(2))
    assert first is not None
    assert first == second
    assert re.findall(rb"tEXt|iTXt|zTXt|tIME", first.data) == []
    with Image.open(io.BytesIO(first.data)) as picture:
        assert picture.mode == "P"
        assert picture.size == (1008, 604)  # 7 by 4.2 inches at 144 dots per inch
    raw = io.BytesIO()
    drawing().figure.savefig(raw, dpi=144)
    assert len(first.data) < 0.8 * len(raw.getvalue())


def test_show_keeps_white_and_the_librarys_colors_exactly():
    ax = style.axes()
    ax.axvspan(0.2, 0.8, color=style.FAKE)
    ax.set_axis_off()
    image = style.show(ax, "an orange block")
    assert image is not None
    with Image.open(io.BytesIO(image.data)) as picture:
        rgb = np.asarray(picture.convert("RGB"))
    assert rgb[0, 0].tolist() == [255, 255, 255]
    middle = rgb[rgb.shape[0] // 2, rgb.shape[1] // 2]
    assert middle.tolist() == [round(255 * v) for v in matplotlib.colors.to_rgb(style.FAKE)]


def test_show_closes_a_pyplot_figure():
    import matplotlib.pyplot as plt

    figure, _ = plt.subplots()
    assert plt.fignum_exists(figure.number)
    style.show(figure, "empty axes")
    assert not plt.fignum_exists(figure.number)


def test_in_a_notebook_the_image_is_displayed_and_not_returned(monkeypatch):
    import IPython
    import IPython.display

    shown = []
    monkeypatch.setattr(IPython, "get_ipython", object)
    monkeypatch.setattr(IPython.display, "display", shown.append)
    assert style.show(drawing(), "a line") is None
    assert [image.alt for image in shown] == ["a line"]


def test_reduce_colors_takes_the_nearest_color():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (12, 9, 3), dtype=np.uint8)
    colors = rng.integers(0, 256, (20, 3), dtype=np.uint8)
    found = np.asarray(style.reduce_colors(image, colors).convert("RGB"))
    for pixel, chosen in zip(image.reshape(-1, 3), found.reshape(-1, 3), strict=True):
        distance = np.linalg.norm(colors.astype(float) - pixel, axis=1)
        assert np.isclose(np.linalg.norm(chosen.astype(float) - pixel), distance.min())


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "figures" / "a.png"
    style.save(drawing(), path)
    complete = path.read_bytes()
    assert complete == style.png(drawing())

    def fail():
        with style.replacing(path) as partial:
            partial.write_bytes(b"half")
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        fail()
    assert path.read_bytes() == complete
    assert [p.name for p in path.parent.iterdir()] == ["a.png"]

"""The slider over drawn figures, without a browser."""

import io

import pytest

from gan_teach.plots import animation, style

pytest.importorskip("ipywidgets")


def drawing(calls):
    def draw(value):
        calls.append(value)
        ax = style.axes(None, (2.0 + value, 2.0))
        ax.plot([0, value])
        return ax

    return draw


def width(box):
    from PIL import Image

    return Image.open(io.BytesIO(box.image.value)).width


def test_the_picture_follows_the_slider_and_is_drawn_once():
    calls = []
    box = animation.chooser(
        drawing(calls), [1, 2, 3], label="tau", describe=lambda v: f"tau < {v}", start=2
    )
    assert calls == [2]
    assert width(box) == 4.0 * 80
    box.slider.value = 3
    assert width(box) == 5.0 * 80
    assert 'role="status">tau &lt; 3<' in box.caption.value
    box.slider.value = 2
    assert calls == [2, 3]
    assert width(box) == 4.0 * 80


def test_a_start_that_is_no_value_is_refused():
    from traitlets import TraitError

    with pytest.raises(TraitError, match="value not found"):
        animation.chooser(drawing([]), [1, 2], label="tau", start=5)


def test_a_drawing_that_is_no_figure_is_named():
    with pytest.raises(TypeError, match="figure must be a Figure or Axes, got str"):
        animation.chooser(lambda v: "picture", [1], label="tau")  # pyright: ignore[reportArgumentType]

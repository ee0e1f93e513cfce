"""Curves that are compared on the spot: what is drawn, and what is refused."""

import numpy as np
import pytest

from gan_teach import plots
from gan_teach.plots import style

X = np.arange(1.0, 6.0)
CURVES = {"up": X, "down": 6 - X}


def test_every_curve_is_drawn_with_a_color_and_a_dash_of_its_own():
    ax = plots.compare(X, CURVES, xlabel="n", ylabel="value")
    looks = set()
    for line, (name, values) in zip(ax.lines, CURVES.items(), strict=True):
        np.testing.assert_array_equal(line.get_xydata(), np.stack([X, values], 1))
        assert line.get_label() == name
        looks.add((line.get_color(), line.get_linestyle()))
    assert len({color for color, _ in looks}) == len({dash for _, dash in looks}) == 2
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale()) == ("n", "value", "linear")
    assert plots.compare(X, CURVES, log=True).get_yscale() == "log"


def test_level_and_mark_carry_their_names():
    ax = plots.compare(X, CURVES, level=(2.5, "theory"), mark=(3.0, "here"))
    level, mark = ax.lines[2:]
    assert list(np.asarray(level.get_ydata())) == [2.5, 2.5]
    assert list(np.asarray(mark.get_xdata())) == [3.0, 3.0]
    assert {text.get_text() for text in ax.texts} == {"theory", "here"}


def test_it_draws_into_given_axes_and_fits_on_the_page():
    ax = style.axes()
    long = {f"a name of some forty characters, no. {k}": X for k in range(3)}
    assert plots.compare(X, long, ax) is ax
    image = style.show(ax, "three curves")
    assert image is not None
    legend = ax.get_legend()
    assert legend is not None
    box = legend.get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= ax.figure.bbox.width * 1.01
    assert ax.get_window_extent().width > 0.5 * ax.figure.bbox.width


@pytest.mark.parametrize(("x", "y"), [(X, X[:3]), (X[:, None], X[:3])])
def test_what_does_not_fit_is_refused(x, y):
    with pytest.raises(ValueError, match="same first dimension"):
        plots.compare(x, {"another length": y})

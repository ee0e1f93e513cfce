"""Clouds of samples, scores in units of their noise band, and precision-recall curves."""

# matplotlib's stubs give unions:
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportIndexIssue=false
# pyright: reportCallIssue=false, reportUnhashable=false, reportOptionalMemberAccess=false

import numpy as np
import pytest

from gan_teach import metrics, plots
from gan_teach.plots import style
from gan_teach.plots.images import FARTHEST, in_half_widths

RNG = np.random.default_rng(0)
REAL = RNG.normal(size=(50, 2))


def titles(figure):
    return [ax.get_title("left") for ax in figure.axes if ax.axison]


def test_each_set_has_a_panel_on_the_axes_of_the_real_points():
    far = np.array([[1e6, 0.0], [np.nan, 0.0], [0.1, 0.2]])
    figure = plots.clouds({"real": REAL, "far": far, "own": REAL[:5]}, REAL, columns=2)
    assert titles(figure) == ["real", "far\n1 of 3 outside", "own"]
    shown = figure.axes
    assert len(shown) == 3  # two rows of two, the last one blank
    assert [ax.get_subplotspec().rowspan.start for ax in shown] == [0, 0, 1]
    for ax in shown:
        assert ax.get_xlim() == shown[0].get_xlim()
        assert ax.get_xlim()[0] < REAL[:, 0].min() < REAL[:, 0].max() < ax.get_xlim()[1] < 10
        assert ax.get_aspect() == 1
    real, below, fake = shown[0].lines[0], *shown[1].lines
    assert real.get_marker() == below.get_marker() == style.REAL_MARKER
    assert fake.get_marker() == style.FAKE_MARKER
    np.testing.assert_array_equal(fake.get_xydata(), far)  # matplotlib leaves the NaN out
    np.testing.assert_allclose(below.get_xdata(), REAL[:, 0])
    assert style.show(figure, "three clouds of points", dpi=40) is not None


def test_notes_stand_below_the_names():
    figure = plots.clouds({"a": REAL, "b": REAL}, REAL, notes={"a": "3 of 4"})
    assert titles(figure) == ["a\n3 of 4", "b"]


@pytest.mark.parametrize("bad", [np.ones(3), np.ones((3, 3))])
def test_points_must_lie_in_the_plane(bad):
    with pytest.raises(ValueError, match=r"the set 'x' must have shape \(n, 2\)"):
        plots.clouds({"x": bad}, REAL)


def test_scores_stand_in_half_widths_of_their_band():
    bands = {"wide": (0.0, 10.0), "narrow": (0.5, 0.7), "count": (8.0, 8.0)}
    many = {"wide": [0.0, 5.0, 10.0], "narrow": [0.6]}
    lost = {"wide": 20.0, "narrow": 0.4, "count": 7.0}
    whole = {"count": 8.0, "wide": np.nan}
    ax = plots.noise_bands(bands, {"perfect": many, "lost": lost, "whole": whole})
    perfect, broken, other = ax.lines
    np.testing.assert_allclose(perfect.get_xdata(), [-1, 0, 1, 0], atol=1e-12)
    np.testing.assert_allclose(broken.get_xdata(), [3, -2, -FARTHEST], atol=1e-12)
    np.testing.assert_allclose(np.round(broken.get_ydata()), [0, 1, 2])
    np.testing.assert_allclose(other.get_xdata(), [0, np.nan])
    assert len({line.get_marker() for line in ax.lines}) == 3
    assert [t.get_text() for t in ax.get_yticklabels()] == list(bands)
    assert style.show(ax, "scores and bands", dpi=40) is not None


def test_the_edge_of_the_axis_holds_what_is_far():
    at = in_half_widths(np.array([1e9, -1e9, 0.5]), 0.0, 1.0)
    np.testing.assert_allclose(at, [FARTHEST, -FARTHEST, 0.0])


def test_each_metric_needs_a_band():
    with pytest.raises(KeyError, match="js"):
        plots.noise_bands({"kl": (0.0, 1.0)}, {"fake": {"js": 0.1}})


def test_precision_stands_over_recall():
    lost = metrics.prd_discrete([1, 1, 0, 0], [1, 1, 1, 1])
    ax = plots.prd_curves({"lost": lost, "same": metrics.prd_discrete([1, 1], [1, 1])})
    recall, precision = ax.lines[0].get_data()
    assert recall.max() == pytest.approx(0.5, abs=1e-5)
    assert precision.max() == pytest.approx(1.0, abs=1e-5)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("recall", "precision")
    assert style.show(ax, "precision over recall", dpi=40) is not None

"""Pictures of many GANs on clusters: what is drawn, against counts made by hand."""

# matplotlib's stubs give unions (a figure or a subfigure, a line or an array of them):
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportOptionalMemberAccess=false, reportGeneralTypeIssues=false

import matplotlib.colors
import numpy as np
import pytest

from gan_teach import plots
from gan_teach.history import History
from gan_teach.plots import style

STEPS = np.arange(0, 50, 10)


def draws(ax):
    """That matplotlib can draw it at all, with warnings as errors."""
    assert style.show(ax, "a test picture", dpi=40) is not None


def names(ax):
    return [t.get_text() for t in ax.get_legend().get_texts()]


def dashed(ax):
    """Heights of the horizontal lines across the axes."""
    return sorted(line.get_ydata()[0] for line in ax.lines if len(set(line.get_ydata())) == 1)


def test_a_group_has_a_line_for_each_run_and_each_level():
    runs = np.random.default_rng(0).random((5, 3))
    groups = {"JS": runs, "RS": runs[:, :2]}
    ax = plots.compare(STEPS, groups, level={"half": 0.5, "more": 0.7}, ylabel="loss")
    drawn = [line for line in ax.lines if len(line.get_xdata()) == 5]
    assert len(drawn) == 5
    np.testing.assert_array_equal(drawn[2].get_ydata(), runs[:, 2])
    assert drawn[0].get_color() != drawn[3].get_color()
    assert drawn[0].get_linestyle() != drawn[3].get_linestyle()
    assert dashed(ax) == [0.5, 0.7]
    assert names(ax) == ["JS (3 runs)", "RS (2 runs)"]
    draws(ax)


def test_a_group_that_does_not_fit_is_named():
    with pytest.raises(ValueError, match="same first dimension"):
        plots.compare(STEPS, {"JS": np.zeros((5, 2)), "RS": np.zeros((4, 2))})


def test_a_panel_of_curves_draws_them_up_to_the_record_and_all_levels():
    history = History(STEPS, {"d_loss": np.linspace(0.2, 0.6, 5)}, meta={"title": "JS"})
    panel = plots.curves_panel({"D": "d_loss"}, {"a": 0.3, "b": 0.5}, ylabel="loss")
    figure, draw = plots.stage(history, [panel])
    draw(2)
    (ax,) = figure.axes
    assert ax.get_title("left") == "JS: loss"
    assert {0.3, 0.5} <= set(dashed(ax))
    (curve,) = (line for line in ax.lines if len(line.get_xdata()) == 3)
    np.testing.assert_allclose(curve.get_ydata(), [0.2, 0.3, 0.4])
    assert curve.get_color() == style.DISCRIMINATOR
    draws(figure)


def test_positions_draw_each_point_and_each_cluster():
    fake = np.random.default_rng(1).random((5, 7))
    ax = plots.positions(History(STEPS, {"fake": fake}), [(0.0, 0.3), (4.0, 4.3)], ylim=(-1, 5))
    assert len([line for line in ax.lines if len(line.get_xdata()) == 5]) == 7
    bands = sorted((p.get_y(), p.get_y() + p.get_height()) for p in ax.patches)
    np.testing.assert_allclose(bands, [(0.0, 0.3), (4.0, 4.3)])
    assert ax.get_ylim() == (-1, 5)
    draws(ax)
    with pytest.raises(ValueError, match="points on the line"):
        plots.positions(History(STEPS, {"fake": fake[..., None]}), [(0, 1)], ylim=(-1, 2))


def test_arrivals_are_the_empirical_distribution_of_the_times():
    times = [3.0, 10.0, 10.0, np.inf]
    ax = plots.arrivals({"JS": times, "RS": [0.0, 1.0]}, 20)
    js, rs = ax.lines
    for at, share in zip(js.get_xdata(), js.get_ydata(), strict=True):
        assert share == np.mean([t <= at for t in times])
    assert js.get_ydata()[-1] == 0.75  # the run that is still out is counted as such
    assert rs.get_ydata()[-1] == 1.0
    assert names(ax) == ["JS: 3 of 4", "RS: 2 of 2"]
    band = ax.collections[0].get_paths()[0].get_extents()
    assert band.ymin == pytest.approx(plots.wilson(0, 4)[0])
    assert band.ymax == pytest.approx(plots.wilson(3, 4)[1])
    draws(ax)


@pytest.mark.parametrize("times", [[], [np.nan, 1.0], [-1.0]])
def test_arrivals_reject_times_that_mean_nothing(times):
    with pytest.raises(ValueError, match=r"times\['JS'\]"):
        plots.arrivals({"JS": times}, 20)


def test_shares_count_the_members_that_are_followed():
    covered = np.array([[0, 1, 1, 2], [1, 2, 2, 2], [2, 2, np.nan, np.nan]])
    ax = plots.shares(History(STEPS[:3], {"covered": covered}), "covered", [0, 1, 2])
    tops = {}
    for area, value in zip(ax.collections, [2, 1, 0], strict=True):  # from the bottom up
        vertices = area.get_paths()[0].vertices
        tops[value] = [vertices[vertices[:, 0] == s, 1].max() for s in STEPS[:3]]
    np.testing.assert_allclose(tops[2], [25, 75, 100])
    np.testing.assert_allclose(tops[1], [75, 100, 100])
    np.testing.assert_allclose(tops[0], [100, 100, 100])
    colors = {matplotlib.colors.to_hex(a.get_facecolor()[0]) for a in ax.collections}
    assert len(colors) == 3
    draws(ax)
    with pytest.raises(ValueError, match="covered must be"):
        plots.shares(History(STEPS[:3], {"covered": covered}), "covered", [0, 1])


def test_scatter_gives_each_group_a_marker_beside_the_levels():
    groups = {"JS": ([50, 100, 5], [0.48, 0.47, np.nan]), "RS": ([20], [0.7])}
    ax = plots.scatter(groups, xlabel="length", ylabel="loss", level={"theory": 0.4774})
    js, rs, level = ax.lines
    np.testing.assert_array_equal(js.get_xydata(), np.transpose(groups["JS"]))
    assert js.get_marker() != rs.get_marker()
    assert level.get_ydata()[0] == 0.4774
    assert names(ax) == ["JS", "RS"]
    draws(ax)
    with pytest.raises(ValueError, match="same first dimension"):
        plots.scatter({"a": ([1.0], [1.0, 2.0])}, xlabel="", ylabel="")


def test_a_band_lies_behind_the_curve_of_its_name():
    low, high = np.zeros(5), np.linspace(1, 2, 5)
    ax = plots.compare(STEPS, {"a": low, "b": high}, bands={"b": (high - 0.5, high + 0.25)})
    (band,) = ax.collections
    box = band.get_paths()[0].get_extents()
    np.testing.assert_allclose([box.ymin, box.ymax], [0.5, 2.25])
    assert matplotlib.colors.same_color(band.get_facecolor()[0, :3], ax.lines[1].get_color())
    draws(ax)


def test_critics_show_scores_and_slopes_of_every_discriminator():
    rng = np.random.default_rng(2)
    scores = {name: rng.random((6, 8)) for name in ("JS", "R1")}
    slopes = {"JS": np.full((6, 8), 10.0), "R1": np.linspace(0, 2, 48).reshape(6, 8)}
    real, fake = rng.random((20, 2)), {name: rng.random((5, 2)) for name in scores}
    figure = plots.critics(scores, slopes, (-1, 1, -2, 2), real=real, fake=fake)
    maps = [ax for ax in figure.axes if ax.images]
    assert [ax.get_title("left") for ax in maps] == ["JS", "R1", "", ""]
    np.testing.assert_array_equal(maps[1].images[0].get_array(), scores["R1"])
    np.testing.assert_allclose(maps[2].images[0].get_array(), 10.0)
    assert [len(ax.lines) for ax in maps] == [2, 2, 1, 1]  # crosses on the scores only
    contours = [[c for c in ax.collections if c.get_paths()] for ax in maps]
    assert [bool(c) for c in contours] == [False, False, False, True]  # only R1 crosses slope 1
    draws(figure)


def test_pictures_of_points_say_how_many_lie_outside():
    real = np.array([[-1.0, -1.0], [1.0, 1.0]])
    fake = np.array([[0.0, 0.5], [30.0, 0.0], [0.0, -30.0], [9.0, 9.0]])
    beyond = "3 of 4 outside"
    (ax,) = plots.clouds({"G": fake}, real, notes={"G": "a note"}).axes
    assert ax.get_title("left") == f"G\na note\n{beyond}"
    (ax,) = plots.clouds({"G": fake[:1]}, real).axes
    assert ax.get_title("left") == "G"
    flat = {"G": np.full((4, 4), 0.5)}
    figure = plots.critics(flat, flat, (-1, 1, -1, 1), real=real, fake={"G": fake})
    assert figure.axes[0].get_title("left") == f"G\n{beyond}"
    history = History([0, 1], {"fake": np.stack([fake[:1].repeat(4, 0), fake])}, {"real": real})
    ax = plots.samples(history, 0)
    assert not [t for t in ax.texts if t.get_visible()]
    ax = plots.samples(history, 1)
    assert [t.get_text() for t in ax.texts if t.get_visible()] == [beyond]

"""Figures of ensembles, of spectra and of planar games, against independent derivations."""

# matplotlib's stubs give unions (a figure or a subfigure, a line or an array of them):
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportOptionalMemberAccess=false, reportOperatorIssue=false
# pyright: reportGeneralTypeIssues=false

import math

import matplotlib.colors
import numpy as np
import pytest
from matplotlib.patches import Circle
from scipy import stats

from gan_teach import plots
from gan_teach.history import History
from gan_teach.plots import style
from gan_teach.plots.planar import break_jumps


def texts(ax):
    return [t.get_text() for t in ax.texts] + [ax.get_title(s) for s in ("left", "right")]


def legend(ax):
    found = ax.get_legend()
    return [] if found is None else [t.get_text() for t in found.get_texts()]


def draws(ax):
    """That matplotlib can draw it at all, with warnings as errors."""
    assert style.show(ax, "a test", dpi=40) is not None


# --- ensembles ---


@pytest.mark.parametrize(("k", "n"), [(0, 5), (5, 5), (1, 7), (154, 200)])
def test_wilson_ends_solve_their_quadratic(k, n):
    """Its ends are where the share is exactly z standard errors of p away."""
    z = stats.norm.ppf(0.975)
    for p in plots.wilson(k, n):
        assert math.isclose(abs(k / n - p), z * math.sqrt(p * (1 - p) / n), abs_tol=1e-12)
    assert 0 <= plots.wilson(k, n)[0] <= k / n <= plots.wilson(k, n)[1] <= 1


@pytest.mark.parametrize(("n", "q"), [(5, 0.5), (30, 0.5), (200, 0.25), (200, 0.9)])
def test_a_quantile_lies_between_its_ends_as_often_as_promised(n, q):
    samples = np.random.default_rng(0).random((4000, n))  # uniform: the q quantile is q
    ends = np.array([plots.quantile_interval(x, q, level=0.9) for x in samples])
    inside = ((ends[:, 0] <= q) & (q <= ends[:, 1])).mean()
    assert 0.89 < inside < (1.001 if n == 5 else 0.97)


def test_ends_of_a_quantile_are_order_statistics():
    # Of ten values the median lies between the second and the ninth in 1 - 2 * 11 / 1024 = 97.9 %.
    values = [*range(1, 9), np.inf, np.inf]
    assert plots.quantile_interval(values) == (2.0, np.inf)
    assert plots.quantile_interval(np.arange(10.0)[::-1]) == (1.0, 8.0)
    assert plots.quantile_interval([1.0, 2.0]) == (-np.inf, np.inf)


@pytest.mark.parametrize("wrong", [
    {"values": []}, {"values": [1.0, np.nan]}, {"values": [[1.0]]}, {"values": [1.0], "q": 1.0},
    {"values": [1.0], "level": 0.0},
])  # fmt: skip
def test_a_quantile_needs_values_and_shares(wrong):
    with pytest.raises(ValueError, match="must"):
        plots.quantile_interval(**wrong)


def test_wilson_refuses_impossible_shares():
    for k, n in ((3, 2), (-1, 4), (0, 0)):
        with pytest.raises(
            ValueError, match=r"k \(3\) must not be greater|an integer not less than"
        ):
            plots.wilson(k, n)


def successes(both, only_a, only_b, neither):
    """Two methods on as many seeds, in an order drawn at random."""
    pairs = [(True, True)] * both + [(True, False)] * only_a + [(False, True)] * only_b
    table = np.array(pairs + [(False, False)] * neither)
    return np.random.default_rng(0).permutation(table).T


@pytest.mark.parametrize("only_a", range(9))
@pytest.mark.parametrize("only_b", [0, 1, 4, 13])
def test_mcnemar_adds_the_coins_that_fall_as_unevenly_or_more(only_a, only_b):
    m, away = only_a + only_b, abs(only_a - only_b)
    coins = [math.comb(m, k) for k in range(m + 1) if abs(2 * k - m) >= away]
    test = plots.mcnemar(*successes(5, only_a, only_b, 3))
    assert test[:2] == (only_a, only_b)
    assert test.p == pytest.approx(sum(coins) / 2**m, rel=1e-12)


def test_mcnemar_of_one_uneven_result_by_hand():
    # 2 (1 + 16 + 120 + 560) / 2^16; the pairs that are alike do not count
    for alike in (0, 1000):
        test = plots.mcnemar(*successes(alike, 3, 13, alike))
        assert test.p == pytest.approx(1394 / 65536, rel=1e-12)
        assert str(test) == "3 only the first, 13 only the second, p-value 0.021"


def test_mcnemar_of_pairs_that_are_all_alike_shows_nothing():
    for pairs in ([[True, False]] * 2, [[], []]):
        assert plots.mcnemar(*np.array(pairs, dtype=bool)) == (0, 0, 1.0)


def test_mcnemar_of_greater_and_smaller_is_the_sign_test():
    x, y = np.array([1, 2, 3, 4, 5, np.inf]), np.array([2, 3, 4, 4, 6, np.inf])  # two ties
    assert plots.mcnemar(x < y, x > y) == (4, 0, 2 / 2**4)


@pytest.mark.parametrize(("a", "b", "named"), [
    ([True], [True, False], r"bool\(1,\), bool\(2,\)"), ([True], True, r"bool\(\)"),
    ([1, 0], [True, False], r"int64\(2,\)"), ([True, False], [1.0, np.nan], r"float64\(2,\)"),
])  # fmt: skip
def test_mcnemar_needs_two_booleans_of_each_pair(a, b, named):
    with pytest.raises(ValueError, match=r"a, b must be \(n,\) booleans, got .*" + named):
        plots.mcnemar(a, b)


def test_fan_shows_median_and_quantiles():
    values = np.random.default_rng(0).normal(size=(30, 21))
    ax = plots.fan(History(range(30), {"objective": values}), "objective", level=(0.5, "theory"))
    np.testing.assert_allclose(ax.lines[0].get_ydata(), np.sort(values, axis=1)[:, 10])
    outer, inner = (band.get_paths()[0].vertices for band in ax.collections)
    ordered = np.sort(values, axis=1)  # 21 members: the quantiles 5, 25, 75, 95 % are members
    assert math.isclose(outer[:, 1].min(), ordered[:, 1].min())
    assert math.isclose(outer[:, 1].max(), ordered[:, 19].max())
    assert math.isclose(inner[:, 1].min(), ordered[:, 5].min())
    assert math.isclose(inner[:, 1].max(), ordered[:, 15].max())
    assert "theory" in texts(ax)
    draws(ax)


def test_fan_counts_members_that_diverged_and_goes_on_with_the_rest():
    values = np.ones((10, 4)) * [1.0, 2.0, 3.0, 4.0]
    values[5:, 3] = np.inf
    ax = plots.fan(History(range(10), {"v": values}), "v")
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [2.5] * 5 + [2.0] * 5)
    assert "1 of 4 diverged" in texts(ax)
    everyone = plots.fan(History(range(3), {"v": np.full((3, 4), np.nan)}), "v")
    assert "4 of 4 diverged" in texts(everyone)
    draws(everyone)


def test_fan_compares_ensembles_on_one_axes():
    history = History(range(5), {"v": np.arange(10.0).reshape(5, 2)})
    far = history["v"] + 100
    far[3:, 0] = np.inf
    ax = plots.fan({"1:1": history, "50:1": history.with_arrays(v=far)}, "v")
    assert legend(ax) == ["1:1", "50:1"]
    assert "1 of 4 diverged" in texts(ax)
    first, second = ax.lines
    assert first.get_linestyle() != second.get_linestyle()
    assert ax.get_ylim()[0] < 0
    assert ax.get_ylim()[1] > 108


def test_fan_wants_an_ensemble():
    with pytest.raises(ValueError, match=r"shape \(T, S\)"):
        plots.fan(History([0, 1], {"v": [1.0, 2.0]}), "v")


def test_outcomes_draws_shares_counts_and_intervals():
    ax = plots.outcomes({"a": ["yes"] * 3 + ["no"], "b": ["no"] * 2}, ["yes", "no"])
    assert [round(bar.get_width(), 9) for bar in ax.patches] == [75, 25, 0, 100]
    assert ax.patches[0].get_hatch() != ax.patches[1].get_hatch()
    whiskers = [line.get_xdata() for line in ax.lines]
    expected = [plots.wilson(k, n) for k, n in ((3, 4), (1, 4), (0, 2), (2, 2))]
    np.testing.assert_allclose(whiskers, 100 * np.array(expected))
    assert {"3 of 4", "1 of 4", "0 of 2", "2 of 2", "a", "b"} <= set(texts(ax))
    draws(ax)


def test_outcomes_names_what_it_does_not_know():
    with pytest.raises(ValueError, match="one of yes, no; got 'maybe'"):
        plots.outcomes({"a": ["yes", "maybe"]}, ["yes", "no"])
    with pytest.raises(ValueError, match="n must be"):
        plots.outcomes({"a": ["yes"], "b": []}, ["yes"])


# --- spectra ---


def test_plane_shades_the_stable_half():
    ax = plots.plane({"free": [1j, -1j], "damped": [-0.5 + 1j, -0.5 - 1j]})
    named = {line.get_label(): line for line in ax.lines}
    np.testing.assert_array_equal(named["damped"].get_xydata(), [[-0.5, 1], [-0.5, -1]])
    assert named["free"].get_marker() != named["damped"].get_marker()
    (region,) = ax.patches
    box = region.get_window_extent().transformed(ax.transData.inverted())
    assert math.isclose(box.x1, 0.0, abs_tol=1e-9)
    assert box.x0 <= ax.get_xlim()[0]
    assert legend(ax)[0] == "stable: real part < 0"
    draws(ax)


def test_plane_shades_the_unit_disc():
    ax = plots.plane({"": [0.5 + 0.1j, 1.3]}, unit_disc=True)
    discs = [patch for patch in ax.patches if isinstance(patch, Circle)]
    assert {disc.get_radius() for disc in discs} == {1.0}
    for low, high in (ax.get_xlim(), ax.get_ylim()):
        assert low < -1
        assert high > 1
    assert ax.get_xlim()[1] > 1.3
    draws(ax)


def test_plane_counts_what_is_not_finite():
    ax = plots.plane({"": [1j, np.nan, np.inf]})
    assert "2 of 3 not finite" in texts(ax)
    draws(ax)


def test_sweep_marks_tau_star_where_a_real_part_changes_sign():
    """J_tau = [[1, 2], [-2 tau, -tau]]: trace 1 - tau, determinant 3 tau > 0, so tau* = 1."""
    taus = np.linspace(0.2, 4, 77)
    eigs = np.array([np.linalg.eigvals([[1, 2], [-2 * t, -t]]) for t in taus])
    figure = plots.eigenvalue_sweep(taus, eigs, 1.0)
    real, imaginary = figure.axes
    first, second = real.lines[:2]
    np.testing.assert_allclose(first.get_ydata() + second.get_ydata(), 1 - taus, atol=1e-12)
    top, bottom = (line.get_ydata() for line in imaginary.lines[:2])
    np.testing.assert_allclose(top, -bottom, atol=1e-12)
    assert (np.sign(top[np.abs(top) > 1e-9]) == np.sign(top[0])).all()  # no exchange of names
    marks = [line for line in real.lines if line.get_label() == "τ* = 1"]
    np.testing.assert_array_equal(marks[0].get_xdata(), [1, 1])
    assert first.get_linestyle() != second.get_linestyle()
    draws(real)


def test_sweep_without_finite_tau_star_has_no_mark():
    figure = plots.eigenvalue_sweep([1, 2], [[1j, -1j], [2j, -2j]], math.inf)
    assert not any(str(line.get_label()).startswith("τ*") for line in figure.axes[0].lines)
    with pytest.raises(ValueError, match="same first dimension"):
        plots.eigenvalue_sweep([1, 2, 3], [[1j, -1j], [2j, -2j]])


# --- planar games ---


@pytest.fixture(scope="module")
def rotation():
    x, y = np.meshgrid(np.linspace(-2, 2, 15), np.linspace(-1, 1, 11))
    return x, y, -y, x


def circle(n=50, radius=0.8):
    t = np.linspace(0, 6, n)
    return radius * np.stack([np.cos(t), np.sin(t)], axis=1)


def test_vector_field_draws_paths_from_circle_to_star(rotation):
    path = circle()
    ax = plots.vector_field(rotation, {"a path": path}, equilibrium=(0, 0), names=("θ", "ψ"))
    named = {line.get_label(): line for line in ax.lines}
    np.testing.assert_array_equal(named["a path"].get_xydata(), path)
    np.testing.assert_array_equal(named["equilibrium"].get_xydata(), [[0, 0]])
    ends = {line.get_marker(): line.get_xydata() for line in ax.lines if line.get_marker() in "o*"}
    np.testing.assert_array_equal(ends["*"], path[-1:])
    assert any(np.array_equal(line.get_xydata(), path[:1]) for line in ax.lines)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("θ", "ψ")
    assert (ax.get_xlim(), ax.get_ylim()) == ((-2, 2), (-1, 1))
    draws(ax)


def test_stream_lines_are_colored_by_speed(rotation):
    ax = plots.vector_field(rotation)
    (streams,) = (c for c in ax.collections if c.get_array() is not None)
    middles = np.array([segment.mean(axis=0) for segment in streams.get_segments()])
    np.testing.assert_allclose(streams.get_array(), np.hypot(*middles.T), atol=0.05)


def test_several_paths_have_the_colors_of_their_names_in_a_comparison():
    paths = {name: np.full((3, 2), k) for k, name in enumerate(("tau = 1", "tau = 2"))}
    plane = plots.vector_field(None, paths)
    curves = plots.distance({name: np.ones(3) for name in paths})
    colors = [
        {line.get_label(): line.get_color() for line in ax.lines if line.get_label() in paths}
        for ax in (plane, curves)
    ]
    assert colors[0] == colors[1]
    assert len(set(colors[0].values())) == 2


def test_paths_break_where_an_angle_wraps_around():
    angle = np.linspace(0, 20, 401)
    wrapped = (angle + np.pi) % (2 * np.pi) - np.pi
    broken = break_jumps(np.stack([wrapped, np.zeros(401)], axis=1), 2 * np.pi)
    steps = np.abs(np.diff(broken[:, 0]))
    assert np.nanmax(steps) < 0.06  # no stroke crosses the torus
    assert np.isnan(broken[:, 0]).sum() == 3  # at pi, 3 pi and 5 pi
    np.testing.assert_array_equal(broken[~np.isnan(broken[:, 0]), 0], wrapped)
    one = break_jumps([[3.0, 0.0], [-3.0, 3.0]], 2 * np.pi)
    assert np.isnan(one).all(axis=1).tolist() == [False, True, False]
    with pytest.raises(ValueError, match=r"shape \(T, 2\)"):
        break_jumps([1.0, 2.0], None)


def test_a_diverged_path_ends_at_its_last_finite_point(rotation):
    path = circle()
    path[30:] = np.nan
    ax = plots.vector_field(rotation, {"a path": path})
    (star,) = (line for line in ax.lines if line.get_marker() == "*")
    np.testing.assert_array_equal(star.get_xydata(), path[29:30])
    assert legend(ax) == ["a path (diverged)"]
    draws(ax)
    draws(plots.vector_field(None, {"nothing": np.full((4, 2), np.nan)}))


def test_distance_is_straight_for_linear_convergence():
    t = np.arange(40)
    ax = plots.distance({"slow": 0.9**t, "fast": 0.5**t})
    slow, fast = (line for line in ax.lines if line.get_label() in ("slow", "fast"))
    slopes = [np.polyfit(*line.get_xydata().T[:1], np.log(line.get_ydata()), 1)[0] for line in
              (slow, fast)]  # fmt: skip
    np.testing.assert_allclose(slopes, np.log([0.9, 0.5]))
    assert ax.get_yscale() == "log"
    assert slow.get_linestyle() != fast.get_linestyle()
    draws(ax)
    rare = plots.distance({"every 25 steps": 0.9**t}, every=25)
    np.testing.assert_array_equal(rare.lines[0].get_xdata(), 25 * t)


def test_distance_names_the_run_that_diverged():
    ax = plots.distance({"small τ": np.ones(30), "large τ": [2.0] * 12 + [np.inf] * 18})
    assert legend(ax) == ["small τ", "large τ (diverged)"]
    draws(ax)
    draws(plots.distance({"one": [1.0, 0.0]}))
    with pytest.raises(ValueError, match="same first dimension"):
        plots.distance({"a": [1.0], "b": [1.0, 2.0]})


def test_regions_give_every_class_a_color_and_a_hatch():
    labels = np.array([[0, 0, 2], [0, 1, 2]])
    figure = plots.regions({"": labels}, (0, 3, 0, 2), {0: "origin", 1: "edge", 2: "neither"})
    (ax,) = figure.axes
    handles = figure.legends[0].get_patches()
    assert [handle.get_label() for handle in handles] == ["origin", "edge", "neither"]
    assert len({h.get_facecolor() for h in handles}) == 3
    assert len({h.get_hatch() for h in handles}) == 3
    (image,) = ax.images
    shown = image.cmap(image.norm(image.get_array()))
    for row, column in np.ndindex(labels.shape):
        handle = handles[labels[row, column]]
        np.testing.assert_allclose(shown[row, column], handle.get_facecolor())
    assert image.origin == "lower"
    draws(ax)


def test_regions_want_a_name_for_every_label():
    with pytest.raises(ValueError, match=r"no name for \[3\]"):
        plots.regions({"": [[0, 3], [0, 0]]}, (0, 1, 0, 1), {0: "origin"})


# --- samples ---


def plane_run():
    rng = np.random.default_rng(0)
    arrays = {"fake": rng.normal(size=(4, 20, 2)), "d_field": rng.uniform(size=(4, 5, 6))}
    static = {
        "real": rng.normal(size=(30, 2)), "modes": [[0.0, 0.0]], "field_extent": [-3, 3, -2, 2],
    }  # fmt: skip
    return History([0, 10, 20, 30], arrays, static)


def test_samples_shows_points_and_discriminator():
    history = plane_run()
    ax = plots.samples(history, 2)
    named = {line.get_label(): line for line in ax.lines}
    crosses, circles = named["generated points G(z)"], named["real points x"]
    np.testing.assert_array_equal(crosses.get_xydata(), history["fake"][2])
    np.testing.assert_array_equal(circles.get_xydata(), history.static["real"])
    assert (crosses.get_marker(), circles.get_marker()) == ("x", "o")
    np.testing.assert_array_equal(ax.images[0].get_array(), history["d_field"][2])
    assert ax.get_title("left") == "Step 20"
    draws(ax)


def test_samples_survive_a_divergence_and_refuse_a_line():
    history = plane_run()
    fake = history["fake"].copy()
    fake[3] = np.nan
    ax = plots.samples(history.with_arrays(fake=fake))
    assert "diverged by step 30" in texts(ax)
    draws(ax)
    with pytest.raises(ValueError, match="points in the plane"):
        plots.samples(History([0], {"fake": [[1.0]]}))


def test_densities_integrate_to_one_and_differ_without_color():
    rng = np.random.default_rng(0)
    ax = plots.densities(
        {"real": rng.normal(size=200), "generated": [*rng.normal(size=50), np.nan]}
    )
    real, fake = ax.lines
    for line in (real, fake):
        assert abs(np.trapezoid(line.get_ydata(), line.get_xdata()) - 1) < 0.02
    assert real.get_linestyle() != fake.get_linestyle()
    assert matplotlib.colors.same_color(real.get_color(), style.REAL)
    collapsed = plots.densities({"generated": np.full(9, 2.0)})
    np.testing.assert_array_equal(collapsed.lines[0].get_xdata(), [2, 2])
    draws(collapsed)

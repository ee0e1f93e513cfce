"""The tutorial's figures: what is drawn equals what was recorded, beside what the theory says."""

# matplotlib's stubs give unions (a figure or a subfigure, a line or an array of them):
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportIndexIssue=false, reportOptionalMemberAccess=false, reportOperatorIssue=false
# pyright: reportGeneralTypeIssues=false

import math
import subprocess
import sys

import numpy as np
import pytest

import tutorial_run
from gan_teach import plots
from gan_teach.history import History
from gan_teach.plots import curves, style
from gan_teach.plots._panel import plot

PANELS = {
    "picture": plots.picture_panel,
    "objective": curves.objective_panel,
    "gradients": curves.gradients_panel,
    "losses": plots.losses_panel,
    "scores": plots.scores_panel,
    "eigenvalues": curves.eigenvalues_panel,
}


@pytest.fixture(scope="module")
def history():
    return tutorial_run.run(60)


def lines(ax):
    """The curves of an axes by their names."""
    return {line.get_label(): line for line in ax.lines}


def levels(ax):
    """The heights of the dashed lines that span the axes."""
    spans = [line for line in ax.lines if np.array_equal(line.get_xdata(), [0, 1])]
    return sorted(float(line.get_ydata()[0]) for line in spans)


def everything(ax):
    """All that a reader sees, as numbers and words."""
    drawn = [np.ma.filled(np.ma.asarray(line.get_xydata(), float), np.nan) for line in ax.lines]
    texts = [t.get_text() for t in ax.texts if t.get_visible()]
    titles = [ax.get_title(side) for side in ("left", "right")]
    arrows = [np.ma.filled(c.U, np.nan) for c in ax.collections if hasattr(c, "U")]
    return [*drawn, *arrows], texts, titles


def test_plotting_never_imports_torch():
    code = "import sys, gan_teach.plots.animation; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_picture_shows_what_was_recorded(history):
    ax = plot(plots.picture_panel, history, 20)
    curve = lines(ax)
    np.testing.assert_array_equal(curve["discriminator D(x)"].get_ydata(), history["d_grid"][20])
    np.testing.assert_array_equal(curve["best answer D*(x)"].get_ydata(), history["d_star"][20])
    np.testing.assert_array_equal(curve["true density"].get_ydata(), history.static["real_density"])
    fake, real = curve["generated points G(z)"], curve["real points x"]
    np.testing.assert_array_equal(fake.get_xdata(), history["fake"][20])
    np.testing.assert_array_equal(real.get_xdata(), history.static["real"])
    assert set(fake.get_ydata()) == set(real.get_ydata()) == {0.0}
    latent = curve["latent points z"]
    np.testing.assert_array_equal(latent.get_xydata()[:, 0], history.static["latent"])
    assert set(latent.get_ydata()) == {-0.5}
    assert fake.get_marker() == "x"
    assert real.get_marker() == "o"


def test_arrows_lead_from_latents_to_generated_points(history):
    (arrows,) = (c for c in plot(plots.picture_panel, history, 7).collections if hasattr(c, "U"))
    np.testing.assert_array_equal(arrows.X, history.static["latent"])
    np.testing.assert_allclose(arrows.X + arrows.U, history["fake"][7])
    np.testing.assert_allclose(arrows.Y + arrows.V, 0.0)


def test_picture_names_the_game_and_the_objective(history):
    title = plot(plots.picture_panel, history, 20).get_title("left")
    assert title == f"Balanced players: round 20, V = −{-history['objective'][20]:.3f}"


def test_picture_counts_the_points_outside(history):
    far = history.with_arrays(fake=np.where(history["fake"] > 0, history["fake"], 0) + 1e6)
    ax = plot(plots.picture_panel, far)
    assert ax.get_xlim()[1] < 30
    (text,) = (t.get_text() for t in ax.texts if t.get_visible())
    assert text == "10 of 10 generated points lie outside the picture"


def test_picture_shrinks_a_narrow_density_and_says_so(history):
    narrow = history.describe(static={"real_density": 5 * history.static["real_density"]})
    curve = lines(plot(plots.picture_panel, narrow))
    (name,) = (n for n in curve if n.startswith("true density"))
    peak = 5 * history.static["real_density"].max()
    assert name == f"true density / {peak:.2g}"
    assert math.isclose(max(curve[name].get_ydata()), 1.0)


def test_picture_needs_only_the_generated_points():
    bare = History([0, 1], {"fake": [[0.0, 1.0], [2.0, 3.0]]})
    ax = plot(plots.picture_panel, bare)
    np.testing.assert_array_equal(lines(ax)["generated points G(z)"].get_xdata(), [2.0, 3.0])
    with pytest.raises(KeyError, match="no array 'fake' was recorded"):
        plot(plots.picture_panel, History([0], {"objective": [1.0]}))


def test_objective_is_drawn_beside_minus_two_log_two(history):
    ax = plot(curves.objective_panel, history)
    np.testing.assert_array_equal(lines(ax)["objective V"].get_ydata(), history["objective"])
    np.testing.assert_array_equal(lines(ax)["objective V"].get_xdata(), history.steps)
    assert levels(ax) == [-2 * math.log(2)]
    assert "−2 log 2" in [t.get_text() for t in ax.texts]
    assert ax.get_ylim()[0] < -2 * math.log(2) < ax.get_ylim()[1]


def test_gradients_are_on_a_logarithmic_axis(history):
    ax = plot(curves.gradients_panel, history)
    assert ax.get_yscale() == "log"
    np.testing.assert_array_equal(lines(ax)["discriminator"].get_ydata(), history["d_grad"])
    np.testing.assert_array_equal(lines(ax)["generator"].get_ydata(), history["g_grad"])
    assert lines(ax)["generator"].get_linestyle() != lines(ax)["discriminator"].get_linestyle()


def test_summary_has_four_panels_of_the_last_game(history):
    figure = plots.summary(history)
    titles = [ax.get_title("left") for ax in figure.axes]
    assert titles[0].startswith("Balanced players: round 60")
    assert titles[1:] == [
        "Objective", "Gradient of the discriminator", "Gradient of the generator",
    ]  # fmt: skip
    np.testing.assert_array_equal(lines(figure.axes[3])["generator"].get_ydata(), history["g_grad"])


def test_eigenvalues_are_drawn_with_their_theory(history):
    theory = [0.115, -13.3, 0.0, -0.102]
    ax = plots.eigenvalues(history.describe(static={"eigenvalues_theory": theory}))
    for k, name in enumerate(["λ₁", "λ₂", "λ₃", "λ₄"]):
        np.testing.assert_array_equal(lines(ax)[name].get_ydata(), history["eigenvalues"][:, k])
    assert levels(ax)[:2] == sorted(theory)[:2]
    assert set(theory) <= set(levels(ax))
    assert "λ₁* = −13.3" in [t.get_text() for t in ax.texts]
    assert ax.get_yscale() == "symlog"
    low, high = ax.get_ylim()
    assert low < history["eigenvalues"].min()
    assert high > history["eigenvalues"].max()


def test_eigenvalues_hold_a_theory_far_from_what_was_measured(history):
    flat = history.with_arrays(eigenvalues=1e-4 * history["eigenvalues"])
    ax = plots.eigenvalues(flat.describe(static={"eigenvalues_theory": [-13.3, 0.1]}))
    low, high = ax.get_ylim()
    assert low < -13.3
    assert high > 0.1


def test_eigenvalues_must_be_real(history):
    with pytest.raises(ValueError, match="real and of shape"):
        plots.eigenvalues(history.with_arrays(eigenvalues=history["eigenvalues"] + 0j))


@pytest.mark.parametrize("s", [1.0, 0.9, 0.7])
def test_equilibrium_values_minimise_the_smoothed_loss(s):
    """Oracle: D's loss at p = q, minimised over a fine grid of constant outputs."""
    d = np.linspace(1e-4, 1 - 1e-4, 99_999)
    loss = -(s * np.log(d) + (1 - s) * np.log(1 - d)) - np.log(1 - d)
    best = int(loss.argmin())
    assert math.isclose(plots.equilibrium_score(s), d[best], abs_tol=2e-5)
    for name, g in (("saturating", np.log(1 - d)), ("non_saturating", -np.log(d))):
        values = plots.equilibrium_losses(name, s)
        np.testing.assert_allclose(values, (loss[best], g[best]), atol=5e-5)


def test_equilibrium_losses_without_smoothing():
    assert plots.equilibrium_losses("saturating") == (2 * math.log(2), -math.log(2))
    assert plots.equilibrium_losses("relativistic") == (math.log(2), math.log(2))
    assert plots.equilibrium_losses("my own") == (None, None)


def test_losses_and_scores_stand_beside_theory(history):
    np.testing.assert_allclose(levels(plots.losses(history)), [-math.log(2), 2 * math.log(2)])
    smooth = history.describe(meta={"label_smoothing": 0.9})
    assert levels(plots.scores(history)) == [0.5]
    assert levels(plots.scores(smooth)) == [0.45]
    ax = plots.scores(history)
    shown = lines(ax)["on generated points, D(G(z))"]
    np.testing.assert_array_equal(shown.get_ydata(), history["d_fake"])


@pytest.mark.parametrize("name", PANELS)
def test_a_panel_at_i_is_the_static_picture_of_i(history, name):
    """After wandering through the run, the panel shows exactly what a fresh picture of i shows."""
    ax = style.axes()
    with style.use():
        draw = PANELS[name](ax, history)
    for i in (0, 60, 31, 12):
        draw(i)
    wandered, fresh = everything(ax), everything(plot(PANELS[name], history, 12))
    for one, other in zip(wandered[0], fresh[0], strict=True):
        np.testing.assert_array_equal(one, other)
    assert wandered[1:] == fresh[1:]


@pytest.mark.parametrize("name", PANELS)
@pytest.mark.parametrize("blow_up", [40, 0])
def test_a_diverged_run_is_drawn_as_far_as_it_goes(name, blow_up):
    broken = tutorial_run.run(60, blow_up=blow_up)
    ax = plot(PANELS[name], broken)
    image = style.show(ax, "a run that diverged", dpi=40)
    assert image is not None
    _, texts, titles = everything(ax)
    expected = "diverged at round 40" if blow_up else "no finite value was recorded"
    assert any(expected in text for text in [*texts, *titles])
    assert np.isfinite([*ax.get_xlim(), *ax.get_ylim()]).all()
    early = everything(plot(PANELS[name], broken, 0 if not blow_up else 20))
    assert blow_up == 0 or not any("diverged" in text for text in [*early[1], *early[2]])


def test_divergence_between_records_is_dated_carefully():
    sparse = History([0, 100, 200], {"objective": [-1.0, 5.0, np.inf]})
    assert plot(curves.objective_panel, sparse).get_title("right") == "diverged by step 200"


def test_a_value_missing_only_before_the_first_update_is_no_divergence(history):
    assert np.isnan(history["d_grad"][0])
    assert plot(curves.gradients_panel, history).get_title("right") == ""


def test_one_exploding_record_does_not_flatten_the_curve():
    values = np.append(np.sin(np.arange(200) / 9), 1e30)
    history = History(range(201), {"objective": values})
    low, high = plot(curves.objective_panel, history).get_ylim()
    assert -10 < low < -1.3
    assert 1 < high < 10


def test_an_index_outside_the_history_is_named(history):
    with pytest.raises(IndexError, match=r"index 61 is out of bounds .* size 61"):
        plot(curves.objective_panel, history, 61)


def test_stage_refuses_what_it_cannot_draw(history):
    with pytest.raises(TypeError, match="'Axes' object is not callable"):
        plots.stage(history, [plot(plots.picture_panel, history)])


@pytest.mark.parametrize("n", range(1, 9))
def test_stage_gives_every_panel_its_axes(history, n):
    figure, draw = plots.stage(history, [curves.objective_panel] * n)
    assert len(figure.axes) == n
    draw(10)
    for ax in figure.axes:
        np.testing.assert_array_equal(
            lines(ax)["objective V"].get_ydata(), history["objective"][:11]
        )

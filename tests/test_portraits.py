"""Portraits side by side, panels under a slider, and the measures that stand beside them."""

from typing import Any

import numpy as np
import pytest
import torch

import gan_teach as gt
from gan_teach import plots, zoo
from gan_teach.analysis.spectra import contraction, turning_period
from gan_teach.history import History
from gan_teach.plots._panel import plot


def spiral(factor, angle, steps=200):
    t = np.arange(steps)
    z = factor**t * np.exp(1j * angle * t)
    return np.stack([z.real, z.imag], 1)


@pytest.mark.parametrize(("factor", "angle"), [(0.97, 0.1), (1.02, -0.3), (1.0, 3.0)])
def test_a_spirals_factor_and_period_are_found(factor, angle):
    center = np.array([2.0, -1.0])
    path = spiral(factor, angle) + center
    assert contraction(np.linalg.norm(path - center, axis=1)) == pytest.approx(factor)
    assert turning_period(path, center) == pytest.approx(2 * np.pi / abs(angle))


def test_a_straight_way_does_not_turn():
    assert turning_period(np.linspace([2.0, 1.0], [0.2, 0.1], 30)) == np.inf


@pytest.mark.parametrize("bad", [[1.0], [1.0, np.nan], [1.0, 0.0], np.ones((3, 2))])
def test_contraction_needs_positive_finite_distances(bad):
    with pytest.raises(ValueError, match="distance must be"):
        contraction(bad, skip=0.0)


def test_turning_period_names_wrong_shapes():
    with pytest.raises(ValueError, match=r"\(T, 2\)"):
        turning_period(np.ones(4))
    with pytest.raises(ValueError, match="at least two"):
        turning_period(np.ones((1, 2)))


@pytest.mark.parametrize("name", ["saturating", "non_saturating", "r1", "wgan_gp", "consensus"])
def test_dirac_field_is_the_step_that_training_takes(name):
    method, lr = zoo.DIRAC_METHODS[name], 1e-3
    x, y, u, v = zoo.dirac_field(method, reach=1.5, count=4)
    for i, j in [(0, 0), (1, 3), (2, 1), (3, 2)]:
        states = gt.train(method.game(x[i, j], y[i, j]), method.rule(), steps=1, lr=lr)
        path = gt.record(states, w=gt.probes.params())["w"]
        np.testing.assert_allclose(np.diff(path, axis=0)[0] / lr, [u[i, j], v[i, j]], atol=1e-9)


def test_dirac_field_of_noise_is_damped():
    # Near 0 the flow of instance noise loses |w|^2: v . w < 0 along psi, where noise acts.
    _, y, _, v = zoo.dirac_field(zoo.DIRAC_METHODS["instance_noise"], reach=0.1, count=2)
    mean = v.mean(1)  # over theta, whose rotation cancels
    assert (mean * y[:, 0] < 0).all()


def test_portraits_have_an_axes_per_name_and_draw_several_paths():
    field = zoo.dirac_field(zoo.DIRAC_METHODS["r1"], count=5)
    names = ["a", "b", "c", "d"]
    paths: dict[str, Any] = {name: spiral(0.9, 0.2, 20) for name in names}
    paths["d"] = {"one": spiral(0.9, 0.2, 20), "two": spiral(1.0, 0.2, 20)}
    figure = plots.portraits(dict.fromkeys(names, field), paths)
    assert [ax.get_title(loc="left") for ax in figure.axes] == names
    counts = [len(ax.lines) for ax in figure.axes]
    assert counts[3] == counts[0] + 3  # one more line, with a start and an end
    with pytest.raises(ValueError, match="paths has"):
        plots.portraits({"a": field}, {"b": spiral(1, 0.1)})


def test_a_path_panel_shows_the_whole_path_of_its_record():
    history = History([0, 1], {"path": np.stack([spiral(0.9, 0.1, 9), spiral(0.5, 0.2, 9)])})
    ax = plot(plots.path_panel(), history, 1)
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), history["path"][1])


def test_a_plane_panel_shows_the_eigenvalues_of_its_record_in_the_view():
    values = np.array([[0.9 + 0.1j, 0.9 - 0.1j], [0.5, 0.99]], dtype=complex)
    view = (0.4, 1.1, -0.3, 0.3)
    ax = plot(
        plots.plane_panel(unit_disc=True, view=view), History([0, 1], {"eigenvalues": values}), 0
    )
    drawn = np.asarray(ax.lines[-1].get_xydata())
    np.testing.assert_allclose(drawn, [[0.9, 0.1], [0.9, -0.1]])
    assert (*ax.get_xlim(), *ax.get_ylim()) == pytest.approx(view)


def test_regions_show_places_among_the_names():
    labels = np.array([[0, -1], [1, 1]])
    names = {1: "second", 0: "first", -1: "none"}
    figure = plots.regions({"tau = 1": labels, "tau = 2": labels[::-1]}, (0, 1, 0, 1), names)
    shown = [np.asarray(ax.images[0].get_array()) for ax in figure.axes]
    np.testing.assert_array_equal(shown[0], [[1, 2], [0, 0]])
    np.testing.assert_array_equal(shown[1], [[0, 0], [1, 2]])
    assert [t.get_text() for t in figure.legends[0].get_texts()] == list(names.values())
    with pytest.raises(ValueError, match=r"no name for \[-1\]"):
        plots.regions({"": labels}, (0, 1, 0, 1), {0: "a", 1: "b"})


def test_a_history_with_captions_is_read_out_in_them():
    history = History([0, 1], {"caption": ["gamma = 0", "gamma = 1"]})
    assert gt.animation.narrate(history, 1) == "gamma = 1"


def test_dirac_field_keeps_the_random_state():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    zoo.dirac_field(zoo.DIRAC_METHODS["instance_noise"], count=2)
    assert torch.equal(before, torch.get_rng_state())

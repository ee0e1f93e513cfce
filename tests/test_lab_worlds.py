"""What the lab's pictures show, against closed forms and against the networks themselves."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import gaussian_kde

from gan_teach.data import Normal
from gan_teach.dynamics.streams import generator
from gan_teach.lab import PRESETS, Session
from gan_teach.lab.config import DATA, KNOBS
from gan_teach.lab.frame import GRAPH, LOOKS, Arrows, Field, Lines, Points
from gan_teach.lab.line import foretold
from gan_teach.lab.networks import CELLS, PUSHED, SHOWN


def sigmoid(t):
    return 1 / (1 + math.exp(-t))


def dirac_by_hand(theta, psi, steps, lr, tau, gamma):
    """Simultaneous steps: L_G = -softplus(psi theta), L_D = softplus(psi theta) + gamma psi^2/2."""
    path = [(theta, psi)]
    for _ in range(steps):
        d = sigmoid(psi * theta)
        theta, psi = theta + lr * d * psi, psi - tau * lr * (d * theta + gamma * psi)
        path.append((theta, psi))
    return np.array(path)


@pytest.mark.parametrize(("name", "gamma", "tau"), [("dirac", 0.0, 1.0), ("dirac-r1", 0.3, 4.0)])
def test_the_dirac_path_is_the_recursion(name, gamma, tau):
    session = Session(name, tau=tau)
    session.tick(50)
    expected = dirac_by_hand(1.0, -1.0, 50, 0.2, tau, gamma)
    np.testing.assert_allclose(session.history["params"], expected, rtol=1e-12, atol=1e-14)
    path = session.frame.layers["path"]
    assert isinstance(path, Lines)
    np.testing.assert_array_equal(path.xy, session.history["params"])


def test_the_arrows_of_the_dirac_game_point_where_it_moves():
    session = Session("dirac-r1", tau=3.0)
    flow = session.frame.layers["flow"]
    assert isinstance(flow, Arrows)
    theta, psi = flow.xy.T
    d = 1 / (1 + np.exp(-psi * theta))
    expected = np.stack([d * psi, -3.0 * (d * theta + 0.3 * psi)], 1)
    ratio = np.hypot(*flow.uv.T) / np.maximum(np.hypot(*expected.T), 1e-12)
    scale = np.median(ratio)
    np.testing.assert_allclose(flow.uv, scale * expected, atol=1e-7)


@pytest.mark.parametrize("gamma", [0.3, 2.0])
def test_the_disc_holds_the_eigenvalues_of_a_round(gamma):
    """Near (0, 0): s = 1 - h (gamma +- sqrt(gamma^2 - 1)) / 2 (Mescheder et al., 2018)."""
    session = Session("dirac-r1", weight=gamma)
    session.tick(600)
    root = np.emath.sqrt(gamma**2 - 1)
    expected = [1 - 0.2 * (gamma + sign * root) / 2 for sign in (1, -1)]
    disc = session.frame.disc
    assert disc is not None
    found = disc.xy[:, 0] + 1j * disc.xy[:, 1]
    np.testing.assert_allclose(np.sort_complex(found), np.sort_complex(expected), atol=1e-3)
    assert ("no turn" in disc.text) == (gamma > 1)


def test_the_predicted_period_is_that_of_the_run():
    session = Session("dirac-r1")
    session.tick(400)
    theta = session.history["theta"][100:]
    crossings = np.flatnonzero(np.diff(np.sign(theta)))
    period = 2 * np.diff(crossings).mean()
    disc = session.frame.disc
    assert disc is not None
    found = re.fullmatch(r"\|s\| = (0\.\d{4}), a turn in (\d+) rounds", disc.text)
    assert found
    assert abs(int(found[2]) - period) < 2
    size = session.history["distance"]
    assert float(found[1]) == pytest.approx((size[350] / size[150]) ** (1 / 200), abs=0.003)


def test_the_words_of_the_disc():
    assert str(foretold(np.array([0.5 + 0j, 0.99 * np.exp(2j * np.pi / 40)]))) == (
        "|s| = 0.9900, a turn in 40 rounds"
    )
    assert str(foretold(np.array([0.9 + 0j, 0.5]))) == "largest |s| = 0.9000, no turn"


def test_the_disc_is_empty_where_an_optimizer_remembers():
    disc = Session("dirac", optimizer="adam").frame.disc
    assert disc is not None
    assert len(disc.xy) == 0
    assert disc.text == "only for plain SGD"


@pytest.fixture(scope="module")
def plane():
    session = Session("five-gaussians", width=16, lr=0.003)
    session.tick(30)
    return session


def layers_of(session):
    return session.picture(hidden=()).layers


def test_the_field_is_the_discriminator(plane):
    field = layers_of(plane)["field"]
    assert isinstance(field, Field)
    left, right, bottom, top = field.extent
    game = plane._world.game
    for row, column in [(0, 0), (0, CELLS - 1), (41, 7)]:
        x = left + (column + 0.5) / CELLS * (right - left)
        y = bottom + (row + 0.5) / CELLS * (top - bottom)
        d = torch.sigmoid(game.discriminator(torch.tensor([[x, y]]))).item()
        assert field.values[row, column] == pytest.approx(d, abs=1e-5)


def test_arrows_are_the_gradient_of_the_generators_loss(plane):
    """Against central differences, in each of the losses."""
    game, fake = plane._world.game, layers_of(plane)["fake"]
    assert isinstance(fake, Points)
    for loss in ("saturating", "non_saturating", "relativistic"):
        plane.set(loss=loss)
        push = layers_of(plane)["push"]
        assert isinstance(push, Arrows)
        x = torch.as_tensor(fake.xy[:PUSHED]).double()
        real = torch.as_tensor(plane._world.real[:PUSHED]).double()
        d = game.discriminator.double()
        h = 1e-5
        try:
            free = np.flatnonzero(np.hypot(*push.uv.T) < 0.24 * plane._world.reach)  # not cut
            for i in (free[0], free[-1]):
                slope = np.zeros(2)
                for axis in range(2):
                    step = torch.zeros_like(x)
                    step[i, axis] = h
                    up, down = (game.loss.g(d(real)[:, 0], d(x + s)[:, 0]) for s in (step, -step))
                    slope[axis] = (up - down).item() / (2 * h) * len(x) * plane._world.reach
                expected = -0.16 * plane._world.reach * slope / np.linalg.norm(slope) ** 0.5
                np.testing.assert_allclose(push.uv[i], expected, rtol=1e-2, atol=1e-4)
        finally:
            d.float()


def test_arrows_of_a_saturated_generator_vanish():
    """D rejects all fakes with confidence: log(1 - D) then has no slope left, -log D has."""
    session = Session("two-gaussians", width=16, loss="saturating", lr=0.01, tau=3.0, g_steps=0)
    session.tick(200)
    lengths = {}
    for loss in ("saturating", "non_saturating"):
        session.set(loss=loss)
        push = layers_of(session)["push"]
        assert isinstance(push, Arrows)
        lengths[loss] = np.hypot(*push.uv.T).mean()
    assert lengths["saturating"] < 0.2 * lengths["non_saturating"]


def test_the_best_answer_is_a_ratio_of_kernel_estimates(plane):
    best, fake = layers_of(plane)["best"], layers_of(plane)["fake"]
    width = plane._world.reach / 25
    cells = plane._world._cells.numpy().T
    p, q = (gaussian_kde(points.T, bw_method=1.0) for points in (plane._world.real, fake.xy))
    for kde in (p, q):
        kde.covariance = width**2 * np.eye(2)
        kde.cho_cov = width * np.eye(2)
        kde.log_det = 2 * np.log(2 * np.pi * width**2)
    at = np.flatnonzero(p(cells) + q(cells) > 1e-6)
    expected = p(cells)[at] / (p(cells)[at] + q(cells)[at])
    np.testing.assert_allclose(best.values.ravel()[at], expected, atol=1e-6)


def test_the_manifold_is_the_generator_of_a_lattice(plane):
    manifold = layers_of(plane)["manifold"]
    pieces = np.split(manifold.xy, np.flatnonzero(np.isnan(manifold.xy[:, 0])))
    corner = plane._world.game.generate(torch.tensor([[-2.0, -2.0]])).detach().numpy()[0]
    np.testing.assert_allclose(pieces[0][0], corner, rtol=1e-5)
    assert len(pieces) == 23  # 22 lines, and the last NaN


def test_hidden_layers_are_not_made(plane):
    assert {"best", "manifold"} <= set(layers_of(plane))
    assert not {"best", "manifold"} & set(plane.frame.layers)
    assert set(plane.picture({"field", "push"}).layers) == {
        "best", "manifold", "real", "modes", "fake",
    }  # fmt: skip


@pytest.mark.parametrize("text", ["normal", "noisy", "two-gaussians,width=8,lr=0.01", "dirac"])
def test_the_graph_shows_the_layers_and_tells_the_numbers_of_the_run(text):
    session = Session(text)
    session.go(12)
    assert session.frame.graph == ()
    frame = session.picture(session.hidden - {GRAPH})
    assert set(frame.layers) == set(session.frame.layers)  # no more in the main picture
    everything = session.picture(hidden=()).layers
    z, g, samples, d, losses = frame.graph
    history = session.history
    for node, key, name in ((g, "g_grad", "|∇L_G|"), (d, "d_grad", "|∇L_D|")):
        assert node.norm == pytest.approx(history.last(key))
        assert f"{name} = {node.norm:.3g}" in node.text
    for k, player in enumerate("dg"):
        loss = history.last(f"{player}_loss")
        np.testing.assert_allclose(losses.layers[player][0][:, 0], np.array([0, loss]), rtol=1e-6)
        assert losses.text[k] == f"L_{player.upper()} = {loss:.3g}".replace("-", "−")
        assert losses.view[0] <= loss <= losses.view[1]
    if session.config.world == "dirac":
        theta, psi = history["params"][-1]
        np.testing.assert_allclose(samples.layers["fake"][0], [[theta, 0]])
        np.testing.assert_allclose(d.layers["d"][0][1], [2, 2 * psi])
        assert not z.layers
        return
    assert f"D(G(z)) = {history.last('d_fake'):.3g}" in d.text
    for node in (g, samples, d):
        for name, layer in node.layers.items():
            np.testing.assert_array_equal(layer[0], everything[name][0])
    assert len(z.layers["latent"][0]) == len(samples.layers["fake"][0])


def test_the_graph_is_there_before_the_first_update_and_after_the_last_number():
    for text in ("normal", "dirac", "normal,lr=50.0,loss=least_squares,draws=2/100"):
        graph = Session(text).picture().graph
        assert np.isfinite([value for node in graph for value in (*node.view, node.norm)]).all()


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_runs_and_is_told_in_words(name):
    small = {"width": 8} if PRESETS[name].world in ("plane", "images") else {}
    session = Session(name, **small)
    frame = session.tick(2)
    assert frame.step == 2
    assert frame.narration.startswith("Round 2: ")
    roles = [layer.role for layer in frame.layers.values()]
    roles += [curve.role for chart in frame.charts for curve in chart.curves]
    assert set(roles) <= set(LOOKS)
    assert session.history.steps[-1] == 2
    if "fake" in session.history and PRESETS[name].world == "plane":
        assert session.history["fake"].shape[1:] == (SHOWN, 2)


@pytest.mark.parametrize(
    "rule", ["optimistic", "negative_momentum", "lookahead", "extragradient", "heun", "consensus"]
)
def test_rules_that_remember_rewind_to_the_last_bit(rule):
    straight, wandering = (Session("dirac-r1", rule=rule) for _ in range(2))
    for session in (straight, wandering):
        session.tick(13)
        session.set(lr=0.1)
        session.tick(20)
    for step in (30, 14, 13, 2, 21, 33):
        wandering.rewind(step)
    for session in (straight, wandering):
        session.tick(4)
    np.testing.assert_array_equal(straight.history.last("params"), wandering.history.last("params"))
    np.testing.assert_array_equal(
        Session(straight.replay).history["params"], straight.history["params"]
    )


def places(frame, name):
    """xy of a layer that has places."""
    layer = frame.layers[name]
    assert isinstance(layer, (Points, Lines))
    return layer.xy


@pytest.mark.parametrize("latent", [1, 2, 5])
def test_the_lattice_of_latents_goes_straight_to_what_g_makes_of_it(latent):
    session = Session(f"five-gaussians,latent={latent},draws=2/3")
    first, middle, last = (session.morph(share) for share in (0.0, 0.25, 1.0))
    z = Normal(dim=latent).sample(SHOWN, generator(1))
    start = np.zeros((SHOWN, 2))
    start[:, :latent] = 0.9 * 1.7 / 2 * z[:, :2].numpy()
    np.testing.assert_allclose(places(first, "fake"), start, atol=1e-6)
    picture = session.picture()
    for name in ("fake", "manifold"):
        np.testing.assert_allclose(places(last, name), places(picture, name), atol=1e-6)
        between = 0.75 * places(first, name) + 0.25 * places(last, name)
        np.testing.assert_allclose(places(middle, name), between, atol=1e-6)
    assert np.nanmax(np.abs(places(first, "manifold"))) == pytest.approx(0.9 * 1.7)
    assert session.step == 3


@pytest.mark.parametrize(("text", "share", "words"), [
    ("normal", 0.5, "do not lie in a plane"), ("dirac", 0.5, "do not lie in a plane"),
    ("spirals", 1.5, "at most 1, got 1.5"), ("spirals", float("nan"), "share must be"),
])  # fmt: skip
def test_nothing_to_follow_or_no_share_is_said(text, share, words):
    with pytest.raises(ValueError, match=words):
        Session(text).morph(share)


def test_the_features_that_the_guide_lists_are_those_of_this_lab():
    pytest.importorskip("ipywidgets")
    from gan_teach.lab.panel import SPEEDS

    text = (Path(__file__).parents[1] / "tutorial" / "lab.md").read_text("utf-8")
    table = text[text.index("| GAN Lab |") :].partition("\n\n")[0]
    rows = dict(re.findall(r"^\| ([1-9]\d*) [^|]*\| ([^|]*) \|", table, re.M))
    assert len(rows) == 18
    session = Session("five-gaussians")
    lines = np.isnan(session.picture().layers["manifold"].xy[:, 0]).sum()  # pyright: ignore
    assert rows["1"].startswith("six in the plane, two on the line, one point")
    assert [len(DATA[world]) for world in ("plane", "line", "dirac")] == [6, 2, 1]
    assert f"in {KNOBS['latent'].low:.0f} to {KNOBS['latent'].high:.0f} dimensions" in rows["3"]
    assert rows["5"] == "seven in the plane"
    assert len(session.picture().layers) == 7
    assert rows["6"].startswith(f"{CELLS} x {CELLS},")
    assert rows["7"].startswith(f"{lines} lines")
    assert f"0 to {KNOBS['d_steps'].high:.0f} of each" in rows["12"]
    assert f"{len(KNOBS['loss'].choices)} losses" in rows["14"]
    assert rows["18"].startswith(f"{SPEEDS[0]} to {SPEEDS[-1]} rounds")

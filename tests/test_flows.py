"""Trajectories and basins against closed forms, plain NumPy loops and the published numbers."""

import itertools
import math
import sys
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings, strategies as st
from torch.nn import functional as F

from gan_teach.analysis import flows
from gan_teach.analysis.flows import engines, steps
from gan_teach.games import FunctionGame

TWO_PI = 2 * math.pi
RULES = ("simultaneous", "alternating")
ENGINES = ("numba", "tensors", "graph", "autograd")


def engine_of(name, game, probes, order, cells, count):
    """The path of the engine ``name``; raises ``steps.Unsupported`` where it cannot serve."""
    w = probes[:, 0]
    if name == "autograd":
        return engines._mapped(lambda w, rates: steps.one_step(game, w, rates, order), 7)
    graph = steps.record(
        lambda w, rates: steps.one_step(game, w, rates, order), w, w[:2], core=name != "graph"
    )
    if name == "graph":
        return engines._mapped(graph)
    step = steps.write_step(graph, len(w))
    return engines._of_text(step) if name == "tensors" else engines._compiled(step)


@pytest.fixture
def use(monkeypatch):
    """``use("graph")`` lets this engine take all steps from now on."""

    def of_name(name):
        if name == "numba":
            pytest.importorskip("numba")
        monkeypatch.setattr(
            flows, "choose", lambda *args: engines.Engine(name, engine_of(name, *args))
        )

    return of_name


@pytest.fixture
def no_numba(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, "gan_teach.analysis.flows.compiled", raising=False)


def game_of(f, n_g=1, n_d=1, f_d=None):
    x, y = torch.full((n_g,), 0.1).double(), torch.full((n_d,), 0.2).double()
    return FunctionGame(f, f_d, x, y)


def torus(x, y):
    return -0.15 * torch.cos(x[0]) + torch.cos(x[0] - y[0]) + 0.15 * torch.cos(y[0])


def polynomial(x, y):
    x, y = x[0], y[0]
    inner = (0.3 * x**2 + y) ** 2 + (0.3 * y**2 + x) ** 2
    return -torch.exp(-0.01 * (x**2 + y**2)) * inner


def xy(x, y):
    return (x * y).sum()


def well(x, y):
    """Player 1 descends x^2 - x^4 / 2: to 0 from |x| < 1, to infinity from beyond. y follows x."""
    return (x[0] ** 2 - x[0] ** 4 / 2) - (y[0] - x[0]).square()


DATA = torch.tensor([-1.3, -0.4, 0.2, 0.9, 1.7], dtype=torch.float64)
MATRIX = torch.tensor([[1.0, -0.5, 0.2], [0.3, 0.8, -1.1], [0.0, 0.6, 0.4]], dtype=torch.float64)

ORDINARY = {
    "trigonometry": lambda x, y: (x.sin() * y.cos() + x.tan() + torch.atan2(x, 1 + y * y)).sum(),
    "hyperbolic": lambda x, y: (torch.sinh(x) * torch.tanh(y) + torch.cosh(y)).sum(),
    "inverses": lambda x, y: (torch.atan(x) * torch.asin(y.tanh()) + torch.acos(x.sin() / 2)).sum(),
    "exponentials": lambda x, y: (x.exp() * y.tanh() + torch.expm1(y) + torch.exp2(x)).sum(),
    "logarithms": lambda x, y: (torch.log1p(x * x) * y + torch.log2(2 + y.sin())).sum(),
    "gan losses": lambda x, y: (F.softplus(x * y) + F.logsigmoid(y) + torch.sigmoid(x - y)).sum(),
    "powers": lambda x, y: (x**2 * y + x**3 - y**4 + (1 + x * x) ** 0.5 + 2 ** (-y * y)).sum(),
    "any power": lambda x, y: ((1 + x * x) ** 1.7 * y + (2 + y.sin()) ** x).sum(),
    "roots": lambda x, y: torch.linalg.norm(x) * y.sum() + torch.rsqrt(1 + y.square()).sum(),
    "p-norms": lambda x, y: torch.norm(x, p=3) * y.sum() + x.norm(p=1) - (x - y).norm(p=4),
    "maximum norm": lambda x, y: torch.linalg.vector_norm(x, math.inf) * y.sum(),
    "kinks": lambda x, y: (x.abs() * y + F.relu(y) - F.leaky_relu(x, 0.2) + F.elu(x)).sum(),
    "where": lambda x, y: torch.where(x > y, x * y, y * y).sum(),
    "clamp": lambda x, y: (x.clamp(-0.5, 0.5) * y + y.clamp(min=0.1)).sum(),
    "maximum": lambda x, y: (torch.maximum(x, y) - torch.minimum(x, 2 * y)).sum(),
    "min and max": lambda x, y: x.max() * y.min() + torch.amax(x) * y.sum(),
    "shapes": lambda x, y: (
        torch.cat([x, y]).view(2, 3).T.mean(0) * torch.stack([x.sum(), y[1:].sum()])
    ).sum(),
    "matrix products": lambda x, y: x @ torch.outer(y, y) @ x + torch.dot(x, y),
    "a constant matrix": lambda x, y: x @ MATRIX @ y + (MATRIX @ x).square().sum(),
    "einsum": lambda x, y: torch.einsum("i,ij,j->", x, MATRIX, y) + torch.outer(x, y).trace(),
    "logsumexp": lambda x, y: torch.logsumexp(torch.cat([x, y]), 0) * y[0],
    "softmax": lambda x, y: (torch.softmax(x, 0) * y).sum() + (F.log_softmax(y, 0) * x).sum(),
    "huber": lambda x, y: F.huber_loss(x, y) + F.smooth_l1_loss(2 * x, y),
    "distances": lambda x, y: F.mse_loss(x, y) + F.l1_loss(x, 3 * y),
    "cross entropy": lambda x, y: F.cross_entropy(x[None], torch.tensor([1])) * y[2],
    "cumsum": lambda x, y: (x.cumsum(0) * y).sum(),
    "product": lambda x, y: x.prod() * y.sum(),
    "indexing": lambda x, y: x[0] * y[-1] - x[1:].sum() + x[[2, 0, 2]].square().sum() * y[0],
    "roll": lambda x, y: (torch.roll(x, 1) * y).sum() + (torch.flip(x, [0]) * y).sum(),
    "data points": lambda x, y: (
        F.softplus(-(y[0] * DATA + y[1])).mean() + F.softplus(y[0] * (x[0] + x[1] * DATA)).mean()
    ),
    "a network": lambda x, y: torch.tanh(MATRIX @ x + y) @ y,
    "error function": lambda x, y: (torch.erf(x) * y + F.gelu(x)).sum(),
    "triangles": lambda x, y: torch.triu(torch.outer(x, y)).sum(),
    "written in place": lambda x, y: (x * 1.0).mul_(y).sum(),
    "fractions": lambda x, y: (x / (1 + y * y) + 1 / (2 + x * x) + torch.lerp(x, y, 0.3)).sum(),
    "variance": lambda x, y: x.var() * y.sum(),
    "sorting": lambda x, y: (torch.sort(x).values * y).sum(),
    "largest along an axis": lambda x, y: (x[:, None] * y).max(0).values.sum(),
    "determinant": lambda x, y: torch.linalg.det(MATRIX + torch.diag(x)) * y.sum(),
    "Bessel function": lambda x, y: torch.special.i0(x[0]) * y[0] + x[1:].sum(),
}  # fmt: skip
NO_TEXT = {"variance", "sorting", "largest along an axis", "determinant", "Bessel function"}


def test_at_least_27_of_35_ordinary_functions_have_a_text():
    assert len(ORDINARY) - len(NO_TEXT) >= 27 / 35 * len(ORDINARY)


@pytest.mark.slow
@pytest.mark.parametrize("name", ORDINARY)
def test_every_engine_agrees_with_autograd(name, use):
    """At drawn points, some with equal coordinates or zeros, where kinks and ties are."""
    rng = torch.Generator().manual_seed(len(name))
    starts = torch.randn(12, 6, generator=rng, dtype=torch.float64)
    starts[8:, 1] = starts[8:, 0]
    starts[10:, 4] = starts[10:, 1]
    starts[11, [2, 5]] = 0.0
    game = game_of(ORDINARY[name], 3, 3)
    rule, first = (("simultaneous", "g"), ("alternating", "g"), ("alternating", "d"))[len(name) % 3]
    points = {}
    for engine in ENGINES:
        if engine in ("numba", "tensors") and name in NO_TEXT:
            continue
        use(engine)
        points[engine] = flows.trajectories(
            game, starts, [0.5, 2], lr=0.01, steps=7, every=3, rule=rule, first=first
        ).points
    expected = points.pop("autograd")
    for found in points.values():
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-11)


# Ways on from vectors of three numbers to another one; away from poles for any numbers.
ONE = {
    "sin": torch.sin, "tanh": torch.tanh, "softplus": F.softplus, "softmax": lambda v: v.softmax(0),
    "square": lambda v: v**2, "third power": lambda v: v**3, "root": lambda v: (1 + v * v).sqrt(),
    "any power": lambda v: (1 + v * v) ** 1.7, "exp": lambda v: torch.exp(-v * v),
    "atan": torch.atan,
    "abs": torch.abs, "relu": F.relu, "elu": F.elu, "clamp": lambda v: v.clamp(-0.7, 0.4),
    "cumsum": lambda v: v.cumsum(0), "roll": lambda v: v.roll(1), "flip": lambda v: v.flip(0),
    "indices": lambda v: v[[2, 0, 2]], "slices": lambda v: torch.cat([v[1:], v[:1]]),
    "matrix": lambda v: MATRIX @ v, "written": lambda v: (1.0 * v).mul_(v),
    "sigmoid": torch.sigmoid, "log": lambda v: torch.log1p(v * v), "pairs": lambda v: v.outer(v)[1],
}  # fmt: skip
TWO = {
    "+": torch.add, "-": torch.sub, "*": torch.mul, "maximum": torch.maximum,
    "minimum": torch.minimum, "/": lambda u, v: u / (1 + v * v), "atan2": torch.atan2,
    "where": lambda u, v: torch.where(u > v, u * v, v), "power": lambda u, v: (2 + u.sin()) ** v,
    "lerp": lambda u, v: torch.lerp(u, v, 0.3),
    "columns": lambda u, v: torch.stack([u, v]).T @ v[:2],
}  # fmt: skip
LAST = {
    "sum": torch.sum, "mean": torch.mean, "product": torch.prod, "largest": torch.max,
    "smallest": torch.amin, "logsumexp": lambda v: v.logsumexp(0), "norm": torch.linalg.norm,
    "3-norm": lambda v: v.norm(p=3), "1-norm": lambda v: v.norm(p=1), "last": lambda v: v[-1],
    "data": lambda v: F.softplus(-(v[0] * DATA + v[1])).mean() * v[2],
    "huber": lambda v: F.huber_loss(v, 0.5 * v.flip(0)),
    "points": lambda v: F.mse_loss(v, DATA[:3]),
}  # fmt: skip


@st.composite
def losses(draw):
    """A loss of x and y (3,) as its steps in order, each on vectors that are there by then."""
    steps, vectors = [], 2
    for _ in range(draw(st.integers(1, 6))):
        name = draw(st.sampled_from([*ONE, *TWO]))
        places = st.integers(max(0, vectors - 3), vectors - 1)
        steps.append((name, draw(places), draw(places)))
        vectors += 1
    return steps, draw(st.sampled_from([*LAST]))


def value(loss, x, y):
    vectors = [x, y]
    for name, i, j in loss[0]:
        vectors.append(ONE[name](vectors[i]) if name in ONE else TWO[name](vectors[i], vectors[j]))
    return LAST[loss[1]](vectors[-1] + 0.1 * x * y)


@pytest.mark.slow
@settings(
    max_examples=25, deadline=None, derandomize=True, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
@given(losses(), st.integers(0, 2**31), st.sampled_from(["", "gd", "dg"]))
def test_any_composition_of_ordinary_functions_steps_as_autograd_does(loss, seed, order):
    """As text on tensors and as torch's graph; what the test above tries alone meets here."""
    rng = torch.Generator().manual_seed(seed)
    points = torch.randn(6, 8, generator=rng, dtype=torch.float64)
    points[:, 5:] = points[:, 5:].round()  # ties and zeros
    game = game_of(lambda x, y: value(loss, x, y), 3, 3)
    rates = 0.1 * torch.ones(2, 8, dtype=torch.float64)
    found = {
        name: engine_of(name, game, points, order, 8, 1)(points, rates, 1, 1)
        for name in ("autograd", "graph", "tensors")
    }
    expected = found.pop("autograd")
    for name, ours in found.items():
        torch.testing.assert_close(
            ours, expected, rtol=1e-10, atol=1e-10, equal_nan=True, msg=f"{name}: {loss}"
        )


@pytest.mark.parametrize("name", sorted(NO_TEXT))
def test_what_the_text_does_not_know_is_left_to_the_graph(name):
    run = flows.trajectories(
        game_of(ORDINARY[name], 3, 3), np.full(6, 0.3) + np.eye(6), lr=0.1, steps=2
    )
    assert run.engine == "graph"


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("h", [0.5, 0.1])
def test_steps_on_xy_grow_or_stay_as_the_closed_forms_say(engine, h, use):
    use(engine)
    run = {
        rule: flows.trajectories(game_of(xy), [1.0, 0.5], lr=h, steps=40, rule=rule).points[:, 0]
        for rule in RULES
    }
    radius = np.linalg.norm(run["simultaneous"], axis=-1)
    np.testing.assert_allclose(radius[1:] / radius[:-1], math.sqrt(1 + h * h), rtol=1e-12)
    x, y = run["alternating"].T
    invariant = x * x + y * y - h * x * y  # of x' = x - h y, y' = y + h x'
    np.testing.assert_allclose(invariant, invariant[0], rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_a_general_sum_quadratic_game_is_a_matrix_power(engine, use):
    use(engine)
    rng = np.random.default_rng(3)
    n_g, n_d, lr, taus = 2, 3, 0.02, np.array([0.3, 4.0])
    a, b = rng.standard_normal((n_g, n_g)), rng.standard_normal((n_g, n_d))
    c, d = rng.standard_normal((n_d, n_d)), rng.standard_normal((n_g, n_d))
    ta, tb, tc, td = map(torch.from_numpy, (a, b, c, d))
    game = game_of(
        lambda x, y: 0.5 * x @ ta @ x + x @ (tb @ y), n_g, n_d, lambda x, y: y @ tc @ y + x @ td @ y
    )
    starts = rng.standard_normal((4, n_g + n_d))
    found = flows.trajectories(game, starts, taus, lr=lr, steps=30, every=30)
    for tau, ends in zip(taus, found.points[-1], strict=True):
        rows = np.block([[(a + a.T) / 2, b], [tau * d.T, tau * (c + c.T)]])
        power = np.linalg.matrix_power(np.eye(n_g + n_d) - lr * rows, 30)
        np.testing.assert_allclose(ends, starts @ power.T, rtol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("first", ["g", "d"])
@pytest.mark.parametrize("engine", ENGINES)
def test_alternating_lets_one_player_answer_the_new_point_of_the_other(engine, first, use):
    use(engine)
    x, y, lr, tau = 1.9, -2.1, 0.3, 5
    found = flows.trajectories(
        game_of(torus), [x, y], tau, lr=lr, steps=1, rule="alternating", first=first
    )
    for player in (first, "d" if first == "g" else "g"):
        if player == "g":
            x = x - lr * (0.15 * math.sin(x) - math.sin(x - y))
        else:
            y = y + tau * lr * (math.sin(x - y) - 0.15 * math.sin(y))
    np.testing.assert_allclose(found.points[1, 0], [x, y], rtol=1e-14)


@pytest.mark.slow
def test_g_is_first_in_alternating_steps_unless_said():
    start: dict[str, Any] = {
        "starts": [1.9, -2.1], "lr": 0.3, "steps": 3, "rule": "alternating",
    }  # fmt: skip
    orders: list[dict[str, Any]] = [{}, {"first": "g"}, {"first": "d"}]
    default, g, d = (
        flows.trajectories(game_of(torus), **start, **order).points for order in orders
    )
    np.testing.assert_array_equal(default, g)
    assert np.abs(default[1:] - d[1:]).max() > 0.01


def text_of(f, n_g=1, n_d=1):
    game, w = game_of(f, n_g, n_d), torch.linspace(0.3, 0.7, n_g + n_d, dtype=torch.float64)
    graph = steps.record(lambda w, r: steps.one_step(game, w, r, ""), w, w[:2], core=True)
    return steps.write_step(graph, len(w))


def test_what_both_players_share_is_computed_once():
    assert text_of(torus).source.count("sin(") == 3  # of x, y and x - y; the functions hold 4
    assert "cos(" not in text_of(torus).source  # values are not computed, only gradients
    assert text_of(polynomial).source.count("exp(") == 1


def test_what_only_moves_numbers_leaves_no_line():
    moved = text_of(lambda x, y: (torch.roll(x, 1).view(3, 1).flip(0)[:, 0] * y).sum(), 3, 3)
    plain = text_of(lambda x, y: x[0] * y[1] + x[1] * y[0] + x[2] * y[2], 3, 3)
    assert moved.lines == plain.lines == 6 * 2 + 3  # a product and a difference each; 3 signs


@pytest.mark.slow
def test_published_ends_on_the_torus():
    """Fiez & Ratliff's notebook: alternating, two starts, 200,000 steps."""
    run = flows.trajectories(
        game_of(torus), [(2, -1), (1.9, -2.1)], [1, 2, 5, 10], lr=1e-3, steps=200_000,
        every=200_000, rule="alternating", period=TWO_PI,
    )  # fmt: skip
    ends = run.points[-1]
    np.testing.assert_allclose(ends[0], [(-3.141, 0.539), (-2.07, -0.046)], atol=1e-3)
    assert run.distance((0, 0), TWO_PI)[-1, 1].max() < 0.01
    assert run.distance((math.pi, math.pi), TWO_PI)[-1, 2:, 0].max() < 0.01
    np.testing.assert_allclose(ends[3, 1], (0.199, 0.173), atol=1e-3)


@pytest.mark.slow
def test_published_distances_on_the_polynomial():
    run = flows.trajectories(
        game_of(polynomial), [-9, -9], [1, 2, 5, 20], lr=1e-4, steps=25_000, every=1000
    )
    distance = run.distance(run.points[-1, -1])  # tau = 20 has arrived, to rounding
    assert run.steps[12] == 12_000
    np.testing.assert_allclose(distance[-1, :2], [1.594, 7.1e-2], rtol=0.01)
    np.testing.assert_allclose(distance[-1, 2], 2.5e-6, rtol=0.05)
    np.testing.assert_allclose(distance[12, :3], [1.45, 0.330, 1.18e-3], rtol=0.01)
    np.testing.assert_allclose(run.points[-1, -1], [-11.0297385] * 2, atol=1e-7)


def numpy_labels(starts, taus, ends, lr, steps):
    """The published loop on the torus: derivatives by hand, nothing stopped early."""
    labels = []
    for tau in taus:
        x, y = starts[..., 0], starts[..., 1]
        for _ in range(steps):
            x = x - lr * (0.15 * np.sin(x) - np.sin(x - y))
            y = y + tau * lr * (np.sin(x - y) - 0.15 * np.sin(y))
        gap = np.stack([x, y], -1)[..., None, :] - ends
        near = np.linalg.norm(gap - TWO_PI * np.rint(gap / TWO_PI), axis=-1) < 1e-4
        labels.append(np.where(near.any(-1), near.argmax(-1), flows.NONE))
    return np.stack(labels)


ENDS = np.array([[0.0, 0.0], [math.pi, math.pi]])


@pytest.mark.parametrize("engine", [None, *ENGINES])
def test_labels_are_those_of_the_full_numpy_loop_cell_by_cell(engine, use):
    if engine:
        use(engine)
    size, steps = (25, 2500) if engine in (None, "numba", "tensors") else (5, 600)
    side = (-math.pi, math.pi, size)
    starts, taus = flows.grid(side, side), [1, 2, 10]
    found = flows.basins(
        game_of(torus), starts, ENDS, taus, lr=0.04, steps=steps, tol=1e-4, period=TWO_PI,
    )  # fmt: skip
    assert found.labels.shape == (3, size, size)
    np.testing.assert_array_equal(found.labels, numpy_labels(starts, taus, ENDS, 0.04, steps))
    kinds = set(np.unique(found.labels))
    assert {flows.NONE, 0, 1} <= kinds  # the corners sit on (pi, pi), which repels at tau = 1


@pytest.mark.slow
def test_published_shares_on_the_torus():
    side = (-math.pi, math.pi, 30)  # 100 in the paper
    found = flows.basins(
        game_of(torus), flows.grid(side, side), ENDS, [1, 2, 5, 10], lr=0.04, steps=20_001,
        tol=1e-4, period=TWO_PI,
    )  # fmt: skip
    shares = found.shares()
    published = [[0.497, 0.0, 0.503], [0.617, 0.383, 0], [0.538, 0.462, 0], [0.528, 0.472, 0]]
    np.testing.assert_allclose(shares.sum(1), 1.0)
    np.testing.assert_allclose(shares[:, :3], published, atol=0.025)


@pytest.mark.slow
def test_published_shares_on_the_polynomial():
    """Published: 60 x 60 starts, 40,001 steps."""
    ends = [(-11.0297385, -11.0297385), (10.5721640, -8.9517392), (-1.6216536, -1.6216536)]
    side = (-15, 15, 30)
    found = flows.basins(
        game_of(polynomial), flows.grid(side, side), ends, [2, 20], lr=1e-3, steps=12_000, bound=20
    )
    published = np.array([[0.134, 0.264, 0.053], [0.181, 0.276, 0.092]])
    np.testing.assert_allclose(found.shares()[:, :3], published, atol=0.04)
    np.testing.assert_allclose(found.shares()[:, -1], [0.549, 0.452], atol=0.04)


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
def test_a_cell_is_dropped_only_where_it_cannot_leave(rule):
    """Around (0, 0) the torus contracts above about tau = 17/23."""
    settled = flows._settled
    given = flows.Problem(game_of(torus), [0.0, 0.0], 1.0, 0.04, 1, rule, "g", TWO_PI)
    origin, reach = torch.zeros(2, dtype=torch.float64), 1e-2
    assert settled(given, origin, 0.5, reach) == 0
    assert settled(given, origin, 0.7, reach) == 0
    for tau in (1.0, 10.0):
        radius = settled(given, origin, tau, reach)
        angles = np.linspace(0, TWO_PI, 60)
        ring = radius * np.stack([np.cos(angles), np.sin(angles)], -1)
        path = flows.trajectories(game_of(torus), ring, tau, lr=0.04, steps=3000, rule=rule)
        assert 1e-5 < radius < reach
        assert path.distance((0, 0)).max() < reach


def test_a_start_on_a_repelling_point_is_followed_to_the_end():
    """x^2 y - y^2 / 2 at (0, 0) with x pushed off by rounding only: the label is the last place."""
    game = game_of(lambda x, y: -(x[0] ** 2) / 2 + 0 * y[0], f_d=lambda x, y: y[0] ** 2 / 2)
    found = flows.basins(
        game, [(1e-10, 0.0), (0.0, 0.5)], [(0.0, 0.0)], lr=0.1, steps=300, tol=1e-3, bound=1e9
    )
    assert found.labels.tolist() == [[flows.NONE, 0]]
    assert found.points[0, 0, 0] == pytest.approx(1e-10 * 1.1**300, rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_cells_that_leave_are_unbounded_and_overflow_is_no_error(engine, use):
    use(engine)
    found = flows.basins(
        game_of(well), [(0.5, 0.0), (1.5, 0.0), (-3.0, 1.0)], [(0.0, 0.0)], lr=0.05, steps=400
    )
    assert found.engine == engine
    assert found.labels.tolist() == [[0, flows.UNBOUNDED, flows.UNBOUNDED]]
    assert found.shares().tolist() == [[1 / 3, 0, 2 / 3]]


@pytest.mark.slow
def test_paths_that_overflow_are_those_of_autograd(use):
    starts, points = [(1.5, 0.0), (0.5, 0.0)], []
    for engine in ENGINES:
        use(engine)
        run = flows.trajectories(game_of(well), starts, lr=0.1, steps=60, every=5)
        points.append(run.points)
    for found in points[:-1]:
        np.testing.assert_allclose(found, points[-1], rtol=1e-10)
    assert np.isnan(points[0][-1, 0, 0]).any()
    assert np.isfinite(points[0][:, 0, 1]).all()


def test_angles_are_recorded_within_half_a_turn():
    starts = np.array([(3.0, 3.2), (-10.0, 6.0)])
    run = flows.trajectories(game_of(torus), starts, 2, lr=0.05, steps=50, period=TWO_PI)
    free = flows.trajectories(game_of(torus), starts, 2, lr=0.05, steps=50)
    assert np.abs(run.points).max() <= math.pi
    turns = (free.points - run.points) / TWO_PI
    np.testing.assert_allclose(turns, np.rint(turns), atol=1e-12)
    assert np.abs(turns).max() > 1
    np.testing.assert_allclose(
        run.distance(ENDS[1], TWO_PI), free.distance(ENDS[1], [TWO_PI, TWO_PI]), atol=1e-12
    )


def test_one_angle_among_other_coordinates():
    game = game_of(lambda x, y: torch.cos(x[0]) + 0.1 * (x[0].sin() * y[0]) - y[0] ** 2)
    run = flows.trajectories(game, [9.0, 7.0], lr=0.1, steps=3, period=[TWO_PI, None])
    assert np.abs(run.points[:, 0, 0]).max() <= math.pi
    assert run.points[0, 0, 1] == 7.0


def test_a_function_with_a_changing_number_falls_back_to_autograd():
    calls = itertools.count()

    def moving(x, y):
        return x[0] * y[0] * (1.0 + next(calls))

    run = flows.trajectories(game_of(moving), [1.0, 1.0], lr=0.1, steps=2)
    assert run.engine == "autograd"


def test_what_torch_cannot_record_is_left_to_autograd(monkeypatch):
    def refuse(*_args, core=False):
        raise steps.Unsupported

    monkeypatch.setattr(steps, "record", refuse)
    run = flows.trajectories(game_of(xy), [1.0, 1.0], lr=0.1, steps=1)
    assert run.engine == "autograd"
    np.testing.assert_allclose(run.points[1, 0], [0.9, 1.1])


@pytest.mark.parametrize("engine", ENGINES)
def test_a_choice_between_constants_is_made_by_every_engine(engine, use):
    use(engine)
    game = game_of(lambda x, y: (torch.where(0 * x > 1, x, y) + F.relu(0 * x) + x * y).sum())
    run = flows.trajectories(game, [(0.1, 0.2), (1.0, 2.0)], lr=0.1, steps=1)
    assert run.engine == engine
    np.testing.assert_allclose(run.points[-1, 0], [(0.08, 0.31), (0.8, 2.2)], atol=1e-15)


def test_two_arguments_of_one_tensor_are_recorded_as_two():
    w = torch.tensor([1.0, 2.0], dtype=torch.float64)
    graph = steps.record(lambda a, b: a * 10 + b, w, w)
    np.testing.assert_array_equal(graph(w, 3 * w), 13 * w)


@pytest.mark.slow
def test_the_text_reaches_nothing_but_mathematics():
    for name in ("trigonometry", "inverses", "gan losses", "where", "huber", "cross entropy"):
        module = compile(text_of(ORDINARY[name], 3, 3).source, "step", "exec")
        (step,) = (part for part in module.co_consts if hasattr(part, "co_names"))
        assert set(step.co_names) <= set(engines._CALLS)


@pytest.mark.slow
def test_small_runs_are_not_compiled_and_long_ones_are():
    pytest.importorskip("numba")
    runs = [
        flows.trajectories(game_of(torus), [2.0, -1.0], lr=0.01, steps=count, every=count)
        for count in (100, 200_000)
    ]
    assert [run.engine for run in runs] == ["tensors", "numba"]


@pytest.mark.slow
@pytest.mark.usefixtures("no_numba")
def test_without_numba_tensors_serve():
    cells = flows.grid((-3, 3, 20), (-3, 3, 20))
    found = flows.basins(
        game_of(torus), cells, ENDS, [1, 5], lr=0.04, steps=30_000, tol=1e-4, period=TWO_PI
    )
    assert found.engine == "tensors"
    np.testing.assert_array_equal(found.labels, numpy_labels(cells, [1, 5], ENDS, 0.04, 30_000))


def test_a_step_of_too_many_numbers_is_left_to_the_graph():
    weights = torch.randn(50, 50, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    game = game_of(lambda x, y: torch.tanh(weights @ x) @ y, 50, 50)
    run = flows.trajectories(game, np.full(100, 0.1), lr=0.01, steps=2)
    assert run.engine == "graph"


@pytest.mark.slow
def test_cells_of_several_blocks_are_all_advanced(use):
    starts = flows.grid((-3, 3, 7), (-2, 2, 11))  # 154 cells: neither one block nor a whole number
    points = []
    for engine in ENGINES:
        use(engine)
        run = flows.trajectories(game_of(torus), starts, [1, 3], lr=0.05, steps=30, every=7)
        points.append(run.points)
    for found in points[:-1]:
        np.testing.assert_allclose(found, points[-1], rtol=1e-10, atol=1e-10)


def units(found, exact):
    """Distance in units in the last place; ``exact`` has more digits than a float64."""
    return np.abs((found - exact) / np.spacing(np.abs(exact.astype(float))).astype(exact.dtype))


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 60, reason="long doubles are doubles here")
def test_own_sine_cosine_and_exponential_are_within_2_units_in_the_last_place():
    compiled = pytest.importorskip("gan_teach.analysis.flows.compiled", exc_type=ImportError)
    rng = np.random.default_rng(0)
    near = np.arange(-400, 401) * (np.pi / 4)
    small = np.concatenate([rng.uniform(-10, 10, 20_000), 10.0 ** rng.uniform(-300, 0, 2000)])
    large = rng.uniform(-1e6, 1e6, 20_000)
    angles = np.concatenate([near, np.nextafter(near, 9e9), small, large])
    for name in ("sin", "cos"):
        found = np.array([getattr(compiled, name)(x) for x in angles])
        exact = getattr(np, name)(angles.astype(np.longdouble))
        assert units(found, exact).max() <= 2
    powers = np.concatenate([rng.uniform(-708, 709.7, 20_000), small, -small])
    found = np.array([compiled.exp(x) for x in powers])
    assert units(found, np.exp(powers.astype(np.longdouble))).max() <= 2


def test_own_functions_end_where_those_of_c_do():
    compiled = pytest.importorskip("gan_teach.analysis.flows.compiled", exc_type=ImportError)
    assert compiled.exp(710.0) == compiled.exp(math.inf) == math.inf
    assert compiled.exp(-800.0) == compiled.exp(-math.inf) == 0.0
    assert compiled.exp(0.0) == compiled.cos(0.0) == 1.0
    assert compiled.exp(-740.0) == math.exp(-740.0)  # subnormal
    for name, x in itertools.product(("sin", "cos", "exp"), (math.nan, math.inf)):
        assert math.isnan(getattr(compiled, name)(x)) == (name != "exp" or math.isnan(x))
    assert abs(compiled.sin(1e9) - math.sin(1e9)) < 2e-7  # the argument is rounded once more


def test_grid_varies_the_first_coordinate_along_columns():
    points = flows.grid((0, 2, 3), (10, 11, 2))
    assert points.shape == (2, 3, 2)
    assert points[0].tolist() == [[0, 10], [1, 10], [2, 10]]
    assert points[:, 0].tolist() == [[0, 10], [0, 11]]


RIGHT = {"starts": [1.0, 1.0], "lr": 0.1, "steps": 5}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"starts": [1.0, 2.0, 3.0]}, r"starts must have shape \(\.\.\., 2\)"),
        ({"starts": [[1.0, math.nan]]}, "starts has 1 entries"),
        ({"taus": []}, "taus must hold at least one"),
        ({"taus": [1, -2]}, "taus must be above 0"),
        ({"lr": 0.0}, "lr must be above 0"),
        ({"steps": 0}, "steps must be at least 1"),
        ({"every": 0}, "every must be at least 1"),
        ({"rule": "alternate"}, "Did you mean 'alternating'"),
        ({"first": "x"}, "first must be one of"),
        ({"period": [TWO_PI]}, "period must be one number or 2"),
        ({"period": TWO_PI}, "do not repeat when coordinate 0"),
        ({"starts": np.ones((4000, 2)), "steps": 10**6}, "GiB: record fewer of them with every="),
    ],
)
def test_mistakes_are_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        flows.trajectories(game_of(xy), **(RIGHT | wrong))


def test_other_games_and_loops_over_values_are_refused():
    with pytest.raises(TypeError, match="game must be FunctionGame, got list"):
        flows.trajectories([], **RIGHT)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match=r"torch\.where instead of if"):
        flows.trajectories(game_of(lambda x, y: x[0] * y[0] if x[0] > 0 else -x[0]), **RIGHT)


@pytest.mark.parametrize(
    ("attractors", "message"),
    [
        ([(3.14, 3.14)], r"attractors\[0\] = \(3.14, 3.14\) is no critical point.*3.14159"),
        ([(0.0, 0.0, 0.0)], r"attractors must have shape \(K, 2\)"),
    ],
)
def test_attractors_must_be_critical_points(attractors, message):
    with pytest.raises(ValueError, match=message):
        flows.basins(game_of(torus), [1, 1], attractors, lr=0.01, steps=5, tol=1e-4)

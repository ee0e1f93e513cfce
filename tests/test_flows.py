"""Trajectories and basins against closed forms, plain NumPy loops and the published numbers."""

import importlib
import itertools
import math
import sys

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from gan_teach.analysis import flows
from gan_teach.analysis.flows import engines, native, trace
from gan_teach.analysis.flows import starts as starts_module
from gan_teach.games import FunctionGame

TWO_PI = 2 * math.pi
COMPILER = native.find_compiler() is not None
FAST = ["traced", "scalar", *(["compiled"] if COMPILER else [])]
ALL = ["eager", *FAST]


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


CATALOGUE = {
    "trigonometry": lambda x, y: (x.sin() * y.cos() + x.tan() + torch.atan2(x, 1 + y * y)).sum(),
    "exponentials": lambda x, y: (x.exp() * y.tanh() + torch.expm1(y) + torch.cosh(x)).sum(),
    "logarithms": lambda x, y: (torch.log1p(x * x) * y + torch.log(2 + y.sin())).sum(),
    "gan losses": lambda x, y: (F.softplus(x * y) + F.logsigmoid(y) + torch.sigmoid(x - y)).sum(),
    "powers": lambda x, y: (x**2 * y + x**3 - y**4 + (1 + x * x) ** 0.5 + 2 ** (-y * y)).sum(),
    "roots": lambda x, y: torch.linalg.norm(x) * y.sum() + torch.rsqrt(1 + y.square()).sum(),
    "kinks": lambda x, y: (x.abs() * y + F.relu(y) - F.leaky_relu(x, 0.2)).sum(),
    "choices": lambda x, y: (
        torch.where(x > y, x * y, y * y) + torch.maximum(x, y) + x.clamp(-0.5, 0.5)
    ).sum(),
    "shapes": lambda x, y: (
        torch.cat([x, y]).view(2, 3).T.mean(0) * torch.stack([x.sum(), y[1:].sum()])
    ).sum(),
    "products": lambda x, y: x @ torch.outer(y, y) @ x + torch.dot(x, y) - (x[:, None] * y).mean(),
    "fractions": lambda x, y: (x / (1 + y * y) + 1 / (2 + x * x)).sum(),
    "general": lambda x, y: (torch.erf(x) * y).sum() + x[0] * y[-1] - x[1:].sum(),
}  # fmt: skip


@pytest.mark.parametrize("rule", engines.RULES)
@pytest.mark.parametrize("name", CATALOGUE)
def test_every_engine_agrees_with_autograd(name, rule):
    starts = torch.randn(5, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    game = game_of(CATALOGUE[name], 3, 3)
    runs = [
        flows.trajectories(game, starts, [0.5, 2], lr=0.01, steps=7, every=3, rule=rule, engine=e)
        for e in ALL
    ]
    assert [run.engine for run in runs] == ALL
    assert runs[0].steps.tolist() == [0, 3, 6, 7]
    for run in runs[1:]:
        np.testing.assert_allclose(run.points, runs[0].points, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("engine", ALL)
@pytest.mark.parametrize("h", [0.5, 0.1])
def test_steps_on_xy_grow_or_stay_as_the_closed_forms_say(engine, h):
    run = {
        rule: flows.trajectories(
            game_of(xy), [1.0, 0.5], lr=h, steps=40, rule=rule, engine=engine
        ).points[:, 0]
        for rule in engines.RULES
    }
    radius = np.linalg.norm(run["simultaneous"], axis=-1)
    np.testing.assert_allclose(radius[1:] / radius[:-1], math.sqrt(1 + h * h), rtol=1e-12)
    x, y = run["alternating"].T
    invariant = x * x + y * y - h * x * y  # of x' = x - h y, y' = y + h x'
    np.testing.assert_allclose(invariant, invariant[0], rtol=1e-12)


@pytest.mark.parametrize("engine", ALL)
def test_a_general_sum_quadratic_game_is_a_matrix_power(engine):
    rng = np.random.default_rng(3)
    n_g, n_d, lr, taus = 2, 3, 0.02, np.array([0.3, 4.0])
    a, b = rng.standard_normal((n_g, n_g)), rng.standard_normal((n_g, n_d))
    c, d = rng.standard_normal((n_d, n_d)), rng.standard_normal((n_g, n_d))
    ta, tb, tc, td = map(torch.from_numpy, (a, b, c, d))
    game = game_of(
        lambda x, y: 0.5 * x @ ta @ x + x @ (tb @ y), n_g, n_d, lambda x, y: y @ tc @ y + x @ td @ y
    )
    starts = rng.standard_normal((4, n_g + n_d))
    found = flows.trajectories(game, starts, taus, lr=lr, steps=30, every=30, engine=engine)
    for tau, ends in zip(taus, found.points[-1], strict=True):
        rows = np.block([[(a + a.T) / 2, b], [tau * d.T, tau * (c + c.T)]])
        power = np.linalg.matrix_power(np.eye(n_g + n_d) - lr * rows, 30)
        np.testing.assert_allclose(ends, starts @ power.T, rtol=1e-10)


def test_alternating_lets_d_answer_the_new_point_of_g():
    x, y, lr, tau = 1.9, -2.1, 0.3, 5
    found = flows.trajectories(game_of(torus), [x, y], tau, lr=lr, steps=1, rule="alternating")
    x = x - lr * (0.15 * math.sin(x) - math.sin(x - y))
    y = y + tau * lr * (math.sin(x - y) - 0.15 * math.sin(y))
    np.testing.assert_allclose(found.points[1, 0], [x, y], rtol=1e-14)


def test_what_both_players_share_is_computed_once():
    point = torch.tensor([0.3, 0.7], dtype=torch.float64)
    step = trace.trace_step(game_of(torus), point, alternating=False)
    assert step.operations.count("sin") == 3  # of x, y and x - y; the functions hold 4, and a sign
    assert "cos" not in step.operations  # values are not computed, only gradients
    assert trace.trace_step(game_of(polynomial), point, False).operations.count("exp") == 1


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


@pytest.mark.parametrize("engine", ["auto", *ALL])
def test_labels_are_those_of_the_full_numpy_loop_cell_by_cell(engine):
    size, steps = (25, 2500) if engine in ("auto", "traced") else (5, 600)
    side = (-math.pi, math.pi, size)
    starts, taus = flows.grid(side, side), [1, 2, 10]
    found = flows.basins(
        game_of(torus), starts, ENDS, taus, lr=0.04, steps=steps, tol=1e-4, period=TWO_PI,
        engine=engine,
    )  # fmt: skip
    assert found.labels.shape == (3, size, size)
    np.testing.assert_array_equal(found.labels, numpy_labels(starts, taus, ENDS, 0.04, steps))
    kinds = set(np.unique(found.labels))
    assert {flows.NONE, 0, 1} <= kinds  # the corners sit on (pi, pi), which repels at tau = 1


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


@pytest.mark.parametrize("rule", engines.RULES)
def test_a_cell_is_dropped_only_where_it_cannot_leave(rule):
    """Around (0, 0) the torus contracts above about tau = 17/23."""
    settled = importlib.import_module("gan_teach.analysis.flows.basins")._settled
    given = starts_module.problem(game_of(torus), [0.0, 0.0], 1.0, 0.04, 1, rule, TWO_PI)
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


@pytest.mark.parametrize("engine", ALL)
def test_cells_that_leave_are_unbounded_and_overflow_is_no_error(engine):
    found = flows.basins(
        game_of(well), [(0.5, 0.0), (1.5, 0.0), (-3.0, 1.0)], [(0.0, 0.0)], lr=0.05, steps=400,
        engine=engine,
    )  # fmt: skip
    assert found.engine == engine
    assert found.labels.tolist() == [[0, flows.UNBOUNDED, flows.UNBOUNDED]]
    assert found.shares().tolist() == [[1 / 3, 0, 2 / 3]]


def test_floats_that_overflow_continue_as_tensors_do():
    starts = [(1.5, 0.0), (0.5, 0.0)]
    runs = [
        flows.trajectories(game_of(well), starts, lr=0.1, steps=60, every=5, engine=engine).points
        for engine in FAST
    ]
    for run in runs[1:]:
        np.testing.assert_allclose(run, runs[0], rtol=1e-10)
    assert np.isnan(runs[0][-1, 0, 0]).any()
    assert np.isfinite(runs[0][:, 0, 1]).all()


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

    with pytest.warns(UserWarning, match="differs from autograd"):
        run = flows.trajectories(game_of(moving), [1.0, 1.0], lr=0.1, steps=2, engine="traced")
    assert run.engine == "eager"
    assert "eager engine" in run.note


def in_place(x, y):
    out = x * 1.0
    out.mul_(y)
    return out.sum()


def test_operations_without_a_scalar_form_use_autograd_and_say_so():
    unusual = game_of(lambda x, y: torch.logsumexp(torch.cat([x, y]), 0) + torch.special.i0(x[0]))
    run = flows.trajectories(unusual, [0.5, 0.2], lr=0.1, steps=3)
    assert run.engine == "eager"
    assert "has no scalar form" in run.note
    slopes = np.exp([0.5, 0.2]) / np.exp([0.5, 0.2]).sum()
    slopes[0] += 0.25789430539089  # Bessel: i0' = i1, tabulated at 0.5
    np.testing.assert_allclose(run.points[1, 0], [0.5, 0.2] + 0.1 * slopes * [-1, 1], rtol=1e-6)
    with pytest.warns(UserWarning, match="has no scalar form"):
        assert flows.trajectories(
            game_of(in_place), [1.0, 2.0], lr=0.1, steps=2, engine="scalar"
        ).engine == "eager"  # fmt: skip


def test_the_source_reaches_nothing_but_mathematics():
    step = trace.trace_step(game_of(torus), torch.ones(2, dtype=torch.float64), True)
    path = engines._function(step.source(), engines.SCALAR)
    assert set(path.__globals__["__builtins__"]) == {"range"}
    assert set(path.__globals__) - set(engines.SCALAR) == {"__builtins__", "path"}


@pytest.mark.parametrize(("cells", "engine"), [(1, "scalar"), (17, "traced")])
def test_without_a_compiler_another_engine_runs_and_says_so(monkeypatch, cells, engine):
    native.compile_path.cache_clear()
    monkeypatch.setattr(native, "find_compiler", lambda: None)
    starts = np.ones((cells, 2))
    with pytest.warns(UserWarning, match=rf"no C compiler here\): used the {engine} engine"):
        run = flows.trajectories(game_of(xy), starts, lr=0.1, steps=3, engine="compiled")
    assert run.engine == engine


@pytest.mark.parametrize(
    ("compiler", "message"), [("/bin/false", "says nothing"), ("/nowhere/cc", "No such file")]
)
@pytest.mark.skipif(sys.platform == "win32", reason="needs /bin/false")
def test_a_failing_compiler_is_reported_in_its_own_words(monkeypatch, compiler, message):
    native.compile_path.cache_clear()
    monkeypatch.setattr(native, "find_compiler", lambda: compiler)
    with pytest.warns(UserWarning, match=message):
        run = flows.trajectories(game_of(xy), [1.0, 1.0], lr=0.1, steps=3, engine="compiled")
    assert run.engine == "scalar"


@pytest.mark.parametrize(
    ("cells", "steps", "expected"),
    [
        (1, 10**7, True),
        (8, 10_000, False),
        (8, 200_000, True),
        (17, 100, False),
        (40_000, 10, False),
        (900, 10**5, True),
    ],
)
def test_only_long_runs_are_compiled(cells, steps, expected):
    step = trace.trace_step(game_of(torus), torch.ones(2, dtype=torch.float64), True)
    assert engines._worth_compiling(step, cells, steps) is expected


def test_a_long_run_without_a_compiler_is_noted_but_no_warning(monkeypatch):
    native.compile_path.cache_clear()
    monkeypatch.setattr(native, "find_compiler", lambda: None)
    monkeypatch.setattr(engines, "_COMPILE_FROM", 0.0)  # every run is long
    run = flows.trajectories(game_of(xy), [1.0, 1.0], lr=0.1, steps=3)
    assert run.engine == "scalar"
    assert "no C compiler here" in run.note


@pytest.mark.skipif(not COMPILER, reason="no C compiler on this machine")
@pytest.mark.parametrize("build", native._BUILDS, ids=["vector", "plain"])
def test_both_builds_of_the_c_code_agree_with_floats(monkeypatch, build):
    native.compile_path.cache_clear()
    monkeypatch.setattr(native, "_BUILDS", [build])
    starts = flows.grid((-3, 3, 7), (-2, 2, 5))  # 70 cells: more than two blocks, not a whole one
    compiled, scalar = (
        flows.trajectories(game_of(torus), starts, [1, 3], lr=0.05, steps=200, every=7, engine=e)
        for e in ("compiled", "scalar")
    )
    if compiled.engine != "compiled" and build is native._BUILDS[0]:
        pytest.skip("this C library has no vector functions")
    np.testing.assert_allclose(compiled.points, scalar.points, rtol=1e-10, atol=1e-10)


class Stop:
    """An engine's path that is interrupted at its third call."""

    def __init__(self, path):
        self.path, self.calls = path, 0

    def __call__(self, *args):
        self.calls += 1
        if self.calls == 3:
            raise KeyboardInterrupt
        return self.path(*args)


def interrupted(monkeypatch):
    choose = starts_module.choose

    def stopping(*args, **kwargs):
        engine = choose(*args, **kwargs)
        return engines.Engine(engine.name, Stop(engine.path))

    monkeypatch.setattr(starts_module, "choose", stopping)


def test_an_interrupted_run_keeps_its_points(monkeypatch):
    full = flows.trajectories(game_of(torus), [2, -1], lr=0.01, steps=400)
    interrupted(monkeypatch)
    part = flows.trajectories(game_of(torus), [2, -1], lr=0.01, steps=400)
    assert part.interrupted
    assert not full.interrupted
    assert 1 < len(part.steps) < len(full.steps)
    np.testing.assert_array_equal(part.points, full.points[: len(part.steps)])


def test_an_interrupted_map_says_where_the_cells_are(monkeypatch):
    interrupted(monkeypatch)
    starts = [(1e-10, 0.0), (2.0, -1.0)]
    found = flows.basins(
        game_of(torus), starts, ENDS, 2, lr=0.01, steps=5000, tol=1e-3, period=TWO_PI
    )
    assert found.interrupted
    assert 0 < found.steps < 5000
    assert found.labels.tolist() == [[0, flows.NONE]]


def test_the_progress_bar_counts_steps(capsys):
    flows.basins(game_of(xy), [1.0, 1.0], [0, 0], lr=0.01, steps=250, progress=True)
    assert "250/250" in capsys.readouterr().err


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
        ({"engine": "compile"}, "Did you mean 'compiled'"),
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

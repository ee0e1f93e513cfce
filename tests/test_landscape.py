"""The formulas against a numerical minimization over D's values, and by counting."""

import itertools
import math

import numpy as np
import pytest
from scipy.optimize import minimize

from gan_teach.analysis import landscape as ls

LOG2 = math.log(2)


def softplus(t):
    return np.logaddexp(0, t)


def all_states(n):
    return np.array(list(itertools.product(range(-1, n), repeat=n)))


def optimized_losses(states, loss, ridge=1e-9, iterations=80):
    """min over f by batched Newton; f has a value at n real points and one spare place per fake.

    Knows nothing of counts or cycles: only the definition of the loss. The ridge keeps f finite
    where the infimum is not attained and costs about 1e-6.
    """
    n = states.shape[1]
    fake = np.eye(2 * n)[np.where(states >= 0, states, n + np.arange(n))]  # (S, n, 2n): f(y_i)
    real = np.broadcast_to(np.eye(2 * n)[:n], fake.shape)
    rows = np.concatenate([-real, fake], 1) if loss == "js" else fake - real
    f = np.zeros((len(states), 2 * n))

    def value(f):
        return softplus(np.einsum("srk,sk->sr", rows, f)).sum(1) / n + ridge / 2 * (f * f).sum(1)

    for _ in range(iterations):
        t = np.einsum("srk,sk->sr", rows, f)
        slope = 1 / (1 + np.exp(-t))
        gradient = np.einsum("sr,srk->sk", slope, rows) / n + ridge * f
        bend = (slope * (1 - slope))[:, :, None] * rows / n
        hessian = np.einsum("srk,srl->skl", rows, bend) + ridge * np.eye(2 * n)
        step = np.linalg.solve(hessian, -gradient[..., None])[..., 0]
        lengths = 0.5 ** np.arange(12)
        trials = np.stack([value(f + length * step) for length in lengths])
        f = f + lengths[trials.argmin(0)][:, None] * step
    return softplus(np.einsum("srk,sk->sr", rows, f)).sum(1) / n


@pytest.mark.parametrize("loss", ls.LANDSCAPES)
@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_every_assignment_against_a_numerical_minimum(n, loss):
    states = all_states(n)
    np.testing.assert_allclose(
        ls.assignment_loss(states, loss), optimized_losses(states, loss), atol=5e-6
    )


def test_published_two_point_table():
    off, one, both, perfect = [-1, -1], [0, -1], [0, 0], [1, 0]
    half = [float(ls.assignment_loss(s, "js", "half")) for s in (off, one, both, perfect)]
    closed = [0, LOG2 / 2, (math.log(3) + 2 * math.log(1.5)) / 4, LOG2]
    np.testing.assert_allclose(half, closed, atol=1e-14)
    np.testing.assert_allclose(half[2:], [0.477386, 0.693147], atol=1e-6)
    full = [float(ls.assignment_loss(s, "js")) for s in (off, one, both, perfect)]
    np.testing.assert_allclose(full, 2 * np.array(closed), atol=1e-14)
    pairs = [off, one, [1, -1], both, perfect, [0, 1]]
    paired = [float(ls.assignment_loss(s, "relativistic")) for s in pairs]
    np.testing.assert_allclose(paired, [0, LOG2 / 2, 0, LOG2 / 2, LOG2, LOG2], atol=1e-14)
    np.testing.assert_allclose(paired[3], 0.346574, atol=1e-6)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_number_of_bad_basins(n):
    assert len(ls.landscape(n, "js").bad_basins) == n**n - math.factorial(n)
    assert len(ls.landscape(n, "relativistic").bad_basins) == 0


@pytest.mark.parametrize("loss", ls.LANDSCAPES)
def test_strict_optima_lose_by_every_joint_displacement(loss):
    """One-fake strictness is claimed to be enough: try all subsets of the fakes."""
    n = 4
    states = all_states(n)
    strict = np.ones(len(states), bool)
    for subset in itertools.product([False, True], repeat=n):
        if any(subset):
            moved = np.where(subset, ls.OFF, states)
            strict &= ls.assignment_loss(moved, loss) < ls.assignment_loss(states, loss) - 1e-12
    np.testing.assert_array_equal(ls.is_strict_optimum(states, loss), strict)


@pytest.mark.parametrize(
    ("clusters", "one", "all_but_one"),
    [(2, 0.4774, 0.4774), (3, 0.3749, 0.5608), (5, 0.2703, 0.6183), (8, 0.1962, 0.6477),
     (25, 0.0848, 0.6791)],
)  # fmt: skip
def test_cluster_plateaus(clusters, one, all_but_one):
    assert ls.plateau(1, clusters, "js", "half") == pytest.approx(one, abs=6e-5)
    assert ls.plateau(clusters - 1, clusters, "js", "half") == pytest.approx(all_but_one, abs=6e-5)
    assert ls.plateau(clusters, clusters) == pytest.approx(2 * LOG2, abs=1e-14)
    assert ls.plateau(0, clusters) == ls.plateau(0, clusters, "relativistic") == 0
    for k in range(1, clusters + 1):
        assert ls.plateau(k, clusters, "relativistic") == pytest.approx(k * LOG2 / clusters)
        share = k / clusters
        closed = share * math.log(1 + 1 / share) + math.log(1 + share)
        assert ls.plateau(k, clusters) == pytest.approx(closed, abs=1e-13)


def test_two_clusters_with_unequal_fakes():
    for q, value in [(0.1, 0.5914), (0.25, 0.6593), (0.5, 0.6931)]:
        mass = ls.mass_loss([0.5, 0.5], [q, 1 - q], "js", "half")
        assert mass == pytest.approx(value, abs=6e-5)


@pytest.mark.parametrize("seed", range(6))
def test_mass_loss_against_scipy(seed):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(4, 0.6))
    q = np.append(rng.dirichlet(np.full(4, 0.6))[:3], 0.0)  # one cluster lost, some mass off data

    def js(f):
        return p @ softplus(-f) + q @ softplus(f)

    def paired(f):
        return (np.outer(p, q) * softplus(f - f[:, None])).sum()

    for name, objective in (("js", js), ("relativistic", paired)):
        best = minimize(objective, np.zeros(4), method="L-BFGS-B", bounds=[(-40, 40)] * 4,
                        options={"ftol": 1e-15, "gtol": 1e-10, "maxiter": 5000})  # fmt: skip
        value = ls.mass_loss(p, q, name)
        assert value == pytest.approx(best.fun, abs=2e-6)
        assert value <= best.fun + 1e-9


def test_extreme_masses_converge():
    value = ls.mass_loss([0.999, 0.001], [0.001, 0.999], "relativistic")
    gaps = np.linspace(-20, 20, 400_001)
    same = (0.999 * 0.001 + 0.001 * 0.999) * LOG2
    across = 0.999 * 0.999 * softplus(gaps) + 0.001 * 0.001 * softplus(-gaps)
    assert value == pytest.approx(same + across.min(), abs=1e-9)


@pytest.mark.parametrize("spread", [1e-6, 1e-4, 1e-2])
def test_the_pairing_minimum_keeps_small_differences_of_masses(spread):
    """Two clusters in closed form: with gap g, d/dg = 0 where e^g = a / b, a and b the weights
    across."""
    p, q = np.array([0.5 + spread, 0.5 - spread]), np.array([0.5 - spread, 0.5 + spread])
    a, b = p[0] * q[1], p[1] * q[0]  # weights of s(f_1 - f_0) and s(f_0 - f_1)
    across = a * math.log1p(b / a) + b * math.log1p(a / b)
    exact = (p * q).sum() * LOG2 + across
    assert ls.mass_loss(p, q, "relativistic") == pytest.approx(exact, abs=2e-15)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ls.assignment_loss([0, 2]), "-1..1"),
        (lambda: ls.assignment_loss([0.5, 1.0]), "whole numbers"),
        (lambda: ls.assignment_loss([]), "whole numbers"),
        (lambda: ls.assignment_loss([0, 1], "jss"), "Did you mean 'js'"),
        (lambda: ls.assignment_loss([0, 1], "js", "quarter"), "full, half"),
        (lambda: ls.mass_loss([0.5, 0.5], [1.0]), "share one shape"),
        (lambda: ls.mass_loss([0.5, 0.6], [0.5, 0.5]), "sum at most 1"),
        (lambda: ls.mass_loss([0.5, 0.4], [0.5, 0.5]), "real must sum to 1"),
        (lambda: ls.mass_loss([0.5, 0.5], [1.5, -0.5]), "fake must be masses"),
        (lambda: ls.plateau(6, 5), "at most clusters = 5"),
        (lambda: ls.landscape(7), "at most 6"),
    ],
)
def test_messages(call, words):
    with pytest.raises(ValueError, match=words):
        call()

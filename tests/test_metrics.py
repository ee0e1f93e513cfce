"""Distances and scores against closed forms, second algorithms and other packages."""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.linalg import sqrtm

from gan_teach import metrics as mt

LOG2 = math.log(2)


def normal(n, d=1, seed=0, mean=0.0, std=1.0):
    return mean + std * np.random.default_rng(seed).standard_normal((n, d))


# Divergences of weight vectors and of shared histograms


def test_divergences_in_closed_form():
    assert mt.kl_divergence([1, 0], [1, 1]) == pytest.approx(LOG2, abs=1e-15)
    assert mt.kl_divergence([1, 1], [1, 0]) == math.inf
    assert mt.js_divergence([1, 0], [0, 1]) == pytest.approx(LOG2, abs=1e-15)
    p, q = np.array([0.2, 0.5, 0.3]), np.array([0.4, 0.4, 0.2])
    assert mt.kl_divergence(10 * p, q) == pytest.approx(stats.entropy(p, q), abs=1e-15)
    m = (p + q) / 2
    js = (stats.entropy(p, m) + stats.entropy(q, m)) / 2
    assert mt.js_divergence(p, q) == pytest.approx(js, abs=1e-15)
    for k in (1, 3, 4, 8):
        covered = np.arange(8) < k
        assert mt.kl_divergence(covered, np.ones(8)) == pytest.approx(math.log(8 / k), abs=1e-14)


def test_divergences_are_never_below_zero():
    rng = np.random.default_rng(0)
    for _ in range(300):
        p = rng.dirichlet(np.full(7, 0.3))
        q = p * (1 + 1e-9 * rng.standard_normal(7))  # rounding is where they go negative
        assert mt.kl_divergence(p, q) >= 0
        assert 0 <= mt.js_divergence(p, q) <= LOG2
        r = rng.dirichlet(np.full(7, 0.3))
        assert mt.js_divergence(p, r) <= LOG2 + 1e-15
        assert mt.js_divergence(p, r) == pytest.approx(mt.js_divergence(r, p), abs=1e-15)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_shared_histogram_counts_every_sample_once(d):
    fake, real = normal(100, d, 1, std=3.0), normal(70, d, 2)
    p, q = mt.shared_histogram(fake, real, bins=4)
    assert p.sum() == pytest.approx(1)
    assert q.sum() == pytest.approx(1)
    edges = [
        np.concatenate([[-np.inf], np.linspace(a.min(), a.max(), 5), [np.inf]]) for a in real.T
    ]
    for e in edges:
        e[-2] = np.nextafter(e[-2], np.inf)  # numpy closes only its own last bin
    by_numpy = [np.histogramdd(x, edges)[0].ravel() / len(x) for x in (fake, real)]
    assert mt.js_divergence(p, q) == pytest.approx(mt.js_divergence(*by_numpy), abs=1e-14)


def test_one_runaway_fake_does_not_hide_the_others():
    real = normal(2000, seed=1)
    fake = np.concatenate([normal(1999, seed=2, mean=3.0), [[1e9]]])
    apart = mt.histogram_js(fake[:-1], real)
    assert mt.histogram_js(fake, real) == pytest.approx(apart, abs=0.01)
    assert apart > 0.3
    assert mt.histogram_js(np.full((50, 1), 7.0), real) == pytest.approx(LOG2, abs=1e-12)
    assert mt.histogram_js(np.full(5, 2.0), np.full(9, 2.0)) == 0  # no spread at all


def test_bias_of_histograms_is_the_stated_one():
    n, m, repeats = 400, 800, 400
    rng = np.random.default_rng(3)
    p = np.full(10, 0.1)
    counts = zip(rng.multinomial(n, p, repeats), rng.multinomial(m, p, repeats), strict=True)
    scores = np.array([mt.js_divergence(a, b) for a, b in counts])
    error = scores.std() / math.sqrt(repeats)
    assert scores.mean() == pytest.approx(mt.histogram_js_bias(10, n, m), abs=4 * error, rel=0.02)
    assert mt.histogram_js_bias(1, 1, 1) == 0


# Wasserstein


@pytest.mark.parametrize("n", [1, 5, 30, 48])
@pytest.mark.parametrize("m", [1, 7, 30])
def test_wasserstein_on_the_line_against_scipy(n, m):
    x, y = normal(n, seed=n), normal(m, seed=100 + m, mean=0.5)
    x[: n // 2] = np.round(x[: n // 2])  # ties
    value = mt.sliced_wasserstein(x, y)  # on the line there is one direction
    assert value == pytest.approx(stats.wasserstein_distance(x[:, 0], y[:, 0]), abs=1e-12)


def test_sliced_wasserstein_in_closed_form():
    x = normal(500, 2, 1)
    shift = np.array([3.0, 4.0])
    mean_cosine = 2 / math.pi  # of |v . shift| / |shift| over directions in the plane
    assert mt.sliced_wasserstein(x + shift, x) == pytest.approx(5 * mean_cosine, rel=1e-3)
    in_space = normal(500, 3, 2)
    up = np.array([0, 0, 2.0])
    moved = mt.sliced_wasserstein(in_space + up, in_space, projections=4000)
    assert moved == pytest.approx(1.0, rel=0.02)  # 2 times the mean of |cos|, uniform on a sphere
    assert mt.sliced_wasserstein(x, x) == 0
    assert mt.sliced_wasserstein(x, x[::-1]) < 1e-15  # the order of the rows is irrelevant
    repeated = mt.sliced_wasserstein(np.repeat(x, 3, 0), x + 0.1)
    assert repeated == pytest.approx(mt.sliced_wasserstein(x, x + 0.1), abs=1e-12)


# Maximum mean discrepancy


@pytest.mark.parametrize("d", [1, 2, 64])
def test_kid_of_two_points_in_closed_form(d):
    assert mt.kid(np.zeros((5, d)), np.full((7, d), 2.0)) == pytest.approx(124, abs=1e-10)


def test_kid_is_unbiased():
    rng = np.random.default_rng(0)
    scores = [mt.kid(*rng.standard_normal((2, 50, 4))) for _ in range(300)]
    assert abs(np.mean(scores)) < 4 * np.std(scores) / math.sqrt(300)
    assert min(scores) < 0


@pytest.mark.slow
def test_kid_against_torch_fidelity():
    kid = pytest.importorskip("torch_fidelity.metric_kid")
    x, y = normal(60, 5, 1), normal(60, 5, 2, mean=0.3)
    options = {"kid_subsets": 1, "kid_subset_size": 60, "verbose": False}
    theirs = kid.kid_features_to_metric(torch.tensor(x), torch.tensor(y), **options)
    assert mt.kid(x, y) == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-10)


def test_rbf_against_the_integral_for_two_gaussians():
    """E k(X, Y) = h / sqrt(v) exp(-(a - b)^2 / (2 v)), v = h^2 + s^2 + t^2, X ~ N(a, s^2)."""
    h = 0.7

    def mean_kernel(gap, s, t):
        v = h * h + s * s + t * t
        return h / math.sqrt(v) * math.exp(-gap * gap / (2 * v))

    exact = mean_kernel(0, 1, 1) + mean_kernel(0, 2, 2) - 2 * mean_kernel(1.5, 1, 2)
    scores = [
        mt.rbf_mmd(normal(100, seed=i), normal(150, seed=1000 + i, mean=1.5, std=2.0), h)
        for i in range(150)
    ]
    assert np.mean(scores) == pytest.approx(exact, abs=4 * float(np.std(scores)) / math.sqrt(150))


def test_rbf_by_hand_and_in_blocks(monkeypatch):
    one = math.exp(-0.5)
    by_hand = one + one - 2 * (2 * math.exp(-8) + math.exp(-4.5) + math.exp(-12.5)) / 4
    assert mt.rbf_mmd([0, 1], [4, 5], 1.0) == pytest.approx(by_hand, abs=1e-14)
    x, y = normal(40, 3, 1), normal(31, 3, 2)
    whole = mt.rbf_mmd(x, y, 1.5), mt.kid(x, y)
    monkeypatch.setattr("gan_teach.metrics.distances._BLOCK", 100)
    assert (mt.rbf_mmd(x, y, 1.5), mt.kid(x, y)) == pytest.approx(whole, abs=1e-13)


# Frechet distance


def test_frechet_on_the_line():
    assert mt.frechet_distance(0, 1, 3, 4) == pytest.approx(10, abs=1e-13)
    x = np.array([0.0, 2.0])  # mean 1, variance 2
    y = np.array([0.0, 6.0, 12.0])  # mean 6, variance 36
    expected = 25 + (math.sqrt(2) - 6) ** 2
    assert mt.sample_frechet(x, y) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("d", [2, 64, 512])
def test_frechet_of_commuting_covariances(d):
    rng = np.random.default_rng(d)
    q = np.linalg.qr(rng.standard_normal((d, d)))[0]
    a, b = rng.uniform(0.1, 3, (2, d))
    m1, m2 = rng.standard_normal((2, d))
    exact = ((m1 - m2) ** 2).sum() + ((np.sqrt(a) - np.sqrt(b)) ** 2).sum()
    cov_a, cov_b = (q * a) @ q.T, (q * b) @ q.T
    assert mt.frechet_distance(m1, cov_a, m2, cov_b) == pytest.approx(exact, rel=1e-11)
    equal = mt.frechet_distance(m1, cov_a, m2, cov_a)
    assert equal == pytest.approx(((m1 - m2) ** 2).sum(), rel=1e-11)


def test_frechet_of_two_matrices_that_do_not_commute():
    a, b, zero = np.array([[2.0, 1], [1, 2]]), np.diag([1.0, 4]), np.zeros(2)
    # tr (AB)^(1/2) of two-by-two matrices is (tr AB + 2 det(AB)^(1/2))^(1/2)
    exact = 4 + 5 - 2 * math.sqrt(np.trace(a @ b) + 2 * math.sqrt(3 * 4))
    assert mt.frechet_distance(zero, a, zero, b) == pytest.approx(exact, abs=1e-13)
    assert exact == pytest.approx(0.7712204476543416, abs=1e-13)


def test_frechet_against_the_matrix_square_root():
    rng = np.random.default_rng(4)
    f, g = rng.standard_normal((2, 12, 12))
    a, b, m = f @ f.T, g @ g.T, rng.standard_normal(12)
    cross = np.trace(sqrtm(a @ b)).real
    exact = m @ m + np.trace(a) + np.trace(b) - 2 * cross
    assert mt.frechet_distance(m, a, np.zeros(12), b) == pytest.approx(exact, rel=1e-9)
    assert mt.frechet_distance(np.zeros(12), b, m, a) == pytest.approx(exact, rel=1e-9)
    q = np.linalg.qr(f)[0]
    turned = mt.frechet_distance(q @ m, q @ a @ q.T, np.zeros(12), q @ b @ q.T)
    assert turned == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize("n", [5, 30, 31, 200])
def test_both_routes_to_the_sample_distance_agree(n):
    x, y = normal(n, 30, 1), normal(n + 3, 30, 2, mean=0.2, std=1.3)
    by_moments = mt.frechet_distance(x.mean(0), np.cov(x.T), y.mean(0), np.cov(y.T))
    assert mt.sample_frechet(x, y) == pytest.approx(by_moments, rel=1e-12)
    assert mt.sample_frechet(x, x) == pytest.approx(0, abs=1e-12)
    assert mt.sample_frechet(x, x) >= 0
    u, v = (x - x.mean(0)) / math.sqrt(n - 1), (y - y.mean(0)) / math.sqrt(n + 2)
    nuclear = np.linalg.norm(u @ v.T, "nuc")
    oracle = ((x.mean(0) - y.mean(0)) ** 2).sum() + (u**2).sum() + (v**2).sum() - 2 * nuclear
    assert mt.sample_frechet(x, y) == pytest.approx(oracle, rel=1e-9)


@pytest.mark.parametrize("ranks", [(5, 5), (5, 64), (64, 5)], ids=str)
def test_samples_in_a_subspace_keep_all_digits(ranks):
    # square roots of eigenvalues that are zero up to rounding would be wrong by 1e-8 each
    rng = np.random.default_rng(6)
    x, y = (rng.standard_normal((500, r)) @ rng.standard_normal((r, 64)) for r in ranks)
    u, v = (z - z.mean(0) for z in (x, y))
    nuclear = np.linalg.norm(u @ v.T, "nuc")  # of (500, 500), without covariances
    spread = ((u**2).sum() + (v**2).sum() - 2 * nuclear) / 499
    exact = ((x.mean(0) - y.mean(0)) ** 2).sum() + spread
    assert mt.sample_frechet(x, y) == pytest.approx(exact, rel=1e-12)
    by_moments = mt.frechet_distance(x.mean(0), np.cov(x.T), y.mean(0), np.cov(y.T))
    assert by_moments == pytest.approx(exact, rel=1e-12)


def test_samples_in_one_subspace_are_as_far_apart_as_its_coordinates():
    axes = np.linalg.qr(normal(64, 5, 1))[0].T  # (5, 64), orthonormal rows
    x, y = normal(300, 5, 2), normal(400, 5, 3, mean=0.5, std=2.0)
    assert mt.sample_frechet(x @ axes, y @ axes) == pytest.approx(
        mt.sample_frechet(x, y), rel=1e-13
    )


@pytest.mark.parametrize(("d", "n"), [(16, 1000), (64, 1000), (64, 5000)])
def test_small_sample_bias_of_the_frechet_distance(d, n):
    repeats = 30_000 // n
    pairs = [(normal(n, d, i), normal(n, d, 500 + i)) for i in range(repeats)]
    scores = [n * mt.sample_frechet(x, y) for x, y in pairs]
    assert np.mean(scores) == pytest.approx(d * (d + 5) / 2, rel=0.04)  # d = 64: 2208


def test_the_order_of_the_rows_is_irrelevant():
    x, y = normal(60, 3, 1), normal(70, 3, 2, mean=0.3)
    mixed = np.random.default_rng(3).permutation(x), np.random.default_rng(4).permutation(y)
    for name, metric in TWO_SAMPLE.items():
        if name != "prd":  # k-means draws its starts by row
            assert metric(*mixed) == pytest.approx(metric(x, y), abs=1e-12), name


def test_extrapolation_removes_the_bias_of_the_fakes():
    d = 32
    fake, real = normal(4000, d, 1, mean=0.1), normal(60_000, d, 2)
    found = mt.frechet_infinity(fake, real)
    truth = 0.01 * d
    assert abs(found.value - truth) < 0.05
    assert mt.sample_frechet(fake, real) - truth > 1.5 * abs(found.value - truth)
    assert found.slope == pytest.approx(d * (d + 5) / 4, rel=0.15)  # half the bias of two sets
    assert found.sizes[-1] == 4000


def test_a_line_through_two_sizes_is_known_by_hand():
    x, y = normal(100, 2, 1), normal(90, 2, 2)
    value, slope, (small, large), (first, last) = mt.frechet_infinity(x, y, points=2)
    assert (small, large) == (10, 100)
    assert last == pytest.approx(mt.sample_frechet(x, y), rel=1e-12)
    assert value == pytest.approx((large * last - small * first) / (large - small), rel=1e-9)
    assert slope == pytest.approx((first - last) / (1 / small - 1 / large), rel=1e-9)


def test_frechet_against_torch_fidelity():
    fid = pytest.importorskip("torch_fidelity.metric_fid")
    x, y = normal(300, 8, 1), normal(300, 8, 2, mean=0.4)
    theirs = [fid.fid_features_to_statistics(torch.tensor(z)) for z in (x, y)]
    value = fid.fid_statistics_to_metric(*theirs, verbose=False)["frechet_inception_distance"]
    assert mt.sample_frechet(x, y) == pytest.approx(value, rel=1e-9)


# Inception score


def test_inception_score_in_closed_form():
    one_hot = np.eye(10)
    assert mt.inception_score(np.tile(one_hot, (7, 1))).mean == pytest.approx(10, abs=1e-12)
    assert mt.inception_score(np.tile(one_hot[:4], (7, 1))).mean == pytest.approx(4, abs=1e-12)
    assert mt.inception_score(np.full((9, 3), 1 / 3)).mean == pytest.approx(1, abs=1e-15)
    assert math.isnan(mt.inception_score(one_hot).std)
    halves = np.repeat([[0.9, 0.1], [0.1, 0.9]], 50, 0)
    exact = math.exp(LOG2 + 0.9 * math.log(0.9) + 0.1 * math.log(0.1))
    assert exact == pytest.approx(1.4449348111684153, abs=1e-14)
    assert mt.inception_score(halves).mean == pytest.approx(exact, abs=1e-13)


@pytest.mark.parametrize(("n", "published"), [(100, 6.2), (1000, 9.6), (10_000, 9.96)])
def test_bias_of_ten_splits(n, published):
    rng = np.random.default_rng(n)
    runs = [
        mt.inception_score(np.eye(10)[rng.integers(10, size=n)], splits=10, seed=i).mean
        for i in range(10)
    ]
    counts = rng.multinomial(n // 10, np.full(10, 0.1), 20_000)
    exact = np.exp(stats.entropy(counts, axis=1)).mean()
    assert np.mean(runs) == pytest.approx(exact, abs=5 * float(np.std(runs)) / math.sqrt(10))
    assert exact == pytest.approx(published, rel=0.05)
    assert exact == pytest.approx(10 * math.exp(-9 / (2 * n / 10)), rel=0.08)  # docstring's order


def test_inception_score_against_torch_fidelity():
    isc = pytest.importorskip("torch_fidelity.metric_isc")
    logits = torch.tensor(normal(200, 6, 3))
    theirs = isc.isc_features_to_metric(logits, splits=1, shuffle=False, rng_seed=0)
    ours = mt.inception_score(logits.softmax(1)).mean
    assert ours == pytest.approx(theirs["inception_score_mean"], rel=1e-10)


# What is accepted


def test_defaults_are_those_of_the_signatures():
    x, y = normal(200, 3, 1), normal(150, 3, 2, mean=0.3)
    for metric, same, others in [
        (
            mt.sliced_wasserstein,
            {"projections": 64, "seed": 0},
            [{"projections": 65}, {"seed": 1}],
        ),
        (mt.histogram_js, {"bins": 20}, [{"bins": 21}]),
        (lambda *xy, **o: mt.frechet_infinity(*xy, **o).value, {"points": 15, "seed": 0},
         [{"points": 16}, {"seed": 1}]),
    ]:  # fmt: skip
        assert metric(x, y) == metric(x, y, **same)
        assert metric(x, y) not in [metric(x, y, **other) for other in others]
    assert mt.frechet_infinity(x, y).sizes[0] == 20  # a tenth
    assert mt.frechet_infinity(x[:17], y).sizes[0] == 2  # the least that has a covariance


def test_tensors_arrays_and_lists_agree():
    x, y = normal(20, 2, 1), normal(20, 2, 2)
    value = mt.sliced_wasserstein(x, y)
    read_only = x.copy()
    read_only.flags.writeable = False
    for given in (torch.tensor(x, requires_grad=True), x.tolist(), read_only, x[::-1]):
        assert mt.sliced_wasserstein(given, torch.tensor(y)) == pytest.approx(value, abs=1e-12)
        assert mt.precision_recall(given, y) == mt.precision_recall(x, y)


NAN = float("nan")
TWO_SAMPLE = {
    "histogram_js": mt.histogram_js,
    "sliced_wasserstein": mt.sliced_wasserstein,
    "kid": mt.kid,
    "rbf_mmd": lambda fake, real: mt.rbf_mmd(fake, real, 1.0),
    "sample_frechet": mt.sample_frechet,
    "precision_recall": mt.precision_recall,
    "density_coverage": mt.density_coverage,
    "prd": mt.prd,
}


@pytest.mark.parametrize("metric", TWO_SAMPLE.values(), ids=TWO_SAMPLE.keys())
def test_bad_samples_get_one_message(metric):
    good = normal(30, 2)
    bad = good.copy()
    bad[7, 1] = NAN
    with pytest.raises(ValueError, match=r"fake has 1 entries that are NaN.*\[7, 1\]"):
        metric(bad, good)
    with pytest.raises(ValueError, match="real has 1 entries that are NaN"):
        metric(good, bad)
    with pytest.raises(ValueError, match="fake must have at least"):
        metric(good[:0], good)
    with pytest.raises(ValueError, match="2 and 3"):
        metric(good, normal(30, 3))
    with pytest.raises(ValueError, match=r"shape \(n, d\).*flatten"):
        metric(good.reshape(30, 2, 1), good)
    with pytest.raises(TypeError, match="array of numbers"):
        metric("samples", good)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: mt.kid([1.0], [1.0, 2.0]), "fake must have at least 2 rows, got 1"),
        (lambda: mt.sample_frechet([1.0, 2.0], [1.0]), "real must have at least 2 rows, got 1"),
        (lambda: mt.kl_divergence([1, 2], [1, 2, 3]), "one length, got 2 and 3"),
        (lambda: mt.kl_divergence([1, -1], [1, 1]), "weights >= 0"),
        (lambda: mt.kl_divergence([0, 0], [1, 1]), "not all 0"),
        (lambda: mt.histogram_js(np.ones((3, 9)), np.ones((3, 9))), "far more than samples"),
        (lambda: mt.rbf_mmd([1, 1], [1, 1], -1), "bandwidth must be above 0"),
        (lambda: mt.inception_score([[2.0, -1.0]]), "logits"),
        (lambda: mt.inception_score(np.eye(3), splits=4), "splits must be at most"),
        (lambda: mt.frechet_distance([0, 0], np.eye(2), [0], 1), "one length"),
        (lambda: mt.frechet_distance([0, 0], [[1, 2], [0, 1]], [0, 0], np.eye(2)), "symmetric"),
        (lambda: mt.frechet_infinity(np.ones(16), np.ones(9)), "fake must have at least 17 rows"),
    ],
)
def test_messages(call, words):
    with pytest.raises(ValueError, match=words):
        call()
